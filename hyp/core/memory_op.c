/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op: the table of sub-operations, and those that only answer a question.
 *
 * The argument struct is copied once, before the handler runs. The reservation operations answer
 * every failure with the number of extents that were done before it, also a bad pointer.
 */
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/memory_op.h>

struct memory_subop {
	memory_call_fn *fn;
	u8 size;	/* of the argument struct */
	bool extents;	/* may be continued at an extent */
	bool counts;	/* answers the number of extents done, whatever happened */
};

/* Asks d, the domain that the call names. */
static long domain_query(struct memory_call *c, long (*fn)(const struct domain *d))
{
	struct domain *d;
	long rc = domain_get_target(c->u.domid, &d);

	if (rc)
		return rc;
	rc = fn(d);
	domain_put(d);
	return rc;
}

static long current_of(const struct domain *d)
{
	return READ_ONCE(d->frames.nr);
}

static long maximum_of(const struct domain *d)
{
	return READ_ONCE(d->frames.max);
}

static long maximum_gfn_of(const struct domain *d)
{
	return (long)READ_ONCE(d->p2m.max_gfn);
}

static long memory_current(struct memory_call *c)
{
	return domain_query(c, current_of);
}

static long memory_maximum(struct memory_call *c)
{
	return domain_query(c, maximum_of);
}

static long memory_maximum_gpfn(struct memory_call *c)
{
	return domain_query(c, maximum_gfn_of);
}

static long memory_maximum_ram_page(struct memory_call *c)
{
	return (long)(frame_first_mfn + frame_count);
}

/* Pages are never shared between guests. */
static long memory_sharing_none(struct memory_call *c)
{
	return 0;
}

static long memory_vnuma(struct memory_call *c)
{
	struct domain *d;
	long rc;

	if (c->u.vnuma.pad)
		return -XEN_EINVAL;
	rc = domain_get_target(c->u.vnuma.domid, &d);
	if (rc)
		return rc;
	domain_put(d);
	return -XEN_EOPNOTSUPP;
}

/* No device here has memory that must be mapped one to one. */
static long memory_reserved_devices(struct memory_call *c)
{
	if (c->u.rdm.flags & ~XENMEM_RDM_ALL)
		return -XEN_EINVAL;
	c->u.rdm.nr_entries = 0;
	return copy_to_guest(c->handle, &c->u.rdm);
}

#define RESERVATION(f) { f, sizeof(struct abi_memory_reservation), true, true }

static const struct memory_subop memory_ops[] = {
	[XENMEM_increase_reservation] = RESERVATION(memory_increase),
	[XENMEM_decrease_reservation] = RESERVATION(memory_decrease),
	[XENMEM_populate_physmap] = RESERVATION(memory_populate),
	[XENMEM_maximum_ram_page] = { memory_maximum_ram_page, 0, false, false },
	[XENMEM_current_reservation] = { memory_current, sizeof(domid_t), false, false },
	[XENMEM_maximum_reservation] = { memory_maximum, sizeof(domid_t), false, false },
	[XENMEM_maximum_gpfn] = { memory_maximum_gpfn, sizeof(domid_t), false, false },
	[XENMEM_add_to_physmap] = { memory_add, sizeof(struct abi_add_to_physmap), false, false },
	[XENMEM_exchange] = { memory_exchange, sizeof(struct abi_memory_exchange), false, false },
	[XENMEM_remove_from_physmap] = { memory_remove, sizeof(struct abi_remove_from_physmap),
					 false, false },
	[XENMEM_get_sharing_freed_pages] = { memory_sharing_none, 0, false, false },
	[XENMEM_get_sharing_shared_pages] = { memory_sharing_none, 0, false, false },
	[XENMEM_add_to_physmap_batch] = { memory_add_batch,
					  sizeof(struct abi_add_to_physmap_batch), true, false },
	[XENMEM_claim_pages] = { memory_claim, sizeof(struct abi_memory_reservation), false,
				 false },
	[XENMEM_get_vnumainfo] = { memory_vnuma, sizeof(struct abi_vnuma_topology_info), false,
				   false },
	[XENMEM_reserved_device_memory_map] = { memory_reserved_devices,
						sizeof(struct abi_reserved_device_memory_map),
						false, false },
	[XENMEM_acquire_resource] = { memory_acquire, sizeof(struct abi_mem_acquire_resource), true,
				      false },
};

long do_memory_op(u64 *arg)
{
	u64 cmd = arg[0] & MEMOP_CMD_MASK;
	const struct memory_subop *op;
	struct memory_call c;
	long rc;

	if (unlikely(cmd >= ARRAY_SIZE(memory_ops)))
		return -XEN_ENOSYS;
	op = &memory_ops[cmd];
	if (unlikely(!op->fn))
		return -XEN_ENOSYS;
	c.start = arg[0] >> MEMOP_EXTENT_SHIFT;
	c.handle = arg[1];
	if (unlikely(c.start && !op->extents))
		return -XEN_EINVAL;
	if (unlikely(op->size && copy_from_guest_raw(&c.u, arg[1], op->size)))
		return op->counts ? (long)c.start : -XEN_EFAULT;
	rc = op->fn(&c);
	if (unlikely(rc == -XEN_ERESTART))
		arg[0] = cmd | c.start << MEMOP_EXTENT_SHIFT;
	return rc;
}
