// SPDX-License-Identifier: Apache-2.0
/* Grant tables of version 1: set-up, mapping, copying, refusals. The domain grants to itself. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

#define REF	  8 /* first reference behind the reserved ones */
#define REF_RO	  9
#define REF_OTHER 10 /* granted to a domain that does not exist */
#define REF_HOLE  11 /* names a frame that is nobody's */
#define REF_EMPTY 12

static uint8_t pages[4][PAGE_SIZE] PAGE_ALIGNED;
static volatile struct grant_entry_v1 *table;
static uint64_t window; /* guest physical address to map at */
static struct gnttab_unmap_grant_ref last; /* how to undo the last mapping */

static void grant(uint32_t ref, uint16_t flags, uint16_t dom, uint64_t frame)
{
	table[ref].flags = 0;
	table[ref].frame = (uint32_t)frame;
	table[ref].domid = dom;
	dsb();
	table[ref].flags = flags;
}

/* Status of one map; a success is remembered for unmap(). */
static int64_t map(uint32_t ref, uint32_t flags, uint16_t dom, uint64_t addr)
{
	struct gnttab_map_grant_ref m = { addr, flags, ref, dom, 99, 0, 0 };
	int64_t rc = hc_grant(GNTTABOP_map_grant_ref, &m, 1);

	if (rc)
		return rc;
	if (m.status == 0) {
		last.host_addr = addr;
		last.dev_bus_addr = 0;
		last.handle = m.handle;
	}
	return m.status;
}

static int64_t unmap(void)
{
	int64_t rc;

	last.status = 99;
	rc = hc_grant(GNTTABOP_unmap_grant_ref, &last, 1);
	return rc ? rc : last.status;
}

static void check_setup(void)
{
	struct gnttab_query_size q = { DOMID_SELF, 0, 0, 99 };
	struct gnttab_get_version v = { DOMID_SELF, 0, 0 };
	static uint64_t frames[64];
	struct gnttab_setup_table s = { DOMID_SELF, 1, 99, frames };

	check_eq("gnttab.query_size", hc_grant(GNTTABOP_query_size, &q, 1), 0);
	check_eq("gnttab.query_size_status", q.status, 0);
	check_eq("gnttab.max_frames", q.max_nr_frames, 64);
	q.dom = DOMID_NONE;
	hc_grant(GNTTABOP_query_size, &q, 1);
	check_eq("gnttab.query_bad_domain", q.status, GNTST_bad_domain);
	check_eq("gnttab.get_version", hc_grant(GNTTABOP_get_version, &v, 1), 0);
	check_eq("gnttab.version_initial", v.version, 1);
	v.dom = DOMID_NONE;
	check_eq("gnttab.get_version_bad_dom", hc_grant(GNTTABOP_get_version, &v, 1), -XEN_ESRCH);
	check_eq("gnttab.setup_table", hc_grant(GNTTABOP_setup_table, &s, 1), 0);
	check_eq("gnttab.setup_table_status", s.status, 0);
	s.nr_frames = 1000;
	hc_grant(GNTTABOP_setup_table, &s, 1);
	check_eq("gnttab.setup_table_too_many", s.status, GNTST_general_error);
	s.dom = DOMID_NONE;
	s.nr_frames = 1;
	hc_grant(GNTTABOP_setup_table, &s, 1);
	check_eq("gnttab.setup_table_bad_dom", s.status, GNTST_bad_domain);
}

