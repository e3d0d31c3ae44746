/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals and warnings about the machine and about dom0's modules: what is malformed, missing, there
 * twice, or almost spelled right. What only one guest needs is bootdomain.c's.
 */
#include "bootdomain.h"
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define WHY_TEXT   96
#define WRITE_TEXT 192

static void __init warn(const struct boot_info *bi, int node, const char *what)
{
	char path[DT_PATH_MAX];

	pr_warn("device tree: %s: %s\n", dt_path(bi->fdt, node, path, sizeof(path)), what);
}

/* ------------------------------------------------------------------------------ malformed reg -- */

static const char *__init why_reg(const struct dt_walk *w, char *buf)
{
	const struct dt_level *up = &w->level[w->depth - 1];
	u32 entry = up->addr_cells + up->size_cells, len = w->prop[DT_REG].len;
	u64 addr, size;
	int rc = dt_walk_reg_raw(w, 0, &addr, &size);

	if (!dt_has(w, DT_REG))
		return "it is missing";
	if (!entry || up->addr_cells > 2 || up->size_cells > 2) {
		snprintf(buf, WHY_TEXT, "#address-cells and #size-cells above it are %u and %u, not 1 or 2",
			 up->addr_cells, up->size_cells);
		return buf;
	}
	if (!len || len % (entry * 4)) {
		snprintf(buf, WHY_TEXT, "it has %u bytes, and ADDRESS and SIZE have %u", len, entry * 4);
		return buf;
	}
	if (rc)
		return "it ends behind the last address";
	return size ? "ranges of the buses above do not lead to it" : "the size is 0";
}

void __init bootcheck_refuse_reg(const struct boot_info *bi, struct boot_domain *d,
				 const struct dt_walk *w, const char *then)
{
	const struct dt_level *up = &w->level[w->depth - 1];
	char why[WHY_TEXT], write[WRITE_TEXT];

	snprintf(write, sizeof(write),
		 "write reg = <ADDRESS SIZE>, of as many cells as #address-cells (%u) and #size-cells "
		 "(%u) of the node above say; %s",
		 up->addr_cells, up->size_cells, then);
	bootdomain_refuse_prop(bi, d, w->node, "reg", why_reg(w, why), write);
}

/* ------------------------------------------------------------------------------------ strings -- */

const char *__init bootcheck_string(const struct boot_info *bi, int node, const char *name)
{
	int len;
	struct dt_prop p = { .data = node < 0 ? NULL : fdt_getprop(bi->fdt, node, name, &len) };

	if (!p.data)
		return NULL;
	p.len = (u32)len;
	if (!dt_string(&p))
		bootdomain_refuse_prop(bi, NULL, node, name, "it is not one string",
				       "write one in quotes; it is left out");
	return dt_string(&p);
}

static const char *const node_kinds[] __initconst = {
	"xen,domain",	     "xen,cpupool",	   "multiboot,kernel",	  "multiboot,ramdisk",
	"multiboot,module",  "xen,linux-zimage",   "xen,linux-initrd",	  "xen,xsm-policy",
	"xen,multiboot-module",
};

/* Other things may be in /chosen, a framebuffer for example. */
void __init bootcheck_unknown(const struct boot_info *bi, const struct dt_walk *w)
{
	const char *kind = w->prop[DT_COMPATIBLE].data, *near;
	char what[WRITE_TEXT];

	if (!kind || strnlen(kind, w->prop[DT_COMPATIBLE].len) == w->prop[DT_COMPATIBLE].len)
		return;
	if (kind[0] != 'x' && kind[0] != 'm')
		return;
	near = name_nearest(kind, node_kinds, ARRAY_SIZE(node_kinds), sizeof(node_kinds[0]));
	if (!near)
		return;
	snprintf(what, sizeof(what),
		 "compatible = \"%.40s\": unknown, the node does nothing; did you mean \"%s\"?", kind,
		 near);
	warn(bi, w->node, what);
}

static const char *const chosen_props[] __initconst = {
	"xen,xen-bootargs",
	"xen,dom0-bootargs",
	"xen,static-heap",
	"#xen,static-heap-address-cells",
	"#xen,static-heap-size-cells",
};

static bool __init is_chosen_prop(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(chosen_props); i++)
		if (!strcmp(name, chosen_props[i]))
			return true;
	return strncmp(name, "xen,", 4) && strncmp(name, "#xen,", 5);
}

void __init bootcheck_chosen(const struct boot_info *bi, const struct dt_walk *w)
{
	const char *name, *near;
	char what[WRITE_TEXT];
	struct dt_prop p;
	u32 off = 0;

	while (dt_walk_prop(w, &off, &name, &p)) {
		if (is_chosen_prop(name))
			continue;
		near = name_nearest(name, chosen_props, ARRAY_SIZE(chosen_props),
				    sizeof(chosen_props[0]));
		snprintf(what, sizeof(what), "%.40s: unknown property, it does nothing%s%s%s", name,
			 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
		warn(bi, w->node, what);
	}
}

/* ------------------------------------------------------------------------------------ machine -- */

void __init bootcheck_machine(const struct boot_info *bi)
{
	bool psci = false;

	for (u32 i = 0; i < bi->nr_cpus; i++)
		psci |= bi->cpus[i].psci;
	if (!bi->nr_cpus)
		pr_warn("device tree: /cpus: no node in it has device_type = \"cpu\" and reg; only the "
			"CPU that starts Serai is used\n");
	if (psci && bi->psci == PSCI_NONE)
		pr_warn("device tree: CPUs have enable-method = \"psci\", but no node has compatible = "
			"\"arm,psci-1.0\" and method = \"smc\"; only the CPU that starts Serai is used, "
			"and the machine cannot be switched off\n");
	if (bi->timer.node < 0)
		pr_warn("device tree: no node has compatible = \"arm,armv8-timer\"; the usual interrupts "
			"are assumed: PPIs 13, 14, 11 and 10\n");
}

/* --------------------------------------------------------------------------------------- dom0 -- */

static bool __init is_second(const struct boot_info *bi, const struct boot_module *m)
{
	return (m->kind == MODULE_KERNEL || m->kind == MODULE_RAMDISK) &&
	       bootinfo_module(bi, m->kind) != m;
}

void __init bootcheck_dom0(struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nr_modules; i++) {
		struct boot_module *m = &bi->modules[i];

		if (m->domain_node >= 0)
			continue;
		if (m->kind > MODULE_RAMDISK) {
			warn(bi, m->node, "dom0 has no use for this module; it does nothing");
			continue;
		}
		if (is_second(bi, m)) {
			bootdomain_refuse(bi, NULL, m->node, "",
					  m->kind == MODULE_KERNEL ? "dom0 has a kernel already" :
								     "dom0 has a ramdisk already",
					  "remove one; a guest's modules go into its own node, with "
					  "compatible = \"xen,domain\"");
			bi->refused = true;
		}
		bi->refused |= bootdomain_check_overlaps(bi, NULL, m);
	}
}
