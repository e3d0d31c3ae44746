/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/console.c hyp/core/console_guest.c hyp/core/guest_line.c hyp/core/printk.c
 *	    hyp/core/keyhandler.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/host.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/guest_line.h>
#include <serai/irq.h>
#include <serai/printk.h>
#include <serai/time.h>

/* --- what the console asks of others --- */

struct options options;
static bool no_memory;
static void (*irq_handler)(u32 irq, void *arg);

void *heap_alloc(unsigned int order, u32 flags)
{
	return no_memory ? NULL : calloc(1, PAGE_SIZE << order);
}

nstime_t time_now(void)
{
	return host.now;
}

/* test_console_again.c has the timer's part. */
void timer_arm(struct timer *t, nstime_t deadline)
{
	fail_msg("no timer is wanted");
}

void timer_interrupt_by(nstime_t t)
{
}

int irq_request(u32 irq, enum irq_type type, void (*handler)(u32 irq, void *arg), void *arg,
		const char *name)
{
	assert_int_equal(irq, 33);
	irq_handler = handler;
	return 0;
}

/* --- a UART of memory --- */

static char out[65536];
static size_t out_len;
static const char *typed = "";
static unsigned int irqs_enabled, told;

static void fake_putc(char c)
{
	if (out_len < sizeof(out) - 1)
		out[out_len++] = c;
	out[out_len] = 0;
}

static int fake_getc(void)
{
	return *typed ? *typed++ : -1;
}

static void fake_irq_enable(void)
{
	irqs_enabled++;
}

static const struct uart fake_uart = {
	.name = "fake", .putc = fake_putc, .getc = fake_getc, .irq_enable = fake_irq_enable,
	.irq = 33, .base = 0x9000000, .size = 0x1000,
};

static void input_arrived(void)
{
	told++;
}

static void out_clear(void)
{
	out_len = 0;
	out[0] = 0;
}

static void type(const char *text)
{
	typed = text;
	irq_handler(33, NULL);
}

static struct domain dom0 = { .id = 0, .flags = DOMAIN_HARDWARE }, dom1 = { .id = 1 },
		     dom2 = { .id = 2 };
static struct vcpu vcpus[3] = { { .domain = &dom0 }, { .domain = &dom1 }, { .domain = &dom2 } };

static void become(unsigned int d)
{
	host_set_current(&vcpus[d]);
}

/* Buckets and lines are fresh again: half an hour passes. */
static int fresh(void **state)
{
	host.now += 1800 * NS_PER_S;
	out_clear();
	console_ring_clear(console_ring_start());
	become(0);
	return 0;
}

/* --- tests, in the order of a start: what comes first needs a console without a UART --- */

static void test_early(void **state)
{
	pr_info("first\n");
	pr_debug("hidden\n");
	pr_err("two\nlines");
	assert_null(console_uart());
	assert_string_equal(out, "");
	console_set_dt_path("/pl011@9000000");
	console_set_uart(&fake_uart);
	assert_string_equal(out, "(Serai) first\r\n(Serai) two\r\n(Serai) lines\r\n");
	assert_string_equal(console_uart()->dt_path, "/pl011@9000000");
	pr_info("now\n");
	assert_non_null(strstr(out, "lines\r\n(Serai) now\r\n"));
}

static void test_start_input(void **state)
{
	console_input_hook = input_arrived;
	console_start_input();
	assert_int_equal(irqs_enabled, 1);
	assert_non_null(irq_handler);
	/* Nobody is there yet but the debug keys. */
	assert_string_equal(out, "");
	type("q");
	assert_non_null(strstr(out, "no debug key 'q'"));
	out_clear();
	assert_int_equal(console_domain_create(&dom1, NULL), 0);
	assert_string_equal(out, "");
	assert_int_equal(console_domain_create(&dom0, NULL), 0);
	assert_string_equal(out, "(Serai) *** Serial input to DOM0 (Ctrl-A three times to switch)\r\n");
	assert_true(console_has_screen(0));
}

