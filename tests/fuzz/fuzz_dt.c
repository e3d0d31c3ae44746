/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/boot/plan.c
 * hyp/boot/decide.c hyp/boot/console_find.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/shm_fdt.c hyp/boot/passthrough.c hyp/boot/pass_check.c
 * hyp/boot/pass_fdt.c hyp/boot/place.c hyp/boot/fdt_out.c hyp/boot/seed.c hyp/core/cmdline.c
 * hyp/core/options.c hyp/drivers/drivers.c hyp/drivers/pl011.c */
/* options: -max_len=16384 -len_control=0 */
/*
 * The device tree of the boot loader, whatever its bytes: read, decided about, and turned into the
 * domains' trees. It is the partial tree of all domains that have one, too. The blob lies in a block of exactly its size. Besides staying inside, decisions must hold:
 * memory that is given away exists, and is given away once.
 *
 * Most inputs are changed as trees (a property, a node), because damaged bytes end at the first check.
 */
#include <abi/guest_layout.h>
#include <serai/arch.h>
#include <serai/boot.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/fdt.h>
#include <serai/passthrough.h>
#include <serai/printk.h>
#include <serai/uart.h>
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FDT_AT	   0x4a000000UL
#define IMAGE	   0x40200000UL
#define IMAGE_SIZE 0x90000UL
#define VCPUS	   4
#define P2M_LIMIT  (1UL << 40)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static struct options fresh_options;

/* What is printed is read to its end. */
void printk_at(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

void console_set_uart(const struct uart *u)
{
}

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return NULL;
}

/* --- what must hold --- */

#define MUST(c)                                                                       \
	do {                                                                          \
		if (!(c)) {                                                           \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #c); \
			abort();                                                      \
		}                                                                     \
	} while (0)

static void must_be_free(const struct boot_info *bi, const struct range *r)
{
	MUST(r->start < r->end && !(r->start % PAGE_SIZE) && !(r->end % PAGE_SIZE));
	MUST(range_set_find(&bi->banks, r->start, r->end));
	MUST(!ranges_overlap(r, &bi->image));
	for (u32 i = 0; i < bi->reserved.nr; i++)
		MUST(!ranges_overlap(r, &bi->reserved.r[i]));
}

/* Static memory of one domain against dom0's and that of those behind it. */
static void must_be_alone(const struct boot_info *bi, u32 n, const struct range *r)
{
	for (u32 i = 0; i < bi->dom0_banks.nr; i++)
		MUST(!ranges_overlap(r, &bi->dom0_banks.r[i]));
	for (u32 i = n + 1; i < bi->nr_domains; i++)
		for (u32 k = 0; k < bi->domains[i].nr_static; k++)
			MUST(bi->domains[i].left_out ||
			     !ranges_overlap(r, &bi->domains[i].static_mem[k]));
}

static void check_decision(const struct boot_info *bi)
{
	u32 runs = bootinfo_module(bi, MODULE_KERNEL) != NULL;

	for (u32 i = 0; i < bi->dom0_banks.nr; i++)
		must_be_free(bi, &bi->dom0_banks.r[i]);
	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];

		if (d->left_out)
			continue;
		runs++;
		MUST(d->nr_vcpus && d->memory >= PAGE_SIZE);
		MUST(bootinfo_domain_module(bi, d->node, MODULE_KERNEL));
		for (u32 k = 0; k < d->nr_static; k++) {
			must_be_free(bi, &d->static_mem[k]);
			must_be_alone(bi, i, &d->static_mem[k]);
		}
	}
	MUST(runs);
}

/* Regions that domains share: like static memory, and the same for all who take part. */
static void check_shared(const struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];
		struct range r = { s->host, s->host + s->size };

		if (!bootshm_takes_part(bi, s))
			continue;
		must_be_free(bi, &r);
		must_be_alone(bi, (u32)-1, &r);
		for (u32 k = 0; k < i; k++) {
			const struct boot_shm *o = &bi->shm[k];
			bool same = !strcmp(o->id, s->id);

			if (!bootshm_takes_part(bi, o))
				continue;
			MUST(!same || (o->host == s->host && o->size == s->size));
			MUST(same || !ranges_overlap(&r, &(struct range){ o->host,
									  o->host + o->size }));
		}
	}
}

