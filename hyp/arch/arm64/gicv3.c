/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical GICv3 (IHI 0069): distributor, redistributors, the CPU interface at EL2.
 *
 * Priority drop and deactivation are separate (EOImode 1): the hypervisor drops the priority at
 * once, and deactivates what is its own; an interrupt that was handed to a guest is deactivated by
 * the guest through a hardware-linked list register. All interrupts have one priority, group 1.
 * Registers that are read, changed and written are under gic_lock; the others set and clear bits.
 */
#include <arch/barrier.h>
#include <arch/gic_irq.h>
#include <arch/gicv3_regs.h>
#include <arch/ich.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/irq.h>
#include <serai/lock.h>
#include <serai/printk.h>

#define ROUTER_OF(irq) (GICD_IROUTER + (size_t)(irq)*8)
#define POLLS_MAX      1000000

struct gic_cpu {
	char *rdist; /* RD frame of this CPU */
	bool vtimer_active, vtimer_enabled; /* what the redistributor has for PPI 27 */
};

static DEFINE_PERCPU(struct gic_cpu, gic_cpu);
static struct lock gic_lock = LOCK_INIT(RANK_IRQ);
static char *dist __ro_after_init;
static u32 nr_regions __ro_after_init;
static struct {
	struct gic_frames at;
	char *va;
} regions[GIC_RDIST_REGIONS_MAX] __ro_after_init;

static inline u64 reg_read64(const char *base, size_t off)
{
	return *(const volatile u64 *)(const volatile void *)(base + off);
}

static inline void reg_write64(char *base, size_t off, u64 v)
{
	*(volatile u64 *)(volatile void *)(base + off) = v;
}

/* Bounded: a controller that never finishes must not stop the machine silently. */
static void wait_clear(const char *base, size_t off, u32 bits, const char *what)
{
	for (u32 i = 0; i < POLLS_MAX; i++) {
		if (!(reg_read(base, off) & bits))
			return;
		cpu_relax();
	}
	pr_err("GIC: %s does not finish\n", what);
}

/* The frame and offset of the register with irq's bit. */
static char *bit_frame(u32 irq)
{
	return irq < GIC_SPI_FIRST ? percpu(gic_cpu)->rdist + GICR_SGI_FRAME : dist;
}

static void bit_write(size_t reg, u32 irq)
{
	reg_write(bit_frame(irq), reg + irq / 32 * 4, 1U << (irq % 32));
}

/* --- SPIs and this CPU's PPIs --- */

void irq_arch_enable(u32 irq)
{
	bit_write(GICD_ISENABLER, irq);
}

void irq_arch_disable(u32 irq)
{
	bit_write(GICD_ICENABLER, irq);
	if (irq < GIC_SPI_FIRST)
		wait_clear(percpu(gic_cpu)->rdist, GICR_CTLR, GICR_CTLR_RWP, "a redistributor");
	else
		wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "the distributor");
}

void irq_arch_set_type(u32 irq, enum irq_type type)
{
	size_t off = GICD_ICFGR + irq / 16 * 4;
	u32 edge = 2U << (irq % 16 * 2);
	u32 cfg;

	if (irq < GIC_PPI_FIRST)
		return;
	lock_take(&gic_lock);
	cfg = reg_read(bit_frame(irq), off) & ~edge;
	reg_write(bit_frame(irq), off, type == IRQ_TYPE_EDGE ? cfg | edge : cfg);
	lock_drop(&gic_lock);
}

void irq_arch_set_target(u32 irq, unsigned int cpu)
{
	reg_write64(dist, ROUTER_OF(irq), cpu_mpidr[cpu]);
}

void gic_deactivate(u32 irq)
{
	write_sysreg(irq, ICC_DIR_EL1);
}

void gic_set_pending(u32 irq)
{
	bit_write(GICD_ISPENDR, irq);
}

void gic_clear_pending(u32 irq)
{
	bit_write(GICD_ICPENDR, irq);
}

void gic_set_active(u32 irq)
{
	bit_write(GICD_ISACTIVER, irq);
}

bool gic_is_pending(u32 irq)
{
	return (reg_read(bit_frame(irq), GICD_ISPENDR + irq / 32 * 4) >> (irq % 32)) & 1;
}

void gic_reset_irq(u32 irq)
{
	irq_arch_disable(irq);
	bit_write(GICD_ICPENDR, irq);
	bit_write(GICD_ICACTIVER, irq);
}

void gic_vtimer_set_active(bool active)
{
	struct gic_cpu *c = percpu(gic_cpu);

	if (likely(c->vtimer_active == active))
		return;
	c->vtimer_active = active;
	bit_write(active ? GICD_ISACTIVER : GICD_ICACTIVER, IRQ_VIRT_TIMER);
	dsb(sy);
}

