/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of CPUs: which there are, which CPUs they have and which domains.
 *
 * Under the admin lock all pools, their CPUs and units stay as they are. A CPU that is to leave
 * belongs to no_pool at once, so that it chooses nothing more, but keeps its old lock until
 * its last unit is saved and has another home; only the CPU itself changes the lock, and joins
 * the next pool, at its next choice. So nobody waits for it.
 */
#include "sched_private.h"
#include <serai/bug.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/string.h>

/* For so many rate limits, but not beyond this, a unit runs on before those that it woke. */
#define BATCH_LIMITS 4
#define BATCH_MAX    (10 * NS_PER_MS)

static struct cpupool *pools;

struct sched_tunables sched_tunables = SCHED_TUNABLES_DEFAULT;

/* --- CPUs without a pool --- */

static struct sched_choice none_pick(struct cpupool *p, unsigned int cpu, struct sched_unit *prev,
				     nstime_t now)
{
	return (struct sched_choice){ NULL, TIME_NEVER };
}

static const struct sched_policy policy_none = { .name = "none", .pick = none_pick };

static struct cpupool no_pool = { .policy = &policy_none };
static struct lock no_pool_lock = LOCK_INIT(RANK_SCHED);

/* --- policies --- */

static const struct {
	const char *name;
	const struct sched_policy *policy;
} names[] = {
	{ "credit2", &sched_credit2 },
	{ "null", &sched_null },
};

const struct sched_policy *sched_policy_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].policy && !strcmp(name, names[i].name))
			return names[i].policy;
	return NULL;
}

const struct sched_policy *sched_policy_by_id(u32 sched_id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].policy && names[i].policy->sched_id == sched_id)
			return names[i].policy;
	return NULL;
}

static const struct sched_policy *policy_default(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].policy)
			return names[i].policy;
	return NULL;
}

int sched_init(const char *name)
{
	const struct sched_policy *policy = name ? sched_policy_find(name) : NULL;
	struct cpupool *p;

	if (!policy) {
		policy = policy_default();
		if (!policy)
			return -XEN_ENOENT;
		if (name && *name)
			pr_warn("sched=%s: %s no such scheduler; %s is used\n", name,
				!strcmp(name, "credit") ? "Serai has" : "this build has",
				policy->name);
	}
	pools = NULL;
	return cpupool_create(policy, &p);
}

const struct sched_policy *sched_policy(void)
{
	return pools->policy;
}

/* --- pools --- */

int cpupool_create(const struct sched_policy *policy, struct cpupool **out)
{
	return cpupool_create_as(policy, CPUPOOL_ANY, out);
}

/*
 * Who sends an event mostly has more for its receiver, which would soon sleep again: it runs on for
 * some more time, but for no more than a slice.
 */
static void set_ratelimit(struct cpupool *p, u32 us)
{
	nstime_t limit = us * NS_PER_US;

	p->ratelimit[0] = limit;
	p->ratelimit[1] = limit < BATCH_MAX ? MIN(BATCH_LIMITS * limit, BATCH_MAX) : limit;
}

int cpupool_create_as(const struct sched_policy *policy, u32 id, struct cpupool **out)
{
	struct cpupool *p = policy->pool_new(), **at = &pools;
	bool taken;

	if (!p)
		return -XEN_ENOMEM;
	p->policy = policy;
	set_ratelimit(p, sched_tunables.ratelimit_us);
	list_init(&p->units);
	lock_take(&sched_admin_lock);
	if (id == CPUPOOL_ANY)
		for (id = 0; *at && (*at)->id == id; at = &(*at)->next)
			id++;
	while (*at && (*at)->id < id)
		at = &(*at)->next;
	taken = *at && (*at)->id == id;
	if (!taken) {
		p->id = id;
		p->next = *at;
		*at = p;
	}
	lock_drop(&sched_admin_lock);
	if (taken) {
		policy->pool_free(p);
		return -XEN_EEXIST;
	}
	*out = p;
	return 0;
}

/* Pool 0 always is. */
static bool in_use(const struct cpupool *p)
{
	return !p->id || p->nr_domains || !list_empty(&p->units);
}

