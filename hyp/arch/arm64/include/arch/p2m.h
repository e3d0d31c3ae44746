/* SPDX-License-Identifier: Apache-2.0 */
/* Stage-2 tables of one domain. */
#ifndef ARCH_P2M_H
#define ARCH_P2M_H

#include <arch/pgtable.h>
#include <serai/types.h>

struct p2m_arch {
	struct pgtable tables;
	u64 vttbr; /* VTTBR_EL2: VMID and root */
	u32 table_list; /* the tables' frames, see p2m.c */
	u16 vmid; /* 0: none, p2m_arch_init() did not succeed */
};

/* On each CPU: VTCR_EL2. The boot CPU decides the shape of the tables. */
void p2m_cpu_init(void);

#endif
