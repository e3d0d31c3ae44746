/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/guest.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c
 * hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c hyp/boot/static_ram.c hyp/boot/shm.c hyp/boot/channels.c */
/*
 * Guests whose memory the device tree places: which frames they get and see where, and that these
 * are nobody else's, also when the guest is gone.
 */
#include "guests_house.h"

#define D1  "/chosen/domU1"
#define MEM "xen,static-mem"

static u64 host_address(u32 id, u64 gpa)
{
	return (u64)mfn_to_paddr(p2m_lookup(&f.dom[id].p2m, gfn(gpa >> PAGE_SHIFT), NULL)) +
	       gpa % PAGE_SIZE;
}

static void test_pieces(void **state)
{
	u64 base = GUEST_RAM0_BASE;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 14 * MIB);
	/* The higher one first, not on a block's boundary. */
	tree_set_cells(fdt, D1, MEM, 0, RAM + 80 * MIB, 0, 5 * MIB, 0, RAM + 64 * MIB + 0x3000, 0,
		       9 * MIB);
	assert_int_equal(start(), 0);
	assert_said("domU1: d1, 14 MiB static, 1 vcpu\n");
	load(1);
	load(2);
	assert_int_equal(host_address(1, base), RAM + 80 * MIB);
	assert_int_equal(host_address(1, base + 5 * MIB - 1), RAM + 85 * MIB - 1);
	assert_int_equal(host_address(1, base + 5 * MIB), RAM + 64 * MIB + 0x3000);
	assert_int_equal(host_address(1, base + 14 * MIB - 1), RAM + 73 * MIB + 0x2fff);
	assert_file(1, base, K_SIZE, 1, 64);
	assert_file(1, base + 6 * MIB, R_SIZE, 2, 0);
	assert_zero_pages(1, base + 10 * MIB, base + 14 * MIB);
	take_tree(1);
	assert_cells("/memory@40000000", "reg", 0, (u32)base, 0, 14 * MIB);
	assert_int_equal(f.cfg[1].flags, 0);
	assert_int_equal(f.dom[1].frames.nr, 14 * MIB / PAGE_SIZE);
	assert_int_equal(f.dom[1].fixed_ram->nr, 2);
}

/* No frame of it comes to the heap: while it lives, when it dies, loaded or not. */
static void test_never_the_heaps(void **state)
{
	const u64 first = (RAM + 64 * MIB) >> PAGE_SHIFT, nr = 12 * MIB / PAGE_SIZE;
	struct frame *frame;

	for (int loaded = 0; loaded < 2; loaded++) {
		u32 got = 0;

		again();
		add_guest("domU1", 1, 12 * MIB);
		tree_set_cells(fdt, D1, MEM, 0, RAM + 64 * MIB, 0, 12 * MIB);
		assert_int_equal(start(), 0);
		if (loaded)
			load(1);
		assert_int_equal(domain_kill(&f.dom[1]), 0);
		while ((frame = frame_alloc(0, FRAME_NO_SCRUB))) {
			u64 m = frame_to_mfn(frame).v;

			assert_false(m >= first && m < first + nr);
			got++;
		}
		assert_true(got > 1000);
		for (u64 m = first; m < first + nr; m++)
			assert_int_equal(mfn_to_frame(mfn(m))->state, FRAME_RESERVED);
	}
}

/* Somebody else still has a page of it when it dies. */
static void test_last_reference(void **state)
{
	struct frame *frame;

	add_guest("domU1", 1, 12 * MIB);
	tree_set_cells(fdt, D1, MEM, 0, RAM + 64 * MIB, 0, 12 * MIB);
	assert_int_equal(start(), 0);
	load(1);
	frame = mfn_to_frame(paddr_to_mfn(RAM + 65 * MIB));
	assert_true(frame_get(frame, &f.dom[1].frames));
	while (launch_domain_destroy(&f.dom[1]) || p2m_destroy(&f.dom[1].p2m) ||
	       frame_release_all(&f.dom[1].frames))
		;
	assert_int_equal(f.dom[1].frames.nr, 1);
	assert_int_equal(frame->state, FRAME_DOMAIN);
	frame_put(frame);
	assert_int_equal(f.dom[1].frames.nr, 0);
	assert_int_equal(frame->word, 0);
	f.dom[1].p2m.end = 0;
}

static void test_direct_map(void **state)
{
	u64 base = RAM + 64 * MIB;

	add_guest("domU1", 2, 14 * MIB);
	tree_set_cells(fdt, D1, MEM, 0, RAM + 96 * MIB, 0, 2 * MIB, 0, (u32)base, 0, 12 * MIB);
	tree_set(fdt, D1, "direct-map", NULL, 0);
	tree_set(fdt, D1, "vpl011", NULL, 0);
	tree_set_string(fdt, D1, "xen,enhanced", "no-xenstore");
	f.host_uart = (struct uart){ .base = 0x9000000, .size = 0x1000, .irq = 33 };
	assert_int_equal(start(), 0);
	assert_said("domU1: d1, 14 MiB static, direct mapped, 2 vcpus\n");
	assert_said("domU1: kernel 0x44000000 (copied)");
	load(1);
	assert_int_equal(f.cfg[1].flags, DOMAIN_DIRECT_MAP);
	assert_int_equal(host_address(1, base), base);
	assert_int_equal(host_address(1, RAM + 97 * MIB), RAM + 97 * MIB);
	assert_file(1, base, K_SIZE, 1, 64);
	assert_zero_pages(1, RAM + 96 * MIB, RAM + 98 * MIB);
	assert_int_equal(f.uart_at[1].base, 0x9000000);
	assert_int_equal(f.uart_at[1].spi, 33);
	take_tree(1);
	assert_cells("/memory@44000000", "reg", 0, (u32)base, 0, 12 * MIB, 0, RAM + 96 * MIB, 0,
		     2 * MIB);
	assert_cells("/interrupt-controller@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000,
		     0, 0xf60000);
	assert_cells("/sbsa-uart@9000000", "reg", 0, 0x9000000, 0, 0x1000);
	assert_cells("/sbsa-uart@9000000", "interrupts", 0, 1, 0xf04);
	/* Grants where the hypervisor is; other pages in RAM that is not its own. */
	assert_cells("/hypervisor", "reg", 0, IMAGE, 0, GRANT_REGION_SIZE);

	/* As everywhere without direct-map. */
	again();
	add_guest("domU1", 1, 12 * MIB);
	tree_set_cells(fdt, D1, MEM, 0, (u32)base, 0, 12 * MIB);
	tree_set(fdt, D1, "vpl011", NULL, 0);
	assert_int_equal(start(), 0);
	assert_int_equal(f.uart_at[1].base, GUEST_PL011_BASE);
	assert_int_equal(f.uart_at[1].spi, 32);
}

