/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory a domain has: increase, decrease and populate, extent by extent.
 *
 * Domains mapped one to one (gfn == mfn) have devices that address memory by machine address, and
 * those with static memory have no other: their frames stay theirs. Decrease only unmaps, populate
 * maps the very frame again.
 * Failures end the call with the number of extents done so far. Extents are read in small
 * batches; a fault in a batch is narrowed down to the extent that has it. Large extents are done
 * in pieces, between which the call can be preempted: memory_call.start counts units of UNIT frames
 * then. The call's state is in its arguments alone, so a piece may not rely on those before it; one
 * that the guest makes up is an ordinary change of its memory.
 */
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/memory_op.h>

#define EXTENT_BATCH	  16
#define ORDER_MAX_GUEST	  9	 /* 2 MiB */
#define ORDER_MAX_CONTROL FRAME_ORDER_MAX
#define ORDER_SCRUB_AT_ONCE 4	 /* larger dirty blocks are scrubbed preemptibly */
#define UNIT_ORDER	  6	 /* P2M_TAKE_MAX */
#define PIECE		  (1UL << 9) /* frames that are populated at once */
#define STARTS		  (1UL << (32 - MEMOP_EXTENT_SHIFT))
#define UNDO		  (STARTS >> 1) /* in memory_call.start: the extent failed, take it back */

/*
 * Does the first of the nr frames of an extent that are left at g: 2^n when nr is, else units. How
 * many; 0: failed, nothing was done; -XEN_ERESTART: nothing yet.
 */
typedef long extent_fn(struct domain *d, u64 g, u64 nr);

/*
 * The same for extents of one page, at most EXTENT_BATCH: how many were done, before the first for
 * which fn has to be asked.
 */
typedef u32 pages_fn(struct domain *d, const u64 *gfns, u32 nr);

struct extent_op {
	extent_fn *fn;
	pages_fn *pages; /* may be NULL */
	bool read_list; /* it needs addresses */
	bool undo;	/* an extent that fails half-way is taken back */
};

_Static_assert(P2M_TAKE_MAX == 1 << UNIT_ORDER, "what p2m_take_ram() does at once");

/* Where a call is. */
struct extent_walk {
	const struct abi_memory_reservation *r;
	u64 gfns[EXTENT_BATCH], first, nr; /* of extents first.. */
	unsigned int shift;		   /* log2 of the units of an extent, at least one */
	unsigned int unit;		   /* log2 of the frames of a unit */
};

_Static_assert(EXTENT_BATCH <= P2M_LIST_MAX, "what p2m_take_pages() takes");

/* The address of extent i; false for a fault there. */
static bool extent_fetch(struct extent_walk *w, u64 i, u64 *g)
{
	u64 n = MIN(w->r->nr_extents - i, (u64)EXTENT_BATCH);

	if (i - w->first >= w->nr) {
		w->first = i;
		if (copy_array_from_guest(w->gfns, w->r->extent_start, i, n))
			n = !copy_array_from_guest(w->gfns, w->r->extent_start, i, 1);
		w->nr = n;
	}
	*g = w->gfns[i - w->first];
	return w->nr;
}

static bool ram_is_fixed(const struct domain *d)
{
	return d->flags & DOMAIN_DIRECT_MAP || d->fixed_ram;
}

/* Of extent i and those behind it that were read with it. */
static u32 pages_run(struct domain *d, const struct extent_walk *w, const struct extent_op *op, u64 i)
{
	u64 k = i - w->first;

	return op->pages && !w->r->extent_order ? op->pages(d, &w->gfns[k], (u32)(w->nr - k)) : 0;
}

/* Takes back what was populated of an extent before unit i, from the end. */
static long extent_undo(struct memory_call *c, struct domain *d, struct extent_walk *w, u64 i)
{
	u64 extent = i >> w->shift, left = (i - (extent << w->shift)) << w->unit, nr, g;

	if (extent >= w->r->nr_extents || !extent_fetch(w, extent, &g) || ram_is_fixed(d))
		return (long)extent;
	while (left) {
		/* As it was mapped: by blocks, or by pages. */
		nr = MIN(left, IS_ALIGNED(g | left, PIECE) ? PIECE : 1UL << w->unit);
		left -= nr;
		p2m_take_ram(&d->p2m, gfn(g + left), nr, false);
		if (left && hypercall_preempted()) {
			c->start = UNDO | ((extent << w->shift) + (left >> w->unit));
			return -XEN_ERESTART;
		}
	}
	return (long)extent;
}

static long extents_run(struct memory_call *c, struct domain *d, struct extent_walk *w,
			const struct extent_op *op)
{
	u64 i = c->start, end = w->r->nr_extents << w->shift, in_extent = (1UL << w->shift) - 1;

	while (i < end) {
		u64 part = i & in_extent, g = 0;
		long n = -XEN_ERESTART;

		if (op->read_list && !extent_fetch(w, i >> w->shift, &g))
			break;
		if (i == c->start || !hypercall_preempted())
			n = pages_run(d, w, op, i);
		if (!n)
			n = op->fn(d, g + (part << w->unit), (in_extent + 1 - part) << w->unit);
		if (unlikely(n == -XEN_ERESTART)) {
			c->start = i;
			return n;
		}
		if (n <= 0)
			return op->undo && part ? extent_undo(c, d, w, i) : (long)(i >> w->shift);
		i += (u64)n >> w->unit;
	}
	return (long)(i >> w->shift);
}

