/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/keyhandler.c hyp/core/printk.c hyp/lib/format.c */
/* Debug keys that every build has: levels of messages, all diagnostics at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <arch/host.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/guest_line.h>
#include <serai/printk.h>

struct options options;
static char said[16384];
static bool shown; /* the last message */
static unsigned int pressed;

void console_write(const char *text, bool show)
{
	shown = show;
	strncat(said, text, sizeof(said) - strlen(said) - 1);
}

bool guest_message_allowed(struct domain *d, u32 max, u32 *suppressed)
{
	*suppressed = 0;
	return true;
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *p = said; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void press(const char *keys)
{
	for (; *keys; keys++)
		keyhandler_run(*keys);
}

static int setup(void **state)
{
	host_init(1);
	strcpy(options.loglvl, "none");
	strcpy(options.guest_loglvl, "warning");
	console_init();
	said[0] = 0;
	pressed = 0;
	return 0;
}

static void levels_end_where_they_end(void **state)
{
	press("--");
	assert_int_equal(count("messages are shown up to level: none"), 2);
	assert_false(shown);
	press("++++++");
	assert_int_equal(count("messages are shown up to level: error"), 1);
	assert_int_equal(count("messages are shown up to level: debug"), 3);
	pr_debug("much\n");
	assert_true(shown);
	press("-");
	pr_debug("less\n");
	assert_false(shown);
	pr_info("this\n");
	assert_true(shown);
}

static void guests_have_a_level_of_their_own(void **state)
{
	press("G");
	assert_int_equal(count("messages about guests are shown up to level: warning"), 1);
	press("-");
	assert_int_equal(count("messages about guests are shown up to level: error"), 1);
	guest_printk(LOG_WARNING, "a guest\n");
	assert_false(shown);
	guest_printk(LOG_ERR, "a guest\n");
	assert_true(shown);
	press("G");
	assert_int_equal(count("messages are shown up to level: none"), 1);
}

static void key_pressed(void)
{
	pressed++;
}

/* Those that are there, and nothing that changes anything. */
static void all_diagnostics(void **state)
{
	keyhandler_register('q', key_pressed, "a diagnostic");
	keyhandler_register('g', key_pressed, "another one");
	keyhandler_register('w', key_pressed, "none");
	press("*");
	assert_int_equal(pressed, 2);
	assert_int_equal(host.stop, HOST_RUNS);
	assert_int_equal(count("'q' pressed: a diagnostic"), 1);
	assert_int_equal(count("level"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(levels_end_where_they_end, setup),
		cmocka_unit_test_setup(guests_have_a_level_of_their_own, setup),
		cmocka_unit_test_setup(all_diagnostics, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
