/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the boot loader's device tree to struct boot_info: one walk, each node offered to the
 * readers below. Modules and command lines follow Xen's published bindings for /chosen
 * (docs/misc/arm/device-tree/booting.txt). Too many of something is reported and left out.
 */
#include "bootdomain.h"
#include <serai/boot.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

static struct range bank_ranges[BOOT_BANKS_MAX], reserved_ranges[BOOT_RESERVED_MAX];
static struct range dom0_ranges[BOOT_DOM0_BANKS_MAX];

struct boot_info boot_info;

/* /chosen, whose command lines are decided when everything was seen. */
struct chosen {
	int node;
	int domain_node; /* of a domain, while the walk is inside; -1 */
	bool too_many;	 /* the domain was left out, and so is what is in it */
	u32 unnamed;	 /* modules that do not say what they are */
};

static void __init warn_node(const struct dt_walk *w, const char *what)
{
	char path[DT_PATH_MAX];

	pr_warn("device tree: %s: %s\n", dt_path(w->fdt, w->node, path, sizeof(path)), what);
}

static void __init refuse_node(const struct dt_walk *w, const char *what)
{
	char path[DT_PATH_MAX];

	pr_err("device tree: %s: %s\n", dt_path(w->fdt, w->node, path, sizeof(path)), what);
}

static void __init read_memory(struct boot_info *bi, const struct dt_walk *w)
{
	u64 addr, size;
	int rc;

	for (u32 i = 0; (rc = dt_walk_reg(w, i, &addr, &size)) == 0; i++) {
		struct range r = range_pages_in(addr, MIN(addr + size, BOOT_ADDR_MAX));

		if (range_set_add(&bi->banks, r.start, r.end))
			warn_node(w, "too many memory banks; one is not used");
	}
	if (rc != -XEN_ENOENT || !dt_has(w, DT_REG))
		bootcheck_refuse_reg(bi, NULL, w, "this memory is not used");
}

/* Its parent has no addresses of its own, whether it says so by ranges or not. */
static void __init read_reserved(struct boot_info *bi, const struct dt_walk *w)
{
	u64 addr, size;
	int rc;

	for (u32 i = 0; (rc = dt_walk_reg_raw(w, i, &addr, &size)) == 0; i++) {
		struct range r = range_pages_out(addr, addr + size);

		if (range_set_add(&bi->reserved, r.start, r.end))
			warn_node(w, "too many reserved regions; this one is not kept");
	}
	if (rc == -XEN_ENOENT)
		return;
	bootcheck_refuse_reg(bi, NULL, w, "nothing starts, lest the firmware loses its memory");
	bi->refused = true;
}

/* False: there is none, or another CPU has it; said. */
static bool __init read_mpidr(const struct boot_info *bi, const struct dt_walk *w, u64 *mpidr)
{
	u64 size;

	if (dt_walk_reg_raw(w, 0, mpidr, &size)) {
		bootcheck_refuse_reg(bi, NULL, w, "the CPU is not used");
		return false;
	}
	for (u32 i = 0; i < bi->nr_cpus; i++) {
		if (bi->cpus[i].mpidr != *mpidr)
			continue;
		bootdomain_refuse_prop(bi, NULL, w->node, "reg", "another CPU has the same",
				       "write its MPIDR; the CPU is not used");
		return false;
	}
	return true;
}

static u64 __init read_number(const struct dt_walk *w, const char *name)
{
	int len;
	const u32 *c = fdt_getprop(w->fdt, w->node, name, &len);

	return c && (len == 4 || len == 8) ? dt_cells(c, (u32)len / 4) : 0;
}

static void __init read_cpu(struct boot_info *bi, const struct dt_walk *w)
{
	const char *type = dt_string(&w->prop[DT_DEVICE_TYPE]);
	int len;
	const char *method = fdt_getprop(w->fdt, w->node, "enable-method", &len);
	struct dt_prop p = { method, (u32)len };
	u64 mpidr, release;

	if (!dt_string(&p))
		method = "";
	if (!type || strcmp(type, "cpu") || !read_mpidr(bi, w, &mpidr))
		return;
	release = strcmp(method, "spin-table") ? 0 : read_number(w, "cpu-release-addr");
	if (bi->nr_cpus == NR_CPUS) {
		warn_node(w, "more CPUs than CONFIG_NR_CPUS; left unused");
		return;
	}
	bi->cpus[bi->nr_cpus++] = (struct boot_cpu){
		.mpidr = mpidr,
		.psci = !strcmp(method, "psci"),
		.release = release,
		.node = w->node,
	};
	/* Not for others to write, whether the boot loader says so or not. */
	if (release && range_set_add(&bi->reserved, release & PAGE_MASK,
				     (release & PAGE_MASK) + PAGE_SIZE))
		warn_node(w, "too many reserved regions; cpu-release-addr is not kept");
}

