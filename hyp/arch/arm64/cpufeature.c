/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each CPU has, from its ID registers (Arm ARM D17.2), and which of the firmware's mitigations
 * guests need (Arm DEN0070: ARCH_WORKAROUND_1 Spectre v2, _2 v4, _3 branch history).
 */
#include <arch/cpufeature.h>
#include <arch/gic.h>
#include <arch/psci.h>
#include <arch/sysreg.h>
#include <serai/atomic.h>
#include <serai/bug.h>
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>

#define MIDR_MODEL_MASK		 0xff00fff0 /* implementer and part */
#define MODEL(implementer, part) ((u32)(implementer) << 24 | (u32)(part) << 4)
#define ARM_LTD			 0x41

/* ID_AA64PFR0_EL1.EL0, EL1: 2 is AArch32, too. */
#define EL_AARCH32  2
#define PA_RANGE_48 5

enum { NEEDS_1 = 0x1, NEEDS_2 = 0x2, NEEDS_3 = 0x4 };

struct cpu_model {
	u32 model;
	const char *name;
	u8 needs; /* unless ID registers say that the core is not affected */
};

/* Arm's advisories; a model that is not here is taken to need 1 and 2. */
static const struct cpu_model models[] = {
	{ MODEL(ARM_LTD, 0xd03), "Cortex-A53", 0 },
	{ MODEL(ARM_LTD, 0xd04), "Cortex-A35", 0 },
	{ MODEL(ARM_LTD, 0xd05), "Cortex-A55", 0 },
	{ MODEL(ARM_LTD, 0xd07), "Cortex-A57", NEEDS_1 | NEEDS_2 },
	{ MODEL(ARM_LTD, 0xd08), "Cortex-A72", NEEDS_1 | NEEDS_2 },
	{ MODEL(ARM_LTD, 0xd09), "Cortex-A73", NEEDS_1 | NEEDS_2 | NEEDS_3 },
	{ MODEL(ARM_LTD, 0xd0a), "Cortex-A75", NEEDS_1 | NEEDS_2 | NEEDS_3 },
	{ MODEL(ARM_LTD, 0xd0b), "Cortex-A76", NEEDS_2 },
	{ MODEL(ARM_LTD, 0xd0c), "Neoverse-N1", NEEDS_2 },
	{ MODEL(ARM_LTD, 0xd0d), "Cortex-A77", 0 },
	{ MODEL(ARM_LTD, 0xd40), "Neoverse-V1", 0 },
	{ MODEL(ARM_LTD, 0xd41), "Cortex-A78", 0 },
	{ MODEL(ARM_LTD, 0xd46), "Cortex-A510", 0 },
	{ MODEL(ARM_LTD, 0xd49), "Neoverse-N2", 0 },
	{ MODEL(ARM_LTD, 0xd4f), "Neoverse-V2", 0 },
	{ MODEL(0x00, 0x051), "QEMU max", 0 },
};

struct cpu_features cpu_features __ro_after_init;
static u8 workarounds_needed; /* by any CPU */
static u8 workarounds_offered; /* by the firmware; bit 7: it was asked */
#define OFFER_ASKED 0x80

static const struct cpu_model *find_model(u64 midr)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i].model == (midr & MIDR_MODEL_MASK))
			return &models[i];
	return NULL;
}

static u8 needed_workarounds(const struct cpu_model *m)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
	u8 needs = m ? m->needs : NEEDS_1 | NEEDS_2;

	if (id_field(pfr0, 56)) /* CSV2 */
		needs &= (u8)~NEEDS_1;
	if (id_field(pfr1, 4)) /* SSBS: guests set PSTATE.SSBS themselves */
		needs &= (u8)~NEEDS_2;
	return needs;
}

static void detect_memory(struct cpu_features *f)
{
	static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48 };
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1), mmfr1 = read_sysreg(id_aa64mmfr1_el1);

	f->pa_range = (u8)MIN(id_field(mmfr0, 0), (unsigned int)PA_RANGE_48);
	f->pa_bits = pa_bits[f->pa_range];
	f->fgt = id_field(mmfr0, 56);
	f->ecv = id_field(mmfr0, 60);
	f->vmid16 = id_field(mmfr1, 4) == 2;
	f->lor = id_field(mmfr1, 16);
	f->pan = id_field(mmfr1, 20);
	f->hcx = id_field(mmfr1, 40);
}

static void detect(struct cpu_features *f)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
	u64 isar0 = read_sysreg(id_aa64isar0_el1), isar1 = read_sysreg(id_aa64isar1_el1);
	u64 isar2 = read_sysreg(ID_AA64ISAR2_EL1), dfr0 = read_sysreg(id_aa64dfr0_el1);

	*f = (struct cpu_features){ .midr = read_sysreg(midr_el1) };
	detect_memory(f);
	f->aarch32_el0 = id_field(pfr0, 0) == EL_AARCH32;
	f->aarch32_el1 = id_field(pfr0, 4) == EL_AARCH32;
	f->gic_sysregs = id_field(pfr0, 24);
	f->ras = id_field(pfr0, 28);
	f->sve = id_field(pfr0, 32);
	f->mpam = id_field(pfr0, 40) || id_field(pfr1, 16);
	f->amu = id_field(pfr0, 44);
	f->mte = id_field(pfr1, 8);
	f->sme = id_field(pfr1, 24);
	/* APA, API, GPA, GPI; APA3, GPA3 */
	f->pauth = (isar1 & 0xff000ff0) || (isar2 & 0xff00);
	f->tlbi_range = id_field(isar0, 56) == 2;
	f->pmu = id_field(dfr0, 8) && id_field(dfr0, 8) != 0xf;
	f->spe = id_field(dfr0, 32);
	f->trf = id_field(dfr0, 40);
	f->trbe = id_field(dfr0, 44);
}

