/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets that the assembly files use; compiled to text, not linked. */
#include <serai/domain.h>

#define OFFSET(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(FRAME_SPSR, offsetof(struct trap_frame, spsr));
	OFFSET(FRAME_CPU_STACK, offsetof(struct trap_frame, cpu_stack));
	OFFSET(FRAME_SIZE, sizeof(struct trap_frame));
	OFFSET(CPU_WORK, offsetof(struct cpu, work));
	OFFSET(CPU_STACK_TOP, offsetof(struct cpu, stack_top));
	_Static_assert(offsetof(struct trap_frame, pc) == 248, "vectors.S pairs x30 with pc");
	_Static_assert(offsetof(struct vcpu, arch.frame) == 0, "SP_EL2 is the vcpu");
}
