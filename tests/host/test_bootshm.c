/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c */
/*
 * Shared memory in the device tree: what is understood, where it is placed, and what is refused in
 * which words and for whom.
 */
#include "boot_tree.h"

#define S0  "/chosen/shm"
#define S1  D1 "/shm@0"
#define S2  D2 "/shm@0"
#define MEM "xen,shared-mem"
#define ID  "xen,shm-id"

static void add_node(const char *domain, const char *name, const char *id, const char *role)
{
	char path[48];

	tree_add(fdt, domain, name);
	snprintf(path, sizeof(path), "%s/%s", domain, name);
	tree_set_string(fdt, path, "compatible", "xen,domain-shared-memory-v1");
	tree_set_string(fdt, path, ID, id);
	if (role)
		tree_set_string(fdt, path, "role", role);
	tree_set_cells(fdt, path, MEM, 0, 0xa0000000, 0, 0x7fe00000, 0, 0x200000);
}

/* The example that boots on real Xen. */
static int set_up_pair(void **state)
{
	set_up(state);
	add_node(D2, "shm@0", "shm0", "borrower");
	add_node(D1, "shm@0", "shm0", "owner");
	return 0;
}

static void anew(void)
{
	tear_down(NULL);
	set_up_pair(NULL);
}

static bool free_at(u64 at)
{
	struct range ranges[64];
	struct range_set s = { 0, 64, ranges };

	assert_int_equal(bootinfo_usable(bi, &s, KEEP_NOTHING), 0);
	return range_set_find(&s, at, at + PAGE_SIZE);
}

static void test_pair(void **state)
{
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_shm, 2);
	assert_int_equal(bi->shm[0].domain, 0);
	assert_int_equal(bi->shm[0].role, SHM_OWNER);
	assert_string_equal(bi->shm[0].id, "shm0");
	assert_true(bi->shm[0].has_host);
	assert_int_equal(bi->shm[0].host, 0xa0000000);
	assert_int_equal(bi->shm[0].gpa, 0x7fe00000);
	assert_int_equal(bi->shm[0].size, 0x200000);
	assert_int_equal(bi->shm[1].domain, 1);
	assert_int_equal(bi->shm[1].role, SHM_BORROWER);
	assert_true(bootshm_takes_part(bi, &bi->shm[0]) && bootshm_takes_part(bi, &bi->shm[1]));
	assert_false(free_at(0xa0000000) || free_at(0xa01ff000));
	assert_true(free_at(0x9ffff000) && free_at(0xa0200000));

	/* Nobody's; narrow cells; a guest alone. */
	anew();
	tree_delete(fdt, S2);
	tree_delete_prop(fdt, S1, "role");
	tree_set_cells(fdt, D1, "#size-cells", 1);
	tree_set_cells(fdt, K1, "reg", 0, 0x60000000, 0x1f6dfc0);
	tree_set_cells(fdt, R1, "reg", 0, 0x64000000, 0xfe15e);
	tree_set_cells(fdt, S1, MEM, 0, 0xa0000000, 0, 0x7fe00000, 0x200000);
	assert_int_equal(parse(), 0);
	assert_said(S1 ": xen,shm-id = \"shm0\": no other domain has it, so nobody shares this");
	assert_int_equal(bi->shm[0].role, SHM_ANYONE);
	assert_int_equal(bi->shm[0].size, 0x200000);

	/* One without a role borrows from the owner. */
	anew();
	tree_delete_prop(fdt, S2, "role");
	assert_int_equal(parse(), 0);
	assert_silent();
}

/* Without a host address a place is found, the same for all. */
static void test_placed(void **state)
{
	tree_set_cells(fdt, S1, MEM, 0, 0x7fe00000, 0, 0x200000);
	tree_set_cells(fdt, S2, MEM, 0, 0x7f000000, 0, 0x200000);
	add_node(D1, "shm@1", "small", NULL);
	tree_set_cells(fdt, D1 "/shm@1", MEM, 0, 0x70000000, 0, 0x3000);
	assert_int_equal(parse(), 0);
	/* libfdt put the last one first. */
	assert_int_equal(bi->shm[0].host, 0xc0000000 - 0x3000);
	assert_int_equal(bi->shm[1].host, 0xbfc00000);
	assert_int_equal(bi->shm[2].host, 0xbfc00000);
	assert_int_equal(bi->shm[2].gpa, 0x7f000000);
	assert_false(free_at(0xbfc00000) || free_at(0xbfdff000) || free_at(0xbffff000));
	assert_true(free_at(0xbfe00000));

	/* One says where. */
	anew();
	tree_set_cells(fdt, S2, MEM, 0, 0x7fe00000, 0, 0x200000);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->shm[1].host, 0xa0000000);

	anew();
	tree_set_cells(fdt, S1, MEM, 3, 0, 0, 0x80000000);
	tree_set_cells(fdt, S2, MEM, 3, 0, 0, 0x80000000);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(S1 ": " MEM " = <0x3 0 0 0x80000000>: there are no 2097152 KiB of free RAM in one "
		       "piece; write a smaller size");
}

