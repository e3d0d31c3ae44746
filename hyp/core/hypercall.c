/* SPDX-License-Identifier: Apache-2.0 */
/* Sub-operations: one argument struct is copied in, handled and, where the table says, copied back. */
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

long subop_call(const struct subop *table, u32 nr, u64 cmd, u64 handle)
{
	u64 arg[SUBOP_ARG_MAX / sizeof(u64)];
	const struct subop *op;
	long rc;

	if (unlikely(cmd >= nr))
		return -XEN_ENOSYS;
	op = &table[cmd];
	if (unlikely(!op->fn))
		return -XEN_ENOSYS;
	if (unlikely(op->control_only && !caller_is_control()))
		return -XEN_EPERM;
	if (op->size && copy_from_guest_raw(arg, handle, op->size))
		return -XEN_EFAULT;
	rc = op->fn(arg, handle);
	if (op->out && rc >= 0 && copy_to_guest_raw(handle, arg, op->size))
		return -XEN_EFAULT;
	return rc;
}
