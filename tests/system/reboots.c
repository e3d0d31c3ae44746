// SPDX-License-Identifier: Apache-2.0
/*
 * A guest of the device tree that lives many short lives: in each it takes what it can of the
 * hypervisor's (channels, grants, mappings, areas, timers), alone and with its neighbour, and then
 * ends in some way at some moment. After calm= milliseconds of the machine's time it does nothing
 * but restart. tests/system/restart.py looks at what is left.
 */
#include "guest.h"

#define PAGES	 24
#define FRAMES	 4
#define REF	 8 /* first reference that is granted to the neighbour */
#define SHUTDOWN_CRASH 3

static uint8_t pages[PAGES][PAGE_SIZE] PAGE_ALIGNED;
static uint64_t seed;
static uint16_t other; /* the neighbour's number */

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % n;
}

static uint64_t number_after(const char *word)
{
	const char *s = machine.bootargs;
	uint64_t n = 0;

	while (*s && memcmp(s, word, strlen(word)))
		s++;
	if (!*s)
		return 0;
	for (s += strlen(word); *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

static void take_channels(void)
{
	for (uint32_t n = rnd(40); n; n--) {
		struct evtchn_alloc_unbound alloc = { DOMID_SELF, rnd(2) ? other : DOMID_SELF, 0 };
		struct evtchn_bind_interdomain bind = { other, 1 + rnd(30), 0 };
		struct evtchn_bind_virq virq = { rnd(12), 0, 0 };
		uint32_t port;

		hc_evtchn(EVTCHNOP_alloc_unbound, &alloc);
		if (!hc_evtchn(EVTCHNOP_bind_interdomain, &bind))
			event_send(bind.local_port);
		hc_evtchn(EVTCHNOP_bind_virq, &virq);
		if (!event_bind_ipi(0, &port))
			event_send(port);
	}
	if (rnd(2))
		events_init_fifo();
}

static void take_grants(void)
{
	static uint64_t list[FRAMES];
	struct gnttab_setup_table setup = { DOMID_SELF, 1 + rnd(FRAMES), 0, list };
	volatile struct grant_entry_v1 *table = (void *)(scratch_gfn() << PAGE_SHIFT);

	hc_grant(GNTTABOP_setup_table, &setup, 1);
	if (map_space(1, 0, (uint64_t)table >> PAGE_SHIFT))
		return;
	for (uint32_t i = 0; i < 8; i++) {
		table[REF + i].frame = (uint32_t)virt_to_gfn(pages[i]);
		table[REF + i].domid = other;
		dsb();
		table[REF + i].flags = GTF_permit_access;
	}
	for (uint32_t n = rnd(12); n; n--) {
		struct gnttab_map_grant_ref m = { scratch_gfn() << PAGE_SHIFT,
						  GNTMAP_host_map | (rnd(2) ? GNTMAP_readonly : 0),
						  REF + rnd(8), other, 0, 0, 0 };
		struct gnttab_unmap_grant_ref u = { .host_addr = m.host_addr };

		if (hc_grant(GNTTABOP_map_grant_ref, &m, 1) || m.status || !m.host_addr)
			continue;
		u.handle = m.handle;
		if (rnd(2))
			hc_grant(GNTTABOP_unmap_grant_ref, &u, 1);
	}
}

static void take_memory(void)
{
	uint64_t gfns[8];
	struct xen_memory_reservation r = { gfns, 8, 0, 0, DOMID_SELF };
	struct vcpu_register_vcpu_info info = { virt_to_gfn(pages[20]), 64, 0 };
	struct vcpu_register_runstate_memory_area area = { (uint64_t)pages[21] };

	for (uint32_t i = 0; i < 8; i++)
		gfns[i] = virt_to_gfn(pages[10 + i]);
	hc_memory(XENMEM_decrease_reservation, &r);
	r.nr_extents = rnd(9);
	hc_memory(XENMEM_populate_physmap, &r);
	if (rnd(2))
		hc_vcpu(VCPUOP_register_vcpu_info, 1, &info);
	if (rnd(2))
		hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area);
}

static void other_cpu(uint64_t arg)
{
	(void)arg;
	for (;;)
		hc_sched(SCHEDOP_block, NULL);
}

static void end_somehow(void)
{
	struct sched_shutdown s = { SHUTDOWN_reboot };
	struct sched_watchdog w = { 0, 1 };

	switch (rnd(32)) {
	case 0:
		hc_sched(SCHEDOP_watchdog, &w);
		psci(PSCI_CPU_OFF, 0, 0, 0);
		break;
	case 1 ... 5:
		s.reason = SHUTDOWN_CRASH;
		break;
	case 6 ... 10:
		psci(0x84000009, 0, 0, 0);
		break;
	default:
		break;
	}
	hc_sched(SCHEDOP_shutdown, &s);
}

void guest_main(void)
{
	struct sched_shutdown s = { SHUTDOWN_reboot };
	uint64_t calm = number_after("calm=");

	seed = machine.entry_cntpct * 6364136223846793005ul | 1;
	other = (uint16_t)(3 - number_after("name=domU"));
	if (ticks_to_ns(machine.entry_cntpct) > calm * 1000000)
		hc_sched(SCHEDOP_shutdown, &s);
	print("a wild life\n");
	if (rnd(4) == 0)
		hc_sched(SCHEDOP_shutdown, &s);
	vtimer_init();
	events_init();
	if (machine.nr_cpus > 1 && rnd(2))
		cpu_start(1, other_cpu, 0);
	take_channels();
	if (rnd(8))
		take_grants();
	take_memory();
	sleep_us(rnd(4000));
	end_somehow();
}
