/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory a domain has: increase, decrease and populate, extent by extent.
 *
 * Domains mapped one to one (gfn == mfn) have devices that address memory by machine address, and
 * those with static memory have no other: their frames stay theirs. Decrease only unmaps, populate
 * maps the very frame again.
 * Failures end the call with the number of extents done so far. Extents are read in small
 * batches; a fault in a batch is narrowed down to the extent that has it.
 */
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/memory_op.h>

#define EXTENT_BATCH	  16
#define ORDER_MAX_GUEST	  9	 /* 2 MiB */
#define ORDER_MAX_CONTROL FRAME_ORDER_MAX
#define ORDER_SCRUB_AT_ONCE 4	 /* larger dirty blocks are scrubbed preemptibly */
#define EXTENTS_MAX	  (0xffffffffUL >> MEMOP_EXTENT_SHIFT)

/* One extent: 1 done, 0 failed, -XEN_ERESTART before it was touched. */
typedef int extent_fn(struct domain *d, u64 gfn, unsigned int order);

/* Reads up to EXTENT_BATCH entries from i on; how many, 0 for a fault at i. */
static u64 extents_fetch(const struct abi_memory_reservation *r, u64 i, u64 *gfns)
{
	u64 n = MIN(r->nr_extents - i, (u64)EXTENT_BATCH);

	if (likely(!copy_array_from_guest(gfns, r->extent_start, i, n)))
		return n;
	return !copy_array_from_guest(gfns, r->extent_start, i, 1);
}

static long extents_run(struct memory_call *c, struct domain *d, extent_fn *fn, bool read_list)
{
	const struct abi_memory_reservation *r = &c->u.reservation;
	u64 gfns[EXTENT_BATCH] = { 0 }, i = c->start, n = 0, k = 0;

	for (; i < r->nr_extents; i++, k++) {
		int rc = -XEN_ERESTART;

		if (k == n) {
			n = read_list ? extents_fetch(r, i, gfns) : EXTENT_BATCH;
			k = 0;
			if (!n)
				break;
		}
		if (i == c->start || !hypercall_preempted())
			rc = fn(d, gfns[k], r->extent_order);
		if (unlikely(rc == -XEN_ERESTART)) {
			c->start = i;
			return rc;
		}
		if (!rc)
			break;
	}
	return (long)i;
}

/* Checks what all three have in common and runs fn. */
static long reservation_change(struct memory_call *c, extent_fn *fn, unsigned int max_order,
			       bool read_list)
{
	const struct abi_memory_reservation *r = &c->u.reservation;
	struct domain *d;
	long rc;

	if (r->nr_extents > EXTENTS_MAX || r->extent_order > max_order)
		return (long)c->start;
	if (domain_get_target(r->domid, &d))
		return (long)c->start;
	rc = extents_run(c, d, fn, read_list);
	domain_put(d);
	return rc;
}

static unsigned int caller_max_order(void)
{
	return caller_is_control() ? ORDER_MAX_CONTROL : ORDER_MAX_GUEST;
}

static bool ram_is_fixed(const struct domain *d)
{
	return d->flags & DOMAIN_DIRECT_MAP || d->fixed_ram;
}

static void frames_release(struct domain *d, mfn_t m, u64 nr)
{
	struct frame *f = mfn_to_frame(m);

	for (u64 i = 0; i < nr; i++)
		frame_release(&d->frames, f + i);
}

static int extent_decrease(struct domain *d, u64 g, unsigned int order)
{
	u64 end = g + (1UL << order);
	mfn_t m;

	while (g < end) {
		long n = p2m_take_ram(&d->p2m, gfn(g), end - g, &m);

		if (n <= 0)
			return 0;
		if (!ram_is_fixed(d))
			frames_release(d, m, (u64)n);
		g += (u64)n;
	}
	return 1;
}

long memory_decrease(struct memory_call *c)
{
	return reservation_change(c, extent_decrease, ORDER_MAX_GUEST, true);
}

