/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way to the current guest's memory by guest virtual address. Every copy can fail with
 * -EFAULT: the address is translated as an EL1 access of the running vcpu, must hit memory that the
 * domain owns, and may cross pages. No lock may be held.
 */
#ifndef SERAI_GUEST_COPY_H
#define SERAI_GUEST_COPY_H

#include <serai/arch.h>
#include <serai/errno.h>
#include <serai/types.h>


/* 0 or -XEN_EFAULT. */
static inline int copy_from_guest_raw(void *dst, u64 gva, size_t size)
{
	return guest_arch_copy_from(dst, gva, size);
}

static inline int copy_to_guest_raw(u64 gva, const void *src, size_t size)
{
	return guest_arch_copy_to(gva, src, size);
}

#define copy_from_guest(dst, gva)	  copy_from_guest_raw((dst), (gva), sizeof(*(dst)))
#define copy_to_guest(gva, src)		  copy_to_guest_raw((gva), (src), sizeof(*(src)))
#define copy_array_from_guest(dst, gva, i, n) \
	copy_from_guest_raw((dst), (gva) + (u64)(i) * sizeof(*(dst)), (size_t)(n) * sizeof(*(dst)))
#define copy_array_to_guest(gva, i, src, n) \
	copy_to_guest_raw((gva) + (u64)(i) * sizeof(*(src)), (src), (size_t)(n) * sizeof(*(src)))

#endif
