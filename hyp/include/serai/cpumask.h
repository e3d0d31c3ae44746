/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of physical CPUs. */
#ifndef SERAI_CPUMASK_H
#define SERAI_CPUMASK_H

#include <serai/compiler.h>
#include <serai/types.h>

#define NR_CPUS CONFIG_NR_CPUS

struct cpumask {
	u64 bits[DIV_ROUND_UP(NR_CPUS, 64)];
};

static inline void cpumask_set(struct cpumask *m, unsigned int cpu)
{
	m->bits[cpu / 64] |= BIT(cpu % 64);
}

static inline void cpumask_clear(struct cpumask *m, unsigned int cpu)
{
	m->bits[cpu / 64] &= ~BIT(cpu % 64);
}

static inline bool cpumask_test(const struct cpumask *m, unsigned int cpu)
{
	return (READ_ONCE(m->bits[cpu / 64]) >> (cpu % 64)) & 1;
}

/* First CPU >= from in the mask, NR_CPUS when there is none. */
static inline unsigned int cpumask_next(const struct cpumask *m, unsigned int from)
{
	while (from < NR_CPUS) {
		u64 w = m->bits[from / 64] >> (from % 64);

		if (w)
			return from + (unsigned int)__builtin_ctzll(w);
		from = (from | 63) + 1;
	}
	return NR_CPUS;
}

#define for_each_cpu_in(cpu, mask)                                     \
	for ((cpu) = cpumask_next(mask, 0); (cpu) < NR_CPUS; \
	     (cpu) = cpumask_next(mask, (cpu) + 1))

static inline bool cpumask_empty(const struct cpumask *m)
{
	return cpumask_next(m, 0) >= NR_CPUS;
}

static inline unsigned int cpumask_weight(const struct cpumask *m)
{
	unsigned int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(m->bits); i++)
		for (u64 w = m->bits[i]; w; w &= w - 1)
			n++;
	return n;
}

static inline struct cpumask cpumask_and(const struct cpumask *a, const struct cpumask *b)
{
	struct cpumask r;

	for (size_t i = 0; i < ARRAY_SIZE(r.bits); i++)
		r.bits[i] = a->bits[i] & b->bits[i];
	return r;
}

#endif
