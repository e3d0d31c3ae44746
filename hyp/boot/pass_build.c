/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From understood partial trees to guests that have the devices. The modules are copied to the heap
 * to be read: they may lie anywhere.
 */
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/irq.h>
#include <serai/launch.h>
#include <serai/p2m.h>
#include <serai/passthrough.h>
#include <serai/printk.h>
#include <serai/string.h>

static struct {
	void *heap;
	unsigned int order;
} copies[BOOT_DOMAINS_MAX] __initbss;

static int __init load_tree(struct boot_info *bi, u32 place, const struct boot_module *m, int uart)
{
	struct boot_domain *d = &bi->domains[place];
	unsigned int order = 0;
	void *tree;

	while (PAGE_SIZE << order < m->size && m->size <= DT_SIZE_MAX)
		order++;
	tree = m->size <= DT_SIZE_MAX ? heap_alloc(order, FRAME_NO_SCRUB) : NULL;
	if (!tree) {
		pr_err("%s: its partial tree has %lu KiB, there is no room for it\n", d->name,
		       m->size >> 10);
		d->left_out = true;
		return -XEN_EINVAL;
	}
	copies[place].heap = tree;
	copies[place].order = order;
	memory_copy(virt_to_paddr(tree), m->start, m->size);
	return passthrough_read(bi, place, tree, m->size, uart);
}

int __init passthrough_load(struct boot_info *bi, int uart)
{
	bool refused = false;

	passthrough_reset();
	for (u32 i = 0; i < bi->nr_domains; i++) {
		const struct boot_domain *d = &bi->domains[i];
		const struct boot_module *m = bootinfo_domain_module(bi, d->node, MODULE_FDT);

		if (d->left_out || !m)
			continue;
		if (!load_tree(bi, i, m, uart))
			pr_warn("%s: has devices without an IOMMU: trust it, one that does DMA can "
				"reach all memory\n", d->name);
		else
			refused = true;
	}
	return refused ? bootinfo_verdict(bi) : 0;
}

void __init passthrough_end(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(copies); i++)
		if (copies[i].heap)
			heap_free(copies[i].heap, copies[i].order);
	memset(copies, 0, sizeof(copies));
}

static int __init give_region(struct domain *d, const struct pass_region *r)
{
	u64 nr = range_size(&r->host) >> PAGE_SHIFT;
	int rc = p2m_map(&d->p2m, gfn(r->guest >> PAGE_SHIFT), paddr_to_mfn(r->host.start), nr,
			 P2M_MMIO_DEV);

	if (rc)
		pr_err("%s: registers %#lx-%#lx cannot be mapped at %#lx (%d)\n", d->name,
		       r->host.start, r->host.end - 1, r->guest, rc);
	else
		pr_info("%s: registers %#lx-%#lx at %#lx\n", d->name, r->host.start,
			r->host.end - 1, r->guest);
	return rc;
}

int __init passthrough_give(struct domain *d, u32 place)
{
	int rc = 0;

	for (u32 i = 0; i < passthrough.nr_regions && !rc; i++)
		if (passthrough.regions[i].owner == place + 1)
			rc = give_region(d, &passthrough.regions[i]);
	for (u32 irq = IRQ_FIRST_SPI; irq < IRQS_MAX && !rc; irq++) {
		if (passthrough.irq_owner[irq] != place + 1)
			continue;
		rc = irq_assign(irq, d, irq);
		if (rc) {
			pr_err("%s: interrupt %u cannot be its own (%d)\n", d->name, irq, rc);
			break;
		}
		irq_arch_set_type(irq, (enum irq_type)passthrough.irq_type[irq]);
		pr_info("%s: interrupt %u\n", d->name, irq);
	}
	return rc;
}
