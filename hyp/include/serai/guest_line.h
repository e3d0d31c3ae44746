/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests' text as lines, and how often a guest may make the console say something: one token bucket
 * per domain, for messages about the domain and for the lines it writes by hypercall.
 */
#ifndef SERAI_GUEST_LINE_H
#define SERAI_GUEST_LINE_H

#include <serai/types.h>

struct domain;

/* Costs of the two kinds, in tokens: a message about the domain, a line of its own. */
#define GUEST_MESSAGE_TOKENS 16
#define GUEST_LINE_TOKENS    1

#define GUEST_LINE_MAX 256

/*
 * A line in the making, as a terminal shows it: without escape sequences and control characters,
 * and what was taken back or overwritten is gone. All zero: empty.
 */
struct guest_line {
	u16 len;
	u8 escape;    /* inside of an escape sequence */
	bool rewound; /* the cursor went back to the left */
	char text[GUEST_LINE_MAX];
};

/* Adds c; true: the line is complete, or full. The caller uses it and calls guest_line_clear(). */
bool guest_line_add(struct guest_line *l, char c);

/* A new line begins; an escape sequence goes on. */
static inline void guest_line_clear(struct guest_line *l)
{
	l->len = 0;
	l->rewound = false;
}

/*
 * Takes tokens from d's bucket (NULL: the hypervisor's own, for messages outside of any domain).
 * False: too many messages, be silent. When true, *suppressed is how many were silenced since
 * the last true.
 */
bool guest_message_allowed(struct domain *d, u32 tokens, u32 *suppressed);

/* Collects d's text into lines and prints them. */
void guest_line_write(struct domain *d, const char *text, size_t n);

#endif
