/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/*
 * The credit2 policy with everything it has: several run queues, caps, the rate limit, soft
 * affinity, at random over seconds of virtual time.
 */
#include "sched_sim.h"

#define LENGTH (10 * NS_PER_S)

static void start(unsigned int n_cpus, enum sched_span span)
{
	sched_tunables.span = span;
	machine_start(n_cpus, "credit2", false);
	sched_tunables.span = SCHED_SPAN_CLUSTER;
}

static void start_unit(unsigned int i, u16 weight, u16 cap, u64 hard)
{
	struct cpumask mask = { { hard } };

	unit_start(i, weight, &mask);
	units[i].g.cap = cap;
	sched_unit_adjust(&units[i].u);
	sched_release(&units[i].u, HOLD_DOWN);
	settle();
}

static void forget(void)
{
	for (unsigned int i = 0; i < UNITS_MAX; i++) {
		units[i].ran = 0;
		units[i].ran_since = host.now;
	}
}

/*
 * What is fair: time by weight, but nobody more than one CPU or its cap; what such a one leaves
 * goes to the others.
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
			u16 cap = units[i].g.cap;
			double most = cap && cap < 100 ? cap / 100. : 1;

			if (!full[i] && units[i].g.weight * left > weights * most) {
				full[i] = again = true;
				share[i] = most;
				left -= most;
				weights -= units[i].g.weight;
			}
		}
	}
	for (unsigned int i = 0; i < n; i++)
		if (!full[i])
			share[i] = units[i].g.weight * left / weights;
}

/* Within 2 % of what is fair, but for what a few slices make; a cap is kept within 1 %. */
static void check_shares(unsigned int n, nstime_t length, nstime_t slack, unsigned int seed)
{
	double share[UNITS_MAX];

	ideal_shares(n, share);
	for (unsigned int i = 0; i < n; i++) {
		double ideal = share[i] * (double)length, got = (double)units[i].ran;
		double error = got > ideal ? got - ideal : ideal - got;

		if (error > 0.02 * ideal + (double)slack)
			fail_msg("seed %u, %u CPUs, %u units: unit %u of weight %u, cap %u ran %.1f ms "
				 "instead of %.1f ms", seed, nr_cpus, n, i, units[i].g.weight,
				 units[i].g.cap, got / 1e6, ideal / 1e6);
		if (units[i].g.cap && got > units[i].g.cap / 100. * 1.01 * (double)length)
			fail_msg("seed %u: unit %u ran %.1f ms, its cap is %u", seed, i, got / 1e6,
				 units[i].g.cap);
	}
}

static void shares(unsigned int seed, enum sched_span span, bool capped)
{
	unsigned int n;

	srand(seed);
	start(1 + (unsigned int)rand() % 8, span);
	n = 1 + (unsigned int)rand() % (rand() % 2 ? 64 : 2 * nr_cpus);
	for (unsigned int i = 0; i < n; i++)
		start_unit(i, (u16)(rand() % 3 ? 256 : 64 + rand() % 1000),
			   (u16)(capped && rand() % 2 ? 5 + rand() % 120 : 0), all_cpus().bits[0]);
	run_for(NS_PER_S / 2);
	forget();
	run_for(LENGTH);
	check_shares(n, LENGTH, span == SCHED_SPAN_ALL ? 10 * NS_PER_MS : 60 * NS_PER_MS, seed);
	check_all(false);
	for (unsigned int i = 0; i < n; i++)
		assert_true(units[i].ran > 0);
	machine_stop();
}

static void test_shares(void **state)
{
	for (unsigned int seed = 1; seed <= 25; seed++)
		shares(seed, SCHED_SPAN_ALL, false);
}

static void test_shares_many_queues(void **state)
{
	for (unsigned int seed = 1; seed <= 25; seed++)
		shares(seed, SCHED_SPAN_CPU, false);
}

static void test_shares_capped(void **state)
{
	for (unsigned int seed = 1; seed <= 20; seed++)
		shares(seed, seed % 2 ? SCHED_SPAN_ALL : SCHED_SPAN_CPU, true);
}

