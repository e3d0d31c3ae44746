/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c
 *	    hyp/mm/p2m.c */
/*
 * Event channels: every sub-operation with its errors in the 2-level format, permissions, copies
 * that fail, exhaustion. The error codes are those that Xen 4.17 answered.
 */
#include "ipc_house.h"
#include "evtchn_calls.h"

static void test_unbound(void **state)
{
	u32 port, second;

	assert_int_equal(alloc_unbound(DOMID_SELF, DOMID_SELF, &port), 0);
	assert_int_equal(port, 1);
	assert_int_equal(status_of(DOMID_SELF, port, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(status_of(0, port, 0).u.remote.dom, 0);
	assert_int_equal(SEND(port), 0);
	assert_false(pending(dom0, port));
	/* On behalf of another domain, for a third. */
	assert_int_equal(alloc_unbound(1, 2, &second), 0);
	assert_int_equal(second, 1);
	assert_int_equal(status_of(1, 1, 0).u.remote.dom, 2);

	assert_int_equal(alloc_unbound(DOMID_SELF, 77, &port), -XEN_ESRCH);
	assert_int_equal(alloc_unbound(77, DOMID_SELF, &port), -XEN_ESRCH);
	assert_int_equal(alloc_unbound(DOMID_SELF, DOMID_INVALID, &port), -XEN_ESRCH);
	run_on(dom1, 0);
	assert_int_equal(alloc_unbound(2, DOMID_SELF, &port), -XEN_EPERM);
	assert_int_equal(alloc_unbound(DOMID_SELF, 2, &port), -XEN_EPERM);
	assert_int_equal(alloc_unbound(1, 0, &port), 0);
	assert_int_equal(port, 2);
}

static void test_interdomain(void **state)
{
	u32 port0, port1, other;

	connect(&port0, &port1);
	assert_true(pending(dom1, port1));
	assert_int_equal(upcalls(dom1->vcpus[0]), 1);
	assert_int_equal(dom1->vcpus[0]->info->evtchn_upcall_pending, 1);
	assert_int_equal(status_of(DOMID_SELF, port0, 0).status, EVTCHNSTAT_interdomain);
	assert_int_equal(status_of(0, port0, 0).u.remote.dom, 1);
	assert_int_equal(status_of(0, port0, 0).u.remote.port, port1);
	assert_int_equal(status_of(1, port1, 0).u.remote.port, port0);

	assert_false(pending(dom0, port0));
	run_on(dom1, 0);
	assert_int_equal(SEND(port1), 0);
	assert_true(pending(dom0, port0));
	assert_int_equal(upcalls(dom0->vcpus[0]), 1);
	assert_int_equal(bind_interdomain(0, port0, &other), -XEN_EINVAL);

	/* Closing leaves the peer waiting for the same domain again. */
	assert_int_equal(CLOSE(port1), 0);
	run_on(dom0, 0);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(status_of(0, port0, 0).u.remote.dom, 1);
	assert_int_equal(SEND(port0), 0);
	run_on(dom1, 0);
	assert_int_equal(bind_interdomain(0, port0, &other), 0);
	assert_int_equal(other, port1);
}

static void test_interdomain_errors(void **state)
{
	u32 port0, port1, port;

	assert_int_equal(alloc_unbound(DOMID_SELF, 1, &port0), 0);
	assert_int_equal(bind_interdomain(77, 1, &port), -XEN_ESRCH);
	assert_int_equal(bind_interdomain(0, port0, &port), -XEN_EINVAL); /* it is for 1 */
	assert_int_equal(bind_interdomain(0, 0, &port), -XEN_EINVAL);
	assert_int_equal(bind_interdomain(0, 100000, &port), -XEN_EINVAL);
	assert_int_equal(bind_interdomain(0, 99, &port), -XEN_EINVAL);
	/* The control domain may have allowed it, but the two may not talk. */
	assert_int_equal(alloc_unbound(1, 2, &port1), 0);
	run_on(dom2, 0);
	assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EPERM);
	/* Unless both are free to. */
	dom2->flags |= DOMAIN_UNRESTRICTED;
	assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EPERM);
	dom1->flags |= DOMAIN_UNRESTRICTED;
	assert_int_equal(bind_interdomain(1, port1, &port), 0);
	assert_int_equal(CLOSE(port), 0);
	/* Refused calls take no port. */
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 1);
}

