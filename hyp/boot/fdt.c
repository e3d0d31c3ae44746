/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree walk: nodes in order, with the buses above them. Addresses are translated
 * through every ranges up to the root (specification 2.3.8); #address-cells and #size-cells are
 * inherited where a node has none, as Linux does.
 */
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/fdt.h>
#include <serai/string.h>
#include <libfdt.h>

#define TAG 4U /* bytes of a tag; everything is aligned to them */

static const char *const prop_names[DT_NR_PROPS] = {
	[DT_COMPATIBLE] = "compatible",
	[DT_REG] = "reg",
	[DT_STATUS] = "status",
	[DT_DEVICE_TYPE] = "device_type",
	[DT_ADDRESS_CELLS] = "#address-cells",
	[DT_SIZE_CELLS] = "#size-cells",
	[DT_RANGES] = "ranges",
	[DT_PHANDLE] = "phandle",
	[DT_INTERRUPT_PARENT] = "interrupt-parent",
	[DT_INTERRUPT_CELLS] = "#interrupt-cells",
	[DT_INTERRUPTS] = "interrupts",
	[DT_INTERRUPTS_EXTENDED] = "interrupts-extended",
	[DT_INTERRUPT_MAP] = "interrupt-map",
	[DT_BOOTARGS] = "bootargs",
	[DT_METHOD] = "method",
	[DT_PASSTHROUGH] = "xen,passthrough",
};

/* Bytes of the tag at s and what belongs to it; 0 when they are not within size, or it is none. */
static u64 __init tag_size(const char *s, u32 size)
{
	const fdt32_t *cell = (const fdt32_t *)(const void *)s;
	u64 n = 0;

	switch (fdt32_to_cpu(*cell)) {
	case FDT_BEGIN_NODE:
		n = TAG + strnlen(s + TAG, size - TAG) + 1;
		break;
	case FDT_PROP:
		if (size >= 3 * TAG)
			n = 3UL * TAG + fdt32_to_cpu(cell[1]);
		break;
	case FDT_END_NODE:
	case FDT_NOP:
	case FDT_END:
		n = TAG;
		break;
	}
	n = ROUND_UP(n, TAG);
	return n <= size ? n : 0;
}

/*
 * Every tag up to FDT_END lies within the structure block. libfdt 1.6 takes a length that makes its
 * offsets overflow.
 */
static bool __init tags_fit(const void *fdt)
{
	const char *s = (const char *)fdt + fdt_off_dt_struct(fdt);
	u32 size = fdt_version(fdt) < 17 ? fdt_totalsize(fdt) - fdt_off_dt_struct(fdt) :
					   fdt_size_dt_struct(fdt);

	while (size >= TAG) {
		u64 n = tag_size(s, size);

		if (!n)
			return false;
		if (fdt32_to_cpu(*(const fdt32_t *)(const void *)s) == FDT_END)
			return true;
		s += n;
		size -= (u32)n;
	}
	return false;
}

int __init dt_check(const void *fdt, size_t size)
{
	if (size < sizeof(struct fdt_header) || fdt_check_header(fdt))
		return -XEN_EINVAL;
	/* Before version 16 names and alignment were different. */
	if (fdt_version(fdt) < 16)
		return -XEN_EINVAL;
	if (fdt_totalsize(fdt) > size || fdt_totalsize(fdt) > DT_SIZE_MAX)
		return -XEN_EINVAL;
	if (fdt_off_dt_struct(fdt) % TAG) /* libfdt lets that pass */
		return -XEN_EINVAL;
	if (!tags_fit(fdt))
		return -XEN_EINVAL;
	return fdt_check_full(fdt, fdt_totalsize(fdt)) ? -XEN_EINVAL : 0;
}

