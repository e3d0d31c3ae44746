/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware's PSCI: starting CPUs, switching the machine off and restarting it. A machine without
 * it may have a device for the last two.
 */
#include <arch/barrier.h>
#include <arch/psci.h>
#include <serai/arch.h>
#include <serai/compiler.h>
#include <serai/power.h>
#include <serai/printk.h>

static enum psci_conduit conduit __ro_after_init;
static const struct power_driver *power __ro_after_init;

s64 firmware_call(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 __asm__("x0") = fn;
	register u64 x1 __asm__("x1") = a1;
	register u64 x2 __asm__("x2") = a2;
	register u64 x3 __asm__("x3") = a3;

	if (conduit == PSCI_CONDUIT_SMC)
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
				   "x14", "x15", "x16", "x17", "memory");
	else
		return PSCI_NOT_SUPPORTED;
	return (s64)x0;
}

void __init psci_init(enum psci_conduit c)
{
	s64 version;

	conduit = c;
	if (c == PSCI_CONDUIT_HVC)
		pr_warn("PSCI: the device tree's /psci says method \"hvc\", which EL2 cannot use: "
			"only the boot CPU runs. Expected \"smc\".\n");
	if (c != PSCI_CONDUIT_SMC)
		return;
	version = firmware_call(PSCI_VERSION, 0, 0, 0);
	pr_debug("PSCI %u.%u\n", (u32)version >> 16, (u32)version & 0xffff);
}

void __init psci_set_substitute(const struct power_driver *device)
{
	power = device;
}

int __init psci_cpu_on(u64 mpidr, paddr_t entry, u64 context)
{
	return (int)firmware_call(PSCI_CPU_ON | SMCCC_SMC64, mpidr, entry, context);
}

void cpu_arch_halt(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

void cpu_arch_reset(void)
{
	firmware_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	if (power)
		power->restart();
	pr_err("The %s did not restart the machine; halted.\n", power ? power->compatible : "firmware");
	cpu_arch_halt();
}

void cpu_arch_power_off(void)
{
	firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	if (power)
		power->off();
	pr_err("The %s did not power the machine off; halted.\n", power ? power->compatible : "firmware");
	cpu_arch_halt();
}
