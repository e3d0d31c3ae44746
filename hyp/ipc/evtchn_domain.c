/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels in the life of domains and vcpus: creation and end, where vcpu_info is, waking
 * those who poll, and the dump.
 *
 * A domain's channels are closed before its vcpus go; after that no sender knows of it. What
 * was registered in guest memory is given back with the vcpus and the domain.
 * Lock order: see evtchn.c.
 */
#include "evtchn_private.h"
#include <serai/printk.h>
#include <serai/string.h>

/* --- domains --- */

static void directory_free(struct evtchn_domain *ed)
{
	for (u32 i = 0; i < GROUPS && ed->group[i]; i++) {
		for (u32 b = 0; b < GROUP_BUCKETS; b++)
			if (ed->group[i]->bucket[b])
				heap_free(ed->group[i]->bucket[b], 0);
		mem_free(ed->group[i]);
	}
}

static void domain_free(struct evtchn_domain *ed)
{
	directory_free(ed);
	mem_free(ed->early_info);
	mem_free(ed);
}

int evtchn_domain_create(struct domain *d, const struct domain_config *cfg)
{
	struct evtchn_domain *ed = mem_alloc(sizeof(*ed));

	if (!ed)
		return -XEN_ENOMEM;
	ed->ops = &evtchn_2l_ops;
	ed->early_info = mem_alloc(d->nr_vcpus * sizeof(*ed->early_info));
	if (!ed->early_info || !evtchn_bucket_add(ed)) {
		domain_free(ed);
		return -XEN_ENOMEM;
	}
	d->evtchn = ed;
	evtchn_open(d, 0, &(struct evtchn){ .state = EVTCHN_RESERVED });
	ed->nr_own = 1;
	return 0;
}

int evtchn_domain_destroy(struct domain *d)
{
	struct evtchn_domain *ed = d->evtchn;

	if (!ed)
		return 0;
	evtchn_virqs_give_back(d->id);
	lock_take(&evtchn_bind_lock);
	evtchn_fifo_destroy(d);
	d->evtchn = NULL;
	lock_drop(&evtchn_bind_lock);
	domain_free(ed);
	return 0;
}

/* --- vcpus --- */

int evtchn_vcpu_create(struct vcpu *v)
{
	struct domain *d = v->domain;

	v->info = v->id < ABI_LEGACY_MAX_VCPUS ? &d->shared_info->vcpu_info[v->id] :
						 &d->evtchn->early_info[v->id];
	return 0;
}

void evtchn_vcpu_destroy(struct vcpu *v)
{
	lock_take(&evtchn_bind_lock);
	evtchn_fifo_vcpu_destroy(v);
	lock_drop(&evtchn_bind_lock);
	v->info = NULL;
	guest_area_release(&v->info_area);
}

/* Under v->lock, and everything is valid: moves to the page in area. */
static void vcpu_info_move(struct vcpu *v, const struct guest_area *area, u32 offset)
{
	struct abi_vcpu_info *info = (struct abi_vcpu_info *)((char *)area->va + offset);

	memcpy(info, v->info, sizeof(*info));
	v->info_area = *area;
	store_release(&v->info, info);
	/* Who saw the old place has set the pending bit before: now the vcpu looks at all. */
	smp_mb();
	WRITE_ONCE(info->evtchn_pending_sel, ~0UL);
	smp_mb();
	WRITE_ONCE(info->evtchn_upcall_pending, 1);
	vcpu_arch_raise_upcall(v);
}

int evtchn_map_vcpu_info(struct vcpu *v, gfn_t g, u32 offset)
{
	struct guest_area area = { 0 };
	int rc;

	if (offset > PAGE_SIZE - sizeof(struct abi_vcpu_info) ||
	    !IS_ALIGNED(offset, __alignof__(struct abi_vcpu_info)))
		return -XEN_ENXIO;
	if (v != current_vcpu() && !(READ_ONCE(v->unit.holds) & HOLD_DOWN))
		return -XEN_EINVAL;
	rc = guest_area_map(&area, v->domain, g);
	if (rc)
		return rc;
	lock_take(&v->lock);
	if (v->info_area.frame)
		rc = -XEN_EINVAL;
	else
		vcpu_info_move(v, &area, offset);
	lock_drop(&v->lock);
	if (rc)
		guest_area_release(&area);
	return rc;
}

/* --- polling --- */

