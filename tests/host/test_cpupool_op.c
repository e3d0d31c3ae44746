/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/control.c hyp/control/sysctl_pool.c hyp/units.c hyp/core/domain.c hyp/core/domain_end.c hyp/core/domain_pool.c hyp/core/access.c hyp/boot/range.c hyp/core/launch.c hyp/core/vcpu.c hyp/core/runstate.c hyp/core/wallclock.c hyp/core/trace_absent.c hyp/core/hypercall.c hyp/mm/frame.c
 *	    hyp/sched/core.c hyp/sched/pool.c hyp/sched/credit2*.c hyp/sched/null.c hyp/lib/minheap.c
 *	    hyp/ipc/sched_op.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c
 *	    hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c
 *	    hyp/ipc/grant_map.c hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c
 *	    hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c */
/*
 * sysctl cpupool_op in a house of four CPUs, as the control domain calls it: error numbers of real
 * Xen, CPUs and domains that move while they run, and that a repeated call finds its way.
 */
#include "units_house.h"

#include "../../hyp/control/control.h"
#include "../../hyp/control/sysctl.h"

#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY

static struct domain *dom0, *guest;
static struct abi_sysctl op;
static u64 map;

/* One attempt, by dom0's vcpu, whichever CPU has it. */
static long attempt(void)
{
	unsigned int cpu = 0;

	while (cpu < CPUS && cpu_table[cpu]->current != dom0->vcpus[0])
		cpu++;
	assert_true(cpu < CPUS);
	host_set_cpu(cpu);
	return sysctl_cpupool_op(&op);
}

static long pool_op(u32 what, u32 id, u32 domid, u32 cpu)
{
	long rc;

	op = (struct abi_sysctl){ .u.cpupool_op = { .op = what, .cpupool_id = id, .domid = domid,
						    .cpu = cpu, .cpumap = { map, 64 } } };
	for (int i = 0; (rc = attempt()) == -XEN_ERESTART; i++) {
		assert_true(i < 10);
		cpus_run();
	}
	host_set_cpu(0);
	return rc;
}

static long pool_make(u32 id, u32 sched_id)
{
	op = (struct abi_sysctl){ .u.cpupool_op = { .op = XEN_SYSCTL_CPUPOOL_OP_CREATE,
						    .cpupool_id = id, .sched_id = sched_id } };
	return attempt();
}

#define DESTROY(id)	 pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, id, 0, 0)
#define INFO(id)	 pool_op(XEN_SYSCTL_CPUPOOL_OP_INFO, id, 0, 0)
#define ADDCPU(id, cpu)	 pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, id, 0, cpu)
#define RMCPU(id, cpu)	 pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, id, 0, cpu)
#define MOVE(id, dom)	 pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, id, dom, 0)
#define FREEINFO()	 pool_op(XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0, 0, 0)

static u64 cpus(void)
{
	return *(u64 *)host_guest_ptr(map);
}

static void expect_pool(u32 id, u32 cpumap, u32 n_dom)
{
	assert_int_equal(INFO(id), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, id);
	assert_int_equal(op.u.cpupool_op.n_dom, n_dom);
	assert_int_equal(cpus(), cpumap);
}

static int setup(void **state)
{
	machine_start("fair");
	map = host_guest_alloc(64);
	remember();
	assert_int_equal(create(0, 1, &dom0), 0);
	assert_int_equal(create(1, 3, &guest), 0);
	sched_release(&dom0->vcpus[0]->unit, HOLD_DOWN);
	for (u32 i = 0; i < 3; i++)
		sched_release(&guest->vcpus[i]->unit, HOLD_DOWN);
	cpus_run();
	return 0;
}

static int teardown(void **state)
{
	host_set_cpu(0);
	kill(guest);
	kill(dom0);
	/* Schedulers keep what they had for a pool. */
	before.live = live - heaps_grown(false);
	expect_nothing_missing();
	return 0;
}

