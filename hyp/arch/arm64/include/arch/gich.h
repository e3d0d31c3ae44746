/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual CPU interface of a GICv2 (IHI 0048B, 5.3) under the names of arch/ich.h, which this
 * header takes the place of: list registers have the form that GICv3 gives them.
 */
#ifndef ARCH_ICH_H
#define ARCH_ICH_H

#include <arch/gicv2_regs.h>
#include <arch/gicv3_regs.h>
#include <serai/compiler.h>
#include <serai/cpu.h>
#include <serai/irq.h>
#include <serai/types.h>

extern char *gich_base;
extern u8 gicv2_acked_on[IRQS_MAX]; /* the CPU that acknowledged an SPI last */

static inline u32 gich_read(size_t off)
{
	return *(const volatile u32 *)(const volatile void *)(gich_base + off);
}

static inline void gich_write(size_t off, u32 v)
{
	*(volatile u32 *)(volatile void *)(gich_base + off) = v;
}

static inline u64 gich_lr_widen(u32 lr)
{
	u64 wide = ((u64)((lr >> GICH_LR_PRIO_SHIFT) & GICH_LR_PRIO) << (LR_PRIO_SHIFT + 3)) |
		   ((u64)((lr >> GICH_LR_STATE_SHIFT) & GICH_LR_STATE) << LR_STATE_SHIFT);

	if (lr & GICH_LR_GROUP1)
		wide |= LR_GROUP1;
	if (lr & GICH_LR_HW)
		return wide | LR_HW | (lr & GICH_LR_INTID) |
		       ((u64)((lr >> GICH_LR_PHYS_SHIFT) & GICH_LR_PHYS) << LR_PHYS_SHIFT);
	return wide | (lr & GICH_LR_ID) | ((lr >> GICH_LR_EOI_SHIFT) & 1 ? LR_EOI : 0);
}

static inline u32 gich_lr_narrow(u64 lr)
{
	u32 narrow = ((u32)(lr >> (LR_PRIO_SHIFT + 3)) & GICH_LR_PRIO) << GICH_LR_PRIO_SHIFT |
		     (u32)(lr >> LR_STATE_SHIFT) << GICH_LR_STATE_SHIFT;

	if (lr & LR_GROUP1)
		narrow |= GICH_LR_GROUP1;
	if (lr & LR_HW)
		return narrow | GICH_LR_HW | LR_IRQ(lr) |
		       ((u32)(lr >> LR_PHYS_SHIFT) & GICH_LR_PHYS) << GICH_LR_PHYS_SHIFT;
	return narrow | ((u32)lr & GICH_LR_ID) | (lr & LR_EOI ? 1U << GICH_LR_EOI_SHIFT : 0);
}

static inline u64 ich_read_lr(unsigned int i)
{
	return gich_lr_widen(gich_read(GICH_LR + i * 4));
}

static inline void ich_write_lr(unsigned int i, u64 lr)
{
	gich_write(GICH_LR + i * 4, gich_lr_narrow(lr));
}

static inline u32 ich_read_eisr(void)
{
	return gich_read(GICH_EISR);
}

/* One that waits for its end-of-interrupt maintenance may count as empty in the hardware. */
static inline u32 ich_read_elrsr(void)
{
	return gich_read(GICH_ELRSR) & ~ich_read_eisr();
}

static inline u32 ich_read_hcr(void)
{
	return gich_read(GICH_HCR);
}

static inline void ich_write_hcr(u32 hcr)
{
	gich_write(GICH_HCR, hcr);
}

/* The fields are where ICH_VMCR_EL2 has them. */
static inline u64 ich_read_vmcr(void)
{
	return gich_read(GICH_VMCR);
}

static inline void ich_write_vmcr(u64 vmcr)
{
	gich_write(GICH_VMCR, (u32)vmcr);
}

/*
 * QEMU's GICv2 keeps an SPI's active state for each CPU apart: the end of an interrupt in a linked
 * list register is one for the CPU that has the list register only.
 */
static inline bool ich_may_link(u32 irq)
{
	return irq < IRQ_FIRST_SPI || READ_ONCE(gicv2_acked_on[irq]) == cpu_id();
}

/* One register for both groups. */
static inline void ich_save_apr(u32 *ap0r, u32 *ap1r, unsigned int nr)
{
	ap0r[0] = gich_read(GICH_APR);
}

static inline void ich_load_apr(const u32 *ap0r, const u32 *ap1r, unsigned int nr)
{
	gich_write(GICH_APR, ap0r[0]);
}

/* There are no system registers to switch. */
static inline void ich_set_sre(u32 sre)
{
}

#endif
