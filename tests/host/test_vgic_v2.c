/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/arch/arm64/virt/vgic.c hyp/arch/arm64/virt/vgic_lr.c
 *	hyp/arch/arm64/virt/vgic_regs.c hyp/arch/arm64/virt/vgic_frames.c hyp/arch/arm64/virt/vgic_v2.c
 *	tests/host/vgic_house.c */
/* The distributor of a virtual GICv2, where its frames are, and which versions are refused. */
#include "vgic_house.h"
#include "messages.h"
#include <abi/guest_layout.h>
#include <arch/gicv2_regs.h>

static struct test_vcpu *begin(void)
{
	start_v2(1);
	t.guest_weight = 0;
	switch_in(&t.vcpu[0], 0);
	switch_in(&t.vcpu[2], 1);
	t.enabled = true;
	write_reg(&t.vcpu[0], DIST + GICD_CTLR, 4, 1);
	return &t.vcpu[0];
}

static u64 get(struct test_vcpu *w, u64 off, u32 size)
{
	u64 val = 0xdead;

	assert_true(access_frame(w, DIST + off, size, false, &val));
	return val;
}

static void put(struct test_vcpu *w, u64 off, u32 size, u64 val)
{
	write_reg(w, DIST + off, size, val);
}

static bool refused(struct test_vcpu *w, u64 off, u32 size, bool write)
{
	u64 val = 0;

	return !access_frame(w, DIST + off, size, write, &val);
}

static void test_identity(void **state)
{
	struct test_vcpu *w = begin();

	assert_int_equal(get(w, GICD_CTLR, 4), 1);
	assert_int_equal(get(w, GICD_TYPER, 4), (NINTID / 32 - 1) | (NVCPU - 1) << 5);
	assert_int_equal(get(w, GICD_IIDR, 4), 0x43b);
	assert_int_equal(get(w, GICV2_PIDR2, 4), 0x20);
	assert_int_equal(get(w, GICD_SGIR, 4), 0xdeadbeef);
	assert_int_equal(get(w, GICD_IGROUPR, 4), 0);
	put(w, GICD_CTLR, 4, 0);
	assert_int_equal(get(w, GICD_CTLR, 4), 0);
	assert_int_equal(t.ich[0].hcr & ICH_HCR_EN, 0);
	finish();
}

static void test_sizes(void **state)
{
	static const u64 words[] = { GICD_CTLR, GICD_ISENABLER, GICD_ICFGR, GICD_ICFGR_PPIS, GICD_SGIR,
				     0xf40 };
	static const u64 bytes[] = { GICD_IPRIORITYR, GICD_ITARGETSR, GICD_CPENDSGIR, GICD_SPENDSGIR };
	struct test_vcpu *w = begin();

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		for (u32 write = 0; write < 2; write++) {
			assert_false(refused(w, words[i], 4, write));
			assert_true(refused(w, words[i], 1, write));
			assert_true(refused(w, words[i], 2, write));
			assert_true(refused(w, words[i], 8, write));
		}
	for (u32 i = 0; i < ARRAY_SIZE(bytes); i++)
		for (u32 write = 0; write < 2; write++) {
			assert_false(refused(w, bytes[i], 4, write));
			assert_false(refused(w, bytes[i], 1, write));
			assert_true(refused(w, bytes[i], 2, write));
			assert_true(refused(w, bytes[i], 8, write));
		}
	finish();
}

static void test_targets(void **state)
{
	struct test_vcpu *w = begin();
	u64 at = GICD_ITARGETSR + 40;

	assert_int_equal(get(w, GICD_ITARGETSR, 4), 0x01010101);
	assert_int_equal(get(&t.vcpu[2], GICD_ITARGETSR + 28, 4), 0x04040404);
	put(w, GICD_ITARGETSR, 4, 0x02020202);
	assert_int_equal(get(w, GICD_ITARGETSR, 4), 0x01010101);
	put(w, at, 4, 0x20040201);
	assert_int_equal(get(w, at, 4), 0x20040201);
	/* The first that exists; nobody is no target. */
	put(w, at, 1, 0xc8);
	assert_int_equal(get(w, at, 1), 0x08);
	put(w, at, 1, 0xc0);
	assert_int_equal(get(w, at, 1), 0x08);
	put(w, at, 1, 0);
	assert_int_equal(get(w, at, 1), 0x08);
	/* Behind the last interrupt. */
	put(w, GICD_ITARGETSR + NINTID, 4, ~0U);
	assert_int_equal(get(w, GICD_ITARGETSR + NINTID, 4), 0);
	finish();
}

