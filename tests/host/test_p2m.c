/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/mm/p2m.c hyp/mm/frame.c hyp/mm/heap.c */
/* References of entries, shared pages at one place, removal, destruction with preemption. */
#include "world.h"

static struct domain *a, *b;

static int setup(void **state)
{
	world_init();
	a = &world[1];
	b = &world[2];
	return 0;
}

static struct frame *frame_of(u64 m)
{
	return mfn_to_frame(mfn(m));
}

static void map_and_look_up(void **state)
{
	u64 m = world_give_ram(a, 0x100, 3);
	enum p2m_type t;

	assert_int_equal(p2m_lookup(&a->p2m, gfn(0x105), &t).v, m + 5);
	assert_int_equal(t, P2M_RAM_RW);
	assert_int_equal(p2m_lookup(&a->p2m, gfn(0x108), &t).v, MFN_INVALID.v);
	assert_int_equal(t, P2M_INVALID);
	assert_int_equal(p2m_lookup(&a->p2m, gfn(0xff), NULL).v, MFN_INVALID.v);
	assert_int_equal(p2m_lookup(&a->p2m, GFN_INVALID, &t).v, MFN_INVALID.v);
	assert_int_equal(a->p2m.max_gfn, 0x107);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(0x105), 1), 0);
	assert_int_equal(p2m_lookup(&a->p2m, gfn(0x105), NULL).v, MFN_INVALID.v);
	assert_int_equal(p2m_lookup(&a->p2m, gfn(0x106), NULL).v, m + 6);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(0x100), 0), 0);
}

static void bounds(void **state)
{
	const u64 end = a->p2m.end;

	assert_int_equal(p2m_map(&a->p2m, gfn(5), mfn(5), 0, P2M_MMIO_DEV), -XEN_EINVAL);
	assert_int_equal(p2m_map(&a->p2m, gfn(end), mfn(5), 1, P2M_MMIO_DEV), -XEN_EINVAL);
	assert_int_equal(p2m_map(&a->p2m, gfn(end - 1), mfn(5), 2, P2M_MMIO_DEV), -XEN_EINVAL);
	assert_int_equal(p2m_map(&a->p2m, gfn(~0UL), mfn(5), 2, P2M_MMIO_DEV), -XEN_EINVAL);
	assert_int_equal(p2m_map(&a->p2m, gfn(0), mfn(5), ~0UL, P2M_MMIO_DEV), -XEN_EINVAL);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(end), 1), -XEN_EINVAL);
	assert_int_equal(p2m_map(&a->p2m, gfn(end - 1), mfn(5), 1, P2M_MMIO_DEV), 0);
	host.fail_p2m_in = 1;
	assert_int_equal(p2m_map(&a->p2m, gfn(7), mfn(5), 1, P2M_MMIO_DEV), -XEN_ENOMEM);
}

static void entries_hold_references(void **state)
{
	u64 m = world_give_ram(b, 0x10, 0), n = world_give_ram(b, 0x11, 0);

	for (enum p2m_type t = P2M_GRANT_RW; t <= P2M_FOREIGN_RO; t++) {
		assert_true(frame_get(frame_of(m), &b->frames));
		assert_int_equal(p2m_map(&a->p2m, gfn(5), mfn(m), 1, t), 0);
		assert_int_equal(frame_of(m)->refs, 2);
		/* Replaced by another page, then removed. */
		assert_true(frame_get(frame_of(n), &b->frames));
		assert_int_equal(p2m_map(&a->p2m, gfn(5), mfn(n), 1, t), 0);
		assert_int_equal(frame_of(m)->refs, 1);
		assert_int_equal(frame_of(n)->refs, 2);
		assert_int_equal(p2m_unmap(&a->p2m, gfn(5), 1), 0);
		assert_int_equal(frame_of(n)->refs, 1);
	}
	/* The last reference may be an entry's. */
	assert_true(frame_get(frame_of(m), &b->frames));
	assert_int_equal(p2m_map(&a->p2m, gfn(5), mfn(m), 1, P2M_FOREIGN_RW), 0);
	frame_release_range(&b->frames, frame_of(m), 1);
	assert_int_equal(b->frames.nr, 2);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(0), 100), 0);
	assert_int_equal(b->frames.nr, 1);
}

