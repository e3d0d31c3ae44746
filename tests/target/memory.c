// SPDX-License-Identifier: Apache-2.0
/* memory_op: reservation, physmap spaces, foreign mappings, refusals and what a hole does. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static uint8_t pages[20][PAGE_SIZE] PAGE_ALIGNED;
static uint64_t gfns[20];

static int64_t reserve(uint64_t op, uint64_t n, uint32_t order, uint16_t dom)
{
	struct xen_memory_reservation r = { gfns, n, order, 0, dom };

	return hc_memory(op, &r);
}

static void check_queries(void)
{
	uint16_t self = DOMID_SELF, none = DOMID_NONE;
	int64_t have = hc_memory(XENMEM_current_reservation, &self);
	uint64_t end = machine.memory[0].base + machine.memory[0].size;

	check_eq("memory.current_reservation", have, 131072);
	check_eq("memory.current_reservation_bad_dom", hc_memory(XENMEM_current_reservation, &none),
		 -XEN_ESRCH);
	check_eq("memory.current_reservation_bad_ptr",
		 hc_memory(XENMEM_current_reservation, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT);
	check("memory.maximum_reservation", hc_memory(XENMEM_maximum_reservation, &self) >= have);
	check_eq("memory.maximum_reservation_bad_dom", hc_memory(XENMEM_maximum_reservation, &none),
		 -XEN_ESRCH);
	check("memory.maximum_gpfn",
	      hc_memory(XENMEM_maximum_gpfn, &self) >= (int64_t)(end >> PAGE_SHIFT) - 1);
	check_eq("memory.maximum_gpfn_bad_dom", hc_memory(XENMEM_maximum_gpfn, &none), -XEN_ESRCH);
	check("memory.maximum_ram_page",
	      hc_memory(XENMEM_maximum_ram_page, NULL) >= (int64_t)(end >> PAGE_SHIFT));
}

static void check_decrease_populate(void)
{
	uint64_t gfn = virt_to_gfn(pages[0]);
	uint16_t self = DOMID_SELF;
	int64_t have = hc_memory(XENMEM_current_reservation, &self);
	uint32_t v;

	memset(pages[0], 0x5a, PAGE_SIZE);
	gfns[0] = gfn;
	check_eq("memory.decrease", reserve(XENMEM_decrease_reservation, 1, 0, DOMID_SELF), 1);
	check_eq("memory.reservation_after_decrease", hc_memory(XENMEM_current_reservation, &self),
		 have);
	check_eq("memory.decreased_page_faults", probe_read32((uint64_t)pages[0], &v), 0);
	check_eq("memory.decrease_again", reserve(XENMEM_decrease_reservation, 1, 0, DOMID_SELF),
		 0);
	check_eq("memory.populate", reserve(XENMEM_populate_physmap, 1, 0, DOMID_SELF), 1);
	check_eq("memory.populate_keeps_gfn", (int64_t)gfns[0], (int64_t)gfn);
	check("memory.populated_page_usable", probe_write32((uint64_t)pages[0], 0x1234) &&
						      probe_read32((uint64_t)pages[0], &v) &&
						      v == 0x1234);
	check_eq("memory.populate_already_populated",
		 reserve(XENMEM_populate_physmap, 1, 0, DOMID_SELF), 1);
}

static void check_batches(void)
{
	int64_t wrong = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = virt_to_gfn(pages[i]);
	gfns[5] = hole_address() >> PAGE_SHIFT;
	check_eq("memory.decrease_stops_at_hole",
		 reserve(XENMEM_decrease_reservation, ARRAY_SIZE(gfns), 0, DOMID_SELF), 5);
	gfns[5] = virt_to_gfn(pages[5]);
	check_eq("memory.populate_5", reserve(XENMEM_populate_physmap, 5, 0, DOMID_SELF), 5);
	check_eq("memory.decrease_20",
		 reserve(XENMEM_decrease_reservation, ARRAY_SIZE(gfns), 0, DOMID_SELF),
		 ARRAY_SIZE(gfns));
	check_eq("memory.populate_20",
		 reserve(XENMEM_populate_physmap, ARRAY_SIZE(gfns), 0, DOMID_SELF),
		 ARRAY_SIZE(gfns));
	for (unsigned int i = 0; i < ARRAY_SIZE(gfns); i++)
		if (!probe_write64((uint64_t)pages[i], i))
			wrong++;
	check_eq("memory.populated_20_usable", wrong, 0);
}

static void check_reservation_refusals(void)
{
	struct xen_memory_reservation r = { (uint64_t *)UNMAPPED_ADDRESS, 1, 0, 0, DOMID_SELF };

	gfns[0] = hole_address() >> PAGE_SHIFT;
	check_eq("memory.decrease_hole", reserve(XENMEM_decrease_reservation, 1, 0, DOMID_SELF), 0);
	check_eq("memory.decrease_bad_dom", reserve(XENMEM_decrease_reservation, 1, 0, DOMID_NONE),
		 0);
	check_eq("memory.populate_bad_dom", reserve(XENMEM_populate_physmap, 1, 0, DOMID_NONE), 0);
	check_eq("memory.populate_order_huge", reserve(XENMEM_populate_physmap, 1, 40, DOMID_SELF),
		 0);
	check_eq("memory.decrease_order_huge",
		 reserve(XENMEM_decrease_reservation, 1, 40, DOMID_SELF), 0);
	check_eq("memory.populate_nr0", reserve(XENMEM_populate_physmap, 0, 0, DOMID_SELF), 0);
	check_eq("memory.populate_bad_extent_ptr", hc_memory(XENMEM_populate_physmap, &r), 0);
	check_eq("memory.decrease_bad_extent_ptr", hc_memory(XENMEM_decrease_reservation, &r), 0);
	check_eq("memory.populate_bad_ptr",
		 hc_memory(XENMEM_populate_physmap, (void *)UNMAPPED_ADDRESS), 0);
	check_eq("memory.decrease_bad_ptr",
		 hc_memory(XENMEM_decrease_reservation, (void *)UNMAPPED_ADDRESS), 0);
}

/* The shared info page is at one place only and can be moved. */
static void check_shared_info(void)
{
	uint64_t gfn = virt_to_gfn(shared_info), other = scratch_gfn();
	uint32_t v;

	check_eq("memory.atp_shared_info_second_gfn", map_space(XENMAPSPACE_shared_info, 0, other),
		 -XEN_EBUSY);
	check_eq("memory.remove_shared_info", unmap_gfn(gfn), 0);
	check_eq("memory.shared_info_gfn_faults_after_remove", probe_read32(gfn << PAGE_SHIFT, &v),
		 0);
	check_eq("memory.atp_shared_info_new_gfn", map_space(XENMAPSPACE_shared_info, 0, other), 0);
	check("memory.shared_info_keeps_content",
	      probe_read32((other << PAGE_SHIFT) + offsetof(struct shared_info, evtchn_mask), &v) &&
		      v == ~0u);
	check_eq("memory.remove_shared_info_new", unmap_gfn(other), 0);
	check_eq("memory.atp_shared_info_back", map_space(XENMAPSPACE_shared_info, 0, gfn), 0);
}

