/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credit2 policy: CPU time in proportion to weights, caps, a rate limit, hard and soft affinity.
 *
 * Credit is kept as virtual time: it grows while a unit runs, the slower the heavier it is. The
 * waiting units of a run queue are a list, the one that is furthest behind, which has the most
 * credit, first. So nobody's credit ever has to be reset: runqueue.vmin is the virtual time of the
 * queue, what its CPUs run; a unit that slept does not start further behind it than WAKE_BONUS, so
 * that sleeping saves up no time; one that had a CPU for itself does not wait for longer than those
 * need that shared one. All queues of a pool count on one scale. Units that may not run everywhere
 * are measured by what runs where they may: CPUs that share no units drift apart.
 *
 * While no more units want to run than there are CPUs the list is empty, nothing is compared and no
 * slice is timed: a unit that wakes is handed to an idle CPU, its own if possible
 * (credit2_cpu.given).
 */
#include "credit2.h"
#include <serai/printk.h>

#define SCHED_ID_CREDIT2 6 /* XEN_SCHEDULER_CREDIT2 */

#define WAKE_BONUS (2 * SLICE)
/* What a unit has run more than others counts up to this of its own time, and this virtual time. */
#define DEBT_MAX (2 * SLICE)
#define DEBT_LAG (PULL_MIN + WAKE_BONUS)
/* How far a running unit must be ahead of one that wakes to be interrupted before its slice ends. */
#define PREEMPT_MIN (1 * NS_PER_MS)
/* How far a unit of another queue must be behind to come here though this CPU has work. */
#define PULL_MIN (2 * SLICE)
/* Without waiting units for so long, fairness starts afresh. */
#define CALM_MIN (2 * SLICE)
/* Longer runs than this are accounted as this; keeps the product of time and scale in range. */
#define ACCOUNT_MAX NS_PER_S
/* What queues tell their pool they tell it no more often: all CPUs read it. */
#define TELL_STEP (1 * NS_PER_MS)

static struct sched_unit *unit_of(struct list *l)
{
	return list_entry(l, struct sched_unit, link);
}

static bool is_alone(const struct runqueue *rq)
{
	return likely(rq->pool->nr_queues == 1);
}

/* --- virtual time --- */

static s64 virtual_time(const struct sched_unit *u, nstime_t passed)
{
	if (passed > ACCOUNT_MAX)
		passed = ACCOUNT_MAX;
	return (passed * (s64)u->scale) >> 20;
}

/* The virtual time of what runs on the CPU, as of now. */
static s64 running_vtime(const struct credit2_cpu *c, nstime_t now)
{
	return c->running->vtime + virtual_time(c->running, now - c->since);
}

static void account(struct credit2_cpu *c, nstime_t now)
{
	struct sched_unit *u = c->running;

	if (now <= c->since)
		return;
	u->vtime = running_vtime(c, now);
	if (unlikely(u->capped))
		credit2_cap_charge(u, now - c->since, now);
	c->since = now;
}

static s64 queue_vmin(const struct runqueue *rq)
{
	return MAX(rq->vmin, READ_ONCE(rq->pool->vmin));
}

static void vmin_advance(struct runqueue *rq, s64 vtime)
{
	if (vtime <= rq->vmin)
		return;
	rq->vmin = vtime;
	if (unlikely(vtime - rq->pool->vmin > TELL_STEP))
		WRITE_ONCE(rq->pool->vmin, vtime);
}

/* Where those are that u competes with. */
static s64 level_for(const struct runqueue *rq, const struct sched_unit *u)
{
	struct cpumask usable;
	s64 level = INT64_MIN;
	unsigned int cpu;

	if (likely(!u->restricted))
		return queue_vmin(rq);
	usable = cpumask_and(&rq->cpus, &u->hard);
	for_each_cpu_in(cpu, &usable)
		level = MAX(level, credit2_cpu_of(cpu)->level);
	return level > INT64_MIN ? level : queue_vmin(rq);
}

