/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/virt/vgic.c hyp/arch/arm64/virt/vgic_lr.c
 *	hyp/arch/arm64/virt/vgic_regs.c hyp/arch/arm64/virt/vgic_frames.c */
/*
 * The virtual GIC against a model: random inputs, register writes, context switches and
 * acknowledgements by a few vcpus on fewer CPUs with four list registers each. After every step no
 * interrupt may be in two places; one is acknowledged only if the model has it pending, and no
 * more urgent one waits; in the end nothing pending may be left.
 */
#include <arch/gic.h>
#include <arch/ich.h>
#include <arch/vgic_lr.h>
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/irq.h>
#include <serai/mmio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#define NCPU	4
#define NVCPU	6
#define NINTID	128
#define SPARE_STEPS 60
#define ROUNDS	100
#define STEPS	15000
#define DIST	0x08000000UL
#define RDIST	0x080a0000UL
#define IDLE_PRIO 0x100

struct model_irq {
	bool pending, line, level, active, enabled, hw;
	u8 prio;
	u32 target;
};

struct test_vcpu {
	struct vcpu v;
	int cpu; /* -1: not running */
	u32 nr_acked;
	u32 acked[64];
	u32 acked_prio[64];
	bool vt_line;
};

static struct {
	struct fake_ich ich[NCPU];
	struct {
		bool active, enabled;
	} ppi[NCPU];
	struct {
		bool pending, active, enabled;
	} spi[NINTID];
	struct test_vcpu vcpu[NVCPU];
	struct domain dom;
	struct vcpu *vcpus[NVCPU];
	struct model_irq priv[NVCPU][32], irq[NINTID];
	bool enabled;
	u32 guest_weight; /* how often the guest acknowledges and ends, against all other steps */
	u64 random, acks, overflows, evictions, repeats, flushes;
} t;

struct fake_ich *fake_ich;

static u32 rnd(u32 n)
{
	t.random ^= t.random << 13;
	t.random ^= t.random >> 7;
	t.random ^= t.random << 17;
	return (u32)(t.random >> 20) % n;
}

/* ------------------------------------------------------------------ what the files ask for -- */

void vcpu_request(struct vcpu *v, u32 bits)
{
	v->requests |= bits;
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	u->holds &= ~bits;
	return true;
}

void irq_arch_enable(u32 irq)
{
	assert_true(irq >= 32 && irq < NINTID);
	t.spi[irq].enabled = true;
}

void irq_arch_disable(u32 irq)
{
	assert_true(irq >= 32 && irq < NINTID);
	t.spi[irq].enabled = false;
}

void irq_arch_set_type(u32 irq, enum irq_type type)
{
}

void irq_arch_set_target(u32 irq, unsigned int cpu)
{
}

u32 irq_arch_lines(void)
{
	return NINTID;
}

void gic_deactivate(u32 irq)
{
	if (irq == VGIC_VTIMER) {
		assert_true(t.ppi[cpu_id()].active);
		t.ppi[cpu_id()].active = false;
		return;
	}
	assert_true(t.spi[irq].active);
	t.spi[irq].active = false;
}

void gic_set_pending(u32 irq, bool pending)
{
	if (irq != VGIC_VTIMER)
		t.spi[irq].pending = pending;
}

bool gic_is_pending(u32 irq)
{
	return t.spi[irq].pending;
}

void gic_reset_irq(u32 irq)
{
	t.spi[irq].pending = t.spi[irq].active = t.spi[irq].enabled = false;
}

void gic_vtimer_set_active(bool active)
{
	t.ppi[cpu_id()].active = active;
}

void gic_vtimer_note_active(bool active)
{
	assert_int_equal(t.ppi[cpu_id()].active, active);
}

void gic_vtimer_set_enabled(bool enabled)
{
	t.ppi[cpu_id()].enabled = enabled;
}

paddr_t gic_dist_base(void)
{
	return DIST;
}

paddr_t gic_rdist_base(void)
{
	return RDIST;
}

u64 gic_rdist_size(void)
{
	return 0xf60000;
}

u32 gic_id_bits(void)
{
	return 15;
}

void *mem_alloc(size_t size)
{
	return calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}

/* Two regions: GICD and GICR. dev/mmio.c cannot be linked, its struct domain is arch/host's. */
static struct mmio_region frames[2];

int mmio_add(struct domain *d, const struct mmio_region *region)
{
	frames[region->base != DIST] = *region;
	return 0;
}

void mmio_destroy(struct domain *d)
{
	memset(frames, 0, sizeof(frames));
}

/* ------------------------------------------------------------------------- the machine's steps -- */

static void on_cpu(u32 cpu)
{
	host_set_cpu(cpu);
	fake_ich = &t.ich[cpu];
}

static struct test_vcpu *running_on(u32 cpu)
{
	for (u32 i = 0; i < NVCPU; i++)
		if (t.vcpu[i].cpu == (int)cpu)
			return &t.vcpu[i];
	return NULL;
}

