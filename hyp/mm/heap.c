/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap: a buddy allocator over the frame table, blocks of 2^0 to 2^18 frames aligned to their
 * size by machine address.
 *
 * Clean blocks (all zero, also in RAM) and dirty ones are kept on separate lists and never merge
 * with each other: scrubbing a part of a dirty block splits it, and the scrubbed part merges with
 * its clean neighbours. A free block is known by the record of its first frame; records inside
 * it are never FRAME_FREE, so they need no initialisation. The heap's lock protects the records of
 * free frames, but frame_get() of a stale frame number may read them at any time.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>

#define ORDERS	    (FRAME_ORDER_MAX + 1)
#define ASIDE_MAX   256
#define SCRUB_ORDER 2 /* frames that one step of frame_scrub_some() takes */

enum { CLEAN, DIRTY };

u64 frame_first_mfn, frame_count;
u64 frame_ram __ro_after_init;

static struct {
	struct lock lock;
	u32 first[2][ORDERS]; /* free blocks by dirtiness and order */
	u32 orders[2];	      /* bit n: the list of order n is not empty */
	u64 free[2];	      /* frames */
	u64 total;
	u64 claimed; /* of the free ones, by all owners; for a moment more than there are */
	u64 pooled;  /* of the free ones, for stage-2 tables; never more than there are */
	u64 scrubbing; /* on no list while frame_scrub_some() has them, but free */
	u32 nr_aside;
	struct {
		u64 start, end; /* frame numbers */
	} aside[ASIDE_MAX];
} heap = { .lock = LOCK_INIT(RANK_HEAP) };

int frame_init(paddr_t start, paddr_t end)
{
	frame_first_mfn = start >> PAGE_SHIFT;
	frame_count = (end - start) >> PAGE_SHIFT;
	if (frame_count >= FRAME_NONE)
		return -XEN_E2BIG;
	for (unsigned int i = 0; i < ORDERS; i++)
		heap.first[CLEAN][i] = heap.first[DIRTY][i] = FRAME_NONE;
	heap.orders[CLEAN] = heap.orders[DIRTY] = 0;
	heap.free[CLEAN] = heap.free[DIRTY] = heap.total = heap.claimed = 0;
	heap.pooled = heap.scrubbing = 0;
	heap.nr_aside = 0;
	return 0;
}

static struct frame *frame_at(u64 m)
{
	return &frame_table[m - frame_first_mfn];
}

static u64 free_word(unsigned int order, unsigned int dirty)
{
	return FRAME_WORD(0, FRAME_FREE) | FRAME_WORD_ORDER(order) | (dirty ? FRAME_WORD_DIRTY : 0);
}

static void block_link(u64 m, unsigned int order, unsigned int dirty)
{
	struct frame *f = frame_at(m);
	u32 *first = &heap.first[dirty][order];

	WRITE_ONCE(f->word, free_word(order, dirty));
	f->next = *first;
	f->prev = FRAME_NONE;
	if (*first != FRAME_NONE)
		frame_table[*first].prev = (u32)(m - frame_first_mfn);
	*first = (u32)(m - frame_first_mfn);
	heap.orders[dirty] |= 1U << order;
}

static void block_unlink(struct frame *f)
{
	unsigned int order = f->order, dirty = f->dirty;
	u32 *first = &heap.first[dirty][order];

	if (f->prev != FRAME_NONE)
		frame_table[f->prev].next = f->next;
	else
		*first = f->next;
	if (f->next != FRAME_NONE)
		frame_table[f->next].prev = f->prev;
	if (*first == FRAME_NONE)
		heap.orders[dirty] &= ~(1U << order);
	WRITE_ONCE(f->word, 0UL);
}

/* Adds a block that is on no list, merged with its buddies of the same kind. */
static void block_free(u64 m, unsigned int order, unsigned int dirty)
{
	heap.free[dirty] += 1UL << order;
	WRITE_ONCE(frame_at(m)->word, 0UL);
	for (; order < FRAME_ORDER_MAX; order++) {
		u64 buddy = m ^ (1UL << order);

		if (buddy - frame_first_mfn >= frame_count ||
		    READ_ONCE(frame_at(buddy)->word) != free_word(order, dirty))
			break;
		block_unlink(frame_at(buddy));
		m &= ~(1UL << order);
	}
	block_link(m, order, dirty);
}

