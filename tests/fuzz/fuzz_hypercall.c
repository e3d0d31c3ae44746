/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/units.c hyp/hypercalls.c hyp/mm/frame.c hyp/mm/p2m.c hyp/lib/minheap.c
 *	    hyp/sched/core.c hyp/sched/pool.c hyp/sched/credit2*.c hyp/sched/null.c
 *	    hyp/core/domain.c hyp/core/domain_end.c hyp/core/domain_pool.c hyp/core/launch.c hyp/core/vcpu.c
 *	    hyp/core/runstate.c hyp/core/guest_area.c hyp/core/trace_absent.c
 *	    hyp/core/wallclock.c hyp/core/hypercall.c hyp/core/console.c
 *	    hyp/core/console_guest.c hyp/core/guest_line.c hyp/core/printk.c
 *	    hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c
 *	    hyp/core/version.c hyp/core/multicall.c hyp/core/vm_assist.c hyp/core/hvm_op.c
 *	    hyp/core/console_io.c hyp/core/physdev.c
 *	    hyp/ipc/sched_op.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c
 *	    hyp/ipc/guest_atomic.c hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c
 *	    hyp/ipc/grant_map.c hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c
 *	    hyp/dev/mmio.c hyp/dev/vpl011.c hyp/dev/host_uart.c
 *	    hyp/control/control.c hyp/control/domctl*.c hyp/control/domain_info.c hyp/control/sysctl*.c hyp/core/access.c
 *	    hyp/boot/range.c hyp/control/platform_op.c hyp/control/hypfs.c
 *	    tests/fuzz/hypercall_house.c tests/fuzz/hypercall_ops.c tests/fuzz/hypercall_check.c */
/* options: -max_len=1616 */
/*
 * The hypercall layer: up to three domains of two vcpus on eight CPUs, and a program for all of
 * them. The input is a head of 16 bytes and instructions of 16 bytes; an instruction is an
 * event or a hypercall of one vcpu. `when` not 0 makes it happen in the middle of the next one,
 * at the when-th place from its start where another CPU can come in between: before the first
 * lock is taken, before a guest copy, before an atomic change of guest memory. So whatever
 * depends on two CPUs is replayed exactly from the input.
 */
#include "hypercall_house.h"

#include <abi/sched.h>
#include <abi/xen.h>
#include <serai/evtchn.h>
#include <serai/exit.h>

#define INSN	    16U
#define INSNS_MAX   100U
#define WHEN_NOW    160U /* below: at once */
#define LATER_MAX   8U
#define POLLS_MAX   3000 /* a hypercall that looks for work more often is left alone */
#define RESTARTS    40U

struct insn {
	u8 op, who, when, operand[OPERANDS];
};

/* op: events; from CALLS on hypercalls. New ones go to the end: the corpus knows their numbers. */
#define CALLS 32U

enum event {
	DO_POKE, DO_POKE_AGAIN, DO_TIME, DO_KILL, DO_CREATE, DO_PAUSE, DO_UNPAUSE, DO_VCPU, DO_TYPE,
	DO_UART, DO_MULTICALL, DO_FAIL, DO_PREEMPT, DO_PREEMPT_ALWAYS, DO_FAIL_COPY, DO_FAIL_TABLES,
	DO_FAIL_ATOMICS, DO_MULTICALL_LONG,
};

static struct {
	const struct insn *next, *end;
	struct insn later[LATER_MAX]; /* to happen in between, in this order */
	u32 nr_later, countdown;
	bool busy[CPUS]; /* is in the middle of something */
	u32 depth;
} run;

static u32 reached[256][2]; /* calls and successes, for FUZZ_COUNT */

static void insn_do(const struct insn *in);

/* --- hypercalls --- */

static void count(u32 kind, long rc)
{
	reached[kind][0]++;
	reached[kind][1] += rc >= 0;
}

/*
 * As a guest's CPU does it: again and again until it is done, with whatever the CPU has to do in
 * between. The vcpu may be gone, or run somewhere else, after each time.
 */
