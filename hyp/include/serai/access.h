/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices of the machine a domain may have: places of registers, and interrupts. dom0 has all
 * that the machine's tree describes but the hypervisor's own and what guests of the tree got; its
 * tools pass on what they have. A permission maps nothing, and its end takes nothing away.
 *
 * The caller holds the domain's lock, or is the domain itself in a domctl: those that change
 * permissions run one at a time.
 */
#ifndef SERAI_ACCESS_H
#define SERAI_ACCESS_H

#include <serai/irq.h>
#include <serai/range.h>
#include <serai/types.h>

struct domain;

/*
 * Room for d's permissions, that many ranges at least: before there is any. Nothing happens when d
 * has it, or is dying. Without d's lock. -XEN_ENOMEM.
 */
int access_domain_open(struct domain *d, u32 ranges);
/* Unit; d's target (domain.h) goes, too. */
int access_domain_destroy(struct domain *d);

/* In bytes, whole pages. -XEN_ENOSPC: too many ranges; -XEN_EINVAL: there is no room. */
int access_set_memory(struct domain *d, u64 start, u64 end, bool allow);
bool access_has_memory(const struct domain *d, u64 start, u64 end);
/* irq < IRQS_MAX */
int access_set_irq(struct domain *d, u32 irq, bool allow);
bool access_has_irq(const struct domain *d, u32 irq);

#endif
