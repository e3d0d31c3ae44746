/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame table's memory. The table describes everything from the lowest address of RAM to the
 * highest. Where a whole piece of it would describe no RAM, all such pieces are one, of zeroes and
 * read-only: records of what is no RAM are looked at (for frame numbers of guests, for neighbours
 * of free blocks), but never written. Pieces are as large as a block of the page tables.
 */
#include <arch/mmu.h>
#include <serai/arch.h>
#include <serai/boot.h>
#include <serai/bug.h>
#include <serai/compiler.h>
#include <serai/frame.h>
#include <serai/printk.h>

struct search {
	u64 size;
	bool aligned;
	struct range found;
};

/* The last that fits: low memory is for devices and guests. */
static void __init find_place(paddr_t start, paddr_t end, void *ctx)
{
	struct search *s = ctx;
	paddr_t at;

	if (end - start < s->size)
		return;
	at = end - s->size;
	if (s->aligned)
		at = ROUND_DOWN(at, FRAME_TABLE_PIECE);
	if (at >= start)
		s->found = (struct range){ at, at + s->size };
}

static struct range __init choose_place(u64 size, bool has_holes)
{
	struct search s = { .size = size, .aligned = true };

	bootinfo_free_ranges(find_place, &s);
	if (!range_size(&s.found) && !has_holes) {
		s.aligned = false;
		bootinfo_free_ranges(find_place, &s);
	}
	if (!range_size(&s.found)) {
		pr_err("no %lu KiB of free memory in one piece for the frame table; reserve less, or load "
		       "files so that more is free in one piece\n", size >> 10);
		refuse_boot();
	}
	return s.found;
}

/* The pieces from offset on that are like the first of them: with RAM behind them, or without. */
static u64 __init run_length(const struct boot_info *bi, u64 offset, u64 end)
{
	bool there = bootinfo_table_piece_used(bi, offset / FRAME_TABLE_PIECE);
	u64 next = offset;

	do
		next += FRAME_TABLE_PIECE;
	while (next < end && bootinfo_table_piece_used(bi, next / FRAME_TABLE_PIECE) == there);
	return MIN(next, end) - offset;
}

struct range __init frame_table_build(void)
{
	const struct boot_info *bi = &boot_info;
	paddr_t lowest = bi->banks.r[0].start, highest = bi->banks.r[bi->banks.nr - 1].end, next;
	u64 end = ROUND_UP(FRAME_TABLE_SIZE(lowest, highest), PAGE_SIZE), run;
	u64 size = bootinfo_table_size(bi);
	struct range place = choose_place(size, size < end);
	paddr_t zeroes = place.start;

	next = place.start;
	if (size < end) {
		frame_arch_zero(paddr_to_virt(zeroes), FRAME_TABLE_PIECE);
		next += FRAME_TABLE_PIECE;
	}
	for (u64 offset = 0; offset < end; offset += run) {
		run = run_length(bi, offset, end);
		if (size == end || bootinfo_table_piece_used(bi, offset / FRAME_TABLE_PIECE)) {
			mmu_map_frame_table(offset, next, run);
			next += run;
			continue;
		}
		for (u64 at = offset; at < offset + run; at += FRAME_TABLE_PIECE)
			mmu_map_frame_table_hole(at, zeroes);
	}
	BUG_ON(next != place.end);
	return place;
}
