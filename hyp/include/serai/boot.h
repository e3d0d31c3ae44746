/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot loader told us, read once from its device tree. Order of use while starting:
 *
 *   bootinfo_parse()        before anything else; says nothing but warnings
 *   cmdline_parse(boot_info.hyp_cmdline), console
 *   bootinfo_trim_memory()  finds the end of RAM where the tree contradicts itself about it
 *   builder_decide()        (builder.h) refuses what cannot work, in words, and chooses dom0's
 *                           memory, so that nobody else takes it
 *   bootinfo_free_ranges()  RAM for the frame table, early allocations, then the heap
 */
#ifndef SERAI_BOOT_H
#define SERAI_BOOT_H

#include <serai/cpumask.h>
#include <serai/fdt.h>
#include <serai/irq.h>
#include <serai/range.h>
#include <serai/types.h>

#define BOOT_BANKS_MAX	   32
#define BOOT_RESERVED_MAX  64
#define BOOT_MODULES_MAX   64
#define BOOT_DOMAINS_MAX   16
#define BOOT_REDISTS_MAX   16
#define BOOT_V2M_MAX	   4
#define BOOT_DOM0_BANKS_MAX 8
#define BOOT_POOLS_MAX	   16
#define BOOT_SHM_MAX	   32
#define BOOT_EVTCHN_MAX	   64
#define BOOT_STATIC_MAX	   16 /* pieces of a domain's static memory, and of the static heap */
#define BOOT_ADDR_MAX	   (1UL << 47) /* RAM above is left unused */

enum boot_module_kind {
	MODULE_KERNEL,
	MODULE_RAMDISK,
	MODULE_FDT,
	MODULE_XSM,
	MODULE_OTHER,
};

/* An ELF kernel, by guest physical addresses. */
struct boot_elf {
	u64 base, end; /* of what is loaded, bss included; whole pages */
	u64 entry;
	bool arm32;
};

struct boot_module {
	enum boot_module_kind kind;
	int node;
	int domain_node; /* the domain that the module is for; -1: dom0 */
	paddr_t start;
	u64 size;
	const char *cmdline; /* its bootargs, or NULL */
	/* A kernel as it is to be loaded: the file, or what kernel_unpack() made of it in the heap. */
	paddr_t image;
	u64 image_size;
	struct boot_elf elf; /* laid out in image; end 0: it is none, or not yet */
};

struct boot_cpu {
	u64 mpidr; /* affinity bits as in reg */
	bool psci;	 /* enable-method */
	paddr_t release; /* enable-method spin-table: where it looks for its start address; or 0 */
	int node;
};

struct boot_irq {
	u32 intid;
	enum irq_type type;
};

/* A frame of registers that turns writes of devices into SPIs (GICv2m). */
struct boot_v2m {
	int node;
	struct range regs;
	u32 first_spi, nr_spis; /* INTID; 0: as its register says */
};

struct boot_gic {
	u32 version; /* 0: none that we know */
	int node;
	u32 phandle, irq_cells;
	struct range dist, redist[BOOT_REDISTS_MAX];
	u32 nr_redists;
	/* GICv2, or what a GICv3 has of it; empty: not there. GICC, GICH, GICV. */
	struct range cpu, hyp, vcpu;
	u32 nr_v2m;
	struct boot_v2m v2m[BOOT_V2M_MAX];
	u64 redist_stride; /* 0: the architecture's */
	struct boot_irq maintenance;
	const char *unknown; /* compatible of a controller that we do not know */
};

enum boot_timer_irq { TIMER_PHYS_SECURE, TIMER_PHYS, TIMER_VIRT, TIMER_HYP, TIMER_IRQS };

struct boot_timer {
	int node; /* -1: none */
	struct boot_irq irq[TIMER_IRQS];
	u32 clock_frequency; /* 0: CNTFRQ is right */
};

enum boot_psci { PSCI_NONE, PSCI_SMC, PSCI_HVC };

