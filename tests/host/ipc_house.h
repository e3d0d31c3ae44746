/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small house for the tests of event channels and grants: domains with vcpus, RAM and stage-2
 * tables, made by the real code below them; what is beside and above is played here. One per
 * program.
 */
#ifndef TESTS_HOST_IPC_HOUSE_H
#define TESTS_HOST_IPC_HOUSE_H

#include <arch/host.h>
#include <serai/arch.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/frame.h>
#include <serai/grant.h>
#include <serai/hypercall.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUSE_RAM   (64UL << 20)
#define HOUSE_DOMS  6
#define ROOM_SIZE   16384 /* the guest's buffer for arguments */

static struct domain *house[HOUSE_DOMS];
static unsigned int wakes[HOUSE_DOMS][4]; /* sched_release() per vcpu, by order of creation */
static u64 room; /* guest address of the buffer */
static u64 free_before;
static void (*key_fn)(void);

/* --- what the code under test calls --- */

struct domain *domain_get(domid_t id)
{
	assert_int_equal(this_cpu()->lock_depth, 0);
	if (id == DOMID_SELF)
		id = current_domain()->id;
	for (int i = 0; i < HOUSE_DOMS; i++) {
		if (house[i] && house[i]->id == id) {
			atomic_add_return(&house[i]->refs, 1);
			return house[i];
		}
	}
	return NULL;
}

struct domain *domain_get_next(u32 from)
{
	struct domain *first = NULL;

	for (int i = 0; i < HOUSE_DOMS; i++)
		if (house[i] && house[i]->id >= from && (!first || house[i]->id < first->id))
			first = house[i];
	return first ? domain_get(first->id) : NULL;
}

void domain_put(struct domain *d)
{
	assert_true(atomic_sub_return(&d->refs, 1) < 1U << 31);
}

int domain_get_target(domid_t id, struct domain **out)
{
	struct domain *d = domain_get(id);

	if (!d)
		return -XEN_ESRCH;
	if (d != current_domain() && !domain_is_control(current_domain())) {
		domain_put(d);
		return -XEN_EPERM;
	}
	*out = d;
	return 0;
}

bool caller_is_control(void)
{
	return domain_is_control(current_domain());
}

void keyhandler_register(char key, void (*fn)(void), const char *what)
{
	key_fn = fn;
}

bool sched_release(struct sched_unit *u, u32 bits)
{
	struct vcpu *v = container_of(u, struct vcpu, unit);

	for (int i = 0; i < HOUSE_DOMS; i++)
		if (house[i] == v->domain)
			__atomic_fetch_add(&wakes[i][v->id], 1, __ATOMIC_RELAXED);
	__atomic_fetch_and(&u->holds, ~bits, __ATOMIC_SEQ_CST);
	return true;
}

/* --- domains --- */

/* Hooks of the subjects under test; a program without grants leaves those out. */
#ifndef HOUSE_WITH_GRANTS
#define grant_domain_create(d, cfg) 0
#define grant_domain_destroy(d)	    0
#endif

static inline struct domain *dom_new(domid_t id, u32 flags, u32 nr_vcpus,
				     const struct domain_config *limits)
{
	struct domain *d = calloc(1, sizeof(*d));
	struct domain_config cfg = *limits;

	d->id = id;
	d->flags = flags;
	d->refs = 1;
	d->nr_vcpus = nr_vcpus;
	d->max_evtchn_port = cfg.max_evtchn_port;
	d->vcpus = calloc(nr_vcpus, sizeof(*d->vcpus));
	lock_init(&d->lock, RANK_DOMAIN);
	frame_owner_init(&d->frames, 100000);
	assert_int_equal(frame_owner_register(&d->frames), 0);
	assert_int_equal(p2m_init(&d->p2m, &d->frames), 0);
	d->shared_info = heap_alloc_page();
	frame_share(&d->frames, d->shared_info);
	assert_int_equal(evtchn_domain_create(d, &cfg), 0);
	assert_int_equal(grant_domain_create(d, &cfg), 0);
	for (u32 i = 0; i < nr_vcpus; i++) {
		struct vcpu *v = calloc(1, sizeof(*v));

		v->domain = d;
		v->id = i;
		lock_init(&v->lock, RANK_VCPU);
		d->vcpus[i] = v;
		assert_int_equal(evtchn_vcpu_create(v), 0);
	}
	for (int i = 0;; i++) {
		assert_true(i < HOUSE_DOMS);
		if (!house[i]) {
			house[i] = d;
			break;
		}
	}
	return d;
}

static inline void vcpus_free(struct domain *d)
{
	for (u32 i = d->nr_vcpus; i-- > 0;) {
		evtchn_vcpu_destroy(d->vcpus[i]);
		free(d->vcpus[i]);
		d->vcpus[i] = NULL;
	}
}

