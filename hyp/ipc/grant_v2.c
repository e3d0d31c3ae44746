/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant tables of version 2 (Xen 4.17 public/grant_table.h): entries that grant a part of a page, or
 * what another domain granted; whether an entry is in use stands in status frames.
 *
 * The status words are written under d->grant_lock only, so they need no atomics: a guest that
 * writes into them hurts itself. To claim an entry the status says first that it is in use, then the
 * entry is looked at again; a guest that revokes goes the opposite way.
 * Invariant: when the version changes, no entry but the reserved first ones has pins.
 * Lock order: see grant_private.h; two domains' grant_locks are not nested.
 */
#include "grant_private.h"
#include "sharing.h"
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/string.h>

#define STATUS_SHIFT  11 /* words of one status frame */
#define STATUS_WORDS  (1U << STATUS_SHIFT)
#define RESERVED      GNTTAB_NR_RESERVED_ENTRIES
#define RESERVED_ROOM (RESERVED * sizeof(struct abi_grant_entry_v2))

/* Flags and domain as one word, and what of it must not change while an entry is claimed. */
#define HEAD_DOMAIN(head) ((head) >> 16)
#define HEAD_LASTING	  (0xffff0000U | GTF_type_mask | GTF_readonly | GTF_sub_page)

/* NULL: the frame is about to be added. */
static u16 *status_word(const struct grant_table *gt, u32 ref)
{
	if (unlikely(ref >> STATUS_SHIFT >= gt->nr_status))
		return NULL;
	return &gt->status[ref >> STATUS_SHIFT][ref % STATUS_WORDS];
}

static bool head_allows(u32 head, domid_t grantee, bool write, enum grant_use use)
{
	u32 type = head & GTF_type_mask;

	if (HEAD_DOMAIN(head) != grantee || (write && (head & GTF_readonly)))
		return false;
	if (type == GTF_transitive)
		return use == GRANT_COPY && options.gnttab_transitive;
	return type == GTF_permit_access && !(use == GRANT_MAP && (head & GTF_sub_page));
}

/* Says that the entry is in use, if it grants what is wanted; *head as it then was. */
static s16 entry_claim(const struct abi_grant_entry_v2 *e, u16 *status, domid_t grantee, bool write,
		       enum grant_use use, u32 *head)
{
	const u32 *h = (const u32 *)(const void *)e;

	*head = READ_ONCE(*h);
	if (!status || !head_allows(*head, grantee, write, use))
		return GNTST_general_error;
	WRITE_ONCE(*status, (u16)(READ_ONCE(*status) | GTF_reading | (write ? GTF_writing : 0)));
	smp_mb();
	return (READ_ONCE(*h) ^ *head) & HEAD_LASTING ? GNTST_general_error : GNTST_okay;
}

/* The frame of a claimed entry, which has pins already or not. */
static s16 entry_take(struct domain *d, const struct abi_grant_entry_v2 *e, bool first, bool write,
		      enum grant_use use, struct grant_active *a)
{
	s16 status = GNTST_okay;

	if (first)
		status = grant_frame_take(d, READ_ONCE(e->frame), write, a);
	else if (!a->frame) /* it stood for another entry a moment ago */
		status = GNTST_general_error;
	else if (write && !a->writable)
		status = GNTST_bad_page;
	if (!status && use == GRANT_MAP && !frame_get(a->frame, &d->frames))
		status = GNTST_general_error;
	if (status && first && a->frame) {
		frame_put(a->frame);
		a->frame = NULL;
	}
	return status;
}

static void where_fill(const struct abi_grant_entry_v2 *e, u32 head, struct grant_where *w)
{
	if ((head & GTF_type_mask) == GTF_transitive) {
		w->kind = GRANT_ELSEWHERE;
		w->via = READ_ONCE(e->trans_domid);
		w->via_ref = READ_ONCE(e->trans_ref);
	} else if (head & GTF_sub_page) {
		w->kind = GRANT_PART;
		w->offset = READ_ONCE(e->page_off);
		w->length = READ_ONCE(e->length);
	}
}

