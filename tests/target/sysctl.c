// SPDX-License-Identifier: Apache-2.0
/*
 * sysctl beyond the door: what there is of CPUs and nodes, what is refused, the console's ring, and
 * pools of CPUs that change while the peer runs.
 */
/* machine: smp=3 vcpus=1 pair=1 timeout=240 */
#include "guest.h"

#define ANY   0xffffffffu
#define B     ((uint64_t)buf)
#define BAD   UNMAPPED_ADDRESS
#define EDGE  0x5a5a5a5au
#define FIRST 7 /* number of the first pool */

static struct xen_sysctl sc __attribute__((aligned(16)));
static uint32_t buf[16384] __attribute__((aligned(4096)));

/* Arguments as 32-bit words from the union's start, as pairs of index and value. */
static int64_t sysctl(uint32_t cmd, int nr, ...)
{
	va_list ap;

	memset(&sc, 0, sizeof(sc));
	memset(buf, 0x5a, sizeof(buf));
	sc.cmd = cmd;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	va_start(ap, nr);
	for (int i = 0; i < nr; i++) {
		int at = va_arg(ap, int);
		uint64_t v = va_arg(ap, uint64_t);

		/* Handles are 64-bit words: their index counts from 100. */
		if (at >= 100)
			sc.u.q[at - 100] = v;
		else
			sc.u.w[at] = (uint32_t)v;
	}
	va_end(ap);
	return hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
}

#define W(i, v) (i), (uint64_t)(v)
#define Q(i, v) (100 + (i)), (uint64_t)(v)

static void check_machine(void)
{
	check_eq("sysctl.physinfo", sysctl(3, 0), 0);
	check_eq("sysctl.physinfo_cpus", sc.u.physinfo.nr_cpus, 3);
	check_eq("sysctl.physinfo_last_cpu", sc.u.physinfo.max_cpu_id, 2);
	check_eq("sysctl.physinfo_nodes", sc.u.physinfo.nr_nodes, 1);
	check_eq("sysctl.physinfo_threads", sc.u.physinfo.threads_per_core, 1);
	check_eq("sysctl.physinfo_khz", sc.u.physinfo.cpu_khz, 62500);
	/* A virtual PMU is a matter of taste. */
	check_eq("sysctl.physinfo_caps", sc.u.physinfo.capabilities & ~0x280u, 0x109);
	check_eq("sysctl.cputopo_ask", sysctl(16, 0), 0);
	check_eq("sysctl.cputopo_ask_nr", sc.u.w[0], 3);
	check_eq("sysctl.cputopo_2", sysctl(16, 2, W(0, 2), Q(1, B)), 0);
	check_eq("sysctl.cputopo_2_nr", sc.u.w[0], 2);
	check_eq("sysctl.cputopo_2_node", buf[5], 0);
	check_eq("sysctl.cputopo_2_edge", buf[6], EDGE);
	check_eq("sysctl.cputopo_9", sysctl(16, 2, W(0, 9), Q(1, B)), 0);
	check_eq("sysctl.cputopo_9_nr", sc.u.w[0], 3);
	check_eq("sysctl.cputopo_0", sysctl(16, 2, W(0, 0), Q(1, B)), 0);
	check_eq("sysctl.cputopo_0_nr", sc.u.w[0], 0);
	check_eq("sysctl.cputopo_bad", sysctl(16, 2, W(0, 9), Q(1, BAD)), -XEN_EFAULT);
	check_eq("sysctl.numa_ask", sysctl(17, 0), 0);
	check_eq("sysctl.numa_ask_nr", sc.u.w[0], 1);
	check_eq("sysctl.numa", sysctl(17, 3, W(0, 9), Q(1, B), Q(2, B + 64)), 0);
	check_eq("sysctl.numa_nr", sc.u.w[0], 1);
	check_eq("sysctl.numa_size", buf[0], 0x80000000);
	check_eq("sysctl.numa_distance", buf[16], 20);
	check_eq("sysctl.numa_edge", buf[17], EDGE);
	check_eq("sysctl.numa_bad", sysctl(17, 2, W(0, 9), Q(1, BAD)), -XEN_EFAULT);
	check_eq("sysctl.pcitopo", sysctl(22, 0), -XEN_ENOSYS);
}

