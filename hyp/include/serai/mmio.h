/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emulated devices in a domain's address space: regions sorted by address. They are added while
 * the domain is created and stay until it is destroyed, so nothing here takes a lock.
 */
#ifndef SERAI_MMIO_H
#define SERAI_MMIO_H

#include <serai/types.h>

struct domain;
struct vcpu;

#define MMIO_REGIONS_MAX 32

/*
 * off is within [0, size) and aligned to the access size (1, 2, 4 or 8 bytes). A value to write is
 * zero extended; of one read only the low bytes count. False: there is no such register, or not in
 * this size; nothing happened and the guest gets an abort.
 */
typedef bool mmio_fn(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val);

struct mmio_region {
	u64 base, size; /* multiples of 8 */
	mmio_fn *read, *write;
	void *arg;
};

struct mmio_map {
	u32 nr, last; /* last: where the last access went */
	struct mmio_region regions[MMIO_REGIONS_MAX];
};

/* Keeps a copy. -XEN_EEXIST: it overlaps another; -XEN_ENOSPC: too many; or -ENOMEM, -EINVAL. */
int mmio_add(struct domain *d, const struct mmio_region *region);
void mmio_destroy(struct domain *d);

/* One access of v, of 1, 2, 4 or 8 bytes. False: no device there, misaligned, or it refused. */
bool mmio_handle(struct vcpu *v, u64 gpa, u32 size, bool write, u64 *val);

#endif
