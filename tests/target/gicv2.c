// SPDX-License-Identifier: Apache-2.0
/*
 * The virtual GICv2: identification, register access rules, targets, software-generated interrupts
 * and their senders, the CPU interface.
 */
/* machine: smp=1 vcpus=2 gic=2 */
#include "guest.h"

#define ABORT 0x96000000l
#define SPI   160 /* a shared interrupt that no device of this machine uses */
#define ALL   0xa0a0a0a0

static uint64_t gicd, gicc;
static uint64_t taken[256], senders[16];
static uint32_t order[8];
static uint64_t orders;

static void on_irq(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
	if (irq < 16)
		senders[irq] |= 1u << (gic_iar >> 10 & 7);
	taken[irq]++;
	if (orders < ARRAY_SIZE(order))
		order[orders++] = irq;
}

/* A register's value, or what the access was answered with. */
static int64_t reg(uint64_t addr)
{
	uint32_t v;

	return probe_read32(addr, &v) ? (int64_t)v : -(int64_t)fault.esr;
}

static int64_t reg8(uint64_t addr)
{
	uint8_t v;

	return probe_read8(addr, &v) ? (int64_t)v : -(int64_t)fault.esr;
}

static int64_t write_faults(uint64_t addr, uint32_t v)
{
	return !probe_write32(addr, v);
}

static void write8(uint64_t addr, uint8_t v)
{
	*(volatile uint8_t *)addr = v;
	dsb();
}

static void check_identification(void)
{
	int64_t typer = reg(gicd + GICD_TYPER);

	check_eq("gicd2.iidr", reg(gicd + GICD_IIDR), 0x43b);
	check_range("gicd2.typer_itlines", typer & 0x1f, 3, 31);
	check_eq("gicd2.typer_cpus", typer >> 5 & 7, 1);
	check_eq("gicd2.typer_rest", typer >> 8, 0);
	mmio_write32(gicd + GICD_TYPER, 0);
	check_eq("gicd2.typer_ro", reg(gicd + GICD_TYPER), typer);
	check_eq("gicd2.pidr2_archrev", reg(gicd + GICDV2_PIDR2) >> 4 & 15, 2);
	check_eq("gicd2.reserved_c", reg(gicd + 0xc), 0);
	check_eq("gicd2.impdef_20", reg(gicd + 0x20), 0);
	check_eq("gicd2.reserved_40", reg(gicd + 0x40), 0);
	check_eq("gicd2.reserved_f30", reg(gicd + 0xf30), 0);
	check_eq("gicd2.igroupr0", reg(gicd + GICD_IGROUPR), 0);
	check_eq("gicd2.igroupr1", reg(gicd + GICD_IGROUPR + 4), 0);
	check_eq("gicd2.nsacr", reg(gicd + 0xe00), 0);
	check_eq("gicd2.beyond_faults", reg(gicd + 0x1000), -ABORT);
	check_eq("gicc2.iidr_arch", reg(gicc + GICC_IIDR) >> 16 & 15, 2);
}

static void check_ctlr(void)
{
	check_eq("gicd2.ctlr", reg(gicd + GICD_CTLR), 1);
	mmio_write32(gicd + GICD_CTLR, 0);
	check_eq("gicd2.ctlr_after_write_0", reg(gicd + GICD_CTLR), 0);
	mmio_write32(gicd + GICD_CTLR, ~0u);
	check_eq("gicd2.ctlr_after_write_ones", reg(gicd + GICD_CTLR), 1);
}

static void check_sizes(void)
{
	uint64_t v64;
	uint16_t v16;

	check_eq("gicd2.halfword_read_faults", probe_read16(gicd + GICD_TYPER, &v16), 0);
	check_eq("gicd2.halfword_read_esr", (int64_t)fault.esr, ABORT);
	check_eq("gicd2.64bit_read_faults", probe_read64(gicd + GICD_CTLR, &v64), 0);
	check_eq("gicd2.ctlr_byte_read", reg8(gicd + GICD_CTLR), -ABORT);
	check_eq("gicd2.isenabler_byte_read", reg8(gicd + GICD_ISENABLER), -ABORT);
	check_eq("gicd2.icfgr_byte_read", reg8(gicd + GICD_ICFGR), -ABORT);
	check_eq("gicd2.ipriorityr_byte_read", reg8(gicd + GICD_IPRIORITYR), 0xa0);
	check_eq("gicd2.ipriorityr_halfword_read", probe_read16(gicd + GICD_IPRIORITYR, &v16), 0);
	check_eq("gicd2.itargetsr_byte_read", reg8(gicd + GICD_ITARGETSR + SPI), 1);
	check_eq("gicd2.itargetsr_halfword_read", probe_read16(gicd + GICD_ITARGETSR, &v16), 0);
}

