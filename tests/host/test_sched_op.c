/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/ipc/sched_op.c hyp/core/hypercall.c hyp/sched/timer.c hyp/lib/minheap.c */
/* sched_op and vcpu_op as a guest calls them, with real timers; the rest of the house is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <abi/sched.h>
#include <arch/host.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/frame.h>
#include <serai/hypercall.h>
#include <serai/runstate.h>
#include <serai/watchdog.h>

#define PORTS	  16
#define BAD_PORT  PORTS
#define OTHER_DOM 5

static struct domain dom, other;
static struct vcpu vcpus[2], *vcpu_table[2], *const v = &vcpus[0];
static bool is_control;
static unsigned int yields, blocks;
static unsigned int puts_expected; /* references given and not yet put */
static struct {
	struct domain *d;
	int reason;
	unsigned int times;
} down; /* domain_shutdown() */
static struct {
	struct cpumask hard;
	unsigned int times;
	int answer;
} affinity;
static struct {
	struct vcpu *v;
	u64 gfn;
	u32 offset;
	int answer;
} info;
static struct {
	struct vcpu *v;
	u64 gva;
	unsigned int times;
} runstate;
static bool pending[PORTS];
static unsigned int checks;
static void (*at_check)(u32 port); /* what a sender does just before a port is looked at */

/* --- what sched_op.c calls --- */

void *mem_alloc(size_t size)
{
	return calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}

bool caller_is_control(void)
{
	return is_control;
}

void sched_yield(void)
{
	yields++;
}

void vcpu_block(void)
{
	/* Unmasked before: an interrupt that is pending must count. */
	assert_int_equal(v->arch.unmasked, blocks + 1);
	blocks++;
}

void sched_hold(struct sched_unit *u, u32 bits)
{
	u->holds |= bits;
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	u->holds &= ~bits;
	return true;
}

int sched_set_affinity(struct sched_unit *u, const struct cpumask *hard, const struct cpumask *soft)
{
	assert_ptr_equal(u, &v->unit);
	assert_null(soft);
	affinity.hard = *hard;
	u->hard = *hard;
	affinity.times++;
	return affinity.answer;
}

void domain_shutdown(struct domain *d, u8 reason)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	down.d = d;
	down.reason = reason;
	down.times++;
}

int domain_get_target(domid_t id, struct domain **out)
{
	if (id != OTHER_DOM && id != dom.id && id != DOMID_SELF)
		return -XEN_ESRCH;
	if (id == OTHER_DOM && !is_control)
		return -XEN_EPERM;
	*out = id == OTHER_DOM ? &other : &dom;
	puts_expected++;
	return 0;
}

void domain_put(struct domain *d)
{
	puts_expected--;
}

int evtchn_poll_check(struct domain *d, u32 port)
{
	checks++;
	/* Senders see a poller that holds already, else their wake-up would be lost. */
	assert_true(v->polling);
	assert_ptr_equal(d, &dom);
	if (at_check)
		at_check(port);
	return port >= PORTS ? -XEN_EINVAL : pending[port];
}

void evtchn_poll_begin(struct vcpu *x, u32 port)
{
	assert_true(x->unit.holds & HOLD_BLOCKED);
	x->polling = true;
	x->poll_port = port;
}

void evtchn_poll_end(struct vcpu *x)
{
	x->polling = false;
}

int evtchn_map_vcpu_info(struct vcpu *x, gfn_t g, u32 offset)
{
	info.v = x;
	info.gfn = g.v;
	info.offset = offset;
	return info.answer;
}

void runstate_set_area(struct vcpu *x, u64 gva)
{
	runstate.v = x;
	runstate.gva = gva;
	runstate.times++;
}

int runstate_set_phys_area(struct vcpu *x, u64 gpa)
{
	runstate.v = x;
	runstate.gva = gpa;
	runstate.times += 100;
	return -XEN_ENXIO;
}

/* --- the guest --- */

