/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the virtual GIC: the engine that keeps list registers (vgic_lr.c), which the distributor's
 * emulation and the injection functions drive.
 */
#ifndef ARCH_VGIC_LR_H
#define ARCH_VGIC_LR_H

#include <arch/vgic.h>
#include <serai/atomic.h>
#include <serai/compiler.h>
#include <serai/types.h>

#define VGIC_VTIMER 27 /* INTID of the virtual timer, physical and virtual */

/* What the machine's virtual CPU interface has; the same on every CPU. */
struct vgic_hw {
	u32 lrs; /* bit n: list register n exists */
	u32 spare; /* those that are not the timer's */
	u32 nr_apr; /* registers of active priorities in each group */
};
extern struct vgic_hw vgic_hw;

static inline struct vgic_bank *vgic_bank(struct vgic_vcpu *g, u32 intid)
{
	return intid < VGIC_BANK_IRQS ? &g->bank : &g->domain->banks[intid / VGIC_BANK_IRQS - 1];
}

static inline u32 vgic_mask(u32 intid)
{
	return 1U << (intid % VGIC_BANK_IRQS);
}

static inline struct vgic_spi *vgic_spi(struct vgic_domain *d, u32 intid)
{
	return &d->spis[intid - VGIC_BANK_IRQS];
}

static inline bool vgic_has_intid(const struct vgic_domain *d, u32 intid)
{
	return intid < d->nr_banks * VGIC_BANK_IRQS && intid < VGIC_BANK_IRQS + VGIC_SPIS_MAX;
}

/* SGIs of a guest with a GICv2 have a bit for each of 8 senders, as in GICD_SPENDSGIR. */
#define VGIC_SGIS_PER_WORD	   4
#define VGIC_SGI_WORD(intid)	   ((intid) / VGIC_SGIS_PER_WORD)
#define VGIC_SGI_SHIFT(intid)	   ((intid) % VGIC_SGIS_PER_WORD * 8)
#define VGIC_SGI_BITS(intid, bits) ((bits) << VGIC_SGI_SHIFT(intid))

static inline void vgic_set(u32 *word, u32 mask)
{
	atomic_fetch_or(word, mask);
}

static inline void vgic_clear(u32 *word, u32 mask)
{
	atomic_fetch_and(word, ~mask);
}

/* Which of the bank's interrupts wait and are enabled. */
static inline u32 vgic_wanted(const struct vgic_bank *b)
{
	return (READ_ONCE(b->pending) | (READ_ONCE(b->line) & READ_ONCE(b->level))) &
	       READ_ONCE(b->enabled);
}

/* --- vgic_lr.c; g is loaded on this CPU --- */
/* Brings list registers and overflow to what the bits of intid demand. */
void vgic_eval(struct vgic_vcpu *g, u32 intid);
/* One edge on a private interrupt. */
void vgic_pend_private(struct vgic_vcpu *g, u32 intid);
/* Evaluates all that was posted; false: stopped half-way since this CPU has other work. */
bool vgic_eval_posted(struct vgic_vcpu *g);
/* Fills list registers from the overflow. */
void vgic_refill(struct vgic_vcpu *g);
void vgic_update_hcr(struct vgic_vcpu *g);
void vgic_lr_maintenance(struct vgic_vcpu *g);
void vgic_lr_save(struct vgic_vcpu *g);
void vgic_lr_load(struct vgic_vcpu *g);
/* g was saved and is powered off: what it had returns to the banks, for others to take. */
void vgic_lr_flush(struct vgic_vcpu *g);
/* Copies the list registers to memory for readers on other CPUs. */
void vgic_publish_lrs(struct vgic_vcpu *g);
/* Interrupts of bank n in list registers that have any of the state bits, as last known. */
u32 vgic_view_lrs(struct vgic_vcpu *g, u32 n, u64 state, bool mine);
/* GICv2: senders of the four SGIs of word n that are pending; takes away those of some. */
u32 vgic_view_sgi(struct vgic_vcpu *g, u32 n);
void vgic_unpend_sgi(struct vgic_vcpu *g, u32 n, u32 senders);
/* g is loaded on this CPU or not at all: an interrupt waits in it that the guest would take. */
bool vgic_lr_deliverable(struct vgic_vcpu *g, bool mine);