size_t __init dt_used_size(const void *fdt)
{
	u32 used = fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt);
	u32 strings = fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	u32 rsv = fdt_off_mem_rsvmap(fdt) +
		  (u32)(fdt_num_mem_rsv(fdt) + 1) * (u32)sizeof(struct fdt_reserve_entry);

	if (fdt_version(fdt) < 17) /* does not say how long its structure is */
		return fdt_totalsize(fdt);
	used = MAX(used, strings);
	return MAX(used, rsv);
}

u64 __init dt_cells(const u32 *cells, u32 n)
{
	u64 v = 0;

	while (n--)
		v = v << 32 | fdt32_to_cpu(*cells++);
	return v;
}

u32 __init dt_u32(const struct dt_prop *p, u32 fallback)
{
	return p->data && p->len == 4 ? (u32)dt_cells(p->data, 1) : fallback;
}

const char *__init dt_string(const struct dt_prop *p)
{
	return p->data && p->len && strnlen(p->data, p->len) == p->len - 1 ? p->data : NULL;
}

bool __init dt_compatible(const struct dt_walk *w, const char *what)
{
	const struct dt_prop *p = &w->prop[DT_COMPATIBLE];

	return p->data && p->len && fdt_stringlist_contains(p->data, (int)p->len, what);
}

bool __init dt_available(const struct dt_walk *w)
{
	const char *s = dt_string(&w->prop[DT_STATUS]);

	return !dt_has(w, DT_STATUS) || (s && (!strcmp(s, "okay") || !strcmp(s, "ok")));
}

void __init dt_walk_start(struct dt_walk *w, const void *fdt)
{
	memset(w, 0, sizeof(*w));
	w->fdt = fdt;
	w->structs = (const char *)fdt + fdt_off_dt_struct(fdt);
	w->strings = (const char *)fdt + fdt_off_dt_strings(fdt);
	w->node = -1;
	w->depth = -1;
	w->skip = DT_DEPTH_MAX;
}

void __init dt_walk_skip(struct dt_walk *w)
{
	w->skip = w->depth;
}

static u32 __init cell_at(const struct dt_walk *w, u32 off)
{
	return fdt32_to_cpu(*(const fdt32_t *)(const void *)(w->structs + off));
}

/* Behind the name of the node at off. */
static u32 __init skip_name(const struct dt_walk *w, u32 off)
{
	const char *name = w->structs + off + TAG;

	return off + TAG + (u32)ROUND_UP(strlen(name) + 1, TAG);
}

/* Behind the property at off. */
static u32 __init skip_prop(const struct dt_walk *w, u32 off)
{
	u32 len = cell_at(w, off + TAG);

	return off + 3 * TAG + ROUND_UP(len, TAG);
}

/* The property at *off or behind NOPs there. */
static bool __init take_prop(const struct dt_walk *w, u32 *off, const char **name, struct dt_prop *p)
{
	u32 tag;

	while ((tag = cell_at(w, *off)) == FDT_NOP)
		*off += TAG;
	if (tag != FDT_PROP)
		return false;
	p->len = cell_at(w, *off + TAG);
	p->data = w->structs + *off + 3 * TAG;
	*name = w->strings + cell_at(w, *off + 2 * TAG);
	*off = skip_prop(w, *off);
	return true;
}

bool __init dt_walk_prop(const struct dt_walk *w, u32 *off, const char **name, struct dt_prop *p)
{
	if (!*off)
		*off = skip_name(w, (u32)w->node);
	return take_prop(w, off, name, p);
}

/* Those of the node that are in prop_names; w->next is then behind all of them. */
static void __init walk_collect(struct dt_walk *w)
{
	const char *name;
	struct dt_prop p;

	memset(w->prop, 0, sizeof(w->prop));
	while (take_prop(w, &w->next, &name, &p)) {
		for (u32 i = 0; i < DT_NR_PROPS; i++) {
			if (name[0] == prop_names[i][0] && !strcmp(name, prop_names[i])) {
				w->prop[i] = p;
				break;
			}
		}
	}
}

