/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what the boot loader brought can be: all that is decided before memory is in use, and
 * therefore also by a program that has the device tree only (tools/serai-dtcheck). What is refused
 * here cannot be built; the rest may still lack the little memory that the hypervisor itself takes.
 */
#include "bootdomain.h"
#include <serai/boot.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>

struct room {
	u64 total, longest;
};

static void __init add_room(paddr_t start, paddr_t end, void *ctx)
{
	struct room *r = ctx;

	r->total += end - start;
	r->longest = MAX(r->longest, end - start);
}

static int __init refuse_table(u64 table, u64 longest)
{
	pr_err("device tree: the frame table of all RAM takes %lu KiB in one piece, and the longest that "
	       "is free has %lu KiB; reserve less, or load files so that more is free in one piece\n",
	       table >> 10, longest >> 10);
	return -XEN_ENOMEM;
}

/* RAM for guests, at most: what is free behind dom0's memory, without the frame table. */
static int __init guest_room(const struct boot_info *bi, u64 *room)
{
	u64 table = bootinfo_table_size(bi);
	struct room r = { 0, 0 };

	if (bootinfo_free_ranges(add_room, &r))
		return -XEN_ENOSPC;
	if (r.longest < table)
		return refuse_table(table, r.longest);
	*room = r.total - table;
	return 0;
}

/* In the order of their nodes, as they are built. */
static int __init fit_memory(struct boot_info *bi)
{
	char why[96];
	u64 room = 0;
	int rc = guest_room(bi, &room);

	for (u32 i = 0; i < bi->nr_domains && !rc; i++) {
		struct boot_domain *d = &bi->domains[i];
		u64 memory = d->nr_static ? 0 : d->memory;
		u64 tables = MIN(room, bootdomain_table_pages(d) << PAGE_SHIFT);

		if (d->left_out)
			continue;
		if (memory <= room - tables) {
			room -= memory + tables;
			continue;
		}
		snprintf(why, sizeof(why), "%lu MiB do not fit, beside its page tables %lu MiB are free",
			 memory >> 20, (room - tables) >> 20);
		bootdomain_refuse_prop(bi, d, d->node, "memory", why,
				       "write a smaller memory (KiB), for it or for others");
	}
	return rc;
}

static u64 __init file_size(const struct boot_info *bi, int domain_node, enum boot_module_kind kind)
{
	const struct boot_module *m = bootinfo_domain_module(bi, domain_node, kind);

	return m ? m->size : 0;
}

/* In words, when the files alone are larger than the memory. */
static bool __init files_fit(const struct boot_info *bi, int domain_node, u64 memory, char *why,
			     size_t size)
{
	u64 kernel = file_size(bi, domain_node, MODULE_KERNEL);
	u64 ramdisk = file_size(bi, domain_node, MODULE_RAMDISK);

	snprintf(why, size, "the files of kernel (%lu KiB) and ramdisk (%lu KiB) do not fit into it",
		 kernel >> 10, ramdisk >> 10);
	return kernel + ramdisk <= memory;
}

static int __init fit_files(struct boot_info *bi)
{
	u64 dom0 = range_set_total(&bi->dom0_banks);
	char why[112];

	for (u32 i = 0; i < bi->nr_domains; i++) {
		struct boot_domain *d = &bi->domains[i];

		if (!d->left_out && !files_fit(bi, d->node, d->memory, why, sizeof(why)))
			bootdomain_refuse_prop(bi, d, d->node, "memory", why, "write more (KiB)");
	}
	if (files_fit(bi, -1, dom0, why, sizeof(why)))
		return 0;
	pr_err("dom0_mem=%luM: %s; write more\n", dom0 >> 20, why);
	return -XEN_ENOMEM;
}

static u32 __init count_left_out(const struct boot_info *bi)
{
	u32 n = 0;

	for (u32 i = 0; i < bi->nr_domains; i++)
		n += bi->domains[i].left_out;
	return n;
}

int __init builder_decide(struct boot_info *bi)
{
	int rc = bootinfo_check(bi);
	u32 before = count_left_out(bi);

	/* Once without dom0, which takes less for guests that there is room for. */
	rc = rc ? rc : fit_memory(bi);
	rc = rc ? rc : builder_plan_dom0();
	rc = rc ? rc : fit_memory(bi);
	rc = rc ? rc : fit_files(bi);
	return rc || count_left_out(bi) == before ? rc : bootinfo_verdict(bi);
}
