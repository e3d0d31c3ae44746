/* SPDX-License-Identifier: Apache-2.0 */
/* What the hypervisor answers to trapped system registers other than the ID registers. */
#ifndef ARCH_SYSREG_TABLE_H
#define ARCH_SYSREG_TABLE_H

#include <serai/types.h>

enum sysreg_kind {
	SYSREG_UNDEF,
	SYSREG_ZERO, /* reads as zero, writes are ignored */
	SYSREG_RO_ZERO, /* writes are undefined */
	SYSREG_WO_NONE, /* reads are undefined, writes are ignored */
	SYSREG_OSLSR,
	SYSREG_SGI1R,
	SYSREG_ICC_SRE, /* which of the two interfaces the guest has; writes are ignored */
	SYSREG_PTIMER_CTL,
	SYSREG_PTIMER_CVAL,
	SYSREG_PTIMER_TVAL,
	SYSREG_DC_CSW,
	SYSREG_DC_CISW, /* and DC ISW: nobody throws away what the hypervisor wrote */
};

struct sysreg_entry {
	u32 enc; /* SYS_ENC() */
	u8 kind; /* enum sysreg_kind */
};

/* enc: of SYS_ENC(). */
enum sysreg_kind sysreg_find(u32 enc);

#endif
