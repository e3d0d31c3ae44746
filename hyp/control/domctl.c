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

/* Of version 0x15: the first domain from the number on. */
static long domctl_getdomaininfo_from(struct domain *none, struct abi_domctl *op)
{
	struct domain *d;
	long rc;

	if (op->domain >= DOMID_FIRST_RESERVED)
		return -XEN_EINVAL;
	d = domain_get_next(op->domain);
	if (!d)
		return -XEN_ESRCH;
	rc = domctl_getdomaininfo(d, op);
	domain_put(d);
	return rc;
}

static const struct domctl_entry domctls_15[] = {
	[XEN_DOMCTL_getdomaininfo] = { .fn = domctl_getdomaininfo_from, .size = SIZE_OF(getdomaininfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED | DOMCTL_ANY },
	/* Devices. */
	[XEN_DOMCTL_irq_permission] = { .fn = domctl_irq_permission },
	[XEN_DOMCTL_iomem_permission] = { .fn = domctl_iomem_permission },
	[XEN_DOMCTL_assign_device] = { .fn = domctl_assign_device },
	[XEN_DOMCTL_bind_pt_irq] = { .fn = domctl_bind_pt_irq },
	[XEN_DOMCTL_memory_mapping] = { .fn = domctl_memory_mapping },
	[XEN_DOMCTL_test_assign_device] = { .fn = domctl_assign_device },
	[XEN_DOMCTL_set_target] = { .fn = domctl_set_target },
	[XEN_DOMCTL_deassign_device] = { .fn = domctl_assign_device },
	[XEN_DOMCTL_unbind_pt_irq] = { .fn = domctl_unbind_pt_irq },
	[XEN_DOMCTL_get_device_group] = { .fn = domctl_assign_device },
	[XEN_DOMCTL_vm_event_op] = { .fn = domctl_vm_event_op, .size = SIZE_OF(vm_event_op),
		.flags = DOMCTL_OUT },
	[XEN_DOMCTL_set_virq_handler] = { .fn = domctl_set_virq_handler },
	[XEN_DOMCTL_monitor_op] = { .fn = domctl_monitor_op, .size = SIZE_OF(monitor_op),
		.flags = DOMCTL_OUT },
};

/* What changed since 0x15. Xen 4.18: that domain or none. */
static const struct domctl_entry changed_16[] = {
	[XEN_DOMCTL_getdomaininfo] = { .fn = domctl_getdomaininfo, .size = SIZE_OF(getdomaininfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED },
};

static const struct domctl_version {
	u32 version, nr;
	const struct domctl_entry *changed; /* the others are 0x15's */
} versions[] = {
	{ XEN_DOMCTL_INTERFACE_VERSION, 0, NULL },
	{ 0x16, ARRAY_SIZE(changed_16), changed_16 },
	{ 0x17, ARRAY_SIZE(changed_16), changed_16 },
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

	if (cmd < v->nr && v->changed[cmd].fn)
		return &v->changed[cmd];
	return cmd < ARRAY_SIZE(domctls_15) ? &domctls_15[cmd] : &none;
}

static long entry_call(const struct domctl_entry *e, struct domain *d, struct abi_domctl *op)
{
	long rc;

	if (!(current_domain()->flags & (DOMAIN_CONTROL | e->also)))
		return -XEN_EPERM;
	if (!e->fn)
		return -XEN_ENOSYS;
	if (e->flags & DOMCTL_SHARED)
		return e->fn(d, op);
	if (!control_enter())
		return -XEN_ERESTART;
	rc = e->fn(d, op);
	control_leave();
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
		return control_refuse_version("domctl", op.interface_version,
					      "0x15 to 0x17 (Xen 4.17 to 4.20)");
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
