/* SPDX-License-Identifier: Apache-2.0 */
/* Vcpus, domains and interrupts of the simulated machine: they only count. */
#include <abi/domctl.h>
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/irq.h>

__weak_sym int domain_arch_create(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

__weak_sym void domain_arch_destroy(struct domain *d)
{
}

__weak_sym int vcpu_arch_create(struct vcpu *v)
{
	return 0;
}

__weak_sym void vcpu_arch_destroy(struct vcpu *v)
{
}

/* The frame stands for all registers. */
void vcpu_arch_get_context(const struct vcpu *v, struct abi_vcpu_guest_context *c)
{
	c->user_regs.pc = v->arch.frame.pc;
}

int vcpu_arch_set_context(struct vcpu *v, const struct abi_vcpu_guest_context *c)
{
	if (c->user_regs.cpsr)
		return -XEN_EINVAL;
	v->arch.frame.pc = c->user_regs.pc;
	return 0;
}

int domain_arch_set_width(struct domain *d, u32 bits)
{
	d->arch.width = bits;
	return bits == 64 ? 0 : -XEN_EINVAL;
}

u32 domain_arch_gic_version(const struct domain *d)
{
	return 3;
}

void vcpu_arch_switch_out(struct vcpu *v)
{
	v->arch.switched_out++;
}

void vcpu_arch_switch_in(struct vcpu *v)
{
	v->arch.switched_in++;
}

void vcpu_arch_requests(struct vcpu *v, u32 requests)
{
	v->arch.requests |= requests;
}

void vcpu_arch_dump(struct vcpu *v)
{
	host.dumps++;
}

bool vcpu_arch_irq_pending(struct vcpu *v)
{
	return v->arch.irq_pending;
}

void vcpu_arch_raise_upcall(struct vcpu *v)
{
	__atomic_fetch_add(&v->arch.upcalls, 1, __ATOMIC_RELAXED);
}

void vcpu_arch_unmask_irq(struct vcpu *v)
{
	v->arch.unmasked++;
}

__weak_sym void domain_arch_set_spi_level(struct domain *d, u32 intid, bool level)
{
	d->arch.last_spi = intid;
	d->arch.spi_level = level;
}

__weak_sym void irq_arch_enable(u32 irq)
{
}

__weak_sym void irq_arch_disable(u32 irq)
{
}

__weak_sym void irq_arch_set_type(u32 irq, enum irq_type type)
{
}

__weak_sym void irq_arch_set_target(u32 irq, unsigned int cpu)
{
}

__weak_sym u32 irq_arch_lines(void)
{
	return IRQS_MAX;
}
