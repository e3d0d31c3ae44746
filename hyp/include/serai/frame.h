/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page frames: one 16-byte record per frame of RAM, and the buddy allocator over them.
 *
 * A frame is free, the hypervisor's, or a domain's. A domain's frame carries references: one for
 * being allocated, one for each mapping by somebody else and for each copy under way. The frame
 * returns to the heap when the last one goes; it is scrubbed before anybody else gets it.
 * Ownership changes by frame_assign() and frame_release_range() alone.
 */
#ifndef SERAI_FRAME_H
#define SERAI_FRAME_H

#include <arch/memory.h> /* frame_map(), virt_to_mfn() */
#include <serai/atomic.h>
#include <serai/compiler.h>
#include <serai/lock.h>
#include <serai/types.h>

enum frame_state {
	FRAME_RESERVED, /* not RAM, or never given to the heap */
	FRAME_FREE,	/* first frame of a free block */
	FRAME_HYP,	/* the hypervisor's own */
	FRAME_DOMAIN,	/* RAM of a domain */
	FRAME_SHARED,	/* the hypervisor's page that a domain may map (shared_info, grant frames) */
};

/*
 * The first word changes as a whole (word). Only the head of a free block, the head of a
 * hypervisor's block and every frame of a domain are kept up to date; others are FRAME_RESERVED.
 */
struct frame {
	union {
		struct {
			u32 refs;  /* FRAME_DOMAIN, FRAME_SHARED */
			u16 owner; /* slot of the owner, see frame_owner */
			u8 state;  /* enum frame_state */
			u8 order : 6, dirty : 1, allocated : 1; /* dirty: to be scrubbed */
		};
		u64 word;
	};
	union {
		struct {
			u32 next, prev; /* frame indices, FRAME_NONE at the ends */
		};
		u64 links; /* shared pages: where the owner has it mapped, GFN_INVALID: nowhere. p2m.c */
	};
};

#define FRAME_WORD(owner, state) ((u64)(owner) << 32 | (u64)(state) << 48)
#define FRAME_WORD_ORDER(n)	 ((u64)(n) << 56)
#define FRAME_WORD_DIRTY	 (1UL << 62)
#define FRAME_WORD_ALLOCATED	 (1UL << 63)
#define FRAME_WORD_STATE	 (0xffUL << 48)
#define FRAME_WORD_IDENTITY	 (0xffffffUL << 32) /* owner and state */

#define FRAME_NONE  0xffffffffU
#define FRAME_ORDER_MAX 18 /* 1 GiB */

/* Whose frames: embedded in struct domain. */
struct frame_owner {
	struct lock lock;
	u16 slot; /* index into the table of owners, 0 is nobody */
	bool dying; /* no new frames */
	bool closed; /* frame_owner_die() was called: the last reference calls empty */
	u32 nr;   /* its frames, those given up but still referenced included */
	u32 max;  /* limit for frame_assign() */
	u32 first; /* its frames that it has not given up, linked */
	u32 nr_refs_held; /* given up but still referenced; and all shared pages */
	u32 claimed; /* frames of the heap that nobody else gets: frame_claim() */
	/* Called once, by frame_owner_die() or by the last reference after it, without locks. */
	void (*empty)(struct frame_owner *o);
};

enum frame_flags {
	FRAME_ZERO = 1,	     /* contents are zero (implies scrubbed) */
	FRAME_NO_SCRUB = 2,  /* caller overwrites all of it */
	FRAME_CLEAN_ONLY = 4, /* nothing rather than a block that had to be scrubbed now */
	FRAME_POOLED = 8,    /* one frame of those of frame_pool_change(): there always is one */
};

/*
 * Boot: frames of [start, end) get records; the architecture has mapped zeroed memory for them at
 * FRAME_TABLE_VA (FRAME_TABLE_SIZE bytes). Holes in the range stay FRAME_RESERVED. Not thread safe.
 */
#define FRAME_TABLE_SIZE(start, end) (((end) - (start)) / PAGE_SIZE * sizeof(struct frame))
/* Pieces that describe no RAM at all read as zero and cannot be written. */
#define FRAME_TABLE_PIECE     (2UL << 20)
#define FRAME_TABLE_PIECE_RAM (FRAME_TABLE_PIECE / sizeof(struct frame) * PAGE_SIZE)
int frame_init(paddr_t start, paddr_t end);
/* Gives [start, end) to the heap; dirty says that it holds somebody's old data. */
void frame_add_range(paddr_t start, paddr_t end, bool dirty);

/*
 * The frames of [start, end) never become the heap's: when nobody has them any more they are
 * reserved again, with what was in them. While starting; -XEN_ENOSPC after 256 calls.
 */
int frame_set_aside(paddr_t start, paddr_t end);

extern u64 frame_first_mfn, frame_count;
#define frame_table ((struct frame *)FRAME_TABLE_VA)

/* NULL outside the table; inside it may be no RAM (FRAME_RESERVED), then no reference is given. */
static inline struct frame *mfn_to_frame(mfn_t m)
{
	u64 i = m.v - frame_first_mfn;

	return i < frame_count ? &frame_table[i] : NULL;
}

static inline mfn_t frame_to_mfn(const struct frame *f)
{
	return mfn((u64)(f - frame_table) + frame_first_mfn);
}

/* 2^order contiguous frames for the hypervisor, scrubbed; NULL when there are none. */
void *heap_alloc(unsigned int order, u32 flags);
void heap_free(void *va, unsigned int order);
static inline void *heap_alloc_page(void)
{
	return heap_alloc(0, FRAME_ZERO);
}
/*
 * Free frames that are kept for FRAME_POOLED become more or less: nobody else gets them, and they do
 * not count as free. False: not so many are free beyond all claims.
 */
