/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's way from one pool of CPUs to another. */
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

		if (one && rc != -XEN_ENOMEM)
			rc = one;
	}
	lock_drop(&d->lock);
	return rc;
}
