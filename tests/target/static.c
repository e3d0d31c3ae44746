// SPDX-License-Identifier: Apache-2.0
/* Two guests with memory of their own by the device tree; the second sees it at the host's addresses. */
/* machine: smp=1 vcpus=1 domu=2 only=serai */
/* machine: props1='xen,enhanced = "no-xenstore"; #xen,static-mem-address-cells = <2>; */
/* machine: #xen,static-mem-size-cells = <2>; */
/* machine: xen,static-mem = <0 0xa0000000 0 0x2000000 0 0x90001000 0 0x2000000>;' */
/* machine: props2='xen,enhanced = "no-xenstore"; direct-map; */
/* machine: xen,static-mem = <0 0xb0000000 0 0x4000000>;' */
#include "guest.h"

#define MIB	    (1ul << 20)
#define DIRECT_BASE 0xb0000000ul
#define HOST_GICD   0x08000000ul
#define HOST_GICR   0x080a0000ul
#define HOST_UART   0x09000000ul

static bool direct;

static int64_t reservation(uint64_t op, uint64_t *gfn)
{
	struct xen_memory_reservation r = { gfn, 1, 0, 0, DOMID_SELF };

	return hc_memory(op, &r);
}

/* Memory that is given away and taken back is the very same. */
static void check_same_frame(const char *who, uint64_t addr)
{
	volatile uint64_t *p = (volatile uint64_t *)addr;
	uint64_t gfn = addr >> PAGE_SHIFT, v;

	*p = 0x5e8a1 + addr;
	asm volatile("dc civac, %0\n\tdsb sy" : : "r"(p) : "memory");
	check_eqf(reservation(XENMEM_decrease_reservation, &gfn), 1, "%s.decrease", who);
	check_eqf(probe_read64(addr, &v), false, "%s.gone", who);
	check_eqf(reservation(XENMEM_populate_physmap, &gfn), 1, "%s.populate", who);
	check_eqf((int64_t)*p, (int64_t)(0x5e8a1 + addr), "%s.same_frame", who);
}

/* All of it can be written, and no two addresses are one frame. */
static void check_all_memory(const char *who)
{
	const struct region *m = &machine.memory[0];
	uint64_t wrong = 0;

	for (uint64_t a = m->base + 32 * MIB; a < m->base + m->size; a += PAGE_SIZE)
		*(volatile uint64_t *)a = a;
	for (uint64_t a = m->base + 32 * MIB; a < m->base + m->size; a += PAGE_SIZE)
		wrong += *(volatile uint64_t *)a != a;
	check_eqf((int64_t)wrong, 0, "%s.all_memory", who);
}

static void check_features(const char *who)
{
	struct xen_feature_info fi = { 0, 0 };

	check_eqf(hc_version(XENVER_get_features, &fi), 0, "%s.features", who);
	check_eqf(fi.submap >> XENFEAT_direct_mapped & 1, direct, "%s.feature_direct", who);
	check_eqf(fi.submap >> XENFEAT_not_direct_mapped & 1, !direct, "%s.feature_not_direct", who);
}

static void check_grants(const char *who)
{
	check_eqf(grants_init(), true, "%s.grants", who);
}

void guest_main(void)
{
	const char *who;

	direct = str_contains(machine.bootargs, "name=domU2");
	who = direct ? "direct" : "static";
	check_eqf(machine.nr_memory, 1, "%s.banks", who);
	check_eqf((int64_t)machine.memory[0].base, direct ? DIRECT_BASE : 0x40000000, "%s.base", who);
	check_eqf((int64_t)machine.memory[0].size, 64 * MIB, "%s.size", who);
	check_eqf((int64_t)machine.gicd.base, direct ? HOST_GICD : 0x3001000, "%s.gicd", who);
	check_eqf((int64_t)machine.gicr.base, direct ? HOST_GICR : 0x3020000, "%s.gicr", who);
	check_eqf((int64_t)machine.uart.base, direct ? HOST_UART : 0x22000000, "%s.uart", who);
	check_eqf(machine.uart_irq, direct ? 33 : 32, "%s.uart_irq", who);
	check_features(who);
	check_all_memory(who);
	check_same_frame(who, machine.memory[0].base + 40 * MIB);
	check_grants(who);
}
