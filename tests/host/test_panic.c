/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/panic.c hyp/core/symbols.c hyp/core/lock_rank.c */
/* How the hypervisor ends by its own fault: panic(), names in backtraces, the order of locks. */
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
#include <serai/lock.h>
#include <serai/symbols.h>
#include <serai/time.h>

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

/* --- locks; every case ends in the first and only panic of a fresh count --- */

extern u32 panic_count_for_test;

static struct lock low = LOCK_INIT(RANK_DOMAIN), high = LOCK_INIT(RANK_TIMER),
		   pair[2] = { LOCK_INIT(RANK_SCHED), LOCK_INIT(RANK_SCHED) }, blank;

static void test_lock_order(void **state)
{
	host_init(1);
	lock_take(&low);
	lock_take(&high);
	assert_int_equal(this_cpu()->lock_depth, 2);
	lock_drop(&low);
	lock_take(&(struct lock)LOCK_INIT(RANK_CONSOLE));
	host_init(1);
	lock_init(&high, RANK_TIMER);
	lock_two(&pair[1], &pair[0]);
	lock_two_drop(&pair[1], &pair[0]);
	lock_two(&pair[0], &pair[0]);
	assert_int_equal(this_cpu()->lock_depth, 1);
	lock_two_drop(&pair[0], &pair[0]);
	assert_int_equal(this_cpu()->lock_depth, 0);
}

static void low_under_high(void *arg)
{
	lock_take(&high);
	lock_take(&low);
}

static void same_rank(void *arg)
{
	lock_take(&pair[0]);
	lock_take(&pair[1]);
}

static void twice(void *arg)
{
	lock_take(&low);
	lock_take(&low);
}

static void uninitialised(void *arg)
{
	lock_take(&blank);
}

static void not_held(void *arg)
{
	lock_drop(&high);
}

static void expect_panic(void (*fn)(void *arg), const char *why)
{
	host_init(1);
	lock_init(&low, RANK_DOMAIN);
	lock_init(&high, RANK_TIMER);
	lock_init(&pair[0], RANK_SCHED);
	lock_init(&pair[1], RANK_SCHED);
	messages_clear();
	host_catch(fn, NULL);
	assert_said(why);
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

	host_init(1);
	messages_clear();
	signal(SIGALRM, second_passes);
	setitimer(ITIMER_REAL, &tick, NULL);
	assert_int_equal(host_catch(die, "over"), HOST_RESET);
	setitimer(ITIMER_REAL, &off, NULL);
	assert_said("*** PANIC on CPU0");
	assert_said("it is over");
	assert_said("reset in 5 seconds");
	assert_true(host.now >= 5 * NS_PER_S);
	assert_int_equal(forced, 1);
	assert_int_equal(host.dumps, 1);
	/* Whoever comes second, this CPU again or another one, is silent. */
	messages_clear();
	assert_int_equal(host_catch(die, "again"), HOST_HALT);
	assert_silent();
}

/* --- symbols: a table about this program's own text --- */

extern const char _start[], _etext[];

u32 symbols_count = 3;
u32 symbols_addr[] = { 0x10, 0x50, 0x90 };
u32 symbols_name_off[] = { 0, 6, 13 };
char symbols_names[] = "first\0second\0third";

static void test_symbols(void **state)
{
	unsigned long start = (unsigned long)_start, offset, size;
	char buf[64];

	assert_null(symbols_lookup(start - 1, &offset, &size));
	assert_null(symbols_lookup(start + 0xf, &offset, &size));
	assert_null(symbols_lookup((unsigned long)_etext, &offset, &size));
	assert_string_equal(symbols_lookup(start + 0x10, &offset, &size), "first");
	assert_int_equal(offset, 0);
	assert_int_equal(size, 0x40);
	assert_string_equal(symbols_lookup(start + 0x4f, &offset, &size), "first");
	assert_string_equal(symbols_lookup(start + 0x50, &offset, &size), "second");
	assert_string_equal(symbols_lookup(start + 0x1000, &offset, &size), "third");
	assert_int_equal(offset, 0x1000 - 0x90);
	assert_int_equal(size, (unsigned long)_etext - start - 0x90);
	symbols_format(buf, sizeof(buf), start + 0x54);
	assert_string_equal(buf, "second+0x4/0x40");
	symbols_format(buf, sizeof(buf), 0x1234);
	assert_string_equal(buf, "0x1234");
	symbols_count = 0;
	assert_null(symbols_lookup(start + 0x20, &offset, &size));
	symbols_count = 1;
	assert_string_equal(symbols_lookup(start + 0x20, &offset, &size), "first");
}
