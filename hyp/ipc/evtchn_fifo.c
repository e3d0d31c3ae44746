/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FIFO format of pending events (Xen 4.17 public/event_channel.h, "FIFO ABI"): one word per
 * channel in pages of the guest, linked into a queue per vcpu and priority; a control block per
 * vcpu has the queues' heads and a bit for each that has something.
 *
 * The guest may write anything at any time. What is followed here are only our own numbers (the
 * tail of each queue); a guest's link is never an index. A queue is appended to under its lock;
 * an event that moves between queues needs both. A closed port keeps last_queue, because
 * it may still be that queue's tail.
 * Lock order: a channel's lock, then queues (two: by address).
 */
#include "evtchn_private.h"
#include <serai/hypercall.h>

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(u32))
#define PAGES_MAX      (EVTCHN_FIFO_PORTS / WORDS_PER_PAGE)
#define LINK_TRIES     4  /* a guest has so many ways to change a word while BUSY is set */
#define MOVE_TRIES     3
#define RESEND_BATCH   16 /* channels looked at between two looks for pending work */

struct fifo_queue {
	struct lock lock; /* RANK_EVTCHN_FIFO */
	u32 tail;	  /* port linked last, 0: none since the queue was last found empty */
};

struct evtchn_fifo_vcpu {
	struct abi_evtchn_fifo_control *control; /* NULL: not registered */
	struct guest_area area;
	struct fifo_queue queue[EVTCHN_FIFO_QUEUES];
};

struct evtchn_fifo {
	u32 nr_words;	/* in the pages registered so far */
	u32 nr_resent;	/* channels below it have had their events from before put in queues */
	gfn_t resume;	/* the page whose registration is under way */
	struct guest_area page[PAGES_MAX];
};

static const struct evtchn_ops evtchn_fifo_ops;

/* NULL when the guest has given no page for it yet. */
static __always_inline u32 *word_of(const struct evtchn_fifo *f, u32 port)
{
	if (unlikely(port >= load_acquire(&f->nr_words)))
		return NULL;
	return (u32 *)f->page[port / WORDS_PER_PAGE].va + port % WORDS_PER_PAGE;
}

/* Queues are numbered vcpu * 16 + priority. */
static inline struct fifo_queue *queue_of(struct domain *d, u32 id)
{
	return &d->vcpus[id / EVTCHN_FIFO_QUEUES]->fifo->queue[id % EVTCHN_FIFO_QUEUES];
}

/* Locks c's queues, the last one and the next one; NULL when they never stand still. */
static struct fifo_queue *queues_lock(struct domain *d, const struct evtchn *c, u32 id,
				      struct fifo_queue *q)
{
	for (int i = 0; i < MOVE_TRIES; i++) {
		u32 last = READ_ONCE(c->last_queue);
		struct fifo_queue *old = last == id ? q : queue_of(d, last);

		lock_two(&old->lock, &q->lock);
		if (likely(READ_ONCE(c->last_queue) == last))
			return old;
		lock_two_drop(&old->lock, &q->lock);
	}
	return NULL;
}

/*
 * Makes the word of a queue's tail point to port. False when the guest has consumed it already,
 * so that the queue is empty. BUSY asks the guest not to unmask meanwhile.
 */
static bool tail_set_link(u32 *word, u32 port)
{
	u32 w = READ_ONCE(*word);

	for (int i = 0; i <= LINK_TRIES; i++) {
		if (!(w & EVTCHN_FIFO_LINKED))
			break;
		if (guest_cmpxchg_u32(word, &w,
				      (w & ~(EVTCHN_FIFO_BUSY | EVTCHN_FIFO_LINK_MASK)) | port))
			return true;
		if (i == 0)
			w = guest_or_u32(word, EVTCHN_FIFO_BUSY) | EVTCHN_FIFO_BUSY;
	}
	if (w & EVTCHN_FIFO_BUSY)
		guest_and_u32(word, ~EVTCHN_FIFO_BUSY);
	return false;
}

/* Appends the event to its queue, unless it is in one. */
static void event_link(struct domain *d, struct evtchn *c, u32 port, u32 *word)
{
	u32 prio = READ_ONCE(c->priority), id = READ_ONCE(c->vcpu) * EVTCHN_FIFO_QUEUES + prio;
	struct vcpu *v = d->vcpus[id / EVTCHN_FIFO_QUEUES];
	struct abi_evtchn_fifo_control *control = load_acquire(&v->fifo->control);
	struct fifo_queue *q = &v->fifo->queue[prio], *old;
	bool linked = true;

	if (unlikely(!control))
		return;
	old = queues_lock(d, c, id, q);
	if (unlikely(!old))
		return;
	if (!(guest_or_u32(word, EVTCHN_FIFO_LINKED) & EVTCHN_FIFO_LINKED)) {
		/* Consumed as the last of its queue: that queue is empty. */
		if (old->tail == port)
			old->tail = 0;
		c->last_queue = (u16)id;
		linked = q->tail && tail_set_link(word_of(d->evtchn->fifo, q->tail), port);
		if (!linked)
			store_release(&control->head[prio], port);
		q->tail = port;
	}
	lock_two_drop(&old->lock, &q->lock);
	if (!linked && !(guest_or_u32(&control->ready, 1U << prio) & 1U << prio))
		evtchn_raise_upcall(v);
}

