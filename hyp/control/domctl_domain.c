/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that tools make: creation, pauses, end, and what is noted about a domain. What createdomain
 * accepts, and its errors, are those of Xen 4.17 on Arm.
 */
#include "control.h"
#include "domctl.h"

#include <abi/guest_layout.h>
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/domain.h>
#include <serai/domain_info.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/string.h>
#include <serai/wallclock.h>

#define FLAGS_NEEDED	(XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap)
#define VCPUS_MAX	128
#define SPIS_MAX	988
#define SPIS_PER_BANK	32
#define PAUSES_MAX	255

/* ------------------------------------------------------------------------------------ creation -- */

/* A limit that tools leave to the hypervisor, or at most the hypervisor's: false for more. */
static bool take_limit(s32 wanted, u32 limit, u32 *out)
{
	*out = wanted < 0 ? limit : (u32)wanted;
	return *out <= limit;
}

static int config_take(const struct abi_createdomain *c, struct domain_config *cfg)
{
	u32 version = c->grant_opts & XEN_DOMCTL_GRANT_version_mask;
	const struct abi_arch_domainconfig *a = &c->arch;

	if (c->flags != FLAGS_NEEDED || c->iommu_opts || c->vmtrace_size ||
	    c->grant_opts != version || !version || version > options.gnttab_max_version)
		return -XEN_EINVAL;
	if (!c->max_vcpus || c->max_vcpus > VCPUS_MAX || a->nr_spis > SPIS_MAX ||
	    ROUND_UP(a->nr_spis, SPIS_PER_BANK) > SPIS_MAX ||
	    a->gic_version > XEN_DOMCTL_CONFIG_GIC_V3 || a->tee_type != XEN_DOMCTL_CONFIG_TEE_NONE)
		return -XEN_EINVAL;
	*cfg = (struct domain_config){
		.flags = strcmp(options.xsm, "dummy") ? 0 : DOMAIN_UNRESTRICTED,
		.nr_vcpus = c->max_vcpus,
		.max_evtchn_port = c->max_evtchn_port,
		.max_grant_version = version,
		.nr_spis = a->nr_spis,
		.gic_version = a->gic_version ? a->gic_version + 1U : 0,
		.by_tools = true,
		.ssidref = c->ssidref,
		.handle = c->handle,
	};
	if (!take_limit(c->max_grant_frames, options.gnttab_max_frames, &cfg->max_grant_frames) ||
	    !cfg->max_grant_frames ||
	    !take_limit(c->max_maptrack_frames, options.gnttab_max_maptrack_frames,
			&cfg->max_maptrack_frames))
		return -XEN_EINVAL;
	return 0;
}

static bool id_is_free(domid_t id)
{
	struct domain *d = domain_get(id);

	if (d)
		domain_put(d);
	return !d && !(domain_actions.id_kept && domain_actions.id_kept(id));
}

/* The one that is wanted, or the next one that nobody has: an id is not used again soon. */
static int id_choose(domid_t wanted, domid_t *id)
{
	static domid_t last;

	if (wanted && wanted < DOMID_FIRST_RESERVED) {
		*id = wanted;
		return id_is_free(wanted) ? 0 : -XEN_EEXIST;
	}
	for (*id = last + 1; *id != last; ++*id) {
		if (*id == DOMID_FIRST_RESERVED)
			*id = 1;
		if (id_is_free(*id)) {
			last = *id;
			return 0;
		}
	}
	return -XEN_ENOMEM;
}

long domctl_createdomain(struct domain *none, struct abi_domctl *op)
{
	struct abi_createdomain *c = &op->u.createdomain;
	struct domain_config cfg;
	domid_t id;
	struct domain *d;
	int rc = id_choose(op->domain, &id);

	rc = rc ? rc : config_take(c, &cfg);
	if (rc)
		return rc;
	cfg.id = id;
	/* It stays while it is looked at. */
	cfg.pool = cpupool_get(c->cpupool_id);
	if (!cfg.pool)
		return -XEN_ESRCH;
	rc = domain_create(&cfg, &d);
	cpupool_leave(cfg.pool);
	if (rc)
		return rc;
	d->evtchn_irq = GUEST_EVTCHN_PPI;
	op->domain = id;
	c->arch.gic_version = domain_arch_gic_version(d) == 3 ? XEN_DOMCTL_CONFIG_GIC_V3 :
								XEN_DOMCTL_CONFIG_GIC_V2;
	c->arch.clock_frequency = time_arch_tree_hz();
	return 0;
}

