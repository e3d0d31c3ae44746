/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical GICv2 (IHI 0048B): distributor, CPU interface, virtual interface control. Its
 * functions take the place of gicv3.c's, and those of vgic_lr_v2.c that of vgic_lr.c's, when
 * gicv2_init() finds the machine to have one; so nothing is asked on the way of an interrupt.
 *
 * As on a GICv3 priority drop and deactivation are separate, and all interrupts have one priority.
 * GICC_CTLR and GICD_CTLR are those of the state that the hypervisor runs in: bit 0 enables what is
 * its. Registers of interrupts 0 to 31 are banked by CPU. Registers that are read, changed and
 * written are under gicv2_lock.
 */
#include <arch/barrier.h>
#include <arch/gic_irq.h>
#include <arch/gich.h>
#include <arch/gicv2_regs.h>
#include <arch/mmu.h>
#include <arch/patch.h>
#include <arch/vgic_lr_v2.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/lock.h>
#include <serai/printk.h>

#define PRIORITY_MASK_NONE 0xff

struct gicv2_cpu {
	u8 mask; /* of this CPU's interface in GICD_ITARGETSR and GICD_SGIR; 0: not started */
	bool vtimer_active, vtimer_enabled; /* what the distributor has for PPI 27 */
};

static DEFINE_PERCPU(struct gicv2_cpu, gicv2_cpu);
static struct lock gicv2_lock = LOCK_INIT(RANK_IRQ);
static u8 cpu_masks[NR_CPUS] __ro_after_init;
u8 gicv2_acked_on[IRQS_MAX];
static char *dist __ro_after_init, *cpu_if __ro_after_init;
char *gich_base __ro_after_init;

static void bit_write(size_t reg, u32 irq)
{
	reg_write(dist, reg + irq / 32 * 4, 1U << (irq % 32));
}

/* --- SPIs and this CPU's PPIs --- */

static void gicv2_enable(u32 irq)
{
	bit_write(GICD_ISENABLER, irq);
}

/* The read makes sure that the write has arrived. */
static void gicv2_disable(u32 irq)
{
	bit_write(GICD_ICENABLER, irq);
	reg_read(dist, GICD_CTLR);
}

static void gicv2_set_type(u32 irq, enum irq_type type)
{
	size_t off = GICD_ICFGR + irq / 16 * 4;
	u32 edge = 2U << (irq % 16 * 2);
	u32 cfg;

	if (irq < GIC_PPI_FIRST)
		return;
	lock_take(&gicv2_lock);
	cfg = reg_read(dist, off) & ~edge;
	reg_write(dist, off, type == IRQ_TYPE_EDGE ? cfg | edge : cfg);
	lock_drop(&gicv2_lock);
}

static bool bit_read(size_t reg, u32 irq)
{
	return (reg_read(dist, reg + irq / 32 * 4) >> (irq % 32)) & 1;
}

static bool is_edge(u32 irq)
{
	return (reg_read(dist, GICD_ICFGR + irq / 16 * 4) >> (irq % 16 * 2)) & 2;
}

/*
 * QEMU's GICv2 has an SPI's states for each CPU apart: an active one stays where it is, or another
 * CPU might take it a second time; one edge that waits is said again to the new target.
 */
static void gicv2_set_target(u32 irq, unsigned int cpu)
{
	volatile u8 *target = (volatile u8 *)(dist + GICD_ITARGETSR + irq);
	u8 old = *target;

	if (bit_read(GICD_ISACTIVER, irq))
		return;
	*target = cpu_masks[cpu];
	if (bit_read(GICD_ISACTIVER, irq))
		*target = old;
	if (bit_read(GICD_ISPENDR, irq) && is_edge(irq)) {
		bit_write(GICD_ICPENDR, irq);
		bit_write(GICD_ISPENDR, irq);
	}
}

