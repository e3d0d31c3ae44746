/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a domain from its spec: memory, kernel, ramdisk, device tree, devices, first vcpu. Nothing
 * is written that is already in place, and caches are cleaned only where the guest, which starts
 * with its MMU off, is going to read what the loader or the hypervisor wrote.
 *
 * The hardware domain gets the machine's devices and a copy of its tree, others a platform of
 * their own (public/arch-arm.h).
 */
#include <abi/guest_layout.h>
#include <serai/access.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/launch.h>
#include <serai/passthrough.h>
#include <serai/printk.h>
#include <serai/restart.h>
#include <serai/string.h>
#include <serai/vpl011.h>

struct build {
	const struct boot_info *bi;
	const struct domain_spec *spec;
	struct domain *d;
	struct domain_config config;
	struct kernel_image image;
	struct layout layout;
	struct uart_place uart;
};

RANGE_SET_INIT(scratch, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);

static int __init build_domain(struct build *b)
{
	const struct domain_spec *s = b->spec;
	u32 spis = irq_arch_lines() - IRQ_FIRST_SPI;
	int rc;

	if (b->image.arm32 && s->flags & DOMAIN_HARDWARE) {
		pr_err("%s: its kernel is for 32 bits; dom0 needs one for arm64\n", s->name);
		return -XEN_EINVAL;
	}
	b->config = (struct domain_config){
		.id = s->id,
		.flags = s->flags | (strcmp(options.xsm, "dummy") ? 0 : DOMAIN_UNRESTRICTED) |
			 (b->image.arm32 ? DOMAIN_AARCH32 : 0),
		.nr_vcpus = s->nr_vcpus,
		.max_frames = (range_set_total(s->banks) + shm_owned(b->bi, s->index)) >> PAGE_SHIFT,
		.table_pages = s->table_pages,
		.max_evtchn_port = s->max_evtchn_port,
		.max_grant_frames = s->max_grant_frames,
		.max_maptrack_frames = s->max_maptrack_frames,
		.max_grant_version = s->max_grant_version,
		.nr_spis = s->nr_spis == BOOT_SPIS_ALL ? spis : s->nr_spis,
		.affinity = cpu_online,
		.pool = s->pool,
		.name = s->name,
	};
	rc = domain_create(&b->config, &b->d);
	if (rc == -XEN_ENODEV && b->image.arm32)
		pr_err("%s: its kernel is for 32 bits, but these CPUs run 64-bit guests only; it needs "
		       "one for arm64\n", s->name);
	else if (rc)
		pr_err("%s: cannot be created (%d)\n", s->name, rc);
	return rc;
}

/* The banks are nobody's: they become the domain's, and stage 2 maps them 1:1. */
static int __init build_direct_memory(struct build *b)
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

/* The first PPI that no device uses, from INTID 16 on. */
static u32 __init free_ppi(u32 used)
{
	u32 n = 0;

	while (n < 15 && used & 1U << n)
		n++;
	return 16 + n;
}

static int __init permit_ranges(struct domain *d, const struct range_set *set, bool allow)
{
	int rc = 0;

	for (u32 i = 0; i < set->nr && !rc; i++)
		rc = access_set_memory(d, set->r[i].start, set->r[i].end, allow);
	return rc;
}

/* What dom0's tools may give to guests: its own devices and those that the tree keeps from it. */
static int __init permit_devices(struct domain *d, const struct dom0_devices *dev)
{
	u32 ranges = dev->mmio.nr + dev->memory.nr + dev->others.nr + 2 * PASS_REGIONS_MAX;
	int rc = access_domain_open(d, ranges);

	rc = rc ? rc : permit_ranges(d, &dev->mmio, true);
	rc = rc ? rc : permit_ranges(d, &dev->memory, true);
	rc = rc ? rc : permit_ranges(d, &dev->others, true);
	for (u32 i = 0; i < passthrough.nr_regions && !rc; i++)
		rc = access_set_memory(d, passthrough.regions[i].host.start,
				       passthrough.regions[i].host.end, false);
	for (u32 irq = IRQ_FIRST_SPI; irq < irq_arch_lines() && irq < IRQS_MAX && !rc; irq++) {
		u8 type = dev->spi_type[irq] ? dev->spi_type[irq] : dev->other_type[irq];

		if (!type || passthrough.irq_owner[irq])
			continue;
		irq_desc(irq)->type = type;
		rc = access_set_irq(d, irq, true);
	}
	return rc;
}

