/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c hyp/mm/p2m.c hyp/mm/frame.c hyp/mm/heap.c */
/* memory_op: the table, the queries, and reservations with faults and preemption everywhere. */
#include "world.h"

#include <abi/memory.h>

#define NOBODY 0x7000 /* a domain that does not exist */

struct domain_actions domain_actions;

static struct domain *dom0, *domu;

static int setup(void **state)
{
	world_init();
	dom0 = &world[0];
	domu = &world[1];
	return 0;
}

static int balanced(void **state)
{
	assert_int_equal(world_refs, 0);
	assert_int_equal(host.frames_mapped, WORLD_DOMAINS - 1); /* their shared_info */
	return 0;
}

static long call(u64 cmd, u64 handle)
{
	u64 arg[5] = { cmd, handle };

	return do_memory_op(arg);
}

/* Calls until it is not preempted any more; counts the restarts. */
static long call_on(u64 cmd, u64 handle, unsigned int *restarts)
{
	u64 arg[5] = { cmd, handle };
	long rc;

	*restarts = 0;
	while ((rc = do_memory_op(arg)) == -XEN_ERESTART)
		++*restarts;
	return rc;
}

static u64 put_domid(domid_t id)
{
	return host_guest_put(&id, sizeof(id));
}

static u64 put_reservation(domid_t id, const u64 *gfns, u64 nr, u32 order)
{
	struct abi_memory_reservation r = { .nr_extents = nr,
					    .extent_order = order,
					    .domid = id };

	r.extent_start = gfns ? host_guest_put(gfns, nr * sizeof(*gfns)) : 0;
	return host_guest_put(&r, sizeof(r));
}

static void queries(void **state)
{
	world_give_ram(dom0, 0, 3);
	world_give_ram(domu, 0x4000, 2);
	assert_int_equal(call(XENMEM_current_reservation, put_domid(DOMID_SELF)), 8);
	assert_int_equal(call(XENMEM_current_reservation, put_domid(1)), 4);
	assert_int_equal(call(XENMEM_maximum_reservation, put_domid(0)), 64);
	assert_int_equal(call(XENMEM_maximum_gpfn, put_domid(1)), 0x4003);
	assert_int_equal(call(XENMEM_maximum_ram_page, 0),
			 (HOST_RAM_BASE >> PAGE_SHIFT) + WORLD_FRAMES);
	assert_int_equal(call(XENMEM_current_reservation, put_domid(NOBODY)), -XEN_ESRCH);
	assert_int_equal(call(XENMEM_current_reservation, HOST_BAD_GVA), -XEN_EFAULT);
	world_enter(1);
	assert_int_equal(call(XENMEM_current_reservation, put_domid(DOMID_SELF)), 4);
	assert_int_equal(call(XENMEM_current_reservation, put_domid(0)), -XEN_EPERM);
	assert_int_equal(call(XENMEM_maximum_gpfn, put_domid(2)), -XEN_EPERM);
}

/* XEN-4.17-REFERENCE.md: every operation with an argument of zeroes, by dom0 and by a domU. */
static void zero_arguments(void **state)
{
	static const struct {
		u64 cmd;
		long dom0, domu;
	} expect[] = {
		{ 5, -38, -38 },  { 8, -38, -38 },  { 9, -38, -38 },  { 10, -38, -38 },
		{ 12, -38, -38 }, { 13, -38, -38 }, { 16, -38, -38 }, { 17, -38, -38 },
		{ 18, 0, 0 },	  { 19, 0, 0 },	    { 20, -38, -38 }, { 21, -38, -38 },
		{ 22, -38, -38 }, { 24, 0, -1 },    { 25, -38, -38 }, { 26, -95, -1 },
		{ 27, 0, 0 },	  { 28, -1, -1 },   { 29, -38, -38 }, { 30, -38, -38 },
		{ 31, -38, -38 }, { 40, -38, -38 }, { 63, -38, -38 },
	};
	u64 zero = host_guest_alloc(256);

	for (size_t i = 0; i < ARRAY_SIZE(expect); i++) {
		world_enter(0);
		assert_int_equal(call(expect[i].cmd, zero), expect[i].dom0);
		world_enter(1);
		assert_int_equal(call(expect[i].cmd, zero), expect[i].domu);
	}
}

