/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UART of a guest on the one console: the registers of a PL011 (DDI 0183) that SBSA defines
 * (DEN 0029). And what dom0 finds where the machine's UART was.
 */
#ifndef SERAI_VPL011_H
#define SERAI_VPL011_H

#include <serai/p2m.h>
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
/*
 * The same with a page of d's at ring (struct abi_console_ring) as the line, and an own port of d's by
 * which the two ends tell each other of news. Also -XEN_EINVAL: there is no such page.
 */
int vpl011_ring_create(struct domain *d, const struct uart_place *at, gfn_t ring, u32 port);
/* The other end of the ring has news, perhaps before there is a UART. Under the lock of its channel. */
void vpl011_ring_event(struct domain *d);
/* Unit: nobody types into it any more; freed. */
int vpl011_domain_close(struct domain *d);
int vpl011_domain_destroy(struct domain *d);

/* Unit: the hardware domain's view of the UART that the console took. */
int host_uart_domain_create(struct domain *d, const struct domain_config *cfg);

#endif
