/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trapped system registers, and the controls that make them trap (Arm ARM D17.2.48, D17.2.36).
 *
 * ID registers are answered from an array that is filled once: features are hidden whose state
 * the hypervisor does not switch, or that need EL2's help (SVE, SME, MTE, pointer authentication,
 * AMU, RAS, MPAM, tracing ...). All else is in sysreg_table.c; what is not there is undefined.
 */
#include <arch/barrier.h>
#include <arch/cpufeature.h>
#include <arch/mmu.h>
#include <arch/p2m.h>
#include <arch/sysreg.h>
#include <arch/sysreg_table.h>
#include <arch/traps.h>
#include <arch/vtimer.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/printk.h>

#define REG_ZR	    31
#define SGI1R_ENC   SYS_ENC(3, 0, 12, 11, 5)
#define OSLSR_VALUE 0x8 /* OS lock implemented and not set */

/* op0 3, op1 0, CRn 0, CRm 0 to 7: by CRm and op2. */
#define ID_CRMS	 8
#define ID_MASK	 (SYS_ENC(3, 7, 15, 8, 0) | ISS_SYS_READ)
#define ID_MATCH (SYS_ENC(3, 0, 0, 0, 0) | ISS_SYS_READ)

static u64 id_view[ID_CRMS][8] __ro_after_init;

/* --- the view of the ID registers --- */

#define FIELD4(shift)		   (0xfUL << (shift))
#define VIEW(crm, op2, name, mask) (id_view[crm][op2] = read_sysreg(name) & (mask))
#define ALL			   (~0UL)

/* The four-bit field gets at most max; a value of 15 means implementation defined: none. */
static void __init cap_field(u64 *reg, unsigned int shift, u64 max)
{
	u64 value = id_field(*reg, shift);

	if (value == 0xf)
		value = 0;
	*reg = (*reg & ~FIELD4(shift)) | MIN(value, max) << shift;
}

static void __init view_aarch64(void)
{
	/* RAS, SVE, secure EL2, MPAM, AMU, RME go; CSV2 2 would need SCXTNUM_ELx switched. */
	VIEW(4, 0, id_aa64pfr0_el1, 0x0fffffffUL | FIELD4(48) | FIELD4(56) | FIELD4(60));
	cap_field(&id_view[4][0], 56, 1);
	/* BTI, SSBS, CSV2_frac stay. */
	VIEW(4, 1, id_aa64pfr1_el1, FIELD4(0) | FIELD4(4) | FIELD4(32));
	/* No trace, SPE, TRBE, BRBE; debug as in ARMv8.0, PMUv3 as in ARMv8.0. */
	VIEW(5, 0, id_aa64dfr0_el1,
	     FIELD4(0) | FIELD4(8) | FIELD4(12) | FIELD4(20) | FIELD4(28) | FIELD4(36));
	cap_field(&id_view[5][0], 0, 6);
	cap_field(&id_view[5][0], 8, 1);
	/* TME; pointer authentication, XS, LS64. */
	VIEW(6, 0, id_aa64isar0_el1, ~FIELD4(24));
	VIEW(6, 1, id_aa64isar1_el1,
	     ~(FIELD4(4) | FIELD4(8) | FIELD4(24) | FIELD4(28) | FIELD4(56) | FIELD4(60)));
	/* RPRES, BC and CLRBHB stay; the others want bits of HCRX_EL2, or WFET handled. */
	VIEW(6, 2, ID_AA64ISAR2_EL1, FIELD4(4) | FIELD4(20) | FIELD4(28));
	/* FGT; limited ordering, HCX, CMOW; nested virtualisation, FWB, EVT. */
	VIEW(7, 0, id_aa64mmfr0_el1, ~FIELD4(56));
	cap_field(&id_view[7][0], 0, cpu_features.pa_range);
	VIEW(7, 1, id_aa64mmfr1_el1, ~(FIELD4(16) | FIELD4(40) | FIELD4(56)));
	VIEW(7, 2, ID_AA64MMFR2_EL1, ~(FIELD4(24) | FIELD4(40) | FIELD4(56)));
}