static void bad_pointers(void **state)
{
	static const u64 cmds[] = { XENMEM_maximum_reservation, XENMEM_maximum_gpfn,
				    XENMEM_add_to_physmap,	XENMEM_exchange,
				    XENMEM_remove_from_physmap, XENMEM_add_to_physmap_batch,
				    XENMEM_claim_pages,		XENMEM_get_vnumainfo,
				    XENMEM_acquire_resource,	XENMEM_reserved_device_memory_map };
	u64 zero = host_guest_alloc(64);

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		assert_int_equal(call(cmds[i], HOST_BAD_GVA), -XEN_EFAULT);
	host.fail_copy_in = 2;
	assert_int_equal(call(XENMEM_reserved_device_memory_map, zero), -XEN_EFAULT);
	/* These answer how far they got. */
	assert_int_equal(call(XENMEM_decrease_reservation, HOST_BAD_GVA), 0);
	assert_int_equal(call(XENMEM_populate_physmap | 7 << MEMOP_EXTENT_SHIFT, HOST_BAD_GVA), 7);
	/* Only operations on lists can be continued. */
	assert_int_equal(call(XENMEM_maximum_ram_page | 1 << MEMOP_EXTENT_SHIFT, 0), -XEN_EINVAL);
}

static void reserved_devices_and_vnuma(void **state)
{
	struct abi_reserved_device_memory_map rdm = { .flags = 2, .nr_entries = 5 };
	struct abi_vnuma_topology_info v = { .domid = DOMID_SELF, .pad = 1 };
	u64 g = host_guest_put(&rdm, sizeof(rdm));

	assert_int_equal(call(XENMEM_reserved_device_memory_map, g), -XEN_EINVAL);
	((struct abi_reserved_device_memory_map *)host_guest_ptr(g))->flags = XENMEM_RDM_ALL;
	assert_int_equal(call(XENMEM_reserved_device_memory_map, g), 0);
	assert_int_equal(((struct abi_reserved_device_memory_map *)host_guest_ptr(g))->nr_entries,
			 0);
	assert_int_equal(call(XENMEM_get_vnumainfo, host_guest_put(&v, sizeof(v))), -XEN_EINVAL);
	v = (struct abi_vnuma_topology_info){ .domid = NOBODY };
	assert_int_equal(call(XENMEM_get_vnumainfo, host_guest_put(&v, sizeof(v))), -XEN_ESRCH);
}

static long claim(domid_t id, u64 nr)
{
	return call(XENMEM_claim_pages, put_reservation(id, NULL, nr, 0));
}

static void claims(void **state)
{
	struct abi_memory_reservation r = { .domid = 1, .nr_extents = 5, .extent_order = 1 };
	u64 g = 0x100, free = world_free_frames();

	assert_int_equal(call(XENMEM_claim_pages, host_guest_put(&r, sizeof(r))), -XEN_EINVAL);
	r = (struct abi_memory_reservation){ .domid = 1, .nr_extents = 5, .mem_flags = 1 };
	assert_int_equal(call(XENMEM_claim_pages, host_guest_put(&r, sizeof(r))), -XEN_EINVAL);
	r = (struct abi_memory_reservation){ .domid = 1, .nr_extents = 5, .extent_start = 1 };
	assert_int_equal(call(XENMEM_claim_pages, host_guest_put(&r, sizeof(r))), -XEN_EINVAL);
	assert_int_equal(claim(NOBODY, 5), -XEN_EINVAL);
	assert_int_equal(claim(DOMID_SELF, 5), -XEN_EINVAL);
	assert_int_equal(claim(1, 65), -XEN_EINVAL);
	assert_int_equal(claim(1, 5), 0);
	assert_int_equal(domu->frames.claimed, 5);
	assert_int_equal(claim(1, 6), -XEN_EINVAL);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(1, &g, 1, 1)), 1);
	assert_int_equal(domu->frames.claimed, 3);
	assert_int_equal(call(XENMEM_decrease_reservation, put_reservation(1, &g, 1, 0)), 1);
	assert_int_equal(domu->frames.claimed, 4);
	assert_int_equal(claim(1, 0), 0);
	assert_int_equal(domu->frames.claimed, 0);
	/* All of the heap: nobody else gets any. */
	domu->frames.max = ~0U;
	assert_int_equal(claim(1, free + 1), -XEN_ENOMEM);
	assert_int_equal(claim(1, free), 0);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(2, &g, 1, 0)), 0);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(1, &g, 1, 0)), 1);
	world_enter(1);
	assert_int_equal(claim(1, 5), -XEN_EPERM);
	assert_int_equal(claim(0, 5), -XEN_EPERM);
}