static void test_levels(void **state)
{
	char buf[256];
	u32 index;
	size_t n;

	strcpy(options.loglvl, "warning");
	console_init();
	index = 0;
	while (console_ring_read(buf, sizeof(buf), &index))
		;
	pr_info("quiet\n");
	pr_warn("loud\n");
	assert_string_equal(out, "(Serai) loud\r\n");
	n = console_ring_read(buf, sizeof(buf), &index);
	buf[n] = 0;
	assert_string_equal(buf, "(Serai) quiet\n(Serai) loud\n");
	out_clear();
	strcpy(options.loglvl, "none/all");
	console_init();
	pr_debug("all\n");
	assert_string_equal(out, "(Serai) all\r\n");
	out_clear();
	strcpy(options.loglvl, "lots");
	console_init();
	assert_non_null(strstr(out, "loglvl=lots: not a level"));
	strcpy(options.loglvl, "info");
	strcpy(options.guest_loglvl, "all");
	console_init();
}

static void test_long_message(void **state)
{
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	pr_info("%s", text);
	assert_int_equal(out_len, strlen("(Serai) ") + 511 + 2);
	assert_string_equal(out + out_len - 7, "xx...\r\n");
}

/* Takes all that is in the ring and compares it with the last bytes of what was written. */
static void check_ring(const char *written, size_t len, size_t kept)
{
	static char got[65536];
	u32 index = console_ring_start();
	size_t n = 0, part;

	while ((part = console_ring_read(got + n, 1 + (size_t)rand() % 500, &index)))
		n += part;
	assert_int_equal(n, kept);
	assert_memory_equal(got, written + len - kept, kept);
}

static size_t say_lines(char *written, size_t len, unsigned int lines)
{
	for (unsigned int i = 0; i < lines; i++) {
		char line[64];

		snprintf(line, sizeof(line), "line %u of %u\n", i, lines);
		pr_info("%s", line);
		len += (size_t)sprintf(written + len, "(Serai) %s", line);
	}
	return len;
}

static void test_ring(void **state)
{
	static char written[200000];
	size_t len, before;
	u32 index;
	char c;

	/* Empty it. */
	index = console_ring_start();
	while (console_ring_read(&c, 1, &index))
		;
	console_ring_clear(index);
	check_ring(written, 0, 0);
	len = say_lines(written, 0, 10);
	check_ring(written, len, len);
	len = say_lines(written, len, 2000);
	assert_true(len > 16384);
	check_ring(written, len, 16384);
	for (size_t i = 1; i < 10; i++) {
		pr_info("%.*s\n", (int)i, "123456789");
		len += (size_t)sprintf(written + len, "(Serai) %.*s\n", (int)i, "123456789");
		check_ring(written, len, 16384);
	}
	/* A larger ring keeps what the small one held. */
	no_memory = true;
	options.conring_order = 3;
	assert_int_equal(console_init_ring(), -XEN_ENOMEM);
	no_memory = false;
	assert_int_equal(console_init_ring(), 0);
	check_ring(written, len, 16384);
	before = len;
	len = say_lines(written, len, 100);
	check_ring(written, len, 16384 + len - before);
	len = say_lines(written, len, 2000);
	check_ring(written, len, 32768);
	/* A reader that was too slow, and one with nonsense. */
	index = console_ring_start() - 1000;
	assert_int_equal(console_ring_read(&c, 1, &index), 1);
	assert_int_equal(index, console_ring_start() + 1);
	index = console_ring_start() + 40000;
	assert_int_equal(console_ring_read(&c, 1, &index), 1);
	assert_int_equal(index, console_ring_start() + 1);
	console_ring_clear(console_ring_start() + 100);
	check_ring(written, len, 32668);
	console_ring_clear(console_ring_start() + 100000);
	check_ring(written, len, 32668);
}

static void test_dom0_text(void **state)
{
	console_guest_write("login: ", 7);
	assert_string_equal(out, "login: ");
	console_guest_write("\x1b[0m\n", 5);
	assert_string_equal(out, "login: \x1b[0m\r\n");
	console_guest_write("part", 4);
	pr_info("message\n");
	console_guest_write("rest\n", 5);
	assert_string_equal(out, "login: \x1b[0m\r\npart\r\n(Serai) message\r\npartrest\r\n");
}

static void guest_says(unsigned int d, const char *text)
{
	become(d);
	console_guest_write(text, strlen(text));
}

static void test_domu_text(void **state)
{
	guest_says(1, "hel");
	guest_says(2, "other ");
	guest_says(1, "lo\r\n\x1b[2J\ttab\n");
	guest_says(2, "one\n");
	assert_string_equal(out, "(d1) hello\r\n(d1) \ttab\r\n(d2) other one\r\n");
}

