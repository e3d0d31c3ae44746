/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fair policy: CPU time in proportion to weights, by virtual time. A unit's virtual time grows
 * while it runs, the slower the heavier it is; waiting units lie in one heap for all CPUs of a pool, the one
 * that is furthest behind first. One lock covers a pool.
 *
 * While no more units want to run than there are CPUs the heap is empty, nothing is compared and no
 * slice is timed: a unit that wakes is handed to an idle CPU, its own if possible (fair_cpu.given).
 *
 * fair_pool.vmin is the virtual time of the queue; it only grows. A unit that slept does not start
 * further behind than WAKE_BONUS, so that sleeping saves up no time.
 */
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/sched.h>
#include <serai/string.h>

#define SCHED_ID_CREDIT2 6 /* XEN_SCHEDULER_CREDIT2, which tools know */

#define SLICE	   (10 * NS_PER_MS)
#define WAKE_BONUS (2 * SLICE)
/* How far a running unit must be ahead of one that wakes to be interrupted before its slice ends. */
#define PREEMPT_MIN (1 * NS_PER_MS)
/* Without waiting units for so long, fairness starts afresh. */
#define CALM_MIN (2 * SLICE)
/* Longer runs than this are accounted as this; keeps the product of time and scale in range. */
#define ACCOUNT_MAX NS_PER_S
#define UNITS_MIN   16

struct fair_cpu {
	struct sched_unit *running;
	struct sched_unit *given; /* queued for this idle CPU alone */
	nstime_t since;		  /* running is accounted up to here */
	nstime_t slice_end;
	bool sliced; /* the slice is timed */
};

static DEFINE_PERCPU(struct fair_cpu, fair_cpu);

struct fair_pool {
	struct cpupool pool;
	struct lock lock;
	struct minheap heap; /* of units' nodes */
	s64 vmin;
	nstime_t contended; /* when units waited last */
	struct cpumask cpus, idle; /* idle: nothing runs there and nothing is given */
	u32 nr_units;
	u32 next_place; /* admin lock */
	struct fair_pool *unused;
};

/* Nothing is freed: whoever looked for a unit may still be about to take the lock. */
static struct fair_pool *unused_pools;

static struct fair_cpu *fair_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], fair_cpu);
}

static struct fair_pool *fair_of(struct cpupool *p)
{
	return container_of(p, struct fair_pool, pool);
}

static struct sched_unit *unit_of(struct minheap_node *n)
{
	return container_of(n, struct sched_unit, node);
}

/* --- virtual time --- */

static s64 virtual_time(const struct sched_unit *u, nstime_t passed)
{
	if (passed > ACCOUNT_MAX)
		passed = ACCOUNT_MAX;
	return (passed * (s64)u->scale) >> 20;
}

/* The virtual time of what runs on the CPU, as of now. */
static s64 running_vtime(const struct fair_cpu *fc, nstime_t now)
{
	return fc->running->node.key + virtual_time(fc->running, now - fc->since);
}

static void account(struct fair_cpu *fc, nstime_t now)
{
	if (now <= fc->since)
		return;
	fc->running->node.key = running_vtime(fc, now);
	fc->since = now;
}

static void fair_wake(struct sched_unit *u, nstime_t now)
{
	const struct fair_pool *f = fair_of(u->pool);

	u->node.key = MAX(u->node.key, f->vmin - WAKE_BONUS);
}

/*
 * u is about to wait, the first one for a while. Until now nobody was short of time: the past is
 * forgotten, and all are measured from the one that is furthest ahead.
 */
static void contention_begins(struct fair_pool *f, struct sched_unit *u, nstime_t now)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &f->cpus) {
		const struct fair_cpu *fc = fair_cpu_of(cpu);

		if (fc->running)
			f->vmin = MAX(f->vmin, running_vtime(fc, now));
	}
	fair_wake(u, now);
}

/* --- units --- */

