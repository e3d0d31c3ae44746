/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/console_find.c hyp/boot/plan.c hyp/boot/decide.c hyp/boot/kernel.c hyp/boot/kernel_elf.c
 * hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c hyp/boot/range.c hyp/core/cmdline.c
 * hyp/core/options.c hyp/drivers/drivers.c hyp/drivers/pl011.c */
/*
 * What an operator can do wrong, one case each, and the words for it. The machine of a case is QEMU's
 * with dom0 and two guests; what is wrong with the first guest must not touch the others, unless
 * dom0less=strict. In the order of the boot (arch/arm64/setup.c), as in tools/serai-dtcheck.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"
#include <arch/host.h>
#include <arch/memory.h>
#include <serai/arch.h>
#include <serai/boot.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/printk.h>
#include <serai/uart.h>

#define D1   "/chosen/domU1"
#define D2   "/chosen/domU2"
#define K1   D1 "/module@60000000"
#define R1   D1 "/module@64000000"
#define K    "/chosen/module@0x44000000"
#define R    "/chosen/module@0x48000000"
#define MEM  "/memory@40000000"
#define GIC  "/intc@8000000"
#define UART "/pl011@9000000"

#define MESSAGE_MAX 512 /* the hypervisor cuts longer ones */

/* --- what the parser calls --- */

static char said[16384];
static size_t said_len;
static unsigned int errors, warnings;

void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(said + said_len, sizeof(said) - said_len, fmt, ap);
	va_end(ap);
	assert_in_range(n, 1, MESSAGE_MAX - 1);
	if (getenv("HOST_VERBOSE"))
		fputs(said + said_len, stderr);
	said_len += (size_t)n;
	assert_int_equal(said[said_len - 1], '\n');
	errors += level == LOG_ERR;
	warnings += level == LOG_WARNING;
}

void console_set_uart(const struct uart *u)
{
}

void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return NULL;
}

/* --- a case --- */

enum outcome {
	TREE,	/* nothing can be read of the tree */
	BOOT,	/* nothing starts */
	GUEST,	/* the first guest is left out */
	BOTH,	/* both guests are left out, dom0 starts */
	ERROR,	/* all start, but something else is refused */
	WARN,	/* all start, but something may not be meant so */
};

/* A node of shared memory in a domain, and its xen,shared-mem; role by one more edit. */
#define SHM(domain, id, mem)                                                                  \
	{ domain, NULL, "shm" },                                                              \
	{ domain "/shm", "compatible", "\"xen,domain-shared-memory-v1\"" },                   \
	{ domain "/shm", "xen,shm-id", "\"" id "\"" }, { domain "/shm", "xen,shared-mem", mem }

#define EVTCHN(domain, ends)                                                                \
	{ domain, NULL, "ec" }, { domain "/ec", "compatible", "\"xen,evtchn-v1\"" },          \
	{ domain "/ec", "xen,evtchn", ends }

/* value as in source: <numbers>, "text", [bytes], "" for an empty one; NULL: the property is removed. */
struct edit {
	const char *path, *name; /* name NULL: value is a new child, or NULL: the node is removed */
	const char *value;
};

struct refusal {
	enum outcome outcome;
	const char *want;
	struct edit edits[10];
	const char *cmdline; /* NULL: the tree's */
};

#define CASE(o, words, ...) { .outcome = (o), .want = words, .edits = { __VA_ARGS__ } }
#define LINE(o, words, line) { .outcome = (o), .want = words, .cmdline = (line) }

