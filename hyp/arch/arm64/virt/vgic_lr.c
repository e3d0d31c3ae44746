/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers and what does not fit into them.
 *
 * All of it runs on the CPU where the vcpu is loaded, with no lock; other CPUs only set bits in the
 * banks and post. An interrupt is in one list register, or in the overflow, or in neither. Pending
 * and active in a list register are not in the bank's bits; what is in the overflow is.
 * No pending interrupt of the overflow is more urgent than one in a list register, so the
 * overflow can wait until no list register is pending (maintenance interrupt NPIE). When all
 * are active, the least urgent goes to the overflow, and its end is noticed by LRENPIE.
 */
#include <arch/gic.h>
#include <arch/gicv3_regs.h>
#include <arch/ich.h>
#include <arch/vgic_lr.h>
#include <serai/arch.h>

#define VTIMER_LR   0
#define VTIMER_MASK (1U << VGIC_VTIMER)
/* Added to the priority of active interrupts in the overflow: they need no list register soon. */
#define PRIO_ACTIVE 0x100
#define PRIO_NONE   0xffff

static inline u32 used_lrs(void)
{
	return ~ich_read_elrsr() & vgic_hw.lrs;
}

/* The list register that has intid, or -1. */
static inline int lr_find(const struct vgic_vcpu *g, const struct vgic_bank *b, u32 intid, u32 used)
{
	u32 i = b->lr[intid % VGIC_BANK_IRQS];

	return ((used >> i) & 1) && g->lr_irq[i] == intid ? (int)i : -1;
}

/* --- the overflow --- */

static u32 overflow_prio_of(const struct vgic_bank *b, u32 bit)
{
	return b->priority[bit] | ((b->active >> bit) & 1 ? PRIO_ACTIVE : 0);
}

static bool overflow_has(const struct vgic_vcpu *g, u32 intid)
{
	return g->overflow[intid / VGIC_BANK_IRQS] & vgic_mask(intid);
}

static void overflow_add(struct vgic_vcpu *g, u32 intid)
{
	u32 n = intid / VGIC_BANK_IRQS;
	u32 prio = overflow_prio_of(vgic_bank(g, intid), intid % VGIC_BANK_IRQS);

	if (!g->overflow[n] || prio < g->overflow_prio[n])
		g->overflow_prio[n] = (u16)prio;
	g->overflow[n] |= vgic_mask(intid);
	g->overflow_banks |= 1U << n;
}

/* The most urgent of word n; its INTID to *intid. */
static u32 overflow_best_of(struct vgic_vcpu *g, u32 n, u32 *intid)
{
	const struct vgic_bank *b = vgic_bank(g, n * VGIC_BANK_IRQS);
	u32 best = PRIO_NONE;

	for (u32 w = g->overflow[n]; w; w &= w - 1) {
		u32 bit = (u32)__builtin_ctz(w);
		u32 prio = overflow_prio_of(b, bit);

		if (prio < best) {
			best = prio;
			*intid = n * VGIC_BANK_IRQS + bit;
		}
	}
	return best;
}

static void overflow_del(struct vgic_vcpu *g, u32 intid)
{
	u32 n = intid / VGIC_BANK_IRQS, any;

	g->overflow[n] &= ~vgic_mask(intid);
	if (g->overflow[n])
		g->overflow_prio[n] = (u16)overflow_best_of(g, n, &any);
	else
		g->overflow_banks &= ~(1U << n);
}

/* The most urgent of all; PRIO_NONE when the overflow is empty. */
static u32 overflow_best(struct vgic_vcpu *g, u32 *intid)
{
	u32 best = PRIO_NONE, bank = 0;

	for (u32 w = g->overflow_banks; w; w &= w - 1) {
		u32 n = (u32)__builtin_ctz(w);

		if (g->overflow_prio[n] < best) {
			best = g->overflow_prio[n];
			bank = n;
		}
	}
	return best == PRIO_NONE ? best : overflow_best_of(g, bank, intid);
}

