// SPDX-License-Identifier: Apache-2.0
/* Event channels between two domains: binding, delivery, and closing from either side. */
/* machine: smp=1 vcpus=2 pair=1 */
#include "guest.h"

static uint64_t handled[4096];

static void on_event(uint32_t port)
{
	handled[port]++;
}

/* ---- what the peer does when it is told ---- */

static int64_t peer_alloc(uint64_t dom, uint64_t b, uint64_t c)
{
	struct evtchn_alloc_unbound a = { DOMID_SELF, (uint16_t)dom, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_alloc_unbound, &a);

	(void)b;
	(void)c;
	return rc ? rc : (int64_t)a.port;
}

static int64_t peer_events_init(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	return events_init();
}

void guest_main(void)
{
	int64_t port;

	if (!pair_start())
		return;
	check("pair.events", events_init());
	check_eq("pair.peer_events", pair_call(peer_events_init, 0, 0, 0), 1);
	port = pair_call(peer_alloc, 0, 0, 0);
	check("pair.alloc", port > 0);
	event_handle(1, on_event);
	pair_end();
	check("pair.ended", peer_has_ended());
}