static void __init view_aarch32(void)
{
	VIEW(1, 0, id_pfr0_el1, ~(FIELD4(20) | FIELD4(28))); /* AMU, RAS */
	VIEW(1, 1, id_pfr1_el1, ALL);
	VIEW(1, 2, id_dfr0_el1, FIELD4(0) | FIELD4(24));
	cap_field(&id_view[1][2], 0, 6);
	cap_field(&id_view[1][2], 24, 3);
	VIEW(1, 3, id_afr0_el1, ALL);
	VIEW(1, 4, id_mmfr0_el1, ALL);
	VIEW(1, 5, id_mmfr1_el1, ALL);
	VIEW(1, 6, id_mmfr2_el1, ALL);
	VIEW(1, 7, id_mmfr3_el1, ALL);
	VIEW(2, 0, id_isar0_el1, ALL);
	VIEW(2, 1, id_isar1_el1, ALL);
	VIEW(2, 2, id_isar2_el1, ALL);
	VIEW(2, 3, id_isar3_el1, ALL);
	VIEW(2, 4, id_isar4_el1, ALL);
	VIEW(2, 5, id_isar5_el1, ALL);
	VIEW(2, 6, ID_MMFR4_EL1, ALL);
	VIEW(2, 7, ID_ISAR6_EL1, ALL);
	VIEW(3, 0, mvfr0_el1, ALL);
	VIEW(3, 1, mvfr1_el1, ALL);
	VIEW(3, 2, mvfr2_el1, ALL);
	VIEW(3, 4, ID_PFR2_EL1, FIELD4(0) | FIELD4(4)); /* CSV3, SSBS */
	VIEW(3, 6, ID_MMFR5_EL1, ALL);
}

void __init sysreg_init(void)
{
	view_aarch64();
	view_aarch32();
}

/* --- accesses --- */

u64 sysreg_id_view(u32 crm, u32 op2)
{
	return id_view[crm][op2];
}

enum trap_result sysreg_read(struct vcpu *v, enum sysreg_kind kind, u64 *value)
{
	*value = 0;
	switch (kind) {
	case SYSREG_ZERO:
	case SYSREG_RO_ZERO:
		return TRAP_HANDLED;
	case SYSREG_OSLSR:
		*value = OSLSR_VALUE;
		return TRAP_HANDLED;
	case SYSREG_ICC_SRE:
		*value = v->arch.vgic.sre;
		return TRAP_HANDLED;
	case SYSREG_PTIMER_CTL:
		*value = ptimer_read(v, PTIMER_CTL);
		return TRAP_HANDLED;
	case SYSREG_PTIMER_CVAL:
		*value = ptimer_read(v, PTIMER_CVAL);
		return TRAP_HANDLED;
	case SYSREG_PTIMER_TVAL:
		*value = ptimer_read(v, PTIMER_TVAL);
		return TRAP_HANDLED;
	default:
		return TRAP_INJECT_UNDEF;
	}
}

enum trap_result sysreg_write(struct vcpu *v, enum sysreg_kind kind, u64 value)
{
	switch (kind) {
	case SYSREG_SGI1R:
		vgic_sgi1r_write(v, value);
		return TRAP_HANDLED;
	case SYSREG_ZERO:
	case SYSREG_WO_NONE:
	case SYSREG_ICC_SRE:
		return TRAP_HANDLED;
	case SYSREG_PTIMER_CTL:
		ptimer_write(v, PTIMER_CTL, value);
		return TRAP_HANDLED;
	case SYSREG_PTIMER_CVAL:
		ptimer_write(v, PTIMER_CVAL, value);
		return TRAP_HANDLED;
	case SYSREG_PTIMER_TVAL:
		ptimer_write(v, PTIMER_TVAL, value);
		return TRAP_HANDLED;
	case SYSREG_DC_CSW:
		__asm__ volatile("dc csw, %0" : : "r"(value) : "memory");
		return TRAP_HANDLED;
	case SYSREG_DC_CISW:
		__asm__ volatile("dc cisw, %0" : : "r"(value) : "memory");
		return TRAP_HANDLED;
	default:
		return TRAP_INJECT_UNDEF;
	}
}

