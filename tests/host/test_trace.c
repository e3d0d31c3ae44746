/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/trace_sched.c hyp/core/runstate.c hyp/control/control.c hyp/control/sysctl_trace.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Trace buffers: making them with faults and preemption everywhere, rings that wrap, are full, or
 * have a reader that lies, and who records when. A reader as xentrace is one decodes all there is.
 */
#include "world.h"

#include "../../hyp/control/sysctl.h"
#include <serai/hypercall.h>
#include <serai/runstate.h>

static u64 count; /* the system counter */

#define time_arch_cycles() count
#include "../../hyp/core/trace.c"
#undef time_arch_cycles
#include "../../hyp/core/trace_buffers.c"

#define PAGES 2U
#define EVENT 0x21001U /* any that the whole mask wants */

struct options options;
struct sched_hooks sched_hooks;
static unsigned int switches, news;

static void plain_switch(struct sched_unit *prev, struct sched_unit *next)
{
	switches++;
	this_cpu()->current = next ? container_of(next, struct vcpu, unit) : NULL;
}

const struct sched_hooks vcpu_sched_hooks = { .context_switch = plain_switch,
					      .state_changed = runstate_unit_changed };

static void trace_news(void)
{
	news++;
}

struct domain_actions domain_actions = { .trace_news = trace_news };

nstime_t time_now(void)
{
	return host.now;
}

void guest_area_release(struct guest_area *a)
{
}

int guest_area_map(struct guest_area *a, struct domain *d, gfn_t g)
{
	return -XEN_EINVAL;
}

static int setup(void **state)
{
	world_init();
	trace = (struct trace_state){ .lock = LOCK_INIT(RANK_DOMAIN), .events = TRC_ALL };
	memset(&traced_cpus, 0xff, sizeof(traced_cpus));
	memset(&dom_xen, 0, sizeof(dom_xen));
	memset(&options, 0, sizeof(options));
	sched_hooks = vcpu_sched_hooks;
	trace_traps = false;
	switches = news = 0;
	count = 1000;
	return 0;
}

static void make_buffers(void)
{
	assert_int_equal(trace_set_size(PAGES), 0);
	assert_int_equal(trace_enable(), 0);
}

/* --- a reader --- */

static u8 file[1 << 20];
static u32 file_size, file_at, file_start;

static struct abi_t_buf *meta(unsigned int cpu)
{
	return trace_buffer_page(cpu, 0);
}

/* Takes all that there is from a CPU's ring. */
static void read_out(unsigned int cpu)
{
	struct abi_t_buf *b = meta(cpu);

	file_size = file_at = 0;
	file_start = b->cons;
	assert_in_range(b->prod, 0, 2 * trace.bytes - 4);
	while (b->cons != b->prod) {
		u32 at = DATA_OFFSET + b->cons % trace.bytes;

		memcpy(file + file_size,
		       (char *)trace_buffer_page(cpu, at / PAGE_SIZE) + at % PAGE_SIZE, 4);
		file_size += 4;
		b->cons = (b->cons + 4) % (2 * trace.bytes);
		assert_in_range(file_size, 4, trace.bytes);
	}
}

static u32 word(void)
{
	u32 w;

	assert_in_range(file_at, 0, file_size - 4);
	memcpy(&w, file + file_at, 4);
	file_at += 4;
	return w;
}

struct record {
	u32 event, nr, extra[7];
	u64 cycles;
};

/* The next record that is no filler; false at the end. */
static bool next(struct record *r)
{
	do {
		u32 head, place = (file_start + file_at) % trace.bytes, begin = file_at;

		if (file_at == file_size)
			return false;
		head = word();
		r->event = head & 0x0fffffff;
		r->nr = head >> TRC_HD_EXTRA_SHIFT & TRACE_EXTRA_MAX;
		r->cycles = 0;
		if (head & TRC_HD_CYCLE_FLAG) {
			r->cycles = word();
			r->cycles |= (u64)word() << 32;
		}
		for (u32 i = 0; i < r->nr; i++)
			r->extra[i] = word();
		/* None goes over the end of the ring. */
		assert_in_range(place + file_at - begin, 0, trace.bytes);
	} while (r->event == TRC_TRACE_WRAP_BUFFER);
	return true;
}

