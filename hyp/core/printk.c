/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: formatted on the stack of the caller, then given to the console as a whole. The level
 * decides whether the UART shows a message; guests' messages have a threshold of their own and a
 * limit of how many.
 */
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/guest_line.h>
#include <serai/printk.h>
#include <serai/string.h>

#define MESSAGE_MAX 512
#define CUT_MARK    "..."

/* Messages with a level below these are shown; LOG_ERR is 0. */
static u32 shown_levels = LOG_INFO + 1;
static u32 guest_shown_levels = LOG_WARNING + 1;

static const char *const level_names[] = { "none", "error", "warning", "info", "debug", "all" };
static bool guests_level; /* is what printk_level_step() changes */

static void message_cut(char *buf, size_t size, size_t len)
{
	if (len >= size)
		memcpy(buf + size - sizeof(CUT_MARK), CUT_MARK, sizeof(CUT_MARK));
}

void vprintk_at(enum log_level level, const char *fmt, va_list ap)
{
	char buf[MESSAGE_MAX];

	message_cut(buf, sizeof(buf), (size_t)vsnprintf(buf, sizeof(buf), fmt, ap));
	console_write(buf, (u32)level < shown_levels);
}

void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk_at(level, fmt, ap);
	va_end(ap);
}

void guest_printk(enum log_level level, const char *fmt, ...)
{
	const struct vcpu *v = current_vcpu();
	char buf[MESSAGE_MAX];
	u32 suppressed;
	size_t len = 0;
	va_list ap;

	if (!guest_message_allowed(v ? v->domain : NULL, GUEST_MESSAGE_TOKENS, &suppressed))
		return;
	if (v)
		len = (size_t)snprintf(buf, sizeof(buf), "d%uv%u ", v->domain->id, v->id);
	if (suppressed)
		len += (size_t)snprintf(buf + len, sizeof(buf) - len, "(%u messages suppressed) ",
					suppressed);
	va_start(ap, fmt);
	len += (size_t)vsnprintf(buf + len, sizeof(buf) - len, fmt, ap);
	va_end(ap);
	message_cut(buf, sizeof(buf), len);
	console_write(buf, (u32)level < guest_shown_levels);
}

/*
 * "warning", or "error/warning": in the second form the messages between the two levels are meant
 * to be shown in limited number; all of ours are few, so the upper level counts.
 */
static bool level_parse(const char *text, u32 *levels)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;

	for (u32 i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			WRITE_ONCE(*levels, MIN(i, (u32)LOG_DEBUG + 1));
			return true;
		}
	}
	return false;
}

bool console_set_level(bool guest, const char *text)
{
	char *kept = guest ? options.guest_loglvl : options.loglvl;

	if (!level_parse(text, guest ? &guest_shown_levels : &shown_levels))
		return false;
	str_copy(kept, text, sizeof(options.loglvl));
	return true;
}

static void level_init(const char *option, const char *text, u32 *levels)
{
	if (*text && !level_parse(text, levels))
		pr_warn("%s=%s: not a level; write none, error, warning, info, debug or all\n",
			option, text);
}

void printk_level_select(void)
{
	guests_level = !guests_level;
	printk_level_step(0);
}

void printk_level_step(int by)
{
	u32 level = (guests_level ? guest_shown_levels : shown_levels) + (u32)by;

	/* Both below none and above debug are no levels. */
	if (level <= LOG_DEBUG + 1)
		console_set_level(guests_level, level_names[level]);
	pr_err("messages %sare shown up to level: %s\n", guests_level ? "about guests " : "",
	       level_names[guests_level ? guest_shown_levels : shown_levels]);
}

void console_init(void)
{
	level_init("loglvl", options.loglvl, &shown_levels);
	level_init("guest_loglvl", options.guest_loglvl, &guest_shown_levels);
}
