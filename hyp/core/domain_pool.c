/* SPDX-License-Identifier: Apache-2.0 */
/* Where the vcpus of a domain run: its pool of CPUs, and each one's affinity. */
#include <serai/domain.h>
#include <serai/errno.h>

int domain_set_pool(struct domain *d, struct cpupool *p)
{
	int rc = 0;

	lock_take(&d->lock);
	if (!d->pool || cpumask_empty(&p->cpus)) {
		lock_drop(&d->lock);
		return -XEN_EINVAL;
	}
	/* From here on neither pool goes: the new one has a domain, the old one its vcpus. */
	if (d->pool != p) {
		cpupool_enter(p);
		cpupool_leave(d->pool);
		d->pool = p;
	}
	for (u32 i = 0; i < d->nr_vcpus; i++) {
		int one = d->vcpus[i] ? cpupool_move_unit(&d->vcpus[i]->unit, p) : 0;

		rc = one ? one : rc;
	}
	lock_drop(&d->lock);
	return rc;
}

int vcpu_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft, bool force)
{
	int rc = 0;

	lock_take(&v->lock);
	if (v->pinned && force) {
		v->pinned = false;
		rc = sched_set_affinity(&v->unit, &v->hard_saved, NULL);
	}
	if (!rc && v->pinned && (hard || soft))
		rc = -XEN_EBUSY;
	if (!rc && (hard || soft))
		rc = sched_set_affinity(&v->unit, hard, soft);
	if (!rc && hard)
		v->hard_saved = *hard;
	lock_drop(&v->lock);
	return rc;
}
