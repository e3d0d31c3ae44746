/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run queues of credit2. CPUs of a pool that have something in common (credit2_runqueue=) share
 * one, up to a number of them; there are never more queues than CPUs, so each CPU has the memory of
 * one queue, and none is ever freed.
 *
 * Units change queues in two ways. Who has a unit to queue and no idle CPU pushes it to one of another queue,
 * if that one's lock is free at that moment. A CPU that idles, or whose unit is far ahead, pulls one.
 * Of two locks the second is only ever tried, so the order does not matter. Who gives up leaves
 * the unit in its list and tells the idle CPU, which tries again.
 */
#include "credit2.h"
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/frame.h>

DEFINE_PERCPU(struct credit2_cpu, credit2_cpu);

/* --- which there are --- */

struct cpupool *credit2_pool_new(void)
{
	struct credit2_pool *cp = mem_alloc(sizeof(*cp));

	return cp ? &cp->pool : NULL;
}

void credit2_pool_free(struct cpupool *p)
{
	mem_free(credit2_pool_of(p));
}

/* Affinity level 0 counts the CPUs of a cluster, or, where all have 0 there, the threads of a core. */
static u32 cluster_of(unsigned int cpu)
{
	unsigned int other, shift = 16;

	for_each_online_cpu(other)
		if (cpu_arch_mpidr(other) & 0xff)
			shift = 8;
	return (u32)(cpu_arch_mpidr(cpu) >> shift);
}

static u32 span_of(unsigned int cpu)
{
	switch (sched_tunables.span) {
	case SCHED_SPAN_CPU:
		return cpu;
	case SCHED_SPAN_CLUSTER:
		return cluster_of(cpu);
	default:
		return 0;
	}
}

static struct runqueue *queue_find(const struct credit2_pool *cp, u32 span)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &cp->queues) {
		struct runqueue *rq = &credit2_cpu_of(cpu)->own;

		if (rq->span == span && cpumask_weight(&rq->cpus) < sched_tunables.queue_cpus)
			return rq;
	}
	return NULL;
}

static struct runqueue *queue_new(struct credit2_pool *cp, u32 span)
{
	unsigned int cpu = 0;
	struct runqueue *rq;

	while (!cpu_table[cpu] || !cpumask_empty(&credit2_cpu_of(cpu)->own.cpus))
		BUG_ON(++cpu >= NR_CPUS);
	rq = &credit2_cpu_of(cpu)->own;
	if (!rq->ready)
		lock_init(&rq->lock, RANK_SCHED);
	rq->ready = true;
	lock_take(&rq->lock);
	rq->pool = cp;
	rq->span = span;
	rq->nr_waiting = 0;
	rq->first = INT64_MAX;
	list_init(&rq->waiting);
	rq->vmin = cp->vmin;
	rq->cpus = rq->idle = (struct cpumask){ 0 };
	lock_drop(&rq->lock);
	cpumask_set(&cp->queues, cpu);
	WRITE_ONCE(cp->nr_queues, cp->nr_queues + 1);
	return rq;
}

struct lock *credit2_cpu_add(struct cpupool *p, unsigned int cpu)
{
	struct credit2_pool *cp = credit2_pool_of(p);
	struct credit2_cpu *c = credit2_cpu_of(cpu);
	u32 span = span_of(cpu);
	struct runqueue *rq = queue_find(cp, span);

	if (!rq)
		rq = queue_new(cp, span);
	if (!c->ready) {
		list_init(&c->throttled);
		credit2_cap_timer_init(c, cpu);
	}
	c->ready = true;
	lock_take(&rq->lock);
	c->rq = rq;
	c->running = c->given = NULL;
	c->sliced = false;
	cpumask_set(&rq->cpus, cpu);
	cpumask_set(&rq->idle, cpu);
	lock_drop(&rq->lock);
	return &rq->lock;
}

void credit2_queue_leave(struct credit2_pool *cp, struct runqueue *rq, unsigned int cpu)
{
	unsigned int owner;

	if (!cpumask_empty(&rq->cpus))
		return;
	for_each_cpu_in(owner, &cp->queues)
		if (&credit2_cpu_of(owner)->own == rq)
			break;
	cpumask_clear(&cp->queues, owner);
	WRITE_ONCE(cp->nr_queues, cp->nr_queues - 1);
}

/* The CPUs in turn: where a unit is at first matters little. */
unsigned int credit2_place(struct cpupool *p, const struct sched_unit *u)
{
	struct credit2_pool *cp = credit2_pool_of(p);
	struct cpumask usable = cpumask_and(&u->hard, &p->cpus);
	unsigned int cpu = cpumask_next(&usable, cp->next_place);

	if (cpu >= NR_CPUS)
		cpu = cpumask_next(&usable, 0);
	cp->next_place = cpu + 1;
	return cpu;
}