static void exit_path(struct test_vcpu *w)
{
	on_cpu((u32)w->cpu);
	while (w->v.requests) {
		w->v.requests = 0;
		/* Stops half-way when other work waits, and asks to be called again. */
		host.preempt_always = rnd(2);
		vgic_sync_posted(&w->v);
		this_cpu()->remote = 0;
	}
}

/* Interrupts of the machine that would be taken now, maintenance last. */
static bool take_irqs(struct test_vcpu *w)
{
	struct vgic_vcpu *g = &w->v.arch.vgic;
	u32 cpu = (u32)w->cpu, storm = 0;
	bool any = false;

	on_cpu(cpu);
	if (w->vt_line && t.ppi[cpu].enabled && !t.ppi[cpu].active) {
		t.ppi[cpu].active = true;
		assert_true(ich_read_elrsr() & 1);
		ich_write_lr(0, g->timer_lr);
		if (g->overflow_banks)
			vgic_timer_overflow(&w->v);
		any = true;
	}
	while ((fake_ich->hcr & ICH_HCR_EN) && ich_read_misr()) {
		vgic_maintenance(&w->v);
		assert_true(++storm < 10);
		any = true;
	}
	return any;
}

static void fire_spis(void)
{
	for (u32 i = 32; i < NINTID; i++)
		if (t.spi[i].pending && t.spi[i].enabled && !t.spi[i].active) {
			t.spi[i].pending = false;
			t.spi[i].active = true;
			on_cpu(rnd(NCPU));
			domain_arch_inject_hw_spi(&t.dom, i, i);
		}
}

/* Everything that running CPUs would do before they run guest code. */
static void settle(void)
{
	bool again = true;

	for (u32 n = 0; again; n++) {
		assert_true(n < 100);
		again = false;
		fire_spis();
		for (u32 i = 0; i < NVCPU; i++)
			if (t.vcpu[i].cpu >= 0) {
				again |= t.vcpu[i].v.requests != 0;
				exit_path(&t.vcpu[i]);
				again |= take_irqs(&t.vcpu[i]);
			}
	}
}

static void switch_out(struct test_vcpu *w, bool power_off)
{
	on_cpu((u32)w->cpu);
	if (power_off)
		w->v.unit.holds |= HOLD_DOWN;
	vgic_switch_out(&w->v);
	host_set_current(NULL);
	w->cpu = -1;
	w->v.unit.running = false;
	for (u32 i = 0; i < FAKE_LRS; i++)
		assert_false(fake_ich->lr[i] & LR_STATE);
	assert_int_equal(fake_ich->hcr, 0);
}

static void switch_in(struct test_vcpu *w, u32 cpu)
{
	on_cpu(cpu);
	w->cpu = (int)cpu;
	w->v.unit.cpu = cpu;
	w->v.unit.holds = 0;
	host_set_current(&w->v);
	vgic_switch_in(&w->v);
	fake_ich->vmcr = 0xf0000002 | 0x0f000000;
}

/* -------------------------------------------------------------------------------- the model -- */

static struct model_irq *model(u32 vcpu, u32 intid)
{
	return intid < 32 ? &t.priv[vcpu][intid] : &t.irq[intid];
}

static bool is_pending(const struct model_irq *m)
{
	return m->pending || (m->level && m->line);
}

/* The interrupt could be taken by vcpu i, which settled. */
static bool deliverable(u32 i, u32 intid)
{
	const struct model_irq *m = model(i, intid);
	u16 holder = intid < 32 ? (u16)i : t.dom.arch.vgic.spis[intid - 32].holder;

	if (!m->enabled || m->active || !t.enabled)
		return false;
	if (intid == VGIC_VTIMER)
		return t.vcpu[i].vt_line && t.vcpu[i].cpu >= 0;
	return is_pending(m) && (holder == i || (holder == VGIC_NOBODY && m->target == i));
}

static void count_place(u32 *places, u32 vcpu, u64 lr)
{
	u32 intid = LR_IRQ(lr);

	if (!(lr & LR_STATE))
		return;
	assert_true(intid < NINTID);
	/* Pending and active is not allowed for hardware-linked ones. */
	assert_false((lr & LR_HW) && (lr & LR_STATE) == LR_STATE);
	places[intid < 32 ? vcpu * 32 + intid : NVCPU * 32 + intid]++;
}

static void check_places(void)
{
	u32 places[NVCPU * 32 + NINTID] = { 0 };

	for (u32 i = 0; i < NVCPU; i++) {
		const struct test_vcpu *w = &t.vcpu[i];
		const struct vgic_vcpu *g = &w->v.arch.vgic;

		assert_int_equal(g->loaded, w->cpu >= 0);
		for (u32 n = 0; n < FAKE_LRS; n++) {
			if (w->cpu >= 0)
				count_place(places, i, t.ich[w->cpu].lr[n]);
			else if (g->lr_used & (1U << n))
				count_place(places, i, g->lr[n]);
		}
		for (u32 b = 0; b < NINTID / 32; b++) {
			assert_int_equal(g->overflow[b] != 0, (g->overflow_banks >> b) & 1);
			for (u32 bits = g->overflow[b]; bits; bits &= bits - 1) {
				u32 intid = b * 32 + (u32)__builtin_ctz(bits);

				places[intid < 32 ? i * 32 + intid : NVCPU * 32 + intid]++;
			}
		}
		t.overflows += g->overflow_banks != 0;
		t.evictions += (g->hcr & ICH_HCR_LRENPIE) != 0;
	}
	for (u32 i = 0; i < NVCPU * 32 + NINTID; i++)
		if (places[i] > 1)
			fail_msg("place %u is used %u times", i, places[i]);
}

