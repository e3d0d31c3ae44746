/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical interrupts: the hypervisor's own handlers and those given to a domain.
 * INTIDs are the GIC's: 0-15 SGI, 16-31 PPI, 32.. SPI.
 */
#ifndef SERAI_IRQ_H
#define SERAI_IRQ_H

#include <serai/lock.h>
#include <serai/types.h>

struct domain;

#define IRQ_FIRST_SPI 32
#define IRQS_MAX      1020

enum irq_type { IRQ_TYPE_EDGE = 1, IRQ_TYPE_LEVEL = 4 };

struct irq_desc {
	void (*handler)(u32 irq, void *arg); /* the hypervisor's own */
	void *arg;
	struct domain *domain; /* or the domain it belongs to */
	u32 virq;
	u8 type;   /* enum irq_type, as the machine's tree has it; 0: no device that others may have */
	u32 domid; /* that domain's, for messages: the domain may be gone */
	u32 unclaimed; /* how often it came while it was nobody's */
	struct lock lock;
	const char *name;
};

/* Allocates the table, once the interrupt controller is known. -XEN_ENOMEM. */
int irq_init(void);
struct irq_desc *irq_desc(u32 irq); /* NULL: the machine has no such interrupt */
/*
 * A handler of the hypervisor, called with no lock held. An SPI is configured, routed to this CPU
 * and enabled; a PPI each CPU enables for itself. -XEN_EBUSY names the holder in a message.
 */
int irq_request(u32 irq, enum irq_type type, void (*handler)(u32 irq, void *arg), void *arg,
		const char *name);
/*
 * Gives an SPI to a domain as its virq; the guest enables it. -XEN_EBUSY names the holder in a
 * message, -XEN_EINVAL: no SPI of this machine, or what the virtual controller says.
 */
int irq_assign(u32 irq, struct domain *d, u32 virq);
/*
 * Disables it and takes it back: afterwards no CPU is delivering it to the domain. -XEN_ENOENT: it is
 * not the domain's.
 */
int irq_unassign(u32 irq, struct domain *d);
/* Unit: the domain's interrupts are nobody's again. */
int irq_domain_close(struct domain *d);
/* From the controller's driver, for an acknowledged interrupt that has no path of its own. */
void irq_dispatch(u32 irq);
__cold_path void irq_dump(void); /* debug key i */

/* The interrupt controller (arch): any CPU, SPIs only but for enable/disable of own PPIs. */
void irq_arch_enable(u32 irq);
void irq_arch_disable(u32 irq);
void irq_arch_set_type(u32 irq, enum irq_type type);
void irq_arch_set_target(u32 irq, unsigned int cpu);
u32 irq_arch_lines(void); /* highest INTID + 1 */

/* The virtual controller (arch): an assigned interrupt arrived; virq is linked to irq, or not. */
void domain_arch_inject_hw_spi(struct domain *d, u32 virq, u32 irq);
int domain_arch_assign_spi(struct domain *d, u32 virq, u32 irq);
void domain_arch_unassign_spi(struct domain *d, u32 virq);

#endif
