// SPDX-License-Identifier: Apache-2.0
/*
 * dom0 makes a domain and gives it memory: claims, small and large extents, how long interrupts wait
 * meanwhile, and what is left of it at the end.
 */
/* machine: smp=1 vcpus=1 mem=1G dom0=128M timeout=120 */
#include "tools.h"

#define DOM	    1
#define GFN	    0x40000ul /* of 1 GiB */
#define TICK_NS	    20000
#define WAIT_MAX_NS 60000

static uint64_t gfns[512];
static uint64_t deadline, longest;

static uint64_t info(unsigned int word)
{
	memset(&dc, 0, sizeof(dc));
	domctl(XEN_DOMCTL_getdomaininfo, DOM);
	return dc.q[word];
}

static uint64_t tot_pages(void)
{
	return info(1);
}

static uint64_t outstanding(void)
{
	return info(3);
}

static int64_t reserve(uint64_t op, uint64_t gfn, uint64_t n, uint32_t order)
{
	struct xen_memory_reservation r = { gfns, n, order, 0, DOM };

	for (uint64_t i = 0; i < n; i++)
		gfns[i] = gfn + (i << order);
	return hc_memory(op, &r);
}

static int64_t populate(uint64_t gfn, uint64_t n, uint32_t order)
{
	return reserve(XENMEM_populate_physmap, gfn, n, order);
}

static int64_t decrease(uint64_t gfn, uint64_t n, uint32_t order)
{
	return reserve(XENMEM_decrease_reservation, gfn, n, order);
}

static int64_t claim(uint64_t n)
{
	struct xen_memory_reservation r = { NULL, n, 0, 0, DOM };

	return hc_memory(XENMEM_claim_pages, &r);
}

/* A claim is for all that the domain is to have; it follows what it gets and gives up. */
static void check_claims(void)
{
	check_eq("claim.before_max_mem", claim(5), -XEN_EINVAL);
	check_eq("claim.max_mem", domctl_u64(XEN_DOMCTL_max_mem, DOM, 2048 * 4), 0);
	check_eq("claim.nothing", claim(0), 0);
	check_eq("claim.too_much", claim(2049), -XEN_EINVAL);
	check_eq("claim.all", claim(2048), 0);
	check_eq("claim.again", claim(2048), -XEN_EINVAL);
	check_eq("claim.outstanding", (int64_t)outstanding(), 2048);
	check_eq("claim.physinfo", (int64_t)physinfo()->outstanding_pages, 2048);
	check_eq("claim.populate", populate(GFN, 10, 0), 10);
	check_eq("claim.populated", (int64_t)outstanding(), 2038);
	check_eq("claim.populate_2M", populate(GFN + 512, 1, 9), 1);
	check_eq("claim.populated_2M", (int64_t)outstanding(), 1526);
	check_eq("claim.decrease", decrease(GFN, 10, 0), 10);
	check_eq("claim.decreased", (int64_t)outstanding(), 1536);
	check_eq("claim.drop", claim(0), 0);
	check_eq("claim.dropped", (int64_t)outstanding(), 0);
	check_eq("claim.less_than_it_has", claim(512), -XEN_EINVAL);
	check_eq("claim.a_few", claim(522), 0);
	check_eq("claim.a_few_outstanding", (int64_t)outstanding(), 10);
	check_eq("claim.populate_more", populate(GFN, 30, 0), 30);
	check_eq("claim.used_up", (int64_t)outstanding(), 0);
	check_eq("claim.decrease_30", decrease(GFN, 30, 0), 30);
	check_eq("claim.does_not_come_back", (int64_t)outstanding(), 0);
	check_eq("claim.large_max_mem", domctl_u64(XEN_DOMCTL_max_mem, DOM, 1ul << 30), 0);
	check_eq("claim.more_than_free", claim(physinfo()->free_pages + tot_pages() + 1),
		 -XEN_ENOMEM);
	check_eq("claim.all_free", claim(physinfo()->free_pages + tot_pages()), 0);
	check_eq("claim.own_is_given", populate(GFN, 200, 0), 200);
	check_eq("claim.all_free_drop", claim(0), 0);
	check_eq("claim.decrease_all", decrease(GFN, 200, 0) + decrease(GFN + 512, 1, 9), 201);
	check_eq("claim.left", (int64_t)tot_pages(), 0);
}

