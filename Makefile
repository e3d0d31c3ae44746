# SPDX-License-Identifier: Apache-2.0
#
# The one Makefile of Serai. `make help` lists the targets, docs/building.md explains them.
#
# Objects come from the lists hyp/objects.mk, hyp/*/objects.mk and hyp/arch/$(ARCH)/[*/]objects.mk:
#     obj-y += frame.o
#     obj-$(CONFIG_PL011) += pl011.o
# with paths relative to the folder of the list. A file's own flags: cflags-frame.o := -DX=1

VERSION := 0.1.0
ARCH    := arm64
BUILD   ?= build

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all
all:

# All CPUs, unless the user says -j.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory
export LC_ALL := C
export GIT_OPTIONAL_LOCKS := 0

ifeq ($(V),1)
Q :=
say =
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

# ---- tools -------------------------------------------------------------------------------------

CROSS_COMPILE ?= aarch64-linux-gnu-
ifeq ($(LLVM),1)
CC := clang
LD := ld.lld
OBJCOPY := llvm-objcopy
NM := llvm-nm
else
ifneq ($(origin CC),command line)
CC := $(CROSS_COMPILE)gcc
endif
LD := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
NM := $(CROSS_COMPILE)nm
endif
HOSTCC ?= gcc
PYTHON ?= python3

is_clang := $(findstring clang,$(notdir $(firstword $(CC))))
ifneq ($(is_clang),)
HYP_CC := $(CC) --target=aarch64-linux-gnu
else
HYP_CC := $(CC)
endif

# ---- configuration -----------------------------------------------------------------------------

