/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partial device tree as its guest will see it, and as the rest of the machine does. Most of what
 * is refused here boots on real Xen, and then faults or fails in the guest's driver.
 */
#include "pass.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define GIC_CELLS 3

static struct dt_walk w __initbss;

/* --------------------------------------------------------------------------------- registers -- */

/* All of [start, end) is mapped for the guest. */
static bool __init is_mapped(const struct pass *p, u64 start, u64 end)
{
	bool more = true;

	while (more && start < end) {
		more = false;
		for (u32 i = 0; i < passthrough.nr_regions; i++) {
			const struct pass_region *r = &passthrough.regions[i];
			u64 size = range_size(&r->host);

			if (r->owner != p->owner || start < r->guest || start - r->guest >= size)
				continue;
			start = r->guest + size;
			more = true;
		}
	}
	return start >= end;
}

static void __init check_reg(struct pass *p)
{
	u64 addr, size;
	int rc = 0;

	for (u32 i = 0; (rc = dt_walk_reg(&w, i, &addr, &size)) == 0; i++) {
		if (is_mapped(p, addr, addr + size))
			continue;
		snprintf(p->why, sizeof(p->why),
			 "no xen,reg maps guest %#lx-%#lx: the guest would fault there", addr,
			 addr + size - 1);
		pass_refuse(p, w.node, "reg", p->why,
			    "write xen,reg = <HOST-ADDRESS SIZE GUEST-ADDRESS>; xen,path = "
			    "\"/NODE\"; xen,force-assign-without-iommu;");
		return;
	}
	if (rc == -XEN_EINVAL)
		pass_refuse(p, w.node, "reg", "it cannot be read", "write <ADDRESS SIZE> in the "
			    "cells of the node above");
}

/* -------------------------------------------------------------------------------- interrupts -- */

struct irq_check {
	const struct pass *p;
	u32 foreign; /* the first one that is not the domain's; 0: none */
};

static void __init check_irq(void *ctx, u32 intid, enum irq_type type)
{
	struct irq_check *c = ctx;

	if (!c->foreign && (intid < IRQ_FIRST_SPI || passthrough.irq_owner[intid] != c->p->owner))
		c->foreign = intid;
}

static void __init check_irqs(struct pass *p)
{
	struct irq_check c = { .p = p };
	const char *name = dt_has(&w, DT_INTERRUPTS_EXTENDED) ? "interrupts-extended" : "interrupts";

	/* The guest's GIC has three cells, whatever stands for it in the partial tree. */
	w.intc[0] = (struct dt_intc){ p->gic, GIC_CELLS, 0 };
	w.intc_next = 1;
	if (!w.irq_parent)
		w.irq_parent = p->gic;
	if (dt_walk_irqs(&w, p->gic, check_irq, &c)) {
		pass_refuse(p, w.node, name, "it cannot be read",
			    "write <0 SPI 4> with interrupt-parent = <0xfde8>, the guest's GIC");
	} else if (c.foreign) {
		snprintf(p->why, sizeof(p->why), c.foreign < IRQ_FIRST_SPI ?
			 "interrupt %u is private to each CPU (PPI)" :
			 "interrupt %u is of no node that a xen,path of this tree names", c.foreign);
		pass_refuse(p, w.node, name, p->why,
			    "write the interrupts of the machine's node, and that in xen,path");
	}
}

/* ---------------------------------------------------------------------------------- phandles -- */

static const struct {
	const char *name;  /* of the property; with a dash in front the end of its name */
	const char *cells; /* of the node that is named, behind its phandle; NULL: none */
} references[] __initconst = {
	{ "clocks", "#clock-cells" },
	{ "assigned-clocks", "#clock-cells" },
	{ "assigned-clock-parents", "#clock-cells" },
	{ "resets", "#reset-cells" },
	{ "dmas", "#dma-cells" },
	{ "phys", "#phy-cells" },
	{ "power-domains", "#power-domain-cells" },
	{ "iommus", "#iommu-cells" },
	{ "mboxes", "#mbox-cells" },
	{ "pwms", "#pwm-cells" },
	{ "io-channels", "#io-channel-cells" },
	{ "interconnects", "#interconnect-cells" },
	{ "msi-parent", "#msi-cells" },
	{ "gpios", "#gpio-cells" },
	{ "-gpios", "#gpio-cells" },
	{ "-gpio", "#gpio-cells" },
	{ "-supply", NULL },
	{ "interrupt-parent", NULL },
	{ "phy-handle", NULL },
	{ "memory-region", NULL },
	{ "pinctrl-0", NULL },
	{ "pinctrl-1", NULL },
};

/* Below /passthrough. */
static bool __init goes_to_guest(const struct pass *p, int node)
{
	int top = fdt_path_offset(p->tree, "/passthrough");

	for (; node > 0; node = fdt_parent_offset(p->tree, node))
		if (node == top)
			return true;
	return false;
}

/* Cells behind the phandle; -1: refused. */
static int __init check_reference(struct pass *p, const char *name, u32 phandle, const char *cells)
{
	int node, len;
	const u32 *c;
	char path[DT_PATH_MAX];

	if (phandle == p->gic)
		return cells ? GIC_CELLS : 0;
	node = fdt_node_offset_by_phandle(p->tree, phandle);
	if (node >= 0 && goes_to_guest(p, node)) {
		c = cells ? fdt_getprop(p->tree, node, cells, &len) : NULL;
		return c && len == 4 ? (int)MIN(dt_cells(c, 1), 16UL) : 0;
	}
	if (node >= 0)
		snprintf(p->why, sizeof(p->why), "phandle %#x is %.100s, which the guest does not get",
			 phandle, dt_path(p->tree, node, path, sizeof(path)));
	else
		snprintf(p->why, sizeof(p->why), "no node has phandle %#x", phandle);
	pass_refuse(p, w.node, name, p->why,
		    "put the node that is meant below /passthrough; Xen says nothing, and the "
		    "guest's driver does not find it");
	return -1;
}

