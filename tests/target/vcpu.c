// SPDX-License-Identifier: Apache-2.0
/* vcpu_op and vm_assist: registered areas, accounting of time, and a second CPU with events. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static struct vcpu_runstate_info runstate __attribute__((aligned(64)));
static uint64_t second_up, second_events, second_stop;
static int64_t second_register_rc = 99;
static uint32_t port_to_second;

static int64_t register_info(uint64_t vcpu, uint64_t gfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info r = { gfn, offset, 0 };

	return hc_vcpu(VCPUOP_register_vcpu_info, vcpu, &r);
}

static void check_unserved(void)
{
	static const struct {
		const char *name;
		uint64_t op;
	} ops[] = { { "initialise", 0 },
		    { "up", 1 },
		    { "down", 2 },
		    { "is_up", 3 },
		    { "get_runstate_info", 4 },
		    { "op_06", 6 },
		    { "op_07", 7 },
		    { "op_08", 8 },
		    { "op_09", 9 },
		    { "op_11", 11 },
		    { "op_12", 12 },
		    { "time_memory_area", VCPUOP_register_vcpu_time_memory_area },
		    { "time_phys_area", VCPUOP_register_vcpu_time_phys_area },
		    { "op_16", 16 } };
	static uint64_t arg[64];

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		check_eqf(hc_vcpu(ops[i].op, 0, arg), -XEN_EINVAL, "vcpu.%s", ops[i].name);
		if (ops[i].op < 4)
			check_eqf(hc_vcpu(ops[i].op, 1, arg), -XEN_EINVAL, "vcpu.%s_vcpu1",
				  ops[i].name);
	}
}

static void check_register_refusals(void)
{
	static uint8_t page[PAGE_SIZE] PAGE_ALIGNED;

	check_eq("vcpu.bad_vcpu", register_info(99, virt_to_gfn(page), 0), -XEN_ENOENT);
	check_eq("vcpu.bad_ptr", hc_vcpu(VCPUOP_register_vcpu_info, 1, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	check_eq("vcpu.register_info_bad_offset", register_info(1, virt_to_gfn(page), 4090),
		 -XEN_ENXIO);
	check_eq("vcpu.register_info_unaligned", register_info(1, virt_to_gfn(page), 4),
		 -XEN_ENXIO);
	check_eq("vcpu.register_info_bad_gfn", register_info(1, hole_address() >> PAGE_SHIFT, 0),
		 -XEN_EINVAL);
	/* Once accepted, a CPU's vcpu_info stays where it is. */
	check_eq("vcpu.register_info", register_info(0, virt_to_gfn(page), 64), 0);
	check_eq("vcpu.register_info_twice", register_info(0, virt_to_gfn(page), 128), -XEN_EINVAL);
	check_eq("vcpu.register_info_raises_upcall", page[64], 1);
	check_eq("vcpu.register_info_selector", *(int64_t *)(page + 72), -1);
}