static void test_domu_long_line(void **state)
{
	char text[300];

	memset(text, 'y', sizeof(text));
	text[299] = '\n';
	become(1);
	console_guest_write(text, sizeof(text));
	assert_int_equal(out_len, 2 * strlen("(d1) \r\n") + 299);
}

/* More domains write without end of line than there are buffers: nothing is lost or mixed. */
static void test_domu_many(void **state)
{
	struct domain d[20];
	struct vcpu v = { 0 };

	memset(d, 0, sizeof(d));
	host_set_current(&v);
	for (unsigned int i = 0; i < 20; i++) {
		d[i].id = (domid_t)(100 + i);
		v.domain = &d[i];
		console_guest_write("text", 4);
	}
	assert_int_equal(out_len, 12 * strlen("(d100) text\r\n"));
	for (unsigned int i = 19; i >= 12; i--) {
		v.domain = &d[i];
		console_guest_write("!\n", 2);
	}
	assert_non_null(strstr(out, "(d111) text\r\n"));
	assert_non_null(strstr(out, "(d119) text!\r\n(d118) text!\r\n"));
	assert_int_equal(out_len, 20 * strlen("(d100) text\r\n") + 8);
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *p = out; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_rate_limit(void **state)
{
	become(1);
	for (int i = 0; i < 50; i++)
		guest_printk(LOG_WARNING, "noise %d\n", i);
	assert_int_equal(count("d1v0 noise"), 10);
	/* Others have their own allowance. */
	become(2);
	guest_printk(LOG_WARNING, "quiet guest\n");
	assert_int_equal(count("d2v0 quiet guest"), 1);
	become(1);
	out_clear();
	host.now += 499 * NS_PER_MS;
	guest_printk(LOG_WARNING, "too early\n");
	assert_int_equal(out_len, 0);
	host.now += 1 * NS_PER_MS;
	guest_printk(LOG_WARNING, "again\n");
	guest_printk(LOG_WARNING, "too much\n");
	assert_string_equal(out, "(Serai) d1v0 (41 messages suppressed) again\r\n");
	out_clear();
	host.now += 3 * NS_PER_S;
	for (int i = 0; i < 50; i++)
		guest_printk(LOG_WARNING, "noise\n");
	assert_int_equal(count("noise"), 6);
	/* Outside of any domain there is one more bucket. */
	out_clear();
	host_set_current(NULL);
	for (int i = 0; i < 50; i++)
		guest_printk(LOG_WARNING, "nobody\n");
	assert_int_equal(count("(Serai) nobody"), 10);
}

static void test_domu_rate_limit(void **state)
{
	for (int i = 0; i < 1000; i++)
		guest_says(2, "spam\n");
	assert_int_equal(count("(d2) spam"), 160);
	out_clear();
	host.now += NS_PER_S;
	for (int i = 0; i < 1000; i++)
		guest_says(2, "spam\n");
	assert_int_equal(count("(d2) spam"), 32);
	assert_int_equal(count("d2: 840 messages suppressed"), 1);
	guest_printk(LOG_WARNING, "shares the bucket\n");
	assert_int_equal(count("shares"), 0);
}

static void test_input_dom0(void **state)
{
	char buf[512];

	told = 0;
	type("ls\r");
	assert_int_equal(told, 1);
	assert_int_equal(console_guest_read(buf, 2), 2);
	assert_memory_equal(buf, "ls", 2);
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 1);
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 0);
	/* One or two Ctrl-A are for dom0, as soon as it is clear that no third one follows. */
	type("\x01");
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 0);
	type("a\x01\x01" "b");
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "\x01" "a\x01\x01" "b", 5);
	/* What does not fit is lost, and the ring's indices survive a wrap. */
	for (int i = 0; i < 100; i++)
		type("0123456789");
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 256);
	assert_memory_equal(buf + 250, "012345", 6);
}

static unsigned int pressed;

static void key_pressed(void)
{
	pressed++;
}

static void test_switch(void **state)
{
	char buf[16];

	keyhandler_register('x', key_pressed, "a test");
	keyhandler_register('x', NULL, "another");
	assert_int_equal(count("is taken already"), 1);
	told = 0;
	type("\x01\x01\x01");
	assert_int_equal(count("*** Serial input to Serai"), 1);
	type("xxq");
	assert_int_equal(pressed, 2);
	assert_int_equal(count("'x' pressed: a test"), 2);
	assert_int_equal(count("no debug key 'q'"), 1);
	type("h");
	assert_int_equal(count("  x  a test"), 1);
	assert_int_equal(count("  R  reboot"), 1);
	assert_int_equal(told, 0);
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 0);
	/* Not in a row. */
	type("\x01\x01x\x01");
	assert_int_equal(pressed, 3);
	type("\x01\x01");
	assert_int_equal(count("*** Serial input to DOM0"), 1);
	type("y");
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 1);
	assert_int_equal(pressed, 3);
}

