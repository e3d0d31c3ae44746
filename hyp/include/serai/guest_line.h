/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests' text and how often a guest may make the console say something: one token bucket per
 * domain, for messages about the domain and for the lines it writes itself.
 */
#ifndef SERAI_GUEST_LINE_H
#define SERAI_GUEST_LINE_H

#include <serai/types.h>

struct domain;

/* Costs of the two kinds, in tokens: a message about the domain, a line of its own. */
#define GUEST_MESSAGE_TOKENS 16
#define GUEST_LINE_TOKENS    1

/*
 * Takes tokens from d's bucket (NULL: the hypervisor's own, for messages outside of any domain).
 * False: too many messages, be silent. When true, *suppressed is how many were silenced since
 * the last true.
 */
bool guest_message_allowed(struct domain *d, u32 tokens, u32 *suppressed);

/* Collects d's text into lines, cleans them of control characters and prints them. */
void guest_line_write(struct domain *d, const char *text, size_t n);
/* console.c: one line of a domain, complete. */
void console_guest_line(domid_t id, const char *text, size_t n);

#endif
