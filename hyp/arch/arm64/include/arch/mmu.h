/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's own translation (stage 1 of EL2). Everything but mmu_map_stack() and
 * mmu_map_device() is for the boot CPU alone, before other CPUs run; those two are not locked.
 *
 * Order: mmu_init_early(), mmu_map_fdt() and mmu_map_device() as needed, mmu_map_direct() for each
 * bank of RAM, mmu_map_frame_table(), the heap, mmu_map_stack(), CPUs, mmu_seal().
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <serai/range.h>
#include <serai/types.h>

/* TTBR0_EL2 of every CPU. Until mmu_seal() it also has the boot tables' identity map. */
extern u64 mmu_secondary_ttbr;

/* Leaves the boot tables: the image with the rights of its sections. image_phys_offset is set. */
void mmu_init_early(void);
/* Read-only; NULL when there is no device tree or it is no sensible one. One call. */
const void *mmu_map_fdt(paddr_t pa);
/* Adds RAM to the direct map. Needs no heap. */
void mmu_map_direct(paddr_t start, u64 size);
/* A part of the frame table, zeroed here: size bytes at pa, all whole pages. */
void mmu_map_frame_table(u64 offset, paddr_t pa, u64 size);
/* A FRAME_TABLE_PIECE of it that reads as the one at zeroes, which has been cleared. */
void mmu_map_frame_table_hole(u64 offset, paddr_t zeroes);
/* All of it, in memory that nobody needs; where that is. RAM is in the direct map. */
struct range frame_table_build(void);
/* Device-nGnRE; NULL when the window is full. Stays mapped. */
void *mmu_map_device(paddr_t pa, size_t size);
/* Whether memory answers at pa, 4-byte aligned and in nobody's use; while starting. */
bool mmu_probe(paddr_t pa);
/* Maps a stack a second time, with unmapped pages around it; its lowest address, or NULL. */
void *mmu_map_stack(paddr_t pa, size_t size);
/* Replaces one instruction of the image; boot CPU, before other CPUs run. */
void mmu_write_text(void *at, u32 insn);
/* On each CPU, once it runs on mmu_secondary_ttbr: writable memory is never executed. */
void mmu_cpu_init(void);
/*
 * The end of start-up: __ro_after_init becomes read-only, the read-only parts of the image also in
 * the direct map; start-up code and data, the identity map and unused tables go (to the heap).
 * The caller must not be __init.
 */
void mmu_seal(void);
/* Where the image is, to keep it out of the heap. mmu_seal() gives parts of it back. */
void mmu_image_range(paddr_t *start, paddr_t *end);

#endif