/* Registers and interrupts of a domain are nobody else's, and no RAM. */
static void check_devices(const struct boot_info *bi)
{
	for (u32 i = 0; i < passthrough.nr_regions; i++) {
		const struct pass_region *r = &passthrough.regions[i];

		MUST(r->owner && !bi->domains[r->owner - 1].left_out);
		MUST(r->host.start < r->host.end && !((r->host.start | r->guest) % PAGE_SIZE));
		for (u32 k = 0; k < bi->banks.nr; k++)
			MUST(!ranges_overlap(&r->host, &bi->banks.r[k]));
		MUST(!ranges_overlap(&r->host, &bi->gic.dist));
		for (u32 k = 0; k < i; k++)
			MUST(passthrough.regions[k].owner == r->owner ||
			     !ranges_overlap(&r->host, &passthrough.regions[k].host));
	}
	for (u32 i = 0; i < IRQS_MAX; i++)
		MUST(!passthrough.irq_owner[i] ||
		     (i >= IRQ_FIRST_SPI && !bi->domains[passthrough.irq_owner[i] - 1].left_out));
}

/* --- the boot --- */

static void build_dom0_tree(const struct boot_info *bi, int uart)
{
	static struct range ranges[BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16];
	struct range_set extended = { 0, ARRAY_SIZE(ranges), ranges };
	struct dom0_tree t = {
		.bi = bi,
		.uart = uart,
		.nr_vcpus = VCPUS,
		.evtchn_irq = 16,
		.banks = &bi->dom0_banks,
		.reserved = &dom0_devices.reserved,
		.extended = &extended,
		.grant = host_grant_region(bi),
		.bootargs = bi->dom0_cmdline,
	};
	size_t bound = dom0_fdt_bound(&t);
	char *buf = aligned_alloc(8, (bound + 7) & ~7UL);
	int rc;

	host_extended_regions(bi, -1, &bi->dom0_banks, &t.grant, &extended);
	rc = dom0_fdt_build(&t, buf, bound);
	MUST(rc <= 0 || fdt_check_full(buf, (size_t)rc) == 0);
	free(buf);
}

static void build_guest_tree(const struct boot_info *bi, u32 i)
{
	const struct boot_domain *d = &bi->domains[i];
	const struct boot_module *kernel = bootinfo_domain_module(bi, d->node, MODULE_KERNEL);
	u64 low = MIN(d->memory, GUEST_RAM0_SIZE);
	struct range bank[] = { { GUEST_RAM0_BASE, GUEST_RAM0_BASE + low },
				{ GUEST_RAM1_BASE, GUEST_RAM1_BASE + d->memory - low } };
	const struct range_set banks = { bank[1].end > bank[1].start ? 2 : 1, 2, bank };
	struct domu_tree t = {
		.bi = bi,
		.index = (int)i,
		.id = (domid_t)(i + 1),
		.nr_vcpus = d->nr_vcpus,
		.banks = &banks,
		.limit = P2M_LIMIT,
		.bootargs = kernel->cmdline ? kernel->cmdline : "",
		.hypervisor = d->enhanced != ENHANCED_NO,
		.partial = passthrough.tree[i],
		.gic = passthrough.tree[i] ? passthrough.gic[i] : GUEST_PHANDLE_GIC,
	};
	size_t bound = domu_fdt_bound(&t);
	char *buf = aligned_alloc(8, (bound + 7) & ~7UL);
	int rc = domu_fdt_build(&t, d->name, buf, bound);

	MUST(rc <= 0 || fdt_check_full(buf, (size_t)rc) == 0);
	free(buf);
}

/* The machine's tree is everybody's partial tree. */
static void read_partial_trees(struct boot_info *bi, int uart)
{
	passthrough_reset();
	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];

		if (!d->left_out && bootinfo_domain_module(bi, d->node, MODULE_FDT))
			passthrough_read(bi, i, bi->fdt, fdt_totalsize(bi->fdt), uart);
	}
	check_devices(bi);
}

