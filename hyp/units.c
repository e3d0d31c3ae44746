/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front hall: every unit in dependency order, and the tables by which lower rooms call higher
 * ones. Created forward, destroyed backward.
 */
#include <serai/access.h>
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/grant.h>
#include <serai/irq.h>
#include <serai/launch.h>
#include <serai/printk.h>
#include <serai/restart.h>
#include <serai/runstate.h>
#include <serai/trace.h>
#include <serai/unit.h>
#include <serai/vpl011.h>
#include <serai/wallclock.h>
#include <serai/watchdog.h>

/* Timers that one vcpu and one domain may have armed at once. */
#define TIMERS_PER_VCPU	  3
#define TIMERS_PER_DOMAIN 2
/* Pages for stage-2 tables, until somebody says how many. */
#define POOL_FIRST	  16

static int frames_domain_create(struct domain *d, const struct domain_config *cfg)
{
	return frame_owner_register(&d->frames);
}

static int frames_domain_destroy(struct domain *d)
{
	return frame_release_all(&d->frames);
}

static int p2m_domain_create(struct domain *d, const struct domain_config *cfg)
{
	int rc = p2m_init(&d->p2m, &d->frames);

	if (rc) {
		d->p2m.end = 0;
		return rc;
	}
	d->p2m.from_heap = domain_is_control(d);
	return p2m_set_pool(&d->p2m, cfg->table_pages ? cfg->table_pages : POOL_FIRST);
}

static int p2m_domain_destroy(struct domain *d)
{
	return p2m_destroy(&d->p2m);
}

static int timers_domain_create(struct domain *d, const struct domain_config *cfg)
{
	int rc = timer_reserve(TIMERS_PER_DOMAIN + TIMERS_PER_VCPU * cfg->nr_vcpus);

	d->timers_reserved = !rc;
	return rc;
}

static int timers_domain_destroy(struct domain *d)
{
	if (d->timers_reserved)
		timer_unreserve(TIMERS_PER_DOMAIN + TIMERS_PER_VCPU * d->nr_vcpus);
	d->timers_reserved = false;
	return 0;
}

static int sched_domain_create(struct domain *d, const struct domain_config *cfg)
{
	d->pool = cfg->pool ? cfg->pool : cpupool_find(0);
	cpupool_enter(d->pool);
	sched_group_init(&d->sched);
	return 0;
}

static int sched_domain_destroy(struct domain *d)
{
	lock_take(&d->lock);
	if (d->pool)
		cpupool_leave(d->pool);
	d->pool = NULL;
	lock_drop(&d->lock);
	return 0;
}

static int sched_vcpu_create(struct vcpu *v)
{
	struct cpumask hard = v->unit.hard;

	return sched_unit_init(&v->unit, v->domain->pool, &v->domain->sched, HOLD_DOWN, &hard);
}

static void sched_vcpu_destroy(struct vcpu *v)
{
	sched_unit_destroy(&v->unit);
}

static int shared_info_domain_create(struct domain *d, const struct domain_config *cfg)
{
	d->shared_info = heap_alloc_page();
	if (!d->shared_info)
		return -XEN_ENOMEM;
	frame_share(&d->frames, d->shared_info);
	wallclock_tell(d);
	return 0;
}

static int shared_info_domain_destroy(struct domain *d)
{
	if (d->shared_info)
		frame_unshare(d->shared_info);
	d->shared_info = NULL;
	return 0;
}

static int arch_domain_destroy(struct domain *d)
{
	domain_arch_destroy(d);
	return 0;
}

/* dom0 decides over the machine; what it wants is done at once. */
static void hardware_shutdown(u8 reason)
{
	static const char *const what[] = { "powers the machine off", "restarts the machine",
					    "suspends, which nobody could end", "crashed",
					    "missed its watchdog", "asks for a soft reset" };

	pr_info("dom0 %s\n", reason < ARRAY_SIZE(what) ? what[reason] : "shut down");
	cpu_arch_stop_others();
	if (reason == SHUTDOWN_poweroff)
		cpu_arch_power_off();
	if (reason == SHUTDOWN_crash && options.noreboot) {
		pr_info("halted (noreboot)\n");
		cpu_arch_halt();
	}
	cpu_arch_reset();
}

static void tell_control(struct domain *d)
{
	if (!restart_request(d))
		domain_report_end(d);
	evtchn_send_virq_global(VIRQ_DOM_EXC);
}

static void domain_gone(void)
{
	evtchn_send_virq_global(VIRQ_DOM_EXC);
}

static void console_news(void)
{
	evtchn_send_virq_global(VIRQ_CON_RING);
}

static void trace_news(void)
{
	evtchn_send_virq_global(VIRQ_TBUF);
}

static void console_input(void)
{
	evtchn_send_virq_global(VIRQ_CONSOLE);
}

static void dump_domain0(void)
{
	struct domain *d = domain_get(0);

	if (!d)
		return;
	for (u32 i = 0; i < d->nr_vcpus; i++)
		vcpu_arch_dump(d->vcpus[i]);
	domain_put(d);
}

/* Guests may then say on their own what they are at. */
static void dump_domains(void)
{
	domain_dump_all();
	evtchn_send_virq_all(VIRQ_DEBUG);
}

static void dump_each(void (*dump)(struct domain *d))
{
	u32 next = 0;

	for (struct domain *d; (d = domain_get_next(next)); domain_put(d)) {
		next = d->id + 1U;
		dump(d);
	}
}

