/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/plan.c hyp/boot/place.c
 * hyp/boot/kernel.c hyp/boot/kernel_elf.c hyp/boot/kernel_elf.c hyp/boot/seed.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c
 * hyp/core/cmdline.c hyp/core/options.c */
/* Which RAM becomes dom0's, what a kernel is, where things go in memory, seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <arch/host.h>
#include <arch/memory.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/errno.h>

#define MIB	   (1UL << 20)
#define RAM	   0x40000000UL
#define IMAGE	   0x40200000UL
#define IMAGE_SIZE 0x40000UL
#define K	   "/chosen/module@0x44000000"
#define R	   "/chosen/module@0x48000000"

static struct boot_info *const bi = &boot_info;
static void *fdt, *done;

static void put_image(u64 at, u64 text_offset, u64 image_size, u64 flags)
{
	u64 head[8] = { 0, text_offset, image_size, flags, 0, 0, 0, 0x644d5241 };

	for (size_t i = 0; i < sizeof(head); i++)
		*(u8 *)paddr_to_virt(at + i) = ((u8 *)head)[i];
}

static void set_reg(const char *path, u64 at, u64 size)
{
	tree_set_cells(fdt, path, "reg", (u32)(at >> 32), (u32)at, (u32)(size >> 32), (u32)size);
}

static int set_up(void **state)
{
	host_init(2);
	messages_clear();
	fdt = tree_data("qemu-virt.dts");
	set_reg("/memory@40000000", RAM, 512 * MIB);
	set_reg(K, 0x44000000, 24 * MIB + 100);
	set_reg(R, 0x48000000, 3 * MIB + 5);
	put_image(0x44000000, 0, 25 * MIB, 0xa);
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static int parse(void)
{
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, 0x4a000000, IMAGE, IMAGE + IMAGE_SIZE), 0);
	return bootinfo_check(bi);
}

#define assert_range(range, s, e)                          \
	do {                                               \
		assert_int_equal((range).start, (u64)(s)); \
		assert_int_equal((range).end, (u64)(e));   \
	} while (0)

static bool touches(const struct range *r, u32 nr, u64 start, u64 end)
{
	const struct range x = { start, end };

	for (u32 i = 0; i < nr; i++)
		if (ranges_overlap(&r[i], &x))
			return true;
	return false;
}

/* --- plan --- */

static u64 planned(u64 size)
{
	options.dom0_mem = size;
	if (builder_plan_dom0())
		return 0;
	return range_set_total(&bi->dom0_banks);
}

static void test_plan_in_place(void **state)
{
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(256 * MIB), 256 * MIB);
	assert_int_equal(bi->dom0_banks.nr, 1);
	assert_range(bi->dom0_banks.r[0], 0x44000000, 0x54000000);
	/* So much that the window has to go below the kernel. */
	assert_int_equal(planned(464 * MIB), 464 * MIB);
	assert_int_equal(bi->dom0_banks.nr, 1);
	assert_true(bi->dom0_banks.r[0].start < 0x44000000);
	assert_int_equal(bi->dom0_banks.r[0].start % BLOCK_SIZE, 0);
	/* Nothing where the hypervisor's image makes the grant region. */
	assert_true(bi->dom0_banks.r[0].start >= 0x40400000);
	/* What the frame table needs stays in one piece, wherever that is. */
	for (u64 size = 64 * MIB; planned(size) == size; size += BLOCK_SIZE) {
		const struct range *b = &bi->dom0_banks.r[0];
		u64 below = b->start - 0x40400000, above = RAM + 512 * MIB - b->end;

		assert_int_equal(bi->dom0_banks.nr, 1);
		assert_true(b->start <= 0x44000000 && b->end >= 0x44000000 + 28 * MIB);
		assert_true(below >= 6 * MIB || above >= 6 * MIB);
	}
}

static void test_plan_limits(void **state)
{
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(512 * MIB), 0);
	assert_said("dom0_mem=512M: does not fit: of 512 MiB RAM at most ");
	/* Without the option: what fits. */
	messages_clear();
	assert_true(planned(0) > 400 * MIB);
	assert_true(range_set_total(&bi->dom0_banks) < 500 * MIB);
	assert_silent();
}

static void test_plan_modules_far(void **state)
{
	/* Kernel at the end of RAM, ramdisk at its beginning. */
	set_reg(K, 0x5e000000, 24 * MIB);
	set_reg(R, 0x40100000, 0x80000);
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(256 * MIB), 256 * MIB);
	assert_range(bi->dom0_banks.r[0], 0x50000000, 0x60000000);

	/* The kernel cannot stay where it is: its memory is left out. */
	again();
	set_reg(K, 0x44001000, 24 * MIB);
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(256 * MIB), 256 * MIB);
	assert_false(touches(bi->dom0_banks.r, bi->dom0_banks.nr, 0x44001000, 0x45801000));
	/* Unless there is nothing else. */
	assert_int_equal(planned(460 * MIB), 460 * MIB);
}

