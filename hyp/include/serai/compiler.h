/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes, sections and small arithmetic helpers. */
#ifndef SERAI_COMPILER_H
#define SERAI_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __aligned
#define __aligned(n) __attribute__((aligned(n)))
#endif
#define __noreturn	 __attribute__((noreturn))
#ifndef __unused
#define __unused __attribute__((unused))
#endif
#ifndef __used
#define __used __attribute__((used))
#endif
#define __printf_like(f, a) __attribute__((format(printf, f, a)))
#define __weak_sym	    __attribute__((weak))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#define __cold_path __attribute__((cold, noinline))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Code and data of the start-up; given back to the heap before the first guest runs. */
#define __init	    __attribute__((section(".init.text"), cold))
#define __initdata  __attribute__((section(".init.data")))
#define __initbss   __attribute__((section(".bss.init"))) /* zero at first, and not in the file */
#define __initconst __attribute__((section(".init.rodata")))
/* Written while starting, read-only from then on. */
#define __ro_after_init __attribute__((section(".data.ro_after_init")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)	      (1UL << (n))
#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define FIELD_GET(v, h, l) (((v) & GENMASK(h, l)) >> (l))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define MIN(a, b)                      \
	({                             \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		a_ < b_ ? a_ : b_;     \
	})
#define MAX(a, b)                      \
	({                             \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		a_ > b_ ? a_ : b_;     \
	})

/* n is a power of two. */
#define ROUND_UP(x, n)	 (((x) + ((__typeof__(x))(n) - 1)) & ~((__typeof__(x))(n) - 1))
#define ROUND_DOWN(x, n) ((x) & ~((__typeof__(x))(n) - 1))
#define IS_ALIGNED(x, n) (((x) & ((__typeof__(x))(n) - 1)) == 0)
#define DIV_ROUND_UP(x, n) (((x) + (n) - 1) / (n))

#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
