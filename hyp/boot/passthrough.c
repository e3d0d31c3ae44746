/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partial device trees: which registers and interrupts of the machine a domain gets. All of a tree
 * is claimed first (here), then looked at as the guest and as the rest of the machine will see it
 * (pass_check.c). A tree that is refused claims nothing.
 */
#include "pass.h"
#include <abi/guest_layout.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <libfdt.h>

#define HOST_REGS_MAX 16
#define VALUE_TEXT    96
#define WRITE_REG     "write xen,reg = <HOST-ADDRESS SIZE GUEST-ADDRESS>, in the cells of the node above"

struct passthrough passthrough __initbss;

/* The node of the machine that a device's xen,path names. */
static struct host_device {
	int node; /* -1: no xen,path */
	const char *path;
	struct range_set regs; /* whole pages */
	u8 irq_type[IRQS_MAX];
	u32 nr_ppis;
} host __initbss;

static struct range host_regs[HOST_REGS_MAX] __initbss;

void __init passthrough_reset(void)
{
	memset(&passthrough, 0, sizeof(passthrough));
}

/* ---------------------------------------------------------------------------------- messages -- */

void __init pass_refuse(struct pass *p, int node, const char *name, const char *why,
			const char *write)
{
	char domain[DT_PATH_MAX], path[DT_PATH_MAX], value[VALUE_TEXT] = "";
	struct dt_prop prop;
	int len = 0;

	prop.data = node >= 0 && name[0] ? fdt_getprop(p->tree, node, name, &len) : NULL;
	prop.len = (u32)len;
	if (prop.data)
		dt_format_value(value, sizeof(value), &prop);
	p->refused = true;
	pr_err("device tree: %s: partial tree: %s%s%s%s%s%s; %s\n",
	       dt_path(p->bi->fdt, p->d->node, domain, sizeof(domain)),
	       node >= 0 ? dt_path(p->tree, node, path, sizeof(path)) : "", node >= 0 ? ": " : "",
	       name, value, name[0] ? ": " : "", why, write);
}

/* The domain of an owner, for messages. */
static const char *__init pass_owner_name(const struct pass *p, u8 owner)
{
	return p->bi->domains[owner - 1].name;
}

bool __init pass_inside(const struct dt_walk *w)
{
	return w->depth >= 1 &&
	       !strcmp(fdt_get_name(w->fdt, w->level[1].node, NULL), "passthrough");
}

/* ------------------------------------------------------------------------------ the host's node -- */

static void __init host_irq(void *ctx, u32 intid, enum irq_type type)
{
	if (intid < IRQ_FIRST_SPI)
		host.nr_ppis++;
	else
		host.irq_type[intid] = (u8)type;
}

/* What the node has; false: it cannot be read. */
static bool __init read_host(const struct pass *p, int node, const char *path)
{
	static struct dt_walk w __initbss;
	u64 addr, size;
	int rc = 0;

	host = (struct host_device){
		.node = node,
		.path = path,
		.regs = { 0, HOST_REGS_MAX, host_regs },
	};
	if (node < 0)
		return true;
	if (dt_walk_to(&w, p->bi->fdt, node))
		return false;
	for (u32 i = 0; (rc = dt_walk_reg(&w, i, &addr, &size)) == 0; i++) {
		struct range r = range_pages_out(addr, addr + size);

		if (range_set_add(&host.regs, r.start, r.end))
			return false;
	}
	return rc != -XEN_EINVAL && !dt_walk_irqs(&w, p->bi->gic.phandle, host_irq, NULL);
}

/* The device's xen,path and its node. False: refused. */
static bool __init take_path(struct pass *p, const struct dt_walk *w)
{
	int len, node;
	struct dt_prop prop = { .data = fdt_getprop(p->tree, w->node, "xen,path", &len) };

	if (!prop.data)
		return read_host(p, -1, NULL);
	prop.len = (u32)len;
	if (!dt_string(&prop)) {
		pass_refuse(p, w->node, "xen,path", "it is no string",
			    "write the path of the device's node in the machine's tree");
		return false;
	}
	node = dt_lookup(p->bi->fdt, prop.data);
	if (node < 0) {
		pass_refuse(p, w->node, "xen,path", "the machine's device tree has no such node",
			    "write the path of the device's node there, such as "
			    "xen,path = \"/soc/rtc@9010000\"");
		return false;
	}
	if (!read_host(p, node, prop.data)) {
		pass_refuse(p, w->node, "xen,path",
			    "reg or interrupts of that node cannot be read, or are too many",
			    "name another device");
		return false;
	}
	return true;
}

/* --------------------------------------------------------------------------------- registers -- */

