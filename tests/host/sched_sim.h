/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedulers in a simulated machine of up to eight CPUs. Time advances in steps; what other
 * CPUs do in the middle of a context switch, while no lock is held, is done from the hook. The files
 * under test are included, so that each test can start with a fresh machine.
 */
#ifndef TESTS_HOST_SCHED_SIM_H
#define TESTS_HOST_SCHED_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The C library has one as well, which the simulated machine's waiting loop uses. */
#define sched_yield unit_yield

#include "messages.h"
#include <abi/xen.h>
#include <arch/host.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/sched.h>

#include "../../hyp/sched/core.c"
#include "../../hyp/sched/pool.c"
#include "../../hyp/sched/credit2.c"
#include "../../hyp/sched/credit2_queue.c"
#include "../../hyp/sched/credit2_cap.c"
#include "../../hyp/sched/null.c"

#define UNITS_MAX 64
#define STEP	  (100 * NS_PER_US)

struct sim_unit {
	struct sched_unit u;
	struct sched_group g;
	int on; /* CPU that holds its registers, -1: none */
	bool exists;
	nstime_t ran, ran_since;
	nstime_t waits_since, waited_most;
	nstime_t in_state[4], state_since;
	int state;
};

static struct sim_unit units[UNITS_MAX];
static unsigned int nr_cpus;
static struct {
	struct sched_unit *loaded, *current;
	bool busy; /* in the middle of an exit */
} cpus[NR_CPUS];
static void (*meanwhile)(void); /* what others do during a switch */
static unsigned int switches, parks, resumes;

static bool no_memory;
static void *allocated[64];

void *mem_alloc(size_t size)
{
	for (size_t i = 0; !no_memory && i < ARRAY_SIZE(allocated); i++)
		if (!allocated[i])
			return allocated[i] = calloc(1, size);
	return NULL;
}

void mem_free(void *p)
{
	for (size_t i = 0; p && i < ARRAY_SIZE(allocated); i++)
		if (allocated[i] == p)
			allocated[i] = NULL;
	free(p);
}

static inline struct sim_unit *sim_of(struct sched_unit *u)
{
	return container_of(u, struct sim_unit, u);
}

/* --- hooks --- */

static inline void sim_account(struct sched_unit *u)
{
	struct sim_unit *s = sim_of(u);

	s->ran += host.now - s->ran_since;
	s->ran_since = host.now;
}

static inline void others_act(void)
{
	unsigned int cpu = cpu_id();

	if (meanwhile)
		meanwhile();
	host_set_cpu(cpu);
}

static inline void context_switch(struct sched_unit *prev, struct sched_unit *next)
{
	unsigned int cpu = cpu_id();

	assert_int_equal(this_cpu()->lock_depth, 0);
	assert_ptr_not_equal(prev, next);
	assert_ptr_equal(cpus[cpu].loaded, prev);
	if (next)
		assert_true(cpumask_test(&next->hard, cpu));
	switches++;
	if (prev) {
		if (cpus[cpu].current)
			sim_account(prev);
		others_act();
		assert_true(sched_is_running(prev));
		assert_int_equal(sim_of(prev)->on, cpu);
		sim_of(prev)->on = -1;
	}
	cpus[cpu].loaded = cpus[cpu].current = next;
	if (next) {
		assert_true(sched_is_running(next));
		assert_int_equal(next->cpu, cpu);
		assert_int_equal(sim_of(next)->on, -1);
		sim_of(next)->on = (int)cpu;
		sim_of(next)->ran_since = host.now;
	}
	others_act();
}

static inline void park(struct sched_unit *u)
{
	assert_ptr_equal(cpus[cpu_id()].current, u);
	sim_account(u);
	cpus[cpu_id()].current = NULL;
	parks++;
	others_act();
}

static inline void resume(struct sched_unit *u)
{
	assert_ptr_equal(cpus[cpu_id()].loaded, u);
	assert_null(cpus[cpu_id()].current);
	cpus[cpu_id()].current = u;
	sim_of(u)->ran_since = host.now;
	resumes++;
	others_act();
}

static inline void state_changed(struct sched_unit *u, int state, nstime_t now)
{
	struct sim_unit *s = sim_of(u);

	assert_true(now >= s->state_since);
	assert_int_not_equal(s->state, state);
	s->in_state[s->state] += now - s->state_since;
	if (s->state == RUNSTATE_runnable && now - s->state_since > s->waited_most)
		s->waited_most = now - s->state_since;
	s->state = state;
	s->state_since = now;
}

static inline void describe(const struct sched_unit *u, char *buf, size_t size)
{
	snprintf(buf, size, "unit%zu", (size_t)(container_of(u, struct sim_unit, u) - units));
}

/* --- the machine --- */

static inline void machine_start(unsigned int n, const char *name, bool parking)
{
	host_init(n);
	for (size_t i = 0; i < ARRAY_SIZE(allocated); i++)
		mem_free(allocated[i]);
	pools = NULL;
	host.now = 12345;
	nr_cpus = n;
	meanwhile = NULL;
	no_memory = false;
	switches = parks = resumes = 0;
	memset(units, 0, sizeof(units));
	memset(cpus, 0, sizeof(cpus));
	messages_clear();
	sched_hooks = (struct sched_hooks){ .context_switch = context_switch,
					    .park = parking ? park : NULL,
					    .resume = parking ? resume : NULL,
					    .state_changed = state_changed,
					    .describe = describe };
	assert_int_equal(sched_init(name), 0);
	for (unsigned int cpu = 0; cpu < n; cpu++) {
		host_set_cpu(cpu);
		assert_int_equal(timer_cpu_init(cpu), 0);
		assert_int_equal(sched_cpu_init(cpu), 0);
		cpu_raise(WORK_SCHED);
	}
	host_set_cpu(0);
}

