/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/lib/inflate.c */
/* options: -max_len=4096 */
/*
 * Unpacking of whatever bytes: zlib and we agree which streams are sound, and on what is in them. The
 * input is a deflate stream; header and trailer are made for it, from what zlib says.
 */
#include <serai/inflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define OUT_MAX 65536
#define HEADER	10
#define TRAILER 8

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

static void put32(u8 *p, u64 v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (u8)(v >> (8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u8 header[HEADER] = { 0x1f, 0x8b, 8 };
	static u8 theirs[OUT_MAX];
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)size, .next_out = theirs,
		       .avail_out = OUT_MAX };
	u8 *file = malloc(HEADER + size + TRAILER), *out;
	struct inflate_input in = { file, file, more, NULL };
	struct pieces p;
	bool sound;

	if (inflateInit2(&z, -15) != Z_OK)
		abort();
	sound = inflate(&z, Z_FINISH) == Z_STREAM_END;
	inflateEnd(&z);
	memcpy(file, header, HEADER);
	memcpy(file + HEADER, data, z.total_in);
	put32(file + HEADER + z.total_in, crc32(0, theirs, (uInt)z.total_out));
	put32(file + HEADER + z.total_in + 4, z.total_out);
	p = (struct pieces){ file + HEADER + z.total_in + TRAILER, 1 + size % 61 };
	in.ctx = &p;
	out = malloc(z.total_out);
	if ((gzip_unpack(&in, out, z.total_out) == 0) != sound)
		abort();
	if (sound && memcmp(out, theirs, z.total_out))
		abort();
	free(out);
	free(file);
	return 0;
}
