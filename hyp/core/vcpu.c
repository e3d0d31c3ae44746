/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vcpus: blocking and waking, requests from other CPUs, and the hooks by which the scheduler
 * switches them.
 *
 * A waker makes its reason visible (pending bit, posted interrupt) before it looks at
 * HOLD_BLOCKED; the blocking vcpu sets HOLD_BLOCKED before it looks for reasons. So no wake-up
 * is lost.
 */
#include <serai/arch.h>
#include <serai/domain.h>
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

static void unit_context_switch(struct sched_unit *prev, struct sched_unit *next)
{
	struct cpu *c = this_cpu();
	struct vcpu *v;

	if (prev) {
		v = vcpu_of(prev);
		if (unlikely(READ_ONCE(v->runstate_shown)))
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
	if (unlikely(READ_ONCE(v->runstate_shown)))
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
	.state_changed = runstate_unit_changed,
	.describe = unit_describe,
};