/* Each CPU has units of its own: shares by weight among them. */
static void test_shares_pinned(void **state)
{
	start(4, SCHED_SPAN_ALL);
	for (unsigned int i = 0; i < 16; i++)
		start_unit(i, (u16)(i < 4 ? 512 : 256), 0, 1UL << (i % 4));
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(units[i].u.hard.bits[0], 1UL << (i % 4));
	run_for(LENGTH);
	for (unsigned int i = 0; i < 16; i++) {
		nstime_t ideal = LENGTH * (i < 4 ? 2 : 1) / 5;

		assert_in_range(units[i].ran, ideal * 98 / 100 - 10 * NS_PER_MS,
				ideal * 102 / 100 + 10 * NS_PER_MS);
	}
	machine_stop();
}

/* The cap of a group is one for all its units, on however many CPUs they run. */
static void test_cap_of_group(void **state)
{
	static const u16 caps[] = { 1, 10, 50, 99, 100, 150, 370, 800 };

	for (unsigned int round = 0; round < 2 * ARRAY_SIZE(caps); round++) {
		u16 cap = caps[round / 2];
		nstime_t ran = 0, ideal = LENGTH * cap / 100;

		start(8, round % 2 ? SCHED_SPAN_CPU : SCHED_SPAN_ALL);
		for (unsigned int i = 0; i < 8; i++) {
			struct cpumask all = all_cpus();

			unit_start(i, 256, &all);
			sched_unit_destroy(&units[i].u);
			sched_group_init(&units[0].g);
			units[0].g.cap = cap;
			assert_int_equal(sched_unit_init(&units[i].u, cpupool_find(0), &units[0].g,
							 HOLD_DOWN, &all), 0);
		}
		for (unsigned int i = 0; i < 8; i++) {
			units[i].u.group->cap = cap;
			units[i].u.group->units = 8;
			sched_unit_adjust(&units[i].u);
			sched_release(&units[i].u, HOLD_DOWN);
		}
		settle();
		run_for(LENGTH);
		for (unsigned int i = 0; i < 8; i++)
			ran += units[i].ran;
		if (ran > ideal * 101 / 100 + 2 * NS_PER_MS || ran < ideal * 99 / 100 - 2 * NS_PER_MS)
			fail_msg("cap %u: %ld ms instead of %ld ms", cap, ran / NS_PER_MS,
				 ideal / NS_PER_MS);
		machine_stop();
	}
}

/* Also of one that sleeps; and a cap that is taken away or moved counts at once. */
static void test_cap_changes(void **state)
{
	start(1, SCHED_SPAN_ALL);
	start_unit(0, 256, 20, 1);
	for (int step = 0; step < 100000; step++) {
		host_set_cpu(0);
		if (step % 40 == 0)
			sched_release(&units[0].u, HOLD_BLOCKED);
		if (step % 40 == 15 && is_current(&units[0]))
			sched_hold(&units[0].u, HOLD_BLOCKED);
		settle();
		host.now += STEP;
	}
	run_for(STEP);
	assert_in_range(units[0].ran, LENGTH * 17 / 100, LENGTH * 202 / 1000);
	/* It has used up what it gets, and may go on. */
	host_set_cpu(0);
	sched_release(&units[0].u, HOLD_BLOCKED);
	while (!units[0].u.throttled)
		run_for(STEP);
	units[0].g.cap = 0;
	sched_unit_adjust(&units[0].u);
	settle();
	forget();
	run_for(NS_PER_S);
	assert_in_range(units[0].ran, NS_PER_S, NS_PER_S);
	units[0].g.cap = 10;
	sched_unit_adjust(&units[0].u);
	settle();
	forget();
	run_for(NS_PER_S);
	assert_in_range(units[0].ran, 80 * NS_PER_MS, 120 * NS_PER_MS);
	/* Held while it waits for its time. */
	while (!units[0].u.throttled)
		run_for(STEP);
	sched_hold(&units[0].u, HOLD_DOMAIN);
	check_all(true);
	run_for(50 * NS_PER_MS);
	sched_release(&units[0].u, HOLD_DOMAIN);
	settle();
	assert_true(is_current(&units[0]));
	machine_stop();
}

