// SPDX-License-Identifier: Apache-2.0
/*
 * What dom0 and another domain, its peer, cost each other: event round trips, and the peer's grants
 * mapped and copied from. The peer sleeps until it is pinged, so that nothing else is measured.
 */
#include "bench.h"

#define ROUNDS	  200
#define BATCH	  16
#define FIRST_REF 16
#define PEER_GFN  0x42000ul /* 2 MiB of the peer's memory that it does not use */
#define PEER_PAGES 512

static uint8_t pages[BATCH][PAGE_SIZE] PAGE_ALIGNED;
static uint64_t pongs; /* in the peer: pings */
static uint32_t local_port; /* the peer's end is one that it listens to */
static uint32_t deaf_port;  /* and here one that it masks */

static void on_pong(uint32_t port)
{
	(void)port;
	pongs++;
}

static void sleep_while(uint64_t old, bool block)
{
	irq_disable();
	while (READ_ONCE(pongs) == old) {
		if (block)
			hc_sched(SCHEDOP_block, NULL);
		else
			wfi();
		irq_enable();
		isb();
		irq_disable();
	}
	irq_enable();
}

/* ---- in the peer ---- */

/* Gives pages and two channels: the port that it listens to, and above it the masked one. */
static int64_t peer_prepare(uint64_t a, uint64_t b, uint64_t c)
{
	struct evtchn_alloc_unbound u = { DOMID_SELF, 0, 0 }, deaf = u;

	(void)a;
	(void)b;
	(void)c;
	if (!events_init() || hc_evtchn(EVTCHNOP_alloc_unbound, &u) != 0 ||
	    hc_evtchn(EVTCHNOP_alloc_unbound, &deaf) != 0)
		return 0;
	for (uint32_t i = 0; i < BATCH; i++)
		grant_set(FIRST_REF + i, 0, pages[i], GTF_permit_access);
	local_port = u.port;
	event_handle(local_port, on_pong);
	event_unmask(local_port);
	return (int64_t)deaf.port << 32 | local_port;
}

/* Answers n pings, one after the other. */
static int64_t peer_answer(uint64_t n, uint64_t block, uint64_t c)
{
	uint64_t seen = pongs;

	(void)c;
	while (n--) {
		sleep_while(seen, block);
		seen++;
		event_send(local_port);
	}
	return 0;
}

/* ---- in dom0 ---- */

static inline void ping(bool block)
{
	uint64_t before = READ_ONCE(pongs);

	event_send(local_port);
	sleep_while(before, block);
}

static void bench_round_trip(const char *name, bool block)
{
	pair_post(peer_answer, ROUNDS + 2, block, 0);
	sleep_us(10000);
	ping(block);
	BENCH(name, ROUNDS, ping(block));
	pair_wait();
}