static void check_idle(void)
{
	uint64_t *idle = (uint64_t *)buf, before[3];

	check_eq("sysctl.cpuinfo_0", sysctl(8, 0), 0);
	check_eq("sysctl.cpuinfo_0_nr", sc.u.w[4], 0);
	check_eq("sysctl.cpuinfo_bad", sysctl(8, 2, W(0, 9), Q(1, BAD)), -XEN_EFAULT);
	check_eq("sysctl.cpuinfo", sysctl(8, 2, W(0, 9), Q(1, B)), 0);
	check_eq("sysctl.cpuinfo_nr", sc.u.w[4], 3);
	check_eq("sysctl.cpuinfo_edge", buf[6], EDGE);
	memcpy(before, idle, sizeof(before));
	delay_us(20000);
	check_eq("sysctl.cpuinfo_again", sysctl(8, 2, W(0, 9), Q(1, B)), 0);
	/* One CPU runs this, and perhaps the peer's another one. */
	for (int i = 0; i < 3; i++)
		print("# cpu %d idle %lu us more\n", i, (idle[i] - before[i]) / 1000);
	check_eq("sysctl.cpuinfo_somebody_idle",
		 idle[0] - before[0] > 18000000 || idle[1] - before[1] > 18000000 ||
			 idle[2] - before[2] > 18000000, true);
	check_eq("sysctl.cpuinfo_somebody_busy",
		 idle[0] - before[0] < 2000000 || idle[1] - before[1] < 2000000 ||
			 idle[2] - before[2] < 2000000, true);
}

static void check_refused(void)
{
	static const struct {
		uint32_t cmd;
		int64_t rc;
	} cmds[] = { { 0, -XEN_ENOSYS },  { 5, -XEN_ENOSYS },  { 10, -XEN_ENOSYS },
		     { 11, -XEN_ENOSYS }, { 12, -XEN_ENOSYS }, { 13, -XEN_ENOSYS },
		     { 15, -XEN_ENOSYS }, { 20, -XEN_EOPNOTSUPP },	       { 21, -XEN_ENOSYS },
		     { 23, -XEN_ENOSYS }, { 24, -XEN_ENOSYS }, { 25, -XEN_ENOSYS },
		     { 26, -XEN_ENOSYS }, { 27, -XEN_ENOSYS }, { 28, -XEN_ENOSYS },
		     { 29, -XEN_ENOSYS } };

	for (uint32_t i = 0; i < ARRAY_SIZE(cmds); i++)
		check_eqf(sysctl(cmds[i].cmd, 2, W(0, 1), W(1, 1)), cmds[i].rc, "sysctl.cmd%u",
			  cmds[i].cmd);
	/* CPUs do not come and go on Arm; whatever is asked, and of which CPU. */
	for (uint32_t op = 0; op <= 6; op++)
		for (uint32_t cpu = 0; cpu <= 4; cpu++)
			check_eqf(sysctl(11, 2, W(0, cpu), W(1, op)), -XEN_ENOSYS,
				  "sysctl.hotplug%u_cpu%u", op, cpu);
	check_eq("sysctl.page_online", sysctl(14, 4, W(0, 2), W(1, 0x60000), W(2, 0x60000), Q(2, B)),
		 0);
	check_eq("sysctl.page_online_status", buf[0], 0);
	check_eq("sysctl.page_query", sysctl(14, 4, W(0, 3), W(1, 0x60000), W(2, 0x60003), Q(2, B)),
		 -XEN_EINVAL);
	/* Real Xen sets all bytes of the words. */
	check_eq("sysctl.page_query_status", buf[3] & 0xff, 1);
	check_eq("sysctl.page_query_edge", buf[4], EDGE);
	check_eq("sysctl.page_reversed",
		 sysctl(14, 4, W(0, 3), W(1, 0x60000), W(2, 0x50000), Q(2, B)), -XEN_EINVAL);
	check_eq("sysctl.page_mmio", sysctl(14, 4, W(0, 1), W(1, 0x9000), W(2, 0x9000), Q(2, B)),
		 -XEN_EINVAL);
	check_eq("sysctl.page_bad", sysctl(14, 4, W(0, 3), W(1, 0x60000), W(2, 0x60000), Q(2, BAD)),
		 -XEN_EFAULT);
	for (uint32_t i = 0; i < 3; i++)
		check_eqf(hypercall(27, B, i, 0, 0), -XEN_ENOSYS, "sysctl.xsm_op%u", i);
}

