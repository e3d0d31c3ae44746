/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain builder: from a struct domain_spec to a domain whose first vcpu stands at its kernel's
 * entry. Every domain that the hypervisor makes by itself comes from here.
 *
 * dom0's memory is chosen from the boot information before the heap exists (builder_plan_dom0), 1:1
 * and around the kernel where the loader put it, so that nothing has to be copied.
 */
#ifndef SERAI_BUILDER_H
#define SERAI_BUILDER_H

#include <serai/boot.h>
#include <serai/range.h>
#include <serai/types.h>

struct cpupool;
struct domain;
struct uart_place;

#define GRANT_REGION_SIZE  0x40000UL /* 64 grant frames */
#define GUEST_PORTS	   1024 /* event channels of a guest, and port 0 */
#define DOM0_MEM_DEFAULT   (512UL << 20)
#define BLOCK_SIZE	   (2UL << 20)
#define ELSEWHERE	   (1UL << 48) /* an address that no guest has */

/* --- kernel.c --- */
struct kernel_image {
	u64 text_offset; /* from a 2 MiB boundary to where it is loaded */
	u64 size;	 /* in memory, bss included, from where it is loaded */
	u64 file_size;
	u64 entry; /* from where it is loaded */
	bool fixed;
	u64 base; /* fixed: where it is loaded */
	bool arm32;
	bool moves; /* unpacks itself to the beginning of RAM: everything goes to the end */
};

/*
 * What kind of kernel is in the module, unpacked. What is no arm64 Image,
 * 32-bit zImage or ELF is refused in words.
 */
int kernel_probe(const struct boot_info *bi, const struct boot_module *m, struct kernel_image *out);
/* n bytes at an offset of the image; zeroes behind its end. */
void kernel_read(const struct boot_module *m, u64 offset, void *out, size_t n);
/* Why it cannot be used, in words; -XEN_EINVAL. */
int kernel_refuse(const struct boot_info *bi, const struct boot_module *m, const char *why);
/* It begins as a gzip file does. */
bool kernel_is_packed(const struct boot_module *m);

/* --- kernel_elf.c --- */
bool kernel_is_elf(const struct boot_module *m);
/* Where an ELF kernel is to be. -XEN_EINVAL: told in words. */
int kernel_read_elf(const struct boot_info *bi, const struct boot_module *m, struct boot_elf *elf);
/* Lays out what is to be loaded at out, which has elf->end - elf->base bytes of heap. */
void kernel_load_elf(const struct boot_module *m, const struct boot_elf *elf, void *out);

/* --- kernel_unpack.c --- */
/*
 * Unpacks gzip files and lays out ELF files, in the heap, for all domains once. A domain whose kernel
 * cannot be unpacked is left out, in words. -XEN_EINVAL: it was dom0's, or dom0less=strict.
 */
int kernel_unpack(struct boot_info *bi);
/* No more domain will be built: the heap gets it back when all that are prepared are loaded. */
void kernel_give_back(struct boot_info *bi);

/* --- plan.c, place.c --- */
/* Chooses boot_info.dom0_banks for dom0_mem=: -XEN_ENOMEM when it does not fit. */
int builder_plan_dom0(void);

/* --- decide.c --- */
/*
 * bootinfo_check() and builder_plan_dom0(), and whether memory and files fit. Guests that cannot be
 * are left out, in words. An error: nothing is to start.
 */
int builder_decide(struct boot_info *bi);

/* Where a domain's kernel, ramdisk and device tree go: guest physical addresses. */
struct layout {
	const struct range_set *banks;
	struct range kernel, ramdisk, fdt; /* where they are to be */
	/* Where they are, from ELSEWHERE on when that is not in the guest's memory; empty: none. */
	struct range kernel_source, ramdisk_source;
};

/* -XEN_ENOMEM when there is no room. */
int layout_place_modules(struct layout *l, const struct kernel_image *image);
int layout_place_fdt(struct layout *l, u64 size);
/* The banks of a guest with so many bytes. banks has room for two ranges. */
void guest_banks(u64 size, struct range_set *banks);

