/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels, as the other subjects see them: life cycle, virtual interrupts, polling, and
 * where a vcpu's vcpu_info is. The upcall contract: whoever changes vcpu_info's
 * evtchn_upcall_pending from 0 to 1 calls vcpu_arch_raise_upcall() and vcpu_wake().
 */
#ifndef SERAI_EVTCHN_H
#define SERAI_EVTCHN_H

#include <serai/domain.h>

/* Unit hooks. d->shared_info must exist before evtchn_domain_create(). */
int evtchn_domain_create(struct domain *d, const struct domain_config *cfg);
/*
 * Closes all channels, so that no other domain reaches this one's vcpus any more. To be called
 * before the vcpus are destroyed; -XEN_ERESTART when preempted.
 */
int evtchn_domain_close(struct domain *d);
int evtchn_domain_destroy(struct domain *d);
int evtchn_vcpu_create(struct vcpu *v);
void evtchn_vcpu_destroy(struct vcpu *v);
__cold_path void evtchn_domain_dump(struct domain *d); /* debug key e */

/* -XEN_EINVAL: no such number, or not a global one; else domain id gets it from now on. */
int evtchn_set_virq_handler(u32 virq, domid_t id);
/*
 * Raise a virtual interrupt, where the guest has bound it: of the domain that was chosen for it, or
 * dom0; of every vcpu of every domain. No lock of rank RANK_VCPU or above may be held.
 */
void evtchn_send_virq_global(u32 virq);
void evtchn_send_virq_all(u32 virq);

/* For tools that build a domain: a port of d that remote may bind; the port or an error. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote);

/*
 * A port of d whose end is the hypervisor's own, for as long as d lives: whoever of remote binds it
 * and sends calls domain_actions.uart_event(d), under its channel's lock. The port or an error.
 */
int evtchn_alloc_own(struct domain *d, domid_t remote);
/* Before d has run. */
void evtchn_close_own(struct domain *d, u32 port);
/* Tells who is bound to the own port of d. No lock of rank RANK_EVTCHN_PORT or above may be held. */
void evtchn_notify_own(struct domain *d, u32 port);

/*
 * Static channels, of domains that do not run yet: both ends at once, or one that waits for remote.
 * -XEN_ENOSPC: no domain of this kind has such a port; -XEN_EBUSY: it is in use; -XEN_ENOMEM.
 */
int evtchn_bind_static(struct domain *d, u32 port, struct domain *rd, u32 rport);
int evtchn_open_static(struct domain *d, u32 port, domid_t remote);


/* SCHEDOP_poll: 1 when port of the current domain d is pending, 0 if not, -XEN_EINVAL if bad. */
int evtchn_poll_check(struct domain *d, u32 port);
/*
 * The current vcpu is about to wait for port (0: for several); to be called after HOLD_BLOCKED was
 * set and before evtchn_poll_check(). Senders wake it and end the poll; a poller that stops for
 * another reason ends it itself.
 */
void evtchn_poll_begin(struct vcpu *v, u32 port);
void evtchn_poll_end(struct vcpu *v);

/*
 * VCPUOP_register_vcpu_info: from now on v's vcpu_info is at offset in guest frame g. It carries
 * the old contents, everything marked pending. -XEN_ENXIO: bad offset. -XEN_EINVAL: registered
 * before, no such page, or v is up and not the caller.
 */
int evtchn_map_vcpu_info(struct vcpu *v, gfn_t g, u32 offset);

#endif
