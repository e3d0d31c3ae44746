/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/core/options.c hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/guest.c hyp/boot/start.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c */
/*
 * dom0 from the boot loader's tree to its first vcpu: where everything goes, what is copied, which
 * tree, memory and interrupts it gets. Frames, stage 2 and interrupts are recorded here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "no_access.h"
#include "no_guests.h"
#include "tree.h"
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/launch.h>
#include <serai/restart.h>

#define MIB	   (1UL << 20)
#define RAM	   0x40000000UL
#define IMAGE	   0x40200000UL
#define IMAGE_SIZE 0x40000UL
#define HEAP	   0x5ff00000UL /* what heap_alloc() gives, top of 512 MiB */
#define K	   "/chosen/module@0x44000000"
#define R	   "/chosen/module@0x48000000"

static struct boot_info *const bi = &boot_info;
static void *fdt, *done;
static u64 fdt_at;

/* --- what the builder calls --- */

static struct fake {
	struct domain d;
	struct vcpu vcpu[8], *vcpus[8];
	struct frame_owner *owner;
	struct domain_config cfg;
	struct range assigned[16], mapped[64], added[32];
	enum p2m_type type[64];
	u32 nr_assigned, nr_mapped, nr_added;
	u8 irq_given[IRQS_MAX], irq_type[IRQS_MAX];
	u32 irq_taken; /* the hypervisor's */
	u64 pc, x0, flushed;
	u32 heap_used, heap_fail_in, map_fail_in, released, killed;
	bool has_uart;
	struct uart uart;
} f;

/* Records of 512 MiB of RAM: only their addresses matter. */
u64 frame_first_mfn = RAM >> PAGE_SHIFT, frame_count = 0x20000;

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	f.cfg = *cfg;
	f.d.id = cfg->id;
	f.d.flags = cfg->flags;
	f.d.nr_vcpus = cfg->nr_vcpus;
	f.d.vcpus = f.vcpus;
	for (u32 i = 0; i < cfg->nr_vcpus && i < 8; i++) {
		f.vcpus[i] = &f.vcpu[i];
		f.vcpu[i].unit.holds = HOLD_DOWN;
	}
	*out = &f.d;
	return 0;
}

int frame_assign(struct frame_owner *o, struct frame *frame, u64 nr)
{
	u64 start = mfn_to_paddr(frame_to_mfn(frame));

	assert_ptr_equal(o, &f.d.frames);
	f.assigned[f.nr_assigned++] = (struct range){ start, start + nr * PAGE_SIZE };
	return 0;
}

int p2m_map(struct p2m *p, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
	if (f.map_fail_in && --f.map_fail_in == 0)
		return -XEN_ENOMEM;
	if (mfn_to_paddr(m) >> 40)
		return -XEN_EINVAL;
	assert_int_equal(g.v, m.v);
	f.type[f.nr_mapped] = t;
	f.mapped[f.nr_mapped++] =
		(struct range){ mfn_to_paddr(m), mfn_to_paddr(m) + nr * PAGE_SIZE };
	return 0;
}

void *heap_alloc(unsigned int order, u32 flags)
{
	void *va;

	if (f.heap_fail_in && --f.heap_fail_in == 0)
		return NULL;
	va = paddr_to_virt(HEAP + f.heap_used);
	f.heap_used += (u32)PAGE_SIZE << order;
	assert_true(f.heap_used <= 0x100000);
	return va;
}

void heap_free(void *va, unsigned int order)
{
}

void memory_copy(paddr_t dst, paddr_t src, u64 size)
{
	memcpy(paddr_to_virt(dst), paddr_to_virt(src), size);
}

void launch_give_back(paddr_t start, paddr_t end, bool heap)
{
	f.added[f.nr_added++] = (struct range){ start, end };
}

void launch_start(struct domain *d)
{
	assert_ptr_equal(d, &f.d);
	f.released++;
}

/* What only other domains need. */

int launch_prepare(struct domain *d, const struct range_set *banks, const struct launch_file *files,
		   u32 nr)
{
	return -XEN_ENOMEM;
}

int restart_keep(const struct restart_plan *p, void *tree, const struct boot_info *from)
{
	return 0;
}

void launch_keep_files(struct domain *d)
{
}

