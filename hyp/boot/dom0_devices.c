/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's devices as the hardware domain gets them: which nodes it sees, which registers are
 * mapped 1:1, which interrupts are its own. The hypervisor's own devices (GIC, console UART) and
 * RAM are taken out of whatever a node claims. What lies in the same page as the console UART is
 * not dom0's either: it could switch the console off (Raspberry Pi: the auxiliary block's gates).
 */
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

/* MSI_TYPER of a GICv2m frame: first interrupt and their number. */
#define V2M_TYPER	   0x8
#define V2M_TYPER_FIRST(t) (((t) >> 16) & 0x3ff)
#define V2M_TYPER_NR(t)	   ((t) & 0x3ff)

static struct range mmio_ranges[DOM0_RANGES_MAX] __initbss;
static struct range memory_ranges[64] __initbss, other_ranges[64] __initbss;
static struct range reserved_ranges[BOOT_RESERVED_MAX] __initbss;

struct dom0_devices dom0_devices __initdata = {
	.mmio = { 0, ARRAY_SIZE(mmio_ranges), mmio_ranges },
	.memory = { 0, ARRAY_SIZE(memory_ranges), memory_ranges },
	.reserved = { 0, ARRAY_SIZE(reserved_ranges), reserved_ranges },
	.others = { 0, ARRAY_SIZE(other_ranges), other_ranges },
};

static struct range uart_pages __initbss; /* of the hypervisor's UART */

static const char *const dropped[] __initconst = {
	"arm,psci", "arm,psci-0.2", "arm,psci-1.0", "xen,xen", "xen,domain", "xen,cpupool",
	"multiboot,module", "xen,multiboot-module", "xen,linux-zimage", "xen,linux-initrd",
	"xen,xsm-policy", "xen,domain-shared-memory-v1", "xen,evtchn-v1", "arm,cortex-a53-edac",
};

/* The CPUs' performance counters: no registers, compatible arm,...-pmu or arm,...-pmuv3. */
static bool __init is_cpu_pmu(const struct dt_walk *w)
{
	const char *c = w->prop[DT_COMPATIBLE].data;
	size_t len = c ? strnlen(c, w->prop[DT_COMPATIBLE].len) : 0;

	if (dt_has(w, DT_REG) || len < 4)
		return false;
	return !strncmp(c + len - 4, "-pmu", 4) || (len > 6 && !strncmp(c + len - 6, "-pmuv3", 6));
}

static bool __init is_top(const struct dt_walk *w, const char *name)
{
	return w->depth == 1 && !strcmp(w->name, name);
}

/* All of a device's registers are in the console UART's pages. */
static bool __init is_beside_uart(const struct dt_walk *w)
{
	u64 addr, size;
	u32 i = 0;

	if (!range_size(&uart_pages))
		return false;
	while (dt_walk_reg(w, i, &addr, &size) == 0 && addr >= uart_pages.start &&
	       addr + size <= uart_pages.end)
		i++;
	return i && dt_walk_reg(w, i, &addr, &size) == -XEN_ENOENT;
}

enum dom0_node __init dom0_node_kind(const struct dt_walk *w, const struct boot_info *bi, int uart)
{
	const char *type = dt_string(&w->prop[DT_DEVICE_TYPE]);

	if (!w->depth) /* whatever it says of itself: everything is in it */
		return NODE_KEEP;
	if (w->node == bi->gic.node)
		return NODE_GIC;
	if (w->node == bi->timer.node)
		return NODE_TIMER;
	if (is_top(w, "chosen"))
		return NODE_CHOSEN;
	if (w->node == uart || is_top(w, "cpus") || is_top(w, "hypervisor") || is_cpu_pmu(w) ||
	    (type && !strcmp(type, "memory")))
		return NODE_DROP;
	for (u32 i = 0; i < ARRAY_SIZE(dropped); i++)
		if (dt_compatible(w, dropped[i]))
			return NODE_DROP;
	return dt_has(w, DT_PASSTHROUGH) || is_beside_uart(w) ? NODE_PASSTHROUGH : NODE_KEEP;
}

static void __init warn_node(const struct dt_walk *w, const char *what)
{
	char path[DT_PATH_MAX];

	pr_warn("dom0: %s: %s\n", dt_path(w->fdt, w->node, path, sizeof(path)), what);
}

static int __init collect_pages(struct range_set *s, u64 addr, u64 size)
{
	struct range r = range_pages_out(addr, addr + size);

	return range_set_add(s, r.start, r.end);
}

