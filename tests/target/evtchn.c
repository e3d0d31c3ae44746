// SPDX-License-Identifier: Apache-2.0
/* Event channels in the 2-level format: life of each kind of port, refusals, delivery. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

#define HUGE_PORT 0x100000u

static uint64_t handled[4096];

static void on_event(uint32_t port)
{
	handled[port]++;
}

/* Status of port; the answer is in *st. */
static int64_t status(uint32_t port, struct evtchn_status *st)
{
	memset(st, 0, sizeof(*st));
	st->dom = DOMID_SELF;
	st->port = port;
	return hc_evtchn(EVTCHNOP_status, st);
}

static int64_t status_of(uint32_t port)
{
	struct evtchn_status st;
	int64_t rc = status(port, &st);

	return rc ? rc : (int64_t)st.status;
}

static int64_t bind_virq(uint32_t virq, uint32_t vcpu, uint32_t *port)
{
	struct evtchn_bind_virq b = { virq, vcpu, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_bind_virq, &b);

	*port = b.port;
	return rc;
}

/* What the hypervisor prints is announced to the reader of its console. */
static void check_console_ring(void)
{
	static struct xen_sysctl op;
	static const char key[] = "h";
	uint32_t port;

	op.cmd = XEN_SYSCTL_debug_keys;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.debug_keys.keys = (uint64_t)key;
	op.u.debug_keys.nr_keys = 1;
	check_eq("con_ring.bind", bind_virq(VIRQ_CON_RING, 0, &port), 0);
	event_clear(port);
	check_eq("con_ring.debug_key", hypercall(HC_sysctl, (uint64_t)&op, 0, 0, 0), 0);
	sleep_us(1000);
	check_eq("con_ring.pending", event_pending(port), 1);
	check_eq("con_ring.close", event_close(port), 0);
}

static int64_t bind_vcpu(uint32_t port, uint32_t vcpu)
{
	struct evtchn_bind_vcpu b = { port, vcpu };

	return hc_evtchn(EVTCHNOP_bind_vcpu, &b);
}

static void check_unbound(void)
{
	struct evtchn_alloc_unbound a = { DOMID_SELF, DOMID_NONE, 0 };
	struct evtchn_bind_interdomain b = { DOMID_NONE, 1, 0 };
	struct evtchn_status st;
	uint32_t a_port, b_port, again;

	check_eq("evtchn.alloc_unbound", event_alloc_unbound(&a_port), 0);
	check_eq("evtchn.first_port", a_port, 1);
	check_eq("evtchn.status_unbound", status_of(a_port), EVTCHNSTAT_unbound);
	check_eq("evtchn.send_unbound", event_send(a_port), 0);
	check_eq("evtchn.bind_interdomain", event_bind_self(a_port, &b_port), 0);
	check_eq("evtchn.status_interdomain", status_of(b_port), EVTCHNSTAT_interdomain);
	status(b_port, &st);
	check_eq("evtchn.status_interdomain_port", st.u.interdomain.port, a_port);
	check_eq("evtchn.status_interdomain_dom", st.u.interdomain.dom, 0);
	check_eq("evtchn.status_vcpu", st.vcpu, 0);
	check_eq("evtchn.local_port_pending_after_bind", event_pending(b_port), 1);
	check_eq("evtchn.bind_interdomain_again", event_bind_self(a_port, &again), -XEN_EINVAL);
	check_eq("evtchn.send_interdomain", event_send(b_port), 0);
	check_eq("evtchn.peer_pending_after_send", event_pending(a_port), 1);
	check_eq("evtchn.close_local_of_pair", event_close(b_port), 0);
	check_eq("evtchn.status_peer_after_close", status_of(a_port), EVTCHNSTAT_unbound);
	check_eq("evtchn.close", event_close(a_port), 0);
	check_eq("evtchn.close_again", event_close(a_port), -XEN_EINVAL);
	check_eq("evtchn.status_closed", status_of(a_port), EVTCHNSTAT_closed);
	check_eq("evtchn.send_closed", event_send(a_port), -XEN_EINVAL);
	check_eq("evtchn.alloc_unbound_bad_remote", hc_evtchn(EVTCHNOP_alloc_unbound, &a),
		 -XEN_ESRCH);
	a.dom = DOMID_NONE;
	a.remote_dom = DOMID_SELF;
	check_eq("evtchn.alloc_unbound_bad_dom", hc_evtchn(EVTCHNOP_alloc_unbound, &a), -XEN_ESRCH);
	check_eq("evtchn.bind_interdomain_bad_dom", hc_evtchn(EVTCHNOP_bind_interdomain, &b),
		 -XEN_ESRCH);
	check_eq("evtchn.bind_interdomain_bad_port", event_bind_self(4000, &again), -XEN_EINVAL);
	check_eq("evtchn.bind_interdomain_huge_port", event_bind_self(HUGE_PORT, &again),
		 -XEN_EINVAL);
}

