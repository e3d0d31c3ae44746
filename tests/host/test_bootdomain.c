/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c */
/*
 * Domains in the device tree: what is understood, and what is refused in which words. In a case that
 * is refused the other domain must stay as it is.
 */
#include "boot_tree.h"

#define MEM "xen,static-mem"

static void test_understood(void **state)
{
	const struct boot_domain *d = bi->domains;

	tree_set(fdt, D1, "vpl011", NULL, 0);
	tree_set_cells(fdt, D1, "nr_spis", 40);
	tree_set_string(fdt, D1, "xen,enhanced", "no-xenstore");
	tree_set_cells(fdt, D1, "max_grant_frames", 32);
	tree_set_cells(fdt, D1, "max_maptrack_frames", 16);
	tree_set_cells(fdt, D1, "max_grant_version", 2);
	tree_set_cells(fdt, D1, "xen,domain-p2m-mem-mb", 8);
	tree_set_cells(fdt, D1, "phandle", 77);
	tree_set_string(fdt, D1, "passthrough", "enabled");
	add_module(D1, "module@70000000", "tree", 0x70000000, 0x1000);
	tree_set_cells(fdt, D2, "memory", 0x4000003); /* one cell; not whole pages */
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_domains, 2);
	assert_string_equal(d[0].name, "domU1");
	assert_int_equal(d[0].nr_vcpus, 2);
	assert_int_equal(d[0].memory, 128UL << 20);
	assert_true(d[0].vpl011);
	assert_int_equal(d[0].enhanced, ENHANCED_NO_XENSTORE);
	assert_int_equal(d[0].nr_spis, 40);
	assert_int_equal(d[0].max_grant_frames, 32);
	assert_int_equal(d[0].max_grant_version, 2);
	assert_int_equal(d[0].max_maptrack_frames, 16);
	assert_int_equal(bootdomain_table_pages(&d[0]), 8 * 256);
	assert_false(d[0].left_out);
	assert_string_equal(bootinfo_domain_module(bi, d[0].node, MODULE_KERNEL)->cmdline,
			    "console=ttyAMA0");
	assert_int_equal(bootinfo_domain_module(bi, d[0].node, MODULE_RAMDISK)->size, 0xfe15e);
	assert_string_equal(d[1].name, "domU2");
	assert_false(d[1].vpl011);
	assert_int_equal(d[1].enhanced, ENHANCED_NO);
	assert_int_equal(d[1].nr_spis, BOOT_SPIS_ALL);
	assert_int_equal(d[1].memory, 64UL << 30);
	/* 512 for two vcpus, 65536 for the memory, and 128 are not whole MiB. */
	assert_int_equal(d[1].nr_vcpus, 2);
	assert_int_equal(bootdomain_table_pages(&d[1]), 259 * 256);
	assert_null(bootinfo_domain_module(bi, d[1].node, MODULE_KERNEL)->cmdline);
	assert_null(bootinfo_module(bi, MODULE_KERNEL));
	assert_ptr_equal(bootdomain_find(bi, d[1].node), &d[1]);
	assert_null(bootdomain_find(bi, -1));
}

static void test_moved(void **state)
{
	size_t size;
	void *copy;

	assert_int_equal(parse(), 0);
	size = fdt_totalsize(done);
	copy = aligned_alloc(8, (size + 7) & ~7UL);
	memcpy(copy, done, size);
	bootinfo_set_fdt(copy);
	memset(done, 0xaa, size);
	assert_string_equal(bi->domains[0].name, "domU1");
	assert_string_equal(bi->domains[1].name, "domU2");
	free(copy);
}

static void test_enhanced(void **state)
{
	static const struct {
		const char *value;
		enum boot_enhanced want;
	} cases[] = { { "enabled", ENHANCED_FULL },
		      { "", ENHANCED_FULL },
		      { "disabled", ENHANCED_NO },
		      { "no-xenstore", ENHANCED_NO_XENSTORE } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		again();
		add_dom0();
		tree_set(fdt, D1, "xen,enhanced", cases[i].value,
			 cases[i].value[0] ? strlen(cases[i].value) + 1 : 0);
		assert_int_equal(parse(), 0);
		assert_silent();
		assert_int_equal(bi->domains[0].enhanced, cases[i].want);
	}
}

