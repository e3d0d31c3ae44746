/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains and vcpus.
 *
 * A domain is found by id under a reference (domain_get), or is the current one. It dies in two
 * steps: domain_kill() stops it and gives everything back, preemptibly; the struct itself goes when
 * the last reference went.
 */
#ifndef SERAI_DOMAIN_H
#define SERAI_DOMAIN_H

#include <abi/version.h>
#include <abi/xen.h>
#include <arch/vcpu.h> /* struct vcpu_arch (its first member is the trap frame), struct domain_arch */
#include <serai/cpu.h>
#include <serai/frame.h>
#include <serai/p2m.h>
#include <serai/sched.h>
#include <serai/types.h>

#define DOMAINS_MAX 256

struct access;
struct domain;
struct evtchn_domain;
struct grant_table;
struct launch;

/* vcpu->requests, set by anybody, handled on the exit path of the vcpu's own CPU. */
enum vcpu_request {
	VCPU_REQ_VGIC = 0x1,  /* interrupts were posted: move them to list registers */
};

/* A page of guest memory that the hypervisor keeps mapped: vcpu_info, runstate, FIFO control. */
struct guest_area {
	void *va; /* NULL: none */
	struct frame *frame; /* referenced */
};

/* A writable page of d's RAM, kept until guest_area_release(); -XEN_EINVAL when it is none. */
int guest_area_map(struct guest_area *a, struct domain *d, gfn_t g);
/* Nothing happens when there is none. */
void guest_area_release(struct guest_area *a);

struct vcpu {
	struct vcpu_arch arch; /* first: the vectors find the trap frame at offset 0 */
	struct domain *domain;
	u32 id;
	u32 requests; /* enum vcpu_request, atomic */
	struct sched_unit unit;
	struct lock lock; /* registration and pinning */
	struct cpumask hard_saved; /* affinity without SCHEDOP_pin_override */
	bool pinned;		   /* by SCHEDOP_pin_override */
	bool initialised;
	struct launch *launch; /* to be done before the vcpu runs: launch.h */
	/* Event channels. */
	struct abi_vcpu_info *info; /* in shared_info, or registered */
	struct guest_area info_area;
	u32 virq_to_port[24];
	struct evtchn_fifo_vcpu *fifo;
	bool polling; /* in SCHEDOP_poll */
	struct timer poll_timer;
	u32 poll_port; /* 0: several or none */
	/* Time accounting (struct vcpu_runstate_info). */
	struct abi_runstate_info runstate;
	u32 runstate_shown;    /* not 0: in one of the guest's areas below, or both */
	u32 runstate_seq;      /* odd while runstate changes */
	u64 runstate_gva;      /* 0: not registered */
	struct vcpu *next_dead;
	struct guest_area runstate_area; /* registered by address in guest memory */
	u32 runstate_offset;   /* in that page */
};

/* RAM that stays where it is: gfns from gfn on are these frames, and no others. */
struct fixed_ram {
	u32 nr;
	struct {
		u64 gfn, mfn, nr;
	} piece[];
};

enum domain_flags {
	DOMAIN_CONTROL = 0x1,  /* may manage others (dom0) */
	DOMAIN_HARDWARE = 0x2, /* has the machine's devices */
	DOMAIN_DIRECT_MAP = 0x4, /* gfn == mfn */
	DOMAIN_UNRESTRICTED = 0x8, /* xsm=dummy: shares with any other such domain */
	DOMAIN_CONSOLE = 0x10,	 /* may write by console_io without being in control */
	DOMAIN_AARCH32 = 0x20,	 /* its vcpus are 32-bit */
};

