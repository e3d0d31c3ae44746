/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm PrimeCell UART (PL011, DDI 0183) and the subset of it that SBSA defines (DEN 0029). Output
 * is polled. The baud rate and the line format stay as the firmware set them. Called under the
 * console lock.
 */
#include <arch/barrier.h>
#include <serai/arch.h>
#include <serai/console.h>
#include <serai/errno.h>
#include <serai/uart.h>

enum {
	UARTDR = 0x00,
	UARTFR = 0x18,
	UARTLCR_H = 0x2c,
	UARTCR = 0x30,
	UARTIFLS = 0x34,
	UARTIMSC = 0x38,
	UARTICR = 0x44,
};

#define REGISTERS_SIZE 0x48

#define FR_RXFE 0x10 /* nothing received */
#define FR_TXFF 0x20 /* no room to send */

#define LCR_H_FEN  0x10 /* FIFOs */
#define LCR_H_WLEN 0x60
#define LCR_H_8BIT 0x60

#define CR_UARTEN 0x001
#define CR_TXE	  0x100
#define CR_RXE	  0x200

#define IFLS_RX_HALF 0x10

#define INT_RX	0x10
#define INT_RT	0x40 /* something has been waiting for a while */
#define INT_ALL 0x7ff

static volatile u8 *regs;

static u32 reg_read(unsigned int offset)
{
	return *(volatile u32 *)(regs + offset);
}

static void reg_write(unsigned int offset, u32 value)
{
	*(volatile u32 *)(regs + offset) = value;
}

static void pl011_putc(char c)
{
	while (reg_read(UARTFR) & FR_TXFF)
		cpu_relax();
	reg_write(UARTDR, (u8)c);
}

static int pl011_getc(void)
{
	if (reg_read(UARTFR) & FR_RXFE)
		return -1;
	return (u8)reg_read(UARTDR);
}

static void pl011_irq_enable(void)
{
	reg_write(UARTICR, INT_ALL);
	reg_write(UARTIMSC, INT_RX | INT_RT);
}

/* setup: what is needed before the registers that both kinds have; may be NULL. */
static int uart_start(const struct uart *uart, void (*setup)(void))
{
	if (uart->size < REGISTERS_SIZE)
		return -XEN_ENODEV;
	regs = mem_arch_map_device(uart->base, uart->size);
	if (!regs)
		return -XEN_ENOMEM;
	reg_write(UARTIMSC, 0);
	reg_write(UARTICR, INT_ALL);
	if (setup)
		setup();
	console_set_uart(uart);
	return 0;
}

static struct uart uart_make(const char *name, paddr_t base, size_t size, u32 irq)
{
	return (struct uart){
		.name = name,
		.putc = pl011_putc,
		.getc = pl011_getc,
		.irq_enable = pl011_irq_enable,
		.irq = irq,
		.base = base,
		.size = size,
	};
}

static int sbsa_uart_init(paddr_t base, size_t size, u32 irq)
{
	struct uart uart = uart_make("sbsa-uart", base, size, irq);

	return uart_start(&uart, NULL);
}

static void pl011_setup(void)
{
	u32 format = reg_read(UARTLCR_H);

	if (!(format & LCR_H_WLEN))
		format |= LCR_H_8BIT;
	reg_write(UARTLCR_H, format | LCR_H_FEN);
	reg_write(UARTIFLS, IFLS_RX_HALF);
	reg_write(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
}

static int pl011_init(paddr_t base, size_t size, u32 irq)
{
	struct uart uart = uart_make("pl011", base, size, irq);

	return uart_start(&uart, pl011_setup);
}

const struct uart_driver pl011_driver = { "arm,pl011", pl011_init };
const struct uart_driver sbsa_uart_driver = { "arm,sbsa-uart", sbsa_uart_init };