/* xen,enhanced: whether the guest is told of the hypervisor, and of a xenstore in dom0. */
enum boot_enhanced { ENHANCED_NO, ENHANCED_NO_XENSTORE, ENHANCED_FULL };

/* A node of /chosen with compatible = "xen,domain". */
struct boot_domain {
	int node;
	const char *name; /* the node's */
	bool left_out;	  /* refused, in words, or disabled */
	bool disabled;	  /* by status */
	bool vpl011;
	bool direct_map;
	bool no_passthrough; /* passthrough = "disabled" */
	enum boot_enhanced enhanced;
	u32 nr_vcpus;
	u64 memory;			       /* bytes, whole pages */
	u32 nr_spis;			       /* BOOT_SPIS_ALL: as many as the machine has */
	u32 max_grant_frames, max_maptrack_frames; /* 0: not given */
	u32 max_grant_version; /* likewise */
	u32 tables_mib; /* likewise: bootdomain_table_pages() */
	int pool; /* index in pools; -1: pool 0 */
	u32 nr_static; /* 0: memory comes from the heap */
	struct range static_mem[BOOT_STATIC_MAX]; /* host addresses, in the order of the property */
};

#define BOOT_SPIS_ALL 0xffffffffU

enum boot_shm_role { SHM_ANYONE, SHM_OWNER, SHM_BORROWER };

/* A node of memory that domains share. All with the same id are one region. */
struct boot_shm {
	int node;
	int domain; /* index in domains; -1: dom0 */
	bool bad;   /* refused, in words */
	bool has_host;
	enum boot_shm_role role; /* SHM_ANYONE: a borrower, of the owner if there is one */
	char id[16];
	u64 host, gpa, size;
};

/* One end of a static event channel. */
struct boot_evtchn {
	int node;
	int domain; /* index in domains; -1: dom0 */
	bool bad;   /* refused, in words */
	u32 port, phandle, peer_phandle;
	int peer; /* index of the other end; -1 when bad */
};

/* A pool of CPUs. */
struct boot_pool {
	int node;
	bool bad; /* refused, in words: without CPUs */
	const char *sched; /* or NULL */
	struct cpumask cpus; /* bit n: bi->cpus[n] */
};

struct boot_info {
	const void *fdt;
	struct range fdt_range; /* where the loader put it, pages; empty once it was moved */
	struct range image;	/* the hypervisor, pages */
	struct range_set banks; /* RAM, whole pages */
	struct range_set reserved;
	u32 nr_modules;
	struct boot_module modules[BOOT_MODULES_MAX];
	u32 nr_domains;
	struct boot_domain domains[BOOT_DOMAINS_MAX];
	const char *hyp_cmdline, *dom0_cmdline; /* "" when there is none */
	const char *stdout_path;		/* or NULL */
	u32 nr_cpus;
	struct boot_cpu cpus[NR_CPUS];
	enum boot_psci psci;
	struct boot_gic gic;
	struct boot_timer timer;
	u32 nr_static_heap; /* 0: the heap may be anywhere */
	struct range static_heap[BOOT_STATIC_MAX];
	const char *static_heap_bad;	     /* why it cannot be read */
	u32 nr_shm;
	struct boot_shm shm[BOOT_SHM_MAX];
	u32 nr_pools;
	struct boot_pool pools[BOOT_POOLS_MAX];
	u32 nr_evtchn;
	struct boot_evtchn evtchn[BOOT_EVTCHN_MAX];
	bool refused; /* in words: the machine or dom0 cannot be as the tree says */
	struct range_set dom0_banks; /* by builder_plan_dom0() */
};

extern struct boot_info boot_info;

/*
 * Reads the tree at fdt (8-byte aligned, physical address pa, DT_SIZE_MAX bytes readable). image is
 * the memory that the hypervisor occupies, its bss included. -EINVAL, said in words: no device tree
 * there, or nothing can be read there (fdt is NULL); boot_info is usable all the same.
 */
int bootinfo_parse(const void *fdt, paddr_t pa, paddr_t image_start, paddr_t image_end);
/*
 * No RAM, no interrupt controller, nothing to run: says so and what to do; -ENODEV. A domain that
 * cannot be as its node says is left out, or with dom0less=strict refused as a whole: -EINVAL.
 */
