/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/mm/frame.c hyp/mm/heap.c */
/* Owners, references and the ways a frame returns to the heap. */
#include <arch/host.h>
#include <pthread.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 4096

static struct frame_owner alice, bob;
static unsigned int empties;

static void count_empty(struct frame_owner *o)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	empties++;
}

static u64 free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

static int setup(void **state)
{
	host_init(4);
	frame_init(HOST_RAM_BASE, HOST_RAM_BASE + FRAMES * PAGE_SIZE);
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + FRAMES * PAGE_SIZE, true);
	memset(frame_owners, 0, sizeof(frame_owners));
	frame_owner_init(&alice, 1000);
	frame_owner_init(&bob, 10);
	assert_int_equal(frame_owner_register(&alice), 0);
	assert_int_equal(frame_owner_register(&bob), 0);
	alice.empty = bob.empty = count_empty;
	empties = 0;
	return 0;
}

/* One frame; it was still o's. */
static bool give_up(struct frame_owner *o, struct frame *f)
{
	u32 before = o->nr + o->nr_refs_held;
	bool was = frame_is_allocated_to(f, o);

	frame_release_range(o, f, 1);
	assert_false(frame_is_allocated_to(f, o));
	assert_true(was || o->nr + o->nr_refs_held == before);
	return was;
}

/* This frame and no other, whoever had it. */
static struct frame *alloc_this(const struct frame *wanted)
{
	static struct frame *others[FRAMES];
	struct frame *f;
	u32 nr = 0;

	while ((f = frame_alloc(0, 0)) != wanted) {
		assert_non_null(f);
		others[nr++] = f;
	}
	while (nr)
		frame_free(others[--nr], 0);
	return f;
}

static struct frame *give(struct frame_owner *o, unsigned int order)
{
	struct frame *f = frame_alloc(order, 0);

	assert_non_null(f);
	assert_int_equal(frame_assign(o, f, 1UL << order), 0);
	return f;
}

static void give_claimed(struct frame_owner *o)
{
	struct frame *f = frame_alloc_for(o, 0, 0);

	assert_non_null(f);
	assert_int_equal(frame_assign(o, f, 1), 0);
}

static unsigned int list_length(const struct frame_owner *o)
{
	unsigned int n = 0;
	u32 prev = FRAME_NONE;

	for (u32 i = o->first; i != FRAME_NONE; i = frame_table[i].next) {
		assert_int_equal(frame_table[i].prev, prev);
		assert_true(frame_is_allocated_to(&frame_table[i], o));
		prev = i;
		n++;
	}
	return n;
}

static void slots(void **state)
{
	static struct frame_owner many[FRAME_OWNERS_MAX];
	unsigned int n = 0;

	assert_int_equal(alice.slot, 1);
	assert_int_equal(bob.slot, 2);
	while (frame_owner_register(&many[n]) == 0)
		n++;
	assert_int_equal(n, FRAME_OWNERS_MAX - 3);
	frame_owner_unregister(&bob);
	assert_int_equal(bob.slot, 0);
	assert_int_equal(frame_owner_register(&many[n]), 0);
	assert_int_equal(many[n].slot, 2);
	frame_owner_unregister(&bob); /* harmless twice */
}

static void assign_and_release(void **state)
{
	struct frame *other = frame_alloc(3, 0), *f = give(&alice, 3);

	assert_int_equal(alice.nr, 8);
	assert_int_equal(list_length(&alice), 8);
	assert_int_equal(frame_assign(&alice, other, 8), 0);
	assert_int_equal(list_length(&alice), 16);
	for (int i = 0; i < 8; i++)
		assert_true(give_up(&alice, other + i));
	for (int i = 0; i < 8; i++) {
		assert_int_equal(f[i].refs, 1);
		assert_ptr_equal(frame_owner_of(&f[i]), &alice);
	}
	assert_false(give_up(&bob, f));
	assert_true(give_up(&alice, f + 3));
	assert_true(give_up(&alice, f));
	assert_true(give_up(&alice, f + 7));
	assert_false(give_up(&alice, f + 3));
	assert_int_equal(list_length(&alice), 5);
	assert_int_equal(alice.nr, 5);
	assert_int_equal(free_frames(), FRAMES - 5);
}

