/* SPDX-License-Identifier: Apache-2.0 */
/* What the builder calls for guests only, for tests of dom0 alone. */
#ifndef TESTS_NO_GUESTS_H
#define TESTS_NO_GUESTS_H

#include <serai/builder.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/sched.h>

int frame_set_aside(paddr_t start, paddr_t end)
{
	return 0;
}

int shm_connect(const struct boot_info *b, struct built *built)
{
	return 0;
}

struct cpupool *pools_find(int index)
{
	static struct cpupool pool = { .cpus = { { 3 } } };

	return &pool;
}

int channels_connect(const struct boot_info *b, struct built *built)
{
	return 0;
}

u64 shm_owned(const struct boot_info *b, int domain)
{
	return 0;
}

int static_ram_build(struct domain *d, const struct range_set *banks, const struct range *pieces,
		     u32 nr)
{
	return -XEN_ENOMEM;
}

#endif
