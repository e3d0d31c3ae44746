/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/guest.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c
 * hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c hyp/boot/static_ram.c hyp/boot/shm.c
 * hyp/boot/channels.c */
/*
 * Guests that share by the device tree. Memory: who has which frames and references, what is in them
 * at first, what the guests are told, and that a region outlives whoever goes first. Event channels:
 * which ends are bound to which.
 */
#include "guests_house.h"

#define MEM  "xen,shared-mem"
#define HOST (RAM + 96 * MIB)
#define SIZE (2 * MIB)
#define NR   (SIZE / PAGE_SIZE)
#define GPA1 0x7fe00000UL
#define GPA2 0x70000000UL

static void add_shm(const char *domain, const char *role, u64 at, u64 gpa, u64 size)
{
	char path[64];

	tree_add(fdt, domain, "shm@0");
	snprintf(path, sizeof(path), "%s/shm@0", domain);
	tree_set_string(fdt, path, "compatible", "xen,domain-shared-memory-v1");
	tree_set_string(fdt, path, "xen,shm-id", "ring");
	if (role)
		tree_set_string(fdt, path, "role", role);
	if (at)
		tree_set_cells(fdt, path, MEM, 0, (u32)at, 0, (u32)gpa, 0, (u32)size);
	else
		tree_set_cells(fdt, path, MEM, 0, (u32)gpa, 0, (u32)size);
}

/* The borrower comes first in the tree. */
static void add_pair(const char *role1, const char *role2)
{
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_shm("/chosen/domU1", role1, HOST, GPA1, SIZE);
	add_shm("/chosen/domU2", role2, HOST, GPA2, SIZE);
}

static struct frame *frame_of(u64 i)
{
	return mfn_to_frame(mfn((HOST >> PAGE_SHIFT) + i));
}

static void assert_mapped(u32 id, u64 gpa, enum p2m_type want)
{
	for (u64 i = 0; i < NR; i++) {
		enum p2m_type t;
		mfn_t m = p2m_lookup(&f.dom[id].p2m, gfn((gpa >> PAGE_SHIFT) + i), &t);

		assert_int_equal(m.v, (HOST >> PAGE_SHIFT) + i);
		assert_int_equal(t, want);
	}
}

static void assert_refs(u32 refs)
{
	for (u64 i = 0; i < NR; i++)
		assert_int_equal(frame_of(i)->refs, refs);
}

static void test_owner_and_borrower(void **state)
{
	add_pair("borrower", "owner");
	tree_set_string(fdt, "/chosen/domU1", "xen,enhanced", "no-xenstore");
	assert_int_equal(start(), 0);
	assert_said("shared memory ring: 2048 KiB at 0x46000000 of the host, domU2's");
	assert_int_equal(f.dom[2].frames.nr, NR);
	load(1);
	load(2);
	assert_mapped(1, GPA1, P2M_FOREIGN_RW);
	assert_mapped(2, GPA2, P2M_RAM_RW);
	assert_refs(2);
	for (u64 i = 0; i < NR; i++)
		assert_true(frame_is_allocated_to(frame_of(i), &f.dom[2].frames));
	assert_int_equal(f.dom[1].frames.nr, 12 * MIB / PAGE_SIZE);
	assert_int_equal(f.dom[2].frames.nr, 12 * MIB / PAGE_SIZE + NR);
	assert_int_equal(f.cfg[1].max_frames, 12 * MIB / PAGE_SIZE);
	assert_int_equal(f.cfg[2].max_frames, 12 * MIB / PAGE_SIZE + NR);
	/* What the loader left there is gone. */
	assert_zero_pages(2, GPA2, GPA2 + SIZE);
	take_tree(2);
	assert_true(fdt_path_offset(tree, "/reserved-memory/xen-shmem@7fe00000") < 0);
	assert_cells("/reserved-memory/xen-shmem@70000000", "reg", 0, (u32)GPA2, 0, (u32)SIZE);
	take_tree(1);
	assert_cells("/reserved-memory", "#address-cells", 2);
	assert_cells("/reserved-memory", "#size-cells", 2);
	assert_non_null(prop("/reserved-memory", "ranges", NULL));
	assert_bytes("/reserved-memory/xen-shmem@7fe00000", "compatible", "xen,shared-memory-v1");
	assert_bytes("/reserved-memory/xen-shmem@7fe00000", "xen,id", "ring");
	assert_cells("/reserved-memory/xen-shmem@7fe00000", "reg", 0, (u32)GPA1, 0, (u32)SIZE);
	/* Pages of others are to be put elsewhere. */
	assert_cells("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 0, 0x40c00000, 0, 0x3f200000, 0,
		     0x80000000, 0, 0x80000000, 2, 0, 0xfe, 0);
}

