/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/control.c hyp/control/domain_info.c hyp/control/sysctl.c hyp/control/sysctl_machine.c hyp/control/sysctl_trace.c hyp/core/trace_absent.c hyp/control/platform_op.c hyp/core/wallclock.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* sysctl and platform_op: versions, every operation, faults; the time of day. */
#include "../../hyp/control/control.h"
#include "world.h"

#include <abi/domctl.h>
#include <abi/platform.h>
#include <abi/sysctl.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/runstate.h>
#include <serai/wallclock.h>

/* --- what these subjects ask of others --- */

static const char ring[] = "the quick brown fox jumps over the lazy dog and says nothing about it, "
			   "since there is nothing to be said about it that would fill a whole "
			   "ring, but it has to be longer than one chunk of the reader.";
struct options options;
static u32 ring_start;
static char keys[16];
static unsigned int nr_keys;

size_t console_ring_read(char *buf, size_t n, u32 *index)
{
	size_t left;

	*index = MAX(*index, ring_start);
	left = sizeof(ring) - 1 - MIN((size_t)*index, sizeof(ring) - 1);
	n = MIN(n, left);
	memcpy(buf, ring + *index, n);
	*index += (u32)n;
	return n;
}

u32 console_ring_start(void)
{
	return ring_start;
}

void console_ring_clear(u32 index)
{
	ring_start = index;
}

long sysctl_scheduler_op(struct abi_sysctl *op)
{
	return -XEN_ENOENT;
}

long sysctl_cpupool_op(struct abi_sysctl *op)
{
	return -XEN_ENOENT;
}

nstime_t sched_idle_time(unsigned int cpu)
{
	return 1000 + cpu;
}

void keyhandler_run(char key)
{
	keys[nr_keys++ % sizeof(keys)] = key;
}

void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out)
{
	*out = v->runstate;
}

bool sched_is_running(const struct sched_unit *u)
{
	return u->running;
}

static const struct sched_policy policy = { .name = "test", .sched_id = 6 };

const struct sched_policy *sched_policy(void)
{
	return &policy;
}

static int setup(void **state)
{
	world_init();
	nr_keys = 0;
	ring_start = 0;
	return 0;
}

static int balanced(void **state)
{
	assert_int_equal(world_refs, 0);
	return 0;
}

/* --- sysctl --- */

static u64 sysctl_gva;

static u32 restarts;

static long sysctl(struct abi_sysctl *op)
{
	u64 arg[5];
	long rc;

	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sysctl_gva = arg[0] = host_guest_put(op, sizeof(*op));
	while ((rc = do_sysctl(arg)) == -XEN_ERESTART)
		restarts++;
	*op = *(struct abi_sysctl *)host_guest_ptr(sysctl_gva);
	return rc;
}

static void physinfo(void **state)
{
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	frame_ram = 9999;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.physinfo.nr_cpus, 2);
	assert_int_equal(op.u.physinfo.max_cpu_id, 1);
	assert_int_equal(op.u.physinfo.cpu_khz, 62500);
	assert_int_equal(op.u.physinfo.capabilities, 0x109);
	assert_int_equal(op.u.physinfo.total_pages, 9999);
	assert_int_equal(op.u.physinfo.free_pages, world_free_frames());
	assert_int_equal(op.u.physinfo.max_mfn, (HOST_RAM_BASE >> PAGE_SHIFT) + WORLD_FRAMES - 1);
	op.cmd = XEN_SYSCTL_sched_id;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.sched_id.sched_id, 6);
	op = (struct abi_sysctl){ .cmd = XEN_SYSCTL_availheap };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.availheap.avail_bytes, world_free_frames() * PAGE_SIZE);
}

