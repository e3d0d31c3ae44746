// SPDX-License-Identifier: Apache-2.0
/* Making domains by domctl: what is accepted, every refusal, the life of a domain, and its end. */
/* machine: smp=1 vcpus=2 timeout=300 */
#include "guest.h"

#define DOMCTL_VERSION 0x15
#define DOMID_ANY      0xffff
#define NONE	       0x7000 /* a domain that is not there */
#define RAM_GFN	       0x40000ul
#define RAM_PAGES      16
#define ROUNDS	       50
#define FLAGS_OK       3u
#define PAUSED	       (1u << 3)
#define EOVERFLOW      75
#define ENODATA	       61
#define HUNDREDTH      (62500000ul / 100) /* of a second, of the counter */
#define PC_FIELD       32 /* of the words of a context: flags, x0 to x30, pc, cpsr, spsr_el1 */
#define CPSR_FIELD     33
#define SPSR_FIELD     34
#define SP_EL1_FIELD   38
#define SCTLR_FIELD    40

enum {
	CREATE = 1, DESTROY = 2, PAUSE = 3, UNPAUSE = 4, INFO = 5, MAX_MEM = 11, SET_CONTEXT = 12,
	GET_CONTEXT = 13, VCPU_INFO = 14, MAX_VCPUS = 15, SET_HANDLE = 17, SET_DEBUGGING = 18,
	TIME_OFFSET = 24, RESUME = 27, SUBSCRIBE = 29, SET_SIZE = 35, GET_SIZE = 36, SET_NODES = 68,
	GET_NODES = 69, FLUSH = 71, GET_POOL = 85, SET_POOL = 86,
};

struct createdomain {
	uint32_t ssidref;
	uint8_t handle[16];
	uint32_t flags, iommu_opts, max_vcpus, max_evtchn_port;
	int32_t max_grant_frames, max_maptrack_frames;
	uint32_t grant_opts, vmtrace_size, cpupool_id;
	uint8_t gic_version;
	uint16_t tee_type;
	uint32_t nr_spis, clock_frequency;
};

static struct {
	uint32_t cmd, version;
	uint16_t domain, pad[3];
	union {
		struct createdomain create;
		struct {
			uint16_t domain, pad;
			uint32_t flags;
			uint64_t tot_pages, max_pages, other[3], shared_info, cpu_time;
			uint32_t online, max_vcpu_id, ssidref;
			uint8_t handle[16];
		} info;
		struct {
			uint32_t vcpu;
			uint8_t online, blocked, running;
			uint64_t cpu_time;
			uint32_t cpu;
		} vcpu_info;
		struct {
			uint32_t vcpu;
			uint64_t *at;
		} context;
		struct {
			uint64_t *map;
			uint32_t nr_bits;
		} nodes;
		uint32_t w[32];
		uint64_t x[16];
	} u;
} op;

static uint64_t context[64];

static int64_t domctl(uint32_t cmd, uint16_t dom)
{
	op.cmd = cmd;
	op.version = DOMCTL_VERSION;
	op.domain = dom;
	return hypercall(HC_domctl, (uint64_t)&op, 0, 0, 0);
}

/* With one argument of 64 bits. */
static int64_t domctl_x(uint32_t cmd, uint16_t dom, uint64_t x)
{
	memset(&op.u, 0, sizeof(op.u));
	op.u.x[0] = x;
	return domctl(cmd, dom);
}

static struct createdomain *plan(uint32_t nr_vcpus)
{
	memset(&op, 0, sizeof(op));
	op.u.create = (struct createdomain){ .flags = FLAGS_OK, .max_vcpus = nr_vcpus,
					     .max_evtchn_port = 1023, .max_grant_frames = -1,
					     .max_maptrack_frames = -1, .grant_opts = 1 };
	return &op.u.create;
}

static uint16_t create(uint32_t nr_vcpus)
{
	plan(nr_vcpus);
	if (domctl(CREATE, DOMID_ANY))
		guest_abort("no domain can be made");
	return op.domain;
}

