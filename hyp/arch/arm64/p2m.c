/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 (Arm ARM D8.3, D8.6). Input addresses are as wide as the CPU's physical ones, at most
 * 48 bits. Up to 43 bits the walk begins at level 1, with up to 16 concatenated tables, beyond that
 * at level 0. The type of an entry is kept in its software bits.
 *
 * The MMU's walks are coherent with the caches, so tables are not cleaned. After a removal another
 * CPU's guest may fault on what was split or replaced a moment ago: the trap handler looks again.
 */
#include <arch/barrier.h>
#include <arch/cpufeature.h>
#include <arch/sysreg.h>
#include <arch/vmid.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/p2m.h>

/* Leaf descriptors of stage 2. */
#define S2_ATTR(n)	((u64)(n) << 2)
#define S2_DEVICE_NGNRE S2_ATTR(0x1)
#define S2_NORMAL_NC	S2_ATTR(0x5)
#define S2_NORMAL_WB	S2_ATTR(0xf)
#define S2_READ		BIT(6)
#define S2_WRITE	BIT(7)
#define S2_SH_OUTER	(2UL << 8)
#define S2_SH_INNER	(3UL << 8)
#define S2_AF		BIT(10)
#define S2_XN		BIT(54)
#define S2_TYPE_SHIFT	55
#define S2_TYPE(desc)	((u32)((desc) >> S2_TYPE_SHIFT) & 0xf)

#define S2_LEAF(type, rights) \
	(PTE_VALID | S2_AF | S2_READ | (rights) | ((u64)(type) << S2_TYPE_SHIFT))
#define S2_RAM	(S2_NORMAL_WB | S2_SH_INNER)
#define S2_DATA (S2_RAM | S2_XN)

#define CONCAT_MAX	 4 /* log2 of the tables of the first level that can lie in a row */
#define FLUSH_MAX	 32 /* more single invalidations than this: the whole VMID */
#define VTTBR_VMID_SHIFT 48

static const u64 type_desc[] = {
	[P2M_RAM_RW] = S2_LEAF(P2M_RAM_RW, S2_RAM | S2_WRITE),
	[P2M_RAM_RO] = S2_LEAF(P2M_RAM_RO, S2_RAM),
	[P2M_MMIO_DEV] = S2_LEAF(P2M_MMIO_DEV, S2_DEVICE_NGNRE | S2_SH_OUTER | S2_WRITE | S2_XN),
	[P2M_MMIO_NC] = S2_LEAF(P2M_MMIO_NC, S2_NORMAL_NC | S2_SH_OUTER | S2_WRITE | S2_XN),
	[P2M_MMIO_CACHED] = S2_LEAF(P2M_MMIO_CACHED, S2_DATA | S2_WRITE),
	[P2M_GRANT_RW] = S2_LEAF(P2M_GRANT_RW, S2_DATA | S2_WRITE),
	[P2M_GRANT_RO] = S2_LEAF(P2M_GRANT_RO, S2_DATA),
	[P2M_FOREIGN_RW] = S2_LEAF(P2M_FOREIGN_RW, S2_DATA | S2_WRITE),
	[P2M_FOREIGN_RO] = S2_LEAF(P2M_FOREIGN_RO, S2_DATA),
	[P2M_SHARED] = S2_LEAF(P2M_SHARED, S2_DATA | S2_WRITE),
};

static u64 vtcr __ro_after_init;
static u32 root_shift __ro_after_init, root_order __ro_after_init, ipa_bits __ro_after_init;

static void choose_shape(void)
{
	u64 start;

	ipa_bits = cpu_features.pa_bits;
	if (ipa_bits > PT_SHIFT_0 + CONCAT_MAX) {
		root_shift = PT_SHIFT_0;
		start = 2;
	} else {
		root_shift = PT_SHIFT_1;
		root_order = ipa_bits > PT_SHIFT_0 ? ipa_bits - PT_SHIFT_0 : 0;
		start = 1;
	}
	vtcr = VTCR_RES1 | TCR_T0SZ(64 - ipa_bits) | VTCR_SL0(start) | TCR_IRGN0_WBWA |
	       TCR_ORGN0_WBWA | TCR_SH0_INNER | TCR_PS(cpu_features.pa_range);
	if (cpu_features.vmid16)
		vtcr |= VTCR_VS;
}

