/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant tables from inside.
 *
 * d->grant_lock (RANK_GRANT) protects what d gives: the pages of its table and the pins on its
 * entries. It is part of struct domain, so that it can be taken for any domain that one has a
 * reference to; d->grants is NULL once the table is gone. maptrack_lock protects what d has
 * mapped, and is taken by d's own vcpus only.
 *
 * The shared entries belong to the guest. A grant in use is what grant_active says; the flags in
 * the shared entry merely tell the guest.
 */
#ifndef IPC_GRANT_PRIVATE_H
#define IPC_GRANT_PRIVATE_H

#include <abi/grant_table.h>
#include <serai/domain.h>
#include <serai/grant.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define ENTRIES_SHIFT_V1 9 /* entries of one page */
#define ENTRIES_SHIFT_V2 8
#define ENTRIES		 (1U << ENTRIES_SHIFT_V1) /* at most */
#define STATUS_FRAMES(n) (((n) + 7) / 8) /* status frames of n frames */
#define MAPS_SHIFT    8 /* struct grant_map in one page */
#define MAPS	      (1U << MAPS_SHIFT)

#define GRANT_FRAMES_DEFAULT	64
#define MAPTRACK_FRAMES_DEFAULT 1024
#define GRANT_FRAMES_MAX	32768 /* references have MAP_REF_BITS */
#define MAPTRACK_FRAMES_MAX	65536

/* How one entry is used right now. */
struct grant_active {
	struct frame *frame; /* referenced while there are pins; NULL: they are of a copy by way of
				another entry */
	u16 readers, writers; /* pins: mappings and copies under way */
	domid_t grantee;
	bool writable; /* the frame is RAM that its owner may write */
};

#define PINS_MAX 0x7fff

struct grant_page {
	char *shared;
	struct grant_active *active; /* ACTIVE_ORDER */
};

#define ACTIVE_ORDER 1
_Static_assert(sizeof(struct grant_active) * ENTRIES == PAGE_SIZE << ACTIVE_ORDER, "active");

/* One mapping that the domain made; its index is the handle. */
struct grant_map {
	struct domain *granter; /* referenced while MAP_USED */
	u64 word;		/* gfn, ref and flags; of a free one: the next free handle */
};

#define MAP_GFN_BITS 36
#define MAP_REF_BITS 24
#define MAP_USED     (1UL << 60)
#define MAP_READONLY (1UL << 61)
#define MAP_BUSY     (1UL << 62) /* somebody is removing it */
#define HANDLE_NONE  0xffffffffU

_Static_assert(sizeof(struct grant_map) * MAPS == PAGE_SIZE, "maptrack");

struct grant_table {
	u32 nr_frames, max_frames;
	struct grant_page *pages; /* max_frames */
	u8 version, max_version;
	u8 entries_shift; /* of the version in force */
	u32 nr_pinned;	  /* entries with pins */
	u32 nr_cleared;	  /* frames: how far a change of version got */
	u32 nr_status;
	u16 **status; /* STATUS_FRAMES(max_frames); version 2 only, made when first wanted */
	struct lock maptrack_lock;
	u32 nr_maps, max_map_frames;
	u32 free_map; /* list through word */
	u32 map_destroyed; /* maps below it are gone: progress of the destruction */
	struct grant_map **maps; /* max_map_frames; NULL until the first mapping */
};

/* A hypercall under way. On -XEN_ERESTART done elements are left out when it is called again. */
struct grant_call {
	u64 uop;
	u32 count, done;
	u32 ref; /* cache_flush: where to go on looking */
};

#define GRANT_CHUNK 16 /* elements copied in and out at once */
_Static_assert(GRANT_CHUNK <= P2M_LIST_MAX, "a chunk's mappings go with one invalidation");

u32 grant_copy_in_one(const struct grant_call *c, void *ops, u32 size);
u32 grant_copy_out_each(const struct grant_call *c, const void *ops, u32 n, u32 size);

/* Copies a chunk of elements in; how many: GRANT_CHUNK, or one before a bad page, or none. */
static inline u32 grant_copy_in(const struct grant_call *c, void *ops, u32 size)
{
	u32 n = MIN(c->count - c->done, (u32)GRANT_CHUNK);

	if (likely(!copy_from_guest_raw(ops, c->uop + (u64)c->done * size, (size_t)n * size)))
		return n;
	return grant_copy_in_one(c, ops, size);
}

