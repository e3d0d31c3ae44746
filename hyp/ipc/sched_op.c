/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched_op: yielding, blocking, polling event channels, shutting down, watchdogs; and vcpu_op:
 * the pages by which a vcpu hears of events and of its own time.
 */
#include <abi/sched.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/evtchn.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/printk.h>
#include <serai/runstate.h>
#include <serai/watchdog.h>

static long op_yield(void *arg, u64 handle)
{
	sched_yield();
	return 0;
}

static long op_block(void *arg, u64 handle)
{
	vcpu_arch_unmask_irq(current_vcpu());
	vcpu_block();
	return 0;
}

static long op_shutdown(void *arg, u64 handle)
{
	const struct abi_sched_shutdown *s = arg;

	domain_shutdown(current_domain(), (u8)s->reason);
	return 0;
}

static void poll_timeout(void *arg)
{
	struct vcpu *v = arg;

	evtchn_poll_end(v);
	vcpu_wake(v);
}

/* 1 when a port is pending, 0 when none is, or an error. Guest copies happen here, unlocked. */
static int poll_any_pending(struct domain *d, u64 ports, u32 nr)
{
	u32 port;

	for (u32 i = 0; i < nr; i++) {
		int rc;

		if (copy_array_from_guest(&port, ports, i, 1))
			return -XEN_EFAULT;
		rc = evtchn_poll_check(d, port);
		if (rc)
			return rc;
	}
	return 0;
}

static long op_poll(void *arg, u64 handle)
{
	const struct abi_sched_poll *p = arg;
	struct vcpu *v = current_vcpu();
	u32 port = 0;
	int rc;

	if (p->nr_ports > ABI_POLL_PORTS_MAX)
		return -XEN_EINVAL;
	if (p->nr_ports == 1 && copy_array_from_guest(&port, p->ports, 0, 1))
		return -XEN_EFAULT;
	if (timer_armed(&v->poll_timer))
		timer_cancel(&v->poll_timer);
	sched_hold(&v->unit, HOLD_BLOCKED);
	evtchn_poll_begin(v, port);
	rc = poll_any_pending(v->domain, p->ports, p->nr_ports);
	if (rc || vcpu_arch_irq_pending(v)) {
		evtchn_poll_end(v);
		sched_release(&v->unit, HOLD_BLOCKED);
		return rc < 0 ? rc : 0;
	}
	if (p->timeout)
		timer_arm(&v->poll_timer, (nstime_t)MIN(p->timeout, (u64)TIME_NEVER));
	return 0;
}

static long op_remote_shutdown(void *arg, u64 handle)
{
	const struct abi_sched_remote_shutdown *s = arg;
	struct domain *d;
	int rc = domain_get_target(s->domain_id, &d);

	if (rc)
		return rc;
	domain_shutdown(d, (u8)s->reason);
	domain_put(d);
	return 0;
}

/* Names the code of a shutdown that is still to come. */
static long op_shutdown_code(void *arg, u64 handle)
{
	const struct abi_sched_shutdown *s = arg;
	struct domain *d = current_domain();

	lock_take(&d->lock);
	if (!d->shut_down && d->shutdown_code == SHUTDOWN_code_invalid)
		d->shutdown_code = (u8)s->reason;
	lock_drop(&d->lock);
	return 0;
}

static void watchdog_fire(void *arg)
{
	struct domain *d = arg;

	pr_warn("d%u: watchdog timeout\n", d->id);
	domain_shutdown(d, SHUTDOWN_watchdog);
}

static long watchdog_set(struct domain *d, u32 id, u32 timeout)
{
	nstime_t deadline = time_now() + (nstime_t)timeout * NS_PER_S;

	if (id > ARRAY_SIZE(d->watchdog))
		return -XEN_EINVAL;
	if (id == 0) {
		while (id < ARRAY_SIZE(d->watchdog) && d->watchdog[id].used)
			id++;
		if (id == ARRAY_SIZE(d->watchdog))
			return -XEN_ENOSPC;
		d->watchdog[id].used = true;
		timer_arm(&d->watchdog[id].timer, deadline);
		return id + 1;
	}
	id--;
	if (!d->watchdog[id].used)
		return -XEN_EINVAL;
	if (timeout) {
		timer_arm(&d->watchdog[id].timer, deadline);
	} else {
		timer_cancel(&d->watchdog[id].timer);
		d->watchdog[id].used = false;
	}
	return 0;
}

