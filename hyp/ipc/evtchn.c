/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels (Xen 4.17 public/event_channel.h): the directory of a domain's channels, and
 * event_channel_op.
 *
 * Channels live in pages that are added as ports are needed and stay until the domain goes. The
 * lowest free port is given out. All changes of state are made under evtchn_bind_lock; see
 * evtchn_private.h for what senders rely on.
 * Lock order: evtchn_bind_lock, vcpu->lock, a channel's lock, then what set_pending takes.
 */
#include "evtchn_private.h"
#include "sharing.h"
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define BUSY_LOOKS	  256 /* free but still queued ports that one search looks at */
#define BUSY_LOOKS_BUCKET 16
#define CLOSE_BATCH	  16 /* channels closed between two looks for pending work */

struct lock evtchn_bind_lock = LOCK_INIT(RANK_EVTCHN);

/* --- the directory --- */

static inline u64 *used_words(const struct evtchn_domain *ed, u32 bucket)
{
	return ed->group[bucket / GROUP_BUCKETS]->used[bucket % GROUP_BUCKETS];
}

static inline bool bucket_full(const struct evtchn_domain *ed, u32 bucket)
{
	const u64 *used = used_words(ed, bucket);

	return (used[0] & used[1]) == ~0UL;
}

bool evtchn_bucket_add(struct evtchn_domain *ed)
{
	u32 bucket = ed->nr_ports >> BUCKET_SHIFT;
	struct evtchn_group **g = &ed->group[bucket / GROUP_BUCKETS];
	struct evtchn *c;

	if (!*g)
		*g = mem_alloc(sizeof(**g));
	c = *g ? heap_alloc_page() : NULL;
	if (!c)
		return false;
	for (u32 i = 0; i < BUCKET_PORTS; i++)
		lock_init(&c[i].lock, RANK_EVTCHN_PORT);
	(*g)->bucket[bucket % GROUP_BUCKETS] = c;
	store_release(&ed->nr_ports, ed->nr_ports + BUCKET_PORTS);
	return true;
}

/* Ports below it may be used. */
static u32 port_limit(const struct domain *d)
{
	u32 nr = d->evtchn->ops->nr_ports;

	return d->max_evtchn_port < nr ? d->max_evtchn_port + 1 : nr;
}

/* A free port of the bucket that may be used now, or 0. */
static u32 bucket_find_free(struct domain *d, u32 bucket, u32 *looks)
{
	const u64 *used = used_words(d->evtchn, bucket);
	u32 left = MIN(*looks, (u32)BUSY_LOOKS_BUCKET);

	for (u32 w = 0; w < BUCKET_PORTS / 64; w++) {
		for (u64 unused = ~used[w]; unused; unused &= unused - 1) {
			u32 port = (bucket << BUCKET_SHIFT) + w * 64 +
				   (u32)__builtin_ctzll(unused);

			if (likely(!d->evtchn->ops->is_busy(d, port)))
				return port;
			--*looks;
			if (--left == 0)
				return 0;
		}
	}
	return 0;
}

/* Under the bind lock: the lowest usable port, to be taken by channel_open(); or an error. */
static int port_find_free(struct domain *d)
{
	struct evtchn_domain *ed = d->evtchn;
	u32 looks = BUSY_LOOKS, limit, port;

	/* Senders rely on the vcpus. */
	if (unlikely(!ed || d->dying || !domain_is_complete(d)))
		return -XEN_EINVAL;
	limit = port_limit(d);
	for (u32 b = ed->first_bucket; b << BUCKET_SHIFT < limit && looks; b++) {
		if (b << BUCKET_SHIFT >= ed->nr_ports && !evtchn_bucket_add(ed))
			return -XEN_ENOMEM;
		if (bucket_full(ed, b)) {
			if (b == ed->first_bucket)
				ed->first_bucket++;
			continue;
		}
		port = bucket_find_free(d, b, &looks);
		if (port)
			return port < limit ? (int)port : -XEN_ENOSPC;
	}
	return -XEN_ENOSPC;
}

