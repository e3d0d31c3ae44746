/* SPDX-License-Identifier: Apache-2.0 */
/* Whose each interrupt would be, with the nodes that name it. */
#include "dtcheck.h"
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/passthrough.h>
#include <stdio.h>
#include <string.h>

/* An interrupt's first node, how many there are, and what the owner's record says. */
static struct irq_use {
	int node; /* 0: nobody names it; the root has none */
	u32 nodes;
	enum irq_type type;
} uses[IRQS_MAX];

static int walk_node;

static void add_use(void *ctx, u32 intid, enum irq_type type)
{
	struct irq_use *u = &uses[intid];

	if (!u->nodes++)
		*u = (struct irq_use){ walk_node, 1, type };
}

static void collect_uses(const struct boot_info *bi)
{
	static struct dt_walk w;

	dt_walk_start(&w, bi->fdt);
	while (dt_walk_next(&w) > 0) {
		walk_node = w.node;
		if (dt_available(&w))
			dt_walk_irqs(&w, bi->gic.phandle, add_use, NULL);
	}
}

static const char *ppi_owner(const struct boot_info *bi, u32 intid)
{
	if (intid == bi->gic.maintenance.intid || intid == bi->timer.irq[TIMER_HYP].intid)
		return "Serai";
	if (intid == bi->timer.irq[TIMER_VIRT].intid)
		return "guests"; /* each has its own */
	return intid == bi->timer.irq[TIMER_PHYS].intid ? "guests" : "nobody";
}

static const char *owner_of(const struct boot_info *bi, u32 intid, u32 console_irq)
{
	if (intid < IRQ_FIRST_SPI)
		return ppi_owner(bi, intid);
	if (intid == console_irq)
		return "Serai";
	if (passthrough.irq_owner[intid])
		return bi->domains[passthrough.irq_owner[intid] - 1].name;
	return dom0_devices.spi_type[intid] ? "dom0" : "nobody";
}

/* The name of the node without its address. */
static int stem(const char *path)
{
	const char *at = strrchr(path, '@');

	return at ? (int)(at - path) : (int)strlen(path);
}

static bool run_goes_on(const struct boot_info *bi, u32 irq, const char *owner, u32 console_irq)
{
	char a[DT_PATH_MAX], b[DT_PATH_MAX];

	if (irq + 1 >= IRQS_MAX || irq + 1 == IRQ_FIRST_SPI || !uses[irq + 1].nodes ||
	    uses[irq].type != uses[irq + 1].type || uses[irq].nodes > 1 || uses[irq + 1].nodes > 1 ||
	    strcmp(owner, owner_of(bi, irq + 1, console_irq)))
		return false;
	dt_path(bi->fdt, uses[irq].node, a, sizeof(a));
	dt_path(bi->fdt, uses[irq + 1].node, b, sizeof(b));
	return stem(a) == stem(b) && !strncmp(a, b, (size_t)stem(a));
}

static void print_run(const struct boot_info *bi, u32 first, u32 last, const char *owner)
{
	u32 base = first < IRQ_FIRST_SPI ? 16 : IRQ_FIRST_SPI;
	char range[32], number[32], path[DT_PATH_MAX];

	snprintf(range, sizeof(range), first == last ? "%u" : "%u-%u", first, last);
	snprintf(number, sizeof(number), first == last ? "%s %u" : "%s %u-%u",
		 base == 16 ? "PPI" : "SPI", first - base, last - base);
	printf("  %-9s %-12s %-6s %-8s %s", range, number,
	       uses[first].type == IRQ_TYPE_EDGE ? "edge" : "level", owner,
	       dt_path(bi->fdt, uses[first].node, path, sizeof(path)));
	if (uses[last].node != uses[first].node)
		printf(" to %s", dt_path(bi->fdt, uses[last].node, path, sizeof(path)));
	if (uses[first].nodes > 1)
		printf(" and %u more", uses[first].nodes - 1);
	printf("\n");
}

static u32 find_console_irq(const struct boot_info *bi, int console)
{
	struct boot_device dev;
	char path[DT_PATH_MAX];

	if (console < 0 || bootinfo_find_device(dt_path(bi->fdt, console, path, sizeof(path)), &dev))
		return 0;
	return dev.irq.intid;
}

void map_print_irqs(const struct boot_info *bi, int console)
{
	u32 console_irq = find_console_irq(bi, console);

	if (!bi->gic.version)
		return;
	collect_uses(bi);
	if (bootinfo_module(bi, MODULE_KERNEL))
		dom0_devices_collect(bi, console, &dom0_devices);
	printf("\ninterrupts:\n");
	for (u32 irq = 16; irq < IRQS_MAX; irq++) {
		const char *owner = owner_of(bi, irq, console_irq);
		u32 first = irq;

		if (!uses[irq].nodes)
			continue;
		while (run_goes_on(bi, irq, owner, console_irq))
			irq++;
		print_run(bi, first, irq, owner);
	}
}
