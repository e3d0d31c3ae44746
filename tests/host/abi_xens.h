/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of abi_list.h with Xen's public headers, as a 64-bit Arm guest sees them; XEN_HEADERS is
 * undefined where there are none. Which version's they are is up to the include path.
 */
#ifndef TESTS_ABI_XENS_H
#define TESTS_ABI_XENS_H

#include "abi_list_types.h"

#include <stdint.h>

/* Layouts of LP64 with natural alignment: the same on the machine that runs this test. */
#undef __x86_64__
#undef __i386__
#ifndef __aarch64__
#define __aarch64__ 1
#endif
#define __XEN_TOOLS__ 1

#if __has_include(<xen/xen.h>)

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define S(o, x)	      { "sizeof " #o, sizeof(x), 0 },
#define F(o, f, x, g) { #o "." #f, offsetof(x, g), sizeof(((x *)0)->g) },
#define N(o, f, x)    F(o, f, x, f)
#define V(name)	      { #name, (long)(name), 0 },
#define W(o, x)	      { #o, (long)(x), 0 },

static const struct abi_line xens[] = {
#include "abi_list.h"
};

#define XEN_HEADERS 1

#endif

#endif
