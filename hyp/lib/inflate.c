/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflate. A Huffman code is kept as a table for codes of up to FAST_BITS bits, indexed by the next
 * bits of the stream, and for longer ones as the number of codes of each length, from which the
 * canonical code follows (RFC 1951, 3.2.2). What a stream may not do is what zlib refuses, too.
 */
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/inflate.h>
#include <serai/string.h>

#define CODE_BITS_MAX 15
#define FAST_BITS     10
#define LITERALS      288
#define DISTANCES     32
#define LENGTH_CODES  19
#define END_OF_BLOCK  256

struct huffman {
	u16 fast[1 << FAST_BITS];	 /* symbol << 4 | length; 0: not here */
	u16 count[CODE_BITS_MAX + 1];	 /* codes of each length */
	u16 symbol[LITERALS];		 /* by length, then value */
};

struct inflate {
	struct inflate_input *in;
	u64 bits; /* of the stream, the next one lowest */
	u32 nr;	  /* valid ones */
	bool failed;
	u8 *out;
	size_t at, size;
	struct huffman literal, distance;
	u8 lengths[LITERALS + DISTANCES];
};

static struct inflate work __initbss;
static u32 crc_table[256] __initbss;

/* ------------------------------------------------------------------------------------- stream -- */

static u32 __init next_byte(struct inflate *z)
{
	struct inflate_input *in = z->in;

	if (unlikely(in->at == in->end) && !in->more(in)) {
		z->failed = true;
		return 0;
	}
	return *in->at++;
}

static void __init need_bits(struct inflate *z, u32 n)
{
	while (z->nr < n && !z->failed) {
		z->bits |= (u64)next_byte(z) << z->nr;
		z->nr += 8;
	}
}

/* n <= 16 */
static u32 __init take_bits(struct inflate *z, u32 n)
{
	u32 v;

	need_bits(z, n);
	v = (u32)(z->bits & ((1U << n) - 1));
	z->bits >>= n;
	z->nr -= MIN(n, z->nr);
	return v;
}

/* -------------------------------------------------------------------------------------- codes -- */

static u32 __init reverse(u32 code, u32 len)
{
	u32 r = 0;

	for (u32 i = 0; i < len; i++)
		r |= (code >> i & 1) << (len - 1 - i);
	return r;
}

static void __init fill_fast(struct huffman *h, const u8 *lengths, u32 nr)
{
	u32 next[CODE_BITS_MAX + 1] = { 0 }, code = 0;

	for (u32 len = 1; len <= CODE_BITS_MAX; len++) {
		code = (code + (len > 1 ? h->count[len - 1] : 0U)) << 1;
		next[len] = code;
	}
	for (u32 s = 0; s < nr; s++) {
		u32 len = lengths[s];

		if (!len)
			continue;
		code = next[len]++;
		if (len > FAST_BITS)
			continue;
		for (u32 i = reverse(code, len); i < 1U << FAST_BITS; i += 1U << len)
			h->fast[i] = (u16)(s << 4 | len);
	}
}

/*
 * A code must use up all bit patterns, unless it has one symbol of one bit, or none at all: then each
 * use of a missing one is an error. complete: it must anyway.
 */
static bool __init huffman_build(struct huffman *h, const u8 *lengths, u32 nr, bool complete)
{
	u32 offset[CODE_BITS_MAX + 2] = { 0 }, used = 0;
	int left = 1;

	memset(h, 0, sizeof(*h));
	for (u32 s = 0; s < nr; s++)
		h->count[lengths[s]]++;
	used = nr - h->count[0];
	h->count[0] = 0;
	for (u32 len = 1; len <= CODE_BITS_MAX; len++) {
		left = left * 2 - h->count[len];
		if (left < 0)
			return false;
		offset[len + 1] = offset[len] + h->count[len];
	}
	if (left > 0 && used && (complete || used > 1 || !h->count[1]))
		return false;
	for (u32 s = 0; s < nr; s++)
		if (lengths[s])
			h->symbol[offset[lengths[s]]++] = (u16)s;
	fill_fast(h, lengths, nr);
	return true;
}

