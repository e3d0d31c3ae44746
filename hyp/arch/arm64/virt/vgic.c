/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC as the rest of the hypervisor sees it: its life with domain and vcpu, injection
 * from any CPU, SGIs, context switch. The engine is in vgic_lr.c.
 */
#include <abi/guest_layout.h>
#include <arch/gic.h>
#include <arch/gicv2_regs.h>
#include <arch/gicv3_regs.h>
#include <arch/vgic_lr.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/irq.h>
#include <serai/mmio.h>
#include <serai/printk.h>
#include <serai/string.h>

#define GUEST_ID_BITS	 9
#define SGIS_ENABLED	 0x0000ffffU
#define PPIS_LEVEL	 0xffff0000U
#define TYPER_CPUS_MAX	 8U
#define SRE_ON		 7 /* ICC_SRE_EL1 */

struct vgic_hw vgic_hw __ro_after_init;

static struct vcpu *vcpu_of(const struct vgic_vcpu *g)
{
	return container_of(g, struct vcpu, arch.vgic);
}

/* Loaded on this CPU: what it concerns may be done at once. */
static bool is_mine(const struct vgic_vcpu *g)
{
	return g->loaded && vcpu_of(g) == this_cpu()->current;
}

void vgic_notify(struct vgic_vcpu *g, bool wake)
{
	vcpu_request(vcpu_of(g), VCPU_REQ_VGIC);
	if (wake)
		vcpu_wake(vcpu_of(g));
}

unsigned int vgic_cpu_of(const struct vgic_vcpu *g)
{
	return vcpu_of(g)->unit.cpu;
}

/* --- inputs --- */

void vgic_inject_event(struct vcpu *v, u32 intid)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	if (is_mine(g)) {
		vgic_pend_private(g, intid);
		return;
	}
	vcpu_note_sender(v);
	vgic_set(&g->bank.pending, vgic_mask(intid));
	vgic_post(g, 0, vgic_mask(intid), true);
}

/* Changes the line of an interrupt; true when that has to be evaluated. */
static bool change_line(struct vgic_bank *b, u32 mask, bool level)
{
	bool was = b->line & mask;

	if (was == level)
		return false;
	if (level) {
		vgic_set(&b->line, mask);
		if (!(b->level & mask))
			vgic_set(&b->pending, mask);
		return true;
	}
	vgic_clear(&b->line, mask);
	if (!(b->level & mask))
		return false;
	vgic_set(&b->unpend, mask);
	return true;
}

void vgic_set_level(struct vcpu *v, u32 intid, bool level)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	if (change_line(&g->bank, vgic_mask(intid), level))
		vgic_change(g, 0, vgic_mask(intid), is_mine(g), level);
}

/* The current vcpu's, when it is one of d. */
static struct vgic_vcpu *mine_in(const struct domain *d)
{
	struct vcpu *v = this_cpu()->current;

	return v && v->domain == d && v->arch.vgic.loaded ? &v->arch.vgic : NULL;
}

static void change_spi(struct domain *d, u32 intid, bool wake)
{
	vgic_change_spis(mine_in(d), &d->arch.vgic, intid / VGIC_BANK_IRQS, vgic_mask(intid), wake);
}

static struct vgic_bank *spi_bank(struct domain *d, u32 intid)
{
	if (intid < VGIC_BANK_IRQS || !vgic_has_intid(&d->arch.vgic, intid))
		return NULL;
	return &d->arch.vgic.banks[intid / VGIC_BANK_IRQS - 1];
}

void domain_arch_set_spi_level(struct domain *d, u32 intid, bool level)
{
	struct vgic_bank *b = spi_bank(d, intid);

	if (b && change_line(b, vgic_mask(intid), level))
		change_spi(d, intid, level);
}