int evtchn_poll_check(struct domain *d, u32 port)
{
	struct evtchn *c = evtchn_find(d->evtchn, port);
	int pending;

	if (!c)
		return -XEN_EINVAL;
	lock_take(&c->lock);
	pending = evtchn_usable(c) && d->evtchn->ops->is_pending(d, port);
	lock_drop(&c->lock);
	return pending;
}

void evtchn_poll_begin(struct vcpu *v, u32 port)
{
	WRITE_ONCE(v->poll_port, port);
	if (!atomic_xchg(&v->polling, true))
		atomic_add_return(&v->domain->evtchn->pollers, 1);
	/* From here on senders look; the caller looks at the ports afterwards. */
	smp_mb();
}

void evtchn_poll_end(struct vcpu *v)
{
	if (atomic_xchg(&v->polling, false))
		atomic_sub_return(&v->domain->evtchn->pollers, 1);
}

void evtchn_wake_pollers(struct domain *d, u32 port)
{
	for (u32 i = 0; i < d->nr_vcpus; i++) {
		struct vcpu *v = d->vcpus[i];

		if (!v || !READ_ONCE(v->polling))
			continue;
		if (READ_ONCE(v->poll_port) && READ_ONCE(v->poll_port) != port)
			continue;
		evtchn_poll_end(v);
		vcpu_wake(v);
	}
}

/* --- debug key e --- */

#define DUMP_CHUNK 16  /* channels that are printed once the lock was dropped */
#define DUMP_MAX   256 /* of one domain: a guest decides how many there are */

struct channel_state {
	u32 port, peer;
	u16 domid, vcpu;
	u8 state;
	bool connected, pending, masked;
};

static struct channel_state channel_state(struct domain *d, u32 port)
{
	const struct evtchn *c = evtchn_at(d->evtchn, port);
	const struct evtchn_ops *ops = d->evtchn->ops;

	return (struct channel_state){
		.port = port,
		.peer = c->remote_port,
		.domid = c->remote ? c->remote->id : (u16)c->remote_dom,
		.connected = c->remote != NULL,
		.vcpu = c->vcpu,
		.state = c->state,
		.pending = ops->is_pending(d, port),
		.masked = ops->is_masked(d, port),
	};
}

static void channel_print(const struct channel_state *s)
{
	static const char *const states[] = { "free", "reserved", "own", "unbound",
					      "interdomain", "virq", "ipi", "to own" };
	char more[24] = "";

	if (s->connected)
		snprintf(more, sizeof(more), " d%u port %u", s->domid, s->peer);
	else if (s->state == EVTCHN_UNBOUND || s->state == EVTCHN_OWN)
		snprintf(more, sizeof(more), " for d%u", s->domid);
	else if (s->state == EVTCHN_VIRQ)
		snprintf(more, sizeof(more), " %u", s->peer);
	pr_info("  %4u: %c%c v%u %s%s\n", s->port, s->pending ? 'p' : '-', s->masked ? 'm' : '-',
		s->vcpu, states[s->state], more);
}

/* Channels from *port on, which moves; how many there are in s. */
static u32 channels_collect(struct domain *d, struct channel_state *s, u32 *port)
{
	u32 n = 0;

	lock_take(&evtchn_bind_lock);
	for (; d->evtchn && *port < d->evtchn->nr_ports && n < DUMP_CHUNK; ++*port)
		if (evtchn_usable(evtchn_at(d->evtchn, *port)))
			s[n++] = channel_state(d, *port);
	lock_drop(&evtchn_bind_lock);
	return n;
}

void evtchn_domain_dump(struct domain *d)
{
	struct channel_state s[DUMP_CHUNK];
	const char *format = NULL;
	u32 used = 0, port = 1, shown = 0, n;

	lock_take(&evtchn_bind_lock);
	if (d->evtchn) {
		format = d->evtchn->ops->name;
		used = d->evtchn->nr_used - 1;
	}
	lock_drop(&evtchn_bind_lock);
	if (!format)
		return;
	pr_info("d%u: %u event channels, %s format\n", d->id, used, format);
	while (shown < DUMP_MAX && (n = channels_collect(d, s, &port)) != 0) {
		for (u32 i = 0; i < n; i++)
			channel_print(&s[i]);
		shown += n;
	}
	if (shown < used)
		pr_info("  ... and %u more\n", used - shown);
}
