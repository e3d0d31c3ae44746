/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and string functions. Copies move aligned words. When source and destination disagree in
 * alignment, large ones go by blocks that need none; of the rest, two neighbouring source words are
 * shifted together. That reads up to seven bytes around the source, inside its own aligned words, so
 * never in another page.
 *
 * Built with -fno-builtin: the compiler must not turn these loops into calls of themselves.
 */
#include <arch/copy_block.h>
#include <serai/compiler.h>
#include <serai/string.h>
#include <serai/types.h>

#define WORD sizeof(u64)

/* Four words, both sides aligned; all are read before the first is written. */
static __always_inline void copy_four(u64 *d, const u64 *s)
{
	u64 a = s[0], b = s[1], c = s[2], e = s[3];

	d[0] = a;
	d[1] = b;
	d[2] = c;
	d[3] = e;
}

/* Both word aligned; n is a multiple of the word size. */
static __always_inline void copy_words(u64 *d, const u64 *s, size_t n)
{
	for (; n >= 16 * WORD; n -= 16 * WORD, s += 16, d += 16) {
		copy_four(d, s);
		copy_four(d + 4, s + 4);
		copy_four(d + 8, s + 8);
		copy_four(d + 12, s + 12);
	}
	for (; n >= 4 * WORD; n -= 4 * WORD, s += 4, d += 4)
		copy_four(d, s);
	for (; n; n -= WORD)
		*d++ = *s++;
}

/* d word aligned, s not; n is a multiple of the word size, not 0. Little endian. */
static void copy_shifted(u64 *d, const u8 *s, size_t n)
{
	unsigned int shift = (unsigned int)((uintptr_t)s % WORD) * 8;
	const u64 *w = (const u64 *)(const void *)(s - shift / 8);
	u64 low = *w++;

	for (; n; n -= WORD) {
		u64 high = *w++;

		*d++ = (low >> shift) | (high << (64 - shift));
		low = high;
	}
}

/* Source and destination disagree in alignment. By itself: memcpy() needs no stack. */
static __noinline void *copy_unaligned(void *dst, const u8 *s, size_t n)
{
	u8 *d = dst;
	size_t words;

	for (; n >= 4 * ARCH_COPY_BLOCK; n -= 4 * ARCH_COPY_BLOCK) {
		arch_copy_block(d, s, 0);
		arch_copy_block(d, s, ARCH_COPY_BLOCK);
		arch_copy_block(d, s, 2 * ARCH_COPY_BLOCK);
		arch_copy_block(d, s, 3 * ARCH_COPY_BLOCK);
		d += 4 * ARCH_COPY_BLOCK;
		s += 4 * ARCH_COPY_BLOCK;
	}
	for (; n >= ARCH_COPY_BLOCK; n -= ARCH_COPY_BLOCK) {
		arch_copy_block(d, s, 0);
		d += ARCH_COPY_BLOCK;
		s += ARCH_COPY_BLOCK;
	}
	for (; n && (uintptr_t)d % WORD; n--)
		*d++ = *s++;
	words = ROUND_DOWN(n, WORD);
	if (words)
		copy_shifted((u64 *)(void *)d, s, words);
	for (; words < n; words++)
		d[words] = s[words];
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;
	size_t words;

	if (n >= 2 * WORD) {
		if (unlikely(((uintptr_t)d ^ (uintptr_t)s) % WORD))
			return copy_unaligned(dst, s, n);
		for (; (uintptr_t)d % WORD; n--)
			*d++ = *s++;
		words = ROUND_DOWN(n, WORD);
		copy_words((u64 *)(void *)d, (const u64 *)(const void *)s, words);
		d += words;
		s += words;
		n -= words;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

/* For overlapping ranges with the destination above the source. */
static void copy_backwards(u8 *d, const u8 *s, size_t n)
{
	d += n;
	s += n;
	if (((uintptr_t)d - (uintptr_t)s) % WORD == 0) {
		for (; n && (uintptr_t)d % WORD; n--)
			*--d = *--s;
		for (; n >= WORD; n -= WORD) {
			d -= WORD;
			s -= WORD;
			*(u64 *)(void *)d = *(const u64 *)(const void *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	/* memcpy() goes upwards and reads, word by word or a block, ahead of what it writes. */
	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(dst, src, n);
	copy_backwards(d, s, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	u64 word = (u8)c * 0x0101010101010101UL;

	if (n >= 2 * WORD) {
		for (; (uintptr_t)d % WORD; n--)
			*d++ = (u8)c;
		for (; n >= 4 * WORD; n -= 4 * WORD) {
			u64 *w = (u64 *)(void *)d;

			w[0] = word;
			w[1] = word;
			w[2] = word;
			w[3] = word;
			d += 4 * WORD;
		}
		for (; n >= WORD; n -= WORD) {
			*(u64 *)(void *)d = word;
			d += WORD;
		}
	}
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	if (((uintptr_t)p | (uintptr_t)q) % WORD == 0)
		for (; n >= WORD && *(const u64 *)(const void *)p == *(const u64 *)(const void *)q;
		     n -= WORD) {
			p += WORD;
			q += WORD;
		}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *p = s, *digits;
	unsigned long value = 0;
	bool minus, overflow = false;

	while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		p++;
	minus = *p == '-';
	if (minus || *p == '+')
		p++;
	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' &&
	    digit_of(p[2]) < 16) {
		p += 2;
		base = 16;
	}
	if (base == 0)
		base = *p == '0' ? 8 : 10;
	for (digits = p; digit_of(*p) < (unsigned int)base; p++) {
		unsigned long next;

		overflow |= __builtin_mul_overflow(value, (unsigned long)base, &next);
		overflow |= __builtin_add_overflow(next, digit_of(*p), &value);
	}
	if (end)
		*end = (char *)(uintptr_t)(p == digits ? s : p);
	if (overflow)
		return ~0UL;
	return minus ? -value : value;
}

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src), part = MIN(n, size - 1);

	memcpy(dst, src, part);
	dst[part] = 0;
	return n;
}
