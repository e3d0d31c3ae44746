# SPDX-License-Identifier: Apache-2.0
obj-y += mmio.o
obj-y += vpl011.o
obj-y += host_uart.o
