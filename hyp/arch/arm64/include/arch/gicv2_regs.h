/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers and fields of GICv2 (IHI 0048B, chapters 4 and 5) that GICv3 does not have at the same
 * place: the rest of the distributor is in gicv3_regs.h.
 */
#ifndef ARCH_GICV2_REGS_H
#define ARCH_GICV2_REGS_H

#define GICV2_CPUS_MAX 8

/* Distributor. */
#define GICD_ICFGR_PPIS 0x0c04
#define GICD_SGIR	0x0f00
#define GICD_CPENDSGIR	0x0f10
#define GICD_SPENDSGIR	0x0f20
#define GICD_SGI_END	0x0f30
#define GICV2_PIDR2	0x0fe8
#define GICV2_DIST_SIZE 0x1000

#define GICD_CTLR_ENABLE     0x1
#define GICD_SGIR_INTID(v)   ((v) & 0xf)
#define GICD_SGIR_TARGETS(v) (((v) >> 16) & 0xff)
#define GICD_SGIR_FILTER(v)  (((v) >> 24) & 3)
#define GICD_SGIR_TARGET_SHIFT 16
enum gicd_sgir_filter { SGIR_LIST, SGIR_OTHERS, SGIR_SELF };

/* CPU interface. */
#define GICC_CTLR     0x0000
#define GICC_PMR      0x0004
#define GICC_BPR      0x0008
#define GICC_IAR      0x000c
#define GICC_EOIR     0x0010
#define GICC_HPPIR    0x0018
#define GICC_APR0     0x00d0
#define GICC_IIDR     0x00fc
#define GICC_DIR      0x1000
#define GICC_SIZE     0x2000
#define GICC_APRS     4

#define GICC_CTLR_ENABLE  0x1
#define GICC_CTLR_EOIMODE 0x200
#define GICC_INTID(iar)	  ((iar) & 0x3ff)

/* Each 4 KiB page of the CPU interface is there 16 times: where the two pages meet. */
#define GICC_ALIASED_SIZE 0x20000
#define GICC_ALIAS_OFFSET 0xf000

/* Virtual interface control. */
#define GICH_HCR   0x00
#define GICH_VTR   0x04
#define GICH_VMCR  0x08
#define GICH_EISR  0x20
#define GICH_ELRSR 0x30
#define GICH_APR   0xf0
#define GICH_LR	   0x100
#define GICH_SIZE  0x200

#define GICH_VTR_LISTREGS(v) (((v) & 0x3f) + 1)

/* GICH_LRn. */
#define GICH_LR_ID	    0x1fffU /* INTID, and an SGI's sender unless GICH_LR_HW */
#define GICH_LR_INTID	    0x3ffU
#define GICH_LR_PHYS_SHIFT  10
#define GICH_LR_PHYS	    0x3ffU
#define GICH_LR_EOI_SHIFT   19
#define GICH_LR_PRIO_SHIFT  23
#define GICH_LR_PRIO	    0x1fU
#define GICH_LR_STATE_SHIFT 28
#define GICH_LR_STATE	    0x3U
#define GICH_LR_GROUP1	    (1U << 30)
#define GICH_LR_HW	    (1U << 31)

#endif
