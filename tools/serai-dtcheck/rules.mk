# SPDX-License-Identifier: Apache-2.0
# tools/serai-dtcheck: the hypervisor's parser as a program of this machine, in the configuration of
# $(BUILD). Included by the Makefile.

DTCHECK := $(BUILD)/dtcheck
DTCHECK_HYP := $(wildcard hyp/boot/boot*.c) hyp/core/cmdline.c hyp/core/options.c \
	$(addprefix hyp/boot/,fdt.c fdt_irq.c range.c plan.c decide.c console_find.c kernel.c \
	kernel_elf.c kernel_unpack.c place.c place_files.c passthrough.c pass_check.c \
	dom0_devices.c) hyp/lib/inflate.c
DTCHECK_SOURCES := $(wildcard tools/serai-dtcheck/*.c) $(DTCHECK_HYP) \
	$(patsubst $(BUILD)/%.o,%.c,$(filter $(BUILD)/hyp/drivers/%.o,$(OBJS)))
DTCHECK_OBJS := $(patsubst %.c,$(DTCHECK)/%.o,$(DTCHECK_SOURCES))
# Of the stand-in architecture what is asked for; without lock ranks there is nothing to check them.
DTCHECK_HOST := $(filter-out $(if $(CONFIG_LOCK_RANKS),,hyp/arch/host/lock.c),$(wildcard hyp/arch/host/*.c))
DTCHECK_HOST_OBJS := $(patsubst %.c,$(DTCHECK)/%.o,$(DTCHECK_HOST))
DTCHECK_LIBS ?= -lfdt
DTCHECK_CPPFLAGS := -D_GNU_SOURCE -Ihyp/include -Ihyp/arch/host/include -I$(INC) \
	-include $(INC)/autoconf.h
DTCHECK_CFLAGS := -std=gnu11 -O2 -g -fno-strict-aliasing -fno-common $(WARN)

$(DTCHECK)/hyp/arch/host/%.o $(DTCHECK)/tools/%.o: private DTCHECK_CFLAGS += -Wno-conversion \
	-Wno-missing-prototypes

$(DTCHECK)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(HOSTCC) $(DTCHECK_CPPFLAGS) $(DTCHECK_CFLAGS)' | $(update)

$(DTCHECK)/%.o: %.c $(DTCHECK)/.flags | $(HEADERS)
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(DTCHECK_CPPFLAGS) $(DTCHECK_CFLAGS) -MMD -MP -c -o $@ $<

$(DTCHECK)/libhost.a: $(DTCHECK_HOST_OBJS)
	$(Q)rm -f $@ && ar rcsD $@ $^

$(BUILD)/serai-dtcheck: $(DTCHECK_OBJS) $(DTCHECK)/libhost.a
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $(DTCHECK_OBJS) $(DTCHECK)/libhost.a $(DTCHECK_LIBS)

.PHONY: serai-dtcheck
serai-dtcheck:
	@[ -e /usr/include/libfdt.h ] || { echo "make: libfdt.h is missing; install it with:" \
		"apt install libfdt-dev" >&2; exit 1; }
	@$(MAKE) $(BUILD)/serai-dtcheck

-include $(shell [ -d $(DTCHECK) ] && find $(DTCHECK) -name '*.d')
