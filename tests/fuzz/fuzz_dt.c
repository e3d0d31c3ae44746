/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/boot*.c hyp/boot/fdt.c hyp/boot/fdt_irq.c
 * hyp/boot/range.c hyp/core/cmdline.c hyp/core/options.c */
/* options: -max_len=16384 -len_control=20 */
/*
 * The device tree parser on whatever bytes: as a blob from the loader, in a block of exactly its size.
 */
#include <serai/boot.h>
#include <serai/cmdline.h>
#include <serai/fdt.h>
#include <serai/printk.h>
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FDT_AT	   0x4a000000UL
#define IMAGE	   0x40200000UL
#define IMAGE_SIZE 0x90000UL

/* What is printed is read to its end. */
void printk_at(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_device dev;
	u8 *blob;

	if (size < sizeof(struct fdt_header))
		return 0;
	blob = aligned_alloc(8, (size + 7) & ~7UL);
	memcpy(blob, data, size);
	if (fdt_magic(blob) == FDT_MAGIC && fdt_totalsize(blob) <= size &&
	    !bootinfo_parse(blob, FDT_AT, IMAGE, IMAGE + IMAGE_SIZE)) {
		cmdline_parse(boot_info.hyp_cmdline);
		bootinfo_check(&boot_info);
		bootinfo_find_device(NULL, &dev);
	}
	free(blob);
	return 0;
}
