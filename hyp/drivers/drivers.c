/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of this build; one that was not built is an undefined weak symbol, NULL here. */
#include <serai/compiler.h>
#include <serai/power.h>
#include <serai/uart.h>

extern const struct uart_driver pl011_driver __weak_sym, sbsa_uart_driver __weak_sym;
extern const struct uart_driver cadence_uart_driver __weak_sym, xuartps_driver __weak_sym;
extern const struct uart_driver mini_uart_driver __weak_sym;

const struct uart_driver *const uart_drivers[] = {
	&pl011_driver,
	&sbsa_uart_driver,
	&cadence_uart_driver,
	&xuartps_driver,
	&mini_uart_driver,
};

const unsigned int uart_drivers_count = ARRAY_SIZE(uart_drivers);

extern const struct power_driver bcm2835_pm_driver __weak_sym;

const struct power_driver *const power_drivers[] = {
	&bcm2835_pm_driver,
};

const unsigned int power_drivers_count = ARRAY_SIZE(power_drivers);
