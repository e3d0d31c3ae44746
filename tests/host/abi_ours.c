/* SPDX-License-Identifier: Apache-2.0 */
/* The list of abi_list.h with our headers. */
#include "abi_list_types.h"

#include <abi/domctl.h>
#include <abi/event_channel.h>
#include <abi/grant_table.h>
#include <abi/hvm_op.h>
#include <abi/hypfs.h>
#include <abi/memory.h>
#include <abi/platform.h>
#include <abi/sched.h>
#include <abi/sysctl.h>
#include <abi/version.h>
#include <abi/xen.h>
#include <serai/errno.h>
#include <serai/runstate.h>

#define S(o, x)	      { "sizeof " #o, sizeof(struct o), 0 },
#define F(o, f, x, g) { #o "." #f, offsetof(struct o, f), sizeof(((struct o *)0)->f) },
#define N(o, f, x)    F(o, f, x, f)
#define V(name)	      { #name, (long)(name), 0 },
#define W(o, x)	      { #o, (long)(o), 0 },

const struct abi_line abi_ours[] = {
#include "abi_list.h"
};
const size_t abi_ours_count = sizeof(abi_ours) / sizeof(abi_ours[0]);
