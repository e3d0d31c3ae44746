/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hardware domain finds at the address of the UART that the console took: as much as an
 * early console needs. Characters written become the domain's text, the status register says that
 * there is room, everything else reads as zero and ignores writes, in every size.
 */
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/mmio.h>
#include <serai/vpl011.h>

static bool host_uart_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	const struct uart *u = arg;

	*val = off == u->status_off ? u->status : 0;
	return true;
}

static bool host_uart_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	const struct uart *u = arg;
	char c = (char)*val;

	if (off == u->data_off)
		console_guest_write(&c, 1);
	return true;
}

int host_uart_domain_create(struct domain *d, const struct domain_config *cfg)
{
	const struct uart *u = console_uart();
	struct mmio_region r = { .read = host_uart_read, .write = host_uart_write };

	if (!u || !(d->flags & DOMAIN_HARDWARE))
		return 0;
	/* Both functions only read what the pointer shows. */
	r.arg = (void *)(uintptr_t)u;
	r.base = u->base;
	r.size = u->size & ~7UL;
	return mmio_add(d, &r);
}
