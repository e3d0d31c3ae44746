// SPDX-License-Identifier: Apache-2.0
/* The CPU as the guest sees it: ID registers, trapped registers, instructions that must not pass.
 */
/* machine: smp=1 vcpus=2 cpu=cortex-a57 */
#include "guest.h"

/* Value of a register, or the syndrome with a mark above it when reading is refused. */
#define UNDEF (1l << 62)
#define READ(reg)                                                             \
	({                                                                    \
		uint64_t v_ = 0;                                              \
		PROBE("mrs %[v], " reg, PROBE_OUT([v] "+r"(v_)), [d] "r"(0)); \
		(int64_t)(fault.hits ? UNDEF | fault.esr : v_);               \
	})
#define CHECK_REG(name, reg, want) check_eq("reg." name, READ(reg), want)
#define CHECK_UNDEF(name, reg)	   check_eq("reg." name "_undef", READ(reg), UNDEF | 0x2000000)
#define CHECK_WRITE(name, reg, value)                                     \
	do {                                                              \
		PROBE("msr " reg ", %[v]", , [v] "r"((uint64_t)(value))); \
		check_eq("regw." name, (int64_t)fault.hits, 0);           \
	} while (0)
#define CHECK_WRITE_UNDEF(name, reg)                                            \
	do {                                                                    \
		PROBE("msr " reg ", %[v]", , [v] "r"(0ul));                     \
		check_eq("regw." name "_undef", (int64_t)fault.esr, 0x2000000); \
	} while (0)

static void check_id64(void)
{
	int64_t pfr0 = READ("id_aa64pfr0_el1");

	check_eq("reg.pfr0_el_fields", pfr0 & 0xfff, 0x222);
	check_eq("reg.pfr0_gic", pfr0 >> 24 & 15, 1);
	check_eq("reg.pfr0_ras_hidden", pfr0 >> 28 & 15, 0);
	check_eq("reg.pfr0_sve_hidden", pfr0 >> 32 & 15, 0);
	check_eq("reg.pfr0_mpam_hidden", pfr0 >> 40 & 15, 0);
	check_eq("reg.pfr0_amu_hidden", pfr0 >> 44 & 15, 0);
	CHECK_REG("midr_el1", "midr_el1", 0x411fd070);
	CHECK_REG("mpidr_el1", "mpidr_el1", 0x80000000);
	CHECK_REG("CurrentEL", "CurrentEL", 4);
	CHECK_REG("cntfrq_el0", "cntfrq_el0", 62500000);
	CHECK_REG("id_aa64pfr1_el1", "id_aa64pfr1_el1", 0);
	CHECK_REG("id_aa64zfr0_el1", "S3_0_C0_C4_4", 0);
	CHECK_REG("id_aa64smfr0_el1", "S3_0_C0_C4_5", 0);
	CHECK_REG("id_aa64dfr1_el1", "id_aa64dfr1_el1", 0);
	CHECK_REG("id_aa64afr0_el1", "id_aa64afr0_el1", 0);
	CHECK_REG("id_aa64isar0_el1", "id_aa64isar0_el1", 0x11120);
	CHECK_REG("id_aa64isar1_el1", "id_aa64isar1_el1", 0);
	CHECK_REG("id_aa64isar2_el1", "S3_0_C0_C6_2", 0);
	CHECK_REG("id_aa64mmfr0_el1", "id_aa64mmfr0_el1", 0x1124);
	CHECK_REG("id_aa64mmfr1_el1", "id_aa64mmfr1_el1", 0);
	CHECK_REG("id_aa64mmfr2_el1", "S3_0_C0_C7_2", 0);
	CHECK_REG("id_aa64_res_c0_c7_3", "S3_0_C0_C7_3", 0);
}

static void check_id32(void)
{
	CHECK_REG("id_pfr0_el1", "id_pfr0_el1", 0x131);
	CHECK_REG("id_pfr1_el1", "id_pfr1_el1", 0x10011001);
	CHECK_REG("id_mmfr0_el1", "id_mmfr0_el1", 0x10101105);
	CHECK_REG("id_mmfr1_el1", "id_mmfr1_el1", 0x40000000);
	CHECK_REG("id_mmfr2_el1", "id_mmfr2_el1", 0x1260000);
	CHECK_REG("id_mmfr3_el1", "id_mmfr3_el1", 0x2102211);
	CHECK_REG("id_isar0_el1", "id_isar0_el1", 0x2101110);
	CHECK_REG("id_isar1_el1", "id_isar1_el1", 0x13112111);
	CHECK_REG("id_isar2_el1", "id_isar2_el1", 0x21232042);
	CHECK_REG("id_isar3_el1", "id_isar3_el1", 0x1112131);
	CHECK_REG("id_isar4_el1", "id_isar4_el1", 0x11142);
	CHECK_REG("id_isar5_el1", "id_isar5_el1", 0x11121);
	CHECK_REG("mvfr0_el1", "mvfr0_el1", 0x10110222);
	CHECK_REG("mvfr1_el1", "mvfr1_el1", 0x12111111);
	CHECK_REG("mvfr2_el1", "mvfr2_el1", 0x43);
}

