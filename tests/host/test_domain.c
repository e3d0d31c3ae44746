/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/domain.c */
/*
 * Domains with units that only keep a log of what was called: "a+" domain_create of unit a, "a1+"
 * vcpu_create of vcpu 1, "-" the same for destroy, "a~" domain_close.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#define sched_yield libc_sched_yield /* two different functions */
#include <pthread.h>
#undef sched_yield
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "first_domain.h"
#include "messages.h"
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/hypercall.h>
#include <serai/unit.h>

#define VCPUS 3
#define ROUNDS 20000

static char calls[2048];
static size_t calls_len;
static bool quiet; /* no log: several threads */
static long fail_alloc_in, fail_hook_in, restart_in; /* the n-th from now, once; 0: never */
static long live; /* allocations */
static struct frame_owner *zombie; /* its frames are still in use: empty() is yet to be called */
static bool frames_busy;
static unsigned int holds, releases, told, dumps;
static pthread_t *pauser; /* to be started when the first vcpu goes */
static bool slow_hold, in_hold;
static int powered = -1; /* what hardware_shutdown() was told */

/* --- what domain.c calls --- */

void *mem_alloc(size_t size)
{
	if (fail_alloc_in && --fail_alloc_in == 0)
		return NULL;
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	return calloc(1, size);
}

void mem_free(void *p)
{
	if (p)
		__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	free(p);
}

nstime_t time_now(void)
{
	return host.now;
}

void frame_owner_init(struct frame_owner *o, u32 max)
{
	*o = (struct frame_owner){ .max = max, .first = FRAME_NONE };
	lock_init(&o->lock, RANK_OWNER);
}

void frame_owner_unregister(struct frame_owner *o)
{
	o->slot = 0;
}

void frame_owner_die(struct frame_owner *o)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	lock_take(&o->lock);
	lock_drop(&o->lock);
	if (frames_busy)
		zombie = o;
	else
		o->empty(o);
}

void sched_hold(struct sched_unit *u, u32 bits)
{
	holds++;
	if (slow_hold) {
		__atomic_store_n(&in_hold, true, __ATOMIC_RELEASE);
		usleep(20000);
	}
	u->holds |= bits;
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	releases++;
	u->holds &= ~bits;
	return true;
}

bool sched_is_running(const struct sched_unit *u)
{
	return u->running;
}

/* --- the units --- */

static void *pause_slowly(void *d);

static void note(char unit, const struct vcpu *v, char what)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	if (quiet)
		return;
	if (v)
		calls_len += (size_t)sprintf(calls + calls_len, "%c%u%c ", unit, v->id, what);
	else
		calls_len += (size_t)sprintf(calls + calls_len, "%c%c ", unit, what);
}

/* Starts the pauser and waits until it is at work. */
static void meanwhile(struct domain *d)
{
	pthread_t *t = pauser;

	pauser = NULL;
	if (!t)
		return;
	assert_int_equal(pthread_create(t, NULL, pause_slowly, d), 0);
	while (!__atomic_load_n(&in_hold, __ATOMIC_ACQUIRE))
		;
}

static int made(char unit, const struct vcpu *v)
{
	note(unit, v, '+');
	return fail_hook_in && --fail_hook_in == 0 ? -XEN_ENXIO : 0;
}

static int gone(char unit, char what)
{
	note(unit, NULL, what);
	return restart_in && --restart_in == 0 ? -XEN_ERESTART : 0;
}

