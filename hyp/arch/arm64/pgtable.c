/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page-table walker and the one operation on tables: replace a range.
 *
 * walk() visits entries in order of addresses and calls back on each, and once more on a table's
 * entry when it leaves that table. There are two visitors of a change. "Make" writes the new
 * entries. When it meets the first valid leaf it runs "break" over the rest of the range, which
 * clears the valid bits only, and flushes: what the entries held stays readable for reporting. A
 * table that is to go, because a block takes its place or its range is removed, is "doomed":
 * its entries are retired one by one and it is freed when the walk leaves it.
 *
 * Blocks that reach over an end of the range are split before anything else is changed.
 */
#include "include/arch/pgtable.h"

#include <serai/atomic.h>
#include <serai/errno.h>

#define PT_LEVELS 4

enum walk_step { WALK_NEXT, WALK_DOWN };

struct walk {
	struct pgtable *t;
	const struct pgtable_change *c;
	u64 addr, end;
	u64 desc; /* what is to be made; 0: removal, also after running out of memory */
	unsigned int doomed; /* shift of the entry whose table goes; 0: none */
	bool broken; /* no valid leaf is left from addr on */
	int err;
	/* Of break: what to flush. */
	u64 flush_start, flush_end, flush_step;
};

typedef enum walk_step visit_fn(struct walk *w, u64 *e, unsigned int shift);
typedef void leave_fn(struct walk *w, u64 *e, unsigned int shift);

static bool is_table(u64 desc, unsigned int shift)
{
	return shift > PT_LAST_SHIFT && (desc & PTE_TABLE);
}

static u64 *entry_at(const struct pgtable *t, u64 *table, u64 addr, unsigned int shift)
{
	u64 index = addr >> shift;

	return table + (shift == t->root_shift ? index : index & (PT_ENTRIES - 1));
}

static void walk(struct walk *w, visit_fn *visit, leave_fn *leave)
{
	struct pgtable *t = w->t;
	unsigned int shift = t->root_shift, depth = 0;
	u64 *tables[PT_LEVELS];
	u64 *e;

	tables[0] = t->root;
	while (w->addr < w->end) {
		e = entry_at(t, tables[depth], w->addr, shift);
		if (visit(w, e, shift) == WALK_DOWN) {
			tables[++depth] = pgtable_below(t, *e);
			shift -= PT_INDEX_BITS;
			continue;
		}
		w->addr = (w->addr | (BIT(shift) - 1)) + 1;
		/* Up again, over every table whose last entry this was. */
		while (depth &&
		       (w->addr >= w->end || IS_ALIGNED(w->addr, BIT(shift + PT_INDEX_BITS)))) {
			depth--;
			shift += PT_INDEX_BITS;
			if (leave)
				leave(w, entry_at(t, tables[depth], w->addr - 1, shift), shift);
		}
	}
}

/* --- break --- */

static void break_note(struct walk *w, unsigned int shift)
{
	u64 size = BIT(shift), base = ROUND_DOWN(w->addr, size);

	w->flush_start = MIN(w->flush_start, base);
	w->flush_end = MAX(w->flush_end, base + size);
	w->flush_step = MIN(w->flush_step, size);
}

/* The entry at w->addr lies inside the range, and one leaf can hold what is to be there. */
static bool entry_fits(const struct walk *w, unsigned int shift)
{
	u64 below = BIT(shift) - 1;

	if ((w->addr & below) || w->end - w->addr <= below)
		return false;
	if (!w->desc)
		return true;
	return shift <= PT_SHIFT_1 && !((w->desc + w->addr - w->c->addr) & below & PAGE_MASK);
}

static enum walk_step break_visit(struct walk *w, u64 *e, unsigned int shift)
{
	u64 desc = *e;

	if (!(desc & PTE_VALID))
		return WALK_NEXT;
	if (!is_table(desc, shift)) {
		WRITE_ONCE(*e, desc & ~PTE_VALID);
		break_note(w, shift);
		return WALK_NEXT;
	}
	if (entry_fits(w, shift)) {
		WRITE_ONCE(*e, desc & ~PTE_VALID);
		break_note(w, shift);
	}
	return WALK_DOWN;
}

/* No valid leaf, nor a table that is to go, is left from w->addr to the end. */
static void break_rest(struct walk *w)
{
	struct walk b = *w;

	b.flush_start = ~0UL;
	b.flush_end = 0;
	b.flush_step = ~0UL;
	walk(&b, break_visit, NULL);
	if (b.flush_end)
		w->t->ops->flush(w->t, b.flush_start, b.flush_end - b.flush_start, b.flush_step);
	w->broken = true;
}

/* --- make --- */

static void retire(struct walk *w, u64 desc, unsigned int shift)
{
	if (desc && w->c->replaced)
		w->c->replaced(w->c->ctx, desc, BIT(shift));
}

static u64 leaf_desc(const struct walk *w, u64 addr, unsigned int shift)
{
	if (!w->desc)
		return 0;
	return (w->desc + (addr - w->c->addr)) | (shift == PT_LAST_SHIFT ? PTE_TABLE : 0);
}

static enum walk_step make_table(struct walk *w, u64 *e)
{
	u64 *table;

	if (!w->desc)
		return WALK_NEXT;
	table = w->t->ops->table_alloc(w->t);
	if (!table) {
		/*
		 * The rest becomes a removal, so that old entries do not survive half broken. It
		 * may free tables that were to stay: those have to be broken first.
		 */
		w->err = -XEN_ENOMEM;
		w->desc = 0;
		w->broken = false;
		return WALK_NEXT;
	}
	w->t->nr_tables++;
	smp_wmb(); /* the table is empty before a walk can find it */
	WRITE_ONCE(*e, ((u64)table - w->t->va_offset) | PTE_VALID | PTE_TABLE);
	return WALK_DOWN;
}

static enum walk_step make_visit(struct walk *w, u64 *e, unsigned int shift)
{
	u64 desc = *e;
	bool fits, table;

	if (w->doomed) {
		if (is_table(desc, shift))
			return WALK_DOWN;
		retire(w, desc, shift);
		*e = 0;
		return WALK_NEXT;
	}
	fits = entry_fits(w, shift);
	table = is_table(desc, shift);
	if ((desc & PTE_VALID) && !w->broken && (fits || !table)) {
		break_rest(w);
		desc = *e;
	}
	if (table) {
		if (fits)
			w->doomed = shift;
		return WALK_DOWN;
	}
	retire(w, desc, shift);
	WRITE_ONCE(*e, fits ? leaf_desc(w, w->addr, shift) : 0);
	return fits ? WALK_NEXT : make_table(w, e);
}

static void table_free(struct pgtable *t, u64 *table)
{
	t->nr_tables--;
	t->ops->table_free(t, table);
}

static void make_leave(struct walk *w, u64 *e, unsigned int shift)
{
	u64 *table = pgtable_below(w->t, *e);
	u64 desc = 0;

	if (!w->doomed)
		return;
	if (shift == w->doomed) {
		desc = leaf_desc(w, w->addr - BIT(shift), shift);
		w->doomed = 0;
	}
	WRITE_ONCE(*e, desc);
	table_free(w->t, table);
}

/* --- splitting --- */

/* The block at *e becomes a table of blocks, or pages, of the next size. */
static int split(struct pgtable *t, u64 *e, u64 addr, unsigned int shift)
{
	u64 desc = *e, size = BIT(shift - PT_INDEX_BITS);
	u64 *table = t->ops->table_alloc(t);

	if (!table)
		return -XEN_ENOMEM;
	t->nr_tables++;
	if (shift - PT_INDEX_BITS == PT_LAST_SHIFT)
		desc |= PTE_TABLE;
	for (unsigned int i = 0; i < PT_ENTRIES; i++, desc += size)
		table[i] = desc;
	WRITE_ONCE(*e, 0);
	t->ops->flush(t, ROUND_DOWN(addr, BIT(shift)), BIT(shift), BIT(shift));
	smp_wmb();
	WRITE_ONCE(*e, ((u64)table - t->va_offset) | PTE_VALID | PTE_TABLE);
	return 0;
}

/* Afterwards no leaf has addr inside it. */
static int split_at(struct pgtable *t, u64 addr)
{
	unsigned int shift;
	u64 *e;
	int err;

	for (;;) {
		if (addr >> t->bits)
			return 0;
		e = pgtable_find(t, addr, &shift);
		if (!(*e & PTE_VALID) || IS_ALIGNED(addr, BIT(shift)))
			return 0;
		err = split(t, e, addr, shift);
		if (err)
			return err;
	}
}

/* --- the whole --- */

/* The common case: one page whose table exists. */
static void set_page(struct pgtable *t, const struct pgtable_change *c, u64 *e)
{
	u64 old = *e;

	if (old & PTE_VALID) {
		WRITE_ONCE(*e, 0);
		t->ops->flush(t, c->addr, PAGE_SIZE, PAGE_SIZE);
		if (c->replaced)
			c->replaced(c->ctx, old, PAGE_SIZE);
	}
	if (c->desc)
		WRITE_ONCE(*e, c->desc | PTE_TABLE);
}

static __noinline int set_range(struct pgtable *t, const struct pgtable_change *c)
{
	struct walk w = { .t = t, .c = c, .addr = c->addr, .end = c->addr + c->size };
	int err = split_at(t, w.addr);

	if (!err)
		err = split_at(t, w.end);
	if (err)
		return err;
	w.desc = c->desc;
	walk(&w, make_visit, make_leave);
	return w.err;
}

int pgtable_set(struct pgtable *t, const struct pgtable_change *c)
{
	unsigned int shift;
	u64 *e;

	if (likely(c->size == PAGE_SIZE)) {
		e = pgtable_find(t, c->addr, &shift);
		if (likely(shift == PT_LAST_SHIFT)) {
			set_page(t, c, e);
			return 0;
		}
	}
	return set_range(t, c);
}