static void exchange(void **state)
{
	struct abi_memory_exchange x = { .in = { .domid = DOMID_SELF },
					 .out = { .domid = DOMID_SELF } };
	u64 g[] = { world_give_ram(dom0, 0, 0), 7 }, at;

	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), 0);
	x.in.nr_extents = x.out.nr_extents = 2;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EFAULT);
	x.in.extent_start = host_guest_put(g, sizeof(g));
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EOPNOTSUPP);
	/* One is said to be done: the hole is next. */
	x.nr_exchanged = 1;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EINVAL);
	/* Half of what makes one for it: begun anew. */
	x.out.nr_extents = x.out.extent_order = 1;
	at = host_guest_put(&x, sizeof(x));
	assert_int_equal(call(XENMEM_exchange, at), -XEN_EOPNOTSUPP);
	assert_int_equal(((struct abi_memory_exchange *)host_guest_ptr(at))->nr_exchanged, 0);
	host.fail_copy_in = 3;
	assert_int_equal(call(XENMEM_exchange, at), -XEN_EFAULT);
	x.out.nr_extents = 2;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EINVAL);
	x.out.nr_extents = 1;
	x.nr_exchanged = 2;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), 0);
	x.nr_exchanged = 3;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EINVAL);
	x.in.nr_extents = x.out.nr_extents = ~0UL;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EINVAL);
	x.in.extent_order = 99;
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_EPERM);
	x = (struct abi_memory_exchange){ .in = { .domid = NOBODY, .nr_extents = 1 },
					  .out = { .domid = NOBODY, .nr_extents = 1 } };
	assert_int_equal(call(XENMEM_exchange, host_guest_put(&x, sizeof(x))), -XEN_ESRCH);
	assert_int_equal(dom0->frames.nr, 1);
}

/* --- dom0, mapped one to one --- */

static void direct_map_keeps_its_frames(void **state)
{
	u64 g = world_give_ram(dom0, 0, 2), h;
	u64 one = put_reservation(DOMID_SELF, &g, 1, 0);

	*(u64 *)world_frame_bytes(g) = 0x77;
	assert_int_equal(call(XENMEM_decrease_reservation, one), 1);
	assert_int_equal(p2m_lookup(&dom0->p2m, gfn(g), NULL).v, MFN_INVALID.v);
	assert_int_equal(dom0->frames.nr, 4); /* reservation_delta_after_decrease */
	assert_int_equal(call(XENMEM_decrease_reservation, one), 0);
	assert_int_equal(call(XENMEM_populate_physmap, one), 1);
	assert_int_equal(p2m_lookup(&dom0->p2m, gfn(g), NULL).v, g); /* populate_keeps_gfn */
	assert_int_equal(call(XENMEM_populate_physmap, one), 1);     /* already populated */
	assert_int_equal(call(XENMEM_increase_reservation, one), 0);
	assert_int_equal(dom0->frames.nr, 4);
	/* A block of four, one of them given away for good: nothing is populated. */
	one = put_reservation(DOMID_SELF, &g, 1, 2);
	assert_int_equal(call(XENMEM_populate_physmap, one), 1);
	frame_release_range(&dom0->frames, mfn_to_frame(mfn(g + 2)), 1);
	assert_int_equal(call(XENMEM_populate_physmap, one), 0);
	/* Frames of others, of nobody, and no RAM at all. */
	h = world_give_ram(domu, 0x40, 0);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &h, 1, 0)), 0);
	h = ~0UL;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &h, 1, 0)), 0);
	h = 5;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &h, 1, 0)), 0);
	h = virt_to_mfn(dom0->shared_info).v;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &h, 1, 0)), 0);
}

/* --- static memory: two rows of frames at places of their own --- */