/* Says with NPIE that pending interrupts wait for a list register, with the others active ones. */
void vgic_update_hcr(struct vgic_vcpu *g)
{
	u32 hcr = READ_ONCE(g->domain->enabled) ? ICH_HCR_EN : 0;

	for (u32 w = g->overflow_banks; w; w &= w - 1) {
		u32 n = (u32)__builtin_ctz(w);
		u32 active = vgic_bank(g, n * VGIC_BANK_IRQS)->active & g->overflow[n];

		if (g->overflow[n] & ~active)
			hcr |= ICH_HCR_NPIE;
		if (active)
			hcr |= ICH_HCR_LRENPIE | ICH_HCR_UIE;
	}
	if (hcr == g->hcr)
		return;
	/* Ends of evicted interrupts that the hardware has counted are still to be looked at. */
	if (unlikely(g->hcr & hcr & ICH_HCR_LRENPIE))
		ich_write_hcr(hcr | (ich_read_hcr() & ICH_HCR_EOICOUNT_MASK));
	else
		ich_write_hcr(hcr);
	g->hcr = hcr;
}

/* --- one interrupt --- */

/* An SGI of a guest with a GICv2 is pending once for each sender (IHI 0048B, 4.3.16). */
static inline bool has_senders(const struct vgic_vcpu *g, u32 intid)
{
	return unlikely(!g->lr_group) && intid < VGIC_NR_SGIS;
}

/* Pending in the bank is whether a sender waits; another one may come at any time. */
static bool sgi_waits(struct vgic_vcpu *g, u32 intid)
{
	vgic_clear(&g->bank.pending, vgic_mask(intid));
	if (!(READ_ONCE(g->sgi_senders[VGIC_SGI_WORD(intid)]) & VGIC_SGI_BITS(intid, 0xffU)))
		return false;
	vgic_set(&g->bank.pending, vgic_mask(intid));
	return true;
}

/* One is in the list register already: the same sender's is the same interrupt while it waits. */
static __cold_path u64 sgi_join(struct vgic_vcpu *g, u32 intid, u64 lr)
{
	if (lr & LR_PENDING)
		vgic_clear(&g->sgi_senders[VGIC_SGI_WORD(intid)],
			   VGIC_SGI_BITS(intid, 1U << LR_SOURCE(lr)));
	return sgi_waits(g, intid) ? lr | LR_EOI : lr & ~LR_EOI;
}

/*
 * Remembers in the bank that an interrupt is pending, which its list register said until now; not
 * if it was to be taken out of there anyway.
 */
static void latch_back(struct vgic_vcpu *g, u32 intid, u64 lr)
{
	struct vgic_bank *b = vgic_bank(g, intid);
	u32 mask = vgic_mask(intid);

	if (has_senders(g, intid))
		vgic_set(&g->sgi_senders[VGIC_SGI_WORD(intid)],
			 VGIC_SGI_BITS(intid, 1U << LR_SOURCE(lr)));
	if (!(((READ_ONCE(b->unpend) & ~b->hw) | (b->line & b->level)) & mask))
		vgic_set(&b->pending, mask);
}

/*
 * Pending moves from the bank into the list register. One whose line is high is evaluated again
 * at its end, since the line may still be high. An order to take the pending state away was meant
 * for an older one: who gave it has cleared the bank's bit.
 */
static u64 lr_pend(struct vgic_bank *b, u32 mask, u64 lr)
{
	if (b->pending & mask)
		vgic_clear(&b->pending, mask);
	if (unlikely(b->unpend & ~b->hw & mask))
		vgic_clear(&b->unpend, mask);
	if (!(lr & LR_HW) && (b->line & b->level & mask))
		return lr & LR_ACTIVE ? lr | LR_EOI : lr | LR_EOI | LR_PENDING;
	return lr | LR_PENDING;
}