static void test_plan_holes(void **state)
{
	/* RAM in pieces: bank by bank, never over a hole. */
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, RAM, 0, 0x8000000, 0, 0x50000000, 0,
		       0x4000000, 0, 0x58000000, 0, 0x8000000);
	set_reg(R, 0x47000000, 0x80000);
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(256 * MIB), 256 * MIB);
	assert_int_equal(bi->dom0_banks.nr, 3);
	for (u32 i = 0; i < 3; i++)
		assert_non_null(range_set_find(&bi->banks, bi->dom0_banks.r[i].start,
					       bi->dom0_banks.r[i].end));
	assert_non_null(range_set_find(&bi->dom0_banks, 0x44000000, 0x45c00000));
}

static void test_plan_reserved(void **state)
{
	tree_ok(fdt_add_mem_rsv(fdt, 0x50000000, 0x1000));
	assert_int_equal(parse(), 0);
	assert_int_equal(planned(256 * MIB), 256 * MIB);
	assert_false(touches(bi->dom0_banks.r, bi->dom0_banks.nr, 0x50000000, 0x50001000));
}

/* --- kernels --- */

static int probe(u64 at, u64 size, struct kernel_image *image)
{
	struct boot_module m = { .start = at, .size = size, .image = at, .image_size = size };

	messages_clear();
	return kernel_probe(bi, &m, image);
}

static void test_kernel_image(void **state)
{
	struct kernel_image image;

	assert_int_equal(parse(), 0);
	assert_int_equal(probe(0x44000000, 24 * MIB, &image), 0);
	assert_int_equal(image.text_offset, 0);
	assert_int_equal(image.size, 25 * MIB);
	assert_int_equal(image.file_size, 24 * MIB);
	/* A file longer than it says; a header over the end of a page; text_offset. */
	put_image(0x44000fe0, 0x80000, MIB, 0xa);
	assert_int_equal(probe(0x44000fe0, 2 * MIB, &image), 0);
	assert_int_equal(image.size, 2 * MIB);
	assert_int_equal(image.text_offset, 0x80000);

	put_image(0x44000000, 0, 0, 0);
	assert_int_equal(probe(0x44000000, MIB, &image), -XEN_EINVAL);
	assert_said("older than Linux 3.17");
	put_image(0x44000000, 0, MIB, 1);
	assert_int_equal(probe(0x44000000, MIB, &image), -XEN_EINVAL);
	assert_said("big-endian");
	put_image(0x44000000, 0x200000, MIB, 0);
	assert_int_equal(probe(0x44000000, MIB, &image), -XEN_EINVAL);
	assert_said("makes no sense");
	put_image(0x44000000, 8, MIB, 0);
	assert_int_equal(probe(0x44000000, MIB, &image), -XEN_EINVAL);
	put_image(0x44000000, 0, 1UL << 60, 0);
	assert_int_equal(probe(0x44000000, MIB, &image), -XEN_EINVAL);
	put_image(0x44000000, 0, MIB, 0);
	assert_int_equal(probe(0x44000000, 63, &image), -XEN_EINVAL);
	assert_int_equal(probe(0x44000000, 64, &image), 0);
}

