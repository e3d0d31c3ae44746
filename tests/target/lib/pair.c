// SPDX-License-Identifier: Apache-2.0
/*
 * Two guests from one image: dom0, which runs the test, and its peer, a guest of the device tree,
 * which runs functions for it. They share one page, granted by the peer, and look at it every
 * now and then: event channels and all other grants are the test's own.
 */
#include "guest.h"

#define PAIR_MAGIC   0x72696170 /* "pair" */
#define LOOK_US	     50
#define LOOKS	     100000
#define START_LOOKS  5000

struct pair_page {
	uint64_t magic;
	uint64_t calls, answers; /* counted; equal when nothing is asked */
	uint64_t fn;		 /* offset in the image; 0: the end */
	uint64_t args[3];
	int64_t result;
};

static struct pair_page own_page PAGE_ALIGNED;
static volatile struct pair_page *page;

extern const char image_head[];

bool pair_is_peer(void)
{
	return machine.uart.size != 0;
}

static void serve(void)
{
	uint64_t idle = 0;

	while (idle++ < 4 * LOOKS) {
		if (page->calls == page->answers) {
			sleep_us(LOOK_US);
			continue;
		}
		dsb();
		if (!page->fn)
			return;
		page->result = ((pair_fn *)(image_head + page->fn))(page->args[0], page->args[1],
								   page->args[2]);
		dsb();
		page->answers = page->calls;
		idle = 0;
	}
	guest_abort("dom0 is not heard of any more");
}

static bool peer_start(void)
{
	page = &own_page;
	if (!grants_init())
		guest_abort("the peer has no grant table");
	grant_set(PAIR_REF, 0, &own_page, GTF_permit_access);
	page->magic = PAIR_MAGIC;
	serve();
	return false;
}

bool pair_start(void)
{
	uint64_t gfn;
	uint32_t handle;

	if (pair_is_peer())
		return peer_start();
	gfn = scratch_gfn();
	for (int i = 0; grant_map(PEER, PAIR_REF, GNTMAP_host_map, gfn << PAGE_SHIFT, &handle); i++) {
		if (i == START_LOOKS)
			guest_abort("the peer does not show itself");
		sleep_us(1000);
	}
	page = (volatile struct pair_page *)(gfn << PAGE_SHIFT);
	for (int i = 0; i < LOOKS && page->magic != PAIR_MAGIC; i++)
		sleep_us(LOOK_US);
	return true;
}

void pair_post(pair_fn *fn, uint64_t a, uint64_t b, uint64_t c)
{
	page->fn = fn ? (uint64_t)fn - (uint64_t)image_head : 0;
	page->args[0] = a;
	page->args[1] = b;
	page->args[2] = c;
	dsb();
	page->calls++;
	dsb();
}

int64_t pair_wait(void)
{
	for (int i = 0; page->answers != page->calls; i++) {
		if (i == LOOKS)
			guest_abort("the peer does not answer");
		sleep_us(LOOK_US);
	}
	return page->result;
}

int64_t pair_call(pair_fn *fn, uint64_t a, uint64_t b, uint64_t c)
{
	pair_post(fn, a, b, c);
	return pair_wait();
}

void pair_end(void)
{
	pair_post(NULL, 0, 0, 0);
	for (int i = 0; i < START_LOOKS && !peer_has_ended(); i++)
		sleep_us(1000);
}

bool peer_has_ended(void)
{
	static struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_DOMCTL_getdomaininfo;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = PEER;
	return hypercall(HC_domctl, (uint64_t)&op, 0, 0, 0) != 0 ||
	       op.u.getdomaininfo.flags & XEN_DOMINF_shutdown;
}
