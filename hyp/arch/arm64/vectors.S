/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exception vectors of EL2 and the way back to the guest.
 *
 * While a guest runs SP_EL2 points at its struct vcpu, whose first member is the trap frame: the
 * vectors store the registers there and then move to the CPU's own stack. While the hypervisor
 * runs SP_EL2 is that stack and interrupts are masked, so any exception taken from EL2 is fatal.
 *
 * On the way out one word decides: cpu->work == 0 goes straight back.
 */
#include "vector_table.inc"

	.section .text.vectors, "ax"
	.balign	2048
	.global vectors
vectors:
	vector_table trap_sync, trap_irq

	.section .text.exit, "ax"
/* x19: the vcpu that trapped. */
	.balign	64
	.global exit_to_guest
exit_to_guest:
	mrs	x1, tpidr_el2
	ldr	w2, [x1, #CPU_WORK]
	cbnz	w2, exit_with_work
restore_guest:
	mov	sp, x19
	ldp	x30, x2, [sp, #16 * 15]
	ldr	x3, [sp, #FRAME_SPSR]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x0, x1, [sp, #16 * 0]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	eret
	/* No speculation past the return. */
	dsb	nsh
	isb

/* The first entry of a CPU into a guest, from its start-up stack; does not return. */
	.global enter_first_guest
enter_first_guest:
	mrs	x1, tpidr_el2
	ldr	x2, [x1, #CPU_STACK_TOP]
	mov	sp, x2
	mov	x29, xzr
exit_with_work:
	bl	exit_work		/* returns the vcpu to run */
	mov	x19, x0
	b	restore_guest

/* w0: kind; x0 in SP_EL0, the stack pointer in TPIDR_EL0. All registers to a panic frame. */
	.global hyp_fault_entry
hyp_fault_entry:
	msr	tpidrro_el0, x1
	adrp	x1, fault_stack_top
	add	x1, x1, :lo12:fault_stack_top
	mov	sp, x1
	mrs	x1, tpidrro_el0
	sub	sp, sp, #(FRAME_SIZE + 16)
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	stp	x28, x29, [sp, #16 * 14]
	mrs	x2, elr_el2
	stp	x30, x2, [sp, #16 * 15]
	mrs	x2, spsr_el2
	str	x2, [sp, #FRAME_SPSR]
	mrs	x2, sp_el0
	stp	x2, x1, [sp, #16 * 0]
	mov	w1, w0
	mrs	x2, tpidr_el0
	mov	x0, sp
	bl	hyp_fault
	b	.

	.section .bss.fault, "aw", %nobits
	.balign	16
	.space	8192
fault_stack_top:
