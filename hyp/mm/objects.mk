# SPDX-License-Identifier: Apache-2.0
obj-y += frame.o heap.o mem.o p2m.o
