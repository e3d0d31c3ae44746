/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler core: what units exist, whether they may run, and switching between them. Which
 * one runs is the policy's decision.
 *
 * A unit is covered by the run queue lock of the CPU that u->cpu names (RANK_SCHED; CPUs may share
 * one). It is at one place at a time: running on that CPU, queued with the policy, deferred (its
 * registers are still being saved there, the CPU queues it afterwards), or nowhere because it is
 * held. Only queued units are picked, so no unit is ever on two CPUs. While a CPU idles, the
 * registers of the unit that blocked last may stay loaded: it is parked, which counts as running.
 *
 * Units come, go and change their home under admin_lock (RANK_SCHED_ADMIN) as well.
 */
#include <abi/xen.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/sched.h>
#include <serai/string.h>

struct sched_cpu {
	struct lock *lock;	    /* of the run queue */
	struct sched_unit *current; /* NULL: idle. Changed by this CPU alone */
	struct sched_unit *loaded;  /* whose registers are here: current, or a parked unit */
	struct timer slice;	    /* fires when the policy wants to choose again, or earlier */
};

struct sched_hooks sched_hooks;

static DEFINE_PERCPU(struct sched_cpu, sched_cpu);
static const struct sched_policy *policy __ro_after_init;
static struct lock admin_lock = LOCK_INIT(RANK_SCHED_ADMIN);

static struct sched_cpu *sched_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], sched_cpu);
}

/* Locks the run queue that covers the unit. */
static struct sched_cpu *unit_lock(const struct sched_unit *u)
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

static void kick(unsigned int cpu)
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
	sc = unit_lock(u);
	if (u->running)
		cpu = u->cpu;
	else if (u->queued && !sched_runnable(u))
		policy->sleep(u, time_now());
	if (u->state == RUNSTATE_runnable && !sched_runnable(u))
		unit_set_state(u, state_of_held(u), time_now());
	lock_drop(sc->lock);
	kick(cpu);
}

static void unit_wake(struct sched_unit *u)
{
	struct sched_cpu *sc = unit_lock(u);
	struct lock *l = sc->lock;
	unsigned int cpu = NR_CPUS;
	nstime_t now;

	if (unlikely(!sched_runnable(u) || u->queued || sc->current == u)) {
		lock_drop(l);
		return;
	}
	now = time_now();
	unit_set_state(u, RUNSTATE_runnable, now);
	policy->wake(u, now);
	if (likely(!u->running))
		cpu = policy->enqueue(u, now);
	else if (sc->loaded == u)
		cpu = u->cpu;
	else
		u->deferred = true;
	lock_drop(l);
	kick(cpu);
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

	if (u && policy->contended && policy->contended()) {
		u->yielding = true;
		cpu_raise(WORK_SCHED);
	}
}

/* --- choosing --- */

static void unit_move(struct sched_unit *u, unsigned int to);
static void place_freed(unsigned int cpu);

static bool is_homeless(const struct sched_unit *u)
{
	return policy->pinned && unlikely(!cpumask_test(&u->hard, u->cpu));
}

/* Under admin_lock: gives a unit that may not run on its CPU another home. */
static void unit_rehome(struct sched_unit *u)
{
	unsigned int cpu, from = u->cpu;

	if (!u->added || !is_homeless(u) || policy->place(u, &cpu))
		return;
	unit_move(u, cpu);
	if (u->cpu != from)
		place_freed(from);
}

/* The registers of u are saved: it may be queued again, and go elsewhere. */
static void unit_settle(struct sched_cpu *sc, struct sched_unit *u, nstime_t now)
{
	unsigned int cpu = NR_CPUS;
	bool homeless, admin = false;

	lock_take(sc->lock);
	while (unlikely((homeless = is_homeless(u)) && !admin)) {
		lock_drop(sc->lock);
		lock_take(&admin_lock);
		admin = true;
		lock_take(sc->lock);
	}
	__atomic_store_n(&u->running, false, __ATOMIC_RELEASE);
	if (u->deferred && !homeless) {
		u->deferred = false;
		if (sched_runnable(u))
			cpu = policy->enqueue(u, now);
	}
	lock_drop(sc->lock);
	kick(cpu);
	if (unlikely(admin)) {
		unit_rehome(u);
		lock_drop(&admin_lock);
	}
}

