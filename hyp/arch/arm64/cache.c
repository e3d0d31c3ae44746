/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache maintenance by address to the point of coherency, and clearing memory with DC ZVA (Arm ARM
 * C5.3.8). Line sizes are read each time: CPUs of one machine may differ.
 */
#include <arch/barrier.h>
#include <arch/memory.h>
#include <arch/sysreg.h>
#include <serai/arch.h>
#include <serai/string.h>

#define CTR_DMINLINE(ctr) FIELD_GET(ctr, 19, 16)
#define DCZID_BS(dczid)	  FIELD_GET(dczid, 3, 0)
#define DCZID_DZP	  BIT(4)
#define ZVA_UNROLL	  8

static u64 line_size(void)
{
	return 4UL << CTR_DMINLINE(read_sysreg(ctr_el0));
}

/* An instruction at eight addresses, %1 apart; %0 is left at the last. */
#define EIGHT(insn)                                                      \
	insn "\n\tadd %0, %0, %1\n\t" insn "\n\tadd %0, %0, %1\n\t" insn \
	     "\n\tadd %0, %0, %1\n\t" insn "\n\tadd %0, %0, %1\n\t" insn \
	     "\n\tadd %0, %0, %1\n\t" insn "\n\tadd %0, %0, %1\n\t" insn \
	     "\n\tadd %0, %0, %1\n\t" insn

#define FOR_LINES(op, va, size)                                                   \
	do {                                                                      \
		u64 step_ = line_size(), end_ = (u64)(va) + (size);               \
		u64 a_ = ROUND_DOWN((u64)(va), step_);                            \
                                                                                  \
		for (; a_ < end_ && end_ - a_ >= 8 * step_; a_ += step_)          \
			__asm__ volatile(EIGHT("dc " op ", %0")                   \
					 : "+&r"(a_)                              \
					 : "r"(step_)                             \
					 : "memory");                             \
		for (; a_ < end_; a_ += step_)                                    \
			__asm__ volatile("dc " op ", %0" : : "r"(a_) : "memory"); \
		dsb(sy);                                                          \
	} while (0)

void cache_arch_clean(const void *va, size_t size)
{
	FOR_LINES("cvac", va, size);
}

void cache_arch_clean_invalidate(const void *va, size_t size)
{
	FOR_LINES("civac", va, size);
}

void frame_arch_zero(void *va, size_t size)
{
	u64 dczid = read_sysreg(dczid_el0);
	u64 block = 4UL << DCZID_BS(dczid), p = (u64)va, end = p + size;

	if ((dczid & DCZID_DZP) || !IS_ALIGNED(p | size, block * ZVA_UNROLL)) {
		memset(va, 0, size);
		return;
	}
	for (; p < end; p += block)
		__asm__ volatile(EIGHT("dc zva, %0") : "+&r"(p) : "r"(block) : "memory");
}

/*
 * Line by line zeroed and cleaned, or copied and cleaned: the line is still in the cache then. A line
 * of the copy takes ten instructions.
 */
#define CLEAR_LINE "dc zva, %0\n\tdc civac, %0"
#define COPY_LINE(offset)                                             \
	"ldp x4, x5, [%1, " #offset "]\n\t"                           \
	"ldp x6, x7, [%1, " #offset " + 16]\n\t"                      \
	"ldp x8, x9, [%1, " #offset " + 32]\n\t"                      \
	"ldp x10, x11, [%1, " #offset " + 48]\n\t"                    \
	"stp x4, x5, [%0]\n\t"                                        \
	"stp x6, x7, [%0, 16]\n\t"                                    \
	"stp x8, x9, [%0, 32]\n\t"                                    \
	"stp x10, x11, [%0, 48]\n\t"                                  \
	"dc civac, %0\n\t"                                            \
	"add %0, %0, 64\n\t"

void frames_arch_clear(mfn_t m, u64 nr)
{
	u64 dczid = read_sysreg(dczid_el0), line = line_size(), size = nr * PAGE_SIZE;
	u64 p = (u64)paddr_to_virt(mfn_to_paddr(m)), end = p + size;

	if ((dczid & DCZID_DZP) || 4UL << DCZID_BS(dczid) != line || line > PAGE_SIZE / ZVA_UNROLL) {
		frame_arch_zero((void *)p, size);
		cache_arch_clean_invalidate((void *)p, size);
		return;
	}
	for (; p < end; p += line)
		__asm__ volatile(EIGHT(CLEAR_LINE) : "+&r"(p) : "r"(line) : "memory");
	dsb(sy);
}

void frame_arch_copy(mfn_t to, mfn_t from)
{
	u64 d = (u64)paddr_to_virt(mfn_to_paddr(to)), s = (u64)paddr_to_virt(mfn_to_paddr(from));

	if (line_size() != 64) {
		memcpy((void *)d, (const void *)s, PAGE_SIZE);
		cache_arch_clean_invalidate((const void *)d, PAGE_SIZE);
		return;
	}
	for (u64 end = s + PAGE_SIZE; s < end; s += 256)
		__asm__ volatile(COPY_LINE(0) COPY_LINE(64) COPY_LINE(128) COPY_LINE(192)
				 : "+&r"(d)
				 : "r"(s)
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "memory");
	dsb(sy);
}