static void test_banked(void **state)
{
	struct test_vcpu *w = begin(), *other = &t.vcpu[2];

	put(w, GICD_IPRIORITYR + 20, 1, 0x40);
	put(other, GICD_IPRIORITYR + 20, 1, 0x80);
	put(w, GICD_ISENABLER, 4, 1U << 20);
	assert_int_equal(get(w, GICD_IPRIORITYR + 20, 1), 0x40);
	assert_int_equal(get(other, GICD_IPRIORITYR + 20, 1), 0x80);
	assert_int_equal(get(w, GICD_ISENABLER, 4), 0x10ffff);
	assert_int_equal(get(other, GICD_ISENABLER, 4), 0xffff);
	put(w, GICD_ICFGR_PPIS, 4, ~0U);
	assert_int_equal(get(w, GICD_ICFGR_PPIS, 4), 0);
	/* GICD_ISPENDR is not for SGIs. */
	put(w, GICD_ISPENDR, 4, 0xffff);
	settle();
	assert_int_equal(get(w, GICD_ISPENDR, 4), 0);
	finish();
}

/* Takes the next interrupt: its sender, or -1. */
static int take_sgi(struct test_vcpu *w, u32 intid)
{
	u32 used;

	settle();
	on_cpu((u32)w->cpu);
	used = ~ich_read_elrsr() & 0xf;
	for (u32 i = 0; i < FAKE_LRS; i++) {
		u64 lr = fake_ich->lr[i];

		if (!(used & 1U << i) || LR_IRQ(lr) != intid || !(lr & LR_PENDING))
			continue;
		assert_false(lr & LR_GROUP1);
		t.priv[w->v.id][intid].senders = (u8)(1U << LR_SOURCE(lr));
		t.priv[w->v.id][intid].pending = true;
		assert_true(guest_ack(w, true));
		assert_true(guest_eoi(w));
		return (int)LR_SOURCE(lr);
	}
	return -1;
}

static void test_sgis(void **state)
{
	struct test_vcpu *w = begin(), *other = &t.vcpu[2];

	/* To itself, to the others, to a list; those that are off do not get it. */
	put(w, GICD_SGIR, 4, 2U << 24 | 3);
	assert_int_equal(take_sgi(w, 3), 0);
	put(other, GICD_SGIR, 4, 1U << 24 | 4);
	assert_int_equal(take_sgi(other, 4), -1);
	assert_int_equal(take_sgi(w, 4), 2);
	put(w, GICD_SGIR, 4, 0xfcU << 16 | 5);
	assert_int_equal(take_sgi(w, 5), -1);
	assert_int_equal(take_sgi(other, 5), 0);
	assert_true(refused(w, GICD_SGIR, 1, true));
	/* Once for each sender, however often it sent. */
	put(w, GICD_SGIR, 4, 1U << 16 | 6);
	put(other, GICD_SGIR, 4, 1U << 16 | 6);
	put(w, GICD_SGIR, 4, 1U << 16 | 6);
	settle();
	assert_int_equal(get(w, GICD_SPENDSGIR + 6, 1), 5);
	assert_int_equal(take_sgi(w, 6), 0);
	assert_int_equal(take_sgi(w, 6), 2);
	assert_int_equal(take_sgi(w, 6), -1);
	finish();
}

static void test_senders(void **state)
{
	struct test_vcpu *w = begin();

	put(w, GICD_SPENDSGIR + 4, 4, 0x00070000);
	settle();
	assert_int_equal(get(w, GICD_CPENDSGIR + 4, 4), 0x00070000);
	put(w, GICD_CPENDSGIR + 6, 1, 3);
	assert_int_equal(get(w, GICD_SPENDSGIR + 6, 1), 4);
	assert_int_equal(take_sgi(w, 6), 2);
	assert_int_equal(take_sgi(w, 6), -1);
	/* Disabled it waits, and a switch of the vcpu does not lose who sent it. */
	put(w, GICD_SPENDSGIR + 6, 1, 2);
	settle();
	put(w, GICD_ICENABLER, 4, 1U << 6);
	settle();
	assert_int_equal(get(w, GICD_SPENDSGIR + 6, 1), 2);
	switch_out(w, false);
	switch_in(w, 3);
	put(w, GICD_ISENABLER, 4, 1U << 6);
	assert_int_equal(take_sgi(w, 6), 1);
	finish();
}

static int create(u32 flags, u32 nr_vcpus, u32 wanted)
{
	struct domain_config cfg = { .nr_vcpus = nr_vcpus, .nr_spis = 32, .gic_version = wanted };
	int rc;

	messages_clear();
	memset(&t.dom, 0, sizeof(t.dom));
	t.dom.flags = flags;
	t.dom.nr_vcpus = nr_vcpus;
	rc = vgic_domain_create(&t.dom, &cfg);
	vgic_domain_destroy(&t.dom);
	return rc;
}