long domctl_max_vcpus(struct domain *d, struct abi_domctl *op)
{
	if (d == current_domain() || op->u.max_vcpus.max != d->nr_vcpus)
		return -XEN_EINVAL;
	return domain_add_vcpus(d);
}

/* ------------------------------------------------------------------------------- pauses, end -- */

long domctl_pausedomain(struct domain *d, struct abi_domctl *op)
{
	if (d == current_domain())
		return -XEN_EINVAL;
	if (d->tools_pauses == PAUSES_MAX)
		return -XEN_EOVERFLOW;
	d->tools_pauses++;
	domain_pause(d);
	return 0;
}

long domctl_unpausedomain(struct domain *d, struct abi_domctl *op)
{
	if (d == current_domain() || !d->tools_pauses)
		return -XEN_EINVAL;
	d->tools_pauses--;
	domain_unpause(d);
	return 0;
}

long domctl_resumedomain(struct domain *d, struct abi_domctl *op)
{
	if (d == current_domain())
		return -XEN_EINVAL;
	domain_resume(d);
	return 0;
}

/* Who has its pages mapped hears of it and lets them go; with the last one its number is free. */
long domctl_destroydomain(struct domain *d, struct abi_domctl *op)
{
	int rc;

	if (d == current_domain())
		return -XEN_EINVAL;
	rc = domain_kill(d);
	if (!rc)
		evtchn_send_virq_global(VIRQ_DOM_EXC);
	return rc;
}

/* --------------------------------------------------------------------------------------- notes -- */

long domctl_getdomaininfo(struct domain *d, struct abi_domctl *op)
{
	domain_info_fill(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

/* Of version 0x15: the first domain from the number on. */
long domctl_getdomaininfo_from(struct domain *none, struct abi_domctl *op)
{
	struct domain *d;
	long rc;

	if (op->domain >= DOMID_FIRST_RESERVED)
		return -XEN_EINVAL;
	d = domain_get_next(op->domain);
	if (!d)
		return -XEN_ESRCH;
	rc = domctl_getdomaininfo(d, op);
	domain_put(d);
	return rc;
}

long domctl_setdomainhandle(struct domain *d, struct abi_domctl *op)
{
	lock_take(&d->lock);
	d->handle = op->u.setdomainhandle.handle;
	lock_drop(&d->lock);
	return 0;
}

/* Nobody can look into a guest by a debugger here; it is only noted. */
long domctl_setdebugging(struct domain *d, struct abi_domctl *op)
{
	if (d == current_domain())
		return -XEN_EINVAL;
	WRITE_ONCE(d->debugged, op->u.setdebugging.enable != 0);
	return 0;
}

long domctl_settimeoffset(struct domain *d, struct abi_domctl *op)
{
	wallclock_set_offset(d, op->u.settimeoffset.time_offset_seconds);
	return 0;
}

/* There is one node, 0. */
long domctl_setnodeaffinity(struct domain *d, struct abi_domctl *op)
{
	struct cpumask nodes;
	int rc = control_get_cpus(&nodes, &op->u.nodeaffinity.nodemap);

	if (rc)
		return rc;
	return cpumask_test(&nodes, 0) ? 0 : -XEN_EINVAL;
}

long domctl_getnodeaffinity(struct domain *d, struct abi_domctl *op)
{
	struct cpumask nodes = { 0 };

	cpumask_set(&nodes, 0);
	return control_put_cpus(&op->u.nodeaffinity.nodemap, &nodes);
}

long domctl_nothing(struct domain *d, struct abi_domctl *op)
{
	return 0;
}

long domctl_invalid(struct domain *d, struct abi_domctl *op)
{
	return -XEN_EINVAL;
}
