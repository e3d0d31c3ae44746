# SPDX-License-Identifier: Apache-2.0
obj-y += drivers.o
obj-$(CONFIG_PL011) += pl011.o
obj-$(CONFIG_CADENCE_UART) += cadence_uart.o
obj-$(CONFIG_MINI_UART) += mini_uart.o
obj-$(CONFIG_BCM2835_PM) += bcm2835_pm.o