void domain_arch_inject_hw_spi(struct domain *d, u32 virq, u32 irq)
{
	struct vgic_bank *b = spi_bank(d, virq);

	if (unlikely(!b || !(b->hw & vgic_mask(virq)))) {
		gic_deactivate(irq);
		return;
	}
	/* It was inactive: whatever an order was about has gone. */
	if (unlikely(b->unpend & vgic_mask(virq)))
		vgic_clear(&b->unpend, vgic_mask(virq));
	vgic_set(&b->pending, vgic_mask(virq));
	change_spi(d, virq, true);
}

int domain_arch_assign_spi(struct domain *d, u32 virq, u32 irq)
{
	struct vgic_domain *g = &d->arch.vgic;
	struct vgic_bank *b = spi_bank(d, virq);
	u32 mask = vgic_mask(virq);
	int rc = 0;

	if (!b)
		return -XEN_EINVAL;
	lock_take(&g->lock);
	if (b->hw & mask) {
		rc = -XEN_EBUSY;
	} else {
		vgic_spi(g, virq)->irq = (u16)irq;
		vgic_set(&b->hw, mask);
		g->nr_hw++;
		irq_arch_set_type(irq, b->level & mask ? IRQ_TYPE_LEVEL : IRQ_TYPE_EDGE);
		if (b->enabled & mask)
			irq_arch_enable(irq);
	}
	lock_drop(&g->lock);
	return rc;
}

void domain_arch_unassign_spi(struct domain *d, u32 virq)
{
	struct vgic_domain *g = &d->arch.vgic;
	struct vgic_bank *b = spi_bank(d, virq);
	u32 mask = vgic_mask(virq);

	if (!b)
		return;
	lock_take(&g->lock);
	if (b->hw & mask) {
		vgic_clear(&b->hw, mask);
		g->nr_hw--;
		gic_reset_irq(vgic_spi(g, virq)->irq);
	}
	lock_drop(&g->lock);
}

/* A CPU that is off has its redistributor asleep. */
bool vgic_is_down(const struct vgic_vcpu *g)
{
	return READ_ONCE(vcpu_of(g)->unit.holds) & HOLD_DOWN;
}

static void send_sgi(struct vgic_vcpu *from, u32 id, u32 intid)
{
	struct vgic_vcpu *to;

	if (likely(id == from->id)) {
		vgic_pend_private(from, intid);
		return;
	}
	if (id >= from->domain->nr_vcpus)
		return;
	to = from->domain->vcpus[id];
	if (!to || vgic_is_down(to))
		return;
	vgic_set(&to->bank.pending, 1U << intid);
	vgic_post(to, 0, 1U << intid, true);
}

void vgic_sgi1r_write(struct vcpu *v, u64 val)
{
	struct vgic_vcpu *g = &v->arch.vgic;
	u32 intid = (u32)ICC_SGI1R_INTID(val), base = (u32)ICC_SGI1R_AFF1(val) * 16;

	if (unlikely(val & ICC_SGI1R_IRM)) {
		for (u32 i = 0; i < g->domain->nr_vcpus; i++)
			if (i != g->id)
				send_sgi(g, i, intid);
		return;
	}
	if (val & ICC_SGI1R_FAR)
		return;
	for (u32 list = (u32)ICC_SGI1R_LIST(val); list; list &= list - 1)
		send_sgi(g, base + (u32)__builtin_ctz(list), intid);
}

/* --- the own CPU --- */

void vgic_sync_posted(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	if (g->posted_banks && !vgic_eval_posted(g)) {
		/* The rest after the interrupt that waits: this one comes with it. */
		atomic_fetch_or(&v->requests, VCPU_REQ_VGIC);
		atomic_fetch_or(&this_cpu()->remote, WORK_VCPU);
		cpu_arch_kick(cpu_id());
	}
	vgic_update_hcr(g);
	if (unlikely(g->view_want != g->view_done))
		vgic_publish_lrs(g);
}

void vgic_maintenance(struct vcpu *v)
{
	vgic_lr_maintenance(&v->arch.vgic);
}

void vgic_timer_overflow(struct vcpu *v)
{
	vgic_refill(&v->arch.vgic);
}