static struct cpupool *fair_pool_new(void)
{
	struct fair_pool *f = unused_pools;

	if (f) {
		unused_pools = f->unused;
		f->pool = (struct cpupool){ 0 };
		f->cpus = f->idle = (struct cpumask){ 0 };
		f->heap.nr = f->nr_units = 0;
		return &f->pool;
	}
	f = mem_alloc(sizeof(*f));
	if (!f)
		return NULL;
	lock_init(&f->lock, RANK_SCHED);
	return &f->pool;
}

static void fair_pool_free(struct cpupool *p)
{
	struct fair_pool *f = fair_of(p);

	f->unused = unused_pools;
	unused_pools = f;
}

static struct lock *fair_cpu_add(struct cpupool *p, unsigned int cpu)
{
	struct fair_pool *f = fair_of(p);

	lock_take(&f->lock);
	*fair_cpu_of(cpu) = (struct fair_cpu){ 0 };
	cpumask_set(&f->cpus, cpu);
	cpumask_set(&f->idle, cpu);
	lock_drop(&f->lock);
	return &f->lock;
}

static unsigned int fair_enqueue(struct sched_unit *u, nstime_t now);

static unsigned int fair_cpu_remove(struct cpupool *p, unsigned int cpu, nstime_t now)
{
	struct fair_cpu *fc = fair_cpu_of(cpu);
	struct sched_unit *given = fc->given;
	struct fair_pool *f = fair_of(p);

	cpumask_clear(&f->cpus, cpu);
	cpumask_clear(&f->idle, cpu);
	if (fc->running)
		account(fc, now);
	fc->running = fc->given = NULL;
	return given ? fair_enqueue(given, now) : NR_CPUS;
}

/* Room for all units in the heap. */
static int heap_reserve(struct fair_pool *f, u32 nr)
{
	u32 capacity = MAX(2 * f->heap.capacity, (u32)UNITS_MIN);
	struct minheap_node **nodes, **old;

	if (nr <= f->heap.capacity)
		return 0;
	nodes = mem_alloc(capacity * sizeof(*nodes));
	if (!nodes)
		return -XEN_ENOMEM;
	lock_take(&f->lock);
	old = f->heap.nodes;
	if (old)
		memcpy(nodes, old, f->heap.nr * sizeof(*nodes));
	f->heap.nodes = nodes;
	f->heap.capacity = capacity;
	lock_drop(&f->lock);
	mem_free(old);
	return 0;
}

/* The CPUs in turn: where a unit is at first matters little. */
static int fair_place(struct cpupool *p, const struct sched_unit *u, unsigned int *cpu)
{
	struct fair_pool *f = fair_of(p);
	struct cpumask usable = cpumask_and(&u->hard, &f->cpus);
	int rc = heap_reserve(f, f->nr_units + 1);

	if (rc)
		return rc;
	*cpu = cpumask_next(&usable, f->next_place);
	if (*cpu >= NR_CPUS)
		*cpu = cpumask_next(&usable, 0);
	f->next_place = *cpu + 1;
	return *cpu < NR_CPUS ? 0 : -XEN_EINVAL;
}

static void fair_unit_add(struct sched_unit *u)
{
	struct fair_pool *f = fair_of(u->pool);

	f->nr_units++;
	u->node.key = f->vmin;
}

static void fair_unit_remove(struct sched_unit *u)
{
	fair_of(u->pool)->nr_units--;
}

static void fair_sleep(struct sched_unit *u, nstime_t now)
{
	struct fair_cpu *fc = fair_cpu_of(u->cpu);

	if (u->queued) {
		u->queued = false;
		if (u->node.slot)
			minheap_remove(&fair_of(u->pool)->heap, &u->node);
		else
			fc->given = NULL;
	} else if (fc->running == u) {
		account(fc, now);
		fc->running = NULL;
	}
}