static void availheap(void **state)
{
	static const struct {
		u32 min, max;
		s32 node;
		bool there;
	} cases[] = { { 0, 0, -1, true }, { 0, 0, 0, true },	{ 0, 0, 1, false },
		      { 0, 64, -1, true }, { 64, 0, -1, false }, { 12, 0, -1, true },
		      { 0, 12, -1, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct abi_sysctl op = { .cmd = XEN_SYSCTL_availheap,
					 .u.availheap = { cases[i].min, cases[i].max,
							  cases[i].node, 0 } };

		assert_int_equal(sysctl(&op), 0);
		assert_int_equal(op.u.availheap.avail_bytes,
				 cases[i].there ? world_free_frames() * PAGE_SIZE : 0);
	}
}

/* Two CPUs; room for none, one, and more. */
static void cpus_and_nodes(void **state)
{
	u64 buf = host_guest_alloc(256);
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_getcpuinfo,
				 .u.getcpuinfo = { .max_cpus = 9, .info = buf } };
	u64 *words = host_guest_ptr(buf);

	words[2] = 77;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.getcpuinfo.nr_cpus, 2);
	assert_int_equal(words[1], 1001);
	assert_int_equal(words[2], 77);
	op.u.getcpuinfo.info = HOST_BAD_GVA;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
	op.u.getcpuinfo.max_cpus = 0;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.getcpuinfo.nr_cpus, 0);

	op = (struct abi_sysctl){ .cmd = XEN_SYSCTL_cputopoinfo };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.cputopoinfo.num_cpus, 2);
	op.u.cputopoinfo.cputopo = buf;
	op.u.cputopoinfo.num_cpus = 1;
	memset(words, 0x5a, 64);
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.cputopoinfo.num_cpus, 1);
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], 0x5a5a5a5a00000000);
	op.u.cputopoinfo.num_cpus = 100;
	cpumask_clear(&cpu_online, 0);
	assert_int_equal(sysctl(&op), 0);
	cpumask_set(&cpu_online, 0);
	assert_int_equal(op.u.cputopoinfo.num_cpus, 2);
	assert_int_equal(words[0], ~0UL);
	op.u.cputopoinfo.cputopo = HOST_BAD_GVA;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);

	op = (struct abi_sysctl){ .cmd = XEN_SYSCTL_numainfo };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 1);
	op.u.numainfo = (struct abi_sysctl_numainfo){ 7, buf, buf + 64 };
	frame_ram = 9999;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 1);
	assert_int_equal(words[0], 9999 * PAGE_SIZE);
	assert_int_equal(words[1], world_free_frames() * PAGE_SIZE);
	assert_int_equal(words[8], 20);
	op.u.numainfo = (struct abi_sysctl_numainfo){ 0, HOST_BAD_GVA, 0 };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 0);
	op.u.numainfo = (struct abi_sysctl_numainfo){ 1, 0, HOST_BAD_GVA };
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
}

static void page_offline(void **state)
{
	u64 buf = host_guest_alloc(1024);
	u32 first = (u32)frame_first_mfn, *status = host_guest_ptr(buf);
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_page_offline_op,
				 .u.page_offline = { sysctl_page_offline, first, first + 2, buf } };

	assert_int_equal(sysctl(&op), -XEN_EINVAL);
	assert_int_equal(status[2], 1);
	assert_int_equal(status[3], 0);
	/* More than are written at once. */
	op.u.page_offline.end = first + 129;
	assert_int_equal(sysctl(&op), -XEN_EINVAL);
	assert_int_equal(status[127] & status[128] & status[129], 1);
	assert_int_equal(status[130], 0);
	op.u.page_offline.end = first + 2;
	op.u.page_offline.cmd = sysctl_page_online;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(status[2], 0);
	op.u.page_offline.end = first + 32768;
	assert_int_equal(sysctl(&op), -XEN_ENOMEM);
	op.u.page_offline.end = first - 1;
	assert_int_equal(sysctl(&op), -XEN_EINVAL);
	op.u.page_offline.start = op.u.page_offline.end;
	assert_int_equal(sysctl(&op), -XEN_EINVAL);
	op.u.page_offline.start = op.u.page_offline.end = (u32)(first + frame_count);
	assert_int_equal(sysctl(&op), -XEN_EINVAL);
	op.u.page_offline.status = HOST_BAD_GVA;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
	op.u.page_offline.end = ~0U;
	op.u.page_offline.start = 0;
	assert_int_equal(sysctl(&op), -XEN_ENOMEM);
}