static void limit(void **state)
{
	struct frame *f = frame_alloc(4, 0);

	assert_int_equal(frame_assign(&bob, f, 11), -XEN_ENOMEM);
	assert_int_equal(frame_assign(&bob, f, 1UL << 40), -XEN_ENOMEM);
	assert_int_equal(bob.nr, 0);
	assert_int_equal(frame_assign(&bob, f, 10), 0);
	assert_int_equal(frame_assign(&bob, f + 10, 1), -XEN_ENOMEM);
	/* A frame given up but still referenced counts until it is free. */
	assert_true(frame_get(f, &bob));
	assert_true(give_up(&bob, f));
	assert_int_equal(frame_assign(&bob, f + 10, 1), -XEN_ENOMEM);
	frame_put(f);
	assert_int_equal(frame_assign(&bob, f + 10, 1), 0);
}

static void references(void **state)
{
	struct frame *f = give(&alice, 0), *h = frame_alloc(0, 0);

	assert_true(frame_get(f, &alice));
	assert_false(frame_get(f, &bob));
	assert_false(frame_get_shared(f, &alice));
	assert_true(frame_get_any(f));
	assert_int_equal(f->refs, 3);
	assert_false(frame_get_any(h));
	assert_false(frame_get(h, &alice));
	assert_false(frame_get_any(&frame_table[0] + FRAMES - 1)); /* free or inside a block */
	assert_true(give_up(&alice, f));
	assert_int_equal(list_length(&alice), 0);
	assert_int_equal(alice.nr, 1);
	assert_int_equal(alice.nr_refs_held, 1);
	/* Still alice's: a mapping may be copied. */
	assert_true(frame_get(f, &alice));
	frame_put(f);
	frame_put(f);
	assert_int_equal(free_frames(), FRAMES - 2);
	frame_put(f);
	assert_int_equal(free_frames(), FRAMES - 1);
	assert_true(frame_owner_empty(&alice));
	assert_false(frame_get_any(f));
	assert_int_equal(empties, 0);
}

static void too_many_references(void **state)
{
	struct frame *f = give(&alice, 0);

	f->refs = 0x7fffffff;
	assert_true(frame_get(f, &alice));
	assert_false(frame_get(f, &alice));
	assert_false(frame_get_any(f));
	f->refs = 0xffffffff;
	assert_false(frame_get(f, &alice));
}

static void new_owner_sees_zeroes(void **state)
{
	struct frame *f = give(&alice, 0);
	mfn_t m = frame_to_mfn(f);
	u64 *p = frame_map(m);

	*p = 0x1234;
	frame_unmap(p);
	give_up(&alice, f);
	alloc_this(f);
	p = frame_map(m);
	assert_int_equal(*p, 0);
	frame_unmap(p);
}

static void shared_pages(void **state)
{
	void *va = heap_alloc_page();
	struct frame *f = mfn_to_frame(virt_to_mfn(va));

	f->links = 77;
	frame_share(&alice, va);
	assert_int_equal(alice.nr, 0);
	assert_false(frame_owner_empty(&alice));
	assert_int_equal(f->links, GFN_INVALID.v);
	assert_false(frame_get(f, &alice));
	assert_false(frame_get_shared(f, &bob));
	assert_false(give_up(&alice, f));
	assert_true(frame_get_shared(f, &alice));
	assert_true(frame_get_any(f));
	frame_put(f);
	frame_unshare(va);
	assert_int_equal(free_frames(), FRAMES - 1);
	frame_put(f);
	assert_int_equal(free_frames(), FRAMES);
	assert_true(frame_owner_empty(&alice));
	assert_int_equal(host.frames_mapped, 0);

	va = heap_alloc_page();
	frame_share(&alice, va);
	frame_unshare(va);
	assert_int_equal(free_frames(), FRAMES);
	assert_true(frame_owner_empty(&alice));
}

static void death(void **state)
{
	struct frame *f = give(&alice, 6), *late = frame_alloc(0, 0);
	void *va = heap_alloc_page();

	frame_share(&alice, va);
	assert_true(frame_get(f + 5, &alice));
	host.preempt_always = true;
	assert_int_equal(frame_release_all(&alice), -XEN_ERESTART);
	assert_in_range(list_length(&alice), 1, 63);
	assert_int_equal(frame_assign(&alice, late, 1), -XEN_ENOMEM);
	host.preempt_always = false;
	assert_int_equal(frame_release_all(&alice), 0);
	assert_int_equal(frame_release_all(&alice), 0);
	assert_int_equal(alice.nr, 1);
	assert_int_equal(empties, 0);
	frame_owner_die(&alice);
	assert_int_equal(empties, 0);
	frame_put(f + 5);
	assert_int_equal(empties, 0);
	frame_unshare(va);
	assert_int_equal(empties, 1);
	frame_owner_unregister(&alice);
	assert_int_equal(free_frames(), FRAMES - 1);

	/* Without any frame it is over at once; before that, nobody is told. */
	f = give(&bob, 0);
	give_up(&bob, f);
	assert_int_equal(empties, 1);
	frame_owner_die(&bob);
	assert_int_equal(empties, 2);
}

