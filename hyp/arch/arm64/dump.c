/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and symbolic backtraces, of the hypervisor and of a guest. */
#include <arch/sysreg.h>
#include <arch/traps.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/printk.h>
#include <serai/symbols.h>

#define BACKTRACE_MAX 24

extern char _text[], _etext[], __init_begin[], __init_text_end[];

static bool is_text(u64 addr)
{
	return (addr >= (u64)_text && addr < (u64)_etext) ||
	       (addr >= (u64)__init_begin && addr < (u64)__init_text_end);
}

static void print_address(const char *what, u64 addr)
{
	char name[64];

	symbols_format(name, sizeof(name), addr);
	pr_err("  %s %016lx %s\n", what, addr, name);
}

/*
 * Without frame pointers the stack is searched for return addresses: callers that are still there,
 * and now and then one that is not.
 */
static void print_stack(u64 sp)
{
	unsigned int shown = 0;
	u64 top = ROUND_UP(sp + 1, 4096UL);

	for (u64 p = ROUND_DOWN(sp, 8UL); p < top && shown < BACKTRACE_MAX; p += 8) {
		u64 word = *(const u64 *)p;

		if (is_text(word)) {
			print_address("from", word);
			shown++;
		}
	}
}

static void print_frame(const struct trap_frame *f)
{
	for (int i = 0; i < 30; i += 3)
		pr_err("  x%-2d %016lx  x%-2d %016lx  x%-2d %016lx\n", i, f->x[i], i + 1,
		       f->x[i + 1], i + 2, f->x[i + 2]);
	pr_err("  x30 %016lx  pc  %016lx  pstate %lx\n", f->x[30], f->pc, f->spsr);
}

static const char *const fault_kinds[8] = {
	"synchronous exception (SP_EL0)", "IRQ (SP_EL0)", "FIQ (SP_EL0)", "SError (SP_EL0)",
	"synchronous exception",	  "IRQ",	  "FIQ",	  "SError",
};

/* From the vectors: the hypervisor itself took an exception. */
void hyp_fault(const struct trap_frame *f, u32 kind, u64 sp)
{
	console_force();
	pr_err("CPU%u: %s in the hypervisor: ESR %#lx FAR %#lx\n", cpu_id(), fault_kinds[kind & 7],
	       read_sysreg(esr_el2), read_sysreg(far_el2));
	print_frame(f);
	pr_err("  sp  %016lx\n", sp);
	print_address("at  ", f->pc);
	print_address("from", f->x[30]);
	if (IS_ALIGNED(sp, 8UL) && (read_sysreg(far_el2) & ~4095UL) != (sp & ~4095UL))
		print_stack(sp);
	panic("fault in the hypervisor");
}

void cpu_arch_dump(void)
{
	const struct vcpu *v = current_vcpu();

	pr_err("CPU%u: %s\n", cpu_id(), v ? "running" : "idle");
	print_stack((u64)__builtin_frame_address(0));
	if (v)
		vcpu_arch_dump(this_cpu()->current);
}

void vcpu_arch_dump(struct vcpu *v)
{
	pr_err("d%uv%u:\n", v->domain->id, v->id);
	print_frame(&v->arch.frame);
	if (v == current_vcpu())
		pr_err("  sp_el1 %016lx  sp_el0 %016lx  vbar %016lx  ttbr1 %016lx\n"
		       "  esr_el1 %08lx  far_el1 %016lx  elr_el1 %016lx  sctlr %08lx\n",
		       read_sysreg(sp_el1), read_sysreg(sp_el0), read_sysreg(vbar_el1),
		       read_sysreg(ttbr1_el1), read_sysreg(esr_el1), read_sysreg(far_el1),
		       read_sysreg(elr_el1), read_sysreg(sctlr_el1));
	else
		pr_err("  sp_el1 %016lx  sp_el0 %016lx  vbar %016lx  esr_el1 %08lx\n",
		       v->arch.el1.sp_el1, v->arch.el1.sp_el0, v->arch.el1.vbar, v->arch.el1.esr);
	vgic_dump(v);
}
