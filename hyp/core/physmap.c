/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain's guest-physical addresses mean: putting pages of the hypervisor, of another domain
 * or of a device there, and taking them away.
 *
 * A page of the hypervisor (shared_info, grant frames) is mapped at one place at most, as the
 * domain's address of it is what other interfaces report. A foreign page carries a reference.
 */
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/memory_op.h>
#include <serai/trace.h>

#define BATCH 8

static int add_shared_info(struct domain *d, u64 idx, u64 g, domid_t foreign)
{
	const void *page = READ_ONCE(d->shared_info);

	/* A domain that dies has none any more. */
	if (idx || !page)
		return -XEN_EINVAL;
	return p2m_map_shared(&d->p2m, gfn(g), virt_to_mfn(page));
}

static int add_grant_frame(struct domain *d, u64 idx, u64 g, domid_t foreign)
{
	bool status = idx & XENMAPIDX_grant_table_status;
	mfn_t m;
	int rc;

	if (idx > 0xffffffffUL)
		return -XEN_EINVAL;
	rc = domain_actions.grant_frame(d, (u32)idx & ~XENMAPIDX_grant_table_status, status, &m);
	return rc ? rc : p2m_map_shared(&d->p2m, gfn(g), m);
}

/* DOMID_XEN has the trace buffers' pages, by machine address; DOMID_IO names nobody's RAM here. */
static int foreign_get(const struct domain *d, u64 idx, domid_t id, struct frame **f, bool *writable)
{
	struct domain *od;
	enum p2m_type t;
	int rc;

	*f = NULL;
	if (id == DOMID_XEN || id == DOMID_IO) {
		if (!caller_is_control())
			return -XEN_EPERM;
		if (id == DOMID_XEN)
			*f = trace_page_get(idx, writable);
		return *f ? 0 : -XEN_EINVAL;
	}
	rc = domain_get_target(id, &od);
	if (rc)
		return rc;
	if (od != d)
		*f = p2m_get_frame(&od->p2m, gfn(idx), false, &t);
	domain_put(od);
	if (!*f)
		return -XEN_EINVAL;
	*writable = p2m_type_writable(t);
	return 0;
}

static int add_foreign(struct domain *d, u64 idx, u64 g, domid_t foreign)
{
	struct frame *f;
	bool writable;
	int rc = foreign_get(d, idx, foreign, &f, &writable);

	if (rc)
		return rc;
	rc = p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), 1, writable ? P2M_FOREIGN_RW : P2M_FOREIGN_RO);
	if (rc)
		frame_put(f);
	return rc;
}

/*
 * Device memory, cacheable. The domain may do that with what it has been given one to one; the
 * reference answers success for everything else, too, without doing anything.
 */
static int add_device(struct domain *d, u64 idx, u64 g, domid_t foreign)
{
	enum p2m_type t;
	mfn_t m;

	if (!(d->flags & DOMAIN_HARDWARE))
		return -XEN_EACCES;
	m = p2m_lookup(&d->p2m, gfn(idx), &t);
	if (t < P2M_MMIO_DEV || t > P2M_MMIO_CACHED || m.v != idx)
		return 0;
	return p2m_map(&d->p2m, gfn(g), m, 1, P2M_MMIO_CACHED);
}

static int (*const spaces[])(struct domain *d, u64 idx, u64 g, domid_t foreign) = {
	[XENMAPSPACE_shared_info] = add_shared_info,
	[XENMAPSPACE_grant_table] = add_grant_frame,
	[XENMAPSPACE_gmfn_foreign] = add_foreign,
	[XENMAPSPACE_dev_mmio] = add_device,
};

static int add_one(struct domain *d, u32 space, u64 idx, u64 g, domid_t foreign)
{
	if (space >= ARRAY_SIZE(spaces) || !spaces[space])
		return -XEN_ENOSYS;
	return spaces[space](d, idx, g, foreign);
}

long memory_add(struct memory_call *c)
{
	const struct abi_add_to_physmap *a = &c->u.add;
	struct domain *d;
	long rc;

	if (a->space == XENMAPSPACE_gmfn_foreign)
		return -XEN_ENOSYS;
	rc = domain_get_target(a->domid, &d);
	if (rc)
		return rc;
	rc = add_one(d, a->space, a->idx, a->gpfn, 0);
	domain_put(d);
	return rc;
}

/* Copies entries i.. in, as many as go without a fault; 0: already the first one faults. */
static u64 batch_fetch(const struct abi_add_to_physmap_batch *b, u64 i, u64 *idx, u64 *g)
{
	u64 n = MIN(b->size - i, (u64)BATCH);

	for (; n; n = n > 1) {
		if (!copy_array_from_guest(idx, b->idxs, i, n) &&
		    !copy_array_from_guest(g, b->gpfns, i, n))
			break;
	}
	return n;
}

/* One batch from c->start on, which moves. */
static long batch_step(struct memory_call *c, struct domain *d)
{
	const struct abi_add_to_physmap_batch *b = &c->u.batch;
	u64 idx[BATCH], g[BATCH], n = batch_fetch(b, c->start, idx, g), k;
	s32 errs[BATCH];
	long rc = 0;

	if (!n)
		return -XEN_EFAULT;
	for (k = 0; k < n; k++) {
		if (k && hypercall_preempted())
			break;
		errs[k] = add_one(d, b->space, idx[k], g[k], b->foreign_domid);
		if (unlikely(errs[k] == -XEN_ERESTART)) {
			rc = -XEN_ERESTART;
			break;
		}
	}
	if (copy_array_to_guest(b->errs, c->start, errs, k))
		return -XEN_EFAULT;
	c->start += k;
	return rc;
}

long memory_add_batch(struct memory_call *c)
{
	const struct abi_add_to_physmap_batch *b = &c->u.batch;
	struct domain *d;
	long rc = domain_get_target(b->domid, &d);

	if (rc)
		return rc;
	if (b->size < c->start)
		rc = -XEN_EILSEQ;
	else if (b->space == XENMAPSPACE_dev_mmio && b->foreign_domid)
		rc = -XEN_EINVAL;
	while (!rc && c->start < b->size) {
		rc = batch_step(c, d);
		if (!rc && c->start < b->size && hypercall_preempted())
			rc = -XEN_ERESTART;
	}
	domain_put(d);
	return rc;
}

/* What may be taken away: own RAM, shared and foreign pages. Grants go by unmapping them. */
#define REMOVABLE                                                                                \
	(BIT(P2M_RAM_RW) | BIT(P2M_RAM_RO) | BIT(P2M_SHARED) | BIT(P2M_FOREIGN_RW) | \
	 BIT(P2M_FOREIGN_RO))

long memory_remove(struct memory_call *c)
{
	const struct abi_remove_from_physmap *r = &c->u.remove;
	struct domain *d;
	long rc = domain_get_target(r->domid, &d);

	if (rc)
		return rc;
	rc = p2m_unmap_type(&d->p2m, gfn(r->gpfn), REMOVABLE);
	domain_put(d);
	return rc;
}
