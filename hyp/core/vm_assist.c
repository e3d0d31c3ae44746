/* SPDX-License-Identifier: Apache-2.0 */
/* vm_assist: on Arm the only one is the flag that says "runstate area is being updated". */
#include <abi/hvm_op.h>
#include <serai/domain.h>
#include <serai/hypercall.h>
#include <serai/runstate.h>

#define VALID BIT(ABI_VMASST_runstate_update_flag)

long do_vm_assist(u64 *arg)
{
	u64 *bits = &current_domain()->vm_assist;

	if (arg[1] >= 64 || !(BIT(arg[1]) & VALID))
		return -XEN_EINVAL;
	switch (arg[0]) {
	case VMASST_CMD_enable:
		atomic_fetch_or(bits, BIT(arg[1]));
		return 0;
	case VMASST_CMD_disable:
		atomic_fetch_and(bits, ~BIT(arg[1]));
		return 0;
	default:
		return -XEN_ENOSYS;
	}
}
