/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multicall: hypercalls from a list. Entries are read and written back in batches, since a guest
 * copy costs more than most calls. A call that was preempted, or an interrupt between two
 * entries, ends this round: what is done is written back with the arguments of the interrupted
 * entry, and the list goes on there.
 */
#include <abi/xen.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define BATCH 8

/* Runs entries until one is preempted or an interrupt waits; how many are done. */
static u32 batch_run(struct abi_multicall_entry *e, u32 n, bool first)
{
	for (u32 i = 0; i < n; i++) {
		long rc;

		if ((i || !first) && unlikely(hypercall_preempted()))
			return i;
		if (unlikely(e[i].op == HC_multicall))
			rc = -XEN_EINVAL;
		else
			rc = hypercall_call(e[i].op, e[i].args);
		if (unlikely(rc == -XEN_ERESTART))
			return i;
		e[i].result = (u64)rc;
	}
	return n;
}

long do_multicall(u64 *arg)
{
	struct abi_multicall_entry e[BATCH];
	u64 list = arg[0];
	u32 left = (u32)arg[1];

	while (left) {
		u32 n = MIN(left, (u32)BATCH), done;

		if (copy_array_from_guest(e, list, 0, n))
			return -XEN_EFAULT;
		done = batch_run(e, n, left == (u32)arg[1]);
		/* The entry that was interrupted carries its progress in its arguments. */
		if (copy_array_to_guest(list, 0, e, MIN(done + 1, n)))
			return -XEN_EFAULT;
		list += done * sizeof(e[0]);
		left -= done;
		if (unlikely(done < n)) {
			arg[0] = list;
			arg[1] = left;
			return -XEN_ERESTART;
		}
	}
	return 0;
}
