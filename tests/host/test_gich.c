/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/lib/string.c */
/* List registers of a GICv2 as arch/gich.h shows them, in the form of a GICv3, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../hyp/arch/arm64/include/arch/gich.h"
#include <arch/host.h>

static char frame[GICH_SIZE];
char *gich_base = frame;
u8 gicv2_acked_on[IRQS_MAX];

static u32 *reg(size_t off)
{
	return (u32 *)(void *)(frame + off);
}

static void test_lr(void **state)
{
	static const struct {
		u64 wide;
		u32 narrow;
	} pairs[] = {
		{ 0, 0 },
		{ LR_PENDING | 0xa0UL << LR_PRIO_SHIFT | 1023, 0x1a0003ff },
		{ LR_ACTIVE | LR_EOI | 0xf8UL << LR_PRIO_SHIFT | 32, 0x2f880020 },
		{ LR_HW | LR_PENDING | LR_ACTIVE | 1019UL << LR_PHYS_SHIFT | 27, 0xb00fec1b },
		{ LR_PENDING | 5UL << LR_SOURCE_SHIFT | 3, 0x10001403 },
		{ LR_GROUP1 | LR_PENDING | 16, 0x50000010 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
		ich_write_lr(3, pairs[i].wide);
		assert_int_equal(*reg(GICH_LR + 12), pairs[i].narrow);
		assert_int_equal(ich_read_lr(3), pairs[i].wide);
	}
	/* Three bits of the priority are not there. */
	assert_int_equal(gich_lr_widen(gich_lr_narrow(0xa7UL << LR_PRIO_SHIFT)), 0xa0UL << LR_PRIO_SHIFT);
}

/* One that ended and waits to be noticed is not empty, whatever the hardware thinks. */
static void test_empty(void **state)
{
	*reg(GICH_ELRSR) = 0xf;
	*reg(GICH_EISR) = 0x4;
	assert_int_equal(ich_read_elrsr(), 0xb);
}

static void test_link(void **state)
{
	host_init(2);
	host_set_cpu(1);
	gicv2_acked_on[40] = 1;
	gicv2_acked_on[41] = 0;
	assert_true(ich_may_link(27));
	assert_true(ich_may_link(40));
	assert_false(ich_may_link(41));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lr), cmocka_unit_test(test_empty),
					    cmocka_unit_test(test_link) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
