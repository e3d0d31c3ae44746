/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels at ports that somebody chose: those of the device tree, before the domains run.
 * Afterwards they are like all others.
 */
#include "evtchn_private.h"

/* Under the bind lock: the port exists and is free. */
static int port_take(struct domain *d, u32 port)
{
	struct evtchn_domain *ed = d->evtchn;

	if (!port || port > d->max_evtchn_port || port >= ed->ops->nr_ports)
		return -XEN_ENOSPC;
	while (port >= ed->nr_ports)
		if (!evtchn_bucket_add(ed))
			return -XEN_ENOMEM;
	return evtchn_at(ed, port)->state == EVTCHN_FREE ? 0 : -XEN_EBUSY;
}

int evtchn_open_static(struct domain *d, u32 port, domid_t remote)
{
	int rc;

	lock_take(&evtchn_bind_lock);
	rc = port_take(d, port);
	if (!rc)
		evtchn_open(d, port, &(struct evtchn){ .state = EVTCHN_UNBOUND,
						       .remote_dom = remote });
	lock_drop(&evtchn_bind_lock);
	return rc;
}

int evtchn_bind_static(struct domain *d, u32 port, struct domain *rd, u32 rport)
{
	struct evtchn *rchn;
	int rc;

	lock_take(&evtchn_bind_lock);
	rc = port_take(d, port);
	rc = rc ? rc : port_take(rd, rport);
	if (!rc && d == rd && port == rport)
		rc = -XEN_EBUSY;
	if (!rc) {
		evtchn_open(d, port, &(struct evtchn){ .state = EVTCHN_INTERDOMAIN, .remote = rd,
						       .remote_port = rport });
		evtchn_open(rd, rport, &(struct evtchn){ .state = EVTCHN_INTERDOMAIN, .remote = d,
							 .remote_port = port });
		/* As after every binding: who did it looks once. */
		rchn = evtchn_at(rd->evtchn, rport);
		lock_take(&rchn->lock);
		rd->evtchn->ops->set_pending(rd, rchn, rport);
		lock_drop(&rchn->lock);
	}
	lock_drop(&evtchn_bind_lock);
	return rc;
}
