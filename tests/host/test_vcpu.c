/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/vcpu.c hyp/core/runstate.c */
/* Vcpus: requests, blocking against wake-ups at every moment, pauses and the time account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* The C library has a function of that name too. */
#define sched_yield libc_sched_yield
#include <pthread.h>
#undef sched_yield
#include <stdlib.h>
#include <string.h>

#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/runstate.h>

#define ROUNDS 100000

static struct domain dom;
static struct vcpu vcpus[2], *const v = &vcpus[0], *const v2 = &vcpus[1];
static unsigned int holds, releases;

/* What somebody else does in the middle of sched_hold(): before or after the bit is set. */
static void (*before_hold)(void), (*after_hold)(void);

void sched_hold(struct sched_unit *u, u32 bits)
{
	holds++;
	if (before_hold)
		before_hold();
	__atomic_fetch_or(&u->holds, bits, __ATOMIC_SEQ_CST);
	if (after_hold)
		after_hold();
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	releases++;
	return __atomic_fetch_and(&u->holds, ~bits, __ATOMIC_SEQ_CST) & bits;
}

bool sched_is_running(const struct sched_unit *u)
{
	return __atomic_load_n(&u->running, __ATOMIC_ACQUIRE);
}

/* Two pages of the guest, that may be mapped by address; references are counted. */
static u8 ram[2][PAGE_SIZE] __attribute__((aligned(8)));
static int area_refs[2];

int guest_area_map(struct guest_area *a, struct domain *d, gfn_t g)
{
	assert_ptr_equal(d, &dom);
	if (g.v < 0x100 || g.v > 0x101)
		return -XEN_EINVAL;
	area_refs[g.v - 0x100]++;
	a->va = ram[g.v - 0x100];
	a->frame = (struct frame *)a->va;
	return 0;
}

void guest_area_release(struct guest_area *a)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	if (a->frame)
		area_refs[a->va == ram[1]]--;
	*a = (struct guest_area){ 0 };
}

nstime_t time_now(void)
{
	return host.now;
}

/* The CPU may look at once: what it is to find must be there. */
void cpu_raise_on(unsigned int cpu, u32 work)
{
	assert_int_equal(work, WORK_VCPU);
	assert_int_not_equal(v->requests | v2->requests, 0);
	__atomic_fetch_or(&cpu_table[cpu]->remote, work, __ATOMIC_SEQ_CST);
	cpu_arch_kick(cpu);
}

static int setup(void **state)
{
	host_init(4);
	memset(vcpus, 0, sizeof(vcpus));
	dom = (struct domain){ .id = 3, .nr_vcpus = 2 };
	for (u32 i = 0; i < 2; i++) {
		vcpus[i].domain = &dom;
		vcpus[i].id = i;
		vcpus[i].runstate.state = RUNSTATE_offline;
		lock_init(&vcpus[i].lock, RANK_VCPU);
	}
	holds = releases = 0;
	before_hold = after_hold = NULL;
	host_set_current(v);
	return 0;
}

static void switch_units(struct vcpu *prev, struct vcpu *next)
{
	vcpu_sched_hooks.context_switch(prev ? &prev->unit : NULL, next ? &next->unit : NULL);
}

static void change_state(struct vcpu *x, int runstate, nstime_t now)
{
	vcpu_sched_hooks.state_changed(&x->unit, runstate, now);
}

/* --- requests --- */

static void test_request_to_oneself(void **state)
{
	v->unit.running = true;
	vcpu_request(v, VCPU_REQ_VGIC);
	assert_int_equal(v->requests, VCPU_REQ_VGIC);
	assert_int_equal(this_cpu()->work, WORK_VCPU);
	assert_int_equal(this_cpu()->remote, 0);
	assert_int_equal(host.kicks[0], 0);
}

