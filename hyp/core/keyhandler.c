/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug keys: one function for each printable key, called with no lock held on the CPU that took
 * the console's interrupt.
 */
#include <serai/arch.h>
#include <serai/compiler.h>
#include <serai/console.h>
#include <serai/printk.h>

#define KEY_FIRST ' '
#define KEY_LAST  '~'

#define DIAGNOSTICS "qrmHatieg0d" /* what * presses */

static void key_help(void);
static void key_all(void);
static void key_more(void);
static void key_less(void);
static void key_reboot(void);

static struct {
	void (*fn)(void);
	const char *what;
} keys[KEY_LAST - KEY_FIRST + 1] = {
	['*' - KEY_FIRST] = { key_all, "all diagnostics" },
	['+' - KEY_FIRST] = { key_more, "show more messages" },
	['-' - KEY_FIRST] = { key_less, "show fewer messages" },
	['G' - KEY_FIRST] = { printk_level_select, "+ and - are for messages about guests, or not" },
	['h' - KEY_FIRST] = { key_help, "this help" },
	['R' - KEY_FIRST] = { key_reboot, "reboot the machine" },
};

static bool key_valid(char key)
{
	return key >= KEY_FIRST && key <= KEY_LAST;
}

void keyhandler_register(char key, void (*fn)(void), const char *what)
{
	if (!key_valid(key) || keys[key - KEY_FIRST].fn) {
		pr_warn("debug key '%c' is taken already; '%s' gets none\n", key, what);
		return;
	}
	keys[key - KEY_FIRST].fn = fn;
	keys[key - KEY_FIRST].what = what;
}

void keyhandler_run(char key)
{
	if (!key_valid(key) || !keys[key - KEY_FIRST].fn) {
		pr_info("no debug key '%c'; h lists them\n", key_valid(key) ? key : '?');
		return;
	}
	pr_info("'%c' pressed: %s\n", key, keys[key - KEY_FIRST].what);
	keys[key - KEY_FIRST].fn();
}

static void key_help(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].fn)
			pr_info("  %c  %s\n", (char)(KEY_FIRST + i), keys[i].what);
}

static void key_all(void)
{
	for (const char *key = DIAGNOSTICS; *key; key++)
		if (keys[*key - KEY_FIRST].fn)
			keyhandler_run(*key);
}

static void key_more(void)
{
	printk_level_step(1);
}

static void key_less(void)
{
	printk_level_step(-1);
}

static void key_reboot(void)
{
	cpu_arch_reset();
}