static void check_banks(void)
{
	uint64_t word = SPI / 32 * 4;

	mmio_write32(gicd + GICD_ICENABLER, 1 << 5);
	check_eq("gicd2.icenabler_sgi5", reg(gicd + GICD_ISENABLER) >> 5 & 1, 0);
	mmio_write32(gicd + GICD_ISENABLER, 1 << 5);
	check_eq("gicd2.isenabler_sgi5", reg(gicd + GICD_ISENABLER) >> 5 & 1, 1);
	check_eq("gicd2.icenabler_reads_enabled", reg(gicd + GICD_ICENABLER),
		 reg(gicd + GICD_ISENABLER));
	mmio_write32(gicd + GICD_IPRIORITYR + 4, 0x80604020);
	check_eq("gicd2.ipriorityr1_readback", reg(gicd + GICD_IPRIORITYR + 4), 0x80604020);
	mmio_write32(gicd + GICD_IPRIORITYR + 4, ALL);
	mmio_write32(gicd + GICD_ICFGR + 4, 0xaaaaaaaa);
	check_eq("gicd2.icfgr1_ro", reg(gicd + GICD_ICFGR + 4), 0);
	mmio_write32(gicd + GICD_ICFGR + SPI / 16 * 4, 0xaaaaaaaa);
	check_eq("gicd2.icfgr_spi", reg(gicd + GICD_ICFGR + SPI / 16 * 4), 0xaaaaaaaa);
	mmio_write32(gicd + GICD_ISENABLER + word, 1u << SPI % 32);
	check_eq("gicd2.isenabler_spi", reg(gicd + GICD_ISENABLER + word) >> SPI % 32 & 1, 1);
	mmio_write32(gicd + GICD_ICENABLER + word, 1u << SPI % 32);
	check_eq("gicd2.icenabler_spi", reg(gicd + GICD_ISENABLER + word) >> SPI % 32 & 1, 0);
	mmio_write32(gicd + GICD_IPRIORITYR + SPI, 0x40302010);
	check_eq("gicd2.ipriorityr_readback", reg(gicd + GICD_IPRIORITYR + SPI), 0x40302010);
	mmio_write32(gicd + GICD_IPRIORITYR + SPI, ALL);
}

static void check_targets(void)
{
	uint64_t at = gicd + GICD_ITARGETSR + SPI;

	check_eq("gicd2.itargetsr0", reg(gicd + GICD_ITARGETSR), 0x01010101);
	check_eq("gicd2.itargetsr7", reg(gicd + GICD_ITARGETSR + 28), 0x01010101);
	mmio_write32(gicd + GICD_ITARGETSR, 0x02020202);
	check_eq("gicd2.itargetsr0_ro", reg(gicd + GICD_ITARGETSR), 0x01010101);
	mmio_write32(at, 0x02010201);
	check_eq("gicd2.itargetsr_word", reg(at), 0x02010201);
	write8(at, 2);
	check_eq("gicd2.itargetsr_byte", reg(at), 0x02010202);
	write8(at, 0);
	check_eq("gicd2.itargetsr_none_ignored", reg8(at), 2);
	write8(at, 0xf0);
	check_eq("gicd2.itargetsr_nobody_ignored", reg8(at), 2);
	write8(at, 3);
	check_eq("gicd2.itargetsr_first_of_two", reg8(at), 1);
	write8(at, 0xfe);
	check_eq("gicd2.itargetsr_first_existing", reg8(at), 2);
	mmio_write32(at, 0x01010101);
	check_eq("gicd2.itargetsr_word_back", reg(at), 0x01010101);
}

