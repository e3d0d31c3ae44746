/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and their owners.
 *
 * The first word of a record {refs, owner, state, flags} changes atomically. The bit "allocated"
 * stands for one of the references; it goes by frame_release_range() or frame_unshare() only, under
 * the owner's lock, together with that reference. Whoever drops the last reference returns the
 * frame to the heap, dirty, and takes it off the owner's account.
 * Lock order: the owner's lock, then the heap's.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/errno.h>
#include <serai/frame.h>

#define RELEASE_ROW 64 /* frames given up at most between two looks for pending work */

struct frame_owner *frame_owners[FRAME_OWNERS_MAX]; /* 0: nobody */
static struct lock owners_lock = LOCK_INIT(RANK_OWNER);

_Static_assert(sizeof(struct frame) == 16, "frame record");

void frame_owner_init(struct frame_owner *o, u32 max)
{
	*o = (struct frame_owner){ .max = max, .first = FRAME_NONE };
	lock_init(&o->lock, RANK_OWNER);
}

int frame_owner_register(struct frame_owner *o)
{
	int rc = -XEN_ENOSPC;

	lock_take(&owners_lock);
	for (u16 slot = 1; slot < FRAME_OWNERS_MAX; slot++) {
		if (!frame_owners[slot]) {
			frame_owners[slot] = o;
			o->slot = slot;
			rc = 0;
			break;
		}
	}
	lock_drop(&owners_lock);
	return rc;
}

void frame_owner_unregister(struct frame_owner *o)
{
	BUG_ON(!frame_owner_empty(o));
	if (!o->slot)
		return;
	lock_take(&owners_lock);
	frame_owners[o->slot] = NULL;
	lock_drop(&owners_lock);
	o->slot = 0;
}

/* Under the owner's lock. False: it may be refused, and the heap has too little. */
static bool claim_change(struct frame_owner *o, s64 by, bool force)
{
	if (!frame_claims_change(by, force))
		return false;
	WRITE_ONCE(o->claimed, (u32)(o->claimed + by));
	return true;
}

/* Under the owner's lock: so many of its frames are the heap's again. */
static void owner_shrink(struct frame_owner *o, u32 nr)
{
	o->nr -= nr;
	if (unlikely(o->claimed))
		claim_change(o, nr, true);
}

static void claim_drop(struct frame_owner *o)
{
	claim_change(o, -(s64)o->claimed, true);
}

static void owner_die(struct frame_owner *o)
{
	o->dying = true;
	claim_drop(o);
}

int frame_claim(struct frame_owner *o, u64 nr)
{
	int rc = 0;

	lock_take(&o->lock);
	if (!nr)
		claim_drop(o);
	else if (o->dying || o->claimed || nr <= o->nr || nr > o->max)
		rc = -XEN_EINVAL;
	else if (!claim_change(o, (s64)(nr - o->nr), false))
		rc = -XEN_ENOMEM;
	lock_drop(&o->lock);
	return rc;
}

void frame_owner_die(struct frame_owner *o)
{
	void (*empty)(struct frame_owner *o) = NULL;

	lock_take(&o->lock);
	owner_die(o);
	o->closed = true;
	if (frame_owner_empty(o))
		empty = o->empty;
	lock_drop(&o->lock);
	if (empty)
		empty(o);
}

/* Writes nr records, linked in a row: four instructions for each. */
static void frames_fill(struct frame *f, u64 nr, u64 word)
{
	u32 i = (u32)(f - frame_table);
	u64 links = (u64)(i - 1) << 32 | (i + 1);

	for (const struct frame *end = f + nr; f != end; f++) {
		f->word = word;
		f->links = links;
		links += 1UL << 32 | 1;
	}
}

int frame_assign(struct frame_owner *o, struct frame *f, u64 nr)
{
	u32 i = (u32)(f - frame_table);

	lock_take(&o->lock);
	if (o->dying || nr > o->max || o->nr > o->max - nr) {
		lock_drop(&o->lock);
		return -XEN_ENOMEM;
	}
	o->nr += (u32)nr;
	if (unlikely(o->claimed))
		claim_change(o, -(s64)MIN(nr, (u64)o->claimed), true);
	/* Once the first word says whose they are, others may look at the contents. */
	smp_wmb();
	frames_fill(f, nr, FRAME_WORD(o->slot, FRAME_DOMAIN) | FRAME_WORD_ALLOCATED | 1);
	f->prev = FRAME_NONE;
	f[nr - 1].next = o->first;
	if (o->first != FRAME_NONE)
		frame_table[o->first].prev = i + (u32)(nr - 1);
	o->first = i;
	lock_drop(&o->lock);
	return 0;
}