/* An SPI's activation may be another CPU's: see ich_may_link(). */
static void gicv2_deactivate(u32 irq)
{
	if (irq < GIC_SPI_FIRST)
		reg_write(cpu_if, GICC_DIR, irq);
	else
		bit_write(GICD_ICACTIVER, irq);
}

static void gicv2_set_pending(u32 irq)
{
	bit_write(GICD_ISPENDR, irq);
}

static void gicv2_clear_pending(u32 irq)
{
	bit_write(GICD_ICPENDR, irq);
}

static void gicv2_set_active(u32 irq)
{
	bit_write(GICD_ISACTIVER, irq);
}

static bool gicv2_is_pending(u32 irq)
{
	return bit_read(GICD_ISPENDR, irq);
}

static void gicv2_reset_irq(u32 irq)
{
	gicv2_disable(irq);
	bit_write(GICD_ICPENDR, irq);
	bit_write(GICD_ICACTIVER, irq);
}

static void gicv2_vtimer_set_active(bool active)
{
	struct gicv2_cpu *c = percpu(gicv2_cpu);

	if (c->vtimer_active == active)
		return;
	c->vtimer_active = active;
	bit_write(active ? GICD_ISACTIVER : GICD_ICACTIVER, IRQ_VIRT_TIMER);
	dsb(sy);
}

static void gicv2_vtimer_note_active(bool active)
{
	percpu(gicv2_cpu)->vtimer_active = active;
}

static void gicv2_vtimer_set_enabled(bool enabled)
{
	struct gicv2_cpu *c = percpu(gicv2_cpu);

	if (c->vtimer_enabled == enabled)
		return;
	c->vtimer_enabled = enabled;
	if (enabled)
		gicv2_enable(IRQ_VIRT_TIMER);
	else
		gicv2_disable(IRQ_VIRT_TIMER);
}

/* --- other CPUs --- */

static void send_sgi(enum gic_sgi sgi, u32 cpus)
{
	dsb(ishst);
	reg_write(dist, GICD_SGIR, cpus << GICD_SGIR_TARGET_SHIFT | sgi);
}

static void gicv2_kick(unsigned int cpu)
{
	send_sgi(SGI_KICK, cpu_masks[cpu]);
}

static void gicv2_stop_others(void)
{
	u32 cpus = 0;
	unsigned int cpu;

	if (!percpu(gicv2_cpu)->mask)
		return;
	for_each_online_cpu(cpu) if (cpu != cpu_id()) cpus |= cpu_masks[cpu];
	if (cpus)
		send_sgi(SGI_STOP, cpus);
}

/* --- interrupts --- */

/* See gicv3.c. */
static void handle_vtimer(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	reg_write(cpu_if, GICC_EOIR, IRQ_VIRT_TIMER);
	ich_write_lr(0, g->timer_lr);
	if (unlikely(g->overflow_banks))
		vgic_timer_overflow(v);
}

/* iar: for an SGI the sender is in it, and has to be said again at its end. */
static void handle_irq(u32 iar)
{
	u32 irq = GICC_INTID(iar);

	if (irq == IRQ_VIRT_TIMER && this_cpu()->current) {
		handle_vtimer(this_cpu()->current);
		return;
	}
	reg_write(cpu_if, GICC_EOIR, iar);
	if (gic_is_guests(irq)) {
		WRITE_ONCE(gicv2_acked_on[irq], (u8)cpu_id());
		irq_dispatch(irq);
		return;
	}
	/* What the sender wrote before the SGI is read after it. */
	dsb(ishld);
	gic_handle_own(irq);
	reg_write(cpu_if, GICC_DIR, iar);
}

static u32 gicv2_next_irq(void)
{
	return GICC_INTID(reg_read(cpu_if, GICC_HPPIR));
}

static void gicv2_handle_irqs(void)
{
	for (u32 n = 0; n < GIC_IRQS_PER_ENTRY; n++) {
		u32 iar = reg_read(cpu_if, GICC_IAR);

		if (GICC_INTID(iar) >= GIC_INTID_SPECIAL)
			break;
		handle_irq(iar);
	}
}

