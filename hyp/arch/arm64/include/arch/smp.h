/* SPDX-License-Identifier: Apache-2.0 */
/* Starting CPUs. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <serai/compiler.h>
#include <serai/boot.h>
#include <serai/types.h>

extern u64 cpu_mpidr[NR_CPUS]; /* affinity fields */

void smp_boot_cpu_init(void);
/* A stack with a guard page below; its top, or NULL. */
void *smp_stack_alloc(void);
/* Starts what the device tree lists; returns how many CPUs run. */
unsigned int smp_start_all(const struct boot_cpu *cpus, unsigned int nr);
/* Everything that each CPU does for itself. */
void cpu_init_this(unsigned int id);
/* C entry of the other CPUs. */
__noreturn void start_secondary(void);
/* vectors.S: from the start-up stack into the exit path. */
__noreturn void enter_first_guest(void);

#endif
