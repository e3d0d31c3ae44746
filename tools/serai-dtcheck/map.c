/* SPDX-License-Identifier: Apache-2.0 */
/* What would be whose, as text: memory, domains, CPUs. */
#include "dtcheck.h"
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/passthrough.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_MAX (BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + BOOT_SHM_MAX + \
		    BOOT_STATIC_MAX * (BOOT_DOMAINS_MAX + 1) + 32)
#define TEXT_MAX   (DT_PATH_MAX + 64)

struct piece {
	struct range r;
	char text[TEXT_MAX];
};

static struct piece pieces[PIECES_MAX];
static u32 nr_pieces;

static void add_piece(u64 start, u64 end, const char *format, const char *a, const char *b)
{
	struct piece *p = &pieces[nr_pieces];

	if (end <= start || nr_pieces == PIECES_MAX)
		return;
	p->r = (struct range){ start, end };
	snprintf(p->text, sizeof(p->text), format, a, b);
	nr_pieces++;
}

/* By address; what is around others comes first. */
static int compare_pieces(const void *a, const void *b)
{
	const struct range *x = &((const struct piece *)a)->r, *y = &((const struct piece *)b)->r;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static const char *domain_name(const struct boot_info *bi, int node)
{
	for (u32 i = 0; i < bi->nr_domains; i++)
		if (bi->domains[i].node == node)
			return bi->domains[i].name;
	return "dom0";
}

static void add_modules(const struct boot_info *bi)
{
	static const char *const kinds[] = {
		[MODULE_KERNEL] = "%s: kernel, %s",	[MODULE_RAMDISK] = "%s: ramdisk, %s",
		[MODULE_FDT] = "%s: partial tree, %s",	[MODULE_XSM] = "%s: XSM policy, %s",
		[MODULE_OTHER] = "%s: unknown file, %s",
	};
	char path[DT_PATH_MAX];

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];

		add_piece(m->start, m->start + m->size, kinds[m->kind],
			  domain_name(bi, m->domain_node),
			  dt_path(bi->fdt, m->node, path, sizeof(path)));
	}
}

static void add_set(const struct range_set *s, const char *what)
{
	for (u32 i = 0; i < s->nr; i++)
		add_piece(s->r[i].start, s->r[i].end, "%s%s", what, "");
}

static const char *name_of(const struct boot_info *bi, int domain)
{
	return domain < 0 ? "dom0" : bi->domains[domain].name;
}

/* Memory that the tree gives away by address. */
static void add_static(const struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];

		for (u32 k = 0; k < d->nr_static; k++)
			add_piece(d->static_mem[k].start, d->static_mem[k].end, "%s: static memory%s",
				  d->name, d->left_out ? " (left out)" : "");
	}
	for (u32 i = 0; i < bi->nr_static_heap; i++)
		add_piece(bi->static_heap[i].start, bi->static_heap[i].end, "%s%s", "static heap", "");
	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (bootshm_takes_part(bi, s))
			add_piece(s->host, s->host + s->size, "shared memory %s, %s", s->id,
				  name_of(bi, s->domain));
	}
}

static void print_range(const char *indent, const struct range *r, const char *text)
{
	u64 kib = (range_size(r) + 1023) >> 10;

	if (kib >= 10 << 10)
		printf("%s%#014lx-%#014lx %8lu MiB  %s\n", indent, (long)r->start, (long)r->end - 1,
		       (long)kib >> 10, text);
	else
		printf("%s%#014lx-%#014lx %8lu KiB  %s\n", indent, (long)r->start, (long)r->end - 1,
		       (long)kib, text);
}

/* The bank's pieces, with the holes between them. */
static void print_bank(const struct range *bank)
{
	u64 at = bank->start;

	print_range("  ", bank, "RAM");
	for (u32 i = 0; i < nr_pieces; i++) {
		const struct range *r = &pieces[i].r;

		if (!ranges_overlap(r, bank))
			continue;
		if (r->start > at)
			print_range("    ", &(struct range){ at, r->start }, "free");
		print_range(r->end <= at ? "      " : "    ", r, pieces[i].text);
		at = MAX(at, r->end);
	}
	if (at < bank->end)
		print_range("    ", &(struct range){ at, bank->end }, "free");
}

static void print_memory(const struct boot_info *bi)
{
	nr_pieces = 0;
	add_piece(bi->image.start, bi->image.end, "%s%s", "Serai", "");
	add_piece(bi->fdt_range.start, bi->fdt_range.end, "%s%s", "the device tree", "");
	add_set(&bi->reserved, "reserved");
	add_set(&bi->dom0_banks, "dom0: memory");
	add_static(bi);
	add_modules(bi);
	qsort(pieces, nr_pieces, sizeof(pieces[0]), compare_pieces);
	printf("\nmemory:\n");
	for (u32 i = 0; i < bi->banks.nr; i++)
		print_bank(&bi->banks.r[i]);
	for (u32 i = 0; i < nr_pieces; i++)
		if (!range_set_find(&bi->banks, pieces[i].r.start, pieces[i].r.end))
			print_range("  ", &pieces[i].r, pieces[i].text);
	if (!range_size(&bi->image))
		printf("  (Serai's own place is not known: --serai)\n");
}

static void print_args(const struct boot_module *kernel, const char *args)
{
	if (!args)
		args = kernel && kernel->cmdline ? kernel->cmdline : "";
	printf("      arguments: %s\n", *args ? args : "(none)");
}

