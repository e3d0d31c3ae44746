/* SPDX-License-Identifier: Apache-2.0 */
/* See arch/patch.h. The branch is Arm ARM C6.2.26, B with a 26-bit offset in words. */
#include <arch/mmu.h>
#include <arch/patch.h>
#include <serai/bug.h>
#include <serai/compiler.h>

#define INSN_B	     0x14000000U
#define INSN_B_MASK  0x03ffffffU
#define INSN_B_REACH (128L << 20)

void __init patch_calls(const struct patch_call *p, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		s64 off = (s64)((u64)p[i].to - (u64)p[i].from);

		BUG_ON(off < -INSN_B_REACH || off >= INSN_B_REACH);
		/* Two equal functions may have been made one. */
		for (u32 k = 0; k < i; k++)
			BUG_ON(p[k].from == p[i].from);
		mmu_write_text((void *)p[i].from, INSN_B | ((u32)(off >> 2) & INSN_B_MASK));
	}
}
