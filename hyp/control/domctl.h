/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl: operations of the control domain on one domain. Handlers get a copy of the argument in the
 * layout of interface version 0x15; they live beside their subject, the tables are in domctl.c.
 *
 * A handler that was preempted returns -XEN_ERESTART: the call is made again, with what it wrote to
 * op if its entry has DOMCTL_OUT or DOMCTL_AGAIN. No two handlers run at once unless both have DOMCTL_SHARED.
 */
#ifndef CONTROL_DOMCTL_H
#define CONTROL_DOMCTL_H

#include <abi/domctl.h>

struct domain;

typedef long domctl_fn(struct domain *d, struct abi_domctl *op);

enum domctl_flags {
	DOMCTL_OUT = 0x1,    /* the argument is copied back after success, and to be continued */
	DOMCTL_ANY = 0x2,    /* op->domain is not looked up: d is NULL */
	DOMCTL_AGAIN = 0x8,  /* the argument is copied back only to be continued */
	DOMCTL_SHARED = 0x4, /* may run while another CPU is in any domctl */
};

struct domctl_entry {
	domctl_fn *fn; /* NULL: -XEN_ENOSYS */
	u8 size;       /* of the argument, that is of what is copied back */
	u8 flags;      /* enum domctl_flags */
};

/* domctl_domain.c */
domctl_fn domctl_createdomain, domctl_destroydomain, domctl_pausedomain, domctl_unpausedomain,
	domctl_resumedomain, domctl_max_vcpus, domctl_getdomaininfo, domctl_getdomaininfo_from,
	domctl_setdomainhandle, domctl_setdebugging, domctl_settimeoffset, domctl_setnodeaffinity, domctl_getnodeaffinity;
/* Answers that do not depend on anything: 0, -XEN_EINVAL. */
domctl_fn domctl_nothing, domctl_invalid;
/* domctl_vcpu.c */
domctl_fn domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo,
	domctl_set_address_size;
/* domctl_memory.c */
domctl_fn domctl_max_mem, domctl_get_paging_mempool_size, domctl_set_paging_mempool_size,
	domctl_cacheflush;
/* domctl_sched.c */
domctl_fn domctl_setvcpuaffinity, domctl_getvcpuaffinity, domctl_scheduler_op;
/* domctl_newer.c */
#define CREATEDOMAIN_17_SIZE (sizeof(struct abi_createdomain) + sizeof(u32))
domctl_fn domctl_createdomain_16, domctl_createdomain_17, domctl_set_llc_colors,
	domctl_dt_overlay;
/* domctl_device.c */
domctl_fn domctl_irq_permission, domctl_iomem_permission, domctl_memory_mapping,
	domctl_assign_device, domctl_bind_pt_irq, domctl_unbind_pt_irq, domctl_set_target,
	domctl_set_virq_handler, domctl_vm_event_op, domctl_monitor_op, domctl_vuart_op;

#endif
