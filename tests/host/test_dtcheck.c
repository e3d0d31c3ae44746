/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/boot/range.c */
/*
 * The program build/serai-dtcheck as its user sees it: what it prints, and its exit status. What the
 * parser refuses is tested in test_refusals.c and others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libgen.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"
#include <serai/types.h>

#define DTS "tests/host/data/qemu-virt.dts"

static char folder[64], program[512], output[65536];

static int set_up(void **state)
{
	char self[400] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return -1;
	snprintf(program, sizeof(program), "%s/../serai-dtcheck", dirname(self));
	strcpy(folder, "/tmp/dtcheck-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *file(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *out = fopen(file(name), "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	fclose(out);
}

static u32 file_size(const char *name)
{
	struct stat s;

	assert_int_equal(stat(file(name), &s), 0);
	return (u32)s.st_size;
}

/* The tree with the change of the caller, as tree.dtb. */
static void *fdt;

static void open_tree(void)
{
	fdt = tree_data("qemu-virt.dts");
}

static void write_tree(void)
{
	tree_ok(fdt_pack(fdt));
	write_file("tree.dtb", fdt, fdt_totalsize(fdt));
	free(fdt);
}

/* Runs the program, all output in output[]; its exit status. */
static int run(const char *arguments)
{
	char command[1024];
	FILE *in;
	size_t n;
	int status;

	snprintf(command, sizeof(command), "cd %s && %s %s 2>&1", folder, program, arguments);
	in = popen(command, "r");
	assert_non_null(in);
	n = fread(output, 1, sizeof(output) - 1, in);
	output[n] = 0;
	status = pclose(in);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define assert_output(text)                                                          \
	do {                                                                         \
		if (!strstr(output, (text)))                                         \
			fail_msg("\"%s\" was not printed, but: %s", (text), output); \
	} while (0)

static void test_fine(void **state)
{
	open_tree();
	write_tree();
	assert_int_equal(run("tree.dtb"), 0);
	assert_output("  command line: dom0_mem=512M loglvl=all\n");
	assert_output("  console: /pl011@9000000\n");
	assert_output("  interrupt controller: GICv3, /intc@8000000\n");
	assert_output("  0x000040000000-0x0000bfffffff     2048 MiB  RAM\n"
		      "    0x000040000000-0x000043ffffff       64 MiB  free\n"
		      "    0x000044000000-0x000063ffffff      512 MiB  dom0: memory\n"
		      "      0x000044000000-0x000045f6dfbf       31 MiB  dom0: kernel, "
		      "/chosen/module@0x44000000\n");
	assert_output("  d0   dom0: 512 MiB, 2 vcpus\n      arguments: console=hvc0\n");
	assert_output("  MPIDR 0x1          /cpus/cpu@1\n");
	assert_output("  33        SPI 1        level  Serai    /pl011@9000000\n");
	assert_output("  34        SPI 2        level  dom0     /pl031@9010000\n");
	assert_output("  48-49     SPI 16-17    edge   dom0     /virtio_mmio@a000000 to "
		      "/virtio_mmio@a000200\n");
	assert_output("tree.dtb: nothing is refused; 0 warnings\n");
	assert_int_equal(run("--quiet - < tree.dtb"), 0);
	assert_string_equal(output, "-: nothing is refused; 0 warnings\n");
}

static void test_options(void **state)
{
	open_tree();
	write_tree();
	assert_int_equal(run("-q --cmdline='dom0_men=1G console=none' tree.dtb"), 0);
	assert_output("command line: unknown option dom0_men");
	assert_output("1 warning\n");
	assert_int_equal(run("-q -W --cmdline=dom0_men=1G tree.dtb"), 1);
	assert_int_equal(run("-q --cmdline=dom0_mem=4G tree.dtb"), 1);
	assert_output("dom0_mem=4096M: does not fit");
	assert_int_equal(run("-q --serai=0x44000000,0x100000 tree.dtb"), 1);
	assert_output("overlaps the hypervisor at 0x44000000-0x440fffff");
	assert_int_equal(run("-q --tree=0x48000000 tree.dtb"), 1);
	assert_output("overlaps the device tree at 0x48000000");
	assert_int_equal(run("--help"), 0);
	assert_output("EXIT STATUS");
	assert_int_equal(run("--version"), 0);
	assert_int_equal(run(""), 2);
	assert_output("no file is named; serai-dtcheck --help explains");
	assert_int_equal(run("tree.dtb tree.dtb"), 2);
	assert_int_equal(run("--what tree.dtb"), 2);
	assert_int_equal(run("--serai=12 tree.dtb"), 2);
	assert_output("--serai takes ADDRESS,SIZE: 12");
	assert_int_equal(run("--tree=-1 tree.dtb"), 2);
	assert_int_equal(run("--file=tree.dtb tree.dtb"), 2);
}

static void test_refused(void **state)
{
	open_tree();
	tree_set_string(fdt, "/intc@8000000", "compatible", "arm,gic-v9");
	write_tree();
	assert_int_equal(run("tree.dtb"), 1);
	assert_output("device tree: no interrupt controller that Serai knows (found: arm,gic-v9)");
	assert_output("tree.dtb: refused, see 1 message above; 0 warnings\n");
}

static void test_files(void **state)
{
	char kernel[4096] = { 0 };
	u64 header[8] = { 0, 0, 0x10000, 0xa, 0, 0, 0, 0x644d5241 };

	open_tree();
	tree_set_cells(fdt, "/chosen/module@0x44000000", "reg", 0, 0x44000000, 0, 4096);
	write_tree();
	memcpy(kernel, header, sizeof(header));
	write_file("Image", kernel, sizeof(kernel));
	write_file("short", kernel, 100);
	write_file("vmlinuz", "\x1f\x8b\x08\x00", 4);
	assert_int_equal(run("-q --file=0x44000000=Image tree.dtb"), 0);
	assert_output("nothing is refused; 0 warnings");
	assert_int_equal(run("-q --file=0x44000000=short tree.dtb"), 0);
	assert_output("/chosen/module@0x44000000: reg = <0x44000000 0x1000>: short has 0x64 bytes");
	assert_int_equal(run("-q --file=0x50000000=Image tree.dtb"), 0);
	assert_output("Image: no module of the device tree begins at 0x50000000");
	assert_int_equal(run("-q --file=0x44000000=nothing tree.dtb"), 2);
	assert_output("serai-dtcheck: nothing: No such file or directory");
	assert_int_equal(run("-q --file=0x44000000=tree.dtb tree.dtb"), 1);
	assert_output("the kernel at 0x44000000 is a device tree or FIT image, no kernel");
}

/* A guest with a packed kernel and a partial tree, as files. */
static void test_guest_files(void **state)
{
	static const char arguments[] = "--file=0x60000000=Image.gz --file=0x62000000=part.dtb tree.dtb";
	u64 header[512] = { 0, 0, 0x10000, 0xa, 0, 0, 0, 0x644d5241 };
	char command[256];

	write_file("Image", header, sizeof(header));
	snprintf(command, sizeof(command), "gzip -nk %s && dtc -q -I dts -O dtb -o %s %s",
		 file("Image"), file("part.dtb"), "tests/host/data/partial.dts");
	assert_int_equal(system(command), 0);
	open_tree();
	tree_add(fdt, "/chosen", "ui");
	tree_set_string(fdt, "/chosen/ui", "compatible", "xen,domain");
	tree_set_cells(fdt, "/chosen/ui", "cpus", 1);
	tree_set_cells(fdt, "/chosen/ui", "memory", 0, 0x10000);
	tree_add(fdt, "/chosen/ui", "part");
	tree_set_string(fdt, "/chosen/ui/part", "compatible", "multiboot,device-tree");
	tree_set_cells(fdt, "/chosen/ui/part", "reg", 0, 0x62000000, 0, file_size("part.dtb"));
	tree_add(fdt, "/chosen/ui", "kernel");
	tree_set_string(fdt, "/chosen/ui/kernel", "compatible", "multiboot,kernel");
	tree_set_cells(fdt, "/chosen/ui/kernel", "reg", 0, 0x60000000, 0, file_size("Image.gz"));
	tree_set(fdt, "/pl031@9010000", "xen,passthrough", NULL, 0);
	write_tree();
	assert_int_equal(run(arguments), 0);
	assert_output("kernel at 0x60000000: unpacked, 4 KiB\n");
	assert_output("devices of guests:\n  0x000009010000-0x000009010fff ui at 0x9010000: "
		      "/passthrough/");
	assert_output("  34        SPI 2        level  ui       /pl031@9010000\n");
	assert_output("nothing is refused");

	/* Too large for its memory once it is unpacked. */
	header[2] = 0x10000000;
	write_file("Image", header, sizeof(header));
	snprintf(command, sizeof(command), "gzip -nkf %s", file("Image"));
	assert_int_equal(system(command), 0);
	assert_int_equal(run(arguments), 1);
	assert_output("ui: kernel (262144 KiB in memory) and ramdisk (0 KiB) do not fit into its memory");
	write_file("Image.gz", "\x1f\x8b\x08\x00 this is not one, really", 28);
	assert_int_equal(run(arguments), 1);
	assert_output("the kernel at 0x60000000 is a gzip file that is damaged");
	assert_output("  d1   /chosen/ui: refused, left out\n");
}

static void test_unreadable(void **state)
{
	char big[256];
	void *source = tree_data("qemu-virt.dts");

	assert_int_equal(run("nowhere.dtb"), 2);
	assert_output("serai-dtcheck: nowhere.dtb: No such file or directory");
	assert_int_equal(run("."), 2);
	assert_output("serai-dtcheck: .: Is a directory");
	write_file("empty.dtb", "", 0);
	assert_int_equal(run("empty.dtb"), 2);
	assert_output("the file is empty");
	write_file("board.dts", "/dts-v1/;\n/ { };\n", 17);
	assert_int_equal(run("board.dts"), 2);
	assert_output("board.dts: this is device tree source; compile it with: dtc -O dtb -o "
		      "board.dtb board.dts");
	write_file("tree.gz", "\x1f\x8b\x08\x00", 4);
	assert_int_equal(run("tree.gz"), 2);
	assert_output("this is a gzip file; unpack it first");
	memset(big, 0x55, sizeof(big));
	write_file("junk", big, sizeof(big));
	assert_int_equal(run("junk"), 2);
	assert_output("this is no device tree blob");
	tree_ok(fdt_pack(source));
	write_file("cut.dtb", source, fdt_totalsize(source) / 2);
	assert_int_equal(run("cut.dtb"), 2);
	assert_output("the file is cut off: its header says");
	((uint32_t *)source)[fdt_off_dt_struct(source) / 4] = 0;
	write_file("damaged.dtb", source, fdt_totalsize(source));
	assert_int_equal(run("damaged.dtb"), 2);
	assert_output("the blob is damaged");
	free(source);
}

static void test_not_a_machine(void **state)
{
	open_tree();
	tree_add(fdt, "/", "fragment@0");
	tree_add(fdt, "/fragment@0", "__overlay__");
	write_tree();
	assert_int_equal(run("tree.dtb"), 2);
	assert_output("this is an overlay; apply it");
	open_tree();
	tree_add(fdt, "/", "images");
	tree_add(fdt, "/", "configurations");
	write_tree();
	assert_int_equal(run("tree.dtb"), 2);
	assert_output("this is a FIT image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine),	   cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_files),
		cmocka_unit_test(test_guest_files),
		cmocka_unit_test(test_unreadable), cmocka_unit_test(test_not_a_machine),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