static void check_ports(void)
{
	struct evtchn_status st = { DOMID_NONE, 1, 0, 0, { .virq = 0 } };

	check_eq("evtchn.close_0", event_close(0), -XEN_EINVAL);
	check_eq("evtchn.close_huge", event_close(HUGE_PORT), -XEN_EINVAL);
	check_eq("evtchn.send_0", event_send(0), -XEN_EINVAL);
	check_eq("evtchn.send_huge", event_send(HUGE_PORT), -XEN_EINVAL);
	check_eq("evtchn.status_huge", status_of(HUGE_PORT), -XEN_EINVAL);
	check_eq("evtchn.status_bad_dom", hc_evtchn(EVTCHNOP_status, &st), -XEN_ESRCH);
}

static void check_virqs(void)
{
	struct evtchn_status st;
	uint32_t port, other;

	check_eq("evtchn.bind_virq_debug", bind_virq(VIRQ_DEBUG, 0, &port), 0);
	check_eq("evtchn.status_virq", status_of(port), EVTCHNSTAT_virq);
	status(port, &st);
	check_eq("evtchn.status_virq_nr", st.u.virq, VIRQ_DEBUG);
	check_eq("evtchn.bind_virq_twice", bind_virq(VIRQ_DEBUG, 0, &other), -XEN_EEXIST);
	check_eq("evtchn.send_virq", event_send(port), -XEN_EINVAL);
	check_eq("evtchn.bind_vcpu_on_pervcpu_virq", bind_vcpu(port, 1), -XEN_EINVAL);
	check_eq("evtchn.close_virq", event_close(port), 0);
	check_eq("evtchn.bind_virq_after_close", bind_virq(VIRQ_DEBUG, 0, &port), 0);
	check_eq("evtchn.bind_virq_24", bind_virq(24, 0, &other), -XEN_EINVAL);
	check_eq("evtchn.bind_virq_bad_vcpu", bind_virq(VIRQ_DEBUG, 99, &other), -XEN_ENOENT);
	check_eq("evtchn.bind_virq_timer", bind_virq(VIRQ_TIMER, 0, &other), 0);
	check_eq("evtchn.bind_virq_timer_vcpu1", bind_virq(VIRQ_TIMER, 1, &other), 0);
	status(other, &st);
	check_eq("evtchn.status_virq_vcpu1", st.vcpu, 1);
	check_eq("evtchn.bind_global_virq_vcpu1", bind_virq(VIRQ_DOM_EXC, 1, &other), -XEN_EINVAL);
	check_eq("evtchn.bind_global_virq", bind_virq(VIRQ_DOM_EXC, 0, &other), 0);
	check_eq("evtchn.rebind_global_virq", bind_vcpu(other, 1), 0);
	event_close(other);
}

static void check_ipis(void)
{
	uint32_t port, other;

	check_eq("evtchn.bind_ipi", event_bind_ipi(0, &port), 0);
	check_eq("evtchn.status_ipi", status_of(port), EVTCHNSTAT_ipi);
	check_eq("evtchn.bind_vcpu_on_ipi", bind_vcpu(port, 1), -XEN_EINVAL);
	check_eq("evtchn.send_ipi", event_send(port), 0);
	check_eq("evtchn.pending_bit_set", event_pending(port), 1);
	check_eq("evtchn.masked_not_handled", (int64_t)handled[port], 0);
	event_handle(port, on_event);
	check_eq("evtchn.unmask", event_unmask(port), 0);
	check_eq("evtchn.mask_bit_cleared_by_unmask", event_masked(port), 0);
	check("evtchn.unmask_delivers", wait_for(&handled[port], 1, 100000));
	event_send(port);
	check("evtchn.send_delivers", wait_for(&handled[port], 2, 100000));
	check_eq("evtchn.pending_cleared", event_pending(port), 0);
	event_mask(port);
	event_send(port);
	event_send(port);
	event_send(port);
	event_unmask(port);
	check("evtchn.sends_collapse", wait_for(&handled[port], 3, 100000));
	delay_us(1000);
	check_eq("evtchn.sends_collapse_once", (int64_t)handled[port], 3);
	check_eq("evtchn.unmask_idle", event_unmask(port), 0);
	delay_us(1000);
	check_eq("evtchn.unmask_idle_quiet", (int64_t)handled[port], 3);
	check_eq("evtchn.unmask_huge", event_unmask(HUGE_PORT), -XEN_EINVAL);
	check_eq("evtchn.unmask_unallocated", event_unmask(4000), -XEN_EINVAL);
	check_eq("evtchn.bind_ipi_bad_vcpu", event_bind_ipi(99, &other), -XEN_ENOENT);
	event_mask(port);
	event_close(port);
}

