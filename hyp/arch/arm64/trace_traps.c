/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording traps of guests, hypercalls among them, and interrupts: these handlers stand before
 * those of traps.c in the vectors of a CPU that traces. Tools know the formats from PV guests of
 * x86; trap numbers begin behind the vectors that have names there.
 */
#include <abi/sched.h>
#include <abi/xen.h>
#include <arch/gic.h>
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/hypercall.h>
#include <serai/trace.h>

#define TRAP_FIRST	0x40U /* + exception class */
#define TRAP_HAS_CODE	BIT(15)
#define TRAP_CODE_SHIFT 16
#define ARG_WORDS	(TRACE_EXTRA_MAX - 1)

extern char vectors[], vectors_traced[];

void cpu_arch_trace_traps(bool on)
{
	write_sysreg(on ? vectors_traced : vectors, vbar_el2);
	isb();
}

/* As many arguments as the call has and as there is room for, each in one word if it fits. */
static void record_hypercall(const struct trap_frame *f)
{
	u32 nr = (u32)MIN(f->x[16], 0xfffffUL), words = 0;
	u32 args = nr < HYPERCALLS_MAX ? hypercalls[nr].nr_args : 0;
	u32 extra[TRACE_EXTRA_MAX] = { nr };

	for (u32 i = 0; i < args && words < ARG_WORDS; i++) {
		u64 arg = f->x[i];

		if (arg >> 32 && words + 2 > ARG_WORDS)
			break;
		extra[0] |= arg >> 32 ? TRC_PV_HYPERCALL_V2_ARG_64(i) : TRC_PV_HYPERCALL_V2_ARG_32(i);
		extra[++words] = (u32)arg;
		if (arg >> 32)
			extra[++words] = (u32)(arg >> 32);
	}
	trace_record(TRC_PV_HYPERCALL_V2, 1 + words, extra);
}

static void record_trap(const struct trap_frame *f, u64 esr)
{
	u32 extra[] = { (u32)f->pc, (u32)(f->pc >> 32),
			(u32)(TRAP_FIRST + ESR_EC(esr)) | (u32)TRAP_HAS_CODE |
				(u32)esr << TRAP_CODE_SHIFT,
			(u32)esr };

	trace_record(TRC_PV_TRAP | TRC_64_FLAG, ARRAY_SIZE(extra), extra);
}

void trap_sync_traced(struct vcpu *v)
{
	const struct trap_frame *f = &v->arch.frame;
	u64 esr = read_sysreg(esr_el2);
	bool call = ESR_EC(esr) == EC_HVC64 && ISS_IMM16(esr) == HVC_HYPERCALL_TAG;
	bool wfe = ESR_EC(esr) == EC_WFX && ISS_WFX_TI(esr) != WFX_WFI;

	if (call)
		record_hypercall(f);
	else
		record_trap(f, esr);
	if (wfe || (call && f->x[16] == HC_sched_op && f->x[0] == SCHEDOP_yield))
		trace_vcpu_event(TRC_SCHED_YIELD, v->domain->id, v->id);
	trap_sync(v);
}

/* Of interrupts that are handled together the first one. */
void trap_irq_traced(struct vcpu *v)
{
	u32 irq = gic_next_irq();
	u64 begin = time_arch_cycles();
	u32 extra[] = { irq, (u32)begin, 0 };

	gic_handle_irqs();
	extra[2] = (u32)time_arch_cycles();
	if (irq < GIC_INTID_SPECIAL)
		trace_record(TRC_HW_IRQ_HANDLED, ARRAY_SIZE(extra), extra);
}
