/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/pgtable.c */
/*
 * The walker against a flat model, with a fake MMU beside it: in every callback the MMU walks
 * random addresses and caches leaves and tables as hardware may. It is an error when it finds a
 * leaf where it has another one cached, when something cached is reported as replaced or freed,
 * and when after the operation anything cached is not in the tables.
 */
#include "../../hyp/arch/arm64/include/arch/pgtable.h"

#include <serai/errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define PAGES	   (1UL << 20) /* 4 GiB of the address space are used */
#define SPAN	   (PAGES * PAGE_SIZE)
#define ATTR	   (0x7c0UL | PTE_VALID)
#define OPERATIONS 500000 /* for each stage */
#define TLB_SIZE   64

struct cached {
	u64 addr, size, desc; /* of a leaf, or of the table below an entry */
	bool used, table;
};

static struct {
	struct pgtable t;
	u64 base;
	u64 *model; /* what each page maps to; 0: nothing */
	struct cached tlb[TLB_SIZE];
	u64 op_addr, op_size;
	long fail_alloc_in;
	unsigned int allocated, flushes, reports;
	u64 reported; /* hash of the replaced pages */
	u64 flushed_step;
} m;

static u64 random_state;

static u64 rnd(u64 n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % n;
}

/* --- the fake MMU --- */

static bool overlaps(const struct cached *c, u64 addr, u64 size)
{
	return c->used && c->addr < addr + size && addr < c->addr + c->size;
}

static void tlb_add(struct cached c)
{
	for (unsigned int i = 0; i < TLB_SIZE; i++) {
		const struct cached *o = &m.tlb[i];

		if (!overlaps(o, c.addr, c.size))
			continue;
		if (o->table && c.table && o->size == c.size && o->desc != c.desc)
			fail_msg("a table was exchanged without break before make at %#lx", c.addr);
		/* A leaf over a smaller or other leaf, or over a cached table of its own range. */
		if (!o->table && !c.table && (o->size != c.size || o->desc != c.desc))
			fail_msg("a leaf was exchanged without break before make at %#lx", c.addr);
		if (o->table && !c.table && c.size >= o->size)
			fail_msg("a block replaced a table that is cached at %#lx", c.addr);
		if (!o->table && c.table && o->size >= c.size)
			fail_msg("a table replaced a block that is cached at %#lx", c.addr);
		if (o->table == c.table && o->addr == c.addr && o->size == c.size)
			return;
	}
	m.tlb[rnd(TLB_SIZE)] = c;
}

static void mmu_access(u64 addr)
{
	unsigned int shift = m.t.root_shift;
	u64 *e = m.t.root + (addr >> shift);

	for (;;) {
		struct cached c = { addr & ~(BIT(shift) - 1), BIT(shift), *e, true, false };

		if (!(*e & PTE_VALID))
			return;
		c.table = shift > PT_LAST_SHIFT && (*e & PTE_TABLE);
		tlb_add(c);
		if (!c.table)
			return;
		e = pgtable_below(&m.t, *e);
		shift -= PT_INDEX_BITS;
		e += (addr >> shift) % PT_ENTRIES;
	}
}

static void mmu_run(void)
{
	u64 last = m.op_addr + m.op_size - 1;

	mmu_access(m.op_addr);
	mmu_access(last);
	mmu_access(m.op_addr + rnd(m.op_size));
	mmu_access(m.base + rnd(SPAN));
}

static void flush(struct pgtable *t, u64 addr, u64 size, u64 step)
{
	mmu_run(); /* what was broken can no longer be found */
	assert_true(size && size % step == 0 && addr % step == 0);
	for (unsigned int i = 0; i < TLB_SIZE; i++) {
		struct cached *c = &m.tlb[i];

		if (!overlaps(c, addr, size))
			continue;
		/* An invalidation by address takes the entries that contain the address. */
		if (!c->table && c->size < step)
			continue;
		c->used = false;
	}
	m.flushes++;
	m.flushed_step = step;
	mmu_run(); /* nor is it found again before something else is there */
}

/* --- what the tables need --- */

static u64 *table_alloc(struct pgtable *t)
{
	u64 *table;

	mmu_run();
	if (m.fail_alloc_in && --m.fail_alloc_in == 0)
		return NULL;
	table = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	assert_non_null(table);
	memset(table, 0, PAGE_SIZE);
	m.allocated++;
	return table;
}

static void table_free(struct pgtable *t, u64 *table)
{
	mmu_run();
	for (unsigned int i = 0; i < TLB_SIZE; i++)
		if (m.tlb[i].used && m.tlb[i].table && pgtable_below(&m.t, m.tlb[i].desc) == table)
			fail_msg("a table was freed while the MMU may walk it");
	for (unsigned int i = 0; i < PT_ENTRIES; i++)
		assert_int_equal(table[i], 0);
	m.allocated--;
	free(table);
}

static u64 hash(u64 desc)
{
	u64 x = (desc & ~(PTE_VALID | PTE_TABLE)) * 0x9e3779b97f4a7c15UL;

	return x ^ x >> 29;
}

