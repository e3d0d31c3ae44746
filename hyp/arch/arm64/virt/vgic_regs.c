/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the virtual GIC that have a field for each interrupt, common to distributor and
 * redistributor (IHI 0069, 12.9 and 12.11). Any vcpu may write those of any other, so a write
 * changes the bank and tells the vcpu that is concerned.
 *
 * The pending and active state of an interrupt that sits in a list register of another running vcpu
 * is asked for, and the guest's access repeated until that CPU has answered.
 */
#include <arch/gic.h>
#include <arch/gicv3_regs.h>
#include <arch/vgic_lr.h>
#include <serai/irq.h>

#define IRQS_PER_CONFIG 16

static struct vgic_bank *bank_of(struct vgic_vcpu *p, u32 n)
{
	return n ? &p->domain->banks[n - 1] : &p->bank;
}

static u32 valid_mask(u32 n)
{
	return n == VGIC_BANKS_MAX - 1 ? 0x0fffffff : ~0U;
}

/* --- telling who it is for --- */

void vgic_post(struct vgic_vcpu *g, u32 n, u32 bits, bool wake)
{
	vgic_set(&g->posted[n], bits);
	vgic_set(&g->posted_banks, 1U << n);
	vgic_notify(g, wake);
}

/* To the vcpu that has it, else to its target. */
void vgic_post_spi(struct vgic_domain *d, u32 intid, bool wake)
{
	const struct vgic_spi *s = vgic_spi(d, intid);
	u16 home = load_acquire(&s->holder);

	if (home == VGIC_NOBODY)
		home = READ_ONCE(s->target);
	vgic_post(d->vcpus[home], intid / VGIC_BANK_IRQS, vgic_mask(intid), wake);
}

void vgic_pass_on_spi(struct vgic_vcpu *g, u32 intid)
{
	store_release(&vgic_spi(g->domain, intid)->holder, VGIC_NOBODY);
	smp_mb();
	vgic_post_spi(g->domain, intid, true);
}

void vgic_change(struct vgic_vcpu *g, u32 n, u32 bits, bool mine, bool wake)
{
	if (!bits)
		return;
	if (!mine) {
		vgic_post(g, n, bits, wake);
		return;
	}
	for (; bits; bits &= bits - 1)
		vgic_eval(g, n * VGIC_BANK_IRQS + (u32)__builtin_ctz(bits));
}

void vgic_change_spis(struct vgic_vcpu *g, struct vgic_domain *d, u32 n, u32 bits, bool wake)
{
	for (; bits; bits &= bits - 1) {
		u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(bits);
		const struct vgic_spi *s = vgic_spi(d, intid);
		u16 home = load_acquire(&s->holder);

		if (home == VGIC_NOBODY)
			home = READ_ONCE(s->target);
		if (g && home == g->id)
			vgic_eval(g, intid);
		else
			vgic_post(d->vcpus[home], n, vgic_mask(intid), wake);
	}
}

static void change(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 bits, bool wake)
{
	if (n)
		vgic_change_spis(g, g->domain, n, bits, wake);
	else
		vgic_change(p, 0, bits, p == g, wake);
}

/* Those that may sit in some list register. */
static u32 maybe_listed(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 bits)
{
	u32 found = 0;

	if (!n)
		return p == g ? bits & (p->overflow[0] | vgic_view_lrs(g, 0, ~0UL, true)) : bits;
	for (u32 w = bits; w; w &= w - 1) {
		u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w);

		if (READ_ONCE(vgic_spi(g->domain, intid)->holder) != VGIC_NOBODY)
			found |= vgic_mask(intid);
	}
	return found;
}

/* --- physical interrupts --- */

/* Those with a physical interrupt that can be reached: the timer's on its own CPU only. */
static void hw_each(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 bits, void (*fn)(u32 irq))
{
	for (bits &= n || p == g ? bank_of(p, n)->hw : 0; bits; bits &= bits - 1)
		fn(vgic_hw_irq(p, n * VGIC_BANK_IRQS + (u32)__builtin_ctz(bits)));
}

void vgic_end_linked(struct vgic_vcpu *g, u32 intid)
{
	const struct vgic_bank *b = vgic_bank(g, intid);

	if (b->hw & ~b->pending & vgic_mask(intid))
		gic_deactivate(vgic_hw_irq(g, intid));
}

/* Where the target runs, which was not followed while the interrupt was disabled. */
static void hw_enable(struct vgic_vcpu *g, u32 intid)
{
	struct vgic_domain *d = g->domain;
	u32 irq = vgic_hw_irq(g, intid);

	irq_arch_set_target(irq, vgic_cpu_of(d->vcpus[READ_ONCE(vgic_spi(d, intid)->target)]));
	irq_arch_enable(irq);
}

static void enable_spis(struct vgic_vcpu *g, u32 n, u32 bits, bool on)
{
	struct vgic_domain *d = g->domain;
	struct vgic_bank *b = bank_of(g, n);

	lock_take(&d->lock);
	if (on)
		vgic_set(&b->enabled, bits);
	else
		vgic_clear(&b->enabled, bits);
	for (u32 w = bits & b->hw; w; w &= w - 1) {
		u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w);

		if (on)
			hw_enable(g, intid);
		else
			irq_arch_disable(vgic_hw_irq(g, intid));
	}
	lock_drop(&d->lock);
}

