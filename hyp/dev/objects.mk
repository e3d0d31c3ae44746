obj-y += mmio.o
