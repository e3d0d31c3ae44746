/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 as an array of runs sorted by gfn. */
#ifndef ARCH_P2M_H
#define ARCH_P2M_H

#include <serai/types.h>

struct host_run {
	u64 gfn, mfn, nr;
	u32 type;
};

struct p2m_arch {
	struct host_run *runs;
	size_t nr_runs, room;
};

#endif