/* ---------------------------------------------------------------------------------- the guest -- */

static void device_level(u32 vcpu, u32 intid, bool level)
{
	on_cpu(rnd(NCPU));
	model(vcpu, intid)->line = level;
	if (intid < 32)
		vgic_set_level(&t.vcpu[vcpu].v, intid, level);
	else
		vgic_set_spi_level(&t.dom, intid, level);
}

static u32 running_prio(const struct test_vcpu *w)
{
	return w->nr_acked ? w->acked_prio[w->nr_acked - 1] : IDLE_PRIO;
}

/* The guest reads ICC_IAR1_EL1. */
static bool guest_ack(struct test_vcpu *w, bool calm)
{
	u32 best = FAKE_LRS, id = w->v.id, intid, prio;
	struct model_irq *m;

	settle();
	on_cpu((u32)w->cpu);
	if (!(fake_ich->hcr & ICH_HCR_EN))
		return false;
	for (u32 i = 0; i < FAKE_LRS; i++)
		if ((fake_ich->lr[i] & LR_STATE) == LR_PENDING &&
		    (best == FAKE_LRS || LR_PRIO(fake_ich->lr[i]) < LR_PRIO(fake_ich->lr[best])))
			best = i;
	if (best == FAKE_LRS || LR_PRIO(fake_ich->lr[best]) >= running_prio(w))
		return false;
	intid = LR_IRQ(fake_ich->lr[best]);
	prio = (u32)LR_PRIO(fake_ich->lr[best]);
	m = model(id, intid);
	if (!deliverable(id, intid))
		fail_msg("vcpu %u acknowledges %u, which is not deliverable: pending %d line %d active %d "
			 "enabled %d target %u", id, intid, m->pending, m->line, m->active, m->enabled,
			 m->target);
	for (u32 i = 0; i < NINTID; i++)
		if (deliverable(id, i) && model(id, i)->prio < prio)
			fail_msg("vcpu %u acknowledges %u of %#x, but %u of %#x waits", id, intid, prio,
				 i, model(id, i)->prio);
	fake_ich->lr[best] ^= LR_STATE;
	m->pending = false;
	m->active = true;
	assert_true(w->nr_acked < 64);
	w->acked[w->nr_acked] = intid;
	w->acked_prio[w->nr_acked++] = prio;
	t.acks++;
	if (intid == VGIC_VTIMER && (calm || rnd(4)))
		w->vt_line = false;
	if (m->line && (calm || rnd(2)))
		device_level(id, intid, false);
	return true;
}

/* The guest writes ICC_EOIR1_EL1 with EOImode 0. */
static bool guest_eoi(struct test_vcpu *w)
{
	u32 intid, i;

	settle();
	on_cpu((u32)w->cpu);
	if (!w->nr_acked)
		return false;
	intid = w->acked[--w->nr_acked];
	model(w->v.id, intid)->active = false;
	for (i = 0; i < FAKE_LRS; i++)
		if (LR_IRQ(fake_ich->lr[i]) == intid && (fake_ich->lr[i] & LR_ACTIVE))
			break;
	if (i == FAKE_LRS) {
		fake_ich->hcr += 1U << 27;
		return true;
	}
	fake_ich->lr[i] &= ~LR_ACTIVE;
	if (fake_ich->lr[i] & LR_HW) {
		if (intid == VGIC_VTIMER) {
			assert_true(t.ppi[w->cpu].active);
			t.ppi[w->cpu].active = false;
		} else {
			assert_true(t.spi[intid].active);
			t.spi[intid].active = false;
		}
	}
	return true;
}

static bool access(struct test_vcpu *w, u64 gpa, u32 size, bool write, u64 *val)
{
	const struct mmio_region *r = &frames[gpa - DIST >= GIC_FRAME_SIZE];

	on_cpu((u32)w->cpu);
	assert_true(gpa - r->base < r->size);
	return (write ? r->write : r->read)(&w->v, r->arg, gpa - r->base, size, val);
}

static void write_reg(struct test_vcpu *w, u64 gpa, u32 size, u64 val)
{
	assert_true(access(w, gpa, size, true, &val));
}

/* Address of a register with one bit for each interrupt; vcpu's redistributor for private ones. */
static u64 bit_reg(u32 vcpu, u32 intid, u64 reg)
{
	if (intid < 32)
		return RDIST + vcpu * GICR_STRIDE + GICR_SGI_FRAME + reg;
	return DIST + reg + intid / 32 * 4;
}