static __cold_path void report_undefined(struct vcpu *v, u64 esr)
{
	u32 e = (u32)ISS_SYS_ENC(esr);

	guest_printk(LOG_DEBUG, "%s of S%u_%u_C%u_C%u_%u at %#lx is undefined\n",
		     esr & ISS_SYS_READ ? "read" : "write", SYS_ENC_OP0(e), SYS_ENC_OP1(e),
		     SYS_ENC_CRN(e), SYS_ENC_CRM(e), SYS_ENC_OP2(e), v->arch.frame.pc);
}

static enum trap_result sysreg_access(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u32 enc = (u32)ISS_SYS_ENC(esr);
	/* Linux writes this one again and again. */
	enum sysreg_kind kind = likely(enc == SGI1R_ENC) ? SYSREG_SGI1R : sysreg_find(enc);
	unsigned int rt = ISS_SYS_RT(esr);
	enum trap_result r;
	u64 value;

	if (esr & ISS_SYS_READ) {
		r = sysreg_read(v, kind, &value);
		if (r == TRAP_HANDLED && rt != REG_ZR)
			f->x[rt] = value;
	} else {
		r = sysreg_write(v, kind, rt == REG_ZR ? 0 : f->x[rt]);
	}
	if (r == TRAP_HANDLED)
		f->pc += 4;
	else
		report_undefined(v, esr);
	return r;
}

enum trap_result sysreg_trap(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	unsigned int rt = ISS_SYS_RT(esr);

	if (likely((esr & ID_MASK) != ID_MATCH))
		return sysreg_access(v, esr);
	if (rt != REG_ZR)
		f->x[rt] = id_view[SYS_ENC_CRM(esr)][SYS_ENC_OP2(esr)];
	f->pc += 4;
	return TRAP_HANDLED;
}

/* --- what traps --- */

static u64 mdcr_value(void)
{
	u64 mdcr = MDCR_TDRA | MDCR_TDOSA | MDCR_TDA;

	if (cpu_features.pmu)
		mdcr |= MDCR_TPM | MDCR_TPMCR | MDCR_HPMN(PMCR_N(read_sysreg(pmcr_el0)));
	if (cpu_features.spe)
		mdcr |= MDCR_TPMS;
	if (cpu_features.trf)
		mdcr |= MDCR_TTRF;
	return mdcr;
}

/* Fine-grained traps and extensions are off; what guests may not have without them is hidden. */
static void init_optional(void)
{
	if (cpu_features.hcx)
		write_sysreg(0, HCRX_EL2);
	if (cpu_features.fgt) {
		write_sysreg(0, HFGRTR_EL2);
		write_sysreg(0, HFGWTR_EL2);
		write_sysreg(0, HFGITR_EL2);
		write_sysreg(0, HDFGRTR_EL2);
		write_sysreg(0, HDFGWTR_EL2);
		if (cpu_features.amu)
			write_sysreg(0, HAFGRTR_EL2);
	}
	if (cpu_features.mpam)
		write_sysreg(MPAM2_TRAP_LOWER, MPAM2_EL2);
	if (cpu_features.pmu)
		write_sysreg(0, pmuserenr_el0); /* EL0 traps to the guest's kernel first */
}

void cpu_init_traps(void)
{
	mmu_cpu_init();
	p2m_cpu_init();
	write_sysreg(mdcr_value(), mdcr_el2);
	write_sysreg(CPTR_RES1 | CPTR_TZ | CPTR_TTA | (cpu_features.amu ? CPTR_TAM : 0), cptr_el2);
	write_sysreg(cpu_features.aarch32_el0 ? HSTR_T15 : 0, hstr_el2);
	/* The physical counter is free to read, the timer is emulated. */
	write_sysreg(CNTHCTL_EL1PCTEN, cnthctl_el2);
	write_sysreg(0, mdscr_el1);
	init_optional();
	isb();
}

u64 cpu_hcr_value(const struct vcpu *v)
{
	u64 hcr = HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_IS |
		  HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW;

	if (!v->domain->arch.aarch32)
		hcr |= HCR_RW;
	if (!options.vwfi_native)
		hcr |= HCR_TWI;
	if (cpu_features.lor)
		hcr |= HCR_TLOR;
	if (cpu_features.ras)
		hcr |= HCR_TERR;
	if (cpu_features.mte)
		hcr |= HCR_TID5;
	return hcr;
}