/* Longer than FAST_BITS, or none at all. */
static __noinline u32 __init take_slow(struct inflate *z, const struct huffman *h)
{
	u32 code = 0, first = 0, index = 0;

	for (u32 len = 1; len <= CODE_BITS_MAX; len++) {
		code |= take_bits(z, 1);
		if (z->failed)
			return 0;
		if (code - first < h->count[len])
			return h->symbol[index + (code - first)];
		index += h->count[len];
		first = (first + h->count[len]) << 1;
		code <<= 1;
	}
	z->failed = true;
	return 0;
}

static u32 __init take_symbol(struct inflate *z, const struct huffman *h)
{
	u32 entry, len;

	/* The last symbol of a stream may be shorter than what is looked at. */
	while (z->nr < FAST_BITS && (z->in->at < z->in->end || z->in->more(z->in))) {
		z->bits |= (u64)*z->in->at++ << z->nr;
		z->nr += 8;
	}
	entry = h->fast[z->bits & ((1U << FAST_BITS) - 1)];
	len = entry & 15;
	if (unlikely(!len || len > z->nr))
		return take_slow(z, h);
	z->bits >>= len;
	z->nr -= len;
	return entry >> 4;
}

/* ------------------------------------------------------------------------------------- blocks -- */

static void __init copy_match(struct inflate *z, size_t distance, size_t len)
{
	if (distance > z->at || len > z->size - z->at) {
		z->failed = true;
		return;
	}
	for (u8 *to = z->out + z->at, *end = to + len; to < end; to++)
		*to = *(to - distance);
	z->at += len;
}

/* Lengths and distances: what a symbol stands for, and how many bits are to be added. */
static size_t __init take_length(struct inflate *z, u32 symbol)
{
	u32 n = symbol - 257, extra = n < 8 ? 0 : (n - 4) / 4;

	if (n == 28)
		return 258;
	if (n > 28)
		z->failed = true;
	if (n < 8)
		return n + 3;
	return 3 + ((4 + n % 4) << extra) + take_bits(z, extra);
}

static size_t __init take_distance(struct inflate *z, u32 symbol)
{
	u32 extra = symbol < 4 ? 0 : symbol / 2 - 1;

	if (symbol > 29) {
		z->failed = true;
		return 0;
	}
	if (symbol < 4)
		return symbol + 1;
	return 1 + ((2 + symbol % 2) << extra) + take_bits(z, extra);
}

static void __init inflate_codes(struct inflate *z)
{
	while (!z->failed) {
		u32 symbol = take_symbol(z, &z->literal);
		size_t len;

		if (symbol == END_OF_BLOCK)
			return;
		if (symbol > END_OF_BLOCK) {
			len = take_length(z, symbol);
			copy_match(z, take_distance(z, take_symbol(z, &z->distance)), len);
		} else if (z->at < z->size && !z->failed) {
			z->out[z->at++] = (u8)symbol;
		} else {
			z->failed = true;
		}
	}
}

static void __init inflate_stored(struct inflate *z)
{
	u32 len, check;

	take_bits(z, z->nr % 8);
	len = take_bits(z, 16);
	check = take_bits(z, 16);
	if (len != (check ^ 0xffff) || len > z->size - z->at)
		z->failed = true;
	for (; len && !z->failed; len--)
		z->out[z->at++] = (u8)take_bits(z, 8);
}

static void __init inflate_fixed(struct inflate *z)
{
	for (u32 i = 0; i < LITERALS; i++)
		z->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	huffman_build(&z->literal, z->lengths, LITERALS, false);
	memset(z->lengths, 5, DISTANCES);
	huffman_build(&z->distance, z->lengths, DISTANCES, false);
	inflate_codes(z);
}

/* The lengths of both codes in one row; a repetition may go over from the first to the second. */
static void __init take_lengths(struct inflate *z, u32 nr)
{
	u32 i = 0;

	while (i < nr && !z->failed) {
		u32 symbol = take_symbol(z, &z->literal), times;
		u8 len = 0;

		if (symbol < 16) {
			z->lengths[i++] = (u8)symbol;
			continue;
		}
		if (symbol == 16 && !i)
			z->failed = true;
		else if (symbol == 16)
			len = z->lengths[i - 1];
		times = symbol == 16 ? 3 + take_bits(z, 2) : symbol == 17 ? 3 + take_bits(z, 3) :
								    11 + take_bits(z, 7);
		if (times > nr - i)
			z->failed = true;
		for (; times && !z->failed; times--)
			z->lengths[i++] = len;
	}
}

