/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/control.c hyp/control/hypfs.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* hypfs_op: the tree as a tool walks it, buffer sizes, paths, and faults at every copy. */
#include "world.h"

#include <abi/hypfs.h>
#include "../../hyp/control/control.h"
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/sched.h>
#include <stdio.h>

struct options options = { .loglvl = "info", .guest_loglvl = "warning",
			   .gnttab_max_frames = 64, .gnttab_max_maptrack_frames = 1024 };

static struct cpupool pool7 = { .id = 7 }, pool0 = { .id = 0, .next = &pool7 };

struct cpupool *cpupool_next(u32 id)
{
	return !id ? &pool0 : id <= 7 ? pool0.next : NULL;
}

bool console_set_level(bool guest, const char *text)
{
	if (strcmp(text, "all"))
		return false;
	strcpy(guest ? options.guest_loglvl : options.loglvl, text);
	return true;
}

__asm__(".section .rodata\n"
	".globl config_gz, config_gz_end\n"
	"config_gz: .ascii \"not really gzip\"\n"
	"config_gz_end: .byte 0\n"
	".previous\n");

static u64 buf;

static int setup(void **state)
{
	world_init();
	buf = host_guest_alloc(4096);
	return 0;
}

static long call(u64 op, u64 path, u64 len, u64 out, u64 room)
{
	u64 arg[5] = { op, path, len, out, room };

	return do_hypfs_op(arg);
}

static long read_path(const char *path, u64 room)
{
	size_t n = strlen(path) + 1;

	return call(XEN_HYPFS_OP_read, host_guest_put(path, n), n, buf, room);
}

static const struct abi_hypfs_direntry *header(void)
{
	return host_guest_ptr(buf);
}

static const char *contents(void)
{
	return (const char *)(header() + 1);
}

static void get_version(void **state)
{
	assert_int_equal(call(XEN_HYPFS_OP_get_version, 0, 0, 0, 0), 1);
	assert_int_equal(call(XEN_HYPFS_OP_get_version, 1, 0, 0, 0), -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_get_version, 0, 1, 0, 0), -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_get_version, 0, 0, 1, 0), -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_get_version, 0, 0, 0, 1), -XEN_EINVAL);
}

/* Reads a directory and, below it, everything; counts the files. */
static unsigned int walk(const char *path)
{
	unsigned int files = 0;
	char list[1024], sub[1200];
	u32 len, at = 0;

	assert_int_equal(read_path(path, 4096), 0);
	if (header()->type != XEN_HYPFS_TYPE_DIR)
		return 1;
	len = header()->content_len;
	assert_true(len <= sizeof(list));
	memcpy(list, contents(), len);
	for (;;) {
		struct abi_hypfs_dirlistentry d;
		const char *name = list + at + offsetof(struct abi_hypfs_dirlistentry, name);

		memcpy(&d, list + at, offsetof(struct abi_hypfs_dirlistentry, name));
		snprintf(sub, sizeof(sub), "%.100s%s%.32s", path, path[1] ? "/" : "", name);
		files += walk(sub);
		if (d.e.type != XEN_HYPFS_TYPE_DIR) {
			assert_int_equal(header()->content_len, d.e.content_len);
			assert_int_equal(header()->type, d.e.type);
		}
		if (!d.off_next)
			break;
		at += d.off_next;
	}
	/* The last entry ends where the directory does. */
	assert_in_range(len - at, offsetof(struct abi_hypfs_dirlistentry, name) + 2, 40);
	return files;
}

static void whole_tree(void **state)
{
	assert_int_equal(walk("/"), 15);
}

static void sizes_as_the_reference(void **state)
{
	assert_int_equal(read_path("/buildinfo", 4096), 0);
	assert_int_equal(header()->content_len, 96);
	assert_int_equal(header()->max_write_len, 0);
}

static void values(void **state)
{
	assert_int_equal(read_path("/buildinfo/version/major", 4096), 0);
	assert_int_equal(header()->type, XEN_HYPFS_TYPE_UINT);
	assert_int_equal(header()->content_len, 4);
	assert_int_equal(*(const u32 *)contents(), 4);
	assert_int_equal(read_path("/buildinfo/version/minor", 4096), 0);
	assert_int_equal(*(const u32 *)contents(), 17);
	assert_int_equal(read_path("/params/loglvl", 4096), 0);
	assert_string_equal(contents(), "info");
	assert_int_equal(header()->content_len, 5);
	assert_int_equal(read_path("/buildinfo/config", 4096), 0);
	assert_int_equal(header()->encoding, XEN_HYPFS_ENC_GZIP);
	assert_int_equal(header()->content_len, 15);
	assert_memory_equal(contents(), "not really gzip", 15);
}

static void small_buffers(void **state)
{
	const u32 need = sizeof(struct abi_hypfs_direntry) + 5;

	assert_int_equal(read_path("/params/loglvl", 0), -XEN_EINVAL);
	assert_int_equal(read_path("/params/loglvl", sizeof(struct abi_hypfs_direntry) - 1),
			 -XEN_EINVAL);
	assert_int_equal(header()->content_len, 0);
	/* From here on the header says how much is needed. */
	assert_int_equal(read_path("/params/loglvl", need - 1), -XEN_ENOBUFS);
	assert_int_equal(header()->content_len, 5);
	assert_int_equal(contents()[0], 0);
	assert_int_equal(read_path("/params/loglvl", need), 0);
}

