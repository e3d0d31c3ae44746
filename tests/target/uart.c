// SPDX-License-Identifier: Apache-2.0
/* What dom0 finds where the hypervisor's own UART is: enough for an early console. */
/* machine: smp=1 vcpus=2 xen="guest_loglvl=all" */
#include "guest.h"

#define UART 0x9000000ul
#define SIZE 0x1000

/* How many bytes of the whole region a read of each size does not find to be zero. */
static int read_all(unsigned int size)
{
	int bad = 0;

	for (uint64_t off = 0; off < SIZE; off += size) {
		uint64_t v64 = 0;
		uint32_t v32 = 0;
		uint16_t v16 = 0;
		uint8_t v8 = 0;
		bool ok = size == 8 ? probe_read64(UART + off, &v64) :
			  size == 4 ? probe_read32(UART + off, &v32) :
			  size == 2 ? probe_read16(UART + off, &v16) :
				      probe_read8(UART + off, &v8);

		bad += !ok || v64 | v32 | v16 | v8;
	}
	return bad;
}

static int write_all(uint32_t value)
{
	int bad = 0;

	for (uint64_t off = 4; off < SIZE; off += 4)
		bad += !probe_write32(UART + off, value);
	return bad;
}

static void uart_puts(const char *s)
{
	while (*s)
		mmio_write32(UART, (uint8_t)*s++);
}

static bool write8(uint64_t addr, uint8_t v)
{
	PROBE("strb %w[v], [%[a]]", , [v] "r"((uint32_t)v), [a] "r"(addr));
	return !fault.hits;
}

static bool write16(uint64_t addr, uint16_t v)
{
	PROBE("strh %w[v], [%[a]]", , [v] "r"((uint32_t)v), [a] "r"(addr));
	return !fault.hits;
}

void guest_main(void)
{
	bool by_size[4];
	uint32_t v = 0;

	for (unsigned int size = 1; size <= 8; size *= 2)
		check_eqf(read_all(size), 0, "uart.reads_zero_%u", size * 8);
	check_eq("uart.writes_ignored", write_all(~0u), 0);
	check_eq("uart.still_zero", read_all(4), 0);
	/* As earlycon does: wait for room, write, wait until it has gone. */
	check_eq("uart.fr_room", mmio_read32(UART + 0x18) & 0x28, 0);
	/* One line in four sizes; results are told behind its end. */
	by_size[0] = write8(UART, '#');
	by_size[1] = write16(UART, ' ');
	by_size[2] = probe_write32(UART, 'u');
	by_size[3] = probe_write64(UART, '\n');
	for (unsigned int i = 0; i < 4; i++)
		check_eqf(by_size[i], 1, "uart.write%u", 8 << i);
	uart_puts("# through the UART\n");
	for (unsigned int i = 0; i < 1000; i++)
		mmio_write32(UART, i % 100 ? 'a' + i % 26 : '#');
	uart_puts("\n# \x01\x1b[1m\t\x7f\n");
	check("uart.beyond", !probe_read32(UART + SIZE, &v));
}
