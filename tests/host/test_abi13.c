/* SPDX-License-Identifier: Apache-2.0 */
/* sources: tests/host/abi_ours.c */
/*
 * Our ABI headers against those of Debian 13's Xen (4.20): everything is where it was in 4.17 but
 * what is listed here, and what is new is where our tables of newer versions have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "abi_xens.h" /* last: it changes what the machine is taken for */

#if !defined(XEN_HEADERS) || XEN_DOMCTL_INTERFACE_VERSION != 0x17
#error "these are not the headers of Xen 4.20"
#endif

/* Lines of the list that are of 4.17 alone. */
static const char *const changed[] = {
	"XEN_DOMCTL_INTERFACE_VERSION", "sizeof abi_createdomain",
	"abi_createdomain.vmtrace_size", "abi_createdomain.cpupool_id",
	"abi_createdomain.arch",	 "abi_domctl.u.createdomain",
};

static bool may_differ(const char *name)
{
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (!strcmp(changed[i], name))
			return true;
	return false;
}

static void same_but_what_changed(void **state)
{
	unsigned int wrong = 0;

	assert_int_equal(abi_ours_count, sizeof(xens) / sizeof(xens[0]));
	for (size_t i = 0; i < abi_ours_count; i++) {
		const struct abi_line *o = &abi_ours[i], *x = &xens[i];
		bool same = o->value == x->value && o->size == x->size;

		if (same != may_differ(o->name))
			continue;
		print_error("%s: ours %#lx size %zu, 4.20's %#lx size %zu\n", o->name, o->value,
			    o->size, x->value, x->size);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static long ours(const char *name)
{
	for (size_t i = 0; i < abi_ours_count; i++)
		if (!strcmp(abi_ours[i].name, name))
			return abi_ours[i].value;
	fail_msg("%s is not in the list", name);
	return 0;
}

/* What hyp/control/domctl_newer.c relies on. */
static void createdomain(void **state)
{
	typedef struct xen_domctl_createdomain newer;

	assert_int_equal(offsetof(newer, altp2m_opts), ours("abi_createdomain.vmtrace_size"));
	assert_int_equal(sizeof(((newer *)0)->altp2m_opts), 4);
	assert_int_equal(offsetof(newer, vmtrace_size),
			 ours("abi_createdomain.vmtrace_size") + 4);
	assert_int_equal(offsetof(newer, cpupool_id), ours("abi_createdomain.cpupool_id") + 4);
	assert_int_equal(offsetof(newer, arch), ours("abi_createdomain.arch") + 4);
	assert_int_equal(sizeof(newer), ours("sizeof abi_createdomain") + 4);
	assert_int_equal(offsetof(newer, arch.sve_vl) - offsetof(newer, arch), 1);
}

static void new_numbers(void **state)
{
	assert_int_equal(XEN_DOMCTL_dt_overlay, 87);
	assert_int_equal(XEN_DOMCTL_set_llc_colors, 89);
	assert_int_equal(offsetof(struct xen_domctl_set_llc_colors, pad), 4);
	assert_int_equal(sizeof(struct xen_domctl_set_llc_colors), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(same_but_what_changed),
					    cmocka_unit_test(createdomain), cmocka_unit_test(new_numbers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
