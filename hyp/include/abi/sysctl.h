/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl (public/sysctl.h), interface version 0x15. */
#ifndef ABI_SYSCTL_H
#define ABI_SYSCTL_H

#include <serai/types.h>

#define XEN_SYSCTL_INTERFACE_VERSION 0x15U

enum abi_sysctl_cmd {
	XEN_SYSCTL_readconsole = 1,
	XEN_SYSCTL_physinfo = 3,
	XEN_SYSCTL_sched_id = 4,
	XEN_SYSCTL_getdomaininfolist = 6,
	XEN_SYSCTL_debug_keys = 7,
	XEN_SYSCTL_availheap = 9,
};

enum abi_physcap {
	XEN_SYSCTL_PHYSCAP_hvm = 0x1,
	XEN_SYSCTL_PHYSCAP_directio = 0x4,
	XEN_SYSCTL_PHYSCAP_hap = 0x8,
	XEN_SYSCTL_PHYSCAP_gnttab_v1 = 0x100,
};

struct abi_sysctl_readconsole {
	u8 clear, incremental, pad0, pad1;
	u32 index;
	u64 buffer; /* handle */
	u32 count;
};

struct abi_sysctl_physinfo {
	u32 threads_per_core, cores_per_socket, nr_cpus, max_cpu_id;
	u32 nr_nodes, max_node_id, cpu_khz, capabilities, arch_capabilities, pad;
	u64 total_pages, free_pages, scrub_pages, outstanding_pages, max_mfn;
	u32 hw_cap[8];
};

struct abi_sysctl_sched_id {
	u32 sched_id;
};

struct abi_sysctl_getdomaininfolist {
	domid_t first_domain;
	u32 max_domains;
	u64 buffer; /* handle */
	u32 num_domains;
};

struct abi_sysctl_debug_keys {
	u64 keys; /* handle */
	u32 nr_keys;
};

struct abi_sysctl_availheap {
	u32 min_bitwidth, max_bitwidth;
	s32 node;
	u64 avail_bytes;
};

struct abi_sysctl {
	u32 cmd, interface_version;
	union {
		struct abi_sysctl_readconsole readconsole;
		struct abi_sysctl_physinfo physinfo;
		struct abi_sysctl_sched_id sched_id;
		struct abi_sysctl_getdomaininfolist getdomaininfolist;
		struct abi_sysctl_debug_keys debug_keys;
		struct abi_sysctl_availheap availheap;
		u64 pad[16];
	} u;
};

#endif
