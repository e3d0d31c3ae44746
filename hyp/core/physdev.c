/* SPDX-License-Identifier: Apache-2.0 */
/* physdev_op: interrupts and PCI devices of x86; the numbers exist here, the operations do not. */
#include <serai/hypercall.h>

long do_physdev_op(u64 *arg)
{
	return -XEN_ENOSYS;
}