/* Registers that must take an access and do nothing visible. */
static void check_harmless(void)
{
	check_eq("gicd2.icactiver1_write_ok", write_faults(gicd + GICD_ICACTIVER + 4, ~0u), 0);
	check_eq("gicd2.icactiver0_write_ok", write_faults(gicd + GICD_ICACTIVER, ~0u), 0);
	check_eq("gicd2.igroupr_write_ok", write_faults(gicd + GICD_IGROUPR, ~0u), 0);
	check_eq("gicd2.impdef_write_ok", write_faults(gicd + 0x20, ~0u), 0);
	check_eq("gicd2.isactiver1", reg(gicd + GICD_ISACTIVER + 4), 0);
	check_eq("gicd2.sgir_read", reg(gicd + GICD_SGIR), 0xdeadbeef);
	check_eq("gicd2.ispendr1_read", reg(gicd + GICD_ISPENDR + 4), 0);
	check_eq("gicd2.icpendr1_read", reg(gicd + GICD_ICPENDR + 4), 0);
	check_eq("gicd2.isactiver_write_ok", write_faults(gicd + GICD_ISACTIVER + 4, 0), 0);
	check_eq("gicd2.sgir_bad_filter", write_faults(gicd + GICD_SGIR, 3u << 24), 1);
}

static void check_sgi_self(void)
{
	uint64_t n;

	for (uint32_t i = 0; i < 16; i++) {
		irq_register(i, on_irq);
		gic_send_sgi_self(i);
		check_eqf(wait_for(&taken[i], 1, 10000), 1, "sgi2.list_%u", i);
	}
	check_eq("sgi2.sender", (int64_t)senders[3], 1);
	n = taken[4];
	mmio_write32(gicd + GICD_SGIR, 2u << 24 | 4);
	check("sgi2.self", wait_for(&taken[4], n + 1, 10000));
	mmio_write32(gicd + GICD_SGIR, 1u << 24 | 4);
	delay_us(1000);
	check_eq("sgi2.others_not_self", (int64_t)(taken[4] - n), 1);
	mmio_write32(gicd + GICD_SGIR, 0xfcu << 16 | 4);
	delay_us(1000);
	check_eq("sgi2.nobody", (int64_t)(taken[4] - n), 1);
	irq_disable();
	for (int i = 0; i < 3; i++)
		gic_send_sgi_self(4);
	irq_enable();
	delay_us(1000);
	check_eq("sgi2.pending_collapses", (int64_t)(taken[4] - n), 2);
	/* The set and clear registers are not for SGIs. */
	mmio_write32(gicd + GICD_ISPENDR, 1 << 4);
	delay_us(1000);
	check_eq("sgi2.ispendr_ignored", (int64_t)(taken[4] - n), 2);
}

/* SPENDSGIR and CPENDSGIR: one bit for each sender. */
static void check_senders(void)
{
	uint64_t n = taken[6];

	senders[6] = 0;
	irq_disable();
	if (!check_eq("sgi2.spendsgir_write_ok", write_faults(gicd + GICD_SPENDSGIR, 0), 0))
		return;
	write8(gicd + GICD_SPENDSGIR + 6, 0x03);
	check_eq("sgi2.spendsgir_both", reg8(gicd + GICD_SPENDSGIR + 6), 3);
	check_eq("sgi2.spendsgir_word", reg(gicd + GICD_SPENDSGIR + 4), 0x30000);
	check_eq("sgi2.ispendr_shows", reg(gicd + GICD_ISPENDR) >> 6 & 1, 1);
	irq_enable();
	delay_us(1000);
	check_eq("sgi2.once_for_each_sender", (int64_t)(taken[6] - n), 2);
	check_eq("sgi2.both_senders", (int64_t)senders[6], 3);
	check_eq("sgi2.none_left", reg(gicd + GICD_SPENDSGIR + 4), 0);
	n = taken[6];
	senders[6] = 0;
	irq_disable();
	mmio_write32(gicd + GICD_SPENDSGIR + 4, 7u << 16);
	mmio_write32(gicd + GICD_CPENDSGIR + 4, 5u << 16);
	check_eq("sgi2.cpendsgir_leaves", reg8(gicd + GICD_CPENDSGIR + 6), 2);
	irq_enable();
	delay_us(1000);
	check_eq("sgi2.only_the_left_one", (int64_t)(taken[6] - n), 1);
	check_eq("sgi2.left_sender", (int64_t)senders[6], 2);
	irq_disable();
	gic_send_sgi_self(6);
	write8(gicd + GICD_CPENDSGIR + 6, 0xff);
	irq_enable();
	delay_us(1000);
	check_eq("sgi2.cleared_not_taken", (int64_t)(taken[6] - n), 1);
}

