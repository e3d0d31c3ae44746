/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a guest's device tree with libfdt: what dom0's and all others' have in common. */
#include "fdt_out.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define IRQ_FLAGS_LEVEL_LOW 0xf08 /* bits 15:8: the CPUs, as older bindings had it */
#define ENTRY_MAX	    (2UL << 30) /* split larger ranges when sizes have one cell */
#define SEED_MAX	    64
#define CPUS_PER_CLUSTER    16 /* of the affinity that the virtual interrupt controller uses */

void __init out_start(struct out *o, void *buf, size_t size)
{
	*o = (struct out){ .fdt = buf, .addr_cells = 2, .size_cells = 2, .irq_cells = 3 };
	/* Looking for equal names would take longer than everything else together. */
	o->err = fdt_create_with_flags(buf, (int)size, FDT_CREATE_FLAG_NO_NAME_DEDUP);
	if (!o->err)
		o->err = fdt_finish_reservemap(buf);
}

int __init out_finish(struct out *o, const char *whose)
{
	if (!o->err)
		o->err = fdt_finish(o->fdt);
	if (!o->err)
		return (int)fdt_totalsize(o->fdt);
	pr_err("%s: its device tree cannot be made: %s\n", whose, fdt_strerror(o->err));
	return o->err == -FDT_ERR_NOSPACE ? -XEN_ENOSPC : -XEN_EINVAL;
}

void __init out_begin(struct out *o, const char *name)
{
	if (!o->err)
		o->err = fdt_begin_node(o->fdt, name);
	o->open++;
}

void __init out_end(struct out *o)
{
	if (!o->err)
		o->err = fdt_end_node(o->fdt);
	o->open--;
}

void __init out_prop(struct out *o, const char *name, const void *data, size_t len)
{
	if (!o->err)
		o->err = fdt_property(o->fdt, name, data, (int)len);
}

void __init out_string(struct out *o, const char *name, const char *s)
{
	out_prop(o, name, s, strlen(s) + 1);
}

void __init out_cell(struct out *o, const char *name, u32 v)
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

static void __init out_wide(struct out *o, const char *name, u64 v)
{
	fdt32_t cells[2];

	put_cells(o, cells, v, 2);
	out_prop(o, name, cells, sizeof(cells));
}

/* Entries that a range takes in reg. */
static u64 __init reg_entries(const struct out *o, const struct range *r)
{
	return o->size_cells > 1 ? 1 : DIV_ROUND_UP(range_size(r), ENTRY_MAX);
}

void __init out_reg(struct out *o, const struct range *first, const struct range_set *set)
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

void __init out_ppis(struct out *o, const u32 *intids, u32 n)
{
	fdt32_t cells[4 * 8], *c = cells;

	for (u32 i = 0; i < n; i++)
		c = put_ppi(o, c, intids[i], MIN(o->irq_cells, 8U));
	out_prop(o, "interrupts", cells, (size_t)((u8 *)c - (u8 *)cells));
	out_cell(o, "interrupt-parent", o->gic);
}

void __init out_psci_node(struct out *o)
{
	static const char compatible[] __initconst = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

	out_begin(o, "psci");
	out_prop(o, "compatible", compatible, sizeof(compatible));
	out_string(o, "method", "hvc");
	out_cell(o, "cpu_off", 1);
	out_cell(o, "cpu_on", 2);
	out_end(o);
}

void __init out_cpu_nodes(struct out *o, const struct boot_info *bi, u32 nr_vcpus)
{
	int len = 0;
	const void *compatible = bi->nr_cpus ? fdt_getprop(bi->fdt, bi->cpus[0].node, "compatible",
							   &len) : NULL;
	char name[16];

	out_begin(o, "cpus");
	out_cell(o, "#address-cells", 1);
	out_cell(o, "#size-cells", 0);
	for (u32 i = 0; i < nr_vcpus; i++) {
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

void __init out_memory_node(struct out *o, const struct range_set *banks)
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

void __init out_hypervisor_node(struct out *o, const struct range *grant,
				const struct range_set *extended, u32 evtchn_irq)
{
	static const char compatible[] __initconst = "xen,xen-4.17\0xen,xen";

	out_begin(o, "hypervisor");
	out_prop(o, "compatible", compatible, sizeof(compatible));
	out_reg(o, grant, extended);
	out_ppis(o, &evtchn_irq, 1);
	out_end(o);
}

/* A seed as long as the firmware's, at most SEED_MAX. */
static void __init out_seed(struct out *o, const struct boot_info *bi, int chosen, u32 domain,
			    const char *name, u32 use)
{
	u8 seed[SEED_MAX];
	int len;
	const void *from = fdt_getprop(bi->fdt, chosen, name, &len);

	if (!from || len <= 0)
		return;
	seed_derive(from, (size_t)len, domain, use, seed, MIN((size_t)len, sizeof(seed)));
	out_prop(o, name, seed, MIN((size_t)len, sizeof(seed)));
}

void __init out_seeds(struct out *o, const struct boot_info *bi, int chosen, u32 domain)
{
	out_seed(o, bi, chosen, domain, "rng-seed", 0);
	out_seed(o, bi, chosen, domain, "kaslr-seed", 1);
}

void __init out_boot_props(struct out *o, const char *bootargs, const struct range *initrd)
{
	out_string(o, "bootargs", bootargs);
	if (range_size(initrd)) {
		out_wide(o, "linux,initrd-start", initrd->start);
		out_wide(o, "linux,initrd-end", initrd->end);
	}
	o->chosen_done = true;
}
