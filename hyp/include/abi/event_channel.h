/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op and the two formats of pending events (Xen 4.17 public/event_channel.h). */
#ifndef ABI_EVENT_CHANNEL_H
#define ABI_EVENT_CHANNEL_H

#include <serai/types.h>

enum abi_evtchnop {
	EVTCHNOP_bind_interdomain = 0,
	EVTCHNOP_bind_virq = 1,
	EVTCHNOP_bind_pirq = 2,
	EVTCHNOP_close = 3,
	EVTCHNOP_send = 4,
	EVTCHNOP_status = 5,
	EVTCHNOP_alloc_unbound = 6,
	EVTCHNOP_bind_ipi = 7,
	EVTCHNOP_bind_vcpu = 8,
	EVTCHNOP_unmask = 9,
	EVTCHNOP_reset = 10,
	EVTCHNOP_init_control = 11,
	EVTCHNOP_expand_array = 12,
	EVTCHNOP_set_priority = 13,
	EVTCHNOP_reset_cont = 14,
};

struct abi_evtchn_alloc_unbound {
	u16 dom, remote_dom;
	u32 port; /* out */
};

struct abi_evtchn_bind_interdomain {
	u16 remote_dom;
	u32 remote_port;
	u32 local_port; /* out */
};

struct abi_evtchn_bind_virq {
	u32 virq, vcpu;
	u32 port; /* out */
};

struct abi_evtchn_bind_pirq {
	u32 pirq, flags;
	u32 port; /* out */
};

struct abi_evtchn_bind_ipi {
	u32 vcpu;
	u32 port; /* out */
};

/* close, send, unmask. */
struct abi_evtchn_port {
	u32 port;
};

enum abi_evtchn_status_code {
	EVTCHNSTAT_closed = 0,
	EVTCHNSTAT_unbound = 1,
	EVTCHNSTAT_interdomain = 2,
	EVTCHNSTAT_pirq = 3,
	EVTCHNSTAT_virq = 4,
	EVTCHNSTAT_ipi = 5,
};

struct abi_evtchn_status {
	u16 dom;
	u32 port;
	u32 status, vcpu; /* out from here */
	union {
		struct {
			u16 dom;
			u32 port; /* of an interdomain channel only */
		} remote;
		u32 virq;
	} u;
};

struct abi_evtchn_bind_vcpu {
	u32 port, vcpu;
};

struct abi_evtchn_reset {
	u16 dom;
};

struct abi_evtchn_init_control {
	u64 control_gfn;
	u32 offset, vcpu;
	u8 link_bits; /* out */
	u8 pad[7];
};

struct abi_evtchn_expand_array {
	u64 array_gfn;
};

struct abi_evtchn_set_priority {
	u32 port, priority;
};

/* The FIFO format: one word per channel, linked into a queue per vcpu and priority. */
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15 /* the lowest has the largest number */
#define EVTCHN_FIFO_QUEUES	     16

#define EVTCHN_FIFO_PENDING   (1U << 31)
#define EVTCHN_FIFO_MASKED    (1U << 30)
#define EVTCHN_FIFO_LINKED    (1U << 29)
#define EVTCHN_FIFO_BUSY      (1U << 28)
#define EVTCHN_FIFO_LINK_BITS 17
#define EVTCHN_FIFO_LINK_MASK ((1U << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_PORTS     (1U << EVTCHN_FIFO_LINK_BITS)

struct abi_evtchn_fifo_control {
	u32 ready;
	u32 rsvd;
	u32 head[EVTCHN_FIFO_QUEUES];
};

_Static_assert(sizeof(struct abi_evtchn_alloc_unbound) == 8, "ABI");
_Static_assert(sizeof(struct abi_evtchn_bind_interdomain) == 12, "ABI");
_Static_assert(sizeof(struct abi_evtchn_status) == 24, "ABI");
_Static_assert(sizeof(struct abi_evtchn_init_control) == 24, "ABI");
_Static_assert(sizeof(struct abi_evtchn_fifo_control) == 72, "ABI");

#endif
