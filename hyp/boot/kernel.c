/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: the header of 32-bit zImages, the arm64 Image header (Linux' Documentation/arm64/booting.rst), and names for what
 * people put there by mistake.
 */
#include <serai/builder.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/printk.h>
#include <serai/string.h>

#define IMAGE_MAGIC	   0x644d5241U /* "ARM\x64" */
#define IMAGE_MAGIC_OFFSET 56
#define IMAGE_BIG_ENDIAN   BIT(0)

#define ZIMAGE_MAGIC 0x016f2818U

struct zimage_header {
	u32 code[9];
	u32 magic, start, end;
};

struct image_header {
	u32 code[2];
	u64 text_offset, image_size, flags;
	u64 reserved[3];
	u32 magic, pe_offset;
};

_Static_assert(sizeof(struct image_header) == 64, "arm64 Image header");
_Static_assert(offsetof(struct image_header, magic) == IMAGE_MAGIC_OFFSET, "arm64 Image header");

static const struct {
	u8 offset, len;
	u8 bytes[6];
	const char *what;
} known_files[] __initconst = {
	{ 0, 2, { 0x1f, 0x8b }, "a gzip file in a gzip file; pack it once" },
	{ 0, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, "an xz file; unpack it first" },
	{ 0, 4, { 0x28, 0xb5, 0x2f, 0xfd }, "a zstd file; unpack it first" },
	{ 0, 4, { 0x02, 0x21, 0x4c, 0x18 }, "an lz4 file; unpack it first" },
	{ 4, 4, { 'z', 'i', 'm', 'g' }, "a compressed EFI kernel; load the arm64 Image in it" },
	{ 0, 4, { 0x27, 0x05, 0x19, 0x56 }, "a U-Boot uImage; load the raw arm64 Image" },
	{ 0, 4, { 0xd0, 0x0d, 0xfe, 0xed }, "a device tree or FIT image, no kernel" },
	{ 0x24, 4, { 0x01, 0x6f, 0x28, 0x18 }, "a big-endian zImage; Serai starts little-endian kernels" },
	{ 0, 6, { '0', '7', '0', '7', '0', '1' }, "a cpio archive, that is a ramdisk" },
};

void __init kernel_read(const struct boot_module *m, u64 offset, void *out, size_t n)
{
	u64 left = offset < m->image_size ? MIN(n, m->image_size - offset) : 0;
	paddr_t pa = m->image + offset;
	u8 *to = out;

	memset(to + left, 0, n - left);
	for (u64 part; left; left -= part, pa += part, to += part) {
		u64 at = pa & (PAGE_SIZE - 1);
		const u8 *va = frame_map(paddr_to_mfn(pa));

		part = MIN(left, PAGE_SIZE - at);
		memcpy(to, va + at, part);
		frame_unmap(va);
	}
}

int __init kernel_refuse(const struct boot_info *bi, const struct boot_module *m, const char *why)
{
	char path[DT_PATH_MAX];

	pr_err("%s: the kernel at %#lx is %s\n", dt_path(bi->fdt, m->node, path, sizeof(path)),
	       m->start, why);
	return -XEN_EINVAL;
}

static int __init refuse_unknown(const struct boot_info *bi, const struct boot_module *m,
				 const u8 *head)
{
	char path[DT_PATH_MAX];

	for (u32 i = 0; i < ARRAY_SIZE(known_files); i++)
		if (!memcmp(head + known_files[i].offset, known_files[i].bytes, known_files[i].len))
			return kernel_refuse(bi, m, known_files[i].what);
	pr_err("%s: no kernel at %#lx: the first bytes are %02x %02x %02x %02x %02x %02x %02x %02x, "
	       "not those of an arm64 Image; check the address and the file\n",
	       dt_path(bi->fdt, m->node, path, sizeof(path)), m->start, head[0], head[1], head[2],
	       head[3], head[4], head[5], head[6], head[7]);
	return -XEN_EINVAL;
}

bool __init kernel_is_packed(const struct boot_module *m)
{
	u8 head[2];

	kernel_read(m, 0, head, sizeof(head));
	return head[0] == 0x1f && head[1] == 0x8b;
}

static int __init probe_elf(const struct boot_info *bi, const struct boot_module *m,
			    struct kernel_image *out)
{
	struct boot_elf elf = m->elf;
	int rc = elf.end ? 0 : kernel_read_elf(bi, m, &elf);

	*out = (struct kernel_image){
		.size = elf.end - elf.base,
		.file_size = elf.end - elf.base,
		.entry = elf.entry - elf.base,
		.fixed = true,
		.base = elf.base,
		.arm32 = elf.arm32,
	};
	return rc;
}

/* Linux' Documentation/arm/booting.rst; start is 0 when it may be anywhere. */
static int __init probe_zimage(const struct boot_info *bi, const struct boot_module *m,
			       const struct zimage_header *h, struct kernel_image *out)
{
	u64 size = h->end - h->start;

	if (h->end <= h->start || size > m->image_size)
		return kernel_refuse(bi, m, "a zImage whose header makes no sense, or it is cut short");
	*out = (struct kernel_image){
		.size = m->image_size,
		.file_size = m->image_size,
		.fixed = h->start != 0,
		.base = h->start,
		.arm32 = true,
		.moves = !h->start,
	};
	return 0;
}

int __init kernel_probe(const struct boot_info *bi, const struct boot_module *m,
			struct kernel_image *out)
{
	struct image_header h;
	struct zimage_header z;

	if (m->elf.end || kernel_is_elf(m))
		return probe_elf(bi, m, out);
	kernel_read(m, 0, &z, sizeof(z));
	if (z.magic == ZIMAGE_MAGIC)
		return probe_zimage(bi, m, &z, out);
	kernel_read(m, 0, &h, sizeof(h));
	if (h.magic != IMAGE_MAGIC || m->image_size < sizeof(h))
		return refuse_unknown(bi, m, (const u8 *)&h);
	if (!h.image_size)
		return kernel_refuse(bi, m, "an Image without image_size, older than Linux 3.17");
	if (h.flags & IMAGE_BIG_ENDIAN)
		return kernel_refuse(bi, m, "a big-endian Image; Serai starts little-endian kernels");
	if (h.text_offset >= BLOCK_SIZE || h.text_offset & (PAGE_SIZE - 1) ||
	    h.image_size > BOOT_ADDR_MAX)
		return kernel_refuse(bi, m, "an Image whose header makes no sense");
	*out = (struct kernel_image){
		.text_offset = h.text_offset,
		.size = MAX(h.image_size, m->image_size),
		.file_size = m->image_size,
	};
	return 0;
}
