/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to struct boot_info: what is missing, which RAM is free, which device a name means.
 */
#include "bootdomain.h"
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define PROBE_STEP   (2UL << 20)
#define PROBE_STRIDE (128UL << 20) /* a first look */

/* What somebody uses is there, and not to be touched. */
static bool __init in_use(const struct boot_info *bi, paddr_t pa)
{
	struct range r = { pa, pa + sizeof(u32) };

	if (ranges_overlap(&r, &bi->image) || ranges_overlap(&r, &bi->fdt_range))
		return true;
	for (u32 i = 0; i < bi->reserved.nr; i++)
		if (ranges_overlap(&r, &bi->reserved.r[i]))
			return true;
	for (u32 i = 0; i < bi->nr_modules; i++)
		if (ranges_overlap(&r, &(struct range){ bi->modules[i].start,
							bi->modules[i].start + bi->modules[i].size }))
			return true;
	return false;
}

/* The first multiple of step from start on, but before end, where nothing is; or end. */
static paddr_t __init first_hole(const struct boot_info *bi, paddr_t start, paddr_t end, u64 step,
				 bool (*is_memory)(paddr_t pa))
{
	while (start < end && (in_use(bi, start) || is_memory(start)))
		start += step;
	return MIN(start, end);
}

void __init bootinfo_trim_memory(struct boot_info *bi, bool (*is_memory)(paddr_t pa))
{
	paddr_t gic = bi->gic.dist.start, end;
	const struct range *found = bi->gic.version ? range_set_find(&bi->banks, gic, gic + 1) : NULL;
	struct range bank;

	if (!found)
		return;
	bank = *found;
	end = first_hole(bi, bank.start, gic, PROBE_STRIDE, is_memory);
	if (end > bank.start)
		end = first_hole(bi, bank.start + ROUND_DOWN(end - 1 - bank.start, PROBE_STRIDE),
				 end, PROBE_STEP, is_memory);
	range_set_remove(&bi->banks, end, bank.end);
	pr_warn("device tree: memory from %#lx to %#lx holds the interrupt controller at %#lx; %#lx "
		"bytes of it are used, since no memory answers behind them; give /memory its true reg\n",
		bank.start, bank.end - 1, gic, end - bank.start);
}

bool __init bootinfo_table_piece_used(const struct boot_info *bi, u64 i)
{
	struct range piece = { .start = bi->banks.r[0].start + i * FRAME_TABLE_PIECE_RAM };

	piece.end = piece.start + FRAME_TABLE_PIECE_RAM;
	for (u32 b = 0; b < bi->banks.nr; b++)
		if (ranges_overlap(&bi->banks.r[b], &piece))
			return true;
	return false;
}

u64 __init bootinfo_table_size(const struct boot_info *bi)
{
	paddr_t lowest = bi->banks.r[0].start, highest = lowest;
	u64 size, unused = 0;

	if (bi->banks.nr)
		highest = bi->banks.r[bi->banks.nr - 1].end;
	size = ROUND_UP(FRAME_TABLE_SIZE(lowest, highest), PAGE_SIZE);
	for (u64 i = 0; i < size / FRAME_TABLE_PIECE; i++)
		unused += !bootinfo_table_piece_used(bi, i);
	/* One of them is there, in place of all. */
	return unused > 1 ? size - (unused - 1) * FRAME_TABLE_PIECE : size;
}

const struct boot_module *__init bootinfo_domain_module(const struct boot_info *bi, int domain_node,
							enum boot_module_kind kind)
{
	for (u32 i = 0; i < bi->nr_modules; i++)
		if (bi->modules[i].kind == kind && bi->modules[i].domain_node == domain_node)
			return &bi->modules[i];
	return NULL;
}

static int __init refuse_memory(void)
{
	pr_err("device tree: no memory: no node has device_type = \"memory\" and a reg that is "
	       "not empty; the boot loader must fill in /memory\n");
	return -XEN_ENODEV;
}

static int __init refuse_gic(const struct boot_info *bi)
{
	pr_err("device tree: no interrupt controller that Serai knows (found: %s); it needs a "
	       "GICv3, compatible = \"arm,gic-v3\", or a GICv2, such as \"arm,gic-400\"\n",
	       bi->gic.unknown ? bi->gic.unknown : "none");
	return -XEN_ENODEV;
}

static int __init refuse_kernel(void)
{
	pr_err("device tree: no kernel for dom0 in /chosen; write there:\n"
	       "  module@ADDRESS { compatible = \"multiboot,kernel\", \"multiboot,module\"; "
	       "reg = <ADDRESS SIZE>; bootargs = \"...\"; };\n"
	       "or, with QEMU: -device guest-loader,addr=ADDRESS,kernel=FILE,bootargs=...\n");
	return -XEN_ENODEV;
}