#define DOMAIN_HOOKS(x)                                                             \
	static int x##_create(struct domain *d, const struct domain_config *cfg)    \
	{                                                                           \
		assert_null(d->vcpus[0]);                                           \
		return made(*#x, NULL);                                             \
	}                                                                           \
	static int x##_close(struct domain *d) { return gone(*#x, '~'); }           \
	static int x##_destroy(struct domain *d) { return gone(*#x, '-'); }
#define VCPU_HOOKS(x)                                                               \
	static int x##_vcpu_create(struct vcpu *v) { return made(*#x, v); }         \
	static void x##_vcpu_destroy(struct vcpu *v)                                \
	{                                                                           \
		/* Whose creation failed is known to nobody. */                     \
		assert_true(!v->domain->vcpus[v->id] || v->domain->vcpus[v->id] == v); \
		meanwhile(v->domain);                                               \
		note(*#x, v, '-');                                                  \
	}
DOMAIN_HOOKS(a)
VCPU_HOOKS(b)
DOMAIN_HOOKS(c)
VCPU_HOOKS(c)

static void unit_dump(struct domain *d)
{
	dumps++;
}

/* One that has only domain hooks, one that has only vcpu hooks, one without any, and a full one. */
const struct unit units[] = {
	{ .name = "a", .domain_create = a_create, .domain_destroy = a_destroy,
	  .domain_close = a_close },
	{ .name = "b", .vcpu_create = b_vcpu_create, .vcpu_destroy = b_vcpu_destroy },
	{ .name = "none" },
	{ .name = "c", .domain_create = c_create, .domain_destroy = c_destroy,
	  .domain_close = c_close, .vcpu_create = c_vcpu_create,
	  .vcpu_destroy = c_vcpu_destroy, .dump = unit_dump },
};
const unsigned int units_count = ARRAY_SIZE(units);

#define CREATED	  "a+ c+ b0+ c0+ b1+ c1+ b2+ c2+ "
#define DESTROYED "c2- b2- c1- b1- c0- b0- "
#define CLOSED	  "c~ a~ "
#define UNDONE	  "c- a- "

/* --- helpers --- */

static void hardware_shutdown(u8 reason)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	powered = reason;
}

static void tell_control(struct domain *d)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	assert_true(d->shut_down);
	told++;
}

static void calls_clear(void)
{
	calls_len = 0;
	calls[0] = 0;
}

static int create(domid_t id, u32 flags, struct domain **d)
{
	struct domain_config cfg = { .id = id, .flags = flags, .nr_vcpus = VCPUS,
				     .max_frames = 1000, .max_evtchn_port = 77,
				     .max_grant_frames = 5, .max_maptrack_frames = 6,
				     .name = "a name too long for it" };

	cpumask_set(&cfg.affinity, 3);
	*d = NULL;
	return domain_create(&cfg, d);
}

static struct domain *created(domid_t id, u32 flags)
{
	struct domain *d;

	assert_int_equal(create(id, flags, &d), 0);
	calls_clear();
	return d;
}

static int setup(void **state)
{
	host_init(4);
	calls_clear();
	messages_clear();
	fail_alloc_in = fail_hook_in = restart_in = 0;
	frames_busy = slow_hold = in_hold = false;
	zombie = NULL;
	pauser = NULL;
	holds = releases = told = dumps = 0;
	powered = -1;
	domain_actions.hardware_shutdown = hardware_shutdown;
	domain_actions.tell_control = tell_control;
	return 0;
}

static int teardown(void **state)
{
	struct domain *d;

	while ((d = first_domain()))
		while (domain_kill(d) == -XEN_ERESTART)
			;
	assert_int_equal(live, 0);
	assert_int_equal(this_cpu()->lock_depth, 0);
	return 0;
}

/* --- creation --- */

static void test_creation_runs_hooks_forward(void **state)
{
	struct domain *d;

	host.now = 4711;
	assert_int_equal(create(9, DOMAIN_DIRECT_MAP, &d), 0);
	assert_string_equal(calls, CREATED);
	assert_int_equal(d->id, 9);
	assert_int_equal(d->flags, DOMAIN_DIRECT_MAP);
	assert_int_equal(d->refs, 1);
	assert_int_equal(d->nr_vcpus, VCPUS);
	assert_int_equal(d->shutdown_code, SHUTDOWN_code_invalid);
	assert_int_equal(d->max_evtchn_port, 77);
	assert_int_equal(d->max_grant_frames, 5);
	assert_int_equal(d->max_maptrack_frames, 6);
	assert_string_equal(d->name, "a name too long");
	assert_false(d->dying || d->shut_down || d->crashed || d->pause_count);
	for (u32 i = 0; i < VCPUS; i++) {
		struct vcpu *v = domain_vcpu(d, i);

		assert_ptr_equal(v->domain, d);
		assert_int_equal(v->id, i);
		assert_int_equal(v->runstate.state, RUNSTATE_offline);
		assert_int_equal(v->runstate.state_entry_time, 4711);
		assert_true(cpumask_test(&v->unit.hard, 3));
		assert_false(cpumask_test(&v->unit.hard, 0));
	}
	assert_null(domain_vcpu(d, VCPUS));
	assert_ptr_equal(first_domain(), d);
}

