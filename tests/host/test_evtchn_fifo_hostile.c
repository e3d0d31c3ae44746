/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c
 *	    hyp/mm/p2m.c */
/*
 * The FIFO format under attack: guests that write garbage, that change words at the worst moment
 * or all the time, and several CPUs at once. Nothing but the guest's own events may suffer.
 */
#include "ipc_house.h"
#include "fifo_calls.h"

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

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

/* --- the other CPU comes at the worst moment --- */

static u32 *hooked;
static u32 hook_calls, hook_left;

/* The guest consumes the tail while a successor is being linked to it. */
static void consume_at_hook(void *p)
{
	u32 prio;

	if (p != hooked)
		return;
	host.atomic_hook = NULL;
	host_set_cpu(3);
	assert_int_not_equal(guest_consume(0, &prio), 0);
	host_set_cpu(0);
}

static void test_tail_consumed(void **state)
{
	u32 a, b, prio;

	fifo_start(1);
	a = bind_ipi(0);
	b = bind_ipi(0);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(SEND(a), 0);
		hooked = word_of(a);
		host.atomic_hook = consume_at_hook;
		assert_int_equal(SEND(b), 0);
		assert_null(host.atomic_hook);
		assert_int_equal(*word_of(a) & EVTCHN_FIFO_BUSY, 0);
		assert_true(guest_handle(a));
		assert_int_equal(guest_consume(0, &prio), b);
		assert_true(guest_handle(b));
		assert_int_equal(guest_consume(0, &prio), 0);
	}
}

/* The guest masks and unmasks the tail, as it may; from the second attempt on it sees BUSY. */
static void toggle_at_hook(void *p)
{
	if (p != hooked)
		return;
	hook_calls++;
	if (*hooked & EVTCHN_FIFO_BUSY && hook_left < 100)
		return;
	if (hook_left && hook_left--)
		*hooked ^= EVTCHN_FIFO_MASKED;
}

static void test_tail_toggled(void **state)
{
	u32 a, b, prio;

	fifo_start(1);
	a = bind_ipi(0);
	b = bind_ipi(0);
	assert_int_equal(SEND(a), 0);
	hooked = word_of(a);
	hook_calls = 0;
	hook_left = 99; /* until it is asked not to */
	host.atomic_hook = toggle_at_hook;
	assert_int_equal(SEND(b), 0);
	host.atomic_hook = NULL;
	assert_in_range(hook_calls, 2, 4);
	assert_int_equal(*hooked & EVTCHN_FIFO_BUSY, 0);
	assert_int_equal(*hooked & EVTCHN_FIFO_LINK_MASK, b);
	assert_int_equal(guest_consume(0, &prio), a);
	assert_int_equal(guest_consume(0, &prio), b);
	/* One that never stops loses its queue, not our time. */
	*hooked &= ~EVTCHN_FIFO_MASKED;
	assert_true(guest_handle(a));
	assert_true(guest_handle(b));
	assert_int_equal(SEND(a), 0);
	hook_calls = 0;
	hook_left = 1000000;
	host.atomic_hook = toggle_at_hook;
	assert_int_equal(SEND(b), 0);
	host.atomic_hook = NULL;
	assert_in_range(hook_calls, 5, 20);
	assert_int_equal(*hooked & EVTCHN_FIFO_BUSY, 0);
	assert_int_equal(control_of(0)->head[7], b);
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
		TEST(test_garbage),
		TEST(test_scribbling_cpu),
		TEST(test_tail_consumed),
		TEST(test_tail_toggled),
		TEST(test_fought_over_words),
		TEST(test_many_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
