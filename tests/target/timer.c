// SPDX-License-Identifier: Apache-2.0
/* Counters, the virtual timer and the emulated physical timer, on both CPUs. */
/* machine: smp=1 vcpus=2 gic=3,2 */
#include "guest.h"

#define ENABLE	1u
#define IMASK	2u
#define ISTATUS 4u

static uint64_t ptimer_fired;

static void on_ptimer(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	(void)frame;
	sysreg_write(cntp_ctl_el0, 0);
	ptimer_fired++;
}

static uint64_t physical(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

static void check_counters(void)
{
	uint64_t a = counter(), p;
	int64_t backwards = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t b = counter();

		backwards += b < a;
		a = b;
	}
	check_eq("counter.never_backwards", backwards, 0);
	a = counter();
	p = physical();
	check("counter.vct_le_pct", a <= p);
	delay_us(1000);
	check_range("counter.offset_constant", (int64_t)((physical() - counter()) - (p - a)), -10,
		    10);
}

static void check_vtimer_status(void)
{
	uint64_t fired = vtimer_fired;

	irq_disable();
	vtimer_arm_at(counter());
	delay_us(100);
	check_eq("vtimer.ctl_istatus", sysreg_read(cntv_ctl_el0) >> 2 & 1, 1);
	check_eq("vtimer.ctl_enable", sysreg_read(cntv_ctl_el0) & ENABLE, 1);
	check_eq("vtimer.not_taken_while_masked", (int64_t)(vtimer_fired - fired), 0);
	irq_enable();
	check("vtimer.taken_after_unmask", wait_for(&vtimer_fired, fired + 1, 10000));
	fired = vtimer_fired;
	sysreg_write(cntv_cval_el0, counter());
	sysreg_write(cntv_ctl_el0, ENABLE | IMASK);
	isb();
	delay_us(1000);
	check_eq("vtimer.imask_no_irq", (int64_t)(vtimer_fired - fired), 0);
	check_eq("vtimer.imask_istatus", sysreg_read(cntv_ctl_el0) >> 2 & 1, 1);
	sysreg_write(cntv_ctl_el0, ENABLE);
	isb();
	check("vtimer.unmask_fires", wait_for(&vtimer_fired, fired + 1, 10000));
	sysreg_write(cntv_tval_el0, 1000000);
	check_range("vtimer.tval", (int64_t)sysreg_read(cntv_tval_el0), 1, 1000000);
}

/* Deadlines are met and never early. */
static void check_vtimer_deadlines(void)
{
	static const uint64_t ns[] = { 0, 100, 10000, 100000, 1000000, 10000000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(ns); i++) {
		uint64_t fired = vtimer_fired;
		uint64_t deadline = counter() + ns_to_ticks(ns[i]);

		vtimer_arm_at(deadline);
		check_eqf(wait_for(&vtimer_fired, fired + 1, 50000), 1, "vtimer.fires_%lu_ns",
			  ns[i]);
		check_eqf((int64_t)(vtimer_stamp - deadline) >= 0 &&
				  ticks_to_ns(vtimer_stamp - deadline) < 100000,
			  1, "vtimer.on_time_%lu_ns", ns[i]);
	}
}

static void check_vtimer_many(void)
{
	uint64_t fired = vtimer_fired;
	int64_t missed = 0, early = 0;

	for (uint64_t i = 1; i <= 200; i++) {
		uint64_t deadline = counter() + ns_to_ticks(20000 + i * 137);

		vtimer_arm_at(deadline);
		if (!wait_for(&vtimer_fired, fired + i, 50000))
			missed++;
		early += vtimer_stamp < deadline;
	}
	check_eq("vtimer.missed_of_200", missed, 0);
	check_eq("vtimer.early_of_200", early, 0);
	check_eq("vtimer.exactly_200", (int64_t)(vtimer_fired - fired), 200);
	fired = vtimer_fired;
	vtimer_arm_at(counter() + ns_to_ticks(1000000));
	vtimer_stop();
	delay_us(3000);
	check_eq("vtimer.stopped_is_quiet", (int64_t)(vtimer_fired - fired), 0);
}