struct domain {
	domid_t id;
	u32 flags; /* enum domain_flags, fixed at creation */
	u32 refs;
	u32 nr_vcpus; /* size of vcpus[] */
	struct vcpu **vcpus;
	struct vcpu *dead_vcpus; /* destroyed; their memory goes with the domain's */
	bool life_busy; /* its vcpus are made, or it is destroyed */
	bool killed;
	struct lock lock; /* what has no lock of its own below */
	struct frame_owner frames;
	struct p2m p2m;
	struct domain_arch arch;
	struct abi_shared_info *shared_info;
	struct evtchn_domain *evtchn;
	struct grant_table *grants;
	struct vpl011 *vuart; /* NULL: none */
	struct launch *launch; /* not loaded yet */
	struct cpupool *pool; /* whose CPUs run its vcpus */
	struct sched_group sched; /* their weight and cap */
	struct access *access; /* NULL: no device; access.h */
	struct domain *target; /* it may manage this one, too; referenced, under the lock */
	struct fixed_ram *fixed_ram; /* NULL: its RAM is the heap's, or direct mapped */
	struct lock grant_lock;	 /* grants and what it points to: RANK_GRANT */
	u64 hvm_params[ABI_HVM_NR_PARAMS];
	u64 vm_assist;
	u32 pause_count;
	bool dying, shut_down, crashed;
	bool restarting; /* it will be made again: its place at the console is kept */
	u8 shutdown_code;
	u32 evtchn_irq; /* PPI of the upcall */
	u32 max_evtchn_port, max_grant_frames, max_maptrack_frames;
	struct abi_domain_handle handle; /* the tools' name for it, under lock */
	u32 ssidref;
	s64 time_offset; /* seconds: its time of day differs by */
	bool debugged; /* only noted */
	bool by_tools; /* made by the control domain */
	u8 tools_pauses; /* of pause_count, those of domctl; under the control domain's lock */
	u32 max_status_frames; /* of a grant table of version 2; 0: it cannot become one */
	bool timers_reserved;
	u64 guest_msg_tokens; /* guest_line.c */
	u32 guest_msg_suppressed;
	nstime_t guest_msg_time;
	struct abi_watchdog {
		struct timer timer;
		bool used;
	} watchdog[2];
	char name[16];
	struct domain *next; /* list by id, under the domain list lock */
};

struct domain_config {
	domid_t id;
	u32 flags;
	u32 nr_vcpus;
	u64 max_frames;
	u64 table_pages; /* set aside for stage 2; 0: as for a domain that tools give more later */
	u32 max_evtchn_port, max_grant_frames, max_maptrack_frames;
	u32 max_grant_version; /* 0: 1 */
	u32 nr_spis;
	u32 gic_version; /* 2 or 3; 0: the machine's */
	struct cpumask affinity;
	struct cpupool *pool; /* NULL: pool 0 */
	const char *name;
	/* Paused, and without vcpus until domain_add_vcpus(). */
	bool by_tools;
	u32 ssidref;
	struct abi_domain_handle handle;
};

static inline struct vcpu *current_vcpu(void)
{
	return this_cpu()->current;
}

static inline struct domain *current_domain(void)
{
	return this_cpu()->current->domain;
}

static inline bool domain_is_control(const struct domain *d)
{
	return d->flags & DOMAIN_CONTROL;
}

/* Creates the domain with its vcpus down; units' domain_create and vcpu_create run in order. */
int domain_create(const struct domain_config *cfg, struct domain **out);
/* Of a domain made by tools: what is missing of its vcpus. -XEN_ERESTART; -XEN_EINVAL: it dies. */
int domain_add_vcpus(struct domain *d);
/* It has all of its vcpus. They are created from the first on, and go from the last on. */
static inline bool domain_is_complete(const struct domain *d)
{
	return d->nr_vcpus && READ_ONCE(d->vcpus[d->nr_vcpus - 1]);
}
/* With a reference; DOMID_SELF is the caller's. NULL: no such domain. */
struct domain *domain_get(domid_t id);
/* The domain with the lowest id >= from, with a reference; NULL: none. For going through all. */
struct domain *domain_get_next(u32 from);
/* DOMID_SELF or a domain that the caller may manage: -ESRCH or -EPERM otherwise. */
int domain_get_target(domid_t id, struct domain **out);
void domain_put(struct domain *d);

