/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl: where vcpus run, and what share a domain gets. Both masks are checked before either
 * is set; the answer is what of them counts now, as xen/include/public/domctl.h says.
 */
#include "control.h"
#include "domctl.h"
#include <serai/domain.h>
#include <serai/errno.h>

static int vcpu_find(struct domain *d, const struct abi_domctl_vcpuaffinity *a, struct vcpu **out)
{
	if (!a->flags || a->vcpu >= d->nr_vcpus)
		return -XEN_EINVAL;
	*out = d->vcpus[a->vcpu];
	return *out ? 0 : -XEN_ESRCH;
}

long domctl_setvcpuaffinity(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	bool set_hard = a->flags & XEN_VCPUAFFINITY_HARD, set_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
	struct cpumask hard = { { 0 } }, soft = { { 0 } };
	struct vcpu *v;
	int rc = vcpu_find(d, a, &v);

	if (!rc && set_hard)
		rc = control_get_cpus(&hard, &a->cpumap_hard);
	if (!rc && set_soft)
		rc = control_get_cpus(&soft, &a->cpumap_soft);
	if (!rc)
		rc = vcpu_set_affinity(v, set_hard ? &hard : NULL, set_soft ? &soft : NULL,
				       a->flags & XEN_VCPUAFFINITY_FORCE);
	if (rc)
		return rc;
	sched_get_affinity(&v->unit, &hard, &soft);
	if (set_hard)
		rc = control_put_cpus(&a->cpumap_hard, &hard);
	if (!rc && set_soft)
		rc = control_put_cpus(&a->cpumap_soft, &soft);
	return rc;
}

long domctl_getvcpuaffinity(struct domain *d, struct abi_domctl *op)
{
	const struct abi_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v;
	int rc = vcpu_find(d, a, &v);

	if (!rc && a->flags & XEN_VCPUAFFINITY_HARD)
		rc = control_put_cpus(&a->cpumap_hard, &v->unit.hard);
	if (!rc && a->flags & XEN_VCPUAFFINITY_SOFT)
		rc = control_put_cpus(&a->cpumap_soft, &v->unit.soft);
	return rc;
}

/* Weight 0: it stays what it was; cap 0 is none. */
static long share_set(struct domain *d, const struct abi_sched_credit *c)
{
	if (c->cap > 100 * d->nr_vcpus)
		return -XEN_EINVAL;
	if (c->weight)
		d->sched.weight = c->weight;
	if (c->cap != d->sched.cap)
		d->sched.due = 0;
	d->sched.cap = c->cap;
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i])
			sched_unit_adjust(&d->vcpus[i]->unit);
	return 0;
}

/* Under the domain's lock: it stays in its pool, unless it has left that for good. */
static long share_op(struct domain *d, struct abi_domctl_scheduler_op *s)
{
	const struct sched_policy *policy = d->pool ? d->pool->policy : NULL;

	if (!policy || s->sched_id != policy->sched_id || s->cmd > XEN_DOMCTL_SCHEDOP_getvcpuinfo)
		return -XEN_EINVAL;
	/* A policy without shares ignores them. */
	if (!policy->adjust)
		return 0;
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		return share_set(d, &s->u.credit2);
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2 = (struct abi_sched_credit){ d->sched.weight, d->sched.cap };
		return 0;
	default:
		/* All vcpus of a domain have the same share. */
		return -XEN_EINVAL;
	}
}

long domctl_scheduler_op(struct domain *d, struct abi_domctl *op)
{
	long rc;

	lock_take(&d->lock);
	rc = share_op(d, &op->u.scheduler_op);
	lock_drop(&d->lock);
	return rc;
}
