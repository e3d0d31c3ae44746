/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UARTs that the hypervisor can drive, by the compatible string of their device tree node. The
 * boot code finds the node; init() maps the registers, prepares the device and hands itself to
 * console_set_uart().
 */
#ifndef SERAI_UART_H
#define SERAI_UART_H

#include <serai/types.h>

struct uart_driver {
	const char *compatible;
	/* irq 0: output only. 0, -XEN_ENOMEM when the registers cannot be mapped, -XEN_ENODEV. */
	int (*init)(paddr_t base, size_t size, u32 irq);
};

extern const struct uart_driver *const uart_drivers[]; /* NULL: not in this build */
extern const unsigned int uart_drivers_count;

#endif
