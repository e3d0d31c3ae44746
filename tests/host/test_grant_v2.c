/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c hyp/ipc/grant_map.c
 *	    hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c
 *	    hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c
 *	    hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Grant tables of version 2: changing over and back, status words, parts of pages, and entries that
 * stand for another domain's. dom1 and dom2 may select it, dom0 may not.
 */
#define HOUSE_WITH_GRANTS
#include "ipc_house.h"
#include "grant_calls.h"

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

static long set_version(struct domain *d, u32 version, u32 *now)
{
	struct abi_gnttab_set_version v = { version };
	struct vcpu *before = current_vcpu();
	long rc;

	run_on(d, 0);
	rc = GT(set_version, &v, 1);
	host_set_current(before);
	if (now)
		*now = v.version;
	return rc;
}

static void to_v2(struct domain *d)
{
	assert_int_equal(set_version(d, 2, NULL), 0);
}

static void *grant_page_va(struct domain *d, u32 idx, bool status)
{
	mfn_t m;

	assert_int_equal(grant_map_frame(d, idx, status, &m), 0);
	return paddr_to_virt(mfn_to_paddr(m));
}

static struct abi_grant_entry_v2 *entry2(struct domain *d, u32 ref)
{
	return (struct abi_grant_entry_v2 *)grant_page_va(d, ref / 256, false) + ref % 256;
}

static u16 *status_of(struct domain *d, u32 ref)
{
	return (u16 *)grant_page_va(d, ref / 2048, true) + ref % 2048;
}

static void grant_full(struct domain *d, u32 ref, domid_t to, u64 g, u16 flags)
{
	*entry2(d, ref) = (struct abi_grant_entry_v2){ GTF_permit_access | flags, to, .frame = g };
}

static void grant_part(struct domain *d, u32 ref, domid_t to, u64 g, u16 off, u16 len)
{
	*entry2(d, ref) = (struct abi_grant_entry_v2){ GTF_permit_access | GTF_sub_page, to,
						       { off }, len, { g } };
}

static void grant_via(struct domain *d, u32 ref, domid_t to, domid_t via, u32 via_ref, u16 flags)
{
	*entry2(d, ref) = (struct abi_grant_entry_v2){ GTF_transitive | flags, to,
						       { .trans_domid = via },
						       .trans_ref = via_ref };
}

/* --- the version --- */

static void test_select(void **state)
{
	struct abi_gnttab_get_version g = { .dom = 1 };
	u32 now;

	assert_int_equal(set_version(dom0, 2, &now), -XEN_ENOSYS);
	assert_int_equal(now, 1);
	assert_int_equal(set_version(dom1, 3, &now), -XEN_EINVAL);
	assert_int_equal(now, 1);
	assert_int_equal(set_version(dom1, 2, &now), 0);
	assert_int_equal(now, 2);
	assert_int_equal(set_version(dom1, 2, &now), 0);
	assert_int_equal(set_version(dom1, 0, &now), -XEN_EINVAL);
	assert_int_equal(now, 2);
	assert_int_equal(GT(get_version, &g, 1), 0);
	assert_int_equal(g.version, 2);
	assert_int_equal(set_version(dom1, 1, &now), 0);
	assert_int_equal(now, 1);
	assert_int_equal(GT(get_version, &g, 1), 0);
	assert_int_equal(g.version, 1);
}

