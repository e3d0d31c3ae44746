/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack protector's guard: libfdt is built with it, and the whole hypervisor with
 * CONFIG_STACK_PROTECTOR. A constant with a zero byte, which string overruns cannot write.
 */
#include <serai/bug.h>
#include <serai/stack_guard.h>

unsigned long __stack_chk_guard = 0x5e7a1dead0ff00;

void __stack_chk_fail(void)
{
	panic("stack overwritten in the function that called %p", __builtin_return_address(0));
}
