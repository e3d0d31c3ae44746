/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/passthrough.c hyp/boot/pass_check.c hyp/boot/place.c hyp/boot/boot*.c
 * hyp/boot/dom0_devices.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c
 * hyp/core/options.c */
/*
 * Partial device trees: what two domains claim of QEMU's machine, and what is refused in which
 * words. A refused tree leaves nothing claimed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/errno.h>
#include <serai/passthrough.h>

#define D1   "/chosen/domU1"
#define BUS  "/passthrough"
#define RTC  "/passthrough/pl031@9010000"
#define CLK  "/passthrough/apb-pclk"
#define SAYS "device tree: " D1 ": partial tree: "

static void *fdt, *done;      /* the machine's tree */
static void *part, *part_done; /* domU1's partial tree */
static struct boot_info *const bi = &boot_info;

static void add_domain(const char *name, u32 at)
{
	char path[64];

	snprintf(path, sizeof(path), "/chosen/%s", name);
	tree_add(fdt, "/chosen", name);
	tree_set_string(fdt, path, "compatible", "xen,domain");
	tree_set_cells(fdt, path, "#address-cells", 2);
	tree_set_cells(fdt, path, "#size-cells", 2);
	tree_set_cells(fdt, path, "cpus", 1);
	tree_set_cells(fdt, path, "memory", 0, 0x20000);
	tree_add(fdt, path, "kernel");
	strcat(path, "/kernel");
	tree_set(fdt, path, "compatible", "multiboot,kernel\0multiboot,module", 34);
	tree_set_cells(fdt, path, "reg", 0, at, 0, 0x1000);
}

static int set_up(void **state)
{
	fdt = tree_data("qemu-virt.dts");
	tree_delete(fdt, "/chosen/module@0x44000000");
	tree_delete(fdt, "/chosen/module@0x48000000");
	add_domain("domU2", 0x61000000);
	add_domain("domU1", 0x60000000);
	part = tree_data("partial.dts");
	messages_clear();
	passthrough_reset();
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	free(part);
	free(part_done);
	fdt = done = part = part_done = NULL;
	return 0;
}

static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static void parse(void)
{
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, 0x4a000000, 0x40200000, 0x40280000), 0);
	assert_int_equal(bootinfo_check(bi), 0);
	messages_clear();
}

static int read_part(u32 place)
{
	free(part_done);
	part_done = tree_done(part);
	part = NULL;
	return passthrough_read(bi, place, part_done, fdt_totalsize(part_done),
				dt_lookup(done, "/pl011@9000000"));
}

static void add_dom0(void)
{
	tree_add(fdt, "/chosen", "module");
	tree_set(fdt, "/chosen/module", "compatible", "multiboot,kernel\0multiboot,module", 34);
	tree_set_cells(fdt, "/chosen/module", "reg", 0, 0x62000000, 0, 0x1000);
}

static u32 claimed_irqs(void)
{
	u32 n = 0;

	for (u32 i = 0; i < IRQS_MAX; i++)
		n += !!passthrough.irq_owner[i];
	return n;
}

static void test_understood(void **state)
{
	const struct pass_region *r = passthrough.regions;

	tree_delete(part, "/clock-outside");
	parse();
	assert_int_equal(read_part(0), 0);
	assert_silent();
	assert_int_equal(passthrough.nr_regions, 1);
	assert_int_equal(r->host.start, 0x9010000);
	assert_int_equal(r->host.end, 0x9011000);
	assert_int_equal(r->guest, 0x9010000);
	assert_int_equal(r->owner, 1);
	assert_int_equal(claimed_irqs(), 1);
	assert_int_equal(passthrough.irq_owner[34], 1);
	assert_int_equal(passthrough.irq_type[34], IRQ_TYPE_LEVEL);
	assert_ptr_equal(passthrough.tree[0], part_done);
	assert_int_equal(passthrough.gic[0], 0xfde8);
	assert_false(bi->domains[0].left_out);
}

