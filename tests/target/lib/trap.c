// SPDX-License-Identifier: Apache-2.0
/* Exceptions of the guest: probed instructions go on behind the fault, all others end the run. */
#include "guest.h"

struct fault fault;
uint64_t probe_resume;

void trap_sync(struct trap_frame *frame);
void trap_serror(struct trap_frame *frame);
void trap_unexpected(struct trap_frame *frame);

static void dump(const struct trap_frame *frame)
{
	print("# esr %lx elr %lx far %lx spsr %lx cpu %u\n", sysreg_read(esr_el1), frame->elr,
	      sysreg_read(far_el1), frame->spsr, cpu_id());
	print("# lr %lx, image at %lx\n", frame->x[30], (uint64_t)guest_main & ~0xfffffful);
}

void trap_sync(struct trap_frame *frame)
{
	if (!probe_resume) {
		dump(frame);
		guest_abort("unexpected exception");
	}
	fault.hits++;
	fault.esr = sysreg_read(esr_el1);
	fault.far = sysreg_read(far_el1);
	fault.elr = frame->elr;
	frame->elr = probe_resume;
	probe_resume = 0;
}

/* An SError is taken late: it counts for the probe that is running. */
void trap_serror(struct trap_frame *frame)
{
	if (!probe_resume) {
		dump(frame);
		guest_abort("unexpected SError");
	}
	trap_sync(frame);
}

void trap_unexpected(struct trap_frame *frame)
{
	dump(frame);
	guest_abort("exception at an unused vector");
}

#define PROBE_READ(bits, insn, width)                                                            \
	bool probe_read##bits(uint64_t addr, uint##bits##_t *v)                                  \
	{                                                                                        \
		uint64_t value = 0;                                                              \
                                                                                                 \
		PROBE(insn " %" width "[v], [%[a]]", PROBE_OUT([v] "+r"(value)), [a] "r"(addr)); \
		*v = (uint##bits##_t)value;                                                      \
		return fault.hits == 0;                                                          \
	}

PROBE_READ(8, "ldrb", "w")
PROBE_READ(16, "ldrh", "w")
PROBE_READ(32, "ldr", "w")
PROBE_READ(64, "ldr", "x")

bool probe_write32(uint64_t addr, uint32_t v)
{
	PROBE("str %w[v], [%[a]]", , [v] "r"(v), [a] "r"(addr));
	return fault.hits == 0;
}

bool probe_write64(uint64_t addr, uint64_t v)
{
	PROBE("str %x[v], [%[a]]", , [v] "r"(v), [a] "r"(addr));
	return fault.hits == 0;
}
