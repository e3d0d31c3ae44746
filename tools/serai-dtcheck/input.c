/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the file, and words for what people give us that is no device tree blob. */
#include "dtcheck.h"
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT (64UL << 20)

static const struct {
	size_t offset, len;
	const char *bytes, *what;
} known[] = {
	{ 0, 2, "\x1f\x8b", "this is a gzip file; unpack it first (gunzip)" },
	{ 0, 6, "\xfd" "7zXZ\0", "this is an xz file; unpack it first (unxz)" },
	{ 0, 4, "\x7f" "ELF", "this is an ELF file, not a device tree" },
	{ 0, 4, "\xd7\xb7\xab\x1e", "this is Android's table of trees (dtbo); take one tree out of it" },
	{ 56, 4, "ARM\x64", "this is an arm64 kernel Image, not a device tree" },
};

static bool complain(const char *name, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", PROGRAM, name, what);
	return false;
}

/* All of the stream, with room to grow; at most SIZE_LIMIT. */
static bool read_stream(FILE *in, struct blob *out)
{
	size_t room = 64 << 10, n;

	*out = (struct blob){ .data = malloc(room) };
	while (out->data && (n = fread((char *)out->data + out->size, 1, room - out->size, in))) {
		out->size += n;
		if (out->size > SIZE_LIMIT)
			return false;
		if (out->size == room)
			out->data = realloc(out->data, room *= 2);
	}
	return out->data && !ferror(in);
}

bool blob_read(const char *name, struct blob *out)
{
	FILE *in = strcmp(name, "-") ? fopen(name, "rb") : stdin;
	bool ok;

	if (!in)
		return complain(name, strerror(errno));
	errno = 0;
	ok = read_stream(in, out);
	if (!ok)
		complain(name, errno ? strerror(errno) : "it is larger than 64 MiB");
	if (in != stdin)
		fclose(in);
	return ok;
}

/* Text with a node in it, and no byte that text does not have. */
static bool is_source(const struct blob *b)
{
	const char *s = b->data;
	size_t n = b->size < 4096 ? b->size : 4096;

	for (size_t i = 0; i < n; i++)
		if (!s[i] || (unsigned char)s[i] == 0x7f)
			return false;
	return memmem(s, n, "/dts-v1/", 8) || memmem(s, n, "/ {", 3) || memmem(s, n, "#include", 8);
}

static bool complain_unknown(const char *name, const struct blob *b)
{
	const char *dot = strrchr(name, '.');
	char text[512];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (b->size >= known[i].offset + known[i].len &&
		    !memcmp((char *)b->data + known[i].offset, known[i].bytes, known[i].len))
			return complain(name, known[i].what);
	if (!is_source(b))
		return complain(name, "this is no device tree blob (it does not begin with d0 0d fe ed); "
				      "with QEMU, -machine ...,dumpdtb=FILE writes one");
	if (!dot || strchr(dot, '/'))
		dot = name + strlen(name);
	snprintf(text, sizeof(text),
		 "this is device tree source; compile it with: dtc -O dtb -o %.*s.dtb %s",
		 (int)(dot - name), name, name);
	return complain(name, text);
}

static bool complain_size(const char *name, const struct blob *b)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "the file is cut off: its header says %u bytes, but there are %zu; copy it again",
		 fdt_totalsize(b->data), b->size);
	return complain(name, text);
}

bool blob_check_tree(const char *name, const struct blob *b)
{
	if (!b->size)
		return complain(name, "the file is empty");
	if (b->size < sizeof(struct fdt_header) || fdt_magic(b->data) != FDT_MAGIC)
		return complain_unknown(name, b);
	if (fdt_totalsize(b->data) > b->size)
		return complain_size(name, b);
	if (fdt_totalsize(b->data) > DT_SIZE_MAX)
		return complain(name, "the tree is larger than 2 MiB, the limit of the boot protocol; "
				      "pack it (fdtput, dtc -I dtb -O dtb) or leave nodes out");
	if (fdt_version(b->data) < 16)
		return complain(name, "the blob has a version before 16; compile it with a dtc of "
				      "this century");
	if (dt_check(b->data, b->size))
		return complain(name, "the blob is damaged: its structure cannot be walked; compile or "
				      "copy it again");
	if (fdt_path_offset(b->data, "/fragment@0/__overlay__") >= 0)
		return complain(name, "this is an overlay; apply it to a tree first: fdtoverlay -i "
				      "BASE.dtb -o OUT.dtb OVERLAY.dtbo");
	if (fdt_path_offset(b->data, "/images") >= 0 &&
	    fdt_path_offset(b->data, "/configurations") >= 0)
		return complain(name, "this is a FIT image, not a machine's tree; take the tree out of "
				      "it (dumpimage -T flat_dt -p NUMBER -o FILE)");
	return true;
}