/* A module that is not in RAM, or lies where the hypervisor does, cannot be one. */
static int __init check_module(const struct boot_info *bi, const struct boot_module *m)
{
	char path[DT_PATH_MAX];
	struct range r = { m->start, m->start + m->size };
	const struct range *other = NULL;

	for (u32 i = 0; i < bi->reserved.nr; i++)
		if (ranges_overlap(&r, &bi->reserved.r[i]))
			other = &bi->reserved.r[i];
	if (!range_set_find(&bi->banks, r.start & PAGE_MASK, ROUND_UP(r.end, PAGE_SIZE)))
		other = NULL;
	else if (ranges_overlap(&r, &bi->image))
		other = &bi->image;
	else if (ranges_overlap(&r, &bi->fdt_range))
		other = &bi->fdt_range;
	else if (!other)
		return 0;
	dt_path(bi->fdt, m->node, path, sizeof(path));
	if (other)
		pr_err("device tree: %s: reg = <%#lx %#lx> overlaps the %s at %#lx-%#lx; load the "
		       "file elsewhere\n",
		       path, m->start, m->size,
		       other == &bi->image     ? "hypervisor" :
		       other == &bi->fdt_range ? "device tree" :
						 "reserved memory",
		       other->start,
		       other->end - 1);
	else
		pr_err("device tree: %s: reg = <%#lx %#lx> is not in RAM; load the file elsewhere\n",
		       path, m->start, m->size);
	return -XEN_EINVAL;
}

int __init bootinfo_verdict(const struct boot_info *bi)
{
	u32 refused = 0, left = 0;

	for (u32 i = 0; i < bi->nr_domains; i++) {
		refused += bi->domains[i].left_out && !bi->domains[i].disabled;
		left += !bi->domains[i].left_out;
	}
	if (refused)
		pr_err("device tree: %u of %u domains cannot be built, see above\n", refused,
		       bi->nr_domains);
	if (refused && options.dom0less_strict) {
		pr_err("dom0less=strict: then none is; without that option the others start\n");
		return -XEN_EINVAL;
	}
	if (!left && !bootinfo_module(bi, MODULE_KERNEL))
		return refuse_kernel();
	return 0;
}

int __init bootinfo_check(struct boot_info *bi)
{
	int rc = bi->banks.nr ? 0 : refuse_memory();

	if (!bi->gic.version)
		rc = refuse_gic(bi);
	bootcheck_machine(bi);
	if (rc)
		return rc;
	bootcheck_dom0(bi);
	bi->refused |= bootheap_check(bi) != 0;
	for (u32 i = 0; i < bi->nr_modules; i++) {
		struct boot_domain *d = bootdomain_find(bi, bi->modules[i].domain_node);

		rc = check_module(bi, &bi->modules[i]);
		bi->refused |= rc && !d;
		if (rc && d)
			d->left_out = true;
	}
	bi->refused |= bootpool_check(bi) != 0;
	bootdomain_check(bi);
	bi->refused |= bootshm_check(bi) != 0;
	bi->refused |= bootevtchn_check(bi) != 0;
	rc = bootinfo_verdict(bi);
	return bi->refused ? -XEN_EINVAL : rc;
}

static bool __init is_left_out(const struct boot_info *bi, int domain_node)
{
	for (u32 i = 0; i < bi->nr_domains; i++)
		if (bi->domains[i].node == domain_node)
			return bi->domains[i].left_out;
	return false;
}

/* Other domains read their files when dom0 runs already, also those that it has in common with them. */
static bool __init is_guest_file(const struct boot_info *bi, const struct boot_module *m)
{
	struct range r = { m->start, m->start + m->size };

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *o = &bi->modules[i];

		if (o->domain_node >= 0 && !is_left_out(bi, o->domain_node) &&
		    ranges_overlap(&r, &(struct range){ o->start, o->start + o->size }))
			return true;
	}
	return false;
}

/* Everything between the pieces of the static heap. */
static int __init remove_outside_heap(const struct boot_info *bi, struct range_set *out)
{
	struct range ranges[BOOT_STATIC_MAX];
	struct range_set heap = { 0, BOOT_STATIC_MAX, ranges };
	u64 from = 0;
	int rc = 0;

	for (u32 i = 0; i < bi->nr_static_heap; i++)
		rc |= range_set_add(&heap, bi->static_heap[i].start, bi->static_heap[i].end);
	for (u32 i = 0; i < heap.nr; i++) {
		rc |= range_set_remove(out, from, heap.r[i].start);
		from = heap.r[i].end;
	}
	return heap.nr ? rc | range_set_remove(out, from, BOOT_ADDR_MAX) : rc;
}

