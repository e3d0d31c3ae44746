/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt of an atomic change. The next host.fail_atomics attempts fail, so that a test can
 * try the bounded loops too; host.atomic_hook plays another CPU that comes just before.
 */
#ifndef ARCH_GUEST_ATOMIC_H
#define ARCH_GUEST_ATOMIC_H

#include <serai/types.h>

bool host_atomic_fails(void *p);

#define GUEST_ARCH_TRY(name, type, op)                                           \
	static inline bool guest_arch_try_##name(type *p, type v, type *old)     \
	{                                                                        \
		if (host_atomic_fails(p)) {                                      \
			*old = __atomic_load_n(p, __ATOMIC_RELAXED);             \
			return false;                                            \
		}                                                                \
		*old = op(p, v, __ATOMIC_SEQ_CST);                               \
		return true;                                                     \
	}

GUEST_ARCH_TRY(or_u64, u64, __atomic_fetch_or)
GUEST_ARCH_TRY(and_u64, u64, __atomic_fetch_and)
GUEST_ARCH_TRY(or_u32, u32, __atomic_fetch_or)
GUEST_ARCH_TRY(and_u32, u32, __atomic_fetch_and)
GUEST_ARCH_TRY(and_u16, u16, __atomic_fetch_and)
GUEST_ARCH_TRY(set_u8, u8, __atomic_exchange_n)

#undef GUEST_ARCH_TRY

static inline bool guest_arch_try_cmpxchg_u32(u32 *p, u32 *old, u32 v)
{
	if (host_atomic_fails(p)) {
		*old = __atomic_load_n(p, __ATOMIC_RELAXED);
		return false;
	}
	return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif
