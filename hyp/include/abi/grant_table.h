/* SPDX-License-Identifier: Apache-2.0 */
/* grant_table_op and the grant table of versions 1 and 2 (Xen 4.17 public/grant_table.h). */
#ifndef ABI_GRANT_TABLE_H
#define ABI_GRANT_TABLE_H

#include <serai/types.h>

enum abi_gnttabop {
	GNTTABOP_map_grant_ref = 0,
	GNTTABOP_unmap_grant_ref = 1,
	GNTTABOP_setup_table = 2,
	GNTTABOP_dump_table = 3,
	GNTTABOP_transfer = 4,
	GNTTABOP_copy = 5,
	GNTTABOP_query_size = 6,
	GNTTABOP_unmap_and_replace = 7,
	GNTTABOP_set_version = 8,
	GNTTABOP_get_status_frames = 9,
	GNTTABOP_get_version = 10,
	GNTTABOP_swap_grant_ref = 11,
	GNTTABOP_cache_flush = 12,
};

enum abi_grant_status {
	GNTST_okay = 0,
	GNTST_general_error = -1,
	GNTST_bad_domain = -2,
	GNTST_bad_gntref = -3,
	GNTST_bad_handle = -4,
	GNTST_bad_virt_addr = -5,
	GNTST_bad_dev_addr = -6,
	GNTST_no_device_space = -7,
	GNTST_permission_denied = -8,
	GNTST_bad_page = -9,
	GNTST_bad_copy_arg = -10,
	GNTST_address_too_big = -11,
	GNTST_eagain = -12,
	GNTST_no_space = -13,
};

/* An entry of the shared table, changed by both sides. */
struct abi_grant_entry {
	u16 flags;
	u16 domid;
	u32 frame;
};

#define GTF_type_mask	  0x3
#define GTF_permit_access 0x1
#define GTF_transitive	  0x3
#define GTF_readonly	  0x4
#define GTF_reading	  0x8
#define GTF_writing	  0x10
#define GTF_sub_page	  0x100

/*
 * An entry of version 2. GTF_reading and GTF_writing are in a word of their own, in the status
 * frames. GTF_sub_page limits it to [page_off, page_off + length).
 */
struct abi_grant_entry_v2 {
	u16 flags;
	u16 domid;
	union {
		u16 page_off;
		u16 trans_domid; /* GTF_transitive: it stands for entry trans_ref of this domain */
	};
	u16 length;
	union {
		u64 frame;
		u32 trans_ref;
	};
};

/* Entries that keep their meaning when the version changes. */
#define GNTTAB_NR_RESERVED_ENTRIES 8

/* Flags of map_grant_ref. */
#define GNTMAP_device_map      0x1
#define GNTMAP_host_map	       0x2
#define GNTMAP_readonly	       0x4
#define GNTMAP_application_map 0x8
#define GNTMAP_contains_pte    0x10

struct abi_gnttab_map {
	u64 host_addr;
	u32 flags, ref;
	u16 dom;
	s16 status; /* out from here */
	u32 handle;
	u64 dev_bus_addr;
};

struct abi_gnttab_unmap {
	u64 host_addr, dev_bus_addr;
	u32 handle;
	s16 status; /* out */
	u16 pad;
};

/* unmap_and_replace: as above, but for the second word. */
struct abi_gnttab_unmap_replace {
	u64 host_addr, new_addr;
	u32 handle;
	s16 status; /* out */
	u16 pad;
};

struct abi_gnttab_setup_table {
	u16 dom;
	u32 nr_frames;
	s16 status; /* out */
	u64 frame_list; /* handle of u64[] */
};

struct abi_gnttab_copy_ptr {
	union {
		u32 ref;
		u64 gmfn;
	} u;
	u16 domid, offset;
};

#define GNTCOPY_source_gref 0x1
#define GNTCOPY_dest_gref   0x2

struct abi_gnttab_copy {
	struct abi_gnttab_copy_ptr source, dest;
	u16 len, flags;
	s16 status; /* out */
	u16 pad;
};

struct abi_gnttab_query_size {
	u16 dom;
	u32 nr_frames, max_nr_frames; /* out */
	s16 status;		      /* out */
};

struct abi_gnttab_set_version {
	u32 version; /* in and out */
};

struct abi_gnttab_get_status_frames {
	u32 nr_frames;
	u16 dom;
	s16 status; /* out */
	u64 frame_list;
};

struct abi_gnttab_get_version {
	u16 dom, pad;
	u32 version; /* out */
};

struct abi_gnttab_swap {
	u32 ref_a, ref_b;
	s16 status; /* out */
	u16 pad;
};

#define GNTTAB_CACHE_CLEAN 0x1U
#define GNTTAB_CACHE_INVAL 0x2U

struct abi_gnttab_cache_flush {
	u64 dev_bus_addr;
	u16 offset, length;
	u32 op;
};

_Static_assert(sizeof(struct abi_grant_entry) == 8, "ABI");
_Static_assert(sizeof(struct abi_grant_entry_v2) == 16, "ABI");
_Static_assert(sizeof(struct abi_gnttab_map) == 32, "ABI");
_Static_assert(sizeof(struct abi_gnttab_unmap) == 24, "ABI");
_Static_assert(sizeof(struct abi_gnttab_unmap_replace) == 24, "ABI");
_Static_assert(sizeof(struct abi_gnttab_setup_table) == 24, "ABI");
_Static_assert(sizeof(struct abi_gnttab_copy) == 40, "ABI");
_Static_assert(sizeof(struct abi_gnttab_query_size) == 16, "ABI");
_Static_assert(sizeof(struct abi_gnttab_get_status_frames) == 16, "ABI");
_Static_assert(sizeof(struct abi_gnttab_swap) == 12, "ABI");
_Static_assert(sizeof(struct abi_gnttab_cache_flush) == 16, "ABI");

#endif
