/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/*
 * Pools of CPUs: CPUs and units go from one to the other while others run, and nothing is lost. As
 * CPUs change by themselves, whoever asked has to ask again.
 */
#include "sched_sim.h"

static struct cpupool *first_pool(void)
{
	return cpupool_find(0);
}

static struct cpupool *make_pool(const char *name)
{
	struct cpupool *p;

	assert_int_equal(cpupool_create(sched_policy_find(name), &p), 0);
	return p;
}

/* Asks until the CPU has changed. */
static int add_cpu(struct cpupool *p, unsigned int cpu)
{
	int rc;

	for (int i = 0; (rc = cpupool_add_cpu(p, cpu)) == -XEN_ERESTART; i++) {
		assert_true(i < 10);
		settle();
	}
	settle();
	return rc;
}

static int remove_cpu(struct cpupool *p, unsigned int cpu)
{
	int rc;

	for (int i = 0; (rc = cpupool_remove_cpu(p, cpu)) == -XEN_ERESTART; i++) {
		assert_true(i < 10);
		settle();
	}
	settle();
	return rc;
}

static int move_unit(unsigned int i, struct cpupool *p)
{
	bool held = sched_runnable(&units[i].u);
	int rc;

	if (held)
		sched_hold(&units[i].u, HOLD_DOMAIN);
	while ((rc = cpupool_move_unit(&units[i].u, p)) == -XEN_ERESTART)
		settle();
	if (held)
		sched_release(&units[i].u, HOLD_DOMAIN);
	settle();
	return rc;
}

/* Every unit is on a CPU of its pool, and its lock is that pool's. */
static void check_pools(bool conserving)
{
	check_all(false);
	for (unsigned int i = 0; i < UNITS_MAX; i++) {
		const struct sim_unit *s = &units[i];

		if (!s->exists)
			continue;
		if (!cpumask_test(&s->u.pool->cpus, s->u.cpu))
			fail_msg("unit %u: CPU%u is not of pool %u", i, s->u.cpu, s->u.pool->id);
		assert_ptr_equal(sched_cpu_of(s->u.cpu)->pool, s->u.pool);
		for (unsigned int cpu = 0; conserving && s->u.queued && cpu < nr_cpus; cpu++)
			if (cpumask_test(&s->u.pool->cpus, cpu) && cpumask_test(&s->u.hard, cpu))
				assert_non_null(cpus[cpu].current);
	}
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		const struct sched_unit *u = cpus[cpu].loaded;

		assert_null(sched_cpu_of(cpu)->change);
		if (u)
			assert_ptr_equal(u->pool, sched_cpu_of(cpu)->pool);
	}
}

static void test_ids(void **state)
{
	struct cpupool *a, *b, *c;

	machine_start(2, "credit2", false);
	a = make_pool("null");
	b = make_pool("credit2");
	assert_int_equal(a->id, 1);
	assert_int_equal(b->id, 2);
	assert_ptr_equal(cpupool_find(1), a);
	assert_ptr_equal(cpupool_find(2), b);
	assert_null(cpupool_find(3));
	assert_int_equal(cpupool_destroy(a), 0);
	assert_null(cpupool_find(1));
	c = make_pool("credit2");
	assert_int_equal(c->id, 1);
	assert_int_equal(cpupool_destroy(first_pool()), -XEN_EBUSY);
	assert_int_equal(cpupool_destroy(b), 0);
	assert_int_equal(cpupool_destroy(c), 0);
	assert_null(sched_policy_find("arinc653"));
	no_memory = true;
	assert_int_equal(cpupool_create(sched_policy_find("null"), &a), -XEN_ENOMEM);
	machine_stop();
}

