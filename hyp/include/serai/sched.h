/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler core: units, the policies that choose among them, idling.
 *
 * A unit is what is scheduled (today one vcpu). It may run when no hold bit is set. Holds are set
 * and released by any CPU; the unit stops at the next exit of its CPU. A policy is a table of
 * functions, called by the core with the lock of the run queue held.
 */
#ifndef SERAI_SCHED_H
#define SERAI_SCHED_H

#include <serai/cpumask.h>
#include <serai/list.h>
#include <serai/lock.h>
#include <serai/sched_tunables.h>
#include <serai/time.h>
#include <serai/types.h>

/* Reasons not to run. */
enum sched_hold {
	HOLD_BLOCKED = 0x1, /* waits for an event or interrupt (WFI, SCHEDOP_block, poll) */
	HOLD_DOWN = 0x2,    /* not started or PSCI CPU_OFF */
	HOLD_DOMAIN = 0x8,  /* counted pauses of the domain */
	HOLD_DYING = 0x10,
	HOLD_SHUTDOWN = 0x20, /* the domain said SCHEDOP_shutdown */
	HOLD_MOVING = 0x40,   /* is to go to another pool */
	HOLD_CONTEXT = 0x80, /* tools read or write its registers */
};

struct cpupool;

/* What the units of a domain have in common. */
struct sched_group {
	u16 weight; /* each unit's share; not 0 */
	u16 cap;    /* percent of one CPU for all of them together; 0: none */
	s64 due;    /* up to when the time that they used is paid for; atomic */
	u32 units;  /* atomic */
};

struct sched_unit {
	u32 holds;	     /* enum sched_hold, atomic */
	u32 cpu;	     /* where it runs, or ran last: that CPU's run queue lock covers the unit */
	bool running;	     /* its registers are on that CPU, or on their way from it */
	bool queued;	     /* the policy may pick it; never while running */
	bool deferred;	     /* to be queued once its registers are saved */
	bool yielding;	     /* wants to give way at the next choice */
	bool added;	     /* the policy knows it */
	u8 state;	     /* RUNSTATE_* of the ABI */
	bool capped;	     /* group->cap is not 0 */
	bool choosy;	     /* soft makes a difference where it may run */
	bool restricted;     /* hard lacks some of the pool's CPUs */
	bool throttled;	     /* policy's: used up the cap */
	u32 scale;	     /* virtual nanoseconds per real one, times 2^20; from group->weight */
	struct cpumask hard, soft;
	nstime_t state_since; /* when the current state began */
	s64 vtime;	     /* policy's: virtual time */
	/* Set by who wakes it by an event: what ran on that CPU then. A hint, only compared. */
	const struct sched_unit *woken_by;
	struct list link;    /* policy's */
	struct sched_group *group;
	struct cpupool *pool;
	struct list in_pool; /* pool->units, under the admin lock */
};

struct sched_choice {
	struct sched_unit *unit; /* NULL: idle */
	nstime_t until;		 /* choose again then; TIME_NEVER */
};

/*
 * CPUs under one policy, and the units that they run. Each CPU is in one pool or in none, then it
 * idles. Policies embed this in what they keep for a pool. All of it changes under the admin lock.
 */
struct cpupool {
	const struct sched_policy *policy;
	u32 id;
	u32 nr_domains; /* whose units belong here */
	u32 nr_choosy;	/* units with a soft affinity that counts */
	/* So long a unit runs before another one that wakes takes its CPU; [1]: that it woke itself. */
	nstime_t ratelimit[2];
	struct cpumask cpus;
	struct list units;
	struct cpupool *next; /* by id */
};

/*
 * Unless it says otherwise a function is called with the lock that covers the unit or the CPU.
 * A queued unit is never running; pick() takes the one it chooses off its queue. Where a CPU is
 * returned, it is one that should choose again, or NR_CPUS for none.
 */