static void fixed_ram_keeps_its_frames(void **state)
{
	static u64 room[1 + 2 * 3];
	u64 m = world_give_ram(domu, 0x200, 2), free = world_free_frames(), g = 0x200;
	u64 one = put_reservation(DOMID_SELF, &g, 1, 0);

	domu->fixed_ram = (struct fixed_ram *)room;
	domu->fixed_ram->nr = 2;
	domu->fixed_ram->piece[0].gfn = 0x200;
	domu->fixed_ram->piece[0].mfn = m + 3;
	domu->fixed_ram->piece[0].nr = 1;
	domu->fixed_ram->piece[1].gfn = 0x201;
	domu->fixed_ram->piece[1].mfn = m;
	domu->fixed_ram->piece[1].nr = 3;
	world_enter(1);
	assert_int_equal(call(XENMEM_decrease_reservation, one), 1);
	assert_int_equal(p2m_lookup(&domu->p2m, gfn(g), NULL).v, MFN_INVALID.v);
	assert_int_equal(domu->frames.nr, 4);
	assert_int_equal(world_free_frames(), free);
	assert_int_equal(call(XENMEM_increase_reservation, one), 0);
	assert_int_equal(call(XENMEM_populate_physmap, one), 1);
	assert_int_equal(p2m_lookup(&domu->p2m, gfn(g), NULL).v, m + 3);
	/* Over both rows; over the end of the last; not at all in one. */
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 2)), 1);
	assert_int_equal(p2m_lookup(&domu->p2m, gfn(0x203), NULL).v, m + 2);
	g = 0x203;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 1)), 0);
	g = 0x204;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 0)), 0);
	g = ~0UL;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 0)), 0);
	/* One that it gave up for good. */
	frame_release_range(&domu->frames, mfn_to_frame(mfn(m)), 1);
	g = 0x201;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 0)), 0);
}

/* --- an ordinary domain --- */

static void decrease_gives_frames_back(void **state)
{
	static const u64 gfns[] = { 0x100, 0x101, 0x107 };
	u64 before = world_free_frames();

	world_give_ram(domu, 0x100, 3);
	world_enter(1);
	assert_int_equal(call(XENMEM_decrease_reservation, put_reservation(DOMID_SELF, gfns, 3, 0)),
			 3);
	assert_int_equal(domu->frames.nr, 5);
	assert_int_equal(world_free_frames(), before - 5);
	/* The second one is a hole by now. */
	assert_int_equal(call(XENMEM_decrease_reservation,
			      put_reservation(DOMID_SELF, (const u64[]){ 0x102, 0x107, 0x103 }, 3,
					      0)),
			 1);
	assert_int_equal(domu->frames.nr, 4);
	assert_int_equal(call(XENMEM_decrease_reservation,
			      put_reservation(DOMID_SELF, (const u64[]){ 0x104 }, 1, 1)),
			 1);
	assert_int_equal(domu->frames.nr, 2);
}

static void decrease_takes_only_ram(void **state)
{
	u64 m = world_give_ram(dom0, 0, 0), g = 0x20;

	frame_get(mfn_to_frame(mfn(m)), &dom0->frames);
	p2m_map(&domu->p2m, gfn(0x20), mfn(m), 1, P2M_FOREIGN_RW);
	p2m_map(&domu->p2m, gfn(0x21), mfn(0x9000), 1, P2M_MMIO_DEV);
	p2m_map_shared(&domu->p2m, gfn(0x22), virt_to_mfn(domu->shared_info));
	world_enter(1);
	for (; g <= 0x23; g++)
		assert_int_equal(call(XENMEM_decrease_reservation,
				      put_reservation(DOMID_SELF, &g, 1, 0)),
				 0);
	assert_int_equal(mfn_to_frame(mfn(m))->refs, 2);
}

static void populate(void **state)
{
	static const u64 gfns[] = { 0x100, 0x200, 0x300 };
	u64 r = put_reservation(DOMID_SELF, gfns, 3, 1), before = world_free_frames();
	enum p2m_type t;
	mfn_t m;

	world_enter(1);
	assert_int_equal(call(XENMEM_populate_physmap, r), 3);
	assert_int_equal(domu->frames.nr, 6);
	assert_int_equal(world_free_frames(), before - 6);
	m = p2m_lookup(&domu->p2m, gfn(0x201), &t);
	assert_int_equal(t, P2M_RAM_RW);
	assert_true(frame_is_allocated_to(mfn_to_frame(m), &domu->frames));
	assert_int_equal(*(u64 *)world_frame_bytes(m.v), 0);
	/* The list is not written to. */
	assert_memory_equal(host_guest_ptr(((struct abi_memory_reservation *)host_guest_ptr(r))
						   ->extent_start),
			    gfns, sizeof(gfns));
	/* To the limit, and no further. */
	assert_int_equal(call(XENMEM_populate_physmap,
			      put_reservation(DOMID_SELF, (const u64[]){ 0x1000 }, 1, 6)),
			 0);
	domu->frames.max = 6;
	assert_int_equal(call(XENMEM_populate_physmap, r), 0);
	assert_int_equal(call(XENMEM_increase_reservation, r), 0);
	domu->frames.max = 11;
	assert_int_equal(call(XENMEM_populate_physmap, r), 2);
	assert_int_equal(domu->frames.nr, 10);
}