/* ---- createdomain ---- */

static const struct {
	const char *name;
	uint8_t word; /* of the argument, 32 bits each */
	uint32_t value;
	int64_t rc;
} plans[] = {
	{ "flags_none", 5, 0, -XEN_EINVAL },
	{ "flags_hvm", 5, 1, -XEN_EINVAL },
	{ "flags_hap", 5, 2, -XEN_EINVAL },
	{ "flags_s3", 5, 7, -XEN_EINVAL },
	{ "flags_xs_domain", 5, 0x13, -XEN_EINVAL },
	{ "flags_iommu", 5, 0x23, -XEN_EINVAL },
	{ "flags_nested", 5, 0x43, -XEN_EINVAL },
	{ "flags_unknown", 5, 0x103, -XEN_EINVAL },
	{ "iommu_opts", 6, 1, -XEN_EINVAL },
	{ "vcpus_0", 7, 0, -XEN_EINVAL },
	{ "vcpus_128", 7, 128, 0 },
	{ "vcpus_129", 7, 129, -XEN_EINVAL },
	{ "evtchn_0", 8, 0, 0 },
	{ "evtchn_all", 8, ~0u, 0 },
	{ "grants_0", 9, 0, -XEN_EINVAL },
	{ "grants_64", 9, 64, 0 },
	{ "grants_65", 9, 65, -XEN_EINVAL },
	{ "grants_negative", 9, 0x80000000, 0 },
	{ "maptrack_0", 10, 0, 0 },
	{ "maptrack_1024", 10, 1024, 0 },
	{ "maptrack_1025", 10, 1025, -XEN_EINVAL },
	{ "grant_version_0", 11, 0, -XEN_EINVAL },
	{ "grant_version_2", 11, 2, -XEN_EINVAL },
	{ "grant_version_3", 11, 3, -XEN_EINVAL },
	{ "grant_opts", 11, 0x11, -XEN_EINVAL },
	{ "vmtrace", 12, 4096, -XEN_EINVAL },
	{ "pool_5", 13, 5, -XEN_ESRCH },
	{ "gic_v2", 14, 1, -XEN_ENODEV },
	{ "gic_v3", 14, 2, 0 },
	{ "gic_unknown", 14, 3, -XEN_EINVAL },
	{ "tee_optee", 14, 1 << 16, -XEN_EINVAL },
	{ "tee_unknown", 14, 2 << 16, -XEN_EINVAL },
	{ "spis_960", 15, 960, 0 },
	{ "spis_961", 15, 961, -XEN_EINVAL },
	{ "clock", 16, 77, 0 },
};

static void check_plans(void)
{
	uint16_t first = create(1);

	check_eq("domctl.create.native_gic", op.u.create.gic_version, 2);
	check_eq("domctl.create.clock_is_not_told", op.u.create.clock_frequency, 0);
	check_eq("domctl.create.destroyed", domctl_x(DESTROY, first, 0), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(plans); i++) {
		plan(1);
		op.u.w[plans[i].word] = plans[i].value;
		check_eqf(domctl(CREATE, DOMID_ANY), plans[i].rc, "domctl.create.%s", plans[i].name);
		/* Each attempt uses up a number. */
		check_eqf(op.domain, plans[i].rc ? DOMID_ANY : (uint16_t)(first + 1 + i),
			  "domctl.create.%s_number", plans[i].name);
		if (!plans[i].rc)
			domctl_x(DESTROY, op.domain, 0);
	}
}

