/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/* The scheduler: single facts. */
#include "sched_sim.h"

/* With no more units than CPUs nobody is interrupted. */
static void test_no_slices_alone(void **state)
{
	machine_start(4, "credit2", false);
	units_start(4);
	switches = 0;
	memset(host.kicks, 0, sizeof(host.kicks));
	run_for(NS_PER_S);
	assert_int_equal(switches, 0);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(host.deadline[cpu], TIME_NEVER);
		assert_int_equal(host.kicks[cpu], 0);
	}
	machine_stop();
}

/* A unit that wakes goes on where it was, without anything else being touched. */
static void test_wake_stays(void **state)
{
	unsigned int cpu;

	machine_start(4, "credit2", false);
	units_start(2);
	cpu = units[0].u.cpu;
	for (int i = 0; i < 100; i++) {
		host_set_cpu(cpu);
		sched_hold(&units[0].u, HOLD_BLOCKED);
		settle();
		assert_false(sched_is_running(&units[0].u));
		assert_int_equal(units[0].state, RUNSTATE_blocked);
		host.now += STEP;
		host_set_cpu(i % 2 ? cpu : (cpu + 1) % 4);
		assert_true(sched_release(&units[0].u, HOLD_BLOCKED));
		assert_false(sched_release(&units[0].u, HOLD_BLOCKED));
		settle();
		assert_int_equal(units[0].on, (int)cpu);
		host.now += STEP;
	}
	machine_stop();
}

static void test_parking(void **state)
{
	machine_start(2, "credit2", true);
	units_start(1);
	switches = 0;
	for (int i = 0; i < 10; i++) {
		host_set_cpu((unsigned int)units[0].on);
		sched_hold(&units[0].u, HOLD_BLOCKED);
		settle();
		assert_true(sched_is_running(&units[0].u));
		assert_false(is_current(&units[0]));
		sched_release(&units[0].u, HOLD_BLOCKED);
		settle();
		assert_true(is_current(&units[0]));
	}
	assert_int_equal(switches, 0);
	assert_int_equal(parks, 10);
	assert_int_equal(resumes, 10);
	/* Somebody waits for it to be off the CPU. */
	host_set_cpu((unsigned int)units[0].on);
	sched_hold(&units[0].u, HOLD_BLOCKED);
	settle();
	host_set_cpu(1 - (unsigned int)units[0].on);
	sched_hold(&units[0].u, HOLD_SHUTDOWN);
	assert_true(sched_is_running(&units[0].u));
	settle();
	assert_false(sched_is_running(&units[0].u));
	machine_stop();
}

/* A hold and its release in one go leave the unit where it is. */
static void test_hold_release_current(void **state)
{
	machine_start(1, "credit2", false);
	units_start(1);
	switches = 0;
	sched_hold(&units[0].u, HOLD_BLOCKED);
	assert_true(sched_release(&units[0].u, HOLD_BLOCKED));
	settle();
	assert_int_equal(switches, 0);
	assert_int_equal(units[0].state, RUNSTATE_running);
	/* Several holds: the last one counts. */
	sched_hold(&units[0].u, HOLD_SHUTDOWN | HOLD_DOMAIN);
	settle();
	assert_int_equal(units[0].state, RUNSTATE_offline);
	assert_false(sched_release(&units[0].u, HOLD_SHUTDOWN));
	settle();
	assert_false(sched_is_running(&units[0].u));
	assert_true(sched_release(&units[0].u, HOLD_DOMAIN));
	settle();
	assert_true(is_current(&units[0]));
	machine_stop();
}

static void test_affinity(void **state)
{
	struct cpumask two = { { 0x4 } }, none = { { 0 } }, beyond = { { 0x80 } };

	machine_start(4, "credit2", false);
	units_start(3);
	assert_int_equal(sched_set_affinity(&units[0].u, &two, NULL), 0);
	settle();
	assert_int_equal(units[0].on, 2);
	assert_int_equal(sched_set_affinity(&units[1].u, &two, &two), 0);
	settle();
	check_all(true);
	run_for(NS_PER_S);
	assert_in_range(units[1].ran, 450 * NS_PER_MS, 600 * NS_PER_MS);
	assert_int_equal(sched_set_affinity(&units[0].u, &none, NULL), -XEN_EINVAL);
	assert_int_equal(sched_set_affinity(&units[0].u, &beyond, NULL), -XEN_EINVAL);
	sched_group_init(&units[9].g);
	assert_int_equal(sched_unit_init(&units[9].u, cpupool_find(0), &units[9].g, 0, &none), -XEN_EINVAL);
	machine_stop();
}

static void test_yield(void **state)
{
	machine_start(1, "credit2", false);
	units_start(2);
	for (int i = 0; i < 10; i++) {
		struct sched_unit *before = cpus[0].current;

		host.now += STEP;
		sched_yield();
		settle();
		assert_ptr_not_equal(cpus[0].current, before);
	}
	machine_stop();
}