s16 grant_v2_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
		 struct frame **f, struct grant_where *where)
{
	struct grant_table *gt = d->grants;
	const struct abi_grant_entry_v2 *e = grant_entry_of(gt, ref, ENTRIES_SHIFT_V2);
	struct grant_active *a = grant_active_of(gt, ref, ENTRIES_SHIFT_V2);
	bool first = !(a->readers | a->writers);
	s16 status = GNTST_general_error;
	u32 head;

	if (first || (a->grantee == grantee && a->readers < PINS_MAX && a->writers < PINS_MAX))
		status = entry_claim(e, status_word(gt, ref), grantee, write, use, &head);
	if (!status && (head & GTF_type_mask) != GTF_transitive)
		status = entry_take(d, e, first, write, use, a);
	if (status) {
		grant_v2_release(gt, ref, grant_unused_flags(a));
		return status;
	}
	if (where)
		where_fill(e, head, where);
	a->grantee = grantee;
	gt->nr_pinned += first;
	if (write)
		a->writers++;
	else
		a->readers++;
	*f = a->frame;
	return GNTST_okay;
}

void grant_v2_release(struct grant_table *gt, u32 ref, u16 drop)
{
	u16 *status = status_word(gt, ref);

	if (!status || !drop)
		return;
	smp_mb(); /* what was done by leave of the entry is done */
	WRITE_ONCE(*status, (u16)(READ_ONCE(*status) & ~drop));
}

s16 grant_v2_follow(struct domain *d, bool write, struct frame **f, struct grant_where *where,
		    struct domain **via)
{
	struct grant_where last = { .kind = GRANT_WHOLE };
	struct domain *vd = NULL;
	s16 status = GNTST_general_error;

	if (where->via < DOMID_FIRST_RESERVED && where->via != d->id)
		vd = domain_get(where->via);
	if (vd)
		status = domains_may_share(d, vd) ?
				 grant_pin(vd, where->via_ref, d->id, write, GRANT_VIA, f, &last) :
				 GNTST_permission_denied;
	if (status) {
		granter_forget(&vd);
		return status;
	}
	where->kind = last.kind;
	where->offset = last.offset;
	where->length = last.length;
	*via = vd;
	return GNTST_okay;
}

/* --- status frames --- */

/* Adds one if it is missing: -XEN_EAGAIN to look again. */
static int status_add(struct domain *d)
{
	struct grant_table *gt;
	void *page;
	bool missing;

	lock_take(&d->grant_lock);
	gt = d->grants;
	missing = gt && gt->nr_status < STATUS_FRAMES(gt->nr_frames);
	lock_drop(&d->grant_lock);
	if (!missing)
		return 0;
	page = heap_alloc_page();
	if (!page)
		return -XEN_ENOMEM;
	lock_take(&d->grant_lock);
	gt = d->grants;
	if (gt && gt->nr_status < STATUS_FRAMES(gt->nr_frames)) {
		frame_share(&d->frames, page);
		gt->status[gt->nr_status++] = page;
		page = NULL;
	}
	lock_drop(&d->grant_lock);
	if (page)
		heap_free(page, 0);
	return -XEN_EAGAIN;
}

static int status_grow(struct domain *d)
{
	int rc;

	while ((rc = status_add(d)) == -XEN_EAGAIN)
		if (hypercall_preempted())
			return -XEN_ERESTART;
	return rc;
}

int grant_v2_grow(struct domain *d)
{
	bool wanted;

	lock_take(&d->grant_lock);
	wanted = d->grants && d->grants->version == 2;
	lock_drop(&d->grant_lock);
	return wanted ? status_grow(d) : 0;
}

/* --- change of version --- */

static u32 reserved_pinned(const struct grant_table *gt)
{
	u32 n = 0;

	for (u32 ref = 0; ref < RESERVED; ref++)
		n += (grant_active(gt, ref)->readers | grant_active(gt, ref)->writers) != 0;
	return n;
}

