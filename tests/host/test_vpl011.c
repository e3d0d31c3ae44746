/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/dev/vpl011.c hyp/dev/host_uart.c hyp/dev/mmio.c */
/* The guests' UART against a model that counts what went in and out, and dom0's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <abi/guest_layout.h>
#include <arch/host.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/mmio.h>
#include <serai/time.h>
#include <serai/vpl011.h>

#define DR   0x00
#define RSR  0x04
#define FR   0x18
#define IMSC 0x38
#define RIS  0x3c
#define MIS  0x40
#define ICR  0x44

#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define FR_RXFF 0x40u
#define FR_TXFE 0x80u
#define INT_RX	0x10u
#define INT_TX	0x20u
#define INT_RT	0x40u

/* What the product promises. */
#define BUDGET 262144u
#define RATE   16384u
#define TYPED  1024u

/* --- what the UART asks of others --- */

static long live, fail_in, timers;
static struct console_guest *console;
static struct timer *timer; /* armed */
static nstime_t timer_deadline;
static char said[1 << 20];
static size_t nr_said;

static bool fails_now(void)
{
	return fail_in && --fail_in == 0;
}

void *mem_alloc(size_t size)
{
	if (fails_now())
		return NULL;
	live++;
	return calloc(1, size);
}

void mem_free(void *p)
{
	live -= !!p;
	free(p);
}

/* A line that is a ring has a test of its own. */
int guest_area_map(struct guest_area *a, struct domain *d, gfn_t g)
{
	return -XEN_EINVAL;
}

void guest_area_release(struct guest_area *a)
{
}

nstime_t time_now(void)
{
	return host.now;
}

int timer_reserve(unsigned int count)
{
	if (fails_now())
		return -XEN_ENOMEM;
	timers += count;
	return 0;
}

void timer_unreserve(unsigned int count)
{
	timers -= count;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu)
{
	t->fn = fn;
	t->arg = arg;
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	timer = t;
	timer_deadline = deadline;
}

void timer_destroy(struct timer *t)
{
	if (timer == t)
		timer = NULL;
}

void console_guest_add(struct console_guest *g)
{
	assert_null(console);
	console = g;
}

void console_guest_remove(struct console_guest *g)
{
	assert_ptr_equal(console, g);
	console = NULL;
}

void console_guest_put(struct console_guest *g, const char *text, size_t n)
{
	assert_ptr_equal(g, console);
	assert_int_equal(this_cpu()->lock_depth, 1);
	assert_true(nr_said + n <= sizeof(said));
	memcpy(said + nr_said, text, n);
	nr_said += n;
}

void console_guest_write(const char *text, size_t n)
{
	memcpy(said + nr_said, text, n);
	nr_said += n;
}

static struct uart uart;
static bool have_uart;

const struct uart *console_uart(void)
{
	return have_uart ? &uart : NULL;
}

/* --- a guest --- */

static struct domain dom;
static struct vcpu vcpu;
/* Not where most guests have it. */
static const struct uart_place place = { 0x9000000, 33 };

static int fresh(void **state)
{
	host_init(1);
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	dom.id = 3;
	vcpu.domain = &dom;
	host_set_current(&vcpu);
	nr_said = 0;
	timer = NULL;
	fail_in = 0;
	have_uart = false;
	return 0;
}

static int guest(void **state)
{
	fresh(state);
	assert_int_equal(vpl011_domain_create(&dom, &place), 0);
	assert_non_null(console);
	assert_int_equal(console->id, 3);
	return 0;
}

static int gone(void **state)
{
	assert_int_equal(vpl011_domain_close(&dom), 0);
	assert_null(console);
	assert_null(timer);
	assert_int_equal(vpl011_domain_destroy(&dom), 0);
	assert_null(dom.vuart);
	mmio_destroy(&dom);
	assert_int_equal(live, 0);
	assert_int_equal(timers, 0);
	return 0;
}

static bool access(bool write, u64 off, u32 size, u64 *val)
{
	bool ok = mmio_handle(&vcpu, place.base + off, size, write, val);

	assert_int_equal(this_cpu()->lock_depth, 0);
	return ok;
}

static u32 rd(u64 off)
{
	u64 val = 0xdeadbeefcafe;

	assert_true(access(false, off, 4, &val));
	return (u32)val;
}

static void wr(u64 off, u32 val)
{
	u64 v = val;

	assert_true(access(true, off, 4, &v));
}

static void typed(const char *text)
{
	for (; *text; text++)
		console->input(console, *text);
}

/* --- one by one --- */

