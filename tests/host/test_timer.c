/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched/timer.c hyp/lib/minheap.c */
/* Timers on four CPUs, driven at random beside a model that is a plain table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include <arch/host.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/time.h>

#define CPUS   4
#define TIMERS 200
#define STEPS  300000

static long fail_alloc_in; /* the n-th allocation from now fails */
static void *allocated[1000]; /* of the machine that runs; the next one starts without */

void *mem_alloc(size_t size)
{
	if (fail_alloc_in && --fail_alloc_in == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(allocated); i++)
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

static struct timer timers[TIMERS];
static struct {
	bool armed;
	nstime_t deadline;
	unsigned int cpu;
} model[TIMERS];
static unsigned int fired;
static int rearm = -1; /* a timer that its own function arms again */

static void fire(void *arg)
{
	size_t i = (size_t)((struct timer *)arg - timers);

	assert_true(model[i].armed);
	assert_true(model[i].deadline <= host.now);
	assert_int_equal(model[i].cpu, cpu_id());
	assert_false(timer_armed(&timers[i]));
	assert_int_equal(this_cpu()->lock_depth, 0);
	model[i].armed = false;
	fired++;
	/* Nothing on this CPU that was due earlier may still wait. */
	for (size_t n = 0; n < TIMERS; n++)
		if (model[n].armed && model[n].cpu == cpu_id())
			assert_true(model[n].deadline >= model[i].deadline);
	if ((int)i == rearm) {
		model[i].armed = true;
		model[i].deadline = host.now + 5;
		timer_arm(&timers[i], host.now + 5);
	}
}

static nstime_t model_first(unsigned int cpu)
{
	nstime_t first = TIME_NEVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (model[i].armed && model[i].cpu == cpu && model[i].deadline < first)
			first = model[i].deadline;
	return first;
}

static struct cpu *cpu_at(unsigned int cpu)
{
	return cpu_table[cpu];
}

/* Every CPU will be interrupted in time, or is going to look anyway. */
static void check_deadlines(void)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		if (!((cpu_at(cpu)->work | cpu_at(cpu)->remote) & WORK_TIMER))
			assert_true(host.deadline[cpu] <= model_first(cpu));
}

/* What a CPU does when its timer's interrupt or a kick came. */
static void cpu_exit(unsigned int cpu)
{
	host_set_cpu(cpu);
	if (host.deadline[cpu] <= host.now) {
		host.deadline[cpu] = TIME_NEVER;
		cpu_raise(WORK_TIMER);
	}
	this_cpu()->work |= this_cpu()->remote;
	this_cpu()->remote = 0;
	for (int i = 0; i < 100 && (this_cpu()->work & WORK_TIMER); i++) {
		this_cpu()->work = 0;
		timer_run_expired();
	}
	assert_false(this_cpu()->work & WORK_TIMER);
}

static void start(unsigned int cpus, unsigned int room)
{
	host_init(cpus);
	for (size_t i = 0; i < ARRAY_SIZE(allocated); i++)
		mem_free(allocated[i]);
	host.now = 1000;
	fail_alloc_in = 0;
	rearm = -1;
	memset(model, 0, sizeof(model));
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		host_set_cpu(cpu);
		assert_int_equal(timer_cpu_init(cpu), 0);
	}
	if (room)
		assert_int_equal(timer_reserve(room), 0);
	for (size_t i = 0; i < TIMERS; i++) {
		model[i].cpu = (unsigned int)(i % cpus);
		timer_init(&timers[i], fire, &timers[i], model[i].cpu);
	}
	host_set_cpu(0);
}

/* The count of reservations outlives a machine. */
static void stop(unsigned int room)
{
	timer_unreserve(room);
}