static void credit2_wake(struct sched_unit *u, nstime_t now)
{
	u->vtime = MAX(u->vtime, level_for(credit2_cpu_of(u->cpu)->rq, u) - WAKE_BONUS);
}

static void debt_limit(const struct runqueue *rq, struct sched_unit *u)
{
	nstime_t most = MAX(DEBT_MAX, rq->pool->pool.ratelimit[0]);

	u->vtime = MIN(u->vtime, level_for(rq, u) + virtual_time(u, most) + DEBT_LAG);
}

static void is_contended(const struct runqueue *rq, nstime_t now)
{
	if (unlikely(now - READ_ONCE(rq->pool->contended) > TELL_STEP))
		WRITE_ONCE(rq->pool->contended, now);
}

/*
 * u is about to wait, the first one for a while. Until now nobody was short of time: the past is
 * forgotten, and all are measured from the one that is furthest ahead.
 */
static void contention_begins(struct runqueue *rq, struct sched_unit *u, nstime_t now)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &rq->cpus) {
		const struct credit2_cpu *c = credit2_cpu_of(cpu);

		if (c->running)
			rq->vmin = MAX(rq->vmin, running_vtime(c, now));
	}
	credit2_wake(u, now);
}

/* --- the list of a queue --- */

static void first_changed(struct runqueue *rq)
{
	s64 first = list_empty(&rq->waiting) ? INT64_MAX : unit_of(rq->waiting.next)->vtime;

	WRITE_ONCE(rq->first, first);
}

/* From the end that is nearer by virtual time: who was interrupted goes last, who slept first. */
static void insert_waiting(struct runqueue *rq, struct sched_unit *u)
{
	struct list *head = &rq->waiting, *at = head;

	if (!list_empty(head) && u->vtime < unit_of(head->prev)->vtime) {
		s64 middle = unit_of(head->next)->vtime / 2 + unit_of(head->prev)->vtime / 2;

		if (u->vtime < middle) {
			for (at = head->next; unit_of(at)->vtime <= u->vtime; at = at->next)
				;
		} else {
			for (at = head->prev; unit_of(at->prev)->vtime > u->vtime; at = at->prev)
				;
		}
	}
	list_insert_before(&u->link, at);
	WRITE_ONCE(rq->nr_waiting, rq->nr_waiting + 1);
	first_changed(rq);
}

void credit2_take_waiting(struct runqueue *rq, struct sched_unit *u)
{
	u->queued = false;
	list_del(&u->link);
	WRITE_ONCE(rq->nr_waiting, rq->nr_waiting - 1);
	first_changed(rq);
}

struct sched_unit *credit2_first_waiting(const struct runqueue *rq, unsigned int cpu)
{
	struct sched_unit *best = NULL;
	struct list *l;

	list_for_each(l, &rq->waiting) {
		struct sched_unit *u = unit_of(l);

		if (best && u->vtime - best->vtime > SOFT_RESIST)
			break;
		if (!cpumask_test(&u->hard, cpu))
			continue;
		if (likely(!u->choosy || cpumask_test(&u->soft, cpu)))
			return u;
		if (!best)
			best = u;
	}
	return best;
}

/* --- units and CPUs --- */

static unsigned int credit2_cpu_remove(struct cpupool *p, unsigned int cpu, nstime_t now)
{
	struct credit2_cpu *c = credit2_cpu_of(cpu);
	struct sched_unit *given = c->given;
	unsigned int other = NR_CPUS;

	if (c->running)
		account(c, now);
	c->running = c->given = NULL;
	cpumask_clear(&c->rq->cpus, cpu);
	cpumask_clear(&c->rq->idle, cpu);
	if (given)
		other = credit2_enqueue(given, now);
	credit2_queue_leave(credit2_pool_of(p), c->rq, cpu);
	return other;
}

