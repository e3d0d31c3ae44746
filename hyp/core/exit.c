/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow way out of the hypervisor: whatever cpu->work asks for, until a vcpu can run. This is
 * also the idle loop.
 */
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/domain.h>
#include <serai/exit.h>
#include <serai/frame.h>
#include <serai/launch.h>
#include <serai/sched.h>
#include <serai/time.h>
#include <serai/trace.h>

void cpu_raise_on(unsigned int cpu, u32 work)
{
	struct cpu *c = cpu_table[cpu];

	if (c == this_cpu()) {
		c->work |= work;
		return;
	}
	if ((atomic_fetch_or(&c->remote, work) & work) != work)
		cpu_arch_kick(cpu);
}

/* bootscrub=off: pages are scrubbed when they are allocated, not before. */
static bool idle_scrub(void)
{
	return options.bootscrub != BOOTSCRUB_OFF && !cpu_arch_work_pending() &&
	       frame_scrub_some();
}

static void cpu_idle(struct cpu *c)
{
	while (!c->work)
		if (!idle_scrub())
			cpu_arch_idle();
}

#define WORK_SELDOM (WORK_DUMP | WORK_CONSOLE | WORK_TRACE)

static __cold_path void work_seldom(u32 work)
{
	if (work & WORK_DUMP)
		cpu_arch_dump();
	if ((work & WORK_CONSOLE) && domain_actions.console_news)
		domain_actions.console_news();
	if (work & WORK_TRACE)
		trace_work();
}

struct vcpu *exit_work(void)
{
	struct cpu *c = this_cpu();

	for (;;) {
		u32 work = c->work;

		c->work = 0;
		if (work & WORK_TIMER)
			timer_run_expired();
		if ((work & WORK_VCPU) && c->current) {
			u32 requests = atomic_xchg(&c->current->requests, 0);

			if (requests)
				vcpu_arch_requests(c->current, requests);
		}
		if (work & WORK_SCHED)
			sched_choose();
		if (unlikely(work & WORK_SELDOM))
			work_seldom(work);
		if (c->work)
			continue;
		if (!c->current)
			cpu_idle(c);
		else if (unlikely(c->current->launch))
			launch_run(c->current);
		else
			return c->current;
	}
}
