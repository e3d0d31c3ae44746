/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant tables (Xen 4.17 public/grant_table.h): the table itself, grant_table_op, and the
 * operations that neither map nor copy. What only version 2 has is in grant_v2.c.
 *
 * A table begins with one page and grows by whole pages up to its limit; it never shrinks until
 * the domain goes.
 * Lock order: see grant_private.h.
 */
#include "grant_private.h"
#include <serai/printk.h>

#define LIST_CHUNK 16 /* frame numbers written to the guest at once */

/* --- growing --- */

static void page_free(struct grant_page *p)
{
	if (p->active)
		heap_free(p->active, ACTIVE_ORDER);
	if (p->shared)
		heap_free(p->shared, 0);
}

/* Adds frame idx, unless somebody else just did. */
static int frame_add(struct domain *d, u32 idx)
{
	struct grant_page p = { heap_alloc_page(), heap_alloc(ACTIVE_ORDER, FRAME_ZERO) };
	struct grant_table *gt;

	if (!p.shared || !p.active) {
		page_free(&p);
		return -XEN_ENOMEM;
	}
	lock_take(&d->grant_lock);
	gt = d->grants;
	if (gt && gt->nr_frames == idx && idx < gt->max_frames) {
		frame_share(&d->frames, p.shared);
		gt->pages[idx] = p;
		gt->nr_frames++;
		p = (struct grant_page){ 0 };
	}
	lock_drop(&d->grant_lock);
	page_free(&p);
	return 0;
}

/* The table gets at least nr frames. */
static int table_grow(struct domain *d, u32 nr)
{
	u32 have, max;
	int rc = 0;

	for (u32 added = 0; !rc; added++) {
		lock_take(&d->grant_lock);
		have = d->grants ? d->grants->nr_frames : 0;
		max = d->grants ? d->grants->max_frames : 0;
		lock_drop(&d->grant_lock);
		if (nr > max)
			return -XEN_EINVAL;
		if (have >= nr)
			return grant_v2_grow(d);
		if (added && hypercall_preempted())
			return -XEN_ERESTART;
		rc = frame_add(d, have);
	}
	return rc;
}

/* The page, which others may only look at under d->grant_lock; NULL: there is none. */
static void *table_page(const struct domain *d, u32 idx, bool status)
{
	const struct grant_table *gt = d->grants;

	if (!gt || idx >= (status ? gt->nr_status : gt->nr_frames) || (status && gt->version == 1))
		return NULL;
	return status ? (void *)gt->status[idx] : gt->pages[idx].shared;
}

/* It is of version 2. */
static bool grant_has_status(struct domain *d)
{
	bool has;

	lock_take(&d->grant_lock);
	has = d->grants && d->grants->version != 1;
	lock_drop(&d->grant_lock);
	return has;
}

int grant_map_frame(struct domain *d, u32 idx, bool status, mfn_t *m)
{
	u32 frames = status ? idx * 8 + 1 : idx + 1;
	void *page;
	int rc;

	if (idx > GRANT_FRAMES_MAX || (status && !grant_has_status(d)))
		return -XEN_EINVAL;
	rc = table_grow(d, frames);
	if (rc)
		return rc;
	lock_take(&d->grant_lock);
	page = table_page(d, idx, status);
	lock_drop(&d->grant_lock);
	if (!page)
		return -XEN_EINVAL;
	*m = virt_to_mfn(page);
	return 0;
}

/* --- operations --- */

/* The error of domain_get_target() as a grant status. */
static s16 target_status(int rc)
{
	return rc == -XEN_EPERM ? GNTST_permission_denied : GNTST_bad_domain;
}

/* Where the domain has frame idx of its table in its address space; all ones: nowhere. */
static u64 table_gfn(struct domain *d, u32 idx, bool status)
{
	u64 g = GFN_INVALID.v;
	void *page;

	lock_take(&d->grant_lock);
	page = table_page(d, idx, status);
	if (page)
		g = mfn_to_frame(virt_to_mfn(page))->links;
	lock_drop(&d->grant_lock);
	return g;
}

