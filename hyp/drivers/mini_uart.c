/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mini UART of Broadcom's BCM2835 and its successors ("BCM2835 ARM Peripherals" section 2.2 and its
 * errata): an 8250 with registers of 32 bits. Output is polled. The baud rate stays as the firmware
 * set it, and so does the switch in front of the unit, which is the auxiliary block's. Called
 * under the console lock.
 */
#include <arch/barrier.h>
#include <serai/arch.h>
#include <serai/console.h>
#include <serai/errno.h>
#include <serai/uart.h>

enum {
	MU_IO = 0x00,
	MU_IER = 0x04,
	MU_LCR = 0x0c,
	MU_LSR = 0x14,
	MU_CNTL = 0x20,
};

#define REGISTERS_SIZE 0x2c

#define IER_RX	   0x01
#define LCR_8BIT   0x03 /* both bits, says the errata; and MU_IO is not the divisor */
#define LSR_READY  0x01 /* something was received */
#define LSR_ROOM   0x20 /* something can be sent */
#define LSR_IDLE   0x40
#define CNTL_RX_TX 0x03

static volatile u8 *regs;

static u32 reg_read(unsigned int offset)
{
	return *(volatile u32 *)(regs + offset);
}

static void reg_write(unsigned int offset, u32 value)
{
	*(volatile u32 *)(regs + offset) = value;
}

static void mini_uart_putc(char c)
{
	while (!(reg_read(MU_LSR) & LSR_ROOM))
		cpu_relax();
	reg_write(MU_IO, (u8)c);
}

static int mini_uart_getc(void)
{
	if (!(reg_read(MU_LSR) & LSR_READY))
		return -1;
	return (u8)reg_read(MU_IO);
}

static void mini_uart_irq_enable(void)
{
	reg_write(MU_IER, IER_RX);
}

static int mini_uart_init(paddr_t base, size_t size, u32 irq)
{
	const struct uart uart = {
		.name = "mini-uart",
		.putc = mini_uart_putc,
		.getc = mini_uart_getc,
		.irq_enable = mini_uart_irq_enable,
		.irq = irq,
		.base = base,
		.size = size,
		.data_off = MU_IO,
		.status_off = MU_LSR,
		.status = LSR_ROOM | LSR_IDLE,
	};

	if (size < REGISTERS_SIZE)
		return -XEN_ENODEV;
	regs = mem_arch_map_device(base, size);
	if (!regs)
		return -XEN_ENOMEM;
	reg_write(MU_LCR, LCR_8BIT);
	reg_write(MU_IER, 0);
	reg_write(MU_CNTL, CNTL_RX_TX);
	console_set_uart(&uart);
	return 0;
}

const struct uart_driver mini_uart_driver = { "brcm,bcm2835-aux-uart", mini_uart_init };
