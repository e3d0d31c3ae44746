// SPDX-License-Identifier: Apache-2.0
/*
 * Two guests exchange data through a ring in shared memory of the device tree, and tell each other by
 * static event channels: first one way, then the other; both compute a checksum of it all. The
 * argument ring=MIB says how much. Another pair of channels shows how one ends.
 */
/* machine: smp=2 vcpus=1 domu=2 only=serai timeout=120 */
/* machine: props1='xen,enhanced = "no-xenstore"; shm@0 { compatible = "xen,domain-shared-memory-v1"; */
/* machine: role = "owner"; xen,shm-id = "ring"; */
/* machine: xen,shared-mem = <0 0xa0000000 0 0x70000000 0 0x400000>; }; */
/* machine: a: a { compatible = "xen,evtchn-v1"; xen,evtchn = <10 &b>; }; */
/* machine: c: c { compatible = "xen,evtchn-v1"; xen,evtchn = <900 &d>; };' */
/* machine: props2='xen,enhanced = "no-xenstore"; shm@0 { compatible = "xen,domain-shared-memory-v1"; */
/* machine: role = "borrower"; xen,shm-id = "ring"; */
/* machine: xen,shared-mem = <0 0xa0000000 0 0x70000000 0 0x400000>; }; */
/* machine: b: b { compatible = "xen,evtchn-v1"; xen,evtchn = <11 &a>; }; */
/* machine: d: d { compatible = "xen,evtchn-v1"; xen,evtchn = <1 &c>; };' */
#include "guest.h"

#define MIB	    (1ul << 20)
#define SLOT_SIZE   0x8000ul
#define SLOT_WORDS  (SLOT_SIZE / 8)
#define NR_SLOTS    64
#define SLOTS_AT    0x10000ul
#define MIB_DEFAULT 64
#define STEP	    0x9e3779b97f4a7c15ul
#define SILENCE_NS  20000000000ul /* nothing moves for so long: it hangs */

/* One direction; head and tail only grow. */
struct ring {
	uint64_t head __attribute__((aligned(64)));
	uint64_t producer_waits;
	uint64_t sum; /* of all that was sent, once the last slot is there */
	uint64_t tail __attribute__((aligned(64)));
	uint64_t consumer_waits;
};

static const char *who;
static uint32_t port, peer_port;
static uint64_t events, sends;

static void on_event(uint32_t p)
{
	events += p == port;
}

/* Until the word is no longer what it was. The waits flag tells the other side to send. */
static void wait_while(uint64_t *word, uint64_t old, uint64_t *waits)
{
	WRITE_ONCE(*waits, 1);
	dsb();
	vtimer_arm_at(counter() + ns_to_ticks(SILENCE_NS));
	irq_disable();
	while (READ_ONCE(*word) == old) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
		if (vtimer_fired)
			guest_abort("the other guest is silent");
	}
	irq_enable();
	vtimer_stop();
	WRITE_ONCE(*waits, 0);
	dsb();
}

static void move_on(uint64_t *word, uint64_t *waits)
{
	dsb();
	WRITE_ONCE(*word, *word + 1);
	dsb();
	if (READ_ONCE(*waits)) {
		event_send(port);
		sends++;
	}
}

static uint64_t *slot_of(uint64_t base, uint64_t i)
{
	return (uint64_t *)(base + SLOTS_AT + i % NR_SLOTS * SLOT_SIZE);
}

#define MIX(sum, v) (((sum) >> 1 | (sum) << 63) + (v))

static uint64_t fill(uint64_t *p, uint64_t v, uint64_t *sum)
{
	uint64_t s = *sum;

	for (uint64_t *end = p + SLOT_WORDS; p < end; p += 4) {
		p[0] = v;
		s = MIX(s, v);
		p[1] = v += STEP;
		s = MIX(s, v);
		p[2] = v += STEP;
		s = MIX(s, v);
		p[3] = v += STEP;
		s = MIX(s, v);
		v += STEP;
	}
	*sum = s;
	return v;
}

static uint64_t checksum(const uint64_t *p, uint64_t sum)
{
	for (const uint64_t *end = p + SLOT_WORDS; p < end; p += 4) {
		sum = MIX(sum, p[0]);
		sum = MIX(sum, p[1]);
		sum = MIX(sum, p[2]);
		sum = MIX(sum, p[3]);
	}
	return sum;
}

