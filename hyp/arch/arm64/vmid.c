/* SPDX-License-Identifier: Apache-2.0 */
/* VMIDs: a bitmap without a lock. 0 is never given, so that it can mean none. */
#include <arch/cpufeature.h>
#include <arch/vmid.h>
#include <serai/atomic.h>
#include <serai/domain.h>

/* Domains that are being destroyed keep theirs for a while. */
#define VMIDS	   (2 * DOMAINS_MAX)
#define VMIDS_8BIT 256

static u64 vmids_used[VMIDS / 64];

u16 vmid_alloc(void)
{
	unsigned int limit = cpu_features.vmid16 ? VMIDS : MIN(VMIDS, VMIDS_8BIT);

	for (unsigned int i = 1; i < limit; i++)
		if (!bit_test(vmids_used, i) && !bit_test_and_set(vmids_used, i))
			return (u16)i;
	return 0;
}

void vmid_free(u16 vmid)
{
	bit_test_and_clear(vmids_used, vmid);
}
