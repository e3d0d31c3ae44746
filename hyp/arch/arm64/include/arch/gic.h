/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical interrupt controller as the hypervisor drives it: a GICv3 (gicv3.c), whose functions
 * gicv2.c replaces by its own on a machine with a GICv2. irq_arch_*() are in serai/irq.h.
 */
#ifndef ARCH_GIC_H
#define ARCH_GIC_H

#include <serai/types.h>

#define GIC_RDIST_REGIONS_MAX 16
#define GIC_PPI_FIRST	      16
#define GIC_SPI_FIRST	      32
#define GIC_INTID_SPECIAL     1020 /* 1020-1023: nothing to handle */

#define IRQ_MAINTENANCE_DEFAULT 25

/* SGIs among the hypervisor's CPUs. */
enum gic_sgi {
	SGI_KICK = 0, /* look at cpu->remote */
	SGI_STOP = 1, /* panic on another CPU */
};

struct gic_frames {
	paddr_t base;
	u64 size;
};

/*
 * What the device tree says; the drivers check it. Frames that are not there have size 0. hyp is
 * GICH, vcpu is GICV.
 */
struct gic_places {
	struct gic_frames dist, cpu, hyp, vcpu;
	const struct gic_frames *rdist;
	unsigned int nr_rdists;
	u32 maintenance_irq; /* 0: the usual */
};

/* Boot CPU. 0 or -errno, then a message said why. */
int gicv3_init(const struct gic_places *p);
int gicv2_init(const struct gic_places *p);
/* On the CPU itself. 0 or -errno, then a message said why. */
int gic_cpu_init(unsigned int cpu);

/* Acknowledges and dispatches this CPU's pending interrupts. */
void gic_handle_irqs(void);
/* Which one that would take first, without doing it; GIC_INTID_SPECIAL or more: none. */
u32 gic_next_irq(void);
/* Ends the activation of an interrupt whose priority was dropped already; any CPU. */
void gic_deactivate(u32 irq);
/* The state of an SPI, or of this CPU's PPI. */
void gic_set_pending(u32 irq);
void gic_clear_pending(u32 irq);
void gic_set_active(u32 irq);
bool gic_is_pending(u32 irq);
/* Disabled, not pending, not active. */
void gic_reset_irq(u32 irq);
/* This CPU's virtual timer PPI: physical active state and enable, written only when they change. */
void gic_vtimer_set_active(bool active);
void gic_vtimer_set_enabled(bool enabled);
/* The active state as the guest left it. */
void gic_vtimer_note_active(bool active);

/* The machine's controller; written while starting. */
struct gic_host {
	u32 version; /* 2 or 3 */
	u32 lines;   /* highest INTID + 1 */
	u32 maintenance_irq;
	u32 id_bits; /* GICD_TYPER.IDbits */
	paddr_t dist;
	struct gic_frames rdist; /* first region */
	struct gic_frames cpu;	 /* GICC, as the machine's tree has it */
	struct gic_frames vcpu;	 /* GICV for guests with a GICv2; size 0: there is none */
	u64 vcpu_offset;	 /* in it: where its two pages are next to one another */
};
extern struct gic_host gic_host;

#endif