static void own_ram_is_not_referenced(void **state)
{
	u64 m = world_give_ram(a, 0x10, 0), n = world_give_ram(a, 0x11, 0);

	assert_int_equal(p2m_map(&a->p2m, gfn(0x10), mfn(n), 1, P2M_RAM_RW), 0);
	assert_int_equal(frame_of(m)->refs, 1);
	assert_int_equal(frame_of(n)->refs, 1);
}

static void get_frame(void **state)
{
	u64 m = world_give_ram(a, 0x10, 1), o = world_give_ram(b, 0x10, 0);
	struct frame *f;
	enum p2m_type t;

	f = p2m_get_frame(&a->p2m, gfn(0x10), true, &t);
	assert_ptr_equal(f, frame_of(m));
	assert_int_equal(t, P2M_RAM_RW);
	assert_int_equal(f->refs, 2);
	p2m_map(&a->p2m, gfn(0x11), mfn(m + 1), 1, P2M_RAM_RO);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x11), true, NULL));
	assert_ptr_equal(p2m_get_frame(&a->p2m, gfn(0x11), false, NULL), f + 1);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x12), false, &t));
	/* Devices and other domains' pages are no RAM of a. */
	p2m_map(&a->p2m, gfn(0x20), mfn(0x9000), 1, P2M_MMIO_DEV);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x20), false, &t));
	frame_get(frame_of(o), &b->frames);
	p2m_map(&a->p2m, gfn(0x21), mfn(o), 1, P2M_FOREIGN_RW);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x21), false, &t));
	/* An entry that is out of date names a frame that is somebody else's by now. */
	p2m_map(&a->p2m, gfn(0x22), mfn(o), 1, P2M_RAM_RW);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x22), false, &t));
	p2m_map(&a->p2m, gfn(0x22), mfn(1), 1, P2M_RAM_RW);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x22), false, &t));
	p2m_map_shared(&a->p2m, gfn(0x23), virt_to_mfn(a->shared_info));
	assert_non_null(p2m_get_frame(&a->p2m, gfn(0x23), true, &t));
	assert_int_equal(t, P2M_SHARED);
}

static void shared_at_one_place(void **state)
{
	mfn_t m = virt_to_mfn(a->shared_info);
	struct frame *f = mfn_to_frame(m);

	host.fail_p2m_in = 1;
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(5), m), -XEN_ENOMEM);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(~0UL - 3), m), -XEN_EINVAL);
	assert_int_equal(f->links, GFN_INVALID.v);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(5), m), 0);
	assert_int_equal(f->links, 5);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(6), m), -XEN_EBUSY);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(5), m), -XEN_EBUSY);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(5), 1), 0);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(6), m), 0);
	/* Mapping something else over it takes it away, too. */
	world_give_ram(a, 6, 0);
	assert_int_equal(f->links, GFN_INVALID.v);
	assert_int_equal(f->refs, 1);
}

/* The page of a domain that ends is given up before its tables are. */
static void shared_stays_while_mapped(void **state)
{
	u64 before = world_free_frames();
	void *va = heap_alloc_page();
	struct frame *f = mfn_to_frame(virt_to_mfn(va));

	frame_share(&a->frames, va);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(5), frame_to_mfn(f)), 0);
	assert_int_equal(f->refs, 2);
	frame_unshare(va);
	assert_int_equal(f->refs, 1);
	assert_int_equal(world_free_frames(), before - 1);
	assert_int_equal(p2m_map_shared(&b->p2m, gfn(6), frame_to_mfn(f)), -XEN_EINVAL);
	assert_int_equal(p2m_destroy(&a->p2m), 0);
	assert_int_equal(world_free_frames(), before);
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(6), frame_to_mfn(f)), -XEN_EINVAL);
}

