/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler core: what units exist, whether they may run, and switching between them. Which
 * one runs is the policy's decision.
 *
 * A unit is covered by the run queue lock of the CPU that u->cpu names (RANK_SCHED; CPUs may share
 * one). Whoever changes u->cpu holds the locks of both CPUs. It is at one place at a time: running on that CPU, queued with the policy, deferred (its
 * registers are still being saved there, the CPU queues it afterwards), or nowhere because it is
 * held. Only queued units are picked, so no unit is ever on two CPUs. While a CPU idles, the
 * registers of the unit that blocked last may stay loaded: it is parked, which counts as running.
 *
 * Units come, go, change pools and leave CPUs where they may not be any more under the admin lock
 * (RANK_SCHED_ADMIN) as well.
 */
#include "sched_private.h"
#include <abi/xen.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/sched.h>

struct sched_hooks sched_hooks;

static DEFINE_PERCPU(struct sched_cpu, sched_cpu);
struct lock sched_admin_lock = LOCK_INIT(RANK_SCHED_ADMIN);

struct sched_cpu *sched_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], sched_cpu);
}

struct sched_cpu *sched_unit_lock(const struct sched_unit *u)
{
	for (;;) {
		struct sched_cpu *sc = sched_cpu_of(READ_ONCE(u->cpu));
		struct lock *l = sc->lock;

		lock_take(l);
		/* It may have moved meanwhile, also to another CPU under the same lock. */
		sc = sched_cpu_of(READ_ONCE(u->cpu));
		if (likely(sc->lock == l))
			return sc;
		lock_drop(l);
	}
}

void sched_kick(unsigned int cpu)
{
	if (cpu < NR_CPUS)
		cpu_raise_on(cpu, WORK_SCHED);
}

static void unit_set_state(struct sched_unit *u, u8 state, nstime_t now)
{
	if (u->state == state)
		return;
	u->state = state;
	u->state_since = now;
	if (sched_hooks.state_changed)
		sched_hooks.state_changed(u, state, now);
}

static u8 state_of_held(const struct sched_unit *u)
{
	return READ_ONCE(u->holds) & HOLD_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline;
}

/* --- holds --- */

void sched_hold(struct sched_unit *u, u32 bits)
{
	u32 old = atomic_fetch_or(&u->holds, bits);
	unsigned int cpu = NR_CPUS;
	struct sched_cpu *sc;

	if (likely(percpu(sched_cpu)->current == u)) {
		cpu_raise(WORK_SCHED);
		return;
	}
	if (!(bits & ~old))
		return;
	sc = sched_unit_lock(u);
	if (u->running)
		cpu = u->cpu;
	else if (u->queued && !sched_runnable(u))
		u->pool->policy->sleep(u, time_now());
	if (u->state == RUNSTATE_runnable && !sched_runnable(u))
		unit_set_state(u, state_of_held(u), time_now());
	lock_drop(sc->lock);
	sched_kick(cpu);
}

static void unit_wake(struct sched_unit *u)
{
	struct sched_cpu *sc = sched_unit_lock(u);
	struct lock *l = sc->lock;
	unsigned int cpu = NR_CPUS;
	nstime_t now;

	if (unlikely(!sched_runnable(u) || u->queued || sc->current == u)) {
		lock_drop(l);
		return;
	}
	now = time_now();
	unit_set_state(u, RUNSTATE_runnable, now);
	u->pool->policy->wake(u, now);
	if (likely(!u->running))
		cpu = u->pool->policy->enqueue(u, now);
	else if (sc->loaded == u)
		cpu = u->cpu;
	else
		u->deferred = true;
	lock_drop(l);
	sched_kick(cpu);
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	u32 old = atomic_fetch_and(&u->holds, ~bits);

	if (!(old & bits) || (old & ~bits))
		return false;
	/* Not switched away yet: it just goes on. */
	if (percpu(sched_cpu)->current != u)
		unit_wake(u);
	return true;
}

bool sched_is_running(const struct sched_unit *u)
{
	return __atomic_load_n(&u->running, __ATOMIC_ACQUIRE);
}

void sched_yield(void)
{
	struct sched_unit *u = percpu(sched_cpu)->current;

	if (u && u->pool->policy->contended && u->pool->policy->contended()) {
		u->yielding = true;
		cpu_raise(WORK_SCHED);
	}
}

/* --- choosing --- */

/* It may not run where it is: its CPU left the pool, or it was told to run elsewhere. */
static bool is_homeless(const struct sched_unit *u, const struct sched_cpu *sc)
{
	return unlikely(sc->pool != u->pool || !cpumask_test(&u->hard, u->cpu));
}

