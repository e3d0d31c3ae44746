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

/*
 * Copies the block at a constant offset, below 512 - ARCH_COPY_BLOCK. Blocks may overlap: all of one is
 * read before it is written.
 */
static __always_inline void arch_copy_block(void *d, const void *s, const unsigned int offset)
{
	u64 a, b, c, e, f, g, h, i;

	asm volatile("ldp	%0, %1, [%8, %10]\n"
		     "ldp	%2, %3, [%8, %10 + 16]\n"
		     "ldp	%4, %5, [%8, %10 + 32]\n"
		     "ldp	%6, %7, [%8, %10 + 48]\n"
		     "stp	%0, %1, [%9, %10]\n"
		     "stp	%2, %3, [%9, %10 + 16]\n"
		     "stp	%4, %5, [%9, %10 + 32]\n"
		     "stp	%6, %7, [%9, %10 + 48]"
		     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h), "=&r"(i)
		     : "r"(s), "r"(d), "i"(offset)
		     : "memory");
}

#endif
