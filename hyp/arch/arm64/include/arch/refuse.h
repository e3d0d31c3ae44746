/* SPDX-License-Identifier: Apache-2.0 */
/* What is said when the machine enters us at the wrong exception level. */
#ifndef ARCH_REFUSE_H
#define ARCH_REFUSE_H

#include <serai/types.h>

/* From head.S, MMU off; fdt as it came in x0. */
void boot_refuse_el(const void *fdt, u64 el);

#endif
