/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's way from one pool of CPUs to another. */
#include <serai/domain.h>

int domain_set_pool(struct domain *d, struct cpupool *p)
{
	int rc = 0;

	lock_take(&d->lock);
	for (u32 i = 0; i < d->nr_vcpus && !rc; i++)
		if (d->vcpus[i])
			rc = cpupool_move_unit(&d->vcpus[i]->unit, p);
	if (!rc && d->pool && d->pool != p) {
		cpupool_enter(p);
		cpupool_leave(d->pool);
		d->pool = p;
	}
	lock_drop(&d->lock);
	return rc;
}