static void test_versions(void **state)
{
	u32 dom0 = DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP;

	begin();
	finish();
	/* GICC 1:1 for dom0, all of it; where the ABI says for others, the two pages. */
	gic_host.vcpu_offset = 0xf000;
	assert_int_equal(create(dom0, 8, 0), 0);
	assert_int_equal(t.gicv.gfn, GICC >> PAGE_SHIFT);
	assert_int_equal(t.gicv.mfn, GICV >> PAGE_SHIFT);
	assert_int_equal(t.gicv.nr, 16);
	assert_int_equal(create(0, 8, 2), 0);
	assert_int_equal(t.gicv.gfn, GUEST_GICC_BASE >> PAGE_SHIFT);
	assert_int_equal(t.gicv.mfn, (GICV + 0xf000) >> PAGE_SHIFT);
	assert_int_equal(t.gicv.nr, 2);
	assert_int_equal(create(DOMAIN_DIRECT_MAP, 1, 0), 0);
	assert_int_equal(t.gicv.gfn, GICC >> PAGE_SHIFT);
	assert_int_equal(t.gicv.nr, 2);
	assert_int_equal(create(0, 9, 0), -XEN_EINVAL);
	assert_said("9 vcpus, but a GICv2 serves at most 8");
	assert_int_equal(create(0, 1, 3), -XEN_ENODEV);
	assert_said("gic version 3 is asked for, but this machine has a GICv2");

	/* A GICv3, without and with what a GICv2 needs. */
	start(1);
	finish();
	assert_int_equal(create(0, 2, 2), -XEN_ENODEV);
	assert_said("this machine's GICv3 has no GICv2 interface");
	gic_host.vcpu = (struct gic_frames){ GICV, 0x2000 };
	assert_int_equal(create(0, 2, 2), 0);
	assert_int_equal(t.gicv.mfn, GICV >> PAGE_SHIFT);
	assert_int_equal(create(dom0, 2, 2), -XEN_ENODEV);
	assert_int_equal(create(0, 2, 3), 0);
}

/* The end of an interrupt that may not be linked is noticed, and is the physical one's too. */
static void test_unlinked(void **state)
{
	struct test_vcpu *w = begin();

	assert_int_equal(domain_arch_assign_spi(&t.dom, 96, 96), 0);
	put(w, GICD_ISENABLER + 12, 4, 1);
	t.irq[96] = (struct model_irq){ .enabled = true, .hw = true, .pending = true };
	for (u32 far = 0; far < 2; far++) {
		t.spi[96].active = true;
		fake_ich_far[96] = far;
		t.irq[96].pending = true;
		on_cpu(1);
		domain_arch_inject_hw_spi(&t.dom, 96, 96);
		assert_true(guest_ack(w, true));
		assert_true(t.spi[96].active);
		assert_true(guest_eoi(w));
		assert_int_equal(t.spi[96].active, far);
		settle();
		assert_false(t.spi[96].active);
	}
	finish();
}

/*
 * The guest says that a linked interrupt which is pending is active too, before it is in a list register
 * and after: when that ends, it is pending still, and the physical one active until that ends.
 */
static void test_linked_pending_and_active(void **state)
{
	struct test_vcpu *w = begin();

	assert_int_equal(domain_arch_assign_spi(&t.dom, 96, 96), 0);
	put(w, GICD_ISENABLER + 12, 4, 1);
	t.irq[96] = (struct model_irq){ .enabled = true, .hw = true, .pending = true };
	for (u32 listed = 0; listed < 2; listed++) {
		u32 i = 0;

		t.spi[96].active = true;
		t.irq[96].pending = true;
		on_cpu(1);
		domain_arch_inject_hw_spi(&t.dom, 96, 96);
		if (listed)
			settle();
		put(w, GICD_ISACTIVER + 12, 4, 1);
		settle();
		on_cpu(0);
		while (i < FAKE_LRS && LR_IRQ(fake_ich->lr[i]) != 96)
			i++;
		assert_true(i < FAKE_LRS);
		assert_int_equal(fake_ich->lr[i] & (LR_ACTIVE | LR_HW), LR_ACTIVE);
		fake_ich->lr[i] &= ~LR_ACTIVE;
		settle();
		assert_true(t.spi[96].active);
		assert_true(guest_ack(w, true));
		assert_true(guest_eoi(w));
		settle();
		assert_false(t.spi[96].active);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_targets),	 cmocka_unit_test(test_banked),
		cmocka_unit_test(test_sgis),	 cmocka_unit_test(test_senders),
		cmocka_unit_test(test_versions), cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_linked_pending_and_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
