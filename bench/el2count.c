// SPDX-License-Identifier: Apache-2.0
/*
 * A plugin of QEMU 10 that counts the instructions a hypervisor executes at EL2, whichever it is,
 * and by what they were caused. For machines with one CPU.
 *
 * The level of a block of instructions is read from PSTATE when the block is translated: a block
 * only runs at the level it was translated for. A guest marks phases: it executes, at any level, the
 * instruction MARK with a letter in x0, which begins a phase; '0' ends it. See mark.S.
 *
 * What the hypervisor executes from one entry through its vectors to the next is charged to the
 * first. The cause is ESR_EL2 with what tells more: for a hypercall x16 and x0 as they are when the
 * guest executes HVC, and the command where x0 points to one; for an access to a device its page.
 *
 * Lines of the output (out=FILE):
 *   phase C total N
 *   cause C KIND NUMBER DETAIL times N insns N        of the phase before
 *   block C ADDRESS N                                 instructions by block, with blocks=on
 *
 * The declarations are of QEMU's documented plugin interface, version 4; no Debian package brings
 * its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

// ---- QEMU's interface ---------------------------------------------------------------------------

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct qemu_plugin_register;

typedef struct {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	union {
		struct {
			int smp_vcpus, max_vcpus;
		} system;
	};
} qemu_info_t;

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

typedef struct {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
} qemu_plugin_reg_descriptor;

enum { CALLBACK_NO_REGS, CALLBACK_READS_REGS };
enum { INLINE_ADD };

// GLib's arrays, by which registers and memory are handed out.
typedef struct {
	void *data;
	unsigned int len;
} array;

typedef void (*block_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exec_callback)(unsigned int cpu, void *data);

array *g_byte_array_new(void);
array *g_byte_array_set_size(array *bytes, unsigned int size);
array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, array *bytes);
bool qemu_plugin_read_memory_vaddr(uint64_t address, array *bytes, size_t size);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int cpu);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, block_callback call);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, void (*call)(qemu_plugin_id_t, unsigned int));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback call, int flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int operation,
							 qemu_plugin_u64 entry, uint64_t value);

EXPORT int qemu_plugin_version = 4;

// ---- what is counted ----------------------------------------------------------------------------

#define MARK 0xd28bc03fu	// movz xzr, #0x5e01
#define HVC_XEN 0xd401d422u	// hvc #0xea1
#define HVC_MASK 0xffe0001fu
#define VECTORS_MASK 0x7ffu

#define HYPERVISOR_MEMORY 12
#define MEMORY_OPERATION 0x3f	// above it is where to go on
#define HYPERVISOR_MULTICALL 13
#define MULTICALL_ARGUMENTS 16	// where they are in an entry
#define HYPERVISOR_SYSCTL 35
#define HYPERVISOR_DOMCTL 36

#define CAUSES 1024
#define BLOCKS 16384

enum kind { KIND_NONE, KIND_HYPERCALL, KIND_TRAP, KIND_INTERRUPT, KIND_OWN };
static const char *const kind_names[] = { "none", "hypercall", "trap", "interrupt", "own" };

struct cause {
	enum kind kind;
	uint64_t number;	// hypercall, exception class
	uint64_t detail;	// operation, syndrome, page
	uint64_t times;
	uint64_t insns;
};

struct block {
	uint64_t address;
	uint64_t before;	// count when the phase began
};

struct counts {
	uint64_t all;
	uint64_t blocks[BLOCKS];
};

enum reg { REG_X0, REG_X16, REG_CPSR, REG_ESR, REG_HPFAR, REG_VBAR, REG_COUNT };
static const char *const reg_names[REG_COUNT] = { "x0", "x16", "cpsr", "ESR_EL2", "HPFAR_EL2", "VBAR_EL2" };

static struct qemu_plugin_register *regs[REG_COUNT];
static struct qemu_plugin_scoreboard *score;
static array *bytes;
static FILE *out;
static bool by_block;
static int phase = '0';
static uint64_t begin, charged;
static struct cause causes[CAUSES];
static struct cause *current;
static struct cause call;	// the hypercall that is being made
static struct block blocks[BLOCKS];
static unsigned int block_count;

static uint64_t reg_read(enum reg reg)
{
	uint64_t value = 0;
	int size;

	g_byte_array_set_size(bytes, 0);
	size = qemu_plugin_read_register(regs[reg], bytes);
	if (size == 4 || size == 8)
		memcpy(&value, bytes->data, (size_t)size);
	return value;
}

static qemu_plugin_u64 count_entry(size_t offset)
{
	return (qemu_plugin_u64){ score, offset };
}

static uint64_t count_all(void)
{
	return qemu_plugin_u64_get(count_entry(offsetof(struct counts, all)), 0);
}

static uint64_t count_block(unsigned int index)
{
	return qemu_plugin_u64_get(count_entry(offsetof(struct counts, blocks) + index * sizeof(uint64_t)), 0);
}

static struct cause *cause_find(const struct cause *key)
{
	uint64_t hash = (key->kind * 31 + key->number * 1021 + key->detail * 0x9e3779b97f4a7c15u) >> 7;
	struct cause *cause;

	for (unsigned int i = 0; i < CAUSES; i++) {
		cause = &causes[(hash + i) % CAUSES];
		if (cause->times && (cause->kind != key->kind || cause->number != key->number ||
				     cause->detail != key->detail))
			continue;
		if (!cause->times)
			*cause = *key;
		return cause;
	}
	fprintf(stderr, "el2count: more than %d causes\n", CAUSES);
	exit(1);
}

static void charge(void)
{
	uint64_t all = count_all();

	if (current)
		current->insns += all - charged;
	charged = all;
}

// ---- what happens while the machine runs --------------------------------------------------------

// A word of the guest that is executing; 0 if it is not there.
static uint64_t guest_word(uint64_t address)
{
	uint64_t word = 0;

	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_memory_vaddr(address, bytes, sizeof(word)))
		memcpy(&word, bytes->data, sizeof(word));
	return word;
}

// What a hypercall does: the operation; of several calls, the first of them and its operation.
static uint64_t operation(uint64_t number, uint64_t x0)
{
	uint64_t first;

	switch (number) {
	case HYPERVISOR_MEMORY:
		return x0 & MEMORY_OPERATION;
	case HYPERVISOR_MULTICALL:
		first = guest_word(x0);
		return first << 8 | (operation(first, guest_word(x0 + MULTICALL_ARGUMENTS)) & 0xff);
	case HYPERVISOR_SYSCTL:
	case HYPERVISOR_DOMCTL:
		return (uint32_t)guest_word(x0);
	default:
		return x0 & 0xffff;
	}
}

static void on_hypercall(unsigned int cpu, void *data)
{
	if (phase == '0')
		return;
	call = (struct cause){ .kind = KIND_HYPERCALL, .number = reg_read(REG_X16) };
	call.detail = operation(call.number, reg_read(REG_X0));
}

/* Offsets in the table of vectors: 0x200 from EL2 itself, 0x400 and 0x600 from below; then four
 * kinds of 0x80 bytes: synchronous, IRQ, FIQ, SError. */