/* Checks what all three have in common and runs the operation. */
static long reservation_change(struct memory_call *c, const struct extent_op *op,
			       unsigned int max_order)
{
	struct extent_walk w = { .r = &c->u.reservation };
	unsigned int order = w.r->extent_order;
	struct domain *d;
	long rc;

	w.shift = order > UNIT_ORDER && order <= max_order ? order - UNIT_ORDER : 0;
	rc = (long)((c->start & ~UNDO) >> w.shift);
	if (order > max_order || w.r->nr_extents >= UNDO >> w.shift)
		return rc;
	w.unit = order - w.shift;
	if (domain_get_target(w.r->domid, &d))
		return rc;
	if (unlikely(c->start & UNDO))
		rc = op->undo ? extent_undo(c, d, &w, c->start & ~UNDO) : rc;
	else
		rc = extents_run(c, d, &w, op);
	domain_put(d);
	return rc;
}

static unsigned int caller_max_order(void)
{
	return caller_is_control() ? ORDER_MAX_CONTROL : ORDER_MAX_GUEST;
}

static long extent_decrease(struct domain *d, u64 g, u64 nr)
{
	long n = p2m_take_ram(&d->p2m, gfn(g), nr, ram_is_fixed(d));

	return n == (long)nr || n == 1L << UNIT_ORDER ? n : 0;
}

static u32 pages_decrease(struct domain *d, const u64 *gfns, u32 nr)
{
	return p2m_take_pages(&d->p2m, gfns, nr, ram_is_fixed(d));
}

long memory_decrease(struct memory_call *c)
{
	static const struct extent_op op = { extent_decrease, pages_decrease, true, false };

	return reservation_change(c, &op, ORDER_MAX_GUEST);
}

/* A zeroed block. Scrubbing a large one now would take too long: do it piece by piece. */
static struct frame *block_get(struct frame_owner *o, unsigned int order, bool *again)
{
	bool dirty_left = true;
	struct frame *f;

	if (order <= ORDER_SCRUB_AT_ONCE)
		return frame_alloc_for(o, order, 0);
	for (;;) {
		f = frame_alloc_for(o, order, FRAME_CLEAN_ONLY);
		if (f || !dirty_left)
			return f;
		dirty_left = frame_scrub_some();
		if (dirty_left && hypercall_preempted()) {
			*again = true;
			return NULL;
		}
	}
}

/*
 * The first block of nr frames, of which d must be allowed to have all. NULL: it is not, or there is
 * none.
 */
static struct frame *block_give(struct domain *d, u64 nr, unsigned int order, bool *again)
{
	struct frame *f;

	/* A domain at its limit shall not cost the scrubbing; frame_assign() checks again. */
	if (READ_ONCE(d->frames.nr) + nr > d->frames.max)
		return NULL;
	f = block_get(&d->frames, order, again);
	if (f && frame_assign(&d->frames, f, 1UL << order)) {
		frame_free(f, order);
		return NULL;
	}
	return f;
}

/* What is done at once: a block, or a unit of pages. */
static unsigned int piece_order(u64 g, u64 nr)
{
	return (unsigned int)__builtin_ctzll(nr | (IS_ALIGNED(g, PIECE) ? PIECE : 1UL << UNIT_ORDER));
}

static long extent_increase(struct domain *d, u64 g, u64 nr)
{
	bool again = false;

	if (ram_is_fixed(d))
		return 0;
	if (block_give(d, nr, piece_order(0, nr), &again))
		return 1L << piece_order(0, nr);
	return again ? -XEN_ERESTART : 0;
}

/* Nobody can use large blocks that are mapped nowhere: they are no larger than what is done at once. */
long memory_increase(struct memory_call *c)
{
	static const struct extent_op op = { extent_increase, NULL, false, false };

	return reservation_change(c, &op, ORDER_MAX_GUEST);
}

/* The frame that g always is; nr: how many follow in a row. MFN_INVALID: g is no RAM of d. */
static mfn_t fixed_frame(const struct domain *d, u64 g, u64 *nr)
{
	const struct fixed_ram *f = d->fixed_ram;

	if (d->flags & DOMAIN_DIRECT_MAP) {
		*nr = ~0UL;
		return mfn(g);
	}
	for (u32 i = 0; f && i < f->nr; i++)
		if (g - f->piece[i].gfn < f->piece[i].nr) {
			*nr = f->piece[i].nr - (g - f->piece[i].gfn);
			return mfn(f->piece[i].mfn + (g - f->piece[i].gfn));
		}
	return MFN_INVALID;
}

/* The frame that g always is, while it is d's. */
static bool fixed_frame_owned(const struct domain *d, u64 g, u64 *m)
{
	const struct frame *f;
	u64 row;

	*m = fixed_frame(d, g, &row).v;
	f = mfn_to_frame(mfn(*m));
	return f && frame_is_allocated_to(f, &d->frames);
}

