/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the machine for domains of the device tree: Xen's published binding of partial device
 * trees (docs/misc/arm/passthrough.txt, device-tree/booting.txt "Device Assignment").
 *
 * A module with compatible = "multiboot,device-tree" describes below its /passthrough what the guest
 * finds in its own tree. There, xen,reg (host address, size, guest address) is mapped for it, the
 * interrupts of the host's node xen,path are given to it, and xen,force-assign-without-iommu says
 * that the operator knows what no IOMMU means. Everything here exists while starting only.
 */
#ifndef SERAI_PASSTHROUGH_H
#define SERAI_PASSTHROUGH_H

#include <serai/boot.h>
#include <serai/irq.h>
#include <serai/range.h>
#include <serai/types.h>

struct domain;
struct out;

#define PASS_REGIONS_MAX 128

struct pass_region {
	struct range host; /* whole pages */
	u64 guest;
	u8 owner; /* place in bi->domains + 1 */
	int node; /* in the owner's partial tree */
};

struct passthrough {
	u32 nr_regions;
	struct pass_region regions[PASS_REGIONS_MAX];
	u8 irq_owner[IRQS_MAX]; /* 0: nobody */
	u8 irq_type[IRQS_MAX];	/* enum irq_type */
	int irq_node[IRQS_MAX];
	const void *tree[BOOT_DOMAINS_MAX]; /* understood; NULL: none */
	u32 gic[BOOT_DOMAINS_MAX];	    /* phandle that the guest's GIC is to have */
};

extern struct passthrough passthrough;

/* --- passthrough.c: no more than bytes are looked at, so tools can do it, too --- */
void passthrough_reset(void);
/*
 * Understands the partial tree of domain place (8-byte aligned, size bytes, stays where it is), after
 * those of the domains before. uart: node of the hypervisor's own, or -1. -XEN_EINVAL: told in
 * words, the domain is left out and has no devices.
 */
int passthrough_read(struct boot_info *bi, u32 place, const void *tree, size_t size, int uart);
/* Takes the devices of domain place out of guest addresses, in blocks of 2 MiB. */
void passthrough_cut(u32 place, struct range_set *s);

/* --- pass_build.c --- */
/* Reads the partial trees of all domains. -XEN_EINVAL: one is refused, and dom0less=strict. */
int passthrough_load(struct boot_info *bi, int uart);
/* Maps the regions and gives the interrupts of domain place to d. Refusals are told in words. */
int passthrough_give(struct domain *d, u32 place);
/* Forgets the trees: nobody will be built any more. */
void passthrough_end(void);

#endif