static void test_kernel_mistakes(void **state)
{
	static const struct {
		u32 offset;
		const char *bytes;
		u32 len;
		const char *said;
	} cases[] = {
		{ 0, "\x1f\x8b\x08", 3, "the kernel at 0x50000000 is a gzip file" },
		{ 0, "\xfd" "7zXZ\0", 6, "an xz file" },
		{ 0, "\x28\xb5\x2f\xfd", 4, "a zstd file" },
		{ 4, "zimg", 4, "a compressed EFI kernel" },
		{ 0, "\x7f" "ELF", 4, "an ELF file" },
		{ 0, "\x27\x05\x19\x56", 4, "uImage" },
		{ 0, "\xd0\x0d\xfe\xed", 4, "a device tree" },
		{ 0x24, "\x01\x6f\x28\x18", 4, "a big-endian zImage" },
		{ 0, "070701", 6, "a cpio archive" },
		{ 0, "hello you", 9, "the first bytes are 68 65 6c 6c 6f 20 79 6f" },
	};
	struct kernel_image image;

	assert_int_equal(parse(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(paddr_to_virt(0x50000000), 0, 64);
		memcpy(paddr_to_virt(0x50000000 + cases[i].offset), cases[i].bytes, cases[i].len);
		assert_int_equal(probe(0x50000000, MIB, &image), -XEN_EINVAL);
		assert_said(cases[i].said);
	}
	memset(paddr_to_virt(0x50000000), 0, 64);
	assert_int_equal(probe(0x50000000, 1, &image), -XEN_EINVAL);
	assert_said("no kernel at 0x50000000: the first bytes are 00 00");
}

/* --- placement --- */

static bool inside(const struct range *r, const struct range_set *banks)
{
	return range_set_find(banks, r->start, r->end) != NULL;
}

/* Random banks and modules: whatever is placed is inside, aligned and apart. */
static void test_place_random(void **state)
{
	struct range r[4];
	struct range_set banks = { 0, 4, r };
	u32 placed = 0, in_place = 0, copied = 0;

	srand(3);
	for (int i = 0; i < 100000; i++) {
		u64 base = (u64)rand() % 64 * MIB;
		struct kernel_image image = { .text_offset = rand() % 3 ? 0 : 0x80000 };
		struct layout l = { .banks = &banks };
		bool ok;

		range_set_clear(&banks);
		for (int b = rand() % 3; b >= 0; b--) {
			u64 start = base + (u64)(rand() % 100) * MIB;

			range_set_add(&banks, start, start + (u64)(1 + rand() % 64) * MIB);
		}
		image.file_size = 1 + (u64)rand() % (20 * MIB);
		image.size = image.file_size + (u64)rand() % (4 * MIB);
		l.kernel_source.start = base + (u64)(rand() % 100) * MIB +
					(rand() % 2 ? image.text_offset : (u64)rand() % MIB);
		l.kernel_source.end = l.kernel_source.start + image.file_size;
		if (rand() % 4) {
			l.ramdisk_source.start = l.kernel_source.end + (u64)(rand() % 40) * MIB;
			if (rand() % 2)
				l.ramdisk_source.start &= PAGE_MASK;
			if (l.ramdisk_source.start < l.kernel_source.end)
				l.ramdisk_source.start = ROUND_UP(l.kernel_source.end, PAGE_SIZE);
			l.ramdisk_source.end = l.ramdisk_source.start + 1 + (u64)rand() % (8 * MIB);
		}
		ok = layout_place_modules(&l, &image) == 0 && layout_place_fdt(&l, 0x5000) == 0;
		if (!ok)
			continue;
		placed++;
		assert_true(inside(&l.kernel, &banks) && inside(&l.fdt, &banks));
		assert_int_equal(range_size(&l.kernel), image.size);
		assert_int_equal((l.kernel.start - image.text_offset) % BLOCK_SIZE, 0);
		assert_int_equal(l.fdt.start % BLOCK_SIZE, 0);
		assert_false(ranges_overlap(&l.fdt, &l.kernel));
		if (l.kernel.start == l.kernel_source.start)
			in_place++;
		else
			assert_false(ranges_overlap(&l.kernel, &l.kernel_source));
		if (!range_size(&l.ramdisk_source))
			continue;
		assert_true(inside(&l.ramdisk, &banks));
		assert_int_equal(range_size(&l.ramdisk), range_size(&l.ramdisk_source));
		assert_int_equal(l.ramdisk.start % PAGE_SIZE, 0);
		assert_false(ranges_overlap(&l.ramdisk, &l.kernel));
		assert_false(ranges_overlap(&l.ramdisk, &l.fdt));
		if (l.ramdisk.start == l.ramdisk_source.start)
			continue;
		copied++;
		/* It is copied first: the kernel's source must survive that. */
		assert_false(ranges_overlap(&l.ramdisk, &l.kernel_source));
		assert_false(ranges_overlap(&l.ramdisk, &l.ramdisk_source));
	}
	assert_true(placed > 20000 && in_place > 2000 && copied > 5000);
}

/* --- seeds --- */

static void test_seed(void **state)
{
	/* RFC 8439, 2.3.2: key 00..1f, counter 1, nonce 00000009 0000004a 00000000. */
	static const u8 want[16] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
				     0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4 };
	u8 key[32], out[128], other[128];

	for (u32 i = 0; i < 32; i++)
		key[i] = (u8)i;
	seed_derive(key, 32, 0x09000000, 0x4a000000, out, sizeof(out));
	assert_memory_equal(out + 64, want, sizeof(want));
	seed_derive(key, 32, 0x09000001, 0x4a000000, other, sizeof(other));
	assert_memory_not_equal(out, other, 8);
	seed_derive(key, 32, 0x09000000, 0x4a000001, other, sizeof(other));
	assert_memory_not_equal(out, other, 8);
	key[31] ^= 1;
	seed_derive(key, 32, 0x09000000, 0x4a000000, other, sizeof(other));
	assert_memory_not_equal(out, other, 8);
	memset(other, 0x55, sizeof(other));
	seed_derive(key, 32, 1, 1, other, 65);
	assert_int_equal(other[65], 0x55);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plan_in_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plan_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plan_modules_far, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plan_holes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plan_reserved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kernel_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kernel_mistakes, set_up, tear_down),
		cmocka_unit_test(test_place_random),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
