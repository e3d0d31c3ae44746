/* SPDX-License-Identifier: Apache-2.0 */
/* Data aborts of a guest on emulated devices. */
#ifndef ARCH_MMIO_ABORT_H
#define ARCH_MMIO_ABORT_H

#include <arch/traps.h>
#include <serai/types.h>

struct vcpu;

/*
 * Does the access that ESR describes (ISV is set) and steps over the instruction. TRAP_ABORT
 * when no device is there or it refused: nothing changed.
 */
enum trap_result mmio_abort(struct vcpu *v, u64 esr, u64 gpa);

#endif