/* What a null pool is for: a CPU of its own beside shared ones. */
static void test_null_beside_credit2(void **state)
{
	struct cpupool *p;
	nstime_t ran;

	machine_start(3, "credit2", true);
	p = make_pool("null");
	assert_int_equal(remove_cpu(first_pool(), 2), 0);
	assert_int_equal(add_cpu(p, 2), 0);
	assert_int_equal(cpumask_weight(&first_pool()->cpus), 2);
	units_start(5);
	check_pools(true);
	assert_int_equal(move_unit(4, p), 0);
	check_pools(true);
	assert_int_equal(units[4].on, 2);
	for (unsigned int i = 0; i < 5; i++)
		units[i].ran = 0;
	switches = 0;
	run_for(NS_PER_S);
	assert_int_equal(units[4].ran, NS_PER_S);
	for (unsigned int i = 0; i < 4; i++) {
		ran = units[i].ran;
		assert_true(ran > NS_PER_S / 2 - 50 * NS_PER_MS && ran < NS_PER_S / 2 + 50 * NS_PER_MS);
	}
	/* And back. */
	assert_int_equal(move_unit(4, first_pool()), 0);
	assert_int_equal(remove_cpu(p, 2), 0);
	assert_int_equal(cpupool_destroy(p), 0);
	assert_int_equal(add_cpu(first_pool(), 2), 0);
	run_for(100 * NS_PER_MS);
	check_pools(true);
	machine_stop();
}

/* A CPU leaves with what runs there, what is parked there and what is queued for it. */
static void test_leaving(void **state)
{
	static const char *const policies[] = { "credit2", "null" };

	for (int n = 0; n < 2; n++) {
		struct cpumask only = { { 2 } };
		struct cpupool *p;

		machine_start(3, policies[n], true);
		units_start(2);
		unit_start(2, SCHED_WEIGHT_NORMAL, &only);
		sched_release(&units[2].u, HOLD_DOWN);
		settle();
		/* One is parked somewhere. */
		host_set_cpu((unsigned int)units[0].on);
		sched_hold(&units[0].u, HOLD_BLOCKED);
		settle();
		p = first_pool();
		assert_int_equal(remove_cpu(p, 1), 0);
		assert_said("CPU1 leaves its pool: a vcpu that was to run there only may run on all");
		check_pools(!n);
		assert_null(cpus[1].loaded);
		sched_release(&units[0].u, HOLD_BLOCKED);
		settle();
		run_for(50 * NS_PER_MS);
		assert_null(cpus[1].loaded);
		check_pools(!n);
		assert_int_equal(remove_cpu(p, 0), 0);
		run_for(50 * NS_PER_MS);
		check_pools(!n);
		/* The last one stays as long as there is a unit. */
		assert_int_equal(remove_cpu(p, 2), -XEN_EBUSY);
		assert_int_equal(add_cpu(p, 0), 0);
		assert_int_equal(add_cpu(p, 1), 0);
		run_for(50 * NS_PER_MS);
		check_pools(!n);
		machine_stop();
	}
}

static void test_refused(void **state)
{
	struct cpumask first = { { 1 } };
	struct cpupool *p, *q;

	machine_start(3, "credit2", false);
	p = make_pool("credit2");
	q = make_pool("null");
	units_start(1);
	assert_int_equal(move_unit(0, p), -XEN_EINVAL);
	assert_int_equal(add_cpu(p, 1), -XEN_EBUSY);
	assert_int_equal(remove_cpu(p, 1), -XEN_EINVAL);
	assert_int_equal(remove_cpu(first_pool(), 1), 0);
	assert_int_equal(cpupool_add_cpu(p, 1), -XEN_ERESTART);
	assert_int_equal(cpupool_add_cpu(q, 1), -XEN_EBUSY);
	assert_int_equal(cpupool_destroy(p), -XEN_EBUSY);
	settle();
	assert_int_equal(add_cpu(p, 1), 0);
	assert_int_equal(add_cpu(q, 1), -XEN_EBUSY);
	/* Neither made nor sent where its mask has no CPU. */
	sched_group_init(&units[5].g);
	assert_int_equal(sched_unit_init(&units[5].u, p, &units[5].g, 0, &first), -XEN_EINVAL);
	assert_int_equal(sched_set_affinity(&units[0].u, &(struct cpumask){ { 2 } }, NULL), -XEN_EINVAL);
	assert_int_equal(sched_set_affinity(&units[0].u, &first, NULL), 0);
	assert_int_equal(move_unit(0, p), 0); /* the mask is forgotten */
	assert_int_equal(units[0].on, 1);
	assert_int_equal(cpupool_destroy(p), -XEN_EBUSY);
	assert_int_equal(remove_cpu(p, 1), -XEN_EBUSY);
	cpupool_enter(q);
	assert_int_equal(cpupool_destroy(q), -XEN_EBUSY);
	cpupool_leave(q);
	assert_int_equal(cpupool_destroy(q), 0);
	sched_dump();
	assert_said("pool 1, scheduler credit2, 0 domains");
	machine_stop();
}