int bootinfo_check(struct boot_info *bi);
/* What follows from the domains that are left out: said, and -EINVAL or -ENODEV when nothing runs. */
int bootinfo_verdict(const struct boot_info *bi);
/*
 * A bank of RAM that the tree lets reach over the interrupt controller is too long: it ends where
 * is_memory(), asked about unused addresses in it from below, says no.
 */
void bootinfo_trim_memory(struct boot_info *bi, bool (*is_memory)(paddr_t pa));
/* Whether piece i of the frame table describes RAM; bytes of memory that the table takes. */
bool bootinfo_table_piece_used(const struct boot_info *bi, u64 i);
u64 bootinfo_table_size(const struct boot_info *bi);
/* The tree is now to be read at fdt: mapped elsewhere, or copied. */
void bootinfo_set_fdt(const void *fdt);

/* Calls fn for every range of whole pages of RAM that nothing occupies, in order. */
int bootinfo_free_ranges(void (*fn)(paddr_t start, paddr_t end, void *ctx), void *ctx);
/* What the boot loader put into RAM and somebody still needs. */
enum boot_keep {
	KEEP_NOTHING,
	KEEP_GUESTS, /* files of other domains, which are still there when dom0 runs */
	KEEP_ALL,    /* all modules and the tree */
};

/*
 * RAM without the image, reserved memory, what belongs to domains statically and what is to be kept;
 * of the static heap alone, if there is one.
 */
int bootinfo_usable(const struct boot_info *bi, struct range_set *out, enum boot_keep keep);

/* The first module of a kind for the domain of that node (-1: dom0), or NULL. */
const struct boot_module *bootinfo_domain_module(const struct boot_info *bi, int domain_node,
						 enum boot_module_kind kind);
static inline const struct boot_module *bootinfo_module(const struct boot_info *bi,
							 enum boot_module_kind kind)
{
	return bootinfo_domain_module(bi, -1, kind);
}

/* --- bootdomain.c --- */
/* The walk stands on a xen,domain node: the next of bi->domains. False: there are too many. */
bool bootdomain_read(struct boot_info *bi, const struct dt_walk *w);
/* The walk stands on a child of the last domain that is no module. */
void bootdomain_read_child(struct boot_info *bi, const struct dt_walk *w);
/* Leaves out domains that lack something or contradict the rest; says why. */
void bootdomain_check(struct boot_info *bi);
/* The domain of a node, or NULL. */
struct boot_domain *bootdomain_find(struct boot_info *bi, int node);
/* Pages to be set aside for its stage-2 tables. */
u64 bootdomain_table_pages(const struct boot_domain *d);

/* --- bootshm.c --- */
/* The node's domain gets this memory: once everything was checked. */
bool bootshm_takes_part(const struct boot_info *bi, const struct boot_shm *s);

/* A device by path or alias, for the hypervisor's own drivers. */
struct boot_device {
	int node;
	char path[DT_PATH_MAX];
	const char *compatible; /* the list: NUL separated */
	u32 compatible_len;
	paddr_t base;
	u64 size;
	struct boot_irq irq; /* intid 0: none */
	u32 reg_shift, reg_io_width, clock_frequency; /* 0: not given */
};

/* spec NULL or "": /chosen/stdout-path. -ENOENT, -ENXIO: no such node, no registers. */
int bootinfo_find_device(const char *spec, struct boot_device *dev);
/* The first that is compatible and available. */
int bootinfo_find_compatible(const char *what, struct boot_device *dev);
bool boot_device_compatible(const struct boot_device *dev, const char *what);

/* --- console_find.c --- */
struct uart_driver;
/*
 * The console's UART and its driver. -ENOENT with console=none; other errors are told in words:
 * -ENOENT, -ENXIO as above, -ENODEV: no driver knows it.
 */
int bootinfo_find_console(struct boot_device *dev, const struct uart_driver **driver);

#endif
