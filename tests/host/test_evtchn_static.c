/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/evtchn_static.c hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c
 *	    hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/* Event channels at chosen ports: bound, used as any other, and closed from either side. */
#include "ipc_house.h"
#include "evtchn_calls.h"

static void test_pair(void **state)
{
	u32 port;

	/* dom1 and dom2 may not talk by themselves. */
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 300), 0);
	assert_int_equal(status_of(1, 10, 0).status, EVTCHNSTAT_interdomain);
	assert_int_equal(status_of(1, 10, 0).u.remote.dom, 2);
	assert_int_equal(status_of(1, 10, 0).u.remote.port, 300);
	assert_int_equal(status_of(2, 300, 0).u.remote.dom, 1);
	assert_int_equal(status_of(2, 300, 0).u.remote.port, 10);
	/* The end that was bound to the other looks once. */
	assert_false(pending(dom1, 10));
	assert_true(pending(dom2, 300));
	consume_all(dom2->vcpus[0]);
	run_on(dom1, 0);
	assert_int_equal(SEND(10), 0);
	assert_true(pending(dom2, 300));
	run_on(dom2, 0);
	assert_int_equal(SEND(300), 0);
	assert_true(pending(dom1, 10));
	/* Others get the ports around it. */
	for (u32 i = 1; i < 300; i++) {
		assert_int_equal(bind_ipi(0, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 301);
}

static void test_closed(void **state)
{
	u32 port;

	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 11), 0);
	run_on(dom1, 0);
	assert_int_equal(port_op(EVTCHNOP_close, 10), 0);
	assert_int_equal(status_of(1, 10, 0).status, EVTCHNSTAT_closed);
	run_on(dom0, 0);
	assert_int_equal(status_of(2, 11, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 12), 0);
	run_on(dom1, 0);
	assert_int_equal(reset(DOMID_SELF), 0);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 1);
	run_on(dom0, 0);
	assert_int_equal(status_of(2, 12, 0).status, EVTCHNSTAT_unbound);
}

static void test_death(void **state)
{
	struct domain *d = dom1;

	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 11), 0);
	dom_kill(d);
	assert_int_equal(status_of(2, 11, 0).status, EVTCHNSTAT_unbound);
	run_on(dom2, 0);
	assert_int_equal(SEND(11), 0);
	dom_free(d);
}

static void test_one_domain(void **state)
{
	assert_int_equal(evtchn_bind_static(dom1, 5, dom1, 5), -XEN_EBUSY);
	assert_int_equal(status_of(1, 5, 0).status, EVTCHNSTAT_closed);
	assert_int_equal(evtchn_bind_static(dom1, 5, dom1, 6), 0);
	consume_all(dom1->vcpus[0]);
	run_on(dom1, 0);
	assert_int_equal(SEND(6), 0);
	assert_true(pending(dom1, 5));
	assert_int_equal(port_op(EVTCHNOP_close, 5), 0);
}

static void test_unbound(void **state)
{
	u32 port;

	assert_int_equal(evtchn_open_static(dom1, 7, 0), 0);
	assert_int_equal(status_of(1, 7, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(bind_interdomain(1, 7, &port), 0);
	run_on(dom1, 0);
	assert_int_equal(SEND(7), 0);
	assert_true(pending(dom0, port));
}

static void test_refused(void **state)
{
	u32 last = dom2->max_evtchn_port < 4096 ? dom2->max_evtchn_port : 4095;

	assert_int_equal(evtchn_bind_static(dom1, 0, dom2, 11), -XEN_ENOSPC);
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, last + 1), -XEN_ENOSPC);
	assert_int_equal(evtchn_open_static(dom1, 4096, 0), -XEN_ENOSPC);
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, last), 0);
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 11), -XEN_EBUSY);
	assert_int_equal(evtchn_bind_static(dom1, 12, dom2, last), -XEN_EBUSY);
	assert_int_equal(evtchn_open_static(dom1, 10, 0), -XEN_EBUSY);
	assert_int_equal(status_of(1, 12, 0).status, EVTCHNSTAT_closed);
}

static void test_no_memory(void **state)
{
	memory_eat();
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 1000), -XEN_ENOMEM);
	assert_int_equal(status_of(1, 10, 0).status, EVTCHNSTAT_closed);
	assert_int_equal(evtchn_open_static(dom2, 1000, 0), -XEN_ENOMEM);
	memory_give_all();
	assert_int_equal(evtchn_bind_static(dom1, 10, dom2, 1000), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* --- ports whose end is the hypervisor's --- */

static struct domain *told;
static unsigned int tellings;

static void tell(struct domain *d)
{
	told = d;
	tellings++;
}

static void test_own(void **state)
{
	int own = evtchn_alloc_own(dom1, 0);
	u32 local, port;

	domain_actions.uart_event = tell;
	tellings = 0;
	assert_int_equal(own, 1);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_unbound);
	evtchn_notify_own(dom1, 1); /* nobody hears it */
	/* It is not the guest's, whatever that tries. */
	run_on(dom1, 0);
	assert_int_equal(SEND(1), -XEN_EINVAL);
	assert_int_equal(port_op(EVTCHNOP_close, 1), -XEN_EINVAL);
	assert_int_equal(port_op(EVTCHNOP_unmask, 1), -XEN_EINVAL);
	assert_int_equal(reset(DOMID_SELF), 0);
	/* Nor anybody's it is not for. */
	run_on(dom2, 0);
	assert_int_equal(bind_interdomain(1, 1, &local), -XEN_EINVAL);
	run_on(dom0, 0);
	assert_int_equal(bind_interdomain(1, 1, &local), 0);
	assert_int_equal(bind_interdomain(1, 1, &port), -XEN_EINVAL);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_interdomain);
	assert_int_equal(status_of(0, (u16)local, 0).u.remote.port, 1);
	consume_all(dom0->vcpus[0]);
	evtchn_notify_own(dom1, 1);
	assert_true(pending(dom0, local));
	assert_int_equal(SEND(local), 0);
	assert_int_equal(tellings, 1);
	assert_ptr_equal(told, dom1);
	assert_false(pending(dom1, 1));
	/* Closed and bound again. */
	assert_int_equal(port_op(EVTCHNOP_close, local), 0);
	evtchn_notify_own(dom1, 1);
	assert_int_equal(bind_interdomain(1, 1, &local), 0);
	evtchn_close_own(dom1, 1);
	assert_int_equal(status_of(0, (u16)local, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(SEND(local), 0);
	assert_int_equal(tellings, 1);
}

static void test_own_dies(void **state)
{
	struct domain *d = dom1;
	u32 local;

	domain_actions.uart_event = tell;
	tellings = 0;
	assert_int_equal(evtchn_alloc_own(d, 0), 1);
	assert_int_equal(bind_interdomain(1, 1, &local), 0);
	dom_kill(d);
	assert_int_equal(status_of(0, (u16)local, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(SEND(local), 0);
	assert_int_equal(tellings, 0);
	dom_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pair),   TEST(test_closed),  TEST(test_death), TEST(test_one_domain),
		TEST(test_unbound), TEST(test_refused), TEST(test_no_memory),
		TEST(test_own),	   TEST(test_own_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
