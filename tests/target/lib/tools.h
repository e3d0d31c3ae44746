// SPDX-License-Identifier: Apache-2.0
/* For guests that are dom0 and do what its tools do: the control calls, and a domain of theirs. */
#ifndef TOOLS_H
#define TOOLS_H

#include "guest.h"

/* The argument of the last domctl(), as words behind its head. */
extern union domctl_words {
	struct xen_domctl op;
	struct {
		uint64_t head[2];
		union {
			uint32_t w[32];
			uint64_t q[16];
		};
	};
} dc;

int64_t domctl(uint32_t cmd, uint16_t dom);
/* With one argument of 64 bits, everything else 0. */
int64_t domctl_u64(uint32_t cmd, uint16_t dom, uint64_t value);
/* One vcpu, no memory. */
int64_t domain_make(uint16_t dom);
const struct xen_sysctl_physinfo *physinfo(void);

#endif
