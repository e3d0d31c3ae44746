/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/units.c hyp/core/domain.c hyp/core/domain_end.c hyp/core/domain_pool.c hyp/core/access.c hyp/boot/range.c hyp/core/launch.c hyp/core/vcpu.c hyp/core/runstate.c hyp/core/wallclock.c hyp/core/trace_absent.c hyp/core/hypercall.c hyp/mm/frame.c
 *	    hyp/sched/core.c hyp/sched/pool.c hyp/sched/credit2*.c hyp/sched/null.c hyp/lib/minheap.c
 *	    hyp/ipc/sched_op.c hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c
 *	    hyp/ipc/evtchn_fifo.c hyp/ipc/guest_atomic.c hyp/ipc/grant_table.c hyp/ipc/grant_pin.c hyp/ipc/grant_v2.c
 *	    hyp/ipc/grant_map.c hyp/ipc/grant_copy.c hyp/ipc/grant_cache.c
 *	    hyp/core/memory_op.c hyp/core/reservation.c hyp/core/physmap.c hyp/core/resource.c */
/*
 * The whole house on a simulated machine of four CPUs: domains with all real units come, run, use
 * what there is, and go, while allocations fail. Afterwards nothing may be missing: no frame, no
 * allocation, no timer, no owner. The files included here are those where something is made to
 * fail, or that are looked into.
 */
#include "units_house.h"

/* --- one thing fails --- */

static void test_every_failure_of_creation_is_undone(void **state)
{
	for (u32 nr_vcpus = 1; nr_vcpus <= 5; nr_vcpus += 2) {
		struct domain *d;
		long n = 0;
		int rc;

		assert_int_equal(create(1, nr_vcpus, &d), 0);
		kill(d);
		remember();
		do {
			fail_in = ++n;
			rc = create(1, nr_vcpus, &d);
			if (rc) {
				assert_int_equal(rc, -XEN_ENOMEM);
				expect_nothing_missing();
			}
		} while (rc);
		assert_true(n > 10 + 2 * nr_vcpus);
		fail_in = 0;
		kill(d);
		expect_nothing_missing();
	}
}

/* --- another pool of CPUs --- */

static int keep_asking(int (*ask)(struct cpupool *p, unsigned int cpu), struct cpupool *p,
		       unsigned int cpu)
{
	int rc;

	for (int i = 0; (rc = ask(p, cpu)) == -XEN_ERESTART; i++) {
		assert_true(i < 10);
		cpus_run();
	}
	return rc;
}

static void test_domain_changes_pools(void **state)
{
	struct cpupool *first = cpupool_find(0), *p;
	struct domain *d;
	int rc;

	assert_int_equal(cpupool_create(sched_policy_find("null"), &p), 0);
	assert_int_equal(keep_asking(cpupool_remove_cpu, first, 3), 0);
	assert_int_equal(keep_asking(cpupool_add_cpu, p, 3), 0);
	remember();
	assert_int_equal(create(1, 2, &d), 0);
	assert_ptr_equal(d->pool, first);
	assert_int_equal(first->nr_domains, 1);
	for (u32 i = 0; i < 2; i++)
		sched_release(&d->vcpus[i]->unit, HOLD_DOWN);
	cpus_run();
	domain_pause(d);
	while ((rc = domain_set_pool(d, p)) == -XEN_ERESTART)
		cpus_run();
	assert_int_equal(rc, 0);
	assert_ptr_equal(d->pool, p);
	assert_int_equal(first->nr_domains, 0);
	assert_int_equal(p->nr_domains, 1);
	domain_unpause(d);
	cpus_run();
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(d->vcpus[i]->unit.cpu, 3);
	assert_ptr_equal(cpu_table[3]->current, d->vcpus[0]);
	assert_int_equal(cpupool_destroy(p), -XEN_EBUSY);
	assert_int_equal(keep_asking(cpupool_remove_cpu, p, 3), -XEN_EBUSY);
	kill(d);
	assert_int_equal(p->nr_domains, 0);
	expect_nothing_missing();
	assert_int_equal(keep_asking(cpupool_remove_cpu, p, 3), 0);
	assert_int_equal(keep_asking(cpupool_add_cpu, first, 3), 0);
	assert_int_equal(cpupool_destroy(p), 0);
}

