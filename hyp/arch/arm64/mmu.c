/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's own translation tables (layout in arch/memory.h).
 *
 * Tables come from a small pool in the image until that is used up, then from the heap. They are
 * reached through the image until the bank of RAM with the image is in the direct map, from then on
 * through the direct map. What is in use is never split or remapped, since the tables and the
 * stack could be inside it: what changes rights later is mapped apart, in pages, from the start.
 *
 * From the linker script, page aligned, in this order: _text, _etext; __init_begin,
 * __init_text_end, __init_end; _rodata, _erodata; _data with __ro_after_init_start and _end;
 * __bss_start, __init_bss_end; _end.
 * Until mmu_seal() the tables also have the identity map that head.S made around the image.
 */
#include <arch/barrier.h>
#include <arch/mmu.h>
#include <arch/pgtable.h>
#include <arch/sysreg.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/frame.h>
#include <serai/printk.h>

/* Leaf descriptors (Arm ARM D8.3, D8.4); bit 6 is RES1 at EL2. */
#define PTE_ATTR(index) ((u64)(index) << 2)
#define PTE_RES1	BIT(6)
#define PTE_RO		BIT(7)
#define PTE_SH_INNER	(3UL << 8)
#define PTE_AF		BIT(10)
#define PTE_XN		BIT(54)
#define PTE_NORMAL	(PTE_VALID | PTE_RES1 | PTE_AF | PTE_SH_INNER | PTE_ATTR(MAIR_NORMAL))
#define MAP_RX		(PTE_NORMAL | PTE_RO)
#define MAP_RO		(PTE_NORMAL | PTE_RO | PTE_XN)
#define MAP_RW		(PTE_NORMAL | PTE_XN)
#define MAP_DEVICE	(PTE_VALID | PTE_RES1 | PTE_AF | PTE_ATTR(MAIR_DEVICE_NGNRE) | PTE_XN)

#define VA_BITS	     48
#define BLOCK_2M     BIT(PT_SHIFT_2)
#define POOL_TABLES  32
#define FLUSH_MAX    64 /* more single invalidations than this: all at once */
#define FDT_MAGIC    0xd00dfeed
#define FDT_HEADER   40
#define FDT_SIZE_MAX BLOCK_2M

extern char _text[], _etext[], _rodata[], _erodata[], _data[], _end[];
extern char __ro_after_init_start[], __ro_after_init_end[];
extern char __init_begin[], __init_text_end[], __init_end[], __bss_start[], __init_bss_end[];

u64 image_phys_offset __ro_after_init;
u64 mmu_secondary_ttbr __ro_after_init;

static u64 pool[POOL_TABLES][PT_ENTRIES] __aligned(PAGE_SIZE);
static unsigned int pool_used;
static u64 device_next = DEVICE_VA, stack_next = STACK_VA;
static unsigned int identity_index __ro_after_init; /* in the root */

static u64 *stage1_table_alloc(struct pgtable *t)
{
	u64 *table;

	if (pool_used == POOL_TABLES)
		return heap_alloc_page();
	table = pool[pool_used++];
	return (u64 *)(virt_to_paddr(table) + t->va_offset);
}

/* Never one of the pool: only blocks replace tables, and nothing here asks for that. */
static void stage1_table_free(struct pgtable *t, u64 *table)
{
	heap_free(table, 0);
}

static void tlbi_va(u64 va)
{
	__asm__ volatile("tlbi vae2is, %0" : : "r"(va >> PAGE_SHIFT) : "memory");
}

static void stage1_flush(struct pgtable *t, u64 addr, u64 size, u64 step)
{
	dsb(ishst);
	if (size / step > FLUSH_MAX) {
		__asm__ volatile("tlbi alle2is" : : : "memory");
	} else {
		for (u64 end = addr + size; addr < end; addr += step)
			tlbi_va(addr);
	}
	dsb(ish);
	isb();
}

static const struct pgtable_ops stage1_ops = {
	.table_alloc = stage1_table_alloc,
	.table_free = stage1_table_free,
	.flush = stage1_flush,
};

static struct pgtable stage1 = { .ops = &stage1_ops, .root_shift = PT_SHIFT_0, .bits = VA_BITS };

/* desc: attributes, or 0 to unmap. */
static int stage1_set(u64 va, paddr_t pa, u64 size, u64 desc)
{
	struct pgtable_change c = { .addr = va, .size = size, .desc = desc ? desc | pa : 0 };
	int rc;

	if (!size)
		return 0;
	rc = pgtable_set(&stage1, &c);
	dsb(ishst);
	isb();
	return rc;
}

static void stage1_map(u64 va, paddr_t pa, u64 size, u64 desc)
{
	if (stage1_set(va, pa, size, desc))
		panic("no memory for the page tables of %#lx bytes at %#lx", size, pa);
}