static void getdomaininfolist(void **state)
{
	u64 buf = host_guest_alloc(4 * sizeof(struct abi_getdomaininfo));
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist,
				 .u.getdomaininfolist = { .first_domain = 1,
							  .max_domains = 4,
							  .buffer = buf } };
	const struct abi_getdomaininfo *info = host_guest_ptr(buf);
	struct abi_sysctl again;
	u32 *progress;

	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 2);
	assert_int_equal(info[0].domain, 1);
	assert_int_equal(info[1].domain, 2);
	op.u.getdomaininfolist.first_domain = 0;
	op.u.getdomaininfolist.max_domains = 1;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
	assert_int_equal(info[0].domain, 0);
	/* An interrupt that waits comes between two domains; the caller sees nothing of it. */
	op.u.getdomaininfolist.first_domain = 1;
	op.u.getdomaininfolist.max_domains = 4;
	assert_int_equal(sysctl(&op), 0);
	memset(host_guest_ptr(buf), 0xff, 2 * sizeof(*info));
	again = op;
	host.preempt_always = true;
	restarts = 0;
	assert_int_equal(sysctl(&again), 0);
	host.preempt_always = false;
	assert_int_equal(restarts, 2);
	assert_memory_equal(&again, &op, sizeof(op));
	assert_int_equal(info[0].domain, 1);
	assert_int_equal(info[1].domain, 2);
	op.u.getdomaininfolist.first_domain = 0;
	/* Numbers that nobody has. */
	world[1].nr_vcpus = 0;
	op.u.getdomaininfolist.max_domains = 4;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 2);
	assert_int_equal(info[1].domain, 2);
	op.u.getdomaininfolist.buffer = HOST_BAD_GVA;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
	/* Interrupted before: that it was is forgotten with the failure, too. */
	again = op;
	op.u.getdomaininfolist.num_domains = 0;
	progress = (u32 *)((u8 *)&op.u + sizeof(op.u.getdomaininfolist));
	progress[0] = 0x676f6573;
	progress[1] = 1;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
	again.u.getdomaininfolist.num_domains = 0;
	assert_memory_equal(&op, &again, sizeof(op));
	op.u.getdomaininfolist.max_domains = 0;
	assert_int_equal(sysctl(&op), 0);
}

static void readconsole(void **state)
{
	const u32 all = sizeof(ring) - 1;
	u64 buf = host_guest_alloc(1000);
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_readconsole,
				 .u.readconsole = { .buffer = buf, .count = 1000, .index = 4 } };

	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, all);
	assert_int_equal(op.u.readconsole.index, all);
	assert_memory_equal(host_guest_ptr(buf), ring, all);
	op.u.readconsole = (struct abi_sysctl_readconsole){ .buffer = buf, .count = 5,
							    .incremental = 1, .index = 4 };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, 5);
	assert_int_equal(op.u.readconsole.index, 9);
	assert_memory_equal(host_guest_ptr(buf), "quick", 5);
	/* An interrupt ends an incremental read early, never another. */
	host.preempt_always = true;
	op.u.readconsole.count = 1000;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, 128);
	op.u.readconsole = (struct abi_sysctl_readconsole){ .buffer = buf, .count = 1000,
							    .clear = 1 };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, all);
	op.u.readconsole = (struct abi_sysctl_readconsole){ .buffer = buf, .count = 1000 };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, 0);
	/* An incremental reader does not get it either. */
	op.u.readconsole = (struct abi_sysctl_readconsole){ .buffer = buf, .count = 1000,
							    .incremental = 1 };
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.readconsole.count, 0);
	ring_start = 0;
	op.u.readconsole = (struct abi_sysctl_readconsole){ .buffer = HOST_BAD_GVA, .count = 1,
							    .incremental = 1 };
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
}

static void debug_keys(void **state)
{
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
				 .u.debug_keys = { .keys = host_guest_put("hqr", 3), .nr_keys = 3 } };

	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(nr_keys, 3);
	assert_memory_equal(keys, "hqr", 3);
	nr_keys = 0;
	host.preempt_always = true;
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(nr_keys, 3);
	assert_memory_equal(keys, "hqr", 3);
	op.u.debug_keys.keys = HOST_BAD_GVA;
	op.u.debug_keys.nr_keys = 1;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
}

static void sysctl_refusals(void **state)
{
	struct abi_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = 0x14 };
	u64 arg[5] = { HOST_BAD_GVA };

	assert_int_equal(do_sysctl(arg), -XEN_EFAULT);
	arg[0] = host_guest_put(&op, sizeof(op));
	assert_int_equal(do_sysctl(arg), -XEN_EACCES);
	op.cmd = XEN_SYSCTL_livepatch_op;
	assert_int_equal(sysctl(&op), -XEN_ENOSYS);
	op.cmd = XEN_SYSCTL_coverage_op;
	assert_int_equal(sysctl(&op), -XEN_EOPNOTSUPP);
	op.cmd = 9999;
	assert_int_equal(sysctl(&op), -XEN_ENOSYS);
	op.cmd = XEN_SYSCTL_physinfo;
	host.fail_copy_in = 2;
	assert_int_equal(sysctl(&op), -XEN_EFAULT);
}

/* --- sets of CPUs --- */

