/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of scheduling and of domains' lives. While they are wanted the scheduler calls these hooks
 * and they call those that do the work, so that it costs nothing at other times. Tools follow a CPU
 * by what runs on it, so idling is a vcpu to them: of DOMID_IDLE, with the CPU's number.
 */
#include "trace_private.h"
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/runstate.h>
#include <serai/sched.h>
#include <serai/trace.h>

static DEFINE_PERCPU(nstime_t, idle_since); /* or busy since; 0: before tracing began */

static void record_runstate(u32 domid, u32 vcpu, u32 from, u32 to)
{
	u32 who = vcpu | domid << 16;

	trace_record(TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4, 1, &who);
}

void trace_vcpu_event(u32 event, u32 domid, u32 vcpu)
{
	u32 who[] = { domid, vcpu };

	trace_record(event, ARRAY_SIZE(who), who);
}

/* ns: how long it ran, or waited; what did not wait has 0. */
static void record_switch(u32 event, u32 domid, u32 vcpu, nstime_t ns, u32 nr)
{
	/* How long it may run is the policy's secret. */
	u32 extra[] = { domid, vcpu, (u32)ns, ~0U };

	trace_record(event, nr, extra);
}

static void record_prev(u32 domid, u32 vcpu, nstime_t ran)
{
	record_switch(TRC_SCHED_SWITCH_INFPREV, domid, vcpu, ran, 3);
}

static void record_next(u32 domid, u32 vcpu, nstime_t waited)
{
	record_switch(TRC_SCHED_SWITCH_INFNEXT, domid, vcpu, waited, 4);
}

/* How long the CPU idled, or did not. */
static nstime_t idle_turn(nstime_t now)
{
	nstime_t *since = percpu(idle_since), before = *since ? *since : now;

	*since = now;
	return now - before;
}

static void leave_idle(nstime_t now)
{
	record_prev(DOMID_IDLE, cpu_id(), idle_turn(now));
	record_runstate(DOMID_IDLE, cpu_id(), RUNSTATE_running, RUNSTATE_runnable);
}

static void enter_idle(void)
{
	record_next(DOMID_IDLE, cpu_id(), idle_turn(time_now()));
	record_runstate(DOMID_IDLE, cpu_id(), RUNSTATE_runnable, RUNSTATE_running);
}

static void state_changed(struct sched_unit *u, int state, nstime_t now)
{
	const struct vcpu *v = container_of(u, struct vcpu, unit);
	u32 dom = v->domain->id, from = (u32)v->runstate.state, to = (u32)state;
	nstime_t passed = now - (nstime_t)v->runstate.state_entry_time;

	if (from == to)
		return;
	if (to == RUNSTATE_running) {
		if (!this_cpu()->current)
			leave_idle(now);
		record_next(dom, v->id, passed);
	} else if (from == RUNSTATE_running) {
		if (to == RUNSTATE_blocked)
			trace_vcpu_event(TRC_SCHED_BLOCK, dom, v->id);
		record_prev(dom, v->id, passed);
	} else if (to == RUNSTATE_runnable) {
		trace_vcpu_event(TRC_SCHED_WAKE, dom, v->id);
	}
	if (to == RUNSTATE_offline)
		trace_vcpu_event(TRC_SCHED_SLEEP, dom, v->id);
	record_runstate(dom, v->id, from, to);
	runstate_unit_changed(u, state, now);
}

static void name(const struct sched_unit *u, u32 *who)
{
	const struct vcpu *v = u ? container_of(u, const struct vcpu, unit) : NULL;

	who[0] = v ? v->domain->id : DOMID_IDLE;
	who[1] = v ? v->id : cpu_id();
}

static void context_switch(struct sched_unit *prev, struct sched_unit *next)
{
	u32 who[4];

	name(prev, who);
	name(next, who + 2);
	trace_record(TRC_SCHED_SWITCH, ARRAY_SIZE(who), who);
	if (!next)
		enter_idle();
	vcpu_sched_hooks.context_switch(prev, next);
}

void trace_sched_hooks(bool on)
{
	WRITE_ONCE(sched_hooks.state_changed, on ? state_changed : vcpu_sched_hooks.state_changed);
	WRITE_ONCE(sched_hooks.context_switch, on ? context_switch : vcpu_sched_hooks.context_switch);
}

void trace_domain_shutdown(const struct domain *d, u32 reason)
{
	const struct vcpu *v = current_vcpu();
	u32 extra[] = { d->id, v && v->domain == d ? v->id : 0, reason };

	trace_record(TRC_SCHED_SHUTDOWN, ARRAY_SIZE(extra), extra);
}

int trace_domain_create(struct domain *d, const struct domain_config *cfg)
{
	u32 id = d->id;

	trace_record(TRC_DOM0_DOM_ADD, 1, &id);
	trace_record(TRC_SCHED_DOM_ADD, 1, &id);
	return 0;
}

/* The last one of the domain's units: called once. */
int trace_domain_destroy(struct domain *d)
{
	u32 id = d->id;

	trace_record(TRC_SCHED_DOM_REM, 1, &id);
	trace_record(TRC_DOM0_DOM_REM, 1, &id);
	return 0;
}
