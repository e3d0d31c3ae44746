/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes of domains in /chosen: Xen's published binding (docs/misc/arm/device-tree/booting.txt). What
 * cannot be done as it is written leaves the domain out, with node, property, value, reason and
 * what to write instead; the other domains go on. An unknown property is only named.
 */
#include "bootdomain.h"
#include <abi/guest_layout.h>
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define VCPUS_MAX	 128
#define LLC_COLORS_MAX	 1023
#define PAGES_PER_MIB	 256
#define SPIS_MAX	 988 /* a GIC's, INTIDs 32 to 1019 */
#define GRANT_FRAMES_MAX 65536
#define VALUE_TEXT	 96
#define VALUE_CELLS	 4

struct domain_prop {
	const char *name; /* first: name_nearest() */
	/* Takes the value; or says why it cannot. */
	const char *(*take)(struct boot_domain *d, const struct dt_prop *p);
	const char *write; /* what to write then */
};

/* ---------------------------------------------------------------------------------- messages -- */

static bool __init is_text(const char *s, u32 len)
{
	if (!len || s[len - 1])
		return false;
	for (u32 i = 0; i < len; i++)
		if ((s[i] < ' ' || s[i] > '~') && (s[i] || !i || !s[i - 1]))
			return false;
	return true;
}

void __init dt_format_value(char *buf, size_t size, const struct dt_prop *p)
{
	u32 cells = p->len / 4, n;

	buf[0] = '\0';
	if (!p->len)
		return;
	if (is_text(p->data, p->len)) {
		snprintf(buf, size, " = \"%.60s\"", (const char *)p->data);
		return;
	}
	if (p->len % 4) {
		snprintf(buf, size, " = (%u bytes)", p->len);
		return;
	}
	n = (u32)str_copy(buf, " = <", size);
	for (u32 i = 0; i < MIN(cells, (u32)VALUE_CELLS); i++)
		n += (u32)snprintf(buf + n, size - n, "%s%#x", i ? " " : "",
				   (u32)dt_cells((const u32 *)p->data + i, 1));
	snprintf(buf + n, size - n, "%s>", cells > VALUE_CELLS ? " ..." : "");
}

void __init bootdomain_refuse(const struct boot_info *bi, struct boot_domain *d, int node,
			      const char *what, const char *why, const char *write)
{
	char path[DT_PATH_MAX];

	if (d)
		d->left_out = true;
	pr_err("device tree: %s: %s%s%s; %s\n", dt_path(bi->fdt, node, path, sizeof(path)), what,
	       what[0] ? ": " : "", why, write);
}

void __init bootdomain_refuse_prop(const struct boot_info *bi, struct boot_domain *d, int node,
				   const char *name, const char *why, const char *write)
{
	char what[VALUE_TEXT + 32], value[VALUE_TEXT];
	int len;
	struct dt_prop p = { .data = fdt_getprop(bi->fdt, node, name, &len) };

	p.len = p.data ? (u32)len : 0;
	dt_format_value(value, sizeof(value), &p);
	snprintf(what, sizeof(what), "%s%s", name, value);
	bootdomain_refuse(bi, d, node, what, why, write);
}

static void __init refuse_domain(const struct boot_info *bi, struct boot_domain *d, const char *what,
				 const char *why, const char *write)
{
	bootdomain_refuse(bi, d, d->node, what, why, write);
}

/* --------------------------------------------------------------------------------- properties -- */

static const char *__init take_number(const struct dt_prop *p, u32 least, u32 most, u32 *out)
{
	u32 n = dt_u32(p, 0);

	if (p->len != 4)
		return "it is not one cell";
	if (n < least)
		return "it is too small";
	if (n > most)
		return "it is too large";
	*out = n;
	return NULL;
}

static const char *__init take_cpus(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 1, VCPUS_MAX, &d->nr_vcpus);
}

