/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How bytes of the fuzzer's input become hypercalls: one table of all sub-operations with the
 * fields of their arguments. A field takes one byte, its kind says which values the byte stands
 * for: mostly ones that exist, now and then one that is out of any range.
 */
#include "hypercall_house.h"
#include "../../hyp/ipc/evtchn_private.h"
#include "../../hyp/ipc/grant_private.h"

#include <abi/domctl.h>
#include <abi/event_channel.h>
#include <abi/guest_layout.h>
#include <abi/hvm_op.h>
#include <abi/hypfs.h>
#include <abi/memory.h>
#include <abi/platform.h>
#include <abi/sched.h>
#include <abi/sysctl.h>
#include <abi/version.h>
#include <serai/mmio.h>

enum kind {
	K_END,
	K_RAW,	   /* the byte */
	K_SMALL,   /* below 8 */
	K_NUMBER,  /* or a limit of its type */
	K_BIG,	   /* the byte in the upper half */
	K_PORT,	   /* one that the caller has */
	K_THEIRS,  /* one that waits for the caller at the domain of the field before */
	K_DOM, K_VCPU,
	K_GFN,	   /* of the caller */
	K_GPA,	   /* the same as an address */
	K_FRAME,   /* of somebody else, or of the caller */
	K_MACHINE, /* a machine address */
	K_REF,	   /* of the caller */
	K_GRANTED, /* to the caller by the domain of the field before */
	K_SOURCE, K_DEST, /* of a copy: domain and flags are the fields before */
	K_HANDLE,
	K_MAPPED,  /* the address that the handle of the field before stands for */
	K_OFFSET,  /* in a page */
	K_COUNT, K_ORDER,
	K_TIME,	   /* from now on, or 0 */
	K_GFNS, K_NUMBERS, K_PORTS, K_BUFFER, K_KEYS, K_PATH, /* lists in guest memory */
	K_ACCESS,  /* flags of map_grant_ref */
	K_ONE,	   /* mostly */
	K_SAME,	   /* as the field before, mostly */
	K_LENGTH,  /* of the path before */
};

struct field {
	u16 off;
	u8 size, kind;
};

enum shape {
	SUBOP,	/* number, struct */
	LIST,	/* number, array of structs, how many: the last operand */
	PLAIN,	/* struct only; its first two words are command and version */
	REGS,	/* fields are registers: off is which */
	VCPUOP, /* number, vcpu: the last operand, struct */
};

struct kind_of_call {
	const char *name;
	u16 nr, cmd;
	u8 shape;
	u16 size;
	u32 version;
	struct field f[12];
};

#define F(s, member, kind) \
	{ offsetof(struct abi_##s, member), sizeof(((struct abi_##s *)0)->member), kind }
#define R(n, kind) { (n) * 8, 8, kind }

#define EV(op, s, ...)	{ #op, HC_event_channel_op, EVTCHNOP_##op, SUBOP, sizeof(struct abi_##s), \
			  0, { __VA_ARGS__ } }
#define GN(op, s, ...)	{ #op, HC_grant_table_op, GNTTABOP_##op, LIST, sizeof(struct abi_##s), 0, \
			  { __VA_ARGS__ } }
#define MEM(op, s, ...) { #op, HC_memory_op, XENMEM_##op, SUBOP, sizeof(struct abi_##s), 0, \
			  { __VA_ARGS__ } }
#define SCH(op, s, ...) { #op, HC_sched_op, SCHEDOP_##op, SUBOP, sizeof(struct abi_##s), 0, \
			  { __VA_ARGS__ } }
#define SYS(op, ...)	{ #op, HC_sysctl, XEN_SYSCTL_##op, PLAIN, sizeof(struct abi_sysctl), \
			  XEN_SYSCTL_INTERFACE_VERSION, { __VA_ARGS__ } }
#define DOM(op, ...)	{ #op, HC_domctl, XEN_DOMCTL_##op, PLAIN, sizeof(struct abi_domctl), \
			  XEN_DOMCTL_INTERFACE_VERSION, { F(domctl, domain, K_DOM), __VA_ARGS__ } }
#define HVM(op)		{ #op, HC_hvm_op, HVMOP_##op, SUBOP, sizeof(struct abi_hvm_param_arg), 0, \
			  { F(hvm_param_arg, domid, K_DOM), F(hvm_param_arg, index, K_NUMBER), \
			    F(hvm_param_arg, value, K_RAW) } }
#define DIRECT(name, nr, ...) { name, nr, 0, REGS, 0, 0, { __VA_ARGS__ } }

