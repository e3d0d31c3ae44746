// SPDX-License-Identifier: Apache-2.0
/* Grants of version 1: the guest's own table, and one call for each mapping and unmapping. */
#include "guest.h"

volatile struct grant_entry_v1 *grant_table;

bool grants_init(void)
{
	uint64_t at = machine.nr_hypervisor ? machine.hypervisor[0].base : 0;

	if (!at || map_space(XENMAPSPACE_grant_table, 0, at >> PAGE_SHIFT) != 0)
		return false;
	grant_table = (volatile struct grant_entry_v1 *)at;
	return true;
}

void grant_set(uint32_t ref, uint16_t dom, const void *page, uint16_t flags)
{
	grant_table[ref].flags = 0;
	grant_table[ref].domid = dom;
	grant_table[ref].frame = (uint32_t)virt_to_gfn(page);
	dsb();
	grant_table[ref].flags = flags;
	dsb();
}

int64_t grant_map(uint16_t dom, uint32_t ref, uint32_t flags, uint64_t addr, uint32_t *handle)
{
	struct gnttab_map_grant_ref op = { addr, flags, ref, dom, 99, 0, 0 };
	int64_t rc = hc_grant(GNTTABOP_map_grant_ref, &op, 1);

	*handle = op.handle;
	return rc ? rc : op.status;
}

int64_t grant_unmap(uint64_t addr, uint32_t handle)
{
	struct gnttab_unmap_grant_ref op = { addr, 0, handle, 99 };
	int64_t rc = hc_grant(GNTTABOP_unmap_grant_ref, &op, 1);

	return rc ? rc : op.status;
}
