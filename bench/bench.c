// SPDX-License-Identifier: Apache-2.0
/*
 * The bench guest: costs of what one domain can ask of its hypervisor, measured by the virtual
 * counter. Meant for QEMU with -icount shift=0,sleep=off, where one instruction is one nanosecond.
 */
#include "bench.h"

void bench_report(const char *name, uint64_t ticks, uint64_t n)
{
	uint64_t tenths = (ticks_to_ns(ticks) * 10 + n / 2) / n;

	print("BENCH %s %lu.%lu\n", name, tenths / 10, tenths % 10);
}

void bench_value(const char *name, uint64_t value)
{
	print("BENCH %s %lu\n", name, value);
}

void bench_na(const char *name, const char *reason, int64_t rc)
{
	if (rc)
		print("BENCH %s n/a %s %ld\n", name, reason, rc);
	else
		print("BENCH %s n/a %s\n", name, reason);
}

void stat_add(struct stat *s, uint64_t ticks)
{
	if (!s->n || ticks < s->min)
		s->min = ticks;
	if (ticks > s->max)
		s->max = ticks;
	s->sum += ticks;
	s->n++;
}

void stat_report(const char *name, const struct stat *s)
{
	print("BENCH %s.min %lu\n", name, ticks_to_ns(s->min));
	print("BENCH %s.avg %lu\n", name, ticks_to_ns(s->sum) / s->n);
	print("BENCH %s.max %lu\n", name, ticks_to_ns(s->max));
}

void stat_na(const char *name, const char *reason)
{
	print("BENCH %s.min n/a %s\n", name, reason);
	print("BENCH %s.avg n/a %s\n", name, reason);
	print("BENCH %s.max n/a %s\n", name, reason);
}

static void bench_boot(void)
{
	bench_value("boot.entry_cntpct_ns", ticks_to_ns(machine.entry_cntpct));
	bench_value("boot.entry_cntvct_ns", ticks_to_ns(machine.entry_cntvct));
}

void bench_hypercalls(void)
{
	struct xen_feature_info fi = { 0, 0 };
	static struct multicall_entry calls[32];
	int64_t rc;

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].op = HC_xen_version;
	BENCH("loop_empty", 100000, );
	BENCH_CALL("hypercall_xen_version", 2000, 0x40011, hc_version(XENVER_version, NULL));
	rc = hypercall(63, 0, 0, 0, 0);
	BENCH_CALL("hypercall_unknown_nr", 2000, -XEN_ENOSYS, hypercall(63, 0, 0, 0, 0));
	BENCH_CALL("hypercall_get_features", 2000, 0, hc_version(XENVER_get_features, &fi));
	rc = hc_op(HC_multicall, (uint64_t)calls, (void *)1);
	if (rc) {
		bench_na("multicall_1", "answered", rc);
		bench_na("multicall_32", "answered", rc);
		return;
	}
	BENCH("multicall_1", 2000, hc_op(HC_multicall, (uint64_t)calls, (void *)1));
	BENCH("multicall_32", 200, hc_op(HC_multicall, (uint64_t)calls, (void *)32));
}

void bench_footprint(void)
{
	static struct xen_sysctl sc;
	uint16_t dom = DOMID_SELF;
	int64_t rc;

	rc = hc_memory(XENMEM_current_reservation, &dom);
	if (rc > 0)
		bench_value("foot.dom_pages", (uint64_t)rc);
	else
		bench_na("foot.dom_pages", "answered", rc);
	rc = hc_memory(XENMEM_maximum_ram_page, NULL);
	if (rc > 0)
		bench_value("foot.max_ram_page", (uint64_t)rc);
	else
		bench_na("foot.max_ram_page", "answered", rc);
	sc.cmd = XEN_SYSCTL_physinfo;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	rc = hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
	if (rc) {
		bench_na("foot.total_pages", "answered", rc);
		bench_na("foot.free_pages", "answered", rc);
		return;
	}
	bench_value("foot.total_pages", sc.u.physinfo.total_pages);
	bench_value("foot.free_pages", sc.u.physinfo.free_pages);
}

/* One domain, everything. */
static void bench_all(bool events)
{
	bench_boot();
	bench_hypercalls();
	if (events) {
		bench_events();
		bench_waiting();
	} else {
		bench_na("evtchn_send_self_ipi", "no shared info", 0);
	}
	bench_latencies();
	bench_registers();
	bench_firmware();
	bench_devices();
	bench_memory();
	bench_grants();
	bench_smp();
	if (events && events_init_fifo()) {
		bench_events();
		bench_smp_fifo();
	} else {
		bench_na("evtchn_send_self_ipi_fifo", "no FIFO format", 0);
	}
	bench_footprint();
}

/*
 * bench=cross: dom0 with another domain; bench=smp: the round trips of two CPUs alone; bench=boot: how
 * early a guest without dom0 runs.
 */
void guest_main(void)
{
	bool cross = pair_is_peer() || str_contains(machine.bootargs, "bench=cross"), events;

	if (str_contains(machine.bootargs, "bench=boot")) {
		bench_value("boot.dom0less_entry_ns", ticks_to_ns(machine.entry_cntpct));
		print("BENCH end 0\n");
		return;
	}
	if (cross && !pair_start())
		return;
	events = events_init();
	/* Work that the hypervisor left for its idle time must not be charged to what follows. */
	sleep_us(600000);
	if (cross)
		bench_cross();
	else if (str_contains(machine.bootargs, "bench=smp"))
		bench_smp();
	else
		bench_all(events);
	print("BENCH end 0\n");
	if (cross)
		pair_end();
}
