/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c
 *	    hyp/mm/p2m.c */
/*
 * The FIFO format: errors, events from before there were words, queue order and priorities
 * against a model with random operations, guests that write garbage, several CPUs at once.
 */
#include "ipc_house.h"
#include <abi/event_channel.h>

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

#define CONTROL_GFN 0x100 /* and following, one page for each vcpu */
#define ARRAY_GFN   0x200 /* and following */
#define VCPUS	    3

static const struct domain_config no_limits = {
	.max_evtchn_port = ~0U, .max_grant_frames = ~0U, .max_maptrack_frames = ~0U
};
static struct domain *dom0, *dom1;
static unsigned long seed;

static unsigned long rnd(unsigned long n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static int setup(void **state)
{
	house_open();
	seed = 4711;
	dom0 = dom_new(0, DOMAIN_CONTROL, VCPUS, &no_limits);
	dom1 = dom_new(1, 0, 1, &no_limits);
	dom_ram(dom0, CONTROL_GFN, VCPUS);
	dom_ram(dom0, ARRAY_GFN, 130);
	run_on(dom0, 0);
	return 0;
}

static int teardown(void **state)
{
	house_close();
	return 0;
}

static long init_control(u64 g, u32 offset, u32 vcpu)
{
	struct abi_evtchn_init_control a = { .control_gfn = g, .offset = offset, .vcpu = vcpu };
	long rc = EV(init_control, &a);

	if (!rc)
		assert_int_equal(a.link_bits, 17);
	return rc;
}

static long expand(u64 g)
{
	struct abi_evtchn_expand_array a = { .array_gfn = g };

	return EV(expand_array, &a);
}

static long set_priority(u32 port, u32 priority)
{
	struct abi_evtchn_set_priority a = { .port = port, .priority = priority };

	return EV(set_priority, &a);
}

static long bind_vcpu(u32 port, u32 vcpu)
{
	struct abi_evtchn_bind_vcpu a = { .port = port, .vcpu = vcpu };

	return EV(bind_vcpu, &a);
}

static u32 bind_ipi(u32 vcpu)
{
	struct abi_evtchn_bind_ipi a = { .vcpu = vcpu };

	return EV(bind_ipi, &a) ? 0 : a.port;
}

static long port_op(u32 cmd, u32 port)
{
	struct abi_evtchn_port a = { .port = port };

	return evtchn_op(cmd, &a, sizeof(a));
}

#define CLOSE(port)  port_op(EVTCHNOP_close, (port))
#define SEND(port)   port_op(EVTCHNOP_send, (port))
#define UNMASK(port) port_op(EVTCHNOP_unmask, (port))

static long reset(u16 dom)
{
	struct abi_evtchn_reset a = { .dom = dom };

	return EV(reset, &a);
}

/* A port that can be moved between vcpus: one end of a loop within dom0. *sender is the other. */
static u32 bind_loop(u32 *sender)
{
	struct abi_evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct abi_evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };

	assert_int_equal(EV(alloc_unbound, &a), 0);
	b.remote_port = a.port;
	assert_int_equal(EV(bind_interdomain, &b), 0);
	*sender = b.local_port;
	return a.port;
}

static struct abi_evtchn_fifo_control *control_of(u32 vcpu)
{
	return dom_ptr(dom0, CONTROL_GFN + vcpu);
}

static u32 *word_of(u32 port)
{
	return (u32 *)dom_ptr(dom0, ARRAY_GFN + port / 1024) + port % 1024;
}

static void fifo_start(u32 pages)
{
	for (u32 i = 0; i < VCPUS; i++)
		assert_int_equal(init_control(CONTROL_GFN + i, 0, i), 0);
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(expand(ARRAY_GFN + i), 0);
}

/* --- the guest's side, as Linux does it --- */

struct guest_queue {
	u32 ready;
	u32 head[EVTCHN_FIFO_QUEUES];
};
static struct guest_queue guest[VCPUS];

/* One event of the vcpu; its port and priority, or 0 when nothing is ready. */
static u32 guest_consume(u32 vcpu, u32 *priority)
{
	struct abi_evtchn_fifo_control *c = control_of(vcpu);
	struct guest_queue *q = &guest[vcpu];
	u32 port, *word, old, prio;

	q->ready |= __atomic_exchange_n(&c->ready, 0, __ATOMIC_SEQ_CST);
	if (!q->ready)
		return 0;
	prio = (u32)__builtin_ctz(q->ready);
	port = q->head[prio];
	if (!port)
		port = __atomic_load_n(&c->head[prio], __ATOMIC_SEQ_CST);
	word = word_of(port);
	old = __atomic_fetch_and(word, ~(EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK),
				 __ATOMIC_SEQ_CST);
	q->head[prio] = old & EVTCHN_FIFO_LINK_MASK;
	if (!q->head[prio])
		q->ready &= ~(1U << prio);
	*priority = prio;
	return port;
}