/* As domain_kill() does it; the struct stays until dom_free(). */
static inline void dom_kill(struct domain *d)
{
	d->dying = true;
	while (evtchn_domain_close(d) == -XEN_ERESTART)
		;
	vcpus_free(d);
	while (grant_domain_destroy(d) == -XEN_ERESTART)
		;
	while (evtchn_domain_destroy(d) == -XEN_ERESTART)
		;
	frame_unshare(d->shared_info);
	d->shared_info = NULL;
	while (p2m_destroy(&d->p2m) == -XEN_ERESTART)
		;
	while (frame_release_all(&d->frames) == -XEN_ERESTART)
		;
	frame_owner_die(&d->frames);
	for (int i = 0; i < HOUSE_DOMS; i++)
		if (house[i] == d)
			house[i] = NULL;
}

/* Nobody may refer to it any more. */
static inline void dom_free(struct domain *d)
{
	assert_int_equal(d->refs, 1);
	frame_owner_unregister(&d->frames);
	free(d->vcpus);
	free(d);
}

static inline void run_on(struct domain *d, u32 vcpu)
{
	host_set_current(d->vcpus[vcpu]);
}

/* RAM of d at [gfn, gfn + nr). */
static inline void dom_ram(struct domain *d, u64 g, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		struct frame *f = frame_alloc(0, FRAME_ZERO);

		assert_non_null(f);
		assert_int_equal(frame_assign(&d->frames, f, 1), 0);
		assert_int_equal(p2m_map(&d->p2m, gfn(g + i), frame_to_mfn(f), 1, P2M_RAM_RW), 0);
	}
}

/* What d reads at that guest frame; NULL for a hole. */
static inline void *dom_ptr(struct domain *d, u64 g)
{
	mfn_t m = p2m_lookup(&d->p2m, gfn(g), NULL);

	return mfn_valid_number(m) ? paddr_to_virt(mfn_to_paddr(m)) : NULL;
}

static inline struct frame *dom_frame(struct domain *d, u64 g)
{
	return mfn_to_frame(p2m_lookup(&d->p2m, gfn(g), NULL));
}

static inline u64 house_free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

/* The machine is started once: the allocator of small objects keeps pages for its next calls. */
static inline void house_machine(void)
{
	void *p;

	host_init(4);
	assert_int_equal(frame_init(HOST_RAM_BASE, HOST_RAM_BASE + HOUSE_RAM), 0);
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + HOUSE_RAM, false);
	for (size_t size = 16; size <= 2048; size += 16) {
		p = mem_alloc(size);
		assert_non_null(p);
		mem_free(p);
	}
	room = host_guest_alloc(ROOM_SIZE);
}

static inline void house_open(void)
{
	if (!room)
		house_machine();
	memset(&host, 0, sizeof(host));
	memset(wakes, 0, sizeof(wakes));
	free_before = house_free_frames();
}

/* Takes all memory; give back pages one by one, then everything. */
static void *eaten_pages[HOUSE_RAM >> PAGE_SHIFT], *eaten_pieces[4096];
static u32 nr_eaten_pages, nr_eaten_pieces;

static inline void memory_eat(void)
{
	void *p;

	while ((p = heap_alloc(0, FRAME_NO_SCRUB)))
		eaten_pages[nr_eaten_pages++] = p;
	/* The pieces that are left of one size after the other. */
	for (size_t size = 2048; size >= 16; size -= 16)
		while (nr_eaten_pieces < ARRAY_SIZE(eaten_pieces) && (p = mem_alloc(size)))
			eaten_pieces[nr_eaten_pieces++] = p;
}

static inline void memory_give_page(void)
{
	assert_true(nr_eaten_pages);
	heap_free(eaten_pages[--nr_eaten_pages], 0);
}

static inline void memory_give_all(void)
{
	while (nr_eaten_pieces)
		mem_free(eaten_pieces[--nr_eaten_pieces]);
	while (nr_eaten_pages)
		memory_give_page();
}

static inline void house_close(void)
{
	struct domain *left[HOUSE_DOMS];

	for (int i = 0; i < HOUSE_DOMS; i++) {
		left[i] = house[i];
		if (house[i])
			dom_kill(house[i]);
	}
	for (int i = 0; i < HOUSE_DOMS; i++)
		if (left[i])
			dom_free(left[i]);
	assert_int_equal(this_cpu()->lock_depth, 0);
	/* Nothing leaked: every frame is back, and every mapping of one. */
	assert_int_equal(house_free_frames(), free_before);
	assert_int_equal(host.frames_mapped, 0);
}

/* --- hypercalls --- */

static inline void *room_put(const void *p, size_t size)
{
	return memcpy(host_guest_ptr(room), p, size);
}

/* One event_channel_op; the argument comes back as the guest sees it. */
static inline long evtchn_op(u32 cmd, void *p, size_t size)
{
	u64 arg[5] = { cmd, room };
	long rc;

	room_put(p, size);
	do
		rc = do_event_channel_op(arg);
	while (rc == -XEN_ERESTART);
	memcpy(p, host_guest_ptr(room), size);
	return rc;
}

#define EV(op, p) evtchn_op(EVTCHNOP_##op, (p), sizeof(*(p)))

static inline unsigned int upcalls(const struct vcpu *v)
{
	return __atomic_load_n(&v->arch.upcalls, __ATOMIC_RELAXED);
}

#endif
