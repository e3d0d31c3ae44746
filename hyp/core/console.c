/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's output: the ring that keeps what was said, and the UART.
 *
 * One lock (RANK_CONSOLE, the innermost) covers both; a message is written under it as a whole, so
 * lines of several CPUs never mix. Indices of the ring run freely; the byte of index i lies at i
 * modulo the size. Before a UART is known the ring alone is written; the UART gets its contents
 * later. A message that comes amid a line of the domain that has the screen ends that line; before
 * it goes on, what there was of it is said again. After console_force() nothing waits for the lock.
 */
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/cpu.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/guest_line.h>
#include <serai/lock.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/time.h>

#define RING_EARLY_SIZE 16384
#define PREFIX		"(Serai) "
/* A UART is slow: the ring is said again by pieces, between which guests run. */
#define SHOW_TIME	NS_PER_MS
#define SHOW_PAUSE	NS_PER_MS

static struct lock console_lock = LOCK_INIT(RANK_CONSOLE);
static bool forced;

static char ring_early[RING_EARLY_SIZE];
static struct {
	char *text;
	u32 size;	/* power of two */
	u32 start, end; /* indices of the first byte kept and of the next one */
} ring = { ring_early, RING_EARLY_SIZE, 0, 0 };

static struct uart uart;
static bool have_uart;
static char uart_dt_path[128];
static bool mid_line; /* the cursor of the terminal is not at the left */

/* The domain that has the screen, and the line that it has begun there. */
static struct {
	domid_t id;
	struct guest_line line;
} screen = { .id = DOMID_INVALID };

/* Says whether the lock was taken: after console_force() it is not. */
static bool console_enter(void)
{
	if (unlikely(READ_ONCE(forced)))
		return false;
	lock_take(&console_lock);
	return true;
}

static void console_leave(bool taken)
{
	if (likely(taken))
		lock_drop(&console_lock);
}

/* --- ring --- */

static void ring_put(char c)
{
	ring.text[ring.end++ & (ring.size - 1)] = c;
	if (ring.end - ring.start > ring.size)
		ring.start = ring.end - ring.size;
}

size_t console_ring_read(char *buf, size_t n, u32 *index)
{
	bool taken = console_enter();
	size_t done = 0;

	/* An index from before the ring's start, or one that never was. */
	if (*index - ring.start > ring.end - ring.start)
		*index = ring.start;
	while (done < n && *index != ring.end)
		buf[done++] = ring.text[(*index)++ & (ring.size - 1)];
	console_leave(taken);
	return done;
}

u32 console_ring_start(void)
{
	return READ_ONCE(ring.start);
}

void console_ring_clear(u32 index)
{
	bool taken = console_enter();

	if (index - ring.start <= ring.end - ring.start)
		ring.start = index;
	console_leave(taken);
}

int console_init_ring(void)
{
	unsigned int order = options.conring_order ? options.conring_order :
						     CONFIG_CONSOLE_RING_ORDER;
	u32 size = (u32)PAGE_SIZE << order;
	char *text;
	bool taken;

	if (size <= ring.size)
		return 0;
	text = heap_alloc(order, 0);
	if (!text)
		return -XEN_ENOMEM;
	taken = console_enter();
	for (u32 i = ring.start; i != ring.end; i++)
		text[i & (size - 1)] = ring.text[i & (ring.size - 1)];
	ring.text = text;
	ring.size = size;
	console_leave(taken);
	return 0;
}

/* --- output --- */

static void uart_char(char c)
{
	if (!have_uart)
		return;
	if (c == '\n')
		uart.putc('\r');
	uart.putc(c);
	mid_line = c != '\n';
}

/* One line without its end, to the ring (keep), to the UART (show). Under the lock. */
static void put_line(const char *prefix, const char *text, size_t n, bool keep, bool show)
{
	if (show && mid_line)
		uart_char('\n');
	for (; *prefix; prefix++) {
		if (keep)
			ring_put(*prefix);
		if (show)
			uart_char(*prefix);
	}
	for (size_t i = 0; i < n; i++) {
		if (keep)
			ring_put(text[i]);
		if (show)
			uart_char(text[i]);
	}
	if (keep)
		ring_put('\n');
	if (show)
		uart_char('\n');
}

