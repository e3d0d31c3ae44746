/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: one heap of deadlines per CPU under its lock (RANK_TIMER); two heaps at once only to
 * move a timer. A timer's fields belong to the lock of the heap that timer->cpu names.
 *
 * `programmed` is the deadline that the hardware was told, or will be told by that CPU because it
 * has WORK_TIMER. It is never later than the first deadline. It may be earlier: the
 * hardware is not reprogrammed when its timer is cancelled or put off, an interrupt that finds
 * nothing due costs less.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/lock.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/time.h>

/* Timers of the hypervisor's own that each CPU has room for from the start. */
#define TIMERS_OWN 16
/* Timers run by one timer_run_expired(). */
#define RUN_BATCH 16
/* Timers per CPU that the debug key shows. */
#define DUMP_MAX 32

struct timer_cpu {
	struct lock lock;
	bool ready;
	nstime_t programmed;
	const struct timer *running; /* whose function is called right now */
	struct minheap heap;
	struct minheap_node *own[TIMERS_OWN];
};

static DEFINE_PERCPU(struct timer_cpu, timer_cpu);
static u32 reserved; /* on every CPU, beyond TIMERS_OWN */

nstime_t time_now(void)
{
	return time_arch_now();
}

static struct timer_cpu *timer_cpu_of(unsigned int cpu)
{
	return percpu_of(cpu_table[cpu], timer_cpu);
}

/* Locks the heap that the timer belongs to. */
static struct timer_cpu *timer_lock(const struct timer *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct timer_cpu *tc = timer_cpu_of(cpu);

		lock_take(&tc->lock);
		if (likely(READ_ONCE(t->cpu) == cpu))
			return tc;
		lock_drop(&tc->lock);
	}
}

/* The heap of cpu has a new deadline: the hardware must fire by then. Under the lock. */
static void deadline_added(struct timer_cpu *tc, unsigned int cpu, nstime_t deadline)
{
	if (deadline >= tc->programmed)
		return;
	tc->programmed = deadline;
	if (likely(cpu == cpu_id()))
		time_arch_set_deadline(deadline);
	else
		cpu_raise_on(cpu, WORK_TIMER);
}

static void timer_insert(struct timer_cpu *tc, struct timer *t)
{
	BUG_ON(tc->heap.nr >= tc->heap.capacity);
	minheap_insert(&tc->heap, &t->node);
	deadline_added(tc, t->cpu, t->deadline);
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu)
{
	*t = (struct timer){ .deadline = TIME_NEVER, .fn = fn, .arg = arg, .cpu = cpu };
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	struct timer_cpu *tc = timer_lock(t);

	if (t->slot) {
		minheap_rekey(&tc->heap, &t->node, deadline);
		deadline_added(tc, t->cpu, deadline);
	} else {
		t->deadline = deadline;
		timer_insert(tc, t);
	}
	lock_drop(&tc->lock);
}

void timer_cancel(struct timer *t)
{
	struct timer_cpu *tc;

	if (!timer_armed(t))
		return;
	tc = timer_lock(t);
	if (t->slot)
		minheap_remove(&tc->heap, &t->node);
	lock_drop(&tc->lock);
}

void timer_destroy(struct timer *t)
{
	unsigned int cpu;

	timer_cancel(t);
	for_each_online_cpu(cpu) {
		const struct timer_cpu *tc = timer_cpu_of(cpu);

		while (cpu != cpu_id() && load_acquire(&tc->running) == t)
			cpu_relax();
	}
	/* It may have been armed again by then. */
	timer_cancel(t);
}

void timer_move(struct timer *t, unsigned int cpu)
{
	struct timer_cpu *to = timer_cpu_of(cpu);

	for (;;) {
		u32 old = READ_ONCE(t->cpu);
		struct timer_cpu *from = timer_cpu_of(old);

		if (old == cpu)
			return;
		lock_two(&from->lock, &to->lock);
		if (likely(t->cpu == old)) {
			bool armed = t->slot;

			if (armed)
				minheap_remove(&from->heap, &t->node);
			t->cpu = cpu;
			if (armed)
				timer_insert(to, t);
		}
		lock_two_drop(&from->lock, &to->lock);
	}
}