/* Physical interrupts come where their vcpu is. */
static __cold_path void move_hw_irqs(struct vgic_vcpu *g)
{
	struct vgic_domain *d = g->domain;

	for (u32 n = 1; n < d->nr_banks; n++) {
		const struct vgic_bank *b = &d->banks[n - 1];

		for (u32 w = b->hw & b->enabled; w; w &= w - 1) {
			u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w);

			if (vgic_spi(d, intid)->target == g->id)
				irq_arch_set_target(vgic_spi(d, intid)->irq, cpu_id());
		}
	}
}

void vgic_switch_out(struct vcpu *v)
{
	vgic_lr_save(&v->arch.vgic);
	if (unlikely(READ_ONCE(v->unit.holds) & HOLD_DOWN))
		vgic_lr_flush(&v->arch.vgic);
}

void vgic_switch_in(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	vgic_lr_load(g);
	if (unlikely(g->last_cpu != cpu_id())) {
		g->last_cpu = (u16)cpu_id();
		if (g->domain->nr_hw)
			move_hw_irqs(g);
	}
}

bool vgic_take_again(struct vcpu *v)
{
	bool again = v->arch.vgic.again;

	v->arch.vgic.again = false;
	return again;
}

bool vgic_irq_enabled(const struct vcpu *v, u32 intid)
{
	return v->arch.vgic.domain->enabled && (v->arch.vgic.bank.enabled & vgic_mask(intid));
}

bool vgic_irq_pending(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;
	struct vgic_domain *d = g->domain;

	if (!d->enabled)
		return false;
	for (u32 w = READ_ONCE(g->posted_banks); w; w &= w - 1) {
		u32 n = (u32)__builtin_ctz(w);
		const struct vgic_bank *b = n ? &d->banks[n - 1] : &g->bank;

		if (READ_ONCE(g->posted[n]) & vgic_wanted(b))
			return true;
	}
	return vgic_lr_deliverable(g, is_mine(g));
}

/* --- life and death --- */

void vgic_cpu_init(u32 vtr)
{
	u32 nr = ICH_VTR_LISTREGS(vtr), bits = ICH_VTR_PREBITS(vtr);
	struct vgic_hw hw = {
		.lrs = (1U << nr) - 1,
		.spare = ((1U << nr) - 1) & ~1U,
		.nr_apr = bits <= 5 ? 1 : 1U << (bits - 5),
	};

	/* One is the timer's. */
	if (nr < 2)
		panic("GIC: %u list register(s); at least 2 are needed", nr);
	if (!vgic_hw.lrs)
		vgic_hw = hw;
	else if (vgic_hw.lrs != hw.lrs || vgic_hw.nr_apr != hw.nr_apr)
		panic("GIC: CPU %u has another number of list registers or priorities than CPU 0",
		      cpu_id());
}

static bool dist_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_dist_read(&v->arch.vgic, off, size, val);
}

static bool dist_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_dist_write(&v->arch.vgic, off, size, *val);
}

static bool rdist_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_rdist_read(&v->arch.vgic, off, size, val);
}

static bool rdist_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_rdist_write(&v->arch.vgic, off, size, *val);
}

static bool v2_dist_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_v2_dist_read(&v->arch.vgic, off, size, val);
}

static bool v2_dist_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	return vgic_v2_dist_write(&v->arch.vgic, off, size, *val);
}

static int add_v3_frames(struct domain *d)
{
	const struct vgic_domain *g = &d->arch.vgic;
	struct mmio_region dist = { g->dist_base, GIC_FRAME_SIZE, dist_read, dist_write, NULL };
	struct mmio_region rdist = { g->rdist_base, (u64)g->nr_vcpus * GICR_STRIDE, rdist_read,
				     rdist_write, NULL };
	int rc = mmio_add(d, &dist);

	return rc ? rc : mmio_add(d, &rdist);
}

