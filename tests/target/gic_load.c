// SPDX-License-Identifier: Apache-2.0
/* The virtual GIC under load: more interrupts than list registers, nested, on four CPUs. */
/* machine: smp=2 vcpus=4 timeout=120 gic=3,2 */
#include "guest.h"

#define CPUS	  4
#define NSPI	  32
#define ROUNDS	  150
#define PRIO_STEP 8

/*
 * 32 shared interrupts that no device of this machine uses. On a GICv2 half of them are those of the
 * MSI frame, physical interrupts that is.
 */
static uint32_t spi = 128;
static uint64_t gicd;
static uint64_t sent[CPUS][16], seen[CPUS][16], spi_sent[NSPI], spi_seen[NSPI], spi_taken[NSPI];
static uint64_t up, finished, spurious, nested[8];

static uint32_t rnd(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005ul + 1442695040888963407ul;
	return (uint32_t)(*state >> 33) % n;
}

static void on_sgi(uint32_t irq, struct trap_frame *frame)
{
	uint32_t cpu = cpu_id();

	(void)frame;
	__atomic_store_n(&seen[cpu][irq], __atomic_load_n(&sent[cpu][irq], __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
}

static void on_spi(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
	__atomic_store_n(&spi_seen[irq - spi],
			 __atomic_load_n(&spi_sent[irq - spi], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&spi_taken[irq - spi], 1, __ATOMIC_SEQ_CST);
}

static void send_sgi(uint32_t cpu, uint32_t sgi)
{
	__atomic_fetch_add(&sent[cpu][sgi], 1, __ATOMIC_SEQ_CST);
	gic_send_sgi(sgi, cpu);
}

static void send_spi(uint32_t n)
{
	__atomic_fetch_add(&spi_sent[n], 1, __ATOMIC_SEQ_CST);
	mmio_write32(gicd + GICD_ISPENDR + (spi + n) / 32 * 4, 1u << (spi + n) % 32);
}

static void load(uint64_t cpu)
{
	uint64_t state = cpu * 77 + 5;

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < 8; k++)
			send_sgi(rnd(&state, CPUS), rnd(&state, 15));
		for (int k = 0; k < 8; k++)
			send_spi(rnd(&state, NSPI));
		gic_set_target(spi + rnd(&state, NSPI), rnd(&state, CPUS));
		if (rnd(&state, 8) == 0) {
			uint32_t n = spi + rnd(&state, NSPI);

			mmio_write32(gicd + GICD_ICENABLER + n / 32 * 4, 1u << n % 32);
			delay_us(rnd(&state, 20));
			mmio_write32(gicd + GICD_ISENABLER + n / 32 * 4, 1u << n % 32);
		}
		if (rnd(&state, 16) == 0)
			mmio_read32(gicd + GICD_ISACTIVER + spi / 32 * 4);
		if (rnd(&state, 4) == 0)
			hc_sched(SCHEDOP_yield, NULL);
		if (rnd(&state, 8) == 0)
			delay_us(rnd(&state, 100));
	}
}

static void work(uint64_t cpu)
{
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(up) < CPUS)
		hc_sched(SCHEDOP_yield, NULL);
	load(cpu);
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	/* CPU 0 says when all were counted. */
	while (READ_ONCE(finished) < CPUS + (cpu ? 1 : 0))
		hc_sched(SCHEDOP_yield, NULL);
}

static int64_t lost(void)
{
	int64_t n = 0;

	for (uint32_t c = 0; c < CPUS; c++)
		for (uint32_t i = 0; i < 15; i++)
			n += READ_ONCE(seen[c][i]) != READ_ONCE(sent[c][i]);
	for (uint32_t i = 0; i < NSPI; i++)
		n += READ_ONCE(spi_seen[i]) != READ_ONCE(spi_sent[i]);
	return n;
}

static void check_load(void)
{
	for (uint32_t c = 1; c < CPUS; c++)
		check_eqf(cpu_start(c, work, c), 0, "load.start_%u", c);
	work(0); /* comes back when all have finished */
}

/* A handler that lets more urgent ones in: eight are active at a time. */
static void on_nested(uint32_t irq, struct trap_frame *frame)
{
	(void)frame;
	nested[irq]++;
	if (irq > 0) {
		gic_send_sgi_self(irq - 1);
		irq_enable();
		delay_us(5);
		irq_disable();
		if (nested[irq - 1] != nested[irq])
			spurious++;
	}
}

static void check_nested(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		irq_register(i, on_nested);
		*(volatile uint8_t *)(gic_private() + GICD_IPRIORITYR + i) =
			(uint8_t)(0x40 + i * PRIO_STEP);
	}
	for (uint64_t round = 1; round <= 20; round++) {
		/* Others, less urgent, that fill the list registers meanwhile. */
		for (uint32_t i = 8; i < 15; i++)
			send_sgi(0, i);
		gic_send_sgi_self(7);
		delay_us(100);
		check_eqf((int64_t)nested[0], (int64_t)round, "nested.round_%lu", round);
	}
	check_eq("nested.not_at_once", (int64_t)spurious, 0);
	delay_us(1000);
	check_eq("nested.others_lost", lost(), 0);
	check_eq("nested.active_left", mmio_read32(gic_private() + GICD_ISACTIVER), 0);
	check_eq("nested.pending_left", mmio_read32(gic_private() + GICD_ISPENDR) & 0xffff, 0);
}

void guest_main(void)
{
	gicd = machine.gicd.base;
	/* Real Xen loses those when a vcpu moves, at least on QEMU's GICv2. */
	if (machine.gicc.size && str_contains(machine.bootargs, "hyp=xen"))
		spi = 160;
	for (uint32_t i = 0; i < 15; i++)
		irq_register(i, on_sgi);
	for (uint32_t i = spi; i < spi + NSPI; i++) {
		irq_register(i, on_spi);
		mmio_write32(gicd + GICD_ICFGR + i / 16 * 4, 0xaaaaaaaa);
		gic_set_target(i, i % CPUS);
		irq_unmask(i);
	}
	check_nested();
	for (uint32_t i = 0; i < 8; i++)
		irq_register(i, on_sgi);
	check_load();
	for (int i = 0; i < 200 && lost(); i++)
		sleep_us(1000);
	check_eq("load.lost", lost(), 0);
	for (uint32_t i = 0; i < NSPI; i++)
		if (spi_taken[i] > spi_sent[i])
			check_eqf((int64_t)spi_taken[i], (int64_t)spi_sent[i],
				  "load.spi_%u_too_often", i);
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}