/* An idle CPU where u may run, its last one first; NR_CPUS: none. */
static unsigned int idle_cpu_for(const struct fair_pool *f, const struct sched_unit *u)
{
	struct cpumask usable;

	if (likely(cpumask_test(&f->idle, u->cpu) && cpumask_test(&u->hard, u->cpu)))
		return u->cpu;
	usable = cpumask_and(&f->idle, &u->hard);
	return cpumask_next(&usable, 0);
}

/* An idle CPU would take the unit if it were not running: with affinities that can happen. */
static bool can_move_away(const struct fair_pool *f, const struct sched_unit *u)
{
	struct cpumask usable = cpumask_and(&f->idle, &u->hard);

	return unlikely(!cpumask_empty(&usable));
}

/*
 * u waits: the CPU, of those where it may run, whose unit is furthest ahead, or could run
 * elsewhere. It is told when its unit is to be interrupted, or when it has to time its slice from
 * now on.
 */
static unsigned int busy_cpu_for(const struct fair_pool *f, const struct sched_unit *u, nstime_t now)
{
	struct cpumask usable = cpumask_and(&f->cpus, &u->hard);
	unsigned int cpu, best = NR_CPUS;
	s64 ahead = INT64_MIN;

	for_each_cpu_in(cpu, &usable) {
		const struct fair_cpu *fc = fair_cpu_of(cpu);
		s64 vtime;

		if (!fc->running)
			continue;
		if (can_move_away(f, fc->running))
			return cpu;
		vtime = running_vtime(fc, now);
		if (vtime > ahead) {
			ahead = vtime;
			best = cpu;
		}
	}
	if (best < NR_CPUS && ahead - u->node.key <= PREEMPT_MIN && fair_cpu_of(best)->sliced)
		return NR_CPUS;
	return best;
}

static unsigned int fair_enqueue(struct sched_unit *u, nstime_t now)
{
	struct fair_pool *f = fair_of(u->pool);
	unsigned int cpu = idle_cpu_for(f, u);

	u->queued = true;
	if (likely(cpu < NR_CPUS)) {
		cpumask_clear(&f->idle, cpu);
		fair_cpu_of(cpu)->given = u;
		WRITE_ONCE(u->cpu, cpu);
		return cpu;
	}
	if (!f->heap.nr && now - f->contended > CALM_MIN)
		contention_begins(f, u, now);
	f->contended = now;
	minheap_insert(&f->heap, &u->node);
	return busy_cpu_for(f, u, now);
}

/* --- choosing --- */

/* The waiting unit that is furthest behind of those that may run on the CPU. */
static struct sched_unit *first_waiting(const struct fair_pool *f, unsigned int cpu)
{
	struct sched_unit *best = NULL;

	for (u32 i = 0; i < f->heap.nr; i++) {
		struct sched_unit *u = unit_of(f->heap.nodes[i]);

		if (cpumask_test(&u->hard, cpu) && (!best || u->node.key < best->node.key))
			best = u;
		if (i == 0 && best)
			break;
	}
	return best;
}

static bool should_give_way(const struct fair_pool *f, const struct fair_cpu *fc,
			    const struct sched_unit *prev, const struct sched_unit *next,
			    nstime_t now)
{
	s64 ahead = prev->node.key - next->node.key;

	if (prev->yielding || can_move_away(f, prev))
		return true;
	return now >= fc->slice_end ? ahead > 0 : ahead > PREEMPT_MIN;
}

/* A slice has passed and units still wait: CPUs that let theirs run without an end join in. */
static void share_contention(const struct fair_pool *f)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &f->cpus) {
		const struct fair_cpu *fc = fair_cpu_of(cpu);

		if (fc->running && !fc->sliced)
			cpu_raise_on(cpu, WORK_SCHED);
	}
}

