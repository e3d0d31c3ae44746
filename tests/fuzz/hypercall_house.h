/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole house for the fuzzer of hypercalls: CPUS simulated CPUs, up to DOMS domains, and what
 * happens to them while they run. See fuzz_hypercall.c.
 */
#ifndef TESTS_FUZZ_HYPERCALL_HOUSE_H
#define TESTS_FUZZ_HYPERCALL_HOUSE_H

#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/hypercall.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline bool lock_held(const struct lock *l)
{
	return READ_ONCE(l->owner) != READ_ONCE(l->next);
}

#define CPUS  8
#define DOMS  3
#define VCPUS 2 /* of each domain */
#define RAM   (32UL << 20)

/* Guest frames: each vcpu has ROOM_PAGES for its arguments, behind them is what it plays with. */
#define RAM_PAGES  64U
#define ROOM_PAGES 4U
#define PLAY_FIRST (VCPUS * ROOM_PAGES)
#define PLAY_PAGES (RAM_PAGES - PLAY_FIRST)
#define RAM_GFN	   0x100UL  /* of domains that are not mapped one to one */
#define FREE_GFN   0x1000UL /* nothing is there: mappings go here */
#define BAD_GFN	   0xffffUL /* nothing ever is */

#define CHECK(c)                                                                     \
	do {                                                                         \
		if (!(c)) {                                                          \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #c); \
			abort();                                                     \
		}                                                                    \
	} while (0)

struct house {
	bool direct, share, credit2; /* dom0 mapped 1:1; domains may share freely; scheduler */
	bool grant_v2; /* all begin with grant tables of version 2 */
	u64 ram_gfn[DOMS]; /* where the domain's RAM begins */
	/* Others come in between: called at a place where a real machine's other CPUs may. */
	void (*meanwhile)(bool locked);
	long fail_in;  /* the n-th allocation from now fails; 0: none */
	long live;     /* allocations of mem_alloc() */
	u32 quiet;     /* not 0: the house itself is at work */
	u32 typed_len, typed_at;
	char typed[16];
};
extern struct house house;

/* (Re)starts the machine; false when it can go on as it is. */
void house_start(bool credit2);
/* A domain with its vcpus up, its RAM, its UART; nothing happens if the id exists. */
void house_create(domid_t id);
/* One call of domain_kill(), from whichever CPU is current. */
void house_kill(domid_t id);
/* The domain with this id, or NULL; without a reference. */
struct domain *house_domain(domid_t id);
/* A CPU leaves the hypervisor; its vcpu, or NULL: it idles. */
struct vcpu *house_run_cpu(unsigned int cpu);
/* Ends everything; nothing may be left. */
void house_end(void);
/* What the guest d writes at a guest physical address; false: it cannot. */
bool guest_write(struct domain *d, u64 gpa, const void *p, size_t size);
/* The heap's lists are in order. */
void check_heap(void);
/* From the fuzzer's input: somebody types. */
void house_type(const char *text, u32 len);

/* --- hypercall_ops.c --- */

#define OPERANDS 13

/* A hypercall of the current vcpu as the input describes it; arguments are in guest memory. */
struct call {
	u64 nr, arg[5];
};

/* How many kinds of hypercalls there are, and what they are called. */
extern const u32 call_kinds;
const char *call_name(u32 kind);
/* Lays the arguments out in place slot of the vcpu's room. */
void call_make(struct call *c, u32 kind, const u8 *operand, u32 slot);
/* Writes of the guest v to pages that it shares with the hypervisor, and to its own. */
void poke(struct vcpu *v, const u8 *operand);
/* An access to the guest's UART. */
void uart_access(struct vcpu *v, const u8 *operand);

#define SLOTS	  8U
#define SLOT_SIZE 1024U /* in the first two pages of the room */

/* --- hypercall_check.c --- */

/* Everything that must be true between two hypercalls. */
void check_house(void);

#endif
