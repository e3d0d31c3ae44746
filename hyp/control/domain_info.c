/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's state as tools see it. */
#include <serai/domain.h>
#include <serai/domain_info.h>
#include <serai/runstate.h>

#define SHUTDOWN_NONE 0xffffU /* the shutdown code of a domain that runs */

/* Adds up the vcpus. They exist as long as the domain is not dying, which its lock keeps off. */
static void vcpus_sum(struct domain *d, struct abi_getdomaininfo *info)
{
	struct abi_runstate_info r;

	info->flags |= XEN_DOMINF_blocked;
	for (u32 i = 0; i < d->nr_vcpus; i++) {
		struct vcpu *v = d->vcpus[i];
		u32 holds;

		if (!v)
			continue;
		info->max_vcpu_id = i;
		runstate_snapshot(v, &r);
		info->cpu_time += r.time[RUNSTATE_running];
		holds = READ_ONCE(v->unit.holds);
		if (holds & HOLD_DOWN)
			continue;
		info->nr_online_vcpus++;
		if (!(holds & HOLD_BLOCKED))
			info->flags &= ~(u32)XEN_DOMINF_blocked;
		if (sched_is_running(&v->unit))
			info->flags |= XEN_DOMINF_running;
	}
}

void domain_info_fill(struct domain *d, struct abi_getdomaininfo *info)
{
	u32 code = d->shutdown_code == SHUTDOWN_code_invalid ? SHUTDOWN_NONE : d->shutdown_code;

	*info = (struct abi_getdomaininfo){
		.domain = d->id,
		.flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | code << XEN_DOMINF_shutdownshift,
		.tot_pages = READ_ONCE(d->frames.nr),
		.max_pages = d->frames.max,
		.outstanding_pages = READ_ONCE(d->frames.claimed),
		.max_vcpu_id = ~0U,
		.ssidref = d->ssidref,
	};
	lock_take(&d->lock);
	info->handle = d->handle;
	if (d->dying) {
		info->flags |= XEN_DOMINF_dying;
	} else {
		vcpus_sum(d, info);
		info->shared_info_frame = virt_to_mfn(d->shared_info).v;
		info->cpupool = d->pool ? d->pool->id : 0;
		info->gpaddr_bits = (u8)(PAGE_SHIFT + 64 - __builtin_clzll(d->p2m.end - 1));
	}
	if (d->shut_down)
		info->flags |= XEN_DOMINF_shutdown;
	if (d->debugged)
		info->flags |= XEN_DOMINF_debugged;
	if (d->pause_count)
		info->flags |= XEN_DOMINF_paused;
	lock_drop(&d->lock);
}
