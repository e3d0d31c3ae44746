// SPDX-License-Identifier: Apache-2.0
/* PSCI 1.1 and SMCCC 1.1 by HVC and by SMC; a second CPU that goes on and off. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

typedef void (*conduit)(struct smccc *regs);

static int64_t call(conduit to, uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct smccc r = { { fn, a1, a2, a3 } };

	to(&r);
	return (int32_t)r.x[0];
}

static void check_features(conduit to, const char *by)
{
	static const struct {
		uint32_t fn;
		int32_t want;
	} fns[] = {
		{ 0x84000000, 0 },  { 0x84000001, 0 },	{ 0xc4000001, 0 },  { 0x84000002, 0 },
		{ 0x84000003, 0 },  { 0xc4000003, 0 },	{ 0x84000004, 0 },  { 0xc4000004, 0 },
		{ 0x84000005, -1 }, { 0x84000006, 0 },	{ 0x84000007, -1 }, { 0x84000008, 0 },
		{ 0x84000009, 0 },  { 0x8400000a, 0 },	{ 0x8400000b, -1 }, { 0x8400000c, -1 },
		{ 0xc400000c, -1 }, { 0x8400000d, -1 }, { 0x8400000e, -1 }, { 0xc400000e, -1 },
		{ 0x8400000f, -1 }, { 0x84000010, -1 }, { 0x84000011, -1 }, { 0x84000013, -1 },
		{ 0x84000014, -1 }, { 0x80000000, 0 },	{ 0x80000001, -1 }, { 0x80008000, -1 },
		{ 0x80007fff, -1 }, { 0x80003fff, -1 }, { 0x84000050, -1 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(fns); i++)
		check_eqf(call(to, PSCI_FEATURES, fns[i].fn, 0, 0), fns[i].want,
			  "psci.%s.features_%08x", by, fns[i].fn);
}

static void check_conduit(conduit to, const char *by)
{
	static const uint32_t unserved[] = {
		0x80000002, 0x80001234, 0x81000000, 0x82000000, 0x83000000, 0x84000050,
		0x85000000, 0x86000000, 0x8600ff01, 0x8700ff01, 0xc6000000, 0xb2000000,
		0,	    0x12345678, 0xffffffff, 0x8400001f, 0x95c1ba5e, 0x95c1ba5f,
	};
	struct smccc r = { { 0x86000001, 0x11, 0x22, 0x33 } };

	check_eqf(call(to, PSCI_VERSION, 0, 0, 0), 0x10001, "psci.%s.version", by);
	check_eqf(call(to, PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2, "psci.%s.migrate_info_type", by);
	check_eqf(call(to, PSCI_MIGRATE, 0, 0, 0), -1, "psci.%s.migrate", by);
	check_eqf(call(to, SMCCC_VERSION, 0, 0, 0), 0x10001, "smccc.%s.version", by);
	check_eqf(call(to, SMCCC_ARCH_FEATURES, 0x80000001, 0, 0), -1,
		  "smccc.%s.arch_features_self", by);
	check_eqf(call(to, SMCCC_ARCH_FEATURES, 0x80003fff, 0, 0), -1,
		  "smccc.%s.arch_features_workaround_3", by);
	for (unsigned int i = 0; i < ARRAY_SIZE(unserved); i++)
		check_eqf(call(to, unserved[i], 0, 0, 0), -1, "smccc.%s.unserved_%08x", by,
			  unserved[i]);
	to(&r);
	check_eqf((int64_t)r.x[0], -1, "smccc.%s.unknown_x0", by);
	check_eqf((int64_t)r.x[1], 0x11, "smccc.%s.unknown_keeps_x1", by);
	check_eqf((int64_t)r.x[2], 0x22, "smccc.%s.unknown_keeps_x2", by);
	check_eqf((int64_t)r.x[3], 0x33, "smccc.%s.unknown_keeps_x3", by);
}

static void check_refusals(void)
{
	uint64_t self = machine.mpidr[0], other = machine.mpidr[1];

	check_eq("psci.cpu_on_self", psci(PSCI_CPU_ON64, self, (uint64_t)guest_main, 0), -4);
	check_eq("psci.cpu_on_bad_mpidr", psci(PSCI_CPU_ON64, 0x77, (uint64_t)guest_main, 0), -2);
	check_eq("psci.cpu_on_thumb_entry", psci(PSCI_CPU_ON64, other, (uint64_t)guest_main | 1, 0),
		 -9);
	check_eq("psci.affinity_info_self", psci(PSCI_AFFINITY_INFO64, self, 0, 0), 0);
	check_eq("psci.affinity_info_off", psci(PSCI_AFFINITY_INFO64, other, 0, 0), 1);
	check_eq("psci.affinity_info_bad", psci(PSCI_AFFINITY_INFO64, 0x77, 0, 0), 1);
	check_eq("psci.affinity_info_level4", psci(PSCI_AFFINITY_INFO64, self, 4, 0), -2);
	check_eq("psci.set_suspend_mode_unsupported", psci(PSCI_SET_SUSPEND_MODE, 1, 0, 0), -1);
}

static void check_suspend(void)
{
	uint64_t fired = vtimer_fired;

	vtimer_arm_at(counter() + ns_to_ticks(2000000));
	check_eq("psci.cpu_suspend_standby", psci(PSCI_CPU_SUSPEND64, 0, 0, 0), 0);
	check("psci.cpu_suspend_irq_after", wait_for(&vtimer_fired, fired + 1, 100000));
}

static uint64_t seen_arg, seen_el, seen_mpidr, seen_cpu, runs, may_finish;

static void second(uint64_t arg)
{
	seen_arg = arg;
	seen_el = sysreg_read(CurrentEL);
	seen_mpidr = sysreg_read(mpidr_el1) & 0xffffff;
	seen_cpu = cpu_id();
	/* The caller's next call shall find this CPU on, whoever runs first. */
	while (!READ_ONCE(may_finish))
		hc_sched(SCHEDOP_yield, NULL);
	WRITE_ONCE(runs, runs + 1);
}

