/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the credit2 policy share: credit2.c (whose turn it is), credit2_queue.c (which
 * run queues there are and how units change between them), credit2_cap.c (caps).
 *
 * A run queue has CPUs of one pool, a list of the units that wait for one of them, and the lock of
 * both. What is marked `hint` is read by others without the lock, who then look again under it.
 */
#ifndef SCHED_CREDIT2_H
#define SCHED_CREDIT2_H

#include <serai/cpu.h>
#include <serai/sched.h>

#define SLICE (10 * NS_PER_MS)
/* A unit lets one that prefers this CPU go before it, by so much virtual time. */
#define SOFT_RESIST (2 * SLICE)

struct credit2_pool {
	struct cpupool pool;
	u32 nr_queues; /* these two under the admin lock; hints */
	struct cpumask queues; /* CPUs whose credit2_cpu.own is in use here */
	s64 vmin; /* hint: about the furthest of its queues */
	nstime_t contended; /* hint: about when units waited last */
	u32 next_place; /* admin lock */
};

struct runqueue {
	struct lock lock;
	bool ready; /* the lock: somebody may be about to take it even when the queue is gone */
	struct credit2_pool *pool; /* still set when its last CPU has gone and units are about to */
	u32 span; /* what its CPUs have in common */
	u32 nr_waiting; /* hint */
	s64 first; /* hint: the first one's virtual time, INT64_MAX: none waits */
	struct list waiting; /* units, the one that is furthest behind first */
	s64 vmin;
	struct cpumask cpus, idle; /* hints; idle: nothing runs there and nothing is given */
};

struct credit2_cpu {
	struct runqueue *rq; /* changed by this CPU alone. Stays when the CPU leaves its pool */
	struct sched_unit *running;
	struct sched_unit *given; /* queued for this idle CPU alone */
	s64 level;	  /* virtual time of what ran last, when it was chosen */
	nstime_t since;	  /* running is accounted up to here */
	nstime_t started; /* running got the CPU */
	nstime_t slice_end;
	nstime_t look_at; /* time to look into other queues again */
	bool sliced; /* the slice is timed */
	bool ready;
	struct list throttled; /* queued units that used up their cap */
	struct timer refill;   /* when the first of them may go on */
	struct runqueue own; /* a queue, not always this CPU's */
};

DECLARE_PERCPU(struct credit2_cpu, credit2_cpu);

static inline struct credit2_cpu *credit2_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], credit2_cpu);
}

static inline struct credit2_pool *credit2_pool_of(struct cpupool *p)
{
	return container_of(p, struct credit2_pool, pool);
}

/* --- credit2.c --- */
unsigned int credit2_enqueue(struct sched_unit *u, nstime_t now);
/* The waiting unit to run next on the CPU, of those that may run there. */
struct sched_unit *credit2_first_waiting(const struct runqueue *rq, unsigned int cpu);
void credit2_take_waiting(struct runqueue *rq, struct sched_unit *u);

/* --- credit2_queue.c --- */
struct cpupool *credit2_pool_new(void);
void credit2_pool_free(struct cpupool *p);
struct lock *credit2_cpu_add(struct cpupool *p, unsigned int cpu);
/* The CPU is the queue's no more, under both locks. The queue ends with its last CPU. */
void credit2_queue_leave(struct credit2_pool *cp, struct runqueue *rq, unsigned int cpu);
unsigned int credit2_place(struct cpupool *p, const struct sched_unit *u);
/* The queue of u is locked. The unit goes to an idle CPU of another queue: which; or NR_CPUS. */
unsigned int credit2_push(struct runqueue *rq, struct sched_unit *u, const struct cpumask *where);
/* An idle CPU of another queue; NR_CPUS: none. */
unsigned int credit2_idle_elsewhere(const struct runqueue *rq, const struct cpumask *where);
/*
 * The queue rq of this CPU is locked. A unit that waits in another queue, further behind than limit,
 * comes here: it is this CPU's and not queued; or NULL.
 */
struct sched_unit *credit2_pull(struct runqueue *rq, s64 limit);
/* Does any queue of the pool have waiting units? */
bool credit2_waits_elsewhere(const struct runqueue *rq);
/* The furthest virtual time of all queues. */
s64 credit2_vmin_elsewhere(const struct runqueue *rq);
/* This CPU idles: units that would rather run here are sent for. */
void credit2_call_soft(struct runqueue *rq);

/* --- credit2_cap.c --- */
void credit2_cap_charge(struct sched_unit *u, nstime_t passed, nstime_t now);
bool credit2_cap_used_up(const struct sched_unit *u, nstime_t now);
/* When the unit, which has the CPU, must be looked at again. */
nstime_t credit2_cap_end(const struct sched_unit *u, nstime_t now);
/* The unit used up its cap: it is queued, but waits for its time. */
void credit2_cap_throttle(struct sched_unit *u, nstime_t now);
void credit2_cap_timer_init(struct credit2_cpu *c, unsigned int cpu);

#endif