/* What must have been called when the n-th hook of CREATED refused. */
static void expect_undo(unsigned int n, char *s)
{
	const char *all = CREATED;
	unsigned int vcpus = n <= 2 ? 0 : (n - 3) / 2; /* complete ones */

	for (unsigned int i = 0; i < n; i++) {
		size_t len = strcspn(all, " ") + 1;

		s = strncpy(s, all, len) + len;
		all += len;
	}
	if (n > 2)
		s += sprintf(s, "c%u- b%u- ", vcpus, vcpus);
	s += sprintf(s, CLOSED);
	while (vcpus-- > 0)
		s += sprintf(s, "c%u- b%u- ", vcpus, vcpus);
	sprintf(s, UNDONE);
}

static void test_each_hook_refuses(void **state)
{
	for (unsigned int n = 1; n <= 8; n++) {
		char expected[256] = "";
		struct domain *d;

		calls_clear();
		messages_clear();
		fail_hook_in = n;
		expect_undo(n, expected);
		assert_int_equal(create(1, 0, &d), -XEN_ENXIO);
		assert_string_equal(calls, expected);
		assert_said(n <= 2 ? "domain 1: " : "d1v");
		assert_said("cannot be created (-6)");
		assert_null(first_domain());
		assert_null(d);
		assert_int_equal(live, 0);
	}
	fail_hook_in = 9;
	created(1, 0);
	fail_hook_in = 0;
}

static void test_each_allocation_fails(void **state)
{
	struct domain *d;
	long n = 0;
	int rc;

	do {
		fail_alloc_in = ++n;
		rc = create(1, 0, &d);
		assert_true(rc == 0 || rc == -XEN_ENOMEM);
		if (rc) {
			assert_int_equal(live, 0);
			assert_null(first_domain());
		}
	} while (rc);
	assert_int_equal(n, 2 + VCPUS + 1);
	fail_alloc_in = 0;
}

static void test_undo_is_not_preempted(void **state)
{
	for (long n = 1; n <= 4; n++) {
		struct domain *d;

		fail_hook_in = 8;
		restart_in = n;
		assert_int_equal(create(1, 0, &d), -XEN_ENXIO);
		assert_int_equal(restart_in, 0);
		assert_int_equal(live, 0);
	}
}

/* --- look-up and references --- */

static void test_lookup(void **state)
{
	static const domid_t order[] = { 5, 1, 9, 3, 0 };
	struct domain *d[10] = { NULL }, *p;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		d[order[i]] = created(order[i], 0);
	p = first_domain();
	for (domid_t id = 0; id < 10; id++) {
		assert_ptr_equal(domain_get(id), d[id]);
		if (!d[id])
			continue;
		assert_ptr_equal(p, d[id]);
		p = p->next;
		assert_int_equal(d[id]->refs, 2);
		domain_put(d[id]);
		assert_int_equal(d[id]->refs, 1);
	}
	assert_null(p);
	assert_null(domain_get(DOMID_SELF)); /* nobody is running */
	host_set_current(d[3]->vcpus[1]);
	assert_ptr_equal(domain_get(DOMID_SELF), d[3]);
	domain_put(d[3]);
	host_set_current(NULL);
	assert_null(domain_get(DOMID_INVALID));
}

static void test_next_domain(void **state)
{
	struct domain *d2 = created(2, 0), *d7 = created(7, 0);

	assert_ptr_equal(domain_get_next(0), d2);
	assert_ptr_equal(domain_get_next(2), d2);
	assert_ptr_equal(domain_get_next(3), d7);
	assert_null(domain_get_next(8));
	assert_null(domain_get_next(0x10002)); /* not cut to 16 bits */
	assert_int_equal(d2->refs, 3);
	assert_int_equal(d7->refs, 2);
	domain_put(d2);
	domain_put(d2);
	domain_put(d7);
}

