/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a direct-mapped domain's RAM before it runs; others are loaded by core/launch.c. */
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/frame.h>
#include <serai/string.h>

static u64 __init page_part(paddr_t a, u64 size)
{
	return MIN(size, PAGE_SIZE - (a & (PAGE_SIZE - 1)));
}

void __init memory_write(paddr_t dst, const void *src, u64 size)
{
	const char *from = src;

	for (u64 part; size; size -= part, dst += part, from += part) {
		char *to = frame_map(paddr_to_mfn(dst));

		part = page_part(dst, size);
		memcpy(to + (dst & (PAGE_SIZE - 1)), from, part);
		frame_unmap(to);
	}
}

void __init memory_flush(paddr_t pa, u64 size)
{
	for (u64 part; size; size -= part, pa += part) {
		const char *va = frame_map(paddr_to_mfn(pa));

		part = page_part(pa, size);
		cache_arch_clean_invalidate(va + (pa & (PAGE_SIZE - 1)), part);
		frame_unmap(va);
	}
}
