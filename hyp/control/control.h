/* SPDX-License-Identifier: Apache-2.0 */
/* What domctl and sysctl share: sets of CPUs as tools pass them, and versions that do not fit. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <abi/xen.h>
#include <serai/cpumask.h>

/* Sets of more bits than this are nobody's: -XEN_EINVAL. */
#define CONTROL_BITS_MAX 65536U

/* Bits past the last CPU are dropped. 0, -XEN_EFAULT, -XEN_EINVAL. */
int control_get_cpus(struct cpumask *m, const struct abi_bitmap *from);
/* Bits past the last CPU are written as zero. */
int control_put_cpus(const struct abi_bitmap *to, const struct cpumask *m);

/* -XEN_EACCES, and says which versions are spoken. */
long control_refuse_version(const char *call, u32 asked, const char *spoken);

/*
 * One operation of the tools at a time, be it domctl, sysctl or hypfs_op, where it changes domains or
 * pools. False: return -XEN_ERESTART. Not a lock: guest memory may be copied meanwhile.
 */
bool control_enter(void);
void control_leave(void);

#endif
