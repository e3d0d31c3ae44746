/* SPDX-License-Identifier: Apache-2.0 */
/* Names that the compiler's stack protector uses. */
#ifndef SERAI_STACK_GUARD_H
#define SERAI_STACK_GUARD_H

#include <serai/compiler.h>

extern unsigned long __stack_chk_guard;
__noreturn void __stack_chk_fail(void);

#endif
