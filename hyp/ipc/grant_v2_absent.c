/* SPDX-License-Identifier: Apache-2.0 */
/* A build without grant tables of version 2: no table ever is. */
#include "grant_private.h"

s16 grant_v2_pin(struct domain *d, u32 ref, domid_t grantee, bool write, enum grant_use use,
		 struct frame **f, struct grant_where *where)
{
	return GNTST_general_error;
}

void grant_v2_release(struct grant_table *gt, u32 ref, u16 drop)
{
}

s16 grant_v2_follow(struct domain *d, bool write, struct frame **f, struct grant_where *where,
		    struct domain **via)
{
	return GNTST_general_error;
}

int grant_v2_grow(struct domain *d)
{
	return 0;
}

int grant_version_set(struct domain *d, u32 version)
{
	return version == 1 ? 0 : -XEN_ENOSYS;
}
