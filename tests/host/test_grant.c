/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c hyp/ipc/grant_map.c
 *	    hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c
 *	    hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c
 *	    hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c hyp/mm/p2m.c */
/*
 * Grant tables: the table, mapping and unmapping, with the statuses that Xen 4.17 answered, and
 * failing copies and allocations. No frame and no reference may be left: the end of every test
 * counts them.
 */
#define HOUSE_WITH_GRANTS
#include "ipc_house.h"
#include "grant_calls.h"

static void test_query_and_setup(void **state)
{
	struct abi_gnttab_query_size q = { .dom = DOMID_SELF };
	struct abi_gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3 };
	u64 *list, list_at = room + 8192;
	mfn_t m;

	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.status, GNTST_okay);
	assert_int_equal(q.nr_frames, 1);
	assert_int_equal(q.max_nr_frames, 64);
	q.dom = 77;
	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.status, GNTST_bad_domain);
	assert_int_equal(grant_op(GNTTABOP_query_size, &q, sizeof(q), 2), -XEN_EINVAL);

	assert_int_equal(grant_map_frame(dom0, 1, false, &m), 0);
	assert_int_equal(p2m_map_shared(&dom0->p2m, gfn(0x777), m), 0);
	s.frame_list = list_at;
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_okay);
	list = host_guest_ptr(list_at);
	assert_int_equal(list[0], ~0UL);
	assert_int_equal(list[1], 0x777);
	assert_int_equal(list[2], ~0UL);
	q.dom = 0;
	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.nr_frames, 3);
	s.frame_list = HOST_BAD_GVA;
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_bad_virt_addr);
	s.nr_frames = 65;
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_general_error);
	s.nr_frames = ~0U;
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_general_error);
	s.dom = 77;
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_bad_domain);
	assert_int_equal(grant_op(GNTTABOP_setup_table, &s, sizeof(s), 2), -XEN_EINVAL);
	s.dom = 0;
	q.dom = 0;
	run_on(dom1, 0);
	assert_int_equal(GT(setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_permission_denied);
	assert_int_equal(GT(query_size, &q, 1), 0);
	assert_int_equal(q.status, GNTST_permission_denied);
}

static void test_setup_preempted(void **state)
{
	struct abi_gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 64 };
	u64 arg[5] = { GNTTABOP_setup_table, room, 1 };

	s.frame_list = room + 8192;
	room_put(&s, sizeof(s));
	host.preempt_in = 1;
	assert_int_equal(do_grant_table_op(arg), -XEN_ERESTART);
	assert_int_equal(arg[1], room);
	assert_int_equal(arg[2], 1);
	host.preempt_in = 1;
	assert_int_equal(do_grant_table_op(arg), -XEN_ERESTART);
	assert_int_equal(do_grant_table_op(arg), 0);
}

static void test_versions(void **state)
{
	struct abi_gnttab_get_version g = { .dom = DOMID_SELF };
	struct abi_gnttab_set_version s = { .version = 1 };
	struct abi_gnttab_get_status_frames f = { .dom = DOMID_SELF, .nr_frames = 1 };

	assert_int_equal(GT(get_version, &g, 1), 0);
	assert_int_equal(g.version, 1);
	g.dom = 77;
	assert_int_equal(GT(get_version, &g, 1), -XEN_ESRCH);
	assert_int_equal(GT(set_version, &s, 1), 0);
	assert_int_equal(s.version, 1);
	assert_int_equal(grant_op(GNTTABOP_set_version, &s, sizeof(s), 2), 0);
	s.version = 2;
	assert_int_equal(GT(set_version, &s, 1), -XEN_ENOSYS);
	assert_int_equal(s.version, 1);
	s.version = 3;
	assert_int_equal(GT(set_version, &s, 1), -XEN_EINVAL);
	assert_int_equal(s.version, 1);
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_general_error);
	f.dom = 77;
	assert_int_equal(GT(get_status_frames, &f, 1), 0);
	assert_int_equal(f.status, GNTST_bad_domain);
	assert_int_equal(grant_op(GNTTABOP_get_status_frames, &f, sizeof(f), 0), -XEN_EINVAL);
	run_on(dom1, 0);
	g.dom = 0;
	assert_int_equal(GT(get_version, &g, 1), -XEN_EPERM);
}

