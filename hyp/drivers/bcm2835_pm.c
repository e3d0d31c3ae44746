/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power management block of Broadcom's BCM2835 and its successors: its watchdog restarts the
 * machine, and the firmware then looks at the partition number in RSTS: 63 means to stay off.
 * (Registers as in Linux' drivers/watchdog/bcm2835_wdt.c.) The hardware domain has the block too;
 * it is touched here only when nobody runs any more.
 */
#include <arch/barrier.h>
#include <serai/arch.h>
#include <serai/errno.h>
#include <serai/power.h>

enum {
	PM_RSTC = 0x1c,
	PM_RSTS = 0x20,
	PM_WDOG = 0x24,
};

#define REGISTERS_SIZE 0x28

#define PASSWORD	0x5a000000U /* in the upper byte of everything that is written */
#define RSTC_CONFIG	0x30U
#define RSTC_FULL_RESET 0x20U
#define RSTS_PARTITION	0x555U /* its six bits lie two apart */
#define WDOG_TICKS	10U    /* of 1/65536 s */
#define WAIT_POLLS	100000000UL

static volatile u8 *regs;

static u32 reg_read(unsigned int offset)
{
	return *(volatile u32 *)(regs + offset);
}

static void reg_write(unsigned int offset, u32 value)
{
	*(volatile u32 *)(regs + offset) = (value & ~0xff000000U) | PASSWORD;
}

static void start_over(u32 partition)
{
	reg_write(PM_RSTS, (reg_read(PM_RSTS) & ~RSTS_PARTITION) | partition);
	reg_write(PM_WDOG, WDOG_TICKS);
	reg_write(PM_RSTC, (reg_read(PM_RSTC) & ~RSTC_CONFIG) | RSTC_FULL_RESET);
	for (u64 i = 0; i < WAIT_POLLS; i++)
		cpu_relax();
}

static void pm_restart(void)
{
	start_over(0);
}

static void pm_off(void)
{
	start_over(RSTS_PARTITION);
}

static int pm_init(paddr_t base, size_t size)
{
	if (size < REGISTERS_SIZE)
		return -XEN_ENODEV;
	regs = mem_arch_map_device(base, size);
	return regs ? 0 : -XEN_ENOMEM;
}

const struct power_driver bcm2835_pm_driver = {
	.compatible = "brcm,bcm2835-pm-wdt",
	.init = pm_init,
	.restart = pm_restart,
	.off = pm_off,
};
