/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/control.c hyp/control/domctl.c hyp/control/domctl_domain.c hyp/control/domctl_vcpu.c
 *	    hyp/control/domctl_memory.c hyp/control/domctl_newer.c hyp/control/domctl_sched.c hyp/control/domain_info.c
 *	    hyp/units.c hyp/core/domain.c hyp/core/domain_end.c hyp/core/domain_pool.c hyp/core/access.c hyp/boot/range.c hyp/core/launch.c hyp/core/vcpu.c hyp/core/runstate.c hyp/core/wallclock.c hyp/core/trace_absent.c hyp/core/hypercall.c hyp/mm/frame.c
 *	    hyp/sched/core.c hyp/sched/pool.c hyp/sched/credit2*.c hyp/sched/null.c hyp/lib/minheap.c
 *	    hyp/ipc/sched_op.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c
 *	    hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c
 *	    hyp/ipc/grant_map.c hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c
 *	    hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c */
/*
 * domctl on a whole house: domains that tools make come and go; whatever fails on the way leaves
 * nothing behind. dom0 runs on CPU 0; other CPUs run what the scheduler gives them.
 */
#include "units_house.h"
#include "no_devices.h"
#include <abi/domctl.h>

static struct domain *dom0;
static u64 buffer; /* of the hypercall's argument */

static int setup(void **state)
{
	options = (struct options){ .gnttab_max_version = 1, .gnttab_max_frames = 64,
				    .gnttab_max_maptrack_frames = 1024, .xsm = "silo" };
	machine_start("credit2");
	frame_ram = RAM >> PAGE_SHIFT;
	buffer = host_guest_alloc(PAGE_SIZE);
	/* The scheduler keeps room for units that it once had. */
	assert_int_equal(create(0, 8, &dom0), 0);
	kill(dom0);
	remember();
	assert_int_equal(create(0, 1, &dom0), 0);
	dom0->vcpus[0]->initialised = true;
	host_set_current(dom0->vcpus[0]);
	return 0;
}

static int machine_stop(void **state)
{
	heaps_grown(true);
	return 0;
}

/* Everything that tools made is gone: dom0 as well, then nothing is missing. */
static int finished(void **state)
{
	struct domain *d;

	fail_in = 0;
	host_set_cpu(0);
	host_set_current(NULL);
	while ((d = domain_get_next(0)) != NULL) {
		domain_put(d);
		kill(d);
	}
	expect_nothing_missing();
	return 0;
}

/* dom0 calls, until it is through. */
static long call(struct abi_domctl *op)
{
	u64 arg[5] = { buffer };
	unsigned int tries = 0;
	long rc;

	op->interface_version = op->interface_version ?: XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(host_guest_ptr(buffer), op, sizeof(*op));
	while ((rc = do_domctl(arg)) == -XEN_ERESTART) {
		assert_true(++tries < 1000);
		for (unsigned int cpu = 1; cpu < CPUS; cpu++)
			cpu_run(cpu);
		host_set_cpu(0);
	}
	memcpy(op, host_guest_ptr(buffer), sizeof(*op));
	return rc;
}

#define OP(c, id, ...) ((struct abi_domctl){ .cmd = XEN_DOMCTL_##c, .domain = id, __VA_ARGS__ })
#define CALL(...)      call(&OP(__VA_ARGS__))

static struct abi_domctl plan(u32 nr_vcpus)
{
	return OP(createdomain, DOMID_INVALID,
		  .u.createdomain = { .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
				      .max_vcpus = nr_vcpus,
				      .max_evtchn_port = 1023,
				      .max_grant_frames = -1,
				      .max_maptrack_frames = -1,
				      .grant_opts = 1,
				      .ssidref = 12,
				      .handle.b = { 1, 2, 3 } });
}

static domid_t make(u32 nr_vcpus)
{
	struct abi_domctl op = plan(nr_vcpus);

	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.createdomain.arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
	assert_int_equal(CALL(max_vcpus, op.domain, .u.max_vcpus.max = nr_vcpus), 0);
	return op.domain;
}

static struct abi_getdomaininfo info_of(domid_t id)
{
	struct abi_domctl op = OP(getdomaininfo, id);

	assert_int_equal(call(&op), 0);
	assert_int_equal(op.domain, id);
	return op.u.getdomaininfo;
}

/* --- what is accepted --- */