static void expect(u32 event, u32 nr, u32 a, u32 b)
{
	struct record r;

	assert_true(next(&r));
	assert_int_equal(r.event, event);
	assert_int_equal(r.nr, nr);
	assert_int_equal(r.extra[0], a);
	if (nr > 1)
		assert_int_equal(r.extra[1], b);
}

static void expect_end(void)
{
	struct record r;

	assert_false(next(&r));
}

/* --- buffers --- */

static void info_describes_the_buffers(void **state)
{
	struct trace_info i = trace_info();
	const struct abi_t_info *t;

	assert_int_equal(i.mfn, 0);
	assert_int_equal(i.size, 0);
	assert_int_equal(i.events, TRC_ALL);
	assert_int_equal(trace_enable(), -XEN_EINVAL);
	assert_int_equal(trace_set_size(0), -XEN_EINVAL);
	assert_int_equal(trace_set_size(65536), -XEN_EINVAL);
	assert_int_equal(trace_set_size(PAGES), 0);
	i = trace_info();
	assert_int_equal(i.size, PAGE_SIZE);
	t = world_frame_bytes(i.mfn);
	assert_int_equal(t->tbuf_size, PAGES);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		const u32 *mfns = (const u32 *)(const void *)t + t->mfn_offset[cpu];

		for (u32 n = 0; n < PAGES; n++)
			assert_ptr_equal(world_frame_bytes(mfns[n]), trace_buffer_page(cpu, n));
	}
	/* Once and for all. */
	assert_int_equal(trace_set_size(PAGES), -XEN_EBUSY);
	assert_int_equal(trace_set_size(PAGES + 1), -XEN_EINVAL);
	assert_int_equal(trace_info().mfn, i.mfn);
}

static void long_lists_take_several_pages(void **state)
{
	assert_int_equal(trace_set_size(1500), 0);
	assert_int_equal(trace_info().size, 4 * PAGE_SIZE);
}

static void pages_are_xens_and_readable_only_where_they_must(void **state)
{
	bool writable = true;
	struct frame *f;
	u64 m;

	assert_null(trace_page_get(HOST_RAM_BASE >> PAGE_SHIFT, &writable));
	assert_int_equal(trace_set_size(PAGES), 0);
	m = trace_info().mfn;
	f = trace_page_get(m, &writable);
	assert_ptr_equal(f, mfn_to_frame(mfn(m)));
	assert_false(writable);
	frame_put(f);
	m = virt_to_mfn(trace_buffer_page(1, 1)).v;
	f = trace_page_get(m, &writable);
	assert_non_null(f);
	assert_true(writable);
	frame_put(f);
	/* Others' pages, the hypervisor's, and what is none. */
	assert_null(trace_page_get(virt_to_mfn(world[1].shared_info).v, &writable));
	assert_null(trace_page_get(world_give_ram(&world[1], 5, 0), &writable));
	assert_null(trace_page_get(virt_to_mfn(heap_alloc_page()).v, &writable));
	assert_null(trace_page_get(~0UL, &writable));
	assert_null(trace_page_get(0, &writable));
}

static void making_is_preempted_after_each_page(void **state)
{
	int calls = 1;

	host.preempt_always = true;
	while (trace_set_size(PAGES) == -XEN_ERESTART) {
		assert_int_equal(trace_info().mfn, 0);
		assert_int_equal(trace_enable(), -XEN_EINVAL);
		assert_int_equal(trace_set_size(PAGES + 1), -XEN_EINVAL);
		calls++;
	}
	assert_in_range(calls, 2 * PAGES, 2 * PAGES + 1);
	assert_int_not_equal(trace_info().mfn, 0);
}

/* Every number of pages that is too small. */
static void without_memory_nothing_stays(void **state)
{
	u64 free = world_free_frames();

	for (u32 room = 0; room < 2 * 8 + 1; room++) {
		static void *taken[WORLD_FRAMES];
		u32 n = 0;
		int rc;

		while (world_free_frames() > room)
			assert_non_null(taken[n++] = heap_alloc_page());
		host.preempt_always = room % 2;
		do {
			rc = trace_set_size(8);
		} while (rc == -XEN_ERESTART);
		assert_int_equal(rc, -XEN_ENOMEM);
		assert_int_equal(world_free_frames(), room);
		assert_int_equal(trace_info().mfn, 0);
		while (n)
			heap_free(taken[--n], 0);
		assert_int_equal(world_free_frames(), free);
	}
	assert_int_equal(trace_set_size(4), 0);
	assert_int_equal(world_free_frames(), free - 9);
}

