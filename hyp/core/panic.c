/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the hypervisor, on a console that waits for nobody: by its own fault with the message,
 * registers and a backtrace; or because it was configured in a way that cannot be. Then a reset
 * after five seconds, or a halt with noreboot. Of several CPUs that come here the first one
 * reports; a fault while reporting ends in a halt.
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

static void end_begin(void)
{
	if (atomic_add_return(&panic_count, 1) > 1)
		cpu_arch_halt();
	cpu_arch_stop_others();
	console_force();
}

static __noreturn void end_machine(void)
{
	nstime_t start;

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

void panic(const char *fmt, ...)
{
	va_list ap;

	end_begin();
	pr_err("*** PANIC on CPU%u\n", cpu_id());
	va_start(ap, fmt);
	vprintk_at(LOG_ERR, fmt, ap);
	va_end(ap);
	cpu_arch_dump();
	end_machine();
}

void refuse_boot(void)
{
	end_begin();
	pr_err("*** Serai does not start, for the reasons above\n");
	end_machine();
}
