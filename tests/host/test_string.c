/* SPDX-License-Identifier: Apache-2.0 */
/* sources: */
/* The product's string functions, under other names beside those of the C library. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define memcpy	hyp_memcpy
#define memmove hyp_memmove
#define memset	hyp_memset
#define memcmp	hyp_memcmp
#define memchr	hyp_memchr
#define strlen	hyp_strlen
#define strnlen hyp_strnlen
#define strcmp	hyp_strcmp
#define strncmp hyp_strncmp
#define strchr	hyp_strchr
#define strrchr hyp_strrchr
#define strtoul hyp_strtoul
/* Reading the rest of an aligned word is intended. */
#pragma GCC push_options
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#define str_copy hyp_str_copy
static void copy_shifted(uint64_t *d, const uint8_t *s, size_t n)
	__attribute__((no_sanitize("address")));
#include "../../hyp/lib/string.c"
#pragma GCC pop_options
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strtoul

#define ROUNDS 50000
#define SIZE   1024

static u8 a[SIZE], b[SIZE], expected[SIZE], got[SIZE];

static size_t below(size_t n)
{
	return (size_t)rand() % n;
}

static void fill_random(u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (u8)rand();
}

static void test_memcpy(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = below(SIZE - 64), from = below(32), to = below(32);

		fill_random(a, SIZE);
		fill_random(b, SIZE);
		memcpy(expected, b, SIZE);
		memcpy(got, b, SIZE);
		memcpy(expected + to, a + from, n);
		assert_ptr_equal(hyp_memcpy(got + to, a + from, n), got + to);
		assert_memory_equal(expected, got, SIZE);
	}
}

static void test_memmove(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = below(SIZE / 2), from = below(SIZE / 2), to = below(SIZE / 2);

		if (rand() % 2)
			to = (from + below(40) - 20) % (SIZE / 2);
		fill_random(expected, SIZE);
		memcpy(got, expected, SIZE);
		memmove(expected + to, expected + from, n);
		assert_ptr_equal(hyp_memmove(got + to, got + from, n), got + to);
		assert_memory_equal(expected, got, SIZE);
	}
}

static void test_memset(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = below(SIZE - 32), to = below(32);
		int c = rand();

		fill_random(expected, SIZE);
		memcpy(got, expected, SIZE);
		memset(expected + to, c, n);
		assert_ptr_equal(hyp_memset(got + to, c, n), got + to);
		assert_memory_equal(expected, got, SIZE);
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void test_memcmp_memchr(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = below(64), x = below(16), y = rand() % 2 ? x : below(16);

		fill_random(a, SIZE);
		memcpy(b + y, a + x, n);
		if (n && rand() % 2)
			b[y + below(n)] ^= (u8)(1U << below(8));
		assert_int_equal(sign(hyp_memcmp(a + x, b + y, n)), sign(memcmp(a + x, b + y, n)));
		assert_ptr_equal(hyp_memchr(a, (int)x, n), memchr(a, (int)x, n));
	}
}

/* A short text of few different letters, so that prefixes are shared. */
static void random_text(char *s, size_t max)
{
	size_t n = below(max);

	for (size_t i = 0; i < n; i++)
		s[i] = "aab\xff"[below(4)];
	s[n] = 0;
}

static void test_strings(void **state)
{
	char x[16], y[16];

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = below(20);
		int c = "ab\xff\0z"[below(5)];

		random_text(x, sizeof(x));
		random_text(y, sizeof(y));
		assert_int_equal(hyp_strlen(x), strlen(x));
		assert_int_equal(hyp_strnlen(x, n), strnlen(x, n));
		assert_int_equal(sign(hyp_strcmp(x, y)), sign(strcmp(x, y)));
		assert_int_equal(sign(hyp_strncmp(x, y, n)), sign(strncmp(x, y, n)));
		assert_ptr_equal(hyp_strchr(x, c), strchr(x, c));
		assert_ptr_equal(hyp_strrchr(x, c), strrchr(x, c));
	}
}

static void check_number(const char *text, int base)
{
	char *end, *expected_end;
	unsigned long v = strtoul(text, &expected_end, base);

	assert_true(hyp_strtoul(text, &end, base) == v);
	assert_ptr_equal(end, expected_end);
}

static void test_strtoul(void **state)
{
	static const char *const texts[] = {
		"0",   "12",	"  42x", "-1",	 "+7",	 "0x10", "0xfg",  "0x",	  "0xg", "010", "08",
		"",    "abc",	"-",	 "zZ",	 "\t9",	 "18446744073709551615",
		"18446744073709551616", "99999999999999999999999", "-18446744073709551616",
		"0xffffffffffffffff",	"0x10000000000000000",	   "ffffffffffffffffff",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		check_number(texts[i], 0);
		check_number(texts[i], 10);
		check_number(texts[i], 16);
		check_number(texts[i], 8);
		check_number(texts[i], 36);
		check_number(texts[i], 2);
	}
	assert_int_equal(hyp_strtoul("77", NULL, 8), 63);
}

static void test_str_copy(void **state)
{
	char buf[6];

	assert_int_equal(hyp_str_copy(buf, "abc", sizeof(buf)), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(hyp_str_copy(buf, "abcdefgh", sizeof(buf)), 8);
	assert_string_equal(buf, "abcde");
	assert_int_equal(hyp_str_copy(buf, "abc", 1), 3);
	assert_string_equal(buf, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memcpy),	  cmocka_unit_test(test_memmove),
		cmocka_unit_test(test_memset),	  cmocka_unit_test(test_memcmp_memchr),
		cmocka_unit_test(test_strings),	  cmocka_unit_test(test_strtoul),
		cmocka_unit_test(test_str_copy),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
