# SPDX-License-Identifier: Apache-2.0
obj-y += string.o
obj-y += format.o
obj-y += minheap.o
obj-y += inflate.o
