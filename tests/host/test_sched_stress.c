/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/*
 * Thousands of random events, also in the middle of context switches: no unit is lost, on two CPUs,
 * outside of its affinity, or waiting beside an idle CPU.
 */
#include "sched_sim.h"

static unsigned int nr_units; /* that come and go */

/* One event, from the current CPU. */
static void random_event(void)
{
	struct sim_unit *s = &units[(unsigned int)rand() % nr_units];
	static const u32 holds[] = { HOLD_BLOCKED, HOLD_SHUTDOWN, HOLD_DOMAIN, HOLD_DOWN };
	struct sched_unit *current = cpus[cpu_id()].current;
	static const u16 caps[] = { 0, 0, 5, 50, 150 };
	struct cpumask mask;

	if (!s->exists)
		return;
	switch (rand() % 10) {
	case 0:
	case 1:
		if (current && !cpus[cpu_id()].busy)
			sched_hold(current, HOLD_BLOCKED);
		break;
	case 2:
	case 3:
	case 4:
		sched_release(&s->u, HOLD_BLOCKED);
		break;
	case 5:
		if (current && !cpus[cpu_id()].busy)
			sched_yield();
		break;
	case 6:
		sched_hold(&s->u, holds[1 + rand() % 3]);
		break;
	case 7:
	case 8:
		sched_release(&s->u, holds[rand() % 4]);
		break;
	case 9:
		if (rand() % 4)
			break;
		mask = random_mask();
		if (rand() % 2)
			assert_int_equal(sched_set_affinity(&s->u, &mask, NULL), 0);
		else
			assert_int_equal(sched_set_affinity(&s->u, NULL, &mask), 0);
		s->g.cap = caps[rand() % 5];
		s->g.weight = (u16)(1 + rand() % 500);
		sched_unit_adjust(&s->u);
		break;
	}
	assert_int_equal(this_cpu()->lock_depth, 0);
}

/* While one CPU switches, another one has events or goes through its exit. */
static void random_meanwhile(void)
{
	static int depth;
	unsigned int cpu = (unsigned int)rand() % nr_cpus;

	if (depth >= 4 || rand() % 2 || cpus[cpu].busy)
		return;
	depth++;
	host_set_cpu(cpu);
	if (rand() % 2)
		cpu_exit(cpu);
	else
		random_event();
	depth--;
}

static void random_lifecycle(void)
{
	unsigned int i = (unsigned int)rand() % nr_units;
	struct cpumask mask = random_mask();

	if (units[i].exists)
		unit_stop(i);
	else
		unit_start(i, (u16)(1 + rand() % 1000), &mask);
}

static unsigned int total_switches, total_parks, total_resumes;

static void stress(unsigned int n, const char *name, bool parking, bool conserving)
{
	machine_start(n, name, parking);
	for (int step = 0; step < 20000; step++) {
		meanwhile = random_meanwhile;
		for (int i = rand() % 6; i > 0; i--) {
			unsigned int cpu = (unsigned int)rand() % n;

			host_set_cpu(cpu);
			random_event();
			if (rand() % 2)
				cpu_exit(cpu);
		}
		host.now += rand() % (2 * NS_PER_MS);
		meanwhile = NULL;
		if (rand() % 20 == 0)
			random_lifecycle();
		if (rand() % 4 == 0) {
			settle();
			check_all(conserving);
		}
	}
	total_switches += switches;
	total_parks += parks;
	total_resumes += resumes;
	machine_stop();
}

static void check_totals(void)
{
	assert_true(total_switches > 20000);
	assert_true(total_parks > 2000);
	assert_true(total_resumes > 500);
	total_switches = total_parks = total_resumes = 0;
}

static void test_stress_credit2(void **state)
{
	nr_units = UNITS_MAX;
	for (unsigned int n = 1; n <= 8; n++) {
		stress(n, "credit2", false, true);
		stress(n, "credit2", true, true);
	}
	check_totals();
}

static void test_stress_credit2_few(void **state)
{
	for (unsigned int n = 1; n <= 8; n++) {
		nr_units = n + 2;
		stress(n, "credit2", false, true);
		stress(n, "credit2", true, true);
	}
	check_totals();
}

/* A queue for each CPU: units change queues all the time. */
static void test_stress_credit2_queues(void **state)
{
	sched_tunables.span = SCHED_SPAN_CPU;
	for (unsigned int n = 2; n <= 8; n++) {
		nr_units = n + 2;
		stress(n, "credit2", false, true);
		nr_units = UNITS_MAX;
		stress(n, "credit2", true, true);
	}
	sched_tunables.span = SCHED_SPAN_CLUSTER;
	check_totals();
}

static void test_stress_null(void **state)
{
	for (unsigned int n = 1; n <= 8; n++) {
		nr_units = n + 2;
		stress(n, "null", false, false);
		stress(n, "null", true, false);
	}
	check_totals();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress_credit2),
		cmocka_unit_test(test_stress_credit2_few),
		cmocka_unit_test(test_stress_credit2_queues),
		cmocka_unit_test(test_stress_null),
	};

	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