static void produce(struct ring *r, uint64_t base, uint64_t slots, uint64_t v)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < slots; i++) {
		uint64_t tail = READ_ONCE(r->tail);

		if (i - tail == NR_SLOTS)
			wait_while(&r->tail, tail, &r->producer_waits);
		dsb();
		v = fill(slot_of(base, i), v, &sum);
		if (i + 1 == slots)
			WRITE_ONCE(r->sum, sum);
		move_on(&r->head, &r->consumer_waits);
	}
}

static uint64_t consume(struct ring *r, uint64_t base, uint64_t slots)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < slots; i++) {
		if (READ_ONCE(r->head) == i)
			wait_while(&r->head, i, &r->consumer_waits);
		dsb();
		sum = checksum(slot_of(base, i), sum);
		move_on(&r->tail, &r->producer_waits);
	}
	return sum;
}

/* Both directions one after the other, half of the data each. */
static void exchange(bool first, uint64_t base, uint64_t mib)
{
	struct ring *rings = (struct ring *)base;
	uint64_t slots = mib * MIB / SLOT_SIZE / 2, sum, start = counter();

	if (first)
		produce(&rings[0], base, slots, 1);
	sum = consume(&rings[first], base, slots);
	if (!first)
		produce(&rings[1], base, slots, 0x5e8a1);
	/* What the last one sent is there until all is read. */
	while (READ_ONCE(rings[1].tail) != slots)
		delay_us(100);
	print("# %s: %lu MiB in %lu ms, %lu events, %lu sent, checksum %lx\n", who, mib,
	      ticks_to_ns(counter() - start) / 1000000, events, sends, sum);
	check_eqf((int64_t)sum, (int64_t)rings[first].sum, "%s.checksum", who);
	check_eqf(events > 0, true, "%s.events", who);
}

static uint64_t megabytes(void)
{
	const char *s = machine.bootargs;
	uint64_t n = 0;

	while (*s && !(s[0] == 'r' && memcmp(s, "ring=", 5) == 0))
		s++;
	for (s += *s ? 5 : 0; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n ? n : MIB_DEFAULT;
}

static void check_channel(uint32_t local, uint32_t remote_dom, uint32_t remote_port, const char *name)
{
	struct evtchn_status s = { DOMID_SELF, local, 0, 0, { { 0 } } };

	check_eqf(hc_evtchn(EVTCHNOP_status, &s), 0, "%s.%s_status", who, name);
	check_eqf(s.status, EVTCHNSTAT_interdomain, "%s.%s_bound", who, name);
	check_eqf(s.u.interdomain.dom, remote_dom, "%s.%s_domain", who, name);
	check_eqf(s.u.interdomain.port, remote_port, "%s.%s_port", who, name);
}

/* After the exchange: the first closes its end, the second finds it unbound. */
static void check_close(bool first, uint64_t *done)
{
	struct evtchn_status s = { DOMID_SELF, 1, 0, 0, { { 0 } } };

	if (first) {
		check_eqf(event_close(900), 0, "%s.close", who);
		check_eqf(event_send(900), -XEN_EINVAL, "%s.send_closed", who);
		dsb();
		WRITE_ONCE(*done, 1);
		return;
	}
	while (!READ_ONCE(*done))
		delay_us(100);
	check_eqf(hc_evtchn(EVTCHNOP_status, &s), 0, "%s.status_after_close", who);
	check_eqf(s.status, EVTCHNSTAT_unbound, "%s.unbound_after_close", who);
	check_eqf(event_send(1), 0, "%s.send_unbound", who);
}

void guest_main(void)
{
	bool first = !str_contains(machine.bootargs, "name=domU2");
	uint64_t base, mib = megabytes();

	who = first ? "ring.a" : "ring.b";
	port = first ? 10 : 11;
	peer_port = first ? 11 : 10;
	check_eqf(machine.nr_shared, 1, "%s.regions", who);
	base = machine.shared[0].at.base;
	check_eqf(events_init(), true, "%s.events_init", who);
	check_channel(port, first ? 2 : 1, peer_port, "ring");
	check_channel(first ? 900 : 1, first ? 2 : 1, first ? 1 : 900, "other");
	vtimer_init();
	event_handle(port, on_event);
	check_eqf(event_unmask(port), 0, "%s.unmask", who); /* it may be pending already */
	exchange(first, base, mib);
	check_close(first, (uint64_t *)(base + SLOTS_AT - PAGE_SIZE));
}
