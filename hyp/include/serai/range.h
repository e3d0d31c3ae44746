/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of address ranges: sorted, disjoint, never adjacent. [start, end) in bytes. A set lives in an
 * array that its owner brings; -XEN_ENOSPC leaves the set as it was.
 */
#ifndef SERAI_RANGE_H
#define SERAI_RANGE_H

#include <serai/compiler.h>
#include <serai/types.h>

struct range {
	u64 start, end;
};

struct range_set {
	u32 nr, max;
	struct range *r;
};

/* A set of at most n ranges that exists while starting only. */
#define RANGE_SET_INIT(name, n)                         \
	static struct range name##_ranges[n] __initbss; \
	static struct range_set name __initdata = { 0, (n), name##_ranges }

static inline u64 range_size(const struct range *r)
{
	return r->end - r->start;
}

static inline bool ranges_overlap(const struct range *a, const struct range *b)
{
	return a->start < b->end && b->start < a->end;
}

/* The outermost, and the innermost, whole pages. */
static inline struct range range_pages_out(u64 start, u64 end)
{
	return (struct range){ start & PAGE_MASK, ROUND_UP(end, PAGE_SIZE) };
}

static inline struct range range_pages_in(u64 start, u64 end)
{
	return (struct range){ ROUND_UP(start, PAGE_SIZE), end & PAGE_MASK };
}

static inline void range_set_clear(struct range_set *s)
{
	s->nr = 0;
}

/* Empty ranges (end <= start) change nothing. */
int range_set_add(struct range_set *s, u64 start, u64 end);
int range_set_remove(struct range_set *s, u64 start, u64 end);
/* The member that holds all of [start, end); NULL: none does. */
const struct range *range_set_find(const struct range_set *s, u64 start, u64 end);
/* The longest member; NULL: the set is empty. */
const struct range *range_set_largest(const struct range_set *s);
u64 range_set_total(const struct range_set *s);

#endif