void gic_vtimer_note_active(bool active)
{
	percpu(gic_cpu)->vtimer_active = active;
}

void gic_vtimer_set_enabled(bool enabled)
{
	struct gic_cpu *c = percpu(gic_cpu);

	if (likely(c->vtimer_enabled == enabled))
		return;
	c->vtimer_enabled = enabled;
	if (enabled)
		irq_arch_enable(IRQ_VIRT_TIMER);
	else
		irq_arch_disable(IRQ_VIRT_TIMER);
}

/* --- other CPUs --- */

static void send_sgi(enum gic_sgi sgi, unsigned int cpu)
{
	u64 m = cpu_mpidr[cpu];
	u64 v = ((u64)sgi << ICC_SGI1R_INTID_SHIFT) | (1UL << (m & 15)) |
		(((m >> 4) & 15) << ICC_SGI1R_RS_SHIFT) | (((m >> 8) & 0xff) << 16) |
		(((m >> 16) & 0xff) << 32) | (((m >> 32) & 0xff) << 48);

	dsb(ishst);
	write_sysreg(v, ICC_SGI1R_EL1);
	isb();
}

void cpu_arch_kick(unsigned int cpu)
{
	send_sgi(SGI_KICK, cpu);
}

void cpu_arch_stop_others(void)
{
	unsigned int cpu;

	/* Not before this CPU's interface is on. */
	if (!percpu(gic_cpu)->rdist)
		return;
	for_each_online_cpu(cpu) if (cpu != cpu_id()) send_sgi(SGI_STOP, cpu);
}

/* --- interrupts --- */

/*
 * The running guest's virtual timer: list register 0 is its, and empty, since the interrupt was
 * inactive. The guest deactivates it.
 */
static __always_inline void handle_vtimer(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	write_sysreg(IRQ_VIRT_TIMER, ICC_EOIR1_EL1);
	write_sysreg(g->timer_lr, ICH_LR0_EL2);
	if (unlikely(g->overflow_banks))
		vgic_timer_overflow(v);
}

static void handle_own(u32 irq)
{
	gic_handle_own(irq);
	isb();
	gic_deactivate(irq);
}

static void handle_irq(u32 irq)
{
	if (unlikely(irq == IRQ_VIRT_TIMER && this_cpu()->current)) {
		handle_vtimer(this_cpu()->current);
		return;
	}
	write_sysreg(irq, ICC_EOIR1_EL1);
	isb();
	if (likely(gic_is_guests(irq)))
		irq_dispatch(irq);
	else
		handle_own(irq);
}

static __noinline void handle_irqs(u32 irq)
{
	for (u32 n = 1; irq < GIC_INTID_SPECIAL; n++) {
		handle_irq(irq);
		if (n == GIC_IRQS_PER_ENTRY)
			break;
		irq = (u32)read_sysreg(ICC_IAR1_EL1);
	}
}

u32 gic_next_irq(void)
{
	return (u32)read_sysreg(ICC_HPPIR1_EL1);
}

void gic_handle_irqs(void)
{
	u32 irq = (u32)read_sysreg(ICC_IAR1_EL1);
	struct vcpu *v = this_cpu()->current;

	if (likely(irq == IRQ_VIRT_TIMER && v))
		handle_vtimer(v);
	else
		handle_irqs(irq);
}

/* --- start-up --- */

static void __init dist_reset(void)
{
	reg_write(dist, GICD_CTLR, 0);
	wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "the distributor");
	for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i += 32) {
		size_t w = i / 32 * 4;

		reg_write(dist, GICD_ICENABLER + w, ~0U);
		reg_write(dist, GICD_ICPENDR + w, ~0U);
		reg_write(dist, GICD_ICACTIVER + w, ~0U);
		reg_write(dist, GICD_IGROUPR + w, ~0U);
		reg_write(dist, GICD_IGRPMODR + w, 0);
	}
	for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i += 4)
		reg_write(dist, GICD_IPRIORITYR + i, GIC_PRIORITY_ALL);
	wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "the distributor");
	reg_write(dist, GICD_CTLR,
		  GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_GRP1A | GICD_CTLR_ENABLE_GRP1);
	wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "the distributor");
	for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i++)
		irq_arch_set_target(i, 0);
}

static int __init map_rdists(const struct gic_places *p)
{
	for (nr_regions = 0; nr_regions < p->nr_rdists; nr_regions++) {
		regions[nr_regions].at = p->rdist[nr_regions];
		regions[nr_regions].va = mmu_map_device(p->rdist[nr_regions].base,
							p->rdist[nr_regions].size);
		if (!regions[nr_regions].va)
			return -XEN_ENOMEM;
	}
	return 0;
}