/* --- refusals: of the first domain's node, of the second's --- */

static const struct refusal {
	const char *path, *name;
	u32 nr;
	u32 cell[6];
	const char *text;
	const char *want;
	bool out[2];
} refusals[] = {
	/* clang-format off */
	{ S1, ID, 0, { 0 }, NULL, S1 ": xen,shm-id: it is no text of 1 to 15 characters; write xen,shm-id = \"NAME\", the same in all", { true, true } },
	{ S2, ID, 0, { 0 }, "0123456789abcdef", S2 ": xen,shm-id = \"0123456789abcdef\": it is no text of 1 to 15", { false, true } },
	{ S2, ID, 1, { 1 }, NULL, "xen,shm-id = <0x1>: it is no text", { false, true } },
	{ S2, ID, 0, { 0 }, "other", S2 ": role = \"borrower\": no domain is the owner of this xen,shm-id; write role = \"owner\" in one, or remove role from all", { false, true } },
	{ S2, "role", 0, { 0 }, "reader", S2 ": role = \"reader\": there is no such role; write role = \"owner\" or \"borrower\"", { false, true } },
	{ S2, "role", 1, { 1 }, NULL, "role = <0x1>: there is no such role", { false, true } },
	{ S2, "role", 0, { 0 }, "owner", S2 ": role = \"owner\": " S1 " is the owner, too; leave role = \"owner\" in one", { true, true } },
	{ S1, "role", 0, { 0 }, "borrower", S1 ": role = \"borrower\": no domain is the owner", { true, true } },
	{ S2, MEM, 0, { 0 }, NULL, S2 ": xen,shared-mem: it is not an address of the machine, one of the guest and a size; write xen,shared-mem = <HOST-ADDRESS GUEST-ADDRESS SIZE>, addresses of 2 cells and a size of 2, all", { false, true } },
	{ S2, MEM, 3, { 1, 2, 3 }, NULL, "it is not an address of the machine", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x7fe00000, 0, 0 }, NULL, "its size is zero", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000800, 0, 0x7fe00000, 0, 0x200000 }, NULL, "is no multiple of 4 KiB", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x7fe00001, 0, 0x200000 }, NULL, "is no multiple of 4 KiB", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0xffff8000, 0x7fe00000, 0, 0x200000 }, NULL, "it is beyond all memory", { false, true } },
	{ S2, MEM, 6, { 0xffffffff, 0xfffff000, 0, 0x7fe00000, 0, 0x200000 }, NULL, "it is beyond all memory", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x7fe00000, 0, 0x100000 }, NULL, S2 ": xen,shared-mem = <0 0xa0000000 0 0x7fe00000 ...>: the size is 0x100000, but 0x200000 in " S1 "; write the same in all nodes", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0200000, 0, 0x7fe00000, 0, 0x200000 }, NULL, "the host address is 0xa0200000, but 0xa0000000 in " S1, { false, true } },
	{ S1, MEM, 6, { 0, 0xa0000000, 0, 0x7fe00000, 0, 0x100000 }, NULL, S2 ": xen,shared-mem = <0 0xa0000000 0 0x7fe00000 ...>: the size is 0x200000, but 0x100000 in " S1, { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x47fff000, 0, 0x200000 }, NULL, S2 ": xen,shared-mem = <0 0xa0000000 0 0x47fff000 ...>: the guest has its memory at 0x47fff000-0x481fefff, or a part of it; write another guest address", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x3000000, 0, 0x200000 }, NULL, "the guest has its interrupt controller at", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x22000000, 0, 0x200000 }, NULL, "the guest has its UART at", { false, true } },
	{ S2, MEM, 6, { 0, 0xa0000000, 0, 0x37f00000, 0, 0x200000 }, NULL, "the guest has its grant frames at", { false, true } },
	/* clang-format on */
};

