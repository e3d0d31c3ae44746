/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers: access by name, and the fields that the hypervisor uses (Arm ARM D17-D19).
 *
 * read_sysreg(NAME) and write_sysreg(value, NAME) take any register that the assembler knows, in
 * either case, or one of the encoded names below (upper case). Both compilers' assemblers refuse
 * names that belong to an extension the build does not select, therefore the encodings.
 * Usable from assembly: only the field macros and names.
 */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#ifdef __ASSEMBLER__
#define REG_VAL(v, shift) ((v) << (shift))
#else
#define REG_VAL(v, shift) ((u64)(v) << (shift))
#endif
#define REG_BIT(n) REG_VAL(1, n)

/* --- encoded names --- */
#define ID_AA64ISAR2_EL1 S3_0_C0_C6_2
#define ID_AA64MMFR2_EL1 S3_0_C0_C7_2
#define ID_PFR2_EL1	 S3_0_C0_C3_4
#define ID_MMFR4_EL1	 S3_0_C0_C2_6
#define ID_MMFR5_EL1	 S3_0_C0_C3_6
#define ID_ISAR6_EL1	 S3_0_C0_C2_7

#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_DIR_EL1	S3_0_C12_C11_1
#define ICC_SGI1R_EL1	S3_0_C12_C11_5
#define ICC_SGI0R_EL1	S3_0_C12_C11_7
#define ICC_IAR1_EL1	S3_0_C12_C12_0
#define ICC_EOIR1_EL1	S3_0_C12_C12_1
#define ICC_HPPIR1_EL1	S3_0_C12_C12_2
#define ICC_BPR1_EL1	S3_0_C12_C12_3
#define ICC_CTLR_EL1	S3_0_C12_C12_4
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICH_AP0R0_EL2	S3_4_C12_C8_0
#define ICH_AP0R1_EL2	S3_4_C12_C8_1
#define ICH_AP0R2_EL2	S3_4_C12_C8_2
#define ICH_AP0R3_EL2	S3_4_C12_C8_3
#define ICH_AP1R0_EL2	S3_4_C12_C9_0
#define ICH_AP1R1_EL2	S3_4_C12_C9_1
#define ICH_AP1R2_EL2	S3_4_C12_C9_2
#define ICH_AP1R3_EL2	S3_4_C12_C9_3
#define ICC_SRE_EL2	S3_4_C12_C9_5
#define ICH_HCR_EL2	S3_4_C12_C11_0
#define ICH_VTR_EL2	S3_4_C12_C11_1
#define ICH_EISR_EL2	S3_4_C12_C11_3
#define ICH_ELRSR_EL2	S3_4_C12_C11_5
#define ICH_VMCR_EL2	S3_4_C12_C11_7
#define ICH_LR0_EL2	S3_4_C12_C12_0
#define ICH_LR1_EL2	S3_4_C12_C12_1
#define ICH_LR2_EL2	S3_4_C12_C12_2
#define ICH_LR3_EL2	S3_4_C12_C12_3
#define ICH_LR4_EL2	S3_4_C12_C12_4
#define ICH_LR5_EL2	S3_4_C12_C12_5
#define ICH_LR6_EL2	S3_4_C12_C12_6
#define ICH_LR7_EL2	S3_4_C12_C12_7
#define ICH_LR8_EL2	S3_4_C12_C13_0
#define ICH_LR9_EL2	S3_4_C12_C13_1
#define ICH_LR10_EL2	S3_4_C12_C13_2
#define ICH_LR11_EL2	S3_4_C12_C13_3
#define ICH_LR12_EL2	S3_4_C12_C13_4
#define ICH_LR13_EL2	S3_4_C12_C13_5
#define ICH_LR14_EL2	S3_4_C12_C13_6
#define ICH_LR15_EL2	S3_4_C12_C13_7

#define HCRX_EL2   S3_4_C1_C2_2
#define HFGRTR_EL2 S3_4_C1_C1_4
#define HFGWTR_EL2 S3_4_C1_C1_5
#define HFGITR_EL2 S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5
#define HAFGRTR_EL2 S3_4_C3_C1_6
#define MPAM2_EL2  S3_4_C10_C5_0

/* --- ESR_ELx --- */
#define ESR_EC_SHIFT  26
#define ESR_IL	      REG_BIT(25)
#define ESR_ISS_MASK  0x1ffffff
#define ESR_EC(esr)   (((esr) >> ESR_EC_SHIFT) & 0x3f)
#define ESR_ISS(esr)  ((esr) & ESR_ISS_MASK)