int cpupool_destroy(struct cpupool *p)
{
	struct cpupool **at = &pools;
	bool busy;

	lock_take(&sched_admin_lock);
	busy = in_use(p) || !cpumask_empty(&p->cpus);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		busy |= cpu_table[cpu] && sched_cpu_of(cpu)->change == p;
	while (!busy && *at != p)
		at = &(*at)->next;
	if (!busy)
		*at = p->next;
	lock_drop(&sched_admin_lock);
	if (busy)
		return -XEN_EBUSY;
	p->policy->pool_free(p);
	return 0;
}

struct cpupool *cpupool_find(u32 id)
{
	struct cpupool *p;

	lock_take(&sched_admin_lock);
	for (p = pools; p && p->id != id; p = p->next)
		;
	lock_drop(&sched_admin_lock);
	return p;
}

struct cpupool *cpupool_next(u32 id)
{
	struct cpupool *p;

	lock_take(&sched_admin_lock);
	for (p = pools; p && p->id < id; p = p->next)
		;
	lock_drop(&sched_admin_lock);
	return p;
}

struct cpupool *cpupool_get(u32 id)
{
	struct cpupool *p;

	lock_take(&sched_admin_lock);
	for (p = pools; p && p->id != id; p = p->next)
		;
	if (p)
		p->nr_domains++;
	lock_drop(&sched_admin_lock);
	return p;
}

int cpupool_ratelimit(u32 id, u32 sched_id, bool set, u32 *us)
{
	struct cpupool *p;
	int rc = 0;

	lock_take(&sched_admin_lock);
	for (p = pools; p && p->id != id; p = p->next)
		;
	if (!p)
		rc = -XEN_ESRCH;
	else if (p->policy->sched_id != sched_id || (set && !sched_ratelimit_usable(*us)))
		rc = -XEN_EINVAL;
	else if (set)
		set_ratelimit(p, *us);
	if (!rc)
		*us = (u32)(p->ratelimit[0] / NS_PER_US);
	lock_drop(&sched_admin_lock);
	return rc;
}

void cpupool_enter(struct cpupool *p)
{
	lock_take(&sched_admin_lock);
	p->nr_domains++;
	lock_drop(&sched_admin_lock);
}

void cpupool_leave(struct cpupool *p)
{
	lock_take(&sched_admin_lock);
	BUG_ON(!p->nr_domains);
	p->nr_domains--;
	lock_drop(&sched_admin_lock);
}

/* --- CPUs --- */

/* Under the admin lock: which CPUs the pool has changed. */
static void units_read_masks(struct cpupool *p)
{
	struct list *l;

	list_for_each(l, &p->units) {
		struct sched_unit *u = list_entry(l, struct sched_unit, in_pool);
		struct sched_cpu *sc = sched_unit_lock(u);

		sched_unit_read_masks(u);
		lock_drop(sc->lock);
	}
}

/* Under the admin lock, by the CPU itself, which has nothing loaded. */
static void cpu_join(struct sched_cpu *sc, struct cpupool *p)
{
	unsigned int cpu = cpu_id();

	sc->lock = p->policy->cpu_add(p, cpu);
	sc->pool = p;
	cpumask_set(&p->cpus, cpu);
	units_read_masks(p);
}

static void slice_over(void *arg)
{
	cpu_raise(WORK_SCHED);
}

int sched_cpu_init(unsigned int cpu)
{
	struct sched_cpu *sc = sched_cpu_of(cpu);

	timer_init(&sc->slice, slice_over, NULL, cpu);
	lock_take(&sched_admin_lock);
	cpu_join(sc, pools);
	lock_drop(&sched_admin_lock);
	return 0;
}

void sched_cpu_change(struct sched_cpu *sc)
{
	struct cpupool *p;

	lock_take(&sched_admin_lock);
	p = sc->change;
	if (p == &no_pool && !sc->loaded) {
		sc->lock = &no_pool_lock;
		sc->change = NULL;
	} else if (p && p != &no_pool) {
		cpu_join(sc, p);
		sc->change = NULL;
		sched_place_freed(cpu_id());
	} else {
		/* Again once it has let go what it had loaded. */
		cpu_raise(WORK_SCHED);
	}
	lock_drop(&sched_admin_lock);
}