/* What the current node means for its children. */
static int __init walk_descend(struct dt_walk *w)
{
	static const struct dt_level root __initconst = { .addr_cells = 2, .size_cells = 1 };
	const struct dt_level *up = w->depth ? &w->level[w->depth - 1] : &root;
	struct dt_level *l = &w->level[w->depth];
	u32 ac = dt_u32(&w->prop[DT_ADDRESS_CELLS], up->addr_cells);
	u32 sc = dt_u32(&w->prop[DT_SIZE_CELLS], up->size_cells);
	const char *type = dt_string(&w->prop[DT_DEVICE_TYPE]);

	if (ac > 4 || sc > 4)
		return -XEN_EINVAL;
	w->irq_parent = dt_u32(&w->prop[DT_INTERRUPT_PARENT], up->irq_parent);
	*l = (struct dt_level){
		.node = w->node,
		.addr_cells = (u8)ac,
		.size_cells = (u8)sc,
		.pci = up->pci || (type && !strncmp(type, "pci", 3)),
		.ranges = w->prop[DT_RANGES],
		.irq_parent = w->irq_parent,
	};
	if (dt_has(w, DT_INTERRUPT_CELLS) && dt_has(w, DT_PHANDLE))
		l->irq_parent = dt_u32(&w->prop[DT_PHANDLE], 0);
	return 0;
}

/* To the next node that is not to be skipped. False: the end. */
static bool __init walk_find(struct dt_walk *w)
{
	for (;;) {
		switch (cell_at(w, w->next)) {
		case FDT_BEGIN_NODE:
			w->node = (int)w->next;
			w->next = skip_name(w, w->next);
			if (++w->depth <= w->skip)
				return true;
			break;
		case FDT_END_NODE:
			w->next += TAG;
			if (--w->depth < 0)
				return false;
			break;
		case FDT_PROP:
			w->next = skip_prop(w, w->next);
			break;
		case FDT_NOP:
			w->next += TAG;
			break;
		default:
			return false;
		}
	}
}

int __init dt_walk_next(struct dt_walk *w)
{
	int rc;

	if (!walk_find(w))
		return 0;
	w->skip = DT_DEPTH_MAX;
	if (w->depth >= DT_DEPTH_MAX)
		return -XEN_E2BIG;
	w->name = w->structs + w->node + TAG;
	walk_collect(w);
	rc = walk_descend(w);
	return rc ? rc : 1;
}

int __init dt_walk_to(struct dt_walk *w, const void *fdt, int node)
{
	int rc;

	dt_walk_start(w, fdt);
	do
		rc = dt_walk_next(w);
	while (rc > 0 && w->node != node);
	return rc > 0 ? 0 : rc ? rc : -XEN_ENOENT;
}

/* One level up: from the children of l to l's own address space. */
static int __init translate_step(const struct dt_level *l, u32 parent_cells, u64 *addr, u64 size)
{
	u32 ac = l->addr_cells, sc = l->size_cells, entry = ac + parent_cells + sc;
	const u32 *c = l->ranges.data;

	if (!c || ac > 2 || parent_cells > 2 || sc > 2)
		return -XEN_ENXIO;
	if (!l->ranges.len)
		return 0; /* the same addresses */
	if (l->ranges.len % (entry * 4))
		return -XEN_EINVAL;
	for (u32 left = l->ranges.len / 4; left; left -= entry, c += entry) {
		u64 child = dt_cells(c, ac), parent = dt_cells(c + ac, parent_cells);
		u64 length = dt_cells(c + ac + parent_cells, sc);

		if (*addr < child || *addr - child >= length || size > length - (*addr - child))
			continue;
		if (parent + length < parent)
			return -XEN_EINVAL;
		*addr = parent + (*addr - child);
		return 0;
	}
	return -XEN_ENXIO;
}

