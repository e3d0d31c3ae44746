/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true between two hypercalls, whatever guests have done: every frame has the
 * references that somebody holds, accounts of owners sum up, what guests have mapped is theirs or
 * referenced, event channels and their peers agree, and so do grants and their mappings.
 *
 * evtchn_fifo.c is included here to be looked into.
 */
#include "first_domain.h"
#include "hypercall_house.h"
#include "../../hyp/ipc/grant_private.h"
#include "../../hyp/ipc/evtchn_fifo.c"

/* What is checked is no news about the code under test. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

#define FRAMES (RAM >> PAGE_SHIFT)

static u32 held[FRAMES]; /* references that were found */
static u32 owned[FRAME_OWNERS_MAX], lent[FRAME_OWNERS_MAX];

static void hold(const struct frame *f)
{
	CHECK(f >= frame_table && f < frame_table + frame_count);
	CHECK(f->state == FRAME_DOMAIN || f->state == FRAME_SHARED);
	held[f - frame_table]++;
}

static void hold_area(const struct guest_area *a)
{
	if (a->frame)
		hold(a->frame);
}

/* --- stage 2 --- */

static void check_entry(struct domain *d, u64 g, u64 m, u32 type)
{
	struct frame *f = mfn_to_frame(mfn(m));

	if (type == P2M_GRANT_RW || type == P2M_GRANT_RO || type == P2M_FOREIGN_RW ||
	    type == P2M_FOREIGN_RO) {
		hold(f);
	} else if (type == P2M_SHARED) {
		CHECK(f->state == FRAME_SHARED && frame_owner_of(f) == &d->frames);
		CHECK(f->links == g);
		hold(f);
	} else if (p2m_type_ram(type) && !d->dying) {
		CHECK(f && f->state == FRAME_DOMAIN && f->refs);
		CHECK(frame_owner_of(f) == &d->frames);
	}
}

static void check_p2m(struct domain *d)
{
	const struct p2m_arch *a = &d->p2m.arch;

	CHECK(!lock_held(&d->p2m.lock));
	for (size_t i = 0; i < a->nr_runs; i++) {
		const struct host_run *r = &a->runs[i];

		CHECK(!i || r->gfn >= r[-1].gfn + r[-1].nr);
		for (u64 n = 0; n < r->nr; n++)
			check_entry(d, r->gfn + n, r->mfn + n, r->type);
	}
}

/* --- event channels --- */

static u32 check_channel(struct domain *d, const struct evtchn *c, u32 port)
{
	const struct evtchn *peer;
	const struct vcpu *v;

	CHECK(!lock_held(&c->lock));
	CHECK(c->vcpu < d->nr_vcpus);
	if (c->state == EVTCHN_INTERDOMAIN) {
		CHECK(c->remote->evtchn);
		peer = evtchn_find(c->remote->evtchn, c->remote_port);
		CHECK(peer && peer->state == EVTCHN_INTERDOMAIN);
		CHECK(peer->remote == d && peer->remote_port == port);
	} else if (c->state == EVTCHN_VIRQ) {
		v = d->vcpus[c->virq == VIRQ_TIMER || c->virq == VIRQ_DEBUG ||
			     c->virq == VIRQ_XENOPROF || c->virq == VIRQ_XENPMU ? c->vcpu : 0];
		CHECK(v->virq_to_port[c->virq] == port);
	}
	return c->state != EVTCHN_FREE;
}

static void check_fifo(struct domain *d)
{
	const struct evtchn_fifo *f = d->evtchn->fifo;

	for (u32 i = 0; i < d->nr_vcpus; i++) {
		const struct evtchn_fifo_vcpu *fv = d->vcpus[i] ? d->vcpus[i]->fifo : NULL;

		if (!fv)
			continue;
		hold_area(&fv->area);
		for (u32 q = 0; q < EVTCHN_FIFO_QUEUES; q++)
			CHECK(!lock_held(&fv->queue[q].lock));
	}
	for (u32 i = 0; f && i < PAGES_MAX; i++) {
		CHECK(!!f->page[i].frame == (i < f->nr_words / WORDS_PER_PAGE));
		hold_area(&f->page[i]);
	}
}