/* --- refusals --- */

/* One property of D1, or of one of its modules, and what is said. */
static const struct refusal {
	const char *path, *name;
	u32 nr; /* cells; otherwise text */
	u32 cell[6];
	const char *text; /* NULL without cells: the property is removed */
	const char *want;
} refusals[] = {
	/* clang-format off */
	{ D1, "cpus", 0, { 0 }, NULL, D1 ": cpus: it is missing; write a number from 1 to 128: cpus = <1>" },
	{ D1, "cpus", 1, { 0 }, NULL, D1 ": cpus = <0>: it is too small; write a number from 1" },
	{ D1, "cpus", 1, { 129 }, NULL, D1 ": cpus = <0x81>: it is too large; write" },
	{ D1, "cpus", 2, { 0, 1 }, NULL, D1 ": cpus = <0 0x1>: it is not one cell; write" },
	{ D1, "cpus", 0, { 0 }, "three", D1 ": cpus = \"three\": it is not one cell" },
	{ D1, "cpus", 0, { 0 }, "", D1 ": cpus = (1 bytes): it is not one cell" },
	{ D1, "memory", 0, { 0 }, NULL, D1 ": memory: it is missing; write KiB: memory = <0x0 0x20000> is 128 MiB" },
	{ D1, "memory", 2, { 0, 0 }, NULL, D1 ": memory = <0 0>: it is less than a page" },
	{ D1, "memory", 2, { 0, 3 }, NULL, D1 ": memory = <0 0x3>: it is less than a page" },
	{ D1, "memory", 3, { 0, 0, 0x20000 }, NULL, "memory = <0 0 0x20000>: it is neither one cell nor two" },
	{ D1, "memory", 2, { 0x10, 0 }, NULL, "memory = <0x10 0>: it is more than a guest's address space holds (it counts KiB, not bytes)" },
	{ D1, "memory", 0, { 0 }, "128M", "memory = \"128M\": it is neither one cell nor two; write KiB" },
	{ D1, "nr_spis", 1, { 989 }, NULL, D1 ": nr_spis = <0x3dd>: it is too large; write a number from 0 to 988" },
	{ D1, "nr_spis", 0, { 0 }, "", "it is not one cell; write a number from 0 to 988" },
	{ D1, "max_grant_frames", 1, { 0 }, NULL, "max_grant_frames = <0>: it is too small" },
	{ D1, "max_grant_frames", 1, { 65537 }, NULL, "max_grant_frames = <0x10001>: it is too large" },
	{ D1, "max_maptrack_frames", 1, { 0 }, NULL, "max_maptrack_frames = <0>: it is too small" },
	{ D1, "max_grant_version", 1, { 3 }, NULL, "max_grant_version = <0x3>: it is too large; write max_grant_version = <1> or <2>" },
	{ D1, "max_grant_version", 1, { 0 }, NULL, "max_grant_version = <0>: it is too small" },
	{ D1, "xen,domain-p2m-mem-mb", 0, { 0 }, "x", "xen,domain-p2m-mem-mb = \"x\": it is not one cell" },
	{ D1, "xen,enhanced", 0, { 0 }, "yes", D1 ": xen,enhanced = \"yes\": there is no such mode; write xen,enhanced; or" },
	{ D1, "xen,enhanced", 1, { 1 }, NULL, "xen,enhanced = <0x1>: there is no such mode" },
	{ D1, "xen,enhanced", 0, { 0 }, "enabled", D1 ": xen,enhanced: there is no dom0 that runs a xenstore; write xen,enhanced = \"no-xenstore\"" },
	{ D1, "direct-map", 0, { 0 }, "x", D1 ": direct-map: the domain has no memory at an address that it could see; give it xen,static-mem" },
	{ D1, "xen,static-mem", 3, { 0, 0xa0000000, 0 }, NULL, "xen,static-mem = <0 0xa0000000 0>: it is no list of addresses and sizes; write at most 16 pairs of an address (2 cells) and a size (2 cells), multiples of 4 KiB" },
	{ D1, "xen,static-mem", 0, { 0 }, "", "it is no list of addresses and sizes" },
	{ D1, "xen,static-mem", 4, { 0, 0xa0000000, 0, 0 }, NULL, "xen,static-mem = <0 0xa0000000 0 0>: a size is zero" },
	{ D1, "xen,static-mem", 4, { 0, 0xa0000800, 0, 0x8000000 }, NULL, "an address or size is no multiple of 4 KiB" },
	{ D1, "xen,static-mem", 4, { 0, 0xa0000000, 0, 0x8000001 }, NULL, "an address or size is no multiple of 4 KiB" },
	{ D1, "xen,static-mem", 4, { 0x10000, 0, 0, 0x8000000 }, NULL, "it is beyond all RAM" },
	{ D1, "xen,static-mem", 4, { 0, 0xa0000000, 0xffffffff, 0xfffff000 }, NULL, "it is beyond all RAM" },
	{ D1, "xen,static-mem", 4, { 0, 0xa0000000, 0, 0x4000000 }, NULL, D1 ": memory = <0 0x20000>: xen,static-mem has 65536 KiB; write memory = <0 0x10000>" },
	{ D1, "xen,static-mem", 4, { 0, 0x20000000, 0, 0x8000000 }, NULL, "0x20000000-0x27ffffff is not in RAM; write addresses of RAM that nothing else uses" },
	{ D1, "xen,static-mem", 4, { 0, 0xb8001000, 0, 0x8000000 }, NULL, "0xb8001000-0xc0000fff is not in RAM" },
	{ D1, "xen,static-mem", 4, { 0, 0x40238000, 0, 0x8000000 }, NULL, "0x40238000-0x48237fff overlaps the hypervisor at 0x40200000-0x4027ffff" },
	{ D1, "xen,static-mem", 4, { 0, 0x58800000, 0, 0x8000000 }, NULL, "overlaps " K1 " at 0x60000000-0x61f6dfbf" },
	{ D1, "xen,static-mem", 6, { 0, 0xa0000000, 0, 0x8000000, 0, 0xa0000000 }, NULL, "xen,static-mem = <0 0xa0000000 0 0x8000000 ...>: it is no list" },
	{ D1, "domain-cpupool", 1, { 5 }, NULL, D1 ": domain-cpupool = <0x5>: it is no phandle of a node; write the phandle of a node in /chosen with" },
	{ D1, "llc-colors", 0, { 0 }, "1-3", "llc-colors = \"1-3\": caches cannot be shared out by colours yet; remove it: the domain then shares all of the cache" },
	{ D1, "llc-colors", 0, { 0 }, "0,2-1023", "caches cannot be shared out by colours yet" },
	{ D1, "llc-colors", 0, { 0 }, "3-1", "llc-colors = \"3-1\": it is no list of colours, as \"0-3,5\" is; remove it" },
	{ D1, "llc-colors", 0, { 0 }, "1,", "it is no list of colours" },
	{ D1, "llc-colors", 0, { 0 }, "1-", "it is no list of colours" },
	{ D1, "llc-colors", 0, { 0 }, "1-x", "it is no list of colours" },
	{ D1, "llc-colors", 0, { 0 }, "1024", "it is no list of colours" },
	{ D1, "llc-colors", 1, { 3 }, NULL, "llc-colors = <0x3>: it is no list of colours" },
	{ D1, "sve", 1, { 128 }, NULL, "sve = <0x80>: this is not supported yet" },
	{ D1, "passthrough", 0, { 0 }, "on", "passthrough = \"on\": there is no such mode; write passthrough = \"enabled\" or \"disabled\"" },
	{ K1, "compatible", 0, { 0 }, "multiboot,kernal", K1 ": a node that is neither module nor anything else known; a module has compatible =" },
	{ K1, "compatible", 0, { 0 }, "multiboot,module", K1 ": the module does not say what it is; write compatible = \"multiboot,kernel\"" },
	{ K1, "compatible", 0, { 0 }, "multiboot,device-tree", D1 ": it has no kernel; write" },
	{ K1, "compatible", 0, { 0 }, "multiboot,ramdisk", D1 ": it has no kernel; write in it: module@ADDRESS { compatible = \"multiboot,kernel\"" },
	{ K1, "compatible", 0, { 0 }, "multiboot,ramdisk", D1 ": it has more than one ramdisk" },
	{ R1, "compatible", 0, { 0 }, "xen,linux-zimage", D1 ": it has more than one kernel" },
	{ K1, "reg", 0, { 0 }, NULL, K1 ": reg: it is missing; write reg = <ADDRESS SIZE>" },
	{ K1, "reg", 2, { 0, 0x60000000 }, NULL, K1 ": reg = <0 0x60000000>: it has 8 bytes, and ADDRESS and SIZE have 16" },
	{ K1, "reg", 4, { 0, 0x60000000, 0, 0 }, NULL, K1 ": reg = <0 0x60000000 0 0>: the size is 0" },
	{ K1, "reg", 4, { 0, 0x20000000, 0, 0x1000 }, NULL, K1 ": reg = <0x20000000 0x1000> is not in RAM; load the file elsewhere" },
	{ K1, "reg", 4, { 0, 0xbffff000, 0, 0x1001 }, NULL, K1 ": reg = <0xbffff000 0x1001> is not in RAM" },
	{ K1, "reg", 4, { 0, 0x40270000, 0, 0x1000 }, NULL, "overlaps the hypervisor at 0x40200000-0x4027ffff; load the file elsewhere" },
	{ K1, "reg", 4, { 0, 0x49fff000, 0, 0x1001 }, NULL, "overlaps the device tree at 0x4a000000" },
	/* clang-format on */
};

