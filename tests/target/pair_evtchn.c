// SPDX-License-Identifier: Apache-2.0
/* Event channels between two domains: binding, delivery, and the end of it from either side. */
/* machine: smp=1 vcpus=2 pair=1 timeout=90 */
#include "guest.h"

#define GUEST_PORTS 1024 /* of a guest of the device tree */
#define SOON	    200000

static uint64_t handled[4096];
static uint32_t handled_on[4096]; /* CPU of the last time */

static void on_event(uint32_t port)
{
	handled_on[port] = cpu_id();
	handled[port]++;
}

/* ---- by either side; in the peer through pair_call ---- */

static int64_t alloc(uint64_t dom, uint64_t remote, uint64_t c)
{
	struct evtchn_alloc_unbound a = { (uint16_t)dom, (uint16_t)remote, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_alloc_unbound, &a);

	(void)c;
	return rc ? rc : (int64_t)a.port;
}

static int64_t bind(uint64_t remote, uint64_t port, uint64_t c)
{
	struct evtchn_bind_interdomain b = { (uint16_t)remote, (uint32_t)port, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_bind_interdomain, &b);

	(void)c;
	return rc ? rc : (int64_t)b.local_port;
}

/* Status, its domain and its port, each 0 when there is none: 8, 16 and 32 bits; or an error. */
static int64_t status(uint64_t dom, uint64_t port, uint64_t c)
{
	struct evtchn_status st = { (uint16_t)dom, (uint32_t)port, 0, 0, { .virq = 0 } };
	int64_t rc = hc_evtchn(EVTCHNOP_status, &st);

	(void)c;
	if (rc)
		return rc;
	rc = (int64_t)st.status << 48;
	if (st.status == EVTCHNSTAT_unbound || st.status == EVTCHNSTAT_interdomain)
		rc |= (int64_t)st.u.interdomain.dom << 32;
	if (st.status == EVTCHNSTAT_interdomain)
		rc |= st.u.interdomain.port;
	return rc;
}

#define STATUS(s, dom, port) ((int64_t)(EVTCHNSTAT_##s) << 48 | (int64_t)(dom) << 32 | (port))

static int64_t send(uint64_t port, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return event_send((uint32_t)port);
}

static int64_t close_port(uint64_t port, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return event_close((uint32_t)port);
}

static int64_t listen(uint64_t port, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	event_handle((uint32_t)port, on_event);
	return event_unmask((uint32_t)port);
}

/* Waits until the port was handled so often. */
static int64_t heard(uint64_t port, uint64_t times, uint64_t c)
{
	(void)c;
	wait_for(&handled[port], times, SOON);
	return (int64_t)handled[port];
}

static int64_t is_pending(uint64_t port, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return event_pending((uint32_t)port);
}

static int64_t reset(uint64_t dom, uint64_t b, uint64_t c)
{
	struct evtchn_reset r = { (uint16_t)dom };

	(void)b;
	(void)c;
	return hc_evtchn(EVTCHNOP_reset, &r);
}

#define PEER_DOES(fn, a, b) pair_call(fn, (uint64_t)(a), (uint64_t)(b), 0)

/* ---- binding ---- */