/* --- rings --- */

static void records_are_what_was_given(void **state)
{
	u32 extra[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct record r;

	make_buffers();
	count = 0x123456789abcUL;
	trace_record(EVENT, 7, extra);
	trace_record(EVENT + 1, 0, NULL);
	read_out(0);
	assert_int_equal(file_size, 40 + 12);
	assert_true(next(&r));
	assert_int_equal(r.event, EVENT);
	assert_int_equal(r.cycles, 0x123456789abcUL);
	assert_int_equal(r.nr, 7);
	assert_memory_equal(r.extra, extra, sizeof(extra));
	assert_true(next(&r));
	assert_int_equal(r.event, EVENT + 1);
	expect_end();
	read_out(1);
	expect_end();
	host_set_cpu(1);
	world_enter(0);
	trace_record(EVENT, 1, extra);
	read_out(0);
	expect_end();
	read_out(1);
	expect(EVENT, 1, 1, 0);
}

/* Many rounds through the ring in all sizes, with a reader that comes at random. */
static void rings_wrap(void **state)
{
	u32 extra[7] = { 0 }, sent = 0, seen = 0;
	struct record r;

	make_buffers();
	srand(1);
	while (sent < 30000) {
		u32 n = (u32)rand() % 150;

		for (; n; n--, sent++, count++) {
			extra[0] = sent;
			trace_record(EVENT, 1 + (u32)rand() % 7, extra);
		}
		read_out(0);
		while (next(&r)) {
			assert_int_equal(r.event, EVENT);
			assert_int_equal(r.extra[0], seen);
			seen++;
		}
		assert_int_equal(seen, sent);
	}
	assert_false(trace.bogus);
}

static void a_full_ring_counts_what_it_loses(void **state)
{
	u32 extra[7] = { 0 }, kept = 0, lost = 0;
	struct record r;
	u64 first = 0;

	make_buffers();
	for (u32 i = 0; i < 500; i++, count++) {
		u32 before = meta(0)->prod;

		extra[0] = i;
		trace_record(EVENT, i % 8, extra);
		if (meta(0)->prod == before && !lost++)
			first = count;
		else if (!lost)
			kept++;
	}
	assert_int_equal(meta(0)->cons, 0);
	assert_in_range(lost, 1, 499);
	read_out(0);
	for (u32 i = 0; i < kept; i++) {
		assert_true(next(&r));
		assert_int_equal(r.nr, i % 8);
	}
	expect_end();
	/* What was lost is told before the next record. */
	count = 0x7000000000;
	world[0].id = 5;
	world_vcpu[0].id = 3;
	trace_record(EVENT, 1, extra);
	read_out(0);
	assert_true(next(&r));
	assert_int_equal(r.event, TRC_LOST_RECORDS);
	assert_int_equal(r.nr, 4);
	assert_int_equal(r.cycles, count);
	assert_int_equal(r.extra[0], lost);
	assert_int_equal(r.extra[1], 5 | 3 << 16);
	assert_int_equal(r.extra[2] | (u64)r.extra[3] << 32, first);
	expect(EVENT, 1, extra[0], 0);
	expect_end();
	trace_record(EVENT, 1, extra);
	read_out(0);
	expect(EVENT, 1, extra[0], 0);
	/* An idle CPU has no domain. */
	this_cpu()->current = NULL;
	percpu(trace_cpu)->lost = 1;
	trace_record(EVENT, 1, extra);
	read_out(0);
	expect(TRC_LOST_RECORDS, 4, 1, DOMID_IDLE);
}

/* Free space of every size up to two records and a filler; the ring is never more than full. */
static void the_last_bytes_are_used_or_not(void **state)
{
	u32 extra[7] = { 0 };

	make_buffers();
	for (u32 nr = 0; nr < 8; nr++) {
		for (u32 start = 0; start < 128; start += 4) {
			for (u32 room = 0; room < 128; room += 4) {
				struct trace_cpu *t = percpu(trace_cpu);
				u32 lost = t->lost;

				t->prod = meta(0)->prod = trace.bytes - start;
				meta(0)->cons = (t->prod + trace.bytes + room) % (2 * trace.bytes);
				trace_record(EVENT, nr, extra);
				assert_true(trace.on);
				if (t->lost == lost + 1)
					assert_int_equal(meta(0)->prod, trace.bytes - start);
				else
					assert_int_equal(t->lost, 0);
				assert_in_range((meta(0)->prod - meta(0)->cons + 2 * trace.bytes) %
							(2 * trace.bytes), 0, trace.bytes);
			}
		}
	}
}

static void the_reader_is_told_when_half_is_full(void **state)
{
	u32 extra[7] = { 0 };

	make_buffers();
	this_cpu()->work = 0;
	while (meta(0)->prod < trace.bytes / 2) {
		assert_int_equal(this_cpu()->work, 0);
		trace_record(EVENT, 7, extra);
	}
	assert_int_equal(this_cpu()->work, WORK_TRACE);
	this_cpu()->work = 0;
	trace_work();
	trace_record(EVENT, 7, extra);
	trace_work();
	assert_int_equal(news, 1);
	assert_int_equal(this_cpu()->work, 0);
}

static void a_reader_that_lies_ends_tracing(void **state)
{
	static const u32 lies[] = { 1, 2, 3, 0x80000000, 0xfffffffc, 0xffffffff, 0, 0, 0, 0 };
	u32 extra[7] = { 0 };
	u8 before[2 * PAGE_SIZE];

	make_buffers();
	trace_record(EVENT, 7, extra);
	for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
		u32 lie = lies[i], messages = host.messages;

		if (!lie)
			lie = i % 2 ? 2 * trace.bytes : i % 4 ? meta(0)->prod + 4 :
						meta(0)->prod + trace.bytes - 4;
		meta(0)->cons = lie;
		for (u32 p = 0; p < PAGES; p++)
			memcpy(before + p * PAGE_SIZE, trace_buffer_page(0, p), PAGE_SIZE);
		this_cpu()->work = 0;
		trace_record(EVENT, 7, extra);
		for (u32 p = 0; p < PAGES; p++)
			assert_memory_equal(before + p * PAGE_SIZE, trace_buffer_page(0, p), PAGE_SIZE);
		assert_false(trace.on);
		assert_int_equal(this_cpu()->work, WORK_TRACE);
		trace_work();
		trace_work();
		assert_int_equal(host.messages, messages + 1);
		assert_ptr_equal(sched_hooks.state_changed, vcpu_sched_hooks.state_changed);
		assert_false(host.traps_traced[0]);
		meta(0)->cons = meta(0)->prod;
		assert_int_equal(trace_enable(), 0);
		trace_work();
		trace_record(EVENT, 7, extra);
		read_out(0);
		expect(EVENT, 7, 0, 0);
	}
	/* What it writes elsewhere is its own affair. */
	meta(0)->prod = 0xffffffff;
	memset(meta(0) + 1, 0xff, PAGE_SIZE - sizeof(*meta(0)));
	trace_record(EVENT, 7, extra);
	assert_true(trace.on);
	read_out(0);
	expect(EVENT, 7, 0, 0);
}

