/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mark C`: a program for Linux guests that begins phase C of the counting in el2count.c; `mark 0`
 * ends it. It needs no library.
 */
	.text
	.globl	_start
_start:
	ldr	x0, [sp, #16]		// the first argument
	cbz	x0, 1f
	ldrb	w0, [x0]
	movz	xzr, #0x5e01
1:	mov	x0, #0
	mov	x8, #93			// exit
	svc	#0
