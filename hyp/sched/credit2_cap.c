/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caps of credit2: the units of a group together get no more than so many percent of one CPU.
 *
 * The time that they use has to be paid for, at the rate of the cap: group->due says up to when
 * they have used what they get. They may be ahead of the clock by CAP_BURST; then they wait until it
 * has caught up. They may be behind by CAP_BANK, more is forfeited. So nothing happens
 * periodically, no CPU looks after a group, and what was used too much is paid later.
 *
 * A unit that waits for its time is queued, but in a list of the CPU where it was, under the run
 * queue's lock; a timer of that CPU queues it again. Only groups with a cap have any of this.
 */
#include "credit2.h"

#define CAP_BURST SLICE
#define CAP_BANK  (SLICE / 2)
/* A unit that has the CPU is looked at no more often. */
#define CAP_CHECK_MIN (250 * NS_PER_US)

void credit2_cap_charge(struct sched_unit *u, nstime_t passed, nstime_t now)
{
	struct sched_group *g = u->group;
	s64 cap = READ_ONCE(g->cap), due = READ_ONCE(g->due), cost;

	if (!cap)
		return;
	cost = passed * 100 / cap;
	while (!atomic_try_cmpxchg(&g->due, &due, MAX(due, now - passed - CAP_BANK) + cost))
		;
}

bool credit2_cap_used_up(const struct sched_unit *u, nstime_t now)
{
	return READ_ONCE(u->group->due) > now + CAP_BURST;
}

nstime_t credit2_cap_end(const struct sched_unit *u, nstime_t now)
{
	const struct sched_group *g = u->group;
	s64 left = now + CAP_BURST - MAX(READ_ONCE(g->due), now - CAP_BANK);

	/* All of them may be running. */
	left = left * READ_ONCE(g->cap) / 100 / MAX(READ_ONCE(g->units), 1U);
	return now + MAX(left, CAP_CHECK_MIN);
}

void credit2_cap_throttle(struct sched_unit *u, nstime_t now)
{
	struct credit2_cpu *c = credit2_cpu_of(u->cpu);
	nstime_t due = READ_ONCE(u->group->due);

	u->throttled = true;
	list_add_tail(&u->link, &c->throttled);
	if (!timer_armed(&c->refill) || due < c->refill.deadline)
		timer_arm(&c->refill, due);
}

/* On the CPU whose timer it is. */
static void refill(void *arg)
{
	struct credit2_cpu *c = arg;
	nstime_t now = time_now(), next = TIME_NEVER;
	struct lock *lock = &c->rq->lock;
	struct list *l, *following;

	lock_take(lock);
	for (l = c->throttled.next; l != &c->throttled; l = following) {
		struct sched_unit *u = list_entry(l, struct sched_unit, link);
		nstime_t due = READ_ONCE(u->group->due);
		unsigned int cpu;

		following = l->next;
		if (u->capped && due > now) {
			next = MIN(next, due);
			continue;
		}
		u->throttled = u->queued = false;
		list_del(l);
		cpu = credit2_enqueue(u, now);
		if (cpu < NR_CPUS)
			cpu_raise_on(cpu, WORK_SCHED);
	}
	if (next != TIME_NEVER && (!timer_armed(&c->refill) || next < c->refill.deadline))
		timer_arm(&c->refill, next);
	lock_drop(lock);
}

void credit2_cap_timer_init(struct credit2_cpu *c, unsigned int cpu)
{
	timer_init(&c->refill, refill, c, cpu);
}