/* Elsewhere for the guest, in two pieces; another phandle for its GIC; no interrupt-parent. */
static void test_moved(void **state)
{
	tree_set_cells(part, "/gic", "phandle", 0x99);
	tree_delete_prop(part, RTC, "interrupt-parent");
	tree_set_cells(part, RTC, "reg", 0, 0x0a001000, 0, 0x2000);
	tree_set_cells(part, RTC, "xen,reg", 0, 0x09010000, 0, 0x1000, 0, 0x0a001000, 0, 0x09010000, 0,
		       0x1000, 0, 0x0a002000);
	parse();
	assert_int_equal(read_part(0), 0);
	assert_int_equal(passthrough.nr_regions, 2);
	assert_int_equal(passthrough.gic[0], 0x99);
	assert_said("/clock-outside: the guest does not get this node, only /passthrough");
}

/* The parent of interrupts is the GIC where the tree names none. */
static void test_no_irq_parent(void **state)
{
	tree_delete_prop(part, RTC, "interrupt-parent");
	tree_set_cells(part, RTC, "interrupts", 0, 3, 4);
	parse();
	assert_int_equal(read_part(0), -XEN_EINVAL);
	assert_said("interrupt 35 is of no node that a xen,path of this tree names");
}

/* Direct mapped: the machine's places are the guest's. */
static void test_direct_map(void **state)
{
	static const struct {
		u32 guest;
		const char *want;
	} cases[] = { { 0x09010000, NULL },
		      { 0x03001000, NULL },
		      { 0x08000000, "the guest's interrupt controller is there" },
		      { 0x50000000, "guest 0x50000000-0x50000fff: the machine's RAM is there" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		again();
		tree_set_cells(fdt, D1, "memory", 0, 0x4000);
		tree_set_cells(fdt, D1, "xen,static-mem", 0, 0x70000000, 0, 0x1000000);
		tree_set(fdt, D1, "direct-map", NULL, 0);
		tree_set_cells(part, RTC, "reg", 0, cases[i].guest, 0, 0x1000);
		tree_set_cells(part, RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, cases[i].guest);
		parse();
		assert_false(bi->domains[0].left_out);
		assert_int_equal(read_part(0), cases[i].want ? -XEN_EINVAL : 0);
		if (cases[i].want)
			assert_said(cases[i].want);
	}
}

/* Registers without a node, if the operator insists. */
static void test_no_path(void **state)
{
	tree_delete_prop(part, RTC, "xen,path");
	tree_delete_prop(part, RTC, "interrupts");
	parse();
	assert_int_equal(read_part(0), 0);
	assert_int_equal(passthrough.nr_regions, 1);
	assert_int_equal(claimed_irqs(), 0);
}

/* Two devices of one page for one domain, in the whole page. */
static void test_shared_page(void **state)
{
	static const char *const names[] = { "/passthrough/v@a003000", "/passthrough/v@a003e00" };

	tree_delete(part, RTC);
	for (u32 i = 0; i < 2; i++) {
		tree_add(part, BUS, names[i] + sizeof(BUS));
		tree_set_cells(part, names[i], "reg", 0, i ? 0x0a003e00 : 0x0a003000, 0, 0x200);
		tree_set_cells(part, names[i], "xen,reg", 0, 0x0a003000, 0, 0x1000, 0, 0x0a003000);
		tree_set(part, names[i], "xen,force-assign-without-iommu", NULL, 0);
	}
	tree_set_string(part, names[1], "xen,path", "/virtio_mmio@a003e00");
	tree_set_cells(part, names[1], "interrupts", 0, 0x2f, 1);
	parse();
	assert_int_equal(read_part(0), 0);
	assert_int_equal(passthrough.nr_regions, 2);
	assert_int_equal(passthrough.irq_type[32 + 0x2f], IRQ_TYPE_EDGE);
}

/* --- refusals --- */

static const struct refusal {
	const char *path, *name;
	u32 nr; /* cells; otherwise text */
	u32 cell[6];
	const char *text; /* NULL without cells: the property is removed */
	const char *want;
} refusals[] = {
	/* clang-format off */
	{ RTC, "xen,reg", 0, { 0 }, NULL, SAYS RTC ": reg = <0 0x9010000 0 0x1000>: no xen,reg maps guest 0x9010000-0x9010fff: the guest would fault there; write xen,reg = <HOST-ADDRESS" },
	{ RTC, "xen,force-assign-without-iommu", 0, { 0 }, NULL, SAYS RTC ": xen,reg = <0 0x9010000 0 0x1000 ...>: no IOMMU stands between the device and all of the memory; if you trust the guest with that, write in the node: xen,force-assign-without-iommu;" },
	{ RTC, "xen,path", 0, { 0 }, "/rtc@1", SAYS RTC ": xen,path = \"/rtc@1\": the machine's device tree has no such node; write the path" },
	{ RTC, "xen,path", 1, { 5 }, NULL, "xen,path = <0x5>: it is no string; write the path" },
	{ RTC, "xen,path", 0, { 0 }, "/pl061@9030000", "host 0x9010000-0x9010fff is not in reg of /pl061@9030000; its pages are 0x9030000-0x9030fff" },
	{ RTC, "xen,path", 0, { 0 }, "/gpio-keys", "host 0x9010000-0x9010fff is not in reg of /gpio-keys; name the node that has these registers" },
	{ RTC, "xen,path", 0, { 0 }, "/timer", "that node has interrupts that each CPU has for itself (PPIs)" },
	{ RTC, "xen,path", 0, { 0 }, "/pl011@9000000", "host 0x9010000-0x9010fff is not in reg of /pl011@9000000" },
	{ RTC, "xen,reg", 3, { 0x9010000, 0x1000, 0x9010000 }, NULL, "it is not made of host address, size, guest address (2, 2, 2 cells); write xen,reg = <HOST-ADDRESS SIZE GUEST-ADDRESS>, in the cells of the node above" },
	{ RTC, "xen,reg", 0, { 0 }, "", "it is not made of host address" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0, 0, 0x9010000 }, NULL, "a region is empty or has no end" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, ~0U, 0xfffff000, 0, 0x9010000 }, NULL, "a region is empty or has no end" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, ~0U, 0xfffff800 }, NULL, "a region is empty or has no end" },
	{ RTC, "xen,reg", 6, { 0, 0x9010200, 0, 0x200, 0, 0x9010200 }, NULL, "0x9010200-0x90103ff is not made of whole pages, and nothing less than a page can be mapped; write host 0x9010000, size 0x1000, guest 0x9010000, and leave the guest's reg as it is" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x9010004 }, NULL, "is not made of whole pages" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x2000, 0, 0x9010000 }, NULL, "host 0x9010000-0x9011fff is not in reg of /pl031@9010000; its pages are 0x9010000-0x9010fff" },
	{ RTC, "xen,reg", 6, { 0, 0x900f000, 0, 0x1000, 0, 0x9010000 }, NULL, "host 0x900f000-0x900ffff is not in reg of /pl031@9010000" },
	{ RTC, "xen,reg", 6, { 0, 0x50000000, 0, 0x1000, 0, 0x9010000 }, NULL, "host 0x50000000-0x50000fff is RAM; name the registers of a device" },
	{ RTC, "xen,reg", 6, { 0, 0x8000000, 0, 0x1000, 0, 0x9010000 }, NULL, "host 0x8000000-0x8000fff is the interrupt controller, which Serai keeps" },
	{ RTC, "xen,reg", 6, { 0, 0x80b0000, 0, 0x1000, 0, 0x9010000 }, NULL, "is the interrupt controller, which Serai keeps" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x40001000 }, NULL, "guest 0x40001000-0x40001fff: the guest's RAM is there; choose another guest address, and the same in reg" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x3001000 }, NULL, "the guest's interrupt controller is there" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x3030000 }, NULL, "the guest's interrupt controller is there" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x38000000 }, NULL, "the guest's place for grant tables is there" },
	{ RTC, "xen,reg", 6, { 0, 0x9010000, 0, 0x1000, 0, 0x22000000 }, NULL, "the guest's vpl011 is there" },
	{ RTC, "reg", 4, { 0, 0x9010000, 0, 0x1001 }, NULL, "no xen,reg maps guest 0x9010000-0x9011000" },
	{ RTC, "reg", 3, { 0, 0x9010000, 0 }, NULL, RTC ": reg = <0 0x9010000 0>: it cannot be read" },
	{ RTC, "interrupts", 3, { 0, 3, 4 }, NULL, RTC ": interrupts = <0 0x3 0x4>: interrupt 35 is of no node that a xen,path of this tree names; write the interrupts of the machine's node" },
	{ RTC, "interrupts", 6, { 0, 2, 4, 0, 9, 4 }, NULL, "interrupt 41 is of no node" },
	{ RTC, "interrupts", 3, { 1, 9, 4 }, NULL, "interrupt 25 is private to each CPU (PPI)" },
	{ RTC, "interrupts", 2, { 0, 2 }, NULL, "interrupts = <0 0x2>: it cannot be read; write <0 SPI 4>" },
	{ RTC, "interrupt-parent", 1, { 0x77 }, NULL, "interrupt-parent = <0x77>: no node has phandle 0x77; put the node that is meant below /passthrough; Xen says nothing" },
	{ RTC, "clocks", 1, { 0x70 }, NULL, RTC ": clocks = <0x70>: phandle 0x70 is /clock-outside, which the guest does not get; put" },
	{ RTC, "clocks", 2, { 0x71, 0x8000 }, NULL, "clocks = <0x71 0x8000>: no node has phandle 0x8000" },
	{ RTC, "power-domains", 1, { 3 }, NULL, "power-domains = <0x3>: no node has phandle 0x3" },
	{ RTC, "reset-gpios", 3, { 4, 1, 1 }, NULL, "reset-gpios = <0x4 0x1 0x1>: no node has phandle 0x4" },
	{ RTC, "vdd-supply", 1, { 4 }, NULL, "vdd-supply = <0x4>: no node has phandle 0x4" },
	{ CLK, "phandle", 1, { 0xfde8 }, NULL, CLK ": phandle = <0xfde8>: the guest's interrupt controller has this one" },
	{ BUS, "compatible", 0, { 0 }, NULL, SAYS BUS ": compatible: the guest would not look into the node; write compatible = \"simple-bus\"" },
	{ BUS, "compatible", 0, { 0 }, "bus", "compatible = \"bus\": the guest would not look" },
	{ BUS, "ranges", 0, { 0 }, NULL, BUS ": ranges: it is missing; write ranges; #address-cells" },
	{ BUS, "#address-cells", 0, { 0 }, NULL, BUS ": #address-cells: it is missing" },
	{ BUS, "#size-cells", 0, { 0 }, NULL, BUS ": #size-cells: it is missing" },
	/* clang-format on */
};

