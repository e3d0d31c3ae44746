/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMC calling convention (Arm DEN0028) for guests: architecture calls, PSCI, and the identity
 * of the hypervisor (Xen's UIDs, by which guests know the ABI). Anything else: unknown function.
 */
#include <arch/cpufeature.h>
#include <arch/psci.h>
#include <serai/domain.h>

/* Owner queries of a service: call count, UID, revision. */
#define FN_COUNT    0xff00U
#define FN_UID	    0xff01U
#define FN_REVISION 0xff03U
#define OWNER_STANDARD	 0x84000000U /* PSCI lives here */
#define OWNER_HYPERVISOR 0x85000000U /* standard hypervisor services */

static const u32 hypervisor_uid[4] = { 0xdc1218a7, 0x694398c6, 0xd179cf9a, 0x67e6de8d };
static const u32 standard_uid[4] = { 0x6f3863f8, 0xbd4c394b, 0x16ce2092, 0x6f9fe541 };

static void answer_uid(u64 *x, const u32 uid[4])
{
	for (int i = 0; i < 4; i++)
		x[i] = uid[i];
}

static bool service_query(u64 *x, u32 nr, u64 count, const u32 uid[4])
{
	switch (nr) {
	case FN_COUNT:
		x[0] = count;
		return true;
	case FN_UID:
		answer_uid(x, uid);
		return true;
	case FN_REVISION:
		x[0] = 0;
		x[1] = 1;
		return true;
	default:
		return false;
	}
}

/* 0: a workaround that is needed on this machine. */
static u64 arch_features(u32 fn)
{
	return cpu_needs_workaround(fn) ? 0 : SMCCC_UNKNOWN;
}

static bool arch_call(u64 *x, u32 fn)
{
	switch (fn) {
	case SMCCC_VERSION:
		x[0] = SMCCC_1_1;
		return true;
	case SMCCC_ARCH_FEATURES:
		x[0] = arch_features((u32)x[1]);
		return true;
	case SMCCC_WORKAROUND_1:
	case SMCCC_WORKAROUND_2:
	case SMCCC_WORKAROUND_3:
		if (!cpu_needs_workaround(fn))
			return false;
		firmware_call(fn, x[1], 0, 0);
		x[0] = 0;
		return true;
	default:
		return false;
	}
}

void smccc_call(struct vcpu *v, u64 *x)
{
	u32 fn = (u32)x[0], nr = fn & 0xffff;
	u32 owner = fn & 0xbf000000U;

	if (owner == OWNER_STANDARD && nr <= 0x1f) {
		x[0] = (u64)vpsci_call(v, fn, x);
		return;
	}
	if (fn == (OWNER_STANDARD | nr) && service_query(x, nr, 15, standard_uid))
		return;
	if (fn == (OWNER_HYPERVISOR | nr) && service_query(x, nr, 3, hypervisor_uid))
		return;
	if (arch_call(x, fn))
		return;
	x[0] = SMCCC_UNKNOWN;
}
