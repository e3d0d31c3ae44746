/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl tbuf_op: trace buffers for xentrace. */
#include "control.h"
#include "sysctl.h"
#include <serai/errno.h>
#include <serai/trace.h>

static long get_info(struct abi_sysctl_tbuf_op *t)
{
	struct trace_info i = trace_info();

	t->evt_mask = i.events;
	t->buffer_mfn = i.mfn;
	t->size = i.size;
	return 0;
}

static long set_cpu_mask(struct abi_sysctl_tbuf_op *t)
{
	struct cpumask cpus;
	int rc = control_get_cpus(&cpus, &t->cpu_mask);

	if (!rc)
		trace_set_cpus(&cpus);
	return rc;
}

static long set_evt_mask(struct abi_sysctl_tbuf_op *t)
{
	trace_set_events(t->evt_mask);
	return 0;
}

static long set_size(struct abi_sysctl_tbuf_op *t)
{
	return trace_set_size(t->size);
}

static long enable(struct abi_sysctl_tbuf_op *t)
{
	return trace_enable();
}

static long disable(struct abi_sysctl_tbuf_op *t)
{
	trace_disable();
	return 0;
}

long sysctl_tbuf_op(struct abi_sysctl *op)
{
	static long (*const ops[])(struct abi_sysctl_tbuf_op *t) = {
		[XEN_SYSCTL_TBUFOP_get_info] = get_info,
		[XEN_SYSCTL_TBUFOP_set_cpu_mask] = set_cpu_mask,
		[XEN_SYSCTL_TBUFOP_set_evt_mask] = set_evt_mask,
		[XEN_SYSCTL_TBUFOP_set_size] = set_size,
		[XEN_SYSCTL_TBUFOP_enable] = enable,
		[XEN_SYSCTL_TBUFOP_disable] = disable,
	};
	struct abi_sysctl_tbuf_op *t = &op->u.tbuf_op;

	return t->cmd < ARRAY_SIZE(ops) ? ops[t->cmd](t) : -XEN_EINVAL;
}
