/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl: operations of the control domain on the whole machine, version 0x15 of the interface.
 *
 * Only the control domain comes here (hypercalls.c); no policy of Xen lets others do any of it.
 */
#include "control.h"
#include "sysctl.h"
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/domain_info.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define CONSOLE_CHUNK 128
#define LIST_RESUMED  0x676f6573U

static long sysctl_readconsole(struct abi_sysctl *op)
{
	struct abi_sysctl_readconsole *r = &op->u.readconsole;
	u32 index = r->incremental ? r->index : console_ring_start(), done = 0;
	char text[CONSOLE_CHUNK];

	while (done < r->count) {
		size_t n = console_ring_read(text, MIN(r->count - done, (u32)CONSOLE_CHUNK), &index);

		if (!n)
			break;
		if (copy_to_guest_raw(r->buffer + done, text, n))
			return -XEN_EFAULT;
		done += (u32)n;
		/* Who reads incrementally comes back for the rest. */
		if (r->incremental && hypercall_preempted())
			break;
	}
	if (r->clear)
		console_ring_clear(index);
	r->index = index;
	r->count = done;
	return 0;
}

static long sysctl_sched_id(struct abi_sysctl *op)
{
	op->u.sched_id.sched_id = sched_policy()->sched_id;
	return 0;
}

/*
 * What one attempt leaves to the next, besides num_domains, which is an answer only: behind the
 * operation's fields, where callers have nothing.
 */
struct list_progress {
	struct abi_sysctl_getdomaininfolist list;
	u32 resumed, next; /* LIST_RESUMED, and the number to go on from */
};

_Static_assert(sizeof(struct list_progress) <= sizeof(((struct abi_sysctl *)0)->u), "no room");

static long sysctl_getdomaininfolist(struct abi_sysctl *op)
{
	struct list_progress *p = (void *)&op->u;
	bool resumed = p->resumed == LIST_RESUMED;
	u32 id = resumed ? p->next : p->list.first_domain, n = resumed ? p->list.num_domains : 0;
	struct abi_getdomaininfo info;
	struct domain *d;

	if (resumed)
		p->resumed = p->next = 0;
	while (n < p->list.max_domains && (d = domain_get_next(id)) != NULL) {
		id = d->id + 1U;
		domain_info_fill(d, &info);
		domain_put(d);
		if (copy_array_to_guest(p->list.buffer, n, &info, 1))
			return -XEN_EFAULT;
		p->list.num_domains = ++n;
		if (hypercall_preempted()) {
			p->next = id;
			p->resumed = LIST_RESUMED;
			return -XEN_ERESTART;
		}
	}
	p->list.num_domains = n;
	return 0;
}

/* The handle and the count move with the progress. */
static long sysctl_debug_keys(struct abi_sysctl *op)
{
	struct abi_sysctl_debug_keys *k = &op->u.debug_keys;
	char key;

	while (k->nr_keys) {
		if (copy_from_guest(&key, k->keys))
			return -XEN_EFAULT;
		keyhandler_run(key);
		k->keys++;
		k->nr_keys--;
		if (k->nr_keys && hypercall_preempted())
			return -XEN_ERESTART;
	}
	return 0;
}

/* A build without such a thing. */
static long sysctl_unsupported(struct abi_sysctl *op)
{
	return -XEN_EOPNOTSUPP;
}

/* All else is -XEN_ENOSYS, as on Arm and in a build like Debian's: power management, profiles ... */
static const struct sysctl_op sysctls[] = {
	[XEN_SYSCTL_readconsole] = { sysctl_readconsole, true },
	[XEN_SYSCTL_tbuf_op] = { sysctl_tbuf_op, true },
	[XEN_SYSCTL_physinfo] = { sysctl_physinfo, true },
	[XEN_SYSCTL_sched_id] = { sysctl_sched_id, true },
	[XEN_SYSCTL_scheduler_op] = { sysctl_scheduler_op, true },
	[XEN_SYSCTL_getdomaininfolist] = { sysctl_getdomaininfolist, true },
	[XEN_SYSCTL_debug_keys] = { sysctl_debug_keys, false },
	[XEN_SYSCTL_getcpuinfo] = { sysctl_getcpuinfo, true },
	[XEN_SYSCTL_availheap] = { sysctl_availheap, true },
	[XEN_SYSCTL_page_offline_op] = { sysctl_page_offline_op, false },
	[XEN_SYSCTL_cputopoinfo] = { sysctl_cputopoinfo, true },
	[XEN_SYSCTL_numainfo] = { sysctl_numainfo, true },
	[XEN_SYSCTL_cpupool_op] = { sysctl_cpupool_op, true },
	[XEN_SYSCTL_coverage_op] = { sysctl_unsupported, false },
};

long do_sysctl(u64 *arg)
{
	const struct sysctl_op *ctl;
	struct abi_sysctl op;
	long rc;

	if (copy_from_guest(&op, arg[0]))
		return -XEN_EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return control_refuse_version("sysctl", op.interface_version,
					      "0x15 (Xen 4.17 to 4.20)");
	if (op.cmd >= ARRAY_SIZE(sysctls) || !sysctls[op.cmd].fn)
		return -XEN_ENOSYS;
	ctl = &sysctls[op.cmd];
	rc = ctl->fn(&op);
	/* What was done so far is in the arguments of the next attempt, and nowhere after a failure. */
	if (((rc >= 0 && ctl->out) || rc == -XEN_ERESTART || rc == -XEN_EFAULT) &&
	    copy_to_guest(arg[0], &op))
		return -XEN_EFAULT;
	return rc;
}
