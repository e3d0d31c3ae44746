/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry: the arm64 Image header (Linux Documentation/arm64/booting.rst), the way from any
 * 2 MiB aligned physical address at EL2 with the MMU off to start_hyp() at HYP_VA, and the same
 * for the other CPUs.
 *
 * Boot tables: one level-0 table; an identity map of the 2 GiB around the image (1 GiB blocks)
 * and the image itself at HYP_VA (2 MiB blocks, all rights). mmu.c replaces them.
 *
 * Kept from entry on: x21 device tree, x22 physical address of _start.
 */
#include <arch/memory.h>
#include <asm-offsets.h>

#define PT_TABLE	3
/* AF, inner shareable, attribute index 3 (write-back), block. */
#define PT_BLOCK	(1 | (3 << 2) | (3 << 8) | (1 << 10))
#define BOOT_BLOCKS	2
#define HYP_L0_INDEX	((HYP_VA >> 39) & 511)

/* Attribute bytes: Device-nGnRnE, Device-nGnRE, Normal non-cacheable, Normal write-back. */
#define MAIR_VALUE	0x00000000ff440400
/* RES1 bits, WBWA inner-shareable walks, 4 KiB granule, 48 bits. */
#define TCR_VALUE	((1 << 31) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8) | 16)
#define SCTLR_RES1	0x30c50830
#define SCTLR_ON	(SCTLR_RES1 | (1 << 12) | (1 << 3) | (1 << 2) | (1 << 0))

	.section .head.text, "ax"
	.global _start
_start:
	b	entry
	.long	0
	.quad	0			/* text offset */
	.quad	_image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

entry:
	mov	x21, x0
	adr	x22, _start
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	wrong_el
	bl	clear_bss
	bl	make_boot_tables
	adrp	x3, boot_l0
	bl	enable_mmu
	ldr	x0, =1f
	br	x0
1:	ldr	x1, =boot_stack_top
	mov	sp, x1
	ldr	x1, =cpu_data
	msr	tpidr_el2, x1
	ldr	x1, =vectors
	msr	vbar_el2, x1
	isb
	mov	x29, xzr
	mov	x0, x21
	ldr	x1, =_start
	sub	x1, x1, x22
	bl	start_hyp
	b	.

/* Not EL2: C code that runs at its physical address says so on the console. */
wrong_el:
	cmp	x1, #(1 << 2)
	b.ne	2f
	mov	x1, #(3 << 20)		/* libfdt may use vector registers */
	msr	cpacr_el1, x1
	isb
2:	bl	clear_bss
	adrp	x1, boot_stack_top
	add	x1, x1, :lo12:boot_stack_top
	mov	sp, x1
	bl	relocate_got
	mov	x0, x21
	mrs	x1, CurrentEL
	lsr	x1, x1, #2
	bl	boot_refuse_el
3:	wfi
	b	3b

/* libfdt finds data through the table of addresses, which has those of the link. */
relocate_got:
	ldr	x2, =_start
	sub	x2, x22, x2
	adrp	x0, __got_start
	add	x0, x0, :lo12:__got_start
	adrp	x1, __got_end
	add	x1, x1, :lo12:__got_end
1:	cmp	x0, x1
	b.hs	2f
	ldr	x3, [x0]
	add	x3, x3, x2
	str	x3, [x0], #8
	b	1b
2:	ret

clear_bss:
	adrp	x0, __bss_start
	add	x0, x0, :lo12:__bss_start
	adrp	x1, __bss_end
	add	x1, x1, :lo12:__bss_end
1:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret

make_boot_tables:
	adrp	x0, boot_l0
	adrp	x1, boot_l1_identity
	adrp	x2, boot_l1_image
	adrp	x3, boot_l2_image
	mov	x9, #PT_BLOCK
	/* Identity: the 1 GiB of the image and the next. */
	ubfx	x4, x22, #39, #9
	orr	x5, x1, #PT_TABLE
	str	x5, [x0, x4, lsl #3]
	ubfx	x4, x22, #30, #9
	lsr	x5, x22, #30
	lsl	x5, x5, #30
	orr	x5, x5, x9
	str	x5, [x1, x4, lsl #3]
	cmp	x4, #511
	b.eq	1f
	add	x4, x4, #1
	mov	x6, #(1 << 30)
	add	x5, x5, x6
	str	x5, [x1, x4, lsl #3]
	/* The image. */
1:	mov	x4, #HYP_L0_INDEX
	orr	x5, x2, #PT_TABLE
	str	x5, [x0, x4, lsl #3]
	orr	x5, x3, #PT_TABLE
	str	x5, [x2]
	orr	x5, x22, x9
	mov	x4, #0
2:	str	x5, [x3, x4, lsl #3]
	add	x5, x5, #(1 << 21)
	add	x4, x4, #1
	cmp	x4, #BOOT_BLOCKS
	b.lo	2b
	dsb	sy
	ret

/* x3: the root table. Clobbers x0-x2. */
enable_mmu:
	mov	x0, #(1 << 31)		/* HCR_EL2.RW; not the VHE layout */
	msr	hcr_el2, x0
	isb
	ldr	x0, =MAIR_VALUE
	msr	mair_el2, x0
	ldr	x0, =TCR_VALUE
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf
	mov	x2, #5			/* at most 48 bits */
	cmp	x1, x2
	csel	x1, x1, x2, ls
	orr	x0, x0, x1, lsl #16
	msr	tcr_el2, x0
	msr	ttbr0_el2, x3
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	ldr	x0, =SCTLR_ON
	msr	sctlr_el2, x0
	isb
	ret

/* A CPU from the spin table brings nothing along; only one comes at a time. */
	.global secondary_spin_start
secondary_spin_start:
	adrp	x0, smp_spin_cpu
	ldr	x0, [x0, :lo12:smp_spin_cpu]
/*
 * PSCI CPU_ON enters here; x0 is the address (direct map) of this CPU's struct cpu. The final
 * tables still have the identity map; their root was cleaned to memory by smp.c.
 */
	.global secondary_start
secondary_start:
	mov	x19, x0
	adrp	x3, mmu_secondary_ttbr
	ldr	x3, [x3, :lo12:mmu_secondary_ttbr]
	bl	enable_mmu
	ldr	x0, =1f
	br	x0
1:	msr	tpidr_el2, x19
	ldr	x1, [x19, #CPU_STACK_TOP]
	mov	sp, x1
	ldr	x1, =vectors
	msr	vbar_el2, x1
	isb
	mov	x29, xzr
	bl	start_secondary
	b	.

	.ltorg

	.section .bss.boot, "aw", %nobits
	.balign	4096
boot_l0:
	.space	4096
boot_l1_identity:
	.space	4096
boot_l1_image:
	.space	4096
boot_l2_image:
	.space	4096
	.space	16384
boot_stack_top:
