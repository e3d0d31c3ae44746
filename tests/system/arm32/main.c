/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-bit guest that looks at what the hypervisor does for 32 bits, and says so on its vpl011. */
typedef unsigned int u32;

#define UART	     0x22000000u
#define NOWHERE	     0x10000000u
#define PSCI_VERSION 0x84000000u
#define PSCI_CPU_ON  0x84000003u
#define PSCI_OFF     0x84000008u
#define XEN_VERSION  17u
#define CPSR_SVC     0x13u
#define FDT_MAGIC    0xedfe0dd0u

extern volatile u32 faults[16], second_said[2];
u32 hypercall(u32 nr, u32 a, u32 b);
u32 psci(u32 fn, u32 a, u32 b, u32 c);
u32 firmware(u32 fn, u32 a, u32 b, u32 c);
u32 thumb_mmio(u32 uart, u32 c);
u32 thumb_it(u32 a, u32 b);
void bad_hvc(void);
void jump_to(u32 where);
void second(void);
void main(u32 r0, u32 r1, const u32 *fdt, u32 cpsr);

static u32 checks, failed;

static void put(char c)
{
	while (*(volatile u32 *)(UART + 0x18) & 0x20)
		;
	*(volatile u32 *)UART = (u32)c;
}

static void say(const char *s)
{
	for (; *s; s++)
		put(*s);
}

static void say_hex(u32 v)
{
	for (int i = 28; i >= 0; i -= 4)
		put("0123456789abcdef"[v >> i & 15]);
}

static void check(const char *what, u32 got, u32 wanted)
{
	checks++;
	if (got == wanted)
		return;
	failed++;
	say("arm32: ");
	say(what);
	say(" is ");
	say_hex(got);
	say(", not ");
	say_hex(wanted);
	say("\r\n");
}

#define READ_CP15(op1, crn, crm, op2) ({                                              \
	u32 v_;                                                                       \
	__asm__ volatile("mrc p15, " #op1 ", %0, " #crn ", " #crm ", " #op2 : "=r"(v_) : : "cc"); \
	v_;                                                                           \
})

static void check_registers(void)
{
	u32 v, w;

	check("ID_PFR0.State0", READ_CP15(0, c0, c1, 0) & 0xf, 1);
	check("reserved ID register", READ_CP15(0, c0, c4, 0), 0);
	check("PMCR", READ_CP15(0, c9, c12, 0), 0);
	check("ACTLR", READ_CP15(0, c1, c0, 1), 0);
	check("MPIDR", READ_CP15(0, c0, c0, 5), 0x80000000);
	__asm__ volatile("mrc p14, 0, %0, c1, c1, 4" : "=r"(v)); /* DBGOSLSR */
	check("DBGOSLSR", v, 8);
	__asm__ volatile("mrrc p14, 0, %0, %1, c1" : "=r"(v), "=r"(w)); /* DBGDRAR */
	check("DBGDRAR", v | w, 0);
	/* CNTP_CVAL, CNTP_CTL: emulated. */
	__asm__ volatile("mcrr p15, 2, %0, %1, c14" : : "r"(0x89abcdef), "r"(0x1234567));
	__asm__ volatile("mrrc p15, 2, %0, %1, c14" : "=r"(v), "=r"(w));
	check("CNTP_CVAL low", v, 0x89abcdef);
	check("CNTP_CVAL high", w, 0x1234567);
	__asm__ volatile("mcr p15, 0, %0, c14, c2, 1" : : "r"(2));
	check("CNTP_CTL", READ_CP15(0, c14, c2, 1), 2);
	v = faults[0];
	READ_CP15(0, c15, c0, 0);
	check("undefined register", faults[0], v + 1);
	check("mode of it", faults[1] & 0x1bf, 0x19b);
}

static void check_calls(void)
{
	check("xen_version", hypercall(XEN_VERSION, 0, 0) >> 16, 4);
	check("no such hypercall", hypercall(63, 0, 0), (u32)-38);
	check("bad handle", hypercall(XEN_VERSION, 1, 0xfffff000), (u32)-14);
	check("PSCI version by HVC", psci(PSCI_VERSION, 0, 0, 0), 0x10001);
	check("PSCI version by SMC", firmware(PSCI_VERSION, 0, 0, 0), 0x10001);
	check("64-bit CPU_ON", psci(0xc4000003, 1, 0, 0), 0xffffffff);
	u32 before = faults[0];
	bad_hvc();
	check("unknown HVC", faults[0], before + 1);
}

static void check_aborts(void)
{
	*(volatile u32 *)(NOWHERE + 8);
	check("data aborts", faults[7], 1);
	check("mode of it", faults[8] & 0x1bf, 0x197);
	check("DFSR of a load", faults[9], 8);
	check("DFAR", faults[10], NOWHERE + 8);
	*(volatile u32 *)(NOWHERE + 16) = 1;
	check("DFSR of a store", faults[9], 0x808);
	check("DFAR of a store", faults[10], NOWHERE + 16);
	jump_to(NOWHERE + 0x1000);
	check("prefetch aborts", faults[2], 1);
	check("mode of it", faults[3] & 0x1bf, 0x197);
	check("IFSR", faults[4], 8);
	check("IFAR", faults[5], NOWHERE + 0x1000);
	check("LR", faults[6], NOWHERE + 0x1004);
}

static void check_thumb(void)
{
	check("UART flags by a short load", thumb_mmio(UART, '.') & 0x10, 0x10);
	check("read in an IT block", thumb_it(1, 5) & 0xf, 1);
	check("skipped in an IT block", thumb_it(0, 5), 5);
}

static void check_second(void)
{
	check("CPU_ON at an odd half-word", psci(PSCI_CPU_ON, 1, 0x40008002, 0), (u32)-9);
	check("CPU_ON", psci(PSCI_CPU_ON, 1, (u32)second | 1, 0x5eed), 0);
	for (volatile u32 i = 0; i < 50000000 && !second_said[1]; i++)
		;
	check("its context", second_said[0], 0x5eed);
	check("its mode", second_said[1] & 0x3f, CPSR_SVC); /* T reads as zero */
	check("CPU_ON of no CPU", psci(PSCI_CPU_ON, 7, (u32)second | 1, 0), (u32)-2);
}

void main(u32 r0, u32 r1, const u32 *fdt, u32 cpsr)
{
	check("r0", r0, 0);
	check("r1", r1, ~0u);
	check("mode", cpsr & 0x3f, CPSR_SVC);
	check("masks", cpsr & 0x1c0, 0x1c0);
	check("device tree", fdt[0], FDT_MAGIC);
	check_registers();
	check_calls();
	check_aborts();
	check_thumb();
	check_second();
	say(failed ? "\r\narm32: FAILED" : "\r\narm32: all is well");
	say(", checks ");
	say_hex(checks);
	say("\r\n");
	psci(PSCI_OFF, 0, 0, 0);
}
