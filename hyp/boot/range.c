/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of address ranges in sorted arrays. */
#include <serai/errno.h>
#include <serai/range.h>
#include <serai/string.h>

/* Replaces members [i, j) by the n given ones. */
static int range_set_splice(struct range_set *s, u32 i, u32 j, const struct range *by, u32 n)
{
	if (s->nr - (j - i) + n > s->max)
		return -XEN_ENOSPC;
	memmove(&s->r[i + n], &s->r[j], (s->nr - j) * sizeof(s->r[0]));
	for (u32 k = 0; k < n; k++)
		s->r[i + k] = by[k];
	s->nr += n - (j - i);
	return 0;
}

int range_set_add(struct range_set *s, u64 start, u64 end)
{
	struct range all = { start, end };
	u32 i = 0, j;

	if (end <= start)
		return 0;
	while (i < s->nr && s->r[i].end < start)
		i++;
	for (j = i; j < s->nr && s->r[j].start <= end; j++) {
		all.start = MIN(all.start, s->r[j].start);
		all.end = MAX(all.end, s->r[j].end);
	}
	return range_set_splice(s, i, j, &all, 1);
}

int range_set_remove(struct range_set *s, u64 start, u64 end)
{
	struct range rest[2];
	u32 i = 0, j, n = 0;

	if (end <= start)
		return 0;
	while (i < s->nr && s->r[i].end <= start)
		i++;
	for (j = i; j < s->nr && s->r[j].start < end; j++)
		;
	if (i == j)
		return 0;
	if (s->r[i].start < start)
		rest[n++] = (struct range){ s->r[i].start, start };
	if (s->r[j - 1].end > end)
		rest[n++] = (struct range){ end, s->r[j - 1].end };
	return range_set_splice(s, i, j, rest, n);
}

const struct range *range_set_find(const struct range_set *s, u64 start, u64 end)
{
	for (u32 i = 0; i < s->nr; i++)
		if (s->r[i].start <= start && end <= s->r[i].end && start < end)
			return &s->r[i];
	return NULL;
}

const struct range *range_set_largest(const struct range_set *s)
{
	const struct range *best = NULL;

	for (u32 i = 0; i < s->nr; i++)
		if (!best || range_size(&s->r[i]) > range_size(best))
			best = &s->r[i];
	return best;
}

u64 range_set_total(const struct range_set *s)
{
	u64 sum = 0;

	for (u32 i = 0; i < s->nr; i++)
		sum += range_size(&s->r[i]);
	return sum;
}
