/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation tables of the 4 KiB granule, for both stages (Arm ARM D8.3). Blocks of 1 GiB and
 * 2 MiB are used where alignment allows, split when a part of them changes; a table whose whole
 * range is replaced or removed goes back to the allocator.
 *
 * A valid entry never becomes another valid entry: all of a change's old entries are first made
 * invalid, then one flush covers them, then the new ones are written (break before make, D8.14).
 * Not locked: the owner of the tables does that. The writer of new entries does the last DSB.
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <serai/compiler.h>
#include <serai/types.h>

#define PTE_VALID   0x1UL
#define PTE_TABLE   0x2UL /* a table; at the last level: a page */
#define PTE_PA_MASK 0x0000fffffffff000UL

/* log2 of what one entry covers, by level. */
#define PT_SHIFT_0    39
#define PT_SHIFT_1    30
#define PT_SHIFT_2    21
#define PT_LAST_SHIFT PAGE_SHIFT
#define PT_INDEX_BITS 9
#define PT_ENTRIES    512

struct pgtable;

struct pgtable_ops {
	u64 *(*table_alloc)(struct pgtable *t); /* a zeroed page, or NULL */
	void (*table_free)(struct pgtable *t, u64 *table);
	/*
	 * Entries for [addr, addr + size) were made invalid, none of them smaller than step:
	 * returns when no TLB and no walk uses them.
	 */
	void (*flush)(struct pgtable *t, u64 addr, u64 size, u64 step);
};

struct pgtable {
	u64 *root;
	u64 va_offset; /* virtual minus physical address of every table */
	const struct pgtable_ops *ops;
	u32 root_shift; /* log2 of what one entry of the root covers: PT_SHIFT_0 or _1 */
	u32 bits; /* addresses are below 2^bits */
	u32 nr_tables; /* without the root */
};

struct pgtable_change {
	u64 addr, size; /* multiples of the page size, inside the table's range */
	u64 desc; /* address and attributes of a valid leaf for addr; 0 removes */
	/* Called for every leaf that was valid, after the flush. May be NULL. */
	void (*replaced)(void *ctx, u64 desc, u64 size);
	void *ctx;
};

/*
 * Makes the change. -XEN_ENOMEM: either nothing was done, or what could not be mapped is removed;
 * the old entries of the range are reported in each case once they are gone.
 */
int pgtable_set(struct pgtable *t, const struct pgtable_change *c);

/* The table that a table descriptor names. */
static __always_inline u64 *pgtable_below(const struct pgtable *t, u64 desc)
{
	return (u64 *)((desc & PTE_PA_MASK) + t->va_offset);
}

static __always_inline bool pgtable_is_table(u64 desc)
{
	return (desc & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

/* The entry for addr in the table that a descriptor names, whose entries cover 2^shift bytes. */
static __always_inline u64 *pgtable_entry_below(const struct pgtable *t, u64 desc, u64 addr,
						unsigned int shift)
{
	return pgtable_below(t, desc) + ((addr >> shift) & (PT_ENTRIES - 1));
}

/* The entry that ends the walk for addr: a leaf or invalid. It covers 2^*shift bytes. */
static __always_inline u64 *pgtable_find(const struct pgtable *t, u64 addr, unsigned int *shift)
{
	u64 *e = t->root + (addr >> t->root_shift);

	/* Written out: it is on many hot paths. */
	if (t->root_shift == PT_SHIFT_0) {
		*shift = PT_SHIFT_0;
		if (!pgtable_is_table(*e))
			return e;
		e = pgtable_entry_below(t, *e, addr, PT_SHIFT_1);
	}
	*shift = PT_SHIFT_1;
	if (!pgtable_is_table(*e))
		return e;
	e = pgtable_entry_below(t, *e, addr, PT_SHIFT_2);
	*shift = PT_SHIFT_2;
	if (!pgtable_is_table(*e))
		return e;
	*shift = PT_LAST_SHIFT;
	return pgtable_entry_below(t, *e, addr, PT_LAST_SHIFT);
}

#endif
