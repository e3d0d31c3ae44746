/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/drivers/drivers.c hyp/drivers/pl011.c hyp/drivers/cadence_uart.c
 *	    hyp/drivers/mini_uart.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <serai/arch.h>
#include <serai/console.h>
#include <serai/errno.h>
#include <serai/uart.h>

#define BASE 0xfe215040UL
#define SIZE 0x40UL
#define IRQ  125

/* --- what drivers ask of others --- */

static u32 regs[0x1000 / 4];
static bool no_room;
static struct uart uart;
static unsigned int registered, waited;
/* The device takes a character when somebody has waited for it so often. */
static struct {
	unsigned int after;
	u32 off, value;
} room;

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	assert_int_equal(pa, BASE);
	return no_room ? NULL : regs;
}

void console_set_uart(const struct uart *u)
{
	uart = *u;
	registered++;
}

void host_wait(void)
{
	assert_true(++waited <= room.after);
	if (waited == room.after)
		regs[room.off / 4] = room.value;
}

/* --- the drivers --- */

static const struct uart_driver *driver(const char *compatible)
{
	for (unsigned int i = 0; i < uart_drivers_count; i++)
		if (uart_drivers[i] && !strcmp(uart_drivers[i]->compatible, compatible))
			return uart_drivers[i];
	return NULL;
}

static int start(const char *compatible, size_t size)
{
	assert_non_null(driver(compatible));
	return driver(compatible)->init(BASE, size, IRQ);
}

static int set_up(void **state)
{
	memset(regs, 0, sizeof(regs));
	memset(&uart, 0, sizeof(uart));
	no_room = false;
	registered = waited = 0;
	room.after = 0;
	return 0;
}

static u32 reg(u32 off)
{
	return regs[off / 4];
}

static void refuses(const char *compatible, size_t least)
{
	assert_int_equal(start(compatible, least - 1), -XEN_ENODEV);
	no_room = true;
	assert_int_equal(start(compatible, least), -XEN_ENOMEM);
	no_room = false;
	assert_int_equal(registered, 0);
	assert_int_equal(start(compatible, least), 0);
	assert_int_equal(registered, 1);
	assert_int_equal(uart.base, BASE);
	assert_int_equal(uart.size, least);
	assert_int_equal(uart.irq, IRQ);
	assert_non_null(uart.name);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *compatible;
		size_t least;
	} all[] = {
		{ "arm,pl011", 0x48 }, { "arm,sbsa-uart", 0x48 }, { "cdns,uart-r1p12", 0x34 },
		{ "xlnx,xuartps", 0x34 }, { "brcm,bcm2835-aux-uart", 0x2c },
	};

	assert_int_equal(uart_drivers_count, ARRAY_SIZE(all));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		set_up(NULL);
		refuses(all[i].compatible, all[i].least);
	}
}

/* status: while it stays so there is no room; data: where the character goes. */
static void sends(u32 status_off, u32 full, u32 free, u32 data_off)
{
	regs[status_off / 4] = free;
	uart.putc('a');
	assert_int_equal(waited, 0);
	assert_int_equal(reg(data_off), 'a');
	regs[status_off / 4] = full;
	room.after = 3;
	room.off = status_off;
	room.value = free;
	uart.putc((char)0xe9); /* not sign extended */
	assert_int_equal(waited, 3);
	assert_int_equal(reg(data_off), 0xe9);
}

static void receives(u32 status_off, u32 none, u32 some, u32 data_off)
{
	regs[status_off / 4] = none;
	regs[data_off / 4] = 'x';
	assert_int_equal(uart.getc(), -1);
	regs[status_off / 4] = some;
	assert_int_equal(uart.getc(), 'x');
	regs[data_off / 4] = 0xff;
	assert_int_equal(uart.getc(), 0xff);
}

/* What dom0 finds at the UART's place must let an early console write. */
static void lets_dom0_write(u32 mask, u32 wanted)
{
	assert_int_equal(uart.status & mask, wanted);
}