static void boot(const void *blob)
{
	const struct uart_driver *driver;
	struct boot_device dev;
	int uart = -1;

	options = fresh_options;
	if (bootinfo_parse(blob, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE))
		return;
	cmdline_parse(boot_info.hyp_cmdline);
	if (!bootinfo_find_console(&dev, &driver))
		uart = dev.node;
	if (builder_decide(&boot_info))
		return;
	check_decision(&boot_info);
	check_shared(&boot_info);
	read_partial_trees(&boot_info, uart);
	for (u32 i = 0; i < boot_info.nr_domains; i++)
		if (!boot_info.domains[i].left_out)
			build_guest_tree(&boot_info, i);
	if (bootinfo_module(&boot_info, MODULE_KERNEL) &&
	    !dom0_devices_collect(&boot_info, uart, &dom0_devices))
		build_dom0_tree(&boot_info, uart);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	u8 *blob;

	if (!started) {
		fresh_options = options;
		started = true;
	}
	if (size < sizeof(struct fdt_header))
		return 0;
	blob = aligned_alloc(8, (size + 7) & ~7UL);
	memcpy(blob, data, size);
	if (fdt_magic(blob) == FDT_MAGIC && fdt_totalsize(blob) <= size)
		boot(blob);
	free(blob);
	return 0;
}

/* --- changing trees --- */

static const char *const names[] = {
	"reg", "compatible", "status", "device_type", "#address-cells", "#size-cells", "ranges",
	"phandle", "interrupt-parent", "#interrupt-cells", "interrupts", "interrupts-extended",
	"interrupt-map", "bootargs", "method", "xen,passthrough", "enable-method", "cpu-release-addr",
	"#redistributor-regions", "redistributor-stride", "clock-frequency", "stdout-path", "cpus",
	"memory", "vpl011", "xen,enhanced", "nr_spis", "max_grant_frames", "direct-map",
	"xen,static-mem", "#xen,static-mem-address-cells", "#xen,static-mem-size-cells",
	"xen,static-heap", "#xen,static-heap-address-cells", "#xen,static-heap-size-cells",
	"xen,xen-bootargs", "xen,dom0-bootargs", "domain-cpupool", "cpupool-cpus", "cpupool-sched",
	"xen,shared-mem", "xen,shm-id", "role", "xen,offset", "xen,evtchn", "passthrough", "reg-shift",
	"xen,reg", "xen,path", "kaslr-seed", "rng-seed", "arm,msi-base-spi", "arm,msi-num-spis",
	"linux,initrd-start", "llc-colors", "xen,force-assign-without-iommu",
};

static const char *const texts[] = {
	"memory", "cpu", "okay", "disabled", "psci", "spin-table", "smc", "hvc", "arm,gic-v3",
	"arm,gic-400", "arm,gic-v2m-frame", "arm,armv8-timer", "arm,psci-1.0", "arm,pl011",
	"multiboot,kernel", "multiboot,ramdisk", "multiboot,device-tree", "multiboot,module",
	"xen,multiboot-module", "xen,domain", "xen,cpupool", "xen,domain-shared-memory-v1",
	"xen,evtchn-v1", "enabled", "no-xenstore", "owner", "borrower", "null", "simple-bus",
	"mmio-sram", "pci", "dom0_mem=64M", "dom0_mem=1G dom0less=strict", "console=none", "/uart",
	"/soc/uart@1000:115200n8", "",
};

static const u32 numbers[] = {
	0, 1, 2, 3, 4, 8, 16, 32, 0x1000, 0x8000, 0x20000, 0x90000, 0x100000, 0x200000, 0x8000000,
	0x10000000, 0x40000000, 0x40200000, 0x44000000, 0x48000000, 0x4a000000, 0x60000000, 0x80000000,
	0xa0000000, 0xfffff000, 0xffffffff, 0x7fff, 0x8001, 0x8002, 0x8003,
};

