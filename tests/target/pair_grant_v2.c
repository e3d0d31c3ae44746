// SPDX-License-Identifier: Apache-2.0
/*
 * What a guest's node says of its grants: version 2, which it may select and dom0 may not, and
 * limits. Xen 4.17 knows none of these properties, and on Arm version 1 alone.
 */
/* machine: smp=1 pair=1 only=serai timeout=90 peer="max_grant_version = <2>; max_grant_frames = <2>; max_maptrack_frames = <1>;" */
#include "guest.h"

#define REF	   16
#define REF_PART   17
#define REF_VIA	   18
#define REF_MINE   20 /* of dom0 */
#define STATUS_IDX 0x80000000u

static uint8_t pages[4][PAGE_SIZE] PAGE_ALIGNED;
static volatile struct grant_entry_v2 *table;
static volatile uint16_t *status_words;
static uint64_t window;

/* ---- in the peer ---- */

static int64_t set_version(uint64_t version, uint64_t b, uint64_t c)
{
	struct gnttab_set_version v = { (uint32_t)version };
	int64_t rc = hc_grant(GNTTABOP_set_version, &v, 1);

	(void)b;
	(void)c;
	return rc ? rc : v.version;
}

static int64_t map_status(uint64_t idx, uint64_t b, uint64_t c)
{
	uint64_t gfn = scratch_gfn();
	int64_t rc = map_space(XENMAPSPACE_grant_table, STATUS_IDX | idx, gfn);

	(void)b;
	(void)c;
	table = (volatile struct grant_entry_v2 *)grant_table;
	if (rc == 0)
		status_words = (volatile uint16_t *)(gfn << PAGE_SHIFT);
	return rc;
}

static int64_t status_frames(uint64_t nr, uint64_t b, uint64_t c)
{
	uint64_t frames[2] = { 0, 0 };
	struct gnttab_get_status_frames f = { (uint32_t)nr, DOMID_SELF, 99, frames };
	int64_t rc = hc_grant(GNTTABOP_get_status_frames, &f, 1);

	(void)b;
	(void)c;
	if (rc || f.status)
		return rc ? rc : f.status;
	return frames[0] == (uint64_t)status_words >> PAGE_SHIFT;
}

static int64_t give(uint64_t ref, uint64_t page, uint64_t flags)
{
	memset(pages[page], (int)(0x50 + page), PAGE_SIZE);
	table[ref].domid = 0;
	table[ref].frame = virt_to_gfn(pages[page]);
	dsb();
	table[ref].flags = (uint16_t)flags;
	dsb();
	return 0;
}

static int64_t give_part(uint64_t ref, uint64_t off, uint64_t len)
{
	table[ref].page_off = (uint16_t)off;
	table[ref].length = (uint16_t)len;
	return give(ref, 1, GTF_permit_access | GTF_sub_page);
}

static int64_t give_via(uint64_t ref, uint64_t dom, uint64_t via_ref)
{
	table[ref].domid = 0;
	table[ref].page_off = (uint16_t)dom;
	table[ref].frame = via_ref;
	dsb();
	table[ref].flags = GTF_transitive;
	dsb();
	return 0;
}

/* Flags in the upper half, status below. */
static int64_t look(uint64_t ref, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return (int64_t)table[ref].flags << 16 | status_words[ref];
}

static int64_t revoke(uint64_t ref, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	table[ref].flags = 0;
	dsb();
	return status_words[ref];
}

static int64_t v1_flags(uint64_t ref, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return grant_table[ref].flags;
}

#define PEER_DOES(fn, a, b, c) pair_call(fn, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))
#define USE(flags, status)     ((int64_t)(flags) << 16 | (status))

/* ---- in dom0 ---- */

static int64_t version_of_peer(void)
{
	struct gnttab_get_version v = { PEER, 0, 99 };
	int64_t rc = hc_grant(GNTTABOP_get_version, &v, 1);

	return rc ? rc : v.version;
}

