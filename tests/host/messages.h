/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps all that printk_at() was told, so that a test can look for words in it. One per program. */
#ifndef TESTS_HOST_MESSAGES_H
#define TESTS_HOST_MESSAGES_H

#include <serai/printk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char messages[16384];
static size_t messages_len;

void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(messages + messages_len, sizeof(messages) - messages_len, fmt, ap);
	va_end(ap);
	if (n > 0 && messages_len + (size_t)n < sizeof(messages))
		messages_len += (size_t)n;
	if (getenv("HOST_VERBOSE"))
		fputs(messages + messages_len - n, stderr);
}

static inline void messages_clear(void)
{
	messages_len = 0;
	messages[0] = 0;
}

#define assert_said(text)                                                                  \
	do {                                                                               \
		if (!strstr(messages, (text)))                                             \
			fail_msg("\"%s\" was not said, but: %s", (text), messages);        \
	} while (0)
#define assert_silent()                                                                    \
	do {                                                                               \
		if (messages_len)                                                          \
			fail_msg("nothing should have been said, but: %s", messages);      \
	} while (0)

#endif
