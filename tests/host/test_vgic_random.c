/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/virt/vgic.c hyp/arch/arm64/virt/vgic_lr.c
 *	hyp/arch/arm64/virt/vgic_regs.c hyp/arch/arm64/virt/vgic_frames.c hyp/arch/arm64/virt/vgic_v2.c
 *	tests/host/vgic_house.c */
/*
 * The virtual GIC against a model: random inputs, register writes, context switches and
 * acknowledgements by a few vcpus on fewer CPUs. After every step no interrupt may be in two
 * places; one is acknowledged only if the model has it pending, and no more urgent one waits; in
 * the end nothing pending may be left.
 */
#include "vgic_house.h"
#include <arch/gicv2_regs.h>

#define TRIES  60 /* to find something at random */
#define ROUNDS 60
#define STEPS  15000

/* --- random steps --- */

static struct test_vcpu *any_running(void)
{
	for (u32 n = 0; n < TRIES; n++) {
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

/* On a GICv2 a vcpu reaches its own private interrupts only. */
static u32 any_reachable(const struct test_vcpu *w, u32 *vcpu)
{
	u32 intid = any_intid(vcpu);

	if (is_v2() && intid < 32)
		*vcpu = w->v.id;
	return intid;
}

/* GICD_SGIR; the model has one more sender. */
static void send_v2(const struct test_vcpu *w, u32 filter, u32 targets, u32 intid)
{
	write_reg((struct test_vcpu *)w, DIST + GICD_SGIR, 4, filter << 24 | targets << 16 | intid);
	if (filter)
		targets = filter == SGIR_SELF ? 1U << w->v.id : ~(1U << w->v.id);
	for (u32 i = 0; i < NVCPU; i++)
		if ((targets & 1U << i) && !is_off(i)) {
			t.priv[i][intid].senders |= (u8)(1U << w->v.id);
			t.priv[i][intid].pending = true;
		}
}

static void step_sgi_v2(void)
{
	struct test_vcpu *w = any_running();

	if (w)
		send_v2(w, rnd(3), rnd(1U << NVCPU), rnd(16));
}

/* GICD_SPENDSGIR or GICD_CPENDSGIR, which have a byte for each SGI. */
static void step_senders(void)
{
	struct test_vcpu *w = any_running();
	u32 intid = rnd(16), senders = rnd(1U << NVCPU);
	bool on = rnd(2);
	struct model_irq *m;
	u64 val;

	if (!w)
		return;
	m = &t.priv[w->v.id][intid];
	write_reg(w, DIST + (on ? GICD_SPENDSGIR : GICD_CPENDSGIR) + intid, 1, senders);
	m->senders = (u8)(on ? m->senders | senders : m->senders & ~senders);
	m->pending = m->senders;
	settle();
	assert_true(access_frame(w, DIST + GICD_CPENDSGIR + intid, 1, false, &val));
	assert_int_equal(val, m->senders);
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
		if (m->pending || t.spi[intid].pending)
			return;
		m->pending = true;
		t.spi[intid].pending = true;
	} else if (m->level) {
		device_level(vcpu, intid, rnd(3) != 0);
	} else if (is_v2() && intid < 16) {
		step_sgi_v2();
	} else {
		bool sgi = intid < 16 && this_cpu()->current && rnd(2);

		if (!sgi || !is_off(vcpu))
			m->pending = true;
		if (sgi)
			vgic_sgi1r_write(this_cpu()->current, ((u64)intid << 24) | (1UL << vcpu));
		else if (intid < 32)
			vgic_inject_event(&t.vcpu[vcpu].v, intid);
		else
			device_edge(intid);
	}
}

static void step_sgi_others(void)
{
	struct test_vcpu *w = any_running();
	u32 intid = rnd(16);

	if (!w)
		return;
	if (is_v2()) {
		send_v2(w, SGIR_OTHERS, 0, intid);
		return;
	}
	on_cpu((u32)w->cpu);
	vgic_sgi1r_write(&w->v, (1UL << 40) | ((u64)intid << 24));
	for (u32 i = 0; i < NVCPU; i++)
		if (i != w->v.id && !is_off(i))
			t.priv[i][intid].pending = true;
}

static void step_enable(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid;
	bool on = rnd(4) != 0;

	if (!w)
		return;
	intid = any_reachable(w, &vcpu);
	model(vcpu, intid)->enabled = on;
	write_reg(w, bit_reg(vcpu, intid, on ? GICD_ISENABLER : GICD_ICENABLER), 4,
		  1U << (intid % 32));
}

static void step_pend(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid;
	struct model_irq *m;
	bool on = rnd(2);

	if (!w)
		return;
	intid = any_reachable(w, &vcpu);
	m = model(vcpu, intid);
	if (m->level || (m->hw && on && m->pending))
		return;
	if (is_v2() && intid < 16) {
		step_senders();
		return;
	}
	m->pending = on;
	write_reg(w, bit_reg(vcpu, intid, on ? GICD_ISPENDR : GICD_ICPENDR), 4, 1U << (intid % 32));
}

static void step_priority(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, intid;
	struct model_irq *m;

	if (!w)
		return;
	intid = any_reachable(w, &vcpu);
	m = model(vcpu, intid);
	/* Which priority one that waits has is not defined. */
	if (is_pending(m) || m->active || intid == VGIC_VTIMER)
		return;
	m->prio = (u8)(rnd(31) * 8);
	write_reg(w,
		  bit_reg(vcpu, 0, GICD_IPRIORITYR) * (intid < 32) +
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
	if (is_v2())
		write_reg(w, DIST + GICD_ITARGETSR + intid, 1, 1U << t.irq[intid].target);
	else
		write_reg(w, DIST + GICD_IROUTER + intid * 8, 8, t.irq[intid].target);
}

static void step_switch(void)
{
	u32 cpu = rnd(NCPU);
	struct test_vcpu *old = running_on(cpu), *next = &t.vcpu[rnd(NVCPU)];

	if (old) {
		bool power_off;

		/* An end that the maintenance interrupt had no time to notice. */
		if (rnd(2))
			guest_eoi(old);
		power_off = !old->nr_acked && rnd(8) == 0;

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
	write_reg(w, DIST + GICD_CTLR, 4, !t.enabled ? 0x10 : is_v2() ? 1 : 0x12);
}

static void step_read(void)
{
	struct test_vcpu *w = any_running();
	u32 vcpu, first;
	bool active = rnd(2);
	u32 got, want = 0, unknown;

	if (!w)
		return;
	first = any_reachable(w, &vcpu) / 32 * 32;
	unknown = first ? 0 : 1U << VGIC_VTIMER;
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
	else if (want && w->v.arch.vgic.vmcr == 0)
		return; /* powered off */
	if (want)
		assert_true(vgic_irq_pending(&w->v));
	else if (w->cpu >= 0)
		assert_false(vgic_irq_pending(&w->v));
}

static void step(void)
{
	static void (*const steps[])(void) = {
		step_raise,  step_raise,       step_raise,	step_raise,
		step_raise,  step_raise,       step_sgi_others, step_enable,
		step_enable, step_pend,	       step_priority,	step_route,
		step_switch, step_distributor, step_read,	step_pending_query,
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
	/* Several things may have happened before a CPU looks. */
	if (rnd(3))
		settle();
	check_places();
}

/* By w for vcpu i; on a GICv2 that is itself, and PPIs stay levels. */
static void configure_private(struct test_vcpu *w, u32 i)
{
	/* PPIs 20 to 23 are edges. */
	write_reg(w, bit_reg(i, 0, GICD_ICFGR) + 4, 4, 0xaa << 8);
	for (u32 n = 20; n < 24; n++)
		t.priv[i][n].level = is_v2();
	for (u32 n = 0; n < 32; n++) {
		t.priv[i][n].enabled = true;
		t.priv[i][n].prio = (u8)(rnd(31) * 8);
		write_reg(w, bit_reg(i, 0, GICD_IPRIORITYR) + n, 1, t.priv[i][n].prio);
	}
	write_reg(w, bit_reg(i, 0, GICD_ISENABLER), 4, ~0U);
}

/* Some edges, some levels, some linked to physical interrupts, a few priorities, all enabled. */
static void configure(struct test_vcpu *w)
{
	t.enabled = true;
	write_reg(w, DIST + GICD_CTLR, 4, is_v2() ? 1 : 0x12);
	for (u32 i = 0; i < NVCPU; i++) {
		struct test_vcpu *by = is_v2() ? &t.vcpu[i] : w;

		if (by->cpu < 0)
			switch_in(by, 1);
		configure_private(by, i);
		if (by != w)
			switch_out(by, false);
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
				fail_msg(
					"left behind: vcpu %u interrupt %u, pending %d line %d active %d",
					i, n, m->pending, m->line, m->active);
		}
}

static void play(void (*begin)(u64 seed))
{
	u64 acks = 0, overflows = 0, evictions = 0, repeats = 0, flushes = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		begin(round + 1);
		switch_in(&t.vcpu[0], 0);
		configure(&t.vcpu[0]);
		for (u32 i = 0; i < STEPS; i++)
			step();
		if (!t.enabled) {
			if (!any_running())
				switch_in(&t.vcpu[0], 0);
			t.enabled = true;
			write_reg(any_running(), DIST + GICD_CTLR, 4, is_v2() ? 1 : 0x12);
		}
		drain();
		acks += t.acks;
		overflows += t.overflows;
		evictions += t.evictions;
		repeats += t.repeats;
		flushes += t.flushes;
		finish();
	}
	print_message(
		"# %lu acknowledged, %lu steps with overflow, %lu with evicted active ones, %lu "
		"repeated reads, %lu power-offs\n",
		acks, overflows, evictions, repeats, flushes);
	assert_true(acks > 10000 && overflows > 10000 && evictions > 100 && repeats > 10);
}

static void test_random(void **state)
{
	play(start);
}

static void test_random_v2(void **state)
{
	play(start_v2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
