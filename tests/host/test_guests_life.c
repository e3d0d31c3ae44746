/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/builder.c hyp/boot/place_files.c hyp/boot/plan.c
 * hyp/boot/place.c hyp/boot/kernel*.c hyp/lib/inflate.c hyp/boot/seed.c hyp/boot/dom0_devices.c hyp/boot/dom0_fdt.c
 * hyp/boot/domu_fdt.c hyp/boot/guest.c hyp/boot/fdt_out.c hyp/boot/pass*.c hyp/boot/shm_fdt.c hyp/boot/load.c hyp/boot/ram.c
 * hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c
 * hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c hyp/boot/static_ram.c hyp/boot/shm.c hyp/boot/channels.c */
/*
 * Guests of the device tree from their nodes to the first instruction: who waits for whom, and that
 * nothing is lost when something fails.
 */
#include "guests_house.h"

/* --- who waits for whom --- */

static void test_turns(void **state)
{
	add_guest("domU4", 1, 8 * MIB + 4 * MIB);
	add_guest("domU3", 1, 12 * MIB);
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	/* Two CPUs: two are loaded. */
	assert_int_equal(f.released[1], 1);
	assert_int_equal(f.released[2], 2);
	assert_int_equal(f.released[3], 0);
	host.now = 5000;
	load(2);
	/* What is loaded has a head start. */
	assert_int_equal(f.released[3], 0);
	assert_int_equal(f.timer, 5000 + NS_PER_MS);
	next_turn();
	assert_int_equal(f.released[3], 3);
	assert_int_equal(f.released[4], 0);
	load(1);
	/* The third dies before the fourth had its turn. */
	assert_int_equal(domain_kill(&f.dom[3]), 0);
	next_turn();
	assert_int_equal(f.released[4], 4);
	load(4);
	assert_file(4, GUEST_RAM0_BASE, K_SIZE, 1, 64);
	assert_int_equal(f.timer, 0);
}

/* An interrupt is served between two steps; work ends the run until the vcpu is chosen again. */
static void test_preempted(void **state)
{
	struct vcpu *v = &f.vcpu[1][0];

	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	host_set_current(v);
	this_cpu()->work = WORK_TIMER;
	launch_run(v);
	assert_non_null(v->launch);
	assert_int_equal(host.polls, 0);
	this_cpu()->work = 0;
	host.preempt_in = 3;
	host.idles = 0;
	launch_run(v);
	assert_true(host.idles >= 1);
	load(1);
	assert_int_equal(f.dom[1].frames.nr, 12 * MIB / PAGE_SIZE);
}

/* Killed before its turn, while it waits, half loaded, loaded: every frame is there again. */
static void test_killed(void **state)
{
	for (u32 steps = 0; steps < 60; steps += steps < 4 ? 1 : 13) {
		u64 before, spent;

		again();
		add_guest("domU3", 1, 12 * MIB);
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		assert_int_equal(start(), 0);
		before = free_frames();
		host_set_current(&f.vcpu[1][0]);
		/* Another CPU wants something after each so many steps. */
		for (u32 i = 0; i < steps && f.vcpu[1][0].launch; i++) {
			host.preempt_in = 1 + i % 60;
			this_cpu()->remote = WORK_SCHED;
			this_cpu()->work = 0;
			launch_run(&f.vcpu[1][0]);
		}
		host_set_current(NULL);
		this_cpu()->work = 0;
		for (u32 id = 3; id >= 1; id--) {
			host.preempt_in = 1;
			while (domain_kill(&f.dom[id]) == -XEN_ERESTART)
				;
			spent = free_frames() - before;
			assert_true(spent >= 12 * MIB / PAGE_SIZE * (4 - id));
		}
		assert_true(free_frames() > f.heap_free);
	}
}

static void test_used_up_from_outside(void **state)
{
	struct frame *one;

	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), 0);
	one = frame_alloc(0, 0);
	assert_int_equal(frame_assign(&f.dom[1].frames, one, 1), 0);
	host_set_current(&f.vcpu[1][0]);
	for (u32 i = 0; i < 5; i++) {
		this_cpu()->work = 0;
		launch_run(&f.vcpu[1][0]);
	}
	assert_true(f.crashed[1]);
	assert_non_null(f.vcpu[1][0].launch);
	host_set_current(NULL);
	this_cpu()->work = 0;
	assert_int_equal(domain_kill(&f.dom[1]), 0);
	assert_true(free_frames() > f.heap_free);
}

/* --- what cannot be built --- */

static void test_too_large(void **state)
{
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 1024 * MIB);
	assert_int_equal(start(), 0);
	assert_said("domU1: memory = <0 0x100000>: 1024 MiB do not fit, ");
	assert_said("MiB are free; write a smaller memory");
	assert_said("domU1: left out; the others go on");
	assert_false(f.exists[1]);
	assert_int_equal(f.released[2], 1);
	load(2);

	again();
	options.dom0less_strict = true;
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 1024 * MIB);
	assert_int_equal(start(), -XEN_ENOMEM);
	assert_int_equal(f.order, 0);

	/* Not even the kernel fits; then, no room for the tree. */
	again();
	add_guest("domU1", 1, 4 * MIB);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("domU1: kernel (4098 KiB in memory) and ramdisk (8 KiB) do not fit");
	assert_said("no domain could be built");
	again();
	add_guest("domU1", 1, 6 * MIB + 64 * 1024);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("domU1: no room for its device tree");
}

