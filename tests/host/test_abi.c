/* SPDX-License-Identifier: Apache-2.0 */
/* sources: tests/host/abi_ours.c */
/*
 * Our ABI headers against Xen's public ones (libxen-dev) as a 64-bit Arm guest sees them. Both kinds
 * of headers cannot be in one file: each expands the same list.
 */
#include "abi_list_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Layouts of LP64 with natural alignment: the same on the machine that runs this test. */
#undef __x86_64__
#undef __i386__
#ifndef __aarch64__
#define __aarch64__ 1
#endif
#define __XEN_TOOLS__		  1
#define __XEN_INTERFACE_VERSION__ 0x00041100

#if __has_include(<xen/xen.h>)

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define S(o, x)	      { "sizeof " #o, sizeof(x), 0 },
#define F(o, f, x, g) { #o "." #f, offsetof(x, g), sizeof(((x *)0)->g) },
#define N(o, f, x)    F(o, f, x, f)
#define V(name)	      { #name, (long)(name), 0 },
#define W(o, x)	      { #o, (long)(x), 0 },

static const struct abi_line xens[] = {
#include "abi_list.h"
};

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
