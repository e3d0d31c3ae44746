/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a guest's device tree, and the nodes that all of them have. */
#ifndef BOOT_FDT_OUT_H
#define BOOT_FDT_OUT_H

#include <serai/boot.h>
#include <serai/range.h>
#include <serai/types.h>

/* The tree being written; after the first error (libfdt's) nothing more happens. */
struct out {
	void *fdt;
	int err;
	int open; /* nodes */
	u32 addr_cells, size_cells; /* of the root */
	u32 irq_cells, gic;	    /* of the interrupt controller: cells and phandle */
	bool chosen_done, reserved_done;
};

/* An empty tree in size bytes at buf; out_finish() ends it: its size, or -XEN_ENOSPC, -XEN_EINVAL. */
void out_start(struct out *o, void *buf, size_t size);
int out_finish(struct out *o, const char *whose);

void out_begin(struct out *o, const char *name);
void out_end(struct out *o);
void out_prop(struct out *o, const char *name, const void *data, size_t len);
void out_string(struct out *o, const char *name, const char *s);
void out_cell(struct out *o, const char *name, u32 v);
/* reg out of one range (NULL: none) and a set. */
void out_reg(struct out *o, const struct range *first, const struct range_set *set);
/* interrupts, n PPIs by INTID, level low, and interrupt-parent. */
void out_ppis(struct out *o, const u32 *intids, u32 n);

void out_psci_node(struct out *o);
/* compatible of the machine's first CPU for all of them. */
void out_cpu_nodes(struct out *o, const struct boot_info *bi, u32 nr_vcpus);
void out_memory_node(struct out *o, const struct range_set *banks);
void out_hypervisor_node(struct out *o, const struct range *grant, const struct range_set *extended,
			 u32 evtchn_irq);
/* --- shm_fdt.c --- domain: index, -1 for dom0 */
/* Nodes for /reserved-memory, with the root's cells; that node itself, unless it would be empty. */
void out_shm_nodes(struct out *o, const struct boot_info *bi, int domain);
void out_reserved_memory(struct out *o, const struct boot_info *bi, int domain);

/* bootargs and where the ramdisk is, in /chosen; initrd may be empty. */
void out_boot_props(struct out *o, const char *bootargs, const struct range *initrd);
/* Seeds as long as the firmware's, but the domain's own. */
void out_seeds(struct out *o, const struct boot_info *bi, int chosen, u32 domain);

/* --- pass_fdt.c --- */
/* The nodes that a guest gets out of its partial tree. */
void out_partial(struct out *o, const void *partial);

#endif