static void increase(void **state)
{
	world_enter(1);
	/* No list is needed: nothing is mapped. */
	assert_int_equal(call(XENMEM_increase_reservation, put_reservation(DOMID_SELF, NULL, 5, 2)),
			 5);
	assert_int_equal(domu->frames.nr, 20);
	assert_int_equal(domu->p2m.max_gfn, 0);
}

static void control_domain_populates_others(void **state)
{
	u64 g = 0x200, r = put_reservation(1, &g, 1, 0);

	assert_int_equal(call(XENMEM_populate_physmap, r), 1);
	assert_int_equal(domu->frames.nr, 1);
	world_enter(2);
	assert_int_equal(call(XENMEM_populate_physmap, r), 0);
	assert_int_equal(call(XENMEM_decrease_reservation, r), 0);
	assert_int_equal(domu->frames.nr, 1);
}

static void refused_reservations(void **state)
{
	static const u64 cmds[] = { XENMEM_increase_reservation, XENMEM_decrease_reservation,
				    XENMEM_populate_physmap };
	u64 g = 0x100;

	world_give_ram(domu, 0x100, 4);
	world_enter(1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(call(cmds[i], put_reservation(NOBODY, &g, 1, 0)), 0);
		assert_int_equal(call(cmds[i], put_reservation(0, &g, 1, 0)), 0);
		assert_int_equal(call(cmds[i], put_reservation(DOMID_SELF, &g, 0, 0)), 0);
		assert_int_equal(call(cmds[i], put_reservation(DOMID_SELF, &g, 1, 10)), 0);
		assert_int_equal(call(cmds[i], put_reservation(DOMID_SELF, &g, 1, 64)), 0);
		assert_int_equal(call(cmds[i] | 4 << MEMOP_EXTENT_SHIFT,
				      put_reservation(DOMID_SELF, &g, 1, 0)),
				 4);
		assert_int_equal(call(cmds[i], put_reservation(DOMID_SELF, NULL, 1UL << 26, 0)), 0);
	}
	assert_int_equal(domu->frames.nr, 16);
	/* Lists that cannot be read; an address that cannot be mapped. */
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, NULL, 1, 0)), 0);
	g = domu->p2m.end;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 0)), 0);
	assert_int_equal(call(XENMEM_decrease_reservation, put_reservation(DOMID_SELF, &g, 1, 0)),
			 0);
	assert_int_equal(domu->frames.nr, 16);
}

