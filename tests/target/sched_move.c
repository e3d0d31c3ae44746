// SPDX-License-Identifier: Apache-2.0
/*
 * Vcpus are pinned here and there while they run, and taken away and brought back meanwhile, as
 * xl vcpu-pin and vcpu-set do: all of them go on, and where they may. An emulator whose CPUs take
 * turns of 100 ms cannot say who stands still: two that want one lock then get it once a turn.
 */
/* machine: smp=3 vcpus=6 timeout=240 icount=1 */
#include "guest.h"

#define VCPUS  6
#define CPUS   3
#define ROUNDS 240

static uint64_t count[VCPUS], stop[VCPUS], stopped[VCPUS];
static struct xen_domctl dc;

static uint32_t random_word(void)
{
	static uint64_t state = 88172645463325252ul;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void work(uint64_t cpu)
{
	while (!READ_ONCE(stop[cpu])) {
		WRITE_ONCE(count[cpu], count[cpu] + 1);
		if (cpu & 1 && count[cpu] % 64 == 0)
			hc_sched(SCHEDOP_yield, NULL);
	}
	WRITE_ONCE(stopped[cpu], stopped[cpu] + 1);
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

static int64_t pin(uint32_t vcpu, uint8_t hard, uint8_t soft)
{
	static uint8_t masks[2];
	const struct {
		uint32_t vcpu, flags;
		struct {
			uint8_t *bytes;
			uint64_t bits;
		} map[2];
	} a = { vcpu, 3, { { &masks[0], 8 }, { &masks[1], 8 } } };

	masks[0] = hard;
	masks[1] = soft;
	memset(&dc, 0, sizeof(dc));
	dc.cmd = 9;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(&dc.u, &a, sizeof(a));
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

/* Every vcpu that is there gets on. */
static uint32_t stuck(uint32_t without)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < VCPUS; i++)
		if (i != without && !wait_for(&count[i], READ_ONCE(count[i]) + 1, 10000000)) {
			print("# vcpu %u is stuck\n", i);
			n++;
		}
	return n;
}

static bool take_away(uint32_t vcpu)
{
	uint64_t times = stopped[vcpu];

	WRITE_ONCE(stop[vcpu], 1);
	if (!wait_for(&stopped[vcpu], times + 1, 2000000))
		return false;
	for (int i = 0; i < 2000; i++) {
		if (psci(PSCI_AFFINITY_INFO64, machine.mpidr[vcpu], 0, 0) == 1)
			return true;
		delay_us(1000);
	}
	return false;
}

static bool bring_back(uint32_t vcpu)
{
	WRITE_ONCE(stop[vcpu], 0);
	return !cpu_start(vcpu, work, vcpu);
}

void guest_main(void)
{
	uint32_t refused = 0, lost = 0, kept = 0, away = 0;

	for (uint32_t i = 1; i < VCPUS; i++)
		check_eqf(cpu_start(i, work, i), 0, "move.start_%u", i);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t vcpu = random_word() % VCPUS;
		uint8_t hard = (uint8_t)(1 + random_word() % ((1 << CPUS) - 1));

		refused += pin(vcpu, hard, (uint8_t)(random_word() % (1 << CPUS))) != 0;
		if (round % 8 == 7) {
			if (away)
				lost += !bring_back(away);
			away = away ? 0 : 1 + random_word() % (VCPUS - 1);
			if (away)
				kept += !take_away(away);
		}
		if (round % 4 == 0)
			lost += stuck(away);
	}
	if (away)
		lost += !bring_back(away);
	check_eq("move.refused", refused, 0);
	check_eq("move.not_taken_away", kept, 0);
	check_eq("move.stuck", lost, 0);
	for (uint32_t i = 0; i < VCPUS; i++)
		check_eqf(pin(i, (1 << CPUS) - 1, (1 << CPUS) - 1), 0, "move.free_%u", i);
	check_eq("move.all_go_on", stuck(0), 0);
}