static void test_nobodys(void **state)
{
	const struct frame_owner *o;

	add_pair(NULL, NULL);
	assert_int_equal(start(), 0);
	assert_said("shared memory ring: 2048 KiB at 0x46000000 of the host, nobody's");
	assert_mapped(1, GPA1, P2M_FOREIGN_RW);
	assert_mapped(2, GPA2, P2M_FOREIGN_RW);
	assert_refs(3);
	o = frame_owner_of(frame_of(0));
	assert_int_equal(container_of(o, struct domain, frames)->id, DOMID_IO);
	assert_int_equal(o->nr, NR);
	/* It stays when both are gone: nobody may get it. */
	load(1);
	load(2);
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_int_equal(domain_kill(&f.dom[2]), 0);
	assert_refs(1);
	mem_free(container_of(o, struct domain, frames));
}

/* All of its life but the record, which stays while others have frames. */
static void end_domain(u32 id)
{
	assert_int_equal(launch_domain_destroy(&f.dom[id]), 0);
	assert_int_equal(p2m_destroy(&f.dom[id].p2m), 0);
	assert_int_equal(frame_release_all(&f.dom[id].frames), 0);
}

static void test_owner_dies_first(void **state)
{
	u64 *word = paddr_to_virt(HOST + 5 * PAGE_SIZE);

	add_pair("owner", "borrower");
	assert_int_equal(start(), 0);
	load(1);
	load(2);
	*word = 77;
	end_domain(1);
	/* Still the dead one's, kept by the borrower's references; and not written by anybody. */
	assert_int_equal(f.dom[1].frames.nr, NR);
	assert_refs(1);
	assert_mapped(2, GPA2, P2M_FOREIGN_RW);
	assert_int_equal(*word, 77);
	assert_int_equal(domain_kill(&f.dom[2]), 0);
	assert_int_equal(f.dom[1].frames.nr, 0);
	for (u64 i = 0; i < NR; i++)
		assert_int_equal(frame_of(i)->word, 0);
	/* Never the heap's. */
	for (struct frame *x; (x = frame_alloc(0, FRAME_NO_SCRUB));)
		assert_false(x >= frame_of(0) && x < frame_of(NR));
}

static void test_borrower_dies_first(void **state)
{
	add_pair("owner", "borrower");
	assert_int_equal(start(), 0);
	load(1);
	assert_int_equal(domain_kill(&f.dom[2]), 0);
	assert_refs(1);
	assert_mapped(1, GPA1, P2M_RAM_RW);
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_int_equal(frame_of(3)->word, 0);
}

/* An owner that cannot be built is stood in for. */
static void test_owner_not_built(void **state)
{
	struct domain *io;

	add_pair("owner", "borrower");
	tree_set(fdt, "/chosen/domU1", "vpl011", NULL, 0);
	f.uart_rc = -XEN_ENOMEM;
	assert_int_equal(start(), 0);
	assert_said("domU1: left out; the others go on");
	assert_said("host, nobody's");
	assert_false(f.exists[1]);
	assert_mapped(2, GPA2, P2M_FOREIGN_RW);
	assert_refs(2);
	io = container_of(frame_owner_of(frame_of(0)), struct domain, frames);
	assert_int_equal(io->id, DOMID_IO);
	load(2);
	mem_free(io);
}

/* dom0 has its node in /chosen, and the memory where it is in the machine. */
static void test_dom0(void **state)
{
	for (int reserved = 0; reserved < 2; reserved++) {
		again();
		options.dom0_mem = 24 * MIB;
		add_guest("domU1", 1, 12 * MIB);
		add_shm("/chosen/domU1", "owner", HOST, GPA1, SIZE);
		add_module("/chosen", "kernel@0", "kernel", KERNEL, K_SIZE);
		tree_set_cells(fdt, "/chosen", "#address-cells", 2);
		tree_set_cells(fdt, "/chosen", "#size-cells", 2);
		add_shm("/chosen", "borrower", HOST, HOST, SIZE);
		if (reserved) {
			tree_add(fdt, "/", "reserved-memory");
			tree_set_cells(fdt, "/reserved-memory", "#address-cells", 2);
			tree_set_cells(fdt, "/reserved-memory", "#size-cells", 2);
			tree_set(fdt, "/reserved-memory", "ranges", NULL, 0);
			tree_add(fdt, "/reserved-memory", "fw@47000000");
			tree_set_cells(fdt, "/reserved-memory/fw@47000000", "reg", 0, 0x47000000, 0,
				       0x1000);
		}
		assert_int_equal(start(), 0);
		assert_mapped(0, HOST, P2M_FOREIGN_RW);
		assert_mapped(1, GPA1, P2M_RAM_RW);
		assert_refs(2);
		take_tree(0);
		assert_cells("/reserved-memory/xen-shmem@46000000", "reg", 0, (u32)HOST, 0, (u32)SIZE);
		assert_int_equal(fdt_path_offset(tree, "/reserved-memory/fw@47000000") >= 0, reserved);
		assert_true(fdt_path_offset(tree, "/chosen/shm@0") < 0);
		load(1);
		assert_int_equal(domain_kill(&f.dom[0]), 0);
		assert_int_equal(domain_kill(&f.dom[1]), 0);
	}
}

