/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that cannot be loaded as they are in their files: packed by gzip, or ELF. What is to be
 * loaded is made in the heap before the first domain is built, once for all that name the file.
 */
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/inflate.h>
#include <serai/launch.h>
#include <serai/printk.h>

#define GZIP_LEAST   18UL   /* bytes of header and trailer */
#define DEFLATE_MOST 1032UL /* bytes that come out of one byte */

/* Memory of whole pages from the heap; NULL: there is none of that size in one piece. */
static void *__init pages_alloc(u64 size)
{
	u64 nr = DIV_ROUND_UP(size, PAGE_SIZE);
	unsigned int order = 0;
	void *va;

	while (order <= FRAME_ORDER_MAX && 1UL << order < nr)
		order++;
	va = order <= FRAME_ORDER_MAX ? heap_alloc(order, FRAME_NO_SCRUB) : NULL;
	if (va && 1UL << order > nr)
		frame_free_range(mfn_to_frame(virt_to_mfn(va)) + nr, (1UL << order) - nr);
	return va;
}

static void __init pages_free(paddr_t pa, u64 size)
{
	frame_free_range(mfn_to_frame(paddr_to_mfn(pa)), DIV_ROUND_UP(size, PAGE_SIZE));
}

/* The file, frame by frame. */
struct source {
	paddr_t at, end;
	const u8 *va; /* of the frame that is mapped, or NULL */
};

static bool __init source_more(struct inflate_input *in)
{
	struct source *s = in->ctx;
	u64 offset = s->at & (PAGE_SIZE - 1), n = MIN(PAGE_SIZE - offset, s->end - s->at);

	if (s->va)
		frame_unmap(s->va);
	s->va = NULL;
	if (!n)
		return false;
	s->va = frame_map(paddr_to_mfn(s->at));
	in->at = s->va + offset;
	in->end = in->at + n;
	s->at += n;
	return true;
}

static int __init unpack_gzip(const struct boot_info *bi, struct boot_module *m)
{
	struct source s = { m->start, m->start + m->size, NULL };
	struct inflate_input in = { .more = source_more, .ctx = &s };
	u32 size = 0;
	void *out;
	int rc;

	if (m->size >= GZIP_LEAST)
		kernel_read(m, m->size - sizeof(size), &size, sizeof(size));
	if (!size || size / DEFLATE_MOST > m->size)
		return kernel_refuse(bi, m, "a gzip file that is damaged or cut short, or longer by "
				     "reg than it is; write its size in bytes");
	out = pages_alloc(size);
	if (!out)
		return kernel_refuse(bi, m, "a gzip file, and there is not enough free memory in one "
				     "piece to unpack it; unpack it before (gunzip)");
	rc = gzip_unpack(&in, out, size);
	if (s.va)
		frame_unmap(s.va);
	if (rc) {
		pages_free(virt_to_paddr(out), size);
		return kernel_refuse(bi, m, "a gzip file that is damaged, or reg is not its size");
	}
	m->image = virt_to_paddr(out);
	m->image_size = size;
	return 0;
}

static int __init lay_out_elf(const struct boot_info *bi, struct boot_module *m)
{
	struct boot_elf elf;
	int rc = kernel_read_elf(bi, m, &elf);
	void *out;

	if (rc)
		return rc;
	out = pages_alloc(elf.end - elf.base);
	if (!out)
		return kernel_refuse(bi, m, "an ELF file that takes more memory than is free in one "
				     "piece");
	kernel_load_elf(m, &elf, out);
	if (m->image != m->start)
		pages_free(m->image, m->image_size);
	m->image = virt_to_paddr(out);
	m->image_size = elf.end - elf.base;
	m->elf = elf;
	return 0;
}

/* The file of an earlier module that is the same; NULL: there is none. */
static const struct boot_module *__init same_file(const struct boot_info *bi,
						  const struct boot_module *m)
{
	for (const struct boot_module *o = bi->modules; o < m; o++)
		if (o->kind == MODULE_KERNEL && o->start == m->start && o->size == m->size &&
		    o->image != o->start)
			return o;
	return NULL;
}

static int __init unpack(const struct boot_info *bi, struct boot_module *m)
{
	const struct boot_module *same = same_file(bi, m);
	int rc = 0;

	if (same) {
		m->image = same->image;
		m->image_size = same->image_size;
		m->elf = same->elf;
		return 0;
	}
	if (kernel_is_packed(m))
		rc = unpack_gzip(bi, m);
	if (!rc && kernel_is_elf(m))
		rc = lay_out_elf(bi, m);
	if (rc && m->image != m->start) {
		pages_free(m->image, m->image_size);
		m->image = m->start;
		m->image_size = m->size;
	} else if (m->image != m->start) {
		pr_info("kernel at %#lx: unpacked, %lu KiB\n", m->start, m->image_size >> 10);
	}
	return rc;
}

int __init kernel_unpack(struct boot_info *bi)
{
	bool refused = false;

	for (u32 i = 0; i < bi->nr_modules; i++) {
		struct boot_module *m = &bi->modules[i];
		struct boot_domain *d = bootdomain_find(bi, m->domain_node);

		if (m->kind != MODULE_KERNEL || (d && d->left_out) || !unpack(bi, m))
			continue;
		if (!d)
			return -XEN_EINVAL;
		d->left_out = refused = true;
	}
	return refused ? bootinfo_verdict(bi) : 0;
}

/* Guests that are restarted are loaded from it again. */
static bool __init is_kept(const struct boot_info *bi, const struct boot_module *m)
{
	for (u32 i = 0; i < bi->nr_modules && !options.dom0less_norestart; i++)
		if (bi->modules[i].image == m->image && bi->modules[i].domain_node >= 0)
			return true;
	return false;
}

void __init kernel_give_back(struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_modules; i++) {
		struct boot_module *m = &bi->modules[i];

		if (m->kind == MODULE_KERNEL && m->image != m->start && !same_file(bi, m) &&
		    !is_kept(bi, m))
			launch_give_back(m->image, m->image + ROUND_UP(m->image_size, PAGE_SIZE), true);
	}
}
