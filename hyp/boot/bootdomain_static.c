/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xen,static-mem: RAM that the tree gives to one domain, at host addresses. Nobody else may have
 * anything there. direct-map: the domain sees it at these very addresses.
 */
#include "bootdomain.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

static const char mem_name[] __initconst = "xen,static-mem";

void __init bootdomain_read_static(const struct boot_info *bi, struct boot_domain *d,
				   const struct dt_walk *w)
{
	const struct dt_level *above = &w->level[w->depth - 1];
	struct cells c = { above->addr_cells, above->size_cells };
	const char *why;
	char write[128];

	if (!fdt_getprop(bi->fdt, d->node, mem_name, NULL))
		return;
	why = boot_cells(bi, d->node, "#xen,static-mem-address-cells",
			 "#xen,static-mem-size-cells", &c);
	if (!why)
		why = boot_ranges(bi, d->node, mem_name, &c, PAGE_SIZE, d->static_mem,
				  BOOT_STATIC_MAX, &d->nr_static);
	if (!why)
		return;
	snprintf(write, sizeof(write),
		 "write at most %d pairs of an address (%u cells) and a size (%u cells), multiples of "
		 "4 KiB",
		 BOOT_STATIC_MAX, c.addr, c.size);
	bootdomain_refuse_prop(bi, d, d->node, mem_name, why, write);
}

/* ------------------------------------------------------------------------------------- clashes -- */

static const char *__init say_who(char *text, const char *who, const struct range *r)
{
	snprintf(text, WHO_TEXT, "overlaps %s at %#lx-%#lx", who, r->start, r->end - 1);
	return text;
}

/* The hypervisor with the addresses behind its start, where direct-mapped domains put grants. */
static struct range __init image_range(const struct boot_info *bi)
{
	return (struct range){ bi->image.start,
			       MAX(bi->image.end, bi->image.start + GRANT_REGION_SIZE) };
}

static const char *__init clash_module(const struct boot_info *bi, const struct range *r, char *text)
{
	char path[DT_PATH_MAX];

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];
		struct range at = { m->start, m->start + m->size };

		if (ranges_overlap(r, &at))
			return say_who(text, dt_path(bi->fdt, m->node, path, sizeof(path)), &at);
	}
	return NULL;
}

static const char *__init clash_domain(const struct boot_info *bi, const struct boot_domain *d,
				       const struct range *r, char *text)
{
	char who[DT_PATH_MAX], path[DT_PATH_MAX - 24];

	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *o = &bi->domains[i];

		for (u32 k = 0; k < o->nr_static && o != d && !o->disabled; k++) {
			if (!ranges_overlap(r, &o->static_mem[k]))
				continue;
			snprintf(who, sizeof(who), "%s of %s", mem_name,
				 dt_path(bi->fdt, o->node, path, sizeof(path)));
			return say_who(text, who, &o->static_mem[k]);
		}
	}
	return NULL;
}

static const char *__init clash_shm(const struct boot_info *bi, const struct boot_shm *shm,
				    const struct range *r, char *text)
{
	char path[DT_PATH_MAX];

	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *o = &bi->shm[i];
		struct range at = { o->host, o->host + o->size };

		if (o->has_host && ranges_overlap(r, &at) && !(shm && !strcmp(shm->id, o->id)))
			return say_who(text, dt_path(bi->fdt, o->node, path, sizeof(path)), &at);
	}
	return NULL;
}

const char *__init bootdomain_clash(const struct boot_info *bi, const struct boot_domain *d,
				    const struct boot_shm *shm, const struct range *r, char *text)
{
	const struct range image = image_range(bi);
	const char *found;

	if (!range_set_find(&bi->banks, r->start, r->end))
		return "is not in RAM";
	if (ranges_overlap(r, &image))
		return say_who(text, "the hypervisor", &image);
	for (u32 i = 0; i < bi->reserved.nr; i++)
		if (ranges_overlap(r, &bi->reserved.r[i]))
			return say_who(text, "reserved memory", &bi->reserved.r[i]);
	for (u32 i = 0; i < bi->nr_static_heap; i++)
		if (ranges_overlap(r, &bi->static_heap[i]))
			return say_who(text, "xen,static-heap of /chosen", &bi->static_heap[i]);
	found = clash_module(bi, r, text);
	found = found ? found : clash_domain(bi, d, r, text);
	return found ? found : clash_shm(bi, shm, r, text);
}

static u64 __init static_total(const struct boot_domain *d)
{
	u64 sum = 0;

	for (u32 i = 0; i < d->nr_static; i++)
		sum += range_size(&d->static_mem[i]);
	return sum;
}

static void __init check_sum(const struct boot_info *bi, struct boot_domain *d)
{
	u64 kib = static_total(d) >> 10;
	char why[64], write[48];

	if (!d->nr_static || !d->memory || d->memory >> 10 == kib)
		return;
	snprintf(why, sizeof(why), "%s has %lu KiB", mem_name, kib);
	snprintf(write, sizeof(write), "write memory = <%#x %#x>", (u32)(kib >> 32), (u32)kib);
	bootdomain_refuse_prop(bi, d, d->node, "memory", why, write);
}

static void __init check_piece(const struct boot_info *bi, struct boot_domain *d, u32 i)
{
	const struct range *r = &d->static_mem[i];
	char text[WHO_TEXT], why[WHO_TEXT + 48];
	const char *clash = bootdomain_clash(bi, d, NULL, r, text);

	for (u32 k = 0; k < i && !clash; k++)
		if (ranges_overlap(r, &d->static_mem[k]))
			clash = "is named twice";
	if (!clash)
		return;
	snprintf(why, sizeof(why), "%#lx-%#lx %s", r->start, r->end - 1, clash);
	bootdomain_refuse_prop(bi, d, d->node, mem_name, why,
			       "write addresses of RAM that nothing else uses");
}

void __init bootdomain_check_static(const struct boot_info *bi, struct boot_domain *d)
{
	check_sum(bi, d);
	for (u32 i = 0; i < d->nr_static; i++)
		check_piece(bi, d, i);
	if (d->direct_map && !fdt_getprop(bi->fdt, d->node, mem_name, NULL))
		bootdomain_refuse(bi, d, d->node, "direct-map", "the domain has no memory at an "
				  "address that it could see", "give it xen,static-mem = <ADDRESS SIZE>");
}
