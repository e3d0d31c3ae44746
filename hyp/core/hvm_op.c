/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hvm_op: parameters by which a domain learns of its console, its xenstore page and the interrupt of
 * event channels. The domain may read the first five, whoever built it sets all of them.
 */
#include <abi/hvm_op.h>
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

enum { PARAM_GUEST_READS = 1, PARAM_TOOLS_ONLY };

static const u8 param_rules[ABI_HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = PARAM_GUEST_READS,
	[HVM_PARAM_STORE_PFN] = PARAM_GUEST_READS,
	[HVM_PARAM_STORE_EVTCHN] = PARAM_GUEST_READS,
	[HVM_PARAM_CONSOLE_PFN] = PARAM_GUEST_READS,
	[HVM_PARAM_CONSOLE_EVTCHN] = PARAM_GUEST_READS,
	[HVM_PARAM_MONITOR_RING_PFN] = PARAM_TOOLS_ONLY,
};

static long param_allowed(const struct domain *d, u32 index, bool write)
{
	u8 rule = index < ABI_HVM_NR_PARAMS ? param_rules[index] : 0;

	if (!rule)
		return -XEN_EINVAL;
	if (d == current_domain() && (write || rule == PARAM_TOOLS_ONLY))
		return -XEN_EPERM;
	return 0;
}

static long param_access(u64 handle, bool write)
{
	struct abi_hvm_param_arg p;
	struct domain *d;
	long rc;

	if (copy_from_guest(&p, handle))
		return -XEN_EFAULT;
	rc = domain_get_target(p.domid, &d);
	if (rc)
		return rc;
	rc = param_allowed(d, p.index, write);
	if (!rc && write)
		WRITE_ONCE(d->hvm_params[p.index], p.value);
	else if (!rc)
		p.value = READ_ONCE(d->hvm_params[p.index]);
	domain_put(d);
	if (!rc && !write)
		rc = copy_to_guest(handle, &p);
	return rc;
}

long do_hvm_op(u64 *arg)
{
	switch (arg[0]) {
	case HVMOP_set_param:
		return param_access(arg[1], true);
	case HVMOP_get_param:
		return param_access(arg[1], false);
	case HVMOP_guest_request_vm_event:
		/* Nobody monitors a guest here; it takes no argument. */
		return arg[1] ? -XEN_EINVAL : 0;
	default:
		return -XEN_ENOSYS;
	}
}
