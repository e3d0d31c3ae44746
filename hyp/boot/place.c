/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a domain's RAM is, and its kernel, ramdisk and device tree go. What is already at a good place
 * stays there. Order of the later copies: ramdisk, kernel, device tree; so the tree may overwrite
 * what the first two came from, and nothing else may overlap anything.
 */
#include <abi/guest_layout.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>

#define ZIMAGE_REACH (128UL << 20)
#define TREE_ROOM    (2UL << 20)

static const struct range *__init first_overlap(const struct range *r, const struct range *taken,
						u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (taken[i].start < taken[i].end && ranges_overlap(r, &taken[i]))
			return &taken[i];
	return NULL;
}

/* Lowest place for size bytes at a multiple of 2 MiB plus offset. */
static int __init find_place(const struct layout *l, u64 size, u64 offset, const struct range *taken,
			     u32 nr, struct range *out)
{
	for (u32 i = 0; i < l->banks->nr; i++) {
		const struct range *bank = &l->banks->r[i];
		u64 at = bank->start;

		while (at < bank->end) {
			struct range r;
			const struct range *hit;

			r.start = ROUND_UP(at, BLOCK_SIZE) + offset;
			r.end = r.start + size;
			if (r.end < r.start || r.end > bank->end)
				break;
			hit = first_overlap(&r, taken, nr);
			if (!hit) {
				*out = r;
				return 0;
			}
			at = hit->end;
		}
	}
	return -XEN_ENOMEM;
}

/* Highest place for size bytes at a multiple of 2 MiB in the first bank, below limit. */
static int __init find_high(const struct layout *l, u64 size, u64 limit, const struct range *taken,
			    u32 nr, struct range *out)
{
	const struct range *bank = &l->banks->r[0], *hit;
	u64 at = MIN(bank->end, limit);

	while (at > bank->start && size <= at - bank->start) {
		out->start = ROUND_DOWN(at - size, BLOCK_SIZE);
		out->end = out->start + size;
		if (out->start < bank->start)
			break;
		hit = first_overlap(out, taken, nr);
		if (!hit)
			return 0;
		at = hit->start;
	}
	return -XEN_ENOMEM;
}

/*
 * A kernel that unpacks itself takes the first half of what it can reach easily (128 MiB, by its
 * boot protocol): it lies at the end of that, the ramdisk and the tree behind it or before.
 */
static int __init place_moving(struct layout *l, const struct kernel_image *image)
{
	u64 base = l->banks->r[0].start;
	int rc = 0;

	if (range_size(&l->ramdisk_source))
		rc = find_high(l, range_size(&l->ramdisk_source), base + 2 * ZIMAGE_REACH, NULL, 0,
			       &l->ramdisk);
	rc = rc ? rc : find_high(l, TREE_ROOM, base + 2 * ZIMAGE_REACH, &l->ramdisk, 1, &l->fdt);
	if (!rc) {
		const struct range taken[] = { l->ramdisk, l->fdt };

		rc = find_high(l, image->size, base + ZIMAGE_REACH, taken, ARRAY_SIZE(taken),
			       &l->kernel);
	}
	return rc;
}

static int __init place_kernel(struct layout *l, const struct kernel_image *image)
{
	const struct range taken[] = { l->kernel_source, l->ramdisk_source };
	struct range here = { l->kernel_source.start, l->kernel_source.start + image->size };

	if (image->fixed) {
		l->kernel = (struct range){ image->base, image->base + image->size };
		return range_set_find(l->banks, l->kernel.start, l->kernel.end) ? 0 : -XEN_ENOMEM;
	}
	if (IS_ALIGNED(here.start - image->text_offset, BLOCK_SIZE) && here.end > here.start &&
	    range_set_find(l->banks, here.start, here.end)) {
		l->kernel = here;
		return 0;
	}
	return find_place(l, image->size, image->text_offset, taken, ARRAY_SIZE(taken), &l->kernel);
}

static int __init place_ramdisk(struct layout *l)
{
	const struct range taken[] = { l->kernel, l->kernel_source, l->ramdisk_source };
	const struct range *here = &l->ramdisk_source;

	if (!range_size(here))
		return 0;
	if (IS_ALIGNED(here->start, PAGE_SIZE) && !ranges_overlap(here, &l->kernel) &&
	    range_set_find(l->banks, here->start, here->end)) {
		l->ramdisk = *here;
		return 0;
	}
	return find_place(l, range_size(here), 0, taken, ARRAY_SIZE(taken), &l->ramdisk);
}

int __init layout_place_modules(struct layout *l, const struct kernel_image *image)
{
	int rc = image->moves ? place_moving(l, image) : place_kernel(l, image);

	if (image->moves)
		return rc;
	return rc ? rc : place_ramdisk(l);
}

int __init layout_place_fdt(struct layout *l, u64 size)
{
	const struct range taken[] = { l->kernel, l->ramdisk };

	if (range_size(&l->fdt) && size <= range_size(&l->fdt)) {
		l->fdt.end = l->fdt.start + size;
		return 0;
	}
	return find_place(l, size, 0, taken, ARRAY_SIZE(taken), &l->fdt);
}

void __init guest_banks(u64 size, struct range_set *banks)
{
	u64 low = MIN(size, GUEST_RAM0_SIZE);

	range_set_clear(banks);
	range_set_add(banks, GUEST_RAM0_BASE, GUEST_RAM0_BASE + low);
	range_set_add(banks, GUEST_RAM1_BASE, GUEST_RAM1_BASE + (size - low));
}
