/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, as far as the user said what is in it (--file), and what the hypervisor would do with that
 * before it makes a domain: unpack kernels, understand partial trees, look for places. The heap is the
 * program's; its addresses are far above those of files.
 */
#include "dtcheck.h"
#include <arch/memory.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/frame.h>
#include <serai/launch.h>
#include <serai/passthrough.h>
#include <serai/printk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX  BOOT_MODULES_MAX
#define PIECES_MAX (2 * FILES_MAX + BOOT_DOMAINS_MAX)
#define HEAP_BASE  (1UL << 46)

/* Whole pages of the machine that are known here. */
static struct piece {
	u64 start, end;
	char *pages;
} pieces[PIECES_MAX];
static unsigned int nr_pieces;

static struct module_file {
	u64 start;
	size_t size;
	const char *name;
} files[FILES_MAX];
static unsigned int nr_files;

u64 frame_first_mfn, frame_count; /* no frame has a record */
unsigned char *host_frame_table;

/* --- memory --- */

static struct piece *piece_add(u64 start, u64 size)
{
	struct piece *p = &pieces[nr_pieces];

	if (nr_pieces == PIECES_MAX)
		return NULL;
	*p = (struct piece){ start & PAGE_MASK, ROUND_UP(start + size, PAGE_SIZE),
			     calloc(1, size + 2 * PAGE_SIZE) };
	if (!p->pages)
		return NULL;
	nr_pieces++;
	return p;
}

void *frame_map(mfn_t m)
{
	static char nothing[PAGE_SIZE];
	u64 at = mfn_to_paddr(m);

	for (unsigned int i = 0; i < nr_pieces; i++)
		if (at >= pieces[i].start && at < pieces[i].end)
			return pieces[i].pages + (at - pieces[i].start);
	return nothing;
}

void frame_unmap(const void *va)
{
}

paddr_t virt_to_paddr(const void *va)
{
	const char *at = va;

	for (unsigned int i = 0; i < nr_pieces; i++)
		if (at >= pieces[i].pages && at < pieces[i].pages + (pieces[i].end - pieces[i].start))
			return pieces[i].start + (u64)(at - pieces[i].pages);
	return 0;
}

void *heap_alloc(unsigned int order, u32 flags)
{
	static u64 next = HEAP_BASE;
	struct piece *p = piece_add(next, PAGE_SIZE << order);

	next += PAGE_SIZE << order;
	return p ? p->pages : NULL;
}

void frame_free_range(struct frame *f, u64 nr)
{
}

void launch_give_back(paddr_t start, paddr_t end, bool heap)
{
}

/* --- files --- */

bool modules_add(u64 address, const char *name)
{
	struct piece *p;
	struct blob b;

	if (nr_files == FILES_MAX) {
		fprintf(stderr, "%s: more than %d files\n", PROGRAM, FILES_MAX);
		return false;
	}
	if (!blob_read(name, &b))
		return false;
	p = piece_add(address, b.size);
	if (!p)
		return false;
	memcpy(p->pages + (address - p->start), b.data, b.size);
	free(b.data);
	files[nr_files++] = (struct module_file){ address, b.size, name };
	return true;
}

static bool has_file(const struct boot_module *m)
{
	for (unsigned int i = 0; i < nr_files && m; i++)
		if (files[i].start == m->start)
			return true;
	return false;
}

static void check_size(const struct boot_info *bi, const struct module_file *f)
{
	char path[DT_PATH_MAX];
	bool used = false;

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];

		if (m->start != f->start)
			continue;
		used = true;
		if (m->size != f->size)
			pr_warn("device tree: %s: reg = <%#lx %#lx>: %s has %#lx bytes; write that "
				"size\n",
				dt_path(bi->fdt, m->node, path, sizeof(path)), (long)m->start,
				(long)m->size, f->name, (long)f->size);
	}
	if (!used)
		pr_warn("%s: no module of the device tree begins at %#lx\n", f->name, (long)f->start);
}

/* --- what the boot does with them --- */

/* The whole module, 8-byte aligned; what the file lacks is zero. */
static void *copy_module(const struct boot_module *m)
{
	char *copy = calloc(1, m->size + PAGE_SIZE);

	for (u64 done = 0, part; copy && done < m->size; done += part) {
		u64 at = m->start + done, offset = at & ~PAGE_MASK;

		part = MIN(PAGE_SIZE - offset, m->size - done);
		memcpy(copy + done, (char *)frame_map(paddr_to_mfn(at)) + offset, part);
	}
	return copy;
}

static void read_partial_trees(struct boot_info *bi, int console)
{
	bool refused = false;

	passthrough_reset();
	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];
		const struct boot_module *m = bootinfo_domain_module(bi, d->node, MODULE_FDT);
		void *tree;

		if (d->left_out || !m || !has_file(m) || m->size > DT_SIZE_MAX)
			continue;
		tree = copy_module(m);
		refused |= tree && passthrough_read(bi, i, tree, m->size, console);
	}
	if (refused)
		bootinfo_verdict(bi);
}

/* As start.c does. */
static void place_guest(const struct boot_info *bi, struct boot_domain *d)
{
	struct range ranges[BOOT_STATIC_MAX];
	struct range_set banks = { 0, BOOT_STATIC_MAX, ranges };
	struct domain_spec spec = {
		.name = d->name,
		.banks = &banks,
		.kernel = bootinfo_domain_module(bi, d->node, MODULE_KERNEL),
		.ramdisk = bootinfo_domain_module(bi, d->node, MODULE_RAMDISK),
	};
	struct kernel_image image;
	struct layout layout;

	if (!has_file(spec.kernel))
		return;
	guest_banks(d->memory, &banks);
	if (d->direct_map)
		range_set_clear(&banks);
	for (u32 i = 0; i < d->nr_static && d->direct_map; i++)
		range_set_add(&banks, d->static_mem[i].start, d->static_mem[i].end);
	if (!builder_place(bi, &spec, &image, &layout))
		return;
	d->left_out = true;
	pr_err("%s: left out; the others go on\n", d->name);
}

static void place_dom0(const struct boot_info *bi)
{
	struct domain_spec spec = {
		.name = "dom0",
		.flags = DOMAIN_HARDWARE,
		.banks = &bi->dom0_banks,
		.kernel = bootinfo_module(bi, MODULE_KERNEL),
		.ramdisk = bootinfo_module(bi, MODULE_RAMDISK),
	};
	struct kernel_image image;
	struct layout layout;

	if (has_file(spec.kernel))
		builder_place(bi, &spec, &image, &layout);
}

void modules_check(struct boot_info *bi, int console)
{
	for (unsigned int i = 0; i < nr_files; i++)
		check_size(bi, &files[i]);
	if (!nr_files || kernel_unpack(bi))
		return;
	read_partial_trees(bi, console);
	for (u32 i = 0; i < bi->nr_domains; i++)
		if (!bi->domains[i].left_out)
			place_guest(bi, &bi->domains[i]);
	place_dom0(bi);
}
