/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the flattened device tree (devicetree.org specification 0.4), over libfdt.
 *
 * A walk visits the nodes in order and keeps what their meaning depends on: the cells of the buses
 * above, their address translation, the interrupt parent. Everything that comes from the tree is
 * checked; a malformed property is an error of the function that reads it.
 *
 * libfdt may use vector registers: only while no guest has run yet.
 */
#ifndef SERAI_FDT_H
#define SERAI_FDT_H

#include <serai/irq.h>
#include <serai/types.h>

#define DT_DEPTH_MAX 16
#define DT_PATH_MAX  128
#define DT_SIZE_MAX  (2UL << 20) /* the boot protocol's limit */

/* Properties that a walk collects for the node it stands on. */
enum dt_prop_id {
	DT_COMPATIBLE,
	DT_REG,
	DT_STATUS,
	DT_DEVICE_TYPE,
	DT_ADDRESS_CELLS,
	DT_SIZE_CELLS,
	DT_RANGES,
	DT_PHANDLE,
	DT_INTERRUPT_PARENT,
	DT_INTERRUPT_CELLS,
	DT_INTERRUPTS,
	DT_INTERRUPTS_EXTENDED,
	DT_INTERRUPT_MAP,
	DT_BOOTARGS,
	DT_METHOD,
	DT_PASSTHROUGH,
	DT_NR_PROPS,
};

struct dt_prop {
	const void *data; /* NULL: not there */
	u32 len;
};

struct dt_level {
	int node;
	u8 addr_cells, size_cells; /* of the children's reg */
	bool pci;
	struct dt_prop ranges;
	u32 irq_parent; /* phandle that children inherit */
};

/* An interrupt controller or nexus that was looked up by phandle. */
struct dt_intc {
	u32 phandle;
	u8 irq_cells, addr_cells;
};

struct dt_walk {
	const void *fdt;
	const char *structs, *strings; /* its blocks */
	u32 next;	 /* offset in the structure block, behind what was read */
	int node, depth; /* the root has depth 0 */
	int skip;	 /* nodes deeper than this are left out */
	const char *name;
	struct dt_prop prop[DT_NR_PROPS];
	u32 irq_parent; /* phandle, 0: none */
	struct dt_level level[DT_DEPTH_MAX]; /* [depth] is the node itself */
	struct dt_intc intc[4];
	u32 intc_next;
};

/*
 * Header and structure are sound and at most size bytes; 0 or -EINVAL. Walks rely on that: they go
 * over the blob by themselves, in a tenth of the time that libfdt takes.
 */
int dt_check(const void *fdt, size_t size);
/* Bytes from the start of the blob that are in use; the rest up to totalsize is slack. */
size_t dt_used_size(const void *fdt);

void dt_walk_start(struct dt_walk *w, const void *fdt);
/* 1: stands on the next node. 0: no more. -EINVAL, -E2BIG: malformed or too deep. */
int dt_walk_next(struct dt_walk *w);
/* The children of the current node are not visited. */
void dt_walk_skip(struct dt_walk *w);
/* The property at *off, 0 for the first of the node that the walk stands on; false: none is left. */
bool dt_walk_prop(const struct dt_walk *w, u32 *off, const char **name, struct dt_prop *p);
/* Walks from the root to a node. */
int dt_walk_to(struct dt_walk *w, const void *fdt, int node);

static inline bool dt_has(const struct dt_walk *w, enum dt_prop_id id)
{
	return w->prop[id].data;
}

bool dt_compatible(const struct dt_walk *w, const char *what);
/* A whole string, NUL at the end; NULL otherwise. */
const char *dt_string(const struct dt_prop *p);
/* One cell; fallback when the property is missing or malformed. */
u32 dt_u32(const struct dt_prop *p, u32 fallback);
/* No status, "okay" or "ok". */
bool dt_available(const struct dt_walk *w);

/* A number of 0 to 2 cells. */
u64 dt_cells(const u32 *cells, u32 n);

/*
 * Entry i of reg. dt_walk_reg() gives the address as the CPU sees it, dt_walk_reg_raw() as it is
 * written. -ENOENT: no such entry; -ENXIO: not in the CPU's address space; -EINVAL: malformed.
 */
int dt_walk_reg(const struct dt_walk *w, u32 i, u64 *addr, u64 *size);
int dt_walk_reg_raw(const struct dt_walk *w, u32 i, u64 *addr, u64 *size);
/* Window i of a bus node's ranges as the CPU sees it; PCI host bridges too. Errors as above. */
int dt_walk_window(const struct dt_walk *w, u32 i, u64 *addr, u64 *size);

/* Interrupt specifier of a GIC: type, number, flags. False: no interrupt that a GICv3 can have. */
bool dt_gic_irq(const u32 *cells, u32 *intid, enum irq_type *type);
/*
 * Calls fn for each interrupt of the node that goes to the controller gic (a phandle): those of
 * interrupts, interrupts-extended and interrupt-map. -EINVAL when one of them is malformed.
 */
int dt_walk_irqs(struct dt_walk *w, u32 gic,
		 void (*fn)(void *ctx, u32 intid, enum irq_type type), void *ctx);

/* Path or alias of one, perhaps with ":options" behind it; the node's offset or -ENOENT. */
int dt_lookup(const void *fdt, const char *spec);
/* " = value" as in a device tree's source, cut when it is long; nothing for an empty property. */
void dt_format_value(char *buf, size_t size, const struct dt_prop *p);
/* For messages: always gives a string. */
const char *dt_path(const void *fdt, int node, char *buf, size_t size);

#endif