/* Takes the smallest block that has 2^order frames; what is too much goes back. */
static bool block_take(unsigned int order, unsigned int dirty, u64 *m)
{
	u32 fit = heap.orders[dirty] >> order;
	unsigned int o;

	if (!fit)
		return false;
	o = order + (unsigned int)__builtin_ctz(fit);
	*m = heap.first[dirty][o] + frame_first_mfn;
	block_unlink(frame_at(*m));
	while (o > order) {
		o--;
		block_link(*m + (1UL << o), o, dirty);
	}
	heap.free[dirty] -= 1UL << order;
	return true;
}

/* The largest aligned block that begins at m and has at most nr frames. */
static unsigned int block_order(u64 m, u64 nr)
{
	unsigned int order = 63 - (unsigned int)__builtin_clzll(nr);

	if (m)
		order = MIN(order, (unsigned int)__builtin_ctzll(m));
	return MIN(order, (unsigned int)FRAME_ORDER_MAX);
}

static void range_free(u64 m, u64 nr, unsigned int dirty)
{
	while (nr) {
		unsigned int order = block_order(m, nr);

		block_free(m, order, dirty);
		m += 1UL << order;
		nr -= 1UL << order;
	}
}

void frame_add_range(paddr_t start, paddr_t end, bool dirty)
{
	u64 m = DIV_ROUND_UP(start, PAGE_SIZE), last = end >> PAGE_SHIFT;

	if (last <= m)
		return;
	BUG_ON(m < frame_first_mfn || last - frame_first_mfn > frame_count);
	lock_take(&heap.lock);
	range_free(m, last - m, dirty);
	heap.total += last - m;
	lock_drop(&heap.lock);
}

/*
 * Zeroes frames. What a domain will see must be zero in RAM as well: it may look with its caches
 * off.
 */
static void frames_scrub(u64 m, u64 nr, bool to_ram)
{
	for (u64 end = m + nr; m < end; m++) {
		void *va = frame_map(mfn(m));

		frame_arch_zero(va, PAGE_SIZE);
		if (to_ram)
			cache_arch_clean_invalidate(va, PAGE_SIZE);
		frame_unmap(va);
	}
}

/* Those on lists that no pool keeps. */
static u64 frames_left(void)
{
	return heap.free[CLEAN] + heap.free[DIRTY] - heap.pooled;
}

/* Too many free frames are kept for pools and for others than o. */
static bool kept_away(const struct frame_owner *o, u64 nr)
{
	u64 left = frames_left();

	return nr > left || (unlikely(heap.claimed) && heap.claimed + nr > left &&
			     (!o || READ_ONCE(o->claimed) < nr));
}

bool frame_claims_change(s64 by, bool force)
{
	bool enough;

	lock_take(&heap.lock);
	enough = force || (s64)(frames_left() - heap.claimed) >= by;
	if (enough)
		heap.claimed += (u64)by;
	lock_drop(&heap.lock);
	return enough;
}

bool frame_pool_change(s64 by)
{
	bool enough;

	lock_take(&heap.lock);
	enough = by <= 0 || (s64)(frames_left() - heap.claimed) >= by;
	if (enough)
		heap.pooled += (u64)by;
	lock_drop(&heap.lock);
	return enough;
}

static struct frame *block_alloc(const struct frame_owner *o, unsigned int order, u32 flags,
				 bool to_ram)
{
	unsigned int kind = flags & FRAME_NO_SCRUB ? DIRTY : CLEAN;
	struct frame *f;
	bool may, found;
	u64 m = 0;

	if (order > FRAME_ORDER_MAX)
		return NULL;
	lock_take(&heap.lock);
	may = flags & FRAME_POOLED || !kept_away(o, 1UL << order);
	found = may && block_take(order, kind, &m);
	if (!found && may && !(flags & FRAME_CLEAN_ONLY)) {
		kind ^= 1;
		found = block_take(order, kind, &m);
	}
	if (flags & FRAME_POOLED)
		heap.pooled--;
	lock_drop(&heap.lock);
	if (!found)
		return NULL;
	f = frame_at(m);
	WRITE_ONCE(f->word, FRAME_WORD(0, FRAME_HYP) | FRAME_WORD_ORDER(order));
	if (kind == DIRTY && !(flags & FRAME_NO_SCRUB))
		frames_scrub(m, 1UL << order, to_ram);
	return f;
}

