/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl (public/sysctl.h), interface version 0x15: what Arm answers, be it with a refusal. */
#ifndef ABI_SYSCTL_H
#define ABI_SYSCTL_H

#include <abi/xen.h>
#include <serai/types.h>

#define XEN_SYSCTL_INTERFACE_VERSION 0x15U

enum abi_sysctl_cmd {
	XEN_SYSCTL_readconsole = 1,
	XEN_SYSCTL_tbuf_op = 2,
	XEN_SYSCTL_physinfo = 3,
	XEN_SYSCTL_sched_id = 4,
	XEN_SYSCTL_perfc_op = 5,
	XEN_SYSCTL_getdomaininfolist = 6,
	XEN_SYSCTL_debug_keys = 7,
	XEN_SYSCTL_getcpuinfo = 8,
	XEN_SYSCTL_availheap = 9,
	XEN_SYSCTL_get_pmstat = 10,
	XEN_SYSCTL_cpu_hotplug = 11,
	XEN_SYSCTL_pm_op = 12,
	XEN_SYSCTL_page_offline_op = 14,
	XEN_SYSCTL_lockprof_op = 15,
	XEN_SYSCTL_cputopoinfo = 16,
	XEN_SYSCTL_numainfo = 17,
	XEN_SYSCTL_cpupool_op = 18,
	XEN_SYSCTL_scheduler_op = 19,
	XEN_SYSCTL_coverage_op = 20,
	XEN_SYSCTL_pcitopoinfo = 22,
	XEN_SYSCTL_get_cpu_levelling_caps = 25,
	XEN_SYSCTL_get_cpu_featureset = 26,
	XEN_SYSCTL_livepatch_op = 27,
};

/* --- console, keys, trace buffers --- */

struct abi_sysctl_readconsole {
	u8 clear, incremental, pad0, pad1;
	u32 index;
	u64 buffer; /* handle */
	u32 count;
};

struct abi_sysctl_debug_keys {
	u64 keys; /* handle */
	u32 nr_keys;
};

enum abi_tbufop {
	XEN_SYSCTL_TBUFOP_get_info = 0,
	XEN_SYSCTL_TBUFOP_set_cpu_mask = 1,
	XEN_SYSCTL_TBUFOP_set_evt_mask = 2,
	XEN_SYSCTL_TBUFOP_set_size = 3,
	XEN_SYSCTL_TBUFOP_enable = 4,
	XEN_SYSCTL_TBUFOP_disable = 5,
};

struct abi_sysctl_tbuf_op {
	u32 cmd;
	struct abi_bitmap cpu_mask;
	u32 evt_mask;
	u64 buffer_mfn;
	u32 size;
};

/* --- the machine --- */

enum abi_physcap {
	XEN_SYSCTL_PHYSCAP_hvm = 0x1,
	XEN_SYSCTL_PHYSCAP_directio = 0x4,
	XEN_SYSCTL_PHYSCAP_hap = 0x8,
	XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share = 0x20,
	XEN_SYSCTL_PHYSCAP_vpmu = 0x80,
	XEN_SYSCTL_PHYSCAP_gnttab_v1 = 0x100,
	XEN_SYSCTL_PHYSCAP_gnttab_v2 = 0x200,
};

struct abi_sysctl_physinfo {
	u32 threads_per_core, cores_per_socket, nr_cpus, max_cpu_id;
	u32 nr_nodes, max_node_id, cpu_khz, capabilities, arch_capabilities, pad;
	u64 total_pages, free_pages, scrub_pages, outstanding_pages, max_mfn;
	u32 hw_cap[8];
};

struct abi_sysctl_availheap {
	u32 min_bitwidth, max_bitwidth;
	s32 node;
	u64 avail_bytes;
};

struct abi_sysctl_cpuinfo {
	u64 idletime; /* ns */
};

struct abi_sysctl_getcpuinfo {
	u32 max_cpus;
	u64 info; /* handle of struct abi_sysctl_cpuinfo[] */
	u32 nr_cpus;
};

#define XEN_INVALID_CORE_ID   (~0U)
#define XEN_INVALID_SOCKET_ID (~0U)
#define XEN_INVALID_NODE_ID   (~0U)

struct abi_sysctl_cputopo {
	u32 core, socket, node;
};

struct abi_sysctl_cputopoinfo {
	u32 num_cpus;
	u64 cputopo; /* handle of struct abi_sysctl_cputopo[] */
};

struct abi_sysctl_meminfo {
	u64 memsize, memfree;
};

struct abi_sysctl_numainfo {
	u32 num_nodes;
	u64 meminfo;  /* handle of struct abi_sysctl_meminfo[] */
	u64 distance; /* handle of u32[] */
};

struct abi_sysctl_pcitopoinfo {
	u32 num_devs;
	u64 devs;  /* handle */
	u64 nodes; /* handle of u32[] */
};

enum abi_cpu_hotplug {
	XEN_SYSCTL_CPU_HOTPLUG_ONLINE = 0,
	XEN_SYSCTL_CPU_HOTPLUG_OFFLINE = 1,
	XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE = 2,
	XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE = 3,
};

struct abi_sysctl_cpu_hotplug {
	u32 cpu, op;
};

/* --- domains, schedulers, pools --- */

struct abi_sysctl_sched_id {
	u32 sched_id;
};