static void test_request_to_one_that_runs_elsewhere(void **state)
{
	v2->unit.running = true;
	v2->unit.cpu = 3;
	vcpu_request(v2, VCPU_REQ_VGIC);
	assert_int_equal(v2->requests, VCPU_REQ_VGIC);
	assert_int_equal(cpu_table[3]->remote, WORK_VCPU);
	assert_int_equal(host.kicks[3], 1);
	assert_int_equal(this_cpu()->work, 0);
}

static void test_request_to_one_that_does_not_run(void **state)
{
	v2->unit.cpu = 3;
	vcpu_request(v2, VCPU_REQ_VGIC);
	assert_int_equal(cpu_table[3]->remote, 0);
	assert_int_equal(host.kicks[3], 0);
	/* It finds the request when it comes in. */
	switch_units(v, v2);
	assert_int_equal(this_cpu()->work, WORK_VCPU);
	assert_int_equal(v2->requests, VCPU_REQ_VGIC);
}

static pthread_barrier_t barrier;

static void *switcher(void *arg)
{
	host_set_cpu(1);
	for (int i = 0; i < ROUNDS / 10; i++) {
		pthread_barrier_wait(&barrier);
		__atomic_store_n(&v2->unit.running, true, __ATOMIC_RELEASE);
		switch_units(NULL, v2);
		pthread_barrier_wait(&barrier);
		/* Either it saw the request, or the one who asked saw it run. */
		assert_true((this_cpu()->work | this_cpu()->remote) & WORK_VCPU);
		this_cpu()->work = this_cpu()->remote = 0;
		v2->requests = 0;
		v2->unit.running = false;
	}
	return NULL;
}

static void test_request_races_with_the_switch(void **state)
{
	pthread_t t;

	v2->unit.cpu = 1;
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&t, NULL, switcher, NULL), 0);
	for (int i = 0; i < ROUNDS / 10; i++) {
		pthread_barrier_wait(&barrier);
		vcpu_request(v2, VCPU_REQ_VGIC);
		pthread_barrier_wait(&barrier);
	}
	pthread_join(t, NULL);
	pthread_barrier_destroy(&barrier);
}

/* --- blocking --- */

static bool blocked(void)
{
	return __atomic_load_n(&v->unit.holds, __ATOMIC_SEQ_CST) & HOLD_BLOCKED;
}

static void test_block_without_reason_to_wake(void **state)
{
	vcpu_block();
	assert_true(blocked());
	vcpu_wake(v);
	assert_false(blocked());
	vcpu_wake(v);
	assert_int_equal(releases, 1); /* who is awake costs no call */
}

static void test_block_with_an_interrupt_pending(void **state)
{
	v->arch.irq_pending = true;
	vcpu_block();
	assert_false(blocked());
}

static void test_block_with_a_request(void **state)
{
	v->requests = VCPU_REQ_VGIC;
	vcpu_block();
	assert_false(blocked());
}

static void wake_by_interrupt(void)
{
	v->arch.irq_pending = true;
	smp_mb();
	vcpu_wake(v);
}

static void wake_by_request(void)
{
	host_set_cpu(1);
	vcpu_request(v, VCPU_REQ_VGIC);
	vcpu_wake(v);
	host_set_cpu(0);
}

static void test_wake_up_at_every_moment(void **state)
{
	static void (*const wakers[])(void) = { wake_by_interrupt, wake_by_request };

	for (size_t w = 0; w < ARRAY_SIZE(wakers); w++) {
		for (int when = 0; when < 4; when++) {
			setup(NULL);
			if (when == 0)
				wakers[w]();
			before_hold = when == 1 ? wakers[w] : NULL;
			after_hold = when == 2 ? wakers[w] : NULL;
			vcpu_block();
			if (when == 3)
				wakers[w]();
			assert_false(blocked());
		}
	}
}

static void *waker(void *arg)
{
	host_set_cpu(1);
	for (int i = 0; i < ROUNDS; i++) {
		while (__atomic_load_n(&v->arch.irq_pending, __ATOMIC_ACQUIRE))
			;
		__atomic_store_n(&v->arch.irq_pending, true, __ATOMIC_RELEASE);
		smp_mb();
		vcpu_wake(v);
	}
	return NULL;
}