/* Under the bind lock: the free port becomes what init says. */
void evtchn_open(struct domain *d, u32 port, const struct evtchn *init)
{
	struct evtchn_domain *ed = d->evtchn;
	struct evtchn *c = evtchn_at(ed, port);

	used_words(ed, port >> BUCKET_SHIFT)[port / 64 % (BUCKET_PORTS / 64)] |= BIT(port % 64);
	ed->nr_used++;
	lock_take(&c->lock);
	c->remote = init->remote;
	c->remote_port = init->remote_port;
	c->vcpu = init->vcpu;
	c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	c->state = init->state;
	lock_drop(&c->lock);
}

/* Finds a port and opens it; the port or an error. */
static int port_open(struct domain *d, const struct evtchn *init)
{
	int port;

	lock_take(&evtchn_bind_lock);
	port = port_find_free(d);
	if (port > 0)
		evtchn_open(d, (u32)port, init);
	lock_drop(&evtchn_bind_lock);
	return port;
}

/* --- virtual interrupts --- */

static bool virq_is_global(u32 virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
	       virq != VIRQ_XENPMU;
}

static void send_virq(struct vcpu *v, u32 virq)
{
	struct domain *d = v->domain;
	u32 port;

	if (!READ_ONCE(v->virq_to_port[virq]))
		return;
	/* While the number stands there the channel is not closed. */
	lock_take(&v->lock);
	port = v->virq_to_port[virq];
	if (port)
		d->evtchn->ops->set_pending(d, evtchn_at(d->evtchn, port), port);
	lock_drop(&v->lock);
}

/* Who gets the global ones. */
static domid_t virq_handlers[NR_VIRQS];

int evtchn_set_virq_handler(u32 virq, domid_t id)
{
	if (virq >= NR_VIRQS || !virq_is_global(virq))
		return -XEN_EINVAL;
	WRITE_ONCE(virq_handlers[virq], id);
	return 0;
}

void evtchn_virqs_give_back(domid_t id)
{
	for (u32 virq = 0; virq < NR_VIRQS; virq++)
		if (virq_handlers[virq] == id)
			WRITE_ONCE(virq_handlers[virq], 0);
}

void evtchn_send_virq_global(u32 virq)
{
	struct domain *d = domain_get(READ_ONCE(virq_handlers[virq]));

	if (!d)
		return;
	if (domain_vcpu(d, 0))
		send_virq(d->vcpus[0], virq);
	domain_put(d);
}

void evtchn_send_virq_all(u32 virq)
{
	struct domain *d;
	struct vcpu *v;

	for (u32 id = 0; (d = domain_get_next(id)); id = d->id + 1U, domain_put(d)) {
		for (u32 i = 0; i < d->nr_vcpus; i++) {
			v = READ_ONCE(d->vcpus[i]);
			if (v)
				send_virq(v, virq);
		}
	}
}

/* --- closing --- */

/* Before the channel itself is free, whoever else leads to it forgets it. */
static void channel_detach(struct domain *d, const struct evtchn *c)
{
	struct evtchn *peer;
	struct vcpu *v;

	if (c->remote) {
		peer = evtchn_at(c->remote->evtchn, c->remote_port);
		lock_take(&peer->lock);
		if (peer->state != EVTCHN_OWN)
			peer->state = EVTCHN_UNBOUND;
		peer->remote = NULL;
		peer->remote_dom = d->id;
		lock_drop(&peer->lock);
	} else if (c->state == EVTCHN_VIRQ) {
		v = d->vcpus[virq_is_global(c->virq) ? 0 : c->vcpu];
		lock_take(&v->lock);
		v->virq_to_port[c->virq] = 0;
		lock_drop(&v->lock);
	}
}

