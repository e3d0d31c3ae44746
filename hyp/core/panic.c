/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the hypervisor by its own fault: the message, registers and a backtrace on a console
 * that waits for nobody, then a reset after five seconds, or a halt with noreboot. Of several CPUs
 * that come here the first one reports; a fault while reporting ends in a halt.
 */
#include <arch/barrier.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/cpu.h>
#include <serai/printk.h>
#include <serai/time.h>
#include <stdarg.h>

#define REBOOT_DELAY (5 * NS_PER_S)

static u32 panic_count;

void panic(const char *fmt, ...)
{
	nstime_t start;
	va_list ap;

	if (atomic_add_return(&panic_count, 1) > 1)
		cpu_arch_halt();
	cpu_arch_stop_others();
	console_force();
	pr_err("*** PANIC on CPU%u\n", cpu_id());
	va_start(ap, fmt);
	vprintk_at(LOG_ERR, fmt, ap);
	va_end(ap);
	cpu_arch_dump();
	if (options.noreboot) {
		pr_err("*** halted (noreboot)\n");
		cpu_arch_halt();
	}
	pr_err("*** reset in 5 seconds\n");
	start = time_arch_now();
	while (time_arch_now() - start < REBOOT_DELAY)
		cpu_relax();
	cpu_arch_reset();
}
