/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/ipc/evtchn_fifo.c
 *	    hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Event channels: every sub-operation with its errors in the 2-level format, permissions, copies
 * that fail, exhaustion, closing and resetting with peers, polling, vcpu_info. The error codes are
 * those that Xen 4.17 answered.
 */
#include "ipc_house.h"
#include <abi/event_channel.h>

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

static const struct domain_config no_limits = {
	.max_evtchn_port = ~0U, .max_grant_frames = ~0U, .max_maptrack_frames = ~0U
};
static struct domain *dom0, *dom1, *dom2;

static int setup(void **state)
{
	struct domain_config limited = no_limits;

	limited.max_evtchn_port = 1023;
	house_open();
	dom0 = dom_new(0, DOMAIN_CONTROL | DOMAIN_HARDWARE, 2, &no_limits);
	dom1 = dom_new(1, 0, 4, &limited);
	dom2 = dom_new(2, 0, 1, &no_limits);
	run_on(dom0, 0);
	return 0;
}

static int teardown(void **state)
{
	house_close();
	return 0;
}

static bool pending(const struct domain *d, u32 port)
{
	return bit_test(d->shared_info->evtchn_pending, port);
}

static void mask(struct domain *d, u32 port, bool on)
{
	if (on)
		bit_test_and_set(d->shared_info->evtchn_mask, port);
	else
		bit_test_and_clear(d->shared_info->evtchn_mask, port);
}

/* What a guest's upcall handler does, in short. */
static void consume_all(struct vcpu *v)
{
	v->info->evtchn_upcall_pending = 0;
	v->info->evtchn_pending_sel = 0;
	memset(v->domain->shared_info->evtchn_pending, 0, 512);
}

static long alloc_unbound(u16 dom, u16 remote, u32 *port)
{
	struct abi_evtchn_alloc_unbound a = { .dom = dom, .remote_dom = remote, .port = 0xffff };
	long rc = EV(alloc_unbound, &a);

	*port = a.port;
	return rc;
}

static long bind_interdomain(u16 remote, u32 rport, u32 *port)
{
	struct abi_evtchn_bind_interdomain a = { .remote_dom = remote, .remote_port = rport };
	long rc = EV(bind_interdomain, &a);

	*port = a.local_port;
	return rc;
}

static long bind_virq(u32 virq, u32 vcpu, u32 *port)
{
	struct abi_evtchn_bind_virq a = { .virq = virq, .vcpu = vcpu };
	long rc = EV(bind_virq, &a);

	*port = a.port;
	return rc;
}

static long bind_ipi(u32 vcpu, u32 *port)
{
	struct abi_evtchn_bind_ipi a = { .vcpu = vcpu };
	long rc = EV(bind_ipi, &a);

	*port = a.port;
	return rc;
}

static long port_op(u32 cmd, u32 port)
{
	struct abi_evtchn_port a = { .port = port };

	return evtchn_op(cmd, &a, sizeof(a));
}

#define CLOSE(port)  port_op(EVTCHNOP_close, (port))
#define SEND(port)   port_op(EVTCHNOP_send, (port))
#define UNMASK(port) port_op(EVTCHNOP_unmask, (port))

static struct abi_evtchn_status status_of(u16 dom, u32 port, long want_rc)
{
	struct abi_evtchn_status s = { .dom = dom, .port = port, .status = 77 };

	assert_int_equal(EV(status, &s), want_rc);
	return s;
}

static long bind_vcpu(u32 port, u32 vcpu)
{
	struct abi_evtchn_bind_vcpu a = { .port = port, .vcpu = vcpu };

	return EV(bind_vcpu, &a);
}

static long reset(u16 dom)
{
	struct abi_evtchn_reset a = { .dom = dom };

	return EV(reset, &a);
}

/* A channel between dom0 and dom1; leaves the caller as it was. */
static void connect(u32 *port0, u32 *port1)
{
	struct vcpu *v = current_vcpu();

	run_on(dom0, 0);
	assert_int_equal(alloc_unbound(DOMID_SELF, 1, port0), 0);
	run_on(dom1, 0);
	assert_int_equal(bind_interdomain(0, *port0, port1), 0);
	host_set_current(v);
}

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

	evtchn_send_virq_vcpu(dom0->vcpus[0], VIRQ_TIMER);
	assert_false(pending(dom0, timer));
	evtchn_send_virq_vcpu(dom0->vcpus[1], VIRQ_TIMER);
	assert_true(pending(dom0, timer));
	assert_int_equal(upcalls(dom0->vcpus[1]), 1);
	assert_int_equal(upcalls(dom0->vcpus[0]), 0);
	assert_int_equal(CLOSE(timer), 0);
	assert_int_equal(dom0->vcpus[1]->virq_to_port[VIRQ_TIMER], 0);
	evtchn_send_virq_vcpu(dom0->vcpus[1], VIRQ_TIMER);
	assert_int_equal(bind_virq(VIRQ_TIMER, 1, &timer), 0);
}

