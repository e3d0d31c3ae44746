/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register frames of the virtual GICv3: GICD, and for each vcpu the two frames of GICR (IHI
 * 0069, 12.8 to 12.11). As Xen does: one security state's view (group registers read as zero), no
 * LPIs, unknown registers read as zero and ignore writes; accesses of a wrong size abort.
 */
#include <arch/gicv3_regs.h>
#include <arch/vgic_lr.h>

#define IIDR		0x34c /* implementer Arm, as Xen says */
#define PIDR2		0x30 /* GICv3 */
#define SYNCR_VALUE	1
#define WRITE_ONLY_READ 0xdeadbeafdeadbeafUL /* what reading a write-only register gives */
#define BITS_LOG2	7 /* registers with a bit for each interrupt: 128 bytes of each kind */

/* Offset within a 64-bit register of an access of size bytes: the value's part at off. */
static u64 part_of(u64 reg, u64 off, u32 size)
{
	return size == 8 ? reg : (u32)(reg >> (off & 4) * 8);
}

/* The kind of register with one bit for each interrupt, by off >> BITS_LOG2. */
static bool bits_reg(u64 off, enum vgic_reg *reg)
{
	static const u8 kinds[] = {
		[GICD_ISENABLER >> BITS_LOG2] = VGIC_ENABLE_SET + 1,
		[GICD_ICENABLER >> BITS_LOG2] = VGIC_ENABLE_CLEAR + 1,
		[GICD_ISPENDR >> BITS_LOG2] = VGIC_PENDING_SET + 1,
		[GICD_ICPENDR >> BITS_LOG2] = VGIC_PENDING_CLEAR + 1,
		[GICD_ISACTIVER >> BITS_LOG2] = VGIC_ACTIVE_SET + 1,
		[GICD_ICACTIVER >> BITS_LOG2] = VGIC_ACTIVE_CLEAR + 1,
	};
	u8 kind = kinds[off >> BITS_LOG2];

	*reg = (enum vgic_reg)(kind - 1U);
	return kind;
}

/* What is the same in GICD and in GICR's SGI frame. */
bool vgic_fields_read(struct vgic_vcpu *g, struct vgic_vcpu *p, u64 off, u32 size, u64 *val)
{
	enum vgic_reg reg;

	if (off >= GICD_IPRIORITYR && off < GICD_ITARGETSR) {
		if (size != 4 && size != 1)
			return false;
		*val = vgic_read_priority(p, (u32)off - GICD_IPRIORITYR, size);
		return true;
	}
	if (size != 4)
		return false;
	*val = 0;
	if (off >= GICD_ICFGR)
		*val = vgic_read_config(p, ((u32)off - GICD_ICFGR) / 4);
	else if (off < GICD_IPRIORITYR && bits_reg(off, &reg))
		return vgic_read_bits(g, p, (u32)off / 4 % VGIC_BANKS_MAX, reg, val);
	return true;
}

bool vgic_fields_write(struct vgic_vcpu *g, struct vgic_vcpu *p, u64 off, u32 size, u64 val)
{
	enum vgic_reg reg;

	if (off >= GICD_IPRIORITYR && off < GICD_ITARGETSR) {
		if (size != 4 && size != 1)
			return false;
		vgic_write_priority(p, (u32)off - GICD_IPRIORITYR, size, (u32)val);
		return true;
	}
	if (size != 4)
		return false;
	if (off >= GICD_ICFGR)
		vgic_write_config(g, p, ((u32)off - GICD_ICFGR) / 4, (u32)val);
	else if (off < GICD_IPRIORITYR && bits_reg(off, &reg))
		vgic_write_bits(g, p, (u32)off / 4 % VGIC_BANKS_MAX, reg, (u32)val);
	return true;
}

/* --- distributor --- */

static bool dist_read_far(struct vgic_vcpu *g, u64 off, u32 size, u64 *val)
{
	if (off >= GICD_IROUTER && off < GICD_IROUTER_END && size >= 4) {
		*val = part_of(vgic_read_router(g->domain, (u32)(off - GICD_IROUTER) / 8), off,
			       size);
		return true;
	}
	if (size == 1 && off >= GICD_ITARGETSR && off < GICD_ICFGR) {
		*val = 0;
		return true;
	}
	if (size != 4)
		return false;
	*val = off == GIC_PIDR2 ? PIDR2 : 0;
	return true;
}

