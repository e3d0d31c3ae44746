/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt of an atomic change by exclusives: false when another CPU wrote meanwhile. Acquire
 * and release, so sequentially consistent with each other and with LDAR (Arm ARM B2.3).
 * Used by ipc/guest_atomic.h, which bounds the number of attempts.
 */
#ifndef ARCH_GUEST_ATOMIC_H
#define ARCH_GUEST_ATOMIC_H

#include <serai/compiler.h>
#include <serai/types.h>

/* size: suffix of load and store; w: view of the registers; change: from %1 and %4 to %2. */
#define GUEST_ARCH_TRY(name, type, size, w, change)                                    \
	static __always_inline bool guest_arch_try_##name(type *p, type v, type *old)  \
	{                                                                              \
		u64 was, now;                                                          \
		u32 failed;                                                            \
                                                                                       \
		__asm__ volatile("ldaxr" size " %" w "1, %0\n"                         \
				 "	" change "\n"                                  \
				 "	stlxr" size " %w3, %" w "2, %0"                \
				 : "+Q"(*p), "=&r"(was), "=&r"(now), "=&r"(failed)     \
				 : "r"((u64)v)                                         \
				 : "memory");                                          \
		*old = (type)was;                                                      \
		return likely(!failed);                                                \
	}

GUEST_ARCH_TRY(or_u64, u64, "", "x", "orr %x2, %x1, %x4")
GUEST_ARCH_TRY(and_u64, u64, "", "x", "and %x2, %x1, %x4")
GUEST_ARCH_TRY(or_u32, u32, "", "w", "orr %w2, %w1, %w4")
GUEST_ARCH_TRY(and_u32, u32, "", "w", "and %w2, %w1, %w4")
GUEST_ARCH_TRY(and_u16, u16, "h", "w", "and %w2, %w1, %w4")
GUEST_ARCH_TRY(set_u8, u8, "b", "w", "mov %w2, %w4")

#undef GUEST_ARCH_TRY

/* *old for v; false leaves the value found in *old, which is still the old one by bad luck. */
static __always_inline bool guest_arch_try_cmpxchg_u32(u32 *p, u32 *old, u32 v)
{
	return likely(__atomic_compare_exchange_n(p, old, v, true, __ATOMIC_SEQ_CST,
						  __ATOMIC_SEQ_CST));
}

#endif
