/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c hyp/ipc/grant_map.c
 *	    hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c
 *	    hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c
 *	    hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Copies between pages named by grant or frame number, and cache maintenance: statuses, bounds,
 * failing guest copies, hostile granters, and that nothing stays pinned.
 */
#define HOUSE_WITH_GRANTS
#include "ipc_house.h"
#include "grant_calls.h"

#define GREFS (GNTCOPY_source_gref | GNTCOPY_dest_gref)

static int mapped_by_guests; /* host.frames_mapped while no call is under way */

/* From dom0's page RAM_GFN to its page RAM_GFN + 1. */
static struct abi_gnttab_copy own(u16 from, u16 to, u16 len)
{
	return (struct abi_gnttab_copy){
		.source = { { .gmfn = RAM_GFN }, DOMID_SELF, from },
		.dest = { { .gmfn = RAM_GFN + 1 }, DOMID_SELF, to },
		.len = len, .status = 99,
	};
}

static s16 status_of(struct abi_gnttab_copy op)
{
	int mapped = host.frames_mapped;

	assert_int_equal(GT(copy, &op, 1), 0);
	/* Every page that was mapped to be copied is unmapped, whatever came of it. */
	assert_int_equal(host.frames_mapped, mapped);
	return op.status;
}

static int copy_setup(void **state)
{
	grant_setup(state);
	mapped_by_guests = host.frames_mapped;
	for (u32 i = 0; i < PAGE_SIZE; i++)
		((u8 *)dom_ptr(dom0, RAM_GFN))[i] = (u8)(i * 7);
	return 0;
}

static void test_by_frame(void **state)
{
	u8 *from = dom_ptr(dom0, RAM_GFN), *to = dom_ptr(dom0, RAM_GFN + 1);
	struct abi_gnttab_copy op;

	assert_int_equal(status_of(own(0, 0, 4096)), GNTST_okay);
	assert_memory_equal(from, to, 4096);
	memset(to, 0, 4096);
	assert_int_equal(status_of(own(1, 4000, 96)), GNTST_okay);
	assert_memory_equal(from + 1, to + 4000, 96);
	assert_int_equal(to[3999], 0);
	assert_int_equal(status_of(own(0, 0, 0)), GNTST_okay);
	assert_int_equal(status_of(own(4096, 4096, 0)), GNTST_okay);
	assert_int_equal(status_of(own(4000, 0, 97)), GNTST_bad_copy_arg);
	assert_int_equal(status_of(own(0, 4000, 97)), GNTST_bad_copy_arg);
	assert_int_equal(status_of(own(5000, 0, 1)), GNTST_bad_copy_arg);
	assert_int_equal(status_of(own(0, 0xffff, 0xffff)), GNTST_bad_copy_arg);
	op = own(0, 0, 8);
	op.source.u.gmfn = 0x9999;
	assert_int_equal(status_of(op), GNTST_bad_page);
	op.source.u.gmfn = ~0UL;
	assert_int_equal(status_of(op), GNTST_bad_page);
	op = own(0, 0, 8);
	op.dest.u.gmfn = 0x9999;
	assert_int_equal(status_of(op), GNTST_bad_page);
	/* The same page, overlapping. */
	op = own(0, 10, 1000);
	op.dest.u.gmfn = RAM_GFN;
	assert_int_equal(status_of(op), GNTST_okay);
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(from[10 + i], (u8)(i * 7));
}

static void test_not_writable(void **state)
{
	mfn_t m = frame_to_mfn(dom_frame(dom0, RAM_GFN + 1));
	struct abi_gnttab_copy op = own(0, 0, 8);

	assert_int_equal(p2m_map(&dom0->p2m, gfn(RAM_GFN + 1), m, 1, P2M_RAM_RO), 0);
	assert_int_equal(status_of(op), GNTST_bad_page);
	/* Pages of the hypervisor are not the guest's to name. */
	assert_int_equal(p2m_map_shared(&dom0->p2m, gfn(0x700), virt_to_mfn(dom0->shared_info)),
			 0);
	op.dest.u.gmfn = 0x700;
	assert_int_equal(status_of(op), GNTST_bad_page);
	op = own(0, 0, 8);
	op.source.u.gmfn = 0x700;
	assert_int_equal(status_of(op), GNTST_bad_page);
	assert_int_equal(virt_to_mfn(dom0->shared_info).v, p2m_lookup(&dom0->p2m, gfn(0x700),
								     NULL).v);
}

