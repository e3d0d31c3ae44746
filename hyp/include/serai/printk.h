/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to the console ring and the UART.
 *
 * The level is part of the call. loglvl= on the command line chooses what the UART shows; the ring
 * keeps everything. Messages that a guest can cause go through guest_printk(), which is rate
 * limited and prefixed with the domain and vcpu.
 */
#ifndef SERAI_PRINTK_H
#define SERAI_PRINTK_H

#include <serai/compiler.h>
#include <serai/types.h>
#include <stdarg.h>

enum log_level { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void printk_at(enum log_level level, const char *fmt, ...) __printf_like(2, 3);
void vprintk_at(enum log_level level, const char *fmt, va_list ap);
/* Rate limited; the text is prefixed with "dNvN ". May be called from any trap handler. */
void guest_printk(enum log_level level, const char *fmt, ...) __printf_like(2, 3);

#define pr_err(...)   printk_at(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk_at(LOG_WARNING, __VA_ARGS__)
#define pr_info(...)  printk_at(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk_at(LOG_DEBUG, __VA_ARGS__)

/* Debug keys: one level more or less is shown of what printk_level_select() chose by turns. */
void printk_level_step(int by);
void printk_level_select(void);

/* Like the C library's; understands %d %u %x %X %o %c %s %p %% with l, ll, z, h, widths, 0 - # +. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);

#endif
