/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of day: what it was at system time 0, until somebody sets it 1970. A reader in the guest
 * takes the values between two equal and even readings of wc_version.
 */
#include <serai/domain.h>
#include <serai/wallclock.h>

static struct lock wallclock_lock = LOCK_INIT(RANK_TIMER);
static u64 base_sec;
static u32 base_nsec;

void wallclock_tell(struct domain *d)
{
	struct abi_shared_info *s = d->shared_info;
	u64 sec;

	if (!s)
		return;
	lock_take(&wallclock_lock);
	sec = base_sec + (u64)d->time_offset;
	WRITE_ONCE(s->wc_version, s->wc_version | 1);
	smp_wmb();
	WRITE_ONCE(s->wc_sec, (u32)sec);
	WRITE_ONCE(s->wc_sec_hi, (u32)(sec >> 32));
	WRITE_ONCE(s->wc_nsec, base_nsec);
	smp_wmb();
	WRITE_ONCE(s->wc_version, s->wc_version + 1);
	lock_drop(&wallclock_lock);
}

void wallclock_set_offset(struct domain *d, s64 seconds)
{
	lock_take(&wallclock_lock);
	d->time_offset = seconds;
	lock_drop(&wallclock_lock);
	wallclock_tell(d);
}

void wallclock_set(u64 sec, u32 nsec)
{
	struct domain *d;
	u32 id = 0;

	lock_take(&wallclock_lock);
	base_sec = sec;
	base_nsec = nsec;
	lock_drop(&wallclock_lock);
	while ((d = domain_get_next(id)) != NULL) {
		id = d->id + 1U;
		wallclock_tell(d);
		domain_put(d);
	}
}
