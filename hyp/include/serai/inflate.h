/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking gzip files (RFC 1952) with the deflate method (RFC 1951), while starting only. Nothing in
 * the file is believed: no byte is read behind its end or written outside the output.
 */
#ifndef SERAI_INFLATE_H
#define SERAI_INFLATE_H

#include <serai/types.h>

/* Where the file comes from, piece by piece. */
struct inflate_input {
	const u8 *at, *end;
	/* The next piece: at < end; false: there is none. */
	bool (*more)(struct inflate_input *in);
	void *ctx;
};

/*
 * Unpacks one gzip member to out, which has exactly the size that the member's last field names. 0, or
 * -XEN_EINVAL: not such a file, damaged, or of another size.
 */
int gzip_unpack(struct inflate_input *in, u8 *out, size_t size);

#endif
