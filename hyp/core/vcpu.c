/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vcpus: blocking and waking, requests from other CPUs, pauses, time accounting, and the hooks by
 * which the scheduler switches them.
 *
 * A waker makes its reason visible (pending bit, posted interrupt) before it looks at
 * HOLD_BLOCKED; the blocking vcpu sets HOLD_BLOCKED before it looks for reasons. So no wake-up
 * is lost.
 */
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/printk.h>
#include <serai/runstate.h>

static struct vcpu *vcpu_of(struct sched_unit *u)
{
	return container_of(u, struct vcpu, unit);
}

void vcpu_request(struct vcpu *v, u32 bits)
{
	atomic_fetch_or(&v->requests, bits);
	if (v == current_vcpu()) {
		cpu_raise(WORK_VCPU);
		return;
	}
	/* The switch sets running before it reads requests. */
	smp_mb();
	if (sched_is_running(&v->unit))
		cpu_raise_on(v->unit.cpu, WORK_VCPU);
}

void vcpu_block(void)
{
	struct vcpu *v = current_vcpu();

	sched_hold(&v->unit, HOLD_BLOCKED);
	smp_mb();
	if (vcpu_arch_irq_pending(v) || READ_ONCE(v->requests))
		sched_release(&v->unit, HOLD_BLOCKED);
}

void vcpu_pause(struct vcpu *v)
{
	lock_take(&v->lock);
	if (v->pause_count++ == 0)
		sched_hold(&v->unit, HOLD_PAUSED);
	lock_drop(&v->lock);
}

void vcpu_unpause(struct vcpu *v)
{
	lock_take(&v->lock);
	if (v->pause_count && --v->pause_count == 0)
		sched_release(&v->unit, HOLD_PAUSED);
	lock_drop(&v->lock);
}

/* Copies the time account to where the guest asked for it; v is loaded on this CPU. */
static void runstate_publish(struct vcpu *v)
{
	u64 gva = v->runstate_gva;
	u64 entry_gva = gva + offsetof(struct abi_runstate_info, state_entry_time);
	struct abi_runstate_info info = v->runstate;

	if (v->domain->vm_assist & BIT(ABI_VMASST_runstate_update_flag)) {
		info.state_entry_time |= ABI_RUNSTATE_UPDATE;
		if (copy_to_guest(entry_gva, &info.state_entry_time))
			return;
		smp_wmb();
		if (copy_to_guest(gva, &info))
			return;
		smp_wmb();
		info.state_entry_time &= ~ABI_RUNSTATE_UPDATE;
		copy_to_guest(entry_gva, &info.state_entry_time);
		return;
	}
	copy_to_guest(gva, &info);
}

void runstate_set_area(struct vcpu *v, u64 gva)
{
	v->runstate_gva = gva;
	if (gva)
		runstate_publish(v);
}

void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out)
{
	nstime_t now = time_now();

	lock_take(&v->lock);
	*out = v->runstate;
	lock_drop(&v->lock);
	if (now > (nstime_t)out->state_entry_time)
		out->time[out->state] += (u64)now - out->state_entry_time;
}

static void unit_state_changed(struct sched_unit *u, int state, nstime_t now)
{
	struct abi_runstate_info *r = &vcpu_of(u)->runstate;
	nstime_t passed = now - (nstime_t)r->state_entry_time;

	if (r->state == state)
		return;
	if (passed > 0) {
		r->time[r->state] += (u64)passed;
		r->state_entry_time = (u64)now;
	}
	r->state = state;
}

static void unit_context_switch(struct sched_unit *prev, struct sched_unit *next)
{
	struct cpu *c = this_cpu();
	struct vcpu *v;

	if (prev) {
		v = vcpu_of(prev);
		if (unlikely(v->runstate_gva))
			runstate_publish(v);
		vcpu_arch_switch_out(v);
	}
	if (!next) {
		c->current = NULL;
		return;
	}
	v = vcpu_of(next);
	c->current = v;
	vcpu_arch_switch_in(v);
	if (unlikely(v->runstate_gva))
		runstate_publish(v);
	smp_mb();
	if (READ_ONCE(v->requests))
		c->work |= WORK_VCPU;
}

static void unit_describe(const struct sched_unit *u, char *buf, size_t size)
{
	const struct vcpu *v = container_of(u, struct vcpu, unit);

	snprintf(buf, size, "d%uv%u", v->domain->id, v->id);
}

const struct sched_hooks vcpu_sched_hooks = {
	.context_switch = unit_context_switch,
	.state_changed = unit_state_changed,
	.describe = unit_describe,
};
