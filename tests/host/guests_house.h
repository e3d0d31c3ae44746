/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine with real frames, heap and stage 2, whose guests are built from the device tree: what the
 * builder calls above that, the files in RAM, and views of what a guest finds. All RAM holds garbage
 * before.
 */
#ifndef TESTS_GUESTS_HOUSE_H
#define TESTS_GUESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "no_access.h"
#include "tree.h"
#include <abi/guest_layout.h>
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/launch.h>
#include <serai/restart.h>
#include <serai/string.h>
#include <serai/vpl011.h>

static void idle(void);

#define cpu_arch_idle idle
#include "../../hyp/core/launch.c"
#undef cpu_arch_idle
#include "../../hyp/boot/start.c"

#define MIB	 (1UL << 20)
#define RAM	 0x40000000UL
#define RAM_SIZE (128 * MIB)
#define IMAGE	 0x40200000UL
#define FDT_AT	 0x43000008UL
#define KERNEL	 0x41000000UL
#define K_SIZE	 (3 * MIB + 100)
#define RAMDISK	 0x42000ffeUL /* on no boundary */
#define R_SIZE	 0x2003UL
#define DOMS	 8
#define GARBAGE	 0xa5

static struct boot_info *const bi = &boot_info;
static void *fdt, *done;

/* Static event channels; rport 0: left unbound. */
struct binding {
	domid_t d, rd;
	u32 port, rport;
};

static struct fake {
	struct binding bound[8];
	u32 nr_bound;
	int bind_rc;
	struct domain dom[DOMS];
	struct vcpu vcpu[DOMS][4], *vcpus[DOMS][4];
	struct domain_config cfg[DOMS];
	bool exists[DOMS], uart[DOMS], crashed[DOMS];
	u32 released[DOMS], order; /* when it was let go, counted from 1; 0: not yet */
	u64 pc[DOMS], x0[DOMS];
	int port_rc, uart_rc, create_rc, irq_rc;
	u8 irq[IRQS_MAX], irq_type[IRQS_MAX]; /* the domain + 1 */
	nstime_t timer;
	void (*timer_fn)(void *arg);
	u64 p2m_end[DOMS]; /* 0: as it is */
	struct uart_place uart_at[DOMS];
	struct uart host_uart;
	u64 heap_free; /* before anything was built */
} f;

/* --- what the builder calls --- */

static long live; /* allocations of mem_alloc() */
static bool no_memory;

void *mem_alloc(size_t size)
{
	if (no_memory) {
		no_memory = false;
		return NULL;
	}
	live++;
	return calloc(1, size);
}

void mem_free(void *p)
{
	live -= !!p;
	free(p);
}

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	struct domain *d = &f.dom[cfg->id];

	if (f.create_rc)
		return f.create_rc;
	assert_false(f.exists[cfg->id]);
	memset(d, 0, sizeof(*d));
	f.exists[cfg->id] = true;
	f.cfg[cfg->id] = *cfg;
	d->id = cfg->id;
	d->flags = cfg->flags;
	d->nr_vcpus = cfg->nr_vcpus;
	d->vcpus = f.vcpus[cfg->id];
	for (u32 i = 0; i < cfg->nr_vcpus && i < 4; i++) {
		d->vcpus[i] = &f.vcpu[cfg->id][i];
		d->vcpus[i]->domain = d;
		d->vcpus[i]->unit.holds = HOLD_DOWN;
	}
	str_copy(d->name, cfg->name, sizeof(d->name));
	frame_owner_init(&d->frames, (u32)cfg->max_frames);
	assert_int_equal(frame_owner_register(&d->frames), 0);
	assert_int_equal(p2m_init(&d->p2m, &d->frames), 0);
	if (f.p2m_end[cfg->id])
		d->p2m.end = f.p2m_end[cfg->id];
	*out = d;
	return 0;
}

int domain_kill(struct domain *d)
{
	int rc = launch_domain_destroy(d);

	if (!rc)
		rc = p2m_destroy(&d->p2m);
	if (!rc)
		rc = frame_release_all(&d->frames);
	if (rc)
		return rc;
	frame_owner_unregister(&d->frames);
	mem_free(d->fixed_ram);
	f.exists[d->id] = false;
	return 0;
}

void domain_crash(struct domain *d, const char *why)
{
	f.crashed[d->id] = true;
	this_cpu()->work |= WORK_SCHED;
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	struct vcpu *v = container_of(u, struct vcpu, unit);

	assert_int_equal(bits, HOLD_DOWN);
	assert_int_equal(v->id, 0);
	assert_int_equal(f.released[v->domain->id], 0);
	u->holds = 0;
	f.released[v->domain->id] = ++f.order;
	return true;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu)
{
	f.timer_fn = fn;
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	f.timer = deadline;
}

nstime_t time_now(void)
{
	return host.now;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
	assert_int_equal(remote, 0);
	return f.port_rc;
}

