/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of the list of domains, for tests in which nobody else changes it. */
#ifndef FIRST_DOMAIN_H
#define FIRST_DOMAIN_H

#include <serai/domain.h>

static inline struct domain *first_domain(void)
{
	struct domain *d = domain_get_next(0);

	if (d)
		domain_put(d);
	return d;
}

#endif
