/* SPDX-License-Identifier: Apache-2.0 */
/* sched_op and vcpu_op (Xen 4.17 public/sched.h, public/vcpu.h; the phys_area one: Xen 4.18). */
#ifndef ABI_SCHED_H
#define ABI_SCHED_H

#include <serai/types.h>

enum abi_schedop {
	SCHEDOP_yield = 0,
	SCHEDOP_block = 1,
	SCHEDOP_shutdown = 2,
	SCHEDOP_poll = 3,
	SCHEDOP_remote_shutdown = 4,
	SCHEDOP_shutdown_code = 5,
	SCHEDOP_watchdog = 6,
	SCHEDOP_pin_override = 7,
};

struct abi_sched_shutdown {
	u32 reason;
};

struct abi_sched_poll {
	u64 ports; /* handle of u32[] */
	u32 nr_ports;
	u32 pad;
	u64 timeout; /* system time, 0: none */
};
#define ABI_POLL_PORTS_MAX 128

struct abi_sched_remote_shutdown {
	u16 domain_id;
	u16 pad;
	u32 reason;
};

struct abi_sched_watchdog {
	u32 id, timeout; /* seconds */
};

struct abi_sched_pin_override {
	s32 pcpu;
};

enum abi_vcpuop {
	VCPUOP_register_runstate_memory_area = 5,
	VCPUOP_register_vcpu_info = 10,
	VCPUOP_register_runstate_phys_area = 14,
};

struct abi_vcpu_register_vcpu_info {
	u64 mfn;
	u32 offset;
	u32 rsvd;
};

struct abi_vcpu_register_runstate {
	u64 addr; /* virtual, or in guest memory: ~0 then ends it */
};

#endif
