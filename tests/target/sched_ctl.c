// SPDX-License-Identifier: Apache-2.0
/* Affinity of vcpus and the scheduler's parameters, as tools ask for them. */
/* machine: smp=2 vcpus=2 timeout=120 */
#include "guest.h"

#define HARD	1u
#define SOFT	2u
#define CREDIT2 6
#define PUTINFO 0
#define GETINFO 1

static struct xen_domctl dc;
static struct xen_sysctl sc;
static uint8_t hard[16], soft[16];

struct bitmap {
	uint64_t bytes;
	uint32_t nr_bits, pad;
};

struct affinity {
	uint32_t vcpu, flags;
	struct bitmap hard, soft;
};

struct share {
	uint32_t sched_id, cmd;
	uint16_t weight, cap;
};

struct limit {
	uint32_t pool, sched_id, cmd, pad, us;
};

/* ---- affinity ---- */

static int64_t affinity_at(uint32_t cmd, uint32_t vcpu, uint32_t flags, uint32_t bits,
			   const void *where)
{
	const struct affinity a = { vcpu, flags, { (uint64_t)where, bits, 0 },
				    { (uint64_t)soft, bits, 0 } };

	memset(&dc, 0, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(&dc.u, &a, sizeof(a));
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

static int64_t affinity(uint32_t cmd, uint32_t vcpu, uint32_t flags, uint32_t bits)
{
	return affinity_at(cmd, vcpu, flags, bits, hard);
}

static int64_t set(uint32_t flags, uint8_t h, uint8_t s)
{
	hard[0] = h;
	soft[0] = s;
	return affinity(9, 1, flags, 8);
}

static int64_t get(uint32_t flags)
{
	hard[0] = soft[0] = 0xaa;
	return affinity(25, 1, flags, 8);
}

static void check_get(void)
{
	check_eq("affinity.get", get(HARD | SOFT), 0);
	check_eq("affinity.get_hard", hard[0] & 3, 3);
	check_eq("affinity.get_soft", soft[0] & 3, 3);
	check_eq("affinity.get_one", get(SOFT), 0);
	check_eq("affinity.get_one_not_other", hard[0], 0xaa);
	check_eq("affinity.get_none", get(0), -XEN_EINVAL);
	memset(hard, 0xaa, sizeof(hard));
	check_eq("affinity.get_wide", affinity(25, 1, HARD, 100), 0);
	check_eq("affinity.get_wide_zero", hard[8] | hard[12], 0);
	check_eq("affinity.get_wide_end", hard[13], 0xaa);
	memset(hard, 0xaa, sizeof(hard));
	check_eq("affinity.get_narrow", affinity(25, 1, HARD, 1), 0);
	check_eq("affinity.get_nothing", affinity(25, 1, HARD, 0), 0);
	check_eq("affinity.get_vcpu", affinity(25, 2, HARD, 8), -XEN_EINVAL);
	check_eq("affinity.get_vcpu_far", affinity(25, 1000, HARD, 8), -XEN_EINVAL);
	check_eq("affinity.get_bad_ptr", affinity_at(25, 1, HARD, 8, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
}

static void check_set_hard(void)
{
	check_eq("affinity.hard", set(HARD, 2, 0), 0);
	check_eq("affinity.hard_answer", hard[0], 2);
	check_eq("affinity.hard_is", get(HARD) ? -1 : hard[0], 2);
	check_eq("affinity.hard_none", set(HARD, 0, 0), -XEN_EINVAL);
	check_eq("affinity.hard_no_bits", affinity(9, 1, HARD, 0), -XEN_EINVAL);
	check_eq("affinity.hard_no_cpu", set(HARD, 0x20, 0), -XEN_EINVAL);
	hard[0] = 0xfe;
	check_eq("affinity.hard_cut", affinity(9, 1, HARD, 1), -XEN_EINVAL);
	check_eq("affinity.hard_still", get(HARD) ? -1 : hard[0], 2);
	check_eq("affinity.hard_some", set(HARD, 0x21, 0), 0);
	check_eq("affinity.hard_some_answer", hard[0], 1);
	memset(hard, 0xff, sizeof(hard));
	check_eq("affinity.hard_wide", affinity(9, 1, HARD, 128), 0);
	check_eq("affinity.hard_wide_answer", hard[0], 3);
	check_eq("affinity.hard_wide_rest", hard[1] | hard[15], 0);
	check_eq("affinity.hard_bad_ptr", affinity_at(9, 1, HARD, 8, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	check_eq("affinity.hard_vcpu", affinity(9, 2, HARD, 8), -XEN_EINVAL);
	check_eq("affinity.flags_none", set(0, 1, 1), -XEN_EINVAL);
	check_eq("affinity.flags_unknown", set(0x10, 1, 1), 0);
	check_eq("affinity.flags_none_is", get(HARD) ? -1 : hard[0] & 3, 3);
}

static void check_set_soft(void)
{
	check_eq("affinity.soft", set(SOFT, 0, 2), 0);
	check_eq("affinity.soft_answer", soft[0], 2);
	check_eq("affinity.soft_is", get(SOFT) ? -1 : soft[0], 2);
	check_eq("affinity.soft_none", set(SOFT, 0, 0), 0);
	check_eq("affinity.soft_none_is", get(SOFT) ? -1 : soft[0], 0);
	check_eq("affinity.both", set(HARD | SOFT, 1, 3), 0);
	check_eq("affinity.both_hard", hard[0], 1);
	check_eq("affinity.both_soft", soft[0], 1);
	check_eq("affinity.both_soft_is", get(SOFT) ? -1 : soft[0], 3);
	check_eq("affinity.both_hard_bad", set(HARD | SOFT, 0, 2), -XEN_EINVAL);
	check_eq("affinity.both_soft_still", get(SOFT) ? -1 : soft[0], 3);
	check_eq("affinity.all", set(HARD | SOFT, 3, 3), 0);
}

/* While SCHEDOP_pin_override is in force nobody changes it, but who says so. */
static void check_pinned(void)
{
	struct sched_pin_override pin = { 1 };

	check_eq("pin.begin", hc_sched(SCHEDOP_pin_override, &pin), 0);
	hard[0] = 3;
	check_eq("pin.get", affinity(25, 0, HARD, 8), 0);
	check_eq("pin.get_is", hard[0], 2);
	hard[0] = 3;
	check_eq("pin.hard", affinity(9, 0, HARD, 8), -XEN_EBUSY);
	check_eq("pin.soft", affinity(9, 0, SOFT, 8), -XEN_EBUSY);
	check_eq("pin.force", affinity(9, 0, HARD | 4, 8), 0);
	hard[0] = 0;
	check_eq("pin.after", affinity(25, 0, HARD, 8), 0);
	check_eq("pin.after_is", hard[0] & 3, 3);
	pin.pcpu = -1;
	check_eq("pin.end", hc_sched(SCHEDOP_pin_override, &pin), -XEN_EINVAL);
}

/* ---- shares ---- */

static int64_t share(uint32_t cmd, uint32_t sched, uint16_t weight, uint16_t cap)
{
	const struct share s = { sched, cmd, weight, cap };

	memset(&dc, 0, sizeof(dc));
	dc.cmd = 16;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(&dc.u, &s, sizeof(s));
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

static void check_share_is(const char *name, uint16_t weight, uint16_t cap)
{
	struct share s;

	check_eqf(share(GETINFO, CREDIT2, 1, 1), 0, "share.%s", name);
	memcpy(&s, &dc.u, sizeof(s));
	check_eqf(s.weight, weight, "share.%s_weight", name);
	check_eqf(s.cap, cap, "share.%s_cap", name);
}

static void check_shares(void)
{
	check_share_is("default", 256, 0);
	check_eq("share.change", share(PUTINFO, CREDIT2, 512, 150), 0);
	check_share_is("changed", 512, 150);
	check_eq("share.most", share(PUTINFO, CREDIT2, 65535, 200), 0);
	check_share_is("most_is", 65535, 200);
	check_eq("share.more", share(PUTINFO, CREDIT2, 65535, 201), -XEN_EINVAL);
	check_eq("share.far_more", share(PUTINFO, CREDIT2, 65535, 65535), -XEN_EINVAL);
	check_share_is("more_is_not", 65535, 200);
	check_eq("share.least", share(PUTINFO, CREDIT2, 1, 1), 0);
	check_share_is("least_is", 1, 1);
	check_eq("share.zero", share(PUTINFO, CREDIT2, 0, 0), 0);
	check_share_is("zero_is", 1, 0);
	check_eq("share.back", share(PUTINFO, CREDIT2, 256, 0), 0);
	check_eq("share.credit", share(GETINFO, 5, 0, 0), -XEN_EINVAL);
	check_eq("share.null", share(PUTINFO, 9, 0, 0), -XEN_EINVAL);
	check_eq("share.putvcpu", share(2, CREDIT2, 0, 0), -XEN_EINVAL);
	check_eq("share.getvcpu", share(3, CREDIT2, 0, 0), -XEN_EINVAL);
	check_eq("share.unknown", share(4, CREDIT2, 0, 0), -XEN_EINVAL);
	check_share_is("still", 256, 0);
}

/* ---- the rate limit ---- */

static int64_t limit(uint32_t pool, uint32_t sched, uint32_t cmd, uint32_t us)
{
	const uint32_t l[] = { pool, sched, cmd, 0, us };

	memset(&sc, 0, sizeof(sc));
	sc.cmd = 19;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	memcpy(&sc.u, l, sizeof(l));
	return hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
}

static int64_t limit_is(void)
{
	struct limit l;
	int64_t rc = limit(0, CREDIT2, GETINFO, 7);

	memcpy(&l, &sc.u, sizeof(l));
	return rc ? rc : l.us;
}

static void check_limit(void)
{
	check_eq("limit.default", limit_is(), 1000);
	check_eq("limit.put", limit(0, CREDIT2, PUTINFO, 5000), 0);
	check_eq("limit.is", limit_is(), 5000);
	check_eq("limit.least", limit(0, CREDIT2, PUTINFO, 100), 0);
	check_eq("limit.less", limit(0, CREDIT2, PUTINFO, 99), -XEN_EINVAL);
	check_eq("limit.more", limit(0, CREDIT2, PUTINFO, 500001), -XEN_EINVAL);
	check_eq("limit.still", limit_is(), 100);
	check_eq("limit.most", limit(0, CREDIT2, PUTINFO, 500000), 0);
	check_eq("limit.none", limit(0, CREDIT2, PUTINFO, 0), 0);
	check_eq("limit.none_is", limit_is(), 0);
	check_eq("limit.back", limit(0, CREDIT2, PUTINFO, 1000), 0);
	check_eq("limit.pool", limit(7, CREDIT2, GETINFO, 0), -XEN_ESRCH);
	check_eq("limit.policy", limit(0, 5, GETINFO, 0), -XEN_EINVAL);
	check_eq("limit.cmd", limit(0, CREDIT2, 2, 0), -XEN_EINVAL);
	check_eq("limit.cmd_first", limit(7, 5, 2, 0), -XEN_EINVAL);
}

void guest_main(void)
{
	check_get();
	check_set_hard();
	check_set_soft();
	check_pinned();
	check_shares();
	check_limit();
}