static void random_step(void)
{
	size_t i = (size_t)rand() % TIMERS;
	unsigned int cpu;

	host_set_cpu((unsigned int)rand() % CPUS);
	switch (rand() % 8) {
	case 0:
	case 1:
	case 2:
	case 3:
		model[i].armed = true;
		model[i].deadline = host.now + rand() % 2000 - 100;
		timer_arm(&timers[i], model[i].deadline);
		break;
	case 4:
		model[i].armed = false;
		timer_cancel(&timers[i]);
		break;
	case 5:
		model[i].cpu = (unsigned int)rand() % CPUS;
		timer_move(&timers[i], model[i].cpu);
		break;
	case 6:
		host.now += rand() % 20;
		break;
	case 7:
		for (cpu = 0; cpu < CPUS; cpu++)
			cpu_exit(cpu);
		for (cpu = 0; cpu < CPUS; cpu++)
			assert_true(model_first(cpu) > host.now);
		break;
	}
	assert_int_equal(timer_armed(&timers[i]), model[i].armed);
	assert_int_equal(timers[i].cpu, model[i].cpu);
	assert_int_equal(this_cpu()->lock_depth, 0);
}

static void test_random(void **state)
{
	start(CPUS, TIMERS);
	rearm = 17;
	fired = 0;
	for (int i = 0; i < STEPS; i++) {
		random_step();
		if (i % 16 == 0)
			check_deadlines();
	}
	assert_true(fired > 10000);
	stop(TIMERS);
}

/* Arming from another CPU tells the timer's CPU; a later deadline than the first tells nobody. */
static void test_remote(void **state)
{
	start(2, 0);
	timer_arm(&timers[1], 5000);
	assert_int_equal(cpu_at(1)->remote, WORK_TIMER);
	assert_int_equal(host.kicks[1], 1);
	cpu_exit(1);
	assert_int_equal(host.deadline[1], 5000);
	host_set_cpu(0);
	timer_arm(&timers[3], 6000);
	assert_int_equal(host.kicks[1], 1);
	timer_arm(&timers[3], 4000);
	assert_int_equal(host.kicks[1], 2);
	assert_int_equal(host.deadline[0], INT64_MAX);
}

/* One call runs a bounded number and asks for another one. */
static void test_batch(void **state)
{
	start(1, 100);
	fired = 0;
	for (size_t i = 0; i < 100; i++) {
		model[i].armed = true;
		model[i].deadline = 10;
		timer_arm(&timers[i], 10);
	}
	timer_run_expired();
	assert_int_equal(fired, 16);
	assert_true(this_cpu()->work & WORK_TIMER);
	cpu_exit(0);
	assert_int_equal(fired, 100);
	assert_int_equal(host.deadline[0], INT64_MAX);
	stop(100);
}

static void test_no_memory(void **state)
{
	start(3, 0);
	/* Fails for the first CPU, then for each next one. */
	for (int i = 0; i < 3; i++) {
		fail_alloc_in = i ? 2 : 1;
		assert_int_equal(timer_reserve(1000), -XEN_ENOMEM);
	}
	fail_alloc_in = 0;
	assert_int_equal(timer_reserve(150), 0);
	for (size_t i = 0; i < 150; i++) {
		model[i].armed = true;
		model[i].deadline = (nstime_t)(2000 + i);
		timer_move(&timers[i], 0);
		model[i].cpu = 0;
		timer_arm(&timers[i], model[i].deadline);
	}
	host.now = 3000;
	fired = 0;
	cpu_exit(0);
	assert_int_equal(fired, 150);
	stop(150);
}

static void arm_all(void *arg)
{
	for (size_t i = 0; i < TIMERS; i++)
		timer_arm(&timers[i], 5000);
}

/* Forgetting to reserve is our own mistake. */
static void test_overflow(void **state)
{
	start(1, 0);
	assert_int_equal(host_catch(arm_all, NULL), HOST_PANIC);
}

static void test_dump(void **state)
{
	start(2, 0);
	host.now = 1234567890;
	timer_arm(&timers[0], host.now + 7 * NS_PER_US);
	messages_clear();
	timer_dump();
	assert_said("time 1.234567 s");
	assert_said("cpu0: 1 timers");
	assert_said("in 7 us");
	assert_said("cpu1: 0 timers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	  cmocka_unit_test(test_remote),
		cmocka_unit_test(test_batch),	  cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_overflow),  cmocka_unit_test(test_dump),
	};

	srand(7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