static int __init build_host_devices(struct build *b)
{
	struct dom0_devices *dev = &dom0_devices;
	int rc = dom0_devices_collect(b->bi, b->spec->uart, dev);

	rc = rc ? rc : map_devices(b, &dev->mmio, P2M_MMIO_DEV);
	rc = rc ? rc : map_devices(b, &dev->memory, P2M_MMIO_CACHED);
	rc = rc ? rc : map_devices(b, &dev->reserved, P2M_MMIO_CACHED);
	rc = rc ? rc : permit_devices(b->d, dev);
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
	b->d->evtchn_irq = free_ppi(dev->ppis);
	b->d->hvm_params[HVM_PARAM_CALLBACK_IRQ] = HVM_CALLBACK_PPI_LOW(b->d->evtchn_irq);
	return 0;
}

/* A direct-mapped guest's UART is where the console's is, with its interrupt. */
static int __init place_uart(struct build *b)
{
	const struct uart *host = console_uart();
	u32 spis = irq_arch_lines() - IRQ_FIRST_SPI;

	b->uart = (struct uart_place){ GUEST_PL011_BASE, GUEST_VPL011_SPI };
	if (!(b->spec->flags & DOMAIN_DIRECT_MAP))
		return 0;
	if (!host || host->size < GUEST_PL011_SIZE || host->irq < IRQ_FIRST_SPI) {
		pr_err("%s: vpl011: with direct-map it takes the place of the console's UART, but there "
		       "is none with registers of 4 KiB and an interrupt; remove vpl011 or direct-map\n",
		       b->spec->name);
		return -XEN_ENODEV;
	}
	b->uart = (struct uart_place){ host->base, host->irq };
	if (b->spec->nr_spis != BOOT_SPIS_ALL)
		spis = b->spec->nr_spis;
	if (host->irq - IRQ_FIRST_SPI < spis)
		return 0;
	pr_err("%s: nr_spis = <%u>: too few for vpl011, which with direct-map has the console's "
	       "interrupt; write nr_spis = <%u>\n",
	       b->spec->name, spis, host->irq - IRQ_FIRST_SPI + 1);
	return -XEN_EINVAL;
}

static int __init build_guest_devices(struct build *b)
{
	int rc = b->spec->vpl011 ? place_uart(b) : 0;

	rc = rc ? rc : guest_devices_build(b->d, b->spec->vpl011 ? &b->uart : NULL);
	return rc ? rc : passthrough_give(b->d, b->spec->index);
}

/* Into direct-mapped memory, where they are not there already. */
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

static int __init place_tree(struct build *b, u64 size)
{
	int rc = layout_place_fdt(&b->layout, size);

	if (rc)
		pr_err("%s: no room for its device tree (%lu KiB); give it more memory\n",
		       b->spec->name, size >> 10);
	return rc;
}

static int __init build_host_tree(struct build *b)
{
	struct dom0_tree t = {
		.bi = b->bi,
		.uart = b->spec->uart,
		.id = b->spec->id,
		.nr_vcpus = b->spec->nr_vcpus,
		.evtchn_irq = b->d->evtchn_irq,
		.v2m = dom0_devices.v2m,
		.banks = b->spec->banks,
		.reserved = &dom0_devices.reserved,
		.extended = &scratch,
		.grant = host_grant_region(b->bi),
		.initrd = b->layout.ramdisk,
		.bootargs = b->spec->cmdline,
	};
	size_t bound = dom0_fdt_bound(&t);
	unsigned int order = order_for(bound);
	void *tree = heap_alloc(order, FRAME_NO_SCRUB);
	int rc;

	if (!tree)
		return -XEN_ENOMEM;
	rc = host_extended_regions(b->bi, -1, t.banks, &t.grant, &scratch);
	if (!rc)
		rc = dom0_fdt_build(&t, tree, bound);
	if (rc > 0)
		rc = place_tree(b, (u64)rc);
	if (!rc) {
		memory_write(b->layout.fdt.start, tree, range_size(&b->layout.fdt));
		memory_flush(b->layout.fdt.start, range_size(&b->layout.fdt));
	}
	heap_free(tree, order);
	return rc;
}

/* Its tree, in memory of the heap, is the last file. */
static int __init build_guest_tree(struct build *b, struct launch_file *file)
{
	struct domu_tree t = {
		.bi = b->bi,
		.index = b->spec->index,
		.id = b->spec->id,
		.nr_vcpus = b->spec->nr_vcpus,
		.banks = b->spec->banks,
		.limit = b->d->p2m.end << PAGE_SHIFT,
		.initrd = b->layout.ramdisk,
		.bootargs = b->spec->cmdline,
		.uart = b->spec->vpl011 ? &b->uart : NULL,
		.hypervisor = b->spec->enhanced != ENHANCED_NO,
		.host_layout = b->spec->flags & DOMAIN_DIRECT_MAP,
		.extended = &scratch,
		.partial = passthrough.tree[b->spec->index],
		.gic = passthrough.tree[b->spec->index] ? passthrough.gic[b->spec->index] :
							  GUEST_PHANDLE_GIC,
	};
	const struct range grant = host_grant_region(b->bi);
	size_t bound = domu_fdt_bound(&t);
	int rc = host_extended_regions(b->bi, t.index, t.banks, &grant, &scratch);

	if (rc)
		return rc;

	file->order = order_for(bound);
	file->heap = heap_alloc(file->order, FRAME_NO_SCRUB);
	if (!file->heap)
		return -XEN_ENOMEM;
	rc = domu_fdt_build(&t, b->spec->name, file->heap, bound);
	if (rc > 0)
		rc = place_tree(b, (u64)rc);
	file->src = virt_to_paddr(file->heap);
	file->gpa = b->layout.fdt.start;
	file->size = range_size(&b->layout.fdt);
	return rc;
}