bool frame_pool_change(s64 by);
/* One frame that is the pool's again. */
void heap_free_pooled(void *va);
/* Small objects: zeroed, 16-byte aligned, any size; NULL when exhausted. */
void *mem_alloc(size_t size);
void mem_free(void *p);

/*
 * Unowned frames (state FRAME_HYP) for a domain; give them away by frame_assign(). Those that o has
 * claimed are for o alone.
 */
struct frame *frame_alloc_for(const struct frame_owner *o, unsigned int order, u32 flags);
static inline struct frame *frame_alloc(unsigned int order, u32 flags)
{
	return frame_alloc_for(NULL, order, flags);
}
void frame_free(struct frame *f, unsigned int order);
/* The same for a part of a block, or of several. */
void frame_free_range(struct frame *f, u64 nr);

void frame_owner_init(struct frame_owner *o, u32 max);
int frame_owner_register(struct frame_owner *o); /* gives the slot; -ENOSPC */
/* Nothing of it may be left: frame_owner_empty(). */
void frame_owner_unregister(struct frame_owner *o);
/*
 * After frame_release_all(): once no reference is left (perhaps now) o->empty is called; it may
 * free the owner.
 */
void frame_owner_die(struct frame_owner *o);
static inline bool frame_owner_empty(const struct frame_owner *o)
{
	return !READ_ONCE(o->nr) && !READ_ONCE(o->nr_refs_held);
}

/* nr frames from f on become o's, allocated with one reference each. -ENOMEM over the limit. */
int frame_assign(struct frame_owner *o, struct frame *f, u64 nr);
/*
 * The same for a page of heap_alloc_page() that the domain may map; counts against no limit.
 * frame_unshare() gives it up: it returns to the heap when the last reference goes.
 */
void frame_share(struct frame_owner *o, void *va);
void frame_unshare(void *va);
/*
 * Sets free frames aside until o has nr, 0: none any more. What o gets is taken off the claim, what
 * o gives up returns to it while it lasts; it ends with frame_release_all(). -EINVAL when there is
 * one, o has as many or may not have them; -ENOMEM.
 */
int frame_claim(struct frame_owner *o, u64 nr);
/* Drops the allocation of those of the nr frames from f on that o still has: it gives them up. */
void frame_release_range(struct frame_owner *o, struct frame *f, u64 nr);
/* It is RAM of o and was not given up. */
static inline bool frame_is_allocated_to(const struct frame *f, const struct frame_owner *o)
{
	return (READ_ONCE(f->word) & (FRAME_WORD_IDENTITY | FRAME_WORD_ALLOCATED)) ==
	       (FRAME_WORD(o->slot, FRAME_DOMAIN) | FRAME_WORD_ALLOCATED);
}
/* No new frames from now on; gives up all that there are. -XEN_ERESTART when preempted. */
int frame_release_all(struct frame_owner *o);

#define FRAME_OWNERS_MAX 512
extern struct frame_owner *frame_owners[FRAME_OWNERS_MAX];
static inline struct frame_owner *frame_owner_of(const struct frame *f)
{
	return frame_owners[f->owner];
}

/* Adds a reference as long as owner and state under mask are want and there is one already. */
static inline bool frame_get_if(struct frame *f, u64 mask, u64 want)
{
	u64 w = READ_ONCE(f->word);

	do {
		/* No reference: nobody's. More than 2^31: an attack. */
		if (unlikely((w & mask) != want || (u32)w - 1 >= 0x7fffffff))
			return false;
	} while (unlikely(!atomic_try_cmpxchg(&f->word, &w, w + 1)));
	return true;
}

/* A reference if the frame is RAM of o right now. */
static inline bool frame_get(struct frame *f, const struct frame_owner *o)
{
	return frame_get_if(f, FRAME_WORD_IDENTITY, FRAME_WORD(o->slot, FRAME_DOMAIN));
}

/* A reference if the frame is a page that the hypervisor shares with o. */
static inline bool frame_get_shared(struct frame *f, const struct frame_owner *o)
{
	return frame_get_if(f, FRAME_WORD_IDENTITY, FRAME_WORD(o->slot, FRAME_SHARED));
}

/* A reference whoever owns it (DOMAIN or SHARED); false when nobody does. */
static inline bool frame_get_any(struct frame *f)
{
	return frame_get_if(f, FRAME_WORD_STATE, FRAME_WORD(0, FRAME_DOMAIN)) ||
	       frame_get_if(f, FRAME_WORD_STATE, FRAME_WORD(0, FRAME_SHARED));
}

void frame_put_last(struct frame *f);
static inline void frame_put(struct frame *f)
{
	if (unlikely((u32)atomic_sub_return(&f->word, 1UL) == 0))
		frame_put_last(f);
}

/* Idle CPUs scrub free dirty blocks; false when nothing is left. One call is about 1500 steps. */
bool frame_scrub_some(void);

/* Frames of RAM that the machine has, whoever uses them; set while starting. */
extern u64 frame_ram;

struct frame_stats {
	u64 total, free, dirty, claimed;
	u64 pooled; /* not in free, but perhaps in dirty */
};
void frame_stats(struct frame_stats *s);
/* By frame.c: the sum of all claims changes. Unless forced: false when the heap has too little. */
bool frame_claims_change(s64 by, bool force);
__cold_path void frame_dump(void); /* debug key H */

#endif
