/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer. INTIDs are the architecture's recommended PPIs (BSA). */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <serai/time.h>
#include <serai/types.h>

#define IRQ_HYP_TIMER  26
#define IRQ_VIRT_TIMER 27
#define IRQ_PHYS_TIMER 30

/* Boot CPU; dt_frequency 0: CNTFRQ_EL0 counts. */
void time_init(u32 dt_frequency);
void time_cpu_init(void);
/* The hypervisor timer's interrupt. */
void time_arch_irq(void);
/* System time at a value of CNTPCT_EL0; TIME_NEVER when absurdly far. */
nstime_t time_of_count(u64 count);

#endif
