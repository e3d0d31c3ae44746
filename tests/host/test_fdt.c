/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c */
/* Addresses and interrupts of device tree nodes, seen from the CPU; range sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/fdt.h>
#include <serai/range.h>

static void *fdt; /* being edited */
static void *done;

static int set_up(void **state)
{
	fdt = tree_data("qemu-virt.dts");
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

/* --- range sets --- */

static void test_ranges_random(void **state)
{
	static uint8_t model[256];
	struct range r[200];
	struct range_set s = { 0, 200, r };

	srand(1);
	for (int op = 0; op < 200000; op++) {
		u64 a = (u64)rand() % 250, b = a + (u64)rand() % 20;
		int add = rand() % 2;
		u32 at = 0;

		b = b > 256 ? 256 : b;
		assert_int_equal(add ? range_set_add(&s, a, b) : range_set_remove(&s, a, b), 0);
		for (u64 i = a; i < b; i++)
			model[i] = (uint8_t)add;
		for (u32 i = 0; i < 256; i++) {
			if (!model[i])
				continue;
			assert_true(at < s.nr && s.r[at].start == i);
			while (i < 256 && model[i])
				i++;
			assert_int_equal(s.r[at++].end, i);
		}
		assert_int_equal(at, s.nr);
	}
}

static void test_ranges_full(void **state)
{
	struct range r[3];
	struct range_set s = { 0, 3, r };

	assert_int_equal(range_set_add(&s, 10, 20), 0);
	assert_int_equal(range_set_add(&s, 30, 40), 0);
	assert_int_equal(range_set_add(&s, 50, 60), 0);
	assert_int_equal(range_set_add(&s, 70, 80), -XEN_ENOSPC);
	assert_int_equal(range_set_remove(&s, 32, 34), -XEN_ENOSPC);
	assert_int_equal(s.nr, 3);
	assert_int_equal(range_set_total(&s), 30);
	assert_int_equal(range_set_add(&s, 20, 30), 0);
	assert_int_equal(s.nr, 2);
	assert_ptr_equal(range_set_find(&s, 15, 35), &s.r[0]);
	assert_null(range_set_find(&s, 15, 45));
	assert_null(range_set_find(&s, 15, 15));
	assert_ptr_equal(range_set_largest(&s), &s.r[0]);
	assert_int_equal(range_set_add(&s, 5, 5), 0);
	assert_int_equal(range_set_add(&s, 9, 3), 0);
	assert_int_equal(range_set_remove(&s, 0, 100), 0);
	assert_null(range_set_largest(&s));
}

/* --- translation and interrupts --- */

static int reg_of(struct dt_walk *w, const char *path, u32 i, u64 *addr)
{
	u64 size;

	assert_int_equal(dt_walk_to(w, done, tree_node(done, path)), 0);
	return dt_walk_reg(w, i, addr, &size);
}

static void test_translation(void **state)
{
	struct dt_walk w;
	u64 a;

	tree_add_buses(fdt);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 0, &a), 0);
	assert_int_equal(a, 0xfe200040);
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 1, &a), 0);
	assert_int_equal(a, 0xfe201fff);
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 2, &a), -XEN_ENXIO);
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 3, &a), -XEN_ENXIO);
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 4, &a), -XEN_ENXIO);
	assert_int_equal(reg_of(&w, "/soc/inner/uart@1040", 5, &a), -XEN_ENOENT);
	assert_int_equal(reg_of(&w, "/soc/timer@40000010", 0, &a), 0);
	assert_int_equal(a, 0x4ff800010);
	assert_int_equal(reg_of(&w, "/soc/i2c/rtc@51", 0, &a), -XEN_ENXIO);
	assert_int_equal(reg_of(&w, "/soc/closed/thing@7e000000", 0, &a), -XEN_ENXIO);
	assert_int_equal(reg_of(&w, "/soc/same/thing@7e000000", 0, &a), 0);
	assert_int_equal(a, 0xfe000000);
	assert_int_equal(reg_of(&w, "/soc", 0, &a), -XEN_ENOENT);
	assert_int_equal(reg_of(&w, "/", 0, &a), -XEN_ENOENT);
}