static u64 read_repeating(struct test_vcpu *w, u64 gpa)
{
	u64 val = 0;

	for (u32 n = 0; !access(w, gpa, 4, false, &val); n++) {
		assert_true(vgic_take_again(&w->v));
		assert_true(n < 10);
		t.repeats++;
		settle();
	}
	return val;
}

/* ------------------------------------------------------------------------------ random steps -- */

static struct test_vcpu *any_running(void)
{
	for (u32 n = 0; n < SPARE_STEPS; n++) {
		struct test_vcpu *w = &t.vcpu[rnd(NVCPU)];

		if (w->cpu >= 0)
			return w;
	}
	return NULL;
}

/* An interrupt and the vcpu whose it is, if private. */
static u32 any_intid(u32 *vcpu)
{
	*vcpu = rnd(NVCPU);
	return rnd(3) ? 32 + rnd(NINTID - 32) : rnd(32);
}

/* SGIs to a CPU that is off are lost. */
static bool is_off(u32 vcpu)
{
	return t.vcpu[vcpu].v.unit.holds & HOLD_DOWN;
}

static void step_raise(void)
{
	u32 vcpu, intid = any_intid(&vcpu);
	struct model_irq *m = model(vcpu, intid);

	on_cpu(rnd(NCPU));
	if (intid == VGIC_VTIMER) {
		t.vcpu[vcpu].vt_line = true;
	} else if (m->hw) {
		/* Physically pending again while the last one is not acknowledged: not modelled. */
		if (m->pending)
			return;
		m->pending = true;
		t.spi[intid].pending = true;
	} else if (m->level) {
		device_level(vcpu, intid, rnd(3) != 0);
	} else {
		bool sgi = intid < 16 && this_cpu()->current && rnd(2);

		if (!sgi || !is_off(vcpu))
			m->pending = true;
		if (sgi)
			vgic_sgi1r_write(this_cpu()->current, ((u64)intid << 24) | (1UL << vcpu));
		else if (intid < 32)
			vgic_inject_ppi(&t.vcpu[vcpu].v, intid);
		else
			vgic_inject_spi(&t.dom, intid);
	}
}

static void step_sgi_others(void)
{
	struct test_vcpu *w = any_running();
	u32 intid = rnd(16);

	if (!w)
		return;
	on_cpu((u32)w->cpu);
	vgic_sgi1r_write(&w->v, (1UL << 40) | ((u64)intid << 24));
	for (u32 i = 0; i < NVCPU; i++)
		if (i != w->v.id && !is_off(i))
			t.priv[i][intid].pending = true;
}

static void step_enable(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid = any_intid(&vcpu);
	bool on = rnd(4) != 0;

	if (!w)
		return;
	model(vcpu, intid)->enabled = on;
	write_reg(w, bit_reg(vcpu, intid, on ? GICD_ISENABLER : GICD_ICENABLER), 4,
		  1U << (intid % 32));
}

static void step_pend(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid = any_intid(&vcpu);
	struct model_irq *m = model(vcpu, intid);
	bool on = rnd(2);

	if (!w || m->level || (m->hw && on && m->pending))
		return;
	m->pending = on;
	write_reg(w, bit_reg(vcpu, intid, on ? GICD_ISPENDR : GICD_ICPENDR), 4, 1U << (intid % 32));
}

static void step_priority(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid = any_intid(&vcpu);
	struct model_irq *m = model(vcpu, intid);

	/* Which priority one that waits has is not defined. */
	if (!w || is_pending(m) || m->active || intid == VGIC_VTIMER)
		return;
	m->prio = (u8)(rnd(31) * 8);
	write_reg(w, bit_reg(vcpu, 0, GICD_IPRIORITYR) * (intid < 32) +
			     (DIST + GICD_IPRIORITYR) * (intid >= 32) + intid,
		  1, m->prio);
}

static void step_route(void)
{
	struct test_vcpu *w = any_running();
	u32 intid = 32 + rnd(NINTID - 32);

	if (!w)
		return;
	t.irq[intid].target = rnd(NVCPU);
	write_reg(w, DIST + GICD_IROUTER + intid * 8, 8, t.irq[intid].target);
}

static void step_switch(void)
{
	u32 cpu = rnd(NCPU);
	struct test_vcpu *old = running_on(cpu), *next = &t.vcpu[rnd(NVCPU)];

	if (old) {
		bool power_off = !old->nr_acked && rnd(8) == 0;

		t.flushes += power_off;
		switch_out(old, power_off);
	}
	if (next->cpu < 0)
		switch_in(next, cpu);
}

static void step_distributor(void)
{
	struct test_vcpu *w = any_running();

	if (!w || (t.enabled && rnd(20)))
		return;
	t.enabled = !t.enabled;
	write_reg(w, DIST + GICD_CTLR, 4, t.enabled ? 0x12 : 0x10);
}

