/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The null policy: every unit has a CPU of its own. A CPU keeps a list of the units that belong to
 * it; the first one runs whenever it can, the others wait until it is gone or moves away. The
 * core moves a waiting unit to a CPU that becomes free.
 *
 * The lists change under the core's admin lock and the CPU's run queue lock; either one is enough
 * to read them.
 */
#include <serai/cpu.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/sched.h>

#define SCHED_ID_NULL 9 /* XEN_SCHEDULER_NULL */

struct null_cpu {
	struct lock lock;
	struct list units;
	u32 nr;
	bool ready;
};

static DEFINE_PERCPU(struct null_cpu, null_cpu);

static struct null_cpu *null_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], null_cpu);
}

static struct sched_unit *null_first(const struct null_cpu *nc)
{
	return list_empty(&nc->units) ? NULL :
					list_entry(nc->units.next, struct sched_unit, link);
}

static struct cpupool *null_pool_new(void)
{
	return mem_alloc(sizeof(struct cpupool));
}

static void null_pool_free(struct cpupool *p)
{
	mem_free(p);
}

static struct lock *null_cpu_add(struct cpupool *p, unsigned int cpu)
{
	struct null_cpu *nc = null_cpu_of(cpu);

	/* Somebody may still be about to take the lock when the CPU comes back. */
	if (!nc->ready)
		lock_init(&nc->lock, RANK_SCHED);
	nc->ready = true;
	list_init(&nc->units);
	return &nc->lock;
}

/* Its units have left it, or will when they stop running. */
static unsigned int null_cpu_remove(struct cpupool *p, unsigned int cpu, nstime_t now)
{
	return NR_CPUS;
}

/* The CPU with the fewest units. */
static unsigned int null_place(struct cpupool *p, const struct sched_unit *u)
{
	struct cpumask usable = cpumask_and(&u->hard, &p->cpus);
	unsigned int cpu, best = cpumask_next(&usable, 0);

	for_each_cpu_in(cpu, &usable)
		if (null_cpu_of(cpu)->nr < null_cpu_of(best)->nr)
			best = cpu;
	return best;
}

static struct sched_unit *null_claim(struct cpupool *p, unsigned int to)
{
	unsigned int cpu;

	if (null_cpu_of(to)->nr)
		return NULL;
	for_each_cpu_in(cpu, &p->cpus) {
		const struct null_cpu *nc = null_cpu_of(cpu);
		struct list *l;

		list_for_each(l, &nc->units) {
			struct sched_unit *u = list_entry(l, struct sched_unit, link);

			if (u != null_first(nc) && cpumask_test(&u->hard, to))
				return u;
		}
	}
	return NULL;
}

static void null_unit_add(struct sched_unit *u)
{
	struct null_cpu *nc = null_cpu_of(u->cpu);

	if (nc->nr++)
		pr_warn("null scheduler: no CPU is free, a vcpu waits for CPU%u; use sched=credit2 "
			"to share CPUs\n", u->cpu);
	list_add_tail(&u->link, &nc->units);
}

static void null_unit_remove(struct sched_unit *u)
{
	null_cpu_of(u->cpu)->nr--;
	list_del(&u->link);
}

static void null_wake(struct sched_unit *u, nstime_t now)
{
}

static unsigned int null_enqueue(struct sched_unit *u, nstime_t now)
{
	u->queued = true;
	return null_first(null_cpu_of(u->cpu)) == u ? u->cpu : NR_CPUS;
}

static void null_sleep(struct sched_unit *u, nstime_t now)
{
	u->queued = false;
}

static struct sched_choice null_pick(struct cpupool *p, unsigned int cpu, struct sched_unit *prev,
				     nstime_t now)
{
	struct sched_unit *u = null_first(percpu(null_cpu));

	if (u && (u == prev || u->queued) && cpumask_test(&u->hard, cpu)) {
		u->queued = false;
		return (struct sched_choice){ u, TIME_NEVER };
	}
	return (struct sched_choice){ NULL, TIME_NEVER };
}

static void null_dump(struct cpupool *p)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &p->cpus) {
		struct null_cpu *nc = null_cpu_of(cpu);
		struct list *l;

		lock_take(&nc->lock);
		pr_info("  cpu%u: %u units, the first one is served\n", cpu, nc->nr);
		list_for_each(l, &nc->units)
			sched_unit_dump(list_entry(l, struct sched_unit, link));
		lock_drop(&nc->lock);
	}
}

const struct sched_policy sched_null = {
	.name = "null",
	.sched_id = SCHED_ID_NULL,
	.pinned = true,
	.pool_new = null_pool_new,
	.pool_free = null_pool_free,
	.cpu_add = null_cpu_add,
	.cpu_remove = null_cpu_remove,
	.place = null_place,
	.claim = null_claim,
	.unit_add = null_unit_add,
	.unit_remove = null_unit_remove,
	.wake = null_wake,
	.enqueue = null_enqueue,
	.sleep = null_sleep,
	.pick = null_pick,
	.dump = null_dump,
};
