/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/guest.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c
 * hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c hyp/boot/static_ram.c hyp/boot/shm.c hyp/boot/channels.c */
/*
 * Kernels that are not loaded as they are in their files: packed by gzip, ELF, both. What the guest
 * has in its RAM, what is refused in which words, and that the heap has everything back.
 */
#include "guests_house.h"
#include <zlib.h>

#define E_MAX 0x8000

/* Leaves what was at KERNEL there, packed; its size. */
static u32 pack_kernel(u64 size)
{
	static u8 out[4 * MIB];
	z_stream z = { .next_in = paddr_to_virt(KERNEL), .avail_in = (uInt)size, .next_out = out,
		       .avail_out = sizeof(out) };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	memset(paddr_to_virt(KERNEL), GARBAGE, size);
	memcpy(paddr_to_virt(KERNEL), out, z.total_out);
	return (u32)z.total_out;
}

static void set_kernel_size(const char *domain, u32 size)
{
	char path[64];

	snprintf(path, sizeof(path), "/chosen/%s/kernel@0", domain);
	tree_set_cells(fdt, path, "reg", 0, KERNEL, 0, size);
}

/* --- gzip --- */

static void test_gzip(void **state)
{
	u32 size;
	u64 before;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	size = pack_kernel(K_SIZE);
	set_kernel_size("domU1", size);
	set_kernel_size("domU2", size);
	assert_int_equal(prepare(), 0);
	before = free_frames();
	assert_int_equal(builder_start(), 0);
	assert_said("kernel at 0x41000000: unpacked, 3072 KiB");
	load(2);
	load(1);
	for (u32 id = 1; id <= 2; id++) {
		assert_int_equal(f.pc[id], GUEST_RAM0_BASE);
		assert_file(id, GUEST_RAM0_BASE, K_SIZE, 1, 64);
		assert_int_equal(domain_kill(&f.dom[id]), 0);
	}
	/* All, and the files' own memory besides. */
	assert_true(free_frames() > before);
	before = free_frames();
	again();
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	load(1);
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_true(free_frames() >= before - 2); /* the loader's tree was copied, too */
}

