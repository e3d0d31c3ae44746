/* SPDX-License-Identifier: Apache-2.0 */
/* What tools see of a domain: domctl getdomaininfo and sysctl getdomaininfolist. */
#ifndef SERAI_DOMAIN_INFO_H
#define SERAI_DOMAIN_INFO_H

#include <abi/domctl.h>

struct domain;

void domain_info_fill(struct domain *d, struct abi_getdomaininfo *info);

#endif
