// SPDX-License-Identifier: Apache-2.0
/* Event channels in the FIFO format: set-up, event words, queue order, return to 2-level. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

#define PENDING (1u << FIFO_PENDING)
#define MASKED	(1u << FIFO_MASKED)
#define LINKED	(1u << FIFO_LINKED)

static uint64_t handled;
static uint32_t order[16];

static void on_event(uint32_t port)
{
	if (handled < ARRAY_SIZE(order))
		order[handled] = port;
	handled++;
}

static int64_t set_priority(uint32_t port, uint32_t priority)
{
	struct evtchn_set_priority sp = { port, priority };

	return hc_evtchn(EVTCHNOP_set_priority, &sp);
}

static void check_setup(uint32_t old_port)
{
	struct evtchn_init_control ic = { virt_to_gfn(fifo_control), 0, 0, 0, { 0 } };
	struct evtchn_expand_array ea = { hole_address() >> PAGE_SHIFT };

	check_eq("fifo.init_control_again", hc_evtchn(EVTCHNOP_init_control, &ic), -XEN_EINVAL);
	check_eq("fifo.expand_bad_gfn", hc_evtchn(EVTCHNOP_expand_array, &ea), -XEN_EINVAL);
	check_eq("fifo.old_port_survives", event_send(old_port), 0);
	check_eq("fifo.old_port_pending", fifo_words[old_port] & PENDING, PENDING);
}

static void check_link_bits(void)
{
	static uint8_t page[PAGE_SIZE] PAGE_ALIGNED;
	struct evtchn_init_control ic = { virt_to_gfn(page), 0, 1, 0, { 0 } };
	struct evtchn_reset reset = { DOMID_SELF };

	/* Needs a domain that is still in the 2-level format. */
	check_eq("fifo.init_control", hc_evtchn(EVTCHNOP_init_control, &ic), 0);
	check_eq("fifo.link_bits", ic.link_bits, FIFO_LINK_BITS);
	check_eq("fifo.reset_before_setup", hc_evtchn(EVTCHNOP_reset, &reset), 0);
}

static void check_priorities(void)
{
	uint32_t port;

	event_bind_ipi(0, &port);
	check_eq("fifo.set_priority_0", set_priority(port, 0), 0);
	check_eq("fifo.set_priority_15", set_priority(port, 15), 0);
	check_eq("fifo.set_priority_16", set_priority(port, 16), -XEN_EINVAL);
	check_eq("fifo.set_priority_never_allocated", set_priority(4000, 3), -XEN_EINVAL);
	check_eq("fifo.set_priority_huge", set_priority(0x100000, 3), -XEN_EINVAL);
	event_close(port);
	check_eq("fifo.set_priority_closed", set_priority(port, 3), -XEN_EACCES);
}

static void check_words(void)
{
	uint32_t port;

	event_bind_ipi(0, &port);
	event_handle(port, on_event);
	check_eq("fifo.word_masked", fifo_words[port], MASKED);
	check_eq("fifo.send_masked", event_send(port), 0);
	check_eq("fifo.word_masked_pending", fifo_words[port], PENDING | MASKED);
	handled = 0;
	check_eq("fifo.unmask", event_unmask(port), 0);
	check("fifo.unmask_delivers", wait_for(&handled, 1, 100000));
	check_eq("fifo.word_after_delivery", fifo_words[port], 0);
	irq_disable();
	event_send(port);
	check_eq("fifo.word_linked", fifo_words[port], PENDING | LINKED);
	check_eq("fifo.queue_ready", fifo_control->ready, 1 << 7);
	check_eq("fifo.queue_head", fifo_control->head[7], port);
	event_send(port);
	check_eq("fifo.word_linked_twice", fifo_words[port], PENDING | LINKED);
	irq_enable();
	check("fifo.send_delivers", wait_for(&handled, 2, 100000));
	delay_us(1000);
	check_eq("fifo.sends_collapse_once", (int64_t)handled, 2);
	event_mask(port);
	event_close(port);
	check_eq("fifo.send_closed", event_send(port), -XEN_EINVAL);
}

/* Three ports of one priority are linked in the order of their sends. */
static void check_chain(void)
{
	uint32_t p[3];

	for (unsigned int i = 0; i < 3; i++) {
		event_bind_ipi(0, &p[i]);
		event_handle(p[i], on_event);
		event_unmask(p[i]);
	}
	handled = 0;
	irq_disable();
	event_send(p[1]);
	event_send(p[2]);
	event_send(p[0]);
	check_eq("fifo.chain_head_link", fifo_words[p[1]] & FIFO_LINK_MASK, p[2]);
	check_eq("fifo.chain_next_link", fifo_words[p[2]] & FIFO_LINK_MASK, p[0]);
	check_eq("fifo.chain_tail_link", fifo_words[p[0]] & FIFO_LINK_MASK, 0);
	irq_enable();
	check("fifo.chain_delivered", wait_for(&handled, 3, 100000));
	check_eq("fifo.chain_first", order[0], p[1]);
	check_eq("fifo.chain_second", order[1], p[2]);
	check_eq("fifo.chain_third", order[2], p[0]);
	for (unsigned int i = 0; i < 3; i++) {
		event_mask(p[i]);
		event_close(p[i]);
	}
}

/* Ports of three priorities come out by priority, whatever the order of the sends. */
static void check_priority_order(void)
{
	static const uint32_t priorities[3] = { 12, 2, 7 };
	uint32_t p[3];

	for (unsigned int i = 0; i < 3; i++) {
		event_bind_ipi(0, &p[i]);
		set_priority(p[i], priorities[i]);
		event_handle(p[i], on_event);
		event_unmask(p[i]);
	}
	handled = 0;
	irq_disable();
	for (unsigned int i = 0; i < 3; i++)
		event_send(p[i]);
	check_eq("fifo.ready_by_priority", fifo_control->ready, 1 << 12 | 1 << 2 | 1 << 7);
	irq_enable();
	check("fifo.priorities_delivered", wait_for(&handled, 3, 100000));
	check_eq("fifo.priority_first", order[0], p[1]);
	check_eq("fifo.priority_second", order[1], p[2]);
	check_eq("fifo.priority_third", order[2], p[0]);
}

static void check_reset(void)
{
	struct evtchn_reset reset = { DOMID_SELF };
	uint32_t port;

	check_eq("evtchn.reset_self", hc_evtchn(EVTCHNOP_reset, &reset), 0);
	check_eq("evtchn.alloc_after_reset", event_alloc_unbound(&port), 0);
	check_eq("evtchn.port_after_reset", port, 1);
	check_eq("evtchn.back_to_2l_after_reset", set_priority(port, 3), -XEN_ENOSYS);
}

void guest_main(void)
{
	uint32_t old_port;

	if (!check("fifo.shared_info", events_init()))
		return;
	check_link_bits();
	event_bind_ipi(0, &old_port);
	if (!check("fifo.setup", events_init_fifo()))
		return;
	check_setup(old_port);
	check_priorities();
	check_words();
	check_chain();
	check_priority_order();
	check_reset();
}