static void lr_put(struct vgic_vcpu *g, struct vgic_bank *b, u32 i, u32 intid, u64 lr)
{
	b->lr[intid % VGIC_BANK_IRQS] = (u8)i;
	g->lr_irq[i] = (u16)intid;
	ich_write_lr(i, lr);
}

/* An SGI with senders; those that remain are looked at when this one's ends. */
static __cold_path void lr_fill_sgi(struct vgic_vcpu *g, u32 i, u32 intid)
{
	struct vgic_bank *b = &g->bank;
	u32 mask = vgic_mask(intid), *word = &g->sgi_senders[VGIC_SGI_WORD(intid)];
	u32 waiting = (READ_ONCE(*word) >> VGIC_SGI_SHIFT(intid)) & 0xff;
	u64 lr = g->lr_group | ((u64)b->priority[intid] << LR_PRIO_SHIFT) | intid;

	if (b->active & mask) {
		vgic_clear(&b->active, mask);
		lr |= LR_ACTIVE;
	} else if ((vgic_wanted(b) & mask) && waiting) {
		g->sgi_sender[intid] = (u8)__builtin_ctz(waiting);
		vgic_clear(word, VGIC_SGI_BITS(intid, 1U << g->sgi_sender[intid]));
		lr |= LR_PENDING;
	}
	if (sgi_waits(g, intid))
		lr |= LR_EOI;
	if (lr & LR_STATE)
		lr_put(g, b, i, intid, lr | (u64)g->sgi_sender[intid] << LR_SOURCE_SHIFT);
}

/* In the place of the link is an interrupt at the end: lr_ended(). */
static u64 lr_unlink(u64 lr)
{
	return (lr & ~(LR_HW | LR_PHYS_MASK)) | LR_EOI;
}

static u64 lr_check_link(u64 lr)
{
	return !(lr & LR_HW) || ich_may_link(LR_PHYS(lr)) ? lr : lr_unlink(lr);
}

/* Pending and active: only active is said, again at its end, which a link would hide. */
static __cold_path u64 lr_activate(struct vgic_bank *b, u32 mask, u64 lr)
{
	vgic_clear(&b->active, mask);
	return ((vgic_wanted(b) | b->pending) & mask ? lr_unlink(lr) : lr) | LR_ACTIVE;
}

/* List register i has neither state and waited for that to be noticed. */
static __cold_path void lr_ended(struct vgic_vcpu *g, u32 i, u32 intid)
{
	ich_write_lr(i, 0);
	vgic_end_linked(g, intid);
}

/* Puts intid into the empty list register i; nothing when it waits no more. */
static void lr_fill(struct vgic_vcpu *g, u32 i, u32 intid)
{
	struct vgic_bank *b = vgic_bank(g, intid);
	u32 bit = intid % VGIC_BANK_IRQS, mask = vgic_mask(intid);
	u64 lr = g->lr_group | ((u64)b->priority[bit] << LR_PRIO_SHIFT) | intid;
	bool hw = READ_ONCE(b->hw) & mask;

	if (has_senders(g, intid)) {
		lr_fill_sgi(g, i, intid);
		return;
	}
	if (hw)
		lr |= LR_HW | ((u64)vgic_hw_irq(g, intid) << LR_PHYS_SHIFT);
	if (unlikely(b->active & mask))
		lr = lr_activate(b, mask, lr);
	else if (vgic_wanted(b) & mask)
		lr = lr_pend(b, mask, lr);
	if (lr & LR_STATE)
		lr_put(g, b, i, intid, lr_check_link(lr));
}

/*
 * Moves a list register to the overflow to make room for priority prio: a pending one that is less
 * urgent, or if none is pending the least urgent active one. Returns its index or -1.
 */
