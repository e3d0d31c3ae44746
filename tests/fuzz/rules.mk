# SPDX-License-Identifier: Apache-2.0
# Fuzzers: one program per tests/fuzz/fuzz_*.c, with libFuzzer and sanitizers, built like the unit
# tests. A comment in its first lines names the files under test, another one libFuzzer's options:
#     /* sources: hyp/boot/fdt.c hyp/lib/string.c */
#     /* options: -max_len=16384 */
# All of hyp/arch/host comes with them. fuzz_NAME.c starts from the files of tests/fuzz/corpus/NAME
# (*.dts is compiled first) and uses the words of tests/fuzz/NAME.dict, where these exist. What
# they find out is kept in build/fuzz/corpus, inputs that failed in build/fuzz/found.
# Included by scripts/check.mk.

FUZZ := $(BUILD)/fuzz
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_CHECK_SECONDS := 60
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_CPPFLAGS := -Itests/fuzz $(HOST_CPPFLAGS)
FUZZ_CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(WARN) $(FUZZ_EXTRA)
FUZZ_LIB_OBJS := $(patsubst %.c,$(FUZZ)/%.o,$(wildcard hyp/arch/host/*.c))

$(FUZZ)/rules.mk: scripts/host_tests.py $(FUZZ_SOURCES) $(wildcard hyp/*/.)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/host_tests.py rules FUZZ_PROGRAMS $(FUZZ) $(FUZZ_SOURCES) > $@

ifneq ($(filter fuzz fuzz-nightly fuzz-programs check-fuzz,$(MAKECMDGOALS)),)
include $(FUZZ)/rules.mk
endif

$(FUZZ)/hyp/arch/host/%.o $(FUZZ)/tests/%.o: private FUZZ_CFLAGS += -Wno-conversion \
	-Wno-missing-prototypes
$(FUZZ)/hyp/lib/%.o: private FUZZ_CFLAGS += -fno-builtin

$(FUZZ)/%.o: %.c $(HOST)/include/autoconf.h | $(INC)/version.h
	$(call say,FUZZCC,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ)/libhost.a: $(FUZZ_LIB_OBJS)
	$(Q)rm -f $@ && ar rcsD $@ $^

$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ)/libhost.a
	$(call say,FUZZLD,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) \
		$(FUZZ)/libhost.a -lcmocka -lfdt -lz

FUZZ_RUN = $(PYTHON) scripts/fuzz.py --build $(BUILD)

.PHONY: fuzz fuzz-nightly fuzz-programs check-fuzz
fuzz-programs: $(FUZZ_PROGRAMS)
# `make fuzz FUZZ_SECONDS=60 FUZZER=dt`: each of them, or one, for so long
FUZZ_CHOSEN = $(if $(FUZZER),$(FUZZ)/fuzz_$(FUZZER),$(FUZZ_PROGRAMS))
fuzz: $(FUZZ_CHOSEN)
	@$(FUZZ_RUN) --each $(FUZZ_SECONDS) $(FUZZ_CHOSEN)
fuzz-nightly: fuzz-programs
	@$(FUZZ_RUN) --each 600 $(FUZZ_PROGRAMS)
check-fuzz: fuzz-programs
	@mkdir -p $(CHECK)
	@$(FUZZ_RUN) --together $(FUZZ_CHECK_SECONDS) --count $(CHECK)/fuzz.count $(FUZZ_PROGRAMS)

-include $(shell [ -d $(FUZZ) ] && find $(FUZZ) -name '*.d')
