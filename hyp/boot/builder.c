/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a domain from its spec: memory, kernel, ramdisk, device tree, devices, first vcpu. Nothing
 * is written that is already in place, and caches are cleaned only where the guest, which starts
 * with its MMU off, is going to read what the loader or the hypervisor wrote.
 */
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define EVTCHN_PORTS	131072
#define GRANT_FRAMES	64
#define MAPTRACK_FRAMES 1024

struct build {
	const struct boot_info *bi;
	const struct domain_spec *spec;
	struct domain *d;
	struct kernel_image image;
	struct layout layout;
};

RANGE_SET_INIT(scratch, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);

static u64 __init page_part(paddr_t a, u64 size)
{
	return MIN(size, PAGE_SIZE - (a & (PAGE_SIZE - 1)));
}

/* Copies physical memory frame by frame; the ranges do not overlap. */
static void __init memory_copy(paddr_t dst, paddr_t src, u64 size)
{
	for (u64 part; size; size -= part, dst += part, src += part) {
		char *to = frame_map(paddr_to_mfn(dst));
		const char *from = frame_map(paddr_to_mfn(src));

		part = page_part(dst, page_part(src, size));
		memcpy(to + (dst & (PAGE_SIZE - 1)), from + (src & (PAGE_SIZE - 1)), part);
		frame_unmap(from);
		frame_unmap(to);
	}
}

static void __init memory_write(paddr_t dst, const void *src, u64 size)
{
	const char *from = src;

	for (u64 part; size; size -= part, dst += part, from += part) {
		char *to = frame_map(paddr_to_mfn(dst));

		part = page_part(dst, size);
		memcpy(to + (dst & (PAGE_SIZE - 1)), from, part);
		frame_unmap(to);
	}
}

/* To the point of coherency: a CPU with its MMU off reads past the caches. */
static void __init memory_flush(paddr_t pa, u64 size)
{
	for (u64 part; size; size -= part, pa += part) {
		const char *va = frame_map(paddr_to_mfn(pa));

		part = page_part(pa, size);
		cache_arch_clean_invalidate(va + (pa & (PAGE_SIZE - 1)), part);
		frame_unmap(va);
	}
}

static int __init build_domain(struct build *b)
{
	const struct domain_spec *s = b->spec;
	struct domain_config cfg = {
		.id = s->id,
		.flags = s->flags | (strcmp(options.xsm, "dummy") ? 0 : DOMAIN_UNRESTRICTED),
		.nr_vcpus = s->nr_vcpus,
		.max_frames = range_set_total(s->banks) >> PAGE_SHIFT,
		.max_evtchn_port = EVTCHN_PORTS - 1,
		.max_grant_frames = GRANT_FRAMES,
		.max_maptrack_frames = MAPTRACK_FRAMES,
		.nr_spis = irq_arch_lines() - IRQ_FIRST_SPI,
		.affinity = cpu_online,
		.name = s->name,
	};
	int rc = domain_create(&cfg, &b->d);

	if (rc)
		pr_err("%s: cannot be created (%d)\n", s->name, rc);
	return rc;
}

/* The banks are nobody's: they become the domain's, and stage 2 maps them 1:1. */
static int __init build_memory(struct build *b)
{
	for (u32 i = 0; i < b->spec->banks->nr; i++) {
		const struct range *r = &b->spec->banks->r[i];
		mfn_t m = paddr_to_mfn(r->start);
		u64 nr = range_size(r) >> PAGE_SHIFT;
		int rc = frame_assign(&b->d->frames, mfn_to_frame(m), nr);

		if (!rc)
			rc = p2m_map(&b->d->p2m, gfn(m.v), m, nr, P2M_RAM_RW);
		if (rc) {
			pr_err("%s: no memory for its page tables (%d)\n", b->spec->name, rc);
			return rc;
		}
	}
	return 0;
}

static int __init map_devices(struct build *b, const struct range_set *set, enum p2m_type type)
{
	for (u32 i = 0; i < set->nr; i++) {
		mfn_t m = paddr_to_mfn(set->r[i].start);
		int rc = p2m_map(&b->d->p2m, gfn(m.v), m, range_size(&set->r[i]) >> PAGE_SHIFT, type);

		if (rc == -XEN_EINVAL)
			pr_warn("%s: device memory %#lx-%#lx is out of its CPUs' reach\n",
				b->spec->name, set->r[i].start, set->r[i].end - 1);
		else if (rc)
			return rc;
	}
	return 0;
}

