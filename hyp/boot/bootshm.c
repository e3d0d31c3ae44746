/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared memory of the device tree: nodes with compatible = "xen,domain-shared-memory-v1" below a
 * domain, or in /chosen for dom0 (Xen's docs/misc/arm/device-tree/booting.txt, Static Shared Memory).
 * Nodes with the same xen,shm-id are one region. Its owner's node, or else the first, says what it
 * is like; who contradicts that is refused. An owner that is not there is stood in for.
 */
#include "bootdomain.h"
#include <abi/guest_layout.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

static const char mem_name[] __initconst = "xen,shared-mem", id_name[] __initconst = "xen,shm-id";

#define WRITE_ELSE "write the same in all nodes with this xen,shm-id, or another xen,shm-id"

/* name NULL: why is not about one property. */
static void __init refuse(struct boot_info *bi, struct boot_shm *s, const char *name, const char *why,
			  const char *write)
{
	struct boot_domain *d = s->domain < 0 ? NULL : &bi->domains[s->domain];

	s->bad = true;
	if (d && d->disabled)
		return;
	if (name)
		bootdomain_refuse_prop(bi, d, s->node, name, why, write);
	else
		bootdomain_refuse(bi, d, s->node, "", why, write);
}

/* ------------------------------------------------------------------------------------- reading -- */

static const char *__init node_string(const struct boot_info *bi, int node, const char *name)
{
	int len;
	struct dt_prop p = { .data = fdt_getprop(bi->fdt, node, name, &len) };

	p.len = p.data ? (u32)len : 0;
	return p.data ? dt_string(&p) : NULL;
}

static void __init read_id(struct boot_info *bi, struct boot_shm *s)
{
	const char *id = node_string(bi, s->node, id_name);

	if (id && id[0] && strlen(id) < sizeof(s->id))
		str_copy(s->id, id, sizeof(s->id));
	else
		refuse(bi, s, id_name, "it is no text of 1 to 15 characters",
		       "write xen,shm-id = \"NAME\", the same in all domains that share the memory");
}

static void __init read_role(struct boot_info *bi, struct boot_shm *s)
{
	const char *role = node_string(bi, s->node, "role");

	if (role && !strcmp(role, "owner"))
		s->role = SHM_OWNER;
	else if (role && !strcmp(role, "borrower"))
		s->role = SHM_BORROWER;
	else if (fdt_getprop(bi->fdt, s->node, "role", NULL))
		refuse(bi, s, "role", "there is no such role",
		       "write role = \"owner\" or \"borrower\", or nothing");
}

/* <host guest size>, or <guest size>. */
static const char *__init take_addresses(const struct boot_info *bi, struct boot_shm *s, u32 ac, u32 sc)
{
	int len;
	const u32 *c = fdt_getprop(bi->fdt, s->node, mem_name, &len);
	u32 n = c ? (u32)len : 0;

	if (!ac || ac > 2 || !sc || sc > 2)
		return "#address-cells or #size-cells of the node above is neither 1 nor 2";
	if (n != 4 * (2 * ac + sc) && n != 4 * (ac + sc))
		return "it is not an address of the machine, one of the guest and a size";
	s->has_host = n == 4 * (2 * ac + sc);
	if (s->has_host) {
		s->host = dt_cells(c, ac);
		c += ac;
	}
	s->gpa = dt_cells(c, ac);
	s->size = dt_cells(c + ac, sc);
	if (!s->size)
		return "its size is zero";
	if (!IS_ALIGNED(s->host | s->gpa | s->size, PAGE_SIZE))
		return "an address or the size is no multiple of 4 KiB";
	if (s->size > BOOT_ADDR_MAX || s->host > BOOT_ADDR_MAX - s->size ||
	    s->gpa > BOOT_ADDR_MAX - s->size)
		return "it is beyond all memory";
	return NULL;
}

static void __init read_addresses(struct boot_info *bi, struct boot_shm *s, const struct dt_walk *w)
{
	const struct dt_level *above = &w->level[w->depth - 1];
	const char *why = take_addresses(bi, s, above->addr_cells, above->size_cells);
	char write[160];

	if (!why)
		return;
	snprintf(write, sizeof(write),
		 "write %s = <HOST-ADDRESS GUEST-ADDRESS SIZE>, addresses of %u cells and a size of %u, "
		 "all multiples of 4 KiB",
		 mem_name, above->addr_cells, above->size_cells);
	refuse(bi, s, mem_name, why, write);
}

/* A node that is bad, or of a domain that is not to be, is in nobody's way. */
static void __init drop_host(const struct boot_info *bi, struct boot_shm *s)
{
	if (s->bad || (s->domain >= 0 && bi->domains[s->domain].disabled))
		s->has_host = false;
}

void __init bootshm_read(struct boot_info *bi, const struct dt_walk *w, int domain)
{
	struct boot_shm *s = &bi->shm[bi->nr_shm], too_many;

	if (bi->nr_shm == BOOT_SHM_MAX)
		s = &too_many;
	*s = (struct boot_shm){ .node = w->node, .domain = domain };
	if (s == &too_many) {
		refuse(bi, s, NULL, "there are too many such nodes", "leave 32");
		return;
	}
	bi->nr_shm++;
	read_id(bi, s);
	read_role(bi, s);
	read_addresses(bi, s, w);
	drop_host(bi, s);
}

/* ------------------------------------------------------------------------------------- regions -- */

static bool __init same_region(const struct boot_shm *a, const struct boot_shm *b)
{
	return a->id[0] && !strcmp(a->id, b->id);
}

bool __init bootshm_takes_part(const struct boot_info *bi, const struct boot_shm *s)
{
	return !s->bad && (s->domain < 0 || !bi->domains[s->domain].left_out);
}

/* Of the nodes of one region with this role; but for one, which may be NULL. */
static const struct boot_shm *__init find_role(const struct boot_info *bi, const struct boot_shm *like,
					       enum boot_shm_role role, const struct boot_shm *but)
{
	for (u32 i = 0; i < bi->nr_shm; i++)
		if (&bi->shm[i] != but && bi->shm[i].role == role &&
		    same_region(&bi->shm[i], like))
			return &bi->shm[i];
	return NULL;
}

/* The node that says what the region is like. */
static const struct boot_shm *__init reference(const struct boot_info *bi, const struct boot_shm *s)
{
	const struct boot_shm *owner = find_role(bi, s, SHM_OWNER, NULL);

	if (owner && !owner->size)
		owner = NULL; /* it cannot be read */
	for (u32 i = 0; i < bi->nr_shm && !owner; i++)
		if (same_region(&bi->shm[i], s) && bi->shm[i].size)
			owner = &bi->shm[i];
	return owner;
}

static const char *__init node_path(const struct boot_info *bi, const struct boot_shm *s, char *path)
{
	return dt_path(bi->fdt, s->node, path, DT_PATH_MAX);
}

static void __init check_reference(struct boot_info *bi, struct boot_shm *s)
{
	const struct boot_shm *ref = reference(bi, s);
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 64];

	if (ref == s)
		return;
	node_path(bi, ref, path);
	if (s->size != ref->size) {
		snprintf(why, sizeof(why), "the size is %#lx, but %#lx in %s", s->size, ref->size,
			 path);
		refuse(bi, s, mem_name, why, WRITE_ELSE);
	} else if (s->has_host && ref->has_host && s->host != ref->host) {
		snprintf(why, sizeof(why), "the host address is %#lx, but %#lx in %s", s->host,
			 ref->host, path);
		refuse(bi, s, mem_name, why, WRITE_ELSE);
	}
}