/* What is somebody's for ever, and what the heap may not have. */
static int __init remove_static(const struct boot_info *bi, struct range_set *out)
{
	int rc = remove_outside_heap(bi, out);

	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];

		for (u32 k = 0; k < d->nr_static && !d->left_out; k++)
			rc |= range_set_remove(out, d->static_mem[k].start, d->static_mem[k].end);
	}
	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s->has_host && bootshm_takes_part(bi, s))
			rc |= range_set_remove(out, s->host, s->host + s->size);
	}
	return rc;
}

int __init bootinfo_usable(const struct boot_info *bi, struct range_set *out, enum boot_keep keep)
{
	int rc = 0;

	range_set_clear(out);
	for (u32 i = 0; i < bi->banks.nr; i++)
		rc |= range_set_add(out, bi->banks.r[i].start, bi->banks.r[i].end);
	for (u32 i = 0; i < bi->reserved.nr; i++)
		rc |= range_set_remove(out, bi->reserved.r[i].start, bi->reserved.r[i].end);
	rc |= range_set_remove(out, bi->image.start, bi->image.end);
	rc |= remove_static(bi, out);
	if (keep == KEEP_ALL)
		rc |= range_set_remove(out, bi->fdt_range.start, bi->fdt_range.end);
	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];
		struct range r = range_pages_out(m->start, m->start + m->size);

		if (keep == KEEP_ALL || (keep == KEEP_GUESTS && is_guest_file(bi, m)))
			rc |= range_set_remove(out, r.start, r.end);
	}
	if (rc)
		pr_err("memory is cut into too many pieces by reserved regions and modules\n");
	return rc ? -XEN_ENOSPC : 0;
}

int __init bootinfo_free_ranges(void (*fn)(paddr_t start, paddr_t end, void *ctx), void *ctx)
{
	const struct range_set *dom0 = &boot_info.dom0_banks;
	RANGE_SET_INIT(free, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);
	int rc = bootinfo_usable(&boot_info, &free, KEEP_ALL);

	for (u32 i = 0; i < dom0->nr && !rc; i++)
		rc = range_set_remove(&free, dom0->r[i].start, dom0->r[i].end);
	for (u32 i = 0; i < free.nr && !rc; i++)
		fn(free.r[i].start, free.r[i].end, ctx);
	return rc;
}

static void __init device_irq(void *ctx, u32 intid, enum irq_type type)
{
	struct boot_irq *irq = ctx;

	if (!irq->intid)
		*irq = (struct boot_irq){ intid, type };
}

static u32 __init device_number(const struct dt_walk *w, const char *name)
{
	int len;
	const u32 *c = fdt_getprop(w->fdt, w->node, name, &len);

	return c && len == 4 ? (u32)dt_cells(c, 1) : 0;
}

static int __init read_device(int node, struct boot_device *dev)
{
	static struct dt_walk w __initbss;
	const struct boot_info *bi = &boot_info;
	int rc;

	memset(dev, 0, sizeof(*dev));
	dev->node = node;
	if (dev->node < 0)
		return -XEN_ENOENT;
	rc = dt_walk_to(&w, bi->fdt, dev->node);
	if (!rc)
		rc = dt_walk_reg(&w, 0, &dev->base, &dev->size);
	if (rc)
		return -XEN_ENXIO;
	dt_path(bi->fdt, dev->node, dev->path, sizeof(dev->path));
	dev->compatible = w.prop[DT_COMPATIBLE].data;
	dev->compatible_len = w.prop[DT_COMPATIBLE].len;
	dev->reg_shift = device_number(&w, "reg-shift");
	dev->reg_io_width = device_number(&w, "reg-io-width");
	dev->clock_frequency = device_number(&w, "clock-frequency");
	/* Without an interrupt, or with one that cannot be read, the device is polled. */
	dt_walk_irqs(&w, bi->gic.phandle, device_irq, &dev->irq);
	return 0;
}

int __init bootinfo_find_device(const char *spec, struct boot_device *dev)
{
	if (!spec || !spec[0])
		spec = boot_info.stdout_path;
	if (!spec || !boot_info.fdt)
		return -XEN_ENOENT;
	return read_device(dt_lookup(boot_info.fdt, spec), dev);
}

int __init bootinfo_find_compatible(const char *what, struct boot_device *dev)
{
	static struct dt_walk w __initbss;

	if (!boot_info.fdt)
		return -XEN_ENOENT;
	dt_walk_start(&w, boot_info.fdt);
	while (dt_walk_next(&w) > 0)
		if (dt_compatible(&w, what) && dt_available(&w))
			return read_device(w.node, dev);
	return -XEN_ENOENT;
}

bool __init boot_device_compatible(const struct boot_device *dev, const char *what)
{
	return dev->compatible &&
	       fdt_stringlist_contains(dev->compatible, (int)dev->compatible_len, what);
}
