/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual PSCI 1.1 (Arm DEN0022): a vcpu is off while HOLD_DOWN is set. Answers are those of Xen
 * 4.17 where guests depend on them; SYSTEM_RESET2 is an addition.
 */
#include <arch/psci.h>
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/domain.h>

static struct vcpu *vcpu_by_mpidr(struct domain *d, u64 mpidr)
{
	u64 id = (mpidr & 0xf) | ((mpidr >> 4) & 0xff0);

	if (mpidr & MPIDR_AFF_MASK & ~0xff0fUL)
		return NULL;
	return id < d->nr_vcpus ? d->vcpus[id] : NULL;
}

/* Aligned; in 32-bit guests bit 0 says that it is Thumb code. */
static bool entry_sound(const struct domain *d, u64 entry)
{
	return !(entry & 3) || (d->arch.aarch32 && (entry & 1));
}

static s64 vpsci_cpu_on(struct vcpu *v, const u64 *x)
{
	struct vcpu *target = vcpu_by_mpidr(v->domain, x[1]);
	s64 rc = PSCI_ALREADY_ON;

	if (!target)
		return PSCI_INVALID_PARAMETERS;
	if (!entry_sound(v->domain, x[2]))
		return PSCI_INVALID_ADDRESS;
	lock_take(&target->lock);
	if ((READ_ONCE(target->unit.holds) & HOLD_DOWN) && !sched_is_running(&target->unit)) {
		vcpu_arch_start(target, x[2], x[3]);
		sched_release(&target->unit, HOLD_DOWN);
		rc = PSCI_SUCCESS;
	}
	lock_drop(&target->lock);
	return rc;
}

static s64 vpsci_cpu_off(struct vcpu *v, const u64 *x)
{
	sched_hold(&v->unit, HOLD_DOWN);
	return PSCI_SUCCESS;
}

/* Any power-down state is served as standby: the vcpu waits for an interrupt. */
static s64 vpsci_cpu_suspend(struct vcpu *v, const u64 *x)
{
	vcpu_block();
	return PSCI_SUCCESS;
}

static s64 vpsci_affinity_info(struct vcpu *v, const u64 *x)
{
	u64 level = x[2], mask;

	if (level > 3)
		return PSCI_INVALID_PARAMETERS;
	/* Affinity levels are bytes 0, 1, 2 and 4 of MPIDR. */
	mask = MPIDR_AFF_MASK & (level == 3 ? ~0xffffffffUL : ~0UL << (8 * level));
	for (u32 i = 0; i < v->domain->nr_vcpus; i++) {
		const struct vcpu *t = v->domain->vcpus[i];

		if (t && ((t->arch.vmpidr ^ x[1]) & mask) == 0 &&
		    !(READ_ONCE(t->unit.holds) & HOLD_DOWN))
			return PSCI_AFFINITY_ON;
	}
	return PSCI_AFFINITY_OFF;
}

static s64 vpsci_system_off(struct vcpu *v, const u64 *x)
{
	domain_shutdown(v->domain, SHUTDOWN_poweroff);
	return PSCI_SUCCESS;
}

static s64 vpsci_system_reset(struct vcpu *v, const u64 *x)
{
	domain_shutdown(v->domain, SHUTDOWN_reboot);
	return PSCI_SUCCESS;
}

/* Reset type 0 is the architectural warm reset, bit 31 the vendor's; we have the first. */
static s64 vpsci_system_reset2(struct vcpu *v, const u64 *x)
{
	if ((u32)x[1] != 0)
		return PSCI_INVALID_PARAMETERS;
	return vpsci_system_reset(v, x);
}

static s64 vpsci_version(struct vcpu *v, const u64 *x)
{
	return PSCI_1_1;
}

static s64 vpsci_migrate_info_type(struct vcpu *v, const u64 *x)
{
	return PSCI_NO_TRUSTED_OS;
}

static s64 vpsci_features(struct vcpu *v, const u64 *x);

/* smc64: the function has a 64-bit form too. only64 is never needed. */
static const struct vpsci_fn {
	s64 (*fn)(struct vcpu *v, const u64 *x);
	bool smc64;
} vpsci_table[] = {
	[PSCI_VERSION & 0x1f] = { vpsci_version, false },
	[PSCI_CPU_SUSPEND & 0x1f] = { vpsci_cpu_suspend, true },
	[PSCI_CPU_OFF & 0x1f] = { vpsci_cpu_off, false },
	[PSCI_CPU_ON & 0x1f] = { vpsci_cpu_on, true },
	[PSCI_AFFINITY_INFO & 0x1f] = { vpsci_affinity_info, true },
	[PSCI_MIGRATE_INFO_TYPE & 0x1f] = { vpsci_migrate_info_type, false },
	[PSCI_SYSTEM_OFF & 0x1f] = { vpsci_system_off, false },
	[PSCI_SYSTEM_RESET & 0x1f] = { vpsci_system_reset, false },
	[PSCI_FEATURES & 0x1f] = { vpsci_features, false },
	[PSCI_SYSTEM_RESET2 & 0x1f] = { vpsci_system_reset2, true },
};

static const struct vpsci_fn *vpsci_find(u32 fn)
{
	u32 nr = fn & 0x1f;

	if ((fn & ~(0x1fU | SMCCC_SMC64)) != PSCI_VERSION || nr >= ARRAY_SIZE(vpsci_table))
		return NULL;
	if (!vpsci_table[nr].fn || ((fn & SMCCC_SMC64) && !vpsci_table[nr].smc64))
		return NULL;
	return &vpsci_table[nr];
}

static s64 vpsci_features(struct vcpu *v, const u64 *x)
{
	u32 fn = (u32)x[1];

	return fn == SMCCC_VERSION || vpsci_find(fn) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

s64 vpsci_call(struct vcpu *v, u32 fn, const u64 *x)
{
	const struct vpsci_fn *f = vpsci_find(fn);
	s64 rc = f ? f->fn(v, x) : PSCI_NOT_SUPPORTED;

	return (fn & SMCCC_SMC64) ? rc : (s64)(u32)rc;
}
