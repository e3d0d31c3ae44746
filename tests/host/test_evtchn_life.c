/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/evtchn.c hyp/ipc/evtchn_2l.c hyp/ipc/evtchn_domain.c hyp/core/guest_area.c hyp/ipc/evtchn_fifo.c
 *	    hyp/ipc/guest_atomic.c hyp/core/hypercall.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/mem.c
 *	    hyp/mm/p2m.c */
/*
 * Event channels in the life of domains and vcpus: resetting and dying with peers, polling,
 * vcpu_info, creation that fails, CPUs that send while others close.
 */
#include "ipc_house.h"
#include "evtchn_calls.h"
#include "../../hyp/ipc/evtchn_private.h"

/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield

static void test_reset(void **state)
{
	u32 port0, port1, virq, port;

	connect(&port0, &port1);
	run_on(dom1, 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 2, &virq), 0);
	for (int i = 0; i < 500; i++)
		assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(reset(77), -XEN_ESRCH);
	assert_int_equal(reset(0), -XEN_EPERM);
	host.polls = 0;
	host.preempt_in = 3;
	assert_int_equal(reset(DOMID_SELF), 0);
	assert_true(host.polls > 3);
	assert_int_equal(dom1->vcpus[2]->virq_to_port[VIRQ_DEBUG], 0);
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(port, 1);
	run_on(dom0, 0);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
	/* Another domain only while it is paused. */
	assert_int_equal(reset(1), -XEN_EINVAL);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_ipi);
	dom1->pause_count = 1;
	assert_int_equal(reset(1), 0);
	assert_int_equal(status_of(1, 1, 0).status, EVTCHNSTAT_closed);
}

/* A virtual interrupt that another domain had been chosen for is dom0's again when that one ends. */
static void test_death_of_virq_handler(void **state)
{
	u32 port, exc;

	assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0, &exc), 0);
	assert_int_equal(evtchn_set_virq_handler(VIRQ_DOM_EXC, 1), 0);
	assert_int_equal(evtchn_set_virq_handler(VIRQ_CON_RING, 2), 0);
	run_on(dom1, 0);
	assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	assert_true(pending(dom1, port));
	assert_false(pending(dom0, exc));
	run_on(dom0, 0);
	dom_kill(dom1);
	evtchn_send_virq_global(VIRQ_DOM_EXC);
	assert_true(pending(dom0, exc));
	/* Others keep theirs. */
	run_on(dom2, 0);
	assert_int_equal(bind_virq(VIRQ_CON_RING, 0, &port), 0);
	run_on(dom0, 0);
	evtchn_send_virq_global(VIRQ_CON_RING);
	assert_true(pending(dom2, port));
	assert_int_equal(evtchn_set_virq_handler(VIRQ_CON_RING, 0), 0);
}

static void test_death_of_peer(void **state)
{
	u32 port0, port1, port;
	struct domain *d = dom1;

	connect(&port0, &port1);
	host.preempt_in = 1;
	dom_kill(d);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
	assert_int_equal(SEND(port0), 0);
	status_of(1, port1, -XEN_ESRCH);
	/* A reference that outlives the channels finds none. */
	house[5] = d;
	status_of(1, port1, -XEN_EINVAL);
	assert_int_equal(alloc_unbound(1, 0, &port), -XEN_EINVAL);
	assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EINVAL);
	d->pause_count = 1;
	assert_int_equal(reset(1), -XEN_EAGAIN);
	house[5] = NULL;
	dom_free(d);
}

static void test_alloc_in_dying(void **state)
{
	u32 port;

	dom1->dying = true;
	assert_int_equal(alloc_unbound(1, 0, &port), -XEN_EINVAL);
	assert_int_equal(evtchn_alloc_unbound(dom2, 0), 1);
}

