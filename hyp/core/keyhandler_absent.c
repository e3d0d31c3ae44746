/* SPDX-License-Identifier: Apache-2.0 */
/* A build without debug keys: nothing is registered, and a key says so. */
#include <serai/console.h>
#include <serai/printk.h>

void keyhandler_register(char key, void (*fn)(void), const char *what)
{
}

void keyhandler_run(char key)
{
	pr_info("this build has no debug keys (CONFIG_DEBUG_KEYS)\n");
}
