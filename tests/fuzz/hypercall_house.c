/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hypercall_house.h. The files included here are those where something is made to fail, or that
 * are looked into.
 */
#include "first_domain.h"
#include "hypercall_house.h"
#include "../../hyp/ipc/grant_private.h"

#include <abi/guest_layout.h>
#include <abi/sched.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/evtchn.h>
#include <serai/exit.h>
#include <serai/irq.h>
#include <serai/mmio.h>
#include <serai/restart.h>
#include <serai/runstate.h>
#include <serai/unit.h>
#include <serai/vpl011.h>
#include <setjmp.h>

struct house house;

static bool fails_now(void)
{
	return house.fail_in && --house.fail_in == 0;
}

static void others(bool locked)
{
	if (house.meanwhile && !house.quiet)
		house.meanwhile(locked);
}

static void idle(void);

#define heap_alloc  heap_alloc_real
#define frame_alloc_for frame_alloc_for_real
#include "../../hyp/mm/heap.c"
#undef heap_alloc
#undef frame_alloc_for
#define cpu_arch_idle idle
#include "../../hyp/core/exit.c"
#undef cpu_arch_idle
#define lock_rank_take lock_rank_take_real
#include "../../hyp/core/lock_rank.c"
#undef lock_rank_take
#include "../../hyp/sched/timer.c"

/* --- what may fail, and where others come in between --- */

void *heap_alloc(unsigned int order, u32 flags)
{
	return fails_now() ? NULL : heap_alloc_real(order, flags);
}

struct frame *frame_alloc_for(const struct frame_owner *o, unsigned int order, u32 flags)
{
	return fails_now() ? NULL : frame_alloc_for_real(o, order, flags);
}

/* All in one list: the sanitizer does not look into per-CPU data for what may be lost. */
struct piece {
	struct piece *next, **prev;
};

static struct piece *pieces;

void *mem_alloc(size_t size)
{
	struct piece *p;

	if (fails_now())
		return NULL;
	house.live++;
	p = calloc(1, sizeof(*p) + size);
	p->next = pieces;
	p->prev = &pieces;
	if (pieces)
		pieces->prev = &p->next;
	pieces = p;
	return p + 1;
}

void mem_free(void *va)
{
	struct piece *p;

	if (!va)
		return;
	p = (struct piece *)va - 1;
	house.live--;
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	free(p);
}

void lock_rank_take(const struct lock *l, bool second)
{
	if (!second && !this_cpu()->lock_depth)
		others(false);
	/* One CPU at a time: a lock that is held now will never be free. */
	CHECK(!lock_held(l));
	lock_rank_take_real(l, second);
}

