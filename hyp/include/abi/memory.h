/* SPDX-License-Identifier: Apache-2.0 */
/* memory_op (public/memory.h). Handles are guest virtual addresses. */
#ifndef ABI_MEMORY_H
#define ABI_MEMORY_H

#include <serai/types.h>

enum abi_memory_op {
	XENMEM_increase_reservation = 0,
	XENMEM_decrease_reservation = 1,
	XENMEM_maximum_ram_page = 2,
	XENMEM_current_reservation = 3,
	XENMEM_maximum_reservation = 4,
	XENMEM_populate_physmap = 6,
	XENMEM_add_to_physmap = 7,
	XENMEM_exchange = 11,
	XENMEM_maximum_gpfn = 14,
	XENMEM_remove_from_physmap = 15,
	XENMEM_get_sharing_freed_pages = 18,
	XENMEM_get_sharing_shared_pages = 19,
	XENMEM_add_to_physmap_batch = 23,
	XENMEM_claim_pages = 24,
	XENMEM_get_vnumainfo = 26,
	XENMEM_reserved_device_memory_map = 27,
	XENMEM_acquire_resource = 28,
};

/* The command's upper bits: where a preempted call goes on. */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK	   0x3fUL

enum abi_physmap_space {
	XENMAPSPACE_shared_info = 0,
	XENMAPSPACE_grant_table = 1,
	XENMAPSPACE_gmfn = 2,
	XENMAPSPACE_gmfn_range = 3,
	XENMAPSPACE_gmfn_foreign = 4,
	XENMAPSPACE_dev_mmio = 5,
};

#define XENMAPIDX_grant_table_status 0x80000000U
#define XENMEM_RDM_ALL		     1U

enum abi_memory_resource {
	XENMEM_resource_ioreq_server = 0,
	XENMEM_resource_grant_table = 1,
};

#define XENMEM_resource_grant_table_id_shared 0U
#define XENMEM_resource_grant_table_id_status 1U

struct abi_memory_reservation {
	u64 extent_start; /* handle: gfns */
	u64 nr_extents;
	u32 extent_order, mem_flags;
	domid_t domid;
	u16 pad[3];
};

struct abi_memory_exchange {
	struct abi_memory_reservation in, out;
	u64 nr_exchanged;
};

struct abi_add_to_physmap {
	domid_t domid;
	u16 size;
	u32 space;
	u64 idx, gpfn;
};

struct abi_add_to_physmap_batch {
	domid_t domid;
	u16 space, size;
	domid_t foreign_domid;
	u64 idxs, gpfns, errs; /* handles: u64, u64, s32 */
};

struct abi_remove_from_physmap {
	domid_t domid;
	u16 pad[3];
	u64 gpfn;
};

struct abi_vnuma_topology_info {
	domid_t domid;
	u16 pad;
	u32 nr_vnodes, nr_vcpus, nr_vmemranges;
	u64 vdistance, vcpu_to_vnode, vmemrange; /* handles */
};

struct abi_reserved_device_memory_map {
	u32 flags, nr_entries;
	u64 buffer; /* handle */
	u32 dev, pad;
};

struct abi_mem_acquire_resource {
	domid_t domid;
	u16 type;
	u32 id, nr_frames, pad;
	u64 frame;
	u64 frame_list; /* handle: gfns */
};

#endif