/* --- start-up --- */

/* The two pages of the CPU interface 64 KiB apart, each of them 16 times (as Arm's SBSA has it). */
static bool __init is_aliased(const struct gic_frames *f)
{
	char *va;
	u32 id;

	if (f->size < GICC_ALIASED_SIZE)
		return false;
	va = mmu_map_device(f->base, GICC_ALIASED_SIZE);
	if (!va)
		return false;
	id = reg_read(va, GICC_IIDR);
	return id && id == reg_read(va, GICC_IIDR + GICC_ALIAS_OFFSET) &&
	       id == reg_read(va, GICC_IIDR + PAGE_SIZE);
}

static int __init map_frames(const struct gic_places *p)
{
	u64 off = 0;

	if (is_aliased(&p->cpu)) {
		off = GICC_ALIAS_OFFSET;
		pr_info("GICv2: the CPU interface at %#lx has its pages 64 KiB apart\n",
			p->cpu.base);
	}
	dist = mmu_map_device(p->dist.base, GICV2_DIST_SIZE);
	cpu_if = mmu_map_device(p->cpu.base + off, GICC_SIZE);
	gich_base = mmu_map_device(p->hyp.base, GICH_SIZE);
	if (!dist || !cpu_if || !gich_base)
		return -XEN_ENOMEM;
	gic_host.vcpu_offset = p->vcpu.size >= off + GICC_SIZE ? off : 0;
	return 0;
}

static int __init check_places(const struct gic_places *p)
{
	if (p->dist.size < GICV2_DIST_SIZE || p->cpu.size < GICC_SIZE || p->hyp.size < GICH_SIZE ||
	    p->vcpu.size < GICC_SIZE) {
		pr_err("GICv2: reg of its node must have four entries: distributor (%#x bytes), CPU "
		       "interface (%#x), virtual interface control (%#x), virtual CPU interface "
		       "(%#x); found %#lx, %#lx, %#lx, %#lx\n",
		       GICV2_DIST_SIZE, GICC_SIZE, GICH_SIZE, GICC_SIZE, p->dist.size, p->cpu.size,
		       p->hyp.size, p->vcpu.size);
		return -XEN_EINVAL;
	}
	return 0;
}

static void __init dist_reset(void)
{
	reg_write(dist, GICD_CTLR, 0);
	for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i += 32) {
		size_t w = i / 32 * 4;

		reg_write(dist, GICD_ICENABLER + w, ~0U);
		reg_write(dist, GICD_ICPENDR + w, ~0U);
		reg_write(dist, GICD_ICACTIVER + w, ~0U);
	}
	for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i += 4)
		reg_write(dist, GICD_IPRIORITYR + i, GIC_PRIORITY_ALL);
	reg_write(dist, GICD_CTLR, GICD_CTLR_ENABLE);
}

/* The registers of a CPU's own interrupts say which interface is its; a single CPU's say nothing. */
static u8 __init own_mask(void)
{
	u32 mask = 0;

	for (u32 i = 0; i < GIC_SPI_FIRST && !mask; i += 4)
		mask = reg_read(dist, GICD_ITARGETSR + i);
	mask |= mask >> 16;
	mask |= mask >> 8;
	return mask & 0xff ? (u8)mask : 1;
}

static void __init private_reset(void)
{
	reg_write(dist, GICD_ICENABLER, ~0U);
	reg_write(dist, GICD_ICACTIVER, ~0U);
	reg_write(dist, GICD_ICPENDR, ~0U);
	for (u32 i = 0; i < GIC_SPI_FIRST; i += 4)
		reg_write(dist, GICD_IPRIORITYR + i, GIC_PRIORITY_ALL);
	reg_write(dist, GICD_ISENABLER,
		  0xffff | (1U << IRQ_HYP_TIMER) | (1U << gic_host.maintenance_irq));
}