/* Under the bind lock. */
static void channel_close(struct domain *d, struct evtchn *c, u32 port)
{
	struct evtchn_domain *ed = d->evtchn;
	u32 bucket = port >> BUCKET_SHIFT;

	channel_detach(d, c);
	lock_take(&c->lock);
	ed->ops->clear_pending(d, c, port);
	c->state = EVTCHN_FREE;
	c->remote = NULL;
	c->vcpu = 0;
	lock_drop(&c->lock);
	used_words(ed, bucket)[port / 64 % (BUCKET_PORTS / 64)] &= ~BIT(port % 64);
	ed->nr_used--;
	ed->first_bucket = MIN(ed->first_bucket, bucket);
	evtchn_check_pollers(d, port);
}

/* Under the bind lock: closes it, unless it is to stay; whether it did. */
static bool close_one(struct domain *d, u32 port)
{
	struct evtchn *c = evtchn_at(d->evtchn, port);

	if (c->state == EVTCHN_OWN && !d->dying)
		return false;
	channel_close(d, c, port);
	return true;
}

/* Closes up to CLOSE_BATCH channels from bucket *b on; false when none is left. */
static bool close_some(struct domain *d, u32 *b)
{
	u32 n = 0;
	struct evtchn_domain *ed;

	lock_take(&evtchn_bind_lock);
	ed = d->evtchn;
	for (; ed && ed->nr_used > (d->dying ? 1 : ed->nr_own) && *b < ed->nr_ports >> BUCKET_SHIFT; ++*b) {
		for (u32 w = 0; w < BUCKET_PORTS / 64; w++) {
			u32 base = (*b << BUCKET_SHIFT) + w * 64;
			u64 in_use = used_words(ed, *b)[w] & ~(base ? 0UL : 1UL);

			for (; in_use && n < CLOSE_BATCH; in_use &= in_use - 1)
				n += close_one(d, base + (u32)__builtin_ctzll(in_use));
		}
		if (n == CLOSE_BATCH)
			break;
	}
	lock_drop(&evtchn_bind_lock);
	return n == CLOSE_BATCH;
}

int evtchn_domain_close(struct domain *d)
{
	u32 bucket = 0;

	while (close_some(d, &bucket))
		if (hypercall_preempted())
			return -XEN_ERESTART;
	return 0;
}

/* --- sub-operations --- */

static long evtchn_send(struct domain *d, u32 port)
{
	struct evtchn *c = evtchn_find(d->evtchn, port);
	struct domain *rd;
	long rc = 0;

	if (unlikely(!c))
		return -XEN_EINVAL;
	lock_take(&c->lock);
	if (c->state == EVTCHN_INTERDOMAIN) {
		rd = c->remote;
		rd->evtchn->ops->set_pending(rd, evtchn_at(rd->evtchn, c->remote_port),
					     c->remote_port);
	} else if (c->state == EVTCHN_IPI) {
		d->evtchn->ops->set_pending(d, c, port);
	} else if (c->state == EVTCHN_TO_OWN) {
		domain_actions.uart_event(c->remote);
	} else if (c->state != EVTCHN_UNBOUND) {
		rc = -XEN_EINVAL;
	}
	lock_drop(&c->lock);
	return rc;
}

static long op_close(void *arg, u64 handle)
{
	const struct abi_evtchn_port *a = arg;
	struct domain *d = current_domain();
	struct evtchn *c = evtchn_find(d->evtchn, a->port);
	long rc = -XEN_EINVAL;

	if (!c)
		return rc;
	lock_take(&evtchn_bind_lock);
	if (evtchn_usable(c)) {
		channel_close(d, c, a->port);
		rc = 0;
	}
	lock_drop(&evtchn_bind_lock);
	return rc;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
	return port_open(d, &(struct evtchn){ .state = EVTCHN_UNBOUND, .remote_dom = remote });
}

int evtchn_alloc_own(struct domain *d, domid_t remote)
{
	int port = port_open(d, &(struct evtchn){ .state = EVTCHN_OWN, .remote_dom = remote });

	if (port > 0)
		d->evtchn->nr_own++;
	return port;
}