static bool __init overlaps_set(const struct range *r, const struct range_set *s)
{
	for (u32 i = 0; i < s->nr; i++)
		if (ranges_overlap(r, &s->r[i]))
			return true;
	return false;
}

static bool __init overlaps_gic(const struct range *r, const struct boot_gic *gic)
{
	if (gic->version && ranges_overlap(r, &gic->dist))
		return true;
	for (u32 i = 0; i < gic->nr_redists; i++)
		if (ranges_overlap(r, &gic->redist[i]))
			return true;
	return false;
}

/* What of the guest's own lies in r; NULL: nothing does. Direct mapped, it has the machine's places. */
static const char *__init guest_has(const struct pass *p, const struct range *r)
{
	static const struct {
		struct range range;
		const char *what;
	} places[] __initconst = {
		{ { GUEST_GICV3_GICD_BASE, GUEST_GICV3_GICD_BASE + GUEST_GICV3_GICD_SIZE },
		  "the guest's interrupt controller" },
		{ { GUEST_GICV3_GICR0_BASE, GUEST_GICV3_GICR0_BASE + GUEST_GICV3_GICR0_SIZE },
		  "the guest's interrupt controller" },
		{ { GUEST_GNTTAB_BASE, GUEST_GNTTAB_BASE + GUEST_GNTTAB_SIZE },
		  "the guest's place for grant tables" },
		{ { GUEST_PL011_BASE, GUEST_PL011_BASE + GUEST_PL011_SIZE }, "the guest's vpl011" },
	};
	struct range ranges[2];
	struct range_set banks = { 0, ARRAY_SIZE(ranges), ranges };

	if (p->d->direct_map)
		return overlaps_set(r, &p->bi->banks) ? "the machine's RAM" :
		       overlaps_gic(r, &p->bi->gic) ? "the guest's interrupt controller" : NULL;
	guest_banks(p->d->memory, &banks);
	if (overlaps_set(r, &banks))
		return "the guest's RAM";
	for (u32 i = 0; i < ARRAY_SIZE(places); i++)
		if (ranges_overlap(r, &places[i].range))
			return places[i].what;
	return NULL;
}

static bool __init say(struct pass *p, const char *write)
{
	str_copy(p->write, write, sizeof(p->write));
	return false;
}

/* By itself. These answer false with p->why and p->write filled. */
static bool __init region_sound(struct pass *p, const struct pass_region *r)
{
	u64 size = range_size(&r->host), guest = r->guest & PAGE_MASK;
	struct range pages;

	if (!size || r->host.end < r->host.start || r->guest + size < r->guest) {
		str_copy(p->why, "a region is empty or has no end", sizeof(p->why));
		return say(p, WRITE_REG);
	}
	if (IS_ALIGNED(r->host.start | size | r->guest, PAGE_SIZE))
		return true;
	pages = range_pages_out(r->host.start, r->host.end);
	snprintf(p->why, sizeof(p->why),
		 "%#lx-%#lx is not made of whole pages, and nothing less than a page can be mapped",
		 r->host.start, r->host.end - 1);
	snprintf(p->write, sizeof(p->write),
		 "write host %#lx, size %#lx, guest %#lx, and leave the guest's reg as it is: it "
		 "gets all that is in the page", pages.start, range_size(&pages), guest);
	return false;
}

/* On the machine. */
static bool __init region_on_host(struct pass *p, const struct pass_region *r)
{
	const char *is = NULL;

	if (overlaps_set(&r->host, &p->bi->banks))
		is = "RAM";
	else if (overlaps_gic(&r->host, &p->bi->gic))
		is = "the interrupt controller, which Serai keeps";
	if (is) {
		snprintf(p->why, sizeof(p->why), "host %#lx-%#lx is %s", r->host.start,
			 r->host.end - 1, is);
		return say(p, "name the registers of a device");
	}
	if (host.node >= 0 && !range_set_find(&host.regs, r->host.start, r->host.end)) {
		snprintf(p->why, sizeof(p->why), "host %#lx-%#lx is not in reg of %.100s",
			 r->host.start, r->host.end - 1, host.path);
		if (!host.regs.nr)
			return say(p, "name the node that has these registers in xen,path");
		snprintf(p->write, sizeof(p->write), "its pages are %#lx-%#lx%s",
			 host.regs.r[0].start, host.regs.r[0].end - 1,
			 host.regs.nr > 1 ? " and more" : "");
		return false;
	}
	return true;
}