/* Who has room where it likes to be is there nearly always. */
static nstime_t liked_time(unsigned int i)
{
	return is_current(&units[i]) && cpumask_test(&units[i].u.soft, (unsigned int)units[i].on) ?
		       STEP : 0;
}

static void soft_rounds(enum sched_span span, unsigned int n_units)
{
	nstime_t liked[4] = { 0 }, all[4] = { 0 };

	start(4, span);
	for (unsigned int i = 0; i < n_units; i++) {
		struct cpumask soft = { { i % 2 ? 0xc : 0x3 } };

		start_unit(i, 256, 0, 0xf);
		assert_int_equal(sched_set_affinity(&units[i].u, NULL, &soft), 0);
	}
	settle();
	for (int step = 0; step < 20000; step++) {
		unsigned int who = (unsigned int)rand() % n_units;

		host.now += STEP;
		if (rand() % 10 == 0) {
			host_set_cpu((unsigned int)rand() % 4);
			if (rand() % 3)
				sched_release(&units[who].u, HOLD_BLOCKED);
			else
				sched_hold(&units[who].u, HOLD_BLOCKED);
		}
		settle();
		check_all(span == SCHED_SPAN_ALL);
		for (unsigned int i = 0; i < n_units; i++) {
			liked[i % 4] += liked_time(i);
			all[i % 4] += is_current(&units[i]) ? STEP : 0;
		}
	}
	for (unsigned int i = 0; i < 4; i++)
		if (liked[i] < all[i] * (n_units == 4 ? 99 : 70) / 100)
			fail_msg("units %u: %ld of %ld ms where they like to be", i,
				 liked[i] / NS_PER_MS, all[i] / NS_PER_MS);
	machine_stop();
}

static void test_soft_affinity(void **state)
{
	soft_rounds(SCHED_SPAN_ALL, 4);
	soft_rounds(SCHED_SPAN_CPU, 4);
	soft_rounds(SCHED_SPAN_ALL, 12);
}

/* A unit beside its soft affinity goes there when it can; a mask without effect costs nothing. */
static void test_soft_affinity_moves(void **state)
{
	struct cpumask soft = { { 2 } }, none = { { 0 } };

	for (int span = 0; span < 2; span++) {
		start(2, span ? SCHED_SPAN_CPU : SCHED_SPAN_ALL);
		start_unit(0, 256, 0, 3);
		start_unit(1, 256, 0, 3);
		assert_int_equal(units[0].on, 0);
		assert_int_equal(sched_set_affinity(&units[0].u, NULL, &soft), 0);
		settle();
		assert_int_equal(units[0].on, 0);
		assert_int_equal(cpupool_find(0)->nr_choosy, 1);
		host_set_cpu(1);
		sched_hold(&units[1].u, HOLD_BLOCKED);
		settle();
		assert_int_equal(units[0].on, 1);
		/* The other one finds the other CPU, and they stay. */
		sched_release(&units[1].u, HOLD_BLOCKED);
		settle();
		assert_int_equal(units[1].on, 0);
		switches = 0;
		run_for(NS_PER_S);
		assert_int_equal(switches, 0);
		assert_int_equal(sched_set_affinity(&units[0].u, NULL, &none), 0);
		settle();
		assert_int_equal(cpupool_find(0)->nr_choosy, 0);
		machine_stop();
		assert_int_equal(cpupool_find(0)->nr_choosy, 0);
	}
}

/*
 * Unit 0 sleeps most of the time, one of two others wakes it while it runs. How long that one still
 * runs, since it began, before unit 0 has the CPU: at least and at most, in steps.
 */
