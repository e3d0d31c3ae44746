/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF kernels (System V ABI, chapter 5, and its supplements for Arm): the PT_LOAD segments of a static
 * program, placed at their physical addresses, which are the guest's. Both classes are read into the
 * wider one. Nothing in the file is believed.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/string.h>

#define ELF_CLASS_32	1
#define ELF_CLASS_64	2
#define ELF_LITTLE	1
#define ELF_EXEC	2
#define ELF_DYN		3
#define MACHINE_ARM	40
#define MACHINE_AARCH64 183
#define PT_LOAD		1
#define SEGMENTS_MAX	32
#define SPAN_MAX	(1UL << 30)

struct elf64_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum;
	u16 unused[3];
};

struct elf32_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u32 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum;
	u16 unused[3];
};

struct elf64_segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct elf32_segment {
	u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

_Static_assert(sizeof(struct elf64_header) == 64 && sizeof(struct elf64_segment) == 56, "ELF64");
_Static_assert(sizeof(struct elf32_header) == 52 && sizeof(struct elf32_segment) == 32, "ELF32");

bool __init kernel_is_elf(const struct boot_module *m)
{
	static const u8 magic[] __initconst = { 0x7f, 'E', 'L', 'F' };
	u8 head[sizeof(magic)];

	kernel_read(m, 0, head, sizeof(head));
	return !memcmp(head, magic, sizeof(magic));
}

static void __init read_header(const struct boot_module *m, struct elf64_header *h)
{
	struct elf32_header n;

	kernel_read(m, 0, h, sizeof(*h));
	if (h->ident[4] != ELF_CLASS_32)
		return;
	kernel_read(m, 0, &n, sizeof(n));
	h->entry = n.entry;
	h->phoff = n.phoff;
	h->phentsize = n.phentsize;
	h->phnum = n.phnum;
}

static void __init read_segment(const struct boot_module *m, const struct elf64_header *h, u32 i,
				struct elf64_segment *s)
{
	u64 at = h->phoff + (u64)i * h->phentsize;
	struct elf32_segment n;

	if (h->ident[4] == ELF_CLASS_64) {
		kernel_read(m, at, s, sizeof(*s));
		return;
	}
	kernel_read(m, at, &n, sizeof(n));
	*s = (struct elf64_segment){ n.type, n.flags, n.offset, n.vaddr, n.paddr, n.filesz, n.memsz,
				     n.align };
}

static const char *__init header_fault(const struct boot_module *m, const struct elf64_header *h)
{
	bool wide = h->ident[4] == ELF_CLASS_64;

	if ((!wide && h->ident[4] != ELF_CLASS_32) ||
	    h->machine != (wide ? MACHINE_AARCH64 : MACHINE_ARM))
		return "an ELF file for another machine; Serai starts those for AArch64 and Arm";
	if (h->ident[5] != ELF_LITTLE)
		return "a big-endian ELF file; Serai starts little-endian kernels";
	if (h->type != ELF_EXEC && h->type != ELF_DYN)
		return "an ELF file that is not linked; link it";
	if (!h->phnum || h->phnum > SEGMENTS_MAX ||
	    h->phentsize < (wide ? sizeof(struct elf64_segment) : sizeof(struct elf32_segment)) ||
	    h->phoff > m->image_size ||
	    (u64)h->phnum * h->phentsize > m->image_size - h->phoff)
		return "an ELF file whose headers make no sense, or it is cut short";
	return NULL;
}

static bool __init segment_sound(const struct boot_module *m, const struct elf64_segment *s)
{
	return s->offset <= m->image_size && s->filesz <= m->image_size - s->offset &&
	       s->filesz <= s->memsz && s->memsz <= SPAN_MAX && s->paddr < BOOT_ADDR_MAX;
}

/* The entry is a virtual address. */
static void __init find_entry(const struct elf64_header *h, const struct elf64_segment *s, u64 *entry)
{
	if (h->entry >= s->vaddr && h->entry - s->vaddr < s->memsz)
		*entry = h->entry - s->vaddr + s->paddr;
}

int __init kernel_read_elf(const struct boot_info *bi, const struct boot_module *m,
			   struct boot_elf *elf)
{
	struct elf64_header h;
	struct elf64_segment s;
	const char *fault;

	read_header(m, &h);
	fault = header_fault(m, &h);
	if (fault)
		return kernel_refuse(bi, m, fault);
	*elf = (struct boot_elf){ .base = ~0UL, .entry = ~0UL, .arm32 = h.machine == MACHINE_ARM };
	for (u32 i = 0; i < h.phnum; i++) {
		read_segment(m, &h, i, &s);
		if (s.type != PT_LOAD || !s.memsz)
			continue;
		if (!segment_sound(m, &s))
			return kernel_refuse(bi, m, "an ELF file with a segment that is not in it");
		elf->base = MIN(elf->base, s.paddr & PAGE_MASK);
		elf->end = MAX(elf->end, ROUND_UP(s.paddr + s.memsz, PAGE_SIZE));
		find_entry(&h, &s, &elf->entry);
	}
	if (elf->entry == ~0UL)
		return kernel_refuse(bi, m, "an ELF file whose entry is in none of its segments");
	if (elf->end - elf->base > SPAN_MAX)
		return kernel_refuse(bi, m, "an ELF file whose segments are more than 1 GiB apart");
	return 0;
}

void __init kernel_load_elf(const struct boot_module *m, const struct boot_elf *elf, void *out)
{
	struct elf64_header h;
	struct elf64_segment s;

	memset(out, 0, elf->end - elf->base);
	read_header(m, &h);
	for (u32 i = 0; i < h.phnum; i++) {
		read_segment(m, &h, i, &s);
		if (s.type == PT_LOAD && s.memsz)
			kernel_read(m, s.offset, (u8 *)out + (s.paddr - elf->base), s.filesz);
	}
}