static void test_configurations(void **state)
{
	static const struct {
		u16 at; /* in struct abi_createdomain */
		u32 value;
		long rc;
	} tries[] = {
#define AT(field) offsetof(struct abi_createdomain, field)
		{ AT(flags), 0, -XEN_EINVAL },
		{ AT(flags), 1, -XEN_EINVAL },
		{ AT(flags), 2, -XEN_EINVAL },
		{ AT(flags), 3 | XEN_DOMCTL_CDF_xs_domain, -XEN_EINVAL },
		{ AT(flags), 3 | XEN_DOMCTL_CDF_iommu, -XEN_EINVAL },
		{ AT(iommu_opts), 1, -XEN_EINVAL },
		{ AT(max_vcpus), 0, -XEN_EINVAL },
		{ AT(max_vcpus), 128, 0 },
		{ AT(max_vcpus), 129, -XEN_EINVAL },
		{ AT(max_evtchn_port), 0, 0 },
		{ AT(max_evtchn_port), ~0U, 0 },
		{ AT(max_grant_frames), 0, -XEN_EINVAL },
		{ AT(max_grant_frames), 64, 0 },
		{ AT(max_grant_frames), 65, -XEN_EINVAL },
		{ AT(max_grant_frames), 0x80000000, 0 },
		{ AT(max_maptrack_frames), 0, 0 },
		{ AT(max_maptrack_frames), 1024, 0 },
		{ AT(max_maptrack_frames), 1025, -XEN_EINVAL },
		{ AT(grant_opts), 0, -XEN_EINVAL },
		{ AT(grant_opts), 2, -XEN_EINVAL },
		{ AT(grant_opts), 0x11, -XEN_EINVAL },
		{ AT(vmtrace_size), 4096, -XEN_EINVAL },
		{ AT(cpupool_id), 5, -XEN_ESRCH },
		{ AT(arch), 2, 0 },
		{ AT(arch), 3, -XEN_EINVAL },
		{ AT(arch), 1 << 16, -XEN_EINVAL },
		{ AT(arch.nr_spis), 960, 0 },
		{ AT(arch.nr_spis), 961, -XEN_EINVAL },
		{ AT(arch.nr_spis), ~0U, -XEN_EINVAL },
		{ AT(arch.clock_frequency), 77, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(tries); i++) {
		struct abi_domctl op = plan(1);

		memcpy((char *)&op.u.createdomain + tries[i].at, &tries[i].value, sizeof(u32));
		if (call(&op) != tries[i].rc)
			fail_msg("try %u", i);
		/* A number is used up by the attempt, as with Xen. */
		if (!tries[i].rc) {
			assert_int_equal(op.domain, i + 1);
			assert_int_equal(op.u.createdomain.arch.clock_frequency, 0);
			assert_int_equal(CALL(destroydomain, op.domain), 0);
		}
		assert_null(domain_get(1 + (domid_t)i));
	}
}

static void test_numbers(void **state)
{
	struct abi_domctl op = plan(1);
	domid_t first;

	op.domain = 7;
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.domain, 7);
	assert_int_equal(call(&op), -XEN_EEXIST);
	op.domain = 200; /* a domain of the device tree may be made again under it */
	assert_int_equal(call(&op), -XEN_EEXIST);
	op.domain = 0;
	assert_int_equal(call(&op), 0);
	first = op.domain;
	op.domain = DOMID_SELF;
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.domain, first + 1);
	assert_int_equal(info_of(7).domain, 7);
}

/* --- one thing fails --- */

static void test_every_failure_is_undone(void **state)
{
	struct frame_stats s;
	u64 free;
	long had, n = 0;

	assert_int_equal(CALL(destroydomain, make(2)), 0);
	frame_stats(&s);
	free = s.free;
	had = live - heaps_grown(false);
	for (bool done = false; !done;) {
		struct abi_domctl op = plan(2);
		long rc;

		fail_in = ++n;
		rc = call(&op);
		if (!rc) {
			rc = CALL(max_vcpus, op.domain, .u.max_vcpus.max = 2);
			done = fail_in != 0;
			fail_in = 0;
			/* What is missing can still be made. */
			assert_int_equal(CALL(max_vcpus, op.domain, .u.max_vcpus.max = 2), 0);
			assert_int_equal(CALL(destroydomain, op.domain), 0);
		}
		fail_in = 0;
		assert_int_equal(done, rc == 0);
		assert_true(done || rc == -XEN_ENOMEM);
		frame_stats(&s);
		assert_int_equal(s.free, free);
		assert_int_equal(live - heaps_grown(false), had);
	}
	assert_true(n > 10);
}

