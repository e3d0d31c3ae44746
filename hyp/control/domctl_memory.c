/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory a domain may have, and making what tools wrote visible to it. */
#include "domctl.h"

#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/hypercall.h>

#define FLUSH_MAX   (1UL << 18) /* pages in one call */
#define FLUSH_BATCH 8		/* pages between two looks for work */
#define KB_PER_PAGE (PAGE_SIZE / 1024)

/* Less than there is: nothing more is given, until the domain has given back enough. */
long domctl_max_mem(struct domain *d, struct abi_domctl *op)
{
	lock_take(&d->frames.lock);
	d->frames.max = (u32)MIN(op->u.max_mem.max_memkb / KB_PER_PAGE, (u64)~0U);
	lock_drop(&d->frames.lock);
	return 0;
}

long domctl_get_paging_mempool_size(struct domain *d, struct abi_domctl *op)
{
	op->u.paging_mempool.size = (u64)READ_ONCE(d->p2m.pool) << PAGE_SHIFT;
	return 0;
}

long domctl_set_paging_mempool_size(struct domain *d, struct abi_domctl *op)
{
	u64 size = op->u.paging_mempool.size;

	return IS_ALIGNED(size, PAGE_SIZE) ? p2m_set_pool(&d->p2m, size >> PAGE_SHIFT) : -XEN_EINVAL;
}

static void page_flush(struct domain *d, u64 g)
{
	struct frame *f = p2m_get_frame(&d->p2m, gfn(g), false, NULL);
	const void *va;

	if (!f)
		return;
	va = frame_map(frame_to_mfn(f));
	cache_arch_clean_invalidate(va, PAGE_SIZE);
	frame_unmap(va);
	frame_put(f);
}

/* The guest may start with its caches off. The range shrinks with the progress. */
long domctl_cacheflush(struct domain *d, struct abi_domctl *op)
{
	struct abi_domctl_cacheflush *c = &op->u.cacheflush;

	if (c->nr_pfns > FLUSH_MAX || c->start_pfn + c->nr_pfns < c->start_pfn)
		return -XEN_EINVAL;
	for (u64 n = 0; c->nr_pfns; n++) {
		if (n && n % FLUSH_BATCH == 0 && hypercall_preempted())
			return -XEN_ERESTART;
		page_flush(d, c->start_pfn);
		c->start_pfn++;
		c->nr_pfns--;
	}
	return 0;
}