static int lr_evict(struct vgic_vcpu *g, u32 prio)
{
	int victim = -1;
	bool found_pending = false;
	u64 worst = 0;
	u32 intid;

	for (u32 w = vgic_hw.spare & used_lrs(); w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);
		u64 lr = ich_read_lr(i);
		bool pending = (lr & LR_STATE) == LR_PENDING;

		if (!(lr & LR_STATE) || (found_pending && !pending))
			continue;
		if (victim < 0 || pending != found_pending || LR_PRIO(lr) > LR_PRIO(worst)) {
			victim = (int)i;
			worst = lr;
		}
		found_pending = pending;
	}
	if (victim < 0 || (found_pending && LR_PRIO(worst) <= prio))
		return -1;
	intid = g->lr_irq[victim];
	if (worst & LR_PENDING)
		latch_back(g, intid, worst);
	if (worst & LR_ACTIVE)
		vgic_set(&vgic_bank(g, intid)->active, vgic_mask(intid));
	ich_write_lr((u32)victim, 0);
	overflow_add(g, intid);
	return victim;
}

/* An empty list register for intid, or -1. */
static int lr_slot(struct vgic_vcpu *g, u32 intid, u32 prio)
{
	u32 used = used_lrs();
	u32 empty = vgic_hw.spare & ~used;

	if (intid == VGIC_VTIMER)
		return used & (1U << VTIMER_LR) ? -1 : VTIMER_LR;
	if (empty)
		return __builtin_ctz(empty);
	return prio < PRIO_ACTIVE ? lr_evict(g, prio) : -1;
}

/*
 * One that is active and pending would, when it ends, come before more urgent ones of the overflow:
 * it is evaluated then.
 */
static void split_pending_active(struct vgic_vcpu *g)
{
	for (u32 w = vgic_hw.spare & used_lrs(); w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w), intid;
		u64 lr = ich_read_lr(i);

		if ((lr & LR_STATE) != LR_STATE)
			continue;
		intid = g->lr_irq[i];
		latch_back(g, intid, lr);
		ich_write_lr(i, (lr & ~LR_PENDING) | LR_EOI);
	}
}

/* The timer's list register must not hide that more urgent interrupts wait in the overflow. */
static void park_vtimer(struct vgic_vcpu *g)
{
	u32 intid;

	if (!(used_lrs() & (1U << VTIMER_LR)) ||
	    g->bank.priority[VGIC_VTIMER] <= overflow_best(g, &intid))
		return;
	if ((ich_read_lr(VTIMER_LR) & LR_STATE) != LR_PENDING)
		return;
	vgic_set(&g->bank.pending, VTIMER_MASK);
	ich_write_lr(VTIMER_LR, 0);
	overflow_add(g, VGIC_VTIMER);
}

/* The most urgent active interrupt of the overflow has ended. False: there is none. */
static bool end_evicted(struct vgic_vcpu *g)
{
	u32 best = PRIO_NONE, intid = 0;

	for (u32 w = g->overflow_banks; w; w &= w - 1) {
		u32 n = (u32)__builtin_ctz(w);
		const struct vgic_bank *b = vgic_bank(g, n * VGIC_BANK_IRQS);

		for (u32 a = g->overflow[n] & b->active; a; a &= a - 1) {
			u32 bit = (u32)__builtin_ctz(a);

			if (b->priority[bit] < best) {
				best = b->priority[bit];
				intid = n * VGIC_BANK_IRQS + bit;
			}
		}
	}
	if (best == PRIO_NONE)
		return false;
	vgic_set(&vgic_bank(g, intid)->deact, vgic_mask(intid));
	overflow_del(g, intid);
	vgic_eval(g, intid);
	return true;
}

/* The hardware has counted ends of interrupts that are in no list register. */
static void take_ended(struct vgic_vcpu *g)
{
	u32 count;

	if (likely(!(g->hcr & ICH_HCR_LRENPIE)))
		return;
	count = ICH_HCR_EOICOUNT(ich_read_hcr());
	if (!count)
		return;
	ich_write_hcr(g->hcr);
	while (count-- && end_evicted(g))
		;
}