static void measure_waking(u32 limit, bool event, int steps[2])
{
	steps[0] = INT32_MAX;
	steps[1] = 0;
	start(1, SCHED_SPAN_ALL);
	set_ratelimit(cpupool_find(0), limit);
	for (unsigned int i = 0; i < 3; i++)
		start_unit(i, 256, 0, 1);
	for (int step = 0, began = 0; step < 50000; step++) {
		host.now += STEP;
		host_set_cpu(0);
		if (is_current(&units[0])) {
			sched_hold(&units[0].u, HOLD_BLOCKED);
			settle();
			assert_null(units[0].u.woken_by);
		}
		settle();
		if (((u32)step * 2654435761U >> 16) % 23 == 0 && !sched_runnable(&units[0].u)) {
			began = step - (int)((host.now - sim_of(cpus[0].current)->ran_since) / STEP);
			if (event)
				units[0].u.woken_by = cpus[0].current;
			sched_release(&units[0].u, HOLD_BLOCKED);
			settle();
		}
		if (is_current(&units[0]) && step > 5000) {
			steps[0] = MIN(steps[0], step - began);
			steps[1] = MAX(steps[1], step - began);
		}
	}
	machine_stop();
}

/* Who sends an event runs for some more before its receiver: four rate limits, a slice at most. */
static void test_event_of_the_running(void **state)
{
	static const struct {
		u32 limit;
		int steps; /* of 100 us */
	} cases[] = { { 0, 0 }, { 100, 4 }, { 500, 20 }, { 1000, 40 }, { 2000, 80 }, { 5000, 100 } };
	int steps[2];

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		measure_waking(cases[i].limit, true, steps);
		assert_in_range(steps[0], cases[i].steps, cases[i].steps + 2);
		assert_true(steps[1] <= 102);
		measure_waking(cases[i].limit, false, steps);
		assert_in_range(steps[0], cases[i].limit / 100, cases[i].limit / 100 + 2);
	}
}

/* What runs on another CPU is not spared because it sent no event. */
static void test_event_from_elsewhere(void **state)
{
	const struct cpumask first = { { 1 } };
	nstime_t latest = 0, woken = 0;

	start(2, SCHED_SPAN_ALL);
	for (unsigned int i = 0; i < 5; i++)
		start_unit(i, 256, 0, 3);
	sched_set_affinity(&units[0].u, &first, NULL);
	settle();
	for (int step = 0; step < 50000; step++) {
		host.now += STEP;
		if (is_current(&units[0])) {
			host_set_cpu(0);
			sched_hold(&units[0].u, HOLD_BLOCKED);
		}
		settle();
		if (((u32)step * 2654435761U >> 16) % 233 == 0 && !sched_runnable(&units[0].u) && cpus[1].current) {
			woken = host.now;
			host_set_cpu(1);
			units[0].u.woken_by = cpus[1].current;
			sched_release(&units[0].u, HOLD_BLOCKED);
			settle();
		}
		if (is_current(&units[0]) && step > 5000)
			latest = MAX(latest, host.now - woken);
	}
	assert_true(latest <= NS_PER_MS + 2 * STEP);
	machine_stop();
}

/* A unit that wakes waits until the running one has run for the rate limit, and no longer. */
static void test_ratelimit(void **state)
{
	static const u32 limits[] = { 0, 1000, 5000, 50000 };

	for (unsigned int round = 0; round < ARRAY_SIZE(limits); round++) {
		nstime_t latest = 0, woken = 0, soonest = TIME_NEVER;

		start(1, SCHED_SPAN_ALL);
		set_ratelimit(cpupool_find(0), limits[round]);
		start_unit(0, 256, 0, 1);
		start_unit(1, 256, 0, 1);
		start_unit(2, 256, 0, 1);
		for (int step = 0; step < 50000; step++) {
			host.now += STEP;
			host_set_cpu(0);
			if (is_current(&units[0]))
				sched_hold(&units[0].u, HOLD_BLOCKED);
			settle();
			if (step % 733 == 0 && !sched_runnable(&units[0].u)) {
				struct sched_unit *before = cpus[0].current;
				nstime_t began = sim_of(before)->ran_since;

				woken = host.now;
				sched_release(&units[0].u, HOLD_BLOCKED);
				settle();
				if (is_current(&units[0]))
					soonest = MIN(soonest, woken - began);
			}
			if (is_current(&units[0]) && host.now > NS_PER_S / 2)
				latest = MAX(latest, units[0].state_since - woken);
		}
		/* With a limit of more than what waking units are favoured by the other one may be first. */
		assert_true(latest <= MAX(limits[round] * (limits[round] > 20000 ? 2U : 1U), 1000U) *
					      NS_PER_US + 2 * STEP);
		if (limits[round] > 1000)
			assert_true(latest >= limits[round] * NS_PER_US / 3);
		assert_true(soonest >= limits[round] * NS_PER_US);
		machine_stop();
	}
}