/* The first eight entries keep their meaning, all others are gone. */
static void test_reserved_entries(void **state)
{
	struct abi_gnttab_map m, ro;

	grant(dom1, 0, 0, RAM_GFN, 0);
	grant(dom1, 1, 0, RAM_GFN + 1, GTF_readonly);
	*entry(dom1, 2) = (struct abi_grant_entry){ 2, 0, 5 };
	grant(dom1, 7, 2, RAM_GFN + 7, 0);
	grant(dom1, 8, 0, RAM_GFN + 8, 0);
	m = map(1, 0, MAP_GFN, GNTMAP_host_map);
	ro = map(1, 1, MAP_GFN + 1, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(set_version(dom1, 2, NULL), 0);
	assert_int_equal(entry2(dom1, 0)->flags, GTF_permit_access);
	assert_int_equal(entry2(dom1, 0)->frame, RAM_GFN);
	assert_int_equal(*status_of(dom1, 0), GTF_reading | GTF_writing);
	assert_int_equal(entry2(dom1, 1)->flags, GTF_permit_access | GTF_readonly);
	assert_int_equal(*status_of(dom1, 1), GTF_reading);
	assert_int_equal(entry2(dom1, 2)->flags, 0);
	assert_int_equal(entry2(dom1, 7)->domid, 2);
	assert_int_equal(entry2(dom1, 7)->frame, RAM_GFN + 7);
	for (u32 ref = 8; ref < 256; ref++)
		assert_int_equal(entry2(dom1, ref)->flags, 0);
	assert_int_equal(unmap(&ro).status, GNTST_okay);
	assert_int_equal(*status_of(dom1, 1), 0);
	/* And back; what version 1 cannot say is dropped. */
	grant_part(dom1, 3, 0, RAM_GFN, 0, 16);
	grant_via(dom1, 4, 0, 2, 8, 0);
	grant_full(dom1, 5, 0, 1UL << 33, 0);
	grant_full(dom1, 6, 0, RAM_GFN + 6, 0);
	grant_full(dom1, 100, 0, RAM_GFN, 0);
	assert_int_equal(set_version(dom1, 1, NULL), 0);
	assert_int_equal(entry(dom1, 0)->flags, 0x19);
	assert_int_equal(entry(dom1, 1)->flags, GTF_permit_access | GTF_readonly);
	for (u32 ref = 2; ref < 512; ref++)
		assert_int_equal(entry(dom1, ref)->flags, ref == 6 || ref == 7);
	assert_int_equal(entry(dom1, 6)->frame, RAM_GFN + 6);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(entry(dom1, 0)->flags, GTF_permit_access);
}

/* An entry in use by others holds the table in its version. */
static void test_busy(void **state)
{
	struct abi_gnttab_map m;
	u32 now;

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(set_version(dom1, 2, &now), -XEN_EBUSY);
	assert_int_equal(now, 1);
	assert_int_equal(entry(dom1, 8)->flags, 0x19);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(set_version(dom1, 2, &now), 0);
	grant_full(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	assert_int_equal(set_version(dom1, 1, &now), -XEN_EBUSY);
	assert_int_equal(now, 2);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(set_version(dom1, 1, &now), 0);
}

/* A large table changes in steps; status frames come with the frames. */
static void test_large_table(void **state)
{
	struct abi_gnttab_set_version v = { 2 };
	u64 arg[5] = { GNTTABOP_set_version, room, 1 };
	u32 steps = 0;
	mfn_t m;

	assert_int_equal(grant_map_frame(dom1, 20, false, &m), 0);
	for (u32 i = 0; i <= 20; i++)
		memset(grant_page_va(dom1, i, false), 0x41, PAGE_SIZE);
	run_on(dom1, 0);
	room_put(&v, sizeof(v));
	host.preempt_always = true;
	while (do_grant_table_op(arg) == -XEN_ERESTART)
		steps++;
	host.preempt_always = false;
	assert_in_range(steps, 20, 30);
	for (u32 ref = 8; ref < 21 * 256; ref++)
		assert_int_equal(entry2(dom1, ref)->flags, 0);
	for (u32 i = 0; i < 3; i++)
		memset(grant_page_va(dom1, i, true), 0x42, PAGE_SIZE);
	assert_int_equal(grant_map_frame(dom1, 63, false, &m), 0);
	assert_int_equal(grant_map_frame(dom1, 7, true, &m), 0);
	assert_int_equal(grant_map_frame(dom1, 8, true, &m), -XEN_EINVAL);
	assert_int_equal(set_version(dom1, 1, NULL), 0);
	assert_int_equal(grant_map_frame(dom1, 0, true, &m), -XEN_EINVAL);
	/* What the guest wrote into the status frames does not last. */
	to_v2(dom1);
	for (u32 ref = 0; ref < 3 * 2048; ref++)
		assert_int_equal(*status_of(dom1, ref), 0);
	run_on(dom0, 0);
}

static void test_status_frames(void **state)
{
	u64 list = room + 1024;
	struct abi_gnttab_get_status_frames f = { .nr_frames = 1, .dom = 1, .frame_list = list };
	const u64 *out = host_guest_ptr(list);
	mfn_t m;

	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_general_error);
	to_v2(dom1);
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_okay);
	assert_true(out[0] == ~0UL);
	assert_int_equal(grant_map_frame(dom1, 0, true, &m), 0);
	assert_int_equal(p2m_map_shared(&dom1->p2m, gfn(0x7777), m), 0);
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(out[0], 0x7777);
	f.nr_frames = 2;
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_general_error);
	f.dom = 9;
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_bad_domain);
	/* By its number the table grows, as far as it may. */
	assert_int_equal(grant_map_frame(dom1, 1, true, &m), 0);
	f.dom = 1;
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_okay);
}

