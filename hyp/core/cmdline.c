/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line's grammar: words separated by blanks; name, name=value, no-name. Nothing here is
 * fatal: a word that is not understood is named in a warning and left out.
 */
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>

#define WORD_MAX	192
#define NAME_MAX	32 /* longer names have no neighbours */

char cmdline_text[1024];

bool __init parse_size(const char *s, u64 *out)
{
	static const char units[] __initconst = "bkmgt";
	char *end;
	const char *unit;
	u32 shift;
	u64 n;

	if (*s < '0' || *s > '9' || strnlen(s, 20) == 20)
		return false;
	n = strtoul(s, &end, s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10);
	if (!*end) {
		*out = n;
		return true;
	}
	unit = strchr(units, *end | 0x20);
	if (!unit || end[1])
		return false;
	shift = (u32)(unit - units) * 10;
	*out = n << shift;
	return *out >> shift == n;
}

bool __init parse_bool(const char *s, bool *out)
{
	static const char *const words[2][5] = { { "no", "off", "false", "disable", "0" },
						 { "yes", "on", "true", "enable", "1" } };

	*out = true;
	if (!*s)
		return true;
	for (u32 on = 0; on < 2; on++) {
		for (u32 i = 0; i < ARRAY_SIZE(words[0]); i++) {
			if (!strcmp(s, words[on][i])) {
				*out = on;
				return true;
			}
		}
	}
	return false;
}

/* Edit distance of two names (Levenshtein), one row of the table at a time. */
static u32 __init name_distance(const char *a, const char *b)
{
	u32 la = (u32)strlen(a), lb = (u32)strlen(b);
	u32 row[NAME_MAX + 1];

	if (la > NAME_MAX || lb > NAME_MAX)
		return ~0U;
	for (u32 j = 0; j <= lb; j++)
		row[j] = j;
	for (u32 i = 1; i <= la; i++) {
		u32 diagonal = row[0];

		row[0] = i;
		for (u32 j = 1; j <= lb; j++) {
			u32 change = diagonal + (a[i - 1] != b[j - 1]);
			u32 insert = row[j - 1] + 1, drop = row[j] + 1;

			insert = MIN(insert, drop);
			diagonal = row[j];
			row[j] = MIN(change, insert);
		}
	}
	return row[lb];
}

const char *__init name_nearest(const char *name, const void *table, u32 nr, size_t stride)
{
	const char *nearest = NULL;
	u32 best = (u32)strlen(name) / 2 + 1;

	for (u32 i = 0; i < nr; i++) {
		const char *other = *(const char *const *)((const char *)table + i * stride);
		u32 d = name_distance(name, other);

		if (d < best) {
			best = d;
			nearest = other;
		}
	}
	return nearest;
}

static void __init warn_unknown(const char *name)
{
	const char *nearest = name_nearest(name, options_table, options_count,
					   sizeof(options_table[0]));

	if (nearest)
		pr_warn("command line: unknown option %s; did you mean %s?\n", name, nearest);
	else
		pr_warn("command line: unknown option %s\n", name);
}

static const struct option *__init option_find(const char *name)
{
	for (u32 i = 0; i < options_count; i++)
		if (!strcmp(name, options_table[i].name))
			return &options_table[i];
	return NULL;
}

static bool __init set_uint(const struct option *o, const char *value)
{
	char *end;
	unsigned long n;

	if (*value < '0' || *value > '9' || strnlen(value, 12) == 12)
		return false;
	n = strtoul(value, &end, 0);
	if (*end || !n || n > o->size)
		return false;
	*(u32 *)o->target = (u32)n;
	return true;
}

/* has_value: there was a '=', perhaps with nothing behind it. */
static bool __init option_set(const struct option *o, const char *value, bool has_value, bool no)
{
	bool on;

	switch (o->type) {
	case OPTION_BOOL:
		if ((no && has_value) || !parse_bool(value, &on))
			return false;
		*(bool *)o->target = on != no;
		return true;
	case OPTION_STRING:
		if (no || !*value || strlen(value) >= o->size)
			return false;
		str_copy(o->target, value, o->size);
		return true;
	case OPTION_UINT:
		return !no && set_uint(o, value);
	case OPTION_PARSED:
		return o->parse(value, no);
	}
	return false;
}

static void __init parse_word(char *word)
{
	char *eq = strchr(word, '=');
	const char *value = eq ? eq + 1 : "";
	const struct option *o;
	bool no = false;

	if (eq)
		*eq = '\0';
	o = option_find(word);
	if (!o && !strncmp(word, "no-", 3)) {
		no = true;
		o = option_find(word + 3);
	}
	if (!o)
		warn_unknown(word);
	else if (!option_set(o, value, eq != NULL, no))
		pr_warn("command line: %s%s%s is not accepted; %s takes %s\n", word,
			eq ? "=" : "", value, o->name, o->accepts);
}

static bool __init is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void __init cmdline_parse(const char *text)
{
	char word[WORD_MAX];

	if (str_copy(cmdline_text, text, sizeof(cmdline_text)) >= sizeof(cmdline_text))
		pr_warn("command line: only the first %lu characters are used\n",
			sizeof(cmdline_text) - 1);
	for (const char *s = cmdline_text; *s;) {
		size_t len = 0;

		while (is_blank(*s))
			s++;
		while (s[len] && !is_blank(s[len]))
			len++;
		if (len >= sizeof(word))
			pr_warn("command line: %.20s... is too long\n", s);
		else if (len) {
			str_copy(word, s, len + 1);
			parse_word(word);
		}
		s += len;
	}
}