static void __init read_psci(struct boot_info *bi, const struct dt_walk *w)
{
	const char *method = dt_string(&w->prop[DT_METHOD]);

	if (method && !strcmp(method, "smc"))
		bi->psci = PSCI_SMC;
	else if (method && !strcmp(method, "hvc"))
		bi->psci = PSCI_HVC;
	else
		bootdomain_refuse_prop(bi, NULL, w->node, "method", "it is not the name of a call",
				       "write method = \"smc\"; without it only one CPU is used");
}

static bool __init read_irq(const struct dt_walk *w, u32 cells, u32 i, struct boot_irq *out)
{
	const struct dt_prop *p = &w->prop[DT_INTERRUPTS];

	if (cells < 3 || cells > 8 || (i + 1) * cells * 4 > p->len)
		return false;
	return dt_gic_irq((const u32 *)p->data + (size_t)i * cells, &out->intid, &out->type);
}

/* 0: none that we know. */
static u32 __init gic_version(const struct dt_walk *w)
{
	static const char *const v2[] = {
		"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic",
		"qcom,msm-qgic2", "brcm,brahma-b15-gic",
	};

	for (u32 i = 0; i < ARRAY_SIZE(v2); i++)
		if (dt_compatible(w, v2[i]))
			return 2;
	return dt_compatible(w, "arm,gic-v3") ? 3 : 0;
}

/* Entry i of reg; empty when there is none. */
static struct range __init read_frames(const struct dt_walk *w, u32 i)
{
	u64 addr, size;

	if (dt_walk_reg(w, i, &addr, &size) || !size)
		return (struct range){ 0, 0 };
	return (struct range){ addr, addr + size };
}

/* Entries of reg from i on: GICC, GICH, GICV. */
static void __init read_gicv2_frames(struct boot_gic *g, const struct dt_walk *w, u32 i)
{
	g->cpu = read_frames(w, i);
	g->hyp = read_frames(w, i + 1);
	g->vcpu = read_frames(w, i + 2);
}

static void __init read_redists(struct boot_gic *g, const struct dt_walk *w)
{
	u64 addr, size, want = MAX(read_number(w, "#redistributor-regions"), 1UL);

	for (u32 i = 0; i < want && i < BOOT_REDISTS_MAX; i++) {
		if (dt_walk_reg(w, 1 + i, &addr, &size))
			break;
		g->redist[g->nr_redists++] = (struct range){ addr, addr + size };
	}
	if (g->nr_redists < want)
		warn_node(w, "fewer redistributor regions in reg than #redistributor-regions says");
	g->redist_stride = read_number(w, "redistributor-stride");
	g->version = g->nr_redists ? 3 : 0;
}

static void __init read_gic(struct boot_info *bi, const struct dt_walk *w)
{
	struct boot_gic *g = &bi->gic;
	u32 version = gic_version(w);
	u64 addr, size;

	if (!dt_available(w) || g->version)
		return;
	if (!version) {
		g->unknown = dt_string(&w->prop[DT_COMPATIBLE]) ? w->prop[DT_COMPATIBLE].data : NULL;
		return;
	}
	g->node = w->node;
	g->phandle = dt_u32(&w->prop[DT_PHANDLE], 0);
	g->irq_cells = dt_u32(&w->prop[DT_INTERRUPT_CELLS], 3);
	if (!read_irq(w, g->irq_cells, 0, &g->maintenance))
		g->maintenance = (struct boot_irq){ 25, IRQ_TYPE_LEVEL };
	if (dt_walk_reg(w, 0, &addr, &size)) {
		bootcheck_refuse_reg(bi, NULL, w, "the interrupt controller is not used");
		return;
	}
	g->dist = (struct range){ addr, addr + size };
	if (version == 3)
		read_redists(g, w);
	else
		g->version = version;
	read_gicv2_frames(g, w, 1 + g->nr_redists);
}

