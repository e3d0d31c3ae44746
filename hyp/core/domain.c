/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: creation, lookup, pausing, shutdown and destruction.
 *
 * The list of domains is read under its lock; a domain found there is kept by a reference. One
 * reference stands for the domain's frames: it goes when nobody has one of them any more, which may
 * be long after the domain died. Creation runs the units' hooks forward, undoing and destruction
 * run them backwards; a hook that was never run must find nothing to do.
 */
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/hypercall.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/trace.h>
#include <serai/unit.h>

static struct lock list_lock = LOCK_INIT(RANK_DOMLIST);
static struct domain *domain_list;

struct domain_actions domain_actions;

static int unit_domain_create(struct domain *d, const struct domain_config *cfg)
{
	for (unsigned int i = 0; i < units_count; i++) {
		int rc = units[i].domain_create ? units[i].domain_create(d, cfg) : 0;

		if (rc) {
			pr_err("domain %u: %s: cannot be created (%d)\n", d->id, units[i].name, rc);
			return rc;
		}
	}
	return 0;
}

static int unit_domain_destroy(struct domain *d)
{
	for (unsigned int i = units_count; i-- > 0;) {
		int rc = units[i].domain_destroy ? units[i].domain_destroy(d) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

static int unit_domain_close(struct domain *d)
{
	for (unsigned int i = units_count; i-- > 0;) {
		int rc = units[i].domain_close ? units[i].domain_close(d) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

static void vcpu_destroy(struct vcpu *v)
{
	for (unsigned int i = units_count; i-- > 0;)
		if (units[i].vcpu_destroy)
			units[i].vcpu_destroy(v);
	/*
	 * Whoever goes through the vcpus under the lock is done with this one. Who found it before
	 * has a reference on the domain, with which the memory goes.
	 */
	lock_take(&v->domain->lock);
	v->domain->vcpus[v->id] = NULL;
	v->next_dead = v->domain->dead_vcpus;
	v->domain->dead_vcpus = v;
	lock_drop(&v->domain->lock);
}

static int vcpu_create(struct domain *d, u32 id, const struct cpumask *affinity)
{
	struct vcpu *v = mem_alloc(sizeof(*v));
	int rc;

	if (!v)
		return -XEN_ENOMEM;
	v->domain = d;
	v->id = id;
	lock_init(&v->lock, RANK_VCPU);
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = (u64)time_now();
	v->unit.hard = *affinity;
	for (unsigned int i = 0; i < units_count; i++) {
		rc = units[i].vcpu_create ? units[i].vcpu_create(v) : 0;
		if (rc) {
			pr_err("d%uv%u: %s: cannot be created (%d)\n", d->id, id, units[i].name,
			       rc);
			vcpu_destroy(v);
			return rc;
		}
	}
	lock_take(&d->lock);
	if (d->pause_count)
		sched_hold(&v->unit, HOLD_DOMAIN);
	WRITE_ONCE(d->vcpus[id], v);
	lock_drop(&d->lock);
	return 0;
}

/* -XEN_EEXIST: the id is taken. */
static int list_insert(struct domain *d)
{
	struct domain **p = &domain_list;

	while (*p && (*p)->id < d->id)
		p = &(*p)->next;
	if (*p && (*p)->id == d->id)
		return -XEN_EEXIST;
	d->next = *p;
	*p = d;
	return 0;
}

/* False: it was not there. */
static bool list_remove(struct domain *d)
{
	struct domain **p = &domain_list;

	while (*p && *p != d)
		p = &(*p)->next;
	if (!*p)
		return false;
	*p = d->next;
	return true;
}

static struct domain *domain_new(const struct domain_config *cfg)
{
	struct domain *d = mem_alloc(sizeof(*d));

	if (!d)
		return NULL;
	d->vcpus = mem_alloc(cfg->nr_vcpus * sizeof(d->vcpus[0]));
	if (!d->vcpus) {
		mem_free(d);
		return NULL;
	}
	d->id = cfg->id;
	d->flags = cfg->flags;
	d->refs = 1;
	d->nr_vcpus = cfg->nr_vcpus;
	d->shutdown_code = SHUTDOWN_code_invalid;
	d->by_tools = cfg->by_tools;
	d->pause_count = d->tools_pauses = cfg->by_tools;
	d->handle = cfg->handle;
	d->ssidref = cfg->ssidref;
	d->max_evtchn_port = cfg->max_evtchn_port;
	d->max_grant_frames = cfg->max_grant_frames;
	d->max_maptrack_frames = cfg->max_maptrack_frames;
	lock_init(&d->lock, RANK_DOMAIN);
	frame_owner_init(&d->frames, (u32)cfg->max_frames);
	str_copy(d->name, cfg->name ? cfg->name : "", sizeof(d->name));
	return d;
}

/* Nobody else knows of it. */
static void domain_unmake(struct domain *d)
{
	while (domain_kill(d) == -XEN_ERESTART)
		;
}

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	struct domain *d = domain_new(cfg);
	int rc;

	if (!d)
		return -XEN_ENOMEM;
	rc = unit_domain_create(d, cfg);
	for (u32 i = 0; !rc && !cfg->by_tools && i < cfg->nr_vcpus; i++)
		rc = vcpu_create(d, i, &cfg->affinity);
	if (rc) {
		d->dying = true;
		domain_unmake(d);
		return rc;
	}
	lock_take(&list_lock);
	rc = list_insert(d);
	lock_drop(&list_lock);
	if (rc) {
		pr_err("domain %u exists already\n", d->id);
		domain_unmake(d);
		return rc;
	}
	*out = d;
	return 0;
}

static int add_vcpus(struct domain *d)
{
	bool added = false;
	int rc = 0;

	for (u32 i = 0; i < d->nr_vcpus && !rc; i++) {
		if (d->vcpus[i])
			continue;
		if (added && hypercall_preempted())
			return -XEN_ERESTART;
		rc = vcpu_create(d, i, &cpu_online);
		added = true;
	}
	return rc;
}

int domain_add_vcpus(struct domain *d)
{
	int rc = -XEN_EINVAL;

	if (atomic_xchg(&d->life_busy, true))
		return -XEN_ERESTART;
	if (!d->dying)
		rc = add_vcpus(d);
	store_release(&d->life_busy, false);
	return rc;
}

void domain_free_id(struct domain *d)
{
	lock_take(&list_lock);
	list_remove(d);
	lock_drop(&list_lock);
}

static bool get_unless_zero(u32 *refs)
{
	u32 old = READ_ONCE(*refs);

	while (old)
		if (atomic_try_cmpxchg(refs, &old, old + 1))
			return true;
	return false;
}

struct domain *domain_get(domid_t id)
{
	struct domain *d;

	if (id == DOMID_SELF && current_vcpu())
		id = current_domain()->id;
	lock_take(&list_lock);
	for (d = domain_list; d && d->id < id; d = d->next)
		;
	if (d && (d->id != id || !get_unless_zero(&d->refs)))
		d = NULL;
	lock_drop(&list_lock);
	return d;
}

struct domain *domain_get_next(u32 from)
{
	struct domain *d;

	lock_take(&list_lock);
	for (d = domain_list; d; d = d->next)
		if (d->id >= from && get_unless_zero(&d->refs))
			break;
	lock_drop(&list_lock);
	return d;
}

int domain_get_target(domid_t id, struct domain **out)
{
	struct domain *d;

	if (id == DOMID_SELF || id == current_domain()->id) {
		d = current_domain();
		atomic_add_return(&d->refs, 1);
		*out = d;
		return 0;
	}
	d = domain_get(id);
	if (!d)
		return -XEN_ESRCH;
	if (!domain_is_control(current_domain()) && d != READ_ONCE(current_domain()->target)) {
		domain_put(d);
		return -XEN_EPERM;
	}
	*out = d;
	return 0;
}

void domain_put(struct domain *d)
{
	bool known;

	if (atomic_sub_return(&d->refs, 1))
		return;
	lock_take(&list_lock);
	known = list_remove(d);
	lock_drop(&list_lock);
	if (d->frames.slot)
		frame_owner_unregister(&d->frames);
	for (struct vcpu *v = d->dead_vcpus, *next; v; v = next) {
		next = v->next_dead;
		mem_free(v);
	}
	mem_free(d->fixed_ram);
	mem_free(d->vcpus);
	mem_free(d);
	if (known && domain_actions.gone)
		domain_actions.gone();
}

static void frames_gone(struct frame_owner *o)
{
	domain_put(container_of(o, struct domain, frames));
}

bool caller_is_control(void)
{
	return domain_is_control(current_domain());
}

static void domain_hold(struct domain *d, u32 bit)
{
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i])
			sched_hold(&d->vcpus[i]->unit, bit);
}

static void domain_release(struct domain *d, u32 bit)
{
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i])
			sched_release(&d->vcpus[i]->unit, bit);
}

