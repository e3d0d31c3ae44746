/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl of devices: who may have the machine's registers and interrupts, and giving them to a
 * domain. Virtual interrupts have the machine's numbers, as in Xen on Arm.
 *
 * What is given is checked twice: the tools' own domain must have leave for it, and it is never RAM
 * or the hypervisor's (access.h). The domain's lock keeps it from dying meanwhile.
 * There is no driver of an IOMMU here: devices are not assigned, whose DMA would be behind one.
 */
#include "domctl.h"
#include <abi/guest_layout.h>
#include <serai/access.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/guest_copy.h>
#include <serai/p2m.h>
#include <serai/printk.h>
#include <serai/runstate.h>
#include <serai/vpl011.h>

#define MFN_END	      (1UL << (52 - PAGE_SHIFT)) /* of the architecture */
#define MAP_MAX	      64U			 /* pages of one call, as in Xen on Arm */
#define DT_PATH_SHOWN 64U

/* The bytes of nr pages from first on. False: there are none such. */
static bool pages_range(u64 first, u64 nr, struct range *r)
{
	if (!nr || first >= MFN_END || nr > MFN_END - first)
		return false;
	*r = (struct range){ first << PAGE_SHIFT, (first + nr) << PAGE_SHIFT };
	return true;
}

static bool caller_has(const struct range *r)
{
	return access_has_memory(current_domain(), r->start, r->end);
}

long domctl_iomem_permission(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_iomem_permission *p = &op->u.iomem_permission;
	struct range r;
	long rc;

	if (p->first_mfn + p->nr_mfns - 1 < p->first_mfn)
		return -XEN_EINVAL;
	if (!pages_range(p->first_mfn, p->nr_mfns, &r) || !caller_has(&r))
		return -XEN_EPERM;
	rc = access_domain_open(d, 0);
	if (rc)
		return rc;
	lock_take(&d->lock);
	rc = access_set_memory(d, r.start, r.end, p->allow_access);
	lock_drop(&d->lock);
	return rc;
}

long domctl_irq_permission(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_irq_permission *p = &op->u.irq_permission;
	long rc;

	if (p->pirq >= IRQS_MAX)
		return -XEN_EINVAL;
	if (!access_has_irq(current_domain(), p->pirq))
		return -XEN_EPERM;
	rc = access_domain_open(d, 0);
	if (rc)
		return rc;
	lock_take(&d->lock);
	rc = access_set_irq(d, p->pirq, p->allow_access);
	lock_drop(&d->lock);
	return rc;
}

/* Only what is mapped as it says; the rest stays. */
static long registers_unmap(struct domain *d, u64 g, u64 m, u64 nr)
{
	enum p2m_type t;
	int rc = 0;

	for (u64 i = 0; i < nr && !rc; i++)
		if (p2m_lookup(&d->p2m, gfn(g + i), &t).v == m + i && t == P2M_MMIO_DEV)
			rc = p2m_unmap_type(&d->p2m, gfn(g + i), BIT(P2M_MMIO_DEV));
	return rc;
}

long domctl_memory_mapping(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_memory_mapping *p = &op->u.memory_mapping;
	u64 g = p->first_gfn, m = p->first_mfn, nr = p->nr_mfns;
	struct range r, guest;
	long rc;

	if (!pages_range(m, nr, &r) || !pages_range(g, nr, &guest))
		return -XEN_EINVAL;
	if (nr > MAP_MAX)
		return -XEN_E2BIG;
	if (!caller_has(&r))
		return -XEN_EPERM;
	lock_take(&d->lock);
	if (!access_has_memory(d, r.start, r.end))
		rc = -XEN_EPERM;
	else if (d->dying)
		rc = -XEN_EINVAL;
	else if (p->add_mapping)
		rc = p2m_map(&d->p2m, gfn(g), (mfn_t){ m }, nr, P2M_MMIO_DEV);
	else
		rc = registers_unmap(d, g, m, nr);
	lock_drop(&d->lock);
	return rc;
}

/* --- interrupts --- */

/* The interrupt that op names, or an error. */
static long bound_irq(const struct abi_domctl *op)
{
	const struct abi_domctl_bind_pt_irq *p = &op->u.bind_pt_irq;

	if (p->irq_type != PT_IRQ_TYPE_SPI)
		return -XEN_EOPNOTSUPP;
	if (p->machine_irq != p->u.spi.spi)
		return -XEN_EINVAL;
	return access_has_irq(current_domain(), p->machine_irq) ? (long)p->machine_irq :
								  -XEN_EPERM;
}

