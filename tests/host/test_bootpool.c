/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c hyp/sched/timer.c
 * hyp/lib/minheap.c */
/*
 * Pools of CPUs in the device tree: what is understood, what is refused in which words, and which
 * pools are made of it.
 */
#include "sched_sim.h"
#include <serai/builder.h>

/* While the boot CPU waits, the others go through their exits. */
static void others_go_on(void)
{
	unsigned int cpu = cpu_id();

	settle();
	host_set_cpu(cpu);
}

#define cpu_relax others_go_on
#include "../../hyp/boot/pools.c"
#undef cpu_relax

#include "boot_tree.h"

#define P1 "/chosen/pool1"
#define P2 "/chosen/pool2"

static void add_cpu_node(u32 cpu)
{
	char name[16], path[32];

	snprintf(name, sizeof(name), "cpu@%u", cpu);
	snprintf(path, sizeof(path), "/cpus/%s", name);
	if (fdt_path_offset(fdt, path) < 0)
		tree_add(fdt, "/cpus", name);
	tree_set_string(fdt, path, "device_type", "cpu");
	tree_set_cells(fdt, path, "reg", cpu);
	tree_set_cells(fdt, path, "phandle", 0xc0 + cpu);
}

static void add_pool(const char *name, u32 phandle, const char *sched)
{
	char path[32];

	tree_add(fdt, "/chosen", name);
	snprintf(path, sizeof(path), "/chosen/%s", name);
	tree_set_string(fdt, path, "compatible", "xen,cpupool");
	tree_set_cells(fdt, path, "phandle", phandle);
	if (sched)
		tree_set_string(fdt, path, "cpupool-sched", sched);
}

/* CPUs 2 and 3, and 1; the first domain is in the second pool. */
static int set_up_pools(void **state)
{
	set_up(state);
	for (u32 cpu = 4; cpu-- > 0;)
		add_cpu_node(cpu);
	add_pool("pool2", 0xf2, NULL);
	add_pool("pool1", 0xf1, "null");
	tree_set_cells(fdt, P1, "cpupool-cpus", 0xc2, 0xc3);
	tree_set_cells(fdt, P2, "cpupool-cpus", 0xc1);
	tree_set_cells(fdt, D1, "domain-cpupool", 0xf2);
	return 0;
}

static void anew(void)
{
	tear_down(NULL);
	set_up_pools(NULL);
}

/* Index in bi->cpus. */
static u32 index_of(u64 mpidr)
{
	for (u32 i = 0; i < bi->nr_cpus; i++)
		if (bi->cpus[i].mpidr == mpidr)
			return i;
	fail_msg("no CPU %lu", mpidr);
	return 0;
}

static void test_understood(void **state)
{
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_cpus, 4);
	assert_int_equal(bi->nr_pools, 2);
	assert_string_equal(bi->pools[0].sched, "null");
	assert_null(bi->pools[1].sched);
	assert_int_equal(cpumask_weight(&bi->pools[0].cpus), 2);
	assert_true(cpumask_test(&bi->pools[0].cpus, index_of(2)));
	assert_true(cpumask_test(&bi->pools[0].cpus, index_of(3)));
	assert_true(cpumask_test(&bi->pools[1].cpus, index_of(1)));
	assert_int_equal(bi->domains[0].pool, 1);
	assert_int_equal(bi->domains[1].pool, -1);
}

