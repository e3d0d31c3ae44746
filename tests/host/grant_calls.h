/* SPDX-License-Identifier: Apache-2.0 */
/* Grant table calls as a guest makes them, for the tests of grants. After ipc_house.h. */
#ifndef TESTS_HOST_GRANT_CALLS_H
#define TESTS_HOST_GRANT_CALLS_H

#include <abi/grant_table.h>
#include <serai/cmdline.h>

#define RAM_GFN 0x1000 /* 32 pages of RAM of every domain */
#define MAP_GFN 0x5000UL /* nothing there */

static const struct domain_config no_limits = {
	.max_evtchn_port = ~0U, .max_grant_frames = ~0U, .max_maptrack_frames = ~0U
};
static struct domain *dom0, *dom1, *dom2;
struct options options;

static u32 guests_max_version = 1; /* that dom1 and dom2 may select */

static int grant_setup(void **state)
{
	struct domain_config guests = no_limits;

	guests.max_grant_version = guests_max_version;
	options.gnttab_transitive = true;
	house_open();
	dom0 = dom_new(0, DOMAIN_CONTROL | DOMAIN_HARDWARE, 2, &no_limits);
	dom1 = dom_new(1, 0, 1, &guests);
	dom2 = dom_new(2, 0, 1, &guests);
	dom_ram(dom0, RAM_GFN, 32);
	dom_ram(dom1, RAM_GFN, 32);
	dom_ram(dom2, RAM_GFN, 32);
	run_on(dom0, 0);
	return 0;
}

static int grant_teardown(void **state)
{
	house_close();
	return 0;
}

/* All elements of one grant_table_op, continued as often as it wants to. */
static inline long grant_op(u32 cmd, void *p, size_t size, u32 count)
{
	u64 arg[5] = { cmd, room, count };
	long rc;

	room_put(p, size);
	do
		rc = do_grant_table_op(arg);
	while (rc == -XEN_ERESTART);
	memcpy(p, host_guest_ptr(room), size);
	return rc;
}

#define GT(op, p, count) grant_op(GNTTABOP_##op, (p), sizeof(*(p)) * (count), (count))

/* The shared entry as the granter sees it. */
static inline struct abi_grant_entry *entry(struct domain *d, u32 ref)
{
	mfn_t m;

	assert_int_equal(grant_map_frame(d, ref / 512, false, &m), 0);
	return (struct abi_grant_entry *)paddr_to_virt(mfn_to_paddr(m)) + ref % 512;
}

static inline void grant(struct domain *d, u32 ref, domid_t to, u32 g, u16 flags)
{
	*entry(d, ref) = (struct abi_grant_entry){ GTF_permit_access | flags, to, g };
}

static inline struct abi_gnttab_map map(domid_t dom, u32 ref, u64 g, u32 flags)
{
	struct abi_gnttab_map m = { .host_addr = g << PAGE_SHIFT, .flags = flags, .ref = ref,
				    .dom = dom, .status = 99, .handle = 0xabcdef };

	assert_int_equal(GT(map_grant_ref, &m, 1), 0);
	return m;
}

static inline struct abi_gnttab_unmap unmap(const struct abi_gnttab_map *m)
{
	struct abi_gnttab_unmap u = { .host_addr = m->host_addr, .handle = m->handle,
				      .status = 99 };

	assert_int_equal(GT(unmap_grant_ref, &u, 1), 0);
	return u;
}

#endif