static void replaced(void *ctx, u64 desc, u64 size)
{
	assert_ptr_equal(ctx, &m);
	if (m.reports++ < 8 || rnd(512) == 0)
		mmu_run();
	for (u64 i = 0; i < size; i += PAGE_SIZE)
		m.reported += hash(desc + i);
}

static const struct pgtable_ops ops = { table_alloc, table_free, flush };

static void start(u32 root_shift, u32 bits, u64 base)
{
	size_t root = PAGE_SIZE << (bits - root_shift > 9 ? bits - root_shift - 9 : 0);

	memset(&m, 0, sizeof(m));
	m.t = (struct pgtable){ .ops = &ops, .root_shift = root_shift, .bits = bits };
	m.t.root = aligned_alloc(root, root);
	memset(m.t.root, 0, root);
	m.model = calloc(PAGES, sizeof(*m.model));
	m.base = base;
	random_state = 88172645463325252UL;
}

static int set(u64 addr, u64 size, u64 desc)
{
	struct pgtable_change c = { addr, size, desc, replaced, &m };

	m.op_addr = addr;
	m.op_size = size;
	m.reported = 0;
	m.reports = 0;
	return pgtable_set(&m.t, &c);
}

static void finish(void)
{
	assert_int_equal(set(m.base, SPAN, 0), 0);
	assert_int_equal(set(0, BIT(m.t.bits), 0), 0);
	assert_int_equal(m.t.nr_tables, 0);
	assert_int_equal(m.allocated, 0);
	free(m.t.root);
	free(m.model);
}

/* What the tables say about a page. */
static u64 lookup(u64 addr)
{
	unsigned int shift;
	u64 desc = *pgtable_find(&m.t, addr, &shift);

	if (!(desc & PTE_VALID)) {
		assert_int_equal(desc, 0); /* nothing is left half broken */
		return 0;
	}
	assert_int_equal(!!(desc & PTE_TABLE), shift == PT_LAST_SHIFT);
	return (desc & ~PTE_TABLE) + (addr & (BIT(shift) - 1));
}

static void check_page(u64 page)
{
	u64 got = lookup(m.base + page * PAGE_SIZE);

	if (got != m.model[page])
		fail_msg("page %#lx: %#lx, not %#lx", page, got, m.model[page]);
}

static void check_cached(void)
{
	for (unsigned int i = 0; i < TLB_SIZE; i++) {
		const struct cached *c = &m.tlb[i];

		if (!c->used || c->table)
			continue;
		assert_int_equal(lookup(c->addr), c->desc & ~PTE_TABLE);
		assert_int_equal(lookup(c->addr + c->size - PAGE_SIZE),
				 (c->desc & ~PTE_TABLE) + c->size - PAGE_SIZE);
	}
}

/* A range in pages: mostly small, sometimes blocks, rarely blocks of 1 GiB. */
static void choose_range(u64 *page, u64 *nr)
{
	u64 kind = rnd(1000), align = 1;

	if (kind < 500)
		*nr = 1;
	else if (kind < 800)
		*nr = 1 + rnd(40);
	else if (kind < 900)
		*nr = 1 + rnd(1500);
	else if (kind < 996)
		align = 512, *nr = 512 * (1 + rnd(3));
	else if (kind < 998 || rnd(5))
		*nr = 1 + rnd(5000);
	else if (rnd(2))
		*nr = 1 + rnd(400000);
	else
		align = 512 * 512, *nr = align;
	*page = rnd(PAGES - *nr + 1) / align * align;
	/* Half of all ranges lie close together, so that they meet. */
	if (rnd(2) && *nr < 2048)
		*page = (300 * 512 + rnd(6 * 512)) / align * align;
}

static void random_operation(void)
{
	u64 page, nr, desc = 0, old = 0;
	bool same = true;
	int rc;

	choose_range(&page, &nr);
	if (rnd(10) < 6) {
		/* A machine address that allows blocks, or one that does not. */
		desc = rnd(3) ? page * PAGE_SIZE + rnd(4) * (1UL << 30) : rnd(PAGES) * PAGE_SIZE;
		desc |= ATTR | rnd(8) << 55;
	}
	if (rnd(50) == 0)
		m.fail_alloc_in = 1 + (long)rnd(4);
	for (u64 i = 0; i < nr; i++)
		if (m.model[page + i])
			old += hash(m.model[page + i]);
	rc = set(m.base + page * PAGE_SIZE, nr * PAGE_SIZE, desc);
	m.fail_alloc_in = 0;
	if (rc) {
		assert_int_equal(rc, -XEN_ENOMEM);
		for (u64 i = 0; i < nr && same; i++)
			same = lookup(m.base + (page + i) * PAGE_SIZE) == m.model[page + i];
		assert_true(same || m.reported == old);
	} else {
		assert_true(m.reported == old);
	}
	for (u64 i = 0; i < nr; i++) {
		u64 want = desc ? desc + i * PAGE_SIZE : 0;

		if (rc && !same) {
			u64 got = lookup(m.base + (page + i) * PAGE_SIZE);

			assert_true(got == want || got == 0);
			want = got;
		}
		if (!rc || !same)
			m.model[page + i] = want;
	}
	check_page(page);
	check_page(page + nr - 1);
	check_page(page + rnd(nr));
	if (page)
		check_page(page - 1);
	if (page + nr < PAGES)
		check_page(page + nr);
	check_cached();
}

