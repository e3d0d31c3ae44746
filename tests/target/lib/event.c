// SPDX-License-Identifier: Apache-2.0
/* Event channels in both formats: set-up, the upcall, and one call per operation. */
#include "guest.h"

#define NR_PORTS   4096
#define FIFO_PAGES (NR_PORTS * 4 / PAGE_SIZE)

struct shared_info *shared_info;
uint64_t event_upcalls;
uint32_t *fifo_words;
struct evtchn_fifo_control_block *fifo_control;

static event_handler handlers[NR_PORTS];
/* Bound to CPUs other than 0: in the 2-level format every CPU sees the ports of all. */
static uint64_t ports_of[NR_CPUS][NR_PORTS / 64];
static uint64_t ports_of_others[NR_PORTS / 64]; /* not CPU 0's */
static struct vcpu_info *vcpu_infos[NR_CPUS];
static struct vcpu_info own_infos[NR_CPUS] __attribute__((aligned(PAGE_SIZE)));
static struct evtchn_fifo_control_block *controls[NR_CPUS];
static uint32_t fifo_heads[NR_CPUS][FIFO_QUEUES];
static uint8_t fifo_pages[FIFO_PAGES][PAGE_SIZE] PAGE_ALIGNED;
static uint8_t control_pages[NR_CPUS][PAGE_SIZE] PAGE_ALIGNED;

int64_t map_space(uint32_t space, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap a = { DOMID_SELF, 0, space, idx, gfn };

	return hc_memory(XENMEM_add_to_physmap, &a);
}

int64_t unmap_gfn(uint64_t gfn)
{
	struct xen_remove_from_physmap r = { DOMID_SELF, gfn };

	return hc_memory(XENMEM_remove_from_physmap, &r);
}

static void deliver(uint32_t port)
{
	if (handlers[port])
		handlers[port](port);
}

static bool is_port_of(uint32_t port, uint32_t cpu)
{
	uint64_t bit = 1ul << port % 64;

	return cpu ? ports_of[cpu][port / 64] & bit : !(ports_of_others[port / 64] & bit);
}

/* Pending, not masked, and this CPU's; 0 when there is none, as port 0 is never used. */
static uint32_t next_port_2l(uint32_t word, uint32_t cpu)
{
	uint64_t bits = READ_ONCE(shared_info->evtchn_pending[word]) &
			~READ_ONCE(shared_info->evtchn_mask[word]);

	for (; bits; bits &= bits - 1) {
		uint32_t port = word * 64 + (uint32_t)__builtin_ctzl(bits);

		if (is_port_of(port, cpu))
			return port;
	}
	return 0;
}

