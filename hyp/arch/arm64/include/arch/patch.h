/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing between two implementations once, while starting, at no cost for the first: the entry of
 * the one becomes a branch to the other.
 */
#ifndef ARCH_PATCH_H
#define ARCH_PATCH_H

#include <serai/types.h>

typedef void patch_fn(void); /* of any type in fact */

struct patch_call {
	patch_fn *from, *to;
};

#define PATCH_CALL(old, new) { (patch_fn *)(old), (patch_fn *)(new) }

/*
 * Boot CPU, before other CPUs run and mmu_seal(). Calls from within the file of `from` may still
 * arrive there: a file is replaced as a whole, or such calls must not matter.
 */
void patch_calls(const struct patch_call *p, u32 nr);

#endif
