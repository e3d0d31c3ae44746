/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC: a GICv3 (IHI 0069, chapters 4, 6 and 12), or a GICv2 (IHI 0048B), which has
 * another distributor and, for a CPU interface, the hardware's GICV frame.
 *
 * What decides whether an interrupt is to be delivered lies in banks of 32 interrupts: bank 0 is
 * the vcpu's (SGIs and PPIs), the others are the domain's (SPIs). Anybody changes bits there
 * atomically and then *posts* the INTID to the vcpu that it concerns. List registers and the
 * overflow belong to the CPU alone on which that vcpu runs; it evaluates what was posted before it
 * returns to the guest. So nothing on the way of an interrupt takes a lock. An SPI is claimed by
 * the vcpu that puts it into a list register (vgic_spi.holder), which keeps it out of all others.
 *
 * List register 0 is the virtual timer's.
 */
#ifndef ARCH_VGIC_H
#define ARCH_VGIC_H

#include <serai/lock.h>
#include <serai/types.h>

struct domain;
struct domain_config;
struct vcpu;
struct vgic_domain;

#define VGIC_BANK_IRQS 32
#define VGIC_BANKS_MAX 32
#define VGIC_LRS_MAX   16
#define VGIC_NR_SGIS   16
#define VGIC_SPIS_MAX  988 /* the last bank has 28 */
#define VGIC_NOBODY    0xffff

struct vgic_bank {
	u32 enabled;
	u32 pending; /* latched: an edge, a write to ISPENDR, or an acknowledged physical interrupt
		      */
	u32 line; /* input as a device drives it */
	u32 level; /* level-sensitive by configuration */
	u32 active; /* active, but in no list register */
	u32 hw; /* linked to a physical interrupt, which is active while this is pending */
	u32 unpend; /* to the owner: take the pending state out of the list register */
	u32 deact; /* to the owner: take the active state away */
	u8 priority[VGIC_BANK_IRQS];
	u8 lr[VGIC_BANK_IRQS]; /* the list register it was put into last */
};

/* What an SPI has beyond its bits. */
struct vgic_spi {
	u16 target; /* vcpu by IROUTER */
	u16 holder; /* vcpu that has, or had last, the SPI in a list register; VGIC_NOBODY */
	u16 irq; /* physical INTID, when the bank's hw bit is set */
};

struct vgic_vcpu {
	u64 timer_lr; /* list register 0 for a virtual timer interrupt that just arrived */
	u64 lr_group, lr_pending; /* bits of every list register; of one that becomes pending */
	u32 sre; /* ICC_SRE_EL1; 0 for a GICv2 */
	u32 vmcr_enable; /* the bit of ICH_VMCR_EL2 with which the guest takes that group */
	struct vgic_domain *domain;
	u32 posted_banks, overflow_banks; /* words below that are not zero */
	u16 id;
	bool loaded; /* the list registers are in the hardware of the CPU it runs on */
	u16 last_cpu;
	u32 hcr; /* ICH_HCR_EL2 while loaded */
	u16 lr_irq[VGIC_LRS_MAX]; /* what was put there last */
	struct vgic_bank bank;
	u32 posted[VGIC_BANKS_MAX];
	u32 overflow[VGIC_BANKS_MAX]; /* to be in a list register, but none was free */
	u16 overflow_prio[VGIC_BANKS_MAX]; /* the best in each word of overflow */
	/* Saved while not loaded; while loaded, lr is what others asked for last. */
	u64 lr[VGIC_LRS_MAX];
	u64 vmcr;
	u32 ap0r[4], ap1r[4];
	u32 lr_used;
	/* GICv2: who else sent the SGIs that are pending, and whose is in a list register. */
	u32 sgi_senders[VGIC_NR_SGIS / 4];
	u8 sgi_sender[VGIC_NR_SGIS];
	/* Another vcpu wants to read list registers that are loaded: it waits for done >= its
	 * ticket. */
	u32 view_want, view_done;
	/* As the one who waits. */
	u32 view_ticket;
	u64 view_reg;
	bool again; /* the access is to be repeated */
};

struct vgic_domain {
	bool enabled; /* GICD_CTLR.EnableGrp1A; GICv2: Enable */
	u8 version;   /* 2 or 3 */
	u32 typer; /* GICD_TYPER */
	u32 nr_banks; /* bank 0 included */
	u32 nr_vcpus;
	struct vgic_bank *banks; /* of the SPIs: banks[0] has INTIDs 32.. */
	struct vgic_spi *spis;
	struct vgic_vcpu **vcpus;
	u64 dist_base, rdist_base, rdist_size; /* guest addresses */
	u64 cpu_base; /* GICv2 */
	u32 tickets; /* of view_ticket */
	u32 nr_hw; /* SPIs with the hw bit */
	struct lock lock; /* links to physical interrupts, and enabling those */
};

/* --- life cycle --- */
/* On each CPU: what ICH_VTR_EL2 says. The CPUs must agree on the list registers. */
void vgic_cpu_init(u32 vtr);
/* Direct-mapped domains see the frames where the host has them, others where the ABI says. */
int vgic_domain_create(struct domain *d, const struct domain_config *cfg);
void vgic_domain_destroy(struct domain *d);
int vgic_vcpu_create(struct vcpu *v);
void vgic_vcpu_destroy(struct vcpu *v);

/* --- inputs; any CPU --- */
/* One edge on a private interrupt, for an event that somebody sent. */
void vgic_inject_event(struct vcpu *v, u32 intid);
/* The level of a private interrupt. */
void vgic_set_level(struct vcpu *v, u32 intid, bool level);
/* domain_arch_set_spi_level() is in serai/arch.h, domain_arch_assign_spi() in serai/irq.h. */
/* v, which is current, writes ICC_SGI1R_EL1. */
void vgic_sgi1r_write(struct vcpu *v, u64 val);

/* --- by the vcpu's own CPU --- */
void vgic_switch_out(struct vcpu *v);
void vgic_switch_in(struct vcpu *v);
/* VCPU_REQ_VGIC: evaluates what others posted. */
void vgic_sync_posted(struct vcpu *v);
/* The maintenance interrupt. */
void vgic_maintenance(struct vcpu *v);
/* The virtual timer's interrupt found interrupts in the overflow. */
void vgic_timer_overflow(struct vcpu *v);
/* The refused MMIO access is only to be repeated: another CPU must answer first. Asked once. */
bool vgic_take_again(struct vcpu *v);

/* An interrupt waits that the guest would take; v is current or not running. */
bool vgic_irq_pending(struct vcpu *v);
bool vgic_irq_enabled(const struct vcpu *v, u32 intid); /* private ones */
void vgic_dump(struct vcpu *v);

#endif
