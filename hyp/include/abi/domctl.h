/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl (public/domctl.h, public/arch-arm.h), interface version 0x15: what Arm has. Handles of
 * guest memory are plain u64.
 */
#ifndef ABI_DOMCTL_H
#define ABI_DOMCTL_H

#include <abi/version.h>
#include <abi/xen.h>
#include <abi/xen.h>
#include <serai/types.h>

#define XEN_DOMCTL_INTERFACE_VERSION 0x15U

enum abi_domctl_cmd {
	XEN_DOMCTL_createdomain = 1,
	XEN_DOMCTL_destroydomain = 2,
	XEN_DOMCTL_pausedomain = 3,
	XEN_DOMCTL_unpausedomain = 4,
	XEN_DOMCTL_getdomaininfo = 5,
	XEN_DOMCTL_setvcpuaffinity = 9,
	XEN_DOMCTL_shadow_op = 10,
	XEN_DOMCTL_max_mem = 11,
	XEN_DOMCTL_setvcpucontext = 12,
	XEN_DOMCTL_getvcpucontext = 13,
	XEN_DOMCTL_getvcpuinfo = 14,
	XEN_DOMCTL_max_vcpus = 15,
	XEN_DOMCTL_scheduler_op = 16,
	XEN_DOMCTL_setdomainhandle = 17,
	XEN_DOMCTL_setdebugging = 18,
	XEN_DOMCTL_irq_permission = 19,
	XEN_DOMCTL_iomem_permission = 20,
	XEN_DOMCTL_ioport_permission = 21,
	XEN_DOMCTL_hypercall_init = 22,
	XEN_DOMCTL_settimeoffset = 24,
	XEN_DOMCTL_getvcpuaffinity = 25,
	XEN_DOMCTL_resumedomain = 27,
	XEN_DOMCTL_sendtrigger = 28,
	XEN_DOMCTL_subscribe = 29,
	XEN_DOMCTL_set_address_size = 35,
	XEN_DOMCTL_get_address_size = 36,
	XEN_DOMCTL_assign_device = 37,
	XEN_DOMCTL_bind_pt_irq = 38,
	XEN_DOMCTL_memory_mapping = 39,
	XEN_DOMCTL_test_assign_device = 45,
	XEN_DOMCTL_set_target = 46,
	XEN_DOMCTL_deassign_device = 47,
	XEN_DOMCTL_unbind_pt_irq = 48,
	XEN_DOMCTL_get_device_group = 50,
	XEN_DOMCTL_debug_op = 54,
	XEN_DOMCTL_vm_event_op = 56,
	XEN_DOMCTL_set_access_required = 64,
	XEN_DOMCTL_set_virq_handler = 66,
	XEN_DOMCTL_setnodeaffinity = 68,
	XEN_DOMCTL_getnodeaffinity = 69,
	XEN_DOMCTL_cacheflush = 71,
	XEN_DOMCTL_setvnumainfo = 74,
	XEN_DOMCTL_monitor_op = 77,
	XEN_DOMCTL_soft_reset = 79,
	XEN_DOMCTL_vuart_op = 81,
	XEN_DOMCTL_vmtrace_op = 84,
	XEN_DOMCTL_get_paging_mempool_size = 85,
	XEN_DOMCTL_set_paging_mempool_size = 86,
	XEN_DOMCTL_dt_overlay = 87, /* this and the next since version 0x17 */
	XEN_DOMCTL_set_llc_colors = 89,
	XEN_DOMCTL_gdbsx_guestmemio = 1000,
	XEN_DOMCTL_gdbsx_domstatus = 1003,
};

/* --- createdomain --- */

enum abi_cdf {
	XEN_DOMCTL_CDF_hvm = 0x1,
	XEN_DOMCTL_CDF_hap = 0x2,
	XEN_DOMCTL_CDF_s3_integrity = 0x4,
	XEN_DOMCTL_CDF_oos_off = 0x8,
	XEN_DOMCTL_CDF_xs_domain = 0x10,
	XEN_DOMCTL_CDF_iommu = 0x20,
	XEN_DOMCTL_CDF_nested_virt = 0x40,
	XEN_DOMCTL_CDF_vpmu = 0x80,
};
#define XEN_DOMCTL_IOMMU_no_sharept	 0x1U
#define XEN_DOMCTL_GRANT_version_mask	 0xfU

enum abi_config_gic {
	XEN_DOMCTL_CONFIG_GIC_NATIVE = 0,
	XEN_DOMCTL_CONFIG_GIC_V2 = 1,
	XEN_DOMCTL_CONFIG_GIC_V3 = 2,
};
#define XEN_DOMCTL_CONFIG_TEE_NONE  0
#define XEN_DOMCTL_CONFIG_TEE_OPTEE 1

