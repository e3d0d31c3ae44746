// SPDX-License-Identifier: Apache-2.0
/* The UART of a guest that is not dom0: its registers and its interrupt. */
/* machine: smp=1 vcpus=1 domu=1 gic=3,2 */
#include "guest.h"

#define DR   0x00
#define RSR  0x04
#define FR   0x18
#define IMSC 0x38
#define RIS  0x3c
#define MIS  0x40
#define ICR  0x44

#define FR_BUSY 0x08
#define FR_RXFE 0x10
#define FR_TXFF 0x20
#define FR_RXFF 0x40
#define FR_TXFE 0x80
#define INT_TX	0x20

#define ABORT 0x96000000

static uint32_t rd(uint64_t off)
{
	return mmio_read32(machine.uart.base + off);
}

static void wr(uint64_t off, uint32_t v)
{
	mmio_write32(machine.uart.base + off, v);
}

static bool write8(uint64_t off, uint8_t v)
{
	PROBE("strb %w[v], [%[a]]", , [v] "r"((uint32_t)v), [a] "r"(machine.uart.base + off));
	return !fault.hits;
}

static bool write16(uint64_t off, uint16_t v)
{
	PROBE("strh %w[v], [%[a]]", , [v] "r"((uint32_t)v), [a] "r"(machine.uart.base + off));
	return !fault.hits;
}

static bool in_list(const uint64_t *list, size_t n, uint64_t off)
{
	while (n--)
		if (list[n] == off)
			return true;
	return false;
}

/* Reads of one size at every offset: how many answered otherwise than they should. */
static int wrong_reads(unsigned int size)
{
	static const uint64_t readable[] = { DR, RSR, FR, IMSC, RIS, MIS };
	uint64_t at = machine.uart.base, v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;
	int wrong = 0;

	for (uint64_t off = 0; off < 0x100; off += size) {
		bool want = size <= 4 && in_list(readable, ARRAY_SIZE(readable), off);
		bool ok = size == 8 ? probe_read64(at + off, &v64) :
			  size == 4 ? probe_read32(at + off, &v32) :
			  size == 2 ? probe_read16(at + off, &v16) :
				      probe_read8(at + off, &v8);

		wrong += ok != want;
	}
	return wrong;
}

static int wrong_writes(void)
{
	static const uint64_t writable[] = { RSR, FR, IMSC, RIS, MIS, ICR };
	int wrong = 0;

	for (uint64_t off = 4; off < 0x100; off += 4)
		wrong += probe_write32(machine.uart.base + off, 0) !=
			 in_list(writable, ARRAY_SIZE(writable), off);
	return wrong;
}

static void check_registers(void)
{
	uint32_t v;

	for (unsigned int size = 1; size <= 8; size *= 2)
		check_eqf(wrong_reads(size), 0, "vpl011.reads%u", 8 * size);
	check_eq("vpl011.writes32", wrong_writes(), 0);
	check_eq("vpl011.write64", probe_write64(machine.uart.base, 'x'), 0);
	check("vpl011.cr_aborts", !probe_read32(machine.uart.base + 0x30, &v));
	check_eq("vpl011.cr_syndrome", (int64_t)fault.esr, ABORT);
	check("vpl011.cr_write_aborts", !probe_write32(machine.uart.base + 0x30, 0));
	check_eq("vpl011.cr_write_syndrome", (int64_t)fault.esr, ABORT);
	check("vpl011.icr_read_aborts", !probe_read32(machine.uart.base + ICR, &v));
	check("vpl011.periphid_aborts", !probe_read32(machine.uart.base + 0xfe0, &v));
	check("vpl011.cellid_aborts", !probe_read32(machine.uart.base + 0xffc, &v));
	check("vpl011.beyond", !probe_read32(machine.uart.base + machine.uart.size, &v));
	check_eq("vpl011.empty", rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFE);
	check_eq("vpl011.room", rd(FR) & (FR_TXFF | FR_BUSY), 0);
	check_eq("vpl011.sent", rd(FR) & FR_TXFE, FR_TXFE);
	check_eq("vpl011.dr_empty", rd(DR), 0);
	check_eq("vpl011.rsr", rd(RSR), 0);
}

static void check_masks(void)
{
	uint32_t all, high, highest, icr, sent;

	wr(IMSC, ~0u);
	all = rd(IMSC);
	write8(IMSC, 0);
	high = rd(IMSC);
	write16(IMSC, 0);
	highest = rd(IMSC);
	wr(IMSC, 0);
	wr(ICR, ~0u);
	icr = rd(RIS);
	wr(DR, '#');
	sent = rd(RIS);
	write8(ICR, INT_TX);
	icr |= rd(RIS);
	wr(DR, '\n');
	check_eq("vpl011.imsc", all, 0xffffffff);
	check_eq("vpl011.imsc_byte", high, 0xffffff00);
	check_eq("vpl011.imsc_half", highest, 0xffff0000);
	check_eq("vpl011.icr", icr, 0);
	check_eq("vpl011.ris_sent", sent, INT_TX);
	check_eq("vpl011.mis_masked", rd(MIS), 0);
}

static volatile uint32_t taken, wanted;

/* Masks the UART only once it came as often as wanted. */
static void uart_irq(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	(void)frame;
	if (++taken >= wanted)
		wr(IMSC, 0);
}

static uint32_t interrupts(uint32_t want, uint32_t mask)
{
	taken = 0;
	wanted = want;
	wr(IMSC, mask);
	for (unsigned int i = 0; i < 10000 && taken < want; i++)
		isb();
	wr(IMSC, 0);
	return taken;
}

static void check_interrupt(void)
{
	uint32_t before, once, again;

	check_eq("vpl011.spi", machine.uart_irq, 32);
	irq_register(machine.uart_irq, uart_irq);
	irq_unmask(machine.uart_irq);
	wr(ICR, ~0u);
	before = interrupts(1, INT_TX);
	wr(DR, '#');
	once = interrupts(1, INT_TX);
	again = interrupts(3, INT_TX);
	wr(DR, '\n');
	check_eq("vpl011.irq_none", before, 0);
	check_eq("vpl011.irq_sent", once, 1);
	check_eq("vpl011.irq_level", again, 3);
	irq_mask(machine.uart_irq);
}

void guest_main(void)
{
	if (!machine.uart.size)
		guest_abort("there is no UART");
	check_registers();
	check_masks();
	check_interrupt();
}
