/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain without the machine's devices gets besides RAM: at boot, and when it is restarted. */
#include <abi/guest_layout.h>
#include <serai/builder.h>
#include <serai/domain.h>
#include <serai/evtchn.h>
#include <serai/printk.h>
#include <serai/vpl011.h>

#define STORE_PFN_LATER (~0UL) /* who sets up the xenstore tells the guest by its channel */

/* The upcall's interrupt is in the tree; HVM_PARAM_CALLBACK_IRQ stays 0, as in Xen. */
int guest_devices_build(struct domain *d, const struct uart_place *uart)
{
	int rc = 0;

	d->evtchn_irq = GUEST_EVTCHN_PPI;
	if (uart) {
		rc = vpl011_domain_create(d, uart);
		if (rc)
			pr_err("%s: vpl011 cannot be made (%d)\n", d->name, rc);
	}
	return rc;
}

void guest_connect_xenstore(struct domain *d)
{
	int port = evtchn_alloc_unbound(d, 0);

	if (port < 0)
		return;
	d->hvm_params[HVM_PARAM_STORE_EVTCHN] = (u64)port;
	d->hvm_params[HVM_PARAM_STORE_PFN] = STORE_PFN_LATER;
}
