/* SPDX-License-Identifier: Apache-2.0 */
/* What tools do with the vcpus of a domain: registers, width, state. */
#include "domctl.h"

#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/runstate.h>

/*
 * The vcpu stands still, until vcpu_go(): then its registers are in memory. -XEN_ERESTART while they
 * are on a CPU, which has been asked to leave it.
 */
static int vcpu_stop(struct vcpu *v)
{
	sched_hold(&v->unit, HOLD_CONTEXT);
	return sched_is_running(&v->unit) ? -XEN_ERESTART : 0;
}

static void vcpu_go(struct vcpu *v)
{
	sched_release(&v->unit, HOLD_CONTEXT);
}

/* As it was created: down, until tools or another vcpu start it. */
static void vcpu_reset(struct vcpu *v)
{
	sched_hold(&v->unit, HOLD_DOWN);
	v->initialised = false;
}

static int context_set(struct vcpu *v, const struct abi_vcpu_guest_context *c)
{
	int rc;

	/* Interrupts and events of a domain that runs go to any of its vcpus. */
	if (!domain_is_complete(v->domain))
		return -XEN_EINVAL;
	lock_take(&v->lock);
	rc = vcpu_arch_set_context(v, c);
	if (!rc) {
		v->initialised = true;
		if (c->flags & VGCF_online)
			sched_release(&v->unit, HOLD_DOWN);
		else
			sched_hold(&v->unit, HOLD_DOWN);
	}
	lock_drop(&v->lock);
	return rc;
}

long domctl_setvcpucontext(struct domain *d, struct abi_domctl *op)
{
	struct vcpu *v = d == current_domain() ? NULL : domain_vcpu(d, op->u.vcpucontext.vcpu);
	u64 handle = op->u.vcpucontext.ctxt;
	struct abi_vcpu_guest_context c;
	int rc;

	if (!v)
		return -XEN_EINVAL;
	if (handle && copy_from_guest(&c, handle))
		return -XEN_EFAULT;
	rc = vcpu_stop(v);
	if (rc)
		return rc;
	if (handle)
		rc = context_set(v, &c);
	else
		vcpu_reset(v);
	vcpu_go(v);
	return rc;
}

long domctl_getvcpucontext(struct domain *d, struct abi_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
	struct abi_vcpu_guest_context c = { 0 };
	int rc;

	if (!v || v == current_vcpu())
		return -XEN_EINVAL;
	if (!v->initialised)
		return -XEN_ENODATA;
	rc = vcpu_stop(v);
	if (rc)
		return rc;
	vcpu_arch_get_context(v, &c);
	if (!(READ_ONCE(v->unit.holds) & HOLD_DOWN))
		c.flags = VGCF_online;
	vcpu_go(v);
	return copy_to_guest(op->u.vcpucontext.ctxt, &c);
}

long domctl_getvcpuinfo(struct domain *d, struct abi_domctl *op)
{
	struct abi_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
	struct vcpu *v = domain_vcpu(d, i->vcpu);
	struct abi_runstate_info r;
	u32 holds;

	if (i->vcpu >= d->nr_vcpus)
		return -XEN_EINVAL;
	if (!v)
		return -XEN_ESRCH;
	runstate_snapshot(v, &r);
	holds = READ_ONCE(v->unit.holds);
	i->online = !(holds & HOLD_DOWN);
	i->blocked = (holds & HOLD_BLOCKED) != 0;
	i->running = sched_is_running(&v->unit) && !(holds & HOLD_BLOCKED);
	i->cpu_time = r.time[RUNSTATE_running];
	i->cpu = READ_ONCE(v->unit.cpu);
	return 0;
}

long domctl_set_address_size(struct domain *d, struct abi_domctl *op)
{
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i] && d->vcpus[i]->initialised)
			return -XEN_EBUSY;
	if (READ_ONCE(d->frames.nr))
		return -XEN_EBUSY;
	return domain_arch_set_width(d, op->u.address_size.size);
}