static const char *__init take_memory(struct boot_domain *d, const struct dt_prop *p)
{
	u64 kib;

	if (p->len != 4 && p->len != 8)
		return "it is neither one cell nor two";
	kib = dt_cells(p->data, p->len / 4);
	if (kib < PAGE_SIZE >> 10)
		return "it is less than a page";
	if (kib > (GUEST_RAM0_SIZE + GUEST_RAM1_SIZE) >> 10)
		return "it is more than a guest's address space holds (it counts KiB, not bytes)";
	d->memory = (kib << 10) & PAGE_MASK;
	return NULL;
}

static const char *__init take_vpl011(struct boot_domain *d, const struct dt_prop *p)
{
	d->vpl011 = true;
	return NULL;
}

static const char *__init take_direct_map(struct boot_domain *d, const struct dt_prop *p)
{
	d->direct_map = true;
	return NULL;
}

static const char *__init take_enhanced(struct boot_domain *d, const struct dt_prop *p)
{
	const char *s = p->len ? dt_string(p) : "enabled";

	if (s && !strcmp(s, "enabled"))
		d->enhanced = ENHANCED_FULL;
	else if (s && !strcmp(s, "no-xenstore"))
		d->enhanced = ENHANCED_NO_XENSTORE;
	else if (!s || strcmp(s, "disabled"))
		return "there is no such mode";
	return NULL;
}

static const char *__init take_spis(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 0, SPIS_MAX, &d->nr_spis);
}

static const char *__init take_grant_frames(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 1, GRANT_FRAMES_MAX, &d->max_grant_frames);
}

static const char *__init take_maptrack(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 1, GRANT_FRAMES_MAX, &d->max_maptrack_frames);
}

static const char *__init take_grant_version(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 1, 2, &d->max_grant_version);
}

static const char *__init take_pool(struct boot_domain *d, const struct dt_prop *p)
{
	return take_number(p, 0, UINT32_MAX, &d->tables_mib);
}

/* Xen's rule (docs/misc/arm/device-tree/booting.txt): 1 MiB for each vcpu, a page for each MiB, 512 KiB. */
u64 __init bootdomain_table_pages(const struct boot_domain *d)
{
	u64 pages = d->nr_vcpus * PAGES_PER_MIB + (d->memory >> 20) + PAGES_PER_MIB / 2;

	return d->tables_mib ? (u64)d->tables_mib * PAGES_PER_MIB : ROUND_UP(pages, PAGES_PER_MIB);
}

static const char *__init take_passthrough(struct boot_domain *d, const struct dt_prop *p)
{
	const char *s = p->len ? dt_string(p) : "enabled";

	if (!s || (strcmp(s, "disabled") && strcmp(s, "enabled")))
		return "there is no such mode";
	d->no_passthrough = !strcmp(s, "disabled");
	return NULL;
}

/* As in "0-3,5": numbers and ranges of numbers. */
static bool __init is_color_list(const char *s)
{
	do {
		char *end;
		unsigned long first = strtoul(s, &end, 10), last = first;

		if (*s < '0' || *s > '9')
			return false;
		if (*end == '-' && (end[1] < '0' || end[1] > '9'))
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > LLC_COLORS_MAX || (*end && *end != ','))
			return false;
		s = end + 1;
		if (!*end)
			return true;
	} while (true);
}

static const char *__init take_colors(struct boot_domain *d, const struct dt_prop *p)
{
	const char *s = dt_string(p);

	return s && is_color_list(s) ? "caches cannot be shared out by colours yet" :
				       "it is no list of colours, as \"0-3,5\" is";
}

static const char *__init not_yet(struct boot_domain *d, const struct dt_prop *p)
{
	return "this is not supported yet";
}

static const char *__init skip(struct boot_domain *d, const struct dt_prop *p)
{
	return NULL;
}