/* Which CPUs share a queue. */
static unsigned int queues(void)
{
	return credit2_pool_of(cpupool_find(0))->nr_queues;
}

static void test_arrangement(void **state)
{
	start(8, SCHED_SPAN_CLUSTER);
	assert_int_equal(queues(), 1);
	start(8, SCHED_SPAN_ALL);
	assert_int_equal(queues(), 1);
	start(8, SCHED_SPAN_CPU);
	assert_int_equal(queues(), 8);
	sched_tunables.queue_cpus = 3;
	start(8, SCHED_SPAN_ALL);
	assert_int_equal(queues(), 3);
	assert_int_equal(cpumask_weight(&credit2_cpu_of(0)->rq->cpus), 3);
	assert_int_equal(cpumask_weight(&credit2_cpu_of(7)->rq->cpus), 2);
	/* A queue ends with its last CPU; the memory serves another one. */
	for (unsigned int cpu = 7; cpu >= 6; cpu--) {
		while (cpupool_remove_cpu(cpupool_find(0), cpu))
			settle();
	}
	assert_int_equal(queues(), 2);
	while (cpupool_add_cpu(cpupool_find(0), 7))
		settle();
	assert_int_equal(queues(), 3);
	units_start(20);
	run_for(NS_PER_S);
	check_all(false);
	machine_stop();
	sched_tunables.queue_cpus = 16;
}

/* A unit that waits elsewhere comes to a CPU that idles, and who wakes goes to an idle CPU. */
static void test_idle_cpus_help(void **state)
{
	start(4, SCHED_SPAN_CPU);
	for (unsigned int i = 0; i < 4; i++)
		start_unit(i, 256, 0, 0xf);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(is_current(&units[i]));
	start_unit(4, 256, 0, 1);
	start_unit(5, 256, 0, 1);
	check_all(false);
	host_set_cpu(2);
	sched_hold(cpus[2].current, HOLD_BLOCKED);
	settle();
	/* Two are at home on CPU 0 alone; the one that was there is on CPU 2 now, or soon. */
	run_for(20 * NS_PER_MS);
	assert_non_null(cpus[2].current);
	machine_stop();
}

/* --- CPUs that share no units drift apart; nobody pays for that when things change --- */

static void check_waits(unsigned int n, nstime_t most)
{
	for (unsigned int i = 0; i < n; i++) {
		nstime_t waited = units[i].waited_most;

		if (units[i].state == RUNSTATE_runnable)
			waited = MAX(waited, host.now - units[i].state_since);
		if (waited > most)
			fail_msg("unit %u waited for %ld ms", i, waited / NS_PER_MS);
	}
}

static void forget_waits(void)
{
	forget();
	for (unsigned int i = 0; i < UNITS_MAX; i++)
		units[i].waited_most = 0;
}

/* Unit 0 has CPU 0 for itself, the others share CPU 1, for a minute. */
static void drift(enum sched_span span, unsigned int n)
{
	start(2, span);
	start_unit(0, 256, 0, 1);
	for (unsigned int i = 1; i < n; i++)
		start_unit(i, 256, 0, 2);
	run_for(60 * NS_PER_S);
	forget_waits();
}