static void check_selecting(void)
{
	check_eq("grant_v2.dom0_refused", set_version(2, 0, 0), -XEN_ENOSYS);
	check_eq("grant_v2.no_status_yet", PEER_DOES(map_status, 0, 0, 0), -XEN_EINVAL);
	check_eq("grant_v2.select", PEER_DOES(set_version, 2, 0, 0), 2);
	check_eq("grant_v2.known", version_of_peer(), 2);
	check_eq("grant_v2.again", PEER_DOES(set_version, 2, 0, 0), 2);
	check_eq("grant_v2.three", PEER_DOES(set_version, 3, 0, 0), -XEN_EINVAL);
	check_eq("grant_v2.map_status", PEER_DOES(map_status, 0, 0, 0), 0);
	check_eq("grant_v2.map_status_beyond", PEER_DOES(map_status, 8, 0, 0), -XEN_EINVAL);
	check_eq("grant_v2.status_frames", PEER_DOES(status_frames, 1, 0, 0), 1);
	check_eq("grant_v2.status_frames_beyond", PEER_DOES(status_frames, 2, 0, 0),
		 GNTST_general_error);
	/* The page of the pair has stayed mapped all the while. */
	check_eq("grant_v2.reserved_entry", PEER_DOES(look, PAIR_REF, 0, 0),
		 USE(GTF_permit_access, GTF_reading | GTF_writing));
}

static void check_mapping(void)
{
	uint32_t h;

	PEER_DOES(give, REF, 0, GTF_permit_access);
	check_eq("grant_v2.map", grant_map(PEER, REF, GNTMAP_host_map, window, &h), 0);
	check_eq("grant_v2.data", *(volatile uint8_t *)window, 0x50);
	check_eq("grant_v2.in_use", PEER_DOES(look, REF, 0, 0),
		 USE(GTF_permit_access, GTF_reading | GTF_writing));
	check_eq("grant_v2.revoke_in_use", PEER_DOES(revoke, REF, 0, 0), GTF_reading | GTF_writing);
	check_eq("grant_v2.data_in_use", *(volatile uint8_t *)(window + 1), 0x50);
	check_eq("grant_v2.unmap", grant_unmap(window, h), 0);
	check_eq("grant_v2.unused", PEER_DOES(look, REF, 0, 0), 0);
	check_eq("grant_v2.revoked", grant_map(PEER, REF, GNTMAP_host_map, window, &h),
		 GNTST_general_error);
	PEER_DOES(give, REF, 0, GTF_permit_access | GTF_readonly);
	check_eq("grant_v2.readonly", grant_map(PEER, REF, GNTMAP_host_map, window, &h),
		 GNTST_general_error);
	check_eq("grant_v2.map_ro",
		 grant_map(PEER, REF, GNTMAP_host_map | GNTMAP_readonly, window, &h), 0);
	check_eq("grant_v2.in_use_ro", PEER_DOES(look, REF, 0, 0),
		 USE(GTF_permit_access | GTF_readonly, GTF_reading));
	check_eq("grant_v2.busy", PEER_DOES(set_version, 1, 0, 0), -XEN_EBUSY);
	check_eq("grant_v2.unmap_ro", grant_unmap(window, h), 0);
	PEER_DOES(give_part, REF_PART, 0, PAGE_SIZE);
	check_eq("grant_v2.map_part", grant_map(PEER, REF_PART, GNTMAP_host_map, window, &h),
		 GNTST_general_error);
	PEER_DOES(give_via, REF_VIA, 0, REF_MINE);
	check_eq("grant_v2.map_via", grant_map(PEER, REF_VIA, GNTMAP_host_map, window, &h),
		 GNTST_general_error);
	check_eq("grant_v2.ref_beyond", grant_map(PEER, 256, GNTMAP_host_map, window, &h),
		 GNTST_bad_gntref);
}

/* len bytes from off of the peer's entry to the beginning of dom0's first page. */
static int64_t copy(uint32_t ref, uint16_t off, uint16_t len)
{
	static struct gnttab_copy c;
	int64_t rc;

	memset(&c, 0, sizeof(c));
	c.source.domid = PEER;
	c.source.u.ref = ref;
	c.source.offset = off;
	c.dest.domid = DOMID_SELF;
	c.dest.u.gmfn = virt_to_gfn(pages[0]);
	c.len = len;
	c.flags = GNTCOPY_source_gref;
	rc = hc_grant(GNTTABOP_copy, &c, 1);
	return rc ? rc : c.status;
}