/* Handles the event if it still is one. */
static bool guest_handle(u32 port)
{
	u32 *word = word_of(port);

	if ((READ_ONCE(*word) & (EVTCHN_FIFO_PENDING | EVTCHN_FIFO_MASKED)) != EVTCHN_FIFO_PENDING)
		return false;
	__atomic_fetch_and(word, ~EVTCHN_FIFO_PENDING, __ATOMIC_SEQ_CST);
	return true;
}

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

static void test_no_memory(void **state)
{
	void *pages[20000], *small[2000];
	u32 n = 0, k = 0;

	while (n < ARRAY_SIZE(pages) && (pages[n] = heap_alloc_page()))
		n++;
	/* The small pieces that are left of one size after the other. */
	for (size_t size = 2048; size >= 16; size -= 16)
		while (k < ARRAY_SIZE(small) && (small[k] = mem_alloc(size)))
			k++;
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -XEN_ENOMEM);
	assert_int_equal(dom_frame(dom0, CONTROL_GFN)->refs, 1);
	/* Room for the first objects but not for all. */
	heap_free(pages[--n], 0);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -XEN_ENOMEM);
	assert_null(dom0->vcpus[0]->fifo);
	assert_int_equal(expand(ARRAY_GFN), -XEN_EOPNOTSUPP);
	while (k)
		mem_free(small[--k]);
	while (n)
		heap_free(pages[--n], 0);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), 0);
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
	assert_int_equal(expand(ARRAY_GFN + 1), 0);
	assert_int_equal(*word_of(early), 0);
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
	assert_int_equal(expand(ARRAY_GFN + 1), 0);
	/* The same page again is another part of the array. */
	assert_int_equal(expand(ARRAY_GFN + 1), 0);
	assert_int_equal(dom_frame(dom0, ARRAY_GFN + 1)->refs, 3);
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

/* --- hostile guests --- */

/* Any word may be anything: nothing but the guest's own pages may change. */
static void test_garbage(void **state)
{
	u32 ports[64], sender, hung = 0;

	fifo_start(2);
	for (u32 i = 0; i < 64; i++)
		ports[i] = i % 2 ? bind_ipi((u32)rnd(VCPUS)) : bind_loop(&sender);
	for (u32 step = 0; step < 100000; step++) {
		u32 port = ports[rnd(64)];

		*word_of((u32)rnd(2048)) = (u32)rnd(1UL << 32);
		((u32 *)control_of((u32)rnd(VCPUS)))[rnd(18)] = (u32)rnd(1UL << 32);
		SEND(port);
		UNMASK(ports[rnd(64)]);
		set_priority(port, (u32)rnd(16));
		bind_vcpu(port, (u32)rnd(VCPUS));
		if (step % 7 == 0) {
			hung += CLOSE(port) != 0;
			ports[rnd(64)] = bind_ipi((u32)rnd(VCPUS));
		}
	}
	(void)hung;
	assert_int_equal(reset(DOMID_SELF), 0);
}

static bool stop;

/* Another CPU of the guest that never stops writing to the words. */
static void *scribble(void *arg)
{
	u32 *words = arg, n = 1;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(&words[1 + n % 8], n * 2654435761U, __ATOMIC_RELAXED);
		n++;
	}
	return NULL;
}