static void test_domains(void **state)
{
	struct abi_gnttab_copy op = own(0, 0, 8);

	op.source.domid = 77;
	assert_int_equal(status_of(op), GNTST_bad_domain);
	op = own(0, 0, 8);
	op.dest.domid = DOMID_IO;
	op.flags = GNTCOPY_dest_gref;
	assert_int_equal(status_of(op), GNTST_bad_domain);
	/* Frame numbers are the caller's only, and said to be. */
	op = own(0, 0, 8);
	op.source.domid = 1;
	assert_int_equal(status_of(op), GNTST_permission_denied);
	op = own(0, 0, 8);
	op.dest.domid = 1;
	assert_int_equal(status_of(op), GNTST_permission_denied);
	op.dest.domid = 0;
	assert_int_equal(status_of(op), GNTST_permission_denied);
	/* Two others may not be joined by a third. */
	grant(dom1, 9, 2, RAM_GFN, 0);
	run_on(dom2, 0);
	op = own(0, 0, 8);
	op.source = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 0 };
	op.flags = GNTCOPY_source_gref;
	assert_int_equal(status_of(op), GNTST_permission_denied);
}

static void test_by_reference(void **state)
{
	struct abi_gnttab_copy op = own(0, 0, 100);

	memset(dom_ptr(dom1, RAM_GFN), 0xab, 4096);
	grant(dom1, 9, 0, RAM_GFN, GTF_readonly);
	op.source = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 50 };
	op.flags = GNTCOPY_source_gref;
	assert_int_equal(status_of(op), GNTST_okay);
	assert_int_equal(((u8 *)dom_ptr(dom0, RAM_GFN + 1))[99], 0xab);
	assert_int_equal(entry(dom1, 9)->flags, 0x5);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	/* Written through a reference that only reads. */
	op = own(0, 0, 100);
	op.dest = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 0 };
	op.flags = GNTCOPY_dest_gref;
	assert_int_equal(status_of(op), GNTST_general_error);
	grant(dom1, 9, 0, RAM_GFN, 0);
	assert_int_equal(status_of(op), GNTST_okay);
	assert_memory_equal(dom_ptr(dom1, RAM_GFN), dom_ptr(dom0, RAM_GFN), 100);
	assert_int_equal(entry(dom1, 9)->flags, 0x1);
	op.dest.u.ref = 512;
	assert_int_equal(status_of(op), GNTST_bad_gntref);
	op.dest.u.ref = 10;
	assert_int_equal(status_of(op), GNTST_general_error);
	grant(dom1, 10, 0, 0x9999, 0);
	assert_int_equal(status_of(op), GNTST_bad_page);
	assert_int_equal(entry(dom1, 10)->flags, 0x1);
	/* Both by reference; one of the domain's own. */
	grant(dom0, 11, 0, RAM_GFN, 0);
	op.source = (struct abi_gnttab_copy_ptr){ { .ref = 11 }, DOMID_SELF, 7 };
	op.dest = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 0 };
	op.flags = GREFS;
	assert_int_equal(status_of(op), GNTST_okay);
	assert_memory_equal(dom_ptr(dom1, RAM_GFN), (u8 *)dom_ptr(dom0, RAM_GFN) + 7, 100);
}

static u32 changes; /* of guests' words */

static void count_at_hook(void *p)
{
	changes++;
}