static void __init check_roles(struct boot_info *bi, struct boot_shm *s)
{
	const struct boot_shm *owner = find_role(bi, s, SHM_OWNER, s);
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 32];

	if (s->role == SHM_OWNER && owner) {
		snprintf(why, sizeof(why), "%s is the owner, too", node_path(bi, owner, path));
		refuse(bi, s, "role", why, "leave role = \"owner\" in one, write \"borrower\" in the "
					   "others");
	} else if (s->role == SHM_BORROWER && !owner) {
		refuse(bi, s, "role", "no domain is the owner of this xen,shm-id",
		       "write role = \"owner\" in one, or remove role from all: the memory is Serai's "
		       "then");
	}
}

static void __init check_alone(struct boot_info *bi, const struct boot_shm *s)
{
	char path[DT_PATH_MAX];

	for (u32 i = 0; i < bi->nr_shm; i++)
		if (&bi->shm[i] != s && same_region(&bi->shm[i], s))
			return;
	pr_warn("device tree: %s: %s = \"%s\": no other domain has it, so nobody shares this memory\n",
		node_path(bi, s, path), id_name, s->id);
}

/* Other nodes of the same domain: neither the same region again nor the same addresses. */
static void __init check_siblings(struct boot_info *bi, struct boot_shm *s)
{
	const struct range here = { s->gpa, s->gpa + s->size };
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 32];

	for (const struct boot_shm *o = bi->shm; o < s; o++) {
		if (o->domain != s->domain)
			continue;
		if (same_region(o, s)) {
			snprintf(why, sizeof(why), "%s has it already", node_path(bi, o, path));
			refuse(bi, s, id_name, why, "remove one of the nodes, or write another name");
		} else if (ranges_overlap(&here, &(struct range){ o->gpa, o->gpa + o->size })) {
			snprintf(why, sizeof(why), "the guest has %s there",
				 node_path(bi, o, path));
			refuse(bi, s, mem_name, why, "write another guest address");
		}
	}
}