static void credit2_adjust(struct sched_unit *u, nstime_t now)
{
	struct credit2_cpu *c = credit2_cpu_of(u->cpu);

	if (c->running == u)
		account(c, now);
	/* What it had too little or too much until now is forgotten. */
	credit2_wake(u, now);
	debt_limit(c->rq, u);
}

static void credit2_unit_add(struct sched_unit *u)
{
	u->vtime = queue_vmin(credit2_cpu_of(u->cpu)->rq);
}

static void credit2_unit_remove(struct sched_unit *u)
{
}

static void credit2_sleep(struct sched_unit *u, nstime_t now)
{
	struct credit2_cpu *c = credit2_cpu_of(u->cpu);

	if (u->queued) {
		u->queued = false;
		if (unlikely(u->throttled)) {
			u->throttled = false;
			list_del(&u->link);
		} else if (!list_empty(&u->link)) {
			credit2_take_waiting(c->rq, u);
		} else {
			c->given = NULL;
		}
	} else if (c->running == u) {
		account(c, now);
		c->running = NULL;
	}
}

/* An idle CPU of the queue where u may run, its last one first; NR_CPUS: none. */
static unsigned int idle_cpu_for(const struct runqueue *rq, const struct sched_unit *u)
{
	struct cpumask usable, liked;
	unsigned int cpu = u->cpu;

	if (likely(cpumask_test(&rq->idle, cpu) && cpumask_test(&u->hard, cpu) &&
		   (!u->choosy || cpumask_test(&u->soft, cpu))))
		return cpu;
	usable = cpumask_and(&rq->idle, &u->hard);
	if (unlikely(u->choosy)) {
		liked = cpumask_and(&usable, &u->soft);
		cpu = cpumask_next(&liked, 0);
		if (cpu < NR_CPUS)
			return cpu;
	}
	return cpumask_next(&usable, 0);
}

/* An idle CPU would take the unit if it were not running: with affinities that can happen. */
static bool can_move_away(const struct runqueue *rq, const struct sched_unit *u)
{
	struct cpumask usable = cpumask_and(&rq->idle, &u->hard);

	return unlikely(!cpumask_empty(&usable));
}

/* Until then what runs there is not interrupted by u, which waits. */
static nstime_t limited_until(const struct runqueue *rq, const struct credit2_cpu *c,
			      const struct sched_unit *u)
{
	return c->started + rq->pool->pool.ratelimit[READ_ONCE(u->woken_by) == c->running];
}

/*
 * u waits: the CPU, of those where it may run, whose unit is furthest ahead, or could run
 * elsewhere. It is to choose again when its unit is to be interrupted; or it times its slice from
 * now on, for which it need not be disturbed.
 */
static unsigned int busy_cpu_for(const struct runqueue *rq, const struct sched_unit *u, nstime_t now)
{
	struct cpumask usable = cpumask_and(&rq->cpus, &u->hard);
	unsigned int cpu, best = NR_CPUS;
	s64 ahead = INT64_MIN;
	struct credit2_cpu *b;
	nstime_t by;

	for_each_cpu_in(cpu, &usable) {
		const struct credit2_cpu *c = credit2_cpu_of(cpu);
		s64 vtime;

		if (!c->running)
			continue;
		if (can_move_away(rq, c->running))
			return cpu;
		vtime = running_vtime(c, now);
		if (vtime > ahead) {
			ahead = vtime;
			best = cpu;
		}
	}
	if (best >= NR_CPUS)
		return NR_CPUS;
	b = credit2_cpu_of(best);
	by = b->slice_end;
	if (!b->sliced) {
		b->sliced = true;
		by = b->slice_end = now + SLICE;
	}
	if (ahead - u->vtime > PREEMPT_MIN)
		by = limited_until(rq, b, u);
	if (by <= now)
		return best;
	sched_choose_by(best, by);
	return NR_CPUS;
}

