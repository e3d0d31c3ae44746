/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts in the device tree (specification 2.4; Linux' arm,gic-v3 binding for the
 * specifier): which of a node's interrupts arrive at the GIC, and how.
 */
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/fdt.h>
#include <libfdt.h>

#define CELLS_MAX 8 /* of one specifier or unit address */

bool __init dt_gic_irq(const u32 *cells, u32 *intid, enum irq_type *type)
{
	u32 kind = (u32)dt_cells(cells, 1), nr = (u32)dt_cells(cells + 1, 1);
	u32 flags = (u32)dt_cells(cells + 2, 1);

	if (kind > 1 || nr >= (kind ? 16 : IRQS_MAX - IRQ_FIRST_SPI))
		return false;
	*intid = nr + (kind ? 16 : IRQ_FIRST_SPI);
	*type = flags & 3 ? IRQ_TYPE_EDGE : IRQ_TYPE_LEVEL;
	return true;
}

static u8 __init node_cells(const void *fdt, int node, const char *name, u8 fallback)
{
	int len;
	const u32 *c = fdt_getprop(fdt, node, name, &len);
	u64 v = c && len == 4 ? dt_cells(c, 1) : fallback;

	return v <= CELLS_MAX ? (u8)v : CELLS_MAX + 1;
}

/* The cells of a controller; the last few found are kept. NULL: no such controller. */
static const struct dt_intc *__init intc_find(struct dt_walk *w, u32 phandle)
{
	struct dt_intc *c;
	int node;

	for (u32 i = 0; i < ARRAY_SIZE(w->intc); i++)
		if (w->intc[i].phandle == phandle)
			return phandle ? &w->intc[i] : NULL;
	node = fdt_node_offset_by_phandle(w->fdt, phandle);
	if (node < 0)
		return NULL;
	c = &w->intc[w->intc_next++ % ARRAY_SIZE(w->intc)];
	c->phandle = phandle;
	c->irq_cells = node_cells(w->fdt, node, "#interrupt-cells", 0);
	c->addr_cells = node_cells(w->fdt, node, "#address-cells", 0);
	if (!c->irq_cells || c->irq_cells > CELLS_MAX || c->addr_cells > CELLS_MAX) {
		c->phandle = 0;
		return NULL;
	}
	return c;
}

struct irq_sink {
	u32 gic; /* phandle */
	void (*fn)(void *ctx, u32 intid, enum irq_type type);
	void *ctx;
};

static int __init sink_put(const struct irq_sink *s, const struct dt_intc *c, const u32 *cells)
{
	enum irq_type type;
	u32 intid;

	if (c->phandle != s->gic)
		return 0;
	if (c->irq_cells < 3 || !dt_gic_irq(cells, &intid, &type))
		return -XEN_EINVAL;
	s->fn(s->ctx, intid, type);
	return 0;
}

static int __init irqs_plain(struct dt_walk *w, const struct irq_sink *s)
{
	const struct dt_prop *p = &w->prop[DT_INTERRUPTS];
	const struct dt_intc *c;
	const u32 *cells = p->data;
	int rc = 0;

	if (w->irq_parent != s->gic)
		return 0;
	c = intc_find(w, w->irq_parent);
	if (!c || p->len % (c->irq_cells * 4))
		return -XEN_EINVAL;
	for (u32 left = p->len / 4; left && !rc; left -= c->irq_cells, cells += c->irq_cells)
		rc = sink_put(s, c, cells);
	return rc;
}

static int __init irqs_extended(struct dt_walk *w, const struct irq_sink *s)
{
	const u32 *cells = w->prop[DT_INTERRUPTS_EXTENDED].data;
	u32 left = w->prop[DT_INTERRUPTS_EXTENDED].len / 4;

	while (left) {
		const struct dt_intc *c = intc_find(w, (u32)dt_cells(cells, 1));

		if (!c || left < 1U + c->irq_cells || sink_put(s, c, cells + 1))
			return -XEN_EINVAL;
		left -= 1U + c->irq_cells;
		cells += 1 + c->irq_cells;
	}
	return 0;
}

/* child address, child specifier, controller, its unit address, its specifier */
static int __init irqs_map(struct dt_walk *w, const struct irq_sink *s)
{
	const u32 *cells = w->prop[DT_INTERRUPT_MAP].data;
	u32 left = w->prop[DT_INTERRUPT_MAP].len / 4;
	u32 child = dt_u32(&w->prop[DT_INTERRUPT_CELLS], 1);

	if (child > CELLS_MAX)
		return -XEN_EINVAL;
	child += w->level[w->depth].addr_cells;
	while (left) {
		const struct dt_intc *c;
		u32 entry;

		if (child >= left)
			return -XEN_EINVAL;
		c = intc_find(w, (u32)dt_cells(cells + child, 1));
		if (!c)
			return -XEN_EINVAL;
		entry = child + 1 + c->addr_cells + c->irq_cells;
		if (left < entry || sink_put(s, c, cells + child + 1 + c->addr_cells))
			return -XEN_EINVAL;
		left -= entry;
		cells += entry;
	}
	return 0;
}

int __init dt_walk_irqs(struct dt_walk *w, u32 gic,
			void (*fn)(void *ctx, u32 intid, enum irq_type type), void *ctx)
{
	struct irq_sink s = { gic, fn, ctx };
	int rc = 0;

	if (dt_has(w, DT_INTERRUPTS_EXTENDED))
		rc = irqs_extended(w, &s);
	else if (dt_has(w, DT_INTERRUPTS))
		rc = irqs_plain(w, &s);
	if (!rc && dt_has(w, DT_INTERRUPT_MAP))
		rc = irqs_map(w, &s);
	return rc;
}
