# SPDX-License-Identifier: Apache-2.0
obj-y += fdt.o fdt_irq.o range.o
obj-y += bootinfo.o bootdomain.o bootdomain_static.o bootheap.o bootranges.o bootmem.o bootcheck.o
obj-y += bootshm.o bootevtchn.o bootpool.o console_find.o
obj-y += kernel.o kernel_elf.o kernel_unpack.o plan.o place.o place_files.o decide.o seed.o
obj-y += fdt_out.o shm_fdt.o
obj-y += passthrough.o pass_check.o pass_build.o pass_fdt.o
obj-y += dom0_devices.o dom0_fdt.o domu_fdt.o
obj-y += load.o ram.o static_ram.o shm.o channels.o pools.o guest.o restart.o builder.o start.o