static long op_watchdog(void *arg, u64 handle)
{
	const struct abi_sched_watchdog *w = arg;
	struct domain *d = current_domain();
	long rc;

	lock_take(&d->lock);
	rc = watchdog_set(d, w->id, w->timeout);
	lock_drop(&d->lock);
	return rc;
}

/* Pins the caller to a CPU, or with a negative number gives it its own affinity back. */
static long op_pin_override(void *arg, u64 handle)
{
	const struct abi_sched_pin_override *p = arg;
	struct vcpu *v = current_vcpu();
	struct cpumask mask = { { 0 } };
	bool pin = p->pcpu >= 0;
	long rc = -XEN_EINVAL;

	if (pin && ((u32)p->pcpu >= NR_CPUS || !cpumask_test(&cpu_online, (u32)p->pcpu)))
		return -XEN_EINVAL;
	if (pin)
		cpumask_set(&mask, (u32)p->pcpu);
	lock_take(&v->lock);
	if (pin || v->pinned)
		rc = sched_set_affinity(&v->unit, pin ? &mask : &v->hard_saved, NULL);
	if (!rc)
		v->pinned = pin;
	lock_drop(&v->lock);
	return rc;
}

static const struct subop sched_ops[] = {
	[SCHEDOP_yield] = { op_yield, 0, false, false },
	[SCHEDOP_block] = { op_block, 0, false, false },
	[SCHEDOP_shutdown] = { op_shutdown, sizeof(struct abi_sched_shutdown), false, false },
	[SCHEDOP_poll] = { op_poll, sizeof(struct abi_sched_poll), false, false },
	[SCHEDOP_remote_shutdown] = { op_remote_shutdown, sizeof(struct abi_sched_remote_shutdown),
				      false, false },
	[SCHEDOP_shutdown_code] = { op_shutdown_code, sizeof(struct abi_sched_shutdown), false,
				    false },
	[SCHEDOP_watchdog] = { op_watchdog, sizeof(struct abi_sched_watchdog), false, false },
	[SCHEDOP_pin_override] = { op_pin_override, sizeof(struct abi_sched_pin_override), false,
				   true },
};

long do_sched_op(u64 *arg)
{
	return subop_call(sched_ops, ARRAY_SIZE(sched_ops), arg[0], arg[1]);
}

static long op_register_vcpu_info(struct vcpu *v, u64 handle)
{
	struct abi_vcpu_register_vcpu_info info;

	if (copy_from_guest(&info, handle))
		return -XEN_EFAULT;
	return evtchn_map_vcpu_info(v, gfn(info.mfn), info.offset);
}

static long op_register_runstate(struct vcpu *v, u64 handle)
{
	struct abi_vcpu_register_runstate area;

	if (copy_from_guest(&area, handle))
		return -XEN_EFAULT;
	runstate_set_area(v, area.addr);
	return 0;
}

static long op_register_runstate_phys(struct vcpu *v, u64 handle)
{
	struct abi_vcpu_register_runstate area;

	if (copy_from_guest(&area, handle))
		return -XEN_EFAULT;
	return runstate_set_phys_area(v, area.addr);
}

long do_vcpu_op(u64 *arg)
{
	struct vcpu *v = domain_vcpu(current_domain(), (u32)MIN(arg[1], (u64)UINT32_MAX));

	if (!v)
		return -XEN_ENOENT;
	switch (arg[0]) {
	case VCPUOP_register_vcpu_info:
		return op_register_vcpu_info(v, arg[2]);
	case VCPUOP_register_runstate_memory_area:
		return op_register_runstate(v, arg[2]);
	case VCPUOP_register_runstate_phys_area:
		return op_register_runstate_phys(v, arg[2]);
	default:
		return -XEN_EINVAL;
	}
}

int sched_op_domain_create(struct domain *d, const struct domain_config *cfg)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->watchdog); i++)
		timer_init(&d->watchdog[i].timer, watchdog_fire, d, cpu_id());
	return 0;
}

int sched_op_domain_destroy(struct domain *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->watchdog); i++)
		timer_destroy(&d->watchdog[i].timer);
	return 0;
}

int sched_op_vcpu_create(struct vcpu *v)
{
	timer_init(&v->poll_timer, poll_timeout, v, cpu_id());
	v->hard_saved = v->unit.hard;
	return 0;
}

void sched_op_vcpu_destroy(struct vcpu *v)
{
	timer_destroy(&v->poll_timer);
}