static void test_reset(void **state)
{
	assert_int_equal(rd(FR), FR_RXFE | FR_TXFE);
	for (u64 off = IMSC; off <= MIS; off += 4)
		assert_int_equal(rd(off), 0);
	assert_int_equal(rd(RSR), 0);
	assert_int_equal(rd(DR), 0);
	assert_false(dom.arch.spi_level);
}

/* As real Xen answers: the SBSA subset, in up to 32 bits, only at the registers' own addresses. */
static void test_which_registers(void **state)
{
	static const u64 reads[] = { DR, RSR, FR, IMSC, RIS, MIS };
	static const u64 writes[] = { DR, RSR, FR, IMSC, RIS, MIS, ICR };

	for (u64 off = 0; off < 0x1000; off++) {
		bool readable = false, writable = false;

		for (unsigned int i = 0; i < ARRAY_SIZE(reads); i++)
			readable |= reads[i] == off;
		for (unsigned int i = 0; i < ARRAY_SIZE(writes); i++)
			writable |= writes[i] == off;
		for (u32 size = 1; size <= 8; size *= 2) {
			u64 val = 0;

			if (off % size)
				continue;
			assert_int_equal(access(false, off, size, &val), readable && size <= 4);
			assert_int_equal(access(true, off, size, &val), writable && size <= 4);
		}
	}
	/* What real Xen lets be written, it keeps; the rest is not for writing. */
	wr(IMSC, ~0U);
	assert_int_equal(rd(IMSC), ~0U);
	assert_int_equal(access(true, IMSC, 1, &(u64){ 0 }), true);
	assert_int_equal(rd(IMSC), 0xffffff00);
	assert_int_equal(access(true, IMSC, 2, &(u64){ 0x1234 }), true);
	assert_int_equal(rd(IMSC), 0xffff1234);
	wr(FR, 0);
	wr(RIS, 0xff);
	wr(MIS, 0xff);
	assert_int_equal(rd(FR), FR_RXFE | FR_TXFE);
	assert_int_equal(rd(RIS), INT_TX);
}

static void test_sending(void **state)
{
	static const char text[] = "Hello\r\n";

	wr(IMSC, INT_TX);
	assert_false(dom.arch.spi_level);
	for (const char *p = text; *p; p++)
		wr(DR, (u32)*p | 0xabcdef00);
	assert_int_equal(nr_said, strlen(text));
	assert_memory_equal(said, text, nr_said);
	assert_int_equal(rd(MIS), INT_TX);
	assert_true(dom.arch.spi_level);
	assert_int_equal(dom.arch.last_spi, place.spi);
	wr(ICR, INT_TX);
	assert_false(dom.arch.spi_level);
	wr(DR, '.');
	assert_true(dom.arch.spi_level);
	wr(IMSC, 0);
	assert_false(dom.arch.spi_level);
	wr(IMSC, INT_TX);
	assert_true(dom.arch.spi_level);
}

static void test_receiving(void **state)
{
	wr(IMSC, INT_RX | INT_RT);
	typed("a");
	assert_true(dom.arch.spi_level);
	assert_int_equal(rd(MIS), INT_RT);
	assert_int_equal(rd(FR), FR_TXFE);
	typed("bcdefghijklmno");
	assert_int_equal(rd(RIS), INT_RT);
	typed("p");
	assert_int_equal(rd(RIS), INT_RT | INT_RX);
	typed("0123456789ABCDE");
	assert_int_equal(rd(FR), FR_TXFE);
	typed("F");
	assert_int_equal(rd(FR), FR_TXFE | FR_RXFF);
	assert_int_equal(rd(DR), 'a');
	assert_int_equal(rd(FR), FR_TXFE);
	/* As real hardware: what is cleared stays so until more comes. */
	wr(ICR, INT_RT | INT_RX);
	assert_false(dom.arch.spi_level);
	typed("\xff");
	assert_true(dom.arch.spi_level);
	for (const char *p = "bcdefghijklmnop0123456789ABCDEF"; *p; p++)
		assert_int_equal(rd(DR), *p);
	assert_int_equal(rd(RIS), INT_RT);
	assert_int_equal(rd(DR), 0xff);
	assert_int_equal(rd(RIS), 0);
	assert_int_equal(rd(FR), FR_TXFE | FR_RXFE);
	assert_false(dom.arch.spi_level);
}