/* Interrupts come one after the other, as soon as the last one is taken. */
static void test_no_wake_up_is_lost(void **state)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, waker, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		vcpu_block();
		for (long n = 0; blocked(); n++)
			assert_true(n < 1000000000L);
		while (!__atomic_load_n(&v->arch.irq_pending, __ATOMIC_ACQUIRE))
			;
		__atomic_store_n(&v->arch.irq_pending, false, __ATOMIC_RELEASE);
	}
	pthread_join(t, NULL);
}

/* --- time --- */

static void test_time_is_accounted_by_state(void **state)
{
	struct abi_runstate_info r;

	change_state(v, RUNSTATE_runnable, 100);
	change_state(v, RUNSTATE_running, 130);
	change_state(v, RUNSTATE_running, 131); /* no change */
	assert_int_equal(v->runstate.state_entry_time, 130);
	change_state(v, RUNSTATE_blocked, 180);
	change_state(v, RUNSTATE_running, 1180);
	assert_int_equal(v->runstate.state, RUNSTATE_running);
	assert_int_equal(v->runstate.state_entry_time, 1180);
	assert_int_equal(v->runstate.time[RUNSTATE_offline], 100);
	assert_int_equal(v->runstate.time[RUNSTATE_runnable], 30);
	assert_int_equal(v->runstate.time[RUNSTATE_running], 50);
	assert_int_equal(v->runstate.time[RUNSTATE_blocked], 1000);
	/* Another CPU looked at the clock a moment earlier. */
	change_state(v, RUNSTATE_runnable, 1170);
	assert_int_equal(v->runstate.state, RUNSTATE_runnable);
	assert_int_equal(v->runstate.state_entry_time, 1180);
	assert_int_equal(v->runstate.time[RUNSTATE_running], 50);

	host.now = 1200;
	runstate_snapshot(v, &r);
	assert_int_equal(r.time[RUNSTATE_runnable], 50);
	assert_int_equal(v->runstate.time[RUNSTATE_runnable], 30);
	host.now = 1000;
	runstate_snapshot(v, &r);
	assert_int_equal(r.time[RUNSTATE_runnable], 30);
}

static struct abi_runstate_info *area(u64 *gva)
{
	*gva = host_guest_alloc(sizeof(struct abi_runstate_info));
	return memset(host_guest_ptr(*gva), 0xee, sizeof(struct abi_runstate_info));
}

static void fill_account(struct vcpu *x)
{
	x->runstate = (struct abi_runstate_info){ .state = RUNSTATE_blocked,
						  .state_entry_time = 77,
						  .time = { 1, 2, 3, 4 } };
}

static void test_account_is_published(void **state)
{
	u64 gva;
	struct abi_runstate_info *r = area(&gva);

	fill_account(v);
	runstate_set_area(v, gva);
	assert_memory_equal(r, &v->runstate, sizeof(*r));
	assert_int_equal(host.copies, 1);
	runstate_set_area(v, 0);
	assert_int_equal(host.copies, 1);
	switch_units(v, v);
	assert_int_equal(host.copies, 1);
	runstate_set_area(v, HOST_BAD_GVA); /* the guest's own fault */
	switch_units(v, v);
	assert_int_equal(host.copies, 4);
}

/* The guest sees the flag before anything else changes, and until all of it did. */
static void test_update_flag_frames_the_account(void **state)
{
	u64 gva;
	struct abi_runstate_info *r = area(&gva), want, old = *r;

	fill_account(v);
	dom.vm_assist = BIT(ABI_VMASST_runstate_update_flag);
	for (long fails = 1; fails <= 4; fails++) {
		*r = old;
		host.fail_copy_in = fails;
		runstate_set_area(v, gva);
		want = fails >= 3 ? v->runstate : old;
		if (fails == 2 || fails == 3)
			want.state_entry_time = 77 | ABI_RUNSTATE_UPDATE;
		assert_memory_equal(r, &want, sizeof(want));
	}
	assert_int_equal(v->runstate.state_entry_time, 77); /* the flag stays outside */
}

