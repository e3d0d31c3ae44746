/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 2-level format of pending events (Xen 4.17 public/xen.h, "event channel"): a bitmap of 4096
 * ports and one of masks in shared_info, and a word in vcpu_info that says which words of the
 * bitmap to look at.
 *
 * Order: the pending bit before the mask is read, the selector before the upcall flag; a guest
 * goes the opposite way. vcpu_info is looked up after the pending bit was set, so that a vcpu
 * that moves its vcpu_info meanwhile finds the event there or in its scan of all words.
 */
#include "evtchn_private.h"

static inline u64 port_bit(u32 port)
{
	return BIT(port % 64);
}

/* The port is pending and not masked. */
static inline void select_word(struct domain *d, const struct evtchn *c, u32 port)
{
	struct vcpu *v = d->vcpus[c->vcpu];
	u64 bit = BIT(port / 64);

	if (!(guest_or_u64(&v->info->evtchn_pending_sel, bit) & bit))
		evtchn_raise_upcall(v);
}

static void two_level_set_pending(struct domain *d, struct evtchn *c, u32 port)
{
	struct abi_shared_info *s = d->shared_info;
	u64 bit = port_bit(port);

	if (guest_or_u64(&s->evtchn_pending[port / 64], bit) & bit)
		return;
	if (!(guest_load_u64(&s->evtchn_mask[port / 64]) & bit))
		select_word(d, c, port);
	evtchn_check_pollers(d, port);
}

static void two_level_clear_pending(struct domain *d, struct evtchn *c, u32 port)
{
	guest_and_u64(&d->shared_info->evtchn_pending[port / 64], ~port_bit(port));
}

static bool two_level_is_pending(struct domain *d, u32 port)
{
	return guest_load_u64(&d->shared_info->evtchn_pending[port / 64]) & port_bit(port);
}

static bool two_level_is_masked(struct domain *d, u32 port)
{
	return guest_load_u64(&d->shared_info->evtchn_mask[port / 64]) & port_bit(port);
}

static void two_level_unmask(struct domain *d, struct evtchn *c, u32 port)
{
	u64 bit = port_bit(port);

	if ((guest_and_u64(&d->shared_info->evtchn_mask[port / 64], ~bit) & bit) &&
	    two_level_is_pending(d, port))
		select_word(d, c, port);
}

static bool two_level_is_busy(struct domain *d, u32 port)
{
	return false;
}

const struct evtchn_ops evtchn_2l_ops = {
	.name = "2-level",
	.nr_ports = ABI_EVTCHN_2L_PORTS,
	.set_pending = two_level_set_pending,
	.clear_pending = two_level_clear_pending,
	.unmask = two_level_unmask,
	.is_pending = two_level_is_pending,
	.is_masked = two_level_is_masked,
	.is_busy = two_level_is_busy,
};
