/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c */
/*
 * Event channels in the device tree: what is understood, and what is refused in which words.
 */
#include "boot_tree.h"

#define E1  D1 "/evtchn@1"
#define E2  D2 "/evtchn@2"
#define CHN "xen,evtchn"

static void add_node(const char *domain, const char *name, u32 phandle, u32 port, u32 peer)
{
	char path[48];

	tree_add(fdt, domain, name);
	snprintf(path, sizeof(path), "%s/%s", domain, name);
	tree_set_string(fdt, path, "compatible", "xen,evtchn-v1");
	tree_set_cells(fdt, path, "phandle", phandle);
	tree_set_cells(fdt, path, CHN, port, peer);
}

static int set_up_pair(void **state)
{
	set_up(state);
	tree_set_string(fdt, D1, "xen,enhanced", "no-xenstore");
	tree_set_string(fdt, D2, "xen,enhanced", "no-xenstore");
	add_node(D2, "evtchn@2", 0xe2, 11, 0xe1);
	add_node(D1, "evtchn@1", 0xe1, 10, 0xe2);
	return 0;
}

static void anew(void)
{
	tear_down(NULL);
	set_up_pair(NULL);
}

static void test_pair(void **state)
{
	const struct boot_evtchn *e = bi->evtchn;

	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_evtchn, 2);
	assert_int_equal(e[0].domain, 0);
	assert_int_equal(e[0].port, 10);
	assert_int_equal(e[0].peer, 1);
	assert_int_equal(e[1].domain, 1);
	assert_int_equal(e[1].port, 11);
	assert_int_equal(e[1].peer, 0);
	assert_false(e[0].bad || e[1].bad);

	/* Both ends in one domain; the highest port; a guest that is not told. */
	anew();
	tree_delete_prop(fdt, D1, "xen,enhanced");
	add_node(D1, "evtchn@3", 0xe3, 1, 0xe4);
	add_node(D1, "evtchn@4", 0xe4, 1023, 0xe3);
	assert_int_equal(parse(), 0);
	assert_said(E1 ": the guest is not told of event channels; write xen,enhanced = \"no-xenstore\"");
	assert_false(bi->domains[0].left_out);
	assert_int_equal(e[0].peer, 1);
	assert_int_equal(e[1].peer, 0);
}

static void test_dom0(void **state)
{
	add_node("/chosen", "evtchn@5", 0xe5, 4095, 0xe6);
	add_node(D1, "evtchn@6", 0xe6, 3, 0xe5);
	add_dom0();
	assert_int_equal(parse(), 0);
	assert_silent();
	assert_int_equal(bi->nr_evtchn, 4);

	for (int strict = 0; strict < 2; strict++) {
		anew();
		options.dom0less_strict = strict;
		add_node("/chosen", "evtchn@5", 0xe5, 4096, 0xe6);
		add_dom0();
		assert_int_equal(parse(), strict ? -XEN_EINVAL : 0);
		assert_said("/chosen/evtchn@5: xen,evtchn = <0x1000 0xe6>: there is no such port; write "
			    "xen,evtchn = <PORT &OTHER-NODE>, PORT from 1 to 4095");
	}
	anew();
	add_node("/chosen", "evtchn@5", 0xe5, 4, 0xe6);
	add_node(D1, "evtchn@6", 0xe6, 3, 0xe5);
	assert_int_equal(parse(), 0);
	assert_said("there is no dom0 that could have it; move the node into a domain's");
}

