// SPDX-License-Identifier: Apache-2.0
/* Memory between two domains: foreign mappings, resources of another, and who may not. */
/* machine: smp=1 vcpus=2 pair=1 timeout=60 */
#include "guest.h"

#define NR 4

static uint8_t pages[NR][PAGE_SIZE] PAGE_ALIGNED;

#define PEER_DOES(fn, a, b, c) pair_call(fn, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))

/* ---- what either side does; in the peer through pair_call ---- */

static int64_t gfn_of(uint64_t page, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	return (int64_t)virt_to_gfn(pages[page]);
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

/* One page of dom's at gfn `to`: what the entry says, or the call when it failed as a whole. */
static int64_t foreign(uint64_t dom, uint64_t frame, uint64_t to)
{
	int32_t err = 99;
	struct xen_add_to_physmap_batch b = {
		DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, (uint16_t)dom, &frame, &to, &err
	};
	int64_t rc = hc_memory(XENMEM_add_to_physmap_batch, &b);

	return rc ? rc : err;
}

/* Into another's addresses; by a domU, dom0's. */
static int64_t push(uint64_t dom, uint64_t frame, uint64_t to)
{
	int32_t err = 99;
	struct xen_add_to_physmap_batch b = {
		(uint16_t)dom, XENMAPSPACE_gmfn_foreign, 1, (uint16_t)dom, &frame, &to, &err
	};
	int64_t rc = hc_memory(XENMEM_add_to_physmap_batch, &b);

	return rc ? rc : err;
}

static int64_t shared_info_of(uint64_t dom, uint64_t gfn, uint64_t c)
{
	struct xen_add_to_physmap a = { (uint16_t)dom, 0, XENMAPSPACE_shared_info, 0, gfn };

	(void)c;
	return hc_memory(XENMEM_add_to_physmap, &a);
}

static int64_t remove_from(uint64_t dom, uint64_t gfn, uint64_t c)
{
	struct xen_remove_from_physmap r = { (uint16_t)dom, gfn };

	(void)c;
	return hc_memory(XENMEM_remove_from_physmap, &r);
}

static int64_t decrease(uint64_t dom, uint64_t gfn, uint64_t c)
{
	struct xen_memory_reservation r = { &gfn, 1, 0, 0, (uint16_t)dom };

	(void)c;
	return hc_memory(XENMEM_decrease_reservation, &r);
}

static int64_t populate(uint64_t dom, uint64_t gfn, uint64_t c)
{
	struct xen_memory_reservation r = { &gfn, 1, 0, 0, (uint16_t)dom };

	(void)c;
	return hc_memory(XENMEM_populate_physmap, &r);
}

static int64_t reservation_of(uint64_t dom, uint64_t op, uint64_t c)
{
	uint16_t id = (uint16_t)dom;

	(void)c;
	return hc_memory(op, &id);
}

static int64_t acquire(uint64_t dom, uint64_t frame, uint64_t to)
{
	struct xen_mem_acquire_resource a = { (uint16_t)dom, XENMEM_resource_grant_table, 0, 1, 0,
					      frame, &to };

	return hc_memory(XENMEM_acquire_resource, &a);
}

/* ---- foreign mappings ---- */

static void check_foreign(void)
{
	uint64_t to = scratch_gfn(), frame = (uint64_t)PEER_DOES(gfn_of, 0, 0, 0);
	volatile uint8_t *there = (uint8_t *)(to << PAGE_SHIFT);
	uint8_t v;

	PEER_DOES(poke, 0, 9, 0x5a);
	check_eq("pair_memory.foreign", foreign(PEER, frame, to), 0);
	check_eq("pair_memory.foreign_read", there[9], 0x5a);
	there[10] = 0xa5;
	dsb();
	check_eq("pair_memory.foreign_written", PEER_DOES(peek, 0, 10, 0), 0xa5);
	/* Another page at the same place, without removing the first one. */
	PEER_DOES(poke, 1, 9, 0x77);
	check_eq("pair_memory.foreign_replaced",
		 foreign(PEER, (uint64_t)PEER_DOES(gfn_of, 1, 0, 0), to), 0);
	check_eq("pair_memory.foreign_replaced_read", there[9], 0x77);
	check_eq("pair_memory.foreign_hole", foreign(PEER, 0xfffff, to), -XEN_EINVAL);
	check_eq("pair_memory.foreign_after_refusal", there[9], 0x77);
	check_eq("pair_memory.foreign_device", foreign(PEER, machine.gicd.base >> PAGE_SHIFT, to),
		 -XEN_EINVAL);
	check_eq("pair_memory.foreign_removed", unmap_gfn(to), 0);
	check("pair_memory.foreign_gone", !probe_read8((uint64_t)there, &v));
	check_eq("pair_memory.foreign_removed_again", unmap_gfn(to), -XEN_ENOENT);
}

/* The owner gives a page up that is mapped here: nobody else gets it meanwhile. */
static void check_owner_gives_up(void)
{
	uint64_t to = scratch_gfn(), frame = (uint64_t)PEER_DOES(gfn_of, 2, 0, 0);
	volatile uint8_t *there = (uint8_t *)(to << PAGE_SHIFT);

	PEER_DOES(poke, 2, 9, 0x33);
	check_eq("pair_memory.kept_map", foreign(PEER, frame, to), 0);
	check_eq("pair_memory.kept_decrease", PEER_DOES(decrease, DOMID_SELF, frame, 0), 1);
	/* It still counts as the peer's, whose reservation is full with it. */
	check_eq("pair_memory.kept_counts", PEER_DOES(populate, DOMID_SELF, frame, 0), 0);
	check_eq("pair_memory.kept_read", there[9], 0x33);
	check_eq("pair_memory.kept_removed", unmap_gfn(to), 0);
	check_eq("pair_memory.kept_populate", PEER_DOES(populate, DOMID_SELF, frame, 0), 1);
	PEER_DOES(poke, 2, 9, 0x44);
	check_eq("pair_memory.kept_usable", PEER_DOES(peek, 2, 9, 0), 0x44);
}

/* ---- what a domU may not ---- */

static void check_domu_refused(void)
{
	uint64_t own = (uint64_t)PEER_DOES(gfn_of, 3, 0, 0), mine = virt_to_gfn(pages[0]);

	check_eq("pair_memory.domu_foreign", PEER_DOES(foreign, 0, mine, own), -XEN_EPERM);
	check_eq("pair_memory.domu_push", PEER_DOES(push, 0, mine, mine), -XEN_EPERM);
	check_eq("pair_memory.domu_foreign_xen", PEER_DOES(foreign, DOMID_XEN, mine, own),
		 -XEN_EPERM);
	check_eq("pair_memory.domu_foreign_none", PEER_DOES(foreign, DOMID_NONE, mine, own),
		 -XEN_ESRCH);
	check_eq("pair_memory.domu_shared_info", PEER_DOES(shared_info_of, 0, mine, 0), -XEN_EPERM);
	check_eq("pair_memory.domu_remove", PEER_DOES(remove_from, 0, mine, 0), -XEN_EPERM);
	check_eq("pair_memory.domu_decrease", PEER_DOES(decrease, 0, mine, 0), 0);
	check_eq("pair_memory.domu_populate", PEER_DOES(populate, 0, mine, 0), 0);
	check_eq("pair_memory.domu_reservation",
		 PEER_DOES(reservation_of, 0, XENMEM_current_reservation, 0), -XEN_EPERM);
	check_eq("pair_memory.domu_maximum_gpfn",
		 PEER_DOES(reservation_of, 0, XENMEM_maximum_gpfn, 0), -XEN_EPERM);
	check_eq("pair_memory.domu_acquire", PEER_DOES(acquire, 0, 0, own), -XEN_EPERM);
	check_eq("pair_memory.domu_acquire_own", PEER_DOES(acquire, PEER, 0, own), -XEN_EPERM);
}

/* ---- dom0 for the peer ---- */

static void check_for_peer(void)
{
	uint64_t gfn = (uint64_t)PEER_DOES(gfn_of, 3, 0, 0);
	int64_t have = reservation_of(PEER, XENMEM_current_reservation, 0);

	check_eq("pair_memory.peer_reservation", have,
		 PEER_DOES(reservation_of, DOMID_SELF, XENMEM_current_reservation, 0));
	PEER_DOES(poke, 3, 9, 0x66);
	check_eq("pair_memory.peer_decrease", decrease(PEER, gfn, 0), 1);
	check_eq("pair_memory.peer_has_less",
		 PEER_DOES(reservation_of, DOMID_SELF, XENMEM_current_reservation, 0), have - 1);
	check_eq("pair_memory.peer_populate", populate(PEER, gfn, 0), 1);
	PEER_DOES(poke, 3, 10, 0x67);
	check_eq("pair_memory.peer_uses_it", PEER_DOES(peek, 3, 10, 0), 0x67);
	check_eq("pair_memory.peer_remove", remove_from(PEER, gfn, 0), 0);
	check_eq("pair_memory.peer_remove_again", remove_from(PEER, gfn, 0), -XEN_ENOENT);
	check_eq("pair_memory.peer_foreign_removed", foreign(PEER, gfn, scratch_gfn()),
		 -XEN_EINVAL);
}

static void check_acquire(void)
{
	struct xen_mem_acquire_resource a = { PEER, XENMEM_resource_grant_table, 0, 0, 0, 0, NULL };
	uint64_t to = scratch_gfn();
	volatile struct grant_entry_v1 *table = (struct grant_entry_v1 *)(to << PAGE_SHIFT);
	uint8_t v;

	check_eq("pair_memory.acquire_size", hc_memory(XENMEM_acquire_resource, &a), 0);
	check("pair_memory.acquire_some", a.nr_frames != 0);
	check_eq("pair_memory.acquire", acquire(PEER, 0, to), 0);
	/* The page of the two that talk is granted there. */
	check_eq("pair_memory.acquire_sees_grant",
		 table[PAIR_REF].flags & (GTF_permit_access | GTF_reading | GTF_writing),
		 GTF_permit_access | GTF_reading | GTF_writing);
	check_eq("pair_memory.acquire_sees_domid", table[PAIR_REF].domid, 0);
	check_eq("pair_memory.acquire_again", acquire(PEER, 0, scratch_gfn()), 0);
	check_eq("pair_memory.acquire_beyond", acquire(PEER, a.nr_frames, to), -XEN_EINVAL);
	check_eq("pair_memory.acquire_kept", table[PAIR_REF].domid, 0);
	a.type = 77;
	check_eq("pair_memory.acquire_type", hc_memory(XENMEM_acquire_resource, &a), -XEN_EINVAL);
	a.type = XENMEM_resource_grant_table;
	a.id = 9;
	check_eq("pair_memory.acquire_id", hc_memory(XENMEM_acquire_resource, &a), -XEN_EINVAL);
	check_eq("pair_memory.acquire_self", acquire(0, 0, to), -XEN_EPERM);
	check_eq("pair_memory.acquire_removed", unmap_gfn(to), 0);
	check("pair_memory.acquire_gone", !probe_read8((uint64_t)table, &v));
}

/* ---- shared_info and vcpu_info, where they are ---- */

static int64_t info_at(uint64_t vcpu, uint64_t gfn, uint64_t offset)
{
	struct vcpu_register_vcpu_info r = { gfn, (uint32_t)offset, 0 };

	return hc_vcpu(VCPUOP_register_vcpu_info, vcpu, &r);
}

static void check_shared_info(void)
{
	uint64_t to = scratch_gfns(2);
	volatile struct shared_info *s = (struct shared_info *)(to << PAGE_SHIFT);
	volatile struct grant_entry_v1 *table = (struct grant_entry_v1 *)(to << PAGE_SHIFT);
	uint8_t v;

	check_eq("pair_memory.shared_info", shared_info_of(DOMID_SELF, to, 0), 0);
	check_eq("pair_memory.shared_info_same_place", shared_info_of(DOMID_SELF, to, 0),
		 -XEN_EBUSY);
	s->evtchn_mask[5] = 0x1234;
	/* Something else comes to its place: then it may be put elsewhere. */
	check_eq("pair_memory.grants_over_shared_info", map_space(XENMAPSPACE_grant_table, 0, to), 0);
	table[9].domid = 77;
	check_eq("pair_memory.shared_info_elsewhere", shared_info_of(DOMID_SELF, to + 1, 0), 0);
	check_eq("pair_memory.shared_info_content",
		 (int64_t)((volatile struct shared_info *)((to + 1) << PAGE_SHIFT))->evtchn_mask[5],
		 0x1234);
	check_eq("pair_memory.grants_there", table[9].domid, 77);
	table[9].domid = 0;
	check_eq("pair_memory.shared_info_over_grants", unmap_gfn(to + 1), 0);
	check_eq("pair_memory.shared_info_replaces", shared_info_of(DOMID_SELF, to, 0), 0);
	check_eq("pair_memory.shared_info_again_there", (int64_t)s->evtchn_mask[5], 0x1234);
	check_eq("pair_memory.shared_info_removed", unmap_gfn(to), 0);
	check("pair_memory.shared_info_gone", !probe_read8((uint64_t)s, &v));
	/* A shared page of the peer can be seen by foreign mapping. */
	check_eq("pair_memory.peer_shared_info", shared_info_of(PEER, 0x7ffff, 0), 0);
	check_eq("pair_memory.peer_shared_info_twice", shared_info_of(PEER, 0x7fffe, 0), -XEN_EBUSY);
	check_eq("pair_memory.peer_shared_info_removed", remove_from(PEER, 0x7ffff, 0), 0);
}

static void check_vcpu_info(void)
{
	uint64_t frame = (uint64_t)PEER_DOES(gfn_of, 1, 0, 0), to = scratch_gfn();

	check_eq("pair_memory.info_crossing", PEER_DOES(info_at, 1, frame, 4096 - 40), -XEN_ENXIO);
	check_eq("pair_memory.info_offset_huge", PEER_DOES(info_at, 1, frame, 0xffffffff),
		 -XEN_ENXIO);
	check_eq("pair_memory.info_hole", PEER_DOES(info_at, 1, 0xfffff, 0), -XEN_EINVAL);
	check_eq("pair_memory.info_last_place", PEER_DOES(info_at, 1, frame, 4096 - 48), 0);
	check_eq("pair_memory.info_twice", PEER_DOES(info_at, 1, frame, 0), -XEN_EINVAL);
	check_eq("pair_memory.info_upcall", PEER_DOES(peek, 1, 4096 - 48, 0), 1);
	/* A page of another is no place for it. */
	check_eq("pair_memory.info_map", foreign(PEER, frame, to), 0);
	check_eq("pair_memory.info_in_foreign", info_at(1, to, 0), -XEN_EINVAL);
	check_eq("pair_memory.info_unmap", unmap_gfn(to), 0);
}

/* A page that the peer gave up while its account was shown there: the next one is left alone. */
static int64_t account_in_lost_page(uint64_t page, uint64_t b, uint64_t c)
{
	uint64_t gfn = virt_to_gfn(pages[page]), sum = 0;
	struct vcpu_register_runstate_memory_area area = { gfn << PAGE_SHIFT };
	int64_t rc = hc_vcpu(VCPUOP_register_runstate_phys_area, 0, &area);

	(void)b;
	(void)c;
	if (rc)
		return rc;
	if (decrease(DOMID_SELF, gfn, 0) != 1)
		return -1;
	sleep_us(1000);
	/* The lost page counts until it is registered no more. */
	rc = populate(DOMID_SELF, gfn, 0);
	area.addr = ~0ul;
	if (hc_vcpu(VCPUOP_register_runstate_phys_area, 0, &area))
		return -2;
	if (rc || populate(DOMID_SELF, gfn, 0) != 1)
		return -3;
	memset(pages[page], 0, PAGE_SIZE);
	sleep_us(1000);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		sum += READ_ONCE(pages[page][i]);
	return (int64_t)sum;
}

static void check_account(void)
{
	struct xen_feature_info fi = { 0, 0 };

	hc_version(XENVER_get_features, &fi);
	check_eq("pair_memory.account_in_lost_page", PEER_DOES(account_in_lost_page, 2, 0, 0),
		 fi.submap >> XENFEAT_runstate_phys_area & 1 ? 0 : -XEN_EINVAL);
}

/* What a guest of the device tree gets: 1 MiB for each vcpu, a page for each MiB, 512 KiB, in MiB. */
static void check_pool(void)
{
	static struct xen_domctl op = { .cmd = XEN_DOMCTL_get_paging_mempool_size,
					.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
					.domain = PEER };

	check_eq("pair_memory.pool", hypercall(HC_domctl, (uint64_t)&op, 0, 0, 0), 0);
	check_eq("pair_memory.pool_size", *(int64_t *)(void *)op.u.pad, 3 << 20);
}

/* ---- the peer's end ---- */

static void check_end(void)
{
	uint64_t to = scratch_gfns(3), frame = (uint64_t)PEER_DOES(gfn_of, 0, 0, 0);
	volatile uint8_t *there = (uint8_t *)(to << PAGE_SHIFT);

	PEER_DOES(poke, 0, 20, 0x99);
	check_eq("pair_memory.end_map", foreign(PEER, frame, to), 0);
	check_eq("pair_memory.end_acquire", acquire(PEER, 0, to + 1), 0);
	pair_end();
	check("pair_memory.ended", peer_has_ended());
	check_eq("pair_memory.end_read", there[20], 0x99);
	there[20] = 0x11;
	check_eq("pair_memory.end_map_after", foreign(PEER, frame, to + 2), 0);
	check_eq("pair_memory.end_read_after", there[2 * PAGE_SIZE + 20], 0x11);
	check_eq("pair_memory.end_unmap", unmap_gfn(to), 0);
	check_eq("pair_memory.end_unmap_grants", unmap_gfn(to + 1), 0);
	check_eq("pair_memory.end_unmap_after", unmap_gfn(to + 2), 0);
}

void guest_main(void)
{
	if (!pair_start())
		return;
	check_foreign();
	check_owner_gives_up();
	check_domu_refused();
	check_for_peer();
	check_acquire();
	check_shared_info();
	check_vcpu_info();
	check_account();
	check_pool();
	check_end();
}