void sched_unit_rehome(struct sched_unit *u)
{
	unsigned int from = u->cpu;

	if (!u->added || !is_homeless(u, sched_cpu_of(from)))
		return;
	sched_unit_move(u, u->pool, u->pool->policy->place(u->pool, u));
	if (u->cpu != from)
		sched_place_freed(from);
}

/* The registers of u are saved: it may be queued again, and go elsewhere. */
static void unit_settle(struct sched_cpu *sc, struct sched_unit *u, nstime_t now)
{
	unsigned int cpu = NR_CPUS;
	bool homeless, admin = false;

	lock_take(sc->lock);
	while (unlikely((homeless = is_homeless(u, sc)) && !admin)) {
		lock_drop(sc->lock);
		lock_take(&sched_admin_lock);
		admin = true;
		lock_take(sc->lock);
	}
	__atomic_store_n(&u->running, false, __ATOMIC_RELEASE);
	if (u->deferred && !homeless) {
		u->deferred = false;
		if (sched_runnable(u))
			cpu = u->pool->policy->enqueue(u, now);
	}
	lock_drop(sc->lock);
	sched_kick(cpu);
	if (unlikely(admin)) {
		sched_unit_rehome(u);
		lock_drop(&sched_admin_lock);
	}
}

static bool may_park(const struct sched_cpu *sc, const struct sched_unit *u)
{
	return sched_hooks.park && READ_ONCE(u->holds) == HOLD_BLOCKED && sc->pool == u->pool &&
	       cpumask_test(&u->hard, u->cpu);
}

void sched_choose_by(unsigned int cpu, nstime_t until)
{
	struct sched_cpu *sc = sched_cpu_of(cpu);

	/* An earlier deadline may stay: a choice too many is cheaper than programming the timer. */
	if (!timer_armed(&sc->slice) || until < sc->slice.deadline)
		timer_arm(&sc->slice, until);
}

nstime_t sched_idle_time(unsigned int cpu)
{
	struct sched_cpu *sc;
	nstime_t idle;

	if (!cpumask_test(&cpu_online, cpu))
		return 0;
	sc = sched_cpu_of(cpu);
	for (;;) {
		struct lock *l = sc->lock;

		lock_take(l);
		idle = sc->idle + (sc->current ? 0 : time_now());
		lock_drop(l);
		if (likely(l == sc->lock))
			return idle;
	}
}

/* What sched_choose() decided to do, once the lock is dropped. */
enum action { ACTION_NONE, ACTION_PARK, ACTION_RESUME, ACTION_SWITCH };

/*
 * prev's registers are here, next is what the policy wants instead. Under the lock. prev may be
 * held or released by others at any time; they look again once they have the lock.
 */
static enum action choice_apply(struct sched_cpu *sc, struct sched_unit *prev, bool requeue,
				struct sched_unit *next, nstime_t now)
{
	bool was_idle = !sc->current;

	if (prev)
		prev->yielding = false;
	sc->current = next;
	if (next == prev) {
		if (!was_idle || !next)
			return ACTION_NONE;
		sc->idle += now;
		unit_set_state(next, RUNSTATE_running, now);
		return ACTION_RESUME;
	}
	if (!next && may_park(sc, prev)) {
		if (was_idle)
			return ACTION_NONE;
		sc->idle -= now;
		return ACTION_PARK;
	}
	sc->loaded = next;
	if (requeue) {
		prev->deferred = true;
		prev->woken_by = NULL;
		unit_set_state(prev, RUNSTATE_runnable, now);
	}
	if (next) {
		if (was_idle)
			sc->idle += now;
		next->running = true;
		WRITE_ONCE(next->cpu, cpu_id());
		unit_set_state(next, RUNSTATE_running, now);
	} else if (!was_idle) {
		sc->idle -= now;
	}
	return ACTION_SWITCH;
}

