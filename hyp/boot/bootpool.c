/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of CPUs in the device tree: nodes of /chosen with compatible = "xen,cpupool", and
 * domain-cpupool of a domain (Xen's docs/misc/arm/device-tree/cpupools.txt). A pool that cannot be
 * as its node says is not made: its CPUs stay with the others, and the domains that name it are
 * left out.
 */
#include "bootdomain.h"
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

static const char cpus_name[] __initconst = "cpupool-cpus", sched_name[] __initconst =
	"cpupool-sched", domain_name[] __initconst = "domain-cpupool";

static void __init refuse(struct boot_info *bi, struct boot_pool *p, const char *name,
			  const char *why, const char *write)
{
	p->bad = true;
	bootdomain_refuse_prop(bi, NULL, p->node, name, why, write);
}

static void __init read_sched(struct boot_info *bi, struct boot_pool *p)
{
	static const char *const known[] = { "null", "credit2" };
	int len;
	struct dt_prop prop = { .data = fdt_getprop(bi->fdt, p->node, sched_name, &len) };

	if (!prop.data)
		return;
	prop.len = (u32)len;
	p->sched = dt_string(&prop);
	for (u32 i = 0; p->sched && i < ARRAY_SIZE(known); i++)
		if (!strcmp(p->sched, known[i]))
			return;
	p->sched = NULL;
	refuse(bi, p, sched_name, "there is no such scheduler",
	       "write \"null\" or \"credit2\", or nothing: it is as sched= says then");
}

void __init bootpool_read(struct boot_info *bi, const struct dt_walk *w)
{
	struct boot_pool *p = &bi->pools[bi->nr_pools];

	if (bi->nr_pools == BOOT_POOLS_MAX) {
		bootdomain_refuse(bi, NULL, w->node, "", "there are too many pools", "leave 16");
		return;
	}
	bi->nr_pools++;
	*p = (struct boot_pool){ .node = w->node };
	read_sched(bi, p);
}

/* ------------------------------------------------------------------------------------- checks -- */

static int __init find_cpu(const struct boot_info *bi, int node)
{
	for (u32 i = 0; i < bi->nr_cpus; i++)
		if (bi->cpus[i].node == node)
			return (int)i;
	return -1;
}

/* Pool of the CPU among those before p and p itself; NULL: none. */
static const struct boot_pool *__init pool_of(const struct boot_info *bi, const struct boot_pool *p,
					      u32 cpu)
{
	for (const struct boot_pool *o = bi->pools; o <= p; o++)
		if (cpumask_test(&o->cpus, cpu))
			return o;
	return NULL;
}

static bool __init take_cpu(struct boot_info *bi, struct boot_pool *p, u32 phandle)
{
	int node = fdt_node_offset_by_phandle(bi->fdt, phandle);
	int cpu = node < 0 ? -1 : find_cpu(bi, node);
	char path[DT_PATH_MAX], other[DT_PATH_MAX], why[2 * DT_PATH_MAX + 32];
	const struct boot_pool *o;

	if (cpu < 0) {
		if (node < 0)
			snprintf(why, sizeof(why), "no node has the phandle %#x", phandle);
		else
			snprintf(why, sizeof(why), "%s is no CPU that can be used",
				 dt_path(bi->fdt, node, path, sizeof(path)));
		refuse(bi, p, cpus_name, why, "write phandles of nodes in /cpus: <&cpu2 &cpu3>");
		return false;
	}
	o = pool_of(bi, p, (u32)cpu);
	if (o) {
		snprintf(why, sizeof(why), "%s is in %s already",
			 dt_path(bi->fdt, node, path, sizeof(path)),
			 dt_path(bi->fdt, o->node, other, sizeof(other)));
		refuse(bi, p, cpus_name, why, "write each CPU once");
		return false;
	}
	cpumask_set(&p->cpus, (u32)cpu);
	return true;
}

/* Once all CPUs are known. A pool that is refused holds on to none. */
static void __init take_cpus(struct boot_info *bi, struct boot_pool *p)
{
	int len;
	const u32 *c = fdt_getprop(bi->fdt, p->node, cpus_name, &len);

	if (!c || !len || len % 4)
		refuse(bi, p, cpus_name, "it is no list of CPUs",
		       "write phandles of nodes in /cpus: <&cpu2 &cpu3>");
	for (int i = 0; !p->bad && i < len / 4; i++)
		take_cpu(bi, p, (u32)dt_cells(c + i, 1));
	if (p->bad)
		p->cpus = (struct cpumask){ 0 };
}

static void __init find_pool(struct boot_info *bi, struct boot_domain *d)
{
	int len, node;
	const u32 *c = fdt_getprop(bi->fdt, d->node, domain_name, &len);
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 48];

	if (!c)
		return;
	node = len == 4 ? fdt_node_offset_by_phandle(bi->fdt, (u32)dt_cells(c, 1)) : -1;
	for (u32 i = 0; i < bi->nr_pools; i++)
		if (bi->pools[i].node == node)
			d->pool = (int)i;
	if (d->pool >= 0 && !bi->pools[d->pool].bad)
		return;
	if (node < 0)
		str_copy(why, "it is no phandle of a node", sizeof(why));
	else
		snprintf(why, sizeof(why), "%s is no pool%s",
			 dt_path(bi->fdt, node, path, sizeof(path)),
			 d->pool >= 0 ? " that can be made, see above" : "");
	bootdomain_refuse_prop(bi, d, d->node, domain_name, why,
			       "write the phandle of a node in /chosen with compatible = "
			       "\"xen,cpupool\", or remove it");
}

int __init bootpool_check(struct boot_info *bi)
{
	bool bad = false;

	for (u32 i = 0; i < bi->nr_pools; i++) {
		take_cpus(bi, &bi->pools[i]);
		bad |= bi->pools[i].bad;
	}
	for (u32 i = 0; i < bi->nr_domains; i++)
		if (!bi->domains[i].disabled)
			find_pool(bi, &bi->domains[i]);
	return bad && options.dom0less_strict ? -XEN_EINVAL : 0;
}