static void test_timers_cannot_be_reserved(void **state)
{
	struct domain *d;

	remember();
	/* The heaps have to grow, one after the other, after two allocations for the domain. */
	for (long n = 0; n < CPUS; n++) {
		messages_clear();
		fail_in = 3;
		assert_int_equal(create(1, 100, &d), -XEN_ENOMEM);
		assert_said("domain 1: timers: cannot be created (-12)");
		expect_nothing_missing();
	}
}

static void test_no_owner_is_free(void **state)
{
	static struct frame_owner others[FRAME_OWNERS_MAX];
	struct domain *d;

	remember();
	for (int i = 1; i < FRAME_OWNERS_MAX; i++) {
		frame_owner_init(&others[i], 0);
		assert_int_equal(frame_owner_register(&others[i]), 0);
	}
	assert_int_equal(create(1, 2, &d), -XEN_ENOSPC);
	for (int i = 1; i < FRAME_OWNERS_MAX; i++)
		frame_owner_unregister(&others[i]);
	expect_nothing_missing();
}

static void test_no_cpu_is_allowed(void **state)
{
	struct domain_config cfg = { .id = 1, .nr_vcpus = 2, .max_grant_frames = ~0U };
	struct domain *d;

	remember();
	assert_int_equal(domain_create(&cfg, &d), -XEN_EINVAL);
	cpumask_set(&cfg.affinity, CPUS);
	assert_int_equal(domain_create(&cfg, &d), -XEN_EINVAL);
	expect_nothing_missing();
}

/* --- what guests do; whatever goes wrong is fine as long as nothing gets lost --- */

static u64 seed;

static u32 dice(u32 n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (u32)(seed >> 33) % n;
}

static u64 put(const void *p, size_t size)
{
	memcpy(host_guest_ptr(room), p, size);
	return room;
}

#define PUT(...) put(&(__VA_ARGS__), sizeof(__VA_ARGS__))

static long event_op(u64 cmd, u64 handle)
{
	return do_event_channel_op((u64[5]){ cmd, handle });
}

static void ram_give(struct domain *d)
{
	for (u32 i = 0; i < RAM_MAX; i++) {
		struct frame *f = frame_alloc(0, FRAME_ZERO);

		assert_non_null(f);
		assert_int_equal(frame_assign(&d->frames, f, 1), 0);
		assert_int_equal(p2m_map(&d->p2m, gfn(RAM_GFN + i), frame_to_mfn(f), 1,
					 P2M_RAM_RW), 0);
	}
}

static void do_channels(struct vcpu *v, domid_t other)
{
	u32 x = dice(v->domain->nr_vcpus), port = 1 + dice(20);

	switch (dice(7)) {
	case 0:
		event_op(EVTCHNOP_alloc_unbound,
			 PUT((struct abi_evtchn_alloc_unbound){ DOMID_SELF, other, 0 }));
		break;
	case 1:
		event_op(EVTCHNOP_bind_interdomain,
			 PUT((struct abi_evtchn_bind_interdomain){ other, port, 0 }));
		break;
	case 2:
		event_op(EVTCHNOP_bind_virq, PUT((struct abi_evtchn_bind_virq){ dice(24), x, 0 }));
		break;
	case 3:
		event_op(EVTCHNOP_bind_ipi, PUT((struct abi_evtchn_bind_ipi){ x, 0 }));
		break;
	case 4:
		event_op(EVTCHNOP_close, PUT((struct abi_evtchn_port){ port }));
		break;
	case 5:
		event_op(EVTCHNOP_bind_vcpu, PUT((struct abi_evtchn_bind_vcpu){ port, x }));
		break;
	default:
		event_op(EVTCHNOP_send, PUT((struct abi_evtchn_port){ port }));
	}
}

