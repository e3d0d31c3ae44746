/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of serai-dtcheck. Everything that decides about a device tree is the hypervisor's. */
#ifndef DTCHECK_H
#define DTCHECK_H

#include <serai/boot.h>
#include <serai/types.h>

#define PROGRAM "serai-dtcheck"

/* Exit status. */
enum { STATUS_FINE, STATUS_REFUSED, STATUS_UNREADABLE };

/* --- args.c --- */
extern struct settings {
	const char *tree_file;
	const char *cmdline;		/* NULL: the tree's */
	u64 serai, serai_size, tree;	/* addresses; 0: not known */
	bool quiet, fail_on_warning;
} settings;

/* False: an argument cannot be understood, which is said. Does not return after --help. */
bool args_take(int argc, char **argv);

/* --- input.c --- */
struct blob {
	void *data; /* 8-byte aligned */
	size_t size;
};

/* A file, or standard input for "-"; says why not. */
bool blob_read(const char *name, struct blob *out);
/* A device tree blob that the hypervisor's parser would read; says what else it is and what to do. */
bool blob_check_tree(const char *name, const struct blob *b);

/* --- house.c --- */
/* Messages of the hypervisor so far. */
extern unsigned int refusals, warnings;

/* --- modules.c --- */
/* The loader will put the file there. */
bool modules_add(u64 address, const char *name);
/* What the boot finds out about modules when they are in memory: of those whose files were named. */
void modules_check(struct boot_info *bi, int console);

/* --- map.c, map_irq.c --- */
/* console: node of its UART, or -1. */
void map_print(const struct boot_info *bi, int console);
void map_print_irqs(const struct boot_info *bi, int console);

#endif
