# SPDX-License-Identifier: Apache-2.0
obj-y += core.o pool.o
obj-y += timer.o
obj-$(CONFIG_SCHED_NULL) += null.o
obj-$(CONFIG_SCHED_CREDIT2) += credit2.o credit2_queue.o credit2_cap.o