/* --- several domains at the console --- */

struct fake_guest {
	struct console_guest console;
	char got[600];
	size_t nr;
};

static void fake_input(struct console_guest *g, char c)
{
	struct fake_guest *f = container_of(g, struct fake_guest, console);

	assert_true(f->nr < sizeof(f->got) - 1);
	f->got[f->nr++] = c;
	f->got[f->nr] = 0;
}

static void fake_add(struct fake_guest *f, domid_t id)
{
	memset(f, 0, sizeof(*f));
	lock_init(&f->console.lock, RANK_VUART);
	f->console.id = id;
	f->console.input = fake_input;
	console_guest_add(&f->console);
}

static void fake_says(struct fake_guest *f, const char *text)
{
	lock_take(&f->console.lock);
	console_guest_put(&f->console, text, strlen(text));
	lock_drop(&f->console.lock);
}

#define SWITCH "\x01\x01\x01"
#define TO(name) "(Serai) *** Serial input to " name " (Ctrl-A three times to switch)\r\n"

static struct fake_guest one, two, five;

static void check_out(const char *want)
{
	assert_string_equal(out, want);
	out_clear();
}

/* dom0 has been chosen by hand before: guests that come do not take the focus. */
static void test_cycle(void **state)
{
	char buf[16];

	fake_add(&five, 5);
	fake_add(&one, 1);
	fake_add(&two, 2);
	check_out("");
	type("0" SWITCH "1" SWITCH "\x01" "2\x01\x01" "3" SWITCH "5" SWITCH "h" SWITCH "4");
	assert_string_equal(one.got, "1");
	assert_string_equal(two.got, "\x01" "2\x01\x01" "3");
	assert_string_equal(five.got, "5");
	assert_int_equal(console_guest_read(buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "04", 2);
	assert_int_equal(count(TO("DOM1")), 1);
	assert_int_equal(count(TO("DOM2")), 1);
	assert_int_equal(count(TO("DOM5")), 1);
	assert_int_equal(count(TO("Serai")), 1);
	assert_int_equal(count(TO("DOM0")), 1);
	assert_int_equal(count("h  this help"), 1);
	/* Two keys before the switch are not the next one's. */
	type("\x01\x01" SWITCH);
	assert_true(console_has_screen(1));
	assert_string_equal(one.got, "1");
	type("y");
	assert_string_equal(one.got, "1\x01\x01y");
	type(SWITCH SWITCH SWITCH SWITCH);
	assert_true(console_has_screen(0));
}

static void test_screen(void **state)
{
	static char text[65536];
	u32 index = console_ring_start();

	fake_says(&one, "boot\nlog");
	fake_says(&two, "\x1b[1mbold\x1b[0m\x1b]0;title\a\x1b(B \x1bM!\n");
	check_out("(d1) boot\r\n(d2) bold !\r\n");
	/* On the screen: as it is, with what had begun before. */
	type(SWITCH);
	check_out(TO("DOM1") "log");
	fake_says(&one, "in: \x1b[6n");
	check_out("in: \x1b[6n");
	fake_says(&two, "racket\n");
	become(0);
	console_guest_write("dom0\npart", 9);
	check_out("\r\n(d2) racket\r\n(d0) dom0\r\n");
	/* Said again before it goes on, but for what the terminal would answer. */
	fake_says(&one, "r");
	check_out("login: r");
	fake_says(&one, "ook\b\b\bx\rlogin: root\n");
	check_out("ook\b\b\bx\rlogin: root\r\n");
	fake_says(&one, "50%\r");
	fake_says(&two, "\x1b[12\n\x1b]0\nok\n");
	check_out("50%\r\r\n(d2) \r\n(d2) \r\n(d2) ok\r\n");
	fake_says(&one, "60%\n");
	check_out("50%\r60%\r\n");
	/* Taken away amid a line, and given back. */
	fake_says(&one, "\a# ");
	type(SWITCH);
	check_out("\a# \r\n" TO("DOM2"));
	fake_says(&one, "ls");
	type(SWITCH SWITCH);
	check_out(TO("DOM5") TO("Serai"));
	/* The debug keys leave the screen to whom it was. */
	fake_says(&five, "f\x1b[K");
	check_out("f\x1b[K");
	type(SWITCH);
	check_out("\r\n" TO("DOM0") "part");
	console_guest_write("ial\n", 4);
	type(SWITCH);
	check_out("ial\r\n" TO("DOM1") "# ls");
	fake_says(&one, "\n");
	check_out("\r\n");
	type(SWITCH);
	fake_says(&five, "\n");
	check_out(TO("DOM2") "(d5) f\r\n");
	fake_says(&five, "1\r2\r\n\r\n12\b\b3\n");
	check_out("(d5) 2\r\n(d5) \r\n(d5) 3\r\n");
	/* The ring has nothing of it. */
	text[console_ring_read(text, sizeof(text) - 1, &index)] = 0;
	assert_null(strstr(text, "racket"));
	assert_non_null(strstr(text, "Serial input to DOM2"));
	type(SWITCH SWITCH SWITCH);
	assert_true(console_has_screen(0));
}

/* The end of a line that is longer than what is kept of it. */
static void test_screen_long(void **state)
{
	char text[GUEST_LINE_MAX + 10];

	memset(text, '.', sizeof(text));
	text[GUEST_LINE_MAX] = 'a';
	text[GUEST_LINE_MAX + 1] = 0;
	become(0);
	console_guest_write(text, GUEST_LINE_MAX + 1);
	out_clear();
	pr_info("x\n");
	console_guest_write("b\n", 2);
	check_out("\r\n(Serai) x\r\nab\r\n");
	fake_says(&one, text);
	fake_says(&one, "\n");
	assert_int_equal(out_len, GUEST_LINE_MAX + 1 + 2 * strlen("(d1) \r\n"));
}

/* One that is restarted: nobody else gets what is typed meanwhile. */
static void test_guest_returns(void **state)
{
	size_t sum = one.nr + two.nr + five.nr;

	two.console.returns = true;
	type(SWITCH SWITCH);
	fake_says(&two, "half");
	out_clear();
	assert_true(console_has_screen(2));
	console_guest_remove(&two.console);
	check_out("");
	type("lost");
	assert_int_equal(one.nr + two.nr + five.nr, sum);
	console_guest_add(&two.console);
	check_out("");
	fake_says(&two, "more");
	check_out("more");
	type("y");
	assert_int_equal(two.got[two.nr - 1], 'y');
	/* The next one from there on is the next one by number. */
	console_guest_remove(&two.console);
	type(SWITCH);
	assert_true(console_has_screen(5));
	console_guest_add(&two.console);
	assert_true(console_has_screen(5));
	/* It does not come after all. */
	type(SWITCH SWITCH SWITCH SWITCH);
	assert_true(console_has_screen(2));
	console_guest_remove(&two.console);
	console_guest_forget(5);
	assert_true(console_has_screen(2));
	console_guest_forget(2);
	assert_false(console_has_screen(2));
	console_guest_add(&two.console);
	two.console.returns = false;
	out_clear();
}

static void test_guest_goes(void **state)
{
	/* Not the focus: only its begun line is said. */
	fake_says(&five, "last words");
	console_guest_remove(&five.console);
	check_out("(d5) last words\r\n");
	console_guest_remove(&five.console);
	check_out("");
	fake_says(&two, "one ");
	type(SWITCH SWITCH);
	fake_says(&two, "half");
	out_clear();
	/* The focus goes back to the lowest. */
	console_guest_remove(&two.console);
	check_out("\r\n" TO("DOM0"));
	type("x" SWITCH "z" SWITCH);
	assert_string_equal(one.got + one.nr - 1, "z");
	assert_int_equal(console_guest_read(two.got, 10), 1);
	/* The debug keys have the focus: it stays there, the screen goes. */
	assert_true(console_has_screen(1));
	fake_says(&one, "half");
	out_clear();
	console_guest_remove(&one.console);
	check_out("\r\n");
	assert_true(console_has_screen(0));
	assert_int_equal(console_domain_close(&dom1), 0);
	assert_true(console_has_screen(0));
	assert_int_equal(console_domain_close(&dom0), 0);
	assert_true(console_has_screen(DOMID_INVALID));
	type(SWITCH);
	check_out(TO("Serai"));
	assert_int_equal(console_domain_create(&dom0, NULL), 0);
	check_out("");
	type(SWITCH);
	check_out(TO("DOM0"));
}

static const char *const speech[] = { "alpha beta gamma", "dom one speaks", "two",
				      "five has a longer line of text to say" };

/* Which speech the line is, or begins to be on the screen; -1: none, 4: the hypervisor's. */
static int line_speaker(const char *line, size_t n, bool *whole)
{
	static const char *const prefix[] = { "(d0) ", "(d1) ", "(d2) ", "(d5) " };

	*whole = false;
	if (!strncmp(line, "(Serai) ", 8))
		return 4;
	for (int g = 0; g < 4; g++) {
		bool by_line = n > 5 && !strncmp(line, prefix[g], 5);
		const char *text = by_line ? line + 5 : line;
		size_t len = n - (by_line ? 5 : 0);

		*whole = len == strlen(speech[g]);
		if (!strncmp(text, speech[g], len) && (*whole || !by_line))
			return g;
	}
	return -1;
}

/*
 * Every line of four domains arrives whole, whoever interrupts and whatever has the screen; besides
 * there are beginnings of lines that were said again.
 */
static void test_interleaved(void **state)
{
	struct fake_guest *who[] = { NULL, &one, &two, &five };
	unsigned int said[4] = { 0 }, heard[4] = { 0 }, beginnings = 0;
	size_t at[4] = { 0 };
	bool whole;

	fake_add(&one, 1);
	fake_add(&two, 2);
	fake_add(&five, 5);
	srand(7);
	out_clear();
	become(0);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int g = (unsigned int)rand() % 4;
		char c = speech[g][at[g]] ? speech[g][at[g]] : '\n';
		char text[2] = { c, 0 };

		at[g] = c == '\n' ? 0 : at[g] + 1;
		said[g] += c == '\n';
		if (who[g])
			fake_says(who[g], text);
		else
			console_guest_write(text, 1);
		if (rand() % 200 == 0)
			type(SWITCH);
		if (rand() % 50 == 0)
			pr_info("hypervisor\n");
	}
	assert_true(out_len < sizeof(out) - 1);
	for (char *line = out, *end; (end = strstr(line, "\r\n")); line = end + 2) {
		int g = line_speaker(line, (size_t)(end - line), &whole);

		assert_true(g >= 0);
		if (g < 4)
			*(whole ? &heard[g] : &beginnings) += 1;
	}
	for (unsigned int g = 0; g < 4; g++)
		assert_in_range(heard[g], said[g], said[g] + said[g] / 4);
	assert_in_range(beginnings, 10, 1000);
	console_guest_remove(&one.console);
	console_guest_remove(&two.console);
	console_guest_remove(&five.console);
	if (!console_has_screen(0))
		type(SWITCH);
	assert_true(console_has_screen(0));
}