static void check_numbers(void)
{
	uint16_t chosen;

	plan(1);
	check_eq("domctl.number.wanted", domctl(CREATE, 700), 0);
	check_eq("domctl.number.got", op.domain, 700);
	plan(1);
	check_eq("domctl.number.taken", domctl(CREATE, 700), -XEN_EEXIST);
	check_eq("domctl.number.given_back", domctl_x(DESTROY, 700, 0), 0);
	chosen = create(1);
	domctl_x(DESTROY, chosen, 0);
	plan(1);
	check_eq("domctl.number.zero_is_any", domctl(CREATE, 0), 0);
	check_eq("domctl.number.next", op.domain, (uint16_t)(chosen + 1));
	domctl_x(DESTROY, op.domain, 0);
	plan(1);
	check_eq("domctl.number.reserved_is_any", domctl(CREATE, 0x7ff0), 0);
	check_eq("domctl.number.next_again", op.domain, (uint16_t)(chosen + 2));
	check_eq("domctl.number.back", domctl_x(DESTROY, op.domain, 0), 0);
	check_eq("domctl.number.gone", domctl_x(DESTROY, chosen, 0), -XEN_ESRCH);
}

/* ---- vcpus ---- */

static int64_t vcpu_context(uint32_t cmd, uint16_t d, uint32_t vcpu, uint64_t *at)
{
	memset(&op.u, 0, sizeof(op.u));
	op.u.context.vcpu = vcpu;
	op.u.context.at = at;
	return domctl(cmd, d);
}

static void check_vcpus(uint16_t d)
{
	check_eq("domctl.vcpus.info_early", domctl_x(VCPU_INFO, d, 0), -XEN_ESRCH);
	check_eq("domctl.vcpus.none", domctl_x(MAX_VCPUS, d, 0), -XEN_EINVAL);
	check_eq("domctl.vcpus.fewer", domctl_x(MAX_VCPUS, d, 1), -XEN_EINVAL);
	check_eq("domctl.vcpus.more", domctl_x(MAX_VCPUS, d, 3), -XEN_EINVAL);
	check_eq("domctl.vcpus.all", domctl_x(MAX_VCPUS, d, 2), 0);
	check_eq("domctl.vcpus.again", domctl_x(MAX_VCPUS, d, 2), 0);
	check_eq("domctl.vcpus.own", domctl_x(MAX_VCPUS, 0, 2), -XEN_EINVAL);
	check_eq("domctl.vcpus.info", domctl_x(VCPU_INFO, d, 0), 0);
	check_eq("domctl.vcpus.offline", op.u.vcpu_info.online, 0);
	check_eq("domctl.vcpus.info_past", domctl_x(VCPU_INFO, d, 2), -XEN_EINVAL);
}

static void check_modes(uint16_t d, uint32_t good, const char *width)
{
	uint32_t taken = 0;

	memset(context, 0, sizeof(context));
	for (uint32_t mode = 0; mode < 32; mode++) {
		context[CPSR_FIELD] = mode | 0x1c0;
		if (!vcpu_context(SET_CONTEXT, d, 1, context))
			taken |= 1u << mode;
	}
	check_eqf(taken, good, "domctl.context.modes_%s", width);
}

