/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations on plain words, by the compiler's builtins. The bit operations work on arrays
 * of u64 and of u32 as guests share them. Unless the name says otherwise they are full barriers.
 */
#ifndef SERAI_ATOMIC_H
#define SERAI_ATOMIC_H

#include <serai/compiler.h>
#include <serai/types.h>

#define load_acquire(p)	    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_xchg(p, v)   __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
/* New value is returned by the _return forms. */
#define atomic_add_return(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define atomic_sub_return(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_ACQ_REL)
/* Old value is returned by the fetch forms. */
#define atomic_fetch_or(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
/* Stores v when *p equals *old; otherwise *old becomes the value found. */
#define atomic_try_cmpxchg(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

static inline bool bit_test(const u64 *map, unsigned int n)
{
	return (READ_ONCE(map[n / 64]) >> (n % 64)) & 1;
}

/* Sets bit n and says whether it was set before. */
static inline bool bit_test_and_set(u64 *map, unsigned int n)
{
	u64 mask = BIT(n % 64);

	return atomic_fetch_or(&map[n / 64], mask) & mask;
}

static inline bool bit_test_and_clear(u64 *map, unsigned int n)
{
	u64 mask = BIT(n % 64);

	return atomic_fetch_and(&map[n / 64], ~mask) & mask;
}

#endif