static const struct refusal {
	const char *path;
	u32 nr, cell[3];
	const char *want;
	bool out[2];
} refusals[] = {
	{ E1, 0, { 0 }, E1 ": xen,evtchn: it is not two cells; write xen,evtchn = <PORT &OTHER-NODE>, PORT "
			"from 1 to 1023", { true, false } },
	{ E1, 1, { 10 }, "xen,evtchn = <0xa>: it is not two cells", { true, false } },
	{ E1, 3, { 10, 0xe2, 1 }, "it is not two cells", { true, false } },
	{ E1, 2, { 0, 0xe2 }, "xen,evtchn = <0 0xe2>: there is no such port", { true, false } },
	{ E1, 2, { 1024, 0xe2 }, "xen,evtchn = <0x400 0xe2>: there is no such port", { true, false } },
	{ E1, 2, { 10, 0xe9 }, "no node has the phandle 0xe9; let it lead to a node with compatible = "
			       "\"xen,evtchn-v1\"", { true, true } },
	{ E1, 2, { 10, 0xe9 }, E2 ": xen,evtchn = <0xb 0xe1>: " E1 " does not lead back here; write in "
			       "that node xen,evtchn = <ITS-PORT &THIS-NODE>", { true, true } },
	{ E1, 2, { 10, 0xe1 }, "it leads to itself; write the phandle of the other end's node",
	  { true, true } },
	{ E1, 2, { 10, 0 }, "no node has the phandle 0", { true, true } },
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		u32 cells[3];

		anew();
		for (u32 k = 0; k < r->nr; k++)
			cells[k] = cpu_to_fdt32(r->cell[k]);
		if (r->nr)
			tree_set(fdt, r->path, CHN, cells, r->nr * 4);
		else
			tree_delete_prop(fdt, r->path, CHN);
		if (parse() != (r->out[0] && r->out[1] ? -XEN_ENODEV : 0))
			fail_msg("case %zu (%s): wrong answer", i, r->want);
		assert_said(r->want);
		for (u32 d = 0; d < 2; d++)
			if (bi->domains[d].left_out != r->out[d])
				fail_msg("case %zu (%s): domain %u", i, r->want, d);
	}
}

static void test_clashes(void **state)
{
	/* The same port twice; what it leads to is no channel; three in a ring. */
	add_node(D1, "evtchn@3", 0xe3, 10, 0xe4);
	add_node(D2, "evtchn@4", 0xe4, 12, 0xe3);
	assert_int_equal(parse(), 0);
	assert_said(E1 ": xen,evtchn = <0xa 0xe2>: " D1 "/evtchn@3 has this port already; write another");
	assert_true(bi->domains[0].left_out && !bi->domains[1].left_out);

	anew();
	tree_set_cells(fdt, "/cpus/cpu@0", "phandle", 0x77);
	tree_set_cells(fdt, E1, CHN, 10, 0x77);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said("/cpus/cpu@0 is no event channel");

	anew();
	add_node(D2, "evtchn@3", 0xe3, 12, 0xe1);
	tree_set_cells(fdt, E2, CHN, 11, 0xe3);
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(E1 ": xen,evtchn = <0xa 0xe2>: " E2 " does not lead back here");
}

/* The other end's domain is refused, or disabled: that is not this one's fault. */
static void test_other_end_missing(void **state)
{
	tree_set_cells(fdt, D2, "cpus", 0);
	assert_int_equal(parse(), 0);
	assert_true(!bi->domains[0].left_out && bi->domains[1].left_out);
	assert_false(bi->evtchn[0].bad);

	anew();
	tree_set_string(fdt, D2, "status", "disabled");
	add_node(D2, "evtchn@3", 0xe3, 0, 0xee);
	options.dom0less_strict = true;
	assert_int_equal(parse(), 0);
	assert_false(bi->evtchn[0].bad || bi->domains[0].left_out);
}

static void test_too_many(void **state)
{
	char name[16];

	for (u32 i = 0; i < BOOT_EVTCHN_MAX; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		add_node(D2, name, 0x100 + i, 20 + i, 0x100 + (i ^ 1));
	}
	/* The last one is what the first domain's leads to. */
	assert_int_equal(parse(), -XEN_ENODEV);
	assert_said(E2 ": xen,evtchn = <0xb 0xe1>: there are too many such nodes; leave 64");
	assert_said(E1 ": xen,evtchn = <0xa 0xe2>: " E2 " is no event channel");
}

/* Random damage: any answer, but no access out of bounds. */
static void test_damage(void **state)
{
	u32 size, at, end;
	unsigned char *copy;

	add_node(D1, "evtchn@3", 0xe3, 1, 0xe4);
	add_node(D2, "evtchn@4", 0xe4, 12, 0xe3);
	done = tree_done(fdt);
	fdt = NULL;
	size = fdt_totalsize(done);
	at = (u32)tree_node(done, D1) + fdt_off_dt_struct(done);
	end = (u32)tree_node(done, E2) + fdt_off_dt_struct(done) + 80;
	copy = aligned_alloc(8, (size + 7) & ~7U);
	srand(13);
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
		TEST(test_pair),	      TEST(test_dom0),	   TEST(test_refusals), TEST(test_clashes),
		TEST(test_other_end_missing), TEST(test_too_many), TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
