/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/virt/vgic.c hyp/arch/arm64/virt/vgic_lr.c
 *	hyp/arch/arm64/virt/vgic_regs.c hyp/arch/arm64/virt/vgic_frames.c hyp/arch/arm64/virt/vgic_v2.c
 *	tests/host/vgic_house.c */
/* options: -max_len=2048 -len_control=0 */
/*
 * The virtual GIC, a GICv3 or a GICv2, in two ways; the first byte chooses (bit 0: wild, bit 1: a
 * GICv2). The bytes behind it are the dice.
 *
 * In step with the model: the steps of tests/host/test_vgic_random.c, so that each acknowledgement,
 * each register read and what is left in the end are compared with the model.
 *
 * Wild: any register of any frame in any size with any value, injections, links to physical
 * interrupts that come and go, context switches, and a guest that ends and deactivates in any
 * order. There is no model of that; what must hold is that no interrupt is in two places, that one
 * that is enabled, waits and belongs to a running vcpu is in a list register or the overflow, and
 * that an SGI of a GICv2 is pending while it has senders.
 */
#define main vgic_random_main
#include "../host/test_vgic_random.c"
#undef main

#define STEPS_MAX 3000
#define WILD 1 /* of the first byte */
#define V2   2

static const u8 *bytes, *bytes_end;

static u32 dice_byte(void)
{
	return bytes < bytes_end ? *bytes++ : 0;
}

/* When the bytes are over, the rest goes on at random, but always alike. */
static u32 dice(u32 n)
{
	if (bytes == bytes_end) {
		t.random = t.random * 6364136223846793005UL + 1442695040888963407UL;
		return (u32)(t.random >> 40) % n;
	}
	return n > 256 ? (dice_byte() | dice_byte() << 8) % n : dice_byte() % n;
}

/* --- in step with the model --- */

static void play_model(void)
{
	switch_in(&t.vcpu[0], 0);
	configure(&t.vcpu[0]);
	for (u32 i = 0; i < STEPS_MAX && bytes < bytes_end; i++)
		step();
	if (!t.enabled) {
		if (!any_running())
			switch_in(&t.vcpu[0], 0);
		t.enabled = true;
		write_reg(any_running(), DIST + GICD_CTLR, 4, is_v2() ? 1 : 0x12);
	}
	drain();
}

/* --- wild --- */

static u64 wild_value(void)
{
	u64 v = 0;

	switch (dice(6)) {
	case 0:
		return ~0UL;
	case 1:
		return 1UL << dice(64);
	case 2:
		return dice(NVCPU);
	case 3:
		return is_v2() ? 1 : 0x12;
	default:
		for (u32 i = 0; i < 8; i++)
			v = v << 8 | dice(256);
		return v;
	}
}

static u64 wild_offset(u64 size)
{
	static const u16 blocks[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
				      GICD_ICPENDR, GICD_ISACTIVER, GICD_ICACTIVER, GICD_IPRIORITYR,
				      GICD_ICFGR, 0, 0xffd0 };

	switch (dice(4)) {
	case 0:
		return GICD_IROUTER + 8 * dice(1024);
	case 1:
		return dice(0x10000) % size;
	default:
		return blocks[dice(ARRAY_SIZE(blocks))] + 4 * dice(NINTID / 4);
	}
}

static u64 wild_place_v3(void)
{
	u64 rdist = (u64)NVCPU * GICR_STRIDE;

	if (dice(2))
		return DIST + wild_offset(GIC_FRAME_SIZE) % GIC_FRAME_SIZE;
	return RDIST + (dice(NVCPU) * GICR_STRIDE + (dice(4) ? GICR_SGI_FRAME : 0) +
			wild_offset(GICR_STRIDE)) % rdist;
}