#define RESERVATION(op) \
	MEM(op, memory_reservation, F(memory_reservation, extent_start, K_GFNS), \
	    F(memory_reservation, nr_extents, K_COUNT), \
	    F(memory_reservation, extent_order, K_ORDER), F(memory_reservation, domid, K_DOM), \
	    F(memory_reservation, mem_flags, K_SMALL))

static const struct kind_of_call calls[] = {
	EV(bind_interdomain, evtchn_bind_interdomain, F(evtchn_bind_interdomain, remote_dom, K_DOM),
	   F(evtchn_bind_interdomain, remote_port, K_THEIRS)),
	EV(bind_virq, evtchn_bind_virq, F(evtchn_bind_virq, virq, K_NUMBER),
	   F(evtchn_bind_virq, vcpu, K_VCPU)),
	EV(bind_pirq, evtchn_bind_pirq, F(evtchn_bind_pirq, pirq, K_NUMBER)),
	EV(close, evtchn_port, F(evtchn_port, port, K_PORT)),
	EV(send, evtchn_port, F(evtchn_port, port, K_PORT)),
	EV(status, evtchn_status, F(evtchn_status, dom, K_DOM), F(evtchn_status, port, K_PORT)),
	EV(alloc_unbound, evtchn_alloc_unbound, F(evtchn_alloc_unbound, dom, K_DOM),
	   F(evtchn_alloc_unbound, remote_dom, K_DOM)),
	EV(bind_ipi, evtchn_bind_ipi, F(evtchn_bind_ipi, vcpu, K_VCPU)),
	EV(bind_vcpu, evtchn_bind_vcpu, F(evtchn_bind_vcpu, port, K_PORT),
	   F(evtchn_bind_vcpu, vcpu, K_VCPU)),
	EV(unmask, evtchn_port, F(evtchn_port, port, K_PORT)),
	EV(reset, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	EV(init_control, evtchn_init_control, F(evtchn_init_control, control_gfn, K_GFN),
	   F(evtchn_init_control, vcpu, K_VCPU), F(evtchn_init_control, offset, K_OFFSET)),
	EV(expand_array, evtchn_expand_array, F(evtchn_expand_array, array_gfn, K_GFN)),
	EV(set_priority, evtchn_set_priority, F(evtchn_set_priority, port, K_PORT),
	   F(evtchn_set_priority, priority, K_NUMBER)),
	EV(reset_cont, evtchn_reset, F(evtchn_reset, dom, K_DOM)),

	GN(map_grant_ref, gnttab_map, F(gnttab_map, dom, K_DOM), F(gnttab_map, ref, K_GRANTED),
	   F(gnttab_map, host_addr, K_GPA), F(gnttab_map, flags, K_ACCESS)),
	GN(unmap_grant_ref, gnttab_unmap, F(gnttab_unmap, handle, K_HANDLE),
	   F(gnttab_unmap, host_addr, K_MAPPED), F(gnttab_unmap, dev_bus_addr, K_BIG)),
	GN(setup_table, gnttab_setup_table, F(gnttab_setup_table, dom, K_DOM),
	   F(gnttab_setup_table, nr_frames, K_COUNT), F(gnttab_setup_table, frame_list, K_BUFFER)),
	GN(dump_table, gnttab_swap, { 0, 4, K_RAW }),
	GN(transfer, gnttab_unmap, F(gnttab_unmap, host_addr, K_GFN)),
	GN(copy, gnttab_copy, F(gnttab_copy, source.domid, K_DOM), F(gnttab_copy, dest.domid, K_DOM),
	   F(gnttab_copy, flags, K_SMALL), F(gnttab_copy, source.u.gmfn, K_SOURCE),
	   F(gnttab_copy, dest.u.gmfn, K_DEST), F(gnttab_copy, source.offset, K_OFFSET), F(gnttab_copy, dest.offset, K_OFFSET),
	   F(gnttab_copy, len, K_OFFSET)),
	GN(query_size, gnttab_query_size, F(gnttab_query_size, dom, K_DOM)),
	GN(unmap_and_replace, gnttab_unmap_replace, F(gnttab_unmap_replace, handle, K_HANDLE),
	   F(gnttab_unmap_replace, host_addr, K_MAPPED), F(gnttab_unmap_replace, new_addr, K_BIG)),
	GN(set_version, gnttab_set_version, F(gnttab_set_version, version, K_SMALL)),
	GN(get_status_frames, gnttab_get_status_frames, F(gnttab_get_status_frames, dom, K_DOM),
	   F(gnttab_get_status_frames, nr_frames, K_COUNT),
	   F(gnttab_get_status_frames, frame_list, K_BUFFER)),
	GN(get_version, gnttab_get_version, F(gnttab_get_version, dom, K_DOM)),
	GN(swap_grant_ref, gnttab_swap, F(gnttab_swap, ref_a, K_REF), F(gnttab_swap, ref_b, K_REF)),
	GN(cache_flush, gnttab_cache_flush, F(gnttab_cache_flush, dev_bus_addr, K_MACHINE),
	   F(gnttab_cache_flush, op, K_SMALL), F(gnttab_cache_flush, length, K_OFFSET),
	   F(gnttab_cache_flush, offset, K_OFFSET)),

	RESERVATION(increase_reservation),
	RESERVATION(decrease_reservation),
	RESERVATION(populate_physmap),
	RESERVATION(claim_pages),
	MEM(maximum_ram_page, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(current_reservation, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(maximum_reservation, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(maximum_gpfn, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(add_to_physmap, add_to_physmap, F(add_to_physmap, gpfn, K_GFN),
	    F(add_to_physmap, space, K_SMALL), F(add_to_physmap, idx, K_NUMBER),
	    F(add_to_physmap, domid, K_DOM), F(add_to_physmap, size, K_RAW)),
	MEM(exchange, memory_exchange, F(memory_exchange, in.extent_start, K_GFNS),
	    F(memory_exchange, out.extent_start, K_GFNS), F(memory_exchange, in.nr_extents, K_COUNT),
	    F(memory_exchange, out.nr_extents, K_SAME),
	    F(memory_exchange, in.extent_order, K_ORDER),
	    F(memory_exchange, out.extent_order, K_SAME), F(memory_exchange, in.domid, K_DOM),
	    F(memory_exchange, out.domid, K_SAME), F(memory_exchange, nr_exchanged, K_SMALL)),
	MEM(remove_from_physmap, remove_from_physmap, F(remove_from_physmap, domid, K_DOM),
	    F(remove_from_physmap, gpfn, K_GFN)),
	MEM(get_sharing_freed_pages, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(get_sharing_shared_pages, evtchn_reset, F(evtchn_reset, dom, K_DOM)),
	MEM(add_to_physmap_batch, add_to_physmap_batch, F(add_to_physmap_batch, space, K_SMALL),
	    F(add_to_physmap_batch, idxs, K_NUMBERS), F(add_to_physmap_batch, gpfns, K_GFNS),
	    F(add_to_physmap_batch, size, K_COUNT), F(add_to_physmap_batch, domid, K_DOM),
	    F(add_to_physmap_batch, foreign_domid, K_DOM), F(add_to_physmap_batch, errs, K_BUFFER)),
	MEM(get_vnumainfo, vnuma_topology_info, F(vnuma_topology_info, domid, K_DOM),
	    F(vnuma_topology_info, pad, K_BIG)),
	MEM(reserved_device_memory_map, reserved_device_memory_map,
	    F(reserved_device_memory_map, flags, K_SMALL),
	    F(reserved_device_memory_map, nr_entries, K_COUNT)),
	MEM(acquire_resource, mem_acquire_resource, F(mem_acquire_resource, domid, K_DOM),
	    F(mem_acquire_resource, type, K_ONE), F(mem_acquire_resource, id, K_BIG),
	    F(mem_acquire_resource, frame, K_SMALL), F(mem_acquire_resource, nr_frames, K_COUNT),
	    F(mem_acquire_resource, frame_list, K_GFNS), F(mem_acquire_resource, pad, K_BIG)),

	SCH(yield, sched_shutdown, F(sched_shutdown, reason, K_SMALL)),
	SCH(block, sched_shutdown, F(sched_shutdown, reason, K_SMALL)),
	SCH(shutdown, sched_shutdown, F(sched_shutdown, reason, K_SMALL)),
	SCH(poll, sched_poll, F(sched_poll, ports, K_PORTS), F(sched_poll, nr_ports, K_COUNT),
	    F(sched_poll, timeout, K_TIME)),
	SCH(remote_shutdown, sched_remote_shutdown, F(sched_remote_shutdown, domain_id, K_DOM),
	    F(sched_remote_shutdown, reason, K_SMALL)),
	SCH(shutdown_code, sched_shutdown, F(sched_shutdown, reason, K_SMALL)),
	SCH(watchdog, sched_watchdog, F(sched_watchdog, id, K_SMALL),
	    F(sched_watchdog, timeout, K_NUMBER)),
	SCH(pin_override, sched_pin_override, F(sched_pin_override, pcpu, K_NUMBER)),
	{ "register_vcpu_info", HC_vcpu_op, VCPUOP_register_vcpu_info, VCPUOP,
	  sizeof(struct abi_vcpu_register_vcpu_info), 0,
	  { F(vcpu_register_vcpu_info, mfn, K_GFN), F(vcpu_register_vcpu_info, offset, K_OFFSET) } },
	{ "register_runstate", HC_vcpu_op, VCPUOP_register_runstate_memory_area, VCPUOP,
	  sizeof(struct abi_vcpu_register_runstate), 0,
	  { F(vcpu_register_runstate, addr, K_BUFFER) } },

	SYS(readconsole, F(sysctl, u.readconsole.buffer, K_BUFFER),
	    F(sysctl, u.readconsole.count, K_NUMBER), F(sysctl, u.readconsole.clear, K_SMALL),
	    F(sysctl, u.readconsole.incremental, K_SMALL), F(sysctl, u.readconsole.index, K_NUMBER)),
	SYS(physinfo, { 0, 0, K_END }),
	SYS(sched_id, { 0, 0, K_END }),
	SYS(tbuf_op, F(sysctl, u.tbuf_op.cmd, K_SMALL), F(sysctl, u.tbuf_op.size, K_SMALL),
	    F(sysctl, u.tbuf_op.cpu_mask.bitmap, K_BUFFER),
	    F(sysctl, u.tbuf_op.cpu_mask.nr_bits, K_SMALL)),
	SYS(getdomaininfolist, F(sysctl, u.getdomaininfolist.first_domain, K_SMALL),
	    F(sysctl, u.getdomaininfolist.max_domains, K_COUNT),
	    F(sysctl, u.getdomaininfolist.buffer, K_BUFFER)),
	SYS(debug_keys, F(sysctl, u.debug_keys.keys, K_KEYS),
	    F(sysctl, u.debug_keys.nr_keys, K_SMALL)),
	SYS(availheap, F(sysctl, u.availheap.max_bitwidth, K_SMALL)),
	SYS(getcpuinfo, F(sysctl, u.getcpuinfo.max_cpus, K_COUNT),
	    F(sysctl, u.getcpuinfo.info, K_BUFFER)),
	SYS(page_offline_op, F(sysctl, u.page_offline.cmd, K_SMALL),
	    F(sysctl, u.page_offline.start, K_SMALL), F(sysctl, u.page_offline.end, K_COUNT),
	    F(sysctl, u.page_offline.status, K_BUFFER)),
	SYS(cputopoinfo, F(sysctl, u.cputopoinfo.num_cpus, K_COUNT),
	    F(sysctl, u.cputopoinfo.cputopo, K_BUFFER)),
	SYS(numainfo, F(sysctl, u.numainfo.num_nodes, K_SMALL),
	    F(sysctl, u.numainfo.meminfo, K_BUFFER), F(sysctl, u.numainfo.distance, K_BUFFER)),
	SYS(cpupool_op, F(sysctl, u.cpupool_op.op, K_SMALL),
	    F(sysctl, u.cpupool_op.cpupool_id, K_SMALL), F(sysctl, u.cpupool_op.sched_id, K_SMALL),
	    F(sysctl, u.cpupool_op.domid, K_DOM), F(sysctl, u.cpupool_op.cpu, K_SMALL),
	    F(sysctl, u.cpupool_op.cpumap.bitmap, K_BUFFER),
	    F(sysctl, u.cpupool_op.cpumap.nr_bits, K_COUNT)),
	{ "settime", HC_platform_op, XENPF_settime64, PLAIN, sizeof(struct abi_platform_op),
	  XENPF_INTERFACE_VERSION,
	  { F(platform_op, u.settime64.secs, K_NUMBER), F(platform_op, u.settime64.nsecs, K_NUMBER),
	    F(platform_op, u.settime64.mbz, K_BIG),
	    F(platform_op, u.settime64.system_time, K_NUMBER) } },
	{ "getdomaininfo", HC_domctl, XEN_DOMCTL_getdomaininfo, PLAIN, sizeof(struct abi_domctl),
	  XEN_DOMCTL_INTERFACE_VERSION, { F(domctl, domain, K_DOM) } },
	HVM(set_param),
	HVM(get_param),
	{ "request_vm_event", HC_hvm_op, HVMOP_guest_request_vm_event, SUBOP, 8, 0,
	  { { 0, 8, K_RAW } } },
	DIRECT("vm_assist", HC_vm_assist, R(0, K_SMALL), R(1, K_SMALL)),
	DIRECT("xen_version", HC_xen_version, R(0, K_COUNT), R(1, K_BUFFER)),
	DIRECT("console_io", HC_console_io, R(0, K_SMALL), R(1, K_COUNT), R(2, K_BUFFER)),
	DIRECT("hypfs_op", HC_hypfs_op, R(0, K_SMALL), R(1, K_PATH), R(2, K_LENGTH), R(3, K_BUFFER),
	       R(4, K_COUNT)),
	DIRECT("physdev_op", HC_physdev_op, R(0, K_RAW), R(1, K_BUFFER)),
	DIRECT("vcpu_op", HC_vcpu_op, R(0, K_RAW), R(1, K_VCPU), R(2, K_BUFFER)),
	DIRECT("memory_op", HC_memory_op, R(0, K_RAW), R(1, K_BUFFER)),
	DIRECT("event_channel_op", HC_event_channel_op, R(0, K_RAW), R(1, K_BUFFER)),
	DIRECT("grant_table_op", HC_grant_table_op, R(0, K_RAW), R(1, K_BUFFER), R(2, K_COUNT)),
	DIRECT("sysctl", HC_sysctl, R(0, K_BUFFER)),
	DIRECT("domctl", HC_domctl, R(0, K_BUFFER)),
	DOM(set_target, F(domctl, u.set_target.target, K_DOM)),
	DOM(set_virq_handler, F(domctl, u.set_virq_handler.virq, K_NUMBER)),
	DOM(iomem_permission, F(domctl, u.iomem_permission.first_mfn, K_SMALL),
	    F(domctl, u.iomem_permission.nr_mfns, K_NUMBER)),
	DOM(memory_mapping, F(domctl, u.memory_mapping.first_gfn, K_GFN),
	    F(domctl, u.memory_mapping.first_mfn, K_SMALL),
	    F(domctl, u.memory_mapping.nr_mfns, K_NUMBER),
	    F(domctl, u.memory_mapping.add_mapping, K_ONE)),
};
const u32 call_kinds = ARRAY_SIZE(calls);

const char *call_name(u32 kind)
{
	return calls[kind].name;
}

/* --- values --- */

/* Of grant tables and handles these are looked at. */
#define REFS_USED    40U
#define HANDLES_USED 40U

/* As guests do, the fuzzer remembers what it was given: it reads the hypervisor's own records. */

static u64 room_gpa(const struct vcpu *v)
{
	return (house.ram_gfn[v->domain->id] + v->id * ROOM_PAGES) << PAGE_SHIFT;
}

/* Lists are behind the places for arguments, in the third page. */
#define LISTS	  (2 * PAGE_SIZE)
#define LIST_SIZE 512U /* bytes */

static u64 wild(u8 b)
{
	static const u64 values[] = {
		0, 1, ~0UL, 0x7fffffff, 0x80000000, 0xffffffff, 1UL << 36, (1UL << 36) - 1,
		1UL << 26, (1UL << 26) - 1, 4095, 4096, 131071, 131072, 511, 1UL << 63,
	};

	return values[b % ARRAY_SIZE(values)];
}

static u64 value_gfn(const struct domain *d, u8 b)
{
	if (b < 96)
		return house.ram_gfn[d->id] + PLAY_FIRST + b % PLAY_PAGES;
	if (b < 208)
		return FREE_GFN + b - 96;
	if (b < 240)
		return house.ram_gfn[d->id] + b - 208;
	return b < 244 ? BAD_GFN : wild(b);
}

static u64 value_machine(u8 b)
{
	struct domain *d = house_domain(b >> 6);
	mfn_t m;

	if (!d || (b & 63) > 56)
		return (b & 63) > 60 ? wild(b) << PAGE_SHIFT : HOST_RAM_BASE + (u64)b * PAGE_SIZE;
	house.quiet++;
	m = p2m_lookup(&d->p2m, gfn(house.ram_gfn[d->id] + PLAY_FIRST + b % PLAY_PAGES), NULL);
	house.quiet--;
	return mfn_to_paddr(m);
}

static u64 value_dom(u8 b)
{
	static const domid_t ids[] = { 0, 1, 2, DOMID_SELF, 0, 1, 2, DOMID_SELF, 1, 2, DOMID_SELF,
				       3, DOMID_IO, DOMID_XEN, DOMID_INVALID, 0xffff };

	return ids[b % ARRAY_SIZE(ids)];
}

static struct domain *domain_of(const struct vcpu *v, u8 b)
{
	domid_t id = (domid_t)value_dom(b);

	return id == DOMID_SELF ? v->domain : house_domain(id);
}

/* The nth port of d that is used, or that waits for domain who. */
static u64 find_port(const struct domain *d, u32 nth, const struct domain *who)
{
	u32 found = 0, port = 0, used;

	for (u32 round = 0; d && d->evtchn && round <= nth; round++) {
		used = found;
		for (u32 i = 1; i < d->evtchn->nr_ports && found <= nth; i++) {
			const struct evtchn *c = evtchn_at(d->evtchn, i);

			if (who ? c->state != EVTCHN_UNBOUND || c->remote_dom != who->id :
				  !evtchn_usable(c))
				continue;
			port = i;
			found++;
		}
		if (used == found)
			break;
	}
	return port;
}

/* The nth entry with which d grants something to domain who. */
static u64 find_grant(const struct domain *d, u32 nth, const struct domain *who)
{
	u32 ref = 0;

	for (u32 i = 0, n = nth; d && d->grants && i < 2 * REFS_USED; i++) {
		const struct abi_grant_entry *e = grant_entry(d->grants, i % REFS_USED);

		if (!d->grants->nr_frames)
			break;
		if ((e->flags & GTF_type_mask) != GTF_permit_access || e->domid != who->id)
			continue;
		ref = i % REFS_USED;
		if (!n--)
			break;
	}
	return ref;
}

static const struct grant_map *map_of(const struct domain *d, u64 handle)
{
	const struct grant_table *gt = d->grants;

	if (!gt || handle >= gt->nr_maps)
		return NULL;
	return &gt->maps[handle >> MAPS_SHIFT][handle % MAPS];
}

/* The nth handle in use. */
static u64 find_handle(const struct domain *d, u32 nth)
{
	u32 handle = 0;

	for (u32 h = 0; h < HANDLES_USED; h++) {
		const struct grant_map *m = map_of(d, h);

		if (!m || !m->granter)
			continue;
		handle = h;
		if (!nth--)
			break;
	}
	return handle;
}

/* Writes a list and answers its address; sometimes one that is no good. */
static u64 list_put(struct vcpu *v, u32 which, const void *list, u8 b)
{
	u64 gpa = room_gpa(v) + LISTS + which * LIST_SIZE;

	if (b >= 250)
		return BAD_GFN << PAGE_SHIFT;
	if (b >= 240) /* its end is in the next page, or in none */
		gpa = room_gpa(v) + (b & 1 ? LISTS : RAM_PAGES * PAGE_SIZE) - 4 * (b & 15);
	if (list)
		guest_write(v->domain, gpa, list, LIST_SIZE);
	return gpa;
}

static const char *const paths[] = { "/", "/buildinfo", "/buildinfo/version/major",
				     "/params/loglvl", "/buildinfo/config", "/none" };

static u64 value_list(struct vcpu *v, enum kind kind, u8 b)
{
	u64 list[LIST_SIZE / 8] = { 0 };
	u32 *ports = (u32 *)list;

	for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
		if (kind == K_GFNS)
			list[i] = value_gfn(v->domain, (u8)(b + i));
		else if (kind == K_NUMBERS)
			list[i] = b & 64 ? house.ram_gfn[b % DOMS] + PLAY_FIRST + (b + i) % 64 : b + i;
	}
	if (kind == K_PORTS)
		for (u32 i = 0; i < LIST_SIZE / 4; i++)
			ports[i] = 1 + (b + i) % 24;
	if (kind == K_KEYS)
		memcpy(list, &"qe0tirmdqeqe"[b % 8], 4);
	if (kind == K_PATH)
		strcpy((char *)list, paths[b % ARRAY_SIZE(paths)]);
	return list_put(v, kind % 4, kind == K_BUFFER ? NULL : list, b);
}

/* The page of one side of a copy. */
static u64 value_side(const struct vcpu *v, u8 dom, bool by_ref, u8 b)
{
	if (by_ref)
		return b < 240 ? find_grant(domain_of(v, dom), b % 16, v->domain) : wild(b);
	return value_gfn(v->domain, b);
}

/* Fields that depend on those before it, which have the operands p[-1], p[-2] ... */
static u64 value_after(struct vcpu *v, enum kind kind, const u8 *p, u32 i)
{
	const struct grant_map *m;
	u8 b = *p;

	if (b >= 240)
		return wild(b);
	switch (kind) {
	case K_THEIRS:
		return find_port(domain_of(v, p[-1]), b % 8, v->domain);
	case K_GRANTED:
		return find_grant(domain_of(v, p[-1]), b % 16 + i, v->domain);
	case K_SOURCE:
		return value_side(v, p[-3], p[-1] & GNTCOPY_source_gref, (u8)(b + i));
	case K_DEST:
		return value_side(v, p[-3], p[-2] & GNTCOPY_dest_gref, (u8)(b + i));
	case K_MAPPED:
		m = map_of(v->domain, find_handle(v->domain, p[-1] % 16 + i));
		return m ? m->word << PAGE_SHIFT & ((1UL << 48) - 1) : 0;
	default:
		return b;
	}
}

/* i: which element of an array. */
static u64 value(struct vcpu *v, enum kind kind, u8 b, u32 i)
{
	switch (kind) {
	case K_SMALL:
		return b & 7;
	case K_NUMBER:
		return b < 200 ? b % 40 : wild(b);
	case K_BIG:
		return b < 224 ? 0 : wild(b);
	case K_PORT:
		return b < 120 ? find_port(v->domain, b % 24, NULL) : b < 240 ? b % 24 + i : wild(b);
	case K_DOM:
		return value_dom(b);
	case K_VCPU:
		return b < 240 ? b % VCPUS : wild(b);
	case K_GFN:
		return value_gfn(v->domain, (u8)(b + i));
	case K_GPA:
		return value_gfn(v->domain, (u8)(b + i)) << PAGE_SHIFT;
	case K_FRAME:
		return house.ram_gfn[b % DOMS] + PLAY_FIRST + b / DOMS % PLAY_PAGES;
	case K_MACHINE:
		return value_machine((u8)(b + i));
	case K_REF:
		return b < 240 ? (u8)(b + i) % REFS_USED : wild(b);
	case K_HANDLE:
		return b < 240 ? find_handle(v->domain, b % 16 + i) : wild(b);
	case K_OFFSET:
		return b < 240 ? b * 16U : wild(b);
	case K_COUNT:
		return b < 224 ? b % 33 : wild(b);
	case K_ORDER:
		return b < 240 ? b % 12 : wild(b);
	case K_TIME:
		return b < 32 ? 0 : b < 240 ? (u64)host.now + (u64)(b - 32) * 10000 : wild(b);
	case K_ONE:
		return b < 224 ? 1 : b;
	case K_ACCESS:
		return b < 192 ? GNTMAP_host_map | (b & 1 ? GNTMAP_readonly : 0) : b;
	case K_GFNS:
	case K_NUMBERS:
	case K_PORTS:
	case K_BUFFER:
	case K_KEYS:
	case K_PATH:
		return value_list(v, kind, b);
	default:
		return b;
	}
}

/* --- arguments --- */

#define STRUCTS_MAX 12

static bool depends(enum kind kind)
{
	return kind == K_THEIRS || kind == K_GRANTED || kind == K_SOURCE || kind == K_DEST ||
	       kind == K_MAPPED;
}

static void fields_set(struct vcpu *v, const struct kind_of_call *k, const u8 *operand, u32 i,
		       u8 *out)
{
	for (u32 n = 0; n < ARRAY_SIZE(k->f) && k->f[n].kind != K_END; n++) {
		enum kind kind = k->f[n].kind;
		u64 x;

		if (kind == K_SAME && operand[n] < 200)
			x = value(v, k->f[n - 1].kind, operand[n - 1], i);
		else if (kind == K_LENGTH && operand[n] < 200)
			x = strlen(paths[operand[n - 1] % ARRAY_SIZE(paths)]) + 1;
		else if (depends(kind))
			x = value_after(v, kind, &operand[n], i);
		else
			x = value(v, kind, operand[n], i);
		memcpy(out + k->f[n].off, &x, k->f[n].size);
	}
}

/* The structs at the place; how many. */
static u32 structs_put(struct vcpu *v, const struct kind_of_call *k, const u8 *operand, u64 gpa)
{
	u8 buf[SLOT_SIZE] = { 0 };
	u32 nr = 1;

	if (k->shape == LIST)
		nr = MIN(1U + operand[11] % STRUCTS_MAX, SLOT_SIZE / (u32)k->size);
	for (u32 i = 0; i < nr; i++) {
		u8 *s = buf + i * k->size;

		fields_set(v, k, operand, i, s);
		if (k->shape == PLAIN) {
			u32 head[2] = { k->cmd, k->version };

			memcpy(s, head, sizeof(head));
		}
	}
	guest_write(v->domain, gpa, buf, nr * k->size);
	return nr;
}

/* The last operand now and then spoils what is right. */
static void call_twist(struct call *c, u32 kind, u8 b)
{
	u32 ptr = calls[kind].shape == PLAIN ? 0 : calls[kind].shape == VCPUOP ? 2 : 1;

	if (b < 200)
		return;
	switch (b % 8) {
	case 0:
		c->arg[ptr] = BAD_GFN << PAGE_SHIFT;
		break;
	case 1:
		c->arg[ptr] = 0;
		break;
	case 2: /* goes on from somewhere */
		c->arg[0] |= (u64)(b & 31) << 6;
		break;
	case 3:
		c->arg[0] |= (u64)(b & 31) << 12;
		break;
	case 4:
		c->arg[2] = wild(b);
		break;
	case 5:
		c->arg[ptr] += 4;
		break;
	case 6:
		c->arg[ptr] |= PAGE_SIZE - 8;
		break;
	default:
		c->nr = b & 63;
	}
}

void call_make(struct call *c, u32 kind, const u8 *operand, u32 slot)
{
	const struct kind_of_call *k = &calls[kind];
	struct vcpu *v = current_vcpu();
	u64 gpa = room_gpa(v) + slot * SLOT_SIZE, nr;

	*c = (struct call){ .nr = k->nr };
	if (k->shape == REGS) {
		fields_set(v, k, operand, 0, (u8 *)c->arg);
	} else {
		nr = structs_put(v, k, operand, gpa);
		if (k->shape == PLAIN)
			memcpy(c->arg, (u64[5]){ gpa }, sizeof(c->arg));
		else if (k->shape == VCPUOP)
			memcpy(c->arg, (u64[5]){ k->cmd, value(v, K_VCPU, operand[11], 0), gpa },
			       sizeof(c->arg));
		else
			memcpy(c->arg, (u64[5]){ k->cmd, gpa, nr }, sizeof(c->arg));
	}
	call_twist(c, kind, operand[12]);
}

/* --- what guests do without asking --- */

/* As e, or a part of that page, or what another domain granted. */
static void poke_grant_v2(struct vcpu *v, u32 ref, const struct abi_grant_entry *e,
			  const u8 *operand)
{
	struct abi_grant_entry_v2 e2 = { .flags = e->flags, .domid = e->domid, .frame = e->frame };

	if (operand[5] & 1)
		e2.flags |= GTF_sub_page;
	e2.page_off = operand[6];
	e2.length = (u16)(operand[7] << 4);
	if ((e2.flags & GTF_type_mask) == GTF_transitive) {
		e2.trans_domid = (domid_t)value_dom(operand[6]);
		e2.trans_ref = (u32)value(v, K_REF, operand[7], 0);
	}
	*(struct abi_grant_entry_v2 *)grant_entry(v->domain->grants, ref) = e2;
}

static void poke_grant(struct vcpu *v, const u8 *operand)
{
	struct domain *d = v->domain;
	u32 ref = (u32)value(v, K_REF, operand[1], 0);
	struct abi_grant_entry e = {
		.flags = operand[4] < 128 ? GTF_permit_access | (operand[4] & GTF_readonly) : operand[4],
		.domid = (domid_t)value_dom(operand[2]),
		.frame = (u32)value_gfn(d, operand[3]),
	};

	if (e.domid == DOMID_SELF || e.domid == d->id)
		e.domid = (d->id + 1U) % DOMS;
	if (!d->grants || ref >= grant_nr_entries(d->grants))
		return;
	if (d->grants->version == 1)
		*(struct abi_grant_entry *)grant_entry(d->grants, ref) = e;
	else
		poke_grant_v2(v, ref, &e, operand);
}

static void poke_shared_info(struct vcpu *v, const u8 *operand)
{
	struct abi_shared_info *s = v->domain->shared_info;
	u64 bits = (u64)operand[3] << operand[4] % 64;

	if (!s)
		return;
	if (operand[1] < 64)
		s->evtchn_pending[operand[2] % 64] ^= bits;
	else if (operand[1] < 192)
		s->evtchn_mask[operand[2] % 64] ^= bits;
	else
		((u8 *)s)[operand[2]] = operand[3];
}

/* A FIFO word or control block, or anything else in its RAM. */
static void poke_ram(struct vcpu *v, const u8 *operand)
{
	u64 gpa = value_gfn(v->domain, operand[1]) << PAGE_SHIFT;
	u32 words[2] = { operand[3] | (u32)operand[4] << 8 | (u32)operand[5] << 24,
			 operand[6] | (u32)operand[7] << 24 };

	guest_write(v->domain, gpa + (operand[2] & 127) * 4U, words, operand[2] & 128 ? 8 : 4);
}

/* Arguments that the hypervisor may be reading. */
static void poke_room(struct vcpu *v, const u8 *operand)
{
	u64 gpa = room_gpa(v) + (operand[1] & 1 ? LISTS : 0);
	u64 x = value(v, operand[3] % (K_TIME + 1), operand[4], 0);

	guest_write(v->domain, gpa + operand[2] * 2U, &x, 1U << operand[5] % 4);
}

void poke(struct vcpu *v, const u8 *operand)
{
	switch (operand[0] % 8) {
	case 0:
	case 1:
	case 2:
		poke_grant(v, operand);
		break;
	case 3:
		poke_shared_info(v, operand);
		break;
	case 4:
	case 5:
		poke_ram(v, operand);
		break;
	default:
		poke_room(v, operand);
	}
}

void uart_access(struct vcpu *v, const u8 *operand)
{
	u64 val = operand[3] | (u64)operand[4] << 8;
	u32 size = 1U << operand[2] % 4;
	u64 base = v->domain->id ? GUEST_PL011_BASE : 0x9000000;

	mmio_handle(v, base + operand[1] % 20 * 4U + (operand[1] >= 240 ? operand[5] * 16U : 0), size,
		    operand[0] & 1, &val);
}