/* Many at once, the same pages again and again: each is pinned once and let go at the end. */
static void test_batch(void **state)
{
	struct abi_gnttab_copy ops[40];
	u32 spins;

	for (u32 i = 0; i < 8; i++) {
		grant(dom1, 8 + i, 0, RAM_GFN + i, GTF_readonly);
		memset(dom_ptr(dom1, RAM_GFN + i), (int)i + 1, 4096);
	}
	for (u32 i = 0; i < 40; i++) {
		ops[i] = own(0, (u16)(i * 64), 64);
		ops[i].source = (struct abi_gnttab_copy_ptr){ { .ref = 8 + i / 5 }, 1, 0 };
		ops[i].flags = GNTCOPY_source_gref;
	}
	ops[7].source.u.ref = 400;
	ops[20].source.domid = 77;
	spins = host.copies;
	changes = 0;
	host.atomic_hook = count_at_hook;
	assert_int_equal(GT(copy, ops, 40), 0);
	host.atomic_hook = NULL;
	/* Each entry is claimed and released; one of them twice, as another one came between. */
	assert_int_equal(changes, 2 * (8 + 1));
	for (u32 i = 0; i < 40; i++) {
		assert_int_equal(ops[i].status, i == 7  ? GNTST_general_error :
						i == 20 ? GNTST_bad_domain :
							  GNTST_okay);
		if (!ops[i].status)
			assert_int_equal(((u8 *)dom_ptr(dom0, RAM_GFN + 1))[i * 64 + 63],
					 i / 5 + 1);
	}
	assert_true(host.copies - spins <= 40 + 5);
	for (u32 i = 0; i < 8; i++) {
		assert_int_equal(entry(dom1, 8 + i)->flags, 0x5);
		assert_int_equal(dom_frame(dom1, RAM_GFN + i)->refs, 1);
	}
	assert_int_equal(dom1->refs, 1);
	assert_int_equal(host.frames_mapped, mapped_by_guests);
	host.preempt_always = true;
	assert_int_equal(GT(copy, ops, 40), 0);
	host.preempt_always = false;
	assert_int_equal(ops[39].status, GNTST_okay);
	assert_int_equal(dom1->refs, 1);
}

static void test_faults(void **state)
{
	struct abi_gnttab_copy ops[3] = { own(0, 0, 8), own(8, 8, 8), own(16, 16, 8) };
	u64 at = HOST_SCRATCH_BASE + HOST_SCRATCH_SIZE - sizeof(ops[0]);

	/* Not as a whole, but one by one; then not at all. */
	host.fail_copy_in = 2;
	assert_int_equal(GT(copy, ops, 3), 0);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(ops[i].status, GNTST_okay);
		ops[i].status = 99;
	}
	host.fail_copy_in = 2;
	host.fail_copy_again = true;
	assert_int_equal(GT(copy, ops, 3), -XEN_EFAULT);
	host.fail_copy_again = false;
	host.fail_copy_in = 0;
	assert_int_equal(ops[0].status, 99);
	assert_int_equal(host.frames_mapped, mapped_by_guests);
	/* The second element lies where there is no memory. */
	memcpy(host_guest_ptr(at), &ops[1], sizeof(ops[1]));
	assert_int_equal(do_grant_table_op((u64[5]){ GNTTABOP_copy, at, 2 }), -XEN_EFAULT);
	memcpy(&ops[1], host_guest_ptr(at), sizeof(ops[1]));
	assert_int_equal(ops[1].status, GNTST_okay);
	assert_int_equal(dom_frame(dom0, RAM_GFN)->refs, 1);
}

/* Used by a copy and by a mapping at once. */
static void test_copy_of_mapped(void **state)
{
	struct abi_gnttab_copy op = own(0, 0, 16);
	struct abi_gnttab_map m;

	grant(dom1, 9, 0, RAM_GFN, 0);
	m = map(1, 9, MAP_GFN, GNTMAP_host_map);
	op.dest = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 0 };
	op.flags = GNTCOPY_dest_gref;
	assert_int_equal(status_of(op), GNTST_okay);
	assert_int_equal(entry(dom1, 9)->flags, 0x19);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(entry(dom1, 9)->flags, 0x1);
}

static void test_peer_dies(void **state)
{
	struct abi_gnttab_copy op = own(0, 0, 16);
	struct domain *d = dom1;

	grant(dom1, 9, 0, RAM_GFN, 0);
	op.dest = (struct abi_gnttab_copy_ptr){ { .ref = 9 }, 1, 0 };
	op.flags = GNTCOPY_dest_gref;
	assert_int_equal(status_of(op), GNTST_okay);
	dom_kill(d);
	assert_int_equal(status_of(op), GNTST_bad_domain);
	house[5] = d;
	assert_int_equal(status_of(op), GNTST_bad_gntref);
	house[5] = NULL;
	dom_free(d);
}

/* --- cache maintenance --- */

static long flush(u64 addr, u16 offset, u16 length, u32 op)
{
	struct abi_gnttab_cache_flush f = { addr, offset, length, op };

	return GT(cache_flush, &f, 1);
}

static u64 addr_of(struct domain *d, u64 g)
{
	return mfn_to_paddr(frame_to_mfn(dom_frame(d, g)));
}

