/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices of the machine a domain may have (header: access.h). */
#include <serai/access.h>
#include <serai/domain.h>
#include <serai/errno.h>

#define RANGES_MIN 32

struct access {
	u64 irqs[ROUND_UP(IRQS_MAX, 64) / 64];
	struct range_set memory;
	struct range ranges[];
};

int access_domain_open(struct domain *d, u32 ranges)
{
	u32 max = MAX(ranges, (u32)RANGES_MIN);
	struct access *a;
	bool taken;

	if (READ_ONCE(d->access))
		return 0;
	a = mem_alloc(sizeof(*a) + max * sizeof(a->ranges[0]));
	if (!a)
		return -XEN_ENOMEM;
	a->memory = (struct range_set){ 0, max, a->ranges };
	lock_take(&d->lock);
	taken = !d->dying && !d->access;
	if (taken)
		WRITE_ONCE(d->access, a);
	lock_drop(&d->lock);
	if (!taken)
		mem_free(a);
	return 0;
}

int access_domain_destroy(struct domain *d)
{
	struct domain *target = d->target;

	lock_take(&d->lock);
	mem_free(d->access);
	d->access = NULL;
	d->target = NULL;
	lock_drop(&d->lock);
	if (target)
		domain_put(target);
	return 0;
}

int access_set_memory(struct domain *d, u64 start, u64 end, bool allow)
{
	if (!d->access)
		return -XEN_EINVAL;
	return allow ? range_set_add(&d->access->memory, start, end) :
		       range_set_remove(&d->access->memory, start, end);
}

bool access_has_memory(const struct domain *d, u64 start, u64 end)
{
	return d->access && range_set_find(&d->access->memory, start, end);
}

int access_set_irq(struct domain *d, u32 irq, bool allow)
{
	if (!d->access)
		return -XEN_EINVAL;
	if (allow)
		d->access->irqs[irq / 64] |= BIT(irq % 64);
	else
		d->access->irqs[irq / 64] &= ~BIT(irq % 64);
	return 0;
}

bool access_has_irq(const struct domain *d, u32 irq)
{
	return d->access && irq < IRQS_MAX && d->access->irqs[irq / 64] & BIT(irq % 64);
}