int p2m_unmap(struct p2m *p, gfn_t g, u64 nr)
{
	return 0;
}

void frame_free_range(struct frame *frame, u64 nr)
{
}

int domain_kill(struct domain *d)
{
	assert_ptr_equal(d, &f.d);
	f.killed++;
	return 0;
}

struct frame *frame_alloc_for(const struct frame_owner *o, unsigned int order, u32 flags)
{
	return NULL;
}

void frame_free(struct frame *frame, unsigned int order)
{
}

void frame_stats(struct frame_stats *s)
{
	*s = (struct frame_stats){ 0 };
}

int vpl011_domain_create(struct domain *d, const struct uart_place *at)
{
	return 0;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
	return -XEN_ENOSPC;
}

int irq_assign(u32 irq, struct domain *d, u32 virq)
{
	assert_int_equal(irq, virq);
	if (irq == f.irq_taken)
		return -XEN_EBUSY;
	f.irq_given[irq]++;
	return 0;
}

void irq_arch_set_type(u32 irq, enum irq_type type)
{
	f.irq_type[irq] = (u8)type;
}

u32 irq_arch_lines(void)
{
	return 288;
}

void vcpu_arch_boot(struct vcpu *v, u64 pc, u64 x0)
{
	assert_ptr_equal(v, &f.vcpu[0]);
	f.pc = pc;
	f.x0 = x0;
}

const struct uart *console_uart(void)
{
	return f.has_uart ? &f.uart : NULL;
}

/* --- the machine --- */

static void put_image(u64 at, u64 text_offset, u64 image_size, u64 flags)
{
	u64 head[8] = { 0, text_offset, image_size, flags, 0, 0, 0, 0x644d5241 };

	for (size_t i = 0; i < sizeof(head); i++)
		*(u8 *)paddr_to_virt(at + i) = ((u8 *)head)[i];
}

static void set_reg(const char *path, u64 at, u64 size)
{
	tree_set_cells(fdt, path, "reg", (u32)(at >> 32), (u32)at, (u32)(size >> 32), (u32)size);
}

static int set_up(void **state)
{
	memset(&f, 0, sizeof(f));
	host_init(2);
	messages_clear();
	options.dom0_mem = 256 * MIB;
	options.dom0_max_vcpus = 0;
	f.has_uart = true;
	f.uart.dt_path = "/pl011@9000000";
	fdt_at = 0x4a000000;
	fdt = tree_data("qemu-virt.dts");
	set_reg("/memory@40000000", RAM, 512 * MIB);
	set_reg(K, 0x44000000, 24 * MIB + 100);
	set_reg(R, 0x48000000, 3 * MIB + 5);
	put_image(0x44000000, 0, 25 * MIB, 0xa);
	memset(paddr_to_virt(0x48000000), 0xcd, 3 * MIB + 5);
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

static void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static int parse(void)
{
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, fdt_at, IMAGE, IMAGE + IMAGE_SIZE), 0);
	return bootinfo_check(bi);
}

static int build(void)
{
	assert_int_equal(parse(), 0);
	assert_int_equal(builder_plan_dom0(), 0);
	return builder_start();
}

#define assert_range(range, s, e)                          \
	do {                                               \
		assert_int_equal((range).start, (u64)(s)); \
		assert_int_equal((range).end, (u64)(e));   \
	} while (0)

static bool has_range(const struct range *r, u32 nr, u64 start, u64 end)
{
	for (u32 i = 0; i < nr; i++)
		if (r[i].start == start && r[i].end == end)
			return true;
	return false;
}

static bool touches(const struct range *r, u32 nr, u64 start, u64 end)
{
	const struct range x = { start, end };

	for (u32 i = 0; i < nr; i++)
		if (ranges_overlap(&r[i], &x))
			return true;
	return false;
}

/* --- dom0 --- */

static const void *tree;

static int node_at(const char *path)
{
	return fdt_path_offset(tree, path);
}

static const void *prop(const char *path, const char *name, int *len)
{
	return fdt_getprop(tree, tree_node(tree, path), name, len);
}