static void test_pl011(void **state)
{
	regs[0x2c / 4] = 0; /* firmware set nothing */
	assert_int_equal(start("arm,pl011", 0x1000), 0);
	assert_int_equal(reg(0x38), 0);
	assert_int_equal(reg(0x2c), 0x70);
	assert_int_equal(reg(0x30), 0x301);
	sends(0x18, 0x20, 0x90, 0);
	receives(0x18, 0x10, 0, 0);
	uart.irq_enable();
	assert_int_equal(reg(0x38), 0x50);
}

static void test_pl011_format(void **state)
{
	regs[0x2c / 4] = 0x4e; /* 7 bits, even parity, two stop bits: kept */
	assert_int_equal(start("arm,pl011", 0x1000), 0);
	assert_int_equal(reg(0x2c), 0x5e);
}

/* The subset has neither format nor control registers. */
static void test_sbsa(void **state)
{
	regs[0x2c / 4] = regs[0x30 / 4] = 0x1234;
	assert_int_equal(start("arm,sbsa-uart", 0x1000), 0);
	assert_int_equal(reg(0x2c), 0x1234);
	assert_int_equal(reg(0x30), 0x1234);
	sends(0x18, 0x20, 0x90, 0);
	receives(0x18, 0x10, 0, 0);
}

static void test_cadence(void **state)
{
	/* After reset both directions are off and a break is stopped; baud rate and mode are kept. */
	regs[0x00 / 4] = 0x128;
	regs[0x04 / 4] = 0x20;
	regs[0x18 / 4] = 0x28b;
	assert_int_equal(start("cdns,uart-r1p12", 0x1000), 0);
	assert_int_equal(reg(0x00), 0x114);
	assert_int_equal(reg(0x04), 0x20);
	assert_int_equal(reg(0x18), 0x28b);
	assert_int_equal(reg(0x0c), 0x1fff);
	assert_int_equal(reg(0x08), 0);
	sends(0x2c, 0x10, 0x08, 0x30);
	receives(0x2c, 0x02, 0x00, 0x30);
	assert_int_equal(uart.data_off, 0x30);
	assert_int_equal(uart.status_off, 0x2c);
	lets_dom0_write(0x18, 0x08);
}

/* One character raises the interrupt, and looking for one takes back what was raised before. */
static void test_cadence_interrupt(void **state)
{
	assert_int_equal(start("xlnx,xuartps", 0x1000), 0);
	uart.irq_enable();
	assert_int_equal(reg(0x20), 1);
	assert_int_equal(reg(0x08), 1);
	assert_int_equal(reg(0x14), 0x1fff);
	regs[0x14 / 4] = 0;
	regs[0x2c / 4] = 0x02;
	assert_int_equal(uart.getc(), -1);
	assert_int_equal(reg(0x14), 1);
}

static void test_mini(void **state)
{
	regs[0x28 / 4] = 0x21d;
	regs[0x0c / 4] = 0x80; /* the divisor's place */
	assert_int_equal(start("brcm,bcm2835-aux-uart", 0x40), 0);
	assert_int_equal(reg(0x0c), 0x03);
	assert_int_equal(reg(0x20), 0x03);
	assert_int_equal(reg(0x04), 0);
	assert_int_equal(reg(0x28), 0x21d);
	sends(0x14, 0x00, 0x60, 0);
	receives(0x14, 0x60, 0x61, 0);
	uart.irq_enable();
	assert_int_equal(reg(0x04), 1);
	assert_int_equal(uart.data_off, 0);
	assert_int_equal(uart.status_off, 0x14);
	lets_dom0_write(0x61, 0x60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_refusals, set_up),
		cmocka_unit_test_setup(test_pl011, set_up),
		cmocka_unit_test_setup(test_pl011_format, set_up),
		cmocka_unit_test_setup(test_sbsa, set_up),
		cmocka_unit_test_setup(test_cadence, set_up),
		cmocka_unit_test_setup(test_cadence_interrupt, set_up),
		cmocka_unit_test_setup(test_mini, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