/* Beside what was given away, to this domain or others. */
static bool __init region_free(struct pass *p, const struct pass_region *r)
{
	struct range guest = { r->guest, r->guest + range_size(&r->host) };
	const char *is = guest_has(p, &guest);

	for (u32 i = 0; i < passthrough.nr_regions; i++) {
		const struct pass_region *o = &passthrough.regions[i];
		struct range there = { o->guest, o->guest + range_size(&o->host) };

		if (o->owner != r->owner && ranges_overlap(&o->host, &r->host)) {
			snprintf(p->why, sizeof(p->why), "host %#lx-%#lx is given to %.32s already",
				 r->host.start, r->host.end - 1, pass_owner_name(p, o->owner));
			return say(p, "give the device to one of them");
		}
		/* Devices that share a page are mapped twice in the same way. */
		if (o->owner == r->owner && ranges_overlap(&there, &guest) &&
		    o->host.start - o->guest != r->host.start - r->guest)
			is = "another device of the guest";
	}
	if (!is)
		return true;
	snprintf(p->why, sizeof(p->why), "guest %#lx-%#lx: %s is there", guest.start,
		 guest.end - 1, is);
	return say(p, "choose another guest address, and the same in reg");
}

static bool __init take_region(struct pass *p, const struct pass_region *r)
{
	if (!region_sound(p, r) || !region_on_host(p, r) || !region_free(p, r)) {
		pass_refuse(p, r->node, "xen,reg", p->why, p->write);
		return false;
	}
	if (passthrough.nr_regions == PASS_REGIONS_MAX) {
		pass_refuse(p, r->node, "xen,reg", "there are too many regions of devices",
			    "give fewer devices to guests");
		return false;
	}
	passthrough.regions[passthrough.nr_regions++] = *r;
	return true;
}

static void __init take_regions(struct pass *p, const struct dt_walk *w)
{
	const struct dt_level *up = &w->level[w->depth - 1];
	u32 ac = up->addr_cells, sc = up->size_cells, entry = 2 * ac + sc;
	int len;
	const u32 *c = fdt_getprop(p->tree, w->node, "xen,reg", &len);

	if (!c)
		return;
	if (!ac || ac > 2 || !sc || sc > 2 || !len || (u32)len % (entry * 4)) {
		snprintf(p->why, sizeof(p->why),
			 "it is not made of host address, size, guest address (%u, %u, %u cells)", ac,
			 sc, ac);
		pass_refuse(p, w->node, "xen,reg", p->why, WRITE_REG);
		return;
	}
	for (u32 n = (u32)len / (entry * 4); n; n--, c += entry) {
		u64 start = dt_cells(c, ac);
		const struct pass_region r = {
			.host = { start, start + dt_cells(c + ac, sc) },
			.guest = dt_cells(c + ac + sc, ac),
			.owner = p->owner,
			.node = w->node,
		};

		if (!take_region(p, &r))
			return;
	}
}

/* -------------------------------------------------------------------------------- interrupts -- */

/* Of an SPI of the host's node; answers as region_sound() does. */
static bool __init irq_free(struct pass *p, u32 intid)
{
	const struct boot_domain *d = p->d;
	u8 owner = passthrough.irq_owner[intid];

	if (owner && owner != p->owner) {
		snprintf(p->why, sizeof(p->why), "its interrupt %u (SPI %u) is given to %.32s already",
			 intid, intid - IRQ_FIRST_SPI, pass_owner_name(p, owner));
		return say(p, "give both devices to one domain");
	}
	if (d->vpl011 && !d->direct_map && intid == GUEST_VPL011_SPI) {
		snprintf(p->why, sizeof(p->why), "its interrupt %u (SPI %u) is that of the guest's "
			 "vpl011", intid, intid - IRQ_FIRST_SPI);
		return say(p, "remove vpl011 from the domain, or the device");
	}
	if (d->nr_spis != BOOT_SPIS_ALL && intid - IRQ_FIRST_SPI >= d->nr_spis) {
		snprintf(p->why, sizeof(p->why), "its interrupt %u is SPI %u, but the domain has "
			 "nr_spis = <%u>", intid, intid - IRQ_FIRST_SPI, d->nr_spis);
		snprintf(p->write, sizeof(p->write), "write nr_spis = <%u> or more, or nothing",
			 intid - IRQ_FIRST_SPI + 1);
		return false;
	}
	return true;
}

/* As real Xen does: all of the host's node, with the same numbers. */
static void __init take_irqs(struct pass *p, const struct dt_walk *w)
{
	if (host.nr_ppis)
		pass_refuse(p, w->node, "xen,path", "that node has interrupts that each CPU has for "
			    "itself (PPIs)", "name a device that has SPIs only");
	for (u32 i = IRQ_FIRST_SPI; i < IRQS_MAX; i++) {
		if (!host.irq_type[i])
			continue;
		if (!irq_free(p, i)) {
			pass_refuse(p, w->node, "xen,path", p->why, p->write);
			return;
		}
		passthrough.irq_owner[i] = p->owner;
		passthrough.irq_type[i] = host.irq_type[i];
		passthrough.irq_node[i] = w->node;
	}
}