static void assert_cells_(const char *path, const char *name, const u32 *want, size_t n)
{
	int len = 0;
	const u32 *c = prop(path, name, &len);

	if (!c || len != (int)n * 4)
		fail_msg("%s %s: %d bytes, not %zu", path, name, len, n * 4);
	for (size_t i = 0; i < n; i++)
		if (fdt32_to_cpu(c[i]) != want[i])
			fail_msg("%s %s: cell %zu is %#x, not %#x", path, name, i,
				 fdt32_to_cpu(c[i]), want[i]);
}

#define assert_cells(path, name, ...)                                  \
	do {                                                           \
		u32 want_[] = { __VA_ARGS__ };                         \
		assert_cells_(path, name, want_, ARRAY_SIZE(want_));   \
	} while (0)
#define assert_bytes(path, name, text)                                      \
	do {                                                                \
		int len_ = 0;                                               \
		const void *p_ = prop(path, name, &len_);                   \
		assert_non_null(p_);                                        \
		assert_int_equal(len_, sizeof(text));                       \
		assert_memory_equal(p_, text, sizeof(text));                \
	} while (0)
#define assert_no_prop(path, name) assert_null(prop(path, name, NULL))

static void take_tree(void)
{
	tree = paddr_to_virt(f.x0);
	assert_int_equal(f.x0 % BLOCK_SIZE, 0);
	assert_int_equal(fdt_check_full(tree, fdt_totalsize(tree)), 0);
	assert_int_equal(fdt_num_mem_rsv(tree), 0);
}

static void test_dom0(void **state)
{
	const u8 *rd = paddr_to_virt(0x48000000);

	assert_int_equal(build(), 0);
	assert_said("dom0: 256 MiB, 2 vcpus");
	assert_said("dom0: memory 0x44000000-0x53ffffff");
	assert_said("dom0: kernel 0x44000000, device tree 0x45a00000");
	assert_said("dom0: ramdisk 0x48000000, 3072 KiB\n");
	assert_int_equal(f.pc, 0x44000000);
	assert_int_equal(f.released, 1);
	assert_int_equal(f.cfg.id, 0);
	assert_int_equal(f.cfg.nr_vcpus, 2);
	assert_int_equal(f.cfg.max_frames, 256 * MIB / PAGE_SIZE);
	assert_int_equal(f.cfg.nr_spis, 256);
	assert_int_equal(f.cfg.flags, DOMAIN_CONTROL | DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP);
	assert_int_equal(f.nr_assigned, 1);
	assert_range(f.assigned[0], 0x44000000, 0x54000000);
	assert_int_equal(f.d.evtchn_irq, 16);
	/* Everything else of the loader's was around already, or is inside dom0's bank. */
	assert_int_equal(f.nr_added, 0);
	assert_int_equal(rd[3 * MIB + 4], 0xcd);
	assert_int_equal(host.frames_mapped, 0);
	/* Kernel, ramdisk and tree are flushed, page by page, and nothing else. */
	take_tree();
	assert_true(host.cache_ops >= 27 * MIB / PAGE_SIZE && host.cache_ops < 28 * MIB / PAGE_SIZE);
}

static void test_dom0_maps(void **state)
{
	assert_int_equal(build(), 0);
	assert_true(has_range(f.mapped, f.nr_mapped, 0x44000000, 0x54000000));
	assert_int_equal(f.type[0], P2M_RAM_RW);
	/* Flash; RTC to fw-cfg and GPIO; virtio; PCI windows; ECAM. */
	assert_true(has_range(f.mapped, f.nr_mapped, 0, 0x8000000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x9010000, 0x9011000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x9020000, 0x9021000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x9030000, 0x9031000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0xa000000, 0xa001000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0xa003000, 0xa004000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x4010000000, 0x4020000000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x10000000, 0x3f000000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0x8000000000, 0x10000000000));
	assert_int_equal(f.nr_mapped, 10);
	for (u32 i = 0; i < f.nr_mapped; i++)
		if (f.mapped[i].start == 0x10000000)
			assert_int_equal(f.type[i], P2M_MMIO_CACHED);
		else if (f.mapped[i].start == 0x9010000)
			assert_int_equal(f.type[i], P2M_MMIO_DEV);
	/* Not: GIC with ITS, console, RAM. */
	assert_false(touches(f.mapped, f.nr_mapped, 0x8000000, 0x9010000));
	assert_false(touches(f.mapped, f.nr_mapped, RAM, 0x44000000));
	assert_false(touches(f.mapped, f.nr_mapped, 0x54000000, 0x60000000));
}

