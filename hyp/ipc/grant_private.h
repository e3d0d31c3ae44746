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

#define ENTRIES_SHIFT 9 /* entries of one page */
#define ENTRIES	      (1U << ENTRIES_SHIFT)
#define MAPS_SHIFT    8 /* struct grant_map in one page */
#define MAPS	      (1U << MAPS_SHIFT)

#define GRANT_FRAMES_DEFAULT	64
#define MAPTRACK_FRAMES_DEFAULT 1024
#define GRANT_FRAMES_MAX	32768 /* references have MAP_REF_BITS */
#define MAPTRACK_FRAMES_MAX	65536

/* How one entry is used right now. */
struct grant_active {
	struct frame *frame; /* referenced while there are pins */
	u16 readers, writers; /* pins: mappings and copies under way */
	domid_t grantee;
	bool writable; /* the frame is RAM that its owner may write */
};

#define PINS_MAX 0x7fff

struct grant_page {
	struct abi_grant_entry *shared;
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

/*
 * Pins entry ref of d for a domain: marks it in use and gives its frame, which stays while it is
 * pinned; for a mapping with a reference of its own. The caller has a reference to d. Returns
 * GNTST_okay or why not.
 */
enum grant_use { GRANT_COPY, GRANT_MAP };
s16 grant_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
	      struct frame **f);
void grant_unpin(struct domain *d, u32 ref, bool write);

/* Gives up everything that d has mapped; it never runs again. -XEN_ERESTART when preempted. */
int grant_unmap_all(struct domain *d);

static inline u32 grant_nr_entries(const struct grant_table *gt)
{
	return gt->nr_frames << ENTRIES_SHIFT;
}

static inline struct abi_grant_entry *grant_entry(const struct grant_table *gt, u32 ref)
{
	return &gt->pages[ref >> ENTRIES_SHIFT].shared[ref % ENTRIES];
}

static inline struct grant_active *grant_active(const struct grant_table *gt, u32 ref)
{
	return &gt->pages[ref >> ENTRIES_SHIFT].active[ref % ENTRIES];
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
