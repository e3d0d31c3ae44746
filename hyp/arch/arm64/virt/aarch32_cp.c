/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trapped coprocessor registers of 32-bit guests (Arm ARM D17.2.37, ISS of MCR/MRC and MCRR/MRRC).
 * Registers that exist in both worlds are answered as for 64-bit guests; PMU and debug read as zero
 * and ignore writes. What is not here is undefined.
 */
#include <arch/aarch32.h>
#include <arch/sysreg.h>
#include <arch/sysreg_table.h>
#include <arch/vtimer.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/printk.h>

#define CP(op1, crn, crm, op2) SYS_ENC(0U, (u32)(op1), (u32)(crn), (u32)(crm), (u32)(op2))
#define CP_ENC(esr)	       ((u32)((esr) & CP(7, 15, 15, 7)))
#define REG_NONE	       31 /* r15 as the ISS gives it */
#define MODE_MASK	       0x1f
#define MODE_USER	       0x10

/* MCRR and MRRC */
#define ISS_CP64_OP1(esr) (((esr) >> 16) & 15)
#define ISS_CP64_RT2(esr) (((esr) >> 10) & 31)
#define CP64(op1, crm)	  ((op1) << 4 | (crm))
#define CP64_SGI1R	  CP64(0, 12)
#define CP64_CNTP_CVAL	  CP64(2, 14)

/* VMRS: where the ISS has CRn */
#define VMRS_FPSID 0
#define VMRS_MVFR2 5
#define VMRS_MVFR0 7

static __cold_path enum trap_result undefined(struct vcpu *v, const char *what, u64 esr)
{
	guest_printk(LOG_DEBUG, "%s, ISS %#lx, at %#lx is undefined\n", what, ESR_ISS(esr),
		     v->arch.frame.pc);
	return TRAP_INJECT_UNDEF;
}

static u32 get_reg(const struct trap_frame *f, u64 reg)
{
	return reg == REG_NONE ? 0 : (u32)f->x[reg];
}

static void set_reg(struct trap_frame *f, u64 reg, u64 value)
{
	if (reg != REG_NONE)
		f->x[reg] = (u32)value;
}

/* False: done with, since its condition does not hold. The other way: it may be looked at. */
static bool is_executed(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;

	if (aarch32_condition(f, esr))
		return true;
	aarch32_skip(f, esr);
	return false;
}

static bool is_allowed(const struct vcpu *v)
{
	return v->domain->arch.aarch32 && (v->arch.frame.spsr & MODE_MASK) != MODE_USER;
}

/* What the register is in the table of 64-bit ones. */
static enum sysreg_kind cp15_kind(u32 enc)
{
	u32 crn = (u32)SYS_ENC_CRN(enc);

	switch (enc) {
	case CP(0, 14, 2, 0):
		return SYSREG_PTIMER_TVAL;
	case CP(0, 14, 2, 1):
		return SYSREG_PTIMER_CTL;
	case CP(0, 1, 0, 1): /* ACTLR */
	case CP(0, 1, 0, 3): /* ACTLR2 */
	case CP(0, 14, 15, 7): /* PMCCFILTR */
		return SYSREG_ZERO;
	case CP(0, 7, 6, 2): /* DCISW */
	case CP(0, 7, 14, 2): /* DCCISW */
		return SYSREG_DC_CISW;
	case CP(0, 7, 10, 2): /* DCCSW */
		return SYSREG_DC_CSW;
	default:
		break;
	}
	/* The PMU's. */
	if (SYS_ENC_OP1(enc) == 0 && ((crn == 9 && SYS_ENC_CRM(enc) >= 12) ||
				      (crn == 14 && SYS_ENC_CRM(enc) >= 8)))
		return SYSREG_ZERO;
	return SYSREG_UNDEF;
}

/* Identification registers: c0, c1 to c7 of op1 0. Those behind the instruction sets are reserved. */
static bool is_id(u32 enc)
{
	return SYS_ENC_OP1(enc) == 0 && SYS_ENC_CRN(enc) == 0 && SYS_ENC_CRM(enc) >= 1 &&
	       SYS_ENC_CRM(enc) <= 7;
}

static u32 read_id(u32 enc)
{
	u32 crm = (u32)SYS_ENC_CRM(enc), op2 = (u32)SYS_ENC_OP2(enc);

	if (crm > 3 || (crm == 3 && op2 != 4 && op2 != 6))
		return 0;
	return (u32)sysreg_id_view(crm, op2);
}

