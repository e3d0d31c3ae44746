// SPDX-License-Identifier: Apache-2.0
/* The virtual GICv3: identification, register access rules, software and software-set interrupts.
 */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

#define ABORT 0x96000000
#define SPI   100 /* a shared interrupt that no device of this machine uses */

static uint64_t gicd, gicr, sgi;
static uint64_t taken[256];
static uint32_t order[8];
static uint64_t orders;

static void on_irq(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
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

static int64_t write_faults(uint64_t addr, uint32_t v)
{
	return !probe_write32(addr, v);
}

static void check_identification(void)
{
	int64_t typer = reg(gicd + GICD_TYPER);
	uint64_t redist;

	check_eq("gicd.pidr2_archrev", reg(gicd + GICD_PIDR2) >> 4 & 15, 3);
	check_eq("gicr.pidr2_archrev", reg(gicr + GICR_PIDR2) >> 4 & 15, 3);
	check_range("gicd.typer_itlines", typer & 0x1f, 3, 31);
	check_eq("gicd.typer_lpis", typer >> 17 & 1, 0);
	check_eq("gicd.typer_mbis", typer >> 16 & 1, 0);
	check_eq("gicd.typer_idbits", typer >> 19 & 0x1f, 15);
	mmio_write32(gicd + GICD_TYPER, 0);
	check_eq("gicd.typer_ro", reg(gicd + GICD_TYPER), typer);
	check_eq("gicd.typer2", reg(gicd + GICD_TYPER2), 0);
	check_eq("gicd.statusr", reg(gicd + GICD_STATUSR), 0);
	check_eq("gicd.reserved_8000", reg(gicd + 0x8000), 0);
	check_eq("gicr.ctlr", reg(gicr + GICR_CTLR), 0);
	check_eq("gicr.waker", reg(gicr + GICR_WAKER), 0);
	check("gicr.typer_64bit_read", probe_read64(gicr + GICR_TYPER, &redist));
	check_eq("gicr.typer_affinity", (int64_t)(redist >> 32), 0);
	check_eq("gicr.frame_cpu0", (int64_t)gicr, (int64_t)machine.gicr.base);
	check("gicr.frame_cpu1_read", probe_read64(gicr + 0x20000 + GICR_TYPER, &redist));
	check_eq("gicr.frame_cpu1_affinity", (int64_t)(redist >> 32), 1);
	check_eq("gicr.frame_cpu1_last", (int64_t)(redist >> 4 & 1), 1);
	check_eq("gicr.number_cpu1", (int64_t)(redist >> 8 & 0xffff), 1);
}

static void check_ctlr(void)
{
	check_eq("gicd.ctlr_are_grp1", reg(gicd + GICD_CTLR), 0x12);
	check_eq("gicd.ctlr_rwp", reg(gicd + GICD_CTLR) >> 31, 0);
	check_eq("gicd.ctlr_ds", reg(gicd + GICD_CTLR) >> 6 & 1, 0);
	mmio_write32(gicd + GICD_CTLR, 0);
	check_eq("gicd.ctlr_after_write_0", reg(gicd + GICD_CTLR), 0x10);
	mmio_write32(gicd + GICD_CTLR, ~0u);
	check_eq("gicd.ctlr_after_write_ones", reg(gicd + GICD_CTLR), 0x12);
}

static void check_sizes(void)
{
	uint64_t v64;
	uint16_t v16;
	uint8_t v8;

	check_eq("gicd.halfword_read_faults", probe_read16(gicd + GICD_TYPER, &v16), 0);
	check_eq("gicd.halfword_read_esr", (int64_t)fault.esr, ABORT);
	check_eq("gicd.ctlr_64bit_read_faults", probe_read64(gicd + GICD_CTLR, &v64), 0);
	check_eq("gicd.ctlr_64bit_read_esr", (int64_t)fault.esr, ABORT);
	check("gicd.irouter_64bit_read", probe_read64(gicd + GICD_IROUTER + 8 * 32, &v64));
	check_eq("gicd.irouter32", (int64_t)v64, 0);
	check("gicr.ipriorityr_byte_read", probe_read8(sgi + GICD_IPRIORITYR, &v8));
	check_eq("gicr.ipriorityr_byte", v8, 0xa0);
	check("gicd.ipriorityr_byte_read", probe_read8(gicd + GICD_IPRIORITYR + SPI, &v8));
}

static void check_banks(void)
{
	mmio_write32(sgi + GICD_ICENABLER, 1 << 5);
	check_eq("gicr.icenabler_sgi5", reg(sgi + GICD_ISENABLER) >> 5 & 1, 0);
	mmio_write32(sgi + GICD_ISENABLER, 1 << 5);
	check_eq("gicr.isenabler_sgi5", reg(sgi + GICD_ISENABLER) >> 5 & 1, 1);
	check_eq("gicr.icenabler_reads_enabled", reg(sgi + GICD_ICENABLER),
		 reg(sgi + GICD_ISENABLER));
	mmio_write32(sgi + GICD_IPRIORITYR + 4, 0x80604020);
	check_eq("gicr.ipriorityr1_readback", reg(sgi + GICD_IPRIORITYR + 4), 0x80604020);
	mmio_write32(sgi + GICD_IPRIORITYR + 4, 0xa0a0a0a0);
	mmio_write32(sgi + GICD_ICFGR + 4, 0xaaaaaaaa);
	check_eq("gicr.icfgr1_after_write_aa", reg(sgi + GICD_ICFGR + 4), 0xaaaaaaaa);
	mmio_write32(sgi + GICD_ICFGR + 4, 0);
	check_eq("gicr.icfgr1_after_write_0", reg(sgi + GICD_ICFGR + 4), 0);
	check_eq("gicr.igroupr0", reg(sgi + GICD_IGROUPR), 0);
	check_eq("gicr.igrpmodr0", reg(sgi + GICD_IGRPMODR), 0);
	check_eq("gicr.nsacr", reg(sgi + 0xe00), 0);
	mmio_write32(gicd + GICD_ISENABLER + SPI / 32 * 4, 1u << SPI % 32);
	check_eq("gicd.isenabler_spi", reg(gicd + GICD_ISENABLER + SPI / 32 * 4) >> SPI % 32 & 1,
		 1);
	mmio_write32(gicd + GICD_ICENABLER + SPI / 32 * 4, 1u << SPI % 32);
	check_eq("gicd.icenabler_spi", reg(gicd + GICD_ISENABLER + SPI / 32 * 4) >> SPI % 32 & 1,
		 0);
	mmio_write32(gicd + GICD_IPRIORITYR + SPI, 0x40302010);
	check_eq("gicd.ipriorityr_readback", reg(gicd + GICD_IPRIORITYR + SPI), 0x40302010);
	mmio_write32(gicd + GICD_IPRIORITYR + SPI, 0xa0a0a0a0);
}

/* Registers that must take an access and do nothing visible. */
static void check_harmless(void)
{
	check_eq("gicd.icactiver_write_ok", write_faults(gicd + GICD_ICACTIVER + 4, ~0u), 0);
	check_eq("gicr.icactiver0_write_ok", write_faults(sgi + GICD_ICACTIVER, ~0u), 0);
	check_eq("gicd.sgir_write_ok", write_faults(gicd + GICD_SGIR, 0), 0);
	check_eq("gicd.statusr_write_ok", write_faults(gicd + GICD_STATUSR, ~0u), 0);
	check_eq("gicd.impdef_write_ok", write_faults(gicd + 0x20, ~0u), 0);
	check_eq("gicd.irouter32_write_ok", write_faults(gicd + GICD_IROUTER + 8 * 32, 0), 0);
	check_eq("gicd.itargetsr8", reg(gicd + GICD_ITARGETSR + 32), 0);
	check_eq("gicd.igrpmodr1", reg(gicd + GICD_IGRPMODR + 4), 0);
	check_eq("gicd.isactiver1", reg(gicd + GICD_ISACTIVER + 4), 0);
	check_eq("gicr.isactiver0", reg(sgi + GICD_ISACTIVER), 0);
	check_eq("gicr.syncr", reg(gicr + GICR_SYNCR) & ~1, 0);
	/* Deliberate differences: real Xen answers these two with an abort. */
	check_eq("gicd.icpendr1_read", reg(gicd + GICD_ICPENDR + 4), 0);
	check_eq("gicd.isactiver_write_ok", write_faults(gicd + GICD_ISACTIVER + 4, 0), 0);
}

static void check_sgi_self(void)
{
	for (uint32_t i = 0; i < 16; i++) {
		irq_register(i, on_irq);
		gic_send_sgi_self(i);
		check_eqf(wait_for(&taken[i], 1, 10000), 1, "sgi.self_%u", i);
	}
	delay_us(1000);
	for (uint32_t i = 0; i < 16; i++)
		if (taken[i] != 1)
			check_eqf((int64_t)taken[i], 1, "sgi.self_%u_once", i);
	irq_disable();
	for (int i = 0; i < 3; i++)
		gic_send_sgi_self(4);
	irq_enable();
	delay_us(1000);
	check_eq("sgi.pending_collapses", (int64_t)taken[4], 2);
}

static void check_masking(void)
{
	uint64_t n = taken[5];

	mmio_write32(sgi + GICD_ICENABLER, 1 << 5);
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi.disabled_not_taken", (int64_t)(taken[5] - n), 0);
	mmio_write32(sgi + GICD_ISENABLER, 1 << 5);
	check("sgi.taken_when_enabled", wait_for(&taken[5], n + 1, 10000));
	sysreg_write(ICC_PMR_EL1, 0x80);
	isb();
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi.below_pmr_not_taken", (int64_t)(taken[5] - n), 1);
	sysreg_write(ICC_PMR_EL1, 0xff);
	isb();
	check("sgi.taken_when_pmr_opens", wait_for(&taken[5], n + 2, 10000));
	sysreg_write(ICC_IGRPEN1_EL1, 0);
	isb();
	gic_send_sgi_self(5);
	delay_us(1000);
	check_eq("sgi.group_off_not_taken", (int64_t)(taken[5] - n), 2);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
	check("sgi.taken_when_group_on", wait_for(&taken[5], n + 3, 10000));
}

/* More interrupts than a GIC has list registers, by priority and then all of them. */
static void check_order(void)
{
	int64_t missing = 0;

	mmio_write32(sgi + GICD_IPRIORITYR, 0x2080a040); /* SGI 3 first, then 0, 2, 1 */
	irq_disable();
	orders = 0;
	for (uint32_t i = 0; i < 4; i++)
		gic_send_sgi_self(i);
	irq_enable();
	delay_us(1000);
	check_eq("sgi.order_first", order[0], 3);
	check_eq("sgi.order_second", order[1], 0);
	check_eq("sgi.order_third", order[2], 2);
	check_eq("sgi.order_fourth", order[3], 1);
	mmio_write32(sgi + GICD_IPRIORITYR, 0xa0a0a0a0);
	memset(taken, 0, sizeof(taken));
	irq_disable();
	for (uint32_t i = 0; i < 16; i++)
		gic_send_sgi_self(i);
	irq_enable();
	delay_us(2000);
	for (uint32_t i = 0; i < 16; i++)
		missing += taken[i] != 1;
	check_eq("sgi.all_16_at_once_wrong", missing, 0);
}

static void check_set_pending(void)
{
	uint64_t n = taken[5];

	mmio_write32(sgi + GICD_ISPENDR, 1 << 5);
	check("gicr.ispendr_write_delivers", wait_for(&taken[5], n + 1, 10000));
	check_eq("gicd.ispendr_write_ok", write_faults(gicd + GICD_ISPENDR + SPI / 32 * 4, 0), 0);
}

static void check_targets(void)
{
	uint64_t n;

	PROBE("msr " STR(ICC_SGI1R_EL1) ", %[v]", , [v] "r"(6ul << 24 | 0xfful << 32 | 1));
	check_eq("sgi.bad_affinity_faults", (int64_t)fault.hits, 0);
	delay_us(1000);
	n = taken[6];
	sysreg_write(ICC_SGI1R_EL1, 6ul << 24 | 1ul << 40);
	isb();
	delay_us(1000);
	check_eq("sgi.irm_not_self", (int64_t)(taken[6] - n), 0);
}

static uint64_t second_up, second_taken[16], second_stop;

static void on_second(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
	if (cpu_id() == 1)
		second_taken[irq]++;
	else
		taken[irq]++;
}

static void second(uint64_t arg)
{
	(void)arg;
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
	uint64_t n = taken[6];

	irq_register(6, on_second);
	irq_register(7, on_second);
	check_eq("sgi.start_second", cpu_start(1, second, 0), 0);
	let_second_run(&second_up);
	gic_send_sgi(7, 1);
	let_second_run(&second_taken[7]);
	check_eq("sgi.to_second", (int64_t)second_taken[7], 1);
	sysreg_write(ICC_SGI1R_EL1, 6ul << 24 | 1ul << 40);
	isb();
	let_second_run(&second_taken[6]);
	check_eq("sgi.irm_second", (int64_t)second_taken[6], 1);
	check_eq("sgi.irm_not_self_with_second", (int64_t)(taken[6] - n), 0);
	WRITE_ONCE(second_stop, 1);
	gic_send_sgi(7, 1);
	sleep_us(2000);
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

	if (!rtc)
		return;
	mmio_write32(rtc + 0x10, 0);
	for (int i = 0; i < 10 && !mmio_read32(rtc + 0x14); i++)
		mmio_write32(rtc + 0x4, mmio_read32(rtc));
	irq_register(machine.rtc_irq, on_clock);
	irq_unmask(machine.rtc_irq);
	for (uint64_t i = 1; i <= 3; i++) {
		mmio_write32(rtc + 0x10, 1);
		check_eqf(wait_for(&clock_irqs, i, 10000), 1, "spi.device_irq_%lu", i);
	}
	delay_us(1000);
	check_eq("spi.device_exactly_3", (int64_t)clock_irqs, 3);
	irq_mask(machine.rtc_irq);
	mmio_write32(rtc + 0x10, 1);
	delay_us(1000);
	check_eq("spi.disabled_is_quiet", (int64_t)clock_irqs, 3);
	irq_unmask(machine.rtc_irq);
	check("spi.taken_when_enabled", wait_for(&clock_irqs, 4, 10000));
}

void guest_main(void)
{
	gicd = machine.gicd.base;
	gicr = gic_redist();
	sgi = gicr + GICR_SGI_BASE;
	check_identification();
	check_ctlr();
	check_sizes();
	check_banks();
	check_harmless();
	check_sgi_self();
	check_masking();
	check_order();
	check_set_pending();
	check_targets();
	check_second();
	check_device();
}