static void check_runstate(void)
{
	struct vcpu_register_runstate_memory_area area = { (uint64_t)&runstate };
	uint64_t blocked, running, sum;

	check_eq("vcpu.register_runstate", hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area),
		 0);
	check_eq("vcpu.runstate_state_running", runstate.state, RUNSTATE_running);
	sleep_us(1000);
	check("vcpu.runstate_time_nonzero", runstate.time[RUNSTATE_running] != 0);
	blocked = runstate.time[RUNSTATE_blocked];
	running = runstate.time[RUNSTATE_running];
	sum = blocked + running + runstate.time[RUNSTATE_runnable] +
	      runstate.time[RUNSTATE_offline];
	check_range("vcpu.runstate_sum_is_entry_time", (int64_t)(runstate.state_entry_time - sum),
		    -1000000000, 1000000000);
	sleep_us(5000);
	check_range("vcpu.runstate_blocked_advances_us",
		    (int64_t)(runstate.time[RUNSTATE_blocked] - blocked) / 1000, 4000, 6000);
	delay_us(3000);
	sleep_us(1000);
	check_range("vcpu.runstate_running_advances_us",
		    (int64_t)(runstate.time[RUNSTATE_running] - running) / 1000, 3000, 8000);
	area.addr = UNMAPPED_ADDRESS;
	check_eq("vcpu.register_runstate_bad_addr",
		 hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area), 0);
	area.addr = (uint64_t)&runstate;
	check_eq("vcpu.register_runstate_again",
		 hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &area), 0);
	check_eq("vcpu.register_runstate_bad_ptr",
		 hc_vcpu(VCPUOP_register_runstate_memory_area, 0, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
}

/* ---- the same by address in guest memory: Xen 4.18 and newer say so by a feature ---- */

static uint8_t phys_pages[2][PAGE_SIZE] PAGE_ALIGNED;

static int64_t register_phys(uint64_t vcpu, uint64_t addr)
{
	struct vcpu_register_runstate_memory_area area = { addr };

	return hc_vcpu(VCPUOP_register_runstate_phys_area, vcpu, &area);
}

static volatile struct vcpu_runstate_info *phys_info(uint32_t page, uint32_t offset)
{
	return (volatile struct vcpu_runstate_info *)(phys_pages[page] + offset);
}

static uint64_t phys_addr(uint32_t page, uint32_t offset)
{
	return (virt_to_gfn(phys_pages[page]) << PAGE_SHIFT) + offset;
}

static void check_phys_refusals(void)
{
	check_eq("vcpu.phys_bad_ptr",
		 hc_vcpu(VCPUOP_register_runstate_phys_area, 0, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	check_eq("vcpu.phys_bad_vcpu", register_phys(99, phys_addr(0, 0)), -XEN_ENOENT);
	check_eq("vcpu.phys_two_pages", register_phys(0, phys_addr(0, 4056)), -XEN_ENXIO);
	check_eq("vcpu.phys_unaligned", register_phys(0, phys_addr(0, 4)), -XEN_ENXIO);
	check_eq("vcpu.phys_hole", register_phys(0, hole_address()), -XEN_EINVAL);
	check_eq("vcpu.phys_device", register_phys(0, machine.gicd.base), -XEN_EINVAL);
	check_eq("vcpu.phys_beyond", register_phys(0, 1ul << 60), -XEN_EINVAL);
}

static void check_phys_given_up(void)
{
	uint64_t gfn = virt_to_gfn(phys_pages[1]);
	struct xen_memory_reservation r = { &gfn, 1, 0, 0, DOMID_SELF };
	uint64_t *fresh = (uint64_t *)phys_pages[1], sum = 0;

	/* The page goes while it is in use; dom0 gets the same one back. */
	check_eq("vcpu.phys_page_goes", hc_memory(XENMEM_decrease_reservation, &r), 1);
	sleep_us(1000);
	check_eq("vcpu.phys_page_comes", hc_memory(XENMEM_populate_physmap, &r), 1);
	check_eq("vcpu.phys_none", register_phys(0, ~0ul), 0);
	check_eq("vcpu.phys_none_again", register_phys(0, ~0ul), 0);
	memset(fresh, 0, PAGE_SIZE);
	sleep_us(1000);
	for (unsigned int i = 0; i < PAGE_SIZE / 8; i++)
		sum |= READ_ONCE(fresh[i]);
	check_eq("vcpu.phys_left_alone", (int64_t)sum, 0);
}

static void check_runstate_phys(void)
{
	struct xen_feature_info fi = { 0, 0 };
	volatile struct vcpu_runstate_info *info = phys_info(0, 4048);
	uint64_t blocked;

	hc_version(XENVER_get_features, &fi);
	if (!(fi.submap >> XENFEAT_runstate_phys_area & 1)) {
		check_eq("vcpu.phys_without_feature", register_phys(0, phys_addr(0, 0)),
			 -XEN_EINVAL);
		return;
	}
	check_phys_refusals();
	memset(phys_pages, 0xee, sizeof(phys_pages));
	check_eq("vcpu.phys_register", register_phys(0, phys_addr(0, 4048)), 0);
	check_eq("vcpu.phys_filled", info->state, RUNSTATE_running);
	check_eq("vcpu.phys_before", phys_pages[0][4047], 0xee);
	blocked = info->time[RUNSTATE_blocked];
	sleep_us(5000);
	check_range("vcpu.phys_blocked_advances_us",
		    (int64_t)(info->time[RUNSTATE_blocked] - blocked) / 1000, 4000, 6000);
	check_eq("vcpu.phys_no_flag_left", (int64_t)(info->state_entry_time & XEN_RUNSTATE_UPDATE),
		 0);
	check("vcpu.phys_as_virtual", info->state_entry_time == runstate.state_entry_time &&
					      info->time[RUNSTATE_blocked] ==
						      runstate.time[RUNSTATE_blocked]);
	check_eq("vcpu.phys_refused_keeps", register_phys(0, hole_address()), -XEN_EINVAL);
	blocked = info->time[RUNSTATE_blocked];
	check_eq("vcpu.phys_replace", register_phys(0, phys_addr(1, 0)), 0);
	sleep_us(1000);
	check_eq("vcpu.phys_old_stays", (int64_t)(info->time[RUNSTATE_blocked] - blocked), 0);
	check("vcpu.phys_new_moves", phys_info(1, 0)->time[RUNSTATE_blocked] > blocked);
	check_eq("vcpu.phys_of_other", register_phys(1, phys_addr(0, 0)), 0);
	check_eq("vcpu.phys_other_is_off", phys_info(0, 0)->state, RUNSTATE_offline);
	check_eq("vcpu.phys_of_other_none", register_phys(1, ~0ul), 0);
	check_phys_given_up();
}

static void check_vm_assist(void)
{
	check_eq("vm_assist.runstate_update_flag",
		 hypercall(HC_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0),
		 0);
	for (uint64_t type = 0; type <= 6; type++)
		if (type != VMASST_TYPE_runstate_update_flag)
			check_eqf(hypercall(HC_vm_assist, VMASST_CMD_enable, type, 0, 0),
				  -XEN_EINVAL, "vm_assist.type%lu", type);
	check_eq("vm_assist.type_63", hypercall(HC_vm_assist, VMASST_CMD_enable, 63, 0, 0),
		 -XEN_EINVAL);
	check_eq("vm_assist.type_64", hypercall(HC_vm_assist, VMASST_CMD_enable, 64, 0, 0),
		 -XEN_EINVAL);
	check_eq("vm_assist.cmd2", hypercall(HC_vm_assist, 2, 5, 0, 0), -XEN_ENOSYS);
	sleep_us(1000);
	check_eq("vcpu.runstate_entry_after_update_flag",
		 (int64_t)(runstate.state_entry_time & XEN_RUNSTATE_UPDATE), 0);
}

static void on_second_event(uint32_t port)
{
	(void)port;
	second_events++;
}

static void second(uint64_t arg)
{
	(void)arg;
	second_register_rc = events_init_cpu(1) ? 0 : 1;
	WRITE_ONCE(second_up, 1);
	while (!READ_ONCE(second_stop))
		hc_sched(SCHEDOP_block, NULL);
}

/* Events bound to the second CPU are handled there. */
static void check_second(void)
{
	uint64_t first_upcalls, taken;

	check_eq("vcpu.start_second", cpu_start(1, second, 0), 0);
	for (int i = 0; i < 100 && !READ_ONCE(second_up); i++)
		sleep_us(1000);
	check_eq("vcpu.second_up", (int64_t)second_up, 1);
	check_eq("vcpu.second_register_info", second_register_rc, 0);
	event_bind_ipi(1, &port_to_second);
	event_handle(port_to_second, on_second_event);
	event_unmask(port_to_second);
	first_upcalls = irq_count[0];
	taken = irq_count[1];
	event_send(port_to_second);
	for (int i = 0; i < 100 && !READ_ONCE(second_events); i++)
		sleep_us(1000);
	check_eq("vcpu.second_got_event", (int64_t)second_events, 1);
	check("vcpu.second_took_interrupt", READ_ONCE(irq_count[1]) > taken);
	check("vcpu.first_only_timer", irq_count[0] - first_upcalls <= 101);
	WRITE_ONCE(second_stop, 1);
	event_send(port_to_second);
	sleep_us(2000);
	check_eq("vcpu.second_off", psci(PSCI_AFFINITY_INFO64, machine.mpidr[1], 0, 0), 1);
}

void guest_main(void)
{
	check_unserved();
	check_runstate();
	check_runstate_phys();
	check_vm_assist();
	if (check("vcpu.events_init", events_init()))
		check_second();
	irq_mask(machine.event_irq);
	check_register_refusals();
}