static void cpu_sets(void **state)
{
	const u64 cpus = NR_CPUS, guard = 0x5a;
	u8 bytes[64];
	u64 h = host_guest_alloc(sizeof(bytes));
	struct abi_bitmap map = { .bitmap = h, .nr_bits = 3 };
	struct cpumask m;

	memset(host_guest_ptr(h), 0xff, sizeof(bytes));
	assert_int_equal(control_get_cpus(&m, &map), 0);
	assert_int_equal(cpumask_weight(&m), 3);
	map.nr_bits = 512;
	assert_int_equal(control_get_cpus(&m, &map), 0);
	assert_int_equal(cpumask_weight(&m), cpus);
	map.nr_bits = 0;
	map.bitmap = HOST_BAD_GVA;
	assert_int_equal(control_get_cpus(&m, &map), 0);
	assert_true(cpumask_empty(&m));
	assert_int_equal(control_put_cpus(&map, &m), 0);
	map.nr_bits = 1;
	assert_int_equal(control_get_cpus(&m, &map), -XEN_EFAULT);
	assert_int_equal(control_put_cpus(&map, &m), -XEN_EFAULT);
	map.nr_bits = ~0U;
	assert_int_equal(control_get_cpus(&m, &map), -XEN_EINVAL);
	assert_int_equal(control_put_cpus(&map, &m), -XEN_EINVAL);
	/* What is too long for us is zero, what is too short cut. */
	map = (struct abi_bitmap){ .bitmap = h, .nr_bits = 8 * 63 };
	memset(host_guest_ptr(h), (int)guard, sizeof(bytes));
	cpumask_set(&m, 1);
	assert_int_equal(control_put_cpus(&map, &m), 0);
	memcpy(bytes, host_guest_ptr(h), sizeof(bytes));
	assert_int_equal(bytes[0], 2);
	for (int i = 1; i < 63; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(bytes[63], guard);
	memset(host_guest_ptr(h), (int)guard, sizeof(bytes));
	map.nr_bits = 2;
	assert_int_equal(control_put_cpus(&map, &m), 0);
	memcpy(bytes, host_guest_ptr(h), sizeof(bytes));
	assert_int_equal(bytes[0], 2);
	assert_int_equal(bytes[1], guard);
}

/* --- platform_op and the time of day --- */

static long platform(struct abi_platform_op op)
{
	u64 arg[5] = { host_guest_put(&op, sizeof(op)) };

	return do_platform_op(arg);
}

#define SETTIME(...)                                                                     \
	((struct abi_platform_op){ .cmd = XENPF_settime64,                               \
				   .interface_version = XENPF_INTERFACE_VERSION,         \
				   .u.settime64 = { __VA_ARGS__ } })

static void settime(void **state)
{
	world[2].shared_info->wc_version = 7;
	assert_int_equal(platform(SETTIME(.secs = 5000000000, .nsecs = 300,
					  .system_time = 2 * NS_PER_S + 400)),
			 0);
	for (domid_t id = 0; id < 3; id++) {
		const struct abi_shared_info *s = world[id].shared_info;

		assert_int_equal((u64)s->wc_sec_hi << 32 | s->wc_sec, 4999999997);
		assert_int_equal(s->wc_nsec, 999999900);
		assert_int_equal(s->wc_version, id == 2 ? 8 : 2);
	}
	/* A domain that comes later, and one that has no page. */
	memset(world[1].shared_info, 0, PAGE_SIZE);
	wallclock_tell(&world[1]);
	assert_int_equal(world[1].shared_info->wc_nsec, 999999900);
	world[1].shared_info = NULL;
	wallclock_tell(&world[1]);
}

static void platform_refusals(void **state)
{
	struct abi_platform_op op = SETTIME(.secs = 1);
	u64 arg[5] = { HOST_BAD_GVA };

	assert_int_equal(do_platform_op(arg), -XEN_EFAULT);
	op.interface_version++;
	assert_int_equal(platform(op), -XEN_EACCES);
	op = SETTIME(.secs = 1, .mbz = 1);
	assert_int_equal(platform(op), -XEN_EINVAL);
	assert_int_equal(platform(SETTIME(.secs = ~0UL)), -XEN_EINVAL);
	op.cmd = 17;
	assert_int_equal(platform(op), -XEN_ENOSYS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, balanced)
	const struct CMUnitTest tests[] = {
		T(physinfo),  T(getdomaininfolist), T(availheap),   T(cpus_and_nodes),
		T(page_offline), T(readconsole),  T(debug_keys),  T(sysctl_refusals),
		T(cpu_sets),  T(settime),	    T(platform_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
