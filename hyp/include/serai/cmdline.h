/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: space separated name, name=value, no-name. Options are declared in one table
 * (core/options.c); an unknown one is named in a warning with its nearest neighbour.
 */
#ifndef SERAI_CMDLINE_H
#define SERAI_CMDLINE_H

#include <serai/sched_tunables.h>
#include <serai/types.h>

#ifdef CONFIG_SCHED_CREDIT2
#define SCHED_DEFAULT "credit2"
#else
#define SCHED_DEFAULT "null"
#endif

#ifdef CONFIG_DEBUG
#define GUEST_CONSOLE_IO true
#else
#define GUEST_CONSOLE_IO false
#endif

#define GNTTAB_FRAMES_LIMIT   32768
#define MAPTRACK_FRAMES_LIMIT 65536

struct options {
	u64 dom0_mem;	       /* bytes; 0: 512 MiB, or what fits */
	u32 dom0_max_vcpus;    /* 0: as many as there are CPUs */
	char console[32];      /* dtuart, none */
	char dtuart[128];      /* path, alias or empty: /chosen stdout-path */
	char loglvl[32], guest_loglvl[32];
	char sched[16];
	struct sched_tunables tunables;
	bool vwfi_native;
	bool noreboot;
	bool dom0less_strict;  /* a domain of the device tree that is refused stops the boot */
	bool dom0less_poweroff; /* without dom0: when the last domain has ended */
	bool dom0less_norestart; /* a domain of the device tree that ends stays off */
	bool dom0less_restart_always; /* it is restarted also when it crashed or missed its watchdog */
	u32 restart_limit; /* of one domain, within a minute */
	bool guest_console_io; /* guests may write to the console */
	bool sync_console;
	u8 bootscrub; /* enum bootscrub */
	u32 conring_order; /* 0: CONFIG_CONSOLE_RING_ORDER */
	char xsm[16];
	u32 tbuf_size, tevt_mask; /* pages of each CPU's trace buffer, and what is recorded from the start; 0: none */
	u32 gnttab_max_version; /* 1 or 2: of domains that do not say */
	bool gnttab_transitive;
	u32 gnttab_max_frames, gnttab_max_maptrack_frames; /* likewise */
};

enum bootscrub { BOOTSCRUB_OFF, BOOTSCRUB_IDLE, BOOTSCRUB_ON };

extern struct options options;
extern char cmdline_text[1024]; /* as given, for XENVER_commandline */

/* Parses text into options; warnings go to the console. */
void cmdline_parse(const char *text);
/* "512M", "2G", "1048576K", bytes; false when it is no size or does not fit. */
bool parse_size(const char *s, u64 *out);

/* --- the table, options.c --- */
enum option_type {
	OPTION_BOOL,	/* bool: name, no-name, name=yes/no/... */
	OPTION_STRING,	/* char[size] */
	OPTION_UINT,	/* u32, decimal or 0x, 1 .. max */
	OPTION_PARSED,	/* parse() */
};

struct option {
	const char *name;
	enum option_type type;
	void *target;
	u32 size; /* of a string's array, or the largest number */
	/* False: not accepted. no: written as no-name; value is "" when there is none. */
	bool (*parse)(const char *value, bool no);
	const char *accepts; /* for the warning */
};

extern const struct option options_table[];
extern const u32 options_count;

/*
 * The name that resembles the given one most, or NULL when none does. Names are the first members of
 * the nr structures in table, stride bytes each.
 */
const char *name_nearest(const char *name, const void *table, u32 nr, size_t stride);

/* "yes", "on", "true", "enable", "1", "" and their opposites. */
bool parse_bool(const char *s, bool *out);

#endif