static int __init gicv2_cpu_init(unsigned int cpu)
{
	u32 vtr = gich_read(GICH_VTR), nr = MIN(GICH_VTR_LISTREGS(vtr), (u32)VGIC_LRS_MAX);
	u8 mask = own_mask();

	for (u32 i = 0; i < cpu; i++)
		if (cpu_masks[i] == mask) {
			pr_err("GICv2: CPU%u and CPU%u have the same interface (%#x); there are at "
			       "most %u\n", i, cpu, mask, GICV2_CPUS_MAX);
			return -XEN_ENODEV;
		}
	private_reset();
	reg_write(cpu_if, GICC_CTLR, 0);
	for (u32 i = 0; i < GICC_APRS; i++)
		reg_write(cpu_if, GICC_APR0 + i * 4, 0);
	reg_write(cpu_if, GICC_PMR, PRIORITY_MASK_NONE);
	reg_write(cpu_if, GICC_BPR, 0);
	reg_write(cpu_if, GICC_CTLR, GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
	ich_write_hcr(0);
	for (u32 i = 0; i < nr; i++)
		ich_write_lr(i, 0);
	cpu_masks[cpu] = mask;
	percpu(gicv2_cpu)->mask = mask;
	if (!cpu)
		for (u32 i = GIC_SPI_FIRST; i < gic_host.lines; i++)
			gicv2_set_target(i, 0);
	/* The number of list registers is where ICH_VTR_EL2 has it, but may be larger. */
	vgic_cpu_init((vtr & ~0x3fU) | (nr - 1));
	return 0;
}

static const struct patch_call calls[] __initconst = {
	PATCH_CALL(irq_arch_enable, gicv2_enable),
	PATCH_CALL(irq_arch_disable, gicv2_disable),
	PATCH_CALL(irq_arch_set_type, gicv2_set_type),
	PATCH_CALL(irq_arch_set_target, gicv2_set_target),
	PATCH_CALL(gic_deactivate, gicv2_deactivate),
	PATCH_CALL(gic_set_pending, gicv2_set_pending),
	PATCH_CALL(gic_clear_pending, gicv2_clear_pending),
	PATCH_CALL(gic_set_active, gicv2_set_active),
	PATCH_CALL(gic_is_pending, gicv2_is_pending),
	PATCH_CALL(gic_reset_irq, gicv2_reset_irq),
	PATCH_CALL(gic_vtimer_set_active, gicv2_vtimer_set_active),
	PATCH_CALL(gic_vtimer_note_active, gicv2_vtimer_note_active),
	PATCH_CALL(gic_vtimer_set_enabled, gicv2_vtimer_set_enabled),
	PATCH_CALL(cpu_arch_kick, gicv2_kick),
	PATCH_CALL(cpu_arch_stop_others, gicv2_stop_others),
	PATCH_CALL(gic_next_irq, gicv2_next_irq),
	PATCH_CALL(gic_handle_irqs, gicv2_handle_irqs),
	PATCH_CALL(gic_cpu_init, gicv2_cpu_init),
#define VGIC_LR_CALL(name) PATCH_CALL(name, v2_##name),
	VGIC_LR_FUNCTIONS(VGIC_LR_CALL)
#undef VGIC_LR_CALL
};

int __init gicv2_init(const struct gic_places *p)
{
	u32 typer;

	if (check_places(p) || map_frames(p))
		return -XEN_ENODEV;
	typer = reg_read(dist, GICD_TYPER);
	gic_host.version = 2;
	gic_host.lines = MIN(GICD_TYPER_LINES(typer), (u32)IRQS_MAX);
	gic_host.maintenance_irq = p->maintenance_irq ? p->maintenance_irq : IRQ_MAINTENANCE_DEFAULT;
	gic_host.dist = p->dist.base;
	gic_host.cpu = p->cpu;
	gic_host.vcpu = p->vcpu;
	dist_reset();
	patch_calls(calls, ARRAY_SIZE(calls));
	return 0;
}
