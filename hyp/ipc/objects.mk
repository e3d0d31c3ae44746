# SPDX-License-Identifier: Apache-2.0
obj-y += sched_op.o
obj-y += evtchn.o evtchn_2l.o evtchn_domain.o evtchn_static.o guest_atomic.o
obj-y += $(if $(CONFIG_EVTCHN_FIFO),evtchn_fifo.o,evtchn_fifo_absent.o)
obj-$(CONFIG_GRANT_TABLE) += grant_table.o grant_pin.o grant_map.o grant_copy.o grant_cache.o
obj-$(CONFIG_GRANT_TABLE) += $(if $(CONFIG_GRANT_V2),grant_v2.o,grant_v2_absent.o)
obj-y += $(if $(CONFIG_GRANT_TABLE),,grant_absent.o)
