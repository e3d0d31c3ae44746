/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/domctl_newer.c */
/* Newer versions' createdomain becomes 0x15's and back; test_abi13.c knows where its fields are. */
#include "../../hyp/control/domctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <serai/errno.h>

static struct abi_createdomain seen;
static unsigned int calls;
static long answer;

long domctl_createdomain(struct domain *none, struct abi_domctl *op)
{
	seen = op->u.createdomain;
	calls++;
	op->u.createdomain.arch.gic_version = XEN_DOMCTL_CONFIG_GIC_V3;
	op->u.createdomain.arch.clock_frequency = 62500000;
	return answer;
}

/* As tools of version 0x17 fill it. */
struct newer {
	u8 before[offsetof(struct abi_createdomain, vmtrace_size)];
	u32 altp2m_opts, vmtrace_size, cpupool_id;
	struct abi_arch_domainconfig arch;
};

static struct newer *fill(struct abi_domctl *op)
{
	struct newer *n = (struct newer *)&op->u;

	memset(op, 0, sizeof(*op));
	memset(&op->u, 0xee, sizeof(op->u));
	for (unsigned int i = 0; i < sizeof(n->before); i++)
		n->before[i] = (u8)(i + 1);
	n->altp2m_opts = 0;
	n->vmtrace_size = 0x11111111;
	n->cpupool_id = 0x22222222;
	n->arch = (struct abi_arch_domainconfig){ .tee_type = 1, .nr_spis = 64 };
	calls = 0;
	return n;
}

static void moved(void **state)
{
	struct abi_domctl op;
	struct newer *n = fill(&op);

	answer = 0;
	assert_int_equal(sizeof(*n), CREATEDOMAIN_17_SIZE);
	assert_int_equal(domctl_createdomain_17(NULL, &op), 0);
	assert_int_equal(seen.ssidref, 0x04030201);
	assert_int_equal(seen.vmtrace_size, 0x11111111);
	assert_int_equal(seen.cpupool_id, 0x22222222);
	assert_int_equal(seen.arch.tee_type, 1);
	assert_int_equal(seen.arch.nr_spis, 64);
	assert_int_equal(n->before[47], 48);
	assert_int_equal(n->altp2m_opts, 0);
	assert_int_equal(n->vmtrace_size, 0x11111111);
	assert_int_equal(n->arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
	assert_int_equal(n->arch.nr_spis, 64);
	assert_int_equal(n->arch.clock_frequency, 62500000);
	assert_int_equal(op.u.pad[sizeof(op.u.pad) / 8 - 1], 0xeeeeeeeeeeeeeeee);
	answer = -XEN_EEXIST;
	assert_int_equal(domctl_createdomain_17(NULL, &op), -XEN_EEXIST);
}

static void refused(void **state)
{
	struct abi_domctl op;
	struct newer *n = fill(&op);

	n->altp2m_opts = 1;
	assert_int_equal(domctl_createdomain_17(NULL, &op), -XEN_EINVAL);
	n->altp2m_opts = 0;
	n->arch.sve_vl = 2;
	assert_int_equal(domctl_createdomain_17(NULL, &op), -XEN_EINVAL);
	op.u.createdomain.arch.sve_vl = 2;
	assert_int_equal(domctl_createdomain_16(NULL, &op), -XEN_EINVAL);
	assert_int_equal(calls, 0);
	op.u.createdomain.arch.sve_vl = 0;
	answer = 0;
	assert_int_equal(domctl_createdomain_16(NULL, &op), 0);
	assert_int_equal(calls, 1);
}

/* These errors xl understands; others end the making of a guest. */
static void not_here(void **state)
{
	struct abi_domctl op = { .u.set_llc_colors = { 0, 0, 0 } };

	assert_int_equal(domctl_set_llc_colors(NULL, &op), -XEN_EOPNOTSUPP);
	assert_int_equal(domctl_dt_overlay(NULL, &op), -XEN_EOPNOTSUPP);
	op.u.set_llc_colors.pad = 1;
	assert_int_equal(domctl_set_llc_colors(NULL, &op), -XEN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(moved), cmocka_unit_test(refused),
					    cmocka_unit_test(not_here) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
