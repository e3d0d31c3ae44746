/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/cmdline.c hyp/core/options.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include <serai/cmdline.h>

static struct options defaults;

static void parse(const char *text)
{
	options = defaults;
	messages_clear();
	cmdline_parse(text);
}

static int fresh(void **state)
{
	static bool known;

	if (!known)
		defaults = options;
	known = true;
	parse("");
	return 0;
}

static void test_defaults(void **state)
{
	assert_int_equal(options.dom0_mem, 0);
	assert_int_equal(options.dom0_max_vcpus, 0);
	assert_string_equal(options.console, "dtuart");
	assert_string_equal(options.dtuart, "");
	assert_int_equal(options.bootscrub, BOOTSCRUB_IDLE);
	assert_false(options.vwfi_native);
	assert_false(options.noreboot);
	assert_string_equal(cmdline_text, "");
	assert_silent();
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		u64 value;
	} cases[] = {
		{ "0", true, 0 },
		{ "4096", true, 4096 },
		{ "16k", true, 16384 },
		{ "16K", true, 16384 },
		{ "512M", true, 512UL << 20 },
		{ "2G", true, 2UL << 30 },
		{ "1T", true, 1UL << 40 },
		{ "12B", true, 12 },
		{ "0x20000000", true, 512UL << 20 },
		{ "010", true, 10 },
		{ "", false, 0 },
		{ "M", false, 0 },
		{ "-1", false, 0 },
		{ "512X", false, 0 },
		{ "512MB", false, 0 },
		{ "1.5G", false, 0 },
		{ "0x", false, 0 },
		{ "18446744073709551615K", false, 0 },
		{ "99999999T", false, 0 },
		{ "111111111111111111111111", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 v = 77;
		bool ok = parse_size(cases[i].text, &v);

		if (ok != cases[i].ok || (ok && v != cases[i].value))
			fail_msg("parse_size(\"%s\"): %d, %lu", cases[i].text, ok, v);
	}
}

static void test_dom0_mem(void **state)
{
	static const struct {
		const char *text;
		u64 value;
	} cases[] = {
		{ "dom0_mem=512M", 512UL << 20 },
		{ "dom0_mem=1G,max:2G", 1UL << 30 },
		{ "dom0_mem=max:2G,1G", 1UL << 30 },
		{ "dom0_mem=min:256M,max:2G", 2UL << 30 },
		{ "dom0_mem=min:256M", 256UL << 20 },
		{ "dom0_mem=1025K", 1024UL << 10 },
		{ "dom0_mem=1G dom0_mem=2G", 2UL << 30 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text);
		assert_silent();
		assert_int_equal(options.dom0_mem, cases[i].value);
	}
}

/* What must be said; the option keeps its default. */
static void test_bad_values(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "dom0_mem=lots", "dom0_mem=lots is not accepted; dom0_mem takes a size" },
		{ "dom0_mem=", "dom0_mem= is not accepted" },
		{ "dom0_mem", "dom0_mem is not accepted" },
		{ "no-dom0_mem", "no-dom0_mem is not accepted" },
		{ "dom0_mem=512M,x:1G", "is not accepted" },
		{ "dom0_mem=1", "is not accepted" },
		{ "dom0_mem=000000000000000000000000000000512M", "is not accepted" },
		{ "dom0_max_vcpus=0", "a number from 1 to 128" },
		{ "dom0_max_vcpus=129", "a number from 1 to 128" },
		{ "dom0_max_vcpus=4294967297", "a number from 1 to 128" },
		{ "dom0_max_vcpus=-1", "a number from 1 to 128" },
		{ "dom0_max_vcpus=2x", "a number from 1 to 128" },
		{ "no-dom0_max_vcpus", "a number from 1 to 128" },
		{ "console=vga", "console takes dtuart or none" },
		{ "vwfi=maybe", "vwfi takes trap or native" },
		{ "no-vwfi", "vwfi takes trap or native" },
		{ "noreboot=perhaps", "noreboot takes yes or no" },
		{ "no-noreboot=yes", "noreboot takes yes or no" },
		{ "bootscrub=often", "bootscrub takes off, idle or on" },
		{ "conring_size=big", "conring_size takes a size" },
		{ "conring_size=0", "conring_size takes a size" },
		{ "xsm=flask", "xsm takes dummy or silo" },
		{ "gnttab=max-ver:3", "gnttab takes max-ver:1 or max-ver:2" },
		{ "gnttab=max-ver:2,transit", "gnttab takes max-ver:1 or max-ver:2" },
		{ "no-gnttab", "gnttab takes max-ver:1 or max-ver:2" },
		{ "gnttab_max_frames=32769", "a number from 1 to 32768" },
		{ "gnttab_max_maptrack_frames=0", "a number from 1 to 65536" },
		{ "dtuart=", "dtuart takes a path or alias" },
		{ "credit2_runqueue=shelf", "credit2_runqueue takes cpu, core, socket" },
		{ "credit2_max_cpus_runqueue=0", "credit2_max_cpus_runqueue takes a number" },
		{ "sched_ratelimit_us=99", "sched_ratelimit_us takes 0, or a number" },
		{ "sched=a_name_that_is_much_too_long", "sched takes the name of a scheduler" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text);
		assert_said(cases[i].said);
		assert_memory_equal(&options, &defaults, sizeof(options));
	}
}