static const struct domain_prop domain_props[] __initconst = {
	{ "cpus", take_cpus, "write a number from 1 to 128: cpus = <1>" },
	{ "memory", take_memory, "write KiB: memory = <0x0 0x20000> is 128 MiB" },
	{ "vpl011", take_vpl011, "" },
	{ "xen,enhanced", take_enhanced,
	  "write xen,enhanced; or xen,enhanced = \"no-xenstore\" or \"disabled\"" },
	{ "nr_spis", take_spis, "write a number from 0 to 988" },
	{ "max_grant_version", take_grant_version, "write max_grant_version = <1> or <2>" },
	{ "max_grant_frames", take_grant_frames, "write a number from 1 to 65536" },
	{ "max_maptrack_frames", take_maptrack, "write a number from 1 to 65536" },
	{ "xen,domain-p2m-mem-mb", take_pool, "write one cell, or nothing" },
	{ "direct-map", take_direct_map, "" },
	{ "xen,static-mem", skip, "" }, /* these three: bootdomain_read_static() */
	{ "#xen,static-mem-address-cells", skip, "" },
	{ "#xen,static-mem-size-cells", skip, "" },
	{ "domain-cpupool", skip, "" }, /* bootpool_check() */
	{ "llc-colors", take_colors,
	  "remove it: the domain then shares all of the cache, also with those that have colours" },
	{ "sve", not_yet, "remove it: the domain then has no SVE" },
	{ "passthrough", take_passthrough, "write passthrough = \"enabled\" or \"disabled\"" },
	{ "compatible", skip, "" },
	{ "#address-cells", skip, "" },
	{ "#size-cells", skip, "" },
	{ "status", skip, "" },
	{ "phandle", skip, "" },
	{ "linux,phandle", skip, "" },
	{ "name", skip, "" },
};

static void __init read_prop(const struct boot_info *bi, struct boot_domain *d, const char *name,
			     const struct dt_prop *p)
{
	char path[DT_PATH_MAX], value[VALUE_TEXT];
	const char *near, *why;

	for (u32 i = 0; i < ARRAY_SIZE(domain_props); i++) {
		if (strcmp(name, domain_props[i].name))
			continue;
		why = domain_props[i].take(d, p);
		if (!why)
			return;
		bootdomain_refuse_prop(bi, d, d->node, domain_props[i].name, why,
				       domain_props[i].write);
		return;
	}
	near = name_nearest(name, domain_props, ARRAY_SIZE(domain_props), sizeof(domain_props[0]));
	dt_format_value(value, sizeof(value), p);
	pr_warn("device tree: %s: %.40s%s: unknown property, it does nothing%s%s%s\n",
		dt_path(bi->fdt, d->node, path, sizeof(path)), name, value,
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static void __init need(const struct boot_info *bi, struct boot_domain *d, const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(domain_props); i++)
		if (!strcmp(name, domain_props[i].name) &&
		    !fdt_getprop(bi->fdt, d->node, name, NULL))
			refuse_domain(bi, d, name, "it is missing", domain_props[i].write);
}

bool __init bootdomain_read(struct boot_info *bi, const struct dt_walk *w)
{
	struct boot_domain *d = &bi->domains[bi->nr_domains];
	const char *name;
	struct dt_prop p;
	u32 off = 0;

	if (bi->nr_domains == BOOT_DOMAINS_MAX)
		return false;
	bi->nr_domains++;
	*d = (struct boot_domain){ .node = w->node, .name = w->name, .nr_spis = BOOT_SPIS_ALL,
				   .pool = -1 };
	if (!dt_available(w)) {
		pr_info("device tree: domain %s is not enabled (status); left out\n", d->name);
		d->left_out = d->disabled = true;
		return true;
	}
	while (dt_walk_prop(w, &off, &name, &p))
		read_prop(bi, d, name, &p);
	bootdomain_read_static(bi, d, w);
	need(bi, d, "cpus");
	need(bi, d, "memory");
	return true;
}

void __init bootdomain_read_child(struct boot_info *bi, const struct dt_walk *w)
{
	struct boot_domain *d = &bi->domains[bi->nr_domains - 1];

	if (dt_compatible(w, "xen,domain-shared-memory-v1"))
		bootshm_read(bi, w, (int)bi->nr_domains - 1);
	else if (dt_compatible(w, "xen,evtchn-v1"))
		bootevtchn_read(bi, w, (int)bi->nr_domains - 1);
	else
		bootdomain_refuse(bi, d, w->node, "", "a node that is neither module nor anything else known",
		       "a module has compatible = \"multiboot,kernel\" or \"multiboot,ramdisk\", "
		       "\"multiboot,module\"");
}

/* ------------------------------------------------------------------------------------- checks -- */

struct boot_domain *__init bootdomain_find(struct boot_info *bi, int node)
{
	for (u32 i = 0; i < bi->nr_domains; i++)
		if (bi->domains[i].node == node)
			return &bi->domains[i];
	return NULL;
}

/* Domains may name the same file. One that is two things of one domain was written down wrongly. */
static bool __init is_same_file(const struct boot_module *a, const struct boot_module *b)
{
	return a == b || (a->start == b->start && a->domain_node != b->domain_node);
}

/* Two files cannot lie at the same place. */
bool __init bootdomain_check_overlaps(const struct boot_info *bi, struct boot_domain *d,
				      const struct boot_module *m)
{
	struct range r = { m->start, m->start + m->size };
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 80];

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *o = &bi->modules[i];

		if (is_same_file(m, o) ||
		    !ranges_overlap(&r, &(struct range){ o->start, o->start + o->size }))
			continue;
		snprintf(why, sizeof(why), "reg = <%#lx %#lx> overlaps %s at %#lx-%#lx", m->start,
			 m->size, dt_path(bi->fdt, o->node, path, sizeof(path)), o->start,
			 o->start + o->size - 1);
		bootdomain_refuse(bi, d, m->node, "", why, "load one of the files elsewhere");
		return true;
	}
	return false;
}