static void check_contexts(uint16_t d)
{
	check_eq("domctl.context.none_yet", vcpu_context(GET_CONTEXT, d, 0, context), -ENODATA);
	check_eq("domctl.context.no_vcpu", vcpu_context(GET_CONTEXT, d, 2, context), -XEN_EINVAL);
	check_eq("domctl.context.own", vcpu_context(GET_CONTEXT, 0, 0, context), -XEN_EINVAL);
	check_eq("domctl.context.own_other", vcpu_context(GET_CONTEXT, 0, 1, context), -ENODATA);
	check_eq("domctl.context.set_own", vcpu_context(SET_CONTEXT, 0, 1, context), -XEN_EINVAL);
	check_eq("domctl.context.set_no_vcpu", vcpu_context(SET_CONTEXT, d, 2, context),
		 -XEN_EINVAL);
	check_eq("domctl.context.set_bad_address",
		 vcpu_context(SET_CONTEXT, d, 0, (uint64_t *)UNMAPPED_ADDRESS), -XEN_EFAULT);
	check_eq("domctl.size.16", domctl_x(SET_SIZE, d, 16), -XEN_EINVAL);
	check_eq("domctl.size.64", domctl_x(SET_SIZE, d, 64), 0);
	check_eq("domctl.size.own", domctl_x(SET_SIZE, 0, 64), -XEN_EBUSY);
	check_eq("domctl.size.get", domctl_x(GET_SIZE, d, 0), -XEN_ENOSYS);
	check_modes(d, 0x31, "64");
	memset(context, 0, sizeof(context));
	context[CPSR_FIELD] = 0x1c5;
	context[SPSR_FIELD] = 9;
	check_eq("domctl.context.saved_mode", vcpu_context(SET_CONTEXT, d, 0, context),
		 -XEN_EINVAL);
	for (uint32_t i = 1; i < PC_FIELD; i++)
		context[i] = 0x1000 + i;
	context[PC_FIELD] = RAM_GFN << PAGE_SHIFT;
	context[SPSR_FIELD] = 0x3c5;
	context[SP_EL1_FIELD] = 0x5555;
	context[SCTLR_FIELD] = 0x30d00800;
	check_eq("domctl.context.set", vcpu_context(SET_CONTEXT, d, 0, context), 0);
	memset(context, 0xff, sizeof(context));
	check_eq("domctl.context.get", vcpu_context(GET_CONTEXT, d, 0, context), 0);
	check_eq("domctl.context.flags", (int64_t)context[0], 0);
	check_eq("domctl.context.x0", (int64_t)context[1], 0x1001);
	check_eq("domctl.context.x30", (int64_t)context[31], 0x101f);
	check_eq("domctl.context.pc", (int64_t)context[PC_FIELD], RAM_GFN << PAGE_SHIFT);
	check_eq("domctl.context.cpsr", (int64_t)context[CPSR_FIELD], 0x1c5);
	check_eq("domctl.context.sp_el1", (int64_t)context[SP_EL1_FIELD], 0x5555);
	check_eq("domctl.context.sctlr", (int64_t)context[SCTLR_FIELD], 0x30d00800);
	check_eq("domctl.context.get_bad_address",
		 vcpu_context(GET_CONTEXT, d, 0, (uint64_t *)UNMAPPED_ADDRESS), -XEN_EFAULT);
	check_eq("domctl.context.reset", vcpu_context(SET_CONTEXT, d, 0, NULL), 0);
	check_eq("domctl.context.set_again",
		 (context[0] = 0, vcpu_context(SET_CONTEXT, d, 0, context)), 0);
}

/* ---- memory ---- */

static int64_t populate(uint16_t d)
{
	static uint64_t gfns[RAM_PAGES];
	struct xen_memory_reservation r = { gfns, RAM_PAGES, 0, 0, d };

	for (uint32_t i = 0; i < RAM_PAGES; i++)
		gfns[i] = RAM_GFN + i;
	return hc_memory(XENMEM_populate_physmap, &r);
}

static int64_t flush(uint16_t d, uint64_t gfn, uint64_t nr)
{
	memset(&op.u, 0, sizeof(op.u));
	op.u.x[0] = gfn;
	op.u.x[1] = nr;
	return domctl(FLUSH, d);
}