/* Other queues have an idle CPU, perhaps a better one than cpu, which may be none. */
static unsigned int push_away(struct runqueue *rq, struct sched_unit *u, unsigned int cpu)
{
	struct cpumask liked = cpumask_and(&u->hard, &u->soft);
	unsigned int other = NR_CPUS;

	if (u->choosy && !(cpu < NR_CPUS && cpumask_test(&u->soft, cpu)))
		other = credit2_push(rq, u, &liked);
	if (other >= NR_CPUS && cpu >= NR_CPUS)
		other = credit2_push(rq, u, &u->hard);
	return other;
}

static unsigned int wait_in_list(struct runqueue *rq, struct sched_unit *u, nstime_t now)
{
	unsigned int other;

	if (unlikely(now - READ_ONCE(rq->pool->contended) > CALM_MIN))
		contention_begins(rq, u, now);
	is_contended(rq, now);
	debt_limit(rq, u);
	insert_waiting(rq, u);
	if (unlikely(!is_alone(rq))) {
		/* A CPU that becomes idle says so before it looks whether anybody waits. */
		smp_mb();
		other = credit2_idle_elsewhere(rq, &u->hard);
		if (other < NR_CPUS)
			cpu_raise_on(other, WORK_SCHED);
	}
	return busy_cpu_for(rq, u, now);
}

unsigned int credit2_enqueue(struct sched_unit *u, nstime_t now)
{
	struct runqueue *rq = credit2_cpu_of(u->cpu)->rq;
	unsigned int cpu, other;

	u->queued = true;
	if (unlikely(u->capped) && credit2_cap_used_up(u, now)) {
		credit2_cap_throttle(u, now);
		return NR_CPUS;
	}
	cpu = idle_cpu_for(rq, u);
	if (unlikely(!is_alone(rq))) {
		other = push_away(rq, u, cpu);
		if (other < NR_CPUS)
			return other;
	}
	if (likely(cpu < NR_CPUS)) {
		cpumask_clear(&rq->idle, cpu);
		credit2_cpu_of(cpu)->given = u;
		WRITE_ONCE(u->cpu, cpu);
		return cpu;
	}
	return wait_in_list(rq, u, now);
}

/* --- choosing --- */

static bool should_give_way(const struct runqueue *rq, const struct credit2_cpu *c,
			    const struct sched_unit *prev, const struct sched_unit *next,
			    nstime_t now)
{
	s64 ahead = prev->vtime - next->vtime;

	if (prev->yielding || can_move_away(rq, prev))
		return true;
	if (now < limited_until(rq, c, next))
		return false;
	return now >= c->slice_end ? ahead > 0 : ahead > PREEMPT_MIN;
}

/*
 * Once a slice: the queue's virtual time is what its CPUs run now. Who ran ahead of all others may
 * have gone meanwhile, and whoever waits at the end of the list is not to wait for it.
 */
static void level_again(struct runqueue *rq)
{
	s64 level = INT64_MIN;
	unsigned int cpu;

	for_each_cpu_in(cpu, &rq->cpus) {
		const struct credit2_cpu *c = credit2_cpu_of(cpu);

		if (c->running)
			level = MAX(level, c->level);
	}
	if (level > INT64_MIN)
		rq->vmin = level;
	WRITE_ONCE(rq->pool->vmin, is_alone(rq) ? rq->vmin : credit2_vmin_elsewhere(rq));
	if (!list_empty(&rq->waiting)) {
		struct sched_unit *last = unit_of(rq->waiting.prev);

		credit2_take_waiting(rq, last);
		last->queued = true;
		debt_limit(rq, last);
		insert_waiting(rq, last);
	}
}

