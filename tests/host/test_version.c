/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/version.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* xen_version: every sub-operation, as the control domain and as another, with faults. */
#include "world.h"

#include <abi/version.h>
#include <serai/cmdline.h>

char cmdline_text[1024] = "dom0_mem=512M console=dtuart";

/* An ELF note as the linker makes it: sizes, type, "GNU", twenty bytes. */
__asm__(".section .rodata\n"
	".globl __build_id_start, __build_id_end\n"
	"__build_id_start:\n"
	"	.long 4, 20, 3\n"
	"	.ascii \"GNU\\0\"\n"
	"	.ascii \"0123456789abcdefghij\"\n"
	"__build_id_end:\n"
	"	.previous\n");

static u64 buf;

static int setup(void **state)
{
	world_init();
	buf = host_guest_alloc(4096);
	memset(host_guest_ptr(buf), 0xaa, 4096);
	return 0;
}

static long call(u64 cmd, u64 handle)
{
	u64 arg[5] = { cmd, handle };

	return do_xen_version(arg);
}

static const char *text(void)
{
	return host_guest_ptr(buf);
}

/* How many bytes from the start of the buffer were written. */
static size_t written(void)
{
	const u8 *p = host_guest_ptr(buf);
	size_t n = 4096;

	while (n && p[n - 1] == 0xaa)
		n--;
	return n;
}

static void numbers(void **state)
{
	assert_int_equal(call(XENVER_version, 0), 0x40011);
	assert_int_equal(call(XENVER_pagesize, 0), 4096);
	assert_int_equal(call(15, buf), -XEN_ENOSYS);
	assert_int_equal(call(~0UL, buf), -XEN_ENOSYS);
}

static void texts(void **state)
{
	assert_int_equal(call(XENVER_extraversion, buf), 0);
	assert_int_equal(written(), 16);
	assert_string_equal(text(), "-serai");
	setup(state);
	assert_int_equal(call(XENVER_capabilities, buf), 0);
	assert_int_equal(written(), 1024);
	assert_string_equal(text(), "xen-3.0-aarch64 xen-3.0-armv7l ");
	setup(state);
	assert_int_equal(call(XENVER_changeset, buf), 0);
	assert_in_range(written(), 1, 64);
	assert_int_equal(written(), strlen(text()) + 1);
	setup(state);
	assert_int_equal(call(XENVER_compile_info, buf), 0);
	assert_int_equal(written(), sizeof(struct abi_compile_info));
	assert_in_range(strlen(text()), 1, 63);
	setup(state);
	assert_int_equal(call(XENVER_guest_handle, buf), 0);
	assert_int_equal(written(), 16);
	setup(state);
	assert_int_equal(call(XENVER_platform_parameters, buf), 0);
	assert_int_equal(*(const u64 *)host_guest_ptr(buf), 0x200000);
}

static long features(u32 submap)
{
	struct abi_feature_info *info = host_guest_ptr(buf);

	info->submap_idx = submap;
	info->submap = 0;
	return call(XENVER_get_features, buf) ?: info->submap;
}

static void feature_words(void **state)
{
	assert_int_equal(features(0), 0x66805);
	assert_int_equal(features(1), -XEN_EINVAL);
	world_enter(1);
	assert_int_equal(features(0), 0x56005);
}

static void command_line(void **state)
{
	assert_int_equal(call(XENVER_commandline, buf), 0);
	assert_string_equal(text(), cmdline_text);
	assert_int_equal(written(), 1024);
	world_enter(1);
	assert_int_equal(call(XENVER_commandline, buf), 0);
	assert_string_equal(text(), "<denied>");
}

static void build_id(void **state)
{
	struct abi_build_id *id = host_guest_ptr(buf);

	assert_int_equal(call(XENVER_build_id, 0), 20);
	id->len = 0;
	assert_int_equal(call(XENVER_build_id, buf), -XEN_EINVAL);
	id->len = 19;
	assert_int_equal(call(XENVER_build_id, buf), -XEN_ENOBUFS);
	id->len = 20;
	assert_int_equal(call(XENVER_build_id, buf), 20);
	assert_memory_equal(id->buf, "0123456789abcdefghij", 20);
	assert_int_equal(id->buf[20], 0xaa);
	host.fail_copy_in = 2;
	assert_int_equal(call(XENVER_build_id, buf), -XEN_EFAULT);
	world_enter(1);
	assert_int_equal(call(XENVER_build_id, 0), -XEN_EPERM);
	assert_int_equal(call(XENVER_build_id, HOST_BAD_GVA), -XEN_EPERM);
}

/* As tools of newer versions ask: the length, then so many bytes without an end. */
static void sized_texts(void **state)
{
	struct abi_build_id *id = host_guest_ptr(buf);

	assert_int_equal(call(XENVER_extraversion2, 0), 6);
	id->len = 5;
	assert_int_equal(call(XENVER_extraversion2, buf), -XEN_ENOBUFS);
	id->len = 4000;
	assert_int_equal(call(XENVER_extraversion2, buf), 6);
	assert_memory_equal(id->buf, "-serai\xaa", 7);
	assert_int_equal(call(XENVER_capabilities2, buf), 31);
	assert_memory_equal(id->buf, "xen-3.0-aarch64 xen-3.0-armv7l \xaa", 32);
	assert_true(call(XENVER_changeset2, buf) > 0);
	assert_int_equal(call(XENVER_commandline2, buf), strlen(cmdline_text));
	assert_memory_equal(id->buf, cmdline_text, strlen(cmdline_text));
	world_enter(1);
	assert_int_equal(call(XENVER_commandline2, buf), -XEN_EPERM);
	assert_int_equal(call(XENVER_capabilities2, buf), 31);
}

static void faults(void **state)
{
	for (u64 cmd = XENVER_extraversion; cmd <= XENVER_commandline2; cmd++)
		if (cmd != XENVER_pagesize)
			assert_int_equal(call(cmd, HOST_BAD_GVA), -XEN_EFAULT);
	/* The second copy of get_features. */
	((struct abi_feature_info *)host_guest_ptr(buf))->submap_idx = 0;
	host.fail_copy_in = 2;
	assert_int_equal(call(XENVER_get_features, buf), -XEN_EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers, setup),	      cmocka_unit_test_setup(texts, setup),
		cmocka_unit_test_setup(feature_words, setup), cmocka_unit_test_setup(command_line, setup),
		cmocka_unit_test_setup(build_id, setup),      cmocka_unit_test_setup(faults, setup),
		cmocka_unit_test_setup(sized_texts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
