/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of the hardware domain: a copy of the machine's, without what the hypervisor keeps,
 * with the nodes that describe the virtual machine instead. Shape and values are those that
 * Xen 4.17 gives to its dom0.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define IRQ_FLAGS_LEVEL_LOW 0xf08 /* bits 15:8: the CPUs, as older bindings had it */
#define EXTENDED_MIN	    (64UL << 20)
#define ENTRY_MAX	    (2UL << 30) /* split larger ranges when sizes have one cell */
#define SEED_MAX	    64
#define CPUS_PER_CLUSTER    16 /* of the affinity that the virtual interrupt controller uses */

/* The tree being written; after the first error nothing more happens. */
struct out {
	void *fdt;
	int err;
	int open; /* nodes */
	u32 addr_cells, size_cells; /* of the root */
	bool chosen_done;
};

static void __init out_begin(struct out *o, const char *name)
{
	if (!o->err)
		o->err = fdt_begin_node(o->fdt, name);
	o->open++;
}

static void __init out_end(struct out *o)
{
	if (!o->err)
		o->err = fdt_end_node(o->fdt);
	o->open--;
}

static void __init out_prop(struct out *o, const char *name, const void *data, size_t len)
{
	if (!o->err)
		o->err = fdt_property(o->fdt, name, data, (int)len);
}

static void __init out_string(struct out *o, const char *name, const char *s)
{
	out_prop(o, name, s, strlen(s) + 1);
}

static void __init out_cell(struct out *o, const char *name, u32 v)
{
	fdt32_t cell = cpu_to_fdt32(v);

	out_prop(o, name, &cell, sizeof(cell));
}

/* v in n cells, or an error when it does not fit. Returns the place behind. */
static fdt32_t *__init put_cells(struct out *o, fdt32_t *c, u64 v, u32 n)
{
	if (n < 2 && (!n || v >> 32))
		o->err = o->err ? o->err : -FDT_ERR_BADNCELLS;
	for (u32 i = 0; i < n; i++) {
		u32 shift = 32 * (n - 1 - i);

		c[i] = cpu_to_fdt32(shift < 64 ? (u32)(v >> shift) : 0);
	}
	return c + n;
}

/* Entries that a range takes in reg. */
static u64 __init reg_entries(const struct out *o, const struct range *r)
{
	return o->size_cells > 1 ? 1 : DIV_ROUND_UP(range_size(r), ENTRY_MAX);
}

/* reg out of one range (may be empty) and a set. */
static void __init out_reg(struct out *o, const struct range *first, const struct range_set *set)
{
	u64 n = first ? reg_entries(o, first) : 0;
	void *place;
	fdt32_t *c;

	for (u32 i = 0; i < set->nr; i++)
		n += reg_entries(o, &set->r[i]);
	if (!o->err)
		o->err = fdt_property_placeholder(o->fdt, "reg",
						  (int)(n * (o->addr_cells + o->size_cells) * 4),
						  &place);
	if (o->err)
		return;
	c = place;
	for (u32 i = first ? 0 : 1; i <= set->nr; i++) {
		struct range r = i ? set->r[i - 1] : *first;

		for (u64 part; r.start < r.end; r.start += part) {
			part = o->size_cells > 1 ? range_size(&r) : MIN(range_size(&r), ENTRY_MAX);
			c = put_cells(o, c, r.start, o->addr_cells);
			c = put_cells(o, c, part, o->size_cells);
		}
	}
}

static fdt32_t *__init put_ppi(struct out *o, fdt32_t *c, u32 intid, u32 cells)
{
	c = put_cells(o, c, 1, 1);
	c = put_cells(o, c, intid - 16, 1);
	c = put_cells(o, c, IRQ_FLAGS_LEVEL_LOW, 1);
	for (u32 i = 3; i < cells; i++)
		c = put_cells(o, c, 0, 1);
	return c;
}

static void __init out_ppis(struct out *o, const struct boot_gic *gic, const u32 *intids, u32 n)
{
	fdt32_t cells[4 * 8], *c = cells;

	for (u32 i = 0; i < n; i++)
		c = put_ppi(o, c, intids[i], MIN(gic->irq_cells, 8U));
	out_prop(o, "interrupts", cells, (size_t)((u8 *)c - (u8 *)cells));
	out_cell(o, "interrupt-parent", gic->phandle);
}

/* A property of the host's node, if it is there. */
static void __init out_copy(struct out *o, const struct dt_walk *w, const char *name)
{
	int len;
	const void *data = fdt_getprop(w->fdt, w->node, name, &len);

	if (data)
		out_prop(o, name, data, (size_t)len);
}

/* The same distributor and redistributors; no ITS, no maintenance interrupt. */
static void __init make_gic(struct out *o, const struct dt_walk *w, const struct boot_gic *gic)
{
	u32 entry = 4U * (w->level[w->depth - 1].addr_cells + w->level[w->depth - 1].size_cells);

	out_begin(o, "interrupt-controller");
	out_copy(o, w, "phandle");
	out_copy(o, w, "#address-cells");
	out_copy(o, w, "#size-cells");
	out_copy(o, w, "#interrupt-cells");
	out_prop(o, "interrupt-controller", NULL, 0);
	out_string(o, "compatible", "arm,gic-v3");
	out_cell(o, "#redistributor-regions", gic->nr_redists);
	out_copy(o, w, "redistributor-stride");
	out_prop(o, "reg", w->prop[DT_REG].data, (size_t)(1 + gic->nr_redists) * entry);
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
	out_ppis(o, &bi->gic, intids, ARRAY_SIZE(intids));
	if (bi->timer.clock_frequency)
		out_cell(o, "clock-frequency", bi->timer.clock_frequency);
	out_end(o);
}

