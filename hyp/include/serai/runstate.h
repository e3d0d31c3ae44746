/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vcpu's time account (vcpu_runstate_info), where its guest sees it, and the scheduler's hooks
 * that keep it.
 */
#ifndef SERAI_RUNSTATE_H
#define SERAI_RUNSTATE_H

#include <abi/xen.h>
#include <serai/sched.h>

struct vcpu;

#define ABI_VMASST_runstate_update_flag 5
#define RUNSTATE_NO_PHYS_AREA		(~0UL)

/*
 * Registers the guest's area by virtual address (0: none) and fills it; v is a vcpu of the current
 * domain.
 */
void runstate_set_area(struct vcpu *v, u64 gva);
/*
 * The same by guest-physical address (RUNSTATE_NO_PHYS_AREA: none); both kinds may be there at
 * once. -XEN_ENXIO: not aligned, or more than one page; -XEN_EINVAL: no RAM that the guest may
 * write; the area is then as it was.
 */
int runstate_set_phys_area(struct vcpu *v, u64 gpa);
/* Writes the account to the guest's areas; v is loaded on this CPU. */
void runstate_publish(struct vcpu *v);
/* The account up to now, whatever v does meanwhile. */
void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out);
/* The scheduler's hook: under the run queue's lock. */
void runstate_unit_changed(struct sched_unit *u, int state, nstime_t now);
void runstate_vcpu_destroy(struct vcpu *v);

extern const struct sched_hooks vcpu_sched_hooks;

#endif
