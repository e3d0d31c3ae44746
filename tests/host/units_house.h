/* SPDX-License-Identifier: Apache-2.0 */
/* The whole house on a simulated machine: what it stands on, its start, and domains in it. */
#ifndef TESTS_UNITS_HOUSE_H
#define TESTS_UNITS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "first_domain.h"
#include "messages.h"
#include <abi/event_channel.h>
#include <abi/grant_table.h>
#include <abi/sched.h>
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/exit.h>
#include <serai/frame.h>
#include <serai/grant.h>
#include <serai/hypercall.h>
#include <serai/irq.h>
#include <serai/memory_op.h>
#include <serai/restart.h>
#include <serai/runstate.h>
#include <serai/unit.h>
#include "no_consoles.h"

#define CPUS	 4
#define RAM	 (64UL << 20)
#define DOMS	 4
#define ROUNDS	 200
#define RAM_GFN	 0x100UL /* of every guest: RAM_MAX frames at most */
#define RAM_MAX	 40U
#define FREE_GFN 0x1000UL /* nothing is there: mappings go here */

static long fail_in; /* the n-th allocation, or creation by the architecture, from now fails */

static bool fails_now(void)
{
	return fail_in && --fail_in == 0;
}

static int p2m_init_or_fail(struct p2m *p);
static u64 p2m_get_if_made(struct p2m *p, u64 g, u32 *type, u64 *left);
static void idle(void);

#define heap_alloc heap_alloc_real
#include "../../hyp/mm/heap.c"
#undef heap_alloc
#define p2m_arch_init p2m_init_or_fail
#define p2m_arch_get  p2m_get_if_made
#include "../../hyp/mm/p2m.c"
#undef p2m_arch_init
#undef p2m_arch_get
#define cpu_arch_idle idle
#include "../../hyp/core/exit.c"
#undef cpu_arch_idle
#include "../../hyp/sched/timer.c"

/* --- allocations, and what else may fail --- */

static long live; /* allocations of mem_alloc() */

void *heap_alloc(unsigned int order, u32 flags)
{
	return fails_now() ? NULL : heap_alloc_real(order, flags);
}

void *mem_alloc(size_t size)
{
	if (fails_now())
		return NULL;
	live++;
	return calloc(1, size);
}

void mem_free(void *p)
{
	live -= !!p;
	free(p);
}

static const struct p2m *not_made;

static int p2m_init_or_fail(struct p2m *p)
{
	not_made = fails_now() ? p : NULL;
	return not_made ? -XEN_ENOMEM : p2m_arch_init(p);
}

/* There are no tables to walk if they could not be allocated. */
static u64 p2m_get_if_made(struct p2m *p, u64 g, u32 *type, u64 *left)
{
	assert_ptr_not_equal(p, not_made);
	assert_ptr_equal(p->owner, container_of(p, struct domain, p2m)->frames.slot ?
				   &container_of(p, struct domain, p2m)->frames : NULL);
	return p2m_arch_get(p, g, type, left);
}

int domain_arch_create(struct domain *d, const struct domain_config *cfg)
{
	return fails_now() ? -XEN_ENOMEM : 0;
}

int vcpu_arch_create(struct vcpu *v)
{
	return fails_now() ? -XEN_ENOMEM : 0;
}

/* --- what is beside the units --- */

struct options options;
void (*console_input_hook)(void);
static void (*key[128])(void);

void keyhandler_register(char k, void (*fn)(void), const char *what)
{
	key[(unsigned char)k] = fn;
}

void console_show_ring(void)
{
}

int irq_init(void)
{
	return 0;
}

/* test_restart.c has these. */

bool restart_request(struct domain *d)
{
	return false;
}

bool restart_keeps_id(domid_t id)
{
	return id == 200;
}

u32 restarts_pending(void)
{
	return 0;
}

int irq_domain_close(struct domain *d)
{
	return 0;
}

void irq_dump(void)
{
}

