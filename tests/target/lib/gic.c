// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts of the guest: one handler for each, everything in one group, one priority. GICv3 here,
 * GICv2 in gicv2.c.
 */
#include "guest.h"

#define NR_IRQS	     256
#define GICR_STRIDE  0x20000
#define TYPER_LAST   (1u << 4)
#define WAKER_SLEEP  (1u << 1)
#define WAKER_ASLEEP (1u << 2)
#define CTLR_ARE     (1u << 4)
#define CTLR_GRP1    (1u << 1)
#define CTLR_RWP     (1u << 31)

uint64_t irq_count[NR_CPUS];
static irq_handler handlers[NR_IRQS];
static uint64_t redist[NR_CPUS];

void irq_dispatch(struct trap_frame *frame);

void irq_dispatch(struct trap_frame *frame)
{
	uint32_t irq = (uint32_t)sysreg_read(ICC_IAR1_EL1) & 0xffffff;

	irq_count[cpu_id()]++;
	if (irq < NR_IRQS) {
		if (handlers[irq])
			handlers[irq](irq, frame);
		sysreg_write(ICC_EOIR1_EL1, irq);
	}
}

void irq_register(uint32_t irq, irq_handler handler)
{
	if (irq < NR_IRQS)
		handlers[irq] = handler;
}

void irq_handle(uint32_t irq, struct trap_frame *frame)
{
	if (irq < NR_IRQS && handlers[irq])
		handlers[irq](irq, frame);
}

uint64_t gic_redist(void)
{
	return redist[cpu_id()];
}

uint64_t gic_private(void)
{
	return machine.gicr.size ? gic_redist() + GICR_SGI_BASE : machine.gicd.base;
}

/* Frame of the enable registers of irq. */
static uint64_t irq_frame(uint32_t irq)
{
	return irq < 32 ? gic_private() : machine.gicd.base;
}

void gic_set_target(uint32_t irq, uint32_t cpu)
{
	if (machine.gicr.size)
		mmio_write32(machine.gicd.base + GICD_IROUTER + irq * 8,
			     (uint32_t)machine.mpidr[cpu] & 0xff);
	else
		*(volatile uint8_t *)(machine.gicd.base + GICD_ITARGETSR + irq) =
			(uint8_t)(1u << cpu);
}

void irq_unmask(uint32_t irq)
{
	mmio_write32(irq_frame(irq) + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
	dsb();
}

void irq_mask(uint32_t irq)
{
	mmio_write32(irq_frame(irq) + GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
	dsb();
}

static void dist_wait(void)
{
	for (int i = 0; i < 10000 && mmio_read32(machine.gicd.base + GICD_CTLR) & CTLR_RWP; i++)
		;
}

void gic_init_dist(void)
{
	uint64_t gicd = machine.gicd.base;
	uint32_t lines = ((mmio_read32(gicd + GICD_TYPER) & 0x1f) + 1) * 32;

	if (!machine.gicr.size) {
		gicv2_take_over();
		gicv2_init_dist();
		return;
	}
	mmio_write32(gicd + GICD_CTLR, 0);
	dist_wait();
	mmio_write32(gicd + GICD_CTLR, CTLR_ARE);
	for (uint32_t irq = 32; irq < lines; irq += 32) {
		mmio_write32(gicd + GICD_ICENABLER + irq / 8, ~0u);
		mmio_write32(gicd + GICD_IGROUPR + irq / 8, ~0u);
	}
	for (uint32_t irq = 32; irq < lines; irq += 4)
		mmio_write32(gicd + GICD_IPRIORITYR + irq, 0xa0a0a0a0);
	mmio_write32(gicd + GICD_CTLR, CTLR_ARE | CTLR_GRP1);
	dist_wait();
}

/* The redistributor whose affinity is this CPU's. */
static uint64_t find_redist(void)
{
	uint64_t mpidr = sysreg_read(mpidr_el1);
	uint64_t want = (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;

	for (uint64_t at = 0; at < machine.gicr.size; at += GICR_STRIDE) {
		uint64_t typer = mmio_read64(machine.gicr.base + at + GICR_TYPER);

		if (typer >> 32 == want)
			return machine.gicr.base + at;
		if (typer & TYPER_LAST)
			break;
	}
	guest_abort("no redistributor for this CPU");
}

void gic_init_cpu(void)
{
	uint64_t rd, sgi;

	if (!machine.gicr.size) {
		gicv2_init_cpu();
		return;
	}
	rd = find_redist();
	sgi = rd + GICR_SGI_BASE;
	redist[cpu_id()] = rd;
	mmio_write32(rd + GICR_WAKER, mmio_read32(rd + GICR_WAKER) & ~WAKER_SLEEP);
	for (int i = 0; i < 10000 && mmio_read32(rd + GICR_WAKER) & WAKER_ASLEEP; i++)
		;
	mmio_write32(sgi + GICD_ICENABLER, 0xffff0000);
	mmio_write32(sgi + GICD_IGROUPR, ~0u);
	for (uint32_t irq = 0; irq < 32; irq += 4)
		mmio_write32(sgi + GICD_IPRIORITYR + irq, 0xa0a0a0a0);
	mmio_write32(sgi + GICD_ISENABLER, 0xffff);
	sysreg_write(ICC_SRE_EL1, sysreg_read(ICC_SRE_EL1) | 1);
	isb();
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_BPR1_EL1, 0);
	sysreg_write(ICC_CTLR_EL1, 0);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
}

void gic_send_sgi(uint32_t sgi, uint32_t cpu)
{
	uint64_t mpidr = machine.mpidr[cpu];
	uint64_t v = (uint64_t)sgi << 24 | 1ul << (mpidr & 15);

	v |= (mpidr >> 8 & 0xff) << 16 | (mpidr >> 16 & 0xff) << 32 | (mpidr >> 32 & 0xff) << 48;
	dsb();
	sysreg_write(ICC_SGI1R_EL1, v);
	isb();
}

void gic_send_sgi_self(uint32_t sgi)
{
	gic_send_sgi(sgi, cpu_id());
}