static inline void cpu_exit(unsigned int cpu)
{
	u32 work;

	if (cpus[cpu].busy)
		return;
	host_set_cpu(cpu);
	cpus[cpu].busy = true;
	if (host.deadline[cpu] <= host.now) {
		host.deadline[cpu] = TIME_NEVER;
		cpu_raise(WORK_TIMER);
	}
	this_cpu()->work |= atomic_xchg(&this_cpu()->remote, 0);
	work = this_cpu()->work;
	this_cpu()->work = 0;
	if (work & WORK_TIMER)
		timer_run_expired();
	work |= this_cpu()->work;
	this_cpu()->work = 0;
	if (work & WORK_SCHED)
		sched_choose();
	assert_int_equal(this_cpu()->lock_depth, 0);
	cpus[cpu].busy = false;
}

static inline bool cpu_has_work(unsigned int cpu)
{
	struct cpu *c = cpu_table[cpu];

	return c->work || c->remote || host.deadline[cpu] <= host.now;
}

/* All CPUs go through their exits until nobody has anything left to do. */
static inline void settle(void)
{
	for (int round = 0; round < 200; round++) {
		bool work = false;

		for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
			if (cpu_has_work(cpu)) {
				work = true;
				cpu_exit(cpu);
			}
		}
		if (!work)
			return;
	}
	fail_msg("the CPUs keep each other busy");
}

static inline struct cpumask all_cpus(void)
{
	struct cpumask m = { { (1UL << nr_cpus) - 1 } };

	return m;
}

static inline void unit_start(unsigned int i, u16 weight, const struct cpumask *hard)
{
	struct sim_unit *s = &units[i];

	memset(s, 0, sizeof(*s));
	s->on = -1;
	s->state = RUNSTATE_offline;
	s->state_since = host.now;
	sched_group_init(&s->g);
	s->g.weight = weight;
	assert_int_equal(sched_unit_init(&s->u, cpupool_find(0), &s->g, HOLD_DOWN, hard), 0);
	s->exists = true;
}

static inline void units_start(unsigned int n)
{
	struct cpumask all = all_cpus();

	for (unsigned int i = 0; i < n; i++) {
		unit_start(i, SCHED_WEIGHT_NORMAL, &all);
		assert_true(sched_release(&units[i].u, HOLD_DOWN));
	}
	settle();
}

static inline void unit_stop(unsigned int i)
{
	sched_hold(&units[i].u, HOLD_DYING);
	settle();
	assert_false(sched_is_running(&units[i].u));
	sched_unit_destroy(&units[i].u);
	sched_unit_destroy(&units[i].u);
	units[i].exists = false;
	settle();
}

static inline void machine_stop(void)
{
	meanwhile = NULL;
	for (unsigned int i = 0; i < UNITS_MAX; i++)
		if (units[i].exists)
			unit_stop(i);
	settle();
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		assert_null(cpus[cpu].loaded);
}

static inline void run_for(nstime_t length)
{
	nstime_t end = host.now + length;

	while (host.now < end) {
		host.now += STEP;
		settle();
	}
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (cpus[cpu].current)
			sim_account(cpus[cpu].current);
}

/* --- what must hold whenever all CPUs are through --- */

static inline bool is_current(const struct sim_unit *s)
{
	return s->on >= 0 && cpus[s->on].current == &s->u;
}

static inline void check_unit(struct sim_unit *s)
{
	bool runnable = sched_runnable(&s->u);

	assert_int_equal(s->u.running, s->on >= 0);
	assert_false(s->u.running && s->u.queued);
	assert_false(s->u.deferred);
	if (s->on >= 0) {
		assert_int_equal(s->u.cpu, s->on);
		assert_ptr_equal(cpus[s->on].loaded, &s->u);
		assert_true(cpumask_test(&s->u.hard, (unsigned int)s->on));
	}
	if (is_current(s)) {
		assert_true(runnable);
		assert_int_equal(s->state, RUNSTATE_running);
	} else if (runnable) {
		if (!s->u.queued)
			fail_msg("unit %zu is lost: cpu %u, running %d, on %d, state %d",
				 (size_t)(s - units), s->u.cpu, s->u.running, s->on, s->state);
		assert_int_equal(s->state, RUNSTATE_runnable);
	} else {
		assert_false(s->u.queued);
		assert_true(s->state == RUNSTATE_blocked || s->state == RUNSTATE_offline);
		/* Only a unit that does nothing but block may stay loaded. */
		assert_true(s->on < 0 || s->u.holds == HOLD_BLOCKED);
	}
	assert_int_equal(s->u.state, s->state);
}

/* Nobody waits while a CPU where it may run is idle. */
static inline void check_conserving(const struct sim_unit *s)
{
	if (!s->u.queued || s->u.throttled)
		return;
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (!cpus[cpu].current)
			assert_false(cpumask_test(&s->u.hard, cpu));
}

static inline void check_all(bool conserving)
{
	for (unsigned int i = 0; i < UNITS_MAX; i++) {
		if (!units[i].exists)
			continue;
		check_unit(&units[i]);
		if (conserving)
			check_conserving(&units[i]);
	}
}

static inline struct cpumask random_mask(void)
{
	struct cpumask m = all_cpus();

	if (rand() % 3) {
		u64 bits = (u64)rand() & m.bits[0];

		if (bits)
			m.bits[0] = bits;
	}
	return m;
}

#endif