static bool map_table(void)
{
	uint64_t gfn = machine.hypervisor[0].base >> PAGE_SHIFT;
	struct gnttab_get_version v = { DOMID_SELF, 0, 0 };
	struct gnttab_query_size q = { DOMID_SELF, 0, 0, 99 };

	if (!check_eq("gnttab.map_frame_0", map_space(XENMAPSPACE_grant_table, 0, gfn), 0))
		return false;
	check_eq("gnttab.map_frame_3_grows", map_space(XENMAPSPACE_grant_table, 3, gfn + 3), 0);
	hc_grant(GNTTABOP_query_size, &q, 1);
	check_eq("gnttab.nr_frames_after_growth", q.nr_frames, 4);
	table = (void *)(gfn << PAGE_SHIFT);
	hc_grant(GNTTABOP_get_version, &v, 1);
	check_eq("gnttab.version_after_map", v.version, 1);
	check_eq("gnttab.new_frame_is_zero", table[100].flags, 0);
	window = scratch_gfns(4) << PAGE_SHIFT;
	grant(REF, GTF_permit_access, 0, virt_to_gfn(pages[0]));
	grant(REF_RO, GTF_permit_access | GTF_readonly, 0, virt_to_gfn(pages[1]));
	grant(REF_OTHER, GTF_permit_access, DOMID_NONE, virt_to_gfn(pages[0]));
	grant(REF_HOLE, GTF_permit_access, 0, hole_address() >> PAGE_SHIFT);
	return true;
}

static void check_map_refusals(void)
{
	const uint32_t host = GNTMAP_host_map;
	struct gnttab_map_grant_ref m[1];

	check_eq("gnttab.map_bad_domain", map(REF, host, DOMID_NONE, window), GNTST_bad_domain);
	check_eq("gnttab.map_domid_self", map(REF, host, DOMID_SELF, window), GNTST_bad_domain);
	check_eq("gnttab.map_no_flags", map(REF, 0, 0, window), GNTST_bad_gntref);
	check_eq("gnttab.map_ref_huge", map(1u << 30, host, 0, window), GNTST_bad_gntref);
	check_eq("gnttab.map_ref_invalid_entry", map(REF_EMPTY, host, 0, window),
		 GNTST_general_error);
	check_eq("gnttab.map_other_domain_grantee", map(REF_OTHER, host, 0, window),
		 GNTST_general_error);
	check_eq("gnttab.map_rw_of_readonly", map(REF_RO, host, 0, window), GNTST_general_error);
	check_eq("gnttab.map_frame_not_owned", map(REF_HOLE, host, 0, window), GNTST_bad_page);
	check_eq("gnttab.map_device_only", map(REF, GNTMAP_device_map, 0, window),
		 GNTST_general_error);
	check_eq("gnttab.map_host_device", map(REF, host | GNTMAP_device_map, 0, window),
		 GNTST_general_error);
	check_eq("gnttab.refusals_leave_flags", table[REF].flags, GTF_permit_access);
	check_eq("gnttab.map_count_0", hc_grant(GNTTABOP_map_grant_ref, m, 0), 0);
	check_eq("gnttab.unmap_count_0", hc_grant(GNTTABOP_unmap_grant_ref, m, 0), 0);
	check_eq("gnttab.map_bad_ptr",
		 hc_grant(GNTTABOP_map_grant_ref, (void *)UNMAPPED_ADDRESS, 1), -XEN_EFAULT);
	check_eq("gnttab.unmap_bad_ptr",
		 hc_grant(GNTTABOP_unmap_grant_ref, (void *)UNMAPPED_ADDRESS, 1), -XEN_EFAULT);
}

static void check_readonly(void)
{
	uint32_t v = 0;

	*(uint32_t *)pages[1] = 0x600d;
	check_eq("gnttab.map_ro", map(REF_RO, GNTMAP_host_map | GNTMAP_readonly, 0, window), 0);
	check_eq("gnttab.flags_reading_set", table[REF_RO].flags, 0xd);
	probe_read32(window, &v);
	check_eq("gnttab.read_through_ro", v, 0x600d);
	/* Real Xen never comes back from this write: it is tried on Serai only. */
	if (str_contains(machine.bootargs, "hyp=serai")) {
		check_eq("gnttab.write_ro_faults", probe_write32(window, 1), 0);
		check_eq("gnttab.write_ro_ec", (int64_t)ESR_EC(fault.esr), EC_DATA_ABORT);
	}
	last.host_addr = (uint64_t)pages[3];
	check_eq("gnttab.unmap_wrong_addr", unmap(), GNTST_general_error);
	last.host_addr = window;
	check_eq("gnttab.unmap_ro", unmap(), 0);
	check_eq("gnttab.flags_cleared", table[REF_RO].flags, GTF_permit_access | GTF_readonly);
	check_eq("gnttab.access_after_unmap_faults", probe_read32(window, &v), 0);
	check_eq("gnttab.access_after_unmap_esr", (int64_t)fault.esr, 0x96000000);
}

