/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of code addresses. The table is made from the linked image: the distance from each symbol
 * to the next, beginning with _start, and the names in the same order, one behind the other. In a
 * first link it is empty. The last symbol has no successor and ends with the start-up code.
 */
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/symbols.h>

extern const u32 symbols_count;
extern const u16 symbols_words[]; /* of 4 bytes; one fewer than symbols */
extern const char symbols_names[];
extern const char _start[], __init_text_end[];

/* The function that holds addr: its name, addr's offset in it and its size. NULL: none does. */
static const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	const char *name = symbols_names;

	if (addr < (unsigned long)_start || addr >= (unsigned long)__init_text_end ||
	    symbols_count == 0)
		return NULL;
	*offset = addr - (unsigned long)_start;
	*size = (unsigned long)__init_text_end - (unsigned long)_start;
	for (u32 i = 0; i < symbols_count - 1; i++) {
		unsigned long length = 4UL * symbols_words[i];

		if (*offset < length) {
			*size = length;
			break;
		}
		*offset -= length;
		*size -= length;
		name += strlen(name) + 1;
	}
	return name;
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
