/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's virtual and physical timers. */
#ifndef ARCH_VTIMER_H
#define ARCH_VTIMER_H

#include <serai/types.h>

struct vcpu;

enum ptimer_reg { PTIMER_CTL, PTIMER_CVAL, PTIMER_TVAL };

void vtimer_vcpu_create(struct vcpu *v);
void vtimer_vcpu_destroy(struct vcpu *v);
void vtimer_switch_out(struct vcpu *v);
void vtimer_switch_in(struct vcpu *v);
bool vtimer_irq_pending(struct vcpu *v);
/* CNTP_*_EL0 of the guest. */
u64 ptimer_read(struct vcpu *v, enum ptimer_reg reg);
void ptimer_write(struct vcpu *v, enum ptimer_reg reg, u64 value);

#endif