struct frame *frame_alloc_for(const struct frame_owner *o, unsigned int order, u32 flags)
{
	return block_alloc(o, order, flags, true);
}

void *heap_alloc(unsigned int order, u32 flags)
{
	struct frame *f = block_alloc(NULL, order, flags, false);

	return f ? frame_map(frame_to_mfn(f)) : NULL;
}

void frame_free(struct frame *f, unsigned int order)
{
	ASSERT(f->state == FRAME_HYP && f->order == order);
	frame_free_range(f, 1UL << order);
}

int frame_set_aside(paddr_t start, paddr_t end)
{
	u64 m = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	BUG_ON(m < frame_first_mfn || last - frame_first_mfn > frame_count);
	if (heap.nr_aside == ASIDE_MAX)
		return -XEN_ENOSPC;
	heap.aside[heap.nr_aside].start = m;
	heap.aside[heap.nr_aside++].end = last;
	return 0;
}

/* Written while starting only, so without the lock. */
static bool is_aside(u64 m)
{
	for (u32 i = 0; i < heap.nr_aside; i++)
		if (m >= heap.aside[i].start && m < heap.aside[i].end)
			return true;
	return false;
}

void frame_free_range(struct frame *f, u64 nr)
{
	if (unlikely(heap.nr_aside) && is_aside(frame_to_mfn(f).v)) {
		for (const struct frame *end = f + nr; f != end; f++)
			WRITE_ONCE(f->word, 0UL);
		return;
	}
	lock_take(&heap.lock);
	range_free(frame_to_mfn(f).v, nr, DIRTY);
	lock_drop(&heap.lock);
}

void heap_free(void *va, unsigned int order)
{
	struct frame *f;

	if (!va)
		return;
	f = mfn_to_frame(virt_to_mfn(va));
	frame_unmap(va);
	frame_free(f, order);
}

void heap_free_pooled(void *va)
{
	mfn_t m = virt_to_mfn(va);

	frame_unmap(va);
	lock_take(&heap.lock);
	block_free(m.v, 0, DIRTY);
	heap.pooled++;
	lock_drop(&heap.lock);
}

bool frame_scrub_some(void)
{
	unsigned int order;
	bool more;
	u64 m;

	if (!READ_ONCE(heap.orders[DIRTY]))
		return false;
	lock_take(&heap.lock);
	/* The last ones stay where whoever they are kept for finds them. */
	if (!heap.orders[DIRTY] || (s64)(frames_left() - heap.claimed) < 1 << SCRUB_ORDER) {
		lock_drop(&heap.lock);
		return false;
	}
	order = MIN((unsigned int)__builtin_ctz(heap.orders[DIRTY]), (unsigned int)SCRUB_ORDER);
	BUG_ON(!block_take(order, DIRTY, &m));
	heap.scrubbing += 1UL << order;
	lock_drop(&heap.lock);

	frames_scrub(m, 1UL << order, true);

	lock_take(&heap.lock);
	block_free(m, order, CLEAN);
	heap.scrubbing -= 1UL << order;
	more = heap.orders[DIRTY];
	lock_drop(&heap.lock);
	return more;
}

void frame_stats(struct frame_stats *s)
{
	lock_take(&heap.lock);
	s->total = heap.total;
	s->free = frames_left() + heap.scrubbing;
	s->dirty = heap.free[DIRTY] + heap.scrubbing;
	s->claimed = heap.claimed;
	s->pooled = heap.pooled;
	lock_drop(&heap.lock);
}

void frame_dump(void)
{
	struct frame_stats s;

	frame_stats(&s);
	pr_info("memory: %lu KiB, %lu KiB free, %lu KiB kept for page tables, %lu KiB to be scrubbed\n",
		s.total * 4, s.free * 4, s.pooled * 4, s.dirty * 4);
	lock_take(&heap.lock);
	for (unsigned int order = 0; order < ORDERS; order++) {
		unsigned int n[2] = { 0, 0 };

		for (unsigned int kind = CLEAN; kind <= DIRTY; kind++)
			for (u32 i = heap.first[kind][order]; i != FRAME_NONE; i = frame_table[i].next)
				n[kind]++;
		if (n[CLEAN] || n[DIRTY])
			pr_info("  blocks of %lu KiB: %u clean, %u dirty\n", 4UL << order, n[CLEAN],
				n[DIRTY]);
	}
	lock_drop(&heap.lock);
}
