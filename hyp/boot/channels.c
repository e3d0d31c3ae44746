/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binds the event channels of the device tree, once all domains are built and before one runs. An end
 * whose domain is not there leaves the other one unbound, as if it had been closed.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/evtchn.h>
#include <serai/printk.h>

static struct domain *__init domain_of(const struct boot_info *bi, const struct built *b, int end)
{
	const struct boot_evtchn *e = &bi->evtchn[end];

	if (e->bad || (e->domain >= 0 && bi->domains[e->domain].left_out))
		return NULL;
	return built_domain(b, e->domain);
}

static int __init bind(const struct boot_info *bi, const struct boot_evtchn *e, struct domain *d,
		       struct domain *peer)
{
	const struct boot_evtchn *pe = &bi->evtchn[e->peer];

	if (peer)
		return evtchn_bind_static(d, e->port, peer, pe->port);
	pr_warn("%s: event channel %u leads to nobody\n", d->name, e->port);
	return evtchn_open_static(d, e->port, (domid_t)(pe->domain + 1));
}

int __init channels_connect(const struct boot_info *bi, struct built *b)
{
	int rc = 0;

	for (u32 i = 0; i < bi->nr_evtchn && !rc; i++) {
		const struct boot_evtchn *e = &bi->evtchn[i];
		struct domain *d = domain_of(bi, b, (int)i), *peer;

		if (!d)
			continue;
		peer = domain_of(bi, b, e->peer);
		/* The first end of a pair binds both. */
		if (peer && e->peer < (int)i)
			continue;
		rc = bind(bi, e, d, peer);
		if (rc) {
			pr_err("%s: event channel %u cannot be made (%d)\n", d->name, e->port, rc);
			rc = built_drop(bi, b, e->domain, rc);
		}
	}
	return rc;
}
