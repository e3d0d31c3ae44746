/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated machine as a test sees it: what to answer, what to make fail, what was asked.
 * host_init() starts it; call it again (cmocka set-up) for a fresh one.
 */
#ifndef ARCH_HOST_H
#define ARCH_HOST_H

#include <serai/cpu.h>
#include <serai/types.h>
#include <setjmp.h>

enum host_stop {
	HOST_RUNS,
	HOST_PANIC,
	HOST_RESET,
	HOST_POWER_OFF,
	HOST_HALT,
};

struct host_machine {
	/* Answers. */
	nstime_t now;		  /* time_arch_now() */
	bool preempt_always;	  /* cpu_arch_work_pending() */
	long preempt_in;	  /* the n-th poll from now says yes, once; 0: off */
	void (*poll_hook)(void);  /* called at each poll */
	long fail_copy_in;	  /* the n-th guest copy from now fails, once; 0: off */
	bool fail_copy_again;	  /* and all copies after it */
	unsigned int fail_atomics; /* so many attempts of guest_arch_try_*() from now fail */
	void *device;		  /* mem_arch_map_device() */
	void (*atomic_hook)(void *p); /* called before each of them */
	long fail_p2m_in;	  /* the n-th p2m_arch_set() from now has no memory, once; 0: off */
	unsigned int fail_p2m_more; /* and so many after it, too */
	/* Counters. */
	unsigned int kicks[NR_CPUS];
	bool traps_traced[NR_CPUS]; /* cpu_arch_trace_traps() */
	nstime_t deadline[NR_CPUS]; /* time_arch_set_deadline() */
	unsigned int idles, dumps, polls;
	unsigned int copies;	  /* guest copies, failing ones too */
	unsigned int tlb_flushes; /* p2m_arch_set() that took something away */
	unsigned int p2m_sets;
	unsigned int cache_ops;
	u64 frames_zeroed;	  /* bytes / PAGE_SIZE given to frame_arch_zero() */
	int frames_mapped;
	unsigned int messages;	  /* printk and guest_printk */
	char message[256];	  /* the last one */
	enum host_stop stop;	  /* how the hypervisor ended: host_catch() */
};

extern struct host_machine host;
extern jmp_buf host_stop_jmp;
extern bool host_catching;

/* CPUs 0..cpus-1 online, CPU 0 current, RAM all zero, everything in host as after a reset. */
void host_init(unsigned int cpus);
void host_set_cpu(unsigned int cpu);
/* The vcpu that runs on the current CPU. */
void host_set_current(struct vcpu *v);

/*
 * Guest memory. Addresses are machine addresses of RAM, or of a separate scratch area of 16 MiB
 * from which host_guest_alloc() gives zeroed pieces, so that it never collides with the heap.
 */
#define HOST_SCRATCH_BASE 0x7000000000UL
#define HOST_SCRATCH_SIZE 0x1000000UL
u64 host_guest_alloc(size_t size);
void *host_guest_ptr(u64 gva);
/* Puts a copy of the object into guest memory and says where. */
u64 host_guest_put(const void *p, size_t size);
/* An address that every copy fails on. */
#define HOST_BAD_GVA 0xdead00000000UL

/*
 * Runs a call that is expected to stop the machine:
 *	assert_int_equal(host_catch(fn, arg), HOST_PANIC);
 */
enum host_stop host_catch(void (*fn)(void *arg), void *arg);
__noreturn void host_stopped(enum host_stop how);

#endif
