/* SPDX-License-Identifier: Apache-2.0 */
/* The physical GICv3 as the hypervisor drives it. irq_arch_*() are in serai/irq.h. */
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

struct gic_rdist_region {
	paddr_t base;
	u64 size;
};

/* Boot CPU. 0 or -errno, then a message said why. */
int gicv3_init(paddr_t dist, size_t dist_size, const struct gic_rdist_region *r, unsigned int n,
	       u32 maint_irq);
/* On the CPU itself. 0 or -errno when it has no redistributor. */
int gicv3_cpu_init(unsigned int cpu);

/* Acknowledges and dispatches this CPU's pending interrupts. */
void gic_handle_irqs(void);
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
/* The host's own frames, for the hardware domain. */
paddr_t gic_dist_base(void);
paddr_t gic_rdist_base(void);
u64 gic_rdist_size(void);
u32 gic_id_bits(void); /* GICD_TYPER.IDbits */

#endif
