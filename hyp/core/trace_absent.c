/* SPDX-License-Identifier: Apache-2.0 */
/* A build without trace buffers: there is nothing to record into, and none can be had. */
#include <serai/cmdline.h>
#include <serai/compiler.h>
#include <serai/errno.h>
#include <serai/printk.h>
#include <serai/trace.h>

bool trace_traps;

void trace_record(u32 event, u32 nr, const u32 *extra)
{
}

void trace_vcpu_event(u32 event, u32 domid, u32 vcpu)
{
}

void trace_domain_shutdown(const struct domain *d, u32 reason)
{
}

void trace_work(void)
{
}

int trace_set_size(u32 pages)
{
	return -XEN_EINVAL;
}

int trace_enable(void)
{
	return -XEN_EINVAL;
}

void trace_disable(void)
{
}

void trace_set_events(u32 mask)
{
}

void trace_set_cpus(const struct cpumask *cpus)
{
}

struct trace_info trace_info(void)
{
	return (struct trace_info){ 0 };
}

struct frame *trace_page_get(u64 m, bool *writable)
{
	return NULL;
}

void __init trace_boot(void)
{
	if (options.tbuf_size)
		pr_warn("tbuf_size: this build has no trace buffers (CONFIG_TRACE)\n");
}

int trace_domain_create(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

int trace_domain_destroy(struct domain *d)
{
	return 0;
}
