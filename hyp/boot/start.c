/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the boot information to running domains. All are built before one runs, because libfdt is
 * not to be called later; their RAM is loaded when they are launched. Several may name the same
 * file: it stays until the last one is loaded. A guest that cannot be built is left out, unless
 * dom0less=strict.
 */
#include <serai/boot.h>
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
#include <serai/string.h>
#include <libfdt.h>

#define DOM0_PORTS	131072

static struct domain *guests[BOOT_DOMAINS_MAX] __initbss;
u64 builder_files_kept;

/* Out of the way of dom0's memory, where the loader may have put it. */
static int __init move_fdt(struct boot_info *bi)
{
	size_t used = dt_used_size(bi->fdt);
	unsigned int order = 0;
	void *copy;

	while (PAGE_SIZE << order < used)
		order++;
	copy = heap_alloc(order, FRAME_NO_SCRUB);
	if (!copy)
		return -XEN_ENOMEM;
	memcpy(copy, bi->fdt, used);
	fdt_set_totalsize(copy, (u32)used);
	bootinfo_set_fdt(copy);
	return 0;
}

/* Frames that only the boot loader's files and tree kept from the heap. Guests may want theirs again. */
static int __init release_modules(struct boot_info *bi)
{
	RANGE_SET_INIT(freed, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);
	RANGE_SET_INIT(kept, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);
	int rc = bootinfo_usable(bi, &freed, KEEP_NOTHING);
	u64 all = range_set_total(&freed);

	if (!rc && !options.dom0less_norestart)
		rc = bootinfo_usable(bi, &freed, KEEP_GUESTS);
	builder_files_kept = all - range_set_total(&freed);
	if (!rc)
		rc = bootinfo_usable(bi, &kept, KEEP_ALL);
	for (u32 i = 0; i < kept.nr && !rc; i++)
		rc = range_set_remove(&freed, kept.r[i].start, kept.r[i].end);
	for (u32 i = 0; i < bi->dom0_banks.nr && !rc; i++)
		rc = range_set_remove(&freed, bi->dom0_banks.r[i].start, bi->dom0_banks.r[i].end);
	for (u32 i = 0; i < freed.nr && !rc; i++)
		launch_give_back(freed.r[i].start, freed.r[i].end, false);
	bi->fdt_range = (struct range){ 0, 0 };
	return rc;
}

/* ------------------------------------------------------------------------------------- guests -- */

/* Static memory: set aside, so that it never becomes the heap's. */
static int __init guest_memory(const struct boot_domain *b, struct range_set *banks)
{
	int rc = 0;

	guest_banks(b->memory, banks);
	if (b->direct_map)
		range_set_clear(banks);
	for (u32 i = 0; i < b->nr_static && !rc; i++) {
		rc = frame_set_aside(b->static_mem[i].start, b->static_mem[i].end);
		if (!rc && b->direct_map)
			rc = range_set_add(banks, b->static_mem[i].start, b->static_mem[i].end);
	}
	return rc;
}

static int __init build_guest(const struct boot_info *bi, const struct boot_domain *b, domid_t id,
			      struct domain **out)
{
	struct range ranges[BOOT_STATIC_MAX];
	struct range_set banks = { 0, ARRAY_SIZE(ranges), ranges };
	struct domain_spec spec = {
		.id = id,
		.index = id - 1,
		.flags = options.guest_console_io ? DOMAIN_CONSOLE : 0,
		.name = b->name,
		.nr_vcpus = b->nr_vcpus,
		.pool = pools_find(b->pool),
		.banks = &banks,
		.static_mem = b->nr_static ? b->static_mem : NULL,
		.nr_static = b->nr_static,
		.kernel = bootinfo_domain_module(bi, b->node, MODULE_KERNEL),
		.ramdisk = bootinfo_domain_module(bi, b->node, MODULE_RAMDISK),
		.uart = -1,
		.max_evtchn_port = GUEST_PORTS - 1,
		.max_grant_frames = b->max_grant_frames ?: options.gnttab_max_frames,
		.max_maptrack_frames = b->max_maptrack_frames ?: options.gnttab_max_maptrack_frames,
		.max_grant_version = b->max_grant_version ?: options.gnttab_max_version,
		.table_pages = bootdomain_table_pages(b),
		.nr_spis = b->nr_spis,
		.vpl011 = b->vpl011,
		.enhanced = b->enhanced,
	};
	int rc;