static void check_spaces(void)
{
	uint64_t gfn = scratch_gfn();
	struct xen_add_to_physmap a = { DOMID_NONE, 0, XENMAPSPACE_grant_table, 0, gfn };

	check_eq("memory.atp_grant_0", map_space(XENMAPSPACE_grant_table, 0, gfn), 0);
	check_eq("memory.remove_grant_0", unmap_gfn(gfn), 0);
	check_eq("memory.atp_grant_idx_too_big", map_space(XENMAPSPACE_grant_table, 1000, gfn),
		 -XEN_EINVAL);
	check_eq("memory.atp_shared_info_idx1", map_space(XENMAPSPACE_shared_info, 1, gfn),
		 -XEN_EINVAL);
	check_eq("memory.atp_gmfn", map_space(XENMAPSPACE_gmfn, 0, gfn), -XEN_ENOSYS);
	check_eq("memory.atp_gmfn_foreign", map_space(XENMAPSPACE_gmfn_foreign, 0, gfn),
		 -XEN_ENOSYS);
	check_eq("memory.atp_unknown_space", map_space(77, 0, gfn), -XEN_ENOSYS);
	check_eq("memory.atp_bad_dom", hc_memory(XENMEM_add_to_physmap, &a), -XEN_ESRCH);
	check_eq("memory.atp_bad_ptr", hc_memory(XENMEM_add_to_physmap, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	a.domid = DOMID_SELF;
	a.size = 1;
	a.space = XENMAPSPACE_gmfn_range;
	check_eq("memory.atp_gmfn_range", hc_memory(XENMEM_add_to_physmap, &a), -XEN_ENOSYS);
	if (machine.rtc.base)
		check_eq("memory.atp_dev_mmio",
			 map_space(XENMAPSPACE_dev_mmio, machine.rtc.base >> PAGE_SHIFT,
				   machine.rtc.base >> PAGE_SHIFT),
			 0);
}

static int64_t foreign(uint16_t dom, uint64_t frame, int32_t *err)
{
	uint64_t gfn = scratch_gfn();
	struct xen_add_to_physmap_batch b = {
		DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, dom, &frame, &gfn, err
	};

	*err = 99;
	return hc_memory(XENMEM_add_to_physmap_batch, &b);
}

static void check_batch_map(void)
{
	struct xen_add_to_physmap_batch b = { DOMID_SELF, XENMAPSPACE_grant_table, 2, 0, NULL, NULL,
					      NULL };
	uint64_t idxs[2] = { 0, 1000 }, to[2];
	int32_t errs[2] = { 99, 99 };
	int32_t err;

	check_eq("memory.atpb_foreign_bad_dom", foreign(DOMID_NONE, 1, &err), 0);
	check_eq("memory.atpb_foreign_bad_dom_err0", err, -XEN_ESRCH);
	check_eq("memory.atpb_foreign_self", foreign(DOMID_SELF, virt_to_gfn(pages), &err), 0);
	check_eq("memory.atpb_foreign_self_err0", err, -XEN_EINVAL);
	to[0] = scratch_gfns(2);
	to[1] = to[0] + 1;
	b.idxs = idxs;
	b.gpfns = to;
	b.errs = errs;
	check_eq("memory.atpb_grant", hc_memory(XENMEM_add_to_physmap_batch, &b), 0);
	check_eq("memory.atpb_grant_err0", errs[0], 0);
	check_eq("memory.atpb_grant_err1", errs[1], -XEN_EINVAL);
	b.size = 0;
	check_eq("memory.atpb_size_0", hc_memory(XENMEM_add_to_physmap_batch, &b), 0);
	b.size = 1;
	b.errs = (int32_t *)UNMAPPED_ADDRESS;
	check_eq("memory.atpb_bad_errs_ptr", hc_memory(XENMEM_add_to_physmap_batch, &b),
		 -XEN_EFAULT);
	check_eq("memory.atpb_bad_ptr",
		 hc_memory(XENMEM_add_to_physmap_batch, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT);
}

static void check_remove(void)
{
	struct xen_remove_from_physmap r = { DOMID_NONE, 1 };
	uint32_t v;

	check_eq("memory.remove_hole", unmap_gfn(hole_address() >> PAGE_SHIFT), -XEN_ENOENT);
	check_eq("memory.remove_bad_dom", hc_memory(XENMEM_remove_from_physmap, &r), -XEN_ESRCH);
	check_eq("memory.remove_bad_ptr",
		 hc_memory(XENMEM_remove_from_physmap, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT);
	check_eq("memory.remove_ram_page", unmap_gfn(virt_to_gfn(pages[19])), 0);
	check_eq("memory.removed_page_faults", probe_read32((uint64_t)pages[19], &v), 0);
	check_eq("memory.remove_ram_page_again", unmap_gfn(virt_to_gfn(pages[19])), -XEN_ENOENT);
}

static int64_t exchange(uint64_t n, uint32_t order, uint64_t m, uint32_t out_order, uint16_t dom)
{
	static uint64_t out[20];
	struct xen_memory_exchange x = { { gfns, n, order, 0, dom }, { out, m, out_order, 0, dom }, 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(gfns); i++)
		out[i] = gfns[i] = virt_to_gfn(pages[i]);
	return hc_memory(XENMEM_exchange, &x);
}

/* Frames of domains with stage 2 cannot be exchanged. */
static void check_exchange(void)
{
	struct xen_memory_exchange x = { { gfns, 2, 0, 0, DOMID_SELF },
					 { gfns, 2, 0, 0, DOMID_SELF }, 0 };

	check_eq("memory.exchange_1", exchange(1, 0, 1, 0, DOMID_SELF), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_into_larger", exchange(4, 0, 1, 2, DOMID_SELF), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_into_smaller", exchange(1, 2, 4, 0, DOMID_SELF), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_unequal", exchange(2, 1, 1, 1, DOMID_SELF), -XEN_EINVAL);
	check_eq("memory.exchange_order_18", exchange(1, 18, 1, 18, DOMID_SELF), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_order_19", exchange(1, 19, 1, 19, DOMID_SELF), -XEN_EPERM);
	check_eq("memory.exchange_bad_dom", exchange(1, 0, 1, 0, DOMID_NONE), -XEN_ESRCH);
	check_eq("memory.exchange_bad_ptr",
		 hc_memory(XENMEM_exchange, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT);
	x.nr_exchanged = 1;
	check_eq("memory.exchange_1_of_2", hc_memory(XENMEM_exchange, &x), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_1_of_2_stays", (int64_t)x.nr_exchanged, 1);
	x.nr_exchanged = 2;
	check_eq("memory.exchange_2_of_2", hc_memory(XENMEM_exchange, &x), 0);
	x.nr_exchanged = 3;
	check_eq("memory.exchange_3_of_2", hc_memory(XENMEM_exchange, &x), -XEN_EINVAL);
	x.nr_exchanged = x.out.nr_extents = x.out.extent_order = 1;
	check_eq("memory.exchange_half", hc_memory(XENMEM_exchange, &x), -XEN_EOPNOTSUPP);
	check_eq("memory.exchange_half_begun_anew", (int64_t)x.nr_exchanged, 0);
	gfns[0] = hole_address() >> PAGE_SHIFT;
	check_eq("memory.exchange_hole", hc_memory(XENMEM_exchange, &x), -XEN_EINVAL);
	x.in.extent_start = (uint64_t *)UNMAPPED_ADDRESS;
	check_eq("memory.exchange_bad_list", hc_memory(XENMEM_exchange, &x), -XEN_EFAULT);
	x.in.domid = 0;
	check_eq("memory.exchange_two_doms", hc_memory(XENMEM_exchange, &x), -XEN_EINVAL);
}

static int64_t claim(uint64_t n, uint32_t order, uint32_t flags, uint16_t dom)
{
	struct xen_memory_reservation r = { NULL, n, order, flags, dom };

	return hc_memory(XENMEM_claim_pages, &r);
}

/* dom0 has all that it may have: nothing is left to be claimed. */
static void check_claims(void)
{
	check_eq("memory.claim_0", claim(0, 0, 0, 0), 0);
	check_eq("memory.claim_less", claim(131072, 0, 0, 0), -XEN_EINVAL);
	check_eq("memory.claim_too_much", claim(131073, 0, 0, 0), -XEN_EINVAL);
	check_eq("memory.claim_order", claim(0, 1, 0, 0), -XEN_EINVAL);
	check_eq("memory.claim_flags", claim(0, 0, 1, 0), -XEN_EINVAL);
	check_eq("memory.claim_self", claim(0, 0, 0, DOMID_SELF), -XEN_EINVAL);
	check_eq("memory.claim_bad_dom", claim(0, 0, 0, DOMID_NONE), -XEN_EINVAL);
	check_eq("memory.claim_bad_ptr", hc_memory(XENMEM_claim_pages, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
}

static void check_unserved(void)
{
	static uint64_t arg[16];

	check_eq("memory.memory_map", hc_memory(XENMEM_memory_map, arg), -XEN_ENOSYS);
	check_eq("memory.machine_memory_map", hc_memory(XENMEM_machine_memory_map, arg),
		 -XEN_ENOSYS);
	check_eq("memory.machphys_mfn_list", hc_memory(XENMEM_machphys_mfn_list, arg), -XEN_ENOSYS);
	check_eq("memory.machphys_mapping", hc_memory(XENMEM_machphys_mapping, arg), -XEN_ENOSYS);
	check_eq("memory.op8", hc_memory(8, arg), -XEN_ENOSYS);
	check_eq("memory.sharing_freed_pages", hc_memory(XENMEM_get_sharing_freed_pages, arg), 0);
	check_eq("memory.sharing_shared_pages", hc_memory(XENMEM_get_sharing_shared_pages, arg), 0);
	check_eq("memory.unknown_40", hc_memory(40, arg), -XEN_ENOSYS);
	check_eq("memory.unknown_63", hc_memory(63, arg), -XEN_ENOSYS);
}

static void check_acquire(void)
{
	struct xen_mem_acquire_resource a = { DOMID_NONE, XENMEM_resource_grant_table, 0, 0, 0, 0,
					      NULL };

	check_eq("memory.acquire_bad_dom", hc_memory(XENMEM_acquire_resource, &a), -XEN_ESRCH);
	a.domid = DOMID_SELF;
	a.pad = 1;
	check_eq("memory.acquire_pad_nonzero", hc_memory(XENMEM_acquire_resource, &a), -XEN_EINVAL);
	check_eq("memory.acquire_bad_ptr",
		 hc_memory(XENMEM_acquire_resource, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT);
}

/* An access that stage 2 does not know is a data abort with its address, at EL1. */
static void check_hole(void)
{
	uint64_t hole = hole_address();
	uint32_t v;

	check_eq("abort.hole_read_faults", probe_read32(hole + 8, &v), 0);
	check_eq("abort.hole_read_ec", (int64_t)ESR_EC(fault.esr), EC_DATA_ABORT);
	check_eq("abort.hole_read_esr", (int64_t)fault.esr, 0x96000000);
	check_eq("abort.hole_read_far", (int64_t)fault.far, (int64_t)hole + 8);
	check_eq("abort.hole_write_faults", probe_write32(hole + 16, 1), 0);
	check_eq("abort.hole_write_ec", (int64_t)ESR_EC(fault.esr), EC_DATA_ABORT);
	check_eq("abort.hole_write_far", (int64_t)fault.far, (int64_t)hole + 16);
}

void guest_main(void)
{
	check_queries();
	check_decrease_populate();
	check_batches();
	check_reservation_refusals();
	if (check("memory.atp_shared_info", events_init()))
		check_shared_info();
	check_spaces();
	check_batch_map();
	check_exchange();
	check_claims();
	check_remove();
	check_unserved();
	check_acquire();
	check_hole();
}
