// SPDX-License-Identifier: Apache-2.0
/* SMCCC workarounds on a CPU that needs none: advertising one makes Linux call it for ever. */
/* machine: smp=1 vcpus=1 cpu=cortex-a53 */
#include "guest.h"

void guest_main(void)
{
	check_eq("workarounds.smccc_version", psci(SMCCC_VERSION, 0, 0, 0), 0x10001);
	check_eq("workarounds.one", psci(SMCCC_ARCH_FEATURES, 0x80008000, 0, 0), -1);
	check_eq("workarounds.two", psci(SMCCC_ARCH_FEATURES, 0x80007fff, 0, 0), -1);
	check_eq("workarounds.three", psci(SMCCC_ARCH_FEATURES, 0x80003fff, 0, 0), -1);
	check_eq("workarounds.cpus", machine.nr_cpus, 1);
	check_eq("workarounds.midr", (int64_t)sysreg_read(midr_el1) >> 4 & 0xfff, 0xd03);
}