/* --- life --- */

static void test_state_of_a_new_domain(void **state)
{
	struct abi_domctl op = plan(2);
	struct abi_getdomaininfo i;

	assert_int_equal(call(&op), 0);
	i = info_of(op.domain);
	assert_int_equal(i.flags, 0xffff011a);
	assert_int_equal(i.max_vcpu_id, ~0U);
	assert_int_equal(i.tot_pages, 0);
	assert_int_equal(i.max_pages, 0);
	assert_int_equal(i.ssidref, 12);
	assert_int_equal(i.handle.b[2], 3);
	assert_int_equal(CALL(getvcpuinfo, op.domain), -XEN_ESRCH);
	assert_int_equal(CALL(getvcpuinfo, op.domain, .u.getvcpuinfo.vcpu = 2), -XEN_EINVAL);
	assert_int_equal(CALL(max_vcpus, op.domain, .u.max_vcpus.max = 1), -XEN_EINVAL);
	assert_int_equal(CALL(max_vcpus, op.domain, .u.max_vcpus.max = 2), 0);
	assert_int_equal(CALL(max_vcpus, op.domain, .u.max_vcpus.max = 2), 0);
	assert_int_equal(CALL(max_vcpus, 0, .u.max_vcpus.max = 1), -XEN_EINVAL);
	assert_int_equal(info_of(op.domain).max_vcpu_id, 1);
	assert_int_equal(CALL(setdomainhandle, op.domain, .u.setdomainhandle.handle.b = { 9 }), 0);
	assert_int_equal(CALL(setdebugging, op.domain, .u.setdebugging.enable = 1), 0);
	i = info_of(op.domain);
	assert_int_equal(i.flags & XEN_DOMINF_debugged, XEN_DOMINF_debugged);
	assert_int_equal(i.handle.b[0], 9);
	assert_int_equal(i.handle.b[2], 0);
}

static void test_pauses_are_counted(void **state)
{
	domid_t id = make(1);
	unsigned int n;

	for (n = 1; n < 255; n++)
		assert_int_equal(CALL(pausedomain, id), 0);
	assert_int_equal(CALL(pausedomain, id), -XEN_EOVERFLOW);
	for (; n > 1; n--)
		assert_int_equal(CALL(unpausedomain, id), 0);
	assert_true(info_of(id).flags & XEN_DOMINF_paused);
	assert_int_equal(CALL(unpausedomain, id), 0);
	assert_false(info_of(id).flags & XEN_DOMINF_paused);
	assert_int_equal(CALL(unpausedomain, id), -XEN_EINVAL);
	assert_int_equal(CALL(pausedomain, 0), -XEN_EINVAL);
	assert_int_equal(CALL(unpausedomain, 0), -XEN_EINVAL);
	assert_int_equal(CALL(resumedomain, 0), -XEN_EINVAL);
	assert_int_equal(CALL(setdebugging, 0), -XEN_EINVAL);
	assert_int_equal(CALL(destroydomain, 0), -XEN_EINVAL);
}

/* --- registers --- */

static long context(u32 cmd, domid_t id, u32 vcpu, struct abi_vcpu_guest_context *c)
{
	u64 at = host_guest_put(c, sizeof(*c));
	struct abi_domctl op = { .cmd = cmd, .domain = id,
				 .u.vcpucontext = { .vcpu = vcpu, .ctxt = at } };
	long rc = call(&op);

	*c = *(struct abi_vcpu_guest_context *)host_guest_ptr(at);
	return rc;
}