static void dump_event_channels(void)
{
	dump_each(evtchn_domain_dump);
}

static void dump_grants(void)
{
	dump_each(grant_domain_dump);
}

static void dump_frames_of(struct domain *d)
{
	pr_info("  d%u %s: %lu KiB of at most %lu; %u pages shared, or given up but mapped by others; "
		"%u tables\n", d->id, d->name, (u64)d->frames.nr << (PAGE_SHIFT - 10),
		(u64)d->frames.max << (PAGE_SHIFT - 10), d->frames.nr_refs_held,
		d->p2m.tables + d->p2m.heap_tables);
}

static void dump_memory(void)
{
	struct frame_stats s;

	frame_stats(&s);
	pr_info("memory: %lu KiB, %lu KiB free, %lu KiB of it to be scrubbed\n", s.total * 4,
		s.free * 4, s.dirty * 4);
	dump_each(dump_frames_of);
}

static void dump_clock(void)
{
	nstime_t now = time_now();

	pr_info("system time %ld.%09ld s, counter %#lx at %u kHz: the same one on all CPUs\n",
		now / NS_PER_S, now % NS_PER_S, time_arch_cycles(), time_arch_khz());
}

static void dump_cpus(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		cpu_raise_on(cpu, WORK_DUMP);
}

static int hall_init(void)
{
	sched_hooks = vcpu_sched_hooks;
	domain_actions.hardware_shutdown = hardware_shutdown;
	domain_actions.tell_control = tell_control;
	domain_actions.gone = domain_gone;
	domain_actions.console_news = console_news;
	domain_actions.trace_news = trace_news;
	domain_actions.id_kept = restart_keeps_id;
	domain_actions.to_come = restarts_pending;
	domain_actions.grant_frame = grant_map_frame;
	domain_actions.uart_event = vpl011_ring_event;
	domain_actions.uart_notify = evtchn_notify_own;
	console_input_hook = console_input;
	keyhandler_register('0', dump_domain0, "dom0's registers");
	keyhandler_register('d', dump_cpus, "registers of all CPUs");
	keyhandler_register('q', dump_domains, "domains and vcpus");
	keyhandler_register('r', sched_dump, "run queues");
	keyhandler_register('m', dump_memory, "memory, and whose it is");
	keyhandler_register('H', frame_dump, "free blocks of memory");
	keyhandler_register('e', dump_event_channels, "event channels");
	keyhandler_register('g', dump_grants, "grants in use");
	keyhandler_register('i', irq_dump, "interrupts");
	keyhandler_register('a', timer_dump, "timers");
	keyhandler_register('t', dump_clock, "the clock");
	keyhandler_register('w', console_show_ring, "the messages in the console's ring");
	return 0;
}

const struct unit units[] = {
	{ .name = "front hall", .init = hall_init },
	/* First, so that the end of a domain is recorded once. */
	{ .name = "trace",
	  .domain_create = trace_domain_create,
	  .domain_destroy = trace_domain_destroy },
	{ .name = "interrupts", .init = irq_init, .domain_close = irq_domain_close },
	{ .name = "devices", .domain_destroy = access_domain_destroy },
	{ .name = "timers",
	  .cpu_init = timer_cpu_init,
	  .domain_create = timers_domain_create,
	  .domain_destroy = timers_domain_destroy },
	{ .name = "scheduler",
	  .cpu_init = sched_cpu_init,
	  .domain_create = sched_domain_create,
	  .domain_destroy = sched_domain_destroy,
	  .vcpu_create = sched_vcpu_create,
	  .vcpu_destroy = sched_vcpu_destroy },
	{ .name = "frames",
	  .domain_create = frames_domain_create,
	  .domain_destroy = frames_domain_destroy },
	{ .name = "stage 2",
	  .domain_create = p2m_domain_create,
	  .domain_destroy = p2m_domain_destroy },
	{ .name = "launch", .init = launch_init, .domain_destroy = launch_domain_destroy },
	{ .name = "machine",
	  .domain_create = domain_arch_create,
	  .domain_destroy = arch_domain_destroy,
	  .vcpu_create = vcpu_arch_create,
	  .vcpu_destroy = vcpu_arch_destroy },
	{ .name = "console",
	  .domain_create = console_domain_create,
	  .domain_close = console_domain_close },
	{ .name = "host UART", .domain_create = host_uart_domain_create },
	{ .name = "vpl011",
	  .domain_close = vpl011_domain_close,
	  .domain_destroy = vpl011_domain_destroy },
	{ .name = "shared info",
	  .domain_create = shared_info_domain_create,
	  .domain_destroy = shared_info_domain_destroy },
	{ .name = "time accounts", .vcpu_destroy = runstate_vcpu_destroy },
	{ .name = "event channels",
	  .domain_close = evtchn_domain_close,
	  .domain_create = evtchn_domain_create,
	  .domain_destroy = evtchn_domain_destroy,
	  .vcpu_create = evtchn_vcpu_create,
	  .vcpu_destroy = evtchn_vcpu_destroy },
	{ .name = "grant table",
	  .domain_create = grant_domain_create,
	  .domain_destroy = grant_domain_destroy },
	{ .name = "sched_op",
	  .domain_create = sched_op_domain_create,
	  .domain_destroy = sched_op_domain_destroy,
	  .vcpu_create = sched_op_vcpu_create,
	  .vcpu_destroy = sched_op_vcpu_destroy },
};
const unsigned int units_count = ARRAY_SIZE(units);