static void test_global_virq(void **state)
{
	u32 port;

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

static void test_reset(void **state)
{
	u32 port0, port1, virq, port;

	connect(&port0, &port1);
	run_on(dom1, 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 2, &virq), 0);
	for (int i = 0; i < 500; i++)
		assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(reset(77), -XEN_ESRCH);
	assert_int_equal(reset(0), -XEN_EPERM);
	host.polls = 0;
	host.preempt_in = 3;
	assert_int_equal(reset(DOMID_SELF), 0);
	assert_true(host.polls > 3);
	assert_int_equal(dom1->vcpus[2]->virq_to_port[VIRQ_DEBUG], 0);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 1);
	run_on(dom0, 0);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
	/* Another domain only while it is paused. */
	assert_int_equal(reset(1), -XEN_EINVAL);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_ipi);
	dom1->pause_count = 1;
	assert_int_equal(reset(1), 0);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_closed);
}

static void test_death_of_peer(void **state)
{
	u32 port0, port1, port;
	struct domain *d = dom1;

	connect(&port0, &port1);
	host.preempt_in = 1;
	dom_kill(d);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(SEND(port0), 0);
	status_of(1, port1, -XEN_ESRCH);
	/* A reference that outlives the channels finds none. */
	house[5] = d;
	status_of(1, port1, -XEN_EINVAL);
	assert_int_equal(alloc_unbound(1, 0, &port), -XEN_EINVAL);
	assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EINVAL);
	d->pause_count = 1;
	assert_int_equal(reset(1), -XEN_EAGAIN);
	house[5] = NULL;
	dom_free(d);
}

static void test_alloc_in_dying(void **state)
{
	u32 port;

	dom1->dying = true;
	assert_int_equal(alloc_unbound(1, 0, &port), -XEN_EINVAL);
	assert_int_equal(evtchn_alloc_unbound(dom2, 0), 1);
}

static void test_poll(void **state)
{
	struct vcpu *v = dom1->vcpus[1];
	u32 port0, port1, ipi;

	connect(&port0, &port1);
	run_on(dom1, 1);
	assert_int_equal(bind_ipi(0, &ipi), 0);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(evtchn_poll_check(dom1, ipi), 0);
	assert_int_equal(evtchn_poll_check(dom1, 100000), -XEN_EINVAL);
	assert_int_equal(evtchn_poll_check(dom1, ipi + 1), 0);

	/* Masked events wake a poller all the same. */
	mask(dom1, port1, true);
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, port1);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 0);
	run_on(dom0, 0);
	assert_int_equal(SEND(port0), 0);
	assert_int_equal(wakes[1][1], 1);
	assert_false(v->polling);
	assert_int_equal(evtchn_poll_check(dom1, port1), 1);

	/* Several ports; beginning twice counts once. */
	run_on(dom1, 1);
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, 0);
	evtchn_poll_begin(v, 0);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 2);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 2);

	/* Closing ends the wait. */
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, ipi);
	assert_int_equal(CLOSE(ipi), 0);
	assert_int_equal(wakes[1][1], 3);
	evtchn_poll_begin(v, port1);
	evtchn_poll_end(v);
	evtchn_poll_end(v);
	assert_false(v->polling);
}

static void test_vcpu_info(void **state)
{
	struct vcpu *v0 = dom1->vcpus[0], *v1 = dom1->vcpus[1];
	struct abi_vcpu_info *info;
	u32 port;

	dom_ram(dom1, 0x100, 2);
	run_on(dom1, 0);
	assert_ptr_equal(v0->info, &dom1->shared_info->vcpu_info[0]);
	v0->info->time.version = 0x1234;
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4096 - 47), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 0xffffffff), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x500), 0), -XEN_EINVAL);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4096 - 48), 0);
	info = (void *)((char *)dom_ptr(dom1, 0x100) + 4096 - 48);
	assert_ptr_equal(v0->info, info);
	assert_int_equal(info->time.version, 0x1234);
	assert_int_equal(info->evtchn_upcall_pending, 1);
	assert_int_equal(info->evtchn_pending_sel, ~0UL);
	assert_int_equal(upcalls(v0), 1);
	assert_true(evtchn_upcall_pending(v0));
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x101), 0), -XEN_EINVAL);
	assert_int_equal(dom_frame(dom1, 0x101)->refs, 1);
	assert_int_equal(dom_frame(dom1, 0x100)->refs, 2);

	/* A vcpu that has none yet loses nothing; one that is up is not touched by others. */
	assert_int_equal(bind_ipi(1, &port), 0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(upcalls(v1), 1);
	assert_int_equal(evtchn_map_vcpu_info(v1, gfn(0x101), 64), -XEN_EINVAL);
	v1->unit.holds = HOLD_DOWN;
	assert_int_equal(evtchn_map_vcpu_info(v1, gfn(0x101), 64), 0);
	assert_int_equal(upcalls(v1), 2);
	assert_int_equal(v1->info->evtchn_upcall_pending, 1);

	/* The guest gives the page away: it stays until the vcpu is gone. */
	assert_true(frame_release(&dom1->frames, dom_frame(dom1, 0x100)));
	assert_int_equal(p2m_unmap(&dom1->p2m, gfn(0x100), 1), 0);
	info->evtchn_pending_sel = 0;
	info->evtchn_upcall_pending = 0;
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(info->evtchn_upcall_pending, 1);
}

