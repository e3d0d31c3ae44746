/* SPDX-License-Identifier: Apache-2.0 */
/* platform_op: the control domain sets the time of day; everything else is x86's. */
#include <abi/platform.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/wallclock.h>

static long platform_settime(const struct abi_platform_settime64 *t)
{
	u64 now, at_zero;

	if (t->mbz || t->secs > (u64)INT64_MAX / NS_PER_S)
		return -XEN_EINVAL;
	now = t->secs * NS_PER_S + t->nsecs;
	/* The operation tells the time of day at system_time; what counts is that at 0. */
	at_zero = now - t->system_time;
	wallclock_set(at_zero / NS_PER_S, (u32)(at_zero % NS_PER_S));
	return 0;
}

long do_platform_op(u64 *arg)
{
	struct abi_platform_op op;

	if (copy_from_guest(&op, arg[0]))
		return -XEN_EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -XEN_EACCES;
	if (op.cmd != XENPF_settime64)
		return -XEN_ENOSYS;
	return platform_settime(&op.u.settime64);
}
