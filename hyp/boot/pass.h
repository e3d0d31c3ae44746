/* SPDX-License-Identifier: Apache-2.0 */
/* Understanding a partial device tree: what passthrough.c and pass_check.c share. */
#ifndef BOOT_PASS_H
#define BOOT_PASS_H

#include <serai/passthrough.h>

#define PASS_TEXT 320

/* A domain's partial tree that is being read. */
struct pass {
	struct boot_info *bi;
	struct boot_domain *d;
	u8 owner;
	const void *tree;
	int uart; /* node of the hypervisor's own UART in the machine's tree, or -1 */
	u32 gic;  /* phandle of the guest's GIC */
	bool refused;
	char why[PASS_TEXT], write[PASS_TEXT]; /* of the refusal that is being written */
};

/*
 * Refuses the domain for a property of a node of its partial tree; name "": the node as a whole,
 * node -1: the tree.
 */
void pass_refuse(struct pass *p, int node, const char *name, const char *why, const char *write);
/* The walk stands in /passthrough. */
bool pass_inside(const struct dt_walk *w);

/* --- pass_check.c --- */
/* What the guest will find: registers that are mapped, interrupts and phandles that are there. */
void pass_check_guest(struct pass *p);
/* Nothing that is the domain's now has another user on the machine. */
void pass_check_host(struct pass *p);

#endif