/* The host's side is refused for both, as both say it. */
static const struct {
	u32 host;
	const char *want;
} places[] = {
	{ 0x30000000, "0x30000000-0x301fffff of the host is not in RAM; write a host address of RAM" },
	{ 0xbff00000, "0xbff00000-0xc00fffff of the host is not in RAM" },
	{ 0x40200000, "of the host overlaps the hypervisor at 0x40200000-0x4027ffff" },
	{ 0x60100000, "overlaps " K1 " at 0x60000000" },
	{ 0x90000000, "overlaps xen,static-heap of /chosen at 0x90000000-0x93ffffff" },
};

static void apply(const struct refusal *r)
{
	u32 cells[6];

	for (u32 i = 0; i < r->nr; i++)
		cells[i] = cpu_to_fdt32(r->cell[i]);
	if (r->nr)
		tree_set(fdt, r->path, r->name, cells, r->nr * 4);
	else if (r->text)
		tree_set_string(fdt, r->path, r->name, r->text);
	else
		tree_delete_prop(fdt, r->path, r->name);
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		anew();
		apply(r);
		if (parse() != (r->out[0] && r->out[1] ? -XEN_ENODEV : 0))
			fail_msg("case %zu (%s): wrong answer", i, r->want);
		assert_said(r->want);
		for (u32 d = 0; d < 2; d++)
			if (bi->domains[d].left_out != r->out[d])
				fail_msg("case %zu (%s): domain %u", i, r->want, d);
	}
}

static void test_places(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		anew();
		tree_set_cells(fdt, "/chosen", "xen,static-heap", 0, 0x90000000, 0, 0x4000000);
		tree_set_cells(fdt, S1, MEM, 0, places[i].host, 0, 0x7fe00000, 0, 0x200000);
		tree_set_cells(fdt, S2, MEM, 0, places[i].host, 0, 0x7fe00000, 0, 0x200000);
		assert_int_equal(parse(), -XEN_ENODEV);
		assert_said(places[i].want);
		assert_said("2 of 2 domains cannot be built");
		assert_true(free_at(0x91000000));
	}
}

/* Regions and static memory that overlap. */
static void test_overlaps(void **state)
{
	add_node(D2, "shm@1", "other", NULL);
	tree_set_cells(fdt, D2 "/shm@1", MEM, 0, 0xa01ff000, 0, 0x70000000, 0, 0x1000);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said("0xa01ff000-0xa01fffff of the host overlaps " S1 " at 0xa0000000-0xa01fffff");
	assert_said(S1 ": " MEM " = <0 0xa0000000 0 0x7fe00000 ...>: 0xa0000000-0xa01fffff of the host "
		       "overlaps " D2 "/shm@1");

	anew();
	tree_set_cells(fdt, D2, "xen,static-mem", 0, 0x98100000, 0, 0x8000000);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(D2 ": xen,static-mem = <0 0x98100000 0 0x8000000>: 0x98100000-0xa00fffff overlaps "
		       S1 " at 0xa0000000");
	assert_said("of the host overlaps xen,static-mem of " D2);

	/* In one guest: the same region again; two at one place. */
	anew();
	add_node(D1, "shm@1", "shm0", "borrower");
	tree_set_cells(fdt, D1 "/shm@1", MEM, 0, 0xa0000000, 0, 0x70000000, 0, 0x200000);
	assert_int_equal(parse(), 0);
	assert_said(": xen,shm-id = \"shm0\": " D1 "/shm@1 has it already; remove one of the nodes");
	anew();
	add_node(D1, "shm@1", "other", NULL);
	tree_set_cells(fdt, D1 "/shm@1", MEM, 0, 0xa1000000, 0, 0x7fffe000, 0, 0x4000);
	assert_int_equal(parse(), 0);
	assert_said("the guest has " D1 "/shm@1 there; write another guest address");
	assert_false(bi->domains[1].left_out);
}

static void test_direct_map(void **state)
{
	tree_set_cells(fdt, D1, "xen,static-mem", 0, 0x80000000, 0, 0x8000000);
	tree_set(fdt, D1, "direct-map", NULL, 0);
	assert_int_equal(parse(), 0);
	assert_said("the domain is direct mapped; write the same address for host and guest");
	assert_true(bi->domains[0].left_out && !bi->domains[1].left_out);

	anew();
	tree_set_cells(fdt, D1, "xen,static-mem", 0, 0x80000000, 0, 0x8000000);
	tree_set(fdt, D1, "direct-map", NULL, 0);
	tree_set_cells(fdt, S1, MEM, 0, 0xa0000000, 0, 0xa0000000, 0, 0x200000);
	assert_int_equal(parse(), 0);
	assert_silent();
}