void vgic_refill(struct vgic_vcpu *g)
{
	take_ended(g);
	while (g->overflow_banks) {
		u32 intid = 0;
		u32 prio = overflow_best(g, &intid);
		int i = lr_slot(g, intid, prio);

		if (i < 0)
			break;
		overflow_del(g, intid);
		lr_fill(g, (u32)i, intid);
	}
	if (unlikely(g->overflow_banks)) {
		split_pending_active(g);
		park_vtimer(g);
	}
	vgic_update_hcr(g);
}

/* Does what was ordered; lr is the list register's content, 0 for none. Returns the new one. */
static __cold_path u64 obey_orders(struct vgic_vcpu *g, struct vgic_bank *b, u32 intid, u64 lr)
{
	u32 mask = vgic_mask(intid);
	bool hw = b->hw & mask, was_active = false;

	if (b->unpend & mask) {
		vgic_clear(&b->unpend, mask);
		if (hw && (b->pending & mask)) {
			vgic_clear(&b->pending, mask);
			was_active = true;
		}
		was_active |= (lr & LR_PENDING) != 0;
		lr &= ~LR_PENDING;
	}
	if (b->deact & mask) {
		vgic_clear(&b->deact, mask);
		if (b->active & mask) {
			vgic_clear(&b->active, mask);
			was_active = true;
		}
		was_active |= (lr & LR_ACTIVE) != 0;
		lr &= ~LR_ACTIVE;
	}
	if (was_active && !(lr & LR_STATE))
		vgic_end_linked(g, intid);
	return lr & LR_STATE ? lr : 0;
}

/* Its vcpu has changed by IROUTER. */
static bool spi_moved(const struct vgic_vcpu *g, u32 intid)
{
	return intid >= VGIC_BANK_IRQS && READ_ONCE(vgic_spi(g->domain, intid)->target) != g->id;
}

/* intid is in list register i, which is valid. True when the register became empty. */
static bool eval_listed(struct vgic_vcpu *g, struct vgic_bank *b, u32 intid, u32 i, u64 lr)
{
	u32 mask = vgic_mask(intid);
	bool moved = spi_moved(g, intid);
	u64 was = lr;

	lr = lr_check_link(lr);
	if (unlikely(b->active & mask)) {
		vgic_clear(&b->active, mask);
		if ((lr & LR_HW) && (lr & LR_PENDING)) {
			latch_back(g, intid, lr);
			lr = lr_unlink(lr & ~LR_PENDING);
		}
		lr |= LR_ACTIVE;
	}
	if ((lr & LR_PENDING) && (!(b->enabled & mask) || (moved && !(lr & LR_ACTIVE)))) {
		latch_back(g, intid, lr);
		lr &= ~LR_PENDING;
		lr = lr & LR_ACTIVE ? lr : 0;
		moved = moved && !lr;
	} else if ((vgic_wanted(b) & mask) && !(lr & LR_HW)) {
		/* Active, and pending elsewhere or after others: looked at again when it ends. */
		if ((lr & LR_ACTIVE) && (moved || g->overflow_banks))
			lr |= LR_EOI;
		else if (has_senders(g, intid))
			lr = sgi_join(g, intid, lr);
		else
			lr = lr_pend(b, mask, lr);
	} else if ((lr & (LR_HW | LR_EOI)) == LR_EOI && !(b->hw & mask)) {
		lr &= ~LR_EOI;
	}
	if (lr != was)
		ich_write_lr(i, lr);
	if (unlikely(!lr && moved))
		vgic_pass_on_spi(g, intid);
	return !lr;
}

