/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 of a domain, above the architecture's tables.
 *
 * p->lock protects the tables. Entries for grants, foreign and shared frames hold one reference
 * each; it is dropped here when the architecture reports that the entry is gone from the TLBs too.
 * Lock order: p->lock, then what frame_put() takes.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/p2m.h>

#define DESTROY_BATCH 64	 /* steps of p2m_destroy(), or tables, between two looks for work */
#define DESTROY_RUN   256	 /* entries that one step removes */
#define GFN_END	      (1UL << 36) /* 48-bit guest physical addresses, unless the CPU has less */

int p2m_init(struct p2m *p, struct frame_owner *owner)
{
	*p = (struct p2m){ .owner = owner, .end = GFN_END };
	lock_init(&p->lock, RANK_P2M);
	return p2m_arch_init(p);
}

/* --- the pool of tables --- */

/* What a pool of so many pages keeps beside the tables in use. */
static s64 pool_spare(const struct p2m *p, u64 pages)
{
	return pages > p->tables ? (s64)(pages - p->tables) : 0;
}

/* Under p->lock. */
static bool pool_change(struct p2m *p, u64 pages)
{
	if (pages > ~0U || !frame_pool_change(pool_spare(p, pages) - pool_spare(p, p->pool)))
		return false;
	p->pool = (u32)pages;
	return true;
}

int p2m_set_pool(struct p2m *p, u64 pages)
{
	int rc = -XEN_ENOMEM;

	lock_take(&p->lock);
	if (p->closing)
		rc = -XEN_EINVAL;
	else if (pool_change(p, MAX(pages, (u64)p->tables)) && pages >= p->tables)
		rc = 0;
	lock_drop(&p->lock);
	return rc;
}

void *p2m_table_alloc(struct p2m *p)
{
	void *table;

	if (p->from_heap) {
		table = heap_alloc_page();
		p->heap_tables += table != NULL;
		return table;
	}
	if (p->tables >= p->pool)
		return NULL;
	p->tables++;
	return heap_alloc(0, FRAME_ZERO | FRAME_POOLED);
}

/* When the domain ends its pool is gone before the tables are. */
void p2m_table_free(struct p2m *p, void *table)
{
	if (p->from_heap) {
		p->heap_tables--;
		heap_free(table, 0);
	} else if (p->tables-- > p->pool) {
		heap_free(table, 0);
	} else {
		heap_free_pooled(table);
	}
}

/* --- entries --- */

/* Entries are gone. */
static void entries_gone(void *ctx, u64 m, u64 nr, u32 type)
{
	if (!p2m_type_referenced((enum p2m_type)type))
		return;
	for (u64 end = m + nr; m < end; m++) {
		struct frame *f = mfn_to_frame(mfn(m));

		if (type == P2M_SHARED)
			f->links = GFN_INVALID.v;
		frame_put(f);
	}
}

/* Under p->lock. */
static int entries_set(struct p2m *p, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
	if (unlikely(!nr || nr > p->end || g.v > p->end - nr))
		return -XEN_EINVAL;
	/* What comes behind the walk of p2m_destroy() would never go. */
	if (unlikely(p->closing && t != P2M_INVALID))
		return -XEN_EINVAL;
	if (t != P2M_INVALID)
		p->max_gfn = MAX(p->max_gfn, g.v + nr - 1);
	return p2m_arch_set(p, g.v, m.v, nr, t, entries_gone, NULL);
}

int p2m_map(struct p2m *p, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
	int rc;

	lock_take(&p->lock);
	rc = entries_set(p, g, m, nr, t);
	lock_drop(&p->lock);
	return rc;
}

u32 p2m_map_pages(struct p2m *p, const u64 *gfns, const u64 *mfns, u32 nr, enum p2m_type t)
{
	u32 i;

	lock_take(&p->lock);
	for (i = 0; i < nr && !entries_set(p, gfn(gfns[i]), mfn(mfns[i]), 1, t); i++)
		;
	lock_drop(&p->lock);
	return i;
}

int p2m_unmap_type(struct p2m *p, gfn_t g, u32 types)
{
	u32 type = P2M_INVALID;
	u64 left;
	int rc = -XEN_ENOENT;

	lock_take(&p->lock);
	if (likely(g.v < p->end))
		p2m_arch_get(p, g.v, &type, &left);
	if (BIT(type) & types)
		rc = entries_set(p, g, MFN_INVALID, 1, P2M_INVALID);
	lock_drop(&p->lock);
	return rc;
}

int p2m_unmap(struct p2m *p, gfn_t g, u64 nr)
{
	return nr ? p2m_map(p, g, MFN_INVALID, nr, P2M_INVALID) : 0;
}

void p2m_unmap_grants(struct p2m *p, const u64 *gfns, u32 nr)
{
	ASSERT(nr <= P2M_LIST_MAX);
	lock_take(&p->lock);
	p2m_arch_clear_pages(p, gfns, nr, BIT(P2M_GRANT_RW) | BIT(P2M_GRANT_RO), false,
			     entries_gone, NULL);
	lock_drop(&p->lock);
}

int p2m_map_shared(struct p2m *p, gfn_t g, mfn_t m)
{
	struct frame *f = mfn_to_frame(m);
	int rc = -XEN_EBUSY;

	if (!frame_get_shared(f, p->owner))
		return -XEN_EINVAL;
	lock_take(&p->lock);
	if (f->links == GFN_INVALID.v) {
		rc = entries_set(p, g, m, 1, P2M_SHARED);
		if (!rc)
			f->links = g.v;
	}
	lock_drop(&p->lock);
	if (rc)
		frame_put(f);
	return rc;
}

