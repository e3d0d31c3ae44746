/* SPDX-License-Identifier: Apache-2.0 */
/* sources: tests/host/abi_ours.c */
/*
 * Our ABI headers against Xen's public ones (libxen-dev) as a 64-bit Arm guest sees them. Both kinds
 * of headers cannot be in one file: each expands the same list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "abi_xens.h" /* last: it changes what the machine is taken for */

#ifdef XEN_HEADERS

static void same_as_xen(void **state)
{
	unsigned int different = 0;

	assert_int_equal(abi_ours_count, sizeof(xens) / sizeof(xens[0]));
	for (size_t i = 0; i < abi_ours_count; i++) {
		const struct abi_line *o = &abi_ours[i], *x = &xens[i];

		if (o->value == x->value && o->size == x->size)
			continue;
		print_error("%s: ours %#lx size %zu, Xen's %#lx size %zu\n", o->name, o->value,
			    o->size, x->value, x->size);
		different++;
	}
	assert_int_equal(different, 0);
}

#else

static void same_as_xen(void **state)
{
	print_message("libxen-dev is not installed: nothing to compare with\n");
	skip();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(same_as_xen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
