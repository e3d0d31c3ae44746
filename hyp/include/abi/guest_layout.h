/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest that is not direct mapped has its RAM and its platform (public/arch-arm.h): guests
 * read all of it from their device tree, tools know the numbers.
 */
#ifndef ABI_GUEST_LAYOUT_H
#define ABI_GUEST_LAYOUT_H

#define GUEST_GICD_BASE		0x03001000UL
#define GUEST_GICD_SIZE		0x00001000UL
#define GUEST_GICC_BASE		0x03002000UL
#define GUEST_GICC_SIZE		0x00002000UL

#define GUEST_GICV3_GICD_BASE	0x03001000UL
#define GUEST_GICV3_GICD_SIZE	0x00010000UL
#define GUEST_GICV3_GICR0_BASE	0x03020000UL
#define GUEST_GICV3_GICR0_SIZE	0x01000000UL

#define GUEST_PL011_BASE	0x22000000UL
#define GUEST_PL011_SIZE	0x00001000UL

#define GUEST_GNTTAB_BASE	0x38000000UL
#define GUEST_GNTTAB_SIZE	0x01000000UL

#define GUEST_RAM0_BASE		0x40000000UL
#define GUEST_RAM0_SIZE		0xc0000000UL
#define GUEST_RAM1_BASE		0x0200000000UL
#define GUEST_RAM1_SIZE		0xfe00000000UL

/* INTIDs. */
#define GUEST_TIMER_VIRT_PPI	27
#define GUEST_TIMER_PHYS_S_PPI	29
#define GUEST_TIMER_PHYS_NS_PPI 30
#define GUEST_EVTCHN_PPI	31
#define GUEST_VPL011_SPI	32

/* Of the interrupt controller in the device tree that Xen makes. */
#define GUEST_PHANDLE_GIC	65000

#endif