static void __init map_image(const char *from, const char *to, u64 desc)
{
	stage1_map((u64)from, virt_to_paddr(from), (u64)(to - from), desc);
}

/*
 * Between the two maps of the image there is only one step where neither is in doubt: on the
 * identity map, which old and new tables share.
 */
static void __init switch_tables(u64 ttbr)
{
	u64 tmp;

	__asm__ volatile("adr	%0, 1f\n"
			 "	sub	%0, %0, %2\n"
			 "	br	%0\n"
			 "1:	msr	ttbr0_el2, %1\n"
			 "	isb\n"
			 "	tlbi	alle2\n"
			 "	dsb	nsh\n"
			 "	isb\n"
			 "	adr	%0, 2f\n"
			 "	add	%0, %0, %2\n"
			 "	br	%0\n"
			 "2:"
			 : "=&r"(tmp)
			 : "r"(ttbr), "r"(image_phys_offset)
			 : "memory");
}

void mmu_cpu_init(void)
{
	write_sysreg(SCTLR_EL2_ON, sctlr_el2);
	isb();
}

void __init mmu_init_early(void)
{
	const u64 *boot_root;

	stage1.va_offset = image_phys_offset;
	stage1.root = stage1_table_alloc(&stage1);

	map_image(_text, _etext, MAP_RX);
	map_image(__init_begin, __init_text_end, MAP_RX);
	map_image(__init_text_end, __init_end, MAP_RW);
	map_image(_rodata, _erodata, MAP_RO);
	map_image(_data, __ro_after_init_start, MAP_RW);
	map_image(__ro_after_init_start, __ro_after_init_end, MAP_RW);
	map_image(__ro_after_init_end, __bss_start, MAP_RW);
	map_image(__bss_start, __init_bss_end, MAP_RW);
	map_image(__init_bss_end, (char *)pool, MAP_RW);
	map_image((char *)pool, (char *)(pool + POOL_TABLES), MAP_RW);
	map_image((char *)(pool + POOL_TABLES), _end, MAP_RW);

	boot_root = (const u64 *)((read_sysreg(ttbr0_el2) & PTE_PA_MASK) + image_phys_offset);
	identity_index = (unsigned int)(virt_to_paddr(_text) >> PT_SHIFT_0);
	stage1.root[identity_index] = boot_root[identity_index];

	mmu_secondary_ttbr = virt_to_paddr(stage1.root);
	dsb(ish);
	switch_tables(mmu_secondary_ttbr);
	mmu_cpu_init();
}

const void *__init mmu_map_fdt(paddr_t pa)
{
	/* Aligned alike, so that blocks can be used. */
	u64 va = FDT_VA + (pa & (BLOCK_2M - 1)), offset = pa & ~PAGE_MASK, mapped, size;
	const u32 *header = (const u32 *)va;

	if (!pa || (pa & 7))
		return NULL;
	mapped = ROUND_UP(offset + FDT_HEADER, PAGE_SIZE);
	stage1_map(va - offset, pa - offset, mapped, MAP_RO);
	size = __builtin_bswap32(header[1]);
	if (header[0] != __builtin_bswap32(FDT_MAGIC) || size < FDT_HEADER || size > FDT_SIZE_MAX)
		return NULL;
	size = ROUND_UP(offset + size, PAGE_SIZE);
	if (size > mapped)
		stage1_map(va - offset + mapped, pa - offset + mapped, size - mapped, MAP_RO);
	return (const void *)va;
}

static void __init map_direct(paddr_t start, paddr_t end, u64 desc)
{
	if (start < end)
		stage1_map(DIRECT_VA + start, start, end - start, desc);
}

/* The bank with the image: its parts apart, by the rights that they have or are going to have. */
static void __init map_direct_image(paddr_t start, paddr_t end)
{
	const struct {
		paddr_t until;
		u64 desc;
	} parts[] = {
		{ virt_to_paddr(_text), MAP_RW },
		{ virt_to_paddr(_etext), MAP_RO },
		{ virt_to_paddr(_rodata), MAP_RW },
		{ virt_to_paddr(_erodata), MAP_RO },
		{ virt_to_paddr(__ro_after_init_start), MAP_RW },
		{ virt_to_paddr(__ro_after_init_end), MAP_RW },
		{ end, MAP_RW },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		map_direct(start, parts[i].until, parts[i].desc);
		start = parts[i].until;
	}
	stage1.root = paddr_to_virt(virt_to_paddr(stage1.root));
	stage1.va_offset = DIRECT_VA;
}

