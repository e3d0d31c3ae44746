/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/domctl_sched.c hyp/control/sysctl_sched.c hyp/control/control.c hyp/core/domain_pool.c hyp/sched/timer.c hyp/lib/minheap.c */
/* Affinities, shares and the rate limit by domctl and sysctl, with the real scheduler behind them. */
#include "../../hyp/control/domctl.h"
#include "../../hyp/control/sysctl.h"
#include "sched_sim.h"
#include <serai/domain.h>

static struct domain dom;
static struct vcpu *vcpus[4], *table[4];
static u8 hard[8], soft[8];

void guest_printk(enum log_level level, const char *fmt, ...)
{
}

static void start(const char *name, unsigned int n_cpus)
{
	struct cpumask all;

	machine_start(n_cpus, name, false);
	all = all_cpus();
	memset(&dom, 0, sizeof(dom));
	lock_init(&dom.lock, RANK_DOMAIN);
	sched_group_init(&dom.sched);
	dom.pool = cpupool_find(0);
	dom.vcpus = table;
	dom.nr_vcpus = 4;
	/* The last one was never made. */
	for (u32 i = 0; i < 3; i++) {
		if (!vcpus[i])
			vcpus[i] = calloc(1, sizeof(struct vcpu));
		memset(vcpus[i], 0, sizeof(struct vcpu));
		lock_init(&vcpus[i]->lock, RANK_VCPU);
		table[i] = vcpus[i];
		assert_int_equal(sched_unit_init(&vcpus[i]->unit, dom.pool, &dom.sched, HOLD_DOWN,
						 &all), 0);
		vcpus[i]->hard_saved = all;
	}
}

static long affinity(domctl_fn *fn, u32 vcpu, u32 flags, u32 bits)
{
	struct abi_domctl op = { .u.vcpuaffinity = { vcpu, flags,
						     { host_guest_put(hard, sizeof(hard)), bits },
						     { host_guest_put(soft, sizeof(soft)), bits } } };
	long rc = fn(&dom, &op);

	memcpy(hard, host_guest_ptr(op.u.vcpuaffinity.cpumap_hard.bitmap), sizeof(hard));
	memcpy(soft, host_guest_ptr(op.u.vcpuaffinity.cpumap_soft.bitmap), sizeof(soft));
	return rc;
}

static long set(u32 flags, u8 h, u8 s)
{
	hard[0] = h;
	soft[0] = s;
	return affinity(domctl_setvcpuaffinity, 0, flags, 8);
}

static void test_affinity(void **state)
{
	struct abi_domctl bad = { .u.vcpuaffinity = { 0, 1, { 8, 8 }, { 8, 8 } } };
	struct vcpu *v;

	start("credit2", 4);
	v = vcpus[0];
	assert_int_equal(affinity(domctl_getvcpuaffinity, 0, 3, 8), 0);
	assert_int_equal(hard[0], 0xf);
	assert_int_equal(soft[0], 0xf);
	assert_int_equal(affinity(domctl_getvcpuaffinity, 0, 0, 8), -XEN_EINVAL);
	assert_int_equal(affinity(domctl_getvcpuaffinity, 3, 1, 8), -XEN_ESRCH);
	assert_int_equal(affinity(domctl_setvcpuaffinity, 3, 1, 8), -XEN_ESRCH);
	assert_int_equal(affinity(domctl_setvcpuaffinity, 4, 1, 8), -XEN_EINVAL);
	assert_int_equal(domctl_setvcpuaffinity(&dom, &bad), -XEN_EFAULT);
	assert_int_equal(domctl_getvcpuaffinity(&dom, &bad), -XEN_EFAULT);
	/* What counts is the answer; what was asked is kept. */
	assert_int_equal(set(3, 0x36, 0x3c), 0);
	assert_int_equal(hard[0], 0x6);
	assert_int_equal(soft[0], 0x4);
	assert_int_equal(v->unit.hard.bits[0], 0x36);
	assert_true(v->unit.choosy);
	/* Both or none. */
	assert_int_equal(set(3, 0x30, 0x1), -XEN_EINVAL);
	assert_int_equal(v->unit.hard.bits[0], 0x36);
	assert_int_equal(v->unit.soft.bits[0], 0x3c);
	assert_int_equal(set(2, 0, 0), 0);
	assert_false(v->unit.choosy);
	assert_int_equal(affinity(domctl_setvcpuaffinity, 0, 1, 0), -XEN_EINVAL);
	/* A unit that is destroyed is left alone. */
	sched_unit_destroy(&vcpus[0]->unit);
	assert_int_equal(set(1, 1, 0), -XEN_EINVAL);
	machine_stop();
}