static void test_scribbling_cpu(void **state)
{
	pthread_t t;
	u32 prio;

	fifo_start(1);
	for (u32 i = 0; i < 8; i++)
		bind_ipi(0);
	stop = false;
	assert_int_equal(pthread_create(&t, NULL, scribble, word_of(0)), 0);
	for (u32 step = 0; step < 100000; step++) {
		SEND(1 + step % 8);
		UNMASK(1 + step % 5);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	/* With the fight over, the format works again. */
	memset(word_of(0), 0, PAGE_SIZE);
	memset(control_of(0), 0, sizeof(*control_of(0)));
	memset(guest, 0, sizeof(guest));
	assert_int_equal(SEND(3), 0);
	assert_int_equal(guest_consume(0, &prio), 3);
}

/* No attempt of an atomic change succeeds: the event is queued all the same. */
static void test_fought_over_words(void **state)
{
	u32 a, b, prio;

	fifo_start(1);
	a = bind_ipi(0);
	b = bind_ipi(0);
	for (u32 fails = 1; fails < 2000; fails *= 3) {
		host.fail_atomics = fails;
		assert_int_equal(SEND(a), 0);
		assert_int_equal(SEND(b), 0);
		host.fail_atomics = 0;
		assert_int_equal(guest_consume(0, &prio), a);
		assert_true(guest_handle(a));
		assert_int_equal(guest_consume(0, &prio), b);
		assert_true(guest_handle(b));
		assert_int_equal(guest_consume(0, &prio), 0);
		*word_of(a) = EVTCHN_FIFO_PENDING | EVTCHN_FIFO_MASKED;
		host.fail_atomics = fails;
		assert_int_equal(UNMASK(a), 0);
		assert_int_equal(CLOSE(b), 0);
		host.fail_atomics = 0;
		assert_int_equal(guest_consume(0, &prio), a);
		assert_true(guest_handle(a));
		assert_int_equal(bind_ipi(0), b);
	}
}

/* --- several CPUs --- */

#define SENDERS 3
#define EVENTS	30000

static u32 loop_ports[16], loop_senders[16];
static u32 sent[16], seen[16], senders_done;

static void *sender_cpu(void *arg)
{
	u32 cpu = (u32)(uintptr_t)arg;
	unsigned long s = cpu;

	host_set_cpu(cpu);
	host_set_current(dom0->vcpus[cpu % VCPUS]);
	for (u32 i = 0; i < EVENTS; i++) {
		u64 args = room + 64 + cpu * 64;
		u32 k;

		s = s * 6364136223846793005UL + 1442695040888963407UL;
		k = (s >> 33) % 16;
		__atomic_fetch_add(&sent[k], 1, __ATOMIC_SEQ_CST);
		memcpy(host_guest_ptr(args), &loop_senders[k], 4);
		do_event_channel_op((u64[5]){ EVTCHNOP_send, args });
		if (i % 50 == 0) {
			struct abi_evtchn_bind_vcpu b = { loop_ports[k], (u32)(s >> 40) % VCPUS };
			struct abi_evtchn_set_priority p = { loop_ports[k], (u32)(s >> 44) % 16 };

			memcpy(host_guest_ptr(args), &b, sizeof(b));
			do_event_channel_op((u64[5]){ EVTCHNOP_bind_vcpu, args });
			memcpy(host_guest_ptr(args), &p, sizeof(p));
			do_event_channel_op((u64[5]){ EVTCHNOP_set_priority, args });
		}
	}
	__atomic_fetch_add(&senders_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void consume_everything(void)
{
	u32 port, prio;

	for (u32 v = 0; v < VCPUS; v++) {
		while ((port = guest_consume(v, &prio))) {
			if (!guest_handle(port))
				continue;
			for (u32 k = 0; k < 16; k++)
				if (loop_ports[k] == port)
					seen[k] = __atomic_load_n(&sent[k], __ATOMIC_SEQ_CST);
		}
	}
}

static void test_many_cpus(void **state)
{
	pthread_t t[SENDERS];

	fifo_start(1);
	senders_done = 0;
	memset(guest, 0, sizeof(guest));
	memset(sent, 0, sizeof(sent));
	memset(seen, 0, sizeof(seen));
	for (u32 k = 0; k < 16; k++)
		loop_ports[k] = bind_loop(&loop_senders[k]);
	consume_everything();
	for (u32 i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sender_cpu,
						(void *)(uintptr_t)(i + 1)), 0);
	while (__atomic_load_n(&senders_done, __ATOMIC_SEQ_CST) < SENDERS)
		consume_everything();
	for (u32 i = 0; i < SENDERS; i++)
		pthread_join(t[i], NULL);
	consume_everything();
	/* Nothing that was sent stayed in a queue that nobody would look at. */
	for (u32 k = 0; k < 16; k++)
		assert_int_equal(seen[k], sent[k]);
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
		TEST(test_expand_preempted),
		TEST(test_vcpu_without_control),
		TEST(test_busy_port),
		TEST(test_exhaustion),
		TEST(test_model),
		TEST(test_garbage),
		TEST(test_scribbling_cpu),
		TEST(test_fought_over_words),
		TEST(test_many_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