/* Damaged, cut short, too long by reg, or there is no memory: only who names it is left out. */
static void test_gzip_refused(void **state)
{
	static const struct {
		int damage, size;
		const char *want;
	} cases[] = {
		{ 1000, 0, "is a gzip file that is damaged, or reg is not its size" },
		{ 0, -1, "is a gzip file that is damaged" },
		{ 0, 1, "is a gzip file that is damaged" },
		{ 0, -1000, "is a gzip file that is damaged" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 size;
		u64 before;

		again();
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		size = pack_kernel(K_SIZE);
		*((u8 *)paddr_to_virt(KERNEL) + cases[i].damage) ^= cases[i].damage ? 4 : 0;
		set_kernel_size("domU1", size + (u32)cases[i].size);
		put_file(0x46000000, K_SIZE, 1);
		memcpy(paddr_to_virt(0x46000000), (const u64[8]){ 0, 0, MIB, 0xa, 0, 0, 0, 0x644d5241 },
		       64);
		tree_set_cells(fdt, "/chosen/domU2/kernel@0", "reg", 0, 0x46000000, 0, K_SIZE);
		assert_int_equal(prepare(), 0);
		before = free_frames();
		assert_int_equal(builder_start(), 0);
		assert_said("/chosen/domU1/kernel@0: the kernel at 0x41000000 is a gzip file");
		assert_said(cases[i].want);
		assert_false(f.exists[1]);
		assert_true(f.exists[2]);
		load(2);
		assert_int_equal(domain_kill(&f.dom[2]), 0);
		assert_true(free_frames() >= before);
	}
	again();
	add_guest("domU1", 1, 12 * MIB);
	set_kernel_size("domU1", 17);
	pack_kernel(K_SIZE);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("is a gzip file that is damaged or cut short");
	/* More than there is memory, or than can be in so few bytes. */
	again();
	add_guest("domU1", 1, 12 * MIB);
	set_kernel_size("domU1", 1000);
	pack_kernel(K_SIZE);
	memcpy((u8 *)paddr_to_virt(KERNEL) + 996, (const u32[]){ 1032 * 1000 + 1032 }, 4);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("is a gzip file that is damaged or cut short");
	again();
	add_guest("domU1", 1, 12 * MIB);
	set_kernel_size("domU1", 2 * MIB);
	pack_kernel(K_SIZE);
	memcpy((u8 *)paddr_to_virt(KERNEL) + 2 * MIB - 4, (const u32[]){ 1000 * MIB }, 4);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("there is not enough free memory in one piece to unpack it");
	/* Packed twice. */
	again();
	add_guest("domU1", 1, 12 * MIB);
	set_kernel_size("domU1", pack_kernel(pack_kernel(K_SIZE)));
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("is a gzip file in a gzip file; pack it once");
}

static void test_strict(void **state)
{
	options.dom0less_strict = true;
	add_guest("domU1", 1, 12 * MIB);
	set_kernel_size("domU1", pack_kernel(K_SIZE) - 1);
	assert_int_equal(start(), -XEN_EINVAL);
	assert_said("dom0less=strict: then none is");
}

/* --- ELF --- */

struct segment {
	u64 offset, vaddr, paddr, filesz, memsz;
};

static void put(u64 at, u64 v, u32 size)
{
	memcpy((u8 *)paddr_to_virt(KERNEL) + at, &v, size);
}

/* A file of E_MAX bytes with these segments; class 1 or 2. */
static void put_elf(u32 class, u64 entry, const struct segment *s, u32 nr)
{
	u32 word = class == 2 ? 8 : 4, head = class == 2 ? 64 : 52, size = class == 2 ? 56 : 32;

	put_file(KERNEL, E_MAX, 3);
	memset(paddr_to_virt(KERNEL), 0, head);
	put(0, 0x464c457f, 4);
	put(4, class | 0x100, 2);
	put(16, 2, 2);
	put(18, class == 2 ? 183 : 40, 2);
	put(24, entry, word);
	put(24 + word, head, word);
	put(head - 10, size, 2);
	put(head - 8, nr, 2);
	for (u32 i = 0; i < nr; i++) {
		u64 at = head + i * size, o = at + (class == 2 ? 8 : 4);

		put(at, 1, 4);
		put(o, s[i].offset, word);
		put(o + word, s[i].vaddr, word);
		put(o + 2 * word, s[i].paddr, word);
		put(o + 3 * word, s[i].filesz, word);
		put(o + 4 * word, s[i].memsz, word);
	}
}

static const struct segment plain[] = {
	{ 0x1000, 0xffff000000200800, 0x40200800, 0x1234, 0x1234 },
	{ 0x3001, 0xffff000000300000, 0x40300000, 0x2001, 0x5000 },
};

static void assert_elf(u32 id)
{
	for (u64 i = 0; i < 0x1234; i++)
		assert_int_equal(*guest_byte(id, 0x40200800 + i), file_byte(0x1000 + i, 3));
	for (u64 i = 0; i < 0x2001; i++)
		assert_int_equal(*guest_byte(id, 0x40300000 + i), file_byte(0x3001 + i, 3));
	for (u64 i = 0x40200000; i < 0x40200800; i++)
		assert_int_equal(*guest_byte(id, i), 0);
	for (u64 i = 0x40302001; i < 0x40305000; i++)
		assert_int_equal(*guest_byte(id, i), 0);
}

static void test_elf(void **state)
{
	for (u32 packed = 0; packed < 2; packed++) {
		u64 before;

		again();
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		put_elf(2, 0xffff000000200810, plain, 2);
		set_kernel_size("domU1", packed ? pack_kernel(E_MAX) : E_MAX);
		set_kernel_size("domU2", E_MAX);
		if (packed)
			tree_delete(fdt, "/chosen/domU2");
		assert_int_equal(prepare(), 0);
		before = free_frames();
		assert_int_equal(builder_start(), 0);
		assert_int_equal(f.pc[1], 0x40200810);
		load(1);
		assert_elf(1);
		assert_int_equal(domain_kill(&f.dom[1]), 0);
		if (packed)
			continue;
		load(2);
		assert_elf(2);
		assert_int_equal(domain_kill(&f.dom[2]), 0);
		assert_true(free_frames() >= before);
	}
}

static void test_elf_refused(void **state)
{
	static const struct {
		u32 at, size;
		u64 value;
		const char *want;
	} cases[] = {
		{ 4, 1, 3, "an ELF file for another machine" },
		{ 18, 2, 62, "an ELF file for another machine; Serai starts those for AArch64 and Arm" },
		{ 18, 2, 40, "an ELF file for another machine" },
		{ 5, 1, 2, "a big-endian ELF file" },
		{ 16, 2, 1, "an ELF file that is not linked" },
		{ 56, 2, 0, "an ELF file whose headers make no sense" },
		{ 56, 2, 33, "an ELF file whose headers make no sense" },
		{ 54, 2, 55, "an ELF file whose headers make no sense" },
		{ 32, 8, E_MAX - 100, "an ELF file whose headers make no sense, or it is cut short" },
		{ 32, 8, ~0UL, "an ELF file whose headers make no sense" },
		{ 24, 8, 0x1000, "an ELF file whose entry is in none of its segments" },
		{ 64 + 8, 8, E_MAX, "an ELF file with a segment that is not in it" },
		{ 64 + 8, 8, ~0UL, "an ELF file with a segment that is not in it" },
		{ 64 + 32, 8, E_MAX, "an ELF file with a segment that is not in it" },
		{ 64 + 40, 8, 0x1233, "an ELF file with a segment that is not in it" },
		{ 64 + 40, 8, ~0UL, "an ELF file with a segment that is not in it" },
		{ 64 + 24, 8, ~0UL, "an ELF file with a segment that is not in it" },
		{ 64 + 24, 8, 0x100000000, "an ELF file whose segments are more than 1 GiB apart" },
		{ 64 + 24, 8, 0x7f000000, "an ELF file that takes more memory than is free" },
		{ 64 + 24, 8, 0x3ffff000, "its kernel is linked for 0x3ffff000-0x40304fff, where it "
					  "has no memory; link it for 0x40000000, or give it more" },
		{ 64 + 56 + 24, 8, 0x40bfd000, "its kernel is linked for 0x40200000-0x40c01fff" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 before;
		int rc;

		again();
		add_guest("domU1", 1, 12 * MIB);
		put_elf(2, 0xffff000000200810, plain, 2);
		put(cases[i].at, cases[i].value, cases[i].size);
		set_kernel_size("domU1", E_MAX);
		assert_int_equal(prepare(), 0);
		before = free_frames();
		rc = builder_start();
		assert_said(cases[i].want);
		if (!rc || f.exists[1] || free_frames() + 8 < before)
			fail_msg("case %zu: %d", i, rc);
	}
}

/* --- 32 bits --- */

static void test_elf32(void **state)
{
	add_guest("domU1", 1, 12 * MIB);
	put_elf(1, 0x40200810, (const struct segment[]){
		{ 0x1000, 0x40200800, 0x40200800, 0x1234, 0x1234 },
		{ 0x3001, 0x40300000, 0x40300000, 0x2001, 0x5000 } }, 2);
	set_kernel_size("domU1", E_MAX);
	assert_int_equal(start(), 0);
	assert_true(f.cfg[1].flags & DOMAIN_AARCH32);
	assert_int_equal(f.pc[1], 0x40200810);
	load(1);
	assert_elf(1);
}

/* A zImage unpacks itself to the beginning of RAM: nothing may be there. */
static void test_zimage(void **state)
{
	const u32 size = MIB + 100;

	put_file(KERNEL, size, 5);
	put(0x24, 0x016f2818, 4);
	put(0x28, 0, 4);
	put(0x2c, size, 4);
	add_guest("domU1", 1, 32 * MIB);
	set_kernel_size("domU1", size);
	assert_int_equal(start(), 0);
	assert_true(f.cfg[1].flags & DOMAIN_AARCH32);
	load(1);
	assert_int_equal(f.pc[1], GUEST_RAM0_BASE + 26 * MIB);
	assert_file(1, f.pc[1], size, 5, 0x30);
	assert_int_equal(f.x0[1], GUEST_RAM0_BASE + 28 * MIB);
	assert_file(1, GUEST_RAM0_BASE + 30 * MIB, R_SIZE, 2, 0);
	assert_zero_pages(1, GUEST_RAM0_BASE, GUEST_RAM0_BASE + 26 * MIB);

	/* Linked for an address; 64-bit guests stay what they are. */
	again();
	put_file(KERNEL, size, 5);
	put(0x24, 0x016f2818, 4);
	put(0x28, 0x40408000, 4);
	put(0x2c, 0x40408000 + size, 4);
	put_file(0x46000000, K_SIZE, 1);
	memcpy(paddr_to_virt(0x46000000), (const u64[8]){ 0, 0, MIB, 0xa, 0, 0, 0, 0x644d5241 }, 64);
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 32 * MIB);
	set_kernel_size("domU1", size);
	tree_set_cells(fdt, "/chosen/domU2/kernel@0", "reg", 0, 0x46000000, 0, K_SIZE);
	assert_int_equal(start(), 0);
	assert_int_equal(f.pc[1], 0x40408000);
	assert_true(f.cfg[1].flags & DOMAIN_AARCH32);
	assert_false(f.cfg[2].flags & DOMAIN_AARCH32);
	load(1);
	assert_file(1, 0x40408000, size, 5, 0x30);
}

static void test_arm32_refused(void **state)
{
	static const struct {
		u32 start, end;
		u64 memory;
		int width_rc;
		const char *want;
	} cases[] = {
		{ 0, MIB, 32 * MIB, -XEN_ENODEV, "domU1: its kernel is for 32 bits, but these CPUs run "
						 "64-bit guests only; it needs one for arm64" },
		{ 0, MIB + 1, 32 * MIB, 0, "a zImage whose header makes no sense, or it is cut short" },
		{ 9, 9, 32 * MIB, 0, "a zImage whose header makes no sense" },
		{ 9, 8, 32 * MIB, 0, "a zImage whose header makes no sense" },
		{ 0, MIB, 4 * MIB, 0, "do not fit into its memory" },
		{ 0x50000000, 0x50000000 + MIB, 32 * MIB, 0, "its kernel is linked for 0x50000000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 before;
		int rc;

		again();
		put_file(KERNEL, MIB, 5);
		put(0x24, 0x016f2818, 4);
		put(0x28, cases[i].start, 4);
		put(0x2c, cases[i].end, 4);
		add_guest("domU1", 1, cases[i].memory);
		set_kernel_size("domU1", MIB);
		f.create_rc = cases[i].width_rc;
		assert_int_equal(prepare(), 0);
		before = free_frames();
		rc = builder_start();
		assert_said(cases[i].want);
		if (!rc || f.exists[1] || free_frames() + 8 < before)
			fail_msg("case %zu: %d", i, rc);
	}
}

/* Random damage of an ELF file: any answer, but no access out of bounds. */
static void test_elf_damage(void **state)
{
	u32 built = 0;

	srand(4);
	for (u32 i = 0; i < 60; i++) {
		again();
		add_guest("domU1", 1, 12 * MIB);
		put_elf(2, 0xffff000000200810, plain, 2);
		for (int hits = 1 + rand() % 3; hits; hits--)
			*((u8 *)paddr_to_virt(KERNEL) + 4 + rand() % 172) ^= (u8)(1 << rand() % 8);
		set_kernel_size("domU1", E_MAX);
		built += !start();
	}
	assert_true(built > 4 && built < 56);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_gzip), TEST(test_gzip_refused), TEST(test_strict),
		TEST(test_elf),	 TEST(test_elf_refused),  TEST(test_elf_damage),
		TEST(test_elf32), TEST(test_zimage),	  TEST(test_arm32_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
