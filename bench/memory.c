// SPDX-License-Identifier: Apache-2.0
/* Memory operations, plain memory traffic, and grants of the domain to itself. */
#include "bench.h"

#define AREA	 (4ul << 20)
#define AREA_KIB (AREA / 1024)
#define BATCH	 16

static uint8_t pages[32][PAGE_SIZE] PAGE_ALIGNED;

static void bench_reservation(unsigned int count, const char *name, uint64_t rounds)
{
	static uint64_t gfns[32];
	struct xen_memory_reservation r = { gfns, count, 0, 0, DOMID_SELF };
	int64_t down, up;

	for (unsigned int i = 0; i < count; i++)
		gfns[i] = virt_to_gfn(pages[i]);
	down = hc_memory(XENMEM_decrease_reservation, &r);
	up = hc_memory(XENMEM_populate_physmap, &r);
	if (down != count || up != count) {
		bench_na(name, "answered", down != count ? down : up);
		return;
	}
	BENCH(name, rounds, {
		hc_memory(XENMEM_decrease_reservation, &r);
		hc_memory(XENMEM_populate_physmap, &r);
	});
}

static inline void read_area(uint64_t from)
{
	uint64_t end = from + AREA;

	asm volatile("1:\tldp x9, x10, [%0], #16\n\tadd x11, x11, x9\n\tadd x11, x11, x10\n\t"
		     "cmp %0, %1\n\tb.ne 1b"
		     : "+&r"(from)
		     : "r"(end)
		     : "x9", "x10", "x11", "cc", "memory");
}

static inline void write_area(uint64_t to)
{
	uint64_t end = to + AREA;

	asm volatile("1:\tstr xzr, [%0], #8\n\tcmp %0, %1\n\tb.ne 1b"
		     : "+&r"(to)
		     : "r"(end)
		     : "cc", "memory");
}

static inline void copy_area(uint64_t to, uint64_t from)
{
	uint64_t end = to + AREA;

	asm volatile("1:\tldr x9, [%1], #8\n\tstr x9, [%0], #8\n\tcmp %0, %2\n\tb.ne 1b"
		     : "+&r"(to), "+&r"(from)
		     : "r"(end)
		     : "x9", "cc", "memory");
}

static void bench_traffic(void)
{
	/* Past the middle of the first bank: nothing of the boot lies there. */
	uint64_t base = machine.memory[0].base + machine.memory[0].size / 4 * 3;
	uint64_t start;

	start = counter();
	read_area(base);
	bench_report("mem_read_per_KiB_cold", counter() - start, AREA_KIB);
	start = counter();
	write_area(base + AREA);
	bench_report("mem_write_per_KiB_cold", counter() - start, AREA_KIB);
	start = counter();
	copy_area(base + 2 * AREA, base + 3 * AREA);
	bench_report("mem_copy_per_KiB_cold", counter() - start, AREA_KIB);
	start = counter();
	read_area(base);
	bench_report("mem_read_per_KiB", counter() - start, AREA_KIB);
	start = counter();
	write_area(base);
	bench_report("mem_write_per_KiB", counter() - start, AREA_KIB);
	start = counter();
	copy_area(base + AREA, base);
	bench_report("mem_copy_per_KiB", counter() - start, AREA_KIB);
}

void bench_memory(void)
{
	uint16_t dom = DOMID_SELF;
	int64_t have;

	bench_reservation(1, "mem_decrease_populate_pair", 500);
	bench_reservation(32, "mem_decrease_populate_32_pair", 50);
	have = hc_memory(XENMEM_current_reservation, &dom);
	if (have > 0)
		BENCH("mem_current_reservation", 1000, hc_memory(XENMEM_current_reservation, &dom));
	else
		bench_na("mem_current_reservation", "answered", have);
	bench_traffic();
}

static void bench_map(volatile struct grant_entry_v1 *table, unsigned int count, const char *name,
		      uint64_t rounds)
{
	static struct gnttab_map_grant_ref map[BATCH];
	static struct gnttab_unmap_grant_ref unmap[BATCH];
	uint64_t gfn = scratch_gfns(count);

	for (unsigned int i = 0; i < count; i++) {
		table[8 + i].frame = (uint32_t)virt_to_gfn(pages[i]);
		table[8 + i].domid = 0;
		table[8 + i].flags = GTF_permit_access;
		map[i].host_addr = (gfn + i) << PAGE_SHIFT;
		map[i].flags = GNTMAP_host_map;
		map[i].ref = 8;
		unmap[i].host_addr = map[i].host_addr;
	}
	if (hc_grant(GNTTABOP_map_grant_ref, map, count) != 0 || map[0].status != 0) {
		bench_na(name, "map status", map[0].status);
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
	if (unmap[0].status != 0)
		bench_na(name, "last unmap status", unmap[0].status);
}

static void bench_copy(const char *name, bool by_ref, uint16_t len)
{
	struct gnttab_copy copy = { .len = len, .flags = by_ref ? GNTCOPY_source_gref : 0 };

	copy.source.domid = by_ref ? 0 : DOMID_SELF;
	if (by_ref)
		copy.source.u.ref = 8;
	else
		copy.source.u.gmfn = virt_to_gfn(pages[0]);
	copy.dest.domid = DOMID_SELF;
	copy.dest.u.gmfn = virt_to_gfn(pages[1]);
	hc_grant(GNTTABOP_copy, &copy, 1);
	if (copy.status != 0) {
		bench_na(name, "copy status", copy.status);
		return;
	}
	BENCH(name, 500, hc_grant(GNTTABOP_copy, &copy, 1));
}

void bench_grants(void)
{
	static const char *const names[] = { "grant_map_unmap_self", "grant_map_unmap_self_batch16",
					     "grant_copy_4k_ref_self", "grant_copy_4k_gmfn_self",
					     "grant_copy_64B_gmfn_self" };
	uint64_t table = machine.nr_hypervisor ? machine.hypervisor[0].base : 0;
	int64_t rc = table ? map_space(XENMAPSPACE_grant_table, 0, table >> PAGE_SHIFT) : -1;

	if (rc) {
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
			bench_na(names[i], "grant table answered", rc);
		return;
	}
	bench_map((volatile struct grant_entry_v1 *)table, 1, names[0], 500);
	bench_map((volatile struct grant_entry_v1 *)table, BATCH, names[1], 50);
	bench_copy(names[2], true, PAGE_SIZE);
	bench_copy(names[3], false, PAGE_SIZE);
	bench_copy(names[4], false, 64);
}