static inline struct vcpu *domain_vcpu(struct domain *d, u32 id)
{
	return id < d->nr_vcpus ? d->vcpus[id] : NULL;
}

void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);

/*
 * The domain, which is not the caller's, goes to another pool of CPUs: -XEN_ERESTART until all its
 * vcpus have stopped and gone; -XEN_EINVAL without a CPU there, or when it is nearly destroyed: to be
 * undone by moving it back. The caller sees to it that the pool and its CPUs stay meanwhile.
 */
int domain_set_pool(struct domain *d, struct cpupool *p);
/*
 * NULL leaves a mask as it is. -XEN_EINVAL: no CPU of the pool in hard; -XEN_EBUSY: the vcpu is pinned
 * by SCHEDOP_pin_override, which force ends.
 */
int vcpu_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft,
		      bool force);

/* SCHEDOP_shutdown: holds all vcpus, tells the control domain, acts when it is dom0. */
void domain_shutdown(struct domain *d, u8 reason);
/* Undoes a shutdown: it goes on where it stopped. */
void domain_resume(struct domain *d);
/* The guest's fault: says why with the caller's registers, shuts down with SHUTDOWN_crash. */
void domain_crash(struct domain *d, const char *why);
/* Without dom0: says on the console that d has shut down, and whether it was the last. */
void domain_report_end(struct domain *d);
/* Says it when nothing is left to run, and acts as dom0less= tells. */
void domain_report_last(void);
/*
 * Preemptible: -ERESTART to be called again. After 0 the domain may be gone, unless the caller has
 * a reference of its own.
 */
int domain_kill(struct domain *d);
/*
 * Of a killed domain: nobody finds it any more, another one may have its number, though some of its
 * pages may still be mapped elsewhere.
 */
void domain_free_id(struct domain *d);

void vcpu_block(void); /* current: until an event or interrupt is pending */
/* Wakes a blocked vcpu. */
static inline void vcpu_wake(struct vcpu *v)
{
	if (READ_ONCE(v->unit.holds) & HOLD_BLOCKED)
		sched_release(&v->unit, HOLD_BLOCKED);
}
/* Before v, which is not current, is woken by an event: of the current vcpu, if there is one. */
static inline void vcpu_note_sender(struct vcpu *v)
{
	const struct vcpu *sender = this_cpu()->current;

	if (likely(sender))
		WRITE_ONCE(v->unit.woken_by, &sender->unit);
}
/* Sets request bits and makes the vcpu's CPU see them. */
void vcpu_request(struct vcpu *v, u32 bits);

/* What this room asks of higher ones; filled by the front hall. */
struct domain_actions {
	void (*hardware_shutdown)(u8 reason); /* dom0: the machine goes down or restarts */
	void (*tell_control)(struct domain *d); /* VIRQ_DOM_EXC */
	void (*console_news)(void); /* the ring of the console has new lines: VIRQ_CON_RING */
	void (*trace_news)(void); /* a trace buffer is half full: VIRQ_TBUF */
	void (*gone)(void); /* a domain's number is free: VIRQ_DOM_EXC */
	bool (*id_kept)(domid_t id); /* for a domain that is about to be restarted */
	u32 (*to_come)(void); /* domains that are about to be restarted; NULL: none */
	/* grant_map_frame(): the page of a grant table frame, for mapping. */
	int (*grant_frame)(struct domain *d, u32 idx, bool status, mfn_t *m);
	/* The UART's channel: its other end has sent; and telling that end. */
	void (*uart_event)(struct domain *d);
	void (*uart_notify)(struct domain *d, u32 port);
};
extern struct domain_actions domain_actions;

/* Debug key q. */
__cold_path void domain_dump_all(void);

#endif
