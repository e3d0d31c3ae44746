/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl: operations of the control domain on one domain. The struct is copied once; version first,
 * then the domain, then the operation, as tools expect of the error codes.
 */
#include <abi/domctl.h>
#include <serai/domain.h>
#include <serai/domain_info.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

struct domctl_op {
	long (*fn)(struct domain *d, struct abi_domctl *op);
	bool out; /* the struct is copied back */
};

static long domctl_getdomaininfo(struct domain *d, struct abi_domctl *op)
{
	domain_info_fill(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

static const struct domctl_op domctls[] = {
	[XEN_DOMCTL_getdomaininfo] = { domctl_getdomaininfo, true },
};

static const struct domctl_op *domctl_find(u32 cmd)
{
	return cmd < ARRAY_SIZE(domctls) && domctls[cmd].fn ? &domctls[cmd] : NULL;
}

long do_domctl(u64 *arg)
{
	const struct domctl_op *ctl;
	struct abi_domctl op;
	struct domain *d;
	long rc = -XEN_ENOSYS;

	if (copy_from_guest(&op, arg[0]))
		return -XEN_EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -XEN_EACCES;
	/* DOMID_SELF is not understood here. */
	d = op.domain < DOMID_FIRST_RESERVED ? domain_get(op.domain) : NULL;
	if (!d)
		return -XEN_ESRCH;
	ctl = domctl_find(op.cmd);
	if (ctl)
		rc = ctl->fn(d, &op);
	domain_put(d);
	if (rc >= 0 && ctl->out && copy_to_guest(arg[0], &op))
		return -XEN_EFAULT;
	return rc;
}
