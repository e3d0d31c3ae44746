/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of the machine, in order: translation, device tree, console, memory, interrupts, CPUs,
 * dom0. Everything here runs once, on the boot CPU.
 */
#include <arch/cpufeature.h>
#include <arch/gic.h>
#include <arch/mmu.h>
#include <arch/psci.h>
#include <arch/smp.h>
#include <arch/sysreg.h>
#include <arch/time.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/boot.h>
#include <serai/bug.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/irq.h>
#include <serai/launch.h>
#include <serai/power.h>
#include <serai/printk.h>
#include <serai/sched.h>
#include <serai/trace.h>
#include <serai/uart.h>
#include <serai/unit.h>
#include <version.h>

/* False: it cannot be used; but perhaps a console can be found in it, to say so. */
static bool __init read_device_tree(paddr_t fdt_pa)
{
	const void *fdt = mmu_map_fdt(fdt_pa);
	paddr_t start, end;
	bool readable;

	mmu_image_range(&start, &end);
	readable = !bootinfo_parse(fdt, fdt_pa, start, end);
	cmdline_parse(boot_info.hyp_cmdline);
	console_init();
	return readable;
}

static void __init start_console(void)
{
	const struct uart_driver *driver;
	struct boot_device dev;

	if (!bootinfo_find_console(&dev, &driver) &&
	    !driver->init(dev.base, dev.size, dev.irq.intid))
		console_set_dt_path(dev.path);
}

/* Before anything else can go wrong: the end of a panic needs it. */
static void __init start_power(void)
{
	struct boot_device dev;

	psci_init(boot_info.psci == PSCI_SMC ? PSCI_CONDUIT_SMC :
		  boot_info.psci == PSCI_HVC ? PSCI_CONDUIT_HVC :
					       PSCI_CONDUIT_NONE);
	for (unsigned int i = 0; boot_info.psci != PSCI_SMC && i < power_drivers_count; i++) {
		const struct power_driver *driver = power_drivers[i];

		if (driver && !bootinfo_find_compatible(driver->compatible, &dev) &&
		    !driver->init(dev.base, dev.size))
			psci_set_substitute(driver);
	}
}

static void __init banner(void)
{
	pr_info("Serai %s" BUILD_KIND " (%s) %s\n", SERAI_VERSION, SERAI_COMPILER,
		SERAI_CHANGESET);
	pr_info("command line: %s\n", cmdline_text[0] ? cmdline_text : "(empty)");
}

struct heap_fill {
	struct range table;
};

static void __init add_to_heap(paddr_t start, paddr_t end, void *ctx)
{
	const struct heap_fill *f = ctx;

	if (f->table.start >= start && f->table.end <= end) {
		if (f->table.start > start)
			frame_add_range(start, f->table.start, true);
		if (f->table.end < end)
			frame_add_range(f->table.end, end, true);
		return;
	}
	frame_add_range(start, end, true);
}

static void __init start_memory(void)
{
	const struct range_set *banks = &boot_info.banks;
	paddr_t lowest = banks->r[0].start, highest = banks->r[banks->nr - 1].end;
	struct heap_fill fill;

	frame_ram = range_set_total(banks) >> PAGE_SHIFT;
	for (u32 i = 0; i < banks->nr; i++)
		mmu_map_direct(banks->r[i].start, range_size(&banks->r[i]));
	fill.table = frame_table_build();
	if (frame_init(lowest, highest))
		panic("the frame table cannot describe RAM from %#lx to %#lx", lowest, highest);
	bootinfo_free_ranges(add_to_heap, &fill);
	console_init_ring();
}

static struct gic_frames __init gic_frames_of(const struct range *r)
{
	return (struct gic_frames){ r->start, range_size(r) };
}

