/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c */
/*
 * What the boot code understands of device trees: QEMU's, edited ones, malformed ones, and random
 * damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <serai/boot.h>
#include <serai/errno.h>

#define MIB	   (1UL << 20)
#define IMAGE	   0x40200000UL
#define IMAGE_SIZE 0x90000UL
#define FDT_AT	   0x4a000000UL
#define KERNEL	   0x44000000UL
#define KERNEL_LEN 0x1f6dfc0UL
#define RAMDISK	   0x48000000UL
#define K	   "/chosen/module@0x44000000"
#define R	   "/chosen/module@0x48000000"

static void *fdt; /* being edited */
static void *done;
static struct boot_info *const bi = &boot_info;

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
	return bootinfo_parse(done, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE);
}

/* Again, from the tree as it was. */
static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

/* --- QEMU's tree --- */

static void test_qemu(void **state)
{
	const struct boot_module *k, *r;

	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bootinfo_check(bi), 0);
	assert_int_equal(bi->banks.nr, 1);
	assert_int_equal(bi->banks.r[0].start, 0x40000000);
	assert_int_equal(bi->banks.r[0].end, 0xc0000000);
	assert_int_equal(bi->reserved.nr, 0);
	k = bootinfo_module(bi, MODULE_KERNEL);
	assert_int_equal(k->start, KERNEL);
	assert_int_equal(k->size, KERNEL_LEN);
	assert_string_equal(k->cmdline, "console=hvc0");
	r = bootinfo_module(bi, MODULE_RAMDISK);
	assert_int_equal(r->start, RAMDISK);
	assert_null(r->cmdline);
	assert_string_equal(bi->hyp_cmdline, "dom0_mem=512M loglvl=all");
	assert_string_equal(bi->dom0_cmdline, "console=hvc0");
	assert_string_equal(bi->stdout_path, "/pl011@9000000");
	assert_int_equal(bi->nr_cpus, 2);
	assert_int_equal(bi->cpus[1].mpidr, 1);
	assert_true(bi->cpus[1].psci);
	assert_int_equal(bi->psci, PSCI_SMC);
	assert_int_equal(bi->gic.version, 3);
	assert_int_equal(bi->gic.dist.start, 0x8000000);
	assert_int_equal(bi->gic.dist.end, 0x8010000);
	assert_int_equal(bi->gic.nr_redists, 1);
	assert_int_equal(bi->gic.redist[0].start, 0x80a0000);
	assert_int_equal(bi->gic.redist[0].end, 0x9000000);
	assert_int_equal(bi->gic.phandle, 0x8003);
	assert_int_equal(bi->gic.maintenance.intid, 25);
	assert_int_equal(bi->timer.irq[TIMER_PHYS_SECURE].intid, 29);
	assert_int_equal(bi->timer.irq[TIMER_PHYS].intid, 30);
	assert_int_equal(bi->timer.irq[TIMER_VIRT].intid, 27);
	assert_int_equal(bi->timer.irq[TIMER_HYP].intid, 26);
	assert_int_equal(bi->timer.irq[TIMER_HYP].type, IRQ_TYPE_LEVEL);
}

