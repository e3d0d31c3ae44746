/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c hyp/mm/p2m.c hyp/mm/frame.c hyp/mm/heap.c */
/* memory_op: adding to and removing from the physmap, one by one and in batches; resources. */
#include "world.h"

#include <abi/memory.h>

#define NOBODY	     0x7000
#define GRANT_FRAMES 4

/* A stand-in for the grant table: four pages per domain, made on demand. */
static void *grant_pages[WORLD_DOMAINS][GRANT_FRAMES];
static unsigned int grant_preempt; /* so many calls end preempted */

static int grant_frame(struct domain *d, u32 idx, bool status, mfn_t *m)
{
	void **p;

	if (status || idx >= GRANT_FRAMES)
		return -XEN_EINVAL;
	if (grant_preempt) {
		grant_preempt--;
		return -XEN_ERESTART;
	}
	p = &grant_pages[d->id][idx];
	if (!*p) {
		*p = heap_alloc_page();
		frame_share(&d->frames, *p);
	}
	*m = virt_to_mfn(*p);
	return 0;
}

struct domain_actions domain_actions = { .grant_frame = grant_frame };

static struct domain *dom0, *domu, *other;

/* Stand-ins for trace buffers: page 1 of domain 2 is one, page 2 what describes them. */
struct frame *trace_page_get(u64 m, bool *writable)
{
	*writable = m == 1;
	return m == 1 || m == 2 ? p2m_get_frame(&other->p2m, gfn(m), false, NULL) : NULL;
}

static int setup(void **state)
{
	world_init();
	memset(grant_pages, 0, sizeof(grant_pages));
	grant_preempt = 0;
	dom0 = &world[0];
	domu = &world[1];
	other = &world[2];
	return 0;
}

static int balanced(void **state)
{
	assert_int_equal(world_refs, 0);
	return 0;
}

static long call(u64 cmd, u64 handle)
{
	u64 arg[5] = { cmd, handle };

	return do_memory_op(arg);
}

static long call_on(u64 cmd, u64 handle, unsigned int *restarts)
{
	u64 arg[5] = { cmd, handle };
	long rc;

	*restarts = 0;
	while ((rc = do_memory_op(arg)) == -XEN_ERESTART)
		++*restarts;
	return rc;
}

static long add(domid_t id, u32 space, u64 idx, u64 g)
{
	struct abi_add_to_physmap a = { .domid = id, .space = space, .idx = idx, .gpfn = g };

	return call(XENMEM_add_to_physmap, host_guest_put(&a, sizeof(a)));
}

static long take_away(domid_t id, u64 g)
{
	struct abi_remove_from_physmap r = { .domid = id, .gpfn = g };

	return call(XENMEM_remove_from_physmap, host_guest_put(&r, sizeof(r)));
}

static enum p2m_type type_at(struct domain *d, u64 g)
{
	enum p2m_type t;

	p2m_lookup(&d->p2m, gfn(g), &t);
	return t;
}

/* The checks memory.atp_* and memory.remove_* of XEN-4.17-REFERENCE.md. */
static void shared_info(void **state)
{
	world_enter(1);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x50), -XEN_EINVAL);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50), 0);
	assert_int_equal(type_at(domu, 0x50), P2M_SHARED);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x51), -XEN_EBUSY);
	assert_int_equal(take_away(DOMID_SELF, 0x50), 0);
	assert_int_equal(type_at(domu, 0x50), P2M_INVALID);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x51), 0);
	assert_int_equal(take_away(DOMID_SELF, 0x51), 0);
	assert_int_equal(take_away(DOMID_SELF, 0x51), -XEN_ENOENT);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50), 0);
}

/* Its end is under way: the page is gone already. */
static void shared_info_when_dying(void **state)
{
	void *page = domu->shared_info;

	domu->dying = true;
	domu->shared_info = NULL;
	assert_int_equal(add(1, XENMAPSPACE_shared_info, 0, 0x50), -XEN_EINVAL);
	assert_int_equal(type_at(domu, 0x50), P2M_INVALID);
	domu->shared_info = page;
}

static void grant_frames(void **state)
{
	world_enter(1);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x60), 0);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x61), -XEN_EBUSY);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 3, 0x61), 0);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 4, 0x62), -XEN_EINVAL);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status,
			     0x62),
			 -XEN_EINVAL);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 1UL << 32, 0x62), -XEN_EINVAL);
	assert_int_equal(mfn_to_frame(virt_to_mfn(grant_pages[1][3]))->links, 0x61);
}