static void bench_map(unsigned int count, const char *name, uint64_t rounds)
{
	static struct gnttab_map_grant_ref map[BATCH];
	static struct gnttab_unmap_grant_ref unmap[BATCH];
	uint64_t gfn = scratch_gfns(count);

	for (unsigned int i = 0; i < count; i++) {
		map[i].host_addr = (gfn + i) << PAGE_SHIFT;
		map[i].flags = GNTMAP_host_map;
		map[i].ref = FIRST_REF + i;
		map[i].dom = PEER;
		unmap[i].host_addr = map[i].host_addr;
	}
	if (hc_grant(GNTTABOP_map_grant_ref, map, count) != 0 || map[count - 1].status != 0) {
		bench_na(name, "map status", map[count - 1].status);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		unmap[i].handle = map[i].handle;
	hc_grant(GNTTABOP_unmap_grant_ref, unmap, count);
	BENCH(name, rounds, {
		hc_grant(GNTTABOP_map_grant_ref, map, count);
		for (unsigned int i = 0; i < count; i++)
			unmap[i].handle = map[i].handle;
		hc_grant(GNTTABOP_unmap_grant_ref, unmap, count);
	});
	if (unmap[count - 1].status != 0)
		bench_na(name, "last unmap status", unmap[count - 1].status);
}

static void bench_copy(const char *name, uint16_t len)
{
	struct gnttab_copy copy = { .len = len, .flags = GNTCOPY_source_gref };

	copy.source.domid = PEER;
	copy.source.u.ref = FIRST_REF;
	copy.dest.domid = DOMID_SELF;
	copy.dest.u.gmfn = virt_to_gfn(pages[1]);
	hc_grant(GNTTABOP_copy, &copy, 1);
	if (copy.status != 0)
		bench_na(name, "copy status", copy.status);
	else
		BENCH(name, 500, hc_grant(GNTTABOP_copy, &copy, 1));
}

/* What a domain builder does: pages of the peer mapped in one call, and unmapped one by one. */
static void bench_foreign(unsigned int count, const char *name, uint64_t rounds)
{
	static uint64_t idxs[BATCH], gpfns[BATCH];
	static int32_t errs[BATCH];
	struct xen_add_to_physmap_batch b = {
		DOMID_SELF, XENMAPSPACE_gmfn_foreign, (uint16_t)count, PEER, idxs, gpfns, errs
	};
	uint64_t gfn = scratch_gfns(count);
	int64_t rc;

	for (unsigned int i = 0; i < count; i++) {
		idxs[i] = PEER_GFN + i;
		gpfns[i] = gfn + i;
	}
	rc = hc_memory(XENMEM_add_to_physmap_batch, &b);
	if (rc || errs[count - 1]) {
		bench_na(name, "map status", rc ? rc : errs[count - 1]);
		return;
	}
	/* Real Xen keeps a reference for ever when the same page is mapped over itself. */
	for (unsigned int i = 0; i < count; i++)
		unmap_gfn(gfn + i);
	BENCH(name, rounds, {
		hc_memory(XENMEM_add_to_physmap_batch, &b);
		for (unsigned int i = 0; i < count; i++)
			unmap_gfn(gfn + i);
	});
}

/* 2 MiB of the peer taken away and given again, in pages and as a block. */
static void bench_populate(uint32_t order, const char *down_name, const char *up_name)
{
	static uint64_t gfns[PEER_PAGES];
	struct xen_memory_reservation r = { gfns, PEER_PAGES >> order, order, 0, PEER };
	uint64_t start, down = 0, up = 0, rounds = 4;
	int64_t rc = 0;

	for (uint64_t i = 0; i < r.nr_extents; i++)
		gfns[i] = PEER_GFN + (i << order);
	for (uint64_t i = 0; i <= rounds; i++) {
		start = counter();
		rc = hc_memory(XENMEM_decrease_reservation, &r);
		down += i ? counter() - start : 0;
		start = counter();
		if (rc == (int64_t)r.nr_extents)
			rc = hc_memory(XENMEM_populate_physmap, &r);
		up += i ? counter() - start : 0;
		if (rc != (int64_t)r.nr_extents) {
			bench_na(down_name, "answered", rc);
			bench_na(up_name, "answered", rc);
			return;
		}
	}
	bench_report(down_name, down, rounds);
	bench_report(up_name, up, rounds);
}

static void bench_building(void)
{
	bench_foreign(1, "cross_foreign_map_unmap", 500);
	bench_foreign(BATCH, "cross_foreign_map_batch16_unmap", 50);
	bench_populate(0, "cross_decrease_512_pages", "cross_populate_512_pages");
	bench_populate(9, "cross_decrease_2M", "cross_populate_2M");
}

static void bench_sharing(void)
{
	BENCH("cross_evtchn_send_already_pending", 500, event_send(deaf_port));
	bench_map(1, "cross_grant_map_unmap", 500);
	bench_map(BATCH, "cross_grant_map_unmap_batch16", 50);
	bench_copy("cross_grant_copy_4k", PAGE_SIZE);
	bench_copy("cross_grant_copy_64B", 64);
}

static bool bind_to(uint32_t remote, uint32_t *local)
{
	struct evtchn_bind_interdomain bind = { PEER, remote, 0 };

	if (hc_evtchn(EVTCHNOP_bind_interdomain, &bind) != 0)
		return false;
	*local = bind.local_port;
	return true;
}

void bench_cross(void)
{
	uint64_t ports = (uint64_t)pair_call(peer_prepare, 0, 0, 0);

	if (!bind_to((uint32_t)ports, &local_port) || !bind_to(ports >> 32, &deaf_port)) {
		bench_na("cross_evtchn_pingpong_wfi", "no channel", 0);
		return;
	}
	event_handle(local_port, on_pong);
	event_unmask(local_port);
	sleep_us(1000);
	bench_round_trip("cross_evtchn_pingpong_wfi", false);
	bench_round_trip("cross_evtchn_pingpong_block", true);
	/* The peer now sleeps while dom0 uses its pages. */
	pair_post(peer_answer, 1, false, 0);
	sleep_us(10000);
	bench_sharing();
	bench_building();
	ping(false);
	pair_wait();
}
