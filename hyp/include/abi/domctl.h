/* SPDX-License-Identifier: Apache-2.0 */
/* domctl (public/domctl.h), interface version 0x15. */
#ifndef ABI_DOMCTL_H
#define ABI_DOMCTL_H

#include <abi/version.h>
#include <serai/types.h>

#define XEN_DOMCTL_INTERFACE_VERSION 0x15U
#define XEN_DOMCTL_getdomaininfo     5

enum abi_dominf {
	XEN_DOMINF_dying = 0x1,
	XEN_DOMINF_hvm_guest = 0x2,
	XEN_DOMINF_shutdown = 0x4,
	XEN_DOMINF_paused = 0x8,
	XEN_DOMINF_blocked = 0x10,
	XEN_DOMINF_running = 0x20,
	XEN_DOMINF_hap = 0x100,
};
#define XEN_DOMINF_shutdownshift 16

struct abi_arch_domainconfig {
	u8 gic_version;
	u16 tee_type;
	u32 nr_spis, clock_frequency;
};

struct abi_getdomaininfo {
	domid_t domain;
	u16 pad1;
	u32 flags;
	u64 tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages;
	u64 shared_info_frame, cpu_time;
	u32 nr_online_vcpus, max_vcpu_id, ssidref;
	struct abi_domain_handle handle;
	u32 cpupool;
	u8 gpaddr_bits, pad2[7];
	struct abi_arch_domainconfig arch_config;
	u32 pad3;
};

struct abi_domctl {
	u32 cmd, interface_version;
	domid_t domain;
	u16 pad[3];
	union {
		struct abi_getdomaininfo getdomaininfo;
		u64 pad[16];
	} u;
};

#endif