static int setup(void **state)
{
	host_init(4);
	host.now = 1000;
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		host_set_cpu(cpu);
		assert_int_equal(timer_cpu_init(cpu), 0);
	}
	host_set_cpu(0);
	memset(vcpus, 0, sizeof(vcpus));
	memset(pending, 0, sizeof(pending));
	memset(&down, 0, sizeof(down));
	memset(&affinity, 0, sizeof(affinity));
	memset(&info, 0, sizeof(info));
	memset(&runstate, 0, sizeof(runstate));
	dom = (struct domain){ .id = 3, .nr_vcpus = 2,
			       .shutdown_code = SHUTDOWN_code_invalid,
			       .vcpus = vcpu_table };
	vcpu_table[0] = &vcpus[0];
	vcpu_table[1] = &vcpus[1];
	lock_init(&dom.lock, RANK_DOMAIN);
	assert_int_equal(sched_op_domain_create(&dom, NULL), 0);
	for (u32 i = 0; i < 2; i++) {
		vcpus[i].domain = &dom;
		vcpus[i].id = i;
		lock_init(&vcpus[i].lock, RANK_VCPU);
		cpumask_set(&vcpus[i].unit.hard, 1);
		cpumask_set(&vcpus[i].unit.hard, 2);
		assert_int_equal(sched_op_vcpu_create(&vcpus[i]), 0);
	}
	yields = blocks = checks = puts_expected = 0;
	at_check = NULL;
	is_control = false;
	host_set_current(v);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	assert_int_equal(puts_expected, 0);
	sched_op_vcpu_destroy(&vcpus[0]);
	sched_op_vcpu_destroy(&vcpus[1]);
	assert_int_equal(sched_op_domain_destroy(&dom), 0);
	assert_false(timer_armed(&v->poll_timer));
	for (int i = 0; i < 2; i++)
		assert_false(timer_armed(&dom.watchdog[i].timer));
	return 0;
}

static long sched_op(u64 cmd, u64 handle)
{
	u64 arg[5] = { cmd, handle };

	return do_sched_op(arg);
}

#define OP(cmd, ...) \
	sched_op(cmd, host_guest_put(&(__VA_ARGS__), sizeof(__VA_ARGS__)))

static void time_passes(nstime_t to)
{
	host.now = to;
	timer_run_expired();
}

/* --- the small ones --- */

static void test_unknown(void **state)
{
	is_control = true;
	assert_int_equal(sched_op(8, HOST_BAD_GVA), -XEN_ENOSYS);
	assert_int_equal(sched_op(0x1000, HOST_BAD_GVA), -XEN_ENOSYS);
	assert_int_equal(sched_op(~0UL, HOST_BAD_GVA), -XEN_ENOSYS);
}

static void test_bad_pointers(void **state)
{
	static const u32 with_argument[] = { SCHEDOP_shutdown, SCHEDOP_poll,
					     SCHEDOP_remote_shutdown, SCHEDOP_shutdown_code,
					     SCHEDOP_watchdog, SCHEDOP_pin_override };

	is_control = true;
	for (size_t i = 0; i < ARRAY_SIZE(with_argument); i++)
		assert_int_equal(sched_op(with_argument[i], HOST_BAD_GVA), -XEN_EFAULT);
	assert_int_equal(down.times + affinity.times, 0);
	assert_int_equal(dom.shutdown_code, SHUTDOWN_code_invalid);
	assert_false(dom.watchdog[0].used);
}

static void test_yield_and_block(void **state)
{
	assert_int_equal(sched_op(SCHEDOP_yield, HOST_BAD_GVA), 0);
	assert_int_equal(yields, 1);
	assert_int_equal(blocks, 0);
	assert_int_equal(sched_op(SCHEDOP_block, HOST_BAD_GVA), 0);
	assert_int_equal(yields, 1);
	assert_int_equal(blocks, 1);
}