static void test_domain_without_references_is_not_found(void **state)
{
	struct domain *d2 = created(2, 0), *d7 = created(7, 0);

	d2->refs = 0; /* somebody is between its last reference and the list */
	assert_null(domain_get(2));
	assert_ptr_equal(domain_get_next(0), d7);
	assert_int_equal(d2->refs, 0);
	domain_put(d7);
	d2->refs = 1;
}

static void test_target(void **state)
{
	struct domain *control = created(0, DOMAIN_CONTROL), *guest = created(4, 0), *d;

	host_set_current(guest->vcpus[0]);
	assert_int_equal(domain_get_target(DOMID_SELF, &d), 0);
	assert_ptr_equal(d, guest);
	assert_int_equal(domain_get_target(4, &d), 0);
	assert_int_equal(guest->refs, 3);
	domain_put(d);
	domain_put(d);
	assert_int_equal(domain_get_target(0, &d), -XEN_EPERM);
	assert_int_equal(control->refs, 1);
	assert_int_equal(domain_get_target(8, &d), -XEN_ESRCH);
	assert_false(caller_is_control());
	host_set_current(control->vcpus[0]);
	assert_int_equal(domain_get_target(4, &d), 0);
	assert_ptr_equal(d, guest);
	domain_put(d);
	assert_int_equal(guest->refs, 1);
	assert_int_equal(domain_get_target(8, &d), -XEN_ESRCH);
	assert_true(caller_is_control());
	host_set_current(NULL);
}

static void test_references_outlive_the_kill(void **state)
{
	struct domain *d = created(4, 0);
	long before = live;

	assert_ptr_equal(domain_get(4), d);
	assert_int_equal(domain_kill(d), 0);
	assert_int_equal(d->refs, 1);
	/* The vcpus are out of reach, their memory stays for whoever found them before. */
	assert_int_equal(live, before);
	assert_null(domain_vcpu(d, 0));
	assert_ptr_equal(domain_get(4), d); /* a dead one, until nobody refers to it */
	domain_put(d);
	domain_put(d);
	assert_null(first_domain());
	assert_int_equal(live, 0);
}

static void test_frames_in_use_keep_the_domain(void **state)
{
	struct domain *d = created(4, 0), *other;

	d->frames.slot = 3;
	frames_busy = true;
	assert_int_equal(domain_kill(d), 0);
	assert_ptr_equal(zombie, &d->frames);
	assert_int_equal(d->refs, 1);
	/* Killed once is enough, and its number is not free yet. */
	assert_int_equal(domain_kill(d), 0);
	assert_int_equal(d->refs, 1);
	frames_busy = false;
	assert_int_equal(create(4, 0, &other), -XEN_EEXIST);
	assert_ptr_equal(first_domain(), d);
	frames_busy = true;
	zombie = &d->frames;
	zombie->empty(zombie);
	assert_null(first_domain());
}

static void *get_and_put(void *arg)
{
	struct domain *d;

	host_set_cpu(1);
	while (!__atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE)) {
		d = domain_get(7);
		if (d) {
			assert_int_equal(d->id, 7);
			domain_put(d);
		}
		d = domain_get_next(0);
		if (d)
			domain_put(d);
	}
	return NULL;
}