static void check_zero(void)
{
	CHECK_REG("actlr_el1", "actlr_el1", 0);
	CHECK_REG("mdscr_el1", "mdscr_el1", 0);
	CHECK_REG("mdrar_el1", "mdrar_el1", 0);
	CHECK_REG("oslsr_el1", "oslsr_el1", 8);
	CHECK_REG("osdlr_el1", "osdlr_el1", 0);
	CHECK_REG("dbgbvr0_el1", "dbgbvr0_el1", 0);
	CHECK_REG("dbgbcr0_el1", "dbgbcr0_el1", 0);
	CHECK_REG("dbgwvr0_el1", "dbgwvr0_el1", 0);
	CHECK_REG("mdccsr_el0", "mdccsr_el0", 0);
	CHECK_REG("pmcr_el0", "pmcr_el0", 0);
	CHECK_REG("pmcntenset_el0", "pmcntenset_el0", 0);
	CHECK_REG("pmccntr_el0", "pmccntr_el0", 0);
	CHECK_REG("pmuserenr_el0", "pmuserenr_el0", 0);
	CHECK_REG("pmintenset_el1", "pmintenset_el1", 0);
	CHECK_REG("pmceid0_el0", "pmceid0_el0", 0);
	CHECK_REG("pmselr_el0", "pmselr_el0", 0);
	CHECK_REG("pmxevcntr_el0", "pmxevcntr_el0", 0);
	CHECK_REG("cntp_ctl_el0", "cntp_ctl_el0", 0);
	CHECK_REG("cntv_ctl_el0", "cntv_ctl_el0", 0);
	CHECK_REG("icc_sre_el1", STR(ICC_SRE_EL1), 7);
	CHECK_REG("icc_rpr_el1", STR(ICC_RPR_EL1), 0xff);
	CHECK_REG("icc_hppir1_el1", STR(ICC_HPPIR1_EL1), 0x3ff);
	CHECK_REG("icc_iar1_el1_spurious", STR(ICC_IAR1_EL1), 0x3ff);
}

static void check_undefined(void)
{
	CHECK_UNDEF("cntps_ctl_el1", "S3_7_C14_C2_1");
	CHECK_UNDEF("ich_vtr_el2", "S3_4_C12_C11_1");
	CHECK_UNDEF("hcr_el2", "hcr_el2");
	CHECK_UNDEF("icc_sre_el2", "S3_4_C12_C9_5");
	CHECK_UNDEF("amcr_el0", "S3_3_C13_C2_0");
	CHECK_UNDEF("trcidr0", "S2_1_C0_C8_7");
	CHECK_UNDEF("erridr_el1", "S3_0_C5_C3_0");
	CHECK_UNDEF("zcr_el1", "S3_0_C1_C2_0");
	CHECK_UNDEF("lorid_el1", "S3_0_C10_C4_7");
	CHECK_UNDEF("icc_ap1r1_el1", "S3_0_C12_C9_1");
	CHECK_WRITE_UNDEF("icc_sgi0r_el1", STR(ICC_SGI0R_EL1));
	CHECK_WRITE_UNDEF("icc_asgi1r_el1", STR(ICC_ASGI1R_EL1));
	CHECK_WRITE_UNDEF("cntvoff_el2", "cntvoff_el2");
}

static void check_writes(void)
{
	CHECK_WRITE("osdlr_el1", "osdlr_el1", 0);
	CHECK_WRITE("oslar_el1", "oslar_el1", 0);
	CHECK_WRITE("mdscr_el1", "mdscr_el1", 0);
	CHECK_WRITE("pmcr_el0", "pmcr_el0", 0);
	CHECK_WRITE("actlr_el1", "actlr_el1", 0);
	CHECK_WRITE("pmuserenr_el0", "pmuserenr_el0", 0);
	CHECK_WRITE("icc_sre_el1_0", STR(ICC_SRE_EL1), 0);
	CHECK_REG("icc_sre_el1_after", STR(ICC_SRE_EL1), 7);
}