static void step_read(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, first = any_intid(&vcpu) / 32 * 32;
	bool active = rnd(2);
	u32 got, want = 0, unknown = first ? 0 : 1U << VGIC_VTIMER;

	if (!w)
		return;
	settle();
	got = (u32)read_repeating(w, bit_reg(vcpu, first, active ? GICD_ISACTIVER : GICD_ISPENDR));
	for (u32 i = 0; i < 32; i++) {
		const struct model_irq *m = model(vcpu, first + i);

		if (active ? m->active : is_pending(m))
			want |= 1U << i;
	}
	assert_int_equal(got & ~unknown, want & ~unknown);
}

static void step_pending_query(void)
{
	u32 id = rnd(NVCPU);
	struct test_vcpu *w = &t.vcpu[id];
	bool want = false;

	settle();
	for (u32 i = 0; i < NINTID; i++)
		want |= deliverable(id, i);
	if (w->cpu >= 0)
		on_cpu((u32)w->cpu);
	else if (want && w->v.arch.vgic.vmcr == 0 && !w->v.requests)
		return; /* powered off */
	if (want)
		assert_true(vgic_irq_pending(&w->v) || w->v.requests);
	else if (w->cpu >= 0)
		assert_false(vgic_irq_pending(&w->v));
}

static void step(void)
{
	static void (*const steps[])(void) = {
		step_raise, step_raise, step_raise, step_raise, step_raise, step_raise,
		step_sgi_others, step_enable, step_enable, step_pend, step_priority, step_route,
		step_switch, step_distributor, step_read, step_pending_query,
	};
	u32 n = rnd(ARRAY_SIZE(steps) + t.guest_weight);
	struct test_vcpu *w;

	if (n < ARRAY_SIZE(steps)) {
		steps[n]();
	} else {
		w = any_running();
		if (w && n % 2)
			guest_ack(w, false);
		else if (w)
			guest_eoi(w);
	}
	settle();
	check_places();
}

/* ------------------------------------------------------------------------------ begin and end -- */

static void start(u64 seed)
{
	struct domain_config cfg = { .nr_vcpus = NVCPU };

	memset(&t, 0, sizeof(t));
	t.random = seed * 0x9e3779b97f4a7c15UL + 1;
	t.guest_weight = seed % 3 ? 20 : 120;
	memset(&vgic_hw, 0, sizeof(vgic_hw));
	host_init(NCPU);
	on_cpu(0);
	vgic_cpu_init(ich_read_vtr());
	t.dom.vcpus = t.vcpus;
	t.dom.nr_vcpus = NVCPU;
	t.dom.flags = DOMAIN_HARDWARE;
	assert_int_equal(vgic_domain_create(&t.dom, &cfg), 0);
	for (u32 i = 0; i < NVCPU; i++) {
		t.vcpus[i] = &t.vcpu[i].v;
		t.vcpu[i].v.id = i;
		t.vcpu[i].v.domain = &t.dom;
		t.vcpu[i].cpu = -1;
		assert_int_equal(vgic_vcpu_create(&t.vcpu[i].v), 0);
		for (u32 n = 0; n < 32; n++) {
			t.priv[i][n].target = i;
			t.priv[i][n].enabled = n < 16;
			t.priv[i][n].level = n >= 16;
		}
		t.priv[i][VGIC_VTIMER].hw = true;
	}
	for (u32 n = 32; n < NINTID; n++)
		t.irq[n].level = true;
}

static void finish(void)
{
	for (u32 i = 0; i < NVCPU; i++)
		if (t.vcpu[i].cpu >= 0)
			switch_out(&t.vcpu[i], false);
	for (u32 i = 0; i < NVCPU; i++)
		vgic_vcpu_destroy(&t.vcpu[i].v);
	vgic_domain_destroy(&t.dom);
}

/* Some edges, some levels, some linked to physical interrupts, a few priorities, all enabled. */
static void configure(struct test_vcpu *w)
{
	t.enabled = true;
	write_reg(w, DIST + GICD_CTLR, 4, 0x12);
	for (u32 i = 0; i < NVCPU; i++) {
		/* PPIs 20 to 23 are edges. */
		write_reg(w, bit_reg(i, 0, GICD_ICFGR) + 4, 4, 0xaa << 8);
		for (u32 n = 20; n < 24; n++)
			t.priv[i][n].level = false;
		for (u32 n = 0; n < 32; n++) {
			t.priv[i][n].enabled = true;
			t.priv[i][n].prio = (u8)(rnd(31) * 8);
			write_reg(w, bit_reg(i, 0, GICD_IPRIORITYR) + n, 1, t.priv[i][n].prio);
		}
		write_reg(w, bit_reg(i, 0, GICD_ISENABLER), 4, ~0U);
	}
	for (u32 n = 32; n < NINTID; n++) {
		t.irq[n].prio = (u8)(rnd(31) * 8);
		t.irq[n].enabled = true;
		write_reg(w, DIST + GICD_IPRIORITYR + n, 1, t.irq[n].prio);
	}
	for (u32 n = 64; n < NINTID; n++)
		t.irq[n].level = false;
	for (u32 n = 64; n < NINTID; n += 16)
		write_reg(w, DIST + GICD_ICFGR + n / 4, 4, 0xaaaaaaaa);
	for (u32 n = 96; n < 112; n++) {
		t.irq[n].hw = true;
		assert_int_equal(domain_arch_assign_spi(&t.dom, n, n), 0);
	}
	for (u32 n = 32; n < NINTID; n += 32)
		write_reg(w, DIST + GICD_ISENABLER + n / 8, 4, ~0U);
}