static void test_device(void **state)
{
	struct boot_device dev;

	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_find_device(NULL, &dev), 0);
	assert_string_equal(dev.path, "/pl011@9000000");
	assert_int_equal(dev.base, 0x9000000);
	assert_int_equal(dev.size, 0x1000);
	assert_int_equal(dev.irq.intid, 33);
	assert_int_equal(dev.irq.type, IRQ_TYPE_LEVEL);
	assert_true(boot_device_compatible(&dev, "arm,pl011"));
	assert_true(boot_device_compatible(&dev, "arm,primecell"));
	assert_false(boot_device_compatible(&dev, "arm,pl01"));
	assert_int_equal(bootinfo_find_device("/pl011@9000000:115200n8", &dev), 0);
	assert_int_equal(dev.base, 0x9000000);
	assert_int_equal(bootinfo_find_device("/nothing", &dev), -XEN_ENOENT);
	assert_int_equal(bootinfo_find_device("serial0", &dev), -XEN_ENOENT);
	assert_int_equal(bootinfo_find_device("/timer", &dev), -XEN_ENXIO);
	assert_int_equal(bootinfo_find_compatible("arm,pl031", &dev), 0);
	assert_string_equal(dev.path, "/pl031@9010000");
	assert_int_equal(dev.base, 0x9010000);
	assert_int_equal(bootinfo_find_compatible("arm,pl03", &dev), -XEN_ENOENT);

	again();
	tree_add(fdt, "/", "aliases");
	tree_set_string(fdt, "/aliases", "serial0", "/pl011@9000000");
	tree_set_string(fdt, "/chosen", "stdout-path", "serial0:9600");
	/* An interrupt that no GIC has: the device is polled. */
	tree_set_cells(fdt, "/pl011@9000000", "interrupts", 0, 1000, 4);
	tree_set_cells(fdt, "/pl011@9000000", "reg-shift", 2);
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_find_device("", &dev), 0);
	assert_int_equal(dev.base, 0x9000000);
	assert_int_equal(dev.irq.intid, 0);
	assert_int_equal(dev.reg_shift, 2);

	again();
	tree_delete_prop(fdt, "/chosen", "stdout-path");
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_find_device(NULL, &dev), -XEN_ENOENT);
}

/* --- command lines --- */

static void test_cmdlines(void **state)
{
	static const struct {
		const char *module, *xen, *dom0, *args; /* NULL: not there */
		const char *want_hyp, *want_dom0;
	} cases[] = {
		{ "m", NULL, NULL, "a", "a", "m" },
		{ "m", "x", NULL, "a", "x", "m" },
		{ "m", "x", "d", "a", "x", "m" },
		{ NULL, "x", "d", "a", "x", "d" },
		{ NULL, "x", NULL, "a", "x", "a" },
		{ NULL, NULL, "d", "a", "a", "d" },
		{ NULL, NULL, NULL, "a", "", "a" },
		{ "", NULL, "d", "a", "a", "d" },
		{ NULL, NULL, NULL, NULL, "", "" },
		{ NULL, "x", NULL, NULL, "x", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		again();
		tree_delete_prop(fdt, K, "bootargs");
		tree_delete_prop(fdt, "/chosen", "bootargs");
		if (cases[i].module)
			tree_set_string(fdt, K, "bootargs", cases[i].module);
		if (cases[i].xen)
			tree_set_string(fdt, "/chosen", "xen,xen-bootargs", cases[i].xen);
		if (cases[i].dom0)
			tree_set_string(fdt, "/chosen", "xen,dom0-bootargs", cases[i].dom0);
		if (cases[i].args)
			tree_set_string(fdt, "/chosen", "bootargs", cases[i].args);
		assert_int_equal(parse(), 0);
		assert_string_equal(bi->hyp_cmdline, cases[i].want_hyp);
		assert_string_equal(bi->dom0_cmdline, cases[i].want_dom0);
	}
}

/* The tree is copied: every string must be read from the copy. */
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
	assert_string_equal(bi->hyp_cmdline, "dom0_mem=512M loglvl=all");
	assert_string_equal(bi->dom0_cmdline, "console=hvc0");
	assert_string_equal(bi->stdout_path, "/pl011@9000000");
	assert_string_equal(bootinfo_module(bi, MODULE_KERNEL)->cmdline, "console=hvc0");
	assert_ptr_equal(bi->fdt, copy);
	free(copy);
}

/* --- modules --- */