static void grant_table_grows_preemptibly(void **state)
{
	struct abi_add_to_physmap a = { .domid = DOMID_SELF,
					.space = XENMAPSPACE_grant_table,
					.gpfn = 0x60 };
	unsigned int restarts;

	grant_preempt = 3;
	assert_int_equal(call_on(XENMEM_add_to_physmap, host_guest_put(&a, sizeof(a)), &restarts),
			 0);
	assert_int_equal(restarts, 3);
}

static void refused_additions(void **state)
{
	struct abi_add_to_physmap a = { .domid = DOMID_SELF };
	u64 h = host_guest_put(&a, sizeof(a));

	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn, 0, 0x70), -XEN_ENOSYS);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn_range, 0, 0x70), -XEN_ENOSYS);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0x70), -XEN_ENOSYS);
	assert_int_equal(add(DOMID_SELF, 6, 0, 0x70), -XEN_ENOSYS);
	assert_int_equal(add(DOMID_SELF, ~0U, 0, 0x70), -XEN_ENOSYS);
	assert_int_equal(add(NOBODY, XENMAPSPACE_shared_info, 0, 0x70), -XEN_ESRCH);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, ~0UL), -XEN_EINVAL);
	host.fail_copy_in = 1;
	assert_int_equal(call(XENMEM_add_to_physmap, h), -XEN_EFAULT);
	host.fail_p2m_in = 1;
	assert_int_equal(call(XENMEM_add_to_physmap, h), -XEN_ENOMEM);
	/* The control domain may do it for another, others may not. */
	assert_int_equal(add(1, XENMAPSPACE_shared_info, 0, 0x70), 0);
	world_enter(1);
	assert_int_equal(add(0, XENMAPSPACE_shared_info, 0, 0x70), -XEN_EPERM);
	assert_int_equal(take_away(0, 0x70), -XEN_EPERM);
}

static void device_memory(void **state)
{
	const u64 dev = 0x9000;

	p2m_map(&dom0->p2m, gfn(dev), mfn(dev), 2, P2M_MMIO_DEV);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio, dev + 1, 0x80), 0);
	assert_int_equal(type_at(dom0, 0x80), P2M_MMIO_CACHED);
	assert_int_equal(p2m_lookup(&dom0->p2m, gfn(0x80), NULL).v, dev + 1);
	/* What it was not given stays out of reach; the answer is the reference's. */
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio, dev + 2, 0x81), 0);
	assert_int_equal(type_at(dom0, 0x81), P2M_INVALID);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio, 0x80, 0x81), 0);
	assert_int_equal(type_at(dom0, 0x81), P2M_INVALID);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio,
			     world_give_ram(dom0, 0, 0), 0x81),
			 0);
	assert_int_equal(type_at(dom0, 0x81), P2M_INVALID);
	world_enter(1);
	assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio, dev, 0x80), -XEN_EACCES);
}

static void removal(void **state)
{
	u64 m = world_give_ram(domu, 0x100, 1), o = world_give_ram(other, 0x100, 0);

	world_enter(1);
	/* RAM that is taken away stays on the domain's account. */
	assert_int_equal(take_away(DOMID_SELF, 0x100), 0);
	assert_int_equal(domu->frames.nr, 2);
	assert_true(frame_is_allocated_to(mfn_to_frame(mfn(m)), &domu->frames));
	assert_int_equal(take_away(DOMID_SELF, 0x100), -XEN_ENOENT);
	assert_int_equal(take_away(NOBODY, 0x100), -XEN_ESRCH);
	assert_int_equal(take_away(DOMID_SELF, ~0UL), -XEN_ENOENT);
	/* Grants and devices are not removed this way. */
	frame_get(mfn_to_frame(mfn(o)), &other->frames);
	p2m_map(&domu->p2m, gfn(0x200), mfn(o), 1, P2M_GRANT_RW);
	p2m_map(&domu->p2m, gfn(0x201), mfn(0x9000), 1, P2M_MMIO_DEV);
	assert_int_equal(take_away(DOMID_SELF, 0x200), -XEN_ENOENT);
	assert_int_equal(take_away(DOMID_SELF, 0x201), -XEN_ENOENT);
	host.fail_p2m_in = 1;
	assert_int_equal(take_away(DOMID_SELF, 0x101), -XEN_ENOMEM);
}

