/* SPDX-License-Identifier: Apache-2.0 */
/* sources: */
/*
 * The slow way out. hyp/core/exit.c is included, so that waiting for an interrupt can be played:
 * each wait takes the next step of a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <arch/host.h>
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/exit.h>

struct domain_actions domain_actions;

static u32 news;

static void console_news(void)
{
	news++;
}

static void wait_for_interrupt(void);
static void handle_requests(struct vcpu *v, u32 requests);

#define cpu_arch_idle	   wait_for_interrupt
#define vcpu_arch_requests handle_requests
#include "../../hyp/core/exit.c"
#undef cpu_arch_idle
#undef vcpu_arch_requests

struct options options;

static struct vcpu vcpu, other;
static char calls[64]; /* T timers, V requests, S scheduler, s scrub, i idle */
struct options options = { .bootscrub = BOOTSCRUB_IDLE };
static int scrubs;     /* frame_scrub_some() says that many times that there is more */
static int waits;      /* until work comes */
static u32 work_then, work_by_timer;
static struct vcpu *choice, *choice_after; /* of sched_choose(), the first time and then */

static void note(char c)
{
	size_t n = strlen(calls);

	assert_true(n < sizeof(calls) - 1);
	calls[n] = c;
	calls[n + 1] = 0;
}

void timer_run_expired(void)
{
	note('T');
	cpu_raise(work_by_timer);
	work_by_timer = 0;
}

void sched_choose(void)
{
	note('S');
	this_cpu()->current = choice;
	if (choice_after)
		choice = choice_after;
}

static void handle_requests(struct vcpu *v, u32 requests)
{
	assert_int_not_equal(requests, 0);
	note('V');
	v->arch.requests |= requests;
}

/* A vcpu that is not loaded yet: two pieces of work, with a timer between them. */
void launch_run(struct vcpu *v)
{
	note('L');
	assert_int_equal(this_cpu()->work, 0);
	if (v->launch == (void *)2)
		cpu_raise(WORK_TIMER);
	v->launch = (struct launch *)((uintptr_t)v->launch - 1);
}

bool frame_scrub_some(void)
{
	note('s');
	return scrubs-- > 0;
}

/* The interrupt handler takes over what other CPUs raised, as the real one does. */
static void wait_for_interrupt(void)
{
	note('i');
	assert_int_equal(this_cpu()->work, 0);
	host.preempt_always = false;
	if (waits-- <= 0) {
		cpu_raise(work_then | this_cpu()->remote);
		this_cpu()->remote = 0;
	}
}

static int setup(void **state)
{
	host_init(4);
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&other, 0, sizeof(other));
	calls[0] = 0;
	scrubs = waits = 0;
	work_then = work_by_timer = 0;
	options.bootscrub = BOOTSCRUB_IDLE;
	choice = &vcpu;
	choice_after = NULL;
	host_set_current(&vcpu);
	return 0;
}

static struct vcpu *leave_with(u32 work)
{
	this_cpu()->work = work;
	return exit_work();
}

/* What has to be loaded first is loaded, and whatever comes meanwhile is not forgotten. */
static void test_launch(void **state)
{
	vcpu.launch = (void *)2;
	assert_ptr_equal(leave_with(WORK_SCHED), &vcpu);
	assert_string_equal(calls, "SLTL");
	assert_null(vcpu.launch);
	calls[0] = 0;
	assert_ptr_equal(leave_with(WORK_SCHED), &vcpu);
	assert_string_equal(calls, "S");
}

static void test_each_work(void **state)
{
	vcpu.requests = VCPU_REQ_VGIC;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "");
	assert_ptr_equal(leave_with(WORK_TIMER), &vcpu);
	assert_string_equal(calls, "T");
	assert_int_equal(vcpu.requests, VCPU_REQ_VGIC);
	leave_with(WORK_SCHED);
	assert_string_equal(calls, "TS");
	assert_int_equal(host.dumps, 0);
	leave_with(WORK_DUMP);
	assert_int_equal(host.dumps, 1);
	leave_with(WORK_CONSOLE); /* nobody wants to know yet */
	domain_actions.console_news = console_news;
	leave_with(WORK_CONSOLE);
	assert_int_equal(news, 1);
	domain_actions.console_news = NULL;
	assert_int_equal(vcpu.arch.requests, 0);
	leave_with(WORK_VCPU);
	assert_int_equal(vcpu.arch.requests, VCPU_REQ_VGIC);
	assert_int_equal(vcpu.requests, 0);
	assert_string_equal(calls, "TSV");
	assert_int_equal(this_cpu()->work, 0);
}

static void test_work_in_one_go(void **state)
{
	vcpu.requests = VCPU_REQ_VGIC;
	leave_with(WORK_DUMP | WORK_SCHED | WORK_VCPU | WORK_TIMER);
	assert_string_equal(calls, "TVS"); /* timers first: they may wake somebody */
	assert_int_equal(vcpu.arch.requests, VCPU_REQ_VGIC);
	assert_int_equal(host.dumps, 1);
}

