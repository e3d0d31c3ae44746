/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/guest.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c
 * hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c hyp/boot/static_ram.c hyp/boot/shm.c hyp/boot/channels.c */
/*
 * Guests of the device tree: what is in their RAM and which tree they find there.
 */
#include "guests_house.h"

/* --- two guests of the same files --- */

static void test_two(void **state)
{
	add_guest("domU2", 2, 16 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	assert_said("domU1: d1, 12 MiB, 1 vcpu\n");
	assert_said("domU1: kernel 0x40000000 (copied), device tree 0x40800000");
	assert_said("domU1: ramdisk 0x40600000, 8 KiB (copied)");
	assert_said("domU2: d2, 16 MiB, 2 vcpus\n");
	assert_int_equal(f.released[1], 1);
	assert_int_equal(f.released[2], 2);
	assert_int_equal(f.released[0], 0);
	/* Not one page is theirs before it is clean. */
	assert_int_equal(f.dom[1].frames.nr, 0);
	load(2);
	load(1);
	for (u32 id = 1; id <= 2; id++) {
		u64 size = id == 1 ? 12 * MIB : 16 * MIB;

		assert_int_equal(f.pc[id], GUEST_RAM0_BASE);
		assert_int_equal(f.x0[id], GUEST_RAM0_BASE + 8 * MIB);
		assert_int_equal(f.dom[id].frames.nr, size / PAGE_SIZE);
		assert_file(id, GUEST_RAM0_BASE, K_SIZE, 1, 64);
		assert_file(id, GUEST_RAM0_BASE + 6 * MIB, R_SIZE, 2, 0);
		assert_zero_pages(id, GUEST_RAM0_BASE + K_SIZE + PAGE_SIZE - 100,
				  GUEST_RAM0_BASE + 6 * MIB);
		assert_zero_pages(id, GUEST_RAM0_BASE + 6 * MIB + 3 * PAGE_SIZE, f.x0[id]);
		take_tree(id);
		assert_zero_pages(id, f.x0[id] + ROUND_UP((u64)fdt_totalsize(tree), PAGE_SIZE),
				  GUEST_RAM0_BASE + size);
		assert_int_equal(p2m_lookup(&f.dom[id].p2m, gfn((GUEST_RAM0_BASE + size) >> 12),
					    NULL).v, MFN_INVALID.v);
		assert_null(f.dom[id].launch);
		assert_false(f.crashed[id]);
	}
	assert_cells("/chosen", "linux,initrd-start", 0, 0x40600000);
	assert_cells("/chosen", "linux,initrd-end", 0, 0x40602003);
	assert_int_equal(f.cfg[2].nr_vcpus, 2);
	assert_int_equal(f.cfg[2].flags, 0);
	assert_int_equal(f.cfg[2].max_frames, 16 * MIB / PAGE_SIZE);
	assert_int_equal(f.cfg[2].max_evtchn_port, 1023);
	assert_int_equal(f.cfg[2].max_grant_frames, 64);
	assert_int_equal(f.cfg[2].max_maptrack_frames, 1024);
	assert_int_equal(f.cfg[2].nr_spis, 256);
	assert_int_equal(f.dom[2].evtchn_irq, 31);
	assert_int_equal(f.dom[2].hvm_params[HVM_PARAM_CALLBACK_IRQ], 0);
	assert_int_equal(f.timer, 0); /* nobody waits */
}

/* The files, and the loader's tree, go to the heap with the last who reads them. */
static void test_files_given_back(void **state)
{
	u64 files = ROUND_UP(K_SIZE, PAGE_SIZE) + 4 * PAGE_SIZE, before;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	before = free_frames();
	load(1);
	assert_true(free_frames() >= before && free_frames() <= before + 8);
	load(2);
	assert_true(free_frames() >= before + files / PAGE_SIZE);
	/* All that the machine has is there again when both are gone; but the copy of the tree. */
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_int_equal(domain_kill(&f.dom[2]), 0);
	assert_true(free_frames() >= f.heap_free + files / PAGE_SIZE - 2);
}

static void test_tree(void **state)
{
	add_guest("domU1", 2, 16 * MIB);
	tree_set(fdt, "/chosen/domU1", "vpl011", NULL, 0);
	tree_set_string(fdt, "/chosen/domU1", "xen,enhanced", "no-xenstore");
	tree_set_cells(fdt, "/chosen/domU1", "nr_spis", 1);
	tree_set_cells(fdt, "/chosen/domU1", "max_grant_frames", 5);
	tree_set_cells(fdt, "/chosen/domU1", "max_maptrack_frames", 6);
	options.guest_console_io = true;
	assert_int_equal(start(), 0);
	load(1);
	take_tree(1);
	assert_true(f.uart[1]);
	assert_int_equal(f.cfg[1].nr_spis, 1);
	assert_int_equal(f.cfg[1].max_grant_frames, 5);
	assert_int_equal(f.cfg[1].max_maptrack_frames, 6);
	assert_int_equal(f.cfg[1].flags, DOMAIN_CONSOLE);
	assert_bytes("/", "model", "XENVM-4.17");
	assert_bytes("/", "compatible", "xen,xenvm-4.17\0xen,xenvm");
	assert_cells("/", "interrupt-parent", 0xfde8);
	assert_cells("/", "#address-cells", 2);
	assert_cells("/", "#size-cells", 2);
	assert_bytes("/chosen", "bootargs", "domU1");
	assert_int_equal(fdt_first_subnode(tree, tree_node(tree, "/chosen")), -FDT_ERR_NOTFOUND);
	assert_bytes("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	assert_bytes("/psci", "method", "hvc");
	assert_cells("/psci", "cpu_off", 1);
	assert_cells("/psci", "cpu_on", 2);
	assert_cells("/cpus", "#address-cells", 1);
	assert_cells("/cpus", "#size-cells", 0);
	assert_bytes("/cpus/cpu@0", "compatible", "arm,cortex-a57");
	assert_bytes("/cpus/cpu@1", "device_type", "cpu");
	assert_cells("/cpus/cpu@1", "reg", 1);
	assert_bytes("/cpus/cpu@1", "enable-method", "psci");
	assert_true(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
	assert_bytes("/memory@40000000", "device_type", "memory");
	assert_cells("/memory@40000000", "reg", 0, 0x40000000, 0, 0x1000000);
	assert_cells("/interrupt-controller@3001000", "#address-cells", 0);
	assert_cells("/interrupt-controller@3001000", "#interrupt-cells", 3);
	assert_non_null(prop("/interrupt-controller@3001000", "interrupt-controller", NULL));
	assert_bytes("/interrupt-controller@3001000", "compatible", "arm,gic-v3");
	assert_cells("/interrupt-controller@3001000", "reg", 0, 0x3001000, 0, 0x10000, 0, 0x3020000,
		     0, 0x1000000);
	assert_cells("/interrupt-controller@3001000", "phandle", 0xfde8);
	assert_cells("/interrupt-controller@3001000", "linux,phandle", 0xfde8);
	assert_bytes("/timer", "compatible", "arm,armv8-timer");
	assert_cells("/timer", "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08);
	assert_cells("/timer", "interrupt-parent", 0xfde8);
	assert_bytes("/sbsa-uart@22000000", "compatible", "arm,sbsa-uart");
	assert_cells("/sbsa-uart@22000000", "reg", 0, 0x22000000, 0, 0x1000);
	assert_cells("/sbsa-uart@22000000", "interrupts", 0, 0, 0xf04);
	assert_cells("/sbsa-uart@22000000", "interrupt-parent", 0xfde8);
	assert_cells("/sbsa-uart@22000000", "current-speed", 115200);
	assert_bytes("/hypervisor", "compatible", "xen,xen-4.17\0xen,xen");
	assert_cells("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 0, 0x41000000, 0, 0xbf000000,
		     2, 0, 0xfe, 0);
	assert_cells("/hypervisor", "interrupts", 1, 15, 0xf08);
	assert_cells("/hypervisor", "interrupt-parent", 0xfde8);
	/* No xenstore. */
	assert_int_equal(f.dom[1].hvm_params[HVM_PARAM_STORE_EVTCHN], 0);
}

static void test_plain_tree(void **state)
{
	int len;
	u8 seed[32];

	/* Neither UART nor hypervisor nor ramdisk nor bootargs; seeds of its own. */
	add_guest("domU1", 1, 16 * MIB);
	tree_delete(fdt, "/chosen/domU1/ramdisk@1");
	tree_delete_prop(fdt, "/chosen/domU1/kernel@0", "bootargs");
	tree_set_cells(fdt, "/timer", "clock-frequency", 1000000);
	memcpy(seed, fdt_getprop(fdt, tree_node(fdt, "/chosen"), "rng-seed", &len), 32);
	assert_int_equal(start(), 0);
	assert_said("domU1: no ramdisk");
	load(1);
	take_tree(1);
	assert_true(fdt_path_offset(tree, "/sbsa-uart@22000000") < 0);
	assert_true(fdt_path_offset(tree, "/hypervisor") < 0);
	assert_null(prop("/chosen", "linux,initrd-start", NULL));
	assert_bytes("/chosen", "bootargs", "");
	assert_cells("/timer", "clock-frequency", 1000000);
	assert_memory_not_equal(prop("/chosen", "rng-seed", &len), seed, 8);
	assert_int_equal(len, 32);
	assert_false(f.uart[1]);
}

/* --- devices of the machine --- */

#define PARTIAL 0x42100004UL /* on no boundary */

static void add_partial(const char *domain)
{
	void *part = tree_done(tree_data("partial.dts"));

	memcpy(paddr_to_virt(PARTIAL), part, fdt_totalsize(part));
	add_module(domain, "devices@2", "device-tree", PARTIAL, fdt_totalsize(part));
	free(part);
}

static void test_devices(void **state)
{
	enum p2m_type t;
	u64 left;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_partial("/chosen/domU2");
	assert_int_equal(start(), 0);
	assert_said("domU2: has devices without an IOMMU: trust it");
	left = free_frames();
	load(1);
	load(2);
	assert_true(free_frames() > left); /* nothing of the partial tree is kept */
	assert_int_equal(p2m_lookup(&f.dom[2].p2m, gfn(0x9010), &t).v, 0x9010);
	assert_int_equal(t, P2M_MMIO_DEV);
	assert_int_equal(p2m_lookup(&f.dom[1].p2m, gfn(0x9010), &t).v, MFN_INVALID.v);
	assert_int_equal(f.irq[34], 3);
	assert_int_equal(f.irq_type[34], IRQ_TYPE_LEVEL);
	take_tree(2);
	assert_bytes("/aliases", "rtc0", "/passthrough/pl031@9010000");
	assert_bytes("/passthrough", "compatible", "simple-bus");
	assert_cells("/passthrough/apb-pclk", "phandle", 0x71);
	assert_cells("/passthrough/pl031@9010000", "reg", 0, 0x9010000, 0, 0x1000);
	assert_cells("/passthrough/pl031@9010000", "interrupts", 0, 2, 4);
	assert_cells("/passthrough/pl031@9010000", "interrupt-parent", 0xfde8);
	assert_null(prop("/passthrough/pl031@9010000", "xen,reg", NULL));
	assert_null(prop("/passthrough/pl031@9010000", "xen,path", NULL));
	assert_null(prop("/passthrough/pl031@9010000", "xen,force-assign-without-iommu", NULL));
	assert_true(fdt_path_offset(tree, "/clock-outside") < 0);
	assert_true(fdt_path_offset(tree, "/gic") < 0);
	assert_true(fdt_path_offset(tree, "/timer") > 0);
	take_tree(1);
	assert_true(fdt_path_offset(tree, "/passthrough") < 0);
}

/* Foreign pages do not go where a device is. */
static void test_device_in_ram_space(void **state)
{
	void *part = tree_data("partial.dts");

	tree_set_cells(part, "/passthrough/pl031@9010000", "reg", 0, 0x90200000, 0, 0x1000);
	tree_set_cells(part, "/passthrough/pl031@9010000", "xen,reg", 0, 0x9010000, 0, 0x1000, 0,
		       0x90200000);
	part = tree_done(part);
	memcpy(paddr_to_virt(PARTIAL), part, fdt_totalsize(part));
	add_guest("domU1", 1, 16 * MIB);
	tree_set_string(fdt, "/chosen/domU1", "xen,enhanced", "no-xenstore");
	add_module("/chosen/domU1", "devices@2", "device-tree", PARTIAL, fdt_totalsize(part));
	free(part);
	assert_int_equal(start(), 0);
	load(1);
	take_tree(1);
	assert_cells("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 0, 0x41000000, 0, 0x4f200000,
		     0, 0x90400000, 0, 0x6fc00000, 2, 0, 0xfe, 0);
}

/* The partial tree names another phandle for the GIC: the guest's whole tree uses it. */
static void test_gic_phandle(void **state)
{
	void *part = tree_data("partial.dts");

	tree_set_cells(part, "/gic", "phandle", 0x88);
	tree_set_cells(part, "/passthrough/pl031@9010000", "interrupt-parent", 0x88);
	part = tree_done(part);
	memcpy(paddr_to_virt(PARTIAL), part, fdt_totalsize(part));
	add_guest("domU1", 1, 12 * MIB);
	tree_set(fdt, "/chosen/domU1", "vpl011", NULL, 0);
	add_module("/chosen/domU1", "devices@2", "device-tree", PARTIAL, fdt_totalsize(part));
	free(part);
	assert_int_equal(start(), 0);
	load(1);
	take_tree(1);
	assert_cells("/interrupt-controller@3001000", "phandle", 0x88);
	assert_cells("/", "interrupt-parent", 0x88);
	assert_cells("/timer", "interrupt-parent", 0x88);
	assert_cells("/sbsa-uart@22000000", "interrupt-parent", 0x88);
}

/* A guest whose devices are refused is left out; with dom0less=strict all are. */
static void test_devices_refused(void **state)
{
	u64 before;

	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_partial("/chosen/domU1");
	memset(paddr_to_virt(PARTIAL), 0, 4);
	assert_int_equal(start(), 0);
	assert_said("/chosen/domU1: partial tree: the module is no device tree");
	assert_false(f.exists[1]);
	assert_true(f.exists[2]);

	again();
	options.dom0less_strict = true;
	add_guest("domU1", 1, 12 * MIB);
	add_partial("/chosen/domU1");
	memset(paddr_to_virt(PARTIAL), 0, 4);
	assert_int_equal(start(), -XEN_EINVAL);
	assert_said("dom0less=strict: then none is");

	/* More than a tree can have. */
	again();
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_partial("/chosen/domU1");
	tree_set_cells(fdt, "/chosen/domU1/devices@2", "reg", 0, PARTIAL, 0, 0x200001);
	assert_int_equal(start(), 0);
	assert_said("domU1: its partial tree has 2048 KiB, there is no room for it");
	assert_false(f.exists[1]);

	/* An interrupt that somebody else has after all. */
	again();
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_partial("/chosen/domU1");
	f.irq_rc = -XEN_EBUSY;
	assert_int_equal(prepare(), 0);
	before = free_frames();
	assert_int_equal(builder_start(), 0);
	assert_said("domU1: interrupt 34 cannot be its own (-16)");
	assert_false(f.exists[1]);
	load(2);
	domain_kill(&f.dom[2]);
	assert_true(free_frames() >= before);
}

/* More than 3 GiB: a second bank. Nothing of it is touched here. */
static void test_banks(void **state)
{
	struct range ranges[2];
	struct range_set banks = { 0, 2, ranges };
	struct domu_tree t = { .bi = bi, .id = 3, .nr_vcpus = 20, .banks = &banks,
			       .limit = 1UL << 40, .bootargs = "x", .hypervisor = true };
	int len;

	add_guest("domU1", 1, 16 * MIB);
	assert_int_equal(prepare(), 0);
	guest_banks(3072 * MIB, &banks);
	assert_int_equal(banks.nr, 1);
	assert_int_equal(ranges[0].end, 0x100000000);
	guest_banks(5120 * MIB, &banks);
	assert_int_equal(banks.nr, 2);
	assert_int_equal(ranges[0].end, 0x100000000);
	assert_int_equal(ranges[1].start, 0x200000000);
	assert_int_equal(ranges[1].end, 0x280000000);
	assert_true(domu_fdt_bound(&t) < sizeof(tree_copy));
	len = domu_fdt_build(&t, "d3", tree_copy, domu_fdt_bound(&t));
	assert_true(len > 0);
	assert_cells("/memory@40000000", "reg", 0, 0x40000000, 0, 0xc0000000, 2, 0, 0, 0x80000000);
	assert_cells("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 2, 0x80000000, 0xfd,
		     0x80000000);
	assert_cells("/cpus/cpu@103", "reg", 0x103);
	/* A CPU that reaches less far; regions that are too small. */
	t.limit = 1UL << 36;
	guest_banks(3072 * MIB - 32 * MIB, &banks);
	assert_true(domu_fdt_build(&t, "d3", tree_copy, domu_fdt_bound(&t)) > 0);
	assert_cells("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 2, 0, 0xe, 0);
	assert_int_equal(domu_fdt_build(&t, "d3", tree_copy, 200), -XEN_ENOSPC);
	assert_said("d3: its device tree cannot be made: FDT_ERR_NOSPACE");
}

/* The heap has only small blocks, and some single frames. */
static void test_fragments(void **state)
{
	u32 nr = 0;

	add_guest("domU1", 1, 48 * MIB);
	assert_int_equal(prepare(), 0);
	for (struct frame *b; (b = frame_alloc(9, FRAME_NO_SCRUB)); nr++) {
		frame_free_range(b, 17);
		frame_free_range(b + 18, 512 - 18);
	}
	assert_true(nr > 50);
	assert_int_equal(builder_start(), 0);
	load(1);
	assert_int_equal(f.dom[1].frames.nr, 48 * MIB / PAGE_SIZE);
	assert_file(1, GUEST_RAM0_BASE, K_SIZE, 1, 64);
	assert_file(1, GUEST_RAM0_BASE + 6 * MIB, R_SIZE, 2, 0);
	assert_zero_pages(1, GUEST_RAM0_BASE + 10 * MIB, GUEST_RAM0_BASE + 48 * MIB);
}

static void test_text_offset(void **state)
{
	put_kernel(0x80000, 4 * MIB);
	add_guest("domU1", 1, 16 * MIB);
	assert_int_equal(start(), 0);
	load(1);
	assert_int_equal(f.pc[1], GUEST_RAM0_BASE + 0x80000);
	assert_file(1, f.pc[1], K_SIZE, 1, 64);
	/* There was room before the kernel. */
	assert_file(1, GUEST_RAM0_BASE, R_SIZE, 2, 0);
	assert_zero_pages(1, GUEST_RAM0_BASE + 3 * PAGE_SIZE, GUEST_RAM0_BASE + 0x80000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_two),
		TEST(test_files_given_back),
		TEST(test_tree),
		TEST(test_plain_tree),
		TEST(test_devices),
		TEST(test_device_in_ram_space),
		TEST(test_gic_phandle),
		TEST(test_devices_refused),
		TEST(test_banks),
		TEST(test_fragments),
		TEST(test_text_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
