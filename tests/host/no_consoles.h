/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of whole domains: no consoles, which have tests of their own. */
#ifndef NO_CONSOLES_H
#define NO_CONSOLES_H

#include <serai/console.h>
#include <serai/domain.h>
#include <serai/vpl011.h>

int console_domain_create(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

int console_domain_close(struct domain *d)
{
	return 0;
}

int host_uart_domain_create(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

void vpl011_ring_event(struct domain *d)
{
}

int vpl011_domain_close(struct domain *d)
{
	return 0;
}

int vpl011_domain_destroy(struct domain *d)
{
	return 0;
}

#endif