static void check_refusals(uint32_t rport)
{
	int64_t other = PEER_DOES(alloc, DOMID_SELF, PEER);

	check_eq("pair_evtchn.bind_not_for_me", bind(PEER, (uint64_t)other, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.bind_unallocated", bind(PEER, 1000, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.bind_huge", bind(PEER, 1u << 20, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.bind_port_0", bind(PEER, 0, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.peer_binds_own_for_me", PEER_DOES(bind, PEER, rport), -XEN_EINVAL);
	check_eq("pair_evtchn.peer_alloc_for_dom0", PEER_DOES(alloc, 0, PEER), -XEN_EPERM);
	check_eq("pair_evtchn.peer_alloc_none", PEER_DOES(alloc, DOMID_SELF, DOMID_NONE),
		 -XEN_ESRCH);
	check_eq("pair_evtchn.peer_status_of_dom0", PEER_DOES(status, 0, 1), -XEN_EPERM);
	check_eq("pair_evtchn.peer_reset_of_dom0", PEER_DOES(reset, 0, 0), -XEN_EPERM);
	check_eq("pair_evtchn.reset_of_running_peer", reset(PEER, 0, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.close_other", PEER_DOES(close_port, other, 0), 0);
}

/* dom0 makes the port in the peer's name. */
static void check_alloc_for_peer(void)
{
	int64_t port = alloc(PEER, DOMID_SELF, 0);

	check_range("pair_evtchn.alloc_for_peer", port, 1, GUEST_PORTS - 1);
	check_eq("pair_evtchn.alloc_for_peer_status", PEER_DOES(status, DOMID_SELF, port),
		 STATUS(unbound, 0, 0));
	check_eq("pair_evtchn.alloc_for_peer_close", PEER_DOES(close_port, port, 0), 0);
}

/* Leaves a bound pair. */
static void check_binding(uint32_t *lport, uint32_t *rport)
{
	int64_t r = PEER_DOES(alloc, DOMID_SELF, 0), l;

	check_range("pair_evtchn.alloc", r, 1, GUEST_PORTS - 1);
	check_eq("pair_evtchn.status_of_other", status(PEER, (uint64_t)r, 0),
		 STATUS(unbound, 0, 0));
	check_eq("pair_evtchn.early_send", PEER_DOES(send, r, 0), 0);
	l = bind(PEER, (uint64_t)r, 0);
	check_range("pair_evtchn.bind", l, 1, 4095);
	check_eq("pair_evtchn.pending_after_bind", event_pending((uint32_t)l), 1);
	check_eq("pair_evtchn.peer_not_pending", PEER_DOES(is_pending, r, 0), 0);
	check_eq("pair_evtchn.bind_again", bind(PEER, (uint64_t)r, 0), -XEN_EINVAL);
	check_eq("pair_evtchn.status", status(DOMID_SELF, (uint64_t)l, 0),
		 STATUS(interdomain, PEER, r));
	check_eq("pair_evtchn.status_other_interdomain", status(PEER, (uint64_t)r, 0),
		 STATUS(interdomain, 0, l));
	check_eq("pair_evtchn.peer_status", PEER_DOES(status, DOMID_SELF, r),
		 STATUS(interdomain, 0, l));
	*lport = (uint32_t)l;
	*rport = (uint32_t)r;
}

/* ---- delivery ---- */

static void check_delivery(uint32_t lport, uint32_t rport)
{
	check_eq("pair_evtchn.peer_listens", PEER_DOES(listen, rport, 0), 0);
	check_eq("pair_evtchn.listen", listen(lport, 0, 0), 0);
	check_eq("pair_evtchn.unmask_delivers_bind", heard(lport, 1, 0), 1);
	check_eq("pair_evtchn.send", event_send(lport), 0);
	check_eq("pair_evtchn.peer_heard", PEER_DOES(heard, rport, 1), 1);
	check_eq("pair_evtchn.peer_sends", PEER_DOES(send, rport, 0), 0);
	check_eq("pair_evtchn.heard", heard(lport, 2, 0), 2);
	event_mask(lport);
	for (int i = 0; i < 3; i++)
		PEER_DOES(send, rport, 0);
	check_eq("pair_evtchn.masked", (int64_t)handled[lport], 2);
	check_eq("pair_evtchn.masked_pending", event_pending(lport), 1);
	event_unmask(lport);
	check_eq("pair_evtchn.sends_collapse", heard(lport, 3, 0), 3);
	delay_us(100);
	check_eq("pair_evtchn.sends_collapse_once", (int64_t)handled[lport], 3);
}

static uint64_t second_up;

static void second_cpu(uint64_t arg)
{
	(void)arg;
	WRITE_ONCE(second_up, events_init_cpu(1) ? 1 : 2);
	for (;;)
		hc_sched(SCHEDOP_block, NULL);
}

/* The peer's second vcpu listens to the port. */
static int64_t move_port(uint64_t port, uint64_t b, uint64_t c)
{
	struct evtchn_bind_vcpu bv = { (uint32_t)port, 1 };
	int64_t rc;

	(void)b;
	(void)c;
	if (!second_up && (cpu_start(1, second_cpu, 0) != 0 || !wait_for(&second_up, 1, SOON)))
		return 99;
	event_of_cpu((uint32_t)port, 1);
	rc = hc_evtchn(EVTCHNOP_bind_vcpu, &bv);
	bv.vcpu = 2;
	return rc ? rc : hc_evtchn(EVTCHNOP_bind_vcpu, &bv) == -XEN_ENOENT ? 0 : 98;
}

static int64_t heard_on(uint64_t port, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return handled_on[port];
}

static void check_bind_vcpu(uint32_t lport, uint32_t rport)
{
	check_eq("pair_evtchn.before_move", PEER_DOES(heard_on, rport, 0), 0);
	check_eq("pair_evtchn.bind_vcpu", PEER_DOES(move_port, rport, 0), 0);
	event_send(lport);
	check_eq("pair_evtchn.heard_after_move", PEER_DOES(heard, rport, 2), 2);
	check_eq("pair_evtchn.heard_on_second", PEER_DOES(heard_on, rport, 0), 1);
}

/* ---- the end of a channel ---- */

static void check_closing(uint32_t *lport, uint32_t rport)
{
	uint32_t old = *lport;
	int64_t again;

	event_mask(old);
	PEER_DOES(send, rport, 0);
	check_eq("pair_evtchn.close", event_close(old), 0);
	check_eq("pair_evtchn.close_clears_pending", event_pending(old), 0);
	check_eq("pair_evtchn.peer_after_close", PEER_DOES(status, DOMID_SELF, rport),
		 STATUS(unbound, 0, 0));
	check_eq("pair_evtchn.peer_sends_to_nobody", PEER_DOES(send, rport, 0), 0);
	again = bind(PEER, rport, 0);
	check_eq("pair_evtchn.rebind", again, old);
	*lport = (uint32_t)again;
	check_eq("pair_evtchn.peer_closes", PEER_DOES(close_port, rport, 0), 0);
	check_eq("pair_evtchn.after_peer_closed", status(DOMID_SELF, *lport, 0),
		 STATUS(unbound, PEER, 0));
	check_eq("pair_evtchn.send_to_nobody", event_send(*lport), 0);
	check_eq("pair_evtchn.bind_closed", bind(PEER, rport, 0), -XEN_EINVAL);
	again = PEER_DOES(bind, 0, *lport);
	check_range("pair_evtchn.peer_binds_back", again, 1, GUEST_PORTS - 1);
	check_eq("pair_evtchn.bound_back", status(DOMID_SELF, *lport, 0),
		 STATUS(interdomain, PEER, again));
	PEER_DOES(close_port, again, 0);
	event_close(*lport);
}

/* How many ports the peer gets before it is refused, and how. */
static int64_t use_up(uint64_t a, uint64_t b, uint64_t c)
{
	int64_t n = 0, rc;

	(void)a;
	(void)b;
	(void)c;
	do
		rc = alloc(DOMID_SELF, 0, 0);
	while (rc > 0 && n++ < 5000);
	return rc == -XEN_ENOSPC ? n : rc;
}

static int64_t used_before;

static void check_limit(void)
{
	int64_t n, l[2];

	for (uint64_t p = 1; p < GUEST_PORTS; p++)
		used_before += status(PEER, p, 0) >> 48 > EVTCHNSTAT_closed;
	n = PEER_DOES(use_up, 0, 0);
	check_eq("pair_evtchn.limit", n + used_before, GUEST_PORTS - 1);
	check_eq("pair_evtchn.limit_for_dom0_too", alloc(PEER, DOMID_SELF, 0), -XEN_ENOSPC);
	l[0] = bind(PEER, GUEST_PORTS - 1, 0);
	l[1] = bind(PEER, GUEST_PORTS - 2, 0);
	check("pair_evtchn.bind_highest", l[0] > 0 && l[1] > 0);
	check_eq("pair_evtchn.peer_resets", PEER_DOES(reset, DOMID_SELF, 0), 0);
	check_eq("pair_evtchn.unbound_by_reset", status(DOMID_SELF, (uint64_t)l[0], 0),
		 STATUS(unbound, PEER, 0));
	check_eq("pair_evtchn.send_after_reset", event_send((uint32_t)l[1]), 0);
	check_eq("pair_evtchn.first_port_after_reset", PEER_DOES(alloc, DOMID_SELF, 0), 1);
	event_close((uint32_t)l[0]);
	event_close((uint32_t)l[1]);
	PEER_DOES(close_port, 1, 0);
}

/* ---- the FIFO format, on both sides or on one ---- */

static int64_t to_fifo(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	return events_init_fifo();
}

static void check_fifo(void)
{
	uint32_t lport, rport, port;
	struct evtchn_set_priority prio = { 0, 3 };

	check("pair_evtchn.fifo", events_init_fifo());
	lport = (uint32_t)bind(PEER, rport = (uint32_t)PEER_DOES(alloc, DOMID_SELF, 0), 0);
	handled[lport] = 0;
	listen(lport, 0, 0);
	check_eq("pair_evtchn.fifo_bind_delivers", heard(lport, 1, 0), 1);
	PEER_DOES(send, rport, 0);
	check_eq("pair_evtchn.fifo_heard", heard(lport, 2, 0), 2);
	check_eq("pair_evtchn.peer_fifo", PEER_DOES(to_fifo, 0, 0), 1);
	PEER_DOES(listen, rport, 0);
	port = (uint32_t)PEER_DOES(heard, rport, 0);
	event_send(lport);
	check_eq("pair_evtchn.peer_fifo_heard", PEER_DOES(heard, rport, port + 1), port + 1);
	prio.port = lport;
	check_eq("pair_evtchn.fifo_priority", hc_evtchn(EVTCHNOP_set_priority, &prio), 0);
	event_mask(lport);
	PEER_DOES(send, rport, 0);
	PEER_DOES(send, rport, 0);
	event_unmask(lport);
	check_eq("pair_evtchn.fifo_unmask", heard(lport, 3, 0), 3);
	check_eq("pair_evtchn.peer_fifo_resets", PEER_DOES(reset, DOMID_SELF, 0), 0);
	check_eq("pair_evtchn.fifo_unbound_by_reset", status(DOMID_SELF, lport, 0),
		 STATUS(unbound, PEER, 0));
	check_eq("pair_evtchn.fifo_send_after_reset", event_send(lport), 0);
}

/* ---- a domain ends ---- */

static void check_end(void)
{
	struct evtchn_bind_virq b = { VIRQ_DOM_EXC, 0, 0 };
	uint32_t lport = (uint32_t)bind(PEER, (uint64_t)PEER_DOES(alloc, DOMID_SELF, 0), 0);

	check_eq("pair_evtchn.bind_dom_exc", hc_evtchn(EVTCHNOP_bind_virq, &b), 0);
	handled[b.port] = 0;
	listen(b.port, 0, 0);
	check("pair_evtchn.not_ended", !peer_has_ended());
	check_eq("pair_evtchn.no_dom_exc", (int64_t)handled[b.port], 0);
	pair_end();
	check("pair_evtchn.ended", peer_has_ended());
	check_eq("pair_evtchn.dom_exc", heard(b.port, 1, 0), 1);
	check_eq("pair_evtchn.send_to_ended", event_send(lport), 0);
	check_eq("pair_evtchn.close_after_end", event_close(lport), 0);
}

static int64_t peer_init(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	return events_init();
}

void guest_main(void)
{
	uint32_t lport, rport;

	if (!pair_start())
		return;
	check("pair_evtchn.events", events_init());
	check_eq("pair_evtchn.peer_events", PEER_DOES(peer_init, 0, 0), 1);
	check_alloc_for_peer();
	check_binding(&lport, &rport);
	check_refusals(rport);
	check_delivery(lport, rport);
	check_bind_vcpu(lport, rport);
	check_closing(&lport, rport);
	check_limit();
	check_fifo();
	check_end();
}
