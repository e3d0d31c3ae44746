/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of the hardware domain: a copy of the machine's, without what the hypervisor keeps,
 * with the nodes that describe the virtual machine instead. Shape and values are those that
 * Xen 4.17 gives to its dom0.
 */
#include "fdt_out.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define EXTENDED_MIN (64UL << 20)

/* A property of the host's node, if it is there. */
static void __init out_copy(struct out *o, const struct dt_walk *w, const char *name)
{
	int len;
	const void *data = fdt_getprop(w->fdt, w->node, name, &len);

	if (data)
		out_prop(o, name, data, (size_t)len);
}

/* The first n entries of the host's reg. */
static void __init out_frames(struct out *o, const struct dt_walk *w, u32 n)
{
	u32 entry = 4U * (w->level[w->depth - 1].addr_cells + w->level[w->depth - 1].size_cells);

	out_prop(o, "reg", w->prop[DT_REG].data, MIN((size_t)n * entry, (size_t)w->prop[DT_REG].len));
}

static void __init make_v2m(struct out *o, const struct boot_info *bi, const struct boot_v2m *v)
{
	static const char *const names[] __initconst = { "phandle", "reg", "arm,msi-base-spi",
							 "arm,msi-num-spis" };
	int len;

	out_begin(o, fdt_get_name(bi->fdt, v->node, NULL));
	out_string(o, "compatible", "arm,gic-v2m-frame");
	out_prop(o, "msi-controller", NULL, 0);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		const void *data = fdt_getprop(bi->fdt, v->node, names[i], &len);

		if (data)
			out_prop(o, names[i], data, (size_t)len);
	}
	out_end(o);
}

/* The same frames, as far as a guest uses them; no ITS, no maintenance interrupt. */
static void __init make_gic(struct out *o, const struct dt_walk *w, const struct dom0_tree *t)
{
	const struct boot_gic *gic = &t->bi->gic;

	out_begin(o, "interrupt-controller");
	out_copy(o, w, "phandle");
	out_copy(o, w, "#address-cells");
	out_copy(o, w, "#size-cells");
	out_copy(o, w, "#interrupt-cells");
	out_prop(o, "interrupt-controller", NULL, 0);
	if (gic->version == 2) {
		out_copy(o, w, "compatible");
		out_frames(o, w, 2);
		if (t->v2m)
			out_copy(o, w, "ranges");
		for (u32 i = 0; i < gic->nr_v2m; i++)
			if (t->v2m & 1U << i)
				make_v2m(o, t->bi, &gic->v2m[i]);
	} else {
		out_string(o, "compatible", "arm,gic-v3");
		out_cell(o, "#redistributor-regions", gic->nr_redists);
		out_copy(o, w, "redistributor-stride");
		out_frames(o, w, 1 + gic->nr_redists);
	}
	out_end(o);
}

static void __init make_timer(struct out *o, const struct boot_info *bi)
{
	const u32 intids[] = {
		bi->timer.irq[TIMER_PHYS_SECURE].intid,
		bi->timer.irq[TIMER_PHYS].intid,
		bi->timer.irq[TIMER_VIRT].intid,
	};

	out_begin(o, "timer");
	out_string(o, "compatible", "arm,armv8-timer");
	out_ppis(o, intids, ARRAY_SIZE(intids));
	if (bi->timer.clock_frequency)
		out_cell(o, "clock-frequency", bi->timer.clock_frequency);
	out_end(o);
}

static void __init make_chosen(struct out *o, const struct dom0_tree *t, int chosen)
{
	if (chosen >= 0)
		out_seeds(o, t->bi, chosen, t->id);
	out_boot_props(o, t->bootargs, &t->initrd);
}

static bool __init prop_dropped(const char *name, enum dom0_node kind)
{
	static const char *const in_chosen[] = {
		"bootargs", "stdout-path", "linux,stdout-path", "linux,initrd-start",
		"linux,initrd-end", "kaslr-seed", "rng-seed",
	};

	if (!strncmp(name, "xen,", 4))
		return true;
	if (kind == NODE_PASSTHROUGH)
		return !strcmp(name, "status");
	if (kind != NODE_CHOSEN)
		return false;
	if (!strncmp(name, "linux,uefi-", 11))
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(in_chosen); i++)
		if (!strcmp(name, in_chosen[i]))
			return true;
	return false;
}

static void __init copy_node(struct out *o, const struct dom0_tree *t, const struct dt_walk *w,
			     enum dom0_node kind)
{
	const char *name;
	struct dt_prop p;
	u32 off = 0;

