/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a domain's RAM before its first instruction (header: launch.h).
 *
 * Work goes upwards through the banks, piece by piece: the frames of a piece lie in a row, are
 * cleared or written step by step, and are then given to the domain. launch_lock orders who is
 * loaded when; of a launch itself only the vcpu knows, or whoever destroys the domain after that.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/launch.h>
#include <serai/lock.h>
#include <serai/string.h>

#define PIECE_MAX  (64 * PAGE_SIZE)
/* Of these sizes a step is about 1500 instructions. */
#define CLEAR_STEP (8 * PAGE_SIZE)
#define COPY_STEP  (2 * PAGE_SIZE)
#define RANGES_MAX 128
#define HEAD_START NS_PER_MS /* of a domain that is loaded, before the next one wants its CPU */

enum launch_state { LAUNCH_PREPARED, LAUNCH_WAITING, LAUNCH_LOADING };

struct launch {
	struct domain *domain;
	enum launch_state state;
	struct launch *next;	 /* the one that waits behind it */
	u32 nr_banks;
	struct range *bank;	 /* the one that the piece was taken from: RAM behind it */
	struct range banks[LAUNCH_BANKS];
	struct range piece;	 /* guest addresses in one piece, not the domain's yet */
	u64 at;			 /* in piece: what is before is loaded */
	paddr_t piece_pa;
	u32 nr_files;
	struct launch_file *file; /* the next one, or the one being copied */
	struct launch_file files[LAUNCH_FILES];
};

static struct lock launch_lock = LOCK_INIT(RANK_DOMAIN);
static struct {
	u32 prepared, loading; /* how many there are; how many of them are being loaded */
	struct launch *waiting;
	struct timer next;
	u32 nr_ranges;
	struct freed {
		struct range range;
		bool heap; /* of it, not only for it */
	} ranges[RANGES_MAX]; /* to be given back */
} launches;

int launch_prepare(struct domain *d, const struct range_set *banks, const struct launch_file *files,
		   u32 nr)
{
	struct launch *l = mem_alloc(sizeof(*l));

	if (!l)
		return -XEN_ENOMEM;
	BUG_ON(banks->nr > LAUNCH_BANKS || nr > LAUNCH_FILES);
	l->domain = d;
	for (u32 i = 0; i < banks->nr; i++)
		l->banks[i] = banks->r[i];
	l->nr_banks = banks->nr;
	l->bank = l->banks;
	for (u32 i = 0; i < nr; i++)
		l->files[i] = files[i];
	l->nr_files = nr;
	l->file = l->files;
	lock_take(&launch_lock);
	launches.prepared++;
	lock_drop(&launch_lock);
	d->launch = l;
	return 0;
}

/* ------------------------------------------------------------------------------------- loading -- */

static u64 page_part(paddr_t a, u64 size)
{
	return MIN(size, PAGE_SIZE - (a & (PAGE_SIZE - 1)));
}

void memory_copy(paddr_t dst, paddr_t src, u64 size)
{
	for (u64 part; size; size -= part, dst += part, src += part) {
		char *to = frame_map(paddr_to_mfn(dst));
		const char *from = frame_map(paddr_to_mfn(src));

		part = page_part(dst, page_part(src, size));
		memcpy(to + (dst & (PAGE_SIZE - 1)), from + (src & (PAGE_SIZE - 1)), part);
		frame_unmap(from);
		frame_unmap(to);
	}
}

/* One page of a file; the rest of its last page is cleared. */
static void page_fill(paddr_t pa, paddr_t src, u64 size)
{
	const void *va;

	if (likely(size == PAGE_SIZE && IS_ALIGNED(src, PAGE_SIZE))) {
		frame_arch_copy(paddr_to_mfn(pa), paddr_to_mfn(src));
		return;
	}
	frames_arch_clear(paddr_to_mfn(pa), 1);
	memory_copy(pa, src, size);
	va = frame_map(paddr_to_mfn(pa));
	cache_arch_clean_invalidate(va, PAGE_SIZE);
	frame_unmap(va);
}

/* The piece behind the last one. False: the domain has all of its RAM. */
static bool piece_next(struct launch *l)
{
	struct p2m *p = &l->domain->p2m;
	u64 m, left, gpa;
	u32 type;

	while (l->bank < &l->banks[l->nr_banks] && !range_size(l->bank))
		l->bank++;
	if (l->bank == &l->banks[l->nr_banks])
		return false;
	gpa = l->bank->start;
	lock_take(&p->lock);
	m = p2m_arch_get(p, gpa >> PAGE_SHIFT, &type, &left);
	lock_drop(&p->lock);
	BUG_ON(type != P2M_RAM_RW);
	left = MIN(left << PAGE_SHIFT, range_size(l->bank));
	l->piece = (struct range){ gpa, gpa + MIN(left, PIECE_MAX) };
	l->piece_pa = m << PAGE_SHIFT;
	l->at = gpa;
	l->bank->start = l->piece.end;
	return true;
}

/* What was loaded becomes the domain's. */
static bool piece_finish(struct launch *l)
{
	struct frame *f = mfn_to_frame(paddr_to_mfn(l->piece_pa));
	u64 nr = range_size(&l->piece) >> PAGE_SHIFT;

	if (nr && frame_assign(&l->domain->frames, f, nr)) {
		domain_crash(l->domain, "its RAM was used up from outside while it was loaded");
		return false;
	}
	l->piece.start = l->piece.end;
	return true;
}