/* -------------------------------------------------------------------------------------- trees -- */

static bool __init tree_has(const struct pass *p, int node, const char *name)
{
	return fdt_getprop(p->tree, node, name, NULL);
}

static void __init read_device(struct pass *p, const struct dt_walk *w)
{
	bool reg = tree_has(p, w->node, "xen,reg"), path = tree_has(p, w->node, "xen,path");

	if (!reg && !path)
		return;
	if (!tree_has(p, w->node, "xen,force-assign-without-iommu"))
		pass_refuse(p, w->node, reg ? "xen,reg" : "xen,path",
			    "no IOMMU stands between the device and all of the memory",
			    "if you trust the guest with that, write in the node: "
			    "xen,force-assign-without-iommu;");
	if (!take_path(p, w))
		return;
	take_regions(p, w);
	take_irqs(p, w);
}

/* /passthrough becomes a bus of the guest. */
static void __init check_bus(struct pass *p, const struct dt_walk *w)
{
	static const char *const needed[] = { "ranges", "#address-cells", "#size-cells" };

	if (!dt_compatible(w, "simple-bus"))
		pass_refuse(p, w->node, "compatible", "the guest would not look into the node",
			    "write compatible = \"simple-bus\"");
	for (u32 i = 0; i < ARRAY_SIZE(needed); i++)
		if (!tree_has(p, w->node, needed[i]))
			pass_refuse(p, w->node, needed[i], "it is missing",
				    "write ranges; #address-cells = <2>; #size-cells = <2>;");
}

/* Nodes below the root. */
static void __init read_top(struct pass *p, const struct dt_walk *w)
{
	char path[DT_PATH_MAX];

	if (!strcmp(w->name, "gic"))
		p->gic = dt_u32(&w->prop[DT_PHANDLE], p->gic);
	else if (!strcmp(w->name, "passthrough"))
		check_bus(p, w);
	else if (strcmp(w->name, "aliases") && strncmp(w->name, "__", 2))
		pr_warn("device tree: %s: partial tree: /%.60s: the guest does not get this node, only "
			"/passthrough and /aliases\n",
			dt_path(p->bi->fdt, p->d->node, path, sizeof(path)), w->name);
}

static void __init read_tree(struct pass *p)
{
	static struct dt_walk w __initbss;
	int rc;

	dt_walk_start(&w, p->tree);
	while ((rc = dt_walk_next(&w)) > 0) {
		if (w.depth == 1)
			read_top(p, &w);
		if (pass_inside(&w))
			read_device(p, &w);
	}
	if (rc)
		pass_refuse(p, -1, "", "it is malformed or too deep", "compile it with dtc");
	else if (fdt_path_offset(p->tree, "/passthrough") < 0)
		pass_refuse(p, -1, "", "it has no node /passthrough, so the guest would get nothing",
			    "describe the devices below /passthrough");
}

static void __init drop_claims(u8 owner)
{
	u32 n = 0;

	for (u32 i = 0; i < passthrough.nr_regions; i++)
		if (passthrough.regions[i].owner != owner)
			passthrough.regions[n++] = passthrough.regions[i];
	passthrough.nr_regions = n;
	for (u32 i = 0; i < IRQS_MAX; i++)
		if (passthrough.irq_owner[i] == owner)
			passthrough.irq_owner[i] = 0;
}

void __init passthrough_cut(u32 place, struct range_set *s)
{
	for (u32 i = 0; i < passthrough.nr_regions; i++) {
		const struct pass_region *r = &passthrough.regions[i];
		u64 end = r->guest + range_size(&r->host);

		if (r->owner == place + 1 && range_set_remove(s, ROUND_DOWN(r->guest, BLOCK_SIZE),
							      ROUND_UP(end, BLOCK_SIZE)))
			range_set_clear(s);
	}
}

int __init passthrough_read(struct boot_info *bi, u32 place, const void *tree, size_t size, int uart)
{
	static struct pass p __initbss;

	p = (struct pass){
		.bi = bi,
		.d = &bi->domains[place],
		.owner = (u8)(place + 1),
		.tree = tree,
		.uart = uart,
		.gic = GUEST_PHANDLE_GIC,
	};
	if (dt_check(tree, size))
		pass_refuse(&p, -1, "", "the module is no device tree, or its reg is too short",
			    "compile it with dtc -O dtb, and write its whole size");
	else
		read_tree(&p);
	if (!p.refused)
		pass_check_guest(&p);
	if (!p.refused)
		pass_check_host(&p);
	if (p.refused) {
		drop_claims(p.owner);
		p.d->left_out = true;
		return -XEN_EINVAL;
	}
	passthrough.tree[place] = tree;
	passthrough.gic[place] = p.gic;
	return 0;
}