static void test_module_forms(void **state)
{
	static const char guessed[] = "xen,multiboot-module";

	tree_set_string(fdt, K, "compatible", "xen,linux-zimage");
	tree_set_string(fdt, R, "compatible", "xen,linux-initrd");
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_module(bi, MODULE_KERNEL)->start, KERNEL);
	assert_int_equal(bootinfo_module(bi, MODULE_RAMDISK)->start, RAMDISK);

	/* Modules that do not say what they are: kernel first, then ramdisk; R comes first. */
	again();
	tree_set(fdt, K, "compatible", guessed, sizeof(guessed));
	tree_set(fdt, R, "compatible", guessed, sizeof(guessed));
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_module(bi, MODULE_KERNEL)->start, RAMDISK);
	assert_int_equal(bootinfo_module(bi, MODULE_RAMDISK)->start, KERNEL);

	/* /chosen has cells of its own. */
	again();
	tree_set_cells(fdt, "/chosen", "#address-cells", 1);
	tree_set_cells(fdt, "/chosen", "#size-cells", 1);
	tree_set_cells(fdt, K, "reg", 0x50000000, 0x2000);
	tree_set_cells(fdt, R, "reg", 0x60000000, 0x3001);
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_module(bi, MODULE_KERNEL)->start, 0x50000000);
	assert_int_equal(bootinfo_module(bi, MODULE_RAMDISK)->size, 0x3001);

	/* No bootloader's module at all, and one that is something else. */
	again();
	tree_set_string(fdt, R, "compatible", "xen,xsm-policy");
	tree_delete(fdt, K);
	assert_int_equal(parse(), 0);
	assert_null(bootinfo_module(bi, MODULE_KERNEL));
	assert_null(bootinfo_module(bi, MODULE_RAMDISK));
	assert_int_equal(bi->nr_modules, 1);
	assert_int_equal(bi->modules[0].kind, MODULE_XSM);
}

static void test_module_of_domain(void **state)
{
	static const char both[] = "multiboot,kernel\0multiboot,module";

	tree_add(fdt, "/chosen", "domU1");
	tree_set_string(fdt, "/chosen/domU1", "compatible", "xen,domain");
	tree_set_cells(fdt, "/chosen/domU1", "cpus", 1);
	tree_set_cells(fdt, "/chosen/domU1", "memory", 0, 0x20000);
	tree_add(fdt, "/chosen/domU1", "module@70000000");
	tree_set(fdt, "/chosen/domU1/module@70000000", "compatible", both, sizeof(both));
	tree_set_cells(fdt, "/chosen/domU1/module@70000000", "reg", 0, 0x70000000, 0, 0x1000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_modules, 3);
	assert_int_equal(bootinfo_module(bi, MODULE_KERNEL)->start, KERNEL);
	assert_int_equal(bi->nr_domains, 1);
	assert_int_equal(bootinfo_domain_module(bi, bi->domains[0].node, MODULE_KERNEL)->start,
			 0x70000000);
}

static void test_module_bad(void **state)
{
	static const char *const paths[] = { K, R };
	static const struct {
		u64 addr, size;
		const char *said;
	} cases[] = {
		{ 0x3ffff000, 0x2000, "is not in RAM" },
		{ 0xbffff001, 0x1000, "is not in RAM" },
		{ 0x10000000, 0x1000, "is not in RAM" },
		{ 0xfffffffffffff000, 0xfff, "is not in RAM" },
		{ IMAGE - 0x1000, 0x1001, "overlaps the hypervisor" },
		{ IMAGE + IMAGE_SIZE - 1, 0x1000, "overlaps the hypervisor" },
		{ FDT_AT - 0x100000, 0x200000, "overlaps the device tree" },
	};

	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			again();
			tree_set_cells(fdt, paths[p], "reg", (u32)(cases[i].addr >> 32),
				       (u32)cases[i].addr, 0, (u32)cases[i].size);
			assert_int_equal(parse(), 0);
			assert_silent();
			assert_int_equal(bootinfo_check(bi), -XEN_EINVAL);
			assert_said(paths[p]);
			assert_said(cases[i].said);
		}
		again();
		tree_set_cells(fdt, paths[p], "reg", 0, 0x50000000, 0, 0);
		parse();
		assert_said(": reg = <0 0x50000000 0 0>: the size is 0; write");
		assert_int_equal(bootinfo_check(bi), -XEN_EINVAL);
		again();
		tree_set_cells(fdt, paths[p], "reg", 0, 0x50000000, 0xffffffff, 0xf0000000);
		parse();
		assert_said("it ends behind the last address");
		again();
		tree_set_cells(fdt, paths[p], "reg", 0, 0x50000000, 4096);
		parse();
		assert_said("it has 12 bytes, and ADDRESS and SIZE have 16; write reg = <ADDRESS "
			    "SIZE>, of as many cells as #address-cells (2) and #size-cells (2)");
		again();
		tree_delete_prop(fdt, paths[p], "reg");
		parse();
		assert_said(": reg: it is missing; write");
	}
}