static void test_lookup_races_with_the_last_put(void **state)
{
	bool stop = false;
	pthread_t t;

	quiet = true;
	assert_int_equal(pthread_create(&t, NULL, get_and_put, &stop), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct domain *d;
		int rc;

		/* While the other thread still holds the last one its number is taken. */
		while ((rc = create(7, 0, &d)) == -XEN_EEXIST)
			;
		assert_int_equal(rc, 0);
		assert_int_equal(domain_kill(d), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	quiet = false;
	assert_null(first_domain());
}

/* --- pausing, shutting down --- */

static u32 held(const struct domain *d)
{
	u32 all = ~0U;

	for (u32 i = 0; i < d->nr_vcpus; i++)
		all &= d->vcpus[i]->unit.holds;
	return all;
}

static void test_pauses_are_counted(void **state)
{
	struct domain *d = created(1, 0);

	domain_unpause(d);
	assert_int_equal(d->pause_count, 0);
	assert_int_equal(releases, 0);
	domain_pause(d);
	domain_pause(d);
	assert_int_equal(held(d), HOLD_DOMAIN);
	assert_int_equal(holds, VCPUS);
	domain_unpause(d);
	assert_int_equal(held(d), HOLD_DOMAIN);
	domain_unpause(d);
	assert_int_equal(held(d), 0);
	assert_int_equal(releases, VCPUS);
	domain_unpause(d);
	domain_pause(d);
	assert_int_equal(held(d), HOLD_DOMAIN);
	domain_unpause(d);
}

static void test_shutdown_happens_once(void **state)
{
	struct domain *d = created(1, 0);

	domain_shutdown(d, SHUTDOWN_reboot);
	assert_true(d->shut_down);
	assert_false(d->crashed);
	assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
	assert_int_equal(held(d), HOLD_SHUTDOWN);
	assert_int_equal(told, 1);
	domain_shutdown(d, SHUTDOWN_crash);
	assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
	assert_int_equal(told, 1);
	assert_int_equal(holds, VCPUS);
	assert_int_equal(powered, -1);
}

static void test_shutdown_of_the_hardware_domain(void **state)
{
	struct domain *d = created(0, DOMAIN_HARDWARE);

	domain_shutdown(d, SHUTDOWN_poweroff);
	assert_int_equal(powered, SHUTDOWN_poweroff);
	assert_int_equal(told, 0);
	powered = -1;
	domain_shutdown(d, SHUTDOWN_reboot);
	assert_int_equal(powered, -1);
}

/* SCHEDOP_shutdown_code named it before. */
static void test_shutdown_keeps_the_code_named_before(void **state)
{
	struct domain *d = created(1, 0), *hw = created(0, DOMAIN_HARDWARE);

	d->shutdown_code = SHUTDOWN_suspend;
	domain_shutdown(d, SHUTDOWN_poweroff);
	assert_int_equal(d->shutdown_code, SHUTDOWN_suspend);
	hw->shutdown_code = SHUTDOWN_reboot;
	domain_shutdown(hw, SHUTDOWN_poweroff);
	assert_int_equal(hw->shutdown_code, SHUTDOWN_reboot);
	assert_int_equal(powered, SHUTDOWN_reboot);
}

static void test_crash(void **state)
{
	struct domain *d = created(1, 0), *other = created(2, 0);

	host_set_current(other->vcpus[0]);
	domain_crash(d, "somebody else's fault");
	assert_int_equal(host.dumps, 0);
	assert_said("d1 crashes: somebody else's fault");
	assert_true(d->crashed && d->shut_down);
	assert_int_equal(d->shutdown_code, SHUTDOWN_crash);
	domain_crash(other, "its own fault");
	assert_int_equal(host.dumps, 1);
	assert_int_equal(told, 2);
	messages_clear();
	domain_crash(other, "again");
	assert_silent();
	assert_int_equal(told, 2);
	host_set_current(NULL);
}

static void test_crash_after_shutdown_is_nothing(void **state)
{
	struct domain *d = created(1, 0);

	domain_shutdown(d, SHUTDOWN_suspend);
	domain_crash(d, "too late");
	assert_false(d->crashed);
	assert_silent();
}

/* --- killing --- */

static void test_kill_waits_for_running_vcpus(void **state)
{
	struct domain *d = created(1, 0);

	for (u32 i = 0; i < VCPUS; i++) {
		d->vcpus[i]->unit.running = true;
		assert_int_equal(domain_kill(d), -XEN_ERESTART);
		assert_true(d->dying);
		assert_int_equal(held(d), HOLD_DYING);
		assert_string_equal(calls, "");
		d->vcpus[i]->unit.running = false;
	}
	assert_int_equal(holds, VCPUS); /* held once, however often it is called */
	assert_int_equal(domain_kill(d), 0);
	assert_string_equal(calls, CLOSED DESTROYED UNDONE);
	assert_null(first_domain());
	assert_int_equal(live, 0);
}

static void test_kill_is_preempted_anywhere(void **state)
{
	static const char *const expected[] = {
		"c~ " CLOSED DESTROYED UNDONE,
		CLOSED CLOSED DESTROYED UNDONE,
		CLOSED DESTROYED "c- " CLOSED UNDONE,
		CLOSED DESTROYED UNDONE CLOSED UNDONE,
	};

	for (size_t n = 0; n < ARRAY_SIZE(expected); n++) {
		struct domain *d = created(1, 0);

		restart_in = (long)n + 1;
		assert_int_equal(domain_kill(d), -XEN_ERESTART);
		assert_ptr_equal(first_domain(), d);
		assert_int_equal(domain_kill(d), 0);
		assert_string_equal(calls, expected[n]);
		assert_int_equal(live, 0);
	}
}

static void test_holes_are_skipped(void **state)
{
	struct domain *d = created(1, 0);

	assert_ptr_equal(domain_get(1), d);
	assert_int_equal(domain_kill(d), 0);
	holds = releases = 0;
	domain_pause(d);
	domain_unpause(d);
	domain_shutdown(d, SHUTDOWN_crash);
	domain_dump_all();
	assert_int_equal(holds + releases, 0);
	domain_put(d);
}

static void *pause_slowly(void *arg)
{
	host_set_cpu(1);
	slow_hold = true;
	domain_pause(arg);
	return NULL;
}

/* Another CPU holds the vcpus, under the domain's lock, at the moment when they go. */
static void test_vcpus_go_while_they_are_held(void **state)
{
	struct domain *d = created(1, 0);
	pthread_t t;

	assert_ptr_equal(domain_get(1), d);
	pauser = &t;
	assert_int_equal(domain_kill(d), 0);
	assert_null(pauser);
	pthread_join(t, NULL);
	assert_string_equal(calls, CLOSED DESTROYED UNDONE);
	domain_put(d);
}

static void test_dump(void **state)
{
	struct domain *d1 = created(1, 0), *d2 = created(2, 0);
	struct abi_vcpu_info info = { .evtchn_upcall_pending = 1 };

	d1->pause_count = 3;
	d1->vcpus[1]->unit = (struct sched_unit){ .cpu = 6, .running = true, .holds = 0x21 };
	d1->vcpus[1]->info = &info;
	d2->dying = d2->shut_down = true;
	domain_dump_all();
	assert_said("d1 a name too long: 0 frames of 1000, 3 vcpus, pauses 3\n");
	assert_said("v1: cpu 6 running, may run on 0, holds 0x21, upcall pending 1");
	assert_said("d2 a name too long: 0 frames of 1000, 3 vcpus, pauses 0, dying, shut down\n");
	assert_int_equal(dumps, 2);
	d1->vcpus[1]->unit.running = false;
	d2->dying = false;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_creation_runs_hooks_forward),
		TEST(test_each_hook_refuses),
		TEST(test_each_allocation_fails),
		TEST(test_undo_is_not_preempted),
		TEST(test_lookup),
		TEST(test_next_domain),
		TEST(test_domain_without_references_is_not_found),
		TEST(test_target),
		TEST(test_references_outlive_the_kill),
		TEST(test_frames_in_use_keep_the_domain),
		TEST(test_lookup_races_with_the_last_put),
		TEST(test_pauses_are_counted),
		TEST(test_shutdown_happens_once),
		TEST(test_shutdown_of_the_hardware_domain),
		TEST(test_shutdown_keeps_the_code_named_before),
		TEST(test_crash),
		TEST(test_crash_after_shutdown_is_nothing),
		TEST(test_kill_waits_for_running_vcpus),
		TEST(test_kill_is_preempted_anywhere),
		TEST(test_holes_are_skipped),
		TEST(test_vcpus_go_while_they_are_held),
		TEST(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