static void __init make_hypervisor(struct out *o, const struct dom0_tree *t)
{
	static const char compatible[] __initconst = "xen,xen-4.17\0xen,xen";

	out_begin(o, "hypervisor");
	out_prop(o, "compatible", compatible, sizeof(compatible));
	out_reg(o, &t->grant, t->extended);
	out_ppis(o, &t->bi->gic, &t->evtchn_irq, 1);
	out_end(o);
}

static void __init make_psci(struct out *o)
{
	static const char compatible[] __initconst = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

	out_begin(o, "psci");
	out_prop(o, "compatible", compatible, sizeof(compatible));
	out_string(o, "method", "hvc");
	out_cell(o, "cpu_off", 1);
	out_cell(o, "cpu_on", 2);
	out_end(o);
}

static void __init make_cpus(struct out *o, const struct dom0_tree *t)
{
	int len = 0;
	const void *compatible = t->bi->nr_cpus ? fdt_getprop(t->bi->fdt, t->bi->cpus[0].node,
							       "compatible", &len) : NULL;
	char name[16];

	out_begin(o, "cpus");
	out_cell(o, "#address-cells", 1);
	out_cell(o, "#size-cells", 0);
	for (u32 i = 0; i < t->nr_vcpus; i++) {
		u32 affinity = i % CPUS_PER_CLUSTER | (i / CPUS_PER_CLUSTER) << 8;

		snprintf(name, sizeof(name), "cpu@%x", affinity);
		out_begin(o, name);
		if (compatible)
			out_prop(o, "compatible", compatible, (size_t)len);
		else
			out_string(o, "compatible", "arm,armv8");
		out_string(o, "device_type", "cpu");
		out_cell(o, "reg", affinity);
		out_string(o, "enable-method", "psci");
		out_end(o);
	}
	out_end(o);
}

static void __init make_memory(struct out *o, const struct range_set *banks)
{
	char name[32];

	if (!banks->nr)
		return;
	snprintf(name, sizeof(name), "memory@%lx", banks->r[0].start);
	out_begin(o, name);
	out_string(o, "device_type", "memory");
	out_reg(o, NULL, banks);
	out_end(o);
}

/* A seed as long as the host's, but dom0's own. */
static void __init make_seed(struct out *o, const struct dom0_tree *t, int chosen, const char *name,
			     u32 use)
{
	u8 seed[SEED_MAX];
	int len;
	const void *from = fdt_getprop(t->bi->fdt, chosen, name, &len);

	if (!from || len <= 0)
		return;
	seed_derive(from, (size_t)len, t->id, use, seed, MIN((size_t)len, sizeof(seed)));
	out_prop(o, name, seed, MIN((size_t)len, sizeof(seed)));
}

static void __init make_chosen(struct out *o, const struct dom0_tree *t, int chosen)
{
	fdt32_t cells[4];

	if (chosen >= 0) {
		make_seed(o, t, chosen, "rng-seed", 0);
		make_seed(o, t, chosen, "kaslr-seed", 1);
	}
	out_string(o, "bootargs", t->bootargs);
	if (range_size(&t->initrd)) {
		put_cells(o, cells, t->initrd.start, 2);
		out_prop(o, "linux,initrd-start", cells, 8);
		put_cells(o, cells, t->initrd.end, 2);
		out_prop(o, "linux,initrd-end", cells, 8);
	}
	o->chosen_done = true;
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
	int off, len;

	out_begin(o, w->name);
	for (off = fdt_first_property_offset(w->fdt, w->node); off >= 0;
	     off = fdt_next_property_offset(w->fdt, off)) {
		const char *name;
		const void *data = fdt_getprop_by_offset(w->fdt, off, &name, &len);

		if (data && !prop_dropped(name, kind))
			out_prop(o, name, data, (size_t)len);
	}
	if (kind == NODE_PASSTHROUGH)
		out_string(o, "status", "disabled");
	if (kind == NODE_CHOSEN)
		make_chosen(o, t, w->node);
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
		make_gic(o, w, &t->bi->gic);
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
	static struct dt_walk w __initdata;
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
	make_hypervisor(o, t);
	make_psci(o);
	make_cpus(o, t);
	make_memory(o, t->banks);
	make_memory(o, t->reserved);
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
	struct out o = { .fdt = buf };
	int rc;

	/* Looking for equal names would take longer than everything else together. */
	o.err = fdt_create_with_flags(buf, (int)size, FDT_CREATE_FLAG_NO_NAME_DEDUP);
	if (!o.err)
		o.err = fdt_finish_reservemap(buf);
	rc = write_tree(&o, t);
	if (!o.err)
		o.err = fdt_finish(buf);
	if (rc || o.err) {
		pr_err("dom0: its device tree cannot be made: %s\n",
		       rc ? "the machine's is malformed" : fdt_strerror(o.err));
		return o.err == -FDT_ERR_NOSPACE ? -XEN_ENOSPC : -XEN_EINVAL;
	}
	return (int)fdt_totalsize(buf);
}

int __init dom0_extended_regions(const struct boot_info *bi, const struct range *grant,
				 struct range_set *out)
{
	u32 n = 0;
	int rc = 0;

	range_set_clear(out);
	for (u32 i = 0; i < bi->banks.nr; i++)
		rc |= range_set_add(out, bi->banks.r[i].start, bi->banks.r[i].end);
	for (u32 i = 0; i < bi->reserved.nr; i++)
		rc |= range_set_remove(out, bi->reserved.r[i].start, bi->reserved.r[i].end);
	for (u32 i = 0; i < bi->dom0_banks.nr; i++)
		rc |= range_set_remove(out, bi->dom0_banks.r[i].start, bi->dom0_banks.r[i].end);
	rc |= range_set_remove(out, grant->start, grant->end);
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
