/* SPDX-License-Identifier: Apache-2.0 */
/* The order of locks, checked for programs that do not link the product's own checker. */
#include <serai/bug.h>
#include <serai/compiler.h>
#include <serai/cpu.h>
#include <serai/lock.h>

#define DEPTH_MAX 16

static u32 held[NR_CPUS][DEPTH_MAX];

__weak_sym void lock_rank_take(const struct lock *l, bool second)
{
	struct cpu *c = this_cpu();
	u32 top = c->lock_depth ? held[c->id][c->lock_depth - 1] : 0;

	if (l->rank == 0)
		panic("a lock without a rank is taken");
	if (second ? l->rank < top : l->rank <= top)
		panic("lock of rank %u is taken under rank %u", l->rank, top);
	if (c->lock_depth >= DEPTH_MAX)
		panic("too many locks");
	held[c->id][c->lock_depth++] = l->rank;
}

__weak_sym void lock_rank_drop(const struct lock *l)
{
	struct cpu *c = this_cpu();
	u32 i = c->lock_depth;

	while (i && held[c->id][i - 1] != l->rank)
		i--;
	if (!i)
		panic("lock of rank %u is dropped but not held", l->rank);
	for (; i < c->lock_depth; i++)
		held[c->id][i - 1] = held[c->id][i];
	c->lock_depth--;
}
