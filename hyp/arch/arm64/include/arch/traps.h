/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions: what the vectors call, what a handler answers, what can be injected. */
#ifndef ARCH_TRAPS_H
#define ARCH_TRAPS_H

#include <arch/sysreg_table.h>
#include <serai/compiler.h>
#include <serai/types.h>

struct fp_state;
struct trap_frame;
struct vcpu;

enum trap_result {
	TRAP_HANDLED, /* registers are as the guest shall find them, the pc too */
	TRAP_INJECT_UNDEF, /* the pc is still at the instruction */
	TRAP_ABORT, /* a data abort is to be injected */
	TRAP_KILL,
};

/* --- from vectors.S; v is current --- */
void trap_sync(struct vcpu *v);
void trap_irq(struct vcpu *v);
/* The same two, recording: trace_traps.c. v may be NULL for interrupts. */
void trap_sync_traced(struct vcpu *v);
void trap_irq_traced(struct vcpu *v);
void trap_fiq(struct vcpu *v);
void trap_serror(struct vcpu *v);
__noreturn void hyp_fault(const struct trap_frame *f, u32 kind, u64 sp);

/* EC_SYSREG: the access that ESR describes. */
enum trap_result sysreg_trap(struct vcpu *v, u64 esr);
/* A register of this kind (sysreg_table.h); the pc stays. */
enum trap_result sysreg_read(struct vcpu *v, enum sysreg_kind kind, u64 *value);
enum trap_result sysreg_write(struct vcpu *v, enum sysreg_kind kind, u64 value);
/* What guests read from the ID register with op0 3, op1 0, CRn 0; crm and op2 below 8. */
u64 sysreg_id_view(u32 crm, u32 op2);
/* Once, after cpu_feature_init() of the boot CPU: what guests read from the ID registers. */
void sysreg_init(void);

/* On each CPU: which accesses trap, apart from HCR_EL2. */
void cpu_init_traps(void);
/* HCR_EL2 while v runs. */
u64 cpu_hcr_value(const struct vcpu *v);

/* --- switch.c, fpstate.S --- */
/* Registers for a start at pc with x0; v does not run. */
void vcpu_arch_start(struct vcpu *v, u64 pc, u64 x0);
void fp_save(struct fp_state *s);
void fp_load(const struct fp_state *s);

#endif
