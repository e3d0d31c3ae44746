/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bool probe_word(u32 *va): whether a word of memory is there: it keeps what is written. It has its
 * old value again afterwards. The exception of an access that nobody answers, at once or later as
 * an SError, ends here instead of in a panic: meanwhile this CPU has vectors of its own.
 */
	.section .init.text, "ax"
	.global probe_word
probe_word:
	mrs	x1, vbar_el2
	mrs	x2, daif
	adr	x3, probe_vectors
	msr	vbar_el2, x3
	isb
	msr	daifclr, #4
	ldr	w3, [x0]
	mvn	w4, w3
	str	w4, [x0]
	dsb	sy
	ldr	w5, [x0]
	str	w3, [x0]
	dsb	sy
	isb
	cmp	w4, w5
	cset	w0, eq
1:	msr	daif, x2
	msr	vbar_el2, x1
	isb
	ret
probe_failed:
	mov	w0, #0
	b	1b

	.macro probe_vector
	.balign	128
	adr	x3, probe_failed
	msr	elr_el2, x3
	eret
	.endm

	.balign	2048
probe_vectors:
	.rept	16
	probe_vector
	.endr