/* These are only named. */
static const struct refusal warnings[] = {
	/* clang-format off */
	{ D1, "memroy", 2, { 0, 0x20000 }, NULL, D1 ": memroy = <0 0x20000>: unknown property, it does nothing; did you mean memory?" },
	{ D1, "vpl-011", 0, { 0 }, "x", "vpl-011 = \"x\": unknown property, it does nothing; did you mean vpl011?" },
	{ D1, "nr-spis", 1, { 1 }, NULL, "did you mean nr_spis?" },
	{ D1, "xen,enhance", 0, { 0 }, "x", "did you mean xen,enhanced?" },
	{ D1, "xen,static-memory", 1, { 1 }, NULL, "did you mean xen,static-mem?" },
	{ D1, "direct_map", 1, { 1 }, NULL, "did you mean direct-map?" },
	{ D1, "zzzzzzzzzzzzz", 1, { 1 }, NULL, "zzzzzzzzzzzzz = <0x1>: unknown property, it does nothing\n" },
	/* clang-format on */
};

static void apply(const struct refusal *r)
{
	u32 cells[6];

	for (u32 i = 0; i < r->nr; i++)
		cells[i] = cpu_to_fdt32(r->cell[i]);
	if (r->nr)
		tree_set(fdt, r->path, r->name, cells, r->nr * 4);
	else if (r->text)
		tree_set_string(fdt, r->path, r->name, r->text);
	else
		tree_delete_prop(fdt, r->path, r->name);
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		again();
		apply(&refusals[i]);
		assert_int_equal(parse(), 0);
		assert_said(refusals[i].want);
		if (!bi->domains[0].left_out)
			fail_msg("case %zu (%s) is not left out", i, refusals[i].want);
		assert_false(bi->domains[1].left_out);
		assert_said("1 of 2 domains cannot be built, see above");
	}
}

