/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels of the device tree: nodes with compatible = "xen,evtchn-v1" below a domain, or in
 * /chosen for dom0 (Xen's docs/misc/arm/device-tree/booting.txt, Static Event Channel). Each names
 * its port and the node of the other end, which must name this one in turn.
 */
#include "bootdomain.h"
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <libfdt.h>

#define DOM0_STATIC_PORTS 4096 /* of the format that all domains begin with */

static const char chn_name[] __initconst = "xen,evtchn";

static bool __init is_disabled(const struct boot_info *bi, const struct boot_evtchn *e)
{
	return e->domain >= 0 && bi->domains[e->domain].disabled;
}

static void __init refuse(struct boot_info *bi, struct boot_evtchn *e, const char *why,
			  const char *write)
{
	struct boot_domain *d = e->domain < 0 ? NULL : &bi->domains[e->domain];

	e->bad = true;
	if (!is_disabled(bi, e))
		bootdomain_refuse_prop(bi, d, e->node, chn_name, why, write);
}

void __init bootevtchn_read(struct boot_info *bi, const struct dt_walk *w, int domain)
{
	struct boot_evtchn *e = &bi->evtchn[bi->nr_evtchn], too_many;
	u32 last = (domain < 0 ? DOM0_STATIC_PORTS : GUEST_PORTS) - 1;
	char write[80];
	int len;
	const u32 *c = fdt_getprop(bi->fdt, w->node, chn_name, &len);

	if (bi->nr_evtchn == BOOT_EVTCHN_MAX)
		e = &too_many;
	*e = (struct boot_evtchn){ .node = w->node, .domain = domain, .peer = -1,
				   .phandle = dt_u32(&w->prop[DT_PHANDLE], 0) };
	if (e == &too_many) {
		refuse(bi, e, "there are too many such nodes", "leave 64");
		return;
	}
	bi->nr_evtchn++;
	snprintf(write, sizeof(write), "write xen,evtchn = <PORT &OTHER-NODE>, PORT from 1 to %u",
		 last);
	if (!c || len != 8) {
		refuse(bi, e, "it is not two cells", write);
		return;
	}
	e->port = (u32)dt_cells(c, 1);
	e->peer_phandle = (u32)dt_cells(c + 1, 1);
	if (!e->port || e->port > last)
		refuse(bi, e, "there is no such port", write);
}

/* ------------------------------------------------------------------------------------- checks -- */

static int __init find_peer(const struct boot_info *bi, u32 phandle)
{
	for (u32 i = 0; i < bi->nr_evtchn; i++)
		if (phandle && bi->evtchn[i].phandle == phandle)
			return (int)i;
	return -1;
}

static const char *__init node_path(const struct boot_info *bi, int node, char *path)
{
	return dt_path(bi->fdt, node, path, DT_PATH_MAX);
}

static void __init refuse_peer(struct boot_info *bi, struct boot_evtchn *e)
{
	int node = fdt_node_offset_by_phandle(bi->fdt, e->peer_phandle);
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 64];

	if (node < 0)
		snprintf(why, sizeof(why), "no node has the phandle %#x", e->peer_phandle);
	else
		snprintf(why, sizeof(why), "%s is no event channel", node_path(bi, node, path));
	refuse(bi, e, why, "let it lead to a node with compatible = \"xen,evtchn-v1\"");
}

/* The other end leads back here, unless it cannot be read: that is not this one's fault. */
static void __init check_peer(struct boot_info *bi, struct boot_evtchn *e)
{
	const struct boot_evtchn *peer;
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 64];

	e->peer = find_peer(bi, e->peer_phandle);
	if (e->peer < 0) {
		refuse_peer(bi, e);
		return;
	}
	peer = &bi->evtchn[e->peer];
	if (peer == e) {
		refuse(bi, e, "it leads to itself", "write the phandle of the other end's node");
	} else if (peer->port && (peer->peer_phandle != e->phandle || !e->phandle)) {
		snprintf(why, sizeof(why), "%s does not lead back here",
			 node_path(bi, peer->node, path));
		refuse(bi, e, why, "write in that node xen,evtchn = <ITS-PORT &THIS-NODE>");
	}
}

static void __init check_port(struct boot_info *bi, struct boot_evtchn *e)
{
	char path[DT_PATH_MAX], why[DT_PATH_MAX + 32];

	for (const struct boot_evtchn *o = bi->evtchn; o < e; o++) {
		if (o->domain != e->domain || o->port != e->port || o->bad)
			continue;
		snprintf(why, sizeof(why), "%s has this port already", node_path(bi, o->node, path));
		refuse(bi, e, why, "write another port");
		return;
	}
}

static void __init warn_not_told(const struct boot_info *bi, const struct boot_evtchn *e)
{
	char path[DT_PATH_MAX];

	if (e->domain < 0 || is_disabled(bi, e) ||
	    bi->domains[e->domain].enhanced != ENHANCED_NO)
		return;
	pr_warn("device tree: %s: the guest is not told of event channels; write xen,enhanced = "
		"\"no-xenstore\" in its node\n",
		node_path(bi, e->node, path));
}

int __init bootevtchn_check(struct boot_info *bi)
{
	bool dom0_bad = false;

	for (u32 i = 0; i < bi->nr_evtchn; i++) {
		struct boot_evtchn *e = &bi->evtchn[i];

		if (e->domain < 0 && !e->bad && !bootinfo_module(bi, MODULE_KERNEL))
			refuse(bi, e, "there is no dom0 that could have it",
			       "move the node into a domain's");
		if (!e->bad)
			check_port(bi, e);
		if (!e->bad)
			check_peer(bi, e);
		if (!e->bad)
			warn_not_told(bi, e);
		dom0_bad |= e->bad && e->domain < 0;
	}
	return dom0_bad && options.dom0less_strict ? -XEN_EINVAL : 0;
}