/* Everything at random; whoever asked asks again later, or not at all. */
static struct cpupool *some_pool(void)
{
	struct cpupool *p = cpupool_find((u32)rand() % 4);

	return p ? p : first_pool();
}

static void random_unit(unsigned int i)
{
	struct cpumask all = all_cpus();

	if (!units[i].exists) {
		unit_start(i, SCHED_WEIGHT_NORMAL, &all);
		sched_release(&units[i].u, HOLD_DOWN);
		return;
	}
	switch (rand() % 6) {
	case 0:
		sched_hold(&units[i].u, HOLD_BLOCKED);
		break;
	case 1:
		sched_hold(&units[i].u, HOLD_DOMAIN);
		cpupool_move_unit(&units[i].u, some_pool());
		break;
	case 2:
		sched_release(&units[i].u, HOLD_BLOCKED | HOLD_DOMAIN);
		break;
	case 3: {
		struct cpumask m = random_mask();

		sched_set_affinity(&units[i].u, &m, NULL);
		break;
	}
	case 4:
		if (rand() % 8 == 0 && !units[i].u.running) {
			sched_hold(&units[i].u, HOLD_DYING);
			if (!sched_is_running(&units[i].u)) {
				sched_unit_destroy(&units[i].u);
				units[i].exists = false;
			}
		}
		break;
	default:
		sched_release(&units[i].u, HOLD_BLOCKED);
	}
}

static void random_pool(void)
{
	unsigned int cpu = (unsigned int)rand() % nr_cpus;
	struct cpupool *p = some_pool();

	switch (rand() % 5) {
	case 0:
		if (!cpupool_find(3))
			make_pool(rand() % 2 ? "credit2" : "null");
		break;
	case 1:
		cpupool_destroy(p);
		break;
	case 2:
		cpupool_remove_cpu(sched_cpu_of(cpu)->pool, cpu);
		break;
	default:
		cpupool_add_cpu(p, cpu);
	}
}

static void random_meanwhile(void)
{
	if (rand() % 4 == 0)
		random_unit((unsigned int)rand() % 12);
	if (rand() % 16 == 0)
		random_pool();
}

static void test_random(void **state)
{
	for (unsigned int seed = 0; seed < 60; seed++) {
		srand(seed);
		sched_tunables.span = seed % 4 < 2 ? SCHED_SPAN_CPU : SCHED_SPAN_ALL;
		machine_start(1 + seed % 6, seed % 2 ? "credit2" : "null", seed % 3 == 0);
		for (int step = 0; step < 1500; step++) {
			host_set_cpu((unsigned int)rand() % nr_cpus);
			random_unit((unsigned int)rand() % 12);
			if (rand() % 4 == 0)
				random_pool();
			meanwhile = rand() % 2 ? random_meanwhile : NULL;
			if (rand() % 2)
				settle();
			host.now += STEP * (nstime_t)(rand() % 40);
			if (rand() % 8)
				continue;
			meanwhile = NULL;
			settle();
			check_pools(false);
		}
		meanwhile = NULL;
		settle();
		check_pools(false);
		machine_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),	cmocka_unit_test(test_null_beside_credit2),
		cmocka_unit_test(test_leaving), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
