/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains at the console: what they say, and who gets what is typed.
 *
 * Those that have a console are in a list by id; one of them has the focus, or the hypervisor's
 * debug keys have it (focus is NULL). The switch keys are withheld until it is clear what they
 * mean. input_lock covers the list and is held while a domain is given a character, so that the
 * domain cannot go meanwhile; debug keys and the event for dom0 come after it was dropped.
 * A domain's text is under its own lock, which the screen cannot be taken away without.
 */
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/guest_line.h>
#include <serai/irq.h>
#include <serai/lock.h>
#include <serai/printk.h>

#define INPUT_SIZE   256 /* power of two */
#define RX_BATCH     64	 /* characters taken per interrupt */
#define SWITCH_KEY   '\x01' /* Ctrl-A */
#define SWITCH_COUNT 3

void (*console_input_hook)(void);

static struct lock input_lock = LOCK_INIT(RANK_INPUT);
static struct console_guest *guests;
static struct console_guest *focus;
/* Has the focus for a domain that is being restarted, and loses what is typed. */
static struct console_guest away;
static bool chosen;  /* by the operator: nobody else moves it */
static bool started; /* there is input */
static u32 switch_keys; /* of SWITCH_COUNT, seen in a row and withheld */

/* What dom0 reads by console_io. */
static struct {
	char text[INPUT_SIZE];
	u32 head, tail; /* free running: next to read, next to write */
	bool arrived;	/* and dom0 is to be told */
} input;

/* --- what domains say --- */

static void line_flush(struct console_guest *g)
{
	console_guest_line(g->id, g->line.text, g->line.len, false);
	guest_line_clear(&g->line);
}

void console_guest_put(struct console_guest *g, const char *text, size_t n)
{
	if (console_screen_write(g->id, text, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (guest_line_add(&g->line, text[i]))
			line_flush(g);
}

/* --- dom0 --- */

/* A full buffer loses what is typed next. */
static void dom0_input(struct console_guest *g, char c)
{
	if (input.tail - input.head < INPUT_SIZE)
		input.text[input.tail++ & (INPUT_SIZE - 1)] = c;
	input.arrived = true;
}

static struct console_guest dom0_console = {
	.lock = LOCK_INIT(RANK_VUART),
	.input = dom0_input,
};

void console_guest_write(const char *text, size_t n)
{
	struct domain *d = current_domain();

	if (!(d->flags & DOMAIN_HARDWARE)) {
		guest_line_write(d, text, n);
		return;
	}
	lock_take(&dom0_console.lock);
	console_guest_put(&dom0_console, text, n);
	lock_drop(&dom0_console.lock);
}

size_t console_guest_read(char *buf, size_t n)
{
	size_t done = 0;

	lock_take(&input_lock);
	while (done < n && input.head != input.tail)
		buf[done++] = input.text[input.head++ & (INPUT_SIZE - 1)];
	lock_drop(&input_lock);
	return done;
}

int console_domain_create(struct domain *d, const struct domain_config *cfg)
{
	if (d->flags & DOMAIN_HARDWARE) {
		dom0_console.id = d->id;
		console_guest_add(&dom0_console);
	}
	return 0;
}

int console_domain_close(struct domain *d)
{
	if (d->flags & DOMAIN_HARDWARE)
		console_guest_remove(&dom0_console);
	return 0;
}

/* --- focus --- */

static void announce_input(void)
{
	char name[16] = "Serai";

	if (focus)
		snprintf(name, sizeof(name), "DOM%u", focus->id);
	pr_info("*** Serial input to %s (Ctrl-A three times to switch)\n", name);
}

static void screen_move(struct console_guest *to)
{
	domid_t id = to ? to->id : DOMID_INVALID;
	struct console_guest *g = guests;
	struct guest_line begun;

	while (g && !console_has_screen(g->id))
		g = g->next;
	if (!g) {
		console_set_screen(id, &begun);
	} else if (g != to) {
		lock_take(&g->lock);
		console_set_screen(id, &g->line);
		lock_drop(&g->lock);
	}
}

/* On the screen: what the domain had begun to say. */
static void line_show(struct console_guest *g)
{
	lock_take(&g->lock);
	if (console_screen_write(g->id, g->line.text, g->line.len))
		guest_line_clear(&g->line);
	lock_drop(&g->lock);
}

/* The screen stays whose it was while the debug keys have the focus. */
static void focus_set(struct console_guest *g)
{
	focus = g;
	switch_keys = 0;
	if (g)
		screen_move(g);
	if (started)
		announce_input();
	if (g)
		line_show(g);
}

void console_guest_add(struct console_guest *g)
{
	struct console_guest **p = &guests;

	lock_take(&input_lock);
	while (*p && (*p)->id < g->id)
		p = &(*p)->next;
	g->next = *p;
	*p = g;
	if (focus == &away && away.id == g->id)
		focus = g;
	else if (!chosen && g == guests && focus != &away)
		focus_set(g);
	lock_drop(&input_lock);
}

static void away_input(struct console_guest *g, char c)
{
}

void console_guest_remove(struct console_guest *g)
{
	struct console_guest **p = &guests;

	lock_take(&input_lock);
	while (*p && *p != g)
		p = &(*p)->next;
	if (*p) {
		*p = g->next;
		if (focus == g && g->returns) {
			away = (struct console_guest){ .id = g->id, .input = away_input };
			focus = &away;
		} else if (focus == g) {
			focus_set(guests);
		}
		if (console_has_screen(g->id) && !g->returns)
			screen_move(guests);
		if (g->line.len)
			line_flush(g);
	}
	lock_drop(&input_lock);
}

void console_guest_forget(domid_t id)
{
	lock_take(&input_lock);
	if (focus == &away && away.id == id)
		focus_set(guests);
	if (console_has_screen(id))
		screen_move(guests);
	lock_drop(&input_lock);
}

/* --- what is typed --- */

static void focus_next(void)
{
	struct console_guest *next = focus && focus != &away ? focus->next : guests;

	if (focus == &away)
		while (next && next->id < away.id)
			next = next->next;
	chosen = true;
	focus_set(next);
}

/* Gives c to whom it belongs; true: it is a debug key. */
static bool input_char(char c)
{
	if (c == SWITCH_KEY) {
		if (++switch_keys == SWITCH_COUNT)
			focus_next();
		return false;
	}
	if (!focus) {
		switch_keys = 0;
		return true;
	}
	/* The switch keys before it were meant for the domain after all. */
	for (; switch_keys; switch_keys--)
		focus->input(focus, SWITCH_KEY);
	focus->input(focus, c);
	return false;
}

/* Takes what was typed. */
static void console_irq(u32 irq, void *arg)
{
	bool key, tell_dom0 = false;
	int c;

	for (unsigned int i = 0; i < RX_BATCH && (c = console_getc()) >= 0; i++) {
		lock_take(&input_lock);
		key = input_char((char)c);
		tell_dom0 |= input.arrived;
		input.arrived = false;
		lock_drop(&input_lock);
		if (key)
			keyhandler_run((char)c);
	}
	if (tell_dom0 && console_input_hook)
		console_input_hook();
}

void console_start_input(void)
{
	const struct uart *uart = console_uart();

	if (!uart || !uart->irq)
		return;
	if (irq_request(uart->irq, IRQ_TYPE_LEVEL, console_irq, NULL, uart->name))
		return;
	lock_take(&input_lock);
	started = true;
	if (focus)
		announce_input();
	lock_drop(&input_lock);
	uart->irq_enable();
}
