# SPDX-License-Identifier: Apache-2.0
# The checks; included by the Makefile. Every stage leaves "passed failed" in
# $(BUILD)/check/<stage>.count, from which `make check` makes its last line.

CHECK := $(BUILD)/check

-include tests/target/rules.mk

.PHONY: check check-style check-clang check-repro check-host check-target check-oracle \
	check-system check-system-full check-xl check-xl-oracle bench bench-xl bench-tools

# A script that calls make again must not inherit this make's job server.
ALONE := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL

check:
	@sh scripts/install-deps.sh check
	@sh scripts/fetch-debian.sh
	@$(ALONE) $(PYTHON) scripts/check.py --build $(BUILD)

check-style: $(BUILD)/serai.elf
	@mkdir -p $(CHECK)
	@$(PYTHON) scripts/check_style.py --build $(BUILD) --hostcc $(HOSTCC) --nm $(NM)

check-clang:
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) scripts/check_builds.py clang --build $(BUILD)

check-repro:
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) scripts/check_builds.py repro --build $(BUILD)

check-target: all target-guests
	@mkdir -p $(CHECK)
	@$(PYTHON) tests/target/run.py

check-oracle: all target-guests
	@mkdir -p $(CHECK)
	@$(PYTHON) tests/target/run.py --oracle

check-system: all target-guests
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) tests/system/run.py --quick --build $(BUILD) \
		--count-file $(CHECK)/system.count $(SYSTEM_ARGS)

check-system-full: all target-guests
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) tests/system/run.py --build $(BUILD) $(SYSTEM_ARGS)

# Guests made by Debian's Xen tools: on Serai; on Debian's Xen and on Serai, as a table.
XL_CASES = $(shell $(PYTHON) tests/system/run.py --list | grep '^xl-')
check-xl: all
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) tests/system/run.py --build $(BUILD) $(XL_CASES:%=--case %) $(SYSTEM_ARGS)

check-xl-oracle: all
	@mkdir -p $(CHECK)
	@$(ALONE) $(PYTHON) tests/system/xl_oracle.py --build $(BUILD) $(SYSTEM_ARGS)

bench: all target-guests
	@$(PYTHON) bench/run.py $(BENCH_ARGS)

# What the hypervisor executes while Debian's xl makes a guest: a plugin counts, see bench/xl.py.
bench-xl: all bench-tools
	@sh scripts/install-deps.sh check
	@$(PYTHON) bench/xl.py --build $(BUILD) $(BENCH_ARGS)

bench-tools: $(BUILD)/bench/el2count.so $(BUILD)/bench/mark

$(BUILD)/bench/el2count.so: bench/el2count.c
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -fPIC -shared \
		-fvisibility=hidden -o $@ $<

$(BUILD)/bench/mark: bench/mark.S
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(HYP_CC) -nostdlib -static -Wl,--build-id=none -o $@ $<

# ---- unit tests on this machine ----------------------------------------------------------------
# One program per tests/host/test_*.c. A comment in its first lines names the files under test:
#     /* sources: hyp/mm/frame.c hyp/lib/string.c */
# All of hyp/arch/host comes with them, as a library.

HOST := $(BUILD)/host
HOST_CPPFLAGS := -Ihyp/include -Ihyp/arch/host/include -Itests/host -I$(HOST)/include -I$(INC) \
	-include $(HOST)/include/autoconf.h
HOST_CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fsanitize=address,undefined -fno-sanitize-recover=all $(WARN) $(HOST_EXTRA)
HOST_LIB_OBJS := $(patsubst %.c,$(HOST)/%.o,$(wildcard hyp/arch/host/*.c))

# The tests run the checked variant of the code, whatever the user's configuration is.
$(HOST)/include/autoconf.h: configs/debug_defconfig Kconfig scripts/autoconf.awk
	@$(need_kconfig); mkdir -p $(@D)
	@cd $(HOST) && $(KCONF) kconfig-conf --defconfig=$(CURDIR)/$< $(CURDIR)/Kconfig >/dev/null
	$(Q)awk -f scripts/autoconf.awk $(HOST)/.config > $@

# Folders are newer when they got a file: sources may be named as hyp/boot/boot*.c.
$(HOST)/tests.mk: scripts/host_tests.py $(wildcard tests/host/test_*.c hyp/*/.)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/host_tests.py rules HOST_TESTS $(HOST) $(wildcard tests/host/test_*.c) > $@

ifneq ($(filter check-host host-tests,$(MAKECMDGOALS)),)
include $(HOST)/tests.mk
endif

$(HOST)/hyp/arch/host/%.o $(HOST)/tests/host/%.o: private HOST_CFLAGS += -Wno-conversion \
	-Wno-missing-prototypes
$(HOST)/hyp/lib/%.o: private HOST_CFLAGS += -fno-builtin -fno-tree-loop-distribute-patterns

$(HOST)/%.o: %.c $(HOST)/include/autoconf.h | $(INC)/version.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(HOST)/libhost.a: $(HOST_LIB_OBJS)
	$(Q)rm -f $@ && ar rcsD $@ $^

$(HOST)/test_%: $(HOST)/tests/host/test_%.o $(HOST)/libhost.a
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -fsanitize=address,undefined -o $@ $(filter %.o,$^) $(HOST)/libhost.a \
		-lcmocka -lfdt -lz

# The public headers of Debian 13's Xen come before those that are installed.
$(HOST)/tests/host/test_abi13.o: private HOST_CPPFLAGS := -I$(HOST)/xen13 $(HOST_CPPFLAGS)
$(HOST)/tests/host/test_abi13.o: | $(HOST)/xen13
$(HOST)/xen13:
	@mkdir -p $(@D)
	$(Q)ln -sfn "$$(sh scripts/fetch-debian.sh path libxen13-include)" $@

# It runs the program.
$(HOST)/test_dtcheck: | $(BUILD)/serai-dtcheck

.PHONY: host-tests
host-tests: $(HOST_TESTS)
check-host: host-tests
	@mkdir -p $(CHECK)
	@$(PYTHON) scripts/host_tests.py run $(CHECK) $(HOST_TESTS)

-include $(shell [ -d $(HOST) ] && find $(HOST) -name '*.d')

-include tests/fuzz/rules.mk