long domctl_bind_pt_irq(struct domain *d, struct abi_domctl *op)
{
	long rc = bound_irq(op);
	u32 irq = (u32)rc;

	if (rc < 0)
		return rc;
	lock_take(&d->lock);
	/* Xen says busy, too, of a number that the guest's controller does not have. */
	rc = d->dying || irq_assign(irq, d, irq) ? -XEN_EBUSY : 0;
	if (!rc)
		irq_arch_set_type(irq, (enum irq_type)irq_desc(irq)->type);
	lock_drop(&d->lock);
	return rc;
}

long domctl_unbind_pt_irq(struct domain *d, struct abi_domctl *op)
{
	long rc = bound_irq(op);

	if (rc < 0)
		return rc;
	return irq_unassign((u32)rc, d) ? -XEN_EINVAL : 0;
}

/* --- what is told in words --- */

/* Assigns, tests, takes back, finds the group of. */
long domctl_assign_device(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_assign_device *p = &op->u.assign_device;
	char path[DT_PATH_SHOWN] = "a PCI device";
	u32 n = MIN(p->u.dt.size, DT_PATH_SHOWN - 1);

	if (op->cmd != XEN_DOMCTL_get_device_group && p->dev == XEN_DOMCTL_DEV_DT && n &&
	    !copy_from_guest_raw(path, p->u.dt.path, n))
		path[n] = 0;
	guest_printk(LOG_WARNING, "%s cannot be assigned to d%u: Serai drives no IOMMU. Without one, "
		     "iomem and irqs alone give a device to a guest that is trusted with its DMA\n",
		     path, d->id);
	return -XEN_EOPNOTSUPP;
}

/* Nobody watches or shares the memory of guests. Xen knows these numbers, and refuses the same way. */
long domctl_vm_event_op(struct domain *d, struct abi_domctl *op)
{
	static const u8 refusals[] = { XEN_EOPNOTSUPP, XEN_EINVAL, XEN_ENODEV };
	const struct abi_domctl_vm_event_op *p = &op->u.vm_event_op;

	if (p->op == XEN_VM_EVENT_GET_VERSION) {
		op->u.vm_event_op.port = VM_EVENT_INTERFACE_VERSION;
		return 0;
	}
	if (d == current_domain())
		return -XEN_EINVAL;
	if (p->mode != XEN_DOMCTL_VM_EVENT_OP_MONITOR || p->op >= ARRAY_SIZE(refusals))
		return -XEN_ENOSYS;
	return -refusals[p->op];
}

long domctl_monitor_op(struct domain *d, struct abi_domctl *op)
{
	struct abi_domctl_monitor_op *p = &op->u.monitor_op;

	if (d == current_domain())
		return -XEN_EPERM;
	if (p->op != XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES)
		return -XEN_EOPNOTSUPP;
	p->event = 0;
	return 0;
}

/* --- who else --- */

long domctl_set_target(struct domain *d, struct abi_domctl *op)
{
	struct domain *target = domain_get(op->u.set_target.target);
	long rc = -XEN_EINVAL;

	if (!target)
		return -XEN_ESRCH;
	lock_take(&d->lock);
	if (d != target && !d->target && !d->dying) {
		WRITE_ONCE(d->target, target);
		rc = 0;
	}
	lock_drop(&d->lock);
	if (rc)
		domain_put(target);
	return rc;
}

long domctl_set_virq_handler(struct domain *d, struct abi_domctl *op)
{
	return READ_ONCE(d->dying) ? -XEN_EINVAL :
				     evtchn_set_virq_handler(op->u.set_virq_handler.virq, d->id);
}

/* --- the second console --- */

/* Nothing of it has run, and nothing will before the tools let it. */
static bool is_being_made(const struct domain *d)
{
	struct abi_runstate_info r;

	for (u32 i = 0; i < d->nr_vcpus; i++) {
		if (!d->vcpus[i])
			continue;
		runstate_snapshot(d->vcpus[i], &r);
		if (r.time[RUNSTATE_running])
			return false;
	}
	return d->pause_count;
}

long domctl_vuart_op(struct domain *d, struct abi_domctl *op)
{
	static const struct uart_place place = { GUEST_PL011_BASE, GUEST_VPL011_SPI };
	struct abi_domctl_vuart_op *p = &op->u.vuart_op;
	int port, rc;

	if (d == current_domain() || !is_being_made(d))
		return -XEN_EPERM;
	if (p->cmd != XEN_DOMCTL_VUART_OP_INIT)
		return -XEN_EINVAL;
	if (p->type != XEN_DOMCTL_VUART_TYPE_VPL011)
		return -XEN_EOPNOTSUPP;
	if (d->vuart)
		return -XEN_EINVAL;
	port = evtchn_alloc_own(d, p->console_domid);
	if (port < 0)
		return port;
	rc = vpl011_ring_create(d, &place, gfn(p->gfn), (u32)port);
	if (rc) {
		evtchn_close_own(d, (u32)port);
		return rc;
	}
	p->evtchn = (u32)port;
	return 0;
}