/* Within one domain: two ends, and an end that closes itself. */
static void test_loop(void **state)
{
	u32 a, b;

	assert_int_equal(alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
	assert_int_equal(bind_interdomain(DOMID_SELF, a, &b), 0);
	consume_all(dom0->vcpus[0]);
	assert_int_equal(SEND(b), 0);
	assert_true(pending(dom0, a));
	assert_int_equal(SEND(a), 0);
	assert_true(pending(dom0, b));
	assert_int_equal(CLOSE(a), 0);
	assert_false(pending(dom0, a));
	assert_int_equal(status_of(0, b, 0).status, EVTCHNSTAT_unbound);
}

static void test_close(void **state)
{
	u32 port;

	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(CLOSE(port), 0);
	assert_int_equal(CLOSE(port), -XEN_EINVAL);
	assert_int_equal(status_of(0, port, 0).status, EVTCHNSTAT_closed);
	assert_int_equal(CLOSE(0), -XEN_EINVAL);
	assert_int_equal(CLOSE(0xffffffff), -XEN_EINVAL);
	assert_int_equal(SEND(port), -XEN_EINVAL);
	assert_int_equal(SEND(0), -XEN_EINVAL);
	assert_int_equal(SEND(0xffffffff), -XEN_EINVAL);
	status_of(0, 0xffffffff, -XEN_EINVAL);
	status_of(77, port, -XEN_ESRCH);
	assert_int_equal(status_of(0, 0, 0).status, EVTCHNSTAT_closed);
	run_on(dom1, 0);
	status_of(0, 1, -XEN_EPERM);
}

static void test_virq(void **state)
{
	u32 port, timer;

	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port), 0);
	assert_int_equal(status_of(0, port, 0).status, EVTCHNSTAT_virq);
	assert_int_equal(status_of(0, port, 0).u.virq, VIRQ_DEBUG);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &timer), -XEN_EEXIST);
	assert_int_equal(SEND(port), -XEN_EINVAL);
	assert_int_equal(bind_vcpu(port, 1), -XEN_EINVAL);
	assert_int_equal(bind_virq(24, 0, &timer), -XEN_EINVAL);
	assert_int_equal(bind_virq(0xffffffff, 0, &timer), -XEN_EINVAL);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 9, &timer), -XEN_ENOENT);
	assert_int_equal(bind_virq(VIRQ_DOM_EXC, 1, &timer), -XEN_EINVAL);
	assert_int_equal(bind_virq(VIRQ_TIMER, 1, &timer), 0);

	evtchn_send_virq_all(VIRQ_TIMER);
	assert_true(pending(dom0, timer));
	assert_int_equal(upcalls(dom0->vcpus[1]), 1);
	assert_int_equal(upcalls(dom0->vcpus[0]), 0);
	assert_int_equal(CLOSE(timer), 0);
	assert_int_equal(dom0->vcpus[1]->virq_to_port[VIRQ_TIMER], 0);
	evtchn_send_virq_all(VIRQ_TIMER);
	assert_int_equal(bind_virq(VIRQ_TIMER, 1, &timer), 0);
	/* What closes otherwise takes no virtual interrupt along. */
	assert_int_equal(bind_ipi(1, &port), 0);
	assert_int_equal(CLOSE(port), 0);
	assert_int_equal(dom0->vcpus[1]->virq_to_port[VIRQ_TIMER], timer);
}

static void test_global_virq(void **state)
{
	struct domain *first = house[0];
	u32 port;

	house[0] = NULL;
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	house[0] = first;
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
	assert_int_equal(bind_vcpu(port, 1), 0);
	assert_int_equal(status_of(0, port, 0).vcpu, 1);
	run_on(dom1, 0);
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	assert_true(pending(dom0, port));
	assert_int_equal(upcalls(dom0->vcpus[1]), 1);
	run_on(dom0, 0);
	assert_int_equal(CLOSE(port), 0);
	assert_int_equal(dom0->vcpus[0]->virq_to_port[VIRQ_DOM_EXC], 0);
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	/* All that the reference has bound. */
	for (u32 virq = 2; virq < NR_VIRQS; virq++)
		assert_int_equal(bind_virq(virq, 0, &port), 0);
}

/* Every vcpu that wants it, of every domain. */
static void test_virq_of_all(void **state)
{
	u32 port[2], other;

	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port[0]), 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 1, &port[1]), 0);
	run_on(dom1, 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &other), 0);
	evtchn_send_virq_all(VIRQ_DEBUG);
	assert_true(pending(dom0, port[0]));
	assert_true(pending(dom0, port[1]));
	assert_true(pending(dom1, other));
	assert_int_equal(upcalls(dom0->vcpus[1]), 1);
	assert_int_equal(upcalls(dom2->vcpus[0]), 0);
	assert_int_equal(dom0->refs, 1);
	assert_int_equal(dom2->refs, 1);
	run_on(dom0, 0);
}