/* From the address space below level[depth] to the root's. */
static int __init translate(const struct dt_walk *w, int depth, u64 *addr, u64 size)
{
	for (; depth > 0; depth--) {
		int rc = translate_step(&w->level[depth], w->level[depth - 1].addr_cells, addr,
					size);

		if (rc)
			return rc;
	}
	return *addr + size < *addr ? -XEN_EINVAL : 0;
}

int __init dt_walk_reg_raw(const struct dt_walk *w, u32 i, u64 *addr, u64 *size)
{
	const struct dt_prop *p = &w->prop[DT_REG];
	u32 ac, sc, entry;
	const u32 *c;

	if (!p->data || !w->depth)
		return -XEN_ENOENT;
	ac = w->level[w->depth - 1].addr_cells;
	sc = w->level[w->depth - 1].size_cells;
	entry = ac + sc;
	if (ac > 2 || sc > 2 || !entry)
		return -XEN_ENXIO;
	if (p->len % (entry * 4))
		return -XEN_EINVAL;
	if (i >= p->len / (entry * 4))
		return -XEN_ENOENT;
	c = (const u32 *)p->data + (size_t)i * entry;
	*addr = dt_cells(c, ac);
	*size = dt_cells(c + ac, sc);
	return *addr + *size < *addr ? -XEN_EINVAL : 0;
}

int __init dt_walk_reg(const struct dt_walk *w, u32 i, u64 *addr, u64 *size)
{
	int rc;

	if (w->depth && (w->level[w->depth - 1].pci || !w->level[w->depth - 1].size_cells))
		return dt_has(w, DT_REG) ? -XEN_ENXIO : -XEN_ENOENT;
	rc = dt_walk_reg_raw(w, i, addr, size);
	return rc ? rc : translate(w, w->depth - 1, addr, *size);
}

int __init dt_walk_window(const struct dt_walk *w, u32 i, u64 *addr, u64 *size)
{
	const struct dt_level *l = &w->level[w->depth];
	u32 ac = l->addr_cells, sc = l->size_cells, pc, entry;
	const u32 *c = l->ranges.data;

	if (!c || !l->ranges.len || !w->depth)
		return -XEN_ENOENT;
	pc = w->level[w->depth - 1].addr_cells;
	entry = ac + pc + sc;
	if (pc > 2 || sc > 2 || l->ranges.len % (entry * 4))
		return -XEN_EINVAL;
	if (i >= l->ranges.len / (entry * 4))
		return -XEN_ENOENT;
	c += (size_t)i * entry;
	*addr = dt_cells(c + ac, pc);
	*size = dt_cells(c + ac + pc, sc);
	return translate(w, w->depth - 1, addr, *size);
}

/* The path that an alias stands for, or NULL. libfdt's own way follows aliases of aliases for ever. */
static const char *__init find_alias(const void *fdt, const char *name, int len)
{
	int aliases = fdt_path_offset(fdt, "/aliases"), n;
	struct dt_prop p = { .data = aliases < 0 ? NULL :
						   fdt_getprop_namelen(fdt, aliases, name, len, &n) };

	p.len = p.data ? (u32)n : 0;
	return dt_string(&p) && *(const char *)p.data == '/' ? p.data : NULL;
}

int __init dt_lookup(const void *fdt, const char *spec)
{
	const char *end = strchr(spec, ':');
	int len = end ? (int)(end - spec) : (int)strlen(spec), node;

	if (*spec != '/') {
		spec = find_alias(fdt, spec, len);
		len = spec ? (int)strlen(spec) : 0;
	}
	node = len ? fdt_path_offset_namelen(fdt, spec, len) : -1;
	return node >= 0 ? node : -XEN_ENOENT;
}

const char *__init dt_path(const void *fdt, int node, char *buf, size_t size)
{
	if (node < 0 || fdt_get_path(fdt, node, buf, (int)size))
		str_copy(buf, "(a node)", size);
	return buf;
}
