// SPDX-License-Identifier: Apache-2.0
/* domctl of devices, and every number that Arm does not have: dom0 asks for a guest of the tree. */
/* machine: smp=1 vcpus=1 pair=1 tree='/ { pl031@9010000 { xen,passthrough; }; };' */
#include "guest.h"

#define PEER	1
#define NOBODY	77
#define RTC	0x9010
#define UART	0x9000
#define RTC_IRQ 34
#define SPI	4ul /* the type of interrupts that may be bound */

static struct xen_domctl dc;

static int64_t domctl(uint32_t cmd, uint16_t dom, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t args[4] = { a, b, c, d };

	memset(&dc, 0, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.domain = dom;
	memcpy(&dc.u, args, sizeof(args));
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

/* ---- numbers that are nobody's, or another architecture's ---- */

static void check_holes(void)
{
	static const uint16_t holes[][2] = {
		{ 0, 0 },   { 6, 8 },	{ 21, 22 }, { 26, 26 }, { 28, 28 }, { 30, 34 }, { 36, 36 },
		{ 40, 44 }, { 49, 49 }, { 51, 55 }, { 57, 65 }, { 67, 67 }, { 70, 70 }, { 72, 73 },
		{ 75, 76 }, { 78, 78 }, { 80, 80 }, { 82, 84 }, { 87, 100 }, { 999, 1004 },
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(holes); i++)
		for (uint32_t cmd = holes[i][0]; cmd <= holes[i][1]; cmd++) {
			check_eqf(domctl(cmd, PEER, 0, 0, 0, 0), -XEN_ENOSYS, "hole.%u", cmd);
			check_eqf(domctl(cmd, NOBODY, 0, 0, 0, 0), -XEN_ESRCH, "hole.%u_none", cmd);
		}
	check_eq("hole.max", domctl(~0u, PEER, 0, 0, 0, 0), -XEN_ENOSYS);
}

/* ---- registers ---- */

static int64_t permit(uint64_t first, uint64_t nr, uint64_t allow)
{
	return domctl(20, PEER, first, nr, allow, 0);
}

static int64_t map(uint64_t gfn, uint64_t mfn, uint64_t nr, uint64_t add)
{
	return domctl(39, PEER, gfn, mfn, nr, add);
}

static void check_registers(void)
{
	check_eq("iomem.not_yet", map(RTC, RTC, 1, 1), -XEN_EPERM);
	check_eq("iomem.rtc", permit(RTC, 1, 1), 0);
	check_eq("iomem.again", permit(RTC, 1, 1), 0);
	check_eq("iomem.uart", permit(UART, 1, 1), -XEN_EPERM);
	check_eq("iomem.ram", permit(0x60000, 1, 1), -XEN_EPERM);
	check_eq("iomem.none", permit(RTC, 0, 1), -XEN_EINVAL);
	check_eq("iomem.none_at_0", permit(0, 0, 1), -XEN_EPERM);
	check_eq("iomem.wraps", permit(~0ul, 2, 1), -XEN_EINVAL);
	check_eq("iomem.far", permit(1ul << 50, 1, 1), -XEN_EPERM);
	check_eq("iomem.self", domctl(20, 0, RTC, 1, 1, 0), 0);
	check_eq("map.rtc", map(RTC, RTC, 1, 1), 0);
	check_eq("map.again", map(RTC, RTC, 1, 1), 0);
	check_eq("map.uart", map(RTC, UART, 1, 1), -XEN_EPERM);
	check_eq("map.none", map(RTC, RTC, 0, 1), -XEN_EINVAL);
	check_eq("map.gfn_wraps", map(~0ul, RTC, 2, 1), -XEN_EINVAL);
	check_eq("map.gfn_far", map(1ul << 40, RTC, 1, 1), -XEN_EINVAL);
	check_eq("map.mfn_far", map(RTC, 1ul << 50, 1, 1), -XEN_EINVAL);
	check_eq("iomem.ecam", permit(0x10000, 0x1000, 1), 0);
	check_eq("map.65", map(0x20000, 0x10000, 65, 1), -XEN_E2BIG);
	check_eq("map.64", map(0x20000, 0x10000, 64, 1), 0);
	check_eq("unmap.64", map(0x20000, 0x10000, 64, 0), 0);
	check_eq("unmap.rtc", map(RTC, RTC, 1, 0), 0);
	check_eq("unmap.again", map(RTC, RTC, 1, 0), 0);
	check_eq("iomem.denied", permit(RTC, 1, 0), 0);
	check_eq("map.denied", map(RTC, RTC, 1, 1), -XEN_EPERM);
	check_eq("unmap.denied", map(RTC, RTC, 1, 0), -XEN_EPERM);
}

/* ---- interrupts ---- */

static int64_t irq_permit(uint64_t irq, uint64_t allow)
{
	return domctl(19, PEER, irq | allow << 32, 0, 0, 0);
}

static int64_t bind(uint16_t dom, uint64_t irq, uint64_t type, uint64_t spi)
{
	return domctl(38, dom, irq | type << 32, spi, 0, 0);
}

static void check_interrupts(void)
{
	check_eq("irq.rtc", irq_permit(RTC_IRQ, 1), 0);
	check_eq("irq.uart", irq_permit(33, 1), -XEN_EPERM);
	check_eq("irq.ppi", irq_permit(27, 1), -XEN_EPERM);
	check_eq("irq.nobodys", irq_permit(150, 1), -XEN_EPERM);
	check_eq("irq.no_such", irq_permit(300, 1), -XEN_EPERM);
	check_eq("irq.far", irq_permit(5000, 1), -XEN_EINVAL);
	check_eq("irq.denied", irq_permit(RTC_IRQ, 0), 0);
	check_eq("bind.type", bind(PEER, RTC_IRQ, 0, RTC_IRQ), -XEN_EOPNOTSUPP);
	check_eq("bind.not_same", bind(PEER, RTC_IRQ, SPI, 35), -XEN_EINVAL);
	check_eq("bind.uart", bind(PEER, 33, SPI, 33), -XEN_EPERM);
	check_eq("bind.ppi", bind(PEER, 27, SPI, 27), -XEN_EPERM);
	check_eq("bind.far", bind(PEER, 2000, SPI, 2000), -XEN_EPERM);
	check_eq("bind.dom0s", bind(PEER, 63, SPI, 63), -XEN_EBUSY);
	check_eq("unbind.type", domctl(48, PEER, RTC_IRQ, RTC_IRQ, 0, 0), -XEN_EOPNOTSUPP);
	check_eq("unbind.not_same", domctl(48, PEER, RTC_IRQ | SPI << 32, 35, 0, 0), -XEN_EINVAL);
	check_eq("unbind.uart", domctl(48, PEER, 33 | SPI << 32, 33, 0, 0), -XEN_EPERM);
	check_eq("unbind.other", domctl(48, 0, RTC_IRQ | SPI << 32, RTC_IRQ, 0, 0), -XEN_EINVAL);
}

/* ---- what needs an IOMMU, or is not there ---- */

static void check_assignment(void)
{
	static const char path[] = "/pl031@9010000";
	static const uint8_t cmds[] = { 37, 45, 47 };

	for (uint32_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		check_eqf(domctl(cmds[i], PEER, 1, sizeof(path) - 1, (uint64_t)path, 0),
			  -XEN_EOPNOTSUPP, "assign.%u_tree", cmds[i]);
		check_eqf(domctl(cmds[i], PEER, 0, 0, 0, 0), -XEN_EOPNOTSUPP, "assign.%u_pci",
			  cmds[i]);
		check_eqf(domctl(cmds[i], PEER, 7, 0, 0, 0), -XEN_EOPNOTSUPP, "assign.%u_what",
			  cmds[i]);
		check_eqf(domctl(cmds[i], NOBODY, 0, 0, 0, 0), -XEN_ESRCH, "assign.%u_none",
			  cmds[i]);
	}
	check_eq("assign.group", domctl(50, PEER, 0, 0, 0, 0), -XEN_EOPNOTSUPP);
}

static void check_monitor(void)
{
	/* Rings are refused until the tools gave the guest a page for one. */
	static const int16_t ring[] = { -XEN_EOPNOTSUPP, -XEN_EINVAL, -XEN_ENODEV, 0, -XEN_ENOSYS };

	for (uint64_t op = 0; op < ARRAY_SIZE(ring); op++) {
		check_eqf(domctl(56, PEER, op | 2ul << 32, 0, 0, 0), ring[op], "ring.monitor%lu", op);
		check_eqf(domctl(56, PEER, op | 3ul << 32, 0, 0, 0), op == 3 ? 0 : -XEN_ENOSYS,
			  "ring.sharing%lu", op);
		check_eqf(domctl(56, PEER, op | 1ul << 32, 0, 0, 0), op == 3 ? 0 : -XEN_ENOSYS,
			  "ring.paging%lu", op);
	}
	check_eq("ring.self", domctl(56, 0, 2ul << 32, 0, 0, 0), -XEN_EINVAL);
	check_eq("monitor.self", domctl(77, 0, 0, 0, 0, 0), -XEN_EPERM);
	check_eq("monitor.registers", domctl(77, PEER, 0, 0, 0, 0), -XEN_EOPNOTSUPP);
	check_eq("monitor.capabilities", domctl(77, PEER, 2, 0, 0, 0), 0);
	check_eq("monitor.emulate", domctl(77, PEER, 3, 0, 0, 0), -XEN_EOPNOTSUPP);
	check_eq("monitor.unknown", domctl(77, PEER, 9, 0, 0, 0), -XEN_EOPNOTSUPP);
}

/* ---- who else ---- */

static void check_others(void)
{
	for (uint32_t virq = 0; virq < 26; virq++) {
		bool global = virq > 1 && virq < 24 && virq != 7 && virq != 13;

		check_eqf(domctl(66, PEER, virq, 0, 0, 0), global ? 0 : -XEN_EINVAL,
			  "virq_handler.%u", virq);
		if (global)
			check_eqf(domctl(66, 0, virq, 0, 0, 0), 0, "virq_handler.%u_back", virq);
	}
	check_eq("vuart.ran", domctl(81, PEER, 0, 0x39003, 0, 0), -XEN_EPERM);
	check_eq("vuart.self", domctl(81, 0, 0, 0x39003, 0, 0), -XEN_EPERM);
	check_eq("vuart.none", domctl(81, NOBODY, 0, 0x39003, 0, 0), -XEN_ESRCH);
	check_eq("target.itself", domctl(46, PEER, PEER, 0, 0, 0), -XEN_EINVAL);
	check_eq("target.none", domctl(46, PEER, NOBODY, 0, 0, 0), -XEN_ESRCH);
	check_eq("target.dom0", domctl(46, PEER, 0, 0, 0, 0), 0);
	check_eq("target.again", domctl(46, PEER, 0, 0, 0, 0), -XEN_EINVAL);
}

/* ---- calls beside domctl ---- */

static void check_calls(void)
{
	uint64_t arg[16] = { DOMID_SELF };

	for (uint32_t op = 2; op < 32; op++)
		check_eqf(hc_op(HC_hvm_op, op, arg), op == 24 ? -XEN_EINVAL : -XEN_ENOSYS, "hvm.%u",
			  op);
	check_eq("hvm.24_null", hc_op(HC_hvm_op, 24, NULL), 0);
	for (uint32_t op = 0; op < 24; op++) {
		uint32_t xsm[66] = { op, 1 };

		check_eqf(hypercall(HC_xsm_op, (uint64_t)xsm, 0, 0, 0), -XEN_ENOSYS, "xsm.%u", op);
	}
}

/* Device models are nobody's here, as in Debian's build for Arm: there is no such hypercall at all. */
static void check_device_models(void)
{
	static const uint16_t doms[] = { PEER, 0, NOBODY, DOMID_SELF };
	uint32_t op[32];
	const struct {
		uint64_t handle;
		size_t size;
	} buffers[2] = { { (uint64_t)op, sizeof(op) }, { (uint64_t)op, sizeof(op) } };

	for (uint32_t nr = 0; nr <= 21; nr++) {
		memset(op, 0, sizeof(op));
		op[0] = nr;
		for (uint32_t i = 0; i < ARRAY_SIZE(doms); i++)
			check_eqf(hypercall(HC_dm_op, doms[i], 2, (uint64_t)buffers, 0), -XEN_ENOSYS,
				  "dm_op.%u_of_%u", nr, doms[i]);
	}
	check_eq("dm_op.null", hypercall(HC_dm_op, PEER, 1, 0, 0), -XEN_ENOSYS);
	check_eq("dm_op.many", hypercall(HC_dm_op, PEER, ~0u, (uint64_t)buffers, 0), -XEN_ENOSYS);
}

void guest_main(void)
{
	if (pair_is_peer())
		return;
	while (!peer_has_ended())
		sleep_us(1000);
	check_holes();
	check_registers();
	check_interrupts();
	check_assignment();
	check_monitor();
	check_others();
	check_calls();
	check_device_models();
}
