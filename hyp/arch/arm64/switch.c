/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vcpu has in the CPU's registers: saved when it stops running, loaded when it starts.
 *
 * Guest TLB entries of two vcpus of one domain are told apart by ASID only, which each vcpu
 * assigns for itself; so a CPU that ran another vcpu of the domain before drops the domain's entries.
 */
#include <arch/aarch32.h>
#include <arch/cpufeature.h>
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <arch/vtimer.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>

static void el1_save(struct el1_state *s)
{
	s->sp_el0 = read_sysreg(sp_el0);
	s->sp_el1 = read_sysreg(sp_el1);
	s->elr = read_sysreg(elr_el1);
	s->spsr = read_sysreg(spsr_el1);
	s->sctlr = read_sysreg(sctlr_el1);
	s->cpacr = read_sysreg(cpacr_el1);
	s->ttbr0 = read_sysreg(ttbr0_el1);
	s->ttbr1 = read_sysreg(ttbr1_el1);
	s->tcr = read_sysreg(tcr_el1);
	s->mair = read_sysreg(mair_el1);
	s->amair = read_sysreg(amair_el1);
	s->esr = read_sysreg(esr_el1);
	s->far = read_sysreg(far_el1);
	s->afsr0 = read_sysreg(afsr0_el1);
	s->afsr1 = read_sysreg(afsr1_el1);
	s->vbar = read_sysreg(vbar_el1);
	s->contextidr = read_sysreg(contextidr_el1);
	s->par = read_sysreg(par_el1);
	s->tpidr_el0 = read_sysreg(tpidr_el0);
	s->tpidrro_el0 = read_sysreg(tpidrro_el0);
	s->tpidr_el1 = read_sysreg(tpidr_el1);
	s->csselr = read_sysreg(csselr_el1);
	s->cntkctl = read_sysreg(cntkctl_el1);
}

static void el1_load(const struct el1_state *s)
{
	write_sysreg(s->sp_el0, sp_el0);
	write_sysreg(s->sp_el1, sp_el1);
	write_sysreg(s->elr, elr_el1);
	write_sysreg(s->spsr, spsr_el1);
	write_sysreg(s->sctlr, sctlr_el1);
	write_sysreg(s->cpacr, cpacr_el1);
	write_sysreg(s->ttbr0, ttbr0_el1);
	write_sysreg(s->ttbr1, ttbr1_el1);
	write_sysreg(s->tcr, tcr_el1);
	write_sysreg(s->mair, mair_el1);
	write_sysreg(s->amair, amair_el1);
	write_sysreg(s->esr, esr_el1);
	write_sysreg(s->far, far_el1);
	write_sysreg(s->afsr0, afsr0_el1);
	write_sysreg(s->afsr1, afsr1_el1);
	write_sysreg(s->vbar, vbar_el1);
	write_sysreg(s->contextidr, contextidr_el1);
	write_sysreg(s->par, par_el1);
	write_sysreg(s->tpidr_el0, tpidr_el0);
	write_sysreg(s->tpidrro_el0, tpidrro_el0);
	write_sysreg(s->tpidr_el1, tpidr_el1);
	write_sysreg(s->csselr, csselr_el1);
	write_sysreg(s->cntkctl, cntkctl_el1);
}

static void aarch32_save(struct el1_state *s)
{
	s->spsr_abt = (u32)read_sysreg(spsr_abt);
	s->spsr_und = (u32)read_sysreg(spsr_und);
	s->spsr_irq = (u32)read_sysreg(spsr_irq);
	s->spsr_fiq = (u32)read_sysreg(spsr_fiq);
	s->dacr32 = (u32)read_sysreg(dacr32_el2);
	s->ifsr32 = (u32)read_sysreg(ifsr32_el2);
	s->fpexc32 = (u32)read_sysreg(fpexc32_el2);
}

static void aarch32_load(const struct el1_state *s)
{
	write_sysreg(s->spsr_abt, spsr_abt);
	write_sysreg(s->spsr_und, spsr_und);
	write_sysreg(s->spsr_irq, spsr_irq);
	write_sysreg(s->spsr_fiq, spsr_fiq);
	write_sysreg(s->dacr32, dacr32_el2);
	write_sysreg(s->ifsr32, ifsr32_el2);
	write_sysreg(s->fpexc32, fpexc32_el2);
}