void sched_choose(void)
{
	struct sched_cpu *sc = percpu(sched_cpu);
	struct sched_unit *prev, *candidate;
	struct sched_choice choice;
	enum action action;
	nstime_t now;

	if (unlikely(sc->change))
		sched_cpu_change(sc);
	lock_take(sc->lock);
	now = time_now();
	prev = sc->loaded;
	candidate = prev;
	if (prev && !sched_runnable(prev)) {
		candidate = NULL;
		if (sc->current) {
			prev->woken_by = NULL;
			prev->pool->policy->sleep(prev, now);
			unit_set_state(prev, state_of_held(prev), now);
		}
	}
	choice = sc->pool->policy->pick(sc->pool, cpu_id(), candidate, now);
	action = choice_apply(sc, prev, candidate, choice.unit, now);
	lock_drop(sc->lock);
	if (action == ACTION_SWITCH) {
		sched_hooks.context_switch(prev, choice.unit);
		if (prev)
			unit_settle(sc, prev, now);
	} else if (action == ACTION_PARK) {
		sched_hooks.park(prev);
	} else if (action == ACTION_RESUME) {
		sched_hooks.resume(prev);
	}
	if (choice.until != TIME_NEVER)
		sched_choose_by(cpu_id(), choice.until);
}

/* --- units --- */

static bool mask_usable(const struct cpupool *p, const struct cpumask *hard)
{
	struct cpumask usable = cpumask_and(hard, &p->cpus);

	return !cpumask_empty(&usable);
}

/* Both locks are held, and the unit is neither running nor queued. */
static void unit_change_home(struct sched_unit *u, struct cpupool *p, unsigned int to)
{
	/* All CPUs of a pool are alike where units are not pinned. */
	bool same = p == u->pool && !p->policy->pinned;

	if (!same)
		u->pool->policy->unit_remove(u);
	if (p != u->pool) {
		list_del(&u->in_pool);
		list_add_tail(&u->in_pool, &p->units);
		u->pool->nr_choosy -= u->choosy;
		u->choosy = false;
		u->pool = p;
		sched_unit_read_masks(u);
	}
	WRITE_ONCE(u->cpu, to);
	if (!same)
		p->policy->unit_add(u);
}

/* Locks the run queues that cover the unit and CPU to. The former. */
static struct lock *unit_lock_two(const struct sched_unit *u, unsigned int to)
{
	struct lock *new = sched_cpu_of(to)->lock;

	for (;;) {
		struct lock *old = sched_cpu_of(READ_ONCE(u->cpu))->lock;

		lock_two(old, new);
		if (likely(sched_cpu_of(READ_ONCE(u->cpu))->lock == old))
			return old;
		lock_two_drop(old, new);
	}
}

void sched_unit_move(struct sched_unit *u, struct cpupool *p, unsigned int to)
{
	struct lock *new = sched_cpu_of(to)->lock, *old = unit_lock_two(u, to);
	unsigned int cpu = NR_CPUS, from = u->cpu;

	if (!u->running && (from != to || p != u->pool)) {
		nstime_t now = time_now();
		bool wanted = u->queued || u->deferred;

		if (u->queued)
			u->pool->policy->sleep(u, now);
		u->deferred = false;
		unit_change_home(u, p, to);
		if (wanted && sched_runnable(u))
			cpu = p->policy->enqueue(u, now);
		sched_kick(from);
	}
	lock_two_drop(old, new);
	sched_kick(cpu);
}

void sched_place_freed(unsigned int cpu)
{
	struct cpupool *p = sched_cpu_of(cpu)->pool;
	struct sched_unit *u = p->policy->pinned ? p->policy->claim(p, cpu) : NULL;

	if (u)
		sched_unit_move(u, p, cpu);
}

void sched_group_init(struct sched_group *g)
{
	*g = (struct sched_group){ .weight = SCHED_WEIGHT_NORMAL };
}

/* Under the lock of the unit, if others know it. */
static void unit_read_group(struct sched_unit *u)
{
	u->scale = ((u32)SCHED_WEIGHT_NORMAL << 20) / u->group->weight;
	u->capped = u->group->cap;
}

void sched_unit_read_masks(struct sched_unit *u)
{
	struct cpumask usable = cpumask_and(&u->hard, &u->pool->cpus);
	struct cpumask liked = cpumask_and(&u->soft, &usable);
	unsigned int nr = cpumask_weight(&liked), nr_usable = cpumask_weight(&usable);
	bool choosy = nr && nr < nr_usable;

	if (choosy != u->choosy)
		u->pool->nr_choosy += choosy ? 1U : ~0U;
	u->choosy = choosy;
	u->restricted = nr_usable < cpumask_weight(&u->pool->cpus);
}