static bool __init in_reserved_memory(const struct dt_walk *w)
{
	return w->depth >= 2 &&
	       !strcmp(fdt_get_name(w->fdt, w->level[1].node, NULL), "reserved-memory");
}

static int __init collect_reg(struct dom0_devices *out, const struct dt_walk *w)
{
	struct range_set *to = &out->mmio;
	u64 addr, size;
	int rc = 0, full = 0;

	if (in_reserved_memory(w))
		to = &out->reserved;
	else if (dt_compatible(w, "mmio-sram"))
		to = &out->memory;
	for (u32 i = 0; !full && (rc = dt_walk_reg(w, i, &addr, &size)) == 0; i++)
		full = collect_pages(to, addr, size);
	if (rc == -XEN_EINVAL)
		warn_node(w, "reg cannot be read; not mapped");
	return full;
}

static void __init collect_other_irq(void *ctx, u32 intid, enum irq_type type)
{
	struct dom0_devices *out = ctx;

	if (intid >= IRQ_FIRST_SPI)
		out->other_type[intid] = (u8)type;
}

/* A device that dom0 does not use; its tools may give it to a guest. */
static void __init collect_other(struct dom0_devices *out, struct dt_walk *w,
				 const struct boot_info *bi)
{
	u64 addr, size;
	int full = 0;

	for (u32 i = 0; !full && dt_walk_reg(w, i, &addr, &size) == 0; i++)
		full = collect_pages(&out->others, addr, size);
	if (full || dt_walk_irqs(w, bi->gic.phandle, collect_other_irq, out))
		warn_node(w, "too many registers, or unreadable interrupts; no guest gets them");
}

static int __init collect_windows(struct dom0_devices *out, const struct dt_walk *w)
{
	u64 addr, size;
	int rc = 0, full = 0;

	for (u32 i = 0; !full && (rc = dt_walk_window(w, i, &addr, &size)) == 0; i++)
		full = collect_pages(&out->memory, addr, size);
	if (rc != -XEN_ENOENT && !full)
		warn_node(w, "ranges cannot be read; windows are not mapped");
	return full;
}

static void __init collect_irq(void *ctx, u32 intid, enum irq_type type)
{
	struct dom0_devices *out = ctx;

	if (intid < IRQ_FIRST_SPI)
		out->ppis |= 1U << (intid - 16);
	else
		out->spi_type[intid] = (u8)type;
}

/*
 * MSI frames are the hardware domain's: devices write to them themselves. Which interrupts they
 * raise is in the tree or in the frame's register.
 */
static int __init collect_v2m(struct dom0_devices *out, const struct boot_gic *gic, u32 n)
{
	const struct boot_v2m *v = &gic->v2m[n];
	u32 first = v->first_spi, nr = v->nr_spis, typer;
	const char *va;

	if (!first || !nr) {
		va = mem_arch_map_device(v->regs.start, range_size(&v->regs));
		if (!va) {
			pr_info("dom0: MSI frame at %#lx: its register cannot be read here\n",
				v->regs.start);
			return 0;
		}
		typer = *(const volatile u32 *)(const volatile void *)(va + V2M_TYPER);
		first = V2M_TYPER_FIRST(typer);
		nr = V2M_TYPER_NR(typer);
	}
	if (first < IRQ_FIRST_SPI || first >= IRQS_MAX || nr > IRQS_MAX - first) {
		pr_warn("dom0: MSI frame at %#lx: interrupts from %u on, %u of them, cannot be; not "
			"given to dom0\n", v->regs.start, first, nr);
		return 0;
	}
	pr_info("dom0: MSI frame at %#lx with interrupts %u to %u\n", v->regs.start, first,
		first + nr - 1);
	out->v2m |= 1U << n;
	for (u32 i = first; i < first + nr; i++)
		out->spi_type[i] = IRQ_TYPE_EDGE;
	return collect_pages(&out->mmio, v->regs.start, range_size(&v->regs));
}

static int __init collect_node(struct dom0_devices *out, struct dt_walk *w, const struct boot_info *bi)
{
	int rc = collect_reg(out, w);

	/* Only the host bridge: what is behind it has no addresses of its own. */
	if (!rc && w->level[w->depth].pci && w->depth && !w->level[w->depth - 1].pci)
		rc = collect_windows(out, w);
	if (rc) {
		warn_node(w, "too many device regions in this machine");
		return rc;
	}
	/* A disabled device may share its interrupt with one that others use. */
	if (dt_available(w) && dt_walk_irqs(w, bi->gic.phandle, collect_irq, out))
		warn_node(w, "interrupts cannot be read; not given to dom0");
	return 0;
}

