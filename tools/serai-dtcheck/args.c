/* SPDX-License-Identifier: Apache-2.0 */
/* The program's arguments. */
#include "dtcheck.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <version.h>

static const char help_text[] =
	"NAME\n"
	"    " PROGRAM " - what Serai would say about a device tree, without booting it\n"
	"\n"
	"SYNOPSIS\n"
	"    " PROGRAM " [OPTION]... FILE.dtb\n"
	"\n"
	"DESCRIPTION\n"
	"    Reads the device tree that a boot loader would pass to Serai (\"-\": from standard\n"
	"    input) with the hypervisor's own code, prints the messages that a boot would print, word\n"
	"    for word, and then a map: memory, domains, CPUs, interrupts and whose they are.\n"
	"\n"
	"OPTIONS\n"
	"    --cmdline=TEXT         Serai's command line, instead of the one in /chosen\n"
	"    --file=ADDRESS=FILE    the loader puts FILE at ADDRESS: its size is compared with the\n"
	"                           module's reg, a kernel is unpacked and given its place, a\n"
	"                           partial device tree is read. May be repeated.\n"
	"    --serai=ADDRESS,SIZE   where Serai's image is, with its bss (QEMU: see -kernel)\n"
	"    --tree=ADDRESS         where the loader puts the tree\n"
	"    -q, --quiet            messages only, no map\n"
	"    -W, --fail-on-warning  exit status 1 also for warnings\n"
	"    -h, --help             this text\n"
	"    -V, --version          version of Serai that this program speaks for\n"
	"\n"
	"EXIT STATUS\n"
	"    0   nothing is refused; there may be warnings\n"
	"    1   Serai would refuse something: the boot, a domain, the console\n"
	"    2   the file cannot be read as a device tree, or an option cannot be understood\n"
	"\n"
	"EXAMPLES\n"
	"    qemu-system-aarch64 -machine virt,gic-version=3,virtualization=on,dumpdtb=virt.dtb ...\n"
	"    " PROGRAM " --cmdline=\"dom0_mem=1G\" virt.dtb\n"
	"    dtc -O dtb board.dts | " PROGRAM " -\n"
	"\n"
	"    Without --serai and --tree, overlaps with Serai's image and with the tree itself\n"
	"    cannot be seen. What is in RAM (is the kernel one?) is only known of --file.\n";

enum { OPT_CMDLINE = 256, OPT_FILE, OPT_SERAI, OPT_TREE };

static const struct option_names {
	struct option list[9];
} names = { {
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "serai", required_argument, NULL, OPT_SERAI },
	{ "tree", required_argument, NULL, OPT_TREE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "fail-on-warning", no_argument, NULL, 'W' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
} };

struct settings settings;

static bool usage(const char *why, const char *what)
{
	fprintf(stderr, "%s: %s%s%s; %s --help explains\n", PROGRAM, why, *what ? ": " : "", what,
		PROGRAM);
	return false;
}

/* A number that ends at the character end; the rest is behind it. */
static bool take_number(const char **s, char end, u64 *out)
{
	char *rest;

	errno = 0;
	*out = strtoull(*s, &rest, 0);
	if (errno || rest == *s || *rest != end || **s == '-')
		return false;
	*s = rest + (end != '\0');
	return true;
}

static bool take_serai(const char *text)
{
	const char *s = text;

	if (take_number(&s, ',', &settings.serai) && take_number(&s, '\0', &settings.serai_size) &&
	    settings.serai + settings.serai_size >= settings.serai)
		return true;
	return usage("--serai takes ADDRESS,SIZE", text);
}

static bool take_file(const char *text)
{
	const char *s = text;
	u64 address;

	if (!take_number(&s, '=', &address) || !*s)
		return usage("--file takes ADDRESS=FILE", text);
	return modules_add(address, s);
}

static bool take_tree(const char *text)
{
	const char *s = text;

	return take_number(&s, '\0', &settings.tree) || usage("--tree takes an address", text);
}

/* False: it cannot be understood, which is said. */
static bool take_option(int option)
{
	switch (option) {
	case OPT_CMDLINE:
		settings.cmdline = optarg;
		return true;
	case OPT_FILE:
		return take_file(optarg);
	case OPT_SERAI:
		return take_serai(optarg);
	case OPT_TREE:
		return take_tree(optarg);
	case 'q':
		settings.quiet = true;
		return true;
	case 'W':
		settings.fail_on_warning = true;
		return true;
	default:
		return usage("the options cannot be understood", "");
	}
}

bool args_take(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "qWhV", names.list, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			printf("%s", option == 'h' ? help_text : PROGRAM " " SERAI_VERSION "\n");
			exit(STATUS_FINE);
		}
		if (!take_option(option))
			return false;
	}
	if (optind + 1 != argc)
		return usage(optind == argc ? "no file is named" : "more than one file is named", "");
	settings.tree_file = argv[optind];
	return true;
}