static void test_registers(void **state)
{
	struct abi_vcpu_guest_context c = { .flags = VGCF_online, .user_regs.pc = 0x1234 };
	struct abi_domctl early = plan(2);
	struct abi_domctl vi;
	domid_t id = make(1);

	assert_int_equal(context(XEN_DOMCTL_getvcpucontext, id, 0, &c), -XEN_ENODATA);
	assert_int_equal(context(XEN_DOMCTL_setvcpucontext, id, 1, &c), -XEN_EINVAL);
	assert_int_equal(context(XEN_DOMCTL_setvcpucontext, 0, 0, &c), -XEN_EINVAL);
	assert_int_equal(CALL(setvcpucontext, id, .u.vcpucontext.ctxt = HOST_BAD_GVA), -XEN_EFAULT);
	c.user_regs.cpsr = 9;
	assert_int_equal(context(XEN_DOMCTL_setvcpucontext, id, 0, &c), -XEN_EINVAL);
	c.user_regs.cpsr = 0;
	assert_int_equal(context(XEN_DOMCTL_setvcpucontext, id, 0, &c), 0);
	memset(&c, 0xff, sizeof(c));
	assert_int_equal(context(XEN_DOMCTL_getvcpucontext, id, 0, &c), 0);
	assert_int_equal(c.user_regs.pc, 0x1234);
	assert_int_equal(c.flags, VGCF_online);
	assert_int_equal(CALL(getvcpucontext, id, .u.vcpucontext.ctxt = HOST_BAD_GVA), -XEN_EFAULT);
	vi = OP(getvcpuinfo, id);
	assert_int_equal(call(&vi), 0);
	assert_int_equal(vi.u.getvcpuinfo.online, 1);
	/* It runs elsewhere: the call waits until it was taken away, and lets it go on. */
	assert_int_equal(CALL(unpausedomain, id), 0);
	for (unsigned int cpu = 1; cpu < CPUS && !sched_is_running(&domain_get_next(id)->vcpus[0]->unit);
	     cpu++) {
		domain_put(domain_get_next(id));
		cpu_run(cpu);
	}
	host_set_cpu(0);
	assert_int_equal(context(XEN_DOMCTL_getvcpucontext, id, 0, &c), 0);
	for (struct domain *d = domain_get_next(id); d; d = NULL) {
		assert_int_equal(d->vcpus[0]->unit.holds, 0);
		while (d->refs > 1)
			domain_put(d);
	}
	/* A vcpu has no registers before all are there. */
	assert_int_equal(call(&early), 0);
	assert_int_equal(context(XEN_DOMCTL_setvcpucontext, early.domain, 0, &c), -XEN_EINVAL);
	assert_int_equal(CALL(setvcpucontext, id), 0);
	assert_int_equal(context(XEN_DOMCTL_getvcpucontext, id, 0, &c), -XEN_ENODATA);
	assert_int_equal(CALL(set_address_size, early.domain, .u.address_size.size = 64), 0);
	assert_int_equal(CALL(set_address_size, early.domain, .u.address_size.size = 16), -XEN_EINVAL);
}

/* --- memory --- */

static void test_memory_limits(void **state)
{
	struct abi_domctl op;
	struct frame_stats s;
	u64 free;
	domid_t id = make(1);

	assert_int_equal(CALL(max_mem, id, .u.max_mem.max_memkb = 4096), 0);
	assert_int_equal(info_of(id).max_pages, 1024);
	assert_int_equal(CALL(max_mem, id, .u.max_mem.max_memkb = ~0UL), 0);
	assert_int_equal(info_of(id).max_pages, ~0U);
	/* 2^32 pages are not none. */
	assert_int_equal(CALL(max_mem, id, .u.max_mem.max_memkb = 1UL << 34), 0);
	assert_int_equal(info_of(id).max_pages, ~0U);
	op = OP(get_paging_mempool_size, id);
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.paging_mempool.size, 0x10000);
	frame_stats(&s);
	free = s.free;
	assert_int_equal(CALL(set_paging_mempool_size, id, .u.paging_mempool.size = 2 << 20), 0);
	op = OP(get_paging_mempool_size, id);
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.paging_mempool.size, 2 << 20);
	frame_stats(&s);
	assert_int_equal(s.free, free - (512 - 16));
	assert_int_equal(CALL(set_paging_mempool_size, id, .u.paging_mempool.size = 4097), -XEN_EINVAL);
	assert_int_equal(CALL(set_paging_mempool_size, id, .u.paging_mempool.size = 1UL << 40),
			 -XEN_ENOMEM);
	assert_int_equal(CALL(set_paging_mempool_size, id, .u.paging_mempool.size = ~0UL << 12),
			 -XEN_ENOMEM);
	assert_int_equal(CALL(cacheflush, id, .u.cacheflush = { 0, 1UL << 18 }), 0);
	assert_int_equal(CALL(cacheflush, id, .u.cacheflush = { 0, (1UL << 18) + 1 }), -XEN_EINVAL);
	assert_int_equal(CALL(cacheflush, id, .u.cacheflush = { ~0UL, 2 }), -XEN_EINVAL);
}

