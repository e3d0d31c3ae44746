/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM of a domain that has its own by the device tree: pieces of host memory, in their order, fill the
 * guest's banks. They are never the heap's, also not after the domain's end.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>

/* One row of frames. */
static int __init map_row(struct domain *d, u64 gpa, u64 pa, u64 size)
{
	struct fixed_ram *f = d->fixed_ram;

	f->piece[f->nr].gfn = gpa >> PAGE_SHIFT;
	f->piece[f->nr].mfn = pa >> PAGE_SHIFT;
	f->piece[f->nr++].nr = size >> PAGE_SHIFT;
	return p2m_map(&d->p2m, gfn(gpa >> PAGE_SHIFT), paddr_to_mfn(pa), size >> PAGE_SHIFT,
		       P2M_RAM_RW);
}

static int __init map_pieces(struct domain *d, const struct range_set *banks,
			     const struct range *piece)
{
	u64 pa = piece->start;
	int rc = 0;

	for (u32 i = 0; i < banks->nr; i++) {
		u64 gpa = banks->r[i].start, n;

		for (; gpa < banks->r[i].end && !rc; gpa += n, pa += n) {
			if (pa == piece->end)
				pa = (++piece)->start;
			n = MIN(banks->r[i].end - gpa, piece->end - pa);
			rc = map_row(d, gpa, pa, n);
		}
	}
	return rc;
}

int __init static_ram_build(struct domain *d, const struct range_set *banks,
			    const struct range *pieces, u32 nr)
{
	int rc;

	/* Each bank and each piece begins a row. */
	d->fixed_ram = mem_alloc(sizeof(*d->fixed_ram) +
				 (nr + banks->nr) * sizeof(d->fixed_ram->piece[0]));
	rc = d->fixed_ram ? map_pieces(d, banks, pieces) : -XEN_ENOMEM;
	if (!rc)
		return 0;
	guest_ram_free(d, banks);
	pr_err("%s: no memory for its page tables (%d)\n", d->name, rc);
	return rc;
}