struct abi_sysctl_getdomaininfolist {
	domid_t first_domain;
	u32 max_domains;
	u64 buffer; /* handle */
	u32 num_domains;
};

enum abi_cpupool_op {
	XEN_SYSCTL_CPUPOOL_OP_CREATE = 1,
	XEN_SYSCTL_CPUPOOL_OP_DESTROY = 2,
	XEN_SYSCTL_CPUPOOL_OP_INFO = 3,
	XEN_SYSCTL_CPUPOOL_OP_ADDCPU = 4,
	XEN_SYSCTL_CPUPOOL_OP_RMCPU = 5,
	XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN = 6,
	XEN_SYSCTL_CPUPOOL_OP_FREEINFO = 7,
};
#define XEN_SYSCTL_CPUPOOL_PAR_ANY 0xffffffffU

struct abi_sysctl_cpupool_op {
	u32 op, cpupool_id, sched_id, domid, cpu, n_dom;
	struct abi_bitmap cpumap;
};

enum abi_sysctl_schedop {
	XEN_SYSCTL_SCHEDOP_putinfo = 0,
	XEN_SYSCTL_SCHEDOP_getinfo = 1,
};

#define XEN_SYSCTL_SCHED_RATELIMIT_MAX 500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN 100

struct abi_sysctl_credit_schedule {
	u32 tslice_ms, ratelimit_us, vcpu_migr_delay_us;
};

struct abi_sysctl_credit2_schedule {
	u32 ratelimit_us;
};

struct abi_sysctl_scheduler_op {
	u32 cpupool_id, sched_id, cmd;
	union {
		u64 sched_arinc653; /* handle */
		struct abi_sysctl_credit_schedule sched_credit;
		struct abi_sysctl_credit2_schedule sched_credit2;
	} u;
};

/* --- what a build like Debian's refuses --- */

struct abi_sysctl_perfc_op {
	u32 cmd, nr_counters, nr_vals;
	u64 desc, val; /* handles */
};

struct abi_sysctl_get_pmstat {
	u32 type, cpuid;
	u64 pad[7];
};

struct abi_sysctl_pm_op {
	u32 cmd, cpuid;
	u64 pad[15];
};

enum abi_page_offline {
	sysctl_page_offline = 1,
	sysctl_page_online = 2,
	sysctl_query_page_offline = 3,
};

struct abi_sysctl_page_offline {
	u32 cmd, start, end;
	u64 status; /* handle of u32[] */
};

struct abi_sysctl_lockprof_op {
	u32 cmd, max_elem, nr_elem;
	u64 time;
	u64 data; /* handle */
};

struct abi_sysctl_coverage_op {
	u32 cmd, size;
	u64 buffer; /* handle */
};

struct abi_sysctl_cpu_levelling_caps {
	u32 caps;
};

struct abi_sysctl_cpu_featureset {
	u32 index, nr_features;
	u64 features; /* handle of u32[] */
};

enum abi_livepatch_op {
	XEN_SYSCTL_LIVEPATCH_UPLOAD = 0,
	XEN_SYSCTL_LIVEPATCH_GET = 1,
	XEN_SYSCTL_LIVEPATCH_LIST = 2,
	XEN_SYSCTL_LIVEPATCH_ACTION = 3,
};

#define XEN_LIVEPATCH_NAME_SIZE 128

struct abi_livepatch_name {
	u64 name; /* handle */
	u16 size, pad[3];
};

struct abi_livepatch_list {
	u32 version, idx, nr, pad, name_total_size, metadata_total_size;
	u64 status, name, len, metadata, metadata_len; /* handles */
};

struct abi_sysctl_livepatch_op {
	u32 cmd, pad;
	union {
		struct abi_livepatch_name of; /* upload, get and action begin with it */
		struct abi_livepatch_list list;
	} u;
};

struct abi_sysctl {
	u32 cmd, interface_version;
	union {
		struct abi_sysctl_readconsole readconsole;
		struct abi_sysctl_tbuf_op tbuf_op;
		struct abi_sysctl_physinfo physinfo;
		struct abi_sysctl_cputopoinfo cputopoinfo;
		struct abi_sysctl_pcitopoinfo pcitopoinfo;
		struct abi_sysctl_numainfo numainfo;
		struct abi_sysctl_sched_id sched_id;
		struct abi_sysctl_perfc_op perfc_op;
		struct abi_sysctl_getdomaininfolist getdomaininfolist;
		struct abi_sysctl_debug_keys debug_keys;
		struct abi_sysctl_getcpuinfo getcpuinfo;
		struct abi_sysctl_availheap availheap;
		struct abi_sysctl_get_pmstat get_pmstat;
		struct abi_sysctl_cpu_hotplug cpu_hotplug;
		struct abi_sysctl_pm_op pm_op;
		struct abi_sysctl_page_offline page_offline;
		struct abi_sysctl_lockprof_op lockprof_op;
		struct abi_sysctl_cpupool_op cpupool_op;
		struct abi_sysctl_scheduler_op scheduler_op;
		struct abi_sysctl_coverage_op coverage_op;
		struct abi_sysctl_cpu_levelling_caps cpu_levelling_caps;
		struct abi_sysctl_cpu_featureset cpu_featureset;
		struct abi_sysctl_livepatch_op livepatch;
		u64 pad[16];
	} u;
};

#endif