struct cpupool *pools_find(int index)
{
	static struct cpupool pool0 = { .cpus = { { 3 } } }, others[BOOT_POOLS_MAX];

	if (index < 0)
		return &pool0;
	return bi->pools[index].sched ? &others[index] : NULL; /* without: none of its CPUs is up */
}

int evtchn_bind_static(struct domain *d, u32 port, struct domain *rd, u32 rport)
{
	f.bound[f.nr_bound++] = (struct binding){ d->id, rd->id, port, rport };
	return f.bind_rc;
}

int evtchn_open_static(struct domain *d, u32 port, domid_t remote)
{
	f.bound[f.nr_bound++] = (struct binding){ d->id, remote, port, 0 };
	return f.bind_rc;
}

int vpl011_domain_create(struct domain *d, const struct uart_place *at)
{
	f.uart[d->id] = true;
	f.uart_at[d->id] = *at;
	return f.uart_rc;
}

int irq_assign(u32 irq, struct domain *d, u32 virq)
{
	assert_int_equal(irq, virq);
	if (f.irq_rc && d->id)
		return f.irq_rc;
	f.irq[irq] = (u8)(d->id + 1);
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
	assert_int_equal(v->id, 0);
	f.pc[v->domain->id] = pc;
	f.x0[v->domain->id] = x0;
}

const struct uart *console_uart(void)
{
	return f.host_uart.size ? &f.host_uart : NULL;
}

/* Restarting is not for here. */
int restart_keep(const struct restart_plan *p, void *tree, const struct boot_info *from)
{
	fail();
	return 0;
}

/* Another CPU's work comes with the interrupt. */
static void idle(void)
{
	cpu_raise(this_cpu()->remote);
	this_cpu()->remote = 0;
	host.idles++;
}

/* --- the machine --- */

static u8 file_byte(u64 i, u32 file)
{
	return (u8)(i * 7 + (i >> 9) + file);
}

static void put_file(u64 at, u64 size, u32 file)
{
	u8 *p = paddr_to_virt(at);

	for (u64 i = 0; i < size; i++)
		p[i] = file_byte(i, file);
}

static void put_kernel(u64 text_offset, u64 image_size)
{
	const u64 head[8] = { 0, text_offset, image_size, 0xa, 0, 0, 0, 0x644d5241 };

	put_file(KERNEL, K_SIZE, 1);
	memcpy(paddr_to_virt(KERNEL), head, sizeof(head));
}

static inline void add_module(const char *parent, const char *name, const char *kind, u64 at, u64 size)
{
	char path[64], c[64];
	size_t n = (size_t)snprintf(c, sizeof(c), "multiboot,%s", kind) + 1;

	memcpy(c + n, "multiboot,module", 17);
	tree_add(fdt, parent, name);
	snprintf(path, sizeof(path), "%s/%s", parent, name);
	tree_set(fdt, path, "compatible", c, n + 17);
	tree_set_cells(fdt, path, "reg", 0, (u32)at, 0, (u32)size);
}

/* Nodes are to be added from the last to the first. */
static inline void add_guest(const char *name, u32 vcpus, u64 memory)
{
	char path[48];

	snprintf(path, sizeof(path), "/chosen/%s", name);
	tree_add(fdt, "/chosen", name);
	tree_set_string(fdt, path, "compatible", "xen,domain");
	tree_set_cells(fdt, path, "#address-cells", 2);
	tree_set_cells(fdt, path, "#size-cells", 2);
	tree_set_cells(fdt, path, "cpus", vcpus);
	tree_set_cells(fdt, path, "memory", 0, (u32)(memory >> 10));
	add_module(path, "ramdisk@1", "ramdisk", RAMDISK, R_SIZE);
	add_module(path, "kernel@0", "kernel", KERNEL, K_SIZE);
	snprintf(path, sizeof(path), "/chosen/%s/kernel@0", name);
	tree_set_string(fdt, path, "bootargs", name);
}

static int set_up(void **state)
{
	memset(&f, 0, sizeof(f));
	f.port_rc = 1;
	host_init(2);
	memset(frame_owners, 0, sizeof(frame_owners));
	memset(guests, 0, sizeof(guests));
	messages_clear();
	options.dom0_mem = 0;
	options.dom0_max_vcpus = 1;
	options.dom0less_strict = false;
	options.dom0less_norestart = true;
	options.guest_console_io = false;
	memset(paddr_to_virt(RAM), GARBAGE, RAM_SIZE);
	put_kernel(0, 4 * MIB + 0x800);
	put_file(RAMDISK, R_SIZE, 2);
	fdt = tree_data("qemu-virt.dts");
	tree_set_cells(fdt, "/memory@40000000", "reg", 0, RAM, 0, RAM_SIZE);
	tree_delete(fdt, "/chosen/module@0x44000000");
	tree_delete(fdt, "/chosen/module@0x48000000");
	launch_init();
	return 0;
}