/* Faults at every copy, no memory for tables at every extent: the count says what was done. */
static void failures_everywhere(void **state)
{
	u64 gfns[20], r, before = world_free_frames();
	long done;

	for (u64 i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = 0x100 + i;
	r = put_reservation(DOMID_SELF, gfns, ARRAY_SIZE(gfns), 0);
	world_enter(1);
	for (int n = 1; n < 25; n++) {
		host.fail_p2m_in = n;
		/* Together as far as it goes; the rest; one alone. */
		host.fail_p2m_more = (n - 1) % 16 ? 2 : 1;
		done = call(XENMEM_populate_physmap, r);
		assert_int_equal(done, MIN(n - 1, 20));
		assert_int_equal(domu->frames.nr, done);
		assert_int_equal(world_free_frames(), before - (u64)done);
		host.fail_p2m_in = host.fail_p2m_more = 0;
		/* Taking pages away needs no memory. */
		if (n % 2)
			assert_int_equal(call(XENMEM_decrease_reservation, r), done);
		while (domu->frames.first != FRAME_NONE)
			frame_release_range(&domu->frames, &frame_table[domu->frames.first], 1);
		p2m_unmap(&domu->p2m, gfn(0x100), 20);
	}
	for (int n = 1; n <= 4; n++) {
		host.fail_copy_in = n;
		done = call(XENMEM_populate_physmap, r);
		/* The argument; the first batch, narrowed down by reading one; the second. */
		assert_int_equal(done, n == 1 ? 0 : 20);
		host.fail_copy_in = 0;
		assert_int_equal(call(XENMEM_decrease_reservation, r), done);
	}
	assert_int_equal(world_free_frames(), before);
}

/* Tables run out in the middle of a block: no mapping may stay that names a free frame. */
static void half_mapped_blocks(void **state)
{
	u64 g = 0x100, r = put_reservation(1, &g, 1, 2), before = world_free_frames();

	host.fail_p2m_in = 1;
	assert_int_equal(call(XENMEM_populate_physmap, r), 0);
	assert_int_equal(p2m_lookup(&domu->p2m, gfn(g), NULL).v, MFN_INVALID.v);
	assert_int_equal(world_free_frames(), before);
	assert_int_equal(domu->frames.nr, 0);
	/* Not even removing works: the frames stay the domain's. */
	host.fail_p2m_in = 1;
	host.fail_p2m_more = 1;
	assert_int_equal(call(XENMEM_populate_physmap, r), 0);
	assert_int_equal(world_free_frames(), before - 4);
	assert_int_equal(domu->frames.nr, 4);
}

/* The list ends at the edge of what can be read: all before it is done. */
static void fault_inside_the_list(void **state)
{
	u64 nr = 8, edge = HOST_SCRATCH_BASE + HOST_SCRATCH_SIZE - nr * sizeof(u64);
	struct abi_memory_reservation r = { .extent_start = edge, .nr_extents = 10, .domid = 1 };
	u64 *gfns = host_guest_ptr(edge);

	for (u64 i = 0; i < nr; i++)
		gfns[i] = 0x100 + i;
	assert_int_equal(call(XENMEM_populate_physmap, host_guest_put(&r, sizeof(r))), nr);
}

static void no_memory_left(void **state)
{
	u64 gfns[] = { 0x100, 0x101, 0x102 };
	struct frame *last[2];

	last[0] = frame_alloc(0, 0);
	last[1] = frame_alloc(0, 0);
	while (frame_alloc(0, FRAME_NO_SCRUB))
		;
	frame_free(last[0], 0);
	frame_free(last[1], 0);
	world_enter(1);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, gfns, 3, 0)), 2);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, gfns, 1, 5)), 0);
}

static void preempted_between_extents(void **state)
{
	u64 gfns[40];
	unsigned int restarts;
	u64 r;

	for (u64 i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = 0x100 + i;
	r = put_reservation(DOMID_SELF, gfns, ARRAY_SIZE(gfns), 0);
	world_enter(1);
	host.preempt_always = true;
	assert_int_equal(call_on(XENMEM_populate_physmap, r, &restarts), 40);
	assert_int_equal(restarts, 2);
	assert_int_equal(domu->frames.nr, 40);
	assert_int_equal(call_on(XENMEM_decrease_reservation, r, &restarts), 40);
	assert_int_equal(restarts, 2);
	assert_int_equal(domu->frames.nr, 0);
	assert_int_equal(call_on(XENMEM_increase_reservation, r, &restarts), 40);
	assert_int_equal(restarts, 39);
}

/* Single pages leave the TLBs together, 16 at a time, also when some of them are blocks or holes. */
static void pages_taken_together(void **state)
{
	u64 gfns[40];

	for (u64 i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = 0x100 + 3 * i % 40;
	world_enter(1);
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, gfns, 40, 0)),
			 40);
	host.tlb_flushes = 0;
	assert_int_equal(call(XENMEM_decrease_reservation, put_reservation(DOMID_SELF, gfns, 40, 0)),
			 40);
	assert_int_equal(host.tlb_flushes, 3);
	assert_int_equal(domu->frames.nr, 0);
	/* The same page twice. */
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, gfns, 40, 0)),
			 40);
	gfns[21] = gfns[20];
	assert_int_equal(call(XENMEM_decrease_reservation, put_reservation(DOMID_SELF, gfns, 40, 0)),
			 21);
	assert_int_equal(domu->frames.nr, 19);
	gfns[25] = domu->p2m.end;
	assert_int_equal(call(XENMEM_decrease_reservation,
			      put_reservation(DOMID_SELF, gfns + 22, 18, 0)),
			 3);
	assert_int_equal(domu->frames.nr, 16);
	domu->frames.max = 20;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(DOMID_SELF, gfns, 40, 0)), 4);
	assert_int_equal(domu->frames.nr, 20);
}

/* --- the longest stretch between two looks for an interrupt, in frames --- */