static int __init build_devices(struct build *b)
{
	struct dom0_devices *dev = &dom0_devices;
	int rc = dom0_devices_collect(b->bi, b->spec->uart, dev);

	rc = rc ? rc : map_devices(b, &dev->mmio, P2M_MMIO_DEV);
	rc = rc ? rc : map_devices(b, &dev->memory, P2M_MMIO_CACHED);
	rc = rc ? rc : map_devices(b, &dev->reserved, P2M_MMIO_CACHED);
	if (rc) {
		pr_err("%s: its devices cannot be mapped (%d)\n", b->spec->name, rc);
		return rc;
	}
	for (u32 irq = IRQ_FIRST_SPI; irq < irq_arch_lines() && irq < IRQS_MAX; irq++) {
		if (!dev->spi_type[irq])
			continue;
		/* One that the hypervisor has is named in irq_assign()'s message. */
		if (irq_assign(irq, b->d, irq) == 0)
			irq_arch_set_type(irq, (enum irq_type)dev->spi_type[irq]);
	}
	return 0;
}

static int __init place_modules(struct build *b)
{
	const struct boot_module *k = b->spec->kernel, *r = b->spec->ramdisk;
	int rc = kernel_probe(b->bi, k, &b->image);

	if (rc)
		return rc;
	b->layout = (struct layout){
		.banks = b->spec->banks,
		.kernel_source = { k->start, k->start + k->size },
	};
	if (r)
		b->layout.ramdisk_source = (struct range){ r->start, r->start + r->size };
	rc = layout_place_modules(&b->layout, &b->image);
	if (rc)
		pr_err("%s: kernel (%lu KiB in memory) and ramdisk (%lu KiB) do not fit into its "
		       "memory; give it more\n",
		       b->spec->name, b->image.size >> 10,
		       range_size(&b->layout.ramdisk_source) >> 10);
	return rc;
}

static void __init load_modules(struct build *b)
{
	const struct layout *l = &b->layout;

	if (l->ramdisk.start != l->ramdisk_source.start)
		memory_copy(l->ramdisk.start, l->ramdisk_source.start, range_size(&l->ramdisk));
	if (l->kernel.start != l->kernel_source.start)
		memory_copy(l->kernel.start, l->kernel_source.start, b->image.file_size);
	memory_flush(l->ramdisk.start, range_size(&l->ramdisk));
	memory_flush(l->kernel.start, b->image.file_size);
}

static unsigned int __init order_for(size_t size)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

/* The first PPI that no device uses, from INTID 16 on. */
static u32 __init free_ppi(u32 used)
{
	u32 n = 0;

	while (n < 15 && used & 1U << n)
		n++;
	return 16 + n;
}

static int __init place_tree(struct build *b, const void *tree, u64 size)
{
	int rc = layout_place_fdt(&b->layout, size);

	if (rc) {
		pr_err("%s: no room for its device tree (%lu KiB); give it more memory\n",
		       b->spec->name, size >> 10);
		return rc;
	}
	memory_write(b->layout.fdt.start, tree, size);
	memory_flush(b->layout.fdt.start, size);
	return 0;
}

static int __init build_tree(struct build *b)
{
	struct dom0_tree t = {
		.bi = b->bi,
		.uart = b->spec->uart,
		.id = b->spec->id,
		.nr_vcpus = b->spec->nr_vcpus,
		.evtchn_irq = b->d->evtchn_irq,
		.banks = b->spec->banks,
		.reserved = &dom0_devices.reserved,
		.extended = &scratch,
		.grant = { b->bi->image.start, b->bi->image.start + GRANT_REGION_SIZE },
		.initrd = b->layout.ramdisk,
		.bootargs = b->spec->cmdline,
	};
	size_t bound = dom0_fdt_bound(&t);
	unsigned int order = order_for(bound);
	void *tree = heap_alloc(order, FRAME_NO_SCRUB);
	int rc;

	if (!tree)
		return -XEN_ENOMEM;
	rc = dom0_extended_regions(b->bi, &t.grant, &scratch);
	if (!rc)
		rc = dom0_fdt_build(&t, tree, bound);
	if (rc > 0)
		rc = place_tree(b, tree, (u64)rc);
	heap_free(tree, order);
	return rc;
}

static const char *__init say_copied(const struct range *to, const struct range *from)
{
	return to->start == from->start ? "" : " (copied)";
}