/* The guest's CPU interface is the hardware's virtual one, which each CPU has at the same place. */
static int add_v2_frames(struct domain *d)
{
	const struct vgic_domain *g = &d->arch.vgic;
	struct mmio_region dist = { g->dist_base, GICV2_DIST_SIZE, v2_dist_read, v2_dist_write,
				    NULL };
	bool host = d->flags & DOMAIN_HARDWARE;
	paddr_t from = gic_host.vcpu.base + (host ? 0 : gic_host.vcpu_offset);
	u64 size = host ? MIN(gic_host.cpu.size, gic_host.vcpu.size) : GUEST_GICC_SIZE;
	int rc = mmio_add(d, &dist);

	return rc ? rc : p2m_map(&d->p2m, gpa_to_gfn(g->cpu_base), paddr_to_mfn(from),
				 size >> PAGE_SHIFT, P2M_MMIO_DEV);
}

static int set_v3_places(struct domain *d)
{
	struct vgic_domain *g = &d->arch.vgic;
	bool host = d->flags & DOMAIN_DIRECT_MAP;

	g->dist_base = host ? gic_host.dist : GUEST_GICV3_GICD_BASE;
	g->rdist_base = host ? gic_host.rdist.base : GUEST_GICV3_GICR0_BASE;
	g->rdist_size = host ? gic_host.rdist.size : GUEST_GICV3_GICR0_SIZE;
	if ((u64)g->nr_vcpus * GICR_STRIDE <= g->rdist_size)
		return 0;
	pr_err("d%u: %u vcpus, but only %lu redistributors fit at %#lx: fewer vcpus are needed\n",
	       d->id, g->nr_vcpus, g->rdist_size / GICR_STRIDE, g->rdist_base);
	return -XEN_ENOSPC;
}

static int set_v2_places(struct domain *d)
{
	struct vgic_domain *g = &d->arch.vgic;
	bool host = d->flags & DOMAIN_DIRECT_MAP;

	g->dist_base = host ? gic_host.dist : GUEST_GICD_BASE;
	g->cpu_base = host ? gic_host.cpu.base : GUEST_GICC_BASE;
	if (g->nr_vcpus <= GICV2_CPUS_MAX)
		return 0;
	pr_err("d%u: %u vcpus, but a GICv2 serves at most %u: fewer vcpus are needed\n", d->id,
	       g->nr_vcpus, GICV2_CPUS_MAX);
	return -XEN_EINVAL;
}

/* The machine's version, or the one that was asked for, if the machine can do that. */
static int choose_version(struct domain *d, u32 wanted)
{
	struct vgic_domain *g = &d->arch.vgic;

	g->version = (u8)(wanted ? wanted : gic_host.version);
	if (g->version == gic_host.version)
		return 0;
	if (g->version != 2 || d->flags & DOMAIN_HARDWARE)
		pr_err("d%u: gic version %u is asked for, but this machine has a GICv%u: leave it "
		       "to the machine\n", d->id, wanted, gic_host.version);
	else if (gic_host.vcpu.size < GICC_SIZE)
		pr_err("d%u: gic version 2 is asked for, but this machine's GICv3 has no GICv2 "
		       "interface (no GICV in reg of its node): ask for version 3\n", d->id);
	else
		return 0;
	return -XEN_ENODEV;
}

static u32 typer_of(const struct domain *d)
{
	const struct vgic_domain *g = &d->arch.vgic;
	bool host = d->flags & DOMAIN_HARDWARE;
	u32 typer = (g->nr_banks - 1) |
		    ((MIN(g->nr_vcpus, TYPER_CPUS_MAX) - 1) << GICD_TYPER_CPUS_SHIFT);

	if (g->version == 3)
		typer |= (host ? gic_host.id_bits : GUEST_ID_BITS) << GICD_TYPER_IDBITS_SHIFT;
	return typer;
}