/* --- from one to another --- */

/* Other queues of the pool, by the number of the CPU whose `own` they are. */
static struct runqueue *next_other(const struct runqueue *rq, unsigned int *i)
{
	for (; (*i = cpumask_next(&rq->pool->queues, *i)) < NR_CPUS; ++*i) {
		struct runqueue *q = &credit2_cpu_of(*i)->own;

		if (q != rq)
			return q;
	}
	return NULL;
}

#define for_each_other(q, i, rq) \
	for ((i) = 0; ((q) = next_other(rq, &(i))) != NULL; (i)++)

/* Locks another queue if that needs no waiting and it still is of this pool. */
static bool try_other(struct runqueue *q, const struct credit2_pool *cp)
{
	if (!lock_try(&q->lock))
		return false;
	if (likely(q->pool == cp))
		return true;
	lock_drop(&q->lock);
	return false;
}

unsigned int credit2_push(struct runqueue *rq, struct sched_unit *u, const struct cpumask *where)
{
	struct runqueue *q;
	unsigned int i, cpu;

	for_each_other(q, i, rq) {
		struct cpumask usable = cpumask_and(&q->idle, where);

		if (cpumask_empty(&usable) || !try_other(q, rq->pool))
			continue;
		usable = cpumask_and(&q->idle, where);
		cpu = cpumask_next(&usable, 0);
		if (cpu < NR_CPUS) {
			cpumask_clear(&q->idle, cpu);
			credit2_cpu_of(cpu)->given = u;
			WRITE_ONCE(u->cpu, cpu);
		}
		lock_drop(&q->lock);
		if (cpu < NR_CPUS)
			return cpu;
	}
	return NR_CPUS;
}

unsigned int credit2_idle_elsewhere(const struct runqueue *rq, const struct cpumask *where)
{
	struct runqueue *q;
	unsigned int i;

	for_each_other(q, i, rq) {
		struct cpumask usable = cpumask_and(&q->idle, where);

		if (!cpumask_empty(&usable))
			return cpumask_next(&usable, 0);
	}
	return NR_CPUS;
}

bool credit2_waits_elsewhere(const struct runqueue *rq)
{
	struct runqueue *q;
	unsigned int i;

	for_each_other(q, i, rq)
		if (READ_ONCE(q->nr_waiting))
			return true;
	return false;
}

s64 credit2_vmin_elsewhere(const struct runqueue *rq)
{
	s64 vmin = rq->vmin;
	struct runqueue *q;
	unsigned int i;

	for_each_other(q, i, rq)
		vmin = MAX(vmin, READ_ONCE(q->vmin));
	return vmin;
}

struct sched_unit *credit2_pull(struct runqueue *rq, s64 limit)
{
	struct sched_unit *u = NULL;
	unsigned int i, cpu = cpu_id();
	struct runqueue *q;

	for_each_other(q, i, rq) {
		if (!READ_ONCE(q->nr_waiting) || READ_ONCE(q->first) >= limit)
			continue;
		if (!try_other(q, rq->pool)) {
			/* Nobody tells a CPU a second time. */
			cpu_raise(WORK_SCHED);
			continue;
		}
		u = credit2_first_waiting(q, cpu);
		if (u && u->vtime < limit) {
			credit2_take_waiting(q, u);
			WRITE_ONCE(u->cpu, cpu);
			lock_drop(&q->lock);
			return u;
		}
		lock_drop(&q->lock);
	}
	return NULL;
}

/* --- soft affinity --- */

static bool runs_beside_soft(const struct credit2_cpu *c, unsigned int at, unsigned int cpu)
{
	const struct sched_unit *u = c->running;

	return u && u->choosy && cpumask_test(&u->hard, cpu) && cpumask_test(&u->soft, cpu) &&
	       !cpumask_test(&u->soft, at);
}

void credit2_call_soft(struct runqueue *rq)
{
	unsigned int at, cpu = cpu_id();
	bool found;

	for_each_cpu_in(at, &rq->pool->pool.cpus) {
		const struct credit2_cpu *c = credit2_cpu_of(at);
		struct runqueue *q = READ_ONCE(c->rq);

		if (q != rq && !try_other(q, rq->pool))
			continue;
		found = runs_beside_soft(c, at, cpu);
		if (q != rq)
			lock_drop(&q->lock);
		if (found) {
			cpu_raise_on(at, WORK_SCHED);
			return;
		}
	}
}