	spec.cmdline = spec.kernel->cmdline ? spec.kernel->cmdline : "";
	if (!spec.pool) {
		pr_err("%s: domain-cpupool: none of its CPUs is up\n", b->name);
		return -XEN_ENODEV;
	}
	rc = guest_memory(b, &banks);
	if (rc)
		return rc;
	if (b->direct_map) {
		spec.flags |= DOMAIN_DIRECT_MAP;
		spec.static_mem = ranges;
		spec.nr_static = banks.nr;
	}
	pr_info("%s: d%u, %lu MiB%s, %u vcpu%s\n", b->name, id, b->memory >> 20,
		b->direct_map ? " static, direct mapped" : b->nr_static ? " static" : "",
		b->nr_vcpus, b->nr_vcpus == 1 ? "" : "s");
	return builder_build(bi, &spec, out);
}

/* Ids by place in the tree, so that they do not depend on what becomes of others. */
static int __init build_guests(struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_domains; i++) {
		int rc = 0;

		if (!bi->domains[i].left_out)
			rc = build_guest(bi, &bi->domains[i], (domid_t)(i + 1), &guests[i]);
		if (rc && options.dom0less_strict)
			return rc;
		if (rc) {
			pr_err("%s: left out; the others go on\n", bi->domains[i].name);
			bi->domains[i].left_out = true;
		}
	}
	return 0;
}

/* --------------------------------------------------------------------------------------- dom0 -- */

static void __init say_memory(const struct range_set *banks, u32 vcpus)
{
	pr_info("dom0: %lu MiB, %u vcpus\n", range_set_total(banks) >> 20, vcpus);
	for (u32 i = 0; i < banks->nr; i++)
		pr_info("dom0: memory %#lx-%#lx\n", banks->r[i].start, banks->r[i].end - 1);
}

/* The node of the machine's tree that stays the hypervisor's; -1: none. */
static int __init own_uart(const struct boot_info *bi)
{
	const struct uart *uart = console_uart();

	return uart && uart->dt_path ? dt_lookup(bi->fdt, uart->dt_path) : -1;
}

static int __init build_dom0(const struct boot_info *bi, struct domain **out)
{
	struct domain_spec spec = {
		.id = 0,
		.index = -1,
		.flags = DOMAIN_CONTROL | DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP,
		.name = "dom0",
		.nr_vcpus = options.dom0_max_vcpus ?: cpumask_weight(&pools_find(-1)->cpus),
		.banks = &bi->dom0_banks,
		.kernel = bootinfo_module(bi, MODULE_KERNEL),
		.ramdisk = bootinfo_module(bi, MODULE_RAMDISK),
		.cmdline = bi->dom0_cmdline,
		.uart = own_uart(bi),
		.max_evtchn_port = DOM0_PORTS - 1,
		.max_grant_frames = options.gnttab_max_frames,
		.max_maptrack_frames = options.gnttab_max_maptrack_frames,
		.max_grant_version = options.gnttab_max_version,
		.nr_spis = BOOT_SPIS_ALL,
	};

	if (!spec.kernel)
		return 0;
	say_memory(spec.banks, spec.nr_vcpus);
	return builder_build(bi, &spec, out);
}

int __init built_drop(const struct boot_info *bi, struct built *b, int index, int rc)
{
	if (index < 0 || options.dom0less_strict)
		return rc;
	while (domain_kill(b->guests[index]) == -XEN_ERESTART)
		;
	b->guests[index] = NULL;
	pr_err("%s: left out; the others go on\n", bi->domains[index].name);
	return 0;
}

int __init builder_start(void)
{
	struct boot_info *bi = &boot_info;
	struct built built = { .guests = guests };
	bool any = false;
	int rc = move_fdt(bi);

	rc = rc ? rc : kernel_unpack(bi);
	rc = rc ? rc : passthrough_load(bi, own_uart(bi));
	rc = rc ? rc : build_guests(bi);
	passthrough_end();
	rc = rc ? rc : build_dom0(bi, &built.dom0);
	rc = rc ? rc : shm_connect(bi, &built);
	rc = rc ? rc : channels_connect(bi, &built);
	rc = rc ? rc : release_modules(bi);
	kernel_give_back(bi);
	if (rc)
		return rc;
	if (built.dom0)
		launch_start(built.dom0);
	for (u32 i = 0; i < bi->nr_domains; i++) {
		if (!guests[i])
			continue;
		if (bi->domains[i].enhanced == ENHANCED_FULL)
			guest_connect_xenstore(guests[i]);
		launch_start(guests[i]);
		any = true;
	}
	if (!built.dom0 && !any)
		pr_err("no domain could be built\n");
	return built.dom0 || any ? 0 : -XEN_ENODEV;
}
