/* SPDX-License-Identifier: Apache-2.0 */
/* What the hypervisor's code calls here: messages, and devices, which are never there. */
#include "dtcheck.h"
#include <arch/memory.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/bug.h>
#include <serai/console.h>
#include <serai/printk.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned int refusals, warnings;

/* As the console shows them, without loglvl=. */
void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	refusals += level == LOG_ERR;
	warnings += level == LOG_WARNING;
	if (level > LOG_INFO)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void console_set_uart(const struct uart *u)
{
}

/* No driver runs. */
void host_wait(void)
{
}

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return NULL;
}