static void print_channels(const struct boot_info *bi, int domain)
{
	for (u32 i = 0; i < bi->nr_evtchn; i++) {
		const struct boot_evtchn *e = &bi->evtchn[i], *peer = &bi->evtchn[MAX(e->peer, 0)];

		if (e->domain == domain && !e->bad)
			printf("      event channel %u to port %u of %s\n", e->port, peer->port,
			       name_of(bi, peer->domain));
	}
}

/* What it shares with others. */
static void print_shared(const struct boot_info *bi, int domain)
{
	static const char *const roles[] = { "", ", owner", ", borrower" };

	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s->domain == domain && bootshm_takes_part(bi, s))
			printf("      shared memory %s at %#lx: %lu KiB at %#lx of the host%s\n", s->id,
			       (long)s->gpa, (long)s->size >> 10, (long)s->host, roles[s->role]);
	}
	print_channels(bi, domain);
}

static void print_domain(const struct boot_info *bi, u32 id, const struct boot_domain *d)
{
	static const char *const enhanced[] = { "", ", enhanced without xenstore", ", enhanced" };
	char path[DT_PATH_MAX];

	dt_path(bi->fdt, d->node, path, sizeof(path));
	if (d->left_out) {
		printf("  d%-3u %s: %s\n", id, path, d->disabled ? "disabled" : "refused, left out");
		return;
	}
	printf("  d%-3u %s: %lu MiB%s, %u vcpu%s%s%s%s\n", id, path, (long)d->memory >> 20,
	       d->nr_static ? " of static memory" : "", d->nr_vcpus, d->nr_vcpus == 1 ? "" : "s",
	       d->direct_map ? ", direct-mapped" : "", d->vpl011 ? ", vpl011" : "",
	       enhanced[d->enhanced]);
	print_args(bootinfo_domain_module(bi, d->node, MODULE_KERNEL), NULL);
	print_shared(bi, (int)id - 1);
}

static void print_domains(const struct boot_info *bi)
{
	const struct boot_module *kernel = bootinfo_module(bi, MODULE_KERNEL);

	printf("\ndomains:\n");
	if (kernel) {
		u32 vcpus = options.dom0_max_vcpus ? options.dom0_max_vcpus : bi->nr_cpus;

		printf("  d0   dom0: %lu MiB, %u vcpu%s\n",
		       (long)range_set_total(&bi->dom0_banks) >> 20, vcpus, vcpus == 1 ? "" : "s");
		print_args(kernel, bi->dom0_cmdline);
		print_shared(bi, -1);
	}
	for (u32 i = 0; i < bi->nr_domains; i++)
		print_domain(bi, i + 1, &bi->domains[i]);
	if (!kernel && !bi->nr_domains)
		printf("  none\n");
}

/* Of partial trees; what dom0 has is not listed. */
static void print_devices(const struct boot_info *bi)
{
	char path[DT_PATH_MAX];

	if (passthrough.nr_regions)
		printf("\ndevices of guests:\n");
	for (u32 i = 0; i < passthrough.nr_regions; i++) {
		const struct pass_region *r = &passthrough.regions[i];
		u32 owner = r->owner - 1U;

		printf("  %#014lx-%#014lx %s at %#lx: %s\n", (long)r->host.start,
		       (long)r->host.end - 1, bi->domains[owner].name, (long)r->guest,
		       dt_path(passthrough.tree[owner], r->node, path, sizeof(path)));
	}
}

/* The node of its pool, or nothing. */
static const char *pool_of(const struct boot_info *bi, u32 cpu, char *text, size_t size)
{
	char path[DT_PATH_MAX];

	text[0] = '\0';
	for (u32 i = 0; i < bi->nr_pools; i++)
		if (cpumask_test(&bi->pools[i].cpus, cpu))
			snprintf(text, size, ", in %s (%s)",
				 dt_path(bi->fdt, bi->pools[i].node, path, sizeof(path)),
				 bi->pools[i].sched ? bi->pools[i].sched : "scheduler of sched=");
	return text;
}

static void print_cpus(const struct boot_info *bi)
{
	char path[DT_PATH_MAX], pool[DT_PATH_MAX + 48];

	printf("\nCPUs:\n");
	for (u32 i = 0; i < bi->nr_cpus; i++)
		printf("  MPIDR %#-12lx %s%s%s\n", (long)bi->cpus[i].mpidr,
		       dt_path(bi->fdt, bi->cpus[i].node, path, sizeof(path)),
		       bi->cpus[i].psci ? "" : " (not by PSCI)",
		       pool_of(bi, i, pool, sizeof(pool)));
	if (!bi->nr_cpus)
		printf("  only the one that starts Serai\n");
}

static void print_machine(const struct boot_info *bi, int console)
{
	char path[DT_PATH_MAX];

	printf("\nSerai:\n");
	printf("  command line: %s\n", cmdline_text[0] ? cmdline_text : "(empty)");
	printf("  console: %s\n",
	       console < 0 ? "none" : dt_path(bi->fdt, console, path, sizeof(path)));
	if (bi->gic.version)
		printf("  interrupt controller: GICv%u, %s\n", bi->gic.version,
		       dt_path(bi->fdt, bi->gic.node, path, sizeof(path)));
}

void map_print(const struct boot_info *bi, int console)
{
	print_machine(bi, console);
	print_memory(bi);
	print_domains(bi);
	print_cpus(bi);
	print_devices(bi);
	map_print_irqs(bi, console);
	printf("\n");
}
