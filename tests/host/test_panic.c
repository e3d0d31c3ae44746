/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/symbols.c */
/* How the hypervisor ends by its own fault: panic(), and the names in backtraces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/time.h>

#include "messages.h"
#include <arch/host.h>
#include <serai/bug.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/symbols.h>
#include <serai/time.h>

#include "../../hyp/core/panic.c" /* for the count of panics */

struct options options;
static unsigned int forced;

void console_force(void)
{
	forced++;
}

void vprintk_at(enum log_level level, const char *fmt, va_list ap)
{
	int n = vsnprintf(messages + messages_len, sizeof(messages) - messages_len, fmt, ap);

	messages_len += (size_t)n;
}

/* --- panic --- */

static void die(void *arg)
{
	panic("it is %s", (const char *)arg);
}

static void die_by_bug(void *arg)
{
	BUG_ON(arg == NULL);
}

static void second_passes(int signal)
{
	host.now += NS_PER_S;
}

static void test_reboot(void **state)
{
	const struct itimerval tick = { { 0, 2000 }, { 0, 2000 } }, off = { { 0, 0 }, { 0, 0 } };

	signal(SIGALRM, second_passes);
	setitimer(ITIMER_REAL, &tick, NULL);
	assert_int_equal(host_catch(die, (void *)"over"), HOST_RESET);
	setitimer(ITIMER_REAL, &off, NULL);
	assert_said("*** PANIC on CPU0");
	assert_said("it is over");
	assert_said("reset in 5 seconds");
	assert_true(host.now >= 5 * NS_PER_S);
	assert_int_equal(forced, 1);
	assert_int_equal(host.dumps, 1);
	/* Whoever comes second, this CPU again or another one, is silent. */
	messages_clear();
	assert_int_equal(host_catch(die, (void *)"again"), HOST_HALT);
	assert_silent();
}

static void test_noreboot(void **state)
{
	options.noreboot = true;
	assert_int_equal(host_catch(die_by_bug, NULL), HOST_HALT);
	assert_said("BUG at ");
	assert_said("arg == NULL");
	assert_said("*** halted (noreboot)");
	assert_int_equal(host.dumps, 1);
}

static void refuse(void *arg)
{
	refuse_boot();
}

/* An operator's fault: no registers, nothing that looks like ours. */
static void test_refused(void **state)
{
	options.noreboot = true;
	assert_int_equal(host_catch(refuse, NULL), HOST_HALT);
	assert_said("*** Serai does not start, for the reasons above\n*** halted (noreboot)");
	assert_null(strstr(messages, "PANIC"));
	assert_int_equal(forced, 1);
	assert_int_equal(host.dumps, 0);
}

static int fresh(void **state)
{
	host_init(1);
	messages_clear();
	panic_count = 0;
	forced = 0;
	options.noreboot = false;
	return 0;
}

/* --- symbols: a table about this program's own text --- */

extern const char _start[], __init_text_end[];
const char __init_text_end[1]; /* behind the text, like all constants */

u32 symbols_count = 3;
u16 symbols_words[] = { 0x50 / 4, 0x40 / 4 };
char symbols_names[] = "first\0second\0third";

static void assert_named(unsigned long addr, const char *name)
{
	char buf[64];

	symbols_format(buf, sizeof(buf), addr);
	assert_string_equal(buf, name);
}

static void test_symbols(void **state)
{
	unsigned long start = (unsigned long)_start, end = (unsigned long)__init_text_end;
	char buf[64];

	snprintf(buf, sizeof(buf), "%#lx", start - 1);
	assert_named(start - 1, buf);
	snprintf(buf, sizeof(buf), "%#lx", end);
	assert_named(end, buf);
	assert_named(0x1234, "0x1234");
	assert_named(start, "first+0/0x50");
	assert_named(start + 0x4f, "first+0x4f/0x50");
	assert_named(start + 0x50, "second+0/0x40");
	assert_named(start + 0x54, "second+0x4/0x40");
	snprintf(buf, sizeof(buf), "third+%#lx/%#lx", 0x1000 - 0x90UL, end - start - 0x90);
	assert_named(start + 0x1000, buf);
	symbols_count = 0;
	snprintf(buf, sizeof(buf), "%#lx", start + 0x20);
	assert_named(start + 0x20, buf);
	symbols_count = 1;
	snprintf(buf, sizeof(buf), "first+0x20/%#lx", end - start);
	assert_named(start + 0x20, buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reboot, fresh),
		cmocka_unit_test_setup(test_noreboot, fresh),
		cmocka_unit_test_setup(test_refused, fresh),
		cmocka_unit_test(test_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