/* intid is in no list register. */
static void eval_unlisted(struct vgic_vcpu *g, struct vgic_bank *b, u32 intid)
{
	u32 mask = vgic_mask(intid);
	bool wait = (vgic_wanted(b) | b->active) & mask;
	bool spi = intid >= VGIC_BANK_IRQS;
	u16 nobody = VGIC_NOBODY;
	u32 empty;

	if (spi && !(b->active & mask) && READ_ONCE(vgic_spi(g->domain, intid)->target) != g->id)
		wait = false;
	if (!wait) {
		if (overflow_has(g, intid)) {
			overflow_del(g, intid);
			vgic_update_hcr(g);
		}
		if (spi && vgic_spi(g->domain, intid)->target != g->id)
			vgic_pass_on_spi(g, intid);
		return;
	}
	if (spi && vgic_spi(g->domain, intid)->holder != g->id &&
	    !__atomic_compare_exchange_n(&vgic_spi(g->domain, intid)->holder, &nobody, g->id, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		vgic_post_spi(g->domain, intid, true);
		return;
	}
	if (likely(!g->overflow_banks)) {
		empty = intid == VGIC_VTIMER ? 1U << VTIMER_LR : vgic_hw.spare & ~used_lrs();
		if (likely(empty)) {
			lr_fill(g, (u32)__builtin_ctz(empty), intid);
			return;
		}
	}
	overflow_add(g, intid);
	vgic_refill(g);
}

/* The SPI is this vcpu's to look after; if not, those it concerns are told. */
static bool spi_is_mine(struct vgic_vcpu *g, u32 intid)
{
	const struct vgic_spi *s = vgic_spi(g->domain, intid);
	u16 holder = load_acquire(&s->holder);

	if (holder == g->id || (holder == VGIC_NOBODY && READ_ONCE(s->target) == g->id))
		return true;
	vgic_post_spi(g->domain, intid, true);
	return false;
}

/* It ended, and its maintenance interrupt is still to come; or there are orders. Returns the new lr. */
static __cold_path u64 eval_changed(struct vgic_vcpu *g, struct vgic_bank *b, u32 intid, int i,
				    u64 lr)
{
	u64 now;

	if (i >= 0 && !(lr & LR_STATE)) {
		lr_ended(g, (u32)i, intid);
		lr = 0;
	}
	if (!((b->unpend | b->deact) & vgic_mask(intid)))
		return lr;
	now = obey_orders(g, b, intid, lr);
	if (i >= 0 && now != lr)
		ich_write_lr((u32)i, now);
	return now;
}

void vgic_eval(struct vgic_vcpu *g, u32 intid)
{
	struct vgic_bank *b = vgic_bank(g, intid);
	u32 mask = vgic_mask(intid);
	u64 lr;
	int i;

	if (intid >= VGIC_BANK_IRQS && !spi_is_mine(g, intid))
		return;
	if (intid == VGIC_VTIMER)
		gic_vtimer_set_enabled(b->enabled & mask);
	i = lr_find(g, b, intid, used_lrs());
	lr = i >= 0 ? ich_read_lr((u32)i) : 0;
	if (unlikely(((b->unpend | b->deact) & mask) || (i >= 0 && !(lr & LR_STATE))))
		lr = eval_changed(g, b, intid, i, lr);
	if (!(lr & LR_STATE))
		eval_unlisted(g, b, intid);
	else if (!eval_listed(g, b, intid, (u32)i, lr))
		return;
	if (unlikely(g->overflow_banks))
		vgic_refill(g);
}

/* Nearly always: enabled, nowhere listed, a list register is empty. */
void vgic_pend_private(struct vgic_vcpu *g, u32 intid)
{
	struct vgic_bank *b = &g->bank;
	u32 mask = 1U << intid, used = used_lrs(), i;
	u32 empty = vgic_hw.spare & ~used;

	if (likely((b->enabled & ~(b->pending | b->active | b->unpend) & mask) && empty &&
		   !g->overflow_banks && lr_find(g, b, intid, used) < 0)) {
		i = (u32)__builtin_ctz(empty);
		b->lr[intid] = (u8)i;
		g->lr_irq[i] = (u16)intid;
		ich_write_lr(i, g->lr_pending | ((u64)b->priority[intid] << LR_PRIO_SHIFT) | intid);
		return;
	}
	vgic_set(&b->pending, mask);
	vgic_eval(g, intid);
}

bool vgic_eval_posted(struct vgic_vcpu *g)
{
	u32 banks = atomic_xchg(&g->posted_banks, 0);

	while (banks) {
		u32 n = (u32)__builtin_ctz(banks);

		banks &= banks - 1;
		for (u32 w = atomic_xchg(&g->posted[n], 0); w; w &= w - 1)
			vgic_eval(g, n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w));
		if (banks && cpu_arch_work_pending()) {
			vgic_set(&g->posted_banks, banks);
			return false;
		}
	}
	return true;
}