/* Pinned by SCHEDOP_pin_override: only force ends that. */
static void test_pinned(void **state)
{
	struct cpumask one = { { 2 } };
	struct vcpu *v;

	start("credit2", 4);
	v = vcpus[0];
	assert_int_equal(set(1, 0x3, 0), 0);
	v->pinned = true;
	assert_int_equal(sched_set_affinity(&v->unit, &one, NULL), 0);
	assert_int_equal(set(1, 0x4, 0), -XEN_EBUSY);
	assert_int_equal(set(2, 0, 0x4), -XEN_EBUSY);
	assert_int_equal(v->unit.hard.bits[0], 2);
	assert_int_equal(set(4, 0, 0), 0);
	assert_false(v->pinned);
	assert_int_equal(v->unit.hard.bits[0], 3);
	v->pinned = true;
	assert_int_equal(set(5, 0x8, 0), 0);
	assert_int_equal(v->unit.hard.bits[0], 8);
	assert_int_equal(v->hard_saved.bits[0], 8);
	machine_stop();
}

static long share(u32 cmd, u32 sched_id, u16 weight, u16 cap, struct abi_sched_credit *out)
{
	struct abi_domctl op = { .u.scheduler_op = { .sched_id = sched_id, .cmd = cmd,
						     .u.credit2 = { weight, cap } } };
	long rc = domctl_scheduler_op(&dom, &op);

	if (out)
		*out = op.u.scheduler_op.u.credit2;
	return rc;
}

static void test_shares(void **state)
{
	struct abi_sched_credit is;

	start("credit2", 2);
	assert_int_equal(share(1, 6, 0, 0, &is), 0);
	assert_int_equal(is.weight, 256);
	assert_int_equal(is.cap, 0);
	assert_int_equal(share(0, 6, 512, 400, NULL), 0);
	assert_int_equal(share(0, 6, 7, 401, NULL), -XEN_EINVAL);
	assert_int_equal(share(1, 6, 0, 0, &is), 0);
	assert_int_equal(is.weight, 512);
	assert_int_equal(is.cap, 400);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(vcpus[i]->unit.scale, 1 << 19);
		assert_true(vcpus[i]->unit.capped);
	}
	/* What was used of the old cap is forgotten. */
	dom.sched.due = INT64_MAX / 2;
	assert_int_equal(share(0, 6, 0, 0, NULL), 0);
	assert_int_equal(dom.sched.weight, 512);
	assert_int_equal(dom.sched.due, 0);
	assert_false(vcpus[2]->unit.capped);
	for (u32 cmd = 2; cmd < 6; cmd++)
		assert_int_equal(share(cmd, 6, 1, 1, NULL), -XEN_EINVAL);
	assert_int_equal(share(1, 5, 1, 1, NULL), -XEN_EINVAL);
	dom.pool = NULL;
	assert_int_equal(share(1, 6, 1, 1, NULL), -XEN_EINVAL);
	/* Without shares they are ignored. */
	start("null", 2);
	assert_int_equal(share(0, 9, 512, 0, NULL), 0);
	assert_int_equal(dom.sched.weight, 256);
	assert_int_equal(share(1, 6, 0, 0, NULL), -XEN_EINVAL);
	machine_stop();
}

static long limit(u32 pool, u32 sched_id, u32 cmd, u32 *us)
{
	struct abi_sysctl op = { .u.scheduler_op = { .cpupool_id = pool, .sched_id = sched_id,
						     .cmd = cmd,
						     .u.sched_credit2 = { *us } } };
	long rc = sysctl_scheduler_op(&op);

	*us = op.u.scheduler_op.u.sched_credit2.ratelimit_us;
	return rc;
}

static void test_ratelimit(void **state)
{
	static const u32 good[] = { 0, 100, 500000 }, bad[] = { 1, 99, 500001, ~0U };
	u32 us = 3;

	start("credit2", 2);
	assert_int_equal(limit(0, 6, 1, &us), 0);
	assert_int_equal(us, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		us = good[i];
		assert_int_equal(limit(0, 6, 0, &us), 0);
		assert_int_equal(cpupool_find(0)->ratelimit[0], good[i] * NS_PER_US);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		us = bad[i];
		assert_int_equal(limit(0, 6, 0, &us), -XEN_EINVAL);
	}
	assert_int_equal(cpupool_find(0)->ratelimit[0], NS_PER_S / 2);
	assert_int_equal(limit(1, 6, 1, &us), -XEN_ESRCH);
	assert_int_equal(limit(0, 9, 1, &us), -XEN_EINVAL);
	assert_int_equal(limit(0, 6, 2, &us), -XEN_EINVAL);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_ratelimit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