static long call_run(struct call *c, unsigned int cpu)
{
	const struct vcpu *v = current_vcpu();
	long rc = -XEN_ENOSYS;

	for (u32 n = 0; n < RESTARTS; n++) {
		if (!host.preempt_in)
			host.preempt_in = POLLS_MAX;
		rc = hypercall_call(c->nr, c->arg);
		CHECK(this_cpu()->id == cpu && this_cpu()->lock_depth == 0);
		if (rc != -XEN_ERESTART || host.preempt_in == POLLS_MAX)
			break;
		if (house_run_cpu(cpu) != v)
			break;
	}
	return rc;
}

static void do_call(u32 kind, const u8 *operand, unsigned int cpu)
{
	struct call c;

	call_make(&c, kind, operand, run.depth);
	count(kind, call_run(&c, cpu));
}

/* The next instructions are one list; each must be a hypercall. */
static void do_multicall_of(const u8 *operand, unsigned int cpu, u32 copies)
{
	u32 n = 1 + operand[0] % SLOTS, entries = 0;
	struct abi_multicall_entry list[4 * SLOTS] = { { 0 } };
	struct vcpu *v = current_vcpu();
	u64 gpa = ((house.ram_gfn[v->domain->id] + v->id * ROOM_PAGES + 3) << PAGE_SHIFT);
	struct call c;

	for (u32 i = 0; i < n && run.next < run.end; i++) {
		const struct insn *in = run.next++;

		call_make(&c, (in->op + 256U - CALLS) % 256 % call_kinds, in->operand, i % SLOTS);
		for (u32 k = 0; k < copies; k++, entries++) {
			list[entries].op = c.nr;
			memcpy(list[entries].args, c.arg, sizeof(c.arg));
		}
	}
	guest_write(v->domain, gpa, list, sizeof(list));
	c = (struct call){ HC_multicall, { gpa, operand[1] < 240 ? entries : operand[1] } };
	call_run(&c, cpu);
}

/* --- events --- */

static void do_vcpu(struct domain *d, struct vcpu *v, const u8 *operand)
{
	switch (operand[0] % 8) {
	case 0:
		sched_release(&v->unit, HOLD_DOWN);
		break;
	case 1:
		domain_pause(v->domain);
		break;
	case 2:
		domain_unpause(v->domain);
		break;
	case 3:
		v->arch.irq_pending = operand[1] & 1;
		vcpu_wake(v);
		break;
	case 4:
		evtchn_send_virq_all(operand[1] % NR_VIRQS);
		break;
	case 5:
		evtchn_send_virq_global(operand[1] % NR_VIRQS);
		break;
	case 6:
		if (operand[1] < 32)
			domain_crash(d, "for the sake of it");
		break;
	default:
		vcpu_request(v, VCPU_REQ_VGIC);
	}
}

static void let_time_pass(const u8 *operand)
{
	host.now += (nstime_t)operand[0] * (operand[1] < 200 ? 10000 : NS_PER_S);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		if (!run.busy[cpu])
			house_run_cpu(cpu);
}

/* What makes the next thing go wrong. */
static void do_failure(enum event e, const u8 *operand)
{
	switch (e) {
	case DO_FAIL:
		house.fail_in = 1 + operand[0] % 16;
		break;
	case DO_PREEMPT:
		host.preempt_in = 1 + operand[0] % 40;
		break;
	case DO_PREEMPT_ALWAYS:
		host.preempt_always = true;
		break;
	case DO_FAIL_COPY:
		host.fail_copy_in = 1 + operand[0] % 10;
		break;
	case DO_FAIL_TABLES:
		host.fail_p2m_in = 1 + operand[0] % 8;
		host.fail_p2m_more = operand[1] & 1;
		break;
	default:
		host.fail_atomics = operand[0] & 1 ? operand[1] % 8 : operand[1] * 3;
	}
}

static void failures_over(void)
{
	house.fail_in = 0;
	host.preempt_always = false;
	host.fail_p2m_more = 0;
	host.preempt_in = host.fail_copy_in = host.fail_p2m_in = 0;
	host.fail_atomics = 0;
}

/* By the hypervisor itself, on any CPU that is free. */
static void event_do(enum event e, const struct insn *in)
{
	struct domain *d = house_domain(in->who % DOMS);
	struct vcpu *v = d ? d->vcpus[in->who / DOMS % VCPUS] : NULL;

	switch (e) {
	case DO_TIME:
		let_time_pass(in->operand);
		break;
	case DO_KILL:
		if (in->operand[0] < 64)
			house_kill(in->who % DOMS);
		break;
	case DO_CREATE:
		house_create(in->who % DOMS);
		break;
	case DO_TYPE:
		house_type((const char *)in->operand + 1, in->operand[0] % OPERANDS);
		break;
	case DO_PAUSE:
		if (d)
			domain_pause(d);
		break;
	case DO_UNPAUSE:
		if (d)
			domain_unpause(d);
		break;
	default:
		if (v)
			do_vcpu(d, v, in->operand);
	}
}