/* What a guest that is not direct mapped has at r; NULL: nothing. */
static const char *__init guest_has(const struct boot_domain *d, const struct range *r)
{
	u64 low = MIN(d->memory, GUEST_RAM0_SIZE);
	const struct {
		const char *what;
		struct range at;
	} places[] = {
		{ "its memory", { GUEST_RAM0_BASE, GUEST_RAM0_BASE + low } },
		{ "its memory", { GUEST_RAM1_BASE, GUEST_RAM1_BASE + (d->memory - low) } },
		{ "its interrupt controller",
		  { GUEST_GICV3_GICD_BASE, GUEST_GICV3_GICR0_BASE + GUEST_GICV3_GICR0_SIZE } },
		{ "its UART", { GUEST_PL011_BASE, GUEST_PL011_BASE + GUEST_PL011_SIZE } },
		{ "its grant frames", { GUEST_GNTTAB_BASE, GUEST_GNTTAB_BASE + GUEST_GNTTAB_SIZE } },
	};

	for (u32 i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].at.start < places[i].at.end && ranges_overlap(r, &places[i].at))
			return places[i].what;
	return NULL;
}

static void __init check_guest(struct boot_info *bi, struct boot_shm *s)
{
	const struct boot_domain *d = s->domain < 0 ? NULL : &bi->domains[s->domain];
	const struct range r = { s->gpa, s->gpa + s->size };
	const char *what;
	char why[96];

	if (!d && !bootinfo_module(bi, MODULE_KERNEL)) {
		refuse(bi, s, NULL, "there is no dom0 to which it could belong",
		       "move the node into a domain's");
		return;
	}
	if (!d || d->direct_map) {
		if (!s->has_host || s->host != s->gpa)
			refuse(bi, s, mem_name, "the domain is direct mapped",
			       "write the same address for host and guest");
		return;
	}
	what = guest_has(d, &r);
	if (!what)
		return;
	snprintf(why, sizeof(why), "the guest has %s at %#lx-%#lx, or a part of it", what, r.start,
		 r.end - 1);
	refuse(bi, s, mem_name, why, "write another guest address");
}

static void __init check_host(struct boot_info *bi, struct boot_shm *s)
{
	const struct range r = { s->host, s->host + s->size };
	char text[WHO_TEXT], why[WHO_TEXT + 48];
	const char *clash = bootdomain_clash(bi, NULL, s, &r, text);

	if (!clash)
		return;
	snprintf(why, sizeof(why), "%#lx-%#lx of the host %s", r.start, r.end - 1, clash);
	refuse(bi, s, mem_name, why, "write a host address of RAM that nothing else uses");
}

/* ----------------------------------------------------------------------------------- placement -- */

RANGE_SET_INIT(usable, BOOT_BANKS_MAX + BOOT_RESERVED_MAX + BOOT_MODULES_MAX + 16);

/* The highest place that is free, in blocks if it is large. */
static bool __init find_place(const struct boot_info *bi, u64 size, u64 *host)
{
	u64 align = size < BLOCK_SIZE ? PAGE_SIZE : BLOCK_SIZE;

	if (bootinfo_usable(bi, &usable, KEEP_ALL))
		return false;
	for (u32 i = usable.nr; i-- > 0;) {
		const struct range *r = &usable.r[i];

		if (range_size(r) < size)
			continue;
		*host = ROUND_DOWN(r->end - size, align);
		if (*host >= r->start)
			return true;
	}
	return false;
}

/* A region of which no node says where it is in the machine. */
static void __init place(struct boot_info *bi, struct boot_shm *s)
{
	char why[64];
	u64 host = 0;

	for (u32 i = 0; i < bi->nr_shm; i++)
		if (bi->shm[i].has_host && same_region(&bi->shm[i], s))
			host = bi->shm[i].host;
	if (!host && !find_place(bi, s->size, &host)) {
		snprintf(why, sizeof(why), "there are no %lu KiB of free RAM in one piece",
			 s->size >> 10);
		refuse(bi, s, mem_name, why, "write a smaller size");
		return;
	}
	s->host = host;
	s->has_host = true;
}

/* What the node says by itself and beside others. */
static void __init check_node(struct boot_info *bi, struct boot_shm *s)
{
	static void (*const checks[])(struct boot_info *bi, struct boot_shm *s) __initconst = {
		check_roles, check_reference, check_siblings, check_guest,
	};

	for (u32 i = 0; i < ARRAY_SIZE(checks) && !s->bad; i++)
		checks[i](bi, s);
	drop_host(bi, s);
}

int __init bootshm_check(struct boot_info *bi)
{
	bool dom0_bad = false;

	for (u32 i = 0; i < bi->nr_shm; i++)
		check_node(bi, &bi->shm[i]);
	for (u32 i = 0; i < bi->nr_shm; i++) {
		struct boot_shm *s = &bi->shm[i];

		if (s->has_host)
			check_host(bi, s);
		if (bootshm_takes_part(bi, s))
			check_alone(bi, s);
	}
	for (u32 i = 0; i < bi->nr_shm; i++) {
		struct boot_shm *s = &bi->shm[i];

		if (bootshm_takes_part(bi, s) && !s->has_host)
			place(bi, s);
		dom0_bad |= s->bad && s->domain < 0;
	}
	return dom0_bad && options.dom0less_strict ? -XEN_EINVAL : 0;
}
