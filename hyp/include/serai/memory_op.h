/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op inside: one call while it is handled, and the handlers of its sub-operations.
 *
 * A handler that was preempted puts where to go on into start and returns -XEN_ERESTART.
 */
#ifndef SERAI_MEMORY_OP_H
#define SERAI_MEMORY_OP_H

#include <abi/memory.h>
#include <serai/types.h>

struct memory_call {
	u64 start;  /* extent or index at which to begin */
	u64 handle; /* the argument, in guest memory */
	union {
		domid_t domid;
		struct abi_memory_reservation reservation;
		struct abi_memory_exchange exchange;
		struct abi_add_to_physmap add;
		struct abi_add_to_physmap_batch batch;
		struct abi_remove_from_physmap remove;
		struct abi_vnuma_topology_info vnuma;
		struct abi_reserved_device_memory_map rdm;
		struct abi_mem_acquire_resource resource;
	} u; /* a copy of the argument */
};

typedef long memory_call_fn(struct memory_call *c);

/* reservation.c */
memory_call_fn memory_increase, memory_decrease, memory_populate, memory_exchange, memory_claim;
/* physmap.c */
memory_call_fn memory_add, memory_add_batch, memory_remove;
/* resource.c */
memory_call_fn memory_acquire;

#endif
