/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment libfdt.h asks for, without a C library: types and byte order.
 * The build puts it beside Debian's libfdt.h; host tests use Debian's own libfdt_env.h.
 */
#ifndef LIBFDT_ENV_H
#define LIBFDT_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

static inline uint16_t fdt16_to_cpu(fdt16_t value)
{
	return __builtin_bswap16(value);
}

static inline fdt16_t cpu_to_fdt16(uint16_t value)
{
	return __builtin_bswap16(value);
}

static inline uint32_t fdt32_to_cpu(fdt32_t value)
{
	return __builtin_bswap32(value);
}

static inline fdt32_t cpu_to_fdt32(uint32_t value)
{
	return __builtin_bswap32(value);
}

static inline uint64_t fdt64_to_cpu(fdt64_t value)
{
	return __builtin_bswap64(value);
}

static inline fdt64_t cpu_to_fdt64(uint64_t value)
{
	return __builtin_bswap64(value);
}

#endif /* LIBFDT_ENV_H */
