/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of CONFIG_LOCK_RANKS: each CPU remembers the locks that it holds; a lock is taken only
 * above all of them. Locks need not be dropped in reverse order. Before the CPU's own data is
 * reachable there is one CPU and nothing is checked.
 */
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/lock.h>

#define HELD_MAX 16

struct held_locks {
	const struct lock *lock[HELD_MAX];
};

static DEFINE_PERCPU(struct held_locks, held_locks);

void lock_rank_take(const struct lock *l, bool second)
{
	struct cpu *c = this_cpu();
	struct held_locks *held;

	if (unlikely(!c))
		return;
	held = percpu_of(c, held_locks);
	if (l->rank == 0)
		panic("lock %p was not initialised", (const void *)l);
	for (u32 i = 0; i < c->lock_depth; i++) {
		u32 rank = held->lock[i]->rank;

		if (held->lock[i] == l)
			panic("lock %p of rank %u is taken twice", (const void *)l, l->rank);
		if (rank > l->rank || (rank == l->rank && !second))
			panic("lock of rank %u is taken while one of rank %u is held", l->rank,
			      rank);
	}
	if (c->lock_depth >= HELD_MAX)
		panic("more than %u locks are held", HELD_MAX);
	held->lock[c->lock_depth++] = l;
}

void lock_rank_drop(const struct lock *l)
{
	struct cpu *c = this_cpu();
	struct held_locks *held;
	u32 i;

	if (unlikely(!c))
		return;
	held = percpu_of(c, held_locks);
	for (i = c->lock_depth; i > 0 && held->lock[i - 1] != l; i--)
		;
	if (i == 0)
		panic("lock %p of rank %u is dropped and was not held", (const void *)l, l->rank);
	for (; i < c->lock_depth; i++)
		held->lock[i - 1] = held->lock[i];
	c->lock_depth--;
}