static void test_only_that_assist_means_the_flag(void **state)
{
	u64 gva;

	area(&gva);
	dom.vm_assist = ~BIT(ABI_VMASST_runstate_update_flag);
	runstate_set_area(v, gva);
	assert_int_equal(host.copies, 1);
}

#define GPA(page, offset) ((0x100UL + (page)) * PAGE_SIZE + (offset))

static struct abi_runstate_info *in_ram(unsigned int page, size_t offset)
{
	return (struct abi_runstate_info *)(ram[page] + offset);
}

static void test_physical_area(void **state)
{
	memset(ram, 0xee, sizeof(ram));
	fill_account(v);
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 4)), -XEN_ENXIO);
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 4096 - 40)), -XEN_ENXIO);
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 4095)), -XEN_ENXIO);
	assert_int_equal(runstate_set_phys_area(v, GPA(2, 0)), -XEN_EINVAL);
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 4096 - 48)), 0);
	assert_memory_equal(in_ram(0, 4096 - 48), &v->runstate, sizeof(v->runstate));
	assert_int_equal(ram[0][4096 - 49], 0xee);
	/* What is refused leaves the old one; what is taken gives it back. */
	assert_int_equal(runstate_set_phys_area(v, GPA(2, 0)), -XEN_EINVAL);
	assert_int_equal(area_refs[0], 1);
	assert_int_equal(runstate_set_phys_area(v, GPA(1, 8)), 0);
	assert_int_equal(area_refs[0], 0);
	assert_int_equal(area_refs[1], 1);
	v->runstate.time[2] = 99;
	switch_units(v, v2);
	assert_int_equal(in_ram(1, 8)->time[2], 99);
	assert_int_equal(in_ram(0, 4096 - 48)->time[2], 3);
	assert_int_equal(host.copies, 0);
	assert_int_equal(runstate_set_phys_area(v, ~0UL), 0);
	assert_int_equal(area_refs[1], 0);
	v->runstate.time[2] = 100;
	switch_units(v2, v);
	assert_int_equal(in_ram(1, 8)->time[2], 99);
	/* The end of the vcpu. */
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 0)), 0);
	runstate_vcpu_destroy(v);
	runstate_vcpu_destroy(v);
	assert_int_equal(area_refs[0], 0);
}

static void test_both_areas(void **state)
{
	u64 gva;
	struct abi_runstate_info *r = area(&gva);

	fill_account(v);
	runstate_set_area(v, gva);
	assert_int_equal(runstate_set_phys_area(v, GPA(0, 0)), 0);
	runstate_set_area(v, 0);
	v->runstate.time[0] = 5;
	switch_units(v, v2);
	assert_int_equal(in_ram(0, 0)->time[0], 5);
	assert_int_equal(r->time[0], 1);
	runstate_set_area(v, gva);
	assert_int_equal(runstate_set_phys_area(v, ~0UL), 0);
	v->runstate.time[0] = 6;
	switch_units(v, v2);
	assert_int_equal(in_ram(0, 0)->time[0], 5);
	assert_int_equal(r->time[0], 6);
}

static bool race_over;

/* All that was ever entered passed up to the time of entry: a torn account breaks that. */
static void assert_sound(const struct abi_runstate_info *r)
{
	assert_int_equal(r->time[0] + r->time[1] + r->time[2] + r->time[3], r->state_entry_time);
}

