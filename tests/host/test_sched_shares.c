/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/* The credit2 policy over seconds of virtual time: who got how much, and who had to wait how long. */
#include "sched_sim.h"

/*
 * What is fair: time by weight, but nobody more than one CPU; what such a one leaves goes to the
 * others.
 */
static void ideal_shares(unsigned int n, double *share)
{
	double left = nr_cpus, weights = 0;
	bool full[UNITS_MAX] = { false }, again = true;

	for (unsigned int i = 0; i < n; i++)
		weights += units[i].g.weight;
	while (again) {
		again = false;
		for (unsigned int i = 0; i < n; i++) {
			if (!full[i] && units[i].g.weight * left > weights) {
				full[i] = again = true;
				left -= 1;
				weights -= units[i].g.weight;
			}
		}
	}
	for (unsigned int i = 0; i < n; i++)
		share[i] = full[i] ? 1 : units[i].g.weight * left / weights;
}

/* Within 2 % of what is fair, but for a slice of rounding. */
static void check_shares(unsigned int n, nstime_t length)
{
	double share[UNITS_MAX];

	ideal_shares(n, share);
	for (unsigned int i = 0; i < n; i++) {
		double ideal = share[i] * (double)length, got = (double)units[i].ran;
		double error = got > ideal ? got - ideal : ideal - got;

		if (error > 0.02 * ideal + 10 * NS_PER_MS)
			fail_msg("%u CPUs, %u units: unit %u of weight %u ran %.1f ms instead of "
				 "%.1f ms", nr_cpus, n, i, units[i].g.weight, got / 1e6,
				 ideal / 1e6);
	}
}

static void shares(unsigned int n_cpus, unsigned int n, u16 (*weight)(unsigned int i))
{
	struct cpumask all;

	machine_start(n_cpus, "credit2", false);
	all = all_cpus();
	for (unsigned int i = 0; i < n; i++) {
		unit_start(i, weight(i), &all);
		sched_release(&units[i].u, HOLD_DOWN);
	}
	settle();
	run_for(10 * NS_PER_S);
	check_shares(n, 10 * NS_PER_S);
	check_all(true);
	machine_stop();
}

static u16 weight_equal(unsigned int i)
{
	return 256;
}

static u16 weight_mixed(unsigned int i)
{
	static const u16 weights[] = { 256, 512, 128, 300, 1024, 64 };

	return weights[i % ARRAY_SIZE(weights)];
}

static void test_shares_equal(void **state)
{
	for (unsigned int n = 1; n <= 8; n++) {
		shares(n, n, weight_equal);
		shares(n, n + 1, weight_equal);
		shares(n, 2 * n + 1, weight_equal);
	}
	shares(1, 64, weight_equal);
	shares(8, 64, weight_equal);
	shares(3, 50, weight_equal);
}

static void test_shares_weighted(void **state)
{
	shares(1, 2, weight_mixed);
	shares(1, 6, weight_mixed);
	shares(2, 6, weight_mixed);
	shares(4, 6, weight_mixed);
	shares(3, 20, weight_mixed);
	shares(8, 64, weight_mixed);
}

/* A unit that sleeps a lot gets what it asks for, soon, and those that never sleep share the rest. */
static void test_sleepers(void **state)
{
	nstime_t asked = 0, latest = 0, woken = 0;
	struct cpumask all;

	machine_start(1, "credit2", false);
	all = all_cpus();
	for (unsigned int i = 0; i < 4; i++) {
		unit_start(i, 256, &all);
		sched_release(&units[i].u, HOLD_DOWN);
	}
	settle();
	for (int step = 0; step < 100000; step++) {
		struct sim_unit *s = &units[0];

		host_set_cpu(0);
		if (step % 50 == 0 && !sched_runnable(&s->u)) {
			woken = host.now;
			asked += STEP;
			sched_release(&s->u, HOLD_BLOCKED);
			settle();
		}
		/* At first the others have had nothing, and go before it. */
		if (is_current(s) && woken > 50 * NS_PER_MS)
			latest = MAX(latest, s->state_since - woken);
		host.now += STEP;
		host_set_cpu(0);
		if (is_current(s))
			sched_hold(&s->u, HOLD_BLOCKED);
		settle();
	}
	assert_true(latest <= NS_PER_MS);
	assert_true(asked > 150 * NS_PER_MS);
	assert_true(units[0].ran >= asked);
	for (unsigned int i = 1; i < 4; i++) {
		nstime_t rest = (10 * NS_PER_S - units[0].ran) / 3;

		assert_in_range(units[i].ran, rest * 98 / 100 - 10 * NS_PER_MS,
				rest * 102 / 100 + 10 * NS_PER_MS);
	}
	machine_stop();
}

