/* SPDX-License-Identifier: Apache-2.0 */
/* Xen's guest ABI on arm64, only what the target guests use: numbers and structs of the wire. */
#ifndef TARGET_XEN_H
#define TARGET_XEN_H

#include <stdint.h>

#define XEN_HVC_TAG 0xea1

/* Hypercall numbers (x16). */
enum {
	HC_set_timer_op = 15,
	HC_platform_op = 7,
	HC_memory_op = 12,
	HC_multicall = 13,
	HC_xen_version = 17,
	HC_console_io = 18,
	HC_grant_table_op = 20,
	HC_vm_assist = 21,
	HC_vcpu_op = 24,
	HC_xsm_op = 27,
	HC_sched_op = 29,
	HC_event_channel_op = 32,
	HC_physdev_op = 33,
	HC_hvm_op = 34,
	HC_sysctl = 35,
	HC_domctl = 36,
	HC_kexec_op = 37,
	HC_tmem_op = 38,
	HC_argo_op = 39,
	HC_xenpmu_op = 40,
	HC_dm_op = 41,
	HC_hypfs_op = 42,
};

/* Error numbers as hypercalls return them (negated). */
enum {
	XEN_EPERM = 1,
	XEN_ENOENT = 2,
	XEN_ESRCH = 3,
	XEN_ENXIO = 6,
	XEN_E2BIG = 7,
	XEN_EAGAIN = 11,
	XEN_ENOMEM = 12,
	XEN_EACCES = 13,
	XEN_EFAULT = 14,
	XEN_EBUSY = 16,
	XEN_EEXIST = 17,
	XEN_ENODEV = 19,
	XEN_EINVAL = 22,
	XEN_ENOSPC = 28,
	XEN_ENOSYS = 38,
	XEN_EOPNOTSUPP = 95,
	XEN_EADDRNOTAVAIL = 99,
	XEN_ENOBUFS = 105,
};

#define DOMID_SELF 0x7ff0
#define DOMID_XEN  0x7ff2
#define DOMID_NONE 1234 /* no such domain in these machines */

/* xen_version */
enum {
	XENVER_version = 0,
	XENVER_extraversion = 1,
	XENVER_compile_info = 2,
	XENVER_capabilities = 3,
	XENVER_changeset = 4,
	XENVER_platform_parameters = 5,
	XENVER_get_features = 6,
	XENVER_pagesize = 7,
	XENVER_guest_handle = 8,
	XENVER_commandline = 9,
	XENVER_build_id = 10,
};

struct xen_feature_info {
	uint32_t submap_idx;
	uint32_t submap;
};

struct xen_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
};

struct xen_build_id {
	uint32_t len;
	unsigned char buf[];
};

/* Features of submap 0. */
enum {
	XENFEAT_writable_page_tables = 0,
	XENFEAT_auto_translated_physmap = 2,
	XENFEAT_mmu_pt_update_preserve_ad = 5,
	XENFEAT_highmem_assist = 6,
	XENFEAT_gnttab_map_avail_bits = 7,
	XENFEAT_hvm_safe_pvclock = 9,
	XENFEAT_hvm_callback_vector = 8,
	XENFEAT_hvm_pirqs = 10,
	XENFEAT_dom0 = 11,
	XENFEAT_grant_map_identity = 12,
	XENFEAT_memory_op_vnode_supported = 13,
	XENFEAT_arm_smccc_supported = 14,
	XENFEAT_linux_rsdp_unrestricted = 15,
	XENFEAT_not_direct_mapped = 16,
	XENFEAT_direct_mapped = 17,
	XENFEAT_runstate_phys_area = 18,
};

/* console_io */
#define CONSOLEIO_write 0
#define CONSOLEIO_read	1

/* multicall */
struct multicall_entry {
	uint64_t op;
	int64_t result;
	uint64_t args[6];
};

/* shared info */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad1[2];
};

struct vcpu_info {
	uint8_t evtchn_upcall_pending;
	uint8_t evtchn_upcall_mask;
	uint8_t pad[6];
	uint64_t evtchn_pending_sel;
	struct vcpu_time_info time;
};

