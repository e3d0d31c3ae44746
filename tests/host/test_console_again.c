/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/console.c hyp/core/guest_line.c */
/* The console's ring is said once more, by pieces (debug key w). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <arch/host.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/cpu.h>
#include <serai/printk.h>
#include <serai/time.h>

struct options options;
static struct timer *armed;
static char out[256];
static size_t out_len;

void *heap_alloc(unsigned int order, u32 flags)
{
	return NULL;
}

nstime_t time_now(void)
{
	return host.now;
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	armed = t;
}

void timer_interrupt_by(nstime_t t)
{
}

static void fake_putc(char c)
{
	assert_true(out_len < sizeof(out) - 1);
	out[out_len++] = c;
	out[out_len] = 0;
}

static void out_clear(void)
{
	out_len = 0;
	out[0] = 0;
}

/* Runs the timer; false: it is not armed. */
static bool timer_fires(void)
{
	struct timer *t = armed;

	if (!t)
		return false;
	armed = NULL;
	t->fn(t->arg);
	return true;
}

static void ring_empty(void)
{
	u32 index = console_ring_start();
	char buf[256];

	while (console_ring_read(buf, sizeof(buf), &index))
		;
	console_ring_clear(index);
	out_clear();
}

/* The timer says a piece: after so many lines an interrupt waits; 0: none does. */
static void assert_says(long lines, const char *text)
{
	out_clear();
	this_cpu()->work = 0;
	host.preempt_in = lines;
	assert_true(timer_fires());
	assert_string_equal(out, text);
}

/* An interrupt that waits ends a piece behind its line, and messages come in between. */
static void test_ring_again(void **state)
{
	static const struct uart uart = { .name = "fake", .putc = fake_putc };

	host_init(1);
	console_set_uart(&uart);
	ring_empty();
	console_write("one\ntwo\nthree\n", true);
	out_clear();
	console_show_ring();
	assert_string_equal(out, "");
	assert_says(1, "(Serai) one\r\n");
	console_write("news\n", true);
	/* What was there when it began, and no more. */
	assert_says(0, "(Serai) two\r\n(Serai) three\r\n");
	assert_false(timer_fires());
	/* From the beginning when it is asked for again meanwhile. */
	console_show_ring();
	assert_says(2, "(Serai) one\r\n(Serai) two\r\n");
	console_show_ring();
	assert_says(3, "(Serai) one\r\n(Serai) two\r\n(Serai) three\r\n");
	/* What the ring does not keep any more is skipped, be it some of it or all. */
	console_ring_clear(console_ring_start() + 38);
	assert_says(1, "(Serai) news\r\n");
	assert_false(timer_fires());
	console_show_ring();
	ring_empty();
	assert_says(0, "");
	assert_false(timer_fires());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
