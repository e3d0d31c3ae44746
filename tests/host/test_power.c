/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/drivers/drivers.c hyp/drivers/bcm2835_pm.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <serai/arch.h>
#include <serai/errno.h>
#include <serai/power.h>

#define BASE 0xfe100000UL
#define SIZE 0x114UL

static u32 regs[SIZE / 4];
static bool no_room;
static jmp_buf waited;

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	assert_int_equal(pa, BASE);
	return no_room ? NULL : regs;
}

/* The driver waits for its own end. */
void host_wait(void)
{
	longjmp(waited, 1);
}

static const struct power_driver *pm(void)
{
	assert_int_equal(power_drivers_count, 1);
	assert_string_equal(power_drivers[0]->compatible, "brcm,bcm2835-pm-wdt");
	return power_drivers[0];
}

static void end_by(void (*end)(void))
{
	regs[0x1c / 4] = 0x102;
	regs[0x20 / 4] = 0x1222; /* what the last start was like, and partition bits in between */
	assert_int_equal(pm()->init(BASE, SIZE), 0);
	if (!setjmp(waited)) {
		end();
		fail_msg("it came back");
	}
	/* A short time, then a full reset. */
	assert_int_equal(regs[0x24 / 4], 0x5a00000a);
	assert_int_equal(regs[0x1c / 4], 0x5a000122);
}

static void test_restart(void **state)
{
	end_by(pm()->restart);
	assert_int_equal(regs[0x20 / 4], 0x5a001222);
}

static void test_off(void **state)
{
	end_by(pm()->off);
	assert_int_equal(regs[0x20 / 4], 0x5a001777);
}

static void test_refusals(void **state)
{
	assert_int_equal(pm()->init(BASE, 0x27), -XEN_ENODEV);
	no_room = true;
	assert_int_equal(pm()->init(BASE, 0x28), -XEN_ENOMEM);
	no_room = false;
	assert_int_equal(pm()->init(BASE, 0x28), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