#define EC_UNKNOWN	 0x00
#define EC_WFX		 0x01
#define EC_CP15_32	 0x03
#define EC_CP15_64	 0x04
#define EC_CP14_32	 0x05
#define EC_CP14_LDC	 0x06
#define EC_FP		 0x07 /* SVE, SIMD, FP by CPTR_EL2 */
#define EC_VMRS		 0x08
#define EC_PAUTH	 0x09
#define EC_CP14_64	 0x0c
#define EC_HVC32	 0x12
#define EC_SMC32	 0x13
#define EC_HVC64	 0x16
#define EC_SMC64	 0x17
#define EC_SYSREG	 0x18
#define EC_SVE		 0x19
#define EC_SME		 0x1d
#define EC_IABT_LOWER	 0x20
#define EC_IABT_SAME	 0x21
#define EC_DABT_LOWER	 0x24
#define EC_DABT_SAME	 0x25

/* ISS of a data or instruction abort. */
#define ISS_FSC_TYPE(esr) ((esr) & 0x3c) /* level taken off */
#define ISS_WNR		REG_BIT(6)
#define ISS_S1PTW	REG_BIT(7)
#define ISS_SF		REG_BIT(15)
#define ISS_SRT(esr)	(((esr) >> 16) & 0x1f)
#define ISS_SSE		REG_BIT(21)
#define ISS_SAS(esr)	(((esr) >> 22) & 3)
#define ISS_ISV		REG_BIT(24)
#define FSC_TRANSLATION	0x04
#define FSC_ACCESS	0x08

/* Of instructions in AArch32: a condition is there, and which. */
#define ISS_CV		REG_BIT(24)
#define ISS_COND(esr)	(((esr) >> 20) & 15)
/* ISS of WFx. */
#define ISS_WFX_TI(esr) ((esr) & 3)
#define WFX_WFI		0
/* ISS of HVC, SMC, SVC. */
#define ISS_IMM16(esr)	((esr) & 0xffff)

/* ISS of a trapped MRS, MSR or SYS. */
#define ISS_SYS_READ REG_BIT(0)
#define ISS_SYS_RT(esr) (((esr) >> 5) & 0x1f)
#define SYS_ENC(op0, op1, crn, crm, op2) \
	(((op0) << 20) | ((op2) << 17) | ((op1) << 14) | ((crn) << 10) | ((crm) << 1))
#define ISS_SYS_ENC(esr) ((esr) & SYS_ENC(3, 7, 15, 15, 7))
#define SYS_ENC_OP0(e)	 (((e) >> 20) & 3)
#define SYS_ENC_OP1(e)	 (((e) >> 14) & 7)
#define SYS_ENC_CRN(e)	 (((e) >> 10) & 15)
#define SYS_ENC_CRM(e)	 (((e) >> 1) & 15)
#define SYS_ENC_OP2(e)	 (((e) >> 17) & 7)

/* --- PSTATE as saved in SPSR_ELx --- */
#define PSR_M_MASK 0x1f
#define PSR_EL0T   0x0
#define PSR_EL1T   0x4
#define PSR_EL1H   0x5
#define PSR_AARCH32 REG_BIT(4)
#define PSR_F	   REG_BIT(6)
#define PSR_I	   REG_BIT(7)
#define PSR_A	   REG_BIT(8)
#define PSR_D	   REG_BIT(9)
#define PSR_PAN	   REG_BIT(22)

/* --- HCR_EL2 --- */
#define HCR_VM	  REG_BIT(0)
#define HCR_SWIO  REG_BIT(1)
#define HCR_PTW	  REG_BIT(2)
#define HCR_FMO	  REG_BIT(3)
#define HCR_IMO	  REG_BIT(4)
#define HCR_AMO	  REG_BIT(5)
#define HCR_VSE	  REG_BIT(8)
#define HCR_FB	  REG_BIT(9)
#define HCR_BSU_IS REG_VAL(1, 10)
#define HCR_TWI	  REG_BIT(13)
#define HCR_TID3  REG_BIT(18)
#define HCR_TSC	  REG_BIT(19)
#define HCR_TIDCP REG_BIT(20)
#define HCR_TACR  REG_BIT(21)
#define HCR_TSW	  REG_BIT(22)
#define HCR_RW	  REG_BIT(31)
#define HCR_TLOR  REG_BIT(35)
#define HCR_TERR  REG_BIT(36)
#define HCR_TID5  REG_BIT(58)