CONFIG := $(BUILD)/.config
GEN    := $(BUILD)/gen
INC    := $(BUILD)/include
DEFCONFIGS := $(notdir $(wildcard configs/*_defconfig))
KCONF  := KCONFIG_CONFIG=.config srctree=$(CURDIR)
need_kconfig = command -v kconfig-conf >/dev/null || { \
	echo "make: kconfig-conf is missing; install it with: apt install kconfig-frontends-nox" >&2; exit 1; }

# Goals that need neither the configuration nor the object lists.
PLAIN := help clean distclean run% fetch deps menuconfig olddefconfig savedefconfig $(DEFCONFIGS) \
	 check check-clang check-repro check-system
BUILDING := $(if $(MAKECMDGOALS),$(filter-out $(PLAIN),$(MAKECMDGOALS)),all)
ifneq ($(BUILDING),)
include $(BUILD)/auto.conf
endif

$(CONFIG):
	@$(need_kconfig); mkdir -p $(@D)
	$(call say,CONFIG,"server_defconfig (no configuration chosen yet)")
	@cd $(@D) && $(KCONF) kconfig-conf --defconfig=$(CURDIR)/configs/server_defconfig \
		$(CURDIR)/Kconfig >/dev/null

.PHONY: menuconfig olddefconfig savedefconfig $(DEFCONFIGS)
$(DEFCONFIGS):
	@$(need_kconfig); mkdir -p $(BUILD)
	$(call say,CONFIG,"$@ -> $(CONFIG)")
	@cd $(BUILD) && $(KCONF) kconfig-conf --defconfig=$(CURDIR)/configs/$@ $(CURDIR)/Kconfig >/dev/null

menuconfig: $(CONFIG)
	@cd $(BUILD) && $(KCONF) kconfig-mconf $(CURDIR)/Kconfig

olddefconfig: $(CONFIG)
	@cd $(BUILD) && $(KCONF) kconfig-conf --olddefconfig $(CURDIR)/Kconfig >/dev/null

savedefconfig: $(CONFIG)
	@cd $(BUILD) && $(KCONF) kconfig-conf --savedefconfig defconfig $(CURDIR)/Kconfig >/dev/null
	@echo "minimal configuration: $(BUILD)/defconfig"

# What the user wrote is first completed against Kconfig; then .config -> make and C:
# CONFIG_X=y becomes 1, =n (or not set) stays undefined, values are copied.
$(BUILD)/auto.conf: $(CONFIG) Kconfig
	@$(need_kconfig)
	@cd $(BUILD) && $(KCONF) kconfig-conf --olddefconfig $(CURDIR)/Kconfig >/dev/null
	@cp $(CONFIG) $@

$(INC)/autoconf.h: $(BUILD)/auto.conf scripts/autoconf.awk
	@mkdir -p $(@D)
	$(Q)awk -f scripts/autoconf.awk $< > $@

# ---- object lists ------------------------------------------------------------------------------

OBJECT_LISTS := $(wildcard hyp/objects.mk hyp/*/objects.mk hyp/arch/$(ARCH)/objects.mk \
		hyp/arch/$(ARCH)/*/objects.mk)
OBJS :=
define read_list
obj-y :=
include $(1)/objects.mk
OBJS += $$(addprefix $(BUILD)/$(1)/,$$(obj-y))
$$(foreach o,$$(obj-y),$$(eval flags-$(BUILD)/$(1)/$$(o) := $$$$(cflags-$$(o))))
$$(foreach o,$$(obj-y),$$(eval undefine cflags-$$(o)))
endef
$(foreach l,$(OBJECT_LISTS),$(eval $(call read_list,$(patsubst %/,%,$(dir $(l))))))

# ---- flags -------------------------------------------------------------------------------------

LIBFDT := $(BUILD)/libfdt
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wmissing-prototypes \
	-Wstrict-prototypes -Wundef -Wwrite-strings -Wno-unused-parameter -Werror
# The last map that fits is the one that is used.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(BUILD)=build \
	-ffile-prefix-map=$(abspath $(BUILD))=build
CPPFLAGS := -nostdinc -isystem $(shell command -v $(CC) >/dev/null && $(CC) -print-file-name=include) \
	-Ihyp/include -Ihyp/arch/$(ARCH)/include -I$(INC) -isystem $(LIBFDT)/include \
	-include $(INC)/autoconf.h
CFLAGS := -std=gnu11 -ffreestanding -fbuiltin -O2 -g -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -fno-pic -fno-pie -fno-common -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections $(PREFIX_MAP) $(WARN)
CFLAGS += $(if $(CONFIG_STACK_PROTECTOR),-fstack-protector-strong,-fno-stack-protector)
CFLAGS += $(if $(CONFIG_FRAME_POINTER),-fno-omit-frame-pointer,-fomit-frame-pointer)
AFLAGS := -g -D__ASSEMBLY__ $(PREFIX_MAP) -Wundef -Werror
LDFLAGS := -nostdlib -static --gc-sections --build-id=sha1 -z noexecstack -z max-page-size=4096 \
	--fatal-warnings -u config_gz -u symbols_count
# All is within 1 MiB, so GNU ld need not add stubs, which begin a new page; lld has no such choice.
LDFLAGS += --fix-cortex-a53-843419$(if $(findstring lld,$(LD)),,=adr)
# GNU ld warns of program headers that are writable and executable; nothing here loads by them.
LDFLAGS += $(if $(findstring lld,$(LD)),,--no-warn-rwx-segments)

# The memory and string functions must not be turned into calls of themselves.
LIB_CFLAGS := -fno-builtin $(if $(is_clang),,-fno-tree-loop-distribute-patterns)

# ---- generated headers -------------------------------------------------------------------------

# $(call update,text): write stdin to $@ only if it differs, so that nothing is rebuilt in vain.
update = cat > $@.tmp && { cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@; }

.PHONY: FORCE
FORCE:

$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(HYP_CC) $(CPPFLAGS) $(CFLAGS)' '$(LIB_CFLAGS)' '$(AFLAGS)' \
		'$(LD) $(LDFLAGS)' | $(update)

$(INC)/version.h: FORCE
	@mkdir -p $(@D)
	@sh scripts/version.sh "$(VERSION)" "$$($(CC) --version | head -n 1)" | $(update)

$(LIBFDT)/libfdt.a: scripts/fetch-debian.sh tools/libfdt/libfdt_env.h
	$(call say,FETCH,libfdt)
	@sh scripts/fetch-debian.sh libfdt
	@mkdir -p $(@D)/include && cp "$$(sh scripts/fetch-debian.sh path libfdt.a)" $@
	@d="$$(sh scripts/fetch-debian.sh path libfdt-include)" && \
		cp "$$d/fdt.h" "$$d/libfdt.h" tools/libfdt/libfdt_env.h $(@D)/include/
	@touch $@

HEADERS := $(INC)/autoconf.h $(INC)/version.h
$(OBJS) $(GEN)/asm-offsets.s: $(BUILD)/.flags | $(HEADERS) $(LIBFDT)/libfdt.a

# Lines `.ascii "->NAME VALUE"` of the compiled file become `#define NAME VALUE`.
$(GEN)/asm-offsets.s: hyp/arch/$(ARCH)/asm-offsets.c
	@mkdir -p $(@D)
	$(Q)$(HYP_CC) $(CPPFLAGS) $(CFLAGS) -g0 -MMD -MP -MT $@ -MF $@.d -S -o $@ $<

$(INC)/asm-offsets.h: $(GEN)/asm-offsets.s
	$(Q)sed -n 's/.*\.ascii[[:space:]]*"->\([A-Za-z0-9_]*\) [#$$]*\(-\{0,1\}[0-9]*\)".*/#define \1 \2/p' $< > $@

ifneq ($(wildcard hyp/arch/$(ARCH)/asm-offsets.c),)
$(OBJS): | $(INC)/asm-offsets.h
endif

# ---- objects -----------------------------------------------------------------------------------

$(BUILD)/hyp/lib/%.o: private CFLAGS += $(LIB_CFLAGS)

$(BUILD)/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(HYP_CC) $(CPPFLAGS) $(CFLAGS) $(flags-$@) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.S
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(HYP_CC) $(CPPFLAGS) $(AFLAGS) $(flags-$@) -MMD -MP -c -o $@ $<

$(GEN)/config.gz: $(BUILD)/auto.conf
	@mkdir -p $(@D)
	$(Q)gzip -9nc $< > $@

$(GEN)/config_gz.S: $(GEN)/config.gz Makefile
	$(Q)printf '%s\n' '.section .rodata.config_gz, "a"' '.globl config_gz, config_gz_end' \
		'config_gz: .incbin "$<"' 'config_gz_end:' '.byte 0' > $@

$(GEN)/%.o: $(GEN)/%.S
	$(Q)$(HYP_CC) -c $(PREFIX_MAP) -o $@ $<

# ---- the image ---------------------------------------------------------------------------------

LDS  := $(GEN)/serai.lds
LINK = $(LD) $(LDFLAGS) -T $(LDS) $(OBJS) $(GEN)/config_gz.o

$(LDS): hyp/arch/$(ARCH)/serai.lds.S $(BUILD)/.flags | $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HYP_CC) -E -P $(CPPFLAGS) -D__ASSEMBLY__ -D__LINKER_SCRIPT__ -MMD -MP -MT $@ -MF $@.d -o $@ $<

$(GEN)/symbols_empty.S: scripts/symbols.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/symbols.py make </dev/null > $@

# Pass 1 links an empty symbol table, pass 2 the real one; text must stay where it was.
$(BUILD)/serai.elf: $(OBJS) $(LDS) $(GEN)/config_gz.o $(GEN)/symbols_empty.o \
		$(LIBFDT)/libfdt.a $(OBJECT_LISTS)
	$(if $(strip $(OBJS)),,@echo "make: no hyp/*/objects.mk names an object: nothing to link" >&2; exit 1)
	$(call say,LD,$@)
	$(Q)$(LINK) $(GEN)/symbols_empty.o $(LIBFDT)/libfdt.a -o $(GEN)/pass1.elf
	$(Q)$(NM) -n $(GEN)/pass1.elf > $(GEN)/pass1.nm
	$(Q)$(PYTHON) scripts/symbols.py make < $(GEN)/pass1.nm > $(GEN)/symbols.S
	$(Q)$(HYP_CC) -c $(PREFIX_MAP) -o $(GEN)/symbols.o $(GEN)/symbols.S
	$(Q)$(LINK) $(GEN)/symbols.o $(LIBFDT)/libfdt.a -Map $(BUILD)/serai.map -o $@
	$(Q)$(NM) -n $@ | $(PYTHON) scripts/symbols.py check $(GEN)/pass1.nm

$(BUILD)/serai: $(BUILD)/serai.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -O binary $< $@
	@printf '  %s: %d bytes, %s\n' $@ "$$(stat -c %s $@)" "$$($(CC) --version | head -n 1)"

all: toolchain $(BUILD)/serai

.PHONY: toolchain
toolchain:
	@command -v $(firstword $(CC)) >/dev/null || { echo "make: the compiler $(firstword $(CC)) is" \
		"missing; install what the build needs with: scripts/install-deps.sh" >&2; exit 1; }
	@case "$$($(HYP_CC) -dumpmachine)" in aarch64*) ;; *) echo "make: $(CC) builds for" \
		"$$($(HYP_CC) -dumpmachine); use aarch64-linux-gnu-gcc or clang" >&2; exit 1;; esac