/* --- batches --- */

#define N 20

static struct abi_add_to_physmap_batch batch;
static u64 batch_gva;

static void make_batch(domid_t id, u16 space, domid_t foreign, u16 size, u64 idx, u64 g)
{
	u64 idxs[N], gpfns[N];

	for (u64 i = 0; i < N; i++) {
		idxs[i] = idx + i;
		gpfns[i] = g + i;
	}
	batch = (struct abi_add_to_physmap_batch){
		.domid = id,
		.space = space,
		.size = size,
		.foreign_domid = foreign,
		.idxs = host_guest_put(idxs, sizeof(idxs)),
		.gpfns = host_guest_put(gpfns, sizeof(gpfns)),
		.errs = host_guest_alloc(N * sizeof(s32)),
	};
	memset(host_guest_ptr(batch.errs), 0x55, N * sizeof(s32));
	batch_gva = host_guest_put(&batch, sizeof(batch));
}

static s32 err(unsigned int i)
{
	return ((s32 *)host_guest_ptr(batch.errs))[i];
}

static void foreign_pages(void **state)
{
	u64 m = world_give_ram(domu, 0x100, 4);

	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, N, 0x100, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	for (unsigned int i = 0; i < N; i++) {
		assert_int_equal(err(i), i < 16 ? 0 : -XEN_EINVAL);
		assert_int_equal(type_at(dom0, 0x1000 + i), i < 16 ? P2M_FOREIGN_RW : P2M_INVALID);
	}
	assert_int_equal(p2m_lookup(&dom0->p2m, gfn(0x1003), NULL).v, m + 3);
	assert_int_equal(mfn_to_frame(mfn(m + 3))->refs, 2);
	assert_int_equal(take_away(DOMID_SELF, 0x1003), 0);
	assert_int_equal(mfn_to_frame(mfn(m + 3))->refs, 1);
	/* Read-only there, read-only here. Shared pages may be mapped, too. */
	p2m_map(&domu->p2m, gfn(0x100), mfn(m), 1, P2M_RAM_RO);
	p2m_map_shared(&domu->p2m, gfn(0x101), virt_to_mfn(domu->shared_info));
	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, 2, 0x100, 0x2000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	assert_int_equal(type_at(dom0, 0x2000), P2M_FOREIGN_RO);
	assert_int_equal(type_at(dom0, 0x2001), P2M_FOREIGN_RW);
	/* By being allocated, and by both entries. */
	assert_int_equal(mfn_to_frame(virt_to_mfn(domu->shared_info))->refs, 3);
}

/* By machine address, and only as they may be used. */
static void xens_pages(void **state)
{
	u64 m = world_give_ram(other, 1, 1);

	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, DOMID_XEN, 3, 1, 0x2000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	assert_int_equal(err(0), 0);
	assert_int_equal(err(1), 0);
	assert_int_equal(err(2), -XEN_EINVAL);
	assert_int_equal(type_at(dom0, 0x2000), P2M_FOREIGN_RW);
	assert_int_equal(type_at(dom0, 0x2001), P2M_FOREIGN_RO);
	assert_int_equal(mfn_to_frame(mfn(m))->refs, 2);
	assert_int_equal(take_away(DOMID_SELF, 0x2000), 0);
	assert_int_equal(mfn_to_frame(mfn(m))->refs, 1);
}

static void foreign_refusals(void **state)
{
	static const struct {
		domid_t caller, foreign;
		s32 err;
	} expect[] = {
		{ 0, NOBODY, -XEN_ESRCH },    { 0, DOMID_SELF, -XEN_EINVAL },
		{ 0, 0, -XEN_EINVAL },	      { 0, DOMID_XEN, -XEN_EINVAL },
		{ 0, DOMID_IO, -XEN_EINVAL }, { 1, DOMID_XEN, -XEN_EPERM },
		{ 1, DOMID_IO, -XEN_EPERM },  { 1, 2, -XEN_EPERM },
		{ 1, 0, -XEN_EPERM },	      { 1, NOBODY, -XEN_ESRCH },
		{ 1, 1, -XEN_EINVAL },
	};

	world_give_ram(domu, 0x100, 0);
	world_give_ram(other, 0x100, 0);
	for (size_t i = 0; i < ARRAY_SIZE(expect); i++) {
		world_enter(expect[i].caller);
		make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, expect[i].foreign, 1, 0x100,
			   0x1000);
		assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
		assert_int_equal(err(0), expect[i].err);
	}
	/* No memory for tables: the reference on the frame is given back. */
	world_enter(0);
	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, 1, 0x100, 0x1000);
	host.fail_p2m_in = 1;
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	assert_int_equal(err(0), -XEN_ENOMEM);
	assert_int_equal(mfn_to_frame(p2m_lookup(&domu->p2m, gfn(0x100), NULL))->refs, 1);
}