static void test_module_many(void **state)
{
	char name[64], path[96];

	for (u32 i = 0; i < BOOT_MODULES_MAX + 3; i++) {
		snprintf(name, sizeof(name), "module@%x", 0x60000000 + i * 0x2000);
		snprintf(path, sizeof(path), "/chosen/%s", name);
		tree_add(fdt, "/chosen", name);
		tree_set_string(fdt, path, "compatible", "multiboot,module");
		tree_set_cells(fdt, path, "reg", 0, 0x60000000 + i * 0x2000, 0, 0x1000);
	}
	assert_int_equal(parse(), 0);
	assert_said("there are more than 64 modules; remove some; it is left out");
	assert_int_equal(bi->nr_modules, BOOT_MODULES_MAX);
}

/* --- what is missing --- */

static void test_missing(void **state)
{
	tree_delete(fdt, "/memory@40000000");
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
	assert_said("no memory");

	again();
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, 0, 0, 0);
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
	assert_said("no memory");

	again();
	tree_set_string(fdt, "/intc@8000000", "compatible", "arm,nested-vic");
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
	assert_said("found: arm,nested-vic");
	assert_said("\"arm,gic-400\"");

	again();
	tree_delete(fdt, "/intc@8000000");
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
	assert_said("found: none");

	again();
	tree_delete(fdt, K);
	assert_int_equal(parse(), 0);
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
	assert_said("no kernel for dom0 in /chosen");
	assert_said("multiboot,kernel");
	assert_said("guest-loader");

	again();
	tree_delete(fdt, "/chosen");
	assert_int_equal(parse(), 0);
	assert_string_equal(bi->hyp_cmdline, "");
	assert_int_equal(bootinfo_check(bi), -XEN_ENODEV);
}

/* --- memory --- */

struct seen {
	u32 nr;
	struct range r[64];
};

static void see(paddr_t start, paddr_t end, void *ctx)
{
	struct seen *s = ctx;

	s->r[s->nr++] = (struct range){ start, end };
}

#define assert_range(range, s, e)                                \
	do {                                                     \
		assert_int_equal((range).start, (u64)(s));       \
		assert_int_equal((range).end, (u64)(e));         \
	} while (0)

static void test_free_ranges(void **state)
{
	struct seen s = { 0 };
	u64 fdt_end;

	tree_add(fdt, "/", "reserved-memory");
	tree_set_cells(fdt, "/reserved-memory", "#address-cells", 2);
	tree_set_cells(fdt, "/reserved-memory", "#size-cells", 2);
	tree_set(fdt, "/reserved-memory", "ranges", NULL, 0);
	tree_add(fdt, "/reserved-memory", "fw@50000800");
	tree_set_cells(fdt, "/reserved-memory/fw@50000800", "reg", 0, 0x50000800, 0, 0x1000);
	tree_add(fdt, "/reserved-memory", "pool");
	tree_set_cells(fdt, "/reserved-memory/pool", "size", 0, 0x1000000);
	tree_ok(fdt_add_mem_rsv(fdt, 0xbffff800, 0x100));
	tree_ok(fdt_add_mem_rsv(fdt, FDT_AT, 0x1000));	  /* the tree itself */
	tree_ok(fdt_add_mem_rsv(fdt, RAMDISK, 0x100000)); /* a module */
	assert_int_equal(parse(), 0);
	assert_silent();
	fdt_end = ROUND_UP(FDT_AT + fdt_totalsize(done), PAGE_SIZE);
	assert_int_equal(bi->reserved.nr, 2);
	assert_int_equal(bootinfo_free_ranges(see, &s), 0);
	assert_int_equal(s.nr, 6);
	assert_range(s.r[0], 0x40000000, IMAGE);
	assert_range(s.r[1], IMAGE + IMAGE_SIZE, KERNEL);
	assert_range(s.r[2], ROUND_UP(KERNEL + KERNEL_LEN, PAGE_SIZE), RAMDISK);
	assert_range(s.r[3], 0x480fe000, FDT_AT);
	assert_range(s.r[4], fdt_end, 0x50000000);
	assert_range(s.r[5], 0x50002000, 0xbffff000);

	/* With a bank for dom0 around all that. */
	assert_int_equal(range_set_add(&bi->dom0_banks, KERNEL, 0x64000000), 0);
	s.nr = 0;
	assert_int_equal(bootinfo_free_ranges(see, &s), 0);
	assert_int_equal(s.nr, 3);
	assert_range(s.r[1], IMAGE + IMAGE_SIZE, KERNEL);
	assert_range(s.r[2], 0x64000000, 0xbffff000);
}

