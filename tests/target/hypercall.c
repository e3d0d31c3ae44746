// SPDX-License-Identifier: Apache-2.0
/* The hypercall door itself: numbers nobody serves, immediates, registers that must survive. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

/* Numbers below 64 that mean nothing on arm64. */
static bool is_unserved(uint64_t nr)
{
	static const uint8_t served[] = {
		HC_platform_op,	     HC_memory_op,  HC_multicall, HC_xen_version, HC_console_io,
		HC_grant_table_op,   HC_vm_assist,  HC_vcpu_op,	  HC_xsm_op,	  HC_sched_op,
		HC_event_channel_op, HC_physdev_op, HC_hvm_op,	  HC_sysctl,	  HC_domctl,
		HC_argo_op,	     HC_dm_op,	    HC_hypfs_op,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(served); i++)
		if (served[i] == nr)
			return false;
	return true;
}

static void check_numbers(void)
{
	int64_t wrong = 0;

	for (uint64_t nr = 0; nr < 64; nr++)
		if (is_unserved(nr) && hypercall(nr, 0, 0, 0, 0) != -XEN_ENOSYS)
			wrong++;
	check_eq("hypercall.unknown_0_63_not_enosys", wrong, 0);
	check_eq("hypercall.nr_64", hypercall(64, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("hypercall.nr_1000", hypercall(1000, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("hypercall.nr_ffffffff", hypercall(0xffffffff, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("hypercall.nr_minus1", hypercall(~0ul, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("hypercall.nr_high_bits_set", hypercall(1ul << 32 | HC_xen_version, 0, 0, 0, 0),
		 -XEN_ENOSYS);
	check_eq("set_timer_op", hypercall(HC_set_timer_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("xsm_op", hypercall(HC_xsm_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("argo_op", hypercall(HC_argo_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("kexec_op", hypercall(HC_kexec_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("tmem_op", hypercall(HC_tmem_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("xenpmu_op", hypercall(HC_xenpmu_op, 0, 0, 0, 0), -XEN_ENOSYS);
	check_eq("dm_op", hypercall(HC_dm_op, 0, 0, 0, 0), -XEN_ENOSYS);
}

/* HVC with another immediate is an undefined instruction to the guest. */
static void check_immediates(void)
{
#define CHECK_IMM(name, imm)                                                                   \
	do {                                                                                   \
		PROBE("mov x16, #17\n\tmov x0, #0\n\tmov x1, #0\n\thvc #" imm, , [d] "r"(0));  \
		check_eq("hvc.imm_" name "_undef", (int64_t)fault.hits, 1);                    \
		check_eq("hvc.imm_" name "_undef_ec", (int64_t)ESR_EC(fault.esr), EC_UNKNOWN); \
		check_eq("hvc.imm_" name "_undef_esr", (int64_t)fault.esr, 0x2000000);         \
	} while (0)
	CHECK_IMM("1", "1");
	CHECK_IMM("0xea0", "0xea0");
	CHECK_IMM("0xea2", "0xea2");
	CHECK_IMM("0xffff", "0xffff");
	CHECK_IMM("0xff00", "0xff00");
}

/* Every register but the arguments and x16 holds its own pattern across a hypercall. */
static void check_registers(void)
{
	uint64_t bad;

	asm volatile(
		"stp x19, x20, [sp, #-96]!\n\tstp x21, x22, [sp, #16]\n\t"
		"stp x23, x24, [sp, #32]\n\tstp x25, x26, [sp, #48]\n\t"
		"stp x27, x28, [sp, #64]\n\tstp x29, x30, [sp, #80]\n\t"
		".irp n, 5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n\t"
		"mov x\\n, #0x5500 + \\n\n\t"
		".endr\n\t"
		"mov x16, #17\n\tmov x0, #0\n\tmov x1, #0\n\thvc #0xea1\n\t"
		"mov x1, #0\n\t"
		".irp n, 5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n\t"
		"mov x2, #0x5500 + \\n\n\tcmp x\\n, x2\n\tcinc x1, x1, ne\n\t"
		".endr\n\t"
		"ldp x21, x22, [sp, #16]\n\tldp x23, x24, [sp, #32]\n\t"
		"ldp x25, x26, [sp, #48]\n\tldp x27, x28, [sp, #64]\n\t"
		"ldp x29, x30, [sp, #80]\n\tldp x19, x20, [sp], #96\n\t"
		"mov %0, x1"
		: "=r"(bad)
		:
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		  "x13", "x14", "x15", "x16", "x17", "x18", "cc", "memory");
	check_eq("hypercall.clobbered_regs_x5_x30", (int64_t)bad, 0);
}

static void check_physdev(void)
{
	static uint64_t arg[8];

	check_eq("physdev.eoi", hc_op(HC_physdev_op, 12, arg), -XEN_ENOSYS);
	check_eq("physdev.manage_pci_add", hc_op(HC_physdev_op, 15, arg), -XEN_ENOSYS);
	check_eq("physdev.pci_device_add", hc_op(HC_physdev_op, 25, arg), -XEN_ENOSYS);
	check_eq("physdev.unknown", hc_op(HC_physdev_op, 99, arg), -XEN_ENOSYS);
}

void guest_main(void)
{
	check_numbers();
	check_immediates();
	check_registers();
	check_physdev();
	check_eq("hypercall.still_alive", hc_version(XENVER_version, NULL), 0x40011);
}
