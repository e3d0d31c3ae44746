/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every physical CPU has: the hot words in struct cpu, everything else in per-CPU variables
 * that each subject defines for itself.
 *
 * cpu->work is the one flag word that the exit path to the guest tests. Only the CPU itself
 * changes it; another CPU sets bits in cpu->remote and kicks.
 */
#ifndef SERAI_CPU_H
#define SERAI_CPU_H

#include <serai/atomic.h>
#include <serai/compiler.h>
#include <serai/cpumask.h>
#include <serai/types.h>

struct vcpu;

/* Reasons for the slow exit path, lowest bit first. */
enum cpu_work {
	WORK_TIMER = 0x1, /* a deadline of this CPU's timers has passed */
	WORK_SCHED = 0x2, /* choose again what runs here */
	WORK_VCPU = 0x4,  /* the current vcpu has requests: vcpu->requests */
	WORK_DUMP = 0x8, /* a debug key wants this CPU's registers printed */
	WORK_CONSOLE = 0x10, /* the console's ring has new lines: somebody may want to read them */
	WORK_TRACE = 0x20, /* tracing begins or ends, or somebody may want to read records */
};

struct cpu {
	struct vcpu *current; /* NULL while idle */
	u32 work;	      /* enum cpu_work; own CPU only */
	u32 id;
	unsigned long percpu_off; /* added to the address of a per-CPU variable */
	void *stack_top;
	u32 remote;    /* enum cpu_work set by other CPUs, atomically */
	u32 lock_depth; /* of CONFIG_LOCK_RANKS */
};

#include <arch/this_cpu.h> /* struct cpu *this_cpu(void) */

extern struct cpu *cpu_table[NR_CPUS];
extern struct cpumask cpu_online;

#define DEFINE_PERCPU(type, name)  __attribute__((section(".percpu"))) type name
#define DECLARE_PERCPU(type, name) extern type name
#define percpu_of(c, name) \
	((__typeof__(name) *)((uintptr_t)&(name) + (c)->percpu_off))
#define percpu(name) percpu_of(this_cpu(), name)

static inline unsigned int cpu_id(void)
{
	return this_cpu()->id;
}

static inline void cpu_raise(u32 work)
{
	this_cpu()->work |= work;
}

/* Makes another (or this) CPU see work as soon as it is back at its exit path. */
void cpu_raise_on(unsigned int cpu, u32 work);

#define for_each_online_cpu(cpu) for_each_cpu_in(cpu, &cpu_online)

#endif
