/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of blocks that are aligned in no way. The compiler must not make such accesses
 * (-mstrict-align), but at EL2 the processor may: SCTLR_EL2.A is clear, and what the hypervisor
 * copies is always mapped as normal memory.
 */
#ifndef ARCH_COPY_BLOCK_H
#define ARCH_COPY_BLOCK_H

#include <serai/compiler.h>
#include <serai/types.h>

#define ARCH_COPY_BLOCK 64

/* Blocks may lie anywhere but must not overlap: the end is written after the start was read. */
static __always_inline void arch_copy_block(void *d, const void *s)
{
	u64 a, b, c, e, f, g, h, i;

	asm volatile("ldp	%0, %1, [%8]\n"
		     "ldp	%2, %3, [%8, #16]\n"
		     "ldp	%4, %5, [%8, #32]\n"
		     "ldp	%6, %7, [%8, #48]\n"
		     "stp	%0, %1, [%9]\n"
		     "stp	%2, %3, [%9, #16]\n"
		     "stp	%4, %5, [%9, #32]\n"
		     "stp	%6, %7, [%9, #48]"
		     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h), "=&r"(i)
		     : "r"(s), "r"(d)
		     : "memory");
}

#endif
