# SPDX-License-Identifier: Apache-2.0
obj-y += control.o
obj-y += domctl.o domctl_domain.o domctl_vcpu.o domctl_memory.o
obj-y += domctl_device.o
obj-y += domctl_sched.o sysctl_sched.o
obj-y += domctl_newer.o
obj-y += domain_info.o
obj-y += sysctl.o
obj-y += sysctl_machine.o
obj-y += sysctl_pool.o
obj-y += sysctl_trace.o
obj-y += platform_op.o
obj-y += hypfs.o
