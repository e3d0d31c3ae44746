/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which UART is the console: dtuart= of the command line, or stdout-path of /chosen, and which driver
 * of this build knows it. Messages from here are read in the console ring when there is no UART.
 */
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/uart.h>

#define KNOWN_TEXT 160

static const struct uart_driver *__init find_driver(const struct boot_device *dev)
{
	for (unsigned int i = 0; i < uart_drivers_count; i++)
		if (uart_drivers[i] && boot_device_compatible(dev, uart_drivers[i]->compatible))
			return uart_drivers[i];
	return NULL;
}

static void __init refuse_spec(const char *why)
{
	const char *path = boot_info.stdout_path;

	if (options.dtuart[0])
		pr_err("command line: dtuart=%s: %s; the console has no UART\n", options.dtuart, why);
	else
		pr_err("device tree: /chosen: stdout-path = \"%s\": %s; the console has no UART\n",
		       path ? path : "", why);
}

static void __init refuse_nowhere(void)
{
	pr_err("device tree: /chosen: stdout-path: it is missing, so the console has no UART; write "
	       "stdout-path = \"PATH\" there, dtuart=PATH on the command line, or console=none\n");
}

static void __init refuse_unknown(const struct boot_device *dev)
{
	char known[KNOWN_TEXT] = "none";
	size_t n = 0;

	for (unsigned int i = 0; i < uart_drivers_count && n < sizeof(known); i++)
		if (uart_drivers[i])
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s\"%s\"",
					      n ? ", " : "", uart_drivers[i]->compatible);
	pr_err("device tree: %s: compatible = \"%.60s\": this build has no driver for the console's "
	       "UART; it knows %s; name another one by dtuart=PATH\n",
	       dev->path, dev->compatible ? dev->compatible : "", known);
}

int __init bootinfo_find_console(struct boot_device *dev, const struct uart_driver **driver)
{
	int rc;

	if (!strcmp(options.console, "none"))
		return -XEN_ENOENT;
	rc = bootinfo_find_device(options.dtuart, dev);
	*driver = rc ? NULL : find_driver(dev);
	if (*driver)
		return 0;
	if (!rc)
		refuse_unknown(dev);
	else if (!options.dtuart[0] && !boot_info.stdout_path)
		refuse_nowhere();
	else if (rc == -XEN_ENOENT)
		refuse_spec("there is no such node or alias");
	else
		refuse_spec("its reg cannot be read or has no address of the CPU");
	return rc ? rc : -XEN_ENODEV;
}