static void __init inflate_dynamic(struct inflate *z)
{
	static const u8 order[LENGTH_CODES] __initconst = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5,
							    11, 4, 12, 3, 13, 2, 14, 1, 15 };
	u32 nr_literals = 257 + take_bits(z, 5), nr_distances = 1 + take_bits(z, 5);
	u32 nr_lengths = 4 + take_bits(z, 4);
	u8 lengths[LENGTH_CODES] = { 0 };

	for (u32 i = 0; i < nr_lengths; i++)
		lengths[order[i]] = (u8)take_bits(z, 3);
	if (nr_literals > 286 || nr_distances > 30 ||
	    !huffman_build(&z->literal, lengths, LENGTH_CODES, true)) {
		z->failed = true;
		return;
	}
	take_lengths(z, nr_literals + nr_distances);
	if (z->failed || !z->lengths[END_OF_BLOCK] ||
	    !huffman_build(&z->literal, z->lengths, nr_literals, false) ||
	    !huffman_build(&z->distance, z->lengths + nr_literals, nr_distances, false)) {
		z->failed = true;
		return;
	}
	inflate_codes(z);
}

static bool __init inflate(struct inflate *z)
{
	static void (*const block[])(struct inflate *) __initconst = {
		inflate_stored, inflate_fixed, inflate_dynamic,
	};
	bool last = false;

	while (!last && !z->failed) {
		u32 kind;

		last = take_bits(z, 1);
		kind = take_bits(z, 2);
		if (kind < ARRAY_SIZE(block) && !z->failed)
			block[kind](z);
		else
			z->failed = true;
	}
	return !z->failed;
}

/* --------------------------------------------------------------------------------------- gzip -- */

enum { FLAG_HEADER_CRC = 0x02, FLAG_EXTRA = 0x04, FLAG_NAME = 0x08, FLAG_COMMENT = 0x10,
       FLAGS_RESERVED = 0xe0 };

static void __init skip_bytes(struct inflate *z, u32 n)
{
	while (n-- && !z->failed)
		next_byte(z);
}

static void __init skip_text(struct inflate *z)
{
	while (next_byte(z) && !z->failed)
		;
}

static bool __init read_header(struct inflate *z)
{
	u32 flags, extra;

	if (next_byte(z) != 0x1f || next_byte(z) != 0x8b || next_byte(z) != 8)
		return false;
	flags = next_byte(z);
	if (flags & FLAGS_RESERVED)
		return false;
	skip_bytes(z, 6); /* time, extra flags, system */
	if (flags & FLAG_EXTRA) {
		extra = next_byte(z);
		extra |= next_byte(z) << 8;
		skip_bytes(z, extra);
	}
	if (flags & FLAG_NAME)
		skip_text(z);
	if (flags & FLAG_COMMENT)
		skip_text(z);
	if (flags & FLAG_HEADER_CRC)
		skip_bytes(z, 2);
	return !z->failed;
}

static u32 __init crc32(const u8 *p, size_t size)
{
	u32 crc = ~0U;

	for (u32 i = 0; i < ARRAY_SIZE(crc_table); i++) {
		u32 c = i;

		for (u32 bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320U : 0);
		crc_table[i] = c;
	}
	while (size--)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return ~crc;
}

int __init gzip_unpack(struct inflate_input *in, u8 *out, size_t size)
{
	struct inflate *z = &work;
	u32 crc;

	memset(z, 0, sizeof(*z));
	z->in = in;
	z->out = out;
	z->size = size;
	if (!read_header(z) || !inflate(z) || z->at != size)
		return -XEN_EINVAL;
	take_bits(z, z->nr % 8);
	crc = take_bits(z, 16);
	crc |= take_bits(z, 16) << 16;
	if (crc != crc32(out, size) || take_bits(z, 16) != (size & 0xffff) ||
	    take_bits(z, 16) != (size >> 16 & 0xffff) || z->failed)
		return -XEN_EINVAL;
	return 0;
}
