/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making shared memory of the device tree: once all domains are built, and before one runs. Frames
 * of a region are its owner's, mapped as its RAM; without an owner, or when that could not be built,
 * they are dom_io's. Every other domain maps them with a reference on each, so that they outlive
 * their owner. They are never the heap's.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/string.h>

/* dom_io owns what no domain does. It never runs, and nobody finds it. */
static int __init make_dom_io(struct built *b)
{
	struct domain *d = mem_alloc(sizeof(*d));

	if (!d)
		return -XEN_ENOMEM;
	d->id = DOMID_IO;
	d->refs = 1;
	lock_init(&d->lock, RANK_DOMAIN);
	lock_init(&d->grant_lock, RANK_GRANT);
	frame_owner_init(&d->frames, FRAME_NONE);
	str_copy(d->name, "dom_io", sizeof(d->name));
	b->dom_io = d;
	return frame_owner_register(&d->frames);
}

static bool __init same_region(const struct boot_shm *a, const struct boot_shm *b)
{
	return !strcmp(a->id, b->id);
}

u64 __init shm_owned(const struct boot_info *bi, int domain)
{
	u64 sum = 0;

	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s->domain == domain && s->role == SHM_OWNER && bootshm_takes_part(bi, s))
			sum += s->size;
	}
	return sum;
}

static bool __init is_there(const struct boot_info *bi, const struct boot_shm *s, const struct built *b)
{
	return bootshm_takes_part(bi, s) && built_domain(b, s->domain);
}

/* All nodes of a region, as bits. */
static u32 __init nodes_of(const struct boot_info *bi, const struct boot_shm *like)
{
	u32 nodes = 0;

	_Static_assert(BOOT_SHM_MAX <= 32, "one bit for each");
	for (u32 i = 0; i < bi->nr_shm; i++)
		if (same_region(&bi->shm[i], like))
			nodes |= 1U << i;
	return nodes;
}

static const struct boot_shm *__init find_owner(const struct boot_info *bi,
						const struct boot_shm *like, const struct built *b)
{
	for (u32 i = 0; i < bi->nr_shm; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s->role == SHM_OWNER && same_region(s, like) && is_there(bi, s, b))
			return s;
	}
	return NULL;
}

static int __init give_to(const struct boot_shm *s, struct domain *owner)
{
	pr_info("shared memory %s: %lu KiB at %#lx of the host, %s's\n", s->id, s->size >> 10, s->host,
		owner->id == DOMID_IO ? "nobody" : owner->name);
	return frame_assign(&owner->frames, mfn_to_frame(paddr_to_mfn(s->host)),
			    s->size >> PAGE_SHIFT);
}

static int __init map_owned(struct domain *d, const struct boot_shm *s)
{
	return p2m_map(&d->p2m, gfn(s->gpa >> PAGE_SHIFT), paddr_to_mfn(s->host),
		       s->size >> PAGE_SHIFT, P2M_RAM_RW);
}

/* Each entry holds a reference. After a failure those that exist go with the domain. */
static int __init map_borrowed(struct domain *d, const struct boot_shm *s)
{
	u64 g = s->gpa >> PAGE_SHIFT, nr = s->size >> PAGE_SHIFT;
	struct frame *f = mfn_to_frame(paddr_to_mfn(s->host));
	enum p2m_type t;
	int rc;

	for (u64 i = 0; i < nr; i++)
		BUG_ON(!frame_get_any(f + i));
	rc = p2m_map(&d->p2m, gfn(g), frame_to_mfn(f), nr, P2M_FOREIGN_RW);
	for (u64 i = 0; rc && i < nr; i++) {
		p2m_lookup(&d->p2m, gfn(g + i), &t);
		if (t != P2M_FOREIGN_RW)
			frame_put(f + i);
	}
	return rc;
}

static int __init refuse_map(const struct boot_info *bi, struct built *b, const struct boot_shm *s,
			     int rc)
{
	pr_err("%s: shared memory %s cannot be mapped at %#lx (%d)\n",
	       built_domain(b, s->domain)->name, s->id, s->gpa, rc);
	return built_drop(bi, b, s->domain, rc);
}

/* Gives the region to its owner, or else to dom_io. */
static int __init make_region(const struct boot_info *bi, struct built *b,
			      const struct boot_shm *like)
{
	const struct boot_shm *s = find_owner(bi, like, b);
	struct domain *owner = s ? built_domain(b, s->domain) : NULL;
	int rc = frame_set_aside(like->host, like->host + like->size);

	/* What the loader left there is nobody's business. */
	if (!rc)
		frames_arch_clear(paddr_to_mfn(like->host), like->size >> PAGE_SHIFT);
	if (!rc && owner) {
		rc = give_to(s, owner);
		rc = rc ? rc : map_owned(owner, s);
		if (!rc)
			return 0;
		rc = refuse_map(bi, b, s, rc);
	}
	if (!rc && !b->dom_io)
		rc = make_dom_io(b);
	return rc ? rc : give_to(like, b->dom_io);
}

static int __init lend_region(const struct boot_info *bi, struct built *b, const struct boot_shm *like)
{
	const struct boot_shm *owner = find_owner(bi, like, b);
	int rc = 0;

	for (u32 i = 0; i < bi->nr_shm && !rc; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (s == owner || !same_region(s, like) || !is_there(bi, s, b))
			continue;
		rc = map_borrowed(built_domain(b, s->domain), s);
		if (rc)
			rc = refuse_map(bi, b, s, rc);
	}
	return rc;
}

int __init shm_connect(const struct boot_info *bi, struct built *b)
{
	u32 done = 0;
	int rc = 0;

	for (u32 i = 0; i < bi->nr_shm && !rc; i++) {
		const struct boot_shm *s = &bi->shm[i];

		if (done & 1U << i || !is_there(bi, s, b))
			continue;
		done |= nodes_of(bi, s);
		rc = make_region(bi, b, s);
		rc = rc ? rc : lend_region(bi, b, s);
	}
	return rc;
}