bool vgic_dist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val)
{
	if (off >= GICD_IGRPMODR)
		return dist_read_far(g, off, size, val);
	if (off >= GICD_IGROUPR)
		return vgic_fields_read(g, g, off, size, val);
	if (unlikely(size != 4))
		return false;
	switch (off) {
	case GICD_CTLR:
		*val = GICD_CTLR_ARE_NS | (g->domain->enabled ? GICD_CTLR_ENABLE_GRP1A : 0);
		break;
	case GICD_TYPER:
		*val = g->domain->typer;
		break;
	case GICD_IIDR:
		*val = IIDR;
		break;
	default:
		*val = 0;
		break;
	}
	return true;
}

/* The virtual CPU interfaces stop signalling, or begin; each CPU does it for its vcpu. */
void vgic_enable_dist(struct vgic_vcpu *g, bool on)
{
	struct vgic_domain *d = g->domain;

	if (d->enabled == on)
		return;
	WRITE_ONCE(d->enabled, on);
	vgic_update_hcr(g);
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (i != g->id && d->vcpus[i])
			vgic_notify(d->vcpus[i], on);
}

bool vgic_dist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val)
{
	if (off >= GICD_IROUTER && off < GICD_IROUTER_END && size >= 4) {
		/* The upper half has Aff3, which is zero for all vcpus. */
		if (!(off & 4))
			vgic_write_router(g, (u32)(off - GICD_IROUTER) / 8, val);
		return true;
	}
	if (off >= GICD_IGRPMODR)
		return size == 4;
	if (off >= GICD_IGROUPR)
		return vgic_fields_write(g, g, off, size, val);
	if (size != 4)
		return false;
	if (off == GICD_CTLR)
		vgic_enable_dist(g, val & GICD_CTLR_ENABLE_GRP1A);
	return true;
}

/* --- redistributors --- */

static u64 rdist_typer(const struct vgic_vcpu *p)
{
	u64 affinity = (p->id & 15U) | ((p->id >> 4U) << 8);

	return (affinity << GICR_TYPER_AFFINITY_SHIFT) | ((u64)p->id << GICR_TYPER_NUMBER_SHIFT) |
	       (p->id + 1U == p->domain->nr_vcpus ? GICR_TYPER_LAST : 0);
}

/* Registers of 64 bits, which may be read by halves. */
static bool rd_read_wide(const struct vgic_vcpu *p, u64 reg, u64 *val)
{
	switch (reg) {
	case GICR_TYPER:
		*val = rdist_typer(p);
		return true;
	case GICR_SETLPIR:
	case GICR_CLRLPIR:
	case GICR_INVLPIR:
	case GICR_INVALLR:
		*val = WRITE_ONLY_READ;
		return true;
	case GICR_PROPBASER:
	case GICR_PENDBASER:
		*val = 0;
		return true;
	default:
		return false;
	}
}

static bool rd_read(const struct vgic_vcpu *p, u64 off, u32 size, u64 *val)
{
	u64 wide;

	if (size >= 4 && rd_read_wide(p, off & ~7UL, &wide)) {
		*val = part_of(wide, off, size);
		return true;
	}
	if (size != 4)
		return false;
	switch (off) {
	case GICR_IIDR:
		*val = IIDR;
		break;
	case GICR_SYNCR:
		*val = SYNCR_VALUE;
		break;
	case GIC_PIDR2:
		*val = PIDR2;
		break;
	default:
		/* Never asleep: GICR_WAKER is zero, and so is GICR_CTLR. */
		*val = 0;
		break;
	}
	return true;
}

static bool sgi_has_fields(u64 off)
{
	return off >= GICD_IGROUPR && off < GICD_IGRPMODR &&
	       !(off < GICD_IPRIORITYR && (off & (BIT(BITS_LOG2) - 1)) >= 4) &&
	       !(off >= GICD_IPRIORITYR + VGIC_BANK_IRQS && off < GICD_ICFGR) &&
	       off < GICD_ICFGR + 8;
}

bool vgic_rdist_read(struct vgic_vcpu *g, u64 off, u32 size, u64 *val)
{
	struct vgic_vcpu *p = g->domain->vcpus[off / GICR_STRIDE];

	off %= GICR_STRIDE;
	if (off < GICR_SGI_FRAME)
		return rd_read(p, off, size, val);
	off -= GICR_SGI_FRAME;
	if (sgi_has_fields(off))
		return vgic_fields_read(g, p, off, size, val);
	*val = 0;
	return size == 4;
}

bool vgic_rdist_write(struct vgic_vcpu *g, u64 off, u32 size, u64 val)
{
	struct vgic_vcpu *p = g->domain->vcpus[off / GICR_STRIDE];
	u64 unused;

	off %= GICR_STRIDE;
	if (off < GICR_SGI_FRAME)
		return size == 4 || (size == 8 && rd_read_wide(p, off, &unused));
	off -= GICR_SGI_FRAME;
	if (sgi_has_fields(off))
		return vgic_fields_write(g, p, off, size, val);
	return size == 4;
}