static void test_direct_map_refused(void **state)
{
	static const struct {
		struct uart uart;
		u32 nr_spis;
		const char *want;
	} cases[] = {
		{ { .size = 0 }, 40, "vpl011: with direct-map it takes the place of the console's" },
		{ { .base = 0x9000000, .size = 0x800, .irq = 33 }, 40, "takes the place" },
		{ { .base = 0x9000000, .size = 0x1000 }, 40, "takes the place" },
		{ { .base = 0x9000000, .size = 0x1000, .irq = 72 }, 40,
		  "domU1: nr_spis = <40>: too few for vpl011, which with direct-map has the "
		  "console's interrupt; write nr_spis = <41>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		again();
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		tree_set_cells(fdt, D1, MEM, 0, RAM + 64 * MIB, 0, 12 * MIB);
		tree_set(fdt, D1, "direct-map", NULL, 0);
		tree_set(fdt, D1, "vpl011", NULL, 0);
		tree_set_cells(fdt, D1, "nr_spis", cases[i].nr_spis);
		f.host_uart = cases[i].uart;
		assert_int_equal(start(), 0);
		assert_said(cases[i].want);
		assert_said("domU1: left out; the others go on");
		assert_false(f.exists[1]);
		load(2);
	}
}

/* Every allocation fails once: nothing is lost, the others go on. */
static void test_no_memory(void **state)
{
	add_guest("domU1", 1, 12 * MIB);
	tree_set_cells(fdt, D1, MEM, 0, RAM + 64 * MIB, 0, 12 * MIB);
	assert_int_equal(prepare(), 0);
	no_memory = true;
	assert_int_equal(builder_start(), -XEN_ENODEV);
	assert_said("domU1: no memory for its page tables");
	assert_false(f.exists[1]);
}

/* Guests and dom0's memory come from the static heap alone. */
static void test_static_heap(void **state)
{
	u64 low = RAM + 64 * MIB, high = RAM + 112 * MIB;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	tree_set_cells(fdt, D1, MEM, 0, RAM + 48 * MIB, 0, 12 * MIB);
	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, (u32)low, 0, (u32)(high - low));
	assert_int_equal(start(), 0);
	assert_int_equal(f.heap_free, (high - low) / PAGE_SIZE);
	load(1);
	load(2);
	for (u64 off = 0; off < 12 * MIB; off += PAGE_SIZE) {
		u64 at = host_address(2, GUEST_RAM0_BASE + off);

		assert_true(at >= low && at < high);
	}
	assert_int_equal(host_address(1, GUEST_RAM0_BASE), RAM + 48 * MIB);
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_int_equal(domain_kill(&f.dom[2]), 0);
	/* The files were outside, and nothing else came to the heap; the copy of the tree stays. */
	assert_true(free_frames() <= f.heap_free && free_frames() + 16 > f.heap_free);

	again();
	options.dom0_mem = 24 * MIB;
	add_module("/chosen", "kernel@0", "kernel", KERNEL, K_SIZE);
	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, (u32)low, 0, (u32)(high - low));
	assert_int_equal(prepare(), 0);
	assert_int_equal(bi->dom0_banks.nr, 1);
	assert_true(bi->dom0_banks.r[0].start >= low && bi->dom0_banks.r[0].end <= high);
}

/* The pool goes into the domain's configuration; without CPUs the guest is left out. */
static void test_pools(void **state)
{
	for (int up = 0; up < 2; up++) {
		again();
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		tree_add(fdt, "/chosen", "pool");
		tree_set_string(fdt, "/chosen/pool", "compatible", "xen,cpupool");
		tree_set_cells(fdt, "/chosen/pool", "phandle", 0x9001);
		tree_set_cells(fdt, "/cpus/cpu@0", "phandle", 0x9000);
		tree_set_cells(fdt, "/chosen/pool", "cpupool-cpus", 0x9000);
		if (up)
			tree_set_string(fdt, "/chosen/pool", "cpupool-sched", "null");
		tree_set_cells(fdt, D1, "domain-cpupool", 0x9001);
		assert_int_equal(start(), 0);
		assert_ptr_equal(f.cfg[2].pool, pools_find(-1));
		assert_int_equal(f.exists[1], up);
		if (up)
			assert_ptr_equal(f.cfg[1].pool, pools_find(0));
		else
			assert_said("domU1: domain-cpupool: none of its CPUs is up");
		if (up)
			load(1);
		load(2);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_pieces),
		TEST(test_never_the_heaps),
		TEST(test_last_reference),
		TEST(test_direct_map),
		TEST(test_direct_map_refused),
		TEST(test_no_memory),
		TEST(test_static_heap),
		TEST(test_pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
