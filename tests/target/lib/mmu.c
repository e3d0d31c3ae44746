// SPDX-License-Identifier: Apache-2.0
/*
 * Stage 1 of a guest: identity map of 39 bits. Memory (RAM, grant frames, extended regions) is
 * normal cacheable, all else device memory; the last GiB stays unmapped for tests of bad pointers.
 */
#include "guest.h"

#define GIB	    (1ul << 30)
#define BLOCK	    (2ul << 20)
#define NR_L2	    16
#define PTE_TABLE   3ul
#define PTE_BLOCK   1ul
#define PTE_AF	    (1ul << 10)
#define PTE_INNER   (3ul << 8)
#define PTE_NORMAL  (1ul << 2)
#define PTE_XN	    (3ul << 53)
#define ATTR_NORMAL (PTE_BLOCK | PTE_AF | PTE_INNER | PTE_NORMAL)
#define ATTR_DEVICE (PTE_BLOCK | PTE_AF | PTE_XN)

uint64_t mmu_root[512] PAGE_ALIGNED;
static uint64_t l2_tables[NR_L2][512] PAGE_ALIGNED;
static unsigned int l2_used;

/* The table of 2 MiB blocks for the GiB of addr; made from the device block on first use. */
static uint64_t *l2_table(uint64_t addr)
{
	uint64_t *slot = &mmu_root[addr / GIB];
	uint64_t *table;

	if ((*slot & 3) == PTE_TABLE)
		return (uint64_t *)(*slot & ~0xffful);
	if (l2_used == NR_L2)
		return NULL;
	table = l2_tables[l2_used++];
	for (uint64_t i = 0; i < 512; i++)
		table[i] = (addr & ~(GIB - 1)) + i * BLOCK + ATTR_DEVICE;
	*slot = (uint64_t)table | PTE_TABLE;
	return table;
}

static void map_normal(const struct region *r)
{
	uint64_t addr = r->base & ~(BLOCK - 1);
	uint64_t end = r->base + r->size;

	while (addr < end && addr < 511 * GIB) {
		if (addr % GIB == 0 && end - addr >= GIB) {
			mmu_root[addr / GIB] = addr | ATTR_NORMAL;
			addr += GIB;
			continue;
		}
		uint64_t *table = l2_table(addr);

		if (!table)
			return;
		table[addr % GIB / BLOCK] = addr | ATTR_NORMAL;
		addr += BLOCK;
	}
}

void mmu_build(const struct machine *m)
{
	for (uint64_t i = 0; i < 511; i++)
		mmu_root[i] = i * GIB + ATTR_DEVICE;
	for (int i = 0; i < m->nr_memory; i++)
		map_normal(&m->memory[i]);
	for (int i = 0; i < m->nr_hypervisor; i++)
		map_normal(&m->hypervisor[i]);
	for (int i = 0; i < m->nr_shared; i++)
		map_normal(&m->shared[i].at);
	dsb();
}