void evtchn_close_own(struct domain *d, u32 port)
{
	lock_take(&evtchn_bind_lock);
	channel_close(d, evtchn_at(d->evtchn, port), port);
	d->evtchn->nr_own--;
	lock_drop(&evtchn_bind_lock);
}

void evtchn_notify_own(struct domain *d, u32 port)
{
	struct evtchn *c = evtchn_at(d->evtchn, port);

	lock_take(&c->lock);
	if (c->remote)
		c->remote->evtchn->ops->set_pending(c->remote,
						    evtchn_at(c->remote->evtchn, c->remote_port),
						    c->remote_port);
	lock_drop(&c->lock);
}

static long op_alloc_unbound(void *arg, u64 handle)
{
	struct abi_evtchn_alloc_unbound *a = arg;
	struct domain *d, *rd;
	int rc = domain_get_target(a->dom, &d);

	if (rc)
		return rc;
	rd = domain_get(a->remote_dom);
	if (!rd)
		rc = -XEN_ESRCH;
	else if (!domains_may_share(d, rd))
		rc = -XEN_EPERM;
	else
		rc = evtchn_alloc_unbound(d, rd->id);
	if (rd)
		domain_put(rd);
	domain_put(d);
	if (rc < 0)
		return rc;
	a->port = (u32)rc;
	return 0;
}

/* Under the bind lock: the local port or an error. */
static int bind_interdomain(struct domain *ld, struct domain *rd, u32 rport)
{
	int lport = port_find_free(ld);
	struct evtchn *lchn, *rchn;
	bool own;

	if (lport < 0)
		return lport;
	rchn = rd->evtchn ? evtchn_find(rd->evtchn, rport) : NULL;
	if (!rchn || rchn->remote || rchn->remote_dom != ld->id ||
	    (rchn->state != EVTCHN_UNBOUND && rchn->state != EVTCHN_OWN))
		return -XEN_EINVAL;
	own = rchn->state == EVTCHN_OWN;
	if (!domains_may_share(ld, rd))
		return -XEN_EPERM;
	evtchn_open(ld, (u32)lport,
		    &(struct evtchn){ .state = own ? EVTCHN_TO_OWN : EVTCHN_INTERDOMAIN,
				      .remote = rd, .remote_port = rport });
	lock_take(&rchn->lock);
	rchn->remote = ld;
	rchn->remote_port = (u32)lport;
	if (!own)
		rchn->state = EVTCHN_INTERDOMAIN;
	lock_drop(&rchn->lock);
	/* The peer may have sent before anybody listened. */
	lchn = evtchn_at(ld->evtchn, (u32)lport);
	lock_take(&lchn->lock);
	ld->evtchn->ops->set_pending(ld, lchn, (u32)lport);
	lock_drop(&lchn->lock);
	return lport;
}

static long op_bind_interdomain(void *arg, u64 handle)
{
	struct abi_evtchn_bind_interdomain *a = arg;
	struct domain *rd = domain_get(a->remote_dom);
	int rc;

	if (!rd)
		return -XEN_ESRCH;
	lock_take(&evtchn_bind_lock);
	rc = bind_interdomain(current_domain(), rd, a->remote_port);
	lock_drop(&evtchn_bind_lock);
	domain_put(rd);
	if (rc < 0)
		return rc;
	a->local_port = (u32)rc;
	return 0;
}