/* Every step fails once: that guest is left out, nothing of it remains, the other goes on. */
static void test_failures(void **state)
{
	u64 full = 0;

	for (long i = 0; i <= 9; i++) {
		again();
		add_guest("domU2", 1, 12 * MIB);
		add_guest("domU1", 1, 12 * MIB);
		tree_set(fdt, "/chosen/domU1", "vpl011", NULL, 0);
		assert_int_equal(prepare(), 0);
		host.fail_p2m_in = i;
		f.uart_rc = i == 8 ? -XEN_ENOMEM : 0;
		no_memory = i == 9;
		assert_int_equal(builder_start(), 0);
		/* Stage 2 does with smaller blocks then. */
		assert_int_equal(f.exists[1], i < 8);
		assert_int_not_equal(f.released[2], 0);
		load(2);
		if (f.exists[1])
			load(1);
		else
			assert_said("domU1: left out");
		for (u32 id = 1; id <= 2; id++)
			if (f.exists[id])
				assert_int_equal(domain_kill(&f.dom[id]), 0);
		if (!full)
			full = free_frames();
		assert_int_equal(free_frames(), full);
	}

	again();
	f.create_rc = -XEN_ENOMEM;
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("domU1: cannot be created");
}

static void test_bad_kernel(void **state)
{
	memcpy(paddr_to_virt(KERNEL), "\x7f" "ELF", 4);
	memset(paddr_to_virt(KERNEL + 56), 0, 4);
	add_guest("domU1", 1, 12 * MIB);
	assert_int_equal(start(), -XEN_ENODEV);
	assert_said("/chosen/domU1/kernel@0: the kernel at 0x41000000 is an ELF file");
}

/* --- with dom0 --- */

static void test_dom0(void **state)
{
	add_guest("domU2", 1, 12 * MIB);
	add_guest("domU1", 1, 12 * MIB);
	tree_set(fdt, "/chosen/domU1", "xen,enhanced", NULL, 0);
	add_module("/chosen", "module@0", "kernel", KERNEL, K_SIZE);
	options.dom0_mem = 32 * MIB;
	assert_int_equal(start(), 0);
	assert_int_equal(f.released[0], 1);
	assert_int_equal(f.released[1], 2);
	assert_int_equal(f.cfg[0].flags, DOMAIN_CONTROL | DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP);
	assert_int_equal(f.cfg[0].max_evtchn_port, 131071);
	/* The guests read the file while dom0 runs: it has a copy. */
	assert_said("dom0: kernel");
	assert_int_not_equal(f.pc[0], KERNEL);
	memset(paddr_to_virt(f.pc[0]), 0xee, K_SIZE);
	load(1);
	load(2);
	assert_file(2, GUEST_RAM0_BASE, K_SIZE, 1, 64);
	assert_int_equal(f.dom[1].hvm_params[HVM_PARAM_STORE_EVTCHN], 1);
	assert_int_equal(f.dom[1].hvm_params[HVM_PARAM_STORE_PFN], ~0UL);
	assert_int_equal(f.dom[2].hvm_params[HVM_PARAM_STORE_EVTCHN], 0);
	take_tree(1);
	assert_true(fdt_path_offset(tree, "/hypervisor") > 0);
	take_tree(2);
	assert_true(fdt_path_offset(tree, "/hypervisor") < 0);

	/* Without memory of its own on the command line dom0 leaves the guests theirs. */
	again();
	add_guest("domU1", 1, 64 * MIB);
	add_module("/chosen", "module@0", "kernel", KERNEL, K_SIZE);
	assert_int_equal(start(), 0);
	assert_true(f.exists[0] && f.exists[1]);
	assert_true(f.cfg[0].max_frames >= 24 * MIB / PAGE_SIZE);

	/* A port cannot be had: then there is no xenstore. */
	again();
	f.port_rc = -XEN_ENOSPC;
	add_guest("domU1", 1, 12 * MIB);
	tree_set(fdt, "/chosen/domU1", "xen,enhanced", NULL, 0);
	add_module("/chosen", "module@0", "kernel", KERNEL, K_SIZE);
	options.dom0_mem = 32 * MIB;
	assert_int_equal(start(), 0);
	assert_int_equal(f.dom[1].hvm_params[HVM_PARAM_STORE_PFN], 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_turns),
		TEST(test_preempted),
		TEST(test_killed),
		TEST(test_used_up_from_outside),
		TEST(test_too_large),
		TEST(test_failures),
		TEST(test_bad_kernel),
		TEST(test_dom0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
