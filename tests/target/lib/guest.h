/* SPDX-License-Identifier: Apache-2.0 */
/* The library of the target guests: what a guest may call, one block per subject. */
#ifndef TARGET_GUEST_H
#define TARGET_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "xen.h"

#define PAGE_SIZE     4096ul
#define PAGE_SHIFT    12
#define NR_CPUS	      8
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_ALIGNED  __attribute__((aligned(PAGE_SIZE)))

/* Each guest's own program; returning from it ends the machine. */
void guest_main(void);

/* ---- memory and strings (lib.c) ---- */
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
bool str_contains(const char *s, const char *part);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int str_format(char *buf, size_t size, const char *fmt, va_list ap);

/* ---- TAP output and the end of the run (lib.c) ---- */
bool check(const char *name, bool ok);
bool check_eq(const char *name, int64_t got, int64_t want);
bool check_range(const char *name, int64_t got, int64_t min, int64_t max);
/* The format makes the check's name. */
bool check_eqf(int64_t got, int64_t want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void guest_exit(void);
_Noreturn void guest_abort(const char *why);

/* ---- hypercalls (start.S, lib.c) ---- */
int64_t hypercall(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
int64_t hypercall5(const uint64_t args[5], uint64_t nr);

static inline int64_t hc_op(uint64_t nr, uint64_t op, const void *arg)
{
	return hypercall(nr, op, (uint64_t)arg, 0, 0);
}

static inline int64_t hc_evtchn(uint64_t op, const void *arg)
{
	return hc_op(HC_event_channel_op, op, arg);
}

static inline int64_t hc_memory(uint64_t op, const void *arg)
{
	return hc_op(HC_memory_op, op, arg);
}

static inline int64_t hc_sched(uint64_t op, const void *arg)
{
	return hc_op(HC_sched_op, op, arg);
}

static inline int64_t hc_version(uint64_t op, const void *arg)
{
	return hc_op(HC_xen_version, op, arg);
}

static inline int64_t hc_grant(uint64_t op, const void *arg, uint64_t count)
{
	return hypercall(HC_grant_table_op, op, (uint64_t)arg, count, 0);
}

static inline int64_t hc_vcpu(uint64_t op, uint64_t vcpu, const void *arg)
{
	return hypercall(HC_vcpu_op, op, vcpu, (uint64_t)arg, 0);
}

/* ---- firmware calls: x0-x3 in and out (start.S) ---- */
struct smccc {
	uint64_t x[4];
};

void smccc_hvc(struct smccc *regs);
void smccc_smc(struct smccc *regs);
int64_t psci(uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3);

#define PSCI_VERSION	       0x84000000u
#define PSCI_CPU_SUSPEND64     0xc4000001u
#define PSCI_CPU_OFF	       0x84000002u
#define PSCI_CPU_ON64	       0xc4000003u
#define PSCI_AFFINITY_INFO64   0xc4000004u
#define PSCI_MIGRATE	       0x84000005u
#define PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define PSCI_FEATURES	       0x8400000au
#define PSCI_SET_SUSPEND_MODE  0x8400000fu
#define SMCCC_VERSION	       0x80000000u
#define SMCCC_ARCH_FEATURES    0x80000001u

/* ---- traps (start.S, trap.c) ---- */
struct trap_frame {
	uint64_t x[31];
	uint64_t stamp; /* cntvct_el0 at the vector */
	uint64_t elr;
	uint64_t spsr;
};

/* What the last probed instruction met. */
struct fault {
	uint64_t hits;
	uint64_t esr;
	uint64_t elr;
	uint64_t far;
};

extern struct fault fault;
extern uint64_t probe_resume;

#define ESR_EC(esr)   ((esr) >> 26 & 0x3f)
#define EC_UNKNOWN    0x00
#define EC_DATA_ABORT 0x25

/*
 * Runs insn; an exception taken by it is recorded in `fault`, and execution goes on behind it.
 * "1" and "2" are free as register operands by the names given in outputs and inputs.
 */
#define PROBE(insn, outputs, inputs...)                                           \
	do {                                                                      \
		fault.hits = 0;                                                   \
		fault.esr = 0;                                                    \
		asm volatile("adr x9, 9f\n\tstr x9, [%[resume_]]\n\tisb\n\t" insn \
			     "\n\tdsb sy\n\tisb\n9:\n\tstr xzr, [%[resume_]]"     \
			     : outputs                                            \
			     : [resume_] "r"(&probe_resume), ##inputs             \
			     : "x9", "memory");                                   \
	} while (0)
#define PROBE_OUT(...) __VA_ARGS__

/* Reads and writes of one size; true if the access went through. */
bool probe_read32(uint64_t addr, uint32_t *v);
bool probe_read64(uint64_t addr, uint64_t *v);
bool probe_read16(uint64_t addr, uint16_t *v);
bool probe_read8(uint64_t addr, uint8_t *v);
bool probe_write32(uint64_t addr, uint32_t v);
bool probe_write64(uint64_t addr, uint64_t v);

/* ---- the machine as the device tree tells it (fdt.c) ---- */
#define MAX_REGIONS 8
#define MAX_SHARED  4

struct region {
	uint64_t base;
	uint64_t size;
};

struct machine {
	const uint8_t *fdt;
	int nr_memory;
	struct region memory[MAX_REGIONS];
	bool has_hypervisor;
	int nr_hypervisor;
	struct region hypervisor[MAX_REGIONS]; /* [0] grant frames, then extended regions */
	uint32_t event_irq;
	bool event_is_ppi;
	struct region gicd;
	struct region gicr; /* GICv3 */
	struct region gicc; /* GICv2 */
	uint32_t vtimer_irq;
	uint32_t ptimer_irq;
	int nr_cpus;
	uint64_t mpidr[NR_CPUS];
	bool psci_hvc;
	struct region uart; /* the emulated one of a guest that is not dom0 */
	uint32_t uart_irq;
	int nr_shared;
	struct {
		struct region at;
		const char *id;
	} shared[MAX_SHARED]; /* memory that other domains have, too */
	struct region rtc; /* PL031, if the domain owns one */
	uint32_t rtc_irq;
	char bootargs[256];
	uint64_t entry_cntpct; /* counters at the very first instructions */
	uint64_t entry_cntvct;
};

extern struct machine machine;

bool fdt_parse(const void *fdt, struct machine *m);
/* A page frame of nothing (extended region), apart from all others handed out; 0 if none is left.
 */
uint64_t scratch_gfn(void);
uint64_t scratch_gfns(uint64_t count);
/* Guest physical address that is mapped in stage 1 as memory, but in stage 2 by nobody. */
uint64_t hole_address(void);
/* Address without a stage-1 mapping. */
#define UNMAPPED_ADDRESS 0x7fc0000000ul

static inline uint64_t virt_to_gfn(const void *p)
{
	return (uint64_t)p >> PAGE_SHIFT;
}

/* ---- page tables (mmu.c) ---- */
void mmu_build(const struct machine *m);
void mmu_enable(void);

/* ---- interrupts (gic.c) ---- */
typedef void (*irq_handler)(uint32_t irq, struct trap_frame *frame);

#define GICD_CTLR	0x0
#define GICD_TYPER	0x4
#define GICD_IIDR	0x8
#define GICD_TYPER2	0xc
#define GICD_STATUSR	0x10
#define GICD_SETSPI_NSR 0x40
#define GICD_IGROUPR	0x80
#define GICD_ISENABLER	0x100
#define GICD_ICENABLER	0x180
#define GICD_ISPENDR	0x200
#define GICD_ICPENDR	0x280
#define GICD_ISACTIVER	0x300
#define GICD_ICACTIVER	0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR	0x800
#define GICD_ICFGR	0xc00
#define GICD_IGRPMODR	0xd00
#define GICD_SGIR	0xf00
#define GICD_CPENDSGIR	0xf10
#define GICD_SPENDSGIR	0xf20
#define GICDV2_PIDR2	0xfe8
#define GICD_IROUTER	0x6000
#define GICD_PIDR2	0xffe8
#define GICR_CTLR	0x0
#define GICR_IIDR	0x4
#define GICR_TYPER	0x8
#define GICR_STATUSR	0x10
#define GICR_WAKER	0x14
#define GICR_SETLPIR	0x40
#define GICR_PROPBASER	0x70
#define GICR_PENDBASER	0x78
#define GICR_SYNCR	0xc0
#define GICR_PIDR2	0xffe8
#define GICR_SGI_BASE	0x10000
#define GICC_CTLR	0x0
#define GICC_PMR	0x4
#define GICC_BPR	0x8
#define GICC_IAR	0xc
#define GICC_EOIR	0x10
#define GICC_RPR	0x14
#define GICC_HPPIR	0x18
#define GICC_IIDR	0xfc
#define GICC_DIR	0x1000

void gic_init_dist(void);
void gic_init_cpu(void);
uint64_t gic_redist(void); /* RD frame of the calling CPU */
uint64_t gic_private(void); /* frame with the registers of the calling CPU's own interrupts */
void gic_set_target(uint32_t irq, uint32_t cpu);
extern uint32_t gic_iar; /* GICv2: what was read for the last interrupt */
/* gicv2.c, for gic.c */
void gicv2_take_over(void);
void gicv2_init_dist(void);
void gicv2_init_cpu(void);
void irq_handle(uint32_t irq, struct trap_frame *frame);
void irq_register(uint32_t irq, irq_handler handler);
void irq_unmask(uint32_t irq);
void irq_mask(uint32_t irq);
void gic_send_sgi(uint32_t sgi, uint32_t cpu);
void gic_send_sgi_self(uint32_t sgi);
extern uint64_t irq_count[NR_CPUS]; /* interrupts taken, per CPU */

/* ---- timers (timer.c) ---- */
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t ns_to_ticks(uint64_t ns);
/* Busy wait; uses no interrupt. */
void delay_us(uint64_t us);
/* The virtual timer is armed for `ticks` from now; its interrupt stops it and bumps vtimer_fired.
 */
void vtimer_init(void);
void vtimer_arm_at(uint64_t cval);
void vtimer_stop(void);
extern uint64_t vtimer_fired;
extern uint64_t vtimer_stamp; /* counter at the vector of the last timer interrupt */
/* Sleeps by SCHEDOP_block, woken by the virtual timer. */
void sleep_us(uint64_t us);
/* True when *word reached at least want within us microseconds. */
bool wait_for(const uint64_t *word, uint64_t want, uint64_t us);

/* ---- CPUs (smp.c) ---- */
uint32_t cpu_id(void);
/* Runs fn(arg) on a secondary CPU with its own stack, MMU and GIC set up; PSCI's answer. */
int64_t cpu_start(uint32_t cpu, void (*fn)(uint64_t arg), uint64_t arg);

/* ---- event channels (event.c) ---- */
typedef void (*event_handler)(uint32_t port);

extern struct shared_info *shared_info;

bool events_init(void); /* shared info mapped, upcall enabled on CPU 0 */
bool events_init_fifo(void); /* switch to the FIFO format, for the CPUs in machine.nr_cpus */
bool events_init_cpu(uint32_t cpu); /* vcpu_info of a secondary; runs on that CPU */
void event_handle(uint32_t port, event_handler handler);
void event_mask(uint32_t port);
void event_unmask_local(uint32_t port); /* clears the mask bit only */
bool event_pending(uint32_t port);
bool event_masked(uint32_t port);
void event_clear(uint32_t port);
int64_t event_send(uint32_t port);
int64_t event_unmask(uint32_t port);
int64_t event_close(uint32_t port);
void event_of_cpu(uint32_t port, uint32_t cpu); /* who takes it in the 2-level format */
int64_t event_bind_ipi(uint32_t vcpu, uint32_t *port);
int64_t event_alloc_unbound(uint32_t *port);
int64_t event_bind_self(uint32_t remote, uint32_t *port);
extern uint64_t event_upcalls;
extern uint32_t *fifo_words;
extern struct evtchn_fifo_control_block *fifo_control;

/* ---- grants, version 1 (grant.c) ---- */
extern volatile struct grant_entry_v1 *grant_table; /* its first frame */
bool grants_init(void);
void grant_set(uint32_t ref, uint16_t dom, const void *page, uint16_t flags);
/* One mapping, one unmapping; the status, or the hypercall's error. */
int64_t grant_map(uint16_t dom, uint32_t ref, uint32_t flags, uint64_t addr, uint32_t *handle);
int64_t grant_unmap(uint64_t addr, uint32_t handle);

/* ---- dom0 and a peer from the same image (pair.c); the source says: machine: pair=1 ---- */
#define PEER	 1 /* its domain */
#define PAIR_REF 7 /* of the peer's table, never to be touched by tests; kept by a change of version */
typedef int64_t pair_fn(uint64_t a, uint64_t b, uint64_t c);

bool pair_is_peer(void);
/* dom0: true when the peer is there. The peer: false when all is over, after serving dom0. */
bool pair_start(void);
/* Runs a function of this program in the peer: its answer. In two steps: while both go on. */
int64_t pair_call(pair_fn *fn, uint64_t a, uint64_t b, uint64_t c);
void pair_post(pair_fn *fn, uint64_t a, uint64_t b, uint64_t c);
int64_t pair_wait(void);
/* The peer ends, with its own plan; to be called once, before dom0 ends. */
void pair_end(void);
bool peer_has_ended(void);

/* ---- physmap helpers (event.c) ---- */
int64_t map_space(uint32_t space, uint64_t idx, uint64_t gfn);
int64_t unmap_gfn(uint64_t gfn);

#endif
