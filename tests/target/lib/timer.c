// SPDX-License-Identifier: Apache-2.0
/* The virtual timer, and waiting with it or without it. */
#include "guest.h"

uint64_t vtimer_fired;
uint64_t vtimer_stamp;

/* Nanoseconds and ticks without overflow for some hours of uptime. */
uint64_t ticks_to_ns(uint64_t ticks)
{
	uint64_t hz = sysreg_read(cntfrq_el0);

	return ticks / hz * 1000000000ul + ticks % hz * 1000000000ul / hz;
}

uint64_t ns_to_ticks(uint64_t ns)
{
	uint64_t hz = sysreg_read(cntfrq_el0);

	return ns / 1000000000ul * hz + ns % 1000000000ul * hz / 1000000000ul;
}

void delay_us(uint64_t us)
{
	uint64_t end = counter() + ns_to_ticks(us * 1000);

	while (counter() < end)
		;
}

static void vtimer_handler(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	vtimer_stamp = frame->stamp;
	vtimer_fired++;
}

void vtimer_init(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	irq_register(machine.vtimer_irq, vtimer_handler);
	irq_unmask(machine.vtimer_irq);
}

void vtimer_arm_at(uint64_t cval)
{
	sysreg_write(cntv_cval_el0, cval);
	sysreg_write(cntv_ctl_el0, 1);
	isb();
}

void vtimer_stop(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	isb();
}

/* Masked from the last look to the call, which unmasks: an interrupt between them must end it. */
void sleep_us(uint64_t us)
{
	uint64_t fired = vtimer_fired;
	uint64_t end = counter() + ns_to_ticks(us * 1000);

	vtimer_arm_at(end);
	for (;;) {
		irq_disable();
		if (READ_ONCE(vtimer_fired) != fired ||
		    counter() >= end + ns_to_ticks(1000000000))
			break;
		hc_sched(SCHEDOP_block, NULL);
	}
	irq_enable();
}

bool wait_for(const uint64_t *word, uint64_t want, uint64_t us)
{
	uint64_t end = counter() + ns_to_ticks(us * 1000);

	while (READ_ONCE(*word) < want)
		if (counter() > end)
			return false;
	return true;
}