/* Lets the other CPU run until it is off again. */
static int64_t affinity_after_run(uint64_t want_runs)
{
	for (int i = 0; i < 100; i++) {
		if (READ_ONCE(runs) >= want_runs &&
		    psci(PSCI_AFFINITY_INFO64, machine.mpidr[1], 0, 0) == 1)
			break;
		sleep_us(1000);
	}
	return psci(PSCI_AFFINITY_INFO64, machine.mpidr[1], 0, 0);
}

static void check_on_off(void)
{
	int64_t rc, wrong = 0;

	check_eq("psci.cpu_on", cpu_start(1, second, 0xabcdef), 0);
	rc = psci(PSCI_CPU_ON64, machine.mpidr[1], (uint64_t)guest_main, 0);
	check_eq("psci.cpu_on_already", rc, -4);
	WRITE_ONCE(may_finish, 1);
	check_eq("psci.affinity_info_after_off", affinity_after_run(1), 1);
	check_eq("psci.second_ran", (int64_t)runs, 1);
	check_eq("psci.second_context", (int64_t)seen_arg, 0xabcdef);
	check_eq("psci.second_el", (int64_t)seen_el, 4);
	check_eq("psci.second_mpidr", (int64_t)seen_mpidr, (int64_t)machine.mpidr[1]);
	check_eq("psci.second_cpu", (int64_t)seen_cpu, 1);
	for (uint64_t i = 2; i <= 20; i++)
		if (cpu_start(1, second, i) != 0 || affinity_after_run(i) != 1 || seen_arg != i)
			wrong++;
	check_eq("psci.on_off_20_wrong", wrong, 0);
	check_eq("psci.on_off_20_runs", (int64_t)runs, 20);
}

void guest_main(void)
{
	check_conduit(smccc_hvc, "hvc");
	check_conduit(smccc_smc, "smc");
	check_features(smccc_hvc, "hvc");
	check_features(smccc_smc, "smc");
	check_refusals();
	check_suspend();
	check_on_off();
}