/* --- dom0_devices.c --- */
enum dom0_node {
	NODE_KEEP,
	NODE_DROP,
	NODE_GIC,
	NODE_TIMER,
	NODE_CHOSEN,
	NODE_PASSTHROUGH, /* not dom0's device: shown disabled */
};

/*
 * What becomes of the node that the walk stands on. uart: node of the hypervisor's UART, or -1, as
 * dom0_devices_collect() got it before.
 */
enum dom0_node dom0_node_kind(const struct dt_walk *w, const struct boot_info *bi, int uart);

#define DOM0_RANGES_MAX 512

/* The machine's devices that dom0 gets. */
struct dom0_devices {
	struct range_set mmio;	   /* registers: device memory whatever the guest says */
	struct range_set memory;   /* PCI windows, SRAM: attributes as the guest says */
	struct range_set reserved; /* RAM of /reserved-memory */
	u32 ppis;		   /* bit n: INTID 16 + n is somebody's */
	struct range_set others;   /* registers of devices that the tree keeps for other guests */
	u8 spi_type[IRQS_MAX];	   /* enum irq_type; 0: not dom0's */
	u8 other_type[IRQS_MAX];   /* the same of other guests' devices */
	u32 v2m;		   /* bit n: frame n of boot_gic.v2m */
};

extern struct dom0_devices dom0_devices; /* while starting */
int dom0_devices_collect(const struct boot_info *bi, int uart, struct dom0_devices *out);

/* --- dom0_fdt.c --- */
struct dom0_tree {
	const struct boot_info *bi; /* its shared memory is in the tree, too */
	int uart;
	domid_t id;
	u32 nr_vcpus;
	u32 evtchn_irq; /* INTID, a PPI */
	u32 v2m;	/* as in struct dom0_devices */
	const struct range_set *banks, *reserved, *extended;
	struct range grant;
	struct range initrd; /* empty: none */
	const char *bootargs;
};

/* Bytes that are certainly enough for the tree. */
size_t dom0_fdt_bound(const struct dom0_tree *t);
/* Writes the tree; its size, or -XEN_ENOSPC, -XEN_EINVAL. */
int dom0_fdt_build(const struct dom0_tree *t, void *buf, size_t size);
/*
 * Physical addresses of RAM that a direct-mapped domain's memory leaves unused, for foreign pages.
 * index: in bi->domains, -1 for dom0.
 */
int host_extended_regions(const struct boot_info *bi, int index, const struct range_set *own,
			  const struct range *grant, struct range_set *out);
/* Where a direct-mapped domain puts its grant frames: no memory of it is there. */
struct range host_grant_region(const struct boot_info *bi);

/* --- domu_fdt.c --- */
struct domu_tree {
	const struct boot_info *bi;
	int index; /* in bi->domains */
	domid_t id;
	u32 nr_vcpus;
	const struct range_set *banks;
	u64 limit; /* guest physical addresses end there */
	struct range initrd;
	const char *bootargs;
	bool hypervisor; /* the node is wanted */
	const struct uart_place *uart; /* NULL: none */
	bool host_layout; /* direct mapped: addresses are the host's */
	const struct range_set *extended; /* with host_layout */
	const void *partial;		  /* tree of its devices, or NULL */
	u32 gic;			  /* phandle of its interrupt controller */
};

/* As for dom0. name is for messages. */
size_t domu_fdt_bound(const struct domu_tree *t);
int domu_fdt_build(const struct domu_tree *t, const char *name, void *buf, size_t size);

/* --- ram.c --- */
/*
 * Maps frames for all of d's banks, which are for launch_prepare(): nobody's, and with their old
 * contents. -XEN_ENOMEM is told in words; nothing remains.
 */
int guest_ram_build(struct domain *d, const struct range_set *banks);
/* Undoes it, or static_ram_build(). */
void guest_ram_free(struct domain *d, const struct range_set *banks);

/* --- static_ram.c --- */
/* The same with pieces of host memory, which nobody has, in their order; together as large as banks. */
int static_ram_build(struct domain *d, const struct range_set *banks, const struct range *pieces,
		     u32 nr);