static void paths(void **state)
{
	static const char *const absent[] = { "/nothing", "/buildinfo/nothing", "/params/loglvl/x",
					      "/build",	  "/buildinfox",	"//buildinfo",
					      "/params/loglvl/", "/cpupool/1",	"/cpupool/07" };
	char longest[1100];

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(read_path(absent[i], 4096), -XEN_ENOENT);
	assert_int_equal(read_path("buildinfo", 4096), -XEN_EINVAL);
	assert_int_equal(read_path("", 4096), -XEN_EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[1023] = 0;
	assert_int_equal(read_path(longest, 4096), -XEN_ENOENT);
	longest[1023] = 'a';
	longest[1024] = 0;
	assert_int_equal(read_path(longest, 4096), -XEN_EINVAL);
	/* Without a final zero, with one too early, without anything. */
	assert_int_equal(call(XEN_HYPFS_OP_read, host_guest_put("/params", 8), 7, buf, 4096),
			 -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_read, host_guest_put("/pa\0ams", 8), 8, buf, 4096),
			 -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_read, 0, 0, buf, 4096), -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_read, HOST_BAD_GVA, 5, buf, 4096), -XEN_EFAULT);
}

static long write_path(const char *path, const char *text, u64 len)
{
	size_t n = strlen(path) + 1;

	return call(XEN_HYPFS_OP_write_contents, host_guest_put(path, n), n,
		    host_guest_put(text, len), len);
}

static void written(void **state)
{
	static const char digits[64] = "1111111111111111111111111111111111111111";

	assert_int_equal(write_path("/params/loglvl", "all", 4), 0);
	assert_int_equal(read_path("/params/loglvl", 4096), 0);
	assert_string_equal(contents(), "all");
	assert_int_equal(header()->max_write_len, 16);
	assert_string_equal(options.guest_loglvl, "warning");
	assert_int_equal(write_path("/params/guest_loglvl", "all", 4), 0);
	assert_string_equal(options.guest_loglvl, "all");
	assert_int_equal(write_path("/params/loglvl", "foo", 4), -XEN_EINVAL);
	assert_int_equal(write_path("/params/loglvl", "all", 3), -XEN_EDOM);
	assert_int_equal(write_path("/params/loglvl", "all\0", 5), -XEN_EDOM);
	assert_int_equal(write_path("/params/loglvl", "", 0), -XEN_EDOM);
	assert_int_equal(write_path("/params/loglvl", digits, 40), -XEN_EINVAL);
	assert_int_equal(write_path("/params/gnttab_max_frames", "32", 3), 0);
	assert_int_equal(options.gnttab_max_frames, 32);
	assert_int_equal(read_path("/params/gnttab_max_frames", 4096), 0);
	assert_string_equal(contents(), "32");
	assert_int_equal(header()->content_len, 3);
	assert_int_equal(write_path("/params/gnttab_max_frames", "abc", 4), -XEN_EINVAL);
	assert_int_equal(write_path("/params/gnttab_max_frames", "3x", 3), -XEN_EINVAL);
	assert_int_equal(write_path("/params/gnttab_max_frames", "0", 2), -XEN_EINVAL);
	assert_int_equal(write_path("/params/gnttab_max_frames", "32769", 6), -XEN_ERANGE);
	assert_int_equal(write_path("/params/gnttab_max_frames", digits, 14), -XEN_EDOM);
	assert_int_equal(write_path("/params/gnttab_max_frames", digits + 26, 15), -XEN_ERANGE);
	assert_int_equal(options.gnttab_max_frames, 32);
	assert_int_equal(write_path("/cpupool/7/sched-gran", "cpu", 4), -XEN_EINVAL);
	assert_int_equal(write_path("/cpupool/7/sched-gran", "corecorecore", 13), -XEN_ENOSPC);
	assert_int_equal(write_path("/buildinfo/changeset", "x", 2), -XEN_EACCES);
	assert_int_equal(write_path("/cpupool", "x", 2), -XEN_EACCES);
	assert_int_equal(write_path("/params/none", "x", 2), -XEN_ENOENT);
}

static void pools_are_listed(void **state)
{
	const struct abi_hypfs_dirlistentry *e;

	assert_int_equal(read_path("/cpupool", 4096), 0);
	assert_int_equal(header()->content_len, 36);
	e = (const void *)contents();
	assert_string_equal(e->name, "0");
	assert_int_equal(e->off_next, 18);
	assert_string_equal(contents() + 18 + 14, "7");
	assert_int_equal(contents()[18 + 12], 0);
	assert_int_equal(read_path("/cpupool/7", 4096), 0);
	assert_int_equal(header()->content_len, 26);
	assert_int_equal(read_path("/cpupool/7/sched-gran", 4096), 0);
	assert_string_equal(contents(), "cpu");
}

static void other_operations(void **state)
{
	u64 path = host_guest_put("/params/loglvl", 15);

	assert_int_equal(call(3, path, 15, buf, 4), -XEN_EOPNOTSUPP);
	assert_int_equal(call(3, 0, 0, 0, 0), -XEN_EINVAL);
	assert_int_equal(call(XEN_HYPFS_OP_write_contents, path, 15, HOST_BAD_GVA, 4), -XEN_EFAULT);
	assert_true(control_enter());
	assert_int_equal(call(XEN_HYPFS_OP_read, path, 15, buf, 100), -XEN_ERESTART);
	control_leave();
}

static void faults(void **state)
{
	for (int n = 1; n <= 6; n++) {
		host.fail_copy_in = n;
		assert_int_equal(read_path("/buildinfo", 4096), -XEN_EFAULT);
	}
	for (int n = 1; n <= 3; n++) {
		host.fail_copy_in = n;
		assert_int_equal(read_path("/params/loglvl", 4096), -XEN_EFAULT);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(get_version), T(whole_tree), T(sizes_as_the_reference), T(values),
		T(small_buffers), T(written), T(pools_are_listed), T(paths),    T(other_operations),	  T(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
