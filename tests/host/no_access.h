/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices a domain may have, kept in one set: for tests of the builder. */
#ifndef TESTS_NO_ACCESS_H
#define TESTS_NO_ACCESS_H

#include <serai/access.h>

static struct range access_ranges[64];
static struct range_set access_memory = { 0, 64, access_ranges };
static u8 access_irqs[IRQS_MAX];
static u32 access_room;

int access_domain_open(struct domain *d, u32 ranges)
{
	access_room = ranges;
	access_memory.nr = 0;
	for (u32 i = 0; i < IRQS_MAX; i++)
		access_irqs[i] = 0;
	return 0;
}

int access_set_memory(struct domain *d, u64 start, u64 end, bool allow)
{
	return (allow ? range_set_add : range_set_remove)(&access_memory, start, end);
}

int access_set_irq(struct domain *d, u32 irq, bool allow)
{
	access_irqs[irq] = allow;
	return 0;
}

struct irq_desc *irq_desc(u32 irq)
{
	static struct irq_desc desc[IRQS_MAX];

	return &desc[irq];
}

#endif
