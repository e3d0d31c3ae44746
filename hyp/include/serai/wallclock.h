/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day, as the wc_ fields of every domain's shared_info tell it. */
#ifndef SERAI_WALLCLOCK_H
#define SERAI_WALLCLOCK_H

#include <serai/time.h>
#include <serai/types.h>

struct domain;

/* The time of day at system time 0; all domains are told. */
void wallclock_set(u64 sec, u32 nsec);
/* d's time of day differs by so many seconds from now on. */
void wallclock_set_offset(struct domain *d, s64 seconds);
/* Tells one domain, when its shared_info is new. */
void wallclock_tell(struct domain *d);

#endif