static void test_windows(void **state)
{
	struct dt_walk w;
	u64 addr, size;

	tree_add_buses(fdt);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(dt_walk_to(&w, done, tree_node(done, "/pcie@10000000")), 0);
	assert_int_equal(dt_walk_window(&w, 0, &addr, &size), 0);
	assert_int_equal(addr, 0x3eff0000);
	assert_int_equal(size, 0x10000);
	assert_int_equal(dt_walk_window(&w, 2, &addr, &size), 0);
	assert_int_equal(addr, 0x8000000000);
	assert_int_equal(size, 0x8000000000);
	assert_int_equal(dt_walk_window(&w, 3, &addr, &size), -XEN_ENOENT);
	assert_int_equal(dt_walk_to(&w, done, tree_node(done, "/soc/inner")), 0);
	assert_int_equal(dt_walk_window(&w, 0, &addr, &size), 0);
	assert_int_equal(addr, 0xfe200000);
}

struct irqs {
	u32 nr;
	struct {
		u32 intid;
		enum irq_type type;
	} irq[64];
};

static void take_irq(void *ctx, u32 intid, enum irq_type type)
{
	struct irqs *s = ctx;

	s->irq[s->nr].intid = intid;
	s->irq[s->nr++].type = type;
}

static int irqs_of(const char *path, struct irqs *out)
{
	struct dt_walk w;

	out->nr = 0;
	assert_int_equal(dt_walk_to(&w, done, tree_node(done, path)), 0);
	return dt_walk_irqs(&w, 0x8003, take_irq, out);
}

static void test_interrupts(void **state)
{
	struct irqs s;

	tree_add_buses(fdt);
	tree_set_cells(fdt, "/soc/inner/uart@1040", "interrupts", 0, 5, 1, 1, 3, 8);
	/* A controller behind the GIC, and its child. */
	tree_set_cells(fdt, "/soc/same", "#interrupt-cells", 2);
	tree_set_cells(fdt, "/soc/same", "phandle", 0x77);
	tree_set_cells(fdt, "/soc/same", "interrupts", 0, 9, 4);
	tree_set_cells(fdt, "/soc/same/thing@7e000000", "interrupts", 1, 2);
	tree_set_cells(fdt, "/soc/timer@40000010", "interrupts-extended", 0x77, 1, 2, 0x8003, 0, 12, 4,
		       0x8003, 0, 13, 2);
	tree_set_cells(fdt, "/soc/timer@40000010", "interrupts", 0, 1, 1);
	/* A controller that does not exist is not the GIC. */
	tree_set_cells(fdt, "/soc/closed", "interrupt-parent", 0x999);
	tree_set_cells(fdt, "/soc/closed", "interrupts", 1);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(irqs_of("/soc/inner/uart@1040", &s), 0);
	assert_int_equal(s.nr, 2);
	assert_int_equal(s.irq[0].intid, 37);
	assert_int_equal(s.irq[0].type, IRQ_TYPE_EDGE);
	assert_int_equal(s.irq[1].intid, 19);
	assert_int_equal(s.irq[1].type, IRQ_TYPE_LEVEL);
	assert_int_equal(irqs_of("/soc/same", &s), 0);
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.irq[0].intid, 41);
	assert_int_equal(irqs_of("/soc/same/thing@7e000000", &s), 0);
	assert_int_equal(s.nr, 0);
	assert_int_equal(irqs_of("/soc/closed", &s), 0);
	assert_int_equal(irqs_of("/soc/timer@40000010", &s), 0);
	assert_int_equal(s.nr, 2);
	assert_int_equal(s.irq[0].intid, 44);
	assert_int_equal(s.irq[1].intid, 45);
	assert_int_equal(s.irq[1].type, IRQ_TYPE_EDGE);
	assert_int_equal(irqs_of("/pcie@10000000", &s), 0);
	assert_int_equal(s.nr, 16);
	assert_int_equal(s.irq[0].intid, 35);
	assert_int_equal(s.irq[15].intid, 37);
}

