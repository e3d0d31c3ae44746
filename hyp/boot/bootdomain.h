/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading and checking xen,domain nodes, one file for each kind of property. */
#ifndef BOOT_BOOTDOMAIN_H
#define BOOT_BOOTDOMAIN_H

#include <serai/boot.h>
#include <serai/fdt.h>
#include <serai/range.h>

/*
 * Leaves d out (NULL: nobody) and says why: node, what (a property with its value, or ""), reason, and
 * what to write instead.
 */
void bootdomain_refuse(const struct boot_info *bi, struct boot_domain *d, int node, const char *what,
		       const char *why, const char *write);
/* The same for a property of the node; its value is looked up. */
void bootdomain_refuse_prop(const struct boot_info *bi, struct boot_domain *d, int node,
			    const char *name, const char *why, const char *write);

/* Refuses a module that lies where another file does; d as above. True: it did. */
bool bootdomain_check_overlaps(const struct boot_info *bi, struct boot_domain *d,
			       const struct boot_module *m);

/* --- bootcheck.c --- */
/* The node's reg cannot be used: why, what to write, and what follows. */
void bootcheck_refuse_reg(const struct boot_info *bi, struct boot_domain *d, const struct dt_walk *w,
			  const char *then);
/* A property that is to be one string; NULL when it is missing, or not one, which is said. */
const char *bootcheck_string(const struct boot_info *bi, int node, const char *name);
/* A node in /chosen that is nothing we know: names what it resembles. */
void bootcheck_unknown(const struct boot_info *bi, const struct dt_walk *w);
/* The walk stands on /chosen: names properties that do nothing. */
void bootcheck_chosen(const struct boot_info *bi, const struct dt_walk *w);
/* Warns of what is missing in the machine. */
void bootcheck_machine(const struct boot_info *bi);
/* Sets bi->refused when dom0's modules cannot be as they are. */
void bootcheck_dom0(struct boot_info *bi);

/* --- bootdomain_static.c --- */
/* The walk stands on d's node. */
void bootdomain_read_static(const struct boot_info *bi, struct boot_domain *d,
			    const struct dt_walk *w);
void bootdomain_check_static(const struct boot_info *bi, struct boot_domain *d);
/*
 * Whether r is no RAM, or somebody has something there, in words at text (WHO_TEXT bytes); NULL:
 * it is free. The static memory of d and the region that shm is of, which may be NULL, do not count.
 */
#define WHO_TEXT (DT_PATH_MAX + 64)
const char *bootdomain_clash(const struct boot_info *bi, const struct boot_domain *d,
			     const struct boot_shm *shm, const struct range *r, char *text);

/* --- bootranges.c --- */
struct cells {
	u32 addr, size;
};

/* What the node's two properties say, if they are there; NULL, or why they cannot be used. */
const char *boot_cells(const struct boot_info *bi, int node, const char *addr_name,
		       const char *size_name, struct cells *c);
/*
 * A property of addresses and sizes that are multiples of align: at most max ranges in their order
 * at out. NULL, or why it cannot be used.
 */
const char *boot_ranges(const struct boot_info *bi, int node, const char *name,
			const struct cells *c, u64 align, struct range *out, u32 max, u32 *nr);

/* --- bootshm.c --- */
/* The walk stands on a node of shared memory; domain: index, -1: dom0. */
void bootshm_read(struct boot_info *bi, const struct dt_walk *w, int domain);
/* After all domains; finds places. -XEN_EINVAL: dom0's cannot be, and dom0less=strict. */
int bootshm_check(struct boot_info *bi);

/* --- bootevtchn.c --- as bootshm.c */
void bootevtchn_read(struct boot_info *bi, const struct dt_walk *w, int domain);
int bootevtchn_check(struct boot_info *bi);

/* --- bootpool.c --- */
/* The walk stands on a pool's node. */
void bootpool_read(struct boot_info *bi, const struct dt_walk *w);
/* -XEN_EINVAL: one cannot be made, and dom0less=strict. */
int bootpool_check(struct boot_info *bi);

/* --- bootheap.c --- */
/* chosen: its node. */
void bootheap_read(struct boot_info *bi, int chosen);
/* -XEN_EINVAL: refused in words. */
int bootheap_check(const struct boot_info *bi);

#endif