static void test_cache_flush(void **state)
{
	u64 addr = addr_of(dom0, RAM_GFN);

	assert_int_equal(flush(addr, 0, 4096, GNTTAB_CACHE_CLEAN), 0);
	assert_int_equal(flush(addr, 100, 3996, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL), 0);
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_INVAL), 0);
	assert_int_equal(host.cache_ops, 3);
	assert_int_equal(flush(addr, 0, 64, 0), 0);
	assert_int_equal(flush(addr, 0, 0, GNTTAB_CACHE_CLEAN), 0);
	assert_int_equal(flush(addr, 0, 64, 4), -XEN_EINVAL);
	assert_int_equal(flush(addr, 0, 64, 1U << 31 | GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	assert_int_equal(flush(addr, 100, 3997, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	assert_int_equal(flush(addr, 4096, 0, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
	assert_int_equal(flush(0x1000, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL); /* no RAM */
	/* Nobody's, the hypervisor's, and another domain's that is not granted. */
	assert_int_equal(flush(virt_to_paddr(dom0->vcpus[0]->domain->evtchn), 0, 64,
			       GNTTAB_CACHE_CLEAN), -XEN_EPERM);
	assert_int_equal(flush(addr_of(dom1, RAM_GFN), 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EPERM);
	assert_int_equal(host.cache_ops, 3);
	assert_int_equal(dom_frame(dom0, RAM_GFN)->refs, 1);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_int_equal(host.frames_mapped, mapped_by_guests);
}

static void test_cache_flush_granted(void **state)
{
	u64 addr = addr_of(dom1, RAM_GFN);
	struct abi_gnttab_map m;
	mfn_t last;

	/* Far back in a large table, and preempted on the way there. */
	assert_int_equal(grant_map_frame(dom1, 40, false, &last), 0);
	grant(dom1, 40 * 512 + 300, 0, RAM_GFN, GTF_readonly);
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EPERM);
	m = map(1, 40 * 512 + 300, MAP_GFN, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_CLEAN), 0);
	host.preempt_always = true;
	host.polls = 0;
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_CLEAN), 0);
	assert_int_equal(host.polls, 81);
	host.preempt_always = false;
	/* It is the mapper's to flush, not everybody's. */
	run_on(dom2, 0);
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EPERM);
	run_on(dom0, 0);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(flush(addr, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EPERM);
}

/* Each element looks from the beginning. */
static void test_cache_flush_two_grants(void **state)
{
	struct abi_gnttab_cache_flush f[2] = {
		{ addr_of(dom1, RAM_GFN + 1), 0, 64, GNTTAB_CACHE_CLEAN },
		{ addr_of(dom1, RAM_GFN), 0, 64, GNTTAB_CACHE_INVAL },
	};
	struct abi_gnttab_map a, b;

	grant(dom1, 9, 0, RAM_GFN, 0);
	grant(dom1, 500, 0, RAM_GFN + 1, 0);
	a = map(1, 9, MAP_GFN, GNTMAP_host_map);
	b = map(1, 500, MAP_GFN + 1, GNTMAP_host_map);
	assert_int_equal(GT(cache_flush, f, 2), 0);
	assert_int_equal(host.cache_ops, 2);
	assert_int_equal(unmap(&a).status, GNTST_okay);
	assert_int_equal(unmap(&b).status, GNTST_okay);
}

static void test_cache_flush_array(void **state)
{
	u64 addr = addr_of(dom0, RAM_GFN);
	struct abi_gnttab_cache_flush f[3] = { { addr, 0, 64, GNTTAB_CACHE_CLEAN },
					       { addr, 64, 64, GNTTAB_CACHE_CLEAN },
					       { addr, 128, 64, GNTTAB_CACHE_CLEAN } };

	host.preempt_always = true;
	assert_int_equal(GT(cache_flush, f, 3), 0);
	host.preempt_always = false;
	assert_int_equal(host.cache_ops, 3);
	f[1].op = 8;
	assert_int_equal(GT(cache_flush, f, 3), -XEN_EINVAL);
	assert_int_equal(host.cache_ops, 4);
	/* Progress that a guest makes up only makes it miss its own grant. */
	assert_int_equal(grant_op(GNTTABOP_cache_flush | 0xfffff000, f, sizeof(f[0]), 1), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, copy_setup, grant_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_frame),
		TEST(test_not_writable),
		TEST(test_domains),
		TEST(test_by_reference),
		TEST(test_batch),
		TEST(test_faults),
		TEST(test_copy_of_mapped),
		TEST(test_peer_dies),
		TEST(test_cache_flush),
		TEST(test_cache_flush_granted),
		TEST(test_cache_flush_two_grants),
		TEST(test_cache_flush_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
