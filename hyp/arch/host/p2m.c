/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 as sorted runs: [gfn, gfn + nr) maps to mfn.. of one type. */
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/errno.h>
#include <serai/p2m.h>
#include <stdlib.h>
#include <string.h>

/* Arrays in use, so that those of a machine that is reset do not count as lost. */
struct runs_head {
	struct runs_head *next, **prev;
};

static struct runs_head *all_runs;

void host_p2m_reset(void);

static void runs_free(struct host_run *runs)
{
	struct runs_head *h;

	if (!runs)
		return;
	h = (struct runs_head *)runs - 1;
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	free(h);
}

static struct host_run *runs_grow(struct host_run *runs, size_t used, size_t room)
{
	struct runs_head *h = malloc(sizeof(*h) + room * sizeof(*runs));

	if (!h)
		abort();
	h->next = all_runs;
	h->prev = &all_runs;
	if (all_runs)
		all_runs->prev = &h->next;
	all_runs = h;
	if (used)
		memcpy(h + 1, runs, used * sizeof(*runs));
	runs_free(runs);
	return (struct host_run *)(h + 1);
}

void host_p2m_reset(void)
{
	while (all_runs)
		runs_free((struct host_run *)(all_runs + 1));
}

int p2m_arch_init(struct p2m *p)
{
	memset(&p->arch, 0, sizeof(p->arch));
	return 0;
}

/* A run stands for a table. */
bool p2m_arch_destroy(struct p2m *p, u32 nr)
{
	if (p->arch.nr_runs > nr) {
		p->arch.nr_runs -= nr;
		return false;
	}
	runs_free(p->arch.runs);
	memset(&p->arch, 0, sizeof(p->arch));
	return true;
}

/* First run that ends after gfn. */
static size_t run_find(const struct p2m_arch *a, u64 gfn)
{
	size_t lo = 0, hi = a->nr_runs;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (a->runs[mid].gfn + a->runs[mid].nr > gfn)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void run_insert(struct p2m_arch *a, size_t at, struct host_run r)
{
	if (a->nr_runs == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->runs = runs_grow(a->runs, a->nr_runs, a->room);
	}
	memmove(&a->runs[at + 1], &a->runs[at], (a->nr_runs - at) * sizeof(*a->runs));
	a->runs[at] = r;
	a->nr_runs++;
}

static void run_delete(struct p2m_arch *a, size_t at)
{
	a->nr_runs--;
	memmove(&a->runs[at], &a->runs[at + 1], (a->nr_runs - at) * sizeof(*a->runs));
}

/* Makes gfn the first of a run, if one covers it. */
static void run_split(struct p2m_arch *a, u64 gfn)
{
	size_t i = run_find(a, gfn);
	struct host_run r;

	if (i == a->nr_runs || a->runs[i].gfn >= gfn)
		return;
	r = a->runs[i];
	a->runs[i].nr = gfn - r.gfn;
	r.nr -= gfn - r.gfn;
	r.mfn += gfn - r.gfn;
	r.gfn = gfn;
	run_insert(a, i + 1, r);
}

/* A failure comes half-way, as it does when tables run out. */
static bool set_fails(void)
{
	if (!host.fail_p2m_in || --host.fail_p2m_in)
		return false;
	host.fail_p2m_in = host.fail_p2m_more > 0;
	host.fail_p2m_more -= host.fail_p2m_more > 0;
	return true;
}

static void entries_set(struct p2m_arch *a, u64 gfn, u64 nr, struct host_run new,
			void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx)
{
	size_t i;

	run_split(a, gfn);
	run_split(a, gfn + nr);
	i = run_find(a, gfn);
	if (i < a->nr_runs && a->runs[i].gfn < gfn + nr)
		host.tlb_flushes++;
	while (i < a->nr_runs && a->runs[i].gfn < gfn + nr) {
		struct host_run r = a->runs[i];

		run_delete(a, i);
		old(ctx, r.mfn, r.nr, r.type);
	}
	if (new.type != P2M_INVALID)
		run_insert(a, i, new);
}

int p2m_arch_set(struct p2m *p, u64 gfn, u64 mfn, u64 nr, u32 type,
		 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx)
{
	int rc = 0;

	host.p2m_sets++;
	if (set_fails()) {
		rc = -XEN_ENOMEM;
		nr /= 2;
	}
	if (nr)
		entries_set(&p->arch, gfn, nr, (struct host_run){ gfn, mfn, nr, type }, old, ctx);
	return rc;
}

/* Runs stand for single pages here, however long they are. */
u32 p2m_arch_clear_pages(struct p2m *p, const u64 *gfns, u32 nr, u32 types, bool strict,
			 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx)
{
	unsigned int flushes = host.tlb_flushes;
	u64 left;
	u32 type, i;

	for (i = 0; i < nr; i++) {
		p2m_arch_get(p, gfns[i], &type, &left);
		if (1UL << type & types)
			entries_set(&p->arch, gfns[i], 1, (struct host_run){ .type = P2M_INVALID },
				    old, ctx);
		else if (strict)
			break;
	}
	host.tlb_flushes = flushes + (host.tlb_flushes != flushes);
	return i;
}

u64 p2m_arch_get(struct p2m *p, u64 gfn, u32 *type, u64 *left)
{
	const struct p2m_arch *a = &p->arch;
	size_t i = run_find(a, gfn);
	const struct host_run *r = i < a->nr_runs ? &a->runs[i] : NULL;

	if (!r || r->gfn > gfn) {
		*type = P2M_INVALID;
		*left = r ? r->gfn - gfn : 1UL << 36;
		return ~0UL;
	}
	*type = r->type;
	*left = r->gfn + r->nr - gfn;
	return r->mfn + (gfn - r->gfn);
}