static void test_interrupts_bad(void **state)
{
	struct irqs s;

	tree_add_buses(fdt);
	tree_set_cells(fdt, "/soc/inner/uart@1040", "interrupts", 0, 5);
	tree_set_cells(fdt, "/soc/same", "interrupts", 0, 988, 4);
	tree_set_cells(fdt, "/soc/closed", "interrupts", 1, 16, 4);
	tree_set_cells(fdt, "/soc/i2c", "interrupts", 2, 1, 4);
	tree_set_cells(fdt, "/soc/timer@40000010", "interrupts-extended", 0x8003, 0, 12);
	tree_set_cells(fdt, "/soc/inner", "interrupts-extended", 0x1234, 0, 12, 4);
	tree_set_cells(fdt, "/pcie@10000000", "#interrupt-cells", 0xffffffff);
	tree_set_cells(fdt, "/pcie@10000000", "interrupt-map", 0, 0, 0x8003, 0, 0, 0, 5, 4);
	tree_set_cells(fdt, "/soc/i2c/rtc@51", "interrupt-map", 0, 0, 0x8003, 0, 0, 0, 1);
	tree_set_cells(fdt, "/gpio-keys", "interrupts-extended", 0x8000, 1);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(irqs_of("/soc/inner/uart@1040", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/same", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/closed", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/i2c", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/timer@40000010", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/inner", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/pcie@10000000", &s), -XEN_EINVAL);
	assert_int_equal(irqs_of("/soc/i2c/rtc@51", &s), -XEN_EINVAL);
	assert_int_equal(s.nr, 0);
	assert_int_equal(irqs_of("/gpio-keys", &s), -XEN_EINVAL);
}

/* --- what libfdt lets pass --- */

/* Sound, but for a structure at an odd place. */
static void test_misaligned(void **state)
{
	u32 at, size;
	char *to;

	done = tree_done(fdt);
	at = fdt_off_dt_struct(done);
	size = fdt_totalsize(done);
	fdt = to = aligned_alloc(8, (size + 9) & ~7U);
	memcpy(to, done, at);
	for (u32 shift = 0; shift < 4; shift += 2) {
		memcpy(to + at + shift, (char *)done + at, size - at);
		fdt_set_off_dt_struct(to, at + shift);
		fdt_set_off_dt_strings(to, fdt_off_dt_strings(done) + shift);
		fdt_set_totalsize(to, size + shift);
		assert_int_equal(fdt_check_full(to, size + shift), 0);
		assert_int_equal(dt_check(to, size + shift), shift ? -XEN_EINVAL : 0);
	}
}

/* A length with which offsets overflow; libfdt 1.6 takes it. */
static void test_huge_length(void **state)
{
	static const u32 lengths[] = { 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x10000 };
	u32 off, old;
	fdt32_t *len;

	done = tree_done(fdt);
	fdt = NULL;
	off = (u32)fdt_first_property_offset(done, tree_node(done, "/chosen"));
	len = (fdt32_t *)((char *)done + fdt_off_dt_struct(done) + off + 4);
	old = *len;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		*len = cpu_to_fdt32(lengths[i]);
		assert_int_equal(dt_check(done, fdt_totalsize(done)), -XEN_EINVAL);
	}
	*len = old;
	assert_int_equal(dt_check(done, fdt_totalsize(done)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_random),
		cmocka_unit_test(test_ranges_full),
		cmocka_unit_test_setup_teardown(test_translation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_windows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_interrupts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_interrupts_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_misaligned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_huge_length, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
