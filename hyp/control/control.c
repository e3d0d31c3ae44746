/* SPDX-License-Identifier: Apache-2.0 */
/* What domctl and sysctl share. Sets of CPUs are little-endian bytes in guest memory. */
#include "control.h"
#include <serai/atomic.h>
#include <serai/errno.h>
#include <serai/guest_copy.h>
#include <serai/printk.h>

#define BYTES_OF(bits) (((bits) + 7) / 8)

int control_get_cpus(struct cpumask *m, const struct abi_bitmap *from)
{
	u32 bytes = MIN(BYTES_OF(from->nr_bits), (u32)sizeof(*m));

	if (from->nr_bits > CONTROL_BITS_MAX)
		return -XEN_EINVAL;
	*m = (struct cpumask){ 0 };
	if (bytes && copy_from_guest_raw(m, from->bitmap, bytes))
		return -XEN_EFAULT;
	for (u32 cpu = MIN(from->nr_bits, (u32)NR_CPUS); cpu < sizeof(*m) * 8; cpu++)
		cpumask_clear(m, cpu);
	return 0;
}

int control_put_cpus(const struct abi_bitmap *to, const struct cpumask *m)
{
	u32 bytes = BYTES_OF(to->nr_bits), n = MIN(bytes, (u32)sizeof(*m));
	static const u8 zero[256];

	if (to->nr_bits > CONTROL_BITS_MAX)
		return -XEN_EINVAL;
	if (n && copy_to_guest_raw(to->bitmap, m, n))
		return -XEN_EFAULT;
	for (u32 at = n; at < bytes; at += n) {
		n = MIN(bytes - at, (u32)sizeof(zero));
		if (copy_to_guest_raw(to->bitmap + at, zero, n))
			return -XEN_EFAULT;
	}
	return 0;
}

long control_refuse_version(const char *call, u32 asked, const char *spoken)
{
	guest_printk(LOG_WARNING, "%s: version %#x of the interface is not spoken, but %s\n", call,
		     asked, spoken);
	return -XEN_EACCES;
}

static bool busy;

bool control_enter(void)
{
	return !atomic_xchg(&busy, true);
}

void control_leave(void)
{
	store_release(&busy, false);
}