$(OBJS) $(GEN)/asm-offsets.s $(LDS): | toolchain

-include $(wildcard $(OBJS:.o=.d) $(GEN)/*.d)

# ---- use and checks ----------------------------------------------------------------------------

# `make run ARGS="cpus=4 mem=4G"` and `make run HYP=xen`; see scripts/run.py help
# `make run BOARD=zcu102` or rpi4: another machine than QEMU's virt
# `make run-dom0less ARGS="guests=2"`: guests from the device tree; see scripts/run_dom0less.py help
# `make run-xl`: Debian's Xen tools in the first domain; see scripts/run_xl.py help
.PHONY: run run-dom0less run-xl deps fetch
SETTINGS = $(if $(HYP),hyp=$(HYP)) $(if $(BOARD),board=$(BOARD))
deps:
	@sh scripts/install-deps.sh run
fetch: deps
	@sh scripts/fetch-debian.sh
run: fetch
	$(if $(filter xen,$(HYP)),,@$(MAKE) BUILD=$(BUILD) all)
	@$(PYTHON) scripts/run.py build=$(BUILD) $(SETTINGS) $(ARGS)

run-dom0less: fetch
	$(if $(filter xen,$(HYP)),,@$(MAKE) BUILD=$(BUILD) all)
	@$(PYTHON) scripts/run_dom0less.py build=$(BUILD) $(SETTINGS) $(ARGS)

run-xl: fetch
	$(if $(filter xen,$(HYP)),,@$(MAKE) BUILD=$(BUILD) all)
	@$(PYTHON) scripts/run_xl.py build=$(BUILD) $(SETTINGS) $(ARGS)

include scripts/check.mk
-include tools/serai-dtcheck/rules.mk

.PHONY: clean distclean help
clean: # keeps the configuration
	@[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name .config -exec rm -rf {} +

distclean:
	rm -rf $(BUILD)

help:
	@cat scripts/help.txt
