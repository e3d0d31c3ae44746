/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a physical interrupt is. A descriptor changes under its lock, which is also held while its
 * interrupt is delivered to a domain: once irq_unassign() is back, no CPU is at work on that domain
 * because of it. The hypervisor's own handlers stay for ever and are found without the lock. An
 * interrupt that belongs to nobody and comes again and again is switched off.
 */
#include <serai/bug.h>
#include <serai/cpu.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/irq.h>
#include <serai/lock.h>
#include <serai/printk.h>

#define UNCLAIMED_MAX 16

static struct irq_desc *table __ro_after_init;
static u32 lines __ro_after_init;

int irq_init(void)
{
	u32 n = irq_arch_lines();

	table = mem_alloc(n * sizeof(*table));
	if (!table)
		return -XEN_ENOMEM;
	for (u32 irq = 0; irq < n; irq++)
		lock_init(&table[irq].lock, RANK_IRQ_DESC);
	lines = n;
	return 0;
}

struct irq_desc *irq_desc(u32 irq)
{
	return irq < lines ? &table[irq] : NULL;
}

/* True when the interrupt is taken. The message comes after the lock was dropped. */
static bool is_taken(const struct irq_desc *desc)
{
	return desc->handler || desc->domain;
}

static int refuse_taken(u32 irq, const struct irq_desc *held)
{
	if (held->domain)
		pr_warn("interrupt %u is domain %u's already (virtual %u)\n", irq, held->domid,
			held->virq);
	else
		pr_warn("interrupt %u is used by the hypervisor already (%s)\n", irq, held->name);
	return -XEN_EBUSY;
}

int irq_request(u32 irq, enum irq_type type, void (*handler)(u32 irq, void *arg), void *arg,
		const char *name)
{
	struct irq_desc *desc = irq_desc(irq);
	struct irq_desc before;

	if (!desc)
		return -XEN_EINVAL;
	lock_take(&desc->lock);
	before = *desc;
	if (!is_taken(&before)) {
		desc->arg = arg;
		desc->name = name;
		desc->unclaimed = 0;
		store_release(&desc->handler, handler);
	}
	lock_drop(&desc->lock);
	if (is_taken(&before))
		return refuse_taken(irq, &before);
	if (irq >= IRQ_FIRST_SPI) {
		irq_arch_set_type(irq, type);
		irq_arch_set_target(irq, cpu_id());
		irq_arch_enable(irq);
	}
	return 0;
}

int irq_assign(u32 irq, struct domain *d, u32 virq)
{
	struct irq_desc *desc = irq_desc(irq);
	struct irq_desc before;
	int rc = 0;

	if (!desc || irq < IRQ_FIRST_SPI)
		return -XEN_EINVAL;
	lock_take(&desc->lock);
	before = *desc;
	if (!is_taken(&before)) {
		desc->virq = virq;
		desc->domid = d->id;
		desc->unclaimed = 0;
		/* The guest may enable it at once. */
		WRITE_ONCE(desc->domain, d);
		rc = domain_arch_assign_spi(d, virq, irq);
		if (rc)
			WRITE_ONCE(desc->domain, NULL);
	}
	lock_drop(&desc->lock);
	return is_taken(&before) ? refuse_taken(irq, &before) : rc;
}

int irq_unassign(u32 irq, struct domain *d)
{
	struct irq_desc *desc = irq_desc(irq);
	bool ours;

	if (!desc)
		return -XEN_ENOENT;
	lock_take(&desc->lock);
	ours = desc->domain == d;
	if (ours) {
		/* Nobody else may have it before the controller has forgotten it. */
		irq_arch_disable(irq);
		domain_arch_unassign_spi(d, desc->virq);
		WRITE_ONCE(desc->domain, NULL);
	}
	lock_drop(&desc->lock);
	return ours ? 0 : -XEN_ENOENT;
}

int irq_domain_close(struct domain *d)
{
	for (u32 irq = IRQ_FIRST_SPI; irq < lines; irq++)
		if (READ_ONCE(table[irq].domain) == d)
			irq_unassign(irq, d);
	return 0;
}

/* True when that is too often. The caller has the lock. */
static __cold_path bool count_unclaimed(u32 irq, struct irq_desc *desc)
{
	if (++desc->unclaimed != UNCLAIMED_MAX)
		return false;
	irq_arch_disable(irq);
	return true;
}

static __cold_path void warn_unclaimed(u32 irq)
{
	pr_warn("interrupt %u belongs to nobody and came %u times: switched off\n", irq,
		UNCLAIMED_MAX);
}

void irq_dispatch(u32 irq)
{
	struct irq_desc *desc = irq_desc(irq);
	void (*handler)(u32 irq, void *arg);
	bool too_often = false;

	if (unlikely(!desc))
		return;
	handler = load_acquire(&desc->handler);
	if (handler) {
		handler(irq, desc->arg);
		return;
	}
	lock_take(&desc->lock);
	if (likely(desc->domain))
		domain_arch_inject_hw_spi(desc->domain, desc->virq, irq);
	else
		too_often = count_unclaimed(irq, desc);
	lock_drop(&desc->lock);
	if (unlikely(too_often))
		warn_unclaimed(irq);
}

/* True when irq + 1 is the same domain's, and its virtual number is the next one too. */
static bool run_goes_on(u32 irq)
{
	const struct irq_desc *desc = &table[irq], *next = desc + 1;

	return irq + 1 < lines && next->domain == desc->domain &&
	       next->virq - desc->virq == 1;
}

void irq_dump(void)
{
	for (u32 irq = 0; irq < lines; irq++) {
		const struct irq_desc *desc = &table[irq];
		const struct domain *d = READ_ONCE(desc->domain);
		u32 first = irq;

		if (d) {
			while (run_goes_on(irq))
				irq++;
			pr_info("  irq %u-%u: d%u, virtual %u-%u\n", first, irq, desc->domid,
				desc->virq, desc->virq + irq - first);
		} else if (desc->handler) {
			pr_info("  irq %u: %s\n", irq, desc->name);
		} else if (desc->unclaimed) {
			pr_info("  irq %u: nobody's, came %u times\n", irq, desc->unclaimed);
		}
	}
}
