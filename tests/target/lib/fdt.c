// SPDX-License-Identifier: Apache-2.0
/* Reads the device tree of the guest in one pass; every cell is read bytewise (big endian). */
#include "guest.h"

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP	       4
#define MAX_DEPTH      16

struct machine machine;

struct prop {
	const uint8_t *data;
	uint32_t len;
};

/* What is kept of the node whose properties are being read. */
struct node {
	const char *name;
	struct prop reg, interrupts, compatible, device_type, method, bootargs, xen_id;
	uint32_t address_cells, size_cells; /* for its children */
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be_cells(const uint8_t *p, uint32_t cells)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < cells; i++)
		v = v << 32 | be32(p + 4 * i);
	return v;
}

static bool prop_is(const struct prop *p, const char *s)
{
	size_t n = strlen(s) + 1;

	for (uint32_t at = 0; p->data && at + n <= p->len; at++)
		if ((at == 0 || p->data[at - 1] == 0) && memcmp(p->data + at, s, n) == 0)
			return true;
	return false;
}

static int read_regions(const struct node *n, const struct node *parent, struct region *out,
			int used)
{
	uint32_t a = parent->address_cells, s = parent->size_cells;
	uint32_t step = 4 * (a + s);

	for (uint32_t at = 0; step && at + step <= n->reg.len && used < MAX_REGIONS; at += step) {
		out[used].base = be_cells(n->reg.data + at, a);
		out[used].size = be_cells(n->reg.data + at + 4 * a, s);
		used++;
	}
	return used;
}

/* Interrupt number of entry i of a 3-cell interrupts property. */
static uint32_t read_irq(const struct node *n, uint32_t i, bool *is_ppi)
{
	const uint8_t *p = n->interrupts.data + 12 * i;

	if (!n->interrupts.data || n->interrupts.len < 12 * (i + 1))
		return 0;
	if (is_ppi)
		*is_ppi = be32(p) == 1;
	return be32(p + 4) + (be32(p) == 1 ? 16 : 32);
}

static void read_bootargs(const struct prop *p, struct machine *m)
{
	for (uint32_t i = 0; i < p->len && i + 1 < sizeof(m->bootargs); i++)
		m->bootargs[i] = (char)p->data[i];
}

static void node_done(const struct node *n, const struct node *parent, struct machine *m)
{
	struct region list[MAX_REGIONS];

	if (prop_is(&n->device_type, "memory")) {
		m->nr_memory = read_regions(n, parent, m->memory, m->nr_memory);
	} else if (prop_is(&n->compatible, "xen,xen")) {
		m->has_hypervisor = true;
		m->nr_hypervisor = read_regions(n, parent, m->hypervisor, 0);
		m->event_irq = read_irq(n, 0, &m->event_is_ppi);
	} else if (prop_is(&n->compatible, "arm,gic-v3")) {
		if (read_regions(n, parent, list, 0) >= 2) {
			m->gicd = list[0];
			m->gicr = list[1];
		}
	} else if (prop_is(&n->compatible, "arm,cortex-a15-gic") ||
		   prop_is(&n->compatible, "arm,gic-400")) {
		if (read_regions(n, parent, list, 0) >= 2) {
			m->gicd = list[0];
			m->gicc = list[1];
		}
	} else if (prop_is(&n->compatible, "arm,armv8-timer")) {
		m->ptimer_irq = read_irq(n, 1, NULL);
		m->vtimer_irq = read_irq(n, 2, NULL);
	} else if (prop_is(&n->device_type, "cpu")) {
		if (m->nr_cpus < NR_CPUS && n->reg.data)
			m->mpidr[m->nr_cpus++] = be_cells(n->reg.data, parent->address_cells);
	} else if (prop_is(&n->compatible, "arm,psci")) {
		m->psci_hvc = prop_is(&n->method, "hvc");
	} else if (prop_is(&n->compatible, "arm,sbsa-uart")) {
		if (read_regions(n, parent, list, 0) >= 1)
			m->uart = list[0];
		m->uart_irq = read_irq(n, 0, NULL);
	} else if (prop_is(&n->compatible, "xen,shared-memory-v1") && m->nr_shared < MAX_SHARED) {
		if (read_regions(n, parent, list, 0) >= 1)
			m->shared[m->nr_shared].at = list[0];
		m->shared[m->nr_shared++].id = (const char *)n->xen_id.data;
	} else if (prop_is(&n->compatible, "arm,pl031")) {
		if (read_regions(n, parent, list, 0) >= 1)
			m->rtc = list[0];
		m->rtc_irq = read_irq(n, 0, NULL);
	} else if (n->bootargs.data) {
		read_bootargs(&n->bootargs, m);
	}
}