static void check_sleep(void)
{
	uint64_t t0 = counter(), fired = vtimer_fired;

	sleep_us(5000);
	check_range("vtimer.block_5ms_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 5000, 6000);
	t0 = counter();
	vtimer_arm_at(t0 + ns_to_ticks(3000000));
	irq_disable();
	while (vtimer_fired == fired + 1) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
	irq_enable();
	check_range("vtimer.wfi_3ms_us", (int64_t)ticks_to_ns(counter() - t0) / 1000, 3000, 4000);
}

static void check_ptimer(void)
{
	uint64_t fired = ptimer_fired, t0, a, b;

	irq_register(machine.ptimer_irq, on_ptimer);
	irq_unmask(machine.ptimer_irq);
	sysreg_write(cntp_ctl_el0, IMASK);
	check_eq("ptimer.ctl_imask_readback", (int64_t)sysreg_read(cntp_ctl_el0), IMASK);
	sysreg_write(cntp_cval_el0, 0x1234567);
	check_eq("ptimer.cval_readback", (int64_t)sysreg_read(cntp_cval_el0), 0x1234567);
	sysreg_write(cntp_cval_el0, physical());
	sysreg_write(cntp_ctl_el0, ENABLE | IMASK);
	check_eq("ptimer.ctl_en_imask_expired", (int64_t)sysreg_read(cntp_ctl_el0),
		 ENABLE | IMASK | ISTATUS);
	delay_us(1000);
	check_eq("ptimer.imask_no_irq", (int64_t)(ptimer_fired - fired), 0);
	sysreg_write(cntp_ctl_el0, 0);
	sysreg_write(cntp_tval_el0, 1000000);
	a = sysreg_read(cntp_tval_el0);
	delay_us(100);
	b = sysreg_read(cntp_tval_el0);
	check("ptimer.tval", a > b && a <= 1000000);
	t0 = physical();
	sysreg_write(cntp_cval_el0, t0 + ns_to_ticks(2000000));
	sysreg_write(cntp_ctl_el0, ENABLE);
	check("ptimer.fires", wait_for(&ptimer_fired, fired + 1, 50000));
	check_range("ptimer.fires_us", (int64_t)ticks_to_ns(physical() - t0) / 1000, 2000, 2500);
	t0 = physical();
	sysreg_write(cntp_tval_el0, ns_to_ticks(1000000));
	sysreg_write(cntp_ctl_el0, ENABLE);
	check("ptimer.tval_fires", wait_for(&ptimer_fired, fired + 2, 50000));
	check_range("ptimer.tval_fires_us", (int64_t)ticks_to_ns(physical() - t0) / 1000, 1000,
		    1500);
	delay_us(1000);
	check_eq("ptimer.exactly_2", (int64_t)(ptimer_fired - fired), 2);
}

static uint64_t second_fired, second_done, second_offset;

static void on_second_timer(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	vtimer_stamp = frame->stamp;
	if (cpu_id() == 1)
		second_fired++;
	else
		vtimer_fired++;
}

static void second(uint64_t arg)
{
	(void)arg;
	second_offset = physical() - counter();
	irq_unmask(machine.vtimer_irq);
	vtimer_arm_at(counter() + ns_to_ticks(1000000));
	while (!READ_ONCE(second_fired) && counter() < READ_ONCE(vtimer_stamp) + 62500000)
		hc_sched(SCHEDOP_block, NULL);
	WRITE_ONCE(second_done, 1);
}

/* Each CPU has a timer of its own; both count the same time. */
static void check_second(void)
{
	uint64_t offset = physical() - counter();

	irq_register(machine.vtimer_irq, on_second_timer);
	check_eq("vtimer.start_second", cpu_start(1, second, 0), 0);
	for (int i = 0; i < 100 && !READ_ONCE(second_done); i++)
		sleep_us(1000);
	check_eq("vtimer.second_fired", (int64_t)second_fired, 1);
	check_range("counter.second_same_offset", (int64_t)(second_offset - offset), -10, 10);
}

void guest_main(void)
{
	check_counters();
	check_vtimer_status();
	check_vtimer_deadlines();
	check_vtimer_many();
	check_sleep();
	check_ptimer();
	check_second();
}