/* Clears the next frame, but for the reserved entries; false when all are. */
static bool clear_some(struct grant_table *gt)
{
	u32 i = gt->nr_cleared, keep = i ? 0 : RESERVED << (PAGE_SHIFT - gt->entries_shift);

	if (i == gt->nr_frames)
		return false;
	memset(gt->pages[i].shared + keep, 0, PAGE_SIZE - keep);
	if (i % 8 == 0 && gt->version == 1)
		memset(gt->status[i / 8], 0, PAGE_SIZE);
	gt->nr_cleared++;
	return true;
}

/* A reserved entry in the other format; one that this cannot express is dropped. */
static struct abi_grant_entry reserved_to_v1(const struct abi_grant_entry_v2 *from)
{
	struct abi_grant_entry_v2 e = *(const volatile struct abi_grant_entry_v2 *)from;

	if ((e.flags & GTF_type_mask) != GTF_permit_access || (e.flags & GTF_sub_page) ||
	    e.frame >> 32)
		return (struct abi_grant_entry){ 0 };
	return (struct abi_grant_entry){ e.flags, e.domid, (u32)e.frame };
}

static struct abi_grant_entry_v2 reserved_to_v2(const struct abi_grant_entry *from)
{
	struct abi_grant_entry e = *(const volatile struct abi_grant_entry *)from;

	if ((e.flags & GTF_type_mask) != GTF_permit_access || (e.flags & GTF_sub_page))
		return (struct abi_grant_entry_v2){ 0 };
	e.flags &= (u16) ~(GTF_reading | GTF_writing);
	return (struct abi_grant_entry_v2){ e.flags, e.domid, .frame = e.frame };
}

static u16 pinned_bits(const struct grant_active *a)
{
	if (a->writers)
		return GTF_reading | GTF_writing;
	return a->readers ? GTF_reading : 0;
}

/* Everything is cleared: the reserved entries take their new form. */
static void version_switch(struct grant_table *gt, u32 version)
{
	char *page = gt->pages[0].shared;
	struct abi_grant_entry v1[RESERVED];
	struct abi_grant_entry_v2 v2[RESERVED];

	for (u32 ref = 0; ref < RESERVED; ref++) {
		u16 bits = pinned_bits(grant_active(gt, ref));

		if (version == 1) {
			v1[ref] = reserved_to_v1(grant_entry(gt, ref));
			v1[ref].flags |= v1[ref].flags ? bits : 0;
		} else {
			v2[ref] = reserved_to_v2(grant_entry(gt, ref));
			gt->status[0][ref] = bits;
		}
	}
	memset(page, 0, RESERVED_ROOM);
	if (version == 1)
		memcpy(page, v1, sizeof(v1));
	else
		memcpy(page, v2, sizeof(v2));
	gt->version = (u8)version;
	gt->entries_shift = version == 1 ? ENTRIES_SHIFT_V1 : ENTRIES_SHIFT_V2;
}

/* Under d->grant_lock. -XEN_EAGAIN: more is to be done. */
static int version_step(struct grant_table *gt, u32 version)
{
	if (gt->version == version)
		return 0;
	if (!gt->nr_frames)
		return -XEN_ENOSYS;
	if (gt->nr_pinned > reserved_pinned(gt))
		return -XEN_EBUSY;
	if (gt->nr_status < STATUS_FRAMES(gt->nr_frames) || clear_some(gt))
		return -XEN_EAGAIN;
	version_switch(gt, version);
	return 0;
}

int grant_version_set(struct domain *d, u32 version)
{
	struct grant_table *gt = d->grants;
	int rc;

	/* Cleared are also tables that have grown meanwhile. */
	do {
		rc = gt->version != version ? status_grow(d) : 0;
		if (rc)
			return rc;
		lock_take(&d->grant_lock);
		rc = version_step(gt, version);
		if (rc != -XEN_EAGAIN)
			gt->nr_cleared = 0;
		lock_drop(&d->grant_lock);
	} while (rc == -XEN_EAGAIN && !hypercall_preempted());
	return rc == -XEN_EAGAIN ? -XEN_ERESTART : rc;
}
