/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting on memory, for programs under test. */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

#include <serai/types.h>

/* Gives the host's CPU away; a lock that nobody will release stops the program. */
void host_wait(void);

static inline void cpu_relax(void)
{
	host_wait();
}

static inline void cpu_wait_change_u16(const u16 *p, u16 wanted)
{
	if (__atomic_load_n(p, __ATOMIC_ACQUIRE) != wanted)
		host_wait();
}

static inline void cpu_signal_event(void)
{
}

#endif