static void apply(void *tree, const struct refusal *r)
{
	u32 cells[6];

	for (u32 i = 0; i < r->nr; i++)
		cells[i] = cpu_to_fdt32(r->cell[i]);
	if (r->nr)
		tree_set(tree, r->path, r->name, cells, r->nr * 4);
	else if (r->text)
		tree_set_string(tree, r->path, r->name, r->text);
	else
		tree_delete_prop(tree, r->path, r->name);
}

static void assert_refused(const char *want)
{
	int rc = read_part(0);

	assert_said(want);
	if (rc != -XEN_EINVAL || !bi->domains[0].left_out)
		fail_msg("%s: is not refused", want);
	assert_false(bi->domains[1].left_out);
	assert_int_equal(passthrough.nr_regions, 0);
	assert_int_equal(claimed_irqs(), 0);
	assert_null(passthrough.tree[0]);
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		again();
		apply(part, &refusals[i]);
		parse();
		assert_refused(refusals[i].want);
	}
}

/* As if the machine were another one. */
static void test_machine(void **state)
{
	static const struct refusal cases[] = {
		/* clang-format off */
		{ D1, "nr_spis", 1, { 2 }, NULL, "xen,path = \"/pl031@9010000\": its interrupt 34 is SPI 2, but the domain has nr_spis = <2>; write nr_spis = <3> or more, or nothing" },
		{ "/pl011@9000000", "interrupts", 3, { 0, 2, 4 }, NULL, "interrupt 34 is also that of /pl011@9000000 of the machine, which is Serai's console; give another device" },
		{ "/pl031@9010000", "interrupts", 2, { 0, 2 }, NULL, "reg or interrupts of that node cannot be read" },
		{ "/pl011@9000000", "reg", 4, { 0, 0x9010800, 0, 0x100 }, NULL, "xen,reg = <0 0x9010000 0 0x1000 ...>: there are also registers of /pl011@9000000 of the machine, which is Serai's console" },
		{ "/intc@8000000/its@8080000", "reg", 4, { 0, 0x9010000, 0, 0x1000 }, NULL, "/intc@8000000/its@8080000 of the machine, which is Serai's interrupt controller" },
		/* clang-format on */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		again();
		apply(fdt, &cases[i]);
		parse();
		assert_refused(cases[i].want);
	}
	/* The interrupt of vpl011. */
	again();
	tree_set(fdt, D1, "vpl011", NULL, 0);
	tree_set_cells(fdt, "/pl031@9010000", "interrupts", 0, 0, 4);
	parse();
	assert_refused("its interrupt 32 (SPI 0) is that of the guest's vpl011; remove vpl011");
}

