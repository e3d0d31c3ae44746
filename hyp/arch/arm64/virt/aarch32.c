/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32-bit guests: how they start, how exceptions are taken to their EL1 (Arm ARM G1.13), and calls to
 * the hypervisor. Coprocessor registers are in aarch32_cp.c.
 */
#include <arch/aarch32.h>
#include <arch/psci.h>
#include <arch/sysreg.h>
#include <serai/domain.h>
#include <serai/hypercall.h>

/* CPSR */
#define CPSR_T	     BIT(5)
#define CPSR_E	     BIT(9)
#define CPSR_KEPT    0xf84f0000UL /* flags, GE, PAN: an exception leaves them as they are */
#define CPSR_IT_LOW  0x06000000UL /* IT[1:0] */
#define CPSR_IT_HIGH 0x0000fc00UL /* IT[7:2] */
#define MODE_USER    0x10
#define MODE_SVC     0x13
#define MODE_ABORT   0x17
#define MODE_UNDEF   0x1b

/* Registers of the modes in the frame. */
#define REG_LR_ABORT 20
#define REG_LR_UNDEF 22
#define REG_CALL     12 /* the number of a hypercall */

/* SCTLR of 32-bit EL1 */
#define SCTLR32_RESET 0x00c50078UL
#define SCTLR32_V     BIT(13)
#define SCTLR32_EE    BIT(25)
#define SCTLR32_TE    BIT(30)
#define HIGH_VECTORS  0xffff0000UL
#define TTBCR_EAE     BIT(31)

/* Fault status registers: an external abort, in both formats. */
#define FSR_LPAE       (BIT(9) | 0x10)
#define FSR_SHORT      0x08
#define DFSR_WRITE     BIT(11)

enum { VECTOR_UNDEF = 0x04, VECTOR_PREFETCH = 0x0c, VECTOR_DATA = 0x10 };

#define CALL_ARGS 6

void aarch32_start(struct vcpu *v, u64 pc, u32 r0, u32 r1, u32 r2)
{
	struct trap_frame *f = &v->arch.frame;

	*f = (struct trap_frame){ .pc = (u32)pc & ~1U };
	f->x[0] = r0;
	f->x[1] = r1;
	f->x[2] = r2;
	f->spsr = PSR_A | PSR_I | PSR_F | MODE_SVC | (pc & 1 ? CPSR_T : 0);
	v->arch.el1 = (struct el1_state){ .sctlr = SCTLR32_RESET };
	v->initialised = true;
}

/* ------------------------------------------------------------------- the trapped instruction -- */

static u32 it_state(u64 spsr)
{
	return (u32)((spsr & CPSR_IT_HIGH) >> 8 | (spsr & CPSR_IT_LOW) >> 25);
}

bool aarch32_condition(const struct trap_frame *f, u64 esr)
{
	u32 it = it_state(f->spsr), flags = (u32)(f->spsr >> 28);
	u32 cond = esr & ISS_CV ? (u32)ISS_COND(esr) : it ? it >> 4 : 0xe;
	bool n = flags & 8, z = flags & 4, c = flags & 2, o = flags & 1, holds;

	switch (cond >> 1) {
	case 0:
		holds = z;
		break;
	case 1:
		holds = c;
		break;
	case 2:
		holds = n;
		break;
	case 3:
		holds = o;
		break;
	case 4:
		holds = c && !z;
		break;
	case 5:
		holds = n == o;
		break;
	case 6:
		holds = n == o && !z;
		break;
	default:
		return true;
	}
	return holds != (cond & 1);
}

void aarch32_skip(struct trap_frame *f, u64 esr)
{
	u32 it = it_state(f->spsr);

	f->pc = (u32)(f->pc + (esr & ESR_IL ? 4 : 2));
	if (!(f->spsr & CPSR_T) || !it)
		return;
	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	f->spsr &= ~(CPSR_IT_HIGH | CPSR_IT_LOW);
	f->spsr |= (u64)(it & 0xfc) << 8 | (u64)(it & 3) << 25;
}

/* ---------------------------------------------------------------------------------- exceptions -- */

