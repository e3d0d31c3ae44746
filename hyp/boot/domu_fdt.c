/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of a domain that has none of the machine's devices: CPUs, RAM, interrupt
 * controller, timer, firmware; with vpl011 a UART, with xen,enhanced the hypervisor; and what its
 * partial tree says. Values are those that Xen 4.17 gives to such domains.
 */
#include "fdt_out.h"
#include <abi/guest_layout.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/passthrough.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/vpl011.h>
#include <libfdt.h>

#define EXTENDED_MIN	    (64UL << 20)
#define IRQ_FLAGS_LEVEL_HIGH 0xf04
#define UART_SPEED	    115200

static void __init make_root(struct out *o)
{
	static const char compatible[] __initconst = "xen,xenvm-4.17\0xen,xenvm";

	out_string(o, "model", "XENVM-4.17");
	out_prop(o, "compatible", compatible, sizeof(compatible));
	out_cell(o, "#address-cells", 2);
	out_cell(o, "#size-cells", 2);
	out_cell(o, "interrupt-parent", o->gic);
}

static void __init make_chosen(struct out *o, const struct domu_tree *t)
{
	int chosen = fdt_path_offset(t->bi->fdt, "/chosen");

	out_begin(o, "chosen");
	if (chosen >= 0)
		out_seeds(o, t->bi, chosen, t->id);
	out_boot_props(o, t->bootargs, &t->initrd);
	out_end(o);
}

static void __init out_node_at(struct out *o, const char *what, u64 addr)
{
	char name[48];

	snprintf(name, sizeof(name), "%s@%lx", what, addr);
	out_begin(o, name);
}

static struct range __init range_at(u64 start, u64 size)
{
	return (struct range){ start, start + size };
}

/* A direct-mapped domain has as many redistributors as it has CPUs, from the host's first on. */
static void __init make_gic(struct out *o, const struct domu_tree *t)
{
	const struct boot_gic *host = &t->bi->gic;
	bool v2 = host->version == 2;
	struct range frames[2];
	const struct range_set set = { 2, 2, frames };

	if (v2) {
		frames[0] = range_at(t->host_layout ? host->dist.start : GUEST_GICD_BASE,
				     GUEST_GICD_SIZE);
		frames[1] = range_at(t->host_layout ? host->cpu.start : GUEST_GICC_BASE,
				     GUEST_GICC_SIZE);
	} else if (t->host_layout) {
		frames[0] = host->dist;
		frames[1] = host->redist[0];
	} else {
		frames[0] = range_at(GUEST_GICV3_GICD_BASE, GUEST_GICV3_GICD_SIZE);
		frames[1] = range_at(GUEST_GICV3_GICR0_BASE, GUEST_GICV3_GICR0_SIZE);
	}
	out_node_at(o, "interrupt-controller", frames[0].start);
	out_cell(o, "#address-cells", 0);
	out_cell(o, "#interrupt-cells", 3);
	out_prop(o, "interrupt-controller", NULL, 0);
	out_string(o, "compatible", v2 ? "arm,gic-400" : "arm,gic-v3");
	out_reg(o, NULL, &set);
	out_cell(o, "linux,phandle", o->gic);
	out_cell(o, "phandle", o->gic);
	out_end(o);
}

static void __init make_timer(struct out *o, const struct domu_tree *t)
{
	static const u32 intids[] __initconst = { GUEST_TIMER_PHYS_S_PPI, GUEST_TIMER_PHYS_NS_PPI,
						  GUEST_TIMER_VIRT_PPI };

	out_begin(o, "timer");
	out_string(o, "compatible", "arm,armv8-timer");
	out_ppis(o, intids, ARRAY_SIZE(intids));
	if (t->bi->timer.clock_frequency)
		out_cell(o, "clock-frequency", t->bi->timer.clock_frequency);
	out_end(o);
}

static void __init make_uart(struct out *o, const struct uart_place *u)
{
	const struct range regs = { u->base, u->base + GUEST_PL011_SIZE };
	static const struct range_set none;
	const fdt32_t spi[] = { 0, cpu_to_fdt32(u->spi - IRQ_FIRST_SPI),
				cpu_to_fdt32(IRQ_FLAGS_LEVEL_HIGH) };

	out_node_at(o, "sbsa-uart", u->base);
	out_string(o, "compatible", "arm,sbsa-uart");
	out_reg(o, &regs, &none);
	out_prop(o, "interrupts", spi, sizeof(spi));
	out_cell(o, "interrupt-parent", o->gic);
	out_cell(o, "current-speed", UART_SPEED);
	out_end(o);
}

/* Addresses that the domain's RAM leaves unused, for pages of others. */
static void __init add_extended(struct range_set *out, u64 start, u64 end, u64 limit)
{
	start = ROUND_UP(start, BLOCK_SIZE);
	end = ROUND_DOWN(MIN(end, limit), BLOCK_SIZE);
	if (end > start && end - start >= EXTENDED_MIN)
		range_set_add(out, start, end);
}

static void __init make_hypervisor(struct out *o, const struct domu_tree *t)
{
	struct range grant = { GUEST_GNTTAB_BASE, GUEST_GNTTAB_BASE + GUEST_GNTTAB_SIZE };
	struct range places[16 + BOOT_SHM_MAX];
	struct range_set extended = { 0, ARRAY_SIZE(places), places };
	u64 end1 = t->banks->nr > 1 ? t->banks->r[1].end : GUEST_RAM1_BASE;

	if (t->host_layout) {
		grant = host_grant_region(t->bi);
		out_hypervisor_node(o, &grant, t->extended, GUEST_EVTCHN_PPI);
		return;
	}

	add_extended(&extended, t->banks->r[0].end, GUEST_RAM0_BASE + GUEST_RAM0_SIZE, t->limit);
	add_extended(&extended, end1, GUEST_RAM1_BASE + GUEST_RAM1_SIZE, t->limit);
	if (shm_remove(t->bi, t->index, &extended))
		range_set_clear(&extended);
	passthrough_cut((u32)t->index, &extended);
	out_hypervisor_node(o, &grant, &extended, GUEST_EVTCHN_PPI);
}

size_t __init domu_fdt_bound(const struct domu_tree *t)
{
	/* Names of properties are not shared in the copy. */
	return strlen(t->bootargs) + t->nr_vcpus * 192UL + t->bi->nr_shm * 160UL + 16384 +
	       (t->partial ? 3 * dt_used_size(t->partial) : 0);
}

int __init domu_fdt_build(const struct domu_tree *t, const char *name, void *buf, size_t size)
{
	struct out o;

	out_start(&o, buf, size);
	o.gic = t->gic;
	out_begin(&o, "");
	make_root(&o);
	make_chosen(&o, t);
	out_psci_node(&o);
	out_cpu_nodes(&o, t->bi, t->nr_vcpus);
	out_memory_node(&o, t->banks);
	out_reserved_memory(&o, t->bi, t->index);
	if (t->partial)
		out_partial(&o, t->partial);
	make_gic(&o, t);
	make_timer(&o, t);
	if (t->uart)
		make_uart(&o, t->uart);
	if (t->hypervisor)
		make_hypervisor(&o, t);
	out_end(&o);
	return out_finish(&o, name);
}
