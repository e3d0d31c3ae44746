obj-y += units.o
obj-y += hypercalls.o
