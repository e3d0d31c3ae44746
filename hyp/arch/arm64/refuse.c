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

static volatile u32 *__init find_uart(const void *fdt)
{
	int node, parent, len, cells;
	const fdt32_t *reg;
	u64 base = 0;

	if (fdt_check_header(fdt))
		return NULL;
	node = fdt_node_offset_by_compatible(fdt, -1, "arm,pl011");
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

static void __init uart_write(volatile u32 *uart, const char *s)
{
	for (; *s; s++) {
		while (uart[PL011_FR / 4] & PL011_FR_TXFF)
			;
		uart[PL011_DR / 4] = (u32)(u8)*s;
	}
}

void __init boot_refuse_el(const void *fdt, u64 el)
{
	char level[] = "EL0";
	volatile u32 *uart = find_uart(fdt);

	if (!uart)
		return;
	level[2] = (char)('0' + el);
	uart_write(uart, "Serai: entered at ");
	uart_write(uart, level);
	uart_write(uart, ", but a hypervisor needs EL2. Firmware: hand over at EL2 (U-Boot does so "
			 "when it runs there). QEMU: -machine virt,virtualization=on.\r\n");
}
