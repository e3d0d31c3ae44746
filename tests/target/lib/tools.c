// SPDX-License-Identifier: Apache-2.0
#include "tools.h"

union domctl_words dc;

int64_t domctl(uint32_t cmd, uint16_t dom)
{
	dc.op.cmd = cmd;
	dc.op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.op.domain = dom;
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

int64_t domctl_u64(uint32_t cmd, uint16_t dom, uint64_t value)
{
	memset(&dc, 0, sizeof(dc));
	dc.q[0] = value;
	return domctl(cmd, dom);
}

int64_t domain_make(uint16_t dom)
{
	memset(&dc, 0, sizeof(dc));
	dc.w[5] = 3; /* a guest with stage 2 */
	dc.w[7] = 1; /* one vcpu */
	dc.w[8] = 1023;
	dc.w[9] = dc.w[10] = 4; /* grant frames, map-track frames */
	dc.w[11] = 1;		/* grants of version 1 */
	dc.w[14] = machine.gicr.base ? 2 : 1; /* GICv3 or GICv2 */
	return domctl(XEN_DOMCTL_createdomain, dom);
}

const struct xen_sysctl_physinfo *physinfo(void)
{
	static struct xen_sysctl sc;

	memset(&sc, 0, sizeof(sc));
	sc.cmd = XEN_SYSCTL_physinfo;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
	return &sc.u.physinfo;
}