void domain_pause(struct domain *d)
{
	lock_take(&d->lock);
	if (d->pause_count++ == 0)
		domain_hold(d, HOLD_DOMAIN);
	lock_drop(&d->lock);
}

void domain_unpause(struct domain *d)
{
	lock_take(&d->lock);
	if (d->pause_count && --d->pause_count == 0)
		domain_release(d, HOLD_DOMAIN);
	lock_drop(&d->lock);
}

void domain_shutdown(struct domain *d, u8 reason)
{
	bool first;

	lock_take(&d->lock);
	first = !d->shut_down;
	if (first) {
		d->shut_down = true;
		/* SCHEDOP_shutdown_code may have named it before. */
		if (d->shutdown_code == SHUTDOWN_code_invalid)
			d->shutdown_code = reason;
		domain_hold(d, HOLD_SHUTDOWN);
	}
	lock_drop(&d->lock);
	if (!first)
		return;
	trace_domain_shutdown(d, d->shutdown_code);
	if (d->flags & DOMAIN_HARDWARE)
		domain_actions.hardware_shutdown(d->shutdown_code);
	else
		domain_actions.tell_control(d);
}

void domain_resume(struct domain *d)
{
	lock_take(&d->lock);
	if (d->shut_down && !d->dying) {
		d->shut_down = d->crashed = false;
		d->shutdown_code = SHUTDOWN_code_invalid;
		domain_release(d, HOLD_SHUTDOWN);
	}
	lock_drop(&d->lock);
}