/* Registers with fields for each interrupt, those of SGIs, or any. */
static u64 wild_place_v2(void)
{
	switch (dice(6)) {
	case 0:
		return DIST + GICD_SGIR;
	case 1:
		return DIST + GICD_CPENDSGIR + dice(GICD_SGI_END - GICD_CPENDSGIR);
	case 2:
		return DIST + GICD_ITARGETSR + dice(NINTID + 8);
	case 3:
		return DIST + dice(GICV2_DIST_SIZE);
	default:
		return DIST + wild_offset(GICV2_DIST_SIZE) % GICV2_DIST_SIZE;
	}
}

static void wild_access(struct test_vcpu *w)
{
	u64 gpa = is_v2() ? wild_place_v2() : wild_place_v3(), val = wild_value();
	u32 size = 1U << (dice(2) ? 2 : dice(4));
	bool write = dice(4);

	gpa &= ~(u64)(size - 1);
	if (size < 8)
		val &= (1UL << 8 * size) - 1;
	for (u32 n = 0; !access_frame(w, gpa, size, write, &val) && vgic_take_again(&w->v); n++) {
		assert_true(n < 10);
		settle();
	}
}

static void wild_input(void)
{
	u32 intid = dice(8) ? dice(NINTID) : dice(1100);
	struct vcpu *v = &t.vcpu[dice(NVCPU)].v;
	bool level = dice(2);

	/* The timer's comes from the machine. */
	if (intid % 32 == VGIC_VTIMER)
		intid++;
	/* An SGI of a GICv2 has a sender: GICD_SGIR. */
	if (is_v2() && intid % 32 < VGIC_NR_SGIS)
		intid += VGIC_NR_SGIS + (intid % 32 == VGIC_VTIMER - VGIC_NR_SGIS);
	/* So does that of a device which has one linked. */
	if (intid >= 32 && intid < NINTID && t.irq[intid].hw)
		return;
	on_cpu(dice(NCPU));
	switch (dice(4)) {
	case 0:
		vgic_inject_event(v, intid % 32);
		break;
	case 1:
		vgic_set_level(v, intid % 32, level);
		break;
	case 2:
		if (vgic_has_intid(&t.dom.arch.vgic, intid) && intid >= 32)
			device_edge(intid);
		break;
	default:
		if (vgic_has_intid(&t.dom.arch.vgic, intid) && intid >= 32)
			domain_arch_set_spi_level(&t.dom, intid, level);
	}
}

/* A physical interrupt that comes, if it is linked. */
static void wild_device(void)
{
	u32 intid = 96 + dice(16);

	if (t.irq[intid].hw && t.spi[intid].enabled)
		t.spi[intid].pending = true;
}

static void wild_link(void)
{
	u32 intid = 96 + dice(16);

	on_cpu(dice(NCPU));
	if (!t.irq[intid].hw && !domain_arch_assign_spi(&t.dom, intid, intid))
		t.irq[intid].hw = true;
}

static void deactivate_physical(struct test_vcpu *w, u64 lr)
{
	u32 irq = (u32)(lr >> LR_PHYS_SHIFT) & 0x3ff;

	if (irq == VGIC_VTIMER)
		t.ppi[w->cpu].active = false;
	else if (irq < NINTID)
		t.spi[irq].active = false;
}

/* The guest acknowledges any pending interrupt, or ends any active one, or one that is in no list
 * register. */
static void wild_guest(struct test_vcpu *w)
{
	u32 i = dice(FAKE_LRS), what = dice(3);
	u64 *lr;

	on_cpu((u32)w->cpu);
	lr = &fake_ich->lr[i];
	if (what == 2) {
		fake_ich->hcr += 1U << 27;
	} else if (what == 1 && (*lr & LR_ACTIVE)) {
		*lr &= ~LR_ACTIVE;
		if (*lr & LR_HW)
			deactivate_physical(w, *lr);
	} else if ((*lr & LR_STATE) == LR_PENDING && (fake_ich->hcr & ICH_HCR_EN)) {
		*lr ^= LR_STATE;
	}
}

static void wild_switch(void)
{
	u32 cpu = dice(NCPU);
	struct test_vcpu *old = running_on(cpu), *next = &t.vcpu[dice(NVCPU)];

	if (old)
		switch_out(old, dice(8) == 0);
	if (next->cpu < 0)
		switch_in(next, cpu);
}