static void test_ipi_and_masks(void **state)
{
	struct vcpu *v = dom0->vcpus[1];
	u32 port;

	assert_int_equal(bind_ipi(2, &port), -XEN_ENOENT);
	assert_int_equal(bind_ipi(1, &port), 0);
	assert_int_equal(status_of(0, port, 0).status, EVTCHNSTAT_ipi);
	assert_int_equal(status_of(0, port, 0).vcpu, 1);
	assert_int_equal(bind_vcpu(port, 0), -XEN_EINVAL);
	mask(dom0, port, true);
	v->unit.holds = HOLD_BLOCKED;
	assert_int_equal(SEND(port), 0);
	assert_true(pending(dom0, port));
	assert_int_equal(upcalls(v), 0);
	assert_int_equal(wakes[0][1], 0);
	assert_int_equal(v->info->evtchn_pending_sel, 0);
	assert_int_equal(UNMASK(port), 0);
	assert_false(bit_test(dom0->shared_info->evtchn_mask, port));
	assert_int_equal(v->info->evtchn_pending_sel, BIT(port / 64));
	assert_int_equal(upcalls(v), 1);
	assert_int_equal(wakes[0][1], 1);
	/* Once more changes nothing. */
	assert_int_equal(UNMASK(port), 0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(upcalls(v), 1);
	/* The selector bit stands already: no new upcall, but the port is pending. */
	bit_test_and_clear(dom0->shared_info->evtchn_pending, port);
	assert_int_equal(SEND(port), 0);
	assert_true(pending(dom0, port));
	assert_int_equal(upcalls(v), 1);
	assert_int_equal(UNMASK(0xffffffff), -XEN_EINVAL);
	assert_int_equal(UNMASK(3000), -XEN_EINVAL);
	assert_int_equal(UNMASK(0), -XEN_EINVAL);
	assert_int_equal(UNMASK(port + 1), -XEN_EINVAL);
}

static void test_bind_vcpu(void **state)
{
	u32 port0, port1;

	connect(&port0, &port1);
	run_on(dom1, 0);
	assert_int_equal(bind_vcpu(port1, 4), -XEN_ENOENT);
	assert_int_equal(bind_vcpu(1000000, 1), -XEN_EINVAL);
	assert_int_equal(bind_vcpu(99, 1), -XEN_EINVAL);
	assert_int_equal(bind_vcpu(0, 1), -XEN_EINVAL);
	assert_int_equal(bind_vcpu(port1, 3), 0);
	consume_all(dom1->vcpus[0]);
	run_on(dom0, 0);
	assert_int_equal(SEND(port0), 0);
	assert_int_equal(upcalls(dom1->vcpus[3]), 1);
	assert_int_equal(dom1->vcpus[3]->info->evtchn_upcall_pending, 1);
	/* A port that is used again notifies vcpu 0. */
	run_on(dom1, 0);
	assert_int_equal(CLOSE(port1), 0);
	assert_int_equal(status_of(1, port1, 0).vcpu, 0);
	assert_int_equal(bind_ipi(0, &port0), 0);
	assert_int_equal(port0, port1);
	assert_int_equal(status_of(1, port0, 0).vcpu, 0);
}

static void test_without_fifo(void **state)
{
	struct abi_evtchn_bind_pirq pirq = { .pirq = 1 };
	struct abi_evtchn_expand_array expand = { .array_gfn = 0 };
	struct abi_evtchn_set_priority prio = { .port = 1, .priority = 1 };
	u32 port, word = 0;

	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(EV(bind_pirq, &pirq), -XEN_ENOMEM);
	assert_int_equal(EV(expand_array, &expand), -XEN_EOPNOTSUPP);
	assert_int_equal(EV(set_priority, &prio), -XEN_ENOSYS);
	assert_int_equal(evtchn_op(15, &word, 4), -XEN_ENOSYS);
	assert_int_equal(evtchn_op(0xffffffff, &word, 4), -XEN_ENOSYS);
}

static void test_faults(void **state)
{
	static const u32 with_answer[] = { EVTCHNOP_bind_virq, EVTCHNOP_status,
					   EVTCHNOP_alloc_unbound, EVTCHNOP_bind_ipi };
	u8 args[64] = { 0 };

	for (u32 cmd = 0; cmd <= EVTCHNOP_reset_cont; cmd++) {
		u64 arg[5] = { cmd, HOST_BAD_GVA };

		assert_int_equal(do_event_channel_op(arg), -XEN_EFAULT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(with_answer); i++) {
		host.fail_copy_in = 2;
		assert_int_equal(evtchn_op(with_answer[i], args, sizeof(args)), -XEN_EFAULT);
		assert_int_equal(host.fail_copy_in, 0);
	}
	assert_int_equal(reset(DOMID_SELF), 0);
}

static void test_exhaustion(void **state)
{
	u32 port, last = 0, n = 0;

	while (bind_ipi(0, &port) == 0) {
		last = port;
		n++;
	}
	assert_int_equal(bind_ipi(0, &port), -XEN_ENOSPC);
	assert_int_equal(n, 4095);
	assert_int_equal(last, 4095);
	/* The lowest free port is the next one. */
	assert_int_equal(CLOSE(3000), 0);
	assert_int_equal(CLOSE(17), 0);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 17);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 3000);
	run_on(dom1, 0);
	for (n = 0; bind_ipi(0, &port) == 0; n++)
		last = port;
	assert_int_equal(n, 1023);
	assert_int_equal(last, 1023);
	assert_int_equal(bind_interdomain(0, 1, &port), -XEN_ENOSPC);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port), -XEN_ENOSPC);
	assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), -XEN_ENOSPC);
}

