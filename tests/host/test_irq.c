/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/irq.c */
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

#include "messages.h"
#include <arch/host.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/irq.h>

#define LINES 64

static bool no_memory;
static int assign_answer;
static unsigned int enabled[LINES], disabled[LINES], injected[LINES], assigned, unassigned;
static u32 last_virq;
static enum irq_type type_of[LINES];
static unsigned int target_of[LINES];
static pthread_t *closer; /* to be started in the middle of a delivery */
static bool closing, gone;
static u32 taken_during; /* interrupts that the domain has while it loses one */
static struct domain guest = { .id = 7 }, other = { .id = 8 };

void *mem_alloc(size_t size)
{
	return no_memory ? NULL : calloc(1, size);
}

u32 irq_arch_lines(void)
{
	return LINES;
}

void irq_arch_enable(u32 irq)
{
	enabled[irq]++;
}

void irq_arch_disable(u32 irq)
{
	disabled[irq]++;
}

void irq_arch_set_type(u32 irq, enum irq_type type)
{
	type_of[irq] = type;
}

void irq_arch_set_target(u32 irq, unsigned int cpu)
{
	target_of[irq] = cpu;
}

static void *close_guest(void *arg)
{
	host_set_cpu(1);
	__atomic_store_n(&closing, true, __ATOMIC_RELEASE);
	irq_domain_close(&guest);
	__atomic_store_n(&gone, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Another CPU ends the domain to which this one is delivering. */
static void close_meanwhile(void)
{
	assert_int_equal(pthread_create(closer, NULL, close_guest, NULL), 0);
	while (!__atomic_load_n(&closing, __ATOMIC_ACQUIRE))
		;
	for (u32 i = 0; i < 100; i++) {
		usleep(1000);
		assert_false(__atomic_load_n(&gone, __ATOMIC_ACQUIRE));
	}
}

void domain_arch_inject_hw_spi(struct domain *d, u32 virq, u32 irq)
{
	if (closer)
		close_meanwhile();
	assert_int_equal(d->id, 7);
	injected[irq]++;
	last_virq = virq;
}

int domain_arch_assign_spi(struct domain *d, u32 virq, u32 irq)
{
	assigned++;
	return assign_answer;
}

void domain_arch_unassign_spi(struct domain *d, u32 virq)
{
	/* Nobody else can have it yet, or what follows would be done to theirs. */
	for (u32 irq = 0; irq < LINES; irq++)
		taken_during += irq_desc(irq)->domain == d;
	unassigned++;
}

static unsigned int handled;

static void handler(u32 irq, void *arg)
{
	assert_ptr_equal(arg, &handled);
	assert_int_equal(this_cpu()->lock_depth, 0);
	handled++;
}

/* A table that is never freed, as in the product; the last one stays reachable. */
static int fresh(void **state)
{
	host_init(2);
	free(irq_desc(0));
	assert_int_equal(irq_init(), 0);
	messages_clear();
	handled = assigned = unassigned = taken_during = 0;
	assign_answer = 0;
	memset(enabled, 0, sizeof(enabled));
	memset(disabled, 0, sizeof(disabled));
	memset(injected, 0, sizeof(injected));
	return 0;
}

static void test_init(void **state)
{
	no_memory = true;
	assert_null(irq_desc(40));
	assert_int_equal(irq_init(), -XEN_ENOMEM);
	assert_null(irq_desc(40));
	assert_int_equal(irq_request(40, IRQ_TYPE_LEVEL, handler, NULL, "x"), -XEN_EINVAL);
	no_memory = false;
	assert_int_equal(irq_init(), 0);
	assert_non_null(irq_desc(LINES - 1));
	assert_null(irq_desc(LINES));
}

static void test_request(void **state)
{
	host_set_cpu(1);
	assert_int_equal(irq_request(40, IRQ_TYPE_LEVEL, handler, &handled, "uart"), 0);
	assert_int_equal(enabled[40], 1);
	assert_int_equal(type_of[40], IRQ_TYPE_LEVEL);
	assert_int_equal(target_of[40], 1);
	irq_dispatch(40);
	assert_int_equal(handled, 1);
	assert_int_equal(irq_request(40, IRQ_TYPE_EDGE, handler, NULL, "else"), -XEN_EBUSY);
	assert_said("interrupt 40 is used by the hypervisor already (uart)");
	assert_int_equal(irq_assign(40, &guest, 40), -XEN_EBUSY);
	assert_int_equal(irq_request(LINES, IRQ_TYPE_EDGE, handler, NULL, "x"), -XEN_EINVAL);
	/* A private one is enabled by each CPU for itself. */
	assert_int_equal(irq_request(27, IRQ_TYPE_LEVEL, handler, &handled, "timer"), 0);
	assert_int_equal(enabled[27], 0);
	irq_dispatch(27);
	assert_int_equal(handled, 2);
}

static void test_assign(void **state)
{
	assert_int_equal(irq_assign(31, &guest, 31), -XEN_EINVAL);
	assert_int_equal(irq_assign(LINES, &guest, LINES), -XEN_EINVAL);
	assert_int_equal(irq_assign(41, &guest, 50), 0);
	assert_int_equal(assigned, 1);
	assert_int_equal(enabled[41], 0);
	irq_dispatch(41);
	assert_int_equal(injected[41], 1);
	assert_int_equal(last_virq, 50);
	assert_int_equal(irq_assign(41, &other, 41), -XEN_EBUSY);
	assert_said("interrupt 41 is domain 7's already (virtual 50)");
	assert_int_equal(irq_unassign(41, &other), -XEN_ENOENT);
	assert_int_equal(irq_unassign(LINES, &guest), -XEN_ENOENT);
	assert_int_equal(irq_unassign(41, &guest), 0);
	assert_int_equal(disabled[41], 1);
	assert_int_equal(unassigned, 1);
	irq_dispatch(41);
	assert_int_equal(injected[41], 1);
	assert_int_equal(irq_assign(41, &other, 41), 0);
}

/* A domain that ends gives back all that it had. */
static void test_domain_close(void **state)
{
	assert_int_equal(irq_assign(41, &guest, 50), 0);
	assert_int_equal(irq_assign(LINES - 1, &guest, 51), 0);
	assert_int_equal(irq_assign(43, &other, 43), 0);
	assert_int_equal(irq_domain_close(&guest), 0);
	assert_int_equal(unassigned, 2);
	assert_int_equal(taken_during, 2 + 1);
	assert_int_equal(disabled[41], 1);
	irq_dispatch(41);
	assert_int_equal(injected[41], 0);
	assert_ptr_equal(irq_desc(43)->domain, &other);
	assert_int_equal(irq_assign(LINES - 1, &other, 51), 0);
}

/* What the domain has for its interrupts is freed when it was closed: not under a delivery. */
static void test_close_waits_for_delivery(void **state)
{
	pthread_t thread;

	host_set_cpu(0);
	assert_int_equal(irq_assign(41, &guest, 50), 0);
	closer = &thread;
	irq_dispatch(41);
	closer = NULL;
	pthread_join(thread, NULL);
	assert_true(gone);
	assert_int_equal(injected[41], 1);
	irq_dispatch(41);
	assert_int_equal(injected[41], 1);
}

/* The virtual controller refuses: the interrupt stays free. */
static void test_assign_undone(void **state)
{
	assign_answer = -XEN_EBUSY;
	assert_int_equal(irq_assign(42, &guest, 42), -XEN_EBUSY);
	irq_dispatch(42);
	assert_int_equal(injected[42], 0);
	assign_answer = 0;
	assert_int_equal(irq_assign(42, &other, 42), 0);
}

static void test_unclaimed(void **state)
{
	for (int i = 0; i < 15; i++)
		irq_dispatch(50);
	assert_silent();
	for (int i = 0; i < 100; i++)
		irq_dispatch(50);
	assert_said("interrupt 50 belongs to nobody and came 16 times");
	assert_int_equal(disabled[50], 1);
	messages_clear();
	irq_dispatch(LINES + 5);
	assert_silent();
	/* Somebody who takes it later starts with a clean slate. */
	assert_int_equal(irq_request(50, IRQ_TYPE_EDGE, handler, &handled, "late"), 0);
	irq_dispatch(50);
	assert_int_equal(handled, 1);
}

static void test_dump(void **state)
{
	for (u32 irq = 34; irq < 40; irq++)
		irq_assign(irq, &guest, irq);
	irq_assign(45, &guest, 50);
	irq_assign(46, &other, 51);
	irq_assign(47, &other, 60);
	irq_request(33, IRQ_TYPE_LEVEL, handler, NULL, "pl011");
	irq_dispatch(60);
	irq_dump();
	assert_said("irq 33: pl011\n");
	assert_said("irq 34-39: d7, virtual 34-39\n");
	assert_said("irq 45-45: d7, virtual 50-50\n");
	assert_said("irq 46-46: d8, virtual 51-51\n");
	assert_said("irq 47-47: d8, virtual 60-60\n");
	assert_said("irq 60: nobody's, came 1 times\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test_setup(test_request, fresh),
		cmocka_unit_test_setup(test_assign, fresh),
		cmocka_unit_test_setup(test_domain_close, fresh),
		cmocka_unit_test_setup(test_close_waits_for_delivery, fresh),
		cmocka_unit_test_setup(test_assign_undone, fresh),
		cmocka_unit_test_setup(test_unclaimed, fresh),
		cmocka_unit_test_setup(test_dump, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
