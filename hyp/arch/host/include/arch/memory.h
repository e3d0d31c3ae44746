/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated RAM: HOST_RAM_BASE.. of the machine is a mapping of this program. */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <serai/types.h>

#define HOST_RAM_BASE 0x40000000UL
#define HOST_RAM_SIZE 0x20000000UL /* 512 MiB, taken from the host only where touched */

extern unsigned char *host_ram;
extern unsigned char *host_frame_table; /* zeroed room for the records of all RAM */

#define FRAME_TABLE_VA ((u64)(uintptr_t)host_frame_table)

/* Stops the program when the address is not RAM. */
void *paddr_to_virt(paddr_t pa);
paddr_t virt_to_paddr(const void *va);

static inline mfn_t virt_to_mfn(const void *va)
{
	return paddr_to_mfn(virt_to_paddr(va));
}

/* Frames mapped and not yet unmapped are counted in host.frames_mapped. */
void *frame_map(mfn_t m);
void frame_unmap(const void *va);

#endif