/* --- on, off --- */

static void masks_decide(void **state)
{
	struct cpumask cpus = { { 2 } };
	u32 extra[] = { 0 };
	u32 none;

	make_buffers();
	none = meta(0)->prod;
	trace_set_events(0x00022000); /* a class of scheduling events alone */
	trace_record(0x21001, 1, extra);
	trace_record(0x42001, 1, extra);
	assert_int_equal(meta(0)->prod, none);
	trace_record(0x22001, 1, extra);
	assert_int_not_equal(meta(0)->prod, none);
	trace_set_events(TRC_ALL);
	none = meta(0)->prod;
	trace_set_cpus(&cpus);
	trace_record(0x21001, 1, extra);
	assert_int_equal(meta(0)->prod, none);
	host_set_cpu(1);
	world_enter(0);
	trace_record(0x21001, 1, extra);
	assert_int_not_equal(meta(1)->prod, 0);
	trace_disable();
	none = meta(1)->prod;
	trace_record(0x21001, 1, extra);
	assert_int_equal(meta(1)->prod, none);
}

static void other_cpus_are_kicked(void **state)
{
	make_buffers();
	assert_int_equal(host.kicks[1], 1);
	assert_int_equal(cpu_table[1]->remote, WORK_TRACE);
	assert_int_equal(this_cpu()->work, WORK_TRACE);
	assert_false(host.traps_traced[0]);
	trace_work();
	assert_true(host.traps_traced[0]);
	assert_true(trace_traps);
	trace_set_events(TRC_DOM0OP);
	trace_work();
	assert_false(host.traps_traced[0]);
	assert_ptr_equal(sched_hooks.context_switch, plain_switch);
	trace_set_events(TRC_SCHED);
	assert_ptr_not_equal(sched_hooks.context_switch, plain_switch);
	trace_disable();
	trace_work();
	assert_false(host.traps_traced[0]);
	assert_ptr_equal(sched_hooks.context_switch, plain_switch);
	/* Events that are chosen while tracing is off change nothing. */
	trace_set_events(TRC_ALL);
	assert_ptr_equal(sched_hooks.context_switch, plain_switch);
}