static void check_memory(uint16_t d)
{
	check_eq("domctl.memory.none_allowed", populate(d), 0);
	check_eq("domctl.memory.max", domctl_x(MAX_MEM, d, ~0ul), 0);
	check_eq("domctl.memory.info", domctl_x(INFO, d, 0), 0);
	check_eq("domctl.memory.max_pages", (int64_t)op.u.info.max_pages, 0xffffffff);
	check_eq("domctl.memory.max_rounds_down", domctl_x(MAX_MEM, d, 7), 0);
	domctl_x(INFO, d, 0);
	check_eq("domctl.memory.max_one", (int64_t)op.u.info.max_pages, 1);
	check_eq("domctl.memory.one_of_them", populate(d), 1);
	check_eq("domctl.memory.limit", domctl_x(MAX_MEM, d, RAM_PAGES * 4), 0);
	domctl_x(INFO, d, 0);
	check_eq("domctl.memory.pages", (int64_t)op.u.info.tot_pages, 1);
	check_eq("domctl.size.with_memory", domctl_x(SET_SIZE, d, 64), -XEN_EBUSY);
	check_eq("domctl.pool.get", domctl_x(GET_POOL, d, 0), 0);
	check_eq("domctl.pool.first", (int64_t)op.u.x[0], 0x10000);
	check_eq("domctl.pool.set", domctl_x(SET_POOL, d, 1 << 20), 0);
	domctl_x(GET_POOL, d, 0);
	check_eq("domctl.pool.is", (int64_t)op.u.x[0], 1 << 20);
	check_eq("domctl.pool.unaligned", domctl_x(SET_POOL, d, 4097), -XEN_EINVAL);
	check_eq("domctl.pool.own", domctl_x(GET_POOL, 0, 0), 0);
	check_eq("domctl.flush.all", flush(d, RAM_GFN, RAM_PAGES), 0);
	check_eq("domctl.flush.none", flush(d, RAM_GFN, 0), 0);
	check_eq("domctl.flush.hole", flush(d, RAM_GFN + 0x1000, 10), 0);
	check_eq("domctl.flush.most", flush(d, RAM_GFN, 1ul << 18), 0);
	check_eq("domctl.flush.more", flush(d, RAM_GFN, (1ul << 18) + 1), -XEN_EINVAL);
	check_eq("domctl.flush.around", flush(d, ~0ul, 2), -XEN_EINVAL);
}

/* ---- pauses and notes ---- */

static void check_pauses(uint16_t d)
{
	uint32_t n = 0;

	domctl_x(INFO, d, 0);
	check_eq("domctl.pause.at_first", op.u.info.flags & PAUSED, PAUSED);
	while (n < 300 && !domctl_x(PAUSE, d, 0))
		n++;
	check_eq("domctl.pause.most", n, 254);
	check_eq("domctl.pause.too_many", domctl_x(PAUSE, d, 0), -EOVERFLOW);
	for (n = 0; n < 300 && !domctl_x(UNPAUSE, d, 0); n++)
		;
	check_eq("domctl.unpause.all", n, 255);
	check_eq("domctl.unpause.more", domctl_x(UNPAUSE, d, 0), -XEN_EINVAL);
	domctl_x(INFO, d, 0);
	check_eq("domctl.unpause.seen", op.u.info.flags & PAUSED, 0);
	check_eq("domctl.pause.again", domctl_x(PAUSE, d, 0), 0);
	check_eq("domctl.pause.own", domctl_x(PAUSE, 0, 0), -XEN_EINVAL);
	check_eq("domctl.unpause.own", domctl_x(UNPAUSE, 0, 0), -XEN_EINVAL);
	check_eq("domctl.destroy.own", domctl_x(DESTROY, 0, 0), -XEN_EINVAL);
	check_eq("domctl.resume.own", domctl_x(RESUME, 0, 0), -XEN_EINVAL);
	check_eq("domctl.debugging.own", domctl_x(SET_DEBUGGING, 0, 1), -XEN_EINVAL);
	check_eq("domctl.pause.none", domctl_x(PAUSE, NONE, 0), -XEN_ESRCH);
}

static int64_t nodes(uint32_t cmd, uint16_t d, uint64_t *map, uint32_t nr_bits)
{
	memset(&op.u, 0, sizeof(op.u));
	op.u.nodes.map = map;
	op.u.nodes.nr_bits = nr_bits;
	return domctl(cmd, d);
}

