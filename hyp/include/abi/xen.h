/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen's guest ABI, the part that every subject uses: hypercall numbers, domain ids, shared_info.
 * Numbers and layouts are those of Xen 4.17's public/xen.h and public/arch-arm.h for AArch64;
 * tests/host/test_abi.c compares sizes and offsets with libxen-dev's headers.
 */
#ifndef ABI_XEN_H
#define ABI_XEN_H

#include <serai/types.h>

enum abi_hypercall {
	HC_set_trap_table = 0,
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
	HC_argo_op = 39,
	HC_dm_op = 41,
	HC_hypfs_op = 42,
};

/* The immediate of HVC for a hypercall; the number is in x16, arguments in x0-x4. */
#define HVC_HYPERCALL_TAG 0xea1

#define DOMID_FIRST_RESERVED 0x7ff0
#define DOMID_SELF	     0x7ff0
#define DOMID_IO	     0x7ff1
#define DOMID_XEN	     0x7ff2
#define DOMID_INVALID	     0x7ff4

/* Virtual interrupts. Global ones live on vcpu 0 and exist once in the system. */
enum abi_virq {
	VIRQ_TIMER = 0,
	VIRQ_DEBUG = 1,
	VIRQ_CONSOLE = 2,
	VIRQ_DOM_EXC = 3,
	VIRQ_TBUF = 4,
	VIRQ_DEBUGGER = 6,
	VIRQ_XENOPROF = 7,
	VIRQ_CON_RING = 8,
	VIRQ_PCPU_STATE = 9,
	VIRQ_MEM_EVENT = 10,
	VIRQ_ARGO = 11,
	VIRQ_ENOMEM = 12,
	VIRQ_XENPMU = 13,
	VIRQ_ARCH_0 = 16,
	NR_VIRQS = 24,
};

/* A set of CPUs or nodes that a tool gives or has room for. */
struct abi_bitmap {
	u64 bitmap; /* handle of bytes, lowest first */
	u32 nr_bits;
};

#define ABI_LEGACY_MAX_VCPUS 1 /* vcpu_info slots inside shared_info on Arm */
#define ABI_EVTCHN_2L_WORDS  64
#define ABI_EVTCHN_2L_PORTS  4096
#define ABI_HVM_NR_PARAMS    39

struct abi_vcpu_time_info {
	u32 version, pad0;
	u64 tsc_timestamp, system_time;
	u32 tsc_to_system_mul;
	int8_t tsc_shift;
	u8 flags, pad1[2];
};

struct abi_vcpu_info {
	u8 evtchn_upcall_pending;
	u8 pad[7];
	u64 evtchn_pending_sel;
	struct abi_vcpu_time_info time;
};

struct abi_shared_info {
	struct abi_vcpu_info vcpu_info[ABI_LEGACY_MAX_VCPUS];
	u64 evtchn_pending[ABI_EVTCHN_2L_WORDS];
	u64 evtchn_mask[ABI_EVTCHN_2L_WORDS];
	u32 wc_version;
	u32 wc_sec, wc_nsec, wc_sec_hi;
};

enum abi_runstate {
	RUNSTATE_running = 0,
	RUNSTATE_runnable = 1,
	RUNSTATE_blocked = 2,
	RUNSTATE_offline = 3,
};

struct abi_runstate_info {
	s32 state;
	u32 pad;
	u64 state_entry_time; /* top bit: being updated */
	u64 time[4];
};
#define ABI_RUNSTATE_UPDATE (1UL << 63)

enum abi_shutdown {
	SHUTDOWN_poweroff = 0,
	SHUTDOWN_reboot = 1,
	SHUTDOWN_suspend = 2,
	SHUTDOWN_crash = 3,
	SHUTDOWN_watchdog = 4,
	SHUTDOWN_soft_reset = 5,
	SHUTDOWN_MAX = 5,
	SHUTDOWN_code_invalid = 0xff,
};

struct abi_multicall_entry {
	u64 op, result;
	u64 args[6];
};

/* hvm_op parameters that Arm has. */
enum abi_hvm_param {
	HVM_PARAM_CALLBACK_IRQ = 0,
	HVM_PARAM_STORE_PFN = 1,
	HVM_PARAM_STORE_EVTCHN = 2,
	HVM_PARAM_CONSOLE_PFN = 17,
	HVM_PARAM_CONSOLE_EVTCHN = 18,
	HVM_PARAM_MONITOR_RING_PFN = 28,
};
/* Upcalls come as this PPI, level-sensitive, active low. */
#define HVM_CALLBACK_PPI_LOW(intid) (2UL << 56 | 2UL << 8 | (intid))

#endif
