/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/*
 * The scheduler with real concurrency: every simulated CPU is a thread, all have events at once.
 * What must hold is counted while they run and judged afterwards.
 */
#include "sched_sim.h"

#define CPUS   4
#define UNITS  12
#define ROUNDS 60000

static struct {
	unsigned int holder; /* CPU + 1 that has its registers, 0: none */
	unsigned int ran;
} unit[UNITS];
static unsigned int mistakes;

static void mistake(bool wrong)
{
	if (wrong)
		__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
}

static unsigned int index_of(struct sched_unit *u)
{
	return (unsigned int)(sim_of(u) - units);
}

static void threads_switch(struct sched_unit *prev, struct sched_unit *next)
{
	unsigned int me = cpu_id() + 1;

	if (prev)
		mistake(__atomic_exchange_n(&unit[index_of(prev)].holder, 0, __ATOMIC_ACQ_REL) != me);
	if (next) {
		mistake(__atomic_exchange_n(&unit[index_of(next)].holder, me, __ATOMIC_ACQ_REL) != 0);
		unit[index_of(next)].ran++;
	}
	cpus[cpu_id()].loaded = cpus[cpu_id()].current = next;
}

static void threads_park(struct sched_unit *u)
{
	mistake(cpus[cpu_id()].current != u);
	cpus[cpu_id()].current = NULL;
}

static void threads_resume(struct sched_unit *u)
{
	mistake(cpus[cpu_id()].loaded != u || cpus[cpu_id()].current);
	cpus[cpu_id()].current = u;
}

static void threads_state(struct sched_unit *u, int state, nstime_t now)
{
	struct sim_unit *s = sim_of(u);

	mistake(now < s->state_since || s->state == state);
	s->state_since = now;
	s->state = state;
}

static void thread_event(unsigned int *seed)
{
	static const u32 holds[] = { HOLD_BLOCKED, HOLD_SHUTDOWN, HOLD_DOMAIN };
	unsigned int cpu = cpu_id();
	struct sched_unit *u = &units[(unsigned int)rand_r(seed) % UNITS].u;
	struct cpumask mask = { { 1 + (u64)rand_r(seed) % ((1 << CPUS) - 1) } };

	switch (rand_r(seed) % 12) {
	case 0:
	case 1:
		if (cpus[cpu].current)
			sched_hold(cpus[cpu].current, HOLD_BLOCKED);
		break;
	case 2:
		sched_hold(u, holds[rand_r(seed) % 3]);
		break;
	case 3:
		if (rand_r(seed) % 8 == 0)
			sched_set_affinity(u, rand_r(seed) % 2 ? &mask : NULL, &mask);
		break;
	case 4:
		sched_yield();
		break;
	default:
		sched_release(u, holds[rand_r(seed) % 3]);
		break;
	}
}

/* One trip through the exit path. */
static void thread_exit_path(unsigned int cpu)
{
	struct cpu *c = this_cpu();
	u32 work;

	if (host.deadline[cpu] <= __atomic_load_n(&host.now, __ATOMIC_RELAXED)) {
		host.deadline[cpu] = TIME_NEVER;
		cpu_raise(WORK_TIMER);
	}
	work = c->work | atomic_xchg(&c->remote, 0);
	c->work = 0;
	if (work & WORK_TIMER)
		timer_run_expired();
	work |= c->work;
	c->work = 0;
	if (work & WORK_SCHED)
		sched_choose();
	mistake(c->lock_depth != 0);
}

static void *thread_main(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg, seed = cpu + 1;

	host_set_cpu(cpu);
	for (int i = 0; i < ROUNDS; i++) {
		thread_event(&seed);
		thread_exit_path(cpu);
		__atomic_fetch_add(&host.now, 1000, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void run_threads(const char *name, bool parking)
{
	pthread_t threads[CPUS];
	struct cpumask all;
	unsigned int ran = 0;

	machine_start(CPUS, name, parking);
	sched_hooks.context_switch = threads_switch;
	sched_hooks.state_changed = threads_state;
	sched_hooks.park = parking ? threads_park : NULL;
	sched_hooks.resume = parking ? threads_resume : NULL;
	memset(unit, 0, sizeof(unit));
	mistakes = 0;
	all = all_cpus();
	for (unsigned int i = 0; i < UNITS; i++) {
		unit_start(i, 256, &all);
		sched_release(&units[i].u, HOLD_DOWN);
	}
	for (uintptr_t i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_main, (void *)i), 0);
	for (unsigned int i = 0; i < CPUS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(mistakes, 0);
	/* When all are allowed to run again nobody is lost. */
	host_set_cpu(0);
	for (unsigned int i = 0; i < UNITS; i++)
		sched_release(&units[i].u, HOLD_BLOCKED | HOLD_SHUTDOWN | HOLD_DOMAIN);
	settle();
	for (unsigned int i = 0; i < UNITS; i++) {
		ran += unit[i].ran;
		assert_true(sched_runnable(&units[i].u));
		assert_true(units[i].u.running || units[i].u.queued);
		assert_false(units[i].u.deferred);
		assert_int_equal(unit[i].holder, units[i].u.running ? units[i].u.cpu + 1 : 0);
		units[i].exists = false;
	}
	assert_true(ran > 100);
	assert_int_equal(mistakes, 0);
}

static void test_threads_credit2(void **state)
{
	run_threads("credit2", false);
	run_threads("credit2", true);
	sched_tunables.span = SCHED_SPAN_CPU;
	run_threads("credit2", false);
	run_threads("credit2", true);
	sched_tunables.span = SCHED_SPAN_CLUSTER;
}

static void test_threads_null(void **state)
{
	run_threads("null", false);
	run_threads("null", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_credit2),
		cmocka_unit_test(test_threads_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