static void destroying_goes_on_after_a_failure(void **state)
{
	u64 m = world_give_ram(b, 0, 0);

	frame_get(frame_of(m), &b->frames);
	p2m_map(&a->p2m, gfn(7), mfn(m), 1, P2M_FOREIGN_RW);
	host.fail_p2m_in = 1;
	assert_int_equal(p2m_destroy(&a->p2m), -XEN_ENOMEM);
	assert_int_equal(frame_of(m)->refs, 2);
	assert_int_equal(p2m_destroy(&a->p2m), 0);
	assert_int_equal(frame_of(m)->refs, 1);
}

static void nothing_is_mapped_while_destroyed(void **state)
{
	u64 m = world_give_ram(b, 0, 0);

	for (u64 i = 0; i < 300; i++)
		p2m_map(&a->p2m, gfn(2 * i), mfn(0x9000), 1, P2M_MMIO_DEV);
	host.preempt_always = true;
	assert_int_equal(p2m_destroy(&a->p2m), -XEN_ERESTART);
	frame_get(frame_of(m), &b->frames);
	assert_int_equal(p2m_map(&a->p2m, gfn(1), mfn(m), 1, P2M_FOREIGN_RW), -XEN_EINVAL);
	frame_put(frame_of(m));
	assert_int_equal(p2m_map_shared(&a->p2m, gfn(1), virt_to_mfn(a->shared_info)), -XEN_EINVAL);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(598), 1), 0);
	while (p2m_destroy(&a->p2m) == -XEN_ERESTART)
		;
	assert_int_equal(mfn_to_frame(virt_to_mfn(a->shared_info))->refs, 1);
}

static void take_ram(void **state)
{
	u64 m = world_give_ram(a, 0x100, 3), before = world_free_frames();

	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x102), 4, true), 4);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x102), 1, true), 0);
	/* The frames themselves stayed the domain's. */
	assert_int_equal(a->frames.nr, 8);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x100), 64, false), 2);
	assert_int_equal(a->frames.nr, 6);
	assert_int_equal(world_free_frames(), before + 2);
	assert_int_equal(frame_of(m)->allocated, 0);
	host.fail_p2m_in = 1;
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x106), 1, false), -XEN_ENOMEM);
	assert_int_equal(a->frames.nr, 6);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(~0UL), 1, false), 0);
	p2m_map(&a->p2m, gfn(0x20), mfn(0x9000), 1, P2M_MMIO_DEV);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x20), 1, false), 0);
}

/* Rows that are cut up, frames with references, one that is somebody else's; to the last gfn. */
static void take_ram_in_rows(void **state)
{
	u64 m = world_give_ram(a, 0x100, 4), o = world_give_ram(b, 0x100, 0);

	frame_get(frame_of(m + 5), &a->frames);
	frame_release_range(&a->frames, frame_of(m + 9), 1);
	p2m_map(&a->p2m, gfn(0x10b), mfn(o), 1, P2M_RAM_RW);
	for (u64 i = 0; i < 4; i++)
		p2m_map(&a->p2m, gfn(0x110 + i), mfn(m + 3 - i), 1, P2M_RAM_RO);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x104), 64, false), 16);
	assert_int_equal(a->frames.nr, 2); /* the referenced one, and what b's page replaced */
	assert_int_equal(frame_of(m + 5)->refs, 1);
	assert_int_equal(frame_of(o)->refs, 1);
	frame_put(frame_of(m + 5));
	assert_int_equal(a->frames.nr, 1);
	m = a->p2m.end;
	world_give_ram(a, m - 1, 0);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(m - 1), 64, false), 1);
}