struct abi_arch_domainconfig {
	u8 gic_version;
	u8 sve_vl; /* since version 0x16 */
	u16 tee_type;
	u32 nr_spis, clock_frequency;
};

struct abi_createdomain {
	u32 ssidref;
	struct abi_domain_handle handle;
	u32 flags, iommu_opts;
	u32 max_vcpus, max_evtchn_port;
	s32 max_grant_frames, max_maptrack_frames; /* < 0: the hypervisor's own limit */
	u32 grant_opts, vmtrace_size, cpupool_id;
	struct abi_arch_domainconfig arch;
};

/* --- getdomaininfo --- */

enum abi_dominf {
	XEN_DOMINF_dying = 0x1,
	XEN_DOMINF_hvm_guest = 0x2,
	XEN_DOMINF_shutdown = 0x4,
	XEN_DOMINF_paused = 0x8,
	XEN_DOMINF_blocked = 0x10,
	XEN_DOMINF_running = 0x20,
	XEN_DOMINF_debugged = 0x40,
	XEN_DOMINF_xs_domain = 0x80,
	XEN_DOMINF_hap = 0x100,
};
#define XEN_DOMINF_shutdownmask	 255
#define XEN_DOMINF_shutdownshift 16

struct abi_getdomaininfo {
	domid_t domain;
	u16 pad1;
	u32 flags;
	u64 tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages;
	u64 shared_info_frame, cpu_time;
	u32 nr_online_vcpus, max_vcpu_id, ssidref;
	struct abi_domain_handle handle;
	u32 cpupool;
	u8 gpaddr_bits, pad2[7];
	struct abi_arch_domainconfig arch_config;
	u32 pad3;
};

/* --- vcpus --- */

/* A vcpu's registers. AArch32's banked ones are where the architecture maps them. */
struct abi_core_regs {
	u64 x[31];
	u64 pc, cpsr;
	u64 spsr_el1;
	u32 spsr_fiq, spsr_irq, spsr_und, spsr_abt; /* AArch32 only */
	u64 sp_el0, sp_el1, elr_el1;		    /* AArch64 only */
};

#define VGCF_online 0x1U
struct abi_vcpu_guest_context {
	u32 flags;
	struct abi_core_regs user_regs;
	u64 sctlr, ttbcr, ttbr0, ttbr1;
};

struct abi_domctl_vcpucontext {
	u32 vcpu;
	u64 ctxt; /* handle of struct abi_vcpu_guest_context */
};

struct abi_domctl_getvcpuinfo {
	u32 vcpu;
	u8 online, blocked, running;
	u64 cpu_time;
	u32 cpu;
};

#define XEN_VCPUAFFINITY_HARD  0x1U
#define XEN_VCPUAFFINITY_SOFT  0x2U
#define XEN_VCPUAFFINITY_FORCE 0x4U
struct abi_domctl_vcpuaffinity {
	u32 vcpu, flags;
	struct abi_bitmap cpumap_hard, cpumap_soft;
};

struct abi_domctl_nodeaffinity {
	struct abi_bitmap nodemap;
};

/* --- scheduler_op --- */

enum abi_scheduler {
	XEN_SCHEDULER_CREDIT = 5,
	XEN_SCHEDULER_CREDIT2 = 6,
	XEN_SCHEDULER_ARINC653 = 7,
	XEN_SCHEDULER_RTDS = 8,
	XEN_SCHEDULER_NULL = 9,
};

enum abi_domctl_schedop {
	XEN_DOMCTL_SCHEDOP_putinfo = 0,
	XEN_DOMCTL_SCHEDOP_getinfo = 1,
	XEN_DOMCTL_SCHEDOP_putvcpuinfo = 2,
	XEN_DOMCTL_SCHEDOP_getvcpuinfo = 3,
};

struct abi_sched_credit {
	u16 weight, cap;
};

#define XEN_DOMCTL_SCHEDRT_extra 0x1U
struct abi_sched_rtds {
	u32 period, budget, flags;
};

struct abi_schedparam_vcpu {
	union {
		struct abi_sched_credit credit, credit2;
		struct abi_sched_rtds rtds;
	} u;
	u32 vcpuid;
};

struct abi_domctl_scheduler_op {
	u32 sched_id, cmd;
	union {
		struct abi_sched_credit credit, credit2;
		struct abi_sched_rtds rtds;
		struct {
			u64 vcpus; /* handle of struct abi_schedparam_vcpu */
			u32 nr_vcpus, padding;
		} v;
	} u;
};

/* --- devices --- */

