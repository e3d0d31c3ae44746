/* SPDX-License-Identifier: Apache-2.0 */
/* Names of code addresses, from the table that the link embeds (scripts/symbols.py). */
#ifndef SERAI_SYMBOLS_H
#define SERAI_SYMBOLS_H

#include <serai/types.h>

/* Writes "name+0x10/0x40", or the bare number when no function holds addr. */
void symbols_format(char *buf, size_t size, unsigned long addr);

#endif
