// SPDX-License-Identifier: Apache-2.0
/* Grants between two domains: mapping, copying, revoking while in use, and the end of one side. */
/* machine: smp=1 vcpus=2 pair=1 timeout=90 */
#include "guest.h"

#define NR	 24
#define REF	 16 /* of pages[0]; the others follow */
#define REF_RO	 60
#define REF_SELF 61 /* given to the granter itself */
#define REF_NONE 62

static uint8_t pages[NR][PAGE_SIZE] PAGE_ALIGNED;
static uint64_t window; /* addresses of nothing, NR pages */

/* ---- what either side does; in the peer through pair_call ---- */

static int64_t give(uint64_t ref, uint64_t page, uint64_t flags)
{
	grant_set((uint32_t)ref, pair_is_peer() ? 0 : PEER, pages[page], (uint16_t)flags);
	return 0;
}

static int64_t give_all(uint64_t a, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	if (!grant_table && !grants_init())
		return -1;
	for (uint32_t i = 0; i < NR; i++) {
		memset(pages[i], (int)(a + i), PAGE_SIZE);
		give(REF + i, i, GTF_permit_access);
	}
	give(REF_RO, 1, GTF_permit_access | GTF_readonly);
	grant_set(REF_SELF, pair_is_peer() ? PEER : 0, pages[0], GTF_permit_access);
	grant_set(REF_NONE, 0, pages[0], 0);
	return 0;
}

static int64_t flags_of(uint64_t ref, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return grant_table[ref].flags;
}

static int64_t set_flags(uint64_t ref, uint64_t flags, uint64_t c)
{
	(void)c;
	grant_table[ref].flags = (uint16_t)flags;
	dsb();
	return 0;
}

static int64_t peek(uint64_t page, uint64_t at, uint64_t c)
{
	(void)c;
	return READ_ONCE(pages[page][at]);
}

static int64_t poke(uint64_t page, uint64_t at, uint64_t value)
{
	WRITE_ONCE(pages[page][at], (uint8_t)value);
	dsb();
	return 0;
}

static bool on_serai(void)
{
	return str_contains(machine.bootargs, "hyp=serai");
}

#define PEER_DOES(fn, a, b, c) pair_call(fn, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))

static uint8_t seen(uint32_t i, uint32_t at)
{
	return READ_ONCE(*(uint8_t *)(window + i * PAGE_SIZE + at));
}

static int64_t map_at(uint32_t ref, uint32_t flags, uint32_t i, uint32_t *handle)
{
	return grant_map(PEER, ref, flags, window + i * PAGE_SIZE, handle);
}

static int64_t unmap_at(uint32_t i, uint32_t handle)
{
	return grant_unmap(window + i * PAGE_SIZE, handle);
}

/* ---- mapping ---- */

