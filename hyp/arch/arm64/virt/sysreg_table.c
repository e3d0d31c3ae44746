/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trapped system registers, in the order of their encoding in ESR_EL2 (op0, op2, op1, CRn,
 * CRm): the PMU and debug registers are there but do nothing. Xen 4.17 answers the same.
 */
#include "../include/arch/sysreg.h"
#include "../include/arch/sysreg_table.h"
#include <serai/compiler.h>

#define REG(op0, op1, crn, crm, op2, kind)                      \
	{                                                       \
		SYS_ENC(op0, op1, crn, crm, op2), SYSREG_##kind \
	}

static const struct sysreg_entry sysreg_table[] = {
	REG(1, 0, 7, 6, 2, DC_CISW), /* DC ISW */
	REG(1, 0, 7, 10, 2, DC_CSW), /* DC CSW */
	REG(1, 0, 7, 14, 2, DC_CISW), /* DC CISW */
	REG(2, 0, 0, 2, 0, ZERO), /* MDCCINT_EL1 */
	REG(2, 0, 1, 0, 0, RO_ZERO), /* MDRAR_EL1 */
	REG(2, 3, 0, 1, 0, RO_ZERO), /* MDCCSR_EL0 */
	REG(2, 3, 0, 4, 0, ZERO), /* DBGDTR_EL0 */
	REG(2, 3, 0, 5, 0, ZERO), /* DBGDTRTX_EL0 */
	REG(2, 0, 0, 0, 2, ZERO), /* OSDTRRX_EL1 */
	REG(2, 0, 0, 2, 2, ZERO), /* MDSCR_EL1 */
	REG(2, 0, 0, 3, 2, ZERO), /* OSDTRTX_EL1 */
	REG(2, 0, 0, 6, 2, ZERO), /* OSECCR_EL1 */
	REG(2, 0, 1, 0, 4, WO_NONE), /* OSLAR_EL1 */
	REG(2, 0, 1, 1, 4, OSLSR), /* OSLSR_EL1 */
	REG(2, 0, 1, 3, 4, ZERO), /* OSDLR_EL1 */
	REG(2, 0, 1, 4, 4, ZERO), /* DBGPRCR_EL1 */
	REG(3, 3, 9, 12, 0, ZERO), /* PMCR_EL0 */
	REG(3, 3, 9, 13, 0, ZERO), /* PMCCNTR_EL0 */
	REG(3, 3, 9, 14, 0, ZERO), /* PMUSERENR_EL0 */
	REG(3, 3, 14, 2, 0, PTIMER_TVAL), /* CNTP_TVAL_EL0 */
	REG(3, 0, 1, 0, 1, ZERO), /* ACTLR_EL1 */
	REG(3, 0, 9, 14, 1, ZERO), /* PMINTENSET_EL1 */
	REG(3, 3, 9, 12, 1, ZERO), /* PMCNTENSET_EL0 */
	REG(3, 3, 9, 13, 1, ZERO), /* PMXEVTYPER_EL0 */
	REG(3, 3, 14, 2, 1, PTIMER_CTL), /* CNTP_CTL_EL0 */
	REG(3, 0, 9, 14, 2, ZERO), /* PMINTENCLR_EL1 */
	REG(3, 3, 9, 12, 2, ZERO), /* PMCNTENCLR_EL0 */
	REG(3, 3, 9, 13, 2, ZERO), /* PMXEVCNTR_EL0 */
	REG(3, 3, 14, 2, 2, PTIMER_CVAL), /* CNTP_CVAL_EL0 */
	REG(3, 3, 9, 12, 3, ZERO), /* PMOVSCLR_EL0 */
	REG(3, 3, 9, 14, 3, ZERO), /* PMOVSSET_EL0 */
	REG(3, 3, 9, 12, 4, WO_NONE), /* PMSWINC_EL0 */
	REG(3, 0, 12, 11, 5, SGI1R), /* ICC_SGI1R_EL1 */
	REG(3, 0, 12, 12, 5, ICC_SRE), /* ICC_SRE_EL1 */
	REG(3, 3, 9, 12, 5, ZERO), /* PMSELR_EL0 */
	REG(3, 0, 9, 14, 6, RO_ZERO), /* PMMIR_EL1 */
	REG(3, 3, 9, 12, 6, RO_ZERO), /* PMCEID0_EL0 */
	REG(3, 3, 9, 12, 7, RO_ZERO), /* PMCEID1_EL0 */
};

/* DBGBVRn, DBGBCRn, DBGWVRn, DBGWCRn: n is CRm, op2 is 4 to 7. */
#define DBG_MASK  SYS_ENC(3, 7, 15, 0, 4)
#define DBG_MATCH SYS_ENC(2, 0, 0, 0, 4)

enum sysreg_kind sysreg_find(u32 enc)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(sysreg_table);

	if ((enc & DBG_MASK) == DBG_MATCH)
		return SYSREG_ZERO;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (sysreg_table[mid].enc < enc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < ARRAY_SIZE(sysreg_table) && sysreg_table[lo].enc == enc)
		return (enum sysreg_kind)sysreg_table[lo].kind;
	return SYSREG_UNDEF;
}
