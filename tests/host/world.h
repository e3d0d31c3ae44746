/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small machine with domains for tests of hypercalls: RAM in the heap, domains with one vcpu,
 * and stand-ins for what core/domain.c does. Include it once per program.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/hypercall.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_FRAMES  8192 /* 32 MiB */
#define WORLD_DOMAINS 4

static struct domain world[WORLD_DOMAINS];
static struct vcpu world_vcpu[WORLD_DOMAINS];
static struct vcpu *world_vcpus[WORLD_DOMAINS][1];
static int world_refs; /* references taken and not yet given back */

static inline u64 world_free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

static inline struct domain *world_add(domid_t id, u32 flags, u32 max_frames)
{
	struct domain *d = &world[id];

	memset(d, 0, sizeof(*d));
	memset(&world_vcpu[id], 0, sizeof(world_vcpu[id]));
	d->id = id;
	d->flags = flags;
	d->nr_vcpus = 1;
	d->vcpus = world_vcpus[id];
	d->vcpus[0] = &world_vcpu[id];
	d->vcpus[0]->domain = d;
	d->max_grant_frames = 4;
	d->shutdown_code = SHUTDOWN_code_invalid;
	lock_init(&d->lock, RANK_DOMAIN);
	frame_owner_init(&d->frames, max_frames);
	assert_int_equal(frame_owner_register(&d->frames), 0);
	assert_int_equal(p2m_init(&d->p2m, &d->frames), 0);
	d->shared_info = heap_alloc_page();
	frame_share(&d->frames, d->shared_info);
	return d;
}

/* Makes domain id the caller of hypercalls. */
static inline void world_enter(domid_t id)
{
	host_set_current(&world_vcpu[id]);
}

/* Domain 0 in control and mapped one to one, 1 and 2 ordinary; 0 is current. */
static inline void world_init(void)
{
	host_init(2);
	memset(frame_owners, 0, sizeof(frame_owners));
	memset(world, 0, sizeof(world));
	world_refs = 0;
	assert_int_equal(frame_init(HOST_RAM_BASE, HOST_RAM_BASE + WORLD_FRAMES * PAGE_SIZE), 0);
	frame_add_range(HOST_RAM_BASE, HOST_RAM_BASE + WORLD_FRAMES * PAGE_SIZE, true);
	world_add(0, DOMAIN_CONTROL | DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP, 64);
	world_add(1, 0, 64);
	world_add(2, 0, 64);
	world_enter(0);
}

/* Gives frames to d and maps them at g; returns the first machine frame. */
static inline u64 world_give_ram(struct domain *d, u64 g, unsigned int order)
{
	struct frame *f = frame_alloc(order, 0);

	assert_non_null(f);
	assert_int_equal(frame_assign(&d->frames, f, 1UL << order), 0);
	if (d->flags & DOMAIN_DIRECT_MAP)
		g = frame_to_mfn(f).v;
	assert_int_equal(p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), 1UL << order, P2M_RAM_RW), 0);
	return frame_to_mfn(f).v;
}

static inline void *world_frame_bytes(u64 m)
{
	return paddr_to_virt(m << PAGE_SHIFT);
}

/* --- stand-ins for core/domain.c --- */

struct domain *domain_get(domid_t id)
{
	if (id >= WORLD_DOMAINS || !world[id].nr_vcpus)
		return NULL;
	world_refs++;
	return &world[id];
}

struct domain *domain_get_next(u32 from)
{
	for (; from < WORLD_DOMAINS; from++)
		if (world[from].nr_vcpus)
			return domain_get((domid_t)from);
	return NULL;
}

bool caller_is_control(void)
{
	return domain_is_control(current_domain());
}

int domain_get_target(domid_t id, struct domain **out)
{
	struct domain *d = domain_get(id == DOMID_SELF ? current_domain()->id : id);

	if (!d)
		return -XEN_ESRCH;
	if (d != current_domain() && !caller_is_control()) {
		world_refs--;
		return -XEN_EPERM;
	}
	*out = d;
	return 0;
}

void domain_put(struct domain *d)
{
	world_refs--;
}

#endif