void domain_crash(struct domain *d, const char *why)
{
	if (d->shut_down)
		return;
	d->crashed = true;
	pr_err("d%u crashes: %s\n", d->id, why);
	if (current_vcpu() && current_domain() == d)
		vcpu_arch_dump(current_vcpu());
	domain_shutdown(d, SHUTDOWN_crash);
}

/* True once no vcpu's registers are on a CPU. */
static bool domain_stopped(struct domain *d)
{
	for (u32 i = 0; i < d->nr_vcpus; i++)
		if (d->vcpus[i] && sched_is_running(&d->vcpus[i]->unit))
			return false;
	return true;
}

static int kill_steps(struct domain *d)
{
	int rc;

	lock_take(&d->lock);
	if (!d->dying) {
		d->dying = true;
		domain_hold(d, HOLD_DYING);
	}
	lock_drop(&d->lock);
	if (!domain_stopped(d))
		return -XEN_ERESTART;
	rc = unit_domain_close(d);
	if (rc)
		return rc;
	for (u32 i = d->nr_vcpus; i-- > 0;)
		if (d->vcpus[i])
			vcpu_destroy(d->vcpus[i]);
	rc = unit_domain_destroy(d);
	if (rc)
		return rc;
	d->frames.empty = frames_gone;
	frame_owner_die(&d->frames);
	return 0;
}

int domain_kill(struct domain *d)
{
	int rc = 0;

	/* Another CPU is at it. */
	if (atomic_xchg(&d->life_busy, true))
		return -XEN_ERESTART;
	atomic_add_return(&d->refs, 1);
	if (!d->killed)
		rc = kill_steps(d);
	d->killed = rc == 0;
	store_release(&d->life_busy, false);
	domain_put(d);
	return rc;
}

static void domain_dump(struct domain *d)
{
	pr_info("d%u %s: %u frames of %u, %u vcpus, pauses %u%s%s\n", d->id, d->name, d->frames.nr,
		d->frames.max, d->nr_vcpus, d->pause_count, d->dying ? ", dying" : "",
		d->shut_down ? ", shut down" : "");
	for (u32 i = 0; i < d->nr_vcpus; i++) {
		const struct vcpu *v = READ_ONCE(d->vcpus[i]);
		const struct abi_vcpu_info *info = v ? READ_ONCE(v->info) : NULL;

		if (v)
			pr_info("  v%u: cpu %u%s, may run on %#lx, holds %#x, upcall pending "
				"%u%s\n", i, v->unit.cpu,
				v->unit.running ? " running" : "", v->unit.hard.bits[0],
				v->unit.holds, info ? info->evtchn_upcall_pending : 0, v->polling ? ", polls" : "");
	}
	for (unsigned int i = 0; i < units_count; i++)
		if (units[i].dump)
			units[i].dump(d);
}

void domain_dump_all(void)
{
	u32 next = 0;

	for (struct domain *d; (d = domain_get_next(next)); domain_put(d)) {
		next = d->id + 1U;
		domain_dump(d);
	}
}