static void batch_arguments(void **state)
{
	make_batch(NOBODY, XENMAPSPACE_gmfn_foreign, 1, 1, 0x100, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), -XEN_ESRCH);
	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, 2, 0x100, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch | 3 << MEMOP_EXTENT_SHIFT, batch_gva),
			 -XEN_EILSEQ);
	assert_int_equal(call(XENMEM_add_to_physmap_batch | 2 << MEMOP_EXTENT_SHIFT, batch_gva), 0);
	make_batch(DOMID_SELF, XENMAPSPACE_dev_mmio, 1, 1, 0x100, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), -XEN_EINVAL);
	/* memory.atpb_shared_info_extra1 */
	make_batch(DOMID_SELF, XENMAPSPACE_shared_info, 1, 1, 0, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	assert_int_equal(err(0), 0);
	make_batch(DOMID_SELF, 77, 0, 1, 0, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	assert_int_equal(err(0), -XEN_ENOSYS);
	make_batch(DOMID_SELF, XENMAPSPACE_shared_info, 0, 0, 0, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), 0);
	world_enter(1);
	make_batch(0, XENMAPSPACE_shared_info, 0, 1, 0, 0x1000);
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), -XEN_EPERM);
}

static void batch_faults(void **state)
{
	world_give_ram(domu, 0x100, 5);
	/* Copies: the argument, indices and addresses of a batch of eight, its errors, and so on. */
	for (int n = 1; n <= 12; n++) {
		long rc;

		make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, N, 0x100, 0x1000);
		host.fail_copy_in = n;
		rc = call(XENMEM_add_to_physmap_batch, batch_gva);
		host.fail_copy_in = 0;
		/* A list that failed once is read again entry by entry, and then it can be. */
		if (n == 1 || n == 4 || n == 7 || n == 10)
			assert_int_equal(rc, -XEN_EFAULT);
		else
			assert_int_equal(rc, 0);
		p2m_unmap(&dom0->p2m, gfn(0x1000), N);
	}
	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, N, 0x100, 0x1000);
	((struct abi_add_to_physmap_batch *)host_guest_ptr(batch_gva))->gpfns = HOST_BAD_GVA;
	assert_int_equal(call(XENMEM_add_to_physmap_batch, batch_gva), -XEN_EFAULT);
}

static void batch_preempted(void **state)
{
	unsigned int restarts;

	world_give_ram(domu, 0x100, 5);
	make_batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, N, 0x100, 0x1000);
	host.preempt_always = true;
	assert_int_equal(call_on(XENMEM_add_to_physmap_batch, batch_gva, &restarts), 0);
	assert_int_equal(restarts, N - 1);
	for (unsigned int i = 0; i < N; i++) {
		assert_int_equal(err(i), 0);
		assert_int_equal(type_at(dom0, 0x1000 + i), P2M_FOREIGN_RW);
	}
	/* A grant table that grows in the middle of a batch. */
	host.preempt_always = false;
	make_batch(DOMID_SELF, XENMAPSPACE_grant_table, 0, 5, 0, 0x3000);
	grant_preempt = 2;
	assert_int_equal(call_on(XENMEM_add_to_physmap_batch, batch_gva, &restarts), 0);
	assert_int_equal(restarts, 2);
	assert_int_equal(err(3), 0);
	assert_int_equal(err(4), -XEN_EINVAL);
}

/* --- resources --- */

static u64 put_acquire(struct abi_mem_acquire_resource r, const u64 *gfns)
{
	if (gfns)
		r.frame_list = host_guest_put(gfns, r.nr_frames * sizeof(*gfns));
	return host_guest_put(&r, sizeof(r));
}

#define GRANTS .type = XENMEM_resource_grant_table