void frame_share(struct frame_owner *o, void *va)
{
	struct frame *f = mfn_to_frame(virt_to_mfn(va));

	ASSERT(f->state == FRAME_HYP && f->order == 0);
	lock_take(&o->lock);
	o->nr_refs_held++;
	lock_drop(&o->lock);
	f->links = GFN_INVALID.v;
	smp_wmb();
	f->word = FRAME_WORD(o->slot, FRAME_SHARED) | FRAME_WORD_ALLOCATED | 1;
}

/* Under the owner's lock: a frame without references leaves the account. */
static void owner_forget(struct frame_owner *o, const struct frame *f)
{
	if (f->state == FRAME_DOMAIN)
		owner_shrink(o, 1);
	o->nr_refs_held--;
}

/* Drops the owner's lock; last: f has no reference left. Afterwards o may be gone. */
static void owner_done(struct frame_owner *o, struct frame *f, bool last)
{
	void (*empty)(struct frame_owner *o) = NULL;

	if (last && o->closed && frame_owner_empty(o))
		empty = o->empty;
	lock_drop(&o->lock);
	if (last)
		frame_free_range(f, 1);
	if (empty)
		empty(o);
}

void frame_unshare(void *va)
{
	struct frame *f = mfn_to_frame(virt_to_mfn(va));
	struct frame_owner *o = frame_owner_of(f);
	bool last;

	ASSERT(f->state == FRAME_SHARED && f->allocated);
	frame_unmap(va);
	lock_take(&o->lock);
	last = (u32)atomic_sub_return(&f->word, FRAME_WORD_ALLOCATED | 1) == 0;
	if (last)
		owner_forget(o, f);
	owner_done(o, f, last);
}

void frame_put_last(struct frame *f)
{
	struct frame_owner *o = frame_owner_of(f);

	ASSERT(!f->allocated && (f->state == FRAME_DOMAIN || f->state == FRAME_SHARED));
	lock_take(&o->lock);
	owner_forget(o, f);
	owner_done(o, f, true);
}

static void owner_unlink(struct frame_owner *o, struct frame *f)
{
	if (f->prev != FRAME_NONE)
		frame_table[f->prev].next = f->next;
	else
		o->first = f->next;
	if (f->next != FRAME_NONE)
		frame_table[f->next].prev = f->prev;
}

/* Under the owner's lock: gives the first of nr frames up, and those behind it in the same state. */
static u64 release_some(struct frame_owner *o, struct frame *f, u64 nr)
{
	u64 n;

	for (n = 0; n < nr && frame_is_allocated_to(f + n, o); n++) {
		owner_unlink(o, f + n);
		if ((u32)atomic_sub_return(&f[n].word, FRAME_WORD_ALLOCATED | 1)) {
			o->nr_refs_held++;
			break;
		}
	}
	if (n) {
		frame_free_range(f, n);
		owner_shrink(o, (u32)n);
	}
	/* The one behind them is not o's any more, or is still referenced. */
	return n + 1;
}

void frame_release_range(struct frame_owner *o, struct frame *f, u64 nr)
{
	void (*empty)(struct frame_owner *o) = NULL;

	lock_take(&o->lock);
	for (u64 i = 0; i < nr;)
		i += release_some(o, f + i, nr - i);
	if (o->closed && frame_owner_empty(o))
		empty = o->empty;
	lock_drop(&o->lock);
	if (empty)
		empty(o);
}

/*
 * Gives up the first frames on the list as long as they lie in a row and have no other reference:
 * they return to the heap together. One that is still referenced ends the row.
 */
static void release_row(struct frame_owner *o)
{
	u32 start, i, nr = 0;

	lock_take(&o->lock);
	start = i = o->first;
	while (i == start + nr && nr < RELEASE_ROW) {
		struct frame *f = &frame_table[i];

		i = f->next;
		if ((u32)atomic_sub_return(&f->word, FRAME_WORD_ALLOCATED | 1)) {
			o->nr_refs_held++;
			break;
		}
		nr++;
	}
	o->nr -= nr;
	o->first = i;
	if (i != FRAME_NONE)
		frame_table[i].prev = FRAME_NONE;
	lock_drop(&o->lock);
	if (nr)
		frame_free_range(&frame_table[start], nr);
}

int frame_release_all(struct frame_owner *o)
{
	ASSERT(!o->closed);
	lock_take(&o->lock);
	owner_die(o);
	lock_drop(&o->lock);
	while (READ_ONCE(o->first) != FRAME_NONE) {
		release_row(o);
		if (cpu_arch_work_pending())
			return o->first == FRAME_NONE ? 0 : -XEN_ERESTART;
	}
	return 0;
}