static void __init check_references(struct pass *p, const char *name, const struct dt_prop *prop,
				    const char *cells)
{
	const u32 *c = prop->data;
	u32 left = prop->len / 4;

	while (left) {
		u32 phandle = (u32)dt_cells(c, 1);
		int more = phandle ? check_reference(p, name, phandle, cells) : 0;

		if (more < 0 || (u32)more >= left)
			return;
		c += more + 1;
		left -= (u32)more + 1;
	}
}

static bool __init is_reference(const char *name, const char *pattern)
{
	size_t n = strlen(name), len = strlen(pattern);

	return n >= len && !strcmp(name + n - len, pattern) && (n == len || pattern[0] == '-');
}

static void __init check_phandles(struct pass *p)
{
	const char *name;
	struct dt_prop prop;
	u32 off = 0;

	if (dt_u32(&w.prop[DT_PHANDLE], 0) == p->gic)
		pass_refuse(p, w.node, "phandle", "the guest's interrupt controller has this one",
			    "choose another");
	while (dt_walk_prop(&w, &off, &name, &prop))
		for (u32 i = 0; i < ARRAY_SIZE(references); i++)
			if (is_reference(name, references[i].name)) {
				check_references(p, name, &prop, references[i].cells);
				break;
			}
}

void __init pass_check_guest(struct pass *p)
{
	dt_walk_start(&w, p->tree);
	while (dt_walk_next(&w) > 0) {
		if (!pass_inside(&w))
			continue;
		check_reg(p);
		check_phandles(p);
		if (!p->refused)
			check_irqs(p);
	}
}

/* ------------------------------------------------------------------------------- the machine -- */

/* Who else uses the node of the machine that the walk stands on; NULL: nobody, nor those below. */
static const char *__init user_of(const struct pass *p)
{
	for (int i = 0; i <= w.depth; i++)
		if (w.level[i].node == p->bi->gic.node)
			return "Serai's interrupt controller";
	if (w.node == p->uart)
		return "Serai's console";
	if (!bootinfo_module(p->bi, MODULE_KERNEL))
		return "";
	return dom0_node_kind(&w, p->bi, p->uart) == NODE_KEEP ? "dom0's" : NULL;
}

static void __init refuse_shared(struct pass *p, int node, const char *name, const char *user,
				 const char *what)
{
	char path[DT_PATH_MAX];

	dt_path(p->bi->fdt, w.node, path, sizeof(path));
	snprintf(p->why, sizeof(p->why), "%s %.100s of the machine, which is %s", what, path, user);
	if (!strcmp(user, "dom0's"))
		snprintf(p->write, sizeof(p->write), "to keep it from dom0, write in %.100s of the "
			 "machine's tree: xen,passthrough;", path);
	else
		str_copy(p->write, "give another device", sizeof(p->write));
	pass_refuse(p, node, name, p->why, p->write);
}

/* A region of the domain's in these pages; NULL: none is. */
static const struct pass_region *__init region_in(const struct pass *p, u64 addr, u64 size)
{
	struct range r = range_pages_out(addr, addr + size);

	for (u32 i = 0; i < passthrough.nr_regions; i++)
		if (passthrough.regions[i].owner == p->owner &&
		    ranges_overlap(&passthrough.regions[i].host, &r))
			return &passthrough.regions[i];
	return NULL;
}

/* Of the node's registers, or of its windows when it is a PCI host bridge. */
static void __init check_user_regs(struct pass *p, const char *user)
{
	const struct pass_region *r = NULL;
	bool bridge = w.depth && w.level[w.depth].pci && !w.level[w.depth - 1].pci;
	u64 addr, size;

	for (u32 i = 0; !r && dt_walk_reg(&w, i, &addr, &size) == 0; i++)
		r = region_in(p, addr, size);
	for (u32 i = 0; !r && bridge && dt_walk_window(&w, i, &addr, &size) == 0; i++)
		r = region_in(p, addr, size);
	if (r)
		refuse_shared(p, r->node, "xen,reg", user, "there are also registers of");
}

static void __init find_ours(void *ctx, u32 intid, enum irq_type type)
{
	struct irq_check *c = ctx;

	if (!c->foreign && intid >= IRQ_FIRST_SPI && passthrough.irq_owner[intid] == c->p->owner)
		c->foreign = intid;
}

static void __init check_user_irqs(struct pass *p, const char *user)
{
	struct irq_check c = { .p = p };
	char what[48];

	if (!dt_available(&w) || dt_walk_irqs(&w, p->bi->gic.phandle, find_ours, &c) || !c.foreign)
		return;
	snprintf(what, sizeof(what), "interrupt %u is also that of", c.foreign);
	refuse_shared(p, passthrough.irq_node[c.foreign], "xen,path", user, what);
}

void __init pass_check_host(struct pass *p)
{
	dt_walk_start(&w, p->bi->fdt);
	while (!p->refused && dt_walk_next(&w) > 0) {
		const char *user = user_of(p);

		if (!user) {
			dt_walk_skip(&w);
		} else if (user[0]) {
			check_user_regs(p, user);
			if (!p->refused)
				check_user_irqs(p, user);
		}
	}
}
