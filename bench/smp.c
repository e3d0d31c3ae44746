// SPDX-License-Identifier: Apache-2.0
/*
 * Two virtual CPUs: start of the second, round trips between the two. A waiting CPU sleeps, so
 * that the figures hold when both share one physical CPU. Each round trip is tried once under
 * the virtual timer first; a CPU that does not answer is reported, not waited for.
 */
#include "bench.h"

#define ROUNDS	 200
#define SGI_PING 1
#define SGI_PONG 2

enum mode { IDLE, EVENT_WFI, EVENT_BLOCK, SGI_WFI, YIELD };

static uint64_t running_stamp; /* counter when the second CPU came up */
static uint64_t up; /* 1: running, 2: with event channels too */
static uint64_t pings, pongs;
static enum mode mode;
static uint32_t port_ping, port_pong; /* to CPU 1, to CPU 0 */

static void on_ping(uint32_t port)
{
	(void)port;
	pings++;
}

static void on_pong(uint32_t port)
{
	(void)port;
	pongs++;
}

static void on_sgi(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
	if (irq == SGI_PING)
		pings++;
	else
		pongs++;
}

/* Sleeps until *word changed from old. */
static inline void sleep_while(const uint64_t *word, uint64_t old, bool block)
{
	if (block) {
		while (READ_ONCE(*word) == old)
			hc_sched(SCHEDOP_block, NULL);
		return;
	}
	irq_disable();
	while (READ_ONCE(*word) == old) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
	irq_enable();
}

static void second_cpu(uint64_t arg)
{
	uint64_t seen = 0;

	(void)arg;
	running_stamp = counter();
	WRITE_ONCE(up, events_init_cpu(1) ? 2 : 1);
	gic_send_sgi(SGI_PONG, 0);
	for (;;) {
		enum mode m;

		sleep_while(&pings, seen, READ_ONCE(mode) == EVENT_BLOCK);
		seen = READ_ONCE(pings);
		m = READ_ONCE(mode);
		if (m == EVENT_WFI || m == EVENT_BLOCK)
			event_send(port_pong);
		else if (m == SGI_WFI)
			gic_send_sgi(SGI_PONG, 0);
		while (READ_ONCE(mode) == YIELD)
			hc_sched(SCHEDOP_yield, NULL);
	}
}

static inline void ping(enum mode m)
{
	uint64_t before = READ_ONCE(pongs);

	if (m == SGI_WFI)
		gic_send_sgi(SGI_PING, 1);
	else
		event_send(port_ping);
	sleep_while(&pongs, before, m == EVENT_BLOCK);
}

/* One ping with the virtual timer as alarm: true if the pong came. */
static bool try_ping(enum mode m)
{
	uint64_t before = READ_ONCE(pongs);
	uint64_t fired = READ_ONCE(vtimer_fired);

	vtimer_arm_at(counter() + ns_to_ticks(200000000));
	if (m == SGI_WFI)
		gic_send_sgi(SGI_PING, 1);
	else
		event_send(port_ping);
	while (READ_ONCE(pongs) == before && READ_ONCE(vtimer_fired) == fired)
		hc_sched(SCHEDOP_block, NULL);
	vtimer_stop();
	return READ_ONCE(pongs) != before;
}

static void bench_pingpong(const char *name, enum mode m)
{
	WRITE_ONCE(mode, m);
	if (!try_ping(m)) {
		bench_na(name, "no answer from CPU 1", 0);
		return;
	}
	BENCH(name, ROUNDS, ping(m));
}

static bool start_second(void)
{
	uint64_t start, fired;
	int64_t rc;

	if (machine.nr_cpus < 2) {
		bench_na("psci_cpu_on_to_running", "one virtual CPU", 0);
		return false;
	}
	irq_register(SGI_PING, on_sgi);
	irq_register(SGI_PONG, on_sgi);
	fired = vtimer_fired;
	vtimer_arm_at(counter() + ns_to_ticks(500000000));
	start = counter();
	rc = cpu_start(1, second_cpu, 0);
	if (rc) {
		vtimer_stop();
		bench_na("psci_cpu_on_to_running", "answered", rc);
		return false;
	}
	while (!READ_ONCE(up) && READ_ONCE(vtimer_fired) == fired) {
		irq_disable();
		if (!READ_ONCE(up))
			wfi();
		irq_enable();
	}
	vtimer_stop();
	if (!READ_ONCE(up)) {
		bench_na("psci_cpu_on_to_running", "did not start", 0);
		return false;
	}
	bench_report("psci_cpu_on_to_running", running_stamp - start, 1);
	return true;
}

static bool bind_pair(void)
{
	if (!shared_info || up < 2)
		return false;
	if (event_bind_ipi(1, &port_ping) != 0 || event_bind_ipi(0, &port_pong) != 0)
		return false;
	event_handle(port_ping, on_ping);
	event_handle(port_pong, on_pong);
	event_unmask(port_ping);
	event_unmask(port_pong);
	return true;
}

void bench_smp(void)
{
	if (!start_second())
		return;
	if (bind_pair()) {
		bench_pingpong("evtchn_ipi_pingpong_wfi", EVENT_WFI);
		bench_pingpong("evtchn_ipi_pingpong_block", EVENT_BLOCK);
	} else {
		bench_na("evtchn_ipi_pingpong_wfi", "no event channels", 0);
	}
	bench_pingpong("sgi_pingpong_wfi", SGI_WFI);
	if (try_ping(SGI_WFI)) {
		WRITE_ONCE(mode, YIELD);
		gic_send_sgi(SGI_PING, 1);
		BENCH("sched_yield_2vcpu", ROUNDS, hc_sched(SCHEDOP_yield, NULL));
		WRITE_ONCE(mode, IDLE);
		sleep_us(1000);
	}
}

void bench_smp_fifo(void)
{
	if (up < 2)
		return;
	event_unmask(port_ping);
	event_unmask(port_pong);
	bench_pingpong("evtchn_ipi_pingpong_wfi_fifo", EVENT_WFI);
	bench_pingpong("evtchn_ipi_pingpong_block_fifo", EVENT_BLOCK);
}
