/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer (Arm ARM D11): system time from the physical counter, deadlines by the EL2
 * physical timer. Conversions are multiply-and-shift, exact to the nanosecond per second of use.
 */
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <arch/time.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/compiler.h>
#include <serai/cpu.h>

/* ns = ticks * ns_mult >> 32; ticks = ns * tick_mult >> 32. */
static u64 ns_mult __ro_after_init, tick_mult __ro_after_init;
static u64 boot_count __ro_after_init;
static u32 time_frequency __ro_after_init;
static u32 tree_frequency __ro_after_init;

static u64 scale(u64 value, u64 mult)
{
	return (u64)(((unsigned __int128)value * mult) >> 32);
}

nstime_t time_arch_now(void)
{
	return (nstime_t)scale(read_sysreg(cntpct_el0) - boot_count, ns_mult);
}

u64 time_arch_cycles(void)
{
	return read_sysreg(cntpct_el0);
}

u32 time_arch_khz(void)
{
	return time_frequency / 1000;
}

nstime_t time_of_count(u64 count)
{
	if (count <= boot_count)
		return 0;
	/* A deadline centuries away: the guest means never. */
	if (count - boot_count > (1UL << 60))
		return TIME_NEVER;
	return (nstime_t)scale(count - boot_count, ns_mult);
}

void time_arch_set_deadline(nstime_t t)
{
	if (t == TIME_NEVER) {
		write_sysreg(0, cnthp_ctl_el2);
		return;
	}
	/* Rounded up: an interrupt before the deadline would find nothing to do. */
	write_sysreg(boot_count + scale((u64)t, tick_mult) + 1, cnthp_cval_el2);
	write_sysreg(CNT_CTL_ENABLE, cnthp_ctl_el2);
	isb();
}

void time_arch_irq(void)
{
	write_sysreg(0, cnthp_ctl_el2);
	cpu_raise(WORK_TIMER);
}

u32 time_arch_tree_hz(void)
{
	return tree_frequency;
}

void time_init(u32 dt_frequency)
{
	tree_frequency = dt_frequency;
	time_frequency = dt_frequency ? dt_frequency : (u32)read_sysreg(cntfrq_el0);
	if (!time_frequency)
		panic("CNTFRQ_EL0 is 0 and the timer node has no clock-frequency: the firmware "
		      "must set one of them");
	ns_mult = ((u64)NS_PER_S << 32) / time_frequency;
	tick_mult = ((u64)time_frequency << 32) / (u64)NS_PER_S;
	boot_count = read_sysreg(cntpct_el0);
}

/* Counter readable at EL1, physical timer trapped, no virtual or physical interrupt yet. */
void time_cpu_init(void)
{
	write_sysreg(CNTHCTL_EL1PCTEN, cnthctl_el2);
	write_sysreg(0, cnthp_ctl_el2);
	write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0, cntp_ctl_el0);
	isb();
}
