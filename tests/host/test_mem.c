/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/mm/mem.c hyp/mm/heap.c */
/* Small objects against a model: alignment, zeroes, no overlap, nothing lost, exhaustion. */
#include <arch/host.h>
#include <serai/frame.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES	2048
#define OBJECTS 3000

static struct {
	u8 *p;
	size_t size;
	u8 tag;
} held[OBJECTS];
static unsigned int nr_held;
static unsigned int seed;

static u64 free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

/* Once: the allocator keeps pages from test to test. */
static int setup(void **state)
{
	host_init(1);
	seed = 7;
	nr_held = 0;
	frame_init(HOST_RAM_BASE, HOST_RAM_BASE + FRAMES * PAGE_SIZE);
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + FRAMES * PAGE_SIZE, true);
	/* What is free holds somebody's old data. */
	memset(host_ram, 0xee, FRAMES * PAGE_SIZE);
	return 0;
}

static bool all_are(const u8 *p, size_t n, u8 what)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != what)
			return false;
	return true;
}

static void take(size_t size)
{
	u8 *p = mem_alloc(size);

	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_true(all_are(p, size, 0));
	held[nr_held].p = p;
	held[nr_held].size = size;
	held[nr_held].tag = (u8)rand_r(&seed);
	memset(p, held[nr_held].tag, size);
	nr_held++;
}

static void give(unsigned int k)
{
	assert_true(all_are(held[k].p, held[k].size, held[k].tag));
	mem_free(held[k].p);
	held[k] = held[--nr_held];
}

static size_t random_size(void)
{
	switch (rand_r(&seed) % 12) {
	case 0:
		return (size_t)rand_r(&seed) % 20000;
	case 1:
		return (size_t)rand_r(&seed) % 4097;
	default:
		return (size_t)rand_r(&seed) % 300;
	}
}

static void random_objects(void **state)
{
	for (unsigned int n = 0; n < 200000; n++) {
		bool filling = (n / 5000) % 2 == 0;

		if (nr_held < OBJECTS && (unsigned int)rand_r(&seed) % 10 < (filling ? 7U : 3U))
			take(random_size());
		else if (nr_held)
			give((unsigned int)rand_r(&seed) % nr_held);
	}
	while (nr_held)
		give(nr_held - 1);
	/* At most one page of each size is kept. */
	assert_true(free_frames() >= FRAMES - 15);
}

static void every_size(void **state)
{
	for (size_t size = 0; size <= 9000; size++) {
		take(size);
		if (size % 3 == 0)
			give(0);
		if (nr_held > 100)
			give(50);
	}
	while (nr_held)
		give(0);
}

static void pages_return(void **state)
{
	u64 before;

	mem_free(mem_alloc(64));
	before = free_frames();
	for (int i = 0; i < 1000; i++)
		take(64);
	assert_true(free_frames() < before - 10);
	while (nr_held)
		give(0);
	assert_int_equal(free_frames(), before);
	mem_free(NULL);
}

static void exhaustion(void **state)
{
	void *keep[8];

	for (int i = 0; i < 8; i++)
		keep[i] = mem_alloc(1000);
	while (frame_alloc(0, FRAME_NO_SCRUB))
		;
	while (mem_alloc(32))
		;
	assert_null(frame_alloc(0, FRAME_NO_SCRUB));
	assert_null(mem_alloc(5000));
	assert_null(mem_alloc(1UL << 62));
	/* What is left in a page that we have already can still be had. */
	for (int i = 0; i < 8; i++)
		mem_free(keep[i]);
	assert_non_null(mem_alloc(1000));
}

static void use_after_free(void *arg)
{
	u8 *p = mem_alloc(100);

	mem_free(p);
	p[50] = 1;
	mem_alloc(100);
}

static void found_in_debug_builds(void **state)
{
	assert_int_equal(host_catch(use_after_free, NULL), HOST_PANIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_objects), cmocka_unit_test(every_size),
		cmocka_unit_test(pages_return),	  cmocka_unit_test(found_in_debug_builds),
		cmocka_unit_test(exhaustion),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