/* Neither read-only pages nor pages of the hypervisor. */
static void test_vcpu_info_pages(void **state)
{
	struct vcpu *v = dom1->vcpus[0];
	mfn_t m;

	run_on(dom1, 0);
	dom_ram(dom1, 0x100, 1);
	m = frame_to_mfn(dom_frame(dom1, 0x100));
	assert_int_equal(p2m_map(&dom1->p2m, gfn(0x100), m, 1, P2M_RAM_RO), 0);
	assert_int_equal(evtchn_map_vcpu_info(v, gfn(0x100), 0), -XEN_EINVAL);
	m = virt_to_mfn(dom1->shared_info);
	assert_int_equal(p2m_map_shared(&dom1->p2m, gfn(0x101), m), 0);
	assert_int_equal(evtchn_map_vcpu_info(v, gfn(0x101), 0), -XEN_EINVAL);
	assert_int_equal(mfn_to_frame(m)->refs, 1);
}

static void test_dump(void **state)
{
	u32 port0, port1, port;

	connect(&port0, &port1);
	assert_int_equal(alloc_unbound(DOMID_SELF, 1, &port), 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port), 0);
	assert_int_equal(evtchn_init(), 0);
	house[0]->next = house[1];
	key_fn();
	assert_true(host.messages >= 8);
}

/* --- several CPUs --- */

static bool stop;

/* dom0 on CPU 1: sends on its port all the time, whatever its peer is doing. */
static void *send_for_ever(void *arg)
{
	u64 args = room + 4096;

	host_set_cpu(1);
	run_on(dom0, 1);
	memcpy(host_guest_ptr(args), arg, 4);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		do_event_channel_op((u64[5]){ EVTCHNOP_send, args });
		do_event_channel_op((u64[5]){ EVTCHNOP_unmask, args });
	}
	return NULL;
}

/* The peer binds, closes, resets and dies under the sender's hands. */
static void test_sender_and_closer(void **state)
{
	u32 port0 = (u32)evtchn_alloc_unbound(dom0, 3), port1, port;
	struct domain *d;
	pthread_t t;

	stop = false;
	assert_int_equal(pthread_create(&t, NULL, send_for_ever, &port0), 0);
	for (int i = 0; i < 300; i++) {
		d = dom_new(3, 0, 2, &no_limits);
		run_on(d, 0);
		for (int k = 0; k < 20; k++) {
			assert_int_equal(bind_interdomain(0, port0, &port1), 0);
			assert_int_equal(bind_vcpu(port1, 1), 0);
			if (k % 2) {
				assert_int_equal(CLOSE(port1), 0);
			} else {
				assert_int_equal(bind_ipi(1, &port), 0);
				assert_int_equal(reset(DOMID_SELF), 0);
			}
		}
		assert_int_equal(bind_interdomain(0, port0, &port1), 0);
		run_on(dom0, 0);
		dom_kill(d);
		dom_free(d);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
}

/* Building a domain fails at each allocation in turn; nothing stays behind. */
static void test_creation_fails(void **state)
{
	struct domain *d = calloc(1, sizeof(*d));
	void *pages[20000], *hold[3];
	u32 n = 0;

	d->nr_vcpus = 8;
	d->vcpus = calloc(8, sizeof(*d->vcpus));
	for (int spare = 0; spare < 3; spare++)
		hold[spare] = heap_alloc_page();
	while (n < ARRAY_SIZE(pages) && (pages[n] = heap_alloc_page()))
		n++;
	for (int spare = 0; spare < 3; spare++) {
		u64 before = house_free_frames();

		/* Small objects may still come from pages in use. */
		if (evtchn_domain_create(d, &no_limits) == 0)
			assert_int_equal(evtchn_domain_destroy(d), 0);
		assert_null(d->evtchn);
		assert_int_equal(house_free_frames(), before);
		heap_free(hold[spare], 0);
	}
	while (n)
		heap_free(pages[--n], 0);
	assert_int_equal(evtchn_domain_destroy(d), 0);
	assert_int_equal(evtchn_domain_close(d), 0);
	free(d->vcpus);
	free(d);
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
		TEST(test_ipi_and_masks),
		TEST(test_bind_vcpu),
		TEST(test_without_fifo),
		TEST(test_faults),
		TEST(test_exhaustion),
		TEST(test_pages_on_demand),
		TEST(test_no_memory),
		TEST(test_reset),
		TEST(test_death_of_peer),
		TEST(test_alloc_in_dying),
		TEST(test_poll),
		TEST(test_vcpu_info),
		TEST(test_vcpu_info_pages),
		TEST(test_dump),
		TEST(test_sender_and_closer),
		TEST(test_creation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