/* A zeroed block. Scrubbing a large one now would take too long: do it piece by piece. */
static struct frame *block_get(unsigned int order, bool *again)
{
	bool dirty_left = true;
	struct frame *f;

	if (order <= ORDER_SCRUB_AT_ONCE)
		return frame_alloc(order, 0);
	for (;;) {
		f = frame_alloc(order, FRAME_CLEAN_ONLY);
		if (f || !dirty_left)
			return f;
		dirty_left = frame_scrub_some();
		if (dirty_left && hypercall_preempted()) {
			*again = true;
			return NULL;
		}
	}
}

/* A new block that is d's; NULL also when d may not have more. */
static struct frame *block_give(struct domain *d, unsigned int order, bool *again)
{
	struct frame *f;

	/* A domain at its limit shall not cost the scrubbing; frame_assign() checks again. */
	if ((u64)READ_ONCE(d->frames.nr) + (1UL << order) > d->frames.max)
		return NULL;
	f = block_get(order, again);
	if (f && frame_assign(&d->frames, f, 1UL << order)) {
		frame_free(f, order);
		return NULL;
	}
	return f;
}

static int extent_increase(struct domain *d, u64 g, unsigned int order)
{
	bool again = false;

	if (ram_is_fixed(d))
		return 0;
	if (block_give(d, order, &again))
		return 1;
	return again ? -XEN_ERESTART : 0;
}

long memory_increase(struct memory_call *c)
{
	return reservation_change(c, extent_increase, caller_max_order(), false);
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

static int populate_fixed(struct domain *d, u64 g, unsigned int order)
{
	u64 row = 0, nr;

	for (u64 left = 1UL << order; left; left -= nr, g += nr) {
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
	return 1;
}

static int extent_populate(struct domain *d, u64 g, unsigned int order)
{
	bool again = false;
	struct frame *f;
	int rc;

	if (ram_is_fixed(d))
		return populate_fixed(d, g, order);
	f = block_give(d, order, &again);
	if (!f)
		return again ? -XEN_ERESTART : 0;
	rc = p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), 1UL << order, P2M_RAM_RW);
	if (likely(!rc))
		return 1;
	/* A part may be mapped. While it is, the frames stay d's: it pays for them. */
	if (rc != -XEN_ENOMEM || !p2m_unmap(&d->p2m, gfn(g), 1UL << order))
		frames_release(d, frame_to_mfn(f), 1UL << order);
	return 0;
}

long memory_populate(struct memory_call *c)
{
	return reservation_change(c, extent_populate, caller_max_order(), true);
}

/* Frames are never exchanged here: an exchange of nothing succeeds, of anything else fails. */
long memory_exchange(struct memory_call *c)
{
	const struct abi_memory_reservation *in = &c->u.exchange.in, *out = &c->u.exchange.out;
	struct domain *d;
	long rc;

	if (MAX(in->extent_order, out->extent_order) > caller_max_order())
		return -XEN_EPERM;
	if (c->u.exchange.nr_exchanged > in->nr_extents || in->domid != out->domid ||
	    in->nr_extents > ~0UL >> in->extent_order ||
	    out->nr_extents > ~0UL >> out->extent_order ||
	    in->nr_extents << in->extent_order != out->nr_extents << out->extent_order)
		return -XEN_EINVAL;
	rc = domain_get_target(in->domid, &d);
	if (rc)
		return rc;
	domain_put(d);
	return in->nr_extents == c->u.exchange.nr_exchanged ? 0 : -XEN_EINVAL;
}

/* Only giving a claim back is possible: nothing is ever set aside for a domain. */
long memory_claim(struct memory_call *c)
{
	const struct abi_memory_reservation *r = &c->u.reservation;
	struct domain *d;
	long rc;

	if (r->extent_start || r->extent_order || r->mem_flags)
		return -XEN_EINVAL;
	if (!caller_is_control())
		return -XEN_EPERM;
	rc = domain_get_target(r->domid, &d);
	if (rc)
		return rc;
	domain_put(d);
	return r->nr_extents ? -XEN_EOPNOTSUPP : 0;
}