static bool may_park(const struct sched_unit *u)
{
	return sched_hooks.park && READ_ONCE(u->holds) == HOLD_BLOCKED &&
	       cpumask_test(&u->hard, u->cpu);
}

static void slice_set(struct sched_cpu *sc, nstime_t until)
{
	/* An earlier deadline may stay: a choice too many is cheaper than programming the timer. */
	if (until != TIME_NEVER && (!timer_armed(&sc->slice) || until < sc->slice.deadline))
		timer_arm(&sc->slice, until);
}

static void slice_over(void *arg)
{
	cpu_raise(WORK_SCHED);
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
		unit_set_state(next, RUNSTATE_running, now);
		return ACTION_RESUME;
	}
	if (!next && may_park(prev))
		return was_idle ? ACTION_NONE : ACTION_PARK;
	sc->loaded = next;
	if (requeue) {
		prev->deferred = true;
		unit_set_state(prev, RUNSTATE_runnable, now);
	}
	if (next) {
		next->running = true;
		WRITE_ONCE(next->cpu, cpu_id());
		unit_set_state(next, RUNSTATE_running, now);
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

	lock_take(sc->lock);
	now = time_now();
	prev = sc->loaded;
	candidate = prev;
	if (prev && !sched_runnable(prev)) {
		candidate = NULL;
		if (sc->current) {
			policy->sleep(prev, now);
			unit_set_state(prev, state_of_held(prev), now);
		}
	}
	choice = policy->pick(cpu_id(), candidate, now);
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
	slice_set(sc, choice.until);
}

/* --- units --- */

static bool mask_usable(const struct cpumask *hard)
{
	struct cpumask usable = cpumask_and(hard, &cpu_online);

	return !cpumask_empty(&usable);
}

/* Under admin_lock: u->cpu becomes another one, unless u is running (it settles later). */
static void unit_move(struct sched_unit *u, unsigned int to)
{
	struct lock *old = sched_cpu_of(u->cpu)->lock, *new = sched_cpu_of(to)->lock;
	unsigned int cpu = NR_CPUS, from = u->cpu;

	lock_two(old, new);
	if (!u->running && from != to) {
		nstime_t now = time_now();
		bool wanted = u->queued || u->deferred;

		if (u->queued)
			policy->sleep(u, now);
		u->deferred = false;
		policy->unit_remove(u);
		WRITE_ONCE(u->cpu, to);
		policy->unit_add(u);
		if (wanted && sched_runnable(u))
			cpu = policy->enqueue(u, now);
		kick(from);
	}
	lock_two_drop(old, new);
	kick(cpu);
}

/* Under admin_lock: a unit left its CPU; another that waits elsewhere may have the place. */
static void place_freed(unsigned int cpu)
{
	struct sched_unit *u = policy->pinned ? policy->claim(cpu) : NULL;

	if (u)
		unit_move(u, cpu);
}

int sched_unit_init(struct sched_unit *u, u32 holds, const struct cpumask *hard)
{
	unsigned int cpu;
	int rc;

	if (!mask_usable(hard))
		return -XEN_EINVAL;
	*u = (struct sched_unit){ .holds = holds, .state = RUNSTATE_offline, .hard = *hard,
				  .soft = *hard, .state_since = time_now() };
	list_init(&u->link);
	sched_set_weight(u, SCHED_WEIGHT_NORMAL);
	lock_take(&admin_lock);
	rc = policy->place(u, &cpu);
	if (!rc) {
		struct lock *l = sched_cpu_of(cpu)->lock;

		u->cpu = cpu;
		lock_take(l);
		policy->unit_add(u);
		u->added = true;
		lock_drop(l);
	}
	lock_drop(&admin_lock);
	return rc;
}

