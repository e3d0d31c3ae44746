/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations on words that a guest shares with the hypervisor.
 *
 * Where atomics are load and store exclusives, another CPU that keeps writing to the line could
 * hold a plain atomic operation up for ever. These give up after GUEST_ATOMIC_TRIES: the value is
 * then stored as it is, and only the guest that fought for its own word may lose a change. They
 * are full barriers and sequentially consistent with each other.
 */
#ifndef IPC_GUEST_ATOMIC_H
#define IPC_GUEST_ATOMIC_H

#include <arch/guest_atomic.h>
#include <serai/compiler.h>
#include <serai/types.h>

#define GUEST_ATOMIC_TRIES 256

/* The old value is returned. The first attempt is inline, the others are out of the way. */
#define GUEST_ATOMIC_OP(name, type)                                     \
	type guest_##name##_again(type *p, type v);                     \
	static __always_inline type guest_##name(type *p, type v)       \
	{                                                               \
		type old;                                               \
                                                                        \
		if (likely(guest_arch_try_##name(p, v, &old)))          \
			return old;                                     \
		return guest_##name##_again(p, v);                      \
	}

GUEST_ATOMIC_OP(or_u64, u64)
GUEST_ATOMIC_OP(and_u64, u64)
GUEST_ATOMIC_OP(or_u32, u32)
GUEST_ATOMIC_OP(and_u32, u32)
GUEST_ATOMIC_OP(and_u16, u16)
GUEST_ATOMIC_OP(set_u8, u8)

#undef GUEST_ATOMIC_OP

bool guest_cmpxchg_u32_again(u32 *p, u32 *old, u32 v, u32 want);
/* One exchange of old for v; false leaves the value found in *old, or gives up. */
static __always_inline bool guest_cmpxchg_u32(u32 *p, u32 *old, u32 v)
{
	u32 want = *old;

	if (likely(guest_arch_try_cmpxchg_u32(p, old, v)))
		return true;
	return guest_cmpxchg_u32_again(p, old, v, want);
}

static __always_inline u64 guest_load_u64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

#endif