static u32 frames_seen, longest;

static void note_frames(void)
{
	u32 nr = domu->frames.nr;

	longest = MAX(longest, nr > frames_seen ? nr - frames_seen : frames_seen - nr);
	frames_seen = nr;
}

static long call_measured(u64 cmd, u64 handle, bool always)
{
	unsigned int restarts;
	long rc;

	longest = 0;
	frames_seen = domu->frames.nr;
	host.poll_hook = note_frames;
	host.preempt_always = always;
	rc = call_on(cmd, handle, &restarts);
	note_frames();
	host.poll_hook = NULL;
	host.preempt_always = false;
	return rc;
}

/* Of blocks and, where the address is odd, of single pages. */
static void large_extents_in_pieces(void **state)
{
	u64 before = world_free_frames(), parts[8];

	domu->frames.max = 8000;
	for (int odd = 0; odd < 2; odd++)
		for (int always = 0; always < 2; always++) {
			u64 g = 0x10000 + (u64)odd;

			assert_int_equal(call_measured(XENMEM_populate_physmap,
						       put_reservation(1, &g, 1, 12), always),
					 1);
			assert_int_equal(domu->frames.nr, 4096);
			assert_int_equal(longest, odd ? 64 : 512);
			for (u64 i = 0; i < 4096; i++)
				assert_int_not_equal(
					p2m_lookup(&domu->p2m, gfn(g + i), NULL).v, MFN_INVALID.v);
			for (u64 i = 0; i < 8; i++)
				parts[i] = g + i * 512;
			/* The host's tables know no blocks: cut what lies in one row. */
			for (u64 i = 0; odd && i < 4096; i += 2) {
				mfn_t m = p2m_lookup(&domu->p2m, gfn(g + i), NULL);
				mfn_t n = p2m_lookup(&domu->p2m, gfn(g + i + 1), NULL);

				p2m_map(&domu->p2m, gfn(g + i), n, 1, P2M_RAM_RW);
				p2m_map(&domu->p2m, gfn(g + i + 1), m, 1, P2M_RAM_RW);
			}
			assert_int_equal(call_measured(XENMEM_decrease_reservation,
						       put_reservation(1, parts, 8, 9), always),
					 8);
			assert_int_equal(longest, odd ? 64 : 512);
			assert_int_equal(domu->frames.nr, 0);
			assert_int_equal(world_free_frames(), before);
		}
}

/* What cannot be had is found out before the first frame is taken. */
static void large_extents_refused_at_once(void **state)
{
	u64 gfns[] = { domu->p2m.end - 4095, ~0UL, domu->p2m.end };
	u64 g = 0x1000, polls = host.polls;

	domu->frames.max = 8000;
	for (size_t i = 0; i < ARRAY_SIZE(gfns); i++)
		assert_int_equal(call(XENMEM_populate_physmap,
				      put_reservation(1, &gfns[i], 1, 12)),
				 0);
	domu->frames.max = 4095;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(1, &g, 1, 12)), 0);
	assert_int_equal(host.polls, polls);
	assert_int_equal(host.p2m_sets, 0);
	/* Memory that nobody can address does not come in large blocks. */
	domu->frames.max = 8000;
	assert_int_equal(call(XENMEM_increase_reservation, put_reservation(1, NULL, 1, 10)), 0);
	assert_int_equal(call(XENMEM_increase_reservation, put_reservation(1, NULL, 1, 9)), 1);
}

