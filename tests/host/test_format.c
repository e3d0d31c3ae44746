/* SPDX-License-Identifier: Apache-2.0 */
/* sources: */
/* vsnprintf() against that of the C library: every combination of flags, width and precision. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define vsnprintf hyp_vsnprintf
#define snprintf  hyp_snprintf
#include "../../hyp/lib/format.c"
#undef vsnprintf
#undef snprintf

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-security"

#define CHECK(fmt, ...)                                                         \
	do {                                                                    \
		char x_[128], y_[128];                                          \
		int n_ = snprintf(x_, sizeof(x_), fmt, ##__VA_ARGS__);          \
		int m_ = hyp_snprintf(y_, sizeof(y_), fmt, ##__VA_ARGS__);      \
		if (n_ != m_ || strcmp(x_, y_))                                 \
			fail_msg("%s: \"%s\" (%d), not \"%s\" (%d)", fmt, y_, m_, x_, n_); \
	} while (0)

static const char *const flags[] = { "", "-", "0", "+", " ", "#", "-0", "+0", "#0", "-#", "+-", "#+0" };
static const char *const widths[] = { "", "1", "5", "12", "30" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".4", ".25" };

static const s64 values[] = { 0, 1, -1, 7, 9, 10, 255, 256, -128, 32767, -32768, 65535, INT32_MAX,
			      INT32_MIN, INT64_MAX, INT64_MIN, 0x123456789abcdef0 };

static void check_value(const char *flag, const char *width, const char *precision, s64 v)
{
	static const char *const lengths[] = { "hh", "h", "" };
	static const char *const long_lengths[] = { "l", "ll", "z" };
	char fmt[32];

	for (const char *c = "diuxXo"; *c; c++) {
		/* '+' and ' ' mean nothing to unsigned conversions, '#' nothing to decimal ones. */
		if (strpbrk(flag, strchr("di", *c) ? "#" : *c == 'u' ? "+ #" : "+ "))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			snprintf(fmt, sizeof(fmt), "[%%%s%s%s%s%c]", flag, width, precision,
				 lengths[i], *c);
			CHECK(fmt, (int)v);
			snprintf(fmt, sizeof(fmt), "[%%%s%s%s%s%c]", flag, width, precision,
				 long_lengths[i], *c);
			CHECK(fmt, v);
		}
	}
}

static void test_numbers(void **state)
{
	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (size_t v = 0; v < ARRAY_SIZE(values); v++)
					check_value(flags[f], widths[w], precisions[p], values[v]);
}

static void test_text(void **state)
{
	CHECK("plain");
	CHECK("100%% of %d%%", 5);
	for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
		for (size_t p = 0; p < ARRAY_SIZE(precisions); p++) {
			char fmt[32];

			snprintf(fmt, sizeof(fmt), "<%%%s%ss|%%-%s%ss>", widths[w], precisions[p],
				 widths[w], precisions[p]);
			CHECK(fmt, "hello", "");
			CHECK(fmt, "a longer text than that", "x");
		}
	}
	CHECK("%c%5c%-3c|", 'a', 'b', 'c');
	CHECK("%s", (char *)NULL);
	CHECK("%p %20p", (void *)0x1234, (void *)0xffff800012345678);
}

/* The end of the argument of %.3s need not be terminated. */
static void test_bounded_text(void **state)
{
	char *p = malloc(3);
	char buf[8];

	memcpy(p, "abc", 3);
	assert_int_equal(hyp_snprintf(buf, sizeof(buf), "%.3s", p), 3);
	assert_string_equal(buf, "abc");
	free(p);
}

static void test_stars(void **state)
{
	CHECK("%*d|%-*d|%*d", 6, 42, 6, 42, -6, 42);
	CHECK("%.*d|%.*d|%*.*x", 4, 42, -1, 42, 8, 4, 42);
	CHECK("%.*s", 2, "abc");
}

static void test_truncation(void **state)
{
	for (size_t size = 0; size < 20; size++) {
		char x[20], y[20];

		memset(x, '#', sizeof(x));
		memset(y, '#', sizeof(y));
		assert_int_equal(snprintf(x, size, "%08x %s", 0x1234, "text"),
				 hyp_snprintf(y, size, "%08x %s", 0x1234, "text"));
		assert_memory_equal(x, y, sizeof(x));
	}
	assert_int_equal(hyp_snprintf(NULL, 0, "%d", 12345), 5);
}

static void test_unknown_conversion(void **state)
{
	char buf[32];

	hyp_snprintf(buf, sizeof(buf), "a%-5.2ykz %d%", 7);
	assert_string_equal(buf, "a%-5.2ykz 7%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	     cmocka_unit_test(test_text),
		cmocka_unit_test(test_bounded_text), cmocka_unit_test(test_stars),
		cmocka_unit_test(test_truncation),   cmocka_unit_test(test_unknown_conversion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
