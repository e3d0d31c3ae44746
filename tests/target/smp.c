// SPDX-License-Identifier: Apache-2.0
/* Four CPUs on two: all of them run, a shared counter stays exact, events and SGIs go around. */
/* machine: smp=2 vcpus=4 timeout=240 gic=3,2 */
#include "guest.h"

#define CPUS	4
#define ROUNDS	1000
#define LAPS	50
#define SGI_LAP 8

static uint64_t up, finished, counted, laps_sgi, laps_event, registered;
static uint32_t lock;
static uint32_t ports[CPUS];

static void lock_take(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		hc_sched(SCHEDOP_yield, NULL);
}

static void lock_give(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* Hands the lap over to the next CPU; each lap ends at CPU 0. */
static void on_lap_sgi(uint32_t irq, struct trap_frame *frame)
{
	uint32_t cpu = cpu_id();

	(void)irq;
	(void)frame;
	if (cpu != 0)
		gic_send_sgi(SGI_LAP, (cpu + 1) % CPUS);
	else if (++laps_sgi < LAPS)
		gic_send_sgi(SGI_LAP, 1);
}

static void on_lap_event(uint32_t port)
{
	uint32_t cpu = cpu_id();

	(void)port;
	if (cpu != 0)
		event_send(ports[(cpu + 1) % CPUS]);
	else if (++laps_event < LAPS)
		event_send(ports[1]);
}

static void work(uint64_t cpu)
{
	if (events_init_cpu((uint32_t)cpu))
		__atomic_fetch_add(&registered, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(up) < CPUS)
		hc_sched(SCHEDOP_yield, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		lock_take();
		counted++;
		lock_give();
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(laps_event) < LAPS)
		hc_sched(SCHEDOP_block, NULL);
}

static bool sleep_until(const uint64_t *word, uint64_t want)
{
	for (int i = 0; i < 20000 && READ_ONCE(*word) < want; i++)
		sleep_us(1000);
	return READ_ONCE(*word) >= want;
}

void guest_main(void)
{
	int64_t wrong = 0;

	check_eq("smp.cpus", machine.nr_cpus, CPUS);
	if (!check("smp.events_init", events_init()))
		return;
	irq_register(SGI_LAP, on_lap_sgi);
	for (uint32_t cpu = 1; cpu < CPUS; cpu++)
		wrong += cpu_start(cpu, work, cpu) != 0;
	check_eq("smp.cpu_on_wrong", wrong, 0);
	check("smp.all_up", sleep_until(&up, CPUS - 1));
	check_eq("smp.all_registered", (int64_t)registered, CPUS - 1);
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	check("smp.all_finished", sleep_until(&finished, CPUS - 1));
	check_eq("smp.counter_exact", (int64_t)counted, (CPUS - 1) * ROUNDS);
	gic_send_sgi(SGI_LAP, 1);
	check("smp.sgi_laps", sleep_until(&laps_sgi, LAPS));
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		wrong += event_bind_ipi(cpu, &ports[cpu]) != 0;
		event_handle(ports[cpu], on_lap_event);
		event_unmask(ports[cpu]);
	}
	check_eq("smp.bind_ipi_wrong", wrong, 0);
	event_send(ports[1]);
	check("smp.event_laps", sleep_until(&laps_event, LAPS));
	for (uint32_t cpu = 1; cpu < CPUS; cpu++) {
		gic_send_sgi(9, cpu);
		for (int i = 0;
		     i < 1000 && psci(PSCI_AFFINITY_INFO64, machine.mpidr[cpu], 0, 0) != 1; i++)
			sleep_us(1000);
		check_eqf(psci(PSCI_AFFINITY_INFO64, machine.mpidr[cpu], 0, 0), 1, "smp.cpu_%u_off",
			  cpu);
	}
}
