/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: text, start-up code and data, read-only data (symbols last, so that they move no
 * code), data made read-only after start-up, data, then what is not in the file. Every change of
 * rights is page aligned.
 */
#include <arch/memory.h>

OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	init PT_LOAD FLAGS(7);
	bss PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = HYP_VA;
	_text = .;
	.text : {
		KEEP(*(.head.text))
		*(.text.exit)
		*(.text.memcpy .text.memmove .text.memset .text.memcmp)	/* fill the gap */
		*(.text.vectors)
		*(.text .text.*)
		. = ALIGN(4096);
		_etext = .;
	} :text

	. = ALIGN(4096);
	.init.text : {
		__init_begin = .;
		*(.init.text)
		. = ALIGN(4096);
		__init_text_end = .;
	} :init
	.init.data : {
		*(.init.rodata .init.data)
		. = ALIGN(4096);
		__init_end = .;
	} :init

	. = ALIGN(4096);
	.rodata : {
		_rodata = .;
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__got_start = .;
		*(.got .got.plt)		/* libfdt's */
		. = ALIGN(8);
		__got_end = .;
		. = ALIGN(8);
		__build_id_start = .;
		KEEP(*(.note.gnu.build-id))
		__build_id_end = .;
		. = ALIGN(8);
		KEEP(*(.config_gz))
		. = ALIGN(8);
		KEEP(*(.symtab_serai))
		. = ALIGN(4096);
		_erodata = .;
	} :rodata

	. = ALIGN(4096);
	.data : {
		_data = .;
		__ro_after_init_start = .;
		*(.data.ro_after_init)
		. = ALIGN(4096);
		__ro_after_init_end = .;
		*(.data .data.*)
		. = ALIGN(64);
		__percpu_start = .;
		KEEP(*(.percpu.first))
		*(.percpu)
		. = ALIGN(64);
		__percpu_end = .;
		. = ALIGN(4096);
		_edata = .;
	} :data

	. = ALIGN(4096);
	.bss (NOLOAD) : {
		__bss_start = .;
		*(.bss.init)
		. = ALIGN(4096);
		__init_bss_end = .;
		*(.bss .bss.*)
		*(COMMON)
		. = ALIGN(4096);
		__bss_end = .;
	} :bss
	_end = .;
	_image_size = _end - _text;

	ASSERT(_image_size <= 2 * 0x200000, "the boot tables map 4 MiB")

	/DISCARD/ : {
		*(.comment .note.GNU-stack .eh_frame .eh_frame_hdr .interp .dynamic .dynsym .dynstr .hash .gnu.hash)
	}
}