static void upcall_2l(struct vcpu_info *vi)
{
	uint32_t cpu = cpu_id(), port;
	uint64_t sel = __atomic_exchange_n(&vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

	while (sel) {
		uint32_t word = (uint32_t)__builtin_ctzl(sel);

		sel &= sel - 1;
		while ((port = next_port_2l(word, cpu)) != 0) {
			event_clear(port);
			deliver(port);
		}
	}
}

/* Takes the first event off queue q of this CPU; false when the queue is empty. */
static bool fifo_take(struct evtchn_fifo_control_block *cb, uint32_t *heads, uint32_t q)
{
	uint32_t port = heads[q];
	uint32_t *word, old;

	if (port == 0)
		port = __atomic_load_n(&cb->head[q], __ATOMIC_ACQUIRE);
	word = &fifo_words[port];
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(word, &old, old & ~(FIFO_LINK_MASK | 1u << FIFO_LINKED),
					    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	heads[q] = old & FIFO_LINK_MASK;
	old = READ_ONCE(*word);
	if (old & 1u << FIFO_PENDING && !(old & 1u << FIFO_MASKED)) {
		event_clear(port);
		deliver(port);
	}
	return heads[q] != 0;
}

static void upcall_fifo(uint32_t cpu)
{
	struct evtchn_fifo_control_block *cb = controls[cpu];
	uint32_t ready = __atomic_exchange_n(&cb->ready, 0, __ATOMIC_SEQ_CST);

	while (ready) {
		uint32_t q = (uint32_t)__builtin_ctz(ready);

		if (!fifo_take(cb, fifo_heads[cpu], q))
			ready &= ~(1u << q);
		ready |= __atomic_exchange_n(&cb->ready, 0, __ATOMIC_SEQ_CST);
	}
}

static void upcall(uint32_t irq, struct trap_frame *frame)
{
	uint32_t cpu = cpu_id();
	struct vcpu_info *vi = vcpu_infos[cpu];

	(void)irq;
	(void)frame;
	event_upcalls++;
	WRITE_ONCE(vi->evtchn_upcall_pending, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (fifo_words)
		upcall_fifo(cpu);
	else
		upcall_2l(vi);
}

bool events_init(void)
{
	uint64_t gfn = scratch_gfn();

	if (map_space(XENMAPSPACE_shared_info, 0, gfn) != 0)
		return false;
	shared_info = (struct shared_info *)(gfn << PAGE_SHIFT);
	for (int i = 0; i < 64; i++)
		shared_info->evtchn_mask[i] = ~0ul;
	vcpu_infos[0] = &shared_info->vcpu_info[0];
	irq_register(machine.event_irq, upcall);
	irq_unmask(machine.event_irq);
	return true;
}

bool events_init_cpu(uint32_t cpu)
{
	struct vcpu_register_vcpu_info r;

	vcpu_infos[cpu] = &own_infos[cpu];
	r.mfn = virt_to_gfn(&own_infos[cpu]);
	r.offset = (uint32_t)((uint64_t)&own_infos[cpu] % PAGE_SIZE);
	r.rsvd = 0;
	if (hc_vcpu(VCPUOP_register_vcpu_info, cpu, &r) != 0)
		return false;
	irq_unmask(machine.event_irq);
	return true;
}

bool events_init_fifo(void)
{
	uint32_t *words = (uint32_t *)fifo_pages;

	for (int cpu = 0; cpu < machine.nr_cpus; cpu++) {
		struct evtchn_init_control ic = {
			virt_to_gfn(control_pages[cpu]), 0, (uint32_t)cpu, 0, { 0 }
		};

		memset(control_pages[cpu], 0, PAGE_SIZE);
		memset(fifo_heads[cpu], 0, sizeof(fifo_heads[cpu]));
		if (hc_evtchn(EVTCHNOP_init_control, &ic) != 0)
			return false;
		controls[cpu] = (struct evtchn_fifo_control_block *)control_pages[cpu];
	}
	for (uint32_t i = 0; i < NR_PORTS; i++)
		words[i] = 1u << FIFO_MASKED;
	for (uint32_t i = 0; i < FIFO_PAGES; i++) {
		struct evtchn_expand_array ea = { virt_to_gfn(fifo_pages[i]) };

		if (hc_evtchn(EVTCHNOP_expand_array, &ea) != 0)
			return false;
	}
	fifo_control = controls[0];
	fifo_words = words;
	return true;
}

void event_handle(uint32_t port, event_handler handler)
{
	if (port < NR_PORTS)
		handlers[port] = handler;
}

/* The word and bit that hold a flag of port in the format in use. */
static void set_flag(uint32_t port, uint64_t *bits_2l, uint32_t fifo_bit, bool on)
{
	if (fifo_words) {
		if (on)
			__atomic_fetch_or(&fifo_words[port], 1u << fifo_bit, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&fifo_words[port], ~(1u << fifo_bit), __ATOMIC_SEQ_CST);
	} else if (on) {
		__atomic_fetch_or(&bits_2l[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
	} else {
		__atomic_fetch_and(&bits_2l[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
	}
}

static bool get_flag(uint32_t port, const uint64_t *bits_2l, uint32_t fifo_bit)
{
	if (fifo_words)
		return READ_ONCE(fifo_words[port]) >> fifo_bit & 1;
	return READ_ONCE(bits_2l[port / 64]) >> port % 64 & 1;
}

void event_mask(uint32_t port)
{
	set_flag(port, shared_info->evtchn_mask, FIFO_MASKED, true);
}

void event_unmask_local(uint32_t port)
{
	set_flag(port, shared_info->evtchn_mask, FIFO_MASKED, false);
}

void event_clear(uint32_t port)
{
	set_flag(port, shared_info->evtchn_pending, FIFO_PENDING, false);
}

bool event_pending(uint32_t port)
{
	return get_flag(port, shared_info->evtchn_pending, FIFO_PENDING);
}

bool event_masked(uint32_t port)
{
	return get_flag(port, shared_info->evtchn_mask, FIFO_MASKED);
}

int64_t event_send(uint32_t port)
{
	struct evtchn_port p = { port };

	return hc_evtchn(EVTCHNOP_send, &p);
}

int64_t event_unmask(uint32_t port)
{
	struct evtchn_port p = { port };

	return hc_evtchn(EVTCHNOP_unmask, &p);
}

int64_t event_close(uint32_t port)
{
	struct evtchn_port p = { port };

	return hc_evtchn(EVTCHNOP_close, &p);
}

void event_of_cpu(uint32_t port, uint32_t cpu)
{
	uint64_t bit = 1ul << port % 64;

	for (uint32_t other = 0; other < NR_CPUS; other++)
		ports_of[other][port / 64] &= ~bit;
	ports_of_others[port / 64] &= ~bit;
	if (cpu == 0)
		return;
	ports_of[cpu][port / 64] |= bit;
	ports_of_others[port / 64] |= bit;
}

int64_t event_bind_ipi(uint32_t vcpu, uint32_t *port)
{
	struct evtchn_bind_ipi b = { vcpu, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_bind_ipi, &b);

	*port = b.port;
	if (rc == 0)
		event_of_cpu(b.port, vcpu);
	return rc;
}

int64_t event_alloc_unbound(uint32_t *port)
{
	struct evtchn_alloc_unbound a = { DOMID_SELF, DOMID_SELF, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_alloc_unbound, &a);

	*port = a.port;
	return rc;
}

int64_t event_bind_self(uint32_t remote, uint32_t *port)
{
	struct evtchn_bind_interdomain b = { DOMID_SELF, remote, 0 };
	int64_t rc = hc_evtchn(EVTCHNOP_bind_interdomain, &b);

	*port = b.local_port;
	return rc;
}