/* fp_save() and fp_load() are in fpstate.S: this file is built without vector registers. */
void vcpu_arch_switch_out(struct vcpu *v)
{
	vtimer_switch_out(v);
	vgic_switch_out(v);
	el1_save(&v->arch.el1);
	if (cpu_has_aarch32_el1())
		aarch32_save(&v->arch.el1);
	fp_save(&v->arch.fp);
}

static void stage2_load(struct vcpu *v)
{
	struct domain_arch *d = &v->domain->arch;
	u16 *last = &d->last_vcpu[cpu_id()];

	write_sysreg(v->domain->p2m.arch.vttbr, vttbr_el2);
	if (unlikely(*last != v->id + 1)) {
		if (*last) {
			isb();
			__asm__ volatile("tlbi vmalle1" : : : "memory");
			dsb(nsh);
		}
		*last = (u16)(v->id + 1);
	}
}

void vcpu_arch_switch_in(struct vcpu *v)
{
	v->arch.frame.cpu_stack = (u64)this_cpu()->stack_top;
	write_sysreg(v->arch.hcr, hcr_el2);
	write_sysreg(v->arch.vmpidr, vmpidr_el2);
	write_sysreg(v->arch.vpidr, vpidr_el2);
	stage2_load(v);
	el1_load(&v->arch.el1);
	if (cpu_has_aarch32_el1())
		aarch32_load(&v->arch.el1);
	fp_load(&v->arch.fp);
	vgic_switch_in(v);
	vtimer_switch_in(v);
	isb();
}

void vcpu_arch_start(struct vcpu *v, u64 pc, u64 x0)
{
	struct trap_frame *f = &v->arch.frame;

	if (v->domain->arch.aarch32) {
		aarch32_start(v, pc, (u32)x0, 0, 0);
		return;
	}
	*f = (struct trap_frame){ .pc = pc };
	f->x[0] = x0;
	f->spsr = PSR_D | PSR_A | PSR_I | PSR_F | PSR_EL1H;
	v->arch.el1 = (struct el1_state){ .sctlr = SCTLR_EL1_RESET };
	v->initialised = true;
}

/* r1 was the machine's number; with a device tree it says that there is none. */
void vcpu_arch_boot(struct vcpu *v, u64 pc, u64 fdt)
{
	if (v->domain->arch.aarch32)
		aarch32_start(v, pc, 0, ~0U, (u32)fdt);
	else
		vcpu_arch_start(v, pc, fdt);
}

int vcpu_arch_create(struct vcpu *v)
{
	v->arch.hcr = cpu_hcr_value(v);
	/* Affinity as the virtual redistributors count: 16 vcpus to a cluster. */
	v->arch.vmpidr = MPIDR_RES1 | (v->id & 15) | ((u64)(v->id >> 4) << 8);
	v->arch.vpidr = read_sysreg(midr_el1);
	vtimer_vcpu_create(v);
	return vgic_vcpu_create(v);
}

void vcpu_arch_destroy(struct vcpu *v)
{
	vtimer_vcpu_destroy(v);
	vgic_vcpu_destroy(v);
}

int domain_arch_create(struct domain *d, const struct domain_config *cfg)
{
	/* Tools say later which width they want. */
	d->arch.aarch32 = cfg->by_tools ? cpu_has_aarch32_el1() : cfg->flags & DOMAIN_AARCH32;
	if (d->arch.aarch32 && !cpu_has_aarch32_el1())
		return -XEN_ENODEV;
	d->arch.cntvoff = read_sysreg(cntpct_el0);
	return vgic_domain_create(d, cfg);
}

void domain_arch_destroy(struct domain *d)
{
	vgic_domain_destroy(d);
}

void vcpu_arch_requests(struct vcpu *v, u32 requests)
{
	if (requests & VCPU_REQ_VGIC)
		vgic_sync_posted(v);
}

bool vcpu_arch_irq_pending(struct vcpu *v)
{
	return vgic_irq_pending(v) || vtimer_irq_pending(v);
}

void vcpu_arch_raise_upcall(struct vcpu *v)
{
	vgic_inject_event(v, v->domain->evtchn_irq);
}

void vcpu_arch_unmask_irq(struct vcpu *v)
{
	v->arch.frame.spsr &= ~PSR_I;
}