static void check_readwrite(void)
{
	struct gnttab_map_grant_ref m = { window, GNTMAP_host_map, REF, 0, 99, 0, 0 };
	uint32_t handle;

	hc_grant(GNTTABOP_map_grant_ref, &m, 1);
	check_eq("gnttab.map_rw", m.status, 0);
	check_eq("gnttab.flags_rw", table[REF].flags, 0x19);
	check_eq("gnttab.dev_bus_addr", (int64_t)m.dev_bus_addr, (int64_t)pages[0]);
	check("gnttab.write_through_rw", probe_write32(window, 0x55aa));
	check_eq("gnttab.shared_write", READ_ONCE(*(uint32_t *)pages[0]), 0x55aa);
	last.host_addr = window;
	last.handle = m.handle;
	check_eq("gnttab.unmap_rw", unmap(), 0);
	check_eq("gnttab.unmap_again", unmap(), GNTST_bad_handle);
	handle = last.handle;
	last.handle = 0x7fffffff;
	check_eq("gnttab.unmap_bad_handle", unmap(), GNTST_bad_handle);
	last.handle = handle;
	check_eq("gnttab.map_unaligned_addr", map(REF, GNTMAP_host_map, 0, window + 0x123), 0);
	check_eq("gnttab.unmap_unaligned", unmap(), 0);
}

/* One reference mapped twice keeps its flags until the last mapping is gone. */
static void check_twice(void)
{
	struct gnttab_unmap_grant_ref first;

	check_eq("gnttab.map_first", map(REF, GNTMAP_host_map, 0, window), 0);
	first = last;
	check_eq("gnttab.map_second",
		 map(REF, GNTMAP_host_map | GNTMAP_readonly, 0, window + PAGE_SIZE), 0);
	check("gnttab.second_handle_differs", first.handle != last.handle);
	check_eq("gnttab.unmap_second", unmap(), 0);
	check_eq("gnttab.flags_after_one_unmap", table[REF].flags, 0x19);
	last = first;
	check_eq("gnttab.unmap_first", unmap(), 0);
	check_eq("gnttab.flags_after_both_unmaps", table[REF].flags, GTF_permit_access);
}

static void check_batch(void)
{
	struct gnttab_map_grant_ref m[3] = {
		{ window, GNTMAP_host_map, REF, 0, 99, 0, 0 },
		{ window + PAGE_SIZE, GNTMAP_host_map, REF_EMPTY, 0, 99, 0, 0 },
		{ window + 2 * PAGE_SIZE, GNTMAP_host_map | GNTMAP_readonly, REF_RO, 0, 99, 0, 0 },
	};
	struct gnttab_unmap_grant_ref u[2] = { { window, 0, 0, 99 },
					       { window + 2 * PAGE_SIZE, 0, 0, 99 } };

	check_eq("gnttab.batch_rc", hc_grant(GNTTABOP_map_grant_ref, m, 3), 0);
	check_eq("gnttab.batch_status_0", m[0].status, 0);
	check_eq("gnttab.batch_status_1", m[1].status, GNTST_general_error);
	check_eq("gnttab.batch_status_2", m[2].status, 0);
	u[0].handle = m[0].handle;
	u[1].handle = m[2].handle;
	check_eq("gnttab.batch_unmap_rc", hc_grant(GNTTABOP_unmap_grant_ref, u, 2), 0);
	check_eq("gnttab.batch_unmap_status_0", u[0].status, 0);
	check_eq("gnttab.batch_unmap_status_1", u[1].status, 0);
}