static void test_banks(void **state)
{
	/* Out of order, adjacent, ragged, beyond what is used, empty. */
	tree_set_cells(fdt, "/memory@40000000", "reg", 0x8, 0, 0x1, 0, 0, 0x80000000, 0, 0x40000000,
		       0, 0x40000800, 0, 0x3ffff800, 0, 0, 0, 0, 0x7fff, 0xfffff000, 0x10, 0);
	tree_add(fdt, "/", "memory@c0000000");
	tree_set_string(fdt, "/memory@c0000000", "device_type", "memory");
	tree_set_cells(fdt, "/memory@c0000000", "reg", 0, 0xc0000000, 0, 0x1fff);
	tree_add(fdt, "/", "memory@f0000000");
	tree_set_string(fdt, "/memory@f0000000", "device_type", "memory");
	tree_set_string(fdt, "/memory@f0000000", "status", "disabled");
	tree_set_cells(fdt, "/memory@f0000000", "reg", 0, 0xf0000000, 0, 0x100000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->banks.nr, 3);
	assert_range(bi->banks.r[0], 0x40001000, 0xc0001000);
	assert_range(bi->banks.r[1], 0x800000000, 0x900000000);
	assert_range(bi->banks.r[2], 0x7ffffffff000, 0x800000000000);

	again();
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, 0x40000000, 0xffffffff, 0xffffffff);
	assert_int_equal(parse(), 0);
	assert_said("/memory@40000000: reg = <0 0x40000000 0xffffffff 0xffffffff>: it ends behind");
	assert_int_equal(bi->banks.nr, 0);

	again();
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, 0x40000000, 0x1000);
	assert_int_equal(parse(), 0);
	assert_said("/memory@40000000: reg = <0 0x40000000 0x1000>: it has 12 bytes");
}

static void test_banks_many(void **state)
{
	u32 cells[(BOOT_BANKS_MAX + 1) * 4] = { 0 };

	for (u32 i = 0; i <= BOOT_BANKS_MAX; i++) {
		cells[i * 4 + 1] = cpu_to_fdt32(0x40000000 + i * 0x200000);
		cells[i * 4 + 3] = cpu_to_fdt32(0x100000);
	}
	tree_set(fdt, "/memory@40000000", "reg", cells, sizeof(cells));
	assert_int_equal(parse(), 0);
	assert_said("too many memory banks");
	assert_int_equal(bi->banks.nr, BOOT_BANKS_MAX);
}

/* --- CPUs, GIC, timer, PSCI --- */

static void test_cpus(void **state)
{
	char path[32];

	tree_set_cells(fdt, "/cpus", "#address-cells", 2);
	tree_set_cells(fdt, "/cpus/cpu@0", "reg", 1, 0x80000100);
	tree_delete_prop(fdt, "/cpus/cpu@1", "enable-method");
	tree_set_cells(fdt, "/cpus/cpu@1", "reg", 0, 0x101);
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->nr_cpus, 2);
	assert_int_equal(bi->cpus[0].mpidr, 0x180000100);
	assert_true(bi->cpus[0].psci);
	assert_false(bi->cpus[1].psci);

	again();
	for (u32 i = 2; i < NR_CPUS + 2; i++) {
		snprintf(path, sizeof(path), "cpu@%x", i);
		tree_add(fdt, "/cpus", path);
		snprintf(path, sizeof(path), "/cpus/cpu@%x", i);
		tree_set_string(fdt, path, "device_type", "cpu");
		tree_set_cells(fdt, path, "reg", i);
	}
	assert_int_equal(parse(), 0);
	assert_said("more CPUs than CONFIG_NR_CPUS");
	assert_int_equal(bi->nr_cpus, NR_CPUS);
}