static void on_tick(uint32_t irq, struct trap_frame *frame)
{
	uint64_t late = frame->stamp - deadline;

	(void)irq;
	longest = late > longest ? late : longest;
	deadline = counter() + ns_to_ticks(TICK_NS);
	vtimer_arm_at(deadline);
}

/* The answer of a call, and whether any tick had to wait for long. */
static void check_wait(const char *name, int64_t got, int64_t want)
{
	vtimer_stop();
	check_eqf(got, want, "build.%s", name);
	print("# %s: %lu ns\n", name, ticks_to_ns(longest));
	check_eqf(ticks_to_ns(longest) <= WAIT_MAX_NS, 1, "build.%s_lets_ticks_in", name);
}

static void ticks_start(void)
{
	longest = 0;
	deadline = counter() + ns_to_ticks(TICK_NS);
	vtimer_arm_at(deadline);
}

#define CHECK_WAIT(name, want, call)           \
	do {                                   \
		int64_t rc_;                   \
		ticks_start();                 \
		rc_ = (call);                  \
		check_wait(name, rc_, (want)); \
	} while (0)

static void check_large(void)
{
	CHECK_WAIT("populate_64M", 1, populate(GFN, 1, 14));
	check_eq("build.populate_64M_pages", (int64_t)tot_pages(), 16384);
	CHECK_WAIT("decrease_2M_of_it", 32, decrease(GFN, 32, 9));
	check_eq("build.decrease_2M_pages", (int64_t)tot_pages(), 0);
	CHECK_WAIT("populate_odd", 4, populate(GFN + 1, 4, 9));
	CHECK_WAIT("decrease_odd", 4, decrease(GFN + 1, 4, 9));
	check_eq("build.decrease_odd_pages", (int64_t)tot_pages(), 0);
	CHECK_WAIT("populate_pages", 512, populate(GFN, 512, 0));
	CHECK_WAIT("decrease_pages", 512, decrease(GFN, 512, 0));
	/* In the middle of a block. */
	check_eq("build.populate_2M", populate(GFN, 1, 9), 1);
	check_eq("build.decrease_inside", decrease(GFN + 100, 4, 0), 4);
	check_eq("build.decrease_across", decrease(GFN, 1, 9), 0);
	check_eq("build.decrease_across_pages", (int64_t)tot_pages(), 408);
	check_eq("build.decrease_behind", decrease(GFN + 104, 408, 0), 408);
	check_eq("build.nothing_left", (int64_t)tot_pages(), 0);
	check_eq("build.max_mem_less", domctl_u64(XEN_DOMCTL_max_mem, DOM, 511 * 4), 0);
	check_eq("build.populate_over_max", populate(GFN, 1, 9), 0);
	check_eq("build.populate_over_max_list", populate(GFN, 512, 0), 511);
	check_eq("build.populate_over_max_pages", (int64_t)tot_pages(), 511);
	check_eq("build.decrease_max", decrease(GFN, 511, 0), 511);
	check_eq("build.max_mem_again", domctl_u64(XEN_DOMCTL_max_mem, DOM, 1ul << 20), 0);
	check_eq("build.populate_nowhere", populate(1ul << 40, 1, 0), 0);
	check_eq("build.populate_nowhere_2M", populate(1ul << 40, 1, 9), 0);
	check_eq("build.populate_nowhere_pages", (int64_t)tot_pages(), 0);
}

/* With memory in blocks and in pages, and a claim. */
static void check_end(uint64_t free)
{
	check_eq("build.populate_block", populate(GFN + 0x10000, 1, 14), 1);
	check_eq("build.populate_odd_blocks", populate(GFN + 0x20001, 8, 9), 8);
	check_eq("build.claim", claim(30000), 0);
	CHECK_WAIT("destroy", 0, domctl(XEN_DOMCTL_destroydomain, DOM));
	sleep_us(10000);
	check_eq("build.claim_is_gone", (int64_t)physinfo()->outstanding_pages, 0);
	check_range("build.all_pages_are_back", (int64_t)physinfo()->free_pages, (int64_t)free - 40,
		    (int64_t)free);
}

void guest_main(void)
{
	uint64_t free = physinfo()->free_pages;

	vtimer_init();
	irq_register(machine.vtimer_irq, on_tick);
	if (!check_eq("build.create", domain_make(DOM), 0))
		return;
	check_eq("build.mempool", domctl_u64(XEN_DOMCTL_set_paging_mempool_size, DOM, 4ul << 20), 0);
	check_claims();
	check_large();
	vtimer_stop();
	check_end(free);
}
