/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c
 *	    hyp/mm/p2m.c */
/*
 * The FIFO format: errors, events from before there were words, queue order and priorities
 * against a model with random operations.
 */
#include "ipc_house.h"
#include "fifo_calls.h"

/* --- errors --- */

static void test_init_control(void **state)
{
	assert_int_equal(init_control(CONTROL_GFN, 4096 - 71, 0), -XEN_EINVAL);
	assert_int_equal(init_control(CONTROL_GFN, 0xfffffff8, 0), -XEN_EINVAL);
	assert_int_equal(init_control(CONTROL_GFN, 4, 0), -XEN_EINVAL);
	assert_int_equal(init_control(CONTROL_GFN, 0, VCPUS), -XEN_ENOENT);
	assert_int_equal(init_control(0x999, 0, 0), -XEN_EINVAL);
	assert_int_equal(set_priority(1, 1), -XEN_ENOSYS); /* still 2-level */
	assert_int_equal(init_control(CONTROL_GFN, 4096 - 72, 0), 0);
	assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 2);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -XEN_EINVAL);
	assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 2);
	assert_int_equal(init_control(CONTROL_GFN + 1, 0, 1), 0);
	assert_int_equal(expand(0x999), -XEN_EINVAL);
	assert_int_equal(expand(ARRAY_GFN), 0);
	host.fail_copy_in = 2;
	assert_int_equal(init_control(CONTROL_GFN + 2, 0, 2), -XEN_EFAULT);
}

/* The change of format fails at each allocation in turn. */
static void test_no_memory(void **state)
{
	u32 failed = 0;

	memory_eat();
	while (init_control(CONTROL_GFN, 0, 0) == -XEN_ENOMEM) {
		assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 1);
		for (u32 i = 0; i < VCPUS; i++)
			assert_null(dom0->vcpus[i]->fifo);
		assert_int_equal(expand(ARRAY_GFN), -XEN_EOPNOTSUPP);
		memory_give_page();
		failed++;
	}
	assert_in_range(failed, 2, 8);
	assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 2);
	memory_give_all();
}

static void test_set_priority(void **state)
{
	u32 port;

	fifo_start(1);
	port = bind_ipi(0);
	assert_int_equal(set_priority(port, 0), 0);
	assert_int_equal(set_priority(port, 15), 0);
	assert_int_equal(set_priority(port, 16), -XEN_EINVAL);
	assert_int_equal(set_priority(port + 1, 1), -XEN_EACCES);
	assert_int_equal(set_priority(0, 1), -XEN_EACCES);
	assert_int_equal(set_priority(200000, 1), -XEN_EINVAL);
	*word_of(port) = EVTCHN_FIFO_MASKED;
	assert_int_equal(SEND(port), 0);
	assert_int_equal(*word_of(port), 0xc0000000);
}

static void test_reset(void **state)
{
	u32 port, prio;

	fifo_start(2);
	port = bind_ipi(0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(guest_consume(0, &prio), port);
	assert_int_equal(reset(DOMID_SELF), 0);
	memset(guest, 0, sizeof(guest));
	assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 1);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN + 1)->refs, 1);
	port = bind_ipi(0);
	assert_int_equal(port, 1);
	assert_int_equal(set_priority(port, 1), -XEN_ENOSYS);
	assert_int_equal(SEND(port), 0);
	assert_true(bit_test(dom0->shared_info->evtchn_pending, port));
	/* And back. */
	dom0->shared_info->evtchn_pending[0] = 0;
	memset(dom_ptr(dom0, ARRAY_GFN), 0, PAGE_SIZE);
	fifo_start(1);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(guest_consume(0, &prio), port);
}

/* Events that come before their word, or came in the other format, are not lost. */
static void test_early_events(void **state)
{
	u32 before = bind_ipi(0), early, prio;

	assert_int_equal(SEND(before), 0);
	for (u32 i = 0; i < VCPUS; i++)
		assert_int_equal(init_control(CONTROL_GFN + i, 0, i), 0);
	early = bind_ipi(1);
	assert_int_equal(SEND(early), 0);
	assert_int_equal(UNMASK(early), 0);
	assert_int_equal(evtchn_poll_check(dom0, early), 0);
	assert_int_equal(upcalls(dom0->vcpus[1]), 0);
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(upcalls(dom0->vcpus[1]), 1);
	assert_int_equal(evtchn_poll_check(dom0, early), 1);
	assert_int_equal(guest_consume(1, &prio), early);
	assert_int_equal(prio, EVTCHN_FIFO_PRIORITY_DEFAULT);
	assert_true(guest_handle(early));
	assert_int_equal(guest_consume(0, &prio), before);
	assert_false(bit_test(dom0->shared_info->evtchn_pending, before));
	/* Closed meanwhile: nothing to send any more. */
	early = 0;
	for (u32 i = 0; i < 1024; i++)
		early = bind_ipi(0);
	assert_true(early >= 1024);
	assert_int_equal(SEND(early), 0);
	assert_int_equal(CLOSE(early), 0);
	/* Not even when somebody else has the port. */
	assert_int_equal(bind_ipi(0), early);
	assert_int_equal(expand(ARRAY_GFN + 1), 0);
	assert_int_equal(*word_of(early), 0);
	/* Sent once, queued once. */
	assert_int_equal(reset(DOMID_SELF), 0);
	memset(dom_ptr(dom0, ARRAY_GFN), 0, PAGE_SIZE);
	memset(dom_ptr(dom0, CONTROL_GFN), 0, PAGE_SIZE);
	memset(guest, 0, sizeof(guest));
	fifo_start(1);
	assert_int_equal(bind_ipi(0), 1);
	assert_int_equal(guest_consume(0, &prio), 0);
}