struct sched_policy {
	const char *name;
	u32 sched_id; /* XEN_SCHEDULER_* that tools see */
	bool pinned;  /* a unit runs on u->cpu alone; the core moves it when its mask changes */
	/* No lock. An empty pool, NULL: no memory; and its end. */
	struct cpupool *(*pool_new)(void);
	void (*pool_free)(struct cpupool *p);
	/* No run queue lock. The idle CPU comes under the policy; the answer is the lock of its queue. */
	struct lock *(*cpu_add)(struct cpupool *p, unsigned int cpu);
	/* The CPU will choose nothing any more. What is queued for it alone is queued elsewhere. */
	unsigned int (*cpu_remove)(struct cpupool *p, unsigned int cpu, nstime_t now);
	/* Under the admin lock: the best CPU of the pool for u, which may run on one of them. */
	unsigned int (*place)(struct cpupool *p, const struct sched_unit *u);
	/* Likewise: a unit that may move to this CPU, where one was removed, or NULL. Pinned only. */
	struct sched_unit *(*claim)(struct cpupool *p, unsigned int cpu);
	/* To and from u->cpu; neither queued nor running. */
	void (*unit_add)(struct sched_unit *u);
	void (*unit_remove)(struct sched_unit *u);
	/*
	 * hard has changed, or the group's weight or cap, of which u still has the old. NULL: shares
	 * are ignored.
	 */
	void (*adjust)(struct sched_unit *u, nstime_t now);
	/* Becomes runnable, after having been held. */
	void (*wake)(struct sched_unit *u, nstime_t now);
	unsigned int (*enqueue)(struct sched_unit *u, nstime_t now);
	/* Is held: stops being queued, or was running until now. */
	void (*sleep)(struct sched_unit *u, nstime_t now);
	/* prev is still runnable here, or NULL. When another unit is chosen prev is enqueued later. */
	struct sched_choice (*pick)(struct cpupool *p, unsigned int cpu, struct sched_unit *prev,
				    nstime_t now);
	/* No lock, a guess: does anything wait for this CPU? NULL: never. */
	bool (*contended)(void);
	void (*dump)(struct cpupool *p); /* No lock. */
};

/* What the scheduler calls above it; filled by the front hall. */
struct sched_hooks {
	/* Registers of prev away, of next in; either may be NULL (idle). next->running is set. */
	void (*context_switch)(struct sched_unit *prev, struct sched_unit *next);
	/*
	 * Both or none. While a CPU idles the registers of the unit that blocked may stay loaded:
	 * park() instead of a switch to idle, resume() when the same unit goes on. sched_is_running()
	 * is true meanwhile; before anything else happens context_switch() takes the unit away.
	 */
	void (*park)(struct sched_unit *u);
	void (*resume)(struct sched_unit *u);
	/* Runstate changes, for accounting: RUNSTATE_* of the ABI. Under the unit's lock: be short. */
	void (*state_changed)(struct sched_unit *u, int runstate, nstime_t now);
	/* The unit's name, for dumps. */
	void (*describe)(const struct sched_unit *u, char *buf, size_t size);
};

extern struct sched_hooks sched_hooks;
/* Weak: a build may leave one out. */
extern const struct sched_policy sched_null __weak_sym, sched_credit2 __weak_sym;

#define SCHED_WEIGHT_NORMAL 256

/* sched=NAME for pool 0; unknown names warn and fall back to the default. */
int sched_init(const char *name);
/* The CPU joins pool 0. */
int sched_cpu_init(unsigned int cpu);
/* Of pool 0. */
const struct sched_policy *sched_policy(void);
/* By a name that sched= may have; NULL: this build has none of that name. */
const struct sched_policy *sched_policy_find(const char *name);
const struct sched_policy *sched_policy_by_id(u32 sched_id);

