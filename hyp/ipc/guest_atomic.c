/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic operations on words of guests: what follows a first attempt that failed. */
#include "guest_atomic.h"

/* change: what is stored, of old and v, when no attempt succeeds. */
#define GUEST_ATOMIC_AGAIN(name, type, change)                                   \
	__cold_path type guest_##name##_again(type *p, type v)                   \
	{                                                                        \
		type old;                                                        \
                                                                                 \
		for (u32 tries = GUEST_ATOMIC_TRIES; tries; tries--)             \
			if (guest_arch_try_##name(p, v, &old))                   \
				return old;                                      \
		WRITE_ONCE(*p, (type)(change));                                  \
		return old;                                                      \
	}

GUEST_ATOMIC_AGAIN(or_u64, u64, old | v)
GUEST_ATOMIC_AGAIN(and_u64, u64, old & v)
GUEST_ATOMIC_AGAIN(or_u32, u32, old | v)
GUEST_ATOMIC_AGAIN(and_u32, u32, old & v)
GUEST_ATOMIC_AGAIN(and_u16, u16, old & v)
GUEST_ATOMIC_AGAIN(set_u8, u8, v)

__cold_path bool guest_cmpxchg_u32_again(u32 *p, u32 *old, u32 v, u32 want)
{
	for (u32 tries = GUEST_ATOMIC_TRIES; tries && *old == want; tries--)
		if (guest_arch_try_cmpxchg_u32(p, old, v))
			return true;
	return false;
}
