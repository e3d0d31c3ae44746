/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of stage-2 address spaces in the TLBs. */
#ifndef ARCH_VMID_H
#define ARCH_VMID_H

#include <serai/types.h>

/* Never 0; 0: none is free. */
u16 vmid_alloc(void);
/* No TLB entry with it may be left. */
void vmid_free(u16 vmid);

#endif
