/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/lock_rank.c */
/* The check of the order in which locks are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <arch/host.h>
#include <serai/lock.h>

static struct lock low = LOCK_INIT(RANK_DOMAIN), high = LOCK_INIT(RANK_TIMER),
		   pair[2] = { LOCK_INIT(RANK_SCHED), LOCK_INIT(RANK_SCHED) }, blank;

static void test_lock_order(void **state)
{
	host_init(1);
	lock_take(&low);
	lock_take(&high);
	assert_int_equal(this_cpu()->lock_depth, 2);
	/* Not in reverse order. */
	lock_drop(&low);
	assert_int_equal(this_cpu()->lock_depth, 1);
	lock_drop(&high);
	lock_two(&pair[1], &pair[0]);
	lock_two_drop(&pair[1], &pair[0]);
	lock_two(&pair[0], &pair[0]);
	assert_int_equal(this_cpu()->lock_depth, 1);
	lock_two_drop(&pair[0], &pair[0]);
	assert_int_equal(this_cpu()->lock_depth, 0);
}

static void low_under_high(void *arg)
{
	lock_take(&high);
	lock_take(&low);
}

static void same_rank(void *arg)
{
	lock_take(&pair[0]);
	lock_take(&pair[1]);
}

static void twice(void *arg)
{
	lock_take(&low);
	lock_take(&low);
}

static void uninitialised(void *arg)
{
	lock_take(&blank);
}

static void not_held(void *arg)
{
	lock_drop(&high);
}

static void expect_panic(void (*fn)(void *arg), const char *why)
{
	host_init(1);
	lock_init(&low, RANK_DOMAIN);
	lock_init(&high, RANK_TIMER);
	lock_init(&pair[0], RANK_SCHED);
	lock_init(&pair[1], RANK_SCHED);
	assert_int_equal(host_catch(fn, NULL), HOST_PANIC);
	if (!strstr(host.message, why))
		fail_msg("\"%s\" was expected, but: %s", why, host.message);
}

static void too_many(void *arg)
{
	static struct lock many[20];

	for (u32 i = 0; i < 20; i++) {
		lock_init(&many[i], (enum lock_rank)(i + 1));
		lock_take(&many[i]);
	}
}

static void test_mistakes(void **state)
{
	expect_panic(low_under_high, "is taken while one of rank");
	expect_panic(same_rank, "is taken while one of rank");
	expect_panic(twice, "is taken twice");
	expect_panic(uninitialised, "was not initialised");
	expect_panic(not_held, "was not held");
	expect_panic(too_many, "more than 16 locks");
}

/* Before the CPU's own data is reachable nothing is checked. */
static void test_early(void **state)
{
	struct cpu *c = host_this_cpu;

	host_init(1);
	lock_init(&high, RANK_TIMER);
	host_this_cpu = NULL;
	lock_take(&high);
	lock_drop(&high);
	host_this_cpu = c;
	assert_int_equal(c->lock_depth, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_order),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