/* A vcpu does it, on the CPU that it has. */
static void guest_do(const struct insn *in)
{
	unsigned int cpu = in->who % (CPUS - 1);
	struct vcpu *v;

	if (run.busy[cpu])
		return;
	v = house_run_cpu(cpu);
	if (!v)
		return;
	run.busy[cpu] = true;
	if (in->op >= CALLS)
		do_call((in->op - CALLS) % call_kinds, in->operand, cpu);
	else if (in->op == DO_UART)
		uart_access(v, in->operand);
	else if (in->op == DO_MULTICALL)
		do_multicall_of(in->operand, cpu, 1);
	else if (in->op == DO_MULTICALL_LONG)
		do_multicall_of(in->operand, cpu, 4);
	else
		poke(v, in->operand);
	run.busy[cpu] = false;
}

static void insn_do(const struct insn *in)
{
	unsigned int cpu = cpu_id();

	run.depth++;
	switch (in->op) {
	case DO_FAIL:
	case DO_PREEMPT:
	case DO_PREEMPT_ALWAYS:
	case DO_FAIL_COPY:
	case DO_FAIL_TABLES:
	case DO_FAIL_ATOMICS:
		do_failure(in->op, in->operand);
		break;
	case DO_TIME:
	case DO_KILL:
	case DO_CREATE:
	case DO_PAUSE:
	case DO_UNPAUSE:
	case DO_VCPU:
	case DO_TYPE:
		if (!run.busy[CPUS - 1]) {
			host_set_cpu(CPUS - 1);
			run.busy[CPUS - 1] = true;
			event_do(in->op, in);
			run.busy[CPUS - 1] = false;
		}
		break;
	default:
		guest_do(in);
	}
	host_set_cpu(cpu);
	run.depth--;
}

/* A place where others may come in between; locked: they can do no more than write to memory. */
static void meanwhile(bool locked)
{
	struct insn in;

	if (!run.nr_later || run.depth > 4)
		return;
	in = run.later[0];
	if (locked && in.op != DO_POKE && in.op != DO_POKE_AGAIN)
		return;
	if (run.countdown && --run.countdown)
		return;
	run.nr_later--;
	memmove(run.later, run.later + 1, run.nr_later * sizeof(run.later[0]));
	run.countdown = run.nr_later ? run.later[0].when - WHEN_NOW : 0;
	if (locked) {
		struct domain *d = house_domain(in.who % DOMS);

		if (d && d->vcpus[0])
			poke(d->vcpus[0], in.operand);
		return;
	}
	insn_do(&in);
}

static bool is_failure(const struct insn *in)
{
	return in->op == DO_FAIL || (in->op >= DO_PREEMPT && in->op <= DO_FAIL_ATOMICS);
}

/* With everything that comes in between. */
static void step(void)
{
	const struct insn *in = run.next++;

	if (in->when >= WHEN_NOW && run.nr_later < LATER_MAX && !is_failure(in)) {
		if (!run.nr_later)
			run.countdown = in->when - WHEN_NOW;
		run.later[run.nr_later++] = *in;
		return;
	}
	insn_do(in);
	if (is_failure(in))
		return;
	failures_over();
	while (run.nr_later) {
		run.countdown = 0;
		meanwhile(false);
	}
	if ((run.end - run.next) % 4 == 0)
		check_house();
}

