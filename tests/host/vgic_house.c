/* SPDX-License-Identifier: Apache-2.0 */
/* See vgic_house.h. */
#include "vgic_house.h"

#define IDLE_PRIO 0x100

struct vgic_house t;
struct fake_ich *fake_ich;
bool fake_ich_far[1024];

u32 rnd(u32 n)
{
	if (t.source)
		return t.source(n);
	t.random ^= t.random << 13;
	t.random ^= t.random >> 7;
	t.random ^= t.random << 17;
	return (u32)(t.random >> 20) % n;
}

/* --- what the files ask for --- */

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
		assert_true(t.ppi[cpu_id()].active || t.wild);
		t.ppi[cpu_id()].active = false;
		return;
	}
	assert_true(t.spi[irq].active || t.wild);
	t.spi[irq].active = false;
}

void gic_set_pending(u32 irq)
{
	if (irq != VGIC_VTIMER)
		t.spi[irq].pending = true;
}

void gic_clear_pending(u32 irq)
{
	if (irq != VGIC_VTIMER)
		t.spi[irq].pending = false;
}

void gic_set_active(u32 irq)
{
	if (irq == VGIC_VTIMER)
		t.ppi[cpu_id()].active = true;
	else
		t.spi[irq].active = true;
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
	assert_true(t.ppi[cpu_id()].active == active || t.wild);
}

void gic_vtimer_set_enabled(bool enabled)
{
	t.ppi[cpu_id()].enabled = enabled;
}

struct gic_host gic_host;

int p2m_map(struct p2m *p, gfn_t g, mfn_t m, u64 nr, enum p2m_type type)
{
	t.gicv.gfn = g.v;
	t.gicv.mfn = m.v;
	t.gicv.nr = nr;
	return 0;
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

/* --- the machine's steps --- */

void on_cpu(u32 cpu)
{
	host_set_cpu(cpu);
	fake_ich = &t.ich[cpu];
}

struct test_vcpu *running_on(u32 cpu)
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
		assert_true((ich_read_elrsr() & 1) || t.wild);
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
			fake_ich_far[i] = is_v2() && !rnd(3);
			on_cpu(rnd(NCPU));
			domain_arch_inject_hw_spi(&t.dom, i, i);
		}
}

/* Everything that running CPUs would do before they run guest code. */
void settle(void)
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

void switch_out(struct test_vcpu *w, bool power_off)
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

void switch_in(struct test_vcpu *w, u32 cpu)
{
	on_cpu(cpu);
	w->cpu = (int)cpu;
	w->v.unit.cpu = cpu;
	w->v.unit.holds = 0;
	host_set_current(&w->v);
	vgic_switch_in(&w->v);
	fake_ich->vmcr = 0xf0000003 | 0x0f000000;
}

/* --- the model --- */

struct model_irq *model(u32 vcpu, u32 intid)
{
	return intid < 32 ? &t.priv[vcpu][intid] : &t.irq[intid];
}

bool is_pending(const struct model_irq *m)
{
	return m->pending || (m->level && m->line);
}

/* The interrupt could be taken by vcpu i, which settled. */
bool deliverable(u32 i, u32 intid)
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

void check_places(void)
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

/* SGIs to it are lost. */
bool is_off(u32 vcpu)
{
	return t.vcpu[vcpu].v.unit.holds & HOLD_DOWN;
}

/* --- the guest --- */

void device_level(u32 vcpu, u32 intid, bool level)
{
	on_cpu(rnd(NCPU));
	model(vcpu, intid)->line = level;
	if (intid < 32)
		vgic_set_level(&t.vcpu[vcpu].v, intid, level);
	else
		domain_arch_set_spi_level(&t.dom, intid, level);
}

void device_edge(u32 intid)
{
	t.irq[intid].line = false;
	domain_arch_set_spi_level(&t.dom, intid, false);
	domain_arch_set_spi_level(&t.dom, intid, true);
	domain_arch_set_spi_level(&t.dom, intid, false);
}

static u32 running_prio(const struct test_vcpu *w)
{
	return w->nr_acked ? w->acked_prio[w->nr_acked - 1] : IDLE_PRIO;
}