static int make_frames(struct domain *d)
{
	bool v2 = d->arch.vgic.version == 2;
	int rc = v2 ? set_v2_places(d) : set_v3_places(d);

	if (rc)
		return rc;
	return v2 ? add_v2_frames(d) : add_v3_frames(d);
}

int vgic_domain_create(struct domain *d, const struct domain_config *cfg)
{
	struct vgic_domain *g = &d->arch.vgic;
	bool host = d->flags & DOMAIN_HARDWARE;
	u32 spis = host ? irq_arch_lines() - GIC_SPI_FIRST : cfg->nr_spis;
	int rc = choose_version(d, cfg->gic_version);

	if (rc)
		return rc;

	spis = ROUND_UP(MIN(spis, (u32)VGIC_SPIS_MAX), VGIC_BANK_IRQS);
	lock_init(&g->lock, RANK_VGIC_DIST);
	g->nr_vcpus = d->nr_vcpus;
	g->nr_banks = spis / VGIC_BANK_IRQS + 1;
	g->typer = typer_of(d);
	g->vcpus = mem_alloc(g->nr_vcpus * sizeof(struct vgic_vcpu *));
	if (spis) {
		g->banks = mem_alloc(spis / VGIC_BANK_IRQS * sizeof(struct vgic_bank));
		g->spis = mem_alloc(spis * sizeof(struct vgic_spi));
	}
	if (!g->vcpus || (spis && (!g->banks || !g->spis)))
		return -XEN_ENOMEM;
	for (u32 i = 0; i < spis / VGIC_BANK_IRQS; i++)
		g->banks[i].level = ~0U;
	for (u32 i = 0; i < spis; i++)
		g->spis[i].holder = VGIC_NOBODY;
	return make_frames(d);
}

void vgic_domain_destroy(struct domain *d)
{
	struct vgic_domain *g = &d->arch.vgic;

	for (u32 n = 1; g->banks && n < g->nr_banks; n++)
		for (u32 w = g->banks[n - 1].hw; w; w &= w - 1)
			domain_arch_unassign_spi(d, n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w));
	mmio_destroy(d);
	mem_free(g->banks);
	mem_free(g->spis);
	mem_free(g->vcpus);
	g->banks = NULL;
	g->spis = NULL;
	g->vcpus = NULL;
}

int vgic_vcpu_create(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;

	g->domain = &v->domain->arch.vgic;
	g->id = (u16)v->id;
	g->last_cpu = VGIC_NOBODY;
	g->sre = g->domain->version == 2 ? 0 : SRE_ON;
	g->lr_group = g->sre ? LR_GROUP1 : 0;
	g->vmcr_enable = g->sre ? ICH_VMCR_ENG1 : ICH_VMCR_ENG0;
	g->lr_pending = g->lr_group | LR_PENDING;
	memset(g->lr_irq, 0xff, sizeof(g->lr_irq));
	g->lr_irq[0] = VGIC_VTIMER;
	g->bank.enabled = SGIS_ENABLED;
	g->bank.level = PPIS_LEVEL;
	g->bank.hw = vgic_mask(VGIC_VTIMER);
	vgic_update_timer_lr(g);
	g->domain->vcpus[v->id] = g;
	return 0;
}

void vgic_vcpu_destroy(struct vcpu *v)
{
	struct vgic_domain *g = &v->domain->arch.vgic;

	if (g->vcpus)
		g->vcpus[v->id] = NULL;
}

void vgic_dump(struct vcpu *v)
{
	struct vgic_vcpu *g = &v->arch.vgic;
	bool mine = is_mine(g);

	pr_info("  vgic %s: enabled %08x pending %08x line %08x active %08x, overflow in banks %x\n",
		g->loaded ? "loaded" : "saved", g->bank.enabled, g->bank.pending, g->bank.line,
		g->bank.active, g->overflow_banks);
	if (mine)
		vgic_publish_lrs(g);
	for (u32 w = g->lr_used; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);

		pr_info("    LR%u %016lx\n", i, g->lr[i]);
	}
}