static void acquire_size(void **state)
{
	u64 h = put_acquire((struct abi_mem_acquire_resource){ .domid = 1, GRANTS }, NULL);

	assert_int_equal(call(XENMEM_acquire_resource, h), 0);
	assert_int_equal(((struct abi_mem_acquire_resource *)host_guest_ptr(h))->nr_frames, 4);
	h = put_acquire((struct abi_mem_acquire_resource){ .domid = 1, GRANTS }, NULL);
	host.fail_copy_in = 2;
	assert_int_equal(call(XENMEM_acquire_resource, h), -XEN_EFAULT);
}

static void acquire_refusals(void **state)
{
	static const struct {
		struct abi_mem_acquire_resource r;
		long rc;
	} expect[] = {
		{ { .domid = NOBODY, GRANTS }, -XEN_ESRCH },
		{ { .domid = DOMID_SELF, GRANTS }, -XEN_ESRCH },
		{ { .domid = 0, GRANTS }, -XEN_EPERM },
		{ { .domid = 1, GRANTS, .pad = 1 }, -XEN_EINVAL },
		{ { .domid = 1, GRANTS, .id = 1 }, -XEN_EINVAL },
		{ { .domid = 1, GRANTS, .nr_frames = 1 }, -XEN_EINVAL },
		{ { .domid = 1, .type = XENMEM_resource_ioreq_server }, -XEN_EINVAL },
		{ { .domid = 1, .type = 2 }, -XEN_EINVAL },
	};
	const u64 g[5] = { 0x1000, 0x1001, 0x1002, 0x1003, 0x1004 };

	for (size_t i = 0; i < ARRAY_SIZE(expect); i++)
		assert_int_equal(call(XENMEM_acquire_resource, put_acquire(expect[i].r, NULL)),
				 expect[i].rc);
	assert_int_equal(call(XENMEM_acquire_resource,
			      put_acquire((struct abi_mem_acquire_resource){ .domid = 1, GRANTS,
									     .nr_frames = 5 },
					  g)),
			 -XEN_EINVAL);
	assert_int_equal(call(XENMEM_acquire_resource,
			      put_acquire((struct abi_mem_acquire_resource){ .domid = 1, GRANTS,
									     .nr_frames = 1,
									     .frame = ~0UL },
					  g)),
			 -XEN_EINVAL);
	world_enter(1);
	assert_int_equal(call(XENMEM_acquire_resource,
			      put_acquire((struct abi_mem_acquire_resource){ .domid = 2, GRANTS },
					  NULL)),
			 -XEN_EPERM);
}

static void acquire_grant_frames(void **state)
{
	const u64 g[3] = { 0x1000, 0x1001, 0x1002 };
	struct abi_mem_acquire_resource r = { .domid = 1, GRANTS, .nr_frames = 3, .frame = 1 };
	u64 h = put_acquire(r, g);
	unsigned int restarts;

	host.preempt_always = true;
	grant_preempt = 1;
	assert_int_equal(call_on(XENMEM_acquire_resource, h, &restarts), 0);
	assert_int_equal(restarts, 3);
	for (int i = 0; i < 3; i++) {
		mfn_t m = virt_to_mfn(grant_pages[1][1 + i]);

		assert_int_equal(type_at(dom0, g[i]), P2M_FOREIGN_RW);
		assert_int_equal(p2m_lookup(&dom0->p2m, gfn(g[i]), NULL).v, m.v);
		assert_int_equal(mfn_to_frame(m)->refs, 2);
		assert_int_equal(take_away(DOMID_SELF, g[i]), 0);
		assert_int_equal(mfn_to_frame(m)->refs, 1);
	}
	host.preempt_always = false;
	host.fail_copy_in = 3;
	assert_int_equal(call(XENMEM_acquire_resource, h), -XEN_EFAULT);
	host.fail_p2m_in = 1;
	assert_int_equal(call(XENMEM_acquire_resource, h), -XEN_ENOMEM);
	host.fail_p2m_in = 2;
	assert_int_equal(call(XENMEM_acquire_resource, h), -XEN_EIO);
	assert_int_equal(mfn_to_frame(virt_to_mfn(grant_pages[1][2]))->refs, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, balanced)
	const struct CMUnitTest tests[] = {
		T(shared_info),	     T(grant_frames),	  T(grant_table_grows_preemptibly),
		T(refused_additions), T(device_memory),	  T(removal),
		T(foreign_pages),    T(xens_pages),	  T(foreign_refusals), T(batch_arguments),
		T(batch_faults),     T(batch_preempted),  T(acquire_size),
		T(acquire_refusals), T(acquire_grant_frames), T(shared_info_when_dying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
