/* SPDX-License-Identifier: Apache-2.0 */
/* For the drivers of the GIC: the hypervisor's own interrupts, and registers of a frame. */
#ifndef ARCH_GIC_IRQ_H
#define ARCH_GIC_IRQ_H

#include <arch/gic.h>
#include <arch/time.h>
#include <arch/vgic.h>
#include <serai/arch.h>
#include <serai/atomic.h>
#include <serai/cpu.h>
#include <serai/irq.h>

#define GIC_PRIORITY_ALL 0xa0a0a0a0U
/* Interrupts handled in one go, before the exit path gets its turn. */
#define GIC_IRQS_PER_ENTRY 8

static inline u32 reg_read(const char *base, size_t off)
{
	return *(const volatile u32 *)(const volatile void *)(base + off);
}

static inline void reg_write(char *base, size_t off, u32 v)
{
	*(volatile u32 *)(volatile void *)(base + off) = v;
}

static inline void gic_handle_sgi(u32 sgi)
{
	struct cpu *c = this_cpu();

	if (likely(sgi == SGI_KICK))
		c->work |= atomic_xchg(&c->remote, 0);
	else if (sgi == SGI_STOP)
		cpu_arch_halt();
}

/* A guest's, which may have been switched out meanwhile: the cause went with it. */
static inline void gic_handle_late(u32 irq, struct vcpu *v)
{
	if (v && irq == gic_host.maintenance_irq)
		vgic_maintenance(v);
}

/* One that no guest is to end: the caller deactivates it afterwards. */
static inline void gic_handle_own(u32 irq)
{
	struct vcpu *v = this_cpu()->current;

	if (irq < GIC_PPI_FIRST)
		gic_handle_sgi(irq);
	else if (irq == IRQ_HYP_TIMER)
		time_arch_irq();
	else if (irq == gic_host.maintenance_irq || irq == IRQ_VIRT_TIMER)
		gic_handle_late(irq, v);
	else
		irq_dispatch(irq);
}

/* An SPI that is a domain's. */
static inline bool gic_is_guests(u32 irq)
{
	const struct irq_desc *desc = irq >= GIC_SPI_FIRST ? irq_desc(irq) : NULL;

	return desc && READ_ONCE(desc->domain);
}

#endif