static void check_events(struct domain *d)
{
	struct evtchn_domain *ed = d->evtchn;
	u32 used = 0, polling = 0;

	if (!ed)
		return;
	for (u32 port = 0; port < ed->nr_ports; port++)
		used += check_channel(d, evtchn_at(ed, port), port);
	CHECK(used == ed->nr_used);
	for (u32 i = 0; i < d->nr_vcpus; i++) {
		const struct vcpu *v = d->vcpus[i];

		if (!v)
			continue;
		polling += v->polling;
		for (u32 virq = 0; virq < NR_VIRQS; virq++) {
			const struct evtchn *c = evtchn_at(ed, v->virq_to_port[virq]);

			if (v->virq_to_port[virq])
				CHECK(c->state == EVTCHN_VIRQ && c->virq == virq);
		}
	}
	CHECK(polling <= ed->pollers);
	check_fifo(d);
}

/* --- grants --- */

/* The entry has as many pins as there are mappings of it: no copy is under way. */
static void check_active(struct domain *d, u32 ref, const struct grant_active *a)
{
	u32 readers = 0, writers = 0;

	CHECK(!!a->frame == !!(a->readers | a->writers));
	if (!a->frame)
		return;
	hold(a->frame);
	CHECK(frame_owner_of(a->frame) == &d->frames);
	for (struct domain *m = first_domain(); m; m = m->next) {
		const struct grant_table *gt = m->grants;

		for (u32 h = 0; gt && h < gt->nr_maps; h++) {
			const struct grant_map *map = &gt->maps[h >> MAPS_SHIFT][h % MAPS];

			if (map->granter != d ||
			    (map->word >> MAP_GFN_BITS & ((1U << MAP_REF_BITS) - 1)) != ref)
				continue;
			CHECK(map->word & MAP_USED);
			CHECK(a->grantee == m->id);
			readers += !!(map->word & MAP_READONLY);
			writers += !(map->word & MAP_READONLY);
		}
	}
	CHECK(a->readers == readers && a->writers == writers);
}

static void check_grants(struct domain *d)
{
	const struct grant_table *gt = d->grants;

	CHECK(!lock_held(&d->grant_lock));
	if (!gt)
		return;
	CHECK(!lock_held(&gt->maptrack_lock));
	CHECK(gt->nr_frames <= gt->max_frames);
	for (u32 ref = 0; ref < grant_nr_entries(gt); ref++)
		check_active(d, ref, grant_active(gt, ref));
	for (u32 h = 0; h < gt->nr_maps; h++) {
		const struct grant_map *map = &gt->maps[h >> MAPS_SHIFT][h % MAPS];

		if (map->granter)
			CHECK((map->word & (MAP_USED | MAP_BUSY)) == MAP_USED);
	}
}

/* --- frames --- */

static void check_frames(void)
{
	memset(owned, 0, sizeof(owned));
	memset(lent, 0, sizeof(lent));
	for (u32 i = 0; i < FRAMES; i++) {
		const struct frame *f = &frame_table[i];

		if (f->state != FRAME_DOMAIN && f->state != FRAME_SHARED) {
			CHECK(!held[i]);
			continue;
		}
		/* Inside of a block that was freed as a whole, records are as they were. */
		CHECK(held[i] + f->allocated <= f->refs || !f->refs);
		CHECK(!held[i] || f->refs);
		if (!f->refs)
			continue;
		owned[f->owner] += f->state == FRAME_DOMAIN;
		lent[f->owner] += f->state == FRAME_SHARED || !f->allocated;
	}
}

static void check_owner(struct domain *d)
{
	const struct frame_owner *o = &d->frames;

	CHECK(!lock_held(&o->lock) && !lock_held(&d->lock));
	if (!o->slot)
		return;
	CHECK(frame_owners[o->slot] == o);
	CHECK(o->nr == owned[o->slot]);
	CHECK(o->nr_refs_held == lent[o->slot]);
	for (u32 i = 0; i < d->nr_vcpus; i++)
		CHECK(!d->vcpus[i] || !lock_held(&d->vcpus[i]->lock));
}

void check_house(void)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		CHECK(cpu_table[cpu]->lock_depth == 0);
	CHECK(!lock_held(&evtchn_bind_lock));
	check_heap();
	memset(held, 0, sizeof(held));
	for (struct domain *d = first_domain(); d; d = d->next) {
		check_p2m(d);
		check_events(d);
		check_grants(d);
		for (u32 i = 0; i < d->nr_vcpus; i++)
			if (d->vcpus[i])
				hold_area(&d->vcpus[i]->info_area);
	}
	check_frames();
	for (struct domain *d = first_domain(); d; d = d->next)
		check_owner(d);
}

#pragma clang attribute pop
