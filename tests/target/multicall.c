// SPDX-License-Identifier: Apache-2.0
/* multicall: results per entry, refusals, and lists long enough to be interrupted. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

#define MANY 500

static struct multicall_entry calls[MANY];

static int64_t multicall(const void *list, uint64_t count)
{
	return hypercall(HC_multicall, (uint64_t)list, count, 0, 0);
}

static void set(unsigned int i, uint64_t op, uint64_t a0, uint64_t a1)
{
	memset(&calls[i], 0, sizeof(calls[i]));
	calls[i].op = op;
	calls[i].result = 0x1234;
	calls[i].args[0] = a0;
	calls[i].args[1] = a1;
}

static void check_results(void)
{
	struct xen_feature_info fi = { 0, 0 };
	struct evtchn_port none = { 4000 };

	set(0, HC_xen_version, XENVER_version, 0);
	set(1, 63, 0, 0);
	set(2, HC_multicall, (uint64_t)calls, 1);
	set(3, HC_xen_version, XENVER_pagesize, 0);
	set(4, HC_xen_version, XENVER_get_features, (uint64_t)&fi);
	set(5, HC_xen_version, XENVER_get_features, UNMAPPED_ADDRESS);
	set(6, HC_event_channel_op, EVTCHNOP_send, (uint64_t)&none);
	set(7, 1000, 0, 0);
	set(8, HC_sched_op, SCHEDOP_yield, 0);
	set(9, HC_xen_version, XENVER_version, 0);
	check_eq("multicall.rc", multicall(calls, 9), 0);
	check_eq("multicall.res_version", calls[0].result, 0x40011);
	check_eq("multicall.res_unknown", calls[1].result, -XEN_ENOSYS);
	check_eq("multicall.res_nested", calls[2].result, -XEN_EINVAL);
	check_eq("multicall.res_pagesize", calls[3].result, 4096);
	check_eq("multicall.res_features", calls[4].result, 0);
	check_eq("multicall.res_features_out", fi.submap & 1, 1);
	check_eq("multicall.res_efault", calls[5].result, -XEN_EFAULT);
	check_eq("multicall.res_send_closed", calls[6].result, -XEN_EINVAL);
	check_eq("multicall.res_nr_1000", calls[7].result, -XEN_ENOSYS);
	check_eq("multicall.res_yield", calls[8].result, 0);
	check_eq("multicall.stops_at_count", calls[9].result, 0x1234);
	check_eq("multicall.keeps_args", (int64_t)calls[4].args[1], (int64_t)&fi);
}

static void check_refusals(void)
{
	check_eq("multicall.zero_entries", multicall(calls, 0), 0);
	check_eq("multicall.bad_ptr", multicall((void *)UNMAPPED_ADDRESS, 1), -XEN_EFAULT);
	check_eq("multicall.bad_ptr_stage2", multicall((void *)hole_address(), 1), -XEN_EFAULT);
	check_eq("multicall.null_ptr_0", multicall(NULL, 0), 0);
}

/* Interrupts arrive meanwhile: the list is continued where it was left, each entry done once. */
static void check_many(void)
{
	int64_t wrong = 0;
	uint64_t fired = vtimer_fired;

	for (unsigned int i = 0; i < MANY; i++)
		set(i, HC_xen_version, i % 2 ? XENVER_pagesize : XENVER_version, 0);
	vtimer_arm_at(counter() + ns_to_ticks(50000));
	check_eq("multicall.many_rc", multicall(calls, MANY), 0);
	for (unsigned int i = 0; i < MANY; i++)
		if (calls[i].result != (i % 2 ? 4096 : 0x40011))
			wrong++;
	check_eq("multicall.many_wrong_results", wrong, 0);
	check("multicall.many_timer_delivered", wait_for(&vtimer_fired, fired + 1, 100000));
}

/* One event per entry, counted by their ports. */
static void check_sends(void)
{
	static struct evtchn_port ports[8];
	int64_t pending = 0;

	if (!check("multicall.events_init", events_init()))
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		event_bind_ipi(0, &ports[i].port);
		set(i, HC_event_channel_op, EVTCHNOP_send, (uint64_t)&ports[i]);
	}
	check_eq("multicall.sends_rc", multicall(calls, ARRAY_SIZE(ports)), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++)
		pending += event_pending(ports[i].port);
	check_eq("multicall.sends_pending", pending, ARRAY_SIZE(ports));
}

void guest_main(void)
{
	check_results();
	check_refusals();
	check_many();
	check_sends();
}
