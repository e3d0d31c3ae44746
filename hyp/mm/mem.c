/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small objects: pages cut into equal pieces of a few sizes; what is larger takes whole pages.
 *
 * A page of pieces keeps its state in its frame record: owner is the size class + 1, refs holds
 * the first free piece and the number of pieces in use, next and prev link the pages of a class
 * that have a free piece. Free pieces are poisoned, which debug builds check when they are handed
 * out again. The lock is never held while the heap's is taken.
 */
#include <serai/bug.h>
#include <serai/frame.h>
#include <serai/string.h>

#define GRAIN	   16 /* pieces are addressed in units of this */
#define PIECE_NONE 0xffff
#define POISON	   0x5a

static const u16 sizes[] = { 16,  32,  48,  64,	 96,   128,  192, 256,
			     384, 512, 672, 816, 1008, 1360, 2048 };
#define CLASSES ARRAY_SIZE(sizes)

static struct lock mem_lock = LOCK_INIT(RANK_HEAP);
static u32 partial[CLASSES]; /* frame index + 1 of the first page with a free piece */

static unsigned int slab_free_piece(const struct frame *f)
{
	return f->refs & 0xffff;
}

static unsigned int slab_used(const struct frame *f)
{
	return f->refs >> 16;
}

static void slab_set(struct frame *f, unsigned int piece, unsigned int used)
{
	f->refs = piece | used << 16;
}

static unsigned int size_class(size_t size)
{
	unsigned int c = 0;

	while (c < CLASSES && sizes[c] < size)
		c++;
	return c;
}

static u32 *slab_next_of(struct frame *f)
{
	return f->prev ? &frame_table[f->prev - 1].next : &partial[f->owner - 1];
}

static void slab_link(struct frame *f)
{
	u32 *first = &partial[f->owner - 1];
	u32 me = (u32)(f - frame_table) + 1;

	f->next = *first;
	f->prev = 0;
	if (*first)
		frame_table[*first - 1].prev = me;
	*first = me;
}

static void slab_unlink(struct frame *f)
{
	*slab_next_of(f) = f->next;
	if (f->next)
		frame_table[f->next - 1].prev = f->prev;
}

static u16 *piece_at(u8 *page, unsigned int piece)
{
	return (u16 *)(void *)(page + piece * GRAIN);
}

static struct frame *slab_make(unsigned int class)
{
	u8 *page = heap_alloc(0, FRAME_NO_SCRUB);
	unsigned int step = sizes[class] / GRAIN, next = PIECE_NONE;
	struct frame *f;

	if (!page)
		return NULL;
	memset(page, POISON, PAGE_SIZE);
	for (unsigned int i = PAGE_SIZE / sizes[class]; i-- > 0;) {
		*piece_at(page, i * step) = (u16)next;
		next = i * step;
	}
	f = mfn_to_frame(virt_to_mfn(page));
	f->owner = (u16)(class + 1);
	slab_set(f, 0, 0);
	return f;
}

/* The bytes behind the link must be as mem_free() left them. */
static bool piece_untouched(const u8 *p, size_t size)
{
	for (size_t i = sizeof(u16); i < size; i++)
		if (p[i] != POISON)
			return false;
	return true;
}

static void *slab_take(struct frame *f)
{
	unsigned int piece = slab_free_piece(f);
	u8 *page = paddr_to_virt(mfn_to_paddr(frame_to_mfn(f)));
	unsigned int next = *piece_at(page, piece);

	slab_set(f, next, slab_used(f) + 1);
	if (next == PIECE_NONE)
		slab_unlink(f);
	return page + piece * GRAIN;
}

static void *large_alloc(size_t size)
{
	unsigned int order = 0;

	while (order <= FRAME_ORDER_MAX && (PAGE_SIZE << order) < size)
		order++;
	return heap_alloc(order, FRAME_ZERO);
}

void *mem_alloc(size_t size)
{
	unsigned int class = size_class(size);
	struct frame *f = NULL;
	void *p;

	if (class == CLASSES)
		return large_alloc(size);
	lock_take(&mem_lock);
	if (!partial[class]) {
		lock_drop(&mem_lock);
		f = slab_make(class);
		if (!f)
			return NULL;
		lock_take(&mem_lock);
		slab_link(f);
	}
	p = slab_take(&frame_table[partial[class] - 1]);
	lock_drop(&mem_lock);
	ASSERT(piece_untouched(p, sizes[class]));
	memset(p, 0, sizes[class]);
	return p;
}

/* Takes the piece back. True: the page is unused now, off its list, and others have room. */
static bool slab_give(struct frame *f, u8 *page, unsigned int piece)
{
	unsigned int first = slab_free_piece(f);

	*piece_at(page, piece) = (u16)first;
	slab_set(f, piece, slab_used(f) - 1);
	if (first == PIECE_NONE)
		slab_link(f);
	/* One unused page is kept for the next allocation. */
	if (slab_used(f) || (partial[f->owner - 1] == (u32)(f - frame_table) + 1 && !f->next))
		return false;
	slab_unlink(f);
	return true;
}

void mem_free(void *p)
{
	u8 *page = (u8 *)ROUND_DOWN((uintptr_t)p, PAGE_SIZE);
	struct frame *f;
	bool unused;

	if (!p)
		return;
	f = mfn_to_frame(virt_to_mfn(page));
	ASSERT(f->state == FRAME_HYP);
	if (!f->owner) {
		heap_free(p, f->order);
		return;
	}
	memset(p, POISON, sizes[f->owner - 1]);
	lock_take(&mem_lock);
	unused = slab_give(f, page, (unsigned int)((u8 *)p - page) / GRAIN);
	lock_drop(&mem_lock);
	if (unused)
		heap_free(page, 0);
}
