/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serai-dtcheck: asks the hypervisor's own code, before anyone boots, what it would say about a
 * device tree, and shows what would be whose. The order is that of the boot (arch/arm64/setup.c).
 */
#include "dtcheck.h"
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/uart.h>
#include <stdio.h>

/* As in start_hyp(). The console's node, or -1. */
static int decide(const struct blob *tree)
{
	const struct uart_driver *driver;
	struct boot_device dev;
	int console = -1, rc;

	rc = bootinfo_parse(tree->data, settings.tree, settings.serai,
			    settings.serai + settings.serai_size);
	if (!settings.tree)
		boot_info.fdt_range = (struct range){ 0, 0 };
	cmdline_parse(settings.cmdline ? settings.cmdline : boot_info.hyp_cmdline);
	if (!bootinfo_find_console(&dev, &driver))
		console = dev.node;
	if (!rc && !builder_decide(&boot_info))
		modules_check(&boot_info, console);
	return console;
}

static int conclude(void)
{
	bool bad = refusals || (settings.fail_on_warning && warnings);

	if (refusals)
		printf("%s: refused, see %u message%s above", settings.tree_file, refusals,
		       refusals == 1 ? "" : "s");
	else
		printf("%s: nothing is refused", settings.tree_file);
	printf("; %u warning%s\n", warnings, warnings == 1 ? "" : "s");
	return bad ? STATUS_REFUSED : STATUS_FINE;
}

int main(int argc, char **argv)
{
	struct blob tree;
	int console;

	if (!args_take(argc, argv))
		return STATUS_UNREADABLE;
	if (!blob_read(settings.tree_file, &tree) || !blob_check_tree(settings.tree_file, &tree))
		return STATUS_UNREADABLE;
	console = decide(&tree);
	if (!settings.quiet)
		map_print(&boot_info, console);
	return conclude();
}