static void test_spin_table(void **state)
{
	tree_set_string(fdt, "/cpus/cpu@0", "enable-method", "spin-table");
	tree_set_cells(fdt, "/cpus/cpu@0", "cpu-release-addr", 0, 0x400030d8);
	tree_set_string(fdt, "/cpus/cpu@1", "enable-method", "spin-table");
	tree_set_cells(fdt, "/cpus/cpu@1", "cpu-release-addr", 0x400030e0);
	assert_int_equal(parse(), 0);
	assert_false(bi->cpus[0].psci);
	assert_int_equal(bi->cpus[0].release, 0x400030d8);
	assert_int_equal(bi->cpus[1].release, 0x400030e0);
	assert_non_null(range_set_find(&bi->reserved, 0x40003000, 0x40004000));

	/* Nothing to go by: the place is not there, or not a number, or of no use. */
	again();
	tree_set_string(fdt, "/cpus/cpu@0", "enable-method", "spin-table");
	tree_set_cells(fdt, "/cpus/cpu@0", "cpu-release-addr", 0, 0, 0x400030d8);
	tree_set_cells(fdt, "/cpus/cpu@1", "cpu-release-addr", 0x400030e0);
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->cpus[0].release, 0);
	assert_int_equal(bi->cpus[1].release, 0);
	assert_true(bi->cpus[1].psci);
	assert_int_equal(bi->reserved.nr, 0);
}

static void test_psci(void **state)
{
	tree_set_string(fdt, "/psci", "method", "hvc");
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->psci, PSCI_HVC);
	again();
	tree_delete(fdt, "/psci");
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->psci, PSCI_NONE);
}

static void test_gic_regions(void **state)
{
	tree_set_cells(fdt, "/intc@8000000", "#redistributor-regions", 2);
	tree_set_cells(fdt, "/intc@8000000", "redistributor-stride", 0, 0x40000);
	tree_set_cells(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0,
		       0xf60000, 0x40, 0, 0, 0x4000000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->gic.nr_redists, 2);
	assert_range(bi->gic.redist[1], 0x4000000000, 0x4004000000);
	assert_int_equal(bi->gic.redist_stride, 0x40000);

	again();
	tree_set_cells(fdt, "/intc@8000000", "#redistributor-regions", 5);
	assert_int_equal(parse(), 0);
	assert_said("fewer redistributor regions");
	assert_int_equal(bi->gic.nr_redists, 1);

	again();
	tree_set_cells(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000);
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->gic.version, 0);

	again();
	tree_set_cells(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0);
	assert_int_equal(parse(), 0);
	assert_said("/intc@8000000: reg = <0 0x8000000 0>: it has 12 bytes");
}

static void test_timer_cells(void **state)
{
	/* A GIC with four cells (partitioned PPIs). */
	tree_set_cells(fdt, "/intc@8000000", "#interrupt-cells", 4);
	tree_set_cells(fdt, "/timer", "interrupts", 1, 13, 8, 0, 1, 14, 8, 0, 1, 11, 1, 0, 1, 10, 8,
		       0);
	tree_set_cells(fdt, "/timer", "clock-frequency", 24000000);
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->timer.irq[TIMER_VIRT].intid, 27);
	assert_int_equal(bi->timer.irq[TIMER_VIRT].type, IRQ_TYPE_EDGE);
	assert_int_equal(bi->timer.irq[TIMER_HYP].intid, 26);
	assert_int_equal(bi->timer.clock_frequency, 24000000);

	/* Without a timer node: what the architecture recommends. */
	again();
	tree_delete(fdt, "/timer");
	assert_int_equal(parse(), 0);
	assert_int_equal(bi->timer.node, -1);
	assert_int_equal(bi->timer.irq[TIMER_VIRT].intid, 27);
}