/* Nothing of RAM and nothing of the interrupt controller. */
static int __init cut_common(struct range_set *s, const struct boot_info *bi)
{
	const struct range *const v2[] = { &bi->gic.cpu, &bi->gic.hyp, &bi->gic.vcpu };
	struct range r = range_pages_out(bi->gic.dist.start, bi->gic.dist.end);
	int rc = bi->gic.version ? range_set_remove(s, r.start, r.end) : 0;

	for (u32 i = 0; i < bi->gic.nr_redists; i++) {
		r = range_pages_out(bi->gic.redist[i].start, bi->gic.redist[i].end);
		rc |= range_set_remove(s, r.start, r.end);
	}
	for (u32 i = 0; i < ARRAY_SIZE(v2); i++) {
		r = range_pages_out(v2[i]->start, v2[i]->end);
		rc |= range_size(&r) ? range_set_remove(s, r.start, r.end) : 0;
	}
	for (u32 i = 0; i < bi->banks.nr; i++)
		rc |= range_set_remove(s, bi->banks.r[i].start, bi->banks.r[i].end);
	return rc;
}

/* What /reserved-memory names outside RAM is a device's memory. */
static int __init split_reserved(struct dom0_devices *out, const struct boot_info *bi)
{
	u32 n = 0;
	int rc = 0;

	for (u32 i = 0; i < out->reserved.nr; i++) {
		struct range r = out->reserved.r[i];

		if (range_set_find(&bi->banks, r.start, r.end))
			out->reserved.r[n++] = r;
		else
			rc |= range_set_add(&out->memory, r.start, r.end);
	}
	out->reserved.nr = n;
	return rc;
}

static int __init cut_owned(struct dom0_devices *out, const struct boot_info *bi)
{
	int rc = split_reserved(out, bi);

	rc |= cut_common(&out->mmio, bi);
	rc |= cut_common(&out->memory, bi);
	rc |= cut_common(&out->others, bi);
	rc |= range_set_remove(&out->mmio, uart_pages.start, uart_pages.end);
	rc |= range_set_remove(&out->others, uart_pages.start, uart_pages.end);
	for (u32 i = 0; i < out->mmio.nr; i++)
		rc |= range_set_remove(&out->memory, out->mmio.r[i].start, out->mmio.r[i].end);
	if (rc)
		pr_err("dom0: too many device regions in this machine\n");
	return rc;
}

static void __init find_uart_pages(const struct boot_info *bi, int uart)
{
	static struct dt_walk w __initbss;
	u64 addr, size;

	uart_pages = (struct range){ 0, 0 };
	if (uart >= 0 && !dt_walk_to(&w, bi->fdt, uart) && !dt_walk_reg(&w, 0, &addr, &size))
		uart_pages = range_pages_out(addr, addr + size);
}

int __init dom0_devices_collect(const struct boot_info *bi, int uart, struct dom0_devices *out)
{
	static struct dt_walk w __initbss;
	int rc;

	range_set_clear(&out->mmio);
	range_set_clear(&out->memory);
	range_set_clear(&out->reserved);
	range_set_clear(&out->others);
	memset(out->spi_type, 0, sizeof(out->spi_type));
	memset(out->other_type, 0, sizeof(out->other_type));
	out->ppis = 0;
	out->v2m = 0;
	for (u32 i = 0; i < TIMER_IRQS; i++)
		if (bi->timer.irq[i].intid >= 16 && bi->timer.irq[i].intid < IRQ_FIRST_SPI)
			out->ppis |= 1U << (bi->timer.irq[i].intid - 16);
	find_uart_pages(bi, uart);
	for (u32 i = 0; i < bi->gic.nr_v2m; i++) {
		rc = collect_v2m(out, &bi->gic, i);
		if (rc)
			return rc;
	}
	dt_walk_start(&w, bi->fdt);
	while ((rc = dt_walk_next(&w)) > 0) {
		if (dom0_node_kind(&w, bi, uart) != NODE_KEEP) {
			if (dt_available(&w) && w.node != uart && is_beside_uart(&w))
				warn_node(&w, "in one page with the console; not dom0's");
			else if (dt_has(&w, DT_PASSTHROUGH))
				collect_other(out, &w, bi);
			dt_walk_skip(&w);
			continue;
		}
		rc = collect_node(out, &w, bi);
		if (rc)
			return rc;
	}
	return rc ? rc : cut_owned(out, bi);
}