/* Whoever cannot have the memory is left out, and the others have it. */
static void test_cannot_map(void **state)
{
	static const char *const roles[][2] = { { "owner", "borrower" }, { "borrower", "owner" },
						{ NULL, NULL } };

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		for (u32 who = 1; who <= 2; who++)
			for (int strict = 0; strict < 2; strict++) {
				struct domain *io;
				int rc;

				again();
				options.dom0less_strict = strict;
				add_pair(roles[i][0], roles[i][1]);
				/* Out of this one's reach. */
				f.p2m_end[who] = 0x60000;
				rc = start();
				assert_said("shared memory ring cannot be mapped at");
				if (strict) {
					assert_int_equal(rc, -XEN_EINVAL);
					for (u32 id = 1; id <= 2; id++)
						domain_kill(&f.dom[id]);
				} else {
					assert_int_equal(rc, 0);
					assert_false(f.exists[who]);
					assert_true(f.exists[3 - who]);
					load(3 - who);
					assert_int_equal(domain_kill(&f.dom[3 - who]), 0);
				}
				if (!frame_of(0)->word)
					continue;
				io = container_of(frame_owner_of(frame_of(0)), struct domain, frames);
				assert_int_equal(io->id, DOMID_IO);
				assert_refs(1);
				mem_free(io);
			}
}

/* --- event channels --- */

static void add_end(const char *domain, const char *name, u32 phandle, u32 port, u32 peer)
{
	char path[64];

	tree_add(fdt, domain, name);
	snprintf(path, sizeof(path), "%s/%s", domain, name);
	tree_set_string(fdt, path, "compatible", "xen,evtchn-v1");
	tree_set_cells(fdt, path, "phandle", phandle);
	tree_set_cells(fdt, path, "xen,evtchn", port, peer);
}

/* One of dom0's and the second guest's, one of the two guests', one of the second's alone. */
static void add_channels(void)
{
	options.dom0_mem = 24 * MIB;
	add_module("/chosen", "kernel@0", "kernel", KERNEL, K_SIZE);
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	add_end("/chosen/domU2", "e@6", 0xe6, 6, 0xe5);
	add_end("/chosen/domU2", "e@5", 0xe5, 5, 0xe6);
	add_end("/chosen/domU2", "e@4", 0xe4, 4, 0xe1);
	add_end("/chosen/domU2", "e@3", 0xe3, 3, 0xe2);
	add_end("/chosen/domU1", "e@2", 0xe2, 2, 0xe3);
	add_end("/chosen", "e@1", 0xe1, 1, 0xe4);
}

static void assert_bound(u32 i, u32 d, u32 port, u32 rd, u32 rport)
{
	const struct binding *b = &f.bound[i];

	if (i >= f.nr_bound || b->d != d || b->port != port || b->rd != rd || b->rport != rport)
		fail_msg("%u of %u: d%u port %u to d%u port %u", i, f.nr_bound, b->d, b->port, b->rd,
			 b->rport);
}

static void end_all(void)
{
	for (u32 id = 0; id < DOMS; id++)
		if (f.exists[id])
			domain_kill(&f.dom[id]);
}

static void test_channels(void **state)
{
	add_channels();
	assert_int_equal(start(), 0);
	assert_int_equal(f.nr_bound, 3);
	assert_bound(0, 0, 1, 2, 4);
	assert_bound(1, 1, 2, 2, 3);
	assert_bound(2, 2, 5, 2, 6);
	end_all();

	/* The first guest is not there. */
	again();
	add_channels();
	tree_set_cells(fdt, "/chosen/domU1", "cpus", 0);
	assert_int_equal(start(), 0);
	assert_said("domU2: event channel 3 leads to nobody");
	assert_int_equal(f.nr_bound, 3);
	assert_bound(0, 0, 1, 2, 4);
	assert_bound(1, 2, 3, 1, 0);
	end_all();

	/* The second cannot be built, so nobody is. */
	again();
	add_channels();
	tree_set(fdt, "/chosen/domU2", "vpl011", NULL, 0);
	f.uart_rc = -XEN_ENOMEM;
	assert_int_equal(start(), 0);
	assert_int_equal(f.nr_bound, 2);
	assert_bound(0, 0, 1, 2, 0);
	assert_bound(1, 1, 2, 2, 0);
	end_all();
}

static void test_channels_fail(void **state)
{
	add_channels();
	f.bind_rc = -XEN_ENOMEM;
	assert_int_equal(start(), -XEN_ENOMEM);
	assert_said("dom0: event channel 1 cannot be made (-12)");
	end_all();

	again();
	add_channels();
	tree_delete(fdt, "/chosen/e@1");
	tree_delete(fdt, "/chosen/domU2/e@4");
	f.bind_rc = -XEN_ENOMEM;
	assert_int_equal(start(), 0);
	assert_said("domU1: event channel 2 cannot be made (-12)");
	assert_said("domU1: left out; the others go on");
	assert_said("domU2: left out");
	assert_false(f.exists[1] || f.exists[2]);
	end_all();
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_owner_and_borrower), TEST(test_nobodys),
		TEST(test_owner_dies_first),   TEST(test_borrower_dies_first),
		TEST(test_owner_not_built),    TEST(test_cannot_map), TEST(test_dom0),
		TEST(test_channels),	       TEST(test_channels_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