static void check_instructions(void)
{
	PROBE("dc isw, xzr", , [d] "r"(0));
	check_eq("insn.dc_isw", (int64_t)fault.hits, 0);
	PROBE("dc csw, xzr", , [d] "r"(0));
	check_eq("insn.dc_csw", (int64_t)fault.hits, 0);
	PROBE("dc cisw, xzr", , [d] "r"(0));
	check_eq("insn.dc_cisw", (int64_t)fault.hits, 0);
	PROBE("smc #1", , [d] "r"(0));
	check_eq("insn.smc1_undef", (int64_t)fault.esr, 0x2000000);
	PROBE("brk #1", , [d] "r"(0));
	check_eq("insn.brk1", (int64_t)fault.esr, 0xf2000001);
	PROBE(".inst 0x00000000", , [d] "r"(0));
	check_eq("insn.udf", (int64_t)fault.esr, 0x2000000);
	PROBE("tlbi vmalle1is", , [d] "r"(0));
	check_eq("insn.tlbi_vmalle1is", (int64_t)fault.hits, 0);
	PROBE("ic ialluis", , [d] "r"(0));
	check_eq("insn.ic_ialluis", (int64_t)fault.hits, 0);
}

/* Each register holds what was written, through a trap by another one. */
static void check_state_survives(void)
{
	sysreg_write(tpidr_el0, 0x1111222233334444);
	sysreg_write(tpidrro_el0, 0x5555666677778888);
	sysreg_write(contextidr_el1, 0x12345678);
	sysreg_write(afsr0_el1, 0x9abc);
	sysreg_write(par_el1, 0x80000000);
	sysreg_write(amair_el1, 0);
	sysreg_write(csselr_el1, 2);
	sysreg_write(cntkctl_el1, 3);
	sysreg_write(sp_el0, 0x4444555566667777);
	sleep_us(1000);
	hc_version(XENVER_version, NULL);
	CHECK_REG("tpidr_el0_kept", "tpidr_el0", 0x1111222233334444);
	CHECK_REG("tpidrro_el0_kept", "tpidrro_el0", 0x5555666677778888);
	CHECK_REG("contextidr_el1_kept", "contextidr_el1", 0x12345678);
	CHECK_REG("csselr_el1_kept", "csselr_el1", 2);
	CHECK_REG("cntkctl_el1_kept", "cntkctl_el1", 3);
	CHECK_REG("sp_el0_kept", "sp_el0", 0x4444555566667777);
	CHECK_REG("par_el1_kept", "par_el1", 0x80000000);
}

/* Vector registers keep their content while another CPU of the domain uses its own. */
static uint64_t second_done;

static void second(uint64_t arg)
{
	asm volatile(".arch_extension fp\n\tmov x9, #3 << 20\n\tmsr cpacr_el1, x9\n\tisb\n\t"
		     "fmov d0, %0\n\tfmov d31, %0"
		     :
		     : "r"(arg)
		     : "x9", "memory");
	WRITE_ONCE(second_done, 1);
	for (int i = 0; i < 20; i++)
		hc_sched(SCHEDOP_yield, NULL);
}

static void check_vectors_survive(void)
{
	uint64_t a, b, c;

	asm volatile(".arch_extension fp\n\tmov x9, #3 << 20\n\tmsr cpacr_el1, x9\n\tisb\n\t"
		     "fmov d0, %0\n\tfmov d31, %1\n\tmov x9, #0x400000\n\tmsr fpcr, x9"
		     :
		     : "r"(0x0123456789abcdeful), "r"(0xfedcba9876543210ul)
		     : "x9", "memory");
	cpu_start(1, second, 0x7777777777777777);
	for (int i = 0; i < 50 && !READ_ONCE(second_done); i++)
		sleep_us(1000);
	sleep_us(5000);
	asm volatile(".arch_extension fp\n\tfmov %0, d0\n\tfmov %1, d31\n\tmrs %2, fpcr"
		     : "=r"(a), "=r"(b), "=r"(c)
		     :
		     : "memory");
	check_eq("reg.second_used_vectors", (int64_t)second_done, 1);
	check_eq("reg.d0_kept", (int64_t)a, 0x0123456789abcdef);
	check_eq("reg.d31_kept", (int64_t)b, (int64_t)0xfedcba9876543210ul);
	check_eq("reg.fpcr_kept", (int64_t)c, 0x400000);
}

void guest_main(void)
{
	check_id64();
	check_id32();
	check_zero();
	check_undefined();
	check_writes();
	check_instructions();
	check_state_survives();
	check_vectors_survive();
}
