/* SPDX-License-Identifier: Apache-2.0 */
/* Names of code addresses, from the table that the link embeds (scripts/symbols.py). */
#ifndef SERAI_SYMBOLS_H
#define SERAI_SYMBOLS_H

#include <serai/types.h>

/* The function that holds addr: its name, addr's offset in it and its size. NULL: none does. */
const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *size);

/* Writes "name+0x10/0x40", or the bare number when no function holds addr. */
void symbols_format(char *buf, size_t size, unsigned long addr);

#endif
