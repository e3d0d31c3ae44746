/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of trace buffers. Tools find them by struct t_info (Xen's public/trace.h), whose frames
 * are in a row, and map them as pages of DOMID_XEN. They are the RAM of a domain that never runs
 * and are never given back.
 */
#include "trace_private.h"
#include <serai/arch.h>
#include <serai/cpu.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/trace.h>

#define INFO_WORDS_MAX 0x10000U /* mfn_offset has 16 bits */

static struct domain dom_xen;

static u32 info_head_words(void)
{
	return DIV_ROUND_UP((1 + trace.nr_cpus) * (u32)sizeof(u16), (u32)sizeof(u32));
}

static u32 info_words(void)
{
	return info_head_words() + trace.nr_cpus * trace.pages;
}

/* 2^order frames of dom_xen, cleared. */
static void *pages_alloc(unsigned int order)
{
	struct frame *f = frame_alloc(order, FRAME_ZERO);

	if (!f)
		return NULL;
	/* Tools are told of frames by 32-bit numbers. */
	if (frame_to_mfn(f).v >> 32 || frame_assign(&dom_xen.frames, f, BIT(order))) {
		frame_free(f, order);
		return NULL;
	}
	return paddr_to_virt(mfn_to_paddr(frame_to_mfn(f)));
}

static int begin(u32 pages)
{
	unsigned int cpu;

	if (!dom_xen.frames.slot) {
		dom_xen.id = DOMID_XEN;
		lock_init(&dom_xen.lock, RANK_DOMAIN);
		lock_init(&dom_xen.grant_lock, RANK_GRANT);
		frame_owner_init(&dom_xen.frames, FRAME_NONE);
		if (frame_owner_register(&dom_xen.frames))
			return -XEN_ENOMEM;
	}
	for_each_online_cpu(cpu)
		trace.nr_cpus = cpu + 1;
	trace.pages = pages;
	trace.info_order = 0;
	if (pages > INFO_WORDS_MAX || info_words() > INFO_WORDS_MAX) {
		trace.pages = 0;
		return -XEN_EINVAL;
	}
	while (PAGE_SIZE << trace.info_order < info_words() * sizeof(u32))
		trace.info_order++;
	trace.info = pages_alloc(trace.info_order);
	trace.failed = !trace.info;
	if (!trace.info)
		return 0;
	trace.info->tbuf_size = (u16)pages;
	for (u32 i = 0; i < trace.nr_cpus; i++)
		trace.info->mfn_offset[i] = (u16)(info_head_words() + i * pages);
	return 0;
}

static void page_add(void)
{
	u32 *mfns = (u32 *)(void *)trace.info + info_head_words();
	void *va = pages_alloc(0);

	trace.failed = !va;
	if (va)
		mfns[trace.done++] = (u32)virt_to_mfn(va).v;
}

static int undo(void)
{
	int rc = frame_release_all(&dom_xen.frames);

	if (rc)
		return rc;
	dom_xen.frames.dying = false;
	trace.info = NULL;
	trace.pages = trace.done = 0;
	trace.failed = false;
	return -XEN_ENOMEM;
}

/* Under the lock. What one call has not done the next one does, also when somebody else makes it. */
static int make(u32 pages)
{
	int rc = trace.pages ? 0 : begin(pages);

	if (rc)
		return rc;
	while (!trace.failed && trace.done < trace.nr_cpus * trace.pages) {
		page_add();
		if (cpu_arch_work_pending())
			return -XEN_ERESTART;
	}
	if (trace.failed)
		return undo();
	trace_rings_init();
	store_release(&trace.bytes,
		      trace.pages * (u32)PAGE_SIZE - (u32)sizeof(struct abi_t_buf));
	return 0;
}

int trace_set_size(u32 pages)
{
	int rc = -XEN_EINVAL;

	lock_take(&trace.lock);
	if (pages && (!trace.pages || trace.pages == pages))
		rc = trace.bytes ? -XEN_EBUSY : make(pages);
	lock_drop(&trace.lock);
	return rc;
}

struct trace_info trace_info(void)
{
	struct trace_info i = { .events = READ_ONCE(trace.events) };

	lock_take(&trace.lock);
	if (trace.bytes) {
		i.mfn = virt_to_mfn(trace.info).v;
		i.size = (u32)(PAGE_SIZE << trace.info_order);
	}
	lock_drop(&trace.lock);
	return i;
}

struct frame *trace_page_get(u64 m, bool *writable)
{
	struct frame *f = mfn_to_frame(mfn(m));
	u64 first;

	if (!load_acquire(&trace.bytes) || !f || !frame_get(f, &dom_xen.frames))
		return NULL;
	first = virt_to_mfn(trace.info).v;
	*writable = m < first || m >= first + BIT(trace.info_order);
	return f;
}