static void test_poll(void **state)
{
	struct vcpu *v = dom1->vcpus[1];
	u32 port0, port1, ipi;

	connect(&port0, &port1);
	run_on(dom1, 1);
	assert_int_equal(bind_ipi(0, &ipi), 0);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(evtchn_poll_check(dom1, ipi), 0);
	assert_int_equal(evtchn_poll_check(dom1, 100000), -XEN_EINVAL);
	assert_int_equal(evtchn_poll_check(dom1, ipi + 1), 0);

	/* Masked events wake a poller all the same. */
	mask(dom1, port1, true);
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, port1);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 0);
	run_on(dom0, 0);
	assert_int_equal(SEND(port0), 0);
	assert_int_equal(wakes[1][1], 1);
	assert_false(v->polling);
	assert_int_equal(evtchn_poll_check(dom1, port1), 1);

	/* Several ports; beginning twice counts once. */
	run_on(dom1, 1);
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, 0);
	evtchn_poll_begin(v, 0);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 2);
	consume_all(dom1->vcpus[0]);
	assert_int_equal(SEND(ipi), 0);
	assert_int_equal(wakes[1][1], 2);

	/* Closing ends the wait. */
	v->unit.holds = HOLD_BLOCKED;
	evtchn_poll_begin(v, ipi);
	assert_int_equal(CLOSE(ipi), 0);
	assert_int_equal(wakes[1][1], 3);
	evtchn_poll_begin(v, port1);
	evtchn_poll_end(v);
	evtchn_poll_end(v);
	assert_false(v->polling);
	assert_int_equal(dom1->evtchn->pollers, 0);
}

static void test_vcpu_info(void **state)
{
	struct vcpu *v0 = dom1->vcpus[0], *v1 = dom1->vcpus[1];
	struct abi_vcpu_info *info;
	u32 port;

	dom_ram(dom1, 0x100, 2);
	run_on(dom1, 0);
	assert_ptr_equal(v0->info, &dom1->shared_info->vcpu_info[0]);
	v0->info->time.version = 0x1234;
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4096 - 47), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 0xffffffff), -XEN_ENXIO);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x500), 0), -XEN_EINVAL);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x100), 4096 - 48), 0);
	info = (void *)((char *)dom_ptr(dom1, 0x100) + 4096 - 48);
	assert_ptr_equal(v0->info, info);
	assert_int_equal(info->time.version, 0x1234);
	assert_int_equal(info->evtchn_upcall_pending, 1);
	assert_int_equal(info->evtchn_pending_sel, ~0UL);
	assert_int_equal(upcalls(v0), 1);
	assert_true(v0->info->evtchn_upcall_pending);
	assert_int_equal(evtchn_map_vcpu_info(v0, gfn(0x101), 0), -XEN_EINVAL);
	assert_int_equal(dom_frame(dom1, 0x101)->refs, 1);
	assert_int_equal(dom_frame(dom1, 0x100)->refs, 2);

	/* A vcpu that has none yet loses nothing; one that is up is not touched by others. */
	assert_int_equal(bind_ipi(1, &port), 0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(upcalls(v1), 1);
	assert_int_equal(evtchn_map_vcpu_info(v1, gfn(0x101), 64), -XEN_EINVAL);
	v1->unit.holds = HOLD_DOWN;
	assert_int_equal(evtchn_map_vcpu_info(v1, gfn(0x101), 64), 0);
	assert_int_equal(upcalls(v1), 2);
	assert_int_equal(v1->info->evtchn_upcall_pending, 1);

	/* The guest gives the page away: it stays until the vcpu is gone. */
	frame_release_range(&dom1->frames, dom_frame(dom1, 0x100), 1);
	assert_int_equal(p2m_unmap(&dom1->p2m, gfn(0x100), 1), 0);
	info->evtchn_pending_sel = 0;
	info->evtchn_upcall_pending = 0;
	assert_int_equal(bind_ipi(0, &port), 0);
	assert_int_equal(SEND(port), 0);
	assert_int_equal(info->evtchn_upcall_pending, 1);
}

/* Neither read-only pages nor pages of the hypervisor. */
static void test_vcpu_info_pages(void **state)
{
	struct vcpu *v = dom1->vcpus[0];
	mfn_t m;

	run_on(dom1, 0);
	dom_ram(dom1, 0x100, 1);
	m = frame_to_mfn(dom_frame(dom1, 0x100));
	assert_int_equal(p2m_map(&dom1->p2m, gfn(0x100), m, 1, P2M_RAM_RO), 0);
	assert_int_equal(evtchn_map_vcpu_info(v, gfn(0x100), 0), -XEN_EINVAL);
	m = virt_to_mfn(dom1->shared_info);
	assert_int_equal(p2m_map_shared(&dom1->p2m, gfn(0x101), m), 0);
	assert_int_equal(evtchn_map_vcpu_info(v, gfn(0x101), 0), -XEN_EINVAL);
	assert_int_equal(mfn_to_frame(m)->refs, 2); /* the entry has one */
}

