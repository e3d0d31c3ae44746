# SPDX-License-Identifier: Apache-2.0
obj-y += units.o
obj-y += hypercalls.o
