/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CPUs can do. The boot CPU decides; a CPU that has less than the boot CPU stops the
 * start-up, since tables and the guests' view of the ID registers are made for the former.
 */
#ifndef ARCH_CPUFEATURE_H
#define ARCH_CPUFEATURE_H

#include <serai/types.h>

struct cpu_features {
	u8 pa_range; /* ID_AA64MMFR0_EL1.PARange, at most 5 */
	u8 pa_bits; /* 32 to 48 */
	bool vmid16, aarch32_el1, aarch32_el0, gic_sysregs;
	bool pan, fgt, hcx, ras, pauth, sve, sme, mte, amu, mpam, lor, spe, trbe, trf, pmu, ecv;
	bool tlbi_range;
	u8 workarounds; /* bit n - 1: guests need SMCCC ARCH_WORKAROUND_n */
	u64 midr;
};

extern struct cpu_features cpu_features; /* of the boot CPU */

/* On each CPU; id 0 is the boot CPU and comes first. Prints what is new about the CPU. */
void cpu_feature_init(unsigned int id);
/* fn: an SMCCC_WORKAROUND_ function that some CPU needs and the firmware offers. */
bool cpu_needs_workaround(u32 fn);

static inline bool cpu_has_aarch32_el1(void)
{
	return cpu_features.aarch32_el1;
}

static inline bool cpu_has_pan(void)
{
	return cpu_features.pan;
}

#endif
