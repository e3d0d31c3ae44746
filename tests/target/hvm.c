// SPDX-License-Identifier: Apache-2.0
/* hvm_op: parameters that dom0 may read, and who may not set them. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static int64_t get(uint16_t dom, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { dom, 0, index, 0 };
	int64_t rc = hc_op(HC_hvm_op, HVMOP_get_param, &p);

	*value = p.value;
	return rc;
}

static int64_t set(uint32_t index, uint64_t value)
{
	struct xen_hvm_param p = { DOMID_SELF, 0, index, value };

	return hc_op(HC_hvm_op, HVMOP_set_param, &p);
}

/* Answer for each parameter: readable, unknown on arm64, or not for the domain itself. */
static int64_t expected_get(uint32_t index)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_CONSOLE_EVTCHN:
		return 0;
	case 28:
		return -XEN_EPERM;
	default:
		return -XEN_EINVAL;
	}
}

void guest_main(void)
{
	uint64_t v;

	check_eq("hvm.get_callback_irq", get(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	/* Type 2 is a PPI; bits 15:8 its flags (low level), bits 7:0 its interrupt number. */
	check_eq("hvm.callback_type", (int64_t)(v >> 56), 2);
	check_eq("hvm.callback_flags", (int64_t)(v >> 8 & 0xff), 2);
	check_eq("hvm.callback_irq", (int64_t)(v & 0xff), machine.event_irq);
	for (uint32_t i = 0; i <= HVM_NR_PARAMS; i++) {
		check_eqf(get(DOMID_SELF, i, &v), expected_get(i), "hvm.get_param_%u", i);
		if (i && expected_get(i) == 0)
			check_eqf((int64_t)v, 0, "hvm.param_%u_value", i);
	}
	check_eq("hvm.get_bad_dom", get(DOMID_NONE, 0, &v), -XEN_ESRCH);
	check_eq("hvm.get_bad_ptr", hc_op(HC_hvm_op, HVMOP_get_param, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	check_eq("hvm.set_bad_ptr", hc_op(HC_hvm_op, HVMOP_set_param, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	get(DOMID_SELF, 0, &v);
	check_eq("hvm.set_param_0_same", set(HVM_PARAM_CALLBACK_IRQ, v), -XEN_EPERM);
	check_eq("hvm.set_param_1_same", set(HVM_PARAM_STORE_PFN, 0), -XEN_EPERM);
	check_eq("hvm.set_param_2_same", set(HVM_PARAM_STORE_EVTCHN, 0), -XEN_EPERM);
	check_eq("hvm.set_param_17_same", set(HVM_PARAM_CONSOLE_PFN, 0), -XEN_EPERM);
	check_eq("hvm.set_param_18_same", set(HVM_PARAM_CONSOLE_EVTCHN, 0), -XEN_EPERM);
	check_eq("hvm.set_param_27_same", set(27, 0), -XEN_EINVAL);
	check_eq("hvm.set_param_28_same", set(28, 0), -XEN_EPERM);
	check_eq("hvm.set_param_34_same", set(34, 0), -XEN_EINVAL);
	check_eq("hvm.set_param_100", set(100, 0), -XEN_EINVAL);
	check_eq("hvm.request_vm_event", hc_op(HC_hvm_op, 24, NULL), 0);
	check_eq("hvm.request_vm_event_arg", hc_op(HC_hvm_op, 24, &v), -XEN_EINVAL);
	check_eq("hvm.unknown_99", hc_op(HC_hvm_op, 99, &v), -XEN_ENOSYS);
}