static void fifo_set_pending(struct domain *d, struct evtchn *c, u32 port)
{
	struct evtchn_fifo *f = d->evtchn->fifo;
	u32 *word = word_of(f, port), old;

	if (unlikely(!word)) {
		/* Who adds the page looks at unsent afterwards. */
		__atomic_store_n(&c->unsent, 1, __ATOMIC_SEQ_CST);
		smp_mb();
		word = word_of(f, port);
		if (!word)
			return;
	}
	old = guest_or_u32(word, EVTCHN_FIFO_PENDING);
	if (!(old & (EVTCHN_FIFO_MASKED | EVTCHN_FIFO_LINKED)))
		event_link(d, c, port, word);
	if (!(old & EVTCHN_FIFO_PENDING))
		evtchn_check_pollers(d, port);
}

static void fifo_clear_pending(struct domain *d, struct evtchn *c, u32 port)
{
	u32 *word = word_of(d->evtchn->fifo, port);

	c->unsent = 0;
	/* It stays linked: the guest skips it. */
	if (word)
		guest_and_u32(word, ~EVTCHN_FIFO_PENDING);
}

static void fifo_unmask(struct domain *d, struct evtchn *c, u32 port)
{
	u32 *word = word_of(d->evtchn->fifo, port);

	if (word && (guest_and_u32(word, ~EVTCHN_FIFO_MASKED) & EVTCHN_FIFO_PENDING))
		fifo_set_pending(d, c, port);
}

static bool fifo_is_pending(struct domain *d, u32 port)
{
	const u32 *word = word_of(d->evtchn->fifo, port);

	return word && (READ_ONCE(*word) & EVTCHN_FIFO_PENDING);
}

static bool fifo_is_masked(struct domain *d, u32 port)
{
	const u32 *word = word_of(d->evtchn->fifo, port);

	return !word || (READ_ONCE(*word) & EVTCHN_FIFO_MASKED);
}

static bool fifo_is_busy(struct domain *d, u32 port)
{
	const u32 *word = word_of(d->evtchn->fifo, port);

	return word && (READ_ONCE(*word) & EVTCHN_FIFO_LINKED);
}

static int fifo_set_priority(struct evtchn *c, u32 priority)
{
	if (priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -XEN_EINVAL;
	WRITE_ONCE(c->priority, (u8)priority);
	return 0;
}

static const struct evtchn_ops evtchn_fifo_ops = {
	.name = "FIFO",
	.nr_ports = EVTCHN_FIFO_PORTS,
	.set_pending = fifo_set_pending,
	.clear_pending = fifo_clear_pending,
	.unmask = fifo_unmask,
	.is_pending = fifo_is_pending,
	.is_masked = fifo_is_masked,
	.is_busy = fifo_is_busy,
	.set_priority = fifo_set_priority,
};

/* --- registration --- */

static void domain_free_all(struct domain *d)
{
	struct evtchn_fifo *f = d->evtchn->fifo;

	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i])
			evtchn_fifo_vcpu_destroy(d->vcpus[i]);
	if (!f)
		return;
	for (u32 i = 0; i < PAGES_MAX && f->page[i].frame; i++)
		guest_area_release(&f->page[i]);
	mem_free(f);
	d->evtchn->fifo = NULL;
}

static struct evtchn_fifo_vcpu *fifo_vcpu_new(void)
{
	struct evtchn_fifo_vcpu *fv = mem_alloc(sizeof(*fv));

	for (u32 i = 0; fv && i < EVTCHN_FIFO_QUEUES; i++)
		lock_init(&fv->queue[i].lock, RANK_EVTCHN_FIFO);
	return fv;
}

/* The domain changes over to this format. */
static int fifo_start(struct domain *d)
{
	struct evtchn_fifo *f = mem_alloc(sizeof(*f));
	bool done = f;

	d->evtchn->fifo = f;
	for (u32 i = 0; done && i < d->nr_vcpus; i++) {
		d->vcpus[i]->fifo = fifo_vcpu_new();
		done = d->vcpus[i]->fifo;
	}
	if (!done) {
		domain_free_all(d);
		return -XEN_ENOMEM;
	}
	f->resume = GFN_INVALID;
	store_release(&d->evtchn->ops, &evtchn_fifo_ops);
	return 0;
}

