/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping and unmapping of grants. A mapping has a handle, its index in the mapper's table of
 * mappings. Its stage-2 entry holds a reference on the frame, the pin on the granter's entry
 * another one; an entry that the guest has replaced by something else keeps its pin until the
 * handle is given back.
 *
 * The device address of a mapping is the machine address: devices are not translated.
 * Lock order: one at a time; maptrack_lock, a granter's grant_lock and the p2m's are not nested.
 */
#include "grant_private.h"
#include "sharing.h"

/* --- handles --- */

static inline struct grant_map *map_at(const struct grant_table *gt, u32 handle)
{
	return &gt->maps[handle >> MAPS_SHIFT][handle % MAPS];
}

static inline u64 map_gfn(u64 word)
{
	return word & (BIT(MAP_GFN_BITS) - 1);
}

static inline u32 map_ref(u64 word)
{
	return (u32)(word >> MAP_GFN_BITS) & ((1U << MAP_REF_BITS) - 1);
}

/* Under maptrack_lock: room for more mappings. */
static bool maps_grow(struct grant_table *gt)
{
	u32 n = gt->nr_maps;
	struct grant_map *page;

	if (n >> MAPS_SHIFT == gt->max_map_frames)
		return false;
	if (!gt->maps)
		gt->maps = mem_alloc(gt->max_map_frames * sizeof(*gt->maps));
	page = gt->maps ? heap_alloc_page() : NULL;
	if (!page)
		return false;
	for (u32 i = 0; i < MAPS; i++)
		page[i].word = i + 1 < MAPS ? n + i + 1 : HANDLE_NONE;
	gt->maps[n >> MAPS_SHIFT] = page;
	gt->nr_maps = n + MAPS;
	gt->free_map = n;
	return true;
}

static u32 handle_get(struct grant_table *gt)
{
	u32 handle = HANDLE_NONE;

	lock_take(&gt->maptrack_lock);
	if (likely(gt->free_map != HANDLE_NONE) || maps_grow(gt)) {
		handle = gt->free_map;
		gt->free_map = (u32)map_at(gt, handle)->word;
		/* Nobody's: neither free nor used. */
		map_at(gt, handle)->word = 0;
	}
	lock_drop(&gt->maptrack_lock);
	return handle;
}

static void handle_free(struct grant_table *gt, u32 handle)
{
	struct grant_map *m = map_at(gt, handle);

	m->granter = NULL;
	m->word = gt->free_map;
	gt->free_map = handle;
}

static void handle_put(struct grant_table *gt, u32 handle)
{
	lock_take(&gt->maptrack_lock);
	handle_free(gt, handle);
	lock_drop(&gt->maptrack_lock);
}

/* --- mapping --- */

