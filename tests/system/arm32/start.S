/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-bit guest: entry, vectors that count and step over, a second CPU that starts in Thumb. */
	.syntax unified
	.arch armv7-a
	.arch_extension virt
	.arch_extension sec
	.section .note.GNU-stack, "", %progbits
	.text
	.arm
	.globl _start
_start:
	mrs	r4, cpsr
	ldr	sp, =stack_top
	ldr	r5, =vectors
	mcr	p15, 0, r5, c12, c0, 0
	/* Stacks of the other modes are not needed: their handlers use registers only. */
	mov	r3, r4
	bl	main
1:	wfi
	b	1b

	.balign	32
vectors:
	b	.
	b	undef
	b	.
	b	prefetch
	b	data
	b	.
	b	.
	b	.

/*
 * Count, and go on behind the instruction, or at after_jump. Not by the mode's SPSR: emulators up to
 * QEMU 10 lose it when EL2 enters the mode.
 */
	.macro	count at
	ldr	sp, =faults
	str	r0, [sp, #48]
	ldr	r0, [sp, #\at]
	add	r0, r0, #1
	str	r0, [sp, #\at]
	mrs	r0, cpsr
	str	r0, [sp, #\at + 4]
	.endm
	.macro	go_on where
	str	\where, resume
	ldr	r0, [sp, #48]
	cps	#0x13
	ldr	pc, resume
	.endm

undef:
	count	0
	go_on	lr

prefetch:
	count	8
	mrc	p15, 0, r0, c5, c0, 1
	str	r0, [sp, #16]
	mrc	p15, 0, r0, c6, c0, 2
	str	r0, [sp, #20]
	str	lr, [sp, #24]
	ldr	lr, =after_jump
	go_on	lr

data:
	count	28
	mrc	p15, 0, r0, c5, c0, 0
	str	r0, [sp, #36]
	mrc	p15, 0, r0, c6, c0, 0
	str	r0, [sp, #40]
	sub	lr, lr, #4
	go_on	lr

resume:
	.word	0

	.text
	.globl	jump_to
jump_to:
	push	{r4, lr}
	bx	r0
after_jump:
	pop	{r4, pc}

	.globl	hypercall
hypercall:	/* r0: number; r1, r2: arguments */
	mov	r12, r0
	mov	r0, r1
	mov	r1, r2
	hvc	#0xea1
	bx	lr

	.globl	psci
psci:
	hvc	#0
	bx	lr

	.globl	firmware
firmware:
	smc	#0
	bx	lr

	.globl	bad_hvc
bad_hvc:
	hvc	#0x123
	bx	lr

/* A 16-bit load and store of the UART's, and a skipped coprocessor access, in Thumb. */
	.thumb
	.thumb_func
	.globl	thumb_mmio
thumb_mmio:	/* r0: the UART; r1: a character: flags are returned */
	strb	r1, [r0]
	ldr	r0, [r0, #0x18]
	bx	lr

	.thumb_func
	.globl	thumb_it
thumb_it:	/* ID_PFR0 when r0 is not 0, and r1 unless */
	cmp	r0, #0
	itee	ne
	mrcne	p15, 0, r0, c0, c1, 0
	moveq	r0, r1
	mrceq	p15, 0, r2, c0, c1, 0
	bx	lr

	.thumb_func
	.globl	second
second:
	ldr	r1, =second_said
	str	r0, [r1]
	mrs	r2, cpsr
	str	r2, [r1, #4]
	dmb
	movw	r0, #2		/* CPU_OFF */
	movt	r0, #0x8400
	hvc	#0
	b	.

	.data
	.balign	8
	.globl	faults, second_said
faults:
	.space	64
second_said:
	.word	0, 0
	.bss
	.balign	8
	.space	4096
stack_top:
