# SPDX-License-Identifier: Apache-2.0
obj-y += control.o
obj-y += domctl.o
obj-y += domain_info.o
obj-y += sysctl.o
obj-y += platform_op.o
obj-y += hypfs.o