static void __init read_v2m(struct boot_info *bi, const struct dt_walk *w)
{
	struct boot_gic *g = &bi->gic;
	struct range regs = read_frames(w, 0);

	if (!dt_available(w) || g->version != 2 || w->level[w->depth - 1].node != g->node)
		return;
	if (!range_size(&regs)) {
		warn_node(w, "reg cannot be read; the frame is not used");
		return;
	}
	if (g->nr_v2m == BOOT_V2M_MAX) {
		warn_node(w, "too many MSI frames; this one is not used");
		return;
	}
	g->v2m[g->nr_v2m++] = (struct boot_v2m){
		.node = w->node,
		.regs = regs,
		.first_spi = (u32)read_number(w, "arm,msi-base-spi"),
		.nr_spis = (u32)read_number(w, "arm,msi-num-spis"),
	};
}

static void __init read_timer(struct boot_info *bi, const struct dt_walk *w)
{
	bool bad = false;

	bi->timer.node = w->node;
	bi->timer.clock_frequency = (u32)read_number(w, "clock-frequency");
	/* The controller may come later in the tree; all GICs in use have three cells or four. */
	for (u32 i = 0; i < TIMER_IRQS; i++) {
		struct boot_irq irq;
		u32 cells = w->prop[DT_INTERRUPTS].len % 16 ? 3 : 4;

		if (w->prop[DT_INTERRUPTS].len % 12 == 0)
			cells = 3;
		if (read_irq(w, cells, i, &irq))
			bi->timer.irq[i] = irq;
		else
			bad |= i == TIMER_VIRT || i == TIMER_HYP;
	}
	if (bad)
		warn_node(w, "interrupts: the third or fourth cannot be read; PPIs 11 and 10 are "
			     "assumed");
}

static const struct {
	const char *compatible;
	enum boot_module_kind kind;
} module_kinds[] __initconst = {
	{ "multiboot,kernel", MODULE_KERNEL },	  { "xen,linux-zimage", MODULE_KERNEL },
	{ "multiboot,ramdisk", MODULE_RAMDISK },  { "xen,linux-initrd", MODULE_RAMDISK },
	{ "multiboot,device-tree", MODULE_FDT },  { "xen,xsm-policy", MODULE_XSM },
	{ "multiboot,module", MODULE_OTHER },	  { "xen,multiboot-module", MODULE_OTHER },
};

static bool __init module_kind(const struct dt_walk *w, struct chosen *c, enum boot_module_kind *kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(module_kinds); i++) {
		if (!dt_compatible(w, module_kinds[i].compatible))
			continue;
		*kind = module_kinds[i].kind;
		/* The first that says nothing is the kernel, the second the ramdisk. */
		if (*kind == MODULE_OTHER && w->depth == 2 && c->unnamed < 2)
			*kind = c->unnamed++ ? MODULE_RAMDISK : MODULE_KERNEL;
		return true;
	}
	return false;
}

static void __init read_module(struct boot_info *bi, const struct dt_walk *w, struct chosen *c,
			       enum boot_module_kind kind)
{
	struct boot_module m = { .node = w->node, .kind = kind, .domain_node = c->domain_node };

	struct boot_domain *d = bootdomain_find(bi, c->domain_node);

	if (d && d->disabled)
		return;
	if (dt_walk_reg_raw(w, 0, &m.start, &m.size) || !m.size) {
		bootcheck_refuse_reg(bi, d, w, d ? "the domain is left out" : "nothing starts");
		bi->refused |= !d;
		return;
	}
	if (bi->nr_modules == BOOT_MODULES_MAX) {
		bootdomain_refuse(bi, d, w->node, "", "there are more than 64 modules",
				  "remove some; it is left out");
		return;
	}
	m.image = m.start;
	m.image_size = m.size;
	m.cmdline = bootcheck_string(bi, w->node, "bootargs");
	bi->modules[bi->nr_modules++] = m;
}

