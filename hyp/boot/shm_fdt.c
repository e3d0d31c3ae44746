/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared memory in a guest's device tree: nodes of /reserved-memory with compatible =
 * "xen,shared-memory-v1" (Linux: Documentation/devicetree/bindings/reserved-memory).
 */
#include "fdt_out.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/printk.h>

static bool __init shm_has_any(const struct boot_info *bi, int domain)
{
	for (u32 i = 0; i < bi->nr_shm; i++)
		if (bi->shm[i].domain == domain && bootshm_takes_part(bi, &bi->shm[i]))
			return true;
	return false;
}

void __init out_shm_nodes(struct out *o, const struct boot_info *bi, int domain)
{
	static const struct range_set none;
	char name[32];

	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];
		const struct range r = { s->gpa, s->gpa + s->size };

		if (s->domain != domain || !bootshm_takes_part(bi, s))
			continue;
		snprintf(name, sizeof(name), "xen-shmem@%lx", s->gpa);
		out_begin(o, name);
		out_string(o, "compatible", "xen,shared-memory-v1");
		out_reg(o, &r, &none);
		out_string(o, "xen,id", s->id);
		out_end(o);
	}
}

void __init out_reserved_memory(struct out *o, const struct boot_info *bi, int domain)
{
	if (!shm_has_any(bi, domain))
		return;
	out_begin(o, "reserved-memory");
	out_cell(o, "#address-cells", o->addr_cells);
	out_cell(o, "#size-cells", o->size_cells);
	out_prop(o, "ranges", NULL, 0);
	out_shm_nodes(o, bi, domain);
	out_end(o);
}

int __init shm_remove(const struct boot_info *bi, int domain, struct range_set *set)
{
	int rc = 0;

	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s->domain == domain && bootshm_takes_part(bi, s))
			rc |= range_set_remove(set, s->gpa, s->gpa + s->size);
	}
	return rc;
}