static void on_entry(unsigned int cpu, void *data)
{
	uintptr_t offset = (uintptr_t)data;
	struct cause key = { .kind = offset < 0x400 ? KIND_OWN : KIND_INTERRUPT, .number = offset };
	uint64_t esr;

	if (phase == '0')
		return;
	charge();
	if (offset == 0x400 || offset == 0x600) {
		esr = reg_read(REG_ESR);
		key = (struct cause){ .kind = KIND_TRAP, .number = esr >> 26 & 0x3f, .detail = esr & 0x1ffffff };
		if (key.number == 0x16 && call.kind != KIND_NONE)
			key = call;
		else if (key.number == 0x24 || key.number == 0x20)
			key.detail = reg_read(REG_HPFAR) >> 4 << 12;
		else if (key.number == 0x18)
			key.detail &= ~0x3e0u;	// whichever register the value is in
		call.kind = KIND_NONE;
	}
	current = cause_find(&key);
	current->times++;
}

static void phase_print(uint64_t all)
{
	fprintf(out, "phase %c total %" PRIu64 "\n", phase, all - begin);
	for (unsigned int i = 0; i < CAUSES; i++) {
		if (causes[i].times)
			fprintf(out, "cause %c %s %" PRIu64 " %" PRIu64 " times %" PRIu64 " insns %" PRIu64 "\n", phase,
				kind_names[causes[i].kind], causes[i].number, causes[i].detail, causes[i].times,
				causes[i].insns);
	}
	for (unsigned int i = 0; i < block_count; i++) {
		if (count_block(i) != blocks[i].before)
			fprintf(out, "block %c %" PRIx64 " %" PRIu64 "\n", phase, blocks[i].address,
				count_block(i) - blocks[i].before);
	}
	fflush(out);
}