/* Enters mode at a vector; the caller has saved what is the mode's own. */
static void enter_mode(struct trap_frame *f, u32 mode, u32 vector)
{
	u64 sctlr = read_sysreg(sctlr_el1);
	u64 base = sctlr & SCTLR32_V ? HIGH_VECTORS : (u32)read_sysreg(vbar_el1);
	u64 cpsr = (f->spsr & (CPSR_KEPT | PSR_A | PSR_F)) | PSR_I | mode;

	if (mode == MODE_ABORT)
		cpsr |= PSR_A;
	if (sctlr & SCTLR32_TE)
		cpsr |= CPSR_T;
	if (sctlr & SCTLR32_EE)
		cpsr |= CPSR_E;
	f->spsr = cpsr;
	f->pc = (u32)(base + vector);
}

void aarch32_inject_undef(struct vcpu *v)
{
	struct trap_frame *f = &v->arch.frame;

	write_sysreg(f->spsr, spsr_und);
	f->x[REG_LR_UNDEF] = (u32)(f->pc + (f->spsr & CPSR_T ? 2 : 4));
	enter_mode(f, MODE_UNDEF, VECTOR_UNDEF);
}

static u64 fault_status(void)
{
	return read_sysreg(tcr_el1) & TTBCR_EAE ? FSR_LPAE : FSR_SHORT;
}

/* DFSR and DFAR are ESR_EL1 and the lower half of FAR_EL1, IFAR is the upper one. */
void aarch32_inject_data_abort(struct vcpu *v, u64 far, bool write)
{
	struct trap_frame *f = &v->arch.frame;

	write_sysreg(fault_status() | (write ? DFSR_WRITE : 0), esr_el1);
	write_sysreg((read_sysreg(far_el1) & ~0xffffffffUL) | (u32)far, far_el1);
	write_sysreg(f->spsr, spsr_abt);
	f->x[REG_LR_ABORT] = (u32)(f->pc + 8);
	enter_mode(f, MODE_ABORT, VECTOR_DATA);
}

void aarch32_inject_prefetch_abort(struct vcpu *v, u64 far)
{
	struct trap_frame *f = &v->arch.frame;

	write_sysreg(fault_status(), ifsr32_el2);
	write_sysreg((u32)read_sysreg(far_el1) | far << 32, far_el1);
	write_sysreg(f->spsr, spsr_abt);
	f->x[REG_LR_ABORT] = (u32)(f->pc + 4);
	enter_mode(f, MODE_ABORT, VECTOR_PREFETCH);
}

/* --------------------------------------------------------------------------------------- calls -- */

static void take_args(const struct trap_frame *f, u64 *arg)
{
	for (u32 i = 0; i < CALL_ARGS; i++)
		arg[i] = (u32)f->x[i];
}

static void call_firmware(struct vcpu *v)
{
	struct trap_frame *f = &v->arch.frame;
	u64 arg[CALL_ARGS];

	take_args(f, arg);
	if (arg[0] & SMCCC_SMC64)
		arg[0] = SMCCC_UNKNOWN;
	else
		smccc_call(v, arg);
	for (u32 i = 0; i < 4; i++)
		f->x[i] = (u32)arg[i];
}

/* The number is in r12, arguments and result have 32 bits; argument structs are those of 64 bits. */
enum trap_result aarch32_trap_hvc(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	u64 arg[CALL_ARGS];
	long rc;

	if (ISS_IMM16(esr) == 0) {
		call_firmware(v);
		return TRAP_HANDLED;
	}
	if (ISS_IMM16(esr) != HVC_HYPERCALL_TAG) {
		f->pc -= 4;
		return TRAP_INJECT_UNDEF;
	}
	take_args(f, arg);
	rc = hypercall_call((u32)f->x[REG_CALL], arg);
	if (rc != -XEN_ERESTART) {
		f->x[0] = (u32)rc;
		return TRAP_HANDLED;
	}
	for (u32 i = 0; i < CALL_ARGS; i++)
		f->x[i] = (u32)arg[i];
	f->pc -= 4;
	return TRAP_HANDLED;
}

enum trap_result aarch32_trap_smc(struct vcpu *v, u64 esr)
{
	struct trap_frame *f = &v->arch.frame;
	bool holds = aarch32_condition(f, esr);

	if (!v->domain->arch.aarch32)
		return TRAP_INJECT_UNDEF;
	aarch32_skip(f, esr);
	if (holds)
		call_firmware(v);
	return TRAP_HANDLED;
}