void __init mmu_map_direct(paddr_t start, u64 size)
{
	const paddr_t limit = (1UL << VA_BITS) - DIRECT_VA;
	paddr_t end = ROUND_DOWN(start + size, PAGE_SIZE);

	start = ROUND_UP(start, PAGE_SIZE);
	if (end > limit) {
		pr_warn("RAM above %#lx is not used\n", limit);
		end = limit;
	}
	if (start <= virt_to_paddr(_text) && end >= virt_to_paddr(_end))
		map_direct_image(start, end);
	else
		map_direct(start, end, MAP_RW);
}

void __init mmu_map_frame_table(u64 offset, paddr_t pa, u64 size)
{
	stage1_map(FRAME_TABLE_VA + offset, pa, size, MAP_RW);
	frame_arch_zero((void *)(FRAME_TABLE_VA + offset), size);
}

void __init mmu_map_frame_table_hole(u64 offset, paddr_t zeroes)
{
	stage1_map(FRAME_TABLE_VA + offset, zeroes, FRAME_TABLE_PIECE, MAP_RO);
}

void *mmu_map_device(paddr_t pa, size_t size)
{
	u64 offset = pa & ~PAGE_MASK, va = device_next;

	size = ROUND_UP(size + offset, PAGE_SIZE);
	if (size >= BLOCK_2M)
		va = ROUND_UP(va, BLOCK_2M) + (pa & (BLOCK_2M - 1) & PAGE_MASK);
	if (va + size > DEVICE_VA_END || stage1_set(va, pa - offset, size, MAP_DEVICE))
		return NULL;
	device_next = va + size;
	return (void *)(va + offset);
}

bool probe_word(u32 *va);

bool __init mmu_probe(paddr_t pa)
{
	u64 next = device_next;
	u32 *va = mmu_map_device(pa, sizeof(*va));
	bool memory = va && probe_word(va);

	if (va)
		stage1_set((u64)va & PAGE_MASK, 0, PAGE_SIZE, 0);
	device_next = next;
	return memory;
}

void *mmu_map_stack(paddr_t pa, size_t size)
{
	u64 va = stack_next + PAGE_SIZE;

	if (va + size > STACK_VA_END || stage1_set(va, pa, size, MAP_RW))
		return NULL;
	stack_next = va + size;
	return (void *)va;
}

void __init mmu_write_text(void *at, u32 insn)
{
	u64 pa = virt_to_paddr(at);
	u32 *alias = (u32 *)(PATCH_VA + (pa & ~PAGE_MASK));

	stage1_map(PATCH_VA, pa & PAGE_MASK, PAGE_SIZE, MAP_RW);
	*alias = insn;
	cache_arch_clean(alias, sizeof(*alias));
	__asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
	dsb(ish);
	isb();
	stage1_set(PATCH_VA, 0, PAGE_SIZE, 0);
}

void mmu_image_range(paddr_t *start, paddr_t *end)
{
	*start = virt_to_paddr(_text);
	*end = virt_to_paddr(_end);
}

/* Takes away a right of pages in use: no break before make for that (Arm ARM D8.14.1). */
static void make_read_only(u64 va, u64 size)
{
	unsigned int shift;

	for (u64 a = va; a < va + size; a += PAGE_SIZE) {
		u64 *e = pgtable_find(&stage1, a, &shift);

		BUG_ON(shift != PT_LAST_SHIFT);
		WRITE_ONCE(*e, *e | PTE_RO);
	}
	stage1_flush(&stage1, va, size, PAGE_SIZE);
}

static void unmap_image(const char *from, const char *to)
{
	stage1_set((u64)from, 0, (u64)(to - from), 0);
}

static void give_back(paddr_t start, paddr_t end)
{
	frame_add_range(start, end, true);
}

/* Part of the image that nobody uses any more. */
static void drop_image(const char *from, const char *to)
{
	paddr_t start = virt_to_paddr(from);

	unmap_image(from, to);
	give_back(start, start + (u64)(to - from));
}

void mmu_seal(void)
{
	paddr_t ro = virt_to_paddr(__ro_after_init_start);
	u64 ro_size = (u64)(__ro_after_init_end - __ro_after_init_start);
	paddr_t tables = virt_to_paddr(pool);

	if (stage1.va_offset != DIRECT_VA)
		panic("the image is not inside the memory that the device tree lists");
	stage1.root[identity_index] = 0;
	stage1_flush(&stage1, 0, 1UL << VA_BITS, PAGE_SIZE);

	make_read_only(DIRECT_VA + ro, ro_size);
	make_read_only((u64)__ro_after_init_start, ro_size);
	drop_image(__init_begin, __init_end);
	drop_image(__bss_start, __init_bss_end);
	unmap_image((char *)pool, (char *)(pool + POOL_TABLES));
	give_back(tables + pool_used * PAGE_SIZE, tables + sizeof(pool));
	pool_used = POOL_TABLES;
}

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return mmu_map_device(pa, size);
}