static void check_copying(void)
{
	PEER_DOES(give_part, REF_PART, 100, 50);
	check_eq("grant_v2.copy_part", copy(REF_PART, 100, 50), 0);
	check_eq("grant_v2.copy_part_data", READ_ONCE(pages[0][49]), 0x51);
	check_eq("grant_v2.copy_before", copy(REF_PART, 99, 2), GNTST_general_error);
	check_eq("grant_v2.copy_behind", copy(REF_PART, 149, 2), GNTST_general_error);
	check_eq("grant_v2.copy_over_page", copy(REF_PART, 4090, 10), GNTST_bad_copy_arg);
	check_eq("grant_v2.copy_unused", PEER_DOES(look, REF_PART, 0, 0),
		 USE(GTF_permit_access | GTF_sub_page, 0));
	memset(pages[3], 0x77, PAGE_SIZE);
	grant_set(REF_MINE, PEER, pages[3], GTF_permit_access);
	check_eq("grant_v2.copy_via", copy(REF_VIA, 5, 10), 0);
	check_eq("grant_v2.copy_via_data", READ_ONCE(pages[0][9]), 0x77);
	check_eq("grant_v2.copy_via_unused", PEER_DOES(look, REF_VIA, 0, 0), USE(GTF_transitive, 0));
	check_eq("grant_v2.copy_via_unused_mine", grant_table[REF_MINE].flags, GTF_permit_access);
	grant_set(REF_MINE, PEER, pages[3], 0);
	check_eq("grant_v2.copy_via_revoked", copy(REF_VIA, 5, 10), GNTST_general_error);
	PEER_DOES(give_via, REF_VIA, PEER, REF);
	check_eq("grant_v2.copy_via_itself", copy(REF_VIA, 5, 10), GNTST_general_error);
	PEER_DOES(give_via, REF_VIA, DOMID_NONE, REF);
	check_eq("grant_v2.copy_via_nobody", copy(REF_VIA, 5, 10), GNTST_general_error);
}

/* How often the peer can map dom0's page, 256 times for each page that records it, and no more. */
static int64_t map_many(uint64_t want, uint64_t b, uint64_t c)
{
	static uint32_t handles[300];
	uint64_t gfn = scratch_gfns(ARRAY_SIZE(handles));
	uint32_t n = 0;
	int64_t status;

	(void)b;
	(void)c;
	while ((status = grant_map(0, REF_MINE, GNTMAP_host_map, (gfn + n) << PAGE_SHIFT,
				   &handles[n])) == 0)
		n++;
	if (status != (int64_t)want)
		return status;
	for (uint32_t i = 0; i < n; i++)
		if (grant_unmap((gfn + i) << PAGE_SHIFT, handles[i]) != 0)
			return -100;
	return n;
}

static int64_t map_frame(uint64_t idx, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return map_space(XENMAPSPACE_grant_table, idx, scratch_gfn());
}

static void check_limits(void)
{
	struct gnttab_query_size q = { PEER, 0, 0, 99 };

	check_eq("grant_limits.query", hc_grant(GNTTABOP_query_size, &q, 1), 0);
	check_eq("grant_limits.max_frames", q.max_nr_frames, 2);
	check_eq("grant_limits.last_frame", PEER_DOES(map_frame, 1, 0, 0), 0);
	check_eq("grant_limits.no_more_frames", PEER_DOES(map_frame, 2, 0, 0), -XEN_EINVAL);
	grant_set(REF_MINE, PEER, pages[3], GTF_permit_access);
	check_eq("grant_limits.mappings", PEER_DOES(map_many, GNTST_no_space, 0, 0), 256);
	check_eq("grant_limits.mappings_again", PEER_DOES(map_many, GNTST_no_space, 0, 0), 256);
	check_eq("grant_limits.unused", grant_table[REF_MINE].flags, GTF_permit_access);
}

static void check_back(void)
{
	uint32_t h;

	check_eq("grant_v2.back", PEER_DOES(set_version, 1, 0, 0), 1);
	check_eq("grant_v2.back_known", version_of_peer(), 1);
	check_eq("grant_v2.back_reserved", PEER_DOES(v1_flags, PAIR_REF, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	check_eq("grant_v2.back_cleared", PEER_DOES(v1_flags, REF, 0, 0), 0);
	check_eq("grant_v2.back_no_grant", grant_map(PEER, REF, GNTMAP_host_map, window, &h),
		 GNTST_general_error);
	check_eq("grant_v2.back_no_status", PEER_DOES(status_frames, 1, 0, 0), GNTST_general_error);
}

void guest_main(void)
{
	if (!pair_start())
		return;
	window = scratch_gfn() << PAGE_SHIFT;
	check("grant_v2.table", grants_init());
	check_selecting();
	check_mapping();
	check_copying();
	check_back();
	check_limits();
	pair_end();
}