static void wild_rest(struct test_vcpu *w)
{
	switch (dice(5)) {
	case 0:
		on_cpu((u32)w->cpu);
		vgic_sgi1r_write(&w->v, wild_value());
		break;
	case 1:
		on_cpu((u32)w->cpu);
		vgic_irq_pending(&w->v);
		break;
	case 2:
		w->vt_line = dice(2);
		break;
	case 3:
		fake_ich = &t.ich[w->cpu];
		fake_ich->vmcr = wild_value() & 0xff00021f;
		break;
	default:
		on_cpu((u32)w->cpu);
		vgic_sync_posted(&w->v);
	}
}

static void wild_step(void)
{
	struct test_vcpu *w = running_on(dice(NCPU));
	u32 n = dice(16);

	if (n < 3)
		wild_input();
	else if (n == 3)
		wild_device();
	else if (n == 4)
		wild_link();
	else if (n == 5 || !w)
		wild_switch();
	else if (n < 10)
		wild_guest(w);
	else if (n < 12)
		wild_rest(w);
	else
		wild_access(w);
}

/* Somebody has it in a list register. */
static bool is_listed(const struct test_vcpu *w, u32 intid)
{
	for (u32 i = 0; i < FAKE_LRS; i++) {
		u64 lr = t.ich[w->cpu].lr[i];

		if ((lr & LR_STATE) && LR_IRQ(lr) == intid)
			return true;
	}
	return false;
}

/* Everything has settled: nothing that the running vcpu should get was forgotten. */
static void check_nothing_forgotten(struct test_vcpu *w)
{
	struct vgic_vcpu *g = &w->v.arch.vgic;

	/* Switched off, no maintenance interrupt says that something has ended. */
	if (!g->domain->enabled)
		return;
	for (u32 intid = 0; intid < NINTID; intid++) {
		const struct vgic_bank *b = vgic_bank(g, intid);
		u32 mask = vgic_mask(intid);

		if (!(vgic_wanted(b) & mask) || (b->active & mask) || intid == VGIC_VTIMER)
			continue;
		if (intid >= 32) {
			const struct vgic_spi *s = vgic_spi(g->domain, intid);

			if (s->target != g->id || (s->holder != g->id && s->holder != VGIC_NOBODY))
				continue;
		}
		if (!is_listed(w, intid) && !(g->overflow[intid / 32] & mask))
			fail_msg("vcpu %u: %u waits and is nowhere", g->id, intid);
	}
}

/* An SGI of a GICv2 that somebody has sent is pending. */
static void check_senders(const struct vgic_vcpu *g)
{
	for (u32 intid = 0; is_v2() && intid < VGIC_NR_SGIS; intid++) {
		u32 senders = g->sgi_senders[VGIC_SGI_WORD(intid)];

		if ((senders & VGIC_SGI_BITS(intid, 0xffU)) && !(g->bank.pending & vgic_mask(intid)))
			fail_msg("vcpu %u: SGI %u has senders %#x, but is not pending", g->id, intid,
				 senders);
	}
}

static void play_wild(void)
{
	switch_in(&t.vcpu[0], 0);
	if (dice(2))
		configure(&t.vcpu[0]);
	for (u32 i = 0; i < STEPS_MAX && bytes < bytes_end; i++) {
		wild_step();
		if (!dice(3))
			continue;
		settle();
		check_places();
		for (u32 v = 0; v < NVCPU; v++) {
			check_senders(&t.vcpu[v].v.arch.vgic);
			if (t.vcpu[v].cpu >= 0)
				check_nothing_forgotten(&t.vcpu[v]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	bytes = data + 1;
	bytes_end = data + size;
	if (data[0] & V2)
		start_v2(data[0]);
	else
		start(data[0]);
	t.source = dice;
	t.wild = data[0] & WILD;
	if (t.wild)
		play_wild();
	else
		play_model();
	finish();
	return 0;
}