/* Single pages: some at a time. One block: all of it. */
static void take_ram_some(void **state)
{
	u64 m;

	a->frames.max = 1000;
	m = world_give_ram(a, 0x1000, 8);
	for (u64 i = 0; i < 256; i++)
		p2m_map(&a->p2m, gfn(0x2000 + i), mfn(m + (i ^ 1)), 1, P2M_RAM_RW);
	assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x1000), 256, true), 256);
	for (int i = 0; i < 4; i++)
		assert_int_equal(p2m_take_ram(&a->p2m, gfn(0x2000 + i * 64UL), 256 - i * 64UL,
					      false),
				 64);
	assert_int_equal(a->frames.nr, 0);
}

static u64 pooled(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.pooled;
}

/* Tables come from the pool and return to it; free memory changes with the pool's size alone. */
static void pool_of_tables(void **state)
{
	u64 before = world_free_frames();
	void *t[3];

	assert_null(p2m_table_alloc(&a->p2m));
	assert_int_equal(p2m_set_pool(&a->p2m, 5), 0);
	assert_int_equal(p2m_set_pool(&b->p2m, 1), 0);
	assert_int_equal(world_free_frames(), before - 6);
	for (int i = 0; i < 3; i++) {
		t[i] = p2m_table_alloc(&a->p2m);
		assert_non_null(t[i]);
		memset(t[i], 0x77, PAGE_SIZE);
	}
	assert_int_equal(world_free_frames(), before - 6);
	assert_int_equal(pooled(), 3);
	/* More than there is changes nothing; less than is in use leaves just that. */
	assert_int_equal(p2m_set_pool(&a->p2m, 5 + before - 6 + 1), -XEN_ENOMEM);
	assert_int_equal(p2m_set_pool(&a->p2m, ~0UL), -XEN_ENOMEM);
	assert_int_equal(p2m_set_pool(&a->p2m, 1UL << 32), -XEN_ENOMEM);
	assert_int_equal(a->p2m.pool, 5);
	assert_int_equal(p2m_set_pool(&a->p2m, 2), -XEN_ENOMEM);
	assert_int_equal(a->p2m.pool, 3);
	assert_int_equal(world_free_frames(), before - 4);
	assert_null(p2m_table_alloc(&a->p2m));
	p2m_table_free(&a->p2m, t[0]);
	assert_int_equal(world_free_frames(), before - 4);
	t[0] = p2m_table_alloc(&a->p2m);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((u8 *)t[0])[i], 0);
	assert_int_equal(p2m_set_pool(&a->p2m, 5 + before - 6), 0);
	assert_int_equal(world_free_frames(), 0);
	assert_int_equal(p2m_set_pool(&a->p2m, 4), 0);
	/* At the end its pool goes first, then the tables one by one. */
	assert_int_equal(p2m_destroy(&a->p2m), 0);
	assert_int_equal(a->p2m.pool, 0);
	assert_int_equal(world_free_frames(), before - 4);
	assert_int_equal(p2m_set_pool(&a->p2m, 4), -XEN_EINVAL);
	for (int i = 0; i < 3; i++)
		p2m_table_free(&a->p2m, t[i]);
	assert_int_equal(world_free_frames(), before - 1);
	assert_int_equal(p2m_destroy(&a->p2m), 0);
	assert_int_equal(world_free_frames(), before - 1);
	assert_int_equal(pooled(), 1);
}

/* dom0's pool is set aside like any, but its tables are not made of it. */
static void tables_from_the_heap(void **state)
{
	u64 before = world_free_frames();
	void *t;

	a->p2m.from_heap = true;
	assert_int_equal(p2m_set_pool(&a->p2m, 1), 0);
	t = p2m_table_alloc(&a->p2m);
	assert_non_null(t);
	assert_int_equal(pooled(), 1);
	assert_int_equal(world_free_frames(), before - 2);
	assert_int_equal(a->p2m.heap_tables, 1);
	assert_int_equal(p2m_set_pool(&a->p2m, 0), 0);
	assert_int_equal(world_free_frames(), before - 1);
	p2m_table_free(&a->p2m, t);
	assert_int_equal(world_free_frames(), before);
	assert_int_equal(a->p2m.heap_tables, 0);
}

