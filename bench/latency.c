// SPDX-License-Identifier: Apache-2.0
/*
 * Timer interrupts: counter at the guest's vector less the deadline. The bound on every wait is a
 * count of wake-ups or the counter itself, because a second timer would change what is measured.
 */
#include "bench.h"

#define SAMPLES 200
/*
 * Real Xen never arms its own timers nearer than 50 us after it looked at them: a deadline this
 * near shows what it costs to go to sleep and to come back, a far one only the way back.
 */
#define NEAR_NS 48000
#define FAR_NS	1000000

enum how { SPIN, WFI, BLOCK, POLL };

static uint32_t poll_port;

/* One deadline; false if the interrupt did not come. */
static bool one_latency(enum how how, uint64_t ahead_ns, struct stat *s)
{
	struct sched_poll poll = { NULL, 0, 0 };
	uint64_t fired = READ_ONCE(vtimer_fired);
	uint64_t deadline = counter() + ns_to_ticks(ahead_ns);
	uint64_t give_up = deadline + ns_to_ticks(100000000);

	vtimer_arm_at(deadline);
	while (READ_ONCE(vtimer_fired) == fired && counter() < give_up) {
		if (how == WFI) {
			irq_disable();
			if (READ_ONCE(vtimer_fired) == fired)
				wfi();
			irq_enable();
		} else if (how == BLOCK) {
			hc_sched(SCHEDOP_block, NULL);
		} else if (how == POLL) {
			hc_sched(SCHEDOP_poll, &poll);
		}
	}
	if (READ_ONCE(vtimer_fired) == fired) {
		vtimer_stop();
		return false;
	}
	stat_add(s, vtimer_stamp - deadline);
	return true;
}

static bool bench_vtimer(const char *name, enum how how, uint64_t ahead_ns)
{
	struct stat s = { 0, 0, 0, 0 };

	for (int i = 0; i < SAMPLES; i++) {
		if (!one_latency(how, ahead_ns, &s)) {
			stat_na(name, "no timer interrupt");
			return false;
		}
	}
	stat_report(name, &s);
	return true;
}

static uint64_t ptimer_fired, ptimer_stamp;

static void on_ptimer(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	sysreg_write(cntp_ctl_el0, 0);
	isb();
	ptimer_stamp = frame->stamp;
	ptimer_fired++;
}

static uint64_t virtual_offset(void)
{
	uint64_t v = counter();

	return sysreg_read(cntpct_el0) - v;
}

static void bench_ptimer(const char *name, uint64_t ahead_ns)
{
	struct stat s = { 0, 0, 0, 0 };
	uint64_t offset = virtual_offset();

	irq_register(machine.ptimer_irq, on_ptimer);
	irq_unmask(machine.ptimer_irq);
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t fired = READ_ONCE(ptimer_fired);
		uint64_t deadline = counter() + ns_to_ticks(ahead_ns);

		sysreg_write(cntp_cval_el0, deadline + offset);
		sysreg_write(cntp_ctl_el0, 1);
		isb();
		if (!wait_for(&ptimer_fired, fired + 1, 100000)) {
			sysreg_write(cntp_ctl_el0, 0);
			stat_na(name, "no timer interrupt");
			return;
		}
		stat_add(&s, ptimer_stamp - deadline);
	}
	irq_mask(machine.ptimer_irq);
	stat_report(name, &s);
}

static struct vcpu_runstate_info runstate __attribute__((aligned(64)));

/*
 * Nanoseconds of system time less those of the virtual counter. System time is not exported; the
 * runstate area tells it at the moment this CPU last began to run, which a sleep makes recent.
 */
static bool system_time_offset(int64_t *offset)
{
	struct vcpu_register_runstate_memory_area area = { (uint64_t)&runstate };

	if (hc_vcpu(VCPUOP_register_runstate_memory_area, cpu_id(), &area) != 0)
		return false;
	sleep_us(1000);
	*offset = (int64_t)runstate.state_entry_time - (int64_t)ticks_to_ns(counter());
	return runstate.state_entry_time != 0;
}

static void bench_poll_timeout(void)
{
	struct sched_poll poll = { &poll_port, 1, 0 };
	struct stat s = { 0, 0, 0, 0 };
	int64_t offset;

	if (!poll_port || !system_time_offset(&offset)) {
		stat_na("sched_poll_timeout_latency", "no system time");
		return;
	}
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t deadline = counter() + ns_to_ticks(NEAR_NS);

		poll.timeout = ticks_to_ns(deadline) + (uint64_t)offset;
		if (hc_sched(SCHEDOP_poll, &poll) != 0 || counter() < deadline) {
			stat_na("sched_poll_timeout_latency", "returned early");
			return;
		}
		stat_add(&s, counter() - deadline);
	}
	stat_report("sched_poll_timeout_latency", &s);
}

static void bench_poll_ready(void)
{
	struct sched_poll poll = { &poll_port, 1, 0 };

	event_mask(poll_port);
	event_send(poll_port);
	BENCH_CALL("sched_poll_ready", 1000, 0, hc_sched(SCHEDOP_poll, &poll));
	event_clear(poll_port);
}

void bench_latencies(void)
{
	bool ok;

	BENCH("cntvct_read", 10000, (void)sysreg_read(cntvct_el0));
	BENCH("cntpct_read", 10000, (void)sysreg_read(cntpct_el0));
	BENCH("cntv_ctl_read", 10000, (void)sysreg_read(cntv_ctl_el0));
	BENCH("cntv_cval_write", 10000, sysreg_write(cntv_cval_el0, ~0ul >> 1));
	BENCH("cntp_ctl_read", 1000, (void)sysreg_read(cntp_ctl_el0));
	BENCH("cntp_cval_write", 1000, sysreg_write(cntp_cval_el0, ~0ul >> 1));
	if (!shared_info || event_bind_ipi(0, &poll_port) != 0)
		poll_port = 0;
	ok = bench_vtimer("vtimer_latency_spin", SPIN, NEAR_NS);
	if (ok) {
		bench_vtimer("vtimer_latency_wfi", WFI, NEAR_NS);
		bench_vtimer("vtimer_latency_wfi_far", WFI, FAR_NS);
		bench_vtimer("vtimer_latency_block", BLOCK, NEAR_NS);
		if (poll_port)
			bench_vtimer("vtimer_latency_poll", POLL, NEAR_NS);
	} else {
		stat_na("vtimer_latency_wfi", "no timer interrupt");
	}
	bench_ptimer("ptimer_latency_spin", NEAR_NS);
	bench_ptimer("ptimer_latency_spin_far", FAR_NS);
	bench_poll_timeout();
	if (poll_port) {
		bench_poll_ready();
		event_close(poll_port);
	}
}
