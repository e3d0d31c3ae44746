/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels in the FIFO format, and the guest's side of it. After ipc_house.h. */
#ifndef TESTS_HOST_FIFO_CALLS_H
#define TESTS_HOST_FIFO_CALLS_H

#include <abi/event_channel.h>

#define CONTROL_GFN 0x100 /* and following, one page for each vcpu */
#define ARRAY_GFN   0x200 /* and following */
#define VCPUS	    3

static const struct domain_config no_limits = {
	.max_evtchn_port = ~0U, .max_grant_frames = ~0U, .max_maptrack_frames = ~0U
};
static struct domain *dom0, *dom1;
static unsigned long seed;

static inline unsigned long rnd(unsigned long n)
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

static inline long init_control(u64 g, u32 offset, u32 vcpu)
{
	struct abi_evtchn_init_control a = { .control_gfn = g, .offset = offset, .vcpu = vcpu };
	long rc = EV(init_control, &a);

	if (!rc)
		assert_int_equal(a.link_bits, 17);
	return rc;
}

static inline long expand(u64 g)
{
	struct abi_evtchn_expand_array a = { .array_gfn = g };

	return EV(expand_array, &a);
}

static inline long set_priority(u32 port, u32 priority)
{
	struct abi_evtchn_set_priority a = { .port = port, .priority = priority };

	return EV(set_priority, &a);
}

static inline long bind_vcpu(u32 port, u32 vcpu)
{
	struct abi_evtchn_bind_vcpu a = { .port = port, .vcpu = vcpu };

	return EV(bind_vcpu, &a);
}

static inline u32 bind_ipi(u32 vcpu)
{
	struct abi_evtchn_bind_ipi a = { .vcpu = vcpu };

	return EV(bind_ipi, &a) ? 0 : a.port;
}

static inline long port_op(u32 cmd, u32 port)
{
	struct abi_evtchn_port a = { .port = port };

	return evtchn_op(cmd, &a, sizeof(a));
}

#define CLOSE(port)  port_op(EVTCHNOP_close, (port))
#define SEND(port)   port_op(EVTCHNOP_send, (port))
#define UNMASK(port) port_op(EVTCHNOP_unmask, (port))

static inline long reset(u16 dom)
{
	struct abi_evtchn_reset a = { .dom = dom };

	return EV(reset, &a);
}

/* A port that can be moved between vcpus: one end of a loop within dom0. *sender is the other. */
static inline u32 bind_loop(u32 *sender)
{
	struct abi_evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct abi_evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };

	assert_int_equal(EV(alloc_unbound, &a), 0);
	b.remote_port = a.port;
	assert_int_equal(EV(bind_interdomain, &b), 0);
	*sender = b.local_port;
	return a.port;
}

static inline struct abi_evtchn_fifo_control *control_of(u32 vcpu)
{
	return dom_ptr(dom0, CONTROL_GFN + vcpu);
}

static inline u32 *word_of(u32 port)
{
	return (u32 *)dom_ptr(dom0, ARRAY_GFN + port / 1024) + port % 1024;
}

static inline void fifo_start(u32 pages)
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
static inline u32 guest_consume(u32 vcpu, u32 *priority)
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
static inline bool guest_handle(u32 port)
{
	u32 *word = word_of(port);

	if ((READ_ONCE(*word) & (EVTCHN_FIFO_PENDING | EVTCHN_FIFO_MASKED)) != EVTCHN_FIFO_PENDING)
		return false;
	__atomic_fetch_and(word, ~EVTCHN_FIFO_PENDING, __ATOMIC_SEQ_CST);
	return true;
}

#endif
