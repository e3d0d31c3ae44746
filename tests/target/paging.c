// SPDX-License-Identifier: Apache-2.0
/*
 * The pages that a domain's stage-2 tables are made of: set aside when the tools say how many, so that
 * what is free changes then, and by nothing that is mapped, split or removed later.
 */
/* machine: smp=1 vcpus=1 mem=1G dom0=128M timeout=120 */
#include "tools.h"

#define DOM	   1
#define GFN	   0x40000ul /* of 1 GiB */
#define GIB	   0x40000ul /* pages */
#define MIB	   256	     /* pages */
#define FIRST_POOL 16	     /* of a domain that nobody has said anything about */

static uint64_t gfns[16];

static int64_t pool_set(uint16_t dom, uint64_t pages)
{
	return domctl_u64(XEN_DOMCTL_set_paging_mempool_size, dom, pages << PAGE_SHIFT);
}

static int64_t pool(uint16_t dom)
{
	return domctl_u64(XEN_DOMCTL_get_paging_mempool_size, dom, 0) ?: (int64_t)(dc.q[0] >> PAGE_SHIFT);
}

static int64_t free_pages(void)
{
	return (int64_t)physinfo()->free_pages;
}

/* By how much free memory became less since the last time. */
static int64_t taken(void)
{
	static int64_t before;
	int64_t now = free_pages(), less = before - now;

	before = now;
	return less;
}

static int64_t reserve(uint64_t op, uint16_t dom, uint64_t gfn, uint64_t n, uint32_t order)
{
	struct xen_memory_reservation r = { gfns, n, order, 0, dom };

	for (uint64_t i = 0; i < n; i++)
		gfns[i] = gfn + i * GIB;
	return hc_memory(op, &r);
}

/* n extents, each in another GiB. */
static int64_t populate(uint64_t gfn, uint64_t n, uint32_t order)
{
	return reserve(XENMEM_populate_physmap, DOM, gfn, n, order);
}

static int64_t decrease(uint64_t gfn, uint64_t n, uint32_t order)
{
	return reserve(XENMEM_decrease_reservation, DOM, gfn, n, order);
}

static int64_t claim(uint64_t n)
{
	struct xen_memory_reservation r = { NULL, n, 0, 0, DOM };

	return hc_memory(XENMEM_claim_pages, &r);
}

/* The other domain's first page in dom0. */
static int64_t map_page(uint64_t to)
{
	uint64_t from = GFN;
	int32_t err = 99;
	struct xen_add_to_physmap_batch b = {
		DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, DOM, &from, &to, &err
	};
	int64_t rc = hc_memory(XENMEM_add_to_physmap_batch, &b);

	return rc ? rc : err;
}

static int64_t unmap_page(uint64_t gfn)
{
	struct xen_remove_from_physmap r = { DOMID_SELF, gfn };

	return hc_memory(XENMEM_remove_from_physmap, &r);
}

static void check_size(void)
{
	check_eq("pool.first", pool(DOM), FIRST_POOL);
	taken();
	check_eq("pool.grow", pool_set(DOM, 4 * MIB), 0);
	check_eq("pool.grow_takes", taken(), 4 * MIB - FIRST_POOL);
	check_eq("pool.is", pool(DOM), 4 * MIB);
	check_eq("pool.not_outstanding", (int64_t)physinfo()->outstanding_pages, 0);
	check_eq("pool.same", pool_set(DOM, 4 * MIB), 0);
	check_eq("pool.same_takes", taken(), 0);
	check_eq("pool.unaligned", domctl_u64(XEN_DOMCTL_set_paging_mempool_size, DOM, 4097),
		 -XEN_EINVAL);
	check_eq("pool.unaligned_is", pool(DOM), 4 * MIB);
	check_eq("pool.shrink", pool_set(DOM, MIB), 0);
	check_eq("pool.shrink_takes", taken(), -3 * MIB);
	check_eq("pool.nobody", pool_set(0x7000, MIB), -XEN_ESRCH);
}

/* Tables come and go, free memory sees only the domain's own pages. */
static void check_tables(void)
{
	check_eq("tables.max_mem", domctl_u64(XEN_DOMCTL_max_mem, DOM, 1ul << 20), 0);
	taken();
	check_eq("tables.populate", populate(GFN, 8, 0), 8);
	check_eq("tables.populate_takes", taken(), 8);
	check_eq("tables.populate_2M", populate(GFN + 512, 1, 9), 1);
	check_eq("tables.populate_2M_takes", taken(), 512);
	check_eq("tables.split", decrease(GFN + 700, 1, 0), 1);
	check_eq("tables.split_takes", taken(), -1);
	check_eq("tables.fill_hole", populate(GFN + 700, 1, 0), 1);
	check_eq("tables.remove", decrease(GFN + 512, 1, 9), 1);
	check_eq("tables.remove_takes", taken(), -511);
	check_eq("tables.block_again", populate(GFN + 512, 1, 9), 1);
	check_eq("tables.block_again_takes", taken(), 512);
	check_eq("tables.pool_is", pool(DOM), MIB);
}

