/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting on memory, and barrier instructions by name (Arm ARM B2.3). */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

#include <serai/types.h>

#define dsb(opt) __asm__ volatile("dsb " #opt : : : "memory")
#define dmb(opt) __asm__ volatile("dmb " #opt : : : "memory")
#define isb()	 __asm__ volatile("isb" : : : "memory")

static inline void cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

/* Returns when *p is wanted, or spuriously; the exclusive monitor ends the WFE. */
static inline void cpu_wait_change_u16(const u16 *p, u16 wanted)
{
	u32 v;

	__asm__ volatile("ldaxrh %w0, %1\n"
			 "	cmp %w0, %w2\n"
			 "	b.eq 1f\n"
			 "	wfe\n"
			 "1:"
			 : "=&r"(v)
			 : "Q"(*p), "r"(wanted)
			 : "memory", "cc");
}

/* A store-release to the watched word ends the waiters' WFE by itself. */
static inline void cpu_signal_event(void)
{
}

#endif
