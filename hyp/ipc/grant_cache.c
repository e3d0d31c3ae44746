/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GNTTABOP_cache_flush: cache maintenance by machine address, for pages that a domain has mapped
 * by a grant and gives to a device.
 *
 * Invalidation cleans first, as it does for a guest's own instruction: what is dirty may be
 * another domain's data or the zeros of a scrubbed page.
 */
#include "grant_private.h"

#define REFS_BETWEEN_POLLS 256
#define REF_END		   (1U << 20) /* progress that the command word can carry */

/* 0 when owner grants the frame to d and d has it pinned; *ref is where to begin. */
static int granted_to(struct domain *owner, const struct frame *f, const struct domain *d,
		      u32 *ref)
{
	int rc = -XEN_EPERM;
	u32 n;

	lock_take(&owner->grant_lock);
	n = owner->grants ? grant_nr_entries(owner->grants) : 0;
	for (u32 begin = *ref; *ref < n; ++*ref) {
		const struct grant_active *a = grant_active(owner->grants, *ref);

		if (a->frame == f && a->grantee == d->id) {
			rc = 0;
			break;
		}
		if (*ref != begin && *ref % REFS_BETWEEN_POLLS == 0 && *ref < REF_END &&
		    hypercall_preempted()) {
			rc = -XEN_ERESTART;
			break;
		}
	}
	lock_drop(&owner->grant_lock);
	return rc;
}

static int flush_frame(const struct abi_gnttab_cache_flush *op, struct frame *f, u32 *ref)
{
	struct domain *d = current_domain();
	const struct frame_owner *o = frame_owner_of(f);
	char *va;
	int rc = 0;

	if (o != &d->frames)
		rc = granted_to(container_of(o, struct domain, frames), f, d, ref);
	if (rc)
		return rc;
	va = frame_map(frame_to_mfn(f));
	if (op->op & GNTTAB_CACHE_INVAL)
		cache_arch_clean_invalidate(va + op->offset, op->length);
	else
		cache_arch_clean(va + op->offset, op->length);
	frame_unmap(va);
	return 0;
}

static int flush_one(const struct abi_gnttab_cache_flush *op, u32 *ref)
{
	struct frame *f;
	int rc;

	if (op->offset >= PAGE_SIZE || op->offset + op->length > PAGE_SIZE ||
	    (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)))
		return -XEN_EINVAL;
	if (!op->length || !op->op)
		return 0;
	f = mfn_to_frame(paddr_to_mfn(op->dev_bus_addr));
	if (!f)
		return -XEN_EINVAL;
	if (!frame_get_any(f))
		return -XEN_EPERM;
	rc = flush_frame(op, f, ref);
	frame_put(f);
	return rc;
}

long grant_op_cache_flush(struct grant_call *c)
{
	struct abi_gnttab_cache_flush op;
	int rc;

	while (c->done < c->count) {
		if (copy_array_from_guest(&op, c->uop, c->done, 1))
			return -XEN_EFAULT;
		rc = flush_one(&op, &c->ref);
		if (rc)
			return rc;
		c->ref = 0;
		c->done++;
		if (c->done < c->count && hypercall_preempted())
			return -XEN_ERESTART;
	}
	return 0;
}