static void do_grants(struct vcpu *v, struct domain *other)
{
	struct abi_grant_entry *table;
	u32 ref = dice(1000); /* the first two frames of the table */
	mfn_t m;

	switch (dice(3)) {
	case 0: /* gives somebody a frame */
		if (grant_map_frame(v->domain, ref / 512, false, &m))
			return;
		table = paddr_to_virt(mfn_to_paddr(m));
		table[ref % 32] = (struct abi_grant_entry){
			.flags = GTF_permit_access, .domid = other->id,
			.frame = (u32)RAM_GFN + dice(RAM_MAX) };
		break;
	case 1:
		do_grant_table_op((u64[5]){ GNTTABOP_map_grant_ref, PUT((struct abi_gnttab_map){
			.host_addr = (FREE_GFN + dice(64)) << PAGE_SHIFT, .dom = other->id,
			.flags = GNTMAP_host_map, .ref = dice(32) }), 1 });
		break;
	default:
		do_grant_table_op((u64[5]){ GNTTABOP_unmap_grant_ref, PUT((struct abi_gnttab_unmap){
			.host_addr = (FREE_GFN + dice(64)) << PAGE_SHIFT, .handle = dice(8) }), 1 });
	}
}

static void do_scheduling(struct vcpu *v)
{
	struct abi_sched_poll poll = { .ports = room + 64, .nr_ports = 1 + dice(3),
				       .timeout = (u64)host.now + dice(1000000) };
	struct abi_sched_watchdog watchdog = { dice(3), 1 + dice(5) };

	for (u32 i = 0; i < 3; i++)
		((u32 *)host_guest_ptr(room + 64))[i] = 1 + dice(20);
	switch (dice(6)) {
	case 0:
		do_sched_op((u64[5]){ SCHEDOP_yield });
		break;
	case 1:
		do_sched_op((u64[5]){ SCHEDOP_block });
		break;
	case 2:
		do_sched_op((u64[5]){ SCHEDOP_watchdog, PUT(watchdog) });
		break;
	case 3:
		do_sched_op((u64[5]){ SCHEDOP_pin_override,
				      PUT((struct abi_sched_pin_override){ (s32)dice(5) - 1 }) });
		break;
	default:
		do_sched_op((u64[5]){ SCHEDOP_poll, PUT(poll) });
	}
}

#include "life_memory.h"

static void act(struct vcpu *v, struct domain *const *doms)
{
	struct domain *other = doms[dice(DOMS)];

	other = other ? other : v->domain;
	switch (dice(10)) {
	case 8:
	case 9:
		do_memory(other->id);
		break;
	case 0:
	case 1:
		do_channels(v, other->id);
		break;
	case 2:
		do_registrations(v);
		break;
	case 3:
	case 4:
		do_grants(v, other);
		break;
	case 5:
		vcpu_request(other->vcpus[dice(other->nr_vcpus)], VCPU_REQ_VGIC);
		break;
	default:
		do_scheduling(v);
	}
}

/* Somebody with the power to do so holds and releases others. */
static void manage(struct domain *d)
{
	struct vcpu *v = d->vcpus[dice(d->nr_vcpus)];

	switch (dice(5)) {
	case 0:
		domain_pause(d);
		break;
	case 1:
		domain_unpause(d);
		break;
	case 2:
		if (dice(20) == 0)
			domain_crash(d, "for the sake of it");
		break;
	default:
		sched_release(&v->unit, HOLD_DOWN);
		vcpu_wake(v);
	}
}

/* No vcpu may be loaded on two CPUs, none that has to stop may run on. */
static void expect_order(void)
{
	for (unsigned int a = 0; a < CPUS; a++) {
		const struct vcpu *v = cpu_table[a]->current;

		for (unsigned int b = 0; v && b < a; b++)
			assert_ptr_not_equal(v, cpu_table[b]->current);
		if (v) {
			assert_true(v->unit.running);
			assert_int_equal(v->runstate.state, RUNSTATE_running);
		}
	}
}

