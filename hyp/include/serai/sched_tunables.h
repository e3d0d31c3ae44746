/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line says to the scheduler. */
#ifndef SERAI_SCHED_TUNABLES_H
#define SERAI_SCHED_TUNABLES_H

#include <serai/types.h>

/* Which CPUs share a run queue of credit2, at most queue_cpus of them: credit2_runqueue=. */
enum sched_span { SCHED_SPAN_CPU, SCHED_SPAN_CLUSTER, SCHED_SPAN_ALL };

/* Of pools that are made later. */
struct sched_tunables {
	enum sched_span span;
	u32 queue_cpus;
	u32 ratelimit_us;
};
extern struct sched_tunables sched_tunables;
#define SCHED_TUNABLES_DEFAULT { SCHED_SPAN_CLUSTER, 16, 1000 }

static inline bool sched_ratelimit_usable(u64 us)
{
	return !us || (us >= 100 && us <= 500000);
}

#endif
