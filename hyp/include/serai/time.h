/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System time and timers. Tickless: each CPU keeps one binary heap of deadlines and programs its
 * hypervisor timer for the earliest. Functions run on the timer's CPU with interrupts masked and
 * no lock held.
 */
#ifndef SERAI_TIME_H
#define SERAI_TIME_H

#include <serai/compiler.h>
#include <serai/minheap.h>
#include <serai/types.h>

#define NS_PER_US 1000L
#define NS_PER_MS 1000000L
#define NS_PER_S  1000000000L
#define TIME_NEVER INT64_MAX

struct timer {
	union {
		struct minheap_node node;
		struct {
			nstime_t deadline;
			u32 slot; /* 0: not armed */
		};
	};
	void (*fn)(void *arg);
	void *arg;
	u32 cpu; /* whose heap; changes under the locks of both heaps */
};

/* Nanoseconds since start, the same on every CPU. */
nstime_t time_now(void);

/* Allocates nothing, arms nothing. */
void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu);
/* Arms or re-arms. A deadline in the past fires at the next exit. Any CPU may call. */
void timer_arm(struct timer *t, nstime_t deadline);
/* The function may still be running on the timer's CPU. */
void timer_cancel(struct timer *t);
/* Also waits until its function does not run any more; no lock that it takes may be held. */
void timer_destroy(struct timer *t);
/* Moves a timer, armed or not, to another CPU. */
void timer_move(struct timer *t, unsigned int cpu);
/*
 * Makes room for count more timers on every CPU, before they are armed (a vcpu needs a few);
 * -XEN_ENOMEM when it cannot. A few per CPU, for the hypervisor itself, need no reservation.
 */
int timer_reserve(unsigned int count);
void timer_unreserve(unsigned int count);
static inline bool timer_armed(const struct timer *t)
{
	return READ_ONCE(t->slot) != 0;
}

/*
 * For a timer's function that does long work in pieces: cpu_arch_work_pending() is true from t on at
 * the latest. Afterwards the CPU's timer is programmed as it should be.
 */
void timer_interrupt_by(nstime_t t);

/* From WORK_TIMER: runs what is due, some at a time, and programs the next deadline. */
void timer_run_expired(void);
/* On the CPU itself, before any timer of it is armed. */
int timer_cpu_init(unsigned int cpu);
/* Debug key t: armed timers of every CPU. */
__cold_path void timer_dump(void);

#endif