/* The physical interrupt behind one whose hw bit is set. */
static inline u32 vgic_hw_irq(const struct vgic_vcpu *g, u32 intid)
{
	return intid < VGIC_BANK_IRQS ? intid : vgic_spi(g->domain, intid)->irq;
}

/* --- vgic.c --- */
/* A CPU that is off takes no SGIs. */
bool vgic_is_down(const struct vgic_vcpu *g);
/* Tells g's CPU to evaluate what was posted; wake: also if g is blocked. */
void vgic_notify(struct vgic_vcpu *g, bool wake);
/* The physical CPU to route g's interrupts to. */
unsigned int vgic_cpu_of(const struct vgic_vcpu *g);

/* --- vgic_regs.c: registers with one field per interrupt. g does the access and is loaded. --- */
enum vgic_reg {
	VGIC_ENABLE_SET,
	VGIC_ENABLE_CLEAR,
	VGIC_PENDING_SET,
	VGIC_PENDING_CLEAR,
	VGIC_ACTIVE_SET,
	VGIC_ACTIVE_CLEAR,
};
/* Bank n; bank 0 is p's. False: g->again is set and the guest must repeat the access. */
bool vgic_read_bits(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, enum vgic_reg reg, u64 *val);
void vgic_write_bits(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, enum vgic_reg reg, u32 val);
/* size is 1 or 4: that many priorities from intid on. */
u32 vgic_read_priority(struct vgic_vcpu *p, u32 intid, u32 size);
void vgic_write_priority(struct vgic_vcpu *p, u32 intid, u32 size, u32 val);
/* Word n has 16 interrupts. */
u32 vgic_read_config(struct vgic_vcpu *p, u32 n);
void vgic_write_config(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val);
u64 vgic_read_router(struct vgic_domain *d, u32 intid);
void vgic_write_router(struct vgic_vcpu *g, u32 intid, u64 val);
void vgic_update_timer_lr(struct vgic_vcpu *g);
/* Makes g's CPU evaluate some interrupts of bank n; any CPU. */
void vgic_post(struct vgic_vcpu *g, u32 n, u32 bits, bool wake);
void vgic_post_spi(struct vgic_domain *d, u32 intid, bool wake);
/* The SPI is another vcpu's now: out of g's hands. */
void vgic_pass_on_spi(struct vgic_vcpu *g, u32 intid);
/* Ends the physical interrupt with the virtual one; but not while that is pending again. */
void vgic_end_linked(struct vgic_vcpu *g, u32 intid);
/* Evaluates at once when g is loaded here, otherwise by posting. */
void vgic_change(struct vgic_vcpu *g, u32 n, u32 bits, bool mine, bool wake);
/* The same for bits of a bank of SPIs, wherever each is at home. */
void vgic_change_spis(struct vgic_vcpu *g, struct vgic_domain *d, u32 n, u32 bits, bool wake);

/* --- vgic_v2.c: GICD of a GICv2 --- */
bool vgic_v2_dist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val);
bool vgic_v2_dist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val);

/* --- vgic_frames.c: GICD and GICR --- */
/* Fields for each interrupt, off from GICD_IGROUPR to GICD_IGRPMODR; p has the private ones. */
bool vgic_fields_read(struct vgic_vcpu *g, struct vgic_vcpu *p, u64 off, u32 size, u64 *val);
bool vgic_fields_write(struct vgic_vcpu *g, struct vgic_vcpu *p, u64 off, u32 size, u64 val);
/* GICD_CTLR says whether interrupts are forwarded. */
void vgic_enable_dist(struct vgic_vcpu *g, bool on);
bool vgic_dist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val);
bool vgic_dist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val);
bool vgic_rdist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val);
bool vgic_rdist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val);

#endif
