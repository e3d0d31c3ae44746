/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers of the GIC have in common. */
#include <arch/gic.h>
#include <serai/compiler.h>
#include <serai/irq.h>

struct gic_host gic_host __ro_after_init;

u32 irq_arch_lines(void)
{
	return gic_host.lines;
}
