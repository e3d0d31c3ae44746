/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels from inside: channels, their directory, and what differs between the two formats.
 *
 * bind_lock (RANK_EVTCHN) serialises everything that changes a channel's state, everywhere.
 * Senders take only the lock of their own channel: while it is held and the channel is bound,
 * its peer and the peer's domain, vcpus and event words stay. Closing therefore first takes the
 * peer's state away under the peer's lock.
 */
#ifndef IPC_EVTCHN_PRIVATE_H
#define IPC_EVTCHN_PRIVATE_H

#include "guest_atomic.h"
#include <abi/event_channel.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>

enum evtchn_state {
	EVTCHN_FREE,
	EVTCHN_RESERVED, /* port 0 */
	EVTCHN_OWN,	 /* the hypervisor's own end: unbound (remote is NULL) or bound */
	EVTCHN_UNBOUND,
	EVTCHN_INTERDOMAIN,
	EVTCHN_VIRQ,
	EVTCHN_IPI,
	EVTCHN_TO_OWN, /* the other end of an own one */
};

struct evtchn {
	struct lock lock; /* RANK_EVTCHN_PORT */
	u8 state;	  /* enum evtchn_state */
	u8 priority;	  /* FIFO: queue for the next event */
	u16 vcpu;	  /* who is notified */
	struct domain *remote; /* INTERDOMAIN, OWN, TO_OWN */
	union {
		u32 remote_port;    /* INTERDOMAIN, OWN, TO_OWN */
		u32 remote_dom;	    /* UNBOUND, OWN without remote: who may bind */
		u32 virq;	    /* VIRQ */
	};
	/* FIFO: the queue where it was linked last (fifo_queue_id), and an event without a word. */
	u16 last_queue;
	u8 unsent;
} __aligned(32);

#define BUCKET_SHIFT 7
#define BUCKET_PORTS (1U << BUCKET_SHIFT)
#define GROUP_SHIFT  12
#define GROUP_BUCKETS (1U << (GROUP_SHIFT - BUCKET_SHIFT))
#define GROUPS	     (EVTCHN_FIFO_PORTS >> GROUP_SHIFT)

_Static_assert(sizeof(struct evtchn) << BUCKET_SHIFT == PAGE_SIZE, "a bucket is a page");

struct evtchn_group {
	struct evtchn *bucket[GROUP_BUCKETS];
	u64 used[GROUP_BUCKETS][BUCKET_PORTS / 64]; /* ports that are not FREE */
};

struct evtchn_ops;
struct evtchn_fifo;

struct evtchn_domain {
	const struct evtchn_ops *ops;
	u32 nr_ports; /* channels that exist: whole buckets from 0 on; only grows */
	u32 pollers;  /* vcpus in SCHEDOP_poll, a hint that is never too low */
	struct evtchn_fifo *fifo;
	u32 nr_used;	  /* ports that are not FREE */
	u32 nr_own;	  /* of them RESERVED or OWN: they stay as long as the domain does */
	u32 first_bucket; /* all before it are full */
	struct abi_vcpu_info *early_info; /* of vcpus without a place in shared_info */
	struct evtchn_group *group[GROUPS];
};

/* What the formats do differently. c is a channel of d that its lock, or its peer's, keeps. */
struct evtchn_ops {
	const char *name;
	u32 nr_ports;
	void (*set_pending)(struct domain *d, struct evtchn *c, u32 port);
	void (*clear_pending)(struct domain *d, struct evtchn *c, u32 port);
	void (*unmask)(struct domain *d, struct evtchn *c, u32 port);
	bool (*is_pending)(struct domain *d, u32 port);
	bool (*is_masked)(struct domain *d, u32 port);
	/* A free port must not be used again yet: the guest has it in a queue. */
	bool (*is_busy)(struct domain *d, u32 port);
	int (*set_priority)(struct evtchn *c, u32 priority);
};

extern const struct evtchn_ops evtchn_2l_ops;
extern struct lock evtchn_bind_lock;

/* port < ed->nr_ports */
static __always_inline struct evtchn *evtchn_at(const struct evtchn_domain *ed, u32 port)
{
	const struct evtchn_group *g = ed->group[port >> GROUP_SHIFT];

	return &g->bucket[(port >> BUCKET_SHIFT) % GROUP_BUCKETS][port % BUCKET_PORTS];
}

/* NULL when the domain has no such channel. */
static __always_inline struct evtchn *evtchn_find(const struct evtchn_domain *ed, u32 port)
{
	if (unlikely(port >= load_acquire(&ed->nr_ports)))
		return NULL;
	return evtchn_at(ed, port);
}

static inline bool evtchn_usable(const struct evtchn *c)
{
	return c->state > EVTCHN_OWN;
}

/* v has something new to look at. */
static inline void evtchn_raise_upcall(struct vcpu *v)
{
	if (guest_set_u8(&v->info->evtchn_upcall_pending, 1))
		return;
	vcpu_arch_raise_upcall(v);
	vcpu_wake(v);
}

/* Under evtchn_bind_lock: one more page of channels; a free port becomes what init says. */
bool evtchn_bucket_add(struct evtchn_domain *ed);
void evtchn_open(struct domain *d, u32 port, const struct evtchn *init);

void evtchn_wake_pollers(struct domain *d, u32 port);

/* After port became pending, or was closed. */
static inline void evtchn_check_pollers(struct domain *d, u32 port)
{
	if (unlikely(READ_ONCE(d->evtchn->pollers)))
		evtchn_wake_pollers(d, port);
}

/* The domain ends: global virtual interrupts that it was chosen for are dom0's again. */
void evtchn_virqs_give_back(domid_t id);

/* The FIFO format. The first two take evtchn_bind_lock, the others are called under it. */
long evtchn_fifo_init_control(struct domain *d, struct abi_evtchn_init_control *arg);
long evtchn_fifo_expand_array(struct domain *d, gfn_t g);
/* Gives back what the guest had registered; no channel is in use. */
void evtchn_fifo_destroy(struct domain *d);
void evtchn_fifo_vcpu_destroy(struct vcpu *v);

#endif
