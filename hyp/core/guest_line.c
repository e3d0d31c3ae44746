/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests make the console say. Text written by hypercall is collected in one of a few line buffers; a
 * domain that finds none free takes the one that was used least recently, whose part of a line is
 * printed as it is. The bucket of a domain holds the tokens of ten messages and gains one
 * message every half second.
 *
 * Lock: guest_line_lock, taken before the console's own (both RANK_CONSOLE, so a finished line is
 * copied to the stack and printed after the lock was dropped).
 */
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/guest_line.h>
#include <serai/lock.h>
#include <serai/printk.h>
#include <serai/time.h>

#define LINES	     8
#define BUCKET_MAX   (10 * GUEST_MESSAGE_TOKENS)
#define TOKEN_PERIOD (500 * NS_PER_MS / GUEST_MESSAGE_TOKENS)

struct line {
	u32 used; /* value of line_clock at the last use; 0: free */
	domid_t id;
	struct guest_line line;
};

static struct lock guest_line_lock = LOCK_INIT(RANK_CONSOLE);
static struct line lines[LINES];
static u32 line_clock;

struct bucket {
	u64 tokens;
	nstime_t filled; /* up to when tokens were given; 0: never used */
	u32 suppressed;
};

static struct bucket own_bucket;

static void bucket_fill(struct bucket *b, nstime_t now)
{
	u64 gained;

	if (!b->filled || now - b->filled > BUCKET_MAX * TOKEN_PERIOD) {
		b->tokens = BUCKET_MAX;
		b->filled = now ? now : 1;
		return;
	}
	if (now - b->filled < TOKEN_PERIOD)
		return;
	gained = (u64)(now - b->filled) / TOKEN_PERIOD;
	b->filled += (nstime_t)(gained * TOKEN_PERIOD);
	b->tokens = MIN(b->tokens + gained, (u64)BUCKET_MAX);
}

bool guest_message_allowed(struct domain *d, u32 tokens, u32 *suppressed)
{
	struct bucket b;
	bool allowed;

	lock_take(&guest_line_lock);
	b = d ? (struct bucket){ d->guest_msg_tokens, d->guest_msg_time, d->guest_msg_suppressed } :
		own_bucket;
	bucket_fill(&b, time_now());
	allowed = b.tokens >= tokens;
	*suppressed = b.suppressed;
	if (allowed) {
		b.tokens -= tokens;
		b.suppressed = 0;
	} else {
		b.suppressed++;
	}
	if (d) {
		d->guest_msg_tokens = b.tokens;
		d->guest_msg_time = b.filled;
		d->guest_msg_suppressed = b.suppressed;
	} else {
		own_bucket = b;
	}
	lock_drop(&guest_line_lock);
	return allowed;
}

enum escape { ESCAPE_NONE, ESCAPE_START, ESCAPE_CONTROL, ESCAPE_STRING };

#define KEY_ESC '\x1b'

/*
 * The state after c (ECMA-48): ESC [ parameters letter; ESC ] text BEL; ESC intermediates letter.
 * Control characters end any of them, lest a line be lost.
 */
static enum escape escape_next(enum escape e, char c)
{
	if (c == KEY_ESC)
		return ESCAPE_START;
	if (e == ESCAPE_NONE || (u8)c < ' ')
		return ESCAPE_NONE;
	switch (e) {
	case ESCAPE_START:
		if (c == '[')
			return ESCAPE_CONTROL;
		if (c == ']' || c == 'P')
			return ESCAPE_STRING;
		return c <= '/' ? ESCAPE_START : ESCAPE_NONE;
	case ESCAPE_CONTROL:
		return c <= '?' ? ESCAPE_CONTROL : ESCAPE_NONE;
	default:
		return e;
	}
}

bool guest_line_add(struct guest_line *l, char c)
{
	bool escaped = l->escape || c == KEY_ESC;

	if (unlikely(escaped)) {
		l->escape = (u8)escape_next(l->escape, c);
		if (c != '\n')
			return false;
	}
	if (c == '\n')
		return true;
	if (unlikely(c == '\r')) {
		l->rewound = true;
	} else if (unlikely(c == '\b')) {
		if (l->len)
			l->len--;
	} else if ((c >= ' ' && c <= '~') || c == '\t') {
		if (unlikely(l->rewound))
			guest_line_clear(l);
		l->text[l->len++] = c;
	}
	return l->len == GUEST_LINE_MAX;
}

/* The domain's line, or the one to be used for it; its old contents may be somebody else's. */
static struct line *line_of(domid_t id)
{
	struct line *best = &lines[0];

	for (unsigned int i = 0; i < LINES; i++) {
		if (lines[i].used && lines[i].id == id)
			return &lines[i];
		if (lines[i].used < best->used)
			best = &lines[i];
	}
	return best;
}

/* Moves the line to out and frees it. */
static void line_take(struct line *l, struct line *out)
{
	*out = *l;
	l->used = 0;
	l->line = (struct guest_line){ 0 };
}

/*
 * Adds text to the domain's line up to its end; says how many bytes of text were used. out->used is
 * set when a line (possibly another domain's) is to be printed.
 */
static size_t line_add(domid_t id, const char *text, size_t n, struct line *out)
{
	struct line *l = line_of(id);

	out->used = 0;
	if (l->used && l->id != id) {
		line_take(l, out);
		return 0;
	}
	l->used = ++line_clock;
	l->id = id;
	for (size_t i = 0; i < n; i++) {
		if (guest_line_add(&l->line, text[i])) {
			line_take(l, out);
			return i + 1;
		}
	}
	return n;
}

void guest_line_write(struct domain *d, const char *text, size_t n)
{
	struct line out;
	u32 suppressed;

	while (n) {
		size_t used;

		lock_take(&guest_line_lock);
		used = line_add(d->id, text, n, &out);
		lock_drop(&guest_line_lock);
		text += used;
		n -= used;
		if (!out.used || !guest_message_allowed(d, GUEST_LINE_TOKENS, &suppressed))
			continue;
		if (suppressed)
			printk_at(LOG_WARNING, "d%u: %u messages suppressed\n", d->id, suppressed);
		console_guest_line(out.id, out.line.text, out.line.len, true);
	}
}