/* Memory or tables run out in the middle: what the extent has got by then goes back, in pieces. */
static void large_extents_taken_back(void **state)
{
	u64 gfns[] = { 0x4000, 0x10001 }, before = world_free_frames();
	struct frame *away[3];

	domu->frames.max = 8000;
	for (int odd = 0; odd < 2; odd++)
		for (int always = 0; always < 2; always++)
			for (int n = 1; n <= 4; n++) {
				host.fail_p2m_in = n;
				assert_int_equal(call_measured(XENMEM_populate_physmap,
							       put_reservation(1, &gfns[odd], 1,
									       11),
							       always),
						 0);
				assert_in_range(longest, n > 1 ? (odd ? 64 : 512) : 0,
						odd ? 64 : 512);
				assert_int_equal(domu->frames.nr, 0);
				assert_int_equal(world_free_frames(), before);
			}
	/* 4096 frames and some: the first extent can be had, the second one cannot. */
	for (int i = 0; i < 3; i++)
		away[i] = frame_alloc(10, FRAME_NO_SCRUB);
	before = world_free_frames();
	assert_int_equal(call_measured(XENMEM_populate_physmap, put_reservation(1, gfns, 2, 12),
				       true),
			 1);
	assert_int_equal(domu->frames.nr, 4096);
	assert_int_equal(world_free_frames(), before - 4096);
	assert_int_equal(p2m_lookup(&domu->p2m, gfn(gfns[1]), NULL).v, MFN_INVALID.v);
	for (int i = 0; i < 3; i++)
		frame_free(away[i], 10);
	/* The domain dies meanwhile. */
	while (domu->frames.first != FRAME_NONE)
		frame_release_range(&domu->frames, &frame_table[domu->frames.first], 1);
	before = world_free_frames();
	host.preempt_in = 600;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(1, gfns, 1, 12)),
			 -XEN_ERESTART);
	assert_true(domu->frames.nr);
	while (frame_release_all(&domu->frames))
		;
	assert_int_equal(call(XENMEM_populate_physmap | 16 << MEMOP_EXTENT_SHIFT,
			      put_reservation(1, gfns, 1, 12)),
			 0);
	assert_int_equal(world_free_frames(), before);
}

/* Places to go on at that no call came to: ordinary changes of the domain's memory, and no more. */
static void starts_made_up(void **state)
{
	static const u64 cmds[] = { XENMEM_increase_reservation, XENMEM_decrease_reservation,
				    XENMEM_populate_physmap };
	u64 gfns[] = { 0x4000, 0x5040 }, before = world_free_frames();

	srand(1);
	domu->frames.max = 3000;
	for (int i = 0; i < 3000; i++) {
		u32 order = (u32)rand() % 13, bits = (u32)rand() % 27;
		u64 start = (u64)rand() & ((1UL << bits) - 1);

		start |= rand() % 3 ? 0 : 1UL << 25;
		world_enter(rand() % 2 ? 1 : 0);
		call(cmds[rand() % 3] | start << MEMOP_EXTENT_SHIFT,
		     put_reservation(rand() % 8 ? 1 : 0, gfns, 1 + (u64)rand() % 2, order));
		assert_int_equal(world_free_frames(), before - domu->frames.nr);
		assert_true(domu->frames.nr <= 3000);
		assert_int_equal(dom0->frames.nr, 0);
	}
}

/* A large dirty block is scrubbed a few frames at a time. */
static void large_blocks_are_scrubbed_preemptibly(void **state)
{
	u64 g = 0x800;
	unsigned int restarts;

	domu->frames.max = 1000;
	host.preempt_always = true;
	world_enter(1);
	assert_int_equal(call_on(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 9),
				 &restarts),
			 1);
	assert_true(restarts > 100);
	assert_int_equal(domu->frames.nr, 512);
	/* What is at the limit anyway costs no scrubbing. */
	domu->frames.max = 512;
	assert_int_equal(call_on(XENMEM_populate_physmap, put_reservation(DOMID_SELF, &g, 1, 9),
				 &restarts),
			 0);
	assert_int_equal(restarts, 0);
}

static void dying_domain_gets_nothing(void **state)
{
	u64 g = 0x800, before = world_free_frames();

	domu->frames.dying = true;
	assert_int_equal(call(XENMEM_populate_physmap, put_reservation(1, &g, 1, 0)), 0);
	assert_int_equal(domu->frames.nr, 0);
	assert_int_equal(world_free_frames(), before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, balanced)
	const struct CMUnitTest tests[] = {
		T(queries),
		T(zero_arguments),
		T(bad_pointers),
		T(reserved_devices_and_vnuma),
		T(claims),
		T(exchange),
		T(direct_map_keeps_its_frames),
		T(fixed_ram_keeps_its_frames),
		T(decrease_gives_frames_back),
		T(decrease_takes_only_ram),
		T(populate),
		T(increase),
		T(control_domain_populates_others),
		T(refused_reservations),
		T(failures_everywhere),
		T(half_mapped_blocks),
		T(fault_inside_the_list),
		T(no_memory_left),
		T(preempted_between_extents),
		T(pages_taken_together),
		T(large_extents_in_pieces),
		T(large_extents_refused_at_once),
		T(large_extents_taken_back),
		T(starts_made_up),
		T(large_blocks_are_scrubbed_preemptibly),
		T(dying_domain_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
