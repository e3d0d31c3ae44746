/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest of test_units.c does with memory: its own pages go and come, the hypervisor keeps some
 * of them, pages of the hypervisor and of others are mapped and taken away. And a look at the heap's lists, which a stray write to
 * a free frame's record would break.
 */
#ifndef TESTS_LIFE_MEMORY_H
#define TESTS_LIFE_MEMORY_H

/* Pages of the guest that the hypervisor keeps. */
static void do_registrations(struct vcpu *v)
{
	u64 g = RAM_GFN + dice(RAM_MAX), x = dice(v->domain->nr_vcpus);

	switch (dice(4)) {
	case 0:
		do_vcpu_op((u64[5]){ VCPUOP_register_vcpu_info, x,
				     PUT((struct abi_vcpu_register_vcpu_info){ .mfn = g }) });
		break;
	case 1:
		do_vcpu_op((u64[5]){ VCPUOP_register_runstate_memory_area, x,
				     PUT((struct abi_vcpu_register_runstate){ room + 2048 }) });
		break;
	case 2:
		event_op(EVTCHNOP_init_control,
			 PUT((struct abi_evtchn_init_control){ .control_gfn = g,
							       .vcpu = (u32)x }));
		break;
	default:
		event_op(EVTCHNOP_expand_array, PUT((struct abi_evtchn_expand_array){ g }));
	}
}

static void do_reservation(u64 cmd)
{
	u64 *gfns = host_guest_ptr(room + 1024);
	u32 n = 1 + dice(4);

	for (u32 i = 0; i < n; i++)
		gfns[i] = RAM_GFN + dice(RAM_MAX);
	do_memory_op((u64[5]){ cmd, PUT((struct abi_memory_reservation){
						 .extent_start = room + 1024, .nr_extents = n,
						 .domid = DOMID_SELF }) });
}

/* idxs, gfns and errors lie one after the other in the buffer. */
static void do_foreign(domid_t other)
{
	struct abi_add_to_physmap_batch b = { .domid = DOMID_SELF,
					      .space = XENMAPSPACE_gmfn_foreign,
					      .size = (u16)(1 + dice(4)),
					      .foreign_domid = other,
					      .idxs = room + 1024,
					      .gpfns = room + 1280,
					      .errs = room + 1536 };

	for (u32 i = 0; i < b.size; i++) {
		((u64 *)host_guest_ptr(b.idxs))[i] = RAM_GFN + dice(RAM_MAX);
		((u64 *)host_guest_ptr(b.gpfns))[i] = FREE_GFN + dice(64);
	}
	do_memory_op((u64[5]){ XENMEM_add_to_physmap_batch, PUT(b) });
}

static void do_memory(domid_t other)
{
	struct abi_add_to_physmap add = { .domid = DOMID_SELF, .space = dice(2), .idx = dice(3),
					  .gpfn = FREE_GFN + dice(64) };
	struct abi_remove_from_physmap remove = { .domid = DOMID_SELF,
						  .gpfn = FREE_GFN + dice(64) };

	switch (dice(6)) {
	case 0:
		do_reservation(XENMEM_decrease_reservation);
		break;
	case 1:
		do_reservation(XENMEM_populate_physmap);
		break;
	case 2:
		do_foreign(other);
		break;
	case 3:
		do_memory_op((u64[5]){ XENMEM_remove_from_physmap, PUT(remove) });
		break;
	default:
		add.idx = add.space ? add.idx : 0;
		do_memory_op((u64[5]){ XENMEM_add_to_physmap, PUT(add) });
	}
}

/* All free frames are on the lists, in blocks that are linked both ways. */
static void expect_whole_heap(void)
{
	u64 found = 0;

	for (u32 kind = CLEAN; kind <= DIRTY; kind++) {
		for (u32 order = 0; order < ORDERS; order++) {
			u32 prev = FRAME_NONE;

			for (u32 i = heap.first[kind][order]; i != FRAME_NONE;
			     prev = i, i = frame_table[i].next) {
				assert_true(i < frame_count);
				assert_int_equal(frame_table[i].word, free_word(order, kind));
				assert_int_equal(frame_table[i].prev, prev);
				found += 1UL << order;
			}
		}
	}
	assert_int_equal(found, heap.free[CLEAN] + heap.free[DIRTY]);
}

#endif