static void test_work_raised_meanwhile(void **state)
{
	work_by_timer = WORK_SCHED | WORK_TIMER;
	assert_ptr_equal(leave_with(WORK_TIMER), &vcpu);
	assert_string_equal(calls, "TTS");
	assert_int_equal(this_cpu()->work, 0);
}

static void test_requests_of_the_vcpu_that_was_chosen(void **state)
{
	/* The switch raises WORK_VCPU when the one that comes in has requests. */
	vcpu.requests = VCPU_REQ_VGIC;
	other.requests = VCPU_REQ_VGIC;
	choice = &other;
	assert_ptr_equal(leave_with(WORK_SCHED | WORK_VCPU), &other);
	assert_int_equal(vcpu.arch.requests, VCPU_REQ_VGIC);
	assert_int_equal(other.arch.requests, 0);
	assert_ptr_equal(leave_with(WORK_VCPU), &other);
	assert_int_equal(other.arch.requests, VCPU_REQ_VGIC);
}

static void test_no_requests_no_call(void **state)
{
	leave_with(WORK_VCPU);
	assert_string_equal(calls, "");
}

/* The scheduler finds nobody: work for a vcpu falls away, the CPU idles until it chooses again. */
static void test_nothing_chosen(void **state)
{
	choice = NULL;
	choice_after = &vcpu;
	work_then = WORK_VCPU | WORK_SCHED;
	vcpu.requests = VCPU_REQ_VGIC;
	host_set_current(NULL);
	assert_ptr_equal(leave_with(WORK_SCHED | WORK_VCPU), &vcpu);
	assert_string_equal(calls, "SsiS");
	assert_int_equal(vcpu.arch.requests, 0); /* not running when they were looked at */
	assert_int_equal(vcpu.requests, VCPU_REQ_VGIC);
}

/* Idles until the script makes a vcpu runnable. */
static void test_idle(void **state)
{
	host_set_current(NULL);
	waits = 2;
	work_then = WORK_SCHED;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "sisisiS");
}

static void test_a_timer_ends_idling(void **state)
{
	host_set_current(NULL);
	work_then = WORK_TIMER;
	work_by_timer = WORK_SCHED;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "siTS");
}

static void test_idle_scrubs_first(void **state)
{
	host_set_current(NULL);
	scrubs = 3;
	work_then = WORK_SCHED;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "ssssiS");
}

static void test_idle_does_not_scrub_when_told_not_to(void **state)
{
	host_set_current(NULL);
	options.bootscrub = BOOTSCRUB_OFF;
	scrubs = 3;
	work_then = WORK_SCHED;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "iS");
}

static void test_an_interrupt_goes_before_scrubbing(void **state)
{
	host_set_current(NULL);
	scrubs = 1000;
	host.preempt_always = true; /* an interrupt waits: it is taken in the idle call */
	work_then = WORK_SCHED;
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "iS");
}

static void test_another_cpu_ends_idling(void **state)
{
	host_set_current(NULL);
	host_set_cpu(2);
	cpu_raise_on(0, WORK_SCHED);
	host_set_cpu(0);
	assert_ptr_equal(leave_with(0), &vcpu);
	assert_string_equal(calls, "siS");
	assert_int_equal(this_cpu()->remote, 0);
}

static void test_raise_on_oneself(void **state)
{
	cpu_raise_on(0, WORK_SCHED);
	cpu_raise_on(0, WORK_TIMER);
	assert_int_equal(this_cpu()->work, WORK_SCHED | WORK_TIMER);
	assert_int_equal(this_cpu()->remote, 0);
	assert_int_equal(host.kicks[0], 0);
}

static void test_raise_on_another(void **state)
{
	cpu_raise_on(3, WORK_SCHED);
	assert_int_equal(cpu_table[3]->remote, WORK_SCHED);
	assert_int_equal(cpu_table[3]->work, 0); /* that word is its own */
	assert_int_equal(host.kicks[3], 1);
	cpu_raise_on(3, WORK_SCHED); /* told already */
	assert_int_equal(host.kicks[3], 1);
	cpu_raise_on(3, WORK_SCHED | WORK_DUMP);
	assert_int_equal(host.kicks[3], 2);
	assert_int_equal(cpu_table[3]->remote, WORK_SCHED | WORK_DUMP);
	cpu_table[3]->remote = 0; /* it took them */
	cpu_raise_on(3, WORK_SCHED);
	assert_int_equal(host.kicks[3], 3);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_launch),
		TEST(test_each_work),
		TEST(test_work_in_one_go),
		TEST(test_work_raised_meanwhile),
		TEST(test_requests_of_the_vcpu_that_was_chosen),
		TEST(test_no_requests_no_call),
		TEST(test_nothing_chosen),
		TEST(test_idle),
		TEST(test_a_timer_ends_idling),
		TEST(test_idle_scrubs_first),
		TEST(test_idle_does_not_scrub_when_told_not_to),
		TEST(test_an_interrupt_goes_before_scrubbing),
		TEST(test_another_cpu_ends_idling),
		TEST(test_raise_on_oneself),
		TEST(test_raise_on_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