static void test_shutdown(void **state)
{
	assert_int_equal(OP(SCHEDOP_shutdown, (struct abi_sched_shutdown){ SHUTDOWN_suspend }), 0);
	assert_ptr_equal(down.d, &dom);
	assert_int_equal(down.reason, SHUTDOWN_suspend);
}

static void test_shutdown_code(void **state)
{
	struct abi_sched_shutdown crash = { SHUTDOWN_crash }, reboot = { SHUTDOWN_reboot };

	assert_int_equal(OP(SCHEDOP_shutdown_code, crash), 0);
	assert_int_equal(dom.shutdown_code, SHUTDOWN_crash);
	assert_int_equal(OP(SCHEDOP_shutdown_code, reboot), 0); /* the first one stays */
	assert_int_equal(dom.shutdown_code, SHUTDOWN_crash);
	assert_int_equal(down.times, 0);
	dom.shutdown_code = SHUTDOWN_code_invalid;
	dom.shut_down = true;
	assert_int_equal(OP(SCHEDOP_shutdown_code, reboot), 0);
	assert_int_equal(dom.shutdown_code, SHUTDOWN_code_invalid);
}

static void test_remote_shutdown(void **state)
{
	struct abi_sched_remote_shutdown s = { .domain_id = OTHER_DOM, .reason = SHUTDOWN_crash };

	assert_int_equal(OP(SCHEDOP_remote_shutdown, s), -XEN_EPERM);
	s.domain_id = 77;
	assert_int_equal(OP(SCHEDOP_remote_shutdown, s), -XEN_ESRCH);
	is_control = true;
	assert_int_equal(OP(SCHEDOP_remote_shutdown, s), -XEN_ESRCH);
	s.domain_id = DOMID_INVALID;
	assert_int_equal(OP(SCHEDOP_remote_shutdown, s), -XEN_ESRCH);
	assert_int_equal(down.times, 0);
	s.domain_id = OTHER_DOM;
	assert_int_equal(OP(SCHEDOP_remote_shutdown, s), 0);
	assert_ptr_equal(down.d, &other);
	assert_int_equal(down.reason, SHUTDOWN_crash);
	assert_int_equal(down.times, 1);
}

/* --- polling --- */

static long poll_for(u64 timeout, u32 nr, const u32 *ports)
{
	struct abi_sched_poll p = { .nr_ports = nr, .timeout = timeout };

	p.ports = ports ? host_guest_put(ports, nr * sizeof(*ports)) : HOST_BAD_GVA;
	return OP(SCHEDOP_poll, p);
}

static bool waiting(void)
{
	assert_int_equal(v->polling, !!(v->unit.holds & HOLD_BLOCKED));
	return v->polling;
}

static void test_poll_refuses(void **state)
{
	u32 ports[ABI_POLL_PORTS_MAX + 1] = { 1, 2, BAD_PORT };
	struct abi_sched_poll p = { .ports = HOST_BAD_GVA, .nr_ports = 1 };

	assert_int_equal(poll_for(0, ABI_POLL_PORTS_MAX + 1, ports), -XEN_EINVAL);
	assert_int_equal(poll_for(0, ~0U, NULL), -XEN_EINVAL);
	assert_int_equal(checks, 0);
	assert_int_equal(OP(SCHEDOP_poll, p), -XEN_EFAULT);
	p.nr_ports = 3;
	assert_int_equal(OP(SCHEDOP_poll, p), -XEN_EFAULT);
	assert_false(waiting());
	assert_int_equal(poll_for(5000, 3, ports), -XEN_EINVAL);
	assert_int_equal(poll_for(5000, 1, &ports[2]), -XEN_EINVAL);
	assert_false(waiting());
	assert_false(timer_armed(&v->poll_timer));
}