static void test_drift_pinned_there(void **state)
{
	struct cpumask second = { { 2 } }, first = { { 1 } };

	for (int span = 0; span < 2; span++) {
		drift(span ? SCHED_SPAN_CPU : SCHED_SPAN_ALL, 4);
		sched_set_affinity(&units[0].u, &second, NULL);
		settle();
		run_for(4 * NS_PER_S);
		check_waits(4, 300 * NS_PER_MS);
		for (unsigned int i = 0; i < 4; i++)
			assert_in_range(units[i].ran, 950 * NS_PER_MS, 1050 * NS_PER_MS);
		machine_stop();
		/* The other way. */
		drift(span ? SCHED_SPAN_CPU : SCHED_SPAN_ALL, 4);
		sched_set_affinity(&units[1].u, &first, NULL);
		settle();
		run_for(4 * NS_PER_S);
		check_waits(4, 300 * NS_PER_MS);
		for (unsigned int i = 0; i < 4; i++)
			assert_in_range(units[i].ran, 1950 * NS_PER_MS, 2050 * NS_PER_MS);
		machine_stop();
	}
}

static void test_drift_newcomer(void **state)
{
	drift(SCHED_SPAN_ALL, 4);
	start_unit(4, 256, 0, 1);
	run_for(4 * NS_PER_S);
	check_waits(5, 300 * NS_PER_MS);
	assert_in_range(units[0].ran, 1950 * NS_PER_MS, 2050 * NS_PER_MS);
	start_unit(5, 256, 0, 3);
	forget_waits();
	run_for(4 * NS_PER_S);
	check_waits(6, 400 * NS_PER_MS);
	machine_stop();
}

static void test_drift_sleeper(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		drift(SCHED_SPAN_ALL, 4);
		host_set_cpu(0);
		sched_hold(&units[i].u, HOLD_BLOCKED);
		settle();
		run_for(30 * NS_PER_MS);
		sched_release(&units[i].u, HOLD_BLOCKED);
		settle();
		run_for(2 * NS_PER_S);
		check_waits(4, 300 * NS_PER_MS);
		machine_stop();
	}
}

/* Whatever is pinned where, and where to next: nobody waits for long. */
static void test_drift_random(void **state)
{
	for (unsigned int seed = 1; seed <= 20; seed++) {
		srand(seed);
		start(3, seed % 3 ? SCHED_SPAN_ALL : SCHED_SPAN_CPU);
		for (unsigned int i = 0; i < 6; i++)
			start_unit(i, 256, 0, 7);
		for (int round = 0; round < 60; round++) {
			struct cpumask hard = random_mask(), soft = random_mask();

			host_set_cpu(0);
			sched_set_affinity(&units[rand() % 6].u, &hard, &soft);
			if (rand() % 3 == 0)
				sched_hold(&units[rand() % 6].u, HOLD_BLOCKED);
			for (unsigned int i = 0; i < 6 && rand() % 3 == 0; i++)
				sched_release(&units[i].u, HOLD_BLOCKED);
			settle();
			run_for((nstime_t)(rand() % 3) * NS_PER_S);
			check_waits(6, 500 * NS_PER_MS);
			check_all(true);
		}
		machine_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_shares_many_queues),
		cmocka_unit_test(test_shares_capped),
		cmocka_unit_test(test_shares_pinned),
		cmocka_unit_test(test_cap_of_group),
		cmocka_unit_test(test_cap_changes),
		cmocka_unit_test(test_soft_affinity),
		cmocka_unit_test(test_soft_affinity_moves),
		cmocka_unit_test(test_ratelimit),
		cmocka_unit_test(test_event_of_the_running),
		cmocka_unit_test(test_event_from_elsewhere),
		cmocka_unit_test(test_arrangement),
		cmocka_unit_test(test_idle_cpus_help),
		cmocka_unit_test(test_drift_pinned_there),
		cmocka_unit_test(test_drift_newcomer),
		cmocka_unit_test(test_drift_sleeper),
		cmocka_unit_test(test_drift_random),
	};

	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
