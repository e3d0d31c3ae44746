/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which RAM becomes dom0's, decided before the heap exists. The first bank is a window around the
 * kernel where the loader put it, the ramdisk inside if possible; more banks follow only where
 * the RAM has holes. The kernel is not looked at yet: its memory is not mapped.
 */
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>

#define HYP_MIN		(16UL << 20) /* the hypervisor's own, besides what grows with RAM */
#define HYP_SHARE	256	     /* of all RAM: stage-2 tables */
#define TABLE_SLACK	(4UL << 20)  /* around the frame table, which is in one piece */
#define BSS_SHARE	8	     /* of the kernel's file; what a kernel needs behind itself */
#define TEXT_OFFSET_OLD 0x80000UL

RANGE_SET_INIT(usable, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);

static struct range __init module_range(const struct boot_module *m)
{
	return m ? range_pages_out(m->start, m->start + m->size) : (struct range){ 0, 0 };
}

/* The kernel can run where it is, as far as its address says. */
static bool __init kernel_aligned(const struct boot_module *kernel)
{
	u64 offset = kernel->start & (BLOCK_SIZE - 1);

	return !offset || offset == TEXT_OFFSET_OLD;
}

/* What the window is to hold: kernel with some room behind it, and the ramdisk if that fits. */
static struct range __init window_core(const struct boot_info *bi, const struct range *room, u64 size)
{
	struct range core = module_range(bootinfo_module(bi, MODULE_KERNEL)), both;
	struct range rd = module_range(bootinfo_module(bi, MODULE_RAMDISK));

	core.end = MIN(core.end + range_size(&core) / BSS_SHARE + BLOCK_SIZE, room->end);
	both = (struct range){ MIN(core.start, rd.start), MAX(core.end, rd.end) };
	if (range_size(&rd) && rd.start >= room->start && rd.end <= room->end &&
	    range_size(&both) + 2 * BLOCK_SIZE <= size)
		return both;
	return core;
}

static u64 __init largest_rest(const struct range *room, const struct range *window)
{
	u64 best = MAX(window->start - room->start, room->end - window->end);

	for (u32 i = 0; i < usable.nr; i++)
		if (usable.r[i].start != room->start)
			best = MAX(best, range_size(&usable.r[i]));
	return best;
}

/* A window of at most size in room that holds core: as high as it can be, or as low. */
static struct range __init window_at(const struct range *room, const struct range *core, u64 size,
				     bool high)
{
	u64 lowest = ROUND_UP(room->start, BLOCK_SIZE), start = lowest;

	size = MIN(size, room->end - lowest);
	if (high)
		start = MIN(core->start, room->end - size);
	else if (core->end > size)
		start = core->end - size + BLOCK_SIZE - 1;
	start = MAX(ROUND_DOWN(start, BLOCK_SIZE), lowest);
	return (struct range){ start, MIN(start + size, room->end) };
}

/* room is a copy: the set changes below. */
static int __init plan_first(struct boot_info *bi, const struct range room, u64 size, u64 table)
{
	struct range core = window_core(bi, &room, size);
	struct range window = window_at(&room, &core, size, true);
	int rc;

	if (largest_rest(&room, &window) < table)
		window = window_at(&room, &core, size, false);
	rc = range_set_add(&bi->dom0_banks, window.start, window.end);
	return rc ? rc : range_set_remove(&usable, window.start, window.end);
}

/* The longest pieces that are left, until size is reached. */
static int __init plan_more(struct boot_info *bi, u64 size)
{
	u64 have;

	while ((have = range_set_total(&bi->dom0_banks)) < size) {
		const struct range *r = range_set_largest(&usable);
		u64 start = r ? ROUND_UP(r->start, BLOCK_SIZE) : 0, end;

		if (!r || start >= r->end || r->end - start < BLOCK_SIZE)
			break;
		end = MIN(start + (size - have), r->end);
		if (range_set_add(&bi->dom0_banks, start, end) ||
		    range_set_remove(&usable, start, end))
			break;
	}
	return range_set_total(&bi->dom0_banks) < size ? -XEN_ENOMEM : 0;
}

/* RAM that may become dom0's; its own modules' too when the kernel can stay where it is. */
static int __init plan_usable(struct boot_info *bi, bool in_place)
{
	int rc = bootinfo_usable(bi, &usable, in_place ? KEEP_GUESTS : KEEP_ALL);

	range_set_clear(&bi->dom0_banks);
	if (!rc)
		rc = range_set_remove(&usable, bi->image.start,
				      ROUND_UP(bi->image.start + GRANT_REGION_SIZE, BLOCK_SIZE));
	return rc;
}

static int __init plan_try(struct boot_info *bi, u64 size, u64 table, bool in_place)
{
	struct range k = module_range(bootinfo_module(bi, MODULE_KERNEL));
	const struct range *room;
	int rc = plan_usable(bi, in_place);

	if (rc)
		return rc;
	room = in_place ? range_set_find(&usable, k.start, k.end) : range_set_largest(&usable);
	if (!room || ROUND_UP(room->start, BLOCK_SIZE) >= room->end)
		return -XEN_ENOMEM;
	rc = plan_first(bi, *room, size, table);
	return rc ? rc : plan_more(bi, size);
}

/* What the domains of the device tree want of the heap; dom0 takes less for them, unless it was told how much. */
static u64 __init guests_memory(const struct boot_info *bi)
{
	u64 sum = 0;

	for (u32 i = 0; i < bi->nr_domains; i++)
		if (!bi->domains[i].left_out && !bi->domains[i].nr_static)
			sum += bi->domains[i].memory;
	return ROUND_UP(sum, BLOCK_SIZE);
}

/* explicit_size: -XEN_ENOMEM when size does not fit, otherwise what fits. */
static int __init plan_dom0(struct boot_info *bi, u64 size, bool explicit_size)
{
	const struct boot_module *kernel = bootinfo_module(bi, MODULE_KERNEL);
	u64 ram = range_set_total(&bi->banks), limit;
	u64 table = bootinfo_table_size(bi), keep = HYP_MIN + ram / HYP_SHARE + table;
	u64 guests = guests_memory(bi);
	int rc;

	table += TABLE_SLACK;
	if (!kernel)
		return -XEN_ENOENT;
	rc = plan_usable(bi, true);
	if (rc)
		return rc;
	limit = range_set_total(&usable);
	limit = limit > keep ? ROUND_DOWN(limit - keep, BLOCK_SIZE) : 0;
	if (!explicit_size)
		size = MIN(size, limit > guests ? limit - guests : limit);
	rc = -XEN_ENOMEM;
	if (size && size <= limit && kernel_aligned(kernel))
		rc = plan_try(bi, size, table, true);
	if (rc && size && size <= limit)
		rc = plan_try(bi, size, table, false);
	/* Then the kernel is moved inside dom0's memory. */
	if (rc && size && size <= limit)
		rc = plan_try(bi, size, table, true);
	if (rc)
		pr_err("dom0_mem=%luM: does not fit: of %lu MiB RAM at most %lu MiB can be dom0's\n",
		       size >> 20, ram >> 20, limit >> 20);
	return rc;
}

int __init builder_plan_dom0(void)
{
	u64 size = options.dom0_mem ? options.dom0_mem : DOM0_MEM_DEFAULT;

	if (!bootinfo_module(&boot_info, MODULE_KERNEL))
		return 0;
	return plan_dom0(&boot_info, size, options.dom0_mem != 0);
}
