/* SPDX-License-Identifier: Apache-2.0 */
/* domctl's handlers of devices, for tests of its table without them. */
#ifndef TESTS_NO_DEVICES_H
#define TESTS_NO_DEVICES_H

#include "../../hyp/control/domctl.h"
#include <serai/errno.h>

#define NO_DEVICE(name)                                   \
	long name(struct domain *d, struct abi_domctl *op) \
	{                                                 \
		return -XEN_ENODEV;                       \
	}

NO_DEVICE(domctl_irq_permission)
NO_DEVICE(domctl_iomem_permission)
NO_DEVICE(domctl_memory_mapping)
NO_DEVICE(domctl_assign_device)
NO_DEVICE(domctl_bind_pt_irq)
NO_DEVICE(domctl_unbind_pt_irq)
NO_DEVICE(domctl_set_target)
NO_DEVICE(domctl_set_virq_handler)
NO_DEVICE(domctl_vm_event_op)
NO_DEVICE(domctl_monitor_op)
NO_DEVICE(domctl_vuart_op)

#endif
