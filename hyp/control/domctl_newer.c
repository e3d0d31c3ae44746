/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What newer versions of domctl's interface have otherwise than 0x15, whose handlers they call. Facts
 * of public/domctl.h and public/arch-arm.h of Xen 4.18 (0x16) and of 4.19 and 4.20 (0x17).
 */
#include "domctl.h"
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/string.h>

/* altp2m_opts comes before this field. */
#define MOVED_AT   offsetof(struct abi_createdomain, vmtrace_size)
#define MOVED_SIZE (sizeof(struct abi_createdomain) - MOVED_AT)

/* A byte that was padding asks for SVE, which guests do not have here. */
long domctl_createdomain_16(struct domain *none, struct abi_domctl *op)
{
	return op->u.createdomain.arch.sve_vl ? -XEN_EINVAL : domctl_createdomain(none, op);
}

/* No second views of memory on Arm. */
long domctl_createdomain_17(struct domain *none, struct abi_domctl *op)
{
	char *moved = (char *)&op->u + MOVED_AT;
	u32 altp2m_opts;
	long rc;

	memcpy(&altp2m_opts, moved, sizeof(altp2m_opts));
	if (altp2m_opts)
		return -XEN_EINVAL;
	memmove(moved, moved + sizeof(altp2m_opts), MOVED_SIZE);
	rc = domctl_createdomain_16(none, op);
	memmove(moved + sizeof(altp2m_opts), moved, MOVED_SIZE);
	memset(moved, 0, sizeof(altp2m_opts));
	return rc;
}

/* xl says for every guest how the cache is to be shared, and is content with that it cannot be. */
long domctl_set_llc_colors(struct domain *d, struct abi_domctl *op)
{
	return op->u.set_llc_colors.pad ? -XEN_EINVAL : -XEN_EOPNOTSUPP;
}

/* The machine's tree does not change. */
long domctl_dt_overlay(struct domain *d, struct abi_domctl *op)
{
	return -XEN_EOPNOTSUPP;
}
