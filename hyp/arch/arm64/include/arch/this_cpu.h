/* SPDX-License-Identifier: Apache-2.0 */
/* TPIDR_EL2 holds the address of this CPU's struct cpu. Included by serai/cpu.h. */
#ifndef ARCH_THIS_CPU_H
#define ARCH_THIS_CPU_H

#include <serai/compiler.h>

struct cpu;

static __always_inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("mrs %0, tpidr_el2" : "=r"(c));
	return c;
}

#endif