/* Several ports of several words in one upcall. */
static void check_many_ports(void)
{
	uint32_t ports[150];
	int64_t wrong = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		event_bind_ipi(0, &ports[i]);
		handled[ports[i]] = 0;
		event_handle(ports[i], on_event);
	}
	irq_disable();
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i += 3) {
		event_unmask_local(ports[i]);
		event_send(ports[i]);
	}
	irq_enable();
	delay_us(1000);
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		if (handled[ports[i]] != (i % 3 == 0))
			wrong++;
		event_mask(ports[i]);
		event_close(ports[i]);
	}
	check_eq("evtchn.many_ports_wrong", wrong, 0);
}

static void check_bind_vcpu(void)
{
	struct evtchn_status st;
	uint32_t port;

	event_alloc_unbound(&port);
	check_eq("evtchn.bind_vcpu_unbound", bind_vcpu(port, 1), 0);
	status(port, &st);
	check_eq("evtchn.bind_vcpu_status", st.vcpu, 1);
	check_eq("evtchn.bind_vcpu_bad_vcpu", bind_vcpu(port, 99), -XEN_ENOENT);
	check_eq("evtchn.bind_vcpu_bad_port", bind_vcpu(4000, 0), -XEN_EINVAL);
	event_close(port);
}

static void check_fifo_ops_in_2l(void)
{
	struct evtchn_bind_pirq bp = { 33, 0, 0 };
	struct evtchn_expand_array ea = { virt_to_gfn(handled) };
	struct evtchn_set_priority sp = { 1, 0 };
	struct evtchn_init_control ic = { virt_to_gfn(handled), 0, 0, 0, { 0 } };

	check_eq("evtchn.bind_pirq", hc_evtchn(EVTCHNOP_bind_pirq, &bp), -XEN_ENOMEM);
	check_eq("evtchn.expand_array_in_2l", hc_evtchn(EVTCHNOP_expand_array, &ea),
		 -XEN_EOPNOTSUPP);
	event_alloc_unbound(&sp.port);
	check_eq("evtchn.set_priority_in_2l", hc_evtchn(EVTCHNOP_set_priority, &sp), -XEN_ENOSYS);
	ic.offset = 4096;
	check_eq("evtchn.init_control_bad_offset", hc_evtchn(EVTCHNOP_init_control, &ic),
		 -XEN_EINVAL);
	ic.offset = 4;
	check_eq("evtchn.init_control_unaligned", hc_evtchn(EVTCHNOP_init_control, &ic),
		 -XEN_EINVAL);
	ic.offset = 0;
	ic.vcpu = 99;
	check_eq("evtchn.init_control_bad_vcpu", hc_evtchn(EVTCHNOP_init_control, &ic),
		 -XEN_ENOENT);
	ic.vcpu = 0;
	ic.control_gfn = hole_address() >> PAGE_SHIFT;
	check_eq("evtchn.init_control_bad_gfn", hc_evtchn(EVTCHNOP_init_control, &ic), -XEN_EINVAL);
	check_eq("evtchn.unknown_15", hc_evtchn(15, &ic), -XEN_ENOSYS);
	check_eq("evtchn.unknown_big", hc_evtchn(0x7fffffff, &ic), -XEN_ENOSYS);
}

static void check_bad_pointers(void)
{
	for (uint32_t op = 0; op <= EVTCHNOP_set_priority; op++)
		check_eqf(hc_evtchn(op, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT,
			  "evtchn.efault_op%02u", op);
}

static void check_end(void)
{
	struct evtchn_reset reset = { DOMID_NONE };
	uint32_t port, last = 0;
	int64_t rc;

	check_eq("evtchn.reset_bad_dom", hc_evtchn(EVTCHNOP_reset, &reset), -XEN_ESRCH);
	do {
		rc = event_alloc_unbound(&port);
		if (rc == 0)
			last = port;
	} while (rc == 0);
	check_eq("evtchn.exhaust_rc", rc, -XEN_ENOSPC);
	check_eq("evtchn.exhaust_last_port", last, 4095);
	reset.dom = DOMID_SELF;
	check_eq("evtchn.reset_self_2l", hc_evtchn(EVTCHNOP_reset, &reset), 0);
	check_eq("evtchn.reset_closes_all", status_of(last), EVTCHNSTAT_closed);
	check_eq("evtchn.alloc_after_reset_2l", event_alloc_unbound(&port), 0);
}

void guest_main(void)
{
	if (!check("evtchn.shared_info", events_init()))
		return;
	check_unbound();
	check_ports();
	check_virqs();
	check_console_ring();
	check_ipis();
	check_many_ports();
	check_bind_vcpu();
	check_fifo_ops_in_2l();
	check_bad_pointers();
	check_end();
}
