/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integer and address types of the whole hypervisor.
 *
 * paddr_t: machine physical address. gpa_t: guest physical address (IPA). mfn_t / gfn_t: the frame
 * numbers of both, one-member structs so that the compiler keeps them apart.
 */
#ifndef SERAI_TYPES_H
#define SERAI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 paddr_t;
typedef u64 gpa_t;
typedef u16 domid_t;
/* Nanoseconds since the hypervisor started. */
typedef s64 nstime_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

typedef struct {
	u64 v;
} mfn_t;

typedef struct {
	u64 v;
} gfn_t;

#define MFN_INVALID ((mfn_t){ ~0UL })
#define GFN_INVALID ((gfn_t){ ~0UL })

static inline mfn_t mfn(u64 n)
{
	return (mfn_t){ n };
}

static inline gfn_t gfn(u64 n)
{
	return (gfn_t){ n };
}

static inline bool mfn_valid_number(mfn_t m)
{
	return m.v != ~0UL;
}

static inline paddr_t mfn_to_paddr(mfn_t m)
{
	return m.v << PAGE_SHIFT;
}

static inline mfn_t paddr_to_mfn(paddr_t pa)
{
	return (mfn_t){ pa >> PAGE_SHIFT };
}

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return (gfn_t){ gpa >> PAGE_SHIFT };
}

#endif