static void what_was_lost_is_forgotten_with_the_end(void **state)
{
	u32 extra[7] = { 0 };

	make_buffers();
	for (u32 i = 0; i < 400; i++)
		trace_record(EVENT, 7, extra);
	assert_int_not_equal(percpu(trace_cpu)->lost, 0);
	trace_disable();
	assert_int_equal(trace_enable(), 0);
	read_out(0);
	trace_record(EVENT, 7, extra);
	read_out(0);
	expect(EVENT, 7, 0, 0);
	expect_end();
}

/* --- scheduling --- */

static void set_state(struct vcpu *v, int state)
{
	host.now += 1000;
	sched_hooks.state_changed(&v->unit, state, host.now);
}

static void expect_runstate(u32 dom, u32 vcpu, u32 from, u32 to)
{
	expect(TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4, 1, vcpu | dom << 16, 0);
}

/* What runs on a CPU never has a gap: idling is a vcpu, too. */
static void a_switch_and_back(void **state)
{
	struct vcpu *v = &world_vcpu[1];

	make_buffers();
	host.now = 5000;
	v->runstate.state = RUNSTATE_blocked;
	plain_switch(NULL, NULL);
	set_state(v, RUNSTATE_runnable);
	set_state(v, RUNSTATE_running);
	sched_hooks.context_switch(NULL, &v->unit);
	set_state(v, RUNSTATE_running); /* no change */
	set_state(v, RUNSTATE_blocked);
	sched_hooks.context_switch(&v->unit, NULL);
	set_state(v, RUNSTATE_offline);
	assert_int_equal(switches, 3);
	assert_int_equal(v->runstate.state, RUNSTATE_offline);
	assert_int_equal(v->runstate.time[RUNSTATE_runnable], 1000);
	read_out(0);
	expect(TRC_SCHED_WAKE, 2, 1, 0);
	expect_runstate(1, 0, RUNSTATE_blocked, RUNSTATE_runnable);
	expect(TRC_SCHED_SWITCH_INFPREV, 3, DOMID_IDLE, 0);
	expect_runstate(DOMID_IDLE, 0, RUNSTATE_running, RUNSTATE_runnable);
	expect(TRC_SCHED_SWITCH_INFNEXT, 4, 1, 0);
	expect_runstate(1, 0, RUNSTATE_runnable, RUNSTATE_running);
	expect(TRC_SCHED_SWITCH, 4, DOMID_IDLE, 0);
	expect(TRC_SCHED_BLOCK, 2, 1, 0);
	expect(TRC_SCHED_SWITCH_INFPREV, 3, 1, 0);
	expect_runstate(1, 0, RUNSTATE_running, RUNSTATE_blocked);
	expect(TRC_SCHED_SWITCH, 4, 1, 0);
	expect(TRC_SCHED_SWITCH_INFNEXT, 4, DOMID_IDLE, 0);
	expect_runstate(DOMID_IDLE, 0, RUNSTATE_runnable, RUNSTATE_running);
	expect(TRC_SCHED_SLEEP, 2, 1, 0);
	expect_runstate(1, 0, RUNSTATE_blocked, RUNSTATE_offline);
	expect_end();
}

