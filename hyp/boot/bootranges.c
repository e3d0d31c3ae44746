/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that are lists of addresses and sizes, with cells of their own. */
#include "bootdomain.h"
#include <serai/compiler.h>
#include <libfdt.h>

static const char *__init one_count(const struct boot_info *bi, int node, const char *name, u32 *out)
{
	int len;
	const u32 *c = fdt_getprop(bi->fdt, node, name, &len);

	if (!c)
		return NULL;
	if (len != 4 || !dt_cells(c, 1) || dt_cells(c, 1) > 2)
		return "its number of cells is neither 1 nor 2";
	*out = (u32)dt_cells(c, 1);
	return NULL;
}

const char *__init boot_cells(const struct boot_info *bi, int node, const char *addr_name,
			      const char *size_name, struct cells *c)
{
	const char *why = one_count(bi, node, addr_name, &c->addr);

	if (!why)
		why = one_count(bi, node, size_name, &c->size);
	if (!why && (!c->addr || c->addr > 2 || !c->size || c->size > 2))
		why = "#address-cells or #size-cells above it is neither 1 nor 2";
	return why;
}

static const char *__init check_range(u64 start, u64 size, u64 align)
{
	if (!size)
		return "a size is zero";
	if (!IS_ALIGNED(start | size, align))
		return align == PAGE_SIZE ? "an address or size is no multiple of 4 KiB" :
					    "an address or size is no multiple of 64 KiB";
	if (start >= BOOT_ADDR_MAX || size > BOOT_ADDR_MAX - start)
		return "it is beyond all RAM";
	return NULL;
}

const char *__init boot_ranges(const struct boot_info *bi, int node, const char *name,
			       const struct cells *c, u64 align, struct range *out, u32 max, u32 *nr)
{
	u32 entry = c->addr + c->size, n;
	const char *why = NULL;
	int len;
	const u32 *cell = fdt_getprop(bi->fdt, node, name, &len);

	if (!cell || !len || (u32)len % (4 * entry))
		return "it is no list of addresses and sizes";
	n = (u32)len / (4 * entry);
	if (n > max)
		return "it has too many pieces";
	for (u32 i = 0; i < n && !why; i++, cell += entry) {
		u64 start = dt_cells(cell, c->addr), size = dt_cells(cell + c->addr, c->size);

		why = check_range(start, size, align);
		out[i] = (struct range){ start, start + size };
	}
	*nr = why ? 0 : n;
	return why;
}
