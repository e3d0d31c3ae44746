// SPDX-License-Identifier: Apache-2.0
/*
 * Pools of CPUs by the device tree: the second guest has a CPU of its own under the null scheduler, where
 * nobody takes it away; the two others share what is left.
 */
/* machine: smp=2 vcpus=1 domu=3 only=serai timeout=120 */
/* machine: props1='xen,enhanced = "no-xenstore";' props3='xen,enhanced = "no-xenstore";' */
/* machine: props2='xen,enhanced = "no-xenstore"; domain-cpupool = <&one>;' */
/* machine: tree='/ { chosen { one: pool1 { compatible = "xen,cpupool"; */
/* machine: cpupool-cpus = <&{/cpus/cpu@1}>; cpupool-sched = "null"; }; }; };' */
#include "guest.h"

#define SPIN_US	   1000000
#define SHARED_MIN 30000000
#define ALONE_MAX  1000000

static struct vcpu_runstate_info runstate __attribute__((aligned(64)));

void guest_main(void)
{
	struct vcpu_register_runstate_memory_area area = { (uint64_t)&runstate };
	bool alone = str_contains(machine.bootargs, "name=domU2");
	const char *who = alone ? "pools.alone" :
			  str_contains(machine.bootargs, "name=domU1") ? "pools.shared1" :
									 "pools.shared3";
	uint64_t before;

	check_eqf(hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area), 0, "%s.area", who);
	before = runstate.time[RUNSTATE_runnable];
	delay_us(SPIN_US);
	/* Written whenever it begins to run. */
	print("# %s: waited %lu us of %u\n", who, (runstate.time[RUNSTATE_runnable] - before) / 1000,
	      SPIN_US);
	if (alone)
		check_range("pools.alone.waits_for_nobody",
			    (int64_t)(runstate.time[RUNSTATE_runnable] - before), 0, ALONE_MAX);
	else
		check_eqf(runstate.time[RUNSTATE_runnable] - before > SHARED_MIN, true,
			  "%s.waits_for_the_other", who);
}