static s16 frame_list_write(struct domain *d, u64 to, u32 nr, bool status)
{
	u64 list[LIST_CHUNK];
	u32 n;

	for (u32 i = 0; i < nr; i += n) {
		for (n = 0; n < LIST_CHUNK && i + n < nr; n++)
			list[n] = table_gfn(d, i + n, status);
		if (copy_array_to_guest(to, i, list, n))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static long op_setup_table(struct grant_call *c)
{
	struct abi_gnttab_setup_table op;
	struct domain *d;
	int rc;

	if (c->count != 1)
		return -XEN_EINVAL;
	if (copy_from_guest(&op, c->uop))
		return -XEN_EFAULT;
	rc = domain_get_target(op.dom, &d);
	if (rc) {
		op.status = target_status(rc);
	} else {
		rc = table_grow(d, op.nr_frames);
		op.status = rc ? GNTST_general_error :
				 frame_list_write(d, op.frame_list, op.nr_frames, false);
		domain_put(d);
		if (rc == -XEN_ERESTART)
			return rc;
	}
	return copy_to_guest(c->uop, &op) ? -XEN_EFAULT : 0;
}

static long op_query_size(struct grant_call *c)
{
	struct abi_gnttab_query_size op;
	struct domain *d;
	int rc;

	if (c->count != 1)
		return -XEN_EINVAL;
	if (copy_from_guest(&op, c->uop))
		return -XEN_EFAULT;
	rc = domain_get_target(op.dom, &d);
	op.status = rc ? target_status(rc) : GNTST_okay;
	if (!rc) {
		lock_take(&d->grant_lock);
		op.nr_frames = d->grants ? d->grants->nr_frames : 0;
		op.max_nr_frames = d->grants ? d->grants->max_frames : 0;
		lock_drop(&d->grant_lock);
		domain_put(d);
	}
	return copy_to_guest(c->uop, &op) ? -XEN_EFAULT : 0;
}

static u32 version_of(struct domain *d)
{
	u32 version;

	lock_take(&d->grant_lock);
	version = d->grants ? d->grants->version : 1;
	lock_drop(&d->grant_lock);
	return version;
}

/* The answer always names the version in force, also where the wish is refused. */
static long op_set_version(struct grant_call *c)
{
	struct abi_gnttab_set_version op;
	struct domain *d = current_domain();
	long rc = -XEN_EINVAL;

	if (copy_from_guest(&op, c->uop))
		return -XEN_EFAULT;
	if (op.version == 1 || op.version == 2)
		rc = op.version > d->grants->max_version ? -XEN_ENOSYS :
							   grant_version_set(d, op.version);
	if (rc == -XEN_ERESTART)
		return rc;
	op.version = version_of(d);
	return copy_to_guest(c->uop, &op) ? -XEN_EFAULT : rc;
}

static long op_get_version(struct grant_call *c)
{
	struct abi_gnttab_get_version op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, c->uop))
		return -XEN_EFAULT;
	rc = domain_get_target(op.dom, &d);
	if (rc)
		return rc;
	op.version = version_of(d);
	domain_put(d);
	return copy_to_guest(c->uop, &op) ? -XEN_EFAULT : 0;
}

/* Status frames come with the others; version 1 has none. */
static u32 nr_status_frames(struct domain *d)
{
	u32 nr;

	lock_take(&d->grant_lock);
	nr = d->grants && d->grants->version != 1 ? d->grants->nr_status : 0;
	lock_drop(&d->grant_lock);
	return nr;
}

static long op_get_status_frames(struct grant_call *c)
{
	struct abi_gnttab_get_status_frames op;
	struct domain *d;
	int rc;

	if (c->count != 1)
		return -XEN_EINVAL;
	if (copy_from_guest(&op, c->uop))
		return -XEN_EFAULT;
	rc = domain_get_target(op.dom, &d);
	if (rc) {
		op.status = target_status(rc);
	} else {
		op.status = op.nr_frames > nr_status_frames(d) ?
				    GNTST_general_error :
				    frame_list_write(d, op.frame_list, op.nr_frames, true);
		domain_put(d);
	}
	return copy_to_guest(c->uop, &op) ? -XEN_EFAULT : 0;
}

static void words_swap(u64 *a, u64 *b, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		u64 tmp = READ_ONCE(a[i]);

		WRITE_ONCE(a[i], READ_ONCE(b[i]));
		WRITE_ONCE(b[i], tmp);
	}
}

static bool entry_pinned(const struct grant_table *gt, u32 ref)
{
	const struct grant_active *a = grant_active(gt, ref);

	return a->readers | a->writers;
}

static s16 entries_swap(struct domain *d, u32 a, u32 b)
{
	struct grant_table *gt = d->grants;
	s16 status = GNTST_bad_gntref;

	lock_take(&d->grant_lock);
	if (a < grant_nr_entries(gt) && b < grant_nr_entries(gt))
		status = entry_pinned(gt, a) || entry_pinned(gt, b) ? GNTST_eagain : GNTST_okay;
	if (!status)
		words_swap(grant_entry(gt, a), grant_entry(gt, b), gt->version);
	lock_drop(&d->grant_lock);
	return status;
}

