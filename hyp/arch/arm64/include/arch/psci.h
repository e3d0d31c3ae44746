/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI (Arm DEN0022) and SMCCC (Arm DEN0028): function ids, the firmware's services for the
 * hypervisor, the virtual services for guests.
 */
#ifndef ARCH_PSCI_H
#define ARCH_PSCI_H

#include <serai/types.h>

struct power_driver;
struct vcpu;

#define SMCCC_VERSION		0x80000000U
#define SMCCC_ARCH_FEATURES	0x80000001U
#define SMCCC_WORKAROUND_1	0x80008000U
#define SMCCC_WORKAROUND_2	0x80007fffU
#define SMCCC_WORKAROUND_3	0x80003fffU
#define SMCCC_SMC64		0x40000000U
#define SMCCC_1_1		0x10001
#define SMCCC_UNKNOWN		(~0UL)

#define PSCI_VERSION		0x84000000U
#define PSCI_CPU_SUSPEND	0x84000001U
#define PSCI_CPU_OFF		0x84000002U
#define PSCI_CPU_ON		0x84000003U
#define PSCI_AFFINITY_INFO	0x84000004U
#define PSCI_MIGRATE_INFO_TYPE	0x84000006U
#define PSCI_SYSTEM_OFF		0x84000008U
#define PSCI_SYSTEM_RESET	0x84000009U
#define PSCI_FEATURES		0x8400000aU
#define PSCI_SYSTEM_RESET2	0x84000012U
#define PSCI_1_1		0x10001

enum psci_result {
	PSCI_SUCCESS = 0,
	PSCI_NOT_SUPPORTED = -1,
	PSCI_INVALID_PARAMETERS = -2,
	PSCI_DENIED = -3,
	PSCI_ALREADY_ON = -4,
	PSCI_ON_PENDING = -5,
	PSCI_INVALID_ADDRESS = -9,
};
enum { PSCI_AFFINITY_ON = 0, PSCI_AFFINITY_OFF = 1 };
/* MIGRATE_INFO_TYPE: no trusted OS that would have to move. */
#define PSCI_NO_TRUSTED_OS 2

/* --- the machine's firmware --- */
enum psci_conduit { PSCI_CONDUIT_NONE, PSCI_CONDUIT_SMC, PSCI_CONDUIT_HVC };
void psci_init(enum psci_conduit conduit);
/* What restarts the machine and switches it off if the firmware does not. */
void psci_set_substitute(const struct power_driver *device);
/* A call of the firmware; the result of x0. */
s64 firmware_call(u64 fn, u64 a1, u64 a2, u64 a3);
int psci_cpu_on(u64 mpidr, paddr_t entry, u64 context);

/* --- the guest's --- */
/* HVC #0 or SMC #0: x[0] is the function; results replace x[0] and, for few, x[1]-x[3]. */
void smccc_call(struct vcpu *v, u64 *x);
/* A function with id in the PSCI range. */
s64 vpsci_call(struct vcpu *v, u32 fn, const u64 *x);

#endif