struct shared_info {
	struct vcpu_info vcpu_info[1];
	uint64_t evtchn_pending[64];
	uint64_t evtchn_mask[64];
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi;
};

/* event_channel_op */
enum {
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

enum {
	EVTCHNSTAT_closed = 0,
	EVTCHNSTAT_unbound = 1,
	EVTCHNSTAT_interdomain = 2,
	EVTCHNSTAT_pirq = 3,
	EVTCHNSTAT_virq = 4,
	EVTCHNSTAT_ipi = 5,
};

enum {
	VIRQ_TIMER = 0,
	VIRQ_DEBUG = 1,
	VIRQ_CONSOLE = 2,
	VIRQ_DOM_EXC = 3,
	VIRQ_TBUF = 4,
	VIRQ_CON_RING = 8,
};

struct evtchn_alloc_unbound {
	uint16_t dom;
	uint16_t remote_dom;
	uint32_t port;
};

struct evtchn_bind_interdomain {
	uint16_t remote_dom;
	uint32_t remote_port;
	uint32_t local_port;
};

struct evtchn_bind_virq {
	uint32_t virq;
	uint32_t vcpu;
	uint32_t port;
};

struct evtchn_bind_pirq {
	uint32_t pirq;
	uint32_t flags;
	uint32_t port;
};

struct evtchn_bind_ipi {
	uint32_t vcpu;
	uint32_t port;
};

struct evtchn_port {
	uint32_t port;
};

struct evtchn_status {
	uint16_t dom;
	uint32_t port;
	uint32_t status;
	uint32_t vcpu;
	union {
		struct {
			uint16_t dom;
		} unbound;
		struct {
			uint16_t dom;
			uint32_t port;
		} interdomain;
		uint32_t pirq;
		uint32_t virq;
	} u;
};

struct evtchn_bind_vcpu {
	uint32_t port;
	uint32_t vcpu;
};

struct evtchn_reset {
	uint16_t dom;
};

struct evtchn_init_control {
	uint64_t control_gfn;
	uint32_t offset;
	uint32_t vcpu;
	uint8_t link_bits;
	uint8_t pad[7];
};

struct evtchn_expand_array {
	uint64_t array_gfn;
};

struct evtchn_set_priority {
	uint32_t port;
	uint32_t priority;
};

#define FIFO_PENDING   31
#define FIFO_MASKED    30
#define FIFO_LINKED    29
#define FIFO_BUSY      28
#define FIFO_LINK_BITS 17
#define FIFO_LINK_MASK ((1u << FIFO_LINK_BITS) - 1)
#define FIFO_QUEUES    16

struct evtchn_fifo_control_block {
	uint32_t ready;
	uint32_t rsvd;
	uint32_t head[FIFO_QUEUES];
};

/* memory_op */
enum {
	XENMEM_increase_reservation = 0,
	XENMEM_decrease_reservation = 1,
	XENMEM_maximum_ram_page = 2,
	XENMEM_current_reservation = 3,
	XENMEM_maximum_reservation = 4,
	XENMEM_machphys_mfn_list = 5,
	XENMEM_populate_physmap = 6,
	XENMEM_add_to_physmap = 7,
	XENMEM_memory_map = 9,
	XENMEM_machine_memory_map = 10,
	XENMEM_exchange = 11,
	XENMEM_machphys_mapping = 12,
	XENMEM_maximum_gpfn = 14,
	XENMEM_remove_from_physmap = 15,
	XENMEM_get_sharing_freed_pages = 18,
	XENMEM_get_sharing_shared_pages = 19,
	XENMEM_add_to_physmap_batch = 23,
	XENMEM_claim_pages = 24,
	XENMEM_acquire_resource = 28,
};

enum {
	XENMAPSPACE_shared_info = 0,
	XENMAPSPACE_grant_table = 1,
	XENMAPSPACE_gmfn = 2,
	XENMAPSPACE_gmfn_range = 3,
	XENMAPSPACE_gmfn_foreign = 4,
	XENMAPSPACE_dev_mmio = 5,
};

struct xen_memory_reservation {
	uint64_t *extent_start;
	uint64_t nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags;
	uint16_t domid;
};

struct xen_memory_exchange {
	struct xen_memory_reservation in, out;
	uint64_t nr_exchanged;
};

struct xen_add_to_physmap {
	uint16_t domid;
	uint16_t size;
	uint32_t space;
	uint64_t idx;
	uint64_t gpfn;
};

struct xen_add_to_physmap_batch {
	uint16_t domid;
	uint16_t space;
	uint16_t size;
	uint16_t foreign_domid;
	uint64_t *idxs;
	uint64_t *gpfns;
	int32_t *errs;
};

struct xen_remove_from_physmap {
	uint16_t domid;
	uint64_t gpfn;
};

#define XENMEM_resource_grant_table 1

struct xen_mem_acquire_resource {
	uint16_t domid;
	uint16_t type;
	uint32_t id;
	uint32_t nr_frames;
	uint32_t pad;
	uint64_t frame;
	uint64_t *frame_list;
};

/* grant_table_op */
enum {
	GNTTABOP_map_grant_ref = 0,
	GNTTABOP_unmap_grant_ref = 1,
	GNTTABOP_setup_table = 2,
	GNTTABOP_dump_table = 3,
	GNTTABOP_transfer = 4,
	GNTTABOP_copy = 5,
	GNTTABOP_query_size = 6,
	GNTTABOP_unmap_and_replace = 7,
	GNTTABOP_set_version = 8,
	GNTTABOP_get_status_frames = 9,
	GNTTABOP_get_version = 10,
	GNTTABOP_swap_grant_ref = 11,
	GNTTABOP_cache_flush = 12,
};

enum {
	GNTST_okay = 0,
	GNTST_general_error = -1,
	GNTST_bad_domain = -2,
	GNTST_bad_gntref = -3,
	GNTST_bad_handle = -4,
	GNTST_permission_denied = -8,
	GNTST_bad_page = -9,
	GNTST_bad_copy_arg = -10,
	GNTST_no_space = -13,
};

#define GTF_permit_access (1u << 0)
#define GTF_accept_transfer 2u
#define GTF_transitive	  3u
#define GTF_readonly	  (1u << 2)
#define GTF_reading	  (1u << 3)
#define GTF_writing	  (1u << 4)
#define GTF_sub_page	  (1u << 8)

#define GNTMAP_device_map (1u << 0)
#define GNTMAP_host_map	  (1u << 1)
#define GNTMAP_readonly	  (1u << 2)

#define GNTCOPY_source_gref (1u << 0)
#define GNTCOPY_dest_gref   (1u << 1)

#define GNTTAB_CACHE_CLEAN	 (1u << 0)
#define GNTTAB_CACHE_INVAL	 (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)

struct grant_entry_v1 {
	uint16_t flags;
	uint16_t domid;
	uint32_t frame;
};

/* GTF_transitive: the domain in page_off, its reference in frame. */
struct grant_entry_v2 {
	uint16_t flags;
	uint16_t domid;
	uint16_t page_off;
	uint16_t length;
	uint64_t frame;
};

struct gnttab_map_grant_ref {
	uint64_t host_addr;
	uint32_t flags;
	uint32_t ref;
	uint16_t dom;
	int16_t status;
	uint32_t handle;
	uint64_t dev_bus_addr;
};

struct gnttab_unmap_grant_ref {
	uint64_t host_addr;
	uint64_t dev_bus_addr;
	uint32_t handle;
	int16_t status;
};

struct gnttab_setup_table {
	uint16_t dom;
	uint32_t nr_frames;
	int16_t status;
	uint64_t *frame_list;
};

struct gnttab_transfer {
	uint64_t mfn;
	uint16_t domid;
	uint32_t ref;
	int16_t status;
};

struct gnttab_copy_ptr {
	union {
		uint32_t ref;
		uint64_t gmfn;
	} u;
	uint16_t domid;
	uint16_t offset;
};

struct gnttab_copy {
	struct gnttab_copy_ptr source;
	struct gnttab_copy_ptr dest;
	uint16_t len;
	uint16_t flags;
	int16_t status;
};

struct gnttab_query_size {
	uint16_t dom;
	uint32_t nr_frames;
	uint32_t max_nr_frames;
	int16_t status;
};

struct gnttab_unmap_and_replace {
	uint64_t host_addr;
	uint64_t new_addr;
	uint32_t handle;
	int16_t status;
};

struct gnttab_set_version {
	uint32_t version;
};

struct gnttab_get_status_frames {
	uint32_t nr_frames;
	uint16_t dom;
	int16_t status;
	uint64_t *frame_list;
};

struct gnttab_get_version {
	uint16_t dom;
	uint16_t pad;
	uint32_t version;
};

struct gnttab_swap_grant_ref {
	uint32_t ref_a;
	uint32_t ref_b;
	int16_t status;
};

struct gnttab_cache_flush {
	union {
		uint64_t dev_bus_addr;
		uint32_t ref;
	} a;
	uint16_t offset;
	uint16_t length;
	uint32_t op;
};

/* sched_op */
enum {
	SCHEDOP_yield = 0,
	SCHEDOP_block = 1,
	SCHEDOP_shutdown = 2,
	SCHEDOP_poll = 3,
	SCHEDOP_remote_shutdown = 4,
	SCHEDOP_shutdown_code = 5,
	SCHEDOP_watchdog = 6,
	SCHEDOP_pin_override = 7,
};

#define SHUTDOWN_poweroff 0
#define SHUTDOWN_reboot	  1

struct sched_shutdown {
	uint32_t reason;
};

struct sched_poll {
	uint32_t *ports;
	uint32_t nr_ports;
	uint64_t timeout;
};

struct sched_remote_shutdown {
	uint16_t domain_id;
	uint32_t reason;
};

struct sched_watchdog {
	uint32_t id;
	uint32_t timeout;
};

struct sched_pin_override {
	int32_t pcpu;
};

/* vcpu_op */
enum {
	VCPUOP_initialise = 0,
	VCPUOP_up = 1,
	VCPUOP_down = 2,
	VCPUOP_is_up = 3,
	VCPUOP_get_runstate_info = 4,
	VCPUOP_register_runstate_memory_area = 5,
	VCPUOP_register_vcpu_info = 10,
	VCPUOP_register_vcpu_time_memory_area = 13,
	VCPUOP_register_runstate_phys_area = 14,
	VCPUOP_register_vcpu_time_phys_area = 15,
};

enum {
	RUNSTATE_running = 0,
	RUNSTATE_runnable = 1,
	RUNSTATE_blocked = 2,
	RUNSTATE_offline = 3,
};

#define XEN_RUNSTATE_UPDATE (1ull << 63)

struct vcpu_runstate_info {
	int32_t state;
	uint64_t state_entry_time;
	uint64_t time[4];
};

struct vcpu_register_runstate_memory_area {
	uint64_t addr;
};

struct vcpu_register_vcpu_info {
	uint64_t mfn;
	uint32_t offset;
	uint32_t rsvd;
};

/* vm_assist */
#define VMASST_CMD_enable		 0
#define VMASST_CMD_disable		 1
#define VMASST_TYPE_runstate_update_flag 5

/* hvm_op */
#define HVMOP_set_param 0
#define HVMOP_get_param 1

#define HVM_PARAM_CALLBACK_IRQ	 0
#define HVM_PARAM_STORE_PFN	 1
#define HVM_PARAM_STORE_EVTCHN	 2
#define HVM_PARAM_CONSOLE_PFN	 17
#define HVM_PARAM_CONSOLE_EVTCHN 18
#define HVM_NR_PARAMS		 39

struct xen_hvm_param {
	uint16_t domid;
	uint16_t pad;
	uint32_t index;
	uint64_t value;
};

/* domctl, sysctl, platform_op: only what a guest reads here */
#define XEN_DOMCTL_INTERFACE_VERSION 0x15
#define XEN_DOMCTL_createdomain	     1
#define XEN_DOMCTL_destroydomain     2
#define XEN_DOMCTL_getdomaininfo     5
#define XEN_DOMCTL_max_mem	     11
#define XEN_DOMCTL_get_paging_mempool_size 85
#define XEN_DOMCTL_set_paging_mempool_size 86
#define XEN_DOMINF_shutdown	     (1u << 2)
#define XEN_SYSCTL_INTERFACE_VERSION 0x15
#define XEN_SYSCTL_tbuf_op	     2
#define XEN_SYSCTL_physinfo	     3
#define XEN_SYSCTL_sched_id	     4
#define XEN_SYSCTL_debug_keys	     7
#define XEN_SYSCTL_cpupool_op	     18
#define CPUPOOL_OP_CREATE	     1
#define CPUPOOL_OP_DESTROY	     2
#define CPUPOOL_OP_INFO		     3
#define CPUPOOL_OP_ADDCPU	     4
#define CPUPOOL_OP_RMCPU	     5
#define CPUPOOL_OP_MOVEDOMAIN	     6
#define CPUPOOL_OP_FREEINFO	     7
#define XENPF_INTERFACE_VERSION	     0x03000001
#define XENPF_settime64		     62

struct xen_domctl_getdomaininfo {
	uint16_t domain;
	uint16_t pad1;
	uint32_t flags;
	uint64_t tot_pages;
	uint64_t max_pages;
};

struct xen_domctl {
	uint32_t cmd;
	uint32_t interface_version;
	uint16_t domain;
	uint16_t pad[3];
	union {
		struct xen_domctl_getdomaininfo getdomaininfo;
		uint8_t pad[128];
	} u;
};

struct xen_sysctl_physinfo {
	uint32_t threads_per_core;
	uint32_t cores_per_socket;
	uint32_t nr_cpus;
	uint32_t max_cpu_id;
	uint32_t nr_nodes;
	uint32_t max_node_id;
	uint32_t cpu_khz;
	uint32_t capabilities;
	uint32_t arch_capabilities;
	uint32_t pad;
	uint64_t total_pages;
	uint64_t free_pages;
	uint64_t scrub_pages;
	uint64_t outstanding_pages;
	uint64_t max_mfn;
	uint32_t hw_cap[8];
};

enum {
	XEN_SYSCTL_TBUFOP_get_info = 0,
	XEN_SYSCTL_TBUFOP_set_cpu_mask = 1,
	XEN_SYSCTL_TBUFOP_set_evt_mask = 2,
	XEN_SYSCTL_TBUFOP_set_size = 3,
	XEN_SYSCTL_TBUFOP_enable = 4,
	XEN_SYSCTL_TBUFOP_disable = 5,
};

struct xen_sysctl_tbuf_op {
	uint32_t cmd;
	uint32_t pad;
	uint64_t cpu_bits; /* virtual address */
	uint32_t nr_cpus;
	uint32_t pad2;
	uint32_t evt_mask;
	uint32_t pad3;
	uint64_t buffer_mfn;
	uint32_t size;
};

/* Trace buffers: what tools map. */
struct t_info {
	uint16_t tbuf_size;
	uint16_t mfn_offset[];
};

struct t_buf {
	uint32_t cons;
	uint32_t prod;
};

struct xen_sysctl {
	uint32_t cmd;
	uint32_t interface_version;
	union {
		struct xen_sysctl_tbuf_op tbuf_op;
		struct xen_sysctl_physinfo physinfo;
		uint32_t sched_id;
		struct {
			uint64_t keys; /* virtual address */
			uint32_t nr_keys;
		} debug_keys;
		struct {
			uint32_t op, cpupool_id, sched_id, domid, cpu, n_dom;
			uint64_t cpumap; /* virtual address */
			uint32_t bits;
		} cpupool;
		uint32_t w[32];
		uint64_t q[16];
		uint8_t pad[128];
	} u;
};

struct xenpf_settime64 {
	uint64_t secs;
	uint32_t nsecs;
	uint32_t mbz;
	uint64_t system_time;
};

struct xen_platform_op {
	uint32_t cmd;
	uint32_t interface_version;
	union {
		struct xenpf_settime64 settime64;
		uint8_t pad[128];
	} u;
};

/* hypfs_op */
#define XEN_HYPFS_OP_get_version 0
#define XEN_HYPFS_OP_read	 1

struct xen_hypfs_direntry {
	uint8_t type;
	uint8_t encoding;
	uint16_t pad;
	uint32_t content_len;
	uint32_t max_write_len;
};

#endif