	out_begin(o, w->name);
	while (dt_walk_prop(w, &off, &name, &p))
		if (!prop_dropped(name, kind))
			out_prop(o, name, p.data, p.len);
	if (kind == NODE_PASSTHROUGH)
		out_string(o, "status", "disabled");
	if (kind == NODE_CHOSEN)
		make_chosen(o, t, w->node);
	if (w->depth == 1 && !strcmp(w->name, "reserved-memory")) {
		out_shm_nodes(o, t->bi, -1);
		o->reserved_done = true;
	}
}

static void __init write_node(struct out *o, const struct dom0_tree *t, struct dt_walk *w)
{
	enum dom0_node kind = dom0_node_kind(w, t->bi, t->uart);

	if (kind == NODE_DROP) {
		dt_walk_skip(w);
		return;
	}
	while (o->open > w->depth)
		out_end(o);
	if (kind == NODE_GIC)
		make_gic(o, w, t);
	else if (kind == NODE_TIMER)
		make_timer(o, t->bi);
	else
		copy_node(o, t, w, kind);
	if (kind == NODE_GIC || kind == NODE_TIMER)
		dt_walk_skip(w);
	if (!w->depth) {
		o->addr_cells = w->level[0].addr_cells;
		o->size_cells = w->level[0].size_cells;
	}
}

static int __init write_tree(struct out *o, const struct dom0_tree *t)
{
	static struct dt_walk w __initbss;
	int rc;

	dt_walk_start(&w, t->bi->fdt);
	while ((rc = dt_walk_next(&w)) > 0)
		write_node(o, t, &w);
	while (o->open > 1)
		out_end(o);
	if (!o->chosen_done) {
		out_begin(o, "chosen");
		make_chosen(o, t, -1);
		out_end(o);
	}
	if (!o->reserved_done)
		out_reserved_memory(o, t->bi, -1);
	out_hypervisor_node(o, &t->grant, t->extended, t->evtchn_irq);
	out_psci_node(o);
	out_cpu_nodes(o, t->bi, t->nr_vcpus);
	out_memory_node(o, t->banks);
	out_memory_node(o, t->reserved);
	out_end(o);
	return rc;
}

size_t __init dom0_fdt_bound(const struct dom0_tree *t)
{
	/* Names of properties are not shared in the copy; at most 31 characters each. */
	return 3 * dt_used_size(t->bi->fdt) + strlen(t->bootargs) + t->nr_vcpus * 192UL + 16384;
}

int __init dom0_fdt_build(const struct dom0_tree *t, void *buf, size_t size)
{
	struct out o;
	int rc;

	out_start(&o, buf, size);
	o.irq_cells = t->bi->gic.irq_cells;
	o.gic = t->bi->gic.phandle;
	rc = write_tree(&o, t);
	if (rc) {
		pr_err("dom0: its device tree cannot be made: the machine's is malformed\n");
		return -XEN_EINVAL;
	}
	return out_finish(&o, "dom0");
}

struct range __init host_grant_region(const struct boot_info *bi)
{
	return (struct range){ bi->image.start, bi->image.start + GRANT_REGION_SIZE };
}

int __init host_extended_regions(const struct boot_info *bi, int index, const struct range_set *own,
				 const struct range *grant, struct range_set *out)
{
	u32 n = 0;
	int rc = 0;

	range_set_clear(out);
	for (u32 i = 0; i < bi->banks.nr; i++)
		rc |= range_set_add(out, bi->banks.r[i].start, bi->banks.r[i].end);
	for (u32 i = 0; i < bi->reserved.nr; i++)
		rc |= range_set_remove(out, bi->reserved.r[i].start, bi->reserved.r[i].end);
	for (u32 i = 0; i < own->nr; i++)
		rc |= range_set_remove(out, own->r[i].start, own->r[i].end);
	rc |= range_set_remove(out, grant->start, grant->end);
	rc |= shm_remove(bi, index, out);
	if (rc)
		return -XEN_ENOSPC;
	for (u32 i = 0; i < out->nr; i++) {
		struct range r = { ROUND_UP(out->r[i].start, BLOCK_SIZE),
				   ROUND_DOWN(out->r[i].end, BLOCK_SIZE) };

		if (r.end > r.start && range_size(&r) >= EXTENDED_MIN)
			out->r[n++] = r;
	}
	out->nr = n;
	return 0;
}