/* dom0 has its nodes in /chosen. */
static void test_dom0(void **state)
{
	add_node("/chosen", "shm", "shm0", "borrower");
	tree_set_cells(fdt, S0, MEM, 0, 0xa0000000, 0, 0xa0000000, 0, 0x200000);
	add_dom0();
	tree_set_cells(fdt, "/chosen", "#address-cells", 2);
	tree_set_cells(fdt, "/chosen", "#size-cells", 2);
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->shm[0].domain, -1);
	assert_true(bootshm_takes_part(bi, &bi->shm[0]));

	anew();
	add_node("/chosen", "shm", "shm0", "borrower");
	assert_int_equal(parse(), 0);
	assert_said(S0 ": there is no dom0 to which it could belong; move the node into a domain's");
	assert_false(bi->domains[0].left_out || bi->domains[1].left_out);

	for (int strict = 0; strict < 2; strict++) {
		anew();
		options.dom0less_strict = strict;
		add_node("/chosen", "shm", "shm0", "borrower");
		add_dom0();
		assert_int_equal(parse(), strict ? -XEN_EINVAL : 0);
		assert_said(S0 ": " MEM " = <0 0xa0000000 0 0x7fe00000 ...>: the domain is direct mapped");
		assert_false(bootshm_takes_part(bi, &bi->shm[0]));
	}
}

/* Whoever is refused for something else takes no part; the others go on. */
static void test_owner_left_out(void **state)
{
	tree_set_cells(fdt, D1, "cpus", 0);
	assert_int_equal(parse(), 0);
	assert_true(bi->domains[0].left_out && !bi->domains[1].left_out);
	assert_false(bootshm_takes_part(bi, &bi->shm[0]));
	assert_true(bootshm_takes_part(bi, &bi->shm[1]));
	assert_false(free_at(0xa0000000));

	anew();
	tree_set_string(fdt, D2, "status", "disabled");
	assert_int_equal(parse(), 0);
	assert_said("domain domU2 is not enabled");
	assert_false(bootshm_takes_part(bi, &bi->shm[1]));

	/* An owner that is disabled is stood in for; where its node lies does not matter. */
	anew();
	tree_set_string(fdt, D1, "status", "disabled");
	add_node(D1, "shm@1", "0123456789abcdef", "what");
	tree_set_cells(fdt, D2, "xen,static-mem", 0, 0x90000000, 0, 0x8000000);
	tree_set_cells(fdt, D1 "/shm@1", MEM, 0, 0x90000000, 0, 0x70000000, 0, 0x2000);
	options.dom0less_strict = true;
	assert_int_equal(parse(), 0);
	assert_false(bi->domains[1].left_out);
	assert_true(bootshm_takes_part(bi, &bi->shm[2]));
}

static void test_too_many(void **state)
{
	char name[16];

	tree_delete(fdt, S2);
	for (u32 i = 0; i < BOOT_SHM_MAX; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		add_node(D2, name, name, NULL);
	}
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said("there are too many such nodes; leave 32");
	assert_int_equal(bi->nr_shm, BOOT_SHM_MAX);
}

/* Random damage: any answer, but no access out of bounds. */
static void test_damage(void **state)
{
	u32 size, at, end;
	unsigned char *copy;

	add_node(D2, "shm@1", "other", NULL);
	tree_set_cells(fdt, D2 "/shm@1", MEM, 0, 0x70000000, 0, 0x4000);
	done = tree_done(fdt);
	fdt = NULL;
	size = fdt_totalsize(done);
	at = (u32)tree_node(done, S1) + fdt_off_dt_struct(done);
	end = (u32)tree_node(done, D2) + fdt_off_dt_struct(done) + 600;
	copy = aligned_alloc(8, (size + 7) & ~7U);
	srand(12);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, done, size);
		for (int hits = 1 + rand() % 4; hits; hits--)
			copy[at + (u32)rand() % (end - at)] ^= (unsigned char)(1 << rand() % 8);
		messages_clear();
		if (dt_check(copy, size) || bootinfo_parse(copy, FDT_AT, 0x40200000, 0x40280000))
			continue;
		bootinfo_check(bi);
	}
	free(copy);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_pair, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_pair),     TEST(test_placed),	    TEST(test_refusals), TEST(test_places),
		TEST(test_overlaps), TEST(test_direct_map), TEST(test_dom0),
		TEST(test_owner_left_out), TEST(test_too_many), TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
