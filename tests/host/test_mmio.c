/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/dev/mmio.c */
#include <arch/host.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/mmio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct domain dom;
static struct vcpu vcpu;
static bool no_memory, refuse;
static struct {
	void *arg;
	u64 off, val;
	u32 size;
	unsigned int reads, writes;
} seen;

void *mem_alloc(size_t size)
{
	return no_memory ? NULL : calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}

static bool on_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	assert_ptr_equal(v, &vcpu);
	seen.arg = arg;
	seen.off = off;
	seen.size = size;
	seen.reads++;
	*val = 0x1122334455667788;
	return !refuse;
}

static bool on_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	seen.arg = arg;
	seen.off = off;
	seen.size = size;
	seen.val = *val;
	seen.writes++;
	return !refuse;
}

static int add(u64 base, u64 size)
{
	struct mmio_region r = { base, size, on_read, on_write, (void *)(uintptr_t)base };

	return mmio_add(&dom, &r);
}

static bool do_read(u64 gpa, u32 size)
{
	u64 val = 0;

	return mmio_handle(&vcpu, gpa, size, false, &val);
}

static int fresh(void **state)
{
	host_init(1);
	no_memory = refuse = false;
	memset(&seen, 0, sizeof(seen));
	vcpu.domain = &dom;
	return 0;
}

static int clean(void **state)
{
	mmio_destroy(&dom);
	return 0;
}

static void test_no_regions(void **state)
{
	assert_false(do_read(0x1000, 4));
	no_memory = true;
	assert_int_equal(add(0x1000, 0x1000), -XEN_ENOMEM);
	assert_false(do_read(0x1000, 4));
	mmio_destroy(&dom);
}

static void test_dispatch(void **state)
{
	u64 val;

	assert_int_equal(add(0x9000, 0x1000), 0);
	assert_int_equal(add(0x1000, 0x1000), 0);
	assert_int_equal(add(0x2000, 0x18), 0);
	assert_true(mmio_handle(&vcpu, 0x1004, 4, false, &val));
	assert_int_equal(val, 0x1122334455667788);
	assert_ptr_equal(seen.arg, 0x1000);
	assert_int_equal(seen.off, 4);
	assert_int_equal(seen.size, 4);
	val = 0x5a;
	assert_true(mmio_handle(&vcpu, 0x9fff, 1, true, &val));
	assert_ptr_equal(seen.arg, 0x9000);
	assert_int_equal(seen.off, 0xfff);
	assert_int_equal(seen.val, 0x5a);
	assert_true(do_read(0x2010, 8));
	assert_int_equal(seen.off, 0x10);
	assert_false(do_read(0x2018, 8));
	assert_false(do_read(0xfff, 1));
	assert_false(do_read(0xa000, 4));
	assert_false(do_read(~0UL, 1));
	assert_int_equal(seen.reads, 2);
	assert_int_equal(seen.writes, 1);
}

static void test_misaligned(void **state)
{
	assert_int_equal(add(0x1000, 0x1000), 0);
	assert_false(do_read(0x1001, 2));
	assert_false(do_read(0x1002, 4));
	assert_false(do_read(0x1004, 8));
	assert_false(do_read(0x1ffe, 4));
	assert_int_equal(seen.reads, 0);
	assert_true(do_read(0x1ff8, 8));
}

static void test_refused(void **state)
{
	assert_int_equal(add(0x1000, 0x1000), 0);
	refuse = true;
	assert_false(do_read(0x1000, 4));
	assert_int_equal(seen.reads, 1);
}

static void test_overlaps(void **state)
{
	assert_int_equal(add(0x4000, 0x2000), 0);
	assert_int_equal(add(0x8000, 0x1000), 0);
	assert_int_equal(add(0x4000, 0x2000), -XEN_EEXIST);
	assert_int_equal(add(0x3000, 0x1008), -XEN_EEXIST);
	assert_int_equal(add(0x5ff8, 8), -XEN_EEXIST);
	assert_int_equal(add(0x5000, 0x4000), -XEN_EEXIST);
	assert_int_equal(add(0, 0x10000), -XEN_EEXIST);
	assert_int_equal(add(0x3000, 0x1000), 0);
	assert_int_equal(add(0x6000, 0x2000), 0);
	assert_int_equal(add(0x9000, 0), -XEN_EINVAL);
	assert_int_equal(add(0x9004, 8), -XEN_EINVAL);
	assert_int_equal(add(0x9000, 4), -XEN_EINVAL);
	assert_int_equal(add(0xfffffffffffffff0, 0x20), -XEN_EINVAL);
	/* The last bytes there are. */
	assert_int_equal(add(0xfffffffffffffff0, 0x10), 0);
	assert_true(do_read(0xfffffffffffffff8, 8));
}

static void test_full(void **state)
{
	/* Downwards, so that each goes in front of all others. */
	for (u64 i = MMIO_REGIONS_MAX; i > 0; i--)
		assert_int_equal(add(i * 0x1000, 0x800), 0);
	assert_int_equal(add(0x100000, 8), -XEN_ENOSPC);
	for (u64 i = 1; i <= MMIO_REGIONS_MAX; i++) {
		assert_true(do_read(i * 0x1000 + 0x7fc, 4));
		assert_ptr_equal(seen.arg, i * 0x1000);
		assert_false(do_read(i * 0x1000 + 0x800, 4));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_regions, fresh, clean),
		cmocka_unit_test_setup_teardown(test_dispatch, fresh, clean),
		cmocka_unit_test_setup_teardown(test_misaligned, fresh, clean),
		cmocka_unit_test_setup_teardown(test_refused, fresh, clean),
		cmocka_unit_test_setup_teardown(test_overlaps, fresh, clean),
		cmocka_unit_test_setup_teardown(test_full, fresh, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