/* A node in /chosen: a module, a domain, or something in one. */
static void __init read_in_chosen(struct boot_info *bi, const struct dt_walk *w, struct chosen *c)
{
	enum boot_module_kind kind;

	if (w->depth == 2) {
		c->domain_node = dt_compatible(w, "xen,domain") ? w->node : -1;
		c->too_many = false;
	}
	if (c->domain_node == w->node) {
		c->too_many = !bootdomain_read(bi, w);
		if (c->too_many)
			warn_node(w, "too many domains; left out");
	} else if (w->depth == 2 && dt_compatible(w, "xen,domain-shared-memory-v1")) {
		bootshm_read(bi, w, -1);
	} else if (w->depth == 2 && dt_compatible(w, "xen,evtchn-v1")) {
		bootevtchn_read(bi, w, -1);
	} else if (w->depth == 2 && dt_compatible(w, "xen,cpupool")) {
		bootpool_read(bi, w);
	} else if (c->too_many || w->depth > 3 || (w->depth == 3 && c->domain_node < 0)) {
		return;
	} else if (module_kind(w, c, &kind)) {
		read_module(bi, w, c, kind);
	} else if (w->depth == 3) {
		bootdomain_read_child(bi, w);
	} else {
		bootcheck_unknown(bi, w);
	}
}

static bool __init at_path(const struct dt_walk *w, const char *top)
{
	return !strcmp(fdt_get_name(w->fdt, w->level[1].node, NULL), top);
}

static void __init read_top(struct boot_info *bi, const struct dt_walk *w, struct chosen *c)
{
	const char *type = dt_string(&w->prop[DT_DEVICE_TYPE]);

	if (!strcmp(w->name, "chosen")) {
		c->node = w->node;
		bootcheck_chosen(bi, w);
	} else if (type && !strcmp(type, "memory") && dt_available(w)) {
		read_memory(bi, w);
	}
}

static void __init read_node(struct boot_info *bi, const struct dt_walk *w, struct chosen *c)
{
	if (w->depth == 1)
		read_top(bi, w, c);
	if (w->depth >= 2 && at_path(w, "chosen")) {
		read_in_chosen(bi, w, c);
		return;
	}
	if (w->depth == 2 && at_path(w, "reserved-memory"))
		read_reserved(bi, w);
	else if (w->depth == 2 && at_path(w, "cpus"))
		read_cpu(bi, w);
	else if (dt_u32(&w->prop[DT_INTERRUPT_CELLS], 0) >= 3 && w->depth)
		read_gic(bi, w);
	else if (w->depth && dt_has(w, DT_INTERRUPT_CELLS) && gic_version(w))
		bootdomain_refuse_prop(bi, NULL, w->node, "#interrupt-cells",
				       "an interrupt of a GIC has three cells or more",
				       "write #interrupt-cells = <3>; the controller is not used");
	else if (w->depth && dt_compatible(w, "arm,gic-v2m-frame"))
		read_v2m(bi, w);
	else if (dt_compatible(w, "arm,armv8-timer"))
		read_timer(bi, w);
	else if (dt_compatible(w, "arm,psci-0.2") || dt_compatible(w, "arm,psci-1.0"))
		read_psci(bi, w);
}

/*
 * bootargs of /chosen is the hypervisor's when dom0's arguments are given elsewhere and the
 * hypervisor has none of its own; otherwise it is dom0's.
 */
static void __init read_chosen(struct boot_info *bi, int node)
{
	const struct boot_module *kernel = bootinfo_module(bi, MODULE_KERNEL);
	const char *hyp = bootcheck_string(bi, node, "xen,xen-bootargs");
	const char *dom0 = bootcheck_string(bi, node, "xen,dom0-bootargs");
	const char *args = bootcheck_string(bi, node, "bootargs");

	if (kernel && kernel->cmdline && kernel->cmdline[0])
		dom0 = kernel->cmdline;
	if (!hyp && dom0)
		hyp = args;
	else if (!dom0)
		dom0 = args;
	bi->hyp_cmdline = hyp ? hyp : "";
	bi->dom0_cmdline = dom0 ? dom0 : "";
	bootheap_read(bi, node);
	bi->stdout_path = bootcheck_string(bi, node, "stdout-path");
	if (!bi->stdout_path)
		bi->stdout_path = bootcheck_string(bi, node, "linux,stdout-path");
}