/* A slice has passed and units still wait: CPUs that let theirs run without an end join in. */
static void share_contention(const struct runqueue *rq)
{
	unsigned int cpu;

	for_each_cpu_in(cpu, &rq->pool->pool.cpus) {
		const struct credit2_cpu *c = credit2_cpu_of(cpu);

		if (READ_ONCE(c->running) && !READ_ONCE(c->sliced))
			cpu_raise_on(cpu, WORK_SCHED);
	}
}

/* Units wait: prev, which may be NULL, or one of them. */
static struct sched_unit *pick_waiting(struct runqueue *rq, const struct credit2_cpu *c,
				       unsigned int cpu, struct sched_unit *prev, nstime_t now)
{
	struct sched_unit *first = credit2_first_waiting(rq, cpu);

	if (!first || (prev && !should_give_way(rq, c, prev, first, now)))
		return prev;
	credit2_take_waiting(rq, first);
	vmin_advance(rq, first->vtime);
	return first;
}

/*
 * The CPU was idle and was given a unit. That one runs next, but for two cases, NULL: a unit
 * that waits is further behind, or the unit that is parked here has woken meanwhile and just goes
 * on. Then the given one is placed again.
 */
static struct sched_unit *take_given(struct runqueue *rq, struct credit2_cpu *c, unsigned int cpu,
				     struct sched_unit *parked, nstime_t now)
{
	struct sched_unit *given = c->given, *first = NULL;
	unsigned int other;

	c->given = NULL;
	given->queued = false;
	if (unlikely(rq->nr_waiting))
		first = credit2_first_waiting(rq, cpu);
	if (likely(!parked && (!first || given->vtime <= first->vtime)))
		return given;
	other = credit2_enqueue(given, now);
	if (other < NR_CPUS)
		cpu_raise_on(other, WORK_SCHED);
	return NULL;
}

/* prev runs here and would go on. */
static bool must_leave(const struct runqueue *rq, const struct sched_unit *prev, unsigned int cpu,
		       nstime_t now)
{
	if (unlikely(!cpumask_test(&prev->hard, cpu)))
		return true;
	if (unlikely(prev->capped) && credit2_cap_used_up(prev, now))
		return true;
	if (unlikely(prev->choosy) && !cpumask_test(&prev->soft, cpu)) {
		struct cpumask liked = cpumask_and(&prev->hard, &prev->soft);
		struct cpumask idle = cpumask_and(&rq->idle, &liked);

		return !cpumask_empty(&idle) || credit2_idle_elsewhere(rq, &liked) < NR_CPUS;
	}
	return false;
}

/*
 * There are several queues. Each slice a CPU looks whether a unit of another one is far behind what
 * it has itself; NULL: none is.
 */
static struct sched_unit *look_around(struct runqueue *rq, struct credit2_cpu *c,
				      const struct sched_unit *prev, nstime_t now)
{
	s64 first = prev ? MIN(prev->vtime, rq->first) : rq->first;

	if (first == INT64_MAX || now < c->look_at)
		return NULL;
	c->look_at = now + SLICE;
	return credit2_pull(rq, first - PULL_MIN);
}

/* Nothing of this queue can run here. Whoever queues a unit after we looked sees that we idle. */
static struct sched_unit *look_for_work(struct runqueue *rq, unsigned int cpu)
{
	cpumask_set(&rq->idle, cpu);
	smp_mb();
	return credit2_pull(rq, INT64_MAX);
}

static struct sched_unit *pick_next(struct runqueue *rq, struct credit2_cpu *c, unsigned int cpu,
				    struct sched_unit *prev, nstime_t now)
{
	bool alone = is_alone(rq);
	struct sched_unit *next = NULL;

	if (c->given)
		next = take_given(rq, c, cpu, prev, now);
	if (unlikely(!next && !alone))
		next = look_around(rq, c, prev, now);
	if (!next)
		next = unlikely(rq->nr_waiting) ? pick_waiting(rq, c, cpu, prev, now) : prev;
	if (unlikely(!next && !alone))
		next = look_for_work(rq, cpu);
	return next;
}