static void test_dispatch(void **state)
{
	u64 word = 0;

	assert_int_equal(grant_op(GNTTABOP_dump_table, &word, 8, 1), -XEN_ENOSYS);
	assert_int_equal(grant_op(GNTTABOP_transfer, &word, 8, 1), -XEN_EOPNOTSUPP);
	assert_int_equal(grant_op(13, &word, 8, 1), -XEN_ENOSYS);
	assert_int_equal(grant_op(0xfff, &word, 8, 1), -XEN_ENOSYS);
	assert_int_equal(grant_op(0x1000, &word, 8, 1), -XEN_EINVAL);
	assert_int_equal(grant_op(13, &word, 8, 0x80000000), -XEN_EINVAL);
	assert_int_equal(grant_op(GNTTABOP_map_grant_ref, &word, 8, ~0U), -XEN_EINVAL);
	for (u32 cmd = 0; cmd <= GNTTABOP_cache_flush; cmd++) {
		u64 arg[5] = { cmd, HOST_BAD_GVA, 1 };

		if (cmd == GNTTABOP_dump_table || cmd == GNTTABOP_transfer)
			continue;
		assert_int_equal(do_grant_table_op(arg), -XEN_EFAULT);
		arg[2] = 0;
		if (cmd <= GNTTABOP_unmap_grant_ref || cmd == GNTTABOP_copy ||
		    cmd == GNTTABOP_unmap_and_replace || cmd >= GNTTABOP_swap_grant_ref)
			assert_int_equal(do_grant_table_op(arg), 0);
	}
}

/* The answer cannot be written back. */
static void test_faults_out(void **state)
{
	static const u32 cmds[] = { GNTTABOP_setup_table, GNTTABOP_query_size,
				    GNTTABOP_set_version, GNTTABOP_get_status_frames,
				    GNTTABOP_get_version, GNTTABOP_swap_grant_ref };
	u64 zeros[4];

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(zeros, 0, sizeof(zeros));
		host.fail_copy_in = 2;
		assert_int_equal(grant_op(cmds[i], zeros, sizeof(zeros), 1), -XEN_EFAULT);
	}
}