static void test_poll(void **state)
{
	struct vcpu *v = dom0->vcpus[1];
	u32 port;

	fifo_start(1);
	port = bind_ipi(0);
	*word_of(port) = EVTCHN_FIFO_MASKED;
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, port);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(wakes[0][1], 1);
	assert_int_equal(evtchn_poll_check(dom0, port), 1);
	/* It was pending already: nothing new to wake for. */
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, port);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(wakes[0][1], 1);
	evtchn_poll_end(v);
}

/* Preempted while it looks for early events, a registration is finished, not done twice. */
static void test_expand_preempted(void **state)
{
	u64 arg[5] = { EVTCHNOP_expand_array, room };
	struct abi_evtchn_expand_array a = { .array_gfn = ARRAY_GFN };
	u32 ports[200], prio, n = 0;

	assert_int_equal(init_control(CONTROL_GFN, 0, 0), 0);
	for (u32 i = 0; i < 200; i++) {
		ports[i] = bind_ipi(0);
		assert_int_equal(SEND(ports[i]), 0);
	}
	room_put(&a, sizeof(a));
	host.preempt_in = 2;
	assert_int_equal(do_event_channel_op(arg), -XEN_ERESTART);
	host.preempt_in = 1;
	assert_int_equal(do_event_channel_op(arg), -XEN_ERESTART);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN)->refs, 2);
	assert_int_equal(do_event_channel_op(arg), 0);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN)->refs, 2);
	for (u32 i = 0; i < 200; i++)
		assert_int_equal(guest_consume(0, &prio), ports[i]);
	while (guest_consume(0, &prio))
		n++;
	assert_int_equal(n, 0);
	/* The same page again is another part of the array. */
	assert_int_equal(expand(ARRAY_GFN), 0);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN)->refs, 3);
}

static void test_vcpu_without_control(void **state)
{
	u32 port, prio;

	assert_int_equal(init_control(CONTROL_GFN, 0, 0), 0);
	assert_int_equal(expand(ARRAY_GFN), 0);
	port = bind_ipi(1);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(*word_of(port), EVTCHN_FIFO_PENDING);
	assert_int_equal(init_control(CONTROL_GFN + 1, 0, 1), 0);
	assert_int_equal(UNMASK(port), 0);
	assert_int_equal(guest_consume(1, &prio), port);
}

/* A closed port that the guest still has in a queue is not given out again. */
static void test_busy_port(void **state)
{
	u32 a, b, prio;

	fifo_start(1);
	a = bind_ipi(0);
	assert_int_equal(SEND(a), 0);
	assert_int_equal(CLOSE(a), 0);
	assert_int_equal(*word_of(a), EVTCHN_FIFO_LINKED);
	b = bind_ipi(0);
	assert_int_not_equal(a, b);
	assert_int_equal(guest_consume(0, &prio), a);
	assert_false(guest_handle(a));
	assert_int_equal(bind_ipi(0), a);
	/* A guest that claims all to be busy waits for nothing long. */
	for (u32 i = 0; i < 1024; i++)
		*word_of(i) |= EVTCHN_FIFO_LINKED;
	assert_int_equal(bind_ipi(0), 1024);
	for (u32 i = 1024; i < 4096; i++)
		assert_int_equal(bind_ipi(0), i + 1);
	for (u32 i = 1; i < 4; i++)
		assert_int_equal(expand(ARRAY_GFN + i), 0);
	for (u32 i = 1024; i < 4096; i++) {
		assert_int_equal(CLOSE(i), 0);
		*word_of(i) = EVTCHN_FIFO_LINKED;
	}
	assert_int_equal(bind_ipi(0), 0);
}