static const struct refusal {
	const char *path, *name;
	u32 nr, cell[3];
	const char *text, *want;
	bool out; /* domU1, which is in the second pool */
} refusals[] = {
	{ P2, "cpupool-cpus", 0, { 0 }, NULL, P2 ": cpupool-cpus: it is no list of CPUs; write phandles of "
					      "nodes in /cpus: <&cpu2 &cpu3>", true },
	{ P2, "cpupool-cpus", 0, { 0 }, "x", "cpupool-cpus = \"x\": it is no list of CPUs", true },
	{ P2, "cpupool-cpus", 1, { 0x99 }, "", "cpupool-cpus = <0x99>: no node has the phandle 0x99", true },
	{ P2, "cpupool-cpus", 1, { 0xf1 }, "", P1 " is no CPU that can be used", true },
	{ P2, "cpupool-cpus", 2, { 0xc1, 0xc3 }, "", P2 ": cpupool-cpus = <0xc1 0xc3>: /cpus/cpu@3 is in "
						     P1 " already; write each CPU once", true },
	{ P1, "cpupool-cpus", 2, { 0xc2, 0xc2 }, "", "/cpus/cpu@2 is in " P1 " already", false },
	{ P1, "cpupool-sched", 0, { 0 }, "rtds", P1 ": cpupool-sched = \"rtds\": there is no such scheduler; "
						 "write \"null\" or \"credit2\", or nothing", false },
	{ P2, "cpupool-sched", 1, { 1 }, "", "cpupool-sched = <0x1>: there is no such scheduler", true },
	{ D1, "domain-cpupool", 2, { 0, 0xf1 }, "", D1 ": domain-cpupool = <0 0xf1>: it is no phandle of a "
						    "node; write the phandle", true },
	{ D1, "domain-cpupool", 1, { 0xc1 }, "", "domain-cpupool = <0xc1>: /cpus/cpu@1 is no pool; write",
	  true },
	{ P2, "cpupool-cpus", 1, { 0x99 }, "", "domain-cpupool = <0xf2>: " P2 " is no pool that can be made, "
					       "see above", true },
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		u32 cells[3];

		for (int strict = 0; strict < 2; strict++) {
			anew();
			options.dom0less_strict = strict;
			for (u32 k = 0; k < r->nr; k++)
				cells[k] = cpu_to_fdt32(r->cell[k]);
			if (r->nr)
				tree_set(fdt, r->path, r->name, cells, r->nr * 4);
			else if (r->text)
				tree_set_string(fdt, r->path, r->name, r->text);
			else
				tree_delete_prop(fdt, r->path, r->name);
			if (parse() != (strict ? -XEN_EINVAL : 0))
				fail_msg("case %zu (%s): wrong answer", i, r->want);
			assert_said(r->want);
			if (!strict && bi->domains[0].left_out != r->out)
				fail_msg("case %zu (%s): domain", i, r->want);
			assert_false(bi->domains[1].left_out);
		}
	}
}

/* --- the pools that are made, on four CPUs; the first is the boot CPU --- */

static void start_pools(void)
{
	assert_int_equal(parse(), 0);
	memset(made, 0, sizeof(made));
	rest = NULL;
	machine_start(4, pools_boot_sched(bi, "credit2"), false);
	settle();
	assert_int_equal(pools_make(bi), 0);
}

static void test_made(void **state)
{
	/* The boot CPU is in no node: what is left over is pool 0. */
	start_pools();
	assert_said("CPU pool 0: 1 CPUs, scheduler credit2");
	assert_said("scheduler null");
	assert_ptr_equal(pools_find(-1), cpupool_find(0));
	assert_true(cpumask_test(&pools_find(0)->cpus, 2) && cpumask_test(&pools_find(0)->cpus, 3));
	assert_true(cpumask_test(&pools_find(1)->cpus, 1));
	assert_int_equal(cpumask_weight(&pools_find(1)->cpus), 1);
	assert_ptr_equal(pools_find(0)->policy, &sched_null);
	assert_ptr_equal(pools_find(1)->policy, &sched_credit2);

	/* In the second node: the rest, CPU 1, has a pool of its own. */
	anew();
	tree_set_cells(fdt, P2, "cpupool-cpus", 0xc0);
	start_pools();
	assert_ptr_equal(pools_find(1), cpupool_find(0));
	assert_int_equal(cpumask_weight(&cpupool_find(0)->cpus), 1);
	assert_int_equal(cpumask_weight(&pools_find(0)->cpus), 2);
	assert_true(cpumask_test(&cpupool_find(1)->cpus, 1));
	assert_null(cpupool_find(3));

	/* A CPU that did not start: its pool is not there. */
	anew();
	tree_set_cells(fdt, P2, "cpupool-cpus", 0xc1);
	tree_set_cells(fdt, "/cpus/cpu@1", "reg", 9);
	start_pools();
	assert_null(pools_find(1));

	/* No nodes at all. */
	anew();
	tree_delete(fdt, P1);
	tree_delete(fdt, P2);
	tree_delete_prop(fdt, D1, "domain-cpupool");
	messages_clear();
	start_pools();
	assert_silent();
	assert_int_equal(cpumask_weight(&cpupool_find(0)->cpus), 4);
}

static void test_too_many(void **state)
{
	char name[16];

	for (u32 i = 0; i < BOOT_POOLS_MAX; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		add_pool(name, 0x200 + i, NULL);
	}
	parse();
	assert_said("there are too many pools; leave 16");
}

static void test_boot_sched(void **state)
{
	assert_int_equal(parse(), 0);
	assert_string_equal(pools_boot_sched(bi, "credit2"), "credit2");
	anew();
	tree_set_cells(fdt, P1, "cpupool-cpus", 0xc2, 0xc0);
	assert_int_equal(parse(), 0);
	assert_string_equal(pools_boot_sched(bi, "credit2"), "null");
	anew();
	tree_set_cells(fdt, P2, "cpupool-cpus", 0xc1, 0xc0);
	assert_int_equal(parse(), 0);
	assert_string_equal(pools_boot_sched(bi, "credit2"), "credit2");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_pools, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_understood), TEST(test_refusals), TEST(test_too_many), TEST(test_boot_sched),
		TEST(test_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
