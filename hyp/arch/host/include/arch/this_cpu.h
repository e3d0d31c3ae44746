/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated CPU that this thread plays; host_set_cpu() chooses. Included by serai/cpu.h. */
#ifndef ARCH_THIS_CPU_H
#define ARCH_THIS_CPU_H

extern _Thread_local struct cpu *host_this_cpu;

static inline struct cpu *this_cpu(void)
{
	return host_this_cpu;
}

#endif