static long op_bind_virq(void *arg, u64 handle)
{
	struct abi_evtchn_bind_virq *a = arg;
	struct domain *d = current_domain();
	struct vcpu *v;
	int port;

	if (a->virq >= NR_VIRQS || (virq_is_global(a->virq) && a->vcpu != 0))
		return -XEN_EINVAL;
	v = domain_vcpu(d, a->vcpu);
	if (!v)
		return -XEN_ENOENT;
	lock_take(&evtchn_bind_lock);
	port = v->virq_to_port[a->virq] ? -XEN_EEXIST : port_find_free(d);
	if (port > 0) {
		evtchn_open(d, (u32)port,
			    &(struct evtchn){ .state = EVTCHN_VIRQ, .virq = a->virq,
					      .vcpu = (u16)a->vcpu });
		lock_take(&v->lock);
		v->virq_to_port[a->virq] = (u32)port;
		lock_drop(&v->lock);
	}
	lock_drop(&evtchn_bind_lock);
	if (port < 0)
		return port;
	a->port = (u32)port;
	return 0;
}

static long op_bind_ipi(void *arg, u64 handle)
{
	struct abi_evtchn_bind_ipi *a = arg;
	struct domain *d = current_domain();
	int port;

	if (!domain_vcpu(d, a->vcpu))
		return -XEN_ENOENT;
	port = port_open(d, &(struct evtchn){ .state = EVTCHN_IPI, .vcpu = (u16)a->vcpu });
	if (port < 0)
		return port;
	a->port = (u32)port;
	return 0;
}

/* Physical interrupts come through the virtual interrupt controller, never through channels. */
static long op_bind_pirq(void *arg, u64 handle)
{
	return -XEN_ENOMEM;
}