static struct gnttab_copy copy_template(void)
{
	struct gnttab_copy c = { .len = 64, .flags = 0, .status = 99 };

	c.source.u.gmfn = virt_to_gfn(pages[0]);
	c.source.domid = DOMID_SELF;
	c.dest.u.gmfn = virt_to_gfn(pages[2]);
	c.dest.domid = DOMID_SELF;
	return c;
}

static int64_t copy(struct gnttab_copy *c)
{
	int64_t rc = hc_grant(GNTTABOP_copy, c, 1);

	return rc ? rc : c->status;
}

static void check_copy(void)
{
	struct gnttab_copy c = copy_template();

	*(uint64_t *)pages[0] = 0x1122334455667788;
	c.dest.offset = 256;
	check_eq("gnttab.copy_gmfn", copy(&c), 0);
	check_eq("gnttab.copy_data", READ_ONCE(*(int64_t *)(pages[2] + 256)), 0x1122334455667788);
	check_eq("gnttab.copy_not_further", pages[2][256 + 64], 0);
	c = copy_template();
	c.flags = GNTCOPY_source_gref;
	c.source.u.ref = REF;
	c.source.domid = 0;
	check_eq("gnttab.copy_src_ref", copy(&c), 0);
	check_eq("gnttab.copy_src_ref_flags", table[REF].flags, GTF_permit_access);
	c = copy_template();
	c.flags = GNTCOPY_dest_gref;
	c.dest.u.ref = REF;
	c.dest.domid = 0;
	check_eq("gnttab.copy_dst_ref", copy(&c), 0);
	c.dest.u.ref = REF_RO;
	check_eq("gnttab.copy_dst_ro_ref", copy(&c), GNTST_general_error);
	c = copy_template();
	c.source.offset = 4090;
	check_eq("gnttab.copy_cross_page", copy(&c), GNTST_bad_copy_arg);
	c = copy_template();
	c.source.offset = 5000;
	check_eq("gnttab.copy_offset_big", copy(&c), GNTST_bad_copy_arg);
	c = copy_template();
	c.len = 0;
	check_eq("gnttab.copy_len0", copy(&c), 0);
	c = copy_template();
	c.len = PAGE_SIZE;
	check_eq("gnttab.copy_whole_page", copy(&c), 0);
}

static void check_copy_refusals(void)
{
	struct gnttab_copy c = copy_template();

	c.flags = GNTCOPY_source_gref;
	c.source.u.ref = REF;
	c.source.domid = DOMID_NONE;
	check_eq("gnttab.copy_bad_dom", copy(&c), GNTST_bad_domain);
	c.source.domid = 0;
	c.source.u.ref = 1u << 30;
	check_eq("gnttab.copy_bad_ref", copy(&c), GNTST_bad_gntref);
	c = copy_template();
	c.source.u.gmfn = hole_address() >> PAGE_SHIFT;
	check_eq("gnttab.copy_bad_gmfn", copy(&c), GNTST_bad_page);
	c = copy_template();
	c.source.domid = DOMID_NONE;
	check_eq("gnttab.copy_gmfn_other_dom", copy(&c), GNTST_bad_domain);
	check_eq("gnttab.copy_bad_ptr", hc_grant(GNTTABOP_copy, (void *)UNMAPPED_ADDRESS, 1),
		 -XEN_EFAULT);
}

