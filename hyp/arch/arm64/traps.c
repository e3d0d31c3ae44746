/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps from the guest: one table by exception class (Arm ARM D17.2.37). A handler says whether the
 * trap was dealt with, the guest gets an undefined instruction exception, or the domain dies.
 */
#include <arch/aarch32.h>
#include <arch/cpufeature.h>
#include <arch/gic.h>
#include <arch/mmio_abort.h>
#include <arch/psci.h>
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/hypercall.h>
#include <serai/printk.h>

/* Architectural offsets of the EL1 vectors (Arm ARM D1.3.1.5). */
enum { VECTOR_EL1T = 0, VECTOR_EL1H = 0x200, VECTOR_EL0_64 = 0x400, VECTOR_EL0_32 = 0x600 };

static bool from_el0(const struct trap_frame *f)
{
	return (f->spsr & PSR_AARCH32) ? (f->spsr & 0xf) == 0 : (f->spsr & 0xc) == 0;
}

/* Takes the exception to EL1 as the CPU would; v is current. */
static void inject_exception(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u64 mode = f->spsr & PSR_M_MASK;
	u64 pstate = PSR_D | PSR_A | PSR_I | PSR_F | PSR_EL1H;
	u64 vector = VECTOR_EL1H;

	if (mode & PSR_AARCH32)
		vector = VECTOR_EL0_32;
	else if (mode == PSR_EL0T)
		vector = VECTOR_EL0_64;
	else if (mode == PSR_EL1T)
		vector = VECTOR_EL1T;
	pstate |= f->spsr & PSR_PAN;
	if (!(read_sysreg(sctlr_el1) & SCTLR_EL1_SPAN) && cpu_has_pan())
		pstate |= PSR_PAN;
	write_sysreg(f->pc, elr_el1);
	write_sysreg(f->spsr, spsr_el1);
	write_sysreg(esr, esr_el1);
	f->pc = read_sysreg(vbar_el1) + vector;
	f->spsr = pstate;
}

/* --- exceptions to EL1 of the current vcpu --- */

static void inject_undef(struct vcpu *v)
{
	if (unlikely(v->domain->arch.aarch32)) {
		aarch32_inject_undef(v);
		return;
	}
	inject_exception(v, ((u64)EC_UNKNOWN << ESR_EC_SHIFT) | ESR_IL);
}

/* write: for 32-bit guests, who are told. */
static void inject_data_abort(struct vcpu *v, u64 far, bool write)
{
	u64 ec = from_el0(&v->arch.frame) ? EC_DABT_LOWER : EC_DABT_SAME;

	if (unlikely(v->domain->arch.aarch32)) {
		aarch32_inject_data_abort(v, far, write);
		return;
	}
	write_sysreg(far, far_el1);
	inject_exception(v, (ec << ESR_EC_SHIFT) | ESR_IL);
}

static void inject_instruction_abort(struct vcpu *v, u64 far)
{
	u64 ec = from_el0(&v->arch.frame) ? EC_IABT_LOWER : EC_IABT_SAME;

	if (unlikely(v->domain->arch.aarch32)) {
		aarch32_inject_prefetch_abort(v, far);
		return;
	}
	write_sysreg(far, far_el1);
	inject_exception(v, (ec << ESR_EC_SHIFT) | ESR_IL);
}

static enum trap_result trap_hvc(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u64 imm = ISS_IMM16(esr);
	long rc;

	if (likely(imm == HVC_HYPERCALL_TAG)) {
		rc = hypercall_call(f->x[16], f->x);
		if (unlikely(rc == -XEN_ERESTART))
			f->pc -= 4;
		else
			f->x[0] = (u64)rc;
		return TRAP_HANDLED;
	}
	if (imm == 0) {
		smccc_call(v, f->x);
		return TRAP_HANDLED;
	}
	f->pc -= 4;
	return TRAP_INJECT_UNDEF;
}

static enum trap_result trap_smc(struct vcpu *v, u64 esr)
{
	if (ISS_IMM16(esr) != 0)
		return TRAP_INJECT_UNDEF;
	v->arch.frame.pc += 4;
	smccc_call(v, v->arch.frame.x);
	return TRAP_HANDLED;
}

static enum trap_result trap_wfx(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;

	if (unlikely(f->spsr & PSR_AARCH32)) {
		bool holds = aarch32_condition(f, esr);

		aarch32_skip(f, esr);
		if (!holds)
			return TRAP_HANDLED;
	} else {
		f->pc += 4;
	}
	if (ISS_WFX_TI(esr) == WFX_WFI)
		vcpu_block();
	else
		sched_yield();
	return TRAP_HANDLED;
}

/* True when the guest's access is allowed by now: another CPU changed the entry meanwhile. */
static bool fault_is_stale(struct vcpu *v, u64 gpa, bool write)
{
	enum p2m_type t;

	if (!mfn_valid_number(p2m_lookup(&v->domain->p2m, gpa_to_gfn(gpa), &t)))
		return false;
	return !write || p2m_type_writable(t) || (t >= P2M_MMIO_DEV && t <= P2M_MMIO_CACHED);
}

