# SPDX-License-Identifier: Apache-2.0
obj-y += fdt.o fdt_irq.o range.o
obj-y += bootinfo.o bootmem.o
obj-y += kernel.o plan.o place.o seed.o
obj-y += dom0_devices.o dom0_fdt.o
obj-y += builder.o
