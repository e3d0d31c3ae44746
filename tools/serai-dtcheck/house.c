/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hypervisor's code calls here: messages, a UART that is never there, and memory, which
 * holds the files that the user named.
 */
#include "dtcheck.h"
#include <arch/memory.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/bug.h>
#include <serai/console.h>
#include <serai/printk.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX BOOT_MODULES_MAX

unsigned int refusals, warnings;

static struct module_file {
	u64 start;
	size_t size;
	const char *name;
	char *pages; /* whole ones: start's page is the first */
} files[FILES_MAX];
static unsigned int nr_files;

/* As the console shows them, without loglvl=. */
void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	refusals += level == LOG_ERR;
	warnings += level == LOG_WARNING;
	if (level > LOG_INFO)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void console_set_uart(const struct uart *u)
{
}

/* No driver runs. */
void host_wait(void)
{
}

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return NULL;
}

/* --- memory --- */

static const char no_memory[PAGE_SIZE];

static const struct module_file *file_at(u64 address)
{
	for (unsigned int i = 0; i < nr_files; i++)
		if (address >= (files[i].start & PAGE_MASK) &&
		    address < ROUND_UP(files[i].start + files[i].size, PAGE_SIZE))
			return &files[i];
	return NULL;
}

void *frame_map(mfn_t m)
{
	u64 address = mfn_to_paddr(m);
	const struct module_file *f = file_at(address);

	return f ? f->pages + (address - (f->start & PAGE_MASK)) : (void *)(uintptr_t)no_memory;
}

void frame_unmap(const void *va)
{
}

/* --- modules --- */

bool modules_add(u64 address, const char *name)
{
	struct module_file *f = &files[nr_files];
	u64 offset = address & ~PAGE_MASK;
	struct blob b;

	if (nr_files == FILES_MAX) {
		fprintf(stderr, "%s: more than %d files\n", PROGRAM, FILES_MAX);
		return false;
	}
	if (!blob_read(name, &b))
		return false;
	*f = (struct module_file){
		.start = address,
		.size = b.size,
		.name = name,
		.pages = calloc(1, ROUND_UP(offset + b.size, PAGE_SIZE) + PAGE_SIZE),
	};
	if (!f->pages)
		return false;
	memcpy(f->pages + offset, b.data, b.size);
	free(b.data);
	nr_files++;
	return true;
}

static void check_file(const struct boot_info *bi, const struct module_file *f)
{
	bool used = false;

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];
		struct kernel_image image;
		char path[DT_PATH_MAX];

		if (m->start != f->start)
			continue;
		used = true;
		if (m->size != f->size)
			pr_warn("device tree: %s: reg = <%#lx %#lx>: %s has %#lx bytes; write that "
				"size\n",
				dt_path(bi->fdt, m->node, path, sizeof(path)), (long)m->start,
				(long)m->size, f->name, (long)f->size);
		/* What is in a packed one shows when it starts. */
		if (m->kind == MODULE_KERNEL && !kernel_is_packed(m))
			kernel_probe(bi, m, &image);
	}
	if (!used)
		pr_warn("%s: no module of the device tree begins at %#lx\n", f->name, (long)f->start);
}

void modules_check(const struct boot_info *bi)
{
	for (unsigned int i = 0; i < nr_files; i++)
		check_file(bi, &files[i]);
}