/* Behind the FIFO more wait; what does not fit there is lost, and the rest stays in order. */
static void test_overflow(void **state)
{
	for (unsigned int round = 0; round < 3; round++) {
		char c[2] = { 0, 0 };

		for (unsigned int i = 0; i < TYPED + 100; i++) {
			c[0] = (char)(i % 251 + 1);
			typed(c);
		}
		for (unsigned int i = 0; i < TYPED; i++) {
			u32 left = TYPED - i;

			assert_int_equal(rd(FR) & (FR_RXFF | FR_RXFE), left >= 32 ? FR_RXFF : 0);
			assert_int_equal(rd(RIS) & INT_RX, left >= 16 ? INT_RX : 0);
			assert_int_equal(rd(DR), i % 251 + 1);
		}
		assert_int_equal(rd(FR) & FR_RXFE, FR_RXFE);
	}
}

static void send(u32 n)
{
	while (n--)
		wr(DR, 'x');
}

static void test_rate(void **state)
{
	wr(IMSC, INT_TX);
	send(BUDGET - 1);
	assert_int_equal(rd(FR), FR_TXFE | FR_RXFE);
	assert_null(timer);
	send(1);
	assert_int_equal(rd(FR), FR_TXFF | FR_RXFE);
	assert_int_equal(rd(RIS), 0);
	assert_false(dom.arch.spi_level);
	assert_int_equal(nr_said, BUDGET);
	/* Who was interrupted before may be in the middle of half a FIFO; the rest is lost. */
	for (u32 i = 1; i <= 26; i++) {
		send(1);
		assert_int_equal(nr_said, BUDGET + (i < 16 ? i : 16));
		assert_int_equal(rd(FR), FR_TXFF | FR_RXFE);
		assert_int_equal(rd(RIS), 0);
	}
	nr_said = BUDGET;
	assert_non_null(timer);
	assert_int_equal(timer_deadline, NS_PER_S / 8);
	host.now = timer_deadline;
	timer->fn(timer->arg);
	timer = NULL;
	assert_true(dom.arch.spi_level);
	assert_int_equal(rd(FR), FR_TXFE | FR_RXFE);
	send(RATE / 8);
	assert_int_equal(nr_said, BUDGET + RATE / 8);
	assert_int_equal(rd(FR), FR_TXFF | FR_RXFE);
	host.now = timer_deadline;
	timer->fn(timer->arg);
	timer = NULL;
	/* A slow guest never waits, and a long rest gives no more than the budget. */
	for (unsigned int i = 0; i < 100; i++) {
		send(RATE / 8 - 1);
		host.now += NS_PER_S / 8;
		assert_null(timer);
	}
	host.now += 1000 * NS_PER_S;
	nr_said = 0;
	send(BUDGET + RATE);
	assert_in_range(nr_said, BUDGET, BUDGET + RATE / 4);
	assert_non_null(timer);
	/* The ends of lines, which may get a prefix, cost more. */
	host.now += 1000 * NS_PER_S;
	timer->fn(timer->arg);
	timer = NULL;
	nr_said = 0;
	while (!(rd(FR) & FR_TXFF))
		wr(DR, '\n');
	assert_int_equal(nr_said, BUDGET / 8);
}

/* --- against a model --- */

struct model {
	char in[TYPED];
	u32 nr_in;
	u32 ris, imsc;
	size_t sent;
};

static u32 model_read(struct model *m, u64 off)
{
	u32 c;

	switch (off) {
	case DR:
		if (!m->nr_in)
			return 0;
		c = (u8)m->in[0];
		memmove(m->in, m->in + 1, --m->nr_in);
		if (m->nr_in < 16)
			m->ris &= ~INT_RX;
		if (!m->nr_in)
			m->ris &= ~INT_RT;
		return c;
	case FR:
		return FR_TXFE | (m->nr_in ? 0 : FR_RXFE) | (m->nr_in >= 32 ? FR_RXFF : 0);
	case IMSC:
		return m->imsc;
	case RIS:
		return m->ris;
	case MIS:
		return m->ris & m->imsc;
	default:
		return 0;
	}
}

static void model_write(struct model *m, u64 off, u32 val)
{
	if (off == DR) {
		m->sent++;
		m->ris |= INT_TX;
	} else if (off == IMSC) {
		m->imsc = val;
	} else if (off == ICR) {
		m->ris &= ~val;
	}
}

static void model_type(struct model *m, char c)
{
	if (m->nr_in < TYPED)
		m->in[m->nr_in++] = c;
	m->ris |= INT_RT | (m->nr_in >= 16 ? INT_RX : 0);
}

