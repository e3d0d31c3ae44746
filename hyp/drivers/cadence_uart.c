/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cadence UART of Xilinx Zynq and ZynqMP (UG1085 chapter 21, UG1087 module UART). Output is polled.
 * The baud rate and the line format stay as the firmware set them. Called under the console lock.
 */
#include <arch/barrier.h>
#include <serai/arch.h>
#include <serai/console.h>
#include <serai/errno.h>
#include <serai/uart.h>

enum {
	UART_CR = 0x00,
	UART_IER = 0x08,
	UART_IDR = 0x0c,
	UART_ISR = 0x14,
	UART_RXWM = 0x20, /* characters that raise INT_RTRIG */
	UART_SR = 0x2c,
	UART_FIFO = 0x30,
};

#define REGISTERS_SIZE 0x34

#define CR_RX_EN  0x004
#define CR_RX_DIS 0x008
#define CR_TX_EN  0x010
#define CR_TX_DIS 0x020

#define SR_REMPTY 0x002 /* nothing received */
#define SR_TEMPTY 0x008
#define SR_TFUL	  0x010 /* no room to send */

#define INT_RTRIG 0x001
#define INT_ALL	  0x1fff

static volatile u8 *regs;

static u32 reg_read(unsigned int offset)
{
	return *(volatile u32 *)(regs + offset);
}

static void reg_write(unsigned int offset, u32 value)
{
	*(volatile u32 *)(regs + offset) = value;
}

static void cadence_putc(char c)
{
	while (reg_read(UART_SR) & SR_TFUL)
		cpu_relax();
	reg_write(UART_FIFO, (u8)c);
}

/* The latched interrupt goes before the look at the FIFO: what comes later raises it again. */
static int cadence_getc(void)
{
	reg_write(UART_ISR, INT_RTRIG);
	if (reg_read(UART_SR) & SR_REMPTY)
		return -1;
	return (u8)reg_read(UART_FIFO);
}

static void cadence_irq_enable(void)
{
	reg_write(UART_RXWM, 1);
	reg_write(UART_ISR, INT_ALL);
	reg_write(UART_IER, INT_RTRIG);
}

static int cadence_init(paddr_t base, size_t size, u32 irq)
{
	const struct uart uart = {
		.name = "cadence-uart",
		.putc = cadence_putc,
		.getc = cadence_getc,
		.irq_enable = cadence_irq_enable,
		.irq = irq,
		.base = base,
		.size = size,
		.data_off = UART_FIFO,
		.status_off = UART_SR,
		.status = SR_REMPTY | SR_TEMPTY,
	};

	if (size < REGISTERS_SIZE)
		return -XEN_ENODEV;
	regs = mem_arch_map_device(base, size);
	if (!regs)
		return -XEN_ENOMEM;
	reg_write(UART_IDR, INT_ALL);
	reg_write(UART_CR, (reg_read(UART_CR) & ~(CR_RX_DIS | CR_TX_DIS)) | CR_RX_EN | CR_TX_EN);
	console_set_uart(&uart);
	return 0;
}

const struct uart_driver cadence_uart_driver = { "cdns,uart-r1p12", cadence_init };
const struct uart_driver xuartps_driver = { "xlnx,xuartps", cadence_init };
