/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/hypercall.c */
/* The table of hypercalls and tables of sub-operations: who may, what is copied, what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <arch/host.h>
#include <serai/hypercall.h>

struct small {
	u32 in, out;
};

struct large {
	u8 bytes[SUBOP_ARG_MAX];
};

static bool is_control;
static unsigned int ran;
static u64 handle_seen;
static long answer;

bool caller_is_control(void)
{
	return is_control;
}

static long op_small(void *arg, u64 handle)
{
	struct small *s = arg;

	ran++;
	handle_seen = handle;
	s->out = s->in + 1;
	return answer;
}

static long op_large(void *arg, u64 handle)
{
	struct large *l = arg;

	ran++;
	for (size_t i = 0; i < sizeof(*l); i++)
		l->bytes[i] ^= 0xff;
	return answer;
}

static long op_bare(void *arg, u64 handle)
{
	ran++;
	handle_seen = handle;
	return answer;
}

enum { SMALL, SMALL_OUT, LARGE_OUT, BARE, HOLE, CONTROL, OPS };

static const struct subop ops[OPS] = {
	[SMALL] = { op_small, sizeof(struct small), false, false },
	[SMALL_OUT] = { op_small, sizeof(struct small), true, false },
	[LARGE_OUT] = { op_large, sizeof(struct large), true, false },
	[BARE] = { op_bare, 0, false, false },
	[CONTROL] = { op_small, sizeof(struct small), true, true },
};

static long do_first(u64 *arg)
{
	ran++;
	arg[0]++;
	return answer;
}

const struct hypercall hypercalls[HYPERCALLS_MAX] = {
	[1] = { do_first, 1, false },
	[HYPERCALLS_MAX - 1] = { do_first, 1, true },
};

static u64 gva;
static struct small *guest;

static int setup(void **state)
{
	host_init(1);
	gva = host_guest_put(&(struct small){ 41, 0 }, sizeof(struct small));
	guest = host_guest_ptr(gva);
	is_control = false;
	ran = 0;
	answer = 0;
	handle_seen = 0;
	return 0;
}

static void test_unknown_operations(void **state)
{
	static const u64 bad[] = { HOLE, OPS, OPS + 1, 1UL << 31, 1UL << 32, ~0UL };

	is_control = true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(subop_call(ops, OPS, bad[i], HOST_BAD_GVA), -XEN_ENOSYS);
	assert_int_equal(ran, 0);
	assert_int_equal(host.copies, 0);
}

static void test_argument_is_copied_in(void **state)
{
	answer = 7;
	assert_int_equal(subop_call(ops, OPS, SMALL, gva), 7);
	assert_int_equal(handle_seen, gva);
	assert_int_equal(guest->out, 0); /* the copy changed only */
	assert_int_equal(host.copies, 1);
}

static void test_argument_is_copied_back(void **state)
{
	answer = 7;
	assert_int_equal(subop_call(ops, OPS, SMALL_OUT, gva), 7);
	assert_int_equal(guest->out, 42);
	assert_int_equal(host.copies, 2);
}

static void test_refused_operations_copy_nothing_back(void **state)
{
	answer = -XEN_EBUSY;
	assert_int_equal(subop_call(ops, OPS, SMALL_OUT, gva), -XEN_EBUSY);
	assert_int_equal(guest->out, 0);
	assert_int_equal(host.copies, 1);
	answer = -XEN_ERESTART;
	assert_int_equal(subop_call(ops, OPS, SMALL_OUT, gva), -XEN_ERESTART);
	assert_int_equal(guest->out, 0);
}

static void test_bad_pointers(void **state)
{
	assert_int_equal(subop_call(ops, OPS, SMALL, HOST_BAD_GVA), -XEN_EFAULT);
	assert_int_equal(subop_call(ops, OPS, SMALL_OUT, 0), -XEN_EFAULT);
	assert_int_equal(ran, 0);
	/* The page goes away between the two copies. */
	host.fail_copy_in = 2;
	assert_int_equal(subop_call(ops, OPS, SMALL_OUT, gva), -XEN_EFAULT);
	assert_int_equal(ran, 1);
	assert_int_equal(guest->out, 0);
}

static void test_operation_without_an_argument(void **state)
{
	answer = 3;
	assert_int_equal(subop_call(ops, OPS, BARE, HOST_BAD_GVA), 3);
	assert_int_equal(handle_seen, HOST_BAD_GVA);
	assert_int_equal(host.copies, 0);
}

static void test_permission_goes_before_the_pointer(void **state)
{
	assert_int_equal(subop_call(ops, OPS, CONTROL, HOST_BAD_GVA), -XEN_EPERM);
	assert_int_equal(subop_call(ops, OPS, CONTROL, gva), -XEN_EPERM);
	assert_int_equal(ran + host.copies, 0);
	is_control = true;
	assert_int_equal(subop_call(ops, OPS, CONTROL, HOST_BAD_GVA), -XEN_EFAULT);
	assert_int_equal(subop_call(ops, OPS, CONTROL, gva), 0);
	assert_int_equal(guest->out, 42);
}

static void test_largest_argument(void **state)
{
	struct large l;
	u64 at;

	for (size_t i = 0; i < sizeof(l); i++)
		l.bytes[i] = (u8)i;
	at = host_guest_put(&l, sizeof(l));
	assert_int_equal(subop_call(ops, OPS, LARGE_OUT, at), 0);
	for (size_t i = 0; i < sizeof(l); i++)
		l.bytes[i] = (u8)~i;
	assert_memory_equal(host_guest_ptr(at), &l, sizeof(l));
}

static void test_hypercall_numbers(void **state)
{
	static const u64 bad[] = { 0, 2, HYPERCALLS_MAX, 1UL << 32 | 1, ~0UL };
	u64 arg[5] = { 10 };

	is_control = true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(hypercall_call(bad[i], arg), -XEN_ENOSYS);
	assert_int_equal(ran, 0);
	answer = -5;
	assert_int_equal(hypercall_call(1, arg), -5);
	assert_int_equal(arg[0], 11);
	assert_int_equal(hypercall_call(HYPERCALLS_MAX - 1, arg), -5);
	is_control = false;
	assert_int_equal(hypercall_call(HYPERCALLS_MAX - 1, arg), -XEN_EPERM);
	assert_int_equal(ran, 2);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_operations),
		TEST(test_argument_is_copied_in),
		TEST(test_argument_is_copied_back),
		TEST(test_refused_operations_copy_nothing_back),
		TEST(test_bad_pointers),
		TEST(test_operation_without_an_argument),
		TEST(test_permission_goes_before_the_pointer),
		TEST(test_largest_argument),
		TEST(test_hypercall_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