static void node_prop(struct node *n, const char *name, struct prop p)
{
	if (strcmp(name, "reg") == 0)
		n->reg = p;
	else if (strcmp(name, "xen,id") == 0)
		n->xen_id = p;
	else if (strcmp(name, "interrupts") == 0)
		n->interrupts = p;
	else if (strcmp(name, "compatible") == 0)
		n->compatible = p;
	else if (strcmp(name, "device_type") == 0)
		n->device_type = p;
	else if (strcmp(name, "method") == 0)
		n->method = p;
	else if (strcmp(name, "bootargs") == 0)
		n->bootargs = p;
	else if (strcmp(name, "#address-cells") == 0 && p.len == 4)
		n->address_cells = be32(p.data);
	else if (strcmp(name, "#size-cells") == 0 && p.len == 4)
		n->size_cells = be32(p.data);
}

bool fdt_parse(const void *fdt, struct machine *m)
{
	static struct node stack[MAX_DEPTH];
	const uint8_t *base = fdt;
	const uint8_t *p, *end;
	const char *strings;
	int depth = 0;

	if (!fdt || be32(base) != FDT_MAGIC)
		return false;
	m->fdt = base;
	p = base + be32(base + 8);
	end = p + be32(base + 36);
	strings = (const char *)base + be32(base + 12);
	while (p + 4 <= end) {
		uint32_t token = be32(p);

		p += 4;
		if (token == FDT_BEGIN_NODE && depth + 1 < MAX_DEPTH) {
			depth++;
			memset(&stack[depth], 0, sizeof(stack[depth]));
			stack[depth].name = (const char *)p;
			stack[depth].address_cells = 2;
			stack[depth].size_cells = 1;
			p += (strlen((const char *)p) + 4) & ~3ul;
		} else if (token == FDT_PROP && depth > 0) {
			uint32_t len = be32(p);

			node_prop(&stack[depth], strings + be32(p + 4),
				  (struct prop){ p + 8, len });
			p += 8 + ((len + 3) & ~3u);
		} else if (token == FDT_END_NODE && depth > 0) {
			node_done(&stack[depth], &stack[depth - 1], m);
			depth--;
		} else if (token != FDT_NOP) {
			break;
		}
	}
	return depth == 0 && m->nr_memory > 0;
}

/* The largest extended region; its first half is handed out, the second half stays a hole. */
static const struct region *extended_region(void)
{
	const struct region *best = NULL;

	for (int i = 1; i < machine.nr_hypervisor; i++)
		if (!best || machine.hypervisor[i].size > best->size)
			best = &machine.hypervisor[i];
	if (!best || best->size < (4ul << 20))
		guest_abort("no extended region in the hypervisor node");
	return best;
}

uint64_t scratch_gfns(uint64_t count)
{
	static uint64_t used;
	const struct region *r = extended_region();
	uint64_t first = r->base / PAGE_SIZE + used;

	used += count;
	if (used * PAGE_SIZE > r->size / 2)
		guest_abort("extended region used up");
	return first;
}

uint64_t scratch_gfn(void)
{
	return scratch_gfns(1);
}

uint64_t hole_address(void)
{
	const struct region *r = extended_region();

	return (r->base + r->size - (64ul << 10)) & ~(PAGE_SIZE - 1);
}