static void unregister_too_early(void *arg)
{
	frame_owner_unregister(&alice);
}

static void put_too_often(void *arg)
{
	frame_put(arg);
}

static void our_own_mistakes(void **state)
{
	struct frame *f = give(&alice, 0);

	assert_int_equal(host_catch(unregister_too_early, NULL), HOST_PANIC);
	assert_int_equal(host_catch(put_too_often, f), HOST_PANIC);
}

/* --- several CPUs at once --- */

#define THREADS 4
#define ROUNDS	30000
#define ARENA	4 /* few frames, so that the CPUs meet */

static struct frame *arena;

static void *race(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	host_set_cpu(seed);
	for (int i = 0; i < ROUNDS; i++) {
		struct frame *f = &arena[rand_r(&seed) % ARENA];

		if (rand_r(&seed) % 8000 == 0) {
			frame_release_range(&alice, f, 1);
		} else if (frame_get(f, &alice)) {
			assert_true(f->refs > 0);
			frame_put(f);
		}
	}
	return NULL;
}

/* One that is referenced, one that went before and one of somebody else stay out of the rows. */
static void release_of_a_range(void **state)
{
	struct frame *f = give(&alice, 4), *other;

	assert_true(frame_get(f + 3, &alice));
	assert_true(give_up(&alice, f + 7));
	other = alloc_this(f + 7);
	assert_int_equal(frame_assign(&bob, other, 1), 0);
	frame_release_range(&alice, f + 1, 15);
	assert_int_equal(alice.nr, 2);
	assert_int_equal(alice.nr_refs_held, 1);
	assert_int_equal(list_length(&alice), 1);
	assert_int_equal(bob.nr, 1);
	assert_int_equal(free_frames(), FRAMES - 3);
	frame_put(f + 3);
	assert_int_equal(free_frames(), FRAMES - 2);
	/* The last of an owner that is gone already tells it. */
	alice.closed = alice.dying = true;
	frame_release_range(&alice, f + 8, 4);
	assert_int_equal(empties, 0);
	frame_release_range(&alice, f, 1);
	assert_int_equal(empties, 1);
	assert_int_equal(free_frames(), FRAMES - 1);
}

static u64 claimed(void)
{
	struct frame_stats s;

	frame_stats(&s);
	assert_int_equal(s.claimed, alice.claimed + bob.claimed);
	return s.claimed;
}

/* Only its owner gets what is claimed; the claim follows what the owner has, until it ends. */
static void claims(void **state)
{
	struct frame *f = give(&alice, 4), *g;

	assert_int_equal(frame_claim(&alice, 16), -XEN_EINVAL);
	assert_int_equal(frame_claim(&alice, 1001), -XEN_EINVAL);
	assert_int_equal(frame_claim(&alice, 20), 0);
	assert_int_equal(frame_claim(&alice, 30), -XEN_EINVAL);
	assert_int_equal(claimed(), 4);
	frame_release_range(&alice, f, 2);
	give_up(&alice, f + 2);
	assert_int_equal(claimed(), 7);
	/* Referenced by somebody: hers until it is not. */
	frame_get(f + 3, &alice);
	give_up(&alice, f + 3);
	assert_int_equal(claimed(), 7);
	frame_put(f + 3);
	assert_int_equal(claimed(), 8);
	/* More than the claim uses it up, and what is given up then does not bring it back. */
	g = give(&alice, 4);
	assert_int_equal(claimed(), 0);
	frame_release_range(&alice, g, 16);
	assert_int_equal(claimed(), 0);
	assert_int_equal(frame_claim(&alice, 0), 0);
	/* Together they cannot claim more than there is. */
	alice.max = bob.max = FRAMES;
	assert_int_equal(frame_claim(&alice, FRAMES), 0);
	assert_int_equal(claimed(), free_frames());
	assert_int_equal(frame_claim(&bob, 1), -XEN_ENOMEM);
	assert_null(frame_alloc_for(&bob, 0, 0));
	assert_null(frame_alloc(0, FRAME_NO_SCRUB));
	assert_null(heap_alloc(0, 0));
	g = frame_alloc_for(&alice, 1, 0);
	assert_non_null(g);
	assert_int_equal(frame_assign(&alice, g, 2), 0);
	assert_int_equal(claimed(), free_frames());
	while (frame_release_all(&alice))
		;
	assert_int_equal(claimed(), 0);
	assert_int_equal(frame_claim(&alice, 5), -XEN_EINVAL);
	assert_int_equal(frame_claim(&bob, FRAMES), 0);
	frame_owner_die(&bob);
	assert_int_equal(claimed(), 0);
	assert_int_equal(free_frames(), FRAMES);
}