/* The list becomes unreadable while it is read: nothing is left behind. */
static void test_poll_faults_half_way(void **state)
{
	u32 ports[] = { 1, 2, 3 };

	for (long n = 2; n <= 4; n++) {
		host.fail_copy_in = n;
		assert_int_equal(poll_for(5000, 3, ports), -XEN_EFAULT);
		assert_false(waiting());
		assert_false(timer_armed(&v->poll_timer));
	}
	host.fail_copy_in = 2;
	assert_int_equal(poll_for(5000, 1, ports), -XEN_EFAULT);
	host.fail_copy_in = 3;
	assert_int_equal(poll_for(5000, 1, ports), -XEN_EFAULT);
	assert_false(waiting());
}

static void test_poll_finds_something_pending(void **state)
{
	u32 ports[] = { 1, 2, 3 };

	pending[2] = true;
	assert_int_equal(poll_for(5000, 3, ports), 0);
	assert_false(waiting());
	assert_int_equal(checks, 2);
	pending[2] = false;
	v->arch.irq_pending = true;
	assert_int_equal(poll_for(5000, 3, ports), 0);
	assert_false(waiting());
	assert_false(timer_armed(&v->poll_timer));
}

static void test_poll_waits(void **state)
{
	u32 ports[ABI_POLL_PORTS_MAX] = { 1, 2, 3 };

	assert_int_equal(poll_for(0, 3, ports), 0);
	assert_true(waiting());
	assert_int_equal(v->poll_port, 0);
	assert_false(timer_armed(&v->poll_timer));
	setup(NULL);
	assert_int_equal(poll_for(0, 1, &ports[2]), 0);
	assert_true(waiting());
	assert_int_equal(v->poll_port, 3);
	setup(NULL);
	assert_int_equal(poll_for(0, 0, NULL), 0);
	assert_true(waiting());
	setup(NULL);
	assert_int_equal(poll_for(0, ABI_POLL_PORTS_MAX, ports), 0);
	assert_true(waiting());
	assert_int_equal(checks, ABI_POLL_PORTS_MAX);
}

static void test_poll_timeout(void **state)
{
	u32 port = 1;

	assert_int_equal(poll_for(5000, 1, &port), 0);
	assert_true(waiting());
	time_passes(4999);
	assert_true(waiting());
	time_passes(5000);
	assert_false(waiting());
	/* One in the past ends at the next exit. */
	assert_int_equal(poll_for(1, 1, &port), 0);
	assert_true(waiting());
	time_passes(5001);
	assert_false(waiting());
	/* The end of time is not in the past. */
	assert_int_equal(poll_for(~0UL, 1, &port), 0);
	time_passes(INT64_MAX / 2);
	assert_true(waiting());
}

/* What the last poll left armed does not end this one. */
static void test_poll_forgets_the_last_timeout(void **state)
{
	u32 port = 1;

	assert_int_equal(poll_for(5000, 1, &port), 0);
	evtchn_poll_end(v); /* an event came */
	vcpu_wake(v);
	assert_int_equal(poll_for(0, 1, &port), 0);
	time_passes(6000);
	assert_true(waiting());
}

static void send(u32 port)
{
	pending[port] = true;
	if (!v->polling)
		return;
	evtchn_poll_end(v);
	vcpu_wake(v);
}

static void send_to_2_at_3(u32 port)
{
	if (port == 3)
		send(2);
}

static void send_at_once(u32 port)
{
	send(port);
}

static void test_poll_while_events_come(void **state)
{
	u32 ports[] = { 1, 2, 3 };

	at_check = send_to_2_at_3; /* looked at already */
	assert_int_equal(poll_for(0, 3, ports), 0);
	assert_false(v->unit.holds & HOLD_BLOCKED);
	pending[2] = false;
	at_check = send_at_once;
	assert_int_equal(poll_for(5000, 3, ports), 0);
	assert_false(waiting());
	assert_false(timer_armed(&v->poll_timer));
}

/* --- watchdogs --- */

static long watchdog(u32 id, u32 timeout)
{
	return OP(SCHEDOP_watchdog, (struct abi_sched_watchdog){ id, timeout });
}