/* Less than is in use: what is not goes, and nothing new can be mapped that needs a table. */
static void check_used_up(void)
{
	int64_t used;

	taken();
	check_eq("used.shrink", pool_set(DOM, 0), -XEN_ENOMEM);
	used = pool(DOM);
	print("# %ld tables in use\n", used);
	check_range("used.is", used, 9, 40);
	check_eq("used.shrink_takes", taken(), used - MIB);
	check_eq("used.again", pool_set(DOM, 1), -XEN_ENOMEM);
	check_eq("used.again_is", pool(DOM), used);
	check_eq("used.again_takes", taken(), 0);
	check_eq("used.no_table_needed", populate(GFN + 1, 8, 0), 8);
	check_eq("used.no_table_left", populate(GFN + 0x8000, 1, 0), 0);
	check_eq("used.no_table_left_2M", populate(GFN + 10 * GIB, 1, 9), 0);
	check_eq("used.one_more", pool_set(DOM, (uint64_t)used + 1), 0);
	taken();
	check_eq("used.one_more_is_enough", populate(GFN + 0x8000, 1, 0), 1);
	check_eq("used.one_more_takes", taken(), 1);
	check_eq("used.one_more_only", populate(GFN + 0x9000, 1, 0), 0);
	check_eq("used.enough", pool_set(DOM, MIB), 0);
}

/* More than the machine has, and what claims leave. */
static void check_too_much(void)
{
	int64_t free = free_pages();

	check_eq("much.more_than_free", pool_set(DOM, (uint64_t)free + MIB + 1), -XEN_ENOMEM);
	print("# the pool is %ld pages, %ld are free\n", pool(DOM), free_pages());
	check_eq("much.enormous", pool_set(DOM, 1ul << 40), -XEN_ENOMEM);
	check_eq("much.back", pool_set(DOM, MIB), 0);
	check_eq("much.back_is", pool(DOM), MIB);
	check_eq("much.back_free", free_pages(), free);
	check_eq("much.nearly_all", pool_set(DOM, (uint64_t)free + MIB - 1), 0);
	check_eq("much.nearly_all_free", free_pages(), 1);
	check_eq("much.populate_last", populate(GFN + 2, 1, 0), 1);
	check_eq("much.nothing_free", free_pages(), 0);
	check_eq("much.populate_none", populate(GFN + 3, 1, 0), 0);
	check_eq("much.claim_none", claim((uint64_t)free), -XEN_ENOMEM);
	check_eq("much.decrease", decrease(GFN + 2, 1, 0), 1);
	check_eq("much.less", pool_set(DOM, MIB), 0);
	check_eq("much.less_free", free_pages(), free);
}

static void check_claims(void)
{
	int64_t free = free_pages();

	memset(&dc, 0, sizeof(dc));
	domctl(XEN_DOMCTL_getdomaininfo, DOM);
	check_eq("claims.claim", claim(dc.q[1] + (uint64_t)free - 100), 0);
	check_eq("claims.free", free_pages(), free);
	check_eq("claims.grow_into_claim", pool_set(DOM, MIB + 101), -XEN_ENOMEM);
	check_eq("claims.grow_beside_claim", pool_set(DOM, MIB + 100), 0);
	check_eq("claims.free_then", free_pages(), free - 100);
	check_eq("claims.outstanding", (int64_t)physinfo()->outstanding_pages, free - 100);
	check_eq("claims.own", populate(GFN + 2, 8, 0), 8);
	check_eq("claims.table", populate(GFN + 0xa000, 1, 0), 1);
	check_eq("claims.drop", claim(0), 0);
	check_eq("claims.shrink", pool_set(DOM, MIB), 0);
	check_eq("claims.all", free_pages(), free - 9);
	/* The pool is no memory of the domain's: its limit does not count. */
	check_eq("claims.max_mem", domctl_u64(XEN_DOMCTL_max_mem, DOM, 4), 0);
	check_eq("claims.max_mem_grow", pool_set(DOM, 2 * MIB), 0);
}

/* dom0's tables come from what is free, whatever its pool is. */
static void check_own(void)
{
	check_eq("own.first", pool(0), FIRST_POOL);
	taken();
	check_eq("own.grow", pool_set(0, MIB), 0);
	check_eq("own.grow_takes", taken(), MIB - FIRST_POOL);
	check_eq("own.grow_is", pool(0), MIB);
	check_eq("own.shrink", pool_set(0, 0), 0);
	check_eq("own.shrink_is", pool(0), 0);
	check_eq("own.shrink_takes", taken(), -MIB);
	check_eq("own.map", map_page(GFN + 20 * GIB), 0);
	check_eq("own.map_takes", taken(), 2);
	check_eq("own.unmap", unmap_page(GFN + 20 * GIB), 0);
	taken();
	check_eq("own.again", pool_set(0, FIRST_POOL), 0);
	check_eq("own.again_takes", taken(), FIRST_POOL);
}

/* A domain that is destroyed, but dom0 has a page of it mapped: it has no pool any more. */
static void check_end(void)
{
	check_eq("end.map", map_page(GFN + 20 * GIB), 0);
	check_eq("end.destroy", domctl(XEN_DOMCTL_destroydomain, DOM), 0);
	sleep_us(10000);
	taken();
	check_eq("end.pool", pool(DOM), 0);
	check_eq("end.set", pool_set(DOM, MIB), -XEN_EINVAL);
	check_eq("end.set_takes", taken(), 0);
	check_eq("end.unmap", unmap_page(GFN + 20 * GIB), 0);
	sleep_us(10000);
	check_eq("end.gone", pool(DOM), -XEN_ESRCH);
}

void guest_main(void)
{
	int64_t free;

	free = free_pages();
	if (!check_eq("pool.create", domain_make(DOM), 0))
		return;
	check_size();
	check_tables();
	check_used_up();
	check_too_much();
	check_claims();
	check_own();
	check_end();
	check_range("end.all_pages_are_back", free_pages(), free - 40, free);
}