/* --- the machine --- */

static u64 room; /* the guests' buffer for arguments */
static struct {
	u64 frames;
	long live;
	int mapped;
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

/* Those of the machine before. */
static void pools_free(void)
{
	struct cpupool *all[8], *p;
	u32 nr = 0;

	while (nr < ARRAY_SIZE(all) && (p = cpupool_find(nr)))
		all[nr++] = p;
	while (nr--)
		all[nr]->policy->pool_free(all[nr]);
}

static void machine_start(const char *scheduler)
{
	heaps_grown(true);
	host_init(CPUS);
	messages_clear();
	memset(key, 0, sizeof(key));
	assert_int_equal(frame_init(HOST_RAM_BASE, HOST_RAM_BASE + RAM), 0);
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + RAM, false);
	room = host_guest_alloc(PAGE_SIZE);
	pools_free();
	assert_int_equal(sched_init(scheduler), 0);
	for (unsigned int i = 0; i < units_count; i++)
		assert_int_equal(units[i].init ? units[i].init() : 0, 0);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		host_set_cpu(cpu);
		for (unsigned int i = 0; i < units_count; i++)
			assert_int_equal(units[i].cpu_init ? units[i].cpu_init(cpu) : 0, 0);
	}
	host_set_cpu(0);
}

static jmp_buf idle_jmp;

static void idle(void)
{
	longjmp(idle_jmp, 1);
}

/* The CPU leaves the hypervisor, or idles. */
static struct vcpu *cpu_run(unsigned int cpu)
{
	host_set_cpu(cpu);
	this_cpu()->work |= this_cpu()->remote;
	this_cpu()->remote = 0;
	if (host.deadline[cpu] <= host.now)
		this_cpu()->work |= WORK_TIMER;
	if (setjmp(idle_jmp))
		return NULL;
	return exit_work();
}

static void cpus_run(void)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		cpu_run(cpu);
	host_set_cpu(0);
}

static void remember(void)
{
	struct frame_stats s;

	frame_stats(&s);
	before.frames = s.free;
	before.live = live - heaps_grown(false);
	before.mapped = host.frames_mapped;
}

/* Nothing is left of anybody. */
static void expect_nothing_missing(void)
{
	struct frame_stats s;

	fail_in = 0;
	assert_null(first_domain());
	frame_stats(&s);
	assert_int_equal(s.free, before.frames);
	assert_int_equal(live - heaps_grown(false), before.live);
	assert_int_equal(host.frames_mapped, before.mapped);
	assert_int_equal(reserved, 0);
	for (unsigned int i = 0; i < FRAME_OWNERS_MAX; i++)
		assert_null(frame_owners[i]);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		const struct timer_cpu *tc = timer_cpu_of(cpu);

		assert_int_equal(cpu_table[cpu]->lock_depth, 0);
		assert_null(cpu_table[cpu]->current);
		/* The scheduler's own one may still run. */
		assert_true(tc->heap.nr <= 1);
	}
}

static int create(domid_t id, u32 nr_vcpus, struct domain **d)
{
	struct domain_config cfg = {
		.id = id, .flags = id ? 0 : DOMAIN_CONTROL, .nr_vcpus = nr_vcpus,
		.max_frames = 1000, .max_evtchn_port = 4095, .max_grant_frames = ~0U,
		.max_maptrack_frames = ~0U, .name = "guest",
	};
	int rc;

	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		cpumask_set(&cfg.affinity, cpu);
	*d = NULL;
	rc = domain_create(&cfg, d);
	assert_int_equal(!rc, !!*d);
	return rc;
}

/* Until it is gone; the CPUs must take its vcpus away meanwhile. */
static void kill(struct domain *d)
{
	unsigned int tries = 0;

	while (domain_kill(d) == -XEN_ERESTART) {
		assert_true(++tries < 1000);
		host_set_cpu(tries % CPUS);
		cpus_run();
	}
}

#endif
