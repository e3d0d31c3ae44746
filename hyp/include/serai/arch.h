/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture contract: all that core code may ask of a machine. arch/arm64 implements it
 * with registers, arch/host with plain memory and counters for the unit tests.
 *
 * Besides these functions an architecture brings headers under <arch/>:
 *   barrier.h   cpu_wait_change_u16(), cpu_signal_event(), cpu_relax()
 *   this_cpu.h  this_cpu()
 *   memory.h    frame_map(), frame_unmap(), virt_to_paddr(), paddr_to_virt()
 *   p2m.h       struct p2m_arch
 *   vcpu.h      struct vcpu_arch, struct domain_arch
 */
#ifndef SERAI_ARCH_H
#define SERAI_ARCH_H

#include <serai/compiler.h>
#include <serai/types.h>

struct abi_vcpu_guest_context;
struct vcpu;
struct domain;
struct domain_config;
struct p2m;

/* --- CPUs --- */
/* Makes the CPU leave its guest or its idle wait and look at cpu->remote. */
void cpu_arch_kick(unsigned int cpu);
/* Waits until an interrupt is pending, then handles it. Interrupts are masked throughout. */
void cpu_arch_idle(void);
/* An interrupt or cpu->work waits for this CPU: a long operation should stop. */
bool cpu_arch_work_pending(void);
__noreturn void cpu_arch_reset(void);
__noreturn void cpu_arch_power_off(void);
/* Stops all other CPUs where they are, for panic(). */
void cpu_arch_stop_others(void);
/* Registers and a symbolic backtrace of this CPU, and of its guest. */
void cpu_arch_dump(void);
__noreturn void cpu_arch_halt(void);

/* This CPU records guests' traps and interrupts, or not: trace.h. */
void cpu_arch_trace_traps(bool on);
/* What the device tree calls the CPU; it is up. */
u64 cpu_arch_mpidr(unsigned int cpu);

/* --- time --- */
nstime_t time_arch_now(void);
/* Rate of the system counter, which is what tools take for the CPU's. */
u32 time_arch_khz(void);
/* The system counter itself. */
u64 time_arch_cycles(void);
/* What the device tree says the counter's rate is; 0: nothing, guests can ask the CPU. */
u32 time_arch_tree_hz(void);
/* One interrupt of this CPU's hypervisor timer at t; TIME_NEVER: none. It raises WORK_TIMER. */
void time_arch_set_deadline(nstime_t t);

/* --- guests --- */
/* -XEN_ENODEV: DOMAIN_AARCH32, but the CPUs are 64-bit only. */
int domain_arch_create(struct domain *d, const struct domain_config *cfg);
void domain_arch_destroy(struct domain *d);
int vcpu_arch_create(struct vcpu *v);
/* Registers for a start at pc with x0; v does not run. */
void vcpu_arch_start(struct vcpu *v, u64 pc, u64 x0);
/* The same for a kernel, which finds its device tree at fdt. */
void vcpu_arch_boot(struct vcpu *v, u64 pc, u64 fdt);
void vcpu_arch_destroy(struct vcpu *v);
/* Its registers, for tools; v does not run. -XEN_EINVAL: not a state that guests have. */
void vcpu_arch_get_context(const struct vcpu *v, struct abi_vcpu_guest_context *c);
int vcpu_arch_set_context(struct vcpu *v, const struct abi_vcpu_guest_context *c);
/* 32 or 64 bits, before a vcpu has registers. -XEN_EINVAL: not on this machine. */
int domain_arch_set_width(struct domain *d, u32 bits);
/* Of the virtual interrupt controller: 2 or 3. */
u32 domain_arch_gic_version(const struct domain *d);
/* Registers of the vcpu that stops running go to memory; of the one that starts, to the CPU. */
void vcpu_arch_switch_out(struct vcpu *v);
void vcpu_arch_switch_in(struct vcpu *v);
/* v->requests of the current vcpu, on its exit path. */
void vcpu_arch_requests(struct vcpu *v, u32 requests);
void vcpu_arch_dump(struct vcpu *v);
/* An interrupt is deliverable: WFI and SCHEDOP_block return at once. v is current or not running. */
bool vcpu_arch_irq_pending(struct vcpu *v);
/* Raises the event channel upcall (an edge on the domain's event PPI). Any CPU may call. */
void vcpu_arch_raise_upcall(struct vcpu *v);
/* SCHEDOP_block: the ABI lets it unmask interrupts in the caller's PSTATE. */
void vcpu_arch_unmask_irq(struct vcpu *v);
/* The level of a device's interrupt (SPI); any CPU may call, and orders the changes of one interrupt. */
void domain_arch_set_spi_level(struct domain *d, u32 intid, bool level);

/* --- guest memory --- */
int guest_arch_copy_from(void *dst, u64 gva, size_t size); /* 0 or -XEN_EFAULT */
int guest_arch_copy_to(u64 gva, const void *src, size_t size);
/* Scrubs one frame with the fastest store there is. */
void frame_arch_zero(void *va, size_t size);
/* Clears or copies whole frames, also in the eyes of somebody who has his caches off. */
void frames_arch_clear(mfn_t m, u64 nr);
void frame_arch_copy(mfn_t to, mfn_t from);
/* Clean, or clean and invalidate, a range to the point of coherency. */
void cache_arch_clean(const void *va, size_t size);
void cache_arch_clean_invalidate(const void *va, size_t size);

/* Maps registers of a device for the hypervisor; boot CPU, while starting. NULL: no room. */
void *mem_arch_map_device(paddr_t pa, size_t size);

/* --- stage 2 --- (under p->lock but for init and destroy) */
int p2m_arch_init(struct p2m *p);
/*
 * Frees up to nr of the tables, the rest and what goes with it last: false while some are left.
 * Nothing runs on them, nobody looks at them. What was never made is gone, too.
 */
bool p2m_arch_destroy(struct p2m *p, u32 nr);
/*
 * Sets [g, g + nr) to m.. of type t (P2M_INVALID: removes; m ignored). For each entry replaced
 * old(ctx, mfn, nr, type) is called after the TLBs forgot it, also when the call then fails.
 */
int p2m_arch_set(struct p2m *p, u64 gfn, u64 mfn, u64 nr, u32 type,
		 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx);
/*
 * Removes those of the nr <= P2M_LIST_MAX pages that are mapped one by one with a type of the set
 * BIT(type) | ..., and reports them as p2m_arch_set() does. The TLBs are told once. Returns how many
 * pages it looked at: all, or, when strict, those before the first that is no such page.
 */
u32 p2m_arch_clear_pages(struct p2m *p, const u64 *gfns, u32 nr, u32 types, bool strict,
			 void (*old)(void *ctx, u64 mfn, u64 nr, u32 type), void *ctx);
/*
 * Entry for gfn: its mfn (of gfn itself), type, and how many frames from gfn on it still covers
 * (at least 1; for a hole as many as the missing entry would, so that a walk skips quickly).
 */
u64 p2m_arch_get(struct p2m *p, u64 gfn, u32 *type, u64 *left);

#endif
