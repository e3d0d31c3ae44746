// SPDX-License-Identifier: Apache-2.0
/*
 * Two guests that share a machine; "hostile" or "calm" in the kernel's command line says which one
 * this is, run=N for how many seconds of the machine's time. tests/system/hostile.py compares.
 *
 * The calm one computes a chain of checksums, a link at every beat of its virtual timer, and says
 * how late the beats were. The hostile one does whatever may hurt others, at random from seed=N:
 * hypercalls, device registers, system registers, firmware calls, event and grant abuse, mapping all
 * over its addresses. What would only end itself it leaves out: it is to go on. At last it has
 * itself restarted.
 */
#include "guest.h"

#define BEAT_US	   50000
#define BEATS_LINE 10	/* beats per line printed */
#define LATE_US	   5000
#define WORDS	   32768
#define LINKS	   512	/* words in one beat's part of the checksum */

#define MIB	  (1ul << 20)
#define PAGES	  64	/* of each arena */
#define SPARSE	  (0x10000000000ul >> 1 >> PAGE_SHIFT) /* nothing is mapped from here on */
#define SPARSE_GFNS (1u << 22)

static uint64_t number_after(const char *word, uint64_t none)
{
	const char *s = machine.bootargs;
	uint64_t n = 0;

	while (*s && memcmp(s, word, strlen(word)))
		s++;
	if (!*s)
		return none;
	for (s += strlen(word); *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

/* ---- the calm one ---- */

static uint64_t words[WORDS];

static uint64_t link_of(uint64_t sum, uint64_t beat)
{
	for (uint64_t k = 0; k < LINKS; k++)
		sum = ((sum << 7 | sum >> 57) ^ words[(beat * LINKS + k) % WORDS]) * 0x100000001b3ul;
	return sum;
}

static void wait_beat(uint64_t deadline)
{
	uint64_t fired = vtimer_fired;

	vtimer_arm_at(deadline);
	for (;;) {
		irq_disable();
		if (READ_ONCE(vtimer_fired) != fired)
			break;
		wfi();
		irq_enable();
		isb();
	}
	irq_enable();
}

static void be_calm(uint64_t seconds)
{
	uint64_t start, sum = 1, worst = 0, late = 0, beat;

	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = (i + 1) * 0x9e3779b97f4a7c15ul;
	print("neighbour: ready\n");
	start = counter();
	for (beat = 1; beat <= seconds * 1000000 / BEAT_US; beat++) {
		uint64_t deadline = start + ns_to_ticks(beat * BEAT_US * 1000), by;

		wait_beat(deadline);
		by = ticks_to_ns(vtimer_stamp - deadline) / 1000;
		worst = by > worst ? by : worst;
		late += by > LATE_US;
		sum = link_of(sum, beat);
		if (beat % BEATS_LINE == 0)
			print("neighbour: beat %lu sum %016lx late %lu worst %lu us\n", beat, sum,
			      late, worst);
	}
	print("neighbour: over\n");
}

/* ---- chance ---- */

struct dice {
	uint64_t state;
};

static uint64_t rnd64(struct dice *d)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return d->state;
}

static uint32_t rnd(struct dice *d, uint32_t n)
{
	return (uint32_t)(rnd64(d) >> 24) % n;
}

/* Never its own image, by address or by frame number. */
static uint64_t wild(struct dice *d)
{
	uint64_t bit;

	switch (rnd(d, 6)) {
	case 0:
		bit = 1ul << rnd(d, 64);
		return bit == machine.memory[0].base || bit == machine.memory[0].base >> PAGE_SHIFT ?
			       0 : bit;
	case 1:
		return ~0ul >> rnd(d, 64);
	case 2:
		return rnd64(d);
	default:
		return rnd(d, 40);
	}
}

/*
 * ---- the hostile one's memory: one arena that it keeps, one that it may lose; behind them a hole,
 * where the answers to lists without end end ----
 */

static struct {
	uint8_t kept[PAGES][PAGE_SIZE];
	uint8_t lost[PAGES][PAGE_SIZE];
	uint8_t hole[PAGE_SIZE];
} arena PAGE_ALIGNED;

#define kept arena.kept
#define lost arena.lost

static void hole_make(void)
{
	uint64_t g = virt_to_gfn(arena.hole);
	struct xen_memory_reservation r = { &g, 1, 0, 0, DOMID_SELF };

	if (hc_memory(XENMEM_decrease_reservation, &r) != 1)
		guest_abort("no hole can be made");
}

static uint64_t any_gfn(struct dice *d)
{
	switch (rnd(d, 8)) {
	case 0:
		return virt_to_gfn(kept[rnd(d, PAGES)]);
	case 1:
		return SPARSE + wild(d) % (1ul << 36);
	case 2:
		return SPARSE + 512ul * rnd(d, SPARSE_GFNS / 512);
	case 3:
		return SPARSE + rnd(d, 256);
	default:
		return virt_to_gfn(lost[rnd(d, PAGES)]);
	}
}

/* Where something else may come, or nothing be left: all but what it stands on. */
static uint64_t spare_gfn(struct dice *d)
{
	uint64_t g = any_gfn(d);

	return g - virt_to_gfn(kept) < PAGES ? virt_to_gfn(lost) : g;
}

/* Good, not there, not mapped, misaligned, over the end of a page. */
static void *any_pointer(struct dice *d)
{
	uint8_t *page = kept[rnd(d, PAGES - 1)];

	switch (rnd(d, 10)) {
	case 0:
		return lost[rnd(d, PAGES)];
	case 1:
		return (void *)UNMAPPED_ADDRESS;
	case 2:
		return (void *)(hole_address() + rnd(d, PAGE_SIZE));
	case 3:
		return page + PAGE_SIZE - 1 - rnd(d, 64);
	case 4:
		return (void *)(rnd64(d) & ~0xffffffful);
	default:
		return page + rnd(d, 256) * 8;
	}
}

static uint16_t any_domain(struct dice *d)
{
	static const uint16_t ids[] = { 0, 1, 2, 3, DOMID_SELF, DOMID_SELF, 0x7ff1, 0x7ff2, 0xffff };

	return ids[rnd(d, ARRAY_SIZE(ids))];
}

/* Of a list: seldom without end, since that takes long. */
static uint64_t many(struct dice *d)
{
	return rnd(d, 16) ? rnd(d, 200) : wild(d);
}

static void fill(struct dice *d, void *p, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
		*(volatile uint32_t *)((uint8_t *)p + i) = (uint32_t)wild(d);
}

/* ---- hypercalls ---- */

/* Numbers with words; those that could end or maim the caller are made below, with care. */
static void do_raw(struct dice *d)
{
	uint64_t nr = rnd(d, 4) ? rnd(d, 44) : wild(d), args[5];

	if (nr == HC_memory_op || nr == HC_sched_op || nr == HC_multicall ||
	    nr == HC_grant_table_op)
		nr = HC_xen_version;
	for (int i = 0; i < 5; i++)
		args[i] = rnd(d, 2) ? wild(d) : (uint64_t)any_pointer(d);
	hypercall5(args, nr);
}

static void do_events(struct dice *d)
{
	uint32_t arg[8];

	fill(d, arg, sizeof(arg));
	if (rnd(d, 2))
		arg[0] = rnd(d, 2) ? any_domain(d) | (uint32_t)any_domain(d) << 16 : rnd(d, 64);
	if (rnd(d, 8) == 0)
		hc_evtchn(rnd(d, 16), any_pointer(d));
	else
		hc_evtchn(rnd(d, 16), arg);
}

static void do_fifo(struct dice *d)
{
	struct evtchn_init_control init = { virt_to_gfn(kept[rnd(d, PAGES)]), rnd(d, 512) * 8,
					    rnd(d, 2), 0, { 0 } };
	struct evtchn_expand_array expand = { virt_to_gfn(kept[rnd(d, PAGES)]) };

	hc_evtchn(EVTCHNOP_init_control, &init);
	hc_evtchn(EVTCHNOP_expand_array, &expand);
}

/* Event words, control blocks, runstate, vcpu_info, grant entries: all of it may lie there. */
static void do_scribble(struct dice *d)
{
	volatile uint32_t *p = (volatile uint32_t *)kept[rnd(d, PAGES)];

	for (uint32_t n = rnd(d, 32); n; n--)
		p[rnd(d, 4) ? rnd(d, 64) : rnd(d, 1024)] =
			(uint32_t)(rnd(d, 2) ? rnd(d, 64) | rnd(d, 16) << 28 : wild(d));
}

static volatile uint32_t *entries; /* of the grant table's first page */

static void do_grants(struct dice *d)
{
	uint32_t list[96], op = rnd(d, 13);
	uint64_t address;

	for (uint32_t i = 0; entries && i < 4; i++)
		entries[rnd(d, 1024)] = rnd(d, 2) ? 1u | (uint32_t)any_domain(d) << 16 :
						    (uint32_t)any_gfn(d);
	fill(d, list, sizeof(list));
	/* In whichever struct it is, the first eight bytes may be an address. */
	address = spare_gfn(d) << PAGE_SHIFT;
	memcpy(list, &address, sizeof(address));
	if (rnd(d, 2)) {
		list[2] = 2 + rnd(d, 5);
		list[3] = rnd(d, 64);
		list[4] = any_domain(d);
	} else if (op != GNTTABOP_map_grant_ref) {
		list[0] = any_domain(d);
	}
	/* Answers of a longer list go to where they do no harm. */
	if (op && rnd(d, 4) == 0)
		hc_grant(op, any_pointer(d), many(d));
	else
		hc_grant(op, list, 1);
}

static void do_memory(struct dice *d)
{
	static const uint8_t ops[] = { 0, 1, 6, 6, 7, 7, 7, 11, 14, 15, 15, 23, 24, 28, 3, 4 };
	uint64_t gfns[32], idx[32] = { 0 };
	union {
		struct xen_memory_reservation r;
		uint64_t room[32]; /* other operations take it for something longer */
	} u = { .r = { gfns, 1 + rnd(d, 32), rnd(d, 8) ? 0 : rnd(d, 20), 0,
		       rnd(d, 8) ? DOMID_SELF : any_domain(d) } };
	struct xen_add_to_physmap a = { DOMID_SELF, 0, rnd(d, 2), rnd(d, 4), spare_gfn(d) };
	struct xen_add_to_physmap_batch b = { DOMID_SELF, (uint16_t)rnd(d, 6), (uint16_t)rnd(d, 32),
					      any_domain(d), idx, gfns, (int32_t *)kept[0] };
	uint64_t remove[2] = { DOMID_SELF, spare_gfn(d) };
	uint32_t op = ops[rnd(d, ARRAY_SIZE(ops))];

	for (uint32_t i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = u.r.extent_order ? SPARSE + wild(d) % (1ul << 36) : spare_gfn(d);
	hc_memory(op, op == 7 ? (void *)&a : op == 23 ? (void *)&b : op == 15 ? (void *)remove :
		      op < 7 || rnd(d, 8) ? (void *)&u : any_pointer(d));
}

/* One page here and there, and away again: the tables for it stay. */
static void do_sparse(struct dice *d)
{
	struct xen_add_to_physmap a = { DOMID_SELF, 0, XENMAPSPACE_shared_info, 0, 0 };
	uint64_t remove[2] = { DOMID_SELF, 0 };

	for (uint32_t n = 0; n < 64; n++) {
		a.gpfn = remove[1] = SPARSE + 512ul * rnd(d, SPARSE_GFNS);
		hc_memory(XENMEM_add_to_physmap, &a);
		hc_memory(XENMEM_remove_from_physmap, remove);
	}
}

static void do_scheduling(struct dice *d)
{
	struct {
		uint32_t *ports;
		uint32_t nr, pad;
		uint64_t timeout;
	} poll = { (uint32_t *)any_pointer(d), rnd(d, 200), 0, 0 };
	uint64_t regs[2] = { rnd(d, 2) ? (uint64_t)any_pointer(d) : virt_to_gfn(kept[1]), rnd(d, 64) };

	switch (rnd(d, 5)) {
	case 0:
		hc_sched(SCHEDOP_yield, NULL);
		break;
	case 1:
		poll.timeout = 1; /* in the past */
		hc_sched(SCHEDOP_poll, &poll);
		break;
	case 2:
		hc_vcpu(rnd(d, 12), rnd(d, 3), regs);
		break;
	case 3:
		hc_sched(8 + rnd(d, 100), any_pointer(d));
		break;
	default:
		hypercall(HC_vm_assist, rnd(d, 4), rnd(d, 8), 0, 0);
	}
}

static void do_multicall(struct dice *d)
{
	struct multicall_entry list[24];

	for (uint32_t i = 0; i < ARRAY_SIZE(list); i++) {
		list[i].op = rnd(d, 2) ? HC_event_channel_op : rnd(d, 2) ? HC_xen_version : HC_multicall;
		for (int k = 0; k < 6; k++)
			list[i].args[k] = rnd(d, 2) ? rnd(d, 16) : (uint64_t)any_pointer(d);
	}
	if (rnd(d, 8))
		hypercall(HC_multicall, (uint64_t)list, ARRAY_SIZE(list), 0, 0);
	else
		hypercall(HC_multicall, (uint64_t)any_pointer(d), many(d), 0, 0);
}

/* ---- devices, registers, firmware: on the first CPU, where faults are expected ---- */

static void do_mmio(struct dice *d)
{
	uint64_t at, v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	switch (rnd(d, 5)) {
	case 0:
		at = machine.gicd.base + rnd(d, 0x10000);
		break;
	case 1:
		at = machine.gicr.base + rnd(d, 0x40000);
		break;
	case 2: /* not its data register: what is said must be readable */
		at = machine.uart.base + 4 + rnd(d, 0xffc);
		break;
	case 3:
		at = (uint64_t)lost + rnd(d, sizeof(lost));
		break;
	default:
		at = hole_address() + rnd(d, MIB);
	}
	switch (rnd(d, 6)) {
	case 0:
		probe_read8(at, &v8);
		break;
	case 1:
		probe_read16(at & ~1ul, &v16);
		break;
	case 2:
		probe_read32(at & ~3ul, &v32);
		break;
	case 3:
		probe_read64(at & ~7ul, &v64);
		break;
	case 4:
		probe_write32(at & ~3ul, (uint32_t)wild(d));
		break;
	default:
		probe_write64(at & ~7ul, wild(d));
	}
}

/* One instruction in a page of its own; x0 to x3 are random, all others come back. */
static uint32_t code[16] PAGE_ALIGNED;

static void run_instruction(struct dice *d, uint32_t insn, uint64_t x0)
{
	register uint64_t r0 asm("x0") = x0;
	register uint64_t r1 asm("x1") = wild(d);
	register uint64_t r2 asm("x2") = wild(d);
	register uint64_t r3 asm("x3") = wild(d);

	code[0] = insn;
	code[1] = 0xd65f03c0; /* ret */
	asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(code) : "memory");
	fault.hits = 0;
	asm volatile("adr x9, 9f\n\tstr x9, [%[resume_]]\n\tblr %[code_]\n\tdsb sy\n\tisb\n"
		     "9:\n\tstr xzr, [%[resume_]]"
		     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
		     : [resume_] "r"(&probe_resume), [code_] "r"(code)
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
		       "x16", "x17", "x30", "cc", "memory");
}

/* Accesses that a hypervisor gets no description of: pairs, write-back, exclusives, cache lines. */
static void do_odd_access(struct dice *d)
{
	static const uint32_t insns[] = {
		0xa9400c02, /* ldp x2, x3, [x0] */
		0xa9000c02, /* stp x2, x3, [x0] */
		0xf8408402, /* ldr x2, [x0], #8 */
		0xf8008c02, /* str x2, [x0, #8]! */
		0xc85f7c02, /* ldxr x2, [x0] */
		0xc8017c02, /* stxr w1, x2, [x0] */
		0xd50b7420, /* dc zva, x0 */
		0xd5087620, /* dc ivac, x0 */
		0xd50b7e20, /* dc civac, x0 */
		0xd5087800, /* at s1e1r, x0 */
		0xf9800000, /* prfm pldl1keep, [x0] */
	};
	uint64_t at = hole_address();

	if (rnd(d, 2))
		at = rnd(d, 2) ? machine.gicd.base : machine.gicr.base;
	run_instruction(d, insns[rnd(d, ARRAY_SIZE(insns))], at + rnd(d, 0x1000) * 16ul);
}

/* Registers by which it would only harm itself: translation, vectors, its stack and interrupts. */
static bool is_own(uint32_t op0, uint32_t op1, uint32_t crn)
{
	if (op0 != 3) /* debug exceptions of its own */
		return crn == 0;
	if (op1 == 0)
		return crn == 1 || crn == 2 || crn == 4 || crn == 5 || crn == 7 || crn == 10 ||
		       crn == 12 || crn == 13;
	return op1 == 3 && (crn == 4 || crn == 13);
}

static void do_sysreg(struct dice *d)
{
	uint32_t op0 = 2 + rnd(d, 2), op1 = rnd(d, 8), crn = rnd(d, 16);
	bool read = rnd(d, 3);
	uint32_t insn = 0xd5000000 | op0 << 19 | op1 << 16 | crn << 12 | rnd(d, 16) << 8 |
			rnd(d, 8) << 5 | (read ? 1u << 21 : 0);

	/* Writes to its own interrupt interface are fine, but for those that the way out needs. */
	if (!read && is_own(op0, op1, crn))
		return;
	run_instruction(d, insn, wild(d));
}

static void do_firmware(struct dice *d)
{
	static const uint32_t families[] = { 0x80000000, 0x84000000, 0xc4000000, 0x86000000,
					     0xc3000000, 0x82000000, 0xc1000000 };
	uint32_t fn = families[rnd(d, ARRAY_SIZE(families))] + rnd(d, rnd(d, 2) ? 0x20 : 0x10000);
	uint32_t low = fn & 0x1f, imm = rnd(d, 4) ? 0 : rnd(d, 0x10000);

	/* Not: suspend, off, on of a CPU at a random address, off and reset of the system. */
	if ((fn & 0xbfffffe0) == 0x84000000 &&
	    (low <= 3 || low == 8 || low == 9 || low == 0x0e || low == 0x12))
		fn = PSCI_VERSION;
	if (imm == XEN_HVC_TAG)
		imm = 0;
	run_instruction(d, (rnd(d, 2) ? 0xd4000002 : 0xd4000003) | imm << 5, fn);
}

static void do_sgi(struct dice *d)
{
	sysreg_write(ICC_SGI1R_EL1, rnd(d, 2) ? rnd64(d) : 3 | rnd(d, 16) << 24);
	isb();
}

/*
 * Its interrupt interface: ends of what never began, priorities, groups. Not the binary points, for
 * which QEMU 7.2 has an assertion that ends it.
 */
static void do_interface(struct dice *d)
{
	uint64_t v = wild(d);

	switch (rnd(d, 6)) {
	case 0:
		sysreg_write(ICC_PMR_EL1, v);
		break;
	case 1:
		sysreg_write(ICC_EOIR1_EL1, v & 0xffffff);
		break;
	case 2:
		sysreg_write(ICC_DIR_EL1, v & 0xffffff);
		break;
	case 3:
		sysreg_write(ICC_IGRPEN1_EL1, v & 1);
		break;
	case 4:
		sysreg_write(ICC_AP1R0_EL1, v & 0xffffffff);
		break;
	default:
		sysreg_read(ICC_IAR1_EL1);
	}
	isb();
}

/* ---- the hostile one ---- */

typedef void act_fn(struct dice *d);

static act_fn *const acts_anywhere[] = {
	do_events, do_events, do_fifo, do_scribble, do_scribble, do_grants, do_grants, do_sgi,
	do_multicall, do_scheduling, do_raw, do_interface,
};
static act_fn *const acts_first[] = { do_mmio, do_mmio, do_sysreg, do_sysreg, do_firmware, do_memory,
				      do_memory, do_sparse, do_odd_access };

static uint64_t end_of_time, acts[2];

static void act_second(uint64_t seed)
{
	struct dice d = { seed };

	irq_disable();
	while (counter() < READ_ONCE(end_of_time)) {
		acts_anywhere[rnd(&d, ARRAY_SIZE(acts_anywhere))](&d);
		WRITE_ONCE(acts[1], acts[1] + 1);
	}
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

/* Its second life: what it had taken in the first one must be back. */
static void be_quiet(void)
{
	print("hostile: begins again\n");
	for (;;)
		hc_sched(SCHEDOP_block, NULL);
}

static void be_hostile(uint64_t seconds, uint64_t seed)
{
	struct dice d = { seed * 0x9e3779b97f4a7c15ul | 1 };
	uint64_t now, said = 0, start = counter(), table = scratch_gfn();
	struct xen_add_to_physmap a = { DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, table };
	uint32_t restart = SHUTDOWN_reboot;

	hole_make();
	if (ticks_to_ns(machine.entry_cntpct) / 1000000000 >= seconds)
		be_quiet();
	print("hostile: ready, seed %lu\n", seed);
	irq_disable();
	if (table && !hc_memory(XENMEM_add_to_physmap, &a))
		entries = (volatile uint32_t *)(table << PAGE_SHIFT);
	end_of_time = start + ns_to_ticks(seconds * 1000000000);
	if (machine.nr_cpus > 1)
		cpu_start(1, act_second, rnd64(&d));
	while ((now = counter()) < end_of_time) {
		if (rnd(&d, 2))
			acts_first[rnd(&d, ARRAY_SIZE(acts_first))](&d);
		else
			acts_anywhere[rnd(&d, ARRAY_SIZE(acts_anywhere))](&d);
		acts[0]++;
		if (ticks_to_ns(now - start) / 1000000000 > said) {
			said = ticks_to_ns(now - start) / 1000000000;
			print("\nhostile: %lu s, %lu and %lu acts\n", said, acts[0], acts[1]);
		}
	}
	print("\nhostile: over after %lu acts\n", acts[0] + acts[1]);
	hc_sched(SCHEDOP_shutdown, &restart);
}

void guest_main(void)
{
	uint64_t seconds = number_after("run=", 10);

	if (str_contains(machine.bootargs, "hostile"))
		be_hostile(seconds, number_after("seed=", 1));
	else
		be_calm(seconds);
}
