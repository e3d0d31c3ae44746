/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the other CPUs. Each gets its per-CPU area (zeroed, with struct cpu in it) and a guarded
 * stack; it announces itself in cpu_online. CPUs start one after the other.
 */
#include <arch/barrier.h>
#include <arch/cpufeature.h>
#include <arch/gic.h>
#include <arch/mmu.h>
#include <arch/psci.h>
#include <arch/smp.h>
#include <arch/sysreg.h>
#include <arch/time.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/trace.h>
#include <serai/unit.h>

#define STACK_ORDER 2
#define STACK_SIZE  (PAGE_SIZE << STACK_ORDER)
/* A CPU that does not answer within this many polls is given up. */
#define START_POLLS 100000000UL

extern char __percpu_start[], __percpu_end[], secondary_start[], secondary_spin_start[];

/* The boot CPU uses the linked area itself; so per-CPU variables start as zero everywhere. */
__attribute__((section(".percpu.first"))) struct cpu cpu_data;
struct cpu *cpu_table[NR_CPUS];
struct cpumask cpu_online;
u64 cpu_mpidr[NR_CPUS];
struct cpu *smp_spin_cpu; /* that of the CPU which is leaving the spin table */

void *smp_stack_alloc(void)
{
	void *va = heap_alloc(STACK_ORDER, 0);
	char *stack = va ? mmu_map_stack(virt_to_paddr(va), STACK_SIZE) : NULL;

	return stack ? stack + STACK_SIZE : NULL;
}

void __init smp_boot_cpu_init(void)
{
	cpu_table[0] = &cpu_data;
	cpu_mpidr[0] = read_sysreg(mpidr_el1) & MPIDR_AFF_MASK;
	cpumask_set(&cpu_online, 0);
}

static struct cpu *__init cpu_area_alloc(unsigned int id)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);
	char *area = mem_alloc(size);
	struct cpu *c;

	if (!area)
		return NULL;
	c = (struct cpu *)(void *)area;
	c->id = id;
	c->percpu_off = (unsigned long)(area - __percpu_start);
	c->stack_top = smp_stack_alloc();
	return c->stack_top ? c : NULL;
}

/*
 * Spin table (Linux Documentation/arm64/booting.rst): the CPU waits until an address appears at its
 * place in memory, which need not be RAM, and looks at it past the caches.
 */
static int __init spin_table_start(paddr_t release, struct cpu *c)
{
	volatile u64 *place;

	if (!IS_ALIGNED(release, sizeof(*place)))
		return -XEN_EINVAL;
	place = mem_arch_map_device(release, sizeof(*place));
	if (!place)
		return -XEN_ENOMEM;
	smp_spin_cpu = c;
	cache_arch_clean(&smp_spin_cpu, sizeof(smp_spin_cpu));
	*place = virt_to_paddr(secondary_spin_start);
	dsb(sy);
	__asm__ volatile("sev");
	return 0;
}

static bool __init cpu_start(unsigned int id, const struct boot_cpu *cpu)
{
	struct cpu *c = cpu_area_alloc(id);
	u64 mpidr = cpu->mpidr;
	int rc;

	if (!c) {
		pr_err("CPU%u: no memory for its stack; it stays off\n", id);
		return false;
	}
	cpu_table[id] = c;
	cpu_mpidr[id] = mpidr;
	if (cpu->release)
		rc = spin_table_start(cpu->release, c);
	else
		rc = psci_cpu_on(mpidr, virt_to_paddr(secondary_start), (u64)c);
	if (rc) {
		pr_err("CPU%u (MPIDR %#lx): %s %d; it stays off\n", id, mpidr,
		       cpu->release ? "its place in the spin table cannot be used," :
				      "PSCI CPU_ON answers",
		       rc);
		cpu_table[id] = NULL;
		return false;
	}
	for (u64 i = 0; i < START_POLLS; i++) {
		if (cpumask_test(&cpu_online, id))
			return true;
		cpu_relax();
	}
	panic("CPU%u (MPIDR %#lx) was started and does not answer", id, mpidr);
}

unsigned int __init smp_start_all(const struct boot_cpu *cpus, unsigned int nr)
{
	unsigned int id = 1, skipped = 0;

	/* Read by CPUs whose MMU and caches are off. */
	cache_arch_clean(&mmu_secondary_ttbr, sizeof(mmu_secondary_ttbr));
	for (unsigned int i = 0; i < nr; i++) {
		if (cpus[i].mpidr == cpu_mpidr[0])
			continue;
		if (id >= NR_CPUS) {
			skipped++;
			continue;
		}
		if (cpu_start(id, &cpus[i]))
			id++;
	}
	if (skipped)
		pr_warn("%u CPUs stay off: this build has CONFIG_NR_CPUS=%u\n", skipped, NR_CPUS);
	return id;
}

u64 cpu_arch_mpidr(unsigned int cpu)
{
	return cpu_mpidr[cpu];
}

bool cpu_arch_work_pending(void)
{
	return this_cpu()->work || read_sysreg(isr_el1);
}

void cpu_arch_idle(void)
{
	dsb(sy);
	__asm__ volatile("wfi" : : : "memory");
	if (unlikely(trace_traps))
		trap_irq_traced(NULL);
	else
		gic_handle_irqs();
}

void cpu_init_this(unsigned int id)
{
	if (id)
		cpu_feature_init(id);
	/* Interrupts are EL2's also while no vcpu is loaded. */
	write_sysreg(HCR_RW | HCR_AMO | HCR_IMO | HCR_FMO, hcr_el2);
	cpu_init_traps();
	time_cpu_init();
	if (gic_cpu_init(id))
		panic("CPU%u cannot take interrupts, see above", id);
	for (unsigned int i = 0; i < units_count; i++) {
		int rc = units[i].cpu_init ? units[i].cpu_init(id) : 0;

		if (rc)
			panic("CPU%u: %s cannot start (%d)", id, units[i].name, rc);
	}
}

void start_secondary(void)
{
	struct cpu *c = this_cpu();

	mmu_cpu_init();
	cpu_init_this(c->id);
	smp_mb();
	__atomic_fetch_or(&cpu_online.bits[c->id / 64], BIT(c->id % 64), __ATOMIC_SEQ_CST);
	c->work = WORK_SCHED;
	enter_first_guest();
}
