/* SPDX-License-Identifier: Apache-2.0 */
/* Harness of the bench guest: one line "BENCH name value" per figure, in nanoseconds. */
#ifndef BENCH_H
#define BENCH_H

#include "guest.h"

/* Nanoseconds (instructions under -icount shift=0) per operation of n operations in ticks. */
void bench_report(const char *name, uint64_t ticks, uint64_t n);
void bench_value(const char *name, uint64_t value);
void bench_na(const char *name, const char *reason, int64_t rc);

/* Runs body n times after one run to warm up. The empty loop costs two instructions. */
#define BENCH(name, n, body)                          \
	do {                                          \
		uint64_t start_, end_;                \
		{                                     \
			body;                         \
		}                                     \
		start_ = counter();                   \
		for (uint64_t i_ = (n); i_; i_--) {   \
			asm volatile("");             \
			body;                         \
		}                                     \
		end_ = counter();                     \
		bench_report(name, end_ - start_, n); \
	} while (0)

/* As BENCH, for a body that returns: refused unless its answer is want. */
#define BENCH_CALL(name, n, want, call)                  \
	do {                                             \
		int64_t rc_ = (int64_t)(call);           \
		if (rc_ != (int64_t)(want))              \
			bench_na(name, "answered", rc_); \
		else                                     \
			BENCH(name, n, call);            \
	} while (0)

/* Minimum, average and maximum of latencies. */
struct stat {
	uint64_t n, sum, min, max;
};

void stat_add(struct stat *s, uint64_t ticks);
void stat_report(const char *name, const struct stat *s);
/* The same three lines, refused. */
void stat_na(const char *name, const char *reason);

/* The groups, in the order in which they run. */
void bench_hypercalls(void);
void bench_events(void); /* one CPU, the format in use */
void bench_waiting(void);
void bench_latencies(void);
void bench_registers(void);
void bench_firmware(void);
void bench_devices(void);
void bench_memory(void);
void bench_grants(void);
void bench_smp(void);
void bench_smp_fifo(void);
void bench_footprint(void);
void bench_cross(void); /* with another domain */

#endif