static void __init start_interrupts(void)
{
	struct gic_frames rdists[GIC_RDIST_REGIONS_MAX];
	const struct boot_gic *gic = &boot_info.gic;
	struct gic_places places = {
		.dist = gic_frames_of(&gic->dist),
		.cpu = gic_frames_of(&gic->cpu),
		.hyp = gic_frames_of(&gic->hyp),
		.vcpu = gic_frames_of(&gic->vcpu),
		.rdist = rdists,
		.nr_rdists = MIN(gic->nr_redists, (u32)GIC_RDIST_REGIONS_MAX),
		.maintenance_irq = gic->maintenance.intid,
	};
	int rc;

	if (gic->version == 3 && !cpu_features.gic_sysregs) {
		pr_err("device tree: it has a GICv3, but the CPU has no system registers of one; take "
		       "the tree of this machine, or let the firmware switch them on\n");
		refuse_boot();
	}
	for (u32 i = 0; i < places.nr_rdists; i++)
		rdists[i] = gic_frames_of(&gic->redist[i]);
	rc = gic->version == 2 ? gicv2_init(&places) : gicv3_init(&places);
	if (rc) {
		pr_err("device tree: the GICv%u at %#lx cannot be used (%d); is this the tree of this "
		       "machine?\n", gic->version, gic->dist.start, rc);
		refuse_boot();
	}
}

static void __init start_units(void)
{
	for (unsigned int i = 0; i < units_count; i++) {
		int rc = units[i].init ? units[i].init() : 0;

		if (rc)
			panic("%s cannot start (%d)", units[i].name, rc);
	}
}

static void __init start_cpus(void)
{
	unsigned int nr = smp_start_all(boot_info.cpus, boot_info.nr_cpus);

	pr_info("%u CPU%s, scheduler %s\n", nr, nr == 1 ? "" : "s", sched_policy()->name);
	if (pools_make(&boot_info))
		panic("the CPU pools of the device tree cannot be made");
}

/* Not start-up code: it takes that away. */
static __noreturn __noinline void leave_startup(void)
{
	struct frame_stats stats;
	struct domain *d;
	u64 taken;
	u32 nr = 0;

	mmu_seal();
	frame_stats(&stats);
	taken = frame_ram - stats.free - stats.pooled - ((builder_files_kept + launch_pending_bytes()) >> PAGE_SHIFT);
	for (u32 id = 0; (d = domain_get_next(id)); id = d->id + 1U, domain_put(d), nr++)
		taken -= d->frames.max;
	pr_info("memory: %lu MiB, of which %lu KiB are Serai's, %lu KiB for page tables and %lu MiB "
		"free; %u domain%s\n", frame_ram >> 8, taken << 2, stats.pooled << 2, stats.free >> 8,
		nr, nr == 1 ? " starts" : "s start");
	if (builder_files_kept)
		pr_info("memory: %lu KiB of guests' files stay for restarts; dom0less=norestart gives "
			"them back\n", builder_files_kept >> 10);
	this_cpu()->work |= WORK_SCHED;
	enter_first_guest();
}

void start_hyp(paddr_t fdt_pa, u64 phys_offset);
void __init start_hyp(paddr_t fdt_pa, u64 phys_offset)
{
	bool readable;

	image_phys_offset = phys_offset;
	smp_boot_cpu_init();
	mmu_init_early();
	readable = read_device_tree(fdt_pa);
	start_console();
	banner();
	time_init(boot_info.timer.clock_frequency);
	start_power();
	bootinfo_trim_memory(&boot_info, mmu_probe);
	if (!readable || builder_decide(&boot_info))
		refuse_boot();
	cpu_feature_init(0);
	start_memory();
	this_cpu()->stack_top = smp_stack_alloc();
	if (!this_cpu()->stack_top)
		panic("no memory for the boot CPU's stack");
	start_interrupts();
	sysreg_init();
	sched_tunables = options.tunables;
	if (sched_init(pools_boot_sched(&boot_info, options.sched)))
		panic("the scheduler cannot start");
	start_units();
	cpu_init_this(0);
	start_cpus();
	trace_boot();
	console_start_input();
	while (options.bootscrub == BOOTSCRUB_ON && frame_scrub_some())
		;
	if (builder_start())
		refuse_boot();
	leave_startup();
}