static void life(struct domain **doms, unsigned int steps)
{
	while (steps--) {
		unsigned int cpu = dice(CPUS);
		struct vcpu *v;
		struct domain *d = doms[dice(DOMS)];

		host.now += dice(NS_PER_MS);
		if (d)
			manage(d);
		v = cpu_run(cpu);
		expect_order();
		if (dice(10) == 0)
			fail_in = 1 + dice(3);
		if (v)
			act(v, doms);
		fail_in = 0;
		host_set_cpu(0);
	}
}

static void round_of_life(void)
{
	struct domain *doms[DOMS] = { NULL };
	unsigned int alive = 0;

	for (domid_t id = 0; id < DOMS; id++) {
		fail_in = dice(2) ? 1 + dice(40) : 0;
		create(id, 1 + dice(4), &doms[id]);
		fail_in = 0;
		if (!doms[id])
			continue;
		ram_give(doms[id]);
		alive++;
	}
	life(doms, 300);
	while (alive) {
		domid_t id = (domid_t)dice(DOMS);
		struct domain *d = doms[id];

		if (!d)
			continue;
		doms[id] = NULL;
		alive--;
		host.preempt_in = dice(2) ? 1 + dice(4) : 0;
		kill(d);
		host.preempt_in = 0;
		life(doms, 20);
	}
	cpus_run();
	expect_whole_heap();
	expect_nothing_missing();
}

static void live_for(const char *scheduler, u64 rounds)
{
	struct domain *d;

	machine_start(scheduler);
	/* What grows once and stays. */
	assert_int_equal(create(1, 40, &d), 0);
	kill(d);
	remember();
	for (u64 i = 1; i <= rounds; i++) {
		seed = i;
		round_of_life();
	}
}

static void test_lives_under_credit2_scheduler(void **state)
{
	live_for("credit2", ROUNDS);
}

static void test_lives_under_the_null_scheduler(void **state)
{
	live_for("null", ROUNDS / 2);
}

/* An interrupt waits all the time: killing goes on in small steps, and the vcpus go last. */
static void test_kill_in_small_steps(void **state)
{
	unsigned int steps = 0, with_vcpus = 0;
	struct domain *d;
	int rc;

	remember();
	assert_int_equal(create(1, 2, &d), 0);
	ram_give(d);
	host_set_current(d->vcpus[0]);
	for (int i = 0; i < 200; i++)
		assert_int_equal(event_op(EVTCHNOP_bind_ipi,
					  PUT((struct abi_evtchn_bind_ipi){ i % 2, 0 })), 0);
	host_set_current(NULL);
	assert_ptr_equal(domain_get(1), d);
	host.preempt_always = true;
	while ((rc = domain_kill(d)) == -XEN_ERESTART) {
		steps++;
		with_vcpus += !!d->vcpus[0];
		assert_true(steps < 100);
	}
	assert_int_equal(rc, 0);
	assert_true(with_vcpus > 1);
	assert_true(steps > with_vcpus + 1);
	domain_put(d);
	expect_nothing_missing();
}

/* --- the front hall --- */

static int credit2_machine(void **state)
{
	fail_in = 0;
	memset(&options, 0, sizeof(options));
	machine_start("credit2");
	return 0;
}

static void shut_down(void *arg)
{
	struct domain *d = arg;

	domain_shutdown(d, d->shutdown_code);
}