static void test_dom0_irqs(void **state)
{
	u32 given = 0;

	f.irq_taken = 34;
	assert_int_equal(build(), 0);
	for (u32 i = 0; i < IRQS_MAX; i++)
		given += f.irq_given[i];
	/* PCI INTx 35-38, GPIO 39, virtio 48, 49 and 79; not the console's 33, nor PPIs. */
	assert_int_equal(given, 8);
	assert_int_equal(f.irq_given[33], 0);
	assert_int_equal(f.irq_given[35], 1);
	assert_int_equal(f.irq_given[38], 1);
	assert_int_equal(f.irq_given[39], 1);
	assert_int_equal(f.irq_type[39], IRQ_TYPE_LEVEL);
	assert_int_equal(f.irq_given[48], 1);
	assert_int_equal(f.irq_type[48], IRQ_TYPE_EDGE);
	assert_int_equal(f.irq_given[79], 1);
}

static void test_dom0_tree(void **state)
{
	int len;
	u8 seed[32];

	memcpy(seed, fdt_getprop(fdt, tree_node(fdt, "/chosen"), "rng-seed", &len), 32);
	assert_int_equal(build(), 0);
	take_tree();
	/* Gone. */
	assert_true(node_at("/pl011@9000000") < 0);
	assert_true(node_at("/pmu") < 0);
	assert_true(node_at("/memory@40000000") < 0);
	assert_true(node_at("/intc@8000000") < 0);
	assert_true(node_at(K) < 0 && node_at(R) < 0);
	assert_true(node_at("/cpus/cpu-map") < 0);
	/* Kept as they were. */
	assert_bytes("/", "compatible", "linux,dummy-virt");
	assert_cells("/", "interrupt-parent", 0x8003);
	assert_cells("/pl031@9010000", "reg", 0, 0x9010000, 0, 0x1000);
	assert_cells("/apb-pclk", "phandle", 0x8000);
	assert_bytes("/gpio-keys/poweroff", "label", "GPIO Key Poweroff");
	assert_true(node_at("/pcie@10000000") > 0 && node_at("/flash@0") > 0);
	assert_true(node_at("/platform-bus@c000000") > 0 && node_at("/fw-cfg@9020000") > 0);
	/* Rebuilt. */
	assert_cells("/interrupt-controller", "phandle", 0x8003);
	assert_cells("/interrupt-controller", "#interrupt-cells", 3);
	assert_cells("/interrupt-controller", "#address-cells", 2);
	assert_cells("/interrupt-controller", "#size-cells", 2);
	assert_cells("/interrupt-controller", "#redistributor-regions", 1);
	assert_cells("/interrupt-controller", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0,
		     0xf60000);
	assert_bytes("/interrupt-controller", "compatible", "arm,gic-v3");
	assert_non_null(prop("/interrupt-controller", "interrupt-controller", NULL));
	assert_no_prop("/interrupt-controller", "interrupts");
	assert_int_equal(fdt_first_subnode(tree, node_at("/interrupt-controller")),
			 -FDT_ERR_NOTFOUND);
	assert_bytes("/timer", "compatible", "arm,armv8-timer");
	assert_cells("/timer", "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08);
	assert_cells("/timer", "interrupt-parent", 0x8003);
	assert_no_prop("/timer", "always-on");
	assert_no_prop("/timer", "clock-frequency");
	assert_bytes("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	assert_bytes("/psci", "method", "hvc");
	assert_cells("/psci", "cpu_off", 1);
	assert_cells("/psci", "cpu_on", 2);
	assert_no_prop("/psci", "migrate");
	assert_cells("/cpus", "#address-cells", 1);
	assert_cells("/cpus", "#size-cells", 0);
	assert_cells("/cpus/cpu@1", "reg", 1);
	assert_bytes("/cpus/cpu@1", "compatible", "arm,cortex-a57");
	assert_bytes("/cpus/cpu@1", "device_type", "cpu");
	assert_bytes("/cpus/cpu@1", "enable-method", "psci");
	assert_true(node_at("/cpus/cpu@2") < 0);
	assert_bytes("/memory@44000000", "device_type", "memory");
	assert_cells("/memory@44000000", "reg", 0, 0x44000000, 0, 0x10000000);
	assert_bytes("/hypervisor", "compatible", "xen,xen-4.17\0xen,xen");
	/* Grant region in the image's place; regions of 64 MiB or more of RAM that is not dom0's:
	 * below it there are only 60. */
	assert_cells("/hypervisor", "reg", 0, 0x40200000, 0, 0x40000, 0, 0x54000000, 0, 0xc000000);
	assert_cells("/hypervisor", "interrupts", 1, 0, 0xf08);
	assert_cells("/hypervisor", "interrupt-parent", 0x8003);
	assert_bytes("/chosen", "bootargs", "console=hvc0");
	assert_cells("/chosen", "linux,initrd-start", 0, 0x48000000);
	assert_cells("/chosen", "linux,initrd-end", 0, 0x48300005);
	assert_no_prop("/chosen", "stdout-path");
	assert_int_equal((prop("/chosen", "kaslr-seed", &len), len), 8);
	assert_memory_not_equal(prop("/chosen", "rng-seed", &len), seed, 8);
	assert_int_equal(len, 32);
}

static void test_dom0_tree_variants(void **state)
{
	/* No /chosen of the host's own properties, no ramdisk, no console, more vcpus. */
	tree_delete_prop(fdt, "/chosen", "rng-seed");
	tree_delete_prop(fdt, "/chosen", "kaslr-seed");
	tree_set_string(fdt, "/chosen", "xen,xen-bootargs", "x");
	tree_set_cells(fdt, "/chosen", "linux,initrd-start", 1);
	tree_set(fdt, "/chosen", "linux,uefi-system-table", "x", 1);
	tree_set(fdt, "/chosen", "linux,pci-probe-only", "x", 1);
	tree_delete(fdt, R);
	tree_set(fdt, "/pl061@9030000", "xen,passthrough", NULL, 0);
	tree_set_string(fdt, "/pl061@9030000", "status", "okay");
	tree_set_string(fdt, "/virtio_mmio@a000000", "status", "disabled");
	tree_set_cells(fdt, "/pl031@9010000", "interrupts", 1, 0, 4);
	tree_add(fdt, "/", "hypervisor");
	tree_set_string(fdt, "/hypervisor", "compatible", "linux,kvm");
	tree_set_string(fdt, "/", "compatible", "xen,multiboot-module"); /* but it is the root */
	f.has_uart = false;
	options.dom0_max_vcpus = 20;
	f.cfg.nr_vcpus = 0;
	assert_int_equal(build(), 0);
	assert_said("dom0: no ramdisk");
	take_tree();
	assert_no_prop("/chosen", "rng-seed");
	assert_no_prop("/chosen", "kaslr-seed");
	assert_no_prop("/chosen", "linux,initrd-start");
	assert_no_prop("/chosen", "xen,xen-bootargs");
	assert_no_prop("/chosen", "linux,uefi-system-table");
	assert_non_null(prop("/chosen", "linux,pci-probe-only", NULL));
	assert_bytes("/pl061@9030000", "status", "disabled");
	assert_no_prop("/pl061@9030000", "xen,passthrough");
	assert_false(touches(f.mapped, f.nr_mapped, 0x9030000, 0x9031000));
	assert_int_equal(f.irq_given[39], 0);
	assert_true(access_irqs[39] && range_set_find(&access_memory, 0x9030000, 0x9031000));
	/* Disabled nodes: registers, but no interrupt. */
	assert_true(touches(f.mapped, f.nr_mapped, 0xa000000, 0xa001000));
	assert_int_equal(f.irq_given[48], 0);
	assert_int_equal(f.irq_given[49], 1);
	/* The console is dom0's when the hypervisor has none. */
	assert_true(node_at("/pl011@9000000") > 0);
	assert_int_equal(f.irq_given[33], 1);
	/* PPI 0 is the RTC's now. */
	assert_int_equal(f.d.evtchn_irq, 17);
	assert_cells("/hypervisor", "interrupts", 1, 1, 0xf08);
	assert_bytes("/hypervisor", "compatible", "xen,xen-4.17\0xen,xen");
	assert_cells("/cpus/cpu@f", "reg", 15);
	assert_cells("/cpus/cpu@100", "reg", 0x100);
	assert_cells("/cpus/cpu@103", "reg", 0x103);
}

static void test_dom0_narrow_cells(void **state)
{
	static const char *const nodes[] = { "/fw-cfg@9020000", "/virtio_mmio@a000000",
					     "/virtio_mmio@a000200", "/virtio_mmio@a003e00",
					     "/pl061@9030000", "/pl031@9010000", "/pcie@10000000",
					     "/flash@0", "/platform-bus@c000000" };

	/* A root with one size cell, and a timer with a frequency; the GIC has four cells. */
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		tree_delete(fdt, nodes[i]);
	tree_set_cells(fdt, "/", "#size-cells", 1);
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, RAM, 512 * MIB, 1, 0, 0xc0000000, 1,
		       0xc0000000, 0xc0000000);
	tree_set_cells(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0x10000, 0, 0x80a0000, 0xf60000);
	tree_set_cells(fdt, "/intc@8000000", "#interrupt-cells", 4);
	tree_set_cells(fdt, "/timer", "clock-frequency", 1000000);
	tree_set_cells(fdt, "/pl011@9000000", "reg", 0, 0x9000000, 0x1000);
	tree_set_cells(fdt, K, "reg", 0, 0x44000000, 24 * MIB);
	tree_set_cells(fdt, R, "reg", 0, 0x48000000, 3 * MIB);
	assert_int_equal(build(), 0);
	take_tree();
	assert_cells("/memory@44000000", "reg", 0, 0x44000000, 0x10000000);
	/* 6 GiB above 4 GiB, in pieces of 2. */
	assert_cells("/hypervisor", "reg", 0, 0x40200000, 0x40000, 0, 0x54000000, 0xc000000, 1, 0,
		     0x80000000, 1, 0x80000000, 0x80000000, 2, 0, 0x80000000);
	assert_cells("/hypervisor", "interrupts", 1, 0, 0xf08, 0);
	assert_cells("/interrupt-controller", "reg", 0, 0x8000000, 0x10000, 0, 0x80a0000, 0xf60000);
	assert_cells("/timer", "clock-frequency", 1000000);
}

static void test_dom0_reserved(void **state)
{
	tree_add(fdt, "/", "reserved-memory");
	tree_set_cells(fdt, "/reserved-memory", "#address-cells", 2);
	tree_set_cells(fdt, "/reserved-memory", "#size-cells", 2);
	tree_set(fdt, "/reserved-memory", "ranges", NULL, 0);
	tree_add(fdt, "/reserved-memory", "fb@5c000000");
	tree_set_cells(fdt, "/reserved-memory/fb@5c000000", "reg", 0, 0x5c000000, 0, 0x800000);
	tree_add(fdt, "/reserved-memory", "tcm@f000000");
	tree_set_cells(fdt, "/reserved-memory/tcm@f000000", "reg", 0, 0xf000000, 0, 0x1000);
	/* A device that claims RAM, and the GIC: neither is mapped. */
	tree_add(fdt, "/", "thief");
	tree_set_cells(fdt, "/thief", "reg", 0, 0x3ffff000, 0, 0x20000000, 0, 0x7fff000, 0, 0x12000,
		       0, 0x8ffff00, 0, 0x1f00);
	assert_int_equal(build(), 0);
	take_tree();
	assert_true(has_range(f.mapped, f.nr_mapped, 0x5c000000, 0x5c800000));
	assert_true(has_range(f.mapped, f.nr_mapped, 0xf000000, 0xf001000));
	assert_cells("/memory@5c000000", "reg", 0, 0x5c000000, 0, 0x800000);
	assert_true(node_at("/memory@f000000") < 0);
	assert_true(node_at("/reserved-memory/fb@5c000000") > 0);
	assert_true(touches(f.mapped, f.nr_mapped, 0x3ffff000, 0x40000000));
	assert_false(touches(f.mapped, f.nr_mapped, RAM, 0x44000000));
	assert_false(touches(f.mapped, f.nr_mapped, 0x54000000, 0x5c000000));
	assert_false(touches(f.mapped, f.nr_mapped, 0x8000000, 0x8010000));
	assert_false(touches(f.mapped, f.nr_mapped, 0x80a0000, 0x9001000));
	assert_true(touches(f.mapped, f.nr_mapped, 0x8010000, 0x8011000));
}

/* Unaligned kernel and ramdisk: copied, and their own memory goes to the heap. */
static void test_dom0_copied(void **state)
{
	u8 *from, *to;

	set_reg(K, 0x44001000, 24 * MIB + 100);
	put_image(0x44001000, 0x80000, 25 * MIB, 0xa);
	from = paddr_to_virt(0x44001000);
	for (u64 i = 64; i < 24 * MIB + 100; i += 997)
		from[i] = (u8)(i >> 7);
	set_reg(R, 0x48000ffe, 0x2003);
	to = paddr_to_virt(0x48000ffe);
	for (u64 i = 0; i < 0x2003; i++)
		to[i] = (u8)(i * 7);
	fdt_at = 0x46000008;
	options.dom0_mem = 128 * MIB;
	assert_int_equal(build(), 0);
	assert_said("(copied)");
	assert_int_equal(f.pc % BLOCK_SIZE, 0x80000);
	assert_true(f.pc >= f.assigned[0].start && f.pc < f.assigned[0].end);
	to = paddr_to_virt(f.pc);
	for (u64 i = 64; i < 24 * MIB + 100; i += 997)
		assert_int_equal(to[i], (u8)(i >> 7));
	take_tree();
	to = paddr_to_virt(fdt64_to_cpu(*(const u64 *)prop("/chosen", "linux,initrd-start", NULL)));
	for (u64 i = 0; i < 0x2003; i++)
		assert_int_equal(to[i], (u8)(i * 7));
	assert_true(has_range(f.added, f.nr_added, 0x44001000, 0x45802000));
	assert_true(touches(f.added, f.nr_added, 0x46000000, 0x46001000));
	assert_true(has_range(f.added, f.nr_added, 0x48000000, 0x48004000));
	assert_int_equal(f.nr_added, 3);
	assert_false(touches(f.added, f.nr_added, f.assigned[0].start, f.assigned[0].end));
	assert_int_equal(host.frames_mapped, 0);
}

/* The kernel's bss runs into the ramdisk: the ramdisk moves, the kernel stays. */
static void test_dom0_bss(void **state)
{
	set_reg(R, 0x45900000, 0x100000);
	memset(paddr_to_virt(0x45900000), 0xe7, 0x100000);
	put_image(0x44000000, 0, 27 * MIB, 0xa);
	assert_int_equal(build(), 0);
	assert_int_equal(f.pc, 0x44000000);
	assert_said("KiB (copied)");
	take_tree();
	assert_cells("/chosen", "linux,initrd-start", 0, 0x45c00000);
	assert_int_equal(*(u8 *)paddr_to_virt(0x45c00000), 0xe7);
	assert_int_equal(*(u8 *)paddr_to_virt(0x45cfffff), 0xe7);
}

/* The loader's tree lies where dom0's memory will be, and under what is written there. */
static void test_dom0_tree_in_the_way(void **state)
{
	fdt_at = 0x45a00000;
	assert_int_equal(parse(), 0);
	/* The real thing is at its place, too. */
	memcpy(paddr_to_virt(fdt_at), done, fdt_totalsize(done));
	bootinfo_set_fdt(paddr_to_virt(fdt_at));
	assert_int_equal(builder_plan_dom0(), 0);
	assert_int_equal(builder_start(), 0);
	assert_int_equal(f.x0, 0x45a00000);
	take_tree();
	assert_bytes("/chosen", "bootargs", "console=hvc0");
}

static void test_dom0_refusals(void **state)
{
	memcpy(paddr_to_virt(0x44000000), "\x1f\x8b\x08", 3);
	memset(paddr_to_virt(0x44000038), 0, 4);
	assert_int_equal(build(), -XEN_EINVAL);
	assert_said(K ": the kernel at 0x44000000 is a gzip file");
	assert_int_equal(f.released, 0);

	again();
	put_image(0x44000000, 0, 300 * MIB, 0xa);
	assert_int_equal(build(), -XEN_ENOMEM);
	assert_said("do not fit into its memory");

	/* A tree for which nothing is left. */
	again();
	options.dom0_mem = 30 * MIB;
	tree_delete(fdt, R);
	put_image(0x44000000, 0, 29 * MIB, 0xa);
	assert_int_equal(build(), -XEN_ENOMEM);
	assert_said("no room for its device tree");

	for (u32 i = 1; i <= 12; i++) {
		again();
		if (i <= 2)
			f.heap_fail_in = i;
		else
			f.map_fail_in = i - 2;
		assert_int_equal(build(), -XEN_ENOMEM);
		assert_int_equal(f.released, 0);
	}
}

/* --- boards --- */

/* A board's own tree, with modules; gicc is where its GIC-400 has the CPU interface. */
static void try_board(const char *name, const char *uart, u64 ram, u64 gicc)
{
	static const char kernel[] = "multiboot,kernel\0multiboot,module";
	struct dom0_tree t;
	struct range ext[64];
	struct range_set extended = { 0, 64, ext };
	int len, uart_node;
	void *buf;

	tear_down(NULL);
	fdt = tree_board(name);
	if (!fdt)
		skip();
	tree_set_cells(fdt, "/", "#address-cells", 2);
	tree_add(fdt, "/chosen", "module@10000000");
	tree_set(fdt, "/chosen/module@10000000", "compatible", kernel, sizeof(kernel));
	tree_set_cells(fdt, "/chosen", "#address-cells", 2);
	tree_set_cells(fdt, "/chosen", "#size-cells", 2);
	tree_set_cells(fdt, "/chosen/module@10000000", "reg", 0, 0x10000000, 0, 0x1800000);
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, 0x8000000, 0x200000, 0x280000), 0);
	if (!bi->banks.nr)
		assert_int_equal(range_set_add(&bi->banks, 0, ram), 0);
	assert_int_equal(bootinfo_check(bi), 0);
	options.dom0_mem = 512 * MIB;
	assert_int_equal(builder_plan_dom0(), 0);
	assert_range(bi->dom0_banks.r[0], 0x10000000, 0x30000000);
	uart_node = dt_lookup(done, uart);
	assert_true(uart_node > 0);
	messages_clear();
	assert_int_equal(dom0_devices_collect(bi, uart_node, &dom0_devices), 0);
	t = (struct dom0_tree){ .bi = bi, .uart = uart_node, .nr_vcpus = 4, .evtchn_irq = 16,
				.banks = &bi->dom0_banks, .reserved = &dom0_devices.reserved,
				.extended = &extended, .bootargs = "",
				.grant = { 0x200000, 0x240000 } };
	assert_int_equal(host_extended_regions(bi, -1, t.banks, &t.grant, &extended), 0);
	buf = malloc(dom0_fdt_bound(&t));
	len = dom0_fdt_build(&t, buf, dom0_fdt_bound(&t));
	assert_true(len > 0);
	assert_int_equal(fdt_check_full(buf, (size_t)len), 0);
	tree = buf;
	assert_true(node_at(uart) < 0);
	assert_false(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, gicc, bi->gic.vcpu.end));
	assert_true(node_at("/cpus/cpu@3") > 0);
	assert_true(node_at("/memory@10000000") > 0);
	free(buf);
}

