/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own mistakes: BUG_ON() in every build, ASSERT() in debug builds. Both stop the machine with
 * registers and a backtrace. Never for anything that a guest or an operator can cause.
 */
#ifndef SERAI_BUG_H
#define SERAI_BUG_H

#include <serai/compiler.h>
#include <serai/types.h>

__noreturn __cold_path void panic(const char *fmt, ...) __printf_like(1, 2);
/* What the operator wants cannot be, and was refused in words. Ends like panic(), without registers. */
__noreturn __cold_path void refuse_boot(void);

#define BUG_AT_(file, line, what) panic("BUG at %s:%d: %s", file, line, what)
#define BUG()			  BUG_AT_(__FILE_NAME__, __LINE__, "reached")
#define BUG_ON(c)                                            \
	do {                                                 \
		if (unlikely(c))                             \
			BUG_AT_(__FILE_NAME__, __LINE__, #c); \
	} while (0)

#ifdef CONFIG_DEBUG
#define BUILD_KIND " debug"
#define ASSERT(c) BUG_ON(!(c))
#else
#define BUILD_KIND ""
#define ASSERT(c)                     \
	do {                          \
		if (0 && (c)) {       \
		}                     \
	} while (0)
#endif

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

#endif