long evtchn_fifo_init_control(struct domain *d, struct abi_evtchn_init_control *arg)
{
	struct vcpu *v = domain_vcpu(d, arg->vcpu);
	struct guest_area area = { 0 };
	int rc;

	if (!v)
		return -XEN_ENOENT;
	if (arg->offset > PAGE_SIZE - sizeof(*v->fifo->control) || !IS_ALIGNED(arg->offset, 8))
		return -XEN_EINVAL;
	if (guest_area_map(&area, d, gfn(arg->control_gfn)))
		return -XEN_EINVAL;
	lock_take(&evtchn_bind_lock);
	rc = d->evtchn->fifo ? 0 : fifo_start(d);
	if (!rc && v->fifo->control)
		rc = -XEN_EINVAL;
	if (!rc) {
		v->fifo->area = area;
		store_release(&v->fifo->control, (void *)((char *)area.va + arg->offset));
	}
	lock_drop(&evtchn_bind_lock);
	if (rc)
		guest_area_release(&area);
	arg->link_bits = EVTCHN_FIFO_LINK_BITS;
	return rc;
}

/* An event came before its word, or in the 2-level format before the change: put it in a queue. */
static void event_resend(struct domain *d, struct evtchn *c, u32 port)
{
	bool early = port < ABI_EVTCHN_2L_PORTS && evtchn_2l_ops.is_pending(d, port);

	if (early)
		evtchn_2l_ops.clear_pending(d, c, port);
	if (!early && !READ_ONCE(c->unsent))
		return;
	lock_take(&c->lock);
	c->unsent = 0;
	if (evtchn_usable(c))
		fifo_set_pending(d, c, port);
	lock_drop(&c->lock);
}

/* For channels that have got words. */
static int events_resend(struct domain *d)
{
	struct evtchn_domain *ed = d->evtchn;
	struct evtchn_fifo *f;
	bool more;

	do {
		lock_take(&evtchn_bind_lock);
		f = ed->fifo;
		for (u32 n = 0; f && n < RESEND_BATCH && f->nr_resent < f->nr_words; n++) {
			u32 port = f->nr_resent++;
			struct evtchn *c = evtchn_find(ed, port);

			if (c)
				event_resend(d, c, port);
		}
		more = f && f->nr_resent < f->nr_words;
		lock_drop(&evtchn_bind_lock);
		if (more && hypercall_preempted())
			return -XEN_ERESTART;
	} while (more);
	return 0;
}

static int page_add(struct domain *d, const struct guest_area *area, gfn_t g)
{
	struct evtchn_fifo *f;
	int rc = 0;

	lock_take(&evtchn_bind_lock);
	f = d->evtchn->fifo;
	if (!f) {
		rc = -XEN_EOPNOTSUPP;
	} else if (f->nr_words == EVTCHN_FIFO_PORTS) {
		rc = -XEN_ENOSPC;
	} else {
		f->page[f->nr_words / WORDS_PER_PAGE] = *area;
		f->resume = g;
		store_release(&f->nr_words, f->nr_words + (u32)WORDS_PER_PAGE);
		/* Senders find the word from here on; what came before is in unsent. */
		smp_mb();
	}
	lock_drop(&evtchn_bind_lock);
	return rc;
}

/* The registration of g is complete. False when none was under way. */
static bool page_done(struct domain *d, gfn_t g)
{
	struct evtchn_fifo *f;
	bool found;

	lock_take(&evtchn_bind_lock);
	f = d->evtchn->fifo;
	found = f && f->resume.v == g.v;
	if (found)
		f->resume = GFN_INVALID;
	lock_drop(&evtchn_bind_lock);
	return found;
}

long evtchn_fifo_expand_array(struct domain *d, gfn_t g)
{
	struct guest_area area = { 0 };
	int rc;

	rc = events_resend(d);
	if (rc)
		return rc;
	/* Preempted after the page had been added: that was the rest of it. */
	if (page_done(d, g))
		return 0;
	if (!READ_ONCE(d->evtchn->fifo))
		return -XEN_EOPNOTSUPP;
	rc = guest_area_map(&area, d, g);
	if (rc)
		return rc;
	rc = page_add(d, &area, g);
	if (rc) {
		guest_area_release(&area);
		return rc;
	}
	rc = events_resend(d);
	if (!rc)
		page_done(d, g);
	return rc;
}

void evtchn_fifo_destroy(struct domain *d)
{
	d->evtchn->ops = &evtchn_2l_ops;
	domain_free_all(d);
}

void evtchn_fifo_vcpu_destroy(struct vcpu *v)
{
	if (!v->fifo)
		return;
	guest_area_release(&v->fifo->area);
	mem_free(v->fifo);
	v->fifo = NULL;
}
