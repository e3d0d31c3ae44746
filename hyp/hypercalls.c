/* SPDX-License-Identifier: Apache-2.0 */
/* The front hall's second half: every hypercall. Sub-operations are tables in their own files. */
#include <abi/xen.h>
#include <serai/hypercall.h>

const struct hypercall hypercalls[HYPERCALLS_MAX] = {
	[HC_platform_op] = { do_platform_op, 1, true },
	[HC_memory_op] = { do_memory_op, 2, false },
	[HC_multicall] = { do_multicall, 2, false },
	[HC_xen_version] = { do_xen_version, 2, false },
	[HC_console_io] = { do_console_io, 3, false },
	[HC_grant_table_op] = { do_grant_table_op, 3, false },
	[HC_vm_assist] = { do_vm_assist, 2, false },
	[HC_vcpu_op] = { do_vcpu_op, 3, false },
	[HC_sched_op] = { do_sched_op, 2, false },
	[HC_event_channel_op] = { do_event_channel_op, 2, false },
	[HC_physdev_op] = { do_physdev_op, 2, false },
	[HC_hvm_op] = { do_hvm_op, 2, false },
	[HC_sysctl] = { do_sysctl, 1, true },
	[HC_domctl] = { do_domctl, 1, false },
	[HC_hypfs_op] = { do_hypfs_op, 5, true },
};
