/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/multicall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* multicall: results, what may not be in a list, faults, and preemption at every place. */
#include "world.h"

#define N 21 /* two whole batches and a part of a third */

/* --- a table of hypercalls for the test --- */

static unsigned int calls;

/* Answers its first argument plus one. */
static long call_plus(u64 *arg)
{
	calls++;
	return (long)arg[0] + 1;
}

/* Counts its argument down, preempted after every step. */
static long call_slow(u64 *arg)
{
	if (arg[0] == 0)
		return (long)arg[1];
	arg[0]--;
	arg[1]++;
	return -XEN_ERESTART;
}

const struct hypercall hypercalls[HYPERCALLS_MAX] = {
	[1] = { call_plus, 1, false },
	[2] = { call_slow, 2, false },
	[3] = { call_plus, 1, true },
	[HC_multicall] = { do_multicall, 2, false },
};

static u64 list;

static struct abi_multicall_entry *entry(unsigned int i)
{
	return (struct abi_multicall_entry *)host_guest_ptr(list) + i;
}

static int setup(void **state)
{
	world_init();
	calls = 0;
	list = host_guest_alloc(N * sizeof(struct abi_multicall_entry));
	for (unsigned int i = 0; i < N; i++)
		*entry(i) = (struct abi_multicall_entry){ .op = 1,
							  .result = 0x5555,
							  .args = { 100 * i, 2, 3, 4, 5, 6 } };
	return 0;
}

/* As the trap handler does it; how often the call was made again. */
static long run(u64 handle, u64 nr, unsigned int *restarts)
{
	u64 arg[5] = { handle, nr };
	long rc;

	*restarts = 0;
	while ((rc = do_multicall(arg)) == -XEN_ERESTART)
		++*restarts;
	return rc;
}

static void check_results(void)
{
	for (unsigned int i = 0; i < N; i++) {
		assert_int_equal(entry(i)->result, 100 * i + 1);
		assert_int_equal(entry(i)->op, 1);
		assert_int_equal(entry(i)->args[0], 100 * i);
		assert_int_equal(entry(i)->args[5], 6);
	}
	assert_int_equal(calls, N);
}

static void results(void **state)
{
	unsigned int restarts;

	assert_int_equal(run(list, N, &restarts), 0);
	assert_int_equal(restarts, 0);
	check_results();
	/* Two copies for eight entries. */
	assert_int_equal(host.copies, 6);
}

static void reference_answers(void **state)
{
	unsigned int restarts;

	entry(0)->op = HC_multicall;
	entry(1)->op = 4;
	entry(2)->op = 1000;
	entry(3)->op = 3;
	world_enter(1);
	assert_int_equal(run(list, 5, &restarts), 0);
	assert_int_equal(entry(0)->result, -XEN_EINVAL);
	assert_int_equal(entry(1)->result, -XEN_ENOSYS);
	assert_int_equal(entry(2)->result, -XEN_ENOSYS);
	assert_int_equal(entry(3)->result, -XEN_EPERM);
	assert_int_equal(entry(4)->result, 401);
	assert_int_equal(entry(5)->result, 0x5555);
	assert_int_equal(run(0, 0, &restarts), 0);
	assert_int_equal(run(HOST_BAD_GVA, 1, &restarts), -XEN_EFAULT);
}

static void preempted_between_entries(void **state)
{
	unsigned int restarts;

	host.preempt_always = true;
	assert_int_equal(run(list, N, &restarts), 0);
	assert_int_equal(restarts, N - 1);
	check_results();
}

static void preempted_once_anywhere(void **state)
{
	for (int n = 1; n < N; n++) {
		unsigned int restarts;

		setup(state);
		host.preempt_in = n;
		assert_int_equal(run(list, N, &restarts), 0);
		assert_int_equal(restarts, 1);
		check_results();
	}
}

static void entry_that_is_preempted(void **state)
{
	unsigned int restarts;

	entry(3)->op = 2;
	entry(3)->args[0] = 5;
	entry(3)->args[1] = 70;
	entry(8)->op = 2;
	entry(8)->args[0] = 2;
	entry(8)->args[1] = 90;
	assert_int_equal(run(list, N, &restarts), 0);
	assert_int_equal(restarts, 7);
	assert_int_equal(entry(3)->result, 75);
	assert_int_equal(entry(8)->result, 92);
	assert_int_equal(entry(2)->result, 201);
	assert_int_equal(entry(20)->result, 2001);
	assert_int_equal(calls, N - 2);
}

static void faults(void **state)
{
	unsigned int restarts;

	for (int n = 1; n <= 6; n++) {
		setup(state);
		host.fail_copy_in = n;
		assert_int_equal(run(list, N, &restarts), -XEN_EFAULT);
		/* Nothing beyond the batch that failed was done. */
		assert_int_equal(calls, MIN((n / 2) * 8, N));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(results, setup),
		cmocka_unit_test_setup(reference_answers, setup),
		cmocka_unit_test_setup(preempted_between_entries, setup),
		cmocka_unit_test_setup(preempted_once_anywhere, setup),
		cmocka_unit_test_setup(entry_that_is_preempted, setup),
		cmocka_unit_test_setup(faults, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
