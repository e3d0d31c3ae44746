// SPDX-License-Identifier: Apache-2.0
/* Event channels of one CPU in the format in use, and waiting with something pending. */
#include "bench.h"

static uint64_t seen;

static void on_event(uint32_t port)
{
	(void)port;
	seen++;
}

/* Name with the suffix of the format; valid until the next call. */
static const char *named(const char *name)
{
	static char buf[64];
	size_t n = strlen(name);

	memcpy(buf, name, n + 1);
	if (fifo_words)
		memcpy(buf + n, "_fifo", 6);
	return buf;
}

/* One event to self, up to the end of its handler. */
static inline bool send_and_wait(uint32_t port)
{
	uint64_t before = READ_ONCE(seen);

	event_send(port);
	for (int i = 0; i < 100000; i++)
		if (READ_ONCE(seen) != before)
			return true;
	return false;
}

static void bench_send(uint32_t ipi)
{
	const char *name = named("evtchn_send_self_ipi");

	event_handle(ipi, on_event);
	event_unmask(ipi);
	if (!send_and_wait(ipi)) {
		bench_na(name, "no upcall", 0);
		return;
	}
	BENCH(name, 1000, send_and_wait(ipi));
	event_mask(ipi);
	BENCH(named("evtchn_send_masked"), 1000, {
		event_send(ipi);
		event_clear(ipi);
	});
	event_send(ipi);
	BENCH(named("evtchn_send_already_pending"), 1000, event_send(ipi));
	event_clear(ipi);
	event_unmask(ipi);
	BENCH(named("evtchn_unmask_op"), 1000, event_unmask(ipi));
	BENCH(named("evtchn_mask_send_unmask_deliver"), 1000, {
		uint64_t before = READ_ONCE(seen);

		event_mask(ipi);
		event_send(ipi);
		event_unmask(ipi);
		for (int i = 0; i < 100000 && READ_ONCE(seen) == before; i++)
			;
	});
}

static void bench_loop(void)
{
	const char *name = named("evtchn_send_interdomain_loop");
	uint32_t a, b;

	if (event_alloc_unbound(&a) != 0 || event_bind_self(a, &b) != 0) {
		bench_na(name, "no pair", 0);
		return;
	}
	event_handle(a, on_event);
	event_unmask(a);
	if (send_and_wait(b))
		BENCH(name, 1000, send_and_wait(b));
	else
		bench_na(name, "no upcall", 0);
	event_mask(a);
	event_close(b);
	event_close(a);
}

void bench_events(void)
{
	struct evtchn_status st = { DOMID_SELF, 0, 0, 0, { .virq = 0 } };
	uint32_t ipi, port;
	int64_t rc;

	rc = event_bind_ipi(0, &ipi);
	if (rc) {
		bench_na(named("evtchn_send_self_ipi"), "bind_ipi answered", rc);
		return;
	}
	bench_send(ipi);
	bench_loop();
	if (!fifo_words) {
		BENCH("evtchn_alloc_close", 1000, {
			event_alloc_unbound(&port);
			event_close(port);
		});
		st.port = ipi;
		BENCH_CALL("evtchn_status", 1000, 0, hc_evtchn(EVTCHNOP_status, &st));
	}
	event_mask(ipi);
	event_close(ipi);
}

/* An interrupt that is pending while the CPU masks interrupts: WFI has no reason to sleep. */
static void bench_wfi_pending(void)
{
	irq_disable();
	gic_send_sgi_self(5);
	BENCH("wfi_irq_pending", 1000, asm volatile("wfi\n\tnop" ::: "memory"));
	irq_enable();
}

static void bench_block_pending(void)
{
	uint64_t fired = vtimer_fired;

	irq_disable();
	vtimer_arm_at(0);
	hc_sched(SCHEDOP_block, NULL);
	irq_enable();
	if (!wait_for(&vtimer_fired, fired + 1, 10000)) {
		bench_na("block_irq_pending", "no timer interrupt", 0);
		vtimer_stop();
		return;
	}
	BENCH("block_irq_pending", 500, {
		irq_disable();
		vtimer_arm_at(0);
		hc_sched(SCHEDOP_block, NULL);
	});
	irq_enable();
}

void bench_waiting(void)
{
	bench_wfi_pending();
	bench_block_pending();
	BENCH("wfe_hint", 1000, asm volatile("sevl\n\twfe\n\twfe" ::: "memory"));
	BENCH_CALL("sched_yield", 1000, 0, hc_sched(SCHEDOP_yield, NULL));
}