static void check_heap(void)
{
	uint64_t all;

	check_eq("sysctl.heap", sysctl(9, 1, W(2, -1)), 0);
	all = sc.u.q[2];
	check_range("sysctl.heap_size", (int64_t)all, 1 << 20, 0x60000000);
	check_eq("sysctl.heap_node0", sysctl(9, 0), 0);
	check_eq("sysctl.heap_node0_size", (int64_t)sc.u.q[2], (int64_t)all);
	check_eq("sysctl.heap_node1", sysctl(9, 1, W(2, 1)), 0);
	check_eq("sysctl.heap_node1_size", (int64_t)sc.u.q[2], 0);
	check_eq("sysctl.heap_high", sysctl(9, 2, W(2, -1), W(0, 99)), 0);
	check_eq("sysctl.heap_high_size", (int64_t)sc.u.q[2], 0);
}

/* index and count as the hypervisor gave them back */
static int64_t console(uint32_t flags, uint32_t index, uint32_t count)
{
	return sysctl(1, 4, W(0, flags), W(1, index), Q(1, B), W(4, count));
}

static void check_console(void)
{
	const uint32_t clear = 1, incremental = 0x100;
	uint32_t end, n;

	check_eq("sysctl.console_all", console(0, 77, 60000), 0);
	end = sc.u.w[1];
	n = sc.u.w[4];
	check_range("sysctl.console_all_nr", n, 500, 60000);
	check_eq("sysctl.console_part", console(0, 0, 100), 0);
	check_eq("sysctl.console_part_nr", sc.u.w[4], 100);
	check_eq("sysctl.console_part_end", sc.u.w[1], end - n + 100);
	check_eq("sysctl.console_at_end", console(incremental, end, 100), 0);
	check_eq("sysctl.console_at_end_nr", sc.u.w[4], 0);
	check_eq("sysctl.console_at_end_end", sc.u.w[1], end);
	check_eq("sysctl.console_past_end", console(incremental, end + 1, 100), 0);
	check_eq("sysctl.console_past_end_nr", sc.u.w[4], 100);
	check_eq("sysctl.console_past_end_end", sc.u.w[1], end - n + 100);
	check_eq("sysctl.console_clear", console(incremental | clear, end - 10, 4), 0);
	check_eq("sysctl.console_clear_nr", sc.u.w[4], 4);
	check_eq("sysctl.console_cleared", console(0, 0, 100), 0);
	check_eq("sysctl.console_cleared_nr", sc.u.w[4], 6);
	check_eq("sysctl.console_cleared_old", console(incremental, end - 20, 100), 0);
	check_eq("sysctl.console_cleared_old_nr", sc.u.w[4], 6);
	check_eq("sysctl.console_cleared_zero", console(clear, 0, 0), 0);
	check_eq("sysctl.console_cleared_zero_end", sc.u.w[1], end - 6);
}

/* ---- pools ---- */

static int64_t pool(uint32_t what, uint32_t id, uint32_t dom, uint32_t cpu)
{
	return sysctl(XEN_SYSCTL_cpupool_op, 7, W(0, what), W(1, id), W(2, 6), W(3, dom), W(4, cpu),
		      Q(3, B), W(8, 64));
}

static int64_t pool_create(uint32_t id, uint32_t sched)
{
	return sysctl(XEN_SYSCTL_cpupool_op, 3, W(0, CPUPOOL_OP_CREATE), W(1, id), W(2, sched));
}

/* The pool with this number, or the next one: its number, CPUs and domains. */
static void expect_info(const char *when, uint32_t id, uint32_t found, uint32_t cpus, uint32_t doms)
{
	check_eqf(pool(CPUPOOL_OP_INFO, id, 0, 0), 0, "pool.%s.info", when);
	check_eqf(sc.u.cpupool.cpupool_id, found, "pool.%s.id", when);
	check_eqf(buf[0], cpus, "pool.%s.cpus", when);
	check_eqf(sc.u.cpupool.n_dom, doms, "pool.%s.domains", when);
}