static bool drain_vcpu(struct test_vcpu *w)
{
	bool any = false, more = true;

	if (w->cpu < 0)
		switch_in(w, 0);
	while (more) {
		more = guest_ack(w, true);
		if (!more)
			more = guest_eoi(w);
		any |= more;
		settle();
		check_places();
	}
	switch_out(w, false);
	settle();
	return any;
}

static void drain(void)
{
	bool more = true;

	for (u32 i = 0; i < NVCPU; i++)
		if (t.vcpu[i].cpu >= 0)
			switch_out(&t.vcpu[i], false);
	while (more) {
		more = false;
		for (u32 i = 0; i < NVCPU; i++)
			more |= drain_vcpu(&t.vcpu[i]);
	}
	for (u32 i = 0; i < NVCPU; i++)
		for (u32 n = 0; n < NINTID; n++) {
			const struct model_irq *m = model(i, n);

			if (m->active || (m->enabled && is_pending(m)))
				fail_msg("left behind: vcpu %u interrupt %u, pending %d line %d active %d",
					 i, n, m->pending, m->line, m->active);
		}
}

static void test_random(void **state)
{
	u64 acks = 0, overflows = 0, evictions = 0, repeats = 0, flushes = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		start(round + 1);
		switch_in(&t.vcpu[0], 0);
		configure(&t.vcpu[0]);
		for (u32 i = 0; i < STEPS; i++)
			step();
		if (!t.enabled) {
			if (!any_running())
				switch_in(&t.vcpu[0], 0);
			t.enabled = true;
			write_reg(any_running(), DIST + GICD_CTLR, 4, 0x12);
		}
		drain();
		acks += t.acks;
		overflows += t.overflows;
		evictions += t.evictions;
		repeats += t.repeats;
		flushes += t.flushes;
		finish();
	}
	print_message("# %lu acknowledged, %lu steps with overflow, %lu with evicted active ones, %lu "
		      "repeated reads, %lu power-offs\n", acks, overflows, evictions, repeats, flushes);
	assert_true(acks > 10000 && overflows > 10000 && evictions > 100 && repeats > 10);
}

/* --------------------------------------------------------------------------- single subjects -- */

static struct test_vcpu *begin(void)
{
	start(1);
	t.guest_weight = 0;
	switch_in(&t.vcpu[0], 0);
	t.enabled = true;
	write_reg(&t.vcpu[0], DIST + GICD_CTLR, 4, 0x12);
	return &t.vcpu[0];
}

static u64 read_reg(struct test_vcpu *w, u64 gpa, u32 size)
{
	u64 val = 0xdead;

	if (!access(w, gpa, size, false, &val))
		fail_msg("read of %u bytes at %#lx refused", size, gpa);
	return val;
}

/* What Xen 4.17 answers, and what the architecture says where Xen aborts. */
static void test_identification(void **state)
{
	struct test_vcpu *w = begin();
	u64 gicr = RDIST, last = RDIST + (NVCPU - 1) * GICR_STRIDE;

	assert_int_equal(read_reg(w, DIST + GICD_TYPER, 4),
			 (NINTID / 32 - 1) | ((NVCPU - 1) << 5) | (15 << 19));
	assert_int_equal(read_reg(w, DIST + GICD_IIDR, 4), 0x34c);
	assert_int_equal(read_reg(w, DIST + GIC_PIDR2, 4), 0x30);
	assert_int_equal(read_reg(w, DIST + 0xc000, 4), 0);
	assert_int_equal(read_reg(w, DIST + GICD_CTLR, 4), 0x12);
	write_reg(w, DIST + GICD_CTLR, 4, 0);
	assert_int_equal(read_reg(w, DIST + GICD_CTLR, 4), 0x10);
	write_reg(w, DIST + GICD_CTLR, 4, ~0U);
	assert_int_equal(read_reg(w, DIST + GICD_CTLR, 4), 0x12);
	assert_int_equal(read_reg(w, gicr + GICR_IIDR, 4), 0x34c);
	assert_int_equal(read_reg(w, gicr + GIC_PIDR2, 4), 0x30);
	assert_int_equal(read_reg(w, gicr + GICR_WAKER, 4), 0);
	assert_int_equal(read_reg(w, gicr + GICR_SYNCR, 4), 1);
	assert_int_equal(read_reg(w, gicr + GICR_SETLPIR, 4), 0xdeadbeaf);
	assert_int_equal(read_reg(w, gicr + GICR_TYPER, 8), 0);
	assert_int_equal(read_reg(w, last + GICR_TYPER, 8),
			 ((NVCPU - 1UL) << 32) | ((NVCPU - 1) << 8) | GICR_TYPER_LAST);
	assert_int_equal(read_reg(w, last + GICR_TYPER + 4, 4), NVCPU - 1);
	assert_int_equal(read_reg(w, last + GICR_TYPER, 4), ((NVCPU - 1) << 8) | 0x10);
	finish();
}

