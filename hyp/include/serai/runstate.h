/* SPDX-License-Identifier: Apache-2.0 */
/* A vcpu's time account (vcpu_runstate_info) and the scheduler's hooks that keep it. */
#ifndef SERAI_RUNSTATE_H
#define SERAI_RUNSTATE_H

#include <abi/xen.h>
#include <serai/sched.h>

struct vcpu;

#define ABI_VMASST_runstate_update_flag 5

/* Registers the guest's area by virtual address (0: none) and fills it; v is the current vcpu. */
void runstate_set_area(struct vcpu *v, u64 gva);
/* The account up to now. */
void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out);

extern const struct sched_hooks vcpu_sched_hooks;

#endif
