/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's address space (48 bits, TTBR0_EL2):
 *
 *   0x0000_7f80_0000_0000   the image (HYP_VA), linked here
 *   0x0000_7f80_0800_0000   the machine's device tree, read-only (FDT_VA)
 *   0x0000_7f80_1000_0000   stacks, with unmapped pages between them (STACK_VA)
 *   0x0000_7f80_2000_0000   a page of the image while start-up code writes to it (PATCH_VA)
 *   0x0000_7f80_4000_0000   devices, mapped by mmu_map_device() (DEVICE_VA)
 *   0x0000_7f81_0000_0000   frame table (FRAME_TABLE_VA)
 *   0x0000_8000_0000_0000   all RAM (DIRECT_VA)
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#define HYP_VA	       0x00007f8000000000
#define FDT_VA	       0x00007f8008000000
#define STACK_VA       0x00007f8010000000
#define STACK_VA_END   0x00007f8020000000
#define PATCH_VA       0x00007f8020000000
#define DEVICE_VA      0x00007f8040000000
#define DEVICE_VA_END  0x00007f8080000000
#define FRAME_TABLE_VA 0x00007f8100000000
#define DIRECT_VA      0x0000800000000000

#ifndef __ASSEMBLER__

#include <serai/types.h>

extern u64 image_phys_offset; /* VA of the image minus its physical address */

static inline void *paddr_to_virt(paddr_t pa)
{
	return (void *)(pa + DIRECT_VA);
}

/* Of the direct map or of the image. */
static inline paddr_t virt_to_paddr(const void *va)
{
	u64 v = (u64)va;

	return v >= DIRECT_VA ? v - DIRECT_VA : v - image_phys_offset;
}

static inline mfn_t virt_to_mfn(const void *va)
{
	return paddr_to_mfn(virt_to_paddr(va));
}

/* A frame's contents, until frame_unmap(). */
static inline void *frame_map(mfn_t m)
{
	return paddr_to_virt(mfn_to_paddr(m));
}

static inline void frame_unmap(const void *va)
{
}

#endif
#endif