int __init gicv3_init(const struct gic_places *p)
{
	u32 arch, typer;

	if (p->dist.size < GIC_FRAME_SIZE || !p->nr_rdists || p->nr_rdists > GIC_RDIST_REGIONS_MAX)
		return -XEN_EINVAL;
	dist = mmu_map_device(p->dist.base, GIC_FRAME_SIZE);
	if (!dist)
		return -XEN_ENOMEM;
	arch = GIC_PIDR2_ARCH(reg_read(dist, GIC_PIDR2));
	if (arch != 3 && arch != 4) {
		pr_err("GIC: the distributor is of architecture version %u, not 3 or 4\n", arch);
		return -XEN_ENODEV;
	}
	if (map_rdists(p))
		return -XEN_ENOMEM;
	typer = reg_read(dist, GICD_TYPER);
	gic_host = (struct gic_host){
		.version = 3,
		.lines = MIN(GICD_TYPER_LINES(typer), (u32)IRQS_MAX),
		.maintenance_irq = p->maintenance_irq ? p->maintenance_irq : IRQ_MAINTENANCE_DEFAULT,
		.id_bits = GICD_TYPER_IDBITS(typer),
		.dist = p->dist.base,
		.rdist = p->rdist[0],
		.vcpu = p->vcpu,
	};
	dist_reset();
	return 0;
}

/* The affinity as GICR_TYPER has it in its upper half. */
static u32 rdist_affinity(u64 mpidr)
{
	return (u32)((mpidr & 0xffffff) | ((mpidr >> 32 & 0xff) << 24));
}

static char *__init find_rdist(u32 affinity)
{
	for (u32 i = 0; i < nr_regions; i++) {
		u64 off = 0;

		while (off + GICR_STRIDE <= regions[i].at.size) {
			char *rd = regions[i].va + off;
			u64 typer = reg_read64(rd, GICR_TYPER);

			if ((u32)(typer >> GICR_TYPER_AFFINITY_SHIFT) == affinity)
				return rd;
			if (typer & GICR_TYPER_LAST)
				break;
			off += typer & GICR_TYPER_VLPIS ? GICR_STRIDE_VLPI : GICR_STRIDE;
		}
	}
	return NULL;
}

static void __init rdist_reset(char *rd)
{
	char *sgi = rd + GICR_SGI_FRAME;

	reg_write(rd, GICR_WAKER, reg_read(rd, GICR_WAKER) & ~GICR_WAKER_SLEEP);
	wait_clear(rd, GICR_WAKER, GICR_WAKER_ASLEEP, "a redistributor's wake-up");
	reg_write(sgi, GICD_ICENABLER, ~0U);
	wait_clear(rd, GICR_CTLR, GICR_CTLR_RWP, "a redistributor");
	reg_write(sgi, GICD_ICACTIVER, ~0U);
	reg_write(sgi, GICD_ICPENDR, ~0U);
	reg_write(sgi, GICD_IGROUPR, ~0U);
	reg_write(sgi, GICD_IGRPMODR, 0);
	for (size_t i = 0; i < 32; i += 4)
		reg_write(sgi, GICD_IPRIORITYR + i, GIC_PRIORITY_ALL);
	reg_write(sgi, GICD_ISENABLER, 0xffff | (1U << IRQ_HYP_TIMER) | (1U << gic_host.maintenance_irq));
	wait_clear(rd, GICR_CTLR, GICR_CTLR_RWP, "a redistributor");
}

static void __init cpu_interface_init(void)
{
	/* Without ENABLE: a guest cannot change its ICC_SRE_EL1. */
	write_sysreg(ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB, ICC_SRE_EL2);
	isb();
	write_sysreg(0xff, ICC_PMR_EL1);
	write_sysreg(0, ICC_BPR1_EL1);
	write_sysreg(ICC_CTLR_EOIMODE, ICC_CTLR_EL1);
	write_sysreg(1, ICC_IGRPEN1_EL1);
	write_sysreg(0, ICH_HCR_EL2);
	for (u32 i = 0; i < ICH_VTR_LISTREGS(ich_read_vtr()); i++)
		ich_write_lr(i, 0);
	isb();
}

int __init gic_cpu_init(unsigned int cpu)
{
	char *rd = find_rdist(rdist_affinity(cpu_mpidr[cpu]));

	if (!rd) {
		pr_err("GIC: CPU %u (MPIDR %#lx) has no redistributor\n", cpu, cpu_mpidr[cpu]);
		return -XEN_ENODEV;
	}
	*percpu(gic_cpu) = (struct gic_cpu){ .rdist = rd };
	rdist_reset(rd);
	cpu_interface_init();
	vgic_cpu_init(ich_read_vtr());
	return 0;
}