static const struct refusal refusals[] = {
	/* clang-format off */
	/* --- the tree as a whole --- */
	CASE(TREE, "/a/b: #address-cells and #size-cells: more than 4 cells; write 1 or 2",
	  { "/", NULL, "a" }, { "/a", NULL, "b" }, { "/a/b", "#address-cells", "<5>" }),

	/* --- memory --- */
	CASE(BOOT, "no memory: no node has device_type = \"memory\" and a reg that is not empty; the boot loader must fill in /memory",
	  { MEM, NULL, NULL }),
	CASE(BOOT, "no memory", { MEM, "device_type", "\"mem\"" }),
	CASE(BOOT, "no memory", { MEM, "reg", "<0 0 0 0>" }),
	CASE(BOOT, "no memory", { MEM, "status", "\"disabled\"" }),
	CASE(BOOT, MEM ": reg: it is missing; write reg = <ADDRESS SIZE>, of as many cells as #address-cells (2) and #size-cells (2) of the node above say; this memory is not used",
	  { MEM, "reg", NULL }),
	CASE(BOOT, MEM ": reg = <0x40000000 0x80000000>: it has 8 bytes, and ADDRESS and SIZE have 16",
	  { MEM, "reg", "<0x40000000 0x80000000>" }),
	CASE(BOOT, MEM ": reg = <0 0x40000000 0xffffffff 0xffffffff>: it ends behind the last address",
	  { MEM, "reg", "<0 0x40000000 0xffffffff 0xffffffff>" }),
	CASE(BOOT, "#address-cells and #size-cells above it are 3 and 2, not 1 or 2",
	  { "/", "#address-cells", "<3>" }),
	CASE(ERROR, "/memory@1: reg = <0x1>: it has 4 bytes",
	  { "/", NULL, "memory@1" }, { "/memory@1", "device_type", "\"memory\"" }, { "/memory@1", "reg", "<1>" }),
	CASE(BOOT, "/reserved-memory/fw: reg = <0 0x50000000>: it has 8 bytes, and ADDRESS and SIZE have 16; write",
	  { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" },
	    { "/reserved-memory/fw", "reg", "<0 0x50000000>" }),
	CASE(BOOT, "nothing starts, lest the firmware loses its memory",
	  { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" },
	    { "/reserved-memory/fw", "reg", "<0 0x50000000>" }),

	CASE(BOOT, "the frame table of all RAM takes 8192 KiB in one piece, and the longest that is free has ",
	  { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" }, { "/reserved-memory/fw", "reg", "<0 0x40300000 0 0x3c00000 0 0x46000000 0 0x1f00000 0 0x48200000 0 0x1d00000 0 0x4a100000 0 0x15e00000 0 0x62000000 0 0x1f00000 0 0x64200000 0 0x5be00000>" }),

	/* --- CPUs, firmware --- */
	CASE(WARN, "/cpus: no node in it has device_type = \"cpu\" and reg; only the CPU that starts Serai is used",
	  { "/cpus", NULL, NULL }),
	CASE(WARN, "/cpus: no node in it has", { "/cpus/cpu@0", "device_type", NULL }, { "/cpus/cpu@1", "device_type", "\"CPU\"" }),
	CASE(ERROR, "/cpus/cpu@1: reg: it is missing; write reg", { "/cpus/cpu@1", "reg", NULL }),
	CASE(ERROR, "/cpus/cpu@1: reg = <0x1 0x2 0x3>: it ", { "/cpus", "#address-cells", "<2>" }, { "/cpus/cpu@0", "reg", "<0 0>" }, { "/cpus/cpu@1", "reg", "<1 2 3>" }),
	CASE(ERROR, "/cpus/cpu@1: reg = <0>: another CPU has the same; write its MPIDR; the CPU is not used",
	  { "/cpus/cpu@1", "reg", "<0>" }),
	CASE(WARN, "CPUs have enable-method = \"psci\", but no node has compatible = \"arm,psci-1.0\" and method = \"smc\"; only the CPU that starts Serai is used, and the machine cannot be switched off",
	  { "/psci", NULL, NULL }),
	CASE(WARN, "but no node has compatible = \"arm,psci-1.0\"", { "/psci", "compatible", "\"arm,psci\"" }),
	CASE(ERROR, "/psci: method = \"svc\": it is not the name of a call; write method = \"smc\"", { "/psci", "method", "\"svc\"" }),
	CASE(ERROR, "/psci: method: it is not the name of a call", { "/psci", "method", NULL }),

	/* --- interrupt controller, timer --- */
	CASE(BOOT, "no interrupt controller that Serai knows (found: none); it needs a GICv3", { GIC, NULL, NULL }),
	CASE(BOOT, "no interrupt controller that Serai knows (found: acme,pic)", { GIC, "compatible", "\"acme,pic\"" }),
	CASE(BOOT, "no interrupt controller that Serai knows", { GIC, "status", "\"disabled\"" }),
	CASE(BOOT, GIC ": reg = <0 0x8000000>: it has 8 bytes, and ADDRESS and SIZE have 16; write", { GIC, "reg", "<0 0x8000000>" }),
	CASE(BOOT, GIC ": reg: it is missing; write reg = <ADDRESS SIZE>", { GIC, "reg", NULL }),
	CASE(BOOT, GIC ": #interrupt-cells = <0x1>: an interrupt of a GIC has three cells or more; write #interrupt-cells = <3>", { GIC, "#interrupt-cells", "<1>" }),
	CASE(BOOT, GIC ": fewer redistributor regions in reg than #redistributor-regions says", { GIC, "reg", "<0 0x8000000 0 0x10000>" }),
	CASE(WARN, "no node has compatible = \"arm,armv8-timer\"; the usual interrupts are assumed: PPIs 13, 14, 11 and 10", { "/timer", NULL, NULL }),
	CASE(WARN, "/timer: interrupts: the third or fourth cannot be read; PPIs 11 and 10 are assumed", { "/timer", "interrupts", "<1 13 4 1 14 4>" }),
	CASE(WARN, "/timer: interrupts: the third or fourth cannot be read", { "/timer", "interrupts", NULL }),

	/* --- the console --- */
	CASE(ERROR, "/chosen: stdout-path: it is missing, so the console has no UART; write stdout-path = \"PATH\" there, dtuart=PATH on the command line, or console=none",
	  { "/chosen", "stdout-path", NULL }),
	CASE(ERROR, "/chosen: stdout-path = \"/uart@1\": there is no such node or alias; the console has no UART", { "/chosen", "stdout-path", "\"/uart@1\"" }),
	CASE(ERROR, "/chosen: stdout-path = \"serial9:115200\": there is no such node or alias", { "/chosen", "stdout-path", "\"serial9:115200\"" }),
	CASE(ERROR, "/chosen: stdout-path = \"a\": there is no such node or alias", { "/", NULL, "aliases" }, { "/aliases", "a", "\"a\"" }, { "/chosen", "stdout-path", "\"a\"" }),
	CASE(ERROR, "/chosen: stdout-path = \"/timer\": its reg cannot be read or has no address of the CPU", { "/chosen", "stdout-path", "\"/timer\"" }),
	CASE(ERROR, "/chosen: stdout-path = (3 bytes): it is not one string; write one in quotes; it is left out", { "/chosen", "stdout-path", "[2f7575]" }),
	CASE(ERROR, UART ": compatible = \"acme,uart\": this build has no driver for the console's UART; it knows \"arm,pl011\"", { UART, "compatible", "\"acme,uart\"" }),
	LINE(ERROR, "command line: dtuart=/nothing: there is no such node or alias; the console has no UART", "dtuart=/nothing"),
	LINE(ERROR, "command line: dtuart=/timer: its reg cannot be read", "dtuart=/timer"),
	LINE(ERROR, "/pl031@9010000: compatible = \"arm,pl031\": this build has no driver", "dtuart=/pl031@9010000"),

	/* --- the command line --- */
	LINE(WARN, "command line: unknown option dom0_men; did you mean dom0_mem?", "dom0_men=1G"),
	LINE(WARN, "command line: unknown option zzzzzzzzzzzz", "zzzzzzzzzzzz"),
	LINE(WARN, "command line: dom0_mem=1X is not accepted; dom0_mem takes a size such as 512M or 2G", "dom0_mem=1X"),
	LINE(WARN, "command line: dom0_max_vcpus=0 is not accepted; dom0_max_vcpus takes a number from 1 to 128", "dom0_max_vcpus=0"),
	LINE(WARN, "console=com1 is not accepted; console takes dtuart or none", "console=com1"),
	LINE(WARN, "dom0less=Strict is not accepted; dom0less takes strict or lenient", "dom0less=Strict"),
	LINE(WARN, "bootscrub=later is not accepted", "bootscrub=later"),
	LINE(WARN, "noreboot=perhaps is not accepted; noreboot takes yes or no", "noreboot=perhaps"),
	CASE(ERROR, "/chosen: bootargs = (3 bytes): it is not one string", { "/chosen", "bootargs", "[414243]" }),
	CASE(WARN, "/chosen: xen,xen-bootarg: unknown property, it does nothing; did you mean xen,xen-bootargs?", { "/chosen", "xen,xen-bootarg", "\"loglvl=all\"" }),
	CASE(WARN, "/chosen: #xen,static-heap-address-cell: unknown property, it does nothing; did you mean #xen,static-heap-address-cells?", { "/chosen", "#xen,static-heap-address-cell", "<2>" }),

	/* --- dom0 --- */
	LINE(BOOT, "dom0_mem=4096M: does not fit: of 2048 MiB RAM at most", "dom0_mem=4G"),
	LINE(BOOT, "dom0_mem=16M: the files of kernel (32183 KiB) and ramdisk (1015 KiB) do not fit into it; write more", "dom0_mem=16M"),
	CASE(BOOT, K ": reg: it is missing; write reg = <ADDRESS SIZE>", { K, "reg", NULL }),
	CASE(BOOT, K ": reg = <0 0x44000000 0 0>: the size is 0", { K, "reg", "<0 0x44000000 0 0>" }),
	CASE(BOOT, K ": reg = <0x44000000 0x1000>: it has 8 bytes, and ADDRESS and SIZE have 16; write reg = <ADDRESS SIZE>, of as many cells as #address-cells (2) and #size-cells (2) of the node above say; nothing starts", { K, "reg", "<0x44000000 0x1000>" }),
	CASE(BOOT, K ": reg = <0 0x44000000 0 0x1000>: it has 16 bytes, and ADDRESS and SIZE have 12", { "/chosen", "#size-cells", "<1>" }, { K, "reg", "<0 0x44000000 0 0x1000>" }),
	CASE(BOOT, K ": reg = <0x20000000 0x1000> is not in RAM; load the file elsewhere", { K, "reg", "<0 0x20000000 0 0x1000>" }),
	CASE(BOOT, K ": reg = <0xbffff000 0x2000> is not in RAM", { K, "reg", "<0 0xbffff000 0 0x2000>" }),
	CASE(BOOT, K ": reg = <0x40201000 0x1000> overlaps the hypervisor at 0x40200000-0x4028ffff; load the file elsewhere", { K, "reg", "<0 0x40201000 0 0x1000>" }),
	CASE(BOOT, K ": reg = <0x49fff000 0x2000> overlaps the device tree at 0x4a000000", { K, "reg", "<0 0x49fff000 0 0x2000>" }),
	CASE(BOOT, K ": reg = <0x44000000 0x1f6dfc0> overlaps the reserved memory at 0x45000000-0x45000fff", { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" }, { "/reserved-memory/fw", "reg", "<0 0x45000000 0 0x1000>" }),
	CASE(BOOT, R ": reg = <0x45000000 0x1000> overlaps " K " at 0x44000000-0x45f6dfbf; load one of the files elsewhere", { R, "reg", "<0 0x45000000 0 0x1000>" }),
	CASE(BOOT, R ": reg = <0x44000000 0x1000> overlaps " K, { R, "reg", "<0 0x44000000 0 0x1000>" }),
	CASE(BOOT, ": dom0 has a kernel already; remove one; a guest's modules go into its own node, with compatible = \"xen,domain\"", { R, "compatible", "\"multiboot,kernel\"" }),
	CASE(BOOT, ": dom0 has a ramdisk already; remove one", { "/chosen", NULL, "rd2" }, { "/chosen/rd2", "compatible", "\"multiboot,ramdisk\"" }, { "/chosen/rd2", "reg", "<0 0x70000000 0 0x1000>" }),
	CASE(WARN, "/chosen/x: dom0 has no use for this module; it does nothing", { "/chosen", NULL, "x" }, { "/chosen/x", "compatible", "\"multiboot,device-tree\"" }, { "/chosen/x", "reg", "<0 0x70000000 0 0x1000>" }),
	CASE(ERROR, K ": bootargs = (2 bytes): it is not one string; write one in quotes", { K, "bootargs", "[4142]" }),
	CASE(BOOT, ": xen,enhanced: there is no dom0 that runs a xenstore", { K, NULL, NULL }, { D1, "xen,enhanced", "" }, { D2, "cpus", NULL }),
	CASE(BOOT, "no kernel for dom0 in /chosen; write there:\n  module@ADDRESS { compatible = \"multiboot,kernel\"", { K, NULL, NULL }, { D1, NULL, NULL }, { D2, NULL, NULL }),
	CASE(WARN, R ": compatible = \"multiboot,ramdsik\": unknown, the node does nothing; did you mean \"multiboot,ramdisk\"?", { R, "compatible", "\"multiboot,ramdsik\"" }),
	CASE(BOOT, K ": compatible = \"mutliboot,kernel\": unknown, the node does nothing; did you mean \"multiboot,kernel\"?", { K, "compatible", "\"mutliboot,kernel\"" }, { D1, NULL, NULL }, { D2, NULL, NULL }),

	/* --- guests --- */
	CASE(WARN, "/chosen/guest: compatible = \"xen,domian\": unknown, the node does nothing; did you mean \"xen,domain\"?", { "/chosen", NULL, "guest" }, { "/chosen/guest", "compatible", "\"xen,domian\"" }),
	CASE(GUEST, D1 ": cpus = <0>: it is too small; write a number from 1 to 128: cpus = <1>", { D1, "cpus", "<0>" }),
	CASE(GUEST, D1 ": cpus = <0x81>: it is too large", { D1, "cpus", "<129>" }),
	CASE(GUEST, D1 ": cpus = \"2\": it is not one cell", { D1, "cpus", "\"2\"" }),
	CASE(GUEST, D1 ": cpus: it is missing; write a number", { D1, "cpus", NULL }),
	CASE(GUEST, D1 ": memory: it is missing; write KiB: memory = <0x0 0x20000> is 128 MiB", { D1, "memory", NULL }),
	CASE(GUEST, D1 ": memory = <0 0x1000000>: 16384 MiB do not fit, ", { D1, "memory", "<0 0x1000000>" }),
	CASE(GUEST, " MiB are free; write a smaller memory (KiB), for it or for others", { D1, "memory", "<0 0x1000000>" }),
	LINE(BOTH, D2 ": memory = <0 0x20000>: 128 MiB do not fit, beside its page tables 44 MiB are free", "dom0_mem=1960M"),
	CASE(GUEST, D1 ": memory = <0 0x8000>: the files of kernel (32183 KiB) and ramdisk (1016 KiB) do not fit into it; write more (KiB)", { D1, "memory", "<0 0x8000>" }),
	CASE(GUEST, D1 ": memory = <0 0x3>: it is less than a page", { D1, "memory", "<0 3>" }),
	CASE(GUEST, "it is more than a guest's address space holds (it counts KiB, not bytes)", { D1, "memory", "<0x10 0>" }),
	CASE(GUEST, D1 ": it has no kernel; write in it: module@ADDRESS {", { K1, NULL, NULL }),
	CASE(GUEST, D1 ": it has more than one kernel", { R1, "compatible", "\"multiboot,kernel\"" }),
	CASE(GUEST, D1 ": it has more than one ramdisk; leave one", { D1, NULL, "rd2" }, { D1 "/rd2", "compatible", "\"multiboot,ramdisk\"" }, { D1 "/rd2", "reg", "<0 0x70000000 0 0x1000>" }),
	CASE(GUEST, K1 ": the module does not say what it is; write compatible = \"multiboot,kernel\", \"multiboot,module\"", { K1, "compatible", "\"multiboot,module\"" }),
	CASE(GUEST, K1 ": a node that is neither module nor anything else known", { K1, "compatible", "\"multiboot,kernal\"" }),
	CASE(GUEST, K1 ": reg: it is missing", { K1, "reg", NULL }),
	CASE(GUEST, K1 ": reg = <0 0x60000000 0 0>: the size is 0", { K1, "reg", "<0 0x60000000 0 0>" }),
	CASE(GUEST, "(2) of the node above say; the domain is left out", { K1, "reg", "<0x60000000 0x1000>" }),
	CASE(GUEST, "#address-cells and #size-cells above it are 0 and 0, not 1 or 2", { D1, "#address-cells", "<0>" }, { D1, "#size-cells", "<0>" }),
	CASE(GUEST, K1 ": reg = <0x20000000 0x1000> is not in RAM", { K1, "reg", "<0 0x20000000 0 0x1000>" }),
	CASE(GUEST, R1 ": reg = <0x40201000 0x1000> overlaps the hypervisor", { R1, "reg", "<0 0x40201000 0 0x1000>" }),
	CASE(GUEST, R1 ": reg = <0x70000000 0x1000> overlaps the reserved memory at 0x70000000-0x70000fff", { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" }, { "/reserved-memory/fw", "reg", "<0 0x70000000 0 0x1000>" }, { R1, "reg", "<0 0x70000000 0 0x1000>" }),
	CASE(GUEST, R1 ": reg = <0x60001000 0x1000> overlaps " K1 " at 0x60000000-", { D2 "/module@60000000", "reg", "<0 0x70000000 0 0x1000>" }, { R1, "reg", "<0 0x60001000 0 0x1000>" }),
	CASE(GUEST, R1 ": reg = <0x60000000 0x1000> overlaps " K1, { R1, "reg", "<0 0x60000000 0 0x1000>" }),
	CASE(ERROR, K1 ": bootargs = (2 bytes): it is not one string", { K1, "bootargs", "[4142]" }),
	CASE(GUEST, D1 ": xen,enhanced = \"yes\": there is no such mode; write xen,enhanced; or", { D1, "xen,enhanced", "\"yes\"" }),
	CASE(GUEST, D1 ": nr_spis = <0x3dd>: it is too large; write a number from 0 to 988", { D1, "nr_spis", "<989>" }),
	CASE(GUEST, "nr_spis = <0>: vpl011 needs an interrupt; write nr_spis = <1> or remove vpl011", { D1, "vpl011", "" }, { D1, "nr_spis", "<0>" }),
	CASE(GUEST, "max_grant_frames = <0>: it is too small", { D1, "max_grant_frames", "<0>" }),
	CASE(GUEST, "max_grant_version = <0x3>: it is too large", { D1, "max_grant_version", "<3>" }),
	CASE(GUEST, "llc-colors = \"1-3\": caches cannot be shared out by colours yet; remove it: the domain then shares all of the cache", { D1, "llc-colors", "\"1-3\"" }),
	CASE(WARN, D1 ": vpl01 = <0x1>: unknown property, it does nothing; did you mean vpl011?", { D1, "vpl01", "<1>" }),
	CASE(WARN, D1 ": nr-spis = <0x20>: unknown property, it does nothing; did you mean nr_spis?", { D1, "nr-spis", "<32>" }),
	CASE(GUEST, D1 ": memroy = <0 0x20000>: unknown property, it does nothing; did you mean memory?", { D1, "memory", NULL }, { D1, "memroy", "<0 0x20000>" }),

	/* --- memory by address --- */
	CASE(GUEST, D1 ": xen,static-mem = <0 0xa0000000>: it is no list of addresses and sizes; write at most 16 pairs of an address (2 cells) and a size (2 cells), multiples of 4 KiB", { D1, "xen,static-mem", "<0 0xa0000000>" }),
	CASE(GUEST, "xen,static-mem = <0 0xa0000800 0 0x8000000>: an address or size is no multiple of 4 KiB", { D1, "xen,static-mem", "<0 0xa0000800 0 0x8000000>" }),
	CASE(GUEST, "xen,static-mem = <0 0xa0000000 0 0>: a size is zero", { D1, "xen,static-mem", "<0 0xa0000000 0 0>" }),
	CASE(GUEST, D1 ": xen,static-mem = <0 0xa0000000 0 0x8000000>: its number of cells is neither 1 nor 2", { D1, "xen,static-mem", "<0 0xa0000000 0 0x8000000>" }, { D1, "#xen,static-mem-size-cells", "<3>" }),
	CASE(GUEST, D1 ": memory = <0 0x20000>: xen,static-mem has 65536 KiB; write memory = <0 0x10000>", { D1, "xen,static-mem", "<0 0xa0000000 0 0x4000000>" }),
	CASE(GUEST, "0xbc000000-0xc3ffffff is not in RAM; write addresses of RAM that nothing else uses", { D1, "xen,static-mem", "<0 0xbc000000 0 0x8000000>" }),
	CASE(GUEST, "0x40000000-0x47ffffff overlaps the hypervisor at 0x40200000", { D1, "xen,static-mem", "<0 0x40000000 0 0x8000000>" }),
	CASE(GUEST, "0x60000000-0x67ffffff overlaps " D1, { D1, "xen,static-mem", "<0 0x60000000 0 0x8000000>" }),
	CASE(GUEST, "0xa0000000-0xa7ffffff overlaps reserved memory at 0xa0000000-0xa0000fff", { "/", NULL, "reserved-memory" }, { "/reserved-memory", NULL, "fw" }, { "/reserved-memory/fw", "reg", "<0 0xa0000000 0 0x1000>" }, { D1, "xen,static-mem", "<0 0xa0000000 0 0x8000000>" }),
	CASE(BOTH, D2 ": xen,static-mem = <0 0xa4000000 0 0x8000000>: 0xa4000000-0xabffffff overlaps xen,static-mem of " D1 " at 0xa0000000-0xa7ffffff", { D1, "xen,static-mem", "<0 0xa0000000 0 0x8000000>" }, { D2, "xen,static-mem", "<0 0xa4000000 0 0x8000000>" }),
	CASE(GUEST, "0xa0000000-0xa3ffffff is named twice", { D1, "xen,static-mem", "<0 0xa0000000 0 0x4000000 0 0xa0000000 0 0x4000000>" }),
	CASE(GUEST, D1 ": direct-map: the domain has no memory at an address that it could see; give it xen,static-mem = <ADDRESS SIZE>", { D1, "direct-map", "" }),
	CASE(WARN, D1 ": xen,static-men = <0 0xa0000000 0 0x8000000>: unknown property, it does nothing; did you mean xen,static-mem?", { D1, "xen,static-men", "<0 0xa0000000 0 0x8000000>" }),
	CASE(BOOT, "/chosen: xen,static-heap = <0 0xa0000000 0 0x1000>: an address or size is no multiple of 64 KiB; write pairs", { "/chosen", "xen,static-heap", "<0 0xa0000000 0 0x1000>" }),
	CASE(BOOT, "/chosen: xen,static-heap = <0 0xf0000000 0 0x10000000>: 0xf0000000-0xffffffff is not in RAM; write addresses of RAM, or remove it", { "/chosen", "xen,static-heap", "<0 0xf0000000 0 0x10000000>" }),
	CASE(BOOT, "16384 KiB are too little for the hypervisor alone; give it as much as the domains need", { "/chosen", "xen,static-heap", "<0 0xa0000000 0 0x1000000>" }),
	CASE(BOOT, "is named twice; name each piece of RAM once", { "/chosen", "xen,static-heap", "<0 0xa0000000 0 0x4000000 0 0xa1000000 0 0x4000000>" }),
	CASE(GUEST, "0xa0000000-0xa7ffffff overlaps xen,static-heap of /chosen at 0x80000000-0xbfffffff", { "/chosen", "xen,static-heap", "<0 0x80000000 0 0x40000000>" }, { D1, "xen,static-mem", "<0 0xa0000000 0 0x8000000>" }),
	CASE(BOOT, D1 ": memory = <0 0x20000>: 128 MiB do not fit, beside its page tables 117 MiB are free", { "/chosen", "xen,static-heap", "<0 0x68000000 0 0x8000000>" }, { K, NULL, NULL }),

	/* --- shared memory --- */
	CASE(BOTH, D2 "/shm: role = \"borrower\": no domain is the owner of this xen,shm-id; write role = \"owner\" in one, or remove role from all", SHM(D1, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>"), SHM(D2, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>"), { D1 "/shm", "role", "\"borrower\"" }, { D2 "/shm", "role", "\"borrower\"" }),
	CASE(BOTH, "/shm is the owner, too; leave role = \"owner\" in one, write \"borrower\" in the others", SHM(D1, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>"), SHM(D2, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>"), { D1 "/shm", "role", "\"owner\"" }, { D2 "/shm", "role", "\"owner\"" }),
	CASE(GUEST, D1 "/shm: role = \"lord\": there is no such role; write role = \"owner\" or \"borrower\", or nothing", SHM(D1, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>"), { D1 "/shm", "role", "\"lord\"" }),
	CASE(GUEST, D1 "/shm: xen,shm-id = \"sixteen letters!\": it is no text of 1 to 15 characters", SHM(D1, "sixteen letters!", "<0 0xb0000000 0 0x70000000 0 0x200000>")),
	CASE(GUEST, D1 "/shm: xen,shared-mem = <0 0xb0000000>: it is not an address of the machine, one of the guest and a size; write xen,shared-mem = <HOST-ADDRESS GUEST-ADDRESS SIZE>, addresses of 2 cells and a size of 2", SHM(D1, "a", "<0 0xb0000000>")),
	CASE(GUEST, "an address or the size is no multiple of 4 KiB", SHM(D1, "a", "<0 0xb0000800 0 0x70000000 0 0x200000>")),
	CASE(GUEST, D1 "/shm: xen,shared-mem = <0 0xb0000000 0 0x40000000 ...>: the guest has its memory at 0x40000000-0x401fffff, or a part of it; write another guest address", SHM(D1, "a", "<0 0xb0000000 0 0x40000000 0 0x200000>")),
	CASE(GUEST, "0xf0000000-0xf01fffff of the host is not in RAM; write a host address of RAM that nothing else uses", SHM(D1, "a", "<0 0xf0000000 0 0x70000000 0 0x200000>")),
	CASE(WARN, D1 "/shm: xen,shm-id = \"a\": no other domain has it, so nobody shares this memory", SHM(D1, "a", "<0 0xb0000000 0 0x70000000 0 0x200000>")),

	/* --- event channels, pools of CPUs, devices --- */
	CASE(GUEST, D1 "/ec: xen,evtchn = <0x5>: it is not two cells", EVTCHN(D1, "<5>")),
	CASE(GUEST, D1 "/ec: xen,evtchn = <0 0x8003>: there is no such port", EVTCHN(D1, "<0 0x8003>")),
	CASE(GUEST, D1 "/ec: xen,evtchn = <0x5 0x8003>: ", EVTCHN(D1, "<5 0x8003>")),
	CASE(GUEST, "let it lead to a node with compatible = \"xen,evtchn-v1\"", EVTCHN(D1, "<5 0x7777>")),
	CASE(GUEST, D1 "/ec: xen,evtchn = <0x5 0x77>: it leads to itself; write the phandle of the other end's node", EVTCHN(D1, "<5 0x77>"), { D1 "/ec", "phandle", "<0x77>" }),
	CASE(GUEST, D1 ": domain-cpupool = <0x8003>: ", { D1, "domain-cpupool", "<0x8003>" }),
	CASE(GUEST, "write the phandle of a node in /chosen with compatible = \"xen,cpupool\", or remove it", { D1, "domain-cpupool", "<0x7777>" }),
	CASE(GUEST, D1 ": it has more than one partial device tree; describe all of its devices in one", { D1, NULL, "p1" }, { D1 "/p1", "compatible", "\"multiboot,device-tree\"" }, { D1 "/p1", "reg", "<0 0x70000000 0 0x1000>" }, { D1, NULL, "p2" }, { D1 "/p2", "compatible", "\"multiboot,device-tree\"" }, { D1 "/p2", "reg", "<0 0x70001000 0 0x1000>" }),
	CASE(GUEST, D1 ": passthrough = \"disabled\": it has a partial device tree; remove the property, or the module", { D1, "passthrough", "\"disabled\"" }, { D1, NULL, "p1" }, { D1 "/p1", "compatible", "\"multiboot,device-tree\"" }, { D1 "/p1", "reg", "<0 0x70000000 0 0x1000>" }),
	CASE(GUEST, D1 ": passthrough = \"perhaps\": there is no such mode; write passthrough = \"enabled\" or \"disabled\"", { D1, "passthrough", "\"perhaps\"" }),
	/* clang-format on */
};

/* --- the machine --- */

static void *fdt;
static struct options fresh_options;
static struct boot_info *const bi = &boot_info;

static void add_module(const char *domain, const char *name, const char *kind, u32 at, u32 size)
{
	char path[64];

	tree_add(fdt, domain, name);
	snprintf(path, sizeof(path), "%s/%s", domain, name);
	tree_set_string(fdt, path, "compatible", kind);
	tree_set_cells(fdt, path, "reg", 0, at, 0, size);
}

static void add_domain(const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/chosen/%s", name);
	tree_add(fdt, "/chosen", name);
	tree_set_string(fdt, path, "compatible", "xen,domain");
	tree_set_cells(fdt, path, "#address-cells", 2);
	tree_set_cells(fdt, path, "#size-cells", 2);
	tree_set_cells(fdt, path, "cpus", 2);
	tree_set_cells(fdt, path, "memory", 0, 0x20000);
	add_module(path, "module@60000000", "multiboot,kernel", 0x60000000, 0x1f6dfc0);
	add_module(path, "module@64000000", "multiboot,ramdisk", 0x64000000, 0xfe15e);
}

static void start(void)
{
	fdt = tree_data("qemu-virt.dts");
	add_domain("domU2");
	add_domain("domU1"); /* subnodes come in front */
	options = fresh_options;
	said[said_len = errors = warnings = 0] = 0;
}

/* A property's value out of its source; its length. */
static size_t read_value(const char *s, u8 *out)
{
	char kind = *s++, *end;
	size_t n = 0;

	if (kind == '"') {
		n = strlen(s);
		memcpy(out, s, n - 1);
		out[n - 1] = 0;
	} else if (kind == '[') {
		for (; sscanf(s, "%2hhx", &out[n]) == 1; s += 2)
			n++;
	} else {
		for (; *s && *s != '>'; s = end, n += 4) {
			u32 cell = cpu_to_fdt32((u32)strtoul(s, &end, 0));

			memcpy(out + n, &cell, 4);
		}
	}
	return n;
}

static void apply(const struct edit *e)
{
	u8 value[256];

	if (!e->name && e->value)
		tree_add(fdt, e->path, e->value);
	else if (!e->name)
		tree_delete(fdt, e->path);
	else if (!e->value)
		tree_delete_prop(fdt, e->path, e->name);
	else
		tree_set(fdt, e->path, e->name, value, *e->value ? read_value(e->value, value) : 0);
}

/* As a boot does; the answer of builder_decide(). */
static int boot(const struct refusal *r, bool strict, int *parsed)
{
	struct boot_device dev;
	const struct uart_driver *driver;
	void *done;
	int rc;

	start();
	for (size_t i = 0; i < ARRAY_SIZE(r->edits) && r->edits[i].path; i++)
		apply(&r->edits[i]);
	done = tree_done(fdt);
	rc = *parsed = bootinfo_parse(done, 0x4a000000, 0x40200000, 0x40290000);
	cmdline_parse(r->cmdline ? r->cmdline : bi->hyp_cmdline);
	options.dom0less_strict |= strict;
	bootinfo_find_console(&dev, &driver);
	if (!rc)
		rc = builder_decide(bi);
	free(done);
	return rc;
}

static bool left_out(u32 i)
{
	return i >= bi->nr_domains || bi->domains[i].left_out;
}

#define assert_case(condition)                                                              \
	do {                                                                                \
		if (!(condition))                                                           \
			fail_msg("case %zu, \"%s\": not " #condition "; said: %s", i, r->want, said); \
	} while (0)

static void check_case(size_t i, const struct refusal *r)
{
	enum outcome o = r->outcome;
	int parsed, rc = boot(r, false, &parsed);

	assert_case(strstr(said, r->want));
	assert_case((parsed != 0) == (o == TREE));
	assert_case((rc != 0) == (o == TREE || o == BOOT));
	assert_case((errors != 0) == (o != WARN));
	assert_case(o != WARN || warnings);
	if (!rc) {
		assert_case(left_out(0) == (o == GUEST || o == BOTH));
		assert_case(left_out(1) == (o == BOTH));
	}
	rc = boot(r, true, &parsed);
	assert_case((rc != 0) == (o <= BOTH));
	assert_case(o != GUEST || strstr(said, "dom0less=strict: then none is"));
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		check_case(i, &refusals[i]);
	print_message("%zu misconfigurations\n", ARRAY_SIZE(refusals));
	assert_true(ARRAY_SIZE(refusals) >= 45);
}

/* Without an edit nothing is said. */
static void test_right(void **state)
{
	static const struct refusal none = { .want = "" };
	int parsed;

	assert_int_equal(boot(&none, true, &parsed), 0);
	assert_string_equal(said, "");
	assert_false(left_out(0) || left_out(1));
}

/* --- words that need more than one edit --- */

static void test_long_command_line(void **state)
{
	static char text[1200];
	struct refusal r = { .cmdline = text };
	int parsed;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text + 1100, "noreboot", 8);
	assert_int_equal(boot(&r, false, &parsed), 0);
	assert_non_null(strstr(said, "command line: only the first 1023 characters are used"));
	assert_false(options.noreboot);
	memset(text, 'x', 300);
	assert_int_equal(boot(&r, false, &parsed), 0);
	assert_non_null(strstr(said, "command line: xxxxxxxxxxxxxxxxxxxx... is too long"));
}

static void test_deep(void **state)
{
	char path[256] = "/chosen"; /* it is read by then */
	void *done;

	start();
	for (int i = 1; i < DT_DEPTH_MAX; i++) {
		tree_add(fdt, path, "d");
		strcat(path, "/d");
	}
	done = tree_done(fdt);
	assert_int_not_equal(bootinfo_parse(done, 0, 0, 0), 0);
	assert_non_null(strstr(said, "it is deeper than 16 levels"));
	/* The console can be found all the same, so that this is seen. */
	assert_string_equal(bi->stdout_path, UART);
	free(done);
}

/* Modules of a domain that is switched off may be anything. */
static void test_disabled(void **state)
{
	static const struct refusal r = {
		.want = "",
		.edits = { { D1, "status", "\"disabled\"" }, { K1, "reg", "<0>" },
			   { R1, "reg", "<0 0x20000000 0 1>" } },
	};
	int parsed;

	assert_int_equal(boot(&r, true, &parsed), 0);
	assert_int_equal(errors + warnings, 0);
	assert_true(left_out(0));
	assert_false(left_out(1));
}

/* --- kernels: what is in memory --- */

static const struct {
	const char *want;
	u32 at, len;
	const char *bytes;
} kernels[] = {
	{ "the kernel at 0x44000000 is an xz file; unpack it first", 0, 6, "\xfd" "7zXZ\0" },
	{ "is a zstd file; unpack it first", 0, 4, "\x28\xb5\x2f\xfd" },
	{ "is a U-Boot uImage; load the raw arm64 Image", 0, 4, "\x27\x05\x19\x56" },
	{ "is a device tree or FIT image, no kernel", 0, 4, "\xd0\x0d\xfe\xed" },
	{ "is a cpio archive, that is a ramdisk", 0, 6, "070701" },
	{ "no kernel at 0x44000000: the first bytes are 4d 5a 00 00", 0, 2, "MZ" },
	{ "is an Image without image_size, older than Linux 3.17", 56, 4, "ARM\x64" },
};

static void test_kernels(void **state)
{
	static const struct refusal none = { .want = "" };
	struct kernel_image image;
	int parsed;

	host_init(1);
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		u8 *at = paddr_to_virt(0x44000000);
		void *done;

		assert_int_equal(boot(&none, false, &parsed), 0);
		start();
		done = tree_done(fdt);
		assert_int_equal(bootinfo_parse(done, 0x4a000000, 0x40200000, 0x40290000), 0);
		memset(at, 0, 4096);
		memcpy(at + kernels[i].at, kernels[i].bytes, kernels[i].len);
		assert_int_not_equal(kernel_probe(bi, bootinfo_module(bi, MODULE_KERNEL), &image), 0);
		if (!strstr(said, kernels[i].want) || !strstr(said, K))
			fail_msg("\"%s\" was not said, but: %s", kernels[i].want, said);
		free(done);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),	 cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_deep),	 cmocka_unit_test(test_long_command_line),
		cmocka_unit_test(test_disabled), cmocka_unit_test(test_kernels),
	};

	fresh_options = options;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