/* --- malformed trees --- */

static void test_no_tree(void **state)
{
	u64 junk[64];

	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(bootinfo_parse(junk, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE), -XEN_EINVAL);
	assert_said("no device tree at 0x4a000000");
	/* Nothing can be read there: nor does what was found before stay. */
	boot_info.hyp_cmdline = NULL;
	boot_info.nr_cpus = 3;
	assert_int_equal(bootinfo_parse(NULL, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE), -XEN_EINVAL);
	assert_string_equal(boot_info.hyp_cmdline, "");
	assert_int_equal(boot_info.nr_cpus, 0);
	assert_int_equal(dt_check(junk, 8), -XEN_EINVAL);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(dt_check(done, fdt_totalsize(done)), 0);
	assert_int_equal(dt_check(done, fdt_totalsize(done) - 1), -XEN_EINVAL);
	fdt_set_totalsize(done, DT_SIZE_MAX + 8);
	assert_int_equal(dt_check(done, DT_SIZE_MAX + 16), -XEN_EINVAL);
}

static void test_deep(void **state)
{
	char path[256] = "/";

	for (int i = 0; i < DT_DEPTH_MAX; i++) {
		tree_add(fdt, path, "d");
		strcat(path, i ? "/d" : "d");
	}
	assert_int_equal(parse(), -XEN_E2BIG);
	assert_said("deeper than 16 levels");
}

static void test_used_size(void **state)
{
	size_t room = fdt_totalsize(fdt);

	assert_true(dt_used_size(fdt) < room / 2);
	tree_ok(fdt_pack(fdt));
	assert_int_equal(dt_used_size(fdt), fdt_totalsize(fdt));
}

static void test_bad_strings(void **state)
{
	tree_set(fdt, "/chosen", "bootargs", "abc", 3);
	tree_set(fdt, "/chosen", "stdout-path", "/x\0y", 5);
	tree_set(fdt, K, "bootargs", "abc", 3);
	tree_set(fdt, K, "compatible", "multiboot,kernel\0x", 18);
	tree_set(fdt, R, "compatible", "multiboot,ramdisk", 17);
	tree_set(fdt, "/memory@40000000", "device_type", "memory", 6);
	tree_set(fdt, "/psci", "method", "smc", 3);
	tree_set(fdt, "/intc@8000000", "#interrupt-cells", "\0\0\0", 3);
	assert_int_equal(parse(), 0);
	assert_string_equal(bi->hyp_cmdline, "");
	assert_null(bi->stdout_path);
	assert_int_equal(bi->banks.nr, 0);
	assert_int_equal(bi->psci, PSCI_NONE);
	assert_int_equal(bi->gic.version, 0);
	assert_null(bootinfo_module(bi, MODULE_KERNEL)->cmdline);
	assert_null(bootinfo_module(bi, MODULE_RAMDISK));
}

/* Random damage: any answer, but no access out of bounds and no endless loop. */
static void test_damage(void **state)
{
	u32 understood = 0, size;
	unsigned char *copy;
	struct boot_device dev;
	struct seen s;

	tree_add_buses(fdt);
	done = tree_done(fdt);
	fdt = NULL;
	size = fdt_totalsize(done);
	copy = aligned_alloc(8, (size + 7) & ~7U);
	srand(7);
	for (int i = 0; i < 20000; i++) {
		int hits = 1 + rand() % 6;

		memcpy(copy, done, size);
		while (hits--)
			copy[40 + (u32)rand() % (size - 40)] ^= (unsigned char)(1 << rand() % 8);
		messages_clear();
		if (dt_check(copy, size) || bootinfo_parse(copy, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE))
			continue;
		understood++;
		bootinfo_check(bi);
		bootinfo_find_device(NULL, &dev);
		s.nr = 0;
		bootinfo_free_ranges(see, &s);
	}
	assert_true(understood > 1000);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_qemu, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cmdlines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_moved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_module_forms, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_module_of_domain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_module_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_module_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_free_ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_banks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_banks_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cpus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spin_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_psci, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gic_regions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_timer_cells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_tree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_used_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_strings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