static void check_create(void)
{
	check_eq("pool.unknown_op0", pool(0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("pool.unknown_op8", pool(8, 0, 0, 0), -XEN_ENOSYS);
	expect_info("start", 0, 0, 7, 2);
	check_eq("pool.start.sched", sc.u.cpupool.sched_id, 6);
	check_eq("pool.info_any", pool(CPUPOOL_OP_INFO, ANY, 0, 0), -XEN_ENOENT);
	check_eq("pool.info_1", pool(CPUPOOL_OP_INFO, 1, 0, 0), -XEN_ENOENT);
	for (uint32_t s = 0; s < 5; s++)
		check_eqf(pool_create(ANY, s), -XEN_ENOENT, "pool.create_sched%u", s);
	check_eq("pool.create_0", pool_create(0, 6), -XEN_EEXIST);
	check_eq("pool.create", pool_create(ANY, 6), 0);
	check_eq("pool.create_id", sc.u.cpupool.cpupool_id, 1);
	check_eq("pool.create_7", pool_create(FIRST, 6), 0);
	check_eq("pool.create_7_again", pool_create(FIRST, 6), -XEN_EEXIST);
	check_eq("pool.create_next", pool_create(ANY, 6), 0);
	check_eq("pool.create_next_id", sc.u.cpupool.cpupool_id, 8);
	expect_info("empty", 2, FIRST, 0, 0);
	check_eq("pool.destroy_8", pool(CPUPOOL_OP_DESTROY, 8, 0, 0), 0);
	check_eq("pool.destroy_1", pool(CPUPOOL_OP_DESTROY, 1, 0, 0), 0);
	check_eq("pool.destroy_1_again", pool(CPUPOOL_OP_DESTROY, 1, 0, 0), -XEN_ENOENT);
	check_eq("pool.destroy_any", pool(CPUPOOL_OP_DESTROY, ANY, 0, 0), -XEN_ENOENT);
	check_eq("pool.destroy_0", pool(CPUPOOL_OP_DESTROY, 0, 0, 0), -XEN_EBUSY);
	check_eq("pool.info_bad", sysctl(XEN_SYSCTL_cpupool_op, 3, W(0, CPUPOOL_OP_INFO), Q(3, BAD),
					 W(8, 64)), -XEN_EFAULT);
}

static void check_cpus(void)
{
	check_eq("pool.add_none_free", pool(CPUPOOL_OP_ADDCPU, FIRST, 0, ANY), -XEN_ENODEV);
	check_eq("pool.add_used", pool(CPUPOOL_OP_ADDCPU, FIRST, 0, 1), -XEN_ENODEV);
	check_eq("pool.add_own", pool(CPUPOOL_OP_ADDCPU, 0, 0, 1), -XEN_ENODEV);
	check_eq("pool.add_99", pool(CPUPOOL_OP_ADDCPU, FIRST, 0, 99), -XEN_EINVAL);
	check_eq("pool.add_no_pool", pool(CPUPOOL_OP_ADDCPU, 99, 0, 99), -XEN_ENOENT);
	check_eq("pool.rm_other", pool(CPUPOOL_OP_RMCPU, FIRST, 0, 1), -XEN_EADDRNOTAVAIL);
	check_eq("pool.rm_any_of_none", pool(CPUPOOL_OP_RMCPU, FIRST, 0, ANY), -XEN_EINVAL);
	check_eq("pool.rm_99", pool(CPUPOOL_OP_RMCPU, 0, 0, 99), -XEN_EINVAL);
	check_eq("pool.rm_no_pool", pool(CPUPOOL_OP_RMCPU, 99, 0, 99), -XEN_ENOENT);
	check_eq("pool.rm_cpu0", pool(CPUPOOL_OP_RMCPU, 0, 0, 0), -XEN_EINVAL);
	check_eq("pool.move_to_empty", pool(CPUPOOL_OP_MOVEDOMAIN, FIRST, PEER, 0), -XEN_ENOENT);
	check_eq("pool.rm_any", pool(CPUPOOL_OP_RMCPU, 0, 0, ANY), 0);
	expect_info("two", 0, 0, 3, 2);
	check_eq("pool.free", pool(CPUPOOL_OP_FREEINFO, 55, 0, 0), 0);
	check_eq("pool.free_cpus", buf[0], 4);
	check_eq("pool.rm_again", pool(CPUPOOL_OP_RMCPU, 0, 0, 2), -XEN_EADDRNOTAVAIL);
	check_eq("pool.add_any", pool(CPUPOOL_OP_ADDCPU, FIRST, 0, ANY), 0);
	check_eq("pool.add_again", pool(CPUPOOL_OP_ADDCPU, FIRST, 0, 2), -XEN_ENODEV);
	expect_info("one", FIRST, FIRST, 4, 0);
	check_eq("pool.destroy_with_cpu", pool(CPUPOOL_OP_DESTROY, FIRST, 0, 0), -XEN_EBUSY);
}

/* ---- the peer moves while it runs ---- */

static volatile uint64_t beats; /* of the peer */

static int64_t beat(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t end = a;

	(void)b;
	(void)c;
	for (beats = 0; beats < end; beats++)
		asm volatile("" ::: "memory");
	return (int64_t)beats;
}

static void check_move(void)
{
	check_eq("pool.move_none", pool(CPUPOOL_OP_MOVEDOMAIN, FIRST, 99, 0), -XEN_ESRCH);
	check_eq("pool.move_none_nowhere", pool(CPUPOOL_OP_MOVEDOMAIN, 99, 99, 0), -XEN_ESRCH);
	check_eq("pool.move_nowhere", pool(CPUPOOL_OP_MOVEDOMAIN, 99, PEER, 0), -XEN_ENOENT);
	check_eq("pool.move_self", pool(CPUPOOL_OP_MOVEDOMAIN, FIRST, 0, 0), -XEN_EPERM);
	check_eq("pool.move_where_it_is", pool(CPUPOOL_OP_MOVEDOMAIN, 0, PEER, 0), 0);
	pair_post(beat, 300000, 0, 0);
	check_eq("pool.move", pool(CPUPOOL_OP_MOVEDOMAIN, FIRST, PEER, 0), 0);
	expect_info("moved", FIRST, FIRST, 4, 1);
	expect_info("left", 0, 0, 3, 1);
	check_eq("pool.moved_runs", pair_wait(), 300000);
	check_eq("pool.rm_last", pool(CPUPOOL_OP_RMCPU, FIRST, 0, 2), -XEN_EBUSY);
	check_eq("pool.destroy_in_use", pool(CPUPOOL_OP_DESTROY, FIRST, 0, 0), -XEN_EBUSY);
	pair_post(beat, 300000, 0, 0);
	check_eq("pool.move_back", pool(CPUPOOL_OP_MOVEDOMAIN, 0, PEER, 0), 0);
	check_eq("pool.moved_back_runs", pair_wait(), 300000);
	expect_info("back", 0, 0, 3, 2);
	check_eq("pool.rm_emptied", pool(CPUPOOL_OP_RMCPU, FIRST, 0, 2), 0);
	check_eq("pool.add_back", pool(CPUPOOL_OP_ADDCPU, 0, 0, 2), 0);
	check_eq("pool.destroy", pool(CPUPOOL_OP_DESTROY, FIRST, 0, 0), 0);
	expect_info("end", 0, 0, 7, 2);
}

static uint32_t retries, refusals;

/* As the tools' library asks: while real Xen says -EAGAIN or -EBUSY. */
static void pool_insist(uint32_t what, uint32_t id, uint32_t dom, uint32_t cpu)
{
	int64_t rc = pool(what, id, dom, cpu);

	for (int i = 0; i < 20 && (rc == -XEN_EAGAIN || rc == -XEN_EBUSY); i++) {
		retries++;
		delay_us(1000);
		rc = pool(what, id, dom, cpu);
	}
	refusals += rc != 0;
}

/* Twenty times there and back, and CPUs with it. */
static void check_storm(void)
{
	pair_post(beat, 3000000, 0, 0);
	for (int i = 0; i < 20; i++) {
		refusals += pool_create(FIRST, 6) != 0;
		pool_insist(CPUPOOL_OP_RMCPU, 0, 0, 1);
		pool_insist(CPUPOOL_OP_ADDCPU, FIRST, 0, 1);
		pool_insist(CPUPOOL_OP_MOVEDOMAIN, FIRST, PEER, 0);
		pool_insist(CPUPOOL_OP_MOVEDOMAIN, 0, PEER, 0);
		pool_insist(CPUPOOL_OP_RMCPU, FIRST, 0, 1);
		pool_insist(CPUPOOL_OP_ADDCPU, 0, 0, 1);
		pool_insist(CPUPOOL_OP_DESTROY, FIRST, 0, 0);
	}
	check_eq("pool.storm_refusals", refusals, 0);
	print("# %u retries\n", retries);
	if (str_contains(machine.bootargs, "hyp=serai"))
		check_eq("pool.storm_retries", retries, 0);
	check_eq("pool.storm_survived", pair_wait(), 3000000);
	expect_info("after", 0, 0, 7, 2);
}

void guest_main(void)
{
	if (!pair_start())
		return;
	check_machine();
	check_idle();
	check_refused();
	check_heap();
	check_console();
	check_create();
	check_cpus();
	check_move();
	check_storm();
	pair_end();
}