static void test_warnings(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		again();
		options.dom0less_strict = true;
		apply(&warnings[i]);
		assert_int_equal(parse(), 0);
		assert_said(warnings[i].want);
		assert_false(bi->domains[0].left_out);
		assert_false(bi->domains[1].left_out);
	}
}

/* With dom0less=strict one refused domain is enough. */
static void test_strict(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		again();
		options.dom0less_strict = true;
		apply(&refusals[i]);
		assert_int_equal(parse(), -XEN_EINVAL);
		assert_said("dom0less=strict: then none is");
	}
}

/* Of two files at one place at least one is damaged: all who need them are refused. */
static void test_overlaps(void **state)
{
	tree_set_cells(fdt, K1, "reg", 0, 0x640fe000, 0, 0x1000);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(K1 ": reg = <0x640fe000 0x1000> overlaps " R1
		       " at 0x64000000-0x640fe15d; load one of the files elsewhere");
	assert_said(D2 "/module@64000000: reg = <0x64000000 0xfe15e> overlaps " K1);

	again();
	tree_set_cells(fdt, D2 "/module@64000000", "reg", 0, 0x64200000, 0, 0x1000);
	tree_set_cells(fdt, R1, "reg", 0, 0x64201000, 0, 0x1000);
	assert_int_equal(parse(), 0);
	assert_silent();

	/* The same file, by another length. */
	again();
	tree_set_cells(fdt, R1, "reg", 0, 0x64000000, 0, 0x1000);
	assert_int_equal(parse(), 0);
	assert_silent();
}

