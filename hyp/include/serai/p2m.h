/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest physical to machine: one domain's stage-2 translation. The tables are the architecture's
 * (p2m_arch_*); this is what the rest may ask of them.
 *
 * Entries that name frames of another domain (grant, foreign) hold a reference on the frame: the
 * caller of p2m_map() takes it before, whoever replaces or removes the entry drops it (p2m_unmap
 * does both for the caller). Those of shared pages hold one, too; p2m_map_shared() takes it.
 */
#ifndef SERAI_P2M_H
#define SERAI_P2M_H

#include <arch/p2m.h> /* struct p2m_arch */
#include <serai/lock.h>
#include <serai/types.h>

enum p2m_type {
	P2M_INVALID,
	P2M_RAM_RW,
	P2M_RAM_RO,
	P2M_MMIO_DEV,	/* Device-nGnRE, no execution */
	P2M_MMIO_NC,	/* Normal non-cacheable */
	P2M_MMIO_CACHED, /* Normal write-back */
	P2M_GRANT_RW,
	P2M_GRANT_RO,
	P2M_FOREIGN_RW,
	P2M_FOREIGN_RO,
	P2M_SHARED, /* the hypervisor's page: shared_info, grant frames; read-write */
};

struct p2m {
	struct lock lock;
	struct frame_owner *owner;
	u64 end;     /* gfns below may be mapped; p2m_arch_init() may lower it; 0: no entries left */
	u64 max_gfn; /* highest gfn ever mapped */
	u32 pool;   /* pages for tables beside the root; those not in use are kept for it */
	u32 tables; /* of the pool, in use */
	u32 heap_tables; /* in use that are not of the pool */
	bool from_heap; /* its tables come from free memory, whatever the pool is */
	bool closing; /* p2m_destroy() was called: nothing is mapped any more */
	u64 destroy_next; /* how far p2m_destroy() got */
	struct p2m_arch arch;
};

int p2m_init(struct p2m *p, struct frame_owner *owner);
/*
 * Drops all references that entries hold, then the tables. -ERESTART when preempted; what is
 * destroyed already, or zeroed and never made, is fine. No vcpu may run on them any more. The domain's own frames are given up by frame_release_all().
 */
int p2m_destroy(struct p2m *p);

/*
 * Sets so many pages aside for its tables, from now on. -XEN_ENOMEM: not so many are free, and nothing
 * is changed; or more are in use, and just those stay. -XEN_EINVAL: it is being destroyed.
 */
int p2m_set_pool(struct p2m *p, u64 pages);
/* For the architecture: a table of zeroes, NULL when the pool is used up; and back. */
void *p2m_table_alloc(struct p2m *p);
void p2m_table_free(struct p2m *p, void *table);

/*
 * Maps nr frames, with the largest blocks that alignment allows. Replaces what is there (dropping
 * its references). -ENOMEM: nothing of [gfn, gfn + nr) is promised. p->lock not held by the caller.
 */
int p2m_map(struct p2m *p, gfn_t g, mfn_t m, u64 nr, enum p2m_type t);
/* Maps pages that need not be neighbours; how many, before the first that cannot be. */
u32 p2m_map_pages(struct p2m *p, const u64 *gfns, const u64 *mfns, u32 nr, enum p2m_type t);
/* Removes the entry of one page when its type is one of BIT(type) | ...; -ENOENT. */
int p2m_unmap_type(struct p2m *p, gfn_t g, u32 types);
/* Removes nr entries and drops foreign and grant references. Holes are fine. */
int p2m_unmap(struct p2m *p, gfn_t g, u64 nr);
/*
 * Removes what is mapped by grants at these places, at most P2M_LIST_MAX, and leaves what is not.
 * The TLBs are told once.
 */
#define P2M_LIST_MAX 16
void p2m_unmap_grants(struct p2m *p, const u64 *gfns, u32 nr);
/*
 * Maps a shared page of the owner (frame_share()). -EBUSY while it is mapped anywhere, -EINVAL when
 * it is none any more.
 */
int p2m_map_shared(struct p2m *p, gfn_t g, mfn_t m);
/*
 * Removes what is RAM of [g, g + nr) before the first that is not, at most P2M_TAKE_MAX unless one
 * block covers all, and gives the frames up unless they are to be kept. How many, or -ENOMEM.
 */
#define P2M_TAKE_MAX 64
long p2m_take_ram(struct p2m *p, gfn_t g, u64 nr, bool keep);
/*
 * The same for single pages that need not be neighbours, at most P2M_LIST_MAX: how many, before the
 * first that is no RAM, or lies in a block. The TLBs are told once.
 */
u32 p2m_take_pages(struct p2m *p, const u64 *gfns, u32 nr, bool keep);
/* What g maps to; *t may be NULL. MFN_INVALID and P2M_INVALID for a hole. */
mfn_t p2m_lookup(struct p2m *p, gfn_t g, enum p2m_type *t);
/*
 * The frame behind g with a reference, or NULL: the domain's own RAM or a shared page only, and
 * writable when write.
 */
struct frame *p2m_get_frame(struct p2m *p, gfn_t g, bool write, enum p2m_type *t);

static inline bool p2m_type_writable(enum p2m_type t)
{
	return t == P2M_RAM_RW || t == P2M_GRANT_RW || t == P2M_FOREIGN_RW || t == P2M_SHARED;
}

static inline bool p2m_type_ram(enum p2m_type t)
{
	return t == P2M_RAM_RW || t == P2M_RAM_RO;
}

/*
 * Types whose entry is known elsewhere, so that p2m_arch_set() must report its going: it holds a
 * reference on a frame, or the shared page's record says where it is mapped.
 */
static inline bool p2m_type_referenced(enum p2m_type t)
{
	return t >= P2M_GRANT_RW;
}

#endif
