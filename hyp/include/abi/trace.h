/* SPDX-License-Identifier: Apache-2.0 */
/* Trace buffers (Xen 4.17 public/trace.h): what tools map, and the events that they understand. */
#ifndef ABI_TRACE_H
#define ABI_TRACE_H

#include <serai/types.h>

/* Classes, with all subclasses (bits 15 to 12). */
#define TRC_GEN	   0x0001f000U
#define TRC_SCHED  0x0002f000U
#define TRC_DOM0OP 0x0004f000U
#define TRC_PV	   0x0020f000U
#define TRC_HW	   0x0080f000U
#define TRC_ALL	   0x0ffff000U

#define TRC_64_FLAG 0x100U /* of some events: addresses have 64 bits */

enum abi_trace_event {
	TRC_LOST_RECORDS = 0x1f001,
	TRC_TRACE_WRAP_BUFFER = 0x1f002,
	TRC_SCHED_RUNSTATE_CHANGE = 0x21001, /* | old state << 8 | new state << 4 */
	TRC_SCHED_DOM_ADD = 0x28001,
	TRC_SCHED_DOM_REM = 0x28002,
	TRC_SCHED_SLEEP = 0x28003,
	TRC_SCHED_WAKE = 0x28004,
	TRC_SCHED_YIELD = 0x28005,
	TRC_SCHED_BLOCK = 0x28006,
	TRC_SCHED_SHUTDOWN = 0x28007,
	TRC_SCHED_SWITCH = 0x2800a,
	TRC_SCHED_SWITCH_INFPREV = 0x2800e,
	TRC_SCHED_SWITCH_INFNEXT = 0x2800f,
	TRC_DOM0_DOM_ADD = 0x41001,
	TRC_DOM0_DOM_REM = 0x41002,
	TRC_PV_TRAP = 0x201003,
	TRC_PV_HYPERCALL_V2 = 0x20100d,
	TRC_HW_IRQ_HANDLED = 0x802008,
};

/* The first word of a record; then, with the flag, the counter in two words; then extra words. */
#define TRC_HD_CYCLE_FLAG   (1U << 31)
#define TRC_HD_EXTRA_SHIFT  28
#define TRACE_EXTRA_MAX	    7U

/* What a word of TRC_PV_HYPERCALL_V2 says about argument i, beside the call's number. */
#define TRC_PV_HYPERCALL_V2_ARG_32(i) (1U << (20 + 2 * (i)))
#define TRC_PV_HYPERCALL_V2_ARG_64(i) (2U << (20 + 2 * (i)))

/* The data behind it has X bytes; both offsets count modulo 2 * X. */
struct abi_t_buf {
	u32 cons, prod;
};

/* Pages per buffer; where, in units of u32, the list of a CPU's frame numbers begins. */
struct abi_t_info {
	u16 tbuf_size;
	u16 mfn_offset[];
};

#define DOMID_IDLE 0x7fff

#endif
