/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entered at another level than EL2: says so and stops. Runs at its physical address with the MMU
 * off, so nothing here may use the address of a function or a table of pointers.
 */
#include <arch/refuse.h>
#include <libfdt.h>
#include <serai/compiler.h>

#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_TXFF BIT(5)

#define CADENCE_CR	0x00
#define CADENCE_SR	0x2c
#define CADENCE_FIFO	0x30
#define CADENCE_CR_TX	BIT(4)
#define CADENCE_SR_TFUL BIT(4)

struct early_uart {
	volatile u32 *regs;
	u32 data, status, full;
};

static volatile u32 *__init find_registers(const void *fdt, const char *compatible)
{
	int node, parent, len, cells;
	const fdt32_t *reg;
	u64 base = 0;

	node = fdt_node_offset_by_compatible(fdt, -1, compatible);
	if (node < 0)
		return NULL;
	parent = fdt_parent_offset(fdt, node);
	cells = fdt_address_cells(fdt, parent);
	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg || cells < 1 || cells > 2 || len < cells * 4)
		return NULL;
	for (int i = 0; i < cells; i++)
		base = base << 32 | fdt32_ld(&reg[i]);
	return (volatile u32 *)base;
}

/* The UARTs of machines on which the level is a question of the emulator's arguments. */
static bool __init find_uart(const void *fdt, struct early_uart *u)
{
	if (fdt_check_header(fdt))
		return false;
	u->regs = find_registers(fdt, "arm,pl011");
	u->data = PL011_DR;
	u->status = PL011_FR;
	u->full = PL011_FR_TXFF;
	if (u->regs)
		return true;
	u->regs = find_registers(fdt, "cdns,uart-r1p12");
	if (!u->regs)
		return false;
	u->data = CADENCE_FIFO;
	u->status = CADENCE_SR;
	u->full = CADENCE_SR_TFUL;
	u->regs[CADENCE_CR / 4] = CADENCE_CR_TX;
	return true;
}

static void __init uart_write(const struct early_uart *u, const char *s)
{
	for (; *s; s++) {
		while (u->regs[u->status / 4] & u->full)
			;
		u->regs[u->data / 4] = (u32)(u8)*s;
	}
}

void __init boot_refuse_el(const void *fdt, u64 el)
{
	char level[] = "EL0";
	struct early_uart uart;

	if (!find_uart(fdt, &uart))
		return;
	level[2] = (char)('0' + el);
	uart_write(&uart, "Serai: entered at ");
	uart_write(&uart, level);
	uart_write(&uart, ", but a hypervisor needs EL2. Firmware: hand over at EL2 (U-Boot does so "
			  "when it runs there). QEMU: -machine virt,virtualization=on.\r\n");
}