static void __init say_layout(const struct build *b)
{
	const struct layout *l = &b->layout;

	pr_info("%s: kernel %#lx%s, device tree %#lx\n", b->spec->name, l->kernel.start,
		say_copied(&l->kernel, &l->kernel_source), l->fdt.start);
	if (b->spec->ramdisk)
		pr_info("%s: ramdisk %#lx, %lu KiB%s\n", b->spec->name, l->ramdisk.start,
			range_size(&l->ramdisk) >> 10, say_copied(&l->ramdisk, &l->ramdisk_source));
	else
		pr_info("%s: no ramdisk\n", b->spec->name);
}

int __init builder_build(const struct boot_info *bi, const struct domain_spec *spec,
			 struct domain **out)
{
	struct build b = { .bi = bi, .spec = spec };
	int rc = place_modules(&b);

	rc = rc ? rc : build_domain(&b);
	rc = rc ? rc : build_memory(&b);
	rc = rc ? rc : build_devices(&b);
	if (rc)
		return rc;
	b.d->evtchn_irq = free_ppi(dom0_devices.ppis);
	b.d->hvm_params[HVM_PARAM_CALLBACK_IRQ] = HVM_CALLBACK_PPI_LOW(b.d->evtchn_irq);
	load_modules(&b);
	rc = build_tree(&b);
	if (rc)
		return rc;
	vcpu_arch_start(b.d->vcpus[0], b.layout.kernel.start, b.layout.fdt.start);
	say_layout(&b);
	*out = b.d;
	return 0;
}

/* Out of the way of dom0's memory, where the loader may have put it. */
static int __init move_fdt(struct boot_info *bi)
{
	size_t used = dt_used_size(bi->fdt);
	void *copy = heap_alloc(order_for(used), FRAME_NO_SCRUB);

	if (!copy)
		return -XEN_ENOMEM;
	memcpy(copy, bi->fdt, used);
	fdt_set_totalsize(copy, (u32)used);
	bootinfo_set_fdt(copy);
	return 0;
}

/* Frames that only the boot loader's files and tree kept from the heap. */
static int __init release_modules(struct boot_info *bi)
{
	RANGE_SET_INIT(kept, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);
	int rc = bootinfo_usable(bi, &scratch, false);

	if (!rc)
		rc = bootinfo_usable(bi, &kept, true);
	for (u32 i = 0; i < kept.nr && !rc; i++)
		rc = range_set_remove(&scratch, kept.r[i].start, kept.r[i].end);
	for (u32 i = 0; i < bi->dom0_banks.nr && !rc; i++)
		rc = range_set_remove(&scratch, bi->dom0_banks.r[i].start,
				      bi->dom0_banks.r[i].end);
	for (u32 i = 0; i < scratch.nr && !rc; i++)
		frame_add_range(scratch.r[i].start, scratch.r[i].end, true);
	bi->fdt_range = (struct range){ 0, 0 };
	return rc;
}

static u32 __init online_cpus(void)
{
	u32 n = 0, cpu;

	for_each_online_cpu(cpu)
		n++;
	return n;
}

static void __init say_memory(const struct range_set *banks, u32 vcpus)
{
	pr_info("dom0: %lu MiB, %u vcpus\n", range_set_total(banks) >> 20, vcpus);
	for (u32 i = 0; i < banks->nr; i++)
		pr_info("dom0: memory %#lx-%#lx\n", banks->r[i].start, banks->r[i].end - 1);
}

int __init builder_dom0(const struct boot_info *bi)
{
	const struct uart *uart = console_uart();
	struct domain_spec spec = {
		.id = 0,
		.flags = DOMAIN_CONTROL | DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP,
		.name = "dom0",
		.nr_vcpus = options.dom0_max_vcpus ? options.dom0_max_vcpus : online_cpus(),
		.banks = &bi->dom0_banks,
		.kernel = bootinfo_module(bi, MODULE_KERNEL),
		.ramdisk = bootinfo_module(bi, MODULE_RAMDISK),
		.uart = -1,
	};
	struct domain *d;
	int rc = move_fdt(&boot_info);

	if (rc)
		return rc;
	spec.cmdline = bi->dom0_cmdline;
	if (uart && uart->dt_path)
		spec.uart = dt_lookup(bi->fdt, uart->dt_path);
	say_memory(spec.banks, spec.nr_vcpus);
	rc = builder_build(bi, &spec, &d);
	if (rc)
		return rc;
	rc = release_modules(&boot_info);
	if (rc)
		return rc;
	sched_release(&d->vcpus[0]->unit, HOLD_DOWN);
	return 0;
}