static enum trap_result access_cp(struct vcpu *v, u64 esr, enum sysreg_kind kind)
{
	struct trap_frame *f = &v->arch.frame;
	unsigned int rt = ISS_SYS_RT(esr);
	enum trap_result r;
	u64 value = get_reg(f, rt);

	if (esr & ISS_SYS_READ)
		r = sysreg_read(v, kind, &value);
	else
		r = sysreg_write(v, kind, value);
	if (r != TRAP_HANDLED)
		return undefined(v, "a coprocessor access", esr);
	if (esr & ISS_SYS_READ)
		set_reg(f, rt, value);
	aarch32_skip(f, esr);
	return TRAP_HANDLED;
}

enum trap_result aarch32_trap_cp15(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u32 enc = CP_ENC(esr);

	if (!is_allowed(v))
		return TRAP_INJECT_UNDEF;
	if (!is_executed(v, esr))
		return TRAP_HANDLED;
	if (!is_id(enc) || !(esr & ISS_SYS_READ))
		return access_cp(v, esr, cp15_kind(enc));
	set_reg(f, ISS_SYS_RT(esr), read_id(enc));
	aarch32_skip(f, esr);
	return TRAP_HANDLED;
}

enum trap_result aarch32_trap_cp15_64(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	unsigned int rt = ISS_SYS_RT(esr), rt2 = ISS_CP64_RT2(esr);
	u32 reg = (u32)CP64(ISS_CP64_OP1(esr), SYS_ENC_CRM(esr));
	u64 value;

	if (!is_allowed(v))
		return TRAP_INJECT_UNDEF;
	if (!is_executed(v, esr))
		return TRAP_HANDLED;
	value = get_reg(f, rt) | (u64)get_reg(f, rt2) << 32;
	if (reg == CP64_SGI1R && !(esr & ISS_SYS_READ)) {
		vgic_sgi1r_write(v, value);
	} else if (reg == CP64_CNTP_CVAL && !(esr & ISS_SYS_READ)) {
		ptimer_write(v, PTIMER_CVAL, value);
	} else if (reg == CP64_CNTP_CVAL) {
		value = ptimer_read(v, PTIMER_CVAL);
		set_reg(f, rt, value);
		set_reg(f, rt2, value >> 32);
	} else {
		return undefined(v, "a coprocessor access of 64 bits", esr);
	}
	aarch32_skip(f, esr);
	return TRAP_HANDLED;
}

/* Debug registers are op1 0; OSLSR says that there is an OS lock, which is open. */
enum trap_result aarch32_trap_cp14(struct vcpu *v, u64 esr)
{
	u32 enc = CP_ENC(esr);

	if (!is_allowed(v))
		return TRAP_INJECT_UNDEF;
	if (!is_executed(v, esr))
		return TRAP_HANDLED;
	if (SYS_ENC_OP1(enc))
		return undefined(v, "an access of coprocessor 14", esr);
	return access_cp(v, esr, enc == CP(0, 1, 1, 4) ? SYSREG_OSLSR : SYSREG_ZERO);
}

/* Where the debug registers are in memory: nowhere. */
enum trap_result aarch32_trap_cp14_64(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;

	if (!is_allowed(v) || !(esr & ISS_SYS_READ))
		return TRAP_INJECT_UNDEF;
	if (!is_executed(v, esr))
		return TRAP_HANDLED;
	set_reg(f, ISS_SYS_RT(esr), 0);
	set_reg(f, ISS_CP64_RT2(esr), 0);
	aarch32_skip(f, esr);
	return TRAP_HANDLED;
}

enum trap_result aarch32_trap_vmrs(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u32 reg = (u32)SYS_ENC_CRN(esr);

	if (!is_allowed(v) || (reg != VMRS_FPSID && (reg < VMRS_MVFR2 || reg > VMRS_MVFR0)))
		return TRAP_INJECT_UNDEF;
	if (!is_executed(v, esr))
		return TRAP_HANDLED;
	if (esr & ISS_SYS_READ)
		set_reg(f, ISS_SYS_RT(esr),
			reg == VMRS_FPSID ? 0 : sysreg_id_view(3, VMRS_MVFR0 - reg));
	aarch32_skip(f, esr);
	return TRAP_HANDLED;
}