void console_write(const char *text, bool show)
{
	bool taken = console_enter();

	/* What the UART would not show must not be replayed to it either. */
	while (*text && (show || have_uart)) {
		const char *end = strchr(text, '\n');
		size_t n = end ? (size_t)(end - text) : strlen(text);

		put_line(PREFIX, text, n, true, show);
		text += n + (end ? 1 : 0);
	}
	this_cpu()->work |= WORK_CONSOLE;
	console_leave(taken);
}

void console_guest_line(domid_t id, const char *text, size_t n, bool keep)
{
	char prefix[16];
	bool taken;

	snprintf(prefix, sizeof(prefix), "(d%u) ", id);
	taken = console_enter();
	put_line(prefix, text, n, keep, true);
	console_leave(taken);
}

/* --- the screen --- */

/* Other lines may have come between: what the domain had begun to say. */
static void screen_restore(void)
{
	if (likely(mid_line))
		return;
	for (u32 i = 0; i < screen.line.len; i++)
		uart_char(screen.line.text[i]);
	if (screen.line.rewound)
		uart_char('\r');
}

static void screen_char(char c)
{
	uart_char(c);
	/* Of a very long line the end will do. */
	if (guest_line_add(&screen.line, c))
		guest_line_clear(&screen.line);
}

bool console_has_screen(domid_t id)
{
	return READ_ONCE(screen.id) == id;
}

bool console_screen_write(domid_t id, const char *text, size_t n)
{
	bool taken, mine;

	if (!console_has_screen(id))
		return false;
	taken = console_enter();
	mine = screen.id == id;
	if (mine && have_uart) {
		screen_restore();
		for (size_t i = 0; i < n; i++)
			screen_char(text[i]);
	}
	console_leave(taken);
	return mine;
}

void console_set_screen(domid_t id, struct guest_line *begun)
{
	bool taken = console_enter();

	if (mid_line)
		uart_char('\n');
	*begun = screen.line;
	screen.line = (struct guest_line){ 0 };
	WRITE_ONCE(screen.id, id);
	console_leave(taken);
}

/* --- the UART --- */

static void ring_to_uart(void)
{
	for (u32 i = ring.start; i != ring.end; i++)
		uart_char(ring.text[i & (ring.size - 1)]);
}

void console_set_uart(const struct uart *u)
{
	bool taken = console_enter();

	uart = *u;
	if (!uart.dt_path)
		uart.dt_path = uart_dt_path;
	have_uart = true;
	ring_to_uart();
	console_leave(taken);
}

/* What a timer says once more: the ring from one index to another, as far as it is still kept. */
static void show_more(void *arg);
static struct {
	struct timer timer;
	u32 next, end;
} again = { .timer = { .fn = show_more } };

/* Of what is left, one line; true: that was not all. */
static bool show_line(void)
{
	bool taken = console_enter(), more;
	char c = 0;

	if (again.end - ring.start > ring.end - ring.start)
		again.end = ring.start;
	if (again.next - ring.start > again.end - ring.start)
		again.next = ring.start;
	while (again.next != again.end && c != '\n') {
		c = ring.text[again.next++ & (ring.size - 1)];
		uart_char(c);
	}
	more = again.next != again.end;
	console_leave(taken);
	return more;
}

static void show_more(void *arg)
{
	timer_interrupt_by(time_now() + SHOW_TIME);
	while (show_line()) {
		if (cpu_arch_work_pending()) {
			timer_arm(&again.timer, time_now() + SHOW_PAUSE);
			return;
		}
	}
}

void console_show_ring(void)
{
	bool taken = console_enter();

	again.next = ring.start;
	again.end = ring.end;
	console_leave(taken);
	timer_arm(&again.timer, time_now());
}

void console_set_dt_path(const char *path)
{
	str_copy(uart_dt_path, path, sizeof(uart_dt_path));
}

const struct uart *console_uart(void)
{
	return have_uart ? &uart : NULL;
}

void console_force(void)
{
	WRITE_ONCE(forced, true);
}

int console_getc(void)
{
	bool taken = console_enter();
	int c = have_uart ? uart.getc() : -1;

	console_leave(taken);
	return c;
}