static void run_random(u32 root_shift, u32 bits, u64 base)
{
	start(root_shift, bits, base);
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		random_operation();
		if (i % 20000 == 0)
			for (u64 page = 0; page < PAGES; page++)
				check_page(page);
	}
	finish();
}

static void test_random_stage1(void **state)
{
	run_random(39, 48, 0x800040000000);
}

/* 40 bits: two concatenated tables; the range lies on both sides of their border. */
static void test_random_stage2(void **state)
{
	run_random(30, 40, (1UL << 39) - (1UL << 31));
}

static unsigned int leaf_shift(u64 addr)
{
	unsigned int shift;

	assert_true(*pgtable_find(&m.t, addr, &shift) & PTE_VALID);
	return shift;
}

static void test_blocks_by_alignment(void **state)
{
	start(30, 40, 0);
	assert_int_equal(set(0, 3UL << 30, ATTR), 0);
	assert_int_equal(m.t.nr_tables, 0);
	assert_int_equal(leaf_shift(2UL << 30), 30);
	/* The machine address fits 2 MiB only. */
	assert_int_equal(set(4UL << 30, 1UL << 30, ATTR | 1UL << 21), 0);
	assert_int_equal(m.t.nr_tables, 1);
	assert_int_equal(leaf_shift(4UL << 30), 21);
	/* It fits pages only. */
	assert_int_equal(set(8UL << 30, 1UL << 21, ATTR | 1UL << 12), 0);
	assert_int_equal(leaf_shift(8UL << 30), 12);
	/* From an odd page on: pages, then blocks, then pages. */
	assert_int_equal(set((12UL << 30) + 0x1ff000, (1UL << 22) + 0x2000, ATTR | 0x1ff000), 0);
	assert_int_equal(leaf_shift((12UL << 30) + 0x1ff000), 12);
	assert_int_equal(leaf_shift((12UL << 30) + 0x200000), 21);
	assert_int_equal(leaf_shift((12UL << 30) + 0x400000), 21);
	assert_int_equal(leaf_shift((12UL << 30) + 0x600000), 12);
	assert_int_equal(m.flushes, 0); /* nothing valid was replaced */
	finish();
}

static void test_split_and_replace(void **state)
{
	start(30, 40, 0);
	assert_int_equal(set(0, 1UL << 30, ATTR), 0);
	/* One page out of 1 GiB: two splits, one page flushed. */
	assert_int_equal(set(5UL << 21, PAGE_SIZE, 0), 0);
	assert_int_equal(m.t.nr_tables, 2);
	assert_int_equal(m.flushes, 3);
	assert_int_equal(m.flushed_step, PAGE_SIZE);
	assert_int_equal(lookup(5UL << 21), 0);
	assert_int_equal(lookup((5UL << 21) + PAGE_SIZE), ATTR + (5UL << 21) + PAGE_SIZE);
	assert_int_equal(leaf_shift(6UL << 21), 21);
	/* A block takes the place of the table of pages, then of all. */
	assert_int_equal(set(5UL << 21, 1UL << 21, ATTR | 1UL << 31), 0);
	assert_int_equal(m.t.nr_tables, 1);
	assert_int_equal(m.flushes, 4);
	assert_int_equal(set(0, 1UL << 30, ATTR), 0);
	assert_int_equal(m.t.nr_tables, 0);
	assert_int_equal(m.flushes, 5);
	/* Nothing to flush, nothing to do. */
	assert_int_equal(set(0, 1UL << 30, 0), 0);
	assert_int_equal(set(0, BIT(40), 0), 0);
	assert_int_equal(m.flushes, 6);
	finish();
}

static void test_no_memory(void **state)
{
	start(30, 40, 0);
	assert_int_equal(set(0, 1UL << 30, ATTR), 0);
	/* The second table of the split: nothing changed. */
	m.fail_alloc_in = 2;
	assert_int_equal(set(PAGE_SIZE, PAGE_SIZE, 0), -XEN_ENOMEM);
	assert_int_equal(lookup(PAGE_SIZE), ATTR + PAGE_SIZE);
	assert_int_equal(m.reported, 0);
	/* While mapping over blocks: they are gone and were reported. */
	m.fail_alloc_in = 2;
	assert_int_equal(set(1UL << 21, 4UL << 21, ATTR | 1UL << 12), -XEN_ENOMEM);
	assert_int_equal(lookup(1UL << 21), ATTR + PAGE_SIZE);
	assert_int_equal(lookup(2UL << 21), 0);
	assert_int_equal(lookup(4UL << 21), 0);
	assert_int_equal(lookup(5UL << 21), ATTR + (5UL << 21));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_by_alignment),
		cmocka_unit_test(test_split_and_replace),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_random_stage1),
		cmocka_unit_test(test_random_stage2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