static void check_refusals(void)
{
	uint32_t h;

	check_eq("pair_grant.not_granted", map_at(REF_NONE, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	check_eq("pair_grant.other_grantee", map_at(REF_SELF, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	check_eq("pair_grant.write_of_readonly", map_at(REF_RO, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	check_eq("pair_grant.readonly_flags", PEER_DOES(flags_of, REF_RO, 0, 0),
		 GTF_permit_access | GTF_readonly);
	PEER_DOES(set_flags, REF_NONE, GTF_permit_access | GTF_sub_page, 0);
	check_eq("pair_grant.sub_page_v1", map_at(REF_NONE, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	PEER_DOES(set_flags, REF_NONE, GTF_transitive, 0);
	check_eq("pair_grant.transitive_v1", map_at(REF_NONE, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	PEER_DOES(set_flags, REF_NONE, GTF_accept_transfer, 0);
	check_eq("pair_grant.transfer_v1", map_at(REF_NONE, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
	PEER_DOES(set_flags, REF_NONE, 0, 0);
	check_eq("pair_grant.beyond_table", map_at(100000, GNTMAP_host_map, 0, &h),
		 GNTST_bad_gntref);
}

static void check_readwrite(void)
{
	uint32_t h, h2;

	check_eq("pair_grant.map", map_at(REF, GNTMAP_host_map, 0, &h), 0);
	check_eq("pair_grant.peer_sees_use", PEER_DOES(flags_of, REF, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	check_eq("pair_grant.read", seen(0, 5), 0x40);
	*(volatile uint8_t *)(window + 6) = 0xa5;
	check_eq("pair_grant.peer_sees_write", PEER_DOES(peek, 0, 6, 0), 0xa5);
	PEER_DOES(poke, 0, 7, 0x5a);
	check_eq("pair_grant.sees_write", seen(0, 7), 0x5a);
	check_eq("pair_grant.map_ro_too", map_at(REF, GNTMAP_host_map | GNTMAP_readonly, 1, &h2),
		 0);
	check_eq("pair_grant.unmap_rw", unmap_at(0, h), 0);
	check_eq("pair_grant.peer_sees_reading", PEER_DOES(flags_of, REF, 0, 0),
		 GTF_permit_access | GTF_reading);
	check_eq("pair_grant.still_there", seen(1, 6), 0xa5);
	check_eq("pair_grant.wrong_place", grant_unmap((uint64_t)pages[3], h2),
		 GNTST_general_error);
	/* Real Xen takes a hole for the place, and leaves the mapping where it is. */
	if (on_serai())
		check_eq("pair_grant.wrong_hole", unmap_at(0, h2), GNTST_general_error);
	check_eq("pair_grant.unmap_ro", unmap_at(1, h2), 0);
	check_eq("pair_grant.unmap_twice", unmap_at(1, h2), GNTST_bad_handle);
	check_eq("pair_grant.peer_sees_end", PEER_DOES(flags_of, REF, 0, 0), GTF_permit_access);
	check("pair_grant.gone", !probe_read8(window + PAGE_SIZE, pages[0]));
}

/* Real Xen repeats the access for ever. */
static void check_readonly(void)
{
	uint32_t h;

	check_eq("pair_grant.map_ro", map_at(REF_RO, GNTMAP_host_map | GNTMAP_readonly, 0, &h), 0);
	check_eq("pair_grant.ro_flags", PEER_DOES(flags_of, REF_RO, 0, 0),
		 GTF_permit_access | GTF_readonly | GTF_reading);
	check_eq("pair_grant.ro_read", seen(0, 1), 0x41);
	if (on_serai()) {
		check("pair_grant.ro_write_aborts", !probe_write32(window, 1));
		check_eq("pair_grant.ro_write_ec", ESR_EC(fault.esr), EC_DATA_ABORT);
		check_eq("pair_grant.ro_write_far", (int64_t)fault.far, (int64_t)window);
		check_eq("pair_grant.ro_unharmed", PEER_DOES(peek, 1, 0, 0), 0x41);
	}
	check_eq("pair_grant.ro_unmap", unmap_at(0, h), 0);
}

/* ---- batches ---- */

static int64_t in_use(uint64_t a, uint64_t b, uint64_t c)
{
	int64_t n = 0;

	(void)a;
	(void)b;
	(void)c;
	for (uint32_t i = 0; i < NR; i++)
		n += (grant_table[REF + i].flags & GTF_reading) != 0;
	return n;
}

/* Odd places in falling order: no neighbours. */
static void check_batch(void)
{
	static struct gnttab_map_grant_ref map[NR];
	static struct gnttab_unmap_grant_ref unmap[NR];
	uint64_t gfn = scratch_gfns(2 * NR);
	int bad = 0;

	for (uint32_t i = 0; i < NR; i++) {
		map[i].host_addr = (gfn + 2 * (NR - i)) << PAGE_SHIFT;
		map[i].flags = GNTMAP_host_map;
		map[i].ref = REF + i;
		map[i].dom = PEER;
	}
	map[3].ref = REF_NONE;
	map[20].dom = DOMID_NONE;
	check_eq("pair_grant.batch_map", hc_grant(GNTTABOP_map_grant_ref, map, NR), 0);
	check_eq("pair_grant.batch_refused", map[3].status, GNTST_general_error);
	check_eq("pair_grant.batch_bad_domain", map[20].status, GNTST_bad_domain);
	check_eq("pair_grant.batch_in_use", PEER_DOES(in_use, 0, 0, 0), NR - 2);
	for (uint32_t i = 0; i < NR; i++) {
		if (i != 3 && i != 20)
			bad += map[i].status != 0 ||
			       READ_ONCE(*(uint8_t *)(map[i].host_addr + 100)) != 0x40 + i;
		unmap[i].host_addr = map[i].host_addr;
		unmap[i].handle = map[i].status ? 0x7fffffff : map[i].handle;
	}
	check_eq("pair_grant.batch_data", bad, 0);
	unmap[11].handle = unmap[10].handle;
	check_eq("pair_grant.batch_unmap", hc_grant(GNTTABOP_unmap_grant_ref, unmap, NR), 0);
	check_eq("pair_grant.batch_unmap_bad", unmap[3].status, GNTST_bad_handle);
	check_eq("pair_grant.batch_left", PEER_DOES(in_use, 0, 0, 0), 1);
	check_eq("pair_grant.batch_left_data", *(volatile uint8_t *)map[11].host_addr, 0x4b);
	check_eq("pair_grant.batch_unmap_left", grant_unmap(map[11].host_addr, map[11].handle), 0);
	check_eq("pair_grant.batch_none", PEER_DOES(in_use, 0, 0, 0), 0);
	bad = 0;
	for (uint32_t i = 0; i < NR; i++)
		bad += probe_read8(map[i].host_addr, pages[0]);
	check_eq("pair_grant.batch_all_gone", bad, 0);
}

/* ---- revoking ---- */

/* Gives the page back to the hypervisor, or takes one in its place. */
static int64_t balloon(uint64_t page, uint64_t op, uint64_t c)
{
	uint64_t gfn = virt_to_gfn(pages[page]);
	struct xen_memory_reservation r = { &gfn, 1, 0, 0, DOMID_SELF };

	(void)c;
	return hc_memory(op, &r);
}

static void check_revoked(void)
{
	uint32_t h, h2;

	map_at(REF + 2, GNTMAP_host_map, 0, &h);
	PEER_DOES(set_flags, REF + 2, 0, 0);
	check_eq("pair_grant.revoked_still_mapped", seen(0, 9), 0x42);
	PEER_DOES(poke, 2, 9, 0x77);
	check_eq("pair_grant.revoked_same_page", seen(0, 9), 0x77);
	/* The reference is used again, for another page: who maps it gets what is in use. */
	PEER_DOES(give, REF + 2, 3, GTF_permit_access);
	check_eq("pair_grant.reused_ref", map_at(REF + 2, GNTMAP_host_map, 1, &h2), 0);
	check_eq("pair_grant.reused_ref_page", seen(1, 9), 0x77);
	check_eq("pair_grant.revoked_unmap", unmap_at(0, h), 0);
	check_eq("pair_grant.reused_unmap", unmap_at(1, h2), 0);
	check_eq("pair_grant.reused_flags", PEER_DOES(flags_of, REF + 2, 0, 0), GTF_permit_access);
	check_eq("pair_grant.reused_map", map_at(REF + 2, GNTMAP_host_map, 0, &h), 0);
	check_eq("pair_grant.reused_page", seen(0, 9), 0x43);
	check_eq("pair_grant.reused_end", unmap_at(0, h), 0);
	PEER_DOES(set_flags, REF + 2, 0, 0);
	check_eq("pair_grant.revoked_for_good", map_at(REF + 2, GNTMAP_host_map, 0, &h),
		 GNTST_general_error);
}

static void check_page_given_away(void)
{
	uint32_t h;

	map_at(REF + 4, GNTMAP_host_map, 0, &h);
	check_eq("pair_grant.peer_gives_page_back",
		 PEER_DOES(balloon, 4, XENMEM_decrease_reservation, 0), 1);
	check_eq("pair_grant.old_page_stays", seen(0, 1), 0x44);
	*(volatile uint8_t *)(window + 1) = 0x99;
	check_eq("pair_grant.old_page_writable", seen(0, 1), 0x99);
	check_eq("pair_grant.old_page_counts", PEER_DOES(balloon, 4, XENMEM_populate_physmap, 0),
		 0);
	check_eq("pair_grant.old_page_unmap", unmap_at(0, h), 0);
	check_eq("pair_grant.no_page_map", map_at(REF + 4, GNTMAP_host_map, 0, &h), GNTST_bad_page);
	check_eq("pair_grant.no_page_flags", PEER_DOES(flags_of, REF + 4, 0, 0), GTF_permit_access);
	check_eq("pair_grant.peer_gets_new_page",
		 PEER_DOES(balloon, 4, XENMEM_populate_physmap, 0), 1);
	check_eq("pair_grant.new_page_scrubbed", PEER_DOES(peek, 4, 1, 0), 0);
	PEER_DOES(poke, 4, 1, 0x11);
	check_eq("pair_grant.new_page_map", map_at(REF + 4, GNTMAP_host_map, 0, &h), 0);
	check_eq("pair_grant.new_page", seen(0, 1), 0x11);
	check_eq("pair_grant.new_page_unmap", unmap_at(0, h), 0);
}

/* ---- copying ---- */

static int64_t copy(uint16_t sdom, uint64_t sref, uint16_t ddom, uint64_t dref, uint16_t flags)
{
	static struct gnttab_copy c;
	int64_t rc;

	memset(&c, 0, sizeof(c));
	c.source.domid = sdom;
	c.source.u.gmfn = sref;
	c.source.offset = 16;
	c.dest.domid = ddom;
	c.dest.u.gmfn = dref;
	c.dest.offset = 32;
	c.len = 8;
	c.flags = flags;
	rc = hc_grant(GNTTABOP_copy, &c, 1);
	return rc ? rc : c.status;
}

static void check_copy(void)
{
	uint64_t mine = virt_to_gfn(pages[0]), theirs = REF + 5;
	uint32_t h;

	memset(pages[0], 0xc3, PAGE_SIZE);
	check_eq("pair_grant.copy_in", copy(PEER, theirs, DOMID_SELF, mine, GNTCOPY_source_gref), 0);
	check_eq("pair_grant.copy_in_data", READ_ONCE(pages[0][32]), 0x45);
	check_eq("pair_grant.copy_in_bounds", READ_ONCE(pages[0][40]), 0xc3);
	check_eq("pair_grant.copy_flags", PEER_DOES(flags_of, theirs, 0, 0), GTF_permit_access);
	pages[0][16] = 0x3c;
	check_eq("pair_grant.copy_out", copy(DOMID_SELF, mine, PEER, theirs, GNTCOPY_dest_gref), 0);
	check_eq("pair_grant.copy_out_data", PEER_DOES(peek, 5, 32, 0), 0x3c);
	check_eq("pair_grant.copy_within_peer",
		 copy(PEER, theirs, PEER, theirs + 1, GNTCOPY_source_gref | GNTCOPY_dest_gref), 0);
	check_eq("pair_grant.copy_within_data", PEER_DOES(peek, 6, 32, 0), 0x45);
	check_eq("pair_grant.copy_to_ro", copy(DOMID_SELF, mine, PEER, REF_RO, GNTCOPY_dest_gref),
		 GNTST_general_error);
	check_eq("pair_grant.copy_from_ro",
		 copy(PEER, REF_RO, DOMID_SELF, mine, GNTCOPY_source_gref), 0);
	check_eq("pair_grant.copy_not_granted",
		 copy(PEER, REF_NONE, DOMID_SELF, mine, GNTCOPY_source_gref), GNTST_general_error);
	check_eq("pair_grant.copy_by_frame", copy(PEER, 0x40001, DOMID_SELF, mine, 0),
		 GNTST_permission_denied);
	map_at((uint32_t)theirs, GNTMAP_host_map, 0, &h);
	check_eq("pair_grant.copy_while_mapped",
		 copy(PEER, theirs, DOMID_SELF, mine, GNTCOPY_source_gref), 0);
	check_eq("pair_grant.copy_keeps_flags", PEER_DOES(flags_of, theirs, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	check_eq("pair_grant.copy_from_mapping",
		 copy(DOMID_SELF, window >> PAGE_SHIFT, DOMID_SELF, mine, 0), GNTST_bad_page);
	unmap_at(0, h);
}

/* ---- the other way round: the peer maps what dom0 gives ---- */

static uint32_t peer_handle;

static int64_t peer_map(uint64_t ref, uint64_t flags, uint64_t c)
{
	(void)c;
	if (!window)
		window = scratch_gfns(NR) << PAGE_SHIFT;
	return grant_map(0, (uint32_t)ref, (uint32_t)flags, window, &peer_handle);
}

static int64_t peer_unmap(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	return grant_unmap(window, peer_handle);
}

static int64_t peer_writes(uint64_t value, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	WRITE_ONCE(*(uint8_t *)window, (uint8_t)value);
	dsb();
	return READ_ONCE(*(uint8_t *)(window + 1));
}

static int64_t peer_query(uint64_t dom, uint64_t b, uint64_t c)
{
	struct gnttab_query_size q = { (uint16_t)dom, 0, 0, 99 };
	int64_t rc = hc_grant(GNTTABOP_query_size, &q, 1);

	(void)b;
	(void)c;
	return rc ? rc : q.status ? q.status : (int64_t)q.max_nr_frames;
}

static int64_t version_of(uint64_t dom, uint64_t b, uint64_t c)
{
	struct gnttab_get_version v = { (uint16_t)dom, 0, 99 };
	int64_t rc = hc_grant(GNTTABOP_get_version, &v, 1);

	(void)b;
	(void)c;
	return rc ? rc : v.version;
}

static void check_reverse(void)
{
	give(REF + 7, 7, GTF_permit_access);
	pages[7][1] = 0xee;
	check_eq("pair_grant.peer_maps", PEER_DOES(peer_map, REF + 7, GNTMAP_host_map, 0), 0);
	check_eq("pair_grant.peer_maps_flags", flags_of(REF + 7, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	check_eq("pair_grant.peer_reads", PEER_DOES(peer_writes, 0x12, 0, 0), 0xee);
	check_eq("pair_grant.peer_wrote", READ_ONCE(pages[7][0]), 0x12);
	check_eq("pair_grant.peer_unmaps", PEER_DOES(peer_unmap, 0, 0, 0), 0);
	check_eq("pair_grant.peer_unmaps_flags", flags_of(REF + 7, 0, 0), GTF_permit_access);
	check_eq("pair_grant.query_peer", peer_query(PEER, 0, 0), 64);
	check_eq("pair_grant.peer_query_self", PEER_DOES(peer_query, DOMID_SELF, 0, 0), 64);
	check_eq("pair_grant.peer_query_dom0", PEER_DOES(peer_query, 0, 0, 0),
		 GNTST_permission_denied);
	check_eq("pair_grant.version_of_peer", version_of(PEER, 0, 0), 1);
	check_eq("pair_grant.peer_asks_version", PEER_DOES(version_of, 0, 0, 0), -XEN_EPERM);
}

/* ---- a side ends while pages are in use ---- */

static void check_end(void)
{
	uint32_t h, h2;

	map_at(REF + 8, GNTMAP_host_map, 0, &h);
	check_eq("pair_grant.peer_maps_last", PEER_DOES(peer_map, REF + 7, GNTMAP_host_map, 0), 0);
	pair_end();
	check("pair_grant.ended", peer_has_ended());
	check_eq("pair_grant.data_after_end", seen(0, 3), 0x48);
	*(volatile uint8_t *)(window + 3) = 0x24;
	check_eq("pair_grant.write_after_end", seen(0, 3), 0x24);
	check_eq("pair_grant.map_after_end", map_at(REF + 9, GNTMAP_host_map, 1, &h2), 0);
	check_eq("pair_grant.data_mapped_after_end", seen(1, 3), 0x49);
	check_eq("pair_grant.unmap_after_end", unmap_at(0, h), 0);
	check_eq("pair_grant.unmap_after_end_2", unmap_at(1, h2), 0);
	check_eq("pair_grant.ended_holds", flags_of(REF + 7, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
}

void guest_main(void)
{
	if (!pair_start())
		return;
	window = scratch_gfns(NR) << PAGE_SHIFT;
	check_eq("pair_grant.give", give_all(0x80, 0, 0), 0);
	check_eq("pair_grant.peer_gives", PEER_DOES(give_all, 0x40, 0, 0), 0);
	check_refusals();
	check_readwrite();
	check_readonly();
	check_batch();
	check_revoked();
	check_page_given_away();
	check_copy();
	check_reverse();
	check_end();
}