/* Units wait: prev, which may be NULL, or one of them. */
static struct sched_unit *pick_waiting(struct fair_pool *f, const struct fair_cpu *fc,
				       unsigned int cpu, struct sched_unit *prev, nstime_t now)
{
	struct sched_unit *first = first_waiting(f, cpu);

	if (!first || (prev && !should_give_way(f, fc, prev, first, now)))
		return prev;
	minheap_remove(&f->heap, &first->node);
	first->queued = false;
	f->vmin = MAX(f->vmin, first->node.key);
	return first;
}

/*
 * The CPU was idle and was given a unit. That one runs next, but for two cases, NULL: a unit
 * that waits is further behind, or the unit that is parked here has woken meanwhile and just goes
 * on. Then the given one is placed again.
 */
static struct sched_unit *take_given(struct fair_pool *f, struct fair_cpu *fc, unsigned int cpu,
				     struct sched_unit *parked, nstime_t now)
{
	struct sched_unit *given = fc->given, *first = NULL;
	unsigned int other;

	fc->given = NULL;
	given->queued = false;
	if (unlikely(f->heap.nr))
		first = first_waiting(f, cpu);
	if (likely(!parked && (!first || given->node.key <= first->node.key)))
		return given;
	other = fair_enqueue(given, now);
	if (other < NR_CPUS)
		cpu_raise_on(other, WORK_SCHED);
	return NULL;
}

/* Units wait, so what runs here runs for a slice. */
static void slice_renew(struct fair_pool *f, struct fair_cpu *fc, bool changed, nstime_t now)
{
	bool over = fc->sliced && now >= fc->slice_end;

	if (changed || over || !fc->sliced)
		fc->slice_end = now + SLICE;
	fc->sliced = fc->running;
	f->contended = now;
	if (over)
		share_contention(f);
}

static struct sched_choice fair_pick(struct cpupool *p, unsigned int cpu, struct sched_unit *prev,
				     nstime_t now)
{
	struct fair_pool *f = fair_of(p);
	struct fair_cpu *fc = percpu(fair_cpu);
	struct sched_unit *next = prev, *given = NULL;

	if (prev) {
		if (fc->running == prev)
			account(fc, now);
		if (unlikely(!cpumask_test(&prev->hard, cpu)))
			next = NULL;
	}
	if (fc->given)
		given = take_given(f, fc, cpu, next, now);
	if (given)
		next = given;
	else if (unlikely(f->heap.nr))
		next = pick_waiting(f, fc, cpu, next, now);
	fc->running = next;
	fc->since = now;
	if (next)
		cpumask_clear(&f->idle, cpu);
	else
		cpumask_set(&f->idle, cpu);
	if (unlikely(f->heap.nr))
		slice_renew(f, fc, next != prev, now);
	else
		fc->sliced = false;
	return (struct sched_choice){ next, fc->sliced ? fc->slice_end : TIME_NEVER };
}

static bool fair_contended(const struct cpupool *p)
{
	return READ_ONCE(container_of(p, struct fair_pool, pool)->heap.nr) != 0;
}

static void fair_dump(struct cpupool *p)
{
	struct fair_pool *f = fair_of(p);

	lock_take(&f->lock);
	pr_info("  %u units, %u wait, virtual time %ld us\n", f->nr_units, f->heap.nr,
		f->vmin / NS_PER_US);
	for (u32 i = 0; i < f->heap.nr; i++)
		sched_unit_dump(unit_of(f->heap.nodes[i]));
	lock_drop(&f->lock);
}

const struct sched_policy sched_fair = {
	.name = "fair",
	.sched_id = SCHED_ID_CREDIT2,
	.pool_new = fair_pool_new,
	.pool_free = fair_pool_free,
	.cpu_add = fair_cpu_add,
	.cpu_remove = fair_cpu_remove,
	.place = fair_place,
	.unit_add = fair_unit_add,
	.unit_remove = fair_unit_remove,
	.wake = fair_wake,
	.enqueue = fair_enqueue,
	.sleep = fair_sleep,
	.pick = fair_pick,
	.contended = fair_contended,
	.dump = fair_dump,
};
