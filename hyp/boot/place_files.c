/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a domain's kernel is one, and has its place in the domain's memory: the last decisions
 * before something is made. They need what is in memory.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/printk.h>

/* Where a file is, as the layout sees it. */
static struct range __init source(const struct domain_spec *spec, paddr_t at, u64 size)
{
	u64 start = spec->flags & DOMAIN_HARDWARE ? at : ELSEWHERE;

	return (struct range){ start, start + size };
}

static void __init refuse_place(const struct domain_spec *spec, const struct kernel_image *k)
{
	if (k->fixed && !range_set_find(spec->banks, k->base, k->base + k->size))
		pr_err("%s: its kernel is linked for %#lx-%#lx, where it has no memory; link it for "
		       "%#lx, or give it more\n",
		       spec->name, k->base, k->base + k->size - 1, spec->banks->r[0].start);
	else
		pr_err("%s: kernel (%lu KiB in memory) and ramdisk (%lu KiB) do not fit into its "
		       "memory; give it more\n",
		       spec->name, k->size >> 10, spec->ramdisk ? spec->ramdisk->size >> 10 : 0);
}

int __init builder_place(const struct boot_info *bi, const struct domain_spec *spec,
			 struct kernel_image *image, struct layout *layout)
{
	const struct boot_module *k = spec->kernel, *r = spec->ramdisk;
	int rc = kernel_probe(bi, k, image);

	if (rc)
		return rc;
	*layout = (struct layout){
		.banks = spec->banks,
		.kernel_source = source(spec, k->image, k->image_size),
	};
	if (r)
		layout->ramdisk_source = source(spec, r->start, r->size);
	rc = layout_place_modules(layout, image);
	if (rc)
		refuse_place(spec, image);
	return rc;
}