static void test_watchdog_numbers(void **state)
{
	assert_int_equal(watchdog(3, 10), -XEN_EINVAL);
	assert_int_equal(watchdog(~0U, 10), -XEN_EINVAL);
	assert_int_equal(watchdog(1, 10), -XEN_EINVAL); /* not in use */
	assert_int_equal(watchdog(2, 0), -XEN_EINVAL);
	assert_int_equal(watchdog(0, 10), 1);
	assert_int_equal(watchdog(2, 10), -XEN_EINVAL);
	assert_int_equal(watchdog(0, 10), 2);
	assert_int_equal(watchdog(0, 10), -XEN_ENOSPC);
	assert_int_equal(watchdog(1, 0), 0);
	assert_int_equal(watchdog(1, 0), -XEN_EINVAL);
	assert_int_equal(watchdog(0, 10), 1);
	time_passes(9 * NS_PER_S);
	assert_int_equal(down.times, 0);
}

static void test_watchdog_barks(void **state)
{
	assert_int_equal(watchdog(0, 10), 1);
	time_passes(5 * NS_PER_S);
	assert_int_equal(watchdog(1, 10), 0); /* still alive */
	time_passes(15 * NS_PER_S - 1);
	assert_int_equal(down.times, 0);
	time_passes(15 * NS_PER_S);
	assert_int_equal(down.times, 1);
	assert_ptr_equal(down.d, &dom);
	assert_int_equal(down.reason, SHUTDOWN_watchdog);
}

static void test_watchdog_is_put_away(void **state)
{
	assert_int_equal(watchdog(0, 10), 1);
	assert_int_equal(watchdog(0, 20), 2);
	assert_int_equal(watchdog(1, 0), 0);
	time_passes(15 * NS_PER_S);
	assert_int_equal(down.times, 0);
	time_passes(20 * NS_PER_S + 1000);
	assert_int_equal(down.times, 1);
}

static void test_watchdog_of_no_time_barks_at_once(void **state)
{
	assert_int_equal(watchdog(0, 0), 1);
	time_passes(host.now);
	assert_int_equal(down.times, 1);
}

static void test_watchdog_of_all_time(void **state)
{
	host.now = INT64_MAX / 2;
	assert_int_equal(watchdog(0, ~0U), 1);
	timer_run_expired();
	assert_int_equal(down.times, 0);
}

/* --- pinning --- */

static long pin(s32 pcpu)
{
	return OP(SCHEDOP_pin_override, (struct abi_sched_pin_override){ pcpu });
}

static void test_pinning_needs_control(void **state)
{
	assert_int_equal(pin(1), -XEN_EPERM);
	assert_int_equal(pin(-1), -XEN_EPERM);
	assert_int_equal(affinity.times, 0);
}

static void test_pinning(void **state)
{
	static const s32 bad[] = { 4, NR_CPUS - 1, NR_CPUS, INT32_MAX };

	is_control = true;
	assert_int_equal(pin(-1), -XEN_EINVAL); /* is not pinned */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(pin(bad[i]), -XEN_EINVAL);
	assert_int_equal(affinity.times, 0);
	assert_int_equal(pin(0), 0);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		assert_int_equal(cpumask_test(&affinity.hard, cpu), cpu == 0);
	assert_int_equal(pin(-7), 0);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		assert_int_equal(cpumask_test(&affinity.hard, cpu), cpu == 1 || cpu == 2);
	assert_int_equal(pin(-1), -XEN_EINVAL);
	assert_int_equal(affinity.times, 2);
}

/* --- vcpu_op --- */

static long vcpu_op(u64 cmd, u64 id, u64 handle)
{
	u64 arg[5] = { cmd, id, handle };

	return do_vcpu_op(arg);
}