/* HPFAR_EL2 is valid for translation and access faults and for table walks of stage 1. */
static bool fault_has_ipa(u64 esr)
{
	u64 type = ISS_FSC_TYPE(esr);

	return type == FSC_TRANSLATION || type == FSC_ACCESS || (esr & ISS_S1PTW);
}

static enum trap_result trap_data_abort(struct vcpu *v, u64 esr)
{
	u64 far = read_sysreg(far_el2), gpa;

	if (likely(ISS_FSC_TYPE(esr) == FSC_TRANSLATION && (esr & ISS_ISV))) {
		gpa = HPFAR_TO_IPA(read_sysreg(hpfar_el2)) | (far & ~PAGE_MASK);
		if (likely(mmio_abort(v, esr, gpa) == TRAP_HANDLED))
			return TRAP_HANDLED;
	} else if (fault_has_ipa(esr)) {
		gpa = HPFAR_TO_IPA(read_sysreg(hpfar_el2)) | (far & ~PAGE_MASK);
	} else {
		guest_printk(LOG_DEBUG, "data abort at %#lx, ESR %#lx, pc %#lx\n", far, esr,
			     v->arch.frame.pc);
		inject_data_abort(v, far, esr & ISS_WNR);
		return TRAP_HANDLED;
	}
	if (!fault_is_stale(v, gpa, esr & ISS_WNR))
		inject_data_abort(v, far, esr & ISS_WNR);
	return TRAP_HANDLED;
}

static enum trap_result trap_instruction_abort(struct vcpu *v, u64 esr)
{
	u64 far = read_sysreg(far_el2);

	if (fault_has_ipa(esr) &&
	    fault_is_stale(v, HPFAR_TO_IPA(read_sysreg(hpfar_el2)), false))
		return TRAP_HANDLED;
	inject_instruction_abort(v, far);
	return TRAP_HANDLED;
}

static enum trap_result trap_undef(struct vcpu *v, u64 esr)
{
	return TRAP_INJECT_UNDEF;
}

typedef enum trap_result trap_fn(struct vcpu *v, u64 esr);

static trap_fn *const trap_table[64] = {
	[EC_UNKNOWN] = trap_undef,
	[EC_WFX] = trap_wfx,
	[EC_HVC64] = trap_hvc,
	[EC_SMC64] = trap_smc,
	[EC_SYSREG] = sysreg_trap,
	[EC_SVE] = trap_undef,
	[EC_SME] = trap_undef,
	[EC_PAUTH] = trap_undef,
	[EC_FP] = trap_undef,
	[EC_IABT_LOWER] = trap_instruction_abort,
	[EC_DABT_LOWER] = trap_data_abort,
	[EC_CP15_32] = aarch32_trap_cp15,
	[EC_CP15_64] = aarch32_trap_cp15_64,
	[EC_CP14_32] = aarch32_trap_cp14,
	[EC_CP14_LDC] = trap_undef,
	[EC_CP14_64] = aarch32_trap_cp14_64,
	[EC_VMRS] = aarch32_trap_vmrs,
	[EC_HVC32] = aarch32_trap_hvc,
	[EC_SMC32] = aarch32_trap_smc,
};

static __cold_path void trap_failed(struct vcpu *v, u64 esr, enum trap_result r)
{
	if (r == TRAP_INJECT_UNDEF) {
		inject_undef(v);
		return;
	}
	pr_err("d%uv%u: ESR %#lx, FAR %#lx, HPFAR %#lx\n", v->domain->id, v->id, esr,
	       read_sysreg(far_el2), read_sysreg(hpfar_el2));
	domain_crash(v->domain, "a trap that the hypervisor cannot handle");
}

void trap_sync(struct vcpu *v)
{
	u64 esr = read_sysreg(esr_el2);
	trap_fn *fn = trap_table[ESR_EC(esr)];
	enum trap_result r = likely(fn) ? fn(v, esr) : TRAP_KILL;

	if (unlikely(r != TRAP_HANDLED))
		trap_failed(v, esr, r);
}

void trap_irq(struct vcpu *v)
{
	gic_handle_irqs();
}

void trap_fiq(struct vcpu *v)
{
	pr_warn("unexpected FIQ, taken with d%uv%u running\n", v->domain->id, v->id);
}

/* An asynchronous error while a guest ran: the guest gets it as its own virtual SError. */
void trap_serror(struct vcpu *v)
{
	u64 esr = read_sysreg(esr_el2);

	pr_err("d%uv%u: SError, ESR %#lx\n", v->domain->id, v->id, esr);
	write_sysreg(read_sysreg(hcr_el2) | HCR_VSE, hcr_el2);
}
