/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c
 * hyp/core/cmdline.c hyp/core/options.c */
/* RAM that a tree describes wrongly, and RAM with holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <serai/boot.h>
#include <serai/errno.h>

#define K "/chosen/module@0x44000000"

static struct boot_info *const bi = &boot_info;
static void *fdt, *done;

static int set_up(void **state)
{
	fdt = tree_data("qemu-virt.dts");
	messages_clear();
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

static int parse(void)
{
	done = tree_done(fdt);
	fdt = NULL;
	return bootinfo_parse(done, 0x4a000000, 0x40200000, 0x40290000);
}

static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static u64 ram_end, asked_last;

static bool is_memory(paddr_t pa)
{
	asked_last = MAX(asked_last, pa);
	assert_int_equal(pa % 4, 0);
	/* The hypervisor's own place, and the boot loader's files, are not for trying. */
	assert_null(range_set_find(&bi->reserved, pa, pa + 1));
	assert_false(pa >= bi->image.start && pa < bi->image.end);
	assert_false(pa >= bi->fdt_range.start && pa < bi->fdt_range.end);
	for (u32 i = 0; i < bi->nr_modules; i++)
		assert_false(pa - bi->modules[i].start < bi->modules[i].size);
	return pa < ram_end;
}

/* One bank, from 0 over the GIC at 128 MiB to the real RAM: as an emulator once wrote it. */
static void trim(u64 end)
{
	again();
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, 0, 0, 0x80000000);
	tree_set_cells(fdt, K, "reg", 0, 0x1000000, 0, 0x1000000);
	tree_add(fdt, "/", "reserved-memory");
	tree_set(fdt, "/reserved-memory", "ranges", NULL, 0);
	tree_add(fdt, "/reserved-memory", "firmware@3000000");
	tree_set_cells(fdt, "/reserved-memory/firmware@3000000", "reg", 0, 0x3000000, 0, 0x1000);
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->banks.nr, 1);
	assert_int_equal(bi->reserved.nr, 1);
	ram_end = end;
	asked_last = 0;
	bootinfo_trim_memory(bi, is_memory);
	assert_true(asked_last < 0x8000000);
	assert_said("memory from 0 to 0x7fffffff holds the interrupt controller at 0x8000000");
}

static void test_memory_over_devices(void **state)
{
	static const u64 ends[] = { 0x200000, 0x2000000, 0x3200000, 0x7e00000, 0x8000000 };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		trim(ends[i]);
		assert_int_equal(bi->banks.nr, 1);
		assert_int_equal(bi->banks.r[0].start, 0);
		assert_int_equal(bi->banks.r[0].end, ends[i]);
	}
	trim(0x9000000); /* it goes on in front of the GIC: up to there */
	assert_int_equal(bi->banks.r[0].end, 0x8000000);
	trim(0);
	assert_int_equal(bi->banks.nr, 0);

	/* A tree without contradiction: nobody is asked. */
	again();
	assert_int_equal(parse(), 0);
	asked_last = ram_end = 0;
	bootinfo_trim_memory(bi, is_memory);
	assert_int_equal(asked_last, 0);
	assert_int_equal(bi->banks.nr, 1);
	assert_silent();
}

static void test_table_size(void **state)
{
	static const u64 gib = 1UL << 30, mib = 1UL << 20;
	static const struct {
		struct range banks[3];
		u64 kib;
	} cases[] = {
		/* 16 bytes for each 4 KiB. */
		{ { { gib, 2 * gib } }, 4096 },
		{ { { 0, 960 * mib } }, 3840 },
		/* Holes that leave no piece of 512 MiB out. */
		{ { { 0, gib }, { gib + 4096, 2 * gib } }, 8192 },
		{ { { 0, 512 * mib + 4096 }, { 1536 * mib - 4096, 2 * gib } }, 8192 },
		/* One piece is unused: it would take its own place. */
		{ { { 0, 512 * mib }, { gib, 2 * gib } }, 8192 },
		/* Two, three, sixty: one of them is there for all. */
		{ { { 0, 512 * mib }, { 1536 * mib, 2 * gib } }, 6144 },
		{ { { 0, 512 * mib }, { gib, gib + 4096 }, { 3 * gib, 4 * gib } }, 10240 },
		{ { { 0, 2 * gib }, { 32 * gib, 34 * gib } }, 18432 },
		{ { { 0x80000000, 0x100000000 }, { 0x880000000, 0x8c0000000 } }, 14336 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		range_set_clear(&bi->banks);
		for (size_t b = 0; b < 3; b++)
			assert_int_equal(range_set_add(&bi->banks, cases[i].banks[b].start,
						       cases[i].banks[b].end), 0);
		assert_int_equal(bootinfo_table_size(bi) >> 10, cases[i].kib);
	}
	assert_true(bootinfo_table_piece_used(bi, 3));
	assert_false(bootinfo_table_piece_used(bi, 4));
	assert_false(bootinfo_table_piece_used(bi, 63));
	assert_true(bootinfo_table_piece_used(bi, 64));
	range_set_clear(&bi->banks);
	assert_int_equal(bootinfo_table_size(bi), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_over_devices, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_table_size, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