/* What pools keep nobody else gets, and it does not count as free; the last ones are not scrubbed. */
static void pools(void **state)
{
	struct frame_stats s;
	void *page, *held;
	u64 n;

	assert_false(frame_pool_change(FRAMES + 1));
	assert_true(frame_pool_change(FRAMES));
	assert_int_equal(free_frames(), 0);
	assert_false(frame_pool_change(1));
	assert_true(frame_pool_change(0));
	assert_null(heap_alloc_page());
	assert_null(frame_alloc_for(&alice, 0, FRAME_NO_SCRUB));
	assert_int_equal(frame_claim(&alice, 1), -XEN_ENOMEM);
	assert_false(frame_scrub_some());
	page = heap_alloc(0, FRAME_ZERO | FRAME_POOLED);
	assert_non_null(page);
	frame_stats(&s);
	assert_int_equal(s.pooled, FRAMES - 1);
	assert_int_equal(s.free, 0);
	heap_free_pooled(page);
	frame_stats(&s);
	assert_int_equal(s.pooled, FRAMES);
	assert_int_equal(s.dirty, FRAMES);
	assert_int_equal(host.frames_mapped, 0);
	assert_true(frame_pool_change(-10));
	assert_int_equal(free_frames(), 10);
	/* Of what is left a claim keeps some, also from pools; the owner of the claim may take those. */
	assert_int_equal(frame_claim(&alice, 8), 0);
	assert_false(frame_pool_change(3));
	held = heap_alloc_page();
	assert_non_null(held);
	assert_false(frame_pool_change(2));
	assert_true(frame_pool_change(1));
	assert_null(heap_alloc_page());
	for (n = 0; n < 8; n++)
		give_claimed(&alice);
	assert_int_equal(free_frames(), 0);
	assert_null(frame_alloc_for(&alice, 0, 0));
	/* All of the pool can be had. */
	for (n = 0; n < FRAMES - 9; n++)
		assert_non_null(heap_alloc(0, FRAME_ZERO | FRAME_POOLED));
	frame_stats(&s);
	assert_int_equal(s.free + s.pooled + s.dirty, 0);
	assert_false(frame_pool_change(1));
}

/* What one CPU scrubs is free all the time, says another. */
static void *scrubber(void *running)
{
	host_set_cpu(1);
	while (frame_scrub_some() && __atomic_load_n((bool *)running, __ATOMIC_ACQUIRE))
		;
	return NULL;
}

static void free_while_scrubbed(void **state)
{
	bool running = true;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, scrubber, &running), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(free_frames(), FRAMES);
	__atomic_store_n(&running, false, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
}

static void races(void **state)
{
	for (int round = 0; round < 10; round++) {
		pthread_t t[THREADS];
		u32 left = 0;

		arena = give(&alice, 2);
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&t[i], NULL, race, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < ARENA; i++)
			left += frame_is_allocated_to(&arena[i], &alice);
		assert_int_equal(alice.nr, left);
		assert_int_equal(list_length(&alice), left);
		assert_int_equal(alice.nr_refs_held, 0);
		assert_int_equal(free_frames(), FRAMES - alice.nr);
		for (int i = 0; i < ARENA; i++)
			frame_release_range(&alice, &arena[i], 1);
		assert_int_equal(free_frames(), FRAMES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(slots, setup),
		cmocka_unit_test_setup(assign_and_release, setup),
		cmocka_unit_test_setup(limit, setup),
		cmocka_unit_test_setup(references, setup),
		cmocka_unit_test_setup(too_many_references, setup),
		cmocka_unit_test_setup(new_owner_sees_zeroes, setup),
		cmocka_unit_test_setup(shared_pages, setup),
		cmocka_unit_test_setup(death, setup),
		cmocka_unit_test_setup(our_own_mistakes, setup),
		cmocka_unit_test_setup(release_of_a_range, setup),
		cmocka_unit_test_setup(claims, setup),
		cmocka_unit_test_setup(pools, setup),
		cmocka_unit_test_setup(free_while_scrubbed, setup),
		cmocka_unit_test_setup(races, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