static void *account_changer(void *arg)
{
	host_set_cpu(1);
	for (nstime_t now = 1; now <= 20 * ROUNDS; now++)
		change_state(v2, now % 2 ? RUNSTATE_running : RUNSTATE_blocked, now);
	__atomic_store_n(&race_over, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_snapshot_of_a_changing_account(void **state)
{
	struct abi_runstate_info r;
	pthread_t t;

	race_over = false;
	host.now = 0;
	assert_int_equal(pthread_create(&t, NULL, account_changer, NULL), 0);
	while (!__atomic_load_n(&race_over, __ATOMIC_ACQUIRE)) {
		runstate_snapshot(v2, &r);
		assert_sound(&r);
	}
	pthread_join(t, NULL);
}

/* Pages 0, 1, none in turn; the one just given back is filled and must stay as it is. */
static void *area_mover(void *arg)
{
	struct abi_runstate_info *gone;

	host_set_cpu(1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		assert_int_equal(runstate_set_phys_area(v2, i % 3 == 2 ? ~0UL : GPA(i % 3, 64)), 0);
		if (i % 3 == 0)
			continue;
		gone = in_ram(i % 3 - 1, 64);
		__atomic_store_n(&gone->time[3], ~0UL, __ATOMIC_RELEASE);
		for (int n = 0; n < 20; n++)
			assert_int_equal(__atomic_load_n(&gone->time[3], __ATOMIC_ACQUIRE), ~0UL);
	}
	__atomic_store_n(&race_over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* A page that was given back is not written to any more. */
static void test_area_moves_under_the_switch(void **state)
{
	pthread_t t;

	race_over = false;
	memset(ram, 0xff, sizeof(ram));
	assert_int_equal(runstate_set_phys_area(v2, ~0UL), 0);
	assert_int_equal(pthread_create(&t, NULL, area_mover, NULL), 0);
	while (!__atomic_load_n(&race_over, __ATOMIC_ACQUIRE))
		switch_units(NULL, v2);
	pthread_join(t, NULL);
	assert_int_equal(runstate_set_phys_area(v2, ~0UL), 0);
	assert_int_equal(area_refs[0] + area_refs[1], 0);
}

/* --- switching --- */

static void test_switch(void **state)
{
	u64 gva, gva2;
	struct abi_runstate_info *r = area(&gva), *r2 = area(&gva2);

	runstate_set_area(v, gva);
	runstate_set_area(v2, gva2);
	*r = *r2 = (struct abi_runstate_info){ 0 };
	host.copies = 0;
	fill_account(v);
	switch_units(v, v2);
	assert_ptr_equal(current_vcpu(), v2);
	assert_int_equal(v->arch.switched_out, 1);
	assert_int_equal(v2->arch.switched_in, 1);
	assert_int_equal(v->arch.switched_in + v2->arch.switched_out, 0);
	assert_memory_equal(r, &v->runstate, sizeof(*r));
	assert_memory_equal(r2, &v2->runstate, sizeof(*r2));
	assert_int_equal(this_cpu()->work, 0);

	switch_units(v2, NULL);
	assert_null(current_vcpu());
	assert_int_equal(v2->arch.switched_out, 1);
	switch_units(NULL, v);
	assert_ptr_equal(current_vcpu(), v);
	assert_int_equal(v->arch.switched_in, 1);
	assert_int_equal(host.copies, 4);
}

static void test_name(void **state)
{
	char name[8];

	vcpu_sched_hooks.describe(&v2->unit, name, sizeof(name));
	assert_string_equal(name, "d3v1");
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_to_oneself),
		TEST(test_request_to_one_that_runs_elsewhere),
		TEST(test_request_to_one_that_does_not_run),
		TEST(test_request_races_with_the_switch),
		TEST(test_block_without_reason_to_wake),
		TEST(test_block_with_an_interrupt_pending),
		TEST(test_block_with_a_request),
		TEST(test_wake_up_at_every_moment),
		TEST(test_no_wake_up_is_lost),
		TEST(test_time_is_accounted_by_state),
		TEST(test_account_is_published),
		TEST(test_update_flag_frames_the_account),
		TEST(test_only_that_assist_means_the_flag),
		TEST(test_physical_area),
		TEST(test_both_areas),
		TEST(test_snapshot_of_a_changing_account),
		TEST(test_area_moves_under_the_switch),
		TEST(test_switch),
		TEST(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
