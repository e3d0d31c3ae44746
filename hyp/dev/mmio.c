/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch of trapped accesses to emulated devices. Most accesses go where the one before went:
 * that region is tried first, then a binary search.
 */
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/mmio.h>

static bool region_has(const struct mmio_region *r, u64 gpa)
{
	return gpa - r->base < r->size;
}

/* How many regions lie wholly below gpa. */
static u32 count_below(const struct mmio_map *m, u64 gpa)
{
	u32 low = 0, high = m->nr;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (m->regions[mid].base + (m->regions[mid].size - 1) < gpa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct mmio_region *region_search(struct mmio_map *m, u64 gpa)
{
	u32 i = count_below(m, gpa);

	if (i == m->nr || !region_has(&m->regions[i], gpa))
		return NULL;
	WRITE_ONCE(m->last, i);
	return &m->regions[i];
}

bool mmio_handle(struct vcpu *v, u64 gpa, u32 size, bool write, u64 *val)
{
	struct mmio_map *m = v->domain->arch.mmio;
	const struct mmio_region *r;

	if (unlikely(!m || (gpa & (size - 1))))
		return false;
	r = &m->regions[READ_ONCE(m->last)];
	if (unlikely(!region_has(r, gpa))) {
		r = region_search(m, gpa);
		if (!r)
			return false;
	}
	return (write ? r->write : r->read)(v, r->arg, gpa - r->base, size, val);
}

int mmio_add(struct domain *d, const struct mmio_region *region)
{
	u64 end = region->base + (region->size - 1);
	struct mmio_map *m = d->arch.mmio;
	u32 at;

	if (!region->size || end < region->base || (region->base | region->size) & 7)
		return -XEN_EINVAL;
	if (!m) {
		m = mem_alloc(sizeof(*m));
		if (!m)
			return -XEN_ENOMEM;
		d->arch.mmio = m;
	}
	if (m->nr == MMIO_REGIONS_MAX)
		return -XEN_ENOSPC;
	at = count_below(m, region->base);
	if (at < m->nr && m->regions[at].base <= end)
		return -XEN_EEXIST;
	for (u32 i = m->nr; i > at; i--)
		m->regions[i] = m->regions[i - 1];
	m->regions[at] = *region;
	m->nr++;
	return 0;
}

void mmio_destroy(struct domain *d)
{
	mem_free(d->arch.mmio);
	d->arch.mmio = NULL;
}
