/* SPDX-License-Identifier: Apache-2.0 */
/* One expanded line of abi_list.h. */
#ifndef TESTS_ABI_LIST_TYPES_H
#define TESTS_ABI_LIST_TYPES_H

#include <stddef.h>

struct abi_line {
	const char *name;
	long value; /* a number, a size or an offset */
	size_t size;
};

extern const struct abi_line abi_ours[];
extern const size_t abi_ours_count;

#endif
