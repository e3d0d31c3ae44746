/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32-bit guests: domains whose EL1 is AArch32 (struct domain_arch.aarch32). Their registers are seen in
 * the trap frame as the Arm ARM maps them (D1.20.1): r0 to r12 are x0 to x12, the banked ones follow.
 */
#ifndef ARCH_AARCH32_H
#define ARCH_AARCH32_H

#include <arch/traps.h>
#include <serai/types.h>

struct trap_frame;
struct vcpu;

/* Entry in supervisor mode, interrupts masked; bit 0 of pc: Thumb. v does not run. */
void aarch32_start(struct vcpu *v, u64 pc, u32 r0, u32 r1, u32 r2);

/* Past the trapped instruction, which was executed in AArch32. */
void aarch32_skip(struct trap_frame *f, u64 esr);
/* The condition of the trapped instruction holds; CPUs may trap those that do nothing, too. */
bool aarch32_condition(const struct trap_frame *f, u64 esr);

/* Exceptions to EL1 of the current vcpu, a 32-bit guest's; pc is at the instruction. */
void aarch32_inject_undef(struct vcpu *v);
void aarch32_inject_data_abort(struct vcpu *v, u64 far, bool write);
void aarch32_inject_prefetch_abort(struct vcpu *v, u64 far);

/* Traps; undefined for 32-bit programs of 64-bit guests. */
enum trap_result aarch32_trap_cp15(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_cp15_64(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_cp14(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_cp14_64(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_vmrs(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_hvc(struct vcpu *v, u64 esr);
enum trap_result aarch32_trap_smc(struct vcpu *v, u64 esr);

#endif
