# SPDX-License-Identifier: Apache-2.0
obj-y += drivers.o
obj-$(CONFIG_PL011) += pl011.o
