/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls: one table (hypercalls.c), and tables of sub-operations.
 *
 * A handler gets its arguments as an array of u64 (a view of the caller's registers, or an entry
 * of a multicall) and returns the result. To be continued after a preemption it records its
 * progress in arg[] and returns -XEN_ERESTART: the call is executed again with those arguments.
 */
#ifndef SERAI_HYPERCALL_H
#define SERAI_HYPERCALL_H

#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/types.h>

typedef long hypercall_fn(u64 *arg);

struct hypercall {
	hypercall_fn *fn; /* NULL: -ENOSYS */
	u8 nr_args;
	bool control_only; /* -EPERM for others */
};

#define HYPERCALLS_MAX 64
extern const struct hypercall hypercalls[HYPERCALLS_MAX];

/*
 * A sub-operation with one argument struct: it is copied in once, given to fn, and copied back if
 * out says so and fn returned >= 0. size 0: fn reads the handle itself.
 */
struct subop {
	long (*fn)(void *arg, u64 handle);
	u16 size; /* at most SUBOP_ARG_MAX */
	bool out, control_only;
};
#define SUBOP_ARG_MAX 128

/* -ENOSYS for a hole or a number past the table. */
long subop_call(const struct subop *table, u32 nr, u64 cmd, u64 handle);

/* By the trap handler: number and five arguments; also by multicall. */
static inline long hypercall_call(u64 nr, u64 *arg);

/* True when the running operation should stop and return -XEN_ERESTART: an interrupt waits. */
#define hypercall_preempted() cpu_arch_work_pending()

bool caller_is_control(void);

static __always_inline long hypercall_call(u64 nr, u64 *arg)
{
	const struct hypercall *h;

	if (unlikely(nr >= HYPERCALLS_MAX))
		return -XEN_ENOSYS;
	h = &hypercalls[nr];
	if (unlikely(!h->fn))
		return -XEN_ENOSYS;
	if (unlikely(h->control_only && !caller_is_control()))
		return -XEN_EPERM;
	return h->fn(arg);
}

#include <serai/arch.h>

/* Handlers, one declaration each; the table is in hypercalls.c. */
hypercall_fn do_memory_op, do_multicall, do_xen_version, do_console_io, do_physdev_op,
	do_grant_table_op, do_vm_assist, do_vcpu_op, do_sched_op, do_event_channel_op, do_hvm_op,
	do_platform_op, do_sysctl, do_domctl, do_hypfs_op;

#endif