static u32 tables_left;
static u32 longest;

static void note_tables(void)
{
	longest = MAX(longest, tables_left - (u32)a->p2m.arch.nr_runs);
	tables_left = (u32)a->p2m.arch.nr_runs;
}

static void tables_are_freed_in_pieces(void **state)
{
	unsigned int restarts = 0;

	for (u64 i = 0; i < 1000; i++)
		p2m_map(&a->p2m, gfn(2 * i), mfn(0x9000), 1, P2M_MMIO_DEV);
	longest = 0;
	tables_left = 1000;
	host.poll_hook = note_tables;
	while (p2m_destroy(&a->p2m) == -XEN_ERESTART || restarts < 20) {
		host.preempt_always = !a->p2m.end;
		restarts++;
	}
	note_tables();
	assert_int_equal(tables_left, 0);
	assert_in_range(longest, 1, 64);
	/* One that was never made. */
	memset(&b->p2m, 0, sizeof(b->p2m));
	assert_int_equal(p2m_destroy(&b->p2m), 0);
}

static void destroy(void **state)
{
	u64 m = world_give_ram(b, 0, 4);
	unsigned int restarts = 0;
	int rc;

	world_give_ram(a, 0x5000, 2);
	for (u64 i = 0; i < 16; i++) {
		frame_get(frame_of(m + i), &b->frames);
		/* Far apart, so that there is something to walk. */
		p2m_map(&a->p2m, gfn(i * 0x100000), mfn(m + i), 1, P2M_FOREIGN_RW);
	}
	for (u64 i = 0; i < 300; i++)
		p2m_map(&a->p2m, gfn(0x10000 + 2 * i), mfn(0x9000), 1, P2M_MMIO_DEV);
	host.preempt_always = true;
	while ((rc = p2m_destroy(&a->p2m)) == -XEN_ERESTART)
		restarts++;
	assert_int_equal(rc, 0);
	assert_in_range(restarts, 5, 20);
	for (u64 i = 0; i < 16; i++)
		assert_int_equal(frame_of(m + i)->refs, 1);
	/* Whoever still has the domain finds nothing and changes nothing. */
	assert_int_equal(p2m_lookup(&a->p2m, gfn(0x5000), NULL).v, MFN_INVALID.v);
	assert_int_equal(p2m_map(&a->p2m, gfn(1), mfn(m), 1, P2M_RAM_RW), -XEN_EINVAL);
	assert_int_equal(p2m_unmap(&a->p2m, gfn(1), 1), -XEN_EINVAL);
	assert_null(p2m_get_frame(&a->p2m, gfn(0x5000), false, NULL));
	assert_int_equal(p2m_destroy(&a->p2m), 0);
	assert_int_equal(frame_release_all(&a->frames), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(map_and_look_up, setup),
		cmocka_unit_test_setup(bounds, setup),
		cmocka_unit_test_setup(entries_hold_references, setup),
		cmocka_unit_test_setup(own_ram_is_not_referenced, setup),
		cmocka_unit_test_setup(get_frame, setup),
		cmocka_unit_test_setup(shared_at_one_place, setup),
		cmocka_unit_test_setup(shared_stays_while_mapped, setup),
		cmocka_unit_test_setup(destroying_goes_on_after_a_failure, setup),
		cmocka_unit_test_setup(nothing_is_mapped_while_destroyed, setup),
		cmocka_unit_test_setup(take_ram, setup),
		cmocka_unit_test_setup(take_ram_in_rows, setup),
		cmocka_unit_test_setup(take_ram_some, setup),
		cmocka_unit_test_setup(pool_of_tables, setup),
		cmocka_unit_test_setup(tables_from_the_heap, setup),
		cmocka_unit_test_setup(tables_are_freed_in_pieces, setup),
		cmocka_unit_test_setup(destroy, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
