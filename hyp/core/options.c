/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of the command line, in one table. docs/command-line.md tells the user more. */
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/cpumask.h>
#include <serai/string.h>

#define CONRING_ORDER_MAX 8

struct options options = {
	.console = "dtuart",
	.loglvl = "info",
	.guest_loglvl = "warning",
	.sched = SCHED_DEFAULT,
	.tunables = SCHED_TUNABLES_DEFAULT,
	.bootscrub = BOOTSCRUB_IDLE,
	.guest_console_io = GUEST_CONSOLE_IO,
	.xsm = "silo",
	.gnttab_max_version = 1,
	.gnttab_transitive = true,
	.gnttab_max_frames = 64,
	.gnttab_max_maptrack_frames = 1024,
	.restart_limit = 5,
};

/* SIZE, min:SIZE, max:SIZE, separated by commas: the plain one counts, else max, else min. */
static bool __init parse_dom0_mem(const char *value, bool no)
{
	static const char *const prefix[] = { "", "max:", "min:" };
	u64 found[ARRAY_SIZE(prefix)] = { 0 }, n;
	char word[24];

	while (*value && !no) {
		const char *comma = strchr(value, ',');
		size_t len = comma ? (size_t)(comma - value) : strlen(value);
		u32 kind = !strncmp(value, "max:", 4) ? 1 : !strncmp(value, "min:", 4) ? 2 : 0;

		if (len >= sizeof(word))
			return false;
		str_copy(word, value, len + 1);
		if (!parse_size(word + strlen(prefix[kind]), &n) || n < PAGE_SIZE)
			return false;
		found[kind] = n;
		value += len + (comma != NULL);
	}
	for (u32 i = 0; i < ARRAY_SIZE(prefix); i++) {
		if (found[i]) {
			options.dom0_mem = found[i] & PAGE_MASK;
			return true;
		}
	}
	return false;
}

static bool __init parse_console(const char *value, bool no)
{
	if (no)
		value = "none";
	if (strcmp(value, "dtuart") && strcmp(value, "none"))
		return false;
	str_copy(options.console, value, sizeof(options.console));
	return true;
}

static bool __init parse_vwfi(const char *value, bool no)
{
	bool native = !strcmp(value, "native");

	if (no || (!native && strcmp(value, "trap")))
		return false;
	options.vwfi_native = native;
	return true;
}

/* Arm's CPUs are cores with one thread, as a rule, and its machines one node. */
static bool __init parse_runqueue(const char *value, bool no)
{
	static const struct {
		const char *word;
		enum sched_span span;
	} words[] __initconst = {
		{ "cpu", SCHED_SPAN_CPU },   { "core", SCHED_SPAN_CPU }, { "socket", SCHED_SPAN_CLUSTER },
		{ "node", SCHED_SPAN_ALL }, { "all", SCHED_SPAN_ALL },
	};

	for (u32 i = 0; !no && i < ARRAY_SIZE(words); i++) {
		if (!strcmp(value, words[i].word)) {
			options.tunables.span = words[i].span;
			return true;
		}
	}
	return false;
}

static bool __init parse_ratelimit(const char *value, bool no)
{
	u64 us = 0;

	if (!no && (!parse_size(value, &us) || !sched_ratelimit_usable(us)))
		return false;
	options.tunables.ratelimit_us = (u32)us;
	return true;
}

static bool __init parse_bootscrub(const char *value, bool no)
{
	bool on = false;

	if (!strcmp(value, "idle") && !no)
		options.bootscrub = BOOTSCRUB_IDLE;
	else if (parse_bool(value, &on))
		options.bootscrub = on != no ? BOOTSCRUB_ON : BOOTSCRUB_OFF;
	else
		return false;
	return true;
}

static bool __init parse_dom0less(const char *value, bool no)
{
	static const struct {
		const char *word;
		bool *target;
		bool on;
	} words[] __initconst = {
		{ "strict", &options.dom0less_strict, true },
		{ "lenient", &options.dom0less_strict, false },
		{ "poweroff", &options.dom0less_poweroff, true },
		{ "idle", &options.dom0less_poweroff, false },
		{ "norestart", &options.dom0less_norestart, true },
		{ "restart", &options.dom0less_norestart, false },
		{ "restart-always", &options.dom0less_restart_always, true },
	};

	while (*value && !no) {
		const char *comma = strchr(value, ',');
		size_t len = comma ? (size_t)(comma - value) : strlen(value);
		u32 i = 0;

		while (i < ARRAY_SIZE(words) && (strlen(words[i].word) != len ||
						 strncmp(value, words[i].word, len)))
			i++;
		if (i == ARRAY_SIZE(words))
			return false;
		*words[i].target = words[i].on;
		value += len + (comma != NULL);
	}
	return !no;
}

