// SPDX-License-Identifier: Apache-2.0
/* console_io: what dom0's kernel prints through, and reads from. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static int64_t console(uint64_t op, uint64_t count, const void *buf)
{
	return hypercall(HC_console_io, op, count, (uint64_t)buf, 0);
}

void guest_main(void)
{
	static char text[4096];
	static const char line[] = "# a line of text\n";

	check_eq("console.write_0", console(CONSOLEIO_write, 0, line), 0);
	check_eq("console.write", console(CONSOLEIO_write, sizeof(line) - 1, line), 0);
	check_eq("console.read_none", console(CONSOLEIO_read, 16, text), 0);
	check_eq("console.read_0", console(CONSOLEIO_read, 0, text), 0);
	check_eq("console.write_bad_ptr", console(CONSOLEIO_write, 16, (void *)UNMAPPED_ADDRESS),
		 -XEN_EFAULT);
	check_eq("console.write_bad_ptr_stage2",
		 console(CONSOLEIO_write, 16, (void *)hole_address()), -XEN_EFAULT);
	check_eq("console.unknown", console(2, 16, text), -XEN_ENOSYS);
	check_eq("console.unknown_big", console(0x7fffffff, 16, text), -XEN_ENOSYS);
	memset(text, '.', sizeof(text));
	text[0] = '#';
	for (unsigned int i = 79; i < sizeof(text); i += 80) {
		text[i] = '\n';
		if (i + 1 < sizeof(text))
			text[i + 1] = '#';
	}
	text[sizeof(text) - 1] = '\n';
	check_eq("console.write_4096", console(CONSOLEIO_write, sizeof(text), text), 0);
}