/* Ascending, at most LAUNCH_FILES. */
static void __init add_file(struct launch_file *files, u32 nr, struct launch_file new)
{
	for (; nr && files[nr - 1].gpa > new.gpa; nr--)
		files[nr] = files[nr - 1];
	files[nr] = new;
}

/* What it has of the machine is not given to it twice yet. */
static bool __init is_bound(const struct build *b)
{
	if (b->spec->static_mem || b->spec->flags & DOMAIN_DIRECT_MAP ||
	    passthrough.tree[b->spec->index])
		return true;
	for (u32 i = 0; i < b->bi->nr_shm; i++)
		if (b->bi->shm[i].domain == b->spec->index)
			return true;
	for (u32 i = 0; i < b->bi->nr_evtchn; i++)
		if (b->bi->evtchn[i].domain == b->spec->index)
			return true;
	return false;
}

/* So that it can be restarted; then the files are not the launch's to free. */
static void __init keep_guest(struct build *b, const struct launch_file *files, u32 nr, void *tree)
{
	const struct restart_plan plan = {
		.config = b->config,
		.banks = b->spec->banks,
		.files = files,
		.nr_files = nr,
		.entry = b->layout.kernel.start + b->image.entry,
		.fdt = b->layout.fdt.start,
		.uart = b->spec->vpl011 ? &b->uart : NULL,
		.xenstore = b->spec->enhanced == ENHANCED_FULL,
	};

	if (options.dom0less_norestart || is_bound(b))
		return;
	if (restart_keep(&plan, tree, b->bi))
		pr_warn("%s: no memory to remember how it is made; it cannot be restarted\n",
			b->spec->name);
	else
		launch_keep_files(b->d);
}

/* What the domain will load before it runs. */
static int __init prepare_guest(struct build *b)
{
	const struct layout *l = &b->layout;
	const struct domain_spec *s = b->spec;
	struct launch_file files[LAUNCH_FILES], tree = { .heap = NULL };
	int rc = build_guest_tree(b, &tree);
	u32 nr = 0;

	if (s->ramdisk)
		add_file(files, nr++, (struct launch_file){ .gpa = l->ramdisk.start,
							    .size = s->ramdisk->size,
							    .src = s->ramdisk->start });
	add_file(files, nr++, (struct launch_file){ .gpa = l->kernel.start,
						    .size = b->image.file_size,
						    .src = s->kernel->image });
	add_file(files, nr++, tree);
	if (!rc)
		rc = launch_prepare(b->d, s->banks, files, nr);
	if (!rc)
		keep_guest(b, files, nr, tree.heap);
	else if (tree.heap)
		heap_free(tree.heap, tree.order);
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

static int __init build_host(struct build *b)
{
	int rc = build_direct_memory(b);

	rc = rc ? rc : build_host_devices(b);
	if (rc)
		return rc;
	load_modules(b);
	return build_host_tree(b);
}

static int __init build_guest(struct build *b)
{
	const struct domain_spec *s = b->spec;
	int rc = s->static_mem ? static_ram_build(b->d, s->banks, s->static_mem, s->nr_static) :
				 guest_ram_build(b->d, s->banks);

	if (rc)
		return rc;
	rc = build_guest_devices(b);
	rc = rc ? rc : prepare_guest(b);
	if (rc)
		guest_ram_free(b->d, s->banks);
	return rc;
}

int __init builder_build(const struct boot_info *bi, const struct domain_spec *spec,
			 struct domain **out)
{
	struct build b = { .bi = bi, .spec = spec };
	int rc = builder_place(bi, spec, &b.image, &b.layout);

	rc = rc ? rc : build_domain(&b);
	if (rc)
		return rc;
	rc = spec->flags & DOMAIN_HARDWARE ? build_host(&b) : build_guest(&b);
	if (rc) {
		while (domain_kill(b.d) == -XEN_ERESTART)
			;
		return rc;
	}
	vcpu_arch_boot(b.d->vcpus[0], b.layout.kernel.start + b.image.entry,
			b.layout.fdt.start);
	say_layout(&b);
	*out = b.d;
	return 0;
}
