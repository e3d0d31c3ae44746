/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's part of a vcpu and of a domain. Included by serai/domain.h. */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include <arch/vgic.h> /* struct vgic_vcpu, struct vgic_domain */
#include <serai/time.h>
#include <serai/types.h>

/*
 * What the vectors save when a guest traps. SP_EL2 points here while the guest runs; cpu_stack is
 * where the hypervisor's own stack begins. Offsets are known to vectors.S through asm-offsets.
 */
struct trap_frame {
	u64 x[31];
	u64 pc;	  /* ELR_EL2 */
	u64 spsr; /* SPSR_EL2 */
	u64 cpu_stack;
};

/* EL1 and EL0 state that is switched with the vcpu. */
struct el1_state {
	u64 sp_el0, sp_el1, elr, spsr;
	u64 sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair;
	u64 esr, far, afsr0, afsr1, vbar, contextidr, par;
	u64 tpidr_el0, tpidrro_el0, tpidr_el1;
	u64 csselr, cntkctl;
	/* AArch32 */
	u32 spsr_abt, spsr_und, spsr_irq, spsr_fiq;
	u32 dacr32, ifsr32, fpexc32;
};

struct fp_state {
	u64 q[64];
	u64 fpsr, fpcr;
} __attribute__((aligned(16)));

struct vtimer {
	u64 ctl, cval; /* CNTV_CTL_EL0, CNTV_CVAL_EL0 while not running */
	struct timer wake; /* wakes the vcpu while it is not running */
};

/* The EL1 physical timer, emulated. */
struct ptimer {
	u64 ctl, cval;
	struct timer timer;
};

struct vcpu_arch {
	struct trap_frame frame; /* at offset 0 of struct vcpu */
	u64 hcr, vmpidr, vpidr;
	struct vgic_vcpu vgic;
	struct vtimer vtimer;
	struct ptimer ptimer;
	struct el1_state el1;
	struct fp_state fp;
};

struct domain_arch {
	u64 cntvoff;
	struct vgic_domain vgic;
	struct mmio_map *mmio;
	bool aarch32; /* EL1 is 32-bit; fixed before a vcpu starts */
	u16 last_vcpu[CONFIG_NR_CPUS]; /* id + 1 of the vcpu that ran last on each CPU */
};

#endif