/* A limit in the middle of a page of channels. */
static void test_limit(void **state)
{
	struct domain_config few = no_limits;
	struct domain *d;
	u32 port;

	few.max_evtchn_port = 130;
	d = dom_new(3, 0, 1, &few);
	run_on(d, 0);
	for (u32 i = 1; i <= 130; i++)
		assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 130);
	assert_int_equal(bind_ipi(0, &port), -XEN_ENOSPC);
	run_on(dom0, 0);
	few.max_evtchn_port = 0;
	d = dom_new(4, 0, 1, &few);
	run_on(d, 0);
	assert_int_equal(bind_ipi(0, &port), -XEN_ENOSPC);
	run_on(dom0, 0);
}

/* Another CPU keeps writing to the word: the event arrives all the same, in bounded time. */
static void test_fought_over_words(void **state)
{
	u32 port;

	assert_int_equal(bind_ipi(1, &port), 0);
	for (u32 fails = 1; fails < 2000; fails += fails < 4 ? 1 : 128) {
		host.fail_atomics = fails;
		assert_int_equal(SEND(port), 0);
		host.fail_atomics = 0;
		assert_true(pending(dom0, port));
		assert_int_equal(dom0->vcpus[1]->info->evtchn_pending_sel, BIT(port / 64));
		assert_int_equal(dom0->vcpus[1]->info->evtchn_upcall_pending, 1);
		consume_all(dom0->vcpus[1]);
		mask(dom0, port, true);
		bit_test_and_set(dom0->shared_info->evtchn_pending, port);
		host.fail_atomics = fails;
		assert_int_equal(UNMASK(port), 0);
		host.fail_atomics = 0;
		assert_false(bit_test(dom0->shared_info->evtchn_mask, port));
		assert_int_equal(dom0->vcpus[1]->info->evtchn_upcall_pending, 1);
		consume_all(dom0->vcpus[1]);
	}
	assert_int_equal(upcalls(dom0->vcpus[1]), 2 * (3 + 16));
}

/* Channels cost pages only as they are used. */
static void test_pages_on_demand(void **state)
{
	u64 before = house_free_frames();
	u32 port;

	for (u32 i = 1; i < 128; i++)
		assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(house_free_frames(), before);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(house_free_frames(), before - 1);
	for (u32 i = 1; i <= 128; i++)
		assert_int_equal(CLOSE(i), 0);
	assert_int_equal(house_free_frames(), before - 1);
}

static void test_no_memory(void **state)
{
	void *pages[20000];
	u32 n = 0, port;

	for (u32 i = 1; i < 128; i++)
		assert_int_equal(bind_ipi(0, &port), 0);
	while (n < ARRAY_SIZE(pages) && (pages[n] = heap_alloc_page()))
		n++;
	assert_int_equal(bind_ipi(0, &port), -XEN_ENOMEM);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port), -XEN_ENOMEM);
	assert_int_equal(dom0->vcpus[0]->virq_to_port[VIRQ_DEBUG], 0);
	while (n)
		heap_free(pages[--n], 0);
	assert_int_equal(bind_ipi(0, &port), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unbound),
		TEST(test_interdomain),
		TEST(test_interdomain_errors),
		TEST(test_loop),
		TEST(test_close),
		TEST(test_virq),
		TEST(test_global_virq),
		TEST(test_virq_of_all),
		TEST(test_ipi_and_masks),
		TEST(test_bind_vcpu),
		TEST(test_without_fifo),
		TEST(test_faults),
		TEST(test_exhaustion),
		TEST(test_limit),
		TEST(test_fought_over_words),
		TEST(test_pages_on_demand),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
