/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic operations on guests' words that fail on demand. */
#include <arch/guest_atomic.h>
#include <arch/host.h>

bool host_atomic_fails(void)
{
	if (!host.fail_atomics)
		return false;
	host.fail_atomics--;
	return true;
}
