/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's tree gets out of its partial tree: /passthrough and /aliases, as they are but for
 * the hypervisor's own properties.
 */
#include "fdt_out.h"
#include <serai/compiler.h>
#include <serai/string.h>

static bool __init is_copied(const struct dt_walk *w)
{
	return !strcmp(w->name, "passthrough") || !strcmp(w->name, "aliases");
}

static void __init copy_props(struct out *o, const struct dt_walk *w)
{
	const char *name;
	struct dt_prop p;
	u32 off = 0;

	while (dt_walk_prop(w, &off, &name, &p))
		if (strncmp(name, "xen,", 4))
			out_prop(o, name, p.data, p.len);
}

void __init out_partial(struct out *o, const void *partial)
{
	static struct dt_walk w __initbss;
	int root = o->open;

	dt_walk_start(&w, partial);
	while (dt_walk_next(&w) > 0) {
		if (w.depth == 0)
			continue;
		if (w.depth == 1 && !is_copied(&w)) {
			dt_walk_skip(&w);
			continue;
		}
		while (o->open - root >= w.depth)
			out_end(o);
		out_begin(o, w.name);
		copy_props(o, &w);
	}
	while (o->open > root)
		out_end(o);
}
