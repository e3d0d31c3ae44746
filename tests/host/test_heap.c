/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/mm/heap.c */
/*
 * The buddy heap against a model that knows for every frame whether it is free and where it was
 * soiled. A million random operations; the structure of the free lists is checked on the way.
 */
#include <arch/host.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE	   (HOST_RAM_BASE >> PAGE_SHIFT)
#define FRAMES	   16384 /* 64 MiB under test */
#define HOLE_START 5000
#define HOLE_END   5123
#define BLOCKS	   4000 /* most blocks held at once */

static bool used[FRAMES];
static u16 soil[FRAMES]; /* the byte of the frame that was written by its last owner */
static struct {
	u64 first, nr;
	unsigned int order;
} held[BLOCKS];
static unsigned int nr_held;
static u64 nr_free;
static unsigned long seed;

static unsigned long rnd(unsigned long n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static u8 *frame_bytes(u64 i)
{
	return host_ram + i * PAGE_SIZE;
}

static paddr_t pa(u64 i)
{
	return HOST_RAM_BASE + i * PAGE_SIZE;
}

static int setup(void **state)
{
	host_init(1);
	seed = 42;
	memset(used, 0, sizeof(used));
	nr_held = 0;
	assert_int_equal(frame_init(pa(0), pa(FRAMES)), 0);
	/* Odd borders and a hole, so that not everything is one block. */
	frame_add_range(pa(3), pa(HOLE_START), true);
	frame_add_range(pa(HOLE_END), pa(FRAMES), true);
	for (u64 i = 0; i < FRAMES; i++) {
		used[i] = i < 3 || (i >= HOLE_START && i < HOLE_END);
		soil[i] = (u16)rnd(PAGE_SIZE);
		if (!used[i])
			frame_bytes(i)[soil[i]] = 0xee;
	}
	nr_free = FRAMES - 3 - (HOLE_END - HOLE_START);
	return 0;
}

/* Everything the records say about free blocks, against the model. */
static void check_structure(void)
{
	struct frame_stats s;
	u64 seen = 0, dirty = 0;

	for (u64 i = 0; i < FRAMES;) {
		struct frame *f = &frame_table[i], *buddy;
		u64 n;

		if (f->state != FRAME_FREE) {
			assert_true(used[i]);
			i++;
			continue;
		}
		n = 1UL << f->order;
		assert_int_equal((BASE + i) % n, 0);
		assert_true(i + n <= FRAMES);
		for (u64 j = i; j < i + n; j++) {
			assert_false(used[j]);
			if (j > i)
				assert_int_equal(frame_table[j].word, 0);
		}
		/* Two free buddies of one kind would have been merged. */
		if ((i ^ n) < FRAMES && f->order < FRAME_ORDER_MAX) {
			buddy = &frame_table[i ^ n];
			assert_false(buddy->state == FRAME_FREE && buddy->order == f->order &&
				     buddy->dirty == f->dirty);
		}
		seen += n;
		dirty += f->dirty ? n : 0;
		i += n;
	}
	frame_stats(&s);
	assert_int_equal(seen, nr_free);
	assert_int_equal(s.free, nr_free);
	assert_int_equal(s.dirty, dirty);
	assert_int_equal(s.total, FRAMES - 3 - (HOLE_END - HOLE_START));
}

static void take(u64 first, u64 nr, unsigned int order, bool scrubbed)
{
	for (u64 i = first; i < first + nr; i++) {
		assert_false(used[i]);
		used[i] = true;
		if (scrubbed) {
			assert_int_equal(frame_bytes(i)[soil[i]], 0);
			assert_int_equal(frame_bytes(i)[rnd(PAGE_SIZE)], 0);
		}
		soil[i] = (u16)rnd(PAGE_SIZE);
		frame_bytes(i)[soil[i]] = 0xaa;
	}
	nr_free -= nr;
	held[nr_held].first = first;
	held[nr_held].nr = nr;
	held[nr_held].order = order;
	nr_held++;
}

static void op_alloc(void)
{
	static const u32 flags[] = { 0, FRAME_ZERO, FRAME_NO_SCRUB, FRAME_CLEAN_ONLY };
	unsigned int order = (unsigned int)(rnd(8) ? rnd(4) : rnd(12));
	u32 fl = flags[rnd(4)];
	struct frame *f = frame_alloc(order, fl);

	if (!f)
		return;
	assert_int_equal(frame_to_mfn(f).v % (1UL << order), 0);
	assert_int_equal(f->state, FRAME_HYP);
	take(frame_to_mfn(f).v - BASE, 1UL << order, order, !(fl & FRAME_NO_SCRUB));
}

static void op_free(void)
{
	unsigned int k;
	u64 cut;

	if (!nr_held)
		return;
	k = (unsigned int)rnd(nr_held);
	for (u64 i = held[k].first; i < held[k].first + held[k].nr; i++)
		used[i] = false;
	nr_free += held[k].nr;
	if (rnd(8) == 0) {
		/* In two parts that are no blocks. */
		cut = rnd(held[k].nr);
		frame_free_range(&frame_table[held[k].first + cut], held[k].nr - cut);
		frame_free_range(&frame_table[held[k].first], cut);
	} else {
		frame_free(&frame_table[held[k].first], held[k].order);
	}
	held[k] = held[--nr_held];
}

static void million_operations(void **state)
{
	for (unsigned long n = 0; n < 1000000; n++) {
		/* Phases that fill and phases that drain. */
		bool filling = (n / 20000) % 2 == 0;

		switch (rnd(10)) {
		case 0:
			frame_scrub_some();
			break;
		default:
			if (filling ? rnd(3) && nr_held < BLOCKS : !rnd(3) && nr_held < BLOCKS)
				op_alloc();
			else
				op_free();
		}
		if (n % 20000 == 0)
			check_structure();
	}
	while (nr_held)
		op_free();
	check_structure();
	assert_int_equal(host.frames_mapped, 0);
}

/* Everything free and scrubbed is as few blocks as the borders allow, and zero. */
static void coalesces_when_scrubbed(void **state)
{
	unsigned int blocks = 0;
	u64 frames = 0, zeroed;

	while (nr_held < 300)
		op_alloc();
	while (nr_held)
		op_free();
	while (frame_scrub_some())
		;
	check_structure();
	for (u64 i = 0; i < FRAMES; i++) {
		if (frame_table[i].state != FRAME_FREE)
			continue;
		assert_false(frame_table[i].dirty);
		blocks++;
		frames += 1UL << frame_table[i].order;
	}
	assert_int_equal(frames, nr_free);
	/* 3..5000 and 5123..16384, cut at aligned borders. */
	assert_in_range(blocks, 10, 26);
	zeroed = host.frames_zeroed;
	assert_non_null(frame_alloc(12, FRAME_CLEAN_ONLY));
	assert_int_equal(host.frames_zeroed, zeroed);
	assert_false(frame_scrub_some());
}

static void scrub_is_bounded(void **state)
{
	u64 before = host.frames_zeroed;

	assert_true(frame_scrub_some());
	assert_in_range(host.frames_zeroed - before, 1, 4);
}

/* Of two CPUs, one asks while the other one scrubs. */
static struct frame_stats during_scrub;
static bool asking;

void *frame_map(mfn_t m)
{
	if (asking)
		frame_stats(&during_scrub);
	host.frames_mapped++;
	return paddr_to_virt(mfn_to_paddr(m));
}

static void scrubbed_is_free_meanwhile(void **state)
{
	struct frame_stats before;

	frame_stats(&before);
	asking = true;
	assert_true(frame_scrub_some());
	asking = false;
	assert_int_equal(during_scrub.free, before.free);
	assert_int_equal(during_scrub.dirty, before.dirty);
	frame_stats(&during_scrub);
	assert_int_equal(during_scrub.free, before.free);
	assert_in_range(before.dirty - during_scrub.dirty, 1, 4);
}

static void adding_touches_few_records(void **state)
{
	unsigned int touched = 0;

	host_init(1);
	assert_int_equal(frame_init(pa(0), HOST_RAM_BASE + HOST_RAM_SIZE), 0);
	frame_add_range(pa(0), HOST_RAM_BASE + HOST_RAM_SIZE, true);
	for (u64 i = 0; i < HOST_RAM_SIZE / PAGE_SIZE; i++)
		touched += frame_table[i].word != 0;
	assert_int_equal(touched, 1);
}

static void refusals(void **state)
{
	assert_null(frame_alloc(FRAME_ORDER_MAX + 1, 0));
	assert_null(frame_alloc(FRAME_ORDER_MAX, 0));
	assert_null(mfn_to_frame(mfn(BASE - 1)));
	assert_null(mfn_to_frame(mfn(BASE + FRAMES)));
	assert_int_equal(frame_init(0, 1UL << 45), -XEN_E2BIG);
}

static void clean_only_never_scrubs(void **state)
{
	assert_null(frame_alloc(0, FRAME_CLEAN_ONLY));
	assert_int_equal(host.frames_zeroed, 0);
	assert_true(frame_scrub_some());
	assert_non_null(frame_alloc(0, FRAME_CLEAN_ONLY));
}

/* What lies behind the last record must not be taken for a buddy. */
static void table_has_an_end(void **state)
{
	assert_int_equal(frame_init(pa(0), pa(5)), 0);
	frame_table[4].word = 0;
	frame_table[5].word = FRAME_WORD(0, FRAME_FREE) | FRAME_WORD_DIRTY;
	frame_table[5].links = ~0UL;
	frame_add_range(pa(4), pa(5), true);
	assert_int_equal(frame_table[4].order, 0);
	assert_int_equal(frame_table[5].state, FRAME_FREE);
}

static void exhaustion(void **state)
{
	u64 n = 0;

	while (frame_alloc(0, FRAME_NO_SCRUB))
		n++;
	assert_int_equal(n, nr_free);
	assert_null(heap_alloc_page());
	assert_null(frame_alloc(0, FRAME_CLEAN_ONLY));
	assert_false(frame_scrub_some());
}

static void hypervisor_pages(void **state)
{
	unsigned char *p = heap_alloc(2, FRAME_ZERO);

	assert_non_null(p);
	for (size_t i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(host.frames_mapped, 1);
	heap_free(p, 2);
	heap_free(NULL, 0);
	assert_int_equal(host.frames_mapped, 0);
	check_structure();
	frame_dump();
	assert_true(host.messages > 1);
}

/* What a domain gets is zero in RAM too; what stays with the hypervisor need not be. */
static void cleaned_to_ram_for_domains(void **state)
{
	unsigned int before = host.cache_ops;

	heap_free(heap_alloc_page(), 0);
	assert_int_equal(host.cache_ops, before);
	assert_non_null(frame_alloc(0, 0));
	assert_int_equal(host.cache_ops, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(million_operations, setup),
		cmocka_unit_test_setup(coalesces_when_scrubbed, setup),
		cmocka_unit_test_setup(scrub_is_bounded, setup),
		cmocka_unit_test_setup(scrubbed_is_free_meanwhile, setup),
		cmocka_unit_test(adding_touches_few_records),
		cmocka_unit_test_setup(refusals, setup),
		cmocka_unit_test_setup(clean_only_never_scrubs, setup),
		cmocka_unit_test_setup(table_has_an_end, setup),
		cmocka_unit_test_setup(exhaustion, setup),
		cmocka_unit_test_setup(hypervisor_pages, setup),
		cmocka_unit_test_setup(cleaned_to_ram_for_domains, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
