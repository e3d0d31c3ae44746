/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and fields of GICv3 (IHI 0069, chapter 12): the frames, and those of ICH_* and ICC_*. */
#ifndef ARCH_GICV3_REGS_H
#define ARCH_GICV3_REGS_H

/* Distributor; those per interrupt are also in a redistributor's SGI frame, for bank 0. */
#define GICD_CTLR	0x0000
#define GICD_TYPER	0x0004
#define GICD_IIDR	0x0008
#define GICD_IGROUPR	0x0080
#define GICD_ISENABLER	0x0100
#define GICD_ICENABLER	0x0180
#define GICD_ISPENDR	0x0200
#define GICD_ICPENDR	0x0280
#define GICD_ISACTIVER	0x0300
#define GICD_ICACTIVER	0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR	0x0800
#define GICD_ICFGR	0x0c00
#define GICD_IGRPMODR	0x0d00
#define GICD_IROUTER	0x6000 /* of INTID 0; 32 is the first there is */
#define GICD_IROUTER_END 0x8000
#define GIC_PIDR2	0xffe8 /* of either frame */
#define GIC_FRAME_SIZE	0x10000

#define GICD_CTLR_ENABLE_GRP1  0x1
#define GICD_CTLR_ENABLE_GRP1A 0x2
#define GICD_CTLR_ARE_NS       0x10
#define GICD_CTLR_RWP	       0x80000000
#define GICD_TYPER_LINES(t)    ((((t) & 0x1f) + 1) * 32)
#define GICD_TYPER_CPUS_SHIFT  5
#define GICD_TYPER_IDBITS_SHIFT 19
#define GICD_TYPER_IDBITS(t)   (((t) >> 19) & 0x1f)
#define GICD_IROUTER_ANY       (1UL << 31)
#define GIC_PIDR2_ARCH(p)      (((p) >> 4) & 0xf)

/* Redistributor: RD frame, then the SGI frame. */
#define GICR_CTLR	 0x0000
#define GICR_IIDR	 0x0004
#define GICR_TYPER	 0x0008
#define GICR_WAKER	 0x0014
#define GICR_SETLPIR	 0x0040
#define GICR_CLRLPIR	 0x0048
#define GICR_PROPBASER	 0x0070
#define GICR_PENDBASER	 0x0078
#define GICR_INVLPIR	 0x00a0
#define GICR_INVALLR	 0x00b0
#define GICR_SYNCR	 0x00c0
#define GICR_SGI_FRAME	 0x10000
#define GICR_STRIDE	 0x20000
#define GICR_STRIDE_VLPI 0x40000

#define GICR_CTLR_RWP		  0x8
#define GICR_TYPER_VLPIS	  0x2
#define GICR_TYPER_LAST		  0x10
#define GICR_TYPER_NUMBER_SHIFT	  8
#define GICR_TYPER_AFFINITY_SHIFT 32
#define GICR_WAKER_SLEEP	  0x2
#define GICR_WAKER_ASLEEP	  0x4

/* ICC_* at EL2. */
#define ICC_SRE_SRE	     0x1
#define ICC_SRE_DFB	     0x2
#define ICC_SRE_DIB	     0x4
#define ICC_CTLR_EOIMODE     0x2
#define ICC_SGI1R_INTID(v)   (((v) >> 24) & 0xf)
#define ICC_SGI1R_LIST(v)    ((v) & 0xffff)
#define ICC_SGI1R_AFF1(v)    (((v) >> 16) & 0xff)
#define ICC_SGI1R_IRM	     (1UL << 40)
/* Aff3, range selector, Aff2: all zero for any vcpu. */
#define ICC_SGI1R_FAR	     0x00fff0ff00000000UL
#define ICC_SGI1R_RS_SHIFT   44
#define ICC_SGI1R_INTID_SHIFT 24

/* ICH_HCR_EL2, ICH_MISR_EL2. */
#define ICH_HCR_EN	 0x1
#define ICH_HCR_UIE	 0x2
#define ICH_HCR_LRENPIE	 0x4
#define ICH_HCR_NPIE	 0x8
#define ICH_HCR_EOICOUNT_MASK 0xf8000000U
#define ICH_HCR_EOICOUNT(h) (((h) >> 27) & 0x1f)

/* ICH_VTR_EL2. */
#define ICH_VTR_LISTREGS(v) (((v) & 0x1f) + 1)
#define ICH_VTR_PREBITS(v)  ((((v) >> 26) & 7) + 1)

/* ICH_VMCR_EL2. */
#define ICH_VMCR_ENG0	0x1
#define ICH_VMCR_ENG1	0x2
#define ICH_VMCR_PMR(v) (((v) >> 24) & 0xff)

/* ICH_LRn_EL2. */
#define LR_IRQ(lr)	   ((u32)(lr) & 0x3ff)
#define LR_SOURCE_SHIFT	   10 /* of an SGI's sender, for guests with a GICv2 */
#define LR_SOURCE(lr)	   (((u32)(lr) >> LR_SOURCE_SHIFT) & 7)
#define LR_PHYS_SHIFT	   32
#define LR_PHYS_MASK	   (0x3ffUL << LR_PHYS_SHIFT) /* with LR_HW */
#define LR_PHYS(lr)	   ((u32)((lr) >> LR_PHYS_SHIFT) & 0x3ff)
#define LR_EOI		   (1UL << 41) /* maintenance interrupt at its end; not with LR_HW */
#define LR_PRIO_SHIFT	   48
#define LR_PRIO(lr)	   (((lr) >> LR_PRIO_SHIFT) & 0xff)
#define LR_GROUP1	   (1UL << 60)
#define LR_HW		   (1UL << 61)
#define LR_STATE_SHIFT	   62
#define LR_PENDING	   (1UL << 62)
#define LR_ACTIVE	   (1UL << 63)
#define LR_STATE	   (LR_PENDING | LR_ACTIVE)

#endif
