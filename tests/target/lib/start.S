/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of a target guest: Image header, relocation, secondary CPUs, vectors, hypercall stubs. */

#define FRAME_SIZE 272
#define FRAME_STAMP (31 * 8)
#define FRAME_ELR (32 * 8)
#define R_AARCH64_RELATIVE 1027

	.section .head, "ax"
	.globl image_head
image_head:
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	mrs	x20, cntpct_el0
	mrs	x21, cntvct_el0
	mov	x19, x0
	msr	daifset, #0xf
	adr	x22, image_head
	/* What a loader left in the caches must not come back over our uncached writes. */
	adrp	x0, image_end
	add	x0, x0, :lo12:image_end
	mov	x1, x22
1:	dc	civac, x1
	add	x1, x1, #64
	cmp	x1, x0
	b.lo	1b
	dsb	sy
	ic	iallu
	dsb	sy
	isb
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
2:	cmp	x1, x0
	b.hs	3f
	stp	xzr, xzr, [x1], #16
	b	2b
	/* The image is linked at 0: every relocation adds the address it was loaded at. */
3:	adrp	x1, rela_start
	add	x1, x1, :lo12:rela_start
	adrp	x2, rela_end
	add	x2, x2, :lo12:rela_end
4:	cmp	x1, x2
	b.hs	5f
	ldp	x3, x4, [x1], #16
	ldr	x5, [x1], #8
	cmp	w4, #R_AARCH64_RELATIVE
	b.ne	4b
	add	x5, x5, x22
	str	x5, [x3, x22]
	b	4b
5:	dsb	sy
	adrp	x0, boot_stack_end
	add	x0, x0, :lo12:boot_stack_end
	mov	sp, x0
	mov	x29, xzr
	mov	x30, xzr
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	msr	tpidr_el1, xzr
	isb
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	bl	guest_start
	b	.

	/* A CPU that PSCI started: x0 is its struct cpu_boot, {stack, number}. */
	.text
	.globl	secondary_entry
secondary_entry:
	msr	daifset, #0xf
	ldp	x1, x2, [x0]
	mov	sp, x1
	msr	tpidr_el1, x2
	adrp	x3, vectors
	add	x3, x3, :lo12:vectors
	msr	vbar_el1, x3
	isb
	bl	mmu_enable
	mov	x29, xzr
	mov	x30, xzr
	bl	secondary_main
	b	.

	/* Uses x3 to x7 only; the tables were made by mmu_build. */
	.globl	mmu_enable
mmu_enable:
	adrp	x3, mmu_root
	msr	ttbr0_el1, x3
	mov	x3, #0xff00		/* index 0: device nGnRnE, index 1: normal write-back */
	msr	mair_el1, x3
	mrs	x4, id_aa64mmfr0_el1
	and	x4, x4, #7
	mov	x5, #5
	cmp	x4, x5
	csel	x4, x4, x5, lo
	lsl	x4, x4, #32
	movz	x5, #0x3519		/* 39 bits, write-back tables, inner shareable, 4 KiB */
	movk	x5, #0x0080, lsl #16	/* no walks for the upper half */
	orr	x4, x4, x5
	msr	tcr_el1, x4
	tlbi	vmalle1
	dsb	sy
	isb
	mrs	x3, sctlr_el1
	mov	x4, #0x1005
	orr	x3, x3, x4
	bic	x3, x3, #2
	msr	sctlr_el1, x3
	isb
	ic	iallu
	dsb	sy
	isb
	ret

	.globl	hypercall
hypercall:
	mov	x16, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	hvc	#0xea1
	ret

	/* hypercall5(args, nr) */
	.globl	hypercall5
hypercall5:
	mov	x16, x1
	mov	x5, x0
	ldp	x0, x1, [x5]
	ldp	x2, x3, [x5, #16]
	ldr	x4, [x5, #32]
	hvc	#0xea1
	ret

	/* psci(function, a1, a2, a3) by HVC */
	.globl	psci
psci:
	hvc	#0
	sxtw	x0, w0
	ret

	.macro	smccc_stub name, insn
	.globl	\name
\name:
	str	x19, [sp, #-16]!
	mov	x19, x0
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #16]
	\insn	#0
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	ldr	x19, [sp], #16
	ret
	.endm

	smccc_stub smccc_hvc, hvc
	smccc_stub smccc_smc, smc

	.macro	save_regs
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mrs	x0, cntvct_el0
	str	x0, [sp, #FRAME_STAMP]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [sp, #FRAME_ELR]
	mov	x0, sp
	.endm

trap_return:
	ldp	x0, x1, [sp, #FRAME_ELR]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SIZE
	eret

	.macro	vector handler
	.balign	0x80
	save_regs
	bl	\handler
	b	trap_return
	.endm

	.macro	vector_table irq
	.rept	4
	vector trap_unexpected
	.endr
	vector trap_sync
	vector \irq
	vector trap_unexpected
	vector trap_serror
	.rept	8
	vector trap_unexpected
	.endr
	.endm

	.balign	0x800
vectors:
	vector_table irq_dispatch

	.balign	0x800
	.global	vectors_v2
vectors_v2:
	vector_table irq_dispatch_v2

	.section .bss.stack, "aw", %nobits
	.balign	16
	.space	32768
boot_stack_end:
