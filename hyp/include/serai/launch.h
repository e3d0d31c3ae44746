/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launching a domain that the hypervisor built: its RAM is cleared and its files are copied by its
 * own first vcpu, as the first thing that vcpu does, in small steps. So domains are loaded in
 * parallel on their CPUs, and the scheduler shares a CPU between one that loads and one that runs.
 *
 * Frames become the domain's only when they are clean or written: nobody sees what was in them.
 */
#ifndef SERAI_LAUNCH_H
#define SERAI_LAUNCH_H

#include <serai/range.h>
#include <serai/types.h>

struct domain;
struct vcpu;

#define LAUNCH_FILES 3 /* kernel, ramdisk, device tree */
#define LAUNCH_BANKS 16

struct launch_file {
	u64 gpa, size; /* to a page boundary of the domain's RAM */
	paddr_t src;
	void *heap; /* or NULL: of heap_alloc(order), given back in the end */
	unsigned int order;
};

/*
 * d's stage 2 maps frames in its banks (LAUNCH_BANKS at most) that nobody owns yet; the nr files in ascending
 * order are inside. From now on d's end gives the frames back. -XEN_ENOMEM: they are still the
 * caller's, and so are files[].heap.
 */
int launch_prepare(struct domain *d, const struct range_set *banks, const struct launch_file *files,
		   u32 nr);
/*
 * Lets vcpu 0 go: at once, or for one that is prepared when its turn comes. No more are loaded at a
 * time than there are CPUs, in the order of these calls, so that each is ready early.
 */
void launch_start(struct domain *d);
/*
 * Goes to the heap, when all that are prepared are loaded: their files are there. heap: whole pages
 * that were allocated from it.
 */
void launch_give_back(paddr_t start, paddr_t end, bool heap);
/* Bytes that wait for that. */
u64 launch_pending_bytes(void);
/* Of a prepared domain: files[].heap stays, somebody else has it now. */
void launch_keep_files(struct domain *d);
/* On the exit path of v, which has something left to load: until it is done or the CPU has work. */
void launch_run(struct vcpu *v);
int launch_init(void);
/* Unit: what was not loaded. -XEN_ERESTART. */
int launch_domain_destroy(struct domain *d);

/* Copies physical memory frame by frame; the ranges do not overlap. */
void memory_copy(paddr_t dst, paddr_t src, u64 size);

#endif
