// SPDX-License-Identifier: Apache-2.0
/* Trace buffers: tbuf_op's answers, the pages of DOMID_XEN, and what is in them. */
/* machine: smp=1 vcpus=1 */
#include "guest.h"

#define PAGES	   2
#define DATA	   (PAGES * PAGE_SIZE - sizeof(struct t_buf))
#define DOMID_IDLE 0x7fff

static struct xen_sysctl sc;
static volatile struct t_buf *ring; /* pages of it in a row */
static uint64_t virqs;
static uint32_t virq_port;

static int64_t tbuf_op(uint32_t cmd, uint32_t value)
{
	memset(&sc, 0, sizeof(sc));
	sc.cmd = XEN_SYSCTL_tbuf_op;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sc.u.tbuf_op.cmd = cmd;
	if (cmd == XEN_SYSCTL_TBUFOP_set_evt_mask)
		sc.u.tbuf_op.evt_mask = value;
	else
		sc.u.tbuf_op.size = value;
	return hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
}

/* CPUs that are traced, of the first eight. */
static int64_t set_cpus(uint8_t mask)
{
	memset(&sc, 0, sizeof(sc));
	sc.cmd = XEN_SYSCTL_tbuf_op;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sc.u.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_cpu_mask;
	sc.u.tbuf_op.cpu_bits = (uint64_t)&mask;
	sc.u.tbuf_op.nr_cpus = 8;
	return hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
}

static int64_t map_xen(uint64_t frame, uint64_t gfn)
{
	int32_t err = 99;
	struct xen_add_to_physmap_batch b = { DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, DOMID_XEN,
					      &frame, &gfn, &err };
	int64_t rc = hc_memory(XENMEM_add_to_physmap_batch, &b);

	return rc ? rc : err;
}

static void check_without_buffers(void)
{
	check_eq("trace.info_first", tbuf_op(XEN_SYSCTL_TBUFOP_get_info, 0), 0);
	check_eq("trace.info_first_mfn", (int64_t)sc.u.tbuf_op.buffer_mfn, 0);
	check_eq("trace.info_first_size", sc.u.tbuf_op.size, 0);
	check_eq("trace.info_first_mask", sc.u.tbuf_op.evt_mask, 0x0ffff000);
	check_eq("trace.enable_first", tbuf_op(XEN_SYSCTL_TBUFOP_enable, 0), -XEN_EINVAL);
	check_eq("trace.disable_first", tbuf_op(XEN_SYSCTL_TBUFOP_disable, 0), 0);
	check_eq("trace.unknown_cmd", tbuf_op(6, 0), -XEN_EINVAL);
	check_eq("trace.no_xen_page", map_xen(virt_to_gfn(&sc), scratch_gfn()), -XEN_EINVAL);
	check_eq("trace.set_mask", tbuf_op(XEN_SYSCTL_TBUFOP_set_evt_mask, 0x0002f000), 0);
	check_eq("trace.info_mask", tbuf_op(XEN_SYSCTL_TBUFOP_get_info, 0), 0);
	check_eq("trace.info_mask_is", sc.u.tbuf_op.evt_mask, 0x0002f000);
	check_eq("trace.size_0", tbuf_op(XEN_SYSCTL_TBUFOP_set_size, 0), -XEN_EINVAL);
}

static void check_buffers(void)
{
	uint64_t at = scratch_gfns(1 + PAGES), gfn = at << PAGE_SHIFT;
	const volatile struct t_info *info = (void *)gfn;
	const volatile uint32_t *mfns;

	check_eq("trace.size", tbuf_op(XEN_SYSCTL_TBUFOP_set_size, PAGES), 0);
	check_eq("trace.other_size", tbuf_op(XEN_SYSCTL_TBUFOP_set_size, PAGES + 1), -XEN_EINVAL);
	check_eq("trace.same_size", tbuf_op(XEN_SYSCTL_TBUFOP_set_size, PAGES), -XEN_EBUSY);
	check_eq("trace.info", tbuf_op(XEN_SYSCTL_TBUFOP_get_info, 0), 0);
	check("trace.info_mfn", sc.u.tbuf_op.buffer_mfn != 0);
	check("trace.info_size", sc.u.tbuf_op.size && sc.u.tbuf_op.size % PAGE_SIZE == 0);
	check_eq("trace.map_info", map_xen(sc.u.tbuf_op.buffer_mfn, at), 0);
	check_eq("trace.tbuf_size", info->tbuf_size, PAGES);
	/* Real Xen takes this trap for ever. */
	if (!str_contains(machine.bootargs, "hyp=xen"))
		check("trace.info_is_read_only", !probe_write32(gfn, 0));
	mfns = (const volatile uint32_t *)info + info->mfn_offset[0];
	for (unsigned int i = 0; i < PAGES; i++)
		check_eqf(map_xen(mfns[i], at + 1 + i), 0, "trace.map_ring_%u", i);
	ring = (volatile struct t_buf *)(gfn + PAGE_SIZE);
	check_eq("trace.empty_cons", ring->cons, 0);
	check_eq("trace.empty_prod", ring->prod, 0);
}