static void check_masking(void)
{
	uint64_t n = taken[5];

	mmio_write32(gicd + GICD_ICENABLER, 1 << 5);
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi2.disabled_not_taken", (int64_t)(taken[5] - n), 0);
	mmio_write32(gicd + GICD_ISENABLER, 1 << 5);
	check("sgi2.taken_when_enabled", wait_for(&taken[5], n + 1, 10000));
	mmio_write32(gicc + GICC_PMR, 0x80);
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi2.below_pmr_not_taken", (int64_t)(taken[5] - n), 1);
	mmio_write32(gicc + GICC_PMR, 0xff);
	check("sgi2.taken_when_pmr_opens", wait_for(&taken[5], n + 2, 10000));
	mmio_write32(gicc + GICC_CTLR, 0);
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi2.interface_off_not_taken", (int64_t)(taken[5] - n), 2);
	mmio_write32(gicc + GICC_CTLR, 1);
	check("sgi2.taken_when_interface_on", wait_for(&taken[5], n + 3, 10000));
	mmio_write32(gicd + GICD_CTLR, 0);
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi2.distributor_off_not_taken", (int64_t)(taken[5] - n), 3);
	mmio_write32(gicd + GICD_CTLR, 1);
	check("sgi2.taken_when_distributor_on", wait_for(&taken[5], n + 4, 10000));
	check_eq("gicc2.rpr_idle", reg(gicc + GICC_RPR), 0xff);
	check_eq("gicc2.hppir_idle", reg(gicc + GICC_HPPIR) & 0x3ff, 0x3ff);
	check_eq("gicc2.iar_spurious", reg(gicc + GICC_IAR) & 0x3ff, 0x3ff);
}

/* More interrupts than there are list registers, by priority and then all of them. */
static void check_order(void)
{
	int64_t missing = 0;

	mmio_write32(gicd + GICD_IPRIORITYR, 0x2080a040); /* SGI 3 first, then 0, 2, 1 */
	irq_disable();
	orders = 0;
	for (uint32_t i = 0; i < 4; i++)
		gic_send_sgi_self(i);
	irq_enable();
	delay_us(1000);
	check_eq("sgi2.order_first", order[0], 3);
	check_eq("sgi2.order_second", order[1], 0);
	check_eq("sgi2.order_third", order[2], 2);
	check_eq("sgi2.order_fourth", order[3], 1);
	mmio_write32(gicd + GICD_IPRIORITYR, ALL);
	memset(taken, 0, sizeof(taken));
	irq_disable();
	for (uint32_t i = 0; i < 16; i++)
		gic_send_sgi_self(i);
	irq_enable();
	delay_us(2000);
	for (uint32_t i = 0; i < 16; i++)
		missing += taken[i] != 1;
	check_eq("sgi2.all_16_at_once_wrong", missing, 0);
}

static uint64_t second_up, second_taken[16], second_sender, second_mask, second_stop;

static void on_second(uint32_t irq, struct trap_frame *frame)
{
	if (cpu_id() == 1) {
		second_sender = gic_iar >> 10 & 7;
		second_taken[irq]++;
	} else {
		on_irq(irq, frame);
	}
}

static void second(uint64_t arg)
{
	(void)arg;
	second_mask = mmio_read32(gicd + GICD_ITARGETSR);
	mmio_write32(gicd + GICD_SGIR, 1u << 16 | 8);
	WRITE_ONCE(second_up, 1);
	while (!READ_ONCE(second_stop))
		hc_sched(SCHEDOP_block, NULL);
}