static void test_hardware_domain_ends_the_machine(void **state)
{
	static const struct {
		u8 reason;
		bool noreboot;
		enum host_stop how;
		const char *said;
	} cases[] = {
		{ SHUTDOWN_poweroff, false, HOST_POWER_OFF, "dom0 powers the machine off" },
		{ SHUTDOWN_poweroff, true, HOST_POWER_OFF, "dom0 powers the machine off" },
		{ SHUTDOWN_reboot, false, HOST_RESET, "dom0 restarts the machine" },
		{ SHUTDOWN_reboot, true, HOST_RESET, "dom0 restarts the machine" },
		{ SHUTDOWN_crash, false, HOST_RESET, "dom0 crashed" },
		{ SHUTDOWN_crash, true, HOST_HALT, "halted (noreboot)" },
		{ SHUTDOWN_watchdog, false, HOST_RESET, "dom0 missed its watchdog" },
		{ 99, false, HOST_RESET, "dom0 shut down" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d;

		assert_int_equal(create(0, 1, &d), 0);
		d->flags |= DOMAIN_HARDWARE;
		d->shutdown_code = cases[i].reason;
		options.noreboot = cases[i].noreboot;
		messages_clear();
		assert_int_equal(host_catch(shut_down, d), cases[i].how);
		assert_said(cases[i].said);
		kill(d);
	}
}

static void test_control_domain_is_told(void **state)
{
	struct domain *dom0, *d;
	struct vcpu *v;

	assert_int_equal(create(1, 1, &d), 0);
	domain_shutdown(d, SHUTDOWN_poweroff); /* nobody to be told */
	kill(d);
	assert_int_equal(create(0, 1, &dom0), 0);
	assert_int_equal(create(1, 1, &d), 0);
	console_input_hook();
	v = dom0->vcpus[0];
	host_set_current(v);
	assert_int_equal(event_op(EVTCHNOP_bind_virq,
				  PUT((struct abi_evtchn_bind_virq){ VIRQ_DOM_EXC, 0, 0 })), 0);
	assert_int_equal(event_op(EVTCHNOP_bind_virq,
				  PUT((struct abi_evtchn_bind_virq){ VIRQ_CONSOLE, 0, 0 })), 0);
	host_set_current(NULL);
	assert_int_equal(dom0->shared_info->evtchn_pending[0], 0);
	domain_shutdown(d, SHUTDOWN_poweroff);
	assert_int_equal(dom0->shared_info->evtchn_pending[0],
			 1UL << v->virq_to_port[VIRQ_DOM_EXC]);
	console_input_hook();
	assert_int_equal(dom0->shared_info->evtchn_pending[0],
			 1UL << v->virq_to_port[VIRQ_DOM_EXC] |
			 1UL << v->virq_to_port[VIRQ_CONSOLE]);
	kill(d);
	kill(dom0);
}

static void test_debug_keys(void **state)
{
	struct domain *d;

	remember();
	key['0'](); /* without a dom0 */
	assert_int_equal(create(0, 2, &d), 0);
	key['0']();
	assert_int_equal(host.dumps, 2);
	assert_int_equal(d->refs, 1);
	key['d']();
	assert_int_equal(this_cpu()->work & WORK_DUMP, WORK_DUMP);
	assert_int_equal(cpu_table[3]->remote & WORK_DUMP, WORK_DUMP);
	for (const char *k = "qrmHiategw"; *k; k++)
		key[(unsigned char)*k]();
	assert_said("d0 guest: 0 frames of 1000, 2 vcpus");
	assert_said("scheduler credit2");
	assert_said("memory: 65536 KiB");
	assert_said("cpu3: 0 timers");
	cpus_run();
	kill(d);
}

static int machine_stop(void **state)
{
	heaps_grown(true);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup(fn, credit2_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timers_cannot_be_reserved),
		TEST(test_every_failure_of_creation_is_undone),
		TEST(test_no_owner_is_free),
		TEST(test_no_cpu_is_allowed),
		TEST(test_kill_in_small_steps),
		TEST(test_hardware_domain_ends_the_machine),
		TEST(test_control_domain_is_told),
		TEST(test_debug_keys),
		TEST(test_domain_changes_pools),
		cmocka_unit_test(test_lives_under_credit2_scheduler),
		cmocka_unit_test(test_lives_under_the_null_scheduler),
	};

	return cmocka_run_group_tests(tests, NULL, machine_stop);
}