void p2m_cpu_init(void)
{
	if (!vtcr) /* the boot CPU */
		choose_shape();
	write_sysreg(vtcr, vtcr_el2);
	isb();
}

/* --- tables and TLBs --- */

static struct frame *table_frame(u32 number)
{
	return number == FRAME_NONE ? NULL : mfn_to_frame(mfn(number));
}

/* All tables but the root are on a list, linked by frame numbers in the tables' frame records. */
static u64 *stage2_table_alloc(struct pgtable *t)
{
	struct p2m_arch *a = container_of(t, struct p2m_arch, tables);
	struct frame *f, *first;
	/* Empty tables stay: the pool ends what a guest can make of its addresses. */
	u64 *table = p2m_table_alloc(container_of(a, struct p2m, arch));

	if (unlikely(!table))
		return NULL;
	f = mfn_to_frame(virt_to_mfn(table));
	f->prev = FRAME_NONE;
	f->next = a->table_list;
	first = table_frame(a->table_list);
	a->table_list = (u32)frame_to_mfn(f).v;
	if (first)
		first->prev = a->table_list;
	return table;
}

static void stage2_table_free(struct pgtable *t, u64 *table)
{
	struct p2m_arch *a = container_of(t, struct p2m_arch, tables);
	struct frame *f = mfn_to_frame(virt_to_mfn(table));
	struct frame *prev = table_frame(f->prev), *next = table_frame(f->next);

	if (prev)
		prev->next = f->next;
	else
		a->table_list = f->next;
	if (next)
		next->prev = f->prev;
	p2m_table_free(container_of(a, struct p2m, arch), table);
}

/* TLB instructions act on the VMID in VTTBR_EL2. Returns what was there. */
static u64 vttbr_enter(u64 vttbr)
{
	u64 current = read_sysreg(vttbr_el2);

	if (unlikely(current != vttbr)) {
		write_sysreg(vttbr, vttbr_el2);
		isb();
	}
	return current;
}

static void vttbr_leave(u64 vttbr, u64 before)
{
	if (unlikely(before != vttbr)) {
		write_sysreg(before, vttbr_el2);
		isb();
	}
}

static void flush_all(u64 vttbr)
{
	u64 before = vttbr_enter(vttbr);

	__asm__ volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	isb();
	vttbr_leave(vttbr, before);
}

/* Entries of stage 2 by address first, then what was combined with stage 1 (Arm ARM D8.13). */
static void stage2_flush(struct pgtable *t, u64 addr, u64 size, u64 step)
{
	u64 vttbr = container_of(t, struct p2m_arch, tables)->vttbr, before;

	dsb(ishst);
	if (unlikely(size / step > FLUSH_MAX)) {
		flush_all(vttbr);
		return;
	}
	before = vttbr_enter(vttbr);
	for (u64 end = addr + size; addr < end; addr += step)
		__asm__ volatile("tlbi ipas2e1is, %0" : : "r"(addr >> PAGE_SHIFT) : "memory");
	dsb(ish);
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	isb();
	vttbr_leave(vttbr, before);
}

/* As stage2_flush(), of single pages that need not be neighbours. */
static void flush_pages(u64 vttbr, const u64 *gfns, u32 nr)
{
	u64 before;

	dsb(ishst);
	before = vttbr_enter(vttbr);
	for (u32 i = 0; i < nr; i++)
		__asm__ volatile("tlbi ipas2e1is, %0" : : "r"(gfns[i]) : "memory");
	dsb(ish);
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	isb();
	vttbr_leave(vttbr, before);
}

static const struct pgtable_ops stage2_ops = {
	.table_alloc = stage2_table_alloc,
	.table_free = stage2_table_free,
	.flush = stage2_flush,
};

/* --- the contract --- */