static void check_other_ops(void)
{
	struct gnttab_transfer t = { 1, 0, REF_EMPTY, 99 };
	struct gnttab_unmap_and_replace u = { window, window, 0x7fffffff, 99 };
	uint64_t frame;
	struct gnttab_get_status_frames f = { 1, DOMID_SELF, 99, &frame };
	struct gnttab_swap_grant_ref s = { REF_EMPTY, REF_RO, 99 };
	struct gnttab_query_size q = { DOMID_SELF, 0, 0, 99 };

	check_eq("gnttab.transfer_rc", hc_grant(GNTTABOP_transfer, &t, 1), -XEN_EOPNOTSUPP);
	check_eq("gnttab.dump_table", hc_grant(GNTTABOP_dump_table, &q, 1), -XEN_ENOSYS);
	check_eq("gnttab.unmap_and_replace_rc", hc_grant(GNTTABOP_unmap_and_replace, &u, 1), 0);
	check_eq("gnttab.unmap_and_replace_status", u.status, GNTST_bad_handle);
	check_eq("gnttab.get_status_frames_rc_v1", hc_grant(GNTTABOP_get_status_frames, &f, 1), 0);
	check_eq("gnttab.get_status_frames_status_v1", f.status, GNTST_general_error);
	check_eq("gnttab.swap", hc_grant(GNTTABOP_swap_grant_ref, &s, 1), 0);
	check_eq("gnttab.swap_status", s.status, 0);
	check_eq("gnttab.swap_effect", table[REF_EMPTY].flags, GTF_permit_access | GTF_readonly);
	check_eq("gnttab.swap_effect_other", table[REF_RO].flags, 0);
	s.ref_a = 1u << 30;
	hc_grant(GNTTABOP_swap_grant_ref, &s, 1);
	check_eq("gnttab.swap_bad_ref", s.status, GNTST_bad_gntref);
	check_eq("gnttab.unknown_13", hc_grant(13, &q, 1), -XEN_ENOSYS);
	check_eq("gnttab.count_negative", hc_grant(GNTTABOP_query_size, &q, ~0ul), -XEN_EINVAL);
}

static int64_t cache_flush(uint32_t op, uint16_t offset, uint16_t length)
{
	struct gnttab_cache_flush f = { { (uint64_t)pages[0] }, offset, length, op };

	return hc_grant(GNTTABOP_cache_flush, &f, 1);
}

static void check_cache_flush(void)
{
	check_eq("gnttab.cache_flush_clean", cache_flush(GNTTAB_CACHE_CLEAN, 0, 64), 0);
	check_eq("gnttab.cache_flush_clean_inval",
		 cache_flush(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL, 0, PAGE_SIZE), 0);
	check_eq("gnttab.cache_flush_op0", cache_flush(0, 0, 0), 0);
	check_eq("gnttab.cache_flush_bad_op", cache_flush(1u << 5, 0, 64), -XEN_EINVAL);
	check_eq("gnttab.cache_flush_cross", cache_flush(GNTTAB_CACHE_CLEAN, 4090, 64),
		 -XEN_EINVAL);
	check_eq("gnttab.cache_flush_gref",
		 cache_flush(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF, 0, 64), -XEN_EINVAL);
}

static void check_versions(void)
{
	struct gnttab_set_version v[2] = { { 3 }, { 1 } };

	check_eq("gnttab.set_version_3", hc_grant(GNTTABOP_set_version, v, 1), -XEN_EINVAL);
	v[0].version = 1;
	check_eq("gnttab.set_version_1", hc_grant(GNTTABOP_set_version, v, 1), 0);
	check_eq("gnttab.set_version_1_out", v[0].version, 1);
	v[0].version = 2;
	check_eq("gnttab.set_version_2", hc_grant(GNTTABOP_set_version, v, 1), -XEN_ENOSYS);
	check_eq("gnttab.set_version_2_out", v[0].version, 1);
	check_eq("gnttab.still_granting", map(REF, GNTMAP_host_map, 0, window), 0);
	check_eq("gnttab.still_ungranting", unmap(), 0);
}

void guest_main(void)
{
	check_setup();
	if (!map_table())
		return;
	check_map_refusals();
	check_readonly();
	check_readwrite();
	check_twice();
	check_batch();
	check_copy();
	check_copy_refusals();
	check_other_ops();
	check_cache_flush();
	check_versions();
}