static void create_and_destroy(void **state)
{
	static const u32 unknown[] = { 0, 4, 7, 8, 10, ~0U };
	long had;

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(pool_make(ANY, unknown[i]), -XEN_ENOENT);
	assert_int_equal(pool_make(0, 6), -XEN_EEXIST);
	assert_int_equal(pool_make(ANY, 6), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, 1);
	assert_int_equal(pool_make(7, 9), 0);
	assert_int_equal(pool_make(7, 6), -XEN_EEXIST);
	/* Not the 2, which is free. */
	assert_int_equal(pool_make(ANY, 6), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, 8);
	assert_int_equal(pool_make(ANY - 1, 6), 0);
	assert_int_equal(pool_make(ANY, 6), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, 2);
	/* In order of their numbers. */
	assert_int_equal(INFO(3), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, 7);
	assert_int_equal(op.u.cpupool_op.sched_id, 9);
	assert_int_equal(INFO(9), 0);
	assert_int_equal(op.u.cpupool_op.cpupool_id, ANY - 1);
	assert_int_equal(INFO(ANY), -XEN_ENOENT);
	assert_int_equal(DESTROY(ANY - 1), 0);
	assert_int_equal(INFO(9), -XEN_ENOENT);
	assert_int_equal(DESTROY(9), -XEN_ENOENT);
	assert_int_equal(DESTROY(0), -XEN_EBUSY);
	assert_int_equal(DESTROY(1), 0);
	assert_int_equal(DESTROY(2), 0);
	assert_int_equal(DESTROY(7), 0);
	assert_int_equal(DESTROY(8), 0);
	/* One of the taken numbers costs no memory. */
	had = live;
	assert_int_equal(pool_make(0, 6), -XEN_EEXIST);
	assert_int_equal(live, had);
	fail_in = 1;
	assert_int_equal(pool_make(ANY, 9), -XEN_ENOMEM);
	fail_in = 0;
	assert_int_equal(pool_op(0, 0, 0, 0), -XEN_ENOSYS);
	assert_int_equal(pool_op(8, 0, 0, 0), -XEN_ENOSYS);
}

static void cpus_come_and_go(void **state)
{
	assert_int_equal(pool_make(7, 6), 0);
	expect_pool(0, 0xf, 2);
	assert_int_equal(ADDCPU(7, ANY), -XEN_ENODEV);
	assert_int_equal(ADDCPU(7, 0), -XEN_ENODEV);
	assert_int_equal(ADDCPU(7, 99), -XEN_EINVAL);
	assert_int_equal(ADDCPU(9, 99), -XEN_ENOENT);
	assert_int_equal(ADDCPU(0, 0), -XEN_ENODEV);
	assert_int_equal(RMCPU(7, 1), -XEN_EADDRNOTAVAIL);
	assert_int_equal(RMCPU(7, ANY), -XEN_EINVAL);
	assert_int_equal(RMCPU(0, 99), -XEN_EINVAL);
	assert_int_equal(RMCPU(9, 1), -XEN_ENOENT);
	assert_int_equal(RMCPU(0, 0), -XEN_EINVAL);
	assert_int_equal(RMCPU(0, ANY), 0);
	expect_pool(0, 0x7, 2);
	assert_int_equal(FREEINFO(), 0);
	assert_int_equal(cpus(), 0x8);
	assert_int_equal(RMCPU(0, 3), -XEN_EADDRNOTAVAIL);
	assert_int_equal(RMCPU(0, 1), 0);
	assert_int_equal(ADDCPU(7, ANY), 0);
	expect_pool(7, 0x2, 0);
	assert_int_equal(ADDCPU(7, 1), -XEN_ENODEV);
	assert_int_equal(DESTROY(7), -XEN_EBUSY);
	assert_int_equal(RMCPU(0, 2), 0);
	assert_int_equal(RMCPU(0, ANY), -XEN_EINVAL);
	/* The last one of a pool without domains may go. */
	assert_int_equal(RMCPU(7, 1), 0);
	expect_pool(7, 0, 0);
	assert_int_equal(DESTROY(7), 0);
	dom0->vcpus[0]->pinned = true;
	assert_int_equal(ADDCPU(0, 3), 0);
	assert_int_equal(RMCPU(0, 3), -XEN_EADDRINUSE);
	dom0->vcpus[0]->pinned = false;
	op.u.cpupool_op.cpumap.bitmap = HOST_BAD_GVA;
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	assert_int_equal(attempt(), -XEN_EFAULT);
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	assert_int_equal(attempt(), -XEN_EFAULT);
	/* One caller at a time. */
	assert_true(control_enter());
	assert_int_equal(attempt(), -XEN_ERESTART);
	control_leave();
	assert_int_equal(attempt(), -XEN_EFAULT);
}

static void expect_runs_on(u64 allowed)
{
	u64 at = 0;

	for (int i = 0; i < 4; i++)
		cpus_run();
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		if (cpu_table[cpu]->current && cpu_table[cpu]->current->domain == guest)
			at |= BIT(cpu);
	assert_int_not_equal(at, 0);
	assert_int_equal(at & ~allowed, 0);
}