static bool __init parse_conring(const char *value, bool no)
{
	u32 order = 0;
	u64 size;

	if (no || !parse_size(value, &size) || !size)
		return false;
	while (order < CONRING_ORDER_MAX && PAGE_SIZE << order < size)
		order++;
	options.conring_order = order;
	return true;
}

/* max-ver:1, max-ver:2, transitive, no-transitive, separated by commas. */
static bool __init parse_gnttab(const char *value, bool no)
{
	static const char *const words[] __initconst = { "max-ver:1", "max-ver:2", "no-transitive",
							 "transitive" };
	bool transitive = options.gnttab_transitive;
	u32 version = options.gnttab_max_version;

	while (*value && !no) {
		const char *comma = strchr(value, ',');
		size_t len = comma ? (size_t)(comma - value) : strlen(value);
		u32 i = 0;

		while (i < ARRAY_SIZE(words) &&
		       (strlen(words[i]) != len || strncmp(value, words[i], len)))
			i++;
		if (i == ARRAY_SIZE(words))
			return false;
		if (i < 2)
			version = i + 1;
		else
			transitive = i == 3;
		value += len + (comma != NULL);
	}
	options.gnttab_max_version = version;
	options.gnttab_transitive = transitive;
	return !no;
}

static bool __init parse_xsm(const char *value, bool no)
{
	if (no || (strcmp(value, "dummy") && strcmp(value, "silo")))
		return false;
	str_copy(options.xsm, value, sizeof(options.xsm));
	return true;
}

#define STRING(n, words)                                                          \
	{                                                                         \
		.name = #n, .type = OPTION_STRING, .target = options.n,           \
		.size = sizeof(options.n), .accepts = (words)                     \
	}
#define BOOL(n)                                                                   \
	{                                                                         \
		.name = #n, .type = OPTION_BOOL, .target = &options.n,            \
		.accepts = "yes or no"                                            \
	}
#define UINT(n, field, most, words)                                               \
	{                                                                         \
		.name = #n, .type = OPTION_UINT, .target = &options.field,        \
		.size = (most), .accepts = (words)                                \
	}
#define PARSED(n, fn, words)                                                      \
	{                                                                         \
		.name = #n, .type = OPTION_PARSED, .parse = (fn), .accepts = (words) \
	}

const struct option options_table[] __initconst = {
	PARSED(dom0_mem, parse_dom0_mem, "a size such as 512M or 2G, also min:SIZE and max:SIZE"),
	UINT(dom0_max_vcpus, dom0_max_vcpus, 128, "a number from 1 to 128"),
	PARSED(console, parse_console, "dtuart or none"),
	STRING(dtuart, "a path or alias of the device tree"),
	STRING(loglvl, "none, error, warning, info, debug or all"),
	STRING(guest_loglvl, "none, error, warning, info, debug or all"),
	STRING(sched, "the name of a scheduler"),
	PARSED(credit2_runqueue, parse_runqueue, "cpu, core, socket, node or all"),
	UINT(credit2_max_cpus_runqueue, tunables.queue_cpus, NR_CPUS,
	     "a number from 1 to what this build has of CPUs"),
	PARSED(sched_ratelimit_us, parse_ratelimit, "0, or a number from 100 to 500000"),
	PARSED(vwfi, parse_vwfi, "trap or native"),
	BOOL(noreboot),
	PARSED(bootscrub, parse_bootscrub, "off, idle or on"),
	PARSED(dom0less, parse_dom0less,
	       "strict or lenient, poweroff or idle, norestart, restart or restart-always, "
	       "separated by commas"),
	UINT(restart_limit, restart_limit, 1000000, "a number from 1 to 1000000"),
	BOOL(guest_console_io),
	BOOL(sync_console),
	PARSED(conring_size, parse_conring, "a size such as 16K"),
	UINT(tbuf_size, tbuf_size, 65535, "a number from 1 to 65535"),
	UINT(tevt_mask, tevt_mask, 0x0ffff000, "a mask such as 0x0002f000"),
	PARSED(xsm, parse_xsm, "dummy or silo"),
	PARSED(gnttab, parse_gnttab,
	       "max-ver:1 or max-ver:2, transitive or no-transitive, separated by a comma"),
	UINT(gnttab_max_frames, gnttab_max_frames, GNTTAB_FRAMES_LIMIT, "a number from 1 to 32768"),
	UINT(gnttab_max_maptrack_frames, gnttab_max_maptrack_frames, MAPTRACK_FRAMES_LIMIT,
	     "a number from 1 to 65536"),
};

const u32 options_count __initconst = ARRAY_SIZE(options_table);