static void test_random(void **state)
{
	static const u64 regs[] = { DR, RSR, FR, IMSC, RIS, MIS, ICR };
	struct model m = { .nr_in = 0 };

	srand(3);
	for (unsigned int i = 0; i < 300000; i++) {
		/* Phases in which more is typed than read, and the other way around. */
		unsigned int dice = (unsigned int)rand() % (i % 20000 < 10000 ? 20 : 8);
		u64 off = regs[(unsigned int)rand() % ARRAY_SIZE(regs)];
		u32 val = (u32)rand() & (rand() % 2 ? 0x70 : ~0U);

		if (dice >= 8) {
			char c[2] = { (char)(rand() % 255 + 1), 0 };

			typed(c);
			model_type(&m, c[0]);
		} else if (dice >= 4 && off != ICR) {
			assert_int_equal(rd(off), model_read(&m, off));
		} else if (dice < 4) {
			wr(off, val);
			model_write(&m, off, val);
		}
		assert_int_equal(nr_said, m.sent);
		assert_int_equal(dom.arch.spi_level, !!(m.ris & m.imsc));
	}
	assert_true(m.sent > 1000);
}

/* --- life --- */

static void test_creation_fails(void **state)
{
	long n = 0;
	int rc;

	do {
		fail_in = ++n;
		rc = vpl011_domain_create(&dom, &place);
		if (rc) {
			assert_int_equal(rc, -XEN_ENOMEM);
			assert_null(dom.vuart);
			assert_null(console);
			assert_int_equal(timers, 0);
			mmio_destroy(&dom);
			assert_int_equal(live, 0);
		}
	} while (rc);
	assert_int_equal(n, 4);
	fail_in = 0;
	gone(state);
	/* There is something in its place. */
	assert_int_equal(mmio_add(&dom, &(struct mmio_region){ .base = place.base + 8, .size = 8 }), 0);
	assert_int_equal(vpl011_domain_create(&dom, &place), -XEN_EEXIST);
	mmio_destroy(&dom);
	assert_int_equal(live, 0);
	/* A domain without one. */
	assert_int_equal(vpl011_domain_close(&dom), 0);
	assert_int_equal(vpl011_domain_destroy(&dom), 0);
}

static void test_goes_while_full(void **state)
{
	send(BUDGET);
	assert_non_null(timer);
}

/* --- dom0's --- */

#define HOST_UART 0x9000000UL

static bool host_access(bool write, u64 off, u32 size, u64 *val)
{
	return mmio_handle(&vcpu, HOST_UART + off, size, write, val);
}

static void test_host_uart(void **state)
{
	u64 val;

	uart = (struct uart){ .base = HOST_UART, .size = 0x1000, .data_off = 0x30,
			      .status_off = 0x2c, .status = 0x8 };
	/* No UART, or not the hardware domain. */
	dom.flags = DOMAIN_HARDWARE;
	assert_int_equal(host_uart_domain_create(&dom, NULL), 0);
	have_uart = true;
	dom.flags = 0;
	assert_int_equal(host_uart_domain_create(&dom, NULL), 0);
	assert_null(dom.arch.mmio);
	dom.flags = DOMAIN_HARDWARE;
	assert_int_equal(host_uart_domain_create(&dom, NULL), 0);
	for (u32 size = 1; size <= 8; size *= 2) {
		for (u64 off = 0; off < 0x1000; off += size) {
			val = 0xfff;
			assert_true(host_access(false, off, size, &val));
			assert_int_equal(val, off == 0x2c ? 8 : 0);
			val = '!';
			assert_true(host_access(true, off, size, &val));
		}
	}
	assert_int_equal(nr_said, 4);
	assert_memory_equal(said, "!!!!", 4);
	assert_false(host_access(false, 0x1000, 4, &val));
	mmio_destroy(&dom);
}

/* Registers that are no multiple of 8 bytes long, as those of a mini UART. */
static void test_host_uart_small(void **state)
{
	u64 val = 0;

	uart = (struct uart){ .base = HOST_UART + 0x40, .size = 0x44 };
	have_uart = true;
	dom.flags = DOMAIN_HARDWARE;
	assert_int_equal(host_uart_domain_create(&dom, NULL), 0);
	assert_true(host_access(false, 0x7c, 4, &val));
	assert_false(host_access(false, 0x3c, 4, &val));
	mmio_destroy(&dom);
	assert_int_equal(live, 0);
}

int main(void)
{
#define GUEST(f) cmocka_unit_test_setup_teardown(f, guest, gone)
	const struct CMUnitTest tests[] = {
		GUEST(test_reset),
		GUEST(test_which_registers),
		GUEST(test_sending),
		GUEST(test_receiving),
		GUEST(test_overflow),
		GUEST(test_rate),
		GUEST(test_random),
		GUEST(test_goes_while_full),
		cmocka_unit_test_setup(test_creation_fails, fresh),
		cmocka_unit_test_setup(test_host_uart, fresh),
		cmocka_unit_test_setup(test_host_uart_small, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