struct abi_domctl_irq_permission {
	u32 pirq;
	u8 allow_access, pad[3];
};

struct abi_domctl_iomem_permission {
	u64 first_mfn, nr_mfns;
	u8 allow_access;
};

#define XEN_DOMCTL_DEV_PCI	   0
#define XEN_DOMCTL_DEV_DT	   1
#define XEN_DOMCTL_DEV_RDM_RELAXED 1
struct abi_domctl_assign_device {
	u32 dev, flags;
	union {
		struct {
			u32 machine_sbdf;
		} pci;
		struct {
			u32 size; /* length of the path */
			u64 path; /* handle */
		} dt;
	} u;
};

#define PT_IRQ_TYPE_SPI 4
struct abi_domctl_bind_pt_irq {
	u32 machine_irq, irq_type;
	union {
		struct {
			u16 spi;
		} spi;
		u64 pad[2];
	} u;
};

#define DPCI_ADD_MAPPING    1
#define DPCI_REMOVE_MAPPING 0
struct abi_domctl_memory_mapping {
	u64 first_gfn, first_mfn, nr_mfns;
	u32 add_mapping, padding;
};

#define XEN_DOMCTL_VUART_OP_INIT     0
#define XEN_DOMCTL_VUART_TYPE_VPL011 0
struct abi_domctl_vuart_op {
	u32 cmd, type;
	u64 gfn;
	domid_t console_domid;
	u8 pad[2];
	u32 evtchn;
};

/* --- small ones --- */

struct abi_domctl_shadow_op {
	u32 op, mode, mb;
	u64 dirty_bitmap, pages;
	u32 fault_count, dirty_count;
};

struct abi_domctl_cacheflush {
	u64 start_pfn, nr_pfns;
};

/* Enable, disable, resume are 0 to 2. */
#define XEN_VM_EVENT_GET_VERSION	3
#define XEN_DOMCTL_VM_EVENT_OP_MONITOR	2
#define VM_EVENT_INTERFACE_VERSION	7
struct abi_domctl_vm_event_op {
	u32 op, mode;
	u32 port; /* or the version */
};

#define XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES 2
struct abi_domctl_monitor_op {
	u32 op, event;
	u64 options[2];
};

struct abi_domctl_vnuma {
	u32 nr_vnodes, nr_vmemranges, nr_vcpus, pad;
	u64 vdistance, vcpu_to_vnode, vnode_to_pnode, vmemrange; /* handles */
};

struct abi_domctl_set_llc_colors {
	u32 num_llc_colors, pad;
	u64 llc_colors; /* handle of u32 */
};

struct abi_domctl {
	u32 cmd, interface_version;
	domid_t domain;
	u16 pad[3];
	union {
		struct abi_createdomain createdomain;
		struct abi_getdomaininfo getdomaininfo;
		struct abi_domctl_nodeaffinity nodeaffinity;
		struct abi_domctl_vcpuaffinity vcpuaffinity;
		struct abi_domctl_shadow_op shadow_op;
		struct abi_domctl_vcpucontext vcpucontext;
		struct abi_domctl_getvcpuinfo getvcpuinfo;
		struct abi_domctl_scheduler_op scheduler_op;
		struct abi_domctl_irq_permission irq_permission;
		struct abi_domctl_iomem_permission iomem_permission;
		struct abi_domctl_assign_device assign_device;
		struct abi_domctl_bind_pt_irq bind_pt_irq;
		struct abi_domctl_memory_mapping memory_mapping;
		struct abi_domctl_vm_event_op vm_event_op;
		struct abi_domctl_monitor_op monitor_op;
		struct abi_domctl_vnuma vnuma;
		struct abi_domctl_vuart_op vuart_op;
		struct abi_domctl_cacheflush cacheflush;
		struct abi_domctl_set_llc_colors set_llc_colors;
		struct {
			u64 max_memkb;
		} max_mem;
		struct {
			u32 max;
		} max_vcpus;
		struct {
			struct abi_domain_handle handle;
		} setdomainhandle;
		struct {
			u8 enable;
		} setdebugging;
		struct {
			u64 gmfn;
		} hypercall_init;
		struct {
			s64 time_offset_seconds;
		} settimeoffset;
		struct {
			u32 size;
		} address_size;
		struct {
			u32 trigger, vcpu;
		} sendtrigger;
		struct {
			domid_t target;
		} set_target;
		struct {
			u32 port;
		} subscribe;
		struct {
			u8 access_required;
		} access_required;
		struct {
			u32 virq;
		} set_virq_handler;
		struct {
			u64 size; /* in bytes */
		} paging_mempool;
		u64 pad[16];
	} u;
};

#endif