/* --- maintenance --- */

void vgic_lr_maintenance(struct vgic_vcpu *g)
{
	for (u32 w = ich_read_eisr() & vgic_hw.lrs; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);

		lr_ended(g, i, g->lr_irq[i]);
		vgic_eval(g, g->lr_irq[i]);
	}
	vgic_refill(g);
}

/* --- context switch, readers --- */

/*
 * A timer interrupt that the guest did not acknowledge is forgotten: it comes again as soon as
 * the timer is loaded. One that is active stays so, in the hardware too.
 */
static u32 save_vtimer(struct vgic_vcpu *g, u32 used)
{
	bool listed = used & (1U << VTIMER_LR);
	bool active = listed && (g->lr[VTIMER_LR] & LR_ACTIVE);

	if (overflow_has(g, VGIC_VTIMER))
		overflow_del(g, VGIC_VTIMER);
	if ((listed && !active) || (g->bank.pending & VTIMER_MASK)) {
		vgic_clear(&g->bank.pending, VTIMER_MASK);
		gic_deactivate(VGIC_VTIMER);
	}
	gic_vtimer_note_active(active);
	return active ? used : used & ~(1U << VTIMER_LR);
}

void vgic_lr_save(struct vgic_vcpu *g)
{
	u32 used;

	take_ended(g);
	used = used_lrs();
	for (u32 w = used; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);

		g->lr[i] = ich_read_lr(i);
		ich_write_lr(i, 0);
	}
	g->lr_used = save_vtimer(g, used);
	g->vmcr = ich_read_vmcr();
	ich_save_apr(g->ap0r, g->ap1r, vgic_hw.nr_apr);
	ich_write_hcr(0);
	g->hcr = 0;
	store_release(&g->loaded, false);
}

void vgic_lr_flush(struct vgic_vcpu *g)
{
	for (u32 w = g->lr_used & vgic_hw.spare; w; w &= w - 1) {
		u64 lr = g->lr[__builtin_ctz(w)];
		u32 intid = LR_IRQ(lr);

		if (lr & LR_PENDING)
			latch_back(g, intid, lr);
		if (lr & LR_ACTIVE)
			vgic_set(&vgic_bank(g, intid)->active, vgic_mask(intid));
		if (!(lr & LR_STATE))
			vgic_end_linked(g, intid);
		g->overflow[intid / VGIC_BANK_IRQS] |= vgic_mask(intid);
		g->overflow_banks |= 1U << (intid / VGIC_BANK_IRQS);
	}
	for (; g->overflow_banks; g->overflow_banks &= g->overflow_banks - 1) {
		u32 n = (u32)__builtin_ctz(g->overflow_banks);

		for (u32 w = n ? g->overflow[n] : 0; w; w &= w - 1) {
			u32 intid = n * VGIC_BANK_IRQS + (u32)__builtin_ctz(w);

			store_release(&vgic_spi(g->domain, intid)->holder, VGIC_NOBODY);
		}
		vgic_post(g, n, g->overflow[n], false);
		g->overflow[n] = 0;
	}
	g->lr_used = 0;
	g->vmcr = 0;
	for (u32 i = 0; i < 4; i++) {
		g->ap0r[i] = 0;
		g->ap1r[i] = 0;
	}
}