static void before_atomic(void *p)
{
	others(this_cpu()->lock_depth);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* --- guest memory: virtual addresses are guest physical ones --- */

static struct frame *guest_page(struct domain *d, u64 gpa, bool write)
{
	enum p2m_type t;
	mfn_t m = p2m_lookup(&d->p2m, gpa_to_gfn(gpa), &t);
	struct frame *f = t == P2M_INVALID ? NULL : mfn_to_frame(m);

	if (!f || (write && !p2m_type_writable(t)))
		return NULL;
	return frame_get(f, &d->frames) || frame_get_shared(f, &d->frames) ? f : NULL;
}

static int guest_copy(u64 gva, char *buf, size_t size, bool write)
{
	struct domain *d = current_domain();
	int rc = 0;

	CHECK(!this_cpu()->lock_depth);
	host.copies++;
	others(false);
	if (host.fail_copy_in && --host.fail_copy_in == 0)
		return -XEN_EFAULT;
	house.quiet++;
	for (size_t n; size && !rc; size -= n, gva += n, buf += n) {
		u64 offset = gva & (PAGE_SIZE - 1);
		struct frame *f = guest_page(d, gva, write);
		char *va;

		n = MIN(size, PAGE_SIZE - offset);
		if (!f) {
			rc = -XEN_EFAULT;
			break;
		}
		va = paddr_to_virt(mfn_to_paddr(frame_to_mfn(f)));
		memcpy(write ? va + offset : buf, write ? buf : va + offset, n);
		frame_put(f);
	}
	house.quiet--;
	return rc;
}

int guest_arch_copy_from(void *dst, u64 gva, size_t size)
{
	return guest_copy(gva, dst, size, false);
}

int guest_arch_copy_to(u64 gva, const void *src, size_t size)
{
	return guest_copy(gva, (char *)(uintptr_t)src, size, true);
}

bool guest_write(struct domain *d, u64 gpa, const void *p, size_t size)
{
	enum p2m_type t;
	mfn_t m;

	house.quiet++;
	m = p2m_lookup(&d->p2m, gpa_to_gfn(gpa), &t);
	house.quiet--;
	if (t == P2M_INVALID || !p2m_type_writable(t))
		return false;
	size = MIN(size, PAGE_SIZE - (gpa & (PAGE_SIZE - 1)));
	memcpy((char *)paddr_to_virt(mfn_to_paddr(m)) + (gpa & (PAGE_SIZE - 1)), p, size);
	return true;
}

/* --- what is beside the units --- */

struct options options = { .gnttab_transitive = true };
char cmdline_text[1024] = "sched=credit2";
const u8 config_gz[4] = { 1, 2, 3, 4 }, config_gz_end[1];

__asm__(".section .rodata\n"
	".globl __build_id_start, __build_id_end\n"
	"__build_id_start:\n"
	"	.long 4, 20, 3\n"
	"	.ascii \"GNU\\0\"\n"
	"	.ascii \"0123456789abcdefghij\"\n"
	"__build_id_end:\n"
	"	.previous\n");

static void (*keys[128])(void);

void keyhandler_register(char key, void (*fn)(void), const char *what)
{
	keys[(unsigned char)key] = fn;
}

void keyhandler_run(char key)
{
	if (key > 0 && keys[(unsigned char)key])
		keys[(unsigned char)key]();
}

int irq_init(void)
{
	return 0;
}

void irq_dump(void)
{
}

/* Nobody's devices are given away. */
int irq_assign(u32 irq, struct domain *d, u32 virq)
{
	return -XEN_EBUSY;
}

int irq_unassign(u32 irq, struct domain *d)
{
	return -XEN_ENOENT;
}

struct irq_desc *irq_desc(u32 irq)
{
	return NULL;
}

int irq_domain_close(struct domain *d)
{
	return 0;
}

/* Nobody is made again. */
bool restart_request(struct domain *d)
{
	return false;
}

bool restart_keeps_id(domid_t id)
{
	return false;
}

u32 restarts_pending(void)
{
	return 0;
}

static void (*console_irq)(u32 irq, void *arg);

int irq_request(u32 irq, enum irq_type type, void (*handler)(u32 irq, void *arg), void *arg,
		const char *name)
{
	console_irq = handler;
	return 0;
}

static void uart_put(char c)
{
}

static int uart_get(void)
{
	return house.typed_at < house.typed_len ? house.typed[house.typed_at++] : -1;
}

static void uart_start(void)
{
}

void house_type(const char *text, u32 len)
{
	house.typed_len = MIN(len, (u32)sizeof(house.typed));
	house.typed_at = 0;
	memcpy(house.typed, text, house.typed_len);
	/* Who is told by the console may not be ended meanwhile: nobody comes in between. */
	house.quiet++;
	console_irq(33, NULL);
	house.quiet--;
}

void domain_arch_destroy(struct domain *d)
{
	mmio_destroy(d);
}

/* dom0's end is a domain's end like others here. */
static void hardware_shutdown(u8 reason)
{
}

/* --- the machine --- */

static struct {
	u64 frames;
	long live;
	int mapped;
	u32 domains; /* there are domains: this is not up to date */
} before;

/* Heaps of timers that grew: they stay so. */
static long heaps_grown(bool give_back)
{
	long n = 0;

	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		struct timer_cpu *tc = cpu_table[cpu] ? timer_cpu_of(cpu) : NULL;

		if (!tc || !tc->ready || tc->heap.nodes == tc->own)
			continue;
		n++;
		if (give_back)
			mem_free(tc->heap.nodes);
	}
	return n;
}

static void remember(void)
{
	struct frame_stats s;

	frame_stats(&s);
	before.frames = s.free;
	before.live = house.live - heaps_grown(false);
	before.mapped = host.frames_mapped;
}

/* What grows once and stays. */
static void warm_up(void)
{
	struct domain_config cfg = { .id = 1, .nr_vcpus = 40, .max_grant_frames = 1 };
	struct domain *d;

	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		cpumask_set(&cfg.affinity, cpu);
	CHECK(!domain_create(&cfg, &d));
	while (domain_kill(d))
		this_cpu()->work = 0;
}

void house_start(bool credit2)
{
	static const struct uart uart = { .name = "fuzz", .putc = uart_put, .getc = uart_get,
					  .irq_enable = uart_start, .irq = 33, .dt_path = "/uart",
					  .base = 0x9000000, .size = 0x1000, .data_off = 0,
					  .status_off = 0x18, .status = 0x90 };

	if (cpu_table[CPUS - 1] && house.credit2 == credit2)
		return;
	house.quiet++;
	heaps_grown(true);
	host_init(CPUS);
	host.atomic_hook = before_atomic;
	console_set_uart(&uart);
	memset(keys, 0, sizeof(keys));
	CHECK(!frame_init(HOST_RAM_BASE, HOST_RAM_BASE + RAM));
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + RAM, true);
	CHECK(!sched_init(credit2 ? "credit2" : "null"));
	for (unsigned int i = 0; i < units_count; i++)
		CHECK(!(units[i].init ? units[i].init() : 0));
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		host_set_cpu(cpu);
		for (unsigned int i = 0; i < units_count; i++)
			CHECK(!(units[i].cpu_init ? units[i].cpu_init(cpu) : 0));
	}
	host_set_cpu(0);
	console_start_input();
	domain_actions.hardware_shutdown = hardware_shutdown;
	house.credit2 = credit2;
	house.quiet--;
	warm_up();
	remember();
}

static jmp_buf idle_jmp;

static void idle(void)
{
	longjmp(idle_jmp, 1);
}

