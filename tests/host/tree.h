/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees for tests: from a source under tests/host/data (by dtc) or from Debian's kernel
 * package, opened for editing with libfdt. tree_done() packs one into a block of exactly its size,
 * so that the sanitizer sees every read past its end.
 */
#ifndef TESTS_HOST_TREE_H
#define TESTS_HOST_TREE_H

#include <libfdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE_ROOM 0x40000

static inline void *tree_read(FILE *in)
{
	void *fdt = calloc(1, TREE_ROOM);
	char *raw = calloc(1, TREE_ROOM);
	size_t n = in ? fread(raw, 1, TREE_ROOM, in) : 0;

	if (!n || fdt_open_into(raw, fdt, TREE_ROOM)) {
		free(fdt);
		fdt = NULL;
	}
	free(raw);
	return fdt;
}

static inline void *tree_command(const char *command)
{
	FILE *in = popen(command, "r");
	void *fdt = tree_read(in);

	if (in)
		pclose(in);
	return fdt;
}

static inline void *tree_data(const char *name)
{
	char command[256];
	void *fdt;

	snprintf(command, sizeof(command), "dtc -q -I dts -O dtb tests/host/data/%s", name);
	fdt = tree_command(command);
	if (!fdt) {
		fprintf(stderr, "%s cannot be compiled; run from the top of the project\n", name);
		abort();
	}
	return fdt;
}

/* A board's tree out of Debian's kernel package, if fetch-debian.sh has it; else NULL. */
static inline void *tree_board(const char *name)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "deb=$(ls \"${SERAI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serai}\"/deb/"
		 "linux-image-[0-9]*_arm64.deb 2>/dev/null | head -n 1); [ -z \"$deb\" ] || "
		 "dpkg-deb --fsys-tarfile \"$deb\" | tar -xO --wildcards '*/%s'",
		 name);
	return tree_command(command);
}

static inline int tree_node(const void *fdt, const char *path)
{
	int node = fdt_path_offset(fdt, path);

	if (node < 0) {
		fprintf(stderr, "no node %s\n", path);
		abort();
	}
	return node;
}

static inline void tree_ok(int rc)
{
	if (rc < 0) {
		fprintf(stderr, "tree: %s\n", fdt_strerror(rc));
		abort();
	}
}

static inline void tree_set(void *fdt, const char *path, const char *name, const void *data,
			    size_t len)
{
	tree_ok(fdt_setprop(fdt, tree_node(fdt, path), name, data, (int)len));
}

static inline void tree_set_string(void *fdt, const char *path, const char *name, const char *s)
{
	tree_set(fdt, path, name, s, strlen(s) + 1);
}

/* Cells, given as numbers. */
#define tree_set_cells(fdt, path, name, ...)                                              \
	do {                                                                              \
		uint32_t cells_[] = { __VA_ARGS__ };                                      \
		for (size_t i_ = 0; i_ < sizeof(cells_) / 4; i_++)                        \
			cells_[i_] = cpu_to_fdt32(cells_[i_]);                            \
		tree_set(fdt, path, name, cells_, sizeof(cells_));                        \
	} while (0)

static inline void tree_delete(void *fdt, const char *path)
{
	tree_ok(fdt_del_node(fdt, tree_node(fdt, path)));
}

static inline void tree_delete_prop(void *fdt, const char *path, const char *name)
{
	tree_ok(fdt_delprop(fdt, tree_node(fdt, path), name));
}

static inline void tree_add(void *fdt, const char *path, const char *name)
{
	tree_ok(fdt_add_subnode(fdt, tree_node(fdt, path), name));
}

/* Buses in a bus, with all kinds of ranges. */
static inline void tree_add_buses(void *fdt)
{
	tree_add(fdt, "/", "soc");
	tree_set_cells(fdt, "/soc", "#address-cells", 1);
	tree_set_cells(fdt, "/soc", "#size-cells", 1);
	tree_set_cells(fdt, "/soc", "ranges", 0x7e000000, 0, 0xfe000000, 0x1000000, 0x40000000, 0x4,
		       0xff800000, 0x800000);
	tree_add(fdt, "/soc", "inner");
	tree_set_cells(fdt, "/soc/inner", "ranges", 0x1000, 0x7e200000, 0x2000);
	tree_add(fdt, "/soc/inner", "uart@1040");
	tree_set_cells(fdt, "/soc/inner/uart@1040", "reg", 0x1040, 0x40, 0x2fff, 1, 0x3000, 1,
		       0x2fff, 2, 0x4000, 1);
	tree_add(fdt, "/soc", "timer@40000010");
	tree_set_cells(fdt, "/soc/timer@40000010", "reg", 0x40000010, 4);
	tree_add(fdt, "/soc", "i2c");
	tree_set_cells(fdt, "/soc/i2c", "#size-cells", 0);
	tree_add(fdt, "/soc/i2c", "rtc@51");
	tree_set(fdt, "/soc/i2c", "ranges", NULL, 0);
	tree_set_cells(fdt, "/soc/i2c/rtc@51", "reg", 0x7e000051);
	tree_add(fdt, "/soc", "closed");
	tree_add(fdt, "/soc/closed", "thing@7e000000");
	tree_set_cells(fdt, "/soc/closed/thing@7e000000", "reg", 0x7e000000, 4);
	tree_add(fdt, "/soc", "same");
	tree_set(fdt, "/soc/same", "ranges", NULL, 0);
	tree_add(fdt, "/soc/same", "thing@7e000000");
	tree_set_cells(fdt, "/soc/same/thing@7e000000", "reg", 0x7e000000, 4);
}

static inline void *tree_done(void *fdt)
{
	void *exact;

	tree_ok(fdt_pack(fdt));
	exact = aligned_alloc(8, (fdt_totalsize(fdt) + 7) & ~7U);
	memcpy(exact, fdt, fdt_totalsize(fdt));
	free(fdt);
	return exact;
}

#endif