static inline int tear_down(void **state)
{
	host.preempt_in = 0;
	this_cpu()->work = 0;
	for (u32 id = 1; id < DOMS; id++)
		if (f.exists[id])
			assert_int_equal(domain_kill(&f.dom[id]), 0);
	assert_int_equal(launches.prepared, 0);
	assert_int_equal(launches.loading, 0);
	assert_null(launches.waiting);
	assert_int_equal(launches.nr_ranges, 0);
	assert_int_equal(live, 0);
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

static inline void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static void add_to_heap(paddr_t start, paddr_t end, void *ctx)
{
	frame_add_range(start, end, true);
}

static inline u64 free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

/* As far as the heap exists. */
static inline int prepare(void)
{
	void *at = paddr_to_virt(FDT_AT);
	int rc;

	done = tree_done(fdt);
	fdt = NULL;
	memcpy(at, done, fdt_totalsize(done));
	assert_int_equal(bootinfo_parse(at, FDT_AT, IMAGE, IMAGE + 0x40000), 0);
	rc = bootinfo_check(bi);
	if (rc)
		return rc;
	rc = builder_plan_dom0();
	if (rc)
		return rc;
	assert_int_equal(frame_init(RAM, RAM + RAM_SIZE), 0);
	assert_int_equal(bootinfo_free_ranges(add_to_heap, NULL), 0);
	f.heap_free = free_frames();
	return 0;
}

static inline int start(void)
{
	int rc = prepare();

	return rc ? rc : builder_start();
}

/* The domain's first vcpu runs until it may enter the guest. */
static inline void load(u32 id)
{
	struct vcpu *v = &f.vcpu[id][0];

	assert_int_not_equal(f.released[id], 0);
	host_set_current(v);
	for (u32 i = 0; v->launch; i++) {
		assert_true(i < 100000);
		this_cpu()->work = 0;
		launch_run(v);
	}
	host_set_current(NULL);
}

static inline void next_turn(void)
{
	assert_int_not_equal(f.timer, 0);
	f.timer = 0;
	f.timer_fn(NULL);
}

/* --- what a guest sees --- */

static u8 *guest_byte(u32 id, u64 gpa)
{
	enum p2m_type t;
	mfn_t m = p2m_lookup(&f.dom[id].p2m, gfn(gpa >> PAGE_SHIFT), &t);

	if (t != P2M_RAM_RW)
		fail_msg("d%u has no RAM at %#lx", id, gpa);
	assert_true(frame_is_allocated_to(mfn_to_frame(m), &f.dom[id].frames));
	return (u8 *)paddr_to_virt(mfn_to_paddr(m)) + gpa % PAGE_SIZE;
}

static inline void assert_file(u32 id, u64 gpa, u64 size, u32 file, u64 skip)
{
	for (u64 i = skip; i < size; i++)
		if (*guest_byte(id, gpa + i) != file_byte(i, file))
			fail_msg("d%u: file %u: byte %#lx is wrong", id, file, i);
	/* Nothing of others behind it. */
	for (u64 i = gpa + size; i % PAGE_SIZE; i++)
		assert_int_equal(*guest_byte(id, i), 0);
}

/* All pages that hold nothing of a file are zero. */
static inline void assert_zero_pages(u32 id, u64 start, u64 end)
{
	static const u8 zero[PAGE_SIZE];

	for (u64 gpa = start; gpa < end; gpa += PAGE_SIZE)
		if (memcmp(guest_byte(id, gpa), zero, PAGE_SIZE))
			fail_msg("d%u: page %#lx is not clear", id, gpa);
}

static u8 tree_copy[0x10000];
static const void *tree = tree_copy;

static inline void take_tree(u32 id)
{
	for (u32 i = 0; i < sizeof(tree_copy); i++)
		tree_copy[i] = *guest_byte(id, f.x0[id] + i);
	assert_int_equal(fdt_check_full(tree, fdt_totalsize(tree)), 0);
}

static inline const void *prop(const char *path, const char *name, int *len)
{
	return fdt_getprop(tree, tree_node(tree, path), name, len);
}

static inline void assert_cells_(const char *path, const char *name, const u32 *want, size_t n)
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

#define assert_cells(path, name, ...)                                \
	do {                                                         \
		u32 want_[] = { __VA_ARGS__ };                       \
		assert_cells_(path, name, want_, ARRAY_SIZE(want_)); \
	} while (0)
#define assert_bytes(path, name, text)                        \
	do {                                                  \
		int len_ = 0;                                 \
		const void *p_ = prop(path, name, &len_);     \
		assert_non_null(p_);                          \
		assert_int_equal(len_, sizeof(text));         \
		assert_memory_equal(p_, text, sizeof(text));  \
	} while (0)

#endif