struct vcpu *house_run_cpu(unsigned int cpu)
{
	struct vcpu *volatile v = NULL;

	host_set_cpu(cpu);
	house.quiet++;
	this_cpu()->work |= atomic_xchg(&this_cpu()->remote, 0);
	if (host.deadline[cpu] <= host.now)
		this_cpu()->work |= WORK_TIMER;
	if (!setjmp(idle_jmp))
		v = exit_work();
	house.quiet--;
	return v;
}

struct domain *house_domain(domid_t id)
{
	struct domain *d = first_domain();

	while (d && d->id != id)
		d = d->next;
	return d;
}

/* --- domains --- */

#define RAM_ORDER 6
_Static_assert(RAM_PAGES == 1U << RAM_ORDER, "RAM is one block");

static void ram_give(struct domain *d)
{
	struct frame *f = frame_alloc_for_real(NULL, RAM_ORDER, 0);
	bool direct = d->flags & DOMAIN_DIRECT_MAP;
	u64 g;

	if (!f)
		return;
	g = direct ? frame_to_mfn(f).v : RAM_GFN;
	house.ram_gfn[d->id] = g;
	CHECK(!frame_assign(&d->frames, f, RAM_PAGES));
	/* Tables may run out: then it has less. */
	p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), RAM_PAGES, P2M_RAM_RW);
}

void house_create(domid_t id)
{
	static const struct uart_place uart_place = { GUEST_PL011_BASE, GUEST_VPL011_SPI };
	struct domain_config cfg = {
		.id = id, .nr_vcpus = VCPUS, .max_frames = 700, .max_evtchn_port = id ? 300 : 4999,
		.max_grant_frames = id ? 3 : ~0U, .max_maptrack_frames = id == 1 ? 1 : 3,
		.max_grant_version = 2,
		.name = "guest", .flags = house.share ? DOMAIN_UNRESTRICTED : 0,
	};
	struct domain *d;

	if (house_domain(id))
		return;
	for (unsigned int cpu = 0; cpu < CPUS - 1; cpu++)
		cpumask_set(&cfg.affinity, cpu);
	if (!id)
		cfg.flags |= DOMAIN_CONTROL | DOMAIN_HARDWARE |
			     (house.direct ? DOMAIN_DIRECT_MAP : 0);
	house.quiet++;
	if (!domain_create(&cfg, &d)) {
		ram_give(d);
		if (id)
			vpl011_domain_create(d, &uart_place);
		while (house.grant_v2 && grant_version_set(d, 2) == -XEN_ERESTART)
			;
		for (u32 i = 0; i < d->nr_vcpus; i++)
			sched_release(&d->vcpus[i]->unit, HOLD_DOWN);
	}
	house.quiet--;
}

void house_kill(domid_t id)
{
	struct domain *d = domain_get(id);

	if (!d)
		return;
	domain_kill(d);
	domain_put(d);
}

__attribute__((no_sanitize("coverage"))) void check_heap(void)
{
	for (unsigned int kind = CLEAN; kind <= DIRTY; kind++) {
		u64 free = 0;

		for (unsigned int order = 0; order < ORDERS; order++) {
			u32 prev = FRAME_NONE;

			for (u32 i = heap.first[kind][order]; i != FRAME_NONE;
			     prev = i, i = frame_table[i].next) {
				CHECK(i < frame_count && !(i & ((1U << order) - 1)));
				CHECK(frame_table[i].word == free_word(order, kind));
				CHECK(frame_table[i].prev == prev);
				free += 1UL << order;
			}
			CHECK((prev != FRAME_NONE) == (heap.orders[kind] >> order & 1));
		}
		CHECK(free == heap.free[kind]);
	}
}

/* Nothing is left of anybody. */
static void expect_nothing_missing(void)
{
	struct frame_stats s;

	CHECK(!first_domain());
	check_heap();
	frame_stats(&s);
	CHECK(s.free == before.frames);
	CHECK(house.live - heaps_grown(false) == before.live);
	CHECK(host.frames_mapped == before.mapped);
	CHECK(reserved == 0);
	for (unsigned int i = 0; i < FRAME_OWNERS_MAX; i++)
		CHECK(!frame_owners[i]);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		CHECK(cpu_table[cpu]->lock_depth == 0);
		CHECK(!cpu_table[cpu]->current);
		/* The scheduler's own one may still run. */
		CHECK(timer_cpu_of(cpu)->heap.nr <= 1);
	}
}

void house_end(void)
{
	house.meanwhile = NULL;
	house.fail_in = 0;
	host.preempt_always = host.fail_copy_again = false;
	host.fail_p2m_more = 0;
	host.preempt_in = host.fail_copy_in = host.fail_p2m_in = 0;
	host.fail_atomics = 0;
	for (unsigned int tries = 0; first_domain(); tries++) {
		CHECK(tries < 100);
		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			house_run_cpu(cpu);
		host_set_cpu(CPUS - 1);
		for (domid_t id = 0; id < DOMS; id++)
			house_kill(id);
	}
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		house_run_cpu(cpu);
	host_set_cpu(0);
	expect_nothing_missing();
}