static void test_exhaustion(void **state)
{
	u32 n = 0;

	fifo_start(128);
	assert_int_equal(expand(ARRAY_GFN + 128), -XEN_ENOSPC);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN + 128)->refs, 1);
	while (bind_ipi(0))
		n++;
	assert_int_equal(n, EVTCHN_FIFO_PORTS - 1);
	assert_int_equal(SEND(EVTCHN_FIFO_PORTS - 1), 0);
	assert_int_equal(control_of(0)->head[7], EVTCHN_FIFO_PORTS - 1);
	host.polls = 0;
	assert_int_equal(reset(DOMID_SELF), 0);
	assert_true(host.polls > 1000);
}

/* --- the model --- */

#define PORTS 40

static struct {
	u32 port, sender; /* sender 0: an IPI */
	u32 vcpu, prio;
	bool pending, masked, linked;
} model[PORTS];
static struct {
	u32 order[PORTS], n;
} queue[VCPUS][EVTCHN_FIFO_QUEUES];

static void model_raise(u32 i)
{
	u32 *n = &queue[model[i].vcpu][model[i].prio].n;

	model[i].pending = true;
	if (model[i].masked || model[i].linked)
		return;
	model[i].linked = true;
	queue[model[i].vcpu][model[i].prio].order[(*n)++] = i;
}

static void model_init(void)
{
	memset(model, 0, sizeof(model));
	memset(queue, 0, sizeof(queue));
	memset(guest, 0, sizeof(guest));
	for (u32 i = 0; i < PORTS; i++) {
		model[i].prio = EVTCHN_FIFO_PRIORITY_DEFAULT;
		if (i % 2) {
			model[i].vcpu = (u32)rnd(VCPUS);
			model[i].port = bind_ipi(model[i].vcpu);
			continue;
		}
		model[i].port = bind_loop(&model[i].sender);
		/* Binding made the sending end pending: that is not in the model. */
		*word_of(model[i].sender) = EVTCHN_FIFO_MASKED;
	}
	for (u32 v = 0; v < VCPUS; v++)
		memset(control_of(v), 0, sizeof(*control_of(v)));
}

static void model_consume(void)
{
	u32 v = (u32)rnd(VCPUS), prio, want = 0, port, i;

	while (want < EVTCHN_FIFO_QUEUES && !queue[v][want].n)
		want++;
	port = guest_consume(v, &prio);
	if (want == EVTCHN_FIFO_QUEUES) {
		assert_int_equal(port, 0);
		return;
	}
	assert_int_not_equal(port, 0);
	assert_int_equal(prio, want);
	i = queue[v][want].order[0];
	assert_int_equal(port, model[i].port);
	queue[v][want].n--;
	memmove(&queue[v][want].order[0], &queue[v][want].order[1],
		queue[v][want].n * sizeof(u32));
	model[i].linked = false;
	assert_int_equal(guest_handle(port), model[i].pending && !model[i].masked);
	if (!model[i].masked)
		model[i].pending = false;
}

static void model_step(void)
{
	u32 i = (u32)rnd(PORTS), n;

	switch (rnd(8)) {
	case 0:
	case 1:
	case 2:
		assert_int_equal(SEND(model[i].sender ? model[i].sender : model[i].port), 0);
		model_raise(i);
		break;
	case 3:
		model[i].masked = true;
		*word_of(model[i].port) |= EVTCHN_FIFO_MASKED;
		break;
	case 4:
		assert_int_equal(UNMASK(model[i].port), 0);
		model[i].masked = false;
		if (model[i].pending)
			model_raise(i);
		break;
	case 5:
		n = (u32)rnd(16);
		assert_int_equal(set_priority(model[i].port, n), 0);
		model[i].prio = n;
		break;
	case 6:
		n = (u32)rnd(VCPUS);
		assert_int_equal(bind_vcpu(model[i].port, n), i % 2 ? -XEN_EINVAL : 0);
		if (i % 2 == 0)
			model[i].vcpu = n;
		break;
	default:
		for (n = (u32)rnd(3); n; n--)
			model_consume();
	}
}

static void test_model(void **state)
{
	fifo_start(1);
	/* A queue that once held all: the tail is a port that may have moved since. */
	model_init();
	for (u32 step = 0; step < 200000; step++) {
		model_step();
		for (u32 i = 0; i < PORTS; i++) {
			u32 w = *word_of(model[i].port);

			assert_int_equal(!!(w & EVTCHN_FIFO_PENDING), model[i].pending);
			assert_int_equal(!!(w & EVTCHN_FIFO_LINKED), model[i].linked);
			assert_int_equal(w & EVTCHN_FIFO_BUSY, 0);
		}
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init_control),
		TEST(test_no_memory),
		TEST(test_set_priority),
		TEST(test_reset),
		TEST(test_early_events),
		TEST(test_poll),
		TEST(test_expand_preempted),
		TEST(test_vcpu_without_control),
		TEST(test_busy_port),
		TEST(test_exhaustion),
		TEST(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
