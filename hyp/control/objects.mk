# SPDX-License-Identifier: Apache-2.0
obj-y += control.o
obj-y += domctl.o
obj-y += domctl_device.o
obj-y += domain_info.o
obj-y += sysctl.o sysctl_trace.o
obj-y += platform_op.o
obj-y += hypfs.o
