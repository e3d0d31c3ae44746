/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GNTTABOP_copy: bytes from one page to another, each named by a grant reference of some domain
 * or by the caller's own frame number.
 *
 * While bytes are copied both pages are referenced, a granted one is pinned, and no lock is held.
 * Neighbouring operations often name the same page: it is kept until another one comes.
 */
#include "grant_private.h"
#include "sharing.h"
#include <serai/string.h>

struct side {
	struct domain *granter; /* referenced: who owns the page when it is not the caller's own */
	bool write;
	bool gref;
	u64 name; /* reference or frame number of the page held */
	struct domain *owner; /* of the page held */
	struct frame *frame; /* NULL: no page held */
	struct domain *via;  /* NULL, or whose entry the reference stands for; referenced */
	struct grant_where where; /* what of the page may be copied */
	char *va;
};

/* The rest is set when a page is held. */
static inline void side_init(struct side *s, bool write)
{
	s->granter = NULL;
	s->frame = NULL;
	s->via = NULL;
	s->write = write;
}

static void page_drop(struct side *s)
{
	if (!s->frame)
		return;
	frame_unmap(s->va);
	if (unlikely(s->via)) {
		grant_unpin(s->via, s->where.via_ref, s->write);
		granter_forget(&s->via);
	}
	if (s->gref)
		grant_unpin(s->owner, (u32)s->name, s->write);
	else
		frame_put(s->frame);
	s->frame = NULL;
}

static void side_drop(struct side *s)
{
	page_drop(s);
	granter_forget(&s->granter);
}

/* Whose page it is. A page is dropped before the reference that keeps its owner. */
static inline struct domain *side_owner(struct side *s, const struct abi_gnttab_copy_ptr *p)
{
	if (likely(p->domid == DOMID_SELF))
		return current_domain();
	if (s->granter && s->granter->id != p->domid)
		page_drop(s);
	return granter_find(&s->granter, p->domid);
}

/* The reference stands for one of another domain. */
static __cold_path s16 grant_follow(struct side *s, struct domain *owner, u32 ref, struct frame **f)
{
	s16 status = grant_v2_follow(owner, s->write, f, &s->where, &s->via);

	if (status)
		grant_unpin(owner, ref, s->write);
	return status;
}

static s16 page_take(struct side *s, struct domain *owner, bool gref, u64 name)
{
	struct frame *f;
	enum p2m_type t;
	s16 status;

	if (s->frame && s->owner == owner && s->gref == gref && s->name == name)
		return GNTST_okay;
	page_drop(s);
	s->where.kind = GRANT_WHOLE;
	if (gref) {
		status = grant_pin(owner, (u32)name, current_domain()->id, s->write, GRANT_COPY,
				   &f, &s->where);
		if (!status && unlikely(s->where.kind == GRANT_ELSEWHERE))
			status = grant_follow(s, owner, (u32)name, &f);
		if (status)
			return status;
	} else {
		f = p2m_get_frame(&owner->p2m, gfn(name), s->write, &t);
		if (!f)
			return GNTST_bad_page;
		if (!p2m_type_ram(t)) {
			frame_put(f);
			return GNTST_bad_page;
		}
	}
	s->owner = owner;
	s->gref = gref;
	s->name = name;
	s->frame = f;
	s->va = frame_map(frame_to_mfn(f));
	return GNTST_okay;
}

static inline bool side_allows(const struct side *s, u32 offset, u32 len)
{
	return likely(s->where.kind == GRANT_WHOLE) ||
	       (offset >= s->where.offset &&
		offset + len <= (u32)s->where.offset + s->where.length);
}

static s16 copy_one(const struct abi_gnttab_copy *op, struct side *src, struct side *dst)
{
	bool src_gref = op->flags & GNTCOPY_source_gref, dst_gref = op->flags & GNTCOPY_dest_gref;
	struct domain *sd, *dd;
	s16 status;

	if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	sd = side_owner(src, &op->source);
	dd = side_owner(dst, &op->dest);
	if (!sd || !dd)
		return GNTST_bad_domain;
	/* Another domain's pages go by reference only. */
	if ((!src_gref && op->source.domid != DOMID_SELF) ||
	    (!dst_gref && op->dest.domid != DOMID_SELF) || !domains_may_share(sd, dd))
		return GNTST_permission_denied;
	status = page_take(src, sd, src_gref, src_gref ? op->source.u.ref : op->source.u.gmfn);
	if (!status)
		status = page_take(dst, dd, dst_gref,
				   dst_gref ? op->dest.u.ref : op->dest.u.gmfn);
	if (status)
		return status;
	if (!side_allows(src, op->source.offset, op->len) ||
	    !side_allows(dst, op->dest.offset, op->len))
		return GNTST_general_error;
	if (unlikely(src->frame == dst->frame))
		memmove(dst->va + op->dest.offset, src->va + op->source.offset, op->len);
	else
		memcpy(dst->va + op->dest.offset, src->va + op->source.offset, op->len);
	return GNTST_okay;
}

long grant_op_copy(struct grant_call *c)
{
	struct side src, dst;
	struct abi_gnttab_copy ops[GRANT_CHUNK];
	u32 n, i, written;
	long rc = 0;

	side_init(&src, false);
	side_init(&dst, true);
	while (!rc && c->done < c->count) {
		n = grant_copy_in(c, ops, sizeof(ops[0]));
		for (i = 0; i < n && !(i && hypercall_preempted()); i++)
			ops[i].status = copy_one(&ops[i], &src, &dst);
		written = i ? grant_copy_out(c, ops, i, sizeof(ops[0])) : 0;
		c->done += written;
		if (!n || written != i)
			rc = -XEN_EFAULT;
		else if (c->done < c->count && hypercall_preempted())
			rc = -XEN_ERESTART;
	}
	side_drop(&src);
	side_drop(&dst);
	return rc;
}