static void __init check_modules(struct boot_info *bi, struct boot_domain *d)
{
	u32 kernels = 0, ramdisks = 0, trees = 0;

	for (u32 i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];

		if (m->domain_node != d->node)
			continue;
		kernels += m->kind == MODULE_KERNEL;
		ramdisks += m->kind == MODULE_RAMDISK;
		trees += m->kind == MODULE_FDT;
		if (m->kind > MODULE_FDT)
			bootdomain_refuse(bi, d, m->node, "", "the module does not say what it is",
			       "write compatible = \"multiboot,kernel\", \"multiboot,module\"");
		bootdomain_check_overlaps(bi, d, m);
	}
	if (kernels != 1)
		refuse_domain(bi, d, "", kernels ? "it has more than one kernel" : "it has no kernel",
			      "write in it: module@ADDRESS { compatible = \"multiboot,kernel\", "
			      "\"multiboot,module\"; reg = <ADDRESS SIZE>; bootargs = \"...\"; };");
	if (ramdisks > 1)
		refuse_domain(bi, d, "", "it has more than one ramdisk", "leave one");
	if (trees > 1)
		refuse_domain(bi, d, "", "it has more than one partial device tree",
			      "describe all of its devices in one");
	if (trees && d->no_passthrough)
		refuse_domain(bi, d, "passthrough = \"disabled\"", "it has a partial device tree",
			      "remove the property, or the module");
}

void __init bootdomain_check(struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_domains; i++) {
		struct boot_domain *d = &bi->domains[i];

		if (d->disabled)
			continue;
		check_modules(bi, d);
		bootdomain_check_static(bi, d);
		if (d->vpl011 && !d->nr_spis)
			refuse_domain(bi, d, "nr_spis = <0>", "vpl011 needs an interrupt",
				      "write nr_spis = <1> or remove vpl011");
		if (d->enhanced == ENHANCED_FULL && !bootinfo_module(bi, MODULE_KERNEL))
			refuse_domain(bi, d, "xen,enhanced", "there is no dom0 that runs a xenstore",
				      "write xen,enhanced = \"no-xenstore\"");
	}
}
