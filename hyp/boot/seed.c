/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds for domains out of the firmware's: the ChaCha20 block function (RFC 8439, section 2.3). */
#include <serai/builder.h>
#include <serai/string.h>

#define KEY_BYTES 32

static u32 rotate(u32 v, u32 n)
{
	return v << n | v >> (32 - n);
}

static void quarter(u32 *s, u32 a, u32 b, u32 c, u32 d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

static void block(const u32 *in, u32 *out)
{
	memcpy(out, in, 64);
	for (u32 i = 0; i < 10; i++) {
		for (u32 c = 0; c < 4; c++)
			quarter(out, c, 4 + c, 8 + c, 12 + c);
		for (u32 c = 0; c < 4; c++)
			quarter(out, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4);
	}
	for (u32 i = 0; i < 16; i++)
		out[i] += in[i];
}

void seed_derive(const void *seed, size_t seed_len, u32 domain, u32 use, void *out, size_t n)
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, words[16];
	const u8 *from = seed;
	u8 *to = out;

	for (size_t i = 0; i < seed_len; i++)
		((u8 *)&in[4])[i % KEY_BYTES] ^= from[i];
	in[13] = domain;
	in[14] = use;
	for (size_t part; n; n -= part, to += part) {
		block(in, words);
		in[12]++;
		part = MIN(n, sizeof(words));
		memcpy(to, words, part);
	}
}
