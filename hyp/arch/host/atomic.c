/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic operations on guests' words that fail, or find something else there, on demand. */
#include <arch/guest_atomic.h>
#include <arch/host.h>

bool host_atomic_fails(void *p)
{
	if (host.atomic_hook)
		host.atomic_hook(p);
	if (!host.fail_atomics)
		return false;
	host.fail_atomics--;
	return true;
}
