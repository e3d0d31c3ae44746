/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tracing have in common. */
#ifndef TRACE_PRIVATE_H
#define TRACE_PRIVATE_H

#include <abi/trace.h>
#include <serai/frame.h>
#include <serai/lock.h>

struct trace_state {
	struct lock lock; /* of whoever changes anything here; events are read without */
	bool on;
	bool bogus;   /* found so by a CPU that switched tracing off */
	u32 events;   /* TRC_* of those that are wanted */
	u32 bytes;    /* of data in each ring; 0: there are no buffers */
	u32 pages;    /* of each ring, also while they are being made */
	u32 nr_cpus;  /* 0 up to the last one that is there */
	u32 done;     /* pages of rings that exist */
	bool failed;  /* no memory: what there is has to go */
	struct abi_t_info *info; /* readers see it, but cannot write to it */
	u32 info_order;
};

extern struct trace_state trace;

/* Page n of a CPU's ring. */
static inline void *trace_buffer_page(unsigned int cpu, u64 n)
{
	const u32 *mfns = (const u32 *)(const void *)trace.info + trace.info->mfn_offset[cpu];

	return paddr_to_virt(mfn_to_paddr(mfn(mfns[n])));
}

/* Before there are buffers: locks of the rings. */
void trace_rings_init(void);
/* Under the lock: the scheduler's hooks record, or not. */
void trace_sched_hooks(bool on);

#endif