static void print_cpu(unsigned int id, const struct cpu_features *f, const struct cpu_model *m)
{
	const struct {
		bool has;
		const char *name;
	} list[] = {
		{ f->vmid16, " VMID16" }, { f->aarch32_el1, " AArch32" },
		{ f->pan, " PAN" },	  { f->sve, " SVE" },
		{ f->sme, " SME" },	  { f->mte, " MTE" },
		{ f->pauth, " PAuth" },	  { f->ras, " RAS" },
		{ f->amu, " AMU" },	  { f->pmu, " PMU" },
		{ f->spe, " SPE" },	  { f->fgt, " FGT" },
		{ f->ecv, " ECV" },	  { f->tlbi_range, " TLBIRANGE" },
	};
	char text[128] = "";
	size_t n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i].has)
			n += str_copy(text + n, list[i].name, sizeof(text) - n);
	pr_info("CPU%u: %s r%lup%lu (MIDR %#lx), %u-bit addresses,%s\n", id,
		m ? m->name : "unknown", MIDR_VARIANT(f->midr), MIDR_REVISION(f->midr), f->midr,
		f->pa_bits, text);
	if (f->workarounds)
		pr_info("CPU%u: errata: guests need ARCH_WORKAROUND%s%s%s of the firmware\n", id,
			f->workarounds & NEEDS_1 ? " 1" : "", f->workarounds & NEEDS_2 ? " 2" : "",
			f->workarounds & NEEDS_3 ? " 3" : "");
	else
		pr_info("CPU%u: errata: none that concern guests\n", id);
}

/* What start-up has relied on. */
static void check_like_boot_cpu(unsigned int id, const struct cpu_features *f)
{
	const struct cpu_features *b = &cpu_features;
	const char *what = NULL;

	if (f->pa_bits < b->pa_bits)
		what = "a physical address size";
	else if (b->vmid16 && !f->vmid16)
		what = "16-bit VMIDs";
	else if ((b->aarch32_el1 && !f->aarch32_el1) || (b->aarch32_el0 && !f->aarch32_el0))
		what = "AArch32";
	else if (b->pan && !f->pan)
		what = "PAN";
	if (what)
		panic("CPU%u (MIDR %#lx) lacks %s of the boot CPU (MIDR %#lx)", id, f->midr, what,
		      b->midr);
}

void cpu_feature_init(unsigned int id)
{
	struct cpu_features f;
	const struct cpu_model *m;

	detect(&f);
	/* The boot CPU's come up with the interrupt controller, when there is a console. */
	if (id && gic_host.version == 3 && !f.gic_sysregs)
		panic("CPU%u (MIDR %#lx) has no GICv3 system registers", id, f.midr);
	m = find_model(f.midr);
	f.workarounds = needed_workarounds(m);
	__atomic_fetch_or(&workarounds_needed, f.workarounds, __ATOMIC_RELAXED);
	if (id == 0)
		cpu_features = f;
	else
		check_like_boot_cpu(id, &f);
	if (id == 0 || f.midr != cpu_features.midr)
		print_cpu(id, &f, m);
}

/* Asked once, when the first guest wants to know: the firmware's answer does not change. */
static u8 ask_firmware(void)
{
	static const u32 fns[] = { SMCCC_WORKAROUND_1, SMCCC_WORKAROUND_2, SMCCC_WORKAROUND_3 };
	u8 offered = OFFER_ASKED;

	/* SMCCC 1.1 comes with PSCI 1.0; a negative answer says that there is no such function. */
	if (firmware_call(PSCI_VERSION, 0, 0, 0) >= 0x10000 &&
	    firmware_call(PSCI_FEATURES, SMCCC_VERSION, 0, 0) >= 0 &&
	    firmware_call(SMCCC_VERSION, 0, 0, 0) >= SMCCC_1_1) {
		for (unsigned int i = 0; i < ARRAY_SIZE(fns); i++)
			if (firmware_call(SMCCC_ARCH_FEATURES, fns[i], 0, 0) == 0)
				offered |= (u8)(1U << i);
	}
	workarounds_offered = offered;
	return offered;
}

bool cpu_needs_workaround(u32 fn)
{
	u8 bit, offered;

	if (fn == SMCCC_WORKAROUND_1)
		bit = NEEDS_1;
	else if (fn == SMCCC_WORKAROUND_2)
		bit = NEEDS_2;
	else if (fn == SMCCC_WORKAROUND_3)
		bit = NEEDS_3;
	else
		return false;
	if (!(READ_ONCE(workarounds_needed) & bit))
		return false;
	offered = READ_ONCE(workarounds_offered);
	if (!offered)
		offered = ask_firmware();
	return offered & bit;
}