/* A call that is interrupted all the time gets through, with what it was asked. */
static void test_cacheflush_goes_on(void **state)
{
	struct abi_domctl op;
	domid_t id = make(1);

	host.preempt_always = true;
	op = OP(cacheflush, id, .u.cacheflush = { 5, 100 });
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.cacheflush.start_pfn + op.u.cacheflush.nr_pfns, 105);
	host.preempt_always = false;
}

/* --- the table --- */

static void test_refusals(void **state)
{
	u64 arg[5] = { HOST_BAD_GVA };
	struct abi_domctl op = OP(getdomaininfo, 77);
	domid_t id = make(1);
	struct domain *d;

	assert_int_equal(do_domctl(arg), -XEN_EFAULT);
	assert_int_equal(call(&op), -XEN_ESRCH);
	assert_int_equal(CALL(pausedomain, DOMID_SELF), -XEN_ESRCH);
	op = OP(getdomaininfo, 0);
	op.cmd = 9999;
	assert_int_equal(call(&op), -XEN_ENOSYS);
	op.cmd = 6; /* a hole */
	assert_int_equal(call(&op), -XEN_ENOSYS);
	((struct abi_domctl *)host_guest_ptr(buffer))->interface_version = 0x14;
	arg[0] = buffer;
	assert_int_equal(do_domctl(arg), -XEN_EACCES);
	op = OP(getdomaininfo, 0);
	host.fail_copy_in = 2;
	assert_int_equal(call(&op), -XEN_EFAULT);
	host.fail_copy_in = 0;
	/* Who is not in control hears first whether the domain exists, as from Xen. */
	d = domain_get_next(id);
	host_set_current(d->vcpus[0]);
	domain_put(d);
	assert_int_equal(CALL(pausedomain, id), -XEN_EPERM);
	assert_int_equal(CALL(pausedomain, 77), -XEN_ESRCH);
	host_set_current(dom0->vcpus[0]);
	assert_int_equal(CALL(setvnumainfo, id), -XEN_EINVAL);
	assert_int_equal(CALL(subscribe, id), 0);
}

/* Of a number that nobody has 0x15 tells the next domain; later ones say that there is none. */
static void test_versions(void **state)
{
	domid_t id = make(1);
	struct abi_domctl op = OP(getdomaininfo, 1);

	assert_int_equal(call(&op), 0);
	assert_int_equal(op.domain, id);
	for (u32 version = 0x16; version <= 0x17; version++) {
		op.interface_version = version;
		op.domain = id - 1;
		assert_int_equal(call(&op), -XEN_ESRCH);
		op.domain = id;
		assert_int_equal(call(&op), 0);
		assert_int_equal(op.u.getdomaininfo.domain, id);
		/* What did not change is everywhere. */
		op.cmd = XEN_DOMCTL_monitor_op;
		assert_int_equal(call(&op), -XEN_ENODEV);
		op.cmd = XEN_DOMCTL_getdomaininfo;
	}
	op.interface_version = 0x18;
	assert_int_equal(call(&op), -XEN_EACCES);
}

static void test_node_affinity(void **state)
{
	u64 map = host_guest_put(&(u64){ 2 }, sizeof(u64));
	domid_t id = make(1);

#define NODES(c, bits) CALL(c, id, .u.nodeaffinity.nodemap = { map, bits })
	assert_int_equal(NODES(setnodeaffinity, 8), -XEN_EINVAL);
	assert_int_equal(NODES(getnodeaffinity, 64), 0);
	assert_int_equal(*(u64 *)host_guest_ptr(map), 1);
	assert_int_equal(NODES(setnodeaffinity, 8), 0);
	assert_int_equal(NODES(setnodeaffinity, 0), -XEN_EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(test_##f, setup, finished)
	const struct CMUnitTest tests[] = {
		T(configurations),	T(numbers),		 T(every_failure_is_undone),
		T(state_of_a_new_domain), T(pauses_are_counted), T(registers),
		T(memory_limits),	T(cacheflush_goes_on),	 T(refusals),
		T(node_affinity),	T(versions),
	};

	return cmocka_run_group_tests(tests, NULL, machine_stop);
}
