/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bool probe_load(const u32 *va): whether something answers a load. The exception of one that
 * nobody answers, at once or later as an SError, ends here instead of in a panic: for the time of
 * the load this CPU has vectors of its own. Start-up only; clobbers x0-x4.
 */
	.section .init.text, "ax"
	.global probe_load
probe_load:
	mrs	x1, vbar_el2
	mrs	x2, daif
	adr	x3, probe_vectors
	msr	vbar_el2, x3
	isb
	msr	daifclr, #4
	ldr	w3, [x0]
	dsb	sy
	isb
	mov	w0, #1
1:	msr	daif, x2
	msr	vbar_el2, x1
	isb
	ret
probe_failed:
	mov	w0, #0
	b	1b

	.macro probe_vector
	.balign	128
	adr	x4, probe_failed
	msr	elr_el2, x4
	eret
	.endm

	.balign	2048
probe_vectors:
	.rept	16
	probe_vector
	.endr
