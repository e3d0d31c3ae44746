/* SPDX-License-Identifier: Apache-2.0 */
/* xen_version (public/version.h, public/features.h). */
#ifndef ABI_VERSION_H
#define ABI_VERSION_H

#include <serai/types.h>

enum abi_xenver {
	XENVER_version = 0,
	XENVER_extraversion = 1,
	XENVER_compile_info = 2,
	XENVER_capabilities = 3,
	XENVER_changeset = 4,
	XENVER_platform_parameters = 5,
	XENVER_get_features = 6,
	XENVER_pagesize = 7,
	XENVER_guest_handle = 8,
	XENVER_commandline = 9,
	XENVER_build_id = 10,
	/* Since Xen 4.18. */
	XENVER_extraversion2 = 11,
	XENVER_capabilities2 = 12,
	XENVER_changeset2 = 13,
	XENVER_commandline2 = 14,
};

struct abi_extraversion {
	char s[16];
};

struct abi_compile_info {
	char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
};

struct abi_capabilities {
	char s[1024];
};

struct abi_changeset {
	char s[64];
};

struct abi_platform_parameters {
	u64 virt_start;
};

struct abi_feature_info {
	u32 submap_idx, submap;
};

struct abi_domain_handle {
	u8 b[16];
};

struct abi_commandline {
	char s[1024];
};

struct abi_build_id {
	u32 len;
	u8 buf[];
};

/* Bits of feature word 0. */
enum abi_feature {
	XENFEAT_writable_page_tables = 0,
	XENFEAT_auto_translated_physmap = 2,
	XENFEAT_dom0 = 11,
	XENFEAT_memory_op_vnode_supported = 13,
	XENFEAT_ARM_SMCCC_supported = 14,
	XENFEAT_not_direct_mapped = 16,
	XENFEAT_direct_mapped = 17,
	XENFEAT_runstate_phys_area = 18, /* Xen 4.18 */
};

#endif
