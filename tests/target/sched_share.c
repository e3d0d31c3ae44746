// SPDX-License-Identifier: Apache-2.0
/* Two domains want one CPU: what weights and caps make of it, as getdomaininfo counts it. */
/* machine: smp=1 vcpus=1 pair=1 timeout=240 */
#include "guest.h"

#define CREDIT2 6
#define SPIN_US 800000

static struct xen_domctl dc;

static int64_t domctl(uint32_t cmd, uint16_t dom, const void *arg, uint32_t size)
{
	memset(&dc, 0, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.domain = dom;
	memcpy(&dc.u, arg, size);
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

static void share(uint16_t dom, uint16_t weight, uint16_t cap)
{
	const struct {
		uint32_t sched_id, cmd;
		uint16_t weight, cap;
	} s = { CREDIT2, 0, weight, cap };

	check_eqf(domctl(16, dom, &s, sizeof(s)), 0, "share.%u_%u_%u", dom, weight, cap);
}

/* The seventh word after the domain's number and flags. */
static uint64_t cpu_time(uint16_t dom)
{
	uint64_t words[8];

	domctl(XEN_DOMCTL_getdomaininfo, dom, NULL, 0);
	memcpy(words, &dc.u, sizeof(words));
	return words[7];
}

/* Looks at the clock now and then only: an emulator runs everything else much faster. */
static void burn(uint64_t us)
{
	uint64_t end = counter() + ns_to_ticks(us * 1000);

	while (counter() < end)
		for (int i = 0; i < 5000; i++)
			asm volatile("" ::: "memory");
}

static int64_t spin(uint64_t us, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	burn(us);
	return 0;
}

/* Both want all they can get: what each had, in thousandths of the time that passed. */
static void race(uint64_t *own, uint64_t *peer)
{
	uint64_t began, own_began, peer_began, passed;

	pair_post(spin, SPIN_US + 400000, 0, 0);
	burn(200000);
	began = counter();
	own_began = cpu_time(0);
	peer_began = cpu_time(PEER);
	burn(SPIN_US);
	passed = ticks_to_ns(counter() - began) / 1000;
	*own = (cpu_time(0) - own_began) / passed;
	*peer = (cpu_time(PEER) - peer_began) / passed;
	print("# dom0 %lu, the peer %lu of 1000\n", *own, *peer);
	pair_wait();
}

void guest_main(void)
{
	uint64_t own, peer;

	if (!pair_start())
		return;
	race(&own, &peer);
	check_range("share.equal", (int64_t)own, 475, 525);
	share(0, 512, 0);
	race(&own, &peer);
	check_range("share.double", (int64_t)(own * 1000 / peer), 1900, 2100);
	share(0, 256, 0);
	share(PEER, 512, 0);
	race(&own, &peer);
	check_range("share.half", (int64_t)(peer * 1000 / own), 1900, 2100);
	share(PEER, 256, 20);
	race(&own, &peer);
	check_range("share.cap_20", (int64_t)peer, 190, 202);
	check_range("share.cap_20_rest", (int64_t)own, 790, 815);
	share(PEER, 65535, 40);
	race(&own, &peer);
	check_range("share.cap_40", (int64_t)peer, 390, 404);
	share(PEER, 256, 0);
	race(&own, &peer);
	check_range("share.again", (int64_t)own, 475, 525);
	pair_end();
}
