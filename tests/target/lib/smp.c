// SPDX-License-Identifier: Apache-2.0
/* Secondary CPUs: started by PSCI, each runs one function and then powers itself off. */
#include "guest.h"

#define STACK_SIZE 16384

struct cpu_boot {
	uint64_t stack; /* read by secondary_entry: keep first */
	uint64_t cpu;
	void (*fn)(uint64_t arg);
	uint64_t arg;
} __attribute__((aligned(64)));

static struct cpu_boot boots[NR_CPUS];
static uint8_t stacks[NR_CPUS][STACK_SIZE] PAGE_ALIGNED;

void secondary_entry(void);
void secondary_main(void);

uint32_t cpu_id(void)
{
	return (uint32_t)sysreg_read(tpidr_el1);
}

void secondary_main(void)
{
	const struct cpu_boot *boot = &boots[cpu_id()];

	gic_init_cpu();
	irq_enable();
	boot->fn(boot->arg);
	irq_disable();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	guest_abort("PSCI CPU_OFF returned");
}

int64_t cpu_start(uint32_t cpu, void (*fn)(uint64_t arg), uint64_t arg)
{
	struct cpu_boot *boot = &boots[cpu];

	boot->stack = (uint64_t)stacks[cpu] + STACK_SIZE;
	boot->cpu = cpu;
	boot->fn = fn;
	boot->arg = arg;
	/* It reads its stack and number with the caches off. */
	asm volatile("dc civac, %0\n\tdsb sy" ::"r"(boot) : "memory");
	return psci(PSCI_CPU_ON64, machine.mpidr[cpu], (uint64_t)secondary_entry, (uint64_t)boot);
}