/* RAM that was unmapped, in rows: the one that is not given up yet. */
struct ram_row {
	struct frame_owner *owner;
	u64 mfn, nr;
};

static void row_end(struct ram_row *r)
{
	struct frame *f = mfn_to_frame(mfn(r->mfn));

	if (r->nr && f)
		frame_release_range(r->owner, f, r->nr);
	r->nr = 0;
}

static void ram_gone(void *ctx, u64 m, u64 nr, u32 type)
{
	struct ram_row *r = ctx;

	if (m != r->mfn + r->nr)
		row_end(r);
	if (!r->nr)
		r->mfn = m;
	r->nr += nr;
}

static void ram_kept(void *ctx, u64 m, u64 nr, u32 type)
{
}

/* Under p->lock: how many frames of [g, g + nr) are RAM, in one entry or P2M_TAKE_MAX. */
static u64 ram_length(struct p2m *p, u64 g, u64 nr)
{
	u64 n = 0, left;
	u32 type;

	while (n < nr && g + n < p->end) {
		p2m_arch_get(p, g + n, &type, &left);
		if (!p2m_type_ram((enum p2m_type)type))
			break;
		if (left < nr)
			nr = MIN(nr, (u64)P2M_TAKE_MAX);
		n += left;
	}
	return MIN(n, nr);
}

long p2m_take_ram(struct p2m *p, gfn_t g, u64 nr, bool keep)
{
	struct ram_row row = { .owner = p->owner };
	long rc = 0;

	lock_take(&p->lock);
	nr = ram_length(p, g.v, nr);
	if (likely(nr))
		rc = p2m_arch_set(p, g.v, 0, nr, P2M_INVALID, keep ? ram_kept : ram_gone, &row);
	lock_drop(&p->lock);
	row_end(&row);
	return rc ? rc : (long)nr;
}

u32 p2m_take_pages(struct p2m *p, const u64 *gfns, u32 nr, bool keep)
{
	struct ram_row row = { .owner = p->owner };
	u32 n;

	ASSERT(nr <= P2M_LIST_MAX);
	lock_take(&p->lock);
	for (n = 0; n < nr && gfns[n] < p->end; n++)
		;
	if (likely(n))
		n = p2m_arch_clear_pages(p, gfns, n, BIT(P2M_RAM_RW) | BIT(P2M_RAM_RO), true,
					 keep ? ram_kept : ram_gone, &row);
	lock_drop(&p->lock);
	row_end(&row);
	return n;
}

mfn_t p2m_lookup(struct p2m *p, gfn_t g, enum p2m_type *t)
{
	u32 type = P2M_INVALID;
	u64 m = ~0UL, left;

	lock_take(&p->lock);
	if (likely(g.v < p->end))
		m = p2m_arch_get(p, g.v, &type, &left);
	lock_drop(&p->lock);
	if (t)
		*t = (enum p2m_type)type;
	return type == P2M_INVALID ? MFN_INVALID : mfn(m);
}

struct frame *p2m_get_frame(struct p2m *p, gfn_t g, bool write, enum p2m_type *t)
{
	enum p2m_type type;
	mfn_t m = p2m_lookup(p, g, &type);
	struct frame *f;

	if (t)
		*t = type;
	if (!p2m_type_ram(type) && type != P2M_SHARED)
		return NULL;
	if (write && !p2m_type_writable(type))
		return NULL;
	f = mfn_to_frame(m);
	/*
	 * The entry may be gone by now, the frame with it: only one that still is this domain's
	 * counts, as if the look-up had come later or earlier.
	 */
	if (!f || !(type == P2M_SHARED ? frame_get_shared(f, p->owner) : frame_get(f, p->owner)))
		return NULL;
	return f;
}

/* Removes what holds a reference at or after *g, as far as one entry of the tables goes. */
static int destroy_step(struct p2m *p, u64 *g)
{
	u64 left = 1;
	u32 type;
	int rc = 0;

	p2m_arch_get(p, *g, &type, &left);
	if (p2m_type_referenced((enum p2m_type)type)) {
		left = MIN(left, (u64)DESTROY_RUN);
		rc = p2m_arch_set(p, *g, 0, left, P2M_INVALID, entries_gone, NULL);
	}
	/* What could not be removed is tried again. */
	if (!rc)
		*g += left;
	return rc;
}

static int entries_destroy(struct p2m *p)
{
	unsigned int n = 0;
	int rc = 0;

	/* RAM stays mapped: nothing runs on these tables, and its owner gives it up by its list. */
	lock_take(&p->lock);
	p->closing = true;
	while (!rc && p->destroy_next <= p->max_gfn) {
		if (n++ % DESTROY_BATCH == DESTROY_BATCH - 1 && cpu_arch_work_pending()) {
			rc = -XEN_ERESTART;
			break;
		}
		rc = destroy_step(p, &p->destroy_next);
	}
	if (!rc) {
		p->end = 0; /* from now on the tables are not looked at */
		pool_change(p, 0);
	}
	lock_drop(&p->lock);
	return rc;
}

int p2m_destroy(struct p2m *p)
{
	int rc = p->end ? entries_destroy(p) : 0;

	while (!rc && !p2m_arch_destroy(p, DESTROY_BATCH))
		if (cpu_arch_work_pending())
			rc = -XEN_ERESTART;
	return rc;
}
