/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket spinlocks. Waiters sleep in WFE until the owner moves.
 *
 * A CPU runs the hypervisor with interrupts masked from entry to exit, so no lock needs to mask
 * them. Locks are taken in rising rank; CONFIG_LOCK_RANKS checks that at run time. Two locks of
 * one rank are taken by lock_two() only, in address order. No lock is held over a guest copy.
 */
#ifndef SERAI_LOCK_H
#define SERAI_LOCK_H

#include <arch/barrier.h>
#include <serai/atomic.h>
#include <serai/types.h>

enum lock_rank {
	RANK_DOMAIN = 1,  /* struct domain */
	RANK_EVTCHN,	  /* binding of event channels */
	RANK_GRANT,	  /* one domain's grant table */
	RANK_MAPTRACK,	  /* one domain's grant mappings */
	RANK_P2M,	  /* one domain's stage-2 tables */
	RANK_VCPU,	  /* one vcpu's registration data */
	RANK_EVTCHN_PORT, /* one channel */
	RANK_EVTCHN_FIFO, /* one FIFO queue */
	RANK_INPUT,	  /* who gets what is typed on the console */
	RANK_VUART,	  /* one domain's UART */
	RANK_IRQ_DESC,	  /* whose one physical interrupt is */
	RANK_VGIC_DIST,	  /* a domain's distributor */
	RANK_SCHED_ADMIN, /* which units there are, and where they belong */
	RANK_SCHED,	  /* run queues */
	RANK_TIMER,	  /* a CPU's timer heap */
	RANK_DOMLIST,	  /* the list of domains: whoever drops a frame may drop a dead domain */
	RANK_OWNER,	  /* a domain's list of frames */
	RANK_HEAP,	  /* the frame allocator */
	RANK_IRQ,	  /* interrupt controller */
	RANK_TRACE,	  /* a CPU's ring of trace records */
	RANK_CONSOLE,	  /* console ring and UART */
};

struct lock {
	u16 owner, next;
#ifdef CONFIG_LOCK_RANKS
	u32 rank;
#endif
};

#ifdef CONFIG_LOCK_RANKS
#define LOCK_INIT(r) { 0, 0, (r) }
void lock_rank_take(const struct lock *l, bool second);
void lock_rank_drop(const struct lock *l);
#else
#define LOCK_INIT(r) { 0, 0 }
static inline void lock_rank_take(const struct lock *l, bool second)
{
}
static inline void lock_rank_drop(const struct lock *l)
{
}
#endif

static inline void lock_init(struct lock *l, enum lock_rank rank)
{
	*l = (struct lock)LOCK_INIT(rank);
}

static __always_inline void lock_spin(struct lock *l)
{
	u16 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (unlikely(load_acquire(&l->owner) != ticket))
		cpu_wait_change_u16(&l->owner, ticket);
}

static inline void lock_take(struct lock *l)
{
	lock_rank_take(l, false);
	lock_spin(l);
}

static inline void lock_drop(struct lock *l)
{
	lock_rank_drop(l);
	store_release(&l->owner, (u16)(l->owner + 1));
	cpu_signal_event();
}

/*
 * Takes the lock if it is free, without ever waiting; so also when one of the same rank is held that
 * should have been taken later.
 */
static inline bool lock_try(struct lock *l)
{
	u16 ticket = load_acquire(&l->owner), next = ticket;

	if (!__atomic_compare_exchange_n(&l->next, &next, (u16)(ticket + 1), false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	lock_rank_take(l, true);
	return true;
}

/* Takes two locks of the same rank, lower address first; the same lock is taken once. */
static inline void lock_two(struct lock *a, struct lock *b)
{
	struct lock *first = a < b ? a : b, *second = a < b ? b : a;

	lock_take(first);
	if (first != second) {
		lock_rank_take(second, true);
		lock_spin(second);
	}
}

static inline void lock_two_drop(struct lock *a, struct lock *b)
{
	lock_drop(a);
	if (a != b)
		lock_drop(b);
}

#endif
