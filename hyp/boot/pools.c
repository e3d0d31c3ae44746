/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the pools of the device tree: when all CPUs are up, in pool 0, and there is no domain yet. The
 * node that has the boot CPU is pool 0; if there is none, CPUs that no node has stay there,
 * otherwise they get a pool of their own.
 */
#include <serai/arch.h>
#include <serai/atomic.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/sched.h>

#define POLLS_MAX 100000000UL /* of CPUs that have nothing else to do */

/* By index in bi->pools. */
static struct cpupool *made[BOOT_POOLS_MAX] __initbss;
static struct cpupool *rest __initbss; /* of CPUs in no node */

/* Index in bi->pools of a CPU's pool; -1: in no node. */
static int __init pool_of(const struct boot_info *bi, u64 mpidr)
{
	for (u32 i = 0; i < bi->nr_cpus; i++)
		for (u32 p = 0; bi->cpus[i].mpidr == mpidr && p < bi->nr_pools; p++)
			if (cpumask_test(&bi->pools[p].cpus, i))
				return (int)p;
	return -1;
}

const char *__init pools_boot_sched(const struct boot_info *bi, const char *otherwise)
{
	int p = pool_of(bi, cpu_arch_mpidr(0));

	return p >= 0 && bi->pools[p].sched ? bi->pools[p].sched : otherwise;
}

static int __init make_pool(const char *sched, struct cpupool **p)
{
	const struct sched_policy *policy = sched ? sched_policy_find(sched) : sched_policy();

	if (*p)
		return 0;
	if (!policy) {
		policy = sched_policy();
		pr_warn("cpupool-sched = \"%s\": this build has no such scheduler; %s is used\n", sched,
			policy->name);
	}
	return cpupool_create(policy, p);
}

static int __init move_cpu(unsigned int cpu, struct cpupool *to)
{
	int rc = -XEN_ERESTART;
	u64 polls;

	for (polls = 0; rc == -XEN_ERESTART && polls < POLLS_MAX; polls++) {
		rc = cpupool_remove_cpu(cpupool_find(0), cpu);
		cpu_relax();
	}
	if (!rc)
		rc = -XEN_ERESTART;
	for (; rc == -XEN_ERESTART && polls < POLLS_MAX; polls++) {
		rc = cpupool_add_cpu(to, cpu);
		cpu_relax();
	}
	return rc;
}

static int __init place_cpu(const struct boot_info *bi, unsigned int cpu, int boot)
{
	int p = pool_of(bi, cpu_arch_mpidr(cpu));
	struct cpupool **to = p < 0 ? &rest : &made[p];
	int rc;

	if (p == boot)
		return 0;
	rc = make_pool(p < 0 ? NULL : bi->pools[p].sched, to);
	return rc ? rc : move_cpu(cpu, *to);
}

static void __init say_pools(void)
{
	for (u32 id = 0; id <= BOOT_POOLS_MAX; id++) {
		const struct cpupool *p = cpupool_find(id);

		if (p)
			pr_info("CPU pool %u: %u CPUs, scheduler %s\n", id,
				cpumask_weight(&p->cpus), p->policy->name);
	}
}

int __init pools_make(const struct boot_info *bi)
{
	int boot = pool_of(bi, cpu_arch_mpidr(0)), rc = 0;
	unsigned int cpu;

	if (!bi->nr_pools)
		return 0;
	if (boot >= 0)
		made[boot] = cpupool_find(0);
	for_each_online_cpu(cpu) {
		rc = cpu ? place_cpu(bi, cpu, boot) : 0;
		if (rc) {
			pr_err("CPU%u does not get into its pool (%d)\n", cpu, rc);
			return rc;
		}
	}
	say_pools();
	return 0;
}

struct cpupool *__init pools_find(int index)
{
	return index < 0 ? cpupool_find(0) : made[index];
}