/* dom0 has all that is not marked. */
static void test_dom0(void **state)
{
	add_dom0();
	parse();
	assert_refused("there are also registers of /pl031@9010000 of the machine, which is dom0's; to "
		       "keep it from dom0, write in /pl031@9010000 of the machine's tree: "
		       "xen,passthrough;");
	again();
	add_dom0();
	tree_set(fdt, "/pl031@9010000", "xen,passthrough", NULL, 0);
	parse();
	assert_int_equal(read_part(0), 0);
	/* Neighbours in its page, users of its interrupt, windows of a bus. */
	again();
	add_dom0();
	tree_set(fdt, "/pl031@9010000", "xen,passthrough", NULL, 0);
	tree_set_cells(fdt, "/pl061@9030000", "reg", 0, 0x9010f00, 0, 0x100);
	parse();
	assert_refused("there are also registers of /pl061@9030000 of the machine, which is dom0's");
	again();
	add_dom0();
	tree_set(fdt, "/pl031@9010000", "xen,passthrough", NULL, 0);
	tree_set_cells(fdt, "/pl061@9030000", "interrupts", 0, 2, 4);
	parse();
	assert_refused("xen,path = \"/pl031@9010000\": interrupt 34 is also that of /pl061@9030000");
	again();
	add_dom0();
	tree_set_string(fdt, "/pl061@9030000", "status", "disabled");
	tree_set(fdt, "/pl031@9010000", "xen,passthrough", NULL, 0);
	tree_set_cells(fdt, "/pl061@9030000", "interrupts", 0, 2, 4);
	parse();
	assert_int_equal(read_part(0), 0);
	again();
	add_dom0();
	tree_delete_prop(part, RTC, "xen,path");
	tree_delete_prop(part, RTC, "interrupts");
	tree_set_cells(part, RTC, "xen,reg", 0, 0x20000000, 0, 0x1000, 0, 0x9010000);
	parse();
	assert_refused("there are also registers of /pcie@10000000 of the machine, which is dom0's");
}

