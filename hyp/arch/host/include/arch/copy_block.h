/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of blocks that are aligned in no way: bytes, so that the sanitizers see all of them. */
#ifndef ARCH_COPY_BLOCK_H
#define ARCH_COPY_BLOCK_H

#include <serai/compiler.h>
#include <serai/types.h>

#define ARCH_COPY_BLOCK 64

static __always_inline void arch_copy_block(void *d, const void *s, unsigned int offset)
{
	u8 block[ARCH_COPY_BLOCK];

	for (unsigned int i = 0; i < ARCH_COPY_BLOCK; i++)
		block[i] = ((const u8 *)s)[offset + i];
	for (unsigned int i = 0; i < ARCH_COPY_BLOCK; i++)
		((u8 *)d)[offset + i] = block[i];
}

#endif