/* --- the fuzzer's interface --- */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t nr_a, const uint8_t *b, size_t nr_b,
				 uint8_t *out, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static void counts_print(void)
{
	for (u32 i = 0; i < call_kinds; i++)
		fprintf(stderr, "%-28s %8u calls, %8u succeeded\n", call_name(i), reached[i][0],
			reached[i][1]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CHECK(sizeof(struct insn) == INSN && CALLS + call_kinds <= 256);
	if (getenv("FUZZ_COUNT"))
		atexit(counts_print);
	house_start(true);
	return 0;
}

/* Head: what the house is like; the rest of it is for later. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 * INSN)
		return 0;
	house.direct = data[0] & 2;
	house.share = data[0] & 4;
	house.grant_v2 = data[0] & 8;
	house_start(!(data[0] & 1));
	memset(&run, 0, sizeof(run));
	host.now = MAX(host.now, 1L);
	run.next = (const struct insn *)data + 1;
	run.end = (const struct insn *)data + MIN(size / INSN, (size_t)INSNS_MAX);
	host_set_cpu(CPUS - 1);
	for (domid_t id = 0; id < DOMS; id++)
		if (!(data[1] & 1U << id))
			house_create(id);
	house.meanwhile = meanwhile;
	while (run.next < run.end)
		step();
	house.meanwhile = NULL;
	house_end();
	return 0;
}

/* --- mutations keep instructions whole --- */

static u32 dice_state;

static u32 dice(u32 n)
{
	dice_state = dice_state * 1664525U + 1013904223U;
	return (dice_state >> 8) % n;
}

static void insn_random(u8 *p, const u8 *before)
{
	for (u32 i = 0; i < INSN; i++)
		p[i] = (u8)dice(256);
	if (dice(4) == 0)
		p[0] = (u8)dice(DO_MULTICALL_LONG + 1);
	else /* mostly something like the one before */
		p[0] = dice(2) && before[0] >= CALLS ? (u8)(before[0] + dice(15) - 7) :
						       (u8)(CALLS + dice(call_kinds));
	if (dice(4))
		p[2] = 0;
	else if (dice(2))
		p[2] = (u8)(WHEN_NOW + 1 + dice(8));
	if (dice(8))
		p[INSN - 1] = 0; /* no twist */
	for (u32 i = 3; i < INSN - 1; i++)
		if (dice(3))
			p[i] = (u8)dice(16);
}

/* A field is near to one of the instruction before: a port, a reference, a page. */
static void insn_change(u8 *p, const u8 *before)
{
	u32 i = dice(INSN);

	switch (dice(4)) {
	case 0:
		p[i] = (u8)dice(256);
		break;
	case 1:
		p[i] = (u8)(p[i] + dice(5) - 2);
		break;
	case 2:
		p[i] = before[dice(INSN)];
		break;
	default:
		LLVMFuzzerMutate(p, INSN, INSN);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t n = size / INSN, most = MIN(max / INSN, (size_t)INSNS_MAX), i, k;

	dice_state = seed;
	if (n < 2) {
		memset(data, 0, INSN);
		n = 1;
	}
	for (u32 times = 1 + dice(4); times; times--) {
		i = 1 + dice((u32)n);
		k = n > 1 ? 1 + dice((u32)n - 1) : 0;
		switch (k ? dice(8) : 0) {
		case 0:
		case 1: /* insert */
		case 2: /* repeat one */
			if (n >= most)
				break;
			memmove(data + (i + 1) * INSN, data + i * INSN, (n - i) * INSN);
			n++;
			if (!k || dice(3))
				insn_random(data + i * INSN, data + (i - 1) * INSN);
			else
				memcpy(data + i * INSN, data + (k >= i ? k + 1 : k) * INSN, INSN);
			break;
		case 3: /* remove */
			if (n <= 2)
				break;
			memmove(data + k * INSN, data + (k + 1) * INSN, (n - k - 1) * INSN);
			n--;
			break;
		case 4:
			data[dice(2)] = (u8)dice(8);
			break;
		default:
			insn_change(data + k * INSN, data + (k - 1) * INSN);
		}
	}
	return n * INSN;
}

/* The beginning of one program, then a part of another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t nr_a, const uint8_t *b, size_t nr_b,
				 uint8_t *out, size_t max, unsigned int seed)
{
	size_t n = nr_a / INSN, from, left, most = max / INSN;

	dice_state = seed;
	if (n < 2 || nr_b < 2 * INSN)
		return 0;
	n = 1 + dice((u32)n);
	n = MIN(n, most);
	memcpy(out, a, n * INSN);
	from = 1 + dice((u32)(nr_b / INSN) - 1);
	left = MIN(nr_b / INSN - from, most - n);
	memcpy(out + n * INSN, b + from * INSN, left * INSN);
	return (n + left) * INSN;
}