static void test_two_domains(void **state)
{
	void *first;

	tree_delete(part, "/clock-outside");
	parse();
	assert_int_equal(read_part(1), 0);
	first = part_done;
	part_done = NULL;
	part = tree_data("partial.dts");
	assert_int_equal(read_part(0), -XEN_EINVAL);
	assert_said("xen,reg = <0 0x9010000 0 0x1000 ...>: host 0x9010000-0x9010fff is given to domU2 "
		    "already; give the device to one of them");
	assert_int_equal(passthrough.nr_regions, 1);
	assert_int_equal(passthrough.irq_owner[34], 2);
	/* Another device, but the same interrupt. */
	again();
	free(first);
	tree_set_cells(fdt, "/pl061@9030000", "interrupts", 0, 2, 4);
	parse();
	assert_int_equal(read_part(1), 0);
	first = part_done;
	part_done = NULL;
	part = tree_data("partial.dts");
	tree_set_string(part, RTC, "xen,path", "/pl061@9030000");
	tree_set_cells(part, RTC, "xen,reg", 0, 0x9030000, 0, 0x1000, 0, 0x9010000);
	assert_int_equal(read_part(0), -XEN_EINVAL);
	assert_said("its interrupt 34 (SPI 2) is given to domU2 already; give both devices to one");
	assert_int_equal(passthrough.irq_owner[34], 2);
	free(first);
}