static void load_file(const struct launch *l, paddr_t pa, u64 size)
{
	u64 offset = l->at - l->file->gpa;

	for (u64 i = 0; i < size; i += PAGE_SIZE)
		page_fill(pa + i, l->file->src + offset + i,
			  MIN(l->file->size - offset - i, PAGE_SIZE));
}

/* The guest starts with its caches off: zeroes and files must be in RAM. */
static void load_step(struct launch *l)
{
	struct launch_file *end = &l->files[l->nr_files];
	paddr_t pa = l->piece_pa + (l->at - l->piece.start);
	u64 n = l->piece.end - l->at;

	while (l->file < end && l->file->gpa + l->file->size <= l->at)
		l->file++;
	if (l->file < end && l->file->gpa <= l->at) {
		n = MIN(n, COPY_STEP);
		n = MIN(n, ROUND_UP(l->file->gpa + l->file->size - l->at, PAGE_SIZE));
		load_file(l, pa, n);
	} else {
		n = MIN(n, CLEAR_STEP);
		if (l->file < end)
			n = MIN(n, l->file->gpa - l->at);
		frames_arch_clear(paddr_to_mfn(pa), n >> PAGE_SHIFT);
	}
	l->at += n;
}

/* False: there is nothing left. */
static bool launch_step(struct launch *l)
{
	if (l->at < l->piece.end)
		load_step(l);
	else if (piece_finish(l))
		return piece_next(l);
	return true;
}

/* -------------------------------------------------------------------------------- whose turn -- */

static void release(struct domain *d)
{
	sched_release(&d->vcpus[0]->unit, HOLD_DOWN);
}

/* Under the lock. */
static void load_waiting(void)
{
	while (launches.waiting && launches.loading < cpumask_weight(&cpu_online)) {
		struct launch *l = launches.waiting;

		launches.waiting = l->next;
		launches.loading++;
		l->state = LAUNCH_LOADING;
		release(l->domain);
	}
}

static void load_next(void *arg)
{
	lock_take(&launch_lock);
	load_waiting();
	lock_drop(&launch_lock);
}

int launch_init(void)
{
	timer_init(&launches.next, load_next, NULL, cpu_id());
	return 0;
}

void launch_start(struct domain *d)
{
	struct launch *l = d->launch, **p = &launches.waiting;

	if (!l) {
		release(d);
		return;
	}
	d->vcpus[0]->launch = l;
	lock_take(&launch_lock);
	l->state = LAUNCH_WAITING;
	while (*p)
		p = &(*p)->next;
	*p = l;
	load_waiting();
	lock_drop(&launch_lock);
}

/* Under the lock: nobody reads the files any more. */
static void give_back_all(void)
{
	for (u32 i = 0; i < launches.nr_ranges; i++)
		if (launches.ranges[i].heap)
			frame_free_range(mfn_to_frame(paddr_to_mfn(launches.ranges[i].range.start)),
					 range_size(&launches.ranges[i].range) >> PAGE_SHIFT);
		else
			frame_add_range(launches.ranges[i].range.start,
					launches.ranges[i].range.end, true);
	launches.nr_ranges = 0;
}

void launch_give_back(paddr_t start, paddr_t end, bool heap)
{
	lock_take(&launch_lock);
	BUG_ON(launches.nr_ranges == RANGES_MAX);
	launches.ranges[launches.nr_ranges++] = (struct freed){ { start, end }, heap };
	if (!launches.prepared)
		give_back_all();
	lock_drop(&launch_lock);
}

u64 launch_pending_bytes(void)
{
	u64 sum = 0;

	lock_take(&launch_lock);
	for (u32 i = 0; i < launches.nr_ranges; i++)
		sum += range_size(&launches.ranges[i].range);
	lock_drop(&launch_lock);
	return sum;
}

void launch_keep_files(struct domain *d)
{
	for (u32 i = 0; i < d->launch->nr_files; i++)
		d->launch->files[i].heap = NULL;
}

/* The launch has come to its end, one way or the other. */
static void launch_end(struct launch *l)
{
	struct launch **p = &launches.waiting;

	l->domain->launch = NULL;
	for (u32 i = 0; i < l->nr_files; i++)
		if (l->files[i].heap)
			heap_free(l->files[i].heap, l->files[i].order);
	lock_take(&launch_lock);
	while (*p && *p != l)
		p = &(*p)->next;
	if (*p)
		*p = l->next;
	if (l->state == LAUNCH_LOADING)
		launches.loading--;
	if (launches.waiting)
		timer_arm(&launches.next, time_now() + HEAD_START);
	if (--launches.prepared == 0)
		give_back_all();
	lock_drop(&launch_lock);
	mem_free(l);
}

void launch_run(struct vcpu *v)
{
	while (!this_cpu()->work) {
		struct launch *l = v->launch;

		if (!launch_step(l)) {
			v->launch = NULL;
			launch_end(l);
			return;
		}
		if (cpu_arch_work_pending())
			cpu_arch_idle();
	}
}

int launch_domain_destroy(struct domain *d)
{
	struct launch *l = d->launch;

	if (!l)
		return 0;
	do {
		u64 nr = range_size(&l->piece) >> PAGE_SHIFT;

		if (nr)
			frame_free_range(mfn_to_frame(paddr_to_mfn(l->piece_pa)), nr);
		l->piece.start = l->piece.end;
		if (cpu_arch_work_pending())
			return -XEN_ERESTART;
	} while (piece_next(l));
	launch_end(l);
	return 0;
}