static void let_second_run(const uint64_t *word)
{
	for (int i = 0; i < 50 && !READ_ONCE(*word); i++)
		sleep_us(1000);
}

static void check_second(void)
{
	uint64_t n = taken[7], first = taken[8];

	irq_register(7, on_second);
	senders[8] = 0;
	check_eq("sgi2.start_second", cpu_start(1, second, 0), 0);
	let_second_run(&second_up);
	check_eq("gicd2.itargetsr0_second", (int64_t)second_mask, 0x02020202);
	check_eq("sgi2.from_second", (int64_t)(taken[8] - first), 1);
	check_eq("sgi2.second_is_sender", (int64_t)senders[8], 2);
	gic_send_sgi(7, 1);
	let_second_run(&second_taken[7]);
	check_eq("sgi2.to_second", (int64_t)second_taken[7], 1);
	check_eq("sgi2.first_is_sender", (int64_t)second_sender, 0);
	second_taken[7] = 0;
	mmio_write32(gicd + GICD_SGIR, 1u << 24 | 7);
	let_second_run(&second_taken[7]);
	check_eq("sgi2.others_second", (int64_t)second_taken[7], 1);
	check_eq("sgi2.others_not_self_with_second", (int64_t)(taken[7] - n), 0);
	WRITE_ONCE(second_stop, 1);
	gic_send_sgi(7, 1);
	sleep_us(2000);
}

/* A shared interrupt made pending by software, once for each time. */
static void check_spi(void)
{
	uint64_t word = SPI / 32 * 4, bit = 1u << SPI % 32;

	irq_register(SPI, on_irq);
	mmio_write32(gicd + GICD_ICFGR + SPI / 16 * 4, 0xaaaaaaaa);
	irq_unmask(SPI);
	for (uint64_t i = 1; i <= 3; i++) {
		mmio_write32(gicd + GICD_ISPENDR + word, (uint32_t)bit);
		check_eqf(wait_for(&taken[SPI], i, 10000), 1, "spi2.pend_%lu", i);
	}
	irq_mask(SPI);
	mmio_write32(gicd + GICD_ISPENDR + word, (uint32_t)bit);
	check_eq("spi2.ispendr_reads_pending", reg(gicd + GICD_ISPENDR + word) >> SPI % 32 & 1, 1);
	mmio_write32(gicd + GICD_ICPENDR + word, (uint32_t)bit);
	irq_unmask(SPI);
	delay_us(1000);
	check_eq("spi2.icpendr_clears", (int64_t)taken[SPI], 3);
}

/* A device's interrupt reaches its handler and comes again after it was served. */
static uint64_t clock_irqs;

static void on_clock(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	(void)frame;
	mmio_write32(machine.rtc.base + 0x10, 0);
	clock_irqs++;
}

static void check_device(void)
{
	uint64_t rtc = machine.rtc.base;

	mmio_write32(rtc + 0x10, 0);
	for (int i = 0; i < 10 && !mmio_read32(rtc + 0x14); i++)
		mmio_write32(rtc + 0x4, mmio_read32(rtc));
	irq_register(machine.rtc_irq, on_clock);
	irq_unmask(machine.rtc_irq);
	for (uint64_t i = 1; i <= 3; i++) {
		mmio_write32(rtc + 0x10, 1);
		check_eqf(wait_for(&clock_irqs, i, 10000), 1, "spi2.device_irq_%lu", i);
	}
	delay_us(1000);
	check_eq("spi2.device_exactly_3", (int64_t)clock_irqs, 3);
	irq_mask(machine.rtc_irq);
	mmio_write32(rtc + 0x10, 1);
	delay_us(1000);
	check_eq("spi2.disabled_is_quiet", (int64_t)clock_irqs, 3);
	irq_unmask(machine.rtc_irq);
	check("spi2.taken_when_enabled", wait_for(&clock_irqs, 4, 10000));
}

void guest_main(void)
{
	gicd = machine.gicd.base;
	gicc = machine.gicc.base;
	check_identification();
	check_ctlr();
	check_sizes();
	check_banks();
	check_targets();
	check_harmless();
	check_sgi_self();
	check_masking();
	check_order();
	check_second();
	check_spi();
	check_device();
	check_senders();
}
