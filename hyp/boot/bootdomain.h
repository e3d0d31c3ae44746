/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading and checking xen,domain nodes, one file for each kind of property. */
#ifndef BOOT_BOOTDOMAIN_H
#define BOOT_BOOTDOMAIN_H

#include <serai/boot.h>
#include <serai/fdt.h>
#include <serai/range.h>

/*
 * Leaves d out (NULL: nobody) and says why: node, what (a property with its value, or ""), reason, and
 * what to write instead.
 */
void bootdomain_refuse(const struct boot_info *bi, struct boot_domain *d, int node, const char *what,
		       const char *why, const char *write);
/* The same for a property of the node; its value is looked up. */
void bootdomain_refuse_prop(const struct boot_info *bi, struct boot_domain *d, int node,
			    const char *name, const char *why, const char *write);

#endif