static void test_access_sizes(void **state)
{
	static const struct {
		u64 gpa;
		u32 sizes; /* allowed ones, ored */
	} cases[] = {
		{ DIST + GICD_CTLR, 4 },
		{ DIST + GICD_TYPER, 4 },
		{ DIST + GICD_ISENABLER + 4, 4 },
		{ DIST + GICD_IPRIORITYR + 32, 1 | 4 },
		{ DIST + GICD_ICFGR + 8, 4 },
		{ DIST + GICD_IROUTER + 32 * 8, 4 | 8 },
		{ DIST + GIC_PIDR2, 4 },
		{ RDIST + GICR_TYPER, 4 | 8 },
		{ RDIST + GICR_PROPBASER, 4 | 8 },
		{ RDIST + GICR_WAKER, 4 },
		{ RDIST + GICR_SGI_FRAME + GICD_ISENABLER, 4 },
		{ RDIST + GICR_SGI_FRAME + GICD_IPRIORITYR, 1 | 4 },
		{ RDIST + GICR_SGI_FRAME + GICD_IROUTER, 4 },
	};
	struct test_vcpu *w = begin();

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		for (u32 size = 1; size <= 8; size *= 2) {
			u64 val = 0;

			assert_int_equal(access(w, cases[i].gpa, size, false, &val),
					 (cases[i].sizes & size) != 0);
			val = 0;
			assert_int_equal(access(w, cases[i].gpa, size, true, &val),
					 (cases[i].sizes & size) != 0);
		}
	finish();
}

/* No register makes the emulation fail, whatever is written. */
static void test_all_offsets(void **state)
{
	struct test_vcpu *w = begin();

	for (u32 round = 0; round < 3; round++)
		for (u64 off = 0; off < GIC_FRAME_SIZE; off += 4) {
			u64 val = round ? ~0UL : 0, ignored;

			access(w, DIST + off, 4, true, &val);
			access(w, DIST + off, 4, false, &ignored);
			for (u32 n = 0; n < NVCPU * 2; n++) {
				u64 gpa = RDIST + n * GIC_FRAME_SIZE + off;

				access(w, gpa, 4, true, &val);
				vgic_take_again(&w->v);
				access(w, gpa, 4, false, &ignored);
			}
			vgic_take_again(&w->v);
		}
	finish();
}

static void test_fields(void **state)
{
	struct test_vcpu *w = begin();
	u64 gicr = RDIST + GICR_SGI_FRAME;

	assert_int_equal(read_reg(w, gicr + GICD_ISENABLER, 4), 0xffff);
	write_reg(w, gicr + GICD_ICENABLER, 4, 1 << 5);
	assert_int_equal(read_reg(w, gicr + GICD_ISENABLER, 4), 0xffdf);
	write_reg(w, gicr + GICD_IPRIORITYR + 4, 4, 0x80604020);
	assert_int_equal(read_reg(w, gicr + GICD_IPRIORITYR + 4, 4), 0x80604020);
	assert_int_equal(read_reg(w, gicr + GICD_IPRIORITYR + 6, 1), 0x60);
	assert_int_equal(read_reg(w, gicr + GICD_ICFGR, 4), 0);
	write_reg(w, gicr + GICD_ICFGR + 4, 4, 0xaaaaaaaa);
	assert_int_equal(read_reg(w, gicr + GICD_ICFGR + 4, 4), 0xaaaaaaaa);
	write_reg(w, gicr + GICD_ICFGR + 4, 4, 0);
	assert_int_equal(read_reg(w, gicr + GICD_ICFGR + 4, 4), 0);
	write_reg(w, DIST + GICD_IROUTER + 40 * 8, 8, 3);
	assert_int_equal(read_reg(w, DIST + GICD_IROUTER + 40 * 8, 8), 3);
	/* There is no such vcpu: nothing changes. */
	write_reg(w, DIST + GICD_IROUTER + 40 * 8, 8, NVCPU);
	write_reg(w, DIST + GICD_IROUTER + 40 * 8, 8, 0x10000);
	write_reg(w, DIST + GICD_IROUTER + 40 * 8, 8, 1UL << 32);
	assert_int_equal(read_reg(w, DIST + GICD_IROUTER + 40 * 8, 8), 3);
	write_reg(w, DIST + GICD_IROUTER + 40 * 8, 8, GICD_IROUTER_ANY);
	assert_int_equal(read_reg(w, DIST + GICD_IROUTER + 40 * 8, 8), 0);
	/* Beyond the SPIs that there are. */
	write_reg(w, DIST + GICD_ISENABLER + NINTID / 8, 4, ~0U);
	assert_int_equal(read_reg(w, DIST + GICD_ISENABLER + NINTID / 8, 4), 0);
	assert_int_equal(read_reg(w, DIST + GICD_IPRIORITYR + NINTID, 4), 0);
	assert_int_equal(read_reg(w, DIST + GICD_IROUTER + NINTID * 8, 8), 0);
	finish();
}

