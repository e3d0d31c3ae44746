// SPDX-License-Identifier: Apache-2.0
/* Registers, maintenance instructions, firmware calls and emulated devices. */
#include "bench.h"

#define UART_FR (0x9000000ul + 0x18)

#define BENCH_READ(name, reg) BENCH_INSN(name, "mrs x9, " reg)
/* An instruction that the hypervisor may refuse; x9 and x10 are its registers. */
#define BENCH_INSN(name, insn)                                                           \
	do {                                                                             \
		PROBE(insn, , [dummy] "r"(0));                                           \
		if (fault.hits)                                                          \
			bench_na(name, "exception", (int64_t)fault.esr);                 \
		else                                                                     \
			BENCH(name, 1000, asm volatile(insn ::: "x9", "x10", "memory")); \
	} while (0)

void bench_registers(void)
{
	BENCH_READ("midr_read", "midr_el1");
	BENCH_READ("id_aa64pfr0_read", "id_aa64pfr0_el1");
	BENCH_READ("id_aa64isar0_read", "id_aa64isar0_el1");
	BENCH_READ("actlr_read", "actlr_el1");
	BENCH_READ("ctr_read", "ctr_el0");
	BENCH_READ("mdscr_read", "mdscr_el1");
	BENCH_READ("pmcr_read", "pmcr_el0");
	BENCH_READ("pmccntr_read", "pmccntr_el0");
	BENCH_READ("osdlr_read", "osdlr_el1");
	BENCH_INSN("tlbi_vmalle1is", "dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb");
	BENCH_INSN("dc_cisw", "mov x9, #0\n\tdc cisw, x9");
	BENCH_INSN("sctlr_write", "mrs x9, sctlr_el1\n\tmsr sctlr_el1, x9\n\tisb");
	BENCH_INSN("icc_pmr_rw", "mrs x9, " STR(ICC_PMR_EL1) "\n\tmsr " STR(ICC_PMR_EL1) ", x9");
	BENCH_READ("icc_iar_spurious", STR(ICC_IAR1_EL1));
}

void bench_firmware(void)
{
	BENCH("psci_version", 1000, psci(PSCI_VERSION, 0, 0, 0));
	BENCH("smccc_version", 1000, psci(SMCCC_VERSION, 0, 0, 0));
	BENCH("smccc_unknown", 1000, psci(0x84000050, 0, 0, 0));
	BENCH("psci_affinity_info", 1000, psci(PSCI_AFFINITY_INFO64, machine.mpidr[0], 0, 0));
}

/* Drivers reach their devices by a call; so does this, for a device that does not trap too. */
static __attribute__((noinline)) uint32_t device_read(uint64_t addr)
{
	return mmio_read32(addr);
}

static __attribute__((noinline)) void device_write(uint64_t addr, uint32_t v)
{
	mmio_write32(addr, v);
}

static void bench_mmio_read(const char *name, uint64_t addr)
{
	uint32_t v;

	if (!probe_read32(addr, &v)) {
		bench_na(name, "exception", (int64_t)fault.esr);
		return;
	}
	BENCH(name, 1000, device_read(addr));
}

static void bench_mmio_write(const char *name, uint64_t addr, uint32_t v)
{
	if (!probe_write32(addr, v)) {
		bench_na(name, "exception", (int64_t)fault.esr);
		return;
	}
	BENCH(name, 1000, device_write(addr, v));
}

static void bench_sgi(void)
{
	uint64_t before = irq_count[0];

	gic_send_sgi_self(3);
	if (!wait_for(&irq_count[0], before + 1, 10000)) {
		bench_na("sgi_self", "no interrupt", 0);
		return;
	}
	BENCH("sgi_self", 1000, {
		uint64_t seen = READ_ONCE(irq_count[0]);

		gic_send_sgi_self(3);
		for (int i = 0; i < 100000 && READ_ONCE(irq_count[0]) == seen; i++)
			;
	});
}

/*
 * A real device's interrupt: the PL031 clock that the guest owns. Its alarm is made pending once;
 * opening and closing its mask then raises and lowers the line.
 */
#define RTC_DR	 0x0
#define RTC_MR	 0x4
#define RTC_IMSC 0x10
#define RTC_RIS	 0x14

static uint64_t rtc_irqs;

static void on_rtc(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	(void)frame;
	device_write(machine.rtc.base + RTC_IMSC, 0);
	rtc_irqs++;
}

static void bench_rtc(void)
{
	uint64_t rtc = machine.rtc.base;
	uint32_t v;

	if (!rtc || !probe_read32(rtc + RTC_DR, &v)) {
		bench_na("spi_hw_irq_roundtrip", "no clock device", 0);
		bench_na("mmio_rtc_passthrough_read", "no clock device", 0);
		return;
	}
	mmio_write32(rtc + RTC_IMSC, 0);
	for (int i = 0; i < 10 && !mmio_read32(rtc + RTC_RIS); i++)
		mmio_write32(rtc + RTC_MR, mmio_read32(rtc + RTC_DR));
	irq_register(machine.rtc_irq, on_rtc);
	irq_unmask(machine.rtc_irq);
	mmio_write32(rtc + RTC_IMSC, 1);
	if (wait_for(&rtc_irqs, 1, 10000))
		BENCH("spi_hw_irq_roundtrip", 500, {
			uint64_t seen = READ_ONCE(rtc_irqs);

			device_write(rtc + RTC_IMSC, 1);
			for (int i = 0; i < 100000 && READ_ONCE(rtc_irqs) == seen; i++)
				;
		});
	else
		bench_na("spi_hw_irq_roundtrip", "no interrupt", 0);
	mmio_write32(rtc + RTC_IMSC, 0);
	irq_mask(machine.rtc_irq);
	BENCH("mmio_rtc_passthrough_read", 1000, device_read(rtc + RTC_DR));
}

void bench_devices(void)
{
	uint64_t gicd = machine.gicd.base, gicr = gic_redist();

	bench_mmio_read("mmio_gicd_typer_read", gicd + GICD_TYPER);
	bench_mmio_read("mmio_gicd_ctlr_read", gicd + GICD_CTLR);
	bench_mmio_read("mmio_gicd_isenabler1_read", gicd + GICD_ISENABLER + 4);
	bench_mmio_write("mmio_gicd_icenabler1_write0", gicd + GICD_ICENABLER + 4, 0);
	BENCH("mmio_gicr_typer_read", 1000, (void)mmio_read64(gicr + GICR_TYPER));
	bench_mmio_write("mmio_gicr_isenabler0_write", gicr + GICR_SGI_BASE + GICD_ISENABLER, 1);
	bench_mmio_read("mmio_uart_fr_read", UART_FR);
	bench_sgi();
	bench_rtc();
}
