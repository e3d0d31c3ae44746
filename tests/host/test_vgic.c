/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/virt/vgic.c hyp/arch/arm64/virt/vgic_lr.c
 *	hyp/arch/arm64/virt/vgic_regs.c hyp/arch/arm64/virt/vgic_frames.c hyp/arch/arm64/virt/vgic_v2.c
 *	tests/host/vgic_house.c */
/* Registers of the virtual GIC, and single situations that the random test meets rarely. */
#include "vgic_house.h"

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

	if (!access_frame(w, gpa, size, false, &val))
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

			assert_int_equal(access_frame(w, cases[i].gpa, size, false, &val),
					 (cases[i].sizes & size) != 0);
			val = 0;
			assert_int_equal(access_frame(w, cases[i].gpa, size, true, &val),
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

			access_frame(w, DIST + off, 4, true, &val);
			access_frame(w, DIST + off, 4, false, &ignored);
			for (u32 n = 0; n < NVCPU * 2; n++) {
				u64 gpa = RDIST + n * GIC_FRAME_SIZE + off;

				access_frame(w, gpa, 4, true, &val);
				vgic_take_again(&w->v);
				access_frame(w, gpa, 4, false, &ignored);
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
	vgic_inject_event(&w->v, 7);
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

/* A vcpu that is powered off holds nothing back: an SPI that it had can be given to another. */
static void test_power_off(void **state)
{
	struct test_vcpu *w = begin(), *other = &t.vcpu[1];

	switch_in(other, 1);
	t.irq[40].level = false;
	t.irq[40].enabled = true;
	write_reg(w, DIST + GICD_ICFGR + 8, 4, ~0U);
	write_reg(w, DIST + GICD_ISENABLER + 4, 4, 1 << 8);
	t.irq[40].pending = true;
	device_edge(40);
	vgic_inject_event(&w->v, 3);
	t.priv[0][3].pending = true;
	settle();
	assert_int_equal(t.dom.arch.vgic.spis[8].holder, 0);
	switch_out(w, true);
	assert_int_equal(w->v.arch.vgic.lr_used, 0);
	t.irq[40].target = 1;
	write_reg(other, DIST + GICD_IROUTER + 40 * 8, 8, 1);
	assert_true(guest_ack(other, true));
	assert_int_equal(other->acked[0], 40);
	assert_true(guest_eoi(other));
	/* Its own ones wait for it. */
	switch_in(w, 0);
	assert_true(guest_ack(w, true));
	assert_int_equal(w->acked[0], 3);
	finish();
}

/* An order to clear is about the past, even if the CPU that it concerns sees it later. */
static void test_clear_then_raise(void **state)
{
	struct test_vcpu *w = begin(), *other = &t.vcpu[1];

	switch_in(other, 1);
	write_reg(other, bit_reg(0, 5, GICD_ICPENDR), 4, 1 << 5);
	on_cpu(0);
	vgic_inject_event(&w->v, 5);
	t.priv[0][5].pending = true;
	assert_true(guest_ack(w, true));
	assert_true(guest_eoi(w));
	assert_null(w->v.unit.woken_by);
	/* While it is in a list register. Another vcpu that sends it is noted. */
	on_cpu(1);
	vgic_inject_event(&w->v, 5);
	assert_ptr_equal(w->v.unit.woken_by, &other->v.unit);
	settle();
	write_reg(other, bit_reg(0, 5, GICD_ICPENDR), 4, 1 << 5);
	assert_false(guest_ack(w, true));
	/* And by the vcpu itself. */
	on_cpu(0);
	vgic_inject_event(&w->v, 5);
	write_reg(w, bit_reg(0, 5, GICD_ICPENDR), 4, 1 << 5);
	assert_false(guest_ack(w, true));
	finish();
}

/* A device's line is an edge or a level as the guest configured it. */
static void test_lines(void **state)
{
	struct test_vcpu *w = begin();

	t.priv[0][20].enabled = t.priv[0][30].enabled = true;
	t.priv[0][20].level = false;
	write_reg(w, bit_reg(0, 20, GICD_ISENABLER), 4, (1U << 20) | (1U << 30));
	write_reg(w, bit_reg(0, 0, GICD_ICFGR) + 4, 4, 2 << (20 - 16) * 2);
	for (u32 i = 0; i < 3; i++) {
		vgic_set_level(&w->v, 20, true);
		vgic_set_level(&w->v, 20, true);
		t.priv[0][20].pending = true;
		assert_true(guest_ack(w, false));
		assert_true(guest_eoi(w));
		assert_false(guest_ack(w, false));
		vgic_set_level(&w->v, 20, false);
		assert_false(guest_ack(w, false));
	}
	vgic_set_level(&w->v, 30, true);
	t.priv[0][30].pending = true;
	for (u32 i = 0; i < 3; i++) {
		assert_true(guest_ack(w, false));
		assert_int_equal(w->acked[0], 30);
		assert_true(guest_eoi(w));
		t.priv[0][30].pending = true;
	}
	vgic_set_level(&w->v, 30, false);
	assert_false(guest_ack(w, false));
	assert_int_equal(read_reg(w, bit_reg(0, 30, GICD_ISPENDR), 4), 0);
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
		cmocka_unit_test(test_power_off),      cmocka_unit_test(test_clear_then_raise),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
