/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c
 * hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c hyp/boot/fdt_out.c hyp/boot/shm_fdt.c hyp/boot/seed.c
 * hyp/core/cmdline.c hyp/core/options.c */
/* What dom0 gets of a machine with a GICv2: frames in the tree, MSI frames and their interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>

#define GIC "/intc@8000000"
#define V2M GIC "/v2m@8020000"
#define OUT "/interrupt-controller"

static struct boot_info *const bi = &boot_info;
static void *fdt, *done, *tree;
static u32 msi_frame[4]; /* registers of the MSI frame */

/* As QEMU describes it with gic-version=2. */
static int set_up(void **state)
{
	host_init(1);
	messages_clear();
	host.device = msi_frame;
	fdt = tree_data("qemu-virt.dts");
	tree_delete(fdt, GIC "/its@8080000");
	tree_set_string(fdt, GIC, "compatible", "arm,cortex-a15-gic");
	tree_set_cells(fdt, GIC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0,
		       0x8030000, 0, 0x10000, 0, 0x8040000, 0, 0x10000);
	tree_add(fdt, GIC, "v2m@8020000");
	tree_set_string(fdt, V2M, "compatible", "arm,gic-v2m-frame");
	tree_set(fdt, V2M, "msi-controller", NULL, 0);
	tree_set_cells(fdt, V2M, "phandle", 0x8055);
	tree_set_cells(fdt, V2M, "reg", 0, 0x8020000, 0, 0x1000);
	msi_frame[2] = 80 << 16 | 64;
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	free(tree);
	fdt = done = tree = NULL;
	return 0;
}

static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static void build(void)
{
	static struct range nothing[8];
	static struct range_set none = { 0, 8, nothing };
	struct dom0_tree t = { .bi = bi, .uart = -1, .nr_vcpus = 2, .evtchn_irq = 16, .banks = &none,
			       .reserved = &none, .extended = &none, .bootargs = "",
			       .grant = { 0x200000, 0x240000 } };

	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, 0x4a000000, 0x40200000, 0x40280000), 0);
	assert_int_equal(bootinfo_check(bi), 0);
	assert_int_equal(dom0_devices_collect(bi, -1, &dom0_devices), 0);
	t.v2m = dom0_devices.v2m;
	tree = malloc(dom0_fdt_bound(&t));
	assert_true(dom0_fdt_build(&t, tree, dom0_fdt_bound(&t)) > 0);
}

static void assert_cells_(const char *path, const char *name, const u32 *want, size_t n)
{
	int len = 0;
	const u32 *c = fdt_getprop(tree, tree_node(tree, path), name, &len);

	if (!c || len != (int)n * 4)
		fail_msg("%s %s: %d bytes, not %zu", path, name, len, n * 4);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fdt32_to_cpu(c[i]), want[i]);
}

#define assert_cells(path, name, ...)                                \
	do {                                                         \
		u32 want_[] = { __VA_ARGS__ };                       \
		assert_cells_(path, name, want_, ARRAY_SIZE(want_)); \
	} while (0)

static bool mapped(u64 start, u64 end)
{
	return range_set_find(&dom0_devices.mmio, start, end);
}

static bool mapped_any(u64 start, u64 end)
{
	const struct range x = { start, end };

	for (u32 i = 0; i < dom0_devices.mmio.nr; i++)
		if (ranges_overlap(&dom0_devices.mmio.r[i], &x))
			return true;
	return false;
}

static void test_tree(void **state)
{
	build();
	assert_int_equal(bi->gic.version, 2);
	assert_int_equal(bi->gic.hyp.start, 0x8030000);
	assert_int_equal(bi->gic.vcpu.end, 0x8050000);
	assert_int_equal(bi->gic.maintenance.intid, 25);
	assert_string_equal(fdt_getprop(tree, tree_node(tree, OUT), "compatible", NULL),
			    "arm,cortex-a15-gic");
	/* What the hypervisor uses itself is not shown. */
	assert_cells(OUT, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
	assert_null(fdt_getprop(tree, tree_node(tree, OUT), "interrupts", NULL));
	assert_cells(OUT "/v2m@8020000", "reg", 0, 0x8020000, 0, 0x1000);
	assert_cells(OUT "/v2m@8020000", "phandle", 0x8055);
	assert_string_equal(fdt_getprop(tree, tree_node(tree, OUT "/v2m@8020000"), "compatible", NULL),
			    "arm,gic-v2m-frame");
}

static void test_devices(void **state)
{
	build();
	assert_said("dom0: MSI frame at 0x8020000 with interrupts 80 to 143");
	/* The frame's registers and interrupts, and nothing else of the controller. */
	assert_true(mapped(0x8020000, 0x8021000));
	assert_false(mapped_any(0x8000000, 0x8020000));
	assert_false(mapped_any(0x8021000, 0x9000000));
	assert_int_equal(dom0_devices.spi_type[80], IRQ_TYPE_EDGE);
	assert_int_equal(dom0_devices.spi_type[143], IRQ_TYPE_EDGE);
	assert_int_equal(dom0_devices.spi_type[144], 0);
}

/* Which interrupts a frame has: the tree's word goes before the register's. */
static void test_numbers(void **state)
{
	static const u32 bad[] = { 0, 31 << 16 | 4, 1000 << 16 | 21, 80 << 16 | 1023 };

	tree_set_cells(fdt, V2M, "arm,msi-base-spi", 100);
	tree_set_cells(fdt, V2M, "arm,msi-num-spis", 4);
	build();
	assert_said("with interrupts 100 to 103");
	assert_int_equal(dom0_devices.spi_type[99] | dom0_devices.spi_type[104], 0);
	assert_cells(OUT "/v2m@8020000", "arm,msi-base-spi", 100);

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		again();
		msi_frame[2] = bad[i];
		build();
		assert_said("MSI frame at 0x8020000: interrupts from");
		assert_int_equal(dom0_devices.spi_type[80], 0);
		assert_false(mapped_any(0x8020000, 0x8021000));
		assert_true(fdt_path_offset(tree, OUT "/v2m@8020000") < 0);
	}
}

static void test_unreadable(void **state)
{
	host.device = NULL;
	build();
	assert_int_equal(dom0_devices.v2m, 0);
	assert_said("its register cannot be read");
}

/* A frame that is switched off, or elsewhere, is no frame of this controller. */
static void test_other_frames(void **state)
{
	tree_set_string(fdt, V2M, "status", "disabled");
	build();
	assert_int_equal(bi->gic.nr_v2m, 0);

	again();
	tree_set_cells(fdt, V2M, "reg", 0);
	build();
	assert_int_equal(bi->gic.nr_v2m, 0);
	assert_said(V2M ": reg cannot be read");

	again();
	for (u32 i = 0; i < BOOT_V2M_MAX; i++) {
		char name[] = "v2m@8020000", path[64];

		name[6] = (char)('a' + i);
		snprintf(path, sizeof(path), GIC "/%s", name);
		tree_add(fdt, GIC, name);
		tree_set_string(fdt, path, "compatible", "arm,gic-v2m-frame");
		tree_set_cells(fdt, path, "reg", 0, 0x8020000, 0, 0x1000);
	}
	build();
	assert_int_equal(bi->gic.nr_v2m, BOOT_V2M_MAX);
	assert_said("too many MSI frames");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_devices, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_frames, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