static long op_swap_grant_ref(struct grant_call *c)
{
	struct abi_gnttab_swap op;

	while (c->done < c->count) {
		if (copy_array_from_guest(&op, c->uop, c->done, 1))
			return -XEN_EFAULT;
		op.status = entries_swap(current_domain(), op.ref_a, op.ref_b);
		if (copy_array_to_guest(c->uop, c->done, &op, 1))
			return -XEN_EFAULT;
		c->done++;
		if (c->done < c->count && hypercall_preempted())
			return -XEN_ERESTART;
	}
	return 0;
}

/* Pages change hands by other means where guests do not manage machine addresses. */
static long op_transfer(struct grant_call *c)
{
	return -XEN_EOPNOTSUPP;
}

/* --- the hypercall --- */

__cold_path u32 grant_copy_in_one(const struct grant_call *c, void *ops, u32 size)
{
	return copy_from_guest_raw(ops, c->uop + (u64)c->done * size, size) ? 0 : 1;
}

__cold_path u32 grant_copy_out_each(const struct grant_call *c, const void *ops, u32 n, u32 size)
{
	u64 at = c->uop + (u64)c->done * size;
	u32 i;

	for (i = 0; i < n; i++)
		if (copy_to_guest_raw(at + (u64)i * size, (const char *)ops + i * size, size))
			break;
	return i;
}

#define CMD_BITS 12 /* above: how far cache_flush had looked when it was preempted */

static const struct {
	grant_op_fn *fn;
	u32 size;
} grant_ops[] = {
	[GNTTABOP_map_grant_ref] = { grant_op_map, sizeof(struct abi_gnttab_map) },
	[GNTTABOP_unmap_grant_ref] = { grant_op_unmap, sizeof(struct abi_gnttab_unmap) },
	[GNTTABOP_setup_table] = { op_setup_table, 0 },
	[GNTTABOP_transfer] = { op_transfer, 0 },
	[GNTTABOP_copy] = { grant_op_copy, sizeof(struct abi_gnttab_copy) },
	[GNTTABOP_query_size] = { op_query_size, 0 },
	[GNTTABOP_unmap_and_replace] = { grant_op_unmap_replace,
					 sizeof(struct abi_gnttab_unmap_replace) },
	[GNTTABOP_set_version] = { op_set_version, 0 },
	[GNTTABOP_get_status_frames] = { op_get_status_frames, 0 },
	[GNTTABOP_get_version] = { op_get_version, 0 },
	[GNTTABOP_swap_grant_ref] = { op_swap_grant_ref, sizeof(struct abi_gnttab_swap) },
	[GNTTABOP_cache_flush] = { grant_op_cache_flush, sizeof(struct abi_gnttab_cache_flush) },
};

long do_grant_table_op(u64 *arg)
{
	u32 cmd = (u32)arg[0] & ((1U << CMD_BITS) - 1);
	struct grant_call c = { .uop = arg[1],
				.count = (u32)arg[2],
				.ref = (u32)arg[0] >> CMD_BITS };
	long rc;

	if (unlikely((s32)c.count < 0 || (c.ref && cmd != GNTTABOP_cache_flush)))
		return -XEN_EINVAL;
	if (unlikely(cmd >= ARRAY_SIZE(grant_ops) || !grant_ops[cmd].fn))
		return -XEN_ENOSYS;
	rc = grant_ops[cmd].fn(&c);
	if (unlikely(rc == -XEN_ERESTART)) {
		arg[0] = cmd | c.ref << CMD_BITS;
		arg[1] += (u64)c.done * grant_ops[cmd].size;
		arg[2] = c.count - c.done;
	}
	return rc;
}

/* --- life cycle --- */

static u32 limit_or_default(u32 limit, u32 standard, u32 most)
{
	return limit == ~0U ? standard : MIN(limit, most);
}

static void table_free(struct grant_table *gt)
{
	mem_free(gt->status);
	mem_free(gt->pages);
	mem_free(gt);
}