/* --- SCTLR --- */
#define SCTLR_M	  REG_BIT(0)
#define SCTLR_C	  REG_BIT(2)
#define SCTLR_SA  REG_BIT(3)
#define SCTLR_I	  REG_BIT(12)
#define SCTLR_WXN REG_BIT(19)
/* SCTLR_EL2 without VHE: bits 4, 5, 11, 16, 18, 22, 23, 28, 29 read as one. */
#define SCTLR_EL2_RES1 0x30c50830
#define SCTLR_EL2_ON \
	(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)
/* SCTLR_EL1 as a vcpu starts: MMU and caches off, the bits that are RES1 in ARMv8.0. */
#define SCTLR_EL1_RESET 0x00c50078
#define SCTLR_EL1_SPAN	REG_BIT(23)

/* --- memory attributes: index in MAIR_EL2 --- */
#define MAIR_DEVICE_NGNRE  1
#define MAIR_NORMAL	   3

/* --- TCR_EL2, VTCR_EL2 --- */
#define TCR_T0SZ(n)    (n)
#define TCR_IRGN0_WBWA REG_VAL(1, 8)
#define TCR_ORGN0_WBWA REG_VAL(1, 10)
#define TCR_SH0_INNER  REG_VAL(3, 12)
#define TCR_PS(n)      REG_VAL(n, 16)
/* All but PS, which is ID_AA64MMFR0_EL1.PARange. */
#define VTCR_SL0(n)    REG_VAL(n, 6)
#define VTCR_VS	       REG_BIT(19)
#define VTCR_RES1      REG_BIT(31)

/* --- PAR_EL1 --- */
#define PAR_F	    REG_BIT(0)
#define PAR_PA_MASK 0x000ffffffffff000

/* --- traps --- */
#define CPTR_RES1	0x32ff /* bits 0-7, 9, 12, 13 without VHE */
#define CPTR_TZ		REG_BIT(8)
#define CPTR_TTA	REG_BIT(20)
#define CPTR_TAM	REG_BIT(30)
#define MDCR_HPMN(n)	(n)
#define MDCR_TPMCR	REG_BIT(5)
#define MDCR_TPM	REG_BIT(6)
#define MDCR_TDA	REG_BIT(9)
#define MDCR_TDOSA	REG_BIT(10)
#define MDCR_TDRA	REG_BIT(11)
#define MDCR_TPMS	REG_BIT(14)
#define MDCR_TTRF	REG_BIT(19)
#define CNTHCTL_EL1PCTEN REG_BIT(0)

#define MPAM2_TRAP_LOWER (REG_BIT(48) | REG_BIT(49)) /* MPAM0_EL1, MPAM1_EL1 */
#define HSTR_T15	REG_BIT(15)
#define PMCR_N(pmcr)	(((pmcr) >> 11) & 0x1f)

/* --- timers --- */
#define CNT_CTL_ENABLE	REG_BIT(0)
#define CNT_CTL_IMASK	REG_BIT(1)
#define CNT_CTL_ISTATUS REG_BIT(2)

/* --- MPIDR_EL1, MIDR_EL1 --- */
#define MPIDR_AFF_MASK 0xff00ffffff
#define MPIDR_RES1     REG_BIT(31)
#define MIDR_VARIANT(m)	    (((m) >> 20) & 0xf)
#define MIDR_REVISION(m)    ((m) & 0xf)

/* --- HPFAR_EL2 --- */
#define HPFAR_TO_IPA(h) (((h) & 0xffffffffff0) << 8)

#ifndef __ASSEMBLER__

#include <serai/types.h>

#define SYSREG_STR_(name) #name
#define SYSREG_STR(name)  SYSREG_STR_(name)

#define read_sysreg(name)                                                      \
	({                                                                     \
		u64 sysreg_r_;                                                 \
		__asm__ volatile("mrs %0, " SYSREG_STR(name) : "=r"(sysreg_r_)); \
		sysreg_r_;                                                     \
	})

#define write_sysreg(value, name)                                              \
	do {                                                                   \
		u64 sysreg_w_ = (u64)(value);                                  \
		__asm__ volatile("msr " SYSREG_STR(name) ", %x0" : : "rZ"(sysreg_w_)); \
	} while (0)

/* A four-bit field of an ID register. */
static inline unsigned int id_field(u64 reg, unsigned int shift)
{
	return (unsigned int)(reg >> shift) & 0xf;
}

#endif
#endif