static void test_vcpu_op_unknown(void **state)
{
	for (u64 cmd = 0; cmd < 20; cmd++) {
		if (cmd == VCPUOP_register_vcpu_info ||
		    cmd == VCPUOP_register_runstate_memory_area ||
		    cmd == VCPUOP_register_runstate_phys_area)
			continue;
		assert_int_equal(vcpu_op(cmd, 0, HOST_BAD_GVA), -XEN_EINVAL);
		assert_int_equal(vcpu_op(cmd, 1, HOST_BAD_GVA), -XEN_EINVAL);
		assert_int_equal(vcpu_op(cmd, 2, HOST_BAD_GVA), -XEN_ENOENT);
	}
	assert_int_equal(vcpu_op(~0UL, 0, HOST_BAD_GVA), -XEN_EINVAL);
}

static void test_vcpu_op_without_such_a_vcpu(void **state)
{
	static const u64 bad[] = { 2, 99, ~0U, 1UL << 32, ~0UL };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, bad[i], HOST_BAD_GVA),
				 -XEN_ENOENT);
	dom.vcpus[1] = NULL;
	assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 1, HOST_BAD_GVA), -XEN_ENOENT);
}

static void test_register_vcpu_info(void **state)
{
	struct abi_vcpu_register_vcpu_info r = { .mfn = 0x1234, .offset = 0x40 };
	u64 gva = host_guest_put(&r, sizeof(r));

	assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 0, HOST_BAD_GVA), -XEN_EFAULT);
	assert_null(info.v);
	assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 1, gva), 0);
	assert_ptr_equal(info.v, &vcpus[1]);
	assert_int_equal(info.gfn, 0x1234);
	assert_int_equal(info.offset, 0x40);
	info.answer = -XEN_ENXIO;
	assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 0, gva), -XEN_ENXIO);
	assert_ptr_equal(info.v, v);
}

static void test_register_runstate(void **state)
{
	struct abi_vcpu_register_runstate r = { .addr = 0xffff800012345678 };
	u64 gva = host_guest_put(&r, sizeof(r));

	assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 0, HOST_BAD_GVA),
			 -XEN_EFAULT);
	assert_int_equal(runstate.times, 0);
	assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 0, gva), 0);
	assert_ptr_equal(runstate.v, v);
	assert_int_equal(runstate.gva, r.addr);
	assert_int_equal(vcpu_op(VCPUOP_register_runstate_phys_area, 1, HOST_BAD_GVA), -XEN_EFAULT);
	assert_int_equal(runstate.times, 1);
	assert_int_equal(vcpu_op(VCPUOP_register_runstate_phys_area, 1, gva), -XEN_ENXIO);
	assert_int_equal(runstate.times, 101);
	assert_ptr_equal(runstate.v, &vcpus[1]);
}

/* --- life cycle --- */

static void test_nothing_made_nothing_destroyed(void **state)
{
	static struct domain d;
	static struct vcpu x;

	sched_op_vcpu_destroy(&x);
	assert_int_equal(sched_op_domain_destroy(&d), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown),
		TEST(test_bad_pointers),
		TEST(test_yield_and_block),
		TEST(test_shutdown),
		TEST(test_shutdown_code),
		TEST(test_remote_shutdown),
		TEST(test_poll_refuses),
		TEST(test_poll_faults_half_way),
		TEST(test_poll_finds_something_pending),
		TEST(test_poll_waits),
		TEST(test_poll_timeout),
		TEST(test_poll_forgets_the_last_timeout),
		TEST(test_poll_while_events_come),
		TEST(test_watchdog_numbers),
		TEST(test_watchdog_barks),
		TEST(test_watchdog_is_put_away),
		TEST(test_watchdog_of_no_time_barks_at_once),
		TEST(test_watchdog_of_all_time),
		TEST(test_pinning_needs_control),
		TEST(test_pinning),
		TEST(test_vcpu_op_unknown),
		TEST(test_vcpu_op_without_such_a_vcpu),
		TEST(test_register_vcpu_info),
		TEST(test_register_runstate),
		TEST(test_nothing_made_nothing_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
