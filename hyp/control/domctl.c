/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl's tables, one for each interface version, and the way to a handler (domctl.h). The struct
 * is copied once; version first, then the domain, the permission, the operation, as tools expect of
 * the error codes.
 */
#include "control.h"
#include "domctl.h"

#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define SIZE_OF(field) sizeof(((struct abi_domctl *)0)->u.field)
#define HEADER_SIZE    offsetof(struct abi_domctl, u)

static const struct domctl_entry domctls_15[] = {
	[XEN_DOMCTL_createdomain] = { .fn = domctl_createdomain, .size = SIZE_OF(createdomain),
		.flags = DOMCTL_OUT | DOMCTL_ANY },
	[XEN_DOMCTL_destroydomain] = { .fn = domctl_destroydomain },
	[XEN_DOMCTL_pausedomain] = { .fn = domctl_pausedomain },
	[XEN_DOMCTL_unpausedomain] = { .fn = domctl_unpausedomain },
	[XEN_DOMCTL_getdomaininfo] = { .fn = domctl_getdomaininfo_from, .size = SIZE_OF(getdomaininfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED | DOMCTL_ANY },
	[XEN_DOMCTL_max_mem] = { .fn = domctl_max_mem },
	[XEN_DOMCTL_setvcpucontext] = { .fn = domctl_setvcpucontext },
	[XEN_DOMCTL_getvcpucontext] = { .fn = domctl_getvcpucontext },
	[XEN_DOMCTL_getvcpuinfo] = { .fn = domctl_getvcpuinfo, .size = SIZE_OF(getvcpuinfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED },
	[XEN_DOMCTL_max_vcpus] = { .fn = domctl_max_vcpus },
	[XEN_DOMCTL_setdomainhandle] = { .fn = domctl_setdomainhandle },
	[XEN_DOMCTL_setdebugging] = { .fn = domctl_setdebugging },
	[XEN_DOMCTL_settimeoffset] = { .fn = domctl_settimeoffset },
	[XEN_DOMCTL_resumedomain] = { .fn = domctl_resumedomain },
	/* Arm guests are never suspended by tools. */
	[XEN_DOMCTL_subscribe] = { .fn = domctl_nothing },
	[XEN_DOMCTL_set_address_size] = { .fn = domctl_set_address_size },
	[XEN_DOMCTL_setnodeaffinity] = { .fn = domctl_setnodeaffinity },
	[XEN_DOMCTL_getnodeaffinity] = { .fn = domctl_getnodeaffinity },
	[XEN_DOMCTL_cacheflush] = { .fn = domctl_cacheflush, .size = SIZE_OF(cacheflush),
		.flags = DOMCTL_AGAIN },
	[XEN_DOMCTL_setvnumainfo] = { .fn = domctl_invalid },
	[XEN_DOMCTL_soft_reset] = { .fn = domctl_invalid },
	[XEN_DOMCTL_get_paging_mempool_size] = { .fn = domctl_get_paging_mempool_size,
		.size = SIZE_OF(paging_mempool), .flags = DOMCTL_OUT },
	[XEN_DOMCTL_set_paging_mempool_size] = { .fn = domctl_set_paging_mempool_size },
	/* Scheduling. */
	[XEN_DOMCTL_setvcpuaffinity] = { .fn = domctl_setvcpuaffinity },
	[XEN_DOMCTL_getvcpuaffinity] = { .fn = domctl_getvcpuaffinity, .flags = DOMCTL_SHARED },
	[XEN_DOMCTL_scheduler_op] = { .fn = domctl_scheduler_op, .size = SIZE_OF(scheduler_op),
		.flags = DOMCTL_OUT },
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
	[XEN_DOMCTL_vuart_op] = { .fn = domctl_vuart_op, .size = SIZE_OF(vuart_op),
		.flags = DOMCTL_OUT },
	[XEN_DOMCTL_monitor_op] = { .fn = domctl_monitor_op, .size = SIZE_OF(monitor_op),
		.flags = DOMCTL_OUT },
};

/* What changed since 0x15. Xen 4.18: getdomaininfo is of that domain or none. */
static const struct domctl_entry changed_16[] = {
	[XEN_DOMCTL_createdomain] = { .fn = domctl_createdomain_16, .size = SIZE_OF(createdomain),
		.flags = DOMCTL_OUT | DOMCTL_ANY },
	[XEN_DOMCTL_getdomaininfo] = { .fn = domctl_getdomaininfo, .size = SIZE_OF(getdomaininfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED },
};

/* Xen 4.19, 4.20. */
static const struct domctl_entry changed_17[] = {
	[XEN_DOMCTL_createdomain] = { .fn = domctl_createdomain_17, .size = CREATEDOMAIN_17_SIZE,
		.flags = DOMCTL_OUT | DOMCTL_ANY },
	[XEN_DOMCTL_getdomaininfo] = { .fn = domctl_getdomaininfo, .size = SIZE_OF(getdomaininfo),
		.flags = DOMCTL_OUT | DOMCTL_SHARED },
	[XEN_DOMCTL_dt_overlay] = { .fn = domctl_dt_overlay },
	[XEN_DOMCTL_set_llc_colors] = { .fn = domctl_set_llc_colors },
};

static const struct domctl_version {
	u32 version, nr;
	const struct domctl_entry *changed; /* the others are 0x15's */
} versions[] = {
	{ XEN_DOMCTL_INTERFACE_VERSION, 0, NULL },
	{ 0x16, ARRAY_SIZE(changed_16), changed_16 },
	{ 0x17, ARRAY_SIZE(changed_17), changed_17 },
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

	if (!caller_is_control())
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

/* What the handler wrote to op is for the caller. */
static bool is_answered(const struct domctl_entry *e, long rc)
{
	if (rc == -XEN_ERESTART)
		return e->flags & (DOMCTL_OUT | DOMCTL_AGAIN);
	return rc >= 0 && e->flags & DOMCTL_OUT;
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
	if (is_answered(e, rc) && copy_to_guest_raw(arg[0], &op, HEADER_SIZE + e->size))
		return -XEN_EFAULT;
	return rc;
}