int grant_domain_create(struct domain *d, const struct domain_config *cfg)
{
	struct grant_table *gt = mem_alloc(sizeof(*gt));
	int rc;

	lock_init(&d->grant_lock, RANK_GRANT);
	if (!gt)
		return -XEN_ENOMEM;
	d->max_grant_frames = limit_or_default(cfg->max_grant_frames, GRANT_FRAMES_DEFAULT,
					       GRANT_FRAMES_MAX);
	d->max_maptrack_frames = limit_or_default(cfg->max_maptrack_frames,
						  MAPTRACK_FRAMES_DEFAULT, MAPTRACK_FRAMES_MAX);
	gt->max_frames = d->max_grant_frames;
	gt->max_map_frames = d->max_maptrack_frames;
	gt->free_map = ~0U;
	gt->version = 1;
	gt->entries_shift = ENTRIES_SHIFT_V1;
	gt->max_version = (u8)MAX(cfg->max_grant_version, 1U);
	lock_init(&gt->maptrack_lock, RANK_MAPTRACK);
	gt->pages = mem_alloc(MAX(gt->max_frames, 1U) * sizeof(*gt->pages));
	d->max_status_frames = gt->max_version > 1 ? STATUS_FRAMES(gt->max_frames) : 0;
	if (d->max_status_frames)
		gt->status = mem_alloc(d->max_status_frames * sizeof(*gt->status));
	d->grants = gt;
	rc = !gt->pages || (d->max_status_frames && !gt->status) ? -XEN_ENOMEM :
	     gt->max_frames ? frame_add(d, 0) : 0;
	if (rc) {
		d->grants = NULL;
		table_free(gt);
	}
	return rc;
}

/* The last page of the table: what others have pinned there stays theirs, but not tracked. */
static void page_destroy(struct domain *d)
{
	struct grant_table *gt = d->grants;
	u16 *status = NULL;
	struct grant_page p;

	lock_take(&d->grant_lock);
	p = gt->pages[--gt->nr_frames];
	if (STATUS_FRAMES(gt->nr_frames) < gt->nr_status)
		status = gt->status[--gt->nr_status];
	lock_drop(&d->grant_lock);
	if (status)
		frame_unshare(status);
	for (u32 i = 0; i < ENTRIES; i++)
		if (p.active[i].frame)
			frame_put(p.active[i].frame);
	frame_unshare(p.shared);
	heap_free(p.active, ACTIVE_ORDER);
}

int grant_domain_destroy(struct domain *d)
{
	struct grant_table *gt = d->grants;
	int rc;

	if (!gt)
		return 0;
	rc = grant_unmap_all(d);
	if (rc)
		return rc;
	while (gt->nr_frames) {
		page_destroy(d);
		if (hypercall_preempted())
			return -XEN_ERESTART;
	}
	lock_take(&d->grant_lock);
	d->grants = NULL;
	lock_drop(&d->grant_lock);
	table_free(gt);
	return 0;
}

#define DUMP_CHUNK 16  /* grants that are printed once the lock was dropped */
#define DUMP_MAX   256 /* of one domain */

struct grant_state {
	u32 ref;
	u64 mfn;
	domid_t grantee;
	u16 readers, writers;
};

/* Grants in use from *ref on, which moves; how many there are in s. */
static u32 grants_collect(struct domain *d, struct grant_state *s, u32 *ref)
{
	u32 n = 0;

	lock_take(&d->grant_lock);
	for (; d->grants && *ref < grant_nr_entries(d->grants) && n < DUMP_CHUNK; ++*ref) {
		const struct grant_active *a = grant_active(d->grants, *ref);

		if (a->frame)
			s[n++] = (struct grant_state){ *ref, frame_to_mfn(a->frame).v, a->grantee,
						       a->readers, a->writers };
	}
	lock_drop(&d->grant_lock);
	return n;
}

void grant_domain_dump(struct domain *d)
{
	u32 frames = 0, pinned = 0, maps = 0, version = 0, ref = 0, shown = 0, n;
	struct grant_state s[DUMP_CHUNK];

	lock_take(&d->grant_lock);
	if (d->grants) {
		frames = d->grants->nr_frames;
		pinned = d->grants->nr_pinned;
		maps = d->grants->nr_maps;
		version = d->grants->version;
	}
	lock_drop(&d->grant_lock);
	pr_info("d%u: grant table of version %u, %u frames of %u; %u entries in use by others; "
		"room for %u mappings\n", d->id, version, frames, d->max_grant_frames, pinned, maps);
	while (shown < MIN(pinned, (u32)DUMP_MAX) && (n = grants_collect(d, s, &ref)) != 0) {
		for (u32 i = 0; i < n; i++)
			pr_info("  %4u: d%u has frame %#lx, %u reading, %u writing\n", s[i].ref,
				s[i].grantee, s[i].mfn, s[i].readers, s[i].writers);
		shown += n;
	}
	if (shown < pinned)
		pr_info("  ... and %u more\n", pinned - shown);
}