static void test_contradictions(void **state)
{
	tree_set(fdt, D1, "vpl011", NULL, 0);
	tree_set_cells(fdt, D1, "nr_spis", 0);
	assert_int_equal(parse(), 0);
	assert_said("nr_spis = <0>: vpl011 needs an interrupt; write nr_spis = <1> or remove vpl011");

	again();
	tree_set(fdt, D1, "sve", NULL, 0);
	tree_set(fdt, D2, "llc-colors", NULL, 0);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said("2 of 2 domains cannot be built");
	assert_said("no kernel for dom0 in /chosen");

	again();
	add_module(D1, "module@70000000", "tree", 0x70000000, 0x1000);
	tree_set_string(fdt, D1, "passthrough", "disabled");
	assert_int_equal(parse(), 0);
	assert_said("passthrough = \"disabled\": it has a partial device tree; remove the property");
	again();
	add_module(D1, "module@70000000", "tree", 0x70000000, 0x1000);
	add_module(D1, "module@71000000", "tree", 0x71000000, 0x1000);
	assert_int_equal(parse(), 0);
	assert_said(D1 ": it has more than one partial device tree; describe all of its devices in");

	/* A refused guest does not stop dom0, but a bad module of dom0's does. */
	again();
	add_dom0();
	tree_set(fdt, D1, "direct-map", NULL, 0);
	tree_set(fdt, D2, "direct-map", NULL, 0);
	assert_int_equal(parse(), 0);
	again();
	add_module("/chosen", "module@20000000", "kernel", 0x20000000, 0x1000);
	assert_int_equal(parse(), -XEN_EINVAL);
}

static bool free_at(u64 at)
{
	struct range ranges[64];
	struct range_set s = { 0, 64, ranges };

	assert_int_equal(bootinfo_usable(bi, &s, KEEP_NOTHING), 0);
	return range_set_find(&s, at, at + PAGE_SIZE);
}

