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

#include <serai/compiler.h>
#include <serai/types.h>

#define GUEST_ATOMIC_TRIES 256

#define guest_try_cmpxchg(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* The old value is returned; change is an expression of old and v. */
#define GUEST_ATOMIC_OP(name, type, change)                                      \
	static __always_inline type name(type *p, type v)                        \
	{                                                                        \
		type old = READ_ONCE(*p);                                        \
                                                                                 \
		for (u32 tries = GUEST_ATOMIC_TRIES; likely(tries); tries--)     \
			if (likely(guest_try_cmpxchg(p, &old, (type)(change)))) \
				return old;                                      \
		WRITE_ONCE(*p, (type)(change));                                  \
		return old;                                                      \
	}

GUEST_ATOMIC_OP(guest_fetch_or_u64, u64, old | v)
GUEST_ATOMIC_OP(guest_fetch_and_u64, u64, old & v)
GUEST_ATOMIC_OP(guest_fetch_or_u32, u32, old | v)
GUEST_ATOMIC_OP(guest_fetch_and_u32, u32, old & v)
GUEST_ATOMIC_OP(guest_fetch_and_u16, u16, old & v)
GUEST_ATOMIC_OP(guest_exchange_u8, u8, v)

/* One exchange of old for v; false leaves the value found in *old. */
static __always_inline bool guest_cmpxchg_u32(u32 *p, u32 *old, u32 v)
{
	u32 want = *old;

	for (u32 tries = GUEST_ATOMIC_TRIES; likely(tries); tries--) {
		if (likely(guest_try_cmpxchg(p, old, v)))
			return true;
		if (*old != want)
			return false;
	}
	return false;
}

static __always_inline u64 guest_load_u64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

#endif
