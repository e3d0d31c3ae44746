/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler core and the pools of CPUs share. Lock order: admin lock, run queue locks. */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include <serai/cpu.h>
#include <serai/sched.h>

struct sched_cpu {
	struct lock *lock;	    /* of the run queue. Changed by this CPU alone, under the admin lock */
	struct cpupool *pool;	    /* under the lock */
	struct sched_unit *current; /* NULL: idle. Changed by this CPU alone */
	struct sched_unit *loaded;  /* whose registers are here: current, or a parked unit */
	struct cpupool *change;	    /* the pool that it is to join, or no_pool to leave; or NULL */
	struct timer slice;	    /* fires when the policy wants to choose again, or earlier */
	nstime_t idle;		    /* idle time, less the present when idle now. Under the lock */
};

extern struct lock sched_admin_lock;

struct sched_cpu *sched_cpu_of(unsigned int cpu);
/* Locks the run queue that covers the unit. */
struct sched_cpu *sched_unit_lock(const struct sched_unit *u);
void sched_kick(unsigned int cpu);
/* All under the admin lock. */
/* Changes the CPU and perhaps the pool of a unit, unless it is running (it settles later). */
void sched_unit_move(struct sched_unit *u, struct cpupool *p, unsigned int to);
/* Gives a unit that may not run on its CPU another home. */
void sched_unit_rehome(struct sched_unit *u);
/* Sets the mask; what waits is queued again. The CPU that should choose, or NR_CPUS. */
unsigned int sched_unit_set_hard(struct sched_unit *u, const struct cpumask *hard);
/* Under the unit's lock as well: what its masks mean, after they or the pool's CPUs changed. */
void sched_unit_read_masks(struct sched_unit *u);
/* A CPU has a free place: a unit that waits elsewhere may have it. */
void sched_place_freed(unsigned int cpu);

/* By the CPU itself, which holds no lock: sched_cpu.change. */
void sched_cpu_change(struct sched_cpu *sc);

#endif
