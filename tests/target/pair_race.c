// SPDX-License-Identifier: Apache-2.0
/* Two domains on two CPUs at the same time: grants that are revoked and given while the other side
 * maps and copies, channels that are closed while the other side sends. Nobody may hang, and in the
 * end everything must work as on the first day.
 */
/* machine: smp=2 vcpus=1 pair=1 timeout=120 */
#include "guest.h"

#define ROUNDS 3000
#define NR     8
#define REF    16

static uint8_t pages[NR][PAGE_SIZE] PAGE_ALIGNED;
static uint64_t handled[4096];

static void on_event(uint32_t port)
{
	handled[port]++;
}

static int64_t prepare(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	if (!grant_table && !grants_init())
		return 0;
	for (uint32_t i = 0; i < NR; i++)
		grant_set(REF + i, pair_is_peer() ? 0 : PEER, pages[i], GTF_permit_access);
	return shared_info || events_init();
}

#define PEER_DOES(fn, a, b) pair_call(fn, (uint64_t)(a), (uint64_t)(b), 0)

/* ---- grants ---- */

/* Entries that were found in use when they were to be taken back. */
static int64_t flip(uint64_t rounds, uint64_t b, uint64_t c)
{
	static const uint16_t flags[] = { GTF_permit_access, 0, GTF_permit_access | GTF_readonly };
	int64_t in_use = 0;

	(void)b;
	(void)c;
	for (uint64_t n = 0; n < rounds; n++) {
		volatile uint16_t *f = &grant_table[REF + n % NR].flags;
		uint16_t old = *f, want = flags[n / NR % ARRAY_SIZE(flags)];

		if (old & (GTF_reading | GTF_writing))
			in_use++;
		else
			__atomic_compare_exchange_n(f, &old, want, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
	}
	return in_use;
}

static int64_t copy(uint32_t ref)
{
	static struct gnttab_copy c;

	memset(&c, 0, sizeof(c));
	c.source.domid = PEER;
	c.source.u.ref = ref;
	c.dest.domid = DOMID_SELF;
	c.dest.u.gmfn = virt_to_gfn(pages[0]);
	c.len = 512;
	c.flags = GNTCOPY_source_gref;
	hc_grant(GNTTABOP_copy, &c, 1);
	return c.status;
}

static void check_grants(void)
{
	uint64_t window = scratch_gfns(NR) << PAGE_SHIFT;
	uint32_t mapped = 0, refused = 0, odd = 0, h;

	pair_post(flip, 200 * ROUNDS, 0, 0);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		uint64_t at = window + n % NR * PAGE_SIZE;
		uint32_t flags = GNTMAP_host_map | (n % 2 ? GNTMAP_readonly : 0);
		int64_t status = grant_map(PEER, REF + n * 7 % NR, flags, at, &h);

		if (status == 0) {
			mapped++;
			(void)*(volatile uint8_t *)at;
			odd += grant_unmap(at, h) != 0;
		} else {
			refused++;
			odd += status != GNTST_general_error;
		}
		status = copy(REF + n * 5 % NR);
		odd += status != 0 && status != GNTST_general_error;
	}
	pair_wait();
	check_eq("pair_race.grant_statuses", odd, 0);
	check_eq("pair_race.grant_rounds", mapped + refused, ROUNDS);
	print("# %u mapped, %u refused\n", mapped, refused);
}

/* Flags of the entries that are not as they were given, after giving them anew. */
static int64_t left_over(uint64_t a, uint64_t b, uint64_t c)
{
	int64_t n = 0;

	(void)a;
	(void)b;
	(void)c;
	for (uint32_t i = 0; i < NR; i++)
		n += (grant_table[REF + i].flags & (GTF_reading | GTF_writing)) != 0;
	prepare(0, 0, 0);
	return n;
}

static void check_grants_after(void)
{
	uint64_t window = scratch_gfn() << PAGE_SHIFT;
	uint32_t h, bad = 0;

	check_eq("pair_race.nothing_in_use", PEER_DOES(left_over, 0, 0), 0);
	for (uint32_t i = 0; i < NR; i++)
		bad += grant_map(PEER, REF + i, GNTMAP_host_map, window, &h) != 0 ||
		       grant_unmap(window, h) != 0;
	check_eq("pair_race.all_usable", bad, 0);
}

/* ---- events ---- */

static int64_t alloc(uint64_t a, uint64_t b, uint64_t c)
{
	struct evtchn_alloc_unbound u = { DOMID_SELF, 0, 0 };

	(void)a;
	(void)b;
	(void)c;
	return hc_evtchn(EVTCHNOP_alloc_unbound, &u) ? 0 : (int64_t)u.port;
}

/* Sends all the time by a port that the other side closes and binds; refusals. */
static int64_t send_many(uint64_t port, uint64_t times, uint64_t c)
{
	int64_t bad = 0;

	(void)c;
	while (times--)
		bad += event_send((uint32_t)port) != 0;
	return bad;
}

static void check_events(void)
{
	uint32_t rport = (uint32_t)PEER_DOES(alloc, 0, 0), lport = 0, bad = 0;
	struct evtchn_bind_interdomain b = { PEER, rport, 0 };

	pair_post(send_many, rport, 20 * ROUNDS, 0);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		bad += hc_evtchn(EVTCHNOP_bind_interdomain, &b) != 0;
		lport = b.local_port;
		event_handle(lport, on_event);
		bad += event_unmask(lport) != 0;
		bad += event_send(lport) != 0;
		if (n + 1 < ROUNDS) {
			event_mask(lport);
			bad += event_close(lport) != 0;
		}
	}
	check_eq("pair_race.send_refused", pair_wait(), 0);
	check_eq("pair_race.bind_close_refused", bad, 0);
	delay_us(1000);
	handled[lport] = 0;
	PEER_DOES(send_many, rport, 1);
	check("pair_race.still_heard", wait_for(&handled[lport], 1, 1000000));
}

void guest_main(void)
{
	if (!pair_start())
		return;
	check_eq("pair_race.prepare", prepare(0, 0, 0), 1);
	check_eq("pair_race.peer_prepare", PEER_DOES(prepare, 0, 0), 1);
	check_grants();
	check_grants_after();
	check_events();
	pair_end();
}
