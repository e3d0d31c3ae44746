/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/lib/inflate.c */
/*
 * Unpacking: what zlib packed, in all its ways, comes out again; what is damaged does not, and not one
 * byte outside of input and output is touched (both are blocks of exactly their size).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <serai/errno.h>
#include <serai/inflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The file in pieces of at most so many bytes. */
struct pieces {
	const u8 *end;
	size_t piece;
};

static bool more(struct inflate_input *in)
{
	struct pieces *p = in->ctx;
	size_t left = (size_t)(p->end - in->end);

	if (!left)
		return false;
	in->at = in->end;
	in->end += left < p->piece ? left : p->piece;
	return true;
}

static int unpack(const u8 *file, size_t file_size, size_t piece, u8 *out, size_t size)
{
	struct pieces p = { file + file_size, piece };
	struct inflate_input in = { file, file, more, &p };

	return gzip_unpack(&in, out, size);
}

static u8 *pack(const u8 *data, size_t size, int level, int strategy, const char *name, size_t *packed)
{
	z_stream z = { 0 };
	gz_header head = { .name = (Bytef *)name, .comment = (Bytef *)name, .extra = (Bytef *)name,
			   .extra_len = name ? 3 : 0 };
	u8 *out;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 9, strategy), Z_OK);
	if (name)
		deflateSetHeader(&z, &head);
	*packed = deflateBound(&z, size) + 64;
	out = malloc(*packed);
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)*packed;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	*packed = z.total_out;
	deflateEnd(&z);
	return realloc(out, *packed);
}

/* Something between text and noise. */
static u8 *make(size_t size, int kind)
{
	u8 *data = malloc(size ? size : 1);

	for (size_t i = 0; i < size; i++) {
		if (kind == 0)
			data[i] = (u8)rand();
		else if (kind == 1)
			data[i] = (u8)(i % 251 < 200 ? (int)(i % 17) : rand());
		else if (kind == 2)
			data[i] = 0;
		else
			data[i] = i > 40000 && rand() % 8 ? data[i - 32768 + rand() % 3] :
							    (u8)(rand() % 64);
	}
	return data;
}

static void round_trip(size_t size, int kind, int level, int strategy, const char *name, size_t piece)
{
	size_t packed;
	u8 *data = make(size, kind), *file = pack(data, size, level, strategy, name, &packed);
	u8 *out = malloc(size);

	if (unpack(file, packed, piece, out, size))
		fail_msg("%zu bytes of kind %d, level %d, strategy %d do not unpack", size, kind,
			 level, strategy);
	assert_memory_equal(out, data, size);
	/* Neither a size more nor less, nor a file cut short. */
	assert_int_equal(unpack(file, packed - 1, piece, out, size), -XEN_EINVAL);
	if (size) {
		u8 *less = malloc(size - 1);

		assert_int_equal(unpack(file, packed, piece, less, size - 1), -XEN_EINVAL);
		free(less);
	}
	free(out);
	out = malloc(size + 1);
	assert_int_equal(unpack(file, packed, piece, out, size + 1), -XEN_EINVAL);
	free(out);
	free(data);
	free(file);
}

static void test_round_trips(void **state)
{
	static const size_t sizes[] = { 1, 2, 100, 4096, 32768, 65537, 300000 };
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int kind = 0; kind < 4; kind++)
			for (int level = 0; level < 10; level += 3)
				for (int s = 0; s < 4; s++)
					round_trip(sizes[i], kind, level, strategies[s],
						   s % 2 ? "name" : NULL, i % 2 ? 4096 : 1);
}

static void test_headers(void **state)
{
	static const u8 empty[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	u8 file[sizeof(empty)], out[1];

	assert_int_equal(unpack(empty, sizeof(empty), 4096, out, 0), 0);
	for (u32 i = 0; i < 3; i++) {
		memcpy(file, empty, sizeof(file));
		file[i] ^= 1;
		assert_int_equal(unpack(file, sizeof(file), 4096, out, 0), -XEN_EINVAL);
	}
	memcpy(file, empty, sizeof(file));
	file[3] = 0x20;
	assert_int_equal(unpack(file, sizeof(file), 4096, out, 0), -XEN_EINVAL);
	for (size_t n = 0; n < sizeof(empty); n++)
		assert_int_equal(unpack(empty, n, 4096, out, 0), -XEN_EINVAL);
	/* The third kind of block does not exist. */
	memcpy(file, empty, sizeof(file));
	file[10] = 7;
	assert_int_equal(unpack(file, sizeof(file), 4096, out, 0), -XEN_EINVAL);
}

/* Random damage: zlib and we agree on each file, and on each byte. */
static void test_damage(void **state)
{
	size_t packed, size = 3000, taken = 0;
	u8 *data = make(size, 1), *out = malloc(size), *theirs = malloc(size);

	srand(5);
	for (int i = 0; i < 30000; i++) {
		static const int levels[] = { 0, 1, 6, 9 };
		u8 *file = pack(data, size, levels[i % 4], i % 8 < 4 ? Z_DEFAULT_STRATEGY : Z_FIXED,
				NULL, &packed);
		z_stream z = { .next_in = file, .avail_in = (uInt)packed, .next_out = theirs,
			       .avail_out = (uInt)size };
		int rc, wanted;

		for (int hits = rand() % 3; hits; hits--)
			file[10 + (size_t)rand() % (packed - 10)] ^= (u8)(1 << rand() % 8);
		assert_int_equal(inflateInit2(&z, 31), Z_OK);
		wanted = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == size;
		inflateEnd(&z);
		rc = unpack(file, packed, 7, out, size);
		if ((rc == 0) != wanted)
			fail_msg("round %d: zlib %s it, we answer %d", i, wanted ? "takes" : "refuses",
				 rc);
		if (!rc)
			assert_memory_equal(out, theirs, size);
		taken += !rc;
		free(file);
	}
	assert_true(taken > 5000 && taken < 25000);
	free(data);
	free(out);
	free(theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