static void test_zcu102(void **state)
{
	try_board("zynqmp-zcu102-rev1.0.dtb", "serial0", 0x80000000, 0xf9020000);
	/* Registers of an Ethernet behind a bus; neither the console's nor RAM. */
	assert_true(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, 0xff0e0000, 0xff0e1000));
	assert_false(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, 0xff000000, 0xff001000));
	assert_false(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, 0, 0x7ff00000));
}

static void test_rpi4(void **state)
{
	try_board("bcm2711-rpi-4-b.dtb", "/soc/serial@7e215040", 0x3b400000, 0xff842000);
	/* SD host through the bus's ranges; not the switch in front of the UART, in one page with it. */
	assert_true(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, 0xfe340000, 0xfe340100));
	assert_false(touches(dom0_devices.mmio.r, dom0_devices.mmio.nr, 0xfe215000, 0xfe216000));
	assert_said("dom0: /soc/aux@7e215000: in one page with the console; not dom0's");
	assert_null(strstr(messages, "/soc/spi@7e215080"));
	assert_true(touches(dom0_devices.memory.r, dom0_devices.memory.nr, 0x600000000,
			    0x600001000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dom0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_maps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_irqs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_tree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_tree_variants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_narrow_cells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_reserved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_copied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_bss, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_tree_in_the_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dom0_refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_zcu102, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rpi4, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
