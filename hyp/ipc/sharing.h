/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may share with whom: by default (xsm=silo) domains talk to the control domain and to
 * themselves, and to each other only where the control domain arranges it. xsm=dummy: everybody.
 */
#ifndef IPC_SHARING_H
#define IPC_SHARING_H

#include <serai/domain.h>

static inline bool domains_may_share(const struct domain *a, const struct domain *b)
{
	return a == b || domain_is_control(a) || domain_is_control(b) ||
	       domain_is_control(current_domain()) ||
	       (a->flags & b->flags & DOMAIN_UNRESTRICTED);
}

#endif