void timer_interrupt_by(nstime_t t)
{
	time_arch_set_deadline(t);
}

void timer_run_expired(void)
{
	struct timer_cpu *tc = percpu(timer_cpu);
	nstime_t now = time_arch_now();
	struct minheap_node *n;

	lock_take(&tc->lock);
	n = minheap_first(&tc->heap);
	for (unsigned int i = 0; i < RUN_BATCH && n && n->key <= now; i++) {
		struct timer *t = container_of(n, struct timer, node);
		void (*fn)(void *arg) = t->fn;
		void *arg = t->arg;

		minheap_remove(&tc->heap, n);
		tc->running = t;
		lock_drop(&tc->lock);
		fn(arg);
		lock_take(&tc->lock);
		store_release(&tc->running, NULL);
		n = minheap_first(&tc->heap);
	}
	tc->programmed = n ? n->key : TIME_NEVER;
	if (unlikely(n && n->key <= now))
		cpu_raise(WORK_TIMER);
	else
		time_arch_set_deadline(tc->programmed);
	lock_drop(&tc->lock);
}

/* Gives the CPU's heap an array of at least this capacity. -XEN_ENOMEM. */
static int heap_grow(struct timer_cpu *tc, u32 capacity)
{
	struct minheap_node **bigger, **old = NULL;

	if (READ_ONCE(tc->heap.capacity) >= capacity)
		return 0;
	capacity += capacity / 2;
	bigger = mem_alloc(capacity * sizeof(*bigger));
	if (!bigger)
		return -XEN_ENOMEM;
	lock_take(&tc->lock);
	if (tc->heap.capacity < capacity) {
		old = tc->heap.nodes;
		memcpy(bigger, old, tc->heap.nr * sizeof(*bigger));
		tc->heap.nodes = bigger;
		tc->heap.capacity = capacity;
	} else {
		old = bigger;
	}
	lock_drop(&tc->lock);
	if (old != tc->own)
		mem_free(old);
	return 0;
}

int timer_reserve(unsigned int count)
{
	u32 wanted = TIMERS_OWN + atomic_add_return(&reserved, count);

	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		struct timer_cpu *tc = cpu_table[cpu] ? timer_cpu_of(cpu) : NULL;

		if (tc && tc->ready && heap_grow(tc, wanted)) {
			timer_unreserve(count);
			return -XEN_ENOMEM;
		}
	}
	return 0;
}

void timer_unreserve(unsigned int count)
{
	atomic_sub_return(&reserved, count);
}

int timer_cpu_init(unsigned int cpu)
{
	struct timer_cpu *tc = timer_cpu_of(cpu);

	lock_init(&tc->lock, RANK_TIMER);
	tc->programmed = TIME_NEVER;
	tc->heap.nodes = tc->own;
	tc->heap.capacity = TIMERS_OWN;
	tc->ready = true;
	return heap_grow(tc, TIMERS_OWN + READ_ONCE(reserved));
}

void timer_dump(void)
{
	nstime_t now = time_now();
	unsigned int cpu;

	pr_info("time %ld.%06ld s\n", now / NS_PER_S, now % NS_PER_S / NS_PER_US);
	for_each_online_cpu(cpu) {
		struct timer_cpu *tc = timer_cpu_of(cpu);

		lock_take(&tc->lock);
		pr_info("cpu%u: %u timers, room for %u\n", cpu, tc->heap.nr, tc->heap.capacity);
		for (u32 i = 0; i < tc->heap.nr && i < DUMP_MAX; i++) {
			const struct timer *t =
				container_of(tc->heap.nodes[i], struct timer, node);

			pr_info("  in %ld us: %p(%p)\n", (t->deadline - now) / NS_PER_US,
				(void *)t->fn, t->arg);
		}
		lock_drop(&tc->lock);
	}
}