static void test_dump(void **state)
{
	u32 port0, port1, port;

	connect(&port0, &port1);
	assert_int_equal(alloc_unbound(DOMID_SELF, 1, &port), 0);
	assert_int_equal(bind_virq(VIRQ_DEBUG, 0, &port), 0);
	for (int i = 0; i < 3; i++)
		evtchn_domain_dump(house[i]);
	/* Three domains, and the channels. */
	assert_int_equal(host.messages, 3 + 4);
	/* Of very many there are only some. */
	for (int i = 0; i < 300; i++)
		assert_int_equal(alloc_unbound(DOMID_SELF, 1, &port), 0);
	host.messages = 0;
	evtchn_domain_dump(dom0);
	assert_in_range(host.messages, 250, 280);
	assert_string_equal(host.message, "  ... and 47 more\n");
	assert_int_equal(this_cpu()->lock_depth, 0);
}

/* Building a domain fails at each allocation in turn; nothing stays behind. */
static void test_creation_fails(void **state)
{
	struct domain *d = calloc(1, sizeof(*d));
	u32 failed = 0;

	d->nr_vcpus = 100;
	d->vcpus = calloc(100, sizeof(*d->vcpus));
	memory_eat();
	for (u64 before; before = house_free_frames(), evtchn_domain_create(d, &no_limits);) {
		assert_null(d->evtchn);
		/* A page of small pieces may be kept, but is whole. */
		assert_true(house_free_frames() + 1 >= before);
		memory_give_page();
		failed++;
	}
	assert_in_range(failed, 3, 8);
	assert_int_equal(evtchn_domain_destroy(d), 0);
	assert_int_equal(evtchn_domain_destroy(d), 0);
	assert_int_equal(evtchn_domain_close(d), 0);
	evtchn_domain_dump(d);
	assert_int_equal(host.messages, 0);
	memory_give_all();
	free(d->vcpus);
	free(d);
}

/* --- several CPUs --- */

static bool stop;

/* dom0 on CPU 1: sends on its port all the time, whatever its peer is doing. */
static void *send_for_ever(void *arg)
{
	u64 args = room + 4096;

	host_set_cpu(1);
	run_on(dom0, 1);
	memcpy(host_guest_ptr(args), arg, 4);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		do_event_channel_op((u64[5]){ EVTCHNOP_send, args });
		do_event_channel_op((u64[5]){ EVTCHNOP_unmask, args });
	}
	return NULL;
}

/* The peer binds, closes, resets and dies under the sender's hands. */
static void test_sender_and_closer(void **state)
{
	u32 port0 = (u32)evtchn_alloc_unbound(dom0, 3), port1, port;
	struct domain *d;
	pthread_t t;

	stop = false;
	assert_int_equal(pthread_create(&t, NULL, send_for_ever, &port0), 0);
	for (int i = 0; i < 300; i++) {
		d = dom_new(3, 0, 2, &no_limits);
		run_on(d, 0);
		for (int k = 0; k < 20; k++) {
			assert_int_equal(bind_interdomain(0, port0, &port1), 0);
			assert_int_equal(bind_vcpu(port1, 1), 0);
			if (k % 2) {
				assert_int_equal(CLOSE(port1), 0);
			} else {
				assert_int_equal(bind_ipi(1, &port), 0);
				assert_int_equal(reset(DOMID_SELF), 0);
			}
		}
		assert_int_equal(bind_interdomain(0, port0, &port1), 0);
		run_on(dom0, 0);
		dom_kill(d);
		dom_free(d);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_int_equal(status_of(0, port0, 0).status, EVTCHNSTAT_unbound);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset),
		TEST(test_death_of_virq_handler),
		TEST(test_death_of_peer),
		TEST(test_alloc_in_dying),
		TEST(test_poll),
		TEST(test_vcpu_info),
		TEST(test_vcpu_info_pages),
		TEST(test_dump),
		TEST(test_creation_fails),
		TEST(test_sender_and_closer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
