/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's device tree with two guests, domU1 and domU2, and no dom0, to be changed and then read. */
#ifndef TESTS_BOOT_TREE_H
#define TESTS_BOOT_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/errno.h>

#define FDT_AT 0x4a000000UL
#define D1     "/chosen/domU1"
#define D2     "/chosen/domU2"
#define K1     D1 "/module@60000000"
#define R1     D1 "/module@64000000"
#define DOM0_K "/chosen/module@0x44000000"
#define DOM0_R "/chosen/module@0x48000000"

static void *fdt, *done;
static struct boot_info *const bi = &boot_info;

static void add_module(const char *domain, const char *name, const char *kind, u32 at, u32 size)
{
	static const char kinds[][40] = { "multiboot,kernel\0multiboot,module",
					  "multiboot,ramdisk\0multiboot,module",
					  "multiboot,device-tree\0multiboot,module" };
	const char *c = kinds[*kind == 'k' ? 0 : *kind == 'r' ? 1 : 2];
	char path[64];

	tree_add(fdt, domain, name);
	snprintf(path, sizeof(path), "%s/%s", domain, name);
	tree_set(fdt, path, "compatible", c, strlen(c) + sizeof("multiboot,module") + 1);
	tree_set_cells(fdt, path, "reg", 0, at, 0, size);
}

static void add_domain(const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/chosen/%s", name);
	tree_add(fdt, "/chosen", name);
	/* libfdt puts new properties first. */
	tree_set_string(fdt, path, "compatible", "xen,domain");
	tree_set_cells(fdt, path, "#address-cells", 2);
	tree_set_cells(fdt, path, "#size-cells", 2);
	tree_set_cells(fdt, path, "cpus", 2);
	tree_set_cells(fdt, path, "memory", 0, 0x20000);
	add_module(path, "module@60000000", "kernel", 0x60000000, 0x1f6dfc0);
	add_module(path, "module@64000000", "ramdisk", 0x64000000, 0xfe15e);
}

static int set_up(void **state)
{
	fdt = tree_data("qemu-virt.dts");
	tree_delete(fdt, DOM0_K);
	tree_delete(fdt, DOM0_R);
	add_domain("domU2");
	add_domain("domU1"); /* subnodes come in front */
	tree_set_string(fdt, K1, "bootargs", "console=ttyAMA0");
	messages_clear();
	options.dom0less_strict = false;
	return 0;
}

static int tear_down(void **state)
{
	free(fdt);
	free(done);
	fdt = done = NULL;
	return 0;
}

static inline int parse(void)
{
	done = tree_done(fdt);
	fdt = NULL;
	assert_int_equal(bootinfo_parse(done, FDT_AT, 0x40200000, 0x40280000), 0);
	return bootinfo_check(bi);
}

static inline void again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

/* dom0's own modules, as in QEMU's tree. */
static inline void add_dom0(void)
{
	add_module("/chosen", "module@44000000", "kernel", 0x44000000, 0x1000000);
}

#endif