static void test_no_memory(void **state)
{
	u32 now;
	mfn_t m;

	memory_eat();
	assert_int_equal(set_version(dom1, 2, &now), -XEN_ENOMEM);
	assert_int_equal(now, 1);
	memory_give_page();
	assert_int_equal(set_version(dom1, 2, &now), 0);
	/* Frames for which there is no status frame: the entries in them grant nothing. */
	for (u32 i = 1; i < 8; i++) {
		memory_give_page();
		memory_give_page();
		memory_give_page();
		assert_int_equal(grant_map_frame(dom1, i, false, &m), 0);
	}
	memory_give_all();
	assert_int_equal(grant_map_frame(dom1, 8, false, &m), 0);
}

/* --- mapping --- */

static void test_map(void **state)
{
	const u32 host_ro = GNTMAP_host_map | GNTMAP_readonly;
	struct abi_gnttab_map m, n;

	to_v2(dom1);
	grant_full(dom1, 9, 0, RAM_GFN + 3, 0);
	m = map(1, 9, MAP_GFN, host_ro);
	assert_int_equal(m.status, GNTST_okay);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), dom_ptr(dom1, RAM_GFN + 3));
	assert_int_equal(entry2(dom1, 9)->flags, GTF_permit_access);
	assert_int_equal(*status_of(dom1, 9), GTF_reading);
	n = map(1, 9, MAP_GFN + 1, GNTMAP_host_map);
	assert_int_equal(*status_of(dom1, 9), GTF_reading | GTF_writing);
	assert_int_equal(unmap(&n).status, GNTST_okay);
	assert_int_equal(*status_of(dom1, 9), GTF_reading);
	/* Revoked: who has it keeps it, nobody gets it any more. */
	entry2(dom1, 9)->flags = 0;
	assert_int_equal(map(1, 9, MAP_GFN + 1, host_ro).status, GNTST_general_error);
	assert_int_equal(*status_of(dom1, 9), GTF_reading);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(*status_of(dom1, 9), 0);
	grant_full(dom1, 9, 0, RAM_GFN, GTF_readonly);
	assert_int_equal(map(1, 9, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(*status_of(dom1, 9), 0);
	grant_full(dom1, 9, 2, RAM_GFN, 0);
	assert_int_equal(map(1, 9, MAP_GFN, host_ro).status, GNTST_general_error);
	grant_part(dom1, 9, 0, RAM_GFN, 0, 4096);
	assert_int_equal(map(1, 9, MAP_GFN, host_ro).status, GNTST_general_error);
	grant_via(dom1, 9, 0, 2, 9, 0);
	assert_int_equal(map(1, 9, MAP_GFN, host_ro).status, GNTST_general_error);
	grant_full(dom1, 9, 0, 0x123456789abcUL, 0);
	assert_int_equal(map(1, 9, MAP_GFN, host_ro).status, GNTST_bad_page);
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(map(1, 256, MAP_GFN, host_ro).status, GNTST_bad_gntref);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_int_equal(dom_frame(dom1, RAM_GFN + 3)->refs, 1);
}

static void test_swap_entries(void **state)
{
	struct abi_gnttab_swap s = { 9, 10, 99, 0 };
	struct abi_gnttab_map m;

	to_v2(dom1);
	grant_full(dom1, 9, 0, 0x123456789abcUL, 0);
	grant_part(dom1, 10, 2, RAM_GFN, 8, 16);
	run_on(dom1, 0);
	assert_int_equal(GT(swap_grant_ref, &s, 1), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_int_equal(entry2(dom1, 10)->frame, 0x123456789abcUL);
	assert_int_equal(entry2(dom1, 9)->length, 16);
	assert_int_equal(entry2(dom1, 9)->domid, 2);
	grant_full(dom1, 10, 0, RAM_GFN, 0);
	run_on(dom0, 0);
	m = map(1, 10, MAP_GFN, GNTMAP_host_map);
	run_on(dom1, 0);
	assert_int_equal(GT(swap_grant_ref, &s, 1), 0);
	assert_int_equal(s.status, GNTST_eagain);
	run_on(dom0, 0);
	assert_int_equal(unmap(&m).status, GNTST_okay);
}

/* --- copying --- */

/* len bytes from offset off of an entry of dom to the same place of a page of dom0, or back. */
static s16 copy(domid_t dom, u32 ref, u16 off, u16 len, bool back)
{
	struct abi_gnttab_copy_ptr theirs = { { .ref = ref }, dom, off };
	struct abi_gnttab_copy_ptr mine = { { .gmfn = RAM_GFN + 20 }, DOMID_SELF, off };
	struct abi_gnttab_copy c = { back ? mine : theirs, back ? theirs : mine, len,
				     back ? GNTCOPY_dest_gref : GNTCOPY_source_gref, 99, 0 };

	assert_int_equal(GT(copy, &c, 1), 0);
	return c.status;
}

static void test_copy_part(void **state)
{
	char *theirs = dom_ptr(dom1, RAM_GFN), *mine = dom_ptr(dom0, RAM_GFN + 20);

	to_v2(dom1);
	grant_part(dom1, 9, 0, RAM_GFN, 100, 50);
	memset(theirs, 'x', PAGE_SIZE);
	assert_int_equal(copy(1, 9, 100, 50, false), GNTST_okay);
	assert_int_equal(mine[100], 'x');
	assert_int_equal(mine[149], 'x');
	assert_int_equal(mine[150], 0);
	assert_int_equal(copy(1, 9, 99, 2, false), GNTST_general_error);
	assert_int_equal(copy(1, 9, 149, 2, false), GNTST_general_error);
	assert_int_equal(copy(1, 9, 100, 51, false), GNTST_general_error);
	assert_int_equal(copy(1, 9, 0, 4096, false), GNTST_general_error);
	assert_int_equal(copy(1, 9, 149, 1, false), GNTST_okay);
	assert_int_equal(copy(1, 9, 120, 4, true), GNTST_okay);
	assert_int_equal(copy(1, 9, 98, 4, true), GNTST_general_error);
	assert_int_equal(*status_of(dom1, 9), 0);
	/* A part that reaches over the page's end reaches no further. */
	grant_part(dom1, 9, 0, RAM_GFN, 4000, 60000);
	assert_int_equal(copy(1, 9, 4000, 96, false), GNTST_okay);
	assert_int_equal(copy(1, 9, 4000, 97, false), GNTST_bad_copy_arg);
	grant_part(dom1, 9, 0, RAM_GFN, 0xffff, 0xffff);
	assert_int_equal(copy(1, 9, 4000, 1, false), GNTST_general_error);
	grant_full(dom1, 9, 0, RAM_GFN, GTF_readonly);
	assert_int_equal(copy(1, 9, 0, 4096, false), GNTST_okay);
	assert_int_equal(copy(1, 9, 0, 1, true), GNTST_general_error);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
}

/* dom2 grants to dom1, which hands it on to dom0. */
static void test_copy_transitive(void **state)
{
	char *theirs = dom_ptr(dom2, RAM_GFN), *mine = dom_ptr(dom0, RAM_GFN + 20);

	dom1->flags |= DOMAIN_UNRESTRICTED;
	dom2->flags |= DOMAIN_UNRESTRICTED;
	to_v2(dom1);
	theirs[7] = 'y';
	grant(dom2, 12, 1, RAM_GFN, 0);
	grant_via(dom1, 9, 0, 2, 12, 0);
	assert_int_equal(copy(1, 9, 0, 64, false), GNTST_okay);
	assert_int_equal(mine[7], 'y');
	mine[8] = 'z';
	assert_int_equal(copy(1, 9, 8, 1, true), GNTST_okay);
	assert_int_equal(theirs[8], 'z');
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(entry(dom2, 12)->flags, GTF_permit_access);
	assert_int_equal(dom1->refs, 1);
	assert_int_equal(dom2->refs, 1);
	/* Either may limit it. */
	grant_via(dom1, 9, 0, 2, 12, GTF_readonly);
	assert_int_equal(copy(1, 9, 8, 1, true), GNTST_general_error);
	grant_via(dom1, 9, 0, 2, 12, 0);
	entry(dom2, 12)->flags |= GTF_readonly;
	assert_int_equal(copy(1, 9, 8, 1, true), GNTST_general_error);
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(copy(1, 9, 8, 1, false), GNTST_okay);
	to_v2(dom2);
	grant_part(dom2, 12, 1, RAM_GFN, 0, 10);
	assert_int_equal(copy(1, 9, 0, 10, false), GNTST_okay);
	assert_int_equal(copy(1, 9, 0, 11, false), GNTST_general_error);
	/* Granted to somebody else; of nobody; of the granter itself; once more at second hand. */
	grant_full(dom2, 12, 0, RAM_GFN, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	grant_via(dom1, 9, 0, 77, 12, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	grant_via(dom1, 9, 0, DOMID_SELF, 12, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	grant_via(dom1, 9, 0, 1, 10, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	grant_via(dom1, 9, 0, 2, 12, 0);
	grant_via(dom2, 12, 1, 0, 9, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	grant_full(dom2, 12, 1, RAM_GFN, 0);
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_okay);
	options.gnttab_transitive = false;
	assert_int_equal(copy(1, 9, 0, 1, false), GNTST_general_error);
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(*status_of(dom2, 12), 0);
	assert_int_equal(dom_frame(dom2, RAM_GFN)->refs, 1);
}

/* Guests that may not share do not get round it by a third entry. */
static void test_transitive_restricted(void **state)
{
	to_v2(dom1);
	grant_full(dom1, 9, 0, RAM_GFN, 0);
	grant(dom2, 12, 1, RAM_GFN, 0);
	run_on(dom1, 0);
	grant_via(dom1, 9, 1, 2, 12, 0);
	dom_ram(dom1, RAM_GFN + 20, 1);
	assert_int_equal(copy(DOMID_SELF, 9, 0, 1, false), GNTST_permission_denied);
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(dom2->refs, 1);
	run_on(dom0, 0);
}

/* --- hostile entries --- */

static bool stop;

static void *flip_entry(void *arg)
{
	struct abi_grant_entry_v2 *e = arg;
	static const u16 flags[] = { 1, 0, 5, 3, 0x101, 2, 0xffff, 3, 1 };

	for (u32 n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		__atomic_store_n(&e->frame, n % 3 ? RAM_GFN : 0x123456789ul * n, __ATOMIC_RELAXED);
		__atomic_store_n(&e->trans_domid, n % 4 == 3 ? 0 : 2, __ATOMIC_RELAXED);
		__atomic_store_n(&e->length, n % 2 ? 4096 : 1, __ATOMIC_RELAXED);
		__atomic_store_n(&e->flags, flags[n % ARRAY_SIZE(flags)], __ATOMIC_RELAXED);
		__atomic_store_n(&e->domid, n % 5 ? 0 : 3, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Another CPU of dom0 that copies by the same entry. */
static void *copy_too(void *arg)
{
	struct abi_gnttab_copy c = { { { .ref = 9 }, 1, 0 },
				     { { .gmfn = RAM_GFN + 21 }, DOMID_SELF, 0 },
				     64, GNTCOPY_source_gref, 99, 0 };
	u64 at = room + 8192;

	host_set_cpu(1);
	run_on(dom0, 1);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		memcpy(host_guest_ptr(at), &c, sizeof(c));
		do_grant_table_op((u64[5]){ GNTTABOP_copy, at, 1 });
	}
	return NULL;
}

/* Whatever the granter writes meanwhile: nothing stays in use, no reference is lost. */
static void test_flipping_entry(void **state)
{
	pthread_t t, u;

	dom1->flags |= DOMAIN_UNRESTRICTED;
	dom2->flags |= DOMAIN_UNRESTRICTED;
	to_v2(dom1);
	entry(dom2, RAM_GFN); /* so long is dom2's table: flipping, the frame is a reference, too */
	grant(dom2, RAM_GFN, 1, RAM_GFN, 0);
	stop = false;
	assert_int_equal(pthread_create(&t, NULL, flip_entry, entry2(dom1, 9)), 0);
	assert_int_equal(pthread_create(&u, NULL, copy_too, NULL), 0);
	for (u32 step = 0; step < 10000; step++) {
		struct abi_gnttab_map m = map(1, 9, MAP_GFN, step % 2 ? GNTMAP_host_map :
						GNTMAP_host_map | GNTMAP_readonly);

		copy(1, 9, step % 3, 1, step % 2);
		if (!m.status) {
			assert_ptr_equal(dom_ptr(dom0, MAP_GFN), dom_ptr(dom1, RAM_GFN));
			assert_int_equal(unmap(&m).status, GNTST_okay);
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	pthread_join(u, NULL);
	assert_int_equal(*status_of(dom1, 9), 0);
	assert_int_equal(entry(dom2, RAM_GFN)->flags, GTF_permit_access);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_int_equal(dom_frame(dom2, RAM_GFN)->refs, 1);
	assert_int_equal(set_version(dom1, 1, NULL), 0);
}

/* A domain that dies with a table of version 2, mapped by another. */
static void test_granter_dies(void **state)
{
	struct domain *d = dom1;
	struct frame *f = dom_frame(dom1, RAM_GFN);
	struct abi_gnttab_map m;

	to_v2(dom1);
	grant_full(dom1, 9, 0, RAM_GFN, 0);
	grant_page_va(dom1, 17, false);
	m = map(1, 9, MAP_GFN, GNTMAP_host_map);
	host.preempt_always = true;
	dom_kill(d);
	host.preempt_always = false;
	assert_int_equal(f->refs, 1);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(f->state, FRAME_FREE);
	dom_free(d);
}

/* Creation without memory for the list of status frames. */
static void test_creation_fails(void **state)
{
	struct domain_config cfg = no_limits;
	struct domain *d = calloc(1, sizeof(*d));

	cfg.max_grant_version = 2;
	frame_owner_init(&d->frames, 100);
	assert_int_equal(frame_owner_register(&d->frames), 0);
	memory_eat();
	while (grant_domain_create(d, &cfg)) {
		assert_null(d->grants);
		memory_give_page();
	}
	while (grant_domain_destroy(d) == -XEN_ERESTART)
		;
	memory_give_all();
	frame_owner_unregister(&d->frames);
	free(d);
	/* A table that has no frames has no version to choose either. */
	cfg.max_grant_frames = 0;
	assert_int_equal(set_version(dom_new(3, 0, 1, &cfg), 2, NULL), -XEN_ENOSYS);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, grant_setup, grant_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_select),
		TEST(test_reserved_entries),
		TEST(test_busy),
		TEST(test_large_table),
		TEST(test_status_frames),
		TEST(test_no_memory),
		TEST(test_map),
		TEST(test_swap_entries),
		TEST(test_copy_part),
		TEST(test_copy_transitive),
		TEST(test_transitive_restricted),
		TEST(test_flipping_entry),
		TEST(test_granter_dies),
		TEST(test_creation_fails),
	};

	guests_max_version = 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
