/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual CPU interface: list registers and their control (IHI 0069, 12.4). */
#ifndef ARCH_ICH_H
#define ARCH_ICH_H

#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <serai/bug.h>
#include <serai/types.h>

#define ICH_LR_CASES(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static inline u64 ich_read_lr(unsigned int i)
{
	switch (i) {
#define ICH_LR_CASE(n) \
	case n:        \
		return read_sysreg(ICH_LR##n##_EL2);
		ICH_LR_CASES(ICH_LR_CASE)
#undef ICH_LR_CASE
	default:
		BUG();
	}
}

static inline void ich_write_lr(unsigned int i, u64 lr)
{
	switch (i) {
#define ICH_LR_CASE(n)                            \
	case n:                                   \
		write_sysreg(lr, ICH_LR##n##_EL2); \
		break;
		ICH_LR_CASES(ICH_LR_CASE)
#undef ICH_LR_CASE
	default:
		BUG();
	}
}

/* Bit n: list register n is empty, no end-of-interrupt maintenance waits for it. */
static inline u32 ich_read_elrsr(void)
{
	return (u32)read_sysreg(ICH_ELRSR_EL2);
}

static inline u32 ich_read_eisr(void)
{
	return (u32)read_sysreg(ICH_EISR_EL2);
}

static inline u32 ich_read_vtr(void)
{
	return (u32)read_sysreg(ICH_VTR_EL2);
}

static inline u32 ich_read_hcr(void)
{
	return (u32)read_sysreg(ICH_HCR_EL2);
}

static inline void ich_write_hcr(u32 hcr)
{
	write_sysreg(hcr, ICH_HCR_EL2);
}

static inline u64 ich_read_vmcr(void)
{
	return read_sysreg(ICH_VMCR_EL2);
}

static inline void ich_write_vmcr(u64 vmcr)
{
	write_sysreg(vmcr, ICH_VMCR_EL2);
}

/* Active priorities of groups 0 and 1; n < nr has 1, 2 or 4 registers. */
static inline void ich_save_apr(u32 *ap0r, u32 *ap1r, unsigned int nr)
{
	ap0r[0] = (u32)read_sysreg(ICH_AP0R0_EL2);
	ap1r[0] = (u32)read_sysreg(ICH_AP1R0_EL2);
	if (nr > 1) {
		ap0r[1] = (u32)read_sysreg(ICH_AP0R1_EL2);
		ap1r[1] = (u32)read_sysreg(ICH_AP1R1_EL2);
	}
	if (nr > 2) {
		ap0r[2] = (u32)read_sysreg(ICH_AP0R2_EL2);
		ap0r[3] = (u32)read_sysreg(ICH_AP0R3_EL2);
		ap1r[2] = (u32)read_sysreg(ICH_AP1R2_EL2);
		ap1r[3] = (u32)read_sysreg(ICH_AP1R3_EL2);
	}
}

static inline void ich_load_apr(const u32 *ap0r, const u32 *ap1r, unsigned int nr)
{
	write_sysreg(ap0r[0], ICH_AP0R0_EL2);
	write_sysreg(ap1r[0], ICH_AP1R0_EL2);
	if (nr > 1) {
		write_sysreg(ap0r[1], ICH_AP0R1_EL2);
		write_sysreg(ap1r[1], ICH_AP1R1_EL2);
	}
	if (nr > 2) {
		write_sysreg(ap0r[2], ICH_AP0R2_EL2);
		write_sysreg(ap0r[3], ICH_AP0R3_EL2);
		write_sysreg(ap1r[2], ICH_AP1R2_EL2);
		write_sysreg(ap1r[3], ICH_AP1R3_EL2);
	}
}

/* The guest's ICC_SRE_EL1; its own accesses trap. Before ICH_VMCR_EL2, which depends on it. */
static inline void ich_set_sre(u32 sre)
{
	write_sysreg(sre, ICC_SRE_EL1);
	isb();
}

/* A list register here may end the physical interrupt, wherever that was acknowledged. */
static inline bool ich_may_link(u32 irq)
{
	return true;
}

#endif