static void check_notes(uint16_t d)
{
	uint64_t map = 1;

	check_eq("domctl.resume.runs", domctl_x(RESUME, d, 0), 0);
	check_eq("domctl.time_offset", domctl_x(TIME_OFFSET, d, 5), 0);
	check_eq("domctl.subscribe", domctl_x(SUBSCRIBE, d, 99), 0);
	check_eq("domctl.debugging", domctl_x(SET_DEBUGGING, d, 1), 0);
	check_eq("domctl.handle", domctl_x(SET_HANDLE, d, 0x1234), 0);
	domctl_x(INFO, d, 0);
	check_eq("domctl.handle.is", op.u.info.handle[1], 0x12);
	check_eq("domctl.debugging.is", op.u.info.flags & 1u << 6, 1 << 6);
	check_eq("domctl.nodes.first", nodes(SET_NODES, d, &map, 8), 0);
	map = 0;
	check_eq("domctl.nodes.none", nodes(SET_NODES, d, &map, 8), -XEN_EINVAL);
	map = 2;
	check_eq("domctl.nodes.unknown", nodes(SET_NODES, d, &map, 8), -XEN_EINVAL);
	map = ~0ul;
	check_eq("domctl.nodes.get", nodes(GET_NODES, d, &map, 64), 0);
	check_eq("domctl.nodes.one", (int64_t)map, 1);
	check_eq("domctl.nodes.bad_address",
		 nodes(SET_NODES, d, (uint64_t *)UNMAPPED_ADDRESS, 8), -XEN_EFAULT);
}

static void check_life(void)
{
	uint16_t d = create(2);

	check_vcpus(d);
	check_contexts(d);
	check_memory(d);
	check_pauses(d);
	check_notes(d);
	check_eq("domctl.destroy", domctl_x(DESTROY, d, 0), 0);
}

/* ---- many lives ---- */

static uint64_t free_pages(void)
{
	static struct xen_sysctl sc;

	sc.cmd = XEN_SYSCTL_physinfo;
	sc.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
	return sc.u.physinfo.free_pages;
}

/* The last domain's end may take a moment. */
static uint64_t free_pages_at_rest(void)
{
	uint64_t before, now = free_pages();

	do {
		uint64_t until = counter() + HUNDREDTH;

		before = now;
		while (counter() < until)
			hc_sched(SCHEDOP_yield, NULL);
		now = free_pages();
	} while (now != before);
	return now;
}

/* A domain that runs: its memory is zeroes, so it takes one exception after the other. */
static bool live_and_die(bool run)
{
	uint16_t d = create(2);
	bool ok = !domctl_x(MAX_VCPUS, d, 2) && !domctl_x(SET_SIZE, d, 64) &&
		  !domctl_x(MAX_MEM, d, RAM_PAGES * 4) && !domctl_x(SET_POOL, d, 1 << 20) &&
		  populate(d) == RAM_PAGES;
	struct evtchn_alloc_unbound ports = { .dom = d, .remote_dom = 0 };

	memset(context, 0, sizeof(context));
	context[0] = 1;
	context[PC_FIELD] = RAM_GFN << PAGE_SHIFT;
	context[CPSR_FIELD] = 0x3c5;
	context[SCTLR_FIELD] = 0x30d00800;
	ok &= !hc_evtchn(EVTCHNOP_alloc_unbound, &ports) &&
	      !vcpu_context(SET_CONTEXT, d, 0, context);
	if (run) {
		ok &= !domctl_x(UNPAUSE, d, 0);
		hc_sched(SCHEDOP_yield, NULL);
		ok &= !vcpu_context(GET_CONTEXT, d, 0, context) && context[0] == 1;
	}
	return ok && !domctl_x(DESTROY, d, 0);
}

static void check_rounds(void)
{
	uint64_t before;
	uint32_t good = 0;

	live_and_die(true);
	before = free_pages_at_rest();
	for (uint32_t i = 0; i < ROUNDS; i++)
		good += live_and_die(i % 25 == 0);
	check_eq("domctl.rounds", good, ROUNDS);
	check_eq("domctl.rounds.pages", (int64_t)free_pages_at_rest(), (int64_t)before);
}

void guest_main(void)
{
	check_plans();
	check_numbers();
	check_life();
	check_rounds();
}