static void test_swap(void **state)
{
	struct abi_gnttab_swap s[3] = { { .ref_a = 4, .ref_b = 5 }, { .ref_a = 4, .ref_b = 512 },
					{ .ref_a = 0xffffffff, .ref_b = 5 } };
	struct abi_gnttab_map m;

	grant(dom0, 4, 0, RAM_GFN, GTF_readonly);
	entry(dom0, 5)->flags = 0;
	assert_int_equal(GT(swap_grant_ref, s, 3), 0);
	assert_int_equal(s[0].status, GNTST_okay);
	assert_int_equal(s[1].status, GNTST_bad_gntref);
	assert_int_equal(s[2].status, GNTST_bad_gntref);
	assert_int_equal(entry(dom0, 5)->flags, 0x5);
	assert_int_equal(entry(dom0, 4)->flags, 0);
	assert_int_equal(entry(dom0, 5)->frame, RAM_GFN);
	/* One that is in use stays. */
	m = map(0, 5, MAP_GFN, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(m.status, 0);
	assert_int_equal(GT(swap_grant_ref, s, 1), 0);
	assert_int_equal(s[0].status, GNTST_eagain);
	s[0].ref_a = 6;
	s[0].ref_b = 6;
	host.preempt_always = true;
	s[1] = s[2] = s[0];
	assert_int_equal(GT(swap_grant_ref, s, 3), 0);
	assert_int_equal(s[2].status, 0);
	host.preempt_always = false;
	assert_int_equal(unmap(&m).status, 0);
}

static void test_map_errors(void **state)
{
	grant(dom1, 4, 0, RAM_GFN, 0);
	assert_int_equal(map(77, 4, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_domain);
	assert_int_equal(map(DOMID_SELF, 4, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_domain);
	assert_int_equal(map(1, 4, MAP_GFN, 0).status, GNTST_bad_gntref);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_readonly).status, GNTST_bad_gntref);
	assert_int_equal(map(1, 0xffffffff, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_gntref);
	assert_int_equal(map(1, 512, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_gntref);
	assert_int_equal(map(1, 5, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_device_map).status, GNTST_general_error);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_host_map | GNTMAP_device_map).status,
			 GNTST_general_error);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_host_map | GNTMAP_contains_pte).status,
			 GNTST_general_error);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_host_map | 0x10000).status,
			 GNTST_general_error);
	assert_int_equal(map(1, 4, 1UL << 40, GNTMAP_host_map).status, GNTST_general_error);
	grant(dom1, 5, 2, RAM_GFN, 0); /* for somebody else */
	assert_int_equal(map(1, 5, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	grant(dom1, 5, 0, RAM_GFN, GTF_readonly);
	assert_int_equal(map(1, 5, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	grant(dom1, 5, 0, RAM_GFN, GTF_sub_page);
	assert_int_equal(map(1, 5, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	grant(dom1, 5, 0, 0x9999, 0);
	assert_int_equal(map(1, 5, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_page);
	assert_int_equal(entry(dom1, 5)->flags, GTF_permit_access);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_null(dom_ptr(dom0, MAP_GFN));
	/* Two domains that the control domain has not brought together. */
	grant(dom1, 6, 2, RAM_GFN, 0);
	run_on(dom2, 0);
	assert_int_equal(map(1, 6, MAP_GFN, GNTMAP_host_map).status, GNTST_permission_denied);
}

static void test_map_readonly(void **state)
{
	struct abi_gnttab_map m;
	struct abi_gnttab_unmap u;
	enum p2m_type t;

	grant(dom1, 4, 0, RAM_GFN, GTF_readonly);
	m = map(1, 4, MAP_GFN, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(m.status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0xd);
	assert_int_equal(p2m_lookup(&dom0->p2m, gfn(MAP_GFN), &t).v,
			 p2m_lookup(&dom1->p2m, gfn(RAM_GFN), NULL).v);
	assert_int_equal(t, P2M_GRANT_RO);
	assert_int_equal(m.dev_bus_addr, mfn_to_paddr(frame_to_mfn(dom_frame(dom1, RAM_GFN))));
	u = (struct abi_gnttab_unmap){ .host_addr = m.host_addr + PAGE_SIZE, .handle = m.handle };
	assert_int_equal(GT(unmap_grant_ref, &u, 1), 0);
	assert_int_equal(u.status, GNTST_general_error);
	assert_non_null(dom_ptr(dom0, MAP_GFN));
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x5);
	assert_null(dom_ptr(dom0, MAP_GFN));
	assert_int_equal(unmap(&m).status, GNTST_bad_handle);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
}

static void test_map_writable(void **state)
{
	struct abi_gnttab_map m, r, w;

	grant(dom1, 4, 0, RAM_GFN, 0);
	m = map(1, 4, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x19);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), dom_ptr(dom1, RAM_GFN));
	/* Once more, to read and to write; the flags follow the last user. */
	r = map(1, 4, MAP_GFN + 1, GNTMAP_host_map | GNTMAP_readonly);
	w = map(1, 4, MAP_GFN + 2, GNTMAP_host_map);
	assert_int_equal(r.status, GNTST_okay);
	assert_int_equal(w.status, GNTST_okay);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x19);
	assert_int_equal(unmap(&w).status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x9);
	assert_int_equal(unmap(&r).status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x1);
}

/* The first user only reads; later ones must not get more than the frame allows. */
static void test_map_upgrade(void **state)
{
	struct abi_gnttab_map r, w;

	grant(dom1, 4, 0, RAM_GFN, 0);
	r = map(1, 4, MAP_GFN, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(entry(dom1, 4)->flags, 0x9);
	entry(dom1, 4)->flags |= GTF_readonly;
	assert_int_equal(map(1, 4, MAP_GFN + 1, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(entry(dom1, 4)->flags, 0xd);
	entry(dom1, 4)->flags = 0x9;
	w = map(1, 4, MAP_GFN + 1, GNTMAP_host_map);
	assert_int_equal(w.status, GNTST_okay);
	assert_int_equal(entry(dom1, 4)->flags, 0x19);
	assert_int_equal(unmap(&w).status, GNTST_okay);
	assert_int_equal(unmap(&r).status, GNTST_okay);

	p2m_map(&dom1->p2m, gfn(RAM_GFN), frame_to_mfn(dom_frame(dom1, RAM_GFN)), 1, P2M_RAM_RO);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_page);
	assert_int_equal(entry(dom1, 4)->flags, 0x1);
	r = map(1, 4, MAP_GFN, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(r.status, GNTST_okay);
	assert_int_equal(map(1, 4, MAP_GFN + 1, GNTMAP_host_map).status, GNTST_bad_page);
	assert_int_equal(entry(dom1, 4)->flags, 0x9);
	assert_int_equal(unmap(&r).status, GNTST_okay);
}

/* What is not plain RAM of the granter cannot be granted. */
static void test_map_not_ram(void **state)
{
	struct abi_gnttab_map m;

	assert_int_equal(p2m_map_shared(&dom1->p2m, gfn(0x300), virt_to_mfn(dom1->shared_info)),
			 0);
	grant(dom1, 4, 0, 0x300, 0);
	assert_int_equal(map(1, 4, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_page);
	/* A granted page may not be granted on. */
	grant(dom0, 5, 1, RAM_GFN, 0);
	run_on(dom1, 0);
	m = map(0, 5, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	grant(dom1, 6, 0, MAP_GFN, 0);
	run_on(dom0, 0);
	assert_int_equal(map(1, 6, MAP_GFN, GNTMAP_host_map).status, GNTST_bad_page);
	run_on(dom1, 0);
	assert_int_equal(unmap(&m).status, GNTST_okay);
}

static void test_unaligned_and_self(void **state)
{
	struct abi_gnttab_map m;

	grant(dom0, 4, 0, RAM_GFN, 0);
	m = (struct abi_gnttab_map){ .host_addr = (MAP_GFN << PAGE_SHIFT) + 0x123,
				     .flags = GNTMAP_host_map, .ref = 4 };
	assert_int_equal(GT(map_grant_ref, &m, 1), 0);
	assert_int_equal(m.status, GNTST_okay);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), dom_ptr(dom0, RAM_GFN));
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_null(dom_ptr(dom0, MAP_GFN));
	/* An address of 0 names no mapping: nothing is removed. */
	m.host_addr = MAP_GFN << PAGE_SHIFT;
	assert_int_equal(GT(map_grant_ref, &m, 1), 0);
	m.host_addr = 0;
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_non_null(dom_ptr(dom0, MAP_GFN));
	m.host_addr = MAP_GFN << PAGE_SHIFT;
	assert_int_equal(unmap(&m).status, GNTST_okay);
}

static void test_unmap_and_replace(void **state)
{
	struct abi_gnttab_unmap_replace u = { .host_addr = MAP_GFN << PAGE_SHIFT,
					      .new_addr = 0x1000, .handle = 0x12345 };
	struct abi_gnttab_map m;

	assert_int_equal(GT(unmap_and_replace, &u, 1), 0);
	assert_int_equal(u.status, GNTST_bad_handle);
	grant(dom1, 4, 0, RAM_GFN, 0);
	m = map(1, 4, MAP_GFN, GNTMAP_host_map);
	u.handle = m.handle;
	assert_int_equal(GT(unmap_and_replace, &u, 1), 0);
	assert_int_equal(u.status, GNTST_general_error);
	u.new_addr = 0;
	assert_int_equal(GT(unmap_and_replace, &u, 1), 0);
	assert_int_equal(u.status, GNTST_okay);
	assert_null(dom_ptr(dom0, MAP_GFN));
}

/* Batches: the TLBs are told once for each chunk, one bad element does not stop the others. */
static void test_batch(void **state)
{
	struct abi_gnttab_map m[20];
	struct abi_gnttab_unmap u[20];

	for (u32 i = 0; i < 20; i++) {
		grant(dom1, 8 + i, 0, RAM_GFN + i, 0);
		m[i] = (struct abi_gnttab_map){ .host_addr = (MAP_GFN + i) << PAGE_SHIFT, .dom = 1,
						.flags = GNTMAP_host_map, .ref = 8 + i };
	}
	m[3].ref = 500;
	m[17].dom = 77;
	assert_int_equal(GT(map_grant_ref, m, 20), 0);
	for (u32 i = 0; i < 20; i++)
		assert_int_equal(m[i].status, i == 3    ? GNTST_general_error :
					      i == 17 ? GNTST_bad_domain :
							GNTST_okay);
	for (u32 i = 0; i < 20; i++)
		u[i] = (struct abi_gnttab_unmap){ .host_addr = m[i].host_addr,
						  .handle = m[i].status ? 7777 : m[i].handle };
	u[10].handle = u[9].handle; /* twice the same */
	host.tlb_flushes = 0;
	assert_int_equal(GT(unmap_grant_ref, u, 20), 0);
	for (u32 i = 0; i < 20; i++)
		assert_int_equal(u[i].status, i == 3 || i == 17 || i == 10 ? GNTST_bad_handle :
									     GNTST_okay);
	assert_int_equal(host.tlb_flushes, 2);
	u[10].handle = m[10].handle;
	assert_int_equal(GT(unmap_grant_ref, &u[10], 1), 0);
	assert_int_equal(u[10].status, GNTST_okay);
}

/* Places that are not neighbours, in no order; what lies between them stays. */
static void test_batch_scattered(void **state)
{
	static const u32 at[] = { 0, 5, 6, 2, 3, 9, 8, 1 };
	struct abi_gnttab_map m[8], between;
	struct abi_gnttab_unmap u[8];

	for (u32 i = 0; i < 8; i++) {
		grant(dom1, 8 + i, 0, RAM_GFN + i, 0);
		m[i] = map(1, 8 + i, MAP_GFN + at[i], GNTMAP_host_map);
		u[i] = (struct abi_gnttab_unmap){ m[i].host_addr, 0, m[i].handle, 99, 0 };
	}
	grant(dom1, 20, 0, RAM_GFN + 20, 0);
	between = map(1, 20, MAP_GFN + 7, GNTMAP_host_map);
	host.tlb_flushes = 0;
	assert_int_equal(GT(unmap_grant_ref, u, 8), 0);
	assert_int_equal(host.tlb_flushes, 1);
	for (u32 i = 0; i < 8; i++) {
		assert_int_equal(u[i].status, GNTST_okay);
		assert_null(dom_ptr(dom0, MAP_GFN + at[i]));
		assert_int_equal(dom_frame(dom1, RAM_GFN + i)->refs, 1);
	}
	assert_non_null(dom_ptr(dom0, MAP_GFN + 7));
	assert_int_equal(unmap(&between).status, GNTST_okay);
}

static void test_batch_preempted(void **state)
{
	struct abi_gnttab_map m[30];
	struct abi_gnttab_unmap u[30];
	u64 arg[5] = { GNTTABOP_map_grant_ref, room, 30 };

	for (u32 i = 0; i < 30; i++) {
		grant(dom1, 8 + i, 0, RAM_GFN + i % 20, 0);
		m[i] = (struct abi_gnttab_map){ .host_addr = (MAP_GFN + i) << PAGE_SHIFT, .dom = 1,
						.flags = GNTMAP_host_map, .ref = 8 + i };
	}
	room_put(m, sizeof(m));
	host.preempt_always = true;
	assert_int_equal(do_grant_table_op(arg), -XEN_ERESTART);
	assert_int_equal(arg[1], room + sizeof(m[0]));
	assert_int_equal(arg[2], 29);
	while (do_grant_table_op(arg) == -XEN_ERESTART)
		;
	memcpy(m, host_guest_ptr(room), sizeof(m));
	for (u32 i = 0; i < 30; i++) {
		assert_int_equal(m[i].status, GNTST_okay);
		u[i] = (struct abi_gnttab_unmap){ .host_addr = m[i].host_addr,
						  .handle = m[i].handle };
	}
	assert_int_equal(GT(unmap_grant_ref, u, 30), 0);
	for (u32 i = 0; i < 30; i++)
		assert_int_equal(u[i].status, GNTST_okay);
}

/* Every operation on an array stops for an interrupt, and only for one. */
static void test_preemption_points(void **state)
{
	static const struct {
		u32 cmd, size;
	} ops[] = {
		{ GNTTABOP_map_grant_ref, sizeof(struct abi_gnttab_map) },
		{ GNTTABOP_unmap_grant_ref, sizeof(struct abi_gnttab_unmap) },
		{ GNTTABOP_unmap_and_replace, sizeof(struct abi_gnttab_unmap_replace) },
		{ GNTTABOP_copy, sizeof(struct abi_gnttab_copy) },
		{ GNTTABOP_swap_grant_ref, sizeof(struct abi_gnttab_swap) },
		{ GNTTABOP_cache_flush, sizeof(struct abi_gnttab_cache_flush) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		u64 arg[5] = { ops[i].cmd, room, 100 };

		memset(host_guest_ptr(room), 0, ROOM_SIZE);
		host.preempt_always = true;
		assert_int_equal(do_grant_table_op(arg), -XEN_ERESTART);
		assert_in_range(arg[2], 84, 99);
		assert_int_equal(arg[1], room + (100 - arg[2]) * ops[i].size);
		host.preempt_always = false;
		assert_int_equal(do_grant_table_op(arg), 0);
		assert_int_equal(arg[0], ops[i].cmd);
		assert_in_range(arg[2], 84, 99);
	}
}

/* Results that cannot be told are undone. */
static void test_map_fault_out(void **state)
{
	struct abi_gnttab_map m[4];

	for (u32 i = 0; i < 4; i++) {
		grant(dom1, 8 + i, 0, RAM_GFN + i, 0);
		m[i] = (struct abi_gnttab_map){ .host_addr = (MAP_GFN + i) << PAGE_SHIFT, .dom = 1,
						.flags = GNTMAP_host_map, .ref = 8 + i };
	}
	/* In, out as a whole, then one by one: the third cannot be told. */
	host.fail_copy_in = 2;
	assert_int_equal(GT(map_grant_ref, m, 4), 0);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(unmap(&m[i]).status, GNTST_okay);
	for (u32 bad = 1; bad < 5; bad++) {
		u64 at = HOST_SCRATCH_BASE + HOST_SCRATCH_SIZE - bad * sizeof(m[0]);
		u64 arg[5] = { GNTTABOP_map_grant_ref, at, 6 };

		memcpy(host_guest_ptr(at), m, bad * sizeof(m[0]));
		assert_int_equal(do_grant_table_op(arg), -XEN_EFAULT);
		memcpy(m, host_guest_ptr(at), bad * sizeof(m[0]));
		for (u32 i = 0; i < bad && i < 4; i++) {
			assert_int_equal(m[i].status, GNTST_okay);
			assert_int_equal(unmap(&m[i]).status, GNTST_okay);
		}
	}
	m[0].host_addr = 0;
	host.fail_copy_in = 2;
	host.fail_copy_again = true;
	assert_int_equal(GT(map_grant_ref, m, 1), -XEN_EFAULT);
	host.fail_copy_again = false;
	host.fail_copy_in = 0;
	assert_null(dom_ptr(dom0, 0));
	assert_int_equal(entry(dom1, 8)->flags, GTF_permit_access);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
}

static void test_unmap_fault_out(void **state)
{
	struct abi_gnttab_unmap u;
	struct abi_gnttab_map m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	u = (struct abi_gnttab_unmap){ .host_addr = m.host_addr, .handle = m.handle };
	host.fail_copy_in = 2;
	host.fail_copy_again = true;
	assert_int_equal(GT(unmap_grant_ref, &u, 1), -XEN_EFAULT);
	host.fail_copy_again = false;
	host.fail_copy_in = 0;
	assert_int_equal(unmap(&m).status, GNTST_bad_handle);
}

static void test_p2m_fails(void **state)
{
	struct abi_gnttab_map m;

	grant(dom1, 8, 0, RAM_GFN, 0);
	host.fail_p2m_in = 1;
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(entry(dom1, 8)->flags, 1);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	/* Unmapping takes no memory. */
	host.fail_p2m_in = 1;
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_int_equal(host.fail_p2m_in, 1);
	host.fail_p2m_in = 0;
	assert_null(dom_ptr(dom0, MAP_GFN));
}

/* The guest has other memory at that place by now: that is not the grant's to take. */
static void test_unmap_spares_ram(void **state)
{
	struct abi_gnttab_map m;
	char *ram;

	grant(dom1, 8, 0, RAM_GFN, 0);
	m = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 3);
	dom_ram(dom0, MAP_GFN, 1);
	ram = dom_ptr(dom0, MAP_GFN);
	assert_int_equal(unmap(&m).status, GNTST_okay);
	assert_ptr_equal(dom_ptr(dom0, MAP_GFN), ram);
	assert_int_equal(dom_frame(dom1, RAM_GFN)->refs, 1);
	assert_int_equal(entry(dom1, 8)->flags, 1);
}

static void test_handles_run_out(void **state)
{
	struct domain_config few = no_limits;
	struct domain *d;
	struct abi_gnttab_map m, last = { 0 };
	u32 n = 0;

	few.max_maptrack_frames = 2;
	d = dom_new(3, DOMAIN_CONTROL, 1, &few);
	grant(dom1, 8, 3, RAM_GFN, 0);
	run_on(d, 0);
	while ((m = map(1, 8, MAP_GFN + n, GNTMAP_host_map)).status == GNTST_okay) {
		assert_int_equal(m.handle, n);
		last = m;
		n++;
	}
	assert_int_equal(m.status, GNTST_no_space);
	assert_int_equal(n, 512);
	assert_int_equal(unmap(&last).status, GNTST_okay);
	last = map(1, 8, MAP_GFN, GNTMAP_host_map);
	assert_int_equal(last.status, GNTST_okay);
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_no_space);
	/* What failed has no handle. */
	assert_int_equal(unmap(&last).status, GNTST_okay);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(map(1, 9, MAP_GFN, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_okay);
	run_on(dom0, 0);
}

static void test_map_frame(void **state)
{
	struct frame *f;
	mfn_t m, again;

	assert_int_equal(grant_map_frame(dom1, 64, false, &m), -XEN_EINVAL);
	assert_int_equal(grant_map_frame(dom1, ~0U, false, &m), -XEN_EINVAL);
	assert_int_equal(grant_map_frame(dom1, 0, true, &m), -XEN_EINVAL);
	assert_int_equal(grant_map_frame(dom1, 63, false, &m), 0);
	assert_int_equal(grant_map_frame(dom1, 63, false, &again), 0);
	assert_int_equal(m.v, again.v);
	f = mfn_to_frame(m);
	assert_int_equal(f->state, FRAME_SHARED);
	/* Somebody has it mapped when the domain dies. */
	assert_true(frame_get_shared(f, &dom1->frames));
	grant(dom1, 63 * 512 + 511, 0, RAM_GFN, 0);
	assert_int_equal(map(1, 63 * 512 + 511, MAP_GFN, GNTMAP_host_map).status, 0);
	struct domain *d = dom1;
	dom_kill(d);
	assert_int_equal(f->refs, 1);
	frame_put(f);
	dom_kill(dom0);
	dom_free(dom0);
	dom_free(d);
}

static void test_growth_without_memory(void **state)
{
	void *pages[20000];
	u32 n = 0;
	mfn_t m;

	while (n < ARRAY_SIZE(pages) && (pages[n] = heap_alloc_page()))
		n++;
	assert_int_equal(grant_map_frame(dom1, 5, false, &m), -XEN_ENOMEM);
	heap_free(pages[--n], 0);
	assert_int_equal(grant_map_frame(dom1, 5, false, &m), -XEN_ENOMEM);
	grant(dom1, 8, 0, RAM_GFN, 0);
	heap_free(heap_alloc_page(), 0);
	pages[n++] = heap_alloc_page();
	assert_int_equal(map(1, 8, MAP_GFN, GNTMAP_host_map).status, GNTST_no_space);
	while (n)
		heap_free(pages[--n], 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, grant_setup, grant_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_query_and_setup),
		TEST(test_setup_preempted),
		TEST(test_versions),
		TEST(test_dispatch),
		TEST(test_faults_out),
		TEST(test_swap),
		TEST(test_map_errors),
		TEST(test_map_readonly),
		TEST(test_map_writable),
		TEST(test_map_upgrade),
		TEST(test_map_not_ram),
		TEST(test_unaligned_and_self),
		TEST(test_unmap_and_replace),
		TEST(test_batch),
		TEST(test_batch_scattered),
		TEST(test_batch_preempted),
		TEST(test_preemption_points),
		TEST(test_map_fault_out),
		TEST(test_unmap_fault_out),
		TEST(test_p2m_fails),
		TEST(test_unmap_spares_ram),
		TEST(test_handles_run_out),
		TEST(test_map_frame),
		TEST(test_growth_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