/* --- bit by bit --- */

static void write_enable_set(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);
	u32 fresh = val & ~b->enabled;

	if (n)
		enable_spis(g, n, fresh, true);
	else
		vgic_set(&b->enabled, fresh);
	change(g, p, n, fresh & (vgic_wanted(b) | (n ? 0 : vgic_mask(VGIC_VTIMER))), true);
}

static void write_enable_clear(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);
	u32 gone = val & b->enabled;

	if (n)
		enable_spis(g, n, gone, false);
	else
		vgic_clear(&b->enabled, gone);
	change(g, p, n, maybe_listed(g, p, n, gone) | (n ? 0 : gone & vgic_mask(VGIC_VTIMER)),
	       false);
}

static void write_pending_set(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);
	u32 soft = val & ~b->hw;

	hw_each(g, p, n, val, gic_set_pending);
	vgic_set(&b->pending, soft);
	change(g, p, n, soft & b->enabled, true);
}

static void write_pending_clear(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);
	u32 orders = maybe_listed(g, p, n, val) | (val & b->hw & b->pending);

	hw_each(g, p, n, val, gic_clear_pending);
	vgic_clear(&b->pending, val & ~b->hw);
	if (orders) {
		vgic_set(&b->unpend, orders);
		change(g, p, n, orders, false);
	}
}

static void write_active_set(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);

	if (!n && p != g)
		val &= ~b->hw;
	hw_each(g, p, n, val, gic_set_active);
	vgic_set(&b->active, val);
	change(g, p, n, val, false);
}

/* What was pending and active becomes deliverable. */
static void write_active_clear(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b = bank_of(p, n);
	u32 orders = maybe_listed(g, p, n, val) | (val & b->active);

	if (orders) {
		vgic_set(&b->deact, orders);
		change(g, p, n, orders, true);
	}
}

void vgic_write_bits(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, enum vgic_reg reg, u32 val)
{
	static void (*const write[])(struct vgic_vcpu *, struct vgic_vcpu *, u32, u32) = {
		[VGIC_ENABLE_SET] = write_enable_set,	[VGIC_ENABLE_CLEAR] = write_enable_clear,
		[VGIC_PENDING_SET] = write_pending_set, [VGIC_PENDING_CLEAR] = write_pending_clear,
		[VGIC_ACTIVE_SET] = write_active_set,	[VGIC_ACTIVE_CLEAR] = write_active_clear,
	};

	val &= valid_mask(n);
	if (val && n < g->domain->nr_banks)
		write[reg](g, p, n, val);
}

/*
 * Adds to *found what h's list registers say about bank n. False while h runs elsewhere and has not
 * answered the question with g's ticket, which is asked when there is no ticket yet.
 */
static bool view_of(struct vgic_vcpu *g, struct vgic_vcpu *h, u32 n, u64 state, u32 *found)
{
	bool loaded = h != g && load_acquire(&h->loaded);
	u32 done;

	if (loaded) {
		if (!g->view_ticket)
			g->view_ticket = atomic_add_return(&g->domain->tickets, 1);
		done = load_acquire(&h->view_done);
		if ((s32)(done - g->view_ticket) < 0) {
			WRITE_ONCE(h->view_want, g->view_ticket);
			vgic_notify(h, false);
			return false;
		}
	}
	*found |= vgic_view_lrs(h, n, state, h == g);
	return true;
}

static bool view_bank(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u64 state, u32 *found)
{
	u16 last = VGIC_NOBODY;
	bool all = true;

	if (!n)
		return view_of(g, p, 0, state, found);
	for (u32 bit = 0; bit < VGIC_BANK_IRQS; bit++) {
		u16 holder;

		if (!vgic_has_intid(g->domain, n * VGIC_BANK_IRQS + bit))
			break;
		holder = READ_ONCE(vgic_spi(g->domain, n * VGIC_BANK_IRQS + bit)->holder);
		if (holder != VGIC_NOBODY && holder != last)
			all &= view_of(g, g->domain->vcpus[holder], n, state, found);
		last = holder;
	}
	return all;
}

static u32 hw_pending(struct vgic_vcpu *p, u32 n)
{
	u32 found = 0;

	for (u32 w = n ? bank_of(p, n)->hw : 0; w; w &= w - 1) {
		u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w);

		if (gic_is_pending(vgic_hw_irq(p, intid)))
			found |= vgic_mask(intid);
	}
	return found;
}