static long populate_fixed(struct domain *d, u64 g, u64 size)
{
	u64 row = 0, nr;

	for (u64 left = size; left; left -= nr, g += nr) {
		mfn_t m = fixed_frame(d, g, &row);

		nr = MIN(row, left);
		if (m.v == MFN_INVALID.v)
			return 0;
		for (u64 i = 0; i < nr; i++) {
			struct frame *f = mfn_to_frame(mfn(m.v + i));

			if (!f || !frame_is_allocated_to(f, &d->frames))
				return 0;
		}
		if (p2m_map(&d->p2m, gfn(g), m, nr, P2M_RAM_RW))
			return 0;
	}
	return (long)size;
}

static long extent_populate(struct domain *d, u64 g, u64 nr)
{
	unsigned int order = piece_order(g, nr);
	u64 size = 1UL << order;
	bool again = false;
	struct frame *f;
	int rc;

	if (ram_is_fixed(d))
		return populate_fixed(d, g, size);
	if (g >= d->p2m.end || nr > d->p2m.end - g)
		return 0;
	f = block_give(d, nr, order, &again);
	if (!f)
		return again ? -XEN_ERESTART : 0;
	rc = p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), size, P2M_RAM_RW);
	if (likely(!rc))
		return (long)size;
	/* A part may be mapped. While it is, the frames stay d's: it pays for them. */
	if (rc != -XEN_ENOMEM || !p2m_unmap(&d->p2m, gfn(g), size))
		frame_release_range(&d->frames, f, size);
	return 0;
}

/* As many neighbours for them as there are in one block. */
static u32 pages_populate(struct domain *d, const u64 *gfns, u32 nr)
{
	unsigned int order = 31 - (unsigned int)__builtin_clz(nr);
	struct frame *f = NULL;
	u64 mfns[EXTENT_BATCH];
	bool again = false;
	u32 n, done;

	if (ram_is_fixed(d)) {
		for (n = 0; n < nr && fixed_frame_owned(d, gfns[n], &mfns[n]); n++)
			;
	} else {
		n = 1U << order;
		f = block_give(d, n, order, &again);
		if (!f)
			return 0;
		for (u32 i = 0; i < n; i++)
			mfns[i] = frame_to_mfn(f).v + i;
	}
	done = p2m_map_pages(&d->p2m, gfns, mfns, n, P2M_RAM_RW);
	if (f && done < n)
		frame_release_range(&d->frames, f + done, n - done);
	return done;
}

long memory_populate(struct memory_call *c)
{
	static const struct extent_op op = { extent_populate, pages_populate, true, true };

	return reservation_change(c, &op, caller_max_order());
}

static int exchange_check(const struct abi_memory_exchange *x)
{
	const struct abi_memory_reservation *in = &x->in, *out = &x->out;

	if (MAX(in->extent_order, out->extent_order) > caller_max_order())
		return -XEN_EPERM;
	if (x->nr_exchanged > in->nr_extents || in->domid != out->domid ||
	    in->nr_extents > ~0UL >> in->extent_order ||
	    out->nr_extents > ~0UL >> out->extent_order ||
	    in->nr_extents << in->extent_order != out->nr_extents << out->extent_order)
		return -XEN_EINVAL;
	return 0;
}

/* No frame of a translated domain is ever exchanged: refused at the first one that is there. */
static long exchange_first(const struct abi_memory_exchange *x, struct domain *d)
{
	enum p2m_type t;
	u64 g;

	if (copy_array_from_guest(&g, x->in.extent_start, x->nr_exchanged, 1))
		return -XEN_EFAULT;
	p2m_lookup(&d->p2m, gfn(g), &t);
	return p2m_type_ram(t) || p2m_type_referenced(t) ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
}

long memory_exchange(struct memory_call *c)
{
	struct abi_memory_exchange *x = &c->u.exchange;
	struct domain *d;
	long rc = exchange_check(x);

	if (rc || x->nr_exchanged == x->in.nr_extents)
		return rc;
	rc = domain_get_target(x->in.domid, &d);
	if (rc)
		return rc;
	/* Begun anew at the first extent that makes up a whole one of those given for it. */
	if (x->in.extent_order < x->out.extent_order)
		x->nr_exchanged &= ~0UL << (x->out.extent_order - x->in.extent_order);
	rc = exchange_first(x, d);
	domain_put(d);
	return copy_to_guest(c->handle, x) ? -XEN_EFAULT : rc;
}

long memory_claim(struct memory_call *c)
{
	const struct abi_memory_reservation *r = &c->u.reservation;
	struct domain *d;
	long rc;

	if (r->extent_start || r->extent_order || r->mem_flags || r->domid == DOMID_SELF)
		return -XEN_EINVAL;
	d = domain_get(r->domid);
	if (!d)
		return -XEN_EINVAL;
	rc = caller_is_control() ? frame_claim(&d->frames, r->nr_extents) : -XEN_EPERM;
	domain_put(d);
	return rc;
}