static u32 below(u32 n)
{
	return (u32)rand() % n;
}

static u32 number(void)
{
	return below(8) ? numbers[below(ARRAY_SIZE(numbers))] : (u32)rand();
}

static int random_node(const void *fdt)
{
	int node = 0, nodes = 0;

	for (; node >= 0; node = fdt_next_node(fdt, node, NULL))
		nodes++;
	nodes = (int)below((u32)nodes);
	for (node = 0; nodes > 0; nodes--)
		node = fdt_next_node(fdt, node, NULL);
	return node;
}

/* One of the node's own, or any. */
static const char *random_name(const void *fdt, int node)
{
	const char *name = NULL;
	int p, n = 0;

	if (below(2))
		return names[below(ARRAY_SIZE(names))];
	fdt_for_each_property_offset(p, fdt, node)
		if (!below((u32)++n))
			fdt_getprop_by_offset(fdt, p, &name, NULL);
	return name ? name : names[below(ARRAY_SIZE(names))];
}

/* Changes a cell or a byte of what is there, or writes something new. */
static void change_prop(void *fdt, int node)
{
	char name[40];
	u8 value[256];
	int len = 0;
	const void *old;

	snprintf(name, sizeof(name), "%s", random_name(fdt, node));
	old = fdt_getprop(fdt, node, name, &len);
	len = old ? MIN(len, (int)sizeof(value)) : 0;
	if (len)
		memcpy(value, old, (size_t)len);
	if (len >= 4 && below(3)) {
		u32 cell = cpu_to_fdt32(number());

		memcpy(value + below((u32)len / 4) * 4, &cell, 4);
	} else if (below(3) == 0) {
		snprintf((char *)value, sizeof(value), "%s", texts[below(ARRAY_SIZE(texts))]);
		len = (int)strlen((char *)value) + 1;
	} else if (below(2)) {
		len = (int)below(9) * 4;
		for (int i = 0; i < len; i += 4)
			*(u32 *)(void *)(value + i) = cpu_to_fdt32(number());
	} else if (len) {
		len = (int)LLVMFuzzerMutate(value, (size_t)len, sizeof(value));
	}
	fdt_setprop(fdt, node, name, value, len);
}

static void add_node(void *fdt, int node)
{
	static const char *const nodes[] = { "memory@1",      "reserved-memory", "chosen", "cpus",
					     "module@60000000", "domU3",	   "soc",    "bus@1" };
	const char *kind = texts[below(ARRAY_SIZE(texts))];
	int sub = fdt_add_subnode(fdt, node, nodes[below(ARRAY_SIZE(nodes))]);

	if (sub < 0)
		return;
	fdt_setprop_string(fdt, sub, "compatible", kind);
	for (u32 n = below(4); n; n--)
		change_prop(fdt, sub);
}

static void change_tree(void *fdt)
{
	int node = random_node(fdt);
	u32 what = below(20);

	if (what == 0 && node)
		fdt_del_node(fdt, node);
	else if (what == 1)
		fdt_delprop(fdt, node, random_name(fdt, node));
	else if (what <= 3)
		add_node(fdt, node);
	else if (what == 4)
		fdt_add_mem_rsv(fdt, (u64)number() << below(16), number());
	else if (what == 5)
		fdt_nop_node(fdt, node ? node : random_node(fdt));
	else
		change_prop(fdt, node);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static u64 room[0x8000];
	void *copy;

	srand(seed);
	if (size < sizeof(struct fdt_header) || !below(8))
		return LLVMFuzzerMutate(data, size, max);
	copy = aligned_alloc(8, (size + 7) & ~7UL);
	memcpy(copy, data, size);
	if (dt_check(copy, size) || fdt_open_into(copy, room, sizeof(room))) {
		free(copy);
		return LLVMFuzzerMutate(data, size, max);
	}
	free(copy);
	for (u32 n = 1 + below(4); n; n--)
		change_tree(room);
	if (fdt_pack(room) || fdt_totalsize(room) > max)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, room, fdt_totalsize(room));
	return fdt_totalsize(room);
}
