// SPDX-License-Identifier: Apache-2.0
/* All 131072 event channels of the FIFO format: the array grows to its end, then ports run out. */
/* machine: smp=1 vcpus=1 timeout=90 */
#include "guest.h"

#define PORTS	   (1u << FIFO_LINK_BITS)
#define LIB_PORTS  4096u /* for which the library gives pages */
#define PAGE_PORTS (PAGE_SIZE / sizeof(uint32_t))
#define PENDING	   (1u << FIFO_PENDING)
#define MASKED	   (1u << FIFO_MASKED)
#define LINKED	   (1u << FIFO_LINKED)

static uint32_t words[PORTS - LIB_PORTS] PAGE_ALIGNED;

static volatile uint32_t *word_of(uint32_t port)
{
	return port < LIB_PORTS ? &fifo_words[port] : &words[port - LIB_PORTS];
}

static int64_t expand(const void *page)
{
	struct evtchn_expand_array ea = { virt_to_gfn(page) };

	return hc_evtchn(EVTCHNOP_expand_array, &ea);
}

/* A channel whose word there is not yet keeps its event until there is. */
static void check_growing(void)
{
	uint32_t port, early = 0, pages = 0;

	do
		if (event_bind_ipi(0, &port) != 0)
			guest_abort("no port before the array is full");
	while (port < LIB_PORTS);
	check_eq("fifo_full.port_without_word", port, LIB_PORTS);
	early = port;
	check_eq("fifo_full.send_without_word", event_send(early), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = MASKED;
	for (uint32_t at = 0; at < ARRAY_SIZE(words) && expand(&words[at]) == 0; at += PAGE_PORTS)
		pages++;
	check_eq("fifo_full.pages", pages, ARRAY_SIZE(words) / PAGE_PORTS);
	check_eq("fifo_full.expand_beyond", expand(words), -XEN_ENOSPC);
	check_eq("fifo_full.early_send", *word_of(early), MASKED | PENDING);
}

static void check_last_ports(void)
{
	uint32_t port = 0, last = 0, before = 0;
	int64_t rc;

	while ((rc = event_bind_ipi(0, &port)) == 0) {
		before = last;
		last = port;
	}
	check_eq("fifo_full.exhausted", rc, -XEN_ENOSPC);
	check_eq("fifo_full.last", last, PORTS - 1);
	check_eq("fifo_full.send_masked", event_send(last), 0);
	check_eq("fifo_full.word_masked", *word_of(last), MASKED | PENDING);
	irq_disable();
	check_eq("fifo_full.unmask", event_unmask(last), 0);
	check_eq("fifo_full.word", *word_of(last), PENDING | LINKED);
	check_eq("fifo_full.head", fifo_control->head[7], last);
	event_send(before);
	event_unmask(before);
	check_eq("fifo_full.link", *word_of(last), PENDING | LINKED | before);
	check_eq("fifo_full.ready", fifo_control->ready, 1 << 7);
	check_eq("fifo_full.close", event_close(1000), 0);
	check_eq("fifo_full.room_again", event_bind_ipi(0, &port), 0);
	check_eq("fifo_full.lowest_free", port, 1000);
	check_eq("fifo_full.full_again", event_bind_ipi(0, &port), -XEN_ENOSPC);
}

static void check_reset(void)
{
	struct evtchn_reset reset = { DOMID_SELF };
	uint32_t port;

	check_eq("fifo_full.reset", hc_evtchn(EVTCHNOP_reset, &reset), 0);
	check_eq("fifo_full.first_again", event_bind_ipi(0, &port) ? 0 : port, 1);
}

void guest_main(void)
{
	if (!check("fifo_full.setup", events_init() && events_init_fifo()))
		return;
	check_growing();
	/* Real Xen looks at all ports from the first on whenever it wants a free one: too long. */
	if (str_contains(machine.bootargs, "hyp=serai"))
		check_last_ports();
	check_reset();
}