/* The same guest address for two devices; more regions than there is room for. */
static void test_many_regions(void **state)
{
	u32 cells[6 * (PASS_REGIONS_MAX + 1)];

	tree_set_cells(part, RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000, 0, 0x9011000, 0, 0x1000,
		       0, 0x9010000);
	tree_delete_prop(part, RTC, "xen,path");
	parse();
	assert_refused("guest 0x9010000-0x9010fff: another device of the guest is there");
	again();
	for (u32 i = 0; i <= PASS_REGIONS_MAX; i++) {
		const u32 c[6] = { 0, 0x9010000, 0, 0x1000, 0, 0x9010000 };

		for (u32 n = 0; n < 6; n++)
			cells[6 * i + n] = cpu_to_fdt32(c[n]);
	}
	tree_set(part, RTC, "xen,reg", cells, sizeof(cells));
	parse();
	assert_refused("there are too many regions of devices; give fewer devices to guests");
}

static void test_no_tree(void **state)
{
	u64 junk[16] = { 0 };

	parse();
	assert_int_equal(passthrough_read(bi, 0, junk, sizeof(junk), -1), -XEN_EINVAL);
	assert_said(SAYS "the module is no device tree, or its reg is too short; compile it");
	again();
	tree_delete(part, BUS);
	parse();
	assert_refused("it has no node /passthrough, so the guest would get nothing");
	again();
	parse();
	part_done = tree_done(part);
	part = NULL;
	assert_int_equal(passthrough_read(bi, 0, part_done, fdt_totalsize(part_done) - 8, -1),
			 -XEN_EINVAL);
	assert_said("or its reg is too short");
}

/* Random damage: any answer, but no access out of bounds, and nothing claimed by who is refused. */
static void test_damage(void **state)
{
	u32 understood = 0, taken = 0, size;
	unsigned char *copy;

	parse();
	part_done = tree_done(part);
	part = NULL;
	size = fdt_totalsize(part_done);
	copy = aligned_alloc(8, (size + 7) & ~7U);
	srand(12);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, part_done, size);
		for (int hits = 1 + rand() % 4; hits; hits--)
			copy[40 + (u32)rand() % (size - 40)] ^= (unsigned char)(1 << rand() % 8);
		messages_clear();
		passthrough_reset();
		understood += !dt_check(copy, size);
		if (!passthrough_read(bi, 0, copy, size, -1))
			taken++;
		else if (passthrough.nr_regions || claimed_irqs())
			fail_msg("round %d: claims remain", i);
	}
	assert_true(understood > 1000 && taken > 100);
	free(copy);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_understood),	 TEST(test_moved), TEST(test_no_path), TEST(test_no_irq_parent),
		TEST(test_direct_map), TEST(test_shared_page),
		TEST(test_refusals),	 TEST(test_machine), TEST(test_dom0), TEST(test_two_domains),
		TEST(test_many_regions), TEST(test_no_tree), TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