/* Regions of the header's list; those around the tree or a module only say what we know. */
static void __init read_memreserve(struct boot_info *bi)
{
	for (int i = 0; i < fdt_num_mem_rsv(bi->fdt); i++) {
		u64 addr, size;
		struct range r;
		bool known;

		if (fdt_get_mem_rsv(bi->fdt, i, &addr, &size) || addr + size < addr)
			continue;
		r = range_pages_out(addr, addr + size);
		known = ranges_overlap(&r, &bi->fdt_range);
		for (u32 m = 0; m < bi->nr_modules; m++)
			known |= ranges_overlap(&r, &(struct range){ bi->modules[m].start,
								     bi->modules[m].start +
									     bi->modules[m].size });
		if (!known && range_set_add(&bi->reserved, r.start, r.end))
			pr_warn("device tree: too many reserved regions; %#lx is not kept\n", addr);
	}
}

static void __init bootinfo_reset(struct boot_info *bi)
{
	static const struct boot_irq timer_irqs[TIMER_IRQS] __initconst = {
		[TIMER_PHYS_SECURE] = { 29, IRQ_TYPE_LEVEL },
		[TIMER_PHYS] = { 30, IRQ_TYPE_LEVEL },
		[TIMER_VIRT] = { 27, IRQ_TYPE_LEVEL },
		[TIMER_HYP] = { 26, IRQ_TYPE_LEVEL },
	};

	*bi = (struct boot_info){
		.banks = { 0, BOOT_BANKS_MAX, bank_ranges },
		.reserved = { 0, BOOT_RESERVED_MAX, reserved_ranges },
		.dom0_banks = { 0, BOOT_DOM0_BANKS_MAX, dom0_ranges },
		.gic = { .node = -1 },
		.timer = { .node = -1 },
		.hyp_cmdline = "",
		.dom0_cmdline = "",
	};
	memcpy(bi->timer.irq, timer_irqs, sizeof(timer_irqs));
}

/* The walk cannot go on behind the node on which it stands. */
static int __init refuse_tree(const struct dt_walk *w, int rc)
{
	if (rc == -XEN_E2BIG)
		refuse_node(w, "it is deeper than 16 levels; Serai reads no such tree");
	else
		refuse_node(w, "#address-cells and #size-cells: more than 4 cells; write 1 or 2");
	return rc;
}

int __init bootinfo_parse(const void *fdt, paddr_t pa, paddr_t image_start, paddr_t image_end)
{
	static struct dt_walk w __initbss;
	struct boot_info *bi = &boot_info;
	struct chosen c = { .node = -1, .domain_node = -1 };
	int rc;

	bootinfo_reset(bi);
	bi->image = range_pages_out(image_start, image_end);
	if (!fdt || dt_check(fdt, DT_SIZE_MAX)) {
		pr_err("no device tree at %#lx: the boot loader must pass its address in x0\n", pa);
		return -XEN_EINVAL;
	}
	bi->fdt = fdt;
	bi->fdt_range = range_pages_out(pa, pa + dt_used_size(fdt));
	dt_walk_start(&w, fdt);
	while ((rc = dt_walk_next(&w)) > 0)
		read_node(bi, &w, &c);
	/* Also of a tree that is refused: the command line says where to say so. */
	read_chosen(bi, c.node);
	if (rc)
		return refuse_tree(&w, rc);
	read_memreserve(bi);
	return 0;
}

void __init bootinfo_set_fdt(const void *fdt)
{
	struct boot_info *bi = &boot_info;
	const char **strings[] = { &bi->hyp_cmdline, &bi->dom0_cmdline, &bi->stdout_path,
				   &bi->gic.unknown };
	const char *old = bi->fdt, *end = old + fdt_totalsize(fdt);

	for (u32 i = 0; i < ARRAY_SIZE(strings); i++)
		if (*strings[i] >= old && *strings[i] < end)
			*strings[i] = (const char *)fdt + (*strings[i] - old);
	for (u32 i = 0; i < bi->nr_modules; i++)
		if (bi->modules[i].cmdline)
			bi->modules[i].cmdline =
				(const char *)fdt + (bi->modules[i].cmdline - old);
	for (u32 i = 0; i < bi->nr_domains; i++)
		bi->domains[i].name = (const char *)fdt + (bi->domains[i].name - old);
	for (u32 i = 0; i < bi->nr_pools; i++)
		if (bi->pools[i].sched)
			bi->pools[i].sched = (const char *)fdt + (bi->pools[i].sched - old);
	bi->fdt = fdt;
}