static void test_null_waiting(void **state)
{
	struct cpumask first = { { 1 } };

	machine_start(2, "null", false);
	units_start(2);
	assert_int_not_equal(units[0].on, units[1].on);
	assert_silent();
	unit_start(2, 256, &first);
	assert_said("no CPU is free");
	sched_release(&units[2].u, HOLD_DOWN);
	settle();
	assert_int_equal(units[2].on, -1);
	/* The place becomes free, also on another CPU than the one it waits for. */
	assert_int_equal(units[0].on, 0);
	unit_stop(1);
	assert_int_equal(units[2].on, -1);
	unit_stop(0);
	assert_int_equal(units[2].on, 0);
	machine_stop();
}

static void test_null_claims(void **state)
{
	struct cpumask second = { { 2 } }, both = { { 3 } };

	machine_start(2, "null", false);
	units_start(3);
	assert_int_equal(units[0].on, 0);
	assert_int_equal(units[1].on, 1);
	/* Unit 2 waits for CPU 0, and takes CPU 1 when that is freed. */
	assert_int_equal(units[2].u.cpu, 0);
	unit_stop(1);
	assert_int_equal(units[2].on, 1);
	/* A running unit is moved once it is off its CPU. */
	unit_stop(0);
	unit_stop(2);
	units_start(1);
	assert_int_equal(units[0].on, 0);
	assert_int_equal(sched_set_affinity(&units[0].u, &second, NULL), 0);
	settle();
	assert_int_equal(units[0].on, 1);
	assert_int_equal(sched_set_affinity(&units[0].u, &both, NULL), 0);
	settle();
	assert_int_equal(units[0].on, 1);
	machine_stop();
}

/* Whoever waits where another one is served next stays there. */
static void test_null_no_claim(void **state)
{
	machine_start(2, "null", false);
	units_start(4);
	assert_int_equal(units[2].u.cpu, 0);
	assert_int_equal(units[3].u.cpu, 1);
	unit_stop(0);
	assert_int_equal(units[2].on, 0);
	assert_int_equal(units[3].u.cpu, 1);
	machine_stop();
}

/* A unit that moves to another CPU makes room for one that waits. */
static void test_null_moved_away(void **state)
{
	struct cpumask first = { { 1 } }, third = { { 4 } };

	machine_start(3, "null", false);
	units_start(2);
	unit_start(2, 256, &first);
	sched_release(&units[2].u, HOLD_DOWN);
	unit_start(3, 256, &first);
	sched_release(&units[3].u, HOLD_DOWN);
	settle();
	assert_int_equal(units[0].on, 0);
	assert_int_equal(units[2].on, -1);
	assert_int_equal(sched_set_affinity(&units[0].u, &third, NULL), 0);
	settle();
	assert_int_equal(units[0].on, 2);
	assert_int_equal(units[2].on, 0);
	/* It waits on CPU 0, but CPU 1, where the mask let it go meanwhile, becomes free. */
	third.bits[0] = 3;
	assert_int_equal(sched_set_affinity(&units[3].u, &third, NULL), 0);
	settle();
	assert_int_equal(units[3].on, -1);
	third.bits[0] = 4;
	unit_stop(0);
	assert_int_equal(sched_set_affinity(&units[1].u, &third, NULL), 0);
	settle();
	assert_int_equal(units[1].on, 2);
	assert_int_equal(units[3].on, 1);
	machine_stop();
}

static void test_names(void **state)
{
	machine_start(1, "null", false);
	assert_int_equal(sched_policy()->sched_id, 9);
	machine_start(1, "credit2", false);
	assert_int_equal(sched_policy()->sched_id, 6);
	machine_start(1, "", false);
	assert_string_equal(sched_policy()->name, "credit2");
	assert_silent();
	machine_start(1, "best", false);
	assert_string_equal(sched_policy()->name, "credit2");
	assert_said("sched=best: this build has no such scheduler");
	machine_start(1, "credit", false);
	assert_string_equal(sched_policy()->name, "credit2");
	assert_said("sched=credit: Serai has no such scheduler; credit2 is used");
}

static void test_dump(void **state)
{
	static const char *const policies[] = { "credit2", "null" };

	for (int i = 0; i < 2; i++) {
		machine_start(2, policies[i], false);
		units_start(5);
		messages_clear();
		sched_dump();
		assert_said(policies[i]);
		for (int n = 0; n < 5; n++) {
			char name[24];

			snprintf(name, sizeof(name), "unit%d:", n);
			assert_said(name);
		}
		machine_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_slices_alone),
		cmocka_unit_test(test_wake_stays),
		cmocka_unit_test(test_parking),
		cmocka_unit_test(test_hold_release_current),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_yield),
		cmocka_unit_test(test_null_waiting),
		cmocka_unit_test(test_null_claims),
		cmocka_unit_test(test_null_no_claim),
		cmocka_unit_test(test_null_moved_away),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_dump),
	};

	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