static s16 map_flags_check(u32 flags)
{
	if (!(flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	return (flags & ~GNTMAP_readonly) == GNTMAP_host_map ? GNTST_okay : GNTST_general_error;
}

/* Pins the grant and maps it at the address; undoes what it did when it fails. */
static s16 map_install(struct domain *ld, struct domain *rd, struct abi_gnttab_map *op)
{
	bool write = !(op->flags & GNTMAP_readonly);
	gfn_t g = gpa_to_gfn(op->host_addr);
	struct frame *f;
	s16 status = grant_pin(rd, op->ref, ld->id, write, GRANT_MAP, &f, NULL);

	if (status)
		return status;
	op->dev_bus_addr = mfn_to_paddr(frame_to_mfn(f));
	if (p2m_map(&ld->p2m, g, frame_to_mfn(f), 1, write ? P2M_GRANT_RW : P2M_GRANT_RO)) {
		frame_put(f);
		grant_unpin(rd, op->ref, write);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

static s16 map_one(struct domain *ld, struct abi_gnttab_map *op, struct domain **cached)
{
	s16 status = map_flags_check(op->flags);
	struct grant_map *m;
	struct domain *rd;
	u32 handle;

	if (status)
		return status;
	rd = granter_find(cached, op->dom);
	if (!rd)
		return GNTST_bad_domain;
	if (!domains_may_share(ld, rd))
		return GNTST_permission_denied;
	handle = handle_get(ld->grants);
	if (handle == HANDLE_NONE)
		return GNTST_no_space;
	status = map_install(ld, rd, op);
	if (status) {
		handle_put(ld->grants, handle);
		return status;
	}
	atomic_add_return(&rd->refs, 1);
	m = map_at(ld->grants, handle);
	m->granter = rd;
	store_release(&m->word, MAP_USED | (op->flags & GNTMAP_readonly ? MAP_READONLY : 0) |
					(u64)op->ref << MAP_GFN_BITS |
					gpa_to_gfn(op->host_addr).v);
	op->handle = handle;
	return GNTST_okay;
}

/* --- unmapping --- */

struct unmap_item {
	struct domain *granter;
	u64 word; /* of the grant_map; 0: nothing to remove */
	u32 handle;
};

/* Under maptrack_lock: keeps others off the handle and remembers what it stands for. */
static s16 unmap_claim(struct grant_table *gt, const struct abi_gnttab_unmap *op, bool replace,
		       struct unmap_item *it)
{
	struct grant_map *m;
	u64 word;

	it->word = 0;
	if (op->handle >= gt->nr_maps)
		return GNTST_bad_handle;
	m = map_at(gt, op->handle);
	word = load_acquire(&m->word);
	if ((word & (MAP_USED | MAP_BUSY)) != MAP_USED)
		return GNTST_bad_handle;
	if (replace && op->dev_bus_addr)
		return GNTST_general_error;
	if (!op->host_addr)
		return GNTST_okay;
	if (gpa_to_gfn(op->host_addr).v != map_gfn(word))
		return GNTST_general_error;
	m->word = word | MAP_BUSY;
	it->granter = m->granter;
	it->word = word;
	return GNTST_okay;
}

/* Each element gets its status; nothing that is not mapped any more stays reachable. */
static void unmap_some(struct domain *ld, struct abi_gnttab_unmap *ops, u32 n, bool replace)
{
	struct grant_table *gt = ld->grants;
	struct unmap_item it[GRANT_CHUNK];
	u64 gfns[GRANT_CHUNK];
	u32 nr = 0;

	lock_take(&gt->maptrack_lock);
	for (u32 i = 0; i < n; i++) {
		ops[i].status = unmap_claim(gt, &ops[i], replace, &it[nr]);
		if (it[nr].word) {
			gfns[nr] = map_gfn(it[nr].word);
			it[nr++].handle = ops[i].handle;
		}
	}
	lock_drop(&gt->maptrack_lock);
	if (!nr)
		return;
	p2m_unmap_grants(&ld->p2m, gfns, nr);
	for (u32 i = 0; i < nr; i++) {
		grant_unpin(it[i].granter, map_ref(it[i].word), !(it[i].word & MAP_READONLY));
		domain_put(it[i].granter);
	}
	lock_take(&gt->maptrack_lock);
	for (u32 i = 0; i < nr; i++)
		handle_free(gt, it[i].handle);
	lock_drop(&gt->maptrack_lock);
}

int grant_unmap_all(struct domain *d)
{
	struct grant_table *gt = d->grants;

	/* The stage-2 entries go with the stage-2 tables, their references too. */
	while (gt->map_destroyed < gt->nr_maps) {
		u32 handle = gt->map_destroyed++;
		struct grant_map *m = map_at(gt, handle);

		if (m->granter) {
			grant_unpin(m->granter, map_ref(m->word), !(m->word & MAP_READONLY));
			domain_put(m->granter);
			m->granter = NULL;
		}
		if (handle % 16 == 15 && hypercall_preempted())
			return -XEN_ERESTART;
	}
	for (u32 i = 0; i < gt->nr_maps >> MAPS_SHIFT; i++)
		heap_free(gt->maps[i], 0);
	mem_free(gt->maps);
	gt->maps = NULL;
	gt->nr_maps = 0;
	return 0;
}

/* --- the operations --- */

/* The guest cannot know these handles: their mappings go again. */
static void map_undo(struct domain *ld, const struct abi_gnttab_map *ops, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		/* Frame 0 too: an address of 0 would mean none. */
		struct abi_gnttab_unmap u = { .host_addr = ops[i].host_addr | 1,
					      .handle = ops[i].handle };

		if (!ops[i].status)
			unmap_some(ld, &u, 1, false);
	}
}

long grant_op_map(struct grant_call *c)
{
	struct domain *ld = current_domain(), *cached = NULL;
	struct abi_gnttab_map ops[GRANT_CHUNK];
	u32 n, i, written;
	long rc = 0;

	while (!rc && c->done < c->count) {
		n = grant_copy_in(c, ops, sizeof(ops[0]));
		for (i = 0; i < n && !(i && hypercall_preempted()); i++)
			ops[i].status = map_one(ld, &ops[i], &cached);
		written = i ? grant_copy_out(c, ops, i, sizeof(ops[0])) : 0;
		map_undo(ld, &ops[written], i - written);
		c->done += written;
		if (!n || written != i)
			rc = -XEN_EFAULT;
		else if (c->done < c->count && hypercall_preempted())
			rc = -XEN_ERESTART;
	}
	granter_forget(&cached);
	return rc;
}

static long unmap_array(struct grant_call *c, bool replace)
{
	struct abi_gnttab_unmap ops[GRANT_CHUNK];
	u32 n;

	while (c->done < c->count) {
		n = grant_copy_in(c, ops, sizeof(ops[0]));
		if (!n)
			return -XEN_EFAULT;
		unmap_some(current_domain(), ops, n, replace);
		if (grant_copy_out(c, ops, n, sizeof(ops[0])) != n)
			return -XEN_EFAULT;
		c->done += n;
		if (c->done < c->count && hypercall_preempted())
			return -XEN_ERESTART;
	}
	return 0;
}

long grant_op_unmap(struct grant_call *c)
{
	return unmap_array(c, false);
}

/* new_addr, where device addresses are in the plain form, must be 0: there are no ptes here. */
long grant_op_unmap_replace(struct grant_call *c)
{
	return unmap_array(c, true);
}