void vgic_lr_load(struct vgic_vcpu *g)
{
	WRITE_ONCE(g->loaded, true);
	smp_mb();
	ich_set_sre(g->sre);
	ich_write_vmcr(g->vmcr);
	ich_load_apr(g->ap0r, g->ap1r, vgic_hw.nr_apr);
	for (u32 w = g->lr_used; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);

		ich_write_lr(i, lr_check_link(g->lr[i]));
	}
	gic_vtimer_set_active(g->lr_used & (1U << VTIMER_LR));
	gic_vtimer_set_enabled(g->bank.enabled & VTIMER_MASK);
	vgic_update_hcr(g);
}

void vgic_publish_lrs(struct vgic_vcpu *g)
{
	u32 want = load_acquire(&g->view_want), used;

	take_ended(g);
	used = used_lrs();
	for (u32 w = used; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);

		WRITE_ONCE(g->lr[i], ich_read_lr(i));
	}
	WRITE_ONCE(g->lr_used, used);
	store_release(&g->view_done, want);
}

u32 vgic_view_lrs(struct vgic_vcpu *g, u32 n, u64 state, bool mine)
{
	u32 found = 0;

	if (mine)
		take_ended(g);
	for (u32 w = mine ? used_lrs() : READ_ONCE(g->lr_used); w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);
		u64 lr = mine ? ich_read_lr(i) : READ_ONCE(g->lr[i]);

		if (LR_IRQ(lr) / VGIC_BANK_IRQS == n && (lr & state))
			found |= vgic_mask(LR_IRQ(lr));
	}
	return found;
}

bool vgic_lr_deliverable(struct vgic_vcpu *g, bool mine)
{
	u32 used = mine ? used_lrs() : g->lr_used, intid;
	u64 vmcr;

	if (likely(!used && !g->overflow_banks))
		return false;
	vmcr = mine ? ich_read_vmcr() : g->vmcr;
	if (!(vmcr & g->vmcr_enable))
		return false;
	for (u32 w = used; w; w &= w - 1) {
		u32 i = (u32)__builtin_ctz(w);
		u64 lr = mine ? ich_read_lr(i) : g->lr[i];

		/* Neither pending nor active: its maintenance interrupt must come first. */
		if (!(lr & LR_STATE))
			return true;
		if ((lr & LR_STATE) == LR_PENDING && LR_PRIO(lr) < ICH_VMCR_PMR(vmcr))
			return true;
	}
	return overflow_best(g, &intid) < ICH_VMCR_PMR(vmcr);
}

u32 vgic_view_sgi(struct vgic_vcpu *g, u32 n)
{
	u32 found = READ_ONCE(g->sgi_senders[n]);

	for (u32 w = used_lrs(); w; w &= w - 1) {
		u64 lr = ich_read_lr((u32)__builtin_ctz(w));

		if (VGIC_SGI_WORD(LR_IRQ(lr)) == n && (lr & LR_PENDING))
			found |= VGIC_SGI_BITS(LR_IRQ(lr), 1U << LR_SOURCE(lr));
	}
	return found;
}

void vgic_unpend_sgi(struct vgic_vcpu *g, u32 n, u32 senders)
{
	vgic_clear(&g->sgi_senders[n], senders);
	for (u32 k = 0; k < VGIC_SGIS_PER_WORD; k++) {
		u32 intid = n * VGIC_SGIS_PER_WORD + k;
		int i = lr_find(g, &g->bank, intid, used_lrs());
		u64 lr = i >= 0 ? ich_read_lr((u32)i) : 0;

		if (!(senders & VGIC_SGI_BITS(intid, 0xffU)))
			continue;
		if ((lr & LR_PENDING) && (senders & VGIC_SGI_BITS(intid, 1U << LR_SOURCE(lr)))) {
			lr &= ~LR_PENDING;
			ich_write_lr((u32)i, lr & LR_STATE ? lr : 0);
		}
		sgi_waits(g, intid);
		vgic_eval(g, intid);
	}
}
