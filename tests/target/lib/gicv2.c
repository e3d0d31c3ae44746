// SPDX-License-Identifier: Apache-2.0
/* GICv2 driver of the guest: the functions of gic.c on a machine that has one. */
#include "guest.h"

#define CTLR_ENABLE 1u
#define NO_IRQ	    1020 /* from there on: nothing pending */
#define INTID(iar)  ((iar) & 0x3ff)
#define INSN_B	    0x14000000u

uint32_t gic_iar;

void irq_dispatch_v2(struct trap_frame *frame);
void gicv2_send_sgi(uint32_t sgi, uint32_t cpu);
extern char vectors_v2[];

void irq_dispatch_v2(struct trap_frame *frame)
{
	uint32_t iar = mmio_read32(machine.gicc.base + GICC_IAR);

	irq_count[cpu_id()]++;
	if (INTID(iar) >= NO_IRQ)
		return;
	gic_iar = iar;
	irq_handle(INTID(iar), frame);
	mmio_write32(machine.gicc.base + GICC_EOIR, iar);
}

void gicv2_init_dist(void)
{
	uint64_t gicd = machine.gicd.base;
	uint32_t lines = ((mmio_read32(gicd + GICD_TYPER) & 0x1f) + 1) * 32;

	mmio_write32(gicd + GICD_CTLR, 0);
	for (uint32_t irq = 32; irq < lines; irq += 32)
		mmio_write32(gicd + GICD_ICENABLER + irq / 8, ~0u);
	for (uint32_t irq = 32; irq < lines; irq += 4) {
		mmio_write32(gicd + GICD_IPRIORITYR + irq, 0xa0a0a0a0);
		mmio_write32(gicd + GICD_ITARGETSR + irq, 0x01010101);
	}
	mmio_write32(gicd + GICD_CTLR, CTLR_ENABLE);
}

void gicv2_init_cpu(void)
{
	uint64_t gicd = machine.gicd.base, gicc = machine.gicc.base;

	asm volatile("msr vbar_el1, %0\n\tisb" ::"r"(vectors_v2));
	mmio_write32(gicd + GICD_ICENABLER, 0xffff0000);
	for (uint32_t irq = 0; irq < 32; irq += 4)
		mmio_write32(gicd + GICD_IPRIORITYR + irq, 0xa0a0a0a0);
	mmio_write32(gicd + GICD_ISENABLER, 0xffff);
	mmio_write32(gicc + GICC_PMR, 0xff);
	mmio_write32(gicc + GICC_BPR, 0);
	mmio_write32(gicc + GICC_CTLR, CTLR_ENABLE);
}

void gicv2_send_sgi(uint32_t sgi, uint32_t cpu)
{
	dsb();
	mmio_write32(machine.gicd.base + GICD_SGIR, 1u << (16 + cpu) | sgi);
}

/*
 * gic_send_sgi() is measured: so that it need not ask which version there is, its first instruction
 * becomes a branch.
 */
void gicv2_take_over(void)
{
	uint32_t *insn = (uint32_t *)gic_send_sgi;
	uint64_t off = (uint64_t)gicv2_send_sgi - (uint64_t)insn;

	*(volatile uint32_t *)insn = INSN_B | (off >> 2 & 0x3ffffff);
	asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(insn) : "memory");
}