/* --- pools, pool.c. Whoever creates and destroys them sees to it that one does so at a time. --- */
/* An empty pool with the lowest free number. -XEN_ENOMEM. */
int cpupool_create(const struct sched_policy *policy, struct cpupool **out);
/* With this number, which is not taken: -XEN_EEXIST; or CPUPOOL_ANY. */
int cpupool_create_as(const struct sched_policy *policy, u32 id, struct cpupool **out);
#define CPUPOOL_ANY (~0U)
/* -XEN_EBUSY: it has CPUs or domains, or is pool 0. */
int cpupool_destroy(struct cpupool *p);
/* NULL: there is none. */
struct cpupool *cpupool_find(u32 id);
/* The one with the lowest id >= this. NULL: none. */
struct cpupool *cpupool_next(u32 id);
/* As cpupool_find(); it stays until cpupool_leave(). */
struct cpupool *cpupool_get(u32 id);
/*
 * Gives a pool another rate limit, if set, and says which it has. -XEN_ESRCH: there is no such pool;
 * -XEN_EINVAL: it has another policy, or no pool may have that limit.
 */
int cpupool_ratelimit(u32 id, u32 sched_id, bool set, u32 *us);
/*
 * A CPU changes pools by itself, at its next choice: -XEN_ERESTART until it did, then 0. Adding:
 * -XEN_EBUSY when it is in another pool. Removing: -XEN_EBUSY for the last CPU of pool 0 or of one
 * with domains, -XEN_EINVAL when it is not in this pool; units that may run nowhere else may then run on
 * all CPUs of the pool.
 */
int cpupool_add_cpu(struct cpupool *p, unsigned int cpu);
int cpupool_remove_cpu(struct cpupool *p, unsigned int cpu);
/* One more domain, or one less, has its units there. */
void cpupool_enter(struct cpupool *p);
void cpupool_leave(struct cpupool *p);
/*
 * The unit, which is not the caller's, goes to another pool; -XEN_ERESTART while it still runs: it
 * stops, and goes on when a later call has moved it.
 * -XEN_EINVAL without a CPU there. A mask without CPUs of the new pool is forgotten.
 */
int cpupool_move_unit(struct sched_unit *u, struct cpupool *p);

/* Normal weight, no cap. */
void sched_group_init(struct sched_group *g);
/* -XEN_EINVAL: no CPU of the pool in hard. The group stays as long as the unit. */
int sched_unit_init(struct sched_unit *u, struct cpupool *p, struct sched_group *g, u32 holds,
		    const struct cpumask *hard);
/* Must be held and not running. Nothing happens for a unit that was never made. */
void sched_unit_destroy(struct sched_unit *u);

/* Sets hold bits. When the unit runs on another CPU it is kicked; sched_hold() does not wait. */
void sched_hold(struct sched_unit *u, u32 bits);
/* Clears hold bits; wakes the unit when none is left. Says whether it was woken by this call. */
bool sched_release(struct sched_unit *u, u32 bits);
static inline bool sched_runnable(const struct sched_unit *u)
{
	return READ_ONCE(u->holds) == 0;
}
/* True while its registers are on a CPU. After a hold: poll it from a preemptible operation. */
bool sched_is_running(const struct sched_unit *u);
/* The running unit gives way once. */
void sched_yield(void);
/* NULL leaves a mask as it is. -XEN_EINVAL: no CPU of the unit's pool in hard; or it is destroyed. */
int sched_set_affinity(struct sched_unit *u, const struct cpumask *hard, const struct cpumask *soft);
/* What of the unit's masks counts in its pool. */
void sched_get_affinity(struct sched_unit *u, struct cpumask *hard, struct cpumask *soft);
/* The weight or cap of the unit's group was changed: it counts for this unit from now on. */
void sched_unit_adjust(struct sched_unit *u);

/* From WORK_SCHED on the exit path: choose and switch. */
void sched_choose(void);
/* For policies, with the lock that covers the CPU: it chooses again then, or earlier. */
void sched_choose_by(unsigned int cpu, nstime_t until);
/* How long the CPU ran no unit, since it came up. */
nstime_t sched_idle_time(unsigned int cpu);
/* Debug key r. */
__cold_path void sched_dump(void);
/* For a policy's dump: name and figures of one unit. */
void sched_unit_dump(const struct sched_unit *u);

#endif