bool vgic_read_bits(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, enum vgic_reg reg, u64 *val)
{
	bool pending = reg == VGIC_PENDING_SET || reg == VGIC_PENDING_CLEAR;
	struct vgic_bank *b;
	u64 key = ((u64)(p->id + 1U) << 16) | (n << 1) | pending;
	u32 found = 0;

	*val = 0;
	if (n >= g->domain->nr_banks)
		return true;
	b = bank_of(p, n);
	if (reg == VGIC_ENABLE_SET || reg == VGIC_ENABLE_CLEAR) {
		*val = b->enabled;
		return true;
	}
	if (g->view_reg != key) {
		g->view_reg = key;
		g->view_ticket = 0;
	}
	if (!view_bank(g, p, n, pending ? LR_PENDING : LR_ACTIVE, &found)) {
		g->again = true;
		return false;
	}
	g->view_reg = 0;
	if (pending)
		*val = (found & ~b->unpend) | (b->pending & ~(b->unpend & b->hw)) |
		       (b->line & b->level) | hw_pending(p, n);
	else
		*val = (found | b->active) & ~b->deact;
	return true;
}

/* --- field by field --- */

/* The list register for a virtual timer interrupt that arrives. */
void vgic_update_timer_lr(struct vgic_vcpu *g)
{
	WRITE_ONCE(g->timer_lr, g->lr_pending | LR_HW |
					((u64)g->bank.priority[VGIC_VTIMER] << LR_PRIO_SHIFT) |
					((u64)VGIC_VTIMER << LR_PHYS_SHIFT) | VGIC_VTIMER);
}

u32 vgic_read_priority(struct vgic_vcpu *p, u32 intid, u32 size)
{
	u32 val = 0;

	if (!vgic_has_intid(p->domain, intid))
		return 0;
	for (u32 i = 0; i < size; i++)
		val |= (u32)vgic_bank(p, intid)->priority[(intid + i) % VGIC_BANK_IRQS] << (i * 8);
	return val;
}

/* Pending interrupts keep the priority that they were listed with, as the architecture allows. */
void vgic_write_priority(struct vgic_vcpu *p, u32 intid, u32 size, u32 val)
{
	if (!vgic_has_intid(p->domain, intid))
		return;
	for (u32 i = 0; i < size; i++)
		WRITE_ONCE(vgic_bank(p, intid)->priority[(intid + i) % VGIC_BANK_IRQS],
			   (u8)(val >> (i * 8)));
	if (intid < VGIC_BANK_IRQS)
		vgic_update_timer_lr(p);
}

u32 vgic_read_config(struct vgic_vcpu *p, u32 n)
{
	u32 edge, val = 0;

	/* SGIs are edges; the register is read as zero. */
	if (n == 0 || !vgic_has_intid(p->domain, n * IRQS_PER_CONFIG))
		return 0;
	edge = ~bank_of(p, n / 2)->level >> (n % 2 * IRQS_PER_CONFIG);
	for (u32 i = 0; i < IRQS_PER_CONFIG; i++)
		val |= ((edge >> i) & 1) << (i * 2 + 1);
	return val;
}

void vgic_write_config(struct vgic_vcpu *g, struct vgic_vcpu *p, u32 n, u32 val)
{
	struct vgic_bank *b;
	u32 shift = n % 2 * IRQS_PER_CONFIG, edge = 0, mask = 0xffffU << shift;

	if (n == 0 || !vgic_has_intid(p->domain, n * IRQS_PER_CONFIG))
		return;
	b = bank_of(p, n / 2);
	for (u32 i = 0; i < IRQS_PER_CONFIG; i++)
		edge |= ((val >> (i * 2 + 1)) & 1) << (i + shift);
	for (u32 w = n > 1 ? b->hw & mask & (edge ^ b->level ^ ~0U) : 0; w; w &= w - 1) {
		u32 bit = (u32)__builtin_ctz(w);

		irq_arch_set_type(vgic_hw_irq(g, n / 2 * VGIC_BANK_IRQS + bit),
				  (edge >> bit) & 1 ? IRQ_TYPE_EDGE : IRQ_TYPE_LEVEL);
	}
	vgic_set(&b->level, mask & ~edge);
	vgic_clear(&b->level, mask & edge);
	change(g, p, n / 2, mask & ~edge & vgic_wanted(b), true);
}

u64 vgic_read_router(struct vgic_domain *d, u32 intid)
{
	u32 target;

	if (intid < VGIC_BANK_IRQS || !vgic_has_intid(d, intid))
		return 0;
	target = READ_ONCE(vgic_spi(d, intid)->target);
	return (target & 15) | ((target >> 4) << 8);
}

void vgic_write_router(struct vgic_vcpu *g, u32 intid, u64 val)
{
	struct vgic_domain *d = g->domain;
	u64 target = (val & 15) | ((val >> 4) & 0xff0);

	if (intid < VGIC_BANK_IRQS || !vgic_has_intid(d, intid))
		return;
	/* One of any: the first will do. A target that does not exist is ignored. */
	if (val & GICD_IROUTER_ANY)
		target = 0;
	else if ((val & 0xff00ff00f0UL) || target >= d->nr_vcpus)
		return;
	WRITE_ONCE(vgic_spi(d, intid)->target, (u16)target);
	smp_mb();
	if (vgic_bank(g, intid)->hw & vgic_mask(intid))
		irq_arch_set_target(vgic_hw_irq(g, intid), vgic_cpu_of(d->vcpus[target]));
	vgic_change_spis(g, d, intid / VGIC_BANK_IRQS, vgic_mask(intid), true);
}
