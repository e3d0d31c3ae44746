/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a virtual CPU interface in memory, one for each simulated CPU. The status registers
 * are computed from the list registers as IHI 0069 12.4 defines them.
 */
#ifndef ARCH_ICH_H
#define ARCH_ICH_H

#include <arch/gicv3_regs.h>
#include <serai/types.h>
#include <string.h>

#define FAKE_LRS 4

struct fake_ich {
	u64 lr[FAKE_LRS];
	u32 hcr; /* with EOIcount */
	u64 vmcr;
	u32 ap0r[4], ap1r[4];
};

extern struct fake_ich *fake_ich; /* of the current CPU */
extern bool fake_ich_far[1024];   /* interrupts that must not be linked */

static inline u64 ich_read_lr(unsigned int i)
{
	return i < FAKE_LRS ? fake_ich->lr[i] : 0;
}

static inline void ich_write_lr(unsigned int i, u64 lr)
{
	if (i < FAKE_LRS)
		fake_ich->lr[i] = lr;
}

static inline u32 ich_read_elrsr(void)
{
	u32 empty = 0;

	for (unsigned int i = 0; i < FAKE_LRS; i++) {
		u64 lr = fake_ich->lr[i];

		if (!(lr & LR_STATE) && ((lr & LR_HW) || !(lr & LR_EOI)))
			empty |= 1U << i;
	}
	return empty;
}

static inline u32 ich_read_eisr(void)
{
	u32 ended = 0;

	for (unsigned int i = 0; i < FAKE_LRS; i++)
		if (!(fake_ich->lr[i] & (LR_STATE | LR_HW)) && (fake_ich->lr[i] & LR_EOI))
			ended |= 1U << i;
	return ended;
}

static inline u32 ich_read_misr(void)
{
	u32 misr = ich_read_eisr() ? 0x1 : 0, valid = 0, pending = 0;

	for (unsigned int i = 0; i < FAKE_LRS; i++) {
		valid += (fake_ich->lr[i] & LR_STATE) != 0;
		pending += (fake_ich->lr[i] & LR_STATE) == LR_PENDING;
	}
	if ((fake_ich->hcr & ICH_HCR_UIE) && valid <= 1)
		misr |= 0x2;
	if ((fake_ich->hcr & ICH_HCR_LRENPIE) && ICH_HCR_EOICOUNT(fake_ich->hcr))
		misr |= 0x4;
	if ((fake_ich->hcr & ICH_HCR_NPIE) && !pending)
		misr |= 0x8;
	return misr;
}

static inline u32 ich_read_vtr(void)
{
	return (4U << 29) | (4U << 26) | (FAKE_LRS - 1);
}

static inline u32 ich_read_hcr(void)
{
	return fake_ich->hcr;
}

static inline void ich_write_hcr(u32 hcr)
{
	fake_ich->hcr = hcr;
}

static inline u64 ich_read_vmcr(void)
{
	return fake_ich->vmcr;
}

static inline void ich_write_vmcr(u64 vmcr)
{
	fake_ich->vmcr = vmcr;
}

static inline void ich_save_apr(u32 *ap0r, u32 *ap1r, unsigned int nr)
{
	memcpy(ap0r, fake_ich->ap0r, nr * sizeof(u32));
	memcpy(ap1r, fake_ich->ap1r, nr * sizeof(u32));
}

static inline void ich_load_apr(const u32 *ap0r, const u32 *ap1r, unsigned int nr)
{
	memcpy(fake_ich->ap0r, ap0r, nr * sizeof(u32));
	memcpy(fake_ich->ap1r, ap1r, nr * sizeof(u32));
}

static inline void ich_set_sre(u32 sre)
{
}

static inline bool ich_may_link(u32 irq)
{
	return !fake_ich_far[irq];
}

#endif
