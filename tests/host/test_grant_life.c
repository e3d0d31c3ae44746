/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c hyp/ipc/grant_map.c
 *	    hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c
 *	    hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c
 *	    hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Grants whose circumstances change while they are in use: entries rewritten or fought over by the
 * granter, pages given away, domains that die, CPUs that race. Whatever happens the mapper keeps
 * the frame that it mapped, and nothing is left in the end.
 */
#define HOUSE_WITH_GRANTS
#include "ipc_house.h"
#include "grant_calls.h"

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

/* The guest has put something else there meanwhile: its own loss, nobody else's. */
static void test_entry_replaced(void **state)
{
	struct abi_gnttab_map a, b;

	grant(dom1, 8, 0, RAM_GFN, 0);
	grant(dom1, 9, 0, RAM_GFN + 1, 0);
	a = map(1, 8, MAP_GFN, GNTMAP_host_map);
	b = map(1, 9, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(b.status, GNTST_okay);
	assert_int_equal(entry(dom1, 8)->flags, 0x19);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 2);
	assert_int_equal(unmap(&a).status, GNTST_okay);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_int_equal(unmap(&b).status, GNTST_okay);
	assert_int_equal(dom_frame(dom1, RAM_GFN + 1)->refs, 1);
}

/* The granter gives its page away and rewrites the entry while it is mapped. */
static void test_revoked_while_mapped(void **state)
{
	struct abi_gnttab_map m, n;
	struct frame *f = dom_frame(dom1, RAM_GFN);
	char *page = dom_ptr(dom1, RAM_GFN);

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	page[5] = 'x';
	frame_release_range(&dom1->frames, f, 1);
	assert_int_equal(p2m_unmap(&dom1->p2m, gfn(RAM_GFN), 1), 0);
	*entry(dom1, 8) = (struct abi_grant_entry){ 0, 0, RAM_GFN + 1 };
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), page);
	assert_int_equal(page[5], 'x');
	/* Another user of the entry gets the frame that is pinned. */
	n = map(1, 8, MAP_GFN + 1, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(n.status, GNTST_okay);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN + 1), page);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(unmap(&n).status, GNTST_okay);
	assert_int_equal(f->state, FRAME_FREE);
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	entry(dom1, 8)->flags = GTF_permit_access;
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), dom_ptr(dom1, RAM_GFN + 1));
	assert_int_equal(unmap(&m).status, GNTST_okay);
}

/* In use by one domain, the entry is rewritten for another. */
static void test_second_grantee(void **state)
{
	struct abi_gnttab_map m;

	grant(dom0, 8, 1, RAM_GFN, 0);
	run_on(dom1, 0);
	m = map(0, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	entry(dom0, 8)->domid = 2;
	run_on(dom2, 0);
	assert_int_equal(map(0, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	run_on(dom1, 0);
	assert_int_equal(unmap(&m).status, GNTST_okay);
}

static void test_mapper_dies(void **state)
{
	struct domain *d = dom1;

	for (u32 i = 0; i < 40; i++) {
		grant(dom0, 8 + i, 1, RAM_GFN + i % 8, 0);
		run_on(dom1, 0);
		assert_int_equal(map(0, 8 + i, MAP_GFN + i, GNTMAP_host_map).status, 0);
	}
	assert_int_equal(entry(dom0, 8)->flags, 0x19);
	run_on(dom0, 0);
	host.preempt_always = true;
	dom_kill(d);
	host.preempt_always = false;
	for (u32 i = 0; i < 40; i++)
		assert_int_equal(entry(dom0, 8 + i)->flags, 0x1);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(dom_frame(dom0, RAM_GFN + i)->refs, 1);
	dom_free(d);
}

static void test_granter_dies(void **state)
{
	struct domain *d = dom1;
	struct abi_gnttab_map m, n;
	char *page = dom_ptr(dom1, RAM_GFN);
	struct frame *f = dom_frame(dom1, RAM_GFN);

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	n = map(1, 8, MAP_GFN + 1, GNTMAP_host_map | GNTMAP_readonly);
	page[7] = 'y';
	dom_kill(d);
	/* The page is still there, the number may mean another domain now. */
	assert_int_equal(f->refs, 2);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), page);
	assert_int_equal(page[7], 'y');
	assert_int_equal(d->refs, 3);
	dom1 = dom_new(1, 0, 1, &no_limits);
	dom_ram(dom1, RAM_GFN, 1);
	grant(dom1, 8, 0, RAM_GFN, 0);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(f->refs, 1);
	assert_int_equal(entry(dom1, 8)->flags, 1);
	assert_int_equal(unmap(&n).status, GNTST_okay);
	assert_int_equal(f->state, FRAME_FREE);
	dom_free(d);
}

static void test_dump(void **state)
{
	struct abi_gnttab_map m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	grant_domain_dump(dom1);
	assert_non_null(strstr(host.message, "     8: d0 has frame 0x"));
	assert_non_null(strstr(host.message, ", 0 reading, 1 writing\n"));
	grant_domain_dump(dom0);
	assert_non_null(strstr(host.message, "d0: grant table of version 1, 1 frames of "));
	assert_non_null(strstr(host.message, "; 0 entries in use by others; room for 256 mappings\n"));
	assert_int_equal(unmap(&m).status, GNTST_okay);
	/* Of very many there are only some. */
	for (u32 ref = 100; ref < 400; ref++) {
		grant(dom1, ref, 0, RAM_GFN, 0);
		assert_int_equal(map(1, ref, MAP_GFN + ref, GNTMAP_host_map).status, GNTST_okay);
	}
	host.messages = 0;
	grant_domain_dump(dom1);
	assert_int_equal(host.messages, 1 + 256 + 1);
	assert_string_equal(host.message, "  ... and 44 more\n");
	assert_int_equal(this_cpu()->lock_depth, 0);
}

static void test_granter_gone_but_referenced(void **state)
{
	struct abi_gnttab_query_size q = { .dom = 1 };
	struct domain *d = dom1;
	mfn_t m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	dom_kill(d);
	house[5] = d;
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_gntref);
	assert_int_equal(grant_map_frame(d, 0, false, &m), -XEN_EINVAL);
	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.nr_frames, 0);
	grant_domain_dump(d);
	assert_non_null(strstr(host.message, ": grant table of version 0, 0 frames of "));
	house[5] = NULL;
	dom_free(d);
}

/* --- hostile entries --- */

static bool stop;

/* Another CPU of the granter that keeps rewriting the entry. */
static void *flip_entry(void *arg)
{
	struct abi_grant_entry *e = arg;
	static const u16 flags[] = { 1, 0, 5, 2, 0x101, 0x1d, 0xffff };

	for (u32 n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		__atomic_store_n(&e->frame, n % 3 ? RAM_GFN : 0x12345678 * n, __ATOMIC_RELAXED);
		__atomic_store_n(&e->flags, flags[n % 7], __ATOMIC_RELAXED);
		__atomic_store_n(&e->domid, n % 5 ? 0 : 3, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_flipping_entry(void **state)
{
	struct abi_gnttab_map held[8];
	u32 n = 0, mapped = 0, refused = 0;
	pthread_t t;

	stop = false;
	assert_int_equal(pthread_create(&t, NULL, flip_entry, entry(dom1, 8)), 0);
	for (u32 step = 0; step < 20000; step++) {
		u32 g = MAP_GFN + step % 64;
		struct abi_gnttab_map m = map(1, 8, g, step % 2 ? GNTMAP_host_map :
						GNTMAP_host_map | GNTMAP_readonly);

		if (m.status) {
			refused++;
		} else {
			mapped++;
			assert_ptr_equal(dom_ptr(dom0, g), dom_ptr(dom1, RAM_GFN));
			held[n++] = m;
		}
		while (n == 8 || (n && step % 5 == 0))
			assert_int_equal(unmap(&held[--n]).status, GNTST_okay);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	while (n)
		assert_int_equal(unmap(&held[--n]).status, GNTST_okay);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	(void)mapped;
	(void)refused;
}

static struct abi_grant_entry *hooked;
static struct abi_grant_entry hook_value;
static u32 hook_calls, hook_left;

/* The granter changes the entry between our look at it and our claim. */
static void rewrite_at_hook(void *p)
{
	if (p != hooked)
		return;
	hook_calls++;
	if (!hook_left)
		return;
	hook_left--;
	*hooked = hook_value;
	hooked->frame += hook_left;
	hook_value.flags ^= 0x20; /* a bit without meaning here */
}

static s16 map_with_hook(u32 times, u16 flags, u16 domid, u32 map_flags)
{
	struct abi_gnttab_map m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	hooked = entry(dom1, 8);
	hook_value = (struct abi_grant_entry){ flags, domid, RAM_GFN };
	hook_left = times;
	hook_calls = 0;
	host.atomic_hook = rewrite_at_hook;
	m = map(1, 8, MAP_GFN, map_flags);
	host.atomic_hook = NULL;
	if (!m.status)
		assert_int_equal(unmap(&m).status, GNTST_okay);
	return m.status;
}

static void test_entry_changes_at_claim(void **state)
{
	const u32 ro = GNTMAP_host_map | GNTMAP_readonly;

	/* Revoked, granted to another, made read-only just now. */
	assert_int_equal(map_with_hook(1, 0, 0, ro), GNTST_general_error);
	assert_int_equal(hooked->flags, 0);
	assert_int_equal(map_with_hook(1, 1, 2, ro), GNTST_general_error);
	assert_int_equal(hooked->flags, 1);
	assert_int_equal(map_with_hook(1, 5, 0, GNTMAP_host_map), GNTST_general_error);
	assert_int_equal(hooked->flags, 5);
	assert_int_equal(map_with_hook(1, 5, 0, ro), GNTST_okay);
	assert_int_equal(hook_calls, 2);
	assert_int_equal(map_with_hook(4, 0x21, 0, GNTMAP_host_map), GNTST_okay);
	/* And without an end. */
	assert_int_equal(map_with_hook(1000, 0x21, 0, GNTMAP_host_map), GNTST_general_error);
	assert_int_equal(hook_calls, 5);
	assert_int_equal(hooked->flags & (GTF_reading | GTF_writing), 0);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
}

/* Flags that the granter fights for are taken back all the same. */
static void test_fought_over_flags(void **state)
{
	struct abi_gnttab_map m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	for (u32 fails = 1; fails < 2000; fails *= 4) {
		m = map(1, 8, MAP_GFN, GNTMAP_host_map);
		assert_int_equal(entry(dom1, 8)->flags, 0x19);
		host.fail_atomics = fails;
		assert_int_equal(unmap(&m).status, GNTST_okay);
		host.fail_atomics = 0;
		assert_int_equal(entry(dom1, 8)->flags, 0x1);
	}
}

/* --- several CPUs --- */

static void *unmap_all_handles(void *arg)
{
	u32 cpu = (u32)(uintptr_t)arg;
	u64 at = room + 1024 * cpu;

	host_set_cpu(cpu);
	run_on(dom0, 1);
	for (u32 i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
		struct abi_gnttab_unmap u = { .host_addr = (MAP_GFN + i % 32) << PAGE_SHIFT,
					      .handle = i / 32 % 40 };

		memcpy(host_guest_ptr(at), &u, sizeof(u));
		do_grant_table_op((u64[5]){ GNTTABOP_unmap_grant_ref, at, 1 });
	}
	return NULL;
}

/* Two CPUs race to remove what a third one maps: each mapping goes exactly once. */
static void test_racing_unmaps(void **state)
{
	pthread_t t[2];

	for (u32 i = 0; i < 32; i++)
		grant(dom1, 8 + i, 0, RAM_GFN + i % 8, 0);
	stop = false;
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, unmap_all_handles,
						(void *)(uintptr_t)(i + 1)), 0);
	for (u32 i = 0; i < 20000; i++)
		assert_int_equal(map(1, 8 + i % 32, MAP_GFN + i % 32, GNTMAP_host_map).status, 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

static void *grow_table(void *arg)
{
	host_set_cpu((u32)(uintptr_t)arg);
	run_on(dom0, 1);
	for (u32 i = 0; i < 64; i++) {
		mfn_t m;

		while (grant_map_frame(dom1, i, false, &m) == -XEN_ERESTART)
			;
	}
	return NULL;
}

/* Several CPUs make the same table grow: each page is there once. */
static void test_racing_growth(void **state)
{
	struct abi_gnttab_query_size q = { .dom = 1 };
	pthread_t t[3];

	for (u32 i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, grow_table,
						(void *)(uintptr_t)(i + 1)), 0);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.nr_frames, 64);
}

/* A domain's table fails to be made at each allocation in turn; nothing stays behind. */
static void test_creation_fails(void **state)
{
	struct domain *d = calloc(1, sizeof(*d));
	struct domain_config none = no_limits;
	u32 failed = 0;

	frame_owner_init(&d->frames, 100);
	assert_int_equal(frame_owner_register(&d->frames), 0);
	none.max_grant_frames = 0;
	assert_int_equal(grant_domain_create(d, &none), 0);
	assert_int_equal(d->max_maptrack_frames, 1024);
	assert_int_equal(grant_domain_destroy(d), 0);
	memory_eat();
	for (u64 before; before = house_free_frames(), grant_domain_create(d, &no_limits);) {
		assert_null(d->grants);
		assert_true(house_free_frames() + 1 >= before);
		memory_give_page();
		failed++;
	}
	assert_in_range(failed, 4, 8);
	while (grant_domain_destroy(d) == -XEN_ERESTART)
		;
	assert_int_equal(grant_domain_destroy(d), 0);
	memory_give_all();
	frame_owner_unregister(&d->frames);
	free(d);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, grant_setup, grant_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_entry_replaced),
		TEST(test_revoked_while_mapped),
		TEST(test_second_grantee),
		TEST(test_mapper_dies),
		TEST(test_granter_dies),
		TEST(test_dump),
		TEST(test_granter_gone_but_referenced),
		TEST(test_flipping_entry),
		TEST(test_entry_changes_at_claim),
		TEST(test_fought_over_flags),
		TEST(test_racing_growth),
		TEST(test_creation_fails),
		TEST(test_racing_unmaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