/* After an hour alone on the machine a unit neither starves nor starves others. */
static void test_newcomer(void **state)
{
	struct cpumask all;

	machine_start(1, "credit2", false);
	units_start(1);
	for (int i = 0; i < 3600; i++) {
		host.now += NS_PER_S;
		cpu_table[0]->work |= WORK_SCHED;
		settle();
	}
	all = all_cpus();
	unit_start(1, 256, &all);
	units[0].ran = 0;
	units[0].ran_since = host.now;
	host_set_cpu(0);
	sched_release(&units[1].u, HOLD_DOWN);
	settle();
	run_for(NS_PER_S);
	assert_in_range(units[0].ran, 470 * NS_PER_MS, 530 * NS_PER_MS);
	assert_in_range(units[1].ran, 470 * NS_PER_MS, 530 * NS_PER_MS);
	/* The other way round: one that slept for an hour has saved up nothing. */
	host_set_cpu(0);
	sched_hold(&units[0].u, HOLD_DOMAIN);
	for (int i = 0; i < 3600; i++) {
		host.now += NS_PER_S;
		cpu_table[0]->work |= WORK_SCHED;
		settle();
	}
	units[0].ran = units[1].ran = 0;
	units[1].ran_since = host.now;
	host_set_cpu(0);
	sched_release(&units[0].u, HOLD_DOMAIN);
	settle();
	run_for(NS_PER_S);
	assert_in_range(units[0].ran, 470 * NS_PER_MS, 530 * NS_PER_MS);
	assert_in_range(units[1].ran, 470 * NS_PER_MS, 530 * NS_PER_MS);
	machine_stop();
}

/* A light unit that ran alone for long in one go, without ever being looked at. */
static void test_long_run(void **state)
{
	struct cpumask all;

	machine_start(1, "credit2", false);
	all = all_cpus();
	unit_start(0, 1, &all);
	unit_start(1, 256, &all);
	sched_release(&units[0].u, HOLD_DOWN);
	settle();
	host.now += 100000 * NS_PER_S;
	sched_release(&units[1].u, HOLD_DOWN);
	settle();
	run_for(5 * NS_PER_S);
	assert_true(units[1].ran >= 4900 * NS_PER_MS);
	machine_stop();
}

/*
 * A unit waits; the CPU that was told runs a heavy unit which stays behind for long. The other CPU
 * must notice as well.
 */
static void test_contention_spreads(void **state)
{
	struct cpumask all;

	machine_start(2, "credit2", false);
	all = all_cpus();
	unit_start(0, 4096, &all);
	unit_start(1, 256, &all);
	unit_start(2, 256, &all);
	sched_release(&units[0].u, HOLD_DOWN);
	sched_release(&units[1].u, HOLD_DOWN);
	settle();
	host.now += CALM_MIN / 2;
	units[0].u.vtime += 50 * NS_PER_MS;
	units[2].u.vtime += 80 * NS_PER_MS;
	credit2_cpu_of(0)->rq->pool->contended = host.now;
	sched_release(&units[2].u, HOLD_DOWN);
	settle();
	run_for(150 * NS_PER_MS);
	assert_true(units[2].ran > 20 * NS_PER_MS);
	machine_stop();
}

/* Equal units wait for each other's slices and no longer, wherever they may run. */
static void test_no_starvation(void **state)
{
	for (int round = 0; round < 20; round++) {
		machine_start(4, "credit2", round % 2);
		for (unsigned int i = 0; i < 24; i++) {
			struct cpumask mask = random_mask();

			unit_start(i, 256, &mask);
			sched_release(&units[i].u, HOLD_DOWN);
		}
		settle();
		for (int step = 0; step < 30000; step++) {
			host.now += STEP;
			if (step % 7 == 0) {
				host_set_cpu((unsigned int)rand() % 4);
				sched_release(&units[rand() % 24].u, HOLD_BLOCKED);
				if (cpus[cpu_id()].current && !(rand() % 3))
					sched_hold(cpus[cpu_id()].current, HOLD_BLOCKED);
			}
			settle();
		}
		check_all(true);
		for (unsigned int i = 0; i < 24; i++)
			assert_true(units[i].waited_most < 600 * NS_PER_MS);
		machine_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares_equal),
		cmocka_unit_test(test_shares_weighted),
		cmocka_unit_test(test_sleepers),
		cmocka_unit_test(test_newcomer),
		cmocka_unit_test(test_long_run),
		cmocka_unit_test(test_contention_spreads),
		cmocka_unit_test(test_no_starvation),
	};

	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
