/* SPDX-License-Identifier: Apache-2.0 */
/* A build without the FIFO format: guests are told so and stay with two levels. */
#include "evtchn_private.h"

long evtchn_fifo_init_control(struct domain *d, struct abi_evtchn_init_control *arg)
{
	return -XEN_ENOSYS;
}

long evtchn_fifo_expand_array(struct domain *d, gfn_t g)
{
	return -XEN_ENOSYS;
}

void evtchn_fifo_destroy(struct domain *d)
{
}

void evtchn_fifo_vcpu_destroy(struct vcpu *v)
{
}
