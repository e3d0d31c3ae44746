/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's load or store to an emulated device, as ESR_EL2 describes it (Arm ARM D17.2.37, ISS of
 * a data abort with ISV set).
 */
#include <arch/aarch32.h>
#include <arch/mmio_abort.h>
#include <arch/sysreg.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/mmio.h>

#define REG_ZERO 31

/* What the register gets of size bytes read. */
static u64 load_extend(u64 val, u32 size, u64 esr)
{
	u32 unused = 64 - size * 8;

	val <<= unused;
	if (unlikely(esr & ISS_SSE)) {
		val = (u64)((s64)val >> unused);
		return esr & ISS_SF ? val : (u32)val;
	}
	return val >> unused;
}

static __cold_path enum trap_result access_refused(struct vcpu *v)
{
	return vgic_take_again(v) ? TRAP_HANDLED : TRAP_ABORT;
}

enum trap_result mmio_abort(struct vcpu *v, u64 esr, u64 gpa)
{
	struct trap_frame *f = &v->arch.frame;
	u32 reg = ISS_SRT(esr), size = 1U << ISS_SAS(esr);
	bool write = esr & ISS_WNR;
	u64 val = 0;

	if (write && reg != REG_ZERO)
		val = f->x[reg] & (~0UL >> (64 - size * 8));
	if (unlikely(!mmio_handle(v, gpa, size, write, &val)))
		return access_refused(v);
	if (!write && reg != REG_ZERO)
		f->x[reg] = load_extend(val, size, esr);
	if (unlikely(f->spsr & PSR_AARCH32))
		aarch32_skip(f, esr);
	else
		f->pc += 4;
	return TRAP_HANDLED;
}
