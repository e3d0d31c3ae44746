/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UART of a guest on the one console: the registers of a PL011 (DDI 0183) that SBSA defines
 * (DEN 0029). And what dom0 finds where the machine's UART was.
 */
#ifndef SERAI_VPL011_H
#define SERAI_VPL011_H

#include <serai/types.h>

struct domain;
struct domain_config;

/* Where a guest finds it: GUEST_PL011_SIZE bytes from base on. */
struct uart_place {
	u64 base;
	u32 spi; /* INTID */
};

/*
 * Gives d, which does not run yet, its UART; destruction of the domain takes it away.
 * -XEN_ENOMEM, or what mmio_add() says.
 */
int vpl011_domain_create(struct domain *d, const struct uart_place *at);
/* Unit: nobody types into it any more; freed. */
int vpl011_domain_close(struct domain *d);
int vpl011_domain_destroy(struct domain *d);

/* Unit: the hardware domain's view of the UART that the console took. */
int host_uart_domain_create(struct domain *d, const struct domain_config *cfg);

#endif
