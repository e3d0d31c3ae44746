/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins on grant entries, as version 1 has them: the entry is claimed in the shared page by
 * compare-and-exchange of flags and grantee together, then its frame number is read, once.
 *
 * Invariant: an entry without pins has no frame. The frame keeps its reference until the last pin
 * is gone, whatever the guest writes into the entry meanwhile.
 * Lock order: d->grant_lock, d's p2m lock.
 */
#include "grant_private.h"
#include "guest_atomic.h"

#define CLAIM_TRIES 5 /* times that a guest may change the entry under our hands */

/* Says in the shared entry that it is in use, if it grants what is wanted. */
static s16 entry_claim(struct abi_grant_entry *e, domid_t grantee, bool write, enum grant_use use)
{
	u32 *p = (u32 *)(void *)e, word = READ_ONCE(*p);
	u32 kind = GTF_type_mask | (use == GRANT_MAP ? GTF_sub_page : 0);
	u32 add = GTF_reading | (write ? GTF_writing : 0);

	for (int i = 0; i < CLAIM_TRIES; i++) {
		if ((word & kind) != GTF_permit_access || word >> 16 != grantee)
			return GNTST_general_error;
		if (write && (word & GTF_readonly))
			return GNTST_general_error;
		if (guest_cmpxchg_u32(p, &word, word | add))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/* Takes back what the pins that are left do not need. */
static void entry_release(struct abi_grant_entry *e, const struct grant_active *a)
{
	u16 drop = grant_unused_flags(a);

	if (drop)
		guest_and_u16(&e->flags, (u16)~drop);
}

s16 grant_frame_take(struct domain *d, u64 g, bool write, struct grant_active *a)
{
	enum p2m_type t;
	struct frame *f = p2m_get_frame(&d->p2m, gfn(g), write, &t);

	if (!f)
		return GNTST_bad_page;
	if (!p2m_type_ram(t)) {
		frame_put(f);
		return GNTST_bad_page;
	}
	a->frame = f;
	a->writable = t == P2M_RAM_RW;
	return GNTST_okay;
}

/* Under d->grant_lock; ref is in the table. */
static s16 entry_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
		     struct frame **f)
{
	struct abi_grant_entry *e = grant_entry_of(d->grants, ref, ENTRIES_SHIFT_V1);
	struct grant_active *a = grant_active_of(d->grants, ref, ENTRIES_SHIFT_V1);
	bool first = !(a->readers | a->writers);
	s16 status = GNTST_okay;

	if (!first && (a->grantee != grantee || a->readers == PINS_MAX || a->writers == PINS_MAX))
		return GNTST_general_error;
	if (first || (write && !a->writers))
		status = entry_claim(e, grantee, write, use);
	if (status)
		return status;
	if (first)
		status = grant_frame_take(d, READ_ONCE(e->frame), write, a);
	else if (write && !a->writable)
		status = GNTST_bad_page;
	if (!status && use == GRANT_MAP && !frame_get(a->frame, &d->frames))
		status = GNTST_general_error;
	if (unlikely(status)) {
		if (first && a->frame) {
			frame_put(a->frame);
			a->frame = NULL;
		}
		entry_release(e, a);
		return status;
	}
	a->grantee = grantee;
	d->grants->nr_pinned += first;
	*f = a->frame;
	if (write)
		a->writers++;
	else
		a->readers++;
	return GNTST_okay;
}

s16 grant_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
	      struct frame **f, struct grant_where *where)
{
	s16 status = GNTST_bad_gntref;

	lock_take(&d->grant_lock);
	if (likely(d->grants && ref < grant_nr_entries(d->grants)))
		status = likely(d->grants->version == 1) ?
				 entry_pin(d, ref, grantee, write, use, f) :
				 grant_v2_pin(d, ref, grantee, write, use, f, where);
	lock_drop(&d->grant_lock);
	return status;
}

void grant_unpin(struct domain *d, u32 ref, bool write)
{
	struct grant_active *a;
	struct frame *f = NULL;

	lock_take(&d->grant_lock);
	/* The table of a dead granter is gone, and its pins with it. */
	if (likely(d->grants && ref < grant_nr_entries(d->grants))) {
		a = grant_active(d->grants, ref);
		if (write)
			a->writers--;
		else
			a->readers--;
		if (!(a->readers | a->writers)) {
			f = a->frame;
			a->frame = NULL;
			d->grants->nr_pinned--;
		}
		if (likely(d->grants->version == 1))
			entry_release(grant_entry_of(d->grants, ref, ENTRIES_SHIFT_V1), a);
		else
			grant_v2_release(d->grants, ref, grant_unused_flags(a));
	}
	lock_drop(&d->grant_lock);
	if (f)
		frame_put(f);
}
