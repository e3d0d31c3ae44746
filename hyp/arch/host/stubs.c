/* SPDX-License-Identifier: Apache-2.0 */
/* Weak stand-ins for what nearly every subject calls: messages, panic, work for other CPUs. */
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <serai/domain.h>
#include <serai/printk.h>
#include <serai/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__weak_sym struct domain_actions domain_actions;

static void message(const char *fmt, va_list ap)
{
	host.messages++;
	vsnprintf(host.message, sizeof(host.message), fmt, ap);
	if (getenv("HOST_VERBOSE"))
		fputs(host.message, stderr);
}

__weak_sym void *mem_arch_map_device(paddr_t pa, size_t size)
{
	return host.device;
}

__weak_sym void vprintk_at(enum log_level level, const char *fmt, va_list ap)
{
	message(fmt, ap);
}

__weak_sym void printk_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

__weak_sym void guest_printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

__weak_sym void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	host_stopped(HOST_PANIC);
}

__weak_sym void cpu_raise_on(unsigned int cpu, u32 work)
{
	if (cpu == cpu_id()) {
		cpu_raise(work);
		return;
	}
	__atomic_fetch_or(&cpu_table[cpu]->remote, work, __ATOMIC_ACQ_REL);
	cpu_arch_kick(cpu);
}

__weak_sym bool trace_traps;

__weak_sym void trace_work(void)
{
}

__weak_sym void trace_domain_shutdown(const struct domain *d, u32 reason)
{
}

__weak_sym struct frame *trace_page_get(u64 mfn, bool *writable)
{
	return NULL;
}
