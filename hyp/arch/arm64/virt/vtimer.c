/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's timers.
 *
 * Virtual timer: the hardware's own; while the vcpu runs its interrupt becomes a list register
 * (gicv3.c). While it does not run, a hypervisor timer at the same deadline wakes it, and the hardware
 * fires again once the registers are loaded.
 * Physical timer: emulated. Its output is a level on PPI 30, driven by a hypervisor timer.
 */
#include <arch/sysreg.h>
#include <arch/time.h>
#include <arch/vtimer.h>
#include <serai/domain.h>

static void vtimer_wake(void *arg)
{
	vcpu_wake(arg);
}

static bool timer_output(u64 ctl, u64 cval, u64 count)
{
	return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE && count >= cval;
}

void vtimer_switch_out(struct vcpu *v)
{
	struct vtimer *t = &v->arch.vtimer;

	t->ctl = read_sysreg(cntv_ctl_el0);
	write_sysreg(0, cntv_ctl_el0);
	t->cval = read_sysreg(cntv_cval_el0);
	if ((t->ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
	    (v->unit.holds & HOLD_BLOCKED))
		timer_arm(&t->wake, time_of_count(t->cval + v->domain->arch.cntvoff));
}

void vtimer_switch_in(struct vcpu *v)
{
	struct vtimer *t = &v->arch.vtimer;

	if (timer_armed(&t->wake))
		timer_cancel(&t->wake);
	if (t->wake.cpu != cpu_id())
		timer_move(&t->wake, cpu_id());
	write_sysreg(v->domain->arch.cntvoff, cntvoff_el2);
	write_sysreg(t->cval, cntv_cval_el0);
	write_sysreg(t->ctl, cntv_ctl_el0);
}

/* v is current, or not running. */
bool vtimer_irq_pending(struct vcpu *v)
{
	if (v == current_vcpu()) {
		u64 ctl = read_sysreg(cntv_ctl_el0);

		return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK | CNT_CTL_ISTATUS)) ==
			       (CNT_CTL_ENABLE | CNT_CTL_ISTATUS) &&
		       vgic_irq_enabled(v, IRQ_VIRT_TIMER);
	}
	return timer_output(v->arch.vtimer.ctl, v->arch.vtimer.cval,
			    read_sysreg(cntpct_el0) - v->domain->arch.cntvoff);
}

static void ptimer_update(struct vcpu *v)
{
	struct ptimer *p = &v->arch.ptimer;
	bool level = timer_output(p->ctl, p->cval, read_sysreg(cntpct_el0));

	vgic_set_level(v, IRQ_PHYS_TIMER, level);
	if (!level && (p->ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE)
		timer_arm(&p->timer, time_of_count(p->cval));
	else if (timer_armed(&p->timer))
		timer_cancel(&p->timer);
}

static void ptimer_fire(void *arg)
{
	ptimer_update(arg);
}

u64 ptimer_read(struct vcpu *v, enum ptimer_reg reg)
{
	const struct ptimer *p = &v->arch.ptimer;

	switch (reg) {
	case PTIMER_CTL:
		return p->ctl | (((p->ctl & CNT_CTL_ENABLE) &&
				  read_sysreg(cntpct_el0) >= p->cval) ?
					 CNT_CTL_ISTATUS :
					 0);
	case PTIMER_TVAL:
		return (u32)(p->cval - read_sysreg(cntpct_el0));
	case PTIMER_CVAL:
		break;
	}
	return p->cval;
}

void ptimer_write(struct vcpu *v, enum ptimer_reg reg, u64 value)
{
	struct ptimer *p = &v->arch.ptimer;
	bool was_off = !(p->ctl & CNT_CTL_ENABLE);

	switch (reg) {
	case PTIMER_CTL:
		p->ctl = value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
		was_off = was_off && !(p->ctl & CNT_CTL_ENABLE);
		break;
	case PTIMER_TVAL:
		p->cval = read_sysreg(cntpct_el0) + (u64)(s64)(s32)value;
		break;
	case PTIMER_CVAL:
		p->cval = value;
		break;
	}
	if (!was_off)
		ptimer_update(v);
}

void vtimer_vcpu_create(struct vcpu *v)
{
	timer_init(&v->arch.vtimer.wake, vtimer_wake, v, v->unit.cpu);
	timer_init(&v->arch.ptimer.timer, ptimer_fire, v, v->unit.cpu);
}

void vtimer_vcpu_destroy(struct vcpu *v)
{
	timer_destroy(&v->arch.vtimer.wake);
	timer_destroy(&v->arch.ptimer.timer);
}