static void on_mark(unsigned int cpu, void *data)
{
	int letter = (int)(reg_read(REG_X0) & 0x7f);

	charge();
	if (phase != '0')
		phase_print(charged);
	memset(causes, 0, sizeof(causes));
	current = NULL;
	call.kind = KIND_NONE;
	begin = charged;
	for (unsigned int i = 0; i < block_count; i++)
		blocks[i].before = count_block(i);
	phase = letter;
}

// ---- translation --------------------------------------------------------------------------------

static unsigned int level(void)
{
	uint64_t cpsr = reg_read(REG_CPSR);

	if (cpsr & 0x10)
		return (cpsr & 0xf) ? 1 : 0;	// AArch32
	return cpsr >> 2 & 3;
}

static size_t block_offset(uint64_t address)
{
	unsigned int slot = 0;

	while (slot < block_count && blocks[slot].address != address)
		slot++;
	if (slot == block_count && block_count < BLOCKS)
		blocks[block_count++] = (struct block){ .address = address };
	return offsetof(struct counts, blocks) + (slot % BLOCKS) * sizeof(uint64_t);
}

static void translate_el2(struct qemu_plugin_tb *tb, uint64_t address)
{
	size_t insns = qemu_plugin_tb_n_insns(tb), offset = by_block ? block_offset(address) : 0;
	uint64_t vector = address & VECTORS_MASK;
	struct qemu_plugin_insn *insn;

	for (size_t i = 0; i < insns; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (i == 0 && vector >= 0x200 && !(vector & 0x7f) && address - vector == reg_read(REG_VBAR))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry, CALLBACK_READS_REGS,
							       (void *)(uintptr_t)vector);
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			insn, INLINE_ADD, count_entry(offsetof(struct counts, all)), 1);
		if (by_block)
			qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD,
									    count_entry(offset), 1);
	}
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	unsigned int at = level();
	struct qemu_plugin_insn *insn;
	uint32_t word;

	if (at == 2) {
		translate_el2(tb, qemu_plugin_tb_vaddr(tb));
		return;
	}
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		word = 0;
		qemu_plugin_insn_data(insn, &word, sizeof(word));
		if (word == MARK)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, CALLBACK_READS_REGS, NULL);
		else if (word == HVC_XEN && at == 1)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_hypercall, CALLBACK_READS_REGS, NULL);
	}
}

static void on_cpu(qemu_plugin_id_t id, unsigned int cpu)
{
	array *all = qemu_plugin_get_registers();
	const qemu_plugin_reg_descriptor *list = all->data;

	bytes = g_byte_array_new();
	for (unsigned int i = 0; i < all->len; i++) {
		for (unsigned int reg = 0; reg < REG_COUNT; reg++) {
			if (!strcmp(list[i].name, reg_names[reg]))
				regs[reg] = list[i].handle;
		}
	}
	for (unsigned int reg = 0; reg < REG_COUNT; reg++) {
		if (!regs[reg]) {
			fprintf(stderr, "el2count: QEMU does not show the register %s\n", reg_names[reg]);
			exit(1);
		}
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || info->system.max_vcpus != 1) {
		fprintf(stderr, "el2count: only machines with one CPU can be counted\n");
		return -1;
	}
	out = stderr;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strcmp(argv[i], "blocks=on"))
			by_block = true;
	}
	if (!out)
		return -1;
	score = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_init_cb(id, on_cpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
