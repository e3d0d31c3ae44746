/* SPDX-License-Identifier: Apache-2.0 */
/* Event channel calls as a guest makes them, in the 2-level format. After ipc_house.h. */
#ifndef TESTS_HOST_EVTCHN_CALLS_H
#define TESTS_HOST_EVTCHN_CALLS_H

#include <abi/event_channel.h>

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

static inline bool pending(const struct domain *d, u32 port)
{
	return bit_test(d->shared_info->evtchn_pending, port);
}

static inline void mask(struct domain *d, u32 port, bool on)
{
	if (on)
		bit_test_and_set(d->shared_info->evtchn_mask, port);
	else
		bit_test_and_clear(d->shared_info->evtchn_mask, port);
}

/* What a guest's upcall handler does, in short. */
static inline void consume_all(struct vcpu *v)
{
	v->info->evtchn_upcall_pending = 0;
	v->info->evtchn_pending_sel = 0;
	memset(v->domain->shared_info->evtchn_pending, 0, 512);
}

static inline long alloc_unbound(u16 dom, u16 remote, u32 *port)
{
	struct abi_evtchn_alloc_unbound a = { .dom = dom, .remote_dom = remote, .port = 0xffff };
	long rc = EV(alloc_unbound, &a);

	*port = a.port;
	return rc;
}

static inline long bind_interdomain(u16 remote, u32 rport, u32 *port)
{
	struct abi_evtchn_bind_interdomain a = { .remote_dom = remote, .remote_port = rport };
	long rc = EV(bind_interdomain, &a);

	*port = a.local_port;
	return rc;
}

static inline long bind_virq(u32 virq, u32 vcpu, u32 *port)
{
	struct abi_evtchn_bind_virq a = { .virq = virq, .vcpu = vcpu };
	long rc = EV(bind_virq, &a);

	*port = a.port;
	return rc;
}

static inline long bind_ipi(u32 vcpu, u32 *port)
{
	struct abi_evtchn_bind_ipi a = { .vcpu = vcpu };
	long rc = EV(bind_ipi, &a);

	*port = a.port;
	return rc;
}

static inline long port_op(u32 cmd, u32 port)
{
	struct abi_evtchn_port a = { .port = port };

	return evtchn_op(cmd, &a, sizeof(a));
}

#define CLOSE(port)  port_op(EVTCHNOP_close, (port))
#define SEND(port)   port_op(EVTCHNOP_send, (port))
#define UNMASK(port) port_op(EVTCHNOP_unmask, (port))

static inline struct abi_evtchn_status status_of(u16 dom, u32 port, long want_rc)
{
	struct abi_evtchn_status s = { .dom = dom, .port = port, .status = 77 };

	assert_int_equal(EV(status, &s), want_rc);
	return s;
}

static inline long bind_vcpu(u32 port, u32 vcpu)
{
	struct abi_evtchn_bind_vcpu a = { .port = port, .vcpu = vcpu };

	return EV(bind_vcpu, &a);
}

static inline long reset(u16 dom)
{
	struct abi_evtchn_reset a = { .dom = dom };

	return EV(reset, &a);
}

/* A channel between dom0 and dom1; leaves the caller as it was. */
static inline void connect(u32 *port0, u32 *port1)
{
	struct vcpu *v = current_vcpu();

	run_on(dom0, 0);
	assert_int_equal(alloc_unbound(DOMID_SELF, 1, port0), 0);
	run_on(dom1, 0);
	assert_int_equal(bind_interdomain(0, *port0, port1), 0);
	host_set_current(v);
}

#endif