/* Copies n elements back; how many could be. */
static inline u32 grant_copy_out(const struct grant_call *c, const void *ops, u32 n, u32 size)
{
	if (likely(!copy_to_guest_raw(c->uop + (u64)c->done * size, ops, (size_t)n * size)))
		return n;
	return grant_copy_out_each(c, ops, n, size);
}

typedef long grant_op_fn(struct grant_call *c);
grant_op_fn grant_op_map, grant_op_unmap, grant_op_unmap_replace, grant_op_copy,
	grant_op_cache_flush;

/* What an entry of version 2 stands for; preset by the caller to GRANT_WHOLE. */
struct grant_where {
	enum { GRANT_WHOLE, GRANT_PART, GRANT_ELSEWHERE } kind;
	u16 offset, length; /* GRANT_PART: the bytes that may be copied */
	domid_t via;	    /* GRANT_ELSEWHERE: no frame, but an entry of this domain */
	u32 via_ref;
};

/*
 * Pins entry ref of d for a domain: marks it in use and gives its frame, which stays while it is
 * pinned; for a mapping with a reference of its own. The caller has a reference to d. Returns
 * GNTST_okay or why not. where: of copies only.
 */
enum grant_use { GRANT_COPY, GRANT_MAP, GRANT_VIA /* a copy, by way of another entry */ };
s16 grant_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
	      struct frame **f, struct grant_where *where);
void grant_unpin(struct domain *d, u32 ref, bool write);

/* Gives up everything that d has mapped; it never runs again. -XEN_ERESTART when preempted. */
int grant_unmap_all(struct domain *d);

/* The frame of an entry that is pinned for the first time, under d->grant_lock. */
s16 grant_frame_take(struct domain *d, u64 g, bool write, struct grant_active *a);

/*
 * Version 2 (grant_v2.c, grant_v2_absent.c). The first two are for tables of that version, under
 * d->grant_lock.
 */
s16 grant_v2_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
		 struct frame **f, struct grant_where *where);
void grant_v2_release(struct grant_table *gt, u32 ref, u16 drop);
/* A pinned entry that is GRANT_ELSEWHERE: pins that; *via gets a reference to whose it is. */
s16 grant_v2_follow(struct domain *d, bool write, struct frame **f, struct grant_where *where,
		    struct domain **via);
/* As many status frames as the frames need. -XEN_ENOMEM; -XEN_ERESTART when preempted. */
int grant_v2_grow(struct domain *d);
/* From now on the entries of d are of this version: 1 or 2. */
int grant_version_set(struct domain *d, u32 version);

static inline u32 grant_nr_entries(const struct grant_table *gt)
{
	return gt->nr_frames << gt->entries_shift;
}

/* The shared entry and its use, where a page has 2^shift entries. */
static __always_inline void *grant_entry_of(const struct grant_table *gt, u32 ref, u32 shift)
{
	return gt->pages[ref >> shift].shared + ((ref & ((1U << shift) - 1)) << (PAGE_SHIFT - shift));
}

static __always_inline struct grant_active *grant_active_of(const struct grant_table *gt, u32 ref,
							    u32 shift)
{
	return &gt->pages[ref >> shift].active[ref & ((1U << shift) - 1)];
}

static inline void *grant_entry(const struct grant_table *gt, u32 ref)
{
	return grant_entry_of(gt, ref, gt->entries_shift);
}

static inline struct grant_active *grant_active(const struct grant_table *gt, u32 ref)
{
	return grant_active_of(gt, ref, gt->entries_shift);
}

/* Flags that the pins of an entry do not need. */
static inline u16 grant_unused_flags(const struct grant_active *a)
{
	if (a->writers)
		return 0;
	return a->readers ? GTF_writing : GTF_writing | GTF_reading;
}

/*
 * The domain named in a batch, looked up only when it changes. NULL: there is none, or it is
 * named by one of the reserved numbers. granter_forget() at the end.
 */
static inline void granter_forget(struct domain **d)
{
	if (*d)
		domain_put(*d);
	*d = NULL;
}

static inline struct domain *granter_find(struct domain **d, domid_t id)
{
	if (*d && likely((*d)->id == id))
		return *d;
	granter_forget(d);
	if (id < DOMID_FIRST_RESERVED)
		*d = domain_get(id);
	return *d;
}

#endif