/* Pieces in their order; cells of /chosen, or the domain's own. */
static void test_static_mem(void **state)
{
	const struct boot_domain *d = &bi->domains[0];

	tree_set_cells(fdt, D1, MEM, 0, 0x90000000, 0, 0x4000000, 0, 0x80000000, 0, 0x4000000);
	tree_set(fdt, D1, "direct-map", NULL, 0);
	tree_set_cells(fdt, D2, "#xen,static-mem-address-cells", 1);
	tree_set_cells(fdt, D2, "#xen,static-mem-size-cells", 1);
	tree_set_cells(fdt, D2, MEM, 0x88000000, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_true(d->direct_map);
	assert_int_equal(d->nr_static, 2);
	assert_int_equal(d->static_mem[0].start, 0x90000000);
	assert_int_equal(d->static_mem[1].end, 0x84000000);
	assert_false(d[1].direct_map);
	assert_int_equal(d[1].nr_static, 1);
	assert_int_equal(d[1].static_mem[0].end, 0x90000000);
	assert_false(free_at(0x80000000) || free_at(0x83fff000) || free_at(0x88000000) ||
		     free_at(0x93fff000));
	assert_true(free_at(0x7ffff000) && free_at(0x84000000) && free_at(0x94000000));

	/* What nobody gets is free. */
	again();
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x8000000);
	tree_set_string(fdt, D1, "status", "disabled");
	tree_set_cells(fdt, D2, MEM, 0, 0x84000000, 0, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_true(free_at(0x80000000) && !free_at(0x84000000));

	again();
	tree_set_cells(fdt, D1, "#xen,static-mem-size-cells", 3);
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_said(MEM " = <0 0x80000000 0 0x8000000>: its number of cells is neither 1 nor 2");
	assert_true(free_at(0x80000000));
}

static void test_static_clashes(void **state)
{
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x8000000);
	tree_set_cells(fdt, D2, MEM, 0, 0x87fff000, 0, 0x8000000);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(D1 ": " MEM " = <0 0x80000000 0 0x8000000>: 0x80000000-0x87ffffff overlaps " MEM
		       " of " D2 " at 0x87fff000-0x8fffefff");
	assert_said("0x87fff000-0x8fffefff overlaps " MEM " of " D1 " at 0x80000000-0x87ffffff");

	again();
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x4000000, 0, 0x83fff000, 0, 0x4000000);
	assert_int_equal(parse(), 0);
	assert_said("0x83fff000-0x87ffefff is named twice");
	assert_true(bi->domains[0].left_out && !bi->domains[1].left_out);

	/* The files of others; dom0's, too. */
	again();
	add_module("/chosen", "module@80000000", "kernel", 0x80000000, 0x1001);
	tree_set_cells(fdt, D1, MEM, 0, 0x80001000, 0, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_said("0x80001000-0x88000fff overlaps /chosen/module@80000000 at 0x80000000-0x80001000");

	again();
	tree_add(fdt, "/", "reserved-memory");
	tree_set_cells(fdt, "/reserved-memory", "#address-cells", 2);
	tree_set_cells(fdt, "/reserved-memory", "#size-cells", 2);
	tree_set(fdt, "/reserved-memory", "ranges", NULL, 0);
	tree_add(fdt, "/reserved-memory", "fw@82000000");
	tree_set_cells(fdt, "/reserved-memory/fw@82000000", "reg", 0, 0x82000000, 0, 0x1000);
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_said("overlaps reserved memory at 0x82000000-0x82000fff");

	again();
	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, 0x80000000, 0, 0x8000000);
	tree_set_cells(fdt, D1, MEM, 0, 0x7c000000, 0, 0x8000000);
	assert_int_equal(parse(), 0);
	assert_said("0x7c000000-0x83ffffff overlaps xen,static-heap of /chosen at "
		    "0x80000000-0x87ffffff");
	assert_true(bi->domains[0].left_out);
}

static void test_static_heap(void **state)
{
	static const struct {
		u32 nr, cell[8];
		const char *want;
	} bad[] = {
		{ 3, { 0, 0x80000000, 0 }, "it is no list of addresses and sizes; write pairs" },
		{ 4, { 0, 0x80001000, 0, 0x8000000 }, "is no multiple of 64 KiB" },
		{ 4, { 0, 0x30000000, 0, 0x20000000 }, "0x30000000-0x4fffffff is not in RAM; write" },
		{ 4, { 0, 0x80000000, 0, 0x800000 }, "8192 KiB are too little for the hypervisor" },
		{ 8, { 0, 0x80000000, 0, 0x8000000, 0, 0x84000000, 0, 0x8000000 },
		  "0x84000000-0x8bffffff is named twice; name each piece of RAM once" },
	};

	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, 0x90000000, 0, 0x1000000, 0,
		       0x5ff00000, 0, 0x10000000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_true(free_at(0x90000000) && free_at(0x90fff000) && free_at(0x5ff00000) &&
		    free_at(0x6feff000));
	assert_false(free_at(0x5feff000) || free_at(0x6ff00000) || free_at(0x8ffff000) ||
		     free_at(0x91000000) || free_at(0xbffff000));

	again();
	tree_set_cells(fdt, "/chosen", "#xen,static-heap-address-cells", 1);
	tree_set_cells(fdt, "/chosen", "#xen,static-heap-size-cells", 1);
	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0x90000000, 0x4000000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->static_heap[0].end, 0x94000000);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		u32 cells[8];

		again();
		for (u32 k = 0; k < bad[i].nr; k++)
			cells[k] = cpu_to_fdt32(bad[i].cell[k]);
		tree_set(fdt, "/chosen", "xen,static-heap", cells, bad[i].nr * 4);
		assert_int_equal(parse(), -XEN_EINVAL);
		assert_said(bad[i].want);
		assert_said("/chosen: xen,static-heap = <");
	}
}