static void domains_come_and_go(void **state)
{
	make_buffers();
	trace_domain_create(&world[2], NULL);
	trace_domain_shutdown(&world[2], 3);
	trace_domain_destroy(&world[2]);
	read_out(0);
	expect(TRC_DOM0_DOM_ADD, 1, 2, 0);
	expect(TRC_SCHED_DOM_ADD, 1, 2, 0);
	expect(TRC_SCHED_SHUTDOWN, 3, 2, 0);
	expect(TRC_SCHED_DOM_REM, 1, 2, 0);
	expect(TRC_DOM0_DOM_REM, 1, 2, 0);
	expect_end();
}

/* --- the call and the command line --- */

static long tbuf_op(u32 cmd, struct abi_sysctl_tbuf_op *t)
{
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_tbuf_op };
	long rc;

	op.u.tbuf_op = *t;
	op.u.tbuf_op.cmd = cmd;
	rc = sysctl_tbuf_op(&op);
	*t = op.u.tbuf_op;
	return rc;
}

static void the_call_reaches_everything(void **state)
{
	struct abi_sysctl_tbuf_op t = { .size = PAGES, .evt_mask = TRC_SCHED };
	u8 mask = 2;

	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_enable, &t), -XEN_EINVAL);
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_set_size, &t), 0);
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_set_evt_mask, &t), 0);
	t.cpu_mask = (struct abi_bitmap){ .bitmap = host_guest_put(&mask, 1), .nr_bits = 8 };
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_set_cpu_mask, &t), 0);
	assert_int_equal(traced_cpus.bits[0], 2);
	t.cpu_mask.bitmap = HOST_BAD_GVA;
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_set_cpu_mask, &t), -XEN_EFAULT);
	assert_int_equal(traced_cpus.bits[0], 2);
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_enable, &t), 0);
	assert_true(trace.on);
	t = (struct abi_sysctl_tbuf_op){ 0 };
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_get_info, &t), 0);
	assert_int_equal(t.evt_mask, TRC_SCHED);
	assert_int_equal(t.size, PAGE_SIZE);
	assert_int_equal(t.buffer_mfn, trace_info().mfn);
	assert_int_equal(tbuf_op(XEN_SYSCTL_TBUFOP_disable, &t), 0);
	assert_false(trace.on);
	assert_int_equal(tbuf_op(6, &t), -XEN_EINVAL);
	assert_int_equal(tbuf_op(~0U, &t), -XEN_EINVAL);
}

static void tracing_may_begin_with_the_boot(void **state)
{
	trace_boot();
	assert_int_equal(trace_info().mfn, 0);
	options.tbuf_size = 3;
	host.preempt_always = true;
	trace_boot();
	assert_int_not_equal(trace_info().mfn, 0);
	assert_false(trace.on);
	setup(state);
	options.tbuf_size = 3;
	options.tevt_mask = 0x0002f000;
	trace_boot();
	assert_true(trace.on);
	assert_int_equal(trace_info().events, 0x0002f000);
	setup(state);
	options.tbuf_size = 60000;
	trace_boot();
	assert_int_equal(host.messages, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(info_describes_the_buffers, setup),
		cmocka_unit_test_setup(long_lists_take_several_pages, setup),
		cmocka_unit_test_setup(pages_are_xens_and_readable_only_where_they_must, setup),
		cmocka_unit_test_setup(making_is_preempted_after_each_page, setup),
		cmocka_unit_test_setup(without_memory_nothing_stays, setup),
		cmocka_unit_test_setup(records_are_what_was_given, setup),
		cmocka_unit_test_setup(rings_wrap, setup),
		cmocka_unit_test_setup(a_full_ring_counts_what_it_loses, setup),
		cmocka_unit_test_setup(the_last_bytes_are_used_or_not, setup),
		cmocka_unit_test_setup(the_reader_is_told_when_half_is_full, setup),
		cmocka_unit_test_setup(a_reader_that_lies_ends_tracing, setup),
		cmocka_unit_test_setup(masks_decide, setup),
		cmocka_unit_test_setup(other_cpus_are_kicked, setup),
		cmocka_unit_test_setup(what_was_lost_is_forgotten_with_the_end, setup),
		cmocka_unit_test_setup(a_switch_and_back, setup),
		cmocka_unit_test_setup(domains_come_and_go, setup),
		cmocka_unit_test_setup(the_call_reaches_everything, setup),
		cmocka_unit_test_setup(tracing_may_begin_with_the_boot, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