/* Units wait, so what runs here runs for a slice. When to choose again. */
static nstime_t slice_renew(struct runqueue *rq, struct credit2_cpu *c, bool changed, nstime_t now)
{
	nstime_t limited;
	bool over = c->sliced && now >= c->slice_end;

	if (changed || over || !c->sliced)
		c->slice_end = now + SLICE;
	c->sliced = c->running;
	is_contended(rq, now);
	if (over) {
		level_again(rq);
		share_contention(rq);
	}
	if (!c->sliced)
		return TIME_NEVER;
	if (!rq->nr_waiting || c->running->vtime - rq->first <= PREEMPT_MIN)
		return c->slice_end;
	/* Somebody would have the CPU now, were it not for the rate limit. */
	limited = limited_until(rq, c, unit_of(rq->waiting.next));
	return now < limited ? MIN(limited, c->slice_end) : c->slice_end;
}

static struct sched_choice credit2_pick(struct cpupool *p, unsigned int cpu, struct sched_unit *prev,
					nstime_t now)
{
	struct credit2_cpu *c = percpu(credit2_cpu);
	struct sched_unit *stays = prev, *next;
	struct runqueue *rq = c->rq;
	nstime_t until = TIME_NEVER;

	if (prev) {
		if (c->running == prev)
			account(c, now);
		if (unlikely(must_leave(rq, prev, cpu, now)))
			stays = NULL;
	}
	next = pick_next(rq, c, cpu, stays, now);
	if (c->running != next)
		c->started = now;
	c->running = next;
	c->since = now;
	if (next) {
		c->level = next->vtime;
		cpumask_clear(&rq->idle, cpu);
	} else {
		cpumask_set(&rq->idle, cpu);
		if (unlikely(p->nr_choosy))
			credit2_call_soft(rq);
	}
	if (unlikely(rq->nr_waiting || (!is_alone(rq) && credit2_waits_elsewhere(rq))))
		until = slice_renew(rq, c, next != prev, now);
	else
		c->sliced = false;
	if (unlikely(next && next->capped))
		until = MIN(until, credit2_cap_end(next, now));
	return (struct sched_choice){ next, until };
}

static bool credit2_contended(void)
{
	return READ_ONCE(percpu(credit2_cpu)->rq->nr_waiting) != 0;
}

static void queue_dump(struct runqueue *rq)
{
	unsigned int cpu;
	struct list *l;

	lock_take(&rq->lock);
	pr_info("  queue of %u CPUs, %u units wait, virtual time %ld us\n",
		cpumask_weight(&rq->cpus), rq->nr_waiting, rq->vmin / NS_PER_US);
	list_for_each(l, &rq->waiting)
		sched_unit_dump(unit_of(l));
	for_each_cpu_in(cpu, &rq->cpus)
		list_for_each(l, &credit2_cpu_of(cpu)->throttled)
			sched_unit_dump(unit_of(l));
	lock_drop(&rq->lock);
}

static void credit2_dump(struct cpupool *p)
{
	struct credit2_pool *cp = credit2_pool_of(p);
	unsigned int cpu;

	for_each_cpu_in(cpu, &cp->queues)
		queue_dump(&credit2_cpu_of(cpu)->own);
}

const struct sched_policy sched_credit2 = {
	.name = "credit2",
	.sched_id = SCHED_ID_CREDIT2,
	.pool_new = credit2_pool_new,
	.pool_free = credit2_pool_free,
	.cpu_add = credit2_cpu_add,
	.cpu_remove = credit2_cpu_remove,
	.place = credit2_place,
	.unit_add = credit2_unit_add,
	.unit_remove = credit2_unit_remove,
	.adjust = credit2_adjust,
	.wake = credit2_wake,
	.enqueue = credit2_enqueue,
	.sleep = credit2_sleep,
	.pick = credit2_pick,
	.contended = credit2_contended,
	.dump = credit2_dump,
};
