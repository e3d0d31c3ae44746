/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl: the scheduler of a pool of CPUs. */
#include "sysctl.h"
#include <serai/errno.h>
#include <serai/sched.h>

long sysctl_scheduler_op(struct abi_sysctl *op)
{
	struct abi_sysctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->cmd != XEN_SYSCTL_SCHEDOP_putinfo && s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -XEN_EINVAL;
	return cpupool_ratelimit(s->cpupool_id, s->sched_id, s->cmd == XEN_SYSCTL_SCHEDOP_putinfo,
				 &s->u.sched_credit2.ratelimit_us);
}
