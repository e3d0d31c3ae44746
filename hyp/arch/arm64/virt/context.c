/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vcpu's registers as tools read and write them (public/arch-arm.h, struct vcpu_guest_context), and
 * the width of a domain. AArch32's banked registers lie in x13 to x30 as in the trap frame.
 */
#include <abi/domctl.h>
#include <arch/cpufeature.h>
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>

#define MODES32 (BIT(0x10) | BIT(0x11) | BIT(0x12) | BIT(0x13) | BIT(0x17) | BIT(0x1b) | BIT(0x1f))
#define MODES64 (BIT(PSR_EL0T) | BIT(PSR_EL1T) | BIT(PSR_EL1H))

static bool psr_allowed(const struct domain *d, u64 psr)
{
	return (d->arch.aarch32 ? MODES32 : MODES64) >> (psr & PSR_M_MASK) & 1;
}

/* Saved ones need not be in use. */
static bool saved_allowed(const struct domain *d, u64 psr)
{
	return !psr || psr_allowed(d, psr);
}

void vcpu_arch_get_context(const struct vcpu *v, struct abi_vcpu_guest_context *c)
{
	const struct trap_frame *f = &v->arch.frame;
	const struct el1_state *s = &v->arch.el1;
	struct abi_core_regs *r = &c->user_regs;

	for (u32 i = 0; i < ARRAY_SIZE(f->x); i++)
		r->x[i] = f->x[i];
	r->pc = f->pc;
	r->cpsr = f->spsr;
	r->spsr_el1 = s->spsr;
	r->spsr_fiq = s->spsr_fiq;
	r->spsr_irq = s->spsr_irq;
	r->spsr_und = s->spsr_und;
	r->spsr_abt = s->spsr_abt;
	r->sp_el0 = s->sp_el0;
	r->sp_el1 = s->sp_el1;
	r->elr_el1 = s->elr;
	c->sctlr = s->sctlr;
	c->ttbcr = s->tcr;
	c->ttbr0 = s->ttbr0;
	c->ttbr1 = s->ttbr1;
}

int vcpu_arch_set_context(struct vcpu *v, const struct abi_vcpu_guest_context *c)
{
	const struct abi_core_regs *r = &c->user_regs;
	struct trap_frame *f = &v->arch.frame;
	struct el1_state *s = &v->arch.el1;
	const struct domain *d = v->domain;

	if (!psr_allowed(d, r->cpsr) || !saved_allowed(d, r->spsr_el1))
		return -XEN_EINVAL;
	if (d->arch.aarch32 && !(saved_allowed(d, r->spsr_fiq) && saved_allowed(d, r->spsr_irq) &&
				 saved_allowed(d, r->spsr_und) && saved_allowed(d, r->spsr_abt)))
		return -XEN_EINVAL;
	for (u32 i = 0; i < ARRAY_SIZE(f->x); i++)
		f->x[i] = r->x[i];
	f->pc = r->pc;
	f->spsr = r->cpsr;
	s->spsr = r->spsr_el1;
	if (d->arch.aarch32) {
		s->spsr_fiq = r->spsr_fiq;
		s->spsr_irq = r->spsr_irq;
		s->spsr_und = r->spsr_und;
		s->spsr_abt = r->spsr_abt;
	} else {
		s->sp_el0 = r->sp_el0;
		s->sp_el1 = r->sp_el1;
		s->elr = r->elr_el1;
	}
	s->sctlr = c->sctlr;
	s->tcr = c->ttbcr;
	s->ttbr0 = c->ttbr0;
	s->ttbr1 = c->ttbr1;
	return 0;
}

int domain_arch_set_width(struct domain *d, u32 bits)
{
	if (bits != 64 && (bits != 32 || !cpu_has_aarch32_el1()))
		return -XEN_EINVAL;
	d->arch.aarch32 = bits == 32;
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i])
			d->vcpus[i]->arch.hcr = cpu_hcr_value(d->vcpus[i]);
	return 0;
}

u32 domain_arch_gic_version(const struct domain *d)
{
	return d->arch.vgic.version;
}
