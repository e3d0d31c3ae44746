/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl: what there is of CPUs and memory. As Xen on Arm says it, the machine is one node, and each
 * CPU a core of its own; pages are not taken out of service.
 */
#include "sysctl.h"
#include <serai/arch.h>
#include <serai/cpu.h>
#include <serai/frame.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/sched.h>

#define DISTANCE_LOCAL	20 /* of the node from itself, as Xen has it on Arm */
#define OFFLINE_MAX	32768U /* pages of one call */
#define OFFLINE_INVALID 0x1U
#define OFFLINE_BATCH	128U

static u32 cpu_last(void)
{
	unsigned int cpu, last = 0;

	for_each_online_cpu(cpu)
		last = cpu;
	return last;
}

long sysctl_physinfo(struct abi_sysctl *op)
{
	struct frame_stats stats;

	frame_stats(&stats);
	/* Blocks to be scrubbed count as free: they can be had at once. */
	op->u.physinfo = (struct abi_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = 1,
		.nr_cpus = cpumask_weight(&cpu_online),
		.max_cpu_id = cpu_last(),
		.nr_nodes = 1,
		.cpu_khz = time_arch_khz(),
		.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
				XEN_SYSCTL_PHYSCAP_gnttab_v1,
		.total_pages = frame_ram,
		.free_pages = stats.free,
		.outstanding_pages = stats.claimed,
		.max_mfn = frame_first_mfn + frame_count - 1,
	};
	return 0;
}

/* Widths are those of the addresses. All memory is of one kind: it is counted as a whole. */
long sysctl_availheap(struct abi_sysctl *op)
{
	struct abi_sysctl_availheap *a = &op->u.availheap;
	u64 first = frame_first_mfn << PAGE_SHIFT, end = first + (frame_count << PAGE_SHIFT);
	struct frame_stats stats;

	frame_stats(&stats);
	a->avail_bytes = stats.free << PAGE_SHIFT;
	if ((a->node != -1 && a->node != 0) ||
	    (a->min_bitwidth && (a->min_bitwidth > 63 || BIT(a->min_bitwidth) >= end)) ||
	    (a->max_bitwidth && a->max_bitwidth < 64 && BIT(a->max_bitwidth) <= first))
		a->avail_bytes = 0;
	return 0;
}

/* How many CPUs a tool with room for max of them is told of: numbers that no CPU has count. */
static u32 cpus_told(u32 max)
{
	return MIN(max, cpu_last() + 1);
}

long sysctl_getcpuinfo(struct abi_sysctl *op)
{
	struct abi_sysctl_getcpuinfo *g = &op->u.getcpuinfo;

	g->nr_cpus = cpus_told(g->max_cpus);
	for (u32 cpu = 0; cpu < g->nr_cpus; cpu++) {
		struct abi_sysctl_cpuinfo info = { .idletime = (u64)sched_idle_time(cpu) };

		if (copy_array_to_guest(g->info, cpu, &info, 1))
			return -XEN_EFAULT;
	}
	return 0;
}

/* Without room for the answer: how many there are. */
long sysctl_cputopoinfo(struct abi_sysctl *op)
{
	struct abi_sysctl_cputopoinfo *t = &op->u.cputopoinfo;

	t->num_cpus = cpus_told(t->cputopo ? t->num_cpus : NR_CPUS);
	for (u32 cpu = 0; t->cputopo && cpu < t->num_cpus; cpu++) {
		struct abi_sysctl_cputopo topo = { 0 };

		if (!cpumask_test(&cpu_online, cpu))
			topo = (struct abi_sysctl_cputopo){ XEN_INVALID_CORE_ID,
							    XEN_INVALID_SOCKET_ID,
							    XEN_INVALID_NODE_ID };
		if (copy_array_to_guest(t->cputopo, cpu, &topo, 1))
			return -XEN_EFAULT;
	}
	return 0;
}

long sysctl_numainfo(struct abi_sysctl *op)
{
	struct abi_sysctl_numainfo *n = &op->u.numainfo;
	u32 distance = DISTANCE_LOCAL;
	struct abi_sysctl_meminfo info;
	struct frame_stats stats;

	n->num_nodes = n->meminfo || n->distance ? MIN(n->num_nodes, 1U) : 1;
	if (!n->num_nodes)
		return 0;
	frame_stats(&stats);
	info = (struct abi_sysctl_meminfo){ frame_ram << PAGE_SHIFT, stats.free << PAGE_SHIFT };
	if ((n->meminfo && copy_to_guest(n->meminfo, &info)) ||
	    (n->distance && copy_to_guest(n->distance, &distance)))
		return -XEN_EFAULT;
	return 0;
}

/* No page goes, so RAM can be taken into service, which is nothing to do. */
long sysctl_page_offline_op(struct abi_sysctl *op)
{
	const struct abi_sysctl_page_offline *o = &op->u.page_offline;
	u32 status[OFFLINE_BATCH], each = OFFLINE_INVALID, nr = o->end - o->start + 1;
	long rc = -XEN_EINVAL;

	if (o->end < o->start)
		return -XEN_EINVAL;
	if (o->end - o->start >= OFFLINE_MAX)
		return -XEN_ENOMEM;
	if (o->cmd == sysctl_page_online && o->start >= frame_first_mfn &&
	    o->end < frame_first_mfn + frame_count) {
		each = 0;
		rc = 0;
	}
	for (u32 i = 0; i < OFFLINE_BATCH; i++)
		status[i] = each;
	for (u32 i = 0; i < nr; i += OFFLINE_BATCH)
		if (copy_array_to_guest(o->status, i, status, MIN(nr - i, OFFLINE_BATCH)))
			return -XEN_EFAULT;
	return rc;
}
