/* SPDX-License-Identifier: Apache-2.0 */
/* System registers, barriers and device access of the CPU that a guest runs on. */
#ifndef TARGET_CPU_H
#define TARGET_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STR_(x) #x
#define STR(x)	STR_(x)

#define sysreg_read(reg)                                                    \
	({                                                                  \
		uint64_t value_;                                            \
		asm volatile("mrs %0, " STR(reg) : "=r"(value_)::"memory"); \
		value_;                                                     \
	})
#define sysreg_write(reg, v) asm volatile("msr " STR(reg) ", %x0" ::"rZ"((uint64_t)(v)) : "memory")

/* GIC CPU interface; by encoding, so that any assembler takes them. */
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IAR0_EL1	S3_0_C12_C8_0
#define ICC_HPPIR1_EL1	S3_0_C12_C12_2
#define ICC_BPR0_EL1	S3_0_C12_C8_3
#define ICC_BPR1_EL1	S3_0_C12_C12_3
#define ICC_AP0R0_EL1	S3_0_C12_C8_4
#define ICC_AP1R0_EL1	S3_0_C12_C9_0
#define ICC_DIR_EL1	S3_0_C12_C11_1
#define ICC_RPR_EL1	S3_0_C12_C11_3
#define ICC_SGI1R_EL1	S3_0_C12_C11_5
#define ICC_ASGI1R_EL1	S3_0_C12_C11_6
#define ICC_SGI0R_EL1	S3_0_C12_C11_7
#define ICC_IAR1_EL1	S3_0_C12_C12_0
#define ICC_EOIR1_EL1	S3_0_C12_C12_1
#define ICC_CTLR_EL1	S3_0_C12_C12_4
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICC_IGRPEN0_EL1 S3_0_C12_C12_6
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

static inline void isb(void)
{
	asm volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
	asm volatile("dsb sy" ::: "memory");
}

static inline void wfi(void)
{
	asm volatile("dsb sy\n\twfi" ::: "memory");
}

static inline void irq_enable(void)
{
	asm volatile("msr daifclr, #2" ::: "memory");
}

static inline void irq_disable(void)
{
	asm volatile("msr daifset, #2" ::: "memory");
}

/* A value that another CPU or an interrupt handler changes. */
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

static inline uint32_t mmio_read32(uint64_t addr)
{
	uint32_t v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void mmio_write32(uint64_t addr, uint32_t v)
{
	asm volatile("str %w0, [%1]" ::"rZ"(v), "r"(addr) : "memory");
}

static inline uint64_t mmio_read64(uint64_t addr)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void mmio_write64(uint64_t addr, uint64_t v)
{
	asm volatile("str %x0, [%1]" ::"rZ"(v), "r"(addr) : "memory");
}

/* The virtual counter; ordered, because a latency is a difference of two reads. */
static inline uint64_t counter(void)
{
	uint64_t v;

	asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(v)::"memory");
	return v;
}

#endif
