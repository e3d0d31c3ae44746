/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: the ring that keeps what was said, the UART, and who gets what is typed.
 *
 * One lock (RANK_CONSOLE, the innermost) covers ring, UART and input; a message is written under it
 * as a whole, so lines of several CPUs never mix. Indices of the ring run freely; the
 * byte of index i lies at i modulo the size. Before a UART is known the ring alone is written;
 * the UART gets its contents later. After console_force() nothing waits for the lock any more.
 */
#include <serai/bug.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/guest_line.h>
#include <serai/irq.h>
#include <serai/lock.h>
#include <serai/printk.h>
#include <serai/string.h>

#define RING_EARLY_SIZE 16384
#define INPUT_SIZE	256 /* power of two */
#define RX_BATCH	64  /* characters taken per interrupt */
#define SWITCH_KEY	'\x01' /* Ctrl-A */
#define SWITCH_COUNT	3
#define PREFIX		"(Serai) "

void (*console_input_hook)(void);

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

static struct {
	char text[INPUT_SIZE];
	u32 head, tail; /* free running: next to read, next to write */
	u32 switch_keys; /* of SWITCH_COUNT, seen in a row and withheld */
	bool to_hypervisor;
} input;

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

/* One line without its end, to the ring and, when show is set, to the UART. Under the lock. */
static void put_line(const char *prefix, const char *text, size_t n, bool show)
{
	if (show && mid_line)
		uart_char('\n');
	for (; *prefix; prefix++) {
		ring_put(*prefix);
		if (show)
			uart_char(*prefix);
	}
	for (size_t i = 0; i < n; i++) {
		ring_put(text[i]);
		if (show)
			uart_char(text[i]);
	}
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

		put_line(PREFIX, text, n, show);
		text += n + (end ? 1 : 0);
	}
	console_leave(taken);
}

void console_guest_write(const char *text, size_t n)
{
	const struct domain *d = current_domain();
	bool taken;

	if (!(d->flags & DOMAIN_HARDWARE)) {
		guest_line_write(current_domain(), text, n);
		return;
	}
	taken = console_enter();
	for (size_t i = 0; i < n; i++)
		uart_char(text[i]);
	console_leave(taken);
}

void console_guest_line(domid_t id, const char *text, size_t n)
{
	char prefix[16];
	bool taken;

	snprintf(prefix, sizeof(prefix), "(d%u) ", id);
	taken = console_enter();
	put_line(prefix, text, n, true);
	console_leave(taken);
}

void console_set_uart(const struct uart *u)
{
	bool taken = console_enter();

	uart = *u;
	if (!uart.dt_path)
		uart.dt_path = uart_dt_path;
	have_uart = true;
	for (u32 i = ring.start; i != ring.end; i++)
		uart_char(ring.text[i & (ring.size - 1)]);
	console_leave(taken);
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

/* --- input --- */

static void announce_input(void)
{
	pr_info("*** Serial input to %s (Ctrl-A three times to switch)\n",
		input.to_hypervisor ? "Serai" : "DOM0");
}

/* True when c completes the switch. */
static bool input_switches(char c)
{
	if (c != SWITCH_KEY || ++input.switch_keys < SWITCH_COUNT)
		return false;
	input.switch_keys = 0;
	input.to_hypervisor = !input.to_hypervisor;
	return true;
}

/* For dom0: a full buffer loses what is typed next. */
static void input_store(char c)
{
	if (input.tail - input.head < INPUT_SIZE)
		input.text[input.tail++ & (INPUT_SIZE - 1)] = c;
}

/* What to do with a character, once the console lock is dropped. */
enum input_action { INPUT_NOTHING, INPUT_DOM0, INPUT_SWITCHED, INPUT_KEY };

static enum input_action input_char(char c)
{
	if (input_switches(c))
		return INPUT_SWITCHED;
	if (c == SWITCH_KEY)
		return INPUT_NOTHING;
	if (input.to_hypervisor) {
		input.switch_keys = 0;
		return INPUT_KEY;
	}
	/* The switch keys before it were meant for dom0 after all. */
	for (; input.switch_keys; input.switch_keys--)
		input_store(SWITCH_KEY);
	input_store(c);
	return INPUT_DOM0;
}

void console_rx(void)
{
	bool tell_dom0 = false;

	for (unsigned int i = 0; i < RX_BATCH; i++) {
		bool taken = console_enter();
		int c = have_uart ? uart.getc() : -1;
		enum input_action action = c >= 0 ? input_char((char)c) : INPUT_NOTHING;

		console_leave(taken);
		if (c < 0)
			break;
		if (action == INPUT_SWITCHED)
			announce_input();
		else if (action == INPUT_KEY)
			keyhandler_run((char)c);
		else if (action == INPUT_DOM0)
			tell_dom0 = true;
	}
	if (tell_dom0 && console_input_hook)
		console_input_hook();
}

size_t console_guest_read(char *buf, size_t n)
{
	bool taken = console_enter();
	size_t done = 0;

	while (done < n && input.head != input.tail)
		buf[done++] = input.text[input.head++ & (INPUT_SIZE - 1)];
	console_leave(taken);
	return done;
}

static void console_irq(u32 irq, void *arg)
{
	console_rx();
}

void console_start_input(void)
{
	if (!have_uart || !uart.irq)
		return;
	if (irq_request(uart.irq, IRQ_TYPE_LEVEL, console_irq, NULL, uart.name))
		return;
	uart.irq_enable();
	announce_input();
}
