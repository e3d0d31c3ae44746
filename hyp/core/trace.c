/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings of trace records (format: Xen's public/trace.h) and who may switch them.
 *
 * Only the CPU itself writes into its ring, under the ring's lock, which others take to see it
 * standing still. What the ring has in common with the reader is one word each way: prod is
 * written here and never read back, cons is the reader's and may be anything. Pages of DOMID_XEN
 * are shared for ever, as tools may have them mapped.
 */
#include "trace_private.h"
#include <serai/arch.h>
#include <serai/atomic.h>
#include <serai/cmdline.h>
#include <serai/cpu.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/lock.h>
#include <serai/printk.h>
#include <serai/sched.h>
#include <serai/trace.h>

#define LOST_EXTRA   4U
#define DATA_OFFSET  ((u32)sizeof(struct abi_t_buf))
#define CYCLES_WORDS 2U

struct trace_cpu {
	struct lock lock;
	u32 prod;	/* modulo 2 * trace.bytes */
	u32 lost;	/* records since there was room */
	u64 lost_since; /* the counter at the first of them */
	bool half_full; /* the reader is to be told */
};

static DEFINE_PERCPU(struct trace_cpu, trace_cpu);

struct trace_state trace = { .lock = LOCK_INIT(RANK_DOMAIN), .events = TRC_ALL };
bool trace_traps;
static struct cpumask traced_cpus = { { [0 ... DIV_ROUND_UP(NR_CPUS, 64) - 1] = ~0UL } };

/* ---------------------------------------------------------------------------------- the ring -- */

static bool is_wanted(u32 event)
{
	u32 both = READ_ONCE(trace.events) & event;

	return both >> 16 && (both >> 12 & 0xf) && cpumask_test(&traced_cpus, cpu_id());
}

static u32 record_bytes(u32 nr)
{
	return (1 + CYCLES_WORDS + nr) * (u32)sizeof(u32);
}

/* Bytes up to the end of the ring. */
static u32 bytes_to_end(u32 prod)
{
	return trace.bytes - prod % trace.bytes;
}

/* Records do not go over the end: what remains there is filled up. */
static u32 advance(u32 prod, u32 bytes)
{
	if (bytes_to_end(prod) < bytes)
		bytes += bytes_to_end(prod);
	prod += bytes;
	return prod >= 2 * trace.bytes ? prod - 2 * trace.bytes : prod;
}

/* What the reader has not had yet; false: its word makes no sense. */
static bool bytes_used(const struct trace_cpu *t, const struct abi_t_buf *buf, u32 *used)
{
	u32 cons = load_acquire(&buf->cons);

	if (unlikely(cons % sizeof(u32) || cons >= 2 * trace.bytes))
		return false;
	*used = t->prod - cons + (cons > t->prod ? 2 * trace.bytes : 0);
	return *used <= trace.bytes;
}

static __noinline void word_put(struct trace_cpu *t, u32 word)
{
	u32 at = DATA_OFFSET + t->prod % trace.bytes;

	*(u32 *)(void *)((char *)trace_buffer_page(cpu_id(), at / PAGE_SIZE) + at % PAGE_SIZE) = word;
	t->prod = advance(t->prod, sizeof(u32));
}

static __noinline void record_put(struct trace_cpu *t, u32 event, u64 cycles, u32 nr, const u32 *extra)
{
	u32 rest = bytes_to_end(t->prod) / (u32)sizeof(u32);

	if (rest * sizeof(u32) < record_bytes(nr)) {
		/* It has the form of a record, too; more than 7 words have the time among them. */
		bool timed = --rest > TRACE_EXTRA_MAX;
		u32 filler = timed ? rest - CYCLES_WORDS : rest;

		word_put(t, TRC_TRACE_WRAP_BUFFER | filler << TRC_HD_EXTRA_SHIFT |
				    (timed ? TRC_HD_CYCLE_FLAG : 0));
		for (u32 i = 0; i < rest; i++)
			word_put(t, timed && i < CYCLES_WORDS ? (u32)(cycles >> 32 * i) : 0);
	}
	word_put(t, event | nr << TRC_HD_EXTRA_SHIFT | TRC_HD_CYCLE_FLAG);
	word_put(t, (u32)cycles);
	word_put(t, (u32)(cycles >> 32));
	for (u32 i = 0; i < nr; i++)
		word_put(t, extra[i]);
}

static void lost_put(struct trace_cpu *t, u64 cycles)
{
	const struct vcpu *v = current_vcpu();
	u32 who = v ? (v->domain->id | v->id << 16) : (DOMID_IDLE | cpu_id() << 16);
	u32 extra[LOST_EXTRA] = { t->lost, who, (u32)t->lost_since, (u32)(t->lost_since >> 32) };

	t->lost = 0;
	record_put(t, TRC_LOST_RECORDS, cycles, LOST_EXTRA, extra);
}

/* Under t->lock, tracing is on. */
static void insert(struct trace_cpu *t, u32 event, u32 nr, const u32 *extra)
{
	struct abi_t_buf *buf = trace_buffer_page(cpu_id(), 0);
	u64 cycles = time_arch_cycles();
	u32 used, end = t->prod, bytes;

	if (unlikely(!bytes_used(t, buf, &used))) {
		WRITE_ONCE(trace.on, false);
		WRITE_ONCE(trace.bogus, true);
		cpu_raise(WORK_TRACE);
		return;
	}
	if (t->lost)
		end = advance(end, record_bytes(LOST_EXTRA));
	end = advance(end, record_bytes(nr));
	bytes = end - t->prod + (end < t->prod ? 2 * trace.bytes : 0);
	if (used + bytes > trace.bytes) {
		if (!t->lost++)
			t->lost_since = cycles;
		return;
	}
	if (t->lost)
		lost_put(t, cycles);
	record_put(t, event, cycles, nr, extra);
	store_release(&buf->prod, t->prod);
	if (used < trace.bytes / 2 && used + bytes >= trace.bytes / 2) {
		t->half_full = true;
		cpu_raise(WORK_TRACE);
	}
}

void trace_record(u32 event, u32 nr, const u32 *extra)
{
	struct trace_cpu *t = percpu(trace_cpu);

	if (!load_acquire(&trace.on) || !is_wanted(event))
		return;
	lock_take(&t->lock);
	if (READ_ONCE(trace.on))
		insert(t, event, nr, extra);
	lock_drop(&t->lock);
}

/* ------------------------------------------------------------------------------------ on, off -- */

/* Under the lock: hooks and vectors as they are to be now; each CPU changes its own vectors. */
static void apply(void)
{
	bool on = READ_ONCE(trace.on);
	unsigned int cpu;

	trace_sched_hooks(on && (trace.events & TRC_SCHED) >> 16);
	WRITE_ONCE(trace_traps, on && (trace.events & (TRC_PV | TRC_HW | TRC_SCHED)) >> 16);
	for_each_online_cpu(cpu)
		cpu_raise_on(cpu, WORK_TRACE);
}

void trace_work(void)
{
	struct trace_cpu *t = percpu(trace_cpu);

	if (unlikely(atomic_xchg(&trace.bogus, false))) {
		pr_warn("trace: the reader's place in a buffer makes no sense; tracing is off\n");
		lock_take(&trace.lock);
		apply();
		lock_drop(&trace.lock);
	}
	cpu_arch_trace_traps(READ_ONCE(trace_traps));
	if (t->half_full) {
		t->half_full = false;
		if (domain_actions.trace_news)
			domain_actions.trace_news();
	}
}

void trace_rings_init(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		lock_init(&percpu_of(cpu_table[cpu], trace_cpu)->lock, RANK_TRACE);
}

int trace_enable(void)
{
	int rc = -XEN_EINVAL;

	lock_take(&trace.lock);
	if (trace.bytes) {
		store_release(&trace.on, true);
		apply();
		rc = 0;
	}
	lock_drop(&trace.lock);
	return rc;
}

void trace_disable(void)
{
	unsigned int cpu;

	lock_take(&trace.lock);
	WRITE_ONCE(trace.on, false);
	apply();
	for_each_online_cpu(cpu) {
		struct trace_cpu *t = percpu_of(cpu_table[cpu], trace_cpu);

		/* Who is writing has come to an end then. */
		lock_take(&t->lock);
		t->lost = 0;
		lock_drop(&t->lock);
	}
	lock_drop(&trace.lock);
}

void trace_set_events(u32 mask)
{
	lock_take(&trace.lock);
	WRITE_ONCE(trace.events, mask);
	if (trace.on)
		apply();
	lock_drop(&trace.lock);
}

void trace_set_cpus(const struct cpumask *cpus)
{
	lock_take(&trace.lock);
	traced_cpus = *cpus;
	lock_drop(&trace.lock);
}

void __init trace_boot(void)
{
	int rc = -XEN_ERESTART;

	if (!options.tbuf_size)
		return;
	while (rc == -XEN_ERESTART)
		rc = trace_set_size(options.tbuf_size);
	if (rc) {
		pr_warn("trace: no buffers of %u pages (%d)\n", options.tbuf_size, rc);
		return;
	}
	if (options.tevt_mask) {
		trace_set_events(options.tevt_mask);
		trace_enable();
	}
}