int p2m_arch_init(struct p2m *p)
{
	struct p2m_arch *a = &p->arch;

	p->end = MIN(p->end, 1UL << (ipa_bits - PAGE_SHIFT));
	*a = (struct p2m_arch){ .table_list = FRAME_NONE,
				.tables = { .va_offset = DIRECT_VA,
					    .ops = &stage2_ops,
					    .root_shift = root_shift,
					    .bits = ipa_bits } };
	a->tables.root = heap_alloc(root_order, FRAME_ZERO);
	if (!a->tables.root)
		return -XEN_ENOMEM;
	a->vmid = vmid_alloc();
	if (!a->vmid) {
		heap_free(a->tables.root, root_order);
		a->tables.root = NULL;
		return -XEN_ENOSPC;
	}
	a->vttbr = virt_to_paddr(a->tables.root) | (u64)a->vmid << VTTBR_VMID_SHIFT;
	/* An idle CPU may have filled its TLB from the tables of the VMID's last owner. */
	flush_all(a->vttbr);
	return 0;
}

bool p2m_arch_destroy(struct p2m *p, u32 nr)
{
	struct p2m_arch *a = &p->arch;

	if (!a->vmid)
		return true;
	flush_all(a->vttbr);
	for (; a->table_list != FRAME_NONE; nr--) {
		if (!nr)
			return false;
		stage2_table_free(&a->tables, frame_map(mfn(a->table_list)));
	}
	heap_free(a->tables.root, root_order);
	vmid_free(a->vmid);
	*a = (struct p2m_arch){ 0 };
	return true;
}

struct report {
	void (*old)(void *ctx, u64 mfn, u64 nr, u32 type);
	void *ctx;
};

static void report_replaced(void *ctx, u64 desc, u64 size)
{
	const struct report *r = ctx;

	r->old(r->ctx, (desc & PTE_PA_MASK) >> PAGE_SHIFT, size >> PAGE_SHIFT, S2_TYPE(desc));
}

int p2m_arch_set(struct p2m *p, u64 gfn, u64 mfn, u64 nr, u32 type,
		 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx)
{
	const u64 frames = 1UL << (ipa_bits - PAGE_SHIFT);
	struct report r = { old, ctx };
	struct pgtable_change c = { .addr = gfn << PAGE_SHIFT,
				    .size = nr << PAGE_SHIFT,
				    .replaced = report_replaced,
				    .ctx = &r };
	int rc;

	ASSERT(gfn < frames && nr <= frames - gfn && type < ARRAY_SIZE(type_desc));
	if (type != P2M_INVALID) {
		/* As many machine addresses as guest ones: PARange bounds both. */
		if (unlikely(mfn >= frames || nr > frames - mfn))
			return -XEN_EINVAL;
		c.desc = type_desc[type] | mfn << PAGE_SHIFT;
	}
	rc = pgtable_set(&p->arch.tables, &c);
	dsb(ishst);
	return rc;
}

u32 p2m_arch_clear_pages(struct p2m *p, const u64 *gfns, u32 nr, u32 types, bool strict,
			 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx)
{
	struct pgtable *t = &p->arch.tables;
	u64 gone[P2M_LIST_MAX], desc[P2M_LIST_MAX], *e;
	unsigned int shift;
	u32 n = 0, i;

	for (i = 0; i < nr; i++) {
		e = pgtable_find(t, gfns[i] << PAGE_SHIFT, &shift);
		if (shift != PT_LAST_SHIFT || !(*e & PTE_VALID) || !(BIT(S2_TYPE(*e)) & types)) {
			if (strict)
				break;
			continue;
		}
		gone[n] = gfns[i];
		desc[n++] = *e;
		WRITE_ONCE(*e, 0);
	}
	if (!n)
		return i;
	flush_pages(p->arch.vttbr, gone, n);
	for (u32 k = 0; k < n; k++)
		old(ctx, (desc[k] & PTE_PA_MASK) >> PAGE_SHIFT, 1, S2_TYPE(desc[k]));
	return i;
}

u64 p2m_arch_get(struct p2m *p, u64 gfn, u32 *type, u64 *left)
{
	u64 addr = gfn << PAGE_SHIFT, below, desc;
	unsigned int shift;

	ASSERT(!(gfn >> (ipa_bits - PAGE_SHIFT)));
	desc = *pgtable_find(&p->arch.tables, addr, &shift);
	below = addr & (BIT(shift) - 1);
	*left = (BIT(shift) - below) >> PAGE_SHIFT;
	*type = S2_TYPE(desc);
	return ((desc & PTE_PA_MASK) + below) >> PAGE_SHIFT;
}
