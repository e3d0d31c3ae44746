# SPDX-License-Identifier: Apache-2.0
# Target guests: build/target/<guest>.img from tests/target/<guest>.c (or bench/, or tests/system/,
# whose guests are run by the scripts there) and the library.
# Included by the top Makefile, and usable alone: make -f tests/target/rules.mk

BUILD ?= build
TARGET_OUT ?= $(BUILD)/target
TARGET_CROSS ?= aarch64-linux-gnu-
TARGET_CC ?= $(TARGET_CROSS)gcc
TARGET_OBJCOPY ?= $(TARGET_CROSS)objcopy

target-guests := $(basename $(notdir $(wildcard tests/target/*.c tests/system/*.c))) bench
target-bench-obj := $(patsubst bench/%.c,$(TARGET_OUT)/bench/%.o,$(filter-out bench/el2count.c,$(wildcard bench/*.c)))
target-images := $(target-guests:%=$(TARGET_OUT)/%.img)
target-lib-src := $(wildcard tests/target/lib/*.c) tests/target/lib/start.S
target-lib-obj := $(patsubst tests/target/lib/%,$(TARGET_OUT)/lib/%.o,$(basename $(target-lib-src)))

target-cflags := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem \
	$(shell command -v $(TARGET_CC) >/dev/null && $(TARGET_CC) -print-file-name=include) \
	-Itests/target/lib -fno-pic -fno-pie -mcmodel=small -mgeneral-regs-only -mstrict-align -mno-outline-atomics -fno-common \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
	-Wall -Wextra -Werror -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes

.PHONY: target-guests target-clean
target-guests: $(target-images)

$(TARGET_OUT)/lib/%.o: tests/target/lib/%.c
	@mkdir -p $(@D)
	$(call say,TCC,$@)
	$(Q)$(TARGET_CC) $(target-cflags) -MMD -MP -c $< -o $@

$(TARGET_OUT)/lib/%.o: tests/target/lib/%.S
	@mkdir -p $(@D)
	$(call say,TCC,$@)
	$(Q)$(TARGET_CC) $(target-cflags) -MMD -MP -c $< -o $@

$(TARGET_OUT)/%.o: tests/target/%.c
	@mkdir -p $(@D)
	$(call say,TCC,$@)
	$(Q)$(TARGET_CC) $(target-cflags) -MMD -MP -c $< -o $@

$(TARGET_OUT)/%.o: tests/system/%.c
	@mkdir -p $(@D)
	$(call say,TCC,$@)
	$(Q)$(TARGET_CC) $(target-cflags) -MMD -MP -c $< -o $@

$(TARGET_OUT)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(call say,TCC,$@)
	$(Q)$(TARGET_CC) $(target-cflags) -MMD -MP -c $< -o $@

target-ldflags := -nostdlib -static -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,notext \
	-Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-T,tests/target/lib/guest.lds

$(TARGET_OUT)/bench.elf: $(target-bench-obj) $(target-lib-obj) tests/target/lib/guest.lds
	$(call say,TLD,$@)
	$(Q)$(TARGET_CC) $(target-ldflags) $(target-bench-obj) $(target-lib-obj) -o $@

$(TARGET_OUT)/%.elf: $(TARGET_OUT)/%.o $(target-lib-obj) tests/target/lib/guest.lds
	$(call say,TLD,$@)
	$(Q)$(TARGET_CC) $(target-ldflags) $< $(target-lib-obj) -o $@

$(TARGET_OUT)/%.img: $(TARGET_OUT)/%.elf
	$(call say,TIMG,$@)
	$(Q)$(TARGET_OBJCOPY) -O binary -R .bss $< $@

target-clean:
	rm -rf $(TARGET_OUT)

.PRECIOUS: $(TARGET_OUT)/%.o $(TARGET_OUT)/lib/%.o $(TARGET_OUT)/%.elf
-include $(wildcard $(TARGET_OUT)/*.d $(TARGET_OUT)/lib/*.d $(TARGET_OUT)/bench/*.d)
