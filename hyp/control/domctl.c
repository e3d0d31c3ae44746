/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl's tables, one for each interface version, and the way to a handler (domctl.h). The struct
 * is copied once; version first, then the domain, the permission, the operation, as tools expect of
 * the error codes.
 */
#include "control.h"
#include "domctl.h"

#include <serai/domain.h>
#include <serai/domain_info.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/printk.h>

#define SIZE_OF(field) sizeof(((struct abi_domctl *)0)->u.field)
#define HEADER_SIZE    offsetof(struct abi_domctl, u)

long domctl_getdomaininfo(struct domain *d, struct abi_domctl *op)
{
	domain_info_fill(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

static const struct domctl_entry domctls_15[] = {
	[XEN_DOMCTL_getdomaininfo] = { domctl_getdomaininfo, SIZE_OF(getdomaininfo),
				       DOMCTL_OUT | DOMCTL_SHARED },
};

static const struct domctl_version {
	u32 version, nr;
	const struct domctl_entry *entries;
} versions[] = {
	{ XEN_DOMCTL_INTERFACE_VERSION, ARRAY_SIZE(domctls_15), domctls_15 },
};
static const struct domctl_version *version_find(u32 version)
{
	for (u32 i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i].version == version)
			return &versions[i];
	return NULL;
}

static const struct domctl_entry *entry_find(const struct domctl_version *v, u32 cmd)
{
	static const struct domctl_entry none;

	return cmd < v->nr ? &v->entries[cmd] : &none;
}

static long entry_call(const struct domctl_entry *e, struct domain *d, struct abi_domctl *op)
{
	static bool busy;
	long rc;

	if (!(current_domain()->flags & (DOMAIN_CONTROL | e->also)))
		return -XEN_EPERM;
	if (!e->fn)
		return -XEN_ENOSYS;
	if (e->flags & DOMCTL_SHARED)
		return e->fn(d, op);
	if (atomic_xchg(&busy, true))
		return -XEN_ERESTART;
	rc = e->fn(d, op);
	store_release(&busy, false);
	return rc;
}

long do_domctl(u64 *arg)
{
	const struct domctl_version *v;
	const struct domctl_entry *e;
	struct domain *d = NULL;
	struct abi_domctl op;
	long rc;

	if (copy_from_guest(&op, arg[0]))
		return -XEN_EFAULT;
	v = version_find(op.interface_version);
	if (!v)
		return control_refuse_version("domctl", op.interface_version, "0x15");
	e = entry_find(v, op.cmd);
	if (!(e->flags & DOMCTL_ANY)) {
		/* DOMID_SELF is not understood here. */
		d = op.domain < DOMID_FIRST_RESERVED ? domain_get(op.domain) : NULL;
		if (!d)
			return -XEN_ESRCH;
	}
	rc = entry_call(e, d, &op);
	if (d)
		domain_put(d);
	if ((rc >= 0 || rc == -XEN_ERESTART) && e->flags & DOMCTL_OUT &&
	    copy_to_guest_raw(arg[0], &op, HEADER_SIZE + e->size))
		return -XEN_EFAULT;
	return rc;
}
