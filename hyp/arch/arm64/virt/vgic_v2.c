/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distributor of a virtual GICv2 (IHI 0048B, 4.3). As Xen's: one security state (group
 * registers read as zero), registers of interrupts 0 to 31 are those of the vcpu that asks,
 * unknown registers read as zero and ignore writes; accesses of a wrong size abort.
 *
 * An SGI is pending once for each sender: vgic_vcpu.sgi_senders is laid out as GICD_SPENDSGIR.
 */
#include <arch/gicv2_regs.h>
#include <arch/gicv3_regs.h>
#include <arch/vgic_lr.h>

#define IIDR	 0x43b /* implementer Arm, as Xen says */
#define PIDR2	 0x20 /* GICv2 */
#define WRITE_ONLY_READ 0xdeadbeefU /* what reading a write-only register gives */
#define SGI_MASK 0xffffU

/* --- targets --- */

static u32 read_target(const struct vgic_vcpu *g, u32 intid)
{
	if (intid < VGIC_BANK_IRQS)
		return 1U << g->id;
	return vgic_has_intid(g->domain, intid) ? 1U << READ_ONCE(vgic_spi(g->domain, intid)->target) :
						  0;
}

/* An interrupt has one target here: the first of those named that there are. */
static void write_target(struct vgic_vcpu *g, u32 intid, u32 mask)
{
	mask &= (1U << g->domain->nr_vcpus) - 1;
	if (intid >= VGIC_BANK_IRQS && mask)
		vgic_write_router(g, intid, (u64)__builtin_ctz(mask));
}

/* --- SGIs --- */

static void send_sgi(struct vgic_vcpu *from, u32 id, u32 intid)
{
	struct vgic_vcpu *to = from->domain->vcpus[id];

	if (!to || vgic_is_down(to))
		return;
	vgic_set(&to->sgi_senders[VGIC_SGI_WORD(intid)], VGIC_SGI_BITS(intid, 1U << from->id));
	vgic_set(&to->bank.pending, 1U << intid);
	vgic_change(to, 0, 1U << intid, to == from, true);
}

static bool write_sgir(struct vgic_vcpu *g, u32 val)
{
	u32 all = (1U << g->domain->nr_vcpus) - 1, targets;

	switch (GICD_SGIR_FILTER(val)) {
	case SGIR_LIST:
		targets = GICD_SGIR_TARGETS(val) & all;
		break;
	case SGIR_OTHERS:
		targets = all & ~(1U << g->id);
		break;
	case SGIR_SELF:
		targets = 1U << g->id;
		break;
	default:
		return false;
	}
	for (; targets; targets &= targets - 1)
		send_sgi(g, (u32)__builtin_ctz(targets), GICD_SGIR_INTID(val));
	return true;
}

static void set_pending_sgis(struct vgic_vcpu *g, u32 n, u32 senders)
{
	u32 sgis = 0;

	for (u32 k = 0; k < VGIC_SGIS_PER_WORD; k++)
		if (senders & VGIC_SGI_BITS(k, 0xffU))
			sgis |= 1U << (n * VGIC_SGIS_PER_WORD + k);
	vgic_set(&g->sgi_senders[n], senders);
	vgic_set(&g->bank.pending, sgis);
	vgic_change(g, 0, sgis, true, true);
}

/* Words of four SGIs, or the byte of one. */
static bool sgi_regs_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val)
{
	u32 word = vgic_view_sgi(g, (u32)off % 16 / 4);

	*val = size == 4 ? word : (word >> (off % 4 * 8)) & 0xff;
	return size == 4 || size == 1;
}

static bool sgi_regs_write(struct vgic_vcpu *g, u64 off, u32 size, u32 val)
{
	u32 n = (u32)off % 16 / 4, senders = size == 4 ? val : (val & 0xff) << (off % 4 * 8);

	if (size != 4 && size != 1)
		return false;
	if (off < GICD_SPENDSGIR)
		vgic_unpend_sgi(g, n, senders);
	else
		set_pending_sgis(g, n, senders);
	return true;
}

/* --- the frame --- */

static bool is_target(u64 off)
{
	return off >= GICD_ITARGETSR && off < GICD_ICFGR;
}

/* SGIs are made pending by GICD_SGIR and its like alone. */
static u32 without_sgis(u64 off, u32 val)
{
	return off == GICD_ISPENDR || off == GICD_ICPENDR ? val & ~SGI_MASK : val;
}

bool vgic_v2_dist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val)
{
	*val = 0;
	if (is_target(off)) {
		if (size != 4 && size != 1)
			return false;
		for (u32 i = 0; i < size; i++)
			*val |= read_target(g, (u32)(off - GICD_ITARGETSR) + i) << (i * 8);
		return true;
	}
	if (off >= GICD_CPENDSGIR && off < GICD_SGI_END)
		return sgi_regs_read(g, off, size, val);
	if (off >= GICD_IGROUPR && off < GICD_IGRPMODR)
		return vgic_fields_read(g, g, off, size, val);
	if (off == GICD_CTLR)
		*val = g->domain->enabled ? GICD_CTLR_ENABLE : 0;
	else if (off == GICD_TYPER)
		*val = g->domain->typer;
	else if (off == GICD_IIDR)
		*val = IIDR;
	else if (off == GICV2_PIDR2)
		*val = PIDR2;
	else if (off == GICD_SGIR)
		*val = WRITE_ONLY_READ;
	return size == 4;
}

bool vgic_v2_dist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val)
{
	if (is_target(off)) {
		if (size != 4 && size != 1)
			return false;
		for (u32 i = 0; i < size; i++)
			write_target(g, (u32)(off - GICD_ITARGETSR) + i, (u8)(val >> (i * 8)));
		return true;
	}
	if (off >= GICD_CPENDSGIR && off < GICD_SGI_END)
		return sgi_regs_write(g, off, size, (u32)val);
	/* Private interrupts are levels. */
	if (off == GICD_ICFGR_PPIS)
		return size == 4;
	if (off >= GICD_IGROUPR && off < GICD_IGRPMODR)
		return vgic_fields_write(g, g, off, size, without_sgis(off, (u32)val));
	if (size != 4)
		return false;
	if (off == GICD_CTLR)
		vgic_enable_dist(g, val & GICD_CTLR_ENABLE);
	else if (off == GICD_SGIR)
		return write_sgir(g, (u32)val);
	return true;
}