static void test_good_values(void **state)
{
	parse("console=none dtuart=/pl011@9000000:115200n8 loglvl=error/all guest_loglvl=all "
	      "sched=null vwfi=native noreboot bootscrub=off sync_console conring_size=20K "
	      "xsm=silo dom0_max_vcpus=0x10 gnttab=max-ver:2,no-transitive gnttab_max_frames=8 "
	      "gnttab_max_maptrack_frames=9 credit2_runqueue=all credit2_max_cpus_runqueue=4 "
	      "sched_ratelimit_us=5000");
	assert_silent();
	assert_int_equal(options.tunables.span, SCHED_SPAN_ALL);
	assert_int_equal(options.tunables.queue_cpus, 4);
	assert_int_equal(options.tunables.ratelimit_us, 5000);
	assert_string_equal(options.console, "none");
	assert_string_equal(options.dtuart, "/pl011@9000000:115200n8");
	assert_string_equal(options.loglvl, "error/all");
	assert_string_equal(options.guest_loglvl, "all");
	assert_string_equal(options.sched, "null");
	assert_true(options.vwfi_native);
	assert_true(options.noreboot);
	assert_true(options.sync_console);
	assert_int_equal(options.bootscrub, BOOTSCRUB_OFF);
	assert_int_equal(options.conring_order, 3);
	assert_string_equal(options.xsm, "silo");
	assert_int_equal(options.dom0_max_vcpus, 16);
	assert_int_equal(options.gnttab_max_version, 2);
	assert_false(options.gnttab_transitive);
	assert_int_equal(options.gnttab_max_frames, 8);
	assert_int_equal(options.gnttab_max_maptrack_frames, 9);

	/* A bad value leaves what was there. */
	parse("vwfi=native vwfi=maybe");
	assert_true(options.vwfi_native);
	parse("vwfi=native vwfi=trap");
	assert_false(options.vwfi_native);
}

static void test_booleans(void **state)
{
	static const struct {
		const char *text;
		bool noreboot;
		u8 bootscrub;
	} cases[] = {
		{ "noreboot bootscrub", true, BOOTSCRUB_ON },
		{ "noreboot=yes bootscrub=on", true, BOOTSCRUB_ON },
		{ "noreboot=1 bootscrub=idle", true, BOOTSCRUB_IDLE },
		{ "noreboot=enable bootscrub=true", true, BOOTSCRUB_ON },
		{ "noreboot noreboot=no bootscrub=0", false, BOOTSCRUB_OFF },
		{ "noreboot no-noreboot no-bootscrub", false, BOOTSCRUB_OFF },
		{ "noreboot noreboot=disable bootscrub=false", false, BOOTSCRUB_OFF },
		{ "noreboot=off no-bootscrub=no", false, BOOTSCRUB_ON },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text);
		assert_silent();
		assert_int_equal(options.noreboot, cases[i].noreboot);
		assert_int_equal(options.bootscrub, cases[i].bootscrub);
	}
}

static void test_unknown(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "dom0mem=1G", "unknown option dom0mem; did you mean dom0_mem?" },
		{ "bootscurb", "unknown option bootscurb; did you mean bootscrub?" },
		{ "no-rebot", "unknown option no-rebot; did you mean noreboot?" },
		{ "sheds=null", "unknown option sheds; did you mean sched?" },
		{ "quxquxqux=1", "unknown option quxquxqux\n" },
		{ "=1", "unknown option \n" },
		{ "an_option_with_a_very_long_name", "unknown option an_option_with" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text);
		assert_said(cases[i].said);
	}
}

static void test_words(void **state)
{
	char text[1200];

	parse("  \t noreboot\n\n  dom0_mem=1G\r ");
	assert_silent();
	assert_true(options.noreboot);
	assert_int_equal(options.dom0_mem, 1UL << 30);
	assert_string_equal(cmdline_text, "  \t noreboot\n\n  dom0_mem=1G\r ");

	/* A word too long is left out, the next is read. */
	memset(text, 'x', 300);
	strcpy(text + 300, " noreboot");
	parse(text);
	assert_said("is too long");
	assert_true(options.noreboot);

	/* A line too long is cut. */
	memset(text, ' ', sizeof(text));
	strcpy(text + 1100, "noreboot");
	parse(text);
	assert_said("only the first 1023 characters");
	assert_false(options.noreboot);
	assert_int_equal(strlen(cmdline_text), 1023);
}

static void test_table(void **state)
{
	for (u32 i = 0; i < options_count; i++) {
		const struct option *o = &options_table[i];

		assert_non_null(o->accepts);
		assert_true(o->type == OPTION_PARSED ? o->parse != NULL : o->target != NULL);
		for (u32 j = 0; j < i; j++)
			assert_string_not_equal(o->name, options_table[j].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, fresh),
		cmocka_unit_test_setup(test_sizes, fresh),
		cmocka_unit_test_setup(test_dom0_mem, fresh),
		cmocka_unit_test_setup(test_bad_values, fresh),
		cmocka_unit_test_setup(test_good_values, fresh),
		cmocka_unit_test_setup(test_booleans, fresh),
		cmocka_unit_test_setup(test_unknown, fresh),
		cmocka_unit_test_setup(test_words, fresh),
		cmocka_unit_test_setup(test_table, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