int cpupool_add_cpu(struct cpupool *p, unsigned int cpu)
{
	struct sched_cpu *sc = sched_cpu_of(cpu);
	int rc = -XEN_ERESTART;

	lock_take(&sched_admin_lock);
	if (sc->pool == p) {
		rc = 0;
	} else if (sc->pool != &no_pool || (sc->change && sc->change != &no_pool &&
						  sc->change != p)) {
		rc = -XEN_EBUSY;
	} else if (!sc->change) {
		sc->change = p;
		sched_kick(cpu);
	}
	lock_drop(&sched_admin_lock);
	return rc;
}

/* A CPU is gone: who may run nowhere now may run everywhere; who was there goes elsewhere. */
static void units_leave(struct cpupool *p, unsigned int gone)
{
	struct list *l;

	list_for_each(l, &p->units) {
		struct sched_unit *u = list_entry(l, struct sched_unit, in_pool);
		struct cpumask usable = cpumask_and(&u->hard, &p->cpus);

		if (cpumask_empty(&usable)) {
			pr_warn("CPU%u leaves its pool: a vcpu that was to run there only may run on all "
				"its CPUs\n", gone);
			sched_kick(sched_unit_set_hard(u, &cpu_online));
		}
		if (u->cpu == gone)
			sched_unit_rehome(u);
	}
}

static void cpu_part(struct cpupool *p, struct sched_cpu *sc, unsigned int cpu)
{
	unsigned int other;

	cpumask_clear(&p->cpus, cpu);
	lock_take(sc->lock);
	other = p->policy->cpu_remove(p, cpu, time_now());
	sc->pool = &no_pool;
	lock_drop(sc->lock);
	sc->change = &no_pool;
	sched_kick(other);
	units_read_masks(p);
	units_leave(p, cpu);
	sched_kick(cpu);
}

int cpupool_remove_cpu(struct cpupool *p, unsigned int cpu)
{
	struct sched_cpu *sc = sched_cpu_of(cpu);
	int rc = -XEN_ERESTART;

	lock_take(&sched_admin_lock);
	if (sc->pool == &no_pool)
		rc = sc->change == &no_pool ? -XEN_ERESTART : 0;
	else if (sc->pool != p)
		rc = -XEN_EINVAL;
	else if (cpumask_weight(&p->cpus) == 1 && in_use(p))
		rc = -XEN_EBUSY;
	else
		cpu_part(p, sc, cpu);
	lock_drop(&sched_admin_lock);
	return rc;
}

/* --- units --- */

/* Under the admin lock: the unit is in another pool and does not run. */
static void unit_enter(struct sched_unit *u, struct cpupool *p)
{
	struct cpumask usable = cpumask_and(&u->hard, &p->cpus);
	unsigned int from = u->cpu;

	if (cpumask_empty(&usable))
		sched_unit_set_hard(u, &cpu_online);
	sched_unit_move(u, p, p->policy->place(p, u));
	sched_place_freed(from);
}

int cpupool_move_unit(struct sched_unit *u, struct cpupool *p)
{
	int rc = 0;

	lock_take(&sched_admin_lock);
	if (cpumask_empty(&p->cpus)) {
		rc = -XEN_EINVAL;
	} else if (u->added && u->pool != p) {
		sched_hold(u, HOLD_MOVING);
		if (sched_is_running(u))
			rc = -XEN_ERESTART;
		else
			unit_enter(u, p);
	}
	lock_drop(&sched_admin_lock);
	if (rc != -XEN_ERESTART)
		sched_release(u, HOLD_MOVING);
	return rc;
}

/* --- debug key r --- */

static void cpu_dump(unsigned int cpu)
{
	const struct sched_cpu *sc = sched_cpu_of(cpu);
	const struct sched_unit *u;

	lock_take(sc->lock);
	u = sc->loaded;
	pr_info("  cpu%u: %s\n", cpu, sc->current ? "runs" : u ? "idle, keeps" : "idle");
	if (u)
		sched_unit_dump(u);
	lock_drop(sc->lock);
}

void sched_dump(void)
{
	unsigned int cpu;

	lock_take(&sched_admin_lock);
	for (struct cpupool *p = pools; p; p = p->next) {
		pr_info("pool %u, scheduler %s, %u domains\n", p->id, p->policy->name,
			p->nr_domains);
		for_each_cpu_in(cpu, &p->cpus)
			cpu_dump(cpu);
		p->policy->dump(p);
	}
	lock_drop(&sched_admin_lock);
}