/* --- shm.c, shm_fdt.c --- */
struct built;
/* Maps shared memory in all domains that were built; who cannot have it is dropped. */
int shm_connect(const struct boot_info *bi, struct built *b);
/* Bytes of shared memory that a domain owns. domain: index, -1 for dom0. */
u64 shm_owned(const struct boot_info *bi, int domain);
/* Takes the domain's shared memory out of a set of guest addresses. */
int shm_remove(const struct boot_info *bi, int domain, struct range_set *set);

/* --- pools.c --- */
/* The scheduler of pool 0: what the boot CPU's pool says, or otherwise. */
const char *pools_boot_sched(const struct boot_info *bi, const char *otherwise);
/* When all CPUs are up. Failures are told in words. */
int pools_make(const struct boot_info *bi);
/* The pool of an index in bi->pools, -1: pool 0. NULL: none of its CPUs is up. */
struct cpupool *pools_find(int index);

/* --- channels.c --- */
/* Binds the event channels of the device tree. */
int channels_connect(const struct boot_info *bi, struct built *b);
/* --- guest.c --- */
struct uart_place;
/* The event upcall and, unless NULL, the UART. Refusals are told in words. */
int guest_devices_build(struct domain *d, const struct uart_place *uart);
/* The channel by which it will talk to the xenstore; the page comes from dom0's tools. */
void guest_connect_xenstore(struct domain *d);

/* --- load.c --- */
void memory_write(paddr_t dst, const void *src, u64 size);
/* To the point of coherency: a CPU with its MMU off reads past the caches. */
void memory_flush(paddr_t pa, u64 size);

/* --- seed.c --- */
/*
 * n bytes for one domain out of the firmware's seed: different for every domain and use, and
 * nothing about the seed or another domain's bytes follows from them (ChaCha20 keyed by the seed).
 */
void seed_derive(const void *seed, size_t seed_len, u32 domain, u32 use, void *out, size_t n);

/* --- place_files.c, builder.c --- */
struct domain_spec {
	domid_t id;
	int index; /* in bi->domains; -1: dom0 */
	u32 flags; /* enum domain_flags */
	const char *name;
	u32 nr_vcpus;
	struct cpupool *pool;
	/* Direct mapped: RAM that belongs to nobody. Otherwise of guest_banks(). */
	const struct range_set *banks;
	const struct range *static_mem; /* host memory for the banks; NULL: from the heap */
	u32 nr_static;
	const struct boot_module *kernel, *ramdisk; /* ramdisk may be NULL */
	const char *cmdline;
	int uart; /* node of the device tree that stays the hypervisor's, or -1 */
	u32 max_evtchn_port, max_grant_frames, max_maptrack_frames;
	u32 max_grant_version;
	u64 table_pages; /* 0: of dom0 */
	/* Only without DOMAIN_HARDWARE. */
	u32 nr_spis; /* BOOT_SPIS_ALL */
	bool vpl011;
	enum boot_enhanced enhanced;
};

/* What the kernel is, and where files go. Refusals are told in words. */
int builder_place(const struct boot_info *bi, const struct domain_spec *spec,
		  struct kernel_image *image, struct layout *layout);

/*
 * The domain exists, its vcpu 0 is ready but still down. Refusals are told in words; then nothing
 * is left of the domain. dom0's modules may be overwritten: it comes after those who share them.
 */
int builder_build(const struct boot_info *bi, const struct domain_spec *spec, struct domain **out);

/* --- start.c --- */
/* The domains while they are being built; NULL: there is none. */
struct built {
	struct domain *dom0, *dom_io, **guests; /* guests: by index in bi->domains */
};

static inline struct domain *built_domain(const struct built *b, int index)
{
	return index < 0 ? b->dom0 : b->guests[index];
}

/*
 * This one cannot be: it is destroyed, and said to be left out. rc when nothing can go on without
 * it, otherwise 0.
 */
int built_drop(const struct boot_info *bi, struct built *b, int index, int rc);

/*
 * Builds the domains of the device tree and dom0, gives the memory of their modules to the heap and
 * lets them go, dom0 first. -XEN_ENODEV: nothing runs.
 */
int builder_start(void);
/* Bytes of guests' files that stay, so that they can be restarted. */
extern u64 builder_files_kept;

#endif
