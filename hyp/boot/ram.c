/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM of a domain that is not direct mapped: frames of the heap, in the largest blocks that there
 * are, so that stage 2 gets blocks too. They are cleared when the domain is launched. Also for
 * domains that are restarted, so most of it stays after start-up.
 */
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>

/* The largest block that fits at g and into nr. */
static unsigned int block_order(u64 g, u64 nr)
{
	unsigned int order = 63 - (unsigned int)__builtin_clzll(nr);

	order = MIN(order, (unsigned int)__builtin_ctzll(g));
	return MIN(order, (unsigned int)FRAME_ORDER_MAX);
}

static int add_block(struct domain *d, gfn_t g, unsigned int order)
{
	struct frame *f = frame_alloc(order, FRAME_NO_SCRUB);
	int rc;

	if (!f)
		return -XEN_ENOMEM;
	rc = p2m_map(&d->p2m, g, frame_to_mfn(f), 1UL << order, P2M_RAM_RW);
	if (rc) {
		/* Nothing is promised of the entries now. */
		p2m_unmap(&d->p2m, g, 1UL << order);
		frame_free(f, order);
	}
	return rc;
}

static int fill_bank(struct domain *d, const struct range *bank)
{
	u64 g = bank->start >> PAGE_SHIFT, nr = range_size(bank) >> PAGE_SHIFT;
	unsigned int most = FRAME_ORDER_MAX;

	while (nr) {
		unsigned int order = MIN(block_order(g, nr), most);
		int rc = add_block(d, gfn(g), order);

		if (rc == -XEN_ENOMEM && order) {
			most = order - 1;
			continue;
		}
		if (rc)
			return rc;
		g += 1UL << order;
		nr -= 1UL << order;
	}
	return 0;
}

static void free_bank(struct domain *d, const struct range *bank)
{
	u64 g = bank->start >> PAGE_SHIFT, end = bank->end >> PAGE_SHIFT, left;
	u32 type;

	for (; g < end; g += left) {
		u64 m = p2m_arch_get(&d->p2m, g, &type, &left);

		left = MIN(left, end - g);
		if (type == P2M_RAM_RW)
			frame_free_range(mfn_to_frame(mfn(m)), left);
	}
	p2m_unmap(&d->p2m, gfn(bank->start >> PAGE_SHIFT), range_size(bank) >> PAGE_SHIFT);
}

void guest_ram_free(struct domain *d, const struct range_set *banks)
{
	for (u32 i = 0; i < banks->nr; i++)
		free_bank(d, &banks->r[i]);
}

int guest_ram_build(struct domain *d, const struct range_set *banks)
{
	struct frame_stats s;
	u64 size = range_set_total(banks);
	int rc = 0;

	frame_stats(&s);
	if (size >> PAGE_SHIFT > s.free)
		rc = -XEN_ENOMEM;
	for (u32 i = 0; i < banks->nr && !rc; i++)
		rc = fill_bank(d, &banks->r[i]);
	if (!rc)
		return 0;
	guest_ram_free(d, banks);
	pr_err("%s: memory = <%#x %#x>: %lu MiB do not fit, %lu MiB are free; write a smaller "
	       "memory (KiB), for it or for others\n",
	       d->name, (u32)(size >> 42), (u32)(size >> 10), size >> 20, s.free >> 8);
	return rc;
}