/* Set active by register: not delivered until made inactive. */
static void test_set_active(void **state)
{
	struct test_vcpu *w = begin();

	write_reg(w, bit_reg(0, 7, GICD_ISACTIVER), 4, 1 << 7);
	assert_int_equal(read_reg(w, bit_reg(0, 7, GICD_ICACTIVER), 4), 1 << 7);
	t.priv[0][7].pending = true;
	vgic_inject_ppi(&w->v, 7);
	t.priv[0][7].active = true;
	assert_false(guest_ack(w, true));
	assert_false(vgic_irq_pending(&w->v));
	check_places();
	/* It stays so while the vcpu moves to another CPU. */
	switch_out(w, false);
	switch_in(w, 1);
	assert_int_equal(read_reg(w, bit_reg(0, 7, GICD_ISACTIVER), 4), 1 << 7);
	assert_int_equal(read_reg(w, bit_reg(0, 7, GICD_ISPENDR), 4), 1 << 7);
	write_reg(w, bit_reg(0, 7, GICD_ICACTIVER), 4, 1 << 7);
	t.priv[0][7].active = false;
	assert_true(vgic_irq_pending(&w->v));
	assert_true(guest_ack(w, true));
	assert_int_equal(w->acked[0], 7);
	assert_true(guest_eoi(w));
	assert_false(guest_ack(w, true));
	finish();
}

/* A timer interrupt that is active goes with its vcpu, and does not hold up the next one's. */
static void test_timer_active(void **state)
{
	struct test_vcpu *w = begin();

	for (u32 i = 0; i < 2; i++) {
		t.priv[i][VGIC_VTIMER].enabled = true;
		write_reg(w, bit_reg(i, VGIC_VTIMER, GICD_ISENABLER), 4, 1U << VGIC_VTIMER);
	}
	w->vt_line = true;
	assert_true(guest_ack(w, true));
	switch_out(w, false);
	assert_true(t.ppi[0].active);
	switch_in(&t.vcpu[1], 0);
	assert_false(t.ppi[0].active);
	t.vcpu[1].vt_line = true;
	assert_true(guest_ack(&t.vcpu[1], true));
	assert_true(guest_eoi(&t.vcpu[1]));
	switch_in(w, 1);
	assert_true(t.ppi[1].active);
	assert_true(guest_eoi(w));
	assert_false(t.ppi[1].active);
	/* One that was not acknowledged is dropped, and comes again. */
	w->vt_line = true;
	settle();
	switch_out(w, false);
	assert_false(t.ppi[1].active);
	switch_in(w, 2);
	assert_true(guest_ack(w, true));
	finish();
}

static void test_sgi_targets(void **state)
{
	struct test_vcpu *w = begin();
	u64 sgi3 = 3UL << 24;

	/* Aff1 1, Aff2, Aff3, a range selector: nobody is there. */
	vgic_sgi1r_write(&w->v, sgi3 | (1UL << 16) | 1);
	vgic_sgi1r_write(&w->v, sgi3 | (1UL << 32) | 1);
	vgic_sgi1r_write(&w->v, sgi3 | (1UL << 48) | 1);
	vgic_sgi1r_write(&w->v, sgi3 | (1UL << 44) | 1);
	vgic_sgi1r_write(&w->v, sgi3 | BIT(NVCPU));
	for (u32 i = 0; i < NVCPU; i++)
		assert_int_equal(read_reg(w, bit_reg(i, 0, GICD_ISPENDR), 4), 0);
	vgic_sgi1r_write(&w->v, sgi3 | 0x2a);
	for (u32 i = 0; i < NVCPU; i++)
		assert_int_equal(read_reg(w, bit_reg(i, 0, GICD_ISPENDR), 4), i % 2 ? 8 : 0);
	finish();
}

/* Destroying a domain leaves its physical interrupts disabled and inactive. */
static void test_destroy(void **state)
{
	struct test_vcpu *w = begin();

	assert_int_equal(domain_arch_assign_spi(&t.dom, 50, 50), 0);
	assert_int_equal(domain_arch_assign_spi(&t.dom, 50, 50), -XEN_EBUSY);
	assert_int_equal(domain_arch_assign_spi(&t.dom, NINTID, 50), -XEN_EINVAL);
	assert_int_equal(domain_arch_assign_spi(&t.dom, 31, 50), -XEN_EINVAL);
	write_reg(w, DIST + GICD_ISENABLER + 4, 4, 1 << (50 - 32));
	assert_true(t.spi[50].enabled);
	t.spi[50].pending = true;
	settle();
	assert_true(t.spi[50].active);
	finish();
	assert_false(t.spi[50].enabled || t.spi[50].active);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identification), cmocka_unit_test(test_access_sizes),
		cmocka_unit_test(test_all_offsets),    cmocka_unit_test(test_fields),
		cmocka_unit_test(test_set_active),     cmocka_unit_test(test_timer_active),
		cmocka_unit_test(test_sgi_targets),    cmocka_unit_test(test_destroy),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
