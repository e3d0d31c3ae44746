/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of sysctl, one for each command. They get a copy of the caller's struct, version 0x15;
 * it is copied back after success where the table says so, and with -XEN_ERESTART, after which
 * the handler is called again with what it left there.
 */
#ifndef CONTROL_SYSCTL_H
#define CONTROL_SYSCTL_H

#include <abi/sysctl.h>

typedef long sysctl_fn(struct abi_sysctl *op);

struct sysctl_op {
	sysctl_fn *fn; /* NULL: -XEN_ENOSYS */
	bool out;      /* the struct is copied back */
};

/* sysctl_machine.c */
sysctl_fn sysctl_physinfo, sysctl_getcpuinfo, sysctl_availheap, sysctl_page_offline_op,
	sysctl_cputopoinfo, sysctl_numainfo;
/* sysctl_pool.c */
sysctl_fn sysctl_cpupool_op;
/* sysctl_trace.c */
sysctl_fn sysctl_tbuf_op;
/* sysctl_sched.c */
sysctl_fn sysctl_scheduler_op;

#endif