int sched_unit_init(struct sched_unit *u, struct cpupool *p, struct sched_group *g, u32 holds,
		    const struct cpumask *hard)
{
	int rc = -XEN_EINVAL;

	*u = (struct sched_unit){ .holds = holds, .state = RUNSTATE_offline, .hard = *hard,
				  .soft = cpu_online, .state_since = time_now(), .group = g, .pool = p };
	list_init(&u->link);
	unit_read_group(u);
	lock_take(&sched_admin_lock);
	if (mask_usable(p, hard)) {
		struct lock *l;

		u->cpu = p->policy->place(p, u);
		l = sched_cpu_of(u->cpu)->lock;
		list_add_tail(&u->in_pool, &p->units);
		lock_take(l);
		p->policy->unit_add(u);
		u->added = true;
		sched_unit_read_masks(u);
		atomic_add_return(&g->units, 1);
		lock_drop(l);
		rc = 0;
	}
	lock_drop(&sched_admin_lock);
	return rc;
}

void sched_unit_destroy(struct sched_unit *u)
{
	struct sched_cpu *sc;
	unsigned int cpu;

	if (!u->added)
		return;
	BUG_ON(u->running);
	lock_take(&sched_admin_lock);
	sc = sched_unit_lock(u);
	cpu = u->cpu;
	if (u->queued)
		u->pool->policy->sleep(u, time_now());
	u->pool->policy->unit_remove(u);
	list_del(&u->in_pool);
	u->pool->nr_choosy -= u->choosy;
	atomic_sub_return(&u->group->units, 1);
	u->added = false;
	lock_drop(sc->lock);
	sched_kick(cpu);
	sched_place_freed(cpu);
	lock_drop(&sched_admin_lock);
}

/* Under the lock of the unit: what it may do has changed. The CPU that should choose, or NR_CPUS. */
static unsigned int unit_reconsider(struct sched_unit *u)
{
	if (u->running)
		return u->cpu;
	if (!u->queued)
		return NR_CPUS;
	u->pool->policy->sleep(u, time_now());
	return u->pool->policy->enqueue(u, time_now());
}

unsigned int sched_unit_set_hard(struct sched_unit *u, const struct cpumask *hard)
{
	struct sched_cpu *sc = sched_unit_lock(u);
	struct lock *l = sc->lock;
	unsigned int cpu;

	u->hard = *hard;
	sched_unit_read_masks(u);
	if (u->pool->policy->adjust)
		u->pool->policy->adjust(u, time_now());
	cpu = unit_reconsider(u);
	lock_drop(l);
	return cpu;
}

static unsigned int unit_set_soft(struct sched_unit *u, const struct cpumask *soft)
{
	struct sched_cpu *sc = sched_unit_lock(u);
	struct lock *l = sc->lock;
	unsigned int cpu;

	u->soft = *soft;
	sched_unit_read_masks(u);
	cpu = unit_reconsider(u);
	lock_drop(l);
	return cpu;
}

int sched_set_affinity(struct sched_unit *u, const struct cpumask *hard, const struct cpumask *soft)
{
	int rc = 0;

	lock_take(&sched_admin_lock);
	if (!u->added || (hard && !mask_usable(u->pool, hard)))
		rc = -XEN_EINVAL;
	if (!rc && soft)
		sched_kick(unit_set_soft(u, soft));
	if (!rc && hard) {
		sched_kick(sched_unit_set_hard(u, hard));
		sched_unit_rehome(u);
	}
	lock_drop(&sched_admin_lock);
	return rc;
}

void sched_get_affinity(struct sched_unit *u, struct cpumask *hard, struct cpumask *soft)
{
	*hard = *soft = (struct cpumask){ 0 };
	lock_take(&sched_admin_lock);
	if (u->added) {
		*hard = cpumask_and(&u->hard, &u->pool->cpus);
		*soft = cpumask_and(&u->soft, hard);
	}
	lock_drop(&sched_admin_lock);
}

void sched_unit_adjust(struct sched_unit *u)
{
	struct sched_cpu *sc = sched_unit_lock(u);
	struct lock *l = sc->lock;
	unsigned int cpu;

	if (u->pool->policy->adjust)
		u->pool->policy->adjust(u, time_now());
	unit_read_group(u);
	cpu = unit_reconsider(u);
	lock_drop(l);
	sched_kick(cpu);
}

/* --- dumps --- */

void sched_unit_dump(const struct sched_unit *u)
{
	char name[24] = "?";

	if (sched_hooks.describe)
		sched_hooks.describe(u, name, sizeof(name));
	pr_info("    %s: cpu%u%s%s, holds %#x, weight %u, virtual time %ld us\n", name, u->cpu,
		u->running ? " running" : "", u->queued ? " queued" : "", u->holds,
		u->group->weight, u->vtime / NS_PER_US);
}