/* The next record's first word; behind the time come the others. */
static uint32_t next_record(uint32_t extra[7])
{
	const volatile uint32_t *data = (const volatile uint32_t *)(ring + 1);
	uint32_t at = ring->cons, head, nr, words;

	if (at == ring->prod)
		return 0;
	head = data[at % DATA / 4];
	nr = head >> 28 & 7;
	words = 1 + nr + (head >> 31 ? 2 : 0);
	for (uint32_t i = 0; i < nr; i++)
		extra[i] = data[(at + (words - nr + i) * 4) % DATA / 4];
	ring->cons = (at + words * 4) % (2 * DATA);
	return head & 0x0fffffff;
}

/* Counts runstate records of a vcpu from one state to another; all that there is is taken. */
static uint32_t count_changes(uint32_t dom, uint32_t from, uint32_t to)
{
	uint32_t extra[7], event, n = 0;

	while ((event = next_record(extra)) != 0)
		n += event == (0x21001 | from << 8 | to << 4) && extra[0] == dom << 16;
	return n;
}

static void check_records(void)
{
	uint32_t prod;

	check_eq("trace.enable", tbuf_op(XEN_SYSCTL_TBUFOP_enable, 0), 0);
	sleep_us(100);
	sleep_us(100);
	check_range("trace.blocks", count_changes(0, 0, 2), 1, 4);
	sleep_us(100);
	check_range("trace.wakes", count_changes(0, 2, 1), 1, 2);
	sleep_us(100);
	check_range("trace.runs", count_changes(0, 1, 0), 1, 2);
	sleep_us(100);
	check_range("trace.idles", count_changes(DOMID_IDLE, 1, 0), 1, 2);
	sleep_us(100);
	check_range("trace.idles_no_more", count_changes(DOMID_IDLE, 0, 1), 1, 2);
	check_eq("trace.mask_off", tbuf_op(XEN_SYSCTL_TBUFOP_set_evt_mask, 0x0010f000), 0);
	prod = ring->prod;
	sleep_us(100);
	check_eq("trace.masked", ring->prod, prod);
	check_eq("trace.mask_on", tbuf_op(XEN_SYSCTL_TBUFOP_set_evt_mask, 0x00021000), 0);
	sleep_us(100);
	check("trace.unmasked", ring->prod != prod);
	check_eq("trace.no_cpus", set_cpus(0), 0);
	prod = ring->prod;
	sleep_us(100);
	check_eq("trace.no_cpus_no_records", ring->prod, prod);
	check_eq("trace.cpus", set_cpus(1), 0);
	sleep_us(100);
	check("trace.cpus_records", ring->prod != prod);
	check_eq("trace.disable", tbuf_op(XEN_SYSCTL_TBUFOP_disable, 0), 0);
	prod = ring->prod;
	sleep_us(100);
	check_eq("trace.disabled", ring->prod, prod);
}

static void on_virq(uint32_t port)
{
	virqs += port == virq_port;
}

/* It fills up, says so once, loses the rest, and says how much. */
static void check_full(void)
{
	struct evtchn_bind_virq bind = { VIRQ_TBUF, 0, 0 };
	uint32_t extra[7] = { 0 }, event, last = 0, before = 0;

	events_init();
	check_eq("trace.bind_virq", hc_evtchn(EVTCHNOP_bind_virq, &bind), 0);
	virq_port = bind.port;
	event_handle(bind.port, on_virq);
	event_unmask(bind.port);
	ring->cons = ring->prod;
	tbuf_op(XEN_SYSCTL_TBUFOP_set_evt_mask, 0x00021000);
	tbuf_op(XEN_SYSCTL_TBUFOP_enable, 0);
	for (int i = 0; i < 300; i++)
		sleep_us(20);
	check_eq("trace.virq", (int64_t)virqs, 1);
	check_range("trace.full", (ring->prod + 2 * DATA - ring->cons) % (2 * DATA), DATA - 64, DATA);
	ring->cons = ring->prod;
	before = ring->prod;
	sleep_us(20);
	check("trace.goes_on", ring->prod != before);
	event = next_record(extra);
	if (event == 0x1f002)
		event = next_record(extra);
	check_eq("trace.lost_event", event, 0x1f001);
	check_range("trace.lost_records", extra[0], 100, 1200);
	while (next_record(extra))
		last++;
	check_range("trace.after_lost", last, 1, 8);
}

static void check_hostile(void)
{
	static const uint32_t lies[] = { 1, 2 * DATA, 0xfffffffc, 0x80000000 };
	uint32_t prod;

	for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
		tbuf_op(XEN_SYSCTL_TBUFOP_enable, 0);
		ring->cons = lies[i];
		prod = ring->prod;
		sleep_us(100);
		check_eqf(ring->prod, prod, "trace.lie_%u", i);
		ring->cons = prod;
		sleep_us(100);
		check_eqf(ring->prod, prod, "trace.lie_%u_is_off", i);
	}
	tbuf_op(XEN_SYSCTL_TBUFOP_enable, 0);
	prod = ring->prod;
	sleep_us(100);
	check("trace.on_again", ring->prod != prod);
	tbuf_op(XEN_SYSCTL_TBUFOP_disable, 0);
}

void guest_main(void)
{
	vtimer_init();
	check_without_buffers();
	check_buffers();
	check_records();
	check_full();
	check_hostile();
}
