/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time accounts of vcpus: what the scheduler enters, and the copies in guest memory.
 *
 * One CPU at a time enters, under the lock of the unit's run queue; anybody may read at any moment.
 * So the account has a sequence number, odd while it changes, and readers repeat. The place of
 * the physical area, and all writing to it, is under v->lock: whoever replaced it may give the old
 * page back at once. Guests find the areas described in Xen's public/vcpu.h.
 */
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/guest_copy.h>
#include <serai/runstate.h>

void runstate_unit_changed(struct sched_unit *u, int state, nstime_t now)
{
	struct vcpu *v = container_of(u, struct vcpu, unit);
	struct abi_runstate_info *r = &v->runstate;
	nstime_t passed = now - (nstime_t)r->state_entry_time;
	u32 seq = v->runstate_seq;

	if (r->state == state)
		return;
	WRITE_ONCE(v->runstate_seq, seq + 1);
	smp_wmb();
	if (passed > 0) {
		r->time[r->state] += (u64)passed;
		r->state_entry_time = (u64)now;
	}
	r->state = state;
	store_release(&v->runstate_seq, seq + 2);
}

/* The account as it was at one moment. */
static void account_read(const struct vcpu *v, struct abi_runstate_info *out)
{
	u32 seq;

	do {
		seq = load_acquire(&v->runstate_seq);
		*out = v->runstate;
		smp_rmb();
	} while (unlikely(seq & 1 || READ_ONCE(v->runstate_seq) != seq));
}

void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out)
{
	nstime_t now = time_now();

	account_read(v, out);
	if (now > (nstime_t)out->state_entry_time)
		out->time[out->state] += (u64)now - out->state_entry_time;
}

static void publish_virtual(const struct vcpu *v, u64 gva, struct abi_runstate_info info)
{
	u64 entry_gva = gva + offsetof(struct abi_runstate_info, state_entry_time);

	if (v->domain->vm_assist & BIT(ABI_VMASST_runstate_update_flag)) {
		info.state_entry_time |= ABI_RUNSTATE_UPDATE;
		if (copy_to_guest(entry_gva, &info.state_entry_time))
			return;
		smp_wmb();
		if (copy_to_guest(gva, &info))
			return;
		smp_wmb();
		info.state_entry_time &= ~ABI_RUNSTATE_UPDATE;
		copy_to_guest(entry_gva, &info.state_entry_time);
		return;
	}
	copy_to_guest(gva, &info);
}

/* Under v->lock. Always with the flag; the guest may write there, too, so nothing is read back. */
static void publish_physical(const struct vcpu *v)
{
	struct abi_runstate_info *to, info;

	account_read(v, &info);
	to = (struct abi_runstate_info *)((char *)v->runstate_area.va + v->runstate_offset);
	WRITE_ONCE(to->state_entry_time, info.state_entry_time | ABI_RUNSTATE_UPDATE);
	smp_wmb();
	WRITE_ONCE(to->state, info.state);
	WRITE_ONCE(to->pad, 0);
	for (size_t i = 0; i < ARRAY_SIZE(info.time); i++)
		WRITE_ONCE(to->time[i], info.time[i]);
	smp_wmb();
	WRITE_ONCE(to->state_entry_time, info.state_entry_time);
}

void runstate_publish(struct vcpu *v)
{
	u64 gva = READ_ONCE(v->runstate_gva);
	struct abi_runstate_info info;

	if (gva) {
		account_read(v, &info);
		publish_virtual(v, gva, info);
	}
	if (!READ_ONCE(v->runstate_area.frame))
		return;
	lock_take(&v->lock);
	if (v->runstate_area.frame)
		publish_physical(v);
	lock_drop(&v->lock);
}

/* Under v->lock. */
static void shown_update(struct vcpu *v)
{
	WRITE_ONCE(v->runstate_shown, v->runstate_gva || v->runstate_area.frame ? 1 : 0);
}

void runstate_set_area(struct vcpu *v, u64 gva)
{
	struct abi_runstate_info info;

	lock_take(&v->lock);
	WRITE_ONCE(v->runstate_gva, gva);
	shown_update(v);
	lock_drop(&v->lock);
	if (!gva)
		return;
	account_read(v, &info);
	publish_virtual(v, gva, info);
}

int runstate_set_phys_area(struct vcpu *v, u64 gpa)
{
	struct guest_area area = { 0 }, old;
	u32 offset = (u32)(gpa % PAGE_SIZE);
	int rc;

	if (gpa != RUNSTATE_NO_PHYS_AREA) {
		if (offset > PAGE_SIZE - sizeof(struct abi_runstate_info) ||
		    !IS_ALIGNED(offset, __alignof__(struct abi_runstate_info)))
			return -XEN_ENXIO;
		rc = guest_area_map(&area, v->domain, gfn(gpa / PAGE_SIZE));
		if (rc)
			return rc;
	}
	lock_take(&v->lock);
	old = v->runstate_area;
	v->runstate_area = area;
	v->runstate_offset = offset;
	shown_update(v);
	if (area.frame)
		publish_physical(v);
	lock_drop(&v->lock);
	guest_area_release(&old);
	return 0;
}

void runstate_vcpu_destroy(struct vcpu *v)
{
	v->runstate_shown = 0;
	guest_area_release(&v->runstate_area);
}
