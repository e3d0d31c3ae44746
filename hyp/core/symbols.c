/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of code addresses. The table is made from the linked image: ascending offsets from _start,
 * the place of each name in one long text. In a first link it is empty. The last symbol has no
 * successor and ends with the start-up code.
 */
#include <serai/printk.h>
#include <serai/symbols.h>

extern const u32 symbols_count;
extern const u32 symbols_addr[];     /* offsets from _start */
extern const u32 symbols_name_off[]; /* offsets into symbols_names */
extern const char symbols_names[];
extern const char _start[], __init_text_end[];

const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	unsigned long rel = addr - (unsigned long)_start;
	unsigned long end = (unsigned long)__init_text_end - (unsigned long)_start;
	u32 low = 0, high = symbols_count;

	if (addr < (unsigned long)_start || rel >= end)
		return NULL;
	/* symbols_addr[low] <= rel < symbols_addr[high], when low is not refuted at the end. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (symbols_addr[middle] <= rel)
			low = middle;
		else
			high = middle;
	}
	if (symbols_count == 0 || symbols_addr[low] > rel)
		return NULL;
	*offset = rel - symbols_addr[low];
	*size = (high < symbols_count ? symbols_addr[high] : end) - symbols_addr[low];
	return symbols_names + symbols_name_off[low];
}

void symbols_format(char *buf, size_t size, unsigned long addr)
{
	unsigned long offset, length;
	const char *name = symbols_lookup(addr, &offset, &length);

	if (name)
		snprintf(buf, size, "%s+%#lx/%#lx", name, offset, length);
	else
		snprintf(buf, size, "%#lx", addr);
}