void sched_unit_destroy(struct sched_unit *u)
{
	struct sched_cpu *sc;
	unsigned int cpu;

	if (!u->added)
		return;
	BUG_ON(u->running);
	lock_take(&admin_lock);
	sc = unit_lock(u);
	cpu = u->cpu;
	if (u->queued)
		policy->sleep(u, time_now());
	policy->unit_remove(u);
	u->added = false;
	lock_drop(sc->lock);
	kick(cpu);
	place_freed(cpu);
	lock_drop(&admin_lock);
}

int sched_set_affinity(struct sched_unit *u, const struct cpumask *hard, const struct cpumask *soft)
{
	unsigned int cpu = NR_CPUS;
	struct sched_cpu *sc;

	if (hard && !mask_usable(hard))
		return -XEN_EINVAL;
	lock_take(&admin_lock);
	sc = unit_lock(u);
	if (hard)
		u->hard = *hard;
	if (soft)
		u->soft = *soft;
	if (u->running) {
		cpu = u->cpu;
	} else if (u->queued) {
		policy->sleep(u, time_now());
		cpu = policy->enqueue(u, time_now());
	}
	lock_drop(sc->lock);
	kick(cpu);
	unit_rehome(u);
	lock_drop(&admin_lock);
	return 0;
}

void sched_set_weight(struct sched_unit *u, u16 weight)
{
	u->weight = weight;
	WRITE_ONCE(u->scale, ((u32)SCHED_WEIGHT_NORMAL << 20) / weight);
}

/* --- start-up and dumps --- */

static const struct {
	const char *name;
	const struct sched_policy *policy;
} names[] = {
	{ "fair", &sched_fair },
	{ "credit2", &sched_fair },
	{ "null", &sched_null },
};

int sched_init(const char *name)
{
	const struct sched_policy *fallback = NULL;

	for (unsigned int i = ARRAY_SIZE(names); i-- > 0;) {
		if (!names[i].policy)
			continue;
		fallback = names[i].policy;
		if (name && strcmp(name, names[i].name) == 0)
			policy = names[i].policy;
	}
	if (policy)
		return 0;
	if (!fallback)
		return -XEN_ENOENT;
	policy = fallback;
	if (name && *name)
		pr_warn("sched=%s: this build has no such scheduler; %s is used\n", name,
			policy->name);
	return 0;
}

int sched_cpu_init(unsigned int cpu)
{
	struct sched_cpu *sc = sched_cpu_of(cpu);

	timer_init(&sc->slice, slice_over, NULL, cpu);
	sc->lock = policy->cpu_add(cpu);
	return 0;
}

const struct sched_policy *sched_policy(void)
{
	return policy;
}

void sched_unit_dump(const struct sched_unit *u)
{
	char name[24] = "?";

	if (sched_hooks.describe)
		sched_hooks.describe(u, name, sizeof(name));
	pr_info("    %s: cpu%u%s%s, holds %#x, weight %u, virtual time %ld us\n", name, u->cpu,
		u->running ? " running" : "", u->queued ? " queued" : "", u->holds, u->weight,
		u->node.key / NS_PER_US);
}

void sched_dump(void)
{
	unsigned int cpu;

	pr_info("scheduler %s\n", policy->name);
	for_each_online_cpu(cpu) {
		const struct sched_cpu *sc = sched_cpu_of(cpu);
		const struct sched_unit *u;

		lock_take(sc->lock);
		u = sc->loaded;
		pr_info("  cpu%u: %s\n", cpu, sc->current ? "runs" : u ? "idle, keeps" : "idle");
		if (u)
			sched_unit_dump(u);
		lock_drop(sc->lock);
	}
	policy->dump();
}
