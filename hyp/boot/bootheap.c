/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xen,static-heap in /chosen: the hypervisor, dom0 and all domains without memory of their own get
 * theirs from there and nowhere else. As that is a promise to whoever wrote the tree, a heap that
 * cannot be as it says refuses the boot.
 */
#include "bootdomain.h"
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <libfdt.h>

#define HEAP_ALIGN (64UL << 10)
#define HEAP_MIN   (16UL << 20)
#define HEAP_SHARE 128 /* of all RAM: frame table, page tables */

static const char heap_name[] __initconst = "xen,static-heap";

static u32 __init root_cells(const struct boot_info *bi, const char *name, u32 fallback)
{
	int len;
	const u32 *c = fdt_getprop(bi->fdt, 0, name, &len);

	return c && len == 4 ? (u32)dt_cells(c, 1) : fallback;
}

void __init bootheap_read(struct boot_info *bi, int chosen)
{
	struct cells c = { root_cells(bi, "#address-cells", 2), root_cells(bi, "#size-cells", 1) };

	if (chosen < 0 || !fdt_getprop(bi->fdt, chosen, heap_name, NULL))
		return;
	bi->static_heap_bad = boot_cells(bi, chosen, "#xen,static-heap-address-cells",
					 "#xen,static-heap-size-cells", &c);
	if (!bi->static_heap_bad)
		bi->static_heap_bad = boot_ranges(bi, chosen, heap_name, &c, HEAP_ALIGN,
						  bi->static_heap, BOOT_STATIC_MAX,
						  &bi->nr_static_heap);
}

static int __init refuse_heap(const struct boot_info *bi, const char *why, const char *write)
{
	bootdomain_refuse_prop(bi, NULL, fdt_path_offset(bi->fdt, "/chosen"), heap_name, why, write);
	return -XEN_EINVAL;
}

static int __init check_piece(const struct boot_info *bi, u32 i)
{
	const struct range *r = &bi->static_heap[i];
	char why[96];

	for (u32 k = 0; k < i; k++)
		if (ranges_overlap(r, &bi->static_heap[k])) {
			snprintf(why, sizeof(why), "%#lx-%#lx is named twice", r->start, r->end - 1);
			return refuse_heap(bi, why, "name each piece of RAM once");
		}
	if (range_set_find(&bi->banks, r->start, r->end))
		return 0;
	snprintf(why, sizeof(why), "%#lx-%#lx is not in RAM", r->start, r->end - 1);
	return refuse_heap(bi, why, "write addresses of RAM, or remove it: all free memory is used "
				    "then");
}

int __init bootheap_check(const struct boot_info *bi)
{
	u64 least = HEAP_MIN + range_set_total(&bi->banks) / HEAP_SHARE, sum = 0;
	char why[96];

	if (bi->static_heap_bad)
		return refuse_heap(bi, bi->static_heap_bad,
				   "write pairs of an address and a size, multiples of 64 KiB, with as "
				   "many cells as #address-cells and #size-cells of the root say");
	for (u32 i = 0; i < bi->nr_static_heap; i++) {
		int rc = check_piece(bi, i);

		if (rc)
			return rc;
		sum += range_size(&bi->static_heap[i]);
	}
	if (!bi->nr_static_heap || sum >= least)
		return 0;
	snprintf(why, sizeof(why), "%lu KiB are too little for the hypervisor alone", sum >> 10);
	return refuse_heap(bi, why, "give it as much as the domains need, and 1/128 of all RAM and "
				    "16 MiB more");
}
