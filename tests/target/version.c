// SPDX-License-Identifier: Apache-2.0
/* The hypervisor node of the device tree, and xen_version with each of its sub-operations. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static char buf[1200];

static void check_fdt(void)
{
	check("fdt.hypervisor_node", machine.has_hypervisor);
	check("fdt.grant_region",
	      machine.nr_hypervisor >= 1 && machine.hypervisor[0].size >= 256 * 1024);
	check("fdt.extended_region", machine.nr_hypervisor >= 2);
	check("fdt.evtchn_ppi", machine.event_is_ppi && machine.event_irq >= 16);
	check_eq("fdt.psci_hvc", machine.psci_hvc, 1);
	check_eq("fdt.cpus", machine.nr_cpus, 2);
	check_eq("fdt.mpidr0", (int64_t)machine.mpidr[0], 0);
	check_eq("fdt.mpidr1", (int64_t)machine.mpidr[1], 1);
	check_eq("fdt.vtimer_ppi", machine.vtimer_irq, 27);
	check_eq("fdt.ptimer_ppi", machine.ptimer_irq, 30);
	check_eq("fdt.memory_size", (int64_t)machine.memory[0].size, 512 << 20);
	check("fdt.bootargs", str_contains(machine.bootargs, "hyp="));
}

/* Bytes that the operation wrote into a buffer filled with a mark, counted from its start. */
static int64_t bytes_written(uint64_t op)
{
	int64_t n = sizeof(buf);

	memset(buf, 0xa5, sizeof(buf));
	hc_version(op, buf);
	while (n > 0 && (uint8_t)buf[n - 1] == 0xa5)
		n--;
	return n;
}

static void check_strings(void)
{
	struct xen_compile_info *ci = (void *)buf;

	check_eq("version.extraversion", hc_version(XENVER_extraversion, buf), 0);
	check_eq("version.extraversion_size", bytes_written(XENVER_extraversion), 16);
	check_eq("version.compile_info", hc_version(XENVER_compile_info, buf), 0);
	check_eq("version.compile_info_size", bytes_written(XENVER_compile_info), sizeof(*ci));
	check("version.compiler_is_text", ci->compiler[0] > ' ' && ci->compiler[63] == 0);
	check("version.compile_date_is_text",
	      ci->compile_date[0] > ' ' && ci->compile_date[31] == 0);
	check_eq("version.capabilities", hc_version(XENVER_capabilities, buf), 0);
	check("version.capabilities_aarch64", str_contains(buf, "xen-3.0-aarch64"));
	check_eq("version.capabilities_size", bytes_written(XENVER_capabilities), 1024);
	check_eq("version.changeset", hc_version(XENVER_changeset, buf), 0);
	check_range("version.changeset_size", bytes_written(XENVER_changeset), 1, 64);
	check_eq("version.platform_parameters", hc_version(XENVER_platform_parameters, buf), 0);
	check_eq("version.platform_parameters_size", bytes_written(XENVER_platform_parameters), 8);
	check_eq("version.guest_handle", hc_version(XENVER_guest_handle, buf), 0);
	check_eq("version.guest_handle_size", bytes_written(XENVER_guest_handle), 16);
	check_eq("version.commandline", hc_version(XENVER_commandline, buf), 0);
	check("version.commandline_text", str_contains(buf, "dom0_mem=512M"));
	check_eq("version.commandline_size", bytes_written(XENVER_commandline), 1024);
}

static void check_features(void)
{
	struct xen_feature_info fi = { 0, 0 };
	uint32_t map;

	check_eq("version.get_features_0", hc_version(XENVER_get_features, &fi), 0);
	map = fi.submap;
	/* All but dom0, the two that tell how memory is mapped, and what came with Xen 4.18. */
	check_eq("version.features_mask",
		 map & ~(1u << XENFEAT_dom0 | 1u << XENFEAT_not_direct_mapped |
			 1u << XENFEAT_direct_mapped | 1u << XENFEAT_runstate_phys_area),
		 0x6005);
	check_eq("version.feature_auto_translated", map >> XENFEAT_auto_translated_physmap & 1, 1);
	check_eq("version.feature_dom0", map >> XENFEAT_dom0 & 1, 1);
	check_eq("version.feature_smccc", map >> XENFEAT_arm_smccc_supported & 1, 1);
	check("version.feature_direct_mapped_xor",
	      (map >> XENFEAT_not_direct_mapped & 1) != (map >> XENFEAT_direct_mapped & 1));
	fi.submap_idx = 1;
	check_eq("version.get_features_1", hc_version(XENVER_get_features, &fi), -XEN_EINVAL);
}

static void check_build_id(void)
{
	struct xen_build_id *id = (void *)buf;

	check_eq("version.build_id_size", hc_version(XENVER_build_id, NULL), 20);
	id->len = 0;
	check_eq("version.build_id_len0", hc_version(XENVER_build_id, id), -XEN_EINVAL);
	id->len = 4;
	check_eq("version.build_id_short", hc_version(XENVER_build_id, id), -XEN_ENOBUFS);
	id->len = 64;
	check_eq("version.build_id", hc_version(XENVER_build_id, id), 20);
}

static void check_bad_pointers(void)
{
	static const struct {
		const char *name;
		uint64_t op;
	} ops[] = {
		{ "extraversion", XENVER_extraversion },
		{ "compile_info", XENVER_compile_info },
		{ "capabilities", XENVER_capabilities },
		{ "changeset", XENVER_changeset },
		{ "platform_parameters", XENVER_platform_parameters },
		{ "get_features", XENVER_get_features },
		{ "guest_handle", XENVER_guest_handle },
		{ "commandline", XENVER_commandline },
		{ "build_id", XENVER_build_id },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		check_eqf(hc_version(ops[i].op, (void *)UNMAPPED_ADDRESS), -XEN_EFAULT,
			  "version.efault_stage1.%s", ops[i].name);
		check_eqf(hc_version(ops[i].op, (void *)hole_address()), -XEN_EFAULT,
			  "version.efault_stage2.%s", ops[i].name);
	}
	check_eq("version.efault_null", hc_version(XENVER_get_features, NULL), -XEN_EFAULT);
	check_eq("version.efault_device",
		 hc_version(XENVER_get_features, (void *)machine.gicd.base), -XEN_EFAULT);
	check_eq("version.efault_upper_half",
		 hc_version(XENVER_get_features, (void *)0xffff000000000000ul), -XEN_EFAULT);
}

void guest_main(void)
{
	check_fdt();
	check_eq("version.version", hc_version(XENVER_version, NULL), 0x40011);
	check_eq("version.pagesize", hc_version(XENVER_pagesize, NULL), 4096);
	check_strings();
	check_features();
	check_build_id();
	check_bad_pointers();
	check_eq("version.sub_15", hc_version(15, buf), -XEN_ENOSYS);
	check_eq("version.sub_max", hc_version(0xffffffff, buf), -XEN_ENOSYS);
}
