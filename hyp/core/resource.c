/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XENMEM_acquire_resource: the control domain maps pages that the hypervisor shares with another
 * domain (grant frames) at its own addresses, as foreign pages.
 */
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/memory_op.h>

static bool is_status(const struct abi_mem_acquire_resource *r)
{
	return r->id == XENMEM_resource_grant_table_id_status;
}

/* Frames that the resource can have at most; 0: there is no such resource. */
static u32 resource_frames(const struct domain *d, const struct abi_mem_acquire_resource *r)
{
	if (r->type != XENMEM_resource_grant_table)
		return 0;
	if (r->id == XENMEM_resource_grant_table_id_shared)
		return d->max_grant_frames;
	return is_status(r) ? d->max_status_frames : 0;
}

static int resource_map_one(struct domain *d, u32 frame, bool status, u64 g)
{
	struct frame *f;
	mfn_t m;
	int rc = domain_actions.grant_frame(d, frame, status, &m);

	if (rc)
		return rc;
	f = mfn_to_frame(m);
	if (!frame_get_shared(f, &d->frames))
		return -XEN_EINVAL;
	rc = p2m_map(&current_domain()->p2m, gfn(g), m, 1, P2M_FOREIGN_RW);
	if (rc)
		frame_put(f);
	return rc;
}

static long resource_map(struct memory_call *c, struct domain *d, u32 max)
{
	const struct abi_mem_acquire_resource *r = &c->u.resource;
	long rc;
	u64 g;

	if (r->frame >= max || r->nr_frames > max - r->frame || c->start > r->nr_frames)
		return -XEN_EINVAL;
	for (u64 first = c->start; c->start < r->nr_frames; c->start++) {
		if (c->start != first && hypercall_preempted())
			return -XEN_ERESTART;
		if (copy_array_from_guest(&g, r->frame_list, c->start, 1))
			return -XEN_EFAULT;
		rc = resource_map_one(d, (u32)(r->frame + c->start), is_status(r), g);
		if (rc)
			return c->start && rc != -XEN_ERESTART ? -XEN_EIO : rc;
	}
	return 0;
}

/* Another domain by its own number; the caller itself cannot be asked about. */
static long remote_domain(domid_t id, struct domain **d)
{
	if (id == current_domain()->id)
		return -XEN_EPERM;
	if (id >= DOMID_FIRST_RESERVED)
		return -XEN_ESRCH;
	return domain_get_target(id, d);
}

long memory_acquire(struct memory_call *c)
{
	struct abi_mem_acquire_resource *r = &c->u.resource;
	struct domain *d;
	u32 max;
	long rc;

	if (r->pad)
		return -XEN_EINVAL;
	rc = remote_domain(r->domid, &d);
	if (rc)
		return rc;
	max = resource_frames(d, r);
	if (!max || (!r->frame_list && r->nr_frames)) {
		rc = -XEN_EINVAL;
	} else if (!r->frame_list) {
		r->nr_frames = max;
		rc = copy_to_guest(c->handle + offsetof(struct abi_mem_acquire_resource, nr_frames),
				   &r->nr_frames);
	} else {
		rc = resource_map(c, d, max);
	}
	domain_put(d);
	return rc;
}