static void domain_moves_while_it_runs(void **state)
{
	assert_int_equal(pool_make(7, 6), 0);
	assert_int_equal(MOVE(7, 1), -XEN_ENOENT); /* no CPU there */
	assert_int_equal(MOVE(9, 1), -XEN_ENOENT);
	assert_int_equal(MOVE(9, 77), -XEN_ESRCH);
	assert_int_equal(MOVE(7, DOMID_SELF), -XEN_ESRCH);
	assert_int_equal(MOVE(0, 0), -XEN_EPERM);
	assert_int_equal(MOVE(0, 1), 0);
	expect_runs_on(0xf);
	assert_int_equal(RMCPU(0, 3), 0);
	expect_runs_on(0x7);
	assert_int_equal(ADDCPU(7, 3), 0);
	assert_int_equal(MOVE(7, 1), 0);
	expect_pool(7, 0x8, 1);
	expect_pool(0, 0x7, 1);
	expect_runs_on(0x8);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(guest->vcpus[i]->unit.holds, 0);
	assert_int_equal(RMCPU(7, 3), -XEN_EBUSY);
	assert_int_equal(DESTROY(7), -XEN_EBUSY);
	/* A pool of another scheduler. */
	assert_int_equal(pool_make(8, 9), 0);
	assert_int_equal(RMCPU(0, 2), 0);
	assert_int_equal(ADDCPU(8, 2), 0);
	assert_int_equal(MOVE(8, 1), 0);
	expect_runs_on(0x4);
	assert_int_equal(MOVE(0, 1), 0);
	expect_runs_on(0x3);
	assert_int_equal(RMCPU(7, 3), 0);
	assert_int_equal(DESTROY(7), 0);
	assert_int_equal(RMCPU(8, 2), 0);
	assert_int_equal(DESTROY(8), 0);
}

/* The caller goes away half way: whoever asks next finishes, also with another aim. */
static void domain_move_abandoned(void **state)
{
	unsigned int held = 0;

	assert_int_equal(pool_make(7, 6), 0);
	assert_int_equal(RMCPU(0, 3), 0);
	assert_int_equal(ADDCPU(7, 3), 0);
	for (int i = 0; i < 4; i++)
		cpus_run();
	op = (struct abi_sysctl){ .u.cpupool_op = { .op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN,
						    .cpupool_id = 7, .domid = 1 } };
	assert_int_equal(attempt(), -XEN_ERESTART);
	for (u32 i = 0; i < 3; i++)
		held += guest->vcpus[i]->unit.holds != 0;
	assert_true(held > 0);
	expect_pool(7, 0x8, 1);
	assert_int_equal(RMCPU(7, 3), -XEN_EBUSY);
	assert_int_equal(MOVE(0, 1), 0);
	expect_runs_on(0x7);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(guest->vcpus[i]->unit.holds, 0);
	assert_int_equal(RMCPU(7, 3), 0);
	assert_int_equal(DESTROY(7), 0);
	/* And one that is destroyed meanwhile. */
	assert_int_equal(pool_make(7, 6), 0);
	assert_int_equal(ADDCPU(7, 3), 0);
	op = (struct abi_sysctl){ .u.cpupool_op = { .op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN,
						    .cpupool_id = 7, .domid = 1 } };
	assert_int_equal(attempt(), -XEN_ERESTART);
	kill(guest);
	assert_int_equal(RMCPU(7, 3), 0);
	assert_int_equal(DESTROY(7), 0);
	assert_int_equal(create(1, 3, &guest), 0);
}

static nstime_t idle_more(unsigned int cpu)
{
	static nstime_t last_time[CPUS];
	nstime_t now = sched_idle_time(cpu), more = now - last_time[cpu];

	last_time[cpu] = now;
	return more;
}

static void idle_time_counts(void **state)
{
	struct sched_unit *u = &guest->vcpus[0]->unit;
	unsigned int cpu, busy = 0;

	for (cpu = 0; cpu < CPUS; cpu++)
		idle_more(cpu);
	host.now += 5 * NS_PER_MS;
	for (cpu = 0; cpu < CPUS; cpu++) {
		busy += cpu_table[cpu]->current != NULL;
		assert_int_equal(idle_more(cpu), cpu_table[cpu]->current ? 0 : 5 * NS_PER_MS);
	}
	assert_int_equal(busy, 4);
	/* Its CPU idles: parked, then with nothing loaded. */
	cpu = u->cpu;
	sched_hold(u, HOLD_BLOCKED);
	cpus_run();
	host.now += 3 * NS_PER_MS;
	assert_int_equal(idle_more(cpu), 3 * NS_PER_MS);
	sched_hold(u, HOLD_DOMAIN);
	cpus_run();
	host.now += 2 * NS_PER_MS;
	assert_int_equal(idle_more(cpu), 2 * NS_PER_MS);
	cpus_run();
	sched_release(u, HOLD_DOMAIN);
	sched_release(u, HOLD_BLOCKED);
	cpus_run();
	host.now += 4 * NS_PER_MS;
	assert_int_equal(idle_more(cpu), 0);
	/* Once more, by parking and going on. */
	sched_hold(u, HOLD_BLOCKED);
	cpus_run();
	host.now += NS_PER_MS;
	sched_release(u, HOLD_BLOCKED);
	cpus_run();
	host.now += NS_PER_MS;
	assert_int_equal(idle_more(u->cpu), NS_PER_MS);
	assert_int_equal(sched_idle_time(CPUS + 1), 0);
}

static int last(void **state)
{
	heaps_grown(true);
	pools_free();
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(create_and_destroy),
		T(cpus_come_and_go),
		T(domain_moves_while_it_runs),
		T(domain_move_abandoned),
		T(idle_time_counts),
	};

	return cmocka_run_group_tests(tests, NULL, last);
}