static void test_disabled(void **state)
{
	tree_set_string(fdt, D1, "status", "disabled");
	tree_set_string(fdt, D1, "xen,enhanced", "what");
	options.dom0less_strict = true;
	assert_int_equal(parse(), 0);
	assert_said("domain domU1 is not enabled (status); left out");
	assert_true(bi->domains[0].left_out && bi->domains[0].disabled);
	assert_false(bi->domains[1].left_out);
}

/* Modules in nodes that are no domains, and deeper ones, are nobody's. */
static void test_strange_nodes(void **state)
{
	tree_add(fdt, "/chosen", "thing");
	add_module("/chosen/thing", "module@70000000", "kernel", 0x70000000, 0x1000);
	add_module(K1, "module@71000000", "kernel", 0x71000000, 0x1000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_modules, 4);
}

static void test_too_many(void **state)
{
	char name[16];

	for (u32 i = 0; i < BOOT_DOMAINS_MAX; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		add_domain(name);
	}
	assert_int_equal(parse(), 0);
	assert_said("/chosen/domU1: too many domains; left out");
	assert_said("/chosen/domU2: too many domains; left out");
	assert_int_equal(bi->nr_domains, BOOT_DOMAINS_MAX);
	assert_int_equal(bi->nr_modules, 2 * BOOT_DOMAINS_MAX);
}

/* Files of other domains are theirs, also if dom0 names them; all of it is kept, or none. */
static void test_usable(void **state)
{
	struct range ranges[64];
	struct range_set s = { 0, 64, ranges };

	add_dom0();
	add_module("/chosen", "module@64000000", "ramdisk", 0x64000000, 0xfe15e);
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_usable(bi, &s, KEEP_ALL), 0);
	assert_null(range_set_find(&s, 0x44000000, 0x44001000));
	assert_null(range_set_find(&s, 0x4a000000, 0x4a001000));
	assert_null(range_set_find(&s, 0x60000000, 0x60001000));
	assert_int_equal(bootinfo_usable(bi, &s, KEEP_GUESTS), 0);
	assert_non_null(range_set_find(&s, 0x44000000, 0x45000000));
	assert_non_null(range_set_find(&s, 0x4a000000, 0x4a001000));
	assert_null(range_set_find(&s, 0x60000000, 0x60001000));
	assert_null(range_set_find(&s, 0x64000000, 0x64001000));
	assert_int_equal(bootinfo_usable(bi, &s, KEEP_NOTHING), 0);
	assert_non_null(range_set_find(&s, 0x60000000, 0x64100000));
	assert_null(range_set_find(&s, 0x40200000, 0x40201000));
}

/* Random damage in /chosen: any answer, but no access out of bounds. */
static void test_damage(void **state)
{
	u32 understood = 0, size, at;
	unsigned char *copy;

	tree_set(fdt, D1, "vpl011", NULL, 0);
	tree_set_string(fdt, D1, "xen,enhanced", "no-xenstore");
	tree_set_cells(fdt, D1, MEM, 0, 0x80000000, 0, 0x4000000, 0, 0x90000000, 0, 0x4000000);
	tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, 0xa0000000, 0, 0x8000000);
	done = tree_done(fdt);
	fdt = NULL;
	size = fdt_totalsize(done);
	at = (u32)tree_node(done, "/chosen") + fdt_off_dt_struct(done);
	copy = aligned_alloc(8, (size + 7) & ~7U);
	srand(11);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, done, size);
		for (int hits = 1 + rand() % 4; hits; hits--)
			copy[at + (u32)rand() % (size - at)] ^= (unsigned char)(1 << rand() % 8);
		messages_clear();
		if (dt_check(copy, size) || bootinfo_parse(copy, FDT_AT, 0x40200000, 0x40280000))
			continue;
		understood++;
		bootinfo_check(bi);
	}
	assert_true(understood > 1000);
	free(copy);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_understood), TEST(test_moved),	  TEST(test_enhanced),
		TEST(test_refusals),   TEST(test_warnings),	  TEST(test_strict),
		TEST(test_overlaps),   TEST(test_contradictions),
		TEST(test_disabled),   TEST(test_strange_nodes), TEST(test_too_many),
		TEST(test_usable),     TEST(test_damage),	TEST(test_static_mem),
		TEST(test_static_clashes), TEST(test_static_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