static void status_fill(struct abi_evtchn_status *s, const struct evtchn *c)
{
	static const u8 codes[] = {
		[EVTCHN_FREE] = EVTCHNSTAT_closed,
		[EVTCHN_RESERVED] = EVTCHNSTAT_closed,
		[EVTCHN_OWN] = EVTCHNSTAT_unbound,
		[EVTCHN_UNBOUND] = EVTCHNSTAT_unbound,
		[EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[EVTCHN_TO_OWN] = EVTCHNSTAT_interdomain,
		[EVTCHN_VIRQ] = EVTCHNSTAT_virq,
		[EVTCHN_IPI] = EVTCHNSTAT_ipi,
	};

	s->status = codes[c->state];
	s->vcpu = c->vcpu;
	if (c->remote) {
		s->status = EVTCHNSTAT_interdomain;
		s->u.remote.dom = c->remote->id;
		s->u.remote.port = c->remote_port;
	} else if (s->status == EVTCHNSTAT_unbound) {
		s->u.remote.dom = (u16)c->remote_dom;
	} else if (c->state == EVTCHN_VIRQ) {
		s->u.virq = c->virq;
	}
}

static long op_status(void *arg, u64 handle)
{
	struct abi_evtchn_status *s = arg;
	struct evtchn *c;
	struct domain *d;
	int rc = domain_get_target(s->dom, &d);

	if (rc)
		return rc;
	lock_take(&evtchn_bind_lock);
	c = d->evtchn ? evtchn_find(d->evtchn, s->port) : NULL;
	if (c)
		status_fill(s, c);
	else
		rc = -XEN_EINVAL;
	lock_drop(&evtchn_bind_lock);
	domain_put(d);
	return rc;
}

static bool channel_is_movable(const struct evtchn *c)
{
	return c->state == EVTCHN_UNBOUND || c->state == EVTCHN_INTERDOMAIN ||
	       c->state == EVTCHN_TO_OWN || (c->state == EVTCHN_VIRQ && virq_is_global(c->virq));
}

static long op_bind_vcpu(void *arg, u64 handle)
{
	const struct abi_evtchn_bind_vcpu *a = arg;
	struct domain *d = current_domain();
	struct evtchn *c;
	long rc = -XEN_EINVAL;

	if (!domain_vcpu(d, a->vcpu))
		return -XEN_ENOENT;
	c = evtchn_find(d->evtchn, a->port);
	if (!c)
		return rc;
	lock_take(&evtchn_bind_lock);
	if (channel_is_movable(c)) {
		WRITE_ONCE(c->vcpu, (u16)a->vcpu);
		rc = 0;
	}
	lock_drop(&evtchn_bind_lock);
	return rc;
}

static long op_unmask(void *arg, u64 handle)
{
	const struct abi_evtchn_port *a = arg;
	struct domain *d = current_domain();
	struct evtchn *c = evtchn_find(d->evtchn, a->port);
	long rc = -XEN_EINVAL;

	if (!c)
		return rc;
	lock_take(&c->lock);
	if (evtchn_usable(c)) {
		d->evtchn->ops->unmask(d, c, a->port);
		rc = 0;
	}
	lock_drop(&c->lock);
	return rc;
}

static int domain_reset(struct domain *d)
{
	int rc;

	if (d != current_domain() && !READ_ONCE(d->pause_count))
		return -XEN_EINVAL;
	rc = evtchn_domain_close(d);
	if (rc)
		return rc;
	lock_take(&evtchn_bind_lock);
	if (!d->evtchn || d->evtchn->nr_used > d->evtchn->nr_own)
		rc = -XEN_EAGAIN;
	else
		evtchn_fifo_destroy(d);
	lock_drop(&evtchn_bind_lock);
	return rc;
}

static long op_reset(void *arg, u64 handle)
{
	const struct abi_evtchn_reset *a = arg;
	struct domain *d;
	int rc = domain_get_target(a->dom, &d);

	if (rc)
		return rc;
	rc = domain_reset(d);
	domain_put(d);
	return rc;
}

static long op_init_control(void *arg, u64 handle)
{
	return evtchn_fifo_init_control(current_domain(), arg);
}

static long op_expand_array(void *arg, u64 handle)
{
	const struct abi_evtchn_expand_array *a = arg;

	return evtchn_fifo_expand_array(current_domain(), gfn(a->array_gfn));
}

static long op_set_priority(void *arg, u64 handle)
{
	const struct abi_evtchn_set_priority *a = arg;
	struct domain *d = current_domain();
	struct evtchn *c = evtchn_find(d->evtchn, a->port);
	long rc;

	if (!c)
		return -XEN_EINVAL;
	lock_take(&c->lock);
	if (!d->evtchn->ops->set_priority)
		rc = -XEN_ENOSYS;
	else if (!evtchn_usable(c))
		rc = -XEN_EACCES;
	else
		rc = d->evtchn->ops->set_priority(c, a->priority);
	lock_drop(&c->lock);
	return rc;
}

#define OP(op, type, out) [EVTCHNOP_##op] = { op_##op, sizeof(struct type), out, false }

static const struct subop evtchn_ops[] = {
	OP(bind_interdomain, abi_evtchn_bind_interdomain, true),
	OP(bind_virq, abi_evtchn_bind_virq, true),
	OP(bind_pirq, abi_evtchn_bind_pirq, true),
	OP(close, abi_evtchn_port, false),
	/* send is served before the table is looked at. */
	OP(status, abi_evtchn_status, true),
	OP(alloc_unbound, abi_evtchn_alloc_unbound, true),
	OP(bind_ipi, abi_evtchn_bind_ipi, true),
	OP(bind_vcpu, abi_evtchn_bind_vcpu, false),
	OP(unmask, abi_evtchn_port, false),
	OP(reset, abi_evtchn_reset, false),
	OP(init_control, abi_evtchn_init_control, true),
	OP(expand_array, abi_evtchn_expand_array, false),
	OP(set_priority, abi_evtchn_set_priority, false),
	[EVTCHNOP_reset_cont] = { op_reset, sizeof(struct abi_evtchn_reset), false, false },
};

long do_event_channel_op(u64 *arg)
{
	u32 cmd = (u32)arg[0], port;

	if (likely(cmd == EVTCHNOP_send)) {
		if (unlikely(copy_from_guest(&port, arg[1])))
			return -XEN_EFAULT;
		return evtchn_send(current_domain(), port);
	}
	return subop_call(evtchn_ops, ARRAY_SIZE(evtchn_ops), cmd, arg[1]);
}