static void reboot(void *arg)
{
	keyhandler_run('R');
}

static void test_key_reboot(void **state)
{
	assert_int_equal(host_catch(reboot, NULL), HOST_RESET);
}

static void test_force(void **state)
{
	console_force();
	pr_err("no lock needed\n");
	assert_int_equal(this_cpu()->lock_depth, 0);
	assert_string_equal(out, "(Serai) no lock needed\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early),
		cmocka_unit_test_setup(test_start_input, fresh),
		cmocka_unit_test_setup(test_levels, fresh),
		cmocka_unit_test_setup(test_long_message, fresh),
		cmocka_unit_test_setup(test_ring, fresh),
		cmocka_unit_test_setup(test_dom0_text, fresh),
		cmocka_unit_test_setup(test_domu_text, fresh),
		cmocka_unit_test_setup(test_domu_long_line, fresh),
		cmocka_unit_test_setup(test_domu_many, fresh),
		cmocka_unit_test_setup(test_rate_limit, fresh),
		cmocka_unit_test_setup(test_domu_rate_limit, fresh),
		cmocka_unit_test_setup(test_input_dom0, fresh),
		cmocka_unit_test_setup(test_switch, fresh),
		cmocka_unit_test_setup(test_cycle, fresh),
		cmocka_unit_test_setup(test_screen, fresh),
		cmocka_unit_test_setup(test_screen_long, fresh),
		cmocka_unit_test_setup(test_guest_returns, fresh),
		cmocka_unit_test_setup(test_guest_goes, fresh),
		cmocka_unit_test_setup(test_interleaved, fresh),
		cmocka_unit_test_setup(test_key_reboot, fresh),
		cmocka_unit_test_setup(test_force, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
