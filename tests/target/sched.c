// SPDX-License-Identifier: Apache-2.0
/* sched_op: yield, block, poll with and without time limits, watchdogs, refusals. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static struct vcpu_runstate_info runstate __attribute__((aligned(64)));

static int64_t poll_ports(uint32_t *ports, uint32_t n, uint64_t timeout)
{
	struct sched_poll p = { ports, n, timeout };

	return hc_sched(SCHEDOP_poll, &p);
}

static int64_t watchdog(uint32_t id, uint32_t timeout)
{
	struct sched_watchdog w = { id, timeout };

	return hc_sched(SCHEDOP_watchdog, &w);
}

static void check_refusals(void)
{
	void *bad = (void *)UNMAPPED_ADDRESS;
	struct sched_remote_shutdown rs = { DOMID_NONE, SHUTDOWN_poweroff };
	uint32_t ports[1] = { 0x100000 };

	check_eq("sched.shutdown_bad_ptr", hc_sched(SCHEDOP_shutdown, bad), -XEN_EFAULT);
	check_eq("sched.poll_bad_ptr", hc_sched(SCHEDOP_poll, bad), -XEN_EFAULT);
	check_eq("sched.poll_too_many", poll_ports(ports, 129, 0), -XEN_EINVAL);
	check_eq("sched.poll_bad_port", poll_ports(ports, 1, 0), -XEN_EINVAL);
	check_eq("sched.poll_bad_ports_ptr", poll_ports(bad, 1, 0), -XEN_EFAULT);
	check_eq("sched.remote_shutdown_bad_dom", hc_sched(SCHEDOP_remote_shutdown, &rs),
		 -XEN_ESRCH);
	check_eq("sched.remote_shutdown_bad_ptr", hc_sched(SCHEDOP_remote_shutdown, bad),
		 -XEN_EFAULT);
	check_eq("sched.shutdown_code_bad_ptr", hc_sched(SCHEDOP_shutdown_code, bad), -XEN_EFAULT);
	check_eq("sched.watchdog_bad_ptr", hc_sched(SCHEDOP_watchdog, bad), -XEN_EFAULT);
	check_eq("sched.pin_override_bad_ptr", hc_sched(SCHEDOP_pin_override, bad), -XEN_EFAULT);
	check_eq("sched.unknown_8", hc_sched(8, NULL), -XEN_ENOSYS);
	check_eq("sched.unknown_big", hc_sched(0x7fffffff, NULL), -XEN_ENOSYS);
}

static void check_watchdog(void)
{
	struct sched_pin_override pin = { 0 };

	check_eq("sched.watchdog_new", watchdog(0, 1000), 1);
	check_eq("sched.watchdog_second", watchdog(0, 1000), 2);
	check_eq("sched.watchdog_none_left", (int32_t)watchdog(0, 1000), -XEN_ENOSPC);
	check_eq("sched.watchdog_pet", watchdog(1, 1000), 0);
	check_eq("sched.watchdog_destroy", watchdog(1, 0), 0);
	check_eq("sched.watchdog_destroy_second", watchdog(2, 0), 0);
	check_eq("sched.watchdog_bad_id", watchdog(77, 10), -XEN_EINVAL);
	check_eq("sched.watchdog_not_in_use", watchdog(1, 0), -XEN_EINVAL);
	check_eq("sched.pin_override", hc_sched(SCHEDOP_pin_override, &pin), 0);
	pin.pcpu = -1;
	check_eq("sched.pin_override_end", hc_sched(SCHEDOP_pin_override, &pin), 0);
	check_eq("sched.pin_override_end_again", hc_sched(SCHEDOP_pin_override, &pin), -XEN_EINVAL);
	pin.pcpu = 99;
	check_eq("sched.pin_override_bad_cpu", hc_sched(SCHEDOP_pin_override, &pin), -XEN_EINVAL);
}

/* Block returns with interrupts enabled and gives the pending one to the guest. */
static void check_block(void)
{
	uint64_t fired = vtimer_fired, t0;

	irq_disable();
	t0 = counter();
	vtimer_arm_at(t0 + ns_to_ticks(2000000));
	check_eq("sched.block", hc_sched(SCHEDOP_block, NULL), 0);
	check_eq("sched.block_clears_pstate_i", (int64_t)sysreg_read(daif) & 0x80, 0);
	irq_enable();
	check("sched.block_irq_delivered", wait_for(&vtimer_fired, fired + 1, 10000));
	check_range("sched.block_slept_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 2000,
		    4000);
	irq_disable();
	vtimer_arm_at(0);
	t0 = counter();
	hc_sched(SCHEDOP_block, NULL);
	irq_enable();
	check_range("sched.block_with_pending_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 0,
		    200);
	check("sched.block_pending_delivered", wait_for(&vtimer_fired, fired + 2, 10000));
}

/* Nanoseconds of system time now, from when this CPU last began to run. */
static uint64_t system_time(void)
{
	sleep_us(1000);
	return runstate.state_entry_time;
}

static void check_poll(void)
{
	struct vcpu_register_runstate_memory_area area = { (uint64_t)&runstate };
	uint32_t port;
	uint64_t t0;

	if (!check("sched.events_init", events_init()))
		return;
	event_bind_ipi(0, &port);
	check_eq("sched.register_runstate", hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area),
		 0);
	check_eq("sched.poll_expired_timeout", poll_ports(&port, 1, 1), 0);
	t0 = counter();
	check_eq("sched.poll_timeout", poll_ports(&port, 1, system_time() + 5000000), 0);
	check_range("sched.poll_timeout_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 5000,
		    8000);
	t0 = counter();
	check_eq("sched.poll_no_ports", poll_ports(NULL, 0, system_time() + 2000000), 0);
	check_range("sched.poll_no_ports_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 2000,
		    5000);
	event_send(port);
	t0 = counter();
	check_eq("sched.poll_pending", poll_ports(&port, 1, system_time() + 900000000), 0);
	check_range("sched.poll_pending_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 0, 3000);
	check_eq("sched.poll_leaves_pending", event_pending(port), 1);
}

/* Poll without a limit ends with the timer's interrupt. */
static void check_poll_interrupt(void)
{
	uint64_t fired = vtimer_fired;
	uint32_t port;

	event_bind_ipi(0, &port);
	vtimer_arm_at(counter() + ns_to_ticks(3000000));
	check_eq("sched.poll_woken_by_timer", poll_ports(&port, 1, 0), 0);
	check("sched.poll_timer_delivered", wait_for(&vtimer_fired, fired + 1, 10000));
}

void guest_main(void)
{
	int64_t bad = 0;

	check_eq("sched.yield", hc_sched(SCHEDOP_yield, NULL), 0);
	for (int i = 0; i < 100; i++)
		bad += hc_sched(SCHEDOP_yield, NULL) != 0;
	check_eq("sched.yield_100", bad, 0);
	check_refusals();
	check_watchdog();
	check_block();
	check_poll();
	check_poll_interrupt();
}
