/* SPDX-License-Identifier: Apache-2.0 */
/* A build without grant tables. */
#include <serai/errno.h>
#include <serai/grant.h>
#include <serai/hypercall.h>

int grant_domain_create(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

int grant_domain_destroy(struct domain *d)
{
	return 0;
}

void grant_domain_dump(struct domain *d)
{
}

int grant_map_frame(struct domain *d, u32 idx, bool status, mfn_t *m)
{
	return -XEN_ENOSYS;
}

long do_grant_table_op(u64 *arg)
{
	return -XEN_ENOSYS;
}
