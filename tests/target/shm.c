// SPDX-License-Identifier: Apache-2.0
/*
 * Two guests with shared memory of the device tree: one region is the first guest's, the other
 * nobody's. The second goes on with both when the first is gone.
 */
/* machine: smp=1 vcpus=1 domu=2 only=serai */
/* machine: props1='xen,enhanced = "no-xenstore"; shm@0 { compatible = "xen,domain-shared-memory-v1"; */
/* machine: role = "owner"; xen,shm-id = "owned"; */
/* machine: xen,shared-mem = <0 0xa0000000 0 0x70000000 0 0x400000>; }; */
/* machine: shm@1 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "free"; */
/* machine: xen,shared-mem = <0 0xb0001000 0 0x70400000 0 0x3000>; };' */
/* machine: props2='xen,enhanced = "no-xenstore"; shm@0 { compatible = "xen,domain-shared-memory-v1"; */
/* machine: role = "borrower"; xen,shm-id = "owned"; */
/* machine: xen,shared-mem = <0 0xa0000000 0 0x7fc00000 0 0x400000>; }; */
/* machine: shm@1 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "free"; */
/* machine: xen,shared-mem = <0 0xb0001000 0 0x7f000000 0 0x3000>; };' */
#include "guest.h"

#define OWNED_SIZE 0x400000ul
#define FREE_SIZE  0x3000ul
#define LOOKS	   20000
#define GONE_US	   300000

static const char *who;
static volatile uint64_t *owned, *unowned;

static uint64_t value(uint64_t i, uint64_t round)
{
	return i * 0x9e3779b97f4a7c15 + round;
}

static void fill(volatile uint64_t *p, uint64_t size, uint64_t round)
{
	for (uint64_t i = 1; i < size / 8; i++)
		p[i] = value(i, round);
	dsb();
	p[0] = round;
	dsb();
}

static uint64_t wrong(volatile uint64_t *p, uint64_t size, uint64_t round)
{
	uint64_t n = 0;

	for (uint64_t i = 1; i < size / 8; i++)
		n += p[i] != value(i, round);
	return n;
}

static bool wait_round(volatile uint64_t *p, uint64_t round)
{
	for (int i = 0; i < LOOKS && p[0] != round; i++)
		sleep_us(100);
	return p[0] == round;
}

static uint64_t not_clear(volatile uint64_t *p, uint64_t size)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < size / 8; i++)
		n += p[i] != 0;
	return n;
}

static volatile uint64_t *find(const char *id, uint64_t gpa, uint64_t size)
{
	for (int i = 0; i < machine.nr_shared; i++) {
		const struct region *r = &machine.shared[i].at;

		if (strcmp(machine.shared[i].id, id) == 0) {
			check_eqf((int64_t)r->base, (int64_t)gpa, "%s.%s_base", who, id);
			check_eqf((int64_t)r->size, (int64_t)size, "%s.%s_size", who, id);
			return (volatile uint64_t *)r->base;
		}
	}
	guest_abort("no such region in the device tree");
}

/* Buffers of hypercalls are in a domain's own memory. */
static void check_buffers(int64_t in_owned)
{
	struct xen_feature_info *fi = (struct xen_feature_info *)(owned + OWNED_SIZE / 8 - 8);

	fi->submap_idx = 0;
	check_eqf(hc_version(XENVER_get_features, fi), in_owned, "%s.buffer_in_owned", who);
	fi = (struct xen_feature_info *)(unowned + FREE_SIZE / 8 - 8);
	check_eqf(hc_version(XENVER_get_features, fi), -XEN_EFAULT, "%s.buffer_in_unowned", who);
}

static void first(void)
{
	owned = find("owned", 0x70000000, OWNED_SIZE);
	unowned = find("free", 0x70400000, FREE_SIZE);
	check_eqf((int64_t)not_clear(owned, OWNED_SIZE), 0, "%s.owned_clear", who);
	check_eqf((int64_t)not_clear(unowned, FREE_SIZE), 0, "%s.unowned_clear", who);
	check_buffers(0);
	fill(owned, OWNED_SIZE, 1);
	fill(unowned, FREE_SIZE, 1);
	check_eqf(wait_round(owned, 2), true, "%s.answered", who);
	check_eqf((int64_t)wrong(owned, OWNED_SIZE, 2), 0, "%s.answer_in_owned", who);
	check_eqf((int64_t)wrong(unowned, FREE_SIZE, 2), 0, "%s.answer_in_unowned", who);
}

static void second(void)
{
	owned = find("owned", 0x7fc00000, OWNED_SIZE);
	unowned = find("free", 0x7f000000, FREE_SIZE);
	check_eqf(wait_round(unowned, 1), true, "%s.heard", who);
	check_eqf((int64_t)wrong(owned, OWNED_SIZE, 1), 0, "%s.owned", who);
	check_eqf((int64_t)wrong(unowned, FREE_SIZE, 1), 0, "%s.unowned", who);
	check_buffers(-XEN_EFAULT);
	fill(unowned, FREE_SIZE, 2);
	fill(owned, OWNED_SIZE, 2);
	sleep_us(GONE_US);
	check_eqf((int64_t)wrong(owned, OWNED_SIZE, 2), 0, "%s.owned_outlives", who);
	fill(owned, OWNED_SIZE, 3);
	fill(unowned, FREE_SIZE, 3);
	check_eqf((int64_t)wrong(owned, OWNED_SIZE, 3), 0, "%s.owned_writable", who);
	check_eqf((int64_t)wrong(unowned, FREE_SIZE, 3), 0, "%s.unowned_writable", who);
}

void guest_main(void)
{
	bool is_first = !str_contains(machine.bootargs, "name=domU2");

	who = is_first ? "shm.owner" : "shm.borrower";
	check_eqf(machine.nr_shared, 2, "%s.regions", who);
	if (is_first)
		first();
	else
		second();
}
