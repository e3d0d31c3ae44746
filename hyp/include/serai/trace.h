/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace buffers in Xen's format: one ring per CPU, that a tool of the control domain maps and
 * empties. With tracing off nothing asks: the scheduler's hooks and the vectors of guests' traps
 * are exchanged when tracing begins; only an idle CPU's interrupts have a test.
 */
#ifndef SERAI_TRACE_H
#define SERAI_TRACE_H

#include <abi/trace.h>
#include <serai/cpumask.h>
#include <serai/frame.h>
#include <serai/types.h>

struct domain;
struct domain_config;

/* --- recording --- */
/* One event of this CPU with its time and nr extra words, unless tracing or this event is off. */
void trace_record(u32 event, u32 nr, const u32 *extra);
/* Traps of guests and interrupts are recorded. */
extern bool trace_traps;
/* A vcpu, or the idle one of a CPU, as events name it. */
void trace_vcpu_event(u32 event, u32 domid, u32 vcpu);
/* SCHEDOP_shutdown, or a crash. */
void trace_domain_shutdown(const struct domain *d, u32 reason);
/* From exit_work(): this CPU has WORK_TRACE. */
void trace_work(void);

/* --- control. One caller at a time does something, the others wait. --- */
/*
 * Makes the buffers, of so many pages; once. -XEN_ERESTART: preempted, call again; -XEN_EBUSY: they
 * are there; -XEN_EINVAL: another number than before, or one that cannot be; -XEN_ENOMEM.
 */
int trace_set_size(u32 pages);
/* -XEN_EINVAL: no buffers. Events that are on are recorded, after a kick on other CPUs as well. */
int trace_enable(void);
/* When it is back nobody writes into the buffers. */
void trace_disable(void);
void trace_set_events(u32 mask);
void trace_set_cpus(const struct cpumask *cpus);
/* Where tools find the buffers; 0 when there are none. */
struct trace_info {
	u64 mfn;
	u32 size, events;
};
struct trace_info trace_info(void);
/*
 * A reference to the page of the buffers, or of what describes them, that DOMID_XEN has at this
 * frame number; NULL: it is none. Tools may write to buffers alone.
 */
struct frame *trace_page_get(u64 mfn, bool *writable);

/* tbuf_size= and tevt_mask= of the command line; all CPUs are up. */
void trace_boot(void);
/* Life of domains, in the table of units. */
int trace_domain_create(struct domain *d, const struct domain_config *cfg);
int trace_domain_destroy(struct domain *d);

#endif