/* The guest reads ICC_IAR1_EL1. */
bool guest_ack(struct test_vcpu *w, bool calm)
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
		fail_msg(
			"vcpu %u acknowledges %u, which is not deliverable: pending %d line %d active %d "
			"enabled %d target %u",
			id, intid, m->pending, m->line, m->active, m->enabled, m->target);
	for (u32 i = 0; i < NINTID; i++)
		if (deliverable(id, i) && model(id, i)->prio < prio)
			fail_msg("vcpu %u acknowledges %u of %#x, but %u of %#x waits", id, intid,
				 prio, i, model(id, i)->prio);
	if (is_v2() && intid < VGIC_NR_SGIS) {
		u32 sender = 1U << LR_SOURCE(fake_ich->lr[best]);

		if (!(m->senders & sender))
			fail_msg("vcpu %u takes SGI %u of %#x, but %#x sent it", id, intid, sender,
				 m->senders);
		m->senders &= (u8)~sender;
	}
	fake_ich->lr[best] ^= LR_STATE;
	m->pending = m->senders;
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
bool guest_eoi(struct test_vcpu *w)
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

bool access_frame(struct test_vcpu *w, u64 gpa, u32 size, bool write, u64 *val)
{
	const struct mmio_region *r = &frames[gpa - DIST >= GIC_FRAME_SIZE];

	on_cpu((u32)w->cpu);
	assert_true(gpa - r->base < r->size);
	return (write ? r->write : r->read)(&w->v, r->arg, gpa - r->base, size, val);
}

void write_reg(struct test_vcpu *w, u64 gpa, u32 size, u64 val)
{
	assert_true(access_frame(w, gpa, size, true, &val));
}

/* Address of a register with one bit for each interrupt; vcpu's redistributor for private ones. */
u64 bit_reg(u32 vcpu, u32 intid, u64 reg)
{
	if (intid < 32 && !is_v2())
		return RDIST + vcpu * GICR_STRIDE + GICR_SGI_FRAME + reg;
	return DIST + reg + intid / 32 * 4;
}

u64 read_repeating(struct test_vcpu *w, u64 gpa)
{
	u64 val = 0;

	for (u32 n = 0; !access_frame(w, gpa, 4, false, &val); n++) {
		assert_true(vgic_take_again(&w->v));
		assert_true(n < 10);
		t.repeats++;
		settle();
	}
	return val;
}

/* --- begin and end --- */

bool is_v2(void)
{
	return gic_host.version == 2;
}

static void start_version(u64 seed, u32 version)
{
	struct domain_config cfg = { .nr_vcpus = NVCPU };

	memset(&t, 0, sizeof(t));
	t.random = seed * 0x9e3779b97f4a7c15UL + 1;
	t.guest_weight = seed % 3 ? 20 : 120;
	memset(&vgic_hw, 0, sizeof(vgic_hw));
	gic_host = (struct gic_host){
		.version = version,
		.lines = NINTID,
		.id_bits = 15,
		.dist = DIST,
		.rdist = { RDIST, 0xf60000 },
		.cpu = { GICC, 0x10000 },
		.vcpu = { version == 2 ? GICV : 0, version == 2 ? 0x10000 : 0 },
	};
	memset(fake_ich_far, 0, sizeof(fake_ich_far));
	host_init(NCPU);
	on_cpu(0);
	vgic_cpu_init(ich_read_vtr());
	t.dom.vcpus = t.vcpus;
	t.dom.nr_vcpus = NVCPU;
	t.dom.flags = DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP;
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

void start(u64 seed)
{
	start_version(seed, 3);
}

void start_v2(u64 seed)
{
	start_version(seed, 2);
}

void finish(void)
{
	for (u32 i = 0; i < NVCPU; i++)
		if (t.vcpu[i].cpu >= 0)
			switch_out(&t.vcpu[i], false);
	for (u32 i = 0; i < NVCPU; i++)
		vgic_vcpu_destroy(&t.vcpu[i].v);
	vgic_domain_destroy(&t.dom);
}
