/* SPDX-License-Identifier: Apache-2.0 */
/* sources: */
/* The table of trapped registers: order, and that the search finds all of it and nothing else. */
#include "../../hyp/arch/arm64/virt/sysreg_table.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_ascending(void **state)
{
	for (unsigned int i = 1; i < ARRAY_SIZE(sysreg_table); i++)
		assert_true(sysreg_table[i - 1].enc < sysreg_table[i].enc);
}

/* No entry may hide behind the rule for breakpoint registers, or that for ID registers. */
static void test_apart_from_ranges(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sysreg_table); i++) {
		u32 enc = sysreg_table[i].enc;

		assert_int_equal(sysreg_find(enc), sysreg_table[i].kind);
		assert_true(SYS_ENC_OP0(enc) != 2 || SYS_ENC_CRN(enc) != 0 ||
			    SYS_ENC_OP1(enc) != 0 || SYS_ENC_OP2(enc) < 4);
		assert_true(SYS_ENC_OP0(enc) != 3 || SYS_ENC_CRN(enc) != 0);
	}
}

/* Every encoding there is: found as often as the table and the breakpoint rule say. */
static void test_all_encodings(void **state)
{
	unsigned int known = 0, breakpoints = 0;

	for (u32 n = 0; n < 1U << 16; n++) {
		u32 enc = SYS_ENC(n >> 14, (n >> 11) & 7, (n >> 7) & 15, (n >> 3) & 15, n & 7);

		if (sysreg_find(enc) == SYSREG_UNDEF)
			continue;
		known++;
		if (SYS_ENC_OP0(enc) == 2 && SYS_ENC_CRN(enc) == 0 && SYS_ENC_OP1(enc) == 0 &&
		    SYS_ENC_OP2(enc) >= 4)
			breakpoints++;
	}
	assert_int_equal(breakpoints, 64);
	assert_int_equal(known, breakpoints + ARRAY_SIZE(sysreg_table));
}

static void test_some_by_name(void **state)
{
	assert_int_equal(sysreg_find(SYS_ENC(3, 0, 12, 11, 5)), SYSREG_SGI1R);
	assert_int_equal(sysreg_find(SYS_ENC(3, 0, 12, 11, 7)), SYSREG_UNDEF); /* ICC_SGI0R_EL1 */
	assert_int_equal(sysreg_find(SYS_ENC(3, 3, 14, 2, 0)), SYSREG_PTIMER_TVAL);
	assert_int_equal(sysreg_find(SYS_ENC(3, 3, 14, 2, 1)), SYSREG_PTIMER_CTL);
	assert_int_equal(sysreg_find(SYS_ENC(3, 3, 14, 2, 2)), SYSREG_PTIMER_CVAL);
	assert_int_equal(sysreg_find(SYS_ENC(1, 0, 7, 6, 2)), SYSREG_DC_CISW);
	assert_int_equal(sysreg_find(SYS_ENC(1, 0, 7, 10, 2)), SYSREG_DC_CSW);
	assert_int_equal(sysreg_find(SYS_ENC(2, 0, 0, 15, 7)), SYSREG_ZERO); /* DBGWCR15_EL1 */
	assert_int_equal(sysreg_find(SYS_ENC(2, 0, 1, 1, 4)), SYSREG_OSLSR);
	assert_int_equal(sysreg_find(SYS_ENC(3, 3, 14, 15, 7)), SYSREG_UNDEF); /* PMCCFILTR_EL0 */
}

/* What ESR_EL2 holds for MRS X5, PMCR_EL0. */
static void test_esr_fields(void **state)
{
	const u64 esr = 0x6230e4b9UL; /* EC 0x18, IL, op0 3, op1 3, CRn 9, CRm 12, op2 0 */

	assert_int_equal(ESR_EC(0x62000000UL), EC_SYSREG);
	assert_int_equal(SYS_ENC_OP0(esr), 3);
	assert_int_equal(ISS_SYS_RT(esr), 5);
	assert_int_equal(esr & ISS_SYS_READ, ISS_SYS_READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascending),     cmocka_unit_test(test_apart_from_ranges),
		cmocka_unit_test(test_all_encodings), cmocka_unit_test(test_some_by_name),
		cmocka_unit_test(test_esr_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
