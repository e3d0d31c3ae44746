/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl cpupool_op: pools of CPUs while domains run. Pools and their CPUs change nowhere else after
 * the boot, and here one operation at a time (control_enter), so that a pool found stays.
 *
 * A CPU changes pools by itself and vcpus stop before they move: until then the call is made again.
 * RESUMED, in a field that these operations do not use, tells that from a new request for what is
 * already so. Error numbers are those of real Xen, where they are not those of its header.
 */
#include "control.h"
#include "sysctl.h"
#include <serai/cpu.h>
#include <serai/domain.h>
#include <serai/hypercall.h>

#define RESUMED 0x676f6573U

typedef long pool_fn(struct abi_sysctl_cpupool_op *op, struct cpupool *p);

static long pool_create(struct abi_sysctl_cpupool_op *op, struct cpupool *none)
{
	const struct sched_policy *policy = sched_policy_by_id(op->sched_id);
	u32 id = op->cpupool_id, last = 0;
	struct cpupool *p;
	int rc;

	if (!policy)
		return -XEN_ENOENT;
	/* Tools expect numbers that grow, while there are any. */
	if (id == XEN_SYSCTL_CPUPOOL_PAR_ANY) {
		while ((p = cpupool_next(last)) != NULL)
			last = p->id + 1;
		id = last;
	}
	rc = cpupool_create_as(policy, id, &p);
	if (!rc)
		op->cpupool_id = p->id;
	return rc;
}

static long pool_destroy(struct abi_sysctl_cpupool_op *op, struct cpupool *p)
{
	return cpupool_destroy(p);
}

static long pool_info(struct abi_sysctl_cpupool_op *op, struct cpupool *none)
{
	const struct cpupool *p = NULL;

	if (op->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
		p = cpupool_next(op->cpupool_id);
	if (!p)
		return -XEN_ENOENT;
	op->cpupool_id = p->id;
	op->sched_id = p->policy->sched_id;
	op->n_dom = p->nr_domains;
	return control_put_cpus(&op->cpumap, &p->cpus);
}

/* Online, and in no pool. */
static struct cpumask free_cpus(void)
{
	struct cpumask free = cpu_online;
	const struct cpupool *p;
	unsigned int cpu;

	for (u32 id = 0; (p = cpupool_next(id)) != NULL; id = p->id + 1)
		for_each_cpu_in(cpu, &p->cpus)
			cpumask_clear(&free, cpu);
	return free;
}

static long pool_freeinfo(struct abi_sysctl_cpupool_op *op, struct cpupool *none)
{
	struct cpumask free = free_cpus();

	return control_put_cpus(&op->cpumap, &free);
}

static bool is_cpu(u32 cpu)
{
	return cpu < NR_CPUS && cpumask_test(&cpu_online, cpu);
}

static long pool_addcpu(struct abi_sysctl_cpupool_op *op, struct cpupool *p)
{
	struct cpumask free = free_cpus();
	long rc;

	if (op->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY) {
		op->cpu = cpumask_next(&free, 0);
		if (op->cpu >= NR_CPUS)
			return -XEN_ENODEV;
	}
	if (!is_cpu(op->cpu))
		return -XEN_EINVAL;
	if (!cpumask_test(&free, op->cpu) &&
	    (op->sched_id != RESUMED || !cpumask_test(&p->cpus, op->cpu)))
		return -XEN_ENODEV;
	rc = cpupool_add_cpu(p, op->cpu);
	op->sched_id = RESUMED;
	return rc == -XEN_EBUSY ? -XEN_ENODEV : rc;
}

/* SCHEDOP_pin_override, which is the control domain's alone. */
static bool is_pinned_to(unsigned int cpu)
{
	const struct domain *d = current_domain();

	for (u32 i = 0; i < d->nr_vcpus; i++) {
		const struct vcpu *v = d->vcpus[i];

		if (v && v->pinned && cpumask_test(&v->unit.hard, cpu))
			return true;
	}
	return false;
}

static long pool_rmcpu(struct abi_sysctl_cpupool_op *op, struct cpupool *p)
{
	unsigned int cpu;
	long rc;

	if (op->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY)
		for_each_cpu_in(cpu, &p->cpus)
			op->cpu = cpu;
	if (!is_cpu(op->cpu) || (!op->cpu && !p->id))
		return -XEN_EINVAL;
	if (!cpumask_test(&p->cpus, op->cpu) && op->sched_id != RESUMED)
		return -XEN_EADDRNOTAVAIL;
	if (is_pinned_to(op->cpu))
		return -XEN_EADDRINUSE;
	rc = cpupool_remove_cpu(p, op->cpu);
	op->sched_id = RESUMED;
	return rc;
}

static long pool_movedomain(struct abi_sysctl_cpupool_op *op, struct cpupool *p)
{
	struct domain *d = op->domid < DOMID_FIRST_RESERVED ? domain_get((domid_t)op->domid) : NULL;
	long rc;

	if (!d)
		return -XEN_ESRCH;
	if (d == current_domain())
		rc = -XEN_EPERM;
	else if (!p || cpumask_empty(&p->cpus))
		rc = -XEN_ENOENT;
	else
		rc = domain_set_pool(d, p);
	domain_put(d);
	return rc;
}

/* wanted: the pool that is named must be there; else the handler looks itself. */
static const struct {
	pool_fn *fn;
	bool wanted;
} ops[] = {
	[XEN_SYSCTL_CPUPOOL_OP_CREATE] = { pool_create, false },
	[XEN_SYSCTL_CPUPOOL_OP_DESTROY] = { pool_destroy, true },
	[XEN_SYSCTL_CPUPOOL_OP_INFO] = { pool_info, false },
	[XEN_SYSCTL_CPUPOOL_OP_ADDCPU] = { pool_addcpu, true },
	[XEN_SYSCTL_CPUPOOL_OP_RMCPU] = { pool_rmcpu, true },
	[XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN] = { pool_movedomain, false },
	[XEN_SYSCTL_CPUPOOL_OP_FREEINFO] = { pool_freeinfo, false },
};

long sysctl_cpupool_op(struct abi_sysctl *op)
{
	struct abi_sysctl_cpupool_op *o = &op->u.cpupool_op;
	struct cpupool *p;
	long rc;

	if (o->op >= ARRAY_SIZE(ops) || !ops[o->op].fn)
		return -XEN_ENOSYS;
	if (!control_enter())
		return -XEN_ERESTART;
	p = cpupool_find(o->cpupool_id);
	rc = ops[o->op].wanted && !p ? -XEN_ENOENT : ops[o->op].fn(o, p);
	control_leave();
	return rc;
}
